"""The contract as SQL: statements that judge values and rows, and one that explains what is wrong.

SQL is emitted from the contract and from nothing else: brackets around everything, identifiers from the contract and
quoted, every value an SQL variable (decision 0031). `reference` fixes the meaning.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from bagipakai.core.sources import Agreed, Contract, RowRule
from bagipakai.core.variables import Type
from bagipakai.registry.engines import EngineError
from bagipakai.registry.intake import faults
from bagipakai.registry.regions import LENGTHS

FAULTY, ROW = "faulty", "#"
ROWS, VALUES, WRONG = "rows", "seen", "wrong"  # what the three statements read
VALUE, SOUND = "value", "!"
REGIONS = {f"[0-9]{{{digits}}}": digits for digits in LENGTHS}  # pattern of a code → its digits
_SHORT = frozenset(f"[0-9]{{{digits}}}" for digits in range(1, 5))
_CONTROLS_RE2 = faults.CONTROLS.replace(r"\uFFFD", r"\x{FFFD}").replace(r"\x9F", r"\x{9F}")


class Statements:
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
        alone = [column for column in self._contract.columns if not repeats(column)]
        across = [self._contract.column(name) for name in sorted(ruled_together(self._contract))]
        numbers = [column for column in across if column.is_number and repeats(column)]
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
                    table = region_table(REGIONS[column.pattern or ""])
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


def repeats(column: Agreed) -> bool:
    """Whether it pays to judge each of its values once: they are few beside its rows, as codes, regions, numbers, dates
    and short digits are, or, as free text, mostly need no judgement. Not so identifiers."""
    if column.type is not Type.TEXT or column.codes is not None or column.is_free:
        return True
    return column.check == "region" or column.pattern in _SHORT


def ruled_together(contract: Contract) -> frozenset[str]:
    """Columns that rules across columns or of the set speak of."""
    return frozenset(name for rule in (*contract.rules, *contract.sets) for name in rule.columns)


def region_table(digits: int) -> str:
    """One for each level: each piece builds a join with it, and most levels are small."""
    return f"regions_of_{digits}"


def _name(name: str, mark: str = "") -> str:
    return f'"{name}{mark}"'


def _lines(parts: Sequence[str]) -> str:
    return ",\n        ".join(parts)
