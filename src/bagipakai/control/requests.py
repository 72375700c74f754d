"""The counter of the office: every page, job and command comes here with what somebody wants of a request.

What may happen, `core.workflow` decides; how it happens is the same for all (`control.door`). What is the request's own
stands here: its forms and files, what follows from its events, and whose turn it is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO

from django.db import connection, transaction

from bagipakai.control import (
    access,
    clock,
    drafting,
    forms,
    gazetteer,
    ledger,
    notices,
    orders,
    releases,
    rosters,
    rulebook,
    situation,
)
from bagipakai.control.acting import Acting, person_of, tenures_of
from bagipakai.control.cabinet import UnknownRequest, find, get, state, state_of, visible
from bagipakai.control.door import Door, Possibility, told_of
from bagipakai.control.forms import Service
from bagipakai.control.history import (
    PATH,
    Clarification,
    Difference,
    Moment,
    Timeline,
    clarifications,
    differences,
    timeline,
)
from bagipakai.control.models import Claim, Document, Event, Grant, Institution, PendingDecision, Request
from bagipakai.control.passkeys import matters, requested
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.queues import Waiting, claim, queue, release
from bagipakai.core import workflow
from bagipakai.core.disclosure import Grain
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Action, Command, Role, State, Status
from bagipakai.core.request import Event as Happened
from bagipakai.core.variables import Catalogue

__all__ = [
    "PATH",
    "Clarification",
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
    "clarifications",
    "create",
    "differences",
    "draw_up",
    "find",
    "follow_releases",
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

# ------------------------------------------------------------------------------------------------------- acting


def handle(
    reference: str,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any] | None = None,
    seen: int = 0,
    signature: Signature | None = None,
) -> Happened | Refusal:
    """Does `action`, or says why not. `seen` is the number of the last event on the page that was acted from. Raises
    UnknownRequest."""
    return DOOR.handle(find(reference), action, acting, payload, seen, signature)


def draw_up(
    reference: str, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int = 0, lang: str = "id"
) -> PendingDecision | Refusal:
    """What `action` would be as a decision, for its signer to read and sign. Raises UnknownRequest."""
    return DOOR.draw_up(find(reference), action, acting, payload, seen=seen, lang=lang)


def handle_as_system(reference: str, action: Action, payload: Mapping[str, Any] | None = None) -> Happened | Refusal:
    """What the office's own worker does: it follows what people did. Raises UnknownRequest."""
    return DOOR.handle(find(reference), action, None, payload)


def follow_up() -> int:
    """Takes up again what the office could not do by itself when people had done their part, such as a grant while
    readiness had lapsed. Returns how many requests went on."""
    waiting = Request.objects.filter(status__in=list(_BY_ITSELF), awaited=[])
    return DOOR.tidy(waiting.select_related("institution", "controller"))


def follow_releases() -> int:
    """Orders the next package of each rolling product whose release is not the newest any more, for whoever waits
    longest first. Only as many orders run at a time as policy says, so that a hundred and twenty do not start at once;
    whatever may not go on now is looked at again. Returns how many were ordered."""
    newest, started = releases.newest(), 0
    open_ones = Grant.objects.filter(status__in=["ACTIVE", "SUSPENDED"], plan__rolling=True).order_by("pk")
    for grant in open_ones.select_related("request__institution", "request__controller"):
        if newest is None or orders.unfinished() >= rulebook.orders_at_a_time(clock.today()):
            break
        handed = state_of(grant.request).granted.get(grant.manifest)
        if handed is not None and handed.release != newest.version:
            started += _followed(grant.request)
    return started


def _followed(request: Request) -> bool:
    """Whether an order was placed: what stands in the way now is no news, and is not written down each minute."""
    try:
        with transaction.atomic():
            payload = orders.next_order(request, state_of(request))
            outcome = DOOR.answer(request, Action.FOLLOW_RELEASE, None, payload)
            if isinstance(outcome, Refusal):
                return False
            DOOR.write(request, outcome)
    except ledger.Overtaken:
        return False
    return True


def create(
    acting: Acting,
    controller: Institution | None = None,
    follows: Request | None = None,
    service: Service = Service.DATA,
) -> Request | Refusal:
    """Opens a draft for the institution of the applicant's post. `controller`: the one asked; may be left out while
    there is only one. `follows`: the refused request that this one comes back to, for the same service."""
    tenure = next((one for one in tenures_of(acting) if Role.APPLICANT in one.post.roles), None)
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "CREATE"}), "CREATE", person_of(acting))
    every = list(Institution.objects.filter(is_controller=True)[:2])
    if controller is None and len(every) != 1:
        return ledger.deny(Refusal("controller-is-not-appointed"), "CREATE", person_of(acting))
    house, asked = tenure.post.institution, controller or every[0]
    form = forms.current(clock.today(), forms.version(follows.form).service if follows else service)

    def new() -> Request:
        now, today = clock.now(), clock.today()
        return Request.objects.create(
            reference=_next_reference(today),
            institution=house,
            controller=asked,
            post=tenure.post,
            opened_by=tenure.person,
            opened_at=now,
            form=form.version,
            follows=follows,
            status=Status.DRAFT,
            changed_at=now,
        )

    with transaction.atomic():
        opened = DOOR.open(new, Action.CREATE, tenure, {"institution": house.code, "controller": asked.code})
        if form.fixed and not isinstance(opened, Refusal):
            kept = DOOR.handle(opened, Action.SAVE_ANSWER, tenure, {"answers": dict(form.fixed)})
            if isinstance(kept, Refusal):
                raise RuntimeError(f"what a form fixes is refused: {kept.code}")
    return opened


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
            checked: Any = Refusal("question-is-unknown")
        else:
            checked = forms.checked(question, answer, {**current.answers, **kept}, setting)
        if isinstance(checked, Refusal):  # written down with its question, and without the answer that was typed
            no = DOOR.deny(request, Refusal(checked.code, {"field": code[:40]}), Action.SAVE_ANSWER, acting)
            return Refusal(no.code, {**no.detail, **checked.detail})
        kept[code] = checked
    return DOOR.handle(request, Action.SAVE_ANSWER, acting, {"answers": kept}, seen)


def attach(reference: str, acting: Acting, kind: str, file: BinaryIO, name: str, *, seen: int) -> Happened | Refusal:
    """Takes in a document of `kind` for the request: checked by its content, kept under its digest, or refused with
    nothing kept. Raises UnknownRequest."""

    def says(document: Document) -> dict[str, Any]:
        return {"kind": kind, **told_of(document)}

    return DOOR.hand_in(find(reference), Action.ATTACH, acting, file, name=name, says=says, seen=seen)


def record_clarification(
    reference: str, acting: Acting, file: BinaryIO, name: str, *, summary: str, seen: int
) -> Happened | Refusal:
    """Keeps the record of a clarification meeting, for the applicant to confirm. Raises UnknownRequest."""

    def says(document: Document) -> dict[str, Any]:
        return {"document": document.sha256, "summary": summary}

    return DOOR.hand_in(find(reference), Action.RECORD_CLARIFICATION, acting, file, name=name, says=says, seen=seen)


def prefilled(
    reference: str,
    action: Action,
    *,
    variables: Sequence[str] | None = None,
    level: str = "",
    exempted: Sequence[str] = (),
) -> dict[str, Any]:
    """What the office itself puts into the form of `action`: digests, numbers, the order's id. The page shows them and
    posts them back, so that an act names exactly what its actor saw. Raises UnknownRequest.

    APPROVE takes the choice of `variables` and `level`; without one, everything that was proposed and consented to. Of
    the exemptions that were proposed it takes those that are chosen and no other: without a word every rule is met.
    """
    request = find(reference)
    current = state_of(request)
    match action:
        case Action.APPROVE:
            chosen = list(variables) if variables is not None else approvable(current)
            wanted = level or approvable_level(current, chosen)
            approval = plan(reference, variables=chosen, level=wanted, exempted=exempted)
            digest = approval.digest if isinstance(approval, Plan) else ""
            rules = {"exempted": list(exempted)} if exempted else {}
            return {"variables": chosen, "level": wanted, "plan": digest, "content": current.content, **rules}
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
        case Action.CANCEL_ORDER:
            return {"order": current.orders[-1] if current.orders else ""}
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
        regions=gazetteer.regions(available[0].region_edition) if available else {},
        releases=tuple(one.version for one in available),
        rosters={one.reference: (one.name, one.rows) for one in rosters.usable(request.institution)},
        competence=request.institution.region,
        grains=Grain.on(today),
        service=forms.version(request.form).service,
    )


def plan(
    reference: str, *, variables: Sequence[str] | None = None, level: str = "", exempted: Sequence[str] = ()
) -> Plan | Refusal:
    """The plan as it now stands: as approved once that is decided; before, as asked, or reduced to `variables` and
    `level`, with the rules for rows that are `exempted`. Or what stands in its way. Raises UnknownRequest."""
    request = find(reference)
    current = state_of(request)
    chosen = {"variables": variables, "level": level, "exempted": exempted} if variables is not None else {}
    day = situation.judged_on(current, clock.now())
    return situation.plan_of(request, current, day, Action.APPROVE if chosen else None, chosen)


def possible(reference: str, acting: Acting) -> list[Possibility]:
    """What this reader could do now, in each role that has business here. Raises UnknownRequest."""
    return DOOR.possible(find(reference), acting)


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


# ------------------------------------------------------------------------------------- what comes through the door


def _follows(request: Request, current: State, event: Happened, entry: Event) -> None:
    if effect := _EFFECTS.get(event.action):
        effect(request, current, event)
    _remember(request, current, event)
    notices.send(request, entry, current, event)


def _due(request: Request, current: State, at: datetime) -> Command | None:
    """What the office does by itself once people have done their part."""
    action = _BY_ITSELF.get(current.status or Status.DRAFT)
    payload = {"grant": f"HAK-{request.reference}"} if action is Action.GRANT else {}
    return Command(action, SYSTEM, payload, current.n) if action else None


def _last_look(request: Request, current: State, event: Happened) -> Refusal | None:
    """An order is the one that the office itself would place: nobody names one of their own. And one that is answered
    in the mailbox is not cancelled, whether or not its receipt was recorded."""
    if event.action is Action.CANCEL_ORDER and orders.is_answered(event.payload["order"]):
        return Refusal("order-was-answered")
    if event.action not in (Action.PLACE_ORDER, Action.FOLLOW_RELEASE) or orders.is_the_next(
        request, current, event.payload
    ):
        return None
    return Refusal("content-differs-from-what-was-seen")


def _remember(request: Request, current: State, event: Happened) -> None:
    """Copies the fold into the columns by which lists are made; the office's login may change these (rights.sql)."""
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
    remembered = (
        "n",
        "status",
        "level",
        "programme",
        "purpose",
        "owners",
        "awaited",
        "sent_at",
        "due_on",
        "changed_at",
    )
    request.save(update_fields=remembered)
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
            dpo = not current.opinion and (gates is None or gates.dpo_opinion or bool(current.exemptions))
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
    Action.SUBMIT: rosters.hold,
    Action.RESUBMIT: rosters.hold,
    Action.APPROVE: drafting.set_agreement,
    Action.SIGN_AGREEMENT: drafting.countersign,
    Action.SIGN_HANDOVER: drafting.countersign,
    Action.PLACE_ORDER: orders.place,
    Action.CANCEL_ORDER: orders.cancel,
    Action.FOLLOW_RELEASE: orders.place,
    Action.RECORD_RECEIPT: orders.delivered,
    Action.PASS_QUALITY: drafting.set_handover,
    Action.GRANT: access.open_grant,
}

_BY_ITSELF: Mapping[Status, Action] = {
    Status.SUBMITTED: Action.RECEIVE,
    Status.AGREEMENT_SIGNING: Action.BEGIN_PROCESSING,
    Status.HANDOVER_SIGNING: Action.GRANT,
}

DOOR: Door[Request, State, Happened] = Door(
    rules=workflow,
    entries=Event,
    name=lambda request: request.reference,
    denied=lambda request: {"request": request},
    actors=situation.actors,
    facts=situation.facts,
    follows=_follows,
    due=_due,
    kind=matters.REQUEST,
    matter=lambda request, _, event: requested.of_request(request, event),
    last_look=_last_look,
)


# ------------------------------------------------------------------------------------------------------ small words


def _next_reference(day: date) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('control_request_number')")
        (number,) = cursor.fetchone()
    return f"PMT-{day.year}-{number:06d}"
