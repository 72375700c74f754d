"""The counter of the office: the one door through which anything happens to a request.

Every page, job and command comes here with what somebody wants and what they had seen. The rules decide
(`core.workflow`), the ledger writes, and what follows commits with it or not at all. Every "no" is written down too.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from bagipakai.control import (
    access,
    clock,
    documents,
    drafting,
    forms,
    institutions,
    ledger,
    notices,
    orders,
    releases,
    rulebook,
    situation,
)
from bagipakai.control.acting import Acting, in_the_way, person_of, tenures_of
from bagipakai.control.models import Claim, Event, Institution, Person, Post, Request, Tenure
from bagipakai.core import workflow
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Action, Command, Role, State, Status, after, fold
from bagipakai.core.request import Event as Happened
from bagipakai.core.variables import Catalogue

log = logging.getLogger("bagipakai.control.requests")

CLAIM_MINUTES = 60


class UnknownRequest(LookupError):
    """There is no request of that reference, or it is not this reader's to see: the answer is the same."""


# ------------------------------------------------------------------------------------------------------- acting


def handle(
    reference: str, action: Action, acting: Acting, payload: Mapping[str, Any] | None = None, seen: int = 0
) -> Happened | Refusal:
    """Does `action`, or says why not. `seen` is the number of the last event on the page that was acted from; if
    something happened since, the answer is `changed-meanwhile` and nothing typed is lost: the caller still has it.

    Raises UnknownRequest.
    """
    request = _request(reference)
    try:
        with transaction.atomic():
            outcome = _decided(request, action, acting, dict(payload or {}), seen)
            if isinstance(outcome, Happened):
                _write(request, outcome)
    except ledger.Overtaken:
        outcome = Refusal("changed-meanwhile", {"seen": str(seen), "now": str(seen + 1)})
    if isinstance(outcome, Refusal):
        return ledger.deny(outcome, action.value, person_of(acting), request=request)
    log.info("request.event request=%s n=%d action=%s", reference, outcome.n, action.value)
    return outcome


def handle_as_system(reference: str, action: Action, payload: Mapping[str, Any] | None = None) -> Happened | Refusal:
    """What the office's own worker does: it follows what people did. Raises UnknownRequest."""
    request = _request(reference)
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
    request = _request(reference)
    state = state_of(request)
    form, setting = forms.version(request.form), setting_of(request)
    kept: dict[str, Any] = {}
    for code, answer in answers.items():
        try:
            question = form.question(code)
        except KeyError:
            return ledger.deny(
                Refusal("question-is-unknown", {"field": code[:40]}), "SAVE_ANSWER", person_of(acting), request=request
            )
        checked = forms.checked(question, answer, {**state.answers, **kept}, setting)
        if isinstance(checked, Refusal):
            return Refusal(checked.code, {"field": code, **checked.detail})
        kept[code] = checked
    return handle(reference, Action.SAVE_ANSWER, acting, {"answers": kept}, seen)


def attach(reference: str, acting: Acting, kind: str, file: BinaryIO, name: str, *, seen: int) -> Happened | Refusal:
    """Takes in a document of `kind` for the request: checked by its content, kept under its digest, or refused with
    nothing kept. Raises UnknownRequest."""
    request = _request(reference)
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
    request = _request(reference)
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
    request = _request(reference)
    state = state_of(request)
    match action:
        case Action.APPROVE:
            chosen = list(variables) if variables is not None else approvable(state)
            wanted = level or approvable_level(state, chosen)
            approval = plan(reference, variables=chosen, level=wanted)
            digest = approval.digest if isinstance(approval, Plan) else ""
            return {"variables": chosen, "level": wanted, "plan": digest, "content": state.content}
        case Action.SIGN_AGREEMENT:
            paper = situation.papers_of(request, state).get("AGREEMENT", "")
            return {"document": paper, "capacity": str(state.answers.get("pdp_capacity") or "")}
        case Action.SIGN_HANDOVER:
            paper = situation.papers_of(request, state).get("HANDOVER_RECORD", "")
            return {
                "document": paper,
                "plan": state.decision.plan if state.decision else "",
                "manifest": state.delivered.manifest if state.delivered else "",
            }
        case Action.PLACE_ORDER:
            return orders.next_order(request, state)
        case Action.CONFIRM_CLARIFICATION:
            return {"document": state.clarification}
    return {}


# ------------------------------------------------------------------------------------------------------ reading


def visible(acting: Acting) -> QuerySet[Request]:
    """The requests that a reader may see: those of the institution they ask for, and, once sent, those of the
    controllers they serve. An auditor sees every sent request."""
    allowed = Q(pk__in=[])
    sent = Q(sent_at__isnull=False)
    for tenure in tenures_of(acting):
        roles = set(tenure.post.roles)
        if roles & situation.ASKING:
            allowed |= Q(institution_id=tenure.post.institution_id)
        if Role.AUDITOR in roles:
            allowed |= sent
        if Role.DATA_PRODUCER in roles:
            allowed |= Q(status=Status.COORDINATOR_DECISION)
        if roles - situation.ASKING - {Role.DATA_PRODUCER, Role.AUDITOR, Role.READINESS_REVIEWER}:
            served = institutions.served_by(tenure.post.institution)
            allowed |= sent & Q(controller__in=served)
    return Request.objects.filter(allowed).select_related("institution", "controller").order_by("-id")


def get(reference: str, acting: Acting) -> Request:
    """The request, if it is this reader's to see. Raises UnknownRequest."""
    found = visible(acting).filter(reference=reference).first()
    if found is None:
        raise UnknownRequest(reference)
    return found


def state(reference: str) -> State:
    """The request as its events leave it. Raises UnknownRequest."""
    return state_of(_request(reference))


def state_of(request: Request) -> State:
    return fold([Happened.from_json(one) for one in ledger.payloads(Event, request)], request.reference)


def setting_of(request: Request) -> forms.Setting:
    """What answers of this request are judged against today."""
    today = clock.today()
    available = releases.available()
    return forms.Setting(
        day=today,
        catalogue=Catalogue.on(today),
        purposes=forms.purposes(today),
        regions=releases.regions(available[0].region_edition) if available else {},
        releases=tuple(release.version for release in available),
        competence=request.institution.region,
    )


def plan(reference: str, *, variables: Sequence[str] | None = None, level: str = "") -> Plan | Refusal:
    """The plan as it now stands: as approved once that is decided; before, as asked, or reduced to `variables` and
    `level`. Or what stands in its way. Raises UnknownRequest."""
    request = _request(reference)
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
    request = _request(reference)
    current, now = state_of(request), clock.now()
    found = []
    for actor, tenure in situation.actors(tenures_of(acting), request, now):
        facts = situation.facts(request, current, now, tenure=tenure)
        for action, refusal in workflow.possible(current, actor, facts):
            found.append(Possibility(action, actor.role, tenure, refusal))
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request that waits for a reader, in one of their roles. `days` until it is due, negative when it is late,
    None when no clock runs. `claimed_by` works on it until `claimed_until`."""

    request: Request
    role: Role
    tenure: Tenure
    due_on: date | None
    days: int | None
    claimed_by: Person | None
    claimed_until: datetime | None


def queue(acting: Acting) -> list[Waiting]:
    """What waits for this reader: the most urgent first, then the oldest. Requests of an examiner's own institution are
    left out: another unit examines those."""
    now, today = clock.now(), clock.today()
    found: dict[int, Waiting] = {}
    for tenure in tenures_of(acting):
        served = institutions.served_by(tenure.post.institution, now)
        for role in map(Role, tenure.post.roles):
            rows = Request.objects.filter(awaited__contains=[role]).select_related("institution", "claim__person")
            if role in situation.ASKING:
                rows = rows.filter(institution=tenure.post.institution_id)
            elif role is not Role.DATA_PRODUCER:
                rows = rows.filter(controller__in=served).exclude(institution=tenure.post.institution_id)
            for row in rows:
                claim = getattr(row, "claim", None)
                held = claim if claim is not None and claim.until > now else None
                found.setdefault(
                    row.pk,
                    Waiting(
                        request=row,
                        role=role,
                        tenure=tenure,
                        due_on=row.due_on,
                        days=(row.due_on - today).days if row.due_on else None,
                        claimed_by=held.person if held else None,
                        claimed_until=held.until if held else None,
                    ),
                )
    return sorted(found.values(), key=lambda one: (one.due_on or date.max, one.request.pk))


def claim(reference: str, acting: Acting) -> Refusal | None:
    """Tells colleagues that this reader works on the request for the next hour. Refused while another does. A claim
    gives no right and takes none away. Raises UnknownRequest."""
    request, now, person = _request(reference), clock.now(), person_of(acting)
    with transaction.atomic():
        Request.objects.select_for_update().get(pk=request.pk)
        current = Claim.objects.filter(request=request, until__gt=now).select_related("person").first()
        if current is not None and current.person_id != person.pk:
            return Refusal("claimed-by-another", {"person": current.person.name})
        until = now + timedelta(minutes=CLAIM_MINUTES)
        Claim.objects.update_or_create(request=request, defaults={"person": person, "until": until})
    return None


def release(reference: str, acting: Acting) -> None:
    """Ends this reader's claim. Raises UnknownRequest."""
    Claim.objects.filter(request=_request(reference), person=person_of(acting)).delete()


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, as it is told. `before` and `after` are the stages; `reason` is what its actor gave."""

    n: int
    at: datetime
    action: Action
    role: Role
    person: str
    post: str
    institution: str
    before: Status | None
    after: Status
    reason: str

    @property
    def moved(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Timeline:
    """The past, the present stage with its due day and whose turn it is, and the stages still to come if all goes
    well."""

    past: tuple[Moment, ...]
    status: Status
    since: datetime
    due_on: date | None
    turn: tuple[Role, ...]
    coming: tuple[tuple[Status, date | None], ...]  # each with the day by which it would be left


PATH = (
    Status.DRAFT,
    Status.SUBMITTED,
    Status.ADMIN_CHECK,
    Status.SUBSTANCE_CHECK,
    Status.COORDINATOR_DECISION,
    Status.AGREEMENT_SIGNING,
    Status.PROCESSING,
    Status.QUALITY_CHECK,
    Status.HANDOVER_SIGNING,
    Status.ACCESS_GRANTED,
)


def timeline(reference: str) -> Timeline:
    """What happened, what is now, what comes. Raises UnknownRequest."""
    request = _request(reference)
    events = [Happened.from_json(one) for one in ledger.payloads(Event, request)]
    current = fold(events, reference)
    persons = dict(Person.objects.filter(pk__in=_ids(one.actor.person for one in events)).values_list("pk", "name"))
    posts = dict(Post.objects.filter(pk__in=_ids(one.actor.post for one in events)).values_list("pk", "title"))
    houses = dict(
        Institution.objects.filter(code__in={one.actor.institution for one in events}).values_list("code", "name")
    )
    past = tuple(
        Moment(
            n=one.n,
            at=one.at,
            action=one.action,
            role=one.actor.role,
            person=persons.get(int(one.actor.person or 0), ""),
            post=posts.get(int(one.actor.post or 0), ""),
            institution=houses.get(one.actor.institution, ""),
            before=one.status_before,
            after=one.status_after,
            reason=str(one.payload.get("reason") or ""),
        )
        for one in events
    )
    status = Status(request.status)
    place = current.returned_by if status is Status.RETURNED else status
    place = Status.SUBSTANCE_CHECK if place is Status.CLARIFICATION else place
    coming = PATH[PATH.index(place) + (status is not Status.RETURNED) :] if place in PATH else ()
    since = current.stays[-1].since if current.stays else request.opened_at
    days = rulebook.expected(current, clock.today(), coming)
    ahead = tuple((stage, days.get(stage)) for stage in coming)
    return Timeline(past, status, since, request.due_on, tuple(map(Role, request.awaited)), ahead)


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two contents: a `field:` or `document:` by its name, its label, and both values (None where
    there was none). Documents are compared by their digests."""

    target: str
    label: str
    before: Any
    after: Any


def differences(reference: str, first: int, second: int | None = None) -> list[Difference]:
    """What changed from version `first` (0: nothing) to version `second` (None: the content as it is now), in the order
    of the form. Raises UnknownRequest, and IndexError for a version that was never sent."""
    request = _request(reference)
    current = state_of(request)
    answers, attachments = _content(current, first)
    later_answers, later_attachments = _content(current, second)
    found = []
    for question in forms.version(request.form).questions:
        pair = answers.get(question.code), later_answers.get(question.code)
        if pair[0] != pair[1]:
            found.append(Difference(f"field:{question.code}", question.label(), *pair))
    for kind in sorted({*attachments, *later_attachments}):
        before, now = attachments.get(kind), later_attachments.get(kind)
        if (before and before.sha256) != (now and now.sha256):
            found.append(Difference(f"document:{kind}", kind, before, now))
    return found


def _content(current: State, number: int | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if number is None:
        return current.answers, current.attachments
    if number == 0:
        return {}, {}
    if not 0 < number <= len(current.versions):
        raise IndexError(number)
    version = current.versions[number - 1]
    return version.answers, version.attachments


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
            return outcome
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
            return [role for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER) if role not in current.agreement]
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


def _request(reference: str) -> Request:
    try:
        return Request.objects.select_related("institution", "controller").get(reference=reference)
    except Request.DoesNotExist:
        raise UnknownRequest(reference) from None


def _next_reference(day: date) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('control_request_number')")
        (number,) = cursor.fetchone()
    return f"PMT-{day.year}-{number:06d}"


def _ids(texts: Any) -> set[int]:
    return {int(text) for text in texts if text}
