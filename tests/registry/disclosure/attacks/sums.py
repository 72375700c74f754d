"""An attacker's arithmetic: whole numbers that are not negative, of which some sums are known. Shares no code with what
it attacks.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import highspy
import numpy as np


class Sums:
    def __init__(self) -> None:
        self.at: dict[Hashable, int] = {}
        self.low: list[float] = []
        self.high: list[float] = []
        self.rows: list[tuple[dict[int, float], float]] = []
        self._solver: highspy.Highs | None = None

    def unknown(self, name: Hashable, low: float = 0, high: float = highspy.kHighsInf) -> int:
        """Between these limits, and those that were told before."""
        if name not in self.at:
            self.at[name] = len(self.at)
            self.low.append(0)
            self.high.append(highspy.kHighsInf)
        at = self.at[name]
        self.low[at], self.high[at] = max(self.low[at], low), min(self.high[at], high)
        self._solver = None
        return at

    def told(self, members: Iterable[Hashable], total: float, less: Iterable[Hashable] = ()) -> None:
        """All of `members`, and without all of `less`, are so many."""
        row: dict[int, float] = {}
        for sign, names in ((1.0, members), (-1.0, less)):
            for name in names:
                at = self.unknown(name)
                row[at] = row.get(at, 0.0) + sign
        self.rows.append((row, float(total)))

    @contextmanager
    def knowing(self, least: Mapping[Hashable, float]) -> Iterator[None]:
        """A block in which these are known to be at least so many, too."""
        solver = self._loaded()
        known = {self.at[name]: low for name, low in least.items()}
        for at, low in known.items():
            solver.changeColBounds(at, max(low, self.low[at]), self.high[at])
        yield
        for at in known:
            solver.changeColBounds(at, self.low[at], self.high[at])

    def interval(self, names: Iterable[Hashable], near: float = np.inf) -> tuple[float, float]:
        """The least and the most that all of these can be together; in whole numbers where that could be nearer than
        `near`. Raises ValueError where nothing is possible."""
        names = [self.at[name] for name in names]
        low, high = (self._bound(names, way, whole=False) for way in (1, -1))
        if high - low < near:
            low, high = (self._bound(names, way, whole=True) for way in (1, -1))
        return low, high

    def possible(self, weights: dict[Hashable, float]) -> dict[Hashable, float]:
        """The whole numbers that could be true and of which the weighted sum is largest."""
        self._bound([self.at[name] for name in weights], -1, True, list(weights.values()))
        assert self._solver is not None
        found = self._solver.getSolution().col_value
        return {name: round(found[at]) for name, at in self.at.items()}

    def _bound(self, names: list[int], way: int, whole: bool, weights: list[float] | None = None) -> float:
        solver = self._loaded()
        kind = highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous
        every = np.arange(len(self.at), dtype=np.int32)
        solver.changeColsIntegrality(len(every), every, np.full(len(every), kind.value, np.uint8))
        cost = np.zeros(len(every))
        np.add.at(cost, names, 1.0 if weights is None else weights)
        solver.changeColsCost(len(every), every, way * cost)
        solver.run()
        status = solver.getModelStatus()
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return way * -np.inf
        if status != highspy.HighsModelStatus.kOptimal:
            raise ValueError(str(status))
        return way * float(solver.getInfo().objective_function_value)

    def _loaded(self) -> highspy.Highs:
        if self._solver is None:
            solver = self._solver = highspy.Highs()
            for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 1), ("parallel", "off")):
                solver.setOptionValue(option, value)
            for low, high in zip(self.low, self.high, strict=True):
                solver.addVar(low, high)
            for row, total in self.rows:
                solver.addRow(total, total, len(row), np.array(list(row), np.int32), np.array(list(row.values())))
        return self._solver
