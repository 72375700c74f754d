"""The plan: one spelling, one digest, and everything that stands in its way, each with its sentence."""

import inspect
import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.plans import CATALOGUE, DAY, EDITION, POOR, a_plan, known
from tests.generative.worlds import predicates, worlds

from bagipakai.core.canonical import canonical, read
from bagipakai.core.disclosure import summable
from bagipakai.core.objections import plan as plans
from bagipakai.core.objections.plan import MOST_PARTS, MOST_VALUES, control_tier, objection
from bagipakai.core.plan import (
    Answer,
    Area,
    Asked,
    Exempted,
    Format,
    Level,
    Matching,
    Plan,
    PlanError,
    Protections,
    Unit,
)
from bagipakai.core.query import And, Between, Column, Compare, Const, Count, In, Missing, Not, Op, Or, Rows
from bagipakai.core.variables import Type

DESIL, UMUR = Column("desil"), Column("umur")


def refusals(plan: Plan, **facts: Any) -> str | None:
    no = objection(plan, known(**facts))
    return None if no is None else no.code


# One spelling, one digest


@settings(deadline=None)
@given(st.data())
def test_a_plan_survives_canonical_json(data):
    population = data.draw(st.none() | predicates(data.draw(worlds()).types))
    plan = a_plan(data.draw(st.sampled_from(Level)), population=population)
    again = Plan.from_json(read(canonical(plan.to_json())))
    assert again == plan and again.digest == plan.digest


MATCHING = Matching("DFT-2026-000001", "ab" * 32, 120, Answer.STATUS, reasons=False, one_to_one=True)


def matched(**changes: Any) -> Plan:
    return replace(a_plan(Level.L4, (), matching=MATCHING), **changes)


def test_a_list_may_be_matched_without_any_variable_and_with_some():
    assert objection(matched(), known()) is None
    assert objection(replace(matched(), variables=(Asked("desil", "urutan penyaluran"),)), known()) is None


def test_a_plan_for_matching_comes_back_and_a_plan_without_it_looks_as_it_always_did():
    matched = replace(a_plan(), matching=MATCHING)
    assert Plan.from_json(matched.to_json()) == matched
    assert "matching" not in a_plan().to_json()


def test_a_grain_and_an_exemption_are_in_the_digest_and_survive_json():
    exempted = Protections(("nik",), 0, (Exempted("rows-alike", "uji coba tertutup"),))
    changed = a_plan(variables=(Asked("umur", "sasaran", "5-TAHUN"),), protections=exempted)
    plain = a_plan(variables=(Asked("umur", "sasaran"),))
    assert objection(changed, known()) is None and Plan.from_json(read(canonical(changed.to_json()))) == changed
    assert len({changed.digest, plain.digest, replace(changed, protections=plain.protections).digest}) == 3
    assert "grain" not in str(plain.to_json()) and "exempted" not in str(plain.to_json())


@pytest.mark.parametrize("field", [field.name for field in fields(Matching)])
def test_every_field_of_matching_is_in_the_digest(field):
    other = {"rows": 121, "answer": Answer.YES_NO, "reasons": True, "one_to_one": False}.get(field, "x")
    changed = replace(a_plan(), matching=replace(MATCHING, **{field: other}))
    assert changed.digest != replace(a_plan(), matching=MATCHING).digest


@pytest.mark.parametrize(
    "spoiled",
    [
        {"rows": True},
        {"rows": -1},
        {"answer": "EVERYTHING"},
        {"reasons": "ya"},
        {"digest": 7},
        {"extra": 1},
    ],
)
def test_half_a_matching_is_no_plan(spoiled):
    data = replace(a_plan(), matching=MATCHING).to_json()
    data["matching"] |= spoiled
    with pytest.raises(PlanError):
        Plan.from_json(data)


CHANGES: dict[str, Any] = {
    "request": "R-2",
    "purpose": "sempit",
    "programme": "PIP",
    "legal_basis": "Perpres",
    "level": Level.L3,
    "unit": Unit.KELUARGA,
    "release": "2026.4.0",
    "rolling": True,
    "area": Area(("3201",), EDITION, "BPS"),
    "population": None,
    "variables": (Asked("desil", "x"),),
    "protections": Protections(),
    "format": "parquet",
    "channel": "api",
    "recipient": replace(a_plan().recipient, key="age1other"),
    "onward_sharing": True,
    "ends_on": date(2027, 7, 1),
    "matching": MATCHING,
    "summed": "luas_lahan_pertanian",
}


@pytest.mark.parametrize("field", [field.name for field in fields(Plan)])
def test_every_field_is_in_the_digest(field):
    assert (
        replace(
            a_plan(), **{field: type(getattr(a_plan(), field))(CHANGES[field]) if field == "format" else CHANGES[field]}
        ).digest
        != a_plan().digest
    )


def _at(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _at(("request",), 7),
        _at(("rolling",), 1),
        _at(("onward_sharing",), "no"),
        _at(("onward_sharing",), 0),
        _at(("unit",), ["individu"]),
        _at(("area", "codes"), "3201"),
        _at(("area", "codes"), [3201]),
        _at(("area", "vintage"), "2020"),
        _at(("population",), {"sql": "true"}),
        _at(("population",), {"const": True}),
        _at(("variables", 0, "reason"), None),
        _at(("variables", 0, "name"), 1),
        _at(("variables", 0, "alias"), "x"),
        _at(("variables",), {}),
        _at(("protections", "smallest_cell"), True),
        _at(("protections", "smallest_cell"), -1),
        _at(("protections", "pseudonyms"), "nik"),
        _at(("recipient", "key"), None),
        _at(("ends_on",), "20270630"),
        _at(("ends_on",), None),
        _at(("extra",), 1),
        _at(("summed",), ""),
        _at(("summed",), None),
    ],
)
def test_data_that_are_not_exactly_a_plan_are_refused(change):
    data = read(canonical(a_plan().to_json()))
    change(data)
    with pytest.raises(PlanError):
        Plan.from_json(data)


@pytest.mark.parametrize("field", [field.name for field in fields(Plan) if field.name not in ("matching", "summed")])
def test_no_field_may_be_left_out(field):
    data = a_plan().to_json()
    del data[field]
    with pytest.raises(PlanError):
        Plan.from_json(data)


@pytest.mark.parametrize("field", [field.name for field in fields(Matching)])
def test_no_field_of_matching_may_be_left_out(field):
    data = replace(a_plan(), matching=MATCHING).to_json()
    del data["matching"][field]
    with pytest.raises(PlanError):
        Plan.from_json(data)


@pytest.mark.parametrize("data", [None, [], "plan", 5, {}, {"level": None}])
def test_what_is_no_plan_at_all_is_refused(data):
    with pytest.raises(PlanError):
        Plan.from_json(data)


def test_a_predicate_nested_without_end_is_no_plan():
    nested: Any = {"column": "listrik"}
    for _ in range(5000):
        nested = {"not": nested}
    with pytest.raises(PlanError):
        Plan.from_json({**a_plan().to_json(), "population": nested})


# The sentence the engines run


def test_a_table_counts_and_the_other_levels_keep_rows():
    assert a_plan(Level.L1).query() == Count("individu", ("kode_prov", "desil"), POOR, ("3201",))
    assert a_plan(Level.L2).query() == Rows("individu", ("kode_kab", "desil", "umur"), POOR, ("3201",))


# What stands in the way


@pytest.mark.parametrize("level", list(Level))
def test_nothing_stands_in_the_way_of_a_lawful_plan(level):
    assert objection(a_plan(level), known()) is None


def with_filter(population: Any, level: Level = Level.L2) -> Plan:
    return a_plan(level, population=population)


def families_by(summed: str) -> Plan:
    return a_plan(Level.L1, unit=Unit.KELUARGA, summed=summed)


FRAME = [
    ("plan-purpose-unknown", a_plan(purpose="riset")),
    ("plan-release-unknown", a_plan(release="2020.1.0")),
    ("plan-region-unknown", a_plan(area=Area(("9999",), EDITION))),
    ("plan-region-unknown", a_plan(area=Area(("32010",), EDITION))),
    ("plan-region-unknown", a_plan(area=Area(("",), EDITION))),
    ("plan-region-twice", a_plan(area=Area(("3201", "3201"), EDITION))),
    ("plan-region-twice", a_plan(area=Area(("3201", "320101"), EDITION))),
    ("plan-region-edition-unknown", a_plan(area=Area(("3201",), "1998"))),
    ("plan-region-edition-unknown", a_plan(area=Area(("3201",), EDITION, "BPS"))),
    ("plan-competence-unknown", a_plan(recipient=replace(a_plan().recipient, competence=""))),
    ("plan-competence-unknown", a_plan(recipient=replace(a_plan().recipient, competence="320"))),
    ("area-outside-competence", a_plan(recipient=replace(a_plan().recipient, competence="3202"))),
    ("area-outside-competence", a_plan(recipient=replace(a_plan().recipient, competence="320101"))),
    ("area-outside-competence", a_plan(area=Area((), EDITION), recipient=replace(a_plan().recipient, competence="32"))),
]
VARIABLES = [
    ("plan-without-variables", a_plan(columns=())),
    ("plan-variable-unknown", a_plan(columns=("desil", "gaji"))),
    ("plan-variable-unknown", a_plan(columns=("person_ordinal",))),
    ("plan-variable-unknown", with_filter(Column("gaji"))),
    ("plan-variable-of-other-unit", a_plan(columns=("desil", "jenis_lantai"))),
    ("plan-variable-of-other-unit", with_filter(Column("aset_kulkas"))),
    ("plan-variable-outside-purpose", a_plan(columns=("desil", "umur"), purpose="sempit", area=Area((), EDITION))),
    ("plan-variable-outside-purpose", a_plan(Level.L1, purpose="sempit", population=Compare(Op.LESS, UMUR, Const(18)))),
    ("plan-variable-twice", a_plan(columns=("desil", "desil"))),
    ("plan-variable-without-reason", a_plan(variables=(Asked("desil", "  "),))),
]
LEVELS = [
    ("plan-variable-above-level", a_plan(Level.L2, ("nama",))),
    ("plan-variable-above-level", a_plan(Level.L3, ("nik",), protections=Protections())),
    ("plan-variable-above-level", a_plan(Level.L2, ("kode_desa",))),
    ("plan-variable-above-level", a_plan(Level.L1, ("kode_desa",))),
    ("plan-not-a-dimension", a_plan(Level.L1, ("tanggal_pemutakhiran",))),
    ("plan-not-a-dimension", a_plan(Level.L1, ("nama",))),
    ("plan-together-above-level", a_plan(Level.L3, ("rt", "jenis_kelamin"))),
    (
        "plan-together-above-level",
        a_plan(Level.L3, ("rt",), population=Compare(Op.EQUAL, Column("jenis_kelamin"), Const("1"))),
    ),
    ("plan-specific-needs-tier", a_plan(Level.L2, ("penyandang_disabilitas",))),
    ("plan-specific-needs-tier", with_filter(Column("penyandang_disabilitas"))),
    ("plan-variable-above-level", with_filter(Compare(Op.EQUAL, Column("nama"), Const("Ayu")))),
    ("plan-variable-above-level", with_filter(Compare(Op.MORE, Column("tanggal_lahir"), Const(DAY)), Level.L1)),
    (
        "plan-filter-by-identifier",
        a_plan(Level.L4, population=Compare(Op.EQUAL, Column("nik"), Const("3201010101010001"))),
    ),
    ("plan-filter-by-identifier", a_plan(Level.L4, population=In(Column("nomor_kk"), ("3201010101010001",)))),
]
PROTECTION = [
    ("plan-pseudonym-unknown", a_plan(protections=Protections(("nama",)))),
    (
        "plan-pseudonym-unknown",
        a_plan(protections=Protections(("nik",)), unit=Unit.KELUARGA, columns=("kode_kab", "desil")),
    ),
    ("plan-pseudonym-unknown", a_plan(Level.L1, protections=Protections(("nik",), 10))),
    ("plan-pseudonym-beside-number", a_plan(Level.L4, protections=Protections(("nik",)))),
    ("plan-pseudonym-beside-number", a_plan(protections=Protections(("nik", "nik")))),
    ("plan-smallest-cell", a_plan(Level.L1, protections=Protections((), 3))),
    ("plan-smallest-cell", a_plan(protections=Protections(("nik",), 10))),
]
BANDS = Asked("umur", "sasaran", "5-TAHUN")
ROWS = [
    ("plan-grain-unknown", a_plan(variables=(Asked("umur", "sasaran", "7-TAHUN"),))),
    ("plan-grain-unknown", a_plan(variables=(Asked("desil", "sasaran", "5-TAHUN"),))),
    ("plan-grain-unknown", a_plan(Level.L4, variables=(BANDS,))),
    ("plan-grain-unknown", a_plan(Level.L1, variables=(BANDS,))),
    ("plan-exempts-no-rows", a_plan(Level.L4, protections=Protections(exempted=(Exempted("rows-alike", "x"),)))),
    ("plan-exempts-no-rows", a_plan(Level.L1, protections=Protections((), 10, (Exempted("rows-alike", "x"),)))),
    ("plan-exempts-no-rule", a_plan(protections=Protections(("nik",), 0, (Exempted("semua", "x"),)))),
    ("plan-exempts-without-reason", a_plan(protections=Protections(("nik",), 0, (Exempted("rows-alike", " "),)))),
    ("plan-exempts-twice", a_plan(protections=Protections(("nik",), 0, (Exempted("rows-alike", "x"),) * 2))),
    (
        "plan-exempts-twice",
        a_plan(protections=Protections(("nik",), 0, (Exempted("rows-share", "x"), Exempted("rows-alike", "x")))),
    ),
]
TABLES = [
    ("plan-format-for-tables-only", a_plan(format=Format.SDMX_CSV)),
    ("plan-too-many-dimensions", a_plan(Level.L1, ("kode_prov", "desil", "jenis_kelamin", "umur"))),
    ("plan-too-many-dimensions", a_plan(Level.L1, ("kode_kec", "desil", "jenis_kelamin"))),
]
FILTERS = [
    ("plan-filter-wrong-type", with_filter(Compare(Op.EQUAL, DESIL, Const("4")))),
    ("plan-filter-wrong-type", with_filter(Compare(Op.EQUAL, DESIL, Const(True)))),
    ("plan-filter-wrong-type", with_filter(Compare(Op.EQUAL, Const(DAY), DESIL))),
    ("plan-filter-wrong-type", with_filter(In(DESIL, (1, "2")))),
    ("plan-filter-wrong-type", with_filter(Between(DESIL, 1, DAY))),
    ("plan-filter-wrong-type", with_filter(Compare(Op.EQUAL, DESIL, Column("kode_kab")))),
    ("plan-filter-wrong-type", with_filter(Compare(Op.EQUAL, Column("bekerja"), Const(1)))),
    ("plan-filter-not-boolean", with_filter(DESIL)),
    ("plan-filter-not-boolean", with_filter(And((POOR, Not(Column("umur")))))),
    ("plan-filter-not-boolean", with_filter(And((POOR, Missing(Not(UMUR)))))),
    ("plan-filter-code-unknown", with_filter(Compare(Op.EQUAL, Column("jenis_kelamin"), Const("9")))),
    ("plan-filter-code-unknown", with_filter(In(Column("jenis_kelamin"), ("1", "L")))),
    ("plan-filter-without-order", with_filter(Compare(Op.LESS, Column("jenis_kelamin"), Const("2")))),
    ("plan-filter-without-order", with_filter(Compare(Op.MORE, Column("bekerja"), Const(False)))),
    ("plan-filter-reversed", with_filter(Between(DESIL, 4, 1))),
    ("plan-filter-without-column", with_filter(Compare(Op.EQUAL, Const(1), Const(1)))),
    ("plan-filter-too-long", with_filter(Or((POOR,) * MOST_PARTS))),
    ("plan-filter-too-long", with_filter(In(DESIL, tuple(range(MOST_VALUES + 1))))),
    ("plan-filter-chooses-the-unknown", with_filter(Missing(UMUR))),
    ("plan-filter-chooses-the-unknown", with_filter(Or((POOR, Missing(Column("bekerja")))))),
    ("plan-filter-chooses-the-unknown", with_filter(Not(Not(Missing(POOR))))),
]
LISTS = [
    ("plan-roster-unknown", matched(matching=replace(MATCHING, digest=""))),
    ("plan-roster-unknown", matched(matching=replace(MATCHING, rows=0))),
    ("plan-matching-above-level", matched(level=Level.L3)),
    ("plan-matching-of-persons", matched(unit=Unit.KELUARGA)),
    ("plan-matching-stays", matched(onward_sharing=True)),
]
WORKING = Compare(Op.MORE, Column("jam_kerja"), Const(40))
SUMS = [
    ("plan-sums-in-tables-only", a_plan(Level.L2, summed="jam_kerja")),
    ("plan-not-summed", a_plan(Level.L1, summed="umur")),
    ("plan-not-summed", a_plan(Level.L1, summed="nama")),
    ("plan-not-summed", families_by("jumlah_anggota_keluarga")),
    ("plan-not-summed", families_by("pengeluaran_per_kapita")),
    ("plan-variable-unknown", a_plan(Level.L1, summed="gaji")),
    ("plan-variable-of-other-unit", a_plan(Level.L1, summed="luas_lahan_pertanian")),
    ("plan-variable-outside-purpose", a_plan(Level.L1, summed="jam_kerja", purpose="sempit")),
    ("plan-divided-by-what-it-sums", a_plan(Level.L1, summed="jam_kerja", population=And((POOR, WORKING)))),
]
CASES = [*FRAME, *LISTS, *VARIABLES, *LEVELS, *PROTECTION, *ROWS, *TABLES, *FILTERS, *SUMS]


@pytest.mark.parametrize(("code", "plan"), CASES, ids=[f"{at}-{code}" for at, (code, _) in enumerate(CASES)])
def test_it_stands_in_the_way_and_says_so(code, plan):
    no = objection(plan, known())
    assert no is not None and no.code == code
    for language in ("id", "en"):
        assert "{" not in no.sentence(language) and "–" not in no.sentence(language)


def test_nothing_stands_in_the_way_of_a_table_of_sums_that_the_registry_makes():
    plan = a_plan(Level.L1, summed="jam_kerja")
    assert objection(plan, known()) is None and objection(families_by("ternak_sapi"), known()) is None
    assert plan.used == ("kode_prov", "desil", "jam_kerja") and Plan.from_json(plan.to_json()) == plan


def test_the_office_offers_no_table_of_sums():
    no = objection(a_plan(Level.L1, summed="jam_kerja"), known(summable=()))
    assert no is not None and no.code == "plan-not-summed"


def test_what_is_summed_may_stand_at_the_level():
    no = objection(families_by("peringkat"), known(summable={"peringkat"}))
    assert no is not None and no.code == "plan-variable-above-level"


def test_what_may_be_summed_is_a_whole_number_that_is_never_negative():
    told = [CATALOGUE[name] for name in summable(DAY)]
    assert len(told) == 8 and all(one.type is Type.INTEGER and one.low in (0, 1, 4) for one in told)


def test_a_plan_without_sums_says_nothing_of_them():
    """So that the digests of plans stand that were signed before there were sums."""
    assert "summed" not in a_plan(Level.L1).to_json()


def test_every_sentence_about_plans_has_an_example():
    """No code in plan.py without a plan above that meets it."""

    said = set(re.findall(r'"(plan-[a-z-]+)"', inspect.getsource(plans)))
    assert said == {code for code, _ in CASES} - {"area-outside-competence"}


@pytest.mark.parametrize("number", ["3201010101010001", "3201.0101.0101.0001", "32 01 01 010101 0001"])
def test_a_refusal_never_repeats_what_could_be_a_persons_number(number):
    plans = [
        a_plan(columns=(number,)),
        a_plan(release=number),
        a_plan(purpose=f"untuk {number}"),
        a_plan(area=Area((number,), EDITION)),
        with_filter(Compare(Op.EQUAL, DESIL, Const(number))),
        a_plan(Level.L4, population=Compare(Op.EQUAL, Column("nik"), Const(number))),
    ]
    for plan in plans:
        no = objection(plan, known())
        assert no is not None and number not in no.sentence("id") + str(no.to_json())


def test_a_filter_may_use_what_was_not_asked_for_if_the_purpose_has_it():
    children = Compare(Op.LESS, UMUR, Const(18))
    assert refusals(a_plan(Level.L1, ("kode_prov",), population=children)) is None
    purposes = {"bansos": {"kode_prov", "desil"}}
    assert refusals(a_plan(Level.L1, ("kode_prov",), population=children), purposes=purposes) == (
        "plan-variable-outside-purpose"
    )


def test_what_is_unknown_may_be_chosen_beside_something_known():
    assert refusals(with_filter(And((POOR, Missing(UMUR))))) is None
    assert refusals(with_filter(And((POOR, Not(Missing(UMUR)))))) is None


def test_specific_data_go_into_tables_or_through_the_gates_of_tier_l4():
    disabled = ("kode_prov", "penyandang_disabilitas")
    rows = a_plan(Level.L2, disabled)
    assert refusals(a_plan(Level.L1, disabled)) is None
    assert control_tier(rows, CATALOGUE) is Level.L4
    assert refusals(rows) == "plan-specific-needs-tier"
    assert refusals(rows, tier=Level.L4) is None
    assert control_tier(with_filter(Column("penyandang_disabilitas")), CATALOGUE) is Level.L4
    assert control_tier(a_plan(Level.L1, disabled), CATALOGUE) is Level.L1


def test_a_tier_opens_no_names():
    assert refusals(a_plan(Level.L2, ("nama",)), tier=Level.L4) == "plan-variable-above-level"


def test_a_stricter_smallest_cell_may_be_asked_for():
    assert refusals(a_plan(Level.L1, protections=Protections((), 20))) is None


def test_the_nation_and_everybody_in_it_may_be_asked_for():
    assert refusals(a_plan(population=None, area=Area((), EDITION))) is None
