"""The scripted officers sign with keys of their own, and go through the same verification as anybody."""

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from bagipakai import postgres
from bagipakai.control import access, keybook, readiness, requests, submissions
from bagipakai.control.models import Person
from bagipakai.control.passkeys import matters, signing
from bagipakai.demo.authenticator import Wallet
from bagipakai.demo.processes import Stopped, passed

MATTERS = {
    requests: matters.REQUEST,
    readiness: matters.READINESS,
    keybook: matters.RECIPIENT_KEY,
    access: matters.ACCESS,
    submissions: matters.SUBMISSION,
}  # by counter


@cache
def wallet() -> Wallet:
    """The keys of the demonstration's officers; they lie under `var/demo` from one run to the next."""
    return Wallet(postgres.var() / "demo" / "kunci-sandi")


def signed_by(
    person: Person, counter: ModuleType, subject: Any, action: Any, payload: Mapping[str, Any], seen: int
) -> Any:
    """Has `person` do `action` at this counter (one of MATTERS), signed where it must be. Raises Stopped."""
    if not signing.needed(MATTERS[counter], action):
        return passed(counter.handle(subject, action, person, payload, seen))
    try:
        wallet().of(person)  # whoever has no key yet is given one, as anybody is
    except LookupError as error:
        raise Stopped(f"{person.name} belum memegang kunci sandi yang dikukuhkan ({error}).") from None
    found = passed(counter.draw_up(subject, action, person, payload, seen))
    return passed(counter.handle(subject, action, person, payload, seen, wallet().sign(found)))
