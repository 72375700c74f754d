"""The synthetic nation: the same for the same seed, whole, valid, unique where it must be, poor where it is poor."""
# every name in these questions is the catalogue's or this file's

import json
from datetime import date

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.factories_registry import small_dataset

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry import synthesis, tables
from bagipakai.registry.datasets import DATASET
from bagipakai.registry.regions import EDITION, regions
from bagipakai.registry.synthesis import synthesise
from bagipakai.registry.synthesis.calendar import full_years
from bagipakai.registry.synthesis.dice import Dice, Wheel, between
from bagipakai.registry.synthesis.nation import apportion, divide, numbers
from bagipakai.registry.synthesis.regency import make

PEOPLE = 20_000


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return small_dataset(tmp_path_factory.mktemp("nation"), PEOPLE, seed=11, processes=2)


@pytest.fixture(scope="module")
def ask(dataset):
    """Asks the data set: `individu` and `keluarga` are its tables."""
    with duckdb.connect() as con:
        for unit in Unit:
            con.execute(
                f"CREATE TABLE {unit.value} AS SELECT * FROM "
                f"read_parquet('{dataset}/{unit.value}/*/*/*.parquet', hive_partitioning = false)"
            )
        yield lambda sql: con.execute(sql).fetchall()


def told(dataset):
    return json.loads((dataset / DATASET).read_text())


def made(folder, kab, people, seed):
    """One regency of a nation, its two files in `folder`."""
    nation = divide(people, seed)
    share = next(share for share in nation.shares if share.kab == kab)
    return make(share, nation.families, seed, Catalogue.on(numbers()["reference_day"]), folder)


# The same for the same seed.


def test_one_process_and_two_make_the_same_content(tmp_path, release):
    """The release's data set was made by one process."""
    assert synthesise(3000, 7, tmp_path / "dua", processes=2) == told(release.folder.parent.parent / "data")


def test_the_content_of_a_seed_stays():
    """A pin: if this changes, the generator, its numbers, the catalogue or a library has changed what a seed means."""
    assert Dice(7, 3, 1).words(2).tolist() == [6161140148142232893, 16474608695889017726]


def test_another_seed_makes_other_people_in_the_same_places(tmp_path):
    one, other = (made(tmp_path / str(seed), "3273", 100_000, seed) for seed in (1, 2))
    assert [file.path for file in one] == [file.path for file in other]
    assert one[1].rows == other[1].rows and one[1].content != other[1].content


def test_a_regency_does_not_depend_on_what_else_is_made(tmp_path):
    alone = made(tmp_path / "satu", "5171", 100_000, 1)
    made(tmp_path / "dua", "3273", 100_000, 1)
    assert made(tmp_path / "dua", "5171", 100_000, 1) == alone


# Whole.


def test_dataset_json_says_what_there_is(dataset):
    said = told(dataset)
    catalogue = Catalogue.on(numbers()["reference_day"])
    assert (said["people"], said["seed"], said["synthetic"]) == (PEOPLE, 11, True)
    assert (said["catalogue"], said["standard"]) == (catalogue.digest, catalogue.standard)
    assert (said["region_system"], said["region_edition"]) == ("KEMENDAGRI", EDITION)
    assert len(said["files"]) == 2 * 514
    for one in said["files"]:
        assert pq.read_metadata(dataset / one["path"]).num_rows == one["rows"]
    people = sum(one["rows"] for one in said["files"] if one["path"].startswith("individu"))
    families = sum(one["rows"] for one in said["files"] if one["path"].startswith("keluarga"))
    assert (people, families) == (PEOPLE, said["families"])


@pytest.mark.parametrize("unit", list(Unit))
def test_every_variable_of_the_catalogue_is_there_with_its_type(dataset, unit):
    expected = tables.schema(unit, Catalogue.on(numbers()["reference_day"]))
    for path in sorted((dataset / unit.value).rglob("*.parquet")):
        assert pq.read_schema(path).remove_metadata().equals(expected), path


def test_files_are_parquet_version_two(tmp_path):
    made(tmp_path, "3273", 100_000, 1)
    metadata = pq.read_metadata(tmp_path / tables.part("keluarga", "3273"))
    assert metadata.format_version == "2.6"
    assert {metadata.row_group(0).column(at).compression for at in range(metadata.num_columns)} == {"ZSTD"}


def test_a_big_regency_is_written_in_row_groups_that_divide_no_family(tmp_path):
    made(tmp_path, "3201", 18_000_000, 3)
    file = pq.ParquetFile(tmp_path / tables.part("individu", "3201"))
    sizes = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    assert len(sizes) == 3 and max(sizes) <= tables.ROW_GROUP and min(sizes[:-1]) > tables.ROW_GROUP - 12
    families = [file.read_row_group(at, ["id_keluarga"])["id_keluarga"] for at in range(2)]
    assert families[0][-1] != families[1][0]
    niks = file.read(["nik"])["nik"].drop_null()
    assert len(niks.unique()) == len(niks), "serials are counted on from one row group to the next"


def test_ordinals_count_from_nought_in_release_order(ask):
    assert ask("SELECT min(person_ordinal), max(person_ordinal), count(DISTINCT person_ordinal) FROM individu") == [
        (0, PEOPLE - 1, PEOPLE)
    ]
    assert ask("""
        SELECT count(*) FROM individu JOIN keluarga USING (id_keluarga)
        WHERE person_ordinal NOT BETWEEN first_ordinal AND first_ordinal + member_count - 1
            OR individu.nomor_kk IS DISTINCT FROM keluarga.nomor_kk OR individu.desil IS DISTINCT FROM keluarga.desil
            OR individu.kode_desa <> keluarga.kode_desa OR individu.alamat IS DISTINCT FROM keluarga.alamat
    """) == [(0,)]
    assert ask(
        "SELECT sum(member_count), count(*) FILTER (WHERE member_count <> jumlah_anggota_keluarga) FROM keluarga"
    ) == [(PEOPLE, 0)]


def test_each_family_has_one_head_who_comes_first_and_gives_it_the_name(ask):
    assert ask("""
        SELECT count(*) FROM keluarga JOIN individu ON (person_ordinal = first_ordinal)
        WHERE hubungan_kepala_keluarga <> '1' OR nama <> nama_kepala_keluarga
    """) == [(0,)]
    assert ask("SELECT count(*) FROM individu WHERE hubungan_kepala_keluarga = '1'") == ask(
        "SELECT count(*) FROM keluarga"
    )


# Valid and unique.


def test_region_codes_are_of_the_edition_and_lie_in_one_another(ask):
    for prov, kab, kec, desa in ask("SELECT DISTINCT kode_prov, kode_kab, kode_kec, kode_desa FROM individu"):
        assert desa in regions() and desa[:6] == kec and kec[:4] == kab and kab[:2] == prov
    assert ask("SELECT count(DISTINCT kode_prov) FROM individu") == [(38,)]


def test_families_are_sorted_by_village(ask):
    unsorted = """
        SELECT count(*) FROM (SELECT kode_desa < lag(kode_desa) OVER (ORDER BY id_keluarga) AS back FROM keluarga)
        WHERE back
    """
    assert ask(unsorted) == [(0,)]


def test_a_nik_is_sixteen_digits_and_stands_once(ask):
    assert ask("SELECT count(*) FROM individu WHERE NOT regexp_full_match(nik, '[0-9]{16}')") == [(0,)]
    assert ask("SELECT count(nik) - count(DISTINCT nik) FROM individu") == [(0,)]
    assert ask("SELECT count(*) FROM individu WHERE nik_number IS DISTINCT FROM CAST(nik AS BIGINT)") == [(0,)]
    assert ask("SELECT count(*) FROM individu WHERE substr(nik, 13) = '0000'") == [(0,)]


def test_a_nik_is_issued_by_a_known_district(ask):
    districts = {region.code for region in regions().at_level(3)}
    assert {
        code for (code,) in ask("SELECT DISTINCT substr(nik, 1, 6) FROM individu WHERE nik IS NOT NULL")
    } <= districts


def test_a_nik_holds_the_birth_date_and_the_sex(ask):
    """But for those whose date was corrected later."""
    date_of = """
        SELECT nik, tanggal_lahir, jenis_kelamin FROM individu
        WHERE nik IS NOT NULL AND tanggal_lahir IS NOT NULL
    """
    differing = 0
    for nik, born, sex in ask(date_of):
        day = int(nik[6:8])
        assert (day > 40) == (sex == "2")
        differing += (day % 40, int(nik[8:10]), int(nik[10:12])) != (born.day, born.month, born.year % 100)
    assert 0 < differing < PEOPLE * 0.012


def test_a_family_card_and_a_meter_have_their_own_numbers(ask):
    for name, digits in (("nomor_kk", 16), ("id_pln", 12)):
        assert ask(f"SELECT count({name}) - count(DISTINCT {name}) FROM keluarga") == [(0,)]
        assert ask(f"SELECT count(*) FROM keluarga WHERE NOT regexp_full_match({name}, '[0-9]{{{digits}}}')") == [(0,)]


@pytest.mark.parametrize("unit", list(Unit))
def test_every_value_is_what_the_catalogue_allows(ask, unit):
    for variable in Catalogue.on(numbers()["reference_day"]).of_unit(unit):
        found = {value for (value,) in ask(f"SELECT DISTINCT {variable.name} FROM {unit.value}")} - {None}
        assert found, variable.name
        if variable.codes is not None:
            assert found <= set(variable.codes), variable.name
        if variable.low is not None:
            assert min(found) >= variable.low, variable.name
        if variable.high is not None:
            assert max(found) <= variable.high, variable.name


def test_age_is_counted_in_full_years_on_the_reference_day(ask):
    reference = numbers()["reference_day"]
    for born, age in ask("SELECT DISTINCT tanggal_lahir, umur FROM individu WHERE umur IS NOT NULL"):
        assert age == full_years(born, reference)


def test_somebody_born_on_a_leap_day_has_a_birthday_on_the_first_of_march():
    assert full_years(date(2000, 2, 29), date(2026, 2, 28)) == 25
    assert full_years(date(2000, 2, 29), date(2026, 3, 1)) == 26


def test_what_cannot_apply_is_not_recorded(ask):
    never = [
        "sedang_hamil IS NOT NULL AND (jenis_kelamin = '1' OR umur NOT BETWEEN 10 AND 54)",
        "status_gizi IS NOT NULL AND umur > 4",
        "bekerja IS NOT NULL AND umur < 10",
        "lapangan_usaha IS NOT NULL AND bekerja IS NOT TRUE",
        "omzet_usaha IS NOT NULL AND memiliki_usaha IS NOT TRUE",
        "ijazah_tertinggi IS NOT NULL AND umur < 5",
        "penerima_pip IS NOT NULL AND partisipasi_sekolah IN ('1', '3')",
        "memiliki_rekening IS NOT NULL AND umur < 17",
        "status_perkawinan <> '1' AND hubungan_kepala_keluarga = '5'",
        "peserta_pbi IS DISTINCT FROM (jaminan_kesehatan = '1')",
        "hubungan_kepala_keluarga = '2' AND status_perkawinan <> '2'",
    ]
    for condition in never:
        assert ask(f"SELECT count(*) FROM individu WHERE {condition}") == [(0,)], condition
    never_of_families = [
        "id_pln IS NOT NULL AND sumber_penerangan IS DISTINCT FROM '1'",
        "daya_listrik IS NOT NULL AND sumber_penerangan IS DISTINCT FROM '1'",
        "jenis_kloset IS NOT NULL AND coalesce(fasilitas_bab, '4') = '4'",
        "bukti_kepemilikan IS NOT NULL AND status_bangunan IS DISTINCT FROM '1'",
        "luas_lahan_pertanian > 0 AND lahan_lain IS NOT TRUE",
    ]
    for condition in never_of_families:
        assert ask(f"SELECT count(*) FROM keluarga WHERE {condition}") == [(0,)], condition


# Plausible.


def test_each_decile_has_a_tenth_of_the_families(ask):
    families = ask("SELECT count(*) FROM keluarga")[0][0]
    counts = dict(ask("SELECT desil, count(*) FROM keluarga GROUP BY desil"))
    unranked = counts.pop(None)
    assert 0 < unranked < 0.02 * families
    assert all(abs(count - families / 10) < families * 0.004 + 3 for count in counts.values()), counts
    assert ask("SELECT count(*) FROM keluarga WHERE desil <> (persentil + 9) // 10") == [(0,)]
    assert ask("SELECT count(peringkat) - count(DISTINCT peringkat) FROM keluarga") == [(0,)]
    assert ask("SELECT corr(peringkat, persentil) > .99 FROM keluarga") == [(True,)]


@pytest.mark.parametrize(
    "rises",
    [
        "luas_lantai",
        "pengeluaran_per_kapita",
        "CAST(aset_kulkas AS INTEGER)",
        "CAST(aset_mobil AS INTEGER)",
        "CAST(memiliki_tabungan AS INTEGER)",
        "CAST(fasilitas_bab = '1' AS INTEGER)",
        "CAST(jenis_lantai IN ('1', '2') AS INTEGER)",
        "-CAST(penerima_pkh AS INTEGER)",
        "-CAST(bahan_bakar_memasak = '7' AS INTEGER)",
        "-jumlah_anggota_keluarga",
    ],
)
def test_the_house_goes_with_the_decile(ask, rises):
    (correlation,) = ask(f"SELECT corr(desil, {rises}) FROM keluarga")[0]
    assert correlation > 0.05, rises


def test_schooling_goes_with_the_decile_and_with_the_generation(ask):
    (by_decile,) = ask(
        "SELECT corr(desil, CAST(ijazah_tertinggi AS INTEGER)) FROM individu WHERE umur BETWEEN 25 AND 40"
    )[0]
    assert by_decile > 0.2
    young, old = (
        ask(f"SELECT avg(CAST(ijazah_tertinggi AS INTEGER)) FROM individu WHERE umur BETWEEN {ages}")[0][0]
        for ages in ("25 AND 34", "65 AND 80")
    )
    assert young > old + 0.7


def test_poor_provinces_are_poorer_than_rich_ones(ask):
    share = dict(ask("SELECT kode_prov, avg(CAST(desil <= 4 AS INTEGER)) FROM individu GROUP BY kode_prov"))
    assert share["53"] > share["32"] > share["31"]


def test_ages_form_a_pyramid(ask):
    shares = dict(
        ask("""
            SELECT CASE WHEN umur < 15 THEN 'anak' WHEN umur < 65 THEN 'kerja' ELSE 'lansia' END, count(*) / 20000.0
            FROM individu WHERE umur IS NOT NULL GROUP BY ALL
        """)
    )
    assert 0.20 < shares["anak"] < 0.30 and 0.62 < shares["kerja"] < 0.74 and 0.05 < shares["lansia"] < 0.11
    assert 0.47 < ask("SELECT avg(CAST(jenis_kelamin = '1' AS INTEGER)) FROM individu")[0][0] < 0.53


def test_families_have_about_three_members(ask):
    mean, alone, most = ask(
        "SELECT avg(member_count), avg(CAST(member_count = 1 AS INTEGER)), max(member_count) FROM keluarga"
    )[0]
    assert 2.95 < mean < 3.15 and 0.10 < alone < 0.18 and 6 <= most <= 12


def test_java_has_more_than_half_of_the_people(ask):
    assert 0.5 < ask("SELECT avg(CAST(kode_prov BETWEEN '31' AND '36' AS INTEGER)) FROM individu")[0][0] < 0.6


def test_names_follow_the_region(ask):
    def share(part, province):
        return ask(f"SELECT avg(CAST(nama LIKE '%{part}%' AS INTEGER)) FROM individu WHERE kode_prov = '{province}'")[
            0
        ][0]

    assert share("KETUT", "51") > 0.05 > share("KETUT", "32")
    assert share("NASUTION", "12") > share("NASUTION", "35") == 0
    distinct, single = ask("SELECT count(DISTINCT nama), avg(CAST(nama NOT LIKE '% %' AS INTEGER)) FROM individu")[0]
    assert distinct > PEOPLE * 0.5 and 0.1 < single < 0.35


def test_children_bear_the_family_name_of_the_head(ask):
    same, all_ = ask("""
        SELECT count(*) FILTER (WHERE split_part(child.nama, ' ', -1) = split_part(head.nama, ' ', -1)), count(*)
        FROM individu AS child JOIN individu AS head USING (id_keluarga)
        WHERE child.hubungan_kepala_keluarga = '3' AND head.hubungan_kepala_keluarga = '1' AND child.kode_prov = '12'
    """)[0]
    assert same > all_ * 0.3


# Gaps and defects.


def test_every_variable_that_may_be_missing_sometimes_is_and_the_others_never(ask):
    for unit in Unit:
        for variable in Catalogue.on(numbers()["reference_day"]).of_unit(unit):
            missing = ask(f"SELECT count(*) - count({variable.name}) FROM {unit.value}")[0][0]
            if variable.required:
                assert missing == 0, variable.name
            elif variable.name not in ("nama_kab",):
                assert missing > 0, variable.name


def test_some_have_no_nik_and_newborns_most_often(ask):
    rates = dict(
        ask("SELECT umur = 0, avg(CAST(nik IS NULL AS INTEGER)) FROM individu WHERE umur IS NOT NULL GROUP BY ALL")
    )
    assert 0.004 < rates[False] < 0.015 and 0.1 < rates[True] < 0.3
    assert ask("SELECT count(*) FROM individu WHERE (nik IS NULL) <> (status_padan = '3')") == [(0,)]


def test_birth_dates_that_nobody_knew_stand_on_the_first_of_january(ask):
    heaped = "avg(CAST(month(tanggal_lahir) = 1 AND day(tanggal_lahir) = 1 AS INTEGER))"
    old, young = (
        ask(f"SELECT {heaped} FROM individu WHERE umur {ages}")[0][0] for ages in ("> 55", "BETWEEN 5 AND 45")
    )
    assert old > 0.05 > young > 0.012


def test_some_niks_were_issued_elsewhere(ask):
    assert 0.06 < ask("SELECT avg(CAST(substr(nik, 1, 6) <> kode_kec AS INTEGER)) FROM individu")[0][0] < 0.1


# Refused, and nothing left behind.


@pytest.mark.parametrize(("people", "seed"), [(999, 1), (400_000_001, 1), (3000, -1), (3000, 2**63)])
def test_impossible_sizes_and_seeds_are_refused(tmp_path, people, seed):
    with pytest.raises(ValueError, match=r"persons|seed"):
        synthesise(people, seed, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_never_written_to(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "catatan.txt").write_text("milik orang lain")
    with pytest.raises(FileExistsError):
        synthesise(1000, 1, tmp_path / "out", processes=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "catatan.txt"]


def test_what_was_made_before_a_stop_is_taken_up(tmp_path, monkeypatch):
    heard = []

    def stop(persons):
        heard.append(persons)
        if len(heard) == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesise(1000, 1, tmp_path / "out", processes=1, told=stop)
    assert not (tmp_path / "out").exists()
    whole, again = synthesis._regency, []
    monkeypatch.setattr(synthesis, "_regency", lambda task: again.append(task) or whole(task))
    taken_up = synthesise(1000, 1, tmp_path / "out", processes=1)
    assert len(again) <= 514 - 199
    assert taken_up == synthesise(1000, 1, tmp_path / "anew", processes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anew", "out"]


def test_a_regency_without_people_has_its_files_all_the_same(tmp_path):
    nation = divide(1000, 1)
    empty = next(share for share in nation.shares if share.persons == 0)
    assert [file.rows for file in made(tmp_path, empty.kab, 1000, 1)] == [0, 0]
    assert pq.read_table(tmp_path / tables.part("individu", empty.kab)).schema.names[0] == "nomor_kk"


# The whole-number machinery.


def test_parts_add_up_to_the_whole_and_follow_the_weights():
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(10, [5, 0, 5]) == [5, 0, 5]
    assert apportion(3, [1, 1, 4]) == [1, 0, 2]


def test_the_nation_of_290_million_divides_at_once():
    nation = divide(290_000_000, 1)
    assert sum(share.persons for share in nation.shares) == 290_000_000
    ranks = [0] * 100
    for share in nation.shares:
        assert sum(count for *_, count in share.slices) == share.families
        for at, (_, _, _, count) in enumerate(share.slices):
            ranks[at] += count
    assert max(ranks) - min(ranks) <= 1, "each hundredth of the nation has as many families"


def test_a_wheel_stops_where_its_weights_say():
    wheel = Wheel([[1, 3], [0, 1]], missing=500)
    drawn = wheel.spin(Dice(1), np.zeros(40_000, dtype=int))
    shares = {value: round(float((drawn == value).mean()), 1) for value in (0, 1, 255)}
    assert shares == {0: 0.1, 1: 0.4, 255: 0.5}
    assert set(wheel.spin(Dice(1), np.ones(1000, dtype=int)).tolist()) == {1, 255}


def test_tenths_between_the_poorest_and_the_richest_are_interpolated():
    cells = between([9, 0], [0, 9])
    assert cells[0] == [81, 0] and cells[9] == [0, 81] and cells[3] == [54, 27]
