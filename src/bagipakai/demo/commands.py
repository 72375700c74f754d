"""`bagipakai demo walk | serve`."""

import argparse
import json
import logging
import os
import sys
from dataclasses import asdict
from typing import Any

from bagipakai import postgres
from bagipakai.control import wording
from bagipakai.showing import interruptible, shown_steps

FEWEST, MOST = 20_000, 400_000_000  # below, the regency has hardly a poor family to list


def register(subparsers: Any) -> None:
    """Adds the demonstration's commands."""
    walk = subparsers.add_parser("walk", help="dari kesiapan sampai paket terbuka, satu permintaan tiap level")
    walk.add_argument(
        "--people",
        type=int,
        default=1_000_000,
        metavar="N",
        help="besar bangsa sintetis (baku 1.000.000, paling sedikit 20.000)",
    )
    walk.set_defaults(run=_walk)
    serve = subparsers.add_parser("serve", help="jalankan portal dan kedua pekerja")
    serve.add_argument("--port", type=int, default=8000, metavar="PORTA", help="porta portal di localhost (baku 8000)")
    serve.set_defaults(run=_serve)


def _walk(options: argparse.Namespace) -> int:
    if not FEWEST <= options.people <= MOST:  # said before anything is made
        sizes = f"{wording.number(FEWEST)} sampai {wording.number(MOST)} orang"
        print(f"Peragaan memerlukan {sizes}. Pilih besar lain, misalnya PEOPLE={FEWEST}.", file=sys.stderr)
        return 1
    _django()
    from bagipakai.control.commands import prepare
    from bagipakai.demo import handing, measuring, nation, readying, story, walks, watching
    from bagipakai.demo.processes import Stopped, bagipakai

    logging.getLogger("bagipakai").setLevel(logging.WARNING)  # the progress display tells the story
    keep = postgres.var() / "demo"
    keep.mkdir(parents=True, exist_ok=True)
    told: list[walks.Walked] = []
    try:
        prepare()
        bagipakai("registry", "keys")
        story.settle()
        release = nation.release_of(options.people)
        with interruptible("Yang sudah jadi dipakai lagi: jalankan perintah yang sama."), watching.watched():
            with shown_steps("kiriman data sumber", 1):
                handed = handing.hand_in(keep)
            for walk in walks.walks(release, options.people):
                readying.hand_in_key(keep, walk.house)
                readying.make_ready(walk.house)
                with shown_steps(walk.name, walks.STEPS) as step:
                    told.append(walks.Procession(walk, keep, step).run())
            with shown_steps("mutu pemadanan", 1):
                measured = measuring.measure(keep, release, options.people)
    except Stopped as stopped:
        print(f"Peragaan berhenti: {stopped}", file=sys.stderr)
        return 1
    summary = {"people": options.people, "release": release, "walks": [asdict(one) for one in told]}
    summary |= {"handed_in": asdict(handed), "measured": asdict(measured)}
    (keep / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    print()
    for one in told:
        print(
            f"{one.name:9}  {one.request_id}  {wording.number(one.rows):>9} baris  {len(one.columns):>2} kolom  "
            f"{wording.number(one.package_bytes):>11} byte  terbuka, sesuai, diterima  {one.seconds:>5} s"
        )
    print(
        f"Sumber {handed.source} versi {handed.version}: {wording.number(handed.received)} baris, "
        f"{wording.number(handed.accepted)} disimpan, {wording.number(handed.returned)} kembali dan terbuka"
    )
    print(
        f"Mutu pemadanan, pada daftar buatan: {wording.number(measured.right)} dari {wording.number(measured.given)} "
        f"jawaban cocok benar, {wording.number(measured.review)} dari {wording.number(measured.rows)} perlu telaah"
    )
    print(f"Ringkasan: {keep / 'summary.json'}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    _django()
    from django.conf import settings

    from bagipakai.control.commands import prepare
    from bagipakai.control.passkeys import keys
    from bagipakai.demo import serving, story

    prepare()
    story.settle()
    settings.ORIGIN = serving.address(options.port)
    if others := keys.elsewhere():
        print(_other_port(sorted(others)), file=sys.stderr)
    print(f"\nPortal: http://localhost:{options.port}/   (Ctrl-C untuk berhenti)")
    print(f"Kata sandi semua akun peragaan: {story.PASSWORD}\n")
    for house in story.HOUSES:
        print(house.name)
        for seat in house.seats:
            print(f"  {seat.email:36} {seat.title}, {seat.name}")
    print(flush=True)
    return serving.serve(options.port)


def _other_port(addresses: list[str]) -> str:
    return (
        f"Perhatian: ada kunci sandi yang dibuat di {', '.join(addresses)}. Di porta ini kunci itu tidak dapat dipakai "
        "menandatangani. Jalankan di porta itu, atau buat kunci baru di halaman “Kunci saya”."
    )


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bagipakai.settings")
    import django

    django.setup()
