"""List and registry are compared in one form, and what is damaged or missing counts for nothing."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.matching import names, regions
from bagipakai.registry.matching.features import features

DAY = date(2026, 7, 1)
NIK = "3201014503800001"  # a woman, born on 5 March 1980
KK = "3201011206080007"


def of(**row: object) -> dict:
    """The features of one row."""
    return features(pa.table({name: [value] for name, value in row.items()}), DAY).to_pylist()[0]


def told(row: dict, *columns: str) -> tuple:
    return tuple(row[column] for column in columns)


def test_a_row_of_a_list_and_the_same_row_of_the_registry_are_equal():
    listed = of(
        nik=f"'{NIK}",
        no_kk="3201-0112-0608-0007",
        nama="Hj. Siti  AMINAH",
        jenis_kelamin="Perempuan",
        tanggal_lahir="5 Maret 1980",
        nama_ibu="ANI",
        kode_desa="32.01.01.2001",
    )
    registered = of(
        registry_id=7,
        nik=int(NIK),
        no_kk=KK,
        nama="Hj. SITI AMINAH",
        jenis_kelamin="P",
        tempat_lahir="BOGOR",
        tanggal_lahir=date(1980, 3, 5),
        nama_ibu="Ani",
        kode_desa="3201012001",
        kode_kec="320101",
        kode_kab="3201",
        kode_prov="32",
    )
    assert listed == registered
    assert told(listed, "nik", "nik_sound", "nik_own", "nik_fits") == (int(NIK), 16, True, True)
    assert told(listed, "kk", "born", "born_part", "born_default") == (int(KK), date(1980, 3, 5), 3, False)
    assert told(listed, "sex", "kab", "kec", "desa") == (2, 3201, 320101, 3201012001)


def test_the_columns_have_their_types():
    kinds = {field.name: str(field.type) for field in features(pa.table({"nama": ["SITI"]}), DAY).schema}
    assert list(kinds.items())[:15] == [
        ("nik", "int64"),
        ("nik_sound", "uint8"),
        ("nik_odd", "int64"),
        ("nik_beside", "int64"),
        ("nik_own", "bool"),
        ("nik_fits", "bool"),
        ("kk", "int64"),
        ("kk_15", "int64"),
        ("born", "date32[day]"),
        ("born_part", "uint8"),
        ("born_default", "bool"),
        ("sex", "int8"),
        ("kab", "int32"),
        ("kec", "int32"),
        ("desa", "int64"),
    ]
    for prefix in ("name", "mother"):
        for form in names.COLUMNS:
            assert kinds[f"{prefix}_{form.name}".removesuffix("_canonical")] == str(form.type)


def test_a_missing_column_is_unknown():
    row = of(alamat="JALAN MAWAR")
    known = {"nik_sound": 0, "nik_own": False, "born_default": False}
    assert {name: value for name, value in row.items() if value is not None} == known
    assert features(pa.table({"nik": pa.array([], pa.string())}), DAY).num_rows == 0


# --- NIK and the row --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "sex", "fits"),
    [
        ("05-03-1980", "P", True),
        ("05-03-1980", None, True),
        ("1980", "P", True),
        ("03-1980", None, True),
        ("05-03-1980", "L", False),
        ("06-03-1980", "P", False),
        ("05-04-1980", "P", False),
        ("1981", None, False),
        (None, "L", False),
        (None, "P", None),
        (None, None, None),
    ],
)
def test_a_nik_is_held_against_its_own_row(born, sex, fits):
    assert of(nik=NIK, tanggal_lahir=born, jenis_kelamin=sex)["nik_fits"] is fits


def test_what_is_sound_of_a_damaged_nik_is_held_against_its_row():
    row = of(nik="3,2010145038E+15", tanggal_lahir="05-03-1980", jenis_kelamin="P")
    assert told(row, "nik", "nik_sound", "nik_own", "nik_fits") == (3201014503800000, 15, True, True)
    row = of(nik="3,20101E+15", tanggal_lahir="05-03-1980", jenis_kelamin="P")
    assert told(row, "nik_sound", "nik_own", "nik_fits") == (5, False, None)


def test_one_number_in_both_columns_belongs_to_the_one_whose_date_it_has():
    own = of(nik=NIK, no_kk=NIK, tanggal_lahir="05-03-1980")
    assert told(own, "nik", "nik_sound", "kk") == (int(NIK), 16, None)
    family = of(nik=KK, no_kk=KK, tanggal_lahir="05-03-1980")
    assert told(family, "nik", "nik_sound", "nik_own", "nik_fits", "kk") == (None, 0, False, None, int(KK))
    assert told(of(nik=KK, no_kk=KK), "nik", "kk") == (int(KK), None)


def test_a_damaged_family_number_is_no_evidence():
    rounded = of(no_kk="3201011206080000")
    assert told(rounded, "kk", "kk_15") == (None, 320101120608000)
    assert told(of(no_kk=KK), "kk", "kk_15") == (int(KK), int(KK) // 10)
    assert [of(no_kk=text)["kk"] for text in ("3,20101E+15", "3201011206080000", "0000000000000000", "x")] == [None] * 4


# --- Sex and region ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sex"),
    [
        (("L", "l", "LK", "Laki-laki", "LAKI LAKI", "laki2", "Pria", "1", "1.0", "M", "Male"), 1),
        (("P", "PR", "Perempuan", "PEREMPUAN ", "Prempuan", "Wanita", "W", "2", "2.0", "F", "female"), 2),
        (("", "-", "X", "L/P", "3", None), None),
    ],
)
def test_words_for_sex(words, sex):
    assert {of(jenis_kelamin=word)["sex"] for word in words} == {sex}


@pytest.mark.parametrize(
    ("row", "kab", "kec", "desa"),
    [
        ({"kode_desa": "3201012001"}, 3201, 320101, 3201012001),
        ({"kode_desa": "32.01.01.2001"}, 3201, 320101, 3201012001),
        ({"kode_desa": "3201012001.0"}, 3201, 320101, 3201012001),
        ({"kode_desa": " '32 01 01 2001"}, 3201, 320101, 3201012001),
        ({"kode_desa": 3201012001}, 3201, 320101, 3201012001),
        ({"kode_desa": 3201012001.0}, 3201, 320101, 3201012001),
        ({"kode_desa": "32.01.01"}, 3201, 320101, None),
        ({"kode_kec": "320101"}, 3201, 320101, None),
        ({"kode_kab": "3201012001"}, 3201, 320101, 3201012001),
        ({"kode_kab": "32.01"}, 3201, None, None),
        ({"kode_kab": "32"}, None, None, None),
        ({"kode_kab": "3201", "kode_kec": "320201", "kode_desa": "3203012001"}, 3201, 320201, 3203012001),
        ({"kode_desa": "32.1"}, None, None, None),  # 32.01 or 32.10
        ({"kode_desa": "2001"}, None, None, None),
        ({"kode_desa": "9901012001"}, None, None, None),
        ({"kode_desa": "CIAWI", "kode_kec": "-", "kode_kab": None}, None, None, None),
    ],
)
def test_codes_of_every_fashion_and_level(row, kab, kec, desa):
    assert told(of(**row), "kab", "kec", "desa") == (kab, kec, desa)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(), st.text("0123456789.", max_size=14)), max_size=20))
def test_a_column_of_codes_says_of_each_what_it_says_of_it_alone(texts):
    found = regions.codes(pa.array(texts, pa.string())).tolist()
    assert found == [regions.codes(pa.array([text], pa.string()))[0] for text in texts]
    for text, code in zip(texts, found, strict=True):
        if code > 0:
            assert len(str(code)) in (2, 4, 6, 10) and str(code) == "".join(filter(str.isdigit, text))[: len(str(code))]


# --- Names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nobody", ["-", "...", "ALMARHUMAH", "(Alm)", "Tidak Diketahui", "TDK. ADA", "n/a", "XXX", "0"]
)
def test_what_stands_for_want_of_a_name_is_none(nobody):
    row = of(nama="SITI", nama_ibu=nobody)
    assert row["name"] is not None
    assert {value for form, value in row.items() if form.startswith("mother")} == {None}


# --- As a whole -------------------------------------------------------------------------------------------------------

texts = st.one_of(
    st.none(), st.text(), st.sampled_from([NIK, KK, "3,20101E+15", "L", "17-08-1987", "3201012001", "ANI"])
)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(
                ("nik", "no_kk", "nama", "jenis_kelamin", "tanggal_lahir", "nama_ibu", "kode_desa", "kode_kab"), texts
            )
        ),
        min_size=1,
        max_size=8,
    )
)
def test_rows_together_say_what_each_says_alone(rows):
    """A few rows show no habit of their writer."""
    kinds = pa.schema([(name, pa.string()) for name in rows[0]])
    together = features(pa.Table.from_pylist(rows, kinds), DAY).to_pylist()
    assert together == [features(pa.Table.from_pylist([row], kinds), DAY).to_pylist()[0] for row in rows]
