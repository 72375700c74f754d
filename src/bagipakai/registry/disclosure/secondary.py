"""Which further cells are hidden, so that the primary ones cannot be had by subtraction (secondary suppression).

A *move* changes cells and leaves every sum and every shown cell as published; so the table after it is as possible as
the true one. A primary cell is protected when moves can push it up and down as far as is wanted. For each block (one
parent in each dimension, its children, and a chain of descendants of each) small linear programmes look for the
cheapest moves, at log(1 + n) for a cell that is not yet hidden; what they touch is hidden. Costs are per cell and not
per person, so they are divided by what flowed, a few times (slope scaling: Kim and Pardalos 1999). Then each cell is
shown again that no move needs. Moves for upper blocks come first; lower ones find their cells hidden already, as in
HITAS (de Wolf 2002). The programmes are those of Fischetti and Salazar (2000), by `highspy`: one thread, fixed seed; a
programme without an optimum protects nothing.

This is a heuristic with proofs for what it found only. `audit` decides whether a table may leave.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import highspy
import numpy as np
import numpy.typing as npt

from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.tables import Counts, Marks

Reals: TypeAlias = npt.NDArray[np.float64]
Nodes: TypeAlias = tuple[npt.NDArray[np.int64], ...]  # some nodes of each dimension

ANY = np.int64(2**40)  # more than any cell; small enough for a solver's tolerances
REWARD = 1e4  # of pushing a primary cell by one, against costs of about 10 a cell
ROUNDS = 3  # of slope scaling
EXACT = 1e-6


@dataclass(frozen=True)
class Wanted:
    """What must stay possible, cell by cell (arrays of the table's shape): a primary cell may be `up` more and `down`
    less than it is, when nobody believes in more than `most` in any cell. `known`: cells that one contributor knows.
    He does not move to protect others. `fixed`: cells that can never move, and are never hidden."""

    up: Counts
    down: Counts
    most: Counts
    known: Marks
    fixed: Marks


@dataclass(frozen=True)
class Suppression:
    """Every hidden cell, and the primary ones (numbers in the flat table) for which no moves were found."""

    hidden: Marks
    open: tuple[int, ...]


def suppressed(
    trees: Sequence[Hierarchy],
    values: Counts,
    primary: Marks,
    wanted: Wanted,
    hidden: Marks | None = None,
    only: Iterable[int] | None = None,
) -> Suppression:
    """Hides more until every primary cell, or those in `only`, can move as wanted; `hidden` cells are hidden already.

    With `only`, each cell is looked at alone and in the widest surroundings: for those few that blocks leave open.
    """
    work = _Work(tuple(trees), values, primary, wanted, primary.copy() if hidden is None else hidden.copy())
    if only is None:
        left = [cell for parents, targets in work.blocks() for cell in work.block(parents, targets)]
    else:
        left = list(only)
    left = [cell for cell in left if not work.alone(cell)]
    return Suppression(work.hidden.reshape(values.shape), tuple(sorted(left)))


class _Work:
    def __init__(
        self, trees: tuple[Hierarchy, ...], values: Counts, primary: Marks, wanted: Wanted, hidden: Marks
    ) -> None:
        self.trees, self.shape = trees, values.shape
        self.values, self.primary, self.hidden = values.ravel(), primary.ravel(), hidden.ravel()
        self.up, self.down = wanted.up.ravel(), wanted.down.ravel()
        self.most = np.minimum(wanted.most.ravel(), self.values + ANY)
        self.known, self.fixed = wanted.known.ravel(), wanted.fixed.ravel()
        self.weight = np.log1p(self.values.astype(np.float64))
        self.chain = [_chains(tree, _line(values, axis)) for axis, tree in enumerate(trees)]

    def blocks(self) -> Iterator[tuple[tuple[int, ...], npt.NDArray[np.int64]]]:
        """The parents of each block with primary cells, upper ones first, and these cells."""
        cells = np.flatnonzero(self.primary)
        places = np.unravel_index(cells, self.shape)
        above = np.stack([np.array([max(0, up) for up in tree.parents])[place] for tree, place in zip(self.trees, places)])
        deep = sum(_depths(tree)[line] for tree, line in zip(self.trees, above))
        order = np.lexsort((cells, *above[::-1], deep))
        keys = above[:, order].T
        starts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(1)]) if len(cells) else np.array([], np.int64)
        for start, stop in zip(starts, [*starts[1:], len(cells)], strict=True):
            yield tuple(int(node) for node in keys[start]), cells[order[start:stop]]

    def block(self, parents: tuple[int, ...], targets: npt.NDArray[np.int64]) -> list[int]:
        """Protects these primary cells of a block, as far as it goes; returns the others."""
        moves = _Moves(self, tuple(self._nodes(axis, [parent]) for axis, parent in enumerate(parents)))
        found = self._all_at_once(moves, targets)
        found += self._one_by_one(moves, [(cell, way) for cell, way in _ways(targets) if not _done(found, cell, way)])
        self._show_again(moves, found)
        return [int(cell) for cell in targets if not (_done(found, cell, 1) and _done(found, cell, -1))]

    def alone(self, cell: int) -> bool:
        """Protects one cell, with moves that may reach through the whole table."""
        place = np.unravel_index(cell, self.shape)
        nodes = tuple(self._nodes(axis, _path(self.trees[axis], int(node))) for axis, node in enumerate(place))
        moves = _Moves(self, nodes)
        found = self._one_by_one(moves, [(cell, 1), (cell, -1)])
        self._show_again(moves, found)
        return len(found) == 2

    def _nodes(self, axis: int, parents: Sequence[int]) -> npt.NDArray[np.int64]:
        """The children of each parent, a chain of descendants below each child, and the root where it is a parent."""
        chosen = {0} if 0 in parents else set()
        for parent in parents:
            for child in self.trees[axis].children[parent]:
                chosen.update(self.chain[axis][child])
        return np.array(sorted(chosen), np.int64)

    def _all_at_once(self, moves: "_Moves", targets: npt.NDArray[np.int64]) -> "list[_Found]":
        """One move up and one move down for all primary cells together that nobody's own knowledge touches."""
        many = targets[~self.known[targets]]
        found = []
        for way in (1, -1):
            if len(many):
                move = self._cheapest(moves, many, way)
                if move is not None:
                    found.append(_Found(many[self._reached(moves, move, many, way)], way, move))
        return found

    def _one_by_one(self, moves: "_Moves", wishes: Sequence[tuple[int, int]]) -> "list[_Found]":
        """First with what is hidden already, then with the cheapest further cells."""
        found = []
        for cell, way in wishes:
            one = np.array([cell])
            move = moves.hidden().pushed(one, way, self._need(one, way))
            if move is None or not self._reached(moves, move, one, way).all():
                move = self._cheapest(moves, one, way)
            if move is not None and self._reached(moves, move, one, way).all():
                found.append(_Found(one, way, move))
        return found

    def _need(self, targets: npt.NDArray[np.int64], way: int) -> Counts:
        return self.up[targets] if way > 0 else self.down[targets]

    def _reached(self, moves: "_Moves", move: Reals, targets: npt.NDArray[np.int64], way: int) -> Marks:
        return way * move[moves.column[targets]] > self._need(targets, way) - EXACT

    def _cheapest(self, moves: "_Moves", targets: npt.NDArray[np.int64], way: int) -> Reals | None:
        """The cheapest move that pushes the targets as far as they can go; its cells are hidden."""
        cells, weight = moves.cells, self.weight[moves.cells]
        free = self.hidden[cells]
        best, least, pushed = None, np.inf, -np.inf
        need = self._need(targets, way)
        cost = weight / max(1, need.max(initial=1))
        for _ in range(ROUNDS):
            move = moves.pushed(targets, way, need, np.where(free, 0.0, cost))
            if move is None:
                break
            flow = np.abs(move)
            price, reach = weight[(flow > EXACT) & ~free].sum(), way * move[moves.column[targets]].sum()
            if reach > pushed + EXACT or (reach > pushed - EXACT and price < least - EXACT):
                best, least, pushed = move, price, max(reach, pushed)
            if price == 0:
                break
            cost = np.where(flow > EXACT, weight / np.maximum(flow, EXACT), cost)
        if best is not None:
            moves.hide(np.abs(best) > EXACT)
        return best

    def _show_again(self, moves: "_Moves", found: "list[_Found]") -> None:
        """Shows each cell that this block hid and that its moves can do without, the dearest first."""
        new = moves.fresh
        lean = moves.hidden()
        for column in new[np.argsort(-self.weight[moves.cells[new]], kind="stable")]:
            touched = [one for one in found if abs(one.move[column]) > EXACT]
            lean.close(column)
            others = []
            for one in touched:
                move = lean.pushed(one.targets, one.way, self._need(one.targets, one.way))
                if move is None or not self._reached(moves, move, one.targets, one.way).all():
                    break
                others.append(move)
            if len(others) == len(touched):
                self.hidden[moves.cells[column]] = False
                for one, move in zip(touched, others, strict=True):
                    one.move = move
            else:
                lean.open(column)


@dataclass
class _Found:
    """A move (one number per cell of its block) that pushes all `targets` as far as is wanted."""

    targets: npt.NDArray[np.int64]
    way: int
    move: Reals


@dataclass
class _Moves:
    """The moves of some cells of the table, all others staying what they are, as a linear programme. A column is one
    cell; a cell that costs something has a second one, for going down."""

    work: _Work
    nodes: Nodes
    fresh: npt.NDArray[np.int64] = field(default_factory=lambda: np.array([], np.int64))

    def __post_init__(self) -> None:
        work = self.work
        self.cells = np.ravel_multi_index(np.ix_(*self.nodes), work.shape).ravel()
        self.column = _Columns(self.cells)
        self.row, self.at, self.sign = _equations(work.trees, self.nodes)
        self._lean: _Programme | None = None
        self._whole: _Programme | None = None

    def pushed(self, targets: npt.NDArray[np.int64], way: int, need: Counts, cost: Reals) -> Reals | None:
        if self._whole is None:
            self._whole = _Programme(self, np.arange(len(self.cells)))
        return self._whole.pushed(targets, way, need, cost)

    def hidden(self) -> "_Programme":
        """With the cells only that are hidden now."""
        if self._lean is None:
            self._lean = _Programme(self, np.flatnonzero(self.work.hidden[self.cells]))
        return self._lean

    def hide(self, columns: Marks) -> None:
        new = np.flatnonzero(columns & ~self.work.hidden[self.cells])
        if len(new):
            self.work.hidden[self.cells[new]] = True
            self.fresh = np.r_[self.fresh, new]
            self._lean = None


class _Columns:
    """Where a cell of the table stands among some sorted ones."""

    def __init__(self, cells: npt.NDArray[np.int64]) -> None:
        self._cells = cells

    def __getitem__(self, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(self._cells, wanted)


class _Programme:
    """One model in the solver, over some columns of `_Moves`, that is asked again with other bounds and costs."""

    def __init__(self, moves: _Moves, chosen: npt.NDArray[np.int64]) -> None:
        work = moves.work
        self.moves, self.chosen, self.size = moves, chosen, len(moves.cells)
        cells = moves.cells[chosen]
        self.cells = cells
        values = work.values[cells]
        still = work.fixed[cells]
        self.low = np.where(still, 0, -values).astype(np.float64)
        self.high = np.where(still, 0, np.maximum(0, work.most[cells] - values)).astype(np.float64)
        self.high = np.minimum(self.high, float(ANY))
        self.known = work.known[cells]
        self.closed = np.zeros(len(cells), np.bool_)
        self.solver = _solver()
        self._load(moves, chosen)

    def _load(self, moves: _Moves, chosen: npt.NDArray[np.int64]) -> None:
        place = np.full(self.size, -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        kept = place[moves.at] >= 0
        at, sign = place[moves.at[kept]], moves.sign[kept]
        rows, row = np.unique(moves.row[kept], return_inverse=True)
        at, row, sign = np.r_[at, at + len(chosen)], np.r_[row, row], np.r_[sign, -sign]
        order = np.lexsort((row, at))
        width = 2 * len(chosen)
        start = np.searchsorted(at[order], np.arange(width + 1)).astype(np.int32)
        zeros = np.zeros(width)
        none = np.zeros(len(rows))
        self.width = width
        self.index = np.arange(width, dtype=np.int32)
        self.solver.passModel(
            width, len(rows), len(order), 1, 1, 0.0, zeros, zeros, zeros, none, none,
            start, row[order].astype(np.int32), sign[order].astype(np.float64), np.zeros(width, np.int32),
        )  # fmt: skip

    def pushed(
        self, targets: npt.NDArray[np.int64], way: int, need: Counts, cost: Reals | None = None
    ) -> Reals | None:
        """The cheapest move that pushes the targets towards `need` (persons, up for way 1, down for way -1), or None
        where the solver does not say that it is one."""
        at = np.searchsorted(self.cells, targets)
        low, high = self.low.copy(), self.high.copy()
        held = self.known | self.closed
        held[at] = False
        low[held] = high[held] = 0.0
        price = np.full(len(self.cells), 1e-3) if cost is None else cost[self.chosen]
        split = price > 0
        split[at] = False
        lower = np.r_[np.where(split, 0.0, low), np.zeros(len(low))]
        upper = np.r_[high, np.where(split, -low, 0.0)]
        prices = np.r_[np.where(split, price, 0.0), np.where(split, price, 0.0)]
        if way > 0:
            upper[at] = np.minimum(upper[at], need)
        else:
            lower[at] = np.maximum(lower[at], -need)
        prices[at] = -way * REWARD
        solver = self.solver
        solver.changeColsBounds(self.width, self.index, lower, upper)
        solver.changeColsCost(self.width, self.index, prices)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        told = np.array(solver.getSolution().col_value)
        move = np.zeros(self.size)
        move[self.chosen] = told[: len(low)] - told[len(low) :]
        return move

    def close(self, column: int) -> None:
        self.closed[np.searchsorted(self.chosen, column)] = True

    def open(self, column: int) -> None:
        self.closed[np.searchsorted(self.chosen, column)] = False


def _solver() -> highspy.Highs:
    solver = highspy.Highs()
    for name, value in {
        "output_flag": False, "threads": 1, "random_seed": 0, "presolve": "off", "solver": "simplex",
        "parallel": "off", "time_limit": 60.0,
    }.items():  # fmt: skip
        solver.setOptionValue(name, value)
    return solver


def _equations(
    trees: Sequence[Hierarchy], nodes: Nodes
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row, column and sign of each term: in every dimension, the children of a parent sum to the parent."""
    grid = np.arange(np.prod([len(some) for some in nodes])).reshape([len(some) for some in nodes])
    rows, columns, signs, first = [], [], [], 0
    for axis, (tree, some) in enumerate(zip(trees, nodes, strict=True)):
        lines = np.moveaxis(grid, axis, 0).reshape(len(some), -1)
        place = {int(node): at for at, node in enumerate(some)}
        parents = dict.fromkeys(tree.parents[node] for node in place if node)
        for parent in parents:
            terms = [(place[child], 1) for child in tree.children[parent] if child in place]
            terms += [(place[parent], -1)] if parent in place else []
            for at, sign in terms:
                columns.append(lines[at])
                rows.append(first + np.arange(lines.shape[1]))
                signs.append(np.full(lines.shape[1], sign))
            first += lines.shape[1]
    if not rows:
        return (np.array([], np.int64),) * 3
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(signs)


def _chains(tree: Hierarchy, size: Counts) -> list[list[int]]:
    """For each node itself, its largest child, that one's largest child, and so on: where there is room to move."""
    chains: list[list[int]] = [[node] for node in range(len(tree))]
    for node in reversed(tree.inner):
        chains[node] += chains[max(tree.children[node], key=lambda child: (size[child], -child))]
    return chains


def _line(values: Counts, axis: int) -> Counts:
    """The values of one dimension, with the total of every other."""
    return np.moveaxis(values, axis, 0)[(slice(None), *[0] * (values.ndim - 1))]


def _depths(tree: Hierarchy) -> npt.NDArray[np.int64]:
    depths = [0]
    for parent in tree.parents[1:]:
        depths.append(depths[parent] + 1)
    return np.array(depths)


def _path(tree: Hierarchy, node: int) -> list[int]:
    """The parents of a node up to the root; the root is its own."""
    path = [max(0, tree.parents[node])]
    while path[-1]:
        path.append(tree.parents[path[-1]])
    return path


def _ways(targets: Iterable[int]) -> Iterator[tuple[int, int]]:
    yield from ((int(cell), way) for cell in targets for way in (1, -1))


def _done(found: Iterable[_Found], cell: int, way: int) -> bool:
    return any(one.way == way and cell in one.targets for one in found)
