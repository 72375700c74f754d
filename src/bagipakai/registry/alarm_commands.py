"""`bagipakai registry alarms`: what the controller is to look at."""

import argparse
from typing import Any

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.registry import keys
from bagipakai.showing import answered, number, refused


def register(subparsers: Any) -> None:
    """Adds the command."""
    alarms = subparsers.add_parser(
        "alarms",
        help="tampilkan tanda bahwa seseorang menebak orang lewat pemadanan",
        description="Tidak ada isi data orang di dalamnya; pengirim daftar tidak diberi tahu.",
    )
    alarms.add_argument("--json", action="store_true", help="untuk program, di keluaran baku")
    alarms.set_defaults(run=_alarms)


def _alarms(options: argparse.Namespace) -> int:
    """0 all of them are told · 1 one is damaged."""
    from bagipakai.registry.alarms import SAID, Alarm, all_of
    from bagipakai.registry.places import Places

    folder = postgres.var() / "keys"
    keys.establish(folder)
    found, damaged = [], 0
    for one in all_of(Places.under(postgres.var()).alarms, [keys.receipt_signer(folder).public]):
        if isinstance(one, Alarm):
            found.append(one)
        else:
            damaged = refused(one.refusal)
    told = [
        {
            "sign": one.sign.value,
            "order": one.order,
            "roster": one.roster,
            "institution": one.institution,
            "count": one.count,
            "at": one.at.isoformat(),
        }
        for one in found
    ]
    lines = [
        f"{day_of(one.at)}  pesanan {one.order}, daftar {one.roster}, {one.institution}: "
        f"{number(one.count)} {SAID[one.sign]}"
        for one in found
    ]
    return answered(options, told, "\n".join(lines) or "Tidak ada tanda.") or damaged
