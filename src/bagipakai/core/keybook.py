"""The key book of an institution: to which key its packages are sealed, by whose word, and until when.

It takes two persons in two houses to put a key into force. The head of the institution signs a statement of it; an
officer of the controller, who telephoned and was read its fingerprint aloud, signs the confirmation. One person is
enough to withdraw it. Nothing here is changed: the book is a fold over events, so the key of any moment is the fold of
the events until then. Sources: trust reference §5.3 and §7; decision 0080.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Final, Self

from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.event import Actor, AnyCommand, AnyEvent, Role
from bagipakai.core.facts import ActorFacts
from bagipakai.core.manifest import fingerprint
from bagipakai.core.objections.person import (
    account_is_not_active,
    belongs_to_another_institution,
    belongs_to_own_institution,
    competence_has_ended,
    mandate_has_ended,
)
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import Form, is_any_text, is_digest, is_text, misfit
from bagipakai.core.table import Rule, Table, about_payload, first_refusal, table_of
from bagipakai.core.table import possible as possible_by

READ_ALOUD: Final = 32  # digits of a fingerprint that are read aloud (core.manifest.read_aloud)


class Status(StrEnum):
    """Of the book: whether a stated key waits for the officer who confirms it."""

    WAITING = "WAITING"
    SETTLED = "SETTLED"


class Action(StrEnum):
    STATE_KEY = "STATE_KEY"
    CONFIRM_KEY = "CONFIRM_KEY"
    WITHDRAW_KEY = "WITHDRAW_KEY"


class Event(AnyEvent[Status, Action]):
    """What happened to the keys of an institution. The payload of STATE_KEY is the key statement."""

    kind = "recipient-key"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do in a key book.

    Payload by action (every key is demanded): STATE_KEY institution, recipient, receipt_key · CONFIRM_KEY heard (what
    was read aloud) · WITHDRAW_KEY statement (its digest: an officer who must still hear the fingerprint knows no more),
    reason
    """


@dataclass(frozen=True, slots=True)
class Term:
    """What a key statement says on a day besides the key, and when its end is announced: policies/signatures.toml."""

    days: int
    notice_days: int
    holding: str

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule no key is stated."""
        rule = rules("signatures", "recipient_key").on(day)
        return cls(rule["days"], rule["notice_days"], rule["holding"])


@dataclass(frozen=True, slots=True)
class Statement:
    """A key as its institution stated it: `recipient` (`age1…`) opens packages, `receipt_key` (`ed25519:…`) signs that
    they were received, `fingerprint` is the first one's. `since` and `until` are days, both included; `digest` is of
    the event that stated it, `by` the person who did."""

    recipient: str
    fingerprint: str
    receipt_key: str
    since: date
    until: date
    by: str
    digest: str
    withdrawn: bool = False

    def ends_soon(self, today: date, term: Term) -> bool:
        """Whether its end is to be announced, or has come."""
        return not self.withdrawn and today > self.until - timedelta(days=term.notice_days)


@dataclass(frozen=True, slots=True)
class Book:
    """The keys of an institution as its events leave them. `current` is the last one confirmed, in force or not;
    `waiting` the last one stated, while nobody has confirmed or withdrawn it."""

    subject: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    current: Statement | None = None
    waiting: Statement | None = None

    def key_on(self, day: date) -> Statement | Refusal:
        """The key to which packages ordered on this day are sealed, or why there is none."""
        if self.current is None:
            return Refusal("recipient-key-is-not-confirmed" if self.waiting else "recipient-key-missing")
        if self.current.withdrawn:
            return Refusal("recipient-key-was-withdrawn")
        if day > self.current.until:
            return Refusal("recipient-key-has-expired", {"until": self.current.until.isoformat()})
        return self.current

    def standing(self) -> tuple[Statement, ...]:
        """What can be withdrawn."""
        return tuple(one for one in (self.waiting, self.current) if one is not None and not one.withdrawn)


@dataclass(frozen=True, slots=True)
class KeyFacts(ActorFacts):
    """The world at one moment, for one actor and one book. Each default refuses. `is_recipient`: the text is a public
    key of age; `stated_before`: by this institution or another, at any time."""

    term: Term | None = None
    is_recipient: bool = False
    stated_before: bool = True


def fold(events: Iterable[Event], subject: str = "") -> Book:
    """The book that the events leave."""
    return reduce(after, events, Book(subject))


def after(book: Book, event: Event) -> Book:
    """The book after one more event."""
    book, says = replace(book, n=event.n, status=event.status_after), event.payload
    match event.action:
        case Action.STATE_KEY:
            since, until = date.fromisoformat(says["from"]), date.fromisoformat(says["until"])
            halves = (says["recipient"], says["fingerprint"], says["receipt_key"])
            stated = Statement(*halves, since, until, event.actor.person, event.digest)
            return replace(book, institution=says["institution"], waiting=stated)
        case Action.CONFIRM_KEY:
            return replace(book, current=book.waiting, waiting=None)
        case Action.WITHDRAW_KEY if book.waiting is not None and book.waiting.digest == says["statement"]:
            return replace(book, waiting=None)
        case Action.WITHDRAW_KEY if book.current is not None:
            return replace(book, current=replace(book.current, withdrawn=True))
    return book


# what stands in the way


@about_payload
def key_is_private(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    """A private key, handed in by mistake, is refused and not kept."""
    told = (command.payload["recipient"], command.payload["receipt_key"])
    return Refusal("key-is-private") if any("age-secret-key-" in one.lower() for one in told) else None


@about_payload
def key_not_valid(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    return None if facts.is_recipient and facts.term is not None else Refusal("key-not-valid")


@about_payload
def receipt_key_not_valid(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    """The key that signs for packages, in its one spelling."""
    try:
        fits = PublicKey.from_line(command.payload["receipt_key"]).to_line() == command.payload["receipt_key"]
    except (ValueError, BadSeal):
        fits = False
    return None if fits else Refusal("receipt-key-not-valid")


@about_payload
def key_was_stated_before(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    """Each statement is of a new key: one that ended, was withdrawn or is somebody else's does not come back."""
    return Refusal("key-was-stated-before") if facts.stated_before else None


def stated_it_themselves(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    return Refusal("stated-it-themselves") if book.waiting and command.actor.person == book.waiting.by else None


@about_payload
def fingerprint_differs(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    """What was heard: the digits that are read aloud, or all of them; spaces and capitals do not matter."""
    heard = "".join(command.payload["heard"].split()).lower()
    whole = book.waiting.fingerprint if book.waiting else ""
    return None if whole and heard in (whole, whole[:READ_ALOUD]) else Refusal("fingerprint-differs")


@about_payload
def key_is_over(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    known = {one.digest for one in book.standing()}
    return None if command.payload["statement"] in known else Refusal("key-is-over")


def form_is_incomplete(book: Book, command: Command, facts: KeyFacts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action])
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


_SHAPES: Final[Mapping[Action, Form]] = {
    Action.STATE_KEY: {"institution": is_text, "recipient": is_text, "receipt_key": is_any_text},
    Action.CONFIRM_KEY: {"heard": is_text},
    Action.WITHDRAW_KEY: {"statement": is_digest, "reason": is_text},
}


# the table

PERSON: Final = (account_is_not_active, mandate_has_ended)
HEAD: Final = (*PERSON, belongs_to_another_institution)
OFFICER: Final = (*PERSON, competence_has_ended, belongs_to_own_institution)
NEW_KEY: Final = (key_is_private, key_not_valid, receipt_key_not_valid, key_was_stated_before)

_R, _A, _S = Role, Action, Status

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    *(Rule(_R.ACCOUNTABLE_OFFICER, _A.STATE_KEY, status, _S.WAITING, (*HEAD, *NEW_KEY), "Acuan kepercayaan 5.3, 7")
      for status in (None, _S.WAITING, _S.SETTLED)),
    Rule(_R.READINESS_REVIEWER, _A.CONFIRM_KEY, _S.WAITING, _S.SETTLED,
         (*OFFICER, stated_it_themselves, fingerprint_differs), "Acuan kepercayaan 5.3: dua orang, lewat telepon"),
    *(Rule(role, _A.WITHDRAW_KEY, status, None, (*objections, key_is_over), "Acuan kepercayaan 7: pencabutan seketika")
      for role, objections in ((_R.ACCOUNTABLE_OFFICER, HEAD), (_R.READINESS_REVIEWER, OFFICER))
      for status in (_S.WAITING, _S.SETTLED)),
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(book: Book, command: Command, facts: KeyFacts, table: Table[Status, Action] = TABLE) -> Refusal | None:
    """What stands in the way of the command, or None."""
    return first_refusal(table, book, command, facts, always=(form_is_incomplete,))


def decide(book: Book, command: Command, facts: KeyFacts, table: Table[Status, Action] = TABLE) -> Event | Refusal:
    """The event that the command makes, or what stands in its way."""
    if (refusal := objection(book, command, facts, table)) is not None:
        return refusal
    rule = table[(book.status, command.actor.role, command.action)]
    leads_to = rule.to_status or _left_by_withdrawing(book, command)
    return Event.next(book, command, facts.now, leads_to, _says(book, command, facts))


def possible(book: Book, actor: Actor, facts: KeyFacts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, book, actor, facts)


def _says(book: Book, command: Command, facts: KeyFacts) -> Mapping[str, Any]:
    """What the event carries: nobody types a term, and what is confirmed or withdrawn is named whole."""
    says = command.payload
    match command.action:
        case Action.STATE_KEY if facts.term is not None:
            term = {"from": facts.today, "until": facts.today + timedelta(days=facts.term.days)}
            days = {name: day.isoformat() for name, day in term.items()}
            return {**says, "fingerprint": fingerprint(says["recipient"]), **days, "holding": facts.term.holding}
        case Action.CONFIRM_KEY if book.waiting is not None:
            return _named(book.waiting)
        case Action.WITHDRAW_KEY:
            (key,) = (one for one in book.standing() if one.digest == says["statement"])
            return {**_named(key), "reason": says["reason"]}
    return says


def _named(key: Statement) -> dict[str, str]:
    days = {"from": key.since.isoformat(), "until": key.until.isoformat()}
    return {"recipient": key.recipient, "fingerprint": key.fingerprint, **days, "statement": key.digest}


def _left_by_withdrawing(book: Book, command: Command) -> Status:
    waits = book.waiting is not None and book.waiting.digest != command.payload["statement"]
    return Status.WAITING if waits else Status.SETTLED
