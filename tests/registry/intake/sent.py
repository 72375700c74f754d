"""One small contract, files written for it, and what became of them."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Agreed, Contract, RowRule
from bagipakai.core.variables import Type
from bagipakai.registry.intake import Taken, take

DAY = date(2026, 11, 26)
CONTRACT = Contract(
    *("contoh", "2026.1", "Contoh", "Example", "Penyedia", Unit.INDIVIDU, "sekali", "DTSEN-STD 2026.1"),
    columns=(
        Agreed("nik", required=True, pattern="[0-9]{16}", check="nik"),
        Agreed("nama", required=True, longest=40),
        Agreed("tanggal_lahir", Type.DATE),
        Agreed("kode_desa", pattern="[0-9]{10}", check="region"),
        Agreed("umur", Type.INTEGER, low=0, high=120),
        Agreed("bekerja", Type.BOOLEAN),
    ),
    rules=(RowRule("birth-date-in-nik", ("nik", "tanggal_lahir")),),
    sets=(RowRule("once", ("nik",)), RowRule("digits-are-whole", ("nik",))),
)
HEADER = ",".join(CONTRACT.names)
NIK = "320101050201{:04d}"
TYPES = {column.name: column.type for column in CONTRACT.columns}


def row(number: int = 1, **cells: str) -> dict[str, str]:
    """A row that is as agreed, except for what is told."""
    well = {
        "nik": NIK.format(number),
        "nama": "Siti",
        "tanggal_lahir": "2001-02-05",
        "kode_desa": "3201011001",
        "umur": "25",
        "bekerja": "1",
    }
    return {**well, **cells}


def rows(count: int) -> list[dict[str, str]]:
    return [row(number) for number in range(1, count + 1)]


def as_csv(found: Sequence[dict[str, str]], delimiter: str = ",", end: str = "\n") -> str:
    return end.join([HEADER.replace(",", delimiter), *(delimiter.join(one.values()) for one in found)]) + end


def taken(file: Path | Sequence[Path], contract: Contract = CONTRACT, **told: object) -> Taken | Refusal:
    """What becomes of one file or several, in a folder beside the first."""
    files = [file] if isinstance(file, Path) else list(file)
    return take(files, replace(contract, **told), files[0].parent / "out", day=DAY)


def wrote(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def accepted(folder: Path) -> list[dict]:
    """The accepted rows, with `_berkas` and `_baris`."""
    return [one for path in sorted((folder / "accepted").iterdir()) for one in pq.read_table(path).to_pylist()]


def returned(folder: Path) -> list[tuple[int, str, str]]:
    """Row, column and code of each fault, as the sender reads them."""
    return [(int(line["baris"]), line["kolom"], line["kode"]) for line in lines(folder)]


def lines(folder: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted((folder / "returned").glob("*.csv")):
        with path.open(newline="") as file:
            found += list(csv.DictReader(file))
    return found


def report(folder: Path) -> dict:
    told: dict = json.loads((folder / "report.json").read_text())
    return told
