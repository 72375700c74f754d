"""How near an attacker comes to unknown whole numbers of which he knows some sums: minima and maxima (Fellegi 1972).

Bounds follow from sums cheaply, over and over; then linear programmes look for tables that could be true, and one such
table often proves many numbers wide. Linear programmes show wider intervals than a whole-number attacker has: nearer
than 2 T, whole tables are asked for. In systems of more than FEW unknowns they are not, and what a linear programme
shows nearer than one and a half T is narrow. By `highspy`: one thread, fixed seed, limits in work and never in seconds:
the answer does not hang on the machine.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import highspy
import numpy as np

from bagipakai.registry.disclosure.solver import Solver
from bagipakai.registry.matching.arrays import Numbers

UNDECIDED: Final = -1
WORK: Final = 20_000_000  # members of sums × programmes of one system
DEAR: Final = 20  # programmes that one in whole numbers counts for
ROUNDS: Final = 8  # of cheap bounds
FRUITFUL: Final = 0.25  # of what is open must be proven by a table, or no more such tables are looked for
FEW: Final = 500  # unknowns of a system of which whole numbers are asked for
GROUP: Final = 16  # unknowns that are then made large together
WHOLE: Final = 1e-6
_OPTIONS: Final[Mapping[str, bool | int | float | str]] = {
    "random_seed": 1, "presolve": "off", "simplex_strategy": 4,
    "simplex_iteration_limit": 200_000, "mip_max_nodes": 100, "mip_rel_gap": 0.0,
    "run_crossover": "off", "ipm_iteration_limit": 200,
}  # fmt: skip


def narrow(width: int, sums: Sequence[tuple[Numbers, int]], smallest: int) -> int | None:
    """One of `width` unknown numbers that may be 1 … smallest-1 and of which the interval is narrower than `smallest`;
    None where there is none; UNDECIDED where the sums contradict each other or the programmes have no answer. `sums`:
    which unknowns (each once) add up to what."""
    low, high = _cheap(width, sums)
    if (low > high).any() or not all(len(members) for members, _ in sums):
        return UNDECIDED
    return _Attacker(low, high, sums, smallest).narrow()


def _cheap(width: int, sums: Sequence[tuple[Numbers, int]]) -> tuple[Numbers, Numbers]:
    """An unknown is at most a sum less the least of the others, and at least a sum less the most of the others."""
    of, row = _flat(sums)
    total = np.array([count for _, count in sums], np.int64)
    low, high = np.zeros(width, np.int64), np.full(width, total.max(initial=0), np.int64)
    for _ in range(ROUNDS):
        before = low.copy(), high.copy()
        least, most = (np.bincount(row, bound[of], len(total)).astype(np.int64) for bound in (low, high))
        np.minimum.at(high, of, (total - least)[row] + before[0][of])
        np.maximum.at(low, of, (total - most)[row] + before[1][of])
        if (low == before[0]).all() and (high == before[1]).all():
            break
    return low, high


def _flat(sums: Sequence[tuple[Numbers, int]]) -> tuple[Numbers, Numbers]:
    of = np.concatenate([np.zeros(0, np.int64), *(members for members, _ in sums)])
    return of, np.repeat(np.arange(len(sums)), [len(members) for members, _ in sums])


class _Unknown(Exception):
    """A programme without an answer."""


class _Attacker:
    """The sums as a programme. Each unknown is two columns, the first of them not more than is needed to prove it wide,
    so that one objective makes many unknowns large enough. Of every table that is found, the least and the most of each
    unknown are kept; of whole tables once more. `open`: what is not known to be wide, large or nothing."""

    def __init__(self, low: Numbers, high: Numbers, sums: Sequence[tuple[Numbers, int]], smallest: int) -> None:
        self.width, self.smallest, self.low, self.high = len(low), smallest, low, high
        self.open = (high >= 1) & (low < smallest)
        self.any, self.whole = (np.full((2, self.width), [[np.inf], [-np.inf]]) for _ in range(2))
        self.left = WORK // max(1, sum(len(members) for members, _ in sums))
        self.wide = 2 * smallest if self.width <= FEW else smallest + (smallest + 1) // 2
        self.solver = Solver(**_OPTIONS)
        of, row = _flat(sums)
        both = np.stack([2 * of, 2 * of + 1], axis=1).ravel()
        start = np.searchsorted(np.repeat(row, 2), np.arange(len(sums)))
        right = np.array([count for _, count in sums], np.float64)
        upper = np.stack([low + 2.0 * smallest, np.full(self.width, highspy.kHighsInf)], axis=1).ravel()
        columns = len(upper)
        self.columns = np.arange(columns, dtype=np.int32)
        self.solver.passModel(
            columns, len(sums), len(both), 2, -1, 0.0, np.zeros(columns), np.zeros(columns), upper, right, right,
            start.astype(np.int32), both.astype(np.int32), np.ones(len(both)), np.zeros(columns, np.int32),
        )  # fmt: skip

    def narrow(self) -> int | None:
        """Who are known to be few are narrow, unless they are nobody, which one programme may show of all. Where
        it does not, they come first: what there is to find is mostly there."""
        few = np.flatnonzero(self.open & (self.high < self.smallest))
        try:
            self._look(few, 1)
            for one in few[np.argsort(self.high[few], kind="stable")].tolist():
                if self.open[one] and self._is_narrow(one):
                    return int(one)
            self._many()
            for one in range(self.width):
                if self.open[one] and self._is_narrow(one):
                    return one
        except _Unknown:
            return UNDECIDED
        return None

    def _many(self) -> None:
        """Tables in which much of what is open is as small, or as large, as it can be together, as long as these prove
        something. Any table is good enough where there are many unknowns, so the programmes stop inside (no vertex)."""
        dice = np.random.default_rng(1)
        self._option("solver", "ipm" if self.width > FEW else "simplex")
        before = 2 * self.width
        self._look(np.flatnonzero(self.open), -1)
        while 0 < len(wanted := np.flatnonzero(self.open)) < (1 - FRUITFUL) * before:
            before = len(wanted)
            self._look(wanted, 1)
            self._look(wanted, 1, weights=dice.random(len(wanted)))
        self._option("solver", "simplex")
        before = 2 * self.width
        while 0 < len(wanted := np.flatnonzero(self.open)) < (1 - FRUITFUL) * before:
            before = len(wanted)
            for some in np.array_split(dice.permutation(wanted), before // GROUP + 1):
                self._look(some[self.open[some]], 1)

    def _option(self, name: str, value: str) -> None:
        self.solver.setOptionValue(name, value)

    def _is_narrow(self, one: int) -> bool:
        """By the least and the most that it can be; in whole numbers where the limit is near. Where it is near and the
        unknowns are too many for that, it is not protected."""
        low, high = self._interval(one)
        if self.open[one] and high - low < self.wide and high >= 1 and low < self.smallest:
            if self.width > FEW:
                return True
            self.left -= 2 * DEAR
            self._in_whole_numbers(highspy.HighsVarType.kInteger)
            low, high = self._interval(one, whole=True)
            self._in_whole_numbers(highspy.HighsVarType.kContinuous)
        self.open[one] = False
        return high >= 1 and low < self.smallest and high - low < self.smallest

    def _interval(self, one: int, whole: bool = False) -> tuple[int, int]:
        """Nobody is asked for a bound that a table reaches already."""
        least, most = (self.whole if whole else self.any)[:, one]
        if least > self.low[one] + WHOLE:
            least = -self._look(np.array([one]), -1)
        if most < self.high[one] - WHOLE:
            most = self._look(np.array([one]), 1)
        return int(np.ceil(least - WHOLE)), int(np.floor(most + WHOLE))

    def _look(self, wanted: Numbers, way: int, weights: Numbers | None = None) -> float:
        """The table in which the wanted unknowns are largest (way 1) or smallest (-1) together: counted no further than
        is needed where there are no weights and several are wanted. Where they are nobody, all of them are. Returns its
        value. Raises _Unknown."""
        if not len(wanted):
            return 0.0
        cost = np.zeros((self.width, 2))
        cost[wanted, 0] = way if weights is None else weights
        if way < 0 or weights is not None or len(wanted) == 1:
            cost[:, 1] = cost[:, 0]
        self.solver.changeColsCost(cost.size, self.columns, cost.ravel())
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._option("solver", "simplex")
            self.solver.run()
        self.left -= 1
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal or self.left < 0:
            raise _Unknown
        table = np.array(self.solver.getSolution().col_value)
        self._keep(table.reshape(-1, 2).sum(axis=1))
        value = float(cost.ravel() @ table)
        if way > 0 and weights is None and value < 0.5:  # a programme is nearly right
            self.open[wanted] = False
        return value

    def _in_whole_numbers(self, kind: highspy.HighsVarType) -> None:
        whole = kind == highspy.HighsVarType.kInteger
        self._option("presolve", "on" if whole else "off")
        self.solver.changeColsIntegrality(
            len(self.columns), self.columns, np.full(len(self.columns), kind.value, np.uint8)
        )

    def _keep(self, table: Numbers) -> None:
        kept = [(self.any, self.wide)]
        if np.abs(table - np.rint(table)).max(initial=0.0) < WHOLE:
            kept.append((self.whole, self.smallest))
        for seen, wide in kept:
            seen[0], seen[1] = np.minimum(seen[0], table), np.maximum(seen[1], table)
            self.open &= seen[1] - seen[0] < wide - WHOLE
