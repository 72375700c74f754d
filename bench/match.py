"""Matching side by side with Splink as its documentation recommends it: the same list, the same registry, in turn.

`python -m bench.match` makes registries of 1 and 5 million persons under `var/bench/match-…` if they are not there, and
lists of 10,000 and 100,000 rows, indexes each registry, and trains Splink's model once on 100,000 persons. A side is a
process of its own; its figures are of one upload without starting Python: the list read, matched, the result written.
Splink's side loads and cleans the registry for each upload, as it must; ours opens the index, which is made once per
release and whose cost is told apart. `person`: 300 single persons asked of the index of 5 million, one at a time.
`growth`: ours on the largest registry against the smallest, in turn. Accuracy is `bench.scoring`'s; here each side's
share of right answers is told so that nobody is fast by being wrong.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import index, lists, model, sources
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.results import result, write
from bagipakai.registry.synthesis.lists import a_list, registry
from bagipakai.registry.vault import ShelfKey
from bench import measure
from bench.plans import Clock, peak_mb

DAY = date(2026, 11, 26)
SIZES = (1_000_000, 5_000_000)
ROWS = (10_000, 100_000)
SENDER = "dinas sosial"  # a list with every column
PERSONS = 300
STORAGE = StorageKey(bytes(32))  # of no house: these people are nobody
SAMPLE = (100_000, 10_000)  # what Splink's model is trained on


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--times", type=int, default=3)
    told.add_argument("--people", type=int, action="append")
    told.add_argument("--side", choices=("ours", "splink", "index", "person"), help=argparse.SUPPRESS)
    told.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    told.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    options = told.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.folder, options.rows)))
        return
    sizes = tuple(options.people or SIZES)
    found: dict[str, Any] = {}
    _model()
    for people in sizes:
        folder = _made(people)
        built = _in_a_process("index", folder, 0)
        found[f"index {people}"] = {**built, "cpu_seconds_per_million": round(built["cpu_seconds"] / people * 1e6, 2)}
        for rows in ROWS:
            runs: dict[str, list[dict[str, Any]]] = {"ours": [], "splink": []}
            for _ in range(options.times):
                for side, figures in runs.items():
                    figures.append(_in_a_process(side, folder, rows))
            found[f"{rows} on {people}"] = _compared(runs)
    found["person"] = _in_a_process("person", _made(max(sizes)), 0)
    if len(sizes) > 1:
        found["growth"] = _growth(_made(min(sizes)), _made(max(sizes)), 2 * options.times + 1)
    measure.keep("match", found)


def _compared(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    middle = {
        side: {name: statistics.median(one[name] for one in figures) for name in figures[0]}
        for side, figures in runs.items()
    }
    return {
        **middle,
        "ratio_cpu": round(middle["ours"]["cpu_seconds"] / middle["splink"]["cpu_seconds"], 3),
        "runs": runs,
    }


def _growth(less: Path, more: Path, times: int) -> dict[str, Any]:
    """What a list costs with the larger registry against the smaller: ours alone, the two in turn."""
    told: dict[str, Any] = {}
    for rows in ROWS:
        spent: dict[Path, list[float]] = {less: [], more: []}
        for _ in range(times):
            for folder, seconds in spent.items():
                seconds.append(_in_a_process("ours", folder, rows)["cpu_seconds"])
        middle = statistics.median(spent[more]) / statistics.median(spent[less])
        told[str(rows)] = {"ratio_cpu": round(middle, 2), "less": spent[less], "more": spent[more]}
    return told


def _in_a_process(side: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.match", "--side", side, "--folder", str(folder), "--rows", str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _made(people: int) -> Path:
    """The registry, its lists and their truth, as files."""
    folder = measure.RESULTS / f"match-{people}"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        persons = registry(people, 2026)
        pq.write_table(persons, folder / "registry.parquet")
        for rows in ROWS:
            if rows <= people // 3:
                given, truth = a_list(persons, rows, 2027, "typical", SENDER)
                pq.write_table(given, folder / f"list-{rows}.parquet")
                pq.write_table(truth, folder / f"truth-{rows}.parquet")
        (folder / "done").touch()
    return folder


def _index(folder: Path, _: int) -> dict[str, Any]:
    """Made anew each time; the last one is what the lists are matched by."""
    target, key = folder / "index", ShelfKey.new("index/bench")
    if target.exists():
        shutil.rmtree(target)
    clock = Clock()
    made = index.build(sources.people_of_file(folder / "registry.parquet"), target, key, {"file": "bench"}, STORAGE)
    size = sum(one.stat().st_size for one in target.iterdir())
    return {**clock.told(), "peak_mb": peak_mb(), "bytes_per_person": round(size / made["persons"])}


def _opened(folder: Path) -> index.Index:
    return index.Index.open(folder / "index", ShelfKey.unwrapped(folder / "index", "index/bench", STORAGE))


def _ours(folder: Path, rows: int) -> dict[str, Any]:
    clock = Clock()
    weights, given = model.opened(), lists.read(folder / f"list-{rows}.parquet", day=DAY)
    assert isinstance(weights, model.Model) and isinstance(given, lists.ListFile)
    found = Matching(_opened(folder), weights, Decision.on(DAY)).of(features(given.table, DAY, given.values))
    told = result(given.table["list_id"], found)
    write(told, folder / "result.parquet")
    return {**clock.told(), **_held(), **_right(folder, rows, told)}


def _held() -> dict[str, int]:
    """Memory beyond mapped files, at its end, and at its most with them."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"peak_mb": peak_mb(), "unmapped_mb": int(status["RssAnon"].split()[0]) // 1024}


def _person(folder: Path, _: int) -> dict[str, Any]:
    weights, opened = model.opened(), _opened(folder)
    assert isinstance(weights, model.Model)
    matching = Matching(opened, weights, Decision.on(DAY))
    given = features(pq.read_table(folder / f"list-{ROWS[0]}.parquet").slice(0, PERSONS), DAY)
    took = []
    for at in range(len(given)):
        began = time.perf_counter()
        matching.of(given.slice(at, 1))
        took.append(time.perf_counter() - began)
    took.sort()
    return {
        "median_ms": round(1000 * statistics.median(took), 1),
        "p95_ms": round(1000 * took[len(took) * 95 // 100], 1),
    }


def _right(folder: Path, rows: int, told: pa.Table) -> dict[str, float]:
    truth = pq.read_table(folder / f"truth-{rows}.parquet")
    known = dict(zip(*(truth[name].to_pylist() for name in ("list_id", "registry_id")), strict=True))
    given = dict(zip(*(told[name].to_pylist() for name in ("list_id", "registry_id")), strict=True))
    right = sum(one is not None and given.get(name) == one for name, one in known.items())
    answered = sum(one is not None for one in given.values())
    there = sum(one is not None for one in known.values())
    return {"f1": round(2 * right / (answered + there), 5)}


# --- Splink, as its documentation and the matching reference (§6.2) have it ---


def _settings() -> dict[str, Any]:
    import splink.comparison_library as cl
    from splink import SettingsCreator, block_on

    made = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="unique_id",
        comparisons=[
            cl.DamerauLevenshteinAtThresholds("nik", [1, 2]),
            cl.JaroWinklerAtThresholds("nama", [0.93, 0.85]).configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("lahir", input_is_string=False),
            cl.ExactMatch("no_kk"),
            cl.JaroWinklerAtThresholds("nama_ibu", [0.93, 0.85]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("jenis_kelamin"),
            cl.ExactMatch("kode_desa"),
            cl.ExactMatch("kode_kab"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("nik"),
            block_on("nama", "lahir"),
            block_on("no_kk", "jenis_kelamin"),
            block_on("nama_ibu", "lahir"),
            block_on("lahir", "kode_kec"),
            block_on("nama", "kode_kab"),
        ],
    )
    told: dict[str, Any] = made.create_settings_dict("duckdb")
    return told


_CLEAN = """
CREATE OR REPLACE TABLE {name} AS SELECT
    {id} AS unique_id, nik, no_kk, upper(trim(nama)) AS nama, upper(trim(nama_ibu)) AS nama_ibu,
    {born} AS lahir, left(upper(jenis_kelamin), 1) AS jenis_kelamin, kode_desa, kode_kec, kode_kab
FROM read_parquet('{file}') {some}
"""
_BORN = "coalesce(try_strptime(tanggal_lahir, ['%d-%m-%Y', '%Y-%m-%d', '%d/%m/%Y', '%-d/%-m/%Y']), NULL)::DATE"


def _loaded(con: duckdb.DuckDBPyConnection, folder: Path, rows: int, some: str = "") -> list[Any]:
    from splink import DuckDBAPI

    files = (("rows", "list_id", _BORN, folder / f"list-{rows}.parquet", ""),
             ("persons", "registry_id", "tanggal_lahir", folder / "registry.parquet", some))  # fmt: skip
    for name, ids, born, file, limit in files:
        con.execute(_CLEAN.format(name=name, id=ids, born=born, file=file, some=limit))
    api = DuckDBAPI(connection=con)
    return [api.register(name, dataset_display_name=name) for name in ("rows", "persons")]


def _model() -> Path:
    """Splink's model of these comparisons, trained as its documentation says, on a sample."""
    import logging

    from splink import Linker, block_on

    path = measure.RESULTS / "match-splink.json"
    if not path.exists():
        logging.getLogger("splink").setLevel(logging.ERROR)
        people, rows = SAMPLE
        folder = measure.RESULTS / f"match-{people}"
        folder.mkdir(parents=True, exist_ok=True)
        persons = registry(people, 2028)
        pq.write_table(persons, folder / "registry.parquet")
        pq.write_table(a_list(persons, rows, 2029, "typical", SENDER)[0], folder / f"list-{rows}.parquet")
        with duckdb.connect() as con:
            linker = Linker(_loaded(con, folder, rows), _settings())
            linker.training.estimate_probability_two_random_records_match([block_on("nik")], recall=0.85)
            linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
            for rule in (block_on("nik"), block_on("nama", "lahir"), block_on("nama_ibu", "kode_kec")):
                linker.training.estimate_parameters_using_expectation_maximisation(rule)
            told = linker.misc.save_model_to_json()
            told["sampled"] = people
            path.write_text(json.dumps(told))
    return path


def _splink(folder: Path, rows: int) -> dict[str, Any]:
    import logging

    from splink import Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    told = json.loads(_model().read_text())
    people = pq.ParquetFile(folder / "registry.parquet").metadata.num_rows
    told["probability_two_random_records_match"] *= told.pop("sampled") / people
    clock = Clock()
    with duckdb.connect() as con:
        linker = Linker(_loaded(con, folder, rows), told)
        found = linker.inference.predict(threshold_match_probability=0.5)
        best = con.sql(f"""
            SELECT CAST(unique_id_r AS VARCHAR) AS list_id,
                CAST(arg_max(unique_id_l, match_weight) AS BIGINT) AS registry_id
            FROM {found.physical_name} GROUP BY unique_id_r
        """).to_arrow_table()  # noqa: S608  # Splink's own name
        pq.write_table(best, folder / "result-splink.parquet")
    return {**clock.told(), "peak_mb": peak_mb(), "unmapped_mb": peak_mb(), **_right(folder, rows, best)}


SIDES = {"ours": _ours, "splink": _splink, "index": _index, "person": _person}

if __name__ == "__main__":
    main()
