"""S02: what is missing is named item by item; only that unlocks; the rest is provably unchanged."""

from datetime import timedelta

import pytest
from tests.factories import a_request, done

from bagipakai.control import clock, requests
from bagipakai.control.models import Request
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, ItemState, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

ITEMS = [
    {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "Sebutkan pasal yang benar"},
    {"code": "document-unsigned", "target": "document:REQUEST_LETTER", "note": ""},
]


@pytest.fixture
def returned():
    chain = a_request(at=Status.ADMIN_CHECK)
    chain.step(Action.RETURN, Role.ADMIN_VERIFIER, {"items": ITEMS, "reopen": []})
    return chain


def refused(outcome):
    assert isinstance(outcome, Refusal)
    return outcome.code


def test_only_what_is_named_unlocks(returned):
    assert refused(returned.write(programme="Program lain")) == "field-is-not-unlocked"
    assert refused(returned.attach("NDA", "baru")) == "document-is-not-unlocked"
    done(returned.write(legal_basis="UU 13/2011 Pasal 8 ayat (1)"))
    done(returned.attach("REQUEST_LETTER", "bertanda tangan"))


def test_an_unnamed_field_cannot_ride_along_with_a_named_one(returned):
    assert refused(returned.write(legal_basis="UU 13/2011", programme="Lain")) == "field-is-not-unlocked"
    assert returned.state.answers["legal_basis"] == "UU 13/2011 Pasal 8"


def test_it_comes_back_repaired_or_answered_and_to_the_check_that_returned_it(returned):
    first, second = returned.state.items
    done(returned.write(legal_basis="UU 13/2011 Pasal 8 ayat (1)"))
    returned.step(Action.ANSWER_ITEM, Role.APPLICANT, {"item": first.id, "answer": "REPAIRED"})
    assert refused(returned.attempt(Action.RESUBMIT, Role.APPLICANT)) == "item-is-unanswered"
    reason = {"item": second.id, "answer": "REASONED", "reason": "Surat sudah bertanda tangan elektronik"}
    returned.step(Action.ANSWER_ITEM, Role.APPLICANT, reason)
    returned.step(Action.RESUBMIT, Role.APPLICANT)
    assert returned.state.status is Status.ADMIN_CHECK
    assert [item.state for item in returned.state.items] == [ItemState.REPAIRED, ItemState.REASONED]


def test_the_checker_sees_the_differences_and_nothing_else_changed(returned):
    _repair(returned)
    changed = requests.differences(returned.reference, 1, 2)
    assert [one.target for one in changed] == ["field:legal_basis", "document:REQUEST_LETTER"]
    assert (changed[0].before, changed[0].after) == ("UU 13/2011 Pasal 8", "UU 13/2011 Pasal 8 ayat (1)")
    assert changed[1].before.sha256 != changed[1].after.sha256
    assert requests.differences(returned.reference, 2) == []


def test_one_item_is_accepted_and_the_other_opened_again(returned):
    _repair(returned)
    first, second = returned.state.items
    assert refused(returned.attempt(Action.PASS_ADMIN, Role.ADMIN_VERIFIER)) == "deficiency-is-open"
    returned.step(Action.ACCEPT_ITEM, Role.ADMIN_VERIFIER, {"item": first.id})
    again = {"items": [], "reopen": [{"item": second.id, "note": "Tanda tangan belum terbaca"}]}
    returned.step(Action.RETURN, Role.ADMIN_VERIFIER, again)
    assert returned.state.rounds == 2
    assert returned.state.unlocked == {"document:REQUEST_LETTER"}
    assert refused(returned.write(legal_basis="Lain")) == "field-is-not-unlocked"


@pytest.mark.parametrize("ahead", [1, 2, 3, 4, 5, 6, 7, 21, 28])  # every day of the week, none of them begun yet
def test_the_repair_is_due_in_ten_working_days_and_the_clock_of_the_check_stops(at, ahead):
    today = clock.today() + timedelta(days=ahead)
    with at(f"{today} 09:00"):
        chain = a_request(at=Status.ADMIN_CHECK)
        chain.step(Action.RETURN, Role.ADMIN_VERIFIER, {"items": ITEMS, "reopen": []})
    [due] = {item.due for item in chain.state.items}
    assert Request.objects.get(pk=chain.request.pk).due_on == due
    free = rules("holidays", "holiday", ("day",)).in_force(today)
    coming = (today + timedelta(days=n) for n in range(1, 60))
    working = [one for one in coming if one.isoweekday() <= 5 and (one,) not in free]
    assert due == working[9]


def test_nothing_repaired_is_not_repaired(returned):
    first, _ = returned.state.items
    answer = {"item": first.id, "answer": "REPAIRED"}
    assert refused(returned.attempt(Action.ANSWER_ITEM, Role.APPLICANT, answer)) == "nothing-was-repaired"


def test_a_return_that_names_nothing_or_something_unknown_is_refused():
    chain = a_request(at=Status.ADMIN_CHECK)
    for items, code in (
        ([], "nothing-is-named"),
        ([{"code": "legal-basis-wrong", "target": "field:gaji", "note": ""}], "item-names-nothing-known"),
        ([{"code": "tidak-suka", "target": "field:purpose", "note": ""}], "item-names-nothing-known"),
    ):
        outcome = chain.attempt(Action.RETURN, Role.ADMIN_VERIFIER, {"items": items, "reopen": []})
        assert refused(outcome) == code


def test_after_sending_nothing_can_be_written():
    chain = a_request(at=Status.ADMIN_CHECK)
    assert refused(chain.write(programme="Program lain")) == "not-at-this-stage"
    assert refused(chain.attach("NDA", "baru")) == "not-at-this-stage"


def test_a_clarification_unlocks_nothing():
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    chain.step(Action.ASK_CLARIFICATION, Role.SUBSTANCE_VERIFIER, {"questions": "Mengapa alamat diperlukan?"})
    assert refused(chain.write(programme="Program lain")) == "not-at-this-stage"
    from tests.factories import a_pdf

    verifier = chain.office[Role.SUBSTANCE_VERIFIER]
    done(
        requests.record_clarification(
            chain.reference, verifier, a_pdf("Berita acara"), "ba.pdf", summary="Alamat perlu", seen=chain.state.n
        )
    )
    filled = requests.prefilled(chain.reference, Action.CONFIRM_CLARIFICATION)
    chain.step(Action.CONFIRM_CLARIFICATION, Role.APPLICANT, filled)
    assert chain.state.status is Status.SUBSTANCE_CHECK


def _repair(chain):
    first, second = chain.state.items
    done(chain.write(legal_basis="UU 13/2011 Pasal 8 ayat (1)"))
    done(chain.attach("REQUEST_LETTER", "bertanda tangan"))
    for item in (first, second):
        chain.step(Action.ANSWER_ITEM, Role.APPLICANT, {"item": item.id, "answer": "REPAIRED"})
    chain.step(Action.RESUBMIT, Role.APPLICANT)
