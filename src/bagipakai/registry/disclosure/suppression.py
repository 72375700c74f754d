"""A table of counts, or of counts and sums, from true to published: what may not be shown, what must be hidden with it,
and proof by attack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np

from bagipakai.core.disclosure import too_fine
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.audit import audit
from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.primary import (
    contributors,
    dominated,
    least_room,
    owners,
    primary,
    room,
    sensitive,
    small,
)
from bagipakai.registry.disclosure.secondary import ANY, Wanted, suppressed
from bagipakai.registry.disclosure.tables import Counts, Cube, Magnitudes, Marks, TableRule, not_built

REPAIRS = 3  # times that the audit's findings are mended before the table is refused

Published: TypeAlias = tuple[int | None, ...]  # one per cell, in C order; None is hidden and is never zero


@dataclass(frozen=True)
class Protected:
    """A table that withstood the audit. `primary` and `hidden` are as secret as the counts they tell of: that a hidden
    cell is a small one is not published. `sums`: beside each count that is shown, where sums were asked for."""

    hierarchies: tuple[Hierarchy, ...]
    published: Published
    primary: Marks
    hidden: Marks
    sums: Published | None = None

    @property
    def secondary(self) -> int:
        """How many cells are hidden only to protect others."""
        return int(self.hidden.sum()) - int(self.primary.sum())


@dataclass(frozen=True, slots=True)
class Attacker:
    """What he knows beside the published table and that counts are whole and not negative, and what he looks at."""

    knows_rule: bool
    is_contributor: bool
    looks_at_sums: bool = False


# Who knows which hidden cells are small must learn nothing beyond that: each may be anything from nobody to one less
# than may be shown. Who is the only one in a cell knows it (all such together: they may meet); for him each hidden cell
# may lie anywhere in an interval as wide as the smallest count. Both in one person cannot be met: in a row of small
# cells under a small total, who is in one knows what is left for the others. Nor can it be met that the first knows all
# other hidden cells to be large: two small cells under a large total tell of each other, whatever is hidden (tried:
# both tables of bench/suppression.py were refused).
OUTSIDER = Attacker(knows_rule=True, is_contributor=False)
INSIDER = Attacker(knows_rule=False, is_contributor=True)
ATTACKERS = (INSIDER, OUTSIDER)
# A hidden sum is known to nobody but a family that alone contributes to it (again all such together). That a sum is
# hidden bounds it for nobody, so there is no outsider who knows more.
OF_SUMS = Attacker(knows_rule=False, is_contributor=True, looks_at_sums=True)


def protected(cube: Cube, rule: TableRule, families: bool = False) -> Protected | Refusal:
    """The table of persons (or of families, which then must add up) as it may be published, or why none may be.

    The grand total is always shown. Where the table has magnitudes, count and sum of a cell are shown or hidden
    together, and both are protected.
    """
    if families and not cube.families_add_up:
        raise ValueError("families that do not add up are no table")
    if no := objection(cube, rule):
        return no
    case = _Case(cube, rule, families)
    cases: dict[Attacker, _Case] = dict.fromkeys(ATTACKERS, case)
    first, sums = [ATTACKERS[0]], None
    if cube.magnitudes:
        if dominated(cube.magnitudes, rule).flat[0]:
            return Refusal("table-sum-tells-of-one")
        sums = cases[OF_SUMS] = _Sums(cube, rule, families, cube.magnitudes)
        first.append(OF_SUMS)
    hidden = case.primary
    wishes: dict[Attacker, Sequence[int]] = {one: np.flatnonzero(case.primary).tolist() for one in first}
    for _ in range(REPAIRS + 1):
        for attacker, cells in wishes.items():
            its = cases[attacker]
            wanted = its.wanted(attacker)
            hidden = suppressed(cube.hierarchies, its.values, its.primary, wanted, hidden, cells).hidden
        wishes = {one: cells for one, its in cases.items() if (cells := its.narrow(one, hidden))}
        if not wishes:
            told = sums.published(hidden) if sums else None
            return Protected(cube.hierarchies, case.published(hidden), case.primary, hidden, told)
    return Refusal("table-cannot-be-protected")


class _Case:
    """One table, its primary cells, and what each attacker may not learn of them."""

    def __init__(self, cube: Cube, rule: TableRule, families: bool) -> None:
        self.hierarchies = cube.hierarchies
        self.values = cube.families if families else cube.persons
        self.smallest = rule.smallest_families if families else rule.smallest_persons
        self.fixed = np.zeros(cube.shape, np.bool_)
        self.fixed.flat[0] = True
        self.primary = sensitive(cube, rule) & ~self.fixed
        self.small = self.primary & (self.values < self.smallest)
        self.owner = np.where(self.fixed, -1, owners(cube))

    def wanted(self, attacker: Attacker) -> Wanted:
        width, most = self._width(attacker), self._most(attacker)
        up = np.where(self.small, width - self.values, width - width // 2)
        down = np.where(self.small, self.values, width // 2)
        owner = self.owner if attacker.is_contributor else np.full_like(self.owner, -1)
        return Wanted(up, down, most, owner, self.fixed)

    def _width(self, attacker: Attacker) -> Counts:
        return np.where(self.small & attacker.knows_rule, self.smallest - 1, self.smallest)

    def _most(self, attacker: Attacker) -> Counts:
        return np.where(self.small & attacker.knows_rule, self.smallest - 1, ANY)

    def published(self, hidden: Marks) -> Published:
        cells = zip(hidden.ravel().tolist(), self.values.ravel().tolist(), strict=True)
        return tuple(None if is_hidden else count for is_hidden, count in cells)

    def narrow(self, attacker: Attacker, hidden: Marks) -> list[int]:
        """The primary cells of which this attacker, or the one contributor of another cell, knows too much."""
        width, primary_cells = self._width(attacker).ravel(), np.flatnonzero(self.primary)
        most = {int(cell): self.smallest - 1 for cell in np.flatnonzero(self.small)} if attacker.knows_rule else {}
        found = audit(
            self.hierarchies,
            self.published(hidden),
            {int(cell): int(width[cell]) for cell in primary_cells},
            most,
            self._contributors(hidden) if attacker.is_contributor else (),
        )
        return [one.cell for one in found]

    def _contributors(self, hidden: Marks) -> list[Mapping[int, int]]:
        """For each contributor who is alone in hidden cells, these cells and their counts."""
        owner, values = self.owner.ravel(), self.values.ravel()
        known: dict[int, dict[int, int]] = {}
        for cell in np.flatnonzero(hidden.ravel() & (owner >= 0)).tolist():
            known.setdefault(int(owner[cell]), {})[cell] = int(values[cell])
        return list(known.values())


class _Sums(_Case):
    """The sums of the same cells. A primary one must be possible as far from the truth as `room` says, on both sides; a
    hidden one that is nobody's concern, within some interval: who reads the file cannot tell which is which."""

    def __init__(self, cube: Cube, rule: TableRule, families: bool, magnitudes: Magnitudes) -> None:
        super().__init__(cube, rule, families)
        self.values = magnitudes.total
        self.owner = np.where(self.fixed, -1, contributors(cube, magnitudes))
        self.room, self.least = room(magnitudes, rule), least_room(magnitudes, rule)

    def wanted(self, attacker: Attacker) -> Wanted:
        up = np.where(self.primary, self.room, self.least)
        down = np.where(self.primary, np.minimum(self.room, self.values), 0)
        return Wanted(up, down, np.full_like(self.values, ANY), self.owner, self.fixed)

    def narrow(self, attacker: Attacker, hidden: Marks) -> list[int]:
        """As for counts; and the hidden cells beside them of which the file tells too much."""
        values, wanted = self.values.ravel(), self.wanted(attacker)
        low, high = values - wanted.down.ravel(), values + wanted.up.ravel()
        cells = np.flatnonzero(self.primary).tolist()
        reach = {cell: (int(low[cell]), int(high[cell])) for cell in cells}
        published = self.published(hidden)
        found = audit(self.hierarchies, published, dict.fromkeys(cells, 0), None, self._contributors(hidden), reach)
        partners = np.flatnonzero(hidden & ~self.primary).tolist()
        found += audit(self.hierarchies, published, dict.fromkeys(partners, self.least))
        return sorted(one.cell for one in found)


def objection(cube: Cube, rule: TableRule) -> Refusal | None:
    """What must be changed about a table before anything can protect it."""
    if small(cube, rule).flat[0]:
        return too_fine(rule)
    return not_built(_leaves(cube), _occurring(cube), int(cube.persons.flat[0]), rule) or _too_sparse(cube, rule)


def _leaves(cube: Cube) -> Sequence[int]:
    return [len(tree.leaves) for tree in cube.hierarchies]


def _finest(cube: Cube, grid: Counts | Marks) -> Counts | Marks:
    return grid[np.ix_(*(tree.leaves for tree in cube.hierarchies))]


def _occurring(cube: Cube) -> int:
    """Finest cells in which somebody is."""
    return int((_finest(cube, cube.persons) > 0).sum())


def _too_sparse(cube: Cube, rule: TableRule) -> Refusal | None:
    """As in `core.disclosure.hide`: the share of finest cells that may not be shown for their own sake."""
    hidden = int(_finest(cube, primary(cube, rule)).sum())
    if 100 * hidden > rule.most_small_percent * prod(_leaves(cube)):
        return too_fine(rule)
    return None
