"""Two counts of which one lies inside the other tell a third: how many are in the wide one and not in the narrow one
(differencing; disclosure reference 4.6 a). So whatever was published once is looked at beside everything that was.

A cell is a box (per variable a mask of base categories: `core.boxes`), somewhere (intervals of leaf numbers, so that
the levels of an area compare), and a true count. Places nest or lie apart, so around each one there are few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from bagipakai.registry.matching.arrays import Numbers, runs

Box: TypeAlias = Mapping[
    str, int
]  # variable → mask of its base categories; a variable that is not there may be anything
Region: TypeAlias = tuple[tuple[int, int], ...]  # first and last leaf of each stretch, ascending, none touching another

WORD: Final = 62  # bits of a mask that are compared at once
AT_ONCE: Final = 2_000_000  # pairs


@dataclass(frozen=True)
class Cells:
    """Counts that were published, or may be: cell by cell which of `boxes` and of `regions` it is about, and the true
    number of whatever is counted (int64). `boxes` and `regions` hold none twice."""

    boxes: Sequence[Box]
    regions: Sequence[Region]
    box: Numbers
    region: Numbers
    count: Numbers

    def __len__(self) -> int:
        return len(self.box)

    def about(self, cell: int) -> tuple[Box, Region]:
        return self.boxes[self.box[cell]], self.regions[self.region[cell]]


@dataclass(frozen=True)
class Pairs:
    """Cells by number: each `narrow` lies inside its `wide`, and is about less. `here`: whether both are about one
    place, so that only the box is narrower."""

    narrow: Numbers
    wide: Numbers
    here: Numbers


def inside(narrow: Cells, wide: Cells) -> Iterator[Pairs]:
    """Every pair of a cell of `narrow` inside one of `wide`, by what they are about, whatever their counts; cells that
    are about the same are no pair. Some at a time."""
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
        less = ~(here & boxes.same[boxes.begin[narrow.box[cell]] + turn // per_box])
        cell, here, wanted = cell[less], here[less], (its_box * len(wide.regions) + its_region)[less]
        first, last = np.searchsorted(key, wanted), np.searchsorted(key, wanted, side="right")
        found = last - first
        yield Pairs(np.repeat(cell, found), order[runs(first, found)], np.repeat(here, found))


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
    sides = _masks(narrow, wide)
    found: list[tuple[Numbers, Numbers, Numbers]] = []
    step = max(1, AT_ONCE // max(len(wide), 1))
    for start in range(0, len(narrow), step):
        here = slice(start, start + step)
        within = np.ones((len(narrow[here]), len(wide)), bool)
        same = within.copy()
        for less, more in sides:
            within &= (less[here, None] & ~more[None, :]) == 0
            same &= less[here, None] == more[None, :]
        rows, columns = np.nonzero(within)
        found.append((rows + start, columns, same[rows, columns]))
    if not found:
        return _nothing(narrow)
    rows, columns, same = (np.concatenate(some) for some in zip(*found, strict=True))
    return _Inside.of_pairs(rows, columns, same, len(narrow))


def _masks(narrow: Sequence[Box], wide: Sequence[Box]) -> list[tuple[Numbers, Numbers]]:
    """The masks of both, word by word of each variable that any of them tells; all ones where anything may be."""
    most: dict[str, int] = {}
    for box in (*narrow, *wide):
        for name, mask in box.items():
            most[name] = max(most.get(name, 0), mask.bit_length())
    told = []
    for name, bits in most.items():
        for shift in range(0, bits, WORD):
            told.append(tuple(_word(side, name, shift) for side in (narrow, wide)))
    return told  # type: ignore[return-value]


def _word(boxes: Sequence[Box], name: str, shift: int) -> Numbers:
    full = (1 << WORD) - 1
    # one bit more: of categories that are not known yet, which only a variable that may be anything has
    words = [(box[name] >> shift) & full if name in box else full | 1 << WORD for box in boxes]
    return np.array(words, np.int64)


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
