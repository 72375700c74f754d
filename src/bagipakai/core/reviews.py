"""Clerical review: who judges which pair of a list's row and a registered person, and what their verdicts come to.

A sheet is what one clerk claims at once: some pairs of one review, for a time. Of the pairs, a drawn share is judged by
two people, neither of whom sees what the other said; where they differ, a third one decides. No value of a pair stands
here: pairs are numbers, and what stands behind them only the clerk's browser reads (decision 0136).
Sources: matching reference 4.8; law reference 6.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Final, Self

from bagipakai.core.event import Actor, AnyCommand, AnyEvent, Role
from bagipakai.core.facts import ActorFacts
from bagipakai.core.objections.person import account_is_not_active, competence_has_ended, mandate_has_ended
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import Form, each, is_any_text, is_count, is_digest, is_text, misfit, one_of
from bagipakai.core.table import Rule, Table, about_payload, first_refusal, table_of
from bagipakai.core.table import possible as possible_by


class Verdict(StrEnum):
    YES = "YES"  # one person
    NO = "NO"  # two persons
    UNSURE = "UNSURE"  # what stands there does not tell


class Status(StrEnum):
    CLAIMED = "CLAIMED"  # with its clerk
    ANSWERED = "ANSWERED"  # its verdicts are on their way to the registry
    KEPT = "KEPT"  # the registry keeps them beside the pairs
    GIVEN_BACK = "GIVEN_BACK"  # by its clerk, without a verdict
    EXPIRED = "EXPIRED"  # its time is over, without a verdict
    REFUSED = "REFUSED"  # the registry does not keep its verdicts


class Action(StrEnum):
    CLAIM = "CLAIM"
    UNLOCK = "UNLOCK"  # asks for the pairs, sealed to a key of this browser; again after the page was closed
    ANSWER = "ANSWER"
    GIVE_BACK = "GIVE_BACK"
    EXPIRE = "EXPIRE"
    RECORD_RECEIPT = "RECORD_RECEIPT"


READER: Final = re.compile("04[0-9a-f]{128}")  # a point of P-256, uncompressed (SEC 1, 2.3.3)
UNJUDGED: Final = (Status.GIVEN_BACK, Status.EXPIRED, Status.REFUSED)  # its pairs wait again
FIRST, SECOND, ARBITER = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Limits:
    """From policies/matching.toml: most `pairs` of a sheet, for how many `minutes`, how many pairs per mille are judged
    by two people (`twice`), to how many `keys` a sheet is sealed at most, and for how many `days` pairs are kept."""

    pairs: int
    minutes: int
    twice: int
    keys: int
    days: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule nothing is reviewed."""
        rule = rules("matching", "review").on(day)
        return cls(*(rule[name] for name in ("pairs", "minutes", "twice", "keys", "days")))


@dataclass(frozen=True, slots=True)
class Turn:
    """One judgement of a pair that is due: the first, the second, or the arbiter's."""

    pair: int
    round: int


class Event(AnyEvent[Status, Action]):
    """What happened to a sheet."""

    kind = "sheet"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do to a sheet.

    Payload by action (every key is demanded): CLAIM review, institution (that sent the list), turns (pair, round)
    · UNLOCK order, key (public one of the browser) · ANSWER verdicts (pair, verdict) · RECORD_RECEIPT receipt (digest
    of its envelope), refusal · the others –
    """


@dataclass(frozen=True)
class Sheet:
    """A sheet as its events leave it. `institution` sent the list; `unlocked` counts the keys it was sealed to."""

    subject: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    review: str = ""
    turns: tuple[Turn, ...] = ()
    clerk: Actor | None = None
    claimed_at: datetime | None = None
    unlocked: int = 0
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SheetFacts(ActorFacts):
    """The world at one moment, for one clerk and one sheet. Each default refuses.

    `houses`: the institutions in which this person holds any post. `serves`: the clerk's post serves the controller of
    whom the list was asked. `holding`: sheets that this person holds already. `free`: what this person may judge.
    """

    limits: Limits = field(default_factory=lambda: Limits(0, 0, 0, 0, 0))
    houses: frozenset[str] | None = None
    serves: bool = False
    holding: int = 1
    free: frozenset[Turn] = frozenset()


def fold(events: Iterable[Event], subject: str = "") -> Sheet:
    """The sheet that the events leave."""
    return reduce(after, events, Sheet(subject))


def after(state: Sheet, event: Event) -> Sheet:
    """The sheet after one more event."""
    payload = event.payload
    changes: dict[str, Any] = {"n": event.n, "status": event.status_after}
    match event.action:
        case Action.CLAIM:
            changes |= {name: payload[name] for name in ("institution", "review")}
            changes["turns"] = tuple(Turn(**one) for one in payload["turns"])
            changes |= {"clerk": event.actor, "claimed_at": event.at}
        case Action.UNLOCK:
            changes["unlocked"] = state.unlocked + 1
        case Action.ANSWER:
            changes["verdicts"] = {one["pair"]: Verdict(one["verdict"]) for one in payload["verdicts"]}
            changes["answered_at"] = event.at
    return replace(state, **changes)


# whose turn it is


@dataclass(frozen=True, slots=True)
class Judged:
    """One turn that somebody took; `verdict` is None while they are at it."""

    turn: Turn
    person: str
    verdict: Verdict | None


def is_judged_twice(salt: str, pair: int, share: int) -> bool:
    """Whether a pair is one of the drawn `share` per mille. The salt is the review's and stays in the office, so that
    no clerk can tell which pairs another one judges too."""
    drawn = hashlib.sha256(f"{salt}/{pair}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % 1000 < share


def settled(verdicts: Sequence[Verdict], twice: bool) -> Verdict | None:
    """What the verdicts on a pair, in the order of their rounds, come to; None while somebody is still to say."""
    if len(verdicts) < (2 if twice else 1):
        return None
    if len(verdicts) > SECOND:
        return verdicts[ARBITER - 1]
    return verdicts[0] if len(set(verdicts)) == 1 else None


def free(pairs: int, salt: str, share: int, judged: Iterable[Judged], person: str) -> Iterator[Turn]:
    """What this person may judge now of a review of so many pairs, in their order: nobody judges a pair twice."""
    taken: dict[int, dict[int, Judged]] = {}
    for one in judged:
        taken.setdefault(one.turn.pair, {})[one.turn.round] = one
    for pair in range(pairs):
        so_far = taken.get(pair, {})
        due = _due(so_far, is_judged_twice(salt, pair, share))
        if due and all(one.person != person for one in so_far.values()):
            yield Turn(pair, due)


def _due(so_far: Mapping[int, Judged], twice: bool) -> int | None:
    """The round of a pair that nobody has taken yet and somebody should."""
    for number in (FIRST, SECOND) if twice else (FIRST,):
        if number not in so_far:
            return number
    said = {one.verdict for one in so_far.values()}
    return ARBITER if twice and ARBITER not in so_far and None not in said and len(said) > 1 else None


# what stands in the way


def list_is_of_an_own_house(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    """Who works where the list comes from knows the people on it, and gains by their being found."""
    asking = state.institution if state.status else command.payload.get("institution")
    if facts.houses is None or asking in facts.houses:
        return Refusal("list-is-of-an-own-house")
    return None


def works_for_another_controller(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    return None if facts.serves else Refusal("works-for-another-controller")


def holds_a_sheet_already(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    """Claimed pairs wait for their clerk alone: whoever takes the next gives an answer first."""
    return Refusal("holds-a-sheet-already") if facts.holding else None


def nothing_waits_for_them(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    return None if facts.free else Refusal("no-pair-waits")


@about_payload
def pairs_are_not_theirs_to_take(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    """Others took them meanwhile, or this person judged them before, or they are too many at once."""
    turns = {Turn(**one) for one in command.payload["turns"]}
    right = 0 < len(turns) == len(command.payload["turns"]) <= facts.limits.pairs and turns <= facts.free
    return None if right else Refusal("pairs-are-taken")


def sheet_is_another_clerks(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    mine = state.clerk is not None and state.clerk.person == command.actor.person
    return None if mine else Refusal("sheet-is-another-clerks")


def time_of_the_sheet_is_over(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    return Refusal("time-of-the-sheet-is-over") if _is_over(state, facts) else None


def time_of_the_sheet_is_not_over(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    return None if _is_over(state, facts) else Refusal("time-of-the-sheet-is-not-over")


def sheet_was_opened_too_often(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    """A page that was closed asks again; nobody needs to read the same pairs without end."""
    most = facts.limits.keys
    return None if state.unlocked < most else Refusal("sheet-was-opened-too-often", {"most": str(most)})


@about_payload
def verdicts_are_not_of_these_pairs(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    """One for each pair of the sheet, and for no other."""
    named = [one["pair"] for one in command.payload["verdicts"]]
    return None if sorted(named) == sorted(one.pair for one in state.turns) else Refusal("verdicts-do-not-fit")


def form_is_incomplete(state: Sheet, command: Command, facts: SheetFacts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action])
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


def until(claimed_at: datetime, limits: Limits) -> datetime:
    """When a sheet claimed then is nobody's any more."""
    return claimed_at + timedelta(minutes=limits.minutes)


def _is_over(state: Sheet, facts: SheetFacts) -> bool:
    return state.claimed_at is None or facts.now >= until(state.claimed_at, facts.limits)


def is_reader(value: object) -> bool:
    """Whether it is a public key as a browser tells it: a point in hexadecimal digits."""
    return isinstance(value, str) and READER.fullmatch(value) is not None


_SHAPES: Final[Mapping[Action, Form]] = {
    **{action: {} for action in Action},
    Action.CLAIM: {
        "review": is_text,
        "institution": is_text,
        "turns": each(pair=is_count, round=is_count),
    },
    Action.UNLOCK: {"order": is_text, "key": is_reader},
    Action.ANSWER: {"verdicts": each(pair=is_count, verdict=one_of(*Verdict))},
    Action.RECORD_RECEIPT: {"receipt": is_digest, "refusal": is_any_text},
}


# the table

CLERK: Final = (
    account_is_not_active,
    mandate_has_ended,
    competence_has_ended,
    works_for_another_controller,
    list_is_of_an_own_house,
)
HOLDER: Final = (*CLERK, sheet_is_another_clerks, time_of_the_sheet_is_over)

BASIS = "Acuan pemadanan 4.8; keputusan 0136"
_R, _A, _S = Role, Action, Status

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    Rule(_R.CLERK, _A.CLAIM, None, _S.CLAIMED,
         (*CLERK, holds_a_sheet_already, nothing_waits_for_them, pairs_are_not_theirs_to_take), BASIS),
    Rule(_R.CLERK, _A.UNLOCK, _S.CLAIMED, _S.CLAIMED, (*HOLDER, sheet_was_opened_too_often), BASIS),
    Rule(_R.CLERK, _A.ANSWER, _S.CLAIMED, _S.ANSWERED, (*HOLDER, verdicts_are_not_of_these_pairs), BASIS),
    Rule(_R.CLERK, _A.GIVE_BACK, _S.CLAIMED, _S.GIVEN_BACK, HOLDER, BASIS),
    Rule(_R.SYSTEM, _A.EXPIRE, _S.CLAIMED, _S.EXPIRED, (time_of_the_sheet_is_not_over,), BASIS),
    Rule(_R.SYSTEM, _A.RECORD_RECEIPT, _S.ANSWERED, None, (), BASIS),
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(
    state: Sheet, command: Command, facts: SheetFacts, table: Table[Status, Action] = TABLE
) -> Refusal | None:
    """What stands in the way of the command, or None."""
    return first_refusal(table, state, command, facts, always=(form_is_incomplete,))


def decide(state: Sheet, command: Command, facts: SheetFacts, table: Table[Status, Action] = TABLE) -> Event | Refusal:
    """The event that the command makes, or what stands in its way."""
    if (refusal := objection(state, command, facts, table)) is not None:
        return refusal
    rule = table[(state.status, command.actor.role, command.action)]
    told = Status.REFUSED if command.payload.get("refusal") else Status.KEPT
    return Event.next(state, command, facts.now, rule.to_status or told, command.payload)


def possible(state: Sheet, actor: Actor, facts: SheetFacts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, state, actor, facts)
