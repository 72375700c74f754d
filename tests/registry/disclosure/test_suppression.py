"""Nobody gets a small cell back from a table whose margins cross: every table that is consistent with what is published
is made, one by one, and compared with what the audit says and with what the suppression promised."""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.registry.disclosure.trees import flat, nested

from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure import audit as attack
from bagipakai.registry.disclosure import primary as primary_rules
from bagipakai.registry.disclosure import suppression
from bagipakai.registry.disclosure.audit import Contradiction, Narrow, audit
from bagipakai.registry.disclosure.secondary import ANY, Wanted, suppressed
from bagipakai.registry.disclosure.suppression import INSIDER, OUTSIDER, Protected, protected
from bagipakai.registry.disclosure.tables import Cube, TableRule, summed

RULE = TableRule(  # small, so that all tables can be counted
    smallest_persons=3,
    smallest_families=3,
    smallest_mean=0,
    most_cells=1000,
    most_small_percent=100,
    homogeneous_percent=95,
    homogeneous_under=0,
    smallest_contributors=3,
    dominance_percent=90,
    p_percent=10,
    quarters=0,
    smallest_place={},
)
TWO, THREE = flat("dua", (1, 2), 9), flat("tiga", (1, 2, 3), 9)
PLACES = nested("wilayah", [("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")], 9)
SHAPES = [(THREE,), (PLACES,), (TWO, TWO), (TWO, THREE), (PLACES, TWO), (TWO, TWO, TWO)]


def grid(trees, finest):
    table = np.zeros(tuple(map(len, trees)), np.int64)
    leaves = [tree.leaves for tree in trees]
    table[np.ix_(*leaves)] = np.reshape(finest, [len(some) for some in leaves])
    return summed(trees, table)


def publish(values, hidden):
    return [None if gone else int(count) for gone, count in zip(np.ravel(hidden), np.ravel(values), strict=True)]


# Naive reference: all tables that could be the true one


@lru_cache(maxsize=64)
def tables(number, total):
    """All ways to put `total` persons into so many cells, one a row."""
    bars = np.array(list(combinations(range(total + number - 1), number - 1)), np.int64).reshape(-1, number - 1)
    edges = np.c_[np.full(len(bars), -1), bars, np.full(len(bars), total + number - 1)]
    return np.diff(edges) - 1


@lru_cache(maxsize=16)
def sums(shape):
    """One row per cell of the grid: which finest cells it is the sum of."""
    trees = SHAPES[shape]
    number = np.prod([len(tree.leaves) for tree in trees])
    return np.stack([grid(trees, row).ravel() for row in np.eye(number, dtype=np.int64)], axis=1)


def possible(shape, published, most=None, known=None):
    """Every table that agrees with the published numbers, the rule and what somebody knows; one a row. The grand total
    must be shown."""
    every = tables(sums(shape).shape[1], published[0]) @ sums(shape).T
    fits = np.ones(len(every), bool)
    for cell, count in enumerate(published):
        if count is not None:
            fits &= every[:, cell] == count
    for cell, count in (most or {}).items():
        fits &= every[:, cell] <= count
    for cell, count in (known or {}).items():
        fits &= every[:, cell] == count
    return every[fits]


def part_of(trees, shape, part, whole):
    """Whether every finest cell of `part` is one of `whole`."""
    for tree, small, large in zip(trees, np.unravel_index(part, shape), np.unravel_index(whole, shape), strict=True):
        node = int(small)
        while node > 0 and node != large:
            node = tree.parents[node]
        if node != large:
            return False
    return True


def known_to_others(cube, target, hidden):
    """What those know who are alone in a cell, unless they are in the target, or it is a part of their cell."""
    alone = [int(cell) for cell in np.flatnonzero(hidden & ((cube.persons == 1) | (cube.families == 1)).ravel())]
    number = {cell: int(primary_rules.owners(cube).flat[cell]) for cell in alone}
    trees, shape = cube.hierarchies, cube.shape
    near = {
        number[cell] for cell in alone if part_of(trees, shape, cell, target) or part_of(trees, shape, target, cell)
    }
    return {cell: int(cube.persons.flat[cell]) for cell in alone if number[cell] not in near}


def known_too_well(shape, cube, table, rule=RULE):
    """The primary cells that an attacker of either kind knows too much of, by counting."""
    smallest, published = rule.smallest_persons, list(table.published)
    truth, hidden = cube.persons.ravel(), table.hidden.ravel()
    sensitive = (cube.persons < smallest) | (cube.families < rule.smallest_families)
    primary_cells = [int(cell) for cell in np.flatnonzero(sensitive)]
    small_cells = [cell for cell in primary_cells if truth[cell] < smallest]
    outside = possible(shape, published, dict.fromkeys(small_cells, smallest - 1))
    found = []
    for cell in primary_cells:
        inside = possible(shape, published, known=known_to_others(cube, cell, hidden))
        width = smallest - 1 if cell in small_cells else smallest
        if np.ptp(inside[:, cell]) < smallest or np.ptp(outside[:, cell]) < width:
            found.append(cell)
    return found


# The audit


@st.composite
def attacked(draw):
    """A table, some cells of which are hidden, not cleverly; the grand total is shown."""
    shape = draw(st.integers(0, len(SHAPES) - 1))
    trees = SHAPES[shape]
    number = int(np.prod([len(tree.leaves) for tree in trees]))
    values = grid(trees, draw(st.lists(st.integers(0, 3), min_size=number, max_size=number)))
    assume(values.flat[0] <= 12)
    hidden = np.array(
        [
            False,
            *draw(st.lists(st.sampled_from([True, True, False]), min_size=values.size - 1, max_size=values.size - 1)),
        ]
    )
    return shape, values, hidden


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(attacked(), st.booleans())
def test_the_audit_finds_exactly_the_least_and_the_most_of_each_hidden_cell(world, rule_known):
    shape, values, hidden = world
    published = publish(values, hidden)
    cells = np.flatnonzero(hidden).tolist()
    most = {cell: 3 for cell in cells if values.flat[cell] <= 3} if rule_known else {}
    tables_left = possible(shape, published, most)
    told = audit(SHAPES[shape], published, dict.fromkeys(cells, 10**6), most)
    assert told == [Narrow(cell, tables_left[:, cell].min(), tables_left[:, cell].max()) for cell in cells]
    event(f"dimensions {len(SHAPES[shape])}, exact {sum(one.low == one.high for one in told) > 0}")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(attacked(), st.integers(1, 5))
def test_the_audit_names_the_narrow_cells_and_no_other(world, width):
    shape, values, hidden = world
    published = publish(values, hidden)
    cells = np.flatnonzero(hidden).tolist()
    left = possible(shape, published)
    told = audit(SHAPES[shape], published, dict.fromkeys(cells, width))
    assert [one.cell for one in told] == [cell for cell in cells if np.ptp(left[:, cell]) < width]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(attacked())
def test_the_audit_lets_contributors_use_what_they_know(world):
    shape, values, hidden = world
    trees, published = SHAPES[shape], publish(values, hidden)
    case = Cube(trees, values, values)
    number = primary_rules.owners(case).ravel()
    own = {}
    for cell in np.flatnonzero(hidden & (number >= 0)).tolist():
        own.setdefault(number[cell], {})[cell] = 1
    event(f"contributors {min(len(own), 3)}")
    cells = np.flatnonzero(hidden).tolist()
    told = {
        one.cell: (one.low, one.high)
        for one in audit(trees, published, dict.fromkeys(cells, 10**6), None, list(own.values()))
    }
    for cell in cells:
        left = possible(shape, published, known=known_to_others(case, cell, hidden))
        assert told[cell] == (left[:, cell].min(), left[:, cell].max())


def test_numbers_that_cannot_be_are_seen():
    with pytest.raises(Contradiction):
        audit((TWO,), [10, 4, 5], {})
    with pytest.raises(Contradiction):
        audit((TWO, TWO), [10, 4, 6, None, None, None, None, None, None], {3: 1}, {3: 1, 6: 1})
    with pytest.raises(Contradiction, match="shown"):
        audit((TWO,), [10, 4, 6], {1: 3})


def test_a_solver_without_an_answer_protects_nothing(monkeypatch):
    monkeypatch.setattr(attack.highspy.HighsModelStatus, "kOptimal", "never")
    assert audit((THREE,), [30, None, None, 10], {1: 1}) == [Narrow(1, None, None)]


def whole_tables(shape, pairs, filled=()):
    """Every way to fill a grid of whole numbers, cell by cell, whose sums over each single axis are `pairs`."""
    if len(filled) == np.prod(shape):
        yield filled
        return
    cell = np.unravel_index(len(filled), shape)
    lines = [(axis, cell[:axis] + cell[axis + 1 :]) for axis in range(3)]
    room = [pairs[axis][line] for axis, line in lines]
    last = [cell[axis] == shape[axis] - 1 for axis in range(3)]
    for count in range(min(room) + 1):
        if all(count == left for left, full in zip(room, last, strict=True) if full):
            for axis, line in lines:
                pairs[axis][line] -= count
            yield from whole_tables(shape, pairs, (*filled, count))
            for axis, line in lines:
                pairs[axis][line] += count


def test_between_whole_numbers_there_is_less_room_than_a_programme_says(monkeypatch):
    """All two-way margins of 3 × 4 × 4 cells are shown. The programme lets one cell be one and a half."""
    asked = []
    whole = attack._Part._whole
    monkeypatch.setattr(attack._Part, "_whole", lambda part, cell, way: asked.append(cell) or whole(part, cell, way))
    shape, chance = (3, 4, 4), np.random.default_rng(147)
    trees = tuple(flat("d", range(size), 9) for size in shape)
    finest = chance.integers(0, 2, shape) * (chance.random(shape) < 0.7)
    values, hidden = grid(trees, finest), np.zeros((4, 5, 5), bool)
    hidden[1:, 1:, 1:] = True
    cells = np.flatnonzero(hidden)
    told = audit(trees, publish(values, hidden), dict.fromkeys(cells.tolist(), 9))
    left = np.array(list(whole_tables(shape, [finest.sum(axis) for axis in range(3)])))
    assert [(one.low, one.high) for one in told] == list(zip(left.min(0), left.max(0), strict=True))
    assert asked


# The suppression


@st.composite
def cubes(draw):
    shape = draw(st.integers(0, len(SHAPES) - 1))
    trees = SHAPES[shape]
    number = int(np.prod([len(tree.leaves) for tree in trees]))
    most = {3: 40, 4: 24, 6: 16, 8: 13}[number]
    finest = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 3, 4, 5, 8]), min_size=number, max_size=number))
    assume(3 <= sum(finest) <= most)
    persons = grid(trees, finest)
    families = (
        persons if draw(st.booleans()) else grid(trees, [min(count, draw(st.integers(1, 4))) for count in finest])
    )
    return shape, Cube(trees, persons, families, families_add_up=True)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(cubes())
def test_no_small_cell_is_known_to_within_the_smallest_count(world):
    shape, cube = world
    table = protected(cube, RULE)
    if isinstance(table, Refusal):
        event(table.code)
        return
    event("protected" if table.primary.any() else "nothing to hide")
    assert all(
        count is None or (count == truth and count >= 3)
        for cell, (count, truth) in enumerate(zip(table.published, cube.persons.ravel().tolist(), strict=True))
    )
    assert known_too_well(shape, cube, table) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(cubes())
def test_what_the_suppression_says_is_protected_is_so_without_an_audit(world):
    shape, cube = world
    values, sensitive = cube.persons, (cube.persons < 3) & (np.arange(cube.persons.size).reshape(cube.shape) > 0)
    root = np.arange(values.size).reshape(values.shape) == 0
    wanted = Wanted(3 - values, values, np.full(values.shape, ANY), np.full(values.shape, -1), root)
    done = suppressed(cube.hierarchies, values, sensitive, wanted)
    left = possible(shape, publish(values, done.hidden))
    event(f"open {len(done.open) > 0}")
    for cell in np.flatnonzero(sensitive):
        assert (np.ptp(left[:, cell]) >= 3) or (cell in done.open)
    if done.open:  # then no pattern protects it: hiding all there is does not either
        everything = possible(shape, publish(values, ~root))
        assert all(np.ptp(everything[:, cell]) < 3 for cell in done.open)


def a_table(finest=((9, 1, 30), (20, 25, 40)), trees=(TWO, THREE), rule=RULE, **more):
    persons = grid(trees, finest)
    return Cube(trees, persons, persons, families_add_up=True, **more), protected(
        Cube(trees, persons, persons, families_add_up=True, **more), rule
    )


def drawn(trees, table):
    """The published grid with `x` where hidden, finest cells and margins, line by line."""
    shape = [len(tree) for tree in trees]
    cells = np.array(["x" if count is None else str(count) for count in table.published]).reshape(shape)
    return [" ".join(line) for line in cells]


def test_a_small_cell_takes_the_cheapest_rectangle_with_it():
    """Totals first; 4 is small under 5."""
    _, table = a_table([[4, 60, 9], [50, 70, 80]], rule=replace(RULE, smallest_persons=5, smallest_families=5))
    assert drawn((TWO, THREE), table) == ["273 54 130 89", "73 x 60 x", "200 x 70 x"]
    assert table.secondary == 3


def test_a_table_of_families_hides_by_families():
    persons, families = grid((TWO,), [40, 60]), grid((TWO,), [2, 30])
    table = protected(Cube((TWO,), persons, families, families_add_up=True), RULE, families=True)
    assert isinstance(table, Refusal) or table.published == (32, None, None)


def test_a_table_that_cannot_be_protected_is_refused():
    """Two values that are both small, under a total that everybody sees."""
    _, table = a_table([2, 1], (TWO,))
    assert table == Refusal("table-cannot-be-protected")
    _, table = a_table([2, 0, 0], (THREE,))
    assert table.code == "table-too-fine"
    few = Cube((TWO,), grid((TWO,), [40, 60]), grid((TWO,), [1, 1]), families_add_up=True)
    assert protected(few, RULE).code == "table-too-fine"


def test_what_is_too_fine_is_refused_before_anything_is_hidden():
    assert a_table(rule=replace(RULE, smallest_mean=22))[1].code == "table-too-fine"
    assert a_table(rule=replace(RULE, most_small_percent=16))[1].code == "table-too-fine"
    assert isinstance(a_table(rule=replace(RULE, most_small_percent=17))[1], Protected)


def test_two_who_are_alone_in_a_cell_do_not_hide_only_each_other():
    """Both ones of a row: each of them knows his own, so a third cell must move."""
    _, table = a_table([[1, 1, 30, 40], [50, 60, 70, 80], [50, 60, 70, 80]], (THREE, flat("empat", range(4), 9)))
    rows = drawn((THREE, flat("empat", range(4), 9)), table)
    assert rows[1].split().count("x") >= 3


def test_the_same_table_is_protected_in_the_same_way():
    chance = np.random.default_rng(7)
    finest = chance.poisson(6, (4, 3, 2))
    trees = (PLACES, THREE, TWO)
    first, second = (a_table(finest, trees)[1] for _ in range(2))
    assert first.published == second.published


# Planted failures


WORLD = ([[2, 5, 4], [5, 4, 4]], (TWO, THREE))


def test_the_attack_succeeds_where_one_secondary_is_shown():
    cube, table = a_table(*WORLD)
    assert known_too_well(SHAPES.index((TWO, THREE)), cube, table) == []
    for cell in np.flatnonzero(table.hidden & ~table.primary):
        hidden = table.hidden.copy()
        hidden.flat[cell] = False
        bare = replace(table, hidden=hidden, published=tuple(publish(cube.persons, hidden)))
        assert known_too_well(SHAPES.index((TWO, THREE)), cube, bare)
        targets = dict.fromkeys(np.flatnonzero(table.primary).tolist(), 3)
        assert audit((TWO, THREE), bare.published, targets)


def test_the_attack_succeeds_where_the_threshold_is_off_by_one():
    cube, table = a_table(*WORLD, rule=replace(RULE, smallest_persons=2, smallest_families=2))
    assert known_too_well(SHAPES.index((TWO, THREE)), cube, table)


def test_the_attack_succeeds_where_the_complement_is_forgotten():
    """A small cell of a variable with two values, its partner shown beside their total."""
    hidden = np.array([False, True, False])
    assert audit((TWO,), publish(grid((TWO,), [2, 30]), hidden), {1: 3}) == [Narrow(1, 2, 2)]


@pytest.mark.parametrize("attacker", [INSIDER, OUTSIDER])
def test_each_attacker_finds_what_the_other_does_not(monkeypatch, attacker):
    """With one attacker left out of the audit, some table passes that the other one breaks."""
    monkeypatch.setattr(suppression, "ATTACKERS", (attacker,))
    broken = 0
    for first, second, third in product((1, 2), (0, 1, 2), (1, 2)):
        cube, table = a_table([[first, second, 5], [third, 4, 3]])
        if isinstance(table, Protected):
            broken += bool(known_too_well(SHAPES.index((TWO, THREE)), cube, table))
    assert broken
