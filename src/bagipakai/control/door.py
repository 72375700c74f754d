"""The one door: everything that happens to a request, a review or a grant comes through here (decision 0050).

Whoever comes says what they want and what they had seen. The events are folded and the facts gathered anew, the rules
decide, the event is appended, and what follows from it commits with it or not at all. The number of the event is the
only lock: of two who come at once, one is written and the other is told so. Every "no" is written down too.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Model

from bagipakai.control import clock, documents, ledger
from bagipakai.control.acting import Acting, in_the_way, person_of, tenures_of
from bagipakai.control.models import Document, PendingDecision, Tenure
from bagipakai.control.models.ledger import Entry
from bagipakai.control.passkeys import signing
from bagipakai.control.passkeys.matters import Matter
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.signing.acts import Stopped
from bagipakai.control.trail import stops
from bagipakai.core.event import SYSTEM, Actor, AnyCommand, AnyEvent, Folded, Role
from bagipakai.core.refusal import Refusal

log = logging.getLogger("bagipakai.control.door")

Row = TypeVar("Row", bound=Model)
State = TypeVar("State", bound=Folded)
Happened = TypeVar("Happened", bound=AnyEvent[Any, Any])

NOTHING_YET = Document(sha256=ledger.FIRST, size=0, name="-", media_type="-")  # stands for a file not yet looked into


def told_of(document: Document) -> dict[str, Any]:
    """A document as the events of all kinds tell of it."""
    told = {"sha256": document.sha256, "bytes": document.size}
    return {**told, "name": document.name, "media": document.media_type}


@dataclass(frozen=True, slots=True)
class Possibility:
    """One act that a reader could do now in one of their roles, or what stands in the way of it."""

    action: Any
    role: Role
    tenure: Tenure
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Door(Generic[Row, State, Happened]):
    """What comes through the door: a kind of row, the rules that decide on it, and what the office knows and does."""

    rules: Any  # core.workflow, core.readiness or core.access
    entries: type[Entry]  # where its events stand
    name: Callable[[Row], str]  # as its events call it
    denied: Callable[[Row], dict[str, Any]]  # how a refusal names it, for `ledger.deny`
    actors: Callable[[list[Tenure], Row, datetime], Sequence[tuple[Actor, Tenure]]]  # what these posts let one be here
    facts: Callable[..., Any]  # (row, state, at, *, tenure, action, payload): all that the rules may ask
    follows: Callable[[Row, State, Happened, Any], None]  # what commits with an event and its entry
    due: Callable[[Row, State, datetime], AnyCommand[Any] | None]  # what the office now does by itself, if it may
    kind: str = ""  # of its matters (control.passkeys.matters), where acts are signed
    matter: Callable[[Row, State, Happened], Matter] | None = None  # what is signed with an act; None: nothing is
    last_look: Callable[[Row, State, Happened], Refusal | None] = lambda *_: None  # what the rules cannot know

    def state(self, row: Row) -> State:
        """The thing as its events leave it."""
        events = [self.rules.Event.from_json(one) for one in ledger.payloads(self.entries, row)]
        folded: State = self.rules.fold(events, self.name(row))
        return folded

    def answer(
        self,
        row: Row,
        action: Any,
        acting: Acting | None,
        payload: Mapping[str, Any],
        *,
        seen: int | None = None,
        at: datetime | None = None,
    ) -> Happened | Refusal:
        """The event, or the refusal, for the post of this person that comes closest to being allowed. Writes nothing.
        `acting` None: the office itself. `seen` None: whatever there is now."""
        if no := stops.stopped(connection) or (acting and in_the_way(acting)):
            return no
        at, state = at or clock.now(), self.state(row)
        mine: list[tuple[Actor, Tenure | None]] = [(SYSTEM, None)]
        if acting is not None:
            mine = [
                (actor, tenure)
                for actor, tenure in self.actors(tenures_of(acting), row, at)
                if any(role is actor.role and what is action for _, role, what in self.rules.TABLE)
            ]
            mine.sort(key=lambda one: (state.status, one[0].role, action) not in self.rules.TABLE)
        refusals = []
        for actor, tenure in mine:
            facts = self.facts(row, state, at, tenure=tenure, action=action, payload=payload)
            command = AnyCommand(action, actor, payload, state.n if seen is None else seen)
            outcome: Happened | Refusal = self.rules.decide(state, command, facts)
            if not isinstance(outcome, Refusal):
                return self.last_look(row, state, outcome) or outcome
            refusals.append(outcome)
        return refusals[0] if refusals else Refusal("not-this-role", {"action": action.value})

    def handle(
        self,
        row: Row,
        action: Any,
        acting: Acting | None,
        payload: Mapping[str, Any] | None = None,
        seen: int | None = None,
        signature: Signature | None = None,
    ) -> Happened | Refusal:
        """Does `action`, or says why not, and writes that down. If something happened since `seen`, the answer is
        `changed-meanwhile` and nothing typed is lost: the caller still has it. What must be signed is done only with
        the `signature` under the decision that `draw_up` made (decision 0076)."""
        try:
            with transaction.atomic():
                outcome = self.answer(row, action, acting, dict(payload or {}), seen=seen)
                signed = self._signed(row, outcome, acting, signature)
                if isinstance(signed, Refusal):
                    outcome = signed
                elif not isinstance(outcome, Refusal):
                    self.write(row, outcome, signed)
        except ledger.Overtaken as overtaken:
            outcome = Refusal("changed-meanwhile", {"seen": str(overtaken.n - 1), "now": str(overtaken.n)})
        except Stopped as stopped:  # the paper that this act sets could not be sealed, or its list may not be kept
            outcome = stopped.no
        if isinstance(outcome, Refusal):
            return self.deny(row, outcome, action, acting)
        log.info("%s.event subject=%s n=%d action=%s", outcome.kind, outcome.subject, outcome.n, action.value)
        return outcome

    def draw_up(
        self, row: Row, action: Any, acting: Acting, payload: Mapping[str, Any], *, seen: int | None, lang: str
    ) -> PendingDecision | Refusal:
        """The decision that `action` would be, for its signer to read and sign; or why not, which is written down."""
        if self.matter is None:
            raise TypeError("nothing is signed here")
        outcome = self.answer(row, action, acting, payload, seen=seen)
        if not isinstance(outcome, Refusal):
            drawn = signing.prepare(self.matter(row, self.state(row), outcome), payload, lang)
            if not isinstance(drawn, Refusal):
                return drawn
            outcome = drawn
        return self.deny(row, outcome, action, acting)

    def open(self, new: Callable[[], Row], action: Any, tenure: Tenure, payload: Mapping[str, Any]) -> Row | Refusal:
        """Makes a row by the first event of its thing; where that is refused, there is none."""
        with transaction.atomic():
            row = new()
            outcome = self.answer(row, action, tenure, payload)
            if isinstance(outcome, Refusal):
                transaction.set_rollback(True)
            else:
                self.write(row, outcome)
        return ledger.deny(outcome, action.value, tenure.person) if isinstance(outcome, Refusal) else row

    def hand_in(
        self,
        row: Row,
        action: Any,
        acting: Acting,
        file: BinaryIO,
        *,
        name: str,
        says: Callable[[Document], Mapping[str, Any]],
        seen: int,
    ) -> Happened | Refusal:
        """Does `action` with a file: checked by its content, kept under its digest, or refused with nothing kept.
        `says`: the payload about the document."""
        outcome: Any = self.answer(row, action, acting, says(NOTHING_YET), seen=seen)
        if not isinstance(outcome, Refusal):
            outcome = documents.store(file, name, person_of(acting))
        if isinstance(outcome, Refusal):
            return self.deny(row, outcome, action, acting)
        return self.handle(row, action, acting, says(outcome), seen)

    def possible(self, row: Row, acting: Acting) -> list[Possibility]:
        """What this reader could do now, in each role that has business here; a button is drawn, or explained, by the
        same rules that decide. Objections to a form's content wait until it is filled."""
        state, now = self.state(row), clock.now()
        return [
            Possibility(action, actor.role, tenure, refusal or self._unsignable(tenure, action))
            for actor, tenure in self.actors(tenures_of(acting), row, now)
            for action, refusal in self.rules.possible(state, actor, self.facts(row, state, now, tenure=tenure))
        ]

    def _unsignable(self, tenure: Tenure, action: Any) -> Refusal | None:
        """Why whoever holds this post, and may do it, could not sign it."""
        if not self.kind:
            return None
        return signing.hindrance(tenure.person, tenure.post.institution.code, self.kind, action)

    def tidy(self, rows: Iterable[Row], at: datetime | None = None) -> int:
        """Lets the office go on where it can by itself, unless the trail is stopped. Returns how many events were
        written."""
        written = 0
        for row in rows:
            if stops.stopped(connection):
                break
            try:
                with transaction.atomic():
                    written += self._go_on(row, self.state(row), at or clock.now())
            except ledger.Overtaken:
                continue
        return written

    def write(self, row: Row, event: Happened, signature: str = "") -> None:
        """Appends the event, and everything that follows from it. `signature`: of the signed decision, its digest.
        Raises Overtaken."""
        self._go_on(row, self._append(row, self.state(row), event, signature), clock.now())

    def deny(self, row: Row, no: Refusal, action: Any, acting: Acting | None) -> Refusal:
        """Writes down that something was refused, and hands the refusal on."""
        return ledger.deny(no, action.value, person_of(acting) if acting else None, **self.denied(row))

    def _signed(
        self, row: Row, outcome: Happened | Refusal, acting: Acting | None, signature: Signature | None
    ) -> str | Refusal:
        """The digest of the decision that was signed with this act; empty where none need be."""
        if self.matter is None or acting is None or isinstance(outcome, Refusal):
            return ""
        signed = signing.accept(self.matter(row, self.state(row), outcome), signature)
        return signed if isinstance(signed, Refusal) else signed.digest if signed else ""

    def _append(self, row: Row, state: State, event: Happened, signature: str = "") -> State:
        entry = ledger.append(self.entries, row, event, signature)
        after: State = self.rules.after(state, event)
        self.follows(row, after, event, entry)
        return after

    def _go_on(self, row: Row, state: State, at: datetime) -> int:
        """What the office does by itself once people, or time, have done their part."""
        written = 0
        while command := self.due(row, state, at):
            facts = self.facts(row, state, at, action=command.action, payload=command.payload)
            outcome: Happened | Refusal = self.rules.decide(state, command, facts)
            if isinstance(outcome, Refusal):
                break
            state, written = self._append(row, state, outcome), written + 1
        return written
