"""The dictionary of a package tells each value that its reader can meet, and no other."""

import csv
import io
import json
from dataclasses import replace

import pytest
from tests.registry.orders import CATALOGUE, DAY, a_plan
from tests.registry.small import small_release

from bagipakai.core.disclosure import Grain
from bagipakai.core.manifest import DeliveredColumn
from bagipakai.core.plan import Asked, Unit
from bagipakai.registry.dictionary import coarser, dictionary, metadata

ASKED = (
    Asked("status_perkawinan", "x", "PERNAH-KAWIN"),
    Asked("umur", "x", "TAHAP-HIDUP"),
    Asked("jenis_kelamin", "x"),
    Asked("desil", "x"),
)
PLAN = replace(a_plan("L2", Unit.INDIVIDU), variables=ASKED)


def columns(*names: str) -> tuple[DeliveredColumn, ...]:
    return tuple(DeliveredColumn(name, CATALOGUE[name].type.value, CATALOGUE[name].sensitivity.value) for name in names)


def meanings(plan, grains=None) -> dict[str, str]:
    """By column, its codes in words."""
    told = dictionary(columns(*plan.columns), CATALOGUE, {}, coarser(plan, DAY) if grains is None else grains)
    return {line["kolom"]: line["arti_kode"] for line in csv.DictReader(io.StringIO(told.decode("utf-8")))}


def test_a_code_that_is_told_for_several_is_said_to_be_all_of_them():
    assert meanings(PLAN)["status_perkawinan"] == "1 = Belum kawin; 2 = Kawin, Cerai hidup, atau Cerai mati"


def test_a_band_is_told_with_its_end():
    assert meanings(PLAN)["umur"] == "0 = 0–19; 20 = 20–59; 60 = 60 ke atas"
    family = replace(a_plan("L2", Unit.KELUARGA), variables=(Asked("jumlah_anggota_keluarga", "x", "KELOMPOK"),))
    assert meanings(family)["jumlah_anggota_keluarga"].endswith("2 = 2–3; 4 = 4–5; 6 = 6 ke atas")


def test_what_is_told_as_it_is_has_its_own_codes():
    told = meanings(PLAN)
    assert told["jenis_kelamin"] == meanings(PLAN, {})["jenis_kelamin"] and "1 = " in told["jenis_kelamin"]
    assert told["desil"] == "" and "3 = Cerai hidup" in meanings(PLAN, {})["status_perkawinan"]


def test_a_value_below_the_first_band_is_said_to_be_in_it():
    grain = Grain("X", "umur", "x", "x", 10, (18, 19, 60), {})
    assert meanings(PLAN, {"umur": grain})["umur"] == "18 = sampai 18; 19 = 19–59; 60 = 60 ke atas"


def test_a_code_of_no_group_cannot_occur():
    grain = Grain("X", "status_perkawinan", "x", "x", 10, (), {"1": "1", "3": "4"})
    assert meanings(PLAN, {"status_perkawinan": grain})["status_perkawinan"] == "1 = Belum kawin; 4 = Cerai hidup"


@pytest.mark.parametrize(("variable", "ways"), Grain.on(DAY).items())
def test_every_way_of_the_policy_is_explained(variable, ways):
    for way in ways:
        plan = replace(PLAN, variables=(Asked(variable, "x", way.code),))
        told = dict(one.split(" = ") for one in meanings(plan)[variable].split("; "))
        assert list(told) == list(map(str, way.starts)) or set(told) == set(way.groups.values())
        assert all(told.values())


def test_the_metadata_tells_programs_the_same(tmp_path):
    release, _ = small_release(tmp_path, families=30, seed=1)
    told = metadata(PLAN, columns(*PLAN.columns), release, {}, coarser(PLAN, DAY))
    about = {one["name"]: one for one in json.loads(told)["variabel"]}
    assert about["status_perkawinan"]["codes"]["values"] == [
        {"code": "1", "label": "Belum kawin", "english": "Never married", "members": ["1"]},
        {
            "code": "2",
            "label": "Kawin, Cerai hidup, atau Cerai mati",
            "english": "Married, Divorced, or Widowed",
            "members": ["2", "3", "4"],
        },
    ]
    assert about["umur"]["bands"][-1] == {"start": 60, "label": "60 ke atas", "english": "60 and over"}
    assert about["jenis_kelamin"] == CATALOGUE["jenis_kelamin"].to_json() and "bands" not in about["desil"]
