"""`bagipakai registry disclose | audit`: a table of counts protected with all its margins; published ones attacked."""

import argparse
import csv
import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.refusal import Refusal
from bagipakai.showing import answered, interruptible, number, refused

if TYPE_CHECKING:
    from bagipakai.core.plan import Plan
    from bagipakai.registry.disclosure.auditing import Published
    from bagipakai.registry.disclosure.disclosing import Disclosed
    from bagipakai.registry.disclosure.published import Occupied
    from bagipakai.registry.disclosure.tables import TableRule
    from bagipakai.registry.releases import Release

TABLE, SHEET, REPORT, PAGE = "tabel.json", "tabel.csv", "laporan.json", "laporan.html"
MEMORY: Final = "400MB"
METHOD: Final = "secondary-suppression/v1"


def register(subparsers: Any) -> None:
    """Adds the commands. 0 done · 1 refused or found something, with code and sentence on stderr · 130 interrupted."""
    disclose = subparsers.add_parser("disclose", help="lindungi tabel cacah (L1) dengan semua jumlahnya, lalu laporkan")
    disclose.add_argument("--plan", type=Path, required=True, metavar="BERKAS", help="rencana (JSON) tingkat L1")
    disclose.add_argument(
        "--release", type=Path, required=True, metavar="RILIS", help="map rilis, atau versi rilis di var/releases"
    )
    disclose.add_argument("--out", type=Path, required=True, metavar="MAP", help="map baru untuk hasilnya")
    disclose.set_defaults(run=_disclose)
    audit = subparsers.add_parser("audit", help="serang tabel yang sudah terbit, masing-masing dan bersama-sama")
    audit.add_argument("folders", type=Path, nargs="+", metavar="MAP", help="map hasil registry disclose")
    audit.set_defaults(run=_audit)
    for one in (disclose, audit):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")


def _disclose(options: argparse.Namespace) -> int:
    from bagipakai.core.plan import Level, Plan
    from bagipakai.registry import counter, named

    try:
        plan = Plan.from_json(json.loads(options.plan.read_bytes()))
    except (OSError, ValueError):
        return refused(Refusal("impact-plan-unreadable", {"file": options.plan.name}))
    if plan.level is not Level.L1:
        return refused(Refusal("disclose-tables-only", {"level": plan.level.value}))
    release = named.opened(options.release)
    if isinstance(release, Refusal):
        return refused(release)
    day = day_of(datetime.now(UTC))
    if no := counter.objection_to(plan, release, day):
        return refused(no)
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        return refused(Refusal("disclose-folder-is-not-empty", {"folder": options.out.name}))
    with interruptible("Tidak ada yang ditulis; jalankan lagi perintah yang sama."):
        found = _entered(plan, release, day)
        if isinstance(found, Refusal):
            return refused(found)
        report = _written(plan, release, found, day, options.out)
    told = f"{number(report['cells'])} sel, {number(report['hidden'])} di antaranya ditutup; hasil di {options.out}."
    if report["broken"]:
        told += f" {number(report['broken'])} serangan berhasil: baca {PAGE} sebelum tabel ini diserahkan."
    return answered(options, report, told)


def _entered(plan: "Plan", release: "Release", day: date) -> "tuple[Disclosed, int] | Refusal":
    """The protected table, once it stands in the ledger of what was published, and how many others do."""
    from bagipakai.core.canonical import digest
    from bagipakai.registry import keys
    from bagipakai.registry.disclosure.disclosing import cells
    from bagipakai.registry.disclosure.ledger import Ledger, Output
    from bagipakai.registry.disclosure.published import cells_of, limits
    from bagipakai.registry.disclosure.tables import TableRule
    from bagipakai.registry.disclosure.union import objection
    from bagipakai.registry.engines import EngineError, TooManyCells
    from bagipakai.registry.places import Places
    from bagipakai.registry.vault import Damaged

    folder, rule = postgres.var() / "keys", TableRule.on(day)
    keys.establish(folder)
    try:
        made = _protected(plan, release, day, rule)
        if isinstance(made, Refusal):
            return made
        found, occupied = made
        told = cells_of(plan, cells(found.axes, found.table.published), release.catalogue, occupied)
        if isinstance(told, Refusal):
            return told
        order = f"TABEL-{digest({'plan': plan.digest, 'release': release.digest})[:16]}"
        sums = digest({"sums": found.table.sums}) if plan.summed else ""
        output = Output(order, plan.recipient.institution, release.version, plan.unit.value, plan.summed, sums)
        ledger = Ledger(Places.under(postgres.var()).published, keys.storage(folder), keys.receipt_signer(folder))
        with ledger.turn():
            if ledger.sums_met(output, told):
                return Refusal("tables-sum-twice", {"name": plan.summed})
            if no := objection(ledger, output, told, limits(plan, rule), release.catalogue):
                return no
            others = ledger.others(output, told)
            ledger.add(output, told, datetime.now(UTC))
    except Damaged as damage:
        return damage.refusal
    except TooManyCells:
        return Refusal("table-too-fine")
    except EngineError as failure:  # names the kind, never a value
        return Refusal("disclose-engine-failed", {"kind": str(failure)})
    return found, others


def _protected(
    plan: "Plan", release: "Release", day: date, rule: "TableRule"
) -> "tuple[Disclosed, Occupied] | Refusal":
    from bagipakai.core.disclosure import Cell
    from bagipakai.core.query import Count
    from bagipakai.registry import keys
    from bagipakai.registry.disclosure.disclosing import disclosed
    from bagipakai.registry.disclosure.published import Occupied
    from bagipakai.registry.engines import Amounts, EngineError, duckdb, types_of
    from bagipakai.registry.engines.choice import EMBEDDED
    from bagipakai.registry.holds import Holds
    from bagipakai.registry.places import Places

    places, folder = Places.under(postgres.var()), postgres.var() / "keys"
    storage, types = keys.storage(folder), types_of(release.catalogue, plan.unit.value)
    with tempfile.TemporaryDirectory(prefix="tabel-", dir=places.workspaces) as name:
        spill, held = Path(name) / "spill", Path(name) / "holds"
        for one in (spill, held):
            one.mkdir(mode=0o700)
        absent = Holds(places.holds, storage, keys.seals(folder)).absent(release, plan.level, plan.unit, day, held)
        reading = EMBEDDED.reading(release, storage, plan.unit, plan.area.codes, spill, memory_limit=MEMORY)
        with reading as (engine, parts):

            def count(query: Count) -> list[Cell]:
                return engine.count(query, parts, types, absent=absent, largest=release.most_members)

            def add(query: Count) -> list[Amounts]:
                if not isinstance(engine, duckdb.Engine):
                    raise EngineError("only DuckDB adds")
                return engine.amounts(query, plan.summed, parts, types, absent=absent)

            found = disclosed(plan, rule, count, add)
            return found if isinstance(found, Refusal) else (found, Occupied.of(plan, release.catalogue, count))


def _written(
    plan: "Plan", release: "Release", entered: "tuple[Disclosed, int]", day: date, out: Path
) -> dict[str, Any]:
    """The table for programs and for people, and what was done to it. Whole or not at all."""
    from bagipakai.core.canonical import digest
    from bagipakai.registry.disclosure import reporting
    from bagipakai.registry.disclosure.disclosing import as_json, cells
    from bagipakai.registry.disclosure.page import page
    from bagipakai.registry.disclosure.tables import TableRule
    from bagipakai.registry.folders import in_the_making

    found, others = entered
    table = as_json(found)
    whole = {"plan": plan.to_json(), "release": release.version, "catalogue": release.catalogue.digest, **table}
    rule, versions = TableRule.on(day).of_plan(plan), (release.version, release.digest)
    run = reporting.Run(
        plan, versions, release.catalogue, found.axes, found.table.published, rule, day, others, digest(table),
        found.table.sums, found.unknown,
    )  # fmt: skip
    figures = reporting.figures(run)
    report = {
        "method": METHOD,
        "release": release.version,
        "plan": plan.digest,
        "content": run.content,
        "programs": reporting.programs(),
        "broken": figures.broken,
        **figures.to_json(),
    }
    with in_the_making(out) as folder:
        (folder / TABLE).write_text(json.dumps(whole, ensure_ascii=False) + "\n", "utf-8")
        (folder / REPORT).write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
        (folder / PAGE).write_text(page(run, figures), "utf-8")
        with (folder / SHEET).open("w", encoding="utf-8", newline="") as sheet:
            writer = csv.writer(sheet, delimiter=";")
            names = [name for axis in found.axes for name in axis.names]
            summed = [] if found.table.sums is None else [(f"total_{plan.summed}", found.table.sums)]
            writer.writerow([*names, "jumlah", *(name for name, _ in summed), "ditutup"])
            for at, (values, count) in enumerate(cells(found.axes, found.table.published)):
                told = [_told(values[name]) if name in values else "semua" for name in names]
                numbers = ["" if one is None else one for one in (count, *(sums[at] for _, sums in summed))]
                writer.writerow([*told, *numbers, "ya" if count is None else "tidak"])
    return report


def _told(value: object) -> str:
    match value:
        case None:
            return "tidak diketahui"
        case bool():
            return "ya" if value else "tidak"
    return str(value)


def _audit(options: argparse.Namespace) -> int:
    tables = [_read(folder) for folder in options.folders]
    broken = next((one for one in tables if isinstance(one, Refusal)), None)
    if broken is not None:
        return refused(broken)
    with interruptible("Audit belum selesai."):
        found = list(_findings([one for one in tables if not isinstance(one, Refusal)]))
    for no in found:
        refused(no)
    value = {"tables": len(tables), "findings": [{"code": no.code, **no.detail} for no in found]}
    if found:
        if options.json:
            print(json.dumps(value, ensure_ascii=False))
        return 1
    return answered(
        options, value, f"{number(len(tables))} tabel diserang; tidak ada sel tertutup yang dapat didekati."
    )


def _read(folder: Path) -> "Published | Refusal":
    from bagipakai.registry.disclosure.auditing import Published

    try:
        return Published.of_json(folder.name, json.loads((folder / TABLE).read_bytes()))
    except (OSError, KeyError, TypeError, ValueError):
        return Refusal("disclosed-table-malformed", {"folder": folder.name})


def _findings(tables: Sequence["Published"]) -> Iterator[Refusal]:
    from bagipakai.core.variables import Catalogue
    from bagipakai.registry.disclosure.auditing import alone, together
    from bagipakai.registry.disclosure.tables import TableRule

    day = day_of(datetime.now(UTC))
    rule = TableRule.on(day)
    for table in tables:
        yield from alone(table, rule)
    yield from together(tables, rule, Catalogue.on(day))
