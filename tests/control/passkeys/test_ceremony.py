"""What a browser sends is hostile until it is read: every answer is a key, or a refusal; never an error."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webauthn.helpers import encode_cbor, parse_cbor

from bagipakai.control.passkeys import ceremony
from bagipakai.control.passkeys.ceremony import Made
from bagipakai.core.decisions import to_base64url
from bagipakai.core.refusal import Refusal
from bagipakai.demo.authenticator import Authenticator

ORIGIN, RP = "https://berbagipakai.contoh.id", "berbagipakai.contoh.id"
CHALLENGE = b"\7" * 32
FORMATS = ["none", "packed", "tpm", "android-key", "android-safetynet", "apple", "fido-u2f", "compound", ""]


@pytest.fixture(autouse=True)
def at_home(settings):
    settings.ORIGIN = ORIGIN


def an_answer(key=None) -> dict:
    options = {"rp": {"id": RP}, "challenge": to_base64url(CHALLENGE)}
    return json.loads((key or Authenticator()).create(options, ORIGIN))


HONEST = an_answer()
ATTESTATION = parse_cbor(base64.urlsafe_b64decode(HONEST["response"]["attestationObject"] + "=="))


def told(answer: dict) -> Made | Refusal:
    return ceremony.made(json.dumps(answer), CHALLENGE)


def with_response(**parts: bytes) -> dict:
    return {**HONEST, "response": {**HONEST["response"], **{name: to_base64url(one) for name, one in parts.items()}}}


def test_an_honest_answer_is_a_key():
    key = Authenticator()
    made = told(an_answer(key))
    assert (made.credential, made.counter) == (to_base64url(key.credential), 0)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["clientDataJSON", "attestationObject"]), st.data())
def test_a_changed_byte_is_never_an_error(part, data):
    whole = bytearray(base64.urlsafe_b64decode(HONEST["response"][part] + "=="))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    assert isinstance(told(with_response(**{part: bytes(whole)})), Made | Refusal)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.binary(max_size=40) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(-5, 5), inner, max_size=4)
    ),
    max_leaves=8,
)
STATEMENTS = st.dictionaries(
    st.sampled_from(["alg", "sig", "x5c", "ver", "response", "certInfo", "pubArea", "ecdaaKeyId"]), ANYTHING, max_size=6
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FORMATS), STATEMENTS)
def test_a_statement_about_the_device_is_never_an_error(kind, statement):
    """Whatever a device claims to be."""
    value = encode_cbor({**ATTESTATION, "fmt": kind, "attStmt": statement})
    assert isinstance(told(with_response(attestationObject=value)), Made | Refusal)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([1, 3, -1, -2, -3]), ANYTHING))
def test_a_key_of_any_shape_is_never_an_error(public):
    data = ATTESTATION["authData"]
    head = data[: 37 + 16 + 2 + 32]
    value = encode_cbor({**ATTESTATION, "authData": head + encode_cbor(public)})
    assert isinstance(told(with_response(attestationObject=value)), Refusal)


@settings(max_examples=200, deadline=None)
@given(ANYTHING)
def test_an_object_of_any_shape_is_never_an_error(value):
    assert isinstance(told(with_response(attestationObject=encode_cbor(value))), Refusal)
