"""The quality report counts what is missing, invalid, inconsistent or doubled, by variable and by regency."""

from dataclasses import fields
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.factories_registry import in_clear

from bagipakai.core.exchange import Announcement
from bagipakai.core.plan import Unit
from bagipakai.registry import quality, tables
from bagipakai.registry.quality import QualityError, report

DAY = date(2026, 7, 1)
KABS = ("3201", "3203", "3578")


@pytest.fixture
def files(release, tmp_path) -> dict[Unit, list[Path]]:
    """Three regencies, to be spoiled."""
    found: dict[Unit, list[Path]] = {}
    for unit in Unit:
        for kab in KABS:
            name = tables.part(unit, kab)
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).write_bytes((release.folder.parents[1] / "data" / name).read_bytes())
            found.setdefault(unit, []).append(tmp_path / name)
    return found


def spoil(path: Path, column: str, *values: object) -> None:
    """Puts `values` into the first rows of a column."""
    table = pq.read_table(path)
    at = table.schema.get_field_index(column)
    whole = [*values, *table[column].to_pylist()[len(values) :]]
    changed = table.set_column(at, table.schema.field(at), pa.array(whole, table.schema.field(at).type))
    pq.write_table(changed, path, store_schema=False)


def counted(release, files, tmp_path):
    named = {unit: [str(path) for path in paths] for unit, paths in files.items()}
    return report(named, release.catalogue, DAY, tmp_path)


def test_the_report_of_a_release_has_every_variable_and_every_regency(release):
    told = release.quality()
    for unit in Unit:
        of_unit = told[unit.value]
        names = [variable.name for variable in release.catalogue.of_unit(unit)]
        assert sorted(of_unit["variables"]) == sorted(names)
        assert of_unit["rows"] == release.manifest["rows"][unit.value]
        assert all(one["invalid"] == 0 for one in of_unit["variables"].values()), "the nation is made by the catalogue"
        assert all(twice == {"rows": 0, "values": 0} for twice in of_unit["duplicates"].values())
        for regency in of_unit["regencies"].values():
            assert len(regency["missing"]) == len(regency["invalid"]) == len(names)
        at = names.index("desil")
        missing = sum(one["missing"][at] for one in of_unit["regencies"].values())
        assert missing == of_unit["variables"]["desil"]["missing"]


def test_the_report_stays_in_the_registry():
    """It holds small counts: no other room names the file, and what the office hears of a release has none of it."""
    rooms = [Path(quality.__file__).parents[1] / room for room in ("core", "control", "portal", "recipient", "demo")]
    naming = [str(file) for room in rooms for file in room.rglob("*.*") if b"quality.json" in file.read_bytes()]
    assert naming == []
    assert {field.name for field in fields(Announcement)} == {
        *("version", "digest", "standard", "region_system", "region_edition", "published_on"),
        *("persons", "families", "regions", "withdrawn", "previous", "notes", "editions", "quality", "changes"),
        "preview",  # bands
    }


def test_missing_values_are_those_in_the_files(release):
    missing = sum(table["nik"].null_count for table in in_clear(release, Unit.INDIVIDU))
    assert release.quality()["individu"]["variables"]["nik"]["missing"] == missing > 0


@pytest.mark.parametrize(
    "case",
    [
        ("individu", "jenis_kelamin", ["3", "", "L"]),
        ("individu", "umur", [-1, 121]),
        ("individu", "tanggal_lahir", [date(2030, 1, 1)]),
        ("individu", "nik", ["123", "32010145038000011", "٣٢٠١٠١٤٥٠٣٨٠٠٠٠١"]),
        ("individu", "nomor_kk", ["kosong"]),
        ("individu", "kode_kec", ["320199", "357801"]),
        ("individu", "kode_desa", ["3201019999"]),
        ("keluarga", "desil", [0, 11]),
        ("keluarga", "rt", ["1", "0001"]),
        ("keluarga", "sumber_air_minum", ["1"]),
        ("keluarga", "id_pln", ["12345"]),
        ("keluarga", "ternak_sapi", [-1]),
    ],
)
def test_invalid_values_are_counted_where_they_stand(release, files, tmp_path, case):
    unit, column, bad = case
    spoil(files[Unit(unit)][0], column, *bad)
    told = counted(release, files, tmp_path)[unit]
    assert told["variables"][column]["invalid"] == len(bad)
    at = [variable.name for variable in release.catalogue.of_unit(unit)].index(column)
    assert [told["regencies"][kab]["invalid"][at] for kab in KABS] == [len(bad), 0, 0]


@pytest.mark.parametrize(
    "number", [3201013213800001, 3201017213800001, 3201011500800001, 3201011513800001, 3201011501800000]
)
def test_a_nik_with_an_impossible_date_or_no_serial_is_invalid(release, files, tmp_path, number):
    spoil(files[Unit.INDIVIDU][0], "nik", f"{number:016d}")
    spoil(files[Unit.INDIVIDU][0], "nik_number", number)
    assert counted(release, files, tmp_path)["individu"]["variables"]["nik"]["invalid"] == 1


def test_a_nik_that_stands_twice_is_counted_in_both_regencies(release, files, tmp_path):
    one, other = files[Unit.INDIVIDU][:2]
    shared = [number for number in pq.read_table(one)["nik_number"].to_pylist() if number][:2]
    spoil(one, "nik_number", shared[0], shared[1], shared[0])
    spoil(other, "nik_number", shared[1], None)
    told = counted(release, files, tmp_path)["individu"]
    doubled = pq.read_table(one)["nik_number"].to_pylist()
    here = sum(doubled.count(number) for number in shared)
    assert told["duplicates"]["nik"] == {"values": 2, "rows": here + 1}
    assert [told["regencies"][kab]["duplicates"] for kab in KABS] == [[here], [1], [0]]


def test_a_family_card_that_stands_twice_is_counted_and_nonsense_is_not(release, files, tmp_path):
    spoil(files[Unit.KELUARGA][0], "nomor_kk", "3201010101200001", "3201010101200001", "x", "x", None, None)
    told = counted(release, files, tmp_path)["keluarga"]
    assert told["duplicates"]["nomor_kk"] == {"values": 1, "rows": 2}


def test_identifiers_compared_in_shares_give_the_same(release, files, tmp_path, monkeypatch):
    spoil(files[Unit.INDIVIDU][0], "nik_number", *[3201010101800001] * 3, *[3201010101800002] * 2)
    whole = counted(release, files, tmp_path)
    monkeypatch.setattr(quality, "ROWS_A_SHARE", 20)
    assert counted(release, files, tmp_path) == whole
    assert whole["individu"]["duplicates"]["nik"] == {"values": 2, "rows": 5}


def test_what_contradicts_itself_is_counted(release, files, tmp_path):
    before = counted(release, files, tmp_path)["individu"]["checks"]
    people = pq.read_table(files[Unit.INDIVIDU][0])
    at = next(at for at, row in enumerate(people.select(["nik", "umur"]).to_pylist()) if row["nik"] and row["umur"])
    other_sex = "1" if people["jenis_kelamin"][at].as_py() == "2" else "2"
    spoil(files[Unit.INDIVIDU][0], "jenis_kelamin", *people["jenis_kelamin"].to_pylist()[:at], other_sex)
    spoil(files[Unit.INDIVIDU][0], "umur", *people["umur"].to_pylist()[:at], 119)
    spoil(files[Unit.KELUARGA][0], "jumlah_anggota_keluarga", 29)
    after = counted(release, files, tmp_path)
    assert after["individu"]["checks"] == {
        **before,
        "nik_beda_jenis_kelamin": before["nik_beda_jenis_kelamin"] + 1,
        "umur_beda_tanggal_lahir": before["umur_beda_tanggal_lahir"] + 1,
    }
    assert after["keluarga"]["checks"] == {"jumlah_anggota_beda": 1}


def test_an_error_of_the_engine_quotes_no_value(release, files, tmp_path):
    files[Unit.INDIVIDU][0].write_bytes(b"3201014503800001")
    with pytest.raises(QualityError) as error:
        counted(release, files, tmp_path)
    assert "3201" not in str(error.value) and error.value.__cause__ is None
