"""Who may do what at which stage: the matrix, drawn by hand from law reference 4.2; everything else is refused."""

import timeit
from dataclasses import replace

import pytest
from tests.workflow.cheats import rightly
from tests.workflow.world import CAST, COURSES, START, Walk, path, walk

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, TERMINAL, Action, Command, Role, State, Status
from bagipakai.core.workflow import RULES, TABLE, decide, objection, possible, table_of

# stage | role | actions: nothing else is possible, for anybody. Stopping (WITHDRAW) is drawn once, below.
DRAWN = """
    -                    | APPLICANT               | CREATE
    DRAFT                | APPLICANT               | JOIN SAVE_ANSWER ATTACH DETACH SUBMIT
    SUBMITTED            | SYSTEM                  | RECEIVE
    ADMIN_CHECK          | ADMIN_VERIFIER          | ACCEPT_ITEM RETURN PASS_ADMIN
    RETURNED             | APPLICANT               | JOIN SAVE_ANSWER ATTACH ANSWER_ITEM RESUBMIT
    RETURNED             | SYSTEM                  | LAPSE
    SUBSTANCE_CHECK      | SUBSTANCE_VERIFIER      | ACCEPT_ITEM RETURN ASK_CLARIFICATION PROPOSE PROPOSE_EXEMPTIONS
    SUBSTANCE_CHECK      | SUBSTANCE_VERIFIER      | PASS_SUBSTANCE REJECT
    SUBSTANCE_CHECK      | DATA_PROTECTION_OFFICER | GIVE_OPINION
    CLARIFICATION        | SUBSTANCE_VERIFIER      | RECORD_CLARIFICATION
    CLARIFICATION        | APPLICANT               | CONFIRM_CLARIFICATION
    COORDINATOR_DECISION | DATA_PRODUCER           | DECIDE_VARIABLES
    COORDINATOR_DECISION | COORDINATOR             | APPROVE REJECT
    AGREEMENT_SIGNING    | APPLICANT               | AMEND
    AGREEMENT_SIGNING    | ACCOUNTABLE_OFFICER     | SIGN_AGREEMENT SIGN_HANDOVER
    AGREEMENT_SIGNING    | CONTROLLER              | SIGN_AGREEMENT SIGN_HANDOVER
    AGREEMENT_SIGNING    | SYSTEM                  | BEGIN_PROCESSING
    PROCESSING           | DATA_PREPARER           | PLACE_ORDER CANCEL_ORDER SEND_TO_QUALITY
    PROCESSING           | SYSTEM                  | RECORD_RECEIPT
    QUALITY_CHECK        | QUALITY_REVIEWER        | PASS_QUALITY FAIL_QUALITY
    HANDOVER_SIGNING     | ACCOUNTABLE_OFFICER     | SIGN_HANDOVER
    HANDOVER_SIGNING     | CONTROLLER              | SIGN_HANDOVER
    HANDOVER_SIGNING     | SYSTEM                  | GRANT
    ACCESS_GRANTED       | SYSTEM                  | FOLLOW_RELEASE CLOSE
"""

# Where each stage may lead: the last column of law reference 4.2. RETURNED leads back to the stage it came from.
LEADS_TO = """
    -                    | DRAFT
    DRAFT                | SUBMITTED WITHDRAWN
    SUBMITTED            | ADMIN_CHECK WITHDRAWN
    ADMIN_CHECK          | SUBSTANCE_CHECK RETURNED WITHDRAWN
    RETURNED             | ADMIN_CHECK SUBSTANCE_CHECK WITHDRAWN
    SUBSTANCE_CHECK      | COORDINATOR_DECISION CLARIFICATION RETURNED REJECTED WITHDRAWN
    CLARIFICATION        | SUBSTANCE_CHECK WITHDRAWN
    COORDINATOR_DECISION | AGREEMENT_SIGNING REJECTED WITHDRAWN
    AGREEMENT_SIGNING    | PROCESSING RETURNED WITHDRAWN
    PROCESSING           | QUALITY_CHECK WITHDRAWN
    QUALITY_CHECK        | HANDOVER_SIGNING PROCESSING WITHDRAWN
    HANDOVER_SIGNING     | ACCESS_GRANTED WITHDRAWN
    ACCESS_GRANTED       | PROCESSING CLOSED
    CLOSED               |
    REJECTED             |
    WITHDRAWN            |
"""


def drawn() -> set[tuple[Status | None, Role, Action]]:
    """The drawn matrix, with stopping: at every stage before access, by both who speak for the asking institution."""
    keys = set()
    for line in DRAWN.strip().splitlines():
        stage, role, actions = (cell.strip() for cell in line.split("|"))
        keys |= {(None if stage == "-" else Status(stage), Role(role), Action(name)) for name in actions.split()}
    before_access = set(Status) - TERMINAL - {Status.ACCESS_GRANTED}
    keys |= {
        (stage, role, Action.WITHDRAW) for stage in before_access for role in (Role.APPLICANT, Role.ACCOUNTABLE_OFFICER)
    }
    return keys


def test_the_table_is_the_drawn_matrix():
    assert set(TABLE) == drawn()


def test_stages_lead_where_the_law_reference_says():
    """Not counting what stays where it is."""
    leads: dict[Status | None, set[Status]] = {status: set() for status in (None, *Status)}
    for rule in RULES:
        ends = {rule.to_status} if rule.to_status else {Status.ADMIN_CHECK, Status.SUBSTANCE_CHECK}
        leads[rule.from_status] |= ends - {rule.from_status}
    told = {}
    for line in LEADS_TO.strip().splitlines():
        stage, ends = (cell.strip() for cell in line.split("|"))
        told[None if stage == "-" else Status(stage)] = {Status(end) for end in ends.split()}
    assert leads == told


@pytest.mark.parametrize("status", [None, *Status], ids=str)
def test_what_is_not_in_the_matrix_is_refused_to_everybody(status):
    """16 roles × 37 actions at each of 16 stages: 9,472 questions."""
    state = State("P-1", n=3 if status else 0, status=status, institution="DINSOS-A")
    allowed = drawn()
    for role in Role:
        for action in Action:
            if (status, role, action) not in allowed:
                no = objection(state, Command(action, CAST[role], {}, state.n), Walk().facts(CAST[role], {}, action))
                assert no is not None and no.code in {"not-this-role", "not-at-this-stage"}, (role, action)


def test_a_table_with_two_answers_to_one_question_is_refused():
    with pytest.raises(ValueError, match="two rules"):
        table_of([RULES[0], RULES[0]])


def test_auditors_act_in_nothing():
    assert not [rule for rule in RULES if rule.role in {Role.AUDITOR, Role.READINESS_REVIEWER, Role.AUTHORISED_HANDLER}]


def test_the_system_decides_nothing():
    """What the system does, it does because people decided: it never approves, rejects, returns or signs."""
    deeds = {rule.action for rule in RULES if rule.role is Role.SYSTEM}
    assert deeds == {
        Action.RECEIVE,
        Action.LAPSE,
        Action.BEGIN_PROCESSING,
        Action.RECORD_RECEIPT,
        Action.GRANT,
        Action.FOLLOW_RELEASE,
        Action.CLOSE,
    }


def test_a_stale_tab_is_told_so():
    """Whoever saw the request at event 9 cannot act on it at event 10 (S03, S19)."""
    request = walk(to=Status.ADMIN_CHECK)
    attempt = rightly(request, Role.ADMIN_VERIFIER, Action.PASS_ADMIN)
    stale = Command(Action.PASS_ADMIN, attempt.command.actor, {}, attempt.command.seen - 1)
    assert decide(request.state, stale, attempt.facts) == Refusal("changed-meanwhile", {"seen": "8", "now": "9"})


def test_a_button_and_the_answer_behind_it_agree():
    """`possible` says of each action what `objection` will say, except for what the form itself says."""
    for course in COURSES:
        request = Walk(course)
        for step in path(course):
            for role, actor in CAST.items():
                facts = request.facts(actor, {}, Action.JOIN)
                for action, no in possible(request.state, actor, facts):
                    attempt = rightly(request, role, action)
                    answer = objection(request.state, attempt.command, facts)
                    assert no is None or (answer is not None), (role, action, no)
            request.act(*step)


def test_buttons_are_explained():
    """An applicant whose institution's readiness has ended sees the button's reason before trying."""
    request = walk(steps=7)
    actor = CAST[Role.APPLICANT]
    facts = request.facts(actor, {}, Action.SUBMIT)
    assert dict(possible(request.state, actor, facts))[Action.SUBMIT] is None
    lapsed = replace(facts, standing=replace(facts.standing, status="EXPIRED"))
    answers = dict(possible(request.state, actor, lapsed))
    assert answers[Action.SUBMIT].code == "readiness-has-lapsed"
    assert answers[Action.SAVE_ANSWER] is None  # drafts stay editable (S07)


def test_facts_that_nobody_gathered_refuse():
    """Every default is the one that says no: with empty facts, nothing lawful goes through."""
    empty = Facts(now=START, today=START.date())
    for course in COURSES:
        request = Walk(course)
        for role, action, hint in path(course):
            attempt = rightly(request, role, action, hint)
            outcome = decide(request.state, attempt.command, empty)
            harmless = {Action.RECEIVE, Action.RECORD_RECEIPT}  # they follow from the history alone
            assert isinstance(outcome, Refusal) or action in harmless, action
            request.act(role, action, hint)


def test_a_question_is_answered_in_microseconds():
    """A queue of a thousand requests asks it for each button: a hundred microseconds would be a tenth of a second."""
    request = walk(to=Status.COORDINATOR_DECISION)
    approve = rightly(request, Role.COORDINATOR, Action.APPROVE)
    request.state.content  # noqa: B018  # computed once for a state
    seconds = min(timeit.repeat(lambda: objection(request.state, approve.command, approve.facts), number=200, repeat=5))
    assert seconds / 200 < 200e-6, f"{seconds / 200 * 1e6:.0f} µs"


def test_the_system_actor_is_nobody():
    assert (SYSTEM.person, SYSTEM.post, SYSTEM.institution) == ("", "", "")
