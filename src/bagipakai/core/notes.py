"""Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint and tlog-cosignature.

A checkpoint says in three lines whose log it is, how long, and its root. The log signs it; witnesses cosign it with
the time at which they saw it. A line by an unknown key is no error: keys change by signing with both for a while.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

DASH = "—"
LONGEST = 256 * 1024
MOST_SIGNATURES = 32


class BadNote(ValueError):
    """Not a signed note, not a checkpoint, or not a key. Names no content."""


class Kind(IntEnum):
    """The signature type byte of C2SP signed-note, and what it covers."""

    LOG = 0x01  # Ed25519 over the text
    ED25519_COSIGNATURE = 0x04  # Ed25519 over time and text
    ML_DSA_COSIGNATURE = 0x06  # ML-DSA-44 over cosigner, time, origin, size and root


LENGTHS = {Kind.LOG: 32, Kind.ED25519_COSIGNATURE: 32, Kind.ML_DSA_COSIGNATURE: 1312}


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log: `size` entries under `root` (32 bytes). `text` is what is signed."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def read(cls, text: str) -> "Checkpoint":
        """Raises BadNote. Extension lines are refused: an ML-DSA cosignature would not cover them."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
            raise BadNote("not a checkpoint")
        root = base64_bytes(lines[2])
        if len(root) != 32:
            raise BadNote("not a checkpoint")
        return cls(lines[0], int(lines[1]), root)


@dataclass(frozen=True)
class Signature:
    """One line under a note: by which key, and the bytes after the key id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{DASH} {self.name} {_base64(self.key_id + self.value)}\n"

    @property
    def time(self) -> int:
        """When a cosignature was given, in seconds since 1970; meaningless for a log's own signature."""
        return int.from_bytes(self.value[:8])


@dataclass(frozen=True)
class Note:
    """A text and the signatures under it, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, note: bytes) -> "Note":
        """Raises BadNote."""
        if len(note) > LONGEST:
            raise BadNote("too long")
        try:
            whole = note.decode("utf-8")
        except UnicodeDecodeError:
            raise BadNote("not UTF-8") from None
        if any(sign < " " and sign != "\n" for sign in whole):
            raise BadNote("a control character")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not lines:
            raise BadNote("no signature")
        return cls(text + "\n", read_signatures(lines))

    def __bytes__(self) -> bytes:
        return (self.text + "\n" + "".join(one.line for one in self.signatures)).encode()

    def with_lines(self, *more: Signature) -> "Note":
        """The same note with further signatures; one that is there is not added twice."""
        return Note(self.text, tuple(dict.fromkeys(self.signatures + more)))


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """Signature lines, as they stand under a note or in a witness's answer. Raises BadNote."""
    found = []
    if not lines.endswith("\n"):
        raise BadNote("a line does not end")
    for line in lines[:-1].split("\n"):
        dash, name, value = (*line.split(" "), "", "")[:3]
        if dash != DASH or not _is_name(name) or line.count(" ") != 2:
            raise BadNote("not a signature")
        signed = base64_bytes(value)
        if len(signed) <= 4:
            raise BadNote("not a signature")
        found.append(Signature(name, signed[:4], signed[4:]))
    if len(found) > MOST_SIGNATURES:
        raise BadNote("too many signatures")
    return tuple(found)


@dataclass(frozen=True)
class NoteKey:
    """A public key with its name: what C2SP calls a vkey. Two keys are the same witness if `material` is the same."""

    name: str
    kind: Kind
    material: bytes

    @classmethod
    def read(cls, text: str) -> "NoteKey":
        """From its one-line form, `name+id+key`. Raises BadNote."""
        name, key_id, rest = (*text.removesuffix("\n").split("+", 2), "", "")[:3]
        packed = base64_bytes(rest)
        try:
            key = cls(name, Kind(packed[0]), packed[1:])
        except (ValueError, IndexError):
            raise BadNote("not a key") from None
        if not _is_name(name) or len(key.material) != LENGTHS[key.kind] or key.id.hex() != key_id:
            raise BadNote("not a key")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.kind]) + self.material)}"

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.material).digest()[:4]

    def signed(self, note: Note) -> Signature | None:
        """The latest signature of this key under `note`, None if it did not sign. Raises BadNote if one that names this
        key is false."""
        mine = [one for one in note.signatures if (one.name, one.key_id) == (self.name, self.id)]
        if not all(self.verifies(one, note.text) for one in mine):
            raise BadNote("a false signature")
        return max(mine, key=lambda one: one.time, default=None)

    def verifies(self, signature: Signature, text: str) -> bool:
        """Whether `signature` is this key's, over `text`."""
        try:
            if self.kind is Kind.LOG:
                Ed25519PublicKey.from_public_bytes(self.material).verify(signature.value, text.encode())
                return True
            time, value = signature.value[:8], signature.value[8:]
            if int.from_bytes(time) >= 2**63:
                return False
            if self.kind is Kind.ED25519_COSIGNATURE:
                message = _cosigned(int.from_bytes(time), text)
                Ed25519PublicKey.from_public_bytes(self.material).verify(value, message)
            else:
                message = _subtree(self.name, time, Checkpoint.read(text))
                MLDSA44PublicKey.from_public_bytes(self.material).verify(value, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class NoteSigner:
    """A private key that signs notes under one name. Its `repr` shows the public key id only."""

    def __init__(self, name: str, kind: Kind, seed: bytes) -> None:
        """`seed` is 32 secret bytes. Raises BadNote for a name that no note can carry."""
        if not _is_name(name) or len(seed) != 32:
            raise BadNote("not a key")
        self._key: Ed25519PrivateKey | MLDSA44PrivateKey
        if kind is Kind.ML_DSA_COSIGNATURE:
            self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        else:
            self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.public = NoteKey(name, kind, self._key.public_key().public_bytes_raw())

    @classmethod
    def read(cls, text: str) -> "NoteSigner":
        """From its one-line form, `PRIVATE+KEY+name+id+key`. Raises BadNote."""
        words = text.removesuffix("\n").split("+", 4)
        if len(words) != 5 or words[:2] != ["PRIVATE", "KEY"]:
            raise BadNote("not a private key")
        packed = base64_bytes(words[4])
        try:
            signer = cls(words[2], Kind(packed[0]), packed[1:])
        except (ValueError, IndexError):
            raise BadNote("not a private key") from None
        if signer.public.id.hex() != words[3]:
            raise BadNote("not a private key")
        return signer

    def secret(self) -> str:
        """The one-line form that `read` takes."""
        key = self.public
        return f"PRIVATE+KEY+{key.name}+{key.id.hex()}+{_base64(bytes([key.kind]) + self._seed)}"

    def sign(self, text: str, time: int = 0) -> Signature:
        """The signature line for `text`. A cosigner states `time` (seconds since 1970); a log's own key has none."""
        key = self.public
        if key.kind is Kind.LOG:
            return Signature(key.name, key.id, self._key.sign(text.encode()))
        stamp = time.to_bytes(8)
        if key.kind is Kind.ED25519_COSIGNATURE:
            return Signature(key.name, key.id, stamp + self._key.sign(_cosigned(time, text)))
        return Signature(key.name, key.id, stamp + self._key.sign(_subtree(key.name, stamp, Checkpoint.read(text))))

    def __repr__(self) -> str:
        return f"<NoteSigner {self.public.name} {self.public.id.hex()}>"


def _cosigned(time: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _subtree(name: str, time: bytes, checkpoint: Checkpoint) -> bytes:
    """The `cosigned_message` of tlog-cosignature for a whole tree."""
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    if len(cosigner) > 255 or len(origin) > 255:
        raise BadNote("a name is too long")
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(cosigner)]) + cosigner,
            time,
            bytes([len(origin)]) + origin,
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _is_name(name: str) -> bool:
    return bool(name) and not any(sign == "+" or sign.isspace() or sign < " " for sign in name)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def base64_bytes(text: str) -> bytes:
    """Strict base64: one spelling for one value. Raises BadNote."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
    if _base64(value) != text:
        raise BadNote("not base64")
    return value
