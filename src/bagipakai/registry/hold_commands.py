"""`bagipakai registry hold add | lift | list`: persons who are in no package. NIKs are read from a file or from
standard input, never from the command line, where others of the machine could read them; none is ever printed."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.keyfiles import TooOpen
from bagipakai.core.refusal import Refusal
from bagipakai.showing import answered, number, refused


def register(subparsers: Any) -> None:
    """Adds the commands. 0 done · 1 refused, with code and sentence on stderr."""
    hold = subparsers.add_parser("hold", help="orang yang tidak boleh ada dalam paket: permintaan hak, pelindungan")
    deeds = hold.add_subparsers(required=True, metavar="TINDAKAN")
    add = deeds.add_parser("add", help="tahan orang-orang dari satu perkara; NIK dari masukan baku, satu per baris")
    add.add_argument("case", metavar="PERKARA", help="nomor perkara, misalnya PDP/2026/014")
    add.add_argument(
        "--kind", required=True, metavar="JENIS", help="jenis dalam policies/holds.toml: HOLD, PROTECTED_WITNESS, …"
    )
    add.add_argument(
        "--reason", required=True, metavar="KODE", help="kode alasan dari jenis itu, misalnya accuracy-disputed"
    )
    add.add_argument("--from", type=Path, dest="source", metavar="BERKAS", help="berkas NIK, ganti masukan baku")
    add.set_defaults(run=_add)
    lift = deeds.add_parser("lift", help="akhiri penahanan satu perkara")
    lift.add_argument("case", metavar="PERKARA", help="nomor perkara; lihat: registry hold list")
    lift.add_argument("--reason", required=True, metavar="ALASAN", help="mengapa diakhiri")
    lift.set_defaults(run=_lift)
    show = deeds.add_parser("list", help="perkara, banyaknya orang, dan berapa yang ditemukan dalam rilis")
    show.set_defaults(run=_list)
    for one in (add, lift, show):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")


def _add(options: argparse.Namespace) -> int:
    def done(holds: Any, seal: Any) -> int:
        lines = options.source.read_text("utf-8-sig") if options.source else sys.stdin.read()
        niks = [line.strip() for line in lines.splitlines() if line.strip()]
        outcome = holds.add(options.case, options.kind, options.reason, niks, datetime.now(UTC), seal)
        if isinstance(outcome, Refusal):
            return refused(outcome)
        told = {"case": outcome.number, "persons": outcome.persons, **_found(holds)}
        return answered(
            options, told, f"Perkara {outcome.number}: {number(outcome.persons)} orang ditahan. {_of(told)}"
        )

    return _with_holds(done)


def _lift(options: argparse.Namespace) -> int:
    def done(holds: Any, seal: Any) -> int:
        outcome = holds.lift(options.case, options.reason, datetime.now(UTC), seal)
        if isinstance(outcome, Refusal):
            return refused(outcome)
        told = {"case": outcome.number, "persons": outcome.persons}
        return answered(
            options, told, f"Perkara {outcome.number} berakhir: {number(outcome.persons)} orang tidak lagi ditahan."
        )

    return _with_holds(done)


def _list(options: argparse.Namespace) -> int:
    def done(holds: Any, _: Any) -> int:
        cases = [
            {
                "case": case.number,
                "kind": case.kind,
                "reason": case.reason,
                "persons": case.persons,
                "since": case.since.isoformat(),
                "lifted": case.lifted.isoformat() if case.lifted else None,
            }
            for case in holds.cases.values()
        ]
        told = {"state": holds.state, "cases": cases, **_found(holds)}
        lines = (
            f"{one.number}  {one.kind}  {one.reason}  {number(one.persons)} orang  sejak {_day(one.since)}"
            + (f", berakhir {_day(one.lifted)}" if one.lifted else "")
            for one in holds.cases.values()
        )
        return answered(options, told, "\n".join([*lines, _of(told)]) if cases else "Belum ada penahanan.")

    return _with_holds(done)


def _day(moment: datetime) -> str:
    return day_of(moment).isoformat()


def _found(holds: Any) -> dict[str, Any]:
    """How many of those on hold the newest standing release has; nothing where there is none."""
    from bagipakai.core.lifecycle import State
    from bagipakai.registry.releases import Release, lives_of

    releases, seals = postgres.var() / "releases", holds.trusted
    standing = [life.version for life in lives_of(releases, seals).values() if life.state is not State.WITHDRAWN]
    if not standing:
        return {}
    release = Release.open(releases, standing[-1], trusted=seals)
    with tempfile.TemporaryDirectory(dir=holds.folder) as spill:
        found = holds.found(release, Path(spill))
    return {"release": release.version, "found": found.found, "missing": found.missing}


def _of(told: dict[str, Any]) -> str:
    if "release" not in told:
        return "Belum ada rilis; orangnya dicari saat rilis terbit."
    missing = (
        f"; {number(told['missing'])} tidak ada di sana dan dicari lagi di rilis berikutnya" if told["missing"] else ""
    )
    return f"Rilis {told['release']}: {number(told['found'])} dari yang ditahan ditemukan{missing}."


def _with_holds(do: Callable[[Any, Any], int]) -> int:
    from bagipakai.registry import keys
    from bagipakai.registry.engines import EngineError
    from bagipakai.registry.holds import Broken, Holds
    from bagipakai.registry.places import Places
    from bagipakai.registry.vault import Damaged

    folder = postgres.var() / "keys"
    keys.establish(folder)
    try:
        with keys.in_use(folder):
            holds = Holds(Places.under(postgres.var()).holds, keys.storage(folder), keys.seals(folder))
            return do(holds, keys.seal_signer(folder))
    except Broken as broken:
        return refused(Refusal("hold-records-broken", {"file": str(broken)}))
    except FileExistsError:
        return refused(Refusal("hold-overtaken"))
    except Damaged as damage:
        return refused(damage.refusal)
    except TooOpen as error:
        print(f"Kunci {error} dapat dibaca orang lain. Jalankan: chmod 600 {error}", file=sys.stderr)
    except (OSError, UnicodeDecodeError):
        print("Berkas NIK tidak terbaca; perlu teks UTF-8 dengan satu NIK per baris.", file=sys.stderr)
    except EngineError as failure:
        print(f"Penahanan tercatat, tetapi orangnya belum dapat dicari di rilis ({failure}).", file=sys.stderr)
    return 1
