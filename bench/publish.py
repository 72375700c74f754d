"""How fast a data set becomes a release, read whole and measured: `python -m bench.publish --people 10000000`."""

import argparse
import shutil
import sys
from dataclasses import asdict

from bench import measure
from bench.synthesis import FOLDER, synthesised

STORE = measure.RESULTS / "terbitan"


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--people", type=int, default=10_000_000)
    people = told.parse_args().people
    synthesised(people, FOLDER)
    shutil.rmtree(STORE, ignore_errors=True)
    command = [sys.executable, "-m", "bagipakai.cli", "registry", "publish", str(FOLDER), "--version", "2026.3.0"]
    took = measure.run([*command, "--releases", str(STORE)])
    measure.keep("publish", {"people": people, **asdict(took), "people_per_second": round(people / took.seconds)})
    shutil.rmtree(FOLDER)
    shutil.rmtree(STORE)


if __name__ == "__main__":
    main()
