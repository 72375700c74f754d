"""The attacker: what can be known of each hidden cell from what is published.

Shares no code with the suppression but how the solver is called, and reads only what would leave: the hierarchies and
one number, or None, per cell. Hidden cells that stand in one published sum form a component; in it, linear programmes
find the least and the most that each target can be (Fellegi 1972). The attacker knows that counts are whole and not
negative, what may be in a cell at `most` (the rule), and, where he is the only contributor of a cell, that cell:
nobody's own cell protects another's, unless one is part of the other. Where a programme's answer is not whole, the
integer problem is solved. What the solver leaves unknown counts as narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import highspy
import numpy as np

from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.solver import Solver

WHOLE = 1e-6
SECONDS = 10.0  # for one integer problem


@dataclass(frozen=True, slots=True)
class Narrow:
    """A hidden cell (its number in the flat table) of which too much is known: it lies between `low` and `high`. Both
    are None where the solver did not tell. Never published, never logged."""

    cell: int
    low: int | None
    high: int | None


class Contradiction(ValueError):
    """What is published contradicts itself or what the attacker is said to know."""


def audit(
    trees: Sequence[Hierarchy],
    published: Sequence[int | None],
    targets: Mapping[int, int],
    most: Mapping[int, int] | None = None,
    own: Sequence[Mapping[int, int]] = (),
    reach: Mapping[int, tuple[int, int]] | None = None,
) -> list[Narrow]:
    """The hidden `targets` (cell → how wide its interval must be) whose interval is narrower.

    `published` is the table in C order. `most`: cells that the attacker knows to be at most so many. `own`: for
    each one who is alone in some cells, these and their true counts. `reach`: targets of which a least and a most must
    be possible, wherever between them the true one is. Raises Contradiction.
    """
    attacker = _Attacker(trees, published, most or {}, own, reach or {})
    found = [one for part, asked in attacker.parts(targets) for one in _Part(attacker, part, asked).narrow()]
    return sorted(found, key=lambda one: one.cell)


class _Attacker:
    """The equations between hidden cells: each published sum, less what is shown of it."""

    def __init__(
        self,
        trees: Sequence[Hierarchy],
        published: Sequence[int | None],
        most: Mapping[int, int],
        own: Sequence[Mapping[int, int]],
        reach: Mapping[int, tuple[int, int]],
    ) -> None:
        self.most, self.reach = most, reach
        self.own = {cell: count for cells in own for cell, count in cells.items()}
        self.owner = {cell: number for number, cells in enumerate(own) for cell in cells}
        self.trees, self.shape = trees, [len(tree) for tree in trees]
        self._inside: dict[int, set[int]] = {}
        for cell, number in self.owner.items():
            for whole in self._wholes(cell):
                self._inside.setdefault(whole, set()).add(number)
        hidden = np.fromiter((one is None for one in published), np.bool_, len(published))
        shown = np.fromiter((one or 0 for one in published), np.int64, len(published))
        self.sums_of: dict[int, list[tuple[int, int]]] = {int(cell): [] for cell in np.flatnonzero(hidden)}
        self.cells_of: dict[int, list[tuple[int, int]]] = {}
        self.left: dict[int, int] = {}
        where = np.unravel_index(np.arange(len(published)), self.shape)
        for axis, tree in enumerate(trees):
            self._read(axis, tree, where, hidden, shown)

    def _read(self, axis: int, tree: Hierarchy, where: Any, hidden: Any, shown: Any) -> None:
        """One equation for each cell that has parts in this dimension: parts - total = 0."""
        size = len(shown)
        step = int(np.prod(self.shape[axis + 1 :], dtype=np.int64))
        parents = np.array(tree.parents, np.int64)
        above = np.arange(size) + (parents[where[axis]] - where[axis]) * step
        child = where[axis] > 0
        inner = np.zeros(len(tree), np.bool_)
        inner[parents[1:]] = True
        total = inner[where[axis]]
        right = np.zeros(size, np.int64)
        np.subtract.at(right, above[child], shown[child])
        right[total] += shown[total]
        members = [(np.flatnonzero(hidden & child), 1), (np.flatnonzero(hidden & total), -1)]
        for cells, sign in members:
            sums = above[cells] if sign > 0 else cells
            for cell, one in zip(cells.tolist(), sums.tolist(), strict=True):
                number = axis * size + one
                self.sums_of[cell].append((number, sign))
                self.cells_of.setdefault(number, []).append((cell, sign))
                self.left[number] = int(right[one])
        loose = total & ~hidden & (right != 0)
        for one in np.flatnonzero(loose).tolist():
            if axis * size + one not in self.cells_of:
                raise Contradiction("a published sum is not the sum of its parts")

    def parts(self, targets: Mapping[int, int]) -> list[tuple[list[int], dict[int, int]]]:
        """The cells that can move together, with the targets among them. A cell that somebody knows does not move,
        but for targets that are his own, hold him or lie in what he is alone in; those are looked at one by one."""
        if any(cell not in self.sums_of for cell in targets):
            raise Contradiction("a target is shown")
        parts, seen = [], set()
        for cell in sorted(targets):
            insiders = self.insiders(cell)
            if insiders:
                parts.append((self._joined(cell, insiders), {cell: targets[cell]}))
            elif cell not in seen:
                part = self._joined(cell, insiders)
                seen.update(part)
                parts.append((part, {one: targets[one] for one in part if one in targets and not self.insiders(one)}))
        return parts

    def insiders(self, cell: int) -> frozenset[int]:
        """Who is alone in a cell that is this one, a part of it, or that it is a part of."""
        if not self.owner:
            return frozenset()
        around = {self.owner[one] for one in self._wholes(cell) if one in self.owner}
        return frozenset(around | self._inside.get(cell, set()))

    def _wholes(self, cell: int) -> list[int]:
        """The cells of which this one is a part, itself included."""
        places = []
        for tree, node in zip(self.trees, np.unravel_index(cell, self.shape), strict=True):
            line = [int(node)]
            while line[-1]:
                line.append(tree.parents[line[-1]])
            places.append(line)
        return [int(np.ravel_multi_index(one, self.shape)) for one in product(*places)]

    def _joined(self, first: int, insiders: frozenset[int]) -> list[int]:
        """The hidden cells that are joined to `first` through published sums and not through what others know."""
        met, front, done = {first}, [first], set()
        while front:
            for number, _ in self.sums_of[front.pop()]:
                if number not in done:
                    done.add(number)
                    for cell, _ in self.cells_of[number]:
                        if cell not in met and (cell not in self.owner or self.owner[cell] in insiders):
                            met.add(cell)
                            front.append(cell)
        return sorted(met)


class _Part:
    """One component as a linear programme over its cells."""

    def __init__(self, attacker: _Attacker, cells: list[int], targets: Mapping[int, int]) -> None:
        self.cells, self.targets, self.reach = cells, targets, attacker.reach
        self.column = {cell: at for at, cell in enumerate(cells)}
        self.low: dict[int, float] = {}
        self.high: dict[int, float] = {}
        self.solver = Solver(random_seed=1, presolve="off", simplex_strategy=4, time_limit=120.0)
        self._load(attacker)

    def _load(self, attacker: _Attacker) -> None:
        numbers = sorted({number for cell in self.cells for number, _ in attacker.sums_of[cell]})
        row = {number: at for at, number in enumerate(numbers)}
        right = np.array([attacker.left[number] for number in numbers], np.float64)
        for number in numbers:  # what somebody knows of himself is known
            for cell, sign in attacker.cells_of[number]:
                if cell not in self.column:
                    right[row[number]] -= sign * attacker.own[cell]
        start, index, value = [0], [], []
        for cell in self.cells:
            for number, sign in attacker.sums_of[cell]:
                index.append(row[number])
                value.append(float(sign))
            start.append(len(index))
        width = len(self.cells)
        upper = [float(attacker.most.get(cell, highspy.kHighsInf)) for cell in self.cells]
        self.solver.passModel(
            width, len(numbers), len(index), 1, -1, 0.0, np.zeros(width), np.zeros(width), np.array(upper),
            right, right, np.array(start, np.int32), np.array(index, np.int32), np.array(value),
            np.zeros(width, np.int32),
        )  # fmt: skip

    def narrow(self) -> list[Narrow]:
        """Many targets are shown to be wide by one table that could be the true one; the others are looked at alone."""
        waiting = list(self.targets)
        while waiting:
            for way in (1, -1):
                self._look(waiting, way)
            left = [cell for cell in waiting if not self._wide(cell)]
            if len(left) == len(waiting):
                break
            waiting = left
        return [one for cell in waiting if (one := self._alone(cell)) is not None]

    def _wide(self, cell: int) -> bool:
        return self._enough(cell, self.low.get(cell, np.inf), self.high.get(cell, -np.inf))

    def _enough(self, cell: int, low: float, high: float) -> bool:
        least, most = self.reach.get(cell, (np.inf, -np.inf))
        return high - low > self.targets[cell] - WHOLE and low < least + WHOLE and high > most - WHOLE

    def _look(self, wanted: list[int], way: int) -> float | None:
        """The table in which the wanted cells are largest (way 1) or smallest (-1) together. If it is whole, it could
        be the true one: what it says of every target is kept. Returns the programme's value, None where it has none."""
        cost = np.zeros(len(self.cells))
        cost[[self.column[cell] for cell in wanted]] = way
        self.solver.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
        self.solver.run()
        status = self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Contradiction("no table is possible")
        if status == highspy.HighsModelStatus.kUnbounded:
            return np.inf
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        table = np.array(self.solver.getSolution().col_value)
        if np.abs(table - np.rint(table)).max(initial=0.0) < WHOLE:
            for cell in self.targets:
                count = float(np.rint(table[self.column[cell]]))
                self.low[cell] = min(self.low.get(cell, np.inf), count)
                self.high[cell] = max(self.high.get(cell, -np.inf), count)
        return float(cost @ table)

    def _alone(self, cell: int) -> Narrow | None:
        bounds = []
        for way in (1, -1):
            bound = self._look([cell], way)
            if self._wide(cell):
                return None
            if bound is not None and np.isfinite(bound) and not self._met(cell, way, bound):
                bound = self._whole(cell, way)
            bounds.append(None if bound is None else way * bound)
        high, low = bounds
        if high is None or low is None:
            return Narrow(cell, None, None)
        if self._enough(cell, low, high):
            return None
        return Narrow(cell, int(np.ceil(low - WHOLE)), int(np.floor(high + WHOLE)))

    def _met(self, cell: int, way: int, bound: float) -> bool:
        """Whether a whole table is known that reaches the bound."""
        reached = self.high.get(cell, -np.inf) if way > 0 else -self.low.get(cell, np.inf)
        return reached > bound - WHOLE

    def _whole(self, cell: int, way: int) -> float | None:
        """The same for whole numbers; the costs are those of the last programme."""
        width = len(self.cells)
        index = np.arange(width, dtype=np.int32)
        solver = self.solver
        solver.setOptionValue("time_limit", solver.getRunTime() + SECONDS)
        solver.changeColsIntegrality(width, index, np.full(width, highspy.HighsVarType.kInteger.value, np.uint8))
        solver.run()
        known = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        bound = float(np.rint(solver.getInfo().objective_function_value)) if known else None
        solver.changeColsIntegrality(width, index, np.full(width, highspy.HighsVarType.kContinuous.value, np.uint8))
        solver.setOptionValue("time_limit", solver.getRunTime() + 120.0)
        return bound
