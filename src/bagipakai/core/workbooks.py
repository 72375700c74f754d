"""XLSX, row by row, with the standard library alone. Before anything is read, the archive is weighed: a few hundred
bytes may claim to be gigabytes.

A number of more than 15 digits has lost its last ones in the spreadsheet, however it is shown: it is handed on as
`3.20101450380000E+15`, so that one rule finds it. No spreadsheet keeps a sixteenth digit but 0: where another stands, a
program wrote the file, and all sixteen are handed on. Dates are what the cell's format says. ECMA-376 parts 1 and 2.
"""

import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

ENTRIES, RATIO = 2_000, 200  # most entries; most bytes for one compressed byte, of an entry over a MiB
BYTES, STRINGS, SMALL = 16 * 1024**3, 256 * 1024**2, 16 * 1024**2  # most, uncompressed: of all, of strings, of the rest
READ = 256 * 1024  # bytes read at once
LONGEST_ROW = 1024 * 1024  # letters; a longer one is no row but a damaged file or an attack
SHOWN = 2_000  # letters that are kept of such a row
EXACT = 2**53  # doubles hold each whole number up to here
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
DAMAGE = (
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


class Unsafe(Exception):
    pass


class TooLarge(Exception):
    pass


class Unreadable(Exception):
    """No workbook with one sheet that has rows."""


def weigh(archive: zipfile.ZipFile, size: int) -> None:
    """Raises Unsafe for an archive that claims more than its bytes can hold. What an entry claims is also the most
    that is read of it."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > ENTRIES or len(set(names)) != len(names):
        raise Unsafe
    if sum(entry.compress_size for entry in entries) > size or sum(entry.file_size for entry in entries) > BYTES:
        raise Unsafe
    for entry in entries:
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unsafe
        if entry.file_size > 1024 * 1024 and entry.file_size > RATIO * entry.compress_size:
            raise Unsafe
        if entry.filename == "xl/sharedStrings.xml":
            if entry.file_size > STRINGS:
                raise TooLarge
        elif not entry.filename.startswith("xl/worksheets/") and entry.file_size > SMALL:
            raise Unsafe  # a picture of this size belongs in no set either


def xml_parser() -> Any:
    """An XML parser that knows no document type, so no entity of anybody's making."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: Any) -> int:
        raise Unsafe

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def _parsed(source: IO[bytes], start: Any, end: Any = None, text: Any = None) -> None:
    parser = xml_parser()
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    while data := source.read(READ):
        parser.Parse(data, False)
    parser.Parse(b"", True)


def has_cells(archive: zipfile.ZipFile, sheet: str) -> bool:
    with archive.open(sheet) as source:
        carry = b""
        while data := source.read(READ):
            if re.search(rb"<(?:\w+:)?(?:v|t)[ >]", carry + data):
                return True
            carry = data[-16:]
    return False


class Book:
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
class Row:
    """A row, where it stands, and how long it is. Cells are texts, or numbers of shared ones: a few bytes may name a
    long text a thousand times. Of a row that is too long only the beginning is kept."""

    line: int
    cells: dict[int, str | int] = field(default_factory=dict)
    letters: int = 0

    @property
    def is_too_long(self) -> bool:
        return self.letters > LONGEST_ROW


class Sheet:
    """Takes the events of one sheet, and keeps rows until they are asked for."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.rows: list[Row] = []
        self._row, self._column = Row(0), -1
        self._kind, self._style = "n", 0
        self._parts: list[str] = []
        self._listening = False

    def parser(self) -> Any:
        parser = xml_parser()
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.text
        return parser

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
            self._row, self._column = Row(row), -1

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


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of the one sheet that has any, as a person would have typed them, each with its number. Raises OSError,
    and Unreadable, also half-way."""
    with path.open("rb") as file:
        try:
            yield from _rows(file, path.stat().st_size)
        except (Unsafe, TooLarge, *DAMAGE):
            raise Unreadable from None


def _rows(file: IO[bytes], size: int) -> Iterator[tuple[int, list[str]]]:
    with zipfile.ZipFile(file) as archive:
        weigh(archive, size)
        book = Book(archive)
        sheets = [sheet for sheet in book.sheets() if has_cells(archive, sheet)]
        if len(sheets) != 1:
            raise Unreadable
        sheet = Sheet(book)
        parser = sheet.parser()
        with archive.open(sheets[0]) as source:
            while data := source.read(READ):
                parser.Parse(data, False)
                yield from _taken(sheet)
            parser.Parse(b"", True)
            yield from _taken(sheet)


def _taken(sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    for row in sheet.rows:
        if row.is_too_long:
            raise Unreadable
        yield row.line, [sheet.book.string(row.cells.get(at, "")) for at in range(max(row.cells) + 1)]
    sheet.rows.clear()
