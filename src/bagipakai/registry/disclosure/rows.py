"""Rows without names on their way out (L2, L3): told as coarsely as the plan says, alike to enough others or partly
blank, or not at all.

What decides is counted before any row is read (`weighing`). Then the same is done to each batch as it streams by, and
what was done to all of them is compared with what was counted. What the recipient has already of the same people is one
key more, which nothing can blank (`beside`).

Sources: disclosure reference 3.1 (class C), 4.1 to 4.3; decisions 0143, 0149.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.disclosure import EXEMPTIBLE, Grain, RowRule
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import AREA_COLUMNS
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.beside import Beside, followers, left_out
from bagipakai.registry.disclosure.given import Given
from bagipakai.registry.disclosure.measures import MeasureError, alike
from bagipakai.registry.disclosure.told import Told, exempted
from bagipakai.registry.disclosure.weighing import BLANKS, DROPPED, NOBODY, Counting, Weighing, shown
from bagipakai.registry.engines import EngineError


class NotAsCounted(EngineError):
    """The rows that streamed by are not those that were counted before: nothing may be sealed."""


@dataclass(frozen=True)
class Protection:
    """What is done to the rows. `touched`: the classes of the file, by the columns `keys`, whose values are left blank
    (`pattern`, a bit for each key) or whose rows are left out (one bit more). `followers`: columns that say nothing
    else than a key, and are blank with it. `evidence`: what was counted. `beside`: what is held already, the last key
    of the classes."""

    told: Told
    keys: tuple[str, ...]
    followers: Mapping[str, str]
    touched: pa.Table
    evidence: Mapping[str, str | int]
    beside: Beside | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that a batch must have besides those that leave."""
        return self.beside.needs if self.beside and len(self.touched) else ()

    @property
    def shown(self) -> Mapping[str, str | int]:
        """What was counted, as whoever has the rows may see it."""
        return shown(self.evidence)

    @property
    def notes(self) -> Mapping[str, str]:
        """What whoever reads the rows must know of a column's values."""
        found = dict(self.told.notes)
        if BLANKS in self.evidence:  # whether there is one is not said: it may be about one person
            for name in (*self.keys, *self.followers):
                blank = "kosong berarti tidak diketahui, atau dikosongkan supaya orangnya tidak dikenali"
                found[name] = f"{found[name]}; {blank}" if name in found else blank
        return found

    @contextmanager
    def staying(self) -> Iterator[tuple[tuple[str, ...], Callable[[pa.RecordBatch], pa.RecordBatch]]]:
        """By which columns rows must be counted so that it can be told which of them are left out, and what takes these
        away from a batch of the counted ones."""
        if not self.evidence.get(DROPPED):
            yield (), lambda batch: batch
            return
        with duckdb.connect(config={"threads": 1}) as engine:

            def left(batch: pa.RecordBatch) -> pa.RecordBatch:
                patterns = self._patterns(engine, self.told.batch(batch), batch)
                return batch.filter(pa.array(patterns < left_out(self.touched)))

            yield tuple(dict.fromkeys((*self.keys, *self.needs))), left

    @contextmanager
    def applied(self) -> Iterator[Callable[[pa.RecordBatch], pa.RecordBatch]]:
        """Does it to one batch after another, in their order. Raises NotAsCounted when the block ends and other values
        than those counted were left blank, or other rows left out."""
        blanks = dropped = 0
        with duckdb.connect(config={"threads": 1}) if len(self.touched) else nullcontext() as engine:

            def passing(batch: pa.RecordBatch) -> pa.RecordBatch:
                nonlocal blanks, dropped
                whole, batch = batch, self.told.batch(batch)
                if engine is None or not len(batch):
                    return batch
                patterns = self._patterns(engine, batch, whole)
                leave = patterns >= left_out(self.touched)
                dropped += int(leave.sum())
                for at, key in enumerate(self.keys):
                    empty = ((patterns >> at) & 1).astype(bool) & ~leave
                    blanks += int((empty & batch.column(key).is_valid().to_numpy(zero_copy_only=False)).sum())
                    batch = _emptied(batch, [key, *(one for one, of in self.followers.items() if of == key)], empty)
                return batch.filter(pa.array(~leave)) if leave.any() else batch

            yield passing
        if (blanks, dropped) != (self.evidence.get(BLANKS, 0), self.evidence.get(DROPPED, 0)):
            raise NotAsCounted("rows that differ from those counted")

    def _patterns(
        self, engine: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, whole: pa.RecordBatch
    ) -> np.ndarray[Any, np.dtype[Any]]:
        """What is to be done to each row. `whole`: the batch as the release has it."""
        found, near = np.zeros(len(batch), np.int64), self._near(batch)
        if not len(near):
            return found
        columns = {f"q{at}": batch.column(key).take(near) for at, key in enumerate(self.keys)}
        if self.beside:
            columns[self.touched.column_names[-2]] = self.beside.seen(engine, whole)[0].take(near)
        engine.register("passing", pa.table({**columns, "place": near}))
        engine.register("leaving", self.touched)
        on = alike("passing", "leaving", list(columns)) or "true"
        met = engine.sql(f"SELECT place, pattern FROM passing JOIN leaving ON {on}").to_arrow_table()  # noqa: S608
        found[met["place"].to_numpy()] = met["pattern"].to_numpy()
        return found

    def _near(self, batch: pa.RecordBatch) -> pa.Array:
        """Where the rows are that live where a class is touched. Few do, mostly, and to find them costs far less than
        to compare every row with the classes."""
        if self._places is None:
            return pa.array(np.arange(len(batch)))
        column, places = self._places
        return pc.indices_nonzero(pc.is_in(batch.column(column), places))

    @cached_property
    def _places(self) -> tuple[str, pa.Array] | None:
        """The smallest place among the keys, and which of them are touched."""
        column = next((name for name in reversed(AREA_COLUMNS.values()) if name in self.keys), None)
        if column is None:
            return None
        return column, pc.unique(self.touched.column(f"q{self.keys.index(column)}").combine_chunks())


def _emptied(batch: pa.RecordBatch, names: Iterable[str], empty: np.ndarray[Any, np.dtype[Any]]) -> pa.RecordBatch:
    if not empty.any():
        return batch
    for name in names:
        at = batch.schema.get_field_index(name)
        column = pc.if_else(pa.array(empty), pa.scalar(None, batch.schema.field(at).type), batch.column(at))
        batch = batch.set_column(at, batch.schema.field(at), column)
    return batch


def protection(
    plan: Plan,
    rule: RowRule,
    grains: Mapping[str, Sequence[Grain]],
    count: Counting,
    spill: Path,
    memory_limit: str,
    beside: Beside | None = None,
) -> Protection | Refusal:
    """What is to be done to the rows of a plan so that they meet the rule, or why they may not leave. What the plan is
    exempted from is neither done nor asked. `spill`: a private directory for what does not fit into `memory_limit`.
    `beside`: what the recipient has already, with which they are counted together.

    Raises EngineError.
    """
    told, active = Told.of(plan, rule, grains), frozenset(EXEMPTIBLE) - exempted(plan)
    if "rows-families" in active and not rule.families_together and _ties_families(plan):
        return Refusal("rows-families")
    quasi = tuple(name for name in plan.columns if name in rule.quasi_identifiers)
    spoken = followers(quasi)
    names = tuple(name for name in quasi if name not in spoken)
    if not active - {"rows-families"}:
        return Protection(told, names, spoken, NOBODY, {})
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
    }
    try:
        with duckdb.connect(config=settings) as con:
            found = Weighing(con, plan, rule, told, names, active, beside).done(count, grains)
        if not isinstance(found, Refusal):
            return Protection(told, names, spoken, *found, beside)
        if beside is None:
            return found
        with duckdb.connect(config=settings) as con:  # would they be refused if nothing was held?
            alone = Weighing(con, plan, rule, told, names, active).done(count, grains)
        if isinstance(alone, Refusal):
            return alone
        orders = ", ".join(sorted({one.order for one in beside.held}))
        return Refusal("rows-beside", {"orders": orders})
    except (MeasureError, duckdb.Error) as error:
        kind = str(error) if isinstance(error, MeasureError) else type(error).__name__
    raise EngineError(kind)  # outside the handler: engines quote values in their errors


def given(about: tuple[str, str, str, str], plan: Plan, protection: Protection) -> Given:
    """What is remembered of rows that leave so. `about`: order, recipient, release, unit."""
    told = {name: protection.told.recodes.get(name) for name in plan.columns}
    beside = tuple(one.digest for one in protection.beside.held) if protection.beside else ()
    area = plan.area.codes
    return Given(*about, told, plan.population, area, protection.keys, protection.touched, beside)


def _ties_families(plan: Plan) -> bool:
    """Whether rows of persons say who are of one family."""
    return plan.unit is Unit.INDIVIDU and "nomor_kk" in plan.protections.pseudonyms
