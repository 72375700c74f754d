"""About whom each institution asked by matching, and with which values: so that guessing is seen, and counted, without
anybody being readable here (matching reference 4.12, decision 0135).

    var/registry/asked/<institution>.<day>.<rows>.<package>.npy     pairs of tokens: a person, and what a row said

A token is 8 bytes of AES-256 of one block, under a key of the institution that is derived from the master key: without
that key it is nothing, and no two institutions' tokens can be compared. The name of the institution in a file's name is
such a token too. Only what was answered is kept: what was refused told nobody anything.
"""

import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.canonical import canonical
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.index import text_hashes
from bagipakai.registry.matching.keys import mix
from bagipakai.registry.matching.numbers import DATED, DIGITS, LEAST, MOST, a_digit_less, is_possible
from bagipakai.registry.matching.policy import Abuse

SCHEME: Final = "asked-tokens/v1"
PAIR: Final = np.dtype([("person", "<u8"), ("values", "<u8")])
_ENDING: Final = ".npy"
_NUMBERS: Final = (
    "nik",
    "nik_odd",
    "nik_beside",
    "kk",
    "kk_15",
    "born",
    "sex",
    "kab",
    "kec",
    "desa",
)  # of a row's features: what a guesser alters
_SERIALS: Final = 10 ** (DIGITS - DATED)
_TEXTS: Final = ("name", "mother")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one order."""

    file: Path
    institution: str
    day: date
    rows: int
    package: str


class Asked:
    """What one institution asked."""

    def __init__(self, folder: Path, master: MasterKey, institution: str) -> None:
        self._folder = folder
        person, values, name = (_derived(master, institution, kind) for kind in ("person", "values", "institution"))
        # Each block is a number of its own: what ECB gives away, that two are equal, is what is asked.
        self._person, self._values = (Cipher(AES(key), ECB()) for key in (person, values))  # noqa: S305
        self._name = hmac.digest(name, institution.encode(), "sha256").hex()[:16]

    def rows(self, day: date, policy: Abuse, but: str) -> int:
        """How many rows it had matched in the days of the quota that end on `day`, but for those of a package."""
        since = day - timedelta(days=policy.quota_days)
        return sum(one.rows for one in self._entries() if since < one.day and one.package != but)

    def pairs(self, niks: Numbers, others: Numbers, said: Numbers) -> Numbers:
        """For each question: whom it was about, by NIK or, where there is none (0), by another number that tells the
        person; and what it said (`said`, of `values`). Each once."""
        found = np.zeros(len(niks), PAIR)
        found["person"] = _tokens(self._person, niks, np.where(niks == 0, others, 0))
        found["values"] = _tokens(self._values, said, np.zeros(len(said), np.int64))
        return np.unique(found)

    def altered(self, pairs: Numbers, day: date, policy: Abuse, but: str) -> Numbers:
        """In how many different ways each person of `pairs` was asked about, now and in the days that are remembered
        up to `day`, but for a package. One file is looked at at a time."""
        persons = np.unique(pairs["person"])
        together, since = [pairs], day - timedelta(days=policy.asked_days)
        for one in self._entries():
            if since < one.day and one.package != but:
                earlier = np.load(one.file, allow_pickle=False)
                together.append(earlier[np.isin(earlier["person"], persons)])
        _, ways = np.unique(np.unique(np.concatenate(together))["person"], return_counts=True)
        counted: Numbers = ways
        return counted

    def keep(self, pairs: Numbers, rows: int, day: date, package: str) -> None:
        """Remembers an answer; whole or not at all. Raises OSError."""
        file = self._folder / f"{self._name}.{day:%Y%m%d}.{rows}.{package}{_ENDING}"
        draft = file.with_name(f".{package}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            np.save(out, pairs, allow_pickle=False)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)

    def _entries(self) -> Iterator[Entry]:
        return (one for one in entries(self._folder) if one.institution == self._name)


def values(features: pa.Table) -> Numbers:
    """A number for what each row says of a person, the same for rows that say the same."""
    said = np.zeros(len(features), np.uint64)
    for name in _NUMBERS:
        column = features[name].combine_chunks()
        if pa.types.is_date(column.type):
            column = column.cast(pa.int32())
        told = column.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        said = mix(said ^ mix(told.astype(np.uint64)))
    for name in _TEXTS:
        words = features[name].combine_chunks().dictionary_encode()
        each = np.append(text_hashes(words.dictionary), np.uint64(0))
        said = mix(said ^ each[words.indices.fill_null(len(words.dictionary)).to_numpy(zero_copy_only=False)])
    return said.view(np.int64)


def tried(features: pa.Table, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Those of these `rows` (bool) that could be tries of a serial, some several times; and for each a number below 0
    that all tries of one NIK have in common. It is what stands before the serial; and where a digit is missing or too
    many, what may stand there: each of the possible NIKs without a digit, or the rest, or the date."""
    nik, beside, odd = (features[name].fill_null(0).to_numpy() for name in ("nik", "nik_beside", "nik_odd"))
    long, short = np.where(odd > MOST, odd, 0), np.where(odd < LEAST, odd, 0)
    before = [np.where(features["nik_sound"].to_numpy() >= DIGITS - 1, nik, 0) // _SERIALS, beside // _SERIALS]
    for one in a_digit_less(long, DIGITS + 1):
        possible = is_possible(one, np.full(len(one), DATED))
        before.append(np.where(possible, one // _SERIALS, 0))
    before.append(np.where(short > 0, 10**13 + short // _SERIALS, 0))
    for day in (short // _SERIALS % 10**6, short // (_SERIALS // 10) % 10**6):
        before.append(np.where(short > 0, 10**14 + day, 0))
    found = [np.flatnonzero(one * rows) for one in before]
    return np.concatenate(found), -np.concatenate([one[at] for one, at in zip(before, found, strict=True)])


def entries(folder: Path) -> Iterator[Entry]:
    """What is kept, of everybody, by institution and day."""
    for file in sorted(folder.glob(f"[!.]*{_ENDING}")):
        institution, day, rows, package = file.name.removesuffix(_ENDING).split(".")
        yield Entry(file, institution, date.fromisoformat(day), int(rows), package)


def tidy(folder: Path, day: date) -> int:
    """Takes away what the policy of `day` does not remember any more. Returns how many answers."""
    since, gone = day - timedelta(days=Abuse.on(day).asked_days), 0
    for one in entries(folder):
        if one.day <= since:
            one.file.unlink(missing_ok=True)
            gone += 1
    return gone


def _tokens(cipher: Cipher[ECB], first: Numbers, second: Numbers) -> Numbers:
    blocks = np.empty((len(first), 2), "<i8")
    blocks[:, 0], blocks[:, 1] = first, second
    sealed = cipher.encryptor().update(blocks.tobytes())
    tokens: Numbers = np.frombuffer(sealed, "<u8").reshape(-1, 2)[:, 0]
    return tokens


def _derived(master: MasterKey, institution: str, kind: str) -> bytes:
    info = canonical({"scheme": SCHEME, "institution": institution, "kind": kind})
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master.raw)
