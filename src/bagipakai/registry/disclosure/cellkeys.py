"""Noise that belongs to a cell: the same question about the same people has one answer, whoever asks, however often.

Each person has a *record key*: 64 bits of a keyed function of the person's stable token, the same over all releases;
otherwise four releases a year would average the noise away. A cell's members have the sum of theirs modulo 2^64 (a XOR
would lose whoever comes twice). The *cell key* is a keyed function of that sum and of the canonical predicate
(`core.boxes`): the same people under another predicate draw new noise, so that a person who is told by difference of
two tables hides in both noises. Sums of sums stay inside the keyed function: no two cell keys are bound by an equation.

    record key     AES-256(k1, token of the person)                             the first 8 bytes, as all below
    mask           HMAC-SHA-256(k2, dimension and mask of categories, or the codes of an area)
    box            AES-256(k3, sum of its masks modulo 2^64)
    predicate      the sum of its boxes modulo 2^64; in a published table, one box
    cell key       AES-256(k4, sum of record keys ‖ predicate)
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

from bagipakai.core.boxes import Box, Boxes, Dimension, Places, boxes, spelled
from bagipakai.core.canonical import canonical
from bagipakai.core.query import AREA_COLUMNS, And, Column, Compare, Const, Missing, Op, Predicate, Scalar
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.noise import Table
from bagipakai.registry.keys import MasterKey

SCHEME: Final = "cell-keys/v1"
WHOLE: Final = 1 << 64
_DIGITS: Final = {column: digits for digits, column in AREA_COLUMNS.items()}

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

    def predicate(self, found: Boxes) -> int:
        """The key of a predicate, below 2^64."""
        masks = np.array([self.masks(box) for box in found.boxes], np.uint64)
        return sum(map(int, self.boxes(masks))) % WHOLE

    def cells(self, sums: Numbers, predicates: Numbers) -> Numbers:
        """The key of each cell (uint64) by the sum of its members' record keys and the key of its predicate."""
        return _sealed(self._cell, sums, predicates)


def summed(
    engine: duckdb.DuckDBPyConnection, members: str, by: Sequence[str], modulus: int = WHOLE, distinct: bool = True
) -> pa.Table:
    """The cells that occur, in order: the columns `by`, `n` (int64), and `keys`, the sum of `record_key` (unsigned
    whole numbers) modulo `modulus`.

    `members` names a table or view of `engine` with one row per person of the population. Where a join may have told
    somebody twice, `distinct` counts each once in a cell; a release's own table has nobody twice and need not ask."""
    names = ["record_key", *by]
    kept = ", ".join(map(_quoted, names))
    groups = ", ".join(map(_quoted, by))
    text = f"""WITH
members AS (       -- nobody twice in a cell
    SELECT {"DISTINCT " if distinct else ""}{kept} FROM {_quoted(members)}
)
SELECT {groups + ", " if by else ""}
    count(*) AS n,
    CAST(coalesce(sum(record_key), 0) % CAST({modulus} AS HUGEINT) AS UBIGINT) AS keys
FROM members
{f"GROUP BY {groups} ORDER BY {groups}" if by else ""}"""  # noqa: S608  # names of columns, quoted
    return engine.sql(text).to_arrow_table()


def predicates(
    keys: CellKeys,
    population: Predicate | None,
    by: Mapping[str, Sequence[Scalar | None]],
    dimensions: Sequence[Dimension],
    places: Places | None = None,
) -> Numbers | Refusal:
    """The key of each cell's whole predicate (uint64): inside the population, and with these values (column → the value
    of each cell, None being unknown). As `keys.predicate(boxes(…))` of each cell, but with one look at each value.

    A column that the population does not restrict adds its mask to every box; columns that it does restrict are looked
    at together, once for every combination of their values that occurs. Of places inside each other, the smallest tells
    all."""
    chosen = boxes(population, dimensions, places)
    if isinstance(chosen, Refusal):
        return chosen
    columns = _smallest_places(by)
    bound = [name for name in columns if _restricts(chosen, name)]
    base = _masks_of(keys, {name: told for name, told in columns.items() if name not in bound}, dimensions, places)
    if isinstance(base, Refusal):
        return base
    size = len(next(iter(columns.values()), [None]))
    added = np.zeros(size, np.uint64) if base is None else base
    group, combinations = _combinations([columns[name] for name in bound], size)
    found = np.zeros(size, np.uint64)
    for at, values in enumerate(combinations):
        parts = tuple(_is(name, value) for name, value in zip(bound, values, strict=True))
        within = boxes(And((population, *parts)), dimensions, places) if population is not None and parts else chosen
        if isinstance(within, Refusal):
            return within
        here = group == at
        for box in within.boxes:
            found[here] += keys.boxes(added[here] + np.uint64(keys.masks(box)))
    return found


def published(
    counts: Numbers, keys: Numbers, table: Table, rule: Rule, structural: Numbers | None = None
) -> pa.Int64Array:
    """What is shown of each cell, null where nothing is. `counts` are true counts, `keys` cell keys; where
    `structural`, nobody can be in the cell by definition, and its zero is shown. Any other zero says "nobody" of a
    group and is not."""
    draws = keys >> np.uint64(64 - table.bits)
    noisy = counts + table.changed_by(counts, draws)
    shown = noisy >= max(rule.smallest, 1)
    if rule.base > 1:
        noisy = _rounded(noisy, keys & np.uint64(0xFFFFFFFF), rule.base)
    if structural is not None:
        zero = structural & (counts == 0)
        noisy, shown = np.where(zero, 0, noisy), shown | zero
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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is(name: str, value: Scalar | None) -> Predicate:
    return Missing(Column(name)) if value is None else Compare(Op.EQUAL, Column(name), Const(value))


def _restricts(chosen: Boxes, name: str) -> bool:
    if name in _DIGITS:
        return any(box.area for box in chosen.boxes)
    return any(name in dict(box.masks) for box in chosen.boxes)


def _smallest_places(by: Mapping[str, Sequence[Scalar | None]]) -> dict[str, Sequence[Scalar | None]]:
    """Without the places that a smaller one tells."""
    smallest = max((_DIGITS[name] for name in by if name in _DIGITS), default=0)
    return {name: told for name, told in by.items() if _DIGITS.get(name, smallest) == smallest}


def _masks_of(
    keys: CellKeys,
    columns: Mapping[str, Sequence[Scalar | None]],
    dimensions: Sequence[Dimension],
    places: Places | None,
) -> Numbers | Refusal | None:
    """The sum of the keys of the masks of these columns' values; None where there is no column."""
    total: Numbers | None = None
    for name, told in columns.items():
        key_of: dict[Scalar | None, int] = {}
        for value in dict.fromkeys(told):
            found = boxes(_is(name, value), dimensions, places)
            if isinstance(found, Refusal):
                return found
            if len(found.boxes) != 1:
                raise ValueError("a cell with a value that no category has")
            key_of[value] = keys.masks(found.boxes[0])
        column = np.fromiter((key_of[value] for value in told), np.uint64, len(told))
        total = column if total is None else total + column
    return total


def _combinations(
    columns: Sequence[Sequence[Scalar | None]], size: int
) -> tuple[Numbers, list[tuple[Scalar | None, ...]]]:
    """For each cell the number of its combination of values, and the combinations that occur."""
    if not columns:
        return np.zeros(size, np.int64), [()]
    number_of: dict[tuple[Scalar | None, ...], int] = {}
    numbers = [number_of.setdefault(row, len(number_of)) for row in zip(*columns, strict=True)]
    return np.array(numbers, np.int64), list(number_of)
