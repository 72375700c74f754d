"""The entrance: an address and a password, and a door that closes for a while when they are wrong too often.

What is kept of a failure is when, and two keyed digests: of the account that was named, whether or not there is one,
and of the network it came from. Nobody can read an address out of them without the office's session key; they are
forgotten after a day.
"""

import ipaddress
import logging
from collections.abc import Mapping
from datetime import timedelta

from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from bagipakai.control import clock, ledger
from bagipakai.control.models import LoginFailure, Person
from bagipakai.core.entrance import Limit
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal

log = logging.getLogger("bagipakai.control.entrance")

KINDS = ("account", "address")


def enter(email: str, password: str, network: str) -> Person | Refusal | None:
    """Who this is; None if address and password do not match; why nobody is asked now, and until when. The failure that
    closes the entrance is recorded as a refusal. `network` is the internet address they come from."""
    whose = {"account": _mark("account", email.strip().lower()), "address": _mark("address", _site(network))}
    with transaction.atomic():
        _one_at_a_time(whose["account"])
        if no := _closed(whose):
            return no[1]
        person = authenticate(username=email, password=password)
        if isinstance(person, Person):
            return person
        LoginFailure.objects.create(at=clock.now(), **whose)
        if no := _closed(whose):
            kind, refusal = no
            log.warning("entrance.closed by=%s", kind)
            return ledger.deny(refusal, "LOGIN", None, subject=f"masuk/{kind}/{whose[kind][:16]}")
    return None


def tidy() -> int:
    """Forgets failures that are too old to matter; how many."""
    kept = timedelta(hours=rules("login", "memory").on(clock.today())["hours"])
    return LoginFailure.objects.filter(at__lt=clock.now() - kept).delete()[0]


def _closed(whose: Mapping[str, str]) -> tuple[str, Refusal] | None:
    """What closes the entrance at this moment, and the refusal that says until when."""
    now = clock.now()
    for kind in KINDS:
        limit = Limit.on(clock.day_of(now), kind)
        failed = LoginFailure.objects.filter(**{kind: whose[kind]}).order_by("-at").values_list("at", flat=True)
        until = limit.closed_until(list(failed[: limit.failures]))
        if until is not None and now < until:
            opens = (until + timedelta(minutes=1) - timedelta(microseconds=1)).astimezone(clock.WIB)
            return kind, Refusal("login-is-closed", {"until": f"{opens:%H.%M}"})
    return None


def _one_at_a_time(mark: str) -> None:
    """Guesses at one account wait for each other: a hundred at once are counted like a hundred in a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [mark])


def _mark(kind: str, text: str) -> str:
    return salted_hmac(f"bagipakai.entrance.{kind}", text, algorithm="sha256").hexdigest()


def _site(network: str) -> str:
    """Whoever has an IPv6 address has 2^64 of them: their network is what counts."""
    try:
        address = ipaddress.ip_address(network)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
