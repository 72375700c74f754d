"""One value for one meaning: what a predicate chooses, as disjoint boxes of base categories.

Noise that hangs on the wording could be averaged away by saying the same in other words, and a ledger that compares
wordings would not see that two tables overlap. So a predicate becomes the set of category combinations for which it is
*true* (SQL's three-valued logic, as `registry/engines/reference.py`), and that set has one spelling: `NOT`, `IN`,
`BETWEEN` and the order of words are gone. Disclosure reference §4.5 and §4.6.

The spelling is that of a reduced ordered decision diagram (Bryant 1986; here with more than two ways at each node).
Dimensions come in the order of their names, places last. Categories that leave the same rest are one bit mask; each way
through the diagram is a box, and a mask that holds every category is left out. Places are an interval of leaf numbers,
so a box with holes between its places is several boxes. What needs more than a few boxes is refused, and so is what
divides a base category: there is nobody to compare it with.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise, product
from math import prod
from typing import Any, Final, TypeAlias

from bagipakai.core.canonical import digest
from bagipakai.core.query import (
    AREA_COLUMNS,
    And,
    Between,
    Column,
    Compare,
    Const,
    In,
    Missing,
    Not,
    Op,
    Or,
    Predicate,
    QueryError,
    Scalar,
    atoms,
    columns_of,
)
from bagipakai.core.refusal import Refusal

MOST_BOXES: Final = 8  # what a person reads at a glance; a ledger compares every one with every other
MOST_WAYS: Final = 100_000  # combinations of values that are looked at before a predicate is called too intricate
_DIGITS: Final = {column: digits for digits, column in AREA_COLUMNS.items()}

_Row: TypeAlias = Mapping[str, Scalar | None]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A variable and its base categories: each the values that it holds. No value stands twice; all are of one type.
    In a mask, bit 0 is unknown (a category of its own, where `missing`) and bit 1 the first category: a category that
    is added later moves none of the others."""

    name: str
    categories: tuple[tuple[Scalar, ...], ...]
    missing: bool = True

    def __post_init__(self) -> None:
        values = [value for category in self.categories for value in category]
        if not all(self.categories) or len(set(values)) < len(values) or len(set(map(type, values))) != 1:
            raise ValueError("base categories are not empty, hold each value once, and are of one type")

    @classmethod
    def of(cls, name: str, values: Collection[Scalar], missing: bool = True) -> "Dimension":
        """Each value is a category of its own."""
        return cls(name, tuple((value,) for value in values), missing)

    @property
    def full(self) -> int:
        """The mask of every category."""
        return (2 << len(self.categories)) - 2 + self.missing

    def pieces(self) -> Iterator[tuple[int, _Row]]:
        """Each value: the bit of its category, and a row that has it."""
        if self.missing:
            yield 1, {self.name: None}
        for at, category in enumerate(self.categories, 1):
            for value in category:
                yield 1 << at, {self.name: value}


@dataclass(frozen=True)
class Places:
    """The smallest places that a table or filter can tell apart (desa, codes of 10 digits) in order: leaf numbers 0, 1,
    2, … Everybody lives in one of them. The codes of the larger places are their first digits."""

    leaves: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.leaves or any(one >= other for one, other in pairwise(self.leaves)):
            raise ValueError("leaves are in order, each once")
        if any(len(leaf) != 10 for leaf in self.leaves):
            raise ValueError("a leaf is a code of 10 digits")

    @property
    def full(self) -> int:
        return (1 << len(self.leaves)) - 1

    def pieces(self, predicate: Predicate) -> Iterator[tuple[int, _Row]]:
        """Runs of leaves between which `predicate` does not tell: their mask, and a row that lives there. A code's
        first digits ascend with the leaves, so an atom changes its truth only next to one of its constants."""
        cuts = {0, len(self.leaves)}
        for column, value in _compared(predicate):
            if column in _DIGITS:
                if not isinstance(value, str):
                    raise QueryError("two types are never compared")
                cuts |= set(self._between(value, _DIGITS[column]))
        for first, end in pairwise(sorted(cuts)):
            leaf = self.leaves[first]
            yield (1 << end) - (1 << first), {column: leaf[:digits] for column, digits in _DIGITS.items()}

    def _between(self, code: str, digits: int) -> tuple[int, int]:
        """How many leaves have first digits before `code`, and how many up to it."""

        def digits_of(leaf: str) -> str:
            return leaf[:digits]

        return bisect_left(self.leaves, code, key=digits_of), bisect_right(self.leaves, code, key=digits_of)

    def mask(self, code: str) -> int:
        """The leaves of a place."""
        begin, end = self._between(code, len(code))
        return (1 << end) - (1 << begin)

    def codes(self, first: int, last: int) -> tuple[str, ...]:
        """The interval of leaves as the fewest codes, so that a new village does not change what a regency is."""
        found: list[str] = []
        while first <= last:
            for digits in AREA_COLUMNS:
                code = self.leaves[first][:digits]
                begin, end = self._between(code, digits)
                if begin == first and end <= last + 1:
                    break
            found.append(code)
            first = end
        return tuple(found)


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """Every combination of one category from each mask. `masks`: dimension → bits of its base categories, by name;
    dimensions that are not named are not restricted. `area`: first and last leaf number, and `codes` what they are
    called; both empty where every place is meant."""

    masks: tuple[tuple[str, int], ...] = ()
    area: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Boxes:
    """What a predicate chooses: disjoint boxes in order; none chooses nobody. Two predicates that choose the same have
    the same value, and only these."""

    boxes: tuple[Box, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in which places are codes: it stands when leaves are numbered anew."""
        return digest([spelled(box) for box in self.boxes])


def spelled(box: Box) -> dict[str, Any]:
    """The box as plain data for canonical JSON: masks in hexadecimal, places by code."""
    return {"masks": {name: f"{mask:x}" for name, mask in box.masks}, "area": list(box.codes)}


def boxes(
    predicate: Predicate | None,
    dimensions: Sequence[Dimension],
    places: Places | None = None,
    most: int = MOST_BOXES,
) -> Boxes | Refusal:
    """What `predicate` chooses among the combinations of base categories, in its one spelling; None chooses everybody.

    Refused: a column that is none of the `dimensions` (or of `places`), a base category of which only a part is chosen,
    more than `most` boxes. Raises QueryError where values of two types are compared, ValueError where a dimension is
    told twice."""
    if predicate is None:
        return Boxes((Box(),))
    known = {one.name: one for one in dimensions}
    if len(known) < len(dimensions) or (places is not None and known.keys() & _DIGITS.keys()):
        raise ValueError("a dimension stands twice")
    used = sorted({*columns_of(predicate)})
    for name in used:
        if name not in known and (places is None or name not in _DIGITS):
            return Refusal("predicate-on-unlisted-column", {"column": name})
    axes = [_Axis(name, known[name].full, _alike(known[name].pieces(), predicate)) for name in used if name in known]
    if places is not None and set(used) & set(_DIGITS):
        if any(map(_is_mixed, atoms(predicate))):
            return Refusal("predicate-is-no-box", {"most": str(most)})
        axes.append(_Axis("", places.full, _alike(places.pieces(predicate), predicate)))
    if prod(len(axis.pieces) for axis in axes) > MOST_WAYS:
        return Refusal("predicate-is-no-box", {"most": str(most)})
    try:
        rest = _rest(predicate, axes, {})
    except _Divided as divided:
        return Refusal("predicate-divides-a-category", {"column": divided.column})
    found = [box for masks in rest for box in _placed(masks, places)]
    if len(found) > most:
        return Refusal("predicate-is-no-box", {"most": str(most)})
    return Boxes(tuple(sorted(found)))


@dataclass(frozen=True)
class Possible:
    """Whether a predicate can be true of somebody of whom some is known, whoever there is."""

    predicate: Predicate
    dimensions: Sequence[Dimension]
    places: Places

    def __call__(self, known: Mapping[str, int]) -> bool:
        """`known`: by dimension, the categories that it may be ("": the leaves). What cannot be told is possible."""
        if self._axes is None:
            return True
        left = tuple(
            tuple(at for at, (mask, _) in enumerate(axis.pieces) if mask & known.get(axis.name, -1))
            for axis in self._axes
        )
        if left not in self._answers:
            some = ([axis.pieces[at][1] for at in those] for axis, those in zip(self._axes, left, strict=True))
            rows = ({name: value for row in rows for name, value in row.items()} for rows in product(*some))
            self._answers[left] = any(_truth(self._signed, row) == _TRUE for row in rows)
        return self._answers[left]

    @cached_property
    def _signs(self) -> dict[Predicate, str]:
        """A name for each part of the predicate about what has no base categories: it may be true, false or unknown."""
        listed = {one.name for one in self.dimensions} | _DIGITS.keys()
        unlisted = (one for one in atoms(self.predicate) if not {*columns_of(one)} <= listed or _is_mixed(one))
        return {one: f"?{at}" for at, one in enumerate(dict.fromkeys(unlisted))}

    @cached_property
    def _signed(self) -> Predicate:
        return _replaced(self.predicate, self._signs)

    @cached_property
    def _axes(self) -> list["_Axis"] | None:
        found, names = [], {*columns_of(self._signed)}
        dimensions = {one.name: one for one in self.dimensions if one.name not in _DIGITS}
        dimensions |= {name: Dimension.of(name, (False, True)) for name in self._signs.values()}
        for name in sorted(names - _DIGITS.keys()):
            found.append(_Axis(name, dimensions[name].full, _alike(dimensions[name].pieces(), self._signed)))
        if names & _DIGITS.keys():
            found.append(_Axis("", self.places.full, _alike(self.places.pieces(self._signed), self._signed)))
        return found if prod(len(axis.pieces) for axis in found) <= MOST_WAYS else None

    @cached_property
    def _answers(self) -> dict[tuple[tuple[int, ...], ...], bool]:
        return {}


@dataclass(frozen=True, slots=True)
class _Axis:
    """A dimension in use. `pieces`: values about which the predicate says the same, as the categories that have one of
    them, and a row. The axis of the places has no name."""

    name: str
    full: int
    pieces: tuple[tuple[int, _Row], ...]


_Masks: TypeAlias = tuple[tuple[str, int], ...]  # a box on its way: restricted axes only


class _Divided(Exception):
    """A base category of which a part is chosen."""

    def __init__(self, column: str) -> None:
        self.column = column


def _alike(pieces: Iterator[tuple[int, _Row]], predicate: Predicate) -> tuple[tuple[int, _Row], ...]:
    """The pieces that no atom tells apart, together. Where two columns are compared, every value stays alone."""
    row_of: dict[tuple[object, ...], _Row] = {}
    mask_of: dict[tuple[object, ...], int] = {}
    parts = list(atoms(predicate))
    for mask, row in pieces:
        told: list[object] = []
        for atom in parts:
            names = set(columns_of(atom))
            if names <= row.keys():
                told.append(_truth(atom, row))
            elif names & row.keys():
                told.extend(row[name] for name in sorted(names & row.keys()))
        signature = tuple(told)
        row_of.setdefault(signature, row)
        mask_of[signature] = mask_of.get(signature, 0) | mask
    return tuple((mask, row_of[signature]) for signature, mask in mask_of.items())


def _rest(predicate: Predicate, axes: Sequence[_Axis], row: _Row) -> tuple[_Masks, ...]:
    """The boxes over these axes for which `predicate` is true, the others being given by `row`."""
    if not axes:
        return ((),) if _truth(predicate, row) == _TRUE else ()
    axis, *others = axes
    masks: dict[tuple[_Masks, ...], int] = {}
    for mask, piece in axis.pieces:
        rest = _rest(predicate, others, {**row, **piece})
        masks[rest] = masks.get(rest, 0) | mask
    if sum(mask.bit_count() for mask in masks.values()) > axis.full.bit_count():
        raise _Divided(axis.name)
    return tuple(
        (*(() if mask == axis.full else ((axis.name, mask),)), *box) for rest, mask in masks.items() for box in rest
    )


def _placed(masks: _Masks, places: Places | None) -> Iterator[Box]:
    """The box, once for each run of leaves."""
    if not masks or masks[-1][0] or places is None:
        yield Box(masks)
        return
    *named, (_, left) = masks
    first = 0
    while left:
        gap = (left & -left).bit_length() - 1
        left >>= gap
        run = (~left & (left + 1)).bit_length() - 1
        first += gap
        last = first + run - 1
        yield Box(tuple(named), (first, last), places.codes(first, last))
        left >>= run
        first += run


def _is_mixed(atom: Predicate) -> bool:
    """Two columns are compared, at least one of them a place: how they compare may change anywhere."""
    if not isinstance(atom, Compare):
        return False
    sides = [side.name for side in (atom.left, atom.right) if isinstance(side, Column)]
    return len(sides) == 2 and bool(set(sides) & set(_DIGITS))


def _replaced(predicate: Predicate, names: Mapping[Predicate, str]) -> Predicate:
    """With a column of truth values in the place of each of these parts."""
    if predicate in names:
        return Column(names[predicate])
    match predicate:
        case And(parts):
            return And(tuple(_replaced(part, names) for part in parts))
        case Or(parts):
            return Or(tuple(_replaced(part, names) for part in parts))
        case Not(part):
            return Not(_replaced(part, names))
        case Missing(part) if not isinstance(part, Column):
            return Missing(_replaced(part, names))
        case _:
            return predicate


def _compared(predicate: Predicate) -> Iterator[tuple[str, Any]]:
    """Each column and each constant that it is compared with."""
    for atom in atoms(predicate):
        match atom:
            case Compare(_, Column(name), Const(value)) | Compare(_, Const(value), Column(name)):
                yield name, value
            case In(Column(name), values):
                yield from ((name, value) for value in values)
            case Between(Column(name), low, high):
                yield from ((name, low), (name, high))


# Kleene's three truths as numbers: AND is the least, OR the greatest, NOT the mirror.
_FALSE, _UNKNOWN, _TRUE = 0, 1, 2


def _truth(predicate: Predicate, row: _Row) -> int:
    match predicate:
        case Column(name):
            value = row[name]
            return _UNKNOWN if value is None else _TRUE if value else _FALSE
        case Compare(op, left, right):
            return _compare(op, _value(left, row), _value(right, row))
        case And(parts):
            return min(_truth(part, row) for part in parts)
        case Or(parts):
            return max(_truth(part, row) for part in parts)
        case Not(part):
            return _TRUE - _truth(part, row)
        case Missing(Column(name)):
            return _TRUE if row[name] is None else _FALSE
        case Missing(part):
            return _TRUE if _truth(part, row) == _UNKNOWN else _FALSE
        case In(Column(name), values):
            found = _compare(Op.EQUAL, row[name], values[0])
            return _TRUE if found == _FALSE and row[name] in _set(values) else found
        case Between(Column(name), low, high):
            return min(_compare(Op.AT_LEAST, row[name], low), _compare(Op.AT_MOST, row[name], high))


@lru_cache(maxsize=64)
def _set(values: tuple[Scalar, ...]) -> frozenset[Scalar]:
    return frozenset(values)


def _value(side: Column | Const, row: _Row) -> Scalar | None:
    return row[side.name] if isinstance(side, Column) else side.value


def _compare(op: Op, left: Any, right: Any) -> int:
    if left is None or right is None:
        return _UNKNOWN
    if type(left) is not type(right):
        raise QueryError("two types are never compared")
    less, same = bool(left < right), bool(left == right)
    told = {
        Op.EQUAL: same,
        Op.DIFFERS: not same,
        Op.LESS: less,
        Op.AT_MOST: less or same,
        Op.MORE: not (less or same),
        Op.AT_LEAST: not less,
    }
    return _TRUE if told[op] else _FALSE
