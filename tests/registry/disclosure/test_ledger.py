"""What was published is not forgotten, and nothing is published that would tell a small group together with it."""

import base64
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.disclosure.test_containment import REGIONS, lies_inside, of

from bagipakai.core.envelope import Signer
from bagipakai.registry.disclosure.ledger import Difference, Ledger, Limits, Output, telling
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import Damaged

SIGNER, STORAGE = Signer.new(), StorageKey(b"s" * 32)
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
LIMITS = Limits(smallest=10, percent=95, under=100)
FIRST = Output("O-1", "dinsos-3201", "2026.3.0", "individu")
SECOND = replace(FIRST, order="O-2", recipient="PLN")
NATION, REGENCY = REGIONS[0], REGIONS[3]
POOR, POORER = {"desil": 0b11}, {"desil": 0b01}


def counted(*cells) -> object:
    """Cells of (box, region, count)."""
    found = of([(box, region) for box, region, _ in cells])
    return replace(found, count=np.array([count for _, _, count in cells], np.int64))


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "published", STORAGE, SIGNER)


def add(ledger, output, cells) -> None:
    with ledger.turn():
        ledger.add(output, cells, NOW)


def told(ledger, output, cells) -> list[Difference]:
    return list(ledger.differences(output, cells, LIMITS))


def test_two_harmless_tables_that_differ_by_a_few_people_are_seen_together(ledger):
    add(ledger, FIRST, counted((POOR, REGENCY, 250)))
    assert told(ledger, SECOND, counted((POORER, REGENCY, 244))) == [
        Difference((POORER, REGENCY), (POOR, REGENCY), False)
    ]
    assert told(ledger, SECOND, counted((POORER, REGENCY, 240))) == []
    assert told(ledger, SECOND, counted((POOR, NATION, 259))) == [Difference((POOR, REGENCY), (POOR, NATION), False)]
    assert told(ledger, SECOND, counted((POOR, NATION, 250))) == []  # nobody is between them, who are many


def test_that_nearly_all_of_a_group_have_something_in_common_is_seen(ledger):
    """Of 90 people in a place, 80 are poor: nothing. All 90 are: their decile is told."""
    add(ledger, FIRST, counted(({}, REGENCY, 90)))
    assert told(ledger, SECOND, counted((POOR, REGENCY, 80))) == []
    assert told(ledger, SECOND, counted((POOR, REGENCY, 90))) == [Difference((POOR, REGENCY), ({}, REGENCY), True)]
    assert told(ledger, SECOND, counted(({}, REGIONS[6], 90))) == []  # another place is nothing in common


def test_sums_of_one_variable_are_met_where_places_are(ledger, tmp_path):
    """And what is written of a table without sums says nothing of them, as before there were any."""

    def met(output, cells) -> bool:
        return ledger.sums_met(output, cells, 4)

    sums = replace(FIRST, summed="ternak_sapi", sums="a" * 64)
    other = replace(SECOND, summed="ternak_sapi", sums="b" * 64)
    here, there = counted(({}, REGENCY, 250)), counted(({}, REGIONS[4], 250))
    add(ledger, FIRST, here)
    assert not met(other, here)
    add(ledger, sums, counted((POOR, REGENCY, 150)))
    assert met(other, here) and met(other, counted(({}, NATION, 900)))
    assert not met(other, there)
    assert not any(met(one, here) for one in (sums, FIRST, replace(other, summed="ternak_kuda")))
    assert met(replace(other, release="2026.3.1"), here)  # a correction is no other release
    assert [output for output, _ in ledger.published(FIRST.release)] == [FIRST, sums]
    told = [
        base64.b64decode(json.loads(file.read_bytes())["payload"])
        for file in (tmp_path / "published").glob("*.dsse.json")
    ]
    assert sorted(b"summed" in one for one in told) == [False, True]


def test_sums_of_another_quarter_are_met_unless_the_same_was_asked(ledger):
    """Where hardly anybody moved, what is hidden in one quarter is the rest of what is shown in another."""
    sums = replace(FIRST, summed="ternak_sapi", sums="a" * 64)
    later = replace(SECOND, release="2026.4.0", summed="ternak_sapi", sums="b" * 64)
    asked, other = (np.array([number], np.int64) for number in (7, 8))
    add(ledger, sums, replace(counted((POOR, REGENCY, 150)), asked=asked))
    same, wider = (replace(counted((POOR, REGENCY, 152)), asked=one) for one in (asked, other))
    assert not ledger.sums_met(later, same, 4) and ledger.sums_met(later, wider, 4)
    assert not ledger.sums_met(replace(later, release="2028.1.0"), wider, 4)
    assert ledger.sums_met(later, counted((POOR, REGENCY, 152)), 4)  # what was asked is not known


def test_a_table_is_looked_at_in_itself(ledger):
    assert told(ledger, FIRST, counted(({}, NATION, 100), (POOR, NATION, 93))) == [
        Difference((POOR, NATION), ({}, NATION), False)
    ]


def test_other_units_and_the_same_order_are_compared(ledger):
    add(ledger, FIRST, counted((POOR, REGENCY, 250)))
    cells = counted((POORER, REGENCY, 244))
    for output in (replace(SECOND, unit="keluarga"), replace(SECOND, order="O-1")):
        assert len(told(ledger, output, cells)) == 1


NEAR = replace(LIMITS, quarters=4)


def beside(ledger, release: str, *cells, question: str = "") -> list[Difference]:
    return list(ledger.differences(replace(SECOND, release=release, question=question), counted(*cells), NEAR))


@pytest.mark.parametrize("count", [241, 249, 250, 251, 259])
def test_a_count_of_another_quarter_is_read_as_one_of_this(ledger, count):
    """By whoever knows that hardly anybody moved; also nobody, and more in the narrow one than in the wide one. Were
    these answered, a refusal would tell the rest."""
    add(ledger, replace(FIRST, release="2026.3.0"), counted((POOR, REGENCY, 250)))
    found = Difference((POORER, REGENCY), (POOR, REGENCY), False, ("2026.4.0", "2026.3.0"))
    assert beside(ledger, "2026.4.0", (POORER, REGENCY, count)) == ([found] if count != 250 else [])
    wider = {"umur": 3, "desil": 1}
    add(ledger, replace(FIRST, release="2026.3.0"), counted((wider, REGENCY, 250)))
    assert beside(ledger, "2026.2.0", ({"umur": 1, "desil": 1}, REGENCY, count))[0].releases == ("2026.2.0", "2026.3.0")


def test_far_quarters_are_not_compared_and_noise_is_not(ledger):
    add(ledger, replace(FIRST, release="2026.3.0"), counted((POOR, REGENCY, 250)))
    add(ledger, replace(FIRST, order="O-3", release="2026.3.0", question="a" * 64), counted((POOR, REGENCY, 252)))
    cell = (POORER, REGENCY, 245)
    near = {release: len(beside(ledger, release, cell)) for release in ("2025.2.9", "2025.3.0", "2027.3.1", "2027.4.0")}
    assert near == {"2025.2.9": 0, "2025.3.0": 1, "2027.3.1": 1, "2027.4.0": 0}
    assert beside(ledger, "2026.4.0", cell, question="b" * 64) == []
    assert len(beside(ledger, "2026.3.7", cell, question="b" * 64)) == 2, "a correction is the same people"
    assert list(ledger.differences(replace(SECOND, release="2026.4.0"), counted(cell), LIMITS)) == []


def test_the_very_same_cell_may_move_between_quarters_and_not_by_a_correction(ledger):
    add(ledger, replace(FIRST, release="2026.3.0"), counted((POOR, REGENCY, 250)))
    same = Difference((POOR, REGENCY), (POOR, REGENCY), False, ("2026.3.1", "2026.3.0"))
    assert beside(ledger, "2026.4.0", (POOR, REGENCY, 251)) == []
    assert beside(ledger, "2026.3.1", (POOR, REGENCY, 251))[0] == same
    assert beside(ledger, "2026.3.1", (POOR, REGENCY, 250)) == []


def test_what_was_asked_is_one_cell_whichever_ages_occur(ledger):
    """The oldest is a year older by now, so that the boxes of what occurs differ."""
    asked = np.array([7], np.int64)
    add(ledger, FIRST, replace(counted(({"umur": 0b0110}, REGENCY, 250)), asked=asked))
    now, later = counted(({"umur": 0b1110}, REGENCY, 252)), replace(SECOND, release="2026.4.0")
    assert list(ledger.differences(later, replace(now, asked=asked), NEAR)) == []
    for other in (replace(now, asked=asked + 1), now):
        assert len(list(ledger.differences(later, other, NEAR))) == 1
    assert len(list(ledger.differences(replace(SECOND, release="2026.3.1"), replace(now, asked=asked), NEAR))) == 1


def test_nearly_all_of_a_small_group_is_told_by_two_quarters_too(ledger):
    add(ledger, FIRST, counted(({}, REGENCY, 90)))
    assert [one.share for one in beside(ledger, "2026.4.0", (POOR, REGENCY, 90))] == [True]


def test_a_table_that_is_made_again_when_somebody_is_on_hold_tells_who(ledger):
    add(ledger, FIRST, counted((POOR, REGENCY, 250)))
    for count in (241, 249, 251, 259):
        assert (
            told(ledger, SECOND, counted((POOR, REGENCY, count)))
            == [Difference((POOR, REGENCY), (POOR, REGENCY), False)] * 2
        )
    assert told(ledger, SECOND, counted((POOR, REGENCY, 250))) == []


def test_an_order_that_is_done_again_is_added_once(ledger):
    cells = counted((POOR, REGENCY, 250))
    add(ledger, FIRST, cells)
    add(ledger, FIRST, cells)
    add(ledger, FIRST, counted((POOR, REGENCY, 251)))  # somebody is on hold meanwhile
    assert [len(one) for _, one in ledger.published("2026.3.0")] == [1, 1]


def test_it_comes_back_as_it_was_added(ledger):
    cells = counted(({"umur": 1 << 129 | 1, "desil": 3}, REGIONS[5], 12), ({}, NATION, 10**9))
    add(ledger, FIRST, cells)
    ((output, found),) = ledger.published("2026.3.0")
    assert output == FIRST and (found.boxes, found.regions) == (cells.boxes, cells.regions)
    assert [found.box.tolist(), found.region.tolist(), found.count.tolist()] == [
        cells.box.tolist(),
        cells.region.tolist(),
        cells.count.tolist(),
    ]


@pytest.mark.parametrize("harm", ["taken out", "exchanged", "altered", "of another", "cells"])
def test_nothing_can_be_taken_out_or_changed(ledger, tmp_path, harm):
    for number in range(3):
        add(ledger, replace(FIRST, order=f"O-{number}"), counted((POOR, REGENCY, 250 + number)))
    first, second, _ = sorted((tmp_path / "published").glob("*.dsse.json"))
    content = second.read_bytes()
    match harm:
        case "taken out":
            second.unlink()
        case "exchanged":
            second.write_bytes(first.read_bytes())
        case "altered":
            second.write_bytes(content.replace(b"payload", b"payloae"))
        case "of another":
            other = Ledger(tmp_path / "other", STORAGE, Signer.new())
            add(other, FIRST, counted((POOR, REGENCY, 250)))
            first.write_bytes(next((tmp_path / "other").glob("*.dsse.json")).read_bytes())
        case "cells":
            cells = tmp_path / "published" / "000002.parquet"
            cells.write_bytes(cells.read_bytes()[:-40] + b"x" * 40)
    with pytest.raises(Damaged):
        told(ledger, SECOND, counted((POOR, REGENCY, 250)))


def test_no_count_can_be_read_without_the_key(ledger, tmp_path):
    add(ledger, FIRST, counted((POOR, REGENCY, 123_456_789)))
    assert not [
        file
        for file in (tmp_path / "published").iterdir()
        if b"desil" in file.read_bytes() or (123_456_789).to_bytes(4, "little") in file.read_bytes()
    ]
    with pytest.raises(Damaged):
        told(Ledger(tmp_path / "published", StorageKey(b"t" * 32), SIGNER), SECOND, counted((POOR, REGENCY, 250)))


def test_of_two_at_once_the_second_sees_the_first(ledger):
    seen = []

    def one(output, cells) -> None:
        with ledger.turn():
            if not (found := told(ledger, output, cells)):
                ledger.add(output, cells, NOW)
            seen.append(len(found))

    both = [
        threading.Thread(target=one, args=(output, counted((box, REGENCY, count))))
        for output, box, count in ((FIRST, POOR, 250), (SECOND, POORER, 244))
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(seen) == [0, 1]


counts = st.integers(0, 120)
some = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 7), max_size=2), st.sampled_from(REGIONS), counts
    ),
    max_size=8,
)


def is_few_or_none(one, other) -> bool:
    """That nobody is between two counts tells of a group if the wide one has a condition beside that which the narrow
    one adds; where the narrow one is of a smaller place, two conditions."""
    (box, place, count), (around, its_place, its_count) = one, other
    added = {name for name in box if box[name] != around.get(name)}
    beside = any(set(around) - {name} for name in added) if place == its_place else len(around) == 2
    return 0 < abs(its_count - count) < 10 or (count == its_count and (box, place) != (around, its_place) and beside)


@settings(deadline=None, max_examples=300)
@given(some, some)
def test_what_is_seen_is_what_the_rule_says_of_each_pair(narrow, wide):
    wanted = {
        (at, around, not is_few_or_none(one, other))
        for at, one in enumerate(narrow)
        for around, other in enumerate(wide)
        if lies_inside(one[:2], other[:2])
        if is_few_or_none(one, other)
        or (one[1] == other[1] and one[0] != other[0] and other[2] < 100 and one[2] >= 0.95 * other[2])
    }
    assert set(telling(counted(*narrow), counted(*wide), LIMITS)) == wanted


OLDER, SICK = {"umur": 0b110}, {"umur": 0b111, "sakit": 0b10}


@pytest.mark.parametrize(
    ("narrow", "wide", "seen"),
    [
        ({"umur": 0b011, "sakit": 0b10}, SICK, True),  # nobody of the oldest is ill: whoever they are
        ({"umur": 0b011}, {"sakit": 0b10}, None),  # not one inside the other
        ({"umur": 0b010}, OLDER, False),  # nobody is that old
        ({"umur": 0b010, "sakit": 0b10}, OLDER, True),  # nor well
        ({"umur": 0b011}, {}, False),
        (SICK, SICK, False),
    ],
)
def test_that_nobody_is_between_two_counts_tells_of_a_group(narrow, wide, seen):
    found = list(telling(counted((narrow, NATION, 400)), counted((wide, NATION, 400)), LIMITS))
    assert bool(found) == bool(seen)
    assert not list(telling(counted((narrow, NATION, 400)), counted((wide, NATION, 400)), replace(LIMITS, under=0)))
