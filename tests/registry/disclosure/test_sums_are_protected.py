"""What one family has cannot be told from the sums of a table: every table of sums that is consistent with what is
published is made, one by one, and the largest contributor looked for in it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.registry.disclosure.test_suppression import RULE as COUNTS
from tests.registry.disclosure.test_suppression import SHAPES, THREE, TWO, drawn, part_of, possible

from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure import primary as primary_rules
from bagipakai.registry.disclosure import suppression
from bagipakai.registry.disclosure.audit import Narrow, audit
from bagipakai.registry.disclosure.suppression import Protected, protected
from bagipakai.registry.disclosure.tables import Cube, Magnitudes

RULE = replace(
    COUNTS, smallest_persons=2, smallest_families=2, smallest_contributors=2, dominance_percent=80, p_percent=30
)


# Naive reference: a table is for each finest cell what its families have


def families_of(trees, finest):
    """What the families of every cell have, margins too."""
    shape = tuple(map(len, trees))
    leaves = [tree.leaves for tree in trees]
    grid = np.array(np.meshgrid(*leaves, indexing="ij")).reshape(len(trees), -1)
    places = np.ravel_multi_index(grid, shape).tolist()
    return [
        [one for place, some in zip(places, finest, strict=True) if part_of(trees, shape, place, cell) for one in some]
        for cell in range(int(np.prod(shape)))
    ]


def cube_of(trees, finest):
    every = families_of(trees, finest)
    shape = tuple(map(len, trees))
    tops = [sorted([*some, 0, 0], reverse=True)[:2] for some in every]
    columns = [
        [len(some) for some in every], [sum(some) for some in every], [one for one, _ in tops],
        [two for _, two in tops], [sum(one > 0 for one in some) for some in every],
    ]  # fmt: skip
    count, *amounts = (np.array(column, np.int64).reshape(shape) for column in columns)
    return Cube(trees, count, count, families_add_up=True, magnitudes=Magnitudes(*amounts))


def tells_of_one(some, rule=RULE):
    """Of a sum that is shown: the second largest takes his own from it, and estimates the largest."""
    first, second, *_ = sorted([*some, 0, 0], reverse=True)
    total = sum(some)
    return (
        100 * (total - second) < (100 + rule.p_percent) * first
        or 100 * (first + second) >= rule.dominance_percent * total
        or sum(one > 0 for one in some) < rule.smallest_contributors
    )


def known_to_others(trees, shape, every, hidden, target):
    """The hidden sums that somebody knows because they are his alone, but for those who are in the target."""
    alone = [cell for cell, some in enumerate(every) if hidden[cell] and 1 in (len(some), sum(one > 0 for one in some))]
    near = {cell for cell in alone if part_of(trees, shape, cell, target) or part_of(trees, shape, target, cell)}
    joined = True
    while joined:  # who is alone in a cell and in a part of it is one person
        more = {
            cell for cell in alone for other in near
            if part_of(trees, shape, cell, other) or part_of(trees, shape, other, cell)
        }  # fmt: skip
        joined = bool(more - near)
        near |= more
    return {cell: sum(every[cell]) for cell in alone if cell not in near}


def told_too_much(number, finest, table, rule=RULE):
    """The cells of which the sums, or what is shown, tell of one family."""
    trees = SHAPES[number]
    shape, every, hidden = tuple(map(len, trees)), families_of(trees, finest), [one is None for one in table.sums]
    found = []
    for cell, some in enumerate(every):
        secret = tells_of_one(some, rule) or len(some) < rule.smallest_persons
        if not hidden[cell]:
            found += [cell] if secret and cell else []
            continue
        known = known_to_others(trees, shape, every, hidden, cell) if secret else {}
        left, total = possible(number, list(table.sums), known=known)[:, cell], sum(some)
        first, second, *_ = sorted([*some, 0, 0], reverse=True) if secret else (0, 0)
        near, two = rule.p_percent * first, 100 * (first + second)
        up, down = 100 * (left.max() - total), 100 * (total - left.min())
        nearly = secret and rule.dominance_percent * left.max() <= two
        if up < near or down < min(near, 100 * total) or nearly or left.max() == left.min():
            found.append(cell)
    return found


@st.composite
def tables(draw):
    number = draw(st.integers(0, len(SHAPES) - 1))
    cells = int(np.prod([len(tree.leaves) for tree in SHAPES[number]]))
    most = {3: 40, 4: 24, 6: 14, 8: 12}[cells]
    one = st.sampled_from([0, 1, 1, 1, 2, 3, 6])
    finest = draw(st.lists(st.lists(one, min_size=1, max_size=4), min_size=cells, max_size=cells))
    assume(2 <= sum(map(sum, finest)) <= most)
    return number, finest


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_nobody_is_told_by_the_sums_of_a_table(world):
    number, finest = world
    cube = cube_of(SHAPES[number], finest)
    table = protected(cube, RULE)
    if isinstance(table, Refusal):
        event(table.code)
        return
    event("protected" if table.primary.any() else "nothing to hide")
    assert [one is None for one in table.sums] == [one is None for one in table.published]
    true = cube.magnitudes.total.ravel().tolist()
    assert all(told in (None, sum_) for told, sum_ in zip(table.sums, true, strict=True))
    assert told_too_much(number, finest, table) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), st.data())
def test_the_audit_asks_for_room_on_both_sides(world, data):
    """What must be possible is possible, wherever the true sum is in the interval."""
    number, finest = world
    trees = SHAPES[number]
    values = cube_of(trees, finest).magnitudes.total
    marks = st.lists(st.booleans(), min_size=values.size - 1, max_size=values.size - 1)
    hidden = np.array([False, *data.draw(marks)])
    published = [None if gone else int(one) for gone, one in zip(hidden, values.ravel(), strict=True)]
    left = possible(number, published)
    for cell in np.flatnonzero(hidden).tolist():
        low, high = left[:, cell].min(), left[:, cell].max()
        asked = {cell: 0}
        assert audit(trees, published, asked, reach={cell: (low, high)}) == []
        for reach in ((low - 1, high), (low, high + 1)):
            assert audit(trees, published, asked, reach={cell: reach}) == [Narrow(cell, low, high)]


def test_how_far_from_the_truth_a_hidden_sum_must_be_possible():
    """By p percent of the largest; by the two largest; by what a contributor has on average, where nobody has much."""
    sums = Magnitudes(*np.array([[1000, 101, 100, 9], [101, 101, 45, 1], [50, 0, 45, 1], [40, 1, 3, 9]]))
    assert primary_rules.room(sums, RULE).tolist() == [31, 31, 14, 8]
    assert primary_rules.room(sums, replace(RULE, dominance_percent=50)).tolist() == [31, 102, 81, 8]
    assert primary_rules.least_room(sums, RULE) == 8  # 30 percent of 25


def test_a_partner_of_which_the_file_tells_the_sum_is_found():
    """It need not be hidden; but who attacks the file does not know that."""
    cube = cube_of((THREE,), [[20, 20, 20], [30, 30, 30], [25, 25, 25]])
    case = suppression._Sums(cube, RULE, True, cube.magnitudes)
    assert not case.primary.any()
    assert case.narrow(suppression.OF_SUMS, np.array([False, True, False, False])) == [1]
    assert case.narrow(suppression.OF_SUMS, np.array([False, True, True, False])) == []


def test_the_largest_landowner_takes_a_rectangle_with_him():
    """Ninety of a hundred are his; the cell has enough families, and its count is hidden with its sum."""
    finest = [[90, 4, 3, 3], [20, 20, 25], [30, 35, 30], [40, 40, 45], [50, 55, 50], [60, 65, 60]]
    cube = cube_of((TWO, THREE), finest)
    table = protected(cube, RULE)
    told = [["x" if one is None else one for one in line] for line in np.reshape(table.sums, (3, 4))]
    assert told == [[755, 225, 220, 310], [260, "x", "x", 95], [495, "x", "x", 185]] or table.sums[5] is None
    assert drawn((TWO, THREE), table)[1].split()[1] == "x"
    assert table.primary.ravel().tolist().index(True) == 5 and table.primary.sum() == 1


def test_a_table_that_tells_of_one_family_as_a_whole_is_refused():
    finest = [[100], [1, 1, 1], [1, 2, 1]]
    assert protected(cube_of((THREE,), finest), RULE) == Refusal("table-sum-tells-of-one")


def test_that_nobody_has_anything_is_not_told_of_any_cell():
    table = protected(cube_of((THREE,), [[0, 0, 0], [5, 6, 5], [8, 8, 9]]), RULE)
    assert table.sums[1] is None and table.sums.count(None) >= 2


def test_a_family_that_is_alone_in_two_cells_of_a_row_protects_nobody_there():
    """Two sums of one contributor each, in a row: each of them would subtract his own."""
    table = protected(
        cube_of((TWO, THREE), [[9, 0], [8, 0], [20, 25, 20], [15, 15, 16], [30, 30, 28], [40, 40, 41]]), RULE
    )
    assert np.reshape([one is None for one in table.sums], (3, 4))[1, 1:].sum() == 3


# Planted failures


WORLD = (SHAPES.index((TWO, THREE)), [[6, 1, 1], [1, 1, 2, 1], [1, 2, 1], [1, 1, 1, 1], [1, 1, 1], [1, 2, 1, 1]])


def made(number, finest, rule=RULE):
    table = protected(cube_of(SHAPES[number], finest), rule)
    assert isinstance(table, Protected), table
    return table


def test_it_is_told_where_one_partner_is_shown():
    number, finest = WORLD
    table = made(*WORLD)
    assert told_too_much(number, finest, table) == [] and table.hidden.sum() > table.primary.sum()
    true = cube_of(SHAPES[number], finest).magnitudes.total.ravel()
    for cell in np.flatnonzero(table.hidden & ~table.primary):
        sums = tuple(int(true[cell]) if at == cell else one for at, one in enumerate(table.sums))
        assert told_too_much(number, finest, replace(table, sums=sums))


def test_it_is_told_where_p_is_less_by_one():
    """The second has 15, the others 14: they are 14 percent of the first."""
    finest = [[100, 15, 14], [40, 40, 35], [60, 55, 60]]
    rules = [replace(RULE, p_percent=percent, dominance_percent=95) for percent in (15, 14)]
    right, wrong = (protected(cube_of((THREE,), finest), rule) for rule in rules)
    assert right.sums[1] is None and wrong.sums[1] is not None
    assert tells_of_one(finest[0], rules[0])


@pytest.mark.parametrize("broken", ["dominance", "room", "sums", "contributors"])
def test_it_is_told_where_one_step_is_left_out(broken, monkeypatch):
    """For each: some table of a few hundred passes that tells of somebody, and none does with the step in place."""
    chance = np.random.default_rng(5)
    worlds = []
    while len(worlds) < 150:
        finest = [chance.choice([0, 1, 1, 2, 4], chance.integers(2, 4)).tolist() for _ in range(6)]
        if sum(map(sum, finest)) <= 14:
            worlds.append(finest)

    def caught():
        found = 0
        for finest in worlds:
            table = protected(cube_of((TWO, THREE), finest), RULE)
            found += isinstance(table, Protected) and bool(told_too_much(WORLD[0], finest, table))
        return found

    assert caught() == 0
    if broken == "dominance":
        monkeypatch.setattr(primary_rules, "dominated", lambda told, rule: np.zeros(told.total.shape, bool))
    elif broken == "room":
        monkeypatch.setattr(suppression, "room", lambda told, rule: np.zeros(told.total.shape, np.int64))
    elif broken == "sums":
        monkeypatch.setattr(suppression._Sums, "narrow", lambda *_: [])
        monkeypatch.setattr(suppression._Sums, "wanted", suppression._Case.wanted)
    else:
        monkeypatch.setattr(suppression, "contributors", lambda cube, _: np.full(cube.shape, -1))
    assert caught() > 0
