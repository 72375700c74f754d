"""`bagipakai registry worker` and `bagipakai registry keys`."""

import argparse
import logging
import signal
import sys
from typing import Any

import psycopg

from bagipakai import postgres
from bagipakai.registry import keys


def register(subparsers: Any) -> None:
    """Adds the worker's commands."""
    work = subparsers.add_parser("worker", help="kerjakan perintah dari kantor dan jawab dengan tanda terima")
    work.add_argument("--once", action="store_true", help="selesaikan yang ada, lalu berhenti")
    work.set_defaults(run=_worker)
    make = subparsers.add_parser("keys", help="buat kunci gudang data yang belum ada")
    make.set_defaults(run=_keys)


def _worker(options: argparse.Namespace) -> int:
    from bagipakai.registry import worker

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return worker.run(postgres.url(postgres.REGISTRY), postgres.var(), once=options.once)
    except KeyboardInterrupt:
        return 0
    except psycopg.OperationalError:
        print("Basis data tidak menjawab; periksa REGISTRY_DATABASE_URL, lalu ulangi.", file=sys.stderr)
    except psycopg.errors.UndefinedTable:
        print("Kotak pertukaran belum ada; jalankan dulu penyiapan kantor: bagipakai control migrate.", file=sys.stderr)
    except keys.KeyMissing as missing:
        print(f"Kunci {missing} belum ada; siapkan kantor dulu, lalu ulangi.", file=sys.stderr)
    return 1


def _keys(_: argparse.Namespace) -> int:
    folder = postgres.var() / "keys"
    keys.establish(folder)
    for name in ("receipt", "seal"):
        file = folder / "public" / f"{name}.pub.pem"
        print(f"{name:8} {file}")
    return 0
