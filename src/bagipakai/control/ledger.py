"""Writing down what happened, and reading it back. Entries are only ever added; each is bound to the one before.

Appending entry `n` of a subject under its unique constraint is the only lock there is: two who decide at once meet
there, one is written, and the other is told so. A request never waits for another request. Each entry, and each "no",
is a leaf of the trail as well, in the same transaction (decision 0073).
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model

from bagipakai.control import clock
from bagipakai.control.models import Denial, Person, Request
from bagipakai.control.models.ledger import Entry
from bagipakai.control.trail import entries, leaves
from bagipakai.core import policy
from bagipakai.core.canonical import digest
from bagipakai.core.event import Actor, AnyEvent
from bagipakai.core.refusal import Refusal

log = logging.getLogger("bagipakai.control.ledger")

FIRST = "0" * 64  # what stands before the first entry

Written = TypeVar("Written", bound=Entry)


class Overtaken(Exception):
    """Somebody else wrote this entry's number, `n`, first."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.n = n


class Enterable(Protocol):
    """An event of any kind, as far as an entry is made of it."""

    @property
    def n(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def action(self) -> StrEnum: ...
    def to_json(self) -> dict[str, Any]: ...


def append(kind: type[Written], subject: Model, event: AnyEvent[Any, Any], signature: str = "") -> Written:
    """Writes `event` as the next entry of `subject` and as a leaf of the trail; `signature` is the digest of the
    decision that was signed with it. Raises Overtaken if its number is taken. Only `control.door` calls it, inside a
    transaction: what follows from the event commits with it, or not at all."""
    entry = enter(kind, subject, event)
    name = entries.about(entry)
    leaves.write(
        f"{event.kind}.{entry.action}",
        name,
        entry.payload,
        by=leaves.actor(entry.person_id, entry.post_id),
        institution=event.actor.institution,
        at=event.at,
        after=name.replace(f"#{event.n}", f"#{event.n - 1}") if event.n > 1 else "",
        signature=signature,
        kept_elsewhere=True,
    )
    return entry


def enter(kind: type[Written], subject: Model, event: Enterable) -> Written:
    """Writes the entry alone, for a caller that writes a leaf of its own. Raises Overtaken if its number is taken."""
    payload = event.to_json()
    previous = (
        kind.objects.filter(subject=subject, n=event.n - 1).values_list("digest", flat=True).first()  # type: ignore[attr-defined]
        or FIRST
    )
    version = policy.version()
    entry = kind(
        subject=subject,
        n=event.n,
        at=event.at,
        action=str(event.action),
        person_id=_number(event.actor.person),
        post_id=_number(event.actor.post),
        payload=payload,
        policy=version,
        previous=previous,
        digest=_digest(payload, version, previous),
    )
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError:
        raise Overtaken(event.n) from None
    return entry


def payloads(kind: type[Entry], subject: Model) -> list[dict[str, Any]]:
    """What was written of `subject`, in order."""
    return list(kind.objects.filter(subject=subject).order_by("n").values_list("payload", flat=True))  # type: ignore[attr-defined]


def broken_at(kind: type[Entry], subject: Model) -> int | None:
    """The number of the first entry that was changed, removed or put in behind the office's back; None if all stand."""
    previous = FIRST
    for expected, entry in enumerate(kind.objects.filter(subject=subject).order_by("n"), start=1):  # type: ignore[attr-defined]
        whole = entry.digest == _digest(entry.payload, entry.policy, previous)
        if entry.n != expected or entry.previous != previous or not whole:
            return expected
        previous = entry.digest
    return None


def is_whole(kind: type[Entry], subject: Model) -> bool:
    """Whether every entry of `subject` stands as it was written. If not, the log says where: somebody must look."""
    at = broken_at(kind, subject)
    if at is not None:
        log.error("ledger.broken kind=%s subject=%s n=%d", kind.__name__, subject.pk, at)
    return at is None


def deny(
    no: Refusal, action: str, person: Person | None, *, request: Request | None = None, subject: str = ""
) -> Refusal:
    """Writes down that something was refused, to whom and why, and hands the refusal on."""
    with transaction.atomic():
        denial = Denial.objects.create(
            at=clock.now(),
            request=request,
            subject=subject[:60],
            person=person,
            action=action[:40],
            code=no.code,
            detail=dict(no.detail),
        )
        leaves.write(
            f"refusal.{no.code}",
            request.reference if request else f"tolakan/{denial.pk}",
            {"action": denial.action, "code": denial.code, "detail": denial.detail, "subject": denial.subject},
            by=leaves.actor(person.pk if person else None),
            at=denial.at,
        )
    return no


def _digest(payload: Mapping[str, Any], version: str, previous: str) -> str:
    return digest({"payload": payload, "policy": version, "previous": previous})


def _number(text: str) -> int | None:
    return int(text) if text else None
