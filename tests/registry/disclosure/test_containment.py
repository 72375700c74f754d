"""Every pair of counts of which one lies inside the other is found, whatever the boxes and places are made of."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.disclosure import containment
from bagipakai.registry.disclosure.containment import Box, Cells, Region, inside

# Places nest: the nation, two provinces, three regencies, leaves; and unions of places.
REGIONS: tuple[Region, ...] = (
    ((0, 7),),
    ((0, 3),),
    ((4, 7),),
    ((0, 1),),
    ((2, 3),),
    ((0, 1), (4, 7)),
    ((0, 0),),
    ((1, 1), (6, 6)),
)


def of(cells: list[tuple[Box, Region]]) -> Cells:
    boxes, regions = (
        list({repr(sorted(box.items())): box for box, _ in cells}.values()),
        list({region for _, region in cells}),
    )
    return Cells(
        boxes,
        regions,
        np.array([boxes.index(box) for box, _ in cells], np.int64),
        np.array([regions.index(region) for _, region in cells], np.int64),
        np.arange(len(cells)),
    )


def lies_inside(narrow: tuple[Box, Region], wide: tuple[Box, Region]) -> bool:
    """By elements: every category of each variable, every leaf."""
    (box, region), (around, place) = narrow, wide
    in_box = all(name in box and not box[name] & ~mask for name, mask in around.items())
    leaves, others = ({leaf for first, last in one for leaf in range(first, last + 1)} for one in (region, place))
    return in_box and leaves <= others


masks = st.one_of(st.integers(1, 7), st.sampled_from([1 << 61, 1 << 62, 1 << 63, (1 << 130) - 1, 1 << 129 | 1]))
boxes = st.dictionaries(st.sampled_from(["desil", "umur"]), masks, max_size=2)
cells = st.lists(st.tuples(boxes, st.sampled_from(REGIONS)), max_size=12)


@settings(deadline=None, max_examples=300)
@given(cells, cells)
def test_all_pairs_are_found_and_no_others(narrow, wide):
    found = [
        pair
        for some in inside(of(narrow), of(wide))
        for pair in zip(*(of.tolist() for of in (some.narrow, some.wide, some.here, some.same)), strict=True)
    ]
    wanted = {
        (at, around, one[1] == other[1], one == other)
        for at, one in enumerate(narrow)
        for around, other in enumerate(wide)
        if lies_inside(one, other)
    }
    assert len(found) == len(set(found)) and set(found) == wanted


@settings(deadline=None, max_examples=30)
@given(cells, cells)
def test_it_is_the_same_a_few_pairs_at_a_time(narrow, wide):
    def pairs() -> set:
        return {(n, w) for one in inside(of(narrow), of(wide)) for n, w in zip(one.narrow, one.wide, strict=True)}

    at_once, whole = containment.AT_ONCE, pairs()
    containment.AT_ONCE = 3
    try:
        assert pairs() == whole
    finally:
        containment.AT_ONCE = at_once


def test_what_may_be_anything_is_wider_than_every_category_known():
    """Tomorrow there may be another one."""
    known, anything = {"umur": (1 << 62) - 1}, {}
    (pairs,) = inside(of([(known, REGIONS[0])]), of([(anything, REGIONS[0])]))
    assert pairs.narrow.tolist() == [0]
    assert not [one for one in inside(of([(anything, REGIONS[0])]), of([(known, REGIONS[0])])) if len(one.narrow)]
