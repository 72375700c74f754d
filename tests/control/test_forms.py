"""The request form is data, and its answers are checked one by one before anything is kept."""

from datetime import date

import pytest

from bagipakai.control import forms
from bagipakai.core.disclosure import Grain
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Not, Op, Or
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue

DAY = date(2026, 11, 26)
FORM = forms.current(DAY)
SETTING = forms.Setting(
    day=DAY,
    catalogue=Catalogue.on(DAY),
    purposes=forms.purposes(DAY),
    regions={"32": "Jawa Barat", "3201": "Kabupaten Bogor", "3202": "Kabupaten Sukabumi", "3301": "Kabupaten Cilacap"},
    releases=("2026.3.0",),
    competence="32",
    grains=Grain.on(DAY),
)


def check(code, answer, **answers):
    outcome = forms.checked(FORM.question(code), answer, answers, SETTING)
    return outcome.code if isinstance(outcome, Refusal) else outcome


def test_the_form_asks_for_purpose_programme_legal_basis_and_reasons():
    """R-02, R-12: in detail, and for each variable."""
    asked = {question.code for question in FORM.questions if question.required}
    assert {"purpose", "programme", "programme_detail", "legal_basis", "variables", "ends_on"} <= asked


def test_every_question_speaks_two_languages_and_says_what_to_do():
    for question in FORM.questions:
        assert question.label("id") != question.label("en")
        assert not question.required or (question.missing("id") and question.missing("en"))


def test_what_is_asked_depends_on_the_level():
    table = {question.code for question in FORM.asked({"level": "L1"})}
    rows = {question.code for question in FORM.asked({"level": "L4"})}
    assert rows - table == {"handlers", "pdp_capacity"}


def test_an_empty_answer_is_kept_as_not_yet():
    assert check("programme", "   ") is None
    assert check("variables", []) is None
    assert "programme" in {question.code for question in FORM.unanswered({})}


def test_text_is_tidied_and_has_an_end():
    assert check("programme", "  Program \n Keluarga  Harapan ") == "Program Keluarga Harapan"
    assert check("programme", "x" * 201) == "answer-too-long"
    assert check("programme", "PKH\u202e") == "answer-hidden-characters"
    assert check("programme", "PKH\x00") == "answer-hidden-characters"
    assert check("programme", ["PKH"]) == "answer-not-valid"


def test_a_choice_is_one_of_those_offered():
    assert check("level", "L3") == "L3"
    assert check("level", "L9") == "answer-not-valid"
    assert check("purpose", "BANSOS") == "BANSOS"
    assert check("purpose", "JUALAN") == "answer-not-valid"
    assert check("release", "2026.3.0") == "2026.3.0"
    assert check("release", "2030.1.0") == "answer-not-valid"
    assert check("onward_sharing", False) is False
    assert check("onward_sharing", "false") == "answer-not-valid"


def test_only_a_table_may_be_asked_for_in_sdmx_csv():
    """Asked later for rows, the plan refuses it (test_plan.py): the answer was given for a table."""
    question = FORM.question("format")
    assert "sdmx-csv" in dict(question.options(level="L1")) and "sdmx-csv" in dict(question.options())
    assert check("format", "sdmx-csv", level="L1") == "sdmx-csv"
    for level in ("L2", "L3", "L4"):
        assert "sdmx-csv" not in dict(question.options(level=level))
        assert check("format", "sdmx-csv", level=level) == "answer-not-valid"
        assert check("format", "csv", level=level) == "csv"


def test_access_ends_on_a_day_to_come_within_a_year():
    assert check("ends_on", "2027-06-30") == "2027-06-30"
    assert check("ends_on", "2026-11-26") == "answer-date-passed"
    assert check("ends_on", "2028-01-01") == "answer-date-too-late"
    assert check("ends_on", "30/06/2027") == "answer-not-a-date"


def test_an_area_is_known_and_inside_the_competence():
    assert check("area", ["3202", "3201", "3201"]) == ["3201", "3202"]
    assert check("area", ["32", "3201"]) == ["32"]
    assert check("area", ["3301"]) == "area-outside-competence"
    assert check("area", ["ID"]) == "area-outside-competence"
    for unknown in ("9999", "32.01", "٣٢", "3201'--", ""):
        assert check("area", [unknown]) == "area-unknown", unknown


def test_a_population_is_built_from_answers_and_never_typed():
    answer = [
        {"variable": "desil", "from": 1, "to": 4},
        {"variable": "jenis_kelamin", "values": ["2"]},
        {"variable": "bekerja", "is": False},
        {"variable": "umur", "to": 24},
        {"any_of": ["peserta_pbi", "penerima_pip"]},
    ]
    kept = check("population", answer, unit="individu")
    assert kept == answer
    assert forms.population(kept) == And(
        (
            Between(Column("desil"), 1, 4),
            In(Column("jenis_kelamin"), ("2",)),
            Not(Column("bekerja")),
            Compare(Op.AT_MOST, Column("umur"), Const(24)),
            Or((Column("peserta_pbi"), Column("penerima_pip"))),
        )
    )
    assert forms.population(None) is None


@pytest.mark.parametrize(
    "condition",
    [
        {"variable": "nik", "values": ["3201010101010001"]},
        {"variable": "penyakit_kronis", "values": ["1"]},
        {"variable": "desil", "from": 0, "to": 4},
        {"variable": "desil", "from": 4, "to": 1},
        {"variable": "desil", "from": "1", "to": 4},
        {"variable": "desil", "from": True},
        {"variable": "jenis_kelamin", "values": ["2' OR 1=1"]},
        {"variable": "jenis_kelamin", "values": []},
        {"variable": "penerima_pkh", "is": True},
        {"variable": "tidak_ada", "is": True},
        {"variable": "desil", "sql": "1=1"},
        {"any_of": ["desil"]},
        "desil <= 4",
    ],
)
def test_a_condition_that_is_not_one_is_refused(condition):
    assert check("population", [condition], unit="individu") == "condition-not-valid"


def test_a_condition_needs_the_unit_first():
    assert check("population", [{"variable": "desil", "from": 1}]) == "unit-first"
    assert check("variables", [{"name": "desil", "reason": ""}]) == "unit-first"


def test_variables_keep_their_order_and_their_reasons():
    answer = [{"name": "umur", "reason": "  kelompok  umur"}, {"name": "desil", "reason": ""}]
    assert check("variables", answer, unit="individu") == [
        {"name": "umur", "reason": "kelompok umur"},
        {"name": "desil", "reason": ""},
    ]
    assert check("variables", [{"name": "x", "reason": "y"}], unit="individu") == "variable-unknown"
    assert check("variables", [{"name": "penerima_pkh", "reason": "y"}], unit="individu") == "variable-unknown"
    assert check("variables", [answer[0], answer[0]], unit="individu") == "variable-twice"
    assert check("variables", [answer[0] | {"class": "GENERAL"}], unit="individu") == "answer-not-valid"


ROWS = {"unit": "individu", "level": "L2", "purpose": "PERENCANAAN"}


def asked(name="umur", reason="Sasaran", **more):
    return [{"name": name, "reason": reason, **more}]


@pytest.mark.parametrize("level", ["L2", "L3"])
def test_rows_without_names_may_be_told_more_coarsely(level):
    assert check("variables", asked(grain="10-TAHUN"), **ROWS | {"level": level}) == asked(grain="10-TAHUN")


def test_as_it_is_leaves_no_trace_in_the_answer():
    """What answers looked like before there were grains: their digests stand."""
    assert check("variables", asked(grain=""), **ROWS) == asked()


@pytest.mark.parametrize("level", ["L1", "L4", None])
def test_nothing_else_may(level):
    assert check("variables", asked(grain="10-TAHUN"), **ROWS | {"level": level}) == "plan-grain-unknown"


@pytest.mark.parametrize("grain", ["7-TAHUN", "KELOMPOK", 5, None, ["5-TAHUN"]])
def test_a_grain_is_one_of_those_that_the_variable_has(grain):
    assert check("variables", asked(grain=grain), **ROWS) == "plan-grain-unknown"


def test_a_variable_says_nothing_else():
    assert check("variables", asked(level="L1"), **ROWS) == "answer-not-valid"
    assert check("variables", [{"name": "umur", "grain": ""}], **ROWS) == "answer-not-valid"


def test_what_the_purpose_may_not_use_is_refused_while_asking():
    assert check("variables", asked("nik"), **ROWS) == "plan-variable-outside-purpose"
    assert check("variables", asked("nik"), **ROWS | {"purpose": "BANSOS"}) == asked("nik")
    assert check("variables", asked("nik"), unit="individu") == asked("nik")  # no purpose yet
