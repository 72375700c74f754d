"""What a release is now is what its signed events say, in whatever order they are found."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bagipakai.core.envelope import BadSeal, Signer
from bagipakai.core.lifecycle import Deed, Event, State, lives, order, quarters_between

START = datetime(2026, 7, 1, tzinfo=UTC)
OURS, THEIRS = Signer.from_seed(b"1" * 32), Signer.from_seed(b"2" * 32)


def published(version: str, day: int = 0) -> Event:
    return Event(Deed.PUBLISH, version, "a" * 64, START + timedelta(days=day))


def withdrawn(version: str, day: int = 9) -> Event:
    return Event(Deed.WITHDRAW, version, "a" * 64, START + timedelta(days=day), "desil salah hitung di satu provinsi")


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ([], {}),
        ([published("2026.3.0")], {"2026.3.0": State.PUBLISHED}),
        (
            [published("2026.3.0"), published("2026.3.1", 3)],
            {"2026.3.0": State.SUPERSEDED, "2026.3.1": State.PUBLISHED},
        ),
        (
            [published("2026.3.0"), published("2026.4.0", 3), withdrawn("2026.4.0")],
            {"2026.3.0": State.PUBLISHED, "2026.4.0": State.WITHDRAWN},
        ),
        (
            [published("2026.2.0"), published("2026.10.0", 1)],
            {"2026.2.0": State.SUPERSEDED, "2026.10.0": State.PUBLISHED},
        ),
        ([withdrawn("2026.3.0")], {}),
    ],
)
def test_the_state_is_the_fold_of_the_events_in_any_order(events, states):
    for shuffled in permutations(events):
        assert {version: life.state for version, life in lives(shuffled).items()} == states


def test_a_superseded_release_names_the_one_that_stands_and_a_withdrawn_one_its_reason():
    found = lives([published("2026.3.0"), published("2026.3.1", 3), published("2026.4.0", 5), withdrawn("2026.3.1")])
    assert (found["2026.3.0"].by, found["2026.3.0"].since) == ("2026.4.0", START + timedelta(days=5))
    assert found["2026.3.1"].reason == "desil salah hitung di satu provinsi"


VERSIONS = some.builds(
    lambda year, quarter, patch: f"{year}.{quarter}.{patch}",
    some.integers(2025, 2027),
    some.integers(1, 4),
    some.integers(0, 11),
)


@given(
    some.lists(
        some.builds(
            lambda deed, version: Event(deed, version, "a" * 64, START, "x"), some.sampled_from(Deed), VERSIONS
        ),
        max_size=12,
    )
)
def test_at_most_one_release_stands_and_it_is_the_latest_that_was_not_withdrawn(events):
    found = lives(events)
    standing = [version for version, life in found.items() if life.state is State.PUBLISHED]
    alive = [version for version, life in found.items() if life.state is not State.WITHDRAWN]
    assert standing == sorted(alive, key=order)[-1:]
    assert all(life.by == standing[0] for life in found.values() if life.state is State.SUPERSEDED)


def test_an_event_counts_only_under_a_trusted_seal():
    envelope = withdrawn("2026.3.0").sealed(OURS)
    assert Event.unsealed(envelope, [THEIRS.public, OURS.public]) == withdrawn("2026.3.0")
    for trusted in ([], [THEIRS.public]):
        with pytest.raises(BadSeal):
            Event.unsealed(envelope, trusted)


@pytest.mark.parametrize(
    "event",
    [
        Event(Deed.PUBLISH, "2026.5.0", "a" * 64, START),
        Event(Deed.PUBLISH, "2026.3.0", "a" * 63, START),
    ],
)
def test_a_malformed_event_is_no_event(event):
    with pytest.raises(BadSeal):
        Event.unsealed(event.sealed(OURS), [OURS.public])


def test_releases_are_quarters_apart_and_a_correction_is_of_its_quarter():
    apart = {("2026.3.0", "2026.3.12"): 0, ("2026.4.0", "2027.1.0"): 1, ("2027.1.3", "2026.1.0"): 4}
    assert {pair: quarters_between(*pair) for pair in apart} == apart
    for wrong in ("2026.5.0", "2026.3", "", "2026.3.0 "):
        with pytest.raises(ValueError, match="no version"):
            quarters_between("2026.3.0", wrong)
