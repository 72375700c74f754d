"""What is decided upon: a step of a request or of a readiness review, with everything it rests on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bagipakai.control import cabinet, clock, ledger, readiness, rulebook, situation
from bagipakai.control.models import Event, ReadinessEvent, ReadinessReview, Request
from bagipakai.control.models.ledger import Entry
from bagipakai.core import readiness as review
from bagipakai.core import request as asked
from bagipakai.core.canonical import digest
from bagipakai.core.plan import Plan
from bagipakai.core.policy import NoRule
from bagipakai.core.request import Actor

REQUEST, READINESS = "request", "readiness"


@dataclass(frozen=True)
class Matter:
    """One step as it would be written down. `subject` is the trail's name of the matter, `n` the number of the step.

    `rests_on` holds digests of everything the decision rests on; `house` is the institution it is about, `plan` the
    plan in question, `beside` what its signer should read besides what the step itself says.
    """

    kind: str
    subject: str
    n: int
    at: datetime
    actor: Actor
    action: str
    payload: Mapping[str, Any]
    rests_on: Mapping[str, str]
    house: str
    plan: Plan | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dossier(self) -> dict[str, Any]:
        """What `dossier_hash` is the digest of: where the matter stood, and what this step says."""
        return {
            "subject": self.subject,
            "n": self.n,
            "post": self.actor.post,
            "rests_on": dict(self.rests_on),
            "says": dict(self.payload),
        }


def of_request(request: Request, event: asked.Event) -> Matter:
    """The step of a request that `event` would be; it is not written yet."""
    current = cabinet.state_of(request)
    day = situation.judged_on(current, event.at)
    plan = situation.plan_of(request, current, day, event.action, event.payload)
    proposals = {
        name: {"verdict": one.verdict, "level": one.level, "reason": one.reason}
        for name, one in current.proposals.items()
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
            "before": _before(Event, request, event.n),
            "content": current.content,
            "plan": plan.digest if isinstance(plan, Plan) else "",
            "terms": _terms(request, event.at),
            "readiness": readiness.standing(request.institution, event.at).digest,
            "decision": current.decision.digest if current.decision else "",
        },
        request.institution.name,
        plan if isinstance(plan, Plan) else None,
        {"verdicts": proposals} if event.action is asked.Action.PASS_SUBSTANCE else {},
    )


def of_review(row: ReadinessReview, event: review.Event) -> Matter:
    """The step of a readiness review that `event` would be; it is not written yet."""
    current = readiness.state(row.pk)
    content = {
        "answers": {item: list(answer) for item, answer in current.answers.items()},
        "evidence": {item: [one.sha256 for one in shown] for item, shown in current.evidence.items()},
        "verdicts": {item: list(verdict) for item, verdict in current.verdicts.items()},
        "levels": sorted(current.levels),
    }
    return Matter(
        READINESS,
        f"kesiapan/{row.pk}",
        event.n,
        event.at,
        event.actor,
        event.action.value,
        event.payload,
        {
            "before": _before(ReadinessEvent, row, event.n),
            "content": digest(content),
            "readiness": current.certificate.digest if current.certificate else "",
        },
        row.institution.name,
    )


def _before(kind: type[Entry], subject: Request | ReadinessReview, n: int) -> str:
    """The digest of the entry before, which binds every entry before it."""
    rows = kind.objects.filter(subject=subject, n=n - 1)  # type: ignore[attr-defined]
    return str(rows.values_list("digest", flat=True).first() or ledger.FIRST)


def _terms(request: Request, at: datetime) -> str:
    """The digest of what every agreement promises on that day, and of which form was asked on."""
    try:
        terms = asdict(rulebook.paper_terms(clock.day_of(at)))
    except NoRule:
        terms = {}
    return digest({"terms": terms, "form": request.form})
