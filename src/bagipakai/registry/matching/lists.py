"""A list as somebody sends it: read whole or refused whole, with what was found in it told by row and column.

Nothing that is told repeats a value: a finding is a code, a column, a count and the numbers of some rows; its sentence,
with what to do, stands in policies/refusals.toml.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.refusal import Refusal
from bagipakai.registry.intake import columnar, delimited, spreadsheet
from bagipakai.registry.intake.reading import Form, Piece, SetBroken, Torn, Weighed, weighed
from bagipakai.registry.matching.dates import Doubt
from bagipakai.registry.matching.headings import COLUMNS, Asked, Headings
from bagipakai.registry.matching.letters import first_letters, text_of
from bagipakai.registry.matching.numbers import DIGITS, Damage, is_possible
from bagipakai.registry.matching.policy import Limits, Reading, today
from bagipakai.registry.matching.values import Values
from bagipakai.registry.releases import sha256

READERS: Final[Mapping[Form, Callable[[Weighed, Asked], Iterator[Piece]]]] = {
    Form.CSV: delimited.pieces,
    Form.XLSX: spreadsheet.pieces,
    Form.PARQUET: columnar.pieces,
}
_OF_NUMBERS: Final = {
    Damage.LETTERS: "list-number-has-letters",
    Damage.ROUNDED: "list-number-was-rounded",
    Damage.SCIENTIFIC: "list-number-is-scientific",
    Damage.LENGTH: "list-number-has-other-length",
    Damage.PLACEHOLDER: "list-number-is-placeholder",
    Damage.UNREADABLE: "list-number-is-unreadable",
}
_OF_DATES: Final = {
    Doubt.UNREADABLE: "list-date-is-unreadable",
    Doubt.IMPOSSIBLE: "list-date-is-impossible",
    Doubt.ORDER: "list-date-order-is-open",
    Doubt.EXCHANGED: "list-date-was-exchanged",
    Doubt.SHORT_YEAR: "list-date-has-short-year",
    Doubt.AHEAD: "list-date-lies-ahead",
    Doubt.SERIAL: "list-date-is-serial",
}
# Said of a submission elsewhere: here a list is sent, nothing else.
_OF_LISTS: Final = {
    "set-column-is-missing": "list-column-is-missing",
    "set-column-stands-twice": "list-column-stands-twice",
    "set-column-has-another-type": "list-column-has-another-type",
    "set-format-is-unknown": "list-format-is-unknown",
}
# What nobody types and no screen shows as it is, or what a conversion lost (RE2).
_CONTROLS = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}\x{FFFD}]"
_FORMULA = r"^[=+@\-][\s=+@\-]*[^\s=+@\-]"
_NEGATIVE = r"^-?[0-9]+([.,][0-9]+)?$"
_RUNNING = r"^[0-9]{1,7}[.)]?$"
_LEADS = r"^[\s=+@\-]+"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in `count` rows of a column, of which `rows` are the first few as their sender counts."""

    code: str
    column: str
    count: int
    rows: tuple[int, ...]

    def told(self) -> Refusal:
        """As something to say."""
        rows = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        return Refusal(self.code, {"column": self.column, "count": f"{self.count}", "rows": rows})


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that was read. `table`: `list_id` and those of the standard columns that it has, all text, what is empty
    is null; `values`: what it says; `lines`: where each row stands as its sender counts; `sha256`: of the file."""

    table: pa.Table
    values: Values
    lines: np.ndarray
    headings: Headings
    findings: tuple[Finding, ...]
    sha256: str

    def __repr__(self) -> str:
        return f"<ListFile of {self.table.num_rows} rows>"


def headings(path: Path) -> Headings | Refusal:
    """The header of a list and what its columns would be taken for, so that its sender can choose others. Raises
    OSError."""
    asked = Asked()
    try:
        file = weighed(path)
        next(_reader(file)(file, asked), None)
    except SetBroken as no:
        if not asked.headings.header:
            return _of_a_list(no.refusal)
    return asked.headings


def read(path: Path, columns: Mapping[str, str] | None = None, day: date | None = None) -> ListFile | Refusal:
    """A whole list: CSV of any usual encoding, XLSX, Parquet. `columns`: standard column → its name in the header, all
    that are to be read; without it they are recognised. `day` (today): by whose rules. Raises OSError."""
    day = day or today()
    limits, asked = Limits.on(day), Asked(columns)
    try:
        if columns is not None and not set(columns) <= set(COLUMNS):
            raise SetBroken("list-has-no-usable-column", file=path.name)
        file = weighed(path)
        table, lines = _gathered(file, asked, limits)
    except SetBroken as no:
        return _of_a_list(no.refusal)
    told = _Told(lines, limits.examples)
    table = _neutral(table, limits.letters, told)
    table, used = _counted(table, asked.headings, told)
    table = _identified(table, lines, told)
    values = Values.of(table, Reading.on(day))
    _about_numbers(values, told)
    _about_the_rest(values, told)
    return ListFile(table, values, lines, used, tuple(told.found), sha256(path))


class _Told:
    """Collects findings."""

    def __init__(self, lines: np.ndarray, examples: int) -> None:
        self._lines, self._examples = lines, examples
        self.found: list[Finding] = []

    def add(self, code: str, name: str, rows: np.ndarray) -> None:
        """`rows`: bool, or numbers of rows."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        if len(rows):
            first = tuple(int(line) for line in self._lines[rows[: self._examples]])
            self.found.append(Finding(code, name, len(rows), first))


def _reader(file: Weighed) -> Callable[[Weighed, Asked], Iterator[Piece]]:
    try:
        return READERS[file.form]
    except KeyError:
        raise SetBroken("set-format-is-unknown", file=file.name) from None


def _of_a_list(no: Refusal) -> Refusal:
    return Refusal(_OF_LISTS.get(no.code, no.code), no.detail)


def _gathered(file: Weighed, asked: Asked, limits: Limits) -> tuple[pa.Table, np.ndarray]:
    """All rows that are not empty; a running number alone fills none. Raises SetBroken, as soon as the file is known to
    be refused."""
    tables: list[pa.Table] = []
    lines: list[np.ndarray] = []
    torn: list[Torn] = []
    rows = 0
    for piece in _reader(file)(file, asked):
        torn += piece.torn
        filled = np.zeros(piece.table.num_rows, dtype=bool)
        for name in piece.table.column_names:
            if name != "list_id" or not asked.headings.numbered:
                filled |= piece.table[name].is_valid().to_numpy()
        table = _bounded(piece.table, limits.letters + 1)  # one letter more, so that it is told
        tables.append(table if filled.all() else table.filter(pa.array(filled)))
        lines.append(piece.lines[filled])
        rows += len(lines[-1])
        if rows > limits.rows:
            raise SetBroken("list-has-too-many-rows", file=file.name, most=limits.rows)
        if len(torn) > limits.examples:
            break
    if torn:
        told = ", ".join(str(one.line) for one in torn[: limits.examples]) + (", …" * (len(torn) > limits.examples))
        raise SetBroken("list-rows-are-torn", file=file.name, rows=told)
    if not rows:
        raise SetBroken("set-is-empty", file=file.name)
    return pa.concat_tables(tables).combine_chunks(), np.concatenate(lines)


def _bounded(table: pa.Table, letters: int) -> pa.Table:
    """Without what no value needs, so that memory is bounded by the number of rows."""
    for at, name in enumerate(table.column_names):
        if (pc.max(pc.binary_length(table[name])).as_py() or 0) > 4 * letters:
            table = table.set_column(at, name, pc.utf8_slice_codeunits(table[name], 0, letters))
    return table


def _neutral(table: pa.Table, letters: int, told: _Told) -> pa.Table:
    """Without control characters, formulas and what is too long to be a value."""
    for at, name in enumerate(table.column_names):
        values = text_of(table[name])
        values = _changed(values, _CONTROLS, " ", "list-text-has-control-characters", name, told)
        formula = _formulas(values, name)
        if formula.any():
            told.add("list-text-was-formula", name, formula)
            values = pc.if_else(pa.array(formula), pc.replace_substring_regex(values, _LEADS, ""), values)
        if (pc.max(pc.binary_length(values)).as_py() or 0) > letters:
            long = pc.greater(pc.utf8_length(values), letters).fill_null(False)
            told.add("list-text-is-too-long", name, long.to_numpy(zero_copy_only=False))
            values = pc.utf8_slice_codeunits(values, 0, letters)
        table = table.set_column(at, name, values)
    return table


def _formulas(values: pa.StringArray, name: str) -> np.ndarray:
    """Which values a spreadsheet would calculate: only those that begin like one are looked at closely."""
    found = np.isin(first_letters(values, 1)[:, 0], list(b"=+@-"))
    rows = np.flatnonzero(found)
    if len(rows):
        some = values.take(pa.array(rows))
        formula = pc.and_not(pc.match_substring_regex(some, _FORMULA), pc.match_substring_regex(some, _NEGATIVE))
        if name in ("nik", "no_kk", "tanggal_lahir"):  # ="3201…" is how a spreadsheet is made to keep a text
            formula = pc.and_(formula, pc.match_substring_regex(some, "[A-DF-Za-df-z(]"))
        found[rows] = formula.to_numpy(zero_copy_only=False)
    return found


def _changed(values: pa.Array, pattern: str, by: str, code: str, name: str, told: _Told) -> pa.Array:
    data = values.buffers()[2]
    if data is None or _is_plain(np.frombuffer(data, np.uint8)):
        return values
    found = pc.match_substring_regex(values, pattern).fill_null(False)
    # a tab or a line break inside a value is a blank to whoever reads it
    told.add(code, name, found.to_numpy(zero_copy_only=False))
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(values, rf"{pattern}|[\t\n\r]", by))
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def _is_plain(letters: np.ndarray) -> bool:
    """Whether there are only letters, digits and signs of ASCII."""
    return not bool(((letters < 32) | (letters > 126)).any())


def _counted(table: pa.Table, headings: Headings, told: _Told) -> tuple[pa.Table, Headings]:
    """Without a running number that names no row: one that starts again, that most rows lack (families are numbered, or
    none), or that is no number."""
    if not headings.numbered:
        return table, headings
    own = text_of(table["list_id"])
    missing = own.is_null().to_numpy(zero_copy_only=False)
    other = pc.invert(pc.match_substring_regex(own, _RUNNING)).fill_null(False).to_numpy(zero_copy_only=False)
    again = np.zeros(len(own), dtype=bool)
    again[_repeated(own)] = True
    if not (other | again).any() and 2 * missing.sum() <= len(own):
        return table, headings
    told.add("list-running-number-names-no-row", "list_id", missing | other | again)
    places = {column: place for column, place in headings.places.items() if column != "list_id"}
    return table.drop_columns(["list_id"]), replace(headings, places=places, numbered=False)


def _identified(table: pa.Table, lines: np.ndarray, told: _Told) -> pa.Table:
    """With a `list_id` in front: the sender's, or where the row stands."""
    if "list_id" not in table.column_names:
        return table.add_column(0, "list_id", pa.array(lines).cast(pa.string()))
    own = text_of(table["list_id"])
    told.add("list-id-is-missing", "list_id", own.is_null().to_numpy(zero_copy_only=False))
    told.add("list-id-stands-twice", "list_id", _repeated(own))
    return table.set_column(0, "list_id", own)


def _repeated(values: pa.Array) -> np.ndarray:
    """In which rows a value stands that stood in a row before."""
    at = values.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    filled = np.flatnonzero(at >= 0)
    first = np.full(len(at), len(at), np.int64)
    np.minimum.at(first, at[filled], filled)
    again: np.ndarray = filled[first[at[filled]] < filled]
    return again


def _about_numbers(values: Values, told: _Told) -> None:
    nik, family = values.nik, values.family
    for name, found in (("nik", nik), ("no_kk", family)):
        for damage, code in _OF_NUMBERS.items():
            told.add(code, name, found.damage == damage)
    number, whole = nik.number.fill_null(0).to_numpy(), nik.sound == DIGITS
    told.add("list-nik-is-impossible", "nik", whole & ~is_possible(number, nik.sound))
    told.add("list-nik-stands-twice", "nik", _repeated(pa.array(number, mask=~whole)))
    same = pc.equal(nik.number, family.number).fill_null(False)
    told.add("list-nik-is-family-number", "nik", same.to_numpy(zero_copy_only=False))


def _about_the_rest(values: Values, told: _Told) -> None:
    born = values.born
    for doubt, code in _OF_DATES.items():
        told.add(code, "tanggal_lahir", born.doubt == doubt)
    told.add("list-date-is-default", "tanggal_lahir", born.default)
    told.add("list-sex-is-unreadable", "jenis_kelamin", values.sex < 0)
    for name, codes in (("kode_desa", values.desa), ("kode_kec", values.kec), ("kode_kab", values.kab)):
        told.add("list-region-is-unreadable", name, codes < 0)
