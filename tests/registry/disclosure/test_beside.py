"""Whatever a recipient was given before: rows are alike also for whoever puts all that was given side by side, counted
by hand; and nothing is refused for what is held unless that would be so."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.core.plans import DAY, EDITION
from tests.registry.disclosure.test_rows import EASY, GRAINS, TYPES, Row, crowd, plan_of, populations, somebody

from bagipakai.core.disclosure import RowRule
from bagipakai.core.plan import Area, Plan
from bagipakai.core.query import And, Column, Compare, Const, Count, In, Missing, Not, Op
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
    return Beside(tuple(held), rule, CODES) if held else None


def protected(plan: Plan, rule: RowRule, people: list[Row], spill: Path, held: Sequence[Given]) -> Protection | Refusal:
    def count(query: Count) -> Iterator[pa.RecordBatch]:
        found = reference.groups(query, people)
        columns = [pa.array([key[at] for key in found], TYPES[name]) for at, name in enumerate(query.by)]
        yield pa.record_batch([*columns, pa.array(list(found.values()), pa.int64())], [*query.by, "n"])

    return protection(plan, rule, GRAINS, count, spill, "400MB", around(held, rule))


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


def seen(person: int, packages: Sequence[Told]) -> tuple[Any, ...]:
    """What all packages together tell of a person that somebody may know."""
    return tuple(
        None if person not in told else tuple((name, one) for name, one in told[person].items() if name != "desil")
        for told in packages
    )


def broken(before: Sequence[Told], now: Told, people: list[Row], rule: RowRule) -> set[str]:
    """The rules that these rows do not meet for whoever has the others, too."""
    everybody = {row["person_ordinal"]: row for row in people}
    classes, earlier = defaultdict(list), defaultdict(set)
    for person in everybody:
        classes[seen(person, [*before, now])].append(person)
        earlier[seen(person, before)].add(person in now)
    found = set()
    for view, those in classes.items():
        *past, here = view
        if here is None and (not any(past) or True not in earlier[tuple(past)]):
            continue
        if len(those) < rule.smallest_class:
            found.add("rows-alike")
        valued = [told[person] for told in (*before, now) for person in those if "desil" in told.get(person, {})]
        values = Counter(everybody[person]["desil"] for person in those)
        if valued and (
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
@settings(max_examples=150, deadline=None)
def test_what_leaves_is_alike_beside_all_that_left_before(people, asked, rule, tmp_path_factory):
    held: list[Given] = []
    packages: list[Told] = []
    for at, plan in enumerate(asked):
        spill = tmp_path_factory.mktemp("spill")
        found = protected(plan, rule, people, spill, held)
        if isinstance(found, Refusal):
            event(f"refused: {found.code}" if held else "the first is refused")
            if found.code == "rows-beside":
                assert held and broken(packages, as_told(plan, rule, people), people, rule), "nothing stood in the way"
            continue
        now = left(plan, found, people)
        whole = as_told(plan, rule, people)
        assert all(value in (None, whole[who][name]) for who, row in now.items() for name, value in row.items())
        assert not broken(packages, now, people, rule)
        assert 100 * (len(whole) - len(now)) <= rule.most_dropped_percent * len(whole)
        if held:
            event("touched" if len(found.touched) else "as it is")
        held.append(remembered((f"O-{at}", "dinsos", "2026.3.0", "individu"), plan, found))
        packages.append(now)
