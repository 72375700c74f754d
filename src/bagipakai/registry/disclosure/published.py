"""What the lines of a published table are about, as the ledger compares them: boxes of base categories, and places.

A place is the interval of the codes of ten digits that begin with its code, so that a regency lies inside its province
without a gazetteer. A place whose code is not known is a category of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from bagipakai.core.base_categories import base_categories, table_filter
from bagipakai.core.disclosure import Table
from bagipakai.core.plan import Plan
from bagipakai.core.query import AREA_COLUMNS, Scalar
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.containment import Box, Cells, Region
from bagipakai.registry.disclosure.ledger import Difference
from bagipakai.registry.regions import regions

_DIGITS: Final = {column: digits for digits, column in AREA_COLUMNS.items()}
_NAMED: Final = {f"nama_{column.removeprefix('kode_')}": digits for column, digits in _DIGITS.items()}
_LEAF: Final = 10  # digits
_UNKNOWN: Final = 1  # mask of a place that is not known
_NOT_KNOWN: Final = "tidak diketahui"
_SHOWN: Final = 6  # values

Bits = Mapping[str, Mapping[Scalar | None, int]]
Line = tuple[Mapping[str, Scalar | None], int]  # the value of each dimension that is told, and a count


def cells_of(plan: Plan, lines: Iterable[Line], catalogue: Catalogue) -> Cells | Refusal:
    """The lines that a table shows, with their counts. Refused where the filter is none that can be compared."""
    chosen = table_filter(plan.population, catalogue)
    if isinstance(chosen, Refusal):
        return chosen
    masks = dict(chosen.masks) if chosen else {}
    area = _merged(map(_stretch, plan.area.codes or ("",)))
    bits = {name: _bits(name, catalogue) for name in plan.columns if name not in {*_DIGITS, *_NAMED}}
    boxes: dict[tuple[tuple[str, int], ...], int] = {}
    places: dict[Region, int] = {}
    told = []
    for values, count in lines:
        box, region = _about(values, masks, area, bits)
        at = boxes.setdefault(tuple(sorted(box.items())), len(boxes)), places.setdefault(region, len(places))
        told.append((*at, count))
    numbers = np.array(told, np.int64).reshape(-1, 3)
    return Cells([dict(one) for one in boxes], list(places), numbers[:, 0], numbers[:, 1], numbers[:, 2])


def lines_of(table: Table) -> Iterator[Line]:
    """Of a table that is a tree, what it shows."""
    for line in table.lines:
        if line.count is not None:
            yield dict(zip(table.dimensions, line.key, strict=False)), line.count


def refusal(found: Difference, catalogue: Catalogue) -> Refusal:
    """Names the two counts in words; no number of anybody."""
    code = "tables-tell-of-everybody" if found.share else "tables-tell-a-few"
    return Refusal(code, {"narrow": words(*found.narrow, catalogue), "wide": words(*found.wide, catalogue)})


def words(box: Box, region: Region, catalogue: Catalogue) -> str:
    """What a count is about: "desil 1, 2; jenis_kelamin 2; Kabupaten Bogor"."""
    told = [f"{name} {_values(name, mask, catalogue)}" for name, mask in sorted(box.items())]
    return "; ".join((*told, _place(region)))


def _values(name: str, mask: int, catalogue: Catalogue) -> str:
    dimension = base_categories(catalogue[name])
    if name in _DIGITS or name in _NAMED or dimension is None:
        return _NOT_KNOWN
    rows = (row for bit, row in dimension.pieces() if mask & bit)
    found = [_NOT_KNOWN if row[name] is None else str(row[name]).lower() for row in rows]
    return ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")


def _place(region: Region) -> str:
    if region == (_stretch(""),):
        return "Indonesia"
    alone = (one.name for one in regions().values() if (_stretch(one.code),) == region)
    return next(alone, f"{len(region)} wilayah")


def _about(values: Mapping[str, Scalar | None], masks: Box, area: Region, bits: Bits) -> tuple[Box, Region]:
    box = dict(masks)
    for name, value in values.items():
        if name in bits:
            box[name] = box.get(name, -1) & bits[name][value]
        elif value is None:
            box[name] = _UNKNOWN
        elif name in _DIGITS:
            area = _within(area, [_stretch(str(value))])
        else:
            area = _within(area, _called(str(value), _NAMED[name]))
    return box, area


def _bits(name: str, catalogue: Catalogue) -> Mapping[Scalar | None, int]:
    """The mask of each value. Raises KeyError later for one that is none of the catalogue's."""
    dimension = base_categories(catalogue[name])
    assert dimension is not None  # noqa: S101 - what may divide a table has base categories; a test holds it
    return {row[name]: mask for mask, row in dimension.pieces()}


def _called(name: str, digits: int) -> Iterator[tuple[int, int]]:
    """The places of one level with this name: there may be several."""
    return (_stretch(one.code) for one in regions().at_level({2: 1, 4: 2, 6: 3, 10: 4}[digits]) if one.name == name)


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
