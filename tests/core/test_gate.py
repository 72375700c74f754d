"""A draft becomes a release only within the limits, or under an exemption of two persons that names the figure."""

from datetime import date

import pytest

from bagipakai.core.gate import Exemption, Judgement, Measure, figures, judge, passes
from bagipakai.core.refusal import Refusal

DAY = date(2026, 10, 1)
UNITS = ("individu", "keluarga")


def counts(rows: int = 1_000_000, **spoiled: int) -> dict:
    """A report without a fault but the spoiled ones: `missing_desil=40_000` of individu."""
    told = {}
    for unit in UNITS:
        told[unit] = {
            "rows": rows,
            "variables": {name: {"missing": 0, "invalid": 0} for name in ("desil", "nama", "sedang_hamil")},
            "checks": {"umur_beda_tanggal_lahir": 0} if unit == "individu" else {"jumlah_anggota_beda": 0},
            "duplicates": {"nik": {"values": 0, "rows": 0}} if unit == "individu" else {},
        }
    for what, count in spoiled.items():
        measure, name = what.split("_", 1)
        if measure == "check":
            told["individu"]["checks"][name] = count
        elif measure == "duplicate":
            told["individu"]["duplicates"][name]["rows"] = count
        else:
            told["individu"]["variables"][name][measure] = count
    return told


@pytest.mark.parametrize(
    ("spoiled", "code", "detail"),
    [
        ({"missing_desil": 30_000}, None, None),
        ({"missing_desil": 40_000}, "release-quality-missing", ("desil", "40000", "30000")),
        ({"missing_nama": 1_000}, "release-quality-missing", None),
        ({"missing_sedang_hamil": 660_000}, None, None),
        ({"invalid_nama": 2_000}, "release-quality-invalid", ("nama", "2000", "1000")),
        ({"check_umur_beda_tanggal_lahir": 5_000}, "release-quality-check", None),
        ({"duplicate_nik": 5_000}, "release-quality-duplicate", ("nik", "5000", "100")),
    ],
)
def test_a_figure_above_its_limit_is_a_refusal_that_names_variable_figure_and_limit(spoiled, code, detail):
    no = passes(judge(counts(**spoiled), None, DAY), None)
    assert (no and no.code) == code
    if detail:
        assert (no.detail["variable"], no.detail["figure"], no.detail["limit"]) == detail
        assert all(word in no.sentence() for word in detail) and "–" not in no.sentence("en")


def test_the_release_before_is_the_measure_of_change():
    before = counts(missing_sedang_hamil=600_000)
    assert judge(counts(missing_sedang_hamil=610_000), before, DAY).above == ()
    above = judge(counts(missing_sedang_hamil=640_000), before, DAY).above
    assert [(one.figure.measure, one.figure.share) for one in above] == [(Measure.MISSING_CHANGE, 40_000)]
    above = judge(counts(rows=960_000), counts(), DAY).above
    assert {(one.figure.measure, one.figure.share) for one in above} == {(Measure.ROWS_CHANGE, 40_000)}


def test_few_rows_say_nothing():
    """Five of a hundred rows are fifty thousand of a million, and five persons."""
    assert judge(counts(rows=100, missing_desil=5), None, DAY).above == ()


def test_what_no_limit_covers_is_not_let_through():
    outcome = judge(counts(), None, date(2025, 12, 31))
    assert isinstance(outcome, Refusal) and outcome.code == "release-quality-without-limit"


def test_every_measure_is_judged():
    told = judge(counts(), counts(), DAY)
    assert isinstance(told, Judgement)
    assert {figure.measure for figure in figures(counts(), counts())} == set(Measure)
    assert told.judged == len(list(figures(counts(), counts())))


TWO = [{"name": "Sri", "post": "Kepala Bidang"}, {"name": "Made", "post": "Kepala Pusat"}]
WHY = "Sumber PLN terlambat satu pekan"
DESIL = ["individu", "missing", "desil"]


def test_two_persons_with_a_reason_let_the_figures_through_that_they_name():
    judgement = judge(counts(missing_desil=40_000, invalid_nama=2_000), None, DAY)
    exempt = Exemption.from_json({"persons": TWO, "reason": WHY, "figures": [DESIL]})
    assert passes(judgement, exempt).code == "release-quality-invalid"
    both = Exemption.from_json({"persons": TWO, "reason": WHY, "figures": [DESIL, ["individu", "invalid", "nama"]]})
    assert passes(judgement, both) is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "release-exemption-malformed"),
        ({"persons": TWO, "reason": WHY}, "release-exemption-malformed"),
        ({"persons": TWO[:1], "reason": WHY, "figures": []}, "release-exemption-by-one"),
        (
            {"persons": [TWO[0], {"name": " SRI ", "post": "Lain"}], "reason": WHY, "figures": []},
            "release-exemption-by-one",
        ),
        ({"persons": [TWO[0], {"name": "Made", "post": ""}], "reason": WHY, "figures": []}, "release-exemption-by-one"),
        ({"persons": TWO, "reason": "mendesak", "figures": []}, "release-exemption-without-reason"),
    ],
)
def test_less_than_two_persons_and_a_reason_is_no_exemption(value, code):
    outcome = Exemption.from_json(value)
    assert isinstance(outcome, Refusal) and outcome.code == code
