"""The office's own authorities: what they keep, who may read it, and what they say of a certificate."""

from dataclasses import replace
from datetime import timedelta
from stat import S_IMODE

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from tests.control.signing.conftest import ACT, AT, OFFICER, SEAL

from bagipakai.control.signing.authority import Purpose, names, names_of
from bagipakai.control.signing.local import House
from bagipakai.core.keyfiles import TooOpen


@pytest.fixture
def own(tmp_path) -> House:
    made = House(tmp_path / "signing")
    made.establish(AT)
    return made


def test_a_root_is_made_once(own):
    root = own.authority.root
    own.establish(AT + timedelta(days=400))
    assert own.authority.root == root and own.time.root != root


def test_the_roots_say_that_nobody_certified_them(own):
    for one in (own.authority.root, own.time.root):
        assert "tidak tersertifikasi" in one.subject.rfc4514_string()


def test_keys_are_read_by_their_owner_alone(own, paper):
    own.signer(SEAL).sign(paper, ACT)
    keys = list(own.folder.rglob("*.key.pem"))
    assert len(keys) == 4, "two roots, one seal, one clock"
    assert {S_IMODE(file.stat().st_mode) for file in keys} == {0o600}
    assert {S_IMODE(file.parent.stat().st_mode) for file in keys} == {0o700}


@pytest.mark.parametrize("name", ["authority/root.key.pem", "time/clock-1.key.pem", "authority/SEGEL-*.key.pem"])
def test_a_key_that_others_could_read_signs_nothing(own, paper, name):
    own.signer(SEAL).sign(paper, ACT)
    (file,) = own.folder.glob(name)
    file.chmod(0o644)
    with pytest.raises(TooOpen):
        own.signer(SEAL).sign(paper, ACT)


def test_each_person_in_each_post_has_a_certificate_of_their_own(own):
    elsewhere = replace(OFFICER, ref="P17/J5", post="Plt. Kepala Pusat Data")
    first, second = own.signer(OFFICER).credential(AT), own.signer(elsewhere).credential(AT)
    assert names(first.certificate) == OFFICER and names(second.certificate) == elsewhere
    assert first.certificate.public_key() != second.certificate.public_key()
    assert own.signer(OFFICER).credential(AT).certificate == first.certificate


def test_references_that_look_alike_do_not_share_a_key(own):
    first = own.signer(replace(OFFICER, ref="P1/J-2")).credential(AT)
    second = own.signer(replace(OFFICER, ref="P1-J/2")).credential(AT)
    assert first.certificate != second.certificate


def test_a_certificate_that_ended_is_followed_by_another_key(own):
    first = own.signer(SEAL).credential(AT)
    assert own.signer(SEAL).credential(AT + timedelta(days=Purpose.SIGN.days - 1)).certificate == first.certificate
    assert own.signer(SEAL).credential(AT + timedelta(days=Purpose.SIGN.days)).certificate != first.certificate


def test_a_revoked_certificate_is_followed_by_another_key(own):
    first = own.signer(SEAL).credential(AT)
    own.authority.revoke(first.certificate, AT)
    second = own.signer(SEAL).credential(AT)
    assert second.certificate.public_key() != first.certificate.public_key()


def test_a_holder_of_another_name_gets_another_certificate(own):
    first = own.signer(OFFICER).credential(AT)
    renamed = own.signer(replace(OFFICER, post="Kepala Biro Data")).credential(AT)
    assert renamed.certificate != first.certificate


def test_a_name_longer_than_a_certificate_holds_is_cut(own):
    long = replace(OFFICER, institution="Dinas " + "Pemberdayaan Masyarakat " * 5)
    assert names(own.signer(long).credential(AT).certificate) == names_of(long)


def test_a_revocation_stands_on_the_list_from_its_day(own):
    certificate = own.signer(SEAL).credential(AT).certificate
    own.authority.revoke(certificate, AT + timedelta(days=1))
    own.authority.revoke(certificate, AT + timedelta(days=9))
    before, after = (x509.load_der_x509_crl(own.authority.crl(AT + timedelta(days=day))) for day in (0, 2))
    assert before.get_revoked_certificate_by_serial_number(certificate.serial_number) is None
    entry = after.get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert entry.revocation_date_utc == AT + timedelta(days=1), "the first revocation stays"
    assert after.is_signature_valid(own.authority.root.public_key())


def test_only_the_clock_may_stamp_and_it_may_do_nothing_else(own):
    clock = own.time.credential("clock", SEAL, Purpose.TIME, AT).certificate
    usage = clock.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical and list(usage.value) == [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]
    seal = own.signer(SEAL).credential(AT).certificate
    usage = seal.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.content_commitment and not usage.key_cert_sign and not usage.crl_sign


def test_a_key_of_a_device_gets_a_certificate_and_keeps_it(own):
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    first = own.authority.certificate("device", public, SEAL, Purpose.SIGN, AT)
    assert own.authority.certificate("device", public, SEAL, Purpose.SIGN, AT) == first
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert own.authority.certificate("device", other, SEAL, Purpose.SIGN, AT).public_key() == other
    assert own.authority.certificate("device", public, SEAL, Purpose.SIGN, AT) == first


def test_trust_is_known_without_any_secret(own):
    own.signer(SEAL).credential(AT)
    for file in own.folder.rglob("*.key.pem"):
        file.unlink()
    assert own.roots().signing == (own.authority.root,)
