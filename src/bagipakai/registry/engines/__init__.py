"""One meaning, several engines: `core.query` evaluated naively (`reference`) and by DuckDB (`duckdb`)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import Table
from bagipakai.core.query import Rows, reaches
from bagipakai.core.variables import Catalogue, Type

ARROW = {Type.TEXT: pa.string(), Type.INTEGER: pa.int64(), Type.BOOLEAN: pa.bool_(), Type.DATE: pa.date32()}

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


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a release: its path and the regency (code of 4 digits) whose rows it holds."""

    path: str
    regency: str


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


def parts_in(area: tuple[str, ...], parts: Iterable[Part]) -> tuple[Part, ...]:
    """The files that can hold a row of `area`, in release order. The others need not even be opened."""
    return tuple(part for part in parts if reaches(area, part.regency))


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
