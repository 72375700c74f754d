"""What a sender's file is, by its content, and the shape in which every reader hands over its rows: as text."""

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core import workbooks
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract

CHUNK = 16 * 1024 * 1024  # bytes read at once
HASHED = 1024 * 1024
LONGEST_ROW = workbooks.LONGEST_ROW  # bytes; a longer one is no row but a damaged file or an attack
SHOWN = workbooks.SHOWN  # characters of such a row that go back
PARQUET, ZIP = b"PAR1", b"PK\x03\x04"  # how these files begin
BLANKS = "".join(letter for letter in map(chr, range(0x3001)) if unicodedata.category(letter) == "Zs")
_OUTER = np.zeros(256, dtype=bool)  # first and last bytes of a blank, and of much else
_OUTER[[0x20, *range(0x80, 256)]] = True
_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|([\x80-\xff])", re.DOTALL
)
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # in Windows-1252


OTHERS = (  # how files begin that are no table: documents, archives, pictures
    b"%PDF",
    b"\x1f\x8b",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
)


class Form(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSONL = "jsonl"


class SetBroken(Exception):
    """The file cannot be read as what it is; the whole set goes back. Carries the refusal."""

    def __init__(self, code: str, **detail: object) -> None:
        self.refusal = Refusal(code, {name: str(value) for name, value in detail.items()})
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Torn:
    """A row that has no columns to check: where it stands, why, and as it was sent."""

    line: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one file that were read together. `table`: the contract's columns in its order, all text, what is empty
    is null, blanks stand around none. `lines`: where each row stands as its sender counts (line, spreadsheet row).
    `text(i)`: row `i` as it was sent. `size`: bytes of the file that it took."""

    table: pa.Table
    lines: np.ndarray
    text: Callable[[int], str]
    torn: tuple[Torn, ...] = ()
    size: int = 0

    def __repr__(self) -> str:
        return f"<Piece of {self.table.num_rows} rows>"


class Headed(Protocol):
    """Columns of a file that nobody agreed: which of them are read, and under which names, its own header tells."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns that are read are called; known once the header was."""

    def likeness(self, cells: Sequence[str]) -> int:
        """How much a row looks like the header: more than 0 where it is one."""

    def places(self, header: Sequence[str], name: str) -> list[int]:
        """For each of `names`, where it stands in `header`. Raises SetBroken."""


Asked = Contract | Headed
Reader = Callable[["Weighed", Contract], Iterator[Piece]]
TITLES = 20  # rows above a header, in files that nobody agreed


@dataclass(frozen=True, slots=True)
class Weighed:
    """A file that was read through once: what it is. `name` is fit to be shown: no long number survives in it."""

    path: Path
    name: str
    form: Form
    encoding: str
    bytes: int


def weighed(path: Path, told: Callable[[int], object] | None = None) -> Weighed:
    """Reads the file once. Raises SetBroken for what no reader can read, OSError."""
    name = shown_name(path)
    size, head, blank, encoding = 0, b"", True, _Encoding()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            head, blank = head or chunk[:4096], blank and not chunk.strip()
            size += len(chunk)
            if not head.startswith((PARQUET, ZIP)):
                encoding.look(chunk)
            if told is not None:
                told(len(chunk))
    if blank:
        raise SetBroken("set-is-empty", file=name)
    form = _form(head, name)
    spelled = encoding.name(head, name) if form in (Form.CSV, Form.JSONL) else ""
    if form is Form.CSV and _decoded_head(head, spelled).lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        form = Form.JSONL
    return Weighed(path, name, form, spelled, size)


@contextmanager
def hashed(files: Sequence[Weighed]) -> Iterator[list[Future[str]]]:
    """The SHA-256 of each, in hexadecimal, found beside what goes on in the block: a thread of its own reads them, and
    stops where the block fails."""
    failed = Event()

    def of(path: Path) -> str:
        sha = hashlib.sha256()
        with path.open("rb") as file:
            while not failed.is_set() and (chunk := file.read(HASHED)):
                sha.update(chunk)
        return sha.hexdigest()

    with ThreadPoolExecutor(1) as beside:
        try:
            yield [beside.submit(of, file.path) for file in files]
        except BaseException:
            failed.set()
            raise


def shown_name(path: Path) -> str:
    """The name of the file without what could be somebody's number."""
    return re.sub(r"[0-9]{9,}", "…", re.sub(r"[\x00-\x1f\x7f]", "", path.name))[:100]


def _form(head: bytes, name: str) -> Form:
    if head.startswith(PARQUET):
        return Form.PARQUET
    if head.startswith(ZIP):
        return Form.XLSX
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # an old or a locked spreadsheet
        raise SetBroken("set-spreadsheet-is-locked", file=name)
    if head.startswith(OTHERS):
        raise SetBroken("set-format-is-unknown", file=name)
    return Form.CSV


def _decoded_head(head: bytes, encoding: str) -> str:
    return head[: len(head) // 4 * 4].decode(encoding, "replace")


class _Encoding:
    """Which encoding the bytes seen so far can be."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._pending = False
        self._good = self._lines = self._first = 0  # characters of UTF-8; lines so far; line of the first other byte
        self._utf8, self._undefined = True, False
        self._carry = b""

    def look(self, chunk: bytes) -> None:
        if self._utf8:
            if chunk.isascii() and not self._pending:
                self._lines += chunk.count(b"\n")
                return
            state = self._decoder.getstate()
            try:
                text = self._decoder.decode(chunk)
                self._pending = bool(self._decoder.getstate()[0])
                self._good += len(chunk) - len(text)
                self._lines += chunk.count(b"\n")
                return
            except UnicodeDecodeError:
                self._utf8, self._carry = False, state[0]
        data = self._carry + chunk
        for found in _UTF8.finditer(data):
            if found[1] is None:
                self._good += 1
            else:
                self._first = self._first or self._lines + data.count(b"\n", 0, found.start()) + 1
        self._undefined = self._undefined or _UNDEFINED.search(data) is not None
        self._lines += data.count(b"\n")
        self._carry = b""

    def name(self, head: bytes, file: str) -> str:
        """Raises SetBroken for bytes of two encodings."""
        for mark, told in (
            (codecs.BOM_UTF8, "utf-8-sig"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
        ):
            if head.startswith(mark):
                if told == "utf-8-sig" and (not self._utf8 or self._pending):
                    raise SetBroken("set-encoding-is-mixed", file=file, line=self._first or self._lines + 1)
                return told
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) * 5 > len(head) and min(even, odd) * 20 < len(head):
            return "utf-16-le" if odd > even else "utf-16-be"
        if self._utf8 and not self._pending:
            return "utf-8"
        if self._good:
            raise SetBroken("set-encoding-is-mixed", file=file, line=self._first or self._lines + 1)
        return "latin-1" if self._undefined else "cp1252"


def likeness(cells: Sequence[str], asked: Asked) -> int:
    """How much a row looks like the header that is asked for."""
    if isinstance(asked, Contract):
        return len({cell.strip().casefold() for cell in cells} & set(asked.names))
    return asked.likeness(cells)


def header_among(rows: Sequence[Sequence[str]], asked: Asked) -> int:
    """Which of the first rows of a file is its header: the first, but for titles above one that nobody agreed."""
    if isinstance(asked, Contract):
        return 0
    likely = [asked.likeness(cells) for cells in rows[:TITLES]]
    return likely.index(max(likely)) if likely else 0


def matched(header: Sequence[str], contract: Asked, name: str) -> list[int]:
    """For each column of the contract, where it stands in `header`. Names may differ in case and outer blanks, and
    columns may stand in any order. Raises SetBroken; what stands in a header is never repeated, since a file without
    one begins with a person."""
    if not isinstance(contract, Contract):
        return contract.places(header, name)
    told = [cell.strip().strip("\ufeff").casefold() for cell in header]
    wanted = contract.names
    if not set(told) & set(wanted):
        raise SetBroken("set-has-no-header", file=name, first=wanted[0])
    for column in wanted:
        if told.count(column) > 1:
            raise SetBroken("set-column-stands-twice", file=name, column=column)
        if column not in told:
            raise SetBroken("set-column-is-missing", file=name, column=column)
    for place, cell in enumerate(told, start=1):
        if cell not in wanted:
            raise SetBroken("set-column-is-unknown", file=name, place=place)
    return [told.index(column) for column in wanted]


def unblanked(table: pa.Table) -> pa.Table:
    """Without the blanks (Unicode Zs) around values; what is empty then is null. A column is touched only if
    its first and last bytes could be blanks: nearly none has any."""
    for at, column in enumerate(table.columns):
        chunks = [pc.utf8_trim(chunk, BLANKS) if _may_have_blanks(chunk) else chunk for chunk in column.chunks]
        if any(new is not old for new, old in zip(chunks, column.chunks, strict=True)):
            trimmed = pa.chunked_array(chunks, pa.string())
            empty = pc.equal(trimmed, "")
            table = table.set_column(at, table.field(at), pc.if_else(empty, pa.scalar(None, pa.string()), trimmed))
    return table


def _may_have_blanks(column: pa.StringArray) -> bool:
    if column.buffers()[2] is None or not len(column):
        return False
    ends = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    filled = np.diff(ends) > 0
    letters = np.frombuffer(column.buffers()[2], np.uint8)
    first, last = letters[ends[:-1][filled]], letters[ends[1:][filled] - 1]
    return bool(_OUTER[first].any() or _OUTER[last].any())


def texts(contract: Asked) -> pa.Schema:
    """The schema of a Piece's table."""
    return pa.schema([(name, pa.string()) for name in contract.names])
