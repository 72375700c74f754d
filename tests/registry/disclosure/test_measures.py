"""A measure says of a file what its definition says, for persons and for families, unknown values included."""

from fractions import Fraction

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.disclosure import naive_measures as naive

from bagipakai.registry.disclosure.measures import Classes, MeasureError

QUASI = ("area", 'se"x', "age")
STORED = {"area": "VARCHAR", 'se"x': "VARCHAR", "age": "INTEGER", "desil": "INTEGER", "home": "INTEGER"}


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 2}) as one:
        yield one


def stored(con, rows, name="file"):
    columns = ", ".join('"' + column.replace('"', '""') + f'" {kind}' for column, kind in STORED.items())
    con.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
    if rows:
        marks = ", ".join("?" for _ in STORED)
        con.executemany(f"INSERT INTO {name} VALUES ({marks})", [[row[column] for column in STORED] for row in rows])
    return name


def a_row(**told):
    return dict.fromkeys(STORED) | told


some = st.fixed_dictionaries({
    "area": st.sampled_from(["3201", "3202", None]),
    'se"x': st.sampled_from(["1", "2", None]),
    "age": st.sampled_from([5, 30, 31, None]),
    "desil": st.sampled_from([1, 2, 5, 10, None]),
    "home": st.sampled_from([1, 2, 3, 4, 5, 6, None]),
})  # fmt: skip
files = st.lists(some, max_size=25)
family = st.sampled_from([None, "home"])


@given(rows=files, family=family, k=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_classes_are_counted_as_defined(con, rows, family, k):
    with Classes(con, stored(con, rows), QUASI, None, family) as classes:
        found = classes.anonymity(k)
    assert astuple(found) == naive.anonymity(naive.sizes(rows, QUASI, family), k)


@given(rows=files, family=family, k=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_a_blank_that_matches_anything_is_counted_as_defined(con, rows, family, k):
    with Classes(con, stored(con, rows), QUASI, "desil", family) as classes:
        found = classes.wildcard(k)
    least, *rest = naive.anonymity(naive.sizes(rows, QUASI, family), k, naive.matching(rows, QUASI, family))
    assert astuple(found) == (min(k, least), *rest)


@given(rows=files, family=family, enough=st.integers(1, 4), share=st.fractions(0, 1, max_denominator=9))
@settings(max_examples=30, deadline=None)
def test_the_variety_of_sensitive_values_is_as_defined(con, rows, family, enough, share):
    with Classes(con, stored(con, rows), QUASI, "desil", family) as classes:
        found = classes.diversity(enough, share)
    spread, sizes = naive.spread(rows, QUASI, "desil", family), naive.sizes(rows, QUASI, family)
    assert found.distinct == naive.distinct(spread)
    assert found.entropy == pytest.approx(naive.entropy(spread), abs=1e-6)
    assert found.share == naive.share(spread, sizes)
    assert found.homogeneous == sum(len(counts) == 1 for counts in spread.values())
    assert found.units_below == sum(sizes[key] for key, counts in spread.items() if len(counts) < enough)
    above = [key for key, counts in spread.items() if Fraction(max(counts.values()), sizes[key]) > share]
    assert found.units_above == sum(sizes[key] for key in above)


@given(rows=files, family=family)
@settings(max_examples=30, deadline=None)
def test_distances_of_distributions_are_as_defined(con, rows, family):
    with Classes(con, stored(con, rows), QUASI, "desil", family) as classes:
        found = classes.closeness()
    assert (found.equal, found.ordered) == naive.closeness(naive.spread(rows, QUASI, "desil", family))


@given(rows=files, family=family)
@settings(max_examples=30, deadline=None)
def test_who_is_alone_in_few_variables_is_counted_as_defined(con, rows, family):
    with Classes(con, stored(con, rows), QUASI, None, family) as classes:
        found = {one.variables: one.units for one in classes.unique()}
    assert found == naive.unique(rows, QUASI, family)


@given(rows=files, more=files, family=family, most=st.fractions(0, 1, max_denominator=5))
@settings(max_examples=30, deadline=None)
def test_presence_is_as_defined(con, rows, more, family, most):
    every = rows + more
    with (
        Classes(con, stored(con, every, "registry"), QUASI, None, family) as registry,
        Classes(con, stored(con, rows), QUASI, None, family) as file,
    ):
        found = file.presence(registry, most)
    sizes = naive.sizes(rows, QUASI, family)
    shares = naive.presence(sizes, naive.sizes(every, QUASI, family))
    assert found.largest == max(shares.values(), default=0)
    assert found.units_above == sum(sizes[key] for key, share in shares.items() if share > most)


def test_somebody_alone_is_seen_where_a_blank_hides_nobody():
    """A blank as a value of its own makes a class of one; matching anything, it stands among all."""
    rows = [a_row(area="3201", age=30), a_row(area="3201", age=30), a_row(area="3201")]
    with duckdb.connect() as con, Classes(con, stored(con, rows), ("area", "age")) as classes:
        assert (classes.anonymity(2).smallest, classes.wildcard(4).smallest) == (1, 3)


def test_ten_persons_of_two_families_are_two():
    rows = [a_row(area="3201", home=number % 2) for number in range(10)]
    with duckdb.connect() as con, Classes(con, stored(con, rows), ("area",), family="home") as classes:
        assert classes.anonymity(3).units_below == 2


def test_who_asks_for_k_alone_needs_one_look_at_the_rows_and_no_table(con):
    with Classes(con, stored(con, [a_row(), a_row()]), QUASI) as classes:
        assert classes.anonymity(2).units_below == 0
        con.execute("DROP TABLE file")
        assert classes.anonymity(3).units_below == 2
        assert left_over(con) == []


def test_a_class_that_the_registry_lacks_is_surely_present(con):
    stored(con, [], "registry")
    with Classes(con, "registry", QUASI) as registry, Classes(con, stored(con, [a_row(), a_row()]), QUASI) as file:
        assert file.presence(registry, Fraction(1, 2)).largest == 1


def test_distributions_of_very_many_values_are_not_compared(con):
    rows = [a_row(area="3201", desil=value) for value in range(101)]
    with Classes(con, stored(con, rows), ("area",), "desil") as classes, pytest.raises(ValueError, match="band"):
        classes.closeness()


def test_a_failure_quotes_no_value(con):
    con.execute(
        "CREATE OR REPLACE VIEW broken AS SELECT CAST(name AS INTEGER) AS area FROM (VALUES ('Ayu')) AS t(name)"
    )
    with Classes(con, "broken", ("area",)) as classes, pytest.raises(MeasureError) as failure:
        classes.anonymity(2)
    assert "Ayu" not in str(failure.value) and failure.value.__context__ is None


def test_nothing_is_left_behind(con):
    stored(con, [a_row()])
    with Classes(con, "file", QUASI, "desil", "home") as classes:
        classes.closeness(), classes.wildcard(2), classes.presence(classes, Fraction(1))
    assert left_over(con) == []


def left_over(con):
    return con.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'disclosure%'").fetchall()


def astuple(found):
    return tuple(getattr(found, name) for name in found.__slots__)
