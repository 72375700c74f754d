"""The synthetic nation and its release: made once, and used again while its size is what was asked for."""

import json
import shutil

from bagipakai import postgres
from bagipakai.control import announcements, releases
from bagipakai.control.models import Release
from bagipakai.demo.processes import bagipakai

YEAR, QUARTER = 2026, 3
SEED = YEAR

# A synthetic nation of another size is no quarter after the one before it: the gate sees a leap in the number of rows.
ANOTHER_NATION = {
    "persons": [
        {"name": "Ratna Wulandari", "post": "Kepala Bidang Mutu (peragaan)"},
        {"name": "Yohanes Bere", "post": "Kepala Pusat Data (peragaan)"},
    ],
    "reason": "Penduduk sintetis dengan ukuran lain untuk peragaan, bukan kelanjutan rilis sebelumnya.",
    "figures": [[unit, "rows-change", "rows"] for unit in ("individu", "keluarga")],
}


def release_of(people: int) -> str:
    """The version of an announced release with so many people, under the house's seal; made, published and announced
    if there is none."""
    for known in releases.available():
        if known.persons == people and (postgres.var() / "releases" / known.version / "release.dsse.json").is_file():
            return known.version
    version = f"{YEAR}.{QUARTER}.{_next_patch()}"
    draft = postgres.var() / "demo" / "bangsa"
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    bagipakai("registry", "synthesise", "--people", people, "--seed", SEED, "--out", draft, show=True)
    exemption = draft.parent / "pengecualian.json"
    exemption.write_text(json.dumps(ANOTHER_NATION), "utf-8")
    publish = ("registry", "publish", draft, "--version", version, "--exemption", exemption, "--json")
    made = json.loads(bagipakai(*publish, show=True))
    shutil.rmtree(draft)
    announcement = postgres.var() / "demo" / "pengumuman.json"
    bagipakai("registry", "announce", made["version"], "--out", announcement)
    return announcements.hear(announcement.read_bytes()).version


def _next_patch() -> int:
    taken = [*Release.objects.values_list("version", flat=True)]
    store = postgres.var() / "releases"
    taken += [folder.name for folder in store.iterdir()] if store.is_dir() else []
    quarter = [version.split(".") for version in taken if version.startswith(f"{YEAR}.{QUARTER}.")]
    return max((int(patch) for _, _, patch in quarter), default=-1) + 1
