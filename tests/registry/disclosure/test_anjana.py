"""Anjana goes up one variable at a time, the one with most values: each node it stops at, we see as it does."""

import random
from fractions import Fraction

import duckdb
import pytest
from tests.registry.disclosure.oracles import oracle

from bagipakai.registry.disclosure.lattice import Lattice, Limits
from bagipakai.registry.disclosure.recoding import Bands, Groups, Level, Prefix, Same, Variable, Withheld

AREA = Variable(
    "area",
    (
        Level("desa", Same(), 0),
        Level("kecamatan", Prefix(6), 25),
        Level("kabupaten", Prefix(4), 50),
        Level("semua", Withheld(), 100),
    ),
)
AGE = Variable(
    "age",
    (
        Level("tahun", Same(), 0),
        Level("5", Bands.of(5, 0, 85), 25),
        Level("10", Bands.of(10, 0, 80), 50),
        Level("semua", Withheld(), 100),
    ),
)
STATUS = Variable(
    "status",
    (
        Level("nilai", Same(), 0),
        Level("pernah", Groups.of({1: 0, 2: 1, 3: 1, 4: 1}), 50),
        Level("semua", Withheld(), 100),
    ),
)
VARIABLES = (AREA, AGE, STATUS)
ASKED = """
import pandas as pd
from anjana.anonymity import k_anonymity
from anjana.anonymity.utils import get_transformation
names, answers = ["area", "age", "status"], []
for one in given:
    table = pd.DataFrame(one["rows"], dtype=str)
    levels = {name: {at: list(told) for at, told in enumerate(one["levels"][name])} for name in names}
    told = k_anonymity(table, [], names, one["k"], one["dropped"], levels)
    node = get_transformation(told, names, levels) if len(told) else None
    answers.append([node, len(one["rows"]) - len(told)])
print(json.dumps(answers))
"""


@pytest.fixture(scope="session")
def anjana():
    return oracle("anjana")


def test_it_is_the_version_we_mean(anjana):
    assert anjana.version() == "1.2.3"


def drawn(seed, size):
    """More or fewer villages and ages, so that now the one and now the other has most values."""
    draw = random.Random(seed)
    villages, oldest = (1, 2, 4)[seed % 3], (9, 40, 99)[seed // 3 % 3]
    return [
        {
            "area": f"32{draw.randint(1, 2):02}{draw.randint(1, villages):02}{draw.randint(1, villages):04}",
            "age": min(draw.randint(0, oldest), draw.randint(0, oldest)),
            "status": draw.choice([1, 1, 2, 2, 2, 3, 4]),
        }
        for _ in range(size)
    ]


def as_told(variable, level, value):
    """Each level's values are texts of their own, so that anjana sees which level a column has."""
    return f"{level}:{variable.levels[level].recode.recoded(value)}"


def in_words(rows):
    return [{one.name: as_told(one, 0, row[one.name]) for one in VARIABLES} for row in rows]


def levels_of(rows):
    told = {}
    for one in VARIABLES:
        values = sorted({row[one.name] for row in rows})
        told[one.name] = [[as_told(one, level, value) for value in values] for level in range(len(one.levels))]
    return told


def climbed(lattice, rows, dropped):
    """The first node on anjana's way whose violating rows are within the budget."""
    levels, open_to_more = [0, 0, 0], list(range(3))
    while (node := lattice.at(tuple(levels))).violating > len(rows) * dropped:
        width = {
            at: len({as_told(VARIABLES[at], levels[at], row[VARIABLES[at].name]) for row in rows})
            for at in open_to_more
        }
        at = max(open_to_more, key=lambda one: (width[one], -one))
        if levels[at] + 1 == len(VARIABLES[at].levels):
            open_to_more.remove(at)
        else:
            levels[at] += 1
    return node


def test_the_same_node_and_the_same_rows_dropped_and_ours_loses_no_more(anjana):
    files = [drawn(seed, 60 + 40 * seed) for seed in range(18)]
    asked = [
        {"rows": in_words(rows), "levels": levels_of(rows), "k": 2 + at % 6, "dropped": at % 4 * 5}
        for at, rows in enumerate(files)
    ]
    reached = set()
    for rows, question, theirs in zip(files, asked, anjana.ask(ASKED, asked), strict=True):
        with duckdb.connect() as con:
            con.execute("CREATE TABLE file (area VARCHAR, age INTEGER, status INTEGER)")
            con.executemany("INSERT INTO file VALUES (?, ?, ?)", [list(row.values()) for row in rows])
            lattice = Lattice(con, "file", VARIABLES, Limits(question["k"]))
        budget = Fraction(question["dropped"], 100)
        node = climbed(lattice, rows, budget)
        assert [list(node.levels), node.violating] == theirs
        reached.add(node.levels)
        best = lattice.search(budget).best
        assert best is not None and best.loss <= node.loss
    assert len(reached) > 5, "the files are too much alike"
