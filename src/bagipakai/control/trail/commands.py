"""`bagipakai control sequencer` and `bagipakai control trail …`: keeping the trail, and what an auditor needs of it."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import psycopg

from bagipakai import postgres
from bagipakai.core.keyfiles import TooOpen
from bagipakai.core.notes import BadNote
from bagipakai.core.tiles import BadTile
from bagipakai.core.witnesses import BadPolicy, NotBelieved

SHORTEST_REASON = 20


def register(subparsers: Any) -> None:
    """Adds the trail's commands. 0 done · 1 refused, with a sentence on stderr."""
    sequencer = subparsers.add_parser("sequencer", help="jalankan pencatat jejak: nomori, tandatangani, minta saksi")
    sequencer.add_argument("--once", action="store_true", help="kerjakan yang ada, lalu berhenti")
    sequencer.set_defaults(run=_told(_sequencer))
    trail = subparsers.add_parser("trail", help="jejak: salinan, bukti, kebijakan saksi; mengangkat henti")
    verbs = trail.add_subparsers(required=True, metavar="KERJA")
    export = verbs.add_parser("export", help="salin jejak untuk pemeriksa")
    export.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder baru atau kosong")
    export.add_argument(
        "--show",
        action="append",
        default=[],
        metavar="OBJEK",
        help="sertakan isi catatan tentang objek ini, misalnya PMT-2026-000012; `semua` untuk semuanya",
    )
    export.set_defaults(run=_told(_export))
    proof = verbs.add_parser("proof", help="bukti bahwa satu catatan ada di jejak yang disaksikan")
    proof.add_argument("--about", required=True, metavar="OBJEK", help="misalnya PMT-2026-000012#7")
    proof.add_argument("--event", metavar="KEJADIAN", help="bila ada beberapa kejadian atas objek itu")
    proof.add_argument("--out", type=Path, required=True, metavar="BERKAS.tlog-proof")
    proof.set_defaults(run=_told(_proof))
    lift = verbs.add_parser("lift", help="angkat henti, setelah basis data dan jejak cocok lagi (hanya pemilik)")
    lift.add_argument("--reason", required=True, metavar="ALASAN", help="apa yang terjadi dan siapa yang memutuskan")
    lift.set_defaults(run=_told(_lift))
    replay = verbs.add_parser("replay", help="pasang kembali catatan yang hilang setelah pemulihan (hanya pemilik)")
    replay.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help="salinan jejak (bawaan: jejak di sini)"
    )
    replay.set_defaults(run=_told(_replay))
    policy = verbs.add_parser("policy", help="cetak kebijakan saksi yang dipakai")
    policy.set_defaults(run=_told(_policy))


def _sequencer(options: argparse.Namespace) -> str | int:
    from bagipakai.control.trail import running
    from bagipakai.control.trail.sequencer import SecondSequencer

    try:
        ended = running.run(postgres.url(postgres.SEQUENCER), once=options.once)
    except SecondSequencer:
        return "Pencatat jejak lain sedang berjalan; hanya boleh satu."
    if ended == running.STOPPED:
        return "Jejak tidak cocok dengan yang pernah ditandatangani atau disaksikan. Kantor dihentikan."
    return "Jejak belum dapat ditulis; catatan menunggu di basis data." if ended else 0


def _export(options: argparse.Namespace) -> str | int:
    _django()
    from bagipakai.control.trail import exporting, house

    try:
        size, shown = exporting.export(house.store(), house.policy_file().read_bytes(), options.out, *options.show)
    except FileExistsError:
        return f"Folder {options.out} tidak kosong."
    print(f"{size} catatan disalin ke {options.out}, {shown} dengan isinya.")
    return 0


def _proof(options: argparse.Namespace) -> str | int:
    _django()
    from bagipakai.control.trail import house, proofs

    body = proofs.take(house.store(), house.policy(), options.about, options.event, options.out)
    if body is None:
        return f"Belum ada catatan tentang {options.about} di bawah titik periksa yang disaksikan."
    print(f"Bukti: {options.out} · catatannya: {body}")
    return 0


def _lift(options: argparse.Namespace) -> str | int:
    reason = options.reason.strip()
    if len(reason) < SHORTEST_REASON:
        return f"Alasan: apa yang terjadi, apa yang dilakukan, siapa yang memutuskan; minimal {SHORTEST_REASON} huruf."
    if not postgres.owner_is_known():
        return "Hanya pemilik basis data yang dapat mengangkat henti."
    _django()
    from bagipakai.control.trail import gates, house, leaves, stops

    with psycopg.connect(postgres.url(postgres.OWNER)) as owner:
        if other := gates.in_the_way_of_writing(owner, house.store(), house.policy(), house.public_key().name):
            return f"Basis data masih tidak cocok dengan {getattr(other, 'by', other)}. Pulihkan dahulu."
        lifted = stops.lift(owner, reason)
        for number, said_by in lifted:
            leaves.write("trail.LIFT", f"henti/{number}", {"said_by": said_by, "reason": reason}, through=owner)
    print(f"{len(lifted)} henti diangkat." if lifted else "Tidak ada henti.")
    return 0


def _replay(options: argparse.Namespace) -> str | int:
    if not postgres.owner_is_known():
        return "Hanya pemilik basis data yang dapat memasang kembali catatan."
    _django()
    from bagipakai.control.trail import house, replaying
    from bagipakai.control.trail.sequencer import SecondSequencer
    from bagipakai.control.trail.store import Store

    store = Store(options.folder) if options.folder else house.store()
    try:
        with psycopg.connect(postgres.url(postgres.OWNER), autocommit=True) as owner:
            had, has = replaying.replay(owner, store, house.policy())
    except SecondSequencer:
        return "Pencatat jejak sedang berjalan; hentikan dahulu."
    except replaying.NoContinuation:
        return "Jejak itu bukan kelanjutan dari isi basis data, atau bukan yang ditandatangani."
    print(f"{has - had} catatan dipasang kembali, tanpa isinya." if has > had else "Tidak ada yang kurang.")
    return 0


def _policy(_: argparse.Namespace) -> str | int:
    from bagipakai.control.trail import house

    house.policy()
    print(house.policy_file().read_text(), end="")
    return 0


def _told(command: Any) -> Any:
    """The command, with a sentence for what can go wrong in any of them."""

    def run(options: argparse.Namespace) -> int:
        from bagipakai.control.trail import house

        try:
            said = command(options)
        except BadPolicy as error:
            said = f"Kebijakan saksi tidak terbaca ({error}): {house.policy_file()}"
        except TooOpen as error:
            said = f"Kunci {error} dapat dibaca orang lain. Jalankan: chmod 600 {error}"
        except FileNotFoundError as error:
            said = f"Belum ada {error.filename or error}. Siapkan dahulu: bagipakai control setup, kebijakan saksi."
        except NotBelieved as error:
            said = f"Titik periksa tidak memenuhi kebijakan saksi ({error})."
        except BadNote:
            said = "Kunci atau titik periksa jejak tidak terbaca."
        except BadTile as error:
            said = f"Berkas jejak hilang atau rusak: {error}"
        except psycopg.OperationalError:
            said = "Basis data tidak terjangkau."
        except OSError as error:
            said = f"Tidak dapat dibaca atau ditulis: {error.filename or error}"
        if isinstance(said, str):
            print(said, file=sys.stderr)
            return 1
        return int(said)

    return run


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bagipakai.settings")
    import django

    django.setup()
