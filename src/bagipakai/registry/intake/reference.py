"""What a contract means, row by row in plain Python: the judge of `checking`, `whole` and `delimited`.

Nothing here is fast, shared with the engine, or clever. Meaning is fixed by it: where the two differ, one of them is
wrong, and tests/registry/intake/test_agreement.py shows the row.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from unicodedata import category

from bagipakai.core.sources import Agreed, Contract, RowRule
from bagipakai.core.variables import Type
from bagipakai.registry.intake import faults
from bagipakai.registry.intake.reading import LONGEST_ROW
from bagipakai.registry.intake.whole import FEW
from bagipakai.registry.regions import regions

Value = str | int | bool | date | None
Place = tuple[int, int]  # file of the set, from 1, and row as its sender counts


@dataclass(frozen=True, slots=True)
class Sent:
    """One row as it came: its cells by column, empty ones left out, or `torn`: why it has no columns."""

    place: Place
    cells: Mapping[str, str]
    torn: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons`: (place, column) → codes, the row's own reason first, then those of the set; "" is the row as a whole.
    `accepted`: place → typed values. `refusal`: the code, if the whole set goes back."""

    reasons: Mapping[tuple[Place, str], tuple[str, ...]]
    accepted: Mapping[Place, tuple[Value, ...]]
    refusal: str = ""


def verdict(rows: Sequence[Sent], contract: Contract, day: date) -> Verdict:
    """What becomes of the rows of one set."""
    if len(rows) > contract.rows_at_most:
        return Verdict({}, {}, "set-has-too-many-rows")
    if len(rows) < contract.rows_at_least:
        return Verdict({}, {}, "set-has-too-few-rows")
    reasons: dict[tuple[Place, str], tuple[str, ...]] = {}
    by_itself: dict[Place, dict[str, str]] = {}
    for row in rows:
        if row.torn:
            reasons[row.place, ""] = (row.torn,)
            continue
        by_itself[row.place] = _by_column(row.cells, contract, day)
        told = by_itself[row.place] | _across(row.cells, by_itself[row.place], contract)
        for column, code in told.items():
            reasons[row.place, column] = (code,)
    whole = [row for row in rows if not row.torn]
    for rule in contract.sets:
        if rule.rule == "digits-are-whole":
            if _digits_are_cut(rule, whole, by_itself, contract):
                return Verdict({}, {}, "set-digits-were-cut")
            continue
        for place in _of_the_set(rule, whole, by_itself):
            at = (place, rule.columns[0])
            reasons[at] = (*reasons.get(at, ()), faults.OF_A_SET[rule.rule])
    faulty = {place for place, _ in reasons}
    if len(faulty) * 1000 > contract.faulty_at_most * len(rows):
        return Verdict(reasons, {}, "set-has-too-many-faults")
    accepted = {
        row.place: tuple(_typed(column, _cell(row.cells, column.name), contract) for column in contract.columns)
        for row in whole
        if row.place not in faulty
    }
    return Verdict(reasons, accepted)


def _cell(cells: Mapping[str, str], name: str) -> str | None:
    """The text without blanks around it; None for none."""
    text = cells.get(name, "")
    while text and category(text[0]) == "Zs":
        text = text[1:]
    while text and category(text[-1]) == "Zs":
        text = text[:-1]
    return text or None


def _by_column(cells: Mapping[str, str], contract: Contract, day: date) -> dict[str, str]:
    found = {}
    for column in contract.columns:
        code = _reason(column, _cell(cells, column.name), contract, day)
        if code:
            found[column.name] = code
    return found


def _reason(column: Agreed, text: str | None, contract: Contract, day: date) -> str:
    if text is None:
        return faults.MISSING if column.required else ""
    for letter in text:
        code = ord(letter)
        if (code < 32 and letter not in "\t\n\r") or 127 <= code < 160 or code == 0xFFFD:
            return faults.CONTROL
    digits_only = column.check != "" or column.is_number or column.type is Type.INTEGER
    if digits_only and re.fullmatch(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+", text):
        return faults.DESTROYED
    value = _typed(column, text, contract)
    match column.type:
        case Type.INTEGER:
            if not isinstance(value, int):
                return faults.NOT_INTEGER
            low_enough = column.high is None or value <= column.high
            high_enough = column.low is None or value >= column.low
            return "" if low_enough and high_enough else faults.OUT_OF_RANGE
        case Type.BOOLEAN:
            return faults.NOT_YES_NO if value is None else ""
        case Type.DATE:
            if not isinstance(value, date):
                short = re.fullmatch(r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2}", text)
                return faults.SHORT_YEAR if short else faults.NOT_DATE
            return faults.FUTURE if value > day else faults.TOO_OLD if value < contract.oldest else ""
        case Type.TEXT:
            return _text_reason(column, text)


def _text_reason(column: Agreed, text: str) -> str:
    if column.is_free:
        return faults.TOO_LONG if len(text) > column.longest else ""
    if column.pattern is not None and not re.fullmatch(column.pattern, text):
        return faults.of_pattern(column)
    if column.codes is not None and text not in column.codes:
        return faults.CODE
    if column.check == "nik":
        day, month, serial = int(text[6:8]), int(text[8:10]), int(text[12:16])
        if not (1 <= day <= 31 or 41 <= day <= 71) or not 1 <= month <= 12 or serial == 0:
            return faults.NIK
    if column.check == "region" and text not in regions():
        return faults.REGION
    return ""


def _typed(column: Agreed, text: str | None, contract: Contract) -> Value:
    """The value, or None where it cannot be read."""
    if text is None or column.type is Type.TEXT:
        return text
    match column.type:
        case Type.INTEGER:
            return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None
        case Type.BOOLEAN:
            return True if text in contract.yes else False if text in contract.no else None
        case _:
            return _date(text, contract.dates)


def _date(text: str, order: str) -> date | None:
    form = r"([0-9]{4})-([0-9]{2})-([0-9]{2})" if order == "ymd" else r"([0-9]{2})([-/])([0-9]{2})\2([0-9]{4})"
    told = re.fullmatch(form, text)
    if told is None:
        return None
    year, month, day = (told[1], told[2], told[3]) if order == "ymd" else (told[4], told[3], told[1])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _across(cells: Mapping[str, str], wrong: Mapping[str, str], contract: Contract) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in contract.rules:
        well = not any(name in wrong for name in rule.columns)
        if well and rule.columns[0] not in found and not _holds(rule, cells, contract):
            found[rule.columns[0]] = faults.OF_A_ROW[rule.rule]
    return found


def _holds(rule: RowRule, cells: Mapping[str, str], contract: Contract) -> bool:
    told = [_cell(cells, name) for name in rule.columns]
    if rule.rule == "one-is-filled":
        return any(text is not None for text in told)
    if rule.rule == "filled-when":
        return told[0] is not None or told[1] not in rule.values
    first, second = told[0], told[1]
    if first is None or second is None:
        return True
    one, other = (_typed(contract.column(name), text, contract) for name, text in zip(rule.columns, told, strict=True))
    match rule.rule:
        case "birth-date-in-nik":
            day = int(first[6:8])
            said = (day - 40 if day > 40 else day, int(first[8:10]), int(first[10:12]))
            return isinstance(other, date) and said == (other.day, other.month, other.year % 100)
        case "sex-in-nik":
            return (int(first[6:8]) > 40) == (second in rule.values)
        case "begins-with":
            return first.startswith(second)
        case "not-before":
            return one >= other  # type: ignore[operator]
    raise ValueError(rule.rule)


def _number(row: Sent, name: str, by_itself: Mapping[Place, Mapping[str, str]]) -> str | None:
    return None if name in by_itself[row.place] else _cell(row.cells, name)


def _of_the_set(rule: RowRule, rows: Sequence[Sent], by_itself: Mapping[Place, Mapping[str, str]]) -> Iterator[Place]:
    numbers = {row.place: _number(row, rule.columns[0], by_itself) for row in rows}
    if rule.rule == "once":
        often = Counter(number for number in numbers.values() if number is not None)
        yield from (place for place, number in numbers.items() if number is not None and often[number] > 1)
        return
    headed = set()
    for row in rows:
        head = _number(row, rule.columns[1], by_itself)
        if head is None or head in rule.values:  # of whom it is not known may be the head
            headed.add(numbers[row.place])
    yield from (place for place, number in numbers.items() if number is not None and number not in headed)


def _digits_are_cut(
    rule: RowRule, rows: Sequence[Sent], by_itself: Mapping[Place, Mapping[str, str]], contract: Contract
) -> bool:
    numbers = [number for row in rows if (number := _number(row, rule.columns[0], by_itself)) is not None]
    zeros = sum(number.endswith("0") for number in numbers)
    return len(numbers) >= FEW and zeros * 1000 > contract.zeros_at_most * len(numbers)


def read_csv(text: str, contract: Contract, file: int, delimiter: str) -> list[Sent]:
    """The rows below the header of a CSV file whose header is in order, one character after the other."""
    records = list(_records(text if text.endswith("\n") else text + "\n", delimiter))
    head, *rest = [record for record in records if record.size]
    names = [name.strip().casefold() for name in head.cells]
    found = []
    for record in rest:
        place = (file, record.line)
        if record.size > LONGEST_ROW:
            found.append(Sent(place, {}, "row-is-too-long"))
        elif record.stray:
            found.append(Sent(place, {}, "quote-is-stray"))
        elif len(record.cells) != len(names):
            found.append(Sent(place, {}, "row-is-ragged"))
        else:
            found.append(Sent(place, {name: cell for name, cell in zip(names, record.cells, strict=True) if cell}))
    return found


@dataclass(slots=True)
class _Record:
    line: int
    cells: list[str]
    size: int
    stray: bool


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Every row: where it stands, its cells, its bytes without the line break, whether a quote was stray."""
    line = at = 0
    while at < len(text):
        record, start = _Record(line + 1, [], 0, False), at
        while True:
            cell = ""
            if text[at] == '"':
                at += 1
                while text[at] != '"' or text[at : at + 2] == '""':
                    cell += text[at]
                    at += 2 if text[at] == '"' else 1
                at += 1
                while text[at] not in (delimiter, "\n"):
                    record.stray |= text[at : at + 2] != "\r\n"
                    at += 1
            else:
                while text[at] not in (delimiter, "\n"):
                    cell += text[at]
                    at += 1
                if text[at] == "\n":
                    cell = cell.removesuffix("\r")
            record.cells.append(cell)
            at += 1
            if text[at - 1] == "\n":
                break
        whole = text[start : at - 1]
        record.size = len(whole.removesuffix("\r").encode())
        line += text.count("\n", start, at)
        yield record
