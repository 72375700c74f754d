"""Intake of one CSV file of 40 columns against its contract (registry.intake.take), side by side with a bare DuckDB
`COPY (SELECT * FROM read_csv(…, all_varchar)) TO parquet` of the same file, which checks nothing.

`python -m bench.intake --rows 2000000` takes the persons of a synthetic data set as a set of `regsosek`, with
the faults that it has; `--dataset FOLDER` takes another. `rules` are what the contract states of its columns, of rows
and of the set; `reasons` what a row can be returned for. Each run is a process of its own, the two sides in
turn; seconds and CPU seconds are those of the work, without starting Python, the peak is that of the process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from bagipakai.core.sources import Contract, Sources
from bagipakai.core.variables import Type
from bagipakai.registry.intake import Taken, faults, take
from bench import measure
from bench.plans import PARQUET, Clock, dataset, peak_mb

DAY, GOAL = date(2026, 11, 26), 250_000  # rows a second, on two cores that do nothing else
THREADS, MEMORY = 2, "500MB"


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--rows", type=int, default=2_000_000)
    told.add_argument("--people", type=int, default=10_000_000)
    told.add_argument("--dataset", type=Path, help="a synthetic nation in clear")
    told.add_argument("--times", type=int, default=3)
    told.add_argument("--side", choices=("intake", "plain"), help=argparse.SUPPRESS)
    told.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = told.parse_args()
    if options.side:
        print(json.dumps(_measured(options.side, options.file)))
        return
    measure.RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=measure.RESULTS.resolve()) as here:
        file = Path(here, "regsosek.csv")
        _write(file, options.rows, options.dataset or dataset(options.people))
        runs: dict[str, list[dict[str, Any]]] = {"intake": [], "plain": []}
        for _ in range(options.times):
            for side, figures in runs.items():
                os.sync()  # what was written before is none of its work
                figures.append(_in_a_process(side, file))
        measure.keep("intake", _compared(runs, file.stat().st_size))


def _contract() -> Contract:
    """That of the source, but no share of faults returns the set: a synthetic nation has many."""
    return replace(Sources.on(DAY)["regsosek"], faulty_at_most=1000)


def _rules(contract: Contract) -> int:
    """How many the contract states."""
    of_columns = [
        (
            column.required,
            column.type is not Type.TEXT,
            column.codes is not None,
            column.pattern is not None,
            (column.low, column.high) != (None, None),
            column.check != "",
            column.is_free,
        )
        for column in contract.columns
    ]
    return sum(map(sum, of_columns)) + len(contract.rules) + len(contract.sets)


def _reasons(contract: Contract) -> int:
    """How many of them a row can be returned for, column by column."""
    return sum(len(faults.of_column(column)) for column in contract.columns) + len(contract.rules) + len(contract.sets)


def _write(file: Path, rows: int, dataset: Path) -> None:
    """Persons of the data set in its order, as a ministry's database would export them."""
    columns = ", ".join(f'"{name}"' for name in _contract().names)
    with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as con:
        persons = f"read_parquet('{dataset}/individu/*/*/*.parquet', hive_partitioning = false)"
        query = f"SELECT {columns} FROM {persons} LIMIT {rows:d}"  # noqa: S608  # our own, in this file
        con.execute(f"COPY ({query}) TO '{file}' (FORMAT csv, HEADER)")


def _in_a_process(side: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.intake", "--side", side, "--file", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _measured(side: str, file: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=file.parent) as here:
        clock = Clock()
        told = _intake(file, Path(here)) if side == "intake" else _plain(file, Path(here))
        return {**clock.told(), "peak_mb": peak_mb(), **told}


def _intake(file: Path, here: Path) -> dict[str, int]:
    taken = take([file], _contract(), here / "out", day=DAY)
    assert isinstance(taken, Taken), taken
    return {"rows": taken.received, "returned": taken.returned}


def _plain(file: Path, here: Path) -> dict[str, int]:
    with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as con:
        query = f"SELECT * FROM read_csv('{file}', all_varchar = true, header = true)"  # noqa: S608  # as above
        found = con.execute(f"COPY ({query}) TO '{here / 'plain.parquet'}' ({PARQUET})").fetchall()
    return {"rows": int(found[0][0])}


def _compared(runs: dict[str, list[dict[str, Any]]], size: int) -> dict[str, Any]:
    middle = {
        side: {name: statistics.median(one[name] for one in figures) for name in figures[0]}
        for side, figures in runs.items()
    }
    intake, plain, contract = middle["intake"], middle["plain"], _contract()
    return {
        "columns": len(contract.columns),
        "rules": _rules(contract),
        "reasons": _reasons(contract),
        "bytes": size,
        **middle,
        "rows_per_second": round(intake["rows"] / intake["seconds"]),
        "cpu_seconds_per_million": round(intake["cpu_seconds"] * 1e6 / intake["rows"], 2),
        "goal_rows_per_second": GOAL,
        "ratio_seconds": round(intake["seconds"] / plain["seconds"], 2),
        "ratio_cpu_seconds": round(intake["cpu_seconds"] / plain["cpu_seconds"], 2),
        "runs": runs,
    }


if __name__ == "__main__":
    main()
