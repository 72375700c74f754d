"""Pairs for clerks: all that was left open and a sample of what was answered, both sides laid out alike."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bagipakai.registry import reviews
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import index, model
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.labels import BY_A_CLERK, LEVELS, quality, said
from bagipakai.registry.matching.pairs import BY, Draw, Sample, answered_by, prepared
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.synthesis.lists import a_list, registry
from bagipakai.registry.vault import ShelfKey

DAY = date(2026, 11, 26)
DRAW = Draw(share=100, least=5, most=60)
SAMPLE = Sample(DRAW, DRAW)
ASKED = "model/since"


@pytest.fixture(scope="module")
def people():
    return registry(8_000, 31)


def persons_of_table(people):
    """The persons of a registry, by `registry_id`."""
    ids = people["registry_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    return lambda wanted: people.take(pa.array(order[np.searchsorted(ids[order], wanted)]))


@pytest.fixture(scope="module")
def matched(people, tmp_path_factory):
    """A dirty list, what it says truly, and what was found."""
    folder, key = tmp_path_factory.mktemp("index") / "made", ShelfKey.new("index/test")
    index.build([features(people).append_column("registry_id", people["registry_id"])], folder, key, {"file": "drawn"})
    given, truth = a_list(people, 1_500, 32, "dirty")
    matching = Matching(index.Index.open(folder, key), model.opened(), Decision.on(DAY))
    return given, truth, matching.of(features(given, DAY))


@pytest.fixture(scope="module")
def pairs(people, matched):
    given, _, found = matched
    return prepared(given, found, persons_of_table(people), SAMPLE, DAY, ASKED, seed=1)


def test_everything_left_open_is_judged_and_a_sample_of_what_was_answered(matched, pairs):
    _, _, found = matched
    left_open = pc.and_(pc.equal(found["band"], "review"), pc.is_valid(found["registry_id"])).to_pylist()
    rows = pairs["row"].to_pylist()
    assert rows == sorted(set(rows)) and {at for at, one in enumerate(left_open) if one} <= set(rows)
    sampled = pairs.filter(pc.equal(pairs["band"], "match"))
    assert len(sampled) in (60, 61) and set(pairs["band"].to_pylist()) == {"match", "review", "none"}
    matches = found.filter(pc.equal(found["band"], "match"))
    assert pc.sum(sampled["weight"]).as_py() == pytest.approx(len(matches))
    assert set(sampled["stage"].to_pylist()) == set(matches["stage"].to_pylist())
    assert set(LEVELS) <= set(pairs.column_names)
    assert set(pairs[BY].to_pylist()) == {ASKED}


def test_an_answer_of_clerks_is_not_in_the_sample_of_what_was_answered_without_them(people, matched):
    """A list is answered anew with what they said (labels.settled); they are not asked to judge themselves."""
    given, _, found = matched
    review = pc.and_(pc.equal(found["band"], "review"), pc.is_valid(found["registry_id"]))
    for name, value in (("band", "match"), ("reason", BY_A_CLERK)):
        place = found.column_names.index(name)
        found = found.set_column(place, name, pc.if_else(review, value, found[name]))
    every = Draw(share=1000, least=0, most=10_000)
    pairs = prepared(given, found, persons_of_table(people), Sample(every, every), DAY, ASKED, seed=1)
    theirs = np.flatnonzero(review.to_numpy())
    assert len(theirs) and len(pairs) > len(theirs) and not set(theirs) & set(pairs["row"].to_pylist())


def test_who_was_answered_with_nobody_is_judged_beside_the_candidate_that_was_not_good_enough(matched, pairs):
    """A sample of those who had one; it stands for all of them."""
    _, _, found = matched
    had_one = found.filter(pc.and_(pc.equal(found["band"], "none"), pc.is_valid(found["nearest"])))
    sampled = pairs.filter(pc.equal(pairs["band"], "none"))
    assert len(had_one) > len(sampled) == DRAW.of(len(had_one)) > 5
    assert pc.sum(sampled["weight"]).as_py() == pytest.approx(len(had_one))
    assert sampled["ordinal"].to_pylist() == found["nearest"].take(sampled["row"]).to_pylist()
    consider = Decision.on(DAY).consider
    assert pc.max(sampled["probability"]).as_py() < consider and sampled["level_nama"].null_count == 0
    assert found["registry_id"].take(sampled["row"]).null_count == len(sampled)


def test_whom_matching_missed_is_estimated_from_the_sample(people, matched):
    """Pairs that are one person after all, each for as many as it stands: on average as many as there are."""
    given, truth, found = matched
    missed = pc.sum(pc.equal(found["nearest"], truth["registry_id"])).as_py()
    half = Sample(DRAW, Draw(500, 0, 10**6))
    estimates = []
    for seed in range(30):
        pairs = prepared(given, found, persons_of_table(people), half, DAY, ASKED, seed)
        nobody = pairs.filter(pc.equal(pairs["band"], "none"))
        same = pc.equal(truth["registry_id"].take(nobody["row"]), nobody["ordinal"]).fill_null(False)
        estimates.append(pc.sum(nobody["weight"].filter(same)).as_py() or 0)
    assert missed > 5 and sum(estimates) / len(estimates) == pytest.approx(missed, rel=0.15)


def test_a_sample_is_bounded():
    assert [Draw(20, 20, 500).of(rows) for rows in (0, 5, 100, 5_000, 1_000_000)] == [0, 5, 20, 100, 500]


def test_nobody_was_sampled_before_the_rule_that_says_so():
    assert Sample.on(date(2026, 11, 26)) == Sample(Draw(20, 20, 500), Draw(0, 0, 0))
    assert Sample.on(date(2026, 11, 27)) == Sample(Draw(20, 20, 500), Draw(20, 20, 500))


def test_what_a_list_is_answered_by_names_the_model_and_its_thresholds():
    weights = model.opened()
    assert answered_by(weights, DAY) == f"{weights.digest}/2026-01-01"


def test_both_sides_are_laid_out_alike(people, pairs):
    """Of those who are one person and whose row is undamaged there, both say the same, letter for letter."""
    rows = pairs.to_pylist()
    dates = [(one["daftar_tanggal_lahir"], one["registri_tanggal_lahir"]) for one in rows]
    assert sum(one == other for one, other in dates) > len(rows) / 3
    assert all(other is None or date(int(other[6:]), int(other[3:5]), int(other[:2])) for _, other in dates)
    assert {one["registri_jenis_kelamin"] for one in rows} <= {"L", "P", None}
    assert any(
        one["daftar_wilayah"] == one["registri_wilayah"] and one["daftar_wilayah"].count(",") == 2 for one in rows
    )
    name = dict(zip(people["registry_id"].to_pylist(), people["nama"].to_pylist(), strict=True))
    assert all(one["registri_nama"] == name[one["ordinal"]] for one in rows)


def test_a_list_of_few_columns_and_one_of_which_nothing_is_to_be_judged(people, matched):
    given, _, found = matched
    bare = prepared(given.select(["list_id", "nama"]), found, persons_of_table(people), SAMPLE, DAY, ASKED, seed=1)
    assert set(bare["daftar_nik"].to_pylist()) == {None} == set(bare["daftar_wilayah"].to_pylist())
    none = prepared(given.slice(0, 0), found.slice(0, 0), persons_of_table(people), SAMPLE, DAY, ASKED)
    assert len(none) == 0 and none.schema.names == bare.schema.names


def test_from_matching_to_labels(matched, pairs, tmp_path):
    """A clerk who knows the truth judges; the row that is somebody is decided so, and the figures are the truth's."""
    _, truth, found = matched
    storage, folder = StorageKey(b"k" * 32), tmp_path / "reviews"
    assert reviews.keep(folder, storage, "PES-1", pairs) == len(pairs)
    kept = reviews.kept(folder, storage, "PES-1")
    true = truth["registry_id"].to_pylist()
    verdicts = ["YES" if true[one["row"]] == one["ordinal"] else "NO" for one in kept.to_pylist()]
    labelled = (
        kept.append_column("twice", pa.array([False] * len(kept)))
        .append_column("verdicts", pa.array([[one] for one in verdicts], pa.list_(pa.string())))
        .append_column("verdict", pa.array(verdicts))
    )
    told = quality(said([labelled]))
    assert told.matched.share > 0.97 and 0.1 < told.left_open.share < told.matched.share
    assert told.left_open.decided == len(found.filter(pc.equal(found["band"], "review")))
