"""What the sources would hand in of a synthetic nation: a file of each, made of the data set before and that of a
quarter later. The same data sets and seed give the same rows; nobody in them exists.

The population register tells of everybody who has a number, and of who died; the others tell of some. Some rows have a
name or a number that was written down wrongly, so that matching has something to do.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.sources import Sources
from bagipakai.registry.folders import in_the_making
from bagipakai.registry.intake.checking import schema
from bagipakai.registry.regions import regions
from bagipakai.registry.synthesis.columns import digits
from bagipakai.registry.synthesis.dice import Dice
from bagipakai.registry.tables import ROW_GROUP, part

SHARES = {"dukcapil": 1000, "dtks": 400, "regsosek": 300, "bpjs-pbi": 350, "pln": 200}  # per mille of the persons
MISSPELT, MISTYPED = 10, 3  # per mille of the rows
_STREAM = 77


def submissions(before: Path, after: Path, seed: int, day: date, out: Path) -> list[Path]:
    """Writes `<source>.parquet` for each source of `SHARES` in `out`, a new folder, in the columns of the contract of
    `day`; gives the files. Whole or not at all. Raises FileExistsError if `out` holds anything, OSError."""
    with in_the_making(out, durable=False) as folder:
        _write(before, after, seed, day, folder)
    return [out / f"{source}.parquet" for source in SHARES]


def _write(before: Path, after: Path, seed: int, day: date, out: Path) -> None:
    contracts = Sources.on(day)
    columns = {source: schema(contracts[source]) for source in SHARES}
    files = {source: pq.ParquetWriter(out / f"{source}.parquet", columns[source]) for source in SHARES}
    waiting: dict[str, list[pa.Table]] = {source: [] for source in SHARES}
    numbers = [persons["nik_number"].drop_null().to_numpy() for _, persons in _persons(after, "nik_number")]
    alive = np.sort(np.concatenate(numbers))
    for number, (kab, persons) in enumerate(_persons(after)):
        whole = _with_family(persons, after, kab)
        for at, source in enumerate(SHARES):
            dice = Dice(seed, number, _STREAM, at)
            told = whole.filter(pa.array(_tells(source, whole, dice)))
            waiting[source].append(_in_columns(told, columns[source], day, dice))
        waiting["dukcapil"].append(_in_columns(_dead(before, kab, alive), columns["dukcapil"], day, None))
        for source, tables in waiting.items():
            if sum(map(len, tables)) >= ROW_GROUP or number == len(regions().at_level(2)) - 1:
                files[source].write_table(pa.concat_tables(tables))
                tables.clear()
    for file in files.values():
        file.close()


def _tells(source: str, persons: pa.Table, dice: Dice) -> np.ndarray:
    """Of whom a source tells: of whole families, or of the head alone who has the electricity meter."""
    n = len(persons)
    has = pc.is_valid(persons["nik"]).to_numpy(zero_copy_only=False)
    _, family = np.unique(persons["id_keluarga"].to_numpy(), return_inverse=True)
    has &= dice.chance(n, SHARES[source])[family] if n else has
    if source == "pln":
        meter = pc.and_(pc.equal(persons["hubungan_kepala_keluarga"], "1"), pc.is_valid(persons["id_pln"]))
        has &= meter.to_numpy()
    return np.asarray(has)


def _persons(folder: Path, *names: str) -> Iterator[tuple[str, pa.Table]]:
    for kab in (region.code for region in regions().at_level(2)):
        yield kab, pq.read_table(folder / part(Unit.INDIVIDU, kab), columns=list(names) or None, partitioning=None)


def _with_family(persons: pa.Table, folder: Path, kab: str) -> pa.Table:
    """With what is known of their household."""
    families = pq.read_table(folder / part(Unit.KELUARGA, kab), partitioning=None)
    at = persons["id_keluarga"].to_numpy()
    first = int(families["id_keluarga"][0].as_py()) if len(families) else 0
    for name in families.column_names:
        if name not in persons.column_names:
            persons = persons.append_column(name, families[name].take(pa.array(at - first)))
    return persons


def _dead(before: Path, kab: str, alive: np.ndarray) -> pa.Table:
    persons = pq.read_table(before / part(Unit.INDIVIDU, kab), partitioning=None)
    number = pc.fill_null(persons["nik_number"], 0).to_numpy()
    at = np.minimum(np.searchsorted(alive, number), len(alive) - 1)
    gone = persons.filter(pa.array((alive[at] != number) & (number > 0)))
    return gone.append_column("tanggal_meninggal", pa.array([None] * len(gone), pa.date32()))


def _in_columns(rows: pa.Table, columns: pa.Schema, day: date, dice: Dice | None) -> pa.Table:
    """The columns of a contract; what only the source itself has is invented or left empty."""
    n, found = len(rows), {}
    number = pc.fill_null(rows["nik_number"], 0).to_numpy()
    for field in columns:
        match field.name:
            case "tanggal_meninggal":
                died = pa.scalar(day.replace(day=1)) if field.name in rows.column_names else pa.scalar(None, field.type)
                found[field.name] = pa.repeat(died, n).cast(field.type)
            case "nomor_peserta":
                found[field.name] = pc.utf8_slice_codeunits(digits(rows["person_ordinal"].to_numpy(), 16), 3, 16)
            case "tanggal_mulai" | "tanggal_pasang":
                found[field.name] = pa.repeat(pa.scalar(date(2020, 1, 1)), n).cast(field.type)
            case name if name in rows.column_names:
                found[name] = rows[name].cast(field.type).combine_chunks()
            case name:
                found[name] = pa.nulls(n, field.type)
    if dice is not None and n:
        found["nama"] = _misspelt(found["nama"], dice.chance(n, MISSPELT))
        wrong = dice.chance(n, MISTYPED)
        typed = np.where(wrong, number - number % 10 + (number + 1 + dice.below(n, 9)) % 10, number)
        found["nik"] = digits(typed, 16)
    return pa.table(found, schema=columns)


def _misspelt(names: pa.Array, wrong: np.ndarray) -> pa.Array:
    """One letter less."""
    return pc.if_else(
        pa.array(wrong),
        pc.binary_join_element_wise(pc.utf8_slice_codeunits(names, 0, 2), pc.utf8_slice_codeunits(names, 3, 200), ""),
        names,
    )
