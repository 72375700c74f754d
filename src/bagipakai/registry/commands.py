"""`bagipakai registry synthesise | publish | check | announce`, and the commands of intake and worker."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bagipakai import postgres
from bagipakai.core.exchange import Announcement
from bagipakai.core.refusal import Refusal
from bagipakai.registry import intake_commands, worker_commands


def register(subparsers: Any) -> None:
    """Adds the registry's commands. 0 done · 1 refused, with code and sentence on stderr."""
    make = subparsers.add_parser("synthesise", help="buat penduduk sintetis; tidak ada orang sungguhan di dalamnya")
    make.add_argument("--people", type=int, default=1_000_000, metavar="N", help="jumlah orang (baku 1.000.000)")
    make.add_argument("--seed", type=int, default=2026, metavar="S", help="benih acak; benih sama, isi sama")
    make.add_argument("--out", type=Path, required=True, metavar="MAP", help="map hasil, baru atau kosong")
    make.add_argument("--processes", type=int, metavar="P", help="banyaknya proses (baku: banyaknya inti prosesor)")
    make.set_defaults(run=_synthesise)
    issue = subparsers.add_parser("publish", help="terbitkan data sebagai rilis yang tidak dapat diubah")
    issue.add_argument("dataset", type=Path, metavar="MAP", help="map hasil synthesise")
    issue.add_argument("--version", required=True, metavar="VERSI", help="tahun.triwulan.koreksi, misalnya 2026.3.0")
    issue.set_defaults(run=_publish)
    issue.add_argument("--releases", type=Path, metavar="MAP", help="map rilis (baku: var/releases)")
    check = subparsers.add_parser("check", help="periksa setiap berkas rilis terhadap manifesnya")
    check.set_defaults(run=_check)
    tell = subparsers.add_parser("announce", help="umumkan rilis kepada kantor, bersegel")
    tell.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="berkas pengumuman")
    tell.set_defaults(run=_announce)
    for one in (check, tell):
        one.add_argument("release", type=Path, metavar="RILIS", help="map rilis, atau versi rilis di var/releases")
    for one in (make, issue, check):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")
    intake_commands.register(subparsers)
    worker_commands.register(subparsers)


def _synthesise(options: argparse.Namespace) -> int:
    from bagipakai.registry.synthesis import synthesise

    try:
        with tqdm(total=options.people, unit=" orang", unit_scale=True, desc="membuat", file=sys.stderr) as bar:
            made = synthesise(options.people, options.seed, options.out, options.processes, bar.update)
    except FileExistsError:
        return _refused(Refusal("dataset-exists", {"file": options.out.name}))
    except ValueError:
        return _refused(Refusal("dataset-size-impossible"))
    told = {name: value for name, value in made.items() if name != "files"}
    return _told(options, told, f"{made['people']} orang, {made['families']} keluarga di {options.out}")


def _publish(options: argparse.Namespace) -> int:
    from bagipakai.registry.publishing import publish
    from bagipakai.registry.releases import Damaged

    try:
        with tqdm(unit=" orang", unit_scale=True, desc="memeriksa", file=sys.stderr) as bar:
            outcome = publish(options.dataset, _releases(options), options.version, datetime.now(UTC), bar.update)
    except Damaged as damage:  # the release before this one
        return _refused(damage.refusal)
    if isinstance(outcome, Refusal):
        return _refused(outcome)
    sentence = f"Rilis {outcome.version} terbit: {outcome.person_count} orang, {outcome.family_count} keluarga."
    return _told(options, outcome.metadata(), sentence)


def _check(options: argparse.Namespace) -> int:
    from bagipakai.registry.releases import Damaged, Release, UnknownRelease

    found: list[Damaged] = []
    try:
        release = Release.open(*_place(options), whole=False)
        with tqdm(total=len(release.files), unit=" berkas", desc="memeriksa", file=sys.stderr) as bar:
            for one in release.checked():
                if isinstance(one, Damaged):
                    found.append(one)
                else:
                    bar.update(1)
    except UnknownRelease:
        return _refused(Refusal("release-unknown", {"version": options.release.name}))
    except Damaged as manifest:
        found.append(manifest)
    for damage in found:
        _refused(damage.refusal)
    if found:
        return _refused(Refusal("release-damaged", {"version": options.release.name}))
    told = {"version": release.version, "digest": release.digest, "files": len(release.files)}
    return _told(options, told, f"Rilis {release.version} utuh: {len(release.files)} berkas.")


def _announce(options: argparse.Namespace) -> int:
    from bagipakai.registry import keys
    from bagipakai.registry.regions import SYSTEM, regions
    from bagipakai.registry.releases import Damaged, Release, UnknownRelease

    try:
        release = Release.open(*_place(options))
    except UnknownRelease:
        return _refused(Refusal("release-unknown", {"version": options.release.name}))
    except Damaged as damage:
        return _refused(damage.refusal)
    told = Announcement(
        version=release.version,
        digest=release.digest,
        standard=release.standard,
        region_system=SYSTEM,
        region_edition=release.region_edition,
        published_on=release.published_on,
        persons=release.person_count,
        families=release.family_count,
        regions=tuple((region.code, region.name) for region in regions().values()),
    )
    folder = postgres.var() / "keys"
    keys.establish(folder)
    options.out.write_bytes(told.sealed(keys.receipt_signer(folder)))
    print(f"Pengumuman rilis {release.version}: {options.out}")
    return 0


def _releases(options: argparse.Namespace) -> Path:
    return Path(options.releases or postgres.var() / "releases")


def _place(options: argparse.Namespace) -> tuple[Path, str]:
    """Folder of releases and version, of a path or of a version alone."""
    named: Path = options.release
    return (named.parent if named.is_dir() else postgres.var() / "releases", named.name)


def _refused(no: Refusal) -> int:
    print(f"{no.sentence()} [{no.code}]", file=sys.stderr)
    return 1


def _told(options: argparse.Namespace, value: Any, sentence: str) -> int:
    print(json.dumps(value, ensure_ascii=False) if options.json else sentence)
    return 0
