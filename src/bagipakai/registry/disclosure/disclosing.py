"""A plan for a table of counts, and of sums if it says so, answered with all its margins, which cross: protected,
proven, and compared with every table of the release that was published before.

The dimensions that are places are one hierarchy, from the largest down; each of the others is total and values. Of
every combination of levels the release is counted by itself, since a family stands in several cells.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from bagipakai.core.disclosure import AREAS, Cell
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import Count, Scalar
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.balance import Balance
from bagipakai.registry.disclosure.hierarchies import TOTAL, Hierarchy, Label, hierarchy
from bagipakai.registry.disclosure.perturbation import Perturbed
from bagipakai.registry.disclosure.private import Private, paths
from bagipakai.registry.disclosure.published import Line
from bagipakai.registry.disclosure.secondary import ANY
from bagipakai.registry.disclosure.sets import Sets
from bagipakai.registry.disclosure.suppression import Protected, protected
from bagipakai.registry.disclosure.tables import Cube, Magnitudes, Marks, TableRule, not_built, summed
from bagipakai.registry.engines import Amounts, EngineError
from bagipakai.registry.matching.arrays import Numbers

Counting = Callable[[Count], Sequence[Cell]]  # without margins, families exact
Summing = Callable[[Count], Sequence[Amounts]]  # of the plan's variable
BANDS = (5, 10, 25, 50, 100)  # percent


@dataclass(frozen=True)
class Axis:
    """The variables of one dimension: one, or places from the largest down."""

    names: tuple[str, ...]
    tree: Hierarchy

    def values(self, node: int) -> dict[str, Scalar | None]:
        """What a node says of these variables: nothing of those below it."""
        label = self.tree.labels[node]
        assert isinstance(label, tuple)  # noqa: S101 - they are made here
        return dict(zip(self.names, label, strict=False))


@dataclass(frozen=True)
class Disclosed:
    """A protected table, and what its dimensions are. `unknown`: of those whom it counts, at most so many percent do
    not know what is summed, in bands that tell of nobody; None where nothing is summed. `balance`: what became of
    making counts with noise add up, where that was asked."""

    axes: tuple[Axis, ...]
    table: Protected | Perturbed | Private
    unknown: int | None = None
    balance: Balance | None = None

    @property
    def sums(self) -> tuple[int | None, ...] | None:
        """Where they were asked for: beside each count that is shown."""
        return self.table.sums if isinstance(self.table, Protected) else None


def cells(axes: Sequence[Axis], counts: Sequence[int | None]) -> Iterator[Line]:
    """Every cell of a published table, the total first: the value of each variable that it tells, and its count; None
    where it is hidden."""
    shape = tuple(len(axis.tree) for axis in axes)
    for nodes, count in zip(np.ndindex(shape), counts, strict=True):
        values = [axis.values(node) for axis, node in zip(axes, nodes, strict=True)]
        yield {name: value for some in values for name, value in some.items()}, count


def disclosed(plan: Plan, rule: TableRule, count: Counting, add: Summing | None = None) -> Disclosed | Refusal:
    """The table of a plan, what may not be shown hidden, or why none may leave. The rule and the plan's own smallest
    cell both hold. Raises EngineError, and ValueError for a plan of rows, or of sums where nobody adds."""
    whole = None
    if plan.summed:
        if add is None:
            raise ValueError("a plan of sums is not made by counting")
        whole = next(iter(add(Count(plan.unit.value, (), plan.population, plan.area.codes))), None)
        if whole and (no := _unfit(whole, plan.summed)):
            return no
    found = counted(plan, rule, count, add if plan.summed else None)
    if isinstance(found, Refusal):
        return found
    (axes, cube), families = found, plan.unit is Unit.KELUARGA
    table = protected(cube, rule.of_plan(plan), families)
    if isinstance(table, Refusal):
        return table
    everybody = int((cube.families if families else cube.persons).flat[0])
    return Disclosed(axes, table, _band(whole.unknown, everybody) if whole else None)


def _unfit(whole: Amounts, name: str) -> Refusal | None:
    """Why nothing can be said of these sums: the proofs need numbers that are not negative, and not so large that a
    solver rounds them."""
    if whole.least < 0:
        return Refusal("table-sum-negative", {"name": name})
    return Refusal("table-sum-too-large", {"name": name}) if whole.total >= ANY else None


def _band(part: int, whole: int) -> int:
    return next(band for band in BANDS if 100 * part <= band * whole)


def counted(
    plan: Plan, rule: TableRule, count: Counting, add: Summing | None = None
) -> tuple[tuple[Axis, ...], Cube] | Refusal:
    """The true table of a plan, as `disclosed`."""
    query = plan.query()
    if not isinstance(query, Count):
        raise ValueError("a plan of rows is no table")
    rule, families = rule.of_plan(plan), plan.unit is Unit.KELUARGA
    groups = _groups(plan.columns)
    order = tuple(name for group in groups for name in group)
    finest = count(replace(query, by=order))
    axes = []
    for group in groups:
        start = order.index(group[0])
        tree = _tree(group, [cell.key[start : start + len(group)] for cell in finest], rule.most_cells)
        if isinstance(tree, Refusal):
            return tree
        axes.append(Axis(group, tree))
    leaves, persons = [len(axis.tree.leaves) for axis in axes], sum(cell.persons for cell in finest)
    if no := not_built(leaves, len(finest), persons, rule):
        return no
    cube = _cube(axes, query, finest, count, families, add)
    return tuple(axes), replace(cube, closed=_of_small_places(axes, plan, rule, count))


def _of_small_places(axes: Sequence[Axis], plan: Plan, rule: TableRule, count: Counting) -> Marks:
    """The cells that tell more than the total of a place in which too few live, whoever is counted."""
    found = np.zeros([len(axis.tree) for axis in axes], np.bool_)
    says_more = np.ones([len(axis.tree) for axis in axes if not set(axis.names) & AREAS], np.bool_)
    says_more.flat[0] = False
    for at, axis in enumerate(axes):
        cells = np.moveaxis(found, at, 0)
        for depth, least in enumerate((rule.smallest_place.get(name, 0) for name in axis.names), 1):
            living = count(Count(plan.unit.value, axis.names[:depth], None, plan.area.codes)) if least else ()
            for node in (axis.tree.places.get(cell.key) for cell in living if cell.persons < least):
                if node is not None:
                    cells[node] |= says_more
    return found


def public_axes(plan: Plan, rule: TableRule, catalogue: Catalogue) -> tuple[Axis, ...] | Refusal:
    """The dimensions of a plan's table with every value that they can have, whoever occurs."""
    axes = []
    for group in _groups(plan.columns):
        values = paths(group, plan, catalogue)
        if isinstance(values, Refusal):
            return values
        tree = _tree(group, values, rule.most_cells)
        if isinstance(tree, Refusal):
            return tree
        axes.append(Axis(group, tree))
    return tuple(axes)


def _groups(names: Sequence[str]) -> list[tuple[str, ...]]:
    places = tuple(name for name in names if name in AREAS)
    largest_first = ("prov", "kab", "kec", "desa")
    nested = tuple(sorted(places, key=lambda name: (largest_first.index(name.split("_")[1]), name)))
    return [*([nested] if nested else []), *((name,) for name in names if name not in AREAS)]


def _tree(group: tuple[str, ...], keys: Sequence[tuple[Scalar | None, ...]], most: int) -> Hierarchy | Refusal:
    """Each node is the path of values that leads to it."""
    paths = sorted(set(keys), key=lambda key: [(value is None, value or 0) for value in key])
    pairs: list[tuple[Label, Label]] = [
        (path[: at + 1], path[:at] if at else TOTAL) for path in paths for at in range(len(path))
    ]
    return hierarchy(" × ".join(group), pairs, most)


def _cube(
    axes: Sequence[Axis],
    query: Count,
    finest: Sequence[Cell],
    count: Counting,
    families: bool,
    add: Summing | None,
) -> Cube:
    shape = tuple(len(axis.tree) for axis in axes)
    persons, found, *amounts = (np.zeros(shape, np.int64) for _ in range(6))
    for depths in product(*(range(len(axis.names) + 1) for axis in axes)):
        whole = all(depth == len(axis.names) for depth, axis in zip(depths, axes, strict=True))
        by = tuple(name for depth, axis in zip(depths, axes, strict=True) for name in axis.names[:depth])
        for cell in finest if whole else count(replace(query, by=by)):
            at = _place(axes, depths, cell.key)
            persons[at], found[at] = cell.persons, cell.families
        for one in add(replace(query, by=by)) if add else ():
            told = one.total, one.largest, one.second, one.contributors
            for grid, number in zip(amounts, told, strict=True):
                grid[_place(axes, depths, one.key)] = number
    magnitudes = Magnitudes(*amounts) if add else None
    return Cube(tuple(axis.tree for axis in axes), persons, found, families_add_up=families, magnitudes=magnitudes)


def _place(axes: Sequence[Axis], depths: Sequence[int], key: tuple[Scalar | None, ...]) -> tuple[int, ...]:
    at, start = [], 0
    for axis, depth in zip(axes, depths, strict=True):
        at.append(axis.tree.places[key[start : start + depth]])
        start += depth
    return tuple(at)


def summed_sets(axes: Sequence[Axis], cube: Cube, found: Sets, families: bool) -> Numbers:
    """The sum of the record keys of each cell's people, with all margins (uint64). Raises EngineError where they are
    not as many as were counted."""
    depths = [len(axis.names) for axis in axes]
    grid, many = np.zeros(cube.shape, np.uint64), np.zeros(cube.shape, np.int64)
    for key, (n, total) in found.items():
        at = _place(axes, depths, key)
        grid[at], many[at] = total, n
    trees = [axis.tree for axis in axes]
    if (summed(trees, many) != (cube.families if families else cube.persons)).any():
        raise EngineError("two counts of the same table")
    return summed(trees, grid)


def as_json(found: Disclosed) -> dict[str, Any]:
    """The published table alone: what its dimensions are, and its counts in their order, then the sums, if it has any;
    null is hidden."""
    axes = [{"variables": axis.names, "values": axis.tree.labels, "parents": axis.tree.parents} for axis in found.axes]
    sums = {} if found.sums is None else {"sums": found.sums}
    told: dict[str, Any] = json.loads(json.dumps({"axes": axes, "counts": found.table.published, **sums}))
    return told


def of_json(told: Mapping[str, Any], signed: bool = False) -> tuple[tuple[Axis, ...], tuple[int | None, ...]]:
    """Reads `as_json`; `signed` where counts may be negative. Raises KeyError, TypeError or ValueError for anything
    else."""
    axes = tuple(
        Axis(
            tuple(map(str, one["variables"])),
            Hierarchy(
                " × ".join(one["variables"]),
                tuple(tuple(label) for label in one["values"]),
                tuple(int(parent) for parent in one["parents"]),
            ),
        )
        for one in told["axes"]
    )
    for axis in axes:
        tree = axis.tree
        paths = all(isinstance(label, tuple) and len(label) <= len(axis.names) for label in tree.labels)
        nested = all(-1 < parent < at for at, parent in enumerate(tree.parents[1:], 1))
        if not (paths and nested and tree.parents[:1] == (-1,) and len(tree.labels) == len(tree.parents)):
            raise ValueError("a node stands before its parent")
    return axes, _numbers(told["counts"], axes, signed)


def sums_of_json(told: Mapping[str, Any], axes: Sequence[Axis]) -> tuple[int | None, ...] | None:
    """The sums of the same table; None where it has none. Raises TypeError or ValueError for anything else."""
    if "sums" not in told:
        return None
    sums = _numbers(told["sums"], axes)
    if [one is None for one in sums] != [one is None for one in told["counts"]]:
        raise ValueError("count and sum are hidden together")
    return sums


def _numbers(told: Sequence[Any], axes: Sequence[Axis], signed: bool = False) -> tuple[int | None, ...]:
    numbers = tuple(None if number is None else int(number) for number in told)
    negative = not signed and any(number is not None and number < 0 for number in numbers)
    if len(numbers) != prod(len(axis.tree) for axis in axes) or negative:
        raise ValueError("a table has one number for each combination of nodes")
    return numbers
