"""Published counts as equations of one attacker: each less what was published of its parts.

From every count those of its largest parts that are about the same box are subtracted, then those of its parts in one
variable that are about the same place. What is left says the same (each step takes away what smaller counts tell), and
falls apart into many small systems: where all parts of something are told, it is gone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np

from bagipakai.core.base_categories import base_categories
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.containment import Box, Cells, Region
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.regions import regions

REGENCY: Final = 10**6  # leaf numbers of one regency: codes of ten digits, of which four name it

Key: TypeAlias = tuple[tuple[str, int], ...]  # a box, in the order of its names
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class World:
    """What everybody knows: the mask of all categories of each variable, and the leaf numbers of all places, in order.
    A variable that is not there may always be something else, too."""

    full: Mapping[str, int]
    leaves: Numbers

    @classmethod
    def of(cls, catalogue: Catalogue) -> "World":
        known = ((name, base_categories(one)) for name, one in catalogue.items())
        leaves = np.array([int(one.code) for one in regions().at_level(4)], np.int64)
        return cls({name: one.full for name, one in known if one is not None}, leaves)


@dataclass(frozen=True)
class Sum:
    """A published count, less what was published of its parts. `of`: where the count was about, `where` without those
    parts: stretches that are taken, and stretches of them that are not. `tables`: the bits of those that hold all of
    it. `new`: whether it could not be had before."""

    box: Key
    of: Region
    where: tuple[Region, Region]
    count: int
    tables: int
    new: bool


def sums(new: Cells, others: Sequence[Cells], touched: Sequence[int], world: World) -> list[Sum]:
    """What is told of the regencies `touched` (codes of four digits) and of whatever is not inside one regency."""
    return _by_box(_by_place(new, [_near(cells, touched) for cells in others], world), world)


def _near(cells: Cells, touched: Sequence[int]) -> Cells:
    """Without what is about a part of one other regency: of the others, only whole ones are subtracted."""

    def is_near(region: Region) -> bool:
        first, last = region[0][0], region[-1][1]
        whole = last - first >= REGENCY - 1
        return whole or first // REGENCY != last // REGENCY or first // REGENCY in touched

    near = np.array([is_near(region) for region in cells.regions], np.bool_)[cells.region]
    return replace(cells, box=cells.box[near], region=cells.region[near], count=cells.count[near], asked=None)


def _by_place(new: Cells, others: Sequence[Cells], world: World) -> list[Sum]:
    """Every count once, less those of its largest parts that are about the same box. Of two counts of the same the new
    one holds."""
    told: dict[Key, dict[Region, tuple[int, int]]] = {}
    for number, cells in enumerate((new, *others)):
        keys = [_key(box, world) for box in cells.boxes]
        for box, region, count in zip(cells.box.tolist(), cells.region.tolist(), cells.count.tolist(), strict=True):
            there = told.setdefault(keys[box], {})
            holds, tables = there.get(cells.regions[region], (count, 0))
            there[cells.regions[region]] = holds, tables | 1 << number
    return [one for key, there in told.items() for one in _less_parts(key, there)]


def _key(box: Box, world: World) -> Key:
    masks = ((name, mask & world.full.get(name, -1)) for name, mask in sorted(box.items()))
    return tuple((name, mask) for name, mask in masks if mask != world.full.get(name))


def _less_parts(box: Key, there: Mapping[Region, tuple[int, int]]) -> Iterator[Sum]:
    stretches = sorted((one[0] for one in there if len(one) == 1), key=lambda span: (span[0], -span[1]))
    below: dict[Span | None, list[Span]] = {None: []}
    around: list[Span] = []
    for span in stretches:
        while around and around[-1][1] < span[0]:
            around.pop()
        if not around or span[1] <= around[-1][1]:  # places nest; what does not is no part of anything
            below[around[-1] if around else None].append(span)
            below[span] = []
            around.append(span)

    def within(spans: Iterable[Span], stretch: Span) -> Iterator[Span]:
        for span in spans:
            if stretch[0] <= span[0] and span[1] <= stretch[1]:
                yield span
            elif span[0] <= stretch[1] and stretch[0] <= span[1]:
                yield from within(below[span], stretch)

    for region, (count, tables) in there.items():
        alone = len(region) == 1
        parts = below.get(region[0], []) if alone else [part for one in region for part in within(below[None], one)]
        its = [there[(part,)] for part in parts]
        everywhere = reduce(lambda one, other: one & other, (one for _, one in its), tables)
        fresh = tables == 1 or any(one == 1 for _, one in its)
        yield Sum(box, region, (region, tuple(parts)), count - sum(one for one, _ in its), everywhere, fresh)


def _by_box(sums: Sequence[Sum], world: World) -> list[Sum]:
    """Each less those of its parts in one variable, where it has some, that are about the same place."""
    parts: dict[Any, list[Sum]] = {}
    for one in sums:
        for name, _ in one.box:
            parts.setdefault((one.where, name, _without(one.box, name)), []).append(one)
    return [left for one in sums if (left := _less_values(one, parts, world)) is not None]


def _without(box: Key, name: str) -> Key:
    return tuple(pair for pair in box if pair[0] != name)


def _less_values(one: Sum, parts: Mapping[Any, Sequence[Sum]], world: World) -> Sum | None:
    masks = dict(one.box)
    for name in {**world.full, **masks}:
        whole = masks.get(name, world.full.get(name, 0))
        rest = whole
        taken: list[Sum] = []
        around = parts.get((one.where, name, _without(one.box, name)), ())
        for part in sorted(around, key=lambda part: -dict(part.box)[name].bit_count()):
            mask = dict(part.box)[name]
            if mask != whole and not mask & ~rest:
                rest, taken = rest & ~mask, [*taken, part]
        if taken:
            box = tuple(sorted({**masks, name: rest}.items()))
            count = one.count - sum(part.count for part in taken)
            tables = reduce(lambda tables, part: tables & part.tables, taken, one.tables)
            fresh = one.new or any(part.new for part in taken)
            return Sum(box, one.of, one.where, count, tables, fresh) if rest else None
    return one
