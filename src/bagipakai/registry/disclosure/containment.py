"""Two counts of which one lies inside the other tell a third: how many are in the wide one and not in the narrow one
(differencing; disclosure reference 4.6 a). So whatever was published once is looked at beside everything that was.

A cell is a box (per variable a mask of base categories: `core.boxes`), somewhere (intervals of leaf numbers, so that
the levels of an area compare), and a true count. Places nest or lie apart, so around each one there are few.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Final, TypeAlias

import numpy as np

from bagipakai.registry.matching.arrays import Numbers, runs

Box: TypeAlias = Mapping[
    str, int
]  # variable → mask of its base categories; a variable that is not there may be anything
Region: TypeAlias = tuple[tuple[int, int], ...]  # first and last leaf of each stretch, ascending, none touching another

AT_ONCE: Final = 2_000_000  # pairs


@dataclass(frozen=True)
class Cells:
    """Counts that were published, or may be: cell by cell which of `boxes` and of `regions` it is about, and the true
    number of whatever is counted (int64). `boxes` and `regions` hold none twice. `asked`: cell by cell a number for
    what was asked (int64), whichever of it occurs; None where that is not known."""

    boxes: Sequence[Box]
    regions: Sequence[Region]
    box: Numbers
    region: Numbers
    count: Numbers
    asked: Numbers | None = None

    def __len__(self) -> int:
        return len(self.box)

    def beyond(self, others: "Cells") -> "Cells":
        """Those that the others do not hold."""
        known = set(others._told())
        fresh = np.array([one not in known for one in self._told()], np.bool_)
        return replace(self, box=self.box[fresh], region=self.region[fresh], count=self.count[fresh], asked=None)

    def _told(self) -> Iterator[tuple[tuple[tuple[str, int], ...], Region, int]]:
        keys = [tuple(sorted(box.items())) for box in self.boxes]
        for box, region, count in zip(self.box.tolist(), self.region.tolist(), self.count.tolist(), strict=True):
            yield keys[box], self.regions[region], count

    def about(self, cell: int) -> tuple[Box, Region]:
        return self.boxes[self.box[cell]], self.regions[self.region[cell]]


@dataclass(frozen=True)
class Pairs:
    """Cells by number: each `narrow` lies inside its `wide`. `here`: whether both are about one place, so that only the
    box is narrower; `same`: whether the boxes are one, too."""

    narrow: Numbers
    wide: Numbers
    here: Numbers
    same: Numbers


def inside(narrow: Cells, wide: Cells) -> Iterator[Pairs]:
    """Every pair of a cell of `narrow` inside one of `wide`, by what they are about, whatever their counts; also those
    that are about the same. Some at a time."""
    boxes, regions = _boxes_inside(narrow.boxes, wide.boxes), _regions_inside(narrow.regions, wide.regions)
    key = wide.box * len(wide.regions) + wide.region
    order = np.argsort(key, kind="stable")
    key = key[order]
    many = boxes.count[narrow.box] * regions.count[narrow.region]
    some = np.flatnonzero(many)
    for chosen in _portions(some, many[some]):
        cell = np.repeat(chosen, many[chosen])
        turn = runs(np.zeros(len(chosen), np.int64), many[chosen])
        per_box = regions.count[narrow.region[cell]]
        its_box = boxes.of[boxes.begin[narrow.box[cell]] + turn // per_box]
        its_region = regions.of[regions.begin[narrow.region[cell]] + turn % per_box]
        here = regions.same[regions.begin[narrow.region[cell]] + turn % per_box]
        same = here & boxes.same[boxes.begin[narrow.box[cell]] + turn // per_box]
        wanted = its_box * len(wide.regions) + its_region
        first, last = np.searchsorted(key, wanted), np.searchsorted(key, wanted, side="right")
        found = last - first
        yield Pairs(
            *(np.repeat(cell, found), order[runs(first, found)]), *(np.repeat(one, found) for one in (here, same))
        )


@dataclass(frozen=True)
class _Inside:
    """For each narrow thing the wide ones around it: `of[begin : begin + count]`; `same`: whether it is that itself."""

    begin: Numbers
    count: Numbers
    of: Numbers
    same: Numbers

    @classmethod
    def of_pairs(cls, narrow: Numbers, wide: Numbers, same: Numbers, things: int) -> "_Inside":
        order = np.argsort(narrow, kind="stable")
        count = np.bincount(narrow, minlength=things)
        return cls(np.cumsum(count) - count, count, wide[order], same[order])


def _boxes_inside(narrow: Sequence[Box], wide: Sequence[Box]) -> _Inside:
    """Wide boxes by the variables that they restrict: a narrow one restricts these, too. For each of its masks the wide
    masks around it are few, and what is made of them is looked up."""
    found: list[tuple[int, int, bool]] = []
    for names, there in _by_names(wide).items():
        around = [_around({masks[at] for masks in there}) for at in range(len(names))]
        for at, box in enumerate(narrow):
            if all(name in box for name in names):
                wider = (look(box[name]) for look, name in zip(around, names, strict=True))
                places = (there[masks] for masks in product(*wider) if masks in there)
                found += [(at, place, len(box) == len(names) and box == wide[place]) for place in places]
    told = np.array(found, np.int64).reshape(-1, 3)
    return _Inside.of_pairs(told[:, 0], told[:, 1], told[:, 2].astype(bool), len(narrow))


def _by_names(boxes: Sequence[Box]) -> dict[tuple[str, ...], dict[tuple[int, ...], int]]:
    """The places of boxes, by the variables that they restrict and their masks of these."""
    found: dict[tuple[str, ...], dict[tuple[int, ...], int]] = {}
    for at, box in enumerate(boxes):
        names = tuple(sorted(box))
        found.setdefault(names, {})[tuple(box[name] for name in names)] = at
    return found


def _around(masks: set[int]) -> Callable[[int], list[int]]:
    """Tells which of the masks hold all that one holds."""
    ordered = sorted(masks)
    single = {mask for mask in ordered if mask.bit_count() == 1}
    several = [mask for mask in ordered if mask.bit_count() != 1]

    @cache
    def look(mask: int) -> list[int]:
        return [*([mask] if mask in single else []), *(one for one in several if not mask & ~one)]

    return look


def _regions_inside(narrow: Sequence[Region], wide: Sequence[Region]) -> _Inside:
    """A region lies inside another where each of its stretches lies inside one of the other's."""
    if not narrow or not wide:
        return _nothing(narrow)
    region = np.repeat(np.arange(len(wide)), [len(one) for one in wide])
    spans = np.array([span for one in wide for span in one], np.int64).reshape(-1, 2)
    order = np.lexsort((-spans[:, 1], spans[:, 0]))
    region, spans = region[order], spans[order]
    around: dict[tuple[int, int], frozenset[int]] = {}
    found = []
    for at, one in enumerate(narrow):
        within: frozenset[int] | None = None
        for span in one:
            if span not in around:
                upto = np.searchsorted(spans[:, 0], span[0], side="right")
                around[span] = frozenset(region[:upto][spans[:upto, 1] >= span[1]].tolist())
            within = around[span] if within is None else within & around[span]
        found += [(at, its, one == wide[its]) for its in sorted(within or ())]
    told = np.array(found, np.int64).reshape(-1, 3)
    return _Inside.of_pairs(told[:, 0], told[:, 1], told[:, 2].astype(bool), len(narrow))


def _nothing(narrow: Sequence[object]) -> _Inside:
    none = np.zeros(0, np.int64)
    return _Inside.of_pairs(none, none, none.astype(bool), len(narrow))


def _portions(cells: Numbers, many: Numbers) -> Iterator[Numbers]:
    """`cells` in groups of about AT_ONCE pairs."""
    group = np.cumsum(many) // AT_ONCE
    yield from (cells[group == one] for one in np.unique(group))
