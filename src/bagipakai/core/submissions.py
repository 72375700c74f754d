"""What an institution hands in as a provider of a source: uploaded, sent, checked by the registry, or gone back whole.

A submission is one version of one source. Its files are uploaded in pieces, each sealed to the registry at once; what
stands here are names, sizes and digests. Sending it is the institution's act; what came of it the registry's receipt
says. Faults of single rows come back with the receipt and are mended in the next version, which takes the place of
this one once it is checked. Sources: law reference 2.1 (SOURCE_PROVIDER); decision 0100.
"""

from collections.abc import Iterable, Mapping
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
from bagipakai.core.shapes import Form, is_any_text, is_count, is_digest, is_text, misfit
from bagipakai.core.table import Rule, Table, about_payload, first_refusal, table_of
from bagipakai.core.table import possible as possible_by
from bagipakai.core.uploading import (
    File,
    file_is_too_large,
    file_is_unknown,
    file_stands_already,
    nothing_was_uploaded,
    set_is_too_large,
    too_many_files,
    upload_is_unfinished,
    upload_is_young,
)


class Status(StrEnum):
    DRAFT = "DRAFT"  # being uploaded
    SUBMITTED = "SUBMITTED"  # with the registry
    CHECKED = "CHECKED"  # its sound rows are kept, its faulty ones came back
    RETURNED_WHOLE = "RETURNED_WHOLE"  # nothing of it is kept
    SUPERSEDED = "SUPERSEDED"  # a later version was checked
    WITHDRAWN = "WITHDRAWN"  # its sender gave it up, and nothing of it is kept


class Action(StrEnum):
    OPEN = "OPEN"
    ADD_FILE = "ADD_FILE"
    REMOVE_FILE = "REMOVE_FILE"
    SUBMIT = "SUBMIT"
    WITHDRAW = "WITHDRAW"
    CANCEL = "CANCEL"  # what was sent already; the registry's receipt ends it
    FORGET = "FORGET"
    RECORD_RECEIPT = "RECORD_RECEIPT"
    FETCH = "FETCH"  # what came back; a reading, not an event
    SUPERSEDE = "SUPERSEDE"


@dataclass(frozen=True, slots=True)
class Limits(uploading.Limits):
    """How much may be handed in, from policies/submissions.toml. `open`: how many submissions of an institution may be
    uploaded at once."""

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule nothing is handed in."""
        rule = rules("submissions", "limit").on(day)
        return cls(*(rule[name] for name in ("piece", "file", "files", "set", "open", "days")))


class Event(AnyEvent[Status, Action]):
    """What happened to a submission."""

    kind = "submission"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do to a submission.

    Payload by action (every key is demanded): OPEN institution, source, version (int), contract · ADD_FILE number
    (int), name, bytes (int), pieces (int), sealed (digest of the list of its sealed pieces) · REMOVE_FILE number ·
    SUBMIT, WITHDRAW, CANCEL, FORGET – · RECORD_RECEIPT receipt (digest of its envelope), refusal, received, accepted,
    returned (ints), package · FETCH part · SUPERSEDE by (the version that was checked)
    """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the registry said: the digest of its receipt, why the set went back whole (or nothing), counts of rows, and
    the folder of what came back (nothing where no row did)."""

    receipt: str
    refusal: str
    received: int
    accepted: int
    returned: int
    package: str


@dataclass(frozen=True)
class Submission:
    """A submission as its events leave it. `contract` names the contract that it was begun under."""

    subject: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    source: str = ""
    version: int = 0
    contract: str = ""  # its version and digest, `2026.1@…`
    opened_at: datetime | None = None
    files: Mapping[int, File] = field(default_factory=dict)
    sent_by: Actor | None = None
    sent_at: datetime | None = None
    cancelled_at: datetime | None = None
    outcome: Outcome | None = None

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())


@dataclass(frozen=True, slots=True)
class SubmissionFacts(ActorFacts):
    """The world at one moment, for one actor and one submission. Each default refuses.

    `contracts`: the sources that the actor's institution provides, each with the version of its contract today.
    `under_way`: submissions of the institution that are being uploaded; `occupied`: another version of this source is
    being uploaded or checked. `unfinished`: files of which pieces are missing. `key`: why nothing could be
    sealed to the institution. `leaving`: why what came back may not leave now. `checked`: the newest version of this
    source that was checked.
    """

    limits: Limits = field(default_factory=lambda: Limits(0, 0, 0, 0, 0, 0))
    contracts: Mapping[str, str] = field(default_factory=dict)
    under_way: int = 1
    occupied: bool = True
    unfinished: int = 1
    key: Refusal | None = field(default_factory=lambda: Refusal("recipient-key-missing"))
    leaving: Refusal | None = field(default_factory=lambda: Refusal("trail-is-not-witnessed"))
    checked: int = 0


def fold(events: Iterable[Event], subject: str = "") -> Submission:
    """The submission that the events leave."""
    return reduce(after, events, Submission(subject))


def after(state: Submission, event: Event) -> Submission:
    """The submission after one more event."""
    payload = event.payload
    changes: dict[str, Any] = {"n": event.n, "status": event.status_after}
    match event.action:
        case Action.OPEN:
            changes |= {name: payload[name] for name in ("institution", "source", "version", "contract")}
            changes["opened_at"] = event.at
        case Action.ADD_FILE:
            changes["files"] = uploading.added(state.files, payload)
        case Action.REMOVE_FILE:
            changes["files"] = uploading.removed(state.files, payload)
        case Action.SUBMIT:
            changes |= {"sent_by": event.actor, "sent_at": event.at}
        case Action.CANCEL:
            changes["cancelled_at"] = event.at
        case Action.RECORD_RECEIPT:
            changes["outcome"] = Outcome(**payload)
    return replace(state, **changes)


CANCELLED: Final = "order-cancelled"  # what the registry's receipt says of an order that nobody wants any more


def kept_for(day: date) -> timedelta:
    """How long what was accepted of a version is kept once a later one was accepted. Raises PolicyError or NoRule."""
    return timedelta(days=rules("submissions", "retention").on(day)["days"])


# what stands in the way


def source_is_not_theirs(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """An institution hands in what it provides, and nothing else."""
    source = state.source if state.status else command.payload.get("source")
    return None if source in facts.contracts else Refusal("source-is-not-theirs")


def too_many_are_under_way(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    most = facts.limits.open
    return None if facts.under_way < most else Refusal("too-many-are-under-way", {"most": str(most)})


def another_version_is_under_way(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """One version of a source after the other: which one counts must never be a race."""
    return Refusal("another-version-is-under-way") if facts.occupied else None


def contract_was_changed(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """The columns asked for are other ones by now: what was prepared for the old ones is not sent under the new."""
    begun = (state.source, state.contract) if state.status else (command.payload["source"], command.payload["contract"])
    return None if begun in facts.contracts.items() else Refusal("contract-was-changed")


def nothing_could_come_back(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """Faulty rows come back sealed to the sender's own key, so there must be one before anything is sent."""
    return facts.key


def submission_was_cancelled(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """The registry knows; its receipt is on the way."""
    return Refusal("submission-was-cancelled") if state.cancelled_at else None


def nothing_came_back(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    return None if state.outcome is not None and state.outcome.package else Refusal("nothing-came-back")


def trail_does_not_let_it_leave(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """Rows of persons leave the house here, as they do in a package."""
    return facts.leaving


@about_payload
def receipt_does_not_add_up(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    """Every row that came was kept or came back; of a set that went back whole nothing was kept."""
    told = Outcome(**command.payload)
    whole = told.refusal and not (told.accepted or told.returned or told.package)
    parted = not told.refusal and told.received == told.accepted + told.returned
    return None if (whole or parted) and bool(told.package) == bool(told.returned) else Refusal("receipt-not-trusted")


@about_payload
def later_version_is_not_checked(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    later = state.version < command.payload["by"] <= facts.checked
    return None if later else Refusal("later-version-is-not-checked")


def form_is_incomplete(state: Submission, command: Command, facts: SubmissionFacts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action])
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


_SHAPES: Final[Mapping[Action, Form]] = {
    **{action: {} for action in Action},
    Action.OPEN: {"institution": is_text, "source": is_text, "version": is_count, "contract": is_text},
    Action.ADD_FILE: uploading.ADDING,
    Action.REMOVE_FILE: uploading.REMOVING,
    Action.RECORD_RECEIPT: {
        "receipt": is_digest,
        "refusal": is_any_text,
        "received": is_count,
        "accepted": is_count,
        "returned": is_count,
        "package": is_any_text,
    },
    Action.FETCH: {"part": is_text},
    Action.SUPERSEDE: {"by": is_count},
}


# the table

SENDER: Final = (
    account_is_not_active,
    mandate_has_ended,
    competence_has_ended,
    belongs_to_another_institution,
    source_is_not_theirs,
)
ADDING: Final = (*SENDER, too_many_files, file_stands_already, file_is_too_large, set_is_too_large)

BASIS = "Acuan hukum 2.1 (C): penyedia sumber data"
_R, _A, _S = Role, Action, Status

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    Rule(_R.SOURCE_PROVIDER, _A.OPEN, None, _S.DRAFT,
         (*SENDER, contract_was_changed, too_many_are_under_way, another_version_is_under_way), BASIS),
    Rule(_R.SOURCE_PROVIDER, _A.ADD_FILE, _S.DRAFT, _S.DRAFT, ADDING, BASIS),
    Rule(_R.SOURCE_PROVIDER, _A.REMOVE_FILE, _S.DRAFT, _S.DRAFT, (*SENDER, file_is_unknown), BASIS),
    Rule(_R.SOURCE_PROVIDER, _A.SUBMIT, _S.DRAFT, _S.SUBMITTED,
         (*SENDER, contract_was_changed, nothing_was_uploaded, upload_is_unfinished, nothing_could_come_back), BASIS),
    Rule(_R.SOURCE_PROVIDER, _A.WITHDRAW, _S.DRAFT, _S.WITHDRAWN, SENDER, BASIS),
    Rule(_R.SOURCE_PROVIDER, _A.CANCEL, _S.SUBMITTED, _S.SUBMITTED, (*SENDER, submission_was_cancelled),
         "Keputusan 0115: penyedia boleh membatalkan yang belum diterima"),
    Rule(_R.SYSTEM, _A.FORGET, _S.DRAFT, _S.WITHDRAWN, (upload_is_young,), "Keputusan 0100: unggahan tidak menumpuk"),
    Rule(_R.SYSTEM, _A.RECORD_RECEIPT, _S.SUBMITTED, None, (receipt_does_not_add_up,), "Keputusan 0100"),
    Rule(_R.SOURCE_PROVIDER, _A.FETCH, _S.CHECKED, _S.CHECKED,
         (*SENDER, nothing_came_back, trail_does_not_let_it_leave), "Keputusan 0101; acuan kepercayaan 3.3"),
    *(Rule(_R.SYSTEM, _A.SUPERSEDE, status, _S.SUPERSEDED, (later_version_is_not_checked,), "Keputusan 0100")
      for status in (_S.CHECKED, _S.RETURNED_WHOLE)),
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(
    state: Submission, command: Command, facts: SubmissionFacts, table: Table[Status, Action] = TABLE
) -> Refusal | None:
    """What stands in the way of the command, or None."""
    return first_refusal(table, state, command, facts, always=(form_is_incomplete,))


def decide(
    state: Submission, command: Command, facts: SubmissionFacts, table: Table[Status, Action] = TABLE
) -> Event | Refusal:
    """The event that the command makes, or what stands in its way."""
    if (refusal := objection(state, command, facts, table)) is not None:
        return refusal
    rule = table[(state.status, command.actor.role, command.action)]
    return Event.next(state, command, facts.now, rule.to_status or _told(state, command), command.payload)


def possible(state: Submission, actor: Actor, facts: SubmissionFacts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, state, actor, facts)


def _told(state: Submission, command: Command) -> Status:
    """Where the registry's receipt leads."""
    if state.cancelled_at and command.payload["refusal"] == CANCELLED:
        return Status.WITHDRAWN
    return Status.RETURNED_WHOLE if command.payload["refusal"] else Status.CHECKED
