"""A data set on its way to become a release: the tables of every regency, and what `dataset.json` says of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.tables import ROW_GROUP, part, schema, writer

DATASET: Final = "dataset.json"
FORM: Final = "bagipakai-dataset-1"


@dataclass(frozen=True, slots=True)
class Written:
    """One file: rows and the digest of what they say."""

    path: str
    rows: int
    content: str


class Table:
    """A file being written, in row groups of at most ROW_GROUP rows."""

    def __init__(self, unit: Unit, kab: str, catalogue: Catalogue, out: Path) -> None:
        self._path, self._schema = part(unit, kab), schema(unit, catalogue)
        self._file = out / self._path
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = None
        self._digest = ContentDigest(self._schema)
        self._waiting: list[pa.Table] = []

    def write(self, columns: dict[str, pa.Array]) -> None:
        """At most ROW_GROUP rows. Texts may come as dictionaries, the same in every call."""
        built = [pa.field(field.name, columns[field.name].type, field.nullable) for field in self._schema]
        rows = pa.table([columns[field.name] for field in built], schema=pa.schema(built))
        self._digest.add(rows)
        if sum(table.num_rows for table in self._waiting) + rows.num_rows > ROW_GROUP:
            self._flush()
        self._waiting.append(rows)

    def _flush(self) -> None:
        rows = pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
        if self._writer is None:
            self._writer = writer(self._file, rows.schema)
        self._writer.write_table(rows, row_group_size=ROW_GROUP)
        self._waiting = []

    def close(self) -> Written:
        if self._waiting or self._writer is None:
            self._flush()
        assert self._writer is not None  # noqa: S101  # _flush has opened it
        self._writer.close()
        return Written(self._path.as_posix(), self._digest.rows, self._digest.hexdigest())
