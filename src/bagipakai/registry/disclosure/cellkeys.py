"""Noise that belongs to a cell: the same question about the same people has one answer, whoever asks, however often.

Each person has a *record key*: 64 bits of a keyed function of the person's stable token, the same over all releases;
otherwise four releases a year would average the noise away. A cell's members have the sum of theirs modulo 2^64 (a XOR
would lose whoever comes twice). The *cell key* is a keyed function of that sum and of the canonical predicate, a box
somewhere (`containment`): the same people under another predicate draw new noise, so that a person who is told by
difference of two tables hides in both noises. Sums of sums stay inside the keyed function: no two cell keys are bound
by an equation.

    record key     AES-256(k1, token of the person)                             the first 8 bytes, as all below
    mask           HMAC-SHA-256(k2, dimension and mask of categories, or the codes of an area)
    box            AES-256(k3, sum of its masks modulo 2^64)
    cell key       AES-256(k4, sum of record keys ‖ box)
    set            AES-256(k5, sum of record keys)       what the ledger keeps of who was counted

The upper half of a cell key draws the noise, the lower half the rounding. The keys are HKDF of a secret that
stays when pseudonyms change. (Fraser and Wooton 2005; Thompson, Broadfoot and Elazar 2013. What it does not stop:
disclosure reference §6.1. The ledger stands beside it.)
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.boxes import Box, spelled
from bagipakai.core.canonical import canonical
from bagipakai.registry.disclosure.measures import quoted
from bagipakai.registry.disclosure.noise import Table
from bagipakai.registry.keys import MasterKey

SCHEME: Final = "cell-keys/v1"
WHOLE: Final = 1 << 64

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is shown of perturbed counts. `smallest`: hidden below it, after the noise. `base`: rounded to its multiples
    by cell key, up as often as the rest demands, so that the mean stays; 1 rounds nothing."""

    smallest: int
    base: int = 1


class CellKeys:
    """The keyed functions of one unit (`individu` or `keluarga`)."""

    def __init__(self, master: MasterKey, unit: str) -> None:
        def derived(kind: str) -> bytes:
            info = canonical({"scheme": SCHEME, "unit": unit, "kind": kind})
            return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master.raw)

        # Each block is a number of its own: what ECB gives away, that two are equal, is what is asked.
        self._record, self._box, self._cell, self._set = (
            Cipher(AES(derived(kind)), ECB())  # noqa: S305
            for kind in ("record", "box", "cell", "set")
        )
        self._mask, self._words, self._bound = (derived(kind) for kind in ("mask", "words", "bound"))

    def bound(self, least: int, most: int) -> int:
        """The largest noise of this house: one of these numbers, written nowhere."""
        return least + int.from_bytes(self._bound[:8], "little") % (most - least + 1)

    def token(self, words: Sequence[str | None]) -> int:
        """A number, below 2^64, for somebody whom no number tells, by what else is known of them."""
        return int.from_bytes(hmac.digest(self._words, canonical(list(words)), "sha256")[:8], "little")

    def sets(self, sums: Numbers) -> Numbers:
        """A number for the people of each cell (uint64), the same in every table and release that counts just them."""
        return _sealed(self._set, sums, np.zeros(len(sums), np.uint64))

    def somewhere(self, box: Mapping[str, int], region: Sequence[tuple[int, int]]) -> int:
        """The sum of the keys of a box of the ledger (`containment`): its masks, and its place by its codes."""
        places = tuple(f"{first:010d}-{last:010d}" for first, last in region)
        return self.masks(Box(tuple(sorted(box.items())), codes=places))

    def record_keys(self, tokens: Numbers, others: Numbers | None = None) -> Numbers:
        """The key of each person (uint64) by a number that tells them in every release, and by a second one where one
        does not suffice."""
        return _sealed(self._record, tokens, np.zeros(len(tokens), np.uint64) if others is None else others)

    def masks(self, box: Box) -> int:
        """The sum of the keys of a box's masks, modulo 2^64."""
        told = spelled(box)
        parts = [*told["masks"].items(), *([("", told["area"])] if told["area"] else [])]
        return (
            sum(int.from_bytes(hmac.digest(self._mask, canonical(part), "sha256")[:8], "little") for part in parts)
            % WHOLE
        )

    def boxes(self, masks: Numbers) -> Numbers:
        """The key of each box (uint64) by the sum of its masks."""
        return _sealed(self._box, masks, np.zeros(len(masks), np.uint64))

    def cells(self, sums: Numbers, boxes: Numbers) -> Numbers:
        """The key of each cell (uint64) by the sum of its members' record keys and the key of its box."""
        return _sealed(self._cell, sums, boxes)


def summed(engine: duckdb.DuckDBPyConnection, members: str, by: Sequence[str], modulus: int = WHOLE) -> pa.Table:
    """The cells that occur, in order: the columns `by`, `n` (int64), and `keys`, the sum of `record_key` (unsigned
    whole numbers) modulo `modulus`. `members` names a table or view of `engine` with one row per person; who comes
    twice counts twice, and a release has nobody twice."""
    groups = ", ".join(map(quoted, by))
    text = f"""SELECT {groups + ", " if by else ""}
    count(*) AS n,
    CAST(coalesce(sum(record_key), 0) % CAST({modulus} AS HUGEINT) AS UBIGINT) AS keys
FROM {quoted(members)}
{f"GROUP BY {groups} ORDER BY {groups}" if by else ""}"""  # noqa: S608  # names of columns, quoted
    return engine.sql(text).to_arrow_table()


def published(counts: Numbers, keys: Numbers, table: Table, rule: Rule) -> pa.Int64Array:
    """What is shown of each cell, null where nothing is. `counts` are true counts, `keys` cell keys. A zero says
    "nobody" of a group and is not shown."""
    draws = keys >> np.uint64(64 - table.bits)
    noisy = counts + table.changed_by(counts, draws)
    shown = noisy >= max(rule.smallest, 1)
    if rule.base > 1:
        noisy = _rounded(noisy, keys & np.uint64(0xFFFFFFFF), rule.base)
    return pa.array(noisy.astype(np.int64), mask=~shown)


def together(one: pa.Int64Array, other: pa.Int64Array) -> pa.Int64Array:
    """`one`, hidden also where `other` is: ten persons may be two families."""
    return pc.if_else(pc.is_valid(other), one, pa.scalar(None, pa.int64()))


def _rounded(values: Numbers, draws: Numbers, base: int) -> Numbers:
    """To the multiple of `base` below, or above with the chance that keeps the mean. `draws` are below 2^32."""
    rest = values % base
    up = ((draws * np.uint64(base)) >> np.uint64(32)).astype(np.int64) < rest
    rounded: Numbers = values - rest + np.where(up, base, 0)
    return rounded


def _sealed(cipher: Cipher[ECB], first: Numbers, second: Numbers) -> Numbers:
    blocks = np.empty((len(first), 2), "<u8")
    blocks[:, 0], blocks[:, 1] = first, second
    sealed = cipher.encryptor().update(blocks.view(np.uint8).reshape(-1).data)
    tokens: Numbers = np.frombuffer(sealed, "<u8").reshape(-1, 2)[:, 0]
    return tokens
