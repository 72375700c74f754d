"""CSV as ministries send it: any usual encoding, comma, semicolon, tab or pipe, quoted fields with line breaks.

Where a row ends is found here, for each block of some MiB, by counting quotes: an even number before a line break
means that it ends a row. That is sound only if each quote opens, closes or is doubled; a block in which one does not is
read character by character instead (`_walked`), and both ways mean the same (tests/registry/intake/test_agreement.py).
Blocks are then parsed side by side. RFC 4180.
"""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.csv

from bagipakai.core.sources import Contract
from bagipakai.registry.intake.reading import (
    CHUNK,
    LONGEST_ROW,
    SHOWN,
    TITLES,
    Asked,
    Piece,
    SetBroken,
    Torn,
    Weighed,
    header_among,
    likeness,
    matched,
    texts,
    unblanked,
)

DELIMITERS = ",;\t|"
AHEAD = 2  # blocks parsed before they are asked for
HEADER = 64 * 1024  # bytes of a row that could be a header nobody agreed
LF, CR, QUOTE = 10, 13, 34
# How blanks beyond ASCII begin in UTF-8 (reading.BLANKS).
BLANKS = (b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80")


def pieces(file: Weighed, contract: Asked) -> Iterator[Piece]:
    """The rows of the file. Raises SetBroken, also half-way."""
    blocks = _Blocks(file, contract)
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[Future[Piece]] = deque()
        try:
            for block in blocks:
                waiting.append(pool.submit(_parsed, block, blocks))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass(slots=True)
class _Block:
    """Whole rows, as UTF-8; `line` is where the first stands. `starts` and `ends` of each, its line break left out;
    `broken`: a line break stands in a value. If quotes do not tell where rows end, `rows` were read one by one."""

    data: bytes
    line: int
    size: int
    starts: np.ndarray
    ends: np.ndarray
    lines: np.ndarray
    rows: list[list[str | None]] | None = None
    torn: list[Torn] = field(default_factory=list)
    broken: bool = False


class _Blocks:
    """Cuts a file into blocks of whole rows. After the header: `delimiter`, and `places` of the contract's columns."""

    def __init__(self, file: Weighed, contract: Asked) -> None:
        self.contract, self.file = contract, file
        self.delimiter, self.header, self.places = b",", [""], [0]
        self.line, self._cr = 1, False  # line that comes next; lines end with CR alone
        self._headed = self._hinted = False

    def __iter__(self) -> Iterator[_Block]:
        carry, skipping = b"", False
        for chunk, last in decoded(self.file):
            if not self._headed and not self._cr:
                self._cr = b"\n" not in chunk and b"\r" in chunk
            data = carry + (chunk.replace(b"\r", b"\n") if self._cr else chunk)
            if skipping:  # the rest of a row that is too long
                at = data.find(b"\n")
                if at < 0:
                    carry = b""
                    continue
                data, skipping, self.line = data[at + 1 :], False, self.line + 1
            if last and data and not data.endswith(b"\n"):
                data += b"\n"
            if not self._headed:
                data = self._head(data)
            block, used = self._cut(data, len(chunk))
            carry = data[used:]
            if len(carry) > LONGEST_ROW:
                self._must_be_one_line(carry)
                block.torn.append(Torn(self.line, "row-is-too-long", shown(carry)))
                carry, skipping = b"", True
            yield block
        if carry.strip():
            raise SetBroken("set-quote-stays-open", file=self.file.name, line=self.line)

    def _must_be_one_line(self, carry: bytes) -> None:
        if b"\n" in carry:
            raise SetBroken("set-quote-stays-open", file=self.file.name, line=self.line)

    def _head(self, data: bytes) -> bytes:
        """Reads the names of the columns, and returns what follows."""
        data = self._untitled(data)
        while data:
            line, _, rest = data.partition(b"\n")
            told = line.decode("utf-8", "replace").strip("\ufeff\r\n ")
            self.line += 1
            if hint := re.fullmatch(r"sep=([,;\t|])", told, re.IGNORECASE):
                self._hinted, self.delimiter = True, hint[1].encode()
            elif told:
                self._named(told)
                return rest
            data = rest
        raise SetBroken("set-is-empty", file=self.file.name)

    def _untitled(self, data: bytes) -> bytes:
        """What begins with the header, if titles may stand above it."""
        if isinstance(self.contract, Contract):
            return data
        rows = _first_rows(data)
        told = [row[:HEADER].decode("utf-8", "replace").strip("\ufeff\r\n ") for row in rows]
        read = [max((_cells(row, way) for way in DELIMITERS), key=self.contract.likeness) for row in told]
        above = header_among(read, self.contract)
        if not rows or told[0].lower().startswith("sep="):
            return data
        passed, header = sum(len(row) + 1 for row in rows[:above]), rows[above]
        self.line += data.count(b"\n", 0, passed) + header.count(b"\n")
        return header.replace(b"\n", b" ") + data[passed + len(header) :]

    def _named(self, told: str) -> None:
        ways = [self.delimiter.decode()] if self._hinted else DELIMITERS
        read = {way: _cells(told[:LONGEST_ROW], way) for way in ways}
        way = max(ways, key=lambda way: likeness(read[way], self.contract))
        self.delimiter, self.header, self._headed = way.encode(), read[way], True
        self.places = matched(self.header, self.contract, self.file.name)

    def _cut(self, data: bytes, size: int) -> tuple[_Block, int]:
        """The block of all whole rows at the beginning of `data`, and how many bytes they take."""
        found = _ends(data, self.delimiter)
        if found is None:
            block, used = _walked(data, self, size)
            self.line += data.count(b"\n", 0, used)
        else:
            ends, breaks = found
            used = int(ends[-1]) + 1 if len(ends) else 0
            starts = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1])
            passed = int(np.searchsorted(breaks, used))
            lines = self.line + (np.searchsorted(breaks, starts) if passed > len(ends) else np.arange(passed))
            block = _Block(data[:used], self.line, size, starts, ends, lines, broken=passed > len(ends))
            _set_aside(block)
            self.line += passed
        return block, used


def _first_rows(data: bytes) -> list[bytes]:
    """The rows at the beginning; one whose quote stays open goes on for a few lines, as names of columns do."""
    rows, lines = [], data.split(b"\n", 2 * TITLES)[: 2 * TITLES]
    while lines:
        whole = next((n for n in range(1, 6) if b"\n".join(lines[:n]).count(b'"') % 2 == 0), 1)
        rows.append(b"\n".join(lines[:whole]))
        lines = lines[whole:]
    return rows


def _cells(told: str, delimiter: str) -> list[str]:
    """The cells of a header; none where one is longer than any name could be."""
    try:
        return next(csv.reader(io.StringIO(told), delimiter=delimiter), [""])
    except csv.Error:
        return [""]


def decoded(file: Weighed) -> Iterator[tuple[bytes, bool]]:
    """The content as UTF-8, chunk by chunk, and whether it is the last."""
    plain = file.encoding in ("utf-8", "utf-8-sig")
    decoder = codecs.getincrementaldecoder(file.encoding)()
    done = 0
    with file.path.open("rb") as source:
        while chunk := source.read(CHUNK):
            first, done = done == 0, done + len(chunk)
            last = done >= file.bytes
            if plain:
                yield (chunk.removeprefix(codecs.BOM_UTF8) if first else chunk), last
                continue
            try:
                text = decoder.decode(chunk, last)
            except UnicodeDecodeError:
                raise SetBroken("set-encoding-is-unknown", file=file.name) from None
            yield (text.removeprefix("\ufeff") if first else text).encode("utf-8", "surrogatepass"), last


def _ends(data: bytes, delimiter: bytes) -> tuple[np.ndarray, np.ndarray] | None:
    """Where rows end (at their LF), and where every LF is; None if quotes or carriage returns leave it open."""
    if b"\r" in data and data.count(b"\r") - data.endswith(b"\r") != data.count(b"\r\n"):
        return None
    letters = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(letters == LF)
    if b'"' not in data:
        return breaks, breaks
    quotes = np.flatnonzero(letters == QUOTE)
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    fences = np.array([*delimiter, LF, QUOTE], np.uint8)
    before = np.where(quotes > 0, letters[np.maximum(quotes, 1) - 1], LF)[0::2]
    closing = quotes[1::2]
    after = letters[closing[closing < len(data) - 1] + 1]
    ok = np.isin(before, fences).all() and np.isin(after, np.append(fences, CR).astype(np.uint8)).all()
    return (ends, breaks) if ok else None


def _set_aside(block: _Block) -> None:
    """Leaves out empty lines and rows that are too long, and what stands before a line break."""
    if not len(block.ends):
        return
    if b"\r" in block.data:  # where quotes told, before a line break alone
        letters = np.frombuffer(block.data, np.uint8)
        block.ends = block.ends - ((letters[np.maximum(block.ends, 1) - 1] == CR) & (block.ends > block.starts))
    length = block.ends - block.starts
    long = np.flatnonzero(length > LONGEST_ROW)
    for at in long:
        text = block.data[block.starts[at] : block.starts[at] + 4 * SHOWN]
        block.torn.append(Torn(int(block.lines[at]), "row-is-too-long", shown(text)))
    whole = np.flatnonzero((length > 0) & (length <= LONGEST_ROW))
    if len(whole) < len(length):
        block.starts, block.ends, block.lines = block.starts[whole], block.ends[whole], block.lines[whole]
        if len(long):
            kept = [block.data[start:end] for start, end in zip(block.starts, block.ends, strict=True)]
            block.data = b"".join(row + b"\n" for row in kept)
            sizes = np.array([len(row) for row in kept], np.int64)
            block.ends = np.cumsum(sizes + 1) - 1
            block.starts = block.ends - sizes


def _parsed(block: _Block, blocks: _Blocks) -> Piece:
    contract, names = blocks.contract, [str(at) for at in range(len(blocks.header))]
    if block.rows is None and len(block.starts):
        ragged: list[int] = []

        def skip(row: pa.csv.InvalidRow) -> str:
            ragged.append(row.number - 1)
            return "skip"

        table = pa.csv.read_csv(
            pa.py_buffer(block.data),
            pa.csv.ReadOptions(use_threads=False, column_names=names, block_size=2 * LONGEST_ROW),
            pa.csv.ParseOptions(
                delimiter=blocks.delimiter.decode(),
                newlines_in_values=block.broken,
                invalid_row_handler=skip,
            ),
            pa.csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[names[place] for place in blocks.places],
                null_values=[""],
                strings_can_be_null=True,
            ),
        ).rename_columns(list(contract.names))
        if _may_have_blanks(block.data, blocks.delimiter):
            table = unblanked(table)
        if table.num_rows + len(ragged) != len(block.starts):
            raise RuntimeError("rows were cut in two ways")
    else:
        rows = block.rows or []
        ragged = [at for at, row in enumerate(rows) if len(row) != len(names)]
        whole = [row for row in rows if len(row) == len(names)]
        columns = [pa.array([row[place] for row in whole], pa.string()) for place in blocks.places]
        table = unblanked(pa.table(columns, schema=texts(contract)))
    torn = [Torn(int(block.lines[at]), "row-is-ragged", _row_text(block, at)) for at in ragged]
    kept = np.delete(np.arange(len(block.starts)), ragged) if ragged else np.arange(len(block.starts))
    found = tuple(sorted([*block.torn, *torn], key=lambda one: one.line))
    return Piece(table, block.lines[kept], lambda at: _row_text(block, int(kept[at])), found, block.size)


def _may_have_blanks(data: bytes, delimiter: bytes) -> bool:
    """Whether a blank may stand beside the fence of a value; else no column needs to be looked at."""
    if not data.isascii() and any(blank in data for blank in BLANKS):
        return True
    letters = np.frombuffer(data, np.uint8)
    blanks = np.flatnonzero(letters == 0x20)
    fences = np.zeros(256, dtype=bool)
    fences[[*delimiter, LF, CR, QUOTE, 0x20]] = True
    return bool(data[:1] == b" " or fences[letters[blanks - 1]].any() or fences[letters[blanks + 1]].any())


def _row_text(block: _Block, at: int) -> str:
    return block.data[block.starts[at] : block.ends[at]].decode("utf-8", "replace")


def shown(data: bytes) -> str:
    return data[: 4 * SHOWN].decode("utf-8", "replace")[:SHOWN] + " …"


def _walked(data: bytes, blocks: _Blocks, size: int) -> tuple[_Block, int]:
    """The same block, one character after the other: a quote that stands inside an unquoted field is a character; a
    quoted field after whose last quote something else follows tears its row."""
    line, start = blocks.line, 0
    starts: list[int] = []
    ends: list[int] = []
    lines: list[int] = []
    rows: list[list[str | None]] = []
    torn: list[Torn] = []
    for row, end, stray in _rows(data, blocks.delimiter):
        text_end = end - 1 if end > start and data[end - 1] == CR else end
        if text_end - start > LONGEST_ROW:
            torn.append(Torn(line, "row-is-too-long", shown(data[start : start + 4 * SHOWN])))
        elif stray:
            torn.append(Torn(line, "quote-is-stray", data[start:text_end].decode("utf-8", "replace")))
        elif text_end > start:
            starts.append(start)
            ends.append(text_end)
            lines.append(line)
            rows.append([cell or None for cell in row])
        line += data.count(b"\n", start, end + 1)
        start = end + 1
    places, line_ends, numbers = (np.array(found, np.int64) for found in (starts, ends, lines))
    return _Block(data[:start], blocks.line, size, places, line_ends, numbers, rows, torn), start


def _rows(data: bytes, delimiter: bytes) -> Iterator[tuple[list[str], int, bool]]:
    """Cells, where the row's LF is, and whether a quote was stray, of every row that ends."""
    fence = re.compile(b"[" + re.escape(delimiter) + b"\n]")
    cells: list[str] = []
    at, stray = 0, False
    while at < len(data):
        if data[at] == QUOTE:
            quoted = _quoted(data, at + 1)
            if quoted is None:
                return
            cell, at = quoted
            found = fence.search(data, at)
            if found is None:
                return
            after = data[at : found.start()]
            stray = stray or after not in ((b"", b"\r") if found[0] == b"\n" else (b"",))
        else:
            found = fence.search(data, at)
            if found is None:
                return
            cell = data[at : found.start()]
            cell = cell.removesuffix(b"\r") if found[0] == b"\n" else cell
        cells.append(cell.decode("utf-8", "replace"))
        at = found.end()
        if found[0] == b"\n":
            yield cells, at - 1, stray
            cells, stray = [], False


def _quoted(data: bytes, at: int) -> tuple[bytes, int] | None:
    """What stands from `at` to the closing quote, and where the quote is passed; None if it never closes."""
    parts = []
    while (close := data.find(b'"', at)) >= 0:
        parts.append(data[at:close])
        if data[close + 1 : close + 2] != b'"':
            return b'"'.join(parts), close + 1
        at = close + 2
    return None
