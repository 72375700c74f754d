"""Published tables as an attacker has them: nothing but the files. Each is attacked alone by `audit`, and all together
by subtraction and by everything that their counts pin down. Findings are named in words; no interval and no count is
told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure import union
from bagipakai.registry.disclosure.audit import Contradiction, audit
from bagipakai.registry.disclosure.containment import Cells
from bagipakai.registry.disclosure.disclosing import Axis, cells, of_json
from bagipakai.registry.disclosure.ledger import Difference, telling
from bagipakai.registry.disclosure.published import Occupied, cells_of, limits, refusal
from bagipakai.registry.disclosure.sums import World
from bagipakai.registry.disclosure.tables import TableRule


@dataclass(frozen=True)
class Published:
    """A table as it was published: what was asked, and what was told."""

    name: str
    plan: Plan
    release: str
    axes: tuple[Axis, ...]
    counts: tuple[int | None, ...]

    @classmethod
    def of_json(cls, name: str, told: Mapping[str, Any]) -> "Published":
        """Raises KeyError, TypeError or ValueError for what `registry disclose` would not have written."""
        return cls(name, Plan.from_json(told["plan"]), str(told["release"]), *of_json(told))


def alone(table: Published, rule: TableRule) -> Iterator[Refusal]:
    """Each hidden cell of which too much can be computed from the others."""
    width = limits(table.plan, rule).smallest
    hidden = {at: width for at, count in enumerate(table.counts) if count is None}
    try:
        found = audit([axis.tree for axis in table.axes], table.counts, hidden)
    except Contradiction:
        yield Refusal("disclosed-table-contradicts-itself", {"folder": table.name})
        return
    names = [values for values, _ in cells(table.axes, table.counts)]
    for one in found:
        told = "; ".join(f"{name} {value}" for name, value in names[one.cell].items())
        yield Refusal("disclosed-cell-is-near", {"folder": table.name, "cell": told})


def together(tables: Sequence[Published], rule: TableRule, catalogue: Catalogue) -> Iterator[Refusal]:
    """Pairs of counts of one release of which the difference tells of a few people, or one tells of all; and what each
    table tells together with all that are named before it."""
    told = [(table, _counts(table, catalogue)) for table in tables]
    for at, (table, narrow) in enumerate(told):
        for other, (against, wide) in enumerate(told):
            if isinstance(narrow, Refusal) or isinstance(wide, Refusal):
                continue
            if table.release != against.release:
                continue
            most = limits(table.plan, rule)
            for inner, outer, share in telling(narrow, wide, replace(most, under=0) if at == other else most):
                yield refusal(Difference(narrow.about(inner), wide.about(outer), share), catalogue)
    world = World.of(catalogue)
    for at, (table, new) in enumerate(told):
        others = [cells for other, cells in told[:at] if isinstance(cells, Cells) and table.release == other.release]
        if isinstance(new, Cells) and others:
            for found in union.isolated(new, others, limits(table.plan, rule).smallest, world):
                yield union.refusal(found, catalogue)


def _counts(table: Published, catalogue: Catalogue) -> Cells | Refusal:
    """Which categories and places are empty an attacker has to guess."""
    occupied = Occupied(table.plan.area.codes, {})
    return cells_of(table.plan, cells(table.axes, table.counts), catalogue, occupied)
