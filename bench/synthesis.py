"""How fast a synthetic nation is made, and with how much memory: `python -m bench.synthesis [--people N …]`."""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.measure import keep, run

GOALS = {1_000_000: 20.0, 10_000_000: 240.0}  # seconds on two cores; at most 1 GiB
SEED = 2026


def measured(people: int) -> dict[str, object]:
    """One run of the command anybody would type, into a folder that is thrown away."""
    place = Path(tempfile.mkdtemp(prefix="bagipakai-bench-"))
    try:
        command = ["registry", "synthesise", "--people", str(people), "--seed", str(SEED), "--out", str(place / "data")]
        figures = run([sys.executable, "-m", "bagipakai.cli", *command])
        made = json.loads((place / "data" / "dataset.json").read_text())
        size = sum(path.stat().st_size for path in (place / "data").rglob("*.parquet"))
    finally:
        shutil.rmtree(place)
    return {
        "people": people,
        "families": made["families"],
        **asdict(figures),
        "people_per_second": round(people / figures.seconds),
        "bytes_per_person": round(size / people, 1),
        "goal_seconds": GOALS.get(people),
        "content": made["content"],
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, nargs="+", default=list(GOALS), metavar="N")
    keep("synthesis", {"runs": [measured(people) for people in options.parse_args().people]})
