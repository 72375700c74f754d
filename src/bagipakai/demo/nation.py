"""The synthetic nation and its release: made once, and used again while its size is what was asked for."""

import json
import shutil

from bagipakai import postgres
from bagipakai.control import releases
from bagipakai.control.models import Release
from bagipakai.demo.processes import bagipakai

YEAR, QUARTER = 2026, 3


def release_of(people: int) -> str:
    """The version of an announced release with so many people; made, published and announced if there is none."""
    for known in releases.available():
        if known.persons == people and (postgres.var() / "releases" / known.version).is_dir():
            return known.version
    version = f"{YEAR}.{QUARTER}.{_next_patch()}"
    draft = postgres.var() / "demo" / "bangsa"
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    bagipakai("registry", "synthesise", "--people", people, "--seed", YEAR, "--out", draft, show=True)
    made = json.loads(bagipakai("registry", "publish", draft, "--version", version, "--json", show=True))
    shutil.rmtree(draft)
    announcement = postgres.var() / "demo" / "pengumuman.json"
    bagipakai("registry", "announce", made["version"], "--out", announcement)
    return releases.hear(announcement.read_bytes()).version


def _next_patch() -> int:
    taken = [*Release.objects.values_list("version", flat=True)]
    store = postgres.var() / "releases"
    taken += [folder.name for folder in store.iterdir()] if store.is_dir() else []
    quarter = [version.split(".") for version in taken if version.startswith(f"{YEAR}.{QUARTER}.")]
    return max((int(patch) for _, _, patch in quarter), default=-1) + 1
