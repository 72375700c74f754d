"""`bagipakai registry build | held | lineage`: the next data set from what the sources handed in, what waits for a
clerk, and where the values of one person come from."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.policy import NoRule
from bagipakai.core.refusal import Refusal
from bagipakai.registry import keys, named
from bagipakai.registry.building.held import BUILDS, DIED, NEW, PAST, REVIEW, TWICE
from bagipakai.registry.vault import Damaged
from bagipakai.showing import AGAIN, answered, interruptible, number, refused, shown

if TYPE_CHECKING:
    from bagipakai.registry.building.sets import Handed
    from bagipakai.registry.releases import Release


def register(subparsers: Any) -> None:
    """Adds the commands."""
    make = subparsers.add_parser(
        "build",
        help="susun data rilis berikutnya dari kiriman sumber",
        description="Baris kiriman dipadankan dengan rilis sebelumnya; nilai yang bertahan dipilih menurut"
        " policies/survivorship.toml. Yang tidak padan tidak ditambahkan: dicatat sebagai daftar usulan yang tersegel.",
    )
    make.add_argument(
        "--previous", type=Path, required=True, metavar="RILIS", help="rilis sebelumnya: mapnya, atau versinya"
    )
    make.add_argument(
        "--set",
        dest="sets",
        type=Path,
        action="append",
        default=[],
        metavar="MAP",
        help="hasil `registry intake`; boleh berulang (baku: kiriman terbaru tiap sumber yang diterima dan tersimpan)",
    )
    make.add_argument(
        "--source", dest="sources", action="append", default=[], metavar="S", help="hanya sumber ini; boleh berulang"
    )
    make.add_argument("--day", type=date.fromisoformat, metavar="TTTT-BB-HH", help="hari acuan data (baku: hari ini)")
    make.add_argument("--out", type=Path, metavar="MAP", help=f"map hasil (baku: var/{BUILDS}/HARI)")
    make.set_defaults(run=_build)
    held = subparsers.add_parser(
        "held",
        help="daftar tersegel sebuah penyusunan: usulan, telaah, ganda, meninggal, almarhum",
        description="Tanpa --out: berapa baris tiap daftar. Dengan --out: satu daftar dibuka, untuk petugasnya saja.",
    )
    held.add_argument("build", type=Path, metavar="MAP", help="map hasil `registry build`")
    held.add_argument("--list", choices=(NEW, REVIEW, TWICE, DIED, PAST), metavar="DAFTAR", help="usulan, telaah, …")
    held.add_argument("--source", metavar="S", help="sumbernya, misalnya dukcapil")
    held.add_argument("--out", type=Path, metavar="BERKAS", help="Parquet, hanya terbaca oleh Anda")
    held.set_defaults(run=_held)
    tell = subparsers.add_parser(
        "lineage",
        help="asal tiap nilai satu orang: sumber, kiriman, hari; bukan nilainya",
        description="Untuk di dalam saja.",
    )
    tell.add_argument("--release", type=Path, required=True, metavar="RILIS", help="mapnya, atau versinya")
    whose = tell.add_mutually_exclusive_group(required=True)
    whose.add_argument("--place", type=int, metavar="N", help="urutan orangnya: registry_id pada hasil pemadanan")
    whose.add_argument("--person", metavar="ID", help="identitas tetapnya (registry carry), 32 angka heksadesimal")
    tell.set_defaults(run=_lineage)
    for one in (make, held, tell):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")


def _build(options: argparse.Namespace) -> int:
    from bagipakai.core.variables import Catalogue
    from bagipakai.registry.building.report import lines

    day = options.day or day_of(datetime.now(UTC))
    out = options.out or postgres.var() / BUILDS / day.isoformat()
    try:
        report = _built(options, day, out)
    except Damaged as damage:
        return refused(damage.refusal)
    except NoRule:
        return refused(Refusal("building-without-policy", {"day": day.isoformat()}))
    if isinstance(report, Refusal):
        return refused(report)
    told = [*lines(report, Catalogue.on(day)), f"Data: {out / 'data'}. Terbitkan dengan `registry publish`."]
    return answered(options, {**report, "folder": str(out)}, "\n".join(told))


def _built(options: argparse.Namespace, day: date, out: Path) -> dict[str, Any] | Refusal:
    from bagipakai.registry.building.job import build, heard
    from bagipakai.registry.matching import model
    from bagipakai.registry.matching.job import Matching
    from bagipakai.registry.matching.policy import Decision
    from bagipakai.registry.matching_commands import index_of

    folder = postgres.var() / "keys"
    keys.establish(folder)
    with keys.in_use(folder):
        storage = keys.storage(folder)
        release = named.opened(options.previous)
        if isinstance(release, Refusal):
            return release
        sets = _sets(options, day, storage)
        if isinstance(sets, Refusal):
            return sets
        weights = model.opened(model.SHIPPED)
        if isinstance(weights, Refusal):
            return weights
        index = index_of(options.previous)
        if isinstance(index, Refusal):
            return index
        matching = Matching(index, weights, Decision.on(day))
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with interruptible(AGAIN), shown("menyusun", "baris", heard(release, sets)) as more:
            return build(release, sets, matching, storage, day, out, more)


def _sets(options: argparse.Namespace, day: date, storage: keys.StorageKey) -> "list[Handed] | Refusal":
    """Those that are named, or the newest that are kept."""
    from bagipakai.registry.building.sets import newest, of_folder
    from bagipakai.registry.receiving import Stores

    if not options.sets:
        kept, trusted = Stores.under(postgres.var()).kept, keys.receipt_signer(postgres.var() / "keys").public
        return newest(kept, trusted, storage, day, options.sources)
    found = []
    for folder in options.sets:
        one = of_folder(folder)
        if isinstance(one, Refusal):
            return one
        if not options.sources or one.source in options.sources:
            found.append(one)
    return found


def _held(options: argparse.Namespace) -> int:
    import pyarrow as pa

    from bagipakai.registry.building.held import Held
    from bagipakai.registry.building.job import LISTS
    from bagipakai.registry.building.report import LISTS as WORDS
    from bagipakai.registry.matching.results import write

    folder = postgres.var() / "keys"
    keys.establish(folder)
    try:
        found = Held.open(options.build / LISTS, keys.storage(folder))
        wanted = {
            (kind, source): rows
            for (kind, source), rows in sorted(found.lists.items())
            if options.list in (None, kind) and options.source in (None, source)
        }
        told = [{"list": kind, "source": source, "rows": rows} for (kind, source), rows in wanted.items()]
        if options.out is None:
            lines = [f"{source}: {number(rows)} {WORDS[kind]}" for (kind, source), rows in wanted.items()]
            return answered(options, told, "\n".join(lines) or "Tidak ada daftar.")
        if len(wanted) != 1:
            return refused(Refusal("building-list-unknown", {"many": str(len(wanted))}))
        (((kind, source), rows),) = wanted.items()
        out = options.out.with_suffix(".parquet")  # a spreadsheet would break its numbers
        write(pa.concat_tables(found.rows(kind, source)), out)
    except Damaged as damage:
        return refused(damage.refusal)
    except OSError:
        return refused(Refusal("matching-out-unwritable", {"file": options.out.name}))
    return answered(options, told, f"{number(rows)} baris: {out}")


def _lineage(options: argparse.Namespace) -> int:
    from bagipakai.registry.origins import origins

    release = named.opened(options.release)
    if isinstance(release, Refusal):
        return refused(release)
    folder = postgres.var() / "keys"
    nobody = Refusal("lineage-of-nobody", {"version": release.version})
    try:
        storage = keys.storage(folder)
        place = options.place if options.person is None else _place(release, options.person, storage)
        if place is None or place < 0:
            return refused(nobody)
        found = list(origins(release, storage, place))
    except IndexError:
        return refused(nobody)
    except ValueError:
        return refused(Refusal("dataset-without-lineage", {"file": release.version}))
    except keys.KeyMissing as missing:
        return refused(Refusal("registry-key-missing", {"file": str(missing)}))
    except Damaged as damage:
        return refused(damage.refusal)
    lines = [
        f"{release.catalogue[one.variable].official_name:45} "
        + (f"{one.origin.source} {one.origin.set}".rstrip() + f", {one.origin.day}" if one.known else "tidak diketahui")
        for one in found
    ]
    return answered(options, [one.to_json() for one in found], "\n".join(lines))


def _place(release: "Release", person: str, storage: keys.StorageKey) -> int | None:
    """Where the person with this identity stands in the release; None for one who does not. Raises Damaged."""
    import numpy as np

    from bagipakai.registry.matching import sources
    from bagipakai.registry.matching.identities import ID, Identities
    from bagipakai.registry.releases import IDENTITIES
    from bagipakai.registry.vault import ShelfKey

    folder = release.folder.parent.parent / IDENTITIES / release.version
    try:
        wanted = np.frombuffer(bytes.fromhex(person), ID)
    except ValueError:
        return None
    if len(wanted) != 1:
        return None
    key = ShelfKey.unwrapped(folder, f"{IDENTITIES}/{release.version}", storage)
    _, place, _ = Identities.open(folder, key, sources.source_of_release(release)).resolved(wanted)
    return int(place[0])
