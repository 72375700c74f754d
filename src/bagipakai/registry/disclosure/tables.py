"""A table of counts with all its margins, which cross: every combination of the nodes of one to three dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bagipakai.core.disclosure import Disclosure, Together, too_fine
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.matching.arrays import Numbers

Counts: TypeAlias = npt.NDArray[np.int64]
Marks: TypeAlias = npt.NDArray[np.bool_]
MOST_DIMENSIONS = 3  # of the method, not of the policy: blocks of more dimensions were never measured


@dataclass(frozen=True, slots=True)
class TableRule:
    """What a table must keep to. Filled from `policies/disclosure.toml`; there are no defaults.

    A category with `homogeneous_percent` or more of a margin under `homogeneous_under` persons is hidden. A magnitude
    is hidden where the two largest contributors have `dominance_percent` or more of it, where the second largest
    could estimate the largest to within `p_percent`, or where it has fewer than `smallest_contributors`, or none.
    Counts of releases up to so many `quarters` away are compared, too. Of a place (by variable) in which fewer live
    than `smallest_place` nothing is told but a total.
    """

    smallest_persons: int
    smallest_families: int
    smallest_mean: int
    most_cells: int
    most_small_percent: int
    homogeneous_percent: int
    homogeneous_under: int
    smallest_contributors: int
    dominance_percent: int
    p_percent: int
    quarters: int
    smallest_place: Mapping[str, int]

    @classmethod
    def on(cls, day: date) -> "TableRule":
        """Raises NoRule where no rule is in force: then no table leaves."""
        table, together, magnitude = Disclosure.on(day), Together.on(day), rules("disclosure", "magnitude").on(day)
        return cls(
            smallest_persons=table.smallest_persons,
            smallest_families=table.smallest_families,
            smallest_mean=table.smallest_mean,
            most_cells=table.most_cells,
            most_small_percent=table.most_small_percent,
            homogeneous_percent=together.homogeneous_percent,
            homogeneous_under=together.homogeneous_under,
            quarters=together.quarters,
            smallest_place=table.smallest_place,
            smallest_contributors=magnitude.number("smallest_contributors", 1),
            dominance_percent=magnitude.number("dominance_percent", 1, 100),
            p_percent=magnitude.number("p_percent", 0, 100),
        )

    def of_plan(self, plan: Plan) -> "TableRule":
        """What the table of a plan must keep to: this, and what the plan itself says is the smallest cell."""
        smallest = plan.protections.smallest_cell
        return replace(
            self,
            smallest_persons=max(self.smallest_persons, smallest),
            smallest_families=max(self.smallest_families, smallest if plan.unit is Unit.KELUARGA else 0),
        )


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """Of each cell: the sum of a variable that is never negative, its two largest contributions, how many contribute
    (more than nothing). Whole numbers (square metres, heads of cattle)."""

    total: Counts
    largest: Counts
    second: Counts
    contributors: Counts


@dataclass(frozen=True)
class Cube:
    """The true table. Arrays have one axis per dimension, one place per node of its hierarchy.

    `persons` adds up in every dimension. `families` does where the table's unit is the family; where persons are
    counted, one family stands in several cells, and only the bounds of its margins are known. `closed`: cells of which
    nothing is told whatever they count. Raises ValueError
    for what is no table: another shape, a negative count, a margin that is not the sum of its parts.
    """

    hierarchies: tuple[Hierarchy, ...]
    persons: Counts
    families: Counts
    families_add_up: bool = False
    magnitudes: Magnitudes | None = None
    closed: Marks | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.hierarchies) <= MOST_DIMENSIONS:
            raise ValueError("a table has one to three dimensions")
        counts = [self.persons, self.families]
        if self.magnitudes:
            counts += [getattr(self.magnitudes, name) for name in ("total", "largest", "second", "contributors")]
        for count in counts:
            if count.shape != self.shape or count.dtype != np.int64 or (count < 0).any():
                raise ValueError("a table holds whole numbers that are not negative, one for each combination of nodes")
        if self.magnitudes and (self.magnitudes.largest + self.magnitudes.second > self.magnitudes.total).any():
            raise ValueError("two contributors have no more than all have")
        if ((self.families > self.persons) | ((self.families == 0) != (self.persons == 0))).any():
            raise ValueError("every family has a person, and every person a family")
        sums = [self.persons, *([self.families] if self.families_add_up else [])]
        sums += [self.magnitudes.total] if self.magnitudes else []
        for axis, tree in enumerate(self.hierarchies):
            for node in tree.inner:
                below = list(tree.children[node])
                for count in sums:
                    if (count.take(below, axis).sum(axis) != count.take(node, axis)).any():
                        raise ValueError("a margin is not the sum of its parts")
                parts, whole = self.families.take(below, axis), self.families.take(node, axis)
                if ((whole > parts.sum(axis)) | (whole < parts.max(axis))).any():
                    raise ValueError("a margin cannot have so many families")

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.hierarchies))


def not_built(leaves: Sequence[int], occurring: int, persons: int, rule: TableRule) -> Refusal | None:
    """Why a table is not even built: `leaves` values in each dimension, of whose combinations `occurring` occur, about
    so many `persons`. What does not occur is empty, so this needs no cell."""
    cells = prod(leaves)
    few = persons < max(rule.smallest_persons, rule.smallest_mean * cells)
    empty = 100 * (cells - occurring) > rule.most_small_percent * cells
    return too_fine(rule) if cells > rule.most_cells or few or empty else None


def summed(hierarchies: Sequence[Hierarchy], grid: Numbers) -> Numbers:
    """`grid`, of which only the finest cells are filled, with its margins, modulo what its type holds. Changes and
    returns it."""
    for axis, tree in enumerate(hierarchies):
        turned = np.moveaxis(grid, axis, 0)
        for node in reversed(tree.inner):
            turned[node] = turned[list(tree.children[node])].sum(0)
    return grid
