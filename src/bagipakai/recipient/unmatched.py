"""The rows of one's own list that a matching did not find, with why: what an office proposes as new (usulan), or mends.

Nothing of this leaves the recipient's machine: the result of the matching names rows by their line and the sender's own
id, and the list is the sender's. A list that is not the one that was matched is noticed and left alone.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bagipakai.core.troubles import trouble
from bagipakai.recipient.refusals import Refusal

NOT_FOUND = frozenset({"tidak cocok", "tidak"})
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
    """Writes to `out` (new) those rows of the CSV list `roster` that the opened result in `folder` calls not found, as
    they stand there, with two columns more: the answer and its reason. Nothing is written unless every answer has its
    row."""
    if roster.suffix.lower() not in (".csv", ".txt", ".tsv"):
        return Refusal("roster-not-csv", {"name": roster.name})
    if out.exists():
        return Refusal("out-exists", {"name": out.name})
    try:
        answers = _answers(folder)
        if isinstance(answers, Refusal):
            return answers
        delimiter, lines = _lines(roster)
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
        first, head, rows, met = min(answers, default=0), [""], 0, 0
        for line, cells in lines:
            if line < first and any(cells):
                head = cells
            answer = answers.get(line)
            if answer is None:
                continue
            if answer.list_id not in {str(line), *(cell.strip() for cell in cells)}:
                raise _NotThatList
            if not met:
                writer.writerow([*head, "hasil_pemadanan", "alasan_pemadanan"])
            met += 1
            if answer.result in NOT_FOUND:
                writer.writerow([*cells, answer.result, answer.reason])
                rows += 1
        if met != len(answers) or not answers:
            raise _NotThatList
        _written(out, text.getvalue())
    except (_NotThatList, UnicodeDecodeError, csv.Error):
        return Refusal("roster-of-another", {"name": roster.name})
    except OSError as error:
        return Refusal("disk-error", {"detail": trouble(error)})
    return Unmatched(len(answers), rows, out)


def _answers(folder: Path) -> dict[int, _Answer] | Refusal:
    """What was told of each row, by its line."""
    parts = sorted(folder.glob("bagian-*"))
    if not parts:
        return Refusal("result-missing", {"name": folder.name})
    found: dict[int, _Answer] = {}
    for part in parts:
        if part.suffix not in _READ:
            return Refusal("result-not-csv", {"name": part.name})
        with part.open(encoding="utf-8-sig", newline="") as file:
            for row in _READ[part.suffix](file):
                if any(name not in row for name in _ASKED):
                    return Refusal("result-not-of-matching", {"name": part.name})
                told = (str(row["list_id"] or ""), str(row["hasil"]), str(row.get("alasan") or ""))
                found[int(row["baris"])] = _Answer(*told)
    return found


def _jsonl(file: io.TextIOWrapper) -> Iterator[dict[str, str]]:
    yield from (json.loads(line) for line in file)


def _csv(file: io.TextIOWrapper) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(file)


_READ = {".csv": _csv, ".jsonl": _jsonl}


def _lines(roster: Path) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The list's delimiter, and its rows, each with the line in which it begins, counted from 1."""
    raw = roster.read_bytes()
    text = _text(raw)
    delimiter = max(_DELIMITERS, key=text[:_BEGINNING].count)

    def rows() -> Iterator[tuple[int, list[str]]]:
        reader, begins = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1

    return delimiter, rows()


def _text(raw: bytes) -> str:
    """As the registry reads it: by its mark, UTF-8, or else as a spreadsheet of Windows writes."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if raw.startswith(mark):
            return raw.decode(encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _written(out: Path, text: str) -> None:
    """For its owner alone, with the mark by which a spreadsheet knows UTF-8."""
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as file:
        file.write(text)
