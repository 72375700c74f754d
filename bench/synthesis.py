"""How fast the synthetic nation is made, and in how much memory: `python -m bench.synthesis --people 10000000`."""

import argparse
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from bench import measure

FOLDER = measure.RESULTS / "bangsa"


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--people", type=int, default=10_000_000)
    people = told.parse_args().people
    measure.keep("synthesis", {"people": people, **synthesised(people, FOLDER)})
    shutil.rmtree(FOLDER)


def synthesised(people: int, folder: Path) -> dict[str, float]:
    """Makes the nation in `folder`, which is emptied first; what it took."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bagipakai.cli", "registry", "synthesise"]
    took = measure.run([*command, "--people", str(people), "--seed", "2026", "--out", str(folder)])
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        **asdict(took),
        "people_per_second": round(people / took.seconds),
        "bytes_per_person": round(size / people, 1),
    }


if __name__ == "__main__":
    main()
