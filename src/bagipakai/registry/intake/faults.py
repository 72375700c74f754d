"""What can be wrong with a value or a row, in the order in which it is told: the first of a column is its reason.

Each has its sentence, with what to do, in `policies/refusals.toml`; no sentence repeats a value.
"""

from datetime import date
from typing import Final

from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Agreed, Contract
from bagipakai.core.variables import Type
from bagipakai.registry.regions import EDITION

MISSING: Final = "value-is-missing"
CONTROL: Final = "text-has-control-characters"
TOO_LONG: Final = "value-is-too-long"
DESTROYED: Final = "number-was-destroyed"
NOT_INTEGER: Final = "integer-is-unreadable"
OUT_OF_RANGE: Final = "number-is-out-of-range"
NOT_YES_NO: Final = "answer-is-unreadable"
SHORT_YEAR: Final = "year-has-two-digits"
NOT_DATE: Final = "date-is-unreadable"
FUTURE: Final = "date-lies-ahead"
TOO_OLD: Final = "date-is-too-old"
DIGITS: Final = "digits-differ"
PATTERN: Final = "pattern-differs"
CODE: Final = "code-is-unknown"
NIK: Final = "nik-is-impossible"
REGION: Final = "region-is-unknown"

# Tab and line breaks may stand in a text; U+FFFD is what is left of a letter that a conversion lost.
CONTROLS: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\uFFFD]"
DESTROYED_FORM: Final = r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+"  # what a spreadsheet makes of a long number
SHORT_YEAR_FORM: Final = r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2}"
INTEGER_FORM: Final = r"-?[0-9]{1,18}"

OF_A_ROW: Final = {  # rules across columns, and what their fault is called
    "birth-date-in-nik": "nik-differs-from-birth-date",
    "sex-in-nik": "nik-differs-from-sex",
    "begins-with": "code-is-elsewhere",
    "not-before": "end-is-before-beginning",
    "one-is-filled": "none-is-filled",
    "filled-when": "value-is-needed-here",
}
OF_A_SET: Final = {"once": "number-stands-twice", "family-has-head": "family-has-no-head"}


def of_column(column: Agreed) -> tuple[str, ...]:
    """The faults that a value of `column` can have, in order."""
    found = [MISSING] if column.required else []
    found.append(CONTROL)
    if column.is_free:
        return (*found, TOO_LONG)
    if column.is_number or column.check or column.type is Type.INTEGER:
        found.append(DESTROYED)
    match column.type:
        case Type.INTEGER:
            found.append(NOT_INTEGER)
            found += [OUT_OF_RANGE] if (column.low, column.high) != (None, None) else []
        case Type.BOOLEAN:
            found.append(NOT_YES_NO)
        case Type.DATE:
            found += [SHORT_YEAR, NOT_DATE, FUTURE, TOO_OLD]
        case Type.TEXT:
            found += [of_pattern(column)] if column.pattern is not None else []
            found += [CODE] if column.codes is not None else []
            found += {"nik": [NIK], "region": [REGION]}.get(column.check, [])
    return tuple(found)


def of_pattern(column: Agreed) -> str:
    """What a value is told that does not have the column's pattern: a number of digits is said in words."""
    return DIGITS if column.is_number else PATTERN


def told(code: str, contract: Contract, column: str, day: date) -> Refusal:
    """The fault as something to say. `column` is empty for a fault of a whole row."""
    detail = {"column": column}
    if column:
        agreed = contract.column(column)
        detail |= {
            "longest": str(agreed.longest),
            "low": "–" if agreed.low is None else str(agreed.low),
            "high": "–" if agreed.high is None else str(agreed.high),
            "lengths": agreed.lengths,
            "codes": _short(agreed.codes or ()),
            "edition": EDITION,
            "day": day.isoformat(),
            "oldest": contract.oldest.isoformat(),
            "dates": "TTTT-BB-HH" if contract.dates == "ymd" else "HH/BB/TTTT",
            "yes": contract.yes[0],
            "no": contract.no[0],
        }
        others = [rule.columns[1:] for rule in (*contract.rules, *contract.sets) if _names(rule.rule) == code]
        detail["other"] = ", ".join(sorted({name for names in others for name in names}))
    return Refusal(code, detail)


def _names(rule: str) -> str:
    return {**OF_A_ROW, **OF_A_SET}.get(rule, "")


def _short(codes: tuple[str, ...]) -> str:
    return ", ".join(codes[:12]) + (", …" if len(codes) > 12 else "")
