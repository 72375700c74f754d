"""A small synthetic nation, published: what tests of the registry read."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.publishing import publish
from bagipakai.registry.releases import Release, shelf
from bagipakai.registry.shelf import Shelf
from bagipakai.registry.synthesis import synthesise
from bagipakai.registry.vault import ShelfKey

PUBLISHED_AT = datetime(2026, 7, 10, 3, 0, tzinfo=UTC)
STORAGE = StorageKey(b"g" * 32)  # of the releases that tests share


def small_dataset(folder: Path, people: int = 3000, seed: int = 7, processes: int = 1) -> Path:
    """A data set in `folder`/data."""
    synthesise(people, seed, folder / "data", processes)
    return folder / "data"


def small_release(folder: Path, people: int = 3000, seed: int = 7, version: str = "2026.3.0") -> Path:
    """A release under `folder`/releases; its own folder. `Release.open(path.parent, path.name)` reads it."""
    release = publish(small_dataset(folder, people, seed), folder / "releases", version, PUBLISHED_AT, STORAGE)
    assert isinstance(release, Release), release
    return release.folder


def in_clear(release: Release, unit: Unit | str, area: Sequence[str] = ()) -> Iterator[pa.Table]:
    """The tables of a release, file by file in release order."""
    with release.reading(STORAGE, unit, area) as shelf:
        for part in shelf.parts:
            with shelf.open(part.path) as file:
                yield pq.read_table(file)


def shelf_of(release: Release) -> Shelf:
    """Every file of a release, of both units."""
    return shelf(release.folder, release.files, ShelfKey.unwrapped(release.folder, release.version, STORAGE))
