"""XLSX, row by row (core.workbooks), in pieces."""

import csv
import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from bagipakai.core.workbooks import DAMAGE, READ, Book, Row, Sheet, TooLarge, Unsafe, has_cells, weigh
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

ROWS = 8_192  # of a piece
LETTERS = 16 * 1024**2  # most of a piece: few bytes may refer to a long text again and again


def pieces(file: Weighed, contract: Asked) -> Iterator[Piece]:
    """The rows of the one sheet of the file that has any; the first that is not empty names the columns. Raises
    SetBroken."""
    name = file.name
    try:
        with zipfile.ZipFile(file.path) as archive:
            weigh(archive, file.bytes)
            if not any(one.startswith("xl/") for one in archive.namelist()):  # a text document, or any other archive
                raise SetBroken("set-format-is-unknown", file=name)
            book = Book(archive)
            sheets = [sheet for sheet in book.sheets() if has_cells(archive, sheet)]
            if len(sheets) != 1:
                raise SetBroken("set-has-more-sheets" if sheets else "set-is-empty", file=name)
            yield from _rows(book, sheets[0], file, contract)
    except Unsafe:
        raise SetBroken("set-spreadsheet-is-unsafe", file=name) from None
    except TooLarge:
        raise SetBroken("set-spreadsheet-is-too-large", file=name) from None
    except DAMAGE:
        raise SetBroken("set-file-is-damaged", file=name) from None


def _rows(book: Book, name: str, file: Weighed, contract: Asked) -> Iterator[Piece]:
    sheet, order, width, done = Sheet(book), None, 0, 0
    parser = sheet.parser()
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


def _told(book: Book, row: Row) -> list[str]:
    """The beginnings of its cells."""
    return [book.string(row.cells.get(at, ""), SHOWN) for at in range(max(row.cells) + 1)]


def _together(rows: list[Row]) -> int:
    """How many of the first rows make a piece: at least one."""
    letters = 0
    for at, row in enumerate(rows):
        letters += min(row.letters, LONGEST_ROW)
        if at == ROWS or (at and letters > LETTERS):
            return at
    return len(rows)


def _piece(book: Book, rows: list[Row], order: list[int], width: int, contract: Asked, size: int) -> Piece:
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


def _csv(book: Book, row: Row, most: int = LONGEST_ROW) -> str:
    """The row as it was sent, or its beginning."""
    out = io.StringIO()
    cells = [book.string(row.cells.get(at, ""), most) for at in range(max(row.cells) + 1)]
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()[:most]
