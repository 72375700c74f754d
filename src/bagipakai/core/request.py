"""A request as its events leave it: the words, the values, and the fold.

Nothing here asks whether something may happen (core.workflow does): what happened, happened. Sources: law reference
2.1, 4.2 and 4.4.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property, reduce
from types import MappingProxyType
from typing import Any, Final, cast

from bagipakai.core.canonical import digest
from bagipakai.core.event import SYSTEM as SYSTEM  # noqa: PLC0414
from bagipakai.core.event import Actor as Actor  # noqa: PLC0414
from bagipakai.core.event import AnyCommand, AnyEvent
from bagipakai.core.event import Role as Role  # noqa: PLC0414
from bagipakai.core.plan import Exempted, Level


class Status(StrEnum):
    """The stages of a request (law reference 4.2)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    ADMIN_CHECK = "ADMIN_CHECK"
    RETURNED = "RETURNED"
    SUBSTANCE_CHECK = "SUBSTANCE_CHECK"
    CLARIFICATION = "CLARIFICATION"
    COORDINATOR_DECISION = "COORDINATOR_DECISION"
    AGREEMENT_SIGNING = "AGREEMENT_SIGNING"
    PROCESSING = "PROCESSING"
    QUALITY_CHECK = "QUALITY_CHECK"
    HANDOVER_SIGNING = "HANDOVER_SIGNING"
    ACCESS_GRANTED = "ACCESS_GRANTED"
    CLOSED = "CLOSED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


TERMINAL: Final = frozenset({Status.CLOSED, Status.REJECTED, Status.WITHDRAWN})


class Action(StrEnum):
    """What can be done to a request."""

    CREATE = "CREATE"
    JOIN = "JOIN"
    SAVE_ANSWER = "SAVE_ANSWER"
    ATTACH = "ATTACH"
    DETACH = "DETACH"
    SUBMIT = "SUBMIT"
    WITHDRAW = "WITHDRAW"
    RECEIVE = "RECEIVE"
    ACCEPT_ITEM = "ACCEPT_ITEM"
    RETURN = "RETURN"
    ANSWER_ITEM = "ANSWER_ITEM"
    RESUBMIT = "RESUBMIT"
    LAPSE = "LAPSE"
    PASS_ADMIN = "PASS_ADMIN"  # noqa: S105
    ASK_CLARIFICATION = "ASK_CLARIFICATION"
    RECORD_CLARIFICATION = "RECORD_CLARIFICATION"
    CONFIRM_CLARIFICATION = "CONFIRM_CLARIFICATION"
    PROPOSE = "PROPOSE"
    PROPOSE_EXEMPTIONS = "PROPOSE_EXEMPTIONS"
    GIVE_OPINION = "GIVE_OPINION"
    PASS_SUBSTANCE = "PASS_SUBSTANCE"  # noqa: S105
    DECIDE_VARIABLES = "DECIDE_VARIABLES"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    AMEND = "AMEND"
    SIGN_AGREEMENT = "SIGN_AGREEMENT"
    BEGIN_PROCESSING = "BEGIN_PROCESSING"
    PLACE_ORDER = "PLACE_ORDER"
    CANCEL_ORDER = "CANCEL_ORDER"
    RECORD_RECEIPT = "RECORD_RECEIPT"
    SEND_TO_QUALITY = "SEND_TO_QUALITY"
    PASS_QUALITY = "PASS_QUALITY"  # noqa: S105
    FAIL_QUALITY = "FAIL_QUALITY"
    SIGN_HANDOVER = "SIGN_HANDOVER"
    GRANT = "GRANT"
    FOLLOW_RELEASE = "FOLLOW_RELEASE"
    CLOSE = "CLOSE"


class Check(StrEnum):
    """The acts of which no person may do two in one chain: five by law reference 4.4, invariant 2; the opinion on data
    protection, the processing and the controller's signature by decision 0085."""

    READINESS_REVIEW = "READINESS_REVIEW"
    ADMIN_CHECK = "ADMIN_CHECK"
    OPINION = "OPINION"
    SUBSTANCE_CHECK = "SUBSTANCE_CHECK"
    DECISION = "DECISION"
    SIGNATURE = "SIGNATURE"
    PROCESSING = "PROCESSING"
    QUALITY_CHECK = "QUALITY_CHECK"


CHECK_OF: Final[Mapping[Role, Check]] = MappingProxyType(
    {
        Role.READINESS_REVIEWER: Check.READINESS_REVIEW,
        Role.ADMIN_VERIFIER: Check.ADMIN_CHECK,
        Role.DATA_PROTECTION_OFFICER: Check.OPINION,
        Role.SUBSTANCE_VERIFIER: Check.SUBSTANCE_CHECK,
        Role.DATA_PRODUCER: Check.DECISION,  # the owner of a field decides on it
        Role.COORDINATOR: Check.DECISION,
        Role.CONTROLLER: Check.SIGNATURE,  # of the agreement and of the hand-over
        Role.DATA_PREPARER: Check.PROCESSING,
        Role.QUALITY_REVIEWER: Check.QUALITY_CHECK,
    }
)


class Command(AnyCommand[Action]):
    """What someone wants to do to a request.

    Payload by action (text unless said otherwise; every key is demanded, and no other is taken, unless in brackets):

    CREATE institution, controller · JOIN – · SAVE_ANSWER answers {question: value} · ATTACH kind, sha256, bytes (int),
    name, media · DETACH kind · SUBMIT, RESUBMIT, RECEIVE, LAPSE, PASS_ADMIN, PASS_SUBSTANCE, BEGIN_PROCESSING,
    SEND_TO_QUALITY, CLOSE – · WITHDRAW [reason] · RETURN items [{code, target "field:…"/"document:…", note}],
    reopen [{item, note}] (lists) · ACCEPT_ITEM item · ANSWER_ITEM item, answer REPAIRED/REASONED, [reason] ·
    ASK_CLARIFICATION questions · RECORD_CLARIFICATION document (sha256), summary · CONFIRM_CLARIFICATION document ·
    PROPOSE, DECIDE_VARIABLES verdicts {variable: {verdict APPROVE/REJECT/LOWER, level, reason}} ·
    PROPOSE_EXEMPTIONS exemptions {rule for rows: reason} (none: taken back) ·
    GIVE_OPINION opinion SUPPORTS/CONDITIONS/OPPOSES, reason · APPROVE variables (list), level, plan, content, reason,
    [exempted (list of rules for rows)] ·
    REJECT, FAIL_QUALITY reason · PASS_QUALITY [note] · AMEND fields (list), reason ·
    SIGN_AGREEMENT document, [capacity CONTROLLER/JOINT_CONTROLLER/PROCESSOR, signature] · PLACE_ORDER, FOLLOW_RELEASE
    order, plan, release · CANCEL_ORDER order, reason · RECORD_RECEIPT order, plan, release, refusal, package, manifest,
    rows (int), columns (list: catalogue names), steps (list of {step, evidence}), [hidden_cells, package_bytes,
    persons] (int) ·
    SIGN_HANDOVER document, plan, manifest (may be empty when signed early), [signature] · GRANT grant
    """


class Event(AnyEvent[Status, Action]):
    """What happened to a request."""

    kind = "request"
    stages = Status
    deeds = Action


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document as stored: by the digest of its bytes."""

    kind: str
    sha256: str
    bytes: int
    name: str
    media: str
    by: str
    n: int


@dataclass(frozen=True, slots=True)
class Version:
    """The content as it was sent, frozen."""

    number: int
    n: int
    at: datetime
    content: str
    answers: Mapping[str, Any]
    attachments: Mapping[str, Attachment]


class ItemState(StrEnum):
    OPEN = "OPEN"
    REPAIRED = "REPAIRED"
    REASONED = "REASONED"  # left as it is, with a reason
    ACCEPTED = "ACCEPTED"


@dataclass(frozen=True, slots=True)
class Item:
    """One deficiency: a code, the field or document it names, and until when. It unlocks that and nothing else."""

    id: str
    code: str
    target: str  # "field:purpose" or "document:NDA"
    note: str
    stage: Status  # the check that issued it
    due: date | None
    round: int
    state: ItemState = ItemState.OPEN
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody says about one variable. `level` is the highest level at which it may go."""

    verdict: str  # APPROVE, REJECT, LOWER
    level: str
    reason: str
    person: str
    institution: str


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why a rule for rows need not be met, and who says so: the first of the two persons that it takes."""

    reason: str
    person: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was approved, and the digests that were signed by deciding (invariant 6)."""

    n: int
    at: datetime
    person: str
    post: str
    level: str
    variables: tuple[str, ...]
    plan: str
    content: str
    readiness: str
    reason: str
    digest: str
    exempted: tuple[Exempted, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """One party's signature under one paper."""

    person: str
    post: str
    at: datetime
    document: str
    plan: str = ""
    manifest: str = ""
    capacity: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the registry's receipt says about the last order."""

    order: str
    plan: str
    release: str
    refusal: str
    package: str
    manifest: str
    rows: int
    columns: tuple[str, ...]
    steps: tuple[tuple[str, bool], ...]  # sub-step, has evidence


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay in one stage. `until` None: still there."""

    status: Status
    since: datetime
    until: datetime | None = None


EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class State:
    """A request as its events leave it."""

    subject: str  # its reference
    n: int = 0
    status: Status | None = None
    institution: str = ""
    controller: str = ""
    authors: frozenset[str] = frozenset()  # persons who drafted, edited, joined or signed for the applicant
    examined: Mapping[Check, frozenset[str]] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Attachment] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()
    items: tuple[Item, ...] = ()
    rounds: int = 0
    returned_by: Status | None = None
    clarification: str = ""  # SHA-256 of the record that awaits the applicant's confirmation
    proposals: Mapping[str, Verdict] = field(default_factory=dict)
    exemptions: Mapping[str, Exemption] = field(default_factory=dict)  # by rule for rows, as last proposed
    owner_verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    opinion: str = ""
    decision: Decision | None = None
    agreement: Mapping[Role, Signature] = field(default_factory=dict)
    handover: Mapping[Role, Signature] = field(default_factory=dict)
    orders: tuple[str, ...] = ()
    cancelled: str = ""  # the order that nobody wants any more, until the next one is placed
    delivered: Delivered | None = None
    quality: str = ""  # PASSED or FAILED, of the last package
    grant: str = ""
    granted: Mapping[str, Delivered] = field(default_factory=dict)  # by manifest: every package that was handed over
    reason: str = ""  # of the last return, rejection, withdrawal or failed check
    stays: tuple[Stay, ...] = ()

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """Names of the variables asked, in order. Entries without a name are skipped; they are refused elsewhere."""
        listed = self.answers.get("variables")
        if not isinstance(listed, list | tuple):
            return ()
        return tuple(one["name"] for one in listed if isinstance(one, Mapping) and isinstance(one.get("name"), str))

    @property
    def matches(self) -> bool:
        """Whether the institution's own list is to be matched."""
        return bool(self.answers.get("roster"))

    @property
    def without_names(self) -> bool:
        """Whether rows are asked for that name nobody: those for which there are rules."""
        return self.answers.get("level") in (Level.L2, Level.L3) and not self.matches

    def exempted(self, rules: Iterable[object]) -> tuple[Exempted, ...]:
        """Of these rules for rows those that were proposed to be exempted, as a plan says it."""
        chosen = [rule for rule in sorted(self.exemptions) if rule in rules]
        return tuple(Exempted(rule, self.exemptions[rule].reason) for rule in chosen)

    @cached_property
    def content(self) -> str:
        """Digest of the answers and of the bytes of every attachment."""
        return content_digest(self.answers, self.attachments)

    @cached_property
    def open_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.state is not ItemState.ACCEPTED)

    @cached_property
    def unlocked(self) -> frozenset[str]:
        """What may be changed while returned: what an open item names, and nothing else (invariant 5)."""
        return frozenset(item.target for item in self.open_items)


def signed_by_both(signatures: Mapping[Role, Signature]) -> bool:
    """Whether both parties signed, and under the same bytes."""
    ours, theirs = signatures.get(Role.CONTROLLER), signatures.get(Role.ACCOUNTABLE_OFFICER)
    return ours is not None and theirs is not None and ours.document == theirs.document


def content_digest(answers: Mapping[str, Any], attachments: Mapping[str, Attachment]) -> str:
    """The digest by which content is frozen, decided on and compared."""
    return digest(
        {"answers": dict(answers), "attachments": {kind: attachment.sha256 for kind, attachment in attachments.items()}}
    )


def fold(events: Iterable[Event], subject: str = "") -> State:
    """The state that the events leave. Asks no question: what happened, happened."""
    return reduce(after, events, State(subject))


def after(state: State, event: Event) -> State:
    """The state after one more event."""
    changes: dict[str, Any] = {
        "subject": event.subject,
        "n": event.n,
        "status": event.status_after,
        "stays": _stays(state, event),
    }
    check = CHECK_OF.get(event.actor.role)
    if check is not None:
        persons = state.examined.get(check, frozenset()) | {event.actor.person}
        changes["examined"] = {**state.examined, check: persons}
    elif event.actor.role in {Role.APPLICANT, Role.ACCOUNTABLE_OFFICER}:
        changes["authors"] = state.authors | {event.actor.person}
    effect = _EFFECTS.get(event.action)
    if effect is not None:
        changes |= effect(state, event)
    return replace(state, **changes)


def _stays(state: State, event: Event) -> tuple[Stay, ...]:
    if event.status_before == event.status_after:
        return state.stays
    left = state.stays
    if left:
        left = (*left[:-1], replace(left[-1], until=event.at))
    return (*left, Stay(event.status_after, event.at))


def _create(state: State, event: Event) -> dict[str, Any]:
    return {"institution": event.payload["institution"], "controller": event.payload["controller"]}


def _save_answer(state: State, event: Event) -> dict[str, Any]:
    return {"answers": {**state.answers, **event.payload["answers"]}}


def _attach(state: State, event: Event) -> dict[str, Any]:
    payload = event.payload
    attachment = Attachment(
        payload["kind"],
        payload["sha256"],
        payload["bytes"],
        payload["name"],
        payload["media"],
        event.actor.person,
        event.n,
    )
    return {"attachments": {**state.attachments, attachment.kind: attachment}}


def _detach(state: State, event: Event) -> dict[str, Any]:
    return {"attachments": {kind: one for kind, one in state.attachments.items() if kind != event.payload["kind"]}}


def _submit(state: State, event: Event) -> dict[str, Any]:
    version = Version(
        len(state.versions) + 1, event.n, event.at, event.payload["content"], state.answers, state.attachments
    )
    return {
        "versions": (*state.versions, version),
        # Other content needs another proposal, another opinion and another decision (invariant 6).
        "proposals": EMPTY,
        "exemptions": EMPTY,
        "owner_verdicts": EMPTY,
        "opinion": "",
    }


def _return(state: State, event: Event) -> dict[str, Any]:
    turn = state.rounds + 1
    stage = cast(Status, event.status_before)
    due = date.fromisoformat(event.payload["due"]) if event.payload.get("due") else None
    again = {one["item"]: one["note"] for one in event.payload["reopen"]}
    kept = tuple(
        replace(item, state=ItemState.OPEN, note=again[item.id], due=due, round=turn) if item.id in again else item
        for item in state.items
    )
    new = tuple(
        Item(one["id"], one["code"], one["target"], one["note"], stage, due, turn) for one in event.payload["items"]
    )
    return {"items": (*kept, *new), "rounds": turn, "returned_by": stage}


def _amend(state: State, event: Event) -> dict[str, Any]:
    new = tuple(
        Item(f"{event.n}.{i}", "amendment", f"field:{name}", event.payload["reason"], Status.ADMIN_CHECK, None, 0)
        for i, name in enumerate(event.payload["fields"], 1)
    )
    return {
        "items": (*state.items, *new),
        "returned_by": Status.ADMIN_CHECK,
        "decision": None,
        "agreement": EMPTY,
        "handover": EMPTY,
        "reason": event.payload["reason"],
    }


def _item_becomes(item_id: str, state: State, becomes: ItemState, reason: str) -> dict[str, Any]:
    return {
        "items": tuple(
            replace(item, state=becomes, reason=reason or item.reason) if item.id == item_id else item
            for item in state.items
        )
    }


def _accept_item(state: State, event: Event) -> dict[str, Any]:
    return _item_becomes(event.payload["item"], state, ItemState.ACCEPTED, "")


def _answer_item(state: State, event: Event) -> dict[str, Any]:
    payload = event.payload
    return _item_becomes(payload["item"], state, ItemState(payload["answer"]), payload.get("reason", ""))


def _verdicts(event: Event) -> dict[str, Verdict]:
    actor = event.actor
    return {
        name: Verdict(one["verdict"], one["level"], one["reason"], actor.person, actor.institution)
        for name, one in event.payload["verdicts"].items()
    }


def _propose_exemptions(state: State, event: Event) -> dict[str, Any]:
    """Other exemptions than those the data protection officer had read need another opinion."""
    proposed = {rule: Exemption(reason, event.actor.person) for rule, reason in event.payload["exemptions"].items()}
    return {"exemptions": proposed, "opinion": ""}


def _approve(state: State, event: Event) -> dict[str, Any]:
    payload = event.payload
    decision = Decision(
        event.n,
        event.at,
        event.actor.person,
        event.actor.post,
        payload["level"],
        tuple(payload["variables"]),
        payload["plan"],
        payload["content"],
        payload["readiness"],
        payload["reason"],
        event.digest,
        state.exempted(payload.get("exempted", ())),
    )
    return {
        "decision": decision,
        "agreement": EMPTY,
        "handover": EMPTY,
        "orders": (),
        "cancelled": "",
        "delivered": None,
        "quality": "",
    }


def _signature(event: Event) -> Signature:
    payload = event.payload
    return Signature(
        event.actor.person,
        event.actor.post,
        event.at,
        payload["document"],
        payload.get("plan", ""),
        payload.get("manifest", ""),
        payload.get("capacity", ""),
    )


def _record_receipt(state: State, event: Event) -> dict[str, Any]:
    payload = event.payload
    return {
        "delivered": Delivered(
            payload["order"],
            payload["plan"],
            payload["release"],
            payload["refusal"],
            payload["package"],
            payload["manifest"],
            payload["rows"],
            tuple(payload["columns"]),
            tuple((one["step"], bool(one["evidence"])) for one in payload["steps"]),
        )
    }


def _order(state: State, event: Event) -> dict[str, Any]:
    return {"orders": (*state.orders, event.payload["order"]), "cancelled": "", "delivered": None, "quality": ""}


def _follow(state: State, event: Event) -> dict[str, Any]:
    """Another package, another hand-over: what was signed for the last one stands for it alone. A record that was
    signed early names no package, and stands."""
    early = {role: signature for role, signature in state.handover.items() if not signature.manifest}
    return {**_order(state, event), "handover": early}


def _grant(state: State, event: Event) -> dict[str, Any]:
    delivered = state.delivered
    handed = {} if delivered is None else {delivered.manifest: delivered}
    return {"grant": event.payload["grant"], "granted": {**state.granted, **handed}}


def _why(state: State, event: Event) -> dict[str, Any]:
    return {"reason": event.payload.get("reason", "")}


_EFFECTS: Final[Mapping[Action, Callable[[State, Event], dict[str, Any]]]] = {
    Action.CREATE: _create,
    Action.SAVE_ANSWER: _save_answer,
    Action.ATTACH: _attach,
    Action.DETACH: _detach,
    Action.SUBMIT: _submit,
    Action.RESUBMIT: _submit,
    Action.WITHDRAW: _why,
    Action.RETURN: _return,
    Action.ACCEPT_ITEM: _accept_item,
    Action.ANSWER_ITEM: _answer_item,
    Action.AMEND: _amend,
    Action.ASK_CLARIFICATION: lambda state, event: {"clarification": ""},
    Action.RECORD_CLARIFICATION: lambda state, event: {"clarification": event.payload["document"]},
    Action.PROPOSE: lambda state, event: {"proposals": {**state.proposals, **_verdicts(event)}},
    Action.PROPOSE_EXEMPTIONS: _propose_exemptions,
    Action.DECIDE_VARIABLES: lambda state, event: {"owner_verdicts": {**state.owner_verdicts, **_verdicts(event)}},
    Action.GIVE_OPINION: lambda state, event: {"opinion": event.payload["opinion"]},
    Action.APPROVE: _approve,
    Action.REJECT: _why,
    Action.SIGN_AGREEMENT: lambda state, event: {"agreement": {**state.agreement, event.actor.role: _signature(event)}},
    Action.SIGN_HANDOVER: lambda state, event: {"handover": {**state.handover, event.actor.role: _signature(event)}},
    Action.PLACE_ORDER: _order,
    Action.CANCEL_ORDER: lambda state, event: {"cancelled": event.payload["order"]},
    Action.RECORD_RECEIPT: _record_receipt,
    Action.PASS_QUALITY: lambda state, event: {"quality": "PASSED"},
    Action.FAIL_QUALITY: lambda state, event: {"quality": "FAILED", **_why(state, event)},
    Action.GRANT: _grant,
    Action.FOLLOW_RELEASE: _follow,
}
