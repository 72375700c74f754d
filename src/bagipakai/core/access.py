"""After the decision: who may read a package, until when, unless.

The grant is compiled from the approved plan; nobody types one. Its end instant is compared at each reading, so access
ends in that second, whether or not a job ran. What suspends it is compared at each reading too: the events SUSPEND and
RESUME only tell, one each, what was already true. Sources: law reference 4.3, 4.4 (1, 7, 9, 10), 9; S07, S09, S10, S18.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import reduce
from typing import Any, Final

from bagipakai.core.acknowledgement import Acknowledgement
from bagipakai.core.event import SYSTEM, Actor, AnyCommand, AnyEvent, Role
from bagipakai.core.facts import ActorFacts, Standing
from bagipakai.core.objections.person import (
    account_is_not_active,
    belongs_to_another_institution,
    competence_has_ended,
    mandate_has_ended,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import Form, is_text, misfit, one_of
from bagipakai.core.table import Rule, Table, about_payload, first_refusal, possible, table_of

WIB: Final = timezone(timedelta(hours=7), "WIB")
NEVER: Final = datetime(1970, 1, 1, tzinfo=WIB)  # a grant that was not opened has no period


class Status(StrEnum):
    """The states of a grant (law reference 4.3)."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class Action(StrEnum):
    OPEN = "OPEN"
    ACTIVATE = "ACTIVATE"
    MOVE = "MOVE"
    READ = "READ"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    REVOKE = "REVOKE"
    EXPIRE = "EXPIRE"
    CONFIRM_RECEIPT = "CONFIRM_RECEIPT"


class Cause(StrEnum):
    """Why a grant is suspended. It may be for several causes at once, and resumes when the last one is gone."""

    READINESS = "READINESS"  # the institution's certificate lapsed or was suspended
    DUTY = "DUTY"  # a report, destruction or incident report is overdue and was escalated
    RELEASE = "RELEASE"  # the release was withdrawn
    SANCTION = "SANCTION"  # an order of the controller, with its reason


class Event(AnyEvent[Status, Action]):
    """What happened to a grant."""

    kind = "grant"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do to a grant.

    Payload by action (every key is demanded): OPEN request, institution, plan, manifest, begins_at, ends_at (ISO
    instants with offset) · ACTIVATE, EXPIRE – · MOVE manifest · READ part · SUSPEND, RESUME cause, reason ·
    REVOKE reason · CONFIRM_RECEIPT envelope (the signed acknowledgement as text)
    """


@dataclass(frozen=True, slots=True)
class Received:
    """The recipient's signed acknowledgement, as it was handed in: the SHA-256 of its envelope, what it says, and who
    handed it in when."""

    sha256: str
    said: Acknowledgement
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as its events leave it. Access lasts from `begins_at` and no longer at `ends_at`."""

    subject: str
    n: int = 0
    status: Status | None = None
    request: str = ""
    institution: str = ""
    plan: str = ""
    manifest: str = ""
    begins_at: datetime = NEVER
    ends_at: datetime = NEVER
    causes: frozenset[Cause] = frozenset()
    received: Received | None = None

    def status_at(self, moment: datetime) -> Status | None:
        """What a page shows: a grant past its end is EXPIRED, with or without the event that says so."""
        over = self.status in {Status.PENDING, Status.ACTIVE, Status.SUSPENDED} and moment >= self.ends_at
        return Status.EXPIRED if over else self.status


@dataclass(frozen=True, slots=True)
class AccessFacts(ActorFacts):
    """The world at one moment of reading. Each default refuses."""

    standing: Standing = field(default_factory=Standing)
    escalated: tuple[str, ...] | None = None  # duties overdue so long that they suspend; None: not known
    release_withdrawn: bool = True
    withdrawal: str = ""  # why, where it was
    agreement_signed: bool = False
    handover_signed: bool = False
    plan: str = ""  # digest of the approved plan, as the request's decision has it
    manifest: str = ""  # SHA-256 of the manifest that lies in the delivery store
    package: str = ""  # the name of the granted package
    receipt_key: bool = False  # whether the key that it was sealed to may sign acknowledgements still
    examiners: frozenset[str] | None = None  # who took part in the request for the controller; None: not known
    acknowledged: Acknowledgement | None = None  # what that key signed in the envelope that is handed in


CLOCKS: Final = timedelta(days=1)  # how far the clock of a computer without a network may be from ours


def ends_at(last_day: date) -> datetime:
    """The instant at which an access whose last day is `last_day` ends: midnight after it, in Jakarta."""
    return datetime.combine(last_day + timedelta(days=1), time.min, WIB)


def fold(events: Iterable[Event], subject: str = "") -> Grant:
    """The grant that the events leave."""
    return reduce(after, events, Grant(subject))


def after(grant: Grant, event: Event) -> Grant:
    """The grant after one more event."""
    changes: dict[str, Any] = {"subject": event.subject, "n": event.n, "status": event.status_after}
    payload = event.payload
    match event.action:
        case Action.OPEN:
            changes |= {name: payload[name] for name in ("request", "institution", "plan", "manifest")}
            changes |= {name: datetime.fromisoformat(payload[name]) for name in ("begins_at", "ends_at")}
        case Action.MOVE:
            changes |= {"manifest": payload["manifest"], "received": None}
        case Action.SUSPEND:
            changes["causes"] = grant.causes | {Cause(payload["cause"])}
        case Action.RESUME:
            changes["causes"] = grant.causes - {Cause(payload["cause"])}
        case Action.CONFIRM_RECEIPT:
            said = Acknowledgement.from_json(payload["said"])
            changes["received"] = Received(digest_of(payload["envelope"]), said, event.at, event.actor)
    return replace(grant, **changes)


def digest_of(envelope: str) -> str:
    """The SHA-256 by which an acknowledgement is known."""
    return hashlib.sha256(envelope.encode()).hexdigest()


# what stands in the way


def access_has_not_begun(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    if facts.now >= grant.begins_at:
        return None
    return Refusal("access-has-not-begun", {"begins_at": grant.begins_at.isoformat()})


def access_has_ended(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    if facts.now < grant.ends_at:
        return None
    return Refusal("access-has-ended", {"ends_at": grant.ends_at.isoformat()})


def access_has_not_ended(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return Refusal("access-has-not-ended") if facts.now < grant.ends_at else None


def period_is_empty(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """A grant without an end, or that ends before it begins, is none (invariant 10)."""
    begins, ends = _instant(command.payload["begins_at"]), _instant(command.payload["ends_at"])
    if begins is not None and ends is not None and begins < ends and facts.now < ends:
        return None
    return Refusal("period-is-empty")


def readiness_has_lapsed(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    until = facts.standing.valid_until
    if facts.standing.is_ready(facts.today):
        return None
    return Refusal("readiness-has-lapsed", {"until": until.isoformat() if until else "–"})


def duty_is_escalated(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    if facts.escalated == ():
        return None
    return Refusal("duty-is-escalated", {"duties": ", ".join(facts.escalated or ())})


def release_is_withdrawn(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """The reason is the controller's own words: who holds a copy reads it (S18)."""
    return Refusal("release-is-withdrawn", {"reason": facts.withdrawal}) if facts.release_withdrawn else None


def papers_are_unsigned(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """No byte leaves before both papers are signed (invariant 1)."""
    return None if facts.agreement_signed and facts.handover_signed else Refusal("papers-are-unsigned")


def is_not_what_was_approved(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """The same digest in the decision and in the grant (invariant 7)."""
    plan = command.payload["plan"] if grant.status is None else grant.plan
    return None if facts.plan and plan == facts.plan else Refusal("is-not-what-was-approved")


def is_not_the_granted_package(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    manifest = command.payload.get("manifest", grant.manifest)
    return None if facts.manifest and manifest == facts.manifest else Refusal("is-not-the-granted-package")


def took_part_for_the_controller(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """Nobody hands over to themselves."""
    apart = facts.examiners is not None and command.actor.person not in facts.examiners
    return None if apart else Refusal("took-part-for-the-controller")


def suspended_for_that_already(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return Refusal("suspended-for-that-already") if command.payload["cause"] in grant.causes else None


def is_not_suspended_for_that(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return None if command.payload["cause"] in grant.causes else Refusal("is-not-suspended-for-that")


def cause_does_not_hold(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """The system suspends for what is true, and for nothing else."""
    return None if _holds(command.payload["cause"], facts) else Refusal("cause-does-not-hold")


def cause_still_holds(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return Refusal("cause-still-holds") if _holds(command.payload["cause"], facts) else None


def sanction_needs_a_person(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return Refusal("sanction-needs-a-person") if command.payload["cause"] == Cause.SANCTION else None


def only_a_sanction_is_ordered(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """A person orders and lifts sanctions; the other causes come and go by themselves."""
    return None if command.payload["cause"] == Cause.SANCTION else Refusal("only-a-sanction-is-ordered")


def receipt_was_confirmed(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """The first one stands: whoever opened the package twice has received it once."""
    return None if grant.received is None else Refusal("receipt-was-confirmed", {"sha256": grant.received.sha256[:16]})


def recipient_key_signs_no_more(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return None if facts.receipt_key else Refusal("recipient-key-signs-no-more")


@about_payload
def is_not_signed_by_the_recipient(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    return Refusal("is-not-signed-by-the-recipient") if facts.acknowledged is None else None


@about_payload
def acknowledges_another_package(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    said = facts.acknowledged
    if said is None or (said.package, said.manifest) == (facts.package, grant.manifest):
        return None
    return Refusal("acknowledges-another-package", {"package": said.package})


@about_payload
def acknowledges_at_another_time(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    """Nobody opens a package before it was granted, or tomorrow."""
    said = facts.acknowledged
    if said is None or grant.begins_at - CLOCKS <= said.verified_at <= facts.now + CLOCKS:
        return None
    return Refusal("acknowledges-at-another-time", {"verified_at": said.verified_at.isoformat()})


def form_is_incomplete(grant: Grant, command: Command, facts: AccessFacts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action])
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


_SHAPES: Final[Mapping[Action, Form]] = {
    Action.OPEN: dict.fromkeys(("request", "institution", "plan", "manifest", "begins_at", "ends_at"), is_text),
    Action.ACTIVATE: {},
    Action.MOVE: {"manifest": is_text},
    Action.READ: {"part": is_text},
    Action.SUSPEND: {"cause": one_of(*Cause), "reason": is_text},
    Action.RESUME: {"cause": one_of(*Cause), "reason": is_text},
    Action.REVOKE: {"reason": is_text},
    Action.EXPIRE: {},
    Action.CONFIRM_RECEIPT: {"envelope": is_text},
}


def _holds(cause: str, facts: AccessFacts) -> bool:
    match cause:
        case Cause.READINESS:
            return not facts.standing.is_ready(facts.today)
        case Cause.DUTY:
            return facts.escalated != ()
        case Cause.RELEASE:
            return facts.release_withdrawn
    return False


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


# the table

PERSON: Final = (account_is_not_active, mandate_has_ended)
TRUE_COPY: Final = (papers_are_unsigned, is_not_what_was_approved, is_not_the_granted_package)
LIVE: Final = (
    access_has_not_begun,
    access_has_ended,
    readiness_has_lapsed,
    duty_is_escalated,
    release_is_withdrawn,
    *TRUE_COPY,
)
RECIPIENT: Final = (*PERSON, belongs_to_another_institution, took_part_for_the_controller)
READER: Final = (*RECIPIENT, competence_has_ended, *LIVE)
SUSPENDING: Final = (suspended_for_that_already, cause_does_not_hold)
RESUMING: Final = (sanction_needs_a_person, is_not_suspended_for_that, cause_still_holds)
ORDERING: Final = (*PERSON, only_a_sanction_is_ordered, suspended_for_that_already)
LIFTING: Final = (*PERSON, only_a_sanction_is_ordered, is_not_suspended_for_that)
MOVING: Final = (access_has_ended, *TRUE_COPY)
CONFIRMING: Final = (
    *RECIPIENT,
    receipt_was_confirmed,
    recipient_key_signs_no_more,
    is_not_signed_by_the_recipient,
    acknowledges_another_package,
    acknowledges_at_another_time,
)

_R, _A, _S = Role, Action, Status

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    Rule(_R.SYSTEM, _A.OPEN, None, _S.PENDING, (period_is_empty, *TRUE_COPY), "Acuan hukum 4.4 butir 1, 7, 10"),
    Rule(_R.SYSTEM, _A.ACTIVATE, _S.PENDING, _S.ACTIVE, LIVE, "Acuan hukum 4.3; 4.4 butir 1, 9, 10"),
    *(Rule(_R.SYSTEM, _A.MOVE, status, status, MOVING, "Acuan hukum 2.2, 9; 4.4 butir 1, 7; S18; keputusan 0106")
      for status in (_S.ACTIVE, _S.SUSPENDED)),
    Rule(_R.AUTHORISED_HANDLER, _A.READ, _S.ACTIVE, _S.ACTIVE,
         READER, "Acuan hukum 4.4 butir 1, 2, 9, 10; R-05, R-17; keputusan 0085"),
    Rule(_R.SYSTEM, _A.SUSPEND, _S.ACTIVE, _S.SUSPENDED, SUSPENDING, "Acuan hukum 4.4 butir 9; 9; S07, S18"),
    Rule(_R.SYSTEM, _A.SUSPEND, _S.SUSPENDED, _S.SUSPENDED, SUSPENDING, "Acuan hukum 4.4 butir 9; 9; S07, S18"),
    Rule(_R.SYSTEM, _A.RESUME, _S.SUSPENDED, None, RESUMING, "Acuan hukum 4.4 butir 9; S07"),
    Rule(_R.CONTROLLER, _A.SUSPEND, _S.ACTIVE, _S.SUSPENDED, ORDERING, "Acuan hukum 9: sanksi beralasan"),
    Rule(_R.CONTROLLER, _A.SUSPEND, _S.SUSPENDED, _S.SUSPENDED, ORDERING, "Acuan hukum 9: sanksi beralasan"),
    Rule(_R.CONTROLLER, _A.RESUME, _S.SUSPENDED, None, LIFTING, "Acuan hukum 9: sanksi beralasan"),
    *(Rule(_R.CONTROLLER, _A.REVOKE, status, _S.REVOKED, PERSON, "Acuan hukum 4.3, 9; S09")
      for status in (_S.PENDING, _S.ACTIVE, _S.SUSPENDED)),
    *(Rule(_R.SYSTEM, _A.EXPIRE, status, _S.EXPIRED, (access_has_not_ended,), "Acuan hukum 4.4 butir 10; S10")
      for status in (_S.PENDING, _S.ACTIVE, _S.SUSPENDED)),
    *(Rule(_R.AUTHORISED_HANDLER, _A.CONFIRM_RECEIPT, status, status,
           CONFIRMING, "Acuan hukum 7.3; S17; keputusan 0085")
      for status in (_S.ACTIVE, _S.SUSPENDED, _S.EXPIRED, _S.REVOKED)),  # what was received stays received
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(
    grant: Grant, command: Command, facts: AccessFacts, table: Table[Status, Action] = TABLE
) -> Refusal | None:
    """What stands in the way of the command, or None. Who may not read because the grant is suspended is told why: what
    suspended it is still true, and says more than the stage."""
    no = first_refusal(table, grant, command, facts, always=(form_is_incomplete,))
    if no is None or no.code != "not-at-this-stage" or not _reads_a_suspended_one(grant, command):
        return no
    return next((why for rule in READER if (why := rule(grant, command, facts)) is not None), no)


def _reads_a_suspended_one(grant: Grant, command: Command) -> bool:
    reads = (command.action, command.actor.role) == (Action.READ, Role.AUTHORISED_HANDLER)
    return reads and grant.status is Status.SUSPENDED


def decide(grant: Grant, command: Command, facts: AccessFacts, table: Table[Status, Action] = TABLE) -> Event | Refusal:
    """The event that the command makes, or what stands in its way."""
    if (refusal := objection(grant, command, facts, table)) is not None:
        return refusal
    rule = table[(grant.status, command.actor.role, command.action)]
    said = {} if facts.acknowledged is None else {"said": facts.acknowledged.to_json()}
    payload = {**command.payload, **said}
    return Event.next(grant, command, facts.now, rule.to_status or _resumed(grant, command), payload)


def may_read(grant: Grant, actor: Actor, facts: AccessFacts, part: str = "package") -> Refusal | None:
    """Asked before every part and every page of a stream: what stands in the way of reading now."""
    return objection(grant, Command(Action.READ, actor, {"part": part}, grant.n), facts)


def may_confirm(grant: Grant, actor: Actor, facts: AccessFacts) -> Refusal | None:
    """What stands in the way of handing an acknowledgement in, whatever it will say."""
    lines = [rule for rule in RULES if rule.action is Action.CONFIRM_RECEIPT]
    return dict(possible(lines, grant, actor, facts)).get(Action.CONFIRM_RECEIPT, Refusal("not-this-role"))


def due(grant: Grant, facts: AccessFacts) -> Command | None:
    """The next thing the system has to write down, so that the record says what is already true; None: nothing. Ask
    again after appending it: one event for each cause."""
    if grant.status not in {Status.PENDING, Status.ACTIVE, Status.SUSPENDED}:
        return None
    if grant.status_at(facts.now) is Status.EXPIRED:
        return Command(Action.EXPIRE, SYSTEM, {}, grant.n)
    if grant.status is Status.PENDING:
        return None
    for cause in (Cause.READINESS, Cause.DUTY, Cause.RELEASE):
        holds, told = _holds(cause, facts), cause in grant.causes
        if holds != told:
            action = Action.SUSPEND if holds else Action.RESUME
            return Command(action, SYSTEM, {"cause": cause.value, "reason": cause.value}, grant.n)
    return None


def _resumed(grant: Grant, command: Command) -> Status:
    return Status.SUSPENDED if grant.causes - {command.payload["cause"]} else Status.ACTIVE
