"""The world at one moment, for one actor and one request: everything the rules ask to know, gathered anew each time.

Nothing here is remembered between two questions. A post that was lost, a competence or a certificate that ran out, an
account that was suspended counts from that moment on.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from bagipakai.control import clock, forms, institutions, ledger, people, plans, readiness, rulebook, tiers
from bagipakai.control.acting import actor, known_of
from bagipakai.control.models import Event, Grant, GrantEvent, Institution, Paper, PlacedOrder, Request, Tenure
from bagipakai.core import access
from bagipakai.core.facts import Facts
from bagipakai.core.plan import Level, Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Actor, Role, State, Status
from bagipakai.core.variables import Catalogue

NOTHING: Mapping[str, Any] = MappingProxyType({})

# Roles that act for the institution that asks; every other role acts for the controller that is asked.
ASKING = frozenset({Role.APPLICANT, Role.ACCOUNTABLE_OFFICER, Role.AUTHORISED_HANDLER})
# Roles that need no mandate of the controller: owners of fields consent for themselves, auditors only read.
INDEPENDENT = frozenset({Role.DATA_PRODUCER, Role.AUDITOR})
# Where data are about to leave, and the record is therefore read through first.
LEAVING = frozenset({Status.PROCESSING, Status.HANDOVER_SIGNING, Status.ACCESS_GRANTED})


def actors(tenures: Collection[Tenure], request: Request, at: datetime) -> list[tuple[Actor, Tenure]]:
    """What these posts let their holder be in this request: one actor for each role that has business here."""
    found = []
    for tenure in tenures:
        for name in tenure.post.roles:
            role = Role(name)
            if (
                role in INDEPENDENT
                or (role in ASKING and tenure.post.institution_id == request.institution_id)
                or (role not in ASKING and institutions.serves(tenure.post.institution, request.controller, at))
            ):
                found.append((actor(tenure, role), tenure))
    return found


def facts(
    request: Request,
    state: State,
    at: datetime,
    *,
    tenure: Tenure | None = None,
    action: Action | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Facts:
    """Everything that `core.workflow` may ask about this actor (none: the system) and this command."""
    today, day = clock.day_of(at), judged_on(state, at)
    plan = plan_of(request, state, day, action, payload or {})
    institution, form = request.institution, forms.version(request.form)
    gates = rulebook.gates(state.answers, day)
    return Facts(
        now=at,
        today=today,
        settings=rulebook.settings(today),
        record_is_whole=state.status in LEAVING and ledger.is_whole(Event, request),
        institution_kind=institution.kind,
        standing=readiness.standing(institution, at),
        overdue=(),  # reports and destructions come with their own issue; none can be due before
        incidents=(),  # the same
        dpo_registered=bool(institution.dpo_name),
        transfer_basis=institution.transfer_basis,
        controller_appointed=request.controller.is_controller,
        processor_mandated=tenure is not None and institutions.serves(tenure.post.institution, request.controller, at),
        owners=owners(request, state, day),
        questions={
            **dict.fromkeys(form.fixed, True),
            **{
                question.code: question.required and question.asked_at(state.answers.get("level"))
                for question in form.questions
            },
        },
        channel=plans.CHANNEL,
        tier=tiers.of(state.answers, day),
        specific=tiers.specific(state.answers, day),
        documents_required=rulebook.documents_required(institution, state.answers, day),
        dpo_required=gates is None or gates.dpo_registered,
        opinion_required=gates is None or gates.dpo_opinion,
        plan=plan.digest if isinstance(plan, Plan) else "",
        plan_refusal=plan if isinstance(plan, Refusal) else None,
        agreement=papers_of(request, state).get(Paper.Kind.AGREEMENT, ""),
        handover=papers_of(request, state).get(Paper.Kind.HANDOVER_RECORD, ""),
        repair_due=rulebook.repair_due(today),
        access_stands=_access_stands(request, at),
        access_open=not Grant.objects.filter(request=request, ends_at__lte=at).exists(),
        **known_of(tenure, today),
    )


def _access_stands(request: Request, at: datetime) -> bool:
    """Whether the grant is in force, or waits for nothing but another release."""
    grant = Grant.objects.filter(request=request, ends_at__gt=at).first()
    if grant is None:
        return False
    events = (access.Event.from_json(one) for one in ledger.payloads(GrantEvent, grant))
    state = access.fold(events)
    return state.status in (access.Status.ACTIVE, access.Status.SUSPENDED) and state.causes <= {access.Cause.RELEASE}


def judged_on(state: State, at: datetime) -> date:
    """The day whose policies judge the content: the day it was last sent, so that a rule changed since does not change
    what was decided; today while it is being written."""
    if state.versions and state.status not in (Status.DRAFT, Status.RETURNED):
        return clock.day_of(state.versions[-1].at)
    return clock.day_of(at)


def plan_of(
    request: Request, state: State, day: date, action: Action | None = None, payload: Mapping[str, Any] = NOTHING
) -> Plan | Refusal:
    """The plan as it now stands: what was approved, once that is decided; what this approval would approve; what is
    asked, before."""
    approved: dict[str, Any] = {}
    if (made := state.decision) is not None:
        approved = {"variables": made.variables, "level": made.level, "exempted": made.exempted}
    elif action is Action.APPROVE and isinstance(payload.get("variables"), list | tuple):
        rules = payload.get("exempted")
        approved = {
            "variables": tuple(name for name in payload["variables"] if isinstance(name, str)),
            "level": payload.get("level") if payload.get("level") in set(Level) else None,
            "exempted": state.exempted(rules if isinstance(rules, list | tuple) else ()),
        }
    return plans.compiled(request, state.answers, day, sealed_at=_sealed_at(state, action), **approved)


def _sealed_at(state: State, action: Action | None) -> datetime:
    """The moment whose recipient's key counts: a package that was ordered stays sealed to the key of that moment,
    whatever happened to it since; before, and for the next order, the key of now."""
    ordered = None
    if state.orders and action not in (Action.PLACE_ORDER, Action.FOLLOW_RELEASE):
        ordered = PlacedOrder.objects.filter(order_id=state.orders[-1]).first()
    return ordered.placed_at if ordered is not None else clock.now()


def owners(request: Request, state: State, day: date) -> dict[str, str]:
    """Who must consent to each asked variable: the institution that produces it, where it is registered here, has
    somebody on a post for producers, and is neither the one that asks nor the controller (decision 0054)."""
    catalogue = Catalogue.on(day)
    producers = {catalogue[name].producer for name in state.asked if name in catalogue}
    registered = {
        institution.name: institution.code
        for institution in Institution.objects.filter(name__in=producers).exclude(
            pk__in=[request.institution_id, request.controller_id]
        )
        if people.holders(Role.DATA_PRODUCER, [institution.pk]).exists()
    }
    return {
        name: registered[catalogue[name].producer]
        for name in state.asked
        if name in catalogue and catalogue[name].producer in registered
    }


def papers_of(request: Request, state: State) -> dict[str, str]:
    """The digest of each paper as last set for the decision that stands."""
    if state.decision is None:
        return {}
    found = request.papers.filter(plan_digest=state.decision.plan, set_at__gte=state.decision.at).order_by("id")
    return {paper.kind: paper.sha256 for paper in found}
