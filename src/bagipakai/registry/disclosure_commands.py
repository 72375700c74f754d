"""`bagipakai registry disclose | audit`: a table of counts protected with all its margins; published ones attacked."""

import argparse
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bagipakai.core.deadlines import day_of
from bagipakai.core.refusal import Refusal
from bagipakai.showing import answered, interruptible, number, refused

if TYPE_CHECKING:
    from bagipakai.core.plan import Plan
    from bagipakai.core.query import Scalar
    from bagipakai.core.variables import Variable
    from bagipakai.registry.disclosure.auditing import Published
    from bagipakai.registry.disclosure.outputs import Made
    from bagipakai.registry.disclosure.reporting import Run
    from bagipakai.registry.releases import Release

TABLE, SHEET, REPORT, PAGE = "tabel.json", "tabel.csv", "laporan.json", "laporan.html"


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
    from bagipakai.core.plan import Level
    from bagipakai.registry import counter, named
    from bagipakai.registry.disclosure.outputs import made

    plan = named.plan_in(options.plan)
    if isinstance(plan, Refusal):
        return refused(plan)
    if plan.level is not Level.L1:
        return refused(Refusal("disclose-tables-only", {"level": plan.level.value}))
    release = named.opened(options.release)
    if isinstance(release, Refusal):
        return refused(release)
    day = day_of(datetime.now(UTC))
    if no := _unfit(plan, release, day) or counter.objection_to(plan, release, day):
        return refused(no)
    if _closed(options.out):
        return refused(Refusal("disclose-folder-closed", {"folder": str(options.out)}))
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        return refused(Refusal("disclose-folder-is-not-empty", {"folder": options.out.name}))
    with interruptible("Tidak ada yang ditulis; jalankan lagi perintah yang sama."):
        found = made(plan, release, day)
        if isinstance(found, Refusal):
            return refused(found)
        report = _written(plan, release, found, day, options.out)
    told = f"{number(report['cells'])} sel, {number(report['hidden'])} di antaranya ditutup; hasil di {options.out}."
    if report["broken"]:
        told += f" {number(report['broken'])} serangan berhasil: baca {PAGE} sebelum tabel ini diserahkan."
    return answered(options, report, told)


def _closed(out: Path) -> bool:
    """Whether no folder can be made there. Tried before anything is entered, since rights alone do not tell."""
    above = next((one for one in out.absolute().parents if os.path.lexists(one)), out)
    try:
        with TemporaryDirectory(prefix=f".{out.name}.", suffix=".dicoba", dir=above):
            return out.is_symlink()
    except OSError:
        return True


def _unfit(plan: "Plan", release: "Release", day: date) -> Refusal | None:
    """Why this release is not read for this plan: only what was approved, for as long as it was, of one that stands."""
    from bagipakai.core.lifecycle import State
    from bagipakai.registry import named
    from bagipakai.registry.releases import lives_of
    from bagipakai.registry.vault import Damaged

    if plan.release != release.version and not plan.rolling:
        return Refusal("disclose-release-differs", {"asked": plan.release, "release": release.version})
    if day > plan.ends_on:
        return Refusal("order-access-ended", {"ends_on": plan.ends_on.isoformat()})
    try:
        if lives_of(release.folder.parent, named.trusted())[release.version].state is State.WITHDRAWN:
            return Refusal("order-release-withdrawn", {"release": release.version})
    except Damaged as damage:
        return damage.refusal
    return None


def _written(plan: "Plan", release: "Release", done: "Made", day: date, out: Path) -> dict[str, Any]:
    """The table for programs and for people, and what was done to it, with the digest of each other file. Whole or not
    at all."""
    from bagipakai.core.canonical import digest
    from bagipakai.registry.disclosure import reporting
    from bagipakai.registry.disclosure.disclosing import as_json
    from bagipakai.registry.disclosure.page import page
    from bagipakai.registry.disclosure.tables import TableRule
    from bagipakai.registry.folders import in_the_making

    found = done.table
    table, method = as_json(found), reporting.told_of(done.method, found.balance)
    whole = {"plan": plan.to_json(), "release": release.version, "catalogue": release.catalogue.digest}
    whole |= {"method": method, **table}
    rule, versions = TableRule.on(day).of_plan(plan), (release.version, release.digest)
    run = reporting.Run(
        plan, versions, release.catalogue, found.axes, found.table.published, rule, day, done.compared, digest(table),
        done.method, found.sums, found.unknown, found.balance,
    )  # fmt: skip
    figures = reporting.figures(run)
    files = {
        TABLE: (json.dumps(whole, ensure_ascii=False) + "\n").encode(),
        SHEET: _sheet(run).encode("utf-8-sig"),  # Excel takes a file without the mark for one of another alphabet
        PAGE: page(run, figures).encode(),
    }
    report = {
        "method": method,
        "release": release.version,
        "plan": plan.digest,
        "content": run.content,
        "programs": reporting.programs(done.method),
        "broken": figures.broken,
        **figures.to_json(),
        "files": {name: sha256(content).hexdigest() for name, content in files.items()},
    }
    files[REPORT] = (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode()
    with in_the_making(out) as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)
    return report


def _sheet(run: "Run") -> str:
    """The table for people, a line a cell."""
    from bagipakai.registry.disclosure import reporting
    from bagipakai.registry.disclosure.disclosing import cells

    sheet = StringIO(newline="")
    writer = csv.writer(sheet, delimiter=";")
    names = [name for axis in run.axes for name in axis.names]
    summed = [] if run.sums is None else [(f"total_{run.plan.summed}", run.sums)]
    counted = "jumlah" if reporting.told_of(run.method)["name"] == reporting.HIDING else "jumlah_berderau"
    writer.writerow([*names, counted, *(name for name, _ in summed), "ditutup"])
    for at, (values, count) in enumerate(cells(run.axes, run.counts)):
        told = [_told(run.catalogue[name], values[name]) if name in values else "semua" for name in names]
        numbers = ["" if one is None else one for one in (count, *(sums[at] for _, sums in summed))]
        writer.writerow([*told, *numbers, "ya" if count is None else "tidak"])
    return sheet.getvalue()


def _told(variable: "Variable", value: "Scalar | None") -> str:
    """A code beside what it means: "3201 = Kabupaten Bogor"."""
    from bagipakai.core.query import AREA_COLUMNS
    from bagipakai.registry.disclosure.published import called
    from bagipakai.registry.regions import regions

    code, words = str(value), called(variable, value)
    if variable.name in AREA_COLUMNS.values() and code in regions():
        words = regions()[code].name
    return words if words == code or value is None or isinstance(value, bool) else f"{code} = {words}"


def _audit(options: argparse.Namespace) -> int:
    folders = {os.path.realpath(one): one for one in options.folders}  # one that is named twice is one
    tables = [_read(folder) for folder in folders.values()]
    broken = next((one for one in tables if isinstance(one, Refusal)), None)
    if broken is not None:
        return refused(broken)
    with interruptible("Audit belum selesai."):
        whole = [one for one in tables if not isinstance(one, Refusal)]
        found, (pairs, most) = list(_findings(whole)), _near(whole)
    for no in found:
        refused(no)
    value = {"tables": len(tables), "findings": [{"code": no.code, **no.detail} for no in found]}
    value |= {"noisy_pairs": pairs, "noisy_tables_of_one_group": most}
    if found:
        if options.json:
            print(json.dumps(value, ensure_ascii=False))
        return 1
    told = f"{number(len(tables))} tabel diserang: yang tampil tidak terlalu kecil, yang tertutup tidak dapat didekati."
    if most:
        told += (
            f" Angka berderau: {number(pairs)} pasang berdekatan, satu kelompok paling banyak di {number(most)} tabel."
        )
    return answered(options, value, told)


def _read(folder: Path) -> "Published | Refusal":
    """A table whose folder is as it was made: every file is what its report says."""
    from bagipakai.core.canonical import digest
    from bagipakai.registry.disclosure.auditing import Published

    about = {"folder": str(folder)}
    try:
        held = {one.name for one in folder.iterdir()} & {TABLE, SHEET, REPORT, PAGE}
        files = {name: (folder / name).read_bytes() for name in held}
    except OSError:
        return Refusal("disclosed-folder-unreadable", about)
    if not held & {TABLE, REPORT}:
        return Refusal("disclosed-table-malformed", about)
    if name := _changed(files):
        return Refusal("disclosed-folder-changed", about | {"file": name})
    report = json.loads(files[REPORT])
    try:
        whole = json.loads(files[TABLE])
        table = Published.of_json(str(folder), whole)
        content = digest({name: whole[name] for name in ("axes", "counts", "sums") if name in whole})
    except (KeyError, TypeError, ValueError, RecursionError):
        return Refusal("disclosed-table-malformed", about)
    if report.get("content") != content:
        return Refusal("disclosed-folder-changed", about | {"file": REPORT})
    return table if report.get("broken") == 0 else Refusal("disclosed-report-has-findings", about)


def _changed(files: Mapping[str, bytes]) -> str:
    """The first file that is missing or is not what the report says; empty where all are."""
    try:
        said = dict(json.loads(files[REPORT])["files"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return REPORT
    told = ((name, files.get(name)) for name in (TABLE, SHEET, PAGE))
    return next((name for name, one in told if one is None or sha256(one).hexdigest() != said.get(name)), "")


def _near(tables: Sequence["Published"]) -> tuple[int, int]:
    from bagipakai.core.variables import Catalogue
    from bagipakai.registry.disclosure.auditing import near
    from bagipakai.registry.disclosure.tables import TableRule

    day = day_of(datetime.now(UTC))
    return near(tables, TableRule.on(day), Catalogue.on(day))


def _findings(tables: Sequence["Published"]) -> Iterator[Refusal]:
    from bagipakai.core.variables import Catalogue
    from bagipakai.registry.disclosure.auditing import alone, together, unsteady
    from bagipakai.registry.disclosure.tables import TableRule

    day = day_of(datetime.now(UTC))
    rule, catalogue = TableRule.on(day), Catalogue.on(day)
    for table in tables:
        yield from alone(table, rule)
    yield from unsteady(tables, catalogue)
    yield from together(tables, rule, catalogue)
