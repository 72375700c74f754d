"""`bagipakai recipient keygen | verify | open`."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bagipakai.core.envelope import PublicKey
from bagipakai.core.manifest import Manifest, read_aloud
from bagipakai.recipient.keys import Identity, keygen, read_seal
from bagipakai.recipient.opening import Opened, opened
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.verify import today, verified


def register(subparsers: Any) -> None:
    """Adds the recipient's commands. 0 done · 1 refused · 130 interrupted."""
    make = subparsers.add_parser("keygen", help="buat kunci penerima")
    make.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="berkas kunci rahasia yang akan dibuat")
    make.add_argument("--institution", default="", metavar="NAMA", help="nama lembaga, sebagai catatan di berkas")
    make.set_defaults(run=_keygen)
    check = subparsers.add_parser("verify", help="periksa paket tanpa membukanya")
    reveal = subparsers.add_parser("open", help="periksa lalu buka paket")
    for one in (check, reveal):
        one.add_argument("package", type=Path, metavar="PAKET", help="folder paket")
        one.add_argument("--seal", type=Path, required=True, metavar="BERKAS", help="kunci publik segel Pengendali")
        one.add_argument("--key", type=Path, required=one is reveal, metavar="BERKAS", help="kunci rahasia penerima")
    reveal.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder hasil, baru atau kosong")
    check.set_defaults(run=_verify)
    reveal.set_defaults(run=_open)
    for one in (make, check, reveal):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")


def _keygen(options: argparse.Namespace) -> int:
    made = keygen(options.out, options.institution)
    if isinstance(made, Refusal):
        return _refused(made, options)
    if options.json:
        print(json.dumps({"recipient": made.recipient, "fingerprint": made.fingerprint, "public": str(made.file)}))
        return 0
    print(f"Kunci rahasia : {options.out} (simpan sendiri, jangan dikirim)")
    print(f"Kunci publik  : {made.file} (serahkan kepada Pengendali)")
    print(f"Penerima      : {made.recipient}")
    print(f"Sidik jari    : {read_aloud(made.fingerprint)} (cocokkan lewat telepon)")
    return 0


def _verify(options: argparse.Namespace) -> int:
    keys = _keys(options)
    if isinstance(keys, Refusal):
        return _refused(keys, options)
    with _interruptible(), _progress(options, "memeriksa") as told:
        outcome = verified(options.package, keys[0], keys[1], day=today(), told=told)
    if isinstance(outcome, Refusal):
        return _refused(outcome, options)
    return _told(outcome, options, opened=None)


def _open(options: argparse.Namespace) -> int:
    keys = _keys(options)
    if isinstance(keys, Refusal):
        return _refused(keys, options)
    seal, identity = keys
    assert identity is not None  # noqa: S101 - the parser requires --key here
    folder = options.out.absolute()
    with _interruptible(), _progress(options, "membuka") as told:
        outcome = opened(options.package, seal, identity, folder, day=today(), told=told)
    if isinstance(outcome, Refusal):
        return _refused(outcome, options)
    return _told(outcome.manifest, options, outcome)


def _keys(options: argparse.Namespace) -> tuple[PublicKey, Identity | None] | Refusal:
    seal = read_seal(options.seal)
    if isinstance(seal, Refusal):
        return seal
    identity = None if options.key is None else Identity.read(options.key)
    return identity if isinstance(identity, Refusal) else (seal, identity)


def _told(manifest: Manifest, options: argparse.Namespace, opened: Opened | None) -> int:
    columns = [column.name for column in manifest.columns]
    if options.json:
        report = {
            "package": manifest.package,
            "verified": True,
            "opened": opened is not None,
            "rows": manifest.rows,
            "columns": columns,
            "hidden_cells": manifest.hidden_cells,
            "level": manifest.plan.level.value,
            "release": manifest.release,
            "plan_digest": manifest.plan.digest,
            "request": manifest.request,
            "expires_on": manifest.expires_on.isoformat(),
        }
        if opened is not None:
            report |= {"folder": str(opened.folder), "files": list(opened.files)}
        print(json.dumps(report, ensure_ascii=False))
        return 0
    print(f"Paket {manifest.package}: segel, penerima, dan {len(manifest.parts)} berkas sesuai manifes.")
    print(f"  Untuk      : {manifest.plan.recipient.name}")
    print(f"  Program    : {manifest.plan.programme}")
    print(f"  Rilis      : {manifest.release} ({manifest.standard})")
    print(f"  Isi        : {manifest.rows} baris, {len(columns)} kolom")
    print(
        f"  Berlaku s.d.: {manifest.expires_on.isoformat()}; musnahkan paling lambat {manifest.destroy_by.isoformat()}"
    )
    if not manifest.plan.onward_sharing:
        print("  Tidak boleh dibagikan kepada pihak lain.")
    if opened is not None:
        print(f"Dibuka di {opened.folder}")
    return 0


def _refused(no: Refusal, options: argparse.Namespace) -> int:
    if options.json:
        print(
            json.dumps(
                {"verified": False, "opened": False, "code": no.code, "sentence": no.sentence}, ensure_ascii=False
            )
        )
    print(f"{no.sentence} [{no.code}]", file=sys.stderr)
    return 130 if no.code == "interrupted" else 1


@contextmanager
def _interruptible() -> Iterator[None]:
    """A polite end (SIGTERM) is treated like Ctrl-C, so that both leave nothing behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(options: argparse.Namespace, what: str) -> Iterator[Any]:
    quiet = None if not options.json else True
    with tqdm(desc=what, unit="B", unit_scale=True, unit_divisor=1024, leave=False, disable=quiet) as bar:
        yield bar.update
