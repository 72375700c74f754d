"""The control tier that answers need, and the variables by which they need it, while there is no plan yet."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bagipakai.control import forms
from bagipakai.core.plan import Level
from bagipakai.core.query import columns_of
from bagipakai.core.variables import Catalogue, Sensitivity


def of(answers: Mapping[str, Any], day: date) -> str:
    """The control tier whose documents and gates these answers need, as far as they tell: their level, or L4 where rows
    hold or are chosen by specific data (law reference 6.2). Nothing while no level is chosen."""
    level = answers.get("level")
    if level not in set(Level):
        return ""
    names = [name for name in _used(answers) if name in Catalogue.on(day)]
    return Catalogue.on(day).tier_of(names, Level(level)).value


def specific(answers: Mapping[str, Any], day: date) -> frozenset[str]:
    """The asked variables of class SPECIFIC."""
    catalogue = Catalogue.on(day)
    return frozenset(
        name for name in _used(answers) if name in catalogue and catalogue[name].sensitivity is Sensitivity.SPECIFIC
    )


def _used(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Every variable that the answers name, as a column or in a condition."""
    asked = [one["name"] for one in answers.get("variables") or ()]
    return tuple(dict.fromkeys([*asked, *columns_of(forms.population(answers.get("population")))]))
