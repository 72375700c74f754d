"""DuckDB over the Parquet files of a release: the default engine.

SQL is emitted here from `core.query` and from nothing else: brackets around everything, identifiers quoted and taken
from the catalogue, every value an SQL variable (decision 0031). The engine is locked before the first query: it reads
the directories it was given, spills into its own, and can load, install or configure nothing (dataplane reference
§3.6). Errors leave as their kind only, because DuckDB quotes the value that it stumbled over.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import Cell, Key
from bagipakai.core.query import Count, Predicate, Rows, Scalar, chosen, columns_of
from bagipakai.core.variables import Type
from bagipakai.registry.engines import (
    BATCH,
    INTERNAL,
    MOST_CELLS,
    NOBODY,
    ORDINAL,
    Absent,
    Amounts,
    EngineError,
    Part,
    Tally,
    TooManyCells,
    apart,
    asked,
    columns,
    groups_schema,
    parts_in,
    recut,
    schema_of,
    tally_schema,
)
from bagipakai.registry.engines.words import Sql, Words, chosen_sql, groups_sql
from bagipakai.registry.shelf import Shelf

SQL_TYPE = {Type.TEXT: "VARCHAR", Type.INTEGER: "BIGINT", Type.BOOLEAN: "BOOLEAN", Type.DATE: "DATE"}
STORED_AS = {  # what a release may hold for each type of the contract
    Type.TEXT: {"VARCHAR"},
    Type.INTEGER: {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"},
    Type.BOOLEAN: {"BOOLEAN"},
    Type.DATE: {"DATE"},
}
_Answer = TypeVar("_Answer")


def rows_sql(query: Rows, types: Mapping[str, Type], internal: tuple[str, ...] = ()) -> Sql:
    """The statement that answers `query`. Raises EngineError for a name that is not in `types`."""
    words = _Words(types)
    where = words.where(chosen(query))
    sources = [*query.keep, *internal]
    kept = ",\n    ".join(
        f"CAST({_quoted(source)} AS {SQL_TYPE[kind]}) AS {_quoted(name)}"
        for source, (name, kind) in zip(sources, columns(query, types, internal), strict=True)
    )
    return Sql(f"{_REGISTRY},\n{chosen_sql(where)}\nSELECT\n    {kept}\nFROM chosen", tuple(words.values))


def condition(predicate: Predicate, types: Mapping[str, Type]) -> Sql:
    """`predicate` alone, as it stands in a larger statement. Raises EngineError for a name that is not in `types`."""
    words = _Words(types)
    text = words.said(predicate)
    return Sql(text, tuple(words.values))


def cells_sql(query: Count, types: Mapping[str, Type], absent: Absent = NOBODY, marked: bool = False) -> Sql:
    """The finest cells: the dimensions as `d0`, `d1`, …, `persons` and, where families are counted, `families`; `marks`
    has at most as many bits as there are families of persons, and none if not `marked`."""
    words = _Words(types)
    where = words.where(chosen(query))
    counts = _COUNTS["keluarga" if query.unit == "keluarga" else "individu"]
    select = ",\n    ".join([*words.dimensions(query), *counts, f"{_MARKS if marked else _NO_MARKS} AS marks"])
    groups = ", ".join(f"d{at}" for at in range(len(query.by)))
    grouped = f"\nGROUP BY {groups}" if groups else ""
    source = f"{_registry(query, absent)},\n{chosen_sql(where)}"
    text = f"{source}\nSELECT\n    {select}\nFROM chosen{grouped}\nHAVING (count(*) > 0)"
    return Sql(text, tuple(words.values))


def tallied_sql(query: Count, types: Mapping[str, Type]) -> Sql:
    """The same cells, of nobody left out, from what was counted before (`Tally`)."""
    words = _Words(types)
    where = words.where(chosen(query))
    sums = [f"CAST(sum({name}) AS BIGINT) AS {name}" for name in ("persons", "families")]
    select = ",\n    ".join([*words.dimensions(query), *sums, f"{_NO_MARKS} AS marks"])
    grouped = f"\nGROUP BY {', '.join(f'd{at}' for at in range(len(query.by)))}" if query.by else ""
    text = f"""{_TALLIED},
{chosen_sql(where)}
SELECT
    {select}
FROM chosen{grouped}
HAVING (count(*) > 0)"""  # noqa: S608  # as above
    return Sql(text, tuple(words.values))


def amounts_sql(query: Count, summed: str, types: Mapping[str, Type], absent: Absent = NOBODY) -> Sql:
    """The statement of `Engine.amounts`: the dimensions, then the fields of `Amounts`."""
    words = _Words(types)
    where = words.where(chosen(query))
    by = [f"d{at}" for at in range(len(query.by))]
    value = words.read(summed)
    ordinal = _quoted(ORDINAL[query.unit])
    family = ordinal if query.unit == "keluarga" else f"coalesce(id_keluarga, -1 - {ordinal})"
    grouped = f"\nGROUP BY {', '.join(by)}" if by else ""
    text = f"""{_registry(query, absent)},
{chosen_sql(where)},
told AS (          -- a person of no family is a contributor of his own
    SELECT {", ".join([*words.dimensions(query), f"{family} AS contributor", f"{value} AS value"])} FROM chosen
),
given AS (         -- what a family gives is the sum of what its members give: they know of each other
    SELECT
        {", ".join([*by, "contributor"])},
        coalesce(sum(value), 0) AS amount,
        count(*) FILTER (WHERE value IS NULL) AS unknown,
        min(value) AS least
    FROM told
    GROUP BY {", ".join([*by, "contributor"])}
)
SELECT
    {"".join(f"{name}, " for name in by)}
    CAST(sum(amount) AS BIGINT),
    CAST(greatest(coalesce(max(amount, 2)[1], 0), 0) AS BIGINT),
    CAST(greatest(coalesce(max(amount, 2)[2], 0), 0) AS BIGINT),
    count(*) FILTER (WHERE amount > 0),
    CAST(sum(unknown) AS BIGINT),
    CAST(coalesce(min(least), 0) AS BIGINT)
FROM given{grouped}
HAVING (count(*) > 0)"""  # noqa: S608  # as above
    return Sql(text, tuple(words.values))


def listed_sql(unit: str, column: str, keep: tuple[str, ...]) -> Sql:
    """The statement of `Engine.listed`, where the list is the table `wanted`: in no order, and with the `ordinal` of
    each row, by which it is put in order."""
    kept = ",\n    ".join(
        f"CAST(registry.{_quoted(name)} AS {SQL_TYPE[INTERNAL[name]]}) AS {_quoted(f'_{name}')}" for name in keep
    )
    text = f"""{_REGISTRY}
SELECT
    CAST(registry.{_quoted(ORDINAL[unit])} AS BIGINT) AS ordinal,
    wanted.place,
    {kept}
FROM registry JOIN wanted ON (registry.{_quoted(column)} = wanted.number)"""  # noqa: S608  # names of this house
    return Sql(text, ())


_REGISTRY = """WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
)"""


_TALLIED = """WITH
registry AS (      -- what was counted of the regencies whose files would be read
    SELECT * FROM read_parquet(getvariable('tally'), hive_partitioning = false)
    WHERE kode_kab IN (SELECT unnest(getvariable('regencies')))
)"""


def _registry(query: Rows | Count, absent: Absent) -> str:
    """The registry, without the rows that are in no answer. A join forgets the order of rows, which no count has."""
    if not absent:
        return _REGISTRY
    ordinal = _quoted(ORDINAL[query.unit])
    return f"""WITH
release AS (       -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
absent AS (        -- who is in no answer, whatever is asked
    SELECT unnest(getvariable('absent')) AS ordinal
),
registry AS (
    SELECT release.* FROM release ANTI JOIN absent ON (release.{ordinal} = absent.ordinal)
)"""  # noqa: S608  # as above


_COUNTED = {"persons": Type.INTEGER, "families": Type.INTEGER}

# Families of persons are not counted on the way: what a release's largest family proves of a cell costs nothing, and
# what it does not prove, marks often do. The few cells of which both prove too little are counted one by one.
_COUNTS = {
    "keluarga": ["CAST(coalesce(sum(member_count), 0) AS BIGINT) AS persons", "count(*) AS families"],
    "individu": ["count(*) AS persons", "0 AS families"],
}
_MARKS = "coalesce(bit_or(CAST(1 AS UBIGINT) << CAST(id_keluarga & 63 AS UTINYINT)), 0)"  # a family sets one of 64
_NO_MARKS = "CAST(0 AS UBIGINT)"
_FEW_FILES = 8  # which are marked unseen: to look into one first would cost as much


class _Words(Words):
    kinds = SQL_TYPE

    def quoted(self, name: str) -> str:
        return _quoted(name)

    def named(self, at: int, value: Scalar) -> str:
        return f"getvariable('p{at}')"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sql_type(value: Scalar) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "BIGINT"
        case str():
            return "VARCHAR"
    return "DATE"


class Engine:
    """One locked DuckDB. Use it in a process of its own per order; close it, or use it as a context manager.

    `temp_dir`: a private directory to spill into. `allowed` and `shelf`: the only directories and the files of a
    release that it may read. `tallies`: what was counted of the release when it was published, for counts that need no
    more. `memory_limit` bounds DuckDB, not the process. Raises EngineError.
    """

    def __init__(
        self,
        temp_dir: str | os.PathLike[str],
        allowed: Iterable[str | os.PathLike[str]] = (),
        shelf: Shelf | None = None,
        memory_limit: str = "1GB",
        threads: int = 2,
        max_temp_size: str = "10GB",
        tallies: Iterable[Tally] = (),
    ) -> None:
        self._tallies = sorted(tallies, key=lambda tally: tally.rows)
        spill = os.fspath(Path(temp_dir).resolve())
        directories = [spill, *(os.fspath(Path(directory).resolve()) for directory in allowed)]
        self._con = _quietly(lambda: duckdb.connect(":memory:", config={"threads": threads}))
        if shelf is not None:
            directories.append(f"{shelf.protocol}://")
            _quietly(partial(shelf.given_to, self._con))
        for name, value in (
            ("memory_limit", memory_limit),
            ("temp_directory", spill),
            ("max_temp_directory_size", max_temp_size),
            ("preserve_insertion_order", True),
            ("disabled_optimizers", "in_clause"),  # makes a long list a join, and a join forgets the order (0031)
            ("allowed_directories", directories),
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
            ("allow_community_extensions", False),
            ("enable_external_access", False),
            ("lock_configuration", True),
        ):
            _quietly(partial(self._con.execute, f"SET GLOBAL {name} = $1", [value]))  # of every cursor, not of one

    @property
    def name(self) -> str:
        return f"duckdb {duckdb.__version__}"

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._con.close()

    def rows(
        self,
        query: Rows,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        internal: tuple[str, ...] = (),
        absent: Absent = NOBODY,
    ) -> Iterator[pa.RecordBatch]:
        """The chosen rows that are not `absent`, in release order (the order of `parts`, and within each), in batches
        of 131,072 rows, the last one shorter; the same batches for any number of threads. Columns as `schema_of` says.
        Raises EngineError, also half-way."""
        schema, ordinal = schema_of(query, types, internal), ORDINAL[query.unit]
        read = (*internal, ordinal) if absent and ordinal not in internal else internal
        sql = rows_sql(query, types, read)
        needed = {name: types[name] for name in (*query.keep, *columns_of(chosen(query)))}
        with self._session(query, parts, needed | {name: INTERNAL[name] for name in read}) as session:
            if session is not None:
                found = session.stream(sql)
                if absent:
                    there = absent.taken_from(found, f"_{ordinal}")
                    found = (batch.select(range(len(schema))) for batch in there)
                yield from recut(found, schema)

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
        """As `reference.count`, cell by cell. Raises TooManyCells, EngineError."""
        tally = self._tally(query, absent)
        families = 0 if query.unit == "keluarga" else enough or 0  # of which a cell of persons must be, if of any
        counted = ("member_count",) if query.unit == "keluarga" else ("id_keluarga",) if families else ()
        needed = asked(query, types, absent) | dict.fromkeys(counted, Type.INTEGER)
        with self._session(query, parts, needed if tally is None else {}) as session:
            if session is None:
                return []
            if tally is None:
                session.leave_out(absent)
                marked = families > 0 and session.doubts(query, types, absent, families, largest)
                session.cells(cells_sql(query, types, absent, marked))
            else:
                session.look_up(tally, needed)
                session.cells(tallied_sql(query, types))
            session.sums(sums_sql(query, enough, margins, largest))
            return list(_summed(session, query, types, enough, margins, absent))

    def _tally(self, query: Count, absent: Absent) -> Tally | None:
        """The smallest that tells all that a count asks of each row."""
        needed = {*query.by, *columns_of(chosen(query))}
        fitting = (one for one in self._tallies if one.unit == query.unit and needed <= set(one.by))
        return None if absent else next(fitting, None)

    def tally(
        self, unit: str, by: tuple[str, ...], parts: Iterable[Part], types: Mapping[str, Type]
    ) -> Iterator[pa.RecordBatch]:
        """What a `Tally` of these files is to hold, in the order of its columns. Raises EngineError, also half-way."""
        query = Count(unit, by)
        cells = cells_sql(query, types)
        named = ", ".join(f"d{at} AS {_quoted(name)}" for at, name in enumerate(by))
        in_order = ", ".join(f"d{at} NULLS LAST" for at in range(len(by)))
        text = f"SELECT {named}, persons, families FROM (\n{cells.text}\n) ORDER BY {in_order}"  # noqa: S608  # as above
        with self._session(query, parts, asked(query, types)) as session:
            if session is not None:
                yield from recut(session.stream(Sql(text, cells.values)), tally_schema(unit, by, types))

    def amounts(
        self,
        query: Count,
        summed: str,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        absent: Absent = NOBODY,
    ) -> list[Amounts]:
        """As `reference.amounts`, in no order. Only this engine sums. Raises EngineError."""
        if types[summed] is not Type.INTEGER:
            raise EngineError("a sum of what is no whole number")
        needed = asked(query, types) | {summed: Type.INTEGER, ORDINAL[query.unit]: Type.INTEGER}
        needed |= {"id_keluarga": Type.INTEGER} if query.unit == "individu" else {}
        sql = amounts_sql(query, summed, types, absent)
        with self._session(query, parts, needed) as session:
            if session is None:
                return []
            session.leave_out(absent)
            width = len(query.by)
            return [Amounts(tuple(row[:width]), *row[width:]) for row in session.run(sql.text, sql.values)]

    def listed(
        self, unit: str, column: str, numbers: pa.Int64Array, keep: tuple[str, ...], parts: Iterable[Part]
    ) -> pa.Table:
        """As `reference.listed`: `place` and the internal columns `keep`. The release streams by; the list and what is
        found of it are in memory. Raises EngineError."""
        schema = schema_of(Rows(unit, ()), {}, keep).insert(0, pa.field("place", pa.int64()))
        needed = {name: INTERNAL[name] for name in (column, ORDINAL[unit], *keep)}
        with self._session(Rows(unit, ()), parts, needed) as session:
            if session is None:
                return schema.empty_table()
            places = pa.array(np.arange(len(numbers)))
            session.take_in("wanted", pa.table([places, numbers], ["place", "number"]))
            found = session.table(listed_sql(unit, column, keep))
        place, ordinal = (found.column(name).to_numpy() for name in ("place", "ordinal"))
        order = np.argsort((ordinal << 32) | place)  # no list and no release has four thousand million rows
        return found.drop_columns("ordinal").take(order).cast(schema)

    def groups(
        self,
        query: Count,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        absent: Absent = NOBODY,
    ) -> Iterator[pa.RecordBatch]:
        """As `reference.groups`, a group of files at a time. Raises EngineError, also half-way."""
        words, schema = _Words(types), groups_schema(query, types)
        sql = Sql(f"{_registry(query, absent)},\n{groups_sql(query, words)}", tuple(words.values))
        needed = asked(query, types, absent)
        for some in apart(query.by, parts_in(query.area, parts)):
            with self._session(query, some, needed) as session:
                if session is not None:
                    session.leave_out(absent)
                    for batch in session.stream(sql):
                        yield batch.cast(schema)

    @contextmanager
    def _session(
        self, query: Rows | Count, parts: Iterable[Part], needed: Mapping[str, Type]
    ) -> Iterator["_Session | None"]:
        """A connection of its own, with the files of the query's area, found to hold what is `needed` of them; None
        where no file can hold a chosen row."""
        wanted = parts_in(query.area, parts)
        if any(set(part.path) & set("*?[") for part in wanted):
            raise EngineError("a path that DuckDB would take for a pattern")
        cursor = _quietly(self._con.cursor)
        try:
            session = _Session(cursor, wanted)
            if wanted and needed:
                session.check(needed)
            yield session if wanted else None
        finally:
            cursor.close()


class _Session:
    def __init__(self, cursor: duckdb.DuckDBPyConnection, parts: tuple[Part, ...]) -> None:
        self._cursor, self._parts = cursor, parts
        self.read(())

    def read(self, area: tuple[str, ...]) -> None:
        """From here on, reads only the files that can hold a row of `area`."""
        self.know("parts", [part.path for part in parts_in(area, self._parts)])

    def doubts(self, query: Count, types: Mapping[str, Type], absent: Absent, enough: int, largest: int | None) -> bool:
        """Whether some cell may have `enough` persons, but not so many that they must be of `enough` families: as one
        file says, that in the middle, for all; unseen where there are few files, or no `largest` is known."""
        if largest is not None and (enough - 1) * largest < enough:
            return False
        if len(self._parts) < _FEW_FILES or largest is None:
            return True
        self.know("parts", [self._parts[len(self._parts) // 2].path])
        self.cells(cells_sql(query, types, absent))
        self.sums(sums_sql(query, enough, margins=False, largest=largest))
        self.read(())
        return bool(self.run("SELECT count(*) FROM sums WHERE doubt")[0][0])

    def know(self, name: str, values: list[Any]) -> None:
        """Sets the variable `name` to a list."""
        _quietly(lambda: self._cursor.execute(f"SET VARIABLE {name} = $1", [values]))

    def take_in(self, name: str, table: pa.Table) -> None:
        """From here on, reads `table` too."""
        _quietly(lambda: self._cursor.register(name, table))

    def leave_out(self, absent: Absent) -> None:
        """What `_registry` reads, where there is anybody."""
        if absent:
            self.know("absent", absent.ordinals.tolist())

    def look_up(self, tally: Tally, needed: Mapping[str, Type]) -> None:
        """From here on, knows what was counted of the regencies of its files."""
        self.know("tally", [tally.path])
        self.know("regencies", sorted({code for part in self._parts for code in part.regencies}))
        self.check({name: needed[name] for name in tally.by if name in needed} | _COUNTED, _TALLIED)

    def check(self, needed: Mapping[str, Type], source: str = _REGISTRY) -> None:
        """Compares the files with the contract: a column of another type would compare otherwise."""
        stored = {name: kind for name, kind, *_ in self.run(f"DESCRIBE {source}\nSELECT * FROM registry")}
        if any(stored.get(name) not in STORED_AS[kind] for name, kind in needed.items()):
            raise EngineError("a column that is missing or of another type than the catalogue says")

    def run(self, text: str, values: tuple[Scalar, ...] = ()) -> list[tuple[Any, ...]]:
        self._set(values)
        return _quietly(lambda: self._cursor.execute(text).fetchall())

    def cells(self, sql: Sql) -> None:
        """Makes the temporary table of the finest cells. Raises TooManyCells."""
        self.run(f"CREATE OR REPLACE TEMP TABLE cells AS\n{sql.text}", sql.values)
        if self.run("SELECT count(*) FROM cells")[0][0] > MOST_CELLS:
            raise TooManyCells("too many cells")

    def sums(self, sql: Sql) -> None:
        """And that of its margins."""
        self.run(f"CREATE OR REPLACE TEMP TABLE sums AS\n{sql.text}", sql.values)

    def stream(self, sql: Sql) -> Iterator[pa.RecordBatch]:
        """The only form that streams on each DuckDB we support: `sql()` with variables (dataplane reference §3.3)."""
        self._set(sql.values)
        reader = _quietly(lambda: self._cursor.sql(sql.text).to_arrow_reader(BATCH))
        while (batch := _quietly(lambda: next(reader, None))) is not None:
            yield batch

    def table(self, sql: Sql) -> pa.Table:
        self._set(sql.values)
        return _quietly(lambda: self._cursor.sql(sql.text).to_arrow_table()).combine_chunks()

    def _set(self, values: tuple[Scalar, ...]) -> None:
        for at, value in enumerate(values):
            assignment = f"SET VARIABLE p{at} = CAST($1 AS {_sql_type(value)})"
            _quietly(partial(self._cursor.execute, assignment, [value]))


def _summed(
    session: _Session,
    query: Count,
    types: Mapping[str, Type],
    enough: int | None,
    margins: bool,
    absent: Absent,
) -> Iterator[Cell]:
    """The cells, and with `margins` the sums over the last dimensions, from the temporary table of the finest cells:
    the coarsest first, of one kind by value."""
    in_order = "".join(f", d{at} NULLS LAST" for at in range(len(query.by)))
    sums = session.run(f"SELECT * FROM sums ORDER BY depth{in_order}")  # noqa: S608  # d0, d1, …
    doubtful = [key[:depth] for depth, *key, _, _, doubt in sums if doubt]
    exact = _families(session, query, types, doubtful, margins, absent) if doubtful else {}
    if enough is not None:
        exact = {key: min(families, enough) for key, families in exact.items()}
    for depth, *dimensions, persons, families, doubt in sums:
        key = tuple(dimensions[:depth])
        yield Cell(key, persons, exact.get(key, families) if doubt else families)


def sums_sql(query: Count, enough: int | None, margins: bool, largest: int | None = None) -> Sql:
    """The finest cells and their margins. A margin of the first `depth` dimensions leaves the others NULL; `depth`
    tells it from a value that is unknown. `doubt` marks those whose families must be counted one by one: there are
    `enough` persons, but neither so many marks, nor so many persons that they must be of `enough` families, of which
    none has more than `largest`."""
    names = [f"d{at}" for at in range(len(query.by))]
    words = _Words({})
    families, doubt = "families", "false"
    if query.unit != "keluarga" and enough is None:
        doubt = "true"
    elif query.unit != "keluarga" and enough:  # of none there are always enough
        surely = f"(bit_count(marks) >= {words.value(enough)})"
        if largest is not None:
            surely = f"({surely} OR (persons > {words.value((enough - 1) * largest)}))"
        families = f"CASE WHEN {surely} THEN {words.value(enough)} ELSE 0 END"
        doubt = f"(persons >= {words.value(enough)}) AND NOT {surely}"
    dimensions = "".join(f"{name}, " for name in names)
    text = f"""WITH
sums AS (
    SELECT
        {_depth(names)} AS depth, {dimensions}
        CAST(sum(persons) AS BIGINT) AS persons,
        CAST(sum(families) AS BIGINT) AS families,
        bit_or(marks) AS marks
    FROM cells
    GROUP BY {_grouping_sets(names, margins)}
    HAVING (count(*) > 0)
)
SELECT depth, {dimensions}persons, {families} AS families, {doubt} AS doubt FROM sums"""  # noqa: S608  # as above
    return Sql(text, tuple(words.values))


def _depth(names: list[str]) -> str:
    return f"{len(names)} - bit_count(GROUPING({', '.join(names)}))" if names else "0"


def _grouping_sets(names: list[str], margins: bool) -> str:
    depths = range(len(names) + 1) if margins else [len(names)]
    return "GROUPING SETS (" + ", ".join(f"({', '.join(names[:depth])})" for depth in depths) + ")"


def _families(
    session: _Session,
    query: Count,
    types: Mapping[str, Type],
    doubtful: list[list[Any]],
    margins: bool,
    absent: Absent,
) -> dict[Key, int]:
    """The families of the doubtful cells and margins, counted one by one, in one pass over their regencies. A margin
    above them that is not in doubt comes out too, but with only a part of its families."""
    place, codes = _places_of(query.by, doubtful)
    session.check(asked(query, types, absent) | {"id_keluarga": Type.INTEGER})
    session.read(codes)
    session.know("places", list(codes))
    words = _Words(types)
    where = words.where(chosen(query))
    names = [f"d{at}" for at in range(len(query.by))]
    below = "\n        OR ".join(
        f"EXISTS (SELECT 1 FROM doubtful WHERE (depth = {depth}){_same('doubtful', 'cells', names[:depth])})"  # noqa: S608
        for depth in (range(len(names) + 1) if margins else [len(names)])
    )
    text = f"""{_registry(query, absent)},
{chosen_sql(where)},
doubtful AS (      -- enough persons, but too few to be sure of as many families
    SELECT * FROM sums WHERE doubt
),
below AS (         -- the finest cells that they are made of
    SELECT * FROM cells
    WHERE {below}
),
places AS (        -- where they are: a file holds others beside them, which are passed over
    SELECT unnest(getvariable('places')) AS place
),
members AS (       -- one row per chosen person
    SELECT {", ".join([*words.dimensions(query), "id_keluarga"])} FROM chosen{_within(place)}
)
SELECT {", ".join([_depth(names), *names, "count(DISTINCT id_keluarga)"])}
FROM members
WHERE EXISTS (SELECT 1 FROM below WHERE true{_same("below", "members", names)})
GROUP BY {_grouping_sets(names, margins)}
HAVING (count(*) > 0)"""  # noqa: S608  # as above
    counted = {tuple(key[:depth]): found for depth, *key, found in session.run(text, tuple(words.values))}
    session.read(())
    return counted


def _same(one: str, other: str, names: list[str]) -> str:
    return "".join(f" AND ({one}.{name} IS NOT DISTINCT FROM {other}.{name})" for name in names)


def _places_of(by: tuple[str, ...], keys: list[list[Any]]) -> tuple[str, tuple[str, ...]]:
    """The dimension that tells the places where the cells and margins `keys` are, and their codes; nothing is
    everywhere."""
    column = next((name for name in ("kode_kab", "kode_kec", "kode_desa", "kode_prov") if name in by), "")
    at = by.index(column) if column else len(by)
    codes = {key[at] if at < len(key) else None for key in keys}
    return ("", ()) if None in codes else (column, tuple(sorted(str(code) for code in codes)))


def _within(column: str) -> str:
    return f" SEMI JOIN places ON (chosen.{_quoted(column)} = places.place)" if column else ""


def _quietly(call: Callable[[], _Answer]) -> _Answer:
    """`call()`, its failures told by kind alone. Raised outside the handler, so that not even the exception's context
    holds what DuckDB quoted."""
    try:
        return call()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        kind = type(error).__name__
    raise EngineError(kind)
