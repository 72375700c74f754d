"""Telling people what happened and whose turn it is: one notice per event and person, in the event's transaction."""

from django.db.models import QuerySet

from bagipakai.control import clock, institutions, people
from bagipakai.control.models import Event, Institution, Notice, Person, Request
from bagipakai.core.request import Event as Happened
from bagipakai.core.request import Role, State

# What the institution that asks is told of, besides its own turn.
TOLD_TO_APPLICANTS = frozenset({Role.APPLICANT, Role.ACCOUNTABLE_OFFICER})


def send(request: Request, entry: Event, state: State, event: Happened) -> None:
    """Tells the next to act that it is their turn, and the institution that asks where its request stands. Whoever did
    it is not told."""
    if event.status_before == event.status_after:
        return
    told: dict[int, str] = {}
    for role in TOLD_TO_APPLICANTS:
        for person in people.holders(role, [request.institution_id]):
            told[person.pk] = "moved"
    for name in request.awaited:
        for person in _holders(Role(name), request):
            told[person.pk] = "your-turn"
    told.pop(int(event.actor.person or 0), None)
    Notice.objects.bulk_create(
        Notice(event=entry, person_id=person_id, code=code, at=event.at) for person_id, code in sorted(told.items())
    )


def unread(person: Person) -> QuerySet[Notice]:
    """What this person has not read, newest first."""
    return (
        Notice.objects.filter(person=person, read_at=None).select_related("event__subject__institution").order_by("-id")
    )


def read(person: Person, reference: str) -> None:
    """Marks what this person was told about a request as read."""
    Notice.objects.filter(person=person, event__subject__reference=reference, read_at=None).update(read_at=clock.now())


def _holders(role: Role, request: Request) -> QuerySet[Person]:
    if role in TOLD_TO_APPLICANTS:
        return people.holders(role, [request.institution_id])
    if role is Role.DATA_PRODUCER:
        owners = Institution.objects.filter(code__in=request.owners).values_list("pk", flat=True)
        return people.holders(role, owners)
    return people.holders(role, institutions.serving(request.controller))
