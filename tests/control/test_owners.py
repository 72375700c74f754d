"""S14: who owns a field consents to it, or it is not given; silence never consents."""

import pytest
from tests.authenticators import act
from tests.factories import a_request, a_seat, an_institution, done

from bagipakai.control import institutions, people, requests
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status
from bagipakai.core.variables import Catalogue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def owner():
    """An institution that bears the name of a producer in the catalogue, with somebody on a producer's post."""
    from bagipakai.control import clock

    name = Catalogue.on(clock.today())["desil"].producer
    institution = institutions.register("PRODUSEN", name, "KL")
    a_seat(institution, Role.ACCOUNTABLE_OFFICER)  # somebody must confirm the producer's key
    return a_seat(institution, Role.DATA_PRODUCER)


@pytest.fixture
def chain(owner):
    return a_request(at=Status.COORDINATOR_DECISION)


def _verdict(word, level="L4"):
    return {"verdict": word, "level": level, "reason": "Menurut peruntukan"}


def _owned(chain):
    return [
        name
        for name in chain.state.asked
        if Catalogue.on(chain.request.opened_at.date())[name].producer == "Badan Pusat Statistik"
    ]


def _decide(chain, owner, word):
    verdicts = dict.fromkeys(_owned(chain), _verdict(word))
    return act(requests, chain.reference, Action.DECIDE_VARIABLES, owner, {"verdicts": verdicts}, chain.state.n)


def test_silence_does_not_consent(chain, owner):
    filled = requests.prefilled(chain.reference, Action.APPROVE) | {"reason": "Setuju"}
    refused = chain.attempt(Action.APPROVE, Role.COORDINATOR, filled)
    assert refused.code == "owner-is-silent"
    assert [one.request for one in requests.queue(owner)] == [chain.request]


def test_the_owners_consent_opens_the_way(chain, owner):
    done(_decide(chain, owner, "APPROVE"))
    assert requests.queue(owner) == []
    chain.approve()
    assert chain.state.decision.variables == chain.state.asked


def test_what_the_owner_refuses_is_not_given(chain, owner):
    done(_decide(chain, owner, "REJECT"))
    left = [name for name in chain.state.asked if name not in _owned(chain)]
    assert requests.approvable(chain.state) == left
    everything = requests.prefilled(chain.reference, Action.APPROVE, variables=chain.state.asked, level="L4")
    outcome = chain.attempt(Action.APPROVE, Role.COORDINATOR, everything | {"reason": "Semua"})
    assert outcome.code == "approves-more-than-was-proposed"
    chain.approve()
    assert list(chain.state.decision.variables) == left


def test_the_applicant_may_amend_a_reduced_product(chain, owner):
    done(_decide(chain, owner, "REJECT"))
    chain.approve()
    chain.step(Action.AMEND, Role.APPLICANT, {"fields": ["variables"], "reason": "Tanpa desil tidak berguna"})
    assert chain.state.status is Status.RETURNED
    assert chain.state.unlocked == {"field:variables"}


def test_an_owner_decides_only_on_what_is_its_own(chain, owner):
    other = next(name for name in chain.state.asked if name not in _owned(chain))
    outcome = act(
        requests,
        chain.reference,
        Action.DECIDE_VARIABLES,
        owner,
        {"verdicts": {other: _verdict("APPROVE")}},
        chain.state.n,
    )
    assert isinstance(outcome, Refusal)
    assert outcome.code == "is-not-the-owner"


def test_an_owner_sees_the_requests_for_its_fields_and_no_others(chain, owner):
    stranger = a_seat(an_institution(ready=False).institution, Role.DATA_PRODUCER)
    a_request(at=Status.SUBSTANCE_CHECK)
    assert list(requests.visible(owner)) == [chain.request]
    assert list(requests.visible(stranger)) == []
    assert people.holders(Role.DATA_PRODUCER).count() == 2
