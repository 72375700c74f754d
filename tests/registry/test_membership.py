"""Who was in a package can be asked later, and cannot be read by anybody who finds the file."""

import stat

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagipakai.registry.membership import Membership

families = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 8)), max_size=30)


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=30), max_size=4))
def test_persons_are_the_ordinals_that_were_added_in_any_order(batches):
    members = Membership()
    for batch in batches:
        members.add_persons(pa.array(batch, pa.int64()))
    expected = {ordinal for batch in batches for ordinal in batch}
    assert len(members) == len(expected)
    assert all(ordinal in members for ordinal in expected)


@given(families)
def test_a_family_stands_for_each_of_its_persons(added):
    members = Membership()
    members.add_families(
        pa.array([first for first, _ in added], pa.int64()), pa.array([count for _, count in added], pa.int64())
    )
    expected = {first + at for first, count in added for at in range(count)}
    assert {ordinal for ordinal in range(5010) if ordinal in members} == expected


def test_what_was_written_is_read_back(tmp_path):
    members = Membership()
    members.add_persons(pa.array([3, 1_000_000, 289_999_999], pa.int64()))
    members.write(tmp_path / "paket.roar")
    again = Membership.read(tmp_path / "paket.roar")
    assert 289_999_999 in again and 4 not in again and len(again) == 3
    assert stat.S_IMODE((tmp_path / "paket.roar").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["paket.roar"]


def test_a_whole_regency_takes_a_few_bytes(tmp_path):
    """Members of a release follow one another, so who was chosen is mostly runs."""
    members = Membership()
    members.add_persons(pa.array(range(1_000_000), pa.int64()))
    members.write(tmp_path / "paket.roar")
    assert (tmp_path / "paket.roar").stat().st_size < 1000


@pytest.mark.parametrize("ordinals", [[-1], [2**32]])
def test_an_ordinal_that_cannot_be_one_is_noticed(ordinals):
    with pytest.raises(OverflowError):
        Membership().add_persons(pa.array(ordinals, pa.int64()))


def test_a_row_without_an_ordinal_is_noticed():
    with pytest.raises(ValueError, match="missing"):
        Membership().add_persons(pa.array([1, None], pa.int64()))
