"""Our cell-key table beside that of the ONS package, of the same persons, keys and noise: `python -m bench.cellkeys`.

CPU seconds of the table alone, data in memory on both sides, in one run; every cell is compared. The package stands in
an environment of its own (`var/oracles/cellkey`), made from its pins when it is first asked for.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from tests.registry.disclosure.oracles import oracle

from bagipakai.registry.disclosure.cellkeys import CellKeys, Rule, published, summed
from bagipakai.registry.disclosure.noise import Table, maximum_entropy
from bagipakai.registry.keys import MasterKey
from bench.measure import keep

VERSION = "3.1.0"
DRAWS = 256  # of the package: record keys and cell keys are 0…255
LARGEST, REPEATED = 750, 250  # rows of its table, and how many of the last stand for all larger counts
RULE = Rule(smallest=10)

_ASKED = """
import sys, time
from importlib.metadata import version
from pathlib import Path
import numpy as np, pandas as pd
from cell_key_perturbation.create_perturbed_table import create_perturbed_table
place, wanted, *by = sys.argv[1:]
assert version("cell-key-perturbation") == wanted, version("cell-key-perturbation")
place = Path(place)
data = pd.DataFrame({name: np.load(place / f"{name}.npy") for name in [*by, "record_key"]})
if (place / "changes.npy").exists():
    changes = np.load(place / "changes.npy")
    pcv, ckey = np.indices(changes.shape)
    ptable = pd.DataFrame({"pcv": pcv.ravel() + 1, "ckey": ckey.ravel(), "pvalue": changes.ravel()})
else:
    ptable = pd.read_csv(Path(sys.prefix) / "ptable_10_5_rule.csv")
    np.save(place / "changes.npy", ptable.pivot(index="pcv", columns="ckey", values="pvalue").to_numpy())
began = time.process_time()
table = create_perturbed_table(data, ptable, by[:1], by[1:], "record_key", threshold=10)
cpu = time.process_time() - began
for name in by:
    np.save(place / f"{name}.npy", table[name].to_numpy())
np.save(place / "n.npy", table["pre_sdc_count"].to_numpy())
np.save(place / "shown.npy", table["count"].astype("float").fillna(-1).astype("int64").to_numpy())
print(cpu)
"""


def theirs(people: pa.Table, by: tuple[str, ...], changes: Any = None) -> tuple[dict[tuple[int, ...], Any], Any, float]:
    """What the package shows of each cell that occurs (None where hidden), the changes of the table it used (rows for
    counts from 1 on, a column for each draw), and CPU seconds. Without `changes`, its own 10-5 table."""
    with tempfile.TemporaryDirectory(prefix="bagipakai-oracle-") as folder:
        place = Path(folder)
        for name in (*by, "record_key"):
            np.save(place / f"{name}.npy", people[name].to_numpy())
        if changes is not None:
            np.save(place / "changes.npy", changes)
        command = [str(oracle("cellkey").python), "-c", _ASKED, folder, VERSION, *by]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        cells = zip(*(np.load(place / f"{name}.npy").tolist() for name in by), strict=True)
        counts, shown = (np.load(place / f"{name}.npy").tolist() for name in ("n", "shown"))
        found = {
            cell: value if value >= 0 else None for cell, n, value in zip(cells, counts, shown, strict=True) if n > 0
        }
        assert all(value < 0 for n, value in zip(counts, shown, strict=True) if n == 0)
        return found, np.load(place / "changes.npy"), float(said.split()[-1])


def of_changes(changes: Any) -> Table:
    """The package's table as one of ours."""
    return Table.of_draws([[0] * DRAWS, *changes.tolist()], repeated=REPEATED)


def ours(engine: duckdb.DuckDBPyConnection, by: tuple[str, ...], table: Table) -> dict[tuple[int, ...], Any]:
    """The same from the table `people` by our code: keys of 8 bits, no predicate."""
    cells = summed(engine, "people", by, modulus=DRAWS)
    keys = cells["keys"].to_numpy() << np.uint64(56)
    shown = published(cells["n"].to_numpy(), keys, table, RULE)
    return dict(zip(zip(*(cells[name].to_pylist() for name in by), strict=True), shown.to_pylist(), strict=True))


def some_people(count: int, seed: int) -> pa.Table:
    """A regency, a decile and a sex each, and record keys of 8 bits."""
    random = np.random.default_rng(seed)
    columns = {"kab": 514, "desil": 10, "jenis_kelamin": 2, "record_key": DRAWS}
    return pa.table({name: random.integers(0, most, count) for name, most in columns.items()})


def measured(count: int) -> dict[str, object]:
    people, by = some_people(count, 2026), ("kab", "desil", "jenis_kelamin")
    found, changes, cpu = theirs(people, by)
    table = of_changes(changes)
    with duckdb.connect() as engine:
        engine.register("people", people)
        began = time.process_time()
        mine = ours(engine, by, table)
        our_cpu = time.process_time() - began
        whole = _whole(engine, people, by)
    assert mine == found
    return {
        "people": count,
        "cells": len(found),
        "cells_that_differ": 0,
        "ons_cpu_seconds": round(cpu, 2),
        "our_cpu_seconds": round(our_cpu, 2),
        "ratio": round(cpu / our_cpu, 1),
        "with_keys_of_64_bits_and_predicates_cpu_seconds": whole,
    }


def _whole(engine: duckdb.DuckDBPyConnection, people: pa.Table, by: tuple[str, ...]) -> dict[str, float]:
    """The method as the house uses it, with record keys from tokens and a box in a place for each cell."""
    keys, noise = CellKeys(MasterKey(bytes(range(32))), "individu"), maximum_entropy(5, 3)
    regencies = [int(f"{11 + at // 20}{at % 20 + 1:02}") * 1_000_000 for at in range(514)]
    began = time.process_time()
    record = keys.record_keys(np.arange(len(people), dtype=np.uint64))
    drawn = time.process_time()
    engine.register("keyed", people.drop_columns("record_key").append_column("record_key", pa.array(record)))
    cells = summed(engine, "keyed", by)
    first = np.array(regencies)[cells["kab"].to_numpy()].tolist()
    masks = [
        keys.somewhere({"desil": 2 << desil, "jenis_kelamin": 2 << sex}, [(place, place + 999_999)])
        for place, desil, sex in zip(first, *(cells[name].to_pylist() for name in by[1:]), strict=True)
    ]
    told = keys.boxes(np.array(masks, np.uint64))
    published(cells["n"].to_numpy(), keys.cells(cells["keys"].to_numpy(), told), noise, RULE)
    ended = time.process_time()
    return {"record_keys": round(drawn - began, 2), "table": round(ended - drawn, 2)}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=10_000_000)
    keep("cellkeys", measured(options.parse_args().people))
