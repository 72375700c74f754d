"""Which means seals here, and that nothing goes further unvalidated."""

from dataclasses import replace
from datetime import timedelta
from stat import S_IMODE

import pytest
from tests.control.signing.conftest import ACT, AT, OFFICER

from bagipakai.control import keys
from bagipakai.control.signing import desk
from bagipakai.control.signing.acts import NOT_CERTIFIED, Act
from bagipakai.control.signing.validation import Expected
from bagipakai.core.refusal import Refusal

SEAL = desk.seal_of("KEMENSOS", "Kementerian Sosial")


@pytest.fixture(autouse=True)
def own_keys(monkeypatch, tmp_path):
    monkeypatch.setattr(keys, "folder", lambda: tmp_path / "keys")


def means(**told) -> None:
    desk.folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f"{name} = {value!r}".replace("True", "true") for name, value in told.items()]
    (desk.folder() / "means.toml").write_text("[seal]\n" + "\n".join(lines))


def test_without_a_word_the_office_seals_itself(paper):
    sealed = desk.sealed(paper, SEAL, ACT)
    found = desk.checked(sealed, at=AT, expected=[Expected(SEAL.ref)])
    assert found.signatures[0].holder == SEAL
    assert NOT_CERTIFIED in found.signatures[0].reason


def test_the_roots_are_laid_out_for_strangers_and_the_keys_are_not(paper):
    desk.sealed(paper, SEAL, ACT)
    public = desk.keys.folder() / "public"
    assert sorted(file.name for file in public.iterdir()) == ["signing.crt.pem", "time.crt.pem"]
    assert {S_IMODE(file.stat().st_mode) for file in public.iterdir()} == {0o644}
    assert S_IMODE(desk.folder().stat().st_mode) == 0o700


def test_an_officer_signs_what_is_sealed_and_names_their_statement(paper):
    sealed = desk.sealed(paper, SEAL, ACT)
    signed = desk.signed(sealed, OFFICER, Act("Menyetujui perjanjian", AT, "ab" * 32))
    expected = [Expected(SEAL.ref), Expected(OFFICER.ref, "ab" * 32)]
    assert len(desk.checked(signed, at=AT, expected=expected).signatures) == 2


def test_a_device_seals_where_it_is_named(paper, token):
    module, label, key, pin = token
    means(means="device", module=str(module), token=label, key=key, pin=str(pin))
    sealed = desk.sealed(paper, SEAL, ACT)
    assert desk.checked(sealed, at=AT, expected=[Expected(SEAL.ref)])
    assert not list(desk.folder().rglob("SEGEL*.key.pem")), "its key is in the device alone"


def test_the_national_service_seals_where_it_is_named(paper, house, service):
    service.stands_at(AT)
    desk.folder().mkdir(parents=True)
    for name, one in (("root.crt.pem", house.authority), ("time.crt.pem", house.time)):
        (desk.folder() / name).write_bytes((one.folder / "root.crt.pem").read_bytes())
    told = {"address": service.address, "signer": SEAL.ref, "token": str(service.token)}
    means(means="national", roots=["root.crt.pem"], time_roots=["time.crt.pem"], certified=True, **told)
    sealed = desk.sealed(paper, SEAL, ACT)
    (signature,) = desk.checked(sealed, at=AT, expected=[Expected(SEAL.ref)]).signatures
    assert signature.reason == ACT.reason, "a certified signature does not say that it is none"


@pytest.mark.parametrize("told", [{"means": "pena"}, {"means": "device"}, {"means": "national", "roots": []}])
def test_means_that_nobody_knows_seal_nothing(paper, told):
    means(**told)
    with pytest.raises(desk.MeansUnclear):
        desk.sealed(paper, SEAL, ACT)


def test_what_a_signer_hands_back_is_validated_like_a_strangers(paper, monkeypatch, elsewhere):
    """A signer that answers with something else: another house's signature, an unsigned paper, another act."""

    class Another:
        holder = SEAL

        def __init__(self, answer):
            self.answer = answer

        def sign(self, pdf, act):
            return self.answer(pdf, act)

    answers = {
        "timestamp-of-a-foreign-authority": lambda pdf, act: elsewhere.signer(SEAL).sign(pdf, act),
        "signature-is-missing": lambda pdf, act: pdf,
        "signature-of-another": lambda pdf, act: desk.house(AT).signer(SEAL).sign(pdf, replace(act, reason="Lain")),
    }
    for code, answer in answers.items():
        monkeypatch.setattr(desk, "seal", lambda holder, at, answer=answer: Another(answer))
        assert desk.sealed(paper, SEAL, ACT).code == code


def test_a_seal_of_another_institution_is_not_ours(paper):
    sealed = desk.sealed(paper, desk.seal_of("BPS", "Badan Pusat Statistik"), ACT)
    assert desk.checked(sealed, at=AT, expected=[Expected(SEAL.ref)]).code == "signature-of-another"


def test_a_paper_sealed_before_its_seal_was_revoked_is_still_shown(paper):
    sealed = desk.sealed(paper, SEAL, ACT)
    house = desk.house(AT)
    house.authority.revoke(house.signer(SEAL).credential(AT).certificate, AT + timedelta(days=1))
    assert not isinstance(desk.checked(sealed, at=AT + timedelta(days=2)), Refusal)


def test_a_seal_revoked_earlier_than_it_was_used_is_not_shown(paper):
    sealed = desk.sealed(paper, SEAL, ACT)
    house = desk.house(AT)
    house.authority.revoke(house.signer(SEAL).credential(AT).certificate, AT - timedelta(days=1))
    assert desk.checked(sealed, at=AT).code == "signer-certificate-was-revoked"
