"""A signed acknowledgement completes the hand-over: once, of this package, by the key that opens it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests.authenticators import act, order_about
from tests.factories import SECRETS, a_key, a_new_key, a_request, an_acknowledgement, an_institution, done

from bagipakai.control import access, clock, keybook, register
from bagipakai.control.models import Denial, Grant, GrantEvent
from bagipakai.core.acknowledgement import LIMIT, Acknowledgement
from bagipakai.core.envelope import Signer
from bagipakai.core.keybook import Action as Keys
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def chain():
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain):
    return Grant.objects.get(request=chain.request)


@pytest.fixture
def handler(chain):
    return chain.asking[Role.AUTHORISED_HANDLER]


def refused(outcome):
    assert isinstance(outcome, Refusal)
    return outcome.code


def leaves_of(grant):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body, event FROM trail.leaf WHERE about LIKE %s AND event = 'grant.CONFIRM_RECEIPT'",
            [f"hak/{grant.pk}#%"],
        )
        return cursor.fetchall()


def confirmed(grant):
    return GrantEvent.objects.filter(subject=grant, action="CONFIRM_RECEIPT").count()


def test_it_is_an_entry_of_the_grant_and_a_leaf_of_the_trail(grant, handler):
    assert access.may_confirm(grant, handler) is None and leaves_of(grant) == []
    envelope = an_acknowledgement(grant)
    received = done(access.confirm_receipt(grant, handler, envelope))
    ((body, _),) = leaves_of(grant)
    assert json.loads(body)["institution"] == grant.request.institution.code
    assert json.loads(body)["actor_ref"].startswith(f"P{handler.pk}/J")
    assert received.said.manifest == grant.manifest and received.actor.person == str(handler.pk)
    assert access.state_of(grant).status == "ACTIVE", "it ends nothing and opens nothing"


def test_it_can_be_verified_later_from_what_the_entry_keeps(grant, handler):
    envelope = an_acknowledgement(grant)
    assert access.acknowledgement_of(grant) is None
    access.confirm_receipt(grant, handler, envelope)
    assert access.acknowledgement_of(grant) == envelope
    signer = SECRETS[grant.plan["recipient"]["fingerprint"]].signer.public
    assert Acknowledgement.unsealed(access.acknowledgement_of(grant), signer).package == grant.package


def test_the_register_tells_everybody_that_it_was_received(grant, handler):
    assert register.entries()[0].received_on is None
    access.confirm_receipt(grant, handler, an_acknowledgement(grant))
    assert register.entries()[0].received_on == clock.today()


def test_the_same_one_twice_is_harmless_and_another_one_is_not_taken(grant, handler):
    first = an_acknowledgement(grant)
    received = done(access.confirm_receipt(grant, handler, first))
    assert access.confirm_receipt(grant, handler, first) == received
    later = an_acknowledgement(grant, verified_at=received.said.verified_at + timedelta(minutes=5))
    assert refused(access.confirm_receipt(grant, handler, later)) == "receipt-was-confirmed"
    assert refused(access.may_confirm(grant, handler)) == "receipt-was-confirmed"
    assert confirmed(grant) == len(leaves_of(grant)) == 1 and access.acknowledgement_of(grant) == first


def test_a_foreign_key_signs_for_nobody(grant, handler):
    other = an_institution(ready=False)
    foreign = SECRETS[keybook.book(other.institution).current.fingerprint].signer
    for signer in (foreign, Signer.new()):
        no = access.confirm_receipt(grant, handler, an_acknowledgement(grant, signer))
        assert refused(no) == "is-not-signed-by-the-recipient"
    assert confirmed(grant) == 0


def test_another_package_is_another_matter(grant, handler):
    """Also one of the same institution, honestly signed."""
    other = a_request(at=Status.ACCESS_GRANTED, level="L2")
    replay = an_acknowledgement(Grant.objects.get(request=other.request))
    changed = [replay, an_acknowledgement(grant, manifest="e" * 64), an_acknowledgement(grant, package="paket-1")]
    for envelope in changed:
        assert refused(access.confirm_receipt(grant, handler, envelope)) == "acknowledges-another-package"
    said = an_acknowledgement(grant, recipient="f" * 64)
    assert refused(access.confirm_receipt(grant, handler, said)) == "is-not-signed-by-the-recipient"
    assert confirmed(grant) == 0


def test_no_byte_of_it_can_be_changed(grant, handler):
    envelope = an_acknowledgement(grant)
    spoiled = [envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :] for at in range(0, len(envelope), 29)]
    spoiled += [envelope[:-1], envelope + b" ", b"", b"\xff", b"\x00", b"{}", b"x" * (LIMIT + 1)]
    for one in spoiled:
        assert isinstance(access.confirm_receipt(grant, handler, one), Refusal)
    assert confirmed(grant) == 0
    assert Denial.objects.filter(person=handler, action="CONFIRM_RECEIPT").count() == len(spoiled)


def test_it_was_not_signed_before_access_or_tomorrow(grant, handler):
    for off in (timedelta(days=-3), timedelta(days=3)):
        said = an_acknowledgement(grant, verified_at=(clock.now() + off).replace(microsecond=0))
        assert refused(access.confirm_receipt(grant, handler, said)) == "acknowledges-at-another-time"


def test_whose_business_it_is(chain, grant, handler):
    envelope = an_acknowledgement(grant)
    for person in (chain.asking[Role.APPLICANT], chain.office[Role.CONTROLLER], chain.office[Role.AUDITOR]):
        assert refused(access.confirm_receipt(grant, person, envelope)) == "not-this-role"
        assert refused(access.may_confirm(grant, person)) == "not-this-role"
    stranger = an_institution(ready=False)[Role.AUTHORISED_HANDLER]
    assert refused(access.confirm_receipt(grant, stranger, envelope)) == "belongs-to-another-institution"
    assert confirmed(grant) == 0


def test_it_may_follow_after_the_access_has_ended(chain, grant, handler):
    envelope = an_acknowledgement(grant)
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    done(access.confirm_receipt(grant, handler, envelope))
    assert access.state_of(grant).status == "REVOKED"


def test_a_new_key_does_not_sign_for_what_the_old_one_opens(chain, grant, handler):
    old = SECRETS[grant.plan["recipient"]["fingerprint"]]
    new = a_key(chain.asking)
    no = access.confirm_receipt(grant, handler, an_acknowledgement(grant, new.signer))
    assert refused(no) == "is-not-signed-by-the-recipient"
    done(access.confirm_receipt(grant, handler, an_acknowledgement(grant, old.signer)))


def test_a_key_that_was_withdrawn_signs_no_more(chain, grant, handler):
    """Whoever found it could sign as well."""
    house, head = chain.asking.institution, chain.asking[Role.ACCOUNTABLE_OFFICER]
    stated = keybook.book(house).current
    told = {"statement": stated.digest, "reason": "Komputer hilang"}
    done(keybook.handle(house.pk, Keys.WITHDRAW_KEY, head, told, keybook.book(house).n))
    assert refused(access.may_confirm(grant, handler)) == "recipient-key-signs-no-more"
    no = access.confirm_receipt(grant, handler, an_acknowledgement(grant))
    assert refused(no) == "recipient-key-signs-no-more"


def test_the_line_that_is_stated_is_read_strictly(chain):
    house, identity = chain.asking, a_new_key()
    recipient, receipt_key = identity.public.recipient, identity.public.receipt_key

    def stated(line: str) -> Any:
        told = keybook.statement(house.institution, line)
        seen = keybook.book(house.institution).n
        return act(keybook, house.institution.pk, Keys.STATE_KEY, house[Role.ACCOUNTABLE_OFFICER], told, seen)

    broken = (recipient, f"{recipient} {receipt_key[:-1]}", f"{recipient} {recipient}", f"{identity.public.line} x")
    for wrong in broken:
        assert refused(stated(wrong)) == "receipt-key-not-valid"
    assert refused(stated(f"{receipt_key} {recipient}")) == "key-not-valid"
    assert refused(stated(f"{recipient} {identity.secret}")) == "key-is-private"
    done(stated(f"  {identity.public.line.upper()} \n"))
    waiting = keybook.book(house.institution).waiting
    assert (waiting.recipient, waiting.receipt_key) == (recipient, receipt_key)
