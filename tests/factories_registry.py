"""A small synthetic nation, published: what tests of the registry read."""

from datetime import UTC, datetime
from pathlib import Path

from bagipakai.registry.publishing import publish
from bagipakai.registry.releases import Release
from bagipakai.registry.synthesis import synthesise

PUBLISHED_AT = datetime(2026, 7, 10, 3, 0, tzinfo=UTC)


def small_dataset(folder: Path, people: int = 3000, seed: int = 7, processes: int = 1) -> Path:
    """A data set in `folder`/data."""
    synthesise(people, seed, folder / "data", processes)
    return folder / "data"


def small_release(folder: Path, people: int = 3000, seed: int = 7, version: str = "2026.3.0") -> Path:
    """A release under `folder`/releases; its own folder. `Release.open(path.parent, path.name)` reads it."""
    release = publish(small_dataset(folder, people, seed), folder / "releases", version, PUBLISHED_AT)
    assert isinstance(release, Release), release
    return release.folder
