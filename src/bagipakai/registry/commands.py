"""`bagipakai registry synthesise | draft | publish | withdraw | check | rewrap | announce …`, intake and worker."""

import argparse
import json
import resource
import tempfile
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import Signer
from bagipakai.core.exchange import Announcement
from bagipakai.core.refusal import Refusal
from bagipakai.registry import (
    alarm_commands,
    building_commands,
    comparing_commands,
    disclosure_commands,
    explaining_commands,
    hold_commands,
    identity_commands,
    intake_commands,
    list_commands,
    matching_commands,
    worker_commands,
)
from bagipakai.showing import AGAIN, answered, interruptible, number, refused, shown

if TYPE_CHECKING:
    from bagipakai.core.preview import Preview
    from bagipakai.registry.releases import Release

Compared = TypeVar("Compared")

KEPT = "Yang sudah jadi disimpan: ulangi perintah yang sama untuk melanjutkan."


def register(subparsers: Any) -> None:
    """Adds the registry's commands. 0 done · 1 refused, with code and sentence on stderr · 130 interrupted. None leaves
    an image of its memory behind where it crashes: keys and rows are in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    make = subparsers.add_parser("synthesise", help="buat penduduk sintetis; tidak ada orang sungguhan di dalamnya")
    make.add_argument("--people", type=int, default=1_000_000, metavar="N", help="jumlah orang (baku 1.000.000)")
    make.add_argument("--seed", type=int, default=2026, metavar="S", help="benih acak; benih sama, isi sama")
    make.add_argument("--out", type=Path, required=True, metavar="MAP", help="map hasil, baru atau kosong")
    make.add_argument("--after", type=Path, metavar="MAP", help="triwulan sesudah data di map ini; --people diabaikan")
    make.add_argument(
        "--told",
        type=Path,
        metavar="MAP",
        help="dengan --after: kiriman lima sumber yang menceritakan data di map ini, sesudah data itu",
    )
    make.add_argument("--processes", type=int, metavar="P", help="banyaknya proses (baku: banyaknya inti prosesor)")
    make.set_defaults(run=_synthesise)
    draft = subparsers.add_parser("draft", help="baca, ukur, dan catat data sebagai rancangan rilis")
    draft.add_argument("dataset", type=Path, metavar="MAP", help="map hasil synthesise")
    draft.set_defaults(run=_draft)
    issue = subparsers.add_parser(
        "publish", help="terbitkan data, atau rancangannya, sebagai rilis yang tidak dapat diubah"
    )
    issue.add_argument(
        "dataset", type=Path, nargs="?", metavar="MAP", help="map hasil synthesise; tanpa map: rancangan"
    )
    issue.add_argument(
        "--exemption",
        type=Path,
        metavar="BERKAS",
        help="JSON: dua orang dan alasan yang meluluskan angka mutu tertentu",
    )
    issue.set_defaults(run=_publish)
    for one in (draft, issue):
        one.add_argument("--version", required=True, metavar="VERSI", help="tahun.triwulan.koreksi, misalnya 2026.3.0")
        one.add_argument("--notes", type=_text, metavar="BERKAS", help="catatan rilis, teks UTF-8")
    back = subparsers.add_parser("withdraw", help="tarik rilis: tidak dipakai lagi, berkasnya tetap")
    back.add_argument("version", metavar="VERSI", help="rilis yang ditarik, misalnya 2026.3.0")
    back.add_argument("--reason", required=True, metavar="ALASAN", help="mengapa ditarik")
    back.set_defaults(run=_withdraw)
    states = subparsers.add_parser("states", help="daftar rilis dan keadaannya, dari peristiwa bersegel")
    states.set_defaults(run=_states)
    for one in (draft, issue, back, states):
        one.add_argument("--releases", type=Path, metavar="MAP", help="map rilis (baku: var/releases)")
    check = subparsers.add_parser("check", help="periksa setiap berkas rilis terhadap manifesnya")
    check.set_defaults(run=_check)
    comparing_commands.register(subparsers)
    disclosure_commands.register(subparsers)
    anew = subparsers.add_parser(
        "rewrap",
        help="ganti kunci penyimpanan: bungkus ulang kunci setiap rilis, kiriman, dan penahanan",
        description="Membuat kunci penyimpanan baru dan membungkus ulang setiap key.json dengannya; berkas data tidak"
        " berubah. Kunci lama dihapus sesudah yang terakhir. Terhenti: ulangi perintah yang sama.",
    )
    anew.add_argument(
        "--releases",
        type=Path,
        action="append",
        default=[],
        metavar="MAP",
        help="map rilis lain yang dibungkus kunci yang sama, di samping var/releases; boleh berulang",
    )
    anew.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="VERSI",
        help="rilis yang key.json-nya memang sudah tidak ada, juga di cadangan; boleh berulang",
    )
    anew.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")
    anew.set_defaults(run=_rewrap)
    tell = subparsers.add_parser(
        "announce", help="buat pengumuman rilis yang bersegel, untuk `control announce` di kantor"
    )
    tell.add_argument(
        "--changes", type=Path, metavar="BERKAS", help="perubahan sejak rilis sebelumnya: difference --shown --json"
    )
    tell.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="berkas pengumuman")
    tell.set_defaults(run=_announce)
    for one in (check, tell):
        one.add_argument("release", type=Path, metavar="RILIS", help="map rilis, atau versi rilis di var/releases")
    for one in (make, draft, issue, back, states, check):
        one.add_argument("--json", action="store_true", help="laporan untuk program, di keluaran baku")
    intake_commands.register(subparsers)
    worker_commands.register(subparsers)
    hold_commands.register(subparsers)
    list_commands.register(subparsers)
    matching_commands.register(subparsers)
    explaining_commands.register(subparsers)
    identity_commands.register(subparsers)
    alarm_commands.register(subparsers)
    building_commands.register(subparsers)


def _synthesise(options: argparse.Namespace) -> int:
    from bagipakai.registry.synthesis import synthesise
    from bagipakai.registry.synthesis.following import follow

    if options.told:
        return _told_by_sources(options)
    total = _people_of(options.after) if options.after else options.people
    try:
        with interruptible(f"{KEPT} {options.out} belum ada."), shown("membuat", "orang", total) as more:
            if options.after:
                made = follow(options.after, options.seed, options.out, options.processes, more)
            else:
                made = synthesise(options.people, options.seed, options.out, options.processes, more)
    except FileExistsError:
        return refused(Refusal("dataset-exists", {"file": options.out.name}))
    except ValueError:
        return refused(Refusal("dataset-not-to-follow" if options.after else "dataset-size-impossible"))
    told = {name: value for name, value in made.items() if name != "files"}
    return answered(
        options, told, f"{number(made['people'])} orang, {number(made['families'])} keluarga di {options.out}"
    )


def _told_by_sources(options: argparse.Namespace) -> int:
    from bagipakai.registry.synthesis.submissions import submissions

    described = [_read(folder / "dataset.json") for folder in (options.after, options.told) if folder is not None]
    if len(described) < 2 or not all(isinstance(one, dict) and one.get("synthetic") for one in described):
        return refused(Refusal("dataset-not-to-follow"))
    day = date.fromisoformat(described[1]["reference_day"])
    try:
        with interruptible(AGAIN):
            files = submissions(options.after, options.told, options.seed, day, options.out)
    except FileExistsError:
        return refused(Refusal("dataset-exists", {"file": options.out.name}))
    return answered(options, [str(one) for one in files], "\n".join(str(one) for one in files))


def _draft(options: argparse.Namespace) -> int:
    from bagipakai.registry import publishing
    from bagipakai.registry.vault import Damaged

    try:
        outcome = _drafted(options)
        if isinstance(outcome, Refusal):
            return refused(outcome)
        found = publishing.judged(_releases(options), options.version, day_of(datetime.now(UTC)))
    except Damaged as damage:  # the draft, or the release before this one
        return refused(damage.refusal)
    if isinstance(found, Refusal):
        return refused(found)
    for one in found.above:
        refused(one.refusal)
    told = {"version": options.version, "judged": found.judged, "above": [one.to_json() for one in found.above]}
    return answered(
        options, told, f"Rancangan {options.version}: {found.judged} angka mutu, {len(found.above)} di atas batas."
    )


def _drafted(options: argparse.Namespace) -> Path | Refusal:
    from bagipakai.registry import keys, publishing

    dataset, releases, version = options.dataset, _releases(options), options.version
    folder = postgres.var() / "keys"
    keys.establish(folder)
    with (
        interruptible(f"{KEPT} Rancangan {version} belum ada; yang tersimpan bersegel."),
        keys.in_use(folder),
        shown("memeriksa", "orang", _people_of(dataset)) as more,
    ):
        return publishing.draft(dataset, releases, version, keys.storage(folder), more, notes=options.notes or "")


def _people_of(dataset: Path) -> int | None:
    """How many persons a data set says it has, if it says so."""
    told = _read(dataset / "dataset.json")
    people = told.get("people") if isinstance(told, dict) else None
    return people if isinstance(people, int) else None


def _publish(options: argparse.Namespace) -> int:
    from bagipakai.core.gate import Exemption
    from bagipakai.registry import publishing
    from bagipakai.registry.vault import Damaged

    exemption = Exemption.from_json(_read(options.exemption)) if options.exemption else None
    if isinstance(exemption, Refusal):
        return refused(exemption)
    releases, version, at = _releases(options), options.version, datetime.now(UTC)
    try:
        if options.dataset is not None:
            drafted = _drafted(options)
            if isinstance(drafted, Refusal):
                return refused(drafted)
        outcome = publishing.issue(releases, version, at, exemption=exemption, seal=_seal())
        if isinstance(outcome, Refusal):
            if outcome.code.startswith("release-quality-"):
                _every_excess(releases, version, at, outcome)
            return refused(outcome)
    except Damaged as damage:  # the draft, or the release before this one
        return refused(damage.refusal)
    sentence = (
        f"Rilis {outcome.version} terbit: {number(outcome.person_count)} orang, "
        f"{number(outcome.family_count)} keluarga. Umumkan kepada kantor dengan `announce`."
    )
    return answered(options, outcome.metadata(), sentence)


def _every_excess(releases: Path, version: str, at: datetime, first: Refusal) -> None:
    """Tells of the others that stand in the way, too: they are mended at once."""
    from bagipakai.registry import publishing

    found = publishing.judged(releases, version, day_of(at))
    if not isinstance(found, Refusal):
        for one in found.above:
            if one.refusal.detail != first.detail:
                refused(one.refusal)


def _withdraw(options: argparse.Namespace) -> int:
    from bagipakai.registry import publishing
    from bagipakai.registry.releases import UnknownRelease
    from bagipakai.registry.vault import Damaged

    try:
        outcome = publishing.withdraw(_releases(options), options.version, datetime.now(UTC), options.reason, _seal())
    except UnknownRelease:
        return refused(Refusal("release-unknown", {"version": options.version}))
    except Damaged as damage:
        return refused(damage.refusal)
    if isinstance(outcome, Refusal):
        return refused(outcome)
    told = {"version": outcome.version, "state": "WITHDRAWN", "at": outcome.at.isoformat()}
    return answered(options, told, f"Rilis {outcome.version} ditarik. Umumkan kepada kantor dengan `announce`.")


def _states(options: argparse.Namespace) -> int:
    from bagipakai.registry import named
    from bagipakai.registry.releases import lives_of
    from bagipakai.registry.vault import Damaged

    try:
        found = lives_of(_releases(options), named.trusted())
    except Damaged as damage:
        return refused(damage.refusal)
    told = [
        {
            "version": one.version,
            "state": one.state.value,
            "since": one.since.isoformat(),
            "by": one.by,
            "reason": one.reason,
        }
        for one in found.values()
    ]
    lines = (
        f"{one.version}  {_STATES[one.state.value]}{f' oleh {one.by}' if one.by else ''}" for one in found.values()
    )
    return answered(options, told, "\n".join(lines) or "Belum ada rilis yang bersegel.")


_STATES = {"PUBLISHED": "berlaku", "SUPERSEDED": "digantikan", "WITHDRAWN": "ditarik"}


def _text(file: str) -> str:
    """What a file of notes says; told with the rest of the command where it says nothing."""
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise argparse.ArgumentTypeError(f"berkas {file} tidak terbaca; perlu teks UTF-8") from None


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def _seal() -> Signer:
    """The house's seal, made if this is its first day."""
    from bagipakai.registry import keys

    folder = postgres.var() / "keys"
    keys.establish(folder)
    return keys.seal_signer(folder)


def _check(options: argparse.Namespace) -> int:
    from bagipakai.registry import keys, named
    from bagipakai.registry.releases import Release, UnknownRelease
    from bagipakai.registry.vault import Damaged, ShelfKey

    found: list[Damaged] = []
    try:
        release = Release.open(*named.place(options.release), whole=False, trusted=named.trusted())
        with interruptible(AGAIN), shown("memeriksa", "berkas", len(release.stored)) as more:
            for one in release.checked():
                if isinstance(one, Damaged):
                    found.append(one)
                else:
                    more(1)
        with suppress(keys.KeyMissing):  # elsewhere than in the registry's house files alone can be compared
            ShelfKey.unwrapped(release.folder, release.version, keys.storage(postgres.var() / "keys"))
    except UnknownRelease:
        return refused(Refusal("release-unknown", {"version": options.release.name}))
    except Damaged as manifest:
        found.append(manifest)
    for damage in found:
        refused(damage.refusal)
    if found:
        return refused(Refusal("release-damaged", {"version": options.release.name}))
    told = {"version": release.version, "digest": release.digest, "files": len(release.stored)}
    return answered(options, told, f"Rilis {release.version} utuh: {len(release.stored)} berkas.")


def _rewrap(options: argparse.Namespace) -> int:
    from bagipakai.registry.holds import Broken
    from bagipakai.registry.keys import KeyMissing
    from bagipakai.registry.rewrapping import rewrap

    var = postgres.var()
    elsewhere = [folder for folder in options.releases if not folder.is_dir()]
    if elsewhere:
        return refused(Refusal("release-folder-missing", {"file": elsewhere[0].name}))
    try:
        with interruptible(f"Kedua kunci penyimpanan masih dipakai. {KEPT}"):
            folders = [var / "releases", *(folder.resolve() for folder in options.releases)]
            outcome = rewrap(var, folders, options.without)
    except KeyMissing as missing:
        return refused(Refusal("registry-key-missing", {"file": str(missing)}))
    except Broken as broken:
        return refused(Refusal("hold-records-broken", {"file": str(broken)}))
    if isinstance(outcome, Refusal):
        return refused(outcome)
    told = {"old": outcome.old, "new": outcome.new, "keys": outcome.keys}
    sentence = f"Kunci penyimpanan {outcome.old} diganti {outcome.new}: {outcome.keys} kunci dibungkus ulang."
    return answered(options, told, f"{sentence} Cadangkan kunci baru, dan buat lagi cadangan setiap key.json.")


def _announce(options: argparse.Namespace) -> int:
    from bagipakai.registry import keys, named
    from bagipakai.registry.regions import SYSTEM, regions
    from bagipakai.registry.releases import lives_of

    release = named.opened(options.release)
    if isinstance(release, Refusal):
        return refused(release)
    life = lives_of(named.place(options.release)[0], named.trusted()).get(release.version)
    changes = _changes(options.changes, release) if options.changes else {}
    if isinstance(changes, Refusal):
        return refused(changes)
    folder = postgres.var() / "keys"
    keys.establish(folder)
    preview = None if life and life.reason else _preview(release, folder)
    if isinstance(preview, Refusal):
        return refused(preview)
    gate = release.manifest["gate"]
    told = Announcement(
        version=release.version,
        digest=release.digest,
        standard=release.standard,
        region_system=SYSTEM,
        region_edition=release.region_edition,
        published_on=release.published_on,
        persons=release.person_count,
        families=release.family_count,
        regions=tuple((region.code, region.name) for region in regions().values()),
        withdrawn=life.reason if life else "",
        previous=(release.manifest["previous"] or {}).get("version", ""),
        notes=release.manifest["notes"],
        editions={name: one["edition"] for name, one in release.manifest["editions"]["codes"].items()},
        quality={
            "judged": gate["judged"],
            "above": len(gate["above"]),
            "exempted_by": len(gate["exemption"]["persons"]) if gate["exemption"] else 0,
        },
        changes=changes,
        preview=preview,
    )
    options.out.write_bytes(told.sealed(keys.receipt_signer(folder)))
    print(
        f"Pengumuman rilis {release.version}: {options.out}. Di kantor: bagipakai control announce {options.out.name}"
    )
    return 0


def _preview(release: "Release", folder: Path) -> "Preview | Refusal":
    """In which bands the release's counts lie. Not asked of one that is withdrawn: it may be damaged, and the office
    must hear of it all the same."""
    from bagipakai.registry import keys
    from bagipakai.registry.engines import EngineError
    from bagipakai.registry.holds import Broken, Holds
    from bagipakai.registry.places import Places
    from bagipakai.registry.preview import preview
    from bagipakai.registry.vault import Damaged

    places, day = Places.under(postgres.var()), day_of(datetime.now(UTC))
    storage, master = keys.storage(folder), keys.master(folder)
    holds = Holds(places.holds, storage, keys.seals(folder))
    try:
        with tempfile.TemporaryDirectory(prefix="perkiraan-", dir=places.workspaces) as scratch:
            return preview(release, storage, master, holds, day, Path(scratch))
    except Damaged as damage:
        return damage.refusal
    except Broken as broken:
        return Refusal("hold-records-broken", {"file": str(broken)})
    except EngineError as failure:  # names the kind, never a value
        return Refusal("disclose-engine-failed", {"kind": str(failure)})


def _changes(file: Path, release: "Release") -> dict[str, int | None] | Refusal:
    """What a table of differences that may leave tells of the nation, where it is about this release and the one
    before."""
    from bagipakai.core.disclosure import Disclosure

    value, least = _read(file), Disclosure.on(day_of(datetime.now(UTC))).smallest_persons
    try:
        between = (value["before"]["digest"], value["after"]["digest"])
        told: dict[str, int | None] = {"in_both": value["persons"]["in_both"], **value["nation"]}
        if between != (release.manifest["previous"]["digest"], release.digest):
            raise ValueError("about others")
        if any(count is not None and count < least for count in told.values()):
            raise ValueError("a table for the house alone")
    except (KeyError, TypeError, ValueError):
        return Refusal("release-changes-of-another", {"file": file.name})
    return told


def _releases(options: argparse.Namespace) -> Path:
    return Path(options.releases or postgres.var() / "releases")
