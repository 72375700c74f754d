"""Devices that do not answer, and a service that does not answer well."""

from dataclasses import replace

import pytest
from tests.control.signing.conftest import ACT, AT, SEAL, by_service

from bagipakai.control.signing.device import Device
from bagipakai.control.signing.national import LARGEST
from bagipakai.control.signing.validation import Roots, validate
from bagipakai.core.keyfiles import TooOpen
from bagipakai.core.refusal import Refusal


@pytest.fixture(autouse=True)
def the_service_is_good(service):
    service.stands_at(AT)
    service.instead.clear()
    service.waiting, service.lies = 0, False


# a card or a module


@pytest.fixture
def device(house, token) -> Device:
    return Device(house, SEAL, *token)


def test_a_device_without_the_key(device, paper):
    assert replace(device, key="lain").sign(paper, ACT) == Refusal("signing-device-is-silent")


def test_a_device_without_the_token(device, paper):
    assert replace(device, token="lain").sign(paper, ACT) == Refusal("signing-device-is-silent")


def test_a_wrong_pin(device, paper, tmp_path):
    pin = tmp_path / "pin"
    pin.write_text("0000")
    pin.chmod(0o600)
    assert replace(device, pin=pin).sign(paper, ACT) == Refusal("signing-device-is-silent")


def test_a_pin_that_others_could_read(device, paper, tmp_path):
    pin = tmp_path / "pin"
    pin.write_text("4711")
    pin.chmod(0o640)
    with pytest.raises(TooOpen):
        replace(device, pin=pin).sign(paper, ACT)


def test_no_module_at_all(device, paper, tmp_path):
    assert replace(device, module=tmp_path / "tidak-ada.so").sign(paper, ACT) == Refusal("signing-device-is-silent")


def test_a_device_signs_twice_in_one_process(device, house, paper):
    twice = device.sign(device.sign(paper, ACT), ACT)
    assert len(validate(twice, house.roots(), at=AT).signatures) == 2


# the national service


def test_an_officer_who_takes_their_time(service, house, paper):
    service.waiting = 3
    assert isinstance(by_service(service, house).sign(paper, ACT), bytes)


def test_an_officer_who_takes_too_long(service, house, paper):
    service.waiting = 1000
    assert by_service(service, house).sign(paper, ACT) == Refusal("signing-waits-too-long")


ANSWERS = {
    "no such signer": ("GET signers", (404, b"{}", {}), "signing-service-is-silent"),
    "we may not": ("POST signatures", (403, b"{}", {}), "signing-service-said-no"),
    "the officer says no": ("GET signatures", (200, b'{"status": "DECLINED"}', {}), "signing-service-said-no"),
    "a status nobody knows": ("GET signatures", (200, b'{"status": "HM"}', {}), "signing-service-was-wrong"),
    "a broken service": ("POST signatures", (500, b"oops", {}), "signing-service-is-silent"),
    "not JSON": ("GET signers", (200, b"<html>", {}), "signing-service-was-wrong"),
    "a list": ("GET signers", (200, b"[]", {}), "signing-service-was-wrong"),
    "no certificates": (
        "GET signers",
        (200, b'{"certificates": [], "time_certificates": [], "crls": []}', {}),
        "signing-service-was-wrong",
    ),
    "certificates that are none": (
        "GET signers",
        (200, b'{"certificates": ["QUJD"], "time_certificates": [], "crls": []}', {}),
        "signing-service-was-wrong",
    ),
    "depth": ("GET signers", (200, b"[" * 100_000, {}), "signing-service-was-wrong"),
    "length": ("GET signers", (200, b" " * (LARGEST + 2), {}), "signing-service-was-wrong"),
    "no identity of the request": ("POST signatures", (201, b"{}", {}), "signing-service-was-wrong"),
    "a signature that is none": (
        "GET signatures",
        (200, b'{"status": "SIGNED", "signature": "QUJD"}', {}),
        "signing-service-was-wrong",
    ),
    "no signature": ("GET signatures", (200, b'{"status": "SIGNED"}', {}), "signing-service-was-wrong"),
    "no time": ("POST timestamps", (503, b"", {}), "signing-service-is-silent"),
    "a time that is none": ("POST timestamps", (200, b"ABC", {}), "signing-service-was-wrong"),
    "another address": (
        "GET signers",
        (302, b"", {"Location": "http://127.0.0.1:9/signers"}),
        "signing-service-is-silent",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_not_as_agreed(service, house, paper, case):
    question, answer, code = ANSWERS[case]
    service.instead[question] = answer
    assert by_service(service, house).sign(paper, ACT) == Refusal(code)


def test_a_signature_of_something_else(service, house, paper):
    service.lies = True
    assert by_service(service, house).sign(paper, ACT) == Refusal("signing-service-was-wrong")


def test_a_service_whose_authority_nobody_pinned(service, house, elsewhere, paper):
    foreign = Roots(elsewhere.roots().signing, house.roots().time)
    outcome = by_service(service, house, roots=foreign).sign(paper, ACT)
    assert outcome == Refusal("signing-certificate-does-not-count", {"signer": SEAL.name})
    foreign = Roots(house.roots().signing, elsewhere.roots().time)
    assert by_service(service, house, roots=foreign).sign(paper, ACT) == Refusal("signing-without-time")


def test_a_service_that_is_not_there(service, house, paper):
    gone = replace(by_service(service, house), address="http://127.0.0.1:9")
    assert gone.sign(paper, ACT) == Refusal("signing-service-is-silent")


@pytest.mark.parametrize("address", ["http://layanan.example", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_a_service_is_reached_by_https_alone(service, house, paper, address):
    with pytest.raises(ValueError, match="https"):
        replace(by_service(service, house), address=address).sign(paper, ACT)


def test_a_wrong_token(service, house, paper, tmp_path):
    token = tmp_path / "token"
    token.write_text("lain")
    token.chmod(0o600)
    assert by_service(service, house, token=token).sign(paper, ACT) == Refusal("signing-service-is-silent")


def test_a_token_that_others_could_read(service, house, paper, tmp_path):
    token = tmp_path / "token"
    token.write_text("x")
    token.chmod(0o604)
    with pytest.raises(TooOpen):
        by_service(service, house, token=token).sign(paper, ACT)


def test_a_certified_service_says_nothing_of_uncertified(service, house, paper):
    signed = by_service(service, house, notice="").sign(paper, ACT)
    assert validate(signed, house.roots(), at=AT).signatures[0].reason == ACT.reason
