"""The standard plans at the size of a nation: the whole governed delivery (sealed files opened block by block,
selection, pseudonyms, disclosure check, membership, secret row order, format, digests, age, signature) against a plain
DuckDB COPY of the same query over the same rows in clear, in the same files (laid open beside the release); and
`list-nik`, a list of a million NIKs joined with the sealed release, against the bare join. `l1-table` is of variables
that were counted when the release was published (policies/tallies.toml), `l1-untallied` of one that was not.

`python -m bench.data --people 50000000` makes the release under `var/bench` if it is not there. Each run is a process
of its own, the two sides in turn; its figures are of the second time that it does the work, as a worker's next order,
and `first_…` of the first, without starting Python. Ratios are what to compare: the machine cancels out. `core` is the
chain without membership and secret row order; each part's share is told from one more run, in which the CPU time around
each part was taken. `--scale` does the same at 1 and 10 million too, and tells the cost of a row at each size against
that of the smallest.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bagipakai.registry.releases import Release
from bench import measure, plans

CASES = ("l1-table", "l1-untallied", "l2-nation", "l2-alike", "l4-regency", plans.LIST)
ON_TOP = ("membership", "secret row order")
SIZES = (1_000_000, 10_000_000)


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=50_000_000)
    told.add_argument("--times", type=int, default=3)
    told.add_argument("--case", choices=(*plans.CASES, plans.LIST), action="append")
    told.add_argument("--scale", action="store_true", help="the cost of a row at 1, 10 million and --people")
    told.add_argument("--release", type=Path, help=argparse.SUPPRESS)
    told.add_argument("--side", choices=("governed", "plain", "shares"), help=argparse.SUPPRESS)
    options = told.parse_args()
    if options.side:
        side = "plain" if options.side == "plain" else "governed"
        print(json.dumps(plans.measured(side, options.case[0], options.release, options.side == "shares")))
        return
    cases = options.case or CASES
    for name in cases:
        sizes = [*(SIZES if options.scale else ()), options.people]
        found = {people: _compared(name, plans.nation(people), options.times) for people in sizes}
        if options.scale:
            costs = {people: _cost(one) for people, one in found.items()}
            least = costs[min(sizes)]
            found[options.people]["cost_of_a_row"] = {
                str(people): {"cpu_ns": round(cost), "to_the_smallest": round(cost / least, 2)}
                for people, cost in costs.items()
            }
        measure.keep(f"data-{name}", found[options.people])


def _compared(name: str, folder: Path, times: int) -> dict[str, Any]:
    release = Release.open(folder.parent, folder.name)
    plans.lay_open(release)
    if name == plans.LIST:
        plans.numbers(release)  # made here, so that no run pays for it
    runs: dict[str, list[dict[str, Any]]] = {"governed": [], "plain": []}
    for _ in range(times):
        for side, figures in runs.items():
            figures.append(_in_a_process(name, side, folder))
    middle = {
        side: {what: statistics.median(one[what] for one in figures) for what in figures[0]}
        for side, figures in runs.items()
    }
    governed, plain = middle["governed"], middle["plain"]
    by_part = _in_a_process(name, "shares", folder)
    shares = {part: round(seconds / by_part["cpu_seconds"], 3) for part, seconds in by_part["parts"].items()}
    core = 1 - sum(shares.get(part, 0.0) for part in ON_TOP)
    return {
        "people": release.person_count,
        "governed": governed,
        "plain": plain,
        "ratio_seconds": round(governed["seconds"] / plain["seconds"], 2),
        "ratio_cpu": round(governed["cpu_seconds"] / plain["cpu_seconds"], 2),
        "ratio_cpu_core": round(core * governed["cpu_seconds"] / plain["cpu_seconds"], 2),
        "shares_of_cpu": shares,
        "runs": runs,
    }


def _cost(found: dict[str, Any]) -> float:
    """CPU nanoseconds for each person of the release."""
    return 1e9 * found["governed"]["cpu_seconds"] / found["people"]


def _in_a_process(name: str, side: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.data", "--case", name, "--side", side, "--release", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
