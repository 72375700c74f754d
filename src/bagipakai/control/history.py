"""What happened to a request, what comes, and what differs between two of its versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from bagipakai.control import clock, forms, ledger, rulebook
from bagipakai.control.cabinet import find, state_of
from bagipakai.control.models import Event, Institution, Person, Post
from bagipakai.core.request import Action, Role, State, Status, fold
from bagipakai.core.request import Event as Happened


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, as it is told. `before` and `after` are the stages; `reason` is what its actor gave."""

    n: int
    at: datetime
    action: Action
    role: Role
    person: str
    post: str
    institution: str
    before: Status | None
    after: Status
    reason: str

    @property
    def moved(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Timeline:
    """The past, the present stage with its due day and whose turn it is, and the stages still to come if all goes
    well."""

    past: tuple[Moment, ...]
    status: Status
    since: datetime
    due_on: date | None
    turn: tuple[Role, ...]
    coming: tuple[tuple[Status, date | None], ...]  # each with the day by which it would be left


PATH = (
    Status.DRAFT,
    Status.SUBMITTED,
    Status.ADMIN_CHECK,
    Status.SUBSTANCE_CHECK,
    Status.COORDINATOR_DECISION,
    Status.AGREEMENT_SIGNING,
    Status.PROCESSING,
    Status.QUALITY_CHECK,
    Status.HANDOVER_SIGNING,
    Status.ACCESS_GRANTED,
)


def timeline(reference: str) -> Timeline:
    """What happened, what is now, what comes. Raises UnknownRequest."""
    request = find(reference)
    events = [Happened.from_json(one) for one in ledger.payloads(Event, request)]
    current = fold(events, reference)
    persons = dict(Person.objects.filter(pk__in=_ids(one.actor.person for one in events)).values_list("pk", "name"))
    posts = dict(Post.objects.filter(pk__in=_ids(one.actor.post for one in events)).values_list("pk", "title"))
    houses = dict(
        Institution.objects.filter(code__in={one.actor.institution for one in events}).values_list("code", "name")
    )
    past = tuple(
        Moment(
            n=one.n,
            at=one.at,
            action=one.action,
            role=one.actor.role,
            person=persons.get(int(one.actor.person or 0), ""),
            post=posts.get(int(one.actor.post or 0), ""),
            institution=houses.get(one.actor.institution, ""),
            before=one.status_before,
            after=one.status_after,
            reason=str(one.payload.get("reason") or ""),
        )
        for one in events
    )
    status = Status(request.status)
    place = current.returned_by if status is Status.RETURNED else status
    place = Status.SUBSTANCE_CHECK if place is Status.CLARIFICATION else place
    coming = PATH[PATH.index(place) + (status is not Status.RETURNED) :] if place in PATH else ()
    since = current.stays[-1].since if current.stays else request.opened_at
    days = rulebook.expected(current, clock.today(), coming)
    ahead = tuple((stage, days.get(stage)) for stage in coming)
    return Timeline(past, status, since, request.due_on, tuple(map(Role, request.awaited)), ahead)


@dataclass(frozen=True, slots=True)
class Clarification:
    """One meeting to clarify: what was asked, and what its record says. `document` is the SHA-256 of the record; both
    are empty until it is made. `confirmed`: the applicant stands by it."""

    questions: str
    summary: str = ""
    document: str = ""
    confirmed: bool = False


def clarifications(reference: str) -> tuple[Clarification, ...]:
    """Every meeting so far, in order, each with its last record. Raises UnknownRequest."""
    found: list[Clarification] = []
    for one in (Happened.from_json(told) for told in ledger.payloads(Event, find(reference))):
        match one.action:
            case Action.ASK_CLARIFICATION:
                found.append(Clarification(one.payload["questions"]))
            case Action.RECORD_CLARIFICATION:
                found[-1] = replace(found[-1], summary=one.payload["summary"], document=one.payload["document"])
            case Action.CONFIRM_CLARIFICATION:
                found[-1] = replace(found[-1], confirmed=True)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two contents: a `field:` or `document:` by its name, its label, and both values (None where
    there was none). Documents are compared by their digests."""

    target: str
    label: str
    before: Any
    after: Any


def differences(reference: str, first: int, second: int | None = None) -> list[Difference]:
    """What changed from version `first` (0: nothing) to version `second` (None: the content as it is now), in the order
    of the form. Raises UnknownRequest, and IndexError for a version that was never sent."""
    request = find(reference)
    current = state_of(request)
    answers, attachments = _content(current, first)
    later_answers, later_attachments = _content(current, second)
    found = []
    for question in forms.version(request.form).questions:
        pair = answers.get(question.code), later_answers.get(question.code)
        if pair[0] != pair[1]:
            found.append(Difference(f"field:{question.code}", question.label(), *pair))
    for kind in sorted({*attachments, *later_attachments}):
        before, now = attachments.get(kind), later_attachments.get(kind)
        if (before and before.sha256) != (now and now.sha256):
            found.append(Difference(f"document:{kind}", kind, before, now))
    return found


def _content(current: State, number: int | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if number is None:
        return current.answers, current.attachments
    if number == 0:
        return {}, {}
    if not 0 < number <= len(current.versions):
        raise IndexError(number)
    version = current.versions[number - 1]
    return version.answers, version.attachments


def _ids(texts: Iterable[str]) -> set[int]:
    return {int(text) for text in texts if text}
