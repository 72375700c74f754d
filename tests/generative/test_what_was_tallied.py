"""A count from what was counted before is the count of the rows, whatever was counted and whatever is asked."""

import pathlib
import tempfile
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.drawn import PLUMBING, Drawing, release
from tests.generative.test_engines_agree import largest, meant
from tests.generative.worlds import World, questions, worlds

from bagipakai.core.query import Count, chosen, columns_of
from bagipakai.registry.engines import EngineError, Part, Tally, duckdb, tally_schema

SEVERAL = 6


def test_a_count_from_a_tally_is_the_count_of_the_rows(tmp_path):
    """Of any variables that a table could ask and others beside them; also of some of the files alone."""
    tried: Counter[str] = Counter()

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def agree(data: Any) -> None:
        drawn = data.draw(worlds())
        rows = [row for row in drawn.drawing.rows if row["kode_kab"]]  # a release knows where everybody lives
        asking = [one for one in data.draw(questions(drawn.types, SEVERAL)) if isinstance(one.query, Count)]
        if not rows or not asking:
            return
        world = World(drawn.types, Drawing(drawn.drawing.types, rows))
        with tempfile.TemporaryDirectory() as here:
            parts = release(world.drawing, pathlib.Path(here))
            for question in asking:
                query = question.query
                needed = {"kode_kab", *query.by, *columns_of(chosen(query))}
                beside = data.draw(st.lists(st.sampled_from(sorted(world.types)), max_size=2))
                by = tuple(sorted(needed | set(beside)))
                tally = tallied(pathlib.Path(here), tmp_path, query.unit, by, parts, world)
                some = data.draw(st.lists(st.sampled_from(parts), unique=True, min_size=1))
                with engine(tmp_path, tally) as one:
                    for files in (parts, some):
                        codes = {code for part in files for code in part.regencies}
                        there = World(
                            world.types, Drawing(world.drawing.types, [r for r in rows if r["kode_kab"] in codes])
                        )
                        whole = [part for part in parts if set(part.regencies) <= codes]
                        types = PLUMBING | world.types
                        found = one.count(query, whole, types, question.enough, margins=True, largest=largest(there))
                        assert found == meant(question, there), (question, by)
                        tried["some" if len(there.drawing.rows) < len(rows) else "all"] += bool(found)

    agree()
    assert min(tried["some"], tried["all"]) > 5


def test_a_tally_of_families_tells_nothing_of_persons(tmp_path):
    files = [Part(str(tmp_path / "3201.parquet"), ("3201",))]  # nothing is there
    of_families = Tally(str(tmp_path / "tally.parquet"), "keluarga", ("kode_kab",), 1)
    with engine(tmp_path, of_families) as one, pytest.raises(EngineError):
        one.count(Count("individu", ("kode_kab",)), files, {"kode_kab": duckdb.Type.TEXT}, enough=0)
    table = pa.table({"kode_kab": ["3201"], "persons": [9], "families": [2]})
    pa.parquet.write_table(table, tmp_path / "tally.parquet")
    with engine(tmp_path, of_families) as one:
        (cell,) = one.count(Count("keluarga", ("kode_kab",)), files, {"kode_kab": duckdb.Type.TEXT})
    assert (cell.persons, cell.families) == (9, 2)


def tallied(here, spill, unit: str, by: tuple[str, ...], parts: list[Part], world: World) -> Tally:
    types = PLUMBING | world.types
    with engine(spill) as counting:
        batches = list(counting.tally(unit, by, parts, types))
    table = pa.Table.from_batches(batches, tally_schema(unit, by, types))
    file = here / f"tally-{len(list(here.iterdir()))}.parquet"
    pa.parquet.write_table(table, file)
    return Tally(str(file), unit, by, table.num_rows)


def engine(spill, *tallies: Tally) -> duckdb.Engine:
    return duckdb.Engine(spill, [tempfile.gettempdir()], tallies=tallies)


def test_a_table_that_was_tallied_opens_no_file_of_rows(tmp_path):
    """Only where a cell is small enough that its families must be known: then those of its regencies."""
    file = tmp_path / "tally.parquet"
    cells = pa.table({"kode_kab": ["3201", "3204"], "desil": [1, None], "persons": [400, 7], "families": [0, 0]})
    pa.parquet.write_table(cells, file)
    rows = [Part(str(tmp_path / f"{kab}.parquet"), (kab,)) for kab in ("3201", "3204")]  # nothing is there
    types = {"kode_kab": duckdb.Type.TEXT, "desil": duckdb.Type.INTEGER}
    with engine(tmp_path, Tally(str(file), "individu", ("kode_kab", "desil"), 2)) as one:
        assert one.count(Count("individu", ()), rows, types, enough=0)[0].persons == 407
        found = one.count(Count("individu", ("kode_kab",)), rows, types, 10, margins=True, largest=9)
        assert [(cell.key, cell.persons, cell.families) for cell in found] == [
            ((), 407, 10), (("3201",), 400, 10), (("3204",), 7, 0)
        ]  # fmt: skip
