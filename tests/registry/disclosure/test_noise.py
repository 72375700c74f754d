"""The noise table: mean 0, its variance, never a forbidden result, and no table has more entropy."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.disclosure.noise import BITS, NoSuchNoise, Table, chances, maximum_entropy

TABLES = [
    (5, 3, 0),
    (5, 3, 2),
    (2, 1, 0),
    (3, 1.5, 1),
    (4, 2.5, 2),
    (8, 3.5, 2),
    (15, 10, 0),
    (15, 30.1, 0),
    (6, 9, 4),
    (8, 20, 6),
]
ROWS = [(count, *table) for table in TABLES for count in range(1, table[0] + table[2] + 2)]


def moment(found, power):
    return sum(chance * change**power for change, chance in found.items())


@pytest.mark.parametrize(("count", "bound", "variance", "blocked"), ROWS)
def test_a_row_has_the_moments_and_results_that_were_demanded(count, bound, variance, blocked):
    found = chances(count, bound, variance, blocked)
    assert abs(sum(found.values()) - 1) < 1e-9 and abs(moment(found, 1)) < 1e-9
    assert moment(found, 2) <= variance + 1e-9
    assert all(chance > 0 and abs(change) <= bound for change, chance in found.items())
    assert all(count + change == 0 or count + change > blocked for change in found)


@pytest.mark.parametrize(("count", "bound", "variance", "blocked"), ROWS)
def test_a_larger_change_is_never_likelier_than_a_smaller_one(count, bound, variance, blocked):
    found = sorted(chances(count, bound, variance, blocked).items())
    for (near, one), (far, other) in pairwise(found):
        assert one <= other + 1e-9 if far <= 0 else True
        assert other <= one + 1e-9 if near >= 0 else True


@pytest.mark.parametrize(("count", "bound", "variance", "blocked"), ROWS)
def test_no_table_with_these_demands_has_more_entropy(count, bound, variance, blocked):
    """Karush, Kuhn and Tucker: log p is a + b·v + c·v², c at most 0, but for pushes of neighbours that may not rise;
    the pushes have one sign and act between equals only. The problem is convex, so this is its solution."""
    found = sorted(chances(count, bound, variance, blocked).items())
    changes = np.array([change for change, _ in found], float)
    told = np.log([chance for _, chance in found])
    pairs = [at for at in range(len(found) - 1) if changes[at + 1] <= 0 or changes[at] >= 0]
    equal = [at for at in pairs if abs(told[at] - told[at + 1]) < 1e-7]
    bound_by_variance = abs(moment(dict(found), 2) - variance) < 1e-9
    # log p_v = a + b v + c v² + (push in) - (push out), solved by least squares
    columns = [np.ones_like(changes), changes, *([changes**2] if bound_by_variance else [])]
    for at in equal:
        push = np.zeros_like(changes)
        rising = changes[at + 1] <= 0  # here p[at] <= p[at + 1] is demanded
        push[at], push[at + 1] = (-1, 1) if rising else (1, -1)
        columns.append(push)
    assert len(columns) <= len(found)
    solved, *_ = np.linalg.lstsq(np.array(columns).T, told, rcond=None)
    assert np.abs(np.array(columns).T @ solved - told).max() < 1e-6
    assert not bound_by_variance or solved[2] <= 1e-9
    assert all(push >= -1e-7 for push in solved[2 + bound_by_variance :])


def test_the_tables_that_r_ptable_publishes():
    """Introduction of R's `ptable` 1.0 (D = 2, V = 1): its transition matrix to the digits it prints, also the row of 1
    where the variance is not reached and the rule of monotony holds."""
    one, two = chances(1, 2, 1), chances(2, 2, 1)
    assert [round(one[v], 4) for v in (-1, 0, 1, 2)] == [0.3665, 0.3665, 0.1676, 0.0995]
    assert [round(two[v], 4) for v in (-2, 2)] == [0.0638, 0.0638] and round(two[0], 3) == 0.383
    assert round(moment(one, 2), 3) == 0.932 and round(moment(two, 2), 3) == 1
    assert all(abs(chance - 0.2) < 1e-9 for chance in chances(2, 2, 3).values())  # as Langsrud prints of D = 2, V = 3


def test_the_row_that_monotony_changes_by_the_algebra():
    """Of D = 2 and a count of 1, two equal chances a: mean 0 and the sum leave one unknown; where the entropy's slope
    is 0, log c = 5/3 log b - 2/3 log a."""
    low, high = 1 / 3 + 1e-12, 2 / 5 - 1e-12
    for _ in range(60):
        a = (low + high) / 2
        c = 3 * a - 1  # from 2a + b + c = 1 and -a + b + 2c = 0
        b = 1 - 2 * a - c
        low, high = (a, high) if log(c) < 5 / 3 * log(b) - 2 / 3 * log(a) else (low, a)
    assert abs(chances(1, 2, 1)[0] - a) < 1e-9


def test_far_from_zero_the_noise_is_a_rounded_bell():
    found = chances(7, 5, 3)
    ratio = log(found[1] / found[0])
    assert all(abs(found[v] - found[0] * exp(ratio * v * v)) < 1e-9 for v in range(-5, 6))


@pytest.mark.parametrize(("bound", "variance", "blocked"), TABLES)
def test_the_whole_numbers_have_a_mean_of_exactly_nothing(bound, variance, blocked):
    table = maximum_entropy(bound, variance, blocked)
    assert len(table.edges) == bound + blocked + 1 and (table.edges[:, -1] == 1 << BITS).all()
    parts = np.diff(table.edges.astype(np.int64), axis=1, prepend=0)
    assert (parts >= 0).all()
    assert ((parts * table.changes).sum(axis=1) == 0).all()
    for count in range(1, len(parts)):
        found = chances(count, bound, variance, blocked)
        for part, change in zip(parts[count], table.changes[count], strict=True):
            assert abs(part / 2**BITS - found.get(int(change), 0)) < 1e-8


def test_nobody_stays_nobody():
    table = maximum_entropy(5, 3, 2)
    draws = np.array([0, 1, 2**31, 2**32 - 1], np.uint64)
    assert table.changed_by(np.zeros(4, np.int64), draws).tolist() == [0, 0, 0, 0]


def naive(rows, repeated, count, draw):
    """The change, read off a table written out draw by draw."""
    first = len(rows) - repeated
    return rows[count if count < len(rows) else first + (count - first) % repeated][draw]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_table_of_draws_is_read_as_it_is_written(data):
    bits = data.draw(st.integers(0, 4))
    row = st.lists(st.integers(-5, 5), min_size=1 << bits, max_size=1 << bits)
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    repeated = data.draw(st.integers(1, len(rows)))
    table = Table.of_draws(rows, repeated)
    cells = [(count, draw) for count in range(20) for draw in range(1 << bits)]
    counts, draws = (np.array(column) for column in zip(*cells, strict=True))
    expected = [naive(rows, repeated, count, draw) for count, draw in cells]
    assert table.changed_by(counts.astype(np.int64), draws.astype(np.uint64)).tolist() == expected


@pytest.mark.parametrize("demand", [(1, 1, 0.5, 2), (1, 5, 0.5, 2), (1, 5, 0.0, 0), (2, 2, 3, 4)])
def test_what_no_noise_can_do_is_an_error(demand):
    with pytest.raises(NoSuchNoise):
        chances(*demand)


def test_rows_of_draws_are_whole():
    for rows in ([[0, 0, 0]], [[0, 0], [0]]):
        with pytest.raises(ValueError):
            Table.of_draws(rows)


def test_one_table_has_one_digest():
    assert maximum_entropy(5, 3).digest == maximum_entropy(5, 3).digest
    assert maximum_entropy(5, 3).digest != maximum_entropy(5, 2.9).digest
