"""Published tables as an attacker has them: nothing but the files. Each is attacked alone by `audit`, and all together
by subtraction and by everything that their counts pin down. Findings are named in words; no interval and no count is
told.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bagipakai.core.lifecycle import quarters_between
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure import union
from bagipakai.registry.disclosure.audit import Contradiction, audit
from bagipakai.registry.disclosure.balance import unbalanced
from bagipakai.registry.disclosure.containment import Cells
from bagipakai.registry.disclosure.disclosing import Axis, cells, of_json, sums_of_json
from bagipakai.registry.disclosure.ledger import Difference, met, telling
from bagipakai.registry.disclosure.nearness import near_sums
from bagipakai.registry.disclosure.primary import alike
from bagipakai.registry.disclosure.published import Occupied, cells_of, limits, refusal, words
from bagipakai.registry.disclosure.reporting import CELL_KEY, GAUSSIAN, HIDING
from bagipakai.registry.disclosure.sums import World
from bagipakai.registry.disclosure.tables import TableRule, summed


@dataclass(frozen=True)
class Published:
    """A table as it was published: what was asked, and what was told. `moved`: by how much a count may have been
    changed after its noise, so that all add up; None where none was."""

    name: str
    plan: Plan
    release: str
    axes: tuple[Axis, ...]
    counts: tuple[int | None, ...]
    method: str = HIDING
    base: int = 1
    sums: tuple[int | None, ...] | None = None
    moved: int | None = None

    @property
    def is_true(self) -> bool:
        """Whether what is shown was not changed."""
        return self.method == HIDING

    @classmethod
    def of_json(cls, name: str, told: Mapping[str, Any]) -> "Published":
        """Raises KeyError, TypeError or ValueError for what `registry disclose` would not have written."""
        method = told.get("method", {"name": HIDING})
        if method["name"] not in (HIDING, CELL_KEY, GAUSSIAN):
            raise ValueError("a method that nobody knows")
        about = str(method["name"]), int(method.get("base", 1))
        plan, (axes, counts) = Plan.from_json(told["plan"]), of_json(told, signed=method["name"] == GAUSSIAN)
        sums = sums_of_json(told, axes)
        if (sums is None) != (not plan.summed) or (plan.summed and method["name"] != HIDING):
            raise ValueError("sums stand where the plan asks for them, and never beside noise")
        return cls(name, plan, str(told["release"]), axes, counts, *about, sums, _moved(method))


def _moved(method: Mapping[str, Any]) -> int | None:
    told = method.get("additive", {"within": 0, "adds_up": False})
    if set(told) != {"within", "adds_up"} or type(told["within"]) is not int or type(told["adds_up"]) is not bool:
        raise ValueError("how counts were made to add up is said by a number, and yes or no")
    return int(told["within"]) if told["adds_up"] else None


def alone(table: Published, rule: TableRule) -> Iterator[Refusal]:
    """Each count that is shown and too small to be; each hidden cell of which too much can be computed from the others,
    its count or its sum (for what else one that is shown should have been hidden cannot be seen in a file). Of counts
    with noise, each that is too small, not rounded, or nearly all of a small group: nothing can be computed of what
    does not add up. Of differential privacy a file tells that it adds up, so that its margins are no further
    measurements; not what noise was drawn."""
    if table.method == CELL_KEY:
        yield from _slips(table, rule)
        return
    if table.method == GAUSSIAN:
        trees, counts = [axis.tree for axis in table.axes], np.array(table.counts, np.float64)
        grid = counts.reshape([len(tree) for tree in trees])
        if np.isnan(counts).any() or (summed(trees, grid.copy()) != grid).any():
            yield Refusal("disclosed-table-contradicts-itself", {"folder": table.name})
        return
    width = limits(table.plan, rule).smallest
    hidden = {at: width for at, count in enumerate(table.counts) if count is None}
    try:
        found = audit([axis.tree for axis in table.axes], table.counts, hidden)
        near_ones = near_sums(table.axes, table.counts, table.sums, rule)
    except Contradiction:
        yield Refusal("disclosed-table-contradicts-itself", {"folder": table.name})
        return
    small = [at for at, count in enumerate(table.counts) if count is not None and count < width]
    yield from _named(table, "disclosed-count-is-unprotected", small)
    yield from _named(table, "disclosed-cell-is-near", [one.cell for one in found])
    yield from _named(table, "disclosed-sum-is-near", [one.cell for one in near_ones])


def _slips(table: Published, rule: TableRule) -> Iterator[Refusal]:
    own = rule.of_plan(table.plan)
    trees = [axis.tree for axis in table.axes]
    if table.moved is not None and unbalanced(trees, table.counts):
        yield Refusal("disclosed-table-contradicts-itself", {"folder": table.name})
    counts = np.array([-1 if one is None else one for one in table.counts], np.int64).reshape(
        [len(tree) for tree in trees]
    )
    wrong = (counts < limits(table.plan, rule).smallest) | (counts % table.base != 0) | alike(trees, counts, own)
    yield from _named(table, "disclosed-count-is-unprotected", np.flatnonzero(wrong & (counts >= 0)).tolist())


def _named(table: Published, code: str, at: Sequence[int]) -> Iterator[Refusal]:
    """A finding for each of these cells, in words. The total is of all."""
    names = [values for values, _ in cells(table.axes, table.counts)] if at else []
    for cell in at:
        told = "; ".join(f"{name} {value}" for name, value in names[cell].items())
        yield Refusal(code, {"folder": table.name, "cell": told or "semua"})


def unsteady(tables: Sequence[Published], catalogue: Catalogue) -> Iterator[Refusal]:
    """Counts with noise that were asked about the same and answered otherwise: whoever asks again averages them. Where
    they were made to add up, by more than that explains: then another noise was drawn."""
    seen: dict[tuple[str, str, Any, Any], tuple[int, int, str]] = {}
    for table in tables:
        told = _counts(table, catalogue) if table.method == CELL_KEY else None
        if not isinstance(told, Cells):
            continue
        for at, count in enumerate(told.count.tolist()):
            box, region = told.about(at)
            about = (table.release, table.plan.unit.value, tuple(sorted(box.items())), region)
            before, moved, name = seen.setdefault(about, (count, table.moved or 0, table.name))
            if abs(before - count) > moved + (table.moved or 0):
                group = words(box, region, catalogue)
                yield Refusal("disclosed-noise-differs", {"one": name, "other": table.name, "group": group})


def near(tables: Sequence[Published], rule: TableRule, catalogue: Catalogue) -> tuple[int, int]:
    """Of counts with noise, what an attacker could subtract or average: how many pairs of two tables, one inside the
    other, are nearer than the smallest count, mostly by their noise; and in how many tables the group is that is in
    most. No findings: whether they are too near, or too many, only the ledger knows (disclosure reference 6.1)."""
    told = [(table, _counts(table, catalogue)) for table in tables if table.method == CELL_KEY]
    pairs, places = 0, Counter[Any]()
    for table, narrow in told:
        if isinstance(narrow, Refusal):
            continue
        most = replace(limits(table.plan, rule), under=0)
        groups = ((*narrow.about(at), table.plan.unit.value) for at in range(len(narrow)))
        places.update({(tuple(sorted(box.items())), region, unit) for box, region, unit in groups})
        for other, wide in told:
            if other is not table and other.release == table.release and not isinstance(wide, Refusal):
                pairs += sum(1 for _ in telling(narrow, wide, most))
    return pairs, max(places.values(), default=0)


def together(tables: Sequence[Published], rule: TableRule, catalogue: Catalogue) -> Iterator[Refusal]:
    """Pairs of counts of one release, or of two that are near, of which the difference tells of a few people, or one
    tells of all; and what each table tells together with all of its release that are named before it. Of counts that
    are true: whether those with noise are too near to others, only the ledger knows (disclosure reference 6.1)."""
    told = [(table, _counts(table, catalogue)) for table in tables if table.is_true]
    for at, (table, narrow) in enumerate(told):
        for other, (against, wide) in enumerate(told):
            if isinstance(narrow, Refusal) or isinstance(wide, Refusal):
                continue
            most, apart = limits(table.plan, rule), quarters_between(table.release, against.release)
            if apart > most.quarters:
                continue
            releases = (table.release, against.release) if table.release != against.release else None
            for inner, outer, share in telling(
                narrow, wide, replace(most, under=0) if at == other else most, apart > 0
            ):
                found = Difference(narrow.about(inner), wide.about(outer), share, releases)
                yield _between(table, against, refusal(found, catalogue))
    yield from _meeting(told, rule)
    world = World.of(catalogue)
    for at, (table, new) in enumerate(told):
        others = [cells for other, cells in told[:at] if isinstance(cells, Cells) and table.release == other.release]
        if isinstance(new, Cells) and others:
            for one in union.isolated(new, others, limits(table.plan, rule).smallest, world):
                yield _among(table, union.refusal(one, catalogue))


def _between(table: Published, other: Published, no: Refusal) -> Refusal:
    """What whoever makes a table is told of two counts, as whoever audits needs it: where both stand."""
    about = {"narrow": no.detail["narrow"], "wide": no.detail["wide"]}
    if table is other:
        return Refusal("disclosed-table-tells-a-few", {"folder": table.name, **about})
    return Refusal("disclosed-tables-tell-a-few", {"one": table.name, "other": other.name, **about})


def _among(table: Published, no: Refusal) -> Refusal:
    """The same of a table and all that are named before it."""
    if "group" in no.detail:
        return Refusal("disclosed-tables-together-narrow", {"folder": table.name, "group": no.detail["group"]})
    return Refusal("disclosed-tables-undecided", {"folder": table.name})


def _meeting(told: Sequence[tuple[Published, Cells | Refusal]], rule: TableRule) -> Iterator[Refusal]:
    """Pairs of tables that could be subtracted sum from sum; nothing here does it. The same question of another quarter
    is none."""
    for at, (table, here) in enumerate(told):
        for other, there in told[:at]:
            apart = quarters_between(table.release, other.release)
            summed = bool(table.plan.summed) and table.plan.summed == other.plan.summed
            again = apart > 0 and _question(table.plan) == _question(other.plan)
            if not summed or apart > rule.quarters or again or table.sums == other.sums:
                continue
            if isinstance(here, Cells) and isinstance(there, Cells) and met(here, there):
                yield Refusal("disclosed-sums-meet", {"folder": table.name, "other": other.name})


def _question(plan: Plan) -> tuple[object, ...]:
    return plan.unit, plan.columns, plan.population, plan.area


def _counts(table: Published, catalogue: Catalogue) -> Cells | Refusal:
    """Which categories and places are empty an attacker has to guess."""
    occupied = Occupied(table.plan.area.codes, {})
    lines = cells(table.axes, table.counts)
    told = lines if table.is_true else ((values, count) for values, count in lines if count is not None)
    return cells_of(table.plan, told, catalogue, occupied)
