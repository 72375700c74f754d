"""The locked engine: the SQL it writes, what it refuses to do, the order it keeps, the memory it takes."""

import subprocess
import sys
import textwrap
from collections import Counter

import duckdb as database
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import draw, release
from tests.registry.reviewed import DESIL, GOLDEN, POOR, TYPES, is_what_was_reviewed

from bagipakai.core.query import Column, Compare, Const, Count, In, Op, Rows
from bagipakai.registry.engines import EngineError, Part, apart, duckdb, parts_in, reference, schema_of


@pytest.mark.parametrize("name", GOLDEN)
def test_the_sql_is_what_was_reviewed(name):
    query = GOLDEN[name]
    sql = duckdb.cells_sql(query, TYPES) if isinstance(query, Count) else duckdb.rows_sql(query, TYPES)
    is_what_was_reviewed("duckdb", name, sql, "p")


def test_no_value_ever_stands_in_the_text():
    query = Rows("individu", ("nama",), In(Column("nik"), ("3201010101010001", "x'; DROP TABLE registry; --")))
    text = duckdb.rows_sql(query, TYPES).text
    assert "3201010101010001" not in text and "DROP" not in text


def test_a_name_outside_the_catalogue_reaches_no_sql():
    for query in (Rows("individu", ('nama" FROM registry; --',)), Rows("individu", ("nama",), Column("rahasia"))):
        with pytest.raises(EngineError):
            duckdb.rows_sql(query, TYPES)
    with pytest.raises(EngineError):
        duckdb.cells_sql(Count("individu", ("rahasia",)), TYPES)


# Locked


@pytest.fixture
def engine(tmp_path):
    (tmp_path / "spill").mkdir()
    (tmp_path / "release").mkdir()
    with duckdb.Engine(tmp_path / "spill", [tmp_path / "release"]) as one:
        yield one


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM read_parquet('{outside}')",
        "COPY (SELECT 1) TO '{outside}.copy'",
        "ATTACH '{outside}.db'",
        "SET threads = 1",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "RESET memory_limit",
        "INSTALL httpfs",
        "LOAD '{outside}'",
        "SELECT * FROM 'https://example.com/x.parquet'",
    ],
)
def test_the_engine_can_do_nothing_else(engine, tmp_path, attempt):
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    with pytest.raises(database.Error):
        engine._con.execute(attempt.format(outside=outside)).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside.csv", "release", "spill"]


def test_a_file_outside_the_release_is_not_read(engine, tmp_path):
    outside = release(draw("nama\n----\nAyu"), tmp_path)
    with pytest.raises(EngineError, match="PermissionException"):
        list(engine.rows(Rows("individu", ("nama",)), outside, TYPES))


@pytest.mark.parametrize("path", ["part-*.parquet", "part-?.parquet", "part-[0].parquet"])
def test_a_path_is_never_a_pattern(engine, tmp_path, path):
    release(draw("nama\n----\nAyu"), tmp_path / "release")
    with pytest.raises(EngineError, match="pattern"):
        list(engine.rows(Rows("individu", ("nama",)), [Part(str(tmp_path / "release" / path), ("3201",))], TYPES))


# Errors tell their kind


SECRET = "3201010101010001"


def test_a_damaged_file_is_told_without_what_stands_in_it(engine, tmp_path):
    file = tmp_path / "release" / "part.parquet"
    file.write_bytes(SECRET.encode() * 100)
    with pytest.raises(EngineError) as caught:
        list(engine.rows(Rows("individu", ("nama",)), [Part(str(file), ("3201",))], TYPES))
    assert SECRET not in str(caught.value) and str(tmp_path) not in str(caught.value)
    assert caught.value.__context__ is None and caught.value.__cause__ is None


def test_a_column_of_another_type_is_refused_before_anything_is_compared(engine, tmp_path):
    """'10' <= '4' is true of texts: rather no answer than that one."""
    file = tmp_path / "release" / "part.parquet"
    pa.parquet.write_table(pa.table({"nama": ["Ayu"], "desil": ["10"], "kode_kab": ["3201"]}), file)
    with pytest.raises(EngineError, match="another type"):
        list(engine.rows(Rows("individu", ("nama",), POOR), [Part(str(file), ("3201",))], TYPES))
    with pytest.raises(EngineError, match="missing"):
        list(engine.rows(Rows("individu", ("nik",)), [Part(str(file), ("3201",))], TYPES))


def test_too_little_memory_is_an_error_and_no_short_answer(tmp_path):
    drawing = draw("nama\n----\nAyu")
    (part,) = release(drawing, tmp_path)
    large = pa.table({name: pa.array([str(i) * 40 for i in range(200_000)]) for name in ("nama", "nik")})
    large = large.append_column("id_keluarga", pa.array(range(200_000)))
    pa.parquet.write_table(large, part.path)
    with (
        duckdb.Engine(tmp_path / "spill", [tmp_path], memory_limit="10MB", max_temp_size="1MB") as engine,
        pytest.raises(EngineError),
    ):
        engine.count(Count("individu", ("nama", "nik")), [part], TYPES)


# Order and batches


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """300,000 persons in three regencies, in ragged row groups."""
    folder = tmp_path_factory.mktemp("many")
    parts = []
    for at, regency in enumerate(("1101", "3201", "9471")):
        ordinals = range(at * 100_000, (at + 1) * 100_000)
        table = pa.table(
            {
                "kode_kab": [regency] * 100_000,
                "desil": [1 + ordinal % 10 for ordinal in ordinals],
                "id_keluarga": [ordinal // 3 for ordinal in ordinals],
                "person_ordinal": ordinals,
                "nama": [f"nama {ordinal}" for ordinal in ordinals],
            }
        )
        file = folder / f"{regency}.parquet"
        pa.parquet.write_table(table, file, row_group_size=7_777)
        parts.append(Part(str(file), (regency,)))
    return folder, parts


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_rows_keep_release_order_and_the_same_batches_for_any_number_of_threads(many, tmp_path, threads):
    folder, parts = many
    with duckdb.Engine(tmp_path, [folder], threads=threads) as engine:
        query = Rows("individu", ("nama",), Compare(Op.DIFFERS, DESIL, Const(10)))
        batches = list(engine.rows(query, parts, TYPES, ("person_ordinal",)))
    assert [batch.num_rows for batch in batches] == [131_072, 131_072, 7_856]
    ordinals = [ordinal for batch in batches for ordinal in batch.column("_person_ordinal").to_pylist()]
    assert ordinals == [ordinal for ordinal in range(300_000) if ordinal % 10 != 9]
    assert all(batch.schema == schema_of(query, TYPES, ("person_ordinal",)) for batch in batches)


def test_rows_keep_release_order_however_many_values_a_list_has(tmp_path):
    """DuckDB would turn a list of five values or more into a join, and its joins forget the order of rows: in files as
    small as these more often than not."""
    parts = []
    for at, regency in enumerate(("1101", "3201", "9471")):
        ordinals = range(at * 100, (at + 1) * 100)
        file = tmp_path / f"{regency}.parquet"
        names = [f"nama {ordinal % 9}" for ordinal in ordinals]
        pa.parquet.write_table(pa.table({"nama": names, "person_ordinal": ordinals}), file)
        parts.append(Part(str(file), (regency,)))
    query = Rows("individu", ("nama",), In(Column("nama"), tuple(f"nama {number}" for number in range(6))))
    for _ in range(20):
        with duckdb.Engine(tmp_path, [tmp_path]) as engine:
            (batch,) = engine.rows(query, parts, TYPES, ("person_ordinal",))
        assert batch["_person_ordinal"].to_pylist() == [ordinal for ordinal in range(300) if ordinal % 9 < 6]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_counts_are_the_same_for_any_number_of_threads(many, tmp_path, threads):
    folder, parts = many
    with duckdb.Engine(tmp_path, [folder], threads=threads) as engine:
        cells = engine.count(Count("individu", ("kode_kab",)), parts, TYPES, enough=10, margins=True)
    assert [(cell.key, cell.persons, cell.families) for cell in cells] == [
        ((), 300_000, 10),
        (("1101",), 100_000, 10),
        (("3201",), 100_000, 10),
        (("9471",), 100_000, 10),
    ]


def test_rows_may_be_left_half_read_and_the_engine_asked_again(many, tmp_path):
    folder, parts = many
    with duckdb.Engine(tmp_path, [folder]) as engine:
        half = engine.rows(Rows("individu", ("nama",)), parts, TYPES)
        next(half)
        assert engine.count(Count("individu", ()), parts, TYPES, enough=10)[0].persons == 300_000
        half.close()
        assert sum(batch.num_rows for batch in engine.rows(Rows("individu", ("nama",)), parts, TYPES)) == 300_000


def test_two_queries_at_once_keep_their_own_values(many, tmp_path):
    folder, parts = many
    with duckdb.Engine(tmp_path, [folder]) as engine:
        first = engine.rows(Rows("individu", ("desil",), Compare(Op.EQUAL, DESIL, Const(1))), parts, TYPES)
        second = engine.rows(Rows("individu", ("desil",), Compare(Op.EQUAL, DESIL, Const(2))), parts, TYPES)
        pairs = list(zip(first, second, strict=True))
    assert {tuple(set(batch.column(0).to_pylist())) for pair in pairs for batch in pair} == {(1,), (2,)}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_who_is_listed_comes_in_release_order_for_any_number_of_threads(many, tmp_path, threads):
    """Persons from the last to the first, each twice in a row, and families, of which each has three."""
    folder, parts = many
    backwards = np.repeat(np.arange(100_000)[::-1] * 3, 2)
    with duckdb.Engine(tmp_path, [folder], threads=threads) as engine:
        persons = engine.listed("individu", "person_ordinal", pa.array(backwards), ("person_ordinal",), parts)
        families = engine.listed("individu", "id_keluarga", pa.array([7, 3]), ("person_ordinal",), parts)
    assert np.array_equal(persons["_person_ordinal"].to_numpy(), backwards[::-1])
    assert np.array_equal(persons["place"].to_numpy(), np.arange(200_000).reshape(-1, 2)[::-1].ravel())
    assert [list(row.values()) for row in families.to_pylist()] == [
        [1, 9], [1, 10], [1, 11], [0, 21], [0, 22], [0, 23]
    ]  # fmt: skip


def test_the_sql_of_a_list_is_what_was_reviewed():
    sql = duckdb.listed_sql("individu", "nik_number", ("person_ordinal", "id_keluarga"))
    is_what_was_reviewed("duckdb", "listed_persons", sql, "p")


def test_the_sql_over_a_tally_is_what_was_reviewed():
    query = Count("individu", ("kode_kab", "desil"), Compare(Op.AT_MOST, DESIL, Const(4)), ("32",))
    types = {**TYPES, **dict.fromkeys(("kode_kab", "kode_prov"), duckdb.Type.TEXT)}
    is_what_was_reviewed("duckdb", "tallied_cells", duckdb.tallied_sql(query, types), "p")


def test_the_sql_with_marks_is_what_was_reviewed():
    query = Count("individu", ("kode_kab", "desil"), Compare(Op.AT_MOST, DESIL, Const(4)), ("32",))
    types = {**TYPES, **dict.fromkeys(("kode_kab", "kode_prov"), duckdb.Type.TEXT)}
    is_what_was_reviewed("duckdb", "marked_cells", duckdb.cells_sql(query, types, marked=True), "p")


LARGEST = 3
FAMILIES = st.lists(  # of each its regency, its deciles, and its number, of which a mark keeps six bits
    st.tuples(
        st.integers(0, 11),
        st.lists(st.sampled_from((1, 2, None)), min_size=1, max_size=LARGEST),
        st.integers(0, 70),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(families=FAMILIES, files=st.sampled_from((1, 12)), enough=st.integers(1, 10))
def test_families_of_small_cells_are_counted_alike_whether_marks_prove_them_or_not(
    tmp_path_factory, families, files, enough
):
    folder = tmp_path_factory.mktemp("marks")
    everybody = [
        {"kode_kab": f"32{place:02d}", "desil": desil, "id_keluarga": number}
        for place, deciles, number in families
        for desil in deciles
    ]
    lives = {row["id_keluarga"]: row["kode_kab"] for row in everybody}  # a family is in one place
    rows = [row for row in everybody if lives[row["id_keluarga"]] == row["kode_kab"]]
    largest = max([LARGEST, *Counter(row["id_keluarga"] for row in rows).values()])
    parts = []
    for at in range(files):
        here = [row for row in rows if files == 1 or int(row["kode_kab"][2:]) == at]
        columns = {"kode_kab": pa.string(), "desil": pa.int8(), "id_keluarga": pa.int64()}
        pa.parquet.write_table(pa.Table.from_pylist(here, pa.schema(columns)), folder / f"{at}")
        parts.append(
            Part(str(folder / f"{at}"), (f"32{at:02d}",) if files > 1 else tuple(f"32{n:02d}" for n in range(12)))
        )
    query, types = Count("individu", ("kode_kab", "desil")), {**TYPES, "kode_kab": duckdb.Type.TEXT}
    naive = reference.count(query, rows, enough, margins=True)
    looked = duckdb._Session.doubts
    for proved in (looked, lambda *_: True, lambda *_: False):
        with pytest.MonkeyPatch.context() as patched, duckdb.Engine(folder, [folder]) as engine:
            patched.setattr(duckdb._Session, "doubts", proved)
            assert engine.count(query, parts, types, enough, margins=True, largest=largest) == naive


def test_marks_are_set_where_one_file_has_cells_in_doubt_and_in_few_files_always(tmp_path, monkeypatch):
    marks, written = [], duckdb.cells_sql
    monkeypatch.setattr(
        duckdb,
        "cells_sql",
        lambda query, types, absent, marked=False: marks.append(marked) or written(query, types, absent, marked),
    )
    for files, persons, found in (
        (7, 40, [True]),
        (8, 27, [False, True]),
        (8, 28, [False, False]),
        (8, 2, [False, False]),
    ):
        parts = []
        for at in range(files):
            many = persons if at == files // 2 else 50
            rows = {"desil": [1] * many, "id_keluarga": range(many)}
            pa.parquet.write_table(pa.table(rows), tmp_path / f"{at}")
            parts.append(Part(str(tmp_path / f"{at}"), (f"32{at:02d}",)))
        with duckdb.Engine(tmp_path, [tmp_path]) as engine:
            (cell,) = engine.count(Count("individu", ("desil",)), parts, TYPES, enough=10, largest=3)
        assert marks == found and cell.persons == persons + 50 * (files - 1)
        marks.clear()


def test_what_marks_prove_is_not_counted_again(tmp_path, monkeypatch):
    pa.parquet.write_table(pa.table({"desil": [1] * 12 + [2] * 12, "id_keluarga": range(24)}), tmp_path / "one")
    monkeypatch.setattr(duckdb, "_families", lambda *_: pytest.fail("every family has a mark of its own"))
    with duckdb.Engine(tmp_path, [tmp_path]) as engine:
        parts = [Part(str(tmp_path / "one"), ("3201",))]
        cells = engine.count(Count("individu", ("desil",)), parts, TYPES, enough=10, margins=True, largest=5)
    assert [(cell.key, cell.families) for cell in cells] == [((), 10), ((1,), 10), ((2,), 10)]


def test_only_the_files_of_the_area_are_opened(many, tmp_path):
    """A file that is gone is not missed by those who ask about another place."""
    folder, parts = many
    with_a_gap = [*parts, Part(str(folder / "gone.parquet"), ("3273",))]
    with duckdb.Engine(tmp_path, [folder]) as engine:
        here = engine.rows(Rows("individu", ("nama",), None, ("3201",)), with_a_gap, TYPES)
        assert sum(batch.num_rows for batch in here) == 100_000
        with pytest.raises(EngineError):
            list(engine.rows(Rows("individu", ("nama",), None, ("3273",)), with_a_gap, TYPES))
    assert [part.regencies for part in parts_in(("32", "947101"), with_a_gap)] == [("3201",), ("9471",), ("3273",)]
    assert parts_in((), with_a_gap) == tuple(with_a_gap)


def test_files_are_looked_at_together_by_their_rows():
    """Few rows need few statements, many rows no more memory; across places only where no smaller one tells."""
    parts = [Part(f"{at}", ("3201",), rows) for at, rows in enumerate((64, 80, 16, 32, 480, None, 16, 135))]
    groups = apart(("kode_kec",), parts, together=160)
    assert [[part.path for part in group] for group in groups] == [["0", "1", "2"], ["3"], ["4"], ["5", "6"], ["7"]]
    assert apart(("kode_prov", "desil"), parts, together=160) == [tuple(parts)]
    assert apart(("kode_kab",), [], together=160) == []


def test_an_empty_release_has_no_rows_and_no_cells(tmp_path):
    with duckdb.Engine(tmp_path, [tmp_path]) as engine:
        assert list(engine.rows(Rows("individu", ("nama",)), [], TYPES)) == []
        assert engine.count(Count("individu", ("desil",)), [], TYPES) == []


MEMORY = """
    import pathlib, re, sys
    from bagipakai.core.query import Rows
    from bagipakai.core.variables import Type
    from bagipakai.registry.engines import Part, duckdb
    folder, *files = sys.argv[1:]
    types = {"nama": Type.TEXT, "desil": Type.INTEGER}
    with duckdb.Engine(folder, [folder], memory_limit="400MB") as engine:
        parts = [Part(file, ("3201",)) for file in files]
        rows = sum(batch.num_rows for batch in engine.rows(Rows("individu", ("nama", "desil")), parts, types))
    # not ru_maxrss: a child inherits that from its parent
    held = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
    print(rows, int(held[1]) // 1024)
"""


def test_memory_does_not_grow_with_the_rows(many, tmp_path):
    """In a process that opened nothing else. 12 million rows of 30 bytes are three times what may be used."""
    folder, parts = many

    def peak(times):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(MEMORY), str(folder), *[part.path for part in parts] * times],
            capture_output=True,
            text=True,
            check=True,
        )
        rows, megabytes = map(int, done.stdout.split())
        assert rows == 300_000 * times
        return megabytes

    small, large = peak(2), peak(40)
    assert large < 450
    assert large < 2 * small
