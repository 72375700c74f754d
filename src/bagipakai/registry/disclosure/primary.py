"""Which cells may not be shown for their own sake (primary suppression; disclosure reference §3.1, §4.4)."""

import numpy as np

from bagipakai.registry.disclosure.tables import Cube, Magnitudes, Marks, TableRule


def primary(cube: Cube, rule: TableRule) -> Marks:
    """The cells of a table of counts that are hidden for being small or empty, or for saying the same of nearly
    everybody in a group. A structural zero is not hidden: everybody knows it."""
    return (small(cube, rule) | homogeneous(cube, rule)) & ~cube.structural


def small(cube: Cube, rule: TableRule) -> Marks:
    """Fewer persons or fewer families than may be shown, nobody included, as in `core.disclosure.hide`."""
    return (cube.persons < rule.smallest_persons) | (cube.families < rule.smallest_families)


def homogeneous(cube: Cube, rule: TableRule) -> Marks:
    """Categories that hold nearly all of a small group, in any dimension: who is known to be in the group is known to
    be in the category (group attribute disclosure). A group with one category only tells nothing new."""
    found = np.zeros(cube.shape, np.bool_)
    for axis, tree in enumerate(cube.hierarchies):
        persons, marks = np.moveaxis(cube.persons, axis, 0), np.moveaxis(found, axis, 0)
        for node in tree.inner:
            below = list(tree.children[node])
            if len(below) > 1:
                group = (persons[node] > 0) & (persons[node] < rule.homogeneous_under)
                marks[below] |= group & (100 * persons[below] >= rule.homogeneous_percent * persons[node])
    return found


def dominated(magnitudes: Magnitudes, rule: TableRule) -> Marks:
    """Magnitudes that tell of one contributor: by the (2, k) rule, by the p% rule (the second largest subtracts himself
    and estimates the largest), or with too few contributors. Where nobody contributes there is nothing to hide."""
    two = magnitudes.largest + magnitudes.second
    k_rule = 100 * two > rule.dominance_percent * magnitudes.total
    p_rule = 100 * (magnitudes.total - two) < rule.p_percent * magnitudes.largest
    return (magnitudes.contributors > 0) & (k_rule | p_rule | (magnitudes.contributors < rule.smallest_contributors))
