"""Dimensions and tables made by hand, for tests and benches."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bagipakai.core.query import Scalar
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.hierarchies import TOTAL, Hierarchy, Label, hierarchy
from bagipakai.registry.disclosure.tables import Counts, summed


def flat(name: str, values: Iterable[Label], most: int) -> Hierarchy | Refusal:
    """Total → values."""
    return hierarchy(name, ((value, TOTAL) for value in values), most)


def nested(name: str, paths: Iterable[Sequence[Scalar]], most: int) -> Hierarchy | Refusal:
    """From paths, coarsest value first: `("32", "3273", "327301")`. Each value is one node, wherever it stands."""
    return hierarchy(
        name, ((path[at], path[at - 1] if at else TOTAL) for path in paths for at in range(len(path))), most
    )


def with_margins(trees: Sequence[Hierarchy], cells: Mapping[tuple[Label, ...], int]) -> Counts:
    """The full grid from the finest cells: zero where there is none, every margin the sum of its parts."""
    grid = np.zeros(tuple(map(len, trees)), np.int64)
    for key, count in cells.items():
        grid[tuple(tree.places[label] for tree, label in zip(trees, key, strict=True))] += count
    return summed(trees, grid)
