"""Whatever the rows and whatever the rule: those that leave without names meet it, counted by hand; nothing is blank or
left out that need not be."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.plans import DAY, EDITION, a_plan

from bagipakai.core.disclosure import EXEMPTIBLE, Grain, RowRule
from bagipakai.core.plan import Area, Asked, Exempted, Level, Plan, Protections
from bagipakai.core.query import Column, Compare, Const, Count, Op, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.rows import NotAsCounted, Protection, protection
from bagipakai.registry.disclosure.weighing import BLANKS, DROPPED
from bagipakai.registry.engines import reference

TYPES = {"kode_kab": pa.string(), "nama_kab": pa.string(), "umur": pa.int64(), "jenis_kelamin": pa.string()}
TYPES |= {"desil": pa.int64(), "persentil": pa.int64()}
ORDINARY = RowRule.on(DAY, Level.L2)
EASY = replace(ORDINARY, most_presence_percent=100, most_share_percent=100, most_inference_percent=100)
GRAINS = Grain.on(DAY)
NAMES = {"3201": "Bogor", "3202": "Sukabumi", None: None}
Row = dict[str, Any]


def plan_of(
    *names: str, exempted: tuple[str, ...] = (), grains: dict[str, str] | None = None, tied: bool = False
) -> Plan:
    asked = tuple(Asked(name, "sasaran", (grains or {}).get(name, "")) for name in names)
    protections = Protections(
        ("nik", *(["nomor_kk"] if tied else [])), 0, tuple(Exempted(rule, "uji") for rule in exempted)
    )
    return a_plan(variables=asked, protections=protections, area=Area(("3201", "3202"), EDITION))


def protected(plan: Plan, rule: RowRule, people: list[Row], tmp_path: Path) -> Protection | Refusal:
    def count(query: Count) -> Iterator[pa.RecordBatch]:
        found = reference.groups(query, people)
        columns = [pa.array([key[at] for key in found], TYPES[name]) for at, name in enumerate(query.by)]
        yield pa.record_batch([*columns, pa.array(list(found.values()), pa.int64())], [*query.by, "n"])

    return protection(plan, rule, GRAINS, count, tmp_path, "400MB")


def passed(plan: Plan, found: Protection, people: list[Row], size: int = 7) -> list[Row]:
    """The rows as they leave, several at a time; each remembers who it is."""
    query = plan.query()
    chosen = reference.choose(query, people)
    out: list[Row] = []
    with found.applied() as passing:
        for start in range(0, len(chosen), size):
            some = chosen[start : start + size]
            columns = [pa.array([row[name] for row in some], TYPES[name]) for name in plan.columns]
            ordinals = pa.array([row["person_ordinal"] for row in some], pa.int64())
            batch = pa.record_batch([*columns, ordinals], [*plan.columns, "_person_ordinal"])
            out += passing(batch).to_pylist()
    return out


def somebody(ordinal: int, kab: str | None, age: int | None, sex: str, decile: int | None) -> Row:
    return {
        "person_ordinal": ordinal,
        "kode_kab": kab or "",
        "kode_kec": "320101",
        "nama_kab": NAMES[kab],
        "umur": age,
        "jenis_kelamin": sex,
        "desil": decile,
        "persentil": decile and 10 * decile - ordinal % 10,
        "id_keluarga": ordinal // 3,
    }


@st.composite
def populations(draw: st.DrawFn) -> list[Row]:
    ages = st.sampled_from([0, 4, 30, 31, 84, 85, 99, None])
    one = st.tuples(st.sampled_from(["3201", "3202"]), ages, st.sampled_from("12"), st.sampled_from([1, 2, 3, 4, None]))
    kinds = draw(st.lists(st.tuples(one, st.integers(1, 12)), max_size=12))
    people = [kind for kind, many in kinds for _ in range(many)]
    return [somebody(at, *kind) for at, kind in enumerate(draw(st.permutations(people)))]


rules = st.builds(
    replace,
    st.just(ORDINARY),
    smallest_class=st.integers(1, 6),
    most_blanked_percent=st.sampled_from([0, 20, 100]),
    most_dropped_percent=st.sampled_from([0, 20, 100]),
    most_blanks=st.integers(1, 3),
    blank=st.sampled_from(["itself", "anything"]),
    distinct_values=st.integers(1, 3),
    most_one_value_percent=st.sampled_from([50, 80, 100]),
    most_distance_percent=st.sampled_from([20, 35, 100]),
    most_presence_percent=st.sampled_from([50, 100]),
    most_share_percent=st.sampled_from([50, 100]),
    most_inference_percent=st.sampled_from([5, 30, 100]),
)
plans = st.builds(
    lambda names, exempted, bands, where: replace(
        plan_of(*names, exempted=tuple(sorted(exempted)), grains={"umur": "10-TAHUN"} if bands else {}),
        population=where,
    ),
    st.permutations(["kode_kab", "nama_kab", "umur", "jenis_kelamin", "desil"]).flatmap(
        lambda names: st.integers(1, 5).map(lambda many: names[:many])
    ),
    st.sets(st.sampled_from(EXEMPTIBLE), max_size=4),
    st.booleans(),
    st.sampled_from([plan_of().population, Compare(Op.LESS, Column("umur"), Const(90))]),
)


def keys_of(plan: Plan) -> list[str]:
    names = [name for name in plan.columns if name in ORDINARY.quasi_identifiers]
    return [name for name in names if name != "nama_kab" or "kode_kab" not in names]


def tells(plan: Plan) -> bool:
    """Whether the decile is told, by a column or by whom the filter chooses."""
    return "desil" in (*plan.columns, *columns_of(plan.population))


def as_told(row: Row, plan: Plan, rule: RowRule) -> Row:
    """By hand: top code, then bands of ten years."""
    told, age = dict(row), row["umur"]
    grain = next((asked.grain for asked in plan.variables if asked.name == "umur"), "")
    exempted = {one.rule for one in plan.protections.exempted}
    if age is not None and grain:
        told["umur"] = min(age // 10 * 10, 80)
    elif age is not None and "rows-alike" not in exempted:
        told["umur"] = min(age, rule.top_codes["umur"])
    return told


def alike(rows: list[Row], names: list[str]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def matching(key: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(one is None or two is None or one == two for one, two in zip(key, other, strict=True))


def met(out: list[Row], whole: list[Row], people: list[Row], plan: Plan, rule: RowRule) -> set[str]:
    """The rules that these rows do not meet. `whole`: the chosen ones, as they are told; `people`: everybody, told."""
    names, broken = keys_of(plan), set()
    classes = alike(out, names)
    for key, rows in classes.items():
        near = len(rows) if rule.blank == "itself" else sum(len(r) for k, r in classes.items() if matching(key, k))
        broken |= {"rows-alike"} if near < rule.smallest_class else set()
        values = Counter(row["desil"] for row in rows)
        if tells(plan) and (
            len(values) < rule.distinct_values or 100 * max(values.values()) > rule.most_one_value_percent * len(rows)
        ):
            broken.add("rows-one-value")
    told = {row["person_ordinal"]: row for row in whole}
    everybody = alike(people, names)
    for key, rows in alike([told[row["person_ordinal"]] for row in out], names).items():
        if 100 * len(rows) > rule.most_presence_percent * len(everybody[key]):
            broken.add("rows-presence")
    if 100 * len(whole) > rule.most_share_percent * len(people):
        broken.add("rows-share")
    if tells(plan) and guessed(out, names) > rule.most_inference_percent:
        broken.add("rows-inference")
    return broken


def droppable(rows: int, rule: RowRule) -> float:
    """How many may be left out: always one less than a class."""
    return max(rule.smallest_class - 1, rule.most_dropped_percent * rows / 100)


def guessed(rows: list[Row], names: list[str]) -> Fraction:
    """How much better the most frequent decile of a class is than that of all, in percent of what is left to guess."""
    right = sum(max(Counter(row["desil"] for row in some).values()) for some in alike(rows, names).values())
    blindly = max(Counter(row["desil"] for row in rows).values(), default=0)
    return Fraction(100 * (right - blindly), len(rows) - blindly) if len(rows) > blindly else Fraction(0)


def distance(rows: list[Row], whole: list[Row]) -> Fraction:
    values = sorted({row["desil"] for row in whole}, key=lambda one: (one is None, one or 0))
    total, moved = Fraction(0), Fraction(0)
    for value in values:
        share, of_all = (sum(row["desil"] == value for row in some) for some in (rows, whole))
        moved += Fraction(share, len(rows)) - Fraction(of_all, len(whole))
        total += abs(moved)
    return total / max(1, len(values) - 1)


@given(people=populations(), plan=plans, rule=rules)
@settings(max_examples=300, deadline=None)
def test_what_leaves_meets_the_rule_and_is_what_was_chosen(people, plan, rule, tmp_path_factory):
    found = protected(plan, rule, people, tmp_path_factory.mktemp("spill"))
    everybody = [as_told(row, plan, rule) for row in people]
    told = {row["person_ordinal"]: row for row in everybody}
    whole = [told[row["person_ordinal"]] for row in reference.choose(plan.query(), people)]
    active = set(EXEMPTIBLE) - {one.rule for one in plan.protections.exempted}
    as_it_is = met(whole, whole, everybody, plan, rule) & active
    far = (
        "rows-distribution" in active
        and tells(plan)
        and any(
            100 * distance(rows, whole) > rule.most_distance_percent for rows in alike(whole, keys_of(plan)).values()
        )
    )
    if len(whole) < rule.smallest_class and "rows-alike" in active:
        assert isinstance(found, Refusal) and found.code == "rows-too-few"
        return
    if isinstance(found, Refusal):
        assert found.code in active and (as_it_is or far), "nothing stood in the way"
        return
    out = passed(plan, found, people)
    for row in out:
        whose = told[row.pop("_person_ordinal")]
        changed = {name for name, value in row.items() if value != whose[name]}
        assert all(row[name] is None for name in changed)
        assert changed <= {*keys_of(plan), "nama_kab"} and len(changed & set(keys_of(plan))) <= rule.most_blanks
        row["person_ordinal"] = whose["person_ordinal"]
        if {"kode_kab", "nama_kab"} <= set(plan.columns):
            assert (row["kode_kab"] is None) == (row["nama_kab"] is None)
    assert not (met([{**told[row["person_ordinal"]], **row} for row in out], whole, everybody, plan, rule) & active)
    assert len(whole) - len(out) <= droppable(len(whole), rule)
    blanks = sum(
        row[name] is None and told[row["person_ordinal"]][name] is not None for row in out for name in keys_of(plan)
    )
    few = rule.smallest_class - 1
    assert blanks <= max(few, rule.most_blanked_percent * len(keys_of(plan)) * len(out) / 100)
    assert (found.evidence.get(BLANKS, 0), found.evidence.get(DROPPED, 0)) == (blanks, len(whole) - len(out))
    assert as_it_is or far or (blanks, len(whole)) == (0, len(out)), "nothing had to be touched"


def crowd(*kinds: tuple[str, int, str, int, int]) -> list[Row]:
    people = [kind[:4] for kind in kinds for _ in range(kind[4])]
    return [somebody(at, *kind) for at, kind in enumerate(people)]


def of_every_decile(kab: str, age: int, sex: str, many: int) -> list[tuple[str, int, str, int, int]]:
    return [(kab, age, sex, decile, many) for decile in (1, 2, 3, 4)]


MANY = [of_every_decile(kab, age, sex, 5) for kab in ("3201", "3202") for age in (30, 31, 40) for sex in "12"]
WHOLE = [kind for some in MANY for kind in some]
FEW = ("3201", 41, "1", 4, 3)
RICH = [("3201", age, sex, 9, 200) for age in (30, 31, 40, 41) for sex in "12"]  # whom the plan does not choose
RICH += [("3202", age, sex, 9, 200) for age in (30, 31, 40) for sex in "12"]
PLAN = plan_of("kode_kab", "umur", "jenis_kelamin", "desil")


def test_of_the_decile_nothing_is_said_where_only_the_filter_reads_it(tmp_path):
    """The rows do not tell it, so how many of them there are would."""
    found = protected(plan_of("kode_kab", "jenis_kelamin"), EASY, crowd(*WHOLE, *RICH), tmp_path)
    assert isinstance(found, Protection) and not {"least_values", "guessed", "guessed_blindly"} & found.evidence.keys()


def test_in_a_small_file_it_is_not_seen_whether_one_is_left_out(tmp_path):
    """Five of a hundred would be none of sixteen: were the plan refused for her, that would tell that she is there."""
    plan, rich = plan_of("jenis_kelamin"), [("3201", 30, sex, 9, 200) for sex in "12"]
    men = [("3201", 30, "1", decile, 5) for decile in (1, 2, 4)]
    told = []
    for women in (0, 1):
        found = protected(plan, ORDINARY, crowd(*men, *rich, ("3201", 30, "2", 3, women)), tmp_path / str(women))
        assert isinstance(found, Protection), found
        rows = passed(plan, found, crowd(*men, *rich, ("3201", 30, "2", 3, women)))
        told.append((Counter(row["jenis_kelamin"] for row in rows), found.shown))
    assert told[0] == told[1] and told[0][0] == {"1": 15}


def test_rows_that_meet_the_rule_leave_as_they_are(tmp_path):
    people = crowd(*WHOLE, *RICH)
    found = protected(PLAN, ORDINARY, people, tmp_path)
    assert isinstance(found, Protection) and not len(found.touched)
    told = found.evidence
    assert (told["classes"], told["small_classes"], told["rows_in_small_classes"]) == (12, 0, 0)
    assert (told[BLANKS], told[DROPPED], told["values"], told["rows_alone"]) == (0, 0, 3 * 240, 0)
    assert (told["least_alike"], told["recognised"]) == (20, 50), "one in twenty"
    assert (told["least_values"], told["guessed"], told["guessed_blindly"]) == (4, 250, 250)
    assert (told["present"], told["share"]) == (500, 79), "the limit alone; 240 of 3,040, rounded up"


def test_a_few_among_many_leave_with_a_blank_and_count_as_such(tmp_path):
    people = crowd(*WHOLE, FEW, ("3201", 42, "1", 1, 4), ("3201", 43, "1", 2, 4), *RICH)
    rule = replace(ORDINARY, most_presence_percent=100)
    found = protected(PLAN, rule, people, tmp_path)
    assert isinstance(found, Protection)
    out = passed(PLAN, found, people)
    blank = [row for row in out if row["umur"] is None]
    assert len(out) == 251 and len(blank) == 11 and found.evidence[BLANKS] == 11 and found.evidence[DROPPED] == 0
    assert found.evidence["rows_in_small_classes"] == 11 and found.evidence["small_classes"] == 3


REFUSED = {
    "rows-share": ([*WHOLE, *WHOLE], ORDINARY),
    "rows-presence": ([*WHOLE, *[(kab, 1, "1", 9, 2000) for kab in ("3201", "3202")]], ORDINARY),
    "rows-alike": ([*WHOLE, *[("3201", age, "1", 2, 3) for age in range(50, 80)]], EASY),
    "rows-one-value": ([*WHOLE, *[("3201", age, "1", 2, 10) for age in range(50, 60)]], EASY),
    "rows-inference": (
        [
            ("3201", 30 + age, sex, decile, 14 if decile == 1 + (age + int(sex)) % 4 else 6)
            for age in range(8)
            for sex in "12"
            for decile in (1, 2, 3, 4)
        ],
        replace(EASY, most_inference_percent=5),
    ),
    "rows-families": (WHOLE, EASY),
    "rows-distribution": (
        [*WHOLE, *[("3202", 33, "1", decile, 30) for decile in (1, 2)]],
        replace(EASY, distinct_values=2, most_distance_percent=15),
    ),
}


@pytest.mark.parametrize("code", sorted(EXEMPTIBLE))
def test_what_breaks_one_rule_is_refused_by_its_name_unless_exempted(code, tmp_path):
    kinds, rule = REFUSED[code]
    people = crowd(*kinds)
    asked = plan_of("kode_kab", "umur", "jenis_kelamin", "desil", tied=code == "rows-families")
    found = protected(asked, rule, people, tmp_path / "one")
    assert isinstance(found, Refusal) and found.code == code
    assert "{" not in found.sentence()
    free = plan_of("kode_kab", "umur", "jenis_kelamin", "desil", exempted=(code,), tied=code == "rows-families")
    exempted = protected(free, rule, people, tmp_path / "two")
    assert not (isinstance(exempted, Refusal) and exempted.code == code)


@pytest.mark.parametrize("code", ["rows-one-value", "rows-inference", "rows-distribution"])
def test_who_tells_the_percentile_tells_the_decile(code, tmp_path):
    kinds, rule = REFUSED[code]
    asked = plan_of("kode_kab", "umur", "jenis_kelamin", "persentil")
    found = protected(asked, rule, crowd(*kinds), tmp_path)
    assert isinstance(found, Refusal) and found.code == code


@pytest.mark.parametrize(("most", "code"), [(1, "rows-one-value"), (2, "rows-one-value"), (4, "")])
def test_who_is_chosen_by_the_decile_is_told_to_be_of_it(most, code, tmp_path):
    """Be it by the percentile, and with no column of either."""
    for name, last in (("desil", most), ("persentil", 10 * most)):
        asked = replace(plan_of("kode_kab", "umur"), population=Compare(Op.AT_MOST, Column(name), Const(last)))
        found = protected(asked, EASY, crowd(*WHOLE, *WHOLE, *RICH), tmp_path / name)
        assert (found.code if isinstance(found, Refusal) else "") == code


def test_from_what_the_sensitive_value_follows_is_policy():
    assert ORDINARY.telling == {"desil", "persentil", "peringkat"}


def test_the_least_change_is_proposed_and_passes(tmp_path):
    people = crowd(*WHOLE, *[("3201", age, "1", 1 + age % 4, 3) for age in range(50, 80)])
    found = protected(PLAN, EASY, people, tmp_path / "one")
    assert isinstance(found, Refusal) and found.detail["proposal"] == "umur per kelompok 5 tahun"
    bands = plan_of("kode_kab", "umur", "jenis_kelamin", "desil", grains={"umur": "5-TAHUN"})
    assert isinstance(protected(bands, EASY, people, tmp_path / "two"), Protection)


def test_where_nothing_less_would_pass_something_else_is_proposed(tmp_path):
    found = protected(PLAN, EASY, crowd(FEW, ("3202", 30, "2", 4, 8)), tmp_path)
    assert isinstance(found, Refusal) and found.code == "rows-alike" and "tabel agregat (L1)" in found.sentence()


@pytest.mark.parametrize("rule", [ORDINARY, EASY])
def test_nobody_and_nearly_nobody_are_refused_in_the_same_words(rule, tmp_path):
    """Whoever knows the only one of whom a plan asks would read from an empty file that she is not so."""
    others = replace(plan_of("kode_kab", "jenis_kelamin"), population=Compare(Op.LESS, Column("umur"), Const(30)))
    few = [protected(others, rule, crowd(*RICH, ("3201", 7, "1", 4, many)), tmp_path) for many in (0, 1, 9)]
    assert len(set(map(str, few))) == 1 and isinstance(few[0], Refusal) and few[0].code == "rows-too-few"
    ten = crowd(*RICH, ("3201", 7, "1", 4, 10))
    assert isinstance(protected(others, EASY, ten, tmp_path), Protection)
    free = replace(others, protections=replace(others.protections, exempted=(Exempted("rows-alike", "uji"),)))
    assert isinstance(protected(free, EASY, crowd(*RICH), tmp_path), Protection)


@pytest.mark.parametrize(("names", "grain"), [(("desil",), ""), (("nama_kab", "umur"), "TAHAP-HIDUP")])
def test_rows_that_tell_nobody_apart_are_one_class(names, grain, tmp_path):
    plan = plan_of(*names, grains={"umur": grain} if grain else {})
    found = protected(plan, EASY, crowd(*WHOLE), tmp_path)
    assert isinstance(found, Protection) and found.evidence["classes"] == (2 if "nama_kab" in names else 1)
    assert isinstance(protected(plan, EASY, crowd(FEW), tmp_path), Refusal)
    assert {row["umur"] for row in passed(plan, found, crowd(*WHOLE))} == {20} if grain else True


def test_rows_that_are_not_those_counted_are_not_sealed(tmp_path):
    people = crowd(*WHOLE, FEW, ("3201", 42, "1", 1, 4), ("3201", 43, "1", 2, 4), *RICH)
    found = protected(PLAN, replace(ORDINARY, most_presence_percent=100), people, tmp_path)
    assert isinstance(found, Protection)
    with pytest.raises(NotAsCounted):
        passed(PLAN, found, crowd(*WHOLE, FEW))


@pytest.mark.parametrize("age", [84, 85, 86, 120])
def test_above_the_top_code_every_age_is_told_alike(age, tmp_path):
    plan = plan_of("kode_kab", "umur", exempted=("rows-presence", "rows-share"))
    people = crowd(*[("3201", age, "1", decile, 10) for decile in (1, 2, 3, 4)])
    found = protected(plan, ORDINARY, people, tmp_path)
    assert isinstance(found, Protection)
    assert {row["umur"] for row in passed(plan, found, people)} == {min(age, 85)}
    free = replace(plan, protections=Protections(("nik",), 0, tuple(Exempted(rule, "uji") for rule in EXEMPTIBLE)))
    found = protected(free, ORDINARY, people, tmp_path)
    assert isinstance(found, Protection)
    assert {row["umur"] for row in passed(free, found, people)} == {age}


@pytest.mark.parametrize("place", ["kode_kab", "nama_kab"])
def test_rows_of_an_unknown_place_meet_the_classes_of_an_unknown_place(place):
    """By code, rows are compared only with classes where they live; by name, with all."""
    touched = pa.table({"q0": ["x", None], "q1": [None, 7], "pattern": [1, 2]})
    protection = Protection(None, (place, "umur"), {}, touched, {})
    columns = {place: ["x", None, None, "y", "x"], "umur": [None, 7, 8, 7, 7]}
    with duckdb.connect() as engine:
        for batch, expected in (
            (pa.record_batch(columns), [1, 2, 0, 0, 0]),
            (pa.record_batch(columns).slice(2), [0] * 3),
        ):
            assert protection._patterns(engine, batch, batch).tolist() == expected
