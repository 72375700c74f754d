"""S02: a request comes back with two named items; only those unlock; the repair can be seen, and the rest proven."""

from dataclasses import replace

from tests.workflow.cheats import rightly
from tests.workflow.world import ANSWERS, CAST, Course, Walk, code, sha, walk

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Command, Event, ItemState, Role, Status
from bagipakai.core.workflow import decide


def tried(request: Walk, role: Role, action: Action, **payload) -> Event | Refusal:
    """The outcome of a try with this payload, everything else being as it should be. Accepted, it becomes history."""
    attempt = rightly(request, role, action)
    outcome = decide(request.state, replace(attempt.command, payload=payload), attempt.facts)
    if isinstance(outcome, Event):
        request.events.append(outcome)
    return outcome


def returned() -> Walk:
    """Sent back for a wrong legal basis and a missing letter."""
    return walk(to=Status.RETURNED, course=Course(returned_by=(Role.ADMIN_VERIFIER,)))


def test_two_items_with_one_due_date_and_a_round():
    items = returned().state.items
    assert [(item.target, item.round, item.state) for item in items] == [
        ("field:legal_basis", 1, ItemState.OPEN),
        ("document:TERMS_OF_REFERENCE", 1, ItemState.OPEN),
    ]
    assert len({item.due for item in items}) == 1
    assert items[0].due.isoformat() == "2026-11-16"


def test_only_what_was_named_unlocks():
    request = returned()
    assert request.state.unlocked == {"field:legal_basis", "document:TERMS_OF_REFERENCE"}
    no = tried(request, Role.APPLICANT, Action.SAVE_ANSWER, answers={"programme": "program lain"})
    assert no == Refusal("field-is-not-unlocked", {"field": "programme"})
    mixed = {"legal_basis": "Perbup 4/2025", "programme": "program lain"}
    assert tried(request, Role.APPLICANT, Action.SAVE_ANSWER, answers=mixed).code == "field-is-not-unlocked"
    no = tried(request, Role.APPLICANT, Action.ATTACH, kind="NDA", sha256=sha("x"), bytes=1, name="a", media="x")
    assert no.code == "document-is-not-unlocked"
    assert isinstance(
        tried(request, Role.APPLICANT, Action.SAVE_ANSWER, answers={"legal_basis": "Perbup 4/2025"}), Event
    )


def test_one_is_repaired_and_one_is_answered_with_a_reason():
    request = returned()
    basis, letter = (item.id for item in request.state.items)
    claim = {"item": basis, "answer": "REPAIRED", "reason": ""}
    assert tried(request, Role.APPLICANT, Action.ANSWER_ITEM, **claim).code == "nothing-was-repaired"
    tried(request, Role.APPLICANT, Action.SAVE_ANSWER, answers={"legal_basis": "Perbup 4/2025"})
    assert isinstance(tried(request, Role.APPLICANT, Action.ANSWER_ITEM, **claim), Event)
    assert tried(request, Role.APPLICANT, Action.RESUBMIT).code == "item-is-unanswered"
    silent = {"item": letter, "answer": "REASONED", "reason": " "}
    assert tried(request, Role.APPLICANT, Action.ANSWER_ITEM, **silent).code == "reason-is-missing"
    told = {"item": letter, "answer": "REASONED", "reason": "KAK sudah termuat dalam surat"}
    assert isinstance(tried(request, Role.APPLICANT, Action.ANSWER_ITEM, **told), Event)
    assert isinstance(tried(request, Role.APPLICANT, Action.RESUBMIT), Event)
    assert request.state.status is Status.ADMIN_CHECK
    first, second = request.state.versions
    assert (first.number, second.number) == (1, 2)
    assert {name for name in first.answers if first.answers[name] != second.answers[name]} == {"legal_basis"}
    assert first.attachments == second.attachments  # the rest is the same, and its digest proves it
    assert first.content != second.content


def test_a_repair_taken_back_before_sending_is_seen():
    request = returned()
    basis, letter = (item.id for item in request.state.items)
    tried(request, Role.APPLICANT, Action.SAVE_ANSWER, answers={"legal_basis": "Perbup 4/2025"})
    tried(request, Role.APPLICANT, Action.ANSWER_ITEM, item=basis, answer="REPAIRED")
    tried(request, Role.APPLICANT, Action.ANSWER_ITEM, item=letter, answer="REASONED", reason="termuat")
    tried(request, Role.APPLICANT, Action.SAVE_ANSWER, answers={"legal_basis": ANSWERS["legal_basis"]})
    assert tried(request, Role.APPLICANT, Action.RESUBMIT).code == "repair-was-undone"


def test_the_checker_accepts_one_and_reopens_the_other():
    request = walk(steps=16, course=Course(returned_by=(Role.ADMIN_VERIFIER,)))
    assert request.state.status is Status.ADMIN_CHECK
    basis, letter = (item.id for item in request.state.items)
    assert tried(request, Role.ADMIN_VERIFIER, Action.PASS_ADMIN).code == "deficiency-is-open"
    again = {"items": [], "reopen": [{"item": letter, "note": "lampirkan KAK"}]}
    assert tried(request, Role.ADMIN_VERIFIER, Action.RETURN, **again).code == "item-is-not-judged"
    assert isinstance(tried(request, Role.ADMIN_VERIFIER, Action.ACCEPT_ITEM, item=basis), Event)
    assert isinstance(tried(request, Role.ADMIN_VERIFIER, Action.RETURN, **again), Event)
    state = request.state
    assert (state.rounds, [item.state for item in state.items]) == (2, [ItemState.ACCEPTED, ItemState.OPEN])
    assert state.unlocked == {"document:TERMS_OF_REFERENCE"}  # what was accepted is locked again
    assert state.items[1].note == "lampirkan KAK" and state.items[1].round == 2


def test_after_three_rounds_one_decides():
    request = walk(steps=16, course=Course(returned_by=(Role.ADMIN_VERIFIER,)))
    attempt = rightly(request, Role.ADMIN_VERIFIER, Action.RETURN)
    for rounds, told in ((1, "rounds-are-used-up"), (2, "")):
        settings = replace(attempt.facts.settings, longest_rounds=rounds)
        assert code(decide(request.state, attempt.command, replace(attempt.facts, settings=settings))) == told


def test_a_clarification_unlocks_nothing():
    request = walk(to=Status.CLARIFICATION, course=Course(clarified=True))
    for action in (Action.SAVE_ANSWER, Action.ATTACH):
        assert code(rightly(request, Role.APPLICANT, action).outcome()) == "not-at-this-stage"


def test_what_was_sent_is_frozen_for_everybody():
    """From SUBMITTED on nobody writes, and no handler may change what was asked (S06)."""
    for status in (Status.SUBMITTED, Status.ADMIN_CHECK, Status.SUBSTANCE_CHECK, Status.COORDINATOR_DECISION):
        request = walk(to=status)
        for role, actor in CAST.items():
            for action in (Action.SAVE_ANSWER, Action.ATTACH, Action.DETACH):
                command = Command(action, actor, {"answers": {"note": "x"}}, request.state.n)
                assert isinstance(decide(request.state, command, request.facts(actor, {}, action)), Refusal), role
