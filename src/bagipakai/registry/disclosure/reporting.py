"""What a table of counts tells about people, in figures, for those who answer for it: how it was attacked, and what of
it is left to use (disclosure reference 4.9; the three questions: WP29 Opinion 05/2014). `page` tells them.

Whatever stands here can be computed from the published files, or is a number of tables, a policy, a name or a digest.
No true count of a hidden cell reaches this module, nor which hidden cells are the small ones: recipients read it, too.
Two attacks need to know these; they are run before a table is made (`suppression.ATTACKERS`), and what they break is no
table. There is no clock in it: the same plan and release, compared with the same tables, give the same bytes.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from itertools import product
from typing import Any, Final

import numpy as np

from bagipakai.core.methods import CellKey, DifferentialPrivacy, Method, Suppression
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.audit import audit
from bagipakai.registry.disclosure.balance import Balance, unbalanced
from bagipakai.registry.disclosure.disclosing import Axis
from bagipakai.registry.disclosure.nearness import near_sums
from bagipakai.registry.disclosure.private import bound
from bagipakai.registry.disclosure.tables import Counts, TableRule, summed

PROGRAMS: Final = ("bagipakai", "duckdb", "highspy", "numpy")
HIDDEN: Final = -(1 << 53)  # as many are nowhere; a count with noise can be negative
HIDING, CELL_KEY, GAUSSIAN = "secondary-suppression/v1", "cell-key/v1", "discrete-gaussian/v1"  # as files say


@dataclass(frozen=True)
class Run:
    """What `registry disclose` did. `release`: version and digest; `counts`: one per cell in C order, None where it is
    hidden; `rule` with the plan's own smallest cell in it; `compared`: how many published tables it was looked at
    beside, without finding anything; `content`: digest of the table; `method`: how it was protected; `sums`,
    `unknown`, `balance`: of `disclosing.Disclosed`."""

    plan: Plan
    release: tuple[str, str]
    catalogue: Catalogue
    axes: tuple[Axis, ...]
    counts: tuple[int | None, ...]
    rule: TableRule
    day: date
    compared: int
    content: str
    method: Method
    sums: tuple[int | None, ...] | None = None
    unknown: int | None = None
    balance: Balance | None = None

    @property
    def smallest(self) -> int:
        return self.rule.smallest_persons if self.plan.unit is Unit.INDIVIDU else self.rule.smallest_families

    @cached_property
    def cube(self) -> Counts:
        """The published counts, one axis per dimension; HIDDEN where nothing is told."""
        told = np.array([HIDDEN if one is None else one for one in self.counts], np.int64)
        return told.reshape([len(axis.tree) for axis in self.axes])


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one breakdown: of its `cells`, those `shown`, and how many persons or families they count."""

    levels: tuple[str, ...]
    cells: int
    shown: int
    counted: int


@dataclass(frozen=True, slots=True)
class Alike:
    """Groups (a shown count that is divided) and those of which a shown part holds nearly all; the same of groups so
    small that policy forbids it."""

    groups: int
    nearly: int
    small: int
    small_nearly: int


@dataclass(frozen=True, slots=True)
class Attack:
    """How often it succeeded, of how many tries; None where that number is itself a secret."""

    name: str
    found: int
    of: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sum of all; of those counted, at most so many percent do not know what is summed; and of each breakdown, how
    much stands in sums that are shown."""

    total: int
    unknown: int
    shown: tuple[tuple[tuple[str, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Every figure of the report. `least`: the smallest count that is shown; `deviation`: by how much a published count
    is usually off (standard deviation), by the policy and not by the true counts; 0 where it is true."""

    total: int
    cells: int
    hidden: int
    smallest: int
    least: int
    below: int
    compared: int
    alike: Alike
    attacks: tuple[Attack, ...]
    left: tuple[Left, ...]
    deviation: float
    sums: Totals | None = None
    balance: Balance | None = None

    @property
    def broken(self) -> int:
        """How many attacks succeeded."""
        return sum(one.found > 0 for one in self.attacks)

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {name: value for name, value in told.items() if value is not None or name not in ("sums", "balance")}


def figures(run: Run) -> Figures:
    """Attacks the published table, and counts what is left of it. Raises `audit.Contradiction` for what is no table."""
    shown = run.cube[run.cube != HIDDEN]
    alike, below = _alike(run), int((shown < run.smallest).sum())
    match run.method:
        case Suppression():
            attacks, deviation = (*_of_reading(shown, below, alike), *_of_hiding(run)), 0.0
        case CellKey():
            attacks = (*_of_reading(shown, below, alike), *_of_noise(run, run.method, shown))
            deviation = run.method.deviation
        case DifferentialPrivacy():
            attacks, deviation = tuple(_of_privacy(run)), run.method.deviation(bound(run.plan, run.method.household))
    return Figures(
        int(run.cube.flat[0]), run.cube.size, int((run.cube == HIDDEN).sum()), run.smallest, int(shown.min()), below,
        run.compared, alike, attacks, tuple(_left(run)), round(deviation, 2), _totals(run), run.balance,
    )  # fmt: skip


def _of_reading(shown: Counts, below: int, alike: Alike) -> Iterator[Attack]:
    yield Attack("read", below, len(shown))
    yield Attack("alike", alike.small_nearly, alike.small)


def _of_privacy(run: Run) -> Iterator[Attack]:
    """Who knows everybody else, and all their answers, is bounded by what the mechanism proves, not by a try: what can
    go wrong is that more is told than was measured, or that it is measured twice."""
    trees = [axis.tree for axis in run.axes]
    yield Attack("margins", int((summed(trees, run.cube.copy()) != run.cube).sum()), run.cube.size)
    yield Attack("repeated", 0, None)


def _of_hiding(run: Run) -> Iterator[Attack]:
    hidden = {int(cell): run.smallest for cell in np.flatnonzero(run.cube == HIDDEN)}
    near = audit([axis.tree for axis in run.axes], run.counts, hidden)
    yield Attack("file", len(near), len(hidden))
    yield Attack("rule", 0, None)
    yield Attack("insiders", 0, None)
    yield Attack("subtraction", 0, run.compared)
    yield Attack("union", 0, run.compared)
    if run.sums:
        yield Attack("sums", len(near_sums(run.axes, run.counts, run.sums, run.rule)), len(hidden))
        yield Attack("contributors", 0, None)


def _of_noise(run: Run, method: CellKey, shown: Counts) -> Iterator[Attack]:
    """Of what does not add up, no interval follows: who subtracts and who repeats are stopped by the ledger."""
    yield Attack("multiples", int((shown % method.base != 0).sum()), len(shown))
    if run.balance and run.balance.changed is not None:
        yield Attack("balance", unbalanced([axis.tree for axis in run.axes], run.counts), run.balance.sums)
    yield Attack("subtraction", 0, run.compared)
    yield Attack("averaging", 0, run.compared)


def told_of(method: Method, balance: Balance | None = None) -> dict[str, Any]:
    """What everybody may know of how a table was protected. The bounds of noise are not among it."""
    match method:
        case Suppression():
            return {"name": HIDING}
        case CellKey():
            additive = {"additive": balance.to_json()} if balance else {}
            return {"name": CELL_KEY, "variance": method.variance, "base": method.base, **additive}
        case DifferentialPrivacy():
            return {
                "name": GAUSSIAN,
                "rho": method.rho / 1000,
                "epsilon": round(method.epsilon(method.rho), 2),
                "delta": f"1e-{method.delta_digits}",
                "household": method.household,
            }


def programs(method: Method) -> dict[str, str]:
    """What made the table, and its versions."""
    drawing = ("opendp",) if isinstance(method, DifferentialPrivacy) else ()
    return {name: version(name) for name in (*PROGRAMS, *drawing)}


def _totals(run: Run) -> Totals | None:
    if run.sums is None or run.unknown is None:
        return None
    grid = np.array([0 if one is None else one for one in run.sums], np.int64).reshape(run.cube.shape)
    shown = tuple((names, int(grid[where].sum())) for names, where in _breakdowns(run))
    return Totals(int(grid.flat[0]), run.unknown, shown)


def _breakdowns(run: Run) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Of every combination of levels but the total, the variables that it tells, and where its cells are."""
    depths = [_depths(axis) for axis in run.axes]
    for levels in product(*(range(len(axis.names) + 1) for axis in run.axes)):
        if any(levels):
            names = tuple(axis.names[depth - 1] for axis, depth in zip(run.axes, levels, strict=True) if depth)
            where = (np.flatnonzero(one == depth) for one, depth in zip(depths, levels, strict=True))
            yield names, np.ix_(*where)


def _left(run: Run) -> Iterator[Left]:
    """Of every combination of levels but the total."""
    for names, where in _breakdowns(run):
        some = run.cube[where]
        shown = some[some != HIDDEN]
        yield Left(names, some.size, len(shown), max(0, min(int(shown.sum()), int(run.cube.flat[0]))))


def _depths(axis: Axis) -> Counts:
    """Of each node, how far it is from the total."""
    found = np.zeros(len(axis.tree), np.int64)
    for node, parent in enumerate(axis.tree.parents[1:], 1):
        found[node] = found[parent] + 1
    return found


def _alike(run: Run) -> Alike:
    """As `primary.homogeneous`, by what is published."""
    found = np.zeros(4, np.int64)
    for at, axis in enumerate(run.axes):
        counts = np.moveaxis(run.cube, at, 0)
        for node in axis.tree.inner:
            parts, whole = counts[list(axis.tree.children[node])], counts[node]
            group = (whole > 0) & (len(parts) > 1)
            nearly = group & (100 * parts.max(0) >= run.rule.homogeneous_percent * whole)
            small = group & (whole < run.rule.homogeneous_under)
            found += [group.sum(), nearly.sum(), small.sum(), (nearly & small).sum()]
    return Alike(*found.tolist())
