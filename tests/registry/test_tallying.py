"""What is counted when a release is published: what its policy names, as its rows have it, and sealed as they are."""

from collections import Counter
from datetime import date

import pyarrow.parquet as pq
import pytest
from tests.factories_registry import STORAGE
from tests.policies import with_policy
from tests.registry.small import CATALOGUE, DAY, small_release

from bagipakai.core.plan import Unit
from bagipakai.core.policy import PolicyError
from bagipakai.core.query import Column, Compare, Const, Count, Op
from bagipakai.registry.engines import NOBODY, Absent, reference, types_of
from bagipakai.registry.engines.choice import EMBEDDED
from bagipakai.registry.releases import UNCOUNTED, Release
from bagipakai.registry.tallying import wanted
from bagipakai.registry.vault import Damaged


@pytest.fixture
def small(tmp_path):
    return small_release(tmp_path / "releases")


def counted(release, spill, unit, query, absent=NOBODY):
    most, types = release.most_members, types_of(CATALOGUE, unit)
    with EMBEDDED.reading(release, STORAGE, unit, (), spill, memory_limit="512MB") as (engine, parts):
        return engine.count(query, parts, types, 10, margins=True, absent=absent, largest=most)


def test_a_tally_tells_of_each_combination_how_many_rows_have_it(small):
    release, rows = small
    assert {tally.unit for tally in release.tallies} == set(Unit)
    for tally in release.tallies:
        with release.reading(STORAGE, tally.unit) as shelf, shelf.open(shelf.name(tally.path)) as file:
            told = pq.read_table(file).to_pylist()
        number = "persons" if tally.unit is Unit.INDIVIDU else "families"
        expected = Counter(tuple(row.get(name) for name in tally.by) for row in rows[tally.unit])
        assert {tuple(one[name] for name in tally.by): one[number] for one in told} == expected
        assert len(told) == tally.rows
        everybody = sum(one["persons"] for one in told)
        assert everybody == len(rows[Unit.INDIVIDU]), tally.unit


@pytest.mark.parametrize("unit", list(Unit))
def test_who_reads_a_table_finds_its_own_tallies_beside_its_rows(small, unit):
    release, _ = small
    with release.reading(STORAGE, unit, ["51"]) as shelf:
        tallies = [shelf.name(tally.path) for tally in release.tallies if tally.unit is unit]
        assert [tally.path for tally in shelf.tallies] == tallies
        assert [part.regencies for part in shelf.parts] == [("5171",)]


POOR, MARRIED = (
    Compare(Op.AT_MOST, Column("desil"), Const(4)),
    Compare(Op.EQUAL, Column("status_perkawinan"), Const("2")),
)


@pytest.mark.parametrize(
    ("unit", "by", "where", "area"),
    [
        (Unit.INDIVIDU, ("kode_kab", "desil", "jenis_kelamin"), None, ()),
        (Unit.INDIVIDU, ("nama_kec", "desil"), POOR, ("32",)),
        (Unit.INDIVIDU, ("umur",), POOR, ()),
        (Unit.INDIVIDU, ("desil",), MARRIED, ()),  # chosen by what was not counted
        (Unit.KELUARGA, ("kode_prov", "desil"), None, ()),
        (Unit.KELUARGA, (), POOR, ("3273",)),
    ],
)
def test_a_table_is_the_same_from_a_tally_and_from_rows(small, tmp_path, unit, by, where, area):
    release, rows = small
    before, _ = small_release(tmp_path / "before", rows=rows, form=UNCOUNTED)
    assert not before.tallies
    query = Count(unit.value, by, where, area)
    expected = reference.count(query, rows[unit], 10, margins=True)
    assert counted(release, tmp_path, unit, query) == counted(before, tmp_path, unit, query) == expected


def test_who_is_left_out_is_in_no_count(small, tmp_path):
    """A tally knows of nobody whom it counted: then the rows are read."""
    release, rows = small
    gone = {row["person_ordinal"] for row in rows[Unit.INDIVIDU][::3]}
    query = Count("individu", ("kode_kab", "desil"))
    staying = [row for row in rows[Unit.INDIVIDU] if row["person_ordinal"] not in gone]
    expected = reference.count(query, staying, 10, margins=True)
    assert counted(release, tmp_path, Unit.INDIVIDU, query, Absent(gone)) == expected


def test_a_tally_with_one_bit_changed_is_never_used(small, tmp_path):
    release, _ = small
    tally = next(one for one in release.tallies if one.unit is Unit.KELUARGA)
    content = bytearray((release.folder / tally.path).read_bytes())
    content[100] ^= 1
    (release.folder / tally.path).write_bytes(content)
    with pytest.raises(Damaged, match="release-file-altered"):
        counted(release, tmp_path, Unit.KELUARGA, Count("keluarga", ("desil",)))
    assert [damage.file for damage in release.checked() if isinstance(damage, Damaged)] == [tally.path]


def test_without_a_tally_that_it_names_a_release_does_not_open(small):
    release, _ = small
    (release.folder / release.tallies[0].path).unlink()
    with pytest.raises(Damaged, match="release-file-missing"):
        Release.open(release.folder.parent, release.version)


@pytest.mark.parametrize(
    "row",
    [
        'id = "tanpa-tempat"\nunit = "individu"\nby = ["kode_prov", "desil"]',  # whose it is could not be told by file
        'id = "milik-rumah"\nunit = "individu"\nby = ["kode_kab", "nik_number"]',
        'id = "satuan-lain"\nunit = "keluarga"\nby = ["kode_kab", "umur"]',
        'id = "../individu"\nunit = "individu"\nby = ["kode_kab"]',
        'id = "satuan-asing"\nunit = "rumah"\nby = ["kode_kab"]',
        'id = "tanpa-daftar"\nunit = "individu"\nby = "kode_kab"',
        'id = "daftar-angka"\nunit = "individu"\nby = ["kode_kab", 1]',
        'id = 7\nunit = "individu"\nby = ["kode_kab"]',
    ],
)
def test_a_tally_that_cannot_be_counted_is_said(tmp_path, monkeypatch, row):
    with_policy(
        tmp_path / "policies", monkeypatch, f'[[tally]]\n{row}\nfrom = 2026-01-02\nbasis = "contoh"\n', "tallies.toml"
    )
    with pytest.raises(PolicyError, match=r"tallies\.toml"):
        wanted(CATALOGUE, DAY)


def test_nothing_is_counted_before_the_first_rule():
    assert wanted(CATALOGUE, date(2025, 12, 31)) == []
