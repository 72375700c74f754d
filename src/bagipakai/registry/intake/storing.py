"""Rows on their way to disk: the accepted ones, and of all rows what the rules about the whole set need."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.sources import Contract
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.tables import ROW_GROUP

FILE, LINE = "_berkas", "_baris"  # of an accepted row: which file of the set, and where in it
GROUPS = 8  # row groups in a part
WAITING = 2  # batches that wait for the disk at once
_VARIED = frozenset({"nik", "nomor_kk", "id_pln", "nama", "alamat", "tanggal_lahir"})
_BITS = 40  # of an identity, for the line


class Accepted:
    """Parquet parts of accepted rows, written by a thread of its own while the next rows are checked."""

    def __init__(self, folder: Path, columns: pa.Schema) -> None:
        self.folder, self._columns = folder, columns
        self._digest = ContentDigest(columns)
        self._stored = pa.schema([*columns, pa.field(FILE, pa.int32()), pa.field(LINE, pa.int64())])
        self._out: pq.ParquetWriter | None = None
        self._parts = self._groups = self._rows = 0
        self._batches: list[pa.Table] = []
        self._pool = ThreadPoolExecutor(1)
        self._jobs: deque[Future[None]] = deque()
        folder.mkdir(parents=True)

    def __enter__(self) -> "Accepted":
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        try:
            while self._jobs:
                self._jobs.popleft().result()
            if failed is None:
                self._flush(0)
        finally:
            self._pool.shutdown()
            if self._out is not None:
                self._out.close()

    def add(self, rows: pa.Table, file: int | pa.Array, lines: pa.Array, keep: pa.Array) -> None:
        """Takes those that `keep` marks. Raises what writing the rows before raised."""
        numbers = pa.repeat(pa.scalar(file, pa.int32()), rows.num_rows) if isinstance(file, int) else file
        stored = rows.append_column(FILE, numbers).append_column(LINE, lines)
        self._jobs.append(self._pool.submit(self._take, stored, keep))
        while len(self._jobs) > WAITING:
            self._jobs.popleft().result()

    def digest(self) -> str:
        """Of the rows as the contract knows them. After the end of the block."""
        return self._digest.hexdigest()

    def stored(self) -> Iterator[tuple[pa.Table, pa.Array, pa.Array]]:
        """What was written: rows, files, lines."""
        for path in sorted(self.folder.iterdir()):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROW_GROUP):
                    table = pa.Table.from_batches([batch]).select(self._columns.names)
                    yield table, batch.column(FILE), batch.column(LINE)

    def _take(self, stored: pa.Table, keep: pa.Array) -> None:
        kept = stored if keep.true_count == len(keep) else stored.filter(keep)
        self._digest.add(kept.select(self._columns.names))
        self._batches.append(kept)
        self._rows += kept.num_rows
        self._flush(ROW_GROUP)

    def _flush(self, least: int) -> None:
        """Writes whole row groups while there are at least so many rows; with 0, all."""
        if self._rows < max(least, 1):
            return
        table = pa.concat_tables(self._batches)
        while table.num_rows >= max(least, 1):
            if self._out is None:
                self._out = self._begin()
            self._out.write_table(table.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
            table = table.slice(ROW_GROUP)
            self._groups += 1
            if self._groups == GROUPS:
                self._out.close()
                self._out, self._groups = None, 0
        self._batches, self._rows = [table], table.num_rows

    def _begin(self) -> pq.ParquetWriter:
        path = self.folder / f"part-{self._parts:05d}.parquet"
        self._parts += 1
        return pq.ParquetWriter(
            path,
            self._stored,
            version="2.6",
            data_page_version="2.0",
            compression="zstd",
            compression_level=3,
            store_schema=False,
            write_statistics=False,  # nobody asks for a range of them
            use_dictionary=[name for name in self._columns.names if name not in _VARIED],
            column_encoding={LINE: "DELTA_BINARY_PACKED"},
        )


class Keys:
    """Of every row: where it stands, whether it is faulty, and its numbers, in one file for the rules of the set."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self.path = path
        fields = [pa.field(FILE, pa.int32()), pa.field(LINE, pa.int64()), pa.field("faulty", pa.bool_())]
        for rule in contract.sets:
            fields.append(pa.field(f"{rule.columns[0]}~", pa.int64()))
            if rule.rule == "family-has-head":
                fields.append(pa.field(f"{rule.columns[1]}?", pa.bool_()))
        self._schema = pa.schema({one.name: one for one in fields}.values())
        self._out = pq.ParquetWriter(path, self._schema, compression="lz4", use_dictionary=False)

    def __enter__(self) -> "Keys":
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def add(self, keys: pa.Table, file: int, lines: pa.Array, faulty: pa.ChunkedArray) -> None:
        if len(self._schema) > 3:
            files = pa.repeat(pa.scalar(file, pa.int32()), len(lines))
            columns = [files, lines, faulty, *(keys[name] for name in self._schema.names[3:])]
            self._out.write_table(pa.table(columns, schema=self._schema))


def identity(files: pa.Array, lines: pa.Array) -> np.ndarray:
    """One number for each row of a set."""
    numbers: np.ndarray = (files.to_numpy().astype(np.int64) << _BITS) | lines.to_numpy()
    return numbers
