"""What all published tables together pin down (disclosure reference 4.6 c); pairs are `containment`'s.

Every published count is a sum of *atoms*: the coarsest pieces, box × place, that the counts of its surroundings tell
apart. The attacker knows the counts, every category and place there is, and that atoms are whole and not negative. An
atom that may hold 1 … T-1 of them must be left an interval of at least T (T = `smallest`). Atoms are enough for what is
said of maxima: a group known to be few, and not to be nobody, has an atom of which the same is known. True counts of
atoms are in no ledger, and are not needed: nothing here looks at more than what leaves.

Counts are subtracted first: from each the published counts of its parts, by place and then by one variable. That leaves
an equivalent system in which most tables fall apart into components; only those with something new in them, and not
all of one table (it was judged when it was made), are looked at. `bounds` tells their minima and maxima; what it cannot
tell is not protected.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from bagipakai.core.base_categories import base_categories
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.bounds import UNDECIDED, narrow
from bagipakai.registry.disclosure.containment import Box, Cells, Region
from bagipakai.registry.disclosure.ledger import Ledger, Limits, Output
from bagipakai.registry.disclosure.published import refusal as of_pair
from bagipakai.registry.disclosure.published import words
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.regions import regions

REGENCY: Final = 10**6  # leaf numbers of one regency: codes of ten digits, of which four name it
WIDEST: Final = 200_000_000  # pieces × sums of one component, before pieces are put together; more is not decided

Key: TypeAlias = tuple[tuple[str, int], ...]  # a box, in the order of its names
Span: TypeAlias = tuple[int, int]
Group: TypeAlias = tuple[Box, Region]


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
class _Sum:
    """A published count, less what was published of its parts. `of`: where the count was about, `where` without those
    parts: stretches that are taken, and stretches of them that are not. `tables`: the bits of those that hold all of
    it. `new`: whether it could not be had before."""

    box: Key
    of: Region
    where: tuple[Region, Region]
    count: int
    tables: int
    new: bool


def isolated(new: Cells, others: Sequence[Cells], smallest: int, world: World) -> Iterator[Group | None]:
    """A group of which `new` and the others, together, tell that it is small, or too near to that; for each component
    in each regency that `new` is about, the first that is found. None: there is too much to decide it."""
    sums = _by_box(_by_place(new, others, world), world)
    spans = [(first, last, at) for at, one in enumerate(sums) for first, last in one.of]
    first, last, owner = np.array(spans, np.int64).reshape(-1, 3).T
    seen = set()
    for regency in _regencies(new, world):
        met = (first < (regency + 1) * REGENCY) & (last >= regency * REGENCY)
        chosen = tuple(np.unique(owner[met]).tolist())
        if chosen not in seen:
            seen.add(chosen)
            yield from _Surroundings([sums[at] for at in chosen], world).isolated(smallest)


def objection(entries: Ledger, output: Output, cells: Cells, limits: Limits, catalogue: Catalogue) -> Refusal | None:
    """What speaks against adding `cells`: a pair of counts, or what all of them tell. Within a turn. Raises Damaged."""
    for pair in entries.differences(output, cells, limits):
        return of_pair(pair, catalogue)
    others = [theirs for _, theirs in entries.published(output.release, output.unit, output.order)]
    for group in isolated(cells, others, limits.smallest, World.of(catalogue)) if others else ():
        return refusal(group, catalogue)
    return None


def refusal(found: Group | None, catalogue: Catalogue) -> Refusal:
    """In words, without a number of anybody."""
    if found is None:
        return Refusal("tables-together-undecided")
    return Refusal("tables-together-narrow", {"group": words(*found, catalogue)})


def _regencies(new: Cells, world: World) -> list[int]:
    """Those of which there are places in what `new` is about; where there are none, the first code is taken for one."""
    met: set[int] = set()
    for first, last in {span for region in new.regions for span in region}:
        leaves = world.leaves[slice(*np.searchsorted(world.leaves, (first, last + 1)))]
        met.update(np.unique(leaves // REGENCY).tolist() if len(leaves) else [first // REGENCY])
    return sorted(met)


def _by_place(new: Cells, others: Sequence[Cells], world: World) -> list[_Sum]:
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


def _less_parts(box: Key, there: Mapping[Region, tuple[int, int]]) -> Iterator[_Sum]:
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
        yield _Sum(box, region, (region, tuple(parts)), count - sum(one for one, _ in its), everywhere, fresh)


def _by_box(sums: Sequence[_Sum], world: World) -> list[_Sum]:
    """Each less those of its parts in one variable, where it has some, that are about the same place."""
    parts: dict[Any, list[_Sum]] = {}
    for one in sums:
        for name, _ in one.box:
            parts.setdefault((one.where, name, _without(one.box, name)), []).append(one)
    return [left for one in sums if (left := _less_values(one, parts, world)) is not None]


def _without(box: Key, name: str) -> Key:
    return tuple(pair for pair in box if pair[0] != name)


def _less_values(one: _Sum, parts: Mapping[Any, Sequence[_Sum]], world: World) -> _Sum | None:
    masks = dict(one.box)
    for name in {**world.full, **masks}:
        whole = masks.get(name, world.full.get(name, 0))
        rest = whole
        taken: list[_Sum] = []
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
            return _Sum(box, one.of, one.where, count, tables, fresh) if rest else None
    return one


class _Surroundings:
    """Sums that may have to do with each other, each with the places and the categories that it is about: one matrix
    of sums × places, and one of sums × classes of categories for each variable."""

    def __init__(self, sums: Sequence[_Sum], world: World) -> None:
        self.world = world
        told = dict.fromkeys(one.where for one in sums)
        cuts = sorted({cut for of, less in told for first, last in (*of, *less) for cut in (first, last + 1)})
        begins = np.array(cuts, np.int64)
        covered = {where: _covered(where, begins) for where in told}
        real = np.append(np.diff(np.searchsorted(world.leaves, begins)) > 0, False)
        if any(one.count and not (covered[one.where] & real).any() for one in sums):  # there are people nowhere
            real[:-1] = True
        self.pieces = [(first, end - 1) for (first, end), is_real in zip(pairwise(cuts), real, strict=False) if is_real]
        self.covered = {where: of[real] for where, of in covered.items()}
        self.sums = [one for one in sums if self.covered[one.where].any()]

    def isolated(self, smallest: int) -> Iterator[Group | None]:
        zero = np.array([one.count == 0 for one in self.sums], np.bool_)
        names = sorted({name for one in self.sums for name, _ in one.box})
        sides = [self._places(self.sums)[0], *(self._classes(self.sums, name)[0] for name in names)]
        new = np.array([one.new for one in self.sums], np.bool_)
        starts = np.flatnonzero(new | _meeting(sides, np.flatnonzero(new & zero))).tolist()
        for part in _components(sides, ~zero, starts):
            empty = np.flatnonzero(zero & _meeting(sides, np.array(part)))
            if not reduce(lambda one, other: one & other, (self.sums[at].tables for at in (*part, *empty))):
                yield from self._component([self.sums[at] for at in (*part, *empty)], smallest)

    def _component(self, sums: Sequence[_Sum], smallest: int) -> Iterator[Group | None]:
        names = sorted({name for one in sums for name, _ in one.box})
        sides, meanings = zip(self._places(sums), *(self._classes(sums, name) for name in names), strict=True)
        shape = [side.shape[1] for side in sides]
        if prod(shape) * len(sums) > WIDEST:
            yield None
            return
        members = [np.flatnonzero(reduce(np.multiply.outer, (side[at] for side in sides))) for at in range(len(sums))]
        alive, mark = np.ones(prod(shape), np.bool_), np.zeros(prod(shape), np.uint64)
        marks = np.random.default_rng(1).integers(1, 2**63, len(sums), np.uint64)
        for at, one in enumerate(sums):  # pieces in the same sums have the same mark
            mark[members[at]] += marks[at]
            alive[members[at]] &= one.count != 0
        pieces = np.flatnonzero(alive & (mark != 0))
        _, kept, atom = np.unique(mark[pieces], return_index=True, return_inverse=True)
        number = np.full(prod(shape), -1, np.int64)
        number[pieces] = atom
        rows = [(np.unique(number[members[at][alive[members[at]]]]), one.count) for at, one in enumerate(sums)]
        found = narrow(len(kept), [row for row in rows if row[1]], smallest)
        if found == UNDECIDED:
            yield None
        elif found is not None:
            yield self._group(np.unravel_index(pieces[kept[found]], shape), names, meanings)

    def _group(self, at: Sequence[Any], names: Sequence[str], meanings: Sequence[Any]) -> Group:
        place, *masks = (meaning[one] for meaning, one in zip(meanings, at, strict=True))
        box = {
            name: mask for name, mask in zip(names, masks, strict=True) if mask not in (0, self.world.full.get(name))
        }
        return box, place

    def _places(self, sums: Sequence[_Sum]) -> tuple[Numbers, list[Region]]:
        matrix = np.stack([self.covered[one.where] for one in sums])
        classes, of = np.unique(matrix, axis=1, return_inverse=True)
        of = of.ravel()
        return classes, [tuple(self.pieces[at] for at in np.flatnonzero(of == one)) for one in range(classes.shape[1])]

    def _classes(self, sums: Sequence[_Sum], name: str) -> tuple[Numbers, list[int]]:
        """The masks of the classes: 0 for what nobody has named."""
        masks = [dict(one.box).get(name) for one in sums]
        known = sorted({mask for mask in masks if mask is not None})
        every = self.world.full.get(name, reduce(lambda one, other: one | other, known, 0))
        classes: dict[tuple[bool, ...], int] = {} if name in self.world.full else {(False,) * len(known): 0}
        for bit in range(every.bit_length()):
            if every >> bit & 1:
                sort = tuple(bool(mask >> bit & 1) for mask in known)
                classes[sort] = classes.get(sort, 0) | 1 << bit
        held = {mask: [sort[at] for sort in classes] for at, mask in enumerate(known)}
        anything = [True] * len(classes)
        return np.array([anything if mask is None else held[mask] for mask in masks]), list(classes.values())


def _covered(where: tuple[Region, Region], begins: Numbers) -> Numbers:
    covered = np.zeros(len(begins), np.bool_)
    for taken, region in zip((True, False), where, strict=True):
        for first, last in region:
            covered[slice(*np.searchsorted(begins, (first, last + 1)))] = taken
    return covered


def _meeting(sides: Sequence[Numbers], some: Numbers) -> Numbers:
    """Which sums share a piece with one of `some`."""
    met = np.ones((len(some), len(sides[0])), np.bool_)
    for side in sides:
        met &= side[some].astype(np.float32) @ side.T.astype(np.float32) > 0
    return np.asarray(met.any(axis=0))


def _components(sides: Sequence[Numbers], left: Numbers, starts: Iterable[int]) -> Iterator[list[int]]:
    """The sums of `left` that hang together with each start."""
    for start in starts:
        part, front = [], np.array([start] if left[start] else [], np.int64)
        while len(front):
            left[front] = False
            part += front.tolist()
            front = np.flatnonzero(left & np.any([_meeting(sides, some) for some in _some(front)], axis=0))
        if part:
            yield sorted(part)


def _some(front: Numbers) -> Iterator[Numbers]:
    yield from (front[at : at + 256] for at in range(0, len(front), 256))
