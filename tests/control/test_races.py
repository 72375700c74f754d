"""S03: two who decide at once. Exactly one is written; the other is told, and the chain has no gap."""

import random

import pytest
from tests import authenticators
from tests.at_once import at_once
from tests.authenticators import act, at_the_door, key_of
from tests.factories import DOCUMENTS, a_matching_request, a_request, a_roster, a_seat, done, matching

from bagipakai.control import ledger, requests, rosters
from bagipakai.control.models import Denial, Event, Notice, Request, Roster, RosterEvent
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status
from bagipakai.demo.authenticator import Wallet

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 25


def test_of_two_decisions_exactly_one_wins_every_time():
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    first = chain.office[Role.SUBSTANCE_VERIFIER]
    second = a_seat(chain.office.institution, Role.SUBSTANCE_VERIFIER).person
    item = {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "Catatan yang tidak boleh hilang"}
    notes = {first: item, second: {**item, "note": "Catatan lain yang tidak boleh hilang"}}
    deeds = [(Action.RETURN, who, {"items": [one], "reopen": []}) for who, one in notes.items()]
    order, won = random.Random(7), set()
    for _ in range(ROUNDS):
        seen = chain.state.n
        order.shuffle(deeds)
        outcomes = at_once(*(at_the_door(requests, chain.reference, *deed, seen) for deed in deeds))
        assert [one.code for one in outcomes if isinstance(one, Refusal)] == ["changed-meanwhile"]
        (event,) = [one for one in outcomes if not isinstance(one, Refusal)]
        assert event.n == seen + 1
        won.add(event.payload["items"][0]["note"])
        _back_to_the_check(chain)
    payloads = ledger.payloads(Event, chain.request)
    assert [one["n"] for one in payloads] == list(range(1, len(payloads) + 1))
    assert ledger.broken_at(Event, chain.request) is None
    assert Denial.objects.filter(code="changed-meanwhile").count() == ROUNDS
    assert Request.objects.get(pk=chain.request.pk).n == len(payloads)
    assert won == {one["note"] for one in notes.values()}  # the race was one
    told = Notice.objects.filter(person=chain.asking[Role.ACCOUNTABLE_OFFICER])
    assert told.count() == told.values("event").distinct().count()


def _back_to_the_check(chain):
    """The request stands in the substance check again, by its own doors."""
    (item,) = chain.state.open_items
    payload = {"item": item.id, "answer": "REASONED", "reason": "Sudah benar"}
    chain.step(Action.ANSWER_ITEM, Role.APPLICANT, payload)
    chain.step(Action.RESUBMIT, Role.APPLICANT)
    chain.step(Action.ACCEPT_ITEM, Role.SUBSTANCE_VERIFIER, {"item": item.id})


def test_twenty_decisions_on_twenty_requests_all_succeed(monkeypatch):
    """One request never waits for another: no lock is wider than one request. The key is one that does not count, since
    twenty hands hold it."""
    monkeypatch.setattr(authenticators, "WALLET", Wallet(make=authenticators.Uncounting))
    chains = [a_request(at=Status.ADMIN_CHECK) for _ in range(20)]
    verifier = chains[0].office[Role.ADMIN_VERIFIER]
    key_of(verifier)
    seen = {chain.reference: chain.state.n for chain in chains}
    outcomes = at_once(
        *(
            lambda reference=chain.reference: act(requests, reference, Action.PASS_ADMIN, verifier, {}, seen[reference])
            for chain in chains
        )
    )
    assert not [one for one in outcomes if isinstance(one, Refusal) or one is None]
    assert Request.objects.filter(status=Status.SUBSTANCE_CHECK).count() == 20


def test_a_double_click_is_one_act():
    chain = a_request(at=Status.ADMIN_CHECK)
    verifier, seen = chain.office[Role.ADMIN_VERIFIER], chain.state.n
    key_of(verifier)
    deed = lambda: act(requests, chain.reference, Action.PASS_ADMIN, verifier, {}, seen)  # noqa: E731
    outcomes = at_once(deed, deed)
    assert sum(isinstance(one, Refusal) for one in outcomes) == 1
    assert [one["action"] for one in ledger.payloads(Event, chain.request)].count("PASS_ADMIN") == 1


def test_of_who_sends_a_request_and_who_destroys_its_list_one_comes_first():
    chain = a_matching_request()
    sender = chain.asking[Role.APPLICANT]
    key_of(sender)
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    for _ in range(4):
        roster = a_roster(chain.asking)
        done(chain.write(**matching(roster)))
        send = at_the_door(requests, chain.reference, Action.SUBMIT, sender, {}, chain.state.n)
        sent, gone = at_once(send, lambda roster=roster: rosters.handle(roster, rosters.Action.DESTROY, sender))
        assert isinstance(sent, Refusal) is not isinstance(gone, Refusal), (sent, gone)
        row = Roster.objects.get(reference=roster)
        assert (row.status == "DESTROYED") is isinstance(sent, Refusal) is (chain.state.status is Status.DRAFT)
        assert ledger.broken_at(RosterEvent, row) is None
        if not isinstance(sent, Refusal):
            break


def test_a_stale_tab_changes_nothing():
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    outcome = act(
        requests, chain.reference, Action.PASS_ADMIN, chain.office[Role.ADMIN_VERIFIER], {}, chain.state.n - 1
    )
    assert outcome.code == "changed-meanwhile"
