"""A signed value: the DSSE envelope (secure-systems-lab/dsse, protocol v1) over canonical JSON, signed with Ed25519.

Orders, receipts and package manifests all travel in this one form. What is signed is the type *and* the bytes, so a
receipt can never be passed off as an order; what is read is only what was signed.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from bagipakai.core.canonical import NotCanonical, canonical, read

LINE_NAME: Final = "ed25519"
LINE_DIGITS: Final = re.compile("[0-9a-f]{64}")


class BadSeal(ValueError):
    """The envelope is not one, is of another type, or was not signed by a key we trust. Names no content."""


class Signer:
    """One Ed25519 private key. Its `repr` shows the public key id only."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def new(cls) -> "Signer":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> "Signer":
        """The key that these 32 secret bytes are (RFC 8032)."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> "Signer":
        """Raises BadSeal if `pem` is not an unencrypted Ed25519 private key."""
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadSeal("not a private key") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadSeal("not an Ed25519 key")
        return cls(key)

    def to_pem(self) -> bytes:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"<Signer {self.public.key_id}>"


class PublicKey:
    """One Ed25519 public key; `key_id` is the first 16 hexadecimal digits of SHA-256 over its 32 raw bytes."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(raw).hexdigest()[:16]

    @classmethod
    def from_pem(cls, pem: bytes) -> "PublicKey":
        """Raises BadSeal if `pem` is not an Ed25519 public key."""
        try:
            key = load_pem_public_key(pem)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadSeal("not a public key") from None
        if not isinstance(key, Ed25519PublicKey):
            raise BadSeal("not an Ed25519 key")
        return cls(key)

    @classmethod
    def from_line(cls, text: str) -> "PublicKey":
        """Reads `to_line`. Raises BadSeal for any other spelling."""
        name, _, digits = text.partition(":")
        if name != LINE_NAME or not LINE_DIGITS.fullmatch(digits):
            raise BadSeal("not a public key")
        return cls(Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits)))

    def to_line(self) -> str:
        """`ed25519:` and 64 hexadecimal digits: as a person copies it."""
        return f"{LINE_NAME}:{self._key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()}"

    def to_pem(self) -> bytes:
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, message: bytes) -> bool:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def __repr__(self) -> str:
        return f"<PublicKey {self.key_id}>"


def seal(kind: str, value: Mapping[str, Any], signer: Signer) -> bytes:
    """`value` of payload type `kind`, signed: the canonical JSON of a DSSE envelope. Raises NotCanonical."""
    payload = canonical(value)
    signature = signer.sign(_encoding(kind, payload))
    return _envelope(kind, payload, [(signer.public.key_id, signature)])


def _envelope(kind: str, payload: bytes, signatures: list[tuple[str, bytes]]) -> bytes:
    return canonical(
        {
            "payloadType": kind,
            "payload": base64.b64encode(payload).decode("ascii"),
            "signatures": [
                {"keyid": key_id, "sig": base64.b64encode(signature).decode("ascii")}
                for key_id, signature in signatures
            ],
        }
    )


def unseal(kind: str, envelope: bytes, trusted: PublicKey) -> dict[str, Any]:
    """The value inside, if `trusted` signed it as `kind`. Raises BadSeal for anything else, also for the same content
    in an envelope spelled otherwise: the digest of an envelope names one document."""
    try:
        outer = read(envelope)
        payload = base64.b64decode(outer["payload"], validate=True)
        signatures = [(one["keyid"], base64.b64decode(one["sig"], validate=True)) for one in outer["signatures"]]
        stated = outer["payloadType"]
        one_spelling = _envelope(stated, payload, signatures)
    except (NotCanonical, KeyError, TypeError, binascii.Error, ValueError):
        raise BadSeal("not an envelope") from None
    if one_spelling != envelope:
        raise BadSeal("not an envelope")
    if stated != kind:
        raise BadSeal("another type of document")
    message = _encoding(kind, payload)
    if not any(key == trusted.key_id and trusted.verify(signature, message) for key, signature in signatures):
        raise BadSeal("not signed by the expected key")
    try:
        value = read(payload)
    except NotCanonical:
        raise BadSeal("not canonical content") from None
    if not isinstance(value, dict) or canonical(value) != payload:
        raise BadSeal("not canonical content")
    return value


def kind_of(envelope: bytes) -> str:
    """What type of document the envelope says it is, believed by nobody yet. Raises BadSeal if it is no envelope."""
    try:
        return str(read(envelope)["payloadType"])
    except (NotCanonical, KeyError, TypeError):
        raise BadSeal("not an envelope") from None


def _encoding(kind: str, payload: bytes) -> bytes:
    """Pre-authentication encoding of DSSE v1: lengths before contents, so no two pairs share an encoding."""
    name = kind.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)
