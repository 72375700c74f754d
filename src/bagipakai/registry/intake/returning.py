"""What goes back to the sender: one line per fault, ready for a spreadsheet, with the row as it was sent."""

import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from bagipakai.core.sources import Contract
from bagipakai.registry.formats import XLSX_ROWS, csv_bytes, guarded
from bagipakai.registry.intake import faults

COLUMNS = pa.schema(
    [
        ("berkas", pa.string()),
        ("baris", pa.int64()),
        ("kolom", pa.string()),
        ("kode", pa.string()),
        ("perbaikan", pa.string()),
        ("baris_asli", pa.string()),
    ]
)
LONGEST = 32_000  # characters of a row that are shown: more does not fit into a cell
AT_ONCE, LETTERS = 5_000, 4_000_000  # lines that are written together, and what they hold at most before


class Returned:
    """CSV files, one or more for each file of the set. A text that a spreadsheet would run has one apostrophe in front
    (decision 0043)."""

    def __init__(self, folder: Path, contract: Contract, day: date) -> None:
        self._folder, self._contract, self._day = folder, contract, day
        self._lines: list[tuple[str, int, str, str, str, str]] = []
        self._file, self._name, self._letters = 0, "", 0
        self._written: dict[int, int] = {}
        self._sentences: dict[tuple[str, str], str] = {}

    def add(self, file: int, name: str, line: int, column: str, code: str, text: str) -> None:
        """A fault of row `line` of the file `name`, number `file` of the set."""
        if file != self._file:
            self._flush()
            self._file, self._name = file, name
        said = self._sentences.get((code, column))
        if said is None:
            said = self._sentences[code, column] = faults.told(code, self._contract, column, self._day).sentence()
        shown = text if len(text) <= LONGEST else text[:LONGEST] + " …"
        self._lines.append((name, line, column, code, said, shown))
        self._letters += len(shown)
        if len(self._lines) >= AT_ONCE or self._letters >= LETTERS:
            self._flush()

    def close(self) -> None:
        self._flush()

    def _flush(self) -> None:
        done = self._written.get(self._file, 0)
        while self._lines:
            part, used = divmod(done, XLSX_ROWS)
            now, self._lines = self._lines[: XLSX_ROWS - used], self._lines[XLSX_ROWS - used :]
            batch = pa.record_batch([pa.array(column) for column in zip(*now, strict=True)], schema=COLUMNS)
            self._folder.mkdir(exist_ok=True)
            with (self._folder / f"{self._file:04d}-{_stem(self._name)}-{part + 1}.csv").open("ab") as out:
                if not used:
                    out.write(csv_bytes(batch.slice(0, 0)))
                pa.csv.write_csv(guarded(batch)[0], out, pa.csv.WriteOptions(include_header=False))
            done += len(now)
        self._written[self._file], self._letters = done, 0


def _stem(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem).strip("-")[:40] or "berkas"
