"""Pseudonyms of NIK and KK numbers: AES-256 of the single 16-byte block that such a number is (dataplane reference §6).

A permutation, so two people never share a token; keyed by recipient, purpose and release, so no two packages of
different recipients can be joined; reversible by the controller, who has the key, and by nobody else. A number that is
missing or cannot be one gets no token (it would tie strangers together) but an id of this package alone.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.canonical import canonical
from bagipakai.registry.keys import MasterKey

SCHEME = "aes-256-block/hkdf-sha-256/v1"
TOKEN = pa.binary(16)


class Identifier(StrEnum):
    """The two numbers that can be replaced, and the word in the name of the replacing column."""

    NIK = "nik"
    KK = "kk"

    @property
    def column(self) -> str:
        return f"pseudonim_{self.value}"

    @property
    def marker(self) -> str:
        """The boolean column that is false where the number was missing or invalid and the id means nothing."""
        return f"pseudonim_{self.value}_sah"


IDENTIFIERS = {"nik": Identifier.NIK, "nomor_kk": Identifier.KK}  # registry column → what it is


@dataclass(frozen=True)
class PackageKeys:
    """The keys of one package, derived from the master key; nothing of them is ever stored."""

    master: MasterKey
    recipient: str
    purpose: str
    release: str
    package: str

    def token_key(self, kind: Identifier) -> bytes:
        """32 bytes. The same for every package of this recipient, purpose and release; different for anything else."""
        return self._derive(
            recipient=self.recipient, purpose=self.purpose, release=self.release, kind=kind.value, scheme=SCHEME
        )

    def random_key(self, kind: Identifier) -> bytes:
        """32 bytes for the ids of invalid numbers, of this package only."""
        return self._derive(package=self.package, kind=kind.value, scheme=f"{SCHEME}/random-id")

    def order_key(self) -> bytes:
        """32 bytes for the order of rows, of this package only."""
        return self._derive(package=self.package, scheme=f"{SCHEME}/row-order")

    def _derive(self, **info: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=canonical(info)).derive(self.master.raw)


def pseudonyms(
    numbers: pa.Array, ordinals: pa.Array, kind: Identifier, keys: PackageKeys
) -> tuple[pa.FixedSizeBinaryArray, pa.BooleanArray]:
    """One 16-byte id per row, and whether it is a token (true) or a random id (false).

    `numbers` is text, nulls allowed; `ordinals` are whole numbers without nulls that identify whose number it is (the
    person, or the family), from which the random ids are made.
    """
    digits, valid = _digits(numbers, kind)
    ids = _blocks(digits, keys.token_key(kind))
    invalid = ~valid
    if invalid.any():
        blocks = np.zeros((int(invalid.sum()), 2), dtype=">u8")
        blocks[:, 1] = ordinals.to_numpy(zero_copy_only=False)[invalid]
        ids[invalid] = _blocks(blocks.view(np.uint8).reshape(-1, 16), keys.random_key(kind))
    return pa.FixedSizeBinaryArray.from_buffers(TOKEN, len(ids), [None, pa.py_buffer(ids)]), pa.array(valid)


def original(token: bytes, kind: Identifier, keys: PackageKeys) -> str:
    """The number behind a token: lawful re-identification by the controller. Raises ValueError if it is no token of
    these keys."""
    plain = Cipher(algorithms.AES(keys.token_key(kind)), modes.ECB()).decryptor().update(token)  # noqa: S305
    if len(plain) != 16 or not all(0x30 <= byte <= 0x39 for byte in plain):
        raise ValueError("no token of these keys")
    return plain.decode("ascii")


def hexadecimal(ids: pa.FixedSizeBinaryArray) -> pa.StringArray:
    """The ids as 32 lower-case hexadecimal digits, for text formats. `ids` has no nulls."""
    raw = ids.buffers()[1][16 * ids.offset : 16 * (ids.offset + len(ids))]
    offsets = np.arange(len(ids) + 1, dtype=np.int32) * 32
    return pa.StringArray.from_buffers(
        len(ids), pa.py_buffer(offsets), pa.py_buffer(raw.to_pybytes().hex().encode("ascii"))
    )


def shuffled(batch: pa.RecordBatch, number: int, key: bytes) -> pa.RecordBatch:
    """The rows of `batch` in an order that depends on `key` and on `number`, the batch's place in the stream.

    Release order keeps a family together and is the same for everybody, so two recipients could join by counting rows.
    """
    # The counter block holds the batch number in its upper half, so that streams of two batches never meet.
    stream = Cipher(algorithms.AES(key), modes.CTR((number << 64).to_bytes(16, "big"))).encryptor()
    sort_keys = np.frombuffer(stream.update(bytes(8 * batch.num_rows)), dtype="<u8")
    return batch.take(pa.array(np.argsort(sort_keys)))


def _blocks(blocks: np.ndarray, key: bytes) -> np.ndarray:
    """Each row of 16 bytes under AES. ECB is what is meant here: one block is one number, and equal numbers must give
    equal tokens."""
    sealed = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(np.ascontiguousarray(blocks).data)  # noqa: S305
    return np.frombuffer(bytearray(sealed), dtype=np.uint8).reshape(-1, 16)


def _digits(numbers: pa.Array, kind: Identifier) -> tuple[np.ndarray, np.ndarray]:
    """The numbers as rows of 16 bytes, and which of them can be a NIK or KK number.

    The rule of structure: 16 ASCII digits; a province code from 11 on; day and month of birth (for a woman's NIK the
    day plus 40) or, for a family card, of issue; a serial number that is not 0000.
    """
    sixteen = pc.fill_null(pc.equal(pc.binary_length(numbers), 16), False)
    whole = sixteen.to_numpy(zero_copy_only=False)
    text = numbers if whole.all() else pc.if_else(sixteen, numbers, "0" * 16)
    starts = np.frombuffer(text.buffers()[1], dtype=np.int32)
    first = int(starts[text.offset]) if len(text) else 0
    letters = np.frombuffer(text.buffers()[2] or b"", dtype=np.uint8)
    digits = np.array(letters[first : first + 16 * len(text)].reshape(-1, 16))
    words = digits.view("<u8")
    upper = np.uint64(0xF0F0F0F0F0F0F0F0)
    ascii_digits = np.uint64(0x3030303030303030)
    carry = np.uint64(0x0606060606060606)  # added to a byte above '9', it changes the upper half of that byte
    figures = ((words & upper) == ascii_digits) & (((words + carry) & upper) == ascii_digits)
    valid = whole & figures[:, 0] & figures[:, 1]
    province, day, month = (10 * _figure(digits, at) + _figure(digits, at + 1) for at in (0, 6, 8))
    last_day = 71 if kind is Identifier.NIK else 31
    valid &= (province >= 11) & (day >= 1) & (day <= last_day) & ((day <= 31) | (day >= 41))
    valid &= (month >= 1) & (month <= 12) & ((words[:, 1] >> np.uint64(32)) != np.uint64(0x30303030))
    return digits, valid


def _figure(digits: np.ndarray, at: int) -> np.ndarray:
    """The digit at one place of every number; anything, where it is no digit."""
    return digits[:, at].astype(np.int16) - 0x30
