"""A recode does the same to a value in SQL as it is said to do, and what nobody thought of is not told."""

from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.disclosure.recoding import (
    WHOLE,
    Bands,
    Clamped,
    Groups,
    Level,
    Prefix,
    Same,
    Variable,
    Withheld,
    recode,
)

numbers = st.integers(-5, 130) | st.none()
texts = st.text("0123456789'\" ", max_size=12) | st.none()
starts = st.lists(st.integers(-3, 120), min_size=1, max_size=6, unique=True).map(sorted).map(tuple)
bounds = st.tuples(st.integers(-3, 60), st.integers(60, 120))
of_numbers = st.one_of(
    st.just(Same()),
    st.just(Withheld()),
    starts.map(Bands),
    bounds.map(lambda ends: Clamped(*ends)),
    st.dictionaries(st.integers(-5, 130), st.integers(0, 3), min_size=1, max_size=9).map(Groups.of),
)
of_texts = st.one_of(
    st.just(Same()),
    st.just(Withheld()),
    st.integers(0, 12).map(Prefix),
    st.dictionaries(st.text("0123'", max_size=2), st.sampled_from(["a", "b'"]), min_size=1).map(Groups.of),
)


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as one:
        yield one


@given(told=st.tuples(of_numbers, numbers, of_texts, texts))
@settings(max_examples=200, deadline=None)
def test_sql_says_what_python_says(con, told):
    of_number, number, of_text, text = told
    con.execute('CREATE OR REPLACE TABLE file ("a""ge" INTEGER, area VARCHAR, x INTEGER)')
    con.execute("INSERT INTO file VALUES (?, ?, 7)", [number, text])
    variables = [Variable('a"ge', (Level("", of_number, 0),)), Variable("area", (Level("", of_text, 0),))]
    con.execute("DROP VIEW IF EXISTS told")
    recode(con, "file", "told", variables, (0, 0))
    answer = con.execute("SELECT * FROM told").fetchall()
    assert answer == [(of_number.recoded(number), of_text.recoded(text), 7)]


def test_ages_are_bands_with_a_bottom_and_a_top():
    bands = Bands.of(5, 0, 85)
    assert [bands.recoded(age) for age in (-1, 0, 4, 5, 84, 85, 99)] == [0, 0, 0, 5, 80, 85, 85]
    assert [Clamped(15, 85).recoded(age) for age in (3, 15, 40, 86, None)] == [15, 15, 40, 85, None]


def test_a_value_that_is_not_in_the_list_becomes_unknown():
    assert Groups.of({"kawin": "pernah", "cerai": "pernah"}).recoded("lainnya") is None


def test_a_day_can_be_grouped(con):
    day = date(2000, 1, 31)
    text = Groups.of({day: "lama"}).sql("born")
    assert con.execute(f"SELECT {text} FROM (SELECT $1 AS born)", [day]).fetchall() == [("lama",)]


@pytest.mark.parametrize("losses", [(), (5, 5), (9, 3), (-1,), (0, WHOLE + 1)])
def test_coarser_is_stated_to_lose_more(losses):
    with pytest.raises(ValueError):
        Variable("age", tuple(Level("", Same(), loss) for loss in losses))


@pytest.mark.parametrize("wrong", [lambda: Bands(()), lambda: Bands((3, 3)), lambda: Clamped(2, 1)])
def test_bands_rise(wrong):
    with pytest.raises(ValueError):
        wrong()
