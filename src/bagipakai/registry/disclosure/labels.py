"""What variables, their values and places are called on the paper of a table."""

from collections.abc import Sequence
from types import NoneType

from bagipakai.core.base_categories import table_filter
from bagipakai.core.boxes import Box
from bagipakai.core.plan import Unit
from bagipakai.core.query import AREA_COLUMNS, Scalar
from bagipakai.registry.disclosure.disclosing import Axis
from bagipakai.registry.disclosure.paper import place
from bagipakai.registry.disclosure.published import called, categories
from bagipakai.registry.disclosure.reporting import Run

SUM, UNKNOWN = "∑", "?"  # columns


def unit(run: Run) -> str:
    return "orang" if run.plan.unit is Unit.INDIVIDU else "keluarga"


def title(run: Run, name: str) -> str:
    return run.catalogue[name].title()


def crossed(run: Run, names: Sequence[str]) -> str:
    """The titles of variables that are told together."""
    return " × ".join(title(run, name) for name in names)


def population(run: Run) -> str:
    """By what is compared with other tables, so however it was asked for."""
    chosen = table_filter(run.plan.population, run.catalogue)
    if not isinstance(chosen, Box):
        return "tidak seorang pun"
    return (
        "; ".join(f"{title(run, name)}: {categories(run.catalogue[name], mask)}" for name, mask in chosen.masks)
        or "semua"
    )


def rows(run: Run, axis: Axis) -> list[str]:
    """Of an axis that goes down, its total first."""
    names = [list(axis.values(node))[-1] for node in range(1, len(axis.tree))]
    return ["Semua", *(_value(run, name, value) for name, value in zip(names, _values(axis), strict=True))]


def columns(run: Run, axis: Axis) -> list[str]:
    """Of an axis that goes across, its total first."""
    told = zip(_values(axis), rows(run, axis)[1:], strict=True)
    return [SUM, *(UNKNOWN if value is None else label for value, label in told)]


def is_numbers(axis: Axis) -> bool:
    return len(axis.names) == 1 and all(type(value) in (int, NoneType) for value in _values(axis))


def _values(axis: Axis) -> list[Scalar | None]:
    """What each node below the total is called."""
    return [list(axis.values(node).values())[-1] for node in range(1, len(axis.tree))]


def _value(run: Run, name: str, value: Scalar | None) -> str:
    told = called(run.catalogue[name], value)
    return place(told) if name in AREA_COLUMNS.values() and value is not None else told
