"""A filter may tell people apart by what anybody may know of them only where each part holds as many as a class."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.registry.disclosure.test_beside import CODES, grouped
from tests.registry.disclosure.test_rows import EASY, Row, crowd, plan_of, populations

from bagipakai.core.query import And, Between, Column, Compare, Const, In, Not, Op, Or
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure import singling
from bagipakai.registry.disclosure.singling import objection
from bagipakai.registry.engines import reference

AGE, SEX, KAB, DESIL = (Column(name) for name in ("umur", "jenis_kelamin", "kode_kab", "desil"))
conditions = st.sampled_from(
    [
        Compare(Op.AT_MOST, AGE, Const(60)),
        Compare(Op.EQUAL, AGE, Const(84)),
        Between(AGE, 20, 40),
        In(AGE, (1, 30, 84)),
        Compare(Op.EQUAL, SEX, Const("1")),
        In(KAB, ("3201",)),
        Compare(Op.DIFFERS, AGE, Const(30)),
    ]
)
alternatives = st.lists(st.lists(conditions, min_size=1, max_size=3), min_size=1, max_size=3)


def singled_out(population, people: list[Row]) -> Refusal | None:
    plan = replace(plan_of("kode_kab"), population=population)
    return objection(plan, EASY, CODES, lambda query: grouped(query, people))


@given(people=populations(), asked=alternatives)
@settings(deadline=None)
def test_each_group_that_alternatives_choose_is_nobody_or_enough(people, asked):
    """Counted one by one: by which alternatives choose a person; each value of a list is one of its own."""
    chosen = Counter()
    for row in people:
        by = set()
        for at, parts in enumerate(asked):
            if all(reference.truth(part, row) is True for part in parts):
                by.add((at, *(row[part.column.name] for part in parts if isinstance(part, In))))
        chosen[frozenset(by)] += 1
    del chosen[frozenset()]
    few = any(many < EASY.smallest_class for many in chosen.values())
    event(f"few: {few}")
    population = Or(tuple(And(tuple(parts)) for parts in asked))
    assert (singled_out(population, people) is not None) == few
    within = And((population, Compare(Op.LESS, DESIL, Const(3))))
    assert (singled_out(within, people) is not None) == few, "whatever is true of them besides"


def test_whom_a_filter_leaves_out_is_another_plans_matter():
    """Poor widows of sixty are asked for: that some are younger, or no widows, singles nobody out."""
    people = crowd(("3201", 70, "2", 1, 12), ("3201", 30, "2", 1, 2), ("3202", 70, "1", 1, 3), ("3202", 30, "1", 1, 50))
    old, women = Compare(Op.AT_LEAST, AGE, Const(60)), Compare(Op.EQUAL, SEX, Const("2"))
    assert singled_out(And((old, women)), people) is None
    assert singled_out(Or((old, women)), people) is not None, "two are chosen as women alone"
    assert singled_out(Not(Or((Not(old), Not(women)))), people) is None


def test_alternatives_that_hide_one_another_hide_nobody():
    """She is chosen by two of them, and nobody by one alone."""
    people = crowd(("3201", 30, "1", 1, 50), ("3202", 97, "2", 1, 1), ("3202", 30, "1", 1, 50))
    there, oldest = Compare(Op.EQUAL, KAB, Const("3202")), Compare(Op.EQUAL, AGE, Const(97))
    old = Compare(Op.AT_LEAST, AGE, Const(96))
    rest = Compare(Op.EQUAL, KAB, Const("3201"))
    assert singled_out(Or((rest, And((there, oldest)), And((there, old)))), people) is not None
    assert singled_out(And((rest, Compare(Op.LESS, DESIL, Const(3)))), people) is None


def test_who_is_chosen_whatever_else_is_true_of_them_is_singled_out():
    """The poor, and she, poor or not."""
    people = crowd(("3201", 30, "1", 1, 50), ("3202", 40, "2", 9, 50), ("3202", 97, "2", 9, 1))
    poor, oldest = Compare(Op.LESS, DESIL, Const(3)), Compare(Op.EQUAL, AGE, Const(97))
    assert singled_out(Or((poor, oldest)), people) is not None
    assert singled_out(Or((poor, Compare(Op.EQUAL, AGE, Const(30)))), people) is None


def test_too_many_alternatives_are_looked_at_part_by_part(monkeypatch):
    people = crowd(("3201", 30, "1", 1, 50), ("3202", 30, "2", 1, 2))
    both = And((Compare(Op.EQUAL, KAB, Const("3201")), Compare(Op.EQUAL, SEX, Const("1"))))
    assert singled_out(both, people) is None
    monkeypatch.setattr(singling, "MOST", 0)
    assert singled_out(both, people) is not None


@pytest.mark.parametrize(("many", "refused"), [(0, False), (1, True), (EASY.smallest_class, False)])
def test_what_else_is_true_of_them_is_not_asked(many, refused):
    """Whatever their decile."""
    for decile in (1, 9):
        people = crowd(("3201", 30, "1", 4, 50), ("3201", 84, "2", decile, many))
        found = singled_out(And((Compare(Op.AT_MOST, DESIL, Const(4)), Compare(Op.MORE, AGE, Const(80)))), people)
        assert (found is not None) == refused
        assert found is None or (found.code, found.detail["columns"]) == ("rows-filter-singles-out", "umur")


def test_a_filter_by_nothing_that_others_know_singles_nobody_out():
    def nobody_is_counted(_: object) -> pa.RecordBatch:
        raise AssertionError("counted")

    plan = replace(plan_of("umur"), population=Compare(Op.AT_MOST, DESIL, Const(1)))
    assert objection(plan, EASY, CODES, nobody_is_counted) is None
