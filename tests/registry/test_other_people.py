"""The second source of people and lists: repeatable, of the promised shape, and reaching what it is meant to reach."""

from collections import Counter

import pyarrow.compute as pc
import pytest
from bench.other_people import HABITS, KINDS, a_list, registry


@pytest.fixture(scope="module")
def people():
    return registry(6_000, 5)


@pytest.fixture(scope="module")
def dirty(people):
    return a_list(people, 1_900, 6, "dirty")


def test_one_seed_one_registry_and_list(people, dirty):
    assert registry(6_000, 5).equals(people)
    assert all(one.equals(other) for one, other in zip(a_list(people, 1_900, 6, "dirty"), dirty, strict=True))
    assert not registry(6_000, 6).equals(people)
    assert not a_list(people, 1_900, 7, "dirty")[0].equals(dirty[0])


@pytest.mark.parametrize("dense", [False, True])
def test_people_are_numbered_once_and_live_in_families(dense):
    people = registry(3_000, 1, dense=dense)
    assert people.num_rows == 3_000
    for name in ("registry_id", "nik"):
        values = people[name].drop_null()
        assert len(values.unique()) == len(values), name
    assert pc.all(pc.match_substring_regex(people["nik"].drop_null(), "^[0-9]{16}$")).as_py()
    assert 2 < people.num_rows / len(people["no_kk"].unique()) < 6
    villages = len(people["kode_desa"].unique())
    assert villages < 10 if dense else villages > 100


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_has_its_rows_and_their_truth(people, kind):
    rows, truth = a_list(people, 900, 3, kind)
    assert rows.num_rows == truth.num_rows == 900
    assert rows["list_id"].equals(truth["list_id"].cast(rows["list_id"].type))
    assert ("nik" in rows.column_names) == (kind != "no_nik")
    assert 0.02 < truth["registry_id"].null_count / 900 < 0.15
    assert set(truth["registry_id"].drop_null().to_pylist()) <= set(people["registry_id"].to_pylist())


def test_every_fault_and_habit_is_reached(people, dirty):
    """Of the faults of cells all but the rarest; of the habits all that leave a mark."""
    from bench.other_people.dirt import _RATES

    seen = Counter(code for codes in dirty[1]["damage"].to_pylist() for code in codes)
    rare = {"mother.other", "name.other"}
    assert not {fault for fault in _RATES if fault not in rare and not seen[fault]}
    unmarked = {"slash_dates", "words_dates", "lower_names", "sex_words", "sex_numbers", "dotted_codes", "slipped"}
    for habit in set(HABITS) - unmarked:
        _, truth = a_list(people, 300, 4, "typical", (habit,))
        marks = Counter(code for codes in truth["damage"].to_pylist() for code in codes)
        assert habit in {"mac_dates", "serial_dates", "short_dates"} or marks[f"file.{habit}"] > 40, habit


def test_what_is_not_known_is_refused(people):
    for asked in ((10, 1, "clean"), (4_000, 1, "typical")):
        with pytest.raises(ValueError):
            a_list(people, *asked)
    with pytest.raises(ValueError):
        a_list(people, 10, 1, "typical", ("ink",))
    with pytest.raises(ValueError):
        registry(9, 1)
