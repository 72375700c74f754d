"""An assertion stands under one decision of one key at one address; anything else has a name, and nothing raises."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests import authenticators
from webauthn.helpers import parse_authentication_credential_json

from bagipakai.core.decisions import Assertion, Decision, EnrolledKey, is_fit, objection, to_base64url
from bagipakai.core.refusal import Refusal
from bagipakai.demo.authenticator import Authenticator

ORIGIN, RP = "https://berbagipakai.contoh.id", "berbagipakai.contoh.id"
DECISION = Decision(
    request="PMT-2026-000012",
    dossier_hash="ab" * 32,
    shown_summary_hash="cd" * 32,
    outcome="APPROVE",
    reasons=("Sesuai tujuan",),
    role="COORDINATOR",
    person="17",
    policy_version="ef" * 32,
    prev_decision_hash="",
    at="2026-12-01T03:04:05.678+00:00",
)
HONEST = Authenticator()


def spki(public_key) -> bytes:
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


KEY = EnrolledKey("17", to_base64url(HONEST.credential), spki(HONEST.key.public_key()), RP, ORIGIN)


def asserted(decision: Decision = DECISION, by: Authenticator = HONEST, origin: str = ORIGIN) -> Assertion:
    options = {"challenge": to_base64url(decision.challenge), "rpId": RP}
    told = parse_authentication_credential_json(by.get(options, origin))
    response = told.response
    return Assertion(told.id, response.client_data_json, response.authenticator_data, response.signature)


GOOD = asserted()


def test_an_honest_signature_stands():
    assert objection(DECISION, GOOD, KEY) is None
    assert objection(DECISION, GOOD, KEY, GOOD.counter - 1) is None


@pytest.mark.parametrize("field", [one for one in Decision.__dataclass_fields__ if one != "person"])
def test_a_decision_changed_in_any_field_is_another_decision(field):
    other = replace(DECISION, **{field: ("Lain",) if field == "reasons" else "lain"})
    assert objection(other, GOOD, KEY) == Refusal("signed-another-decision")


def test_a_key_belongs_to_one_person():
    assert objection(replace(DECISION, person="18"), GOOD, KEY) == Refusal("signed-with-another-key")


CHEATS = {
    authenticators.Elsewhere: "signed-at-another-address",
    authenticators.Framed: "signed-at-another-address",
    authenticators.OtherService: "signed-for-another-service",
    authenticators.Unverified: "signer-was-not-verified",
    authenticators.Untouched: "signer-was-not-present",
    authenticators.Enrolling: "signed-another-decision",
}


@pytest.mark.parametrize(("cheat", "code"), CHEATS.items(), ids=lambda one: getattr(one, "__name__", one))
def test_each_cheat_has_its_name(cheat, code):
    assert objection(DECISION, asserted(by=authenticators.the_same_key(HONEST, cheat)), KEY).code == code


@pytest.mark.parametrize(
    ("last", "now", "code"), [(0, 0, None), (0, 1, None), (4, 5, None), (5, 5, "back"), (5, 4, "back"), (5, 0, "back")]
)
def test_a_count_grows_or_is_never_begun(last, now, code):
    key = Authenticator(HONEST.key, HONEST.credential)
    key.data = lambda rp_id, flags, told=key.data: told(rp_id, flags)[:33] + now.to_bytes(4)
    assert objection(DECISION, asserted(by=key), KEY, last) == (Refusal("key-counter-went-back") if code else None)


def test_another_key_under_the_same_name_does_not_stand():
    forged = Authenticator(credential=HONEST.credential)
    assert objection(DECISION, asserted(by=forged), KEY) == Refusal("signature-does-not-verify")


@given(st.sampled_from(["client_data", "authenticator_data", "signature"]), st.data())
def test_a_single_changed_bit_never_stands(part, data):
    """Whatever is changed, there is a refusal with a name, and never an error."""
    whole = bytearray(getattr(GOOD, part))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    assert isinstance(objection(DECISION, replace(GOOD, **{part: bytes(whole)}), KEY), Refusal)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=100))
def test_noise_never_stands(client_data, authenticator_data, signature):
    noise = Assertion(KEY.credential, client_data, authenticator_data, signature)
    assert isinstance(objection(DECISION, noise, KEY), Refusal)


def test_what_is_too_long_is_not_read():
    long = replace(GOOD, client_data=b" " * 20_000 + GOOD.client_data)
    assert objection(DECISION, long, KEY) == Refusal("assertion-is-not-readable")


def test_only_keys_that_anybody_can_check_are_fit():
    assert is_fit(KEY.public_key)
    assert is_fit(spki(ed25519.Ed25519PrivateKey.generate().public_key()))
    assert not is_fit(spki(ec.generate_private_key(ec.SECP384R1()).public_key()))
    assert not is_fit(spki(rsa.generate_private_key(65537, 2048).public_key()))
    assert not is_fit(b"")


def test_an_ed25519_key_signs_too():
    secret = ed25519.Ed25519PrivateKey.generate()
    other = replace(KEY, public_key=spki(secret.public_key()))
    unsigned = replace(GOOD, signature=b"")
    import hashlib

    message = GOOD.authenticator_data + hashlib.sha256(GOOD.client_data).digest()
    assert objection(DECISION, replace(unsigned, signature=secret.sign(message)), other) is None
    assert objection(DECISION, unsigned, other) == Refusal("signature-does-not-verify")


def test_a_decision_is_read_back_as_it_was_written():
    assert Decision.from_json(DECISION.to_json()) == DECISION
    with pytest.raises(TypeError):
        Decision.from_json({**DECISION.to_json(), "more": 1})
