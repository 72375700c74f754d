"""numpy and the SQL of `comparisons` find the same level of every pair, and every level is met."""

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.registry.matching.rows import persons, some_rows

from bagipakai.registry.matching.comparisons import COMPARISONS, SIDE
from bagipakai.registry.matching.features import features
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


PERSON = {
    **{"nik": "3201014505810002", "no_kk": "3201011203150004", "nama": "NURUL ELIS SAPITRI", "jenis_kelamin": "P"},
    **{"tanggal_lahir": "1981-05-05", "nama_ibu": "AMINAH SALEH", "kode_desa": "3201012001"},
}


@pytest.mark.parametrize(
    ("row", "comparison", "level"),
    [
        # A place that is not told is no other place, and a card that is not told no other card.
        ({"nama_ibu": "Aminah Saleh"}, "rumah", "mother-place-open-card-open"),
        ({"nama_ibu": "Aminah Saleh", "no_kk": "3201015507100001"}, "rumah", "mother-place-open"),
        ({"nama_ibu": "Aminah Saleh", "kode_desa": "7371012001"}, "rumah", "mother-card-open"),
        ({"nama_ibu": "Aminah Saleh", "kode_desa": "7371012001", "no_kk": "7371015507100001"}, "rumah", "mother"),
        ({"nama_ibu": "Sumiati"}, "rumah", "other-mother-place-open-card-open"),
        ({"nama_ibu": "Sumiati", "kode_desa": "7371012001"}, "rumah", "elsewhere-other-mother-card-open"),
        ({"nama_ibu": "Saleh"}, "rumah", "mother-within-place-open-card-open"),
        ({"nama_ibu": "Saleh", "kode_desa": "7371012001"}, "rumah", "mother-within-card-open"),
        ({"kode_desa": "3201012001"}, "rumah", "village-card-open"),
        ({"kode_desa": "3201012001", "no_kk": "3201015507100001"}, "rumah", "village"),
        ({"nama": "Elis"}, "rumah", "missing"),
        # One digit of a card's place or date is a slip; one of its serial may be the neighbour's.
        ({"no_kk": "3201011203160004"}, "rumah", "damaged-family"),
        ({"no_kk": "3201011203160004", "nama_ibu": "Aminah Saleh"}, "rumah", "damaged-family-and-mother"),
        ({"no_kk": "3201011203150005"}, "rumah", "other-family-place-open"),
        ({"no_kk": "3201011203150000"}, "rumah", "damaged-family"),  # rounded by a spreadsheet
        # Who does not know the day is not sure of the year.
        ({"tanggal_lahir": "1981"}, "lahir", "same-year-as-far-as-known"),
        ({"tanggal_lahir": "1982"}, "lahir", "nearly-the-year-as-far-as-known"),
        ({"tanggal_lahir": "01-01-1979"}, "lahir", "nearly-the-year-as-far-as-known"),
        ({"tanggal_lahir": "1978"}, "lahir", "differs"),
        ({"tanggal_lahir": "09-08-1979"}, "lahir", "differs"),
        # A number that lacks a digit may have lost any: it is no evidence against its owner.
        ({"nik": "32010145058102"}, "nik", "equal-as-far-as-sound"),
        ({"nik": "32010145058102", "no_kk": "1"}, "nik", "equal-as-far-as-sound"),
        ({"nik": "7371011203600001"}, "nik", "differs"),
        ({"nik": "32010144505810002"}, "nik", "a-digit-more-or-less"),
        ({"nik": "320101405810002"}, "nik", "a-digit-more-or-less"),
        ({"nik": "320101405810003"}, "nik", "missing"),
        ({"nik": "32O1O14505810OO2"}, "nik", "equal-nothing-to-fit"),
        # What stands in the other's column.
        (
            {"nik": "3201011203150004", "no_kk": "3201014505810002", "tanggal_lahir": "05-05-1981"},
            "nik",
            "in-the-cards-place",
        ),
        ({"no_kk": "3201014505810002"}, "nik", "missing"),  # it fits nothing of its row: no number to ask for
        ({"nik": "3201011203150004", "no_kk": "3201014505810002"}, "rumah", "family"),
        ({"nik": "3201011203150004"}, "nik", "missing"),
        ({"nik": "3201011203150004", "nama_ibu": "Aminah Saleh"}, "rumah", "family-and-mother"),
        ({"nama": "Aminah Saleh", "nama_ibu": "Nurul Elis Sapitri"}, "nama", "exchanged-with-the-mothers"),
        ({"nama": "Aminah Saleh", "nama_ibu": "Aminah Saleh"}, "nama", "differs"),
        # Initials tell nothing of their own.
        ({"nama": "N. Elis Sapitri"}, "nama", "one-within-the-other"),
        ({"nama": "Nurul E. Sapitri"}, "nama", "one-within-the-other"),
        ({"nama": "N. E. Sapitri"}, "nama", "one-word-of-the-other"),
    ],
)
def test_what_a_row_tells_is_met_by_this_level(row, comparison, level):
    here, there = (Side(features(pa.Table.from_pylist([one]), date(2026, 11, 26))) for one in (row, PERSON))
    found = levels(here, there, np.array([0]), np.array([0]))[comparison][0]
    assert next(one for one in COMPARISONS if one.name == comparison).levels[found].name == level


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
