"""A registry, a list of it and the truth, as files for the matching benches:
`python -m bench.match_lists --people 1000000 --rows 100000 --kind typical --seed 7 --to DIR`.

Writes registry.parquet, list.parquet, list.csv and truth.parquet, and tells how well a plain join on the NIK does: the
figures of the matching reference (typical P .982, R .846; dirty P .908, R .450) are what the dirt is set to. A registry
that lies in DIR already is used again, so that one registry can have lists of several kinds: then the list and the
truth of a kind other than `typical` bear its name.
"""

import argparse
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from bagipakai.registry.matching.evaluation import evaluated
from bagipakai.registry.synthesis.lists import a_list, kinds, registry

_JOIN = """
SELECT list.list_id, 'match' AS band, min(registry.registry_id) AS registry_id, 1.0 AS probability
FROM list JOIN registry USING (nik) GROUP BY list.list_id
"""


def joined(people: pa.Table, rows: pa.Table) -> pa.Table:
    """The result of a plain join on the NIK, of several persons the first; for a list without NIK, nothing."""
    if "nik" not in rows.column_names:
        rows = rows.append_column("nik", pa.nulls(rows.num_rows, pa.string()))
    with duckdb.connect() as base:
        base.register("list", rows)
        base.register("registry", people)
        return base.sql(_JOIN).to_arrow_table()


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=1_000_000)
    told.add_argument("--rows", type=int, default=100_000)
    told.add_argument("--kind", choices=kinds(), default="typical")
    told.add_argument("--sender", help="who sends the list; drawn if left out")
    told.add_argument("--seed", type=int, default=7)
    told.add_argument("--dense", action="store_true", help="a few regencies with full villages; so for --kind dense")
    told.add_argument("--to", type=Path, required=True, metavar="DIR")
    options = told.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    file = options.to / "registry.parquet"
    if file.exists():
        people = pq.read_table(file)
    else:
        people = registry(options.people, options.seed, dense=options.dense or options.kind == "dense")
        pq.write_table(people, file, compression="zstd")
    rows, truth = a_list(people, options.rows, options.seed + 1, options.kind, options.sender)
    of = "" if options.kind == "typical" else f"-{options.kind}"
    pq.write_table(rows, options.to / f"list{of}.parquet", compression="zstd")
    pc.write_csv(rows, options.to / f"list{of}.csv")
    pq.write_table(truth, options.to / f"truth{of}.parquet", compression="zstd")
    score = evaluated(joined(people, rows), truth).overall
    print(json.dumps({"kind": options.kind, "columns": rows.column_names, "join_on_nik": score.told()}, indent=1))


if __name__ == "__main__":
    main()
