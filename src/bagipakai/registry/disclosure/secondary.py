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
from dataclasses import dataclass, replace
from typing import TypeAlias

import highspy
import numpy as np
import numpy.typing as npt

from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.solver import Solver
from bagipakai.registry.disclosure.tables import Counts, Marks

Reals: TypeAlias = npt.NDArray[np.float64]
Cells: TypeAlias = npt.NDArray[np.int64]  # numbers in the flat table
Nodes: TypeAlias = tuple[npt.NDArray[np.int64], ...]  # some nodes of each dimension

ANY = np.int64(2**40)  # more than any cell; small enough for a solver's tolerances
REWARD = 1e4  # of pushing a primary cell by one, against costs of about 10 a cell
WIDEST = 5_000  # cells of a table that one programme looks at as a whole
SLIGHT = 1e-3  # cost of moving what is hidden, so that a move stays small
ROUNDS = 2  # of slope scaling; more found nothing better
EXACT = 1e-6
_KINDS = highspy.HighsVarType


@dataclass(frozen=True)
class Wanted:
    """What must stay possible, cell by cell (arrays of the table's shape): a primary cell may be `up` more and `down`
    less than it is, when nobody believes in more than `most` in any cell. `owner`: the number of the one contributor
    of a cell, who knows it, or -1; his cells move to protect each other, what they are part of and what is part of
    them, and nothing else. `fixed`: cells that never move and are never hidden."""

    up: Counts
    down: Counts
    most: Counts
    owner: Counts
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
    """Hides more until every primary cell, or those in `only` (numbers in the flat table), can move as wanted; `hidden`
    cells are hidden already. What its block leaves open is looked at once more in the widest surroundings."""
    work = _Work(tuple(trees), values, primary, wanted, primary.copy() if hidden is None else hidden.copy())
    targets = np.flatnonzero(work.primary) if only is None else np.array(sorted(only), np.int64)
    left = [cell for parents, some in work.blocks(targets) for cell in work.block(parents, some)]
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
        self.owner, self.fixed = wanted.owner.ravel(), wanted.fixed.ravel()
        self.weight = np.log1p(self.values.astype(np.float64))
        self.first, self.last = zip(*map(_spans, trees), strict=True)
        self.chain = [_chains(tree, _line(values, axis)) for axis, tree in enumerate(trees)]

    def blocks(self, cells: Cells) -> Iterator[tuple[tuple[int, ...], Cells]]:
        """The parents of each block in which some of these cells stand, upper ones first, and the cells."""
        if not len(cells):
            return
        places = np.unravel_index(cells, self.shape)
        above = np.stack(
            [
                np.array([max(0, up) for up in tree.parents])[place]
                for tree, place in zip(self.trees, places, strict=True)
            ]
        )
        deep = sum(_depths(tree)[line] for tree, line in zip(self.trees, above, strict=True))
        order = np.lexsort((cells, *above[::-1], deep))
        keys = above[:, order].T
        starts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(1)])
        for start, stop in zip(starts, [*starts[1:], len(cells)], strict=True):
            yield tuple(int(node) for node in keys[start]), cells[order[start:stop]]

    def block(self, parents: tuple[int, ...], targets: Cells) -> list[int]:
        """Protects these primary cells of a block, as far as it goes; returns the others."""
        largest_first = targets[np.argsort(-self.values[targets], kind="stable")]
        return self._protected(tuple(self._nodes(axis, [node]) for axis, node in enumerate(parents)), largest_first)

    def alone(self, cell: int) -> bool:
        """Protects one cell, with moves that may reach through the whole table; through all of it where it is small."""
        nodes: Nodes = tuple(np.arange(len(tree)) for tree in self.trees)
        if len(self.values) > WIDEST:
            place = np.unravel_index(cell, self.shape)
            nodes = tuple(self._nodes(axis, _path(self.trees[axis], int(node))) for axis, node in enumerate(place))
        return not self._protected(nodes, np.array([cell]))

    def _protected(self, nodes: Nodes, targets: Cells) -> list[int]:
        moves = _Moves(self, nodes)
        found: list[_Found] = []
        left = []
        for cell in targets.tolist():
            for way in (1, -1):
                one = self._found(moves, cell, way, found)
                if one is None:
                    left.append(cell)
                else:
                    found.append(one)
        self._show_again(moves, found)
        return sorted(set(left))

    def held(self, target: int, cells: Cells, owner: Counts) -> Marks:
        """Which of these cells do not move for the target, because others know them. Who is part of the target, or is
        alone in what it is part of, knows much of it anyway, and is no attacker of it."""
        if (owner < 0).all():
            return np.zeros(len(cells), np.bool_)
        inside = around = owner >= 0
        places = zip(np.unravel_index(cells, self.shape), np.unravel_index(target, self.shape), strict=True)
        for axis, (places_there, here) in enumerate(places):
            first, last = self.first[axis], self.last[axis]
            inside = inside & (first[here] <= first[places_there]) & (first[places_there] <= last[here])
            around = around & (first[places_there] <= first[here]) & (first[here] <= last[places_there])
        return (owner >= 0) & ~np.isin(owner, owner[inside | around])

    def _nodes(self, axis: int, parents: Sequence[int]) -> npt.NDArray[np.int64]:
        """The children of each parent, a chain of descendants below each child, and the root where it is a parent."""
        chosen = {0} if 0 in parents else set()
        for parent in parents:
            for child in self.trees[axis].children[parent]:
                chosen.update(self.chain[axis][child])
        return np.array(sorted(chosen), np.int64)

    def _found(self, moves: "_Moves", cell: int, way: int, before: "Sequence[_Found]") -> "_Found | None":
        """A move that was found for another cell, or one of what is hidden already, or the cheapest one there is."""
        wish = _Found(cell, way, int(self.up[cell] if way > 0 else self.down[cell]), moves.place(cell))
        for other in before:
            if other.move is not None and wish.reached(other.move) and not other.move[moves.owned].any():
                return replace(wish, move=other.move)
        move = moves.hidden().pushed(wish)
        if move is None or not wish.reached(move):
            move = self._cheapest(moves, wish)
        return replace(wish, move=move) if move is not None else None

    def _cheapest(self, moves: "_Moves", wish: "_Found") -> Reals | None:
        """The cheapest move that does what is wished, if there is one; its cells are hidden."""
        weight, free = self.weight[moves.cells], self.hidden[moves.cells]
        best, least = None, np.inf
        cost = np.where(free, 0.0, weight / max(1, wish.need))
        for _ in range(ROUNDS):
            move = moves.whole().pushed(wish, cost)
            if move is None or not wish.reached(move):
                break
            flow = np.abs(move)
            price = weight[(flow > EXACT) & ~free].sum()
            if price < least - EXACT:
                best, least = move, price
            cost = np.where((flow > EXACT) & ~free, weight / np.maximum(flow, EXACT), cost)
        if best is not None:
            moves.hide(np.abs(best) > EXACT)
        return best

    def _show_again(self, moves: "_Moves", found: "list[_Found]") -> None:
        """Shows each cell that was hidden here and that the moves can do without, the dearest first."""
        new = moves.fresh
        lean = moves.hidden()
        for column in new[np.argsort(-self.weight[moves.cells[new]], kind="stable")].tolist():
            lean.close(column)
            others = {}
            for at, one in enumerate(found):
                if one.move is not None and one.move[column]:
                    others[at] = lean.pushed(one)
                    if not one.reached(others[at]):
                        lean.open(column)
                        break
            else:
                self.hidden[moves.cells[column]] = False
                for at, move in others.items():
                    found[at] = replace(found[at], move=move)


@dataclass(frozen=True)
class _Found:
    """A wish, to push a cell by `need` up (way 1) or down (-1), and a move (one number per cell of `_Moves`) that does
    it."""

    cell: int
    way: int
    need: int
    column: int
    move: Reals | None = None

    def reached(self, move: Reals | None) -> bool:
        return move is not None and self.way * move[self.column] > self.need - EXACT


class _Moves:
    """The moves of some cells of the table, all others staying what they are."""

    def __init__(self, work: _Work, nodes: Nodes) -> None:
        self.work = work
        self.cells: Cells = np.ravel_multi_index(np.ix_(*nodes), work.shape).ravel()
        self.row, self.at, self.sign = _equations(work.trees, nodes)
        self.owned = np.flatnonzero(work.owner[self.cells] >= 0)
        self.fresh: Cells = np.array([], np.int64)  # the columns that were hidden here
        self._lean: _Programme | None = None
        self._whole: _Programme | None = None

    def place(self, cell: int) -> int:
        """The column of a cell."""
        return int(np.searchsorted(self.cells, cell))

    def whole(self) -> "_Programme":
        """The programme over all these cells."""
        if self._whole is None:
            self._whole = _Programme(self, np.arange(len(self.cells)))
        return self._whole

    def hidden(self) -> "_Programme":
        """The programme over those that are hidden now."""
        if self._lean is None:
            self._lean = _Programme(self, np.flatnonzero(self.work.hidden[self.cells]))
        return self._lean

    def hide(self, columns: Marks) -> None:
        new = np.flatnonzero(columns & ~self.work.hidden[self.cells])
        if len(new):
            self.work.hidden[self.cells[new]] = True
            self.fresh = np.r_[self.fresh, new]
            self._lean = None


class _Programme:
    """One model in the solver, over some columns of `_Moves`, that is asked again with other bounds and costs."""

    def __init__(self, moves: _Moves, chosen: npt.NDArray[np.int64]) -> None:
        work = moves.work
        self.chosen, self.size = chosen, len(moves.cells)
        cells = moves.cells[chosen]
        values = work.values[cells]
        still = work.fixed[cells]
        self.low = np.where(still, 0, -values).astype(np.float64)
        self.high = np.where(still, 0, np.maximum(0, work.most[cells] - values)).astype(np.float64)
        self.high = np.minimum(self.high, float(ANY))
        self.work, self.cells, self.owner = work, cells, work.owner[cells]
        self.closed = np.zeros(len(cells), np.bool_)
        self.solver = Solver(random_seed=0, presolve="off", solver="simplex", time_limit=60.0)
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

    def pushed(self, wish: _Found, cost: Reals | None = None) -> Reals | None:
        """The cheapest move towards what is wished, or None where the solver does not say that it is one. Moves are of
        whole numbers. `cost`: of each cell of `_Moves` for a move by one."""
        at = int(np.searchsorted(self.chosen, wish.column))
        low, high = self.low.copy(), self.high.copy()
        held = self.closed | self.work.held(wish.cell, self.cells, self.owner)
        low[held] = high[held] = 0.0
        price = np.full(len(low), SLIGHT) if cost is None else cost[self.chosen]
        twice = price > 0  # a cell that costs something has a column for going up and one for going down
        twice[at] = False
        lower = np.r_[np.where(twice, 0.0, low), np.zeros(len(low))]
        upper = np.r_[high, np.where(twice, -low, 0.0)]
        prices = np.tile(np.where(twice, price, 0.0), 2)
        if wish.way > 0:
            upper[at] = min(upper[at], wish.need)
        else:
            lower[at] = max(lower[at], -wish.need)
        prices[at] = -wish.way * REWARD
        self.solver.changeColsBounds(self.width, self.index, lower, upper)
        self.solver.changeColsCost(self.width, self.index, prices)
        told = self._solved()
        if told is not None and np.abs(told - np.rint(told)).max(initial=0.0) > EXACT:
            told = self._solved_in_whole_numbers()
        if told is None:
            return None
        move = np.zeros(self.size)
        move[self.chosen] = np.rint(told[: len(low)] - told[len(low) :])
        return move

    def _solved(self) -> Reals | None:
        """From the start each time: no move at all is a good start, and the answer depends on nothing before it."""
        self.solver.clearSolver()
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self.solver.getSolution().col_value)

    def _solved_in_whole_numbers(self) -> Reals | None:
        kinds = {kind: np.full(self.width, kind.value, np.uint8) for kind in (_KINDS.kInteger, _KINDS.kContinuous)}
        self.solver.changeColsIntegrality(self.width, self.index, kinds[_KINDS.kInteger])
        told = self._solved()
        self.solver.changeColsIntegrality(self.width, self.index, kinds[_KINDS.kContinuous])
        return told

    def close(self, column: int) -> None:
        self.closed[np.searchsorted(self.chosen, column)] = True

    def open(self, column: int) -> None:
        self.closed[np.searchsorted(self.chosen, column)] = False


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
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)[:, 0]


def _spans(tree: Hierarchy) -> tuple[Counts, Counts]:
    """Numbers for the nodes such that those below a node, and it, are the numbers from its first to its last."""
    size = np.ones(len(tree), np.int64)
    for node in reversed(range(1, len(tree))):
        size[tree.parents[node]] += size[node]
    first = np.zeros(len(tree), np.int64)
    for node in tree.inner:
        below = list(tree.children[node])
        first[below] = first[node] + 1 + np.cumsum(size[below]) - size[below]
    return first, first + size - 1


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
