"""Which cells may not be shown for their own sake (primary suppression; disclosure reference §3.1, §4.4)."""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product

import numpy as np

from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.tables import Counts, Cube, Magnitudes, Marks, TableRule


def primary(cube: Cube, rule: TableRule) -> Marks:
    """The cells of a table of counts that are hidden for being small or empty, for saying the same of nearly everybody
    in a group, or for being of a place where few live."""
    found = small(cube, rule) | homogeneous(cube, rule)
    return found if cube.closed is None else found | cube.closed


def sensitive(cube: Cube, rule: TableRule) -> Marks:
    """The same of a table of counts and sums: count and sum are hidden together, for whatever the one or the other
    would tell."""
    marks = primary(cube, rule)
    return marks if cube.magnitudes is None else marks | dominated(cube.magnitudes, rule)


def small(cube: Cube, rule: TableRule) -> Marks:
    """Fewer persons or fewer families than may be shown, nobody included, as in `core.disclosure.hide`."""
    return (cube.persons < rule.smallest_persons) | (cube.families < rule.smallest_families)


def homogeneous(cube: Cube, rule: TableRule) -> Marks:
    """Categories that hold nearly all of a small group, in any dimension: who is known to be in the group is known to
    be in the category (group attribute disclosure). A group with one category only tells nothing new."""
    return alike(cube.hierarchies, cube.persons, rule)


def alike(hierarchies: Sequence[Hierarchy], counts: Counts, rule: TableRule) -> Marks:
    """The same of any counts; they need not add up."""
    found = np.zeros(counts.shape, np.bool_)
    for axis, tree in enumerate(hierarchies):
        grid, marks = np.moveaxis(counts, axis, 0), np.moveaxis(found, axis, 0)
        for node in tree.inner:
            below = list(tree.children[node])
            if len(below) > 1:
                group = (grid[node] > 0) & (grid[node] < rule.homogeneous_under)
                marks[below] |= group & (100 * grid[below] >= rule.homogeneous_percent * grid[node])
    return found


def nearly_all(hierarchies: Sequence[Hierarchy], counts: Counts, smallest: int) -> Marks:
    """Cells beside which fewer than `smallest` are left of some cell around them, however far around: the two would
    tell of these by difference. Not where nobody can be left, since no other value occurs."""
    found = np.zeros(counts.shape, np.bool_)
    ways = [list(_upwards(tree)) for tree in hierarchies]
    for way in product(*ways):
        around = counts[np.ix_(*(up for up, _ in way))]
        same = reduce(np.logical_and.outer, (alone for _, alone in way)).reshape(counts.shape)
        found |= (around - counts < smallest) & ~same
    return found


def _upwards(tree: Hierarchy) -> Iterator[tuple[Counts, Marks]]:
    """For 0, 1, 2, … steps: the node that many above each (at last the root), and whether it has no other value."""
    up = np.arange(len(tree))
    parents = np.array([max(parent, 0) for parent in tree.parents])
    only = np.array([at == 0 or len(tree.children[tree.parents[at]]) == 1 for at in range(len(tree))], np.bool_)
    alone = np.ones(len(tree), np.bool_)
    yield up, alone
    while up.any():
        alone, up = alone & only[up], parents[up]
        yield up, alone


def dominated(magnitudes: Magnitudes, rule: TableRule) -> Marks:
    """Magnitudes that tell of one contributor: by the (2, k) rule, by the p% rule (the second largest subtracts himself
    and estimates the largest), or with too few contributors. Where nobody contributes, nothing tells of everybody."""
    two = magnitudes.largest + magnitudes.second
    k_rule = 100 * two >= rule.dominance_percent * magnitudes.total
    p_rule = 100 * (magnitudes.total - two) < rule.p_percent * magnitudes.largest
    return k_rule | p_rule | (magnitudes.contributors < rule.smallest_contributors)


def room(magnitudes: Magnitudes, rule: TableRule) -> Counts:
    """How far from the true sum a hidden one must still be possible, upwards and (down to nothing) downwards (sliding
    protection levels: Fischetti and Salazar 2000; here the same on both sides).

    So far that the largest contribution is not known to within p percent of itself, not even to who knows all others;
    that the two largest are not known to be k percent or more; and nothing to within p percent of what a contributor
    of this table has on average, so that nobody is known to have nothing.
    """
    two = magnitudes.largest + magnitudes.second
    by_p = _percent(rule.p_percent, magnitudes.largest)
    by_k = 100 * two // rule.dominance_percent + 1 - magnitudes.total
    found: Counts = np.maximum(np.maximum(by_p, by_k), least_room(magnitudes, rule))
    return found


def least_room(magnitudes: Magnitudes, rule: TableRule) -> int:
    """Of any hidden sum, also of one that is hidden for the sake of others."""
    mean = -(-int(magnitudes.total.flat[0]) // max(1, int(magnitudes.contributors.flat[0])))
    return max(1, int(_percent(rule.p_percent, np.array(mean))))


def _percent(percent: int, of: Counts) -> Counts:
    """Rounded up."""
    found: Counts = -(-percent * of // 100)
    return found


def owners(cube: Cube) -> Counts:
    """For each cell that holds one person or one family, the number of that contributor; -1 elsewhere.

    He knows his cells exactly. Two such cells are surely his if one is a part of the other; otherwise they are taken to
    be of two contributors, and neither protects the other.
    """
    return _numbered(cube, (cube.persons == 1) | (cube.families == 1))


def contributors(cube: Cube, magnitudes: Magnitudes) -> Counts:
    """The same for cells of which one family knows the sum: it alone contributes, or nobody else is there."""
    return _numbered(cube, (magnitudes.contributors == 1) | (cube.persons == 1) | (cube.families == 1))


def _numbered(cube: Cube, alone: Marks) -> Counts:
    number = np.where(alone, np.arange(alone.size).reshape(cube.shape), -1)
    joined: list[Counts] = []  # pairs of a cell and a part of it
    for axis, tree in enumerate(cube.hierarchies):
        lines = np.moveaxis(number, axis, 0)
        for node in tree.inner:
            below = list(tree.children[node])
            part, whole = np.broadcast_arrays(lines[below], lines[node])
            both = (part >= 0) & (whole >= 0)
            joined.append(np.stack([part[both], whole[both]]))
    return _merged(number, np.concatenate(joined, axis=1)) if joined else number


def _merged(number: Counts, pairs: Counts) -> Counts:
    """`number`, with one number for all cells that pairs join."""
    flat = number.ravel().copy()
    while True:
        before = flat[pairs].copy()
        least = before.min(0)
        for side in pairs:
            np.minimum.at(flat, side, least)
        if (flat[pairs] == before).all():
            return flat.reshape(number.shape)
