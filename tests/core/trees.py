"""A small tree in memory, as `core.tlog` asks for its nodes."""

from collections.abc import Sequence

from bagipakai.core.tlog import Node, node_hash


def nodes_of(leaves: Sequence[bytes]) -> Node:
    """The nodes over these leaf hashes."""

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node
