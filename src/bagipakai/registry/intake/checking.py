"""The contract as SQL: each value that repeats is judged once, free text only where its bytes are suspect, each row in
one pass of DuckDB; only faulty rows are explained.

SQL is emitted from the contract and from nothing else: brackets around everything, identifiers from the contract and
quoted, every value an SQL variable, the engine locked (decision 0031). `reference` fixes the meaning and judges the
same rows one by one; tests/registry/intake/test_agreement.py draws contracts and rows for both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.sources import Agreed, Contract, RowRule
from bagipakai.core.variables import Type
from bagipakai.registry.engines import ARROW, EngineError
from bagipakai.registry.intake import faults
from bagipakai.registry.intake.reading import texts
from bagipakai.registry.regions import LENGTHS, regions

MEMORY, THREADS = "300MB", 2
SLICE = 8_192  # rows that one thread takes at a time
FAULTY, ROW = "faulty", "#"
ROWS, VALUES, WRONG = "rows", "seen", "wrong"  # what the three statements read
VALUE, SOUND = "value", "!"
KEPT, KEPT_BYTES = 262_144, 8 * 1024 * 1024  # values of one kind that are remembered, and what they hold at most
REGIONS = {f"[0-9]{{{digits}}}": digits for digits in LENGTHS}  # pattern of a code → its digits
_SHORT = frozenset(f"[0-9]{{{digits}}}" for digits in range(1, 5))
_NUMBER = pa.field(ROW, pa.int32())
_CONTROLS_RE2 = faults.CONTROLS.replace(r"\uFFFD", r"\x{FFFD}").replace(r"\x9F", r"\x{9F}")

_SUSPECT = np.zeros(256, dtype=bool)  # bytes without which no character of `faults.CONTROLS` is written
_SUSPECT[[*{*range(0x20)} - {*b"\t\n\r"}, 0x7F, 0xC2, 0xEF]] = True

_Answer = TypeVar("_Answer")


def schema(contract: Contract) -> pa.Schema:
    """The columns of accepted rows, in the contract's order and types."""
    return pa.schema([(column.name, ARROW[column.type]) for column in contract.columns])


@dataclass(frozen=True, slots=True)
class Judged:
    """A piece after judgement. `values`: typed, null where unreadable, of all rows; `faulty`: which are faulty;
    `keys`: columns of the set rules as numbers, null where they are not valid, and who is a head of family, null where
    not told."""

    values: pa.Table
    faulty: pa.ChunkedArray
    keys: pa.Table


class Checker:
    """One locked DuckDB that judges pieces of one contract; `day` is today. Raises EngineError."""

    def __init__(self, contract: Contract, day: date, spill: Path) -> None:
        self.contract = contract
        words = _Words(contract, day)
        kinds = {_kind(column) for column in contract.columns if _repeats(column)}
        self._known = {kind: _Known(f"values_{at}", kind.type) for at, kind in enumerate(sorted(kinds, key=repr))}
        self._across = _across(contract)
        judging, self._explaining = words.judging(), words.explaining()
        judging_values = {known.statement: words.judging_values(kind) for kind, known in self._known.items()}
        self.codes, self._prepared = words.codes, False
        self._con = _quietly(lambda: duckdb.connect(":memory:", config={"threads": THREADS}))
        whole = texts(contract)
        shapes = {ROWS: _rows_schema(contract), VALUES: pa.schema([(VALUE, pa.string())]), WRONG: whole}
        self._sent = {name: _Sent(shape.append(_NUMBER).empty_table()) for name, shape in shapes.items()}
        for digits in LENGTHS if words.regions else ():
            self._con.register("known", pa.table({"code": _region_codes(digits)}))
            self._do(f"CREATE TABLE {_region_table(digits)} AS SELECT code FROM known")  # noqa: S608  # our own names
            self._con.unregister("known")
        for name, value in (
            ("memory_limit", MEMORY),
            ("temp_directory", str(spill)),
            ("preserve_insertion_order", True),
            ("allowed_directories", [str(spill)]),
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
            ("allow_community_extensions", False),
            ("enable_external_access", False),
            ("lock_configuration", True),
        ):
            self._do(f"SET {name} = $1", [value])
        for at, value in enumerate(words.values):
            self._do(f"SET VARIABLE p{at} = CAST($1 AS {_sql_type(value)})", [value])
        for name, sent in self._sent.items():
            self._con.register(name, sent)
        for statement, sql in {"judging": judging, **judging_values}.items():
            self._do(f"PREPARE {statement} AS {sql}")

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def judge(self, piece: pa.Table) -> Judged:
        """The rows of `piece`, in its order. No blanks may stand around its texts, here and in `explain`."""
        values, sent = [], []
        sound = np.ones(piece.num_rows, dtype=bool)
        for column in self.contract.columns:
            told, good = piece[column.name], None
            if _repeats(column):
                told, good = self._valued(column, told)
            values.append(told)
            if good is not None:
                sound &= good
            if column.name in self._across or not _repeats(column):
                sent.append(told)
            if column.name in self._across and _repeats(column):
                sent.append(pa.array(np.ones(piece.num_rows, dtype=bool) if good is None else good))
        told = self._asked("EXECUTE judging", ROWS, [*sent, pa.array(sound)])
        keys = [name for name in told.column_names if name[-1] in "~?"]
        return Judged(pa.table(values, schema=schema(self.contract)), told[FAULTY], told.select(keys))

    def _valued(self, column: Agreed, told: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray | None]:
        """The typed values of a column whose values repeat, and which are as agreed: nothing if all are. Each value is
        judged once, and remembered for the pieces that follow."""
        if column.is_free and not (column.required and told.null_count) and _is_plain(told, column.longest):
            return told, None
        encoded = pc.dictionary_encode(told).combine_chunks()
        at, here = encoded.indices, encoded.dictionary
        known = self._known[_kind(column)]
        places = pc.index_in(here, known.values)
        if places.null_count:
            new = here.filter(pc.is_null(places))
            judged = self._asked(f"EXECUTE {known.statement}", VALUES, [new])
            known.add(new, judged[VALUE], judged[SOUND])
            places = pc.index_in(here, known.values)
        sound = np.append(known.sound[places.to_numpy()], not column.required)
        typed = told if column.type is Type.TEXT else known.typed.take(places).take(at)
        if len(known.values) > KEPT or known.values.nbytes > KEPT_BYTES:
            known.forget()
        if sound[:-1].all() and (sound[-1] or not at.null_count):
            return typed, None
        return typed, sound[at.fill_null(len(here)).to_numpy()]

    def explain(self, rows: pa.Table) -> list[dict[str, str]]:
        """For each of these faulty rows: column → the code of its reason. Raises EngineError for a row without one:
        then the two statements contradict each other."""
        if not self._prepared:
            self._do(f"PREPARE explaining AS {self._explaining}")
            self._prepared = True
        found: list[dict[str, str]] = [{} for _ in range(rows.num_rows)]
        told = self._asked("EXECUTE explaining", WRONG, rows.columns)
        for name in self.contract.names:
            column = told[name]
            if pc.max(column).as_py():
                for at, number in enumerate(column.to_pylist()):
                    if number:
                        found[at][name] = self.codes[number]
        if not all(found):
            raise EngineError("a faulty row without a reason")
        return found

    def _asked(self, sql: str, name: str, columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Table:
        """The answer, row for row. With several threads DuckDB hands back slices in any order (measured on 2.0.1, for a
        prepared statement over Arrow), so each row carries its number, and nothing relies on where it comes out."""
        sent = self._sent[name]
        numbers = np.arange(len(columns[0]), dtype=np.int32)
        numbered = pa.table([*columns, pa.array(numbers)], schema=sent.rows.schema)
        sent.rows = pa.Table.from_batches(numbered.to_batches(max_chunksize=SLICE), numbered.schema)
        try:
            told = _quietly(lambda: self._con.sql(sql).to_arrow_table())
        finally:
            sent.rows = numbered.slice(0, 0)
        places = told[ROW].to_numpy()
        if not np.array_equal(places, numbers):
            order = np.argsort(places, kind="stable")
            if not np.array_equal(places[order], numbers):
                raise EngineError("rows were lost or doubled")
            told = told.take(pa.array(order))
        return told

    def _do(self, sql: str, values: Sequence[Any] = ()) -> None:
        _quietly(lambda: self._con.execute(sql, list(values)).fetchall())


@dataclass(slots=True)
class _Sent:
    """The rows that the statements speak of: a prepared statement is planned once, and reads what is here then."""

    rows: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


@dataclass(slots=True)
class _Known:
    """Values of one kind that were judged: `typed` and `sound` of each. `statement` judges more of them."""

    statement: str
    type: Type
    values: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    typed: pa.Array = field(init=False)
    sound: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.values, self.typed = pa.array([], pa.string()), pa.array([], ARROW[self.type])
        self.sound = np.empty(0, dtype=bool)

    def add(self, values: pa.Array, typed: pa.ChunkedArray, sound: pa.ChunkedArray) -> None:
        self.values = pa.concat_arrays([self.values, values])
        self.typed = pa.concat_arrays([self.typed, *typed.cast(ARROW[self.type]).chunks])
        self.sound = np.append(self.sound, sound.to_numpy())


def _repeats(column: Agreed) -> bool:
    """Whether it pays to judge each of its values once: they are few beside its rows, as codes, regions, numbers, dates
    and short digits are, or, as free text, mostly need no judgement. Not so identifiers."""
    if column.type is not Type.TEXT or column.codes is not None or column.is_free:
        return True
    return column.check == "region" or column.pattern in _SHORT


def _is_plain(column: pa.ChunkedArray, longest: int) -> bool:
    """Whether each text is as agreed, told from its bytes: none is suspect, nor more of them than characters may be."""
    for chunk in column.chunks:
        _, offsets, letters = chunk.buffers()
        if letters is not None and len(chunk):
            ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            if np.diff(ends).max() > longest or _SUSPECT[np.frombuffer(letters, np.uint8)[ends[0] : ends[-1]]].any():
                return False
    return True


def _kind(column: Agreed) -> Agreed:
    """Columns that agree on the same have their values in common."""
    return replace(column, name=VALUE, required=False)


def _across(contract: Contract) -> frozenset[str]:
    """Columns that rules across columns or of the set speak of."""
    return frozenset(name for rule in (*contract.rules, *contract.sets) for name in rule.columns)


def _rows_schema(contract: Contract) -> pa.Schema:
    """What the rows need to be judged: texts one by one, of the others what rules across columns and of the set need,
    and whether all of them are as agreed."""
    across, found = _across(contract), []
    for column in contract.columns:
        if not _repeats(column):
            found.append(pa.field(column.name, pa.string()))
        elif column.name in across:
            mark = "" if column.type is Type.TEXT else "#"
            found += [pa.field(column.name + mark, ARROW[column.type]), pa.field(column.name + SOUND, pa.bool_())]
    return pa.schema([*found, pa.field(SOUND, pa.bool_())])


@lru_cache(maxsize=len(LENGTHS))
def _region_codes(digits: int) -> pa.Array:
    return pa.array([region.code for region in regions().at_level(LENGTHS.index(digits) + 1)])


def _region_table(digits: int) -> str:
    """One for each level: each piece builds a join with it, and most levels are small."""
    return f"regions_of_{digits}"


class _Words:
    """The statements of a contract. In them `"x"` is the text of column x, null if there is none;
    `"x~"` what a number or a date could be; `"x#"` its value; `"x!"` whether it is as agreed."""

    def __init__(self, contract: Contract, day: date) -> None:
        self._contract, self._day = contract, day
        self.values: list[Any] = []
        self._places: dict[tuple[type, Any], str] = {}
        self.regions = any(column.check == "region" for column in contract.columns)
        names = {code for column in contract.columns for code in faults.of_column(column)}
        self.codes = ["", *sorted(names | {faults.OF_A_ROW[rule.rule] for rule in contract.rules})]

    def judging(self) -> str:
        alone = [column for column in self._contract.columns if not _repeats(column)]
        across = [self._contract.column(name) for name in sorted(_across(self._contract))]
        numbers = [column for column in across if column.is_number and _repeats(column)]
        whole = [_name("", SOUND), *(_name(column.name, SOUND) for column in alone)]
        whole += [f"coalesce({self._holds(rule)}, true)" for rule in self._contract.rules]
        kept = [_name(ROW), f"(NOT ({' AND '.join(whole)})) AS {FAULTY}"]
        kept += [f"{sql} AS {_name(name)}" for name, sql in self._keys().items()]
        agreed = [f"{self._agreed(column)} AS {_name(column.name, SOUND)}" for column in alone]
        return f"""{self._read(ROWS, [*alone, *numbers])},
judged AS (        -- each value by itself
    SELECT {_lines(["*", *agreed])} FROM typed
)
SELECT {_lines(kept)} FROM judged"""  # noqa: S608  # names come from the contract, values are variables

    def judging_values(self, kind: Agreed) -> str:
        """Of values of one kind, none of them null."""
        return f"""{self._read(VALUES, [kind])}
SELECT {_name(ROW)}, {self._value(kind)} AS {VALUE}, {self._agreed(kind)} AS {_name("", SOUND)}
FROM typed"""  # noqa: S608  # as above

    def explaining(self) -> str:
        reasons = [f"{self._reason(column)} AS {_name(column.name, '@')}" for column in self._contract.columns]
        across = [f"{self._reason_across(column)} AS {_name(column.name)}" for column in self._contract.columns]
        return f"""{self._read(WRONG, self._contract.columns)},
explained AS (     -- the first reason of each value, 0 for none
    SELECT *, {_lines(reasons)} FROM typed
)
SELECT {_lines([_name(ROW), *across])} FROM explained"""  # noqa: S608  # as above

    def _read(self, table: str, columns: Sequence[Agreed]) -> str:
        loose, typed = [], []
        for column in columns:
            x = _name(column.name)
            if column.type is Type.INTEGER or column.is_number:
                loose.append(f"TRY_CAST({x} AS BIGINT) AS {_name(column.name, '~')}")
            elif column.type is Type.DATE:
                loose.append(f"TRY_CAST({self._iso(x)} AS DATE) AS {_name(column.name, '~')}")
            if column.type is not Type.TEXT:
                typed.append(f"{self._typed(column)} AS {_name(column.name, '#')}")
        return f"""WITH
loose AS (         -- a cast forgives too much: 1_000, 1e5, 2026-1-1
    SELECT {_lines(["*", *loose])} FROM {table}
),
typed AS (         -- so a value counts only if it was written the one way
    SELECT {_lines(["*", *typed])} FROM loose
)"""  # noqa: S608  # as above

    def _iso(self, x: str) -> str:
        if self._contract.dates == "ymd":
            return x
        return f"(substr({x}, 7, 4) || '-' || substr({x}, 4, 2) || '-' || substr({x}, 1, 2))"

    def _typed(self, column: Agreed) -> str:
        x, loose = _name(column.name), _name(column.name, "~")
        match column.type:
            case Type.INTEGER:
                most = self.value(10**18)
                canonical = f"((CAST({loose} AS VARCHAR) = {x}) AND (abs({loose}) < {most}))"
                return (
                    f"CASE WHEN {canonical} THEN {loose}"
                    f" WHEN regexp_full_match({x}, {self.value(faults.INTEGER_FORM)}) THEN {loose} END"
                )
            case Type.BOOLEAN:
                yes, no = self._among(x, self._contract.yes), self._among(x, self._contract.no)
                return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
        same = f"((strlen({x}) = 10) AND (CAST({loose} AS VARCHAR) = {self._iso(x)}))"
        if self._contract.dates == "dmy":
            third, sixth = f"substr({x}, 3, 1)", f"substr({x}, 6, 1)"
            same = f"({same} AND ({third} = {sixth}) AND {self._among(third, ('-', '/'))})"
        return f"CASE WHEN {same} THEN {loose} END"

    def _agreed(self, column: Agreed) -> str:
        x = _name(column.name)
        conditions = " AND ".join(self._conditions(column)) or "true"
        if column.required:
            return f"(({x} IS NOT NULL) AND {conditions})"
        return f"(({x} IS NULL) OR ({conditions}))"

    def _conditions(self, column: Agreed) -> Iterator[str]:
        """What a value that is there must fulfil; each is the opposite of one or several reasons."""
        broken = dict(self._reasons(column))
        value = _name(column.name, "#")
        match column.type:
            case Type.TEXT:
                for code in (faults.TOO_LONG, faults.DIGITS, faults.PATTERN, faults.CODE, faults.NIK, faults.REGION):
                    if code in broken:
                        yield f"(NOT {broken[code]})"
                if column.is_free:
                    yield f"(NOT {broken[faults.CONTROL]})"
                return
            case Type.DATE:
                yield f"({value} BETWEEN {self.value(self._contract.oldest)} AND {self.value(self._day)})"
            case Type.INTEGER if faults.OUT_OF_RANGE in broken:
                yield f"(NOT {broken[faults.OUT_OF_RANGE]})"
        yield f"({value} IS NOT NULL)"

    def _reason(self, column: Agreed) -> str:
        whens = [f"WHEN ({_name(column.name)} IS NULL) THEN {self._number(faults.MISSING) if column.required else 0}"]
        whens += [f"WHEN {broken} THEN {self._number(code)}" for code, broken in self._reasons(column)]
        return f"CASE {' '.join(whens)} ELSE 0 END"

    def _reasons(self, column: Agreed) -> Iterator[tuple[str, str]]:
        """Code and condition of each reason for a value that is there, in order."""
        x, loose, value = (_name(column.name, mark) for mark in ("", "~", "#"))
        for code in faults.of_column(column):
            match code:
                case faults.CONTROL:
                    yield code, f"regexp_matches({x}, {self.value(_CONTROLS_RE2)})"
                case faults.TOO_LONG:
                    yield code, f"(length({x}) > {self.value(column.longest)})"
                case faults.DESTROYED:
                    yield code, f"regexp_full_match({x}, {self.value(faults.DESTROYED_FORM)})"
                case faults.SHORT_YEAR:
                    yield code, f"regexp_full_match({x}, {self.value(faults.SHORT_YEAR_FORM)})"
                case faults.NOT_INTEGER | faults.NOT_YES_NO | faults.NOT_DATE:
                    yield code, f"({value} IS NULL)"
                case faults.OUT_OF_RANGE:
                    low, high = column.low, column.high
                    sides = [] if low is None else [f"({value} < {self.value(low)})"]
                    sides += [] if high is None else [f"({value} > {self.value(high)})"]
                    yield code, f"({' OR '.join(sides)})"
                case faults.FUTURE:
                    yield code, f"({value} > {self.value(self._day)})"
                case faults.TOO_OLD:
                    yield code, f"({value} < {self.value(self._contract.oldest)})"
                case faults.DIGITS | faults.PATTERN:
                    yield code, f"(NOT regexp_full_match({x}, {self.value(column.pattern)}))"
                case faults.CODE:
                    yield code, f"(NOT {self._among(x, column.codes or ())})"
                case faults.NIK:
                    day = f"({loose} // 100000000 % 100)"
                    month = f"({loose} // 1000000 % 100)"
                    days = f"(({day} BETWEEN 1 AND 31) OR ({day} BETWEEN 41 AND 71))"
                    yield code, f"(NOT ({days} AND ({month} BETWEEN 1 AND 12) AND (({loose} % 10000) > 0)))"
                case faults.REGION:
                    table = _region_table(REGIONS[column.pattern or ""])
                    yield code, f"(NOT ({x} IN (SELECT code FROM {table})))"  # noqa: S608  # names as above

    def _reason_across(self, column: Agreed) -> str:
        """Its own reason, or else the first broken rule that it leads, of rules whose columns are all well."""
        own = _name(column.name, "@")
        whens = []
        for rule in self._contract.rules:
            if rule.columns[0] == column.name:
                well = " AND ".join(f"({_name(name, '@')} = 0)" for name in rule.columns)
                broken = f"(NOT coalesce({self._holds(rule)}, true))"
                whens.append(f"WHEN ({well} AND {broken}) THEN {self._number(faults.OF_A_ROW[rule.rule])}")
        said = f"CASE WHEN ({own} <> 0) THEN {own} {' '.join(whens)} ELSE 0 END" if whens else own
        return f"CAST({said} AS UTINYINT)"

    def _holds(self, rule: RowRule) -> str:
        """The condition of a rule across columns; of something unknown it is unknown, and that holds. It counts only
        where all its columns are as agreed: there a value is missing exactly where its text is."""
        columns = [self._contract.column(name) for name in rule.columns]
        values = [self._value(column) for column in columns]
        nik = _name(rule.columns[0], "~")
        match rule.rule:
            case "birth-date-in-nik":
                born = values[1]
                digits = f"((({nik} // 10000) % 1000000) % 400000)"
                return f"({digits} = (day({born}) * 10000 + month({born}) * 100 + year({born}) % 100))"
            case "sex-in-nik":
                women = self._among(values[1], rule.values)
                return f"((({nik} // 100000000 % 100) > 40) = {women})"
            case "begins-with":
                return f"starts_with({values[0]}, {values[1]})"
            case "not-before":
                return f"({values[0]} >= {values[1]})"
            case "one-is-filled":
                return "(" + " OR ".join(f"({value} IS NOT NULL)" for value in values) + ")"
            case "filled-when":
                return f"(({values[0]} IS NOT NULL) OR (NOT {self._among(values[1], rule.values)}))"
        raise EngineError("a rule without a meaning")

    def _keys(self) -> dict[str, str]:
        """What the rules about the whole set need of each row, under names that no column has."""
        found = {}
        for rule in self._contract.sets:
            first = rule.columns[0]
            found[f"{first}~"] = f"CASE WHEN {_name(first, '!')} THEN {_name(first, '~')} END"
            if rule.rule == "family-has-head":
                second = rule.columns[1]
                found[f"{second}?"] = (
                    f"CASE WHEN {_name(second, '!')} THEN {self._among(_name(second), rule.values)} END"
                )
        return found

    def _value(self, column: Agreed) -> str:
        return _name(column.name, "" if column.type is Type.TEXT else "#")

    def _among(self, x: str, values: Sequence[str]) -> str:
        return f"({x} IN ({', '.join(map(self.value, values))}))" if values else "false"

    def _number(self, code: str) -> int:
        return self.codes.index(code)

    def value(self, value: Any) -> str:
        place = self._places.get((type(value), value))
        if place is None:
            self.values.append(value)
            place = self._places[type(value), value] = f"getvariable('p{len(self.values) - 1}')"
        return place


def _name(name: str, mark: str = "") -> str:
    return f'"{name}{mark}"'


def _lines(parts: Sequence[str]) -> str:
    return ",\n        ".join(parts)


def _sql_type(value: Any) -> str:
    return {int: "BIGINT", str: "VARCHAR", date: "DATE"}[type(value)]


def _quietly(call: Callable[[], _Answer]) -> _Answer:
    """`call()`, its failures told by kind alone: DuckDB quotes the value that it stumbled over."""
    try:
        return call()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        kind = type(error).__name__
    raise EngineError(kind)
