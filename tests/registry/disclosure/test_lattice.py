"""The lattice's answer is that of trying every node on the rows."""

from dataclasses import replace
from fractions import Fraction

import duckdb
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.registry.disclosure import naive_lattice as naive
from tests.registry.disclosure.test_measures import a_row, some, stored

from bagipakai.registry.disclosure import lattice
from bagipakai.registry.disclosure.lattice import Lattice, Limits, Node
from bagipakai.registry.disclosure.measures import Classes
from bagipakai.registry.disclosure.recoding import Bands, Groups, Level, Prefix, Same, Variable, Withheld, recode

AREA = Variable(
    "area", (Level("kabupaten", Same(), 0), Level("provinsi", Prefix(2), 60), Level("nasional", Withheld(), 100))
)
AGE = Variable(
    "age",
    (
        Level("tahun", Same(), 0),
        Level("5 tahun", Bands.of(5, 0, 85), 20),
        Level("anak, dewasa", Bands((0, 20)), 70),
        Level("semua", Withheld(), 100),
    ),
)
SEX = Variable('se"x', (Level("nilai", Same(), 5), Level("semua", Withheld(), 100)))
VARIABLES = (AREA, AGE, SEX)

people = st.lists(some, min_size=1, max_size=25)
share = st.sampled_from([None, Fraction(1, 2), Fraction(4, 5)])
limits = st.builds(
    Limits,
    k=st.integers(1, 4),
    l=st.integers(1, 3),
    entropy=st.sampled_from([None, 1.5, 2.2]),
    share=share,
    equal=share,
    ordered=st.sampled_from([None, Fraction(1, 4), Fraction(7, 20)]),
    inference=st.sampled_from([None, None, Fraction(1, 20), Fraction(1, 5)]),
)
budget = st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 4), Fraction(1, 2)])
family = st.sampled_from([None, None, "home"])


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 2}) as one:
        yield one


def as_node(found):
    return None if found is None else Node(found[2], found[1], found[0])


@given(rows=people, wanted=limits, dropped=budget, family=family)
@settings(max_examples=60, deadline=None)
def test_the_best_node_is_that_of_trying_all(con, rows, wanted, dropped, family):
    found = Lattice(con, stored(con, rows), VARIABLES, wanted, "desil", family).search(dropped)
    assert found.best == as_node(naive.best(rows, VARIABLES, wanted, dropped, family))
    event("none" if found.best is None else "rows dropped" if found.best.violating else "none dropped")


@given(rows=people, wanted=limits, family=family)
@settings(max_examples=12, deadline=None)
def test_every_node_has_the_violating_rows_that_the_rows_say(con, rows, wanted, family):
    ours = Lattice(con, stored(con, rows), VARIABLES, wanted, "desil", family)
    for one in naive.nodes(rows, VARIABLES, wanted, family):
        assert ours.at(one[2]) == as_node(one)


@given(rows=people, k=st.integers(1, 5), dropped=budget)
@settings(max_examples=25, deadline=None)
def test_what_is_passed_over_could_not_have_won(con, rows, k, dropped):
    """Sorting instead of counting in an array, and rolling up from the base alone, change nothing either."""
    ours = Lattice(con, stored(con, rows), VARIABLES, Limits(k)).search(dropped)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lattice, "DENSE", 0)
        patched.setattr(lattice, "ROOM", 0)
        assert Lattice(con, "file", VARIABLES, Limits(k)).search(dropped) == ours


@given(rows=people, k=st.integers(1, 4), dropped=budget, family=family)
@settings(max_examples=25, deadline=None)
def test_the_file_told_at_the_best_node_has_no_more_small_classes_than_said(con, rows, k, dropped, family):
    best = Lattice(con, stored(con, rows), VARIABLES, Limits(k), family=family).search(dropped).best
    if best is not None:
        con.execute("DROP VIEW IF EXISTS told")
        recode(con, "file", "told", VARIABLES, best.levels)
        with Classes(con, "told", [one.name for one in VARIABLES], family=family) as classes:
            assert classes.anonymity(k).units_below <= best.violating
            assert family or classes.anonymity(k).units_below == best.violating


def test_many_persons_of_two_families_are_two_at_every_node(con):
    stored(con, [a_row(area="3201", home=at % 2) for at in range(10)])
    best = {
        name: Lattice(con, "file", (AREA,), Limits(3), family=name).search(Fraction(0)).best for name in (None, "home")
    }
    assert best == {None: Node((0,), 0, 0), "home": None}


def test_of_equal_losses_the_one_that_drops_fewer_wins(con):
    """Two of four rows dropped lose as much as half of each value."""
    stored(con, [a_row(area=area) for area in ("3201", "3201", "3202", "3203")])
    halved = Variable("area", (Level("kabupaten", Same(), 0), Level("provinsi", Prefix(2), 50)))
    assert Lattice(con, "file", (halved,), Limits(2)).search(Fraction(1, 2)).best == Node((1,), 0, 200)


def test_the_curve_falls():
    rows = [a_row(area=str(3200 + at % 7), age=at, desil=1) for at in range(60)]
    with duckdb.connect() as con:
        found = Lattice(con, stored(con, rows), VARIABLES, Limits(5)).search(Fraction(1, 20))
    violating = [node.violating for node in found.curve]
    assert violating == sorted(set(violating), reverse=True) and found.best in found.curve
    assert found.rows == 60


def test_merging_can_spoil_a_class_so_coarser_nodes_are_not_taken_for_granted(con):
    """Two classes of even values, merged with one that is not: the share grows."""
    rows = [a_row(area="3201", desil=one) for one in (1, 2)] + [a_row(area="3202", desil=1) for _ in range(8)]
    ours = Lattice(con, stored(con, rows), (AREA,), Limits(1, share=Fraction(1, 2)), "desil")
    assert [ours.at((level,)).violating for level in (0, 1)] == [8, 10]


def test_levels_must_nest(con):
    crossing = Variable("age", (Level("a", Bands((0, 10, 20)), 0), Level("b", Bands((0, 15)), 50)))
    stored(con, [a_row(age=12), a_row(age=17)])
    with pytest.raises(ValueError, match="nest"):
        Lattice(con, "file", (crossing,), Limits(2))


def test_limits_on_values_need_the_variable(con):
    with pytest.raises(ValueError, match="sensitive"):
        Lattice(con, stored(con, []), VARIABLES, Limits(2, l=2))


def test_nobody_is_no_trouble(con):
    found = Lattice(con, stored(con, []), VARIABLES, Limits(2, l=2), "desil", "home").search(Fraction(0))
    assert found.best == Node((0, 0, 0), 0, 0)


def test_a_value_nobody_thought_of_is_grouped_with_unknown(con):
    grouped = Variable("area", (Level("a", Groups.of({"3201": "x"}), 0),))
    stored(con, [a_row(area="3201"), a_row(area="3209"), a_row()])
    assert Lattice(con, "file", (grouped,), replace(Limits(2))).at((0,)).violating == 1
