"""The quarter after a synthetic one: a nation that can be published again, and differs as lives do."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.factories_registry import PUBLISHED_AT, STORAGE, small_release

from bagipakai.core.plan import Unit
from bagipakai.registry import publishing
from bagipakai.registry.comparing import difference
from bagipakai.registry.releases import Release
from bagipakai.registry.synthesis import following
from bagipakai.registry.synthesis.following import Quarter, follow
from bagipakai.registry.synthesis.persons import HEAD
from bagipakai.registry.tables import part

SOME = (22, 279, 180, 437, 181, 438)  # two pairs that change families with each other


def read(folder: Path, unit: Unit, kab: str) -> list[dict]:
    return pq.read_table(folder / part(unit, kab), partitioning=None).to_pylist()


@pytest.fixture(scope="module")
def later(release, tmp_path_factory):
    """Some regencies of the nation of these tests, a quarter later, and the quarter."""
    quarter = Quarter.after(release.folder.parent.parent / "data", 11)
    out = tmp_path_factory.mktemp("later")
    starts = [(0, 0)] * len(quarter.regencies)
    for number in SOME:
        following._write(quarter, number, out, starts)
    return quarter, out


def test_each_place_keeps_its_families_and_each_family_its_head(later):
    quarter, out = later
    head = list(quarter.catalogue["hubungan_kepala_keluarga"].codes)[HEAD]
    for number in SOME:
        kab = quarter.regencies[number]
        families, persons = read(out, Unit.KELUARGA, kab), read(out, Unit.INDIVIDU, kab)
        assert (len(families), len(persons)) == following._size(quarter, number)
        assert [one["kode_desa"] for one in families] == sorted(one["kode_desa"] for one in families)
        for family in families:
            mine = persons[family["first_ordinal"] : family["first_ordinal"] + family["member_count"]]
            assert {one["id_keluarga"] for one in mine} == {family["id_keluarga"]}
            assert family["jumlah_anggota_keluarga"] == family["member_count"] == len(mine)
            assert [one["hubungan_kepala_keluarga"] for one in mine].count(head) == 1
            assert mine[0]["nama"] == family["nama_kepala_keluarga"]
            for name in ("kode_desa", "nomor_kk", "desil"):
                assert {one[name] for one in mine} == {family[name]}


def test_families_come_from_the_partner_with_their_people_and_get_a_card(later, release):
    quarter, out = later
    here, there = (quarter.regencies[number] for number in SOME[:2])
    data = release.folder.parent.parent / "data"
    theirs = {one["nik"]: one for one in read(data, Unit.INDIVIDU, there) if one["nik"]}
    came = [one for one in read(out, Unit.INDIVIDU, here) if one["nik"] in theirs]
    assert came and all(one["kode_kab"] == here for one in came)
    assert all(one["nomor_kk"] != theirs[one["nik"]]["nomor_kk"] for one in came)
    assert all(one["tanggal_pemutakhiran"] == quarter.day and one["lineage"] == 0 for one in came)


def test_who_stays_grows_older_and_is_told_of_a_quarter_ago(later, release):
    quarter, out = later
    data = release.folder.parent.parent / "data"
    kabs = [quarter.regencies[number] for number in SOME]
    before = {one["nik"]: one for kab in kabs for one in read(data, Unit.INDIVIDU, kab) if one["nik"]}
    after = [one for kab in kabs for one in read(out, Unit.INDIVIDU, kab) if one["nik"] in before]
    both = [(before[one["nik"]], one) for one in after]
    assert both
    for was, now in both:
        assert was["umur"] is None or now["umur"] - was["umur"] in (0, 1)
        assert now["nama"] == was["nama"] and (now["lineage"] == 0 or now["lineage"] // 2 >= was["lineage"] // 2)


def test_the_same_seed_makes_the_same_quarter_and_another_another(later, release, tmp_path):
    quarter, out = later
    starts, kab = [(0, 0)] * len(quarter.regencies), quarter.regencies[SOME[0]]
    following._write(quarter, SOME[0], tmp_path / "same", starts)
    assert read(tmp_path / "same", Unit.INDIVIDU, kab) == read(out, Unit.INDIVIDU, kab)
    other = Quarter.after(release.folder.parent.parent / "data", 12)
    following._write(other, SOME[0], tmp_path / "other", starts)
    assert read(tmp_path / "other", Unit.KELUARGA, kab) != read(out, Unit.KELUARGA, kab)


def test_what_is_no_synthetic_data_set_has_no_quarter_after_it(tmp_path):
    with pytest.raises(ValueError, match="no synthetic data set"):
        follow(tmp_path, 1, tmp_path / "out")


@pytest.mark.night
def test_a_whole_nation_is_published_again_and_differs_as_lives_do(tmp_path):
    folder = small_release(tmp_path, people=30_000)  # so many that in a quarter some of them die
    release, data = Release.open(folder.parent, folder.name), folder.parent.parent / "data"
    made = follow(data, 11, tmp_path / "next", processes=2)
    again = follow(tmp_path / "next", 12, tmp_path / "third", processes=1)
    assert again["after"] == made["content"]
    new = publishing.publish(tmp_path / "next", tmp_path / "releases", "2026.4.0", PUBLISHED_AT, STORAGE)
    assert isinstance(new, Release), new
    assert new.quality()["individu"]["duplicates"]["nik"]["rows"] == 0
    found = difference(release, new, STORAGE)
    total = {event: found.total(event) for event in ("born", "left", "moved_in", "moved_out", "decile_up")}
    assert all(total.values()) and total["moved_in"] == total["moved_out"], total
    assert found.total("registered") == 0
    unlinked = found.unlinked[1] - found.unlinked[0]  # who died or was born without a number
    assert new.person_count == release.person_count + total["born"] - total["left"] + unlinked
