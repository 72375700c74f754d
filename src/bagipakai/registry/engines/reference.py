"""What the words mean: a row-by-row evaluator, deliberately naive, that judges every faster engine.

Three-valued logic is written out as tables. Nothing is optimised, nothing is clever, and nothing here is used to make a
package. Rows are mappings from column name to value, None being unknown.

Where engines could differ, the meaning is what Python says of these values:

* Text is compared by code point, which is the order of its UTF-8 bytes: `"A" < "a" < "é"`, `"12" <> "0012"`, a trailing
  blank counts, `""` is a text and not unknown. No locale, no collation, no normal form.
* Integers are whole and exact; there are no decimals and no floats, so nothing is rounded. `False < True`.
* A day is one of the proleptic Gregorian calendar, from 0001-01-01 on, without a time or a zone.
* Two types are never compared, and nothing is converted to make them comparable.
* Rows come in the order of the release, which is that of its ordinals; of cells, the coarsest come first and then each
  kind by value, unknown last (`disclosure.in_order`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from bagipakai.core.disclosure import Cell, Key, in_order
from bagipakai.core.query import (
    And,
    Between,
    Column,
    Compare,
    Const,
    Count,
    In,
    Missing,
    Not,
    Op,
    Or,
    Predicate,
    Query,
    Rows,
    chosen,
)
from bagipakai.registry.engines import ORDINAL, Amounts

Row: TypeAlias = Mapping[str, Any]
Truth: TypeAlias = bool | None

NOT: dict[Truth, Truth] = {True: False, False: True, None: None}

AND: dict[tuple[Truth, Truth], Truth] = {
    (True, True): True,
    (True, False): False,
    (True, None): None,
    (False, True): False,
    (False, False): False,
    (False, None): False,
    (None, True): None,
    (None, False): False,
    (None, None): None,
}

OR: dict[tuple[Truth, Truth], Truth] = {
    (True, True): True,
    (True, False): True,
    (True, None): True,
    (False, True): True,
    (False, False): False,
    (False, None): None,
    (None, True): True,
    (None, False): None,
    (None, None): None,
}


def truth(predicate: Predicate, row: Row) -> Truth:
    """Is `predicate` true, false or unknown for `row`? Raises KeyError for a column the row does not have."""
    match predicate:
        case Column(name):
            value = row[name]
            return None if value is None else bool(value)
        case Compare(op, left, right):
            return _compare(op, _value(left, row), _value(right, row))
        case And(parts):
            all_true: Truth = True
            for part in parts:
                all_true = AND[all_true, truth(part, row)]
            return all_true
        case Or(parts):
            any_true: Truth = False
            for part in parts:
                any_true = OR[any_true, truth(part, row)]
            return any_true
        case Not(part):
            return NOT[truth(part, row)]
        case Missing(Column(name)):
            return row[name] is None
        case Missing(part):
            return truth(part, row) is None
        case In(column, values):
            found: Truth = False
            for value in values:
                found = OR[found, _compare(Op.EQUAL, row[column.name], value)]
            return found
        case Between(column, low, high):
            value = row[column.name]
            return AND[_compare(Op.AT_LEAST, value, low), _compare(Op.AT_MOST, value, high)]


def _value(side: Column | Const, row: Row) -> Any:
    match side:
        case Column(name):
            return row[name]
        case Const(value):
            return value


def _compare(op: Op, left: Any, right: Any) -> Truth:
    if left is None or right is None:
        return None
    if type(left) is not type(right):
        raise TypeError("two types are never compared")
    match op:
        case Op.EQUAL:
            return bool(left == right)
        case Op.DIFFERS:
            return bool(left != right)
        case Op.LESS:
            return bool(left < right)
        case Op.AT_MOST:
            return bool(left <= right)
        case Op.MORE:
            return bool(left > right)
        case Op.AT_LEAST:
            return bool(left >= right)


def choose(query: Query, table: Iterable[Row], absent: Collection[int] = ()) -> list[Row]:
    """The rows for which the whole condition is true, in their order. False and unknown are both "not chosen". A row
    whose ordinal is in `absent` is not there, whatever is asked."""
    condition = chosen(query)
    there = [row for row in table if not absent or row[ORDINAL[query.unit]] not in absent]
    return [row for row in there if condition is None or truth(condition, row) is True]


def rows(query: Rows, table: Iterable[Row], absent: Collection[int] = ()) -> list[tuple[Any, ...]]:
    """The kept columns of the chosen rows, in the order of `table`."""
    return [tuple(row[name] for name in query.keep) for row in choose(query, table, absent)]


def count(
    query: Count,
    table: Iterable[Row],
    enough: int | None = None,
    margins: bool = False,
    absent: Collection[int] = (),
) -> list[Cell]:
    """One cell per combination that occurs, in order (coarsest margins first, if asked for). Unknown is a value of its
    own.

    For persons, `families` is the number of different `id_keluarga`. Where `enough` is given, it is counted up to that
    number only, and not at all (0) in a cell of fewer persons: those decide already. For families, `persons` is the
    sum of `member_count`.
    """
    groups: dict[Key, list[Row]] = {}
    for row in choose(query, table, absent):
        key = tuple(row[name] for name in query.by)
        for length in range(len(key) + 1) if margins else [len(key)]:
            groups.setdefault(key[:length], []).append(row)
    return list(in_order(_cell(query.unit, key, members, enough) for key, members in groups.items()))


def _cell(unit: str, key: Key, members: list[Row], enough: int | None) -> Cell:
    if unit == "keluarga":
        return Cell(key, sum(row["member_count"] for row in members), len(members))
    families = len({row["id_keluarga"] for row in members if row["id_keluarga"] is not None})
    if enough is not None:
        families = min(families, enough) if len(members) >= enough else 0
    return Cell(key, len(members), families)


def amounts(query: Count, summed: str, table: Iterable[Row], absent: Collection[int] = ()) -> list[Amounts]:
    """What the chosen rows of each combination that occurs have of `summed` together. The rows of one family are one
    contributor, whose contribution is their sum; a person of no family is one of his own."""
    groups: dict[Key, list[Row]] = {}
    for row in choose(query, table, absent):
        groups.setdefault(tuple(row[name] for name in query.by), []).append(row)
    return [_amounts(query.unit, summed, key, groups[key]) for key in groups]


def _amounts(unit: str, summed: str, key: Key, members: list[Row]) -> Amounts:
    known = [row for row in members if row[summed] is not None]
    given: Counter[object] = Counter()
    for row in known:
        alone = unit == "keluarga" or row["id_keluarga"] is None
        given[("row", row[ORDINAL[unit]]) if alone else ("family", row["id_keluarga"])] += row[summed]
    first, second, *_ = sorted([*given.values(), 0, 0], reverse=True)
    contributors, least = sum(one > 0 for one in given.values()), min((row[summed] for row in known), default=0)
    return Amounts(key, given.total(), first, second, contributors, len(members) - len(known), least)


def groups(query: Count, table: Iterable[Row], absent: Collection[int] = ()) -> Counter[Key]:
    """How many of the chosen rows have each combination of values that occurs, unknown being one."""
    return Counter(tuple(row[name] for name in query.by) for row in choose(query, table, absent))


def listed(
    column: str, numbers: Iterable[int | None], keep: tuple[str, ...], table: Collection[Row]
) -> list[tuple[int, ...]]:
    """For every row whose internal `column` stands in a list of numbers, each place there, counted from 0: the place,
    and the row's internal columns `keep`. In the order of `table`, and for one row in that of the list.

    A number that stands twice in the list is answered twice; of a number that two persons have, both are told. Unknown,
    in the list or in the table, is nobody, and so is a number that no row has.
    """
    asked = list(numbers)
    return [
        (place, *(row[name] for name in keep))
        for row in table
        for place, number in enumerate(asked)
        if number is not None and row[column] == number
    ]
