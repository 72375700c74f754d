"""The counter of the office: the one door through which anything happens to a request.

Every page, job and command comes here with what somebody wants and what they had seen. The rules decide
(`core.workflow`), the ledger writes, and what follows commits with it or not at all. Every "no" is written down too.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from django.db import connection, transaction

from bagipakai.control import (
    access,
    clock,
    documents,
    drafting,
    forms,
    ledger,
    notices,
    orders,
    releases,
    rulebook,
    situation,
)
from bagipakai.control.acting import Acting, in_the_way, person_of, tenures_of
from bagipakai.control.cabinet import UnknownRequest, find, get, state, state_of, visible
from bagipakai.control.history import PATH, Difference, Moment, Timeline, differences, timeline
from bagipakai.control.models import Claim, Event, Institution, Request, Tenure
from bagipakai.control.queues import Waiting, claim, queue, release
from bagipakai.control.signing.acts import Stopped
from bagipakai.core import workflow
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Action, Command, Role, State, Status, after
from bagipakai.core.request import Event as Happened
from bagipakai.core.variables import Catalogue

__all__ = [
    "PATH",
    "Difference",
    "Moment",
    "Possibility",
    "Timeline",
    "UnknownRequest",
    "Waiting",
    "approvable",
    "approvable_level",
    "attach",
    "claim",
    "create",
    "differences",
    "find",
    "follow_up",
    "get",
    "handle",
    "handle_as_system",
    "plan",
    "possible",
    "prefilled",
    "queue",
    "record_clarification",
    "release",
    "save_answers",
    "setting_of",
    "state",
    "state_of",
    "timeline",
    "visible",
]

log = logging.getLogger("bagipakai.control.requests")

# ------------------------------------------------------------------------------------------------------- acting


def handle(
    reference: str, action: Action, acting: Acting, payload: Mapping[str, Any] | None = None, seen: int = 0
) -> Happened | Refusal:
    """Does `action`, or says why not. `seen` is the number of the last event on the page that was acted from; if
    something happened since, the answer is `changed-meanwhile` and nothing typed is lost: the caller still has it.

    Raises UnknownRequest.
    """
    request = find(reference)
    try:
        with transaction.atomic():
            outcome = _decided(request, action, acting, dict(payload or {}), seen)
            if isinstance(outcome, Happened):
                _write(request, outcome)
    except ledger.Overtaken:
        outcome = Refusal("changed-meanwhile", {"seen": str(seen), "now": str(seen + 1)})
    except Stopped as stopped:  # the paper that this act sets could not be sealed
        outcome = stopped.no
    if isinstance(outcome, Refusal):
        return ledger.deny(outcome, action.value, person_of(acting), request=request)
    log.info("request.event request=%s n=%d action=%s", reference, outcome.n, action.value)
    return outcome


def handle_as_system(reference: str, action: Action, payload: Mapping[str, Any] | None = None) -> Happened | Refusal:
    """What the office's own worker does: it follows what people did. Raises UnknownRequest."""
    request = find(reference)
    try:
        with transaction.atomic():
            state = state_of(request)
            command = Command(action, SYSTEM, dict(payload or {}), state.n)
            outcome = workflow.decide(state, command, situation.facts(request, state, clock.now(), action=action))
            if isinstance(outcome, Happened):
                _write(request, outcome)
    except ledger.Overtaken:
        outcome = Refusal("changed-meanwhile")
    return ledger.deny(outcome, action.value, None, request=request) if isinstance(outcome, Refusal) else outcome


def follow_up() -> int:
    """Takes up again what the office could not do by itself when people had done their part, such as a grant while
    readiness had lapsed. Returns how many requests went on."""
    waiting = Request.objects.filter(
        status__in=[Status.SUBMITTED, Status.AGREEMENT_SIGNING, Status.HANDOVER_SIGNING], awaited=[]
    ).select_related("institution", "controller")
    moved = 0
    for request in waiting:
        event = _followed_by(request, state_of(request))
        if event is not None:
            try:
                with transaction.atomic():
                    _write(request, event)
            except ledger.Overtaken:
                continue
            moved += 1
    return moved


def create(acting: Acting, controller: Institution | None = None, follows: Request | None = None) -> Request | Refusal:
    """Opens a draft for the institution of the applicant's post. `controller`: the one asked; may be left out while
    there is only one. `follows`: the refused request that this one comes back to."""
    tenure = next((one for one in tenures_of(acting) if Role.APPLICANT in one.post.roles), None)
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "CREATE"}), "CREATE", person_of(acting))
    every = list(Institution.objects.filter(is_controller=True)[:2])
    if controller is None and len(every) != 1:
        return ledger.deny(Refusal("controller-is-not-appointed"), "CREATE", person_of(acting))
    now, today = clock.now(), clock.today()
    with transaction.atomic():
        request = Request.objects.create(
            reference=_next_reference(today),
            institution=tenure.post.institution,
            controller=controller or every[0],
            post=tenure.post,
            opened_by=tenure.person,
            opened_at=now,
            form=forms.current(today).version,
            follows=follows,
            status=Status.DRAFT,
            changed_at=now,
        )
        payload = {"institution": request.institution.code, "controller": request.controller.code}
        outcome = _decided(request, Action.CREATE, tenure, payload, 0)
        if isinstance(outcome, Happened):
            _write(request, outcome)
        else:
            transaction.set_rollback(True)
    return ledger.deny(outcome, "CREATE", tenure.person) if isinstance(outcome, Refusal) else request


def save_answers(reference: str, acting: Acting, answers: Mapping[str, Any], seen: int) -> Happened | Refusal:
    """Keeps these answers, each checked by its question. A refused answer names its question in `detail["field"]`, and
    then none is kept. An unchanged answer changes nothing. Raises UnknownRequest."""
    request = find(reference)
    current = state_of(request)
    form, setting = forms.version(request.form), setting_of(request)
    kept: dict[str, Any] = {}
    for code, answer in answers.items():
        try:
            question = form.question(code)
        except KeyError:
            return ledger.deny(
                Refusal("question-is-unknown", {"field": code[:40]}), "SAVE_ANSWER", person_of(acting), request=request
            )
        checked = forms.checked(question, answer, {**current.answers, **kept}, setting)
        if isinstance(checked, Refusal):
            return Refusal(checked.code, {"field": code, **checked.detail})
        kept[code] = checked
    return handle(reference, Action.SAVE_ANSWER, acting, {"answers": kept}, seen)


def attach(reference: str, acting: Acting, kind: str, file: BinaryIO, name: str, *, seen: int) -> Happened | Refusal:
    """Takes in a document of `kind` for the request: checked by its content, kept under its digest, or refused with
    nothing kept. Raises UnknownRequest."""
    request = find(reference)
    empty = {"kind": kind, "sha256": ledger.FIRST, "bytes": 0, "name": "-", "media": "-"}
    outcome = _decided(request, Action.ATTACH, acting, empty, seen)
    if isinstance(outcome, Refusal):
        return ledger.deny(outcome, Action.ATTACH.value, person_of(acting), request=request)
    document = documents.store(file, name, person_of(acting))
    if isinstance(document, Refusal):
        return ledger.deny(document, Action.ATTACH.value, person_of(acting), request=request)
    payload = {
        "kind": kind,
        "sha256": document.sha256,
        "bytes": document.size,
        "name": document.name,
        "media": document.media_type,
    }
    return handle(reference, Action.ATTACH, acting, payload, seen)


def record_clarification(
    reference: str, acting: Acting, file: BinaryIO, name: str, *, summary: str, seen: int
) -> Happened | Refusal:
    """Keeps the record of a clarification meeting, for the applicant to confirm. Raises UnknownRequest."""
    request = find(reference)
    payload = {"document": ledger.FIRST, "summary": summary}
    outcome = _decided(request, Action.RECORD_CLARIFICATION, acting, payload, seen)
    if isinstance(outcome, Refusal):
        return ledger.deny(outcome, Action.RECORD_CLARIFICATION.value, person_of(acting), request=request)
    document = documents.store(file, name, person_of(acting))
    if isinstance(document, Refusal):
        return ledger.deny(document, Action.RECORD_CLARIFICATION.value, person_of(acting), request=request)
    return handle(
        reference,
        Action.RECORD_CLARIFICATION,
        acting,
        {"document": document.sha256, "summary": summary},
        seen,
    )


def prefilled(
    reference: str, action: Action, *, variables: Sequence[str] | None = None, level: str = ""
) -> dict[str, Any]:
    """What the office itself puts into the form of `action`: digests, numbers, the order's id. The page shows them and
    posts them back, so that an act names exactly what its actor saw. Raises UnknownRequest.

    APPROVE takes the choice of `variables` and `level`; without one, everything that was proposed and consented to.
    """
    request = find(reference)
    current = state_of(request)
    match action:
        case Action.APPROVE:
            chosen = list(variables) if variables is not None else approvable(current)
            wanted = level or approvable_level(current, chosen)
            approval = plan(reference, variables=chosen, level=wanted)
            digest = approval.digest if isinstance(approval, Plan) else ""
            return {"variables": chosen, "level": wanted, "plan": digest, "content": current.content}
        case Action.SIGN_AGREEMENT:
            paper = situation.papers_of(request, current).get("AGREEMENT", "")
            return {"document": paper, "capacity": str(current.answers.get("pdp_capacity") or "")}
        case Action.SIGN_HANDOVER:
            paper = situation.papers_of(request, current).get("HANDOVER_RECORD", "")
            return {
                "document": paper,
                "plan": current.decision.plan if current.decision else "",
                "manifest": current.delivered.manifest if current.delivered else "",
            }
        case Action.PLACE_ORDER:
            return orders.next_order(request, current)
        case Action.CONFIRM_CLARIFICATION:
            return {"document": current.clarification}
    return {}


# ------------------------------------------------------------------------------------------------------ reading


def setting_of(request: Request) -> forms.Setting:
    """What answers of this request are judged against today."""
    today = clock.today()
    available = releases.available()
    return forms.Setting(
        day=today,
        catalogue=Catalogue.on(today),
        purposes=forms.purposes(today),
        regions=releases.regions(available[0].region_edition) if available else {},
        releases=tuple(one.version for one in available),
        competence=request.institution.region,
    )


def plan(reference: str, *, variables: Sequence[str] | None = None, level: str = "") -> Plan | Refusal:
    """The plan as it now stands: as approved once that is decided; before, as asked, or reduced to `variables` and
    `level`. Or what stands in its way. Raises UnknownRequest."""
    request = find(reference)
    current = state_of(request)
    chosen = {"variables": list(variables), "level": level} if variables is not None else {}
    day = situation.judged_on(current, clock.now())
    return situation.plan_of(request, current, day, Action.APPROVE if chosen else None, chosen)


@dataclass(frozen=True, slots=True)
class Possibility:
    """One act that a reader could do now in one of their roles, or what stands in the way of it."""

    action: Action
    role: Role
    tenure: Tenure
    refusal: Refusal | None


def possible(reference: str, acting: Acting) -> list[Possibility]:
    """What this reader could do now, in each role that has business here; a button is drawn, or explained, by the same
    rules that decide. Objections to a form's content wait until it is filled. Raises UnknownRequest."""
    request = find(reference)
    current, now = state_of(request), clock.now()
    found = []
    for actor, tenure in situation.actors(tenures_of(acting), request, now):
        facts = situation.facts(request, current, now, tenure=tenure)
        for action, refusal in workflow.possible(current, actor, facts):
            found.append(Possibility(action, actor.role, tenure, refusal))
    return found


def approvable(current: State) -> list[str]:
    """The asked variables to which nobody who was asked said no: what the coordinator may approve at most."""
    return [
        name
        for name in current.asked
        if name in current.proposals
        and all(
            said.verdict != "REJECT" for said in (current.proposals[name], current.owner_verdicts.get(name)) if said
        )
    ]


def approvable_level(current: State, names: Sequence[str]) -> str:
    """The highest level at which all of `names` may go together."""
    said = [
        verdict.level
        for name in names
        for verdict in (current.proposals.get(name), current.owner_verdicts.get(name))
        if verdict is not None and verdict.verdict == "LOWER"
    ]
    return min([str(current.answers.get("level")), *said])


# ----------------------------------------------------------------------------------------------- deciding, writing


def _decided(
    request: Request, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int
) -> Happened | Refusal:
    """The event, or the refusal, for the post of this person that comes closest to being allowed."""
    if no := in_the_way(acting):
        return no
    current, now = state_of(request), clock.now()
    mine = [
        (actor, tenure)
        for actor, tenure in situation.actors(tenures_of(acting), request, now)
        if any(role is actor.role and what is action for _, role, what in workflow.TABLE)
    ]
    mine.sort(key=lambda one: (current.status, one[0].role, action) not in workflow.TABLE)
    refusals = []
    for actor, tenure in mine:
        facts = situation.facts(request, current, now, tenure=tenure, action=action, payload=payload)
        outcome = workflow.decide(current, Command(action, actor, payload, seen), facts)
        if isinstance(outcome, Happened):
            own = action is not Action.PLACE_ORDER or orders.is_the_next(request, current, payload)
            return outcome if own else Refusal("content-differs-from-what-was-seen")
        refusals.append(outcome)
    return refusals[0] if refusals else Refusal("not-this-role", {"action": action.value})


def _write(request: Request, event: Happened) -> None:
    """Writes the event and everything that follows from it. Raises Overtaken."""
    current = state_of(request)
    following: Happened | None = event
    while following is not None:
        entry = ledger.append(Event, request, following)
        current = after(current, following)
        if effect := _EFFECTS.get(following.action):
            effect(request, current, following)
        _remember(request, current, following)
        notices.send(request, entry, current, following)
        following = _followed_by(request, current)


def _followed_by(request: Request, current: State) -> Happened | None:
    """What the office does by itself once people have done their part."""
    action = {
        Status.SUBMITTED: Action.RECEIVE,
        Status.AGREEMENT_SIGNING: Action.BEGIN_PROCESSING,
        Status.HANDOVER_SIGNING: Action.GRANT,
    }.get(current.status or Status.DRAFT)
    if action is None:
        return None
    payload = {"grant": f"HAK-{request.reference}"} if action is Action.GRANT else {}
    facts = situation.facts(request, current, clock.now(), action=action)
    outcome = workflow.decide(current, Command(action, SYSTEM, payload, current.n), facts)
    return outcome if isinstance(outcome, Happened) else None


def _remember(request: Request, current: State, event: Happened) -> None:
    """Copies the fold into the columns by which lists are made."""
    answers = current.answers
    request.n = current.n
    request.status = current.status or Status.DRAFT
    request.level = str(answers.get("level") or "")
    request.programme = str(answers.get("programme") or "")[:200]
    request.purpose = str(answers.get("purpose") or "")[:60]
    if current.status is Status.COORDINATOR_DECISION:
        day = situation.judged_on(current, clock.now())
        request.owners = sorted(set(situation.owners(request, current, day).values()))
    request.awaited = [role.value for role in awaited(request, current)]
    request.sent_at = current.versions[0].at if current.versions else None
    request.due_on = rulebook.due_on(current, clock.day_of(event.at))
    request.changed_at = event.at
    request.save()
    if event.status_before != event.status_after:
        Claim.objects.filter(request=request).delete()


def awaited(request: Request, current: State) -> list[Role]:
    """Whose turn it is."""
    match current.status:
        case Status.DRAFT | Status.RETURNED:
            return [Role.APPLICANT]
        case Status.ADMIN_CHECK:
            return [Role.ADMIN_VERIFIER]
        case Status.SUBSTANCE_CHECK:
            day = situation.judged_on(current, clock.now())
            gates = rulebook.gates(current.answers, day)
            dpo = not current.opinion and (gates is None or gates.dpo_opinion)
            return [Role.SUBSTANCE_VERIFIER, *([Role.DATA_PROTECTION_OFFICER] if dpo else [])]
        case Status.CLARIFICATION:
            return [Role.APPLICANT if current.clarification else Role.SUBSTANCE_VERIFIER]
        case Status.COORDINATOR_DECISION:
            day = situation.judged_on(current, clock.now())
            owners = situation.owners(request, current, day)
            silent = any(name not in current.owner_verdicts for name in owners)
            return [Role.COORDINATOR, *([Role.DATA_PRODUCER] if silent else [])]
        case Status.AGREEMENT_SIGNING:
            early = rulebook.settings(clock.day_of(clock.now())).handover_timing == "early"
            papers = (current.agreement, current.handover) if early else (current.agreement,)
            return [
                role
                for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER)
                if any(role not in paper for paper in papers)
            ]
        case Status.PROCESSING:
            running = bool(current.orders) and current.delivered is None
            return [] if running else [Role.DATA_PREPARER]
        case Status.QUALITY_CHECK:
            return [Role.QUALITY_REVIEWER]
        case Status.HANDOVER_SIGNING:
            return [role for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER) if role not in current.handover]
    return []


_EFFECTS: Mapping[Action, Callable[[Request, State, Happened], None]] = {
    Action.APPROVE: drafting.set_agreement,
    Action.PLACE_ORDER: orders.place,
    Action.PASS_QUALITY: drafting.set_handover,
    Action.GRANT: access.open_grant,
}


# ------------------------------------------------------------------------------------------------------ small words


def _next_reference(day: date) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('control_request_number')")
        (number,) = cursor.fetchone()
    return f"PMT-{day.year}-{number:06d}"
