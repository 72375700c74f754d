"""`bagipakai registry difference | impact`: two releases beside each other."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.refusal import Refusal
from bagipakai.registry.keys import StorageKey
from bagipakai.showing import AGAIN, answered, interruptible, number, refused, shown

if TYPE_CHECKING:
    from bagipakai.core.plan import Unit
    from bagipakai.registry.releases import Release

Compared = TypeVar("Compared")


def register(subparsers: Any) -> None:
    """Adds the commands. 0 done · 1 refused, with code and sentence on stderr · 130 interrupted."""
    differ = subparsers.add_parser(
        "difference", help="bandingkan dua rilis: berapa masuk, keluar, pindah, berganti desil"
    )
    differ.add_argument("--shown", action="store_true", help="tutup cacah kecil: tabel yang boleh keluar")
    differ.set_defaults(run=_difference)
    cross = subparsers.add_parser("impact", help="dampak rilis baru pada program: berapa orang melewati garisnya")
    cross.add_argument(
        "--plan", type=Path, required=True, metavar="BERKAS", help="rencana (JSON) yang penduduknya dipakai"
    )
    cross.set_defaults(run=_impact)
    for one in (differ, cross):
        one.add_argument("old", type=Path, metavar="LAMA", help="map rilis, atau versi rilis di var/releases")
        one.add_argument("new", type=Path, metavar="BARU", help="map rilis, atau versi rilis di var/releases")
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")


def _difference(options: argparse.Namespace) -> int:
    from bagipakai.core.disclosure import Disclosure
    from bagipakai.core.plan import Unit
    from bagipakai.registry.comparing import difference

    both = _both(options)
    if isinstance(both, Refusal):
        return refused(both)
    found = _compared(*both[:2], Unit.INDIVIDU, partial(difference, *both))
    if isinstance(found, Refusal):
        return refused(found)
    value = found.shown(Disclosure.on(day_of(datetime.now(UTC)))) if options.shown else found.to_json()
    nation = value["nation"]
    told = {name: "–" if count is None else number(count) for name, count in nation.items()}
    whole = nation["born"] is not None and nation["registered"] is not None
    in_both = value["persons"]["in_both"]
    stayed = "–" if in_both is None else number(in_both)
    came = number(nation["born"] + nation["registered"]) if whole else "–"
    sentence = (
        f"{both[0].version} → {both[1].version}: {stayed} orang di keduanya, {came} masuk, "
        f"{told['left']} keluar, {told['decile_up']} naik dan {told['decile_down']} turun desil."
    )
    return answered(options, value, sentence)


def _impact(options: argparse.Namespace) -> int:
    from bagipakai.core.plan import Unit
    from bagipakai.core.query import chosen
    from bagipakai.registry import named
    from bagipakai.registry.comparing import impact

    both = _both(options)
    if isinstance(both, Refusal):
        return refused(both)
    plan = named.plan_in(options.plan)
    if isinstance(plan, Refusal):
        return refused(plan)
    found = _compared(*both[:2], plan.unit, partial(impact, *both, plan.unit, chosen(plan.query())))
    if isinstance(found, Refusal):
        return refused(found)
    value = found.to_json()
    nation = {way: sum(told.values()) for way, told in value["nation"].items()}
    unit = {Unit.INDIVIDU: "orang", Unit.KELUARGA: "keluarga"}[plan.unit]
    sentence = (
        f"{number(value['keep'])} {unit} tetap terpilih; {number(nation['persons'])} orang dalam "
        f"{number(nation['families'])} keluarga melewati garis."
    )
    return answered(options, value, sentence)


def _compared(old: "Release", new: "Release", unit: "Unit", work: "Callable[..., Compared]") -> "Compared | Refusal":
    """What `work` finds, where there is room for it; rows are told as they are read, and again as they are compared."""
    from bagipakai.registry.comparing import heard
    from bagipakai.registry.folders import no_room
    from bagipakai.registry.vault import Damaged

    try:
        with interruptible(AGAIN), shown("membandingkan", "baris", heard(old, new, unit)) as more:
            return work(told=more, room=postgres.var())
    except Damaged as damage:
        return damage.refusal
    except OSError as error:
        if no_room(error):
            return Refusal("comparison-has-no-room")
        raise


def _both(options: argparse.Namespace) -> "tuple[Release, Release, StorageKey] | Refusal":
    """The two releases, and what opens them."""
    from bagipakai.registry import keys, named

    old = named.opened(options.old)
    if isinstance(old, Refusal):
        return old
    new = named.opened(options.new)
    if isinstance(new, Refusal):
        return new
    try:
        return old, new, keys.storage(postgres.var() / "keys")
    except keys.KeyMissing as missing:
        return Refusal("release-key-of-another-storage", {"file": str(missing)})
