"""How rows lie on disk: two tables, cut by region. A data set has one file per regency, however many people there are;
a release joins neighbouring regencies, because each file costs a reader as much as thousands of rows (decision 0138).

    individu/kode_prov=32/kode_kab=3201/part-0.parquet      in a data set
    individu/3201-3204.parquet                              in a release: these regencies, and those between
    individu/3205.parquet                                   this one alone
    tallies/individu-umur.parquet                           what was counted of all of them when it was published

Region codes also stand in the rows, as text: readers turn path typing off. Sorted by village, then by a secret order of
families. The registry's own columns come last; they are not in the catalogue, so nothing can ask for them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import RawIOBase
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.engines import ARROW

ROW_GROUP = 122_880  # rows
TALLY = re.compile(r"tallies/[a-z]+(-[a-z]+)*\.parquet")
TOGETHER = 1_000_000  # persons of the regencies that share a file, at most
ENOUGH, SHARES = 125_000, 8  # persons, or shares of the nation, with which a file need not go on into the next province

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

_ENCODED = {
    **dict.fromkeys(("person_ordinal", "id_keluarga", "first_ordinal"), "DELTA_BINARY_PACKED"),  # they climb
    "nik_number": "BYTE_STREAM_SPLIT",  # high bytes are those of the place and repeat, low ones are dice
}
_VARIED = frozenset(
    {"nik", "nomor_kk", "id_pln", "nama", "nama_kepala_keluarga", "alamat", "peringkat", "tanggal_lahir"}
)  # nearly each value once: a dictionary would be larger than the column


def schema(unit: Unit | str, catalogue: Catalogue) -> pa.Schema:
    """The columns of a table: the catalogue's, in official order, then the registry's own."""
    official = [
        pa.field(variable.name, ARROW[variable.type], nullable=not variable.required)
        for variable in catalogue.of_unit(unit)
    ]
    return pa.schema([*official, *INTERNAL[Unit(unit)]])


def part(unit: Unit | str, kode_kab: str) -> Path:
    """The file of one regency, relative to the data set."""
    return Path(Unit(unit).value, f"kode_prov={kode_kab[:2]}", f"kode_kab={kode_kab}", "part-0.parquet")


def joined(unit: Unit | str, regencies: Sequence[str]) -> Path:
    """The file of neighbouring regencies, relative to the release. Such names have release order."""
    first, last = regencies[0], regencies[-1]
    return Path(Unit(unit).value, f"{first if first == last else f'{first}-{last}'}.parquet")


def tally(name: str) -> Path:
    """The file of what was counted under this name, relative to the release."""
    return Path("tallies", f"{name}.parquet")


def neighbours(persons: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """The regencies (code → persons) in release order, those together that share a file: of at most TOGETHER persons;
    one that has more stands alone. A file ends with its province, unless it would have few persons."""
    few = min(ENOUGH, sum(persons.values()) // SHARES)
    here: list[str] = []
    many = 0
    for code in sorted(persons):
        if here and (many + persons[code] > TOGETHER or (many >= few and code[:2] != here[-1][:2])):
            yield tuple(here)
            here, many = [], 0
        here.append(code)
        many += persons[code]
    if here:
        yield tuple(here)


def row_groups(regencies: Iterable[tuple[int, Iterable[pa.Table]]]) -> Iterator[pa.Table]:
    """The rows of several regencies, each told as their number and tables of at most ROW_GROUP rows, cut into row
    groups: of several regencies, each whole, or of one that has more rows, alone. So who wants one regency finds its
    row groups by their least and greatest code, and meets neighbours only where it is small."""
    waiting: list[pa.Table] = []
    room = ROW_GROUP
    for count, rows in regencies:
        if count > room:
            if waiting:
                yield pa.concat_tables(waiting)
            waiting, room = [], ROW_GROUP
        for some in rows:
            if count > ROW_GROUP:
                yield some
            else:
                waiting.append(some)
        room -= count
    if waiting:
        yield pa.concat_tables(waiting)


def writer(path: Path | RawIOBase, columns: pa.Schema) -> pq.ParquetWriter:
    """Parquet V2, zstd 3. Write one batch of at most ROW_GROUP rows per call to get one row group, of each column in
    one page, if it is short."""
    names: Iterable[str] = columns.names
    return pq.ParquetWriter(
        path,
        columns,
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        compression_level=3,
        store_schema=False,  # readers see text, however it was built in memory
        use_dictionary=[name for name in names if name not in _ENCODED and name not in _VARIED],
        column_encoding={name: encoding for name, encoding in _ENCODED.items() if name in names},
        max_rows_per_page=ROW_GROUP,
        write_statistics=True,
    )
