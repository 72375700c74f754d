"""It takes two to enrol a key, and two others to enrol another after a loss. Everything is written down."""

import base64
import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from tests import authenticators
from tests.authenticators import WALLET, Authenticator, key_of
from tests.factories import a_person, a_seat, an_institution, an_office, done

from bagipakai.control import ledger, people
from bagipakai.control.models import Credential, Denial, KeyEvent
from bagipakai.control.passkeys import ceremony, keys
from bagipakai.control.trail import stops
from bagipakai.core.keyring import Action, Standing
from bagipakai.core.manifest import read_aloud
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def refused(outcome):
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


@pytest.fixture
def house():
    return an_institution(ready=False)


@pytest.fixture
def holder(house):
    return house[Role.APPLICANT]


@pytest.fixture
def officer(house):
    return house[Role.ACCOUNTABLE_OFFICER]


def enrolled(person, key=None):
    """A key that waits to be confirmed: its id and what its holder reads aloud."""
    key, offered = key or Authenticator(), done(keys.offer(person))
    event = done(keys.enrol(person, offered, key.create(offered.options, ceremony.origin()), "Kunci meja"))
    return event.payload["credential"], read_aloud(event.payload["fingerprint"])


def standing(person, credential):
    return keys.ring(person).keys[credential].standing


def test_while_the_trail_is_stopped_no_ring_changes(house, holder, officer):
    """Somebody had seen more of the trail than the office holds: whatever is written now could be lost again."""
    credential, spoken = enrolled(holder)
    written = KeyEvent.objects.count(), Credential.objects.count()
    offered, other = done(keys.offer(officer)), Authenticator()
    stops.stop(connection, "saksi-1")
    for outcome in (
        keys.offer(holder),
        keys.enrol(officer, offered, other.create(offered.options, ceremony.origin())),
        keys.confirm(holder, officer, credential, spoken),
        keys.revoke(holder, holder, credential, "Hilang"),
        keys.recover(holder, officer, "Hilang"),
    ):
        assert refused(outcome) == "trail-disagrees"
    assert (KeyEvent.objects.count(), Credential.objects.count()) == written


def test_two_people_enrol_a_key(holder, officer):
    credential, spoken = enrolled(holder)
    assert standing(holder, credential) is Standing.WAITING
    done(keys.confirm(holder, officer, credential, spoken))
    assert standing(holder, credential) is Standing.ACTIVE
    assert [(one.action, one.person) for one in holder.key_events.all()] == [("ENROL", holder), ("CONFIRM", officer)]
    assert ledger.broken_at(KeyEvent, holder) is None


def test_what_is_known_of_the_device_is_kept(holder):
    key = Authenticator()
    credential, _ = enrolled(holder, key)
    kept = Credential.objects.get(credential=credential)
    device = keys.ring(holder).keys[credential].device
    assert (device["label"], device["attestation"], device["kind"]) == ("Kunci meja", "none", "single_device")
    assert key.credential in bytes(kept.attestation)


def test_the_fingerprint_is_of_the_key(holder):
    credential, _ = enrolled(holder)
    key = keys.ring(holder).keys[credential]
    assert hashlib.sha256(base64.b64decode(key.public_key)).hexdigest() == key.fingerprint


@pytest.mark.parametrize(
    "written", [str.upper, str.strip, lambda told: told.replace(" ", ""), lambda told: f"  {told}\n"]
)
def test_a_fingerprint_may_be_written_in_any_way(holder, officer, written):
    credential, spoken = enrolled(holder)
    done(keys.confirm(holder, officer, credential, written(spoken)))


@pytest.mark.parametrize(
    "wrong", ["", "0000", lambda told: told[:-1], lambda told: told[:-1] + ("0" if told[-1] != "0" else "1")]
)
def test_another_fingerprint_confirms_nothing(holder, officer, wrong):
    credential, spoken = enrolled(holder)
    assert (
        refused(keys.confirm(holder, officer, credential, wrong(spoken) if callable(wrong) else wrong))
        == "fingerprint-differs"
    )
    assert standing(holder, credential) is Standing.WAITING
    assert Denial.objects.get(code="fingerprint-differs").person == officer


def test_nobody_confirms_their_own_key(holder):
    credential, spoken = enrolled(holder)
    assert refused(keys.confirm(holder, holder, credential, spoken)) == "own-key-needs-another-officer"


def test_nobody_confirms_their_own_key_on_two_posts(house, holder):
    second = a_seat(house.institution, Role.ACCOUNTABLE_OFFICER, person=holder)
    credential, spoken = enrolled(holder)
    assert refused(keys.confirm(holder, second, credential, spoken)) == "own-key-needs-another-officer"


def test_an_officer_of_another_house_confirms_nothing(holder):
    credential, spoken = enrolled(holder)
    for stranger in (an_institution(ready=False)[Role.ACCOUNTABLE_OFFICER], an_office()[Role.CONTROLLER]):
        assert refused(keys.confirm(holder, stranger, credential, spoken)) == "post-does-not-keep-keys"


def test_a_post_that_does_not_keep_keys_confirms_nothing():
    office = an_office()
    credential, spoken = enrolled(office[Role.COORDINATOR])
    outcome = keys.confirm(office[Role.COORDINATOR], office[Role.ADMIN_VERIFIER], credential, spoken)
    assert refused(outcome) == "post-does-not-keep-keys"
    done(keys.confirm(office[Role.COORDINATOR], office[Role.CONTROLLER], credential, spoken))


def test_an_officer_whose_post_ended_confirms_nothing(house, holder):
    seat = a_seat(house.institution, Role.ACCOUNTABLE_OFFICER)
    credential, spoken = enrolled(holder)
    people.relieve(seat)
    assert refused(keys.confirm(holder, seat, credential, spoken)) == "mandate-has-ended"


def test_a_key_is_confirmed_once(holder, officer):
    credential, spoken = enrolled(holder)
    done(keys.confirm(holder, officer, credential, spoken))
    assert refused(keys.confirm(holder, officer, credential, spoken)) == "key-does-not-wait"
    assert refused(keys.confirm(holder, officer, "tidak-ada", spoken)) == "key-does-not-wait"


def test_a_key_is_enrolled_once(holder, officer):
    key = Authenticator()
    enrolled(holder, key)
    offered = done(keys.offer(officer))
    answer = key.create(offered.options, ceremony.origin())
    assert refused(keys.enrol(officer, offered, answer)) == "key-is-known"


def test_a_person_has_two_keys_at_most(holder):
    enrolled(holder)
    enrolled(holder)
    assert refused(keys.offer(holder)) == "keys-are-enough"


def test_who_has_no_post_enrols_no_key():
    assert refused(keys.offer(a_person())) == "mandate-has-ended"


CHEATS = (
    authenticators.Elsewhere,
    authenticators.Framed,
    authenticators.OtherService,
    authenticators.Unverified,
    authenticators.Untouched,
)


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_key_made_otherwise_is_not_enrolled(holder, cheat):
    offered = done(keys.offer(holder))
    answer = cheat().create(offered.options, ceremony.origin())
    assert refused(keys.enrol(holder, offered, answer)) == "key-does-not-verify"
    assert not Credential.objects.filter(holder=holder).exists()


def test_an_answer_to_another_offer_is_not_enrolled(holder):
    first, second = done(keys.offer(holder)), done(keys.offer(holder))
    answer = Authenticator().create(first.options, ceremony.origin())
    assert refused(keys.enrol(holder, second, answer)) == "key-does-not-verify"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{}",
        "[1]",
        "{" * 50_000,
        "\udcff",
        '{"id":"a","rawId":"a","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}',
    ],
)
def test_an_answer_that_is_none_is_refused_in_words(holder, answer):
    assert refused(keys.enrol(holder, done(keys.offer(holder)), answer)) == "key-does-not-verify"


def test_an_offer_waits_five_minutes(holder, at):
    offered = done(keys.offer(holder))
    answer = Authenticator().create(offered.options, ceremony.origin())
    with at((offered.at + timedelta(minutes=5, seconds=1)).isoformat()):
        assert refused(keys.enrol(holder, offered, answer)) == "key-offer-has-expired"
    with at((offered.at + timedelta(minutes=5)).isoformat()):
        done(keys.enrol(holder, offered, answer))


# --- losing a key -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lost(holder, officer):
    """The holder's only key, reported lost by its holder."""
    credential, spoken = enrolled(holder)
    done(keys.confirm(holder, officer, credential, spoken))
    done(keys.revoke(holder, holder, credential, "Tertinggal di kereta"))
    return credential


def test_one_person_is_enough_to_revoke(holder, officer, lost):
    assert standing(holder, lost) is Standing.REVOKED
    credential, _ = enrolled(officer)
    done(keys.revoke(officer, holder, credential, "Dicuri"))
    assert standing(officer, credential) is Standing.REVOKED


def test_a_loss_has_its_reason(holder, officer):
    credential, _ = enrolled(holder)
    assert refused(keys.revoke(holder, holder, credential, "  ")) == "reason-is-missing"


def test_a_stranger_revokes_nothing(holder):
    credential, _ = enrolled(holder)
    stranger = an_institution(ready=False)[Role.ACCOUNTABLE_OFFICER]
    assert refused(keys.revoke(holder, stranger, credential, "Iseng")) == "post-does-not-keep-keys"


def test_a_key_is_revoked_once(holder, lost):
    assert refused(keys.revoke(holder, holder, lost, "Lagi")) == "key-was-revoked"


def test_after_a_loss_two_officers_let_somebody_enrol_again(house, holder, officer, lost):
    assert refused(keys.offer(holder)) == "key-loss-is-not-recovered"
    done(keys.recover(holder, officer, "Sudah saya temui"))
    assert refused(keys.offer(holder)) == "key-loss-is-not-recovered"
    assert refused(keys.recover(holder, officer, "Sekali lagi")) == "recovery-needs-another-officer"
    assert refused(keys.recover(holder, holder, "Saya sendiri")) == "own-key-needs-another-officer"
    done(keys.recover(holder, house[Role.AUTHORISED_HANDLER], "Sudah saya temui"))
    credential, spoken = enrolled(holder)
    done(keys.confirm(holder, officer, credential, spoken))
    assert standing(holder, credential) is Standing.ACTIVE


def test_a_house_of_two_is_helped_by_the_controller(holder, officer, lost):
    done(keys.recover(holder, officer, "Sudah saya temui"))
    done(keys.recover(holder, an_office()[Role.CONTROLLER], "Sudah kami hubungi lewat telepon"))
    enrolled(holder)


def test_a_recovery_ends_every_key(holder, officer):
    """Also one that its holder has not reported, and one that still waits."""
    first, second = enrolled(holder), enrolled(holder)
    done(keys.confirm(holder, officer, *first))
    done(keys.recover(holder, officer, "Rumahnya kemalingan"))
    assert {standing(holder, one) for one, _ in (first, second)} == {Standing.REVOKED}


def test_a_loss_stops_a_key_that_waits(holder, officer):
    """Whoever enrolled it: it may not have been the holder."""
    (first, _), (second, spoken) = enrolled(holder), enrolled(holder)
    done(keys.revoke(holder, holder, first, "Kata sandi saya dicuri"))
    assert refused(keys.confirm(holder, officer, second, spoken)) == "key-loss-is-not-recovered"


def test_who_lost_nothing_needs_no_recovery(holder, officer):
    assert refused(keys.recover(holder, officer, "Untuk berjaga")) == "no-key-was-lost"


def test_a_recovery_has_its_reason(holder, officer, lost):
    assert refused(keys.recover(holder, officer, " ")) == "reason-is-missing"


# --- the trail --------------------------------------------------------------------------------------------------------


def test_each_event_is_a_leaf_that_names_nobody(holder, officer, lost):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event, about, body, payload::text FROM trail.leaf JOIN trail.opening ON leaf.id = leaf"
            " WHERE about LIKE %s ORDER BY leaf.id",
            [f"kunci/{holder.pk}#%"],
        )
        rows = cursor.fetchall()
    assert [(event, about) for event, about, _, _ in rows] == [
        (f"key.{action}", f"kunci/{holder.pk}#{n}")
        for n, action in enumerate((Action.ENROL, Action.CONFIRM, Action.REVOKE), 1)
    ]
    for _, _, leaf, payload in rows:
        body = leaf if isinstance(leaf, str) else bytes(leaf).decode()
        assert body.startswith('{"actor_ref":"P')
        assert holder.name not in body + payload and holder.email not in body + payload
        assert lost not in body
    assert '"origin"' in rows[1][3] and '"rp_id"' in rows[1][3] and f'"{holder.pk}"' in rows[1][3]


def test_an_officer_sees_the_keys_of_their_house(house, holder, officer):
    assert holder in [person for person, _ in keys.colleagues(officer)]
    assert officer not in [person for person, _ in keys.colleagues(officer)]
    stranger = an_institution(ready=False)[Role.ACCOUNTABLE_OFFICER]
    assert not {person for person, _ in keys.colleagues(stranger)} & set(house.who.values())
    assert keys.colleagues(an_office()[Role.ADMIN_VERIFIER]) == []


def test_the_wallet_of_the_tests_keeps_a_key_for_everybody(house):
    for person in (*an_office().who.values(), *house.who.values()):
        assert key_of(person) is WALLET.of(person)
        assert len(keys.ring(person).having(Standing.ACTIVE)) == 1


def test_a_wallet_on_disk_signs_on_with_the_same_key(tmp_path, holder):
    first = authenticators.Wallet(tmp_path / "kunci").of(holder)
    again = authenticators.Wallet(tmp_path / "kunci").of(holder)
    assert again.credential == first.credential and len(keys.ring(holder).keys) == 1
    (file,) = (tmp_path / "kunci").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_keys_of_another_address_are_named_and_those_that_were_revoked_are_not(holder, settings):
    """Whoever serves the portal at another port hears that they sign nothing there."""
    settings.ORIGIN = here = "http://localhost:8123"
    credential, _ = enrolled(holder)
    assert here not in keys.elsewhere()
    settings.ORIGIN = "http://localhost:8124"
    assert here in keys.elsewhere()
    done(keys.revoke(holder, holder, credential, "hilang"))
    assert here not in keys.elsewhere()
