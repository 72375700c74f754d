"""The two ceremonies of WebAuthn, as the browser is asked and as its answer is read. The library verifies; where it and
our own check (core.decisions) disagree, the answer is no.

A key belongs to one address: the host of `BAGIPAKAI_ORIGIN` is its relying party id. A browser makes keys only for a
name, never for a number: `localhost`, not `127.0.0.1`.
"""

import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bagipakai.control import clock
from bagipakai.control.models import Credential, Person
from bagipakai.core.canonical import NotCanonical, read
from bagipakai.core.decisions import Assertion, Decision, EnrolledKey, is_fit, objection, to_base64url
from bagipakai.core.refusal import Refusal

log = logging.getLogger("bagipakai.control.passkeys")

NAME: Final = "Berbagipakai DTSEN"
LONGEST: Final = 64 * 1024  # bytes of a browser's answer
KINDS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
]  # what a stranger's verifier reads


def origin() -> str:
    """The one address at which people sign."""
    return str(settings.ORIGIN)


def rp_id() -> str:
    return urlsplit(origin()).hostname or ""


def handle_of(person_id: int) -> bytes:
    """What an authenticator calls its owner: a number of ours, nothing personal."""
    return f"P{person_id}".encode()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser is asked to make a key from; kept by the caller until the answer comes, and used once."""

    options: Mapping[str, Any]
    challenge: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A key as its authenticator gave it: id, public key in SPKI and in COSE, counter, and what is known of the
    device."""

    credential: str
    public_key: bytes
    cose: bytes
    counter: int
    attestation: bytes
    device: Mapping[str, Any]


def offer(person: Person, known: Iterable[str]) -> Offer:
    """Asks for a new key of `person`; `known` are those that the device may not make again."""
    challenge = secrets.token_bytes(32)
    options = webauthn.generate_registration_options(
        rp_id=rp_id(),
        rp_name=NAME,
        user_id=handle_of(person.pk),
        user_name=person.email,
        user_display_name=person.name,
        challenge=challenge,
        attestation=AttestationConveyancePreference.DIRECT,  # which device it is; "none" is an answer too
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
        supported_pub_key_algs=KINDS,
    )
    return Offer(options_to_json_dict(options), challenge, clock.now())


def made(answer: str, challenge: bytes) -> Made | Refusal:
    """The key in a browser's answer to an offer with `challenge`, or why it is none."""
    try:
        credential = parse_registration_credential_json(read(answer.encode(), LONGEST))
        framed = read(credential.response.client_data_json, LONGEST).get("crossOrigin")
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            require_user_verification=True,
            supported_pub_key_algs=KINDS,
        )
        key = decoded_public_key_to_cryptography(decode_credential_public_key(found.credential_public_key))
    except (NotCanonical, WebAuthnException, ValueError, LookupError, TypeError, AttributeError) as error:
        log.info("key.not_made why=%s", type(error).__name__)
        return Refusal("key-does-not-verify")
    public_key = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if framed or not is_fit(public_key) or len(found.credential_id) > 1023:
        return Refusal("key-does-not-verify")
    device = {
        "aaguid": found.aaguid,
        "attestation": str(found.fmt),
        "kind": found.credential_device_type.value,
        "backed_up": found.credential_backed_up,
        "transports": [one.value for one in credential.response.transports or ()],
    }
    return Made(
        to_base64url(found.credential_id),
        public_key,
        found.credential_public_key,
        found.sign_count,
        found.attestation_object,
        device,
    )


def question(decision: Decision, credentials: Iterable[str], lives: timedelta) -> dict[str, Any]:
    """What the browser hands to `navigator.credentials.get`."""
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(),
        challenge=decision.challenge,
        timeout=int(lives.total_seconds() * 1000),
        allow_credentials=_descriptors(credentials),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def assertion_in(answer: str, holder: int) -> Assertion | Refusal:
    """The assertion in a browser's answer, or why it is none."""
    try:
        told = parse_authentication_credential_json(read(answer.encode(), LONGEST))
    except (NotCanonical, WebAuthnException, ValueError, TypeError):
        return Refusal("assertion-is-not-readable")
    response = told.response
    if told.id != to_base64url(told.raw_id):
        return Refusal("assertion-is-not-readable")
    if response.user_handle not in (None, b"", handle_of(holder)):
        return Refusal("signed-with-another-key")
    return Assertion(told.id, response.client_data_json, response.authenticator_data, response.signature)


def in_the_way(
    decision: Decision, assertion: Assertion, key: EnrolledKey, credential: Credential, counter: int
) -> Refusal | None:
    """Why the assertion does not stand under the decision: first by name, then by the library."""
    no = objection(decision, assertion, key, counter)
    if no is None and (key.rp_id, key.origin) != (rp_id(), origin()):
        no = Refusal("signed-at-another-address")  # a key of an address that this house has left
    if no is not None:
        return no
    try:
        webauthn.verify_authentication_response(
            credential=_as_json(assertion),
            expected_challenge=decision.challenge,
            expected_rp_id=key.rp_id,
            expected_origin=key.origin,
            credential_public_key=bytes(credential.cose),
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, LookupError, TypeError) as error:
        log.warning("signature.two_opinions why=%s", type(error).__name__)
        return Refusal("signature-does-not-verify")
    return None


def _as_json(assertion: Assertion) -> dict[str, Any]:
    return {
        "id": assertion.credential,
        "rawId": assertion.credential,
        "type": "public-key",
        "response": {
            "clientDataJSON": to_base64url(assertion.client_data),
            "authenticatorData": to_base64url(assertion.authenticator_data),
            "signature": to_base64url(assertion.signature),
        },
    }


def _descriptors(credentials: Iterable[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in credentials]
