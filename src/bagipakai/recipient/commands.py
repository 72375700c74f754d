"""`bagipakai recipient keygen | public | verify | open | returned | unmatched`."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from bagipakai.core.envelope import PublicKey
from bagipakai.core.manifest import MANIFEST_NAME, Kind, Manifest, read_aloud
from bagipakai.core.witnesses import Policy
from bagipakai.recipient import words
from bagipakai.recipient.keys import Identity, PublicHalf, beside, keygen, read_policy, read_seal
from bagipakai.recipient.opening import Opened, opened
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.returned import came_back
from bagipakai.recipient.unmatched import unmatched
from bagipakai.recipient.verify import verified

CONTENT = {
    Kind.DATA: "data, {rows} baris",
    Kind.DICTIONARY: "arti setiap kolom",
    Kind.METADATA: "rilis, standar, kode, mutu",
    Kind.STRUCTURE: "struktur data SDMX",
    Kind.REPORT: "laporan risiko",
}


def register(subparsers: Any) -> None:
    """Adds the recipient's commands. 0 done · 1 refused · 130 interrupted."""
    make = subparsers.add_parser("keygen", help="buat kunci penerima: rahasia untuk disimpan, publik untuk didaftarkan")
    make.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="berkas kunci rahasia yang akan dibuat")
    make.add_argument("--institution", default="", metavar="NAMA", help="nama lembaga, sebagai catatan di berkas")
    make.set_defaults(run=_keygen)
    show = subparsers.add_parser("public", help="tunjukkan lagi baris yang didaftarkan, dari kunci yang sudah ada")
    show.add_argument("--key", type=Path, required=True, metavar="BERKAS", help="kunci rahasia lembaga")
    show.set_defaults(run=_public)
    check = subparsers.add_parser("verify", help="periksa segel dan berkas paket tanpa membukanya")
    reveal = subparsers.add_parser("open", help="periksa lalu buka paket")
    for one in (check, reveal):
        one.add_argument("package", type=Path, metavar="PAKET", help="map paket hasil unduhan")
        one.add_argument("--seal", type=Path, required=True, metavar="BERKAS", help="kunci segel Pengendali DTSEN")
        trail = one.add_mutually_exclusive_group(required=True)
        trail.add_argument("--policy", type=Path, metavar="BERKAS", help="kebijakan saksi; bukti jejak wajib sah")
        trail.add_argument(
            "--tanpa-jejak",
            action="store_true",
            help="jangan periksa bukti jejak: paket yang tidak pernah dicatat lalu lolos juga; hasil dan tanda terima "
            "menyebutnya",
        )
        one.add_argument("--key", type=Path, required=one is reveal, metavar="BERKAS", help="kunci rahasia lembaga")
    reveal.add_argument("--out", type=Path, required=True, metavar="MAP", help="map hasil, baru atau kosong")
    reveal.add_argument("--receipt", type=Path, metavar="BERKAS", help="tanda terima bertanda tangan yang akan dibuat")
    check.set_defaults(run=_verify)
    reveal.set_defaults(run=_open)
    back = subparsers.add_parser("returned", help="buka baris kiriman yang dikembalikan kepada pengirimnya")
    back.add_argument("package", type=Path, metavar="MAP", help="map berisi tanda masuk dan bagian-bagiannya")
    back.add_argument("--registry", type=Path, required=True, metavar="BERKAS", help="kunci tanda masuk gudang data")
    back.add_argument("--key", type=Path, required=True, metavar="BERKAS", help="kunci rahasia lembaga")
    back.add_argument("--out", type=Path, required=True, metavar="MAP", help="map hasil, baru atau kosong")
    back.set_defaults(run=_returned)
    rest = subparsers.add_parser(
        "unmatched",
        help="dari hasil pemadanan: tulis baris daftar Anda yang tidak cocok, untuk diusulkan atau diperbaiki",
        description="Semuanya di komputer ini; tidak ada yang dikirim.",
    )
    rest.add_argument("folder", type=Path, metavar="MAP", help="map tempat paket pemadanan dibuka")
    rest.add_argument(
        "--list", type=Path, required=True, metavar="BERKAS", help="daftar yang dipadankan: XLSX atau CSV"
    )
    rest.add_argument(
        "--out", type=Path, required=True, metavar="BERKAS", help="berkas baru: XLSX bila .xlsx, CSV bila .csv"
    )
    rest.set_defaults(run=_unmatched)
    for one in (make, show, check, reveal, back, rest):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")


def _keygen(options: argparse.Namespace) -> int:
    made = keygen(options.out, options.institution)
    if isinstance(made, Refusal):
        return _refused(made, options)
    if not options.json:
        print(f"Kunci rahasia: {options.out}")
        print("  Simpan di komputer lembaga; jangan kirim kepada siapa pun. Tanpa berkas ini paket tidak dapat dibuka.")
    return _shown(made, options, f" Salinannya ada di {beside(options.out)}.")


def _public(options: argparse.Namespace) -> int:
    identity = Identity.read(options.key)
    if isinstance(identity, Refusal):
        return _refused(identity, options)
    return _shown(identity.public, options)


def _shown(half: PublicHalf, options: argparse.Namespace, copy: str = "") -> int:
    if options.json:
        told = {"recipient": half.recipient, "receipt_key": half.receipt_key, "line": half.line}
        print(json.dumps(told | {"fingerprint": half.fingerprint}))
        return 0
    print(f"Kunci publik : {half.line}")
    print(f"  Pimpinan menyatakan seluruh baris itu di halaman Kunci penerima.{copy}")
    print(f"Sidik kunci  : {read_aloud(half.fingerprint)}")
    print("  Cocokkan dengan Pengendali DTSEN lewat telepon.")
    return 0


def _verify(options: argparse.Namespace) -> int:
    keys = _keys(options)
    if isinstance(keys, Refusal):
        return _refused(keys, options)
    with _interruptible(), _progress(options, "memeriksa") as told:
        outcome = verified(options.package, keys[0], keys[1], day=words.today(), told=told, policy=keys[2])
    if isinstance(outcome, Refusal):
        return _refused(outcome, options)
    return _told(outcome, options, opened=None)


def _open(options: argparse.Namespace) -> int:
    keys = _keys(options)
    if isinstance(keys, Refusal):
        return _refused(keys, options)
    seal, identity, policy = keys
    assert identity is not None  # noqa: S101 - the parser requires --key here
    folder, day, receipt = options.out.absolute(), words.today(), options.receipt
    with _interruptible(), _progress(options, "membuka") as told:
        outcome = opened(options.package, seal, identity, folder, day=day, told=told, policy=policy, receipt=receipt)
    if isinstance(outcome, Refusal):
        return _refused(outcome, options)
    return _told(outcome.manifest, options, outcome)


def _returned(options: argparse.Namespace) -> int:
    registry, identity = read_seal(options.registry), Identity.read(options.key)
    if isinstance(registry, Refusal):
        return _refused(Refusal("registry-key-unreadable", registry.blanks), options)
    if isinstance(identity, Refusal):
        return _refused(identity, options)
    with _interruptible(), _progress(options, "membuka") as told:
        outcome = came_back(options.package, registry, identity, options.out.absolute(), told)
    if isinstance(outcome, Refusal):
        return _refused(outcome, options)
    receipt = outcome.receipt
    if options.json:
        told_of = {"source": receipt.source, "version": receipt.version, "returned": receipt.returned}
        print(json.dumps({**told_of, "opened": True, "folder": str(outcome.folder), "files": list(outcome.files)}))
        return 0
    print(f"Baris yang kembali dari {receipt.source} versi {receipt.version}: {words.number(receipt.returned)}.")
    print(f"Dibuka di map {outcome.folder}:")
    for name in outcome.files:
        print(f"  {name}")
    return 0


def _unmatched(options: argparse.Namespace) -> int:
    outcome = unmatched(options.folder, options.list, options.out)
    if isinstance(outcome, Refusal):
        return _refused(outcome, options)
    if options.json:
        print(json.dumps({"rows": outcome.rows, "unmatched": outcome.found, "file": str(outcome.file)}))
        return 0
    print(f"{words.number(outcome.found)} dari {words.number(outcome.rows)} baris tidak cocok: {outcome.file}")
    print("  Tidak cocok belum berarti tidak berhak: telaah dulu, lalu perbaiki datanya atau usulkan orangnya.")
    return 0


def _keys(options: argparse.Namespace) -> tuple[PublicKey, Identity | None, Policy | None] | Refusal:
    seal = read_seal(options.seal)
    identity = None if options.key is None else Identity.read(options.key)
    policy = None if options.policy is None else read_policy(options.policy)
    for one in (seal, identity, policy):
        if isinstance(one, Refusal):
            return one
    return cast(tuple[PublicKey, Identity | None, Policy | None], (seal, identity, policy))


def _told(manifest: Manifest, options: argparse.Namespace, opened: Opened | None) -> int:
    columns = [column.name for column in manifest.columns]
    if options.json:
        report = {
            "package": manifest.package,
            "verified": True,
            "witnessed": options.policy is not None,
            "opened": opened is not None,
            "rows": manifest.rows,
            "columns": columns,
            "hidden_cells": manifest.hidden_cells,
            "withheld": manifest.holds.get("withheld"),
            "marked": dict(manifest.marks.columns) if manifest.marks else {},
            "randomised": dict(manifest.randomised.keep) if manifest.randomised else {},
            "exempted": {one.rule: one.reason for one in manifest.plan.protections.exempted},
            "level": manifest.plan.level.value,
            "release": manifest.release,
            "plan_digest": manifest.plan.digest,
            "request": manifest.request,
            "expires_on": manifest.expires_on.isoformat(),
        }
        if opened is not None:
            report |= {"folder": str(opened.folder), "files": list(opened.files)}
            report["receipt"] = None if options.receipt is None else str(options.receipt)
        print(json.dumps(report, ensure_ascii=False))
        return 0
    print("\n".join(_paragraph(manifest, options, opened)))
    return 0


def _paragraph(manifest: Manifest, options: argparse.Namespace, opened: Opened | None) -> Iterator[str]:
    plan = manifest.plan
    whom = "segel, penerima," if options.key is not None else "segel"
    yield f"Paket {manifest.package} sesuai: {whom} dan {len(manifest.parts)} berkas cocok dengan manifes."
    if options.policy is None:
        yield "  Bukti jejak tidak diperiksa, sesuai --tanpa-jejak: tidak pasti bahwa paket ini pernah dicatat."
    else:
        yield "  Tercatat di jejak yang disaksikan, menurut kebijakan saksi."
    if options.key is None:
        yield "  Kunci penerima tidak diperiksa, karena tidak disebut dengan --key."
    yield f"  Untuk       : {plan.recipient.name}"
    yield f"  Permintaan  : {manifest.request}"
    yield f"  Program     : {plan.programme}"
    yield f"  Versi rilis : {manifest.release} (standar data {manifest.standard})"
    yield f"  Isi         : {words.number(manifest.rows)} baris, {len(manifest.columns)} kolom"
    if plan.matching is not None:
        yield f"  Padanan dari: daftar {plan.matching.roster}, {words.number(plan.matching.rows)} baris"
    if manifest.hidden_cells:
        yield f"  Ditutup     : {words.number(manifest.hidden_cells)} cacah, untuk melindungi kelompok kecil"
    for exempted in plan.protections.exempted:
        yield f"  Dikecualikan: {words.row_rule(exempted.rule)}, karena: {exempted.reason}"
    if withheld := manifest.holds.get("withheld"):
        yield f"  Ditahan     : {withheld} baris, karena hak atau pelindungan orangnya"
    if manifest.marks:
        intervals = ", ".join(f"{name} (dalam selang {width})" for name, width in manifest.marks.columns.items())
        yield f"  Ditandai    : {intervals}, agar asal salinan dapat dilacak; lihat kamus.csv"
    if manifest.randomised:
        kept = ", ".join(f"{name} (tetap: {keep} persen)" for name, keep in manifest.randomised.keep.items())
        yield f"  Ditarik acak: {kept}; cara mengoreksi cacahnya ada di kamus.csv"
    yield f"  Akses sampai: {words.day(manifest.expires_on)}"
    yield f"  Musnahkan   : paling lambat {words.day(manifest.destroy_by)}"
    yield f"  Bagi lanjut : {'boleh, dengan syarat perjanjian' if plan.onward_sharing else 'tidak boleh'}"
    if opened is not None:
        yield f"Dibuka di map {opened.folder}:"
        for part in manifest.parts:
            yield f"  {part.content_name:21} {CONTENT[part.kind].format(rows=words.number(part.rows))}"
        yield f"  {MANIFEST_NAME:21} bukti bersegel: rencana yang disetujui, proses, dan sidik tiap berkas"
        if options.receipt is not None:
            yield f"Tanda terima: {options.receipt}"
            if options.policy is None:
                yield "  Di situ jejak tidak termasuk yang diperiksa."
            yield "  Unggah di halaman unduhan paket ini. Isinya tidak memuat data siapa pun."


def _refused(no: Refusal, options: argparse.Namespace) -> int:
    if options.json:
        print(
            json.dumps(
                {
                    "verified": False,
                    "opened": False,
                    "code": no.code,
                    "sentence": no.sentence,
                    "detail": no.blanks.get("detail", ""),
                },
                ensure_ascii=False,
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
