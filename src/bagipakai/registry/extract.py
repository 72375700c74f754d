"""The rows of one plan on their way out: chosen by the engine, with pseudonyms instead of numbers, in an order that
tells nothing, counted and digested as they pass."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import Cell, Disclosure, Key, Table, hide, nothing_closed
from bagipakai.core.manifest import DeliveredColumn
from bagipakai.core.marks import Marking
from bagipakai.core.plan import Level, Plan, Unit
from bagipakai.core.query import Count, Query, Rows
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Type
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.disclosure.alike import Alike
from bagipakai.registry.disclosure.fingerprints import Marks
from bagipakai.registry.disclosure.places import area_too_small, small_places
from bagipakai.registry.disclosure.postrandomisation import Draws
from bagipakai.registry.disclosure.rows import Protection
from bagipakai.registry.engines import ARROW, NOBODY, Absent, Engine, Part, arrow_table, types_of
from bagipakai.registry.membership import Membership
from bagipakai.registry.pseudonyms import IDENTIFIERS, TOKEN, Identifier, PackageKeys, pseudonyms, shuffled

_TYPES = {pa.string(): "text", pa.int64(): "integer", pa.bool_(): "boolean", pa.date32(): "date", TOKEN: "pseudonym"}
_WHOSE = {  # from which internal column an id is made where the number itself is no use
    (Unit.INDIVIDU, Identifier.NIK): "person_ordinal",
    (Unit.INDIVIDU, Identifier.KK): "id_keluarga",
    (Unit.KELUARGA, Identifier.KK): "id_keluarga",
}
TOKENS = {Unit.INDIVIDU: "person_ordinal", Unit.KELUARGA: "first_ordinal"}  # what tells a row of a release

# What is told of each row of a list that was matched (registry.matched), before the variables; reasons by grant alone.
ANSWERS = (("baris", pa.int64()), ("list_id", pa.string()), ("hasil", pa.string()), ("alasan", pa.string()))


def _as_it_is(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


class NotWhatWasApproved(Exception):
    """What came out differs from the plan. Nothing may be sealed; this is a defect, not an answer."""


@contextmanager
def ahead(batches: Generator[pa.RecordBatch, None, None]) -> Iterator[Iterator[pa.RecordBatch]]:
    """`batches`, the next one made in a thread of its own while one is being written; the same ones in the same order.
    What fails there is raised here. Leaving the block ends the thread and closes `batches`."""

    def told() -> Iterator[pa.RecordBatch]:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch

    with closing(batches), ThreadPoolExecutor(max_workers=1) as thread:
        yield told()


def promised(plan: Plan) -> tuple[str, ...]:
    """The columns that a package of this plan has, in order, and no others."""
    if plan.level is Level.L1:
        return (*plan.columns, "jenis_baris", f"jumlah_{plan.unit.value}", "ditutup")
    if plan.matching is not None:
        return (*(name for name, _ in ANSWERS if name != "alasan" or plan.matching.reasons), *plan.columns)
    replaced = [IDENTIFIERS[name] for name in plan.protections.pseudonyms]
    return (*(name for one in replaced for name in (one.column, one.marker)), *plan.columns)


@dataclass
class Extract:
    """What came out so far. `members` is who is in it; empty for tables, which are about nobody in particular."""

    schema: pa.Schema
    digest: ContentDigest
    members: Membership = field(default_factory=Membership)
    rows: int = 0
    random_ids: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, schema: pa.Schema, plan: Plan) -> "Extract":
        """Raises NotWhatWasApproved unless the columns are the promised ones."""
        if tuple(schema.names) != promised(plan):
            raise NotWhatWasApproved("columns")
        return cls(schema, ContentDigest(schema))

    def columns(self, catalogue: Catalogue) -> tuple[DeliveredColumn, ...]:
        """Name, type and class of each column. What replaces or counts variables has a class of its own."""
        return tuple(DeliveredColumn(one.name, _TYPES[one.type], _class_of(one.name, catalogue)) for one in self.schema)

    def passing(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`batch`, counted and digested."""
        if batch.schema != self.schema:
            raise NotWhatWasApproved("columns")
        self.rows += batch.num_rows
        self.digest.add(batch)
        return batch


def _class_of(name: str, catalogue: Catalogue) -> str:
    if name in catalogue:
        return catalogue[name].sensitivity.value
    if name in dict(ANSWERS):
        return "MATCHING"
    return "PSEUDONYM" if name.startswith("pseudonim_") else "COUNT"


class RowExtract:
    """Rows (L2 to L4), streamed; with a `protection` where they leave without names (L2, L3), with what `draws` draws
    anew, and marked where `marking` says how. `alike` counts them as they are in the release."""

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        keys: PackageKeys,
        protection: Protection | None = None,
        marking: Marking | None = None,
        draws: Draws | None = None,
        alike: Alike | None = None,
    ) -> None:
        query = plan.query()
        assert isinstance(query, Rows)  # noqa: S101 - only L1 counts
        self._plan, self._query, self._keys = plan, query, keys
        self._protection, self._draws, self._alike = protection, draws, alike
        self._marks = None if marking is None else Marks(keys.master, keys.release, marking)
        self.reached = -1  # the ordinal of the last person read
        self._types = types_of(catalogue, plan.unit.value)
        self._replaced = {name: IDENTIFIERS[name] for name in plan.protections.pseudonyms}
        whose = {_WHOSE[plan.unit, kind] for kind in self._replaced.values()}
        members = (TOKENS[plan.unit], *(("member_count",) if plan.unit is Unit.KELUARGA else ()))
        drawn = () if draws is None else draws.internal
        self._internal = tuple(dict.fromkeys([*members, *self._replaced, *sorted(whose), *drawn]))
        fields = [
            *(pair for kind in self._replaced.values() for pair in ((kind.column, TOKEN), (kind.marker, pa.bool_()))),
            *((name, ARROW[self._types[name]]) for name in plan.columns),
        ]
        self.extract = Extract.of(pa.schema(fields), plan)

    @property
    def evidence(self) -> Mapping[str, str | int]:
        """What was counted for the protection, as its recipient may see it, and of the rows as the release has them."""
        counted = {} if self._alike is None else self._alike.evidence
        return counted if self._protection is None else {**counted, **self._protection.shown}

    @property
    def notes(self) -> Mapping[str, str]:
        """By column, how its values differ from those of the release."""
        found: dict[str, str] = {}
        for done in (self._draws, self._marks, self._protection):
            for name, note in done.notes.items() if done else ():
                found[name] = f"{found[name]}; {note}" if name in found else note
        return found

    def batches(
        self, engine: Engine, parts: tuple[Part, ...], absent: Absent = NOBODY
    ) -> Generator[pa.RecordBatch, None, None]:
        """Without the `absent`. In release order for L4. For L2 and L3 the order within each batch is this package's
        own: release order keeps families together and would let two recipients join by position. Raises EngineError,
        and disclosure.rows.NotAsCounted at the end."""
        needed = (*(self._protection.needs if self._protection else ()), *(self._alike.needs if self._alike else ()))
        more = [name for name in dict.fromkeys(needed) if name not in self._query.keep]
        query = replace(self._query, keep=(*self._query.keep, *more))
        rows = engine.rows(query, parts, self._types, self._internal, absent)
        counted = self._alike.passing if self._alike else _as_it_is
        with self._protection.applied() if self._protection else nullcontext(_as_it_is) as protected:
            yield from self._sent(protected(counted(batch)) for batch in rows)

    def _sent(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        order_key = self._keys.order_key() if self._plan.level is not Level.L4 else None
        for number, batch in enumerate(batches):
            self._remember(batch)
            out = pa.RecordBatch.from_arrays(
                [*self._pseudonyms(batch), *(batch.column(name) for name in self._plan.columns)],
                schema=self.extract.schema,
            )
            out = out if self._draws is None else self._draws.drawn(out, batch)
            out = self._marked(out, batch)  # last of what is done to values, while each row's person is known
            yield self.extract.passing(out if order_key is None else shuffled(out, number, order_key))

    def _marked(self, out: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`out`, which was made of `batch`, with this package's marks. A row is told by its (first) person's ordinal,
        in every copy of the release alike."""
        if self._marks is None:
            return out
        tokens = batch.column(f"_{TOKENS[self._plan.unit]}").to_numpy(zero_copy_only=False).astype(np.uint64)
        return self._marks.marked(out, tokens, self._plan.level, self._keys.package)

    def _remember(self, batch: pa.RecordBatch) -> None:
        if self._plan.unit is Unit.INDIVIDU:
            ordinals, last = batch.column("_person_ordinal"), 0
            self.extract.members.add_persons(ordinals)
        else:
            ordinals, counts = batch.column("_first_ordinal"), batch.column("_member_count")
            last = counts[-1].as_py() - 1 if len(counts) else 0
            self.extract.members.add_families(ordinals, counts)
        if len(ordinals):
            self.reached = ordinals[-1].as_py() + last

    def _pseudonyms(self, batch: pa.RecordBatch) -> Iterator[pa.Array]:
        for name, kind in self._replaced.items():
            ordinals = batch.column(f"_{_WHOSE[self._plan.unit, kind]}")
            ids, valid = pseudonyms(batch.column(f"_{name}"), ordinals, kind, self._keys)
            if invalid := len(valid) - valid.true_count:
                self.extract.random_ids[kind.column] += invalid
            yield from (ids, valid)


@dataclass
class TableExtract:
    """A table of counts (L1), small cells hidden."""

    plan: Plan
    types: Mapping[str, Type]
    extract: Extract
    shown: Table
    rule: Disclosure
    cells: list[Cell]
    closed: Callable[[Key], bool]  # besides what is small, for the sake of small places
    table: pa.Table
    total: int
    small: int
    partners: int
    compared: int = 0  # with how many other tables of the release

    def closing(self, closed: Callable[[Key], bool]) -> "TableExtract | Refusal":
        """The same table, in which the lines that are `closed` are hidden too."""

        def either(key: Key) -> bool:
            return self.closed(key) or closed(key)

        shown = hide(self.shown.dimensions, self.shown.unit, self.cells, self.rule, either)
        if isinstance(shown, Refusal):
            return shown
        return TableExtract.of(self.plan, self.types, shown, self.rule, self.cells, self.closed)

    @classmethod
    def of(
        cls,
        plan: Plan,
        types: Mapping[str, Type],
        shown: Table,
        rule: Disclosure,
        cells: list[Cell],
        closed: Callable[[Key], bool] = nothing_closed,
    ) -> "TableExtract":
        table = arrow_table(shown, types)
        total = next(line.count for line in shown.lines if line.key == ())
        extract = Extract.of(table.schema, plan)
        return cls(plan, types, extract, shown, rule, cells, closed, table, total or 0, shown.small, shown.partners)

    @classmethod
    def made(
        cls,
        plan: Plan,
        catalogue: Catalogue,
        rule: Disclosure,
        engine: Engine,
        parts: tuple[Part, ...],
        absent: Absent = NOBODY,
        largest: int | None = None,
        beside: Callable[[int], Refusal | None] = lambda _: None,
    ) -> "TableExtract | Refusal":
        """Of everybody but the `absent`, or why no table may leave. The rule of the day and the plan's own smallest
        cell both hold, the stricter of the two. `largest`: see `Engine.count`; `beside`: what speaks against the total
        alone, before the table is judged by itself. Raises EngineError."""
        query: Query = plan.query()
        assert isinstance(query, Count)  # noqa: S101 - L1 counts
        smallest = plan.protections.smallest_cell
        rule = replace(
            rule,
            smallest_persons=max(rule.smallest_persons, smallest),
            smallest_families=max(rule.smallest_families, smallest if plan.unit is Unit.KELUARGA else 0),
        )
        types = types_of(catalogue, plan.unit.value)
        enough = rule.smallest_families

        def counted(asked: Count) -> list[Cell]:
            return engine.count(asked, parts, types, enough=0)

        if no := area_too_small(plan, rule, counted):
            return no
        cells = engine.count(query, parts, types, enough, margins=True, absent=absent, largest=largest)
        total = rows_in([cell for cell in cells if cell.key == ()], plan.unit)
        if no := beside(total):
            return no
        if absent:
            everybody = counted(replace(query, by=()))
            absent.met = rows_in(everybody, plan.unit) - total
        closed = small_places(plan, rule, counted)
        shown = hide(plan.columns, plan.unit.value, cells, rule, closed)
        return shown if isinstance(shown, Refusal) else cls.of(plan, types, shown, rule, cells, closed)

    def coarser(self) -> Iterator[Table]:
        """The same table without its last variable, without its last two, …, down to the first: what of these may be
        shown at all."""
        for width in reversed(range(1, len(self.shown.dimensions))):
            cells = [cell for cell in self.cells if len(cell.key) <= width]
            table = hide(self.shown.dimensions[:width], self.shown.unit, cells, self.rule, self.closed)
            if isinstance(table, Table):
                yield table

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        for batch in self.table.to_batches():
            yield self.extract.passing(batch)


def rows_in(cells: list[Cell], unit: Unit) -> int:
    return sum(cell.persons if unit is Unit.INDIVIDU else cell.families for cell in cells)
