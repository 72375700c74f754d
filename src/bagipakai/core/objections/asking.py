"""May the institution ask, and is what it asks whole: what is judged when a request is written and sent."""

from collections.abc import Mapping
from datetime import timedelta

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Command, State
from bagipakai.core.shapes import day_of, is_text
from bagipakai.core.table import about_payload


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
    level = str(state.answers.get("level"))
    if level in facts.standing.levels and facts.channel in facts.standing.channels:
        return None
    return Refusal("readiness-does-not-cover-it", {"level": level, "channel": facts.channel})


def duty_is_overdue(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.overdue == ():
        return None
    return Refusal("duty-is-overdue", {"duties": ", ".join(facts.overdue or ())})


def incident_is_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.incidents == ():
        return None
    return Refusal("incident-is-open", {"incidents": ", ".join(facts.incidents or ())})


@about_payload
def question_is_unknown(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["answers"]:
        if name not in facts.questions:
            return Refusal("question-is-unknown", {"field": str(name)})
    return None


@about_payload
def document_kind_is_unknown(state: State, command: Command, facts: Facts) -> Refusal | None:
    kind = command.payload["kind"]
    return None if kind in facts.settings.documents else Refusal("document-kind-is-unknown", {"document": kind})


def questions_are_unanswered(state: State, command: Command, facts: Facts) -> Refusal | None:
    missing = [
        name for name, demanded in facts.questions.items() if demanded and state.answers.get(name) in (None, "", [], {})
    ]
    if missing or not facts.questions:
        return Refusal("questions-are-unanswered", {"fields": ", ".join(missing)})
    return None


def purpose_is_unknown(state: State, command: Command, facts: Facts) -> Refusal | None:
    purpose = str(state.answers.get("purpose"))
    return None if purpose in facts.settings.purposes else Refusal("purpose-is-unknown", {"purpose": purpose})


def level_exceeds_the_purpose(state: State, command: Command, facts: Facts) -> Refusal | None:
    purpose = facts.settings.purposes.get(str(state.answers.get("purpose")))
    level = str(state.answers.get("level"))
    if purpose is None or level in purpose.levels:
        return None
    return Refusal("level-exceeds-the-purpose", {"level": level})


def onward_sharing_is_not_allowed(state: State, command: Command, facts: Facts) -> Refusal | None:
    purpose = facts.settings.purposes.get(str(state.answers.get("purpose")))
    if not state.answers.get("onward_sharing") or purpose is None or purpose.onward_sharing:
        return None
    return Refusal("onward-sharing-is-not-allowed")


def period_is_not_allowed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """An end date is demanded, lies ahead, and no further than the purpose allows."""
    purpose = facts.settings.purposes.get(str(state.answers.get("purpose")))
    ends = day_of(state.answers.get("ends_on"))
    if ends is None or ends < facts.today:
        return Refusal("period-is-not-allowed", {"days": "–"})
    if purpose is not None and ends > facts.today + timedelta(days=purpose.longest_days):
        return Refusal("period-is-not-allowed", {"days": str(purpose.longest_days)})
    return None


def variable_has_no_reason(state: State, command: Command, facts: Facts) -> Refusal | None:
    listed = state.answers.get("variables")
    for one in listed if isinstance(listed, list | tuple) else ():
        if not isinstance(one, Mapping) or not is_text(one.get("name")) or not is_text(one.get("reason")):
            name = one.get("name") if isinstance(one, Mapping) else None
            return Refusal("variable-has-no-reason", {"variable": str(name or "–")})
    return None if state.asked or state.matches else Refusal("variable-has-no-reason")


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
    missing = [
        kind
        for kind in sorted(facts.documents_required)
        if not {kind, *facts.settings.substitutes.get(kind, ())} & state.attachments.keys()
    ]
    return Refusal("documents-are-missing", {"documents": ", ".join(missing)}) if missing else None


def dpo_is_not_registered(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("dpo-is-not-registered") if facts.dpo_required and not facts.dpo_registered else None
