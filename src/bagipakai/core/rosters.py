"""A roster: an institution's own list of persons, which it wants matched. Uploaded, read by the registry, looked at by
its sender, confirmed; named in a request for matching; destroyed when nobody needs it.

It is one file in sealed pieces; what stands here are names of columns, counts and digests. How its columns were read
the registry's receipt says. Its sender may have it read again with other columns, until they confirm it. Nothing leaves
by a roster alone: what is told about the persons in it a request decides. Sources: law reference 4.7 (matching);
decision 0133.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Final, Self

from bagipakai.core import uploading
from bagipakai.core.event import Actor, AnyCommand, AnyEvent, Role
from bagipakai.core.facts import ActorFacts
from bagipakai.core.objections.person import (
    account_is_not_active,
    belongs_to_another_institution,
    competence_has_ended,
    mandate_has_ended,
)
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.roster_orders import DESTROYED
from bagipakai.core.shapes import Form, is_any_text, is_count, is_digest, is_digest_or_empty, is_text, misfit
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


class Status(StrEnum):
    DRAFT = "DRAFT"  # being uploaded
    SENT = "SENT"  # with the registry
    READ = "READ"  # its sender looks at how it was read
    RETURNED = "RETURNED"  # nothing of it is kept
    CONFIRMED = "CONFIRMED"  # a request may name it
    DESTROYED = "DESTROYED"


class Action(StrEnum):
    OPEN = "OPEN"
    ADD_FILE = "ADD_FILE"
    REMOVE_FILE = "REMOVE_FILE"
    SEND = "SEND"
    CHOOSE = "CHOOSE"  # other columns; the registry reads it again
    CONFIRM = "CONFIRM"
    DESTROY = "DESTROY"
    FORGET = "FORGET"
    RECORD_RECEIPT = "RECORD_RECEIPT"


@dataclass(frozen=True, slots=True)
class Limits(uploading.Limits):
    """How much may be uploaded as a roster, from policies/matching.toml: one file. `open`: how many rosters of an
    institution may stand; `days`: how long one waits to be sent, and to be confirmed; `kept`: days after which a
    confirmed one that nobody uses is destroyed."""

    kept: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule nothing is uploaded."""
        rule = rules("matching", "roster").on(day)
        return cls(rule["piece"], rule["file"], 1, rule["file"], rule["open"], rule["days"], rule["kept"])


class Event(AnyEvent[Status, Action]):
    """What happened to a roster."""

    kind = "roster"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do to a roster.

    Payload by action (every key is demanded): OPEN institution · ADD_FILE number (int), name, bytes (int), pieces
    (int), sealed (digest of the list of its sealed pieces) · REMOVE_FILE number · CHOOSE columns ([[standard column,
    heading], …]) · RECORD_RECEIPT receipt (digest of its envelope), refusal, rows (int), digest, columns · SEND,
    CONFIRM, DESTROY, FORGET –
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
    """A roster as its events leave it. `sendings`: how often it was sent to the registry; `chosen`: the columns that
    its sender chose, none where they are recognised; `gone`: the registry's word that nothing is kept any more."""

    subject: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    files: Mapping[int, File] = field(default_factory=dict)
    sendings: int = 0
    chosen: Columns = ()
    outcome: Outcome | None = None
    gone: Outcome | None = None

    @property
    def file(self) -> File | None:
        """The one file; none while nothing came whole."""
        return next(iter(self.files.values()), None)


@dataclass(frozen=True, slots=True)
class RosterFacts(ActorFacts):
    """The world at one moment, for one actor and one roster. Each default refuses.

    `standing`: rosters of the institution that are not destroyed. `unfinished`: files of which pieces are missing.
    `headings`: those that the registry found in the list. `in_use`: a request that is not ended names it.
    """

    limits: Limits = field(default_factory=lambda: Limits(0, 0, 0, 0, 0, 0, 0))
    standing: int = 1
    unfinished: int = 1
    headings: Collection[str] = ()
    in_use: bool = True


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
        case Action.RECORD_RECEIPT:
            told = Outcome(**{**payload, "columns": _pairs(payload["columns"])})
            changes["gone" if state.status is Status.DESTROYED else "outcome"] = told
    return replace(state, **changes)


def _pairs(columns: Sequence[Sequence[str]]) -> Columns:
    return tuple((standard, heading) for standard, heading in columns)


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
    """What was approved to be matched is there to be matched."""
    return Refusal("request-names-roster") if facts.in_use else None


def roster_is_young(state: Roster, command: Command, facts: RosterFacts) -> Refusal | None:
    """One that was never confirmed serves nobody, and its pieces lie there yet: it is kept for a shorter time."""
    longest = facts.limits.kept if state.status is Status.CONFIRMED else facts.limits.days
    old = state.changed_at is not None and facts.now >= state.changed_at + timedelta(days=longest)
    return None if old else Refusal("roster-is-young")


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
      for status in (_S.DRAFT, _S.READ, _S.RETURNED, _S.CONFIRMED)),
    Rule(_R.SYSTEM, _A.FORGET, _S.DRAFT, _S.DESTROYED, (upload_is_young,), NO_LONGER),
    *(Rule(_R.SYSTEM, _A.FORGET, status, _S.DESTROYED, (roster_is_young, request_names_it), NO_LONGER)
      for status in (_S.READ, _S.RETURNED, _S.CONFIRMED)),
    Rule(_R.SYSTEM, _A.RECORD_RECEIPT, _S.DESTROYED, _S.DESTROYED,
         (receipt_does_not_add_up, destruction_is_not_told), NO_LONGER),
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
    told = Status.RETURNED if command.payload.get("refusal") else Status.READ
    return Event.next(state, command, facts.now, rule.to_status or told, command.payload)


def possible(state: Roster, actor: Actor, facts: RosterFacts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, state, actor, facts)


def is_destroyed(state: Roster) -> bool:
    """Whether the registry said that nothing of it is kept any more, or never had anything."""
    return state.status is Status.DESTROYED and (
        not state.sendings or (state.gone is not None and state.gone.refusal == DESTROYED)
    )
