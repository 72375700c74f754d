"""Asking for less: what a purpose needs of each variable, and proposals that never ask for more."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.plans import CATALOGUE, DAY, a_plan, known

from bagipakai.core import minimisation
from bagipakai.core.minimisation import Measure, Need, Purpose, Remark, Step, Use, Wish, cheapest, judged, steps
from bagipakai.core.objections.plan import control_tier, objection
from bagipakai.core.plan import Asked, Level, Plan, Protections, Unit
from bagipakai.core.policy import PolicyError
from bagipakai.core.query import Between, Column, Missing, Not, Or, Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Sensitivity

MEASURE = Measure.on(DAY)
BANDS = {"umur": "5-TAHUN"}


def wish(level: str, *names: str, grains: Mapping[str, str] = {}, **changes: object) -> Wish:
    """For planning, unless told otherwise."""
    asked = tuple(Asked(name, "sasaran", grains.get(name, "")) for name in names)
    return replace(Wish("PERENCANAAN", Level(level), Unit.INDIVIDU, None, asked), **changes)  # type: ignore[arg-type]


def said(one: Wish) -> list[object]:
    return [found.code if isinstance(found, Refusal) else found for found in judged(one, MEASURE)]


def short(found: tuple[Step, ...]) -> list[str]:
    return [step.about for step in found]


def told(one: Wish) -> tuple[str, ...]:
    """Level and columns, as a line."""
    return (one.level.value, *(f"{asked.name}/{asked.grain}".rstrip("/") for asked in one.variables))


# Field by field against the purpose


def test_what_the_purpose_may_not_use_is_refused():
    assert said(wish("L4", "nik", "desil")) == ["plan-variable-outside-purpose"]


def test_what_it_does_not_need_can_be_left_out():
    assert said(wish("L3", "rt", "desil")) == [Remark("rt")]


def test_what_it_needs_less_finely_is_named_with_what_is_enough():
    assert said(wish("L2", "umur", "desil")) == [Remark("umur", "5-TAHUN")]
    assert said(wish("L3", "kode_desa", "desil")) == [Remark("kode_desa", "kode_kec")]
    assert said(wish("L1", "persentil")) == [Remark("persentil", "desil")]


@pytest.mark.parametrize("grain", ["5-TAHUN", "10-TAHUN", "TAHAP-HIDUP"])
def test_as_coarse_or_coarser_is_not_too_fine(grain):
    assert said(wish("L2", "umur", grains={"umur": grain})) == []


def test_finer_than_enough_but_not_finest_is_still_too_fine():
    oversight = wish("L2", "umur", purpose="PENGAWASAN")  # needs bands of ten years
    assert said(replace(oversight, variables=(Asked("umur", "", "5-TAHUN"),))) == [Remark("umur", "10-TAHUN")]
    assert said(replace(oversight, variables=(Asked("umur", "", "10-TAHUN"),))) == []


@pytest.mark.parametrize("level", ["L1", "L4"])
def test_tables_and_names_are_not_told_more_coarsely(level):
    assert said(wish(level, "umur", "desil", purpose="PEMBERDAYAAN")) == []


def test_of_what_is_required_or_not_spoken_of_nothing_is_said():
    assert said(wish("L2", "desil", "jenis_kelamin")) == []


def test_of_a_purpose_that_is_not_known_nothing_is_said():
    unknown = wish("L2", "umur", purpose="JUALAN")
    assert said(unknown) == [] and steps(unknown, MEASURE) == () and cheapest(unknown, MEASURE) == unknown


def test_a_need_that_names_nothing_is_no_policy(monkeypatch):
    """A misspelt grain would otherwise be advice to leave the variable out."""
    real = minimisation.rules

    def spoilt(name, table="rule", key=()):
        found = real(name, table, key)
        if table == "need":
            place, rule = next((at, of) for at, of in found.in_force(DAY).items() if of["enough"] == "5-TAHUN")
            wrong = replace(rule, values={**rule.values, "enough": "5-TAHUM"})
            monkeypatch.setattr(found, "in_force", lambda day: {place: wrong})
        return found

    monkeypatch.setattr(minimisation, "rules", spoilt)
    with pytest.raises(PolicyError, match="umur"):
        Measure.on(DAY)


def test_no_variable_is_coarser_than_itself():
    """Otherwise taking step after step would not end."""
    for start in MEASURE.coarser:
        seen, ahead = set(), {start}
        while ahead:
            seen |= ahead
            ahead = {to for name in ahead for to in MEASURE.coarser.get(name, {})}
            assert not ahead & {start}


# The cheapest safe product


def test_rows_that_say_no_more_than_a_table_are_proposed_as_one():
    found = steps(wish("L3", "kode_kab", "desil", "jenis_kelamin"), MEASURE)
    assert [told(step.wish) for step in found] == [("L1", "kode_kab", "desil", "jenis_kelamin")]


def test_no_table_of_more_dimensions_than_it_may_have():
    assert short(steps(wish("L2", "kode_kab", "desil", "jenis_kelamin", "bekerja"), MEASURE)) == []
    assert short(steps(wish("L2", "kode_kec", "desil", "jenis_kelamin"), MEASURE)) == []


def test_no_table_of_what_cannot_divide_one_or_be_compared():
    assert short(steps(wish("L2", "jam_kerja", "desil"), MEASURE)) == []
    either: Predicate = Or((Column("bekerja"), Column("penerima_pip")))
    assert short(steps(wish("L2", "desil", population=either), MEASURE)) == []


def test_a_table_would_tell_more_than_rows_of_bands():
    assert short(steps(wish("L2", "umur", "desil", grains=BANDS), MEASURE)) == []
    assert short(steps(wish("L2", "umur", "desil"), MEASURE)) == ["L1", "umur"]


def test_without_village_the_lower_level_is_enough():
    many = ("kode_kab", "desil", "jenis_kelamin", "bekerja")
    assert short(steps(wish("L3", *many), MEASURE)) == ["L2"]
    assert short(steps(wish("L3", "kode_desa", *many), MEASURE)) == ["kode_desa"]
    assert told(cheapest(wish("L3", "kode_desa", *many), MEASURE)) == ("L2", "kode_kec", *many)


def test_the_level_counts_what_the_population_is_chosen_by():
    chosen: Predicate = Not(Missing(Column("kode_desa")))
    assert short(steps(wish("L3", "kode_kab", "desil", "bekerja", "jam_kerja", population=chosen), MEASURE)) == []


def test_a_level_that_the_purpose_may_not_ask_is_not_proposed():
    only = Purpose(frozenset({"L3"}), frozenset(CATALOGUE), {})
    narrow = replace(MEASURE, purposes={"PERENCANAAN": only})
    assert steps(wish("L3", "kode_kab", "desil"), narrow) == ()


def test_identifiers_that_come_along_are_left_out_and_the_birth_date_becomes_an_age():
    asked = wish("L4", "nik", "nama", "tempat_lahir", "tanggal_lahir", "desil", purpose="BANSOS")
    assert short(steps(asked, MEASURE)) == ["tanggal_lahir", "tempat_lahir"]
    assert told(cheapest(asked, MEASURE)) == ("L4", "nik", "nama", "umur", "desil")


def test_a_coarser_variable_that_is_asked_anyway_stands_once():
    asked = wish("L3", "kode_desa", "kode_kec", "desil", "jam_kerja")
    assert told(cheapest(asked, MEASURE)) == ("L2", "kode_kec", "desil", "jam_kerja")
    both = replace(asked, variables=(Asked("kode_kec", "Kuota"), Asked("kode_desa", "Kunjungan"), *asked.variables[2:]))
    assert cheapest(both, MEASURE).variables[0] == Asked("kode_kec", "Kuota")


def test_the_least_loss_comes_first():
    asked = wish("L3", "rt", "kode_desa", "umur", "persentil", "jam_kerja")
    found = steps(asked, MEASURE)
    assert short(found) == ["umur", "persentil", "kode_desa", "rt"]
    assert [step.loss for step in found] == sorted(step.loss for step in found)
    assert told(cheapest(asked, MEASURE)) == ("L2", "kode_kec", "umur/5-TAHUN", "desil", "jam_kerja")


# By property: never more, and always lawful

PURPOSES = {code: purpose.variables for code, purpose in MEASURE.purposes.items()}
FILTERS: list[Predicate | None] = [
    None,
    Between(Column("desil"), 1, 4),
    Or((Column("bekerja"), Column("penerima_pip"))),
    Not(Missing(Column("kode_desa"))),
]


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """Any purpose, level and columns, lawful or not."""
    unit = draw(st.sampled_from(Unit))
    names = sorted(variable.name for variable in CATALOGUE.of_unit(unit))
    likely = [name for name in names if name in MEASURE.grains or name in MEASURE.coarser or name.startswith("kode_")]
    chosen = draw(st.lists(st.sampled_from(likely) | st.sampled_from(names), min_size=1, max_size=6, unique=True))
    asked = []
    for name in chosen:
        ways = ["", *(grain.code for grain in MEASURE.grains.get(name, ()))]
        asked.append(Asked(name, draw(st.sampled_from(["", "sasaran"])), draw(st.sampled_from(ways))))
    population = draw(st.sampled_from(FILTERS))
    return Wish(draw(st.sampled_from(sorted(PURPOSES))), draw(st.sampled_from(Level)), unit, population, tuple(asked))


def as_plan(one: Wish) -> Plan:
    """The plan that these answers make, with the reasons that the applicant would still give."""
    rows = one.level in (Level.L2, Level.L3)
    names = ("nik", "nomor_kk") if one.unit is Unit.INDIVIDU else ("nomor_kk",)
    return replace(
        a_plan(),
        purpose=one.purpose,
        level=one.level,
        unit=one.unit,
        population=one.population,
        variables=tuple(replace(asked, reason="sasaran") for asked in one.variables),
        protections=Protections(names if rows else (), 10 if one.level is Level.L1 else 0),
    )


def stands(one: Wish) -> Refusal | None:
    plan = as_plan(one)
    return objection(plan, known(purposes=PURPOSES, tier=control_tier(plan, CATALOGUE)))


def within(less: Wish, more: Wish) -> bool:
    """Whether `less` tells nothing that `more` does not: of the same people, at no higher level, each column one that
    was asked or one that follows from it, none finer."""
    asked = {one.name: one for one in more.variables}

    def follows(one: Asked) -> bool:
        if one.name in asked:
            was = MEASURE.loss(one.name, asked[one.name].grain) or 0
            return (MEASURE.loss(one.name, one.grain) or 0) >= was
        return any(one.name in MEASURE.coarser.get(name, {}) for name in asked)

    same = (less.purpose, less.unit, less.population) == (more.purpose, more.unit, more.population)
    return same and less.level <= more.level and all(map(follows, less.variables))


@settings(deadline=None, max_examples=300)
@given(wishes())
def test_every_step_asks_for_less_and_makes_a_lawful_plan(one):
    for step in steps(one, MEASURE):
        assert step.wish != one and within(step.wish, one) and stands(step.wish) is None


@settings(deadline=None, max_examples=300)
@given(wishes())
def test_after_all_steps_nothing_is_left_to_propose(one):
    last = cheapest(one, MEASURE)
    assert steps(last, MEASURE) == ()
    assert last == one or (last.level <= one.level and stands(last) is None)
    assert len(last.variables) <= len(one.variables)


@settings(deadline=None, max_examples=200)
@given(wishes())
def test_what_is_asked_lawfully_is_refused_by_no_judgement(one):
    refused = any(isinstance(found, Refusal) for found in judged(one, MEASURE))
    assert not (refused and stands(one) is None)


def test_the_generator_reaches_every_kind_of_step():
    seen: set[str] = set()

    @settings(deadline=None, max_examples=400, database=None, derandomize=True)
    @given(wishes())
    def look(one: Wish) -> None:
        for step in steps(one, MEASURE):
            if step.about in set(Level):
                seen.add(step.about)
            elif len(step.wish.variables) < len(one.variables):
                seen.add("fewer")
            elif any(asked.grain for asked in step.wish.variables if asked.name == step.about):
                seen.add("grain")
            else:
                seen.add("coarser")

    look()
    assert seen >= {"L1", "L2", "L3", "fewer", "grain", "coarser"}


def test_needs_are_written_for_every_purpose_and_never_widen_it():
    for purpose in MEASURE.purposes.values():
        assert purpose.needs and set(purpose.needs) <= purpose.variables
        assert all(need.basis for need in purpose.needs.values())
        required = {name for name, need in purpose.needs.items() if need == Need(Use.REQUIRED, "", need.basis)}
        assert not {name for name in required if CATALOGUE[name].sensitivity is Sensitivity.SPECIFIC}
