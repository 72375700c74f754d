"""Spark: the SQL it is given, the files it may read, the order of its rows, what it tells when it fails."""

import logging
import os
import random
import subprocess
import sys
import textwrap

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.drawn import draw, release
from tests.registry.reviewed import DESIL, GOLDEN, POOR, TYPES, is_what_was_reviewed

from bagipakai.core.disclosure import Cell
from bagipakai.core.query import Column, Compare, Const, Count, In, Op, Rows
from bagipakai.core.variables import Type
from bagipakai.registry.engines import EngineError, Part, TooManyCells, duckdb, schema_of, spark

SECRET = "3201010101010001"
NAMES = Rows("individu", ("nama",))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_sql_is_what_was_reviewed(name):
    query = GOLDEN[name]
    counted = isinstance(query, Count)
    sql = spark.cells_sql(query, TYPES, margins=True) if counted else spark.rows_sql(query, TYPES)
    is_what_was_reviewed("spark", name, sql, ":p")


def test_no_value_ever_stands_in_the_text():
    query = Rows("individu", ("nama",), In(Column("nik"), (SECRET, "x'; DROP TABLE registry; --")))
    text = spark.rows_sql(query, TYPES).text
    assert SECRET not in text and "DROP" not in text


@pytest.mark.parametrize("name", ["nama` FROM registry; --", "{registry}"])
def test_a_name_outside_the_catalogue_reaches_no_sql(name):
    for query in (Rows("individu", (name,)), Rows("individu", ("nama",), Column(name))):
        with pytest.raises(EngineError):
            spark.rows_sql(query, TYPES)
    with pytest.raises(EngineError):
        spark.cells_sql(Count("individu", (name,)), TYPES)
    with pytest.raises(EngineError):
        spark.rows_sql(Rows("individu", ("a{b",)), {"a{b": Type.TEXT})


# What it may read


@pytest.fixture
def engine(cluster, tmp_path):
    """An engine that may read one folder, in the session that runs already."""
    for name in ("scratch", "release"):
        (tmp_path / name).mkdir()
    with spark.Engine(tmp_path / "scratch", [tmp_path / "release"]) as one:
        yield one


def test_a_file_outside_the_release_is_not_read(engine, tmp_path):
    outside = release(draw("nama\n----\nAyu"), tmp_path)
    with pytest.raises(EngineError, match="outside"):
        list(engine.rows(NAMES, outside, TYPES))


@pytest.mark.parametrize("path", ["part-*.parquet", "part-?.parquet", "part-[0].parquet", "{part-0}.parquet"])
def test_a_path_is_never_a_pattern(engine, tmp_path, path):
    release(draw("nama\n----\nAyu"), tmp_path / "release")
    with pytest.raises(EngineError, match="pattern"):
        list(engine.rows(NAMES, [Part(str(tmp_path / "release" / path), ("3201",))], TYPES))


def test_a_column_of_another_type_is_refused_in_whichever_file_it_stands(engine, tmp_path):
    """Spark would read a column that is missing as unknown."""
    folder = tmp_path / "release"
    parts = [Part(str(folder / f"{at}.parquet"), ("3201",)) for at in range(3)]
    whole = {"nama": ["Ayu"], "desil": [4], "person_ordinal": [0]}
    for part, table in zip(parts, (whole, whole | {"desil": ["10"]}, {"nama": ["Ayu"]}), strict=True):
        pq.write_table(pa.table(table), part.path)
    assert len(list(engine.rows(Rows("individu", ("nama",), POOR), parts[:1], TYPES))) == 1
    for damaged in (parts[:2], [parts[0], parts[2]]):
        with pytest.raises(EngineError, match="another type"):
            list(engine.rows(Rows("individu", ("nama",), POOR), damaged, TYPES))


def test_whole_numbers_are_the_same_however_wide_they_are_stored(engine, tmp_path):
    kinds = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32()]
    parts = []
    for at, kind in enumerate(kinds):
        table = pa.table({"nama": [str(kind)], "desil": pa.array([100], kind), "person_ordinal": [at]})
        parts.append(Part(str(tmp_path / "release" / f"{at}.parquet"), ("3201",)))
        pq.write_table(table, parts[-1].path)
    (batch,) = engine.rows(Rows("individu", ("desil", "nama")), parts, TYPES)
    assert batch.to_pylist() == [{"desil": 100, "nama": str(kind)} for kind in kinds]


def test_a_path_says_nothing_about_its_rows(engine, tmp_path):
    """`kode_prov=01` in a path would be read as the number 1."""
    folder = tmp_path / "release" / "kode_prov=01" / "kode_kab=0101"
    folder.mkdir(parents=True)
    table = {"kode_prov": ["11"], "kode_kab": [None], "person_ordinal": [0]}
    pq.write_table(pa.table(table | {"kode_kab": pa.array([None], pa.string())}), folder / "part-0.parquet")
    query = Rows("individu", ("kode_prov", "kode_kab"))
    (batch,) = engine.rows(query, [Part(str(folder / "part-0.parquet"), ("1101",))], TYPES)
    assert batch.to_pylist() == [{"kode_prov": "11", "kode_kab": None}]


# Order and batches


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """300,000 persons in three regencies; the files are named against their order, and given in any."""
    folder = tmp_path_factory.mktemp("many")
    parts = []
    for at, regency in enumerate(("1101", "3201", "9471")):
        ordinals = range(at * 100_000, (at + 1) * 100_000)
        table = {
            "desil": [1 + ordinal % 10 for ordinal in ordinals],
            "id_keluarga": [ordinal // 3 for ordinal in ordinals],
            "person_ordinal": ordinals,
            "nama": [f"nama {ordinal}" for ordinal in ordinals],
        }
        file = folder / f"{9 - at}.parquet"
        pq.write_table(pa.table(table), file, row_group_size=7_777)
        parts.append(Part(str(file), (regency,)))
    return folder, parts


@pytest.mark.parametrize("small", [0, 1_000_000], ids=["written by the cluster", "straight"])
def test_rows_come_in_release_order_and_in_duckdbs_batches(cluster, many, tmp_path, small):
    folder, parts = many
    query = Rows("individu", ("nama",), Compare(Op.DIFFERS, DESIL, Const(10)))
    with duckdb.Engine(tmp_path, [folder]) as embedded:
        wanted = list(embedded.rows(query, parts, TYPES, ("person_ordinal",)))
    with spark.Engine(tmp_path, [folder], small=small) as engine:
        found = list(engine.rows(query, random.Random(1).sample(parts, 3), TYPES, ("person_ordinal",)))
    assert [batch.num_rows for batch in found] == [131_072, 131_072, 7_856]
    assert found == wanted
    assert all(batch.schema == schema_of(query, TYPES, ("person_ordinal",)) for batch in found)


def test_what_the_cluster_wrote_is_gone_when_read_and_when_left_half_read(cluster, many, tmp_path):
    folder, parts = many
    with spark.Engine(tmp_path, [folder], small=0) as engine:
        half = engine.rows(NAMES, parts, TYPES)
        next(half)
        assert list(tmp_path.iterdir())
        half.close()
        assert not list(tmp_path.iterdir())


def test_an_empty_answer_has_no_rows_and_no_cells(engine, tmp_path):
    parts = release(draw("nama | desil:integer\n----+----\nAyu | 9"), tmp_path / "release")
    assert list(engine.rows(Rows("individu", ("nama",), POOR), parts, TYPES)) == []
    assert engine.count(Count("individu", (), POOR), parts, TYPES, margins=True) == []
    assert list(engine.rows(NAMES, [], TYPES)) == [] and engine.count(Count("individu", ()), [], TYPES) == []


def test_ordinals_that_do_not_climb_are_no_answer(engine, tmp_path):
    file = tmp_path / "release" / "part.parquet"
    for ordinals in ([0, 0], [0, None]):
        pq.write_table(pa.table({"nama": ["Ayu", "Budi"], "person_ordinal": pa.array(ordinals, pa.int64())}), file)
        with pytest.raises(EngineError, match="out of order"):
            list(engine.rows(NAMES, [Part(str(file), ("3201",))], TYPES))


def test_a_table_of_too_many_cells_is_told(cluster, many, monkeypatch, tmp_path):
    folder, parts = many
    with spark.Engine(tmp_path, [folder]) as engine:
        monkeypatch.setattr(spark, "MOST_CELLS", 10)
        assert len(engine.count(Count("individu", ("desil",)), parts, TYPES, margins=True)) == 11
        monkeypatch.setattr(spark, "MOST_CELLS", 9)
        with pytest.raises(TooManyCells):
            engine.count(Count("individu", ("desil",)), parts, TYPES, margins=True)
        assert engine.count(Count("individu", ()), parts, TYPES, enough=10) == [Cell((), 300_000, 10)]


# Errors tell their kind


class Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def test_a_failure_in_the_cluster_is_told_without_what_stands_in_the_row(engine, tmp_path, capfd):
    """A file whose footer is whole and whose rows are not, and a value that stands in a failing statement: Spark's own
    client would write both to the log."""
    log = Told()
    for name in spark.TELLTALES:
        logging.getLogger(name).addHandler(log)
    file = tmp_path / "release" / "part.parquet"
    table = pa.table({"nama": [f"{SECRET}{at}" for at in range(1000)], "person_ordinal": range(1000)})
    pq.write_table(table, file, compression="none", use_dictionary=False)
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * 200 + whole[204:])
    with pytest.raises(EngineError) as caught:
        list(engine.rows(NAMES, [Part(str(file), ("3201",))], TYPES))
    with pytest.raises(EngineError) as again:
        spark._quietly(lambda: engine._session.sql(f"SELECT CAST('x{SECRET}' AS BIGINT)").collect())
    for error in (caught.value, again.value):
        assert SECRET not in str(error) and str(tmp_path) not in str(error)
        assert error.__context__ is None and error.__cause__ is None
    told = "".join([*capfd.readouterr(), *log.lines])
    assert SECRET not in told and str(tmp_path) not in told


def test_what_is_missing_is_told_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(spark.SparkMissing, match="openjdk-17-jre-headless"):
        spark.ready("local[2]")
    spark.ready("sc://example.go.id")  # the cluster has its own Java
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(spark.SparkMissing, match="pip install"):
        spark.ready("sc://example.go.id")


def test_spark_is_told_which_it_is(cluster):
    assert cluster.name.startswith("spark 4.")


# From another process


ELSEWHERE = """
    import sys
    from bagipakai.core.disclosure import Cell
    from bagipakai.core.query import Column, Compare, Const, Count, Op, Rows
    from bagipakai.core.variables import Type
    from bagipakai.registry.engines import EngineError, Part, spark
    address, scratch, release, *files = sys.argv[1:]
    types = {"nama": Type.TEXT, "desil": Type.INTEGER}
    parts = [Part(file, ("3201",)) for file in files]
    poor = Compare(Op.AT_MOST, Column("desil"), Const(4))
    for _ in range(2):  # one order after another
        for small in (0, 1_000_000):
            with spark.Engine(scratch, [release], address, small=small) as engine:
                sizes = [batch.num_rows for batch in engine.rows(Rows("individu", ("nama",), poor), parts, types)]
                assert sizes == [120_000], sizes
                cells = engine.count(Count("individu", (), poor), parts, types, enough=10, margins=True)
                assert cells == [Cell((), 120_000, 10)], cells
                try:
                    spark._quietly(lambda: engine._session.sql("SELECT CAST('xRAHASIA' AS BIGINT)").collect())
                except EngineError as error:
                    print(engine.name, error)
"""


def elsewhere(address, many, scratch):
    folder, parts = many
    command = [sys.executable, "-c", textwrap.dedent(ELSEWHERE), address, str(scratch), str(folder)]
    own = {name: value for name, value in os.environ.items() if name != "PYSPARK_SUBMIT_ARGS"}  # that of `cluster`
    done = subprocess.run(
        [*command, *[one.path for one in parts]], env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("CAST_INVALID_INPUT") == 4 and "RAHASIA" not in done.stdout + done.stderr
    assert not list(scratch.iterdir())


def test_a_cluster_is_reached_by_its_address(cluster_address, many, tmp_path):
    elsewhere(cluster_address, many, tmp_path)


@pytest.mark.night
def test_a_worker_starts_its_own_for_each_order(many, tmp_path):
    elsewhere("local[2]", many, tmp_path)
