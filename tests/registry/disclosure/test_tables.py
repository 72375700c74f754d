"""The true table, which of its cells are sensitive, and which tables are not even built."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from tests.registry.disclosure.trees import flat, nested, with_margins

from bagipakai.registry.disclosure.primary import dominated, homogeneous, owners, primary, small
from bagipakai.registry.disclosure.tables import Cube, Magnitudes, TableRule, not_built, summed

RULE = TableRule(
    smallest_persons=10,
    smallest_families=10,
    smallest_mean=20,
    most_cells=500_000,
    most_small_percent=10,
    homogeneous_percent=95,
    homogeneous_under=100,
    smallest_contributors=10,
    dominance_percent=90,
    p_percent=10,
    quarters=0,
    smallest_place={},
)
SEX = flat("jenis_kelamin", ("L", "P"), 10)
DESIL = flat("desil", (1, 2, 3), 10)


def grid(trees, rows):
    """The full grid from its finest cells, row by row."""
    table = np.zeros(tuple(map(len, trees)), np.int64)
    table[np.ix_(*(tree.leaves for tree in trees))] = np.array(rows).reshape([len(tree.leaves) for tree in trees])
    return summed(trees, table)


def cube(rows, families=None, trees=(DESIL, SEX), **more):
    persons = grid(trees, rows)
    return Cube(trees, persons, persons if families is None else grid(trees, families), **more)


def shown(cube, marks):
    """The labels of the marked cells."""
    return {
        tuple(tree.labels[node] for tree, node in zip(cube.hierarchies, cell, strict=True))
        for cell in np.argwhere(marks)
    }


# Margins


def test_every_combination_of_nodes_is_a_cell_and_all_margins_cross():
    areas = nested("wilayah", [("11", "1101"), ("11", "1102"), ("32", "3201")], 10)
    cells = {(area, sex): number for number, (area, sex) in enumerate(product(("1101", "1102", "3201"), "LP"), 1)}
    table = with_margins((areas, SEX), cells)
    assert table.shape == (6, 3)
    for area, sex in product(areas.labels, SEX.labels):
        below = [c for (a, s), c in cells.items() if (area in ((), a) or a.startswith(str(area))) and sex in ((), s)]
        assert table[areas.places[area], SEX.places[sex]] == sum(below)


def test_a_value_that_no_hierarchy_has_is_an_error():
    with pytest.raises(KeyError):
        with_margins((SEX,), {("X",): 3})


@pytest.mark.parametrize("change", [{(0, 0): 1}, {(1, 0): -1}, {(3, 2): 1}])
def test_a_margin_that_is_not_the_sum_of_its_parts_is_an_error(change):
    persons = grid((DESIL, SEX), [[10, 20], [30, 40], [50, 60]])
    for cell, more in change.items():
        persons[cell] += more
    with pytest.raises(ValueError, match="sum"):
        Cube((DESIL, SEX), persons, persons)


def test_what_is_no_table_is_an_error():
    good = grid((DESIL, SEX), [[10, 20], [30, 40], [50, 60]])
    for persons, families in [(-good, good), (good[:2], good), (good.astype(float), good), (good, 2 * good)]:
        with pytest.raises(ValueError):
            Cube((DESIL, SEX), persons, families)
    with pytest.raises(ValueError, match="dimensions"):
        Cube((SEX,) * 4, np.zeros((3,) * 4, np.int64), np.zeros((3,) * 4, np.int64))


def test_families_of_persons_need_not_add_up_but_stay_within_bounds():
    """A couple is one family in each cell, and one in both."""
    persons, families = np.array([40, 20, 20]), np.array([20, 20, 20])
    assert Cube((SEX,), persons, families).families[0] == 20
    with pytest.raises(ValueError, match="sum"):
        Cube((SEX,), persons, families, families_add_up=True)
    for whole in (19, 41):
        with pytest.raises(ValueError):
            Cube((SEX,), np.array([50, 25, 25]), np.array([whole, 20, 20]))


# Primary


def test_small_and_empty_cells_are_hidden_for_persons_and_for_families():
    one = cube([[9, 10], [0, 30], [40, 50]], families=[[9, 10], [0, 9], [20, 20]])
    assert shown(one, small(one, RULE)) == {(1, "L"), (2, "L"), (2, "P"), (2, ())}
    assert shown(one, small(one, replace(RULE, smallest_families=0))) == {(1, "L"), (2, "L")}


def test_a_category_that_holds_nearly_all_of_a_small_group_is_hidden():
    one = cube([[95, 4], [40, 50], [95, 5]])
    assert shown(one, homogeneous(one, RULE)) == {(1, "L")}  # 99 persons; the last row has 100
    assert (1, "L") in shown(one, primary(one, RULE))
    assert shown(one, homogeneous(one, replace(RULE, homogeneous_percent=96))) == set()  # 95 of 99 is 95.96 %


def test_dominance_is_judged_by_two_rules_and_by_number():
    """Sum, largest, second: (2, 90 %) sees the first, p 10 % the second, the third is safe, the last has 9 people."""
    told = Magnitudes(*np.array([[1000, 1000, 1000, 1000], [600, 830, 300, 100], [301, 90, 200, 100], [50, 50, 50, 9]]))
    assert dominated(told, RULE).tolist() == [True, True, False, True]
    assert dominated(told, replace(RULE, dominance_percent=100)).tolist() == [False, True, False, True]


def test_the_p_rule_is_exact_at_its_limit():
    told = Magnitudes(*np.array([[1099, 1100], [1000, 1000], [0, 0], [20, 20]]))
    only_p = replace(RULE, dominance_percent=100)
    assert dominated(told, only_p).tolist() == [True, False]  # the others are 99, or 100 of 1,000


def test_one_family_owns_its_cells_and_what_they_are_part_of():
    """Four of one family, in the first row; the second row has two families, one in each cell."""
    families = np.array([[3, 2, 2], [1, 1, 1], [2, 1, 1], [0, 0, 0]])
    persons = np.array([[9, 5, 4], [4, 3, 1], [5, 2, 3], [0, 0, 0]])
    number = owners(Cube((DESIL, SEX), persons, families))
    assert number[1, 0] == number[1, 1] == number[1, 2] >= 0
    assert len({number[1, 0], number[2, 1], number[2, 2]}) == 3
    assert (number[0] == -1).all() and number[2, 0] == -1 and (number[3] == -1).all()


# What is not built


def test_a_table_of_45_million_cells_is_answered_at_once():
    assert not_built((3000, 10, 2, 75, 10), 2_000_000, 285_000_000, RULE).code == "table-too-fine"


def test_a_table_that_is_97_per_cent_empty_is_refused_by_two_numbers():
    assert not_built((100, 10), 30, 10**9, RULE).code == "table-too-fine"
    assert not_built((100, 10), 900, 10**9, RULE) is None
    assert not_built((100, 10), 899, 10**9, RULE).code == "table-too-fine"
    assert not_built((100, 10), 1000, 19_999, RULE).code == "table-too-fine"
    assert not_built((100, 10), 1000, 9, RULE).code == "table-too-fine"
