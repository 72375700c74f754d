"""Who may do what, when, unless: the request from its first draft to its last duty, as one table.

Read `RULES` at the end first: *an applicant may submit a draft unless readiness has lapsed.* What is not in the table
is refused. Every page, interface, job and handler asks `objection`; a button is drawn or explained by the same answer
(`possible`). State is a pure fold over events that are only ever added; adding event `(request, n)` is the lock.

Sources: law reference 4.1 (what the regulation is reported to say), 4.2 (stages and guards), 4.4 (invariants),
4.5 (documents); scenarios S02, S04, S06, S14.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from types import MappingProxyType
from typing import Any, Final, cast

from bagipakai.core.canonical import NotCanonical, canonical, digest
from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal


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


class Role(StrEnum):
    """What a post lets its holder be (law reference 2.1). Which office plays which role is configuration (3.5)."""

    APPLICANT = "APPLICANT"
    ACCOUNTABLE_OFFICER = "ACCOUNTABLE_OFFICER"  # signs for the institution that receives
    READINESS_REVIEWER = "READINESS_REVIEWER"
    ADMIN_VERIFIER = "ADMIN_VERIFIER"
    SUBSTANCE_VERIFIER = "SUBSTANCE_VERIFIER"
    DATA_PROTECTION_OFFICER = "DATA_PROTECTION_OFFICER"
    DATA_PRODUCER = "DATA_PRODUCER"  # owner of the fields it produces
    COORDINATOR = "COORDINATOR"
    CONTROLLER = "CONTROLLER"  # signs for the Pengendali, who provides
    DATA_PREPARER = "DATA_PREPARER"
    QUALITY_REVIEWER = "QUALITY_REVIEWER"
    AUDITOR = "AUDITOR"  # reads, and acts in nothing
    SYSTEM = "SYSTEM"  # follows what people did; decides nothing


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
    GIVE_OPINION = "GIVE_OPINION"
    PASS_SUBSTANCE = "PASS_SUBSTANCE"  # noqa: S105
    DECIDE_VARIABLES = "DECIDE_VARIABLES"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    AMEND = "AMEND"
    SIGN_AGREEMENT = "SIGN_AGREEMENT"
    BEGIN_PROCESSING = "BEGIN_PROCESSING"
    PLACE_ORDER = "PLACE_ORDER"
    RECORD_RECEIPT = "RECORD_RECEIPT"
    SEND_TO_QUALITY = "SEND_TO_QUALITY"
    PASS_QUALITY = "PASS_QUALITY"  # noqa: S105
    FAIL_QUALITY = "FAIL_QUALITY"
    SIGN_HANDOVER = "SIGN_HANDOVER"
    GRANT = "GRANT"
    CLOSE = "CLOSE"


class Check(StrEnum):
    """The five acts of which no person may do two in one chain (law reference 4.4, invariant 2)."""

    READINESS_REVIEW = "READINESS_REVIEW"
    ADMIN_CHECK = "ADMIN_CHECK"
    SUBSTANCE_CHECK = "SUBSTANCE_CHECK"
    DECISION = "DECISION"
    QUALITY_CHECK = "QUALITY_CHECK"


CHECK_OF: Final[Mapping[Role, Check]] = MappingProxyType(
    {
        Role.READINESS_REVIEWER: Check.READINESS_REVIEW,
        Role.ADMIN_VERIFIER: Check.ADMIN_CHECK,
        Role.SUBSTANCE_VERIFIER: Check.SUBSTANCE_CHECK,
        Role.DATA_PRODUCER: Check.DECISION,  # the owner of a field decides on it
        Role.COORDINATOR: Check.DECISION,
        Role.QUALITY_REVIEWER: Check.QUALITY_CHECK,
    }
)


# ---------------------------------------------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, on a post, in a role. Rights belong to the post; `institution` is the post's."""

    person: str
    post: str
    role: Role
    institution: str


SYSTEM: Final = Actor("", "", Role.SYSTEM, "")


@dataclass(frozen=True, slots=True)
class Command:
    """What someone wants to do, having seen the request as it stood after event `seen`.

    Payload by action (text unless said otherwise; every key is demanded, and no other is taken, unless in brackets):

    CREATE institution, controller · JOIN – · SAVE_ANSWER answers {question: value} · ATTACH kind, sha256, bytes (int),
    name, media · DETACH kind · SUBMIT, RESUBMIT, RECEIVE, LAPSE, PASS_ADMIN, PASS_SUBSTANCE, BEGIN_PROCESSING,
    SEND_TO_QUALITY, CLOSE – · WITHDRAW [reason] · RETURN items [{code, target "field:…"/"document:…", note}],
    reopen [{item, note}] (lists) · ACCEPT_ITEM item · ANSWER_ITEM item, answer REPAIRED/REASONED, [reason] ·
    ASK_CLARIFICATION questions · RECORD_CLARIFICATION document (sha256), summary · CONFIRM_CLARIFICATION document ·
    PROPOSE, DECIDE_VARIABLES verdicts {variable: {verdict APPROVE/REJECT/LOWER, level, reason}} ·
    GIVE_OPINION opinion SUPPORTS/CONDITIONS/OPPOSES, reason · APPROVE variables (list), level, plan, content, reason ·
    REJECT, FAIL_QUALITY reason · PASS_QUALITY [note] · AMEND fields (list), reason ·
    SIGN_AGREEMENT document, capacity CONTROLLER/JOINT_CONTROLLER/PROCESSOR, [signature] · PLACE_ORDER order, plan,
    release · RECORD_RECEIPT order, plan, release, refusal, package, manifest, rows (int), columns (list: catalogue
    names), steps (list of {step, evidence}), [and what else the receipt tells] ·
    SIGN_HANDOVER document, plan, manifest (may be empty when signed early), [signature] · GRANT grant
    """

    action: Action
    actor: Actor
    payload: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `n` counts from 1 without gaps; `payload` has a canonical JSON form."""

    request_id: str
    n: int
    at: datetime
    actor: Actor
    action: Action
    status_before: Status | None
    status_after: Status
    payload: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the ledger keeps."""
        return {
            "request_id": self.request_id,
            "n": self.n,
            "at": self.at.isoformat(),
            "person": self.actor.person,
            "post": self.actor.post,
            "role": self.actor.role.value,
            "institution": self.actor.institution,
            "action": self.action.value,
            "status_before": self.status_before.value if self.status_before else None,
            "status_after": self.status_after.value,
            "payload": dict(self.payload),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Event":
        """Raises KeyError or ValueError unless `data` is what `to_json` writes."""
        return cls(
            request_id=data["request_id"],
            n=data["n"],
            at=datetime.fromisoformat(data["at"]),
            actor=Actor(data["person"], data["post"], Role(data["role"]), data["institution"]),
            action=Action(data["action"]),
            status_before=Status(data["status_before"]) if data["status_before"] else None,
            status_after=Status(data["status_after"]),
            payload=data["payload"],
        )


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

    request_id: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    controller: str = ""
    authors: frozenset[str] = frozenset()  # persons who drafted, edited, joined or signed for the applicant
    examined: Mapping[Check, frozenset[str]] = EMPTY
    answers: Mapping[str, Any] = EMPTY
    attachments: Mapping[str, Attachment] = EMPTY
    versions: tuple[Version, ...] = ()
    items: tuple[Item, ...] = ()
    rounds: int = 0
    returned_by: Status | None = None
    clarification: str = ""  # SHA-256 of the record that awaits the applicant's confirmation
    proposals: Mapping[str, Verdict] = EMPTY
    owner_verdicts: Mapping[str, Verdict] = EMPTY
    opinion: str = ""
    decision: Decision | None = None
    agreement: Mapping[Role, Signature] = EMPTY
    handover: Mapping[Role, Signature] = EMPTY
    orders: tuple[str, ...] = ()
    delivered: Delivered | None = None
    quality: str = ""  # PASSED or FAILED, of the last package
    grant: str = ""
    reason: str = ""  # of the last return, rejection, withdrawal or failed check
    stays: tuple[Stay, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """Names of the variables asked, in order. Entries without a name are skipped; they are refused elsewhere."""
        listed = self.answers.get("variables")
        if not isinstance(listed, list | tuple):
            return ()
        return tuple(one["name"] for one in listed if isinstance(one, Mapping) and isinstance(one.get("name"), str))

    @property
    def content(self) -> str:
        """Digest of the answers and of the bytes of every attachment."""
        return content_digest(self.answers, self.attachments)

    @property
    def open_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.state is not ItemState.ACCEPTED)

    @property
    def unlocked(self) -> frozenset[str]:
        """What may be changed while returned: what an open item names, and nothing else (invariant 5)."""
        return frozenset(item.target for item in self.open_items)


def content_digest(answers: Mapping[str, Any], attachments: Mapping[str, Attachment]) -> str:
    """The digest by which content is frozen, decided on and compared."""
    return digest(
        {"answers": dict(answers), "attachments": {kind: attachment.sha256 for kind, attachment in attachments.items()}}
    )


# ------------------------------------------------------------------------------------------------------------ fold


def fold(events: Iterable[Event], request_id: str = "") -> State:
    """The state that the events leave. Asks no question: what happened, happened."""
    return reduce(after, events, State(request_id))


def after(state: State, event: Event) -> State:
    """The state after one more event."""
    changes: dict[str, Any] = {
        "request_id": event.request_id,
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
        digest(event.to_json()),
    )
    return {"decision": decision, "agreement": EMPTY, "handover": EMPTY, "orders": (), "delivered": None, "quality": ""}


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
    Action.DECIDE_VARIABLES: lambda state, event: {"owner_verdicts": {**state.owner_verdicts, **_verdicts(event)}},
    Action.GIVE_OPINION: lambda state, event: {"opinion": event.payload["opinion"]},
    Action.APPROVE: _approve,
    Action.REJECT: _why,
    Action.SIGN_AGREEMENT: lambda state, event: {"agreement": {**state.agreement, event.actor.role: _signature(event)}},
    Action.SIGN_HANDOVER: lambda state, event: {"handover": {**state.handover, event.actor.role: _signature(event)}},
    Action.PLACE_ORDER: lambda state, event: {
        "orders": (*state.orders, event.payload["order"]),
        "delivered": None,
        "quality": "",
    },
    Action.RECORD_RECEIPT: _record_receipt,
    Action.PASS_QUALITY: lambda state, event: {"quality": "PASSED"},
    Action.FAIL_QUALITY: lambda state, event: {"quality": "FAILED", **_why(state, event)},
    Action.GRANT: lambda state, event: {"grant": event.payload["grant"]},
}


# ------------------------------------------------------------------------------------------------------ objections
# Each is named as the sentence that a person is told; its code is its name with hyphens; the sentence itself, in two
# languages and with its source, stands in policies/refusals.toml under that code.

Objection = Callable[[State, Command, Facts], Refusal | None]

ABOUT_PAYLOAD: Final[set[Objection]] = set()  # judged only once the form is filled; a button does not wait for them


def _about_payload(objection: Objection) -> Objection:
    ABOUT_PAYLOAD.add(objection)
    return objection


def code_of(objection: Objection) -> str:
    """`readiness_has_lapsed` → `readiness-has-lapsed`."""
    return objection.__name__.replace("_", "-")


# the form itself


@_about_payload
def form_is_incomplete(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A key is missing, unknown or of the wrong kind: nothing that was not asked for is taken in."""
    for key, fits in (*_SHAPES[command.action].items(), *_MAY_SAY.get(command.action, {}).items()):
        if (key in command.payload or key in _SHAPES[command.action]) and not fits(command.payload.get(key)):
            return Refusal("form-is-incomplete", {"field": key})
    known = _SHAPES[command.action].keys() | _MAY_SAY.get(command.action, {}).keys()
    for key in command.payload:
        if key not in known and command.action is not Action.RECORD_RECEIPT:
            return Refusal("form-is-incomplete", {"field": str(key)})
    return None


@_about_payload
def answer_is_too_long(state: State, command: Command, facts: Facts) -> Refusal | None:
    try:
        if len(canonical(dict(command.payload))) <= 200_000:
            return None
    except NotCanonical:  # no number with a fraction, nothing nested beyond reason
        pass
    return Refusal("answer-is-too-long")


# the person


def account_is_not_active(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if facts.account == "ACTIVE" else Refusal("account-is-not-active", {"account": facts.account})


def mandate_has_ended(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Rights belong to the post; a person has them while holding it, as acting officer too."""
    actor, held = command.actor, facts.mandate
    if (
        held is not None
        and (held.person, held.post, held.institution) == (actor.person, actor.post, actor.institution)
        and actor.role in held.roles
        and held.holds(facts.now)
    ):
        return None
    return Refusal("mandate-has-ended", {"post": actor.post})


def competence_has_ended(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A role without a line in the settings needs all three attestations: what is unknown is demanded."""
    needed = facts.settings.competences.get(command.actor.role, ("technical", "legal", "governance"))
    for kind in needed:
        if facts.competences.get(kind, date.min) < facts.today:
            return Refusal("competence-has-ended", {"competence": kind})
    return None


def belongs_to_another_institution(state: State, command: Command, facts: Facts) -> Refusal | None:
    asking = command.payload.get("institution") if state.status is None else state.institution
    if asking and command.actor.institution == asking:
        return None
    return Refusal("belongs-to-another-institution")


def belongs_to_own_institution(state: State, command: Command, facts: Facts) -> Refusal | None:
    if command.actor.institution != state.institution:
        return None
    return Refusal("belongs-to-own-institution")


def drafted_it_themselves(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("drafted-it-themselves") if command.actor.person in state.authors else None


def already_examined_it(state: State, command: Command, facts: Facts) -> Refusal | None:
    """One person, one check of a chain; and whoever checked may not write in it."""
    own = CHECK_OF.get(command.actor.role)
    for check, persons in state.examined.items():
        if check is not own and command.actor.person in persons:
            return Refusal("already-examined-it", {"check": check.value})
    if command.actor.person in facts.standing.reviewers:
        return Refusal("already-examined-it", {"check": Check.READINESS_REVIEW.value})
    return None


def signed_for_the_other_side(state: State, command: Command, facts: Facts) -> Refusal | None:
    for signatures in (state.agreement, state.handover):
        for role, signature in signatures.items():
            if role is not command.actor.role and signature.person == command.actor.person:
                return Refusal("signed-for-the-other-side")
    return None


# may the institution ask?


def controller_is_not_appointed(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if facts.controller_appointed else Refusal("controller-is-not-appointed")


def transfer_has_no_basis(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.institution_kind == "INTERNATIONAL" and not facts.transfer_basis:
        return Refusal("transfer-has-no-basis")
    return None


def readiness_has_lapsed(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.standing.is_ready(facts.today):
        return None
    until = facts.standing.valid_until
    return Refusal("readiness-has-lapsed", {"until": until.isoformat() if until else "–"})


def readiness_does_not_cover_it(state: State, command: Command, facts: Facts) -> Refusal | None:
    level, channel = str(state.answers.get("level")), str(state.answers.get("channel"))
    if level in facts.standing.levels and channel in facts.standing.channels:
        return None
    return Refusal("readiness-does-not-cover-it", {"level": level, "channel": channel})


def duty_is_overdue(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.overdue == ():
        return None
    return Refusal("duty-is-overdue", {"duties": ", ".join(facts.overdue or ())})


def incident_is_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.incidents == ():
        return None
    return Refusal("incident-is-open", {"incidents": ", ".join(facts.incidents or ())})


# is the request whole?


@_about_payload
def question_is_unknown(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["answers"]:
        if name not in facts.questions:
            return Refusal("question-is-unknown", {"field": str(name)})
    return None


@_about_payload
def document_kind_is_unknown(state: State, command: Command, facts: Facts) -> Refusal | None:
    kind = command.payload["kind"]
    return None if kind in facts.settings.documents else Refusal("document-kind-is-unknown", {"document": kind})


def questions_are_unanswered(state: State, command: Command, facts: Facts) -> Refusal | None:
    missing = [
        name
        for name, demanded in facts.questions.items()
        if demanded
        and state.answers.get(name) in (None, "", [], {})
        # an empty list of areas is an answer: the whole nation
        and not (name == "area" and state.answers.get(name) == [])
    ]
    return Refusal("questions-are-unanswered", {"fields": ", ".join(missing)}) if missing else None


def purpose_is_unknown(state: State, command: Command, facts: Facts) -> Refusal | None:
    purpose = str(state.answers.get("purpose"))
    return None if purpose in facts.settings.purposes else Refusal("purpose-is-unknown", {"purpose": purpose})


def level_exceeds_the_purpose(state: State, command: Command, facts: Facts) -> Refusal | None:
    purpose = facts.settings.purposes.get(str(state.answers.get("purpose")))
    level = str(state.answers.get("level"))
    if purpose is not None and level in purpose.levels:
        return None
    return Refusal("level-exceeds-the-purpose", {"level": level})


def onward_sharing_is_not_allowed(state: State, command: Command, facts: Facts) -> Refusal | None:
    purpose = facts.settings.purposes.get(str(state.answers.get("purpose")))
    if not state.answers.get("onward_sharing") or (purpose is not None and purpose.onward_sharing):
        return None
    return Refusal("onward-sharing-is-not-allowed")


def period_is_not_allowed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """An end date is demanded, lies ahead, and no further than the purpose allows."""
    purpose = facts.settings.purposes.get(str(state.answers.get("purpose")))
    longest = purpose.longest_days if purpose is not None else 0
    ends = _day(state.answers.get("ends_on"))
    if ends is not None and facts.today <= ends <= facts.today + timedelta(days=longest):
        return None
    return Refusal("period-is-not-allowed", {"days": str(longest)})


def variable_has_no_reason(state: State, command: Command, facts: Facts) -> Refusal | None:
    listed = state.answers.get("variables")
    for one in listed if isinstance(listed, list | tuple) else ():
        if not isinstance(one, Mapping) or not _is_text(one.get("name")) or not _is_text(one.get("reason")):
            name = one.get("name") if isinstance(one, Mapping) else None
            return Refusal("variable-has-no-reason", {"variable": str(name or "–")})
    return None if state.asked else Refusal("variable-has-no-reason")


def plan_is_unlawful(state: State, command: Command, facts: Facts) -> Refusal | None:
    """The answers do not compile to a plan: an unknown variable, region, level or release, or a filter that would
    choose somebody about whom nothing is known. The compiler's own refusal is passed on, under its own code."""
    if facts.plan_refusal is not None:
        return facts.plan_refusal
    return None if facts.plan else Refusal("plan-is-unlawful")


def documents_are_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    """By the matrix of the highest control tier among the asked variables (R-20)."""
    if facts.documents_required is None:
        return Refusal("documents-are-missing")
    missing = sorted(facts.documents_required - state.attachments.keys())
    return Refusal("documents-are-missing", {"documents": ", ".join(missing)}) if missing else None


def dpo_is_not_registered(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("dpo-is-not-registered") if facts.dpo_required and not facts.dpo_registered else None


# repair


def content_is_not_frozen(state: State, command: Command, facts: Facts) -> Refusal | None:
    """The content now is not the content that was sent. No rule leads here; a changed database does."""
    if state.versions and state.versions[-1].content == state.content:
        return None
    return Refusal("content-is-not-frozen")


@_about_payload
def field_is_not_unlocked(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["answers"]:
        if f"field:{name}" not in state.unlocked:
            return Refusal("field-is-not-unlocked", {"field": name})
    return None


@_about_payload
def document_is_not_unlocked(state: State, command: Command, facts: Facts) -> Refusal | None:
    kind = command.payload["kind"]
    if f"document:{kind}" in state.unlocked:
        return None
    return Refusal("document-is-not-unlocked", {"document": kind})


@_about_payload
def nothing_is_named(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A return names what is missing."""
    return None if command.payload["items"] or command.payload["reopen"] else Refusal("nothing-is-named")


@_about_payload
def item_names_nothing_known(state: State, command: Command, facts: Facts) -> Refusal | None:
    for item in command.payload["items"]:
        sort, _, name = item["target"].partition(":")
        known = {"field": facts.questions.keys(), "document": facts.settings.documents}.get(sort, frozenset())
        if item["code"] not in facts.settings.deficiencies or name not in known:
            return Refusal("item-names-nothing-known", {"code": item["code"], "target": item["target"]})
    return None


@_about_payload
def item_is_not_yours_to_judge(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Accepting or re-opening: an answered item of this very check."""
    wanted = [one["item"] for one in command.payload.get("reopen", ())] + [
        command.payload[key] for key in ("item",) if key in command.payload
    ]
    for name in wanted:
        if not any(item.id == name and item.stage is state.status and _answered(item) for item in state.items):
            return Refusal("item-is-not-yours-to-judge", {"item": name})
    return None


@_about_payload
def item_is_not_judged(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Before the request goes back again, each answer given is accepted or re-opened."""
    again = {one["item"] for one in command.payload["reopen"]}
    waiting = [item.id for item in state.items if _answered(item) and item.id not in again]
    return Refusal("item-is-not-judged", {"items": ", ".join(waiting)}) if waiting else None


def rounds_are_used_up(state: State, command: Command, facts: Facts) -> Refusal | None:
    longest = facts.settings.longest_rounds
    if longest is None or state.rounds < longest:
        return None
    return Refusal("rounds-are-used-up", {"rounds": str(longest)})


@_about_payload
def item_is_not_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    if any(item.id == command.payload["item"] for item in state.open_items):
        return None
    return Refusal("item-is-not-open", {"item": command.payload["item"]})


@_about_payload
def reason_is_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    """An item left as it is needs a reason."""
    if command.payload["answer"] != "REASONED" or _is_text(command.payload.get("reason")):
        return None
    return Refusal("reason-is-missing")


@_about_payload
def nothing_was_repaired(state: State, command: Command, facts: Facts) -> Refusal | None:
    if command.payload["answer"] != "REPAIRED":
        return None
    named = [item for item in state.open_items if item.id == command.payload["item"]]
    return _unrepaired(state, named)


def repair_was_undone(state: State, command: Command, facts: Facts) -> Refusal | None:
    return _unrepaired(state, [item for item in state.items if item.state is ItemState.REPAIRED])


def item_is_unanswered(state: State, command: Command, facts: Facts) -> Refusal | None:
    waiting = [item.id for item in state.items if item.state is ItemState.OPEN]
    return Refusal("item-is-unanswered", {"items": ", ".join(waiting)}) if waiting else None


def deficiency_is_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    waiting = [item.id for item in state.open_items]
    return Refusal("deficiency-is-open", {"items": ", ".join(waiting)}) if waiting else None


def requests_do_not_lapse(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Silence never decides (invariant 8), unless a lapse rule was configured."""
    return Refusal("requests-do-not-lapse") if facts.settings.lapse_days is None else None


def repair_time_remains(state: State, command: Command, facts: Facts) -> Refusal | None:
    due = max((item.due for item in state.open_items if item.due), default=None)
    if due is not None and facts.today > due + timedelta(days=facts.settings.lapse_days or 0):
        return None
    return Refusal("repair-time-remains")


# clarification, proposal, decision


def clarification_is_not_recorded(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if state.clarification else Refusal("clarification-is-not-recorded")


@_about_payload
def confirms_another_record(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if command.payload["document"] == state.clarification else Refusal("confirms-another-record")


@_about_payload
def variable_was_not_asked(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["verdicts"]:
        if name not in state.asked:
            return Refusal("variable-was-not-asked", {"variable": str(name)})
    return None


@_about_payload
def verdict_has_no_reason(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A refusal, a lower level, and every word on a specific variable carry their reason (law reference 6.2)."""
    for name, one in command.payload["verdicts"].items():
        if (one["verdict"] != "APPROVE" or name in facts.specific) and not _is_text(one["reason"]):
            return Refusal("verdict-has-no-reason", {"variable": name})
    return None


def proposal_is_incomplete(state: State, command: Command, facts: Facts) -> Refusal | None:
    missing = [name for name in state.asked if name not in state.proposals]
    return Refusal("proposal-is-incomplete", {"variables": ", ".join(missing)}) if missing else None


def dpo_opinion_is_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("dpo-opinion-is-missing") if facts.opinion_required and not state.opinion else None


@_about_payload
def is_not_the_owner(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["verdicts"]:
        if (facts.owners or {}).get(name) != command.actor.institution:
            return Refusal("is-not-the-owner", {"variable": name})
    return None


def owner_is_silent(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Silence escalates and never consents (S14). Who asks for its own fields need not consent to itself."""
    if facts.owners is None:
        return Refusal("owner-is-silent")
    silent = [
        name
        for name in state.asked
        if facts.owners.get(name, state.institution) != state.institution
        and state.proposals.get(name, _NO).verdict != "REJECT"
        and state.owner_verdicts.get(name, _NO).institution != facts.owners[name]
    ]
    return Refusal("owner-is-silent", {"variables": ", ".join(silent)}) if silent else None


@_about_payload
def approves_more_than_was_proposed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """approved ⊆ proposed ⊆ asked, for each variable and for the level; and no owner said no."""
    level = command.payload["level"]
    if level > str(state.answers.get("level")):
        return Refusal("approves-more-than-was-proposed", {"variable": level})
    for name in command.payload["variables"]:
        words = [state.proposals.get(name, _NO)]
        if name in state.owner_verdicts:
            words.append(state.owner_verdicts[name])
        if name not in state.asked or any(
            one.verdict == "REJECT" or (one.verdict == "LOWER" and level > one.level) for one in words
        ):
            return Refusal("approves-more-than-was-proposed", {"variable": str(name)})
    return None


@_about_payload
def content_differs_from_what_was_seen(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A decision signs what the decider saw (invariant 6)."""
    if facts.plan and (command.payload["plan"], command.payload["content"]) == (facts.plan, state.content):
        return None
    return Refusal("content-differs-from-what-was-seen")


def content_differs_from_what_was_approved(state: State, command: Command, facts: Facts) -> Refusal | None:
    decision = state.decision
    if decision is not None and facts.plan and (decision.plan, decision.content) == (facts.plan, state.content):
        return None
    return Refusal("content-differs-from-what-was-approved")


def product_is_not_reduced(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Only who was given less than was asked may amend instead of signing (S14)."""
    decision = state.decision
    if decision is not None and (
        set(decision.variables) < set(state.asked) or decision.level < str(state.answers.get("level"))
    ):
        return None
    return Refusal("product-is-not-reduced")


@_about_payload
def amends_an_unknown_question(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["fields"]:
        if name not in facts.questions:
            return Refusal("amends-an-unknown-question", {"field": str(name)})
    return None


# the papers


@_about_payload
def signs_another_agreement(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.agreement and command.payload["document"] == facts.agreement:
        return None
    return Refusal("signs-another-agreement")


@_about_payload
def signs_another_handover(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.handover and command.payload["document"] == facts.handover:
        return None
    return Refusal("signs-another-handover")


def agreement_is_signed_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    mine = state.agreement.get(command.actor.role)
    return Refusal("agreement-is-signed-already") if mine is not None and mine.document == facts.agreement else None


def handover_is_signed_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    mine = state.handover.get(command.actor.role)
    return Refusal("handover-is-signed-already") if mine is not None and mine.document == facts.handover else None


def agreement_is_unsigned(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if _signed(state.agreement) else Refusal("agreement-is-unsigned")


def handover_is_unsigned(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if _signed(state.handover) else Refusal("handover-is-unsigned")


def early_handover_is_unsigned(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.settings.handover_timing != "early" or _signed(state.handover):
        return None
    return Refusal("early-handover-is-unsigned")


def handover_comes_after_quality(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if facts.settings.handover_timing == "early" else Refusal("handover-comes-after-quality")


@_about_payload
def names_another_plan(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.decision is not None and command.payload["plan"] == state.decision.plan:
        return None
    return Refusal("names-another-plan")


@_about_payload
def names_another_package(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.delivered is not None and command.payload["manifest"] == state.delivered.manifest:
        return None
    return Refusal("names-another-package")


# processing and hand-over


def processor_has_no_mandate(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if facts.processor_mandated else Refusal("processor-has-no-mandate")


def order_is_running(state: State, command: Command, facts: Facts) -> Refusal | None:
    if not state.orders or state.delivered is not None:
        return None
    return Refusal("order-is-running", {"order": state.orders[-1]})


@_about_payload
def order_is_used_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("order-is-used-already") if command.payload["order"] in state.orders else None


@_about_payload
def order_is_not_the_last(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.orders and command.payload["order"] == state.orders[-1]:
        return None
    return Refusal("order-is-not-the-last")


def order_was_answered(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("order-was-answered") if state.delivered is not None else None


def package_is_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    delivered = state.delivered
    if delivered is not None and not delivered.refusal and delivered.package and delivered.manifest:
        return None
    return Refusal("package-is-missing", {"refusal": delivered.refusal if delivered else "–"})


def sub_step_lacks_evidence(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Five sub-steps, in the order of the regulation, each with its evidence (R-04)."""
    steps = state.delivered.steps if state.delivered is not None else ()
    if tuple(name for name, _ in steps) == SUB_STEPS and all(proven for _, proven in steps):
        return None
    return Refusal("sub-step-lacks-evidence")


def package_exceeds_what_was_approved(state: State, command: Command, facts: Facts) -> Refusal | None:
    """delivered ⊆ approved (invariant 3), and from no other plan."""
    decision, delivered = state.decision, state.delivered
    if (
        decision is not None
        and delivered is not None
        and delivered.plan == decision.plan
        and set(delivered.columns) <= set(decision.variables)
    ):
        return None
    return Refusal("package-exceeds-what-was-approved")


def package_was_checked_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A package that failed is made again, not sent again."""
    return Refusal("package-was-checked-already") if state.quality == "FAILED" else None


def package_differs_from_what_was_signed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Signed late, the record names the package; signed early, it names the plan, and the package must be of it."""
    delivered = state.delivered
    if delivered is not None and all(
        one.plan == delivered.plan and one.manifest in _manifests(delivered, facts) for one in state.handover.values()
    ):
        return None
    return Refusal("package-differs-from-what-was-signed")


def end_date_has_passed(state: State, command: Command, facts: Facts) -> Refusal | None:
    ends = _day(state.answers.get("ends_on"))
    return None if ends is not None and facts.today <= ends else Refusal("end-date-has-passed")


def access_is_still_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("access-is-still-open") if facts.access_open else None


def duty_is_unmet(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.duties == ():
        return None
    return Refusal("duty-is-unmet", {"duties": ", ".join(facts.duties or ())})


# small words that the objections share

SUB_STEPS: Final = ("SELECTION", "AGGREGATION", "FORMATTING", "ACCESS_SECURING", "PROVISIONING")
_NO: Final = Verdict("REJECT", "", "", "", "")  # what nobody said counts as no


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _answered(item: Item) -> bool:
    return item.state in {ItemState.REPAIRED, ItemState.REASONED}


def _unrepaired(state: State, items: list[Item]) -> Refusal | None:
    for item in items:
        sort, _, name = item.target.partition(":")
        sent = state.versions[-1]
        same = (
            state.answers.get(name) == sent.answers.get(name)
            if sort == "field"
            else state.attachments.get(name) == sent.attachments.get(name)
        )
        if same:
            code = "nothing-was-repaired" if item.state is ItemState.OPEN else "repair-was-undone"
            return Refusal(code, {"target": item.target})
    return None


def _signed(signatures: Mapping[Role, Signature]) -> bool:
    """Both parties, under the same bytes."""
    ours, theirs = signatures.get(Role.CONTROLLER), signatures.get(Role.ACCOUNTABLE_OFFICER)
    return ours is not None and theirs is not None and ours.document == theirs.document


def _manifests(delivered: Delivered, facts: Facts) -> tuple[str, ...]:
    return (delivered.manifest, "") if facts.settings.handover_timing == "early" else (delivered.manifest,)


# ----------------------------------------------------------------------------------------------- shapes of payloads

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_any_text(value: object) -> bool:
    return isinstance(value, str)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_digest_or_empty(value: object) -> bool:
    return value == "" or _is_digest(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_answers(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(name, str) for name in value)


def _is_level(value: object) -> bool:
    return value in {"L1", "L2", "L3", "L4"}


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(_is_text(one) for one in value)


def _is_some_texts(value: object) -> bool:
    return _is_texts(value) and bool(value) and len(set(cast(list[str], value))) == len(cast(list[str], value))


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in words


def _each(**keys: Callable[[object], bool]) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        return isinstance(value, list | tuple) and all(
            isinstance(one, Mapping)
            and one.keys() == keys.keys()
            and all(right(one[key]) for key, right in keys.items())
            for one in value
        )

    return fits


def _is_verdicts(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and _each(verdict=_one_of("APPROVE", "REJECT", "LOWER"), level=_is_level, reason=_is_any_text)(
            list(value.values())
        )
    )


def _is_steps(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(one, Mapping) and isinstance(one.get("step"), str) and isinstance(one.get("evidence"), Mapping)
        for one in value
    )


_SHAPES: Final[Mapping[Action, Mapping[str, Callable[[object], bool]]]] = {
    **{action: {} for action in Action},
    Action.CREATE: {"institution": _is_text, "controller": _is_text},
    Action.SAVE_ANSWER: {"answers": _is_answers},
    Action.ATTACH: {"kind": _is_text, "sha256": _is_digest, "bytes": _is_count, "name": _is_text, "media": _is_text},
    Action.DETACH: {"kind": _is_text},
    Action.RETURN: {
        "items": _each(code=_is_text, target=_is_text, note=_is_any_text),
        "reopen": _each(item=_is_text, note=_is_text),
    },
    Action.ACCEPT_ITEM: {"item": _is_text},
    Action.ANSWER_ITEM: {"item": _is_text, "answer": _one_of("REPAIRED", "REASONED")},
    Action.ASK_CLARIFICATION: {"questions": _is_text},
    Action.RECORD_CLARIFICATION: {"document": _is_digest, "summary": _is_text},
    Action.CONFIRM_CLARIFICATION: {"document": _is_digest},
    Action.PROPOSE: {"verdicts": _is_verdicts},
    Action.DECIDE_VARIABLES: {"verdicts": _is_verdicts},
    Action.GIVE_OPINION: {"opinion": _one_of("SUPPORTS", "CONDITIONS", "OPPOSES"), "reason": _is_text},
    Action.APPROVE: {
        "variables": _is_some_texts,
        "level": _is_level,
        "plan": _is_digest,
        "content": _is_digest,
        "reason": _is_text,
    },
    Action.REJECT: {"reason": _is_text},
    Action.AMEND: {"fields": _is_some_texts, "reason": _is_text},
    Action.SIGN_AGREEMENT: {"document": _is_digest, "capacity": _one_of("CONTROLLER", "JOINT_CONTROLLER", "PROCESSOR")},
    Action.PLACE_ORDER: {"order": _is_text, "plan": _is_digest, "release": _is_text},
    Action.RECORD_RECEIPT: {
        "order": _is_text,
        "plan": _is_digest,
        "release": _is_text,
        "refusal": _is_any_text,
        "package": _is_any_text,
        "manifest": _is_digest_or_empty,
        "rows": _is_count,
        "columns": _is_texts,
        "steps": _is_steps,
    },
    Action.FAIL_QUALITY: {"reason": _is_text},
    Action.SIGN_HANDOVER: {"document": _is_digest, "plan": _is_digest, "manifest": _is_digest_or_empty},
    Action.GRANT: {"grant": _is_text},
}

_MAY_SAY: Final[Mapping[Action, Mapping[str, Callable[[object], bool]]]] = {
    Action.WITHDRAW: {"reason": _is_any_text},
    Action.ANSWER_ITEM: {"reason": _is_any_text},
    Action.PASS_QUALITY: {"note": _is_any_text},
    Action.SIGN_AGREEMENT: {"signature": _is_any_text},
    Action.SIGN_HANDOVER: {"signature": _is_any_text},
}


# ------------------------------------------------------------------------------------------------------- the table


@dataclass(frozen=True, slots=True)
class Rule:
    """A `role` may do `action` in `from_status`, which leads to `to_status`, unless one of the objections holds.

    `from_status` None: the request does not exist yet. `to_status` None: back to the check that returned it.
    """

    role: Role
    action: Action
    from_status: Status | None
    to_status: Status | None
    objections: tuple[Objection, ...]
    basis: str

    def leads_to(self, state: State) -> Status:
        return self.to_status or cast(Status, state.returned_by)


FORM: Final = (form_is_incomplete, answer_is_too_long)
PERSON: Final = (*FORM, account_is_not_active, mandate_has_ended)
OUTSIDER: Final = (*PERSON, competence_has_ended, belongs_to_own_institution, drafted_it_themselves)
EXAMINER: Final = (*OUTSIDER, already_examined_it)
ASKER: Final = (*PERSON, belongs_to_another_institution, already_examined_it)

MAY_ASK: Final = (
    controller_is_not_appointed,
    transfer_has_no_basis,
    readiness_has_lapsed,
    duty_is_overdue,
    incident_is_open,
    questions_are_unanswered,
    readiness_does_not_cover_it,
    purpose_is_unknown,
    level_exceeds_the_purpose,
    onward_sharing_is_not_allowed,
    period_is_not_allowed,
    variable_has_no_reason,
    plan_is_unlawful,
    documents_are_missing,
    dpo_is_not_registered,
)
GOOD_PACKAGE: Final = (package_is_missing, sub_step_lacks_evidence, package_exceeds_what_was_approved)
RELEASE: Final = (
    agreement_is_unsigned,
    handover_is_unsigned,
    package_is_missing,
    package_exceeds_what_was_approved,
    package_differs_from_what_was_signed,
    content_differs_from_what_was_approved,
    readiness_has_lapsed,
    end_date_has_passed,
)

BEFORE_ACCESS: Final = tuple(status for status in Status if status not in TERMINAL | {Status.ACCESS_GRANTED})

_R, _A, _S = Role, Action, Status

RULES: Final[tuple[Rule, ...]] = (
    # the applicant writes
    Rule(_R.APPLICANT, _A.CREATE, None, _S.DRAFT, ASKER, "Artikel Bappeda NTB (B): pengajuan; law.md 4.2 DRAFT"),
    Rule(_R.APPLICANT, _A.JOIN, _S.DRAFT, _S.DRAFT, ASKER, "law.md 4.4 (2); S04"),
    Rule(
        _R.APPLICANT,
        _A.SAVE_ANSWER,
        _S.DRAFT,
        _S.DRAFT,
        (*ASKER, question_is_unknown),
        "law.md 4.2 DRAFT, 4.4 (8); S07: draf tetap dapat diubah",
    ),
    Rule(
        _R.APPLICANT,
        _A.ATTACH,
        _S.DRAFT,
        _S.DRAFT,
        (*ASKER, document_kind_is_unknown),
        "law.md 4.2 DRAFT, 4.5; BSSN 4/2021 Pasal 27 (11) (C)",
    ),
    Rule(_R.APPLICANT, _A.DETACH, _S.DRAFT, _S.DRAFT, ASKER, "law.md 4.2 DRAFT, 4.5"),
    Rule(
        _R.APPLICANT,
        _A.SUBMIT,
        _S.DRAFT,
        _S.SUBMITTED,
        (*ASKER, *MAY_ASK),
        "Artikel Bappeda NTB (B): reviu kesiapan sebelum permintaan; law.md 4.2 submit guard; UU PDP Pasal 20 (A)",
    ),
    Rule(
        _R.SYSTEM,
        _A.RECEIVE,
        _S.SUBMITTED,
        _S.ADMIN_CHECK,
        (*FORM, content_is_not_frozen),
        "law.md 4.2 ADMIN_CHECK: isi dibekukan dan diberi sidik",
    ),
    # the two checks
    Rule(
        _R.ADMIN_VERIFIER,
        _A.ACCEPT_ITEM,
        _S.ADMIN_CHECK,
        _S.ADMIN_CHECK,
        (*EXAMINER, item_is_not_yours_to_judge),
        "law.md 4.2 RETURNED; R-03; S02",
    ),
    Rule(
        _R.ADMIN_VERIFIER,
        _A.RETURN,
        _S.ADMIN_CHECK,
        _S.RETURNED,
        (
            *EXAMINER,
            nothing_is_named,
            item_names_nothing_known,
            item_is_not_yours_to_judge,
            item_is_not_judged,
            rounds_are_used_up,
        ),
        "Artikel Bappeda NTB (B): pemberitahuan untuk perbaikan atau pelengkapan; R-03; S02",
    ),
    Rule(
        _R.ADMIN_VERIFIER,
        _A.PASS_ADMIN,
        _S.ADMIN_CHECK,
        _S.SUBSTANCE_CHECK,
        (*EXAMINER, content_is_not_frozen, deficiency_is_open),
        "Artikel Bappeda NTB (B): pengecekan administrasi dan validasi; law.md 4.2",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.ACCEPT_ITEM,
        _S.SUBSTANCE_CHECK,
        _S.SUBSTANCE_CHECK,
        (*EXAMINER, item_is_not_yours_to_judge),
        "law.md 4.2 RETURNED; R-03; S02",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.RETURN,
        _S.SUBSTANCE_CHECK,
        _S.RETURNED,
        (
            *EXAMINER,
            nothing_is_named,
            item_names_nothing_known,
            item_is_not_yours_to_judge,
            item_is_not_judged,
            rounds_are_used_up,
        ),
        "Artikel Bappeda NTB (B): pengecekan, lalu perbaikan; law.md 11.4 (RETURNED dari kedua pengecekan)",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.ASK_CLARIFICATION,
        _S.SUBSTANCE_CHECK,
        _S.CLARIFICATION,
        EXAMINER,
        "Kaltara (D): klarifikasi; law.md 4.2 CLARIFICATION",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.RECORD_CLARIFICATION,
        _S.CLARIFICATION,
        _S.CLARIFICATION,
        EXAMINER,
        "Kaltara (D): Berita Acara Klarifikasi; law.md 4.2 CLARIFICATION",
    ),
    Rule(
        _R.APPLICANT,
        _A.CONFIRM_CLARIFICATION,
        _S.CLARIFICATION,
        _S.SUBSTANCE_CHECK,
        (*ASKER, clarification_is_not_recorded, confirms_another_record),
        "law.md 4.2 CLARIFICATION: kedua pihak",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.PROPOSE,
        _S.SUBSTANCE_CHECK,
        _S.SUBSTANCE_CHECK,
        (*EXAMINER, variable_was_not_asked, verdict_has_no_reason),
        "law.md 4.2 COORDINATOR_DECISION: usul per variabel; law.md 6.2; S12",
    ),
    Rule(
        _R.DATA_PROTECTION_OFFICER,
        _A.GIVE_OPINION,
        _S.SUBSTANCE_CHECK,
        _S.SUBSTANCE_CHECK,
        OUTSIDER,
        "UU PDP Pasal 34, 53 (A); law.md 6.2",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.PASS_SUBSTANCE,
        _S.SUBSTANCE_CHECK,
        _S.COORDINATOR_DECISION,
        (
            *EXAMINER,
            content_is_not_frozen,
            deficiency_is_open,
            documents_are_missing,
            proposal_is_incomplete,
            dpo_opinion_is_missing,
        ),
        "law.md 4.2 COORDINATOR_DECISION; UU PDP Pasal 34 (A)",
    ),
    Rule(
        _R.SUBSTANCE_VERIFIER,
        _A.REJECT,
        _S.SUBSTANCE_CHECK,
        _S.REJECTED,
        EXAMINER,
        "law.md 4.2 REJECTED: penolakan beralasan",
    ),
    # repair
    Rule(_R.APPLICANT, _A.JOIN, _S.RETURNED, _S.RETURNED, ASKER, "law.md 4.4 (2); S04"),
    Rule(
        _R.APPLICANT,
        _A.SAVE_ANSWER,
        _S.RETURNED,
        _S.RETURNED,
        (*ASKER, question_is_unknown, field_is_not_unlocked),
        "law.md 4.4 (5); S02",
    ),
    Rule(
        _R.APPLICANT,
        _A.ATTACH,
        _S.RETURNED,
        _S.RETURNED,
        (*ASKER, document_kind_is_unknown, document_is_not_unlocked),
        "law.md 4.4 (5); S02",
    ),
    Rule(
        _R.APPLICANT,
        _A.ANSWER_ITEM,
        _S.RETURNED,
        _S.RETURNED,
        (*ASKER, item_is_not_open, reason_is_missing, nothing_was_repaired),
        "R-03; S02",
    ),
    Rule(
        _R.APPLICANT,
        _A.RESUBMIT,
        _S.RETURNED,
        None,
        (*ASKER, item_is_unanswered, repair_was_undone, *MAY_ASK),
        "Artikel Bappeda NTB (B); law.md 4.2 RETURNED: kembali ke tahap yang mengembalikan; 4.4 (5), (9)",
    ),
    Rule(
        _R.SYSTEM,
        _A.LAPSE,
        _S.RETURNED,
        _S.WITHDRAWN,
        (*FORM, requests_do_not_lapse, repair_time_remains),
        "law.md 4.2 WITHDRAWN, 11.2: tanpa batas kecuali diatur; 4.4 (8)",
    ),
    # the decision
    Rule(
        _R.DATA_PRODUCER,
        _A.DECIDE_VARIABLES,
        _S.COORDINATOR_DECISION,
        _S.COORDINATOR_DECISION,
        (*EXAMINER, variable_was_not_asked, is_not_the_owner, verdict_has_no_reason),
        "law.md 4.2 COORDINATOR_DECISION: setiap pemilik kolom; S14",
    ),
    Rule(
        _R.COORDINATOR,
        _A.APPROVE,
        _S.COORDINATOR_DECISION,
        _S.AGREEMENT_SIGNING,
        (
            *EXAMINER,
            content_is_not_frozen,
            transfer_has_no_basis,
            readiness_has_lapsed,
            owner_is_silent,
            plan_is_unlawful,
            approves_more_than_was_proposed,
            content_differs_from_what_was_seen,
        ),
        "Portal nasional (D): persetujuan koordinator; law.md 4.4 (3), (6), (8)",
    ),
    Rule(
        _R.COORDINATOR,
        _A.REJECT,
        _S.COORDINATOR_DECISION,
        _S.REJECTED,
        EXAMINER,
        "law.md 4.2 REJECTED: penolakan beralasan",
    ),
    # the agreement
    Rule(
        _R.APPLICANT,
        _A.AMEND,
        _S.AGREEMENT_SIGNING,
        _S.RETURNED,
        (*ASKER, product_is_not_reduced, amends_an_unknown_question),
        "law.md 4.2 RETURNED: pemohon mengubah produk yang dikurangi; S14",
    ),
    Rule(
        _R.ACCOUNTABLE_OFFICER,
        _A.SIGN_AGREEMENT,
        _S.AGREEMENT_SIGNING,
        _S.AGREEMENT_SIGNING,
        (
            *ASKER,
            signed_for_the_other_side,
            agreement_is_signed_already,
            signs_another_agreement,
            content_differs_from_what_was_approved,
        ),
        "Perban BPS 6/2025 Pasal 23–24 (C); R-06",
    ),
    Rule(
        _R.CONTROLLER,
        _A.SIGN_AGREEMENT,
        _S.AGREEMENT_SIGNING,
        _S.AGREEMENT_SIGNING,
        (
            *OUTSIDER,
            signed_for_the_other_side,
            agreement_is_signed_already,
            signs_another_agreement,
            content_differs_from_what_was_approved,
        ),
        "Perban BPS 6/2025 Pasal 23–24 (C); R-06",
    ),
    Rule(
        _R.ACCOUNTABLE_OFFICER,
        _A.SIGN_HANDOVER,
        _S.AGREEMENT_SIGNING,
        _S.AGREEMENT_SIGNING,
        (
            *ASKER,
            handover_comes_after_quality,
            signed_for_the_other_side,
            handover_is_signed_already,
            signs_another_handover,
            names_another_plan,
        ),
        "Portal nasional (D): BAST sebelum penyiapan; law.md 4.2 BAST timing",
    ),
    Rule(
        _R.CONTROLLER,
        _A.SIGN_HANDOVER,
        _S.AGREEMENT_SIGNING,
        _S.AGREEMENT_SIGNING,
        (
            *OUTSIDER,
            handover_comes_after_quality,
            signed_for_the_other_side,
            handover_is_signed_already,
            signs_another_handover,
            names_another_plan,
        ),
        "Portal nasional (D): BAST sebelum penyiapan; law.md 4.2 BAST timing",
    ),
    Rule(
        _R.SYSTEM,
        _A.BEGIN_PROCESSING,
        _S.AGREEMENT_SIGNING,
        _S.PROCESSING,
        (*FORM, agreement_is_unsigned, early_handover_is_unsigned, content_differs_from_what_was_approved),
        "law.md 4.2 PROCESSING: perjanjian ditandatangani, sidik rencana sama",
    ),
    # processing
    Rule(
        _R.DATA_PREPARER,
        _A.PLACE_ORDER,
        _S.PROCESSING,
        _S.PROCESSING,
        (
            *OUTSIDER,
            processor_has_no_mandate,
            agreement_is_unsigned,
            content_differs_from_what_was_approved,
            order_is_running,
            order_is_used_already,
            names_another_plan,
        ),
        "Artikel Bappeda NTB (B): pemrosesan; UU PDP Pasal 51 (A); law.md 4.4 (7)",
    ),
    Rule(
        _R.SYSTEM,
        _A.RECORD_RECEIPT,
        _S.PROCESSING,
        _S.PROCESSING,
        (*FORM, order_is_not_the_last, order_was_answered),
        "Artikel Bappeda NTB (B): lima sublangkah; R-04",
    ),
    Rule(
        _R.DATA_PREPARER,
        _A.SEND_TO_QUALITY,
        _S.PROCESSING,
        _S.QUALITY_CHECK,
        (*OUTSIDER, package_was_checked_already, *GOOD_PACKAGE),
        "law.md 4.2 QUALITY_CHECK: lima sublangkah berbukti; R-04",
    ),
    Rule(
        _R.QUALITY_REVIEWER,
        _A.PASS_QUALITY,
        _S.QUALITY_CHECK,
        _S.HANDOVER_SIGNING,
        (*EXAMINER, *GOOD_PACKAGE, content_differs_from_what_was_approved),
        "Portal nasional (D): cek kualitas; law.md 4.4 (3)",
    ),
    Rule(
        _R.QUALITY_REVIEWER,
        _A.FAIL_QUALITY,
        _S.QUALITY_CHECK,
        _S.PROCESSING,
        EXAMINER,
        "law.md 4.2 QUALITY_CHECK: kembali ke pemrosesan",
    ),
    # hand-over and access
    Rule(
        _R.ACCOUNTABLE_OFFICER,
        _A.SIGN_HANDOVER,
        _S.HANDOVER_SIGNING,
        _S.HANDOVER_SIGNING,
        (
            *ASKER,
            signed_for_the_other_side,
            handover_is_signed_already,
            signs_another_handover,
            names_another_plan,
            names_another_package,
        ),
        "Perban BPS 6/2025 Pasal 23–24 (C); R-06",
    ),
    Rule(
        _R.CONTROLLER,
        _A.SIGN_HANDOVER,
        _S.HANDOVER_SIGNING,
        _S.HANDOVER_SIGNING,
        (
            *OUTSIDER,
            signed_for_the_other_side,
            handover_is_signed_already,
            signs_another_handover,
            names_another_plan,
            names_another_package,
        ),
        "Perban BPS 6/2025 Pasal 23–24 (C); R-06",
    ),
    Rule(
        _R.SYSTEM,
        _A.GRANT,
        _S.HANDOVER_SIGNING,
        _S.ACCESS_GRANTED,
        (*FORM, *RELEASE),
        "Artikel Bappeda NTB (B): pemberian akses; law.md 4.4 (1), (3), (6), (7), (10)",
    ),
    Rule(
        _R.SYSTEM,
        _A.CLOSE,
        _S.ACCESS_GRANTED,
        _S.CLOSED,
        (*FORM, access_is_still_open, duty_is_unmet),
        "law.md 4.2 CLOSED, 9: kewajiban terpenuhi",
    ),
    # the applicant may stop at any stage before access
    *(
        Rule(
            role,
            _A.WITHDRAW,
            status,
            _S.WITHDRAWN,
            (*PERSON, belongs_to_another_institution),
            "law.md 4.2 WITHDRAWN: oleh pemohon",
        )
        for status in BEFORE_ACCESS
        for role in (_R.APPLICANT, _R.ACCOUNTABLE_OFFICER)
    ),
)

Table = Mapping[tuple[Status | None, Role, Action], Rule]


def table_of(rules: Iterable[Rule]) -> Table:
    """The rules by stage, role and action. Raises ValueError if two rules answer the same question."""
    table: dict[tuple[Status | None, Role, Action], Rule] = {}
    for rule in rules:
        key = (rule.from_status, rule.role, rule.action)
        if key in table:
            raise ValueError(f"two rules for {key}")
        table[key] = rule
    return table


TABLE: Final = table_of(RULES)


# ---------------------------------------------------------------------------------------------------- the questions


def objection(state: State, command: Command, facts: Facts, table: Table = TABLE) -> Refusal | None:
    """What stands in the way of the command, or None. The one question that everybody asks."""
    if command.seen != state.n:
        return Refusal("changed-meanwhile", {"seen": str(command.seen), "now": str(state.n)})
    rule = table.get((state.status, command.actor.role, command.action))
    if rule is None:
        return _not_in_the_table(state, command, table)
    for objects in rule.objections:
        if (refusal := objects(state, command, facts)) is not None:
            return refusal
    return None


def decide(state: State, command: Command, facts: Facts, table: Table = TABLE) -> Event | Refusal:
    """The event that the command makes, or what stands in its way. Deciding only: appending it is the office's."""
    if (refusal := objection(state, command, facts, table)) is not None:
        return refusal
    rule = table[(state.status, command.actor.role, command.action)]
    return Event(
        state.request_id,
        state.n + 1,
        facts.now,
        command.actor,
        command.action,
        state.status,
        rule.leads_to(state),
        _recorded(state, command, facts),
    )


def possible(state: State, actor: Actor, facts: Facts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way: a button is drawn, or explained. Objections to
    what a form says are left until it is filled."""
    answer: list[tuple[Action, Refusal | None]] = []
    for rule in RULES:
        if rule.from_status is not state.status or rule.role is not actor.role:
            continue
        command = Command(rule.action, actor, {"institution": actor.institution}, state.n)
        standing = (objects for objects in rule.objections if objects not in ABOUT_PAYLOAD)
        refusals = (objects(state, command, facts) for objects in standing)
        answer.append((rule.action, next((one for one in refusals if one is not None), None)))
    return answer


def _not_in_the_table(state: State, command: Command, table: Table) -> Refusal:
    later = any(role is command.actor.role and action is command.action for _, role, action in table)
    detail = {"status": state.status.value if state.status else "–", "action": command.action.value}
    return Refusal("not-at-this-stage" if later else "not-this-role", detail)


def _recorded(state: State, command: Command, facts: Facts) -> dict[str, Any]:
    """The payload as the event keeps it: with what was true at that moment and must be provable later."""
    payload = dict(command.payload)
    match command.action:
        case Action.SUBMIT | Action.RESUBMIT:
            payload |= {"content": state.content, "readiness": facts.standing.digest}
        case Action.RETURN:
            payload["due"] = facts.repair_due.isoformat() if facts.repair_due else None
            payload["items"] = [
                {"id": f"{state.n + 1}.{i}", **item} for i, item in enumerate(command.payload["items"], 1)
            ]
        case Action.APPROVE:
            payload["readiness"] = facts.standing.digest
    return payload
