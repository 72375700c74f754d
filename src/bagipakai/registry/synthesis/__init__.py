"""A synthetic nation: real regions, invented families. The same people and seed give the same content on any machine,
with any number of processes; nobody in it exists.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa

from bagipakai.core.canonical import digest
from bagipakai.core.variables import Catalogue
from bagipakai.registry.datasets import DATASET, FORM, Written
from bagipakai.registry.digest import combined
from bagipakai.registry.folders import Progress, in_the_making
from bagipakai.registry.regions import EDITION, SYSTEM
from bagipakai.registry.synthesis.nation import Nation, Share, divide, numbers
from bagipakai.registry.synthesis.regency import make
from bagipakai.registry.synthesis.sources import lineage


def synthesise(
    people: int, seed: int, out: Path, processes: int | None = None, told: Callable[[int], object] | None = None
) -> dict[str, Any]:
    """Writes `people` persons and their families as the folder `out`, which appears whole or not at all; returns what
    `dataset.json` says. `told` hears the number of persons after each regency. What an interrupted call had made, the
    next one takes up.

    Raises ValueError for an impossible size or seed, FileExistsError if `out` holds anything.
    """
    if not 0 <= seed < 2**63:
        raise ValueError("a seed from 0 to 2^63-1")
    nation, catalogue = divide(people, seed), Catalogue.on(numbers()["reference_day"])
    files: dict[str, Written] = {}
    what = digest([FORM, people, seed, catalogue.digest])
    # Not durable: it can be made again, and is read whole when published.
    with in_the_making(out, durable=False, what=what) as folder:
        for share, written in _made(nation, folder, processes or os.cpu_count() or 1):
            files |= {one.path: one for one in written}
            if told is not None:
                told(share.persons)
        dataset = _described(nation, catalogue, files)
        (folder / DATASET).write_text(json.dumps(dataset, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return dataset


@dataclass(frozen=True, slots=True)
class _Task:
    share: Share
    families: int
    seed: int
    folder: Path


def _made(nation: Nation, folder: Path, processes: int) -> Iterator[tuple[Share, list[Written]]]:
    """Each regency and its files, as they are finished; the largest first, so that no process is left with one."""
    progress, tasks = Progress(folder), []
    for share in sorted(nation.shares, key=lambda share: -share.persons):
        if share.kab in progress.done:
            yield share, [Written(**one) for one in progress.done[share.kab]]
        else:
            tasks.append(_Task(share, nation.families, nation.seed, folder))
    for share, written in _run(tasks, processes):
        progress.add(share.kab, [asdict(one) for one in written])
        yield share, written


def _run(tasks: list[_Task], processes: int) -> Iterator[tuple[Share, list[Written]]]:
    if processes == 1:
        yield from ((task.share, _regency(task)) for task in tasks)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _alone) as pool:
        running = {pool.submit(_regency, task): task.share for task in tasks}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _alone() -> None:
    """A process makes one regency at a time and shares the cores with the others. Ctrl-C is its parent's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def _regency(task: _Task) -> list[Written]:
    catalogue = Catalogue.on(numbers()["reference_day"])
    return make(task.share, task.families, task.seed, catalogue, task.folder)


def _described(nation: Nation, catalogue: Catalogue, files: dict[str, Written]) -> dict[str, Any]:
    return {
        "form": FORM,
        "synthetic": True,
        "people": nation.people,
        "families": nation.families,
        "seed": nation.seed,
        "reference_day": numbers()["reference_day"].isoformat(),
        "standard": catalogue.standard,
        "catalogue": catalogue.digest,
        "region_system": SYSTEM,
        "region_edition": EDITION,
        "lineage": lineage(catalogue, numbers()["reference_day"]).to_json(),
        "content": combined({path: one.content for path, one in files.items()}),
        "files": [asdict(files[path]) for path in sorted(files)],
    }
