"""The delivered table in its formats, written part by part in bounded memory.

CSV (UTF-8 without byte-order mark, comma, text always quoted, so that unknown is empty and an empty text is `""`),
XLSX (one sheet a part, identifiers as text, dates as dates), JSON Lines, Parquet (zstd, identifiers as text, pseudonyms
as 16 bytes), SDMX-CSV (a table in the words of registry.sdmx). In CSV, XLSX and SDMX-CSV a
text that a spreadsheet would run gets an apostrophe where it would begin to; how many, per column, is reported and
printed in the manifest.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from rustpy_xlsxwriter import Format as CellFormat
from rustpy_xlsxwriter import write_worksheet

from bagipakai.core.plan import Format
from bagipakai.registry.pseudonyms import IDENTIFIERS, TOKEN, Identifier, hexadecimal

XLSX_ROWS = 1_048_575  # rows of data in a sheet, below one row of names
XLSX_CELLS = 20_000_000  # a part of more cells could pass 512 MiB
XLSX_TEXT = 32_767  # characters in one cell
_DIGITS_KEPT = 10**15  # a spreadsheet keeps 15 digits; a longer whole number is written as text
_FIRST_DAY = date(1900, 3, 1)  # from here on spreadsheets agree what day it is; an earlier date is written as text

# What a spreadsheet takes for the start of a formula, also after blanks and in full width (OWASP, CSV injection);
# the apostrophe itself is guarded too, so that taking one away gives back the original.
_FORMULA = r"^(?:[\s\v\pZ]*[=+\-@|\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|[\t\r\n\x00'])"
_SUSPECT = np.zeros(256, dtype=bool)  # first bytes that are worth a closer look
_SUSPECT[[*b"=+-@|'\t\r\n\0 \v\f", 0xC2, 0xE2, 0xE3, 0xEF]] = True

# A spreadsheet that expects another sign between columns, as the Indonesian one does, takes quotes for text, and begins
# a cell behind each of these.
_WITHIN = r"([;\t\r\n])([ \f\v\pZ]*[=+\-@|\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|[\x00'])"
_SEPARATES = np.zeros(256, dtype=bool)
_SEPARATES[[*b";\t\r\n"]] = True


class PartFile(Protocol):
    """A file being written. `size` is bytes so far."""

    size: int

    def write(self, data: Any, /) -> int: ...


class Parts(Protocol):
    """Where parts go. `limit` is the most bytes one may hold, `sheet_rows` the most rows of a spreadsheet; `next()`
    ends the part before and begins one; `wrote` counts rows of the part that is open; `scratch` is a private folder
    that is wiped."""

    limit: int
    sheet_rows: int
    scratch: Path

    def next(self) -> PartFile: ...
    def wrote(self, rows: int) -> None: ...


class CellTooLong(Exception):
    """A text does not fit into a spreadsheet's cell. Names the column."""


Writer = Callable[[Iterator[pa.RecordBatch], pa.Schema, Parts], Counter[str]]


def writer(form: Format) -> Writer:
    """The function that writes batches of one schema into parts, at least one part, and returns how many cells of each
    column it guarded."""
    return {
        Format.CSV: _csv,
        Format.XLSX: _xlsx,
        Format.JSONL: _jsonl,
        Format.PARQUET: _parquet,
        Format.SDMX_CSV: _sdmx,
    }[form]


def guarded(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    """`batch` with an apostrophe wherever a spreadsheet could begin to run a text, and how many texts of a column have
    one. Taking away one in front, and one behind each `;`, tab and end of line, always gives back the original."""
    counts: Counter[str] = Counter()
    for at, field in enumerate(batch.schema):
        column = batch.column(at)
        if field.type == pa.string():
            safe = _guarded(column)
            if number := pc.sum(pc.not_equal(safe, column)).as_py() if safe is not column else 0:
                counts[field.name] = number
                batch = batch.set_column(at, field, safe)
    return batch, counts


def _guarded(column: pa.StringArray) -> pa.StringArray:
    """The column itself where no byte of it is worth a closer look."""
    if column.buffers()[2] is None or not len(column):
        return column
    starts = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    held = np.frombuffer(column.buffers()[2], dtype=np.uint8)
    safe = column
    if _SEPARATES[held[starts[0] : starts[-1]]].any():
        safe = pc.replace_substring_regex(safe, _WITHIN, r"\1'\2")
    if _SUSPECT[held[starts[:-1][np.diff(starts) > 0]]].any():
        found = pc.fill_null(pc.match_substring_regex(safe, _FORMULA), False)
        safe = pc.if_else(found, pc.binary_join_element_wise("'", safe, ""), safe)
    return safe


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Pseudonyms as hexadecimal digits, for formats made of characters."""
    for at, field in enumerate(batch.schema):
        if field.type == TOKEN:
            batch = batch.set_column(at, pa.field(field.name, pa.string()), hexadecimal(batch.column(at)))
    return batch


class _Rendered:
    """Writes rendered pieces, beginning a new part with its head whenever the next piece would pass the limit."""

    def __init__(self, parts: Parts, head: bytes) -> None:
        self._parts, self._head = parts, head
        self._file = self._begin()

    def _begin(self) -> PartFile:
        file = self._parts.next()
        file.write(self._head)
        return file

    def write(self, batch: pa.RecordBatch, render: Callable[[pa.RecordBatch], Any]) -> None:
        piece = render(batch)
        if self._file.size + len(piece) > self._parts.limit:
            if len(self._head) + len(piece) > self._parts.limit and batch.num_rows > 1:
                middle = batch.num_rows // 2
                self.write(batch.slice(0, middle), render)
                self.write(batch.slice(middle), render)
                return
            if self._file.size > len(self._head):
                self._file = self._begin()
        self._file.write(piece)
        self._parts.wrote(batch.num_rows)


def _csv(batches: Iterator[pa.RecordBatch], schema: pa.Schema, parts: Parts) -> Counter[str]:
    return _lines(batches, ",".join(f'"{name}"' for name in schema.names), parts)


def _sdmx(batches: Iterator[pa.RecordBatch], schema: pa.Schema, parts: Parts) -> Counter[str]:
    """CSV whose readers know it by its first word, which is not quoted. Columns are official names in upper case."""
    found = _lines(batches, ",".join(schema.names), parts)
    return Counter({name.lower(): number for name, number in found.items()})


def _lines(batches: Iterator[pa.RecordBatch], head: str, parts: Parts) -> Counter[str]:
    out, counts = _Rendered(parts, f"{head}\n".encode("ascii")), Counter[str]()
    for whole in batches:
        for batch in _narrow(whole, 1_000_000):
            safe, found = guarded(batch)
            counts += found
            out.write(_as_text(safe), _csv_text)
    return counts


def _narrow(batch: pa.RecordBatch, cells: int) -> Iterator[pa.RecordBatch]:
    """`batch` in slices of about so many cells: text takes more room than columns do."""
    rows = max(1, cells // max(1, batch.num_columns))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def csv_bytes(batch: pa.RecordBatch) -> bytes:
    """A small table of text as one CSV file, by the same rules."""
    head = ",".join(f'"{name}"' for name in batch.schema.names) + "\n"
    return head.encode("utf-8") + bytes(_csv_text(guarded(batch)[0]))


def _csv_text(batch: pa.RecordBatch) -> memoryview:
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(batch, sink, pa.csv.WriteOptions(include_header=False, batch_size=8192))
    return memoryview(sink.getvalue())


def _jsonl(batches: Iterator[pa.RecordBatch], schema: pa.Schema, parts: Parts) -> Counter[str]:
    out = _Rendered(parts, b"")
    for whole in batches:
        for batch in _narrow(whole, 1_000_000):
            out.write(_as_text(batch), _json_text)
    return Counter()


def _json_text(batch: pa.RecordBatch) -> memoryview:
    """One object a line, keys in column order. Joined column by column, about ten times faster than row by row."""
    pieces: list[Any] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        pieces += [f"{',' if pieces else '{'}{json.dumps(name)}:", pc.fill_null(_json_values(column), "null")]
    lines = pc.binary_join_element_wise(*pieces, "}\n", "").cast(pa.large_string())
    if not len(lines):
        return memoryview(b"")
    ends = np.frombuffer(lines.buffers()[1], dtype=np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(lines.buffers()[2])[int(ends[0]) : int(ends[-1])]


def _json_values(column: pa.Array) -> pa.Array:
    if column.type == pa.string():
        letters = np.frombuffer(column.buffers()[2] or b"", dtype=np.uint8)
        if (letters < 0x20).any():  # control characters: rare, so one by one
            texts = column.to_pylist()
            return pa.array(
                [None if text is None else json.dumps(text, ensure_ascii=False) for text in texts], pa.string()
            )
        if ((letters == 0x22) | (letters == 0x5C)).any():
            column = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
        return pc.binary_join_element_wise('"', column, '"', "")
    text = column.cast(pa.string())
    return pc.binary_join_element_wise('"', text, '"', "") if column.type == pa.date32() else text


def _parquet(batches: Iterator[pa.RecordBatch], schema: pa.Schema, parts: Parts) -> Counter[str]:
    room = parts.limit - parts.limit // 32  # the rest is for the footer: some 300 bytes per column and row group
    file = parts.next()
    out, rows = _parquet_file(file, schema), 0
    try:
        for whole in batches:
            for batch in _at_most(whole, room):
                if rows and file.size + batch.nbytes > room:
                    out.close()
                    file = parts.next()
                    out, rows = _parquet_file(file, schema), 0
                out.write_batch(batch, row_group_size=max(batch.num_rows, 1))
                rows += batch.num_rows
                parts.wrote(batch.num_rows)
    finally:
        out.close()
    return Counter()


def _at_most(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    """`batch` in slices of about `size` bytes each."""
    slices = -(-batch.nbytes // size)
    rows = max(1, -(-batch.num_rows // max(1, slices)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


# A pseudonym is random bytes: nothing can be saved by compressing them.
#
# Nearly each value once, or (a card number, in release order) beside its equals: a dictionary takes longer and more
# room than the column itself. Pseudonyms of card numbers lie shuffled: theirs pays.
_VARIED = frozenset({*IDENTIFIERS, Identifier.NIK.column})


def _parquet_file(file: Any, schema: pa.Schema) -> pa.parquet.ParquetWriter:
    return pa.parquet.ParquetWriter(
        file,
        schema,
        version="2.6",
        data_page_version="2.0",
        compression={name: "NONE" if schema.field(name).type == TOKEN else "ZSTD" for name in schema.names},
        compression_level={name: 3 for name in schema.names if schema.field(name).type != TOKEN},
        use_dictionary=[name for name in schema.names if name not in _VARIED],
    )


def _xlsx(batches: Iterator[pa.RecordBatch], schema: pa.Schema, parts: Parts) -> Counter[str]:
    counts: Counter[str] = Counter()
    rows = _cells(batches, counts)
    most = max(1, min(parts.sheet_rows, XLSX_CELLS // len(schema)))
    ahead = next(rows, None)
    while True:
        sheet = [ahead] if ahead is not None else []
        written = [0]
        file = parts.next()
        with _private_folder_for_temporary_files(parts.scratch):
            workbook = parts.scratch / "sheet.xlsx"
            try:
                _sheet(workbook, _counted(chain(sheet, islice(rows, most - len(sheet))), written), schema)
                with workbook.open("rb") as read:
                    while block := read.read(1024 * 1024):
                        file.write(block)
            finally:
                workbook.unlink(missing_ok=True)
        parts.wrote(written[0])
        ahead = next(rows, None)
        if ahead is None:
            return counts


def _cells(batches: Iterator[pa.RecordBatch], counts: Counter[str]) -> Iterator[dict[str, Any]]:
    """The rows, one mapping each, with values that a spreadsheet keeps as they are."""
    for whole in batches:
        for batch in _narrow(whole, 100_000):
            safe, found = guarded(batch)
            counts += found
            columns = [_cell_values(field, column) for field, column in zip(safe.schema, safe.columns, strict=True)]
            names = safe.schema.names
            for values in zip(*columns, strict=True):
                yield dict(zip(names, values, strict=True))


def _cell_values(field: pa.Field, column: pa.Array) -> list[Any]:
    if field.type == TOKEN:
        column = hexadecimal(column)
    values: list[Any] = column.to_pylist()
    if field.type == pa.string() and (pc.max(pc.utf8_length(column)).as_py() or 0) > XLSX_TEXT:
        raise CellTooLong(field.name)
    if field.type == pa.date32():
        return [day.isoformat() if day is not None and day < _FIRST_DAY else day for day in values]
    if field.type == pa.int64():
        return [str(one) if one is not None and abs(one) >= _DIGITS_KEPT else one for one in values]
    return values


def _counted(rows: Iterator[dict[str, Any]], written: list[int]) -> Iterator[dict[str, Any]]:
    for row in rows:
        written[0] += 1
        yield row


def _sheet(file: Path, rows: Iterator[dict[str, Any]], schema: pa.Schema) -> None:
    texts = [field.name for field in schema if field.type in (pa.string(), TOKEN)]
    formats = {name: CellFormat().set_num_format("@") for name in texts}
    formats |= {field.name: CellFormat().set_num_format("yyyy-mm-dd") for field in schema if field.type == pa.date32()}
    first = next(rows, None)
    # With no row the writer would not know the columns; an empty Arrow table tells it.
    data = schema.empty_table() if first is None else chain([first], rows)
    write_worksheet(
        data,
        str(file),
        sheet_name="Data",
        freeze_row=1,
        bold_headers=True,
        column_formats=formats,
        ignore_errors=texts,
    )
    file.chmod(0o600)


@contextmanager
def _private_folder_for_temporary_files(folder: Path) -> Iterator[None]:
    """The workbook writer keeps half-made sheets in the system's folder for temporary files: plaintext, where others
    could look. While it works, that folder is ours."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
