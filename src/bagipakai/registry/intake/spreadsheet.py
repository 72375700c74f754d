"""XLSX, row by row. Before anything is read, the archive is weighed: a few hundred bytes may claim to be gigabytes.

A number of more than 15 digits has lost its last ones in the spreadsheet, however it is shown: it is handed on as
`3.20101450380000E+15`, so that one rule finds it. No spreadsheet keeps a sixteenth digit but 0: where another stands, a
program wrote the file, and all sixteen are handed on. Dates are what the cell's format says. ECMA-376 parts 1 and 2.
"""

import csv
import io
import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import IO, Any
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from bagipakai.registry.intake.columnar import EXACT
from bagipakai.registry.intake.reading import (
    LONGEST_ROW,
    SHOWN,
    TITLES,
    Asked,
    Piece,
    SetBroken,
    Torn,
    Weighed,
    header_among,
    matched,
    texts,
    unblanked,
)

ENTRIES, RATIO = 2_000, 200  # most entries; most bytes for one compressed byte, of an entry over a MiB
BYTES, STRINGS, SMALL = 16 * 1024**3, 256 * 1024**2, 16 * 1024**2  # most, uncompressed: of all, of strings, of the rest
ROWS, READ = 8_192, 256 * 1024  # rows of a piece; bytes read at once
LETTERS = 16 * 1024**2  # most of a piece: few bytes may refer to a long text again and again
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    struct.error,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_DATE_CODES = {14, 15, 16, 17, 22, *range(27, 37), 45, 46, 47, *range(50, 59)}
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class _Unsafe(Exception):
    pass


class _TooLarge(Exception):
    pass


def pieces(file: Weighed, contract: Asked) -> Iterator[Piece]:
    """The rows of the one sheet of the file that has any; the first that is not empty names the columns. Raises
    SetBroken."""
    name = file.name
    try:
        with zipfile.ZipFile(file.path) as archive:
            _weigh(archive, file.bytes)
            if not any(one.startswith("xl/") for one in archive.namelist()):  # a text document, or any other archive
                raise SetBroken("set-format-is-unknown", file=name)
            book = _Book(archive)
            sheets = [sheet for sheet in book.sheets() if _has_cells(archive, sheet)]
            if len(sheets) != 1:
                raise SetBroken("set-has-more-sheets" if sheets else "set-is-empty", file=name)
            yield from _rows(book, sheets[0], file, contract)
    except _Unsafe:
        raise SetBroken("set-spreadsheet-is-unsafe", file=name) from None
    except _TooLarge:
        raise SetBroken("set-spreadsheet-is-too-large", file=name) from None
    except _DAMAGE:
        raise SetBroken("set-file-is-damaged", file=name) from None


def _weigh(archive: zipfile.ZipFile, size: int) -> None:
    """Raises _Unsafe for an archive that claims more than its bytes can hold. What an entry claims is also the most
    that is read of it."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > ENTRIES or len(set(names)) != len(names):
        raise _Unsafe
    if sum(entry.compress_size for entry in entries) > size or sum(entry.file_size for entry in entries) > BYTES:
        raise _Unsafe
    for entry in entries:
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _Unsafe
        if entry.file_size > 1024 * 1024 and entry.file_size > RATIO * entry.compress_size:
            raise _Unsafe
        if entry.filename == "xl/sharedStrings.xml":
            if entry.file_size > STRINGS:
                raise _TooLarge
        elif not entry.filename.startswith("xl/worksheets/") and entry.file_size > SMALL:
            raise _Unsafe  # a picture of this size belongs in no set either


def _parser() -> Any:
    """An XML parser that knows no document type, so no entity of anybody's making."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: Any) -> int:
        raise _Unsafe

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def _parsed(source: IO[bytes], start: Any, end: Any = None, text: Any = None) -> None:
    parser = _parser()
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    while data := source.read(READ):
        parser.Parse(data, False)
    parser.Parse(b"", True)


def _has_cells(archive: zipfile.ZipFile, sheet: str) -> bool:
    with archive.open(sheet) as source:
        carry = b""
        while data := source.read(READ):
            if re.search(rb"<(?:\w+:)?(?:v|t)[ >]", carry + data):
                return True
            carry = data[-16:]
    return False


class _Book:
    """The parts of a workbook that cells refer to."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self._ends, self._letters = array("Q", [0]), bytearray()
        self.dates: list[bool] = []
        self.from_1904 = False
        self._targets: dict[str, str] = {}
        self._order: list[str] = []
        names = set(archive.namelist())
        self._read("xl/_rels/workbook.xml.rels", self._relation)
        self._read("xl/workbook.xml", self._sheet)
        if "xl/styles.xml" in names:
            self._styles()
        if "xl/sharedStrings.xml" in names:
            self._strings()

    def _read(self, name: str, start: Any, end: Any = None, text: Any = None) -> None:
        try:
            source = self.archive.open(name)
        except KeyError:
            raise zipfile.BadZipFile from None
        with source:
            _parsed(source, start, end, text)

    def _relation(self, tag: str, told: dict[str, str]) -> None:
        if tag.endswith(" Relationship") and told.get("TargetMode") != "External":
            target = told.get("Target", "")
            self._targets[told.get("Id", "")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"

    def _sheet(self, tag: str, told: dict[str, str]) -> None:
        if tag.endswith(" sheet"):
            self._order += [value for key, value in told.items() if key.endswith("relationships id")]
        elif tag.endswith(" workbookPr"):
            self.from_1904 = told.get("date1904") in ("1", "true")

    def sheets(self) -> list[str]:
        names = set(self.archive.namelist())
        found = [self._targets.get(one, "") for one in self._order]
        if not set(found) <= names:
            raise zipfile.BadZipFile
        return [name for name in found if "worksheets/" in name]

    def _styles(self) -> None:
        own: dict[int, str] = {}
        inside = False

        def start(tag: str, told: dict[str, str]) -> None:
            nonlocal inside
            word = tag.rpartition(" ")[2]
            if word == "numFmt":
                own[int(told["numFmtId"])] = told.get("formatCode", "")
            elif word == "cellXfs":
                inside = True
            elif word == "xf" and inside:
                code = int(told.get("numFmtId", "0"))
                self.dates.append(_is_date(own[code]) if code in own else code in _DATE_CODES)

        def end(tag: str) -> None:
            nonlocal inside
            inside = inside and not tag.endswith(" cellXfs")

        self._read("xl/styles.xml", start, end)

    def _strings(self) -> None:
        """All shared texts, one after the other: a list of them would take ten times the memory."""
        state = {"text": False, "skip": 0}

        def start(tag: str, _: dict[str, str]) -> None:
            word = tag.rpartition(" ")[2]
            state["text"] = word == "t" and not state["skip"]
            state["skip"] += word == "rPh"

        def end(tag: str) -> None:
            word = tag.rpartition(" ")[2]
            state["text"] = False
            state["skip"] -= word == "rPh"
            if word == "si":
                self._ends.append(len(self._letters))

        def text(data: str) -> None:
            if state["text"]:
                self._letters.extend(data.encode())

        self._read("xl/sharedStrings.xml", start, end, text)

    def length(self, at: int) -> int:
        """Bytes of a shared text. Raises ValueError where there is none."""
        if not 0 <= at < len(self._ends) - 1:
            raise ValueError("no such text")
        return self._ends[at + 1] - self._ends[at]

    def string(self, cell: "str | int", most: int = LONGEST_ROW) -> str:
        """What stands in a cell, or its first bytes."""
        if isinstance(cell, str):
            return cell[:most]
        start, end = self._ends[cell], self._ends[cell + 1]
        return self._letters[start : min(end, start + most)].decode(errors="ignore")


def _is_date(form: str) -> bool:
    bare = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", form)
    return re.search(r"[dmyDMY]", bare) is not None and "#" not in bare and "0" not in bare


@dataclass(slots=True)
class _Row:
    """A row, where it stands, and how long it is. Cells are texts, or numbers of shared ones: a few bytes may name a
    long text a thousand times. Of a row that is too long only the beginning is kept."""

    line: int
    cells: dict[int, str | int] = field(default_factory=dict)
    letters: int = 0

    @property
    def is_too_long(self) -> bool:
        return self.letters > LONGEST_ROW


class _Sheet:
    """Takes the events of one sheet, and keeps rows until they are asked for."""

    def __init__(self, book: _Book) -> None:
        self.book = book
        self.rows: list[_Row] = []
        self._row, self._column = _Row(0), -1
        self._kind, self._style = "n", 0
        self._parts: list[str] = []
        self._listening = False

    def start(self, tag: str, told: dict[str, str]) -> None:
        word = tag.rpartition(" ")[2]
        if word == "c":
            place = told.get("r")
            self._column = _column(place) if place else self._column + 1
            self._kind, self._style = told.get("t", "n"), int(told.get("s", "0"))
            self._parts = []
            if self._column >= MOST_COLUMNS:
                raise ValueError("too many columns")
        elif word in ("v", "t"):
            self._listening = True
        elif word == "row":
            row = int(told.get("r", self._row.line + 1))
            if not self._row.line < row <= MOST_ROWS:
                raise ValueError("rows out of order")
            self._row, self._column = _Row(row), -1

    def text(self, data: str) -> None:
        if self._listening and not self._row.is_too_long:
            self._parts.append(data)
            self._row.letters += len(data)

    def end(self, tag: str) -> None:
        word = tag.rpartition(" ")[2]
        if word in ("v", "t"):
            self._listening = False
        elif word == "c":
            if self._parts:
                raw = "".join(self._parts)
                self._row.cells[self._column] = raw[:SHOWN] if self._row.is_too_long else self._value(raw)
        elif word == "row" and self._row.cells:
            self.rows.append(self._row)

    def _value(self, raw: str) -> str | int:
        match self._kind:
            case "s":
                self._row.letters += self.book.length(int(raw))
                return int(raw)
            case "n":
                dates = self.book.dates
                return _number(raw, self._style < len(dates) and dates[self._style], self.book.from_1904)
            case "d":
                return raw[:10] if raw[10:] in ("", "T00:00:00", "T00:00:00Z", "T00:00:00.000") else raw
        return raw


def _column(place: str) -> int:
    number = 0
    for letter in place:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    if not number:
        raise ValueError("no column")
    return number - 1


def _number(raw: str, is_date: bool, from_1904: bool) -> str:
    """The text of a number as a person would have typed it."""
    value = float(raw)
    if is_date and value.is_integer() and 0 <= value < 2_958_466:
        start = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
        return (start + timedelta(days=int(value))).isoformat()
    if value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    if value < EXACT and re.fullmatch(r"\d{15}[1-9]", raw):
        return f"{value:.15E}"
    if abs(value) >= 10**15:
        return f"{value:.14E}"
    return raw


def _rows(book: _Book, name: str, file: Weighed, contract: Asked) -> Iterator[Piece]:
    sheet, order, width, done = _Sheet(book), None, 0, 0
    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = sheet.start, sheet.end
    parser.CharacterDataHandler = sheet.text
    total = max(1, book.archive.getinfo(name).file_size)
    with book.archive.open(name) as source:
        while True:
            data = source.read(READ)
            parser.Parse(data, not data)
            done += len(data)
            if order is None and (len(sheet.rows) >= TITLES or (sheet.rows and not data)):
                first = [_told(book, row) for row in sheet.rows[:TITLES]]
                above = header_among(first, contract)
                names, sheet.rows = first[above], sheet.rows[above + 1 :]
                width = len(names)
                order = matched(names, contract, file.name)
            while (
                order is not None
                and sheet.rows
                and ((some := _together(sheet.rows)) < len(sheet.rows) or some == ROWS or not data)
            ):
                yield _piece(book, sheet.rows[:some], order, width, contract, file.bytes * done // total)
                sheet.rows, done = sheet.rows[some:], 0
            if not data:
                break


def _told(book: _Book, row: _Row) -> list[str]:
    """The beginnings of its cells."""
    return [book.string(row.cells.get(at, ""), SHOWN) for at in range(max(row.cells) + 1)]


def _together(rows: list[_Row]) -> int:
    """How many of the first rows make a piece: at least one."""
    letters = 0
    for at, row in enumerate(rows):
        letters += min(row.letters, LONGEST_ROW)
        if at == ROWS or (at and letters > LETTERS):
            return at
    return len(rows)


def _piece(book: _Book, rows: list[_Row], order: list[int], width: int, contract: Asked, size: int) -> Piece:
    torn = [
        Torn(row.line, "row-is-ragged" if max(row.cells) >= width else "row-is-too-long", _csv(book, row, SHOWN))
        for row in rows
        if max(row.cells) >= width or row.is_too_long
    ]
    gone = {one.line for one in torn}
    kept = [row for row in rows if row.line not in gone]
    columns = [
        pa.array([book.string(row.cells.get(place, "")) or None for row in kept], pa.string()) for place in order
    ]
    lines = np.array([row.line for row in kept], np.int64)
    table = unblanked(pa.table(columns, schema=texts(contract)))
    return Piece(table, lines, lambda at: _csv(book, kept[at]), tuple(torn), size)


def _csv(book: _Book, row: _Row, most: int = LONGEST_ROW) -> str:
    """The row as it was sent, or its beginning."""
    out = io.StringIO()
    cells = [book.string(row.cells.get(at, ""), most) for at in range(max(row.cells) + 1)]
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()[:most]
