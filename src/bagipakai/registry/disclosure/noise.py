"""The noise table of the cell-key method: for each true count, by how much it may change and how often.

Of all noise that is whole, at most `bound`, of mean 0 and of at most the stated variance, and never gives a result of
1…`blocked` or below 0, the table has that of the greatest entropy: it tells the least beyond what was demanded
(Giessing 2016, as in R's `ptable`). The solution is exp(a·v + b·v²); a and b are found by Newton's steps. One more
demand is `ptable`'s rule of monotony: a larger change is never likelier than a smaller one in the same direction, nor
than none. Where the solution breaks it, neighbours that do are given one chance together (pool adjacent violators).

A table is kept as whole numbers that sum to 2^32 in each row, with a mean of exactly 0; its digest says which table it
was. Other tables of the same kind, such as that of the ONS, are `Table`s too. The bound is a secret (§2): it stands in
no policy that is published, in no log and in no report.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

BITS: Final = 32  # of a draw
_CLOSE: Final = 1e-12

Numbers = np.ndarray[Any, np.dtype[Any]]


class NoSuchNoise(ValueError):
    """No noise has all of these properties."""


@dataclass(frozen=True)
class Table:
    """Noise by count and draw. A draw is a whole number below 2^`bits`; a count's row is the count itself or, beyond
    the last row, one of the last `repeated` rows in turn. In a row, the draws below `edges[0]` change the count by
    `changes[0]`, those from there and below `edges[1]` by `changes[1]`, and so on. Both are (rows, steps); the last
    edge is 2^`bits`."""

    edges: Numbers
    changes: Numbers
    bits: int
    repeated: int = 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its numbers: 64 lower-case hexadecimal digits. Not for publication: tables can be tried."""
        head = f"{self.edges.shape} {self.bits} {self.repeated}".encode()
        return hashlib.sha256(
            head + self.edges.astype("<u8").tobytes() + self.changes.astype("<i8").tobytes()
        ).hexdigest()

    def changed_by(self, counts: Numbers, draws: Numbers) -> Numbers:
        """The noise of each cell: int64, as `counts`."""
        rows = np.where(counts < len(self.edges), counts, self._last(counts)).astype(np.int64)
        step = np.zeros(len(rows), np.int64)
        for at in range(self.edges.shape[1] - 1):
            step += draws >= self.edges[rows, at]
        changes: Numbers = self.changes[rows, step]
        return changes

    def _last(self, counts: Numbers) -> Numbers:
        first = len(self.edges) - self.repeated
        rows: Numbers = (counts - first) % self.repeated + first
        return rows

    @classmethod
    def of_draws(cls, rows: Sequence[Sequence[int]], repeated: int = 1) -> "Table":
        """From the change for every draw of every row. Raises ValueError where rows have other lengths than 2^k."""
        draws = len(rows[0])
        if draws & (draws - 1) or any(len(row) != draws for row in rows):
            raise ValueError("a row has 2^k draws")
        steps = [_runs(row) for row in rows]
        most = max(map(len, steps))
        padded = [[*step, *([(draws, step[-1][1])] * (most - len(step)))] for step in steps]
        both = np.array(padded, np.int64)
        return cls(both[:, :, 0].astype(np.uint64), both[:, :, 1], draws.bit_length() - 1, repeated)


def maximum_entropy(bound: int, variance: float, blocked: int = 0) -> Table:
    """The table for these demands, of `bound + blocked + 1` rows: from there on, counts are far enough from 0 to be
    treated alike. A count of 0 stays. Raises NoSuchNoise, also where a row's changes have no neighbours between which
    a rounding could be evened out."""
    weights = [_whole(chances(count, bound, variance, blocked)) for count in range(bound + blocked + 1)]
    values = range(-bound, bound + 1)
    parts = np.array([[row.get(change, 0) for change in values] for row in weights], np.int64)
    changes = np.tile(np.array(values, np.int64), (len(weights), 1))
    return Table(np.cumsum(parts, axis=1).astype(np.uint64), changes, BITS)


def chances(count: int, bound: int, variance: float, blocked: int = 0) -> dict[int, float]:
    """Change → its probability, for one true count. Raises NoSuchNoise where none has mean 0 and so small a
    variance."""
    if count == 0:
        return {0: 1.0}
    changes = [v for v in range(-bound, bound + 1) if count + v == 0 or count + v > blocked]
    if not changes or changes[0] > 0 or changes[-1] < 0 or variance <= 0:
        raise NoSuchNoise("no noise with this bound and variance")
    pools = [[v] for v in changes]
    while True:
        found = _pooled(pools, variance)
        broken = next((at for at in range(len(pools) - 1) if _rises_away(pools, found, at)), None)
        if broken is None:
            break
        pools[broken : broken + 2] = [pools[broken] + pools[broken + 1]]
    return {v: float(chance) for pool, chance in zip(pools, found, strict=True) for v in pool}


def _rises_away(pools: list[list[int]], found: Numbers, at: int) -> bool:
    """Whether, of two neighbouring pools below 0, the one further away is the likelier one. Above 0 that was never
    seen: what is cut off lies below, so that the mean leans up and has to be drawn down. Tests try it."""
    return pools[at + 1][0] <= 0 and bool(found[at] > found[at + 1] + _CLOSE)


def _pooled(pools: list[list[int]], variance: float) -> Numbers:
    """The chance of each change in each pool: greatest entropy with mean 0 and a variance of at most so much."""
    size = np.array([len(pool) for pool in pools], float)
    first = np.array([np.mean(pool) for pool in pools])
    second = np.array([np.mean(np.square(pool)) for pool in pools])
    free = _fitted(size, np.array([first]), np.zeros(1))
    if (size * free) @ second <= variance:
        return free
    return _fitted(size, np.array([first, second]), np.array([0.0, variance]))


def _fitted(size: Numbers, features: Numbers, moments: Numbers) -> Numbers:
    """exp(w·features), scaled to sum to 1, with these moments: the least of a convex function of w, by Newton's steps
    that are halved until they lead down."""
    aim = features - moments[:, None]
    weights = np.zeros(len(aim))

    def potential(w: Numbers) -> float:
        told = w @ aim
        top = float(told.max())
        return top + float(np.log(size @ np.exp(told - top)))

    for _ in range(200):
        told = weights @ aim
        chance: Numbers = np.exp(told - told.max())
        chance /= size @ chance
        slope: Numbers = aim @ (size * chance)
        if np.abs(slope).max() < _CLOSE:
            return chance
        bend = (aim * (size * chance)) @ aim.T - np.outer(slope, slope)
        if np.linalg.cond(bend) > 1e14:
            break
        step, here = np.linalg.solve(bend, slope), potential(weights)
        length = 1.0
        while potential(weights - length * step) > here + 1e-15 and length > 1e-9:
            length /= 2
        weights = weights - length * step
    raise NoSuchNoise("no noise of mean 0 has so small a variance")


def _whole(chance: Mapping[int, float]) -> dict[int, int]:
    """Whole numbers that sum to 2^BITS and have a mean of exactly 0. What rounding leaves is moved between the two
    likeliest neighbours."""
    parts = {v: round(share * (1 << BITS)) for v, share in chance.items()}
    if len(parts) == 1:
        return parts
    pairs = [v for v in parts if v + 1 in parts]
    if not pairs:
        raise NoSuchNoise("changes without neighbours")
    low = max(pairs, key=lambda v: (min(parts[v], parts[v + 1]), v))
    parts[low] += (1 << BITS) - sum(parts.values())
    tilt = sum(v * part for v, part in parts.items())
    parts[low + 1] -= tilt
    parts[low] += tilt
    return parts


def _runs(row: Sequence[int]) -> list[tuple[int, int]]:
    """The row as (end, change) of each run of draws that change alike."""
    ends = [at for at in range(1, len(row) + 1) if at == len(row) or row[at] != row[at - 1]]
    return [(end, row[end - 1]) for end in ends]
