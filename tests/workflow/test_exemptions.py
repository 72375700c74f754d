"""A rule for rows is exempted by two persons, with a reason, and after the officer for data protection was heard."""

from dataclasses import replace
from typing import Any

import pytest
from tests.workflow.cheats import rightly
from tests.workflow.test_self_dealing import outcome_as
from tests.workflow.world import CAST, Course, Walk, code, plan_of, walk

from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.plan import Exempted
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, Role, Status
from bagipakai.core.workflow import decide

EXEMPTING = Course(exempted=True)


def proposed(request: Walk, exemptions: Any) -> Event | Refusal:
    """What comes of proposing these; it becomes history if it may."""
    attempt = rightly(request, Role.SUBSTANCE_VERIFIER, Action.PROPOSE_EXEMPTIONS)
    command = replace(attempt.command, payload={"exemptions": exemptions})
    outcome = decide(request.state, command, attempt.facts)
    if isinstance(outcome, Event):
        request.events.append(outcome)
    return outcome


def approved(request: Walk, exempted: list[str], **actor: str) -> Event | Refusal:
    """What comes of approving these exemptions, having seen the plan with them."""
    attempt = rightly(request, Role.COORDINATOR, Action.APPROVE)
    said = {**attempt.command.payload, "exempted": exempted}
    said["plan"] = plan_of(request.state, said)
    who = replace(attempt.command.actor, **actor)
    held = replace(attempt.facts.mandate, person=who.person)
    facts = replace(attempt.facts, plan=said["plan"], mandate=held, owners={})
    return decide(request.state, replace(attempt.command, actor=who, payload=said), facts)


def test_what_is_approved_of_what_was_proposed_stands_in_the_decision_with_its_reason():
    request = walk(to=Status.AGREEMENT_SIGNING, course=EXEMPTING)
    assert sorted(request.state.exemptions) == ["rows-alike", "rows-share"]
    assert request.state.decision.exempted == (Exempted("rows-alike", "desa kecil ikut serta"),)


def test_without_a_word_of_the_coordinator_every_rule_stands():
    request = walk(to=Status.COORDINATOR_DECISION, course=EXEMPTING)
    outcome = approved(request, [])
    assert isinstance(outcome, Event)
    request.events.append(outcome)
    assert request.state.decision.exempted == ()


@pytest.mark.parametrize("rule", EXEMPTIBLE)
def test_a_coordinator_adds_none_alone(rule):
    request = walk(to=Status.COORDINATOR_DECISION, course=EXEMPTING)
    told = code(approved(request, [rule]))
    assert told == ("" if rule in {"rows-alike", "rows-share"} else "exempts-more-than-was-proposed")
    request = walk(to=Status.COORDINATOR_DECISION)
    assert code(approved(request, [rule])) == "exempts-more-than-was-proposed"


def test_whoever_proposed_does_not_approve():
    request = walk(to=Status.COORDINATOR_DECISION, course=EXEMPTING)
    (person,) = {one.person for one in request.state.exemptions.values()}
    assert person == CAST[Role.SUBSTANCE_VERIFIER].person
    assert code(approved(request, ["rows-alike"], person=person)) == "already-examined-it"
    assert isinstance(approved(request, ["rows-alike"]), Event)


def test_whoever_is_a_coordinator_too_proposes_none():
    """The other way round: who decided once, on an amended request, does not check its substance afterwards."""
    request = walk(to=Status.AGREEMENT_SIGNING, course=Course(reduced=True, amended=True))
    for role, action, hint in (
        (Role.APPLICANT, Action.AMEND, ""),
        (Role.APPLICANT, Action.SAVE_ANSWER, "unlocked"),
        (Role.APPLICANT, Action.ANSWER_ITEM, "REPAIRED"),
        (Role.APPLICANT, Action.RESUBMIT, ""),
        (Role.ADMIN_VERIFIER, Action.ACCEPT_ITEM, ""),
        (Role.ADMIN_VERIFIER, Action.PASS_ADMIN, ""),
    ):
        request.act(role, action, hint)
    outcome = outcome_as(request, Role.SUBSTANCE_VERIFIER, Action.PROPOSE_EXEMPTIONS, person="eka")
    assert code(outcome) == "already-examined-it"


def test_another_proposal_replaces_the_one_before_and_an_empty_one_takes_it_back():
    request = walk(to=Status.SUBSTANCE_CHECK)
    proposed(request, {"rows-alike": "perlu", "rows-share": "perlu"})
    proposed(request, {"rows-presence": "seluruh desa"})
    assert {rule: one.reason for rule, one in request.state.exemptions.items()} == {"rows-presence": "seluruh desa"}
    proposed(request, {})
    assert request.state.exemptions == {}


@pytest.mark.parametrize(
    ("exemptions", "told"),
    [
        ({"rows-alike": ""}, "exemption-has-no-reason"),
        ({"rows-alike": "perlu", "rows-share": " "}, "exemption-has-no-reason"),
        ({"rows-everything": "perlu"}, "rule-is-not-exemptible"),
        ({"plan-exempts-twice": "perlu"}, "rule-is-not-exemptible"),
        ({"rows-alike": 7}, "form-is-incomplete"),
        (["rows-alike"], "form-is-incomplete"),
    ],
)
def test_a_proposal_names_rules_each_with_its_reason(exemptions, told):
    assert code(proposed(walk(to=Status.SUBSTANCE_CHECK), exemptions)) == told


def test_a_matched_list_has_no_rules_to_be_exempted_from():
    request = walk(to=Status.SUBSTANCE_CHECK, course=Course(matches=True))
    assert code(proposed(request, {"rows-alike": "perlu"})) == "has-no-rows-without-names"


def test_the_officer_for_protection_is_heard_on_what_is_proposed_last():
    """Also where the level alone would not ask for it; an opinion on other exemptions is none on these."""
    request = walk(to=Status.SUBSTANCE_CHECK)
    request.act(Role.SUBSTANCE_VERIFIER, Action.PROPOSE)

    def passing() -> str:
        attempt = rightly(request, Role.SUBSTANCE_VERIFIER, Action.PASS_SUBSTANCE)
        return code(decide(request.state, attempt.command, replace(attempt.facts, opinion_required=False)))

    assert passing() == ""
    request.act(Role.DATA_PROTECTION_OFFICER, Action.GIVE_OPINION)
    proposed(request, {"rows-alike": "perlu"})
    assert passing() == "exemption-has-no-opinion"
    request.act(Role.DATA_PROTECTION_OFFICER, Action.GIVE_OPINION)
    assert passing() == ""
    proposed(request, {"rows-share": "perlu"})
    assert passing() == "exemption-has-no-opinion"
    proposed(request, {})
    assert passing() == ""


def test_what_is_sent_again_has_no_exemptions():
    request = walk(to=Status.SUBSTANCE_CHECK, course=EXEMPTING)
    proposed(request, {"rows-alike": "perlu"})
    for role, action, hint in (
        (Role.SUBSTANCE_VERIFIER, Action.RETURN, ""),
        (Role.APPLICANT, Action.SAVE_ANSWER, ""),
        (Role.APPLICANT, Action.ANSWER_ITEM, ""),
        (Role.APPLICANT, Action.ANSWER_ITEM, "REASONED"),
    ):
        request.act(role, action, hint)
    assert request.state.exemptions
    request.act(Role.APPLICANT, Action.RESUBMIT)
    assert request.state.exemptions == {}


def test_a_decision_from_before_there_were_exemptions_has_none():
    request = walk(to=Status.AGREEMENT_SIGNING)
    assert "exempted" not in request.events[-1].payload
    assert request.state.decision.exempted == ()
