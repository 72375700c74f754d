"""The tree is RFC 6962's, its proofs are RFC 9162's, and nothing else passes for one.

Three witnesses to that: the RFC's own recursive definitions written down naively, an independent library that is used
here and nowhere else, and every way of spoiling a proof that we could think of.
"""

import hashlib
from functools import cache

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.trees import nodes_of

from bagipakai.core import tlog

SIZES = st.integers(min_value=1, max_value=300)
ENTRIES = [f"catatan {number}".encode() for number in range(300)]
LEAVES = [tlog.leaf_hash(entry) for entry in ENTRIES]
NODE = nodes_of(LEAVES)


# RFC 6962 §2.1, §2.1.1 and §2.1.2, word for word and without thought for speed


def sha(value):
    return hashlib.sha256(value).digest()


@cache
def mth(start, end):
    """MTH(D[start:end])"""
    if start == end:
        return sha(b"")
    if end - start == 1:
        return sha(b"\x00" + ENTRIES[start])
    k = largest_power_below(end - start)
    return sha(b"\x01" + mth(start, start + k) + mth(start + k, end))


def path(m, start, end):
    """PATH(m, D[start:end])"""
    n = end - start
    if n == 1:
        return []
    k = largest_power_below(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m, start, end, known):
    """SUBPROOF(m, D[start:end], known)"""
    n = end - start
    if m == n:
        return [] if known else [mth(start, end)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, start, start + k, known), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def largest_power_below(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@pytest.mark.parametrize("size", range(301))
def test_the_root_is_that_of_the_definition(size):
    assert tlog.root(size, NODE) == mth(0, size)


def test_the_published_roots():
    """The vectors that implementations of RFC 6962 share: the empty tree, and eight short entries."""
    entries = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ]
    leaves = [tlog.leaf_hash(entry) for entry in entries]
    node = nodes_of(leaves)
    assert tlog.root(0, node).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tlog.root(1, node).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tlog.root(8, node).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@settings(deadline=None)
@given(SIZES, st.data())
def test_an_inclusion_proof_is_the_path_of_the_definition(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = tlog.inclusion(index, size, NODE)
    assert proof == path(index, 0, size)
    assert tlog.root_by_inclusion(LEAVES[index], index, size, proof) == mth(0, size)


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_consistency_proof_is_the_subproof_of_the_definition(new, data):
    old = data.draw(st.integers(1, new))
    proof = tlog.consistency(old, new, NODE)
    assert proof == subproof(old, 0, new, True)
    assert tlog.is_consistent(old, mth(0, old), new, mth(0, new), proof)


@pytest.mark.parametrize("new", range(1, 34))
def test_every_pair_of_small_trees(new):
    for old in range(new + 1):
        assert tlog.is_consistent(old, mth(0, old), new, mth(0, new), tlog.consistency(old, new, NODE))
    for index in range(new):
        proof = tlog.inclusion(index, new, NODE)
        assert tlog.root_by_inclusion(LEAVES[index], index, new, proof) == mth(0, new)


# Against an independent implementation


@pytest.fixture(scope="module")
def theirs():
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def in_the_order_of_the_rfc(theirs):
    """Their consistency proof goes down to the first new entry, the RFC's to the last subtree of the old tree: so what
    lies between is put together, and the old tree's own subtree comes first. It is left out where it is the whole old
    tree, whose root the asker has."""
    path, old = theirs.path, theirs.subset.index(1)
    if old:
        right = path[0]
        for sibling in path[1:old]:
            right = tlog.node_hash(right, sibling)
        path = [path[old], right, *path[old + 1 :]]
    return path[1:] if theirs.prior_size & (theirs.prior_size - 1) == 0 else path


@settings(deadline=None, max_examples=300)
@given(SIZES, st.data())
def test_another_implementation_gives_the_same_root_and_proofs(theirs, size, data):
    index = data.draw(st.integers(0, size - 1))
    assert tlog.root(size, NODE) == theirs.get_root(size)
    assert tlog.inclusion(index, size, NODE) == theirs.prove_inclusion(index + 1, size).path[1:]
    old = data.draw(st.integers(1, size))
    if old < size:
        assert tlog.consistency(old, size, NODE) == in_the_order_of_the_rfc(theirs.prove_consistency(old, size))


@settings(deadline=None, max_examples=300)
@given(SIZES, st.data())
def test_each_accepts_the_other_s_proofs(theirs, size, data):
    index = data.draw(st.integers(0, size - 1))
    their_proof = theirs.prove_inclusion(index + 1, size)
    assert tlog.root_by_inclusion(LEAVES[index], index, size, their_proof.path[1:]) == theirs.get_root(size)
    their_proof.path = [LEAVES[index], *tlog.inclusion(index, size, NODE)]
    pymerkle.verify_inclusion(LEAVES[index], tlog.root(size, NODE), their_proof, index=index + 1, size=size)

    old = data.draw(st.integers(1, size))
    of_both = theirs.prove_consistency(old, size)
    pymerkle.verify_consistency(tlog.root(old, NODE), tlog.root(size, NODE), of_both, prior_size=old, later_size=size)
    if old < size:
        ours = in_the_order_of_the_rfc(of_both)
        assert tlog.is_consistent(old, theirs.get_root(old), size, theirs.get_root(size), ours)


@settings(deadline=None, max_examples=300)
@given(st.integers(2, 300), st.data())
def test_neither_lets_a_rewritten_log_pass_for_a_longer_one(theirs, size, data):
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in [*ENTRIES[:changed], b"diganti", *ENTRIES[changed + 1 : size]]:
        other.append_entry(entry)
    forged = other.prove_consistency(old, size)
    with pytest.raises(pymerkle.InvalidProof):
        pymerkle.verify_consistency(theirs.get_root(old), other.get_root(size), forged)
    ours = in_the_order_of_the_rfc(forged)
    assert not tlog.is_consistent(old, theirs.get_root(old), size, other.get_root(size), ours)


@settings(deadline=None, max_examples=300)
@given(SIZES, st.data())
def test_both_refuse_the_same_false_proofs(theirs, size, data):
    """One proof, spoiled in one way: neither takes it."""
    index = data.draw(st.integers(0, size - 1))
    proof = tlog.inclusion(index, size, NODE)
    bad = data.draw(st.sampled_from(spoiled(proof)))
    assert included(LEAVES[index], index, size, bad) != mth(0, size)
    their_proof = theirs.prove_inclusion(index + 1, size)
    their_proof.path = [LEAVES[index], *bad]
    with pytest.raises(pymerkle.InvalidProof):
        pymerkle.verify_inclusion(LEAVES[index], mth(0, size), their_proof)


def spoiled(proof):
    """Every single step bent, left out, doubled or exchanged with its neighbour; and one too many at either end."""
    steps = range(len(proof))
    ways = [[*proof[:at], bent(proof[at]), *proof[at + 1 :]] for at in steps]
    ways += [[*proof[:at], *proof[at + 1 :]] for at in steps]
    ways += [[*proof[:at], proof[at], *proof[at:]] for at in steps]
    ways += [[*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]] for at in steps[:-1]]
    return [*ways, [*proof, sha(b"x")], [sha(b"x"), *proof]]


def bent(step):
    return bytes([step[0] ^ 1]) + step[1:]


def included(leaf, index, size, proof):
    try:
        return tlog.root_by_inclusion(leaf, index, size, proof)
    except tlog.NoProof:
        return None


@settings(deadline=None)
@given(SIZES, st.data())
def test_no_spoiled_inclusion_proof_leads_to_the_root(size, data):
    index = data.draw(st.integers(0, size - 1))
    for bad in spoiled(tlog.inclusion(index, size, NODE)):
        assert included(LEAVES[index], index, size, bad) != mth(0, size)


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_proof_speaks_of_one_entry_at_one_place_in_one_tree(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof, root = tlog.inclusion(index, size, NODE), mth(0, size)
    other = data.draw(st.integers(0, 299).filter(lambda one: one != index))
    assert included(LEAVES[other], index, size, proof) != root
    assert included(LEAVES[index], other, size, proof) != root


@settings(deadline=None)
@given(st.integers(2, 300), st.data())
def test_no_spoiled_consistency_proof_is_believed(new, data):
    old = data.draw(st.integers(1, new - 1))
    proof = tlog.consistency(old, new, NODE)
    for bad in spoiled(proof):
        assert not tlog.is_consistent(old, mth(0, old), new, mth(0, new), bad)
    assert not tlog.is_consistent(old, bent(mth(0, old)), new, mth(0, new), proof)
    assert not tlog.is_consistent(old, mth(0, old), new, bent(mth(0, new)), proof)
    assert not tlog.is_consistent(new, mth(0, new), old, mth(0, old), proof)


@settings(deadline=None)
@given(st.integers(2, 300), st.data())
def test_a_rewritten_beginning_is_not_continued(new, data):
    """The log under its true key, but with one early entry exchanged: no proof of the new tree fits the old root."""
    old = data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    leaves = [*LEAVES[:changed], tlog.leaf_hash(b"diganti"), *LEAVES[changed + 1 : new]]
    node = nodes_of(leaves)
    assert not tlog.is_consistent(old, mth(0, old), new, tlog.root(new, node), tlog.consistency(old, new, node))


def test_a_trivial_proof_is_empty_and_nothing_else():
    root = mth(0, 7)
    assert tlog.consistency(0, 7, NODE) == tlog.consistency(7, 7, NODE) == []
    assert tlog.is_consistent(7, root, 7, root, [])
    assert not tlog.is_consistent(7, root, 7, mth(0, 8), [])
    assert not tlog.is_consistent(7, root, 7, root, [root])
    assert tlog.is_consistent(0, tlog.EMPTY, 7, root, [])
    assert not tlog.is_consistent(0, root, 7, root, [])
    assert not tlog.is_consistent(0, tlog.EMPTY, 7, root, [root])
    assert not tlog.is_consistent(3, mth(0, 3), 7, root, [])
    assert not tlog.is_consistent(4, mth(0, 4), 7, root, [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (7, 7), (8, 7), (-1, 7), (2**63, 2**63)])
def test_outside_the_tree_there_is_no_proof(index, size):
    with pytest.raises(tlog.NoProof):
        tlog.inclusion(index, size, NODE)
    with pytest.raises(tlog.NoProof):
        tlog.root_by_inclusion(LEAVES[0], index, size, [])


@pytest.mark.parametrize(("old", "new"), [(8, 7), (-1, 7), (1, 0)])
def test_no_log_continues_a_longer_one(old, new):
    with pytest.raises(tlog.NoProof):
        tlog.consistency(old, new, NODE)
    assert not tlog.is_consistent(old, mth(0, 8), new, mth(0, 7), [])


def test_a_leaf_is_not_a_node():
    """An entry that spells two hashes does not pass for the node above them."""
    left, right = LEAVES[:2]
    assert tlog.leaf_hash(left + right) != tlog.node_hash(left, right)
    assert tlog.leaf_hash(b"\x01" + left + right) != tlog.node_hash(left, right)


@settings(deadline=None)
@given(st.integers(0, 8))
def test_a_fold_is_the_root_over_a_complete_row(level):
    assert tlog.fold(LEAVES[: 1 << level]) == mth(0, 1 << level)
