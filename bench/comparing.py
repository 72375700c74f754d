"""Two releases side by side (registry.comparing): a synthetic nation and itself a quarter later, who differs and whom a
programme's line would gain or lose.

`python -m bench.comparing --people 10000000` makes both releases under `var/bench` if they are not there;
`--releases OLD NEW` takes two others of invented people that bench made, one may be both. Each run is a process of its
own; seconds and CPU seconds are those of the work without starting Python, the peak is that of the process, and `laid`
the most that it held in files without a name.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bagipakai.core.plan import Unit
from bagipakai.registry.comparing import difference, impact
from bagipakai.registry.publishing import publish
from bagipakai.registry.releases import Release
from bagipakai.registry.synthesis.following import follow
from bench import measure, plans

CASES = ("difference", "impact-persons", "impact-families")
LATER = "2026.4.0"


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=10_000_000)
    told.add_argument("--releases", type=Path, nargs=2, metavar=("OLD", "NEW"))
    told.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    options = told.parse_args()
    old, new = options.releases or (plans.nation(options.people), _later(options.people))
    if options.case:
        print(json.dumps(_measured(options.case, old, new)))
        return
    found = {case: _in_a_process(case, old, new) for case in CASES}
    people = [Release.open(one.parent, one.name).person_count for one in (old, new)]
    measure.keep(f"comparing-{people[0]}", {"people": people, **found})


def _later(people: int) -> Path:
    """The release a quarter after that of so many people."""
    before = plans.dataset(people)
    releases = before.parent / "releases"
    if not (releases / LATER).is_dir():
        data = before.parent / "following"
        if not data.is_dir():
            follow(before, 2026, data)
        release = publish(data, releases, LATER, datetime.now(UTC), plans.STORAGE)
        assert isinstance(release, Release), release
        shutil.rmtree(data)
    return (releases / LATER).resolve()


def _in_a_process(case: str, old: Path, new: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.comparing", "--case", case, "--releases", str(old), str(new)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _measured(case: str, *folders: Path) -> dict[str, Any]:
    releases = [Release.open(folder.parent, folder.name) for folder in folders]
    unit = Unit.KELUARGA if case == "impact-families" else Unit.INDIVIDU
    work: Callable[..., object] = partial(difference, *releases, plans.STORAGE)
    if case != "difference":
        work = partial(impact, *releases, plans.STORAGE, unit, plans.POOR)
    laid = _Laid()
    measure.RESULTS.mkdir(parents=True, exist_ok=True)
    clock = plans.Clock()
    work(told=laid, room=measure.RESULTS)
    rows = sum(release.manifest["rows"][unit.value] for release in releases)
    return {**clock.told(), "peak_mb": plans.peak_mb(), "rows": rows, "laid_mb": laid.most >> 20}


class _Laid:
    """Looks, each time it is told of rows, at how much lies in files of this process that have no name."""

    def __init__(self) -> None:
        self.most = 0

    def __call__(self, _: int) -> None:
        self.most = max(self.most, sum(_size(handle) for handle in Path("/proc/self/fd").iterdir()))


def _size(handle: Path) -> int:
    try:
        found = handle.stat()
    except OSError:  # that of the listing itself
        return 0
    return 0 if found.st_nlink else found.st_size


if __name__ == "__main__":
    main()
