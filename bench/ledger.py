"""What a new table costs to be compared with everything that was published before (registry.disclosure.ledger).

Drawn cells of the shape of a nation's tables: a million that were published, in every province, regency and district,
and a new table of three regencies; both ways round, over all levels of places. CPU seconds of looking alone, counts in
memory, and of a whole turn with its sealed files.
"""

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np

from bagipakai.core.envelope import Signer
from bagipakai.registry.disclosure.containment import Box, Cells, Region
from bagipakai.registry.disclosure.ledger import Ledger, Limits, Output, telling
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.regions import regions
from bench.measure import keep

LIMITS = Limits(smallest=10, percent=95, under=100)
SEXES: list[Box] = [{"sex": 1 << at} for at in range(2)]
DECILES: list[Box] = [{"desil": 1 << at} for at in range(10)]
AGES: list[Box] = [{"umur": ((1 << 5) - 1) << 5 * at} for at in range(16)]
CROSSED = ((DECILES, SEXES), (DECILES, AGES), (SEXES, AGES))
TOGETHER = [{**one, **other} for some, others in CROSSED for one in some for other in others]
BOXES: list[Box] = [{}, *SEXES, *DECILES, *AGES, *TOGETHER]
NEW = ("3201", "3273", "5201")


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--cells", type=int, default=1_000_000)
    asked = told.parse_args()
    dice = np.random.default_rng(1)
    codes = ["", *(one.code for level in (1, 2, 3) for one in regions().at_level(level))]
    before = drawn(dice, codes, asked.cells)
    new = drawn(dice, [code for code in codes if code[:4] in NEW], 4_100)
    looked = []
    for _ in range(5):
        began = time.process_time()
        found = sum(1 for one, other in ((new, before), (before, new)) for _ in telling(one, other, LIMITS))
        looked.append(time.process_time() - began)
    keep(
        "ledger",
        {
            "published": len(before),
            "new": len(new),
            "boxes": len(BOXES),
            "places": len(codes),
            "found": found,
            "cpu_seconds": round(median(looked), 3),
            "whole_turn_cpu_seconds": round(turn(before, new), 3),
        },
    )


def drawn(dice: np.random.Generator, codes: list[str], wanted: int) -> Cells:
    """About so many different cells with counts of 10 to 5,000."""
    whole = len(BOXES) * len(codes)
    chosen = dice.choice(whole, min(wanted, whole), replace=False)
    used, region = np.unique(chosen % len(codes), return_inverse=True)
    places: list[Region] = [((int(codes[at].ljust(10, "0")), int(codes[at].ljust(10, "9"))),) for at in used]
    return Cells(BOXES, places, chosen // len(codes), region, dice.integers(10, 5_000, len(chosen)))


def turn(before: Cells, new: Cells) -> float:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), StorageKey(b"b" * 32), Signer.new())
        output, now = Output("O-1", "dinsos", "2026.3.0", "individu"), datetime.now(UTC)
        with ledger.turn():
            ledger.add(output, before, now)
        began = time.process_time()
        with ledger.turn():
            list(ledger.differences(Output("O-2", "dinsos", "2026.3.0", "individu"), new, LIMITS))
            ledger.add(Output("O-2", "dinsos", "2026.3.0", "individu"), new, now)
        return time.process_time() - began


if __name__ == "__main__":
    main()
