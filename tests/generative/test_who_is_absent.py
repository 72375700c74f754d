"""Whoever is on hold and whatever is asked: they are in no answer, and nobody else is lost."""

import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.drawn import PLUMBING, release
from tests.generative.test_engines_agree import counted
from tests.generative.worlds import World, count_queries, rows_queries, worlds

from bagipakai.registry.engines import ORDINAL, Absent, Engine, duckdb, reference


def on_hold(world: World, unit: str) -> st.SearchStrategy[Absent]:
    """Some of the rows of a world, and some ordinals of nobody."""
    known = [row[ORDINAL[unit]] for row in world.drawing.rows]
    ordinals = st.integers(0, 200) | (st.sampled_from(known) if known else st.nothing())
    return st.lists(ordinals, max_size=12).map(Absent)


def agree_on_rows(engine: Engine, data: Any) -> None:
    world = data.draw(worlds())
    query = data.draw(rows_queries(world.types))
    absent = data.draw(on_hold(world, query.unit))
    internal = data.draw(st.sampled_from([(), ("id_keluarga",), (ORDINAL[query.unit],)]))
    with tempfile.TemporaryDirectory() as here:
        parts = release(world.drawing, pathlib.Path(here))
        batches = list(engine.rows(query, parts, {**PLUMBING, **world.types}, internal, absent))
    delivered = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    everybody = reference.choose(query, world.drawing.rows)
    there = reference.choose(query, world.drawing.rows, absent)
    assert delivered == [tuple(row[name] for name in (*query.keep, *internal)) for row in there]
    assert [row for row in everybody if row[ORDINAL[query.unit]] not in absent] == there
    assert absent.met == len(everybody) - len(there)


def agree_on_counts(engine: Engine, data: Any) -> None:
    world = data.draw(worlds())
    query = data.draw(count_queries(world.types))
    absent = data.draw(on_hold(world, query.unit))
    enough = data.draw(st.none() | st.integers(1, 4))
    with tempfile.TemporaryDirectory() as here:
        parts = release(world.drawing, pathlib.Path(here))
        found = engine.count(query, parts, {**PLUMBING, **world.types}, enough, margins=True, absent=absent)
        groups = counted(engine.groups(query, parts, {**PLUMBING, **world.types}, absent))
    assert found == reference.count(query, world.drawing.rows, enough, margins=True, absent=absent)
    assert groups == reference.groups(query, world.drawing.rows, absent)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with duckdb.Engine(tmp_path_factory.mktemp("spill"), [tempfile.gettempdir()]) as one:
        yield one


def generated(examples: int, check: Callable[[Engine, Any], None], engine: Engine, **how: Any) -> None:
    @settings(max_examples=examples, deadline=None, **how)
    @given(st.data())
    def run(data: Any) -> None:
        check(engine, data)

    run()


def test_rows(engine):
    generated(60, agree_on_rows, engine)


def test_counts(engine):
    generated(60, agree_on_counts, engine)


def test_on_spark(cluster):
    """The same answers from a cluster."""
    for check in (agree_on_rows, agree_on_counts):
        generated(8, check, cluster, phases=[Phase.generate], derandomize=True)


@pytest.mark.parametrize(("check", "name"), [(agree_on_rows, "taken_from"), (agree_on_counts, "_registry")])
def test_an_engine_that_forgets_them_is_found(engine, monkeypatch, check, name):
    if name == "taken_from":
        monkeypatch.setattr(Absent, name, lambda _, batches, column: batches)
    else:
        monkeypatch.setattr(duckdb, name, lambda query, absent: duckdb._REGISTRY)
    with pytest.raises((AssertionError, ExceptionGroup)):
        generated(500, check, engine, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=5),
    st.lists(st.integers(0, 60), max_size=15),
)
def test_taking_away_keeps_order_and_needs_none(batches, away):
    """However the rows lie and are cut."""
    absent = Absent(away)
    given_ = [pa.record_batch({"_o": pa.array(rows, pa.int64())}) for rows in batches]
    left = [one for batch in absent.taken_from(given_, "_o") for one in batch.column("_o").to_pylist()]
    assert left == [one for rows in batches for one in rows if one not in away]
    assert absent.met == sum(one in away for rows in batches for one in rows)


def test_a_batch_without_anybody_on_hold_passes_as_it_is():
    batch = pa.record_batch({"_o": pa.array(np.arange(100), pa.int64())})
    (same,) = Absent([100, 2**40]).taken_from([batch], "_o")
    assert same is batch
