"""The one who acts: in office, competent, on the right side, and not in a matter of their own. Asked by all tables."""

from datetime import date
from typing import Any, Protocol

from bagipakai.core.event import AnyCommand, Folded
from bagipakai.core.facts import ActorFacts, Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import CHECK_OF, Check, Command, State


class Drafted(Folded, Protocol):
    """Written by these persons."""

    @property
    def authors(self) -> frozenset[str]: ...


def account_is_not_active(thing: Folded, command: AnyCommand[Any], facts: ActorFacts) -> Refusal | None:
    return None if facts.account == "ACTIVE" else Refusal("account-is-not-active", {"account": facts.account})


def mandate_has_ended(thing: Folded, command: AnyCommand[Any], facts: ActorFacts) -> Refusal | None:
    """Rights belong to the post; a person has them while holding it, as acting officer too."""
    actor, held = command.actor, facts.mandate
    if held is not None and held.is_held_by(actor.person, actor.post, actor.institution, actor.role, facts.now):
        return None
    return Refusal("mandate-has-ended", {"post": actor.post})


def competence_has_ended(thing: Folded, command: AnyCommand[Any], facts: ActorFacts) -> Refusal | None:
    for kind in facts.needs(command.actor.role):
        if facts.competences.get(kind, date.min) < facts.today:
            return Refusal("competence-has-ended", {"competence": kind})
    return None


def belongs_to_another_institution(thing: Folded, command: AnyCommand[Any], facts: ActorFacts) -> Refusal | None:
    asking = command.payload["institution"] if thing.status is None else thing.institution
    return None if command.actor.institution == asking else Refusal("belongs-to-another-institution")


def belongs_to_own_institution(thing: Folded, command: AnyCommand[Any], facts: ActorFacts) -> Refusal | None:
    return Refusal("belongs-to-own-institution") if command.actor.institution == thing.institution else None


def drafted_it_themselves(thing: Drafted, command: AnyCommand[Any], facts: ActorFacts) -> Refusal | None:
    return Refusal("drafted-it-themselves") if command.actor.person in thing.authors else None


def already_examined_it(state: State, command: Command, facts: Facts) -> Refusal | None:
    """One person, one check of a chain; and whoever checked, or signed for the controller, may not write in it, nor
    sign for the institution that asks."""
    own = CHECK_OF.get(command.actor.role)
    for check, persons in state.examined.items():
        if check is not own and command.actor.person in persons:
            return Refusal("already-examined-it", {"check": check.value})
    if command.actor.person in facts.standing.reviewers:
        return Refusal("already-examined-it", {"check": Check.READINESS_REVIEW.value})
    return None
