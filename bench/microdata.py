"""Measures and protection of microdata beside those of other programs, in one run: CPU seconds and their ratios.
`python -m bench.microdata [--people 1000000] [--large 10000000] [--only NAME …]`

Persons are synthetic, made by SQL from their number alone: families of four in 494 regencies, attributes nearly
independent, so that the levels of risk mean nothing; times and agreement do. Each program has its rows in memory
before its clock starts. CPU seconds are those of all threads. The memory told is the largest that the process had.
"""

import argparse
import gc
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
from tests.registry.disclosure.oracles import oracle

from bagipakai.registry.disclosure.blanking import Allowed, Blank, blank
from bagipakai.registry.disclosure.lattice import Found, Lattice, Limits
from bagipakai.registry.disclosure.measures import Anonymity, Classes
from bagipakai.registry.disclosure.recoding import Bands, Groups, Level, Prefix, Same, Variable, Withheld, recode
from bench import measure

DRAWN = {"a": "i", "b": "i", "c": "i", "d": "(i // 4)"}
MIXED = "((({0}) * 48271 % 2147483647) * 16807 + {1} * 7919) % 2147483647"


def persons(con: duckdb.DuckDBPyConnection, people: int) -> None:
    """The table `persons`, over 38 provinces of 13 regencies."""
    drawn = ", ".join(f"{MIXED.format(of, salt)} AS {name}" for salt, (name, of) in enumerate(DRAWN.items()))
    con.execute(
        f"""CREATE TABLE persons AS
WITH
drawn AS (
    SELECT i // 4 AS home, {drawn} FROM range($people) AS t(i)
),
placed AS (
    SELECT *, home * 4 * 494 // $people AS regency FROM drawn
)
SELECT home AS id_keluarga,
    printf('%02d%02d', 11 + regency // 13, 1 + regency % 13) AS kode_kab,
    CAST((a % 70 + a // 70 % 30) AS INTEGER) AS umur,
    CAST(b % 2 + 1 AS INTEGER) AS jenis_kelamin,
    CAST(list_extract([1, 1, 1, 2, 2, 2, 2, 3, 4, 4], b // 2 % 10 + 1) AS INTEGER) AS status_perkawinan,
    CAST(c % 8 AS INTEGER) AS ijazah_tertinggi,
    CAST(1 + d % 10 AS INTEGER) AS desil
FROM placed""",  # noqa: S608  # expressions of this file
        {"people": people},
    )


AGE = Variable(
    "umur",
    (
        Level("tahun", Same(), 0),
        Level("5 tahun", Bands.of(5, 0, 85), 20),
        Level("10 tahun", Bands.of(10, 0, 80), 40),
        Level("semua", Withheld(), 100),
    ),
)
SEX = Variable("jenis_kelamin", (Level("nilai", Same(), 0), Level("semua", Withheld(), 100)))
STATUS = Variable(
    "status_perkawinan",
    (
        Level("nilai", Same(), 0),
        Level("pernah", Groups.of({1: 0, 2: 1, 3: 1, 4: 1}), 50),
        Level("semua", Withheld(), 100),
    ),
)
EDUCATION = Variable(
    "ijazah_tertinggi",
    (
        Level("8", Same(), 0),
        Level("4", Groups.of({at: at // 2 for at in range(8)}), 30),
        Level("2", Groups.of({at: at // 4 for at in range(8)}), 60),
        Level("semua", Withheld(), 100),
    ),
)
REGENCY = Variable(
    "kode_kab",
    (
        Level("kabupaten", Same(), 0),
        Level("provinsi", Prefix(2), 40),
        Level("pulau", Groups.of({f"{11 + p}{1 + k:02}": p // 6 for p in range(38) for k in range(13)}), 60),
        Level("barat, timur", Groups.of({f"{11 + p}{1 + k:02}": p // 18 for p in range(38) for k in range(13)}), 80),
        Level("nasional", Withheld(), 100),
    ),
)
VARIABLES = (REGENCY, AGE, SEX, STATUS, EDUCATION)  # 5 * 4 * 2 * 3 * 4 = 480 nodes; anjana takes long over villages
QUASI = tuple(variable.name for variable in VARIABLES)
LEAVES = (0, 2, 0, 0, 1)  # the levels of a file that leaves: regency, ten years, sex, status, four of education


@contextmanager
def clock(told: dict[str, float]) -> Iterator[None]:
    gc.collect()
    began, wall = time.process_time(), time.perf_counter()
    yield
    told["cpu_s"] = round(time.process_time() - began, 3)
    told["wall_s"] = round(time.perf_counter() - wall, 3)


def best_of(times: int, work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """The least CPU seconds of several runs, and the answer."""
    runs = []
    for _ in range(times):
        told: dict[str, float] = {}
        with clock(told):
            answer = work()
        runs.append(told)
    return min(runs, key=lambda one: one["cpu_s"]), answer


def _values(column: str) -> str:
    return f"SELECT DISTINCT {column} FROM persons ORDER BY 1"  # noqa: S608  # as above


def exported(con: duckdb.DuckDBPyConnection, columns: str, folder: Path) -> str:
    path = folder / "persons.csv"
    con.execute(f"COPY (SELECT {columns} FROM persons) TO '{path}' (HEADER)")  # noqa: S608  # as above
    return str(path)


def k_beside_pycanon(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Any]:
    """k on regency, age in years, sex and a fourth field: what pycanon takes grows with the classes, so with two."""
    return {fourth: _k(con, folder, fourth) for fourth in ("ijazah_tertinggi", "status_perkawinan")}


def _k(con: duckdb.DuckDBPyConnection, folder: Path, fourth: str) -> dict[str, Any]:
    columns = f"kode_kab AS area, umur AS age, jenis_kelamin AS sex, {fourth} AS fourth"
    con.execute(f"CREATE OR REPLACE TABLE narrow AS SELECT {columns} FROM persons")  # noqa: S608  # as above

    def once() -> Anonymity:
        with Classes(con, "narrow", ("area", "age", "sex", "fourth")) as classes:
            return classes.anonymity(10)

    ours, found = best_of(3, once)
    text = """
import time
import pandas as pd
from pycanon import anonymity
table = pd.read_csv(given, dtype={"area": str})
def once():
    began = time.process_time()
    k = anonymity.k_anonymity(table, ["area", "age", "sex", "fourth"])
    return time.process_time() - began, int(k)
print(json.dumps(min(once() for _ in range(3))))
"""
    theirs, their_k = oracle("pycanon").ask(text, exported(con, columns, folder))
    assert found.smallest == their_k
    ratio = round(theirs / ours["cpu_s"], 1)
    return {"ours": ours, "pycanon_cpu_s": round(theirs, 3), "ratio_cpu": ratio, "classes": found.classes}


def lattice_beside_anjana(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Any]:
    """k = 10, at most five rows in a hundred dropped, 480 nodes. Ours looks for the least loss, anjana for the first
    node on its way; at that node both see the same rows."""

    def once() -> tuple[Lattice, Found]:
        lattice = Lattice(con, "persons", VARIABLES, Limits(10))
        return lattice, lattice.search(Fraction(1, 20))

    ours, (lattice, found) = best_of(3, once)
    values = {one.name: [value for (value,) in con.execute(_values(one.name)).fetchall()] for one in VARIABLES}
    levels = {
        one.name: [
            [f"{at}:{level.recode.recoded(value)}" for value in values[one.name]] for at, level in enumerate(one.levels)
        ]
        for one in VARIABLES
    }
    columns = ", ".join(f"'0:' || {name} AS {name}" for name in QUASI)
    text = """
import time
import pandas as pd
from anjana.anonymity import k_anonymity
from anjana.anonymity.utils import get_transformation
table, names = pd.read_csv(given["path"], dtype=str), given["names"]
levels = {name: {at: list(told) for at, told in enumerate(given["levels"][name])} for name in names}
began = time.process_time()
told = k_anonymity(table, [], names, 10, 5, levels)
cpu = time.process_time() - began
print(json.dumps([cpu, get_transformation(told, names, levels), len(table) - len(told)]))
"""
    every, _ = best_of(
        1, lambda: [lattice.at(levels) for levels in product(*(range(len(one.levels)) for one in VARIABLES))]
    )
    given = {"path": exported(con, columns, folder), "names": list(QUASI), "levels": levels}
    theirs, node, dropped = oracle("anjana").ask(text, given)
    at_theirs = lattice.at(tuple(node))
    assert at_theirs.violating == dropped and found.best is not None and found.best.loss <= at_theirs.loss
    return {
        "ours": ours,
        "computed": found.computed,
        "each_of_480": every,
        "best": found.best.levels,
        "anjana": node,
        "anjana_cpu_s": round(theirs, 2),
        "ratio_cpu": round(theirs / ours["cpu_s"], 1),
        "loss_beside_anjana": round(found.best.loss / at_theirs.loss, 3),
    }


def leaving(con: duckdb.DuckDBPyConnection) -> None:
    """The table `leaves`: the persons at the levels of a file that leaves."""
    recode(con, "persons", "told", VARIABLES, LEAVES)
    con.execute("CREATE OR REPLACE TABLE leaves AS SELECT * FROM told")
    con.execute("DROP VIEW told")


def suppression(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Finding the blanks, counting them, and verifying the result anew from its rows under both meanings."""
    answer = {}
    for meaning in Blank:
        told: dict[str, Any] = {}
        with clock(told):
            found = blank(con, "leaves", "after", QUASI, Allowed(10, Fraction(1, 20), Fraction(1, 20), meaning))
        con.execute("DROP VIEW after; DROP TABLE after_blanks")
        told |= {"fits": found.fits, "blanked_percent": round(100 * found.blanks / max(1, found.values), 3)}
        answer[str(meaning)] = told
    return answer


def check_set(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """All measures of class C on every row: persons and families, and presence of half of the families."""
    con.execute("CREATE OR REPLACE VIEW half AS SELECT * FROM leaves WHERE id_keluarga % 2 = 0")
    told: dict[str, Any] = {}
    with clock(told):
        with Classes(con, "leaves", QUASI, "desil") as classes:
            classes.anonymity(10), classes.wildcard(10), classes.unique()
            classes.diversity(3, Fraction(4, 5)), classes.closeness()
            with Classes(con, "half", QUASI) as file:
                file.presence(classes, Fraction(1, 2))
        with Classes(con, "leaves", QUASI, "desil", "id_keluarga") as families:
            families.anonymity(10), families.diversity(3, Fraction(4, 5)), families.closeness()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--only", nargs="*", default=["k", "lattice", "suppression", "checks"])
    chosen = parser.parse_args()
    result: dict[str, Any] = {"people": chosen.people, "large": chosen.large, "duckdb": duckdb.__version__}
    with tempfile.TemporaryDirectory(prefix="microdata-") as folder:
        small, large = (
            {"k": k_beside_pycanon, "lattice": lattice_beside_anjana},
            {"suppression": suppression, "checks": check_set},
        )
        with database(Path(folder), "small") as con:
            if set(small) & set(chosen.only):
                persons(con, chosen.people)
            result |= {name: work(con, Path(folder)) for name, work in small.items() if name in chosen.only}
        with database(Path(folder), "large") as con:
            if set(large) & set(chosen.only):
                persons(con, chosen.large)
                leaving(con)
                con.execute("DROP TABLE persons")
            result |= {name: work(con) for name, work in large.items() if name in chosen.only}
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    measure.keep("microdata", result)


@contextmanager
def database(folder: Path, name: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """On the disk, with 6 GB of memory at most."""
    with duckdb.connect(folder / f"{name}.db", config={"memory_limit": "6GB", "temp_directory": str(folder)}) as con:
        yield con


if __name__ == "__main__":
    main()
