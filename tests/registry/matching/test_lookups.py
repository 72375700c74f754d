"""Entries are found by their upper bits, all of them and no others, however they came."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.matching import lookups
from bagipakai.registry.matching.lookups import FINEST, Ascending, Lookup, firsts, write_lookup
from bagipakai.registry.vault import ShelfKey


def entries(count: int, hashes: int, seed: int) -> np.ndarray:
    """So many entries of at most so many hashes, in any order."""
    dice = np.random.default_rng(seed)
    pool = dice.integers(0, 2**32, hashes, dtype=np.uint64)
    return (pool[dice.integers(0, hashes, count)] << np.uint64(32)) | np.arange(count, dtype=np.uint64)


def as_they_are(some: np.ndarray) -> np.ndarray:
    return some


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 400),
    hashes=st.integers(1, 300),
    room=st.integers(0, 500),
    pieces=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_every_entry_of_a_hash_is_found_and_none_of_another(tmp_path_factory, count, hashes, room, pieces, seed):
    folder, key, whole = tmp_path_factory.mktemp("lookup"), ShelfKey.new("x"), entries(count, hashes, seed)
    coming = Ascending(folder, "aside", key, room)
    for piece in np.array_split(whole, pieces):
        coming.add(piece)
    lookup = Lookup(folder, "x", key, write_lookup(folder, "x", key, coming, as_they_are), 32)
    asked = np.concatenate([whole[::3], np.array([0, 2**64 - 1, 1 << 63], np.uint64)]) >> np.uint64(32)
    which, below = lookup.find(asked << np.uint64(32))
    found = list(zip(which.tolist(), below.tolist(), strict=True))
    told = {}
    for entry in sorted(whole.tolist()):
        told.setdefault(entry >> 32, []).append(entry & (2**32 - 1))
    assert found == [(at, one) for at, hashed in enumerate(asked.tolist()) for one in told.get(hashed, [])]


@pytest.mark.parametrize("count", [1, 2, 64, FINEST])
def test_what_was_laid_down_leaves_in_order_and_whole_in_every_number_of_ranges(tmp_path, count):
    whole = entries(20_000, 15_000, 1)
    coming = Ascending(tmp_path, "aside", ShelfKey.new("x"), room=3_000)
    for piece in np.array_split(whole, 11):
        coming.add(piece)
    ranges = list(coming.ranges(count))
    assert len(ranges) == count and coming.count == len(whole) and len(list(tmp_path.iterdir())) > 3
    assert (np.concatenate(ranges) == np.sort(whole)).all()
    for at, one in enumerate(ranges):
        assert all(entry * count >> 64 == at for entry in one.tolist())


def test_buckets_and_ranges_do_not_change_what_is_found(tmp_path, monkeypatch):
    """Many ranges, as of a nation, over few entries."""
    monkeypatch.setattr(lookups, "RANGE", 50)
    key, whole = ShelfKey.new("x"), entries(3_000, 2_000, 2)
    coming = Ascending(tmp_path, "aside", key, room=400)
    coming.add(whole)
    lookup = Lookup(tmp_path, "x", key, write_lookup(tmp_path, "x", key, coming, as_they_are), 32)
    which, below = lookup.find(whole & ~np.uint64(2**32 - 1))
    pairs = {(int(whole[at]) >> 32, int(one)) for at, one in zip(which, below, strict=True)}
    assert pairs == {(entry >> 32, entry & (2**32 - 1)) for entry in whole.tolist()}


@given(st.lists(st.integers(0, 5)).map(sorted))
def test_firsts_are_where_a_number_is_another_than_the_one_before(numbers):
    expected = [at for at, one in enumerate(numbers) if at == 0 or one != numbers[at - 1]]
    assert firsts(np.array(numbers, np.uint64)).tolist() == expected
