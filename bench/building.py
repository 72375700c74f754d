"""What building the next data set from handed-in sets costs, and what comes out: `python -m bench.building --people N`.

By the commands anybody would type: a synthetic nation is published and indexed, the quarter after it is made, five
sources tell of it, their sets are taken in; then `registry build` is measured. What was built is compared with the
quarter that was told of, published, and its identities carried over from the release before.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.registry.matching.carrying import Same, Side, linked
from bagipakai.registry.matching.sources import CALLED, COMPARED
from bagipakai.registry.synthesis.submissions import SHARES
from bench.measure import keep, run

BEFORE, AFTER = "2026.3.0", "2026.4.0"

TOLD = """WITH
told AS (SELECT * FROM read_parquet($told, hive_partitioning = false)),
built AS (SELECT * FROM read_parquet($built, hive_partitioning = false)),
both_have AS (
    SELECT
        (told.nomor_kk IS DISTINCT FROM built.nomor_kk) AS card,
        (told.kode_desa IS DISTINCT FROM built.kode_desa) AS desa
    FROM told JOIN built USING (nik)
)
SELECT count(*) AS persons, count(*) FILTER (WHERE card) AS other_card, count(*) FILTER (WHERE desa) AS other_village
FROM both_have"""


def mistaken(third: Path, built: Path) -> int:
    """How many persons are taken for somebody else when the one data set is carried over to the other: of a person only
    the name and the last digit of the number were told anew."""
    before, after = (_persons(folder) for folder in (third, built))
    names = {name: CALLED.get(name, name) for name in before.column_names}
    sides = [Side(lambda one=one: iter([one.rename_columns(names)]), len(one)) for one in (before, after)]
    same = [found for found in linked(*sides) if isinstance(found, Same)]
    old, new = (np.concatenate([getattr(one, name) for one in same]) for name in ("old", "new"))
    was, now = before.take(pa.array(old)), after.take(pa.array(new))
    differs = pc.invert(pc.equal(*(pc.fill_null(pc.utf8_slice_codeunits(one["nik"], 0, 15), "") for one in (was, now))))
    for name in ("tanggal_lahir", "jenis_kelamin"):
        differs = pc.or_(differs, pc.fill_null(pc.not_equal(was[name], now[name]), False))
    return int(pc.sum(differs).as_py())


def _persons(folder: Path) -> pa.Table:
    files = sorted(folder.glob("individu/*/*/*.parquet"))
    names = [name for name in pq.read_schema(files[0]).names if CALLED.get(name, name) in COMPARED]
    return pa.concat_tables([pq.ParquetFile(file).read(columns=names) for file in files])


def measured(people: int) -> dict[str, Any]:
    place = Path(tempfile.mkdtemp(prefix="bagipakai-bench-"))
    environment = {"BAGIPAKAI_VAR": str(place / "var")}
    registry = [sys.executable, "-m", "bagipakai.cli", "registry"]

    def ask(*words: object) -> Any:
        command = [*registry, *map(str, words)]
        told = subprocess.run(command, check=False, stdout=subprocess.PIPE, env={**os.environ, **environment})
        if told.returncode not in (0, 2):  # 2: some rows of a set went back to its sender
            raise subprocess.CalledProcessError(told.returncode, command)
        return json.loads(told.stdout) if "--json" in words else None

    try:
        third, fourth, out = place / "tw3", place / "tw4", place / "built"
        ask("synthesise", "--people", people, "--out", third)
        ask("publish", third, "--version", BEFORE)
        ask("synthesise", "--after", third, "--seed", 11, "--out", fourth)
        ask("synthesise", "--after", third, "--told", fourth, "--out", place / "told")
        day = json.loads((fourth / "dataset.json").read_text())["reference_day"]
        sets: list[object] = []
        for source in SHARES:
            folder = place / "sets" / source
            ask("intake", place / "told" / f"{source}.parquet", "--source", source, "--out", folder, "--day", day)
            sets += ["--set", folder]
        ask("index", "--release", BEFORE)
        build = ["build", "--previous", BEFORE, *sets, "--day", day, "--out", out]
        figures = run([*registry, *map(str, build)], environment)
        report = json.loads((out / "report.json").read_text())
        ask("publish", out / "data", "--version", AFTER)
        carried = ask("carry", "--from", BEFORE, "--to", AFTER, "--json")
        files = {"told": f"{fourth}/individu/*/*/*.parquet", "built": f"{out}/data/individu/*/*/*.parquet"}
        wrong = mistaken(third, out / "data")
        persons, card, village = duckdb.execute(TOLD, files).fetchall()[0]
    finally:
        shutil.rmtree(place)
    return {
        "people": people,
        "rows": sum(one["rows"] for one in report["sets"]),
        "build": asdict(figures),
        "bands": {band: sum(one[band] for one in report["sets"]) for band in ("match", "review", "none")},
        "persons": report["persons"],
        "families": report["families"],
        "origins": report["origins"],
        "as_told": {"persons": persons, "other_card": card, "other_village": village},
        "identities": {name: carried[name] for name in ("persons", "born", "carried", "gone")} | {"wrong": wrong},
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000, metavar="N")
    keep("building", measured(options.parse_args().people))
