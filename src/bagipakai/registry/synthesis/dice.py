"""Chance that falls the same on every machine.

Draws are raw 64-bit words of PCG64, whose stream is fixed, turned into values with whole numbers only: a probability is
a stretch of 4,096 equal slots. No floating point and no library distribution, whose last bits may differ elsewhere.
"""

from collections.abc import Sequence

import numpy as np

SLOTS = 4096
NONE = 255  # a value that is not recorded

Weights = Sequence[int]


class Dice:
    """One independent stream per path of whole numbers, such as (seed, regency, chunk)."""

    def __init__(self, seed: int, *path: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=path))

    def words(self, n: int) -> np.ndarray:
        """`n` random 64-bit words."""
        return np.asarray(self._bits.random_raw(n), dtype="<u8")

    def slots(self, n: int) -> np.ndarray:
        """`n` numbers from 0 to 4095 (uint16)."""
        return self.words(-(-n // 4)).view("<u2")[:n] & np.uint16(SLOTS - 1)

    def below(self, n: int, bound: "int | np.ndarray") -> np.ndarray:
        """`n` numbers from 0 to `bound` - 1 (int64); `bound` up to 2^31, one for all or one each, at least 1."""
        halves = self.words(-(-n // 2)).view("<u4")[:n]
        return ((halves.astype(np.uint64) * np.asarray(bound, dtype=np.uint64)) >> np.uint64(32)).astype(np.int64)

    def chance(self, n: int, per_thousand: "int | np.ndarray") -> np.ndarray:
        """`n` times yes or no."""
        return self.slots(n) < (np.asarray(per_thousand) * SLOTS // 1000).astype(np.uint16)


class Wheel:
    """A wheel of fortune for each of several cells, by which small numbers (uint8) are drawn."""

    def __init__(self, cells: Sequence[Weights], missing: int = 0) -> None:
        """`cells`: for each cell, the weight of 0, 1, 2 …; `missing`: how many of a thousand are NONE instead."""
        self._slots = np.concatenate([_stretches(weights, missing) for weights in cells])

    def spin(self, dice: Dice, cell: np.ndarray) -> np.ndarray:
        """One draw for each element of `cell`, the number of its cell."""
        return np.asarray(self._slots[(cell.astype(np.int32) << 12) | dice.slots(len(cell))])


def between(poorest: Weights, richest: Weights, steps: int = 10) -> list[list[int]]:
    """The weights of each tenth, interpolated in whole numbers; index 0 is the poorest."""
    last = steps - 1
    return [[a * (last - at) + b * at for a, b in zip(poorest, richest, strict=True)] for at in range(steps)]


def _stretches(weights: Weights, missing: int) -> np.ndarray:
    absent, total = SLOTS * missing // 1000, sum(weights)
    edges, reached = [0], 0
    for weight in weights:
        reached += weight
        edges.append((SLOTS - absent) * reached // total)
    values = [*range(len(weights)), NONE]
    return np.repeat(np.array(values, dtype=np.uint8), [*np.diff(edges), absent])
