"""What a new table costs to be looked at beside all that were published of its regency (registry.disclosure.union).

One regency of drawn persons, with all the two-way tables of six variables, of everybody and of some of them, in which
every count of at least T is shown: of a whole regency, and of some hundreds of people, of whom 60 tables tell much
(disclosure reference 5, cumulative). CPU seconds of the last table beside the others, for the touched regency.
"""

import argparse
import time
from itertools import combinations, product
from statistics import median

import numpy as np

from bagipakai.registry.disclosure.containment import Box, Cells
from bagipakai.registry.disclosure.sums import World
from bagipakai.registry.disclosure.union import isolated
from bench.measure import keep

SIZES = {"desil": 10, "jenis_kelamin": 2, "umur": 5, "ijazah": 5, "status": 4, "disabilitas": 2}
WORLD = World({name: (1 << size) - 1 for name, size in SIZES.items()}, 3201_000000 + np.arange(1, 400))
REGENCY = ((3201_000000, 3201_999999),)
SMALLEST = 10


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--tables", type=int, default=60)
    told.add_argument("--people", type=int, nargs="+", default=[800, 20_000, 2_000_000])
    asked = told.parse_args()
    results = {}
    for people in asked.people:
        tables = drawn(np.random.default_rng(1), people, asked.tables)
        *others, new = tables
        looked = []
        for _ in range(3):
            began = time.process_time()
            found = list(isolated(new, others, SMALLEST, WORLD))
            looked.append(time.process_time() - began)
        results[people] = {
            "counts": sum(map(len, tables)),
            "found": len(found),
            "undecided": found.count(None),
            "cpu_seconds": round(median(looked), 3),
        }
    keep("union", {"tables": asked.tables, "people": results})


def drawn(dice: np.random.Generator, people: int, wanted: int) -> list[Cells]:
    """Persons whose values are unequally likely and independent; tables of two variables, filtered by one value of a
    third or not."""
    who = {name: dice.choice(size, people, p=_shares(size)) for name, size in SIZES.items()}
    names = list(combinations(SIZES, 2))
    filters: list[tuple[str, int] | None] = [
        None,
        *((name, size - at) for at in range(1, 4) for name, size in SIZES.items() if at <= size),
    ]
    asked = [(pair, one) for one, pair in product(filters, names) if one is None or one[0] not in pair]
    return [_table(who, pair, one) for pair, one in asked[:wanted]]


def _shares(size: int) -> list[float]:
    return [2 * (1 + at) / (size * (size + 1)) for at in range(size)]


def _table(who: dict[str, np.ndarray], pair: tuple[str, str], only: tuple[str, int] | None) -> Cells:
    chosen = np.ones(len(who[pair[0]]), bool) if only is None else who[only[0]] == only[1]
    box: Box = {} if only is None else {only[0]: 1 << only[1]}
    one, other = (who[name][chosen] for name in pair)
    counts = np.bincount(one * SIZES[pair[1]] + other, minlength=SIZES[pair[0]] * SIZES[pair[1]])
    cells = [{**box, pair[0]: 1 << a, pair[1]: 1 << b} for a in range(SIZES[pair[0]]) for b in range(SIZES[pair[1]])]
    shown = np.flatnonzero(counts >= SMALLEST)
    return Cells(
        [cells[at] for at in shown], [REGENCY], np.arange(len(shown)), np.zeros(len(shown), int), counts[shown]
    )


if __name__ == "__main__":
    main()
