"""What a command says is taken in only as its action asks: nothing missing, unknown or of another kind."""

from dataclasses import replace

import pytest
from tests.workflow.cheats import rightly
from tests.workflow.world import COURSES, Course, Walk, code, path, sha, walk

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, Role, Status
from bagipakai.core.workflow import decide


def test_every_key_is_demanded_and_no_other_is_taken():
    """Of each action on each course: without any one key it is refused, and with one more as well (mass assignment)."""
    optional = {"reason": {Action.WITHDRAW, Action.ANSWER_ITEM}, "exempted": {Action.APPROVE}}
    for course in COURSES:
        request = Walk(course)
        for role, action, hint in path(course):
            attempt = rightly(request, role, action, hint)
            said = attempt.command.payload
            for key in said:
                without = {name: value for name, value in said.items() if name != key}
                outcome = decide(request.state, replace(attempt.command, payload=without), attempt.facts)
                if action not in optional.get(key, ()):
                    assert outcome == Refusal("form-is-incomplete", {"field": key}), (action, key)
            for extra in ("status", "institution_", "approved"):
                more = replace(attempt.command, payload={**said, extra: "ACCESS_GRANTED"})
                assert code(decide(request.state, more, attempt.facts)) == "form-is-incomplete", (action, extra)
            request.act(role, action, hint)


NONSENSE = [None, 0, 1.5, True, [], {}, "", "   ", [None], {"a": 1.5}, object(), b"bytes", "x" * 300_000]


def test_nonsense_is_refused_and_never_raises():
    """Any value in any place is either taken or refused with a code; nothing falls over."""
    for course in COURSES[:3]:
        request = Walk(course)
        for role, action, hint in path(course):
            attempt = rightly(request, role, action, hint)
            for key in attempt.command.payload:
                for value in NONSENSE:
                    said = {**attempt.command.payload, key: value}
                    outcome = decide(request.state, replace(attempt.command, payload=said), attempt.facts)
                    assert isinstance(outcome, Event | Refusal)
            request.act(role, action, hint)


def test_a_draft_full_of_nonsense_is_refused_and_never_raises():
    """Answers may be anything until they are sent; then each guard has to bear them."""
    fractions = (1.5, {"a": 1.5})  # cannot be written down at all
    for value in [one for one in NONSENSE[:10] if one not in fractions]:
        for question in ("purpose", "level", "variables", "ends_on", "programme", "onward_sharing"):
            request = walk(steps=7)
            said = rightly(request, Role.APPLICANT, Action.SAVE_ANSWER)
            command = replace(said.command, payload={"answers": {question: value}})
            outcome = decide(request.state, command, said.facts)
            assert isinstance(outcome, Event), (question, value)
            request.events.append(outcome)
            assert isinstance(rightly(request, Role.APPLICANT, Action.SUBMIT).outcome(), Event | Refusal)


@pytest.mark.parametrize(
    ("digest", "taken"),
    [(sha("a"), True), (sha("a").upper(), False), (sha("a")[:-1], False), ("../../etc/passwd", False), (7, False)],
)
def test_a_digest_is_64_small_hexadecimal_digits(digest, taken):
    request = walk(steps=2)
    attempt = rightly(request, Role.APPLICANT, Action.ATTACH)
    said = {**attempt.command.payload, "sha256": digest}
    outcome = decide(request.state, replace(attempt.command, payload=said), attempt.facts)
    assert isinstance(outcome, Event) is taken


def test_an_answer_beyond_200_kilobytes_is_refused():
    request = walk(steps=2)
    attempt = rightly(request, Role.APPLICANT, Action.SAVE_ANSWER)
    long = replace(attempt.command, payload={"answers": {"note": "a" * 200_001}})
    assert code(decide(request.state, long, attempt.facts)) == "answer-is-too-long"


def test_an_approval_of_nothing_is_no_approval():
    request = walk(to=Status.COORDINATOR_DECISION)
    request.act(Role.DATA_PRODUCER, Action.DECIDE_VARIABLES)
    attempt = rightly(request, Role.COORDINATOR, Action.APPROVE)
    empty = replace(attempt.command, payload={**attempt.command.payload, "variables": []})
    assert decide(request.state, empty, attempt.facts) == Refusal("form-is-incomplete", {"field": "variables"})


def test_where_a_list_is_matched_its_answers_alone_may_be_approved():
    request = walk(to=Status.ACCESS_GRANTED, course=Course(matches=True))
    assert request.state.asked == ()
    assert request.state.decision is not None
    assert request.state.decision.variables == ()
