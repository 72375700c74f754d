"""The candidate index of a release or of a bare file, beside it: opened if it is one of what lies there, made if not.

indexes/<version>/          beside the folder of releases; with honey records (matching.honey)
<file>.index/               beside a bare registry file
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import honey, sources
from bagipakai.registry.matching.index import MANIFEST, Index, build
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.releases import Release
from bagipakai.registry.vault import Damaged, ShelfKey

# An index that is of no use is made anew: it is made of the registry alone.
REBUILT: Final = ("index-of-another-source", "index-of-other-versions", "release-key-of-another-storage")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an index lies, under which name of a key, what it is of, and the `count` persons that are there."""

    folder: Path
    name: str
    source: dict[str, str]
    people: Callable[[], Iterable[pa.Table]]
    count: int


def of_release(release: Release, storage: StorageKey, folder: Path | None = None) -> Place:
    """Persons with ordinals from `release.person_count` on are honey records: nobody is they."""
    policy = Abuse.on(release.reference_day)

    def people() -> Iterator[pa.Table]:
        real = sources.people_of_release(release, storage)
        return honey.among(real, honey.secret(storage, release), policy, release.person_count)

    return Place(
        folder or release.folder.parent.parent / "indexes" / release.version,
        f"index/{release.version}",
        {**sources.source_of_release(release), **honey.source(policy, release.person_count)},
        people,
        release.person_count,
    )


def of_file(file: Path, folder: Path | None = None) -> Place:
    """Raises OSError, and pa.ArrowInvalid for another kind of file."""
    return Place(
        folder or file.with_name(f"{file.name}.index"),
        "index/file",
        sources.source_of_file(file),
        lambda: sources.people_of_file(file),
        sources.count_of_file(file),
    )


def opened(place: Place, storage: StorageKey, more: Callable[[int], object] = lambda _: None) -> Index:
    """The index at `place`, made if none lies there; then `more` hears of persons. Raises Damaged, OSError."""
    return standing(place, storage) or made(place, storage, more)


def standing(place: Place, storage: StorageKey) -> Index | None:
    """The index that lies at `place`; None if there is none, or one of something else than is asked for. Raises
    Damaged."""
    if not place.folder.exists():
        return None
    if not (place.folder / MANIFEST).is_file():
        raise Damaged("index-place-taken", place.folder.name)
    try:
        return Index.open(place.folder, ShelfKey.unwrapped(place.folder, place.name, storage), place.source)
    except Damaged as damage:
        if damage.code in REBUILT:
            return None
        raise


def made(place: Place, storage: StorageKey, more: Callable[[int], object] = lambda _: None) -> Index:
    """The index at `place`, made anew; `more` hears of persons as they are taken in. Raises Damaged, OSError."""
    shutil.rmtree(place.folder, ignore_errors=True)  # of an earlier content, or of other rules
    key = ShelfKey.new(place.name)
    try:
        build(_counting(place.people(), more), place.folder, key, place.source, storage)
    except FileExistsError:
        if (found := standing(place, storage)) is not None:  # another worker was faster
            return found
        raise
    return Index.open(place.folder, key, place.source)


def _counting(people: Iterable[pa.Table], more: Callable[[int], object]) -> Iterator[pa.Table]:
    for table in people:
        yield table
        more(len(table))
