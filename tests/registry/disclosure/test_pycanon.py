"""Our measures and pycanon's are the same number on the same rows."""

import random
from fractions import Fraction

import duckdb
import pytest
from tests.registry.disclosure.oracles import oracle

from bagipakai.registry.disclosure.measures import Classes

QUASI = ("area", "sex", "age")
ASKED = """
import pandas as pd
from pycanon import anonymity as a
answers = []
for rows in given:
    table, quasi = pd.DataFrame(rows), ["area", "sex", "age"]
    answers.append({
        "k": int(a.k_anonymity(table, quasi)),
        "l": int(a.l_diversity(table, quasi, ["desil"])),
        "entropy": int(a.entropy_l_diversity(table, quasi, ["desil"])),
        "share": float(a.alpha_k_anonymity(table, quasi, ["desil"])[0]),
        "ordered": float(a.t_closeness(table, quasi, ["desil"])),
        "equal": float(a.t_closeness(table.astype({"desil": str}), quasi, ["desil"])),
    })
print(json.dumps(answers))
"""


@pytest.fixture(scope="session")
def pycanon():
    return oracle("pycanon")


def test_it_is_the_version_we_mean(pycanon):
    assert pycanon.version() == "1.3.6"


def drawn(seed, size):
    draw = random.Random(seed)
    areas, ages = 1 + seed % 3, 1 + seed % 5
    return [
        {
            "area": str(3201 + draw.randrange(areas)),
            "sex": draw.choice("12"),
            "age": draw.randrange(ages),
            "desil": min(draw.randint(1, 10), draw.randint(1, 10)),
        }
        for _ in range(size)
    ]


def ours(rows):
    with duckdb.connect() as con:
        con.execute("CREATE TABLE file (area VARCHAR, sex VARCHAR, age INTEGER, desil INTEGER)")
        con.executemany("INSERT INTO file VALUES (?, ?, ?, ?)", [list(row.values()) for row in rows])
        with Classes(con, "file", QUASI, "desil") as classes:
            size, spread, t = classes.anonymity(5), classes.diversity(3, Fraction(4, 5)), classes.closeness()
    return {
        "k": size.smallest,
        "l": spread.distinct,
        "entropy": int(spread.entropy),
        "share": float(spread.share),
        "ordered": float(t.ordered),
        "equal": float(t.equal),
    }


def test_every_measure_agrees(pycanon):
    """Their distances are sums of floats: equal to the twelfth digit. The others are equal."""
    files = [drawn(seed, 40 + 60 * seed) for seed in range(12)]
    for rows, theirs in zip(files, pycanon.ask(ASKED, files), strict=True):
        for name, value in ours(rows).items():
            exact = name in ("k", "l", "entropy", "share")
            assert theirs[name] == (value if exact else pytest.approx(value, abs=1e-12)), name
