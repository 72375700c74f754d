"""What the lines of a published table are about, as the ledger compares them: boxes of base categories, and places.

A place is the interval of the codes of ten digits that begin with its code, so that a regency lies inside its province
without a gazetteer. A place whose code is not known is a category of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from hashlib import sha256
from operator import or_
from typing import Final

import numpy as np

from bagipakai.core.base_categories import base_categories, coarsened, refined, table_filter
from bagipakai.core.disclosure import Cell, Table
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import AREA_COLUMNS, Count, Scalar, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Variable
from bagipakai.registry.disclosure.containment import Box, Cells, Region
from bagipakai.registry.disclosure.ledger import Difference, Ledger, Limits, Output
from bagipakai.registry.disclosure.tables import TableRule
from bagipakai.registry.regions import parent_of, regions

_DIGITS: Final = {column: digits for digits, column in AREA_COLUMNS.items()}
_NAMED: Final = {f"nama_{column.removeprefix('kode_')}": digits for column, digits in _DIGITS.items()}
_LEAF: Final = 10  # digits
_RELATION: Final = "hubungan_kepala_keluarga"  # the first of its codes is the head
_UNKNOWN: Final = 1  # mask of a place that is not known
_NOT_KNOWN: Final = "tidak diketahui"
_SAME: Final = "syarat dan pengelompokan yang persis sama dengan tabel yang sudah terbit, atau wilayah lain"
_KINDS: Final = {1: "Provinsi ", 3: "Kecamatan ", 4: "Desa/kelurahan "}  # the names of regencies say what they are
_SHOWN: Final = 6  # values
_MIXED: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, so that who and where do not change places

Bits = Mapping[str, Mapping[Scalar | None, int]]
Line = tuple[Mapping[str, Scalar | None], int | None]  # the value of each dimension that is told; None is hidden
Counting = Callable[[Count], Iterable[Cell]]


@dataclass(frozen=True)
class Occupied:
    """Where anybody is at all, of those whom a plan may count. `codes`: of its area. `masks`: of each variable of its
    filter, by regency, the categories that anybody there has. Who names an empty category or place names nothing, and
    would only seem to ask about somebody else."""

    codes: tuple[str, ...]
    masks: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, plan: Plan, catalogue: Catalogue, count: Counting) -> "Occupied":
        """Raises EngineError."""
        codes, unit = plan.area.codes, plan.unit.value
        met: set[str] = set()
        for digits in {len(code) for code in codes} if len(codes) > 1 else ():
            met |= {str(cell.key[0]) for cell in count(Count(unit, (AREA_COLUMNS[digits],), None, codes))}
        masks: dict[str, dict[str, int]] = {}
        for name in sorted(set(columns_of(plan.population))):
            bits, by_place = _bits(name, catalogue), masks.setdefault(name, {})
            for cell in count(Count(unit, ("kode_kab", name), None, codes)):
                place, value = str(cell.key[0]), cell.key[1]
                by_place[place] = by_place.get(place, 0) | bits.get(value, _other(bits))
        return cls(tuple(code for code in codes if code in met) if met else codes, masks)

    def mask(self, name: str, mask: int, region: Region) -> int:
        """What of these categories anybody in the region has. The whole mask where nobody is, it says nothing, and of a
        variable that is not in the filter."""
        places = self.masks.get(name, {}).items()
        here = [found for place, found in places if any(_met(_stretch(place), one) for one in region)]
        return mask & reduce(or_, here, 0) or mask


def cells_of(plan: Plan, lines: Iterable[Line], catalogue: Catalogue, occupied: Occupied) -> Cells | Refusal:
    """The counts that a table tells: the lines that it shows, and what is left of a total when those shown are taken
    away. Families are counted as their heads, so that tables of persons and of families compare. Refused where the
    filter is none that can be compared, or a place has a name that no place has."""
    chosen = table_filter(plan.population, catalogue)
    if isinstance(chosen, Refusal):
        return chosen
    if chosen is None:
        return Refusal("table-filter-chooses-nobody")
    masks = dict(chosen.masks)
    if plan.unit is Unit.KELUARGA:
        heads = _bits(_RELATION, catalogue)[next(iter(catalogue[_RELATION].codes or ()))]
        masks[_RELATION] = masks.get(_RELATION, -1) & heads
    area = _merged(map(_stretch, _coarsest(occupied.codes) or ("",)))
    bits = {name: _bits(name, catalogue) for name in plan.columns if name not in {*_DIGITS, *_NAMED}}

    @cache
    def box_of(said: Said) -> tuple[Box, Key]:
        box = _box(said, masks, bits)
        return box, tuple(box.items())

    @cache
    def region_of(said: Said) -> Region:
        return _region(said, area)

    @cache
    def finer(box: Key, where: Region) -> Key:
        occurring = ((name, occupied.mask(name, mask, where) if where else mask) for name, mask in box)
        return tuple(sorted(refined(dict(occurring)).items()))

    @cache
    def asked_of(box: Key) -> int:
        return _number(sorted(refined(dict(box)).items()))

    @cache
    def asked_at(region: Region) -> int:
        return _number(region)

    boxes: dict[Key, int] = {}
    places: dict[Region, int] = {}
    told: dict[tuple[int, int, int], tuple[int, int]] = {}
    parted = ((values, count, *_parted(values, bits)) for values, count in lines)
    read = [(values, count, box_of(box), region_of(place)) for values, count, box, place in parted]
    shown = ((box, region, count) for _, count, (_, box), region in read if count is not None)
    left = _left([(values, count, box, region) for values, count, (box, _), region in read])
    for wide, region, count in (*shown, *((tuple(box.items()), region, many) for box, region, many in left)):
        if not region:
            return Refusal("table-place-unknown")
        key = finer(wide, region if occupied.masks else ())
        cell = boxes.setdefault(key, len(boxes)), places.setdefault(region, len(places)), count
        told.setdefault(cell, (asked_of(wide), asked_at(region)))
    cells = sorted(told)
    what, where, many = np.array(cells, np.int64).reshape(-1, 3).T
    of, at = np.array([told[cell] for cell in cells], np.uint64).reshape(-1, 2).T
    return Cells([dict(one) for one in boxes], list(places), what, where, many, (of + _MIXED * at).view(np.int64))


def _number(said: object) -> int:
    """64 bits that tell it from anything else."""
    return int.from_bytes(sha256(repr(said).encode()).digest()[:8])


Said = tuple[tuple[str, Scalar | None], ...]
Key = tuple[tuple[str, int], ...]
Told = tuple[Mapping[str, Scalar | None], int | None, Box, Region]


def _left(table: Sequence[Told]) -> Iterator[tuple[Box, Region, int]]:
    """Of each total that is shown, how many are in its hidden parts together: what anybody can subtract. Not where they
    are partly of a known place and partly of none: that is no box."""
    if all(count is not None for _, count, _, _ in table):
        return
    about = {frozenset(line[0].items()): line for line in table}
    parts: dict[tuple[frozenset[tuple[str, Scalar | None]], str], list[Told]] = {}
    for key, line in about.items():
        for name in line[0]:
            whole = key - {(name, line[0][name])}
            if whole in about:
                parts.setdefault((whole, name), []).append(line)
    for (whole, name), below in parts.items():
        total, hidden = about[whole][1], [line for line in below if line[1] is None]
        if total is not None and hidden:
            left = total - sum(line[1] or 0 for line in below)
            box, masks = dict(hidden[0][2]), [line[2][name] for line in hidden if name in line[2]]
            if masks and len(masks) < len(hidden):
                continue
            if masks:
                box[name] = reduce(or_, masks)
            yield box, _merged(span for line in hidden for span in line[3]), left


class Placed:
    """Where each line of a table is."""

    def __init__(self, dimensions: Sequence[str], occupied: Occupied) -> None:
        self._dimensions = dimensions
        self._area = _merged(map(_stretch, _coarsest(occupied.codes) or ("",)))
        self._known: dict[Said, Region] = {}

    def region(self, key: tuple[Scalar | None, ...]) -> Region:
        said = self._places(key)
        if said not in self._known:
            self._known[said] = _region(said, self._area)
        return self._known[said]

    def says_more(self, key: tuple[Scalar | None, ...]) -> bool:
        """Whether a line is about more than a place."""
        return len(self._places(key)) < len(key)

    def deepest(self, keys: Iterable[tuple[Scalar | None, ...]]) -> set[Region]:
        """The smallest places that the table tells apart; none where it tells of no place."""
        named = sum(name in _DIGITS or name in _NAMED for name in self._dimensions)
        return {self.region(key) for key in keys if named and len(self._places(key)) == named}

    def _places(self, key: tuple[Scalar | None, ...]) -> "Said":
        pairs = zip(self._dimensions, key, strict=False)
        return tuple(
            (name, value) for name, value in pairs if value is not None and (name in _DIGITS or name in _NAMED)
        )


def meets(one: Region, other: Region) -> bool:
    return any(_met(mine, theirs) for mine in one for theirs in other)


def lies_in(one: Region, other: Region) -> bool:
    return _within(one, other) == one


def limits(plan: Plan, rule: TableRule) -> Limits:
    """What the table of a plan may not tell together with others."""
    own = rule.of_plan(plan)
    smallest = own.smallest_persons if plan.unit is Unit.INDIVIDU else own.smallest_families
    return Limits(smallest, own.homogeneous_percent, own.homogeneous_under, own.quarters)


def lines_of(table: Table) -> Iterator[Line]:
    """Of a table that is a tree."""
    for line in table.lines:
        yield dict(zip(table.dimensions, line.key, strict=False)), line.count


def refusal(found: Difference, catalogue: Catalogue, dropped: Sequence[str] = ()) -> Refusal:
    """Names the two counts in words; no number of anybody, nor whether few are between them or nearly all are in both:
    that is what must not be told. `dropped`: the variables without which the table could be published."""
    about = [
        "; ".join((words(*one, catalogue), *([f"rilis {release}"] if found.releases else [])))
        for one, release in zip((found.narrow, found.wide), found.releases or ("", ""), strict=True)
    ]
    return Refusal("tables-tell-a-few", {"narrow": about[0], "wide": about[1], "proposal": proposed(dropped)})


def of_other_people(first: Output | None, output: Output) -> Refusal | None:
    """Why counts cannot be told beside the `first` that were told of their quarter, whatever they are: a correction or
    a hold between the two would be seen in what differs, and so in what is refused."""
    if first is None or output.is_of_the_people_of(first):
        return None
    return Refusal("tables-of-other-people", {"release": first.release})


def of_total(
    plan: Plan, total: int, catalogue: Catalogue, occupied: Occupied, entries: Ledger, output: Output, most: Limits
) -> Refusal | None:
    """What the total of a plan's table tells together with what was published. Asked before the table is judged by what
    is in it: else that it is just too fine, and not refused for its total, would tell of the one who makes the
    difference. A total that is too small to be told is looked at as the smallest that may be. Raises Damaged."""
    cells = cells_of(plan, [({}, max(total, most.smallest))], catalogue, occupied)
    if isinstance(cells, Refusal):
        return cells
    with entries.turn():
        found = next(entries.differences(output, cells, most), None)
    return None if found is None else refusal(found, catalogue)


def proposed(dropped: Sequence[str]) -> str:
    """What could be published instead, in words."""
    return f"tabel yang sama tanpa {', '.join(dropped)}" if dropped else _SAME


def words(box: Box, region: Region, catalogue: Catalogue) -> str:
    """What a count is about: "Desil kesejahteraan: 1, 2; Jenis kelamin: Perempuan; Kabupaten Bogor"."""
    masks = sorted(coarsened(box).items())
    told = [f"{catalogue[name].title()}: {_values(name, mask, catalogue)}" for name, mask in masks]
    return "; ".join((*told, _place(region)))


def _values(name: str, mask: int, catalogue: Catalogue) -> str:
    if name in _DIGITS or name in _NAMED or base_categories(catalogue[name]) is None:
        return _NOT_KNOWN
    return categories(catalogue[name], mask, _SHOWN)


def categories(variable: Variable, mask: int, most: int | None = None) -> str:
    """What base categories are called, the first `most` of them; numbers without a gap by their first and last."""
    dimension = base_categories(variable)
    assert dimension is not None  # noqa: S101 - it has a mask
    values = [row[variable.name] for bit, row in dimension.pieces() if mask & bit]
    known = [one for one in values if one is not None]
    told = [called(variable, one) for one in known]
    numbers = [one for one in known if isinstance(one, int) and not isinstance(one, bool)]
    if len(numbers) == len(known) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        told = [f"{told[0]} sampai {told[-1]}"]
    told += [_NOT_KNOWN] if None in values else []
    return ", ".join(told[:most]) + (", …" if most is not None and len(told) > most else "")


def called(variable: Variable, value: Scalar | None) -> str:
    """A value in words: yes or no, or what its code means."""
    if value is None:
        return _NOT_KNOWN
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    codes = variable.codes
    return codes.label(str(value)) if codes is not None and value in codes else str(value)


def _place(region: Region) -> str:
    if region == (_stretch(""),):
        return "Indonesia"
    alone = (f"{_KINDS.get(one.level, '')}{one.name}" for one in regions().values() if (_stretch(one.code),) == region)
    return next(alone, f"{len(region)} wilayah")


def _parted(values: Mapping[str, Scalar | None], bits: Bits) -> tuple[Said, Said]:
    """What is said of categories, and of places; that a place is not known is a category."""
    categories: list[tuple[str, Scalar | None]] = []
    places: list[tuple[str, Scalar | None]] = []
    for one in values.items():
        (places if one[0] not in bits and one[1] is not None else categories).append(one)
    return tuple(categories), tuple(places)


def _box(said: Said, masks: Box, bits: Bits) -> Box:
    box = dict(masks)
    for name, value in said:
        if name in bits:
            box[name] = box.get(name, -1) & bits[name].get(value, _other(bits[name]))
        else:
            box[name] = _UNKNOWN
    return box


def _region(said: Said, area: Region) -> Region:
    for name, value in said:
        place = str(value)
        area = _within(area, [_stretch(place)] if name in _DIGITS else _called(place, _NAMED[name]))
    return area


def _other(bits: Mapping[Scalar | None, int]) -> int:
    """The mask of whatever is none of the catalogue's values."""
    return max(bits.values()) << 1


def _bits(name: str, catalogue: Catalogue) -> Mapping[Scalar | None, int]:
    """The mask of each value of the catalogue."""
    dimension = base_categories(catalogue[name])
    assert dimension is not None  # noqa: S101 - what may divide a table has base categories; a test holds it
    return {row[name]: mask for mask, row in dimension.pieces()}


def _called(name: str, digits: int) -> Iterable[tuple[int, int]]:
    """The places of one level with this name: there may be several."""
    return _by_name(digits).get(name, ())


@cache
def _by_name(digits: int) -> Mapping[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for one in regions().at_level({2: 1, 4: 2, 6: 3, 10: 4}[digits]):
        found.setdefault(one.name, []).append(_stretch(one.code))
    return found


@cache
def _parts() -> Mapping[str, int]:
    """How many places lie directly in each."""
    return Counter(parent_of(one.code) for one in regions().values() if len(one.code) > 2)


def _coarsest(codes: Iterable[str]) -> set[str]:
    """The same area; where all parts of a place are named, the place."""
    found = set(codes)
    for digits in sorted(_DIGITS.values(), reverse=True)[:-1]:
        whole = Counter(parent_of(code) for code in found if len(code) == digits)
        for place in (one for one, many in whole.items() if many == _parts().get(one)):
            found = {code for code in found if parent_of(code) != place} | {place}
    return found


def _met(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(one[0], other[0]) <= min(one[1], other[1])


def _stretch(code: str) -> tuple[int, int]:
    return int(code.ljust(_LEAF, "0")), int(code.ljust(_LEAF, "9"))


def _merged(stretches: Iterable[tuple[int, int]]) -> Region:
    """In order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(set(stretches)):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def _within(area: Region, stretches: Iterable[tuple[int, int]]) -> Region:
    """What of these stretches lies in the area."""
    met = ((max(first, begin), min(last, end)) for first, last in stretches for begin, end in area)
    return _merged((first, last) for first, last in met if first <= last)
