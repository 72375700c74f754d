"""The nation rehearsed on one machine: made, published, and the four standard plans run on it, each beside its plain
twin over the data set, which has a file for each regency. Stop it whenever you like; the same command goes on where it
was.

`make nation PEOPLE=290000000`; the figures lie in `var/bench/nation-290000000/nation.json`, and `--page` prints them as
`docs/reference/nation.md`. Each step is a process of its own; its peak is the largest sum of what its processes held.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import measure, plans

PLANS = ("l1-table", "l2-nation", "l3-province", "l4-regency")
PACKAGES = ("duckdb", "pyarrow", "cryptography", "pyrage", "numpy")


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=290_000_000)
    told.add_argument("--page", action="store_true", help="print the figures as a page")
    told.add_argument("--step", choices=("synthesise", "publish"), help=argparse.SUPPRESS)
    options = told.parse_args()
    here = measure.RESULTS / f"nation-{options.people}"
    if options.step:
        _made(options.step, options.people, here)
        return 0
    rehearsal = Rehearsal(here / "nation.json", options.people)
    if options.page:
        print(page(rehearsal.told), end="")
        return 0
    return rehearsal.run()


class Rehearsal:
    """What was measured so far, kept after each step."""

    def __init__(self, file: Path, people: int) -> None:
        self.file, self.people = file, people
        self.told: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"people": people, "steps": {}}

    def run(self) -> int:
        """0, or 130 when it was stopped by hand."""
        for name in ("synthesise", "publish", *PLANS):
            if "seconds" not in self.told["steps"].get(name, {}):
                print(f"{datetime.now(UTC):%H:%M:%S}  {name}", file=sys.stderr, flush=True)
                began = time.perf_counter()
                try:
                    found = self._plan(name) if name in PLANS else self._make(name)
                except KeyboardInterrupt:
                    self._keep(name, {"stopped": [*self._stopped(name), round(time.perf_counter() - began, 1)]})
                    print(f"Berhenti dalam {name}; perintah yang sama melanjutkan.", file=sys.stderr)
                    return 130
                self._keep(name, {**found, "stopped": self._stopped(name)})
        print(json.dumps(self.told, indent=1))
        return 0

    def _stopped(self, name: str) -> list[float]:
        """The seconds of earlier tries that were stopped."""
        return list(self.told["steps"].get(name, {}).get("stopped", ()))

    def _make(self, name: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "bench.nation", "--people", str(self.people), "--step", name]
        figures = measure.run(command)
        folder = self.file.parent / {"synthesise": "dataset", "publish": "releases"}[name]
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return {**{what: getattr(figures, what) for what in figures.__dataclass_fields__}, "bytes": size}

    def _plan(self, name: str) -> dict[str, Any]:
        release = str((self.file.parent / "releases" / plans.VERSION).resolve())
        sides = {}
        for side in ("governed", "plain", "shares"):
            command = [sys.executable, "-m", "bench.data", "--case", name, "--side", side, "--release", release]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            sides[side] = json.loads(done.stdout)
        governed, plain, shares = sides["governed"], sides["plain"], sides["shares"]
        return {
            **governed,
            "plain": plain,
            "ratio_seconds": round(governed["seconds"] / plain["seconds"], 2),
            "ratio_cpu": round(governed["cpu_seconds"] / plain["cpu_seconds"], 2),
            "shares_of_cpu": {part: round(one / shares["cpu_seconds"], 3) for part, one in shares["parts"].items()},
        }

    def _keep(self, name: str, found: dict[str, Any]) -> None:
        self.told["steps"][name] = found
        self.told |= {
            "command": f"make nation PEOPLE={self.people}",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": _machine(),
            "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(self.told, indent=1) + "\n")
        draft.replace(self.file)


def _made(step: str, people: int, here: Path) -> None:
    if step == "synthesise":
        plans.dataset(people)
    else:
        plans.nation(people)


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    disk = os.statvfs(measure.RESULTS)
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "disk_free_gb": round(disk.f_bavail * disk.f_frsize / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }


def page(told: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine, steps = told["machine"], told["steps"]
    lines = [
        "# The nation rehearsed",
        "",
        f"{told['people']:,} synthetic persons on {machine['cores']} cores with {machine['memory_gb']} GB, "
        f"{told['date']}, by `{told['command']}` (`bench/nation.py`); this page by the same with `--page`.",
        "",
        "| step | seconds | CPU s | peak MB | rows | bytes | to the plain `COPY`: wall, CPU |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for name, one in steps.items():
        ratio = f"{one['ratio_seconds']} ×, {one['ratio_cpu']} ×" if "ratio_cpu" in one else "–"
        rows = f"{one['rows']:,}" if "rows" in one else "–"
        stopped = f" (+ {sum(one['stopped']):,.0f} stopped)" if one["stopped"] else ""
        lines.append(
            f"| {name} | {one['seconds']:,.1f}{stopped} | {one['cpu_seconds']:,.1f} | {one['peak_mb']:,.0f} | {rows} "
            f"| {one['bytes']:,} | {ratio} |"
        )
    lines += [
        "",
        "`stopped`: seconds of earlier tries of that step that were stopped; what they had finished was kept. Bytes: "
        "of the data set in clear, of the release sealed, of a package. The disk must hold data set, release, and "
        "the largest package with its plain twin.",
        "",
        "Where the CPU time of a governed plan goes:",
        "",
    ]
    for name in PLANS:
        if name in steps:
            shares = sorted(steps[name]["shares_of_cpu"].items(), key=lambda one: -one[1])
            lines.append(f"* **{name}**: " + ", ".join(f"{part} {100 * share:.0f} %" for part, share in shares))
    return "\n".join([*lines, "", "The same as JSON:", "", "```json", json.dumps(told, indent=1), "```", ""])


if __name__ == "__main__":
    sys.exit(main())
