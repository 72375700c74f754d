"""Counts with noise, changed a little more so that they add up for whoever reads them: wherever a total and all of its
parts are shown, the parts are the total (disclosure reference 4.5, last line; decision 0150).

It reads what would be published, and nothing else: the hierarchies and one count, or None, per cell; so it can tell
nothing new of anybody, however it is done. What is hidden stays hidden, what is shown is shown, no smaller than a count
may be and not nearly all of a small group, and a multiple stays a multiple of the same base. Of all ways in which no
count changes by more than policy says, one is taken in which the changes are least, those of totals weighing more: a
total has the noise of one count, its parts together have that of them all. Where a table has no such way, it stays as
it was, and says so.

Solved as a linear programme, and where its answer is not whole as an integer programme, by one thread and within a
number of steps, not of seconds: the same counts have the same answer on every machine with the same solver.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import highspy
import numpy as np

from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.primary import alike
from bagipakai.registry.disclosure.solver import Solver
from bagipakai.registry.disclosure.tables import Counts, TableRule

WHOLE: Final = 1e-6
STEPS: Final = 500_000  # of the simplex method
NODES: Final = 1_000  # of the search for whole numbers
SPARE: Final = 0.05  # of the least change, which whole numbers may exceed by so much

Told = Sequence[int | None]  # one count per cell, in C order; None is hidden


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of it: no count was to change by more than `within`; of `sums` totals all parts are shown; `changed`
    counts did change, by `largest` at most. `changed` is None where no way was found: then nothing is changed."""

    within: int
    sums: int
    changed: int | None
    largest: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"within": self.within, "adds_up": self.changed is not None}


def balanced(
    trees: Sequence[Hierarchy], told: Told, base: int, smallest: int, within: int, rule: TableRule
) -> tuple[tuple[int | None, ...], Balance]:
    """The counts as they may be published, and what was done to them. `told`: multiples of `base`, none of them below
    `smallest`; `rule`: by which none of them is nearly all of a small group."""
    sums = list(_sums(trees, told))
    least = -(-smallest // base) * base
    moves = _Moves(trees, told, base, least, within, rule).least(sums) if unbalanced(trees, told) else {}
    if moves is not None:
        counts = tuple(None if one is None else one + moves.get(cell, 0) for cell, one in enumerate(told))
        if _holds(trees, counts, told, base, least, within, rule):
            largest = max(map(abs, moves.values()), default=0)
            return counts, Balance(within, len(sums), sum(one != 0 for one in moves.values()), largest)
    return tuple(told), Balance(within, len(sums), None)


def unbalanced(trees: Sequence[Hierarchy], told: Told) -> int:
    """How many totals of which all parts are shown are not their sum."""
    return sum(told[whole] != sum(told[part] or 0 for part in parts) for whole, parts in _sums(trees, told))


def _sums(trees: Sequence[Hierarchy], told: Told) -> Iterator[tuple[int, list[int]]]:
    """Every shown total of which all parts in one dimension are shown, and these."""
    for whole, parts in _groups(trees, told):
        if all(told[part] is not None for part in parts):
            yield whole, parts


def _groups(trees: Sequence[Hierarchy], told: Told) -> Iterator[tuple[int, list[int]]]:
    """Every shown total, and its parts in one dimension."""
    places = np.arange(len(told)).reshape([len(tree) for tree in trees])
    for axis, tree in enumerate(trees):
        cells = np.moveaxis(places, axis, 0).reshape(len(tree), -1)
        for node in tree.inner:
            for whole, *parts in cells[[node, *tree.children[node]]].T.tolist():
                if told[whole] is not None:
                    yield whole, parts


def _holds(
    trees: Sequence[Hierarchy], counts: Told, before: Told, base: int, least: int, within: int, rule: TableRule
) -> bool:
    """Whether all that was promised is so, in whole numbers: no solver is believed."""
    pairs = [(now, was) for now, was in zip(counts, before, strict=True) if now is not None and was is not None]
    each = all(now >= least and now % base == 0 and abs(now - was) <= within for now, was in pairs)
    grid = np.array([-1 if one is None else one for one in counts], np.int64).reshape([len(tree) for tree in trees])
    return each and not unbalanced(trees, counts) and not (alike(trees, grid, rule) & (grid >= 0)).any()


@dataclass(frozen=True)
class _Moves:
    """By how many bases each shown cell may go up (`u`) and down (`d`), and the rows of a programme over these."""

    trees: Sequence[Hierarchy]
    told: Told
    base: int
    smallest: int
    within: int
    rule: TableRule
    rows: list[tuple[float, float, dict[int, float]]] = field(default_factory=list)  # least, most, of each cell

    def least(self, sums: Sequence[tuple[int, list[int]]]) -> Mapping[int, int] | None:
        """By how much each cell changes; None where no way is known."""
        held = {cell for whole, parts in sums for cell in (whole, *parts)}
        floor = dict.fromkeys(held, self.smallest)
        for whole, parts in sums:
            wrong = float(self._count(whole) - sum(map(self._count, parts))) / self.base
            self.rows.append((wrong, wrong, {whole: -1.0, **dict.fromkeys(parts, 1.0)}))
        for whole, parts in _groups(self.trees, self.told):
            if len(parts) > 1 and self._count(whole) - self.within < self.rule.homogeneous_under:
                self._not_alike(whole, [part for part in parts if self.told[part] is not None], held, floor)
        return self._solved(sorted(held), floor)

    def _count(self, cell: int) -> int:
        return self.told[cell] or 0

    def _not_alike(self, whole: int, parts: list[int], held: set[int], floor: dict[int, int]) -> None:
        """No part may become nearly all of a group that is small, or becomes small; one that is nearly all of a large
        group keeps it from becoming small."""
        percent, under = self.rule.homogeneous_percent, self.rule.homogeneous_under
        for part in parts:
            spare = percent * self._count(whole) - 100 * self._count(part)
            if spare <= 0:
                floor[whole] = max(floor.get(whole, 0), under)
            elif part in held or whole in held:
                move = {cell: way for cell, way in ((part, 100.0), (whole, -float(percent))) if cell in held}
                self.rows.append((-highspy.kHighsInf, float(spare - 1) / self.base, move))

    def _solved(self, cells: Sequence[int], floor: Mapping[int, int]) -> Mapping[int, int] | None:
        width, column = len(cells), {cell: at for at, cell in enumerate(cells)}
        up = [self.within // self.base] * width
        down = [max(0, min(self.within, self._count(cell) - floor[cell])) // self.base for cell in cells]
        start, index, value = [0], list[int](), list[float]()
        for _, _, row in self.rows:
            for sign, first in ((1.0, 0), (-1.0, width)):
                index += [first + column[cell] for cell in row]
                value += [sign * one for one in row.values()]
            start.append(len(index))
        weights = _weights(self.trees).ravel()[cells].astype(np.float64)
        solver = Solver(
            random_seed=1, solver="simplex", simplex_iteration_limit=STEPS, mip_max_nodes=NODES, mip_rel_gap=SPARE
        )
        solver.passModel(
            2 * width, len(self.rows), len(index), highspy.MatrixFormat.kRowwise.value, 1, 0.0,
            np.array([*weights, *weights]), np.zeros(2 * width), np.array([*up, *down], np.float64),
            np.array([row[0] for row in self.rows]), np.array([row[1] for row in self.rows]),
            np.array(start, np.int32), np.array(index, np.int32), np.array(value), np.zeros(2 * width, np.int32),
        )  # fmt: skip
        answer = _whole(solver, _answer(solver))
        if answer is None:
            return None
        steps = np.rint(answer[:width] - answer[width:]).astype(np.int64).tolist()
        return {cell: self.base * step for cell, step in zip(cells, steps, strict=True)}


def _weights(trees: Sequence[Hierarchy]) -> Counts:
    """Of the finest cells 1, and 1 more for every step from there up, in every dimension."""
    found = np.ones([len(tree) for tree in trees], np.int64)
    for axis, tree in enumerate(trees):
        heights = np.zeros(len(tree), np.int64)
        for node in range(len(tree) - 1, 0, -1):
            heights[tree.parents[node]] = max(heights[tree.parents[node]], heights[node] + 1)
        found += heights.reshape([-1 if at == axis else 1 for at in range(len(trees))])
    return found


def _whole(solver: highspy.Highs, answer: Any) -> Any:
    """The same in whole numbers: those beside each number of the answer, and one further."""
    if answer is None or np.abs(answer - np.rint(answer)).max(initial=0.0) < WHOLE:
        return answer
    every = np.arange(len(answer), dtype=np.int32)
    low = np.maximum(np.floor(answer + WHOLE) - 1, 0)
    high = np.minimum(np.ceil(answer - WHOLE) + 1, np.array(solver.getLp().col_upper_))
    solver.changeColsBounds(len(every), every, low, high)
    kinds = np.full(len(every), highspy.HighsVarType.kInteger.value, np.uint8)
    solver.changeColsIntegrality(len(every), every, kinds)
    return _answer(solver)


def _answer(solver: highspy.Highs) -> Any:
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(solver.getSolution().col_value)
