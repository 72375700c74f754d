"""The closed language of selection. What cannot be said here cannot be run; what is said has one meaning everywhere.

Meaning is SQL's three-valued logic, written out in `registry/engines/reference.py`: an unknown value is neither equal
nor unequal to anything, and only a predicate that is *true* chooses a row.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | bool | date  # a date is a calendar day; money is whole rupiah; there are no floats


# The column that holds a region code of so many digits (Kemendagri codes without dots).
AREA_COLUMNS = {2: "kode_prov", 4: "kode_kab", 6: "kode_kec", 10: "kode_desa"}


class QueryError(ValueError):
    """The text is not a sentence of this language. Names the place, never a person's value."""


class Op(StrEnum):
    EQUAL = "="
    DIFFERS = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Column:
    """A variable of the catalogue, by its official column name. Alone it is a predicate when it is boolean."""

    name: str


@dataclass(frozen=True, slots=True)
class Const:
    value: Scalar

    def __post_init__(self) -> None:
        _constants(self.value)


@dataclass(frozen=True, slots=True)
class Compare:
    op: Op
    left: "Column | Const"
    right: "Column | Const"


@dataclass(frozen=True, slots=True)
class And:
    parts: "tuple[Predicate, ...]"

    def __post_init__(self) -> None:
        _not_empty(self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    parts: "tuple[Predicate, ...]"

    def __post_init__(self) -> None:
        _not_empty(self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Missing:
    """True when the value (or the truth) of `part` is unknown; never unknown itself."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class In:
    column: Column
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        _not_empty(self.values)
        _constants(*self.values)


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends are included."""

    column: Column
    low: Scalar
    high: Scalar

    def __post_init__(self) -> None:
        _constants(self.low, self.high)


def _not_empty(parts: tuple[object, ...]) -> None:
    if not parts:
        raise QueryError("an empty list of parts or values")


def _constants(*values: object) -> None:
    for value in values:
        if not isinstance(value, Scalar) or isinstance(value, datetime):
            raise QueryError("a constant is text, a whole number, true or false, or a calendar day")


Predicate: TypeAlias = Column | Compare | And | Or | Not | Missing | In | Between


@dataclass(frozen=True, slots=True)
class Rows:
    """Filter and keep: the rows of `unit` in `area` for which `where` is true, with these columns in this order."""

    unit: str
    keep: tuple[str, ...]
    where: Predicate | None = None
    area: tuple[str, ...] = ()  # region codes of 2, 4, 6 or 10 digits; empty is the nation


@dataclass(frozen=True, slots=True)
class Count:
    """Group and count: one row per combination of `by` that occurs, an unknown value being a group of its own."""

    unit: str
    by: tuple[str, ...]
    where: Predicate | None = None
    area: tuple[str, ...] = ()


Query: TypeAlias = Rows | Count


def columns_of(predicate: Predicate | None) -> Iterator[str]:
    """Every column name that stands in `predicate`, in reading order, repeats included."""
    match predicate:
        case None | Const():
            return
        case Column(name):
            yield name
        case Compare(_, left, right):
            for side in (left, right):
                if isinstance(side, Column):
                    yield side.name
        case And(parts) | Or(parts):
            for part in parts:
                yield from columns_of(part)
        case Not(part) | Missing(part):
            yield from columns_of(part)
        case In(column, _) | Between(column, _, _):
            yield column.name


def atoms(predicate: Predicate | None) -> Iterator[Predicate]:
    """The parts of a predicate that AND, OR and NOT make it of, in reading order, repeats included."""
    match predicate:
        case And(parts) | Or(parts):
            for part in parts:
                yield from atoms(part)
        case Not(part):
            yield from atoms(part)
        case Missing(part) if not isinstance(part, Column):
            yield from atoms(part)
        case None:
            return
        case _:
            yield predicate


def chosen(query: Query) -> Predicate | None:
    """The whole condition of a query: inside the area, and `where` is true. None chooses every row."""
    parts = tuple(part for part in (_inside(query.area), query.where) if part is not None)
    return And(parts) if len(parts) > 1 else next(iter(parts), None)


def _inside(area: tuple[str, ...]) -> Predicate | None:
    codes = {column: tuple(code for code in area if len(code) == digits) for digits, column in AREA_COLUMNS.items()}
    if sum(map(len, codes.values())) != len(area):
        raise QueryError("a region code has 2, 4, 6 or 10 digits")
    parts = tuple(In(Column(column), found) for column, found in codes.items() if found)
    return Or(parts) if len(parts) > 1 else next(iter(parts), None)


def reaches(area: tuple[str, ...], regency: str) -> bool:
    """Whether `area` holds any place of the regency with this code of 4 digits. An empty area is the nation."""
    return not area or any(code.startswith(regency) or regency.startswith(code) for code in area)


def truth_of_nothing(predicate: Predicate) -> bool | None:
    """What the predicate says of somebody about whom nothing is known: true, false or unknown (None). A filter that
    is true here would choose people because we know nothing about them, and is refused."""
    match predicate:
        case Compare(op, Const(left), Const(right)):
            return bool(_COMPARED[op](left, right))
        case Column() | Compare() | In() | Between():
            return None
        case Missing(part):
            return truth_of_nothing(part) is None
        case Not(part):
            inner = truth_of_nothing(part)
            return None if inner is None else not inner
        case And(parts):
            told = [truth_of_nothing(part) for part in parts]
            return False if False in told else None if None in told else True
        case Or(parts):
            told = [truth_of_nothing(part) for part in parts]
            return True if True in told else None if None in told else False


_COMPARED = {
    Op.EQUAL: operator.eq,
    Op.DIFFERS: operator.ne,
    Op.LESS: operator.lt,
    Op.AT_MOST: operator.le,
    Op.MORE: operator.gt,
    Op.AT_LEAST: operator.ge,
}


def to_json(predicate: Predicate | Const) -> dict[str, Any]:
    """The predicate as plain data for canonical JSON; `from_json(to_json(p)) == p`."""
    match predicate:
        case Column(name):
            return {"column": name}
        case Const(value):
            return {"const": _scalar_out(value)}
        case Compare(op, left, right):
            return {"compare": op.value, "left": to_json(left), "right": to_json(right)}
        case And(parts):
            return {"and": [to_json(part) for part in parts]}
        case Or(parts):
            return {"or": [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}
        case Missing(part):
            return {"missing": to_json(part)}
        case In(column, values):
            return {"in": column.name, "values": [_scalar_out(value) for value in values]}
        case Between(column, low, high):
            return {"between": column.name, "low": _scalar_out(low), "high": _scalar_out(high)}


def from_json(data: Any) -> Predicate:
    """Raises QueryError for anything that `to_json` would not have written."""
    side = _from_json(data)
    if isinstance(side, Const):
        raise QueryError("a constant is not a predicate")
    return side


def _from_json(data: Any) -> "Predicate | Const":
    if not isinstance(data, dict):
        raise QueryError("a predicate is an object")
    match data:
        case {"column": str(name)} if len(data) == 1:
            return Column(name)
        case {"const": value} if len(data) == 1:
            return Const(_scalar_in(value))
        case {"compare": str(op), "left": left, "right": right} if len(data) == 3 and op in set(Op):
            return Compare(Op(op), _side(left), _side(right))
        case {"and": [*parts]} if len(data) == 1 and parts:
            return And(tuple(from_json(part) for part in parts))
        case {"or": [*parts]} if len(data) == 1 and parts:
            return Or(tuple(from_json(part) for part in parts))
        case {"not": part} if len(data) == 1:
            return Not(from_json(part))
        case {"missing": part} if len(data) == 1:
            return Missing(from_json(part))
        case {"in": str(name), "values": [*values]} if len(data) == 2 and values:
            return In(Column(name), tuple(_scalar_in(value) for value in values))
        case {"between": str(name), "low": low, "high": high} if len(data) == 3:
            return Between(Column(name), _scalar_in(low), _scalar_in(high))
    raise QueryError("an unknown kind of predicate")


def _side(data: Any) -> Column | Const:
    side = _from_json(data)
    if not isinstance(side, Column | Const):
        raise QueryError("only a column or a constant can be compared")
    return side


def _scalar_out(value: Scalar) -> Any:
    return {"date": value.isoformat()} if isinstance(value, date) else value


def _scalar_in(data: Any) -> Scalar:
    match data:
        case str() | bool() | int():
            return data
        case {"date": str(text)} if len(data) == 1:
            try:
                day = date.fromisoformat(text)
            except ValueError:
                raise QueryError("not a calendar day") from None
            if day.isoformat() == text:  # one spelling: 2026-07-01, neither 20260701 nor 2026-W27-3
                return day
    raise QueryError("not a constant")
