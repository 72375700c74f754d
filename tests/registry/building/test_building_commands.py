"""`bagipakai registry build`, `held` and `lineage`: from sets that lie sealed to a data set, and what is said of it."""

import json
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.factories_registry import STORAGE
from tests.registry.building.nation import SENT, Built, a_nation, handed, household, kept, person, said
from tests.registry.building.test_building import AGUS, BUDI, CARD, DEWI, OTHER, few_regencies
from tests.registry.orders import a_house

from bagipakai import cli
from bagipakai.registry import keys
from bagipakai.registry.building.held import Held
from bagipakai.registry.matching.identities import Identities, texts
from bagipakai.registry.rewrapping import Rewrapped, rewrap
from bagipakai.registry.vault import ShelfKey

__all__ = ["few_regencies"]
BORN = person("MUHAMMAD YUSUF", date(2027, 1, 2))


@pytest.fixture
def house(tmp_path, monkeypatch, few_regencies):
    """A house with a release, the register's newest set and an older one that nobody may build from any more."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    house = a_house(tmp_path / "var")
    a_nation(house.var, household(CARD, BUDI, DEWI), household(OTHER, AGUS), seal=house.keys.seal)
    kept(house, "dukcapil", said(BUDI, CARD, tempat_lahir="LAMA"), version=1, day=date(2026, 12, 1))
    rows = said(BUDI, CARD, tempat_lahir="BARU"), said(BORN, CARD, hubungan_kepala_keluarga="3")
    kept(house, "dukcapil", *rows, version=2)
    return house


def registry(*words):
    return cli.main(["registry", *map(str, words)])


def built(house, *more):
    return registry("build", "--previous", "2026.3.0", "--day", "2027-02-26", *more)


def test_the_newest_sets_that_are_kept_are_built_from(house, capsys):
    assert built(house) == 0
    out, err = capsys.readouterr()
    folder = house.var / "registry" / "builds" / "2027-02-26"
    assert "dukcapil 2 (2027-01-15): 2 baris, 1 padan, 0 perlu telaah, 1 tidak padan" in out
    assert "1 calon orang baru, untuk usulan" in out and "Tempat lahir (urutan sumber): dukcapil 1" in out
    for one in (BUDI, DEWI, AGUS, BORN):
        assert one["nik"] not in out + err and one["nama"] not in out + err
    rows = pq.read_table(folder / "data" / "individu" / "kode_prov=32" / "kode_kab=3201", partitioning=None)
    assert rows["tempat_lahir"].to_pylist() == ["BARU", None, None]
    assert built(house) == 1 and "[dataset-exists]" in capsys.readouterr().err


def test_a_list_is_opened_for_its_clerk_alone(house, capsys, tmp_path):
    assert built(house) == 0
    folder = house.var / "registry" / "builds" / "2027-02-26"
    capsys.readouterr()
    assert registry("held", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"list": "usulan", "source": "dukcapil", "rows": 1}]
    assert registry("held", folder, "--list", "usulan", "--source", "dukcapil", "--out", tmp_path / "u.parquet") == 0
    assert pq.read_table(tmp_path / "u.parquet")["nama"].to_pylist() == ["MUHAMMAD YUSUF"]
    assert (tmp_path / "u.parquet").stat().st_mode & 0o077 == 0
    assert registry("held", folder, "--list", "telaah", "--out", tmp_path / "t.parquet") == 1
    file = next((folder / "lists").glob("usulan-*"))
    file.write_bytes(file.read_bytes()[:-1])
    assert registry("held", folder) == 1 and "[release-file-shortened]" in capsys.readouterr().err


def test_a_new_storage_key_opens_what_a_build_held(house):
    assert built(house) == 0
    assert isinstance(rewrap(house.var, [house.var / "releases"]), Rewrapped)
    folder = house.var / "registry" / "builds" / "2027-02-26" / "lists"
    assert Held.open(folder, keys.storage(house.var / "keys")).lists == {("usulan", "dukcapil"): 1}


def test_where_the_values_of_one_person_come_from_and_nobody_elses(house, capsys):
    assert built(house) == 0
    report = json.loads((house.var / "registry" / "builds" / "2027-02-26" / "report.json").read_bytes())
    Built(house.var / "registry" / "builds" / "2027-02-26", report).published(house.var, house.keys.seal)
    capsys.readouterr()
    assert registry("lineage", "--release", "2027.1.0", "--place", 0, "--json") == 0
    told = {one["variable"]: one for one in json.loads(capsys.readouterr().out)}
    assert (told["tempat_lahir"]["source"], told["tempat_lahir"]["set"]) == ("dukcapil", "2")
    assert told["tempat_lahir"]["day"] == SENT.isoformat() and told["jenis_lantai"]["set"] == ""
    assert not told["bekerja"]["known"] and "BARU" not in json.dumps(told)
    assert registry("lineage", "--release", "2027.1.0", "--place", 3) == 1
    assert "[lineage-of-nobody]" in capsys.readouterr().err
    assert registry("carry", "--from", "2026.3.0", "--to", "2027.1.0") == 0
    assert registry("lineage", "--release", "2027.1.0", "--person", identity(house, 0), "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == list(told.values())
    for nobody in ("00" * 16, "00" * 3, "x"):
        assert registry("lineage", "--release", "2027.1.0", "--person", nobody) == 1


def identity(house, place):
    folder = house.var / "identities" / "2027.1.0"
    key = ShelfKey.unwrapped(folder, "identities/2027.1.0", STORAGE)
    return texts(Identities.open(folder, key).ids(np.array([place])))[0].as_py()


def test_a_day_before_every_set_builds_nothing(house, capsys):
    assert registry("build", "--previous", "2026.3.0", "--day", "2026-11-27") == 1
    assert "[building-nothing-handed-in]" in capsys.readouterr().err
    assert built(house, "--set", house.var) == 1 and "[building-set-unreadable]" in capsys.readouterr().err
    assert handed("dukcapil").rows == 0
