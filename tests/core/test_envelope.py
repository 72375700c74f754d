"""A seal says who signed what kind of document, and nothing altered opens."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.test_canonical import VALUES

from bagipakai.core.canonical import canonical, read
from bagipakai.core.envelope import BadSeal, PublicKey, Signer, _encoding, _envelope, seal, unseal

KIND = "application/vnd.test+json;v=1"
SIGNER, OTHER = Signer.new(), Signer.new()
DOCUMENTS = st.dictionaries(st.text(), VALUES, max_size=5)


@settings(deadline=None)
@given(DOCUMENTS)
def test_what_was_sealed_opens(value):
    assert unseal(KIND, seal(KIND, value, SIGNER), SIGNER.public) == value


@settings(deadline=None)
@given(DOCUMENTS)
def test_the_same_document_has_the_same_seal(value):
    assert seal(KIND, value, SIGNER) == seal(KIND, dict(reversed(value.items())), SIGNER)


def test_another_key_opens_nothing():
    with pytest.raises(BadSeal, match="expected key"):
        unseal(KIND, seal(KIND, {"a": 1}, OTHER), SIGNER.public)


def test_a_receipt_is_never_an_order():
    """The kind is signed with the content: neither asking for another kind nor writing another one helps."""
    sealed = seal(KIND, {"a": 1}, SIGNER)
    with pytest.raises(BadSeal, match="another type"):
        unseal("application/vnd.other+json", sealed, SIGNER.public)
    renamed = canonical({**read(sealed), "payloadType": "application/vnd.other+json"})
    with pytest.raises(BadSeal, match="expected key"):
        unseal("application/vnd.other+json", renamed, SIGNER.public)


@settings(deadline=None)
@given(st.data())
def test_not_one_byte_may_change(data):
    sealed = seal(KIND, {"order": "O-1", "rows": 812, "columns": ["desil"]}, SIGNER)
    at = data.draw(st.integers(0, len(sealed) - 1))
    altered = bytearray(sealed)
    altered[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != sealed[at]))
    with pytest.raises(BadSeal):
        unseal(KIND, bytes(altered), SIGNER.public)


@settings(deadline=None)
@given(st.data())
def test_a_cut_or_lengthened_envelope_does_not_open(data):
    sealed = seal(KIND, {"a": 1}, SIGNER)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    for altered in (sealed[:cut], sealed + b" ", b" " + sealed, sealed + sealed):
        with pytest.raises(BadSeal):
            unseal(KIND, altered, SIGNER.public)


def test_the_same_content_spelled_otherwise_does_not_open():
    """The digest of an envelope names one document, so there is one envelope."""
    sealed = seal(KIND, {"a": 1}, SIGNER)
    outer = read(sealed)
    loose_bits = outer["signatures"][0]["sig"].replace("==", "")
    assert loose_bits[-1] in "AQgw"  # 64 bytes leave four bits of the last letter unused
    spare = loose_bits[:-1] + chr(ord(loose_bits[-1]) + 1) + "=="
    assert base64.b64decode(spare) == base64.b64decode(outer["signatures"][0]["sig"])
    for other in (
        json.dumps(outer, indent=1).encode(),
        canonical({**outer, "note": "unsigned"}),
        canonical({**outer, "signatures": [{**outer["signatures"][0], "note": "unsigned"}]}),
        canonical({**outer, "signatures": [{**outer["signatures"][0], "sig": spare}]}),
    ):
        with pytest.raises(BadSeal, match="not an envelope"):
            unseal(KIND, other, SIGNER.public)


def _signed(payload: bytes) -> bytes:
    """An envelope around any payload at all, rightly signed."""
    return _envelope(KIND, payload, [(SIGNER.public.key_id, SIGNER.sign(_encoding(KIND, payload)))])


@pytest.mark.parametrize("payload", [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"[]", b"1", b"", b"\xff"])
def test_a_signature_over_something_else_than_one_canonical_object_is_refused(payload):
    with pytest.raises(BadSeal, match="canonical"):
        unseal(KIND, _signed(payload), SIGNER.public)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        canonical({"payload": "", "payloadType": KIND, "signatures": []}),
        canonical({"payload": "e30=", "payloadType": KIND, "signatures": {}}),
        canonical({"payload": "e30=", "payloadType": KIND, "signatures": [1]}),
        canonical({"payload": "e30=", "payloadType": KIND, "signatures": [{"keyid": "x", "sig": "é"}]}),
        canonical({"payload": 1, "payloadType": KIND, "signatures": []}),
        canonical({"payload": "e30=", "payloadType": None, "signatures": [{"keyid": "x", "sig": "AA=="}]}),
    ],
)
def test_what_is_no_envelope_is_refused_without_a_stack_of_causes(envelope):
    with pytest.raises(BadSeal) as caught:
        unseal(KIND, envelope, SIGNER.public)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_one_of_several_signatures_is_enough():
    payload = canonical({"a": 1})
    message = _encoding(KIND, payload)
    both = _envelope(KIND, payload, [(one.public.key_id, one.sign(message)) for one in (OTHER, SIGNER)])
    assert unseal(KIND, both, SIGNER.public) == {"a": 1}


def test_the_encoding_is_that_of_the_standard():
    """The example of the DSSE protocol text."""
    assert _encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_keys_survive_pem_and_show_only_their_public_half():
    again = Signer.from_pem(SIGNER.to_pem())
    assert again.public.key_id == SIGNER.public.key_id == PublicKey.from_pem(SIGNER.public.to_pem()).key_id
    assert repr(again) == f"<Signer {SIGNER.public.key_id}>"


def test_other_keys_are_refused():
    ec = generate_ec(SECP256R1())
    private = ec.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    locked = SIGNER._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    for pem in (
        private,
        locked,
        b"",
        b"-----BEGIN PRIVATE KEY-----\n",
        SIGNER.public.to_pem(),
    ):
        with pytest.raises(BadSeal):
            Signer.from_pem(pem)
    for pem in (ec.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), b"", SIGNER.to_pem()):
        with pytest.raises(BadSeal):
            PublicKey.from_pem(pem)
