"""Persons of an index are compared as their features are, though their names are opened only where that is asked."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bagipakai.registry.matching import model
from bagipakai.registry.matching.comparisons import COMPARISONS, NAME
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.index import Index, build
from bagipakai.registry.matching.levels import Side, levels, possible_homes, possible_names
from bagipakai.registry.matching.scoring import Scorer
from bagipakai.registry.synthesis.lists import a_list, registry
from bagipakai.registry.vault import ShelfKey

DAY = date(2026, 11, 26)
PEOPLE, ROWS = 400, 130
SHARED = {"desa": 1e-4, "kec": 1e-3, "kab": 1e-2}


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Rows of a damaged list, the features of everybody, their index, and every pair."""
    people = registry(PEOPLE, 5)
    told = features(people)
    folder, key = tmp_path_factory.mktemp("index") / "made", ShelfKey.new("index/test")
    build([told], folder, key, {"file": "drawn"})
    given = a_list(people, ROWS, 6, "dirty")[0]
    names = {"nama": given["nama_ibu"], "nama_ibu": given["nama"]}  # in each other's column
    exchanged = pa.table({name: names.get(name, given[name]) for name in given.column_names})
    rows = features(pa.concat_tables([given, exchanged]), DAY)
    rows = rows.filter(pc.is_valid(rows["name"]))
    return rows, told, Index.open(folder, key), np.divmod(np.arange(len(rows) * PEOPLE), PEOPLE)


def test_they_are_compared_as_their_features_are(sides):
    """Asked for some pairs first, then for all: what was opened before is not opened again, nor taken for another's."""
    rows, told, index, (row, person) = sides
    expected, persons = levels(Side(rows), Side(told), row, person), index.persons(np.arange(PEOPLE))
    some = np.random.default_rng(7).permutation(len(row))[:3_000]
    first, then = (levels(Side(rows), persons, row[at], person[at]) for at in (some, np.arange(len(row))))
    for one in COMPARISONS:
        assert (first[one.name] == expected[one.name][some]).all(), one.name
        assert (then[one.name] == expected[one.name]).all(), one.name
    with pytest.raises(IndexError):
        index.persons(np.array([PEOPLE]))


def test_the_level_is_one_of_those_that_were_possible(sides):
    rows, told, _, (row, person) = sides
    found = levels(Side(rows), Side(told), row, person)
    which, sets = possible_names(Side(rows), Side(told), row, person)
    for at, levels_ in enumerate(sets):
        assert np.isin(found[NAME.name][which == at], levels_).all(), levels_
    assert set(which.tolist()) == set(range(1, len(sets))), "here everybody has a name"
    homes = possible_homes(Side(rows), Side(told), row, person)
    assert np.any([one == found["rumah"] for one in homes], axis=0).all()


def test_no_score_exceeds_what_was_said_before_names_were_opened(sides):
    rows, _, index, (row, person) = sides
    weights = model.opened()
    assert isinstance(weights, model.Model)
    scorer = Scorer(weights, PEOPLE, 0.9, SHARED, index.frequencies)
    scorer.compare(rows)
    said = []

    def stay(pairs, most):
        said.append(most)
        return np.ones(len(pairs), dtype=bool)

    pairs = pa.table({"list_row": row, "ordinal": person, "person": person})
    score = scorer.scored(index.persons(np.arange(PEOPLE)), pairs, stay)["score"].to_numpy()
    before, after = said
    assert (score <= after + 1e-9).all() and (after <= before + 1e-9).all()
    assert (before < -7).mean() > 0.3, "and most who are far from an answer are told apart by it"


def test_pairs_that_do_not_stay_do_not_come_back(sides):
    rows, _, index, (row, person) = sides
    weights = model.opened()
    assert isinstance(weights, model.Model)
    scorer = Scorer(weights, PEOPLE, 0.9, SHARED, index.frequencies)
    scorer.compare(rows)
    pairs = pa.table({"list_row": row, "ordinal": person, "person": person})
    all_of_them = scorer.scored(index.persons(np.arange(PEOPLE)), pairs)
    some = scorer.scored(index.persons(np.arange(PEOPLE)), pairs, lambda _, most: most >= -7)
    kept = np.isin(row * PEOPLE + person, some["list_row"].to_numpy() * PEOPLE + some["ordinal"].to_numpy())
    assert some.equals(all_of_them.filter(pa.array(kept))) and 0 < len(some) < len(row) / 2
    assert (all_of_them["score"].to_numpy()[~kept] < -7).all()
