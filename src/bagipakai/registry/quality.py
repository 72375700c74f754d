"""The quality of a release, in counts: what is missing, what is invalid, what stands twice; by variable and regency.

Counted by DuckDB in bounded memory: identifiers are compared as numbers, share by share (decision 0111), never as text,
and a count is all that leaves (data-plane reference §9 and §12).
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue, Type, Variable
from bagipakai.registry.regions import regions
from bagipakai.registry.shares import Shares, again
from bagipakai.registry.shelf import Shelf

FORM = "bagipakai-quality-1"
MEMORY = "700MB"
ROWS_A_SHARE = 4_000_000  # of an identifier compared at once

# What of a family of variables should hold, and is counted where it does not. None stops a publication.
CHECKS = {
    Unit.INDIVIDU: {
        "nik_beda_tanggal_lahir": """CAST(nik_number // 10000 % 1000000 AS BIGINT) % 400000 <>
            day(tanggal_lahir) * 10000 + month(tanggal_lahir) * 100 + year(tanggal_lahir) % 100""",
        "nik_beda_jenis_kelamin": "(nik_number // 100000000 % 100 > 40) <> (jenis_kelamin = '2')",
        "nik_terbit_di_kecamatan_lain": "substr(nik, 1, 6) <> kode_kec",
        "umur_beda_tanggal_lahir": """umur <> year(getvariable('day')) - year(tanggal_lahir) - CAST(
            (month(tanggal_lahir) * 100 + day(tanggal_lahir))
            > (month(getvariable('day')) * 100 + day(getvariable('day'))) AS INTEGER)""",
        "lahir_satu_januari": "month(tanggal_lahir) = 1 AND day(tanggal_lahir) = 1",
    },
    Unit.KELUARGA: {
        "jumlah_anggota_beda": "jumlah_anggota_keluarga <> member_count",
    },
}

# Identifiers that should stand once: their column and the same as a number.
IDENTIFIERS = {
    Unit.INDIVIDU: {"nik": "nik_number"},
    Unit.KELUARGA: {
        "nomor_kk": "CASE WHEN regexp_full_match(nomor_kk, '[0-9]{16}') THEN TRY_CAST(nomor_kk AS BIGINT) END",
    },
}

_BIRTH_DATE = """(nik_number // 100000000 % 100 BETWEEN 1 AND 31 OR nik_number // 100000000 % 100 BETWEEN 41 AND 71)
    AND (nik_number // 1000000 % 100 BETWEEN 1 AND 12) AND (nik_number % 10000 > 0)"""


class QualityError(Exception):
    """The counting failed. Names the kind of failure, never a value: engines quote values in their errors."""


def report(
    files: Mapping[Unit, Sequence[str]], catalogue: Catalogue, day: date, room: Path, shelf: Shelf | None = None
) -> dict[str, Any]:
    """Counts of both tables as plain data; `day` is the day on which ages were counted, `room` a folder with space for
    the identifiers, sealed: about 9 bytes a row. `files` are paths, or names on the `shelf`.

    For each unit: `rows`; `variables`, name → missing and invalid; `checks`; `duplicates`, name → how many values stand
    more than once, and on how many rows; `regencies`, code → the same counts as lists in the order of the names above.
    Raises QualityError, OSError.
    """
    try:
        with duckdb.connect(config={"threads": os.cpu_count() or 1}) as con:
            if shelf is not None:
                shelf.given_to(con)
            con.execute("SET enable_progress_bar = false")
            con.execute(f"SET memory_limit = '{MEMORY}'")
            con.execute("SET preserve_insertion_order = false")
            con.execute("SET temp_directory = ''")  # it would spill in clear: the groups are few
            con.execute("SET VARIABLE day = CAST(? AS DATE)", [day.isoformat()])
            units = {unit: _of_unit(con, unit, files[unit], catalogue, room) for unit in Unit}
    except (duckdb.Error, pa.ArrowException, InvalidTag) as error:
        raise QualityError(type(error).__name__) from None
    return {"form": FORM, "reference_day": day.isoformat(), **{unit.value: told for unit, told in units.items()}}


def _of_unit(
    con: duckdb.DuckDBPyConnection, unit: Unit, files: Sequence[str], catalogue: Catalogue, room: Path
) -> dict[str, Any]:
    con.execute("SET VARIABLE parts = ?", [list(files)])
    variables = catalogue.of_unit(unit)
    counted = _fetch(con, _counting(unit, variables))
    unknown, twice = (
        _unknown_regions(con, variables),
        _duplicates(con, unit, files, sum(row[1] for row in counted), room),
    )
    names, checks = [variable.name for variable in variables], list(CHECKS[unit])
    regencies = {}
    for kab, rows, *counts in counted:
        present, invalid = counts[: len(names)], counts[len(names) : 2 * len(names)]
        regencies[kab] = {
            "rows": rows,
            "missing": [rows - some for some in present],
            "invalid": [some + unknown.get((kab, name), 0) for name, some in zip(names, invalid, strict=True)],
            "checks": counts[2 * len(names) :],
            "duplicates": [on_rows.get(kab, 0) for _, on_rows in twice.values()],
        }
    missing, invalid, failed = (_summed(regencies.values(), key) for key in ("missing", "invalid", "checks"))
    return {
        "rows": sum(one["rows"] for one in regencies.values()),
        "variables": {
            name: {"missing": absent, "invalid": wrong}
            for name, absent, wrong in zip(names, missing or [0] * len(names), invalid or [0] * len(names), strict=True)
        },
        "checks": dict(zip(checks, failed or [0] * len(checks), strict=True)),
        "duplicates": {
            name: {"values": values, "rows": sum(on_rows.values())} for name, (values, on_rows) in twice.items()
        },
        "regencies": regencies,
    }


def _summed(regencies: Iterable[Mapping[str, Any]], key: str) -> list[int]:
    return [sum(column) for column in zip(*(one[key] for one in regencies), strict=True)]


def _counting(unit: Unit, variables: Iterable[Variable]) -> str:
    present = [f'count("{variable.name}")' for variable in variables]
    invalid = [_times(_validity(variable), wanted=False) for variable in variables]
    checks = [_times(condition) for condition in CHECKS[unit].values()]
    counts = ",\n    ".join([*present, *invalid, *checks])
    return f"""{_REGISTRY}
SELECT
    kode_kab,
    count(*),
    {counts}
FROM registry GROUP BY kode_kab ORDER BY kode_kab NULLS LAST"""  # noqa: S608  # names and rules come from the catalogue


_REGISTRY = """WITH
registry AS (      -- codes are text inside the files; what the paths say is not read
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
)"""


def _times(condition: str | None, wanted: bool = True) -> str:
    """How often it is true, or else false; what is unknown is neither."""
    if condition is None:
        return "0"
    return f"count(*) FILTER (WHERE {'' if wanted else 'NOT '}({condition}))"


def _validity(variable: Variable) -> str | None:
    """What the catalogue says a value must be, as a condition; None where any value is valid."""
    column = f'"{variable.name}"'
    rules = []
    if variable.codes is not None:
        rules.append(f"{column} IN ({', '.join(_text(code) for code in variable.codes)})")
    if variable.pattern is not None:
        rules.append(f"regexp_full_match({column}, {_text(variable.pattern)})")
    if variable.low is not None:
        rules.append(f"{column} >= {variable.low:d}")
    if variable.high is not None:
        rules.append(f"{column} <= {variable.high:d}")
    if variable.name == "nik":
        rules.append(_BIRTH_DATE)
    if variable.type is Type.DATE:
        rules.append(f"{column} <= getvariable('day')")
    return " AND ".join(f"({rule})" for rule in rules) or None


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _unknown_regions(con: duckdb.DuckDBPyConnection, variables: Iterable[Variable]) -> dict[tuple[str, str], int]:
    """(regency, column) → rows whose code is not of the edition, or lies outside the code one level up."""
    found: dict[tuple[str, str], int] = {}
    levels = [
        variable.name for variable in variables if variable.name in ("kode_prov", "kode_kab", "kode_kec", "kode_desa")
    ]
    columns, known = ", ".join(levels), regions()
    for *codes, rows in _fetch(con, f"{_REGISTRY}\nSELECT {columns}, count(*) FROM registry GROUP BY ALL"):
        above = ""
        for name, code in zip(levels, codes, strict=True):
            if code is not None and (code not in known or not code.startswith(above)):
                place = (codes[levels.index("kode_kab")], name)
                found[place] = found.get(place, 0) + rows
            above = code or above
    return found


def _duplicates(
    con: duckdb.DuckDBPyConnection, unit: Unit, files: Sequence[str], rows: int, room: Path
) -> dict[str, tuple[int, dict[str, int]]]:
    """Identifier → how many values stand on more than one row, and on how many rows by regency."""
    found, count = {}, max(1, -(-rows // ROWS_A_SHARE))
    for name, number in IDENTIFIERS[unit].items():
        values, on_rows = 0, Counter[str]()
        with tempfile.TemporaryFile(dir=room) as file:
            shares = Shares(file, count)
            for part in files:
                con.execute("SET VARIABLE parts = ?", [[part]])
                shares.add(con.sql(_NUMBERS.format(number=number)).to_arrow_table())
            for at in range(count):
                share = shares[at]
                numbers = share.column("number").to_numpy()
                if len(twice := np.unique(again(numbers))):
                    values += len(twice)
                    on_rows.update(share.column("kode_kab").filter(np.isin(numbers, twice)).to_pylist())
        found[name] = (values, dict(on_rows))
    return found


_NUMBERS = f"""{_REGISTRY}
SELECT kode_kab, {{number}} AS number FROM registry WHERE (({{number}}) IS NOT NULL)"""  # noqa: S608  # of this module


def _fetch(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()
