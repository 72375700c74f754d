"""A step of a request, with everything a decision on it rests on."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from bagipakai.control import cabinet, clock, readiness, rulebook, situation
from bagipakai.control.models import Event, Request
from bagipakai.control.passkeys.matters import REQUEST, Matter, before
from bagipakai.core.canonical import digest
from bagipakai.core.plan import Plan
from bagipakai.core.policy import NoRule
from bagipakai.core.request import Action
from bagipakai.core.request import Event as Happened


def of_request(request: Request, event: Happened) -> Matter:
    """The step of a request that `event` would be; it is not written yet."""
    current = cabinet.state_of(request)
    day = situation.judged_on(current, event.at)
    plan = situation.plan_of(request, current, day, event.action, event.payload)
    proposals = {
        name: {"verdict": one.verdict, "level": one.level, "reason": one.reason}
        for name, one in current.proposals.items()
    }
    exemptions = {rule: one.reason for rule, one in current.exemptions.items()}
    beside: dict[Action, dict[str, Any]] = {
        Action.GIVE_OPINION: {"exemptions": exemptions},
        Action.PASS_SUBSTANCE: {"verdicts": proposals, "exemptions": exemptions},
    }
    return Matter(
        REQUEST,
        request.reference,
        event.n,
        event.at,
        event.actor,
        event.action.value,
        event.payload,
        {
            "before": before(Event, request, event.n),
            "content": current.content,
            "plan": plan.digest if isinstance(plan, Plan) else "",
            "terms": _terms(request, event.at),
            "readiness": readiness.standing(request.institution, event.at).digest,
            "decision": current.decision.digest if current.decision else "",
        },
        request.institution.name,
        plan if isinstance(plan, Plan) else None,
        beside.get(event.action, {}),
    )


def _terms(request: Request, at: datetime) -> str:
    """The digest of what every agreement promises on that day, and of which form was asked on."""
    try:
        terms = asdict(rulebook.paper_terms(clock.day_of(at)))
    except NoRule:
        terms = {}
    return digest({"terms": terms, "form": request.form})
