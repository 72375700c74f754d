"""How fast a data set becomes a release, and a release is checked: `python -m bench.publish [--people N …]`."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.measure import keep, run

SIZES = (1_000_000, 10_000_000)
VERSION = "2026.3.0"


def measured(people: int) -> dict[str, object]:
    """The commands anybody would type; making the data is not counted."""
    place = Path(tempfile.mkdtemp(prefix="bagipakai-bench-"))
    registry = [sys.executable, "-m", "bagipakai.cli", "registry"]
    try:
        data, releases = str(place / "data"), str(place / "releases")
        made = [*registry, "synthesise", "--people", str(people), "--seed", "2026", "--out", data]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        published = run([*registry, "publish", data, "--version", VERSION, "--releases", releases])
        checked = run([*registry, "check", f"{releases}/{VERSION}"])
        manifest = json.loads((place / "releases" / VERSION / "release.json").read_text())
    finally:
        shutil.rmtree(place)
    return {
        "people": people,
        "bytes": manifest["bytes"],
        "publish": {**asdict(published), "people_per_second": round(people / published.seconds)},
        "check": {**asdict(checked), "megabytes_per_second": round(manifest["bytes"] / 1e6 / checked.seconds)},
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, nargs="+", default=list(SIZES), metavar="N")
    keep("publish", {"runs": [measured(people) for people in options.parse_args().people]})
