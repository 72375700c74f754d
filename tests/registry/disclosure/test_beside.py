"""Whatever a recipient was given before: rows are alike also for whoever puts all that was given side by side, counted
by hand; and nothing is refused for what is held unless that would be so."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.core.plans import DAY, EDITION
from tests.registry.disclosure.test_rows import EASY, GRAINS, TYPES, Row, crowd, droppable, plan_of, populations

from bagipakai.core.disclosure import RowRule
from bagipakai.core.plan import Area, Plan
from bagipakai.core.query import And, Column, Compare, Const, Count, In, Missing, Not, Op, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.beside import Beside
from bagipakai.registry.disclosure.given import Given
from bagipakai.registry.disclosure.rows import Protection, protection
from bagipakai.registry.disclosure.rows import given as remembered
from bagipakai.registry.engines import reference, types_of

CATALOGUE = Catalogue.on(DAY)
CODES = types_of(CATALOGUE, "individu")
BOTH = ("3201", "3202")
SAME = replace(EASY, most_distance_percent=100)

Told = Mapping[int, Row]  # by person


def around(held: Sequence[Given], rule: RowRule) -> Beside | None:
    return Beside(tuple(held), rule, CATALOGUE) if held else None


def protected(plan: Plan, rule: RowRule, people: list[Row], spill: Path, held: Sequence[Given]) -> Protection | Refusal:
    return protection(plan, rule, GRAINS, lambda query: grouped(query, people), spill, "400MB", around(held, rule))


def grouped(query: Count, people: list[Row]) -> Iterator[pa.RecordBatch]:
    found = reference.groups(query, people)
    columns = [pa.array([key[at] for key in found], TYPES[name]) for at, name in enumerate(query.by)]
    yield pa.record_batch([*columns, pa.array(list(found.values()), pa.int64())], [*query.by, "n"])


def left(plan: Plan, found: Protection, people: list[Row], size: int = 7) -> Told:
    chosen = reference.choose(plan.query(), people)
    names = [*dict.fromkeys([*plan.columns, *found.needs])]
    told: dict[int, Row] = {}
    with found.applied() as passing:
        for start in range(0, len(chosen), size):
            some = chosen[start : start + size]
            columns = [pa.array([row[name] for row in some], TYPES[name]) for name in names]
            ordinals = pa.array([row["person_ordinal"] for row in some], pa.int64())
            batch = passing(pa.record_batch([*columns, ordinals], [*names, "_person_ordinal"]))
            told |= {row["_person_ordinal"]: {name: row[name] for name in plan.columns} for row in batch.to_pylist()}
    return told


def as_told(plan: Plan, found_by: RowRule, people: list[Row]) -> Told:
    """As they would leave if nothing was done about anybody."""
    bands = any(one.grain for one in plan.variables)
    top = not any(one.rule == "rows-alike" for one in plan.protections.exempted)
    told = {}
    for row in reference.choose(plan.query(), people):
        age = row["umur"]
        if age is not None:
            age = min(age // 10 * 10, 80) if bands else min(age, 85) if top else age
        told[row["person_ordinal"]] = {name: row[name] for name in plan.columns} | (
            {"umur": age} if "umur" in plan.columns else {}
        )
    return told


def of_all(*names: str) -> Plan:
    """Whoever they are: no filter tells their decile."""
    return replace(plan_of(*names), population=None)


def seen(person: int, packages: Sequence[Told]) -> tuple[Any, ...]:
    """What all packages together tell of a person that somebody may know."""
    return tuple(
        None if person not in told else tuple((name, one) for name, one in told[person].items() if name != "desil")
        for told in packages
    )


ANYBODY = [
    {"person_ordinal": at, "kode_prov": kab[:2], "kode_kab": kab, "umur": age, "jenis_kelamin": sex, "desil": decile}
    for at, (kab, age, sex, decile) in enumerate(
        product((*BOTH, "3203"), (None, *range(111)), (None, "1", "2"), (None, *range(1, 11)))
    )
]


def somebody_could_be(view: Sequence[Any], before: Sequence[Plan], now: Plan, rule: RowRule) -> bool:
    """Of whom the packages before told this, whoever there is, and who would not be among the rows of now."""
    left_out = {row["person_ordinal"] for row in ANYBODY} - set(as_told(now, rule, ANYBODY))
    for plan, told in zip(before, view, strict=True):
        if told is not None:
            there = as_told(plan, rule, ANYBODY)
            left_out &= {who for who, row in there.items() if all(value in (None, row[name]) for name, value in told)}
    return bool(left_out)


def broken(
    before: Sequence[Told],
    now: Told,
    people: list[Row],
    rule: RowRule,
    chosen_by_decile: bool = False,
    plans: Sequence[Plan] = (),
) -> set[str]:
    """The rules that these rows do not meet for whoever has the others, too. `chosen_by_decile`: of one of them the
    filter reads it, so that being there or not tells something of it. `plans`: of all of them, the last one's last."""
    everybody = {row["person_ordinal"]: row for row in people}
    classes, earlier = defaultdict(list), defaultdict(set)
    for person in everybody:
        classes[seen(person, [*before, now])].append(person)
        earlier[seen(person, before)].add(person in now)
    found = {
        "rows-alike"
        for past, there in earlier.items()
        if plans and any(past) and there == {True} and somebody_could_be(past, plans[:-1], plans[-1], rule)
    }
    for view, those in classes.items():
        *past, here = view
        if here is None and (not any(past) or True not in earlier[tuple(past)]):
            continue
        if len(those) < rule.smallest_class:
            found.add("rows-alike")
        valued = [told[person] for told in (*before, now) for person in those if "desil" in told.get(person, {})]
        values = Counter(everybody[person]["desil"] for person in those)
        if (valued or chosen_by_decile) and (
            len(values) < rule.distinct_values or 100 * max(values.values()) > rule.most_one_value_percent * len(those)
        ):
            found.add("rows-one-value")
    return found


filters = st.sampled_from(
    [
        None,
        None,
        Compare(Op.AT_MOST, Column("umur"), Const(60)),
        Compare(Op.MORE, Column("umur"), Const(30)),
        Not(Compare(Op.EQUAL, Column("jenis_kelamin"), Const("1"))),
        In(Column("desil"), (1, 2, 3)),
        And((Missing(Column("desil")), Compare(Op.LESS, Column("umur"), Const(84)))),
    ]
)
plans = st.builds(
    lambda names, bands, where, area: replace(
        plan_of(*names, grains={"umur": "10-TAHUN"} if bands else {}), population=where, area=Area(area, EDITION)
    ),
    st.permutations(["kode_kab", "umur", "jenis_kelamin", "desil"]).flatmap(
        lambda names: st.integers(1, 4).map(lambda many: names[:many])
    ),
    st.booleans(),
    filters,
    st.sampled_from([BOTH, BOTH, ("3201",)]),
)
rules = st.builds(
    replace,
    st.just(SAME),
    smallest_class=st.integers(1, 6),
    most_blanked_percent=st.sampled_from([0, 20, 100]),
    most_dropped_percent=st.sampled_from([0, 20, 50, 100]),
    distinct_values=st.integers(1, 2),
    most_one_value_percent=st.sampled_from([80, 100]),
)


@given(people=populations(), asked=st.lists(plans, min_size=2, max_size=3), rule=rules)
@settings(max_examples=60, deadline=None)
def test_what_leaves_is_alike_beside_all_that_left_before(people, asked, rule, tmp_path_factory):
    held: list[Given] = []
    packages: list[Told] = []
    chosen: list[Plan] = []
    for at, plan in enumerate(asked):
        spill = tmp_path_factory.mktemp("spill")
        by_decile = any("desil" in columns_of(one.population) for one in (*chosen, plan))
        found = protected(plan, rule, people, spill, held)
        if isinstance(found, Refusal):
            event(f"refused: {found.code}" if held else "the first is refused")
            if found.code == "rows-beside":
                whole = as_told(plan, rule, people)
                assert held and broken(packages, whole, people, rule, by_decile, [*chosen, plan]), (
                    "nothing stood in the way"
                )
            continue
        now = left(plan, found, people)
        whole = as_told(plan, rule, people)
        assert all(value in (None, whole[who][name]) for who, row in now.items() for name, value in row.items())
        assert not broken(packages, now, people, rule, by_decile, [*chosen, plan])
        assert len(whole) - len(now) <= droppable(len(whole), rule)
        if held:
            event("touched" if len(found.touched) else "as it is")
        held.append(remembered((f"O-{at}", "dinsos", "2026.3.0", "individu"), plan, found))
        packages.append(now)
        chosen.append(plan)


def packages_of(people: list[Row], rule: RowRule, spill: Path, *asked: Plan) -> list[Protection | Refusal]:
    """One after the other, each beside those before it."""
    held: list[Given] = []
    found = []
    for at, plan in enumerate(asked):
        one = protected(plan, rule, people, spill / str(at), held)
        held += (
            [remembered((f"O-{at}", "dinsos", "2026.3.0", "individu"), plan, one)]
            if isinstance(one, Protection)
            else []
        )
        found.append(one)
    return found


def spread(kab: str, age: int, sex: str, many: int) -> list[tuple[str, int, str, int, int]]:
    return [(kab, age, sex, decile, many) for decile in (1, 2, 3, 4)]


def people_of(*groups: list[tuple[str, int, str, int, int]]) -> list[Row]:
    return crowd(*(kind for some in groups for kind in some))


LARGE = [spread(kab, age, sex, 50) for kab in BOTH for age in (30, 41) for sex in "12"]
FEW_HERE = [spread("3201", age, sex, 1) for age in (42, 43, 44) for sex in "12"]  # four of each
MANY_THERE = [spread("3202", age, sex, 4) for age in (42, 43, 44) for sex in "12"]
KAB, AGE = plan_of("kode_kab"), plan_of("umur", "jenis_kelamin")


def test_what_is_few_only_together_is_left_blank(tmp_path):
    people = people_of(*LARGE, *FEW_HERE, *MANY_THERE)
    alone = protected(AGE, SAME, people, tmp_path / "alone", [])
    assert isinstance(alone, Protection) and not len(alone.touched)
    [_, found] = packages_of(people, SAME, tmp_path, KAB, AGE)
    assert isinstance(found, Protection)
    told = left(AGE, found, people)
    blank = {who for who, row in told.items() if row["umur"] is None}
    assert blank == {row["person_ordinal"] for row in people if row["kode_kab"] == "3201" and row["umur"] > 41}
    assert (found.evidence["held_beside"], found.evidence["least_alike_beside"]) == (1, 12)
    assert found.shown["least_alike_beside"] == 10, "no closer than may be told"
    assert found.evidence["values_left_blank"] == 24 and all(row["jenis_kelamin"] for row in told.values())


@pytest.mark.parametrize(("here", "there"), [(1, 4), (2, 2)])
def test_what_is_held_can_not_be_blanked(here, there, tmp_path):
    """Nothing but the place, which is held, could be blank to put these among others."""
    people = people_of(*LARGE, spread("3201", 42, "1", here), spread("3202", 42, "1", there))
    [_, found] = packages_of(people, SAME, tmp_path, KAB, AGE)
    assert isinstance(found, Refusal) and found.code == "rows-beside"
    assert "O-0" in found.sentence() and "lebih kasar" in found.sentence() and "{" not in found.sentence()
    assert set(found.detail) == {"orders"}, "what would do instead would tell of those who are in these rows alone"
    coarser = plan_of("umur", "jenis_kelamin", grains={"umur": "5-TAHUN"})
    assert isinstance(packages_of(people, SAME, tmp_path / "coarser", KAB, coarser)[1], Protection)


def test_of_two_grains_the_finer_counts(tmp_path):
    """Ages that were told by bands of ten years are told apart by bands of five that were told before."""
    people = people_of(*LARGE, spread("3201", 46, "1", 1), spread("3202", 46, "1", 4))
    five, ten = ({"umur": code} for code in ("5-TAHUN", "10-TAHUN"))
    ages, places = plan_of("umur", grains=five), plan_of("kode_kab", "umur", grains=ten)
    assert isinstance(protected(places, SAME, people, tmp_path / "alone", []), Protection)
    [_, found] = packages_of(people, SAME, tmp_path, ages, places)
    assert isinstance(found, Refusal) and found.code == "rows-beside"


@pytest.mark.parametrize("value", ["desil", "persentil"])
def test_the_sensitive_value_of_another_package_counts_and_is_nobodys_key(value, tmp_path):
    """Twelve of one age in one place are of one decile: who has the deciles by age learns it from the places."""
    people = people_of(*LARGE, [("3201", 42, "1", 1, 12)], spread("3202", 42, "1", 25))
    deciles, places = plan_of("umur", value), plan_of("kode_kab", "umur")
    [_, no] = packages_of(people, SAME, tmp_path / "no", deciles, places)
    assert isinstance(no, Refusal) and no.code == "rows-beside", "leaving them out of the places would tell it, too"
    [_, found] = packages_of(people, SAME, tmp_path, places, deciles)
    assert isinstance(found, Protection), found
    with found.staying() as (by, staying):
        [counted] = grouped(Count("individu", by, deciles.population), people)
        assert sum(staying(counted).column("n").to_pylist()) == len(people) - 12, "as counted, too"
    out = {row["person_ordinal"] for row in people} - set(left(deciles, found, people))
    assert out == {row["person_ordinal"] for row in people if (row["kode_kab"], row["umur"]) == ("3201", 42)}


def test_where_the_sensitive_value_is_not_told_it_does_not_count(tmp_path):
    """Of the old ones, all of one decile in one place, no package tells the decile."""
    people = people_of(*LARGE, [("3201", 60, "1", 1, 12)], spread("3202", 60, "1", 25))
    young = replace(plan_of("jenis_kelamin", "desil"), population=Compare(Op.AT_MOST, Column("umur"), Const(41)))
    [_, found] = packages_of(people, SAME, tmp_path, young, of_all("kode_kab", "umur"))
    assert isinstance(found, Protection) and not len(found.touched)


def test_who_was_left_out_before_is_nobody_to_compare_with(tmp_path):
    """Twenty of one decile were left out; five of them are not in the second package, either."""
    people = people_of(*LARGE, [("3201", 42, "1", 1, 15), ("3201", 42, "2", 1, 5)])
    men = replace(plan_of("jenis_kelamin"), population=Compare(Op.EQUAL, Column("jenis_kelamin"), Const("1")))
    [first, found] = packages_of(people, SAME, tmp_path, of_all("kode_kab", "umur", "desil"), men)
    assert isinstance(first, Protection) and first.evidence["rows_left_out"] == 20
    assert isinstance(found, Protection) and not len(found.touched)


def test_who_is_left_out_is_seen_among_those_who_were_not(tmp_path):
    """Twelve break the rule for values; were nine of them alike in what is held, leaving these out would tell them."""
    people = people_of(*LARGE, [("3201", 42, "1", 1, 9), ("3201", 42, "1", 2, 1)], spread("3202", 42, "1", 25))
    places, deciles = of_all("kode_kab", "jenis_kelamin"), of_all("umur", "desil")
    rule = replace(SAME, distinct_values=2)
    [_, found] = packages_of(people, rule, tmp_path, places, deciles)
    assert isinstance(found, Protection), "ten are enough"
    assert isinstance(
        packages_of(people[:-1], replace(rule, smallest_class=11), tmp_path / "b", places, deciles)[1], Refusal
    )


def test_those_who_are_not_among_the_rows_are_told_by_that(tmp_path):
    """All but three of one age are poor: whoever has all of that age knows who is not."""
    rich = [(kab, age, "1", decile, 5) for kab in BOTH for age in (30, 41) for decile in (6, 7, 8, 9)]
    people = people_of(*LARGE, rich, [("3201", 42, "1", 1, 14), ("3201", 42, "1", 2, 14), ("3201", 42, "1", 9, 3)])
    all_ages = replace(plan_of("umur"), population=None)
    poor = replace(plan_of("jenis_kelamin"), population=Compare(Op.AT_MOST, Column("desil"), Const(4)))
    [_, found] = packages_of(people, SAME, tmp_path, all_ages, poor)
    assert isinstance(found, Protection) and found.evidence["rows_left_out"] == 28, "few enough to leave out"
    [_, no] = packages_of(people, replace(SAME, most_dropped_percent=1), tmp_path / "no", all_ages, poor)
    assert isinstance(no, Refusal) and "orang dan wilayah yang sama" in no.sentence()
    assert isinstance(
        protected(poor, replace(SAME, most_dropped_percent=1), people, tmp_path / "alone", []), Protection
    )


@pytest.mark.parametrize(("percent", "refused"), [(1, True), (2, False)])
def test_who_was_not_chosen_by_the_sensitive_value_is_told_it(percent, refused, tmp_path):
    """All twelve of one age are of one decile, which the filter of the file that is held did not choose; neither file
    has a column of it."""
    rest = [(kab, 30, "1", decile, 40) for kab in BOTH for decile in range(1, 11)]
    people = people_of(rest, [("3201", 42, "1", 9, 12)])
    poor = replace(of_all("kode_kab"), population=Compare(Op.AT_MOST, Column("persentil"), Const(60)))
    rule = replace(SAME, most_dropped_percent=percent)
    [first, found] = packages_of(people, rule, tmp_path, poor, of_all("umur"))
    assert isinstance(first, Protection)
    assert (isinstance(found, Refusal) and found.code == "rows-beside") == refused
    assert refused or (isinstance(found, Protection) and found.evidence["rows_left_out"] == 12)


def test_who_is_left_behind_by_a_filter_on_the_sensitive_value_is_told_it(tmp_path):
    """Of one age those who are not poor are all of one decile: whoever has all ages is told it."""
    rest = [(kab, 30, "1", decile, 200) for kab in BOTH for decile in range(1, 11)]
    people = people_of(rest, [("3201", 42, "1", 9, 12)], spread("3201", 42, "1", 5))
    poor = replace(of_all("kode_kab"), population=Compare(Op.AT_MOST, Column("desil"), Const(6)))
    [_, found] = packages_of(people, SAME, tmp_path, of_all("umur"), poor)
    assert isinstance(found, Protection) and found.evidence["rows_left_out"] == 20


@pytest.mark.parametrize("first", [plan_of("umur", "jenis_kelamin"), plan_of("kode_kab", "umur", "jenis_kelamin")])
def test_the_same_again_is_told_the_same(first, tmp_path):
    people = people_of(*LARGE, *FEW_HERE, *MANY_THERE)
    found = packages_of(people, SAME, tmp_path, first, first, first)
    one, two, three = (left(first, some, people) for some in found if isinstance(some, Protection))
    assert one == two == three


def test_what_was_blank_is_held_blank(tmp_path):
    """The ages of a few were left blank: who has them so is not told them by another package, and does not lock it."""
    people = people_of(*LARGE, *FEW_HERE, *MANY_THERE)
    ages = plan_of("kode_kab", "umur", "jenis_kelamin")
    [first, found] = packages_of(people, SAME, tmp_path, ages, plan_of("kode_kab"))
    assert isinstance(first, Protection) and len(first.touched) and isinstance(found, Protection), found
    again = packages_of(people, SAME, tmp_path / "b", ages, plan_of("umur"))[1]
    assert not isinstance(again, Protection) or {
        row["person_ordinal"] for row in people if (row["kode_kab"], row["umur"]) == ("3201", 42)
    }.isdisjoint(who for who, row in left(plan_of("umur"), again, people).items() if row["umur"])


@pytest.mark.parametrize(
    ("names", "leaves"), [(("kode_kab",), True), (("nama_kab",), True), (("jenis_kelamin",), False)]
)
def test_a_part_of_the_area_is_no_part_of_those_who_are_told_to_live_there(names, leaves, tmp_path):
    """Who is told to live in the regency cannot be outside it; of whoever else is alike nobody is, who could be."""
    people = people_of(*LARGE)
    for one in people:
        one["nama_kab"] = {"3201": "Kabupaten Bogor", "3202": "Kabupaten Sukabumi"}[one["kode_kab"]]
    there = [one for one in people if one["kode_kab"] == "3201" or names != ("jenis_kelamin",)]
    nation, part = of_all(*names), replace(of_all("umur"), area=Area(("3201",), EDITION))
    rule = replace(SAME, most_dropped_percent=0)
    [_, found] = packages_of(there, rule, tmp_path, nation, part)
    assert isinstance(found, Protection) == leaves


def test_what_is_exempted_is_not_asked(tmp_path):
    people = people_of(*LARGE, spread("3201", 42, "1", 1), spread("3202", 42, "1", 4))
    free = plan_of("umur", "jenis_kelamin", exempted=("rows-alike", "rows-one-value"))
    [_, found] = packages_of(people, SAME, tmp_path, KAB, free)
    assert isinstance(found, Protection) and not len(found.touched)


def test_who_cannot_meet_is_not_counted():
    def of(where, *codes: str) -> Given:
        return Given(
            "O-1", "dinsos", "2026.3.0", "individu", {"umur": None}, where, codes, (), pa.table({"pattern": []})
        )

    young, old = Compare(Op.LESS, Column("umur"), Const(18)), Compare(Op.AT_LEAST, Column("umur"), Const(18))
    plan = replace(plan_of("umur"), population=old, area=Area(("3201",), EDITION))
    assert not of(young, "3201").may_meet(plan, CATALOGUE)
    assert not of(None, "3202", "33").may_meet(plan, CATALOGUE)
    assert all(of(None, *codes).may_meet(plan, CATALOGUE) for codes in ((), ("3202", "32"), ("3201011001",)))
    assert of(Compare(Op.AT_MOST, Column("umur"), Const(18)), "3201").may_meet(plan, CATALOGUE)
    unknown = Compare(Op.LESS, Column("pengeluaran_per_kapita"), Const(1))
    assert of(unknown, "3201").may_meet(plan, CATALOGUE), "what cannot be compared may be so"
