"""A pair's score is the sum of its evidence; Splink and a naive reading of the levels find the same."""

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.registry.matching.rows import persons, some_rows

from bagipakai.registry.matching.comparisons import COMPARISONS, PLACES, SIDE, TRAINED
from bagipakai.registry.matching.levels import Side
from bagipakai.registry.matching.model import EVIDENCE, FAMILY, KERABAT, KIN, RAREST, Model
from bagipakai.registry.matching.scoring import Scorer, shared

PEOPLE = 400
SHARED = {"desa": 1e-5, "kec": 1e-4, "kab": 1e-3}


def chances(dice) -> dict[str, dict[str, float]]:
    return {
        one.name: {level.name: float(dice.uniform(0.0001, 0.9)) for level in one.levels if not level.missing}
        for one in TRAINED
    }


@pytest.fixture
def model() -> Model:
    dice = np.random.default_rng(5)
    return Model(
        "uji",
        "",
        same=chances(dice),
        stranger=chances(dice),
        relative={kin: chances(dice) for kin in KIN},
        relatives={kin: float(dice.uniform(0.5, 3)) for kin in FAMILY},
        shared=SHARED,
        report={},
    )


def drawn(rows: int = 120, pairs: int = 10_000) -> tuple[pa.Table, pa.Table, pa.Table]:
    there = persons(PEOPLE, seed=1)
    here = some_rows(there, rows, seed=2)
    dice = np.random.default_rng(3)
    met = np.unique(dice.integers(0, rows * PEOPLE, pairs))
    row, person = met // PEOPLE, met % PEOPLE
    return here, there, pa.table({"list_row": row, "ordinal": person, "person": person})


def scored(model, here, there, pairs, met=SHARED):
    scorer = Scorer(model, PEOPLE, 0.9, met, borne(there))
    scorer.compare(here)
    return scorer.prior, scorer.scored(Side(there), pairs)


def borne(there):
    """How many bear these names, as an index tells it."""
    return lambda names: np.array([there["name"].to_pylist().count(name) for name in names.to_pylist()], np.int32)


def test_every_score_is_the_prior_and_its_evidence(model):
    here, there, pairs = drawn()
    prior, found = scored(model, here, there, pairs)
    total = prior + sum(found[name].to_numpy() for name in EVIDENCE)
    assert np.abs(total - found["score"].to_numpy()).max() < 1e-9
    assert found.num_rows == pairs.num_rows


def test_each_weight_is_that_of_the_first_level_that_holds(model):
    """Condition by condition, one pair at a time, in Python's own arithmetic."""
    here, there, pairs = drawn(pairs=60)
    met = {"desa": 2e-5, "kec": 3e-4, "kab": 1e-3}
    found = {(one["list_row"], one["ordinal"]): one for one in scored(model, here, there, pairs, met)[1].to_pylist()}
    with duckdb.connect() as con:
        sides = [con.sql(SIDE.format(rows="table_")).to_arrow_table().to_pylist() for table_ in (here, there)]
        for pair in pairs.to_pylist():
            left, right = sides[0][pair["list_row"]], sides[1][pair["person"]]
            con.register("pair", pa.Table.from_pylist([_side_by_side(left, right)], _schema(here, there)))
            level = {one.name: _level(con, one) for one in COMPARISONS}
            told = found[pair["list_row"], pair["ordinal"]]
            expected = _bits(level, right["name_frequency"], model, met)
            assert {name: told[name] for name in EVIDENCE} == pytest.approx(expected, abs=1e-9)


def _side_by_side(left, right):
    return {f"{name}_l": value for name, value in left.items()} | {f"{name}_r": value for name, value in right.items()}


def _schema(here, there):
    with duckdb.connect() as con:
        schemas = [con.sql(SIDE.format(rows="table_")).to_arrow_table().schema for table_ in (here, there)]
    return pa.schema(
        [one.with_name(f"{one.name}_{side}") for side, of in zip("lr", schemas, strict=True) for one in of]
    )


def _level(con, comparison):
    for level in comparison.levels:
        if level.condition == "ELSE" or con.execute(f"SELECT {level.condition} FROM pair").fetchall()[0][0]:
            return level
    raise AssertionError(comparison.name)


def _bits(level, bearers, model, met):
    def ratio(chances, one):
        if level[one].missing:
            return 0.0
        u = model.stranger[one][level[one].name]
        if level[one].by_name:
            u = max(bearers / PEOPLE, RAREST)
        elif one == "rumah" and (place := PLACES.get(level[one].name)):
            u = min(u * met[place] / SHARED[place], 1.0)
        return math.log2(chances[one][level[one].name] / u)

    def dated(chances, nik):
        name = f"{level['lahir'].name}/{nik}"
        if name == "missing/missing":
            return 0.0
        return math.log2(chances["lahir_nik"][name] / model.stranger["lahir_nik"][name])

    told = {f"bits_{one}": ratio(model.same, one) for one in ("nama", "rumah", "jenis_kelamin")}
    told["bits_lahir"] = dated(model.same, "missing")
    told["bits_nik"] = dated(model.same, level["nik"].name) - told["bits_lahir"]
    others = 1.0
    for kin in KIN:
        share = model.relatives[kin] / PEOPLE if kin in FAMILY else met["kec"]
        of = model.relative[kin]
        parts = [dated(of, level["nik"].name), *(ratio(of, one) for one in ("nama", "rumah", "jenis_kelamin"))]
        others += share * 2 ** sum(parts)
    told[KERABAT] = -math.log2(others)
    return told


def test_splink_scores_the_same(model):
    """More than ten thousand pairs, by Splink itself; it knows of no relatives, so these are left out."""
    from splink import DuckDBAPI, Linker

    from bagipakai.registry.matching.training import settings

    here, there, _ = drawn()
    with duckdb.connect() as con:
        for name, table in (("here", here), ("there", there)):
            con.register("given", table.append_column("unique_id", pa.array(np.arange(table.num_rows))))
            con.execute(f"CREATE TABLE {name} AS {SIDE.format(rows='given')}")
        con.execute(
            f"CREATE TABLE borne AS SELECT name, max(name_frequency) / {PEOPLE} AS tf_name FROM there GROUP BY name"
        )
        api = DuckDBAPI(connection=con)
        sides = [api.register(name, dataset_display_name=name) for name in ("here", "there")]
        told = settings(model) | {
            "probability_two_random_records_match": 1 / (1 + PEOPLE / 9),
            "blocking_rules_to_generate_predictions": ["l.sex = r.sex", "l.kab = r.kab"],
        }
        linker = Linker(sides, told)
        linker.table_management.register_term_frequency_lookup(api.register("borne"), "name")
        splinks = linker.inference.predict().as_pyarrow_table().to_pylist()
    assert len(splinks) > 10_000
    pairs = {
        name: [one[f"unique_id_{side}"] for one in splinks] for name, side in (("list_row", "l"), ("ordinal", "r"))
    }
    ours = scored(model, here, there, pa.table(pairs | {"person": pairs["ordinal"]}))[1].to_pylist()
    found = {(one["list_row"], one["ordinal"]): one["score"] - one[KERABAT] for one in ours}
    for one in splinks:
        assert abs(one["match_weight"] - found[one["unique_id_l"], one["unique_id_r"]]) < 1e-6


def test_strangers_share_a_place_as_often_as_list_and_registry_say():
    rows = pa.table({"desa": [1, 1, None], "kec": [1, 2, 2], "kab": [9, 9, 9]})
    lived_in = {name: {1: 30, 2: 70} for name in ("desa", "kec", "kab")}
    assert shared(rows, lived_in) == pytest.approx({"desa": 0.3, "kec": (0.3 + 0.7 + 0.7) / 3, "kab": 0.0})


def test_a_list_that_tells_no_place_lives_as_the_registry_does():
    rows = pa.table({name: pa.array([None, None], pa.int64()) for name in ("desa", "kec", "kab")})
    lived_in = {name: {1: 30, 2: 70} for name in ("desa", "kec", "kab")}
    assert shared(rows, lived_in)["kec"] == pytest.approx((30 * 30 + 70 * 70) / 100**2)
