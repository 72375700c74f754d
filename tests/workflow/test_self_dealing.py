"""S04: who drafted, edited, joined or examined does not judge; and nobody judges their own house."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflow.cheats import rightly
from tests.workflow.world import CAST, Course, Walk, code, walk

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, Role, Status
from bagipakai.core.workflow import decide

JUDGING = [
    (Role.ADMIN_VERIFIER, Status.ADMIN_CHECK, Action.PASS_ADMIN),
    (Role.SUBSTANCE_VERIFIER, Status.SUBSTANCE_CHECK, Action.PROPOSE),
    (Role.SUBSTANCE_VERIFIER, Status.SUBSTANCE_CHECK, Action.PROPOSE_EXEMPTIONS),
    (Role.DATA_PROTECTION_OFFICER, Status.SUBSTANCE_CHECK, Action.GIVE_OPINION),
    (Role.DATA_PRODUCER, Status.COORDINATOR_DECISION, Action.DECIDE_VARIABLES),
    (Role.COORDINATOR, Status.COORDINATOR_DECISION, Action.REJECT),
    (Role.CONTROLLER, Status.AGREEMENT_SIGNING, Action.SIGN_AGREEMENT),
    (Role.DATA_PREPARER, Status.PROCESSING, Action.PLACE_ORDER),
    (Role.QUALITY_REVIEWER, Status.QUALITY_CHECK, Action.FAIL_QUALITY),
]


def outcome_as(request: Walk, role: Role, action: Action, **changes) -> Event | Refusal:
    """The outcome when somebody else holds that post: lawfully appointed, in office and competent."""
    attempt = rightly(request, role, action)
    actor = replace(attempt.command.actor, **changes)
    held = replace(attempt.facts.mandate, person=actor.person, post=actor.post, institution=actor.institution)
    facts = replace(attempt.facts, mandate=held)
    return decide(request.state, replace(attempt.command, actor=actor), facts)


@pytest.mark.parametrize(("role", "status", "action"), JUDGING)
def test_ani_drafted_and_later_moves_to_the_unit_that_judges(role, status, action):
    """New post, new login, same person: refused, with the rule's code. Somebody else on that post may."""
    request = walk(to=status)
    assert code(outcome_as(request, role, action, person="ani")) == "drafted-it-themselves"
    assert isinstance(outcome_as(request, role, action, person="orang-baru"), Event)


@pytest.mark.parametrize(("role", "status", "action"), JUDGING)
def test_nobody_judges_their_own_house(role, status, action):
    request = walk(to=status)
    assert code(outcome_as(request, role, action, institution="DINSOS-A")) == "belongs-to-own-institution"


def as_rudi(request: Walk, action: Action, **payload) -> None:
    """A colleague of the applicant does this, and it becomes history."""
    attempt = rightly(request, Role.APPLICANT, action)
    rudi = replace(attempt.command.actor, person="rudi")
    command = replace(attempt.command, actor=rudi, payload={**attempt.command.payload, **payload})
    facts = replace(attempt.facts, mandate=replace(attempt.facts.mandate, person="rudi"))
    request.events.append(decide(request.state, command, facts))


def test_whoever_only_changed_one_attachment_is_an_author_too():
    request = walk(steps=6)
    as_rudi(request, Action.ATTACH, kind="NDA")
    request.act(Role.APPLICANT, Action.SUBMIT)
    request.act(Role.SYSTEM, Action.RECEIVE)
    assert code(outcome_as(request, Role.ADMIN_VERIFIER, Action.PASS_ADMIN, person="rudi")) == "drafted-it-themselves"


def test_a_delegate_who_joined_without_writing_a_word_is_an_author():
    request = walk(steps=1)
    as_rudi(request, Action.JOIN)
    assert request.state.authors == {"ani", "rudi"}


PAIRS = [
    ("citra", Role.SUBSTANCE_VERIFIER, Status.SUBSTANCE_CHECK, Action.PROPOSE),
    ("citra", Role.SUBSTANCE_VERIFIER, Status.SUBSTANCE_CHECK, Action.PROPOSE_EXEMPTIONS),
    ("citra", Role.COORDINATOR, Status.COORDINATOR_DECISION, Action.REJECT),
    ("dedi", Role.COORDINATOR, Status.COORDINATOR_DECISION, Action.APPROVE),
    ("dedi", Role.DATA_PRODUCER, Status.COORDINATOR_DECISION, Action.DECIDE_VARIABLES),
    ("eka", Role.QUALITY_REVIEWER, Status.QUALITY_CHECK, Action.PASS_QUALITY),
    ("citra", Role.QUALITY_REVIEWER, Status.QUALITY_CHECK, Action.PASS_QUALITY),
    ("sari", Role.ADMIN_VERIFIER, Status.ADMIN_CHECK, Action.PASS_ADMIN),
    ("sari", Role.COORDINATOR, Status.COORDINATOR_DECISION, Action.REJECT),
    ("citra", Role.DATA_PROTECTION_OFFICER, Status.SUBSTANCE_CHECK, Action.GIVE_OPINION),
    ("sari", Role.DATA_PROTECTION_OFFICER, Status.SUBSTANCE_CHECK, Action.GIVE_OPINION),
    ("hari", Role.COORDINATOR, Status.COORDINATOR_DECISION, Action.APPROVE),
    ("eka", Role.CONTROLLER, Status.AGREEMENT_SIGNING, Action.SIGN_AGREEMENT),
    ("dedi", Role.CONTROLLER, Status.AGREEMENT_SIGNING, Action.SIGN_AGREEMENT),
    ("eka", Role.DATA_PREPARER, Status.PROCESSING, Action.PLACE_ORDER),
    ("indra", Role.DATA_PREPARER, Status.PROCESSING, Action.PLACE_ORDER),
    ("fajar", Role.QUALITY_REVIEWER, Status.QUALITY_CHECK, Action.PASS_QUALITY),
    ("indra", Role.QUALITY_REVIEWER, Status.QUALITY_CHECK, Action.PASS_QUALITY),
    ("gita", Role.CONTROLLER, Status.HANDOVER_SIGNING, Action.SIGN_HANDOVER),
    ("fajar", Role.CONTROLLER, Status.HANDOVER_SIGNING, Action.SIGN_HANDOVER),
]


@pytest.mark.parametrize(("person", "role", "status", "action"), PAIRS)
def test_one_person_acts_in_one_check_of_a_chain(person, role, status, action):
    """Readiness review, administrative check, opinion, check of substance, decision, signature for the controller,
    processing, quality check (invariant 2; decision 0085)."""
    assert code(outcome_as(walk(to=status), role, action, person=person)) == "already-examined-it"


def test_whoever_proposes_gives_no_opinion_on_the_proposal():
    request = walk(to=Status.SUBSTANCE_CHECK)
    request.act(Role.SUBSTANCE_VERIFIER, Action.PROPOSE)
    outcome = outcome_as(request, Role.DATA_PROTECTION_OFFICER, Action.GIVE_OPINION, person="dedi")
    assert code(outcome) == "already-examined-it"


def test_the_same_checker_goes_on_after_a_repair():
    """One check may be done by one person over all its rounds."""
    request = walk(steps=17, course=Course(returned_by=(Role.ADMIN_VERIFIER,)))
    assert request.state.status is Status.ADMIN_CHECK
    assert isinstance(outcome_as(request, Role.ADMIN_VERIFIER, Action.ACCEPT_ITEM), Event)


def test_a_checker_does_not_become_an_applicant():
    """Citra checked it, and is appointed at the asking institution: she does not write in it."""
    request = walk(to=Status.RETURNED, course=Course(returned_by=(Role.ADMIN_VERIFIER,)))
    assert code(outcome_as(request, Role.APPLICANT, Action.JOIN, person="citra")) == "already-examined-it"


def test_nobody_signs_for_both_sides():
    request = walk(steps=16, course=Course(provider_first=True))
    assert request.state.agreement.keys() == {Role.CONTROLLER}
    assert code(outcome_as(request, Role.ACCOUNTABLE_OFFICER, Action.SIGN_AGREEMENT, person="indra")) == (
        "already-examined-it"
    )
    request = walk(steps=16)
    assert request.state.agreement.keys() == {Role.ACCOUNTABLE_OFFICER}
    assert code(outcome_as(request, Role.CONTROLLER, Action.SIGN_AGREEMENT, person="budi")) == "drafted-it-themselves"


def test_an_acting_officer_acts_until_the_mandate_ends():
    """A Plh holds the post from Tuesday to Friday; a minute later the same click is refused (S20)."""
    request = walk(to=Status.COORDINATOR_DECISION)
    attempt = rightly(request, Role.COORDINATOR, Action.REJECT)
    acting = replace(attempt.facts.mandate, acting=True, until=attempt.facts.now)
    assert code(decide(request.state, attempt.command, replace(attempt.facts, mandate=acting))) == "mandate-has-ended"
    until = attempt.facts.now + timedelta(minutes=1)
    in_time = replace(attempt.facts, mandate=replace(acting, until=until))
    assert isinstance(decide(request.state, attempt.command, in_time), Event)


def test_every_persona_of_the_cast_is_somebody_else():
    persons = [actor.person for role, actor in CAST.items() if role is not Role.SYSTEM]
    assert len(set(persons)) == len(persons)
