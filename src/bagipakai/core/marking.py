"""Which columns of which copies are marked: those that the policy names, of which it also says why nothing is decided
by their last digit. What is not said to decide nothing decides something, and is told as it is (decision 0144).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bagipakai.core.disclosure import RowRule
from bagipakai.core.marks import MARKED, Marking
from bagipakai.core.plan import Level, Plan
from bagipakai.core.policy import PolicyError, rules
from bagipakai.core.query import columns_of
from bagipakai.core.variables import Catalogue, Sensitivity, Type, Variable


@dataclass(frozen=True, slots=True)
class Undecisive:
    """A variable by whose last digit nothing is decided: the reason, for which purposes that holds, and from which
    values on something may be decided all the same (`thresholds`)."""

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
        columns, said = dict(rule["columns"]), undecisive(day)
        catalogue, limit = Catalogue.on(day), RowRule.on(day, Level(name))
        for column in columns:
            if column not in said or column not in catalogue:
                raise PolicyError(f"{where}: {column} is not said to decide nothing")
            if wrong := _wrong(catalogue[column], limit):
                raise PolicyError(f"{where}: {column} {wrong}")
        thresholds = {column: _thresholds(said[column], catalogue[column]) for column in columns}
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
    as_it_is = {asked.name for asked in plan.variables if not asked.grain} - set(columns_of(plan.population))
    columns = {
        name: width for name, width in whole.columns.items() if name in as_it_is and plan.purpose in said[name].purposes
    }
    return Marking(columns, whole.every, {name: whole.thresholds[name] for name in columns}) if columns else None


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


def _thresholds(said: Undecisive, variable: Variable) -> tuple[int, ...]:
    """Those of the policy, and the limits between which the catalogue says that values lie."""
    limits = [variable.low, None if variable.high is None else variable.high + 1]
    return tuple(sorted({*said.thresholds, *(limit for limit in limits if limit is not None)}))
