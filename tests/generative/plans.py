"""Generated lawful plans over the real catalogue: any level, unit, columns, area and population that may be asked."""

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st
from tests.core.plans import POOR, a_plan

from bagipakai.core.objections.plan import IDENTIFIERS, Known
from bagipakai.core.plan import Area, Asked, Level, Plan, Protections, Unit
from bagipakai.core.query import (
    And,
    Between,
    Column,
    Compare,
    Const,
    In,
    Missing,
    Not,
    Op,
    Or,
    Predicate,
    truth_of_nothing,
)
from bagipakai.core.variables import Sensitivity, Type, Variable

ORDER = (Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST)


@st.composite
def plans(draw: st.DrawFn, known: Known, places: list[str], texts: dict[str, list[str]]) -> Plan:
    """`places`: region codes to choose from. `texts`: for each variable of free text, values that occur, so that
    equality finds somebody."""
    level, unit = draw(st.sampled_from(Level)), draw(st.sampled_from(Unit))
    usable = [one for one in known.catalogue.of_unit(unit) if fits(one, level, known)]
    columns = [one for one in usable if level is not Level.L1 or one.dimension]
    most = known.rule.most_dimensions if level is Level.L1 else 8
    names = draw(st.lists(st.sampled_from([one.name for one in columns]), min_size=1, max_size=most, unique=True))
    numbers = [name for name in IDENTIFIERS if unit in known.catalogue[name].units]
    pseudonyms = draw(st.lists(st.sampled_from(numbers), unique=True)) if level in (Level.L2, Level.L3) else []
    return replace(
        a_plan(level),
        unit=unit,
        variables=tuple(Asked(name, "perlu") for name in names),
        population=draw(st.none() | populations(usable, texts)),
        area=Area(tuple(draw(areas(places))), known.edition),
        release=next(iter(known.releases)),
        protections=Protections(tuple(pseudonyms), known.rule.smallest_persons if level is Level.L1 else 0),
    )


def fits(variable: Variable, level: Level, known: Known) -> bool:
    if level is Level.L1:
        return variable.lowest_level <= Level.L2
    return variable.may_stand_in(level, known.tier or level)


@st.composite
def areas(draw: st.DrawFn, places: list[str]) -> list[str]:
    """The nation, or up to three places of any size, none inside another."""
    if draw(st.integers(0, 7)) == 0:
        return []
    codes = draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique=True))
    codes = [code[: draw(st.sampled_from([2, 4, len(code)]))] for code in codes]
    return [code for code in dict.fromkeys(codes) if not any(code != one and code.startswith(one) for one in codes)]


def populations(variables: list[Variable], texts: dict[str, list[str]]) -> st.SearchStrategy[Predicate]:
    askable = [one for one in variables if one.name not in IDENTIFIERS]
    simple = st.sampled_from(askable).flatmap(lambda variable: about(variable, texts))
    several = lambda inner: st.lists(inner, min_size=1, max_size=3).map(tuple)  # noqa: E731
    free = st.recursive(
        simple,
        lambda inner: st.one_of(several(inner).map(And), several(inner).map(Or), inner.map(Not), inner.map(Missing)),
        max_leaves=6,
    )
    return free.map(lambda one: And((POOR, one)) if truth_of_nothing(one) is True else one)


def about(variable: Variable, texts: dict[str, list[str]]) -> st.SearchStrategy[Predicate]:
    """Something simple about one variable, as the catalogue allows it."""
    column, values = Column(variable.name), constants(variable, texts)
    equal = st.builds(Compare, st.sampled_from([Op.EQUAL, Op.DIFFERS]), st.just(column), values.map(Const))
    some = st.builds(In, st.just(column), st.lists(values, min_size=1, max_size=4).map(tuple))
    forms = [equal, some, st.just(Missing(column))]
    if variable.type is Type.BOOLEAN:
        forms.append(st.just(column))
    elif variable.codes is None:
        forms.append(st.builds(Compare, st.sampled_from(ORDER), st.just(column), values.map(Const)))
        forms.append(st.builds(Compare, st.sampled_from(ORDER), values.map(Const), st.just(column)))
        pair = st.tuples(values, values).map(sorted)
        forms.append(pair.map(lambda ends: Between(column, ends[0], ends[1])))
    return st.one_of(forms)


def constants(variable: Variable, texts: dict[str, list[str]]) -> st.SearchStrategy[Any]:
    match variable.type:
        case Type.BOOLEAN:
            return st.booleans()
        case Type.INTEGER:
            return st.integers(variable.low or 0, variable.high if variable.high is not None else 1000)
        case Type.DATE:
            return st.dates(date(1940, 1, 1), date(2026, 12, 31))
    return st.sampled_from(list(variable.codes) if variable.codes else texts.get(variable.name) or [""])


def is_specific(plan: Plan, known: Known) -> bool:
    return any(known.catalogue[name].sensitivity is Sensitivity.SPECIFIC for name in plan.columns)
