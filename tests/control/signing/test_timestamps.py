"""The office's time-stamp authority, read by a library that did not make the token."""

from datetime import timedelta

import pytest
import rfc3161_client
from asn1crypto import tsp
from cryptography import x509
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from tests.control.signing.conftest import AT

from bagipakai.control.signing import pades

MESSAGE = b"tanda tangan"


def answered(house, request: bytes, at=AT) -> bytes:
    return pades.awaited(house.clock(at).async_request_tsa_response(tsp.TimeStampReq.load(request))).dump()


def test_another_library_verifies_the_token(house):
    request = rfc3161_client.TimestampRequestBuilder().data(MESSAGE).nonce(nonce=True).build()
    answer = rfc3161_client.decode_timestamp_response(answered(house, request.as_bytes()))
    assert answer.tst_info.gen_time == AT and answer.tst_info.nonce == request.nonce
    clock = x509.load_der_x509_certificate(house.clock(AT).signer.signing_cert.dump())
    verifier = rfc3161_client.VerifierBuilder.from_request(request).add_root_certificate(house.time.root).build()
    assert verifier.verify_message(answer, MESSAGE)
    assert clock.issuer == house.time.root.subject


@pytest.mark.parametrize("fault", ["message", "root"])
def test_another_library_refuses_what_is_false(house, elsewhere, fault):
    request = rfc3161_client.TimestampRequestBuilder().data(MESSAGE).build()
    answer = rfc3161_client.decode_timestamp_response(answered(house, request.as_bytes()))
    root = elsewhere.time.root if fault == "root" else house.time.root
    verifier = rfc3161_client.VerifierBuilder().add_root_certificate(root).build()
    with pytest.raises(rfc3161_client.VerificationError):
        verifier.verify_message(answer, MESSAGE + b"!" if fault == "message" else MESSAGE)


def test_two_stamps_have_two_numbers(house):
    request = rfc3161_client.TimestampRequestBuilder().data(MESSAGE).build().as_bytes()
    numbers = {rfc3161_client.decode_timestamp_response(answered(house, request)).tst_info.serial_number for _ in "12"}
    assert len(numbers) == 2


def test_a_weak_digest_is_not_stamped(house):
    with pytest.raises(TimestampRequestError):
        pades.awaited(house.clock(AT).async_timestamp(bytes(20), "sha1"))


def test_a_clock_whose_certificate_ends_gets_another(house):
    later = AT + timedelta(days=4000)
    assert house.clock(later).signer.signing_cert.dump() != house.clock(AT).signer.signing_cert.dump()
