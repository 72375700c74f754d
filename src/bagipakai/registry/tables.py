"""How rows lie on disk: two tables, one file per regency, the same for a thousand persons and for the nation.

    individu/kode_prov=32/kode_kab=3201/part-0.parquet
    keluarga/kode_prov=32/kode_kab=3201/part-0.parquet

Region codes also stand in the rows, as text: readers turn path typing off. Sorted by village, then by a secret order of
families. The registry's own columns come last; they are not in the catalogue, so nothing can ask for them.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.engines import ARROW

ROW_GROUP = 122_880  # rows

# Of the registry alone. Members of one family follow one another, so a family's persons are the ordinals from
# `first_ordinal` to `first_ordinal + member_count - 1`; `nik_number` is the NIK as a number, for joins and uniqueness;
# `lineage` says when the sources told the values of the row (registry.lineage).
INTERNAL = {
    Unit.INDIVIDU: (
        pa.field("person_ordinal", pa.int64(), nullable=False),
        pa.field("id_keluarga", pa.int64(), nullable=False),
        pa.field("nik_number", pa.int64()),
        pa.field("lineage", pa.int16(), nullable=False),
    ),
    Unit.KELUARGA: (
        pa.field("id_keluarga", pa.int64(), nullable=False),
        pa.field("first_ordinal", pa.int64(), nullable=False),
        pa.field("member_count", pa.int32(), nullable=False),
        pa.field("lineage", pa.int16(), nullable=False),
    ),
}

_CLIMBING = frozenset({"person_ordinal", "id_keluarga", "first_ordinal"})
_VARIED = frozenset(
    {"nik", "nik_number", "nomor_kk", "id_pln", "nama", "nama_kepala_keluarga", "alamat", "peringkat", "tanggal_lahir"}
)  # nearly each value once: a dictionary would be larger than the column


def schema(unit: Unit | str, catalogue: Catalogue) -> pa.Schema:
    """The columns of a table: the catalogue's, in official order, then the registry's own."""
    official = [
        pa.field(variable.name, ARROW[variable.type], nullable=not variable.required)
        for variable in catalogue.of_unit(unit)
    ]
    return pa.schema([*official, *INTERNAL[Unit(unit)]])


def part(unit: Unit | str, kode_kab: str) -> Path:
    """The file of one regency, relative to the release."""
    return Path(Unit(unit).value, f"kode_prov={kode_kab[:2]}", f"kode_kab={kode_kab}", "part-0.parquet")


def writer(path: Path, columns: pa.Schema) -> pq.ParquetWriter:
    """Parquet V2, zstd 3. Write one batch of at most ROW_GROUP rows per call to get one row group."""
    names: Iterable[str] = columns.names
    return pq.ParquetWriter(
        path,
        columns,
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        compression_level=3,
        store_schema=False,  # readers see text, however it was built in memory
        use_dictionary=[name for name in names if name not in _CLIMBING | _VARIED],
        column_encoding={name: "DELTA_BINARY_PACKED" for name in names if name in _CLIMBING},
        write_statistics=True,
    )
