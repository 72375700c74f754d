"""Two at once: one decision a step, one use of a signature, one confirmation of a key."""

from functools import partial

import pytest
from tests.at_once import at_once
from tests.authenticators import WALLET, draw_up, handle, key_of
from tests.factories import a_request, a_seat, done

from bagipakai.control.models import KeyEvent, SignedDecision, SigningAttempt
from bagipakai.control.passkeys import ceremony, keys
from bagipakai.core.keyring import Standing
from bagipakai.core.manifest import read_aloud
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status
from bagipakai.demo.authenticator import Authenticator

pytestmark = pytest.mark.django_db(transaction=True)


def codes(outcomes):
    return sorted(one.code if isinstance(one, Refusal) else "done" for one in outcomes)


def test_of_two_signed_decisions_on_one_step_one_is_done():
    for _ in range(4):
        chain = a_request(at=Status.ADMIN_CHECK, level="L1")
        first, second = chain.office[Role.ADMIN_VERIFIER], a_seat(chain.office.institution, Role.ADMIN_VERIFIER).person
        deeds = []
        for who in (first, second):
            key_of(who)
            found = done(draw_up(chain.reference, Action.PASS_ADMIN, who))
            signature = WALLET.sign(found)
            deeds.append(
                partial(handle, chain.reference, Action.PASS_ADMIN, who, seen=found.n - 1, signature=signature)
            )
        assert codes(at_once(*deeds)) == ["changed-meanwhile", "done"]
        assert SignedDecision.objects.filter(subject=chain.reference).count() == 1


def test_one_signature_sent_twice_is_used_once():
    for _ in range(4):
        chain = a_request(at=Status.ADMIN_CHECK, level="L1")
        who = chain.office[Role.ADMIN_VERIFIER]
        key_of(who)
        found = done(draw_up(chain.reference, Action.PASS_ADMIN, who))
        deed = partial(handle, chain.reference, Action.PASS_ADMIN, who, seen=found.n - 1, signature=WALLET.sign(found))
        outcomes = codes(at_once(deed, deed))
        assert outcomes.count("done") == 1
        assert set(outcomes) <= {"done", "changed-meanwhile", "decision-was-used"}
        assert SigningAttempt.objects.filter(pending=found).count() == 1


def test_two_officers_who_confirm_at_once_confirm_once():
    chain = a_request(level="L1")
    house = chain.asking.institution
    holder, first, second = a_seat(house, Role.APPLICANT), a_seat(house, Role.APPLICANT), a_seat(house, Role.APPLICANT)
    offered, key = done(keys.offer(holder)), Authenticator()
    event = done(keys.enrol(holder, offered, key.create(offered.options, ceremony.origin())))
    told = event.payload["credential"], read_aloud(event.payload["fingerprint"])
    outcomes = at_once(*(partial(keys.confirm, holder.person, one, *told) for one in (first, second)))
    assert codes(outcomes) == ["done", "key-does-not-wait"]
    assert KeyEvent.objects.filter(subject=holder.person).count() == 2
    assert len(keys.ring(holder.person).having(Standing.ACTIVE)) == 1
