"""`bagipakai registry intake | kept | sources`: take what a ministry sends, or return it; look after what is kept."""

import argparse
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.policy import NoRule
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Agreed, Contract, Sources
from bagipakai.core.variables import Type
from bagipakai.showing import interruptible, number, refused, shown

KINDS = {Type.TEXT: "teks", Type.INTEGER: "bilangan", Type.BOOLEAN: "ya/tidak", Type.DATE: "tanggal"}
EXITS = "Kode akhir: 0 semua baris diterima · 1 seluruh kiriman dikembalikan · 2 sebagian baris dikembalikan."


def register(subparsers: Any) -> None:
    """Adds the commands of intake."""
    take = subparsers.add_parser(
        "intake",
        help="terima kiriman sumber data; baris yang salah dikembalikan",
        description=f"Periksa kiriman satu sumber terhadap kontraknya (policies/sources.toml). {EXITS}",
    )
    take.add_argument("files", type=Path, nargs="+", metavar="BERKAS", help="CSV, XLSX, Parquet, atau JSON Lines")
    take.add_argument(
        "--source", required=True, metavar="S", help="sumber, misalnya dukcapil (lihat: registry sources)"
    )
    take.add_argument("--out", type=Path, required=True, metavar="MAP", help="map hasil, baru atau kosong")
    take.add_argument(
        "--day",
        type=date.fromisoformat,
        metavar="TTTT-BB-HH",
        help="hari penerimaan, yang menentukan kontraknya (baku: hari ini)",
    )
    take.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")
    take.set_defaults(run=_take)
    kept = subparsers.add_parser(
        "kept", help="kiriman yang baris diterimanya disimpan: periksa segel, kunci, dan setiap berkasnya"
    )
    kept.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")
    kept.set_defaults(run=_kept)
    tell = subparsers.add_parser("sources", help="sumber data yang berkontrak, dan kolomnya")
    tell.add_argument("source", nargs="?", metavar="S", help="satu sumber: kolom demi kolom")
    tell.add_argument("--day", type=date.fromisoformat, metavar="TTTT-BB-HH", help="kontrak pada hari itu")
    tell.set_defaults(run=_sources)


def _take(options: argparse.Namespace) -> int:
    from bagipakai.registry.intake import SentBack, take

    day = options.day or day_of(datetime.now(UTC))
    sources = _on(day)
    if sources is None:
        return 1
    contract = sources.asked(options.source)
    if isinstance(contract, Refusal):
        return refused(contract)
    size = 2 * sum(path.stat().st_size for path in options.files if path.is_file())
    kept = "Tidak ada yang diterima dan tidak ada yang tertinggal: ulangi perintah yang sama dari awal."
    with interruptible(kept), shown("memeriksa", "B", size) as more:
        outcome = take(options.files, contract, options.out, day=day, told=more)
    if isinstance(outcome, SentBack):
        if options.json:
            print(json.dumps({**outcome.found.to_json(), "refusal": outcome.code}, ensure_ascii=False))
        status = refused(outcome)
        print(f"Daftar baris yang salah: {outcome.found.folder / 'returned'}", file=sys.stderr)
        print(f"Laporan: {outcome.found.folder / 'report.json'}", file=sys.stderr)
        return status
    if isinstance(outcome, Refusal):
        return refused(outcome)
    if options.json:
        print(json.dumps(outcome.to_json(), ensure_ascii=False))
    else:
        for line in _told(outcome, contract, day):
            print(line)
    return 2 if outcome.returned else 0


def _told(taken: Any, contract: Contract, day: date) -> list[str]:
    """One screen: how many rows, where, and the three most frequent faults in words."""
    from bagipakai.registry.intake.faults import told

    lines = [
        f"{contract.title}, kontrak {contract.version}: {number(taken.received)} baris diperiksa.",
        f"{number(taken.accepted)} baris diterima, di {taken.folder / 'accepted'}",
    ]
    if taken.returned:
        lines.append(f"{number(taken.returned)} baris dikembalikan, di {taken.folder / 'returned'}")
        lines.append("Yang tersering:")
        lines += [
            f"  {number(fault.count)} × {told(fault.code, contract, fault.column, day).sentence()}"
            for fault in taken.faults[:3]
        ]
    return [*lines, f"Laporan: {taken.folder / 'report.json'}"]


def _kept(options: argparse.Namespace) -> int:
    from bagipakai.registry import keys
    from bagipakai.registry.kept import Kept, KeptPart, all_kept
    from bagipakai.registry.receiving import Stores
    from bagipakai.registry.vault import Damaged

    var = postgres.var()
    try:
        trusted, storage = keys.receipt_signer(var / "keys").public, keys.storage(var / "keys")
    except keys.KeyMissing as missing:
        return refused(Refusal("registry-key-missing", {"file": str(missing)}))
    told: list[dict[str, Any]] = []
    for folder in all_kept(Stores.under(var).kept):
        found: list[KeptPart | Damaged]
        try:
            found = list(Kept.open(folder, trusted).checked(storage))
        except Damaged as damage:
            found = [damage]
        damages = [one for one in found if isinstance(one, Damaged)]
        for one in damages:
            refused(one.refusal)
        if damages:
            refused(Refusal("kept-rows-damaged", {"source": folder.parent.name, "version": folder.name}))
        rows = sum(one.rows for one in found if isinstance(one, KeptPart))
        told.append({"source": folder.parent.name, "version": int(folder.name), "rows": rows, "whole": not damages})
    if options.json:
        print(json.dumps(told))
    else:
        lines = [
            f"{one['source']} {one['version']}: " + (f"{number(one['rows'])} baris" if one["whole"] else "rusak")
            for one in told
        ]
        print("\n".join(lines) or "Belum ada kiriman yang disimpan.")
    return 0 if all(one["whole"] for one in told) else 1


def _sources(options: argparse.Namespace) -> int:
    day = options.day or day_of(datetime.now(UTC))
    sources = _on(day)
    if sources is None:
        return 1
    if options.source is None:
        for contract in sources.values():
            print(f"{contract.source:10} {contract.title} ({contract.provider}), {len(contract.columns)} kolom")
        return 0
    asked = sources.asked(options.source)
    if isinstance(asked, Refusal):
        return refused(asked)
    for column in asked.columns:
        needed = "wajib" if column.required else ""
        print(f"{column.name:26} {KINDS[column.type]:8} {needed:6} {_form(column)}".rstrip())
    return 0


def _on(day: date) -> Sources | None:
    """The contracts of that day; None, with a sentence on stderr, where the policies do not reach so far back."""
    try:
        return Sources.on(day)
    except NoRule:
        print(f"Belum ada kontrak sumber data yang berlaku pada {day}. Pilih hari lain.", file=sys.stderr)
        return None


def _form(column: Agreed) -> str:
    if column.pattern is None:
        return ", ".join(column.codes or ())
    return f"{column.lengths} angka" if column.is_number else f"{column.lengths} huruf dan angka"
