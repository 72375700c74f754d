"""Full-domain recoding: which level of each quasi-identifier loses least, so that few enough rows must be dropped.

The nodes of the lattice are the choices of one level for each variable (Samarati 2001; LeFevre et al. 2005).
The base cells are counted once by DuckDB; every node is rolled up from the smallest finer node already computed, never
from the rows. A row *violates* at a node when its class does not meet the limits; violating rows would be dropped.

Nodes are tried in the order of the loss that they have without dropping anything, which no coarser node undercuts; so
the search ends, for every kind of limit, when that bound exceeds the least loss found. Besides, a node is passed over
where two of its variables alone leave too many rows in small classes: more variables only make classes smaller. Nothing
else is pruned: entropy l, the largest share and t can become worse when classes are merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise, product
from math import log, prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.disclosure.measures import MOST_VALUES, Connection, fresh, quietly, quoted, run
from bagipakai.registry.disclosure.recoding import WHOLE, Variable

Levels: TypeAlias = tuple[int, ...]
Ints: TypeAlias = npt.NDArray[np.int64]

MOST_NODES = 100_000
ROOM = 64_000_000  # cells of nodes that are kept to roll up from, base cells not counted
DENSE = 1 << 22  # so many possible cells are counted in an array; more are sorted
AT_ONCE = 1 << 24  # numbers of a matrix of classes and values


@dataclass(frozen=True, slots=True)
class Limits:
    """What a class must meet. `k` units; of the sensitive values at least `l` different ones, an entropy l of at least
    `entropy` (to 1e-9), no share above `share`, no distance above `equal` and `ordered` (0 to 1) from all rows before
    any is dropped. Of all rows in classes that meet these, knowing the class makes no guess of the value right for more
    of what is left to guess than the part `inference`."""

    k: int
    l: int = 1  # noqa: E741  # the field's name
    entropy: float | None = None
    share: Fraction | None = None
    equal: Fraction | None = None
    ordered: Fraction | None = None
    inference: Fraction | None = None

    @property
    def of_values(self) -> bool:
        limits = (self.entropy, self.share, self.equal, self.ordered, self.inference)
        return self.l > 1 or any(one is not None for one in limits)


@dataclass(frozen=True, slots=True)
class Node:
    """A choice of levels: rows that violate there, and the loss, in parts of WHOLE per value, over all rows and
    variables: that of the levels for rows that stay, WHOLE for each value of a row that is dropped."""

    levels: Levels
    violating: int
    loss: int


@dataclass(frozen=True, slots=True)
class Found:
    """The node of least loss whose violating rows are within the budget, None where there is none; of equal losses the
    one with fewer violating rows, then the first in the order of levels. `curve`: of the nodes that were computed,
    those that no other one beats in both the loss of their levels and the violating rows, the finest first.
    `computed`: how many there were."""

    best: Node | None
    curve: tuple[Node, ...]
    rows: int
    computed: int


@dataclass(frozen=True, slots=True)
class _Cells:
    """`digits`: for each variable the code of its value, then that of the sensitive value; `n` rows. Sorted."""

    digits: tuple[Ints, ...]
    n: Ints


class Lattice:
    """The lattice of `variables` over `relation`, a table or view on `con`. With `family` (a column) a class must have
    `k` families, which are counted only where the persons are enough. With `weight` (a column) a row stands for so
    many.

    Raises MeasureError; ValueError where levels do not nest on the values that occur, where the lattice or its cells
    are too many to number, or where limits on sensitive values lack the variable.
    """

    def __init__(
        self,
        con: Connection,
        relation: str,
        variables: Sequence[Variable],
        limits: Limits,
        sensitive: str | None = None,
        family: str | None = None,
        weight: str | None = None,
    ) -> None:
        if limits.of_values and sensitive is None:
            raise ValueError("no sensitive variable")
        self.variables, self.limits = tuple(variables), limits
        if not self.variables or prod(len(variable.levels) for variable in self.variables) > MOST_NODES:
            raise ValueError("no variables, or too many nodes")
        self._of_values = limits.of_values
        read = [variable.name for variable in self.variables] + ([str(sensitive)] if self._of_values else [])
        base, values = _counted(con, relation, read, weight)
        if not self._of_values:
            base, values = _Cells((*base.digits, np.zeros(len(base.n), np.int64)), base.n), [*values, [None]]
        self.rows = int(base.n.sum())
        self._coded(values)
        self._kept: dict[Levels, _Cells] = {}
        self._base = base
        self._spread = np.bincount(base.digits[-1], base.n, minlength=self._values).astype(np.int64)
        self._homes = None if family is None else _homes(con, relation, read[: len(self.variables)], family, values)

    def _coded(self, values: list[list[Any]]) -> None:
        """`_codes[v][level]`: the code at that level of each base value; `_sizes[v][level]`: how many codes."""
        self._values = max(1, len(values[-1]))
        self._codes: list[list[Ints]] = []
        self._sizes: list[list[int]] = []
        for variable, found in zip(self.variables, values[:-1], strict=True):
            told = [[level.recode.recoded(value) for value in found] for level in variable.levels]
            for finer, coarser in pairwise(told):
                if len(set(zip(finer, coarser, strict=True))) != len(set(finer)):
                    raise ValueError(f"levels that do not nest: {variable.name}")
            numbers = [{value: at for at, value in enumerate(dict.fromkeys(level))} for level in told]
            self._codes.append(
                [np.array([n[v] for v in level], np.int64) for n, level in zip(numbers, told, strict=True)]
            )
            self._sizes.append([max(1, len(one)) for one in numbers])
        if prod(max(1, len(found)) for found in values) >= 1 << 62:
            raise ValueError("too many possible cells to number")
        self._down = {
            (at, finer, coarser): _between(codes[finer], codes[coarser])
            for at, codes in enumerate(self._codes)
            for finer in range(len(codes))
            for coarser in range(finer + 1, len(codes))
        }

    def at(self, levels: Levels) -> Node:
        """One node, whatever its loss."""
        cells = self._cells(levels)
        fails, k = self._failing(cells)
        if self._homes is not None:
            fails = fails | (self._families(levels, *self._homes) < self.limits.k)
        return self._node(levels, int(k[fails].sum()))

    def search(self, dropped: Fraction) -> Found:
        """The best node where at most this share of the rows violates."""
        budget = int(self.rows * dropped)
        possible = self._possible(budget)
        best: Node | None = None
        computed: list[Node] = []
        for bound, levels in sorted((self._bound(levels), levels) for levels in self._nodes()):
            if best is not None and bound > best.loss:
                break
            if not all(possible[i, j][levels[i], levels[j]] for i, j in possible):
                continue
            node = self._within(levels, budget, best)
            computed.append(node)
            if node.violating <= budget and (best is None or _rank(node) < _rank(best)):
                best = node
        return Found(best, self._curve(computed), self.rows, len(computed))

    def _within(self, levels: Levels, budget: int, best: Node | None) -> Node:
        """The node; its families are counted only where that can still matter, so `violating` is a lower bound where
        the persons alone rule it out."""
        cells = self._cells(levels)
        fails, k = self._failing(cells)
        node = self._node(levels, int(k[fails].sum()))
        if self._homes is None or node.violating > budget or (best is not None and _rank(node) > _rank(best)):
            return node
        return self.at(levels)

    def _nodes(self) -> list[Levels]:
        return list(product(*(range(len(variable.levels)) for variable in self.variables)))

    def _lost(self, levels: Levels) -> int:
        pairs = zip(self.variables, levels, strict=True)
        return sum(variable.levels[level].loss for variable, level in pairs)

    def _bound(self, levels: Levels) -> int:
        return self.rows * self._lost(levels)

    def _node(self, levels: Levels, violating: int) -> Node:
        more = WHOLE * len(self.variables) - self._lost(levels)
        return Node(levels, violating, self._bound(levels) + (violating * more))

    def _curve(self, computed: list[Node]) -> tuple[Node, ...]:
        curve: list[Node] = []
        for node in sorted(computed, key=lambda one: (self._bound(one.levels), one.violating, one.levels)):
            if not curve or node.violating < curve[-1].violating:
                curve.append(node)
        return tuple(curve)

    def _possible(self, budget: int) -> dict[tuple[int, int], npt.NDArray[np.bool_]]:
        """For each two variables and their levels: whether few enough rows are in classes below k by them alone."""
        found = {}
        for i, j in combinations(range(len(self.variables)), 2):
            sizes = (self._sizes[i], self._sizes[j])
            table = _matrix(self._base, i, j, len(self._codes[i][0]), len(self._codes[j][0]))
            answer = np.ones((len(sizes[0]), len(sizes[1])), np.bool_)
            for one, other in product(range(len(sizes[0])), range(len(sizes[1]))):
                rows, columns, n = table
                key = self._codes[i][one][rows] * sizes[1][other] + self._codes[j][other][columns]
                k = np.bincount(np.unique(key, return_inverse=True)[1], n)
                answer[one, other] = k[k < self.limits.k].sum() <= budget
            found[i, j] = answer
        return found

    def _cells(self, levels: Levels) -> _Cells:
        """Rolled up from the smallest finer node that is kept, or from the base."""
        if levels in self._kept:
            return self._kept[levels]
        finer = [one for one in self._kept if all(a <= b for a, b in zip(one, levels, strict=True))]
        nearest = min(finer, key=lambda one: (len(self._kept[one].n), one), default=None)
        source = self._base if nearest is None else self._kept[nearest]
        digits = list(source.digits)
        for at, level in enumerate(levels):
            if nearest is None:
                digits[at] = self._codes[at][level][digits[at]]
            elif nearest[at] != level:
                digits[at] = self._down[at, nearest[at], level][digits[at]]
        cells = _grouped(digits, source.n, self._bases(levels))
        if sum(len(one.n) for one in self._kept.values()) + len(cells.n) <= ROOM:
            self._kept[levels] = cells
        return cells

    def _bases(self, levels: Levels) -> list[int]:
        return [self._sizes[at][level] for at, level in enumerate(levels)] + [self._values]

    def _starts(self, cells: _Cells) -> Ints:
        """Where a class begins: cells are sorted, the sensitive value last."""
        if not len(cells.n):
            return np.zeros(0, np.int64)
        new = np.zeros(len(cells.n), np.bool_)
        new[0] = True
        for digit in cells.digits[:-1]:
            new[1:] |= digit[1:] != digit[:-1]
        return np.flatnonzero(new)

    def _failing(self, cells: _Cells) -> tuple[npt.NDArray[np.bool_], Ints]:
        """For each class, whether it fails the limits on persons, and how many rows it has."""
        starts = self._starts(cells)
        if not len(starts):
            return np.zeros(0, np.bool_), starts
        k = np.add.reduceat(cells.n, starts)
        fails = k < self.limits.k
        if not self._of_values:
            return fails, k
        limits = self.limits
        fails |= np.diff(np.append(starts, len(cells.n))) < limits.l
        if limits.share is not None:
            fails |= np.maximum.reduceat(cells.n, starts) * limits.share.denominator > k * limits.share.numerator
        if limits.entropy is not None:
            entropy = np.log(k) - np.add.reduceat(cells.n * np.log(cells.n), starts) / k
            fails |= entropy < log(limits.entropy) - 1e-9
        if limits.equal is not None or limits.ordered is not None:
            fails |= self._far(cells, starts, k)
        if limits.inference is not None and self._guessed(cells, starts, ~fails):
            fails[:] = True
        return fails, k

    def _guessed(self, cells: _Cells, starts: Ints, left: npt.NDArray[np.bool_]) -> bool:
        """Whether in the classes that are left the most frequent value of each is right for too many more rows than
        that of all."""
        assert self.limits.inference is not None  # noqa: S101 - else nobody asks
        many = np.add.reduceat(cells.n, starts)[left]
        there = np.repeat(left, np.diff(np.append(starts, len(cells.n))))
        blindly = int(np.bincount(cells.digits[-1][there], weights=cells.n[there]).max(initial=0))
        right, rows = int(np.maximum.reduceat(cells.n, starts)[left].sum()), int(many.sum())
        return right - blindly > self.limits.inference * (rows - blindly)

    def _far(self, cells: _Cells, starts: Ints, k: Ints) -> npt.NDArray[np.bool_]:
        """Whether the distribution of a class is too far from that of all rows, in whole numbers."""
        if self._values > MOST_VALUES:
            raise ValueError("too many values to compare distributions: band them first")
        number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(cells.n))))
        far = np.zeros(len(starts), np.bool_)
        step = max(1, AT_ONCE // self._values)
        for first in range(0, len(starts), step):
            some = slice(first, min(first + step, len(starts)))
            here = (number >= some.start) & (number < some.stop)
            matrix = np.zeros((some.stop - some.start, self._values), np.int64)
            matrix[number[here] - some.start, cells.digits[-1][here]] = cells.n[here]
            far[some] = self._far_of(matrix, k[some])
        return far

    def _far_of(self, matrix: Ints, k: Ints) -> npt.NDArray[np.bool_]:
        equal, ordered = self.limits.equal, self.limits.ordered
        steps = max(1, self._values - 1)
        largest = max(one.denominator for one in (equal, ordered, Fraction(1)) if one is not None)
        kind = np.int64 if 2 * (steps + 1) * largest * self.rows**2 < 1 << 63 else object  # exact in either
        n, of_class = matrix.astype(kind), k.astype(kind)
        apart = n * self.rows - of_class[:, None] * self._spread.astype(kind)
        far = np.zeros(len(k), np.bool_)
        if equal is not None:
            far |= (abs(apart).sum(1) * equal.denominator > 2 * self.rows * of_class * equal.numerator).astype(bool)
        if ordered is not None:
            moved = abs(np.cumsum(apart, 1)).sum(1)
            limit = steps * self.rows * of_class * ordered.numerator
            far |= (moved * ordered.denominator > limit).astype(bool)
        return far

    def _families(self, levels: Levels, homes: list[Ints], family: Ints) -> Ints:
        """The families of each class, in the order of the classes."""
        digits = [self._codes[at][level][homes[at]] for at, level in enumerate(levels)]
        key = _numbered(digits, self._bases(levels)[:-1])
        _, of_class = np.unique(key, return_inverse=True)
        families = int(family.max(initial=0)) + 1
        return np.bincount(np.unique(of_class * families + family) // families)


def _rank(node: Node) -> tuple[int, int, Levels]:
    return node.loss, node.violating, node.levels


def _counted(
    con: Connection, relation: str, columns: Sequence[str], weight: str | None
) -> tuple[_Cells, list[list[Any]]]:
    """The base cells, and the values of each column that its codes stand for, in order, unknown last."""
    table = fresh("base")
    keys = [f"q{at}" for at in range(len(columns))]
    named = ", ".join(f"{quoted(name)} AS {key}" for name, key in zip(columns, keys, strict=True))
    n, told = ("count(*)", "") if weight is None else (f"CAST(sum({quoted(weight)}) AS BIGINT)", f", {quoted(weight)}")
    cells = f"SELECT {', '.join(keys)}, {n} AS n FROM (SELECT {named}{told} FROM {quoted(relation)}) GROUP BY ALL"  # noqa: S608
    run(con, f"CREATE TEMP TABLE {table} AS {cells}")
    distinct = [f"SELECT DISTINCT {key} FROM {table} ORDER BY 1 NULLS LAST" for key in keys]  # noqa: S608  # our own names
    values = [[value for (value,) in run(con, text)] for text in distinct]
    found = _arrow(con, f"SELECT * FROM {table}")  # noqa: S608  # as above
    run(con, f"DROP TABLE {table}")
    digits = [_digits(found.column(key), known) for key, known in zip(keys, values, strict=True)]
    return _Cells(tuple(digits), found.column("n").to_numpy().astype(np.int64)), values


def _homes(
    con: Connection, relation: str, columns: Sequence[str], family: str, values: list[list[Any]]
) -> tuple[list[Ints], Ints]:
    """Each family once for each base cell that it is in: the codes, and the number of the family."""
    named = ", ".join(f"{quoted(name)} AS q{at}" for at, name in enumerate(columns))
    found = _arrow(con, f"SELECT DISTINCT {named}, {quoted(family)} AS family FROM {quoted(relation)}")  # noqa: S608
    digits = [_digits(found.column(f"q{at}"), values[at]) for at in range(len(columns))]
    families = found.column("family").combine_chunks().dictionary_encode("encode")
    return digits, np.asarray(families.indices, np.int64)


def _arrow(con: Connection, text: str) -> pa.Table:
    found: pa.Table = quietly(lambda: con.sql(text).to_arrow_table())
    return found


def _digits(column: pa.ChunkedArray, values: list[Any]) -> Ints:
    known = pa.array(values, column.type)
    return np.asarray(pc.index_in(column, known).to_numpy(), np.int64)


def _numbered(digits: Sequence[Ints], bases: Sequence[int]) -> Ints:
    key = np.zeros(len(digits[0]) if digits else 0, np.int64)
    for digit, base in zip(digits, bases, strict=True):
        key = key * base + digit
    return key


def _grouped(digits: Sequence[Ints], n: Ints, bases: Sequence[int]) -> _Cells:
    """Cells that became alike are one. Sums are of whole numbers below 2**53, so exact in floats too."""
    key = _numbered(digits, bases)
    if prod(bases) <= max(DENSE, 4 * len(key)):
        sums = np.bincount(key, n, minlength=0)
        left = np.flatnonzero(sums)
        counted = sums[left]
    else:
        left, where = np.unique(key, return_inverse=True)
        counted = np.bincount(where, n)
    parts: list[Ints] = []
    for base in reversed(bases):
        left, digit = np.divmod(left, base)
        parts.append(digit)
    return _Cells(tuple(reversed(parts)), counted.astype(np.int64))


def _between(finer: Ints, coarser: Ints) -> Ints:
    """From the codes of one level to those of a coarser one."""
    down = np.zeros(int(finer.max(initial=-1)) + 1, np.int64)
    down[finer] = coarser
    return down


def _matrix(base: _Cells, i: int, j: int, rows: int, columns: int) -> tuple[Ints, Ints, Ints]:
    cells = _grouped([base.digits[i], base.digits[j]], base.n, [max(1, rows), max(1, columns)])
    return cells.digits[0], cells.digits[1], cells.n
