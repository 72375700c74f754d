"""The closed language: one spelling per sentence, nothing outside it, and places found by their codes."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.generative.worlds import predicates, worlds

from bagipakai.core.canonical import canonical, read
from bagipakai.core.query import (
    And,
    Between,
    Column,
    Compare,
    Const,
    In,
    Missing,
    Not,
    Op,
    Or,
    QueryError,
    Rows,
    chosen,
    columns_of,
    from_json,
    reaches,
    to_json,
    truth_of_nothing,
)

DESIL, LISTRIK = Column("desil"), Column("listrik")
POOR = Compare(Op.AT_MOST, DESIL, Const(4))


@settings(deadline=None)
@given(st.data())
def test_a_sentence_survives_canonical_json(data):
    predicate = data.draw(predicates(data.draw(worlds()).types))
    assert from_json(read(canonical(to_json(predicate)))) == predicate


def test_true_and_one_are_told_apart():
    assert to_json(Const(True)) == {"const": True}
    assert from_json({"in": "a", "values": [True]}).values[0] is True
    assert from_json({"in": "a", "values": [1]}).values[0] == 1


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "desil <= 4",
        {},
        {"const": 1},
        {"column": 5},
        {"column": "desil", "also": 1},
        {"and": []},
        {"or": {}},
        {"and": [{"const": True}]},
        {"not": [{"column": "a"}]},
        {"in": "desil", "values": []},
        {"in": "desil", "values": [None]},
        {"in": "desil", "values": [1.5]},
        {"in": "desil", "values": "abc"},
        {"in": "desil", "values": [{"date": "2026-02-30"}]},
        {"in": "desil", "values": [{"date": "20260701"}]},
        {"in": "desil", "values": [{"date": "2026-W27-3"}]},
        {"compare": "LIKE", "left": {"column": "nama"}, "right": {"const": "%"}},
        {"compare": "=", "left": {"not": {"column": "a"}}, "right": {"const": 1}},
        {"compare": "=", "left": {"column": "a"}},
        {"between": "desil", "low": 1},
        {"between": "desil", "low": None, "high": 2},
        {"sql": "1=1"},
    ],
)
def test_anything_else_is_no_sentence(data: Any):
    with pytest.raises(QueryError):
        from_json(data)


@pytest.mark.parametrize(
    "said",
    [
        lambda: And(()),
        lambda: Or(()),
        lambda: In(DESIL, ()),
        lambda: Const(1.5),
        lambda: Const(None),
        lambda: Const(datetime(2026, 7, 1)),  # noqa: DTZ001  # the point: it is no calendar day
        lambda: In(DESIL, (1, 2.0)),
        lambda: Between(DESIL, 1, None),
    ],
)
def test_some_things_cannot_even_be_built(said):
    with pytest.raises(QueryError):
        said()


def test_columns_are_named_in_reading_order():
    predicate = And((POOR, Not(Or((LISTRIK, Missing(Column("umur"))))), In(Column("kab"), ("1",))))
    assert list(columns_of(predicate)) == ["desil", "listrik", "umur", "kab"]
    assert list(columns_of(None)) == []


@pytest.mark.parametrize(
    ("predicate", "says"),
    [
        (POOR, None),
        (LISTRIK, None),
        (Not(LISTRIK), None),
        (In(DESIL, (1, 2)), None),
        (Between(DESIL, 1, 4), None),
        (Missing(LISTRIK), True),
        (Not(Missing(LISTRIK)), False),
        (Missing(Not(LISTRIK)), True),
        (Missing(Missing(LISTRIK)), False),
        (Or((POOR, Missing(LISTRIK))), True),
        (And((POOR, Missing(LISTRIK))), None),
        (And((POOR, Not(Missing(LISTRIK)))), False),
        (Or((POOR, LISTRIK)), None),
        (Compare(Op.EQUAL, Const(1), Const(1)), True),
        (Compare(Op.LESS, Const("b"), Const("a")), False),
        (Compare(Op.EQUAL, DESIL, DESIL), None),
    ],
)
def test_what_is_said_of_somebody_unknown(predicate, says):
    assert truth_of_nothing(predicate) is says


def test_an_area_becomes_part_of_the_condition():
    assert chosen(Rows("individu", ("desil",))) is None
    assert chosen(Rows("individu", ("desil",), POOR)) == POOR
    assert chosen(Rows("individu", ("desil",), None, ("32",))) == In(Column("kode_prov"), ("32",))
    assert chosen(Rows("individu", ("desil",), POOR, ("3201", "320101"))) == And(
        (Or((In(Column("kode_kab"), ("3201",)), In(Column("kode_kec"), ("320101",)))), POOR)
    )


def test_a_code_of_another_length_is_not_silently_nowhere():
    with pytest.raises(QueryError):
        chosen(Rows("individu", ("desil",), None, ("3201", "32010")))


@pytest.mark.parametrize(
    ("area", "regency", "answer"),
    [
        ((), "3201", True),
        (("32",), "3201", True),
        (("3201",), "3201", True),
        (("320101",), "3201", True),
        (("3201012001",), "3201", True),
        (("3273", "3201012001"), "3201", True),
        (("3273",), "3201", False),
        (("33",), "3201", False),
        (("3202012001",), "3201", False),
    ],
)
def test_a_regency_is_read_only_if_the_area_reaches_it(area, regency, answer):
    assert reaches(area, regency) is answer


def test_a_day_is_written_as_a_day():
    assert to_json(Const(date(2026, 7, 1))) == {"const": {"date": "2026-07-01"}}
