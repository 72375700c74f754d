"""The tree of a transparency log: RFC 6962 §2.1 hashing, RFC 9162 §2.1.3 and §2.1.4 proofs.

A log of n entries has one root. An *inclusion* proof shows that an entry stands at its place under a root; a
*consistency* proof shows that a larger tree only added to a smaller one. Whoever asks for a proof brings `node`, which
gives the hash of a complete subtree: `node(level, index)` covers the 2^level entries from index × 2^level on. Tiles on
disk, tiles over the network and a list in memory are all such a `node`.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

Node = Callable[[int, int], bytes]

EMPTY = hashlib.sha256().digest()  # the root of a log without entries


class NoProof(ValueError):
    """The proof has the wrong length, or speaks of a place outside the tree. Names no content."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, node: Node) -> bytes:
    """The root of the first `size` entries."""
    return _range(0, size, node) if size else EMPTY


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The path from entry `index` to the root of the first `size` entries, leaf's sibling first. Raises NoProof if the
    entry is not among them."""
    if not 0 <= index < size:
        raise NoProof("outside the tree")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that the tree of `new` entries begins with the tree of `old`; empty if either is trivial. Raises
    NoProof if `old` is larger."""
    if not 0 <= old <= new:
        raise NoProof("outside the tree")
    if old in (0, new):
        return []
    path = []
    start, end = 0, new
    while old < end:  # go down to the smallest subtree that ends where the old tree ended
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    if start:  # else that subtree is the whole old tree, whose root the asker has
        path.append(_range(start, end, node))
    return path[::-1]


def root_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that `proof` leads to from the leaf hash at `index`; it is for the caller to compare. Raises NoProof."""
    if not 0 <= index < size:
        raise NoProof("outside the tree")
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise NoProof("too long")
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise NoProof("too short")
    return found


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `new` entries begins with the tree of `old`."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    of_old = of_new = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            of_old, of_new = node_hash(sibling, of_old), node_hash(sibling, of_new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            of_new = node_hash(of_new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and of_old == old_root and of_new == new_root


def fold(hashes: Iterable[bytes]) -> bytes:
    """The root over 2^k neighbouring hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def _split(length: int) -> int:
    """The largest power of two below `length` (> 1)."""
    return 1 << (length - 1).bit_length() - 1


def _range(start: int, end: int, node: Node) -> bytes:
    """The hash over entries start..end-1, where `start` is a multiple of the range's left subtree."""
    length = end - start
    if length & (length - 1) == 0:
        level = length.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(length)
    return node_hash(_range(start, middle, node), _range(middle, end, node))
