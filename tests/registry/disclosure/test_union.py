"""No group is told by all published tables together, whatever each pair of them tells."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from tests.registry.disclosure.test_containment import lies_inside, of

from bagipakai.core.envelope import Signer
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure import union
from bagipakai.registry.disclosure.bounds import UNDECIDED, narrow
from bagipakai.registry.disclosure.containment import Box, Region
from bagipakai.registry.disclosure.ledger import Ledger, Limits, Output, telling
from bagipakai.registry.disclosure.sums import REGENCY, World
from bagipakai.registry.disclosure.union import isolated, objection
from bagipakai.registry.keys import StorageKey

FEW = 10
FULL = {"a": 0b111, "b": 0b11}
WORLD = World(FULL, np.arange(8))
EAST, WEST, ALL = ((0, 3),), ((4, 7),), ((0, 7),)


def table(*cells):
    """Of (box, region, count)."""
    return replace(of([cell[:2] for cell in cells]), count=np.array([cell[2] for cell in cells], np.int64))


def found(new, *others, few=FEW, world=WORLD):
    return [one.group for one in isolated(new, others, few, world)]


def pairs_tell(*tables, few=FEW) -> bool:
    limits = Limits(few, 95, 0)
    return any(next(telling(one, other, limits), None) for one in tables for other in tables)


# Three tables of which each two are harmless: 1 or 2, 2 or 3, and 1 or 3 of one place tell how many are in each.

CHAIN = [
    table(({"a": 0b011}, EAST, 24)),
    table(({"a": 0b110}, EAST, 25)),
    table(({"a": 0b101}, EAST, 39)),
]


def test_three_harmless_tables_that_together_give_one_small_cell_are_seen():
    """24 + 25 - 39 = 10 = twice the second."""
    assert not pairs_tell(*CHAIN)
    (group,) = found(CHAIN[2], *CHAIN[:2])
    assert group is not None and group[1] == EAST and group[0] == {"a": 0b010}


@pytest.mark.parametrize("without", range(3))
def test_without_one_of_them_nothing_is_told(without):
    others = [one for at, one in enumerate(CHAIN) if at != without]
    assert found(others[0], others[1]) == []


def test_three_that_give_a_large_cell_are_harmless():
    assert (
        found(table(({"a": 0b101}, EAST, 65)), table(({"a": 0b011}, EAST, 60)), table(({"a": 0b110}, EAST, 55))) == []
    )


def test_a_region_of_which_all_others_are_told_is_told():
    """The nation less one part of it leaves two, of which the new table tells one."""
    nation, parts = table(({}, ALL, 500)), table(({}, ((0, 1),), 200), ({}, ((2, 3),), 150))
    assert found(table(({}, ((4, 5),), 130)), nation, parts) == []
    (group,) = found(table(({}, ((4, 5),), 145)), nation, parts)
    assert group == ({}, ((6, 7),))


def test_people_of_no_known_place_are_a_group():
    """Between the codes of places lives nobody, unless somebody is left whom no place has."""
    world, parts = World(FULL, np.array([0, 1, 4, 5])), table(({}, ((0, 1),), 150), ({}, ((4, 5),), 145))
    assert found(table(({}, ALL, 295)), parts, world=world) == []
    assert found(table(({}, ALL, 300)), parts, world=world) == [({}, ((2, 3), (6, 7)))]
    assert found(table(({}, ((8, 9),), 20)), table(({"a": 1}, ((8, 9),), 15)), world=world) != []  # places of yesterday


def test_known_to_be_nobody_is_no_group():
    assert found(table(({"a": 0b011}, EAST, 50)), table(({}, EAST, 50))) == []


def test_that_a_group_is_nobody_can_make_another_known():
    """Nobody has the third value: so all 24 of the first count have the second, and 6 of the others."""
    old = table(({"a": 0b110, "b": 0b01}, EAST, 24)), table(({"a": 0b010}, EAST, 30)), table(({}, EAST, 100))
    assert not pairs_tell(table(({"a": 0b011}, EAST, 100)), *old)
    assert found(table(({"a": 0b011}, EAST, 100)), *old) == [({"a": 0b010, "b": 0b10}, EAST)]
    assert found(table(({"a": 0b011}, EAST, 85)), *old) == []


def test_what_one_table_tells_was_judged_when_it_was_made():
    cells = [(box, region, int(count)) for one in CHAIN for (box, region), count in [(one.about(0), one.count[0])]]
    assert found(table(*cells)) == []
    assert found(table(*cells), table(({"b": 1}, EAST, 20))) != []  # now another one is beside it


def test_other_places_are_not_looked_at():
    far = World(FULL, np.array([0, 1, 2, 3, REGENCY, REGENCY + 1]))
    here = table(({}, ((REGENCY, REGENCY + 1),), 80))
    assert found(here, *CHAIN, world=far) == []


@pytest.mark.parametrize("limit", ["WIDEST", "MOST"])
def test_too_much_to_decide_is_not_decided(limit, monkeypatch):
    monkeypatch.setattr(union, limit, 2)
    assert found(CHAIN[2], *CHAIN[:2]) == [None]


def test_counts_that_contradict_each_other_are_not_decided():
    assert found(table(({"a": 0b001}, EAST, 70)), table(({"a": 0b011}, EAST, 60))) == [None]


def test_programmes_that_run_out_are_not_decided(monkeypatch):
    monkeypatch.setattr("bagipakai.registry.disclosure.bounds.WORK", 0)
    both = [(np.array([0, 1]), 30), (np.array([1, 2]), 40), (np.array([0, 2]), 50)]
    assert narrow(3, both, FEW) == UNDECIDED


def test_the_answer_repeats():
    assert len({repr(found(CHAIN[2], *CHAIN[:2])) for _ in range(3)}) == 1


# Where it is asked

BOGOR = ((3201_000000, 3201_999999),)


def test_what_would_be_told_by_all_is_not_added_and_named_in_words(tmp_path):
    """Deciles 1 and 2, 2 and 3, 1 and 3: by the catalogue and places of the house."""
    entries = Ledger(tmp_path / "published", StorageKey(b"s" * 32), Signer.new())
    output, limits = Output("O-1", "dinsos", "2026.3.0", "individu"), Limits(FEW, 95, 100)
    catalogue = Catalogue.on(date(2026, 11, 27))
    chain = [table(({"desil": mask}, BOGOR, count)) for mask, count in ((0b0110, 124), (0b1100, 125), (0b1010, 239))]
    for at, cells in enumerate(chain[:2]):
        assert objection(entries, replace(output, order=f"O-{at}"), cells, limits, catalogue) is None
        with entries.turn():
            entries.add(replace(output, order=f"O-{at}"), cells, datetime.now(UTC))
    no = objection(entries, replace(output, order="O-9"), chain[2], limits, catalogue)
    assert no is not None and (no.code, no.detail["group"]) == (
        "tables-together-narrow",
        "Desil kesejahteraan: 2; Kabupaten Bogor",
    )
    assert objection(entries, replace(output, order="O-9", release="2026.4.0"), chain[2], limits, catalogue) is None
    pair = table(({"desil": 0b0010}, BOGOR, 120))
    assert objection(entries, replace(output, order="O-9"), pair, limits, catalogue).code == "tables-tell-a-few"


# Against every table that could be true


def naive(cells: list[tuple[Box, Region, int]], few: int) -> bool:
    """Whether any atom may be few and is known to within less than that: by trying every whole table."""
    points = [
        ({"a": 1 << a, "b": 1 << b}, ((leaf, leaf),))
        for a in range(FULL["a"].bit_length())
        for b in range(FULL["b"].bit_length())
        for leaf in range(2)
    ]
    atoms = sorted({tuple(lies_inside(point, cell[:2]) for cell in cells) for point in points})
    atoms = [atom for atom in atoms if any(atom)]
    possible = list(tables(atoms, [cell[2] for cell in cells]))
    for values in zip(*possible, strict=True):
        if max(values) >= 1 and min(values) < few and max(values) - min(values) < few:
            return True
    return False


def tables(atoms: list[tuple[bool, ...]], left: list[int]) -> Iterator[tuple[int, ...]]:
    if not atoms:
        if not any(left):
            yield ()
        return
    head, *rest = atoms
    for count in range(min(one for one, inside in zip(left, head, strict=True) if inside) + 1):
        after = [one - count * inside for one, inside in zip(left, head, strict=True)]
        for others in tables(rest, after):
            yield (count, *others)


POINTS = [({"a": 1 << at % 3, "b": 1 << at // 3 % 2}, ((at // 6, at // 6),)) for at in range(12)]
SMALL = World(FULL, np.arange(2))


def published(counts, asked, few) -> Iterator[tuple[list[tuple[Box, Region, int]], list]]:
    """Tables of one cell each, one after the other, with what is told of all so far; without what tells too much."""
    told = []
    for about in asked:
        count = sum(n for n, point in zip(counts, POINTS, strict=True) if lies_inside(point, about))
        if count >= few:
            cells = [*told, (*about, count)]
            seen = found(table(cells[-1]), *map(table, told), few=few, world=SMALL)
            yield cells, seen
            told = told if seen else cells


boxes = st.fixed_dictionaries({}, optional={"a": st.integers(1, 6), "b": st.integers(1, 2)})
places = st.sampled_from([((0, 0),), ((1, 1),), ((0, 1),)])
drawn = (
    st.lists(st.integers(0, 2), min_size=12, max_size=12),
    st.lists(st.tuples(boxes, places), min_size=2, max_size=4, unique_by=repr),
    st.integers(2, 3),
)


@settings(deadline=None, max_examples=150)
@given(*drawn)
def test_what_is_seen_is_what_trying_every_table_shows(counts, asked, few):
    for cells, seen in published(counts, asked, few):
        assert None not in seen
        assert bool(seen) == naive(cells, few)


@pytest.mark.parametrize(("seen", "in_pairs"), [(True, True), (True, False), (False, False)])
def test_each_kind_is_drawn(seen, in_pairs):
    def is_met(case) -> bool:
        return any(
            bool(told) is seen and pairs_tell(*map(table, cells), few=case[2]) is in_pairs
            for cells, told in published(*case)
        )

    find(st.tuples(*drawn), is_met, settings=settings(deadline=None, max_examples=2_000))


@pytest.mark.parametrize(("total", "told"), [(9, True), (10, False)])
def test_nobody_up_to_nine_is_too_near_and_nobody_up_to_ten_is_not(total, told):
    assert (narrow(2, [(np.array([0, 1]), total)], FEW) is not None) is told


@pytest.mark.parametrize(("total", "told"), [(14, True), (15, False)])
def test_near_the_limit_only_whole_numbers_count(total, told):
    """Of each triangle two are at most 21 together: all three 31, and not 31 and a half. So of 67 at least five are
    elsewhere, and not four. That four are sure without looking does not change it."""
    pairs = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)]
    sums = [(np.array([*pair, 6 + at]), 21) for at, pair in enumerate(pairs)]
    sums += [(np.array([*range(6), 12]), 67), (np.array([12, 13]), total)]
    assert (narrow(14, sums, FEW) is not None) is told
    assert (narrow(15, [*sums, (np.array([13, 14]), total - 4)], FEW) is not None) is told


def tables_of(width: int, sums) -> list[tuple[int, ...]]:
    inside = [tuple(at in members.tolist() for members, _ in sums) for at in range(width)]
    return list(tables(inside, [total for _, total in sums]))


values = st.lists(st.integers(0, 5), min_size=6, max_size=6)
groups = st.lists(st.sets(st.integers(0, 5), min_size=2, max_size=4), min_size=2, max_size=6, unique_by=frozenset)


@settings(deadline=None, max_examples=300)
@given(values, groups, st.integers(2, 4))
def test_intervals_are_those_of_all_whole_tables(values, groups, few):
    named = sorted(set().union(*groups))
    sums = [(np.array([named.index(at) for at in sorted(one)]), sum(values[at] for at in one)) for one in groups]
    possible = zip(*tables_of(len(named), sums), strict=True)
    near = {at for at, one in enumerate(possible) if max(one) >= 1 and min(one) < few and max(one) - min(one) < few}
    told = narrow(len(named), sums, few)
    assert told in near if near else told is None
