"""A set of files of one source: accepted rows written, faulty rows returned, or the whole set refused.

    OUT/accepted/part-00000.parquet …     accepted rows as the contract types them, with `_berkas` and `_baris`
    OUT/returned/0001-NAME-1.csv …        one line per fault: file, row, column, code, what to do, the row as sent
    OUT/report.json                       canonical: counts by rule and column, first rows, digests; never a value

Of a set that goes back for its faulty rows the last two are left: its sender must see why. No row of it is accepted.
The folder takes its name when all of it is there, by one rename: a killed run leaves nothing, and a repeat gives the
same digests.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.canonical import canonical
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract
from bagipakai.registry.folders import in_the_making, no_room, remove
from bagipakai.registry.intake import faults, reading
from bagipakai.registry.intake.checking import Checker, schema
from bagipakai.registry.intake.reading import Form, Piece, Reader, SetBroken, Torn, Weighed
from bagipakai.registry.intake.returning import Returned
from bagipakai.registry.intake.storing import Accepted, Keys, identity
from bagipakai.registry.intake.whole import Hits, set_faults

FORM = "bagipakai-intake-1"
REPORT = "report.json"
FIRST = 10  # rows that a report names of each fault
AT_ONCE = 8_192  # faulty rows that are explained together, and
LETTERS = 4_000_000  # what they hold at most before


@dataclass(frozen=True, slots=True)
class Received:
    """One file of the set. `rows` counts those that could not be read as columns, too."""

    name: str
    form: str
    encoding: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How often one fault was found in one column ("" for the row as a whole), and the (file, row) where it first was,
    counted from 1 and as the sender counts."""

    code: str
    column: str
    count: int
    first: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a receipt needs to say of a set that was taken. `content`: digest of the accepted rows (registry.digest);
    `report`: SHA-256 of report.json; `faults`: the most frequent first; `contract`: the digest of the contract."""

    source: str
    version: str
    contract: str
    day: date
    files: tuple[Received, ...]
    received: int
    accepted: int
    returned: int
    content: str
    report: str
    faults: tuple[FaultCount, ...]
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """As plain data, without the folder."""
        return {**_told(self), "report": self.report}


@dataclass(frozen=True, slots=True)
class SentBack(Refusal):
    """No to a set with too many faulty rows, with what was found in them. `found` tells of no accepted row and no
    content; `reasons`: the most frequent fault, in words to come after the refusal's own."""

    found: Taken = field(kw_only=True)
    reasons: tuple[Refusal, ...] = ()

    def sentence(self, lang: str = "id") -> str:
        """Why the set goes back, and what is wrong with most of its faulty rows."""
        return " ".join([Refusal.sentence(self, lang), *(one.sentence(lang) for one in self.reasons)])


def take(
    files: Sequence[Path], contract: Contract, out: Path, *, day: date, told: Callable[[int], object] | None = None
) -> Taken | Refusal:
    """Takes `files`, in order, as one set of `contract` on `day` into the new folder `out`.

    A refusal returns the whole set, and then nothing is written; but a SentBack leaves its sender the list of faulty
    rows and the report. `told` hears of bytes, in the end of twice those of all files: each is weighed,
    then taken (and read once more, unheard, for its digest, and if a rule about the whole set returns rows of it). At
    most 1 GB of memory at any size; about as much disk as the files have in a hidden folder beside `out`. Raises
    EngineError (names no value), OSError.
    """
    try:
        with in_the_making(out) as folder:
            taken = _Taking(contract, folder, day, told or (lambda _: None)).take(files)
        if isinstance(taken, SentBack):
            return replace(taken, found=replace(taken.found, folder=out))
        return replace(taken, folder=out)
    except SetBroken as broken:
        return broken.refusal
    except FileExistsError:
        return Refusal("intake-exists", {"file": reading.shown_name(out)})
    except OSError as error:
        if no_room(error):
            return Refusal("intake-has-no-room")
        raise


@dataclass
class _Tally:
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, code: str, column: str, file: int, line: int) -> None:
        self.counts[code, column] += 1
        places = self.first.setdefault((code, column), [])
        if len(places) < FIRST:
            places.append((file, line))

    def told(self) -> tuple[FaultCount, ...]:
        in_order = sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))
        return tuple(
            FaultCount(code, column, count, tuple(self.first[code, column])) for (code, column), count in in_order
        )


@dataclass
class _Unexplained:
    """Faulty rows of one file that wait to be explained together: planning the statement costs more than a few rows."""

    tables: list[pa.Table] = field(default_factory=list)
    rows: list[tuple[int, str]] = field(default_factory=list)  # line, and the row as it was sent
    torn: list[Torn] = field(default_factory=list)
    letters: int = 0

    def add(self, piece: Piece, places: Sequence[int]) -> None:
        self.torn += piece.torn
        if places:
            self.tables.append(piece.table.take(places))
            texts = [piece.text(place) for place in places]
            self.rows += zip((int(piece.lines[place]) for place in places), texts, strict=True)
            self.letters += sum(map(len, texts))

    def are_many(self) -> bool:
        return len(self.rows) >= AT_ONCE or self.letters >= LETTERS


class _Taking:
    """One run, into a folder of its own."""

    def __init__(self, contract: Contract, folder: Path, day: date, told: Callable[[int], object]) -> None:
        self._contract, self._folder, self._day, self._told = contract, folder, day, told
        self._work = folder / ".work"
        self._tally, self._received, self._faulty = _Tally(), 0, 0

    def take(self, files: Sequence[Path]) -> Taken | SentBack:
        self._work.mkdir()
        found = [self._weighed(path) for path in files]
        if not found:
            raise SetBroken("set-is-empty")
        returned = Returned(self._folder / "returned", self._contract, self._day)
        accepted = Accepted(self._work / "accepted", schema(self._contract))
        keys = Keys(self._work / "keys.parquet", self._contract)
        rows = []
        checking = Checker(self._contract, self._day, self._work)
        with reading.hashed(found) as hashes, checking as checker, accepted, keys:
            for number, file in enumerate(found, start=1):
                before, waiting = self._received, _Unexplained()
                for piece in self._pieces(file):
                    waiting.add(piece, self._check(piece, number, checker, accepted, keys))
                    if waiting.are_many():
                        self._explain(waiting, number, file, checker, returned)
                        waiting = _Unexplained()
                self._explain(waiting, number, file, checker, returned)
                rows.append(self._received - before)
        self._count_is_agreed()
        with set_faults(keys.path, self._contract, self._work) as hits:
            self._return_hits(found, hits, returned)
            self._faulty += hits.rows_accepted
            no = self._too_many_are_faulty(len(found))
            content = "" if no else self._settle(hits, accepted)
        returned.close()
        remove(self._work)
        for part in self._folder.iterdir():
            if part.is_dir():
                part.chmod(0o700)  # rows of persons are for their owner alone, wherever OUT is
        result = Taken(
            source=self._contract.source,
            version=self._contract.version,
            contract=self._contract.digest,
            day=self._day,
            files=tuple(
                Received(file.name, file.form.value, file.encoding, file.bytes, sha256.result(), count)
                for file, sha256, count in zip(found, hashes, rows, strict=True)
            ),
            received=self._received,
            accepted=0 if no else self._received - self._faulty,
            returned=self._received if no else self._faulty,
            content=content,
            report="",
            faults=self._tally.told(),
            folder=self._folder,
        )
        report = canonical(_told(result) | ({"refusal": no.code, "faulty": self._faulty} if no else {}))
        (self._folder / REPORT).write_bytes(report)
        result = replace(result, report=hashlib.sha256(report).hexdigest())
        if no is None:
            return result
        reasons = [faults.told(one.code, self._contract, one.column, self._day) for one in result.faults[:1]]
        return SentBack(no.code, no.detail, found=result, reasons=tuple(reasons))

    def _weighed(self, path: Path) -> Weighed:
        try:
            if not path.is_file():  # what is no file has no end, or cannot be read twice
                raise FileNotFoundError
            return reading.weighed(path, self._told)
        except (FileNotFoundError, PermissionError):
            raise SetBroken("set-file-is-missing", file=reading.shown_name(path)) from None

    def _pieces(self, file: Weighed, again: bool = False) -> Iterator[Piece]:
        """The rows of a file. Raises SetBroken also if it is no longer the file that was weighed."""
        before, left = file.path.stat(), file.bytes
        for piece in _reader(file.form)(file, self._contract):
            yield piece
            if not again:
                self._told(min(piece.size, left))
                left -= min(piece.size, left)
        after = file.path.stat()
        if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
            raise SetBroken("set-file-changed", file=file.name)
        if not again and left:
            self._told(left)

    def _check(self, piece: Piece, number: int, checker: Checker, accepted: Accepted, keys: Keys) -> list[int]:
        """Hands the accepted rows of a piece on; which rows are faulty."""
        self._received += piece.table.num_rows + len(piece.torn)
        if self._received > self._contract.rows_at_most:
            raise SetBroken("set-has-too-many-rows", most=self._contract.rows_at_most)
        self._faulty += len(piece.torn)
        if not piece.table.num_rows:
            return []
        judged = checker.judge(piece.table)
        lines = pa.array(piece.lines, pa.int64())
        keys.add(judged.keys, number, lines, judged.faulty)
        faulty: list[int] = pc.indices_nonzero(judged.faulty).to_pylist()
        self._faulty += len(faulty)
        accepted.add(judged.values, number, lines, pc.invert(judged.faulty.combine_chunks()))
        return faulty

    def _explain(self, waiting: _Unexplained, number: int, file: Weighed, checker: Checker, returned: Returned) -> None:
        told = [(torn.line, {"": torn.code}, torn.text) for torn in waiting.torn]
        if waiting.rows:
            reasons = checker.explain(pa.concat_tables(waiting.tables))
            told += [(line, why, text) for (line, text), why in zip(waiting.rows, reasons, strict=True)]
        for line, why, text in sorted(told, key=lambda one: one[0]):
            for column, code in why.items():
                self._tally.add(code, column, number, line)
                returned.add(number, file.name, line, column, code, text)

    def _count_is_agreed(self) -> None:
        least = self._contract.rows_at_least
        if self._received < least:
            raise SetBroken("set-has-too-few-rows", rows=self._received, least=least)

    def _too_many_are_faulty(self, files: int) -> Refusal | None:
        """No to the whole set, with where its most frequent fault stands first: the number of a row, never a value."""
        limit = self._contract.faulty_at_most
        if self._faulty * 1000 <= limit * self._received:
            return None
        worst = self._tally.told()[0]
        file, line = worst.first[0]
        detail = {
            "share": f"{self._faulty * 100 / self._received:.1f}".replace(".", ","),
            "limit": f"{limit / 10:g}".replace(".", ","),
            "column": worst.column or "–",
            "count": str(worst.count),
            "row": str(line),
        }
        return Refusal("set-has-too-many-faults", detail | ({"number": str(file)} if files > 1 else {}))

    def _return_hits(self, found: Sequence[Weighed], hits: Hits, returned: Returned) -> None:
        """Returns the rows in which a rule about the whole set finds a fault."""
        for number, file in enumerate(found, start=1):
            if not hits.rows or not hits.of_file(number):
                continue
            for piece in self._pieces(file, again=True):
                if not piece.table.num_rows:
                    continue
                places = {int(line): at for at, line in enumerate(piece.lines)}
                for line, column, code in hits.between(number, int(piece.lines[0]), int(piece.lines[-1])):
                    self._tally.add(code, column, number, line)
                    returned.add(number, file.name, line, column, code, piece.text(places[line]))

    def _settle(self, hits: Hits, accepted: Accepted) -> str:
        """Keeps the accepted rows that no rule about the whole set returns; their digest."""
        final = self._folder / "accepted"
        if not hits.rows:
            accepted.folder.rename(final)
            return accepted.digest()
        left = Accepted(final, schema(self._contract))
        with left:
            for rows, file_numbers, lines in accepted.stored():
                left.add(rows, file_numbers, lines, hits.missing(identity(file_numbers, lines)))
        return left.digest()


def _told(taken: Taken) -> dict[str, Any]:
    """What stands in the report."""
    return {
        "form": FORM,
        "source": taken.source,
        "version": taken.version,
        "contract": taken.contract,
        "day": taken.day.isoformat(),
        "files": [
            {
                "name": file.name,
                "form": file.form,
                "encoding": file.encoding,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "rows": file.rows,
            }
            for file in taken.files
        ],
        "rows": {"received": taken.received, "accepted": taken.accepted, "returned": taken.returned},
        "content": taken.content,
        "faults": [
            {
                "code": fault.code,
                "column": fault.column,
                "count": fault.count,
                "first": [list(at) for at in fault.first],
            }
            for fault in taken.faults
        ],
    }


def _reader(form: Form) -> Reader:
    from bagipakai.registry.intake import columnar, delimited, jsonlines, spreadsheet

    return {
        Form.CSV: delimited.pieces,
        Form.JSONL: jsonlines.pieces,
        Form.PARQUET: columnar.pieces,
        Form.XLSX: spreadsheet.pieces,
    }[form]
