"""Who acts: a person on a post, asked anew at the moment of acting. Rights belong to the post, between two instants."""

from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias

from bagipakai.control import clock, people
from bagipakai.control.models import Person, Tenure
from bagipakai.core.facts import Mandate
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Actor, Role

Acting: TypeAlias = Person | Tenure  # a person on any post they hold, or on this one


def person_of(acting: Acting) -> Person:
    return acting.person if isinstance(acting, Tenure) else acting


def tenures_of(acting: Acting) -> list[Tenure]:
    """The posts in question that are held at this moment."""
    held = people.tenures(person_of(acting))
    return list(held.filter(pk=acting.pk) if isinstance(acting, Tenure) else held)


def in_the_way(acting: Acting) -> Refusal | None:
    """Why this person can act on no post at all, if so."""
    person = Person.objects.get(pk=person_of(acting).pk)
    if person.state != Person.State.ACTIVE:
        return Refusal("account-is-not-active", {"account": person.state})
    if not tenures_of(acting):
        return Refusal("mandate-has-ended", {"post": acting.post.title if isinstance(acting, Tenure) else "–"})
    return None


def actor(tenure: Tenure, role: Role) -> Actor:
    """The value that the rules judge and the ledger keeps."""
    return Actor(str(tenure.person_id), str(tenure.post_id), role, tenure.post.institution.code)


def known_of(tenure: Tenure | None, day: date) -> dict[str, Any]:
    """What the rules ask of the one who acts, for `core.facts.ActorFacts`; nothing of the office itself (None)."""
    if tenure is None:
        return {}
    return {
        "account": tenure.person.state,
        "mandate": mandate(tenure),
        "competences": people.competences(tenure.person, day),
    }


def mandate(tenure: Tenure) -> Mandate:
    """The tenure between two instants: from midnight in Jakarta of its first day to midnight after its last, or to the
    instant at which it was ended."""
    until = None if tenure.until is None else _midnight(tenure.until + timedelta(days=1))
    ends = [moment for moment in (until, tenure.ended_at) if moment is not None]
    return Mandate(
        person=str(tenure.person_id),
        post=str(tenure.post_id),
        institution=tenure.post.institution.code,
        roles=frozenset(tenure.post.roles),
        since=_midnight(tenure.since),
        until=min(ends, default=None),
        acting=tenure.kind != "DEFINITIVE",
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.WIB)
