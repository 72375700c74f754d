"""Which columns of which copies are marked, and which are drawn anew: those that the policy names, of which it also
says why nothing is decided by them. What is not said to decide nothing decides something, and is told as it is
(decisions 0144, 0150).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bagipakai.core.disclosure import RowRule
from bagipakai.core.marks import MARKED, Marking
from bagipakai.core.plan import Level, Plan
from bagipakai.core.policy import PolicyError, rules
from bagipakai.core.query import columns_of
from bagipakai.core.randomisation import Randomisation
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Sensitivity, Type, Variable


@dataclass(frozen=True, slots=True)
class Undecisive:
    """A variable by which nothing is decided: the reason, for which purposes that holds, and from which values on
    something may be decided all the same (`thresholds`)."""

    reason: str
    purposes: frozenset[str]
    thresholds: tuple[int, ...]


def undecisive(day: date) -> Mapping[str, Undecisive]:
    """All such variables on a day, by name. Raises PolicyError for one without a reason, or with a purpose that is not
    known."""
    known = {code for (code,) in rules("purposes", "purpose", ("code",)).in_force(day)}
    found = {}
    for (name,), rule in rules("disclosure", "decides_nothing", ("variable",)).in_force(day).items():
        one = Undecisive(str(rule["reason"]).strip(), frozenset(rule["purposes"]), tuple(rule["thresholds"]))
        if not one.reason or not one.purposes <= known:
            raise PolicyError(f"disclosure.toml, decides_nothing, {name}: a reason, and purposes that are known")
        found[str(name)] = one
    return found


def markings(day: date) -> Mapping[Level, Marking]:
    """How copies of each level may be marked on a day. Raises PolicyError for a column by which something is or may be
    decided, and for what cannot be marked."""
    found = {}
    for (name,), rule in rules("disclosure", "marks", ("level",)).in_force(day).items():
        where = f"disclosure.toml, marks, {name}"
        if name not in MARKED:
            raise PolicyError(f"{where}: no value of this level is ever changed")
        columns = dict(rule["columns"])
        thresholds = {column: _thresholds(column, Level(name), day, where) for column in columns}
        try:
            found[Level(name)] = Marking(columns, rule["every"], thresholds)
        except ValueError as error:
            raise PolicyError(f"{where}: {error}") from None
    return found


def marking(plan: Plan, day: date) -> Marking | None:
    """How the copy of this plan is marked by the rules of a day, or None where nothing of it is. A column that the
    plan's own filter asks about is told as it is, and so is one that is told more coarsely. Raises PolicyError,
    NoRule."""
    if plan.level not in MARKED:
        return None
    whole, said = markings(day).get(plan.level), undecisive(day)
    if whole is None:
        return None
    as_it_is = _as_it_is(plan)
    columns = {
        name: width for name, width in whole.columns.items() if name in as_it_is and plan.purpose in said[name].purposes
    }
    return Marking(columns, whole.every, {name: whole.thresholds[name] for name in columns}) if columns else None


def randomisations(day: date) -> Mapping[Level, Mapping[str, tuple[Randomisation, frozenset[str]]]]:
    """What may be drawn anew in rows of each level on a day: each variable, how, and for which purposes. Raises
    PolicyError for a variable or a purpose by which something is or may be decided."""
    found: dict[Level, dict[str, tuple[Randomisation, frozenset[str]]]] = {}
    for (level, name), rule in rules("disclosure", "randomised", ("level", "variable")).in_force(day).items():
        where, purposes = f"disclosure.toml, randomised, {level}, {name}", frozenset(rule["purposes"])
        if level not in MARKED:
            raise PolicyError(f"{where}: no value of this level is ever changed")
        thresholds = _thresholds(name, Level(level), day, where)
        if not purposes <= undecisive(day)[name].purposes:
            raise PolicyError(f"{where}: something may be decided for these purposes")
        try:
            how = Randomisation({name: rule["keep_percent"]}, {name: thresholds})
        except ValueError as error:
            raise PolicyError(f"{where}: {error}") from None
        found.setdefault(Level(level), {})[name] = how, purposes
    return found


def randomisation(plan: Plan, day: date) -> Randomisation | None:
    """What is drawn anew in the rows of this plan by the rules of a day, or None where nothing of it is. As with marks,
    not what is told more coarsely; no plan may ask about it in its filter (`drawn_in_filter`). Raises PolicyError,
    NoRule."""
    if plan.level not in MARKED:
        return None
    as_it_is, ones = _as_it_is(plan), randomisations(day).get(plan.level, {})
    columns = {name: how for name, (how, purposes) in ones.items() if name in as_it_is and plan.purpose in purposes}
    if not columns:
        return None
    return Randomisation(
        {name: how.keep[name] for name, how in columns.items()},
        {name: how.thresholds[name] for name, how in columns.items()},
    )


def drawn_in_filter(plan: Plan, day: date) -> Refusal | None:
    """A filter on what is drawn anew in such rows would tell by who is among them what is true of them. Raises
    PolicyError, NoRule."""
    ones = randomisations(day).get(plan.level, {})
    drawn = (name for name in columns_of(plan.population) if name in ones and plan.purpose in ones[name][1])
    return next((Refusal("plan-filter-by-drawn", {"name": name}) for name in drawn), None)


def _as_it_is(plan: Plan) -> set[str]:
    """The variables that are told neither more coarsely nor by the plan's own filter."""
    return {asked.name for asked in plan.variables if not asked.grain} - set(columns_of(plan.population))


def _wrong(variable: Variable, rule: RowRule) -> str | None:
    if variable.type is not Type.INTEGER:
        return "is not a whole number"
    if variable.sensitivity is not Sensitivity.GENERAL or variable.name == rule.sensitive:
        return "is too sensitive to be changed"
    if variable.dimension:
        return "divides tables, which tell it as it is"
    if variable.name in rule.quasi_identifiers or variable.name in rule.top_codes:
        return "is told more coarsely already"
    return None


def _thresholds(name: str, level: Level, day: date, where: str) -> tuple[int, ...]:
    """Those of the policy, and the limits between which the catalogue says that values lie. Raises PolicyError for a
    variable that is not said to decide nothing, or of which that cannot be said in rows of this level."""
    said, catalogue = undecisive(day), Catalogue.on(day)
    if name not in said or name not in catalogue:
        raise PolicyError(f"{where}: {name} is not said to decide nothing")
    variable = catalogue[name]
    if wrong := _wrong(variable, RowRule.on(day, level)):
        raise PolicyError(f"{where}: {name} {wrong}")
    limits = [variable.low, None if variable.high is None else variable.high + 1]
    return tuple(sorted({*said[name].thresholds, *(limit for limit in limits if limit is not None)}))
