"""A sheet of pairs sealed to the key of one browser: elliptic-curve encryption of the kind that every browser opens.

    ephemeral point (65 bytes) · nonce (12) · AES-256-GCM of the content, tag at the end

The key is HKDF-SHA256 of the shared secret on P-256, without salt; its info names this scheme and both points. The
order's id is authenticated with the content, so that a sheet never passes for another. The content is JSON, filled with
blanks to a multiple of 4 KiB: its length tells little. Sources: SEC 1 §5.1 (ECIES); RFC 5869; NIST SP 800-38D.
"""

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SCHEME: Final = b"bagipakai sheet 1"
POINT, NONCE = 65, 12
FILLED: Final = 4096


class BadReader(ValueError):
    """These digits are no point of the curve."""


def sealed(content: bytes, reader: str, order_id: str) -> bytes:
    """The content for whoever holds the secret half of `reader` (a point as hexadecimal digits). Raises BadReader."""
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(reader))
    except ValueError:
        raise BadReader from None
    own = ec.generate_private_key(ec.SECP256R1())
    ours = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key = _key(own.exchange(ec.ECDH(), point), ours, bytes.fromhex(reader))
    nonce = secrets.token_bytes(NONCE)
    filled = content + b" " * (-len(content) % FILLED)
    return ours + nonce + AESGCM(key).encrypt(nonce, filled, order_id.encode("utf-8"))


def opened(sheet: bytes, reader: ec.EllipticCurvePrivateKey, order_id: str) -> bytes:
    """What was sealed, without the blanks: what a browser does, for tests and for who checks it. Raises InvalidTag, and
    ValueError for what is no sheet."""
    theirs = sheet[:POINT]
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    mine = reader.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key = _key(reader.exchange(ec.ECDH(), point), theirs, mine)
    nonce, content = sheet[POINT : POINT + NONCE], sheet[POINT + NONCE :]
    return AESGCM(key).decrypt(nonce, content, order_id.encode("utf-8")).rstrip(b" ")


def _key(shared: bytes, ours: bytes, reader: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=SCHEME + ours + reader).derive(shared)
