"""The registry's side of matching: the persons of a release, or of a bare file, as an index takes them in."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching.features import features
from bagipakai.registry.releases import Release

COMPARED: Final = (
    "nik",
    "no_kk",
    "nama",
    "jenis_kelamin",
    "tanggal_lahir",
    "nama_ibu",
    "kode_desa",
    "kode_kec",
    "kode_kab",
)  # of all the columns of a registry
TELLING: Final = ("nik", "nama")  # one of them at least: by the rest alone nobody is found
CALLED: Final = {"nomor_kk": "no_kk", "person_ordinal": "registry_id"}  # what a release calls otherwise
TOGETHER: Final = 131_072  # persons


def people_of_file(path: Path) -> Iterator[pa.Table]:
    """The persons of a Parquet file in the bare registry columns, of which any may be missing, in its order: their
    features, and `registry_id` where it is there. Raises OSError, and pa.ArrowInvalid for another kind of file."""
    yield from _featured(rows_of_file(path))


def rows_of_file(path: Path) -> Iterator[pa.Table]:
    """The same persons as they are written there, but for columns that are not compared. Raises the same."""
    with path.open("rb") as file:
        yield from _read(file)


def people_of_release(release: Release, storage: StorageKey) -> Iterator[pa.Table]:
    """The persons of a release in its order: their features, and `registry_id`, which is their place in that order.
    Raises Damaged, OSError."""
    yield from _featured(rows_of_release(release, storage))


def rows_of_release(release: Release, storage: StorageKey) -> Iterator[pa.Table]:
    """The same persons as they are written there, under the names of the bare columns. Raises the same."""
    with release.reading(storage, Unit.INDIVIDU) as shelf:
        for part in shelf.parts:
            yield from _read(shelf.open(part.path))


def has_people(path: Path) -> bool:
    """Whether there is somebody in a Parquet file who can be found. Raises OSError, and pa.ArrowInvalid."""
    with pq.ParquetFile(path) as parquet:
        names = {CALLED.get(name, name) for name in parquet.schema_arrow.names}
        return parquet.metadata.num_rows > 0 and not names.isdisjoint(TELLING)


def count_of_file(path: Path) -> int:
    """How many persons a Parquet file has. Raises OSError, and pa.ArrowInvalid for another kind of file."""
    with pq.ParquetFile(path) as parquet:
        return int(parquet.metadata.num_rows)


def source_of_file(path: Path) -> dict[str, str]:
    """What an index of this file says that it is of: its size, its time and its footer, which tells sizes and bounds of
    every column. Not its content, whose cost would follow the registry. Raises OSError, and pa.ArrowInvalid."""
    told = path.stat()
    with path.open("rb") as file:
        file.seek(max(told.st_size - 8, 0))
        end = file.read()
        if end[4:] != b"PAR1":
            raise pa.ArrowInvalid("no Parquet file")
        file.seek(max(told.st_size - 8 - int.from_bytes(end[:4], "little"), 0))
        footer = hashlib.sha256(file.read()).hexdigest()
    return {"footer": footer, "bytes": f"{told.st_size}", "modified": f"{told.st_mtime_ns}"}


def source_of_release(release: Release) -> dict[str, str]:
    """What an index of this release says that it is of."""
    return {"release": release.version, "digest": release.digest}


def _read(file: Any) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as parquet:
        there = [name for name in parquet.schema_arrow.names if CALLED.get(name, name) in (*COMPARED, "registry_id")]
        for batch in parquet.iter_batches(TOGETHER, columns=there):
            yield pa.table({CALLED.get(name, name): batch[name] for name in there})


def _featured(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for rows in gathered(tables):
        people = features(rows)
        if "registry_id" in rows.column_names:
            people = people.append_column("registry_id", rows["registry_id"])
        yield people


def gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in larger pieces: many a regency is small."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= TOGETHER:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)
