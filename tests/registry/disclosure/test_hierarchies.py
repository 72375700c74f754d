"""A dimension is a tree: what contradicts itself is refused before any table is built on it."""

import pytest
from tests.registry.disclosure.trees import flat, nested

from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.hierarchies import TOTAL, hierarchy


def test_a_flat_dimension_is_a_total_over_its_values():
    tree = flat("desil", (1, 2, None), 10)
    assert (tree.labels, tree.parents) == ((TOTAL, 1, 2, None), (-1, 0, 0, 0))
    assert tree.leaves.tolist() == [1, 2, 3] and tree.inner == (0,)


def test_places_stand_below_their_larger_places_level_by_level():
    tree = nested("wilayah", [("11", "1101"), ("32", "3201"), ("11", "1102")], 10)
    assert tree.labels == (TOTAL, "11", "32", "1101", "1102", "3201")
    assert tree.children == ((1, 2), (3, 4), (5,), (), (), ())
    assert len(tree) == 6 and tree.places["3201"] == 5


def test_a_parent_may_be_told_after_its_child():
    tree = hierarchy("umur", [("0-4", "anak"), ("anak", TOTAL), ("dewasa", TOTAL)], 10)
    assert tree.labels == (TOTAL, "anak", "dewasa", "0-4")


@pytest.mark.parametrize(
    "pairs",
    [
        [("1101", "11"), ("1101", "12"), ("11", TOTAL), ("12", TOTAL)],  # two parents
        [("11", TOTAL), ("1101", "11"), ("a", "b"), ("b", "a")],  # a circle beside the tree
        [("11", TOTAL), ("1101", "12")],  # a second root
        [(TOTAL, "11"), ("11", TOTAL)],  # a root with a parent
        [("11", "11")],
    ],
)
def test_what_contradicts_itself_is_refused(pairs):
    assert hierarchy("wilayah", pairs, 10) == Refusal("hierarchy-contradicts-itself", {"dimension": "wilayah"})


def test_a_regency_in_two_provinces_is_refused():
    assert nested("wilayah", [("11", "1101"), ("12", "1101")], 10).code == "hierarchy-contradicts-itself"


def test_too_many_nodes_are_refused_while_they_come():
    def endless():
        number = 0
        while True:
            yield number
            number += 1

    assert flat("nomor", endless(), 1000) == Refusal("hierarchy-too-large", {"dimension": "nomor", "most": "1000"})
    assert len(flat("nomor", range(1000), 1000)) == 1001
