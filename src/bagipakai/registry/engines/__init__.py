"""One meaning, several engines: `core.query` evaluated naively (`reference`), by DuckDB (`duckdb`) and by Spark
(`spark`). Which of the two does a plan is the operator's choice (`choice`)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import Cell, Key, Table
from bagipakai.core.query import Count, Rows, chosen, columns_of, reaches
from bagipakai.core.variables import Catalogue, Type

ARROW = {Type.TEXT: pa.string(), Type.INTEGER: pa.int64(), Type.BOOLEAN: pa.bool_(), Type.DATE: pa.date32()}

BATCH = 131_072  # rows
MOST_CELLS = 1_000_000  # of a table, margins not counted
TOGETHER = 2_000_000  # rows of which classes are counted at once

# Columns that the delivery step may read beside a query's own, under their name with "_" in front. They never leave.
INTERNAL = {
    "person_ordinal": Type.INTEGER,
    "first_ordinal": Type.INTEGER,
    "member_count": Type.INTEGER,
    "id_keluarga": Type.INTEGER,
    "nik_number": Type.INTEGER,
    "nik": Type.TEXT,
    "nomor_kk": Type.TEXT,
}
ORDINAL = {"individu": "person_ordinal", "keluarga": "first_ordinal"}  # what tells the rows of a table apart


class EngineError(Exception):
    """An engine could not answer. Names the kind of failure, never a value: engines quote values in their errors."""


class TooManyCells(EngineError):
    """The table has more cells than one person could read; it must be designed again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a release: its path, the regencies (codes of 4 digits) whose rows it holds, and how many they are,
    where that is known."""

    path: str
    regencies: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A file of a release that tells what was counted of the table of `unit` when it was published: of each combination
    of the columns `by` that occurs, how many `persons` it holds, and `families` where it is the table of families; so
    many `rows`. `kode_kab` is one of the columns, so what it tells of some files' regencies is what a count of these
    files would find."""

    path: str
    unit: str
    by: tuple[str, ...]
    rows: int


class Absent:
    """Rows that are in no answer, whatever is asked: by `ORDINAL` of the unit, so those of one table of one release.

    `met` counts those that an answer would have held. Falsy when there are none: then nothing is read or compared.
    """

    def __init__(self, ordinals: Iterable[int] = ()) -> None:
        self.ordinals = np.unique(np.fromiter(ordinals, np.int64))
        self.met = 0

    def __bool__(self) -> bool:
        return len(self.ordinals) > 0

    def __contains__(self, ordinal: int) -> bool:
        return bool(np.isin(ordinal, self.ordinals))

    def taken_from(self, batches: Iterable[pa.RecordBatch], column: str) -> Iterator[pa.RecordBatch]:
        """`batches` without these rows, in the same order. An engine whose join forgets the order of rows takes them
        away here; a batch with nobody to take away is looked at once and passes as it is."""
        for batch in batches:
            rows = batch.column(column).to_numpy(zero_copy_only=False)
            if not len(rows):
                continue
            first, last = np.searchsorted(self.ordinals, (rows.min(), rows.max()))
            near = self.ordinals[first : last + 1]
            away = np.isin(rows, near) if len(near) else near
            if len(near) and away.any():
                self.met += int(away.sum())
                batch = batch.filter(pa.array(~away))  # noqa: PLW2901
            yield batch


NOBODY = Absent()


@dataclass(frozen=True, slots=True)
class Amounts:
    """Of one cell: the sum of a variable, the largest and second largest contribution to it, how many contribute
    (something that is more than nothing), how many rows do not know their value, and the least value of a row (0 where
    none is known). As secret as rows."""

    key: Key
    total: int
    largest: int
    second: int
    contributors: int
    unknown: int
    least: int


class Engine(Protocol):
    """What does a query over the files of a release. A context manager, for one thread at a time."""

    @property
    def name(self) -> str:
        """Which engine, and its version: `duckdb 2.0.1`."""

    def rows(
        self,
        query: Rows,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        internal: tuple[str, ...] = (),
        absent: Absent = NOBODY,
    ) -> Iterator[pa.RecordBatch]:
        """The chosen rows that are not `absent`, in release order, in batches of 131,072 rows, the last one shorter:
        the same batches from every engine. Columns as `schema_of` says. Raises EngineError, also half-way."""

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
        """As `reference.count`, cell by cell. Where `largest` is told, every person has a family and none has more
        members: so many persons are then surely of `enough` families. Raises TooManyCells, EngineError."""

    def groups(
        self,
        query: Count,
        parts: Iterable[Part],
        types: Mapping[str, Type],
        absent: Absent = NOBODY,
    ) -> Iterator[pa.RecordBatch]:
        """How many chosen rows there are of each combination of `query.by`, as `reference.groups`: these columns and
        `n`, each combination once, in batches and an order of the engine's own. Raises EngineError."""

    def __enter__(self) -> "Engine": ...

    def __exit__(self, *_: object) -> None: ...


def parts_in(area: tuple[str, ...], parts: Iterable[Part]) -> tuple[Part, ...]:
    """The files that can hold a row of `area`, in release order. The others need not even be opened."""
    return tuple(part for part in parts if any(reaches(area, one) for one in part.regencies))


def apart(by: Iterable[str], parts: Iterable[Part], together: int = TOGETHER) -> list[tuple[Part, ...]]:
    """The files in groups over which classes by `by` can be counted one after another: no class has rows in two of
    them, for every row of a release tells its places. So what must be held at once does not grow with the nation, where
    a regency or a smaller place is told. Files stay together while they have at most so many rows; where nobody knows
    how many they have, sixteen stay together."""
    files = tuple(parts)
    if not {"kode_kab", "kode_kec", "kode_desa"} & set(by):
        return [files]
    groups: list[list[Part]] = []
    room = 0
    for part in files:
        rows = together // 16 if part.rows is None else part.rows
        if not groups or rows > room:
            groups.append([])
            room = together
        groups[-1].append(part)
        room -= rows
    return [tuple(group) for group in groups]


def types_of(catalogue: Catalogue, unit: str) -> dict[str, Type]:
    """Name and type of every variable that a query about `unit` may speak of."""
    return {variable.name: variable.type for variable in catalogue.of_unit(unit)}


def schema_of(query: Rows, types: Mapping[str, Type], internal: tuple[str, ...] = ()) -> pa.Schema:
    """The Arrow schema of a query's rows, internal columns last. Raises EngineError for a name without a type."""
    return pa.schema([(name, ARROW[kind]) for name, kind in columns(query, types, internal)])


def columns(query: Rows, types: Mapping[str, Type], internal: tuple[str, ...] = ()) -> list[tuple[str, Type]]:
    """Name and type of each column of the answer."""
    try:
        return [(name, types[name]) for name in query.keep] + [(f"_{name}", INTERNAL[name]) for name in internal]
    except KeyError:
        raise EngineError("a column without a type") from None


def asked(query: Count, types: Mapping[str, Type], absent: Absent = NOBODY) -> dict[str, Type]:
    """Name and type of what a count reads of each row: its dimensions, what its condition is about, and where somebody
    is absent, what tells them."""
    named = {name: types[name] for name in (*query.by, *columns_of(chosen(query)))}
    return named | ({ORDINAL[query.unit]: Type.INTEGER} if absent else {})


def groups_schema(query: Count, types: Mapping[str, Type]) -> pa.Schema:
    """The Arrow schema of `Engine.groups`. Raises EngineError for a name without a type."""
    return pa.schema([*schema_of(Rows(query.unit, query.by), types), ("n", pa.int64())])


def tally_schema(unit: str, by: tuple[str, ...], types: Mapping[str, Type]) -> pa.Schema:
    """The Arrow schema of a `Tally`. Raises EngineError for a name without a type."""
    return pa.schema([*schema_of(Rows(unit, by), types), ("persons", pa.int64()), ("families", pa.int64())])


def arrow_table(table: Table, types: Mapping[str, Type]) -> pa.Table:
    """A published table as Arrow: its dimensions, `jenis_baris` (`jumlah` for a margin, `sel`), the count of the unit
    (null where hidden), and `ditutup`. In a margin the dimensions that are summed over are null."""
    width = len(table.dimensions)
    data = {
        name: pa.array([line.key[depth] if depth < len(line.key) else None for line in table.lines], ARROW[types[name]])
        for depth, name in enumerate(table.dimensions)
    }
    data["jenis_baris"] = pa.array(["sel" if len(line.key) == width else "jumlah" for line in table.lines], pa.string())
    data[f"jumlah_{table.unit}"] = pa.array([line.count for line in table.lines], pa.int64())
    data["ditutup"] = pa.array([line.count is None for line in table.lines], pa.bool_())
    return pa.table(data)


def recut(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of BATCH: where an engine cuts depends on files and threads, and nothing may depend on
    that."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        start = 0
        while rows + batch.num_rows - start >= BATCH:
            cut = BATCH - rows
            yield _joined([*waiting, batch.slice(start, cut)], schema)
            waiting, rows, start = [], 0, start + cut
        if start < batch.num_rows:
            waiting.append(batch.slice(start))
            rows += batch.num_rows - start
    if rows:
        yield _joined(waiting, schema)


def _joined(pieces: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    whole = pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)
    return whole.cast(schema) if whole.schema != schema else whole
