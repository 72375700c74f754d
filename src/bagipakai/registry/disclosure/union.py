"""What all published tables together pin down (disclosure reference 4.6 c); pairs are `containment`'s.

Every published count is a sum of *atoms*: the coarsest pieces, box × place, that the counts of its surroundings tell
apart. The attacker knows the counts, every category and place there is, and that atoms are whole and not negative. An
atom that may hold 1 … T-1 of them must be left an interval of at least T (T = `smallest`). Atoms are enough for what is
said of maxima: a group known to be few, and not to be nobody, has an atom of which the same is known. True counts of
atoms are in no ledger, and are not needed: nothing here looks at more than what leaves.

The counts are `sums`, each less its parts, in which most tables fall apart into components; only those with something
new in them, and not all of one table (it was judged when it was made), are looked at. `bounds` tells their minima and
maxima; what it cannot tell is not protected. Each regency is looked at with all counts that touch it: what only several
regencies together would tell is not seen.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.bounds import UNDECIDED, narrow
from bagipakai.registry.disclosure.containment import Box, Cells, Region
from bagipakai.registry.disclosure.ledger import Ledger, Limits, Output
from bagipakai.registry.disclosure.published import of_other_people, proposed, words
from bagipakai.registry.disclosure.published import refusal as of_pair
from bagipakai.registry.disclosure.sums import REGENCY, Sum, World, sums
from bagipakai.registry.matching.arrays import Numbers

MOST: Final = 20_000  # sums of one regency; more is not decided
WIDEST: Final = 200_000_000  # pieces × sums of one component, before pieces are put together; more is not decided
AT_ONCE: Final = 256  # sums that are compared with all others

Group: TypeAlias = tuple[Box, Region]


def nobody_is_told(done: int, of: int) -> None:
    """Where nobody waits."""


@dataclass(frozen=True, slots=True)
class Isolated:
    """A group of which several tables together tell that it is small, or too near to that, and in which regency (code
    of four digits) that was seen. None: there is too much to decide it."""

    group: Group | None
    regency: int

    @property
    def region(self) -> Region:
        """Where it is."""
        return self.group[1] if self.group else ((self.regency * REGENCY, (self.regency + 1) * REGENCY - 1),)


def isolated(
    new: Cells,
    others: Sequence[Cells],
    smallest: int,
    world: World,
    among: Collection[int] | None = None,
    passed: Callable[[int, int], object] = nobody_is_told,
) -> Iterator[Isolated]:
    """For each component in each regency that `new` is about, the first group that `new` and the others isolate.
    `among`: no other regencies are looked at. `passed` hears before each of them how many of how many were."""
    touched = [one for one in regencies(new, world) if among is None or one in among]
    told = sums(new, others, touched, world)
    spans = [(first, last, at) for at, one in enumerate(told) for first, last in one.of]
    first, last, owner = np.array(spans, np.int64).reshape(-1, 3).T
    seen = set()
    for at, regency in enumerate(touched):
        passed(at, len(touched))
        met = (first < (regency + 1) * REGENCY) & (last >= regency * REGENCY)
        chosen = tuple(np.unique(owner[met]).tolist())
        if chosen and chosen not in seen:
            seen.add(chosen)
            around = _Surroundings([told[at] for at in chosen], world)
            yield from (Isolated(group, regency) for group in around.isolated(smallest))


def objection(entries: Ledger, output: Output, cells: Cells, limits: Limits, catalogue: Catalogue) -> Refusal | None:
    """What speaks against adding `cells`: a pair of counts, or what all of them tell. Counts with noise are no
    equations: they are looked at in pairs alone. Within a turn. Raises Damaged."""
    if no := of_other_people(entries.first(output.release), output):
        return no
    if entries.stands(output, cells):
        return None
    for pair in entries.differences(output, cells, limits):
        return of_pair(pair, catalogue)
    others = entries.equations(output, cells)
    for found in isolated(cells, others, limits.smallest, World.of(catalogue)) if others else ():
        return refusal(found, catalogue)
    return None


def refusal(found: Isolated, catalogue: Catalogue, dropped: Sequence[str] = ()) -> Refusal:
    """In words, without a number of anybody. `dropped`: as in `published.refusal`."""
    proposal = {"proposal": proposed(dropped)}
    if found.group is None:
        return Refusal("tables-together-undecided", proposal)
    return Refusal("tables-together-narrow", {"group": words(*found.group, catalogue), **proposal})


def regencies(new: Cells, world: World) -> list[int]:
    """Codes of four digits of those of which there are places in what `new` is about; where there are none, the first
    code is taken for one."""
    met: set[int] = set()
    for first, last in {span for region in new.regions for span in region}:
        leaves = world.leaves[slice(*np.searchsorted(world.leaves, (first, last + 1)))]
        met.update(np.unique(leaves // REGENCY).tolist() if len(leaves) else [first // REGENCY])
    return sorted(met)


class _Surroundings:
    """Sums that may have to do with each other, each with the places and the categories that it is about: one matrix
    of sums × places, and one of sums × classes of categories for each variable."""

    def __init__(self, sums: Sequence[Sum], world: World) -> None:
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
        if not 0 < len(self.sums) <= MOST:
            yield from [None] if self.sums else []
            return
        zero = np.array([one.count == 0 for one in self.sums], np.bool_)
        names = sorted({name for one in self.sums for name, _ in one.box})
        sides = [self._places(self.sums)[0], *(self._classes(self.sums, name)[0] for name in names)]
        new = np.array([one.new for one in self.sums], np.bool_)
        starts = np.flatnonzero(new | _meeting(sides, np.flatnonzero(new & zero))).tolist()
        for part in _components(sides, ~zero, starts):
            empty = np.flatnonzero(zero & _meeting(sides, np.array(part)))
            if not reduce(lambda one, other: one & other, (self.sums[at].tables for at in (*part, *empty))):
                yield from self._component([self.sums[at] for at in (*part, *empty)], smallest)

    def _component(self, sums: Sequence[Sum], smallest: int) -> Iterator[Group | None]:
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

    def _places(self, sums: Sequence[Sum]) -> tuple[Numbers, list[Region]]:
        matrix = np.stack([self.covered[one.where] for one in sums])
        classes, of = np.unique(matrix, axis=1, return_inverse=True)
        of = of.ravel()
        return classes, [tuple(self.pieces[at] for at in np.flatnonzero(of == one)) for one in range(classes.shape[1])]

    def _classes(self, sums: Sequence[Sum], name: str) -> tuple[Numbers, list[int]]:
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
    found = np.zeros(len(sides[0]), np.bool_)
    for at in range(0, len(some), AT_ONCE):
        met = np.ones((len(some[at : at + AT_ONCE]), len(found)), np.bool_)
        for side in sides:
            met &= side[some[at : at + AT_ONCE]].astype(np.float32) @ side.T.astype(np.float32) > 0
        found |= met.any(axis=0)
    return found


def _components(sides: Sequence[Numbers], left: Numbers, starts: Iterable[int]) -> Iterator[list[int]]:
    """The sums of `left` that hang together with each start."""
    for start in starts:
        part, front = [], np.array([start] if left[start] else [], np.int64)
        while len(front):
            left[front] = False
            part += front.tolist()
            front = np.flatnonzero(left & _meeting(sides, front))
        if part:
            yield sorted(part)
