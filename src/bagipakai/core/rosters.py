"""A roster: an institution's own list of persons, which it wants matched. Uploaded, read by the registry, looked at by
its sender, confirmed; named in a request for matching; destroyed when nobody needs it.

It is one file in sealed pieces; what stands here are names of columns, counts and digests. How its columns were read
the registry's receipt says. Its sender may have it read again with other columns, until they confirm it. Nothing leaves
by a roster alone: what is told about the persons in it a request decides. As long as one that was sent needs it, the
registry is told to keep it; once none does, it is destroyed. Sources: law reference 4.7 (matching); decisions 0133 and
0140.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Final, Self

from bagipakai.core import uploading
from bagipakai.core.access import Grant
from bagipakai.core.access import Status as Access
from bagipakai.core.deadlines import day_of
from bagipakai.core.event import SYSTEM, Actor, AnyCommand, AnyEvent, Role
from bagipakai.core.facts import ActorFacts
from bagipakai.core.objections.person import (
    account_is_not_active,
    belongs_to_another_institution,
    competence_has_ended,
    mandate_has_ended,
)
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import TERMINAL
from bagipakai.core.request import State as Asked
from bagipakai.core.roster_orders import DESTROYED
from bagipakai.core.shapes import (
    Form,
    is_any_text,
    is_count,
    is_digest,
    is_digest_or_empty,
    is_some_texts,
    is_text,
    misfit,
)
from bagipakai.core.shapes import day_of as written
from bagipakai.core.table import Rule, Table, about_payload, first_refusal, table_of
from bagipakai.core.table import possible as possible_by
from bagipakai.core.uploading import (
    File,
    file_is_too_large,
    file_is_unknown,
    file_stands_already,
    nothing_was_uploaded,
    too_many_files,
    upload_is_unfinished,
    upload_is_young,
)

# The columns that a list may have; the registry knows the same ones (registry.matching.headings).
COLUMNS: Final = (
    "list_id",
    "nik",
    "no_kk",
    "nama",
    "jenis_kelamin",
    "tanggal_lahir",
    "nama_ibu",
    "alamat",
    "rt",
    "rw",
    "kode_desa",
    "kode_kec",
    "kode_kab",
)
TELLING: Final = ("nik", "nama")  # one of them at least; by the rest alone nobody is found
GONE: Final = "order-roster-destroyed"  # nothing is there that could be kept; `unknown` may be a store not there today
SINCE: Final = "roster-was-kept-since"  # of an order to keep it: a later one is in force already
LIVE: Final = frozenset({Access.PENDING, Access.ACTIVE, Access.SUSPENDED})


class Status(StrEnum):
    DRAFT = "DRAFT"  # being uploaded
    SENT = "SENT"  # with the registry
    READ = "READ"  # its sender looks at how it was read
    RETURNED = "RETURNED"  # nothing of it is kept
    CONFIRMED = "CONFIRMED"  # a request may name it
    DESTROYED = "DESTROYED"


WAITING: Final = (Status.DRAFT, Status.READ, Status.RETURNED)  # for its sender; forgotten if that one does nothing


class Action(StrEnum):
    OPEN = "OPEN"
    ADD_FILE = "ADD_FILE"
    REMOVE_FILE = "REMOVE_FILE"
    SEND = "SEND"
    CHOOSE = "CHOOSE"  # other columns; the registry reads it again
    CONFIRM = "CONFIRM"
    DESTROY = "DESTROY"
    FORGET = "FORGET"
    KEEP = "KEEP"  # a request that was sent needs it; the registry is told until when
    LET_GO = "LET_GO"  # none does any more
    RECORD_RECEIPT = "RECORD_RECEIPT"  # of a reading, or of the destruction
    RECORD_KEPT = "RECORD_KEPT"  # the receipt for KEEP
    RECORD_LATE = "RECORD_LATE"  # the receipt of a reading, after the list was taken back


@dataclass(frozen=True, slots=True)
class Limits(uploading.Limits):
    """How much may be uploaded as a roster, from policies/matching.toml: one file. `open`: how many rosters of an
    institution may stand; `days`: how long one waits to be sent, to be confirmed, and to be named again after its
    request ended; `kept`: days after which a confirmed one that no request named is destroyed; `longest`: for how many
    days at most the registry may be told to keep one."""

    kept: int
    longest: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule nothing is uploaded."""
        rule = rules("matching", "roster").on(day)
        longest = rule.values.get("longest", 0)  # the first rule did not speak of it: nothing was ordered to be kept
        return cls(rule["piece"], rule["file"], 1, rule["file"], rule["open"], rule["days"], rule["kept"], longest)


class Event(AnyEvent[Status, Action]):
    """What happened to a roster."""

    kind = "roster"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do to a roster.

    Payload by action (every key is demanded): OPEN institution · ADD_FILE number (int), name, bytes (int), pieces
    (int), sealed (digest of the list of its sealed pieces) · REMOVE_FILE number · CHOOSE columns ([[standard column,
    heading], …]) · KEEP until (ISO date), requests (those that need it) · RECORD_RECEIPT receipt (digest of its
    envelope), refusal, rows (int), digest, columns · RECORD_KEPT receipt, refusal · RECORD_LATE receipt, refusal,
    rows (int) · SEND, CONFIRM, DESTROY, FORGET, LET_GO –
    """


Columns = tuple[tuple[str, str], ...]  # standard column and the heading of the list that it stands under


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the registry said: the digest of its receipt, why nothing is kept (or nothing), how many rows are kept,
    their digest, and which columns were read."""

    receipt: str
    refusal: str
    rows: int
    digest: str
    columns: Columns


@dataclass(frozen=True)
class Roster:
    """A roster as its events leave it. `sendings`: how often it was sent to the registry, `answered`: how often that
    told how it read it; `chosen`: the columns that its sender chose, none where they are recognised; `until`: the last
    day on which the registry is told to keep it, none where no request needs it; `keepings`: how often that was told,
    `kept_on`: when last, `unkept`: why the registry did not do so, the last time that it answered; `let_go_at`: when
    the last request that needed it had ended; `gone`: the registry's word that nothing is kept any more."""

    subject: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    files: Mapping[int, File] = field(default_factory=dict)
    sendings: int = 0
    answered: int = 0
    chosen: Columns = ()
    outcome: Outcome | None = None
    confirmed_at: datetime | None = None
    until: date | None = None
    kept_on: date | None = None
    keepings: int = 0
    unkept: str = ""
    let_go_at: datetime | None = None
    gone: Outcome | None = None

    @property
    def file(self) -> File | None:
        """The one file; none while nothing came whole."""
        return next(iter(self.files.values()), None)


@dataclass(frozen=True, slots=True)
class RosterFacts(ActorFacts):
    """The world at one moment, for one actor and one roster. Each default refuses.

    `standing`: rosters of the institution that are not destroyed. `unfinished`: files of which pieces are missing.
    `headings`: those that the registry found in the list. `needed`: the requests that need it, and each until when
    (`needed_until`); None: not known.
    """

    limits: Limits = field(default_factory=lambda: Limits(0, 0, 0, 0, 0, 0, 0, 0))
    standing: int = 1
    unfinished: int = 1
    headings: Collection[str] = ()
    needed: Mapping[str, date] | None = None

    @property
    def needed_until(self) -> date | None:
        return max(self.needed.values(), default=None) if self.needed else None


def fold(events: Iterable[Event], subject: str = "") -> Roster:
    """The roster that the events leave."""
    return reduce(after, events, Roster(subject))


def after(state: Roster, event: Event) -> Roster:
    """The roster after one more event."""
    payload = event.payload
    changes: dict[str, Any] = {"n": event.n, "status": event.status_after, "changed_at": event.at}
    match event.action:
        case Action.OPEN:
            changes |= {"institution": payload["institution"], "opened_at": event.at}
        case Action.ADD_FILE:
            changes["files"] = uploading.added(state.files, payload)
        case Action.REMOVE_FILE:
            changes["files"] = uploading.removed(state.files, payload)
        case Action.SEND:
            changes["sendings"] = state.sendings + 1
        case Action.CHOOSE:
            changes |= {"sendings": state.sendings + 1, "chosen": _pairs(payload["columns"]), "outcome": None}
        case Action.CONFIRM:
            changes["confirmed_at"] = event.at
        case Action.KEEP:
            changes |= {"until": written(payload["until"]), "keepings": state.keepings + 1}
            changes |= {"kept_on": day_of(event.at), "let_go_at": None}
        case Action.LET_GO:
            changes |= {"until": None, "let_go_at": event.at}
        case Action.RECORD_KEPT:
            if payload["refusal"] != SINCE:  # it says nothing of the later order, which has an answer of its own
                changes["unkept"] = payload["refusal"]
            if state.status is not event.status_after:
                changes["gone"] = Outcome(payload["receipt"], DESTROYED, 0, "", ())
        case Action.RECORD_LATE:
            changes["answered"] = state.sendings
        case Action.RECORD_RECEIPT:
            told = Outcome(**{**payload, "columns": _pairs(payload["columns"])})
            if state.status is Status.DESTROYED:
                changes["gone"] = told
            else:
                changes |= {"outcome": told, "answered": state.sendings}
    return replace(state, **changes)


def _pairs(columns: Sequence[Sequence[str]]) -> Columns:
    return tuple((standard, heading) for standard, heading in columns)


# how long it is kept


def needed_until(request: Asked, grant: Grant | None, now: datetime, limits: Limits) -> date | None:
    """The last day on which a request needs the list that it names, as far as is known at `now`; None where it does
    not. A draft needs nothing: nobody was asked yet. What was asked is decided later than its end date, if it is slow;
    so it is needed for a while yet, each time anew. Once there is access, a rolling product needs its list as long as
    the access lasts, and any other not at all: the answer has left."""
    if request.status in TERMINAL or not request.versions:
        return None
    today = day_of(now)
    if grant is not None:
        lives = request.answers.get("rolling") and grant.status_at(now) in LIVE
        until = day_of(grant.ends_at) - timedelta(days=1) if lives else None
    else:
        until = max(written(request.answers.get("ends_on")) or today, today + timedelta(days=limits.kept))
    return until and min(until, today + timedelta(days=limits.longest))


def is_to_be_kept(state: Roster, facts: RosterFacts) -> bool:
    """Whether the registry is to be told now that it is to keep the list: not yet, not with success (once a day), or
    what it was told ends soon."""
    if state.until is None or state.kept_on is None or (state.unkept and state.kept_on < facts.today):
        return True
    soon = facts.today + timedelta(days=facts.limits.days)
    return facts.needed_until is not None and state.until < min(facts.needed_until, soon)


def forgotten_at(state: Roster, limits: Limits) -> datetime | None:
    """When the office destroys it by itself, if nothing happens to it; None where it does not. One that was never
    confirmed serves nobody, and one whose request has ended served: both wait for a shorter time."""
    days, kept = timedelta(days=limits.days), timedelta(days=limits.kept)
    match state.status:
        case Status.DRAFT if state.opened_at:
            return state.opened_at + days
        case Status.READ | Status.RETURNED if state.changed_at:
            return state.changed_at + days
        case Status.CONFIRMED if state.let_go_at:
            return state.let_go_at + days
        case Status.CONFIRMED if state.confirmed_at and state.until is None:
            return state.confirmed_at + kept
    return None


# what stands in the way


def too_many_rosters_stand(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """Lists of persons do not pile up: one that is not needed any more is destroyed first."""
    most = facts.limits.open
    return None if facts.standing < most else Refusal("too-many-rosters-stand", {"most": str(most)})


@about_payload
def heading_is_not_there(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """Only what the registry found in the list can be chosen."""
    there = all(heading in facts.headings for _, heading in command.payload["columns"])
    return None if there else Refusal("heading-is-not-there")


@about_payload
def column_was_chosen_twice(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    for one in zip(*command.payload["columns"], strict=True):
        twice = next((name for name in one if one.count(name) > 1), None)
        if twice is not None:
            return Refusal("column-was-chosen-twice", {"column": twice})
    return None


@about_payload
def nobody_could_be_found(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    chosen = {standard for standard, _ in command.payload["columns"]}
    return None if chosen & set(TELLING) else Refusal("roster-needs-number-or-name")


def request_names_it(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """What was asked or approved to be matched is there to be matched."""
    return Refusal("request-names-roster") if facts.needed is None or facts.needed else None


def roster_is_young(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    at = forgotten_at(state, facts.limits)
    return None if at is not None and facts.now >= at else Refusal("roster-is-young")


@about_payload
def nothing_needs_it(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """It is kept as long as requests need it, and not a day longer."""
    until = written(command.payload["until"])
    needed = facts.needed_until is not None and until is not None and until <= facts.needed_until
    return None if needed else Refusal("roster-is-not-needed")


@about_payload
def kept_for_too_long(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    until, most = written(command.payload["until"]), facts.limits.longest
    last = facts.today + timedelta(days=most)
    return None if until is not None and until <= last else Refusal("roster-kept-too-long", {"most": str(most)})


def roster_is_not_held(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    return None if state.until else Refusal("roster-is-not-held")


def reading_was_answered(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """Each reading is told of once."""
    return None if state.answered < state.sendings else Refusal("receipt-not-trusted")


@about_payload
def receipt_does_not_add_up(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """Either rows are kept, of which the receipt tells the digest and the columns, or there is a reason why not."""
    told = command.payload
    kept = told["rows"] > 0 and told["digest"] != "" and bool(told["columns"])
    nothing = told["rows"] == 0 and told["digest"] == "" and not told["columns"]
    return None if (nothing if told["refusal"] else kept) else Refusal("receipt-not-trusted")


@about_payload
def destruction_is_not_told(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """What is destroyed is not read any more, whatever a receipt says."""
    return None if command.payload["refusal"] else Refusal("receipt-not-trusted")


@about_payload
def late_receipt_does_not_add_up(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    return None if bool(command.payload["refusal"]) != bool(command.payload["rows"]) else Refusal("receipt-not-trusted")


def form_is_incomplete(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action])
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


def _are_columns(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(one, list | tuple) and len(one) == 2 and one[0] in COLUMNS and is_any_text(one[1]) for one in value
    )


_SHAPES: Final[Mapping[Action, Form]] = {
    **{action: {} for action in Action},
    Action.OPEN: {"institution": is_text},
    Action.ADD_FILE: uploading.ADDING,
    Action.REMOVE_FILE: uploading.REMOVING,
    Action.CHOOSE: {"columns": _are_columns},
    Action.KEEP: {"until": lambda value: written(value) is not None, "requests": is_some_texts},
    Action.RECORD_KEPT: {"receipt": is_digest, "refusal": is_any_text},
    Action.RECORD_LATE: {"receipt": is_digest, "refusal": is_any_text, "rows": is_count},
    Action.RECORD_RECEIPT: {
        "receipt": is_digest,
        "refusal": is_any_text,
        "rows": is_count,
        "digest": is_digest_or_empty,
        "columns": _are_columns,
    },
}


# the table

SENDER: Final = (account_is_not_active, mandate_has_ended, competence_has_ended, belongs_to_another_institution)
CHOOSING: Final = (*SENDER, heading_is_not_there, column_was_chosen_twice, nobody_could_be_found)

BASIS = "Acuan hukum 4.7: pemadanan daftar lembaga; keputusan 0133"
NO_LONGER = "UU 27/2022 Pasal 42–44 (A): dihapus bila tidak lagi diperlukan; keputusan 0133"
AS_LONG = "UU 27/2022 Pasal 42–44 (A): disimpan selama diperlukan; keputusan 0140"
TAKEN_BACK = "UU 27/2022 Pasal 42–44 (A); keputusan 0140: daftar boleh ditarik kembali sebelum disebut permintaan"
_R, _A, _S = Role, Action, Status

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    Rule(_R.APPLICANT, _A.OPEN, None, _S.DRAFT, (*SENDER, too_many_rosters_stand), BASIS),
    Rule(_R.APPLICANT, _A.ADD_FILE, _S.DRAFT, _S.DRAFT,
         (*SENDER, too_many_files, file_stands_already, file_is_too_large), BASIS),
    Rule(_R.APPLICANT, _A.REMOVE_FILE, _S.DRAFT, _S.DRAFT, (*SENDER, file_is_unknown), BASIS),
    Rule(_R.APPLICANT, _A.SEND, _S.DRAFT, _S.SENT, (*SENDER, nothing_was_uploaded, upload_is_unfinished), BASIS),
    Rule(_R.SYSTEM, _A.RECORD_RECEIPT, _S.SENT, None, (receipt_does_not_add_up,), BASIS),
    *(Rule(_R.APPLICANT, _A.CHOOSE, status, _S.SENT, CHOOSING, BASIS) for status in (_S.READ, _S.RETURNED)),
    Rule(_R.APPLICANT, _A.CONFIRM, _S.READ, _S.CONFIRMED, SENDER, BASIS),
    *(Rule(_R.APPLICANT, _A.DESTROY, status, _S.DESTROYED, (*SENDER, request_names_it), NO_LONGER)
      for status in (*WAITING, _S.CONFIRMED)),
    Rule(_R.APPLICANT, _A.DESTROY, _S.SENT, _S.DESTROYED, SENDER, TAKEN_BACK),
    Rule(_R.SYSTEM, _A.KEEP, _S.CONFIRMED, _S.CONFIRMED, (nothing_needs_it, kept_for_too_long), AS_LONG),
    Rule(_R.SYSTEM, _A.RECORD_KEPT, _S.CONFIRMED, None, (), AS_LONG),
    Rule(_R.SYSTEM, _A.LET_GO, _S.CONFIRMED, _S.CONFIRMED, (roster_is_not_held, request_names_it), NO_LONGER),
    Rule(_R.SYSTEM, _A.FORGET, _S.DRAFT, _S.DESTROYED, (upload_is_young,), NO_LONGER),
    *(Rule(_R.SYSTEM, _A.FORGET, status, _S.DESTROYED, (roster_is_young, request_names_it), NO_LONGER)
      for status in (_S.READ, _S.RETURNED, _S.CONFIRMED)),
    Rule(_R.SYSTEM, _A.RECORD_RECEIPT, _S.DESTROYED, _S.DESTROYED,
         (receipt_does_not_add_up, destruction_is_not_told), NO_LONGER),
    Rule(_R.SYSTEM, _A.RECORD_LATE, _S.DESTROYED, _S.DESTROYED,
         (reading_was_answered, late_receipt_does_not_add_up), TAKEN_BACK),
    Rule(_R.SYSTEM, _A.RECORD_KEPT, _S.DESTROYED, _S.DESTROYED, (), NO_LONGER),
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(
    state: Roster, command: Command, facts: RosterFacts, table: Table[Status, Action] = TABLE
) -> Refusal | None:
    """What stands in the way of the command, or None."""
    return first_refusal(table, state, command, facts, always=(form_is_incomplete,))


def decide(
    state: Roster, command: Command, facts: RosterFacts, table: Table[Status, Action] = TABLE
) -> Event | Refusal:
    """The event that the command makes, or what stands in its way."""
    if (refusal := objection(state, command, facts, table)) is not None:
        return refusal
    rule = table[(state.status, command.actor.role, command.action)]
    return Event.next(state, command, facts.now, rule.to_status or _told(command), command.payload)


def possible(state: Roster, actor: Actor, facts: RosterFacts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, state, actor, facts)


def keeping(facts: RosterFacts) -> dict[str, Any]:
    """What is said to have it kept as long as it is needed; nothing where it is not."""
    until = facts.needed_until
    return {} if until is None else {"until": until.isoformat(), "requests": sorted(facts.needed or ())}


def due(state: Roster, facts: RosterFacts) -> Command | None:
    """What the office does by itself now, if nothing stands in the way."""
    if state.status is Status.CONFIRMED and (told := keeping(facts)):
        return Command(Action.KEEP, SYSTEM, told, state.n) if is_to_be_kept(state, facts) else None
    if state.status is Status.CONFIRMED and state.until:
        return Command(Action.LET_GO, SYSTEM, {}, state.n)
    return Command(Action.FORGET, SYSTEM, {}, state.n) if forgotten_at(state, facts.limits) else None


def recording(state: Roster, number: int) -> Action:
    """How the receipt for the order of this number is recorded: readings come first, then what is to be kept, then the
    destruction."""
    if state.sendings < number <= state.sendings + state.keepings:
        return Action.RECORD_KEPT
    late = number <= state.sendings and state.status is Status.DESTROYED
    return Action.RECORD_LATE if late else Action.RECORD_RECEIPT


def is_destroyed(state: Roster) -> bool:
    """Whether the registry said that nothing of it is kept any more, or never had anything. A reading of which it has
    not told yet may still be on."""
    told = state.gone is not None and state.gone.refusal == DESTROYED and state.answered == state.sendings
    return state.status is Status.DESTROYED and (not state.sendings or told)


def _told(command: Command) -> Status:
    """Where the registry's receipt leads."""
    refusal = command.payload["refusal"]
    if command.action is Action.RECORD_KEPT:
        return Status.DESTROYED if refusal == GONE else Status.CONFIRMED
    return Status.RETURNED if refusal else Status.READ
