"""`bagipakai registry carry`: every person keeps an identity of the house from one release to the next."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bagipakai import postgres
from bagipakai.core.refusal import Refusal
from bagipakai.core.troubles import trouble
from bagipakai.registry import keys, named
from bagipakai.registry.folders import no_room
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.releases import IDENTITIES
from bagipakai.registry.vault import Damaged, ShelfKey
from bagipakai.showing import answered, interruptible, number, refused, shown

if TYPE_CHECKING:
    from bagipakai.registry.matching.carrying import Side
    from bagipakai.registry.matching.identities import Identities

CAME = {
    "carried": "di antaranya dengan perubahan NIK, KK, nama, tanggal lahir, atau wilayah",
    "born": "identitas baru: lahir, baru terdaftar, atau terlalu meragukan untuk disamakan",
    "returned": "kembali setelah pergi",
    "gone": "pergi: tidak ada lagi di rilis ini",
    "merged": "digabung: orang yang dulu tercatat dua kali",
    "split": "dipisah: pernah digabung, kini berdiri sendiri",
}


def register(subparsers: Any) -> None:
    """Adds the command."""
    carry = subparsers.add_parser(
        "carry",
        help="bawa identitas tetap setiap orang dari satu rilis ke rilis berikutnya",
        description="Identitas adalah nomor acak milik rumah sendiri dan tidak pernah keluar. Rilis pertama pun "
        "mendapatkannya di sini. Yang meragukan menjadi orang baru, tidak pernah identitas orang lain.",
    )
    for option, whose, dest in (("--from", "rilis sebelumnya", "before"), ("--to", "rilis berikutnya", "after")):
        carry.add_argument(
            option, dest=dest, type=Path, required=True, metavar="RILIS",
            help=f"{whose}: mapnya, versinya, atau satu berkas Parquet",
        )  # fmt: skip
    carry.add_argument("--json", action="store_true", help="jawaban untuk program, di keluaran baku")
    carry.set_defaults(run=_carry)


@dataclass(frozen=True)
class _Registry:
    """A release or a bare file: what it is, its persons, and where their identities lie under which name of a key."""

    source: dict[str, str]
    side: "Side"
    folder: Path
    name: str

    def there(self, storage: StorageKey) -> "Identities | None":
        """The identities that lie there, if any. Raises Damaged."""
        from bagipakai.registry.matching.identities import MANIFEST, Identities

        if not self.folder.exists():
            return None
        if not (self.folder / MANIFEST).is_file():
            raise Damaged("identities-place-taken", self.folder.name)
        return Identities.open(self.folder, ShelfKey.unwrapped(self.folder, self.name, storage), self.source)


def _carry(options: argparse.Namespace) -> int:
    folder = postgres.var() / "keys"
    keys.establish(folder)
    with keys.in_use(folder):
        found = _between(options, keys.storage(folder))
    if isinstance(found, Refusal):
        return refused(found)
    counts = found.manifest["counts"]
    return answered(options, {**counts, "folder": str(found.folder)}, "\n".join(_told(counts, found.folder)))


def _between(options: argparse.Namespace, storage: StorageKey) -> "Identities | Refusal":
    before, after = _named(options.before, storage), _named(options.after, storage)
    if isinstance(before, Refusal):
        return before
    if isinstance(after, Refusal):
        return after
    try:
        with interruptible("Identitas yang sudah jadi tetap; ulangi perintah yang sama untuk yang belum."):
            return _carried(before, after, storage)
    except Damaged as damage:
        return damage.refusal
    except FileExistsError as taken:  # by another who carries the same
        return Refusal("identities-place-taken", {"file": str(taken)})
    except OSError as error:
        if no_room(error):
            return Refusal("identities-have-no-room")
        raise


def _carried(before: _Registry, after: _Registry, storage: StorageKey) -> "Identities":
    """The identities of `after`, made if they are not there, and those of `before` first. Raises Damaged, OSError."""
    from bagipakai.registry.matching.carrying import heard
    from bagipakai.registry.matching.identities import Identities, carry, found

    known, later = before.there(storage), after.there(storage)
    if later is not None:
        if known is None or later.line[-1:] != [known.source]:
            raise Damaged("identities-of-another-line", after.folder.name)
        return later
    if known is None:
        key = ShelfKey.new(before.name)
        found(before.side.count, before.folder, key, before.source, storage)
        known = Identities.open(before.folder, key, before.source)
    key = ShelfKey.new(after.name)
    with shown("membawa identitas", "baris", heard(before.side, after.side)) as more:
        carry(known, before.side, after.side, after.folder, key, after.source, storage, more)
    return Identities.open(after.folder, key, after.source)


def _named(path: Path, storage: StorageKey) -> _Registry | Refusal:
    from bagipakai.registry.matching import sources
    from bagipakai.registry.matching.carrying import Side

    if path.is_file():
        try:
            side = Side(lambda: sources.rows_of_file(path), sources.count_of_file(path))
            return _Registry(
                sources.source_of_file(path), side, path.with_name(f"{path.name}.{IDENTITIES}"), f"{IDENTITIES}/file"
            )
        except (OSError, ValueError) as error:
            why = trouble(error, "bukan Parquet") if isinstance(error, OSError) else "bukan Parquet"
            return Refusal("matching-registry-unreadable", {"file": path.name, "why": why})
    release = named.opened(path)
    if isinstance(release, Refusal):
        return release
    side = Side(lambda: sources.rows_of_release(release, storage), release.person_count)
    folder = release.folder.parent.parent / IDENTITIES / release.version
    return _Registry(sources.source_of_release(release), side, folder, f"{IDENTITIES}/{release.version}")


def _told(counts: dict[str, int], folder: Path) -> list[str]:
    stayed = counts["persons"] - sum(counts[name] for name in ("born", "returned", "split"))
    lines = [f"{number(counts['persons'])} orang beridentitas: {folder}", f"  {number(stayed)} tetap sama orangnya"]
    return lines + [f"  {number(counts[name])} {words}" for name, words in CAME.items()]
