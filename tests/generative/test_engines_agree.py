"""Whatever the rows and whatever the sentence: DuckDB answers what the reference answers."""

import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.drawn import PLUMBING, release
from tests.generative.worlds import count_queries, predicates, rows_queries, worlds

from bagipakai.core.query import Missing, Not, Or, truth_of_nothing
from bagipakai.registry.engines import duckdb, reference

INTERNAL = ("person_ordinal", "id_keluarga")


def agree_on_rows(engine: duckdb.Engine, data: Any) -> None:
    world = data.draw(worlds())
    query = data.draw(rows_queries(world.types))
    with tempfile.TemporaryDirectory() as here:
        parts = release(world.drawing, pathlib.Path(here))
        batches = list(engine.rows(query, parts, {**PLUMBING, **world.types}, INTERNAL))
    delivered = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    kept, chosen = reference.rows(query, world.drawing.rows), reference.choose(query, world.drawing.rows)
    assert delivered == [(*one, *(row[name] for name in INTERNAL)) for one, row in zip(kept, chosen, strict=True)]


def agree_on_counts(engine: duckdb.Engine, data: Any) -> None:
    world = data.draw(worlds())
    query = data.draw(count_queries(world.types))
    enough = data.draw(st.none() | st.integers(1, 4))
    with tempfile.TemporaryDirectory() as here:
        parts = release(world.drawing, pathlib.Path(here))
        found = engine.count(query, parts, {**PLUMBING, **world.types}, enough, margins=True)
    assert found == reference.count(query, world.drawing.rows, enough, margins=True)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One locked engine; the files it reads come and go below one directory."""
    with duckdb.Engine(tmp_path_factory.mktemp("spill"), [tempfile.gettempdir()]) as one:
        yield one


def generated(examples: int, check: Callable[[duckdb.Engine, Any], None], engine: duckdb.Engine, **how: Any) -> None:
    @settings(max_examples=examples, deadline=None, **how)
    @given(st.data())
    def run(data: Any) -> None:
        check(engine, data)

    run()


def test_rows(engine):
    generated(150, agree_on_rows, engine)


def test_counts_with_their_margins(engine):
    generated(150, agree_on_counts, engine)


@settings(deadline=None)
@given(st.data())
def test_what_refuses_a_filter_is_what_the_reference_says_of_somebody_unknown(data):
    """`truth_of_nothing` decides, the truth tables are what it means."""
    world = data.draw(worlds())
    predicate = data.draw(predicates(world.types))
    assert truth_of_nothing(predicate) is reference.truth(predicate, dict.fromkeys(world.types))


SAID = duckdb._Words._said


def not_before_is_null(self, predicate):
    """What a general compiler wrote for `Missing(Not(x))`."""
    match predicate:
        case Missing(Not(part)):
            return f"(NOT ({SAID(self, part)} IS NULL))"
    return SAID(self, predicate)


def or_without_brackets(self, predicate):
    match predicate:
        case Or(parts):
            return " OR ".join(map(self._said, parts))
    return SAID(self, predicate)


def unknown_as_no(self, predicate):
    match predicate:
        case Not(part):
            return f"(NOT coalesce({SAID(self, part)}, false))"
    return SAID(self, predicate)


@pytest.mark.parametrize("mistake", [not_before_is_null, or_without_brackets, unknown_as_no])
def test_a_mistake_in_the_sql_is_found(engine, monkeypatch, mistake):
    monkeypatch.setattr(duckdb._Words, "_said", mistake)
    with pytest.raises((AssertionError, ExceptionGroup)):
        generated(1000, agree_on_rows, engine, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)


def test_trusting_the_bits_alone_is_found(engine, monkeypatch):
    """Two families may share a bit: without counting the doubtful cells again, one of them is lost."""
    monkeypatch.setattr(duckdb, "_families", lambda *_, **__: {})
    with pytest.raises((AssertionError, ExceptionGroup)):
        generated(1000, agree_on_counts, engine, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)
