"""A list is matched row for row: whoever is certain at once, the others by their evidence, and each answer says why."""

import json
import math
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bagipakai.registry.matching import index, model
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.model import EVIDENCE
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.results import REASONS, TWICE, result
from bagipakai.registry.synthesis.lists import a_list, registry
from bagipakai.registry.vault import ShelfKey

DAY = date(2026, 11, 26)
POLICY = Decision.on(DAY)
PEOPLE = 60_000
GOLDEN = Path(__file__).with_name("golden.json")


@pytest.fixture(scope="module")
def people():
    return registry(PEOPLE, 11)


@pytest.fixture(scope="module")
def matching(people, tmp_path_factory):
    folder, key = tmp_path_factory.mktemp("index") / "made", ShelfKey.new("index/test")
    index.build([features(people).append_column("registry_id", people["registry_id"])], folder, key, {"file": "drawn"})
    weights = model.opened()
    assert isinstance(weights, model.Model)
    return Matching(index.Index.open(folder, key), weights, POLICY)


@pytest.fixture(scope="module")
def typical(people, matching):
    given, truth = a_list(people, 20_000, 12, "typical")
    return given, truth, matching.of(features(given, DAY))


def f1(found, truth, bands=("match", "review")):
    given = [
        one if band in bands else None
        for one, band in zip(*(found[n].to_pylist() for n in ("registry_id", "band")), strict=True)
    ]
    told = truth["registry_id"].to_pylist()
    right = sum(one is not None and one == other for one, other in zip(given, told, strict=True))
    precision = right / sum(one is not None for one in given)
    recall = right / sum(one is not None for one in told)
    return 2 * precision * recall / (precision + recall), precision, recall


def test_every_row_has_one_answer_and_its_evidence_sums_to_the_score(typical):
    given, _, found = typical
    assert len(found) == len(given)
    there = found.filter(pa.compute.is_valid(found["score"]))
    total = there["prior"].to_numpy() + sum(there[name].to_numpy() for name in EVIDENCE)
    assert np.abs(total - there["score"].to_numpy()).max() < 1e-6
    assert set(found["reason"].to_pylist()) <= set(REASONS)
    assert all(
        (one is None) == (band == "none" or reason == "KUNCI_TERLALU_UMUM")
        for one, band, reason in zip(*(found[n].to_pylist() for n in ("registry_id", "band", "reason")), strict=True)
    )


def test_the_same_list_gives_the_same_answer_row_for_row(matching, typical):
    given, _, found = typical
    some = given.slice(0, 3_000)
    once, again = (matching.of(features(some, DAY)) for _ in range(2))
    assert once.equals(again)
    assert once["registry_id"].to_pylist() == found["registry_id"].to_pylist()[:3_000]


def test_who_is_matched_without_a_clerk_is_that_person(typical):
    _, truth, found = typical
    _, precision, recall = f1(found, truth, bands=("match",))
    assert precision >= 0.9993 and recall >= 0.995
    assert Counter(found["band"].to_pylist())["review"] <= 0.01 * len(found)


@pytest.mark.parametrize("kind", ["typical", "no_nik", "dirty"])
def test_no_accuracy_is_lost(people, matching, kind):
    """F1 of the golden lists; a change that loses more than .0003 of one of them fails."""
    given, truth = a_list(people, 20_000, 12, kind)
    found = matching.of(features(given, DAY))
    assert f1(found, truth)[0] >= json.loads(GOLDEN.read_text())[kind] - 0.0003


@pytest.mark.parametrize("kind", ["typical", "dirty"])
def test_what_is_not_looked_at_would_change_no_answer(people, matching, kind):
    """Whoever is clear is not looked for by wider keys, and whoever is hopeless is not looked at: with both, all rows
    have the bands, persons and reasons that they have without."""
    given = features(a_list(people, 4_000, 13, kind)[0], DAY)
    everybody = replace(matching, policy=replace(POLICY, clear=math.inf, hopeless=-math.inf))
    few, all_of_them = matching.of(given), everybody.of(given)
    for name in ("band", "registry_id", "reason", "stage", "duplicate_of"):
        assert few[name].equals(all_of_them[name]), name
    assert pc.sum(few["candidates"]).as_py() < pc.sum(all_of_them["candidates"]).as_py()


def test_rows_of_one_person_are_told(typical):
    """Of rows whose person is known: 99 of 100 that are told repeat somebody, and 98 of 100 that repeat are told."""
    _, truth, found = typical
    told = truth["registry_id"].to_pylist()
    first = {}
    twice = {at for at, one in enumerate(told) if one is not None and first.setdefault(one, at) != at}
    said = {at for at, one in enumerate(found["duplicate_of"].to_pylist()) if one is not None and told[at] is not None}
    assert len(said & twice) >= 0.99 * len(said) and len(said & twice) >= 0.98 * len(twice)


def test_one_person_stays_with_one_row_and_nobody_is_pushed_to_a_second(typical):
    given, _, found = typical
    free, bound = result(given["list_id"], found), result(given["list_id"], found, one_to_one=True)
    ids = [one for one in bound["registry_id"].to_pylist() if one is not None]
    assert len(ids) == len(set(ids))
    for before, after in zip(free["registry_id"].to_pylist(), bound["registry_id"].to_pylist(), strict=True):
        assert after in (before, None)
    assert set(ids) == {one for one in free["registry_id"].to_pylist() if one is not None}
    assert TWICE in bound["reason"].to_pylist()


def rows(**columns):
    return features(pa.table(columns), DAY)


def test_twenty_thousand_rows_of_one_number_are_one_person_and_no_trouble(matching, people):
    one = people.slice(5, 1).to_pylist()[0]
    found = matching.of(
        rows(nik=[one["nik"]] * 20_000, nama=[one["nama"]] * 20_000, tanggal_lahir=[str(one["tanggal_lahir"])] * 20_000)
    )
    assert set(found["registry_id"].to_pylist()) == {one["registry_id"]}
    assert found["duplicate_of"].to_pylist() == [None] + [0] * 19_999


def test_the_number_of_somebody_else_is_no_match(matching, people):
    other = people.slice(7, 1).to_pylist()[0]
    found = matching.of(
        rows(nik=[other["nik"]], nama=["ZULKARNAEN QOMARUDDIN"], tanggal_lahir=["1931-02-03"], jenis_kelamin=["L"])
    )
    assert found["band"].to_pylist() == ["none"] and found["reason"].to_pylist() == ["NIK_MILIK_ORANG_LAIN"]
    assert found["registry_id"].to_pylist() == [None]


@pytest.mark.parametrize("number", ["0000000000000000", "1234567890123456", "9999999999999999", "", "3.2E+15"])
def test_a_number_that_stands_for_none_matches_nobody(matching, number):
    found = matching.of(rows(nik=[number], nama=["X Y"]))
    assert found["registry_id"].to_pylist() == [None]


def test_an_empty_list_has_an_empty_answer(matching):
    assert len(matching.of(rows(nik=pa.array([], pa.string()), nama=pa.array([], pa.string())))) == 0


def test_ten_thousand_born_on_new_years_day_in_one_district_are_no_trouble(matching):
    n = 10_000
    found = matching.of(
        rows(
            nama=[f"SITI {'ABCDEFGHIJ'[at % 10]}" for at in range(n)],
            tanggal_lahir=["1960-01-01"] * n,
            kode_kec=["320101"] * n,
        )
    )
    assert len(found) == n
