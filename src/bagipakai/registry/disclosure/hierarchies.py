"""One dimension of a table: its total and the values below it, each with one parent.

A hierarchy is data (total → values, or nation → province → regency → district → village) and is checked before a table
is built on it: one root, one parent each, no circle, a bounded number of nodes. What contradicts itself is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bagipakai.core.query import Scalar
from bagipakai.core.refusal import Refusal

Label: TypeAlias = Scalar | tuple[Scalar | None, ...] | None  # a path where values alone would not tell nodes apart
TOTAL: Label = ()


@dataclass(frozen=True)
class Hierarchy:
    """Nodes in an order in which every parent stands before its children; node 0 is the root. `parents[0]` is -1."""

    name: str
    labels: tuple[Label, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Of each node, in order."""
        below: list[list[int]] = [[] for _ in self.labels]
        for node, parent in enumerate(self.parents[1:], 1):
            below[parent].append(node)
        return tuple(map(tuple, below))

    @cached_property
    def inner(self) -> tuple[int, ...]:
        """The nodes that have children, the root first."""
        return tuple(node for node, below in enumerate(self.children) if below)

    @cached_property
    def leaves(self) -> npt.NDArray[np.int64]:
        return np.array([node for node, below in enumerate(self.children) if not below], np.int64)

    @cached_property
    def places(self) -> Mapping[Label, int]:
        """The number of each node."""
        return {label: node for node, label in enumerate(self.labels)}


def hierarchy(name: str, pairs: Iterable[tuple[Label, Label]], most: int, root: Label = TOTAL) -> Hierarchy | Refusal:
    """From pairs of a node and its parent; a pair may be told twice, but not with two parents.

    Nodes come in the order in which they are told, level by level. Refused: more than `most` nodes below the root, a
    second parent, a node that the root does not reach (a second root, or a circle).
    """
    parent_of: dict[Label, Label] = {}
    for node, parent in pairs:
        if node == root or parent_of.setdefault(node, parent) != parent:
            return _contradiction(name)
        if len(parent_of) > most:
            return Refusal("hierarchy-too-large", {"dimension": name, "most": str(most)})
    below: dict[Label, list[Label]] = {}
    for node, parent in parent_of.items():
        below.setdefault(parent, []).append(node)
    labels, parents = [root], [-1]
    for place, label in _reached(labels, below):
        parents.append(place)
        labels.append(label)
    if len(labels) != len(parent_of) + 1:
        return _contradiction(name)
    return Hierarchy(name, tuple(labels), tuple(parents))


def _reached(labels: Sequence[Label], below: Mapping[Label, Sequence[Label]]) -> Iterator[tuple[int, Label]]:
    """Each child with the place of its parent; `labels` grows while this goes on."""
    place = 0
    while place < len(labels):
        yield from ((place, child) for child in below.get(labels[place], ()))
        place += 1


def _contradiction(name: str) -> Refusal:
    return Refusal("hierarchy-contradicts-itself", {"dimension": name})
