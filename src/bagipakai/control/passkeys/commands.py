"""`bagipakai control decision`: a signed decision as a file that anybody can check with the stand-alone verifier."""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from bagipakai.core.notes import BadNote
from bagipakai.core.tiles import BadTile

STEP = re.compile(r"([A-Za-z0-9/-]{1,60})(?:#([1-9][0-9]{0,8}))?")


def register(subparsers: Any) -> None:
    """Adds the command. 0 done · 1 there is no such decision, or it cannot be proven yet; a sentence on stderr."""
    decision = subparsers.add_parser(
        "decision", help="salin satu keputusan bertanda tangan, untuk diperiksa siapa saja"
    )
    decision.add_argument("--about", required=True, metavar="LANGKAH", help="misalnya PMT-2026-000012#7")
    decision.add_argument("--out", type=Path, required=True, metavar="BERKAS.json")
    decision.set_defaults(run=_decision)


def _decision(options: argparse.Namespace) -> int:
    _django()
    from bagipakai.control.models import SignedDecision
    from bagipakai.control.passkeys import evidence
    from bagipakai.control.trail import house

    step = STEP.fullmatch(options.about)
    try:
        record = evidence.decision_file(step[1], int(step[2] or 0), house.store()) if step else None
        if record is not None:
            options.out.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
            print(f"Keputusan: {options.out} · periksa dengan: bagipakai verify decision --policy … {options.out}")
            return 0
        said = (
            "Keputusan atau kuncinya belum di bawah titik periksa yang disaksikan." if step else "Bukan nama langkah."
        )
    except SignedDecision.DoesNotExist:
        signed = ", ".join(f"{step[1]}#{n}" for n in evidence.signed_steps(step[1])) if step else ""
        said = (
            f"Tidak ada keputusan bertanda tangan pada langkah {options.about}. Yang ada: {signed or 'tidak satu pun'}."
        )
    except (BadNote, BadTile):
        said = "Jejak tidak terbaca."
    except OSError as error:
        said = f"Tidak dapat dibaca atau ditulis: {error.filename or error}"
    print(said, file=sys.stderr)
    return 1


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bagipakai.settings")
    import django

    django.setup()
