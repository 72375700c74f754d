"""A release as a command names it: by its folder, or by its version alone where releases lie."""

from pathlib import Path

from bagipakai import postgres
from bagipakai.core.envelope import PublicKey
from bagipakai.core.refusal import Refusal
from bagipakai.registry import keys
from bagipakai.registry.releases import Release, UnknownRelease
from bagipakai.registry.vault import Damaged


def place(named: Path) -> tuple[Path, str]:
    """Folder of releases and version."""
    return (named.parent if named.is_dir() else postgres.var() / "releases", named.name)


def trusted() -> list[PublicKey]:
    """The house's seals, under one of which every release lies."""
    return keys.seals(postgres.var() / "keys")


def opened(named: Path) -> Release | Refusal:
    """The release, its seal checked; or why it cannot be read."""
    try:
        return Release.open(*place(named), trusted=trusted())
    except UnknownRelease:
        return Refusal("release-unknown", {"version": named.name})
    except Damaged as damage:
        return damage.refusal
