"""One command as a whole process tree: seconds, CPU seconds and peak resident memory; results kept as JSON."""

import json
import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path("var/bench")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run. `peak_mb` is the largest sum, over the tree, of what each process holds alone (Pss), in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Figures:
    """Runs `command` once. Raises CalledProcessError if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    peak = _Peak(process.pid)
    peak.start()
    code = process.wait()
    seconds = time.perf_counter() - began
    peak.stopped.set()
    peak.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        raise subprocess.CalledProcessError(code, command)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Figures(round(seconds, 2), round(cpu, 2), round(peak.kilobytes / 1024, 1))


def paired(governed: Sequence[str], plain: Sequence[str], times: int = 3) -> dict[str, Any]:
    """Both commands in turn, `times` each; the figures of both and the ratio of their medians."""
    runs: dict[str, list[Figures]] = {"governed": [], "plain": []}
    for _ in range(times):
        runs["governed"].append(run(governed))
        runs["plain"].append(run(plain))
    middle = {
        side: {name: statistics.median(getattr(one, name) for one in figures) for name in Figures.__dataclass_fields__}
        for side, figures in runs.items()
    }
    return {
        **middle,
        "ratio_seconds": round(middle["governed"]["seconds"] / middle["plain"]["seconds"], 2),
        "ratio_cpu": round(middle["governed"]["cpu_seconds"] / middle["plain"]["cpu_seconds"], 2),
        "runs": {side: [asdict(one) for one in figures] for side, figures in runs.items()},
    }


def keep(name: str, result: Mapping[str, Any]) -> None:
    """Prints `result` and keeps it as `var/bench/{name}.json`."""
    text = json.dumps({"bench": name, "cores": os.cpu_count(), **result}, indent=1)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    print(text)


class _Peak(threading.Thread):
    """Looks at the tree ten times a second."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.kilobytes, self.stopped = root, 0, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.1):
            self.kilobytes = max(self.kilobytes, sum(_held(pid) for pid in _tree(self.root)))


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except (OSError, ValueError):
            continue
    return found


def _held(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    except (OSError, ValueError, IndexError):
        return 0
