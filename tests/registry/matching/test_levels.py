"""numpy and the SQL of `comparisons` find the same level of every pair, and every level is met."""

import duckdb
import numpy as np
import pyarrow as pa
from tests.registry.matching.rows import persons, some_rows

from bagipakai.registry.matching.comparisons import COMPARISONS, SIDE
from bagipakai.registry.matching.levels import Side, edits, levels, similarities
from bagipakai.registry.matching.model import levels_of

PEOPLE, ROWS = 400, 300


def by_sql(here, there, row, person):
    """The definition, asked of DuckDB: by comparison."""
    with duckdb.connect() as con:
        for name, table in (("here", here), ("there", there)):
            con.register("given", table.append_column("place", pa.array(np.arange(len(table)))))
            con.execute(f"CREATE TABLE {name} AS {SIDE.format(rows='given')}")
        sides = [
            (side, name) for side, of in zip("lr", ("here", "there"), strict=True) for name in con.table(of).columns
        ]
        columns = ", ".join(f"{side}.{name} AS {name}_{side}" for side, name in sides)
        con.register("given", pa.table({"nr": np.arange(len(row)), "list_row": row, "person": person}))
        con.execute(
            f"""CREATE TABLE pairs AS
            SELECT given.nr, list_row, person AS ordinal, {columns}
            FROM given JOIN here AS l ON l.place = list_row JOIN there AS r ON r.place = person"""
        )
        found = con.sql(levels_of("(SELECT * FROM pairs ORDER BY nr)")).to_arrow_table()
    return {one.name: found[f"level_{one.name}"].to_numpy() for one in COMPARISONS}


def test_every_level_is_the_definitions():
    there = persons(PEOPLE, seed=1)
    here = some_rows(there, ROWS, seed=2)
    row, person = np.divmod(np.arange(ROWS * PEOPLE), PEOPLE)
    expected, found = by_sql(here, there, row, person), levels(Side(here), Side(there), row, person)
    for one in COMPARISONS:
        assert set(expected[one.name].tolist()) == set(range(len(one.levels))), one.name
        assert (found[one.name] == expected[one.name]).all(), one.name


def test_letters_are_compared_as_the_definition_does():
    """Short words of few letters reach the thresholds exactly, again and again."""
    dice = np.random.default_rng(3)
    sizes = dice.choice([3, 5, 9, 60], 1_000)
    words = ["".join(dice.choice(list("AES "), dice.integers(1, most + 1))) for most in sizes]
    left, right = ([words[at] for at in dice.integers(0, len(words), 60_000)] for _ in range(2))
    with duckdb.connect() as con:
        con.register("pairs", pa.table({"a": left, "b": right}))
        asked = con.sql("SELECT jaro_winkler_similarity(a, b) AS near, levenshtein(a, b) AS edits FROM pairs")
        expected = asked.to_arrow_table()
    assert (edits(left, right) == expected["edits"].to_numpy()).all()
    ours, theirs = similarities(left, right), expected["near"].to_numpy()
    assert sum((np.abs(theirs - threshold) < 1e-12).sum() for threshold in (0.9, 0.85)) > 100
    for threshold in (0.93, 0.9, 0.85):
        assert ((ours >= threshold) == (theirs >= threshold)).all()
