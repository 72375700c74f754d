"""Blanks put everybody among enough others, by the meaning of a blank that was asked for, and change nothing else."""

from collections import Counter
from fractions import Fraction

import duckdb
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.registry.disclosure import naive_blanking, naive_measures
from tests.registry.disclosure.test_measures import QUASI, STORED, a_row, astuple, some, stored

from bagipakai.registry.disclosure.blanking import Allowed, Blank, blank

ALL = Fraction(1)
people = st.lists(some, max_size=25)
known = st.lists(
    st.fixed_dictionaries({
        "area": st.sampled_from(["3201", "3202"]),
        'se"x': st.sampled_from(["1", "2"]),
        "age": st.sampled_from([5, 30, 31]),
        "desil": st.just(1),
        "home": st.integers(1, 9),
        "x": st.integers(0, 99),
    }),
    max_size=25,
)  # fmt: skip
meaning = st.sampled_from(Blank)
costs = st.dictionaries(st.sampled_from(QUASI), st.integers(1, 4))
most = st.sampled_from([1, 2, 3])
family = st.sampled_from([None, "home"])


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 2}) as one:
        yield one


def done(con, rows, allowed, costs=None, family=None):
    con.execute("DROP VIEW IF EXISTS told")
    con.execute("DROP TABLE IF EXISTS told_blanks")
    found = blank(con, stored(con, rows), "told", QUASI, allowed, costs, family)
    told = con.execute("SELECT * FROM told").fetchall()
    return found, [dict(zip(STORED, row, strict=True)) for row in told]


def as_rows(rows):
    return Counter(tuple(row[column] for column in STORED) for row in rows)


@given(rows=people | known, k=st.integers(1, 5), blank=meaning, costs=costs, most=most, family=family)
@settings(max_examples=60, deadline=None)
def test_each_class_gets_the_cheapest_pattern_that_saves_it(con, rows, k, blank, costs, most, family):
    found, told = done(con, rows, Allowed(k, ALL, ALL, blank, most), costs, family)
    wanted = naive_blanking.solved(rows, QUASI, k, blank, costs, most, family)
    expected, blanks = [], 0
    for row in rows:
        pattern = wanted.get(naive_measures.key_of(row, QUASI), ())
        if pattern is not None:
            hidden = {QUASI[at] for at in pattern}
            blanks += sum(row[name] is not None for name in hidden)
            expected.append(row | dict.fromkeys(hidden))
    assert as_rows(told) == as_rows(expected)
    assert (found.rows, found.dropped, found.blanks) == (len(rows), len(rows) - len(expected), blanks)
    event(f"{blank}: {'dropped' if found.dropped else 'blanked' if blanks else 'untouched'}")


@given(rows=people | known, k=st.integers(1, 5), blank=meaning, most=most, family=family)
@settings(max_examples=30, deadline=None)
def test_nobody_is_left_among_too_few(con, rows, k, blank, most, family):
    found, told = done(con, rows, Allowed(k, ALL, ALL, blank, most), None, family)
    assert found.fits
    sizes = naive_measures.sizes(told, QUASI, family)
    matches = naive_measures.matching(told, QUASI, family) if blank is Blank.ANYTHING else sizes
    assert min(matches.values(), default=k) >= k
    below = [size for size in sizes.values() if size < k]
    assert found.itself.units_below == sum(below)


def test_a_blank_that_matches_anything_costs_less():
    rows = [a_row(area="3201", age=30) for _ in range(4)] + [a_row(area="3201", age=31)]
    with duckdb.connect() as con:
        cheap, told = done(con, rows, Allowed(3, ALL, ALL, Blank.ANYTHING))
        assert (cheap.blanks, cheap.dropped, told[-1]["area"], told[-1]["age"]) == (1, 0, "3201", None)
        assert (cheap.anything.smallest, cheap.itself.smallest) == (3, 1)
        strict, told = done(con, rows, Allowed(3, ALL, ALL, Blank.ITSELF))
        assert (strict.blanks, strict.dropped, len(told)) == (0, 1, 4)


def test_a_dear_variable_is_blanked_last():
    rows = [a_row(area=area, age=age) for area in ("3201", "3202") for age in (30, 31)]
    with duckdb.connect() as con:
        _, told = done(con, rows, Allowed(2, ALL, ALL, Blank.ANYTHING), {"area": 5})
        assert {(row["area"], row["age"]) for row in told} == {("3201", None), ("3202", None)}
        _, told = done(con, rows, Allowed(2, ALL, ALL, Blank.ANYTHING), {"age": 5})
        assert {(row["area"], row["age"]) for row in told} == {(None, 30), (None, 31)}


@pytest.mark.parametrize(
    ("blanked", "dropped", "fits"), [(Fraction(1, 12), ALL, True), (Fraction(1, 13), ALL, False), (ALL, 0, True)]
)
def test_too_many_blanks_do_not_fit(con, blanked, dropped, fits):
    """One blank among the twelve values of four rows, blanks that were there before counted with the values."""
    rows = [a_row(area="3201", age=30) for _ in range(3)] + [a_row(area="3201", age=31)]
    assert done(con, rows, Allowed(3, blanked, Fraction(dropped), Blank.ANYTHING))[0].fits is fits


def test_too_many_dropped_rows_do_not_fit(con):
    rows = [a_row(area="3201", age=30) for _ in range(3)] + [a_row(area="3202", age=31)]
    for share, fits in ((Fraction(1, 4), True), (Fraction(1, 5), False)):
        assert done(con, rows, Allowed(3, ALL, share, Blank.ITSELF))[0].fits is fits


def test_threads_change_nothing():
    rows = [a_row(area=str(3200 + at % 7), age=at % 11, x=at) for at in range(200)]
    answers = []
    for threads in (1, 4):
        with duckdb.connect(config={"threads": threads}) as con:
            found, told = done(con, rows, Allowed(4, ALL, ALL, Blank.ANYTHING))
        answers.append((astuple(found), sorted(map(str, told))))
    assert answers[0] == answers[1]


def test_a_blank_is_not_free(con):
    with pytest.raises(ValueError, match="costs"):
        done(con, [], Allowed(2, ALL, ALL, Blank.ANYTHING), {"age": 0})
