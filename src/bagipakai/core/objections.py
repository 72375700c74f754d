"""What can stand in the way of a request, one function each, named as the person is told it.

`readiness_has_lapsed` gives the code `readiness-has-lapsed`; its sentence, in two languages and with its source, stands
in policies/refusals.toml under that code. A function takes values and returns a value: the request as its events left
it, the command, and the facts. Sources: law reference 4.2 (guards), 4.4 (invariants), 4.5 (documents).
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

from bagipakai.core.canonical import NotCanonical, canonical
from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import (
    CHECK_OF,
    Action,
    Check,
    Command,
    Delivered,
    Item,
    ItemState,
    Role,
    Signature,
    State,
    Verdict,
)
from bagipakai.core.shapes import (
    day_of,
    each,
    is_answers,
    is_any_text,
    is_count,
    is_digest,
    is_digest_or_empty,
    is_level,
    is_some_texts,
    is_text,
    is_texts,
    one_of,
)

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
        if key not in known:
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
    if held is not None and held.is_held_by(actor.person, actor.post, actor.institution, actor.role, facts.now):
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
    asking = command.payload["institution"] if state.status is None else state.institution
    if command.actor.institution == asking:
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
    missing = [
        kind
        for kind in sorted(facts.documents_required)
        if not {kind, *facts.settings.substitutes.get(kind, ())} & state.attachments.keys()
    ]
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
    if command.payload["answer"] != "REASONED" or is_text(command.payload.get("reason")):
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
    if state.clarification in ("", command.payload["document"]):
        return None
    return Refusal("confirms-another-record")


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
        if (one["verdict"] != "APPROVE" or name in facts.specific) and not is_text(one["reason"]):
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
    ends = day_of(state.answers.get("ends_on"))
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


# what each action says: every key that is demanded, and below it every key that may be there


def _is_verdicts(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and each(verdict=one_of("APPROVE", "REJECT", "LOWER"), level=is_level, reason=is_any_text)(list(value.values()))
    )


def _is_steps(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(one, Mapping) and isinstance(one.get("step"), str) and isinstance(one.get("evidence"), Mapping)
        for one in value
    )


_SHAPES: Final[Mapping[Action, Mapping[str, Callable[[object], bool]]]] = {
    **{action: {} for action in Action},
    Action.CREATE: {"institution": is_text, "controller": is_text},
    Action.SAVE_ANSWER: {"answers": is_answers},
    Action.ATTACH: {"kind": is_text, "sha256": is_digest, "bytes": is_count, "name": is_text, "media": is_text},
    Action.DETACH: {"kind": is_text},
    Action.RETURN: {
        "items": each(code=is_text, target=is_text, note=is_any_text),
        "reopen": each(item=is_text, note=is_text),
    },
    Action.ACCEPT_ITEM: {"item": is_text},
    Action.ANSWER_ITEM: {"item": is_text, "answer": one_of("REPAIRED", "REASONED")},
    Action.ASK_CLARIFICATION: {"questions": is_text},
    Action.RECORD_CLARIFICATION: {"document": is_digest, "summary": is_text},
    Action.CONFIRM_CLARIFICATION: {"document": is_digest},
    Action.PROPOSE: {"verdicts": _is_verdicts},
    Action.DECIDE_VARIABLES: {"verdicts": _is_verdicts},
    Action.GIVE_OPINION: {"opinion": one_of("SUPPORTS", "CONDITIONS", "OPPOSES"), "reason": is_text},
    Action.APPROVE: {
        "variables": is_some_texts,
        "level": is_level,
        "plan": is_digest,
        "content": is_digest,
        "reason": is_text,
    },
    Action.REJECT: {"reason": is_text},
    Action.AMEND: {"fields": is_some_texts, "reason": is_text},
    Action.SIGN_AGREEMENT: {"document": is_digest},
    Action.PLACE_ORDER: {"order": is_text, "plan": is_digest, "release": is_text},
    Action.RECORD_RECEIPT: {
        "order": is_text,
        "plan": is_digest,
        "release": is_text,
        "refusal": is_any_text,
        "package": is_any_text,
        "manifest": is_digest_or_empty,
        "rows": is_count,
        "columns": is_texts,
        "steps": _is_steps,
    },
    Action.FAIL_QUALITY: {"reason": is_text},
    Action.SIGN_HANDOVER: {"document": is_digest, "plan": is_digest, "manifest": is_digest_or_empty},
    Action.GRANT: {"grant": is_text},
}

_MAY_SAY: Final[Mapping[Action, Mapping[str, Callable[[object], bool]]]] = {
    Action.WITHDRAW: {"reason": is_any_text},
    Action.ANSWER_ITEM: {"reason": is_any_text},
    Action.PASS_QUALITY: {"note": is_any_text},
    Action.SIGN_AGREEMENT: {
        "capacity": one_of("CONTROLLER", "JOINT_CONTROLLER", "PROCESSOR"),
        "signature": is_any_text,
    },
    Action.RECORD_RECEIPT: {"hidden_cells": is_count, "package_bytes": is_count, "persons": is_count},
    Action.SIGN_HANDOVER: {"signature": is_any_text},
}
