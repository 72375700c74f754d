"""From a signed order to a sealed package: selection, aggregation, formatting, access-securing, provisioning.

The order's plan is the extraction; nothing else decides what is read. Rows stream from the engine through pseudonyms
and writers into the cipher, so memory does not grow with them and plaintext does not touch the disk (except a workbook
in the making, in a private folder). What comes out is compared with what was approved before anything is sealed.
"""

import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from bagipakai.core.deadlines import day_of
from bagipakai.core.disclosure import Disclosure, RowRule
from bagipakai.core.exchange import Order, Receipt, Step, StepDone
from bagipakai.core.holds import NONE, closed_by_rule, told
from bagipakai.core.manifest import (
    MANIFEST_NAME,
    PART_LIMIT,
    SUITE,
    DeliveredColumn,
    Kind,
    Manifest,
    Part,
)
from bagipakai.core.marking import marking, randomisation
from bagipakai.core.marks import SCHEME as MARKS
from bagipakai.core.marks import Marking
from bagipakai.core.plan import Format, Level, Unit
from bagipakai.core.progress import Progress, Told, nobody_is_told
from bagipakai.core.query import AREA_COLUMNS, Count
from bagipakai.core.randomisation import SCHEME as DRAWN
from bagipakai.core.randomisation import Randomisation
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry import alarms, counter, engines, formats, reviews
from bagipakai.registry.dictionary import coarser, dictionary, metadata
from bagipakai.registry.disclosure import leaving
from bagipakai.registry.disclosure.alike import Alike
from bagipakai.registry.disclosure.given import Gifts
from bagipakai.registry.disclosure.leaving import Evidence, Handed
from bagipakai.registry.disclosure.ledger import Ledger
from bagipakai.registry.disclosure.postrandomisation import Draws, distributions
from bagipakai.registry.disclosure.published import Occupied
from bagipakai.registry.disclosure.rows import Protection
from bagipakai.registry.disclosure.told import exempted
from bagipakai.registry.engines import Absent, Engine
from bagipakai.registry.engines.choice import EMBEDDED, Choice
from bagipakai.registry.entering import Entering
from bagipakai.registry.extract import NotWhatWasApproved, RowExtract, TableExtract, ahead, promised
from bagipakai.registry.formats import XLSX_ROWS
from bagipakai.registry.handing import MEMORY, Handing
from bagipakai.registry.holds import Holds
from bagipakai.registry.keys import Keys
from bagipakai.registry.matched import House, MatchExtract
from bagipakai.registry.package import Draft, package_id, private, publish, standing, withdraw
from bagipakai.registry.places import Places
from bagipakai.registry.pseudonyms import SCHEME, PackageKeys
from bagipakai.registry.releases import Release
from bagipakai.registry.sdmx import Cube
from bagipakai.registry.seal import recipient

log = logging.getLogger("bagipakai.registry")

HIDING = "sel kecil dan pasangannya ditutup; tabel pohon (keputusan 0033)"

ROWS = "baris dalam kelompok kecil dikosongkan nilainya atau ditinggalkan, kecuali aturan yang dikecualikan (0143)"

Clock = Callable[[], datetime]
Reading = AbstractContextManager[tuple[Engine, tuple[engines.Part, ...]]]  # files of a release, and what reads them


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes at which parts are cut."""

    part_bytes: int = PART_LIMIT
    sheet_rows: int = XLSX_ROWS


NATIONAL = Limits()


def deliver(
    order: Order,
    release: Release,
    keys: Keys,
    places: Places,
    *,
    clock: Clock = now,
    limits: Limits = NATIONAL,
    choice: Choice = EMBEDDED,
    told: Told = nobody_is_told,
) -> Receipt:
    """Does what `order` says with `release`, by the engine of `choice`, and tells what was done. Once: a package of
    this order that stands whole already is only receipted again. A refusal is a receipt with a code, and leaves nothing
    behind. `told` hears of each sub-step (core.exchange.Step) and, as rows stream, how many persons of the area were
    passed; what it raises stops the work.

    Raises EngineError, OSError, releases.Damaged, NotWhatWasApproved, formats.CellTooLong, seal.PartTooLarge: then
    nothing was published either.
    """
    package = package_id(order.order_id)
    final = places.packages / package
    with private(places.workspaces / package) as workspace:
        if (already := standing(final, keys.seal.public)) and _is_of(already[0], order):
            return _receipt(*already, final, places, clock())
        withdraw(final, workspace)
        places.forget(package)
        if no := counter.objection(order, release, clock()):
            return refused(order, no)
        course = Course(clock, told)
        made = Delivery(order, release, keys, places, workspace, course, limits, choice).made()
        if isinstance(made, Refusal):
            return refused(order, made)
        course.begin(Step.PROVISIONING)
        envelope = made.sealed(keys.seal)
        publish(workspace / package, envelope, final)
    log.info("order.done order=%s rows=%d hidden_cells=%d", order.order_id, made.rows, made.hidden_cells)
    return _receipt(made, hashlib.sha256(envelope).hexdigest(), final, places, clock())


def cancelled(order: Order, places: Places) -> Receipt:
    """Takes away whatever was made of an order that nobody wants any more, and tells that it was cancelled. Raises
    OSError while somebody still works on it."""
    package = package_id(order.order_id)
    with private(places.workspaces / package) as workspace:
        withdraw(places.packages / package, workspace)
        places.forget(package)
        if order.plan.matching is not None:
            reviews.destroy(places.reviews, order.order_id)
    return refused(order, Refusal("order-cancelled"))


def refused(order: Order, no: Refusal) -> Receipt:
    """The receipt that says why nothing was made."""
    log.info("order.refused order=%s code=%s", order.order_id, no.code)
    return Receipt(order.order_id, order.plan.digest, order.release, no.code, detail=tuple(sorted(no.detail.items())))


def _finest(names: tuple[str, ...]) -> tuple[str, ...]:
    """Without what the smallest place's code among them tells already: rows are alike all the same."""
    places = [code.removeprefix("kode_") for code in AREA_COLUMNS.values()]  # the largest first
    smallest = max((at for at, place in enumerate(places) if f"kode_{place}" in names), default=-1)
    told = {f"{word}_{place}" for place in places[: smallest + 1] for word in ("kode", "nama")}
    return tuple(name for name in names if name not in told or name == f"kode_{places[smallest]}")


@dataclass(frozen=True)
class Delivery:
    """One order being done in its workspace."""

    order: Order
    release: Release
    keys: Keys
    places: Places
    workspace: Path
    course: "Course"
    limits: Limits
    choice: Choice

    def made(self) -> Manifest | Refusal:
        """The package in the workspace, not yet sealed, and who is in it in the membership store; or why not."""
        plan, course = self.order.plan, self.course
        if plan.level is Level.L1 and (no := self._entering.objection(lambda: self._holds.state)):
            return no
        course.begin(Step.SELECTION)
        absent = self._absent()
        with self._reading(plan.unit) as (engine, sources), self._draft() as draft:
            chosen = self._chosen(engine, sources, absent)
            if isinstance(chosen, Refusal):
                return chosen
            extract, table = chosen.extract, chosen if isinstance(chosen, TableExtract) else None
            if isinstance(chosen, RowExtract):
                rows, batches = chosen, chosen.batches(engine, sources, absent)
            else:
                rows, batches = None, chosen.batches()
            course.begin(Step.FORMATTING, Step.ACCESS_SECURING)
            cube = Cube(plan, self.release, self._catalogue) if plan.format is Format.SDMX_CSV else None
            with ahead(batches) as rows_in_order:
                passing = self._told_of(rows_in_order, rows) if rows else rows_in_order
                schema = cube.schema if cube else extract.schema
                guarded = formats.writer(plan.format)(cube.observations(passing) if cube else passing, schema, draft)
            course.tell(Step.ACCESS_SECURING)
            alike = {**rows.evidence, **_drawn(self._randomisation)} if rows else {}
            columns = extract.columns(self._catalogue)
            if tuple(column.name for column in columns) != promised(plan):
                raise NotWhatWasApproved("columns")
            notes = rows.notes if rows else {}
            self._describe(draft, columns, cube, notes)
            digest = extract.digest.hexdigest()
            self._report(draft, extract.rows, digest, _hiding(table) if table else alike, notes)
            parts = draft.parts()
        written = sum(part.rows for part in parts if part.kind is Kind.DATA)
        if written != extract.rows:
            raise NotWhatWasApproved("rows")
        holds = self._told(absent)
        read = self._read(engine.name, len(sources), table.total if table else extract.rows)
        course.end(Step.SELECTION, **read, **holds, **(chosen.evidence if isinstance(chosen, MatchExtract) else {}))
        course.end(Step.AGGREGATION, **_hiding(table))
        course.end(
            Step.FORMATTING,
            format=plan.format.value,
            rows=written,
            parts=len(parts),
            guarded_cells=guarded.total(),
            content_digest=digest,
        )
        course.end(
            Step.ACCESS_SECURING,
            suite=SUITE,
            recipient_key=plan.recipient.fingerprint,
            pseudonyms=" ".join(plan.protections.pseudonyms),
            random_ids=extract.random_ids.total(),
            **_marks(self._marking),
            **alike,
            **({"exempted": " ".join(sorted(exempted(plan)))} if exempted(plan) else {}),
            sealed_bytes=sum(part.sealed_bytes for part in parts),
        )
        if table is None:
            extract.members.write(self.places.members(self._package))
        if isinstance(chosen, MatchExtract):
            chosen.remember(day_of(self.order.placed_at))
        return self._manifest(
            columns=columns,
            rows=written,
            hidden_cells=table.small + table.partners if table else 0,
            content_digest=digest,
            random_ids=dict(extract.random_ids),
            guarded=dict(guarded),
            parts=parts,
            processing=tuple(course.done),
            holds=holds,
        )

    def _chosen(
        self, engine: Engine, sources: tuple[engines.Part, ...], absent: Absent
    ) -> TableExtract | RowExtract | MatchExtract | Refusal:
        """What the plan asks for: a table, rows, or the recipient's own list with what is told of it."""
        plan, course = self.order.plan, self.course
        if plan.matching is not None:
            opened = {plan.unit: nullcontext((engine, sources))}

            def reading(unit: Unit) -> Reading:
                return opened.get(unit) or self._reading(unit)

            house = House(self.release, self.keys, self.places, absent, reading, course.clock)
            matched = MatchExtract.made(self.order, house, partial(course.tell, Step.SELECTION))
            course.begin(Step.AGGREGATION)
            return matched
        course.begin(Step.AGGREGATION)
        if plan.level is Level.L1:
            most, holds = self.release.most_members, self._holds.state
            types = engines.types_of(self._catalogue, plan.unit.value)
            occupied = Occupied.of(plan, self._catalogue, lambda query: engine.count(query, sources, types, enough=0))

            def beside(total: int) -> Refusal | None:
                return self._entering.beside_total(total, occupied, holds)

            made = TableExtract.made(plan, self._catalogue, self._rule, engine, sources, absent, most, beside)
            if isinstance(made, Refusal):
                return made
            compared = partial(course.tell, Step.AGGREGATION, unit="regencies")
            return self._entering.entered(made, occupied, holds, course.clock(), compared)
        protected = self._protection(engine, sources, absent)
        if isinstance(protected, Refusal):
            return protected
        counted = self._grouping(engine, sources, absent)
        draws = self._draws(protected, counted)
        alike = None if protected and protected.shown else self._alike(counted)
        return RowExtract(plan, self._catalogue, self._package_keys, protected, self._marking, draws, alike)

    def _protection(
        self, engine: Engine, sources: tuple[engines.Part, ...], absent: Absent
    ) -> Protection | Refusal | None:
        """What is done to rows that leave without names, or why they may not; nothing to those with names."""
        if self.order.plan.level is Level.L4:
            return None
        gifts = Gifts(self.places.given, self.keys.storage, self.keys.receipt)
        counted = self._grouping(engine, sources, absent)
        handing = Handing(self.order, self.release.version, self._catalogue, gifts, counted, self.workspace)
        return handing.protected(self.course.clock)

    def _grouping(
        self, engine: Engine, sources: tuple[engines.Part, ...], absent: Absent
    ) -> Callable[[Count], Iterator[pa.RecordBatch]]:
        """Counts whomever is asked about; those of another area than the plan's in files that are opened for it."""
        plan = self.order.plan
        types = engines.types_of(self._catalogue, plan.unit.value)

        def counted(query: Count) -> Iterator[pa.RecordBatch]:
            if plan.area.codes in ((), query.area):
                yield from engine.groups(query, sources, types, absent)
                return
            with self._reading(plan.unit, query.area) as (wider, files):
                yield from wider.groups(query, files, types, absent)

        return counted

    def _draws(
        self, protected: Protection | None, counted: Callable[[Count], Iterator[pa.RecordBatch]]
    ) -> Draws | None:
        """What draws values anew in these rows; None where the policy has nothing drawn. Raises EngineError."""
        plan, how = self.order.plan, self._randomisation
        if how is None or protected is None:
            return None
        with protected.staying() as (by, staying):
            said = distributions(plan, how, counted, by, staying)
        return Draws(self.keys.master, self.release.version, plan.unit, how, said)

    @cached_property
    def _entering(self) -> Entering:
        entries = Ledger(self.places.published, self.keys.storage, self.keys.receipt)
        return Entering(self.order, self.release.version, self._catalogue, entries)

    def _told_of(self, batches: Iterator[pa.RecordBatch], rows: RowExtract) -> Iterator[pa.RecordBatch]:
        """`batches`; each is told of once it is written."""
        area = self.order.plan.area.codes
        total, passed = self.release.persons_in(area), self.release.persons_up_to(area)
        for batch in batches:
            yield batch
            self.course.tell(Step.FORMATTING, passed(rows.reached), total)

    @cached_property
    def _holds(self) -> Holds:
        """Those that stand now; for counts, those that stood when the first of the quarter were told."""
        first = self._entering.first if self.order.plan.level is Level.L1 else None
        return Holds(
            self.places.holds,
            self.keys.storage,
            (self.keys.seal.public, *self.keys.seals),
            first.holds if first else None,
        )

    def _absent(self) -> Absent:
        """Who is not in the answer, by the holds (`_holds`) and the rules of the day of the order."""
        plan, spill = self.order.plan, self.workspace / "holds"
        spill.mkdir(mode=0o700)
        return self._holds.absent(self.release, plan.level, plan.unit, day_of(self.order.placed_at), spill)

    def _told(self, absent: Absent) -> dict[str, str]:
        """What the package says of holds: the state of their events, and how many rows are withheld, no closer than may
        be told. Nothing where there never was one."""
        if not self._holds.state:
            return {}
        plan = self.order.plan
        closed = closed_by_rule(plan.level, plan.unit, day_of(self.order.placed_at))
        return {
            "holds": self._holds.state,
            "withheld": told(absent.met, self._rule.smallest_persons) if closed else NONE,
        }

    @property
    def _package(self) -> str:
        return package_id(self.order.order_id)

    @property
    def _catalogue(self) -> Catalogue:
        """The one by which the release was made: what its columns mean does not change with the day of the order."""
        return self.release.catalogue

    @cached_property
    def _rule(self) -> Disclosure:
        return Disclosure.on(day_of(self.order.placed_at))

    @property
    def _package_keys(self) -> PackageKeys:
        plan = self.order.plan
        return PackageKeys(
            self.keys.master, plan.recipient.institution, plan.purpose, self.release.version, self._package
        )

    @cached_property
    def _marking(self) -> Marking | None:
        """How this copy is marked, by the rules of the day of the order."""
        return marking(self.order.plan, day_of(self.order.placed_at))

    @cached_property
    def _randomisation(self) -> Randomisation | None:
        """What is drawn anew in this copy, by the rules of the day of the order."""
        return randomisation(self.order.plan, day_of(self.order.placed_at))

    def _alike(self, counted: Callable[[Count], Iterator[pa.RecordBatch]]) -> Alike | None:
        """For rows that leave without names, exempted from every rule: what counts how many are alike to few others in
        what others may know of a person."""
        plan = self.order.plan
        if plan.level is Level.L4:
            return None
        rule = RowRule.on(day_of(self.order.placed_at), plan.level)
        by = _finest(tuple(name for name in plan.columns if name in rule.quasi_identifiers))
        if not by:
            return None
        if Alike.can_count(by):
            return Alike(rule.smallest_class, by)
        alike = Alike(rule.smallest_class)
        for groups in counted(Count(plan.unit.value, by, plan.population, plan.area.codes)):
            alike.counted(groups.column("n"))
        return alike

    def _reading(self, unit: Unit, area: tuple[str, ...] | None = None) -> Reading:
        """The files of the plan's area, or of another one; nothing in it is the nation."""
        spill = Path(tempfile.mkdtemp(prefix="spill-", dir=self.workspace))
        area = self.order.plan.area.codes if area is None else area
        return self.choice.reading(self.release, self.keys.storage, unit, area, spill, memory_limit=MEMORY)

    def _draft(self) -> Draft:
        plan, limits = self.order.plan, self.limits
        return Draft(
            self.workspace / self._package,
            recipient(plan.recipient.key),
            plan.format,
            limit=limits.part_bytes,
            sheet_rows=limits.sheet_rows,
        )

    def _describe(
        self, draft: Draft, columns: tuple[DeliveredColumn, ...], cube: Cube | None, notes: Mapping[str, str]
    ) -> None:
        grains = coarser(self.order.plan, day_of(self.order.placed_at))
        draft.describe(Kind.DICTIONARY, dictionary(columns, self._catalogue, notes, grains), len(columns))
        draft.describe(Kind.METADATA, metadata(self.order.plan, columns, self.release, notes, grains), 0)
        if cube is not None:
            draft.describe(Kind.STRUCTURE, cube.structure(self.course.clock()), 0)

    def _report(self, draft: Draft, rows: int, content: str, evidence: Evidence, notes: Mapping[str, str]) -> None:
        """What can still be learnt about somebody from what was written. A matched list answers to its sender alone."""
        order, release = self.order, self.release
        if order.plan.matching is None:
            versions, day = (release.version, release.digest), day_of(order.placed_at)
            handed = Handed(order.plan, versions, self._catalogue, day, rows, evidence, notes, content)
            draft.describe(Kind.REPORT, leaving.page(handed).encode(), 0)

    def _read(self, engine: str, files: int, rows: int) -> dict[str, str | int]:
        return {
            "engine": engine,
            "release": self.release.version,
            "release_digest": self.release.digest,
            "plan": self.order.plan.digest,
            "files": files,
            "rows": rows,
        }

    def _manifest(
        self,
        *,
        columns: tuple[DeliveredColumn, ...],
        rows: int,
        hidden_cells: int,
        content_digest: str,
        random_ids: dict[str, int],
        guarded: dict[str, int],
        parts: tuple[Part, ...],
        processing: tuple[StepDone, ...],
        holds: dict[str, str],
    ) -> Manifest:
        order, plan = self.order, self.order.plan
        counted = plan.level is Level.L1
        return Manifest(
            package=self._package,
            order=order.order_id,
            request=plan.request,
            decision=order.decision,
            agreement=order.agreement,
            policy=order.policy,
            plan=plan,
            release=self.release.version,
            release_digest=self.release.digest,
            standard=self._catalogue.standard,
            region_system=plan.area.system,
            region_edition=self.release.region_edition,
            columns=columns,
            rows=rows,
            hidden_cells=hidden_cells,
            content_digest=content_digest,
            disclosure_method=HIDING if counted else ROWS if plan.level in (Level.L2, Level.L3) else "",
            smallest_cell=max(self._rule.smallest_persons, plan.protections.smallest_cell) if counted else 0,
            pseudonym_scheme=SCHEME if plan.protections.pseudonyms else "",
            random_ids=random_ids,
            guarded=guarded,
            parts=parts,
            processing=processing,
            created_at=self.course.clock(),
            expires_on=plan.ends_on,
            destroy_by=plan.ends_on,
            holds=holds,
            marks=self._marking,
            randomised=self._randomisation,
        )


class Course:
    """The five sub-steps as they happen, and who is told of them. Streaming lets them overlap; they begin and end in
    their order."""

    def __init__(self, clock: Clock, told: Told) -> None:
        self.clock, self._told = clock, told
        self._began: dict[Step, datetime] = {}
        self.done: list[StepDone] = []

    def begin(self, *steps: Step) -> None:
        for step in steps:
            self._began[step] = self.clock()
        self.tell(steps[0])

    def tell(self, step: Step, done: int = 0, of: int | None = None, unit: str = "persons") -> None:
        self._told(Progress(step.value, self._began[step], done, of, unit))

    def end(self, step: Step, **evidence: str | int) -> None:
        self.done.append(StepDone(step, self._began[step], self.clock(), evidence))


def _hiding(table: TableExtract | None) -> dict[str, str | int]:
    if table is None:
        return {"aggregated": "no"}
    return {
        "aggregated": "yes",
        "lines": table.extract.rows,
        "hidden_cells": table.small + table.partners,  # how many for their own sake would tell of them
        "compared": table.compared,
    }


def _marks(marking: Marking | None) -> dict[str, str | int]:
    return {} if marking is None else {"marks": MARKS, "marked_columns": " ".join(marking.columns)}


def _drawn(how: Randomisation | None) -> dict[str, str | int]:
    return {} if how is None else {"randomised": DRAWN, "randomised_columns": how.words}


def _is_of(manifest: Manifest, order: Order) -> bool:
    return (manifest.order, manifest.plan, manifest.release) == (order.order_id, order.plan, order.release)


def _receipt(manifest: Manifest, digest: str, final: Path, places: Places, moment: datetime) -> Receipt:
    """The receipt for a package that stands: its own evidence of four sub-steps, and the fifth, seen now. What the
    house is to look at stands here alone, for the package tells its evidence to whoever receives it."""
    size = sum(part.sealed_bytes for part in manifest.parts) + (final / MANIFEST_NAME).stat().st_size
    provided: dict[str, str | int] = {
        "package": manifest.package,
        "manifest": digest,
        "files": len(manifest.parts) + 1,
        "bytes": size,
    }
    if manifest.plan.matching is not None:
        provided["alarms"] = alarms.of_order(places.alarms, manifest.order)
    return Receipt(
        order_id=manifest.order,
        plan_digest=manifest.plan.digest,
        release=manifest.release,
        package=manifest.package,
        manifest=digest,
        rows=manifest.rows,
        columns=tuple(column.name for column in manifest.columns),
        hidden_cells=manifest.hidden_cells,
        package_bytes=size,
        steps=(*manifest.processing, StepDone(Step.PROVISIONING, manifest.created_at, moment, provided)),
    )
