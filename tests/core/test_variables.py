"""The catalogue: what it holds, what it refuses, and which level may hold what."""

import copy
from datetime import date

import pytest

from bagipakai.core.plan import Level
from bagipakai.core.policy import NoRule, PolicyError, policy_file
from bagipakai.core.variables import Catalogue, Sensitivity, Type, UnknownVariable

TODAY = date(2026, 11, 26)
CATALOGUE = Catalogue.on(TODAY)


def test_about_a_hundred_variables_about_half_of_each_unit():
    assert 95 <= len(CATALOGUE) <= 110
    assert len(CATALOGUE.of_unit("keluarga")) >= 50
    assert len(CATALOGUE.of_unit("individu")) >= 48


def test_every_variable_says_what_it_means_where_it_comes_from_and_why():
    for variable in CATALOGUE.values():
        assert variable.official_name and variable.english and variable.measure and variable.producer and variable.basis
        assert len(variable.definition) > 20 and variable.definition.endswith("."), variable.name


def test_the_ranking_group_has_nineteen_goods_and_animals():
    goods = [name for name in CATALOGUE if name.startswith(("aset_", "ternak_"))]
    assert len(goods) == 19


def test_a_variable_is_found_by_its_official_name_and_only_by_it():
    assert CATALOGUE["desil"].type is Type.INTEGER
    for name in ("Desil", "desil ", "nama_ibu", ""):
        assert name not in CATALOGUE
        with pytest.raises(UnknownVariable):
            CATALOGUE[name]


def test_no_other_unit_has_variables():
    with pytest.raises(ValueError, match="rumah"):
        CATALOGUE.of_unit("rumah")


def test_codes_have_labels_in_both_languages():
    sex = CATALOGUE["jenis_kelamin"].codes
    assert list(sex) == ["1", "2"] and sex.label("2") == "Perempuan" and sex.label("2", "en") == "Female"
    assert "3" not in sex
    with pytest.raises(KeyError):
        sex.label("3")


# Law reference 6.1 and 6.2, line by line.


@pytest.mark.parametrize(
    "name", ["nik", "nomor_kk", "nama", "nama_kepala_keluarga", "tanggal_lahir", "alamat", "id_pln"]
)
def test_an_identifier_is_for_l4_alone_whatever_the_gates(name):
    variable = CATALOGUE[name]
    assert variable.sensitivity is Sensitivity.PERSONAL_IDENTIFIER
    assert variable.may_stand_in(Level.L4)
    for level in (Level.L1, Level.L2, Level.L3):
        assert not variable.may_stand_in(level)
        assert not variable.may_stand_in(level, tier=Level.L4), "a tier adds gates, never names"


@pytest.mark.parametrize("name", ["kode_desa", "nama_desa", "rt", "rw"])
def test_the_village_is_for_l3(name):
    assert CATALOGUE.level_of([name]) is Level.L3
    assert not CATALOGUE[name].may_stand_in(Level.L2)
    assert CATALOGUE[name].may_stand_in(Level.L3)
    assert not CATALOGUE[name].may_stand_in(Level.L1)


def test_a_table_by_village_needs_the_gates_of_l3():
    assert CATALOGUE["kode_desa"].may_stand_in(Level.L1, tier=Level.L3)
    assert not CATALOGUE["rt"].may_stand_in(Level.L1, tier=Level.L4), "never a dimension"


@pytest.mark.parametrize(
    "name",
    [
        "penyakit_kronis",
        "penyandang_disabilitas",
        "gangguan_depresi",
        "status_gizi",
        "sedang_hamil",
        "memiliki_tabungan",
    ],
)
def test_specific_data_are_for_tables_or_for_rows_under_tier_l4(name):
    variable = CATALOGUE[name]
    assert variable.sensitivity is Sensitivity.SPECIFIC
    assert variable.may_stand_in(Level.L1)
    assert not variable.may_stand_in(Level.L2) and not variable.may_stand_in(Level.L3)
    assert variable.may_stand_in(Level.L2, tier=Level.L4) and variable.may_stand_in(Level.L4)
    assert CATALOGUE.tier_of([name, "umur"], Level.L2) is Level.L4
    assert CATALOGUE.tier_of([name, "umur"], Level.L1) is Level.L1
    assert CATALOGUE.level_of([name, "umur"]) is Level.L2, "the tier rises, the level of the content does not"


@pytest.mark.parametrize("place", ["rt", "rw"])
@pytest.mark.parametrize("person", ["jenis_kelamin", "tanggal_lahir"])
def test_rt_or_rw_with_sex_or_birth_date_is_for_l4(place, person):
    assert CATALOGUE.level_of([place, person]) is Level.L4
    assert CATALOGUE.level_of([place, "umur"]) is Level.L3


def test_the_national_rank_is_for_l4_because_it_joins_packages():
    assert CATALOGUE.level_of(["peringkat"]) is Level.L4
    assert CATALOGUE.level_of(["desil", "persentil"]) is Level.L2


def test_asking_about_an_unknown_variable_is_never_answered_by_a_level():
    with pytest.raises(UnknownVariable):
        CATALOGUE.level_of(["desil", "nama_ibu"])
    with pytest.raises(UnknownVariable):
        CATALOGUE.tier_of(["nama_ibu"], Level.L2)


def test_the_digest_changes_with_any_word_and_with_nothing_else():
    variables, codes = copy.deepcopy(dict(policy_file("variables"))), copy.deepcopy(dict(policy_file("codes")))
    assert Catalogue.from_policy(variables, codes, TODAY).digest == CATALOGUE.digest
    codes["list"][0]["codes"][0][1] = "Pria"
    assert Catalogue.from_policy(variables, codes, TODAY).digest != CATALOGUE.digest


def test_last_year_has_no_catalogue():
    with pytest.raises(NoRule):
        Catalogue.on(date(2025, 12, 31))


def test_a_later_row_of_one_variable_replaces_it_and_leaves_the_others():
    variables = copy.deepcopy(dict(policy_file("variables")))
    later = {**variables["variable"][0], "from": date(2027, 1, 1), "definition": "Nomor baru untuk keluarga ini."}
    variables["variable"].append(later)
    after = Catalogue.from_policy(variables, policy_file("codes"), date(2027, 1, 1))
    assert after[later["name"]].definition == later["definition"]
    assert list(after) == list(CATALOGUE)
    assert Catalogue.from_policy(variables, policy_file("codes"), TODAY).digest == CATALOGUE.digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "float"}, "float"),
        ({"units": []}, "no unit"),
        ({"units": ["rumah"]}, "rumah"),
        ({"codes": "tidak_ada"}, "tidak_ada"),
        ({"class": "SPECIFIC"}, "L1 is the lowest level"),
        ({"lowest_level": "L1"}, "L1 is the lowest level"),
        ({"class": "PERSONAL_IDENTIFIER"}, "needs L4"),
        ({"dimension": "ya"}, "dimension"),
        ({"required": None}, "required"),
        ({"definition": ""}, "definition"),
        ({"name": "Umur"}, "lower-case"),
        ({"level": "L2"}, "not a field"),
        ({"type": "text"}, "only an integer"),
        ({"codes": "jenis_kelamin"}, "only text"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused_by_name(change, said):
    variables = copy.deepcopy(dict(policy_file("variables")))
    at = next(number for number, row in enumerate(variables["variable"]) if row["name"] == "umur")
    row = {**variables["variable"][at], **change}
    variables["variable"][at] = {name: value for name, value in row.items() if value is not None}
    with pytest.raises(PolicyError, match=r"variables\.toml, [uU]mur") as error:
        Catalogue.from_policy(variables, policy_file("codes"), TODAY)
    assert said in str(error.value)


def test_a_combination_of_unknown_variables_is_refused():
    variables = copy.deepcopy(dict(policy_file("variables")))
    variables["combination"][0]["with"] = ["nama_ibu"]
    with pytest.raises(PolicyError, match="nama_ibu"):
        Catalogue.from_policy(variables, policy_file("codes"), TODAY)


def test_a_code_stands_once_in_its_list():
    codes = copy.deepcopy(dict(policy_file("codes")))
    codes["list"][0]["codes"].append(codes["list"][0]["codes"][0])
    with pytest.raises(PolicyError, match="stands once"):
        Catalogue.from_policy(policy_file("variables"), codes, TODAY)
