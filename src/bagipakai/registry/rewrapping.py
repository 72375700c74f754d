"""Every key that lies beside its files, wrapped anew under a storage key that takes the place of the present one.

The files themselves do not change: their keys stay, and each small `key.json` gives way to the next in one step. Until
the last one did, both storage keys lie in `keys/registry` and whatever reads opens with either; then the former one is
gone. Broken off anywhere, it is gone on with (decision 0114).
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bagipakai.core.keyfiles import replace
from bagipakai.core.refusal import Refusal
from bagipakai.registry import keys
from bagipakai.registry.building.held import BUILDS
from bagipakai.registry.folders import sync
from bagipakai.registry.holds import Holds
from bagipakai.registry.kept import all_kept
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.places import Places
from bagipakai.registry.publishing import DRAFTS
from bagipakai.registry.receiving import Stores
from bagipakai.registry.releases import IDENTITIES, MANIFEST
from bagipakai.registry.vault import KEY, Damaged, ShelfKey, wrapped_as

log = logging.getLogger("bagipakai.registry")


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What was done: the ids of both storage keys, and how many keys lie wrapped by the new one."""

    old: str
    new: str
    keys: int


def rewrap(var: Path, releases: Sequence[Path], without: Collection[str] = ()) -> Rewrapped | Refusal:
    """Wraps anew every key of the releases and drafts in these folders and of the identities beside them, of what is
    kept of submissions, lists and reviews, of the holds, and of what builds held. Waits until nobody wraps any more. A
    key that the present storage key does not open stops it before anything is changed, and so does a release whose key
    is not there: a backup of it would open with nothing afterwards. `without`: versions whose key is gone for good.
    Raises KeyMissing, TooOpen, Broken (registry.holds), OSError."""
    folder = var / "keys"
    with keys.in_use(folder, alone=True):
        present = keys.storage(folder)
        for version in _keyless(releases):
            if version not in without:
                return Refusal("rewrap-key-missing", {"version": version})
        for place in _with_keys(var, releases):
            if no := _not_ours(place, present):
                return no
        Holds(Places.under(var).holds, present, keys.seals(folder)).lay_key()
        coming = keys.begin_next_storage(folder)
        while left := [place for place in _with_keys(var, releases) if _is_left(place, coming)]:
            for place in left:
                with suppress(FileNotFoundError):  # a draft that was issued just now: it is found where it is
                    _wrap(place, coming)
        keys.end_former_storage(folder)
        done = Rewrapped((coming.former or coming).id, coming.id, len(list(_with_keys(var, releases))))
    log.info("storage.rewrapped old=%s new=%s keys=%d", done.old, done.new, done.keys)
    return done


def _with_keys(var: Path, releases: Sequence[Path]) -> Iterator[Path]:
    """The folders in which a key lies. Drafts first, those in the making, too: what is issued meanwhile is seen."""
    for folder in releases:
        yield from _holding_one(folder.parent / DRAFTS)
    for folder in releases:
        yield from _holding_one(folder)
        yield from _holding_one(folder.parent / IDENTITIES)
    yield from (place for place in all_kept(Stores.under(var).kept) if (place / KEY).is_file())
    yield from _holding_one(Places.under(var).rosters)
    yield from _holding_one(Places.under(var).reviews)
    yield from _holding_one(Places.under(var).holds.parent)
    for build in sorted((var / BUILDS).glob("*")):
        yield from _holding_one(build)


def _keyless(releases: Sequence[Path]) -> Iterator[str]:
    """The releases that lie in these folders without a key."""
    for folder in releases:
        for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
            if not (manifest.parent / KEY).exists():
                yield manifest.parent.name


def _holding_one(folder: Path) -> list[Path]:
    return [file.parent for file in sorted(folder.glob(f"*/{KEY}"))]


def _not_ours(place: Path, storage: StorageKey) -> Refusal | None:
    """Why `storage` does not open the key in `place`, or None."""
    try:
        ShelfKey.unwrapped(place, wrapped_as(place)[0], storage)
    except Damaged as damage:
        return Refusal(damage.code, {"file": f"{place.parent.name}/{place.name}/{damage.file}"})
    return None


def _is_left(place: Path, storage: StorageKey) -> bool:
    with suppress(Damaged):  # issued just now
        return wrapped_as(place)[1] != storage.id
    return (place / KEY).exists()


def _wrap(place: Path, storage: StorageKey) -> None:
    """Nothing but the key changes in the folder: a release in which more lies than its manifest names does not open."""
    for left in (*place.parent.glob(f".{KEY}.*"), *place.glob(f".{KEY}.*")):  # of runs that were killed over it
        left.unlink()
    name, _ = wrapped_as(place)
    replace(place / KEY, ShelfKey.unwrapped(place, name, storage).wrapped(storage), draft_in=place.parent)
    sync(place, inside=False)
