"""The next data set from what the sources tell of a few households, as an officer would put it."""

import json
from datetime import date

import pytest
from tests.factories_registry import STORAGE
from tests.registry.building.nation import (
    BANDUNG,
    BOGOR,
    CHILD,
    DAY,
    HEAD,
    LATER,
    SENT,
    SPOUSE,
    a_nation,
    handed,
    household,
    person,
    said,
)

from bagipakai.core.refusal import Refusal
from bagipakai.registry.building import job, writing
from bagipakai.registry.building.job import build
from bagipakai.registry.vault import Damaged

CARD, OTHER, FRESH = "3201010101010001", "3201010101010002", "3201010101270009"
BUDI = person("BUDI SANTOSO", date(1980, 2, 7), relation=HEAD)
DEWI = person("DEWI SARI", date(1985, 12, 9), "2", SPOUSE)
HASAN = person("HASAN BASRI", date(2004, 3, 2))
BAYI = person("RATNA WULANDARI", date(2026, 9, 1), "2", nik=None)
AGUS = person("AGUS SALIM", date(1970, 5, 5), relation=HEAD)
RINA = person("RINA MARLINA", date(1999, 8, 17), "2")
ASEP = person("ASEP KURNIAWAN", date(1966, 1, 30), relation=HEAD, area="327301")
ALL = (BUDI, DEWI, HASAN, AGUS, RINA)
REGISTER = "ditjen-dukcapil-kementerian-dalam-negeri"


@pytest.fixture(scope="module")
def few_regencies():
    """Files of three regencies alone: writing those of all takes longer than deciding."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "everywhere", lambda: ["3201", "3273", "5171"])
        yield


@pytest.fixture(scope="module")
def nation(tmp_path_factory, few_regencies):
    """Three households; nobody may change it."""
    return a_nation(
        tmp_path_factory.mktemp("nation"),
        household(CARD, BUDI, DEWI, HASAN, BAYI, desil=2, persentil=15, jenis_lantai="3", rt="001", rw="002"),
        household(OTHER, AGUS, RINA, desil=5, persentil=44, jenis_lantai="1", alamat="JALAN MELATI 1"),
        household("3273010101010003", ASEP, desa=BANDUNG, klasifikasi_wilayah="2"),
    )


@pytest.fixture
def out(request):
    """A folder of its own for what is built."""
    return request.node.name.replace("[", "-").rstrip("]")


def everybody(**changed):
    """What the register tells of all who have a number; `changed` by the first word of the name, in small letters."""
    rows = [said(one, CARD) for one in ALL[:3]] + [said(one, OTHER) for one in ALL[3:]]
    rows.append(said(ASEP, "3273010101010003", BANDUNG))
    return [row | changed.get(row["nama"].split()[0].lower(), {}) for row in rows]


def test_what_a_source_tells_takes_its_place_and_is_known_to_come_from_there(nation, out):
    built = nation.told(handed("dukcapil", said(BUDI, CARD, tempat_lahir="BOGOR")), out=out)
    budi, agus = built.persons()["BUDI SANTOSO"], built.persons()["AGUS SALIM"]
    assert budi["tempat_lahir"] == "BOGOR" and agus["tempat_lahir"] is None
    assert built.origin(budi, "tempat_lahir") == ("dukcapil", "7", SENT)
    assert built.origin(agus, "tempat_lahir")[:2] == (REGISTER, "")
    assert built.report["variables"]["tempat_lahir"]["changed"] == {"dukcapil": 1}
    assert built.report["sets"][0]["match"] == 1


def test_what_it_does_not_tell_stays_with_its_own_origin(nation, out):
    built = nation.told(handed("dukcapil", said(BUDI, CARD)), out=out)
    (family,) = (one for one in built.families() if "BUDI SANTOSO" in one["members"])
    assert (family["rt"], family["rw"], family["jenis_lantai"]) == ("001", "002", "3")
    assert built.origin(family, "rt")[:2] == (REGISTER, "")
    assert built.origin(family, "nomor_kk") == ("dukcapil", "7", SENT)
    assert built.origin(family, "nama_desa") == ("dukcapil", "7", SENT), "made of the village's code"


def test_a_value_of_the_household_is_the_one_that_most_members_tell(nation, out):
    rows = [said(one, CARD, rt=rt) for one, rt in ((BUDI, "009"), (DEWI, "008"), (HASAN, "008"))]
    built = nation.told(handed("dukcapil", *rows), out=out)
    assert {built.persons()[one["nama"]]["rt"] for one in (BUDI, DEWI, HASAN, BAYI)} == {"008"}


def test_who_is_not_found_is_held_and_not_added(nation, out):
    born = person("MUHAMMAD YUSUF", date(2027, 1, 2))
    built = nation.told(handed("dukcapil", said(BUDI, CARD), said(born, CARD)), out=out)
    assert "MUHAMMAD YUSUF" not in built.persons() and len(built.persons()) == 7
    (row,) = built.held("usulan")
    assert (
        row["nama"] == "MUHAMMAD YUSUF" and row["alasan"] in ("BUKTI_KURANG", "TIDAK_DITEMUKAN") and row["_baris"] == 2
    )
    told = built.report["sets"][0]
    assert (told["match"], told["none"], told["newborn"]) == (1, 1, 1)
    assert built.report["held"] == [{"list": "usulan", "source": "dukcapil", "rows": 1}]


def test_what_is_held_is_sealed(nation, out):
    born = person("MUHAMMAD YUSUF", date(2027, 1, 2))
    built = nation.told(handed("dukcapil", said(born, CARD)), out=out)
    for file in (built.folder / "lists").iterdir():
        assert b"YUSUF" not in file.read_bytes() and born["nik"].encode() not in file.read_bytes()
    assert b"YUSUF" not in (built.folder / "report.json").read_bytes()
    assert (built.folder / "data").stat().st_mode & 0o077 == 0


def test_the_number_of_somebody_else_changes_nobody(nation, out):
    wrong = said(BUDI, CARD, nama="KARTIKA PUTRI", jenis_kelamin="2", tanggal_lahir=date(1991, 1, 1))
    built = nation.told(handed("dukcapil", wrong), out=out)
    assert built.persons()["BUDI SANTOSO"]["status_padan"] == "3"
    assert built.report["sets"][0]["match"] == 0 and len(built.held("usulan") + built.held("telaah")) == 1


def test_who_died_is_not_there_any_more_and_stands_on_a_list(nation, out):
    rows = everybody(agus={"tanggal_meninggal": date(2026, 12, 24)})
    built = nation.told(handed("dukcapil", *rows), out=out)
    assert "AGUS SALIM" not in built.persons()
    (row,) = built.held("meninggal")
    assert row["pasti"] and row["tanggal_meninggal"] == date(2026, 12, 24)
    (family,) = (one for one in built.families() if one["nomor_kk"] == OTHER)
    assert (family["members"], family["nama_kepala_keluarga"], family["member_count"]) == (
        ["RINA MARLINA"],
        "RINA MARLINA",
        1,
    )
    assert built.report["persons"]["died"] == 1 and built.report["families"]["without_head"] == 1


def test_who_is_said_to_have_died_and_is_not_surely_meant_stays(nation, out):
    row = said(AGUS, OTHER, nik=AGUS["nik"][:-1] + "7", tanggal_meninggal=date(2026, 12, 24))
    built = nation.told(handed("dukcapil", row), out=out)
    assert "AGUS SALIM" in built.persons() and built.report["persons"]["died"] == 0
    assert [one["pasti"] for one in built.held("meninggal")] == [False]
    assert built.report["persons"]["died_uncertain"] == 1


def test_who_died_before_anybody_knew_them_is_no_new_person(nation, out):
    row = said(person("KARTO WIJOYO", date(1931, 4, 4)), CARD, tanggal_meninggal=date(2019, 5, 6))
    built = nation.told(handed("dukcapil", row), out=out)
    assert built.held("usulan") == [] and [one["nama"] for one in built.held("almarhum")] == ["KARTO WIJOYO"]


def test_a_death_to_come_is_no_death(nation, out):
    built = nation.told(handed("dukcapil", said(AGUS, OTHER, tanggal_meninggal=date(2030, 1, 1))), out=out)
    assert "AGUS SALIM" in built.persons()


def test_a_household_that_moves_is_written_where_it_is(nation, out):
    moved = _place_of_bandung() | {"alamat": "JALAN BRAGA 5"}
    built = nation.told(handed("dukcapil", *everybody(agus=moved, rina=moved)), out=out)
    (family,) = (one for one in built.families() if one["nomor_kk"] == OTHER)
    assert (family["kode_kab"], family["kode_desa"], family["alamat"]) == ("3273", BANDUNG, "JALAN BRAGA 5")
    assert family["klasifikasi_wilayah"] == "2", "as the other households of that village"
    assert family["jenis_lantai"] == "1", "nobody told anything new about the floor"
    rina = built.persons()["RINA MARLINA"]
    assert (rina["kode_kab"], rina["alamat"]) == ("3273", "JALAN BRAGA 5")
    counts = built.report["families"]
    assert (counts["moved_village"], counts["moved_regency"], counts["moved"]) == (1, 1, 0)


def test_an_address_does_not_move_along(nation, out):
    moved = _place_of_bandung()
    built = nation.told(handed("dukcapil", *everybody(agus=moved, rina=moved)), out=out)
    assert built.persons()["RINA MARLINA"]["alamat"] is None


def _place_of_bandung():
    return {name: value for name, value in said({}, None, BANDUNG).items() if name != "nomor_kk"}


def test_a_new_card_is_the_same_household_and_who_has_no_number_comes_along(nation, out):
    fresh = {"nomor_kk": FRESH}
    built = nation.told(handed("dukcapil", *everybody(budi=fresh, dewi=fresh, hasan=fresh)), out=out)
    (family,) = (one for one in built.families() if one["nomor_kk"] == FRESH)
    assert sorted(family["members"]) == sorted(one["nama"] for one in (BUDI, DEWI, HASAN, BAYI))
    assert (family["desil"], family["jenis_lantai"]) == (2, "3")
    counts = built.report["families"]
    assert (counts["moved"], counts["new_card"], counts["split"], counts["now"]) == (4, 1, 0, 3)


def test_who_leaves_with_a_card_of_their_own_keeps_the_rank_and_nothing_of_the_house(nation, out):
    own = {"nomor_kk": FRESH, "hubungan_kepala_keluarga": HEAD}
    built = nation.told(handed("dukcapil", *everybody(hasan=own)), out=out)
    (new,) = (one for one in built.families() if one["nomor_kk"] == FRESH)
    (old,) = (one for one in built.families() if one["nomor_kk"] == CARD)
    assert (new["members"], new["nama_kepala_keluarga"], new["desil"]) == (["HASAN BASRI"], "HASAN BASRI", 2)
    assert (new["jenis_lantai"], new["rt"], new["kode_desa"]) == (None, None, BOGOR)
    assert (old["jumlah_anggota_keluarga"], old["jenis_lantai"], old["desil"]) == (3, "3", 2)
    assert built.report["families"]["split"] == 1 and built.report["families"]["now"] == 4


def test_who_marries_into_a_household_lives_there(nation, out):
    married = {"nomor_kk": CARD, "hubungan_kepala_keluarga": "4"}
    built = nation.told(handed("dukcapil", *everybody(rina=married)), out=out)
    (family,) = (one for one in built.families() if one["nomor_kk"] == CARD)
    assert "RINA MARLINA" in family["members"] and family["member_count"] == 5
    assert family["nama_kepala_keluarga"] == "BUDI SANTOSO" and family["jenis_lantai"] == "3"
    assert built.persons()["RINA MARLINA"]["desil"] == 2


def test_a_household_whose_last_members_join_another_is_no_more(nation, out):
    joined = {"nomor_kk": "3273010101010003", **_place_of_bandung()}
    built = nation.told(handed("dukcapil", *everybody(agus=joined, rina=joined)), out=out)
    assert [one["nomor_kk"] for one in built.families()] == [CARD, "3273010101010003"]
    assert built.report["families"]["joined"] == 1
    assert built.families()[1]["members"][0] == "ASEP KURNIAWAN", "the head stands first"


def test_a_corrected_number_is_taken_over_and_counted(nation, out):
    right = AGUS["nik"][:-1] + "5"
    built = nation.told(handed("dukcapil", said(AGUS, OTHER, nik=right)), out=out)
    agus = built.persons()["AGUS SALIM"]
    assert (agus["nik"], agus["nik_number"], agus["status_padan"]) == (right, int(right), "2")
    assert built.report["persons"]["nik_changed"] == 1


def test_a_number_that_somebody_else_has_is_not_taken_over(nation, out):
    """The register gives Agus the number of Budi: whoever is right, two persons with one number are no progress."""
    built = nation.told(handed("dukcapil", said(AGUS, OTHER, nik=BUDI["nik"])), out=out)
    assert built.persons()["AGUS SALIM"]["nik"] == AGUS["nik"]
    assert built.report["sets"][0]["match"] == 1 and built.report["persons"]["nik_of_others"] == 1
    assert built.report["persons"]["nik_changed"] == 0


def test_two_rows_of_one_person_are_one_row_and_one_held(nation, out):
    rows = said(BUDI, CARD, tempat_lahir="BOGOR"), said(BUDI, CARD, nama="BUDI SANTOSA", tempat_lahir="DEPOK")
    built = nation.told(handed("dukcapil", *rows), out=out)
    assert built.persons()["BUDI SANTOSO"]["tempat_lahir"] == "BOGOR"
    assert [one["_baris"] for one in built.held("ganda")] == [2] and built.report["sets"][0]["twice"] == 1


def test_several_sources_are_heard_each_by_the_rules(nation, out):
    """Work: whoever told last. Disability: only if two say so. Electricity: the company alone."""
    register = handed("dukcapil", *everybody())
    survey = handed(
        "regsosek",
        said(BUDI, CARD, bekerja=True, penyandang_disabilitas=True, tanggal_pemutakhiran=date(2026, 12, 1)),
        said(DEWI, CARD, penyandang_disabilitas=True, tanggal_pemutakhiran=date(2026, 12, 1)),
    )
    welfare = handed(
        "dtks",
        said(BUDI, CARD, bekerja=False, penyandang_disabilitas=True, penerima_pkh=True, tanggal_pemutakhiran=SENT),
    )
    power = handed("pln", said(BUDI, desa=BOGOR, id_pln="520000000001", daya_listrik="2"))
    built = nation.told(register, survey, welfare, power, out=out)
    budi, dewi = built.persons()["BUDI SANTOSO"], built.persons()["DEWI SARI"]
    assert (budi["bekerja"], budi["penyandang_disabilitas"], dewi["penyandang_disabilitas"]) == (False, True, None)
    assert built.origin(budi, "bekerja")[0] == "dtks" and built.origin(budi, "penyandang_disabilitas")[0] == "regsosek"
    (family,) = (one for one in built.families() if one["nomor_kk"] == CARD)
    assert (family["penerima_pkh"], family["id_pln"], family["daya_listrik"]) == (True, "520000000001", "2")
    assert built.origin(family, "id_pln") == ("pln", "7", SENT)
    assert built.origin(budi, "jam_kerja")[0] == built.origin(budi, "bekerja")[0], "unknown as the survey leaves it"
    assert built.report["variables"]["bekerja"]["conflicts"] == 1
    assert built.origin(budi, "nama")[0] == "dukcapil" and budi["status_padan"] == "1"


def test_what_was_told_is_known_by_its_day(nation, out):
    built = nation.told(handed("dukcapil", *everybody(budi={"tempat_lahir": "BOGOR"})), out=out)
    (family,) = (one for one in built.families() if one["nomor_kk"] == CARD)
    (other,) = (one for one in built.families() if one["nomor_kk"] == OTHER)
    assert (family["tanggal_pemutakhiran"], other["tanggal_pemutakhiran"]) == (SENT, date(2026, 1, 1))
    assert built.persons()["HASAN BASRI"]["umur"] == 22 and DAY.year - 2004 == 22


def test_the_same_sets_give_the_same_data_set_byte_for_byte(nation, out):
    fresh = {"nomor_kk": FRESH}
    rows = everybody(hasan=fresh, agus=_place_of_bandung(), rina=_place_of_bandung())
    once, again = (nation.told(handed("dukcapil", *rows), out=f"{out}-{n}").folder for n in (1, 2))
    files = sorted(path.relative_to(once) for path in (once / "data").rglob("*") if path.is_file())
    assert len(files) == 2 * 3 + 1
    assert all((once / file).read_bytes() == (again / file).read_bytes() for file in [*files, "report.json"])


def test_a_quarter_later_values_still_know_where_they_come_from(nation, out, tmp_path):
    """The same set once more changes nothing; an older one of the same source, and one that comes after it in the
    rule's list, do not put away what was told; and what was told stays known by its set."""
    rows = everybody(budi={"tempat_lahir": "BOGOR", "rt": "007"})
    later = nation.told(handed("dukcapil", *rows), out=out).published(tmp_path)
    again = later.told(handed("dukcapil", *rows), out="again")
    assert not any(one["changed"].get("dukcapil") for one in again.report["variables"].values())
    old = handed("dukcapil", said(BUDI, CARD, tempat_lahir="DEPOK"), name="6", day=date(2026, 12, 1))
    survey = handed("regsosek", said(BUDI, CARD, tempat_lahir="CIAMIS", bekerja=True, tanggal_pemutakhiran=LATER))
    built = later.told(old, survey, out="old")
    budi, dewi = built.persons()["BUDI SANTOSO"], built.persons()["DEWI SARI"]
    assert (budi["tempat_lahir"], budi["rt"], budi["bekerja"]) == ("BOGOR", "007", True)
    assert built.origin(budi, "tempat_lahir") == built.origin(budi, "rt") == ("dukcapil", "7", SENT)
    assert built.origin(budi, "bekerja")[:2] == ("regsosek", "7")
    assert built.origin(dewi, "nama") == ("dukcapil", "7", SENT)
    assert built.origin(dewi, "bekerja")[1] == ""
    assert built.dataset()["built"]["after"]["version"] == later.release.version


def test_what_is_interrupted_leaves_nothing(nation, out, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="disturbed"):
        patched.setattr(job.Spill, "write", lambda *_: (_ for _ in ()).throw(RuntimeError("disturbed")))
        nation.told(handed("dukcapil", *everybody()), out=out)
    assert not [one for one in nation.folder.iterdir() if out in one.name]
    nation.told(handed("dukcapil", *everybody()), out=out)


@pytest.mark.parametrize(
    ("sets", "code"),
    [((), "building-nothing-handed-in"), (("dukcapil", "dukcapil"), "building-set-twice")],
)
def test_why_nothing_is_built(nation, tmp_path, sets, code):
    given = [handed(source, said(BUDI, CARD)) for source in sets]
    no = build(nation.release, given, nation.matching(), STORAGE, LATER, tmp_path / "out")
    assert isinstance(no, Refusal) and no.code == code and no.sentence() and not (tmp_path / "out").exists()


def test_a_set_that_is_not_what_was_accepted_is_not_built_from(nation, tmp_path):
    one, other = handed("dukcapil", said(BUDI, CARD)), handed("dukcapil", said(DEWI, CARD))
    object.__setattr__(one, "opened", other.opened)
    with pytest.raises(Damaged, match="building-set-altered"):
        build(nation.release, [one], nation.matching(), STORAGE, LATER, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_something_is_already_is_not_written(nation, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    no = build(
        nation.release, [handed("dukcapil", said(BUDI, CARD))], nation.matching(), STORAGE, LATER, tmp_path / "out"
    )
    assert isinstance(no, Refusal) and no.code == "dataset-exists"


def test_nobody_is_named_in_the_report(nation, out):
    built = nation.told(handed("dukcapil", *everybody(), said(person("X Y", date(2000, 1, 1)), CARD)), out=out)
    text = json.dumps(built.report)
    for one in (*ALL, ASEP):
        assert one["nama"] not in text and one["nik"] not in text
    assert CHILD
