"""A filter may tell people apart by what anybody may know of them only where each part holds as many as a class."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.registry.disclosure.test_beside import CODES, grouped
from tests.registry.disclosure.test_rows import EASY, Row, crowd, plan_of, populations

from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or, atoms, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.singling import objection
from bagipakai.registry.engines import reference

AGE, SEX, KAB, DESIL = (Column(name) for name in ("umur", "jenis_kelamin", "kode_kab", "desil"))
known = st.sampled_from(
    [
        Compare(Op.AT_MOST, AGE, Const(60)),
        Compare(Op.EQUAL, AGE, Const(84)),
        Between(AGE, 20, 40),
        In(AGE, (1, 30, 84)),
        Compare(Op.EQUAL, SEX, Const("1")),
        In(KAB, ("3201",)),
        Missing(AGE),
        Compare(Op.LESS, DESIL, Const(3)),
    ]
)
filters = st.recursive(
    known,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=4,
)


def singled_out(population, people: list[Row]) -> Refusal | None:
    plan = replace(plan_of("kode_kab"), population=population)
    return objection(plan, EASY, CODES, lambda query: grouped(query, people))


@given(people=populations(), population=filters)
def test_each_part_that_the_filter_tells_apart_holds_nobody_or_enough(people, population):
    """Counted one by one: by the truth of what anybody may know, and of a list by which of it."""

    def told(row: Row) -> tuple:
        of = []
        for atom in atoms(population):
            if isinstance(atom, Missing) or "desil" in columns_of(atom):
                continue
            truth = reference.truth(atom, row) is True
            of.append(row[atom.column.name] if isinstance(atom, In) and truth else truth)
        return tuple(of)

    parts = [told(row) for row in people]
    few = parts and any(parts) and min(parts.count(one) for one in parts) < EASY.smallest_class
    event(f"few: {bool(few)}")
    assert (singled_out(population, people) is not None) == bool(few)


@pytest.mark.parametrize(("many", "refused"), [(0, False), (1, True), (EASY.smallest_class, False)])
def test_what_else_is_true_of_them_is_not_asked(many, refused):
    """Whatever their decile."""
    for decile in (1, 9):
        people = crowd(("3201", 30, "1", 4, 50), ("3201", 84, "2", decile, many))
        found = singled_out(And((Compare(Op.AT_MOST, DESIL, Const(4)), Compare(Op.LESS, AGE, Const(80)))), people)
        assert (found is not None) == refused
        assert found is None or (found.code, found.detail["columns"]) == ("rows-filter-singles-out", "umur")


def test_a_filter_by_nothing_that_others_know_singles_nobody_out():
    def nobody_is_counted(_: object) -> pa.RecordBatch:
        raise AssertionError("counted")

    plan = replace(plan_of("umur"), population=Compare(Op.AT_MOST, DESIL, Const(1)))
    assert objection(plan, EASY, CODES, nobody_is_counted) is None
