"""`bagipakai control keys`: how old the house's keys are, and the drills of their custodian."""

import argparse
import os
import sys
from typing import Any

from bagipakai.core.keyfiles import TooOpen
from bagipakai.core.refusal import Refusal

SHORTEST_REASON = 20
RESTART = {"session": "Jalankan ulang portal dan pekerja: sampai itu, sesi lama masih berlaku."}


def register(subparsers: Any) -> None:
    """Adds the command. 0 done, nothing is due · 1 refused, or a key needs somebody."""
    keys = subparsers.add_parser("keys", help="daftar kunci, umurnya, dan yang jatuh tempo; mengganti; bila bocor")
    keys.set_defaults(run=_list)
    verbs = keys.add_subparsers(metavar="KERJA")
    rotate = verbs.add_parser("rotate", help="ganti kunci dengan yang baru")
    leaked = verbs.add_parser(
        "compromised", help="ganti kunci yang bocor, catat, dan sebut yang pernah ditandatanganinya"
    )
    for verb, run in ((rotate, _rotate), (leaked, _compromised)):
        verb.add_argument("name", metavar="NAMA", help="nama kunci pada daftar")
        verb.set_defaults(run=run)
    leaked.add_argument("--reason", required=True, metavar="ALASAN", help="apa yang terjadi dan siapa yang memutuskan")


def _list(_: argparse.Namespace) -> int:
    _django()
    from bagipakai.control import clock, custody

    day, needed = clock.today(), 0
    for one in custody.standings():
        said, well = _said(one, one.due(day))
        needed += not well
        print(f"{one.key.name:15} {said}")
    for file in custody.unlisted():
        needed += 1
        print(f"Tidak ada di daftar: {file}")
    return 1 if needed else 0


def _said(one: Any, due: bool) -> tuple[str, bool]:
    """One line about a key, and whether it needs nobody."""
    if one.made is None and one.key.only_if:
        return f"tidak dipakai: hanya bila {one.key.only_if}", True
    if one.made is None and one.key.at_first_use:
        return "belum ada: dibuat saat pertama dipakai", True
    if one.made is None:
        return "TIDAK ADA, atau tidak terlihat oleh pengguna ini", False
    if one.open_files:
        return f"DAPAT DIBACA ORANG LAIN: chmod 600 {' '.join(map(str, one.open_files))}", False
    if one.ends is None:
        return f"dibuat {one.made}, tidak berakhir karena waktu", True
    if due:
        return f"dibuat {one.made}, JATUH TEMPO sejak {one.ends}: {one.key.rotate}", False
    return f"dibuat {one.made}, " + ("berganti sendiri" if one.key.renews_itself else f"sampai {one.ends}"), True


def _rotate(options: argparse.Namespace) -> int:
    _django()
    from bagipakai.control import custody

    return _told(options.name, lambda: custody.rotate(options.name))


def _compromised(options: argparse.Namespace) -> int:
    reason = options.reason.strip()
    if len(reason) < SHORTEST_REASON:
        print(f"Alasan: apa yang terjadi dan siapa yang memutuskan; minimal {SHORTEST_REASON} huruf.", file=sys.stderr)
        return 1
    _django()
    from bagipakai.control import access, custody, keys

    present = keys.every("seal")[:1] if options.name == "seal" else []
    touched = [one for seal in present for one in access.sealed_with(seal)]
    names = [manifest.package for manifest, _ in touched]
    done = _told(options.name, lambda: custody.compromised(options.name, reason, names))
    for manifest, sha256 in touched if done == 0 else []:
        held = access.manifest_in(manifest.package, sha256) is not None
        stands = "di jejak sebelum laporan ini" if held else "TIDAK di jejak sebelum laporan ini: tidak keluar"
        print(f"{manifest.package}  {manifest.request}  {manifest.plan.recipient.name}  {stands}")
    return done


def _told(name: str, drill: Any) -> int:
    from bagipakai.control import keys

    try:
        outcome = drill()
    except TooOpen as error:
        outcome = f"Kunci {error} dapat dibaca orang lain. Jalankan: chmod 600 {error}"
    except keys.KeyMissing as missing:
        outcome = f"Kunci {missing} belum ada atau bukan kunci."
    except OSError as error:
        outcome = f"Berkas kunci tidak dapat dibaca atau ditulis oleh pengguna ini: {error.filename or error}"
    if isinstance(outcome, Refusal):
        outcome = f"{outcome.sentence()} [{outcome.code}]"
    if isinstance(outcome, str):
        print(outcome, file=sys.stderr)
        return 1
    print(
        f"Kunci {name} diganti"
        + (f": {outcome.old} → {outcome.new}" if outcome.new else "")
        + ", dan dicatat di jejak."
    )
    if name in RESTART:
        print(RESTART[name])
    return 0


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bagipakai.settings")
    import django

    django.setup()
