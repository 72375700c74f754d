"""S06 and S14: approved is within proposed is within asked; owners are heard; what was approved is what is run."""

from dataclasses import replace

from tests.workflow.cheats import rightly
from tests.workflow.world import MINISTRY, Course, Walk, code, manifest_of, path, plan_of, sha, walk

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, Role, Status
from bagipakai.core.workflow import decide


def before_the_decision(**verdicts: str) -> Walk:
    """At the coordinator, with the proposal on each variable; `lower` means: at L2 at most."""
    request = Walk()
    words = {"approve": ("APPROVE", "L3"), "reject": ("REJECT", "L3"), "lower": ("LOWER", "L2")}
    said = {
        name: {"verdict": words[word][0], "level": words[word][1], "reason": "alasan"}
        for name, word in {"desil": "approve", "umur": "approve", "penyakit_kronis": "approve", **verdicts}.items()
    }
    for role, action, hint in path(Course()):
        if action is Action.PROPOSE:
            attempt = rightly(request, role, action)
            command = replace(attempt.command, payload={"verdicts": said})
            request.events.append(decide(request.state, command, attempt.facts))
        else:
            request.act(role, action, hint)
        if request.state.status is Status.COORDINATOR_DECISION:
            return request
    raise AssertionError


def approved(request: Walk, variables: list[str], level: str, **facts) -> Event | Refusal:
    """The coordinator approves these, having seen the plan that they make."""
    attempt = rightly(request, Role.COORDINATOR, Action.APPROVE)
    said = {"variables": variables, "level": level, "reason": "sesuai"}
    plan = plan_of(request.state, said)
    command = replace(attempt.command, payload={**said, "plan": plan, "content": request.state.content})
    return decide(request.state, command, replace(attempt.facts, plan=plan, **{"owners": {}, **facts}))


# proposal on umur | approved variables | level | outcome
APPROVALS = """
    approve | desil umur      | L3 |
    approve | desil           | L3 |
    approve | desil umur      | L2 |
    approve | desil umur      | L4 | approves-more-than-was-proposed
    approve | desil nik       | L3 | approves-more-than-was-proposed
    reject  | desil           | L3 |
    reject  | desil umur      | L3 | approves-more-than-was-proposed
    reject  | desil umur      | L1 | approves-more-than-was-proposed
    lower   | desil umur      | L3 | approves-more-than-was-proposed
    lower   | desil umur      | L2 |
    lower   | desil umur      | L1 |
    lower   | desil           | L3 |
"""


def test_approved_lies_within_proposed_lies_within_asked():
    for line in APPROVALS.strip().splitlines():
        umur, variables, level, told = (cell.strip() for cell in line.split("|"))
        assert code(approved(before_the_decision(umur=umur), variables.split(), level)) == told, line


def test_an_owner_who_is_silent_blocks_and_never_consents():
    """Four owners: three are heard, one is silent past the limit. Nothing happens until it speaks (S14)."""
    request = before_the_decision()
    owners = {"desil": "BPS-2", "umur": "DUKCAPIL", "penyakit_kronis": MINISTRY}
    no = approved(request, ["desil"], "L3", owners=owners)
    assert no == Refusal("owner-is-silent", {"variables": "desil, umur, penyakit_kronis"})
    request.act(Role.DATA_PRODUCER, Action.DECIDE_VARIABLES)
    no = approved(request, ["desil"], "L3", owners=owners)
    assert no == Refusal("owner-is-silent", {"variables": "desil, umur"})
    own = {"desil": "DINSOS-A", "umur": "DINSOS-A", "penyakit_kronis": MINISTRY}
    assert isinstance(approved(request, ["desil"], "L3", owners=own), Event)  # who asks for its own need not consent


def test_an_owner_who_says_no_is_not_overruled():
    request = before_the_decision()
    attempt = rightly(request, Role.DATA_PRODUCER, Action.DECIDE_VARIABLES)
    no = {"verdicts": {"penyakit_kronis": {"verdict": "REJECT", "level": "L3", "reason": "cukup agregat"}}}
    request.events.append(decide(request.state, replace(attempt.command, payload=no), attempt.facts))
    assert code(approved(request, ["desil", "penyakit_kronis"], "L3")) == "approves-more-than-was-proposed"
    assert isinstance(approved(request, ["desil", "umur"], "L3"), Event)


def test_the_applicant_of_a_reduced_product_signs_amends_or_withdraws():
    request = walk(to=Status.AGREEMENT_SIGNING, course=Course(reduced=True))
    for role, action in (
        (Role.ACCOUNTABLE_OFFICER, Action.SIGN_AGREEMENT),
        (Role.APPLICANT, Action.AMEND),
        (Role.APPLICANT, Action.WITHDRAW),
    ):
        assert isinstance(rightly(request, role, action).outcome(), Event)
    assert code(rightly(walk(to=Status.AGREEMENT_SIGNING), Role.APPLICANT, Action.AMEND).outcome()) == (
        "product-is-not-reduced"
    )


def test_an_amendment_needs_a_new_decision():
    request = walk(to=Status.RETURNED, course=Course(reduced=True, amended=True))
    assert request.state.decision is None and request.state.agreement == {}
    assert request.state.returned_by is Status.ADMIN_CHECK and request.state.unlocked == {"field:variables"}


def test_a_decision_signs_plan_content_and_certificate():
    decision = walk(to=Status.AGREEMENT_SIGNING).state.decision
    assert all(len(one) == 64 for one in (decision.plan, decision.content, decision.readiness, decision.digest))
    assert decision.variables == ("desil", "umur", "penyakit_kronis") and decision.person == "eka"


def test_other_content_than_approved_stops_everything():
    """S06: through the database a field, an attachment or the plan changes; from then on nothing goes on."""
    course = Course()
    for status, role, action in (
        (Status.AGREEMENT_SIGNING, Role.CONTROLLER, Action.SIGN_AGREEMENT),
        (Status.PROCESSING, Role.DATA_PREPARER, Action.PLACE_ORDER),
        (Status.QUALITY_CHECK, Role.QUALITY_REVIEWER, Action.PASS_QUALITY),
    ):
        request = walk(to=status, course=course)
        attempt = rightly(request, role, action)
        for answers, attachment in (({"programme": "lain"}, None), ({}, "NDA")):
            state = request.state
            changed = {**state.attachments}
            if attachment:
                changed[attachment] = replace(changed[attachment], sha256=sha("berkas lain"))
            forged = replace(state, answers={**state.answers, **answers}, attachments=changed)
            assert code(decide(forged, attempt.command, attempt.facts)) == "content-differs-from-what-was-approved"
        other = replace(attempt.facts, plan=sha("rencana lain"))
        assert code(decide(request.state, attempt.command, other)) == "content-differs-from-what-was-approved"


def test_no_byte_leaves_before_both_papers_are_signed():
    """Invariant 1, for both timings of the BAST: the grant waits for four signatures."""
    for course in (Course(), Course(early=True)):
        request = Walk(course)
        for role, action, hint in path(course):
            if action is Action.GRANT:
                break
            request.act(role, action, hint)
        signed = [event for event in request.events if event.action in {Action.SIGN_AGREEMENT, Action.SIGN_HANDOVER}]
        assert len(signed) == 4
        for missing in signed:
            forged = walk_without(request, missing)
            assert code(rightly(forged, Role.SYSTEM, Action.GRANT).outcome()) in {
                "agreement-is-unsigned",
                "handover-is-unsigned",
            }
        assert isinstance(rightly(request, Role.SYSTEM, Action.GRANT).outcome(), Event)


def walk_without(request: Walk, missing: Event) -> Walk:
    events = [event for event in request.events if event is not missing]
    renumbered = [replace(event, n=number) for number, event in enumerate(events, 1)]
    return Walk(request.course, renumbered)


def test_a_bast_signed_early_does_not_let_another_package_out():
    """Signed early, it lists the approved plan; a package of another plan is held back at the hand-over."""
    course = Course(early=True)
    request = walk(to=Status.HANDOVER_SIGNING, course=course)
    assert isinstance(rightly(request, Role.SYSTEM, Action.GRANT).outcome(), Event)
    state = request.state
    assert manifest_of(state, early=True) == "" and state.delivered.manifest
    for change in ({"plan": sha("lain")}, {"columns": ("desil", "nik")}):
        forged = replace(state, delivered=replace(state.delivered, **change))
        attempt = rightly(request, Role.SYSTEM, Action.GRANT)
        assert code(decide(forged, attempt.command, attempt.facts)) == "package-exceeds-what-was-approved"


def test_a_failed_package_is_made_again():
    request = walk(to=Status.QUALITY_CHECK)
    request.act(Role.QUALITY_REVIEWER, Action.FAIL_QUALITY)
    assert request.state.quality == "FAILED" and request.state.status is Status.PROCESSING
    assert code(rightly(request, Role.DATA_PREPARER, Action.SEND_TO_QUALITY).outcome()) == "package-was-checked-already"
    assert isinstance(rightly(request, Role.DATA_PREPARER, Action.PLACE_ORDER).outcome(), Event)
