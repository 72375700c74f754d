"""Secondary suppression and its audit on a nation of synthetic counts: `python -m bench.suppression [--sizes …]`.

small  38 provinces and 514 regencies × decile × sex: 18,249 cells     large  districts too: about 259,000 cells

The counts are made so that about 548 (small) and 3,329 (large) cells hold 1 to 4, the tables of disclosure reference
§6.2; empty cells are structural there. `plain` is the attacker of that trial, who knows that counts are not negative
and nothing else. `full` knows the rule too, and every person what he is alone in; nothing is structural to him.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from tests.registry.disclosure.trees import flat, nested

from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.audit import audit
from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.secondary import ANY, Wanted, suppressed
from bagipakai.registry.disclosure.suppression import protected
from bagipakai.registry.disclosure.tables import Counts, Cube, TableRule, summed
from bagipakai.registry.regions import regions
from bench.measure import keep

SIZES = {"small": (2, 548), "large": (3, 3329)}  # levels of areas, cells that hold 1 to 4
T = 5


def nation(size: str) -> tuple[tuple[Hierarchy, ...], Counts]:
    """The hierarchies and the counts, always the same: areas differ in size, and in each the deciles lean one way."""
    levels, wanted = SIZES[size]
    areas = nested("wilayah", (_path(one.code, levels) for one in regions().at_level(levels)), 10_000)
    trees = (areas, flat("desil", range(1, 11), 100), flat("jenis_kelamin", ("L", "P"), 100))
    assert not any(isinstance(tree, Refusal) for tree in trees)
    low, high = 1.0, 1e6
    for _ in range(30):  # the fewer people, the more small cells
        middle = (low * high) ** 0.5
        counts = _counts(trees, middle)
        low, high = (middle, high) if ((counts > 0) & (counts < T)).sum() > wanted else (low, middle)
    return trees, counts


def _path(code: str, levels: int) -> tuple[str, ...]:
    return tuple(code[:digits] for digits in (2, 4, 6)[:levels])


def _counts(trees: tuple[Hierarchy, ...], mean: float) -> Counts:
    chance = np.random.default_rng(20260701)
    shape = tuple(map(len, trees))
    leaves = len(trees[0].leaves)
    size = chance.lognormal(0.0, 1.0, (leaves, 1, 1))
    lean = np.exp(np.outer(chance.normal(0, 0.15, leaves), np.arange(10) - 4.5) + chance.normal(0, 0.3, (leaves, 10)))
    finest = chance.poisson(mean * size * lean[:, :, None] / lean.mean(1)[:, None, None] * np.ones(2))
    grid = np.zeros(shape, np.int64)
    grid[np.ix_(trees[0].leaves, trees[1].leaves, trees[2].leaves)] = finest
    return summed(trees, grid)


def plain(size: str) -> dict[str, Any]:
    """Against the attacker of the reference trial."""
    trees, counts = nation(size)
    primary = (counts > 0) & (counts < T)
    nobody = np.full(counts.shape, -1)
    began = time.process_time()
    wanted = Wanted(T - counts, counts, np.full(counts.shape, ANY), nobody, counts == 0)
    done = suppressed(trees, counts, primary, wanted)
    took = time.process_time() - began
    cells = zip(done.hidden.ravel().tolist(), counts.ravel().tolist(), strict=True)
    published = [None if hidden else count for hidden, count in cells]
    began = time.process_time()
    narrow = audit(trees, published, dict.fromkeys(np.flatnonzero(primary).tolist(), T))
    return {
        "cells": counts.size,
        "primaries": int(primary.sum()),
        "secondaries_per_primary": round(int((done.hidden & ~primary).sum()) / int(primary.sum()), 3),
        "narrow": len(narrow),
        "suppression_cpu_seconds": round(took, 2),
        "audit_cpu_seconds": round(time.process_time() - began, 2),
        "peak_mb": _peak(),
    }


def full(size: str) -> dict[str, Any]:
    """Against everything: nobody is a small number too, the rule is known, so is what one is alone in. Suppression,
    audits and repairs together, as a table is really made."""
    trees, counts = nation(size)
    rule = TableRule(T, T, 0, 10**9, 100, 95, 100, 10, 90, 10, 0, {})
    cube = Cube(trees, counts, counts, families_add_up=True)
    began = time.process_time()
    done = protected(cube, rule)
    took = time.process_time() - began
    if isinstance(done, Refusal):
        return {"refused": done.code, "cpu_seconds": round(took, 2)}
    return {
        "cells": counts.size,
        "primaries": int(done.primary.sum()),
        "secondaries_per_primary": round(done.secondary / int(done.primary.sum()), 3),
        "cpu_seconds": round(took, 2),
        "peak_mb": _peak(),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    asked = told.parse_args()
    parts = {"plain": plain, "full": full}
    found: dict[str, Any] = {}
    for size in asked.sizes:
        for name, part in parts.items():  # each in a process of its own, whose memory is its own
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                found.setdefault(size, {})[name] = alone.submit(part, size).result()
    keep("suppression", found)


if __name__ == "__main__":
    main()
