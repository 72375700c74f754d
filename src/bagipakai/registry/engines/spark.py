"""Spark over the Parquet files of a release: the engine of installations that own a cluster (decision 0091).

The plan, the words and the answers are those of DuckDB's engine; the SQL is written for Spark, every value a parameter.
Spark only chooses, sorts and counts: pseudonyms, formats, digests and the cipher come after it, in the worker, so a key
never enters a plan, and no Python runs in the cluster. Spark has no order of rows, so every statement orders by the
ordinals of the release, and what comes back is found to climb before anybody relies on it.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.disclosure import Cell, in_order
from bagipakai.core.query import Count, Rows, Scalar, chosen, columns_of
from bagipakai.core.variables import Type
from bagipakai.registry.engines import (
    BATCH,
    INTERNAL,
    MOST_CELLS,
    NOBODY,
    ORDINAL,
    Absent,
    EngineError,
    Part,
    TooManyCells,
    asked,
    columns,
    groups_schema,
    parts_in,
    recut,
    schema_of,
)
from bagipakai.registry.engines.words import Sql, Words, chosen_sql, groups_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SQL_TYPE = {Type.TEXT: "STRING", Type.INTEGER: "BIGINT", Type.BOOLEAN: "BOOLEAN", Type.DATE: "DATE"}
STORED_AS: Mapping[Type, Callable[[pa.DataType], bool]] = {  # what a release may hold for each type of the contract
    Type.TEXT: lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    Type.INTEGER: lambda kind: pa.types.is_integer(kind) and kind != pa.uint64(),
    Type.BOOLEAN: pa.types.is_boolean,
    Type.DATE: pa.types.is_date32,
}

MEANING = {  # whatever the cluster's own settings are, a plan means the same
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # or kode_prov=01 becomes 1
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # one calendar, also before 1582
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
PRIVATE = {  # of a Spark that this process starts
    "spark.app.name": "bagipakai",
    "spark.log.level": "OFF",  # its messages quote values
    "spark.ui.enabled": "false",  # its pages show plans with their values, to whoever finds the port
    "spark.eventLog.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.io.encryption.enabled": "true",  # what it spills can be read by nobody once it is gone
}
TELLTALES = ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "pyspark.sql.connect.logging")  # of the client
LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}

_Answer = TypeVar("_Answer")


class SparkMissing(EngineError):
    """Spark cannot be started here; the text says what to install."""


def rows_sql(query: Rows, types: Mapping[str, Type], internal: tuple[str, ...] = ()) -> Sql:
    """The statement that answers `query`, `_order` last. Raises EngineError for a name that is not in `types`."""
    words = _Words(types)
    where = words.where(chosen(query))
    named = [
        (source, *one) for source, one in zip((*query.keep, *internal), columns(query, types, internal), strict=True)
    ]
    kept = ",\n    ".join(
        f"CAST({words.quoted(source)} AS {SQL_TYPE[kind]}) AS {words.quoted(name)}"
        for source, name, kind in [*named, (ORDINAL[query.unit], "_order", Type.INTEGER)]
    )
    text = f"{_REGISTRY},\n{chosen_sql(where)}\nSELECT\n    {kept}\nFROM chosen\nORDER BY `_order` NULLS LAST"
    return Sql(text, tuple(words.values))


def cells_sql(query: Count, types: Mapping[str, Type], margins: bool = False, absent: Absent = NOBODY) -> Sql:
    """The finest cells, and with `margins` the sums over the last dimensions: `depth` (how many dimensions count), the
    dimensions as `d0`, `d1`, …, `persons` and `families`, in no order."""
    words = _Words(types)
    where = words.where(chosen(query))
    names = [f"d{at}" for at in range(len(query.by))]
    member, *counts = _COUNTS["keluarga" if query.unit == "keluarga" else "individu"]
    depth = _DEPTH.format(width=len(names), names=", ".join(names)) if names else "CAST(0 AS BIGINT)"
    depths = range(len(names) + 1) if margins else [len(names)]
    sets = ", ".join(f"({', '.join(names[:length])})" for length in depths)
    select = ",\n    ".join([f"{depth} AS depth", *names, *counts])
    text = f"""{_registry(query, absent)},
{chosen_sql(where)},
members AS (       -- one row per chosen row, with nothing but what is counted
    SELECT {", ".join([*words.dimensions(query), member])} FROM chosen
)
SELECT
    {select}
FROM members{f"{chr(10)}GROUP BY GROUPING SETS ({sets})" if names else ""}
HAVING (count(*) > 0)"""  # noqa: S608  # names come from the catalogue, values are parameters
    return Sql(text, tuple(words.values))


_REGISTRY = """WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
)"""


def _registry(query: Count, absent: Absent) -> str:
    """The registry, without the rows that are in no answer."""
    if not absent:
        return _REGISTRY
    return f"""WITH
release AS (       -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {{registry}}
),
absent AS (        -- who is in no answer, whatever is asked
    SELECT * FROM {{absent}}
),
registry AS (
    SELECT release.* FROM release LEFT ANTI JOIN absent ON (release.`{ORDINAL[query.unit]}` = absent.ordinal)
)"""  # noqa: S608  # as above


_DEPTH = "CAST({width} - bit_count(grouping_id({names})) AS BIGINT)"  # a margin's others are null, as unknown is
_COUNTS = {  # the column that is counted with, then the two counts; a cluster counts families one by one, and spills
    "keluarga": [
        "member_count",
        "CAST(coalesce(sum(member_count), 0) AS BIGINT) AS persons",
        "count(*) AS families",
    ],
    "individu": [
        "id_keluarga",
        "count(*) AS persons",
        "count(DISTINCT id_keluarga) AS families",
    ],
}


class _Words(Words):
    kinds = SQL_TYPE

    def quoted(self, name: str) -> str:
        if set(name) & set("{}"):  # the only signs that `spark.sql` itself would read
            raise EngineError("a column with a bracket in its name")
        return "`" + name.replace("`", "``") + "`"

    def named(self, at: int, value: Scalar) -> str:
        return f"CAST(:p{at} AS {_sql_type(value)})"


def _sql_type(value: Scalar) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "BIGINT"
        case str():
            return "STRING"
    return "DATE"


def _sent(value: Scalar) -> str | int | bool:
    """A value as Spark takes it. A day goes as text: Spark's client writes the year 1 as `1`, not `0001`."""
    return value if isinstance(value, str | int) else value.isoformat()


class Engine:
    """One session of Spark. Close it, or use it as a context manager; a second one in the same process joins the first.

    `scratch`: a private directory that the cluster can write and this process can read. `allowed`: the only directories
    whose files may be read, at the same paths here and in the cluster. `address`: `local[2]`, a master
    (`spark://host:7077`, `yarn`, …) or a Spark Connect server (`sc://host:15002/;use_ssl=true`). `small`: up to so many
    rows in the files of a query's area, the answer comes straight as Arrow; larger ones are written to `scratch` by the
    cluster and read from there. Raises SparkMissing, EngineError.
    """

    def __init__(
        self,
        scratch: str | os.PathLike[str],
        allowed: Iterable[str | os.PathLike[str]],
        address: str = "local[2]",
        small: int = BATCH,
    ) -> None:
        self._scratch = Path(scratch).resolve()
        self._allowed = [Path(directory).resolve() for directory in allowed]
        self._small = small
        self._made = 0  # answers written to `scratch`
        ready(address)
        self._session, self._ours = _quietly(lambda: _session(address, self._scratch))

    @cached_property
    def name(self) -> str:
        return f"spark {_quietly(lambda: self._session.version)}"

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._ours:
            _quietly(self._session.stop)

    def rows(
        self,
        query: Rows,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        internal: tuple[str, ...] = (),
        absent: Absent = NOBODY,
    ) -> Iterator[pa.RecordBatch]:
        """The chosen rows that are not `absent`, in release order (that of the ordinals), in batches of 131,072 rows,
        the last one shorter. Columns as `schema_of` says. Raises EngineError, also half-way."""
        schema, sql = schema_of(query, types, internal), rows_sql(query, types, internal)
        needed = {name: types[name] for name in (*query.keep, *columns_of(chosen(query)))}
        needed |= {name: INTERNAL[name] for name in (*internal, ORDINAL[query.unit])}
        wanted = parts_in(query.area, parts)
        if not wanted:
            return
        stored = self._check(wanted, needed)
        answer = self._answer(sql, wanted, needed)
        batches = self._brought(answer, stored)
        there = absent.taken_from(batches, "_order") if absent else batches
        yield from recut(_climbing(there, len(schema)), schema)

    def count(
        self,
        query: Count,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        enough: int | None = None,
        margins: bool = False,
        absent: Absent = NOBODY,
        largest: int | None = None,
    ) -> list[Cell]:
        """As `reference.count`, cell by cell; each family is counted, however large the `largest`. Raises TooManyCells,
        EngineError."""
        sql = cells_sql(query, types, margins, absent)
        needed = asked(query, types, absent)
        needed["member_count" if query.unit == "keluarga" else "id_keluarga"] = Type.INTEGER
        wanted = parts_in(query.area, parts)
        if not wanted:
            return []
        self._check(wanted, needed)
        answer = self._answer(sql, wanted, needed, absent)
        width = len(query.by)
        most = MOST_CELLS * (width + 1)  # no margin has more cells than the finest
        found = self._fetched(answer.limit(most + 1))
        lines = [tuple(row.values()) for batch in found for row in batch.to_pylist()]
        if sum(depth == width for depth, *_ in lines) > MOST_CELLS or len(lines) > most:
            raise TooManyCells("too many cells")
        upto = None if query.unit == "keluarga" else enough
        cells = (
            Cell(tuple(key[:depth]), persons, _told_up_to(upto, persons, families))
            for depth, *key, persons, families in lines
        )
        return list(in_order(cells))

    def groups(
        self,
        query: Count,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        absent: Absent = NOBODY,
    ) -> Iterator[pa.RecordBatch]:
        """As `reference.groups`. Raises EngineError, also half-way."""
        words, schema = _Words(types), groups_schema(query, types)
        sql = Sql(f"{_registry(query, absent)},\n{groups_sql(query, words)}", tuple(words.values))
        needed = asked(query, types)
        needed[ORDINAL[query.unit]] = Type.INTEGER  # a table of no column cannot be read, even to count its rows
        if wanted := parts_in(query.area, parts):
            stored = self._check(wanted, needed)
            for batch in self._brought(self._answer(sql, wanted, needed, absent), stored):
                yield batch.cast(schema)

    def _check(self, parts: tuple[Part, ...], needed: Mapping[str, Type]) -> int:
        """Compares every file with the contract, and tells how many rows they hold together: Spark would read a column
        that is missing as unknown, and is told the types instead of guessing them."""
        rows = 0
        for part in parts:
            path = Path(part.path)
            if set(part.path) & set("*?[]{}\\"):
                raise EngineError("a path that Spark would take for a pattern")
            if not any(path.resolve().is_relative_to(directory) for directory in self._allowed):
                raise EngineError("a file outside the release")
            footer = _quietly(partial(pq.read_metadata, path))
            stored = {field.name: field.type for field in footer.schema.to_arrow_schema()}
            if any(name not in stored or not STORED_AS[kind](stored[name]) for name, kind in needed.items()):
                raise EngineError("a column that is missing or of another type than the catalogue says")
            rows += footer.num_rows
        return rows

    def _answer(
        self, sql: Sql, parts: tuple[Part, ...], needed: Mapping[str, Type], absent: Absent = NOBODY
    ) -> "DataFrame":
        told = ", ".join(f"{_Words({}).quoted(name)} {SQL_TYPE[kind]}" for name, kind in needed.items())
        values = {f"p{at}": _sent(value) for at, value in enumerate(sql.values)}
        paths = [f"file:{part.path}" for part in parts]

        def asked() -> "DataFrame":
            frames = {"registry": self._session.read.schema(told).parquet(*paths)}
            if absent and "{absent}" in sql.text:
                frames["absent"] = self._session.createDataFrame(pa.table({"ordinal": absent.ordinals}))
            return self._session.sql(sql.text, args=values, **frames)

        return _quietly(asked)

    def _brought(self, answer: "DataFrame", stored: int) -> Iterator[pa.RecordBatch]:
        """An answer about so many rows: a large one must not be held whole."""
        return self._fetched(answer) if stored <= self._small else self._written(answer)

    def _fetched(self, answer: "DataFrame") -> Iterator[pa.RecordBatch]:
        yield from _quietly(answer.toArrow).to_batches()

    def _written(self, answer: "DataFrame") -> Iterator[pa.RecordBatch]:
        """Written by the cluster in as many files as it likes, numbered in the order of their rows; read one after
        another, and gone when read."""
        folder = self._scratch / f"answer-{self._made}"
        self._made += 1
        try:
            _quietly(lambda: answer.write.parquet(f"file:{folder}"))
            for file in sorted(folder.glob("part-*.parquet"), key=_number):
                batches = _quietly(partial(pq.ParquetFile, file)).iter_batches(BATCH)
                while (batch := _quietly(partial(next, batches, None))) is not None:
                    yield batch
                file.unlink()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def ready(address: str) -> None:
    """Raises SparkMissing, with what to do, where Spark cannot be reached from this machine at all."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise SparkMissing("Spark belum terpasang: pip install --require-hashes -r requirements/spark.txt") from None
    if address.startswith("sc://"):
        return
    home = os.environ.get("JAVA_HOME")
    if shutil.which(f"{home}/bin/java" if home else "java") is None:
        raise SparkMissing("Java belum ada: pasang openjdk-17-jre-headless, atau tunjuk JAVA_HOME ke Java 17 atau 21")


def _session(address: str, scratch: Path) -> "tuple[SparkSession, bool]":
    """The session, and whether it is ours to stop."""
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    for name in TELLTALES:  # write every failed statement to the log, with the values in it
        PySparkLogger.getLogger(name).disabled = True
    running = SparkSession.getActiveSession()
    if running is not None:
        return running, False
    builder: Any = SparkSession.builder
    if address.startswith("sc://"):
        builder = builder.remote(address)
    else:
        local = address.startswith("local")
        if local:
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings = PRIVATE | (LOCAL if local else {}) | {"spark.local.dir": str(scratch)}
        builder = builder.master(address)
        for name, value in settings.items():
            builder = builder.config(name, value)
    session = builder.getOrCreate()
    for name, value in MEANING.items():
        session.conf.set(name, value)
    return session, True


def _climbing(batches: Iterator[pa.RecordBatch], width: int) -> Iterator[pa.RecordBatch]:
    """The batches without their last column, the ordinals, which must climb from the first row to the last."""
    last = -1
    for batch in batches:
        if batch.num_rows == 0:
            continue
        ordinals = batch.column(width)
        steps = pc.subtract(ordinals[1:], ordinals[:-1])
        if ordinals.null_count or ordinals[0].as_py() <= last or not pc.all(pc.greater(steps, 0), min_count=0).as_py():
            raise EngineError("rows out of order")
        last = ordinals[-1].as_py()
        yield batch.select(range(width))


def _told_up_to(enough: int | None, persons: int, families: int) -> int:
    """Families as they are told: up to `enough`, and none of a cell of fewer persons (see `reference.count`)."""
    if enough is None:
        return families
    return min(families, enough) if persons >= enough else 0


def _number(file: Path) -> int:
    return int(file.name.split("-")[1])


def _quietly(call: Callable[[], _Answer]) -> _Answer:
    """`call()`, its failures told by kind alone: the class, and Spark's own name for the condition. Raised outside the
    handler, so that not even the exception's context holds what Spark quoted."""
    try:
        return call()
    except EngineError:
        raise
    except Exception as error:  # Spark's, Py4J's, gRPC's, Arrow's: each may quote a row
        condition = getattr(error, "getCondition", lambda: None)()
        kind = f"{type(error).__name__} {condition}" if condition else type(error).__name__
    raise EngineError(kind)
