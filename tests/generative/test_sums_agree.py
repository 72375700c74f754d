"""Whatever the rows: the engine adds as the reference does, and finds the same two largest contributions."""

import pathlib
import tempfile
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.drawn import PLUMBING, draw, release
from tests.generative.worlds import count_queries, worlds

from bagipakai.core.query import Count
from bagipakai.core.variables import Type
from bagipakai.registry.engines import Absent, Amounts, EngineError, duckdb, reference


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with duckdb.Engine(tmp_path_factory.mktemp("spill"), ["/"]) as one:
        yield one


def test_at_least_200_sums(engine):
    met: Counter[str] = Counter()

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: Any) -> None:
        world = data.draw(worlds())
        numbers = sorted(name for name, kind in world.types.items() if kind is Type.INTEGER)
        if not numbers or not world.drawing.rows:
            return
        query, summed = data.draw(count_queries(world.types)), data.draw(st.sampled_from(numbers))
        if data.draw(st.booleans()):
            query = replace(query, where=None, area=())
        rows = [dict(row) for row in world.drawing.rows]
        for row in rows:
            if query.unit == "individu" and data.draw(st.integers(0, 9)) == 0:
                row["id_keluarga"] = None
        absent = Absent(data.draw(st.lists(st.integers(0, 20), max_size=3)))
        wanted = reference.amounts(query, summed, rows, absent.ordinals.tolist())
        with tempfile.TemporaryDirectory() as here:
            parts = release(replace(world.drawing, rows=rows), pathlib.Path(here))
            found = engine.amounts(query, summed, parts, PLUMBING | world.types, absent)
        assert Counter(found) == Counter(wanted)
        for one in wanted:
            met["two"] += one.second > 0
            met["a tie"] += one.largest == one.second > 0
            met["unknown"] += one.unknown > 0
            met["nobody"] += one.contributors == 0
            met["negative"] += one.least < 0
        met["of persons"] += query.unit == "individu" and any(one.second for one in wanted)

    rare = ("two", "a tie", "unknown", "nobody", "negative", "of persons")
    for _ in range(6):  # by chance, what is rarest comes twice in two hundred
        run()
        if all(met[name] >= 3 for name in rare):
            break
    assert all(met[name] >= 3 for name in rare), met


FAMILIES = """
    desil:integer | jam_kerja:integer | id_keluarga:integer
    --------------+-------------------+--------------------
    1             | 40                | 1
    1             | 38                | 1
    1             | 50                | 2
    1             |                   | 3
    1             | 12                |
    1             | 12                |
    2             | 20                | 1
    2             |                   | 4
    """


def test_two_members_of_one_family_are_one_contributor(engine, tmp_path):
    """They know of each other. In another cell the family is one again; a person of no family is one of his own."""
    drawing = draw(FAMILIES)
    parts, query = release(drawing, tmp_path), Count("individu", ("desil",))
    found = sorted(engine.amounts(query, "jam_kerja", parts, PLUMBING | drawing.types), key=lambda one: one.key)
    assert found == [Amounts((1,), 152, 78, 50, 4, 1, 12), Amounts((2,), 20, 20, 0, 1, 1, 20)]
    whole = engine.amounts(Count("individu", ()), "jam_kerja", parts, PLUMBING | drawing.types)
    assert whole == [Amounts((), 172, 98, 50, 4, 2, 12)]


def test_only_whole_numbers_are_summed(engine, tmp_path):
    drawing = draw("nama | desil:integer\n--+--\na | 1")
    with pytest.raises(EngineError, match="whole"):
        engine.amounts(Count("individu", ()), "nama", release(drawing, tmp_path), PLUMBING | drawing.types)
