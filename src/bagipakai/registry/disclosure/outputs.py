"""A table made by the method of the day, and entered where it must stand before anything of it is written."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa

from bagipakai import postgres
from bagipakai.core.canonical import digest
from bagipakai.core.disclosure import Cell, Disclosure, too_fine
from bagipakai.core.methods import CellKey, DifferentialPrivacy, Method, Suppression, method_on
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.policy import NoRule
from bagipakai.core.query import Count, Rows
from bagipakai.core.refusal import Refusal
from bagipakai.registry import keys
from bagipakai.registry.disclosure import private
from bagipakai.registry.disclosure.balance import balanced
from bagipakai.registry.disclosure.budget import Budget, Spent
from bagipakai.registry.disclosure.disclosing import Disclosed, cells, counted, disclosed, public_axes, summed_sets
from bagipakai.registry.disclosure.ledger import Ledger, Output
from bagipakai.registry.disclosure.noise import NoSuchNoise
from bagipakai.registry.disclosure.perturbation import Perturbed, about_cells, house_keys, perturbed, question, worn_out
from bagipakai.registry.disclosure.places import area_too_small
from bagipakai.registry.disclosure.private import Private
from bagipakai.registry.disclosure.published import Occupied, cells_of, limits, of_other_people, of_total
from bagipakai.registry.disclosure.sets import rows_of, sets
from bagipakai.registry.disclosure.tables import TableRule
from bagipakai.registry.disclosure.union import objection
from bagipakai.registry.engines import Absent, Amounts, Engine, EngineError, Part, TooManyCells, duckdb, types_of
from bagipakai.registry.engines.choice import EMBEDDED
from bagipakai.registry.holds import Holds
from bagipakai.registry.places import Places
from bagipakai.registry.releases import Release
from bagipakai.registry.vault import Damaged

MEMORY: Final = "400MB"


@dataclass(frozen=True)
class Made:
    """A table that may be written: how it was protected, and with how many others it was compared."""

    table: Disclosed
    method: Method
    compared: int


def made(plan: Plan, release: Release, day: date) -> Made | Refusal:
    """The table of a plan, once it is entered, or why none may leave."""
    keys.establish(postgres.var() / "keys")
    try:
        rule, method = TableRule.on(day), method_on(day)
        if plan.summed and not isinstance(method, Suppression):
            return Refusal("table-sum-beside-noise", {"name": plan.summed})
        first = None if isinstance(method, DifferentialPrivacy) else _ledger().first(release.version)
        if first and (no := of_other_people(first, _output(plan, release, first.holds))):
            return no
        with keys.in_use(postgres.var() / "keys"), _reading(plan, release, day, first) as asked:
            if no := _beside_total(plan, release, rule, method, asked):
                return no
            if no := area_too_small(plan, Disclosure.on(day), asked.count):
                return no
            own = rule.of_plan(plan)
            if not isinstance(method, DifferentialPrivacy) and asked.whole.persons < own.smallest_persons:
                return too_fine(own)
            match method:
                case Suppression():
                    return _suppressed(plan, release, rule, method, asked)
                case CellKey():
                    return _perturbed(plan, release, rule, method, asked)
                case DifferentialPrivacy():
                    return _private(plan, release, rule, method, asked)
    except (NoRule, NoSuchNoise) as wrong:  # or a rule that nothing can meet
        return Refusal("disclose-no-rule", {"wrong": str(wrong)})
    except Damaged as damage:
        return damage.refusal
    except TooManyCells:
        return too_fine(TableRule.on(day))
    except EngineError as failure:  # names the kind, never a value
        return Refusal("disclose-engine-failed", {"kind": str(failure)})


class Asking:
    """What a release answers about a plan, without those who are in no answer by the holds of this state."""

    def __init__(
        self, plan: Plan, release: Release, engine: Engine, parts: Sequence[Part], absent: Absent, holds: str
    ) -> None:
        self.holds = holds
        self._plan, self._release, self._engine, self._parts, self._absent = plan, release, engine, parts, absent
        self._types = types_of(release.catalogue, plan.unit.value)

    def count(self, query: Count) -> list[Cell]:
        most = self._release.most_members
        return self._engine.count(query, self._parts, self._types, absent=self._absent, largest=most)

    @cached_property
    def whole(self) -> Cell:
        """Everybody whom the plan counts, with no margin; no family of a person. Counted alike of nobody and of many:
        a refusal that comes sooner where nobody is would tell so."""
        asks = Count(self._plan.unit.value, (), self._plan.population, self._plan.area.codes)
        most = self._release.most_members
        cells = self._engine.count(asks, self._parts, self._types, enough=0, absent=self._absent, largest=most)
        return next(iter(cells), Cell((), 0, 0))

    @cached_property
    def occupied(self) -> Occupied:
        """Where anybody is."""

        def count(query: Count) -> list[Cell]:
            return self._engine.count(query, self._parts, self._types, enough=0, absent=self._absent)

        return Occupied.of(self._plan, self._release.catalogue, count)

    def add(self, query: Count) -> list[Amounts]:
        if not isinstance(self._engine, duckdb.Engine):
            raise EngineError("only DuckDB adds")
        return self._engine.amounts(query, self._plan.summed, self._parts, self._types, self._absent)

    def rows(self, query: Rows, internal: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        return self._engine.rows(query, self._parts, self._types, internal, self._absent)


def _beside_total(plan: Plan, release: Release, rule: TableRule, method: Method, asked: Asking) -> Refusal | None:
    """What speaks against the total alone, whatever is in the table. With noise, it is compared within the quarter;
    where a budget pays for it, with nothing."""
    if isinstance(method, DifferentialPrivacy):
        return None
    most, output = limits(plan, rule), _output(plan, release, asked.holds)
    most = replace(most, quarters=0) if isinstance(method, CellKey) else most
    total = asked.whole.families if plan.unit is Unit.KELUARGA else asked.whole.persons
    return of_total(plan, total, release.catalogue, asked.occupied, _ledger(), output, most)


def _suppressed(plan: Plan, release: Release, rule: TableRule, method: Suppression, asked: Asking) -> Made | Refusal:
    found = disclosed(plan, rule, asked.count, asked.add)
    if isinstance(found, Refusal):
        return found
    lines, occupied = cells(found.axes, found.table.published), asked.occupied
    told = cells_of(plan, lines, release.catalogue, occupied)
    if isinstance(told, Refusal):
        return told
    sums = digest({"sums": found.sums}) if plan.summed else ""
    output, ledger = replace(_output(plan, release, asked.holds), summed=plan.summed, sums=sums), _ledger()
    with ledger.turn():
        most = limits(plan, rule)
        if ledger.sums_met(output, told, most.quarters):
            return Refusal("tables-sum-twice", {"name": plan.summed})
        if no := objection(ledger, output, told, most, release.catalogue):
            return no
        others = ledger.others(output, told)
        ledger.add(output, told, datetime.now(UTC))
    return Made(found, method, others)


def _perturbed(plan: Plan, release: Release, rule: TableRule, method: CellKey, asked: Asking) -> Made | Refusal:
    house = house_keys(keys.master(postgres.var() / "keys"))
    found = counted(plan, rule, asked.count)
    if isinstance(found, Refusal):
        return found
    axes, cube = found
    query, internal = rows_of(plan)
    by = [name for axis in axes for name in axis.names]
    people = sets(asked.rows(query, internal), by, plan.unit, house[plan.unit])
    sums = summed_sets(axes, cube, people, plan.unit is Unit.KELUARGA)
    lines = list(cells(axes, [0] * cube.persons.size))
    about = about_cells(plan, lines, release.catalogue, asked.occupied)
    if isinstance(about, Refusal):
        return about
    table = perturbed(plan, cube, sums, about, rule, method, house)
    if isinstance(table, Refusal):
        return table
    told = _told(plan, Disclosed(axes, table), rule, method)
    output, ledger = replace(_output(plan, release, asked.holds), question=question(about, house[plan.unit])), _ledger()
    with ledger.turn():
        no = objection(ledger, output, table.told, limits(plan, rule), release.catalogue)
        no = no or worn_out(ledger, output, table, method, release.catalogue)
        if no:
            return no
        others = ledger.others(output, table.told)
        ledger.add(output, table.told, datetime.now(UTC), table.sets)
    return Made(told, method, others)


def _told(plan: Plan, found: Disclosed, rule: TableRule, method: CellKey) -> Disclosed:
    """What is published: counts that add up where policy asks for that. The ledger has true ones in any case."""
    if method.additive_within is None or not isinstance(found.table, Perturbed):
        return found
    trees, smallest, own = [axis.tree for axis in found.axes], limits(plan, rule).smallest, rule.of_plan(plan)
    counts, balance = balanced(trees, found.table.published, method.base, smallest, method.additive_within, own)
    return replace(found, table=replace(found.table, published=counts), balance=balance)


def _private(
    plan: Plan, release: Release, rule: TableRule, method: DifferentialPrivacy, asked: Asking
) -> Made | Refusal:
    axes = public_axes(plan, rule, release.catalogue)
    if isinstance(axes, Refusal):
        return axes
    trees, folder = [axis.tree for axis in axes], postgres.var() / "keys"
    if no := private.too_large([len(tree.leaves) for tree in trees], rule):
        return no
    asks = private.question(plan, release.digest, release.catalogue, trees)
    if isinstance(asks, Refusal):
        return asks
    budget = Budget(Places.under(postgres.var()).budget, keys.storage(folder), keys.receipt_signer(folder))
    coming = Spent(asks, release.version, plan.recipient.institution, method.rho, method.household, datetime.now(UTC))
    with budget.turn():
        told = budget.told(asks)
        if told is None:
            if no := budget.objection(coming, method):
                return no
            most = private.bound(plan, method.household)
            grid = private.counted(asked.rows(*private.rows_of(plan)), [axis.names for axis in axes], trees, most)
            told = coming, private.noisy(grid, trees, most, method.rho)
            budget.spend(*told)
    spent, counts = told
    drawn = replace(method, rho=spent.rho, household=spent.household)  # when it was drawn
    return Made(Disclosed(axes, Private(tuple(counts.tolist()))), drawn, 0)


def _output(plan: Plan, release: Release, holds: str) -> Output:
    order = f"TABEL-{digest({'plan': plan.digest, 'release': release.digest})[:16]}"
    return Output(order, plan.recipient.institution, release.version, plan.unit.value, holds=holds)


def _ledger() -> Ledger:
    folder = postgres.var() / "keys"
    return Ledger(Places.under(postgres.var()).published, keys.storage(folder), keys.receipt_signer(folder))


@contextmanager
def _reading(plan: Plan, release: Release, day: date, first: Output | None) -> Iterator[Asking]:
    """`first`: whose holds count, where it is not those that stand now."""
    places, folder = Places.under(postgres.var()), postgres.var() / "keys"
    storage = keys.storage(folder)
    with tempfile.TemporaryDirectory(prefix="tabel-", dir=places.workspaces) as name:
        spill, held = Path(name) / "spill", Path(name) / "holds"
        for one in (spill, held):
            one.mkdir(mode=0o700)
        holds = Holds(places.holds, storage, keys.seals(folder), first.holds if first else None)
        absent = holds.absent(release, plan.level, plan.unit, day, held)
        reading = EMBEDDED.reading(release, storage, plan.unit, plan.area.codes, spill, memory_limit=MEMORY)
        with reading as (engine, parts):
            yield Asking(plan, release, engine, parts, absent, holds.state)
