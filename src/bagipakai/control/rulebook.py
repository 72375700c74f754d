"""The dated policies as the office asks them: what is in force on a day, for this request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bagipakai.control import tiers
from bagipakai.control.models import Institution
from bagipakai.core import deadlines
from bagipakai.core.deadlines import Calendar, Terms
from bagipakai.core.facts import Settings
from bagipakai.core.levels import DocumentKind, Levels, Tier
from bagipakai.core.policy import rules
from bagipakai.core.request import State, Status


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """What agreement and hand-over record promise in numbers, from `policies/terms.toml`."""

    destruction_days: int
    report_months: int
    confidentiality_years: int


def orders_at_a_time(day: date) -> int:
    """How many orders may run while rolling products follow a new release. Raises NoRule."""
    return int(rules("following", "wave").on(day)["orders"])


def settings(day: date) -> Settings:
    return Settings.on(day)


def paper_terms(day: date) -> PaperTerms:
    """Raises NoRule when there are none on `day`."""
    rule = rules("terms", "terms").on(day)
    return PaperTerms(rule["destruction_days"], rule["report_months"], rule["confidentiality_years"])


def gates(answers: Mapping[str, Any], day: date) -> Tier | None:
    """What the control tier of these answers demands besides documents; None while no level is chosen."""
    tier = tiers.of(answers, day)
    return Levels.on(day).tier_of_request(tier) if tier else None


def documents_required(institution: Institution, answers: Mapping[str, Any], day: date) -> frozenset[str] | None:
    """The kinds that the applicant must attach, themselves or a substitute; None while no level is chosen."""
    tier = tiers.of(answers, day)
    if not tier:
        return None
    return Levels.on(day).demanded(tier, institution.kind, bool(tiers.specific(answers, day)))


def documents_offered(answers: Mapping[str, Any], day: date) -> tuple[DocumentKind, ...]:
    """Every kind of document that the applicant may attach, in the order of the matrix."""
    tier = tiers.of(answers, day)
    levels = Levels.on(day)
    return tuple(levels.kinds[kind] for kind in levels.offered(tier)) if tier else ()


def due_on(state: State, day: date) -> date | None:
    """The day by which the present stage should be left; for a returned request, the last day for repair."""
    if state.status is Status.RETURNED:
        return max((item.due for item in state.open_items if item.due), default=None)
    return deadlines.due(state.stays, Terms.on(day), Calendar.on(day))


def expected(state: State, day: date, path: Iterable[Status]) -> dict[Status, date]:
    """When each of the coming stages would be left if every stage takes its whole term."""
    return deadlines.expected(state.stays, Terms.on(day), Calendar.on(day), path)


def repair_due(day: date) -> date:
    """The last day for repair of what is found missing on `day`."""
    return deadlines.repair_due(day, Terms.on(day), Calendar.on(day))
