"""The rows of one's own list that a matching did not find, with why: what an office proposes as new (usulan), or mends.

Nothing of this leaves the recipient's machine: the result of the matching names rows by their line and the sender's own
id, and the list is the sender's. A list that is not the one that was matched is noticed and left alone.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bagipakai.core import workbooks
from bagipakai.core.troubles import trouble
from bagipakai.core.workbooks import Unreadable
from bagipakai.recipient import sheets
from bagipakai.recipient.refusals import Refusal

NOT_FOUND = frozenset({"tidak cocok", "tidak"})
_TEXTS, _BOOK = (".csv", ".txt", ".tsv"), ".xlsx"
_LONG = re.compile(r"[1-9]\.\d{14}E\+15")  # core.workbooks
_DELIMITERS = ",;\t|"
_BEGINNING = 4096  # letters, among which the delimiter is the sign that stands oftenest
_ASKED = ("baris", "list_id", "hasil")


@dataclass(frozen=True, slots=True)
class Unmatched:
    """How many of the rows of a list were not found."""

    rows: int
    found: int
    file: Path


@dataclass(frozen=True, slots=True)
class _Answer:
    list_id: str
    result: str
    reason: str


class _NotThatList(Exception):
    pass


def unmatched(folder: Path, roster: Path, out: Path) -> Unmatched | Refusal:
    """Writes to `out` (new) those rows of the list `roster` (CSV or XLSX) that the opened result in `folder` calls not
    found, as they stand there, with two columns more: the answer and its reason. `out` is XLSX or CSV as its name says,
    a CSV with the delimiter of the list, of a workbook with semicolons. Nothing is written unless every answer has its
    row."""
    if roster.suffix.lower() not in (*_TEXTS, _BOOK):
        return Refusal("roster-not-readable", {"name": roster.name})
    if out.suffix.lower() not in (*_TEXTS, _BOOK):
        return Refusal("out-of-another-form", {"name": out.name})
    if out.exists():
        return Refusal("out-exists", {"name": out.name})
    try:
        answers = _answers(folder)
        if isinstance(answers, Refusal):
            return answers
        delimiter, lines = _lines(roster)
        found: list[list[str]] = []
        first, head, met = min(answers, default=0), [""], 0
        for line, cells in lines:
            if line < first and any(cells):
                head = cells
            answer = answers.get(line)
            if answer is None:
                continue
            known = {str(line), *(cell.strip() for cell in cells)}
            if known.isdisjoint({answer.list_id, answer.list_id.removeprefix("'")}):  # a quote guards what is delivered
                raise _NotThatList
            met += 1
            if answer.result in NOT_FOUND:
                found.append([*_filled(cells, len(head)), answer.result, answer.reason])
        if met != len(answers) or not answers:
            raise _NotThatList
        _written(out, [[*head, "hasil_pemadanan", "alasan_pemadanan"], *found], delimiter)
    except (_NotThatList, UnicodeDecodeError, csv.Error):
        return Refusal("roster-of-another", {"name": roster.name})
    except Unreadable:
        return Refusal("roster-unreadable", {"name": roster.name})
    except OSError as error:
        return Refusal("disk-error", {"detail": trouble(error)})
    return Unmatched(len(answers), len(found), out)


def _answers(folder: Path) -> dict[int, _Answer] | Refusal:
    """What was told of each row, by its line."""
    parts = sorted(folder.glob("bagian-*"))
    if not parts:
        return Refusal("result-missing", {"name": folder.name})
    found: dict[int, _Answer] = {}
    for part in parts:
        if part.suffix not in _READ:
            return Refusal("result-not-readable", {"name": part.name})
        try:
            for row in _READ[part.suffix](part):
                if any(name not in row for name in _ASKED):
                    return Refusal("result-not-of-matching", {"name": part.name})
                told = (str(row["list_id"] or ""), str(row["hasil"]), str(row.get("alasan") or ""))
                found[int(row["baris"])] = _Answer(*told)
        except Unreadable:
            return Refusal("result-not-of-matching", {"name": part.name})
    return found


def _jsonl(part: Path) -> Iterator[dict[str, str]]:
    with part.open(encoding="utf-8-sig") as file:
        yield from (json.loads(line) for line in file)


def _csv(part: Path) -> Iterator[dict[str, str]]:
    with part.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _xlsx(part: Path) -> Iterator[dict[str, str]]:
    rows = (cells for _, cells in workbooks.rows(part))
    head = next(rows, [])
    yield from (dict(zip(head, _filled(cells, len(head)), strict=False)) for cells in rows)


_READ = {".csv": _csv, ".jsonl": _jsonl, _BOOK: _xlsx}


def _lines(roster: Path) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The list's delimiter, and its rows, each with the line in which it begins, counted from 1."""
    if roster.suffix.lower() == _BOOK:
        return ";", ((line, [_whole(cell) for cell in cells]) for line, cells in workbooks.rows(roster))
    raw = roster.read_bytes()
    text = _text(raw)
    delimiter = max(_DELIMITERS, key=text[:_BEGINNING].count)

    def rows() -> Iterator[tuple[int, list[str]]]:
        reader, begins = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1

    return delimiter, rows()


def _filled(cells: list[str], width: int) -> list[str]:
    """A workbook leaves out the empty cells at the end of a row."""
    return cells + [""] * (width - len(cells))


def _whole(cell: str) -> str:
    """A long number as the spreadsheet shows it once it is told to; its sixteenth digit is gone for good."""
    return str(int(float(cell))) if _LONG.fullmatch(cell) else cell


def _text(raw: bytes) -> str:
    """As the registry reads it: by its mark, UTF-8, or else as a spreadsheet of Windows writes."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if raw.startswith(mark):
            return raw.decode(encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _written(out: Path, rows: list[list[str]], delimiter: str) -> None:
    """For its owner alone; a CSV with the mark by which a spreadsheet knows UTF-8."""
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        if out.suffix.lower() == _BOOK:
            sheets.write(rows, file)
            return
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
        text.flush()
        text.detach()
