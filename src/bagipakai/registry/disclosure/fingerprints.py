"""Marks in a copy by which its recipient is named when rows of it are found elsewhere.

Beside pseudonyms and who is in a list (`registry.trace`), rows without names (L2, L3) can carry marks: in columns that
the policy names, because nothing is decided by them (`core.marking`), the value's last digit is even or odd as the
recipient's code says. A value never leaves the interval that is stated for its column, nor crosses a threshold that is,
and in a copy by name and address (L4) no value is ever changed.

The code is that of Tardos (2003) in its symmetric form (Škorić, Katzenbeisser and Celik 2008). Every marked row is a
position of its own, so codes are as long as the copy and do not correlate as short ones did:

    of a row and column   AES-256(k1, token of the row ‖ column): whether it is marked, and the share p of recipients
                          who have an odd digit there, from an arcsine distribution that is cut off at CUT
    of a recipient        AES-256(k2 of the recipient's package, the same block): odd where it is below p

Where a digit y is found, a recipient scores √((1-p)/p) for an odd digit that is also theirs, and so on, 0 on average
for whoever had no part in the copy, whatever was done to it: flipped, mixed, rounded or dropped. So the chance that an
innocent scores as much has a bound (Chernoff's, from the very positions that were found), and with it, times all
recipients who are compared, a package is named: at most suspects.CERTAIN (10⁻⁶) for all together.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.canonical import canonical
from bagipakai.core.marks import MARKED, SCHEME, Marking
from bagipakai.core.plan import Level
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.suspects import Suspect

SHARES: Final = 256  # different values of p
CUT: Final = 0.02  # p is at least so much, and at most 1 less so much
FLIPPED: Final = 0.3  # of a copy's digits that may have been altered, where likelihood is told

Numbers = np.ndarray[Any, np.dtype[Any]]
Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


class Marks:
    """The keyed functions of one release. `release` is whose rows are marked: all copies of it share positions."""

    def __init__(self, master: MasterKey, release: str, marking: Marking) -> None:
        self._master, self._release, self._marking = master, release, marking
        self._row = self._cipher(kind="row")
        self._of = {name: _number(name) for name in marking.columns}
        self._shares = _shares()

    @property
    def notes(self) -> Mapping[str, str]:
        """By column, what whoever reads the copy must know of its values."""
        return {name: self._note(name, width) for name, width in self._marking.columns.items()}

    def _note(self, name: str, width: int) -> str:
        kept = ", ".join(f"{one - 1} dan {one}" for one in self._marking.thresholds.get(name, ()) if one % 2)
        return (
            f"nilai diberikan dalam selang selebar {width}, dari kelipatan {width} sampai sebelum yang berikutnya; "
            "yang sebenarnya dapat berbeda 1 di dalamnya, karena salinan ini ditandai agar asalnya dapat dilacak"
            + (f"; batas antara {kept} tidak pernah dilewati" if kept else "")
        )

    def marked(self, rows: Rows, tokens: Numbers, level: Level, package: str) -> Rows:
        """`rows` with the marks of one package, in the same order. `tokens` (uint64) tell each row, in every copy
        alike, as a person's ordinal in the release does. Unknown values stay unknown; where nothing may be marked, the
        rows are as they were. Raises TypeError for a column that is not of whole numbers."""
        if level not in MARKED:
            return rows
        for name in self._marking.columns:
            if name in rows.column_names:
                at = rows.schema.get_field_index(name)
                rows = rows.set_column(at, rows.schema.field(at), self._marked(name, rows[name], tokens, package))
        return rows

    def _marked(self, name: str, column: pa.Array | pa.ChunkedArray, tokens: Numbers, package: str) -> pa.Array:
        if not pa.types.is_integer(column.type):
            raise TypeError("only whole numbers are marked")
        values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.int64)
        where, shares = self._positions(name, values, tokens)
        odd = self._odd(name, tokens[where], shares, package)
        values[where] = (values[where] & ~1) | odd
        unknown = pc.is_null(column).to_numpy(zero_copy_only=False) if column.null_count else None
        return pa.array(values, column.type, mask=unknown)

    def accused(
        self, sample: pa.Table, tokens: Numbers, packages: Mapping[str, str], among: int | None = None
    ) -> list[Suspect]:
        """Every package (id → recipient) that the marks of `sample` speak for, the likeliest first; all others are not
        listed. Only those that are `certain` are named: the chance that an innocent one is among them is at most
        suspects.CERTAIN, of all `packages`, or of all that are `among` those compared, where these are only some.
        `tokens` tell the row of the release that each row of the sample is."""
        names = [name for name in self._marking.columns if name in sample.column_names]
        found = [self._found(name, sample[name], tokens) for name in names]
        compared = sum(len(one.tokens) for one in found)
        if not compared:
            return []
        innocent, many = Innocent([(one.shares, one.odd) for one in found]), among or len(packages)
        suspects = [self._suspect(*package, found, innocent, compared, many) for package in packages.items()]
        suspects = [one for one in suspects if one.bound < 1]
        return sorted(suspects, key=lambda one: (not one.certain, one.bound, one.package))

    def _found(self, name: str, column: pa.ChunkedArray, tokens: Numbers) -> "_Found":
        """The marked places of a column, each once: what most of its rows say, none where they disagree evenly."""
        known = pc.is_valid(column).to_numpy()
        values, tokens = pc.fill_null(column, 0).to_numpy().astype(np.int64)[known], tokens[known]
        where, shares = self._positions(name, values, tokens)
        places, first, of = np.unique(tokens[where], return_index=True, return_inverse=True)
        says = np.bincount(of, weights=2.0 * (values[where] & 1) - 1, minlength=len(places))
        told = says != 0
        return _Found(name, places[told], shares[first][told], (says > 0)[told])

    def _suspect(
        self, package: str, recipient: str, found: Sequence["_Found"], innocent: "Innocent", compared: int, many: int
    ) -> Suspect:
        score, fitting, ratio = 0.0, 0, 0.0
        for one in found:
            odd = self._odd(one.name, one.tokens, one.shares, package).astype(bool)
            share = self._shares[one.shares] / 65_536
            score += float(_scores(odd, one.odd, share).sum())
            fits = odd == one.odd
            fitting += int(fits.sum())
            by_chance = np.where(one.odd, share, 1 - share)
            ratio += float(np.log10(np.where(fits, 1 - FLIPPED, FLIPPED) / by_chance).sum())
        bound = min(1.0, many * innocent.chance(score))
        return Suspect(package, recipient, "tanda", fitting, compared, round(ratio, 1), bound)

    def _positions(self, name: str, values: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers]:
        """Which rows are marked, and the number of the share of each of these. Where a threshold lies between the even
        digit and its odd one, none is, whichever of the two is told."""
        drawn = _blocks(self._row, tokens, self._of[name])
        apart = np.isin(values | 1, self._marking.thresholds.get(name, ()))
        where = np.flatnonzero((drawn[:, 0] % np.uint64(self._marking.every) == 0) & ~apart)
        shares: Numbers = (drawn[where, 1] >> np.uint64(56)).astype(np.int64)
        return where, shares

    def _odd(self, name: str, tokens: Numbers, shares: Numbers, package: str) -> Numbers:
        """The digits of a package at these places: 1 where odd."""
        drawn = _blocks(self._cipher(kind="recipient", package=package), tokens, self._of[name])[:, 0]
        odd: Numbers = ((drawn >> np.uint64(48)).astype(np.int64) < self._shares[shares]).astype(np.int64)
        return odd

    def _cipher(self, **info: str) -> Cipher[ECB]:
        told = canonical({"scheme": SCHEME, "release": self._release, **info})
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=told).derive(self._master.raw)
        return Cipher(AES(key), ECB())  # noqa: S305  # each block is a number of its own


@dataclass(frozen=True, slots=True)
class _Found:
    """The marked places of a column that a sample has: their rows, the numbers of their shares, and whether the digit
    there is odd."""

    name: str
    tokens: Numbers
    shares: Numbers
    odd: Numbers


def recognised(
    engine: duckdb.DuckDBPyConnection,
    sample: pa.Table,
    release: str,
    marking: Marking,
    compared: Sequence[str] | None = None,
) -> tuple[pa.Table, Numbers]:
    """The rows of `sample` that are exactly one row of `release`, and the tokens of these, where no name, number or
    pseudonym tells: by the columns `compared` of the sample (by all), the marked ones up to their interval. `release`
    is a view of `engine` with these columns and the `token` of each row; it is read once, as a stream, and what is kept
    of it is no more than the sample. A row that fits two is nobody's."""
    names = sample.column_names if compared is None else compared
    if not names:
        return sample.slice(0, 0), np.zeros(0, np.uint64)
    columns = ", ".join(f"{_interval(name, marking)} AS c{at}" for at, name in enumerate(names))
    told = ", ".join(f"c{at}" for at in range(len(names)))
    engine.register("sample", sample.append_column("place", [np.arange(len(sample))]))
    found = engine.sql(f"""
        WITH
        wanted AS (
            SELECT {columns}, place FROM sample
        ),
        asked AS (
            SELECT DISTINCT {told} FROM wanted
        ),
        known AS (
            SELECT {columns}, token FROM {release}
        ),
        met AS (     -- no more than were asked for, however many rows there are
            SELECT {told}, min(token) AS token, count(*) AS rows
            FROM known SEMI JOIN asked ON {_alike("known", "asked", names)} GROUP BY {told}
        )
        SELECT wanted.place, met.token FROM wanted JOIN met ON {_alike("wanted", "met", names)}
        WHERE (met.rows = 1) ORDER BY wanted.place
        """).to_arrow_table()  # noqa: S608  # names of columns come from the catalogue
    engine.unregister("sample")
    return sample.take(found["place"]), found["token"].to_numpy().astype(np.uint64)


def _interval(name: str, marking: Marking) -> str:
    """A column; where it is marked, the first number of its interval."""
    width = marking.columns.get(name)
    return f'"{name}"' if width is None else f'"{name}" - (("{name}" % {width}) + {width}) % {width}'


def _alike(one: str, other: str, names: Sequence[str]) -> str:
    return " AND ".join(f"({one}.c{at} IS NOT DISTINCT FROM {other}.c{at})" for at in range(len(names)))


class Innocent:
    """What a recipient without part in the copy scores at given places: for each, the number of its share and the digit
    that was found. E[exp(λ·score)] · exp(-λ·score) bounds the chance of `score` or more for every λ > 0 (Chernoff
    1952); the least of some is taken."""

    def __init__(self, found: Sequence[tuple[Numbers, Numbers]]) -> None:
        share = _shares() / 65_536
        self._powers = np.geomspace(1e-4, 2, 80)
        self._logs = np.zeros(len(self._powers))  # of E[exp(λ·score)]
        for shares, says in found:
            for digit in (True, False):
                many = np.bincount(shares[says == digit], minlength=SHARES)
                theirs, others = (_scores(np.full(SHARES, own), np.full(SHARES, digit), share) for own in (True, False))
                told = [share * np.exp(power * theirs) + (1 - share) * np.exp(power * others) for power in self._powers]
                self._logs += np.log(told) @ many

    def chance(self, score: float) -> float:
        """A bound of the chance that they score at least so much."""
        least = float((self._logs - self._powers * score).min())
        return math.exp(min(0.0, max(least, -700.0)))


def _scores(own: Numbers, found: Numbers, share: Numbers) -> Numbers:
    """What a recipient with digit `own` scores where `found` is found: mean 0 and variance 1 over innocent ones."""
    rare = np.where(found, np.sqrt((1 - share) / share), np.sqrt(share / (1 - share)))
    scores: Numbers = np.where(own == found, rare, -1 / rare)
    return scores


def _shares() -> Numbers:
    """The values of p in 65,536ths: an arcsine distribution between CUT and 1 - CUT, at SHARES even steps."""
    low = math.asin(math.sqrt(CUT))
    angles = [low + (math.pi / 2 - 2 * low) * (at + 0.5) / SHARES for at in range(SHARES)]
    return np.array([round(65_536 * math.sin(angle) ** 2) for angle in angles], np.int64)


def _blocks(cipher: Cipher[ECB], tokens: Numbers, column: int) -> Numbers:
    """AES of each token beside a column's number: (rows, 2) of 64 bits."""
    blocks = np.empty((len(tokens), 2), "<u8")
    blocks[:, 0], blocks[:, 1] = tokens, np.uint64(column)
    sealed = cipher.encryptor().update(blocks.view(np.uint8).reshape(-1).data)
    drawn: Numbers = np.frombuffer(sealed, "<u8").reshape(-1, 2)
    return drawn


def _number(name: str) -> int:
    """A number for the name of a column, below 2^64."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
