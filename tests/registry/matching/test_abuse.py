"""A list of people passes; a list of guesses is told which of its rows are not people."""

import random
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from bagipakai.registry.matching import abuse
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.synthesis.lists import a_list, registry

DAY = date(2026, 11, 26)
POLICY = Abuse.on(DAY)


@pytest.fixture(scope="module")
def people():
    return registry(20_000, 5)


def objection(rows: pa.Table | list[dict]):
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    return abuse.objection(table, np.arange(2, len(table) + 2), DAY)


@pytest.mark.parametrize("kind", ["typical", "no_nik", "dirty"])
def test_lists_of_people_pass(people, kind):
    given, _ = a_list(people, 5_000, 6, kind)
    assert objection(given) is None
    assert objection(given.slice(0, 20)) is None


@pytest.mark.parametrize("columns", [["nik"], ["nama"], ["nik", "nama"], ["nama", "tanggal_lahir"]])
def test_also_with_few_columns(people, columns):
    given, _ = a_list(people, 5_000, 7, "typical")
    assert objection(given.select(columns)) is None


def test_a_whole_district_with_default_dates_passes():
    """Of 5,000 people of one district, thirty were born on 1 January of one year, with serials that follow."""
    dice = random.Random(1)
    dates = [date(1930, 1, 2) + timedelta(days=dice.randrange(25_000)) for _ in range(4_970)]
    rows = [{"nik": f"320101{born:%d%m%y}{dice.randint(1, 9):04d}"} for born in dates]
    assert objection([*rows, *({"nik": f"320101010170{at:04d}"} for at in range(1, 31))]) is None


def test_one_number_in_many_rows_is_told_with_its_rows():
    rows = [{"nik": f"32010112038{at:05d}"[:16], "nama": f"A{at}"} for at in range(0, 900, 9)]
    rows += [{"nik": "3201011203800001", "nama": f"B{at}"} for at in range(POLICY.same_number + 1)]
    no = objection(rows)
    assert no is not None and no.code == "roster-repeats-one-number"
    assert no.detail["rows"].startswith("102, 103") and no.detail["count"] == str(POLICY.same_number + 1)
    assert "3201011203800001" not in no.sentence()


def test_numbers_that_are_counted_up_are_told():
    rows = [{"nik": str(3201011203800001 + at), "nama": f"ORANG {at}"} for at in range(40)]
    random.Random(2).shuffle(rows)
    assert objection(rows).code == "roster-counts-numbers-up"
    spread = [{"nik": str(3201011203800001 + 977 * at), "nama": f"ORANG {at}"} for at in range(40)]
    assert objection(spread) is None


@pytest.mark.parametrize("hidden_among", [0, 500])
def test_dates_that_are_tried_for_one_person_are_told(people, hidden_among):
    tried = [
        {"nama": "BUDI SANTOSO", "nama_ibu": "SITI", "tanggal_lahir": f"1980-{at % 12 + 1:02d}-{at % 28 + 1:02d}"}
        for at in range(84)
    ]
    given, _ = a_list(people, max(hidden_among, 1), 8, "typical")
    honest = given.select(["nama", "nama_ibu", "tanggal_lahir"]).to_pylist()
    no = objection([*honest[:hidden_among], *tried])
    assert no is not None and no.code == "roster-tries-dates"


def test_dates_are_tried_in_numbers_too():
    rows = [{"nik": f"320101{at % 28 + 1:02d}{at % 12 + 1:02d}800001", "nama": "BUDI SANTOSO"} for at in range(84)]
    assert objection(rows).code == "roster-tries-dates"


@pytest.mark.parametrize("written", [{"no_kk": "{}"}, {"nik": "9{}"}])
def test_guesses_beside_the_column_of_the_number_are_seen_as_well(written):
    """A number in the column of the card, or of 17 digits, is asked for where it fits the row's date (0141)."""
    (column, form), *_ = written.items()

    def guess(at: int, name: str) -> dict:
        return {"nama": name, "tanggal_lahir": "17-08-1980", column: form.format(3201011708800000 + at)}

    counted = [guess(at, f"NAMA {at % 7} {chr(65 + at % 26)}") for at in range(1, 200)]
    assert objection(counted).code == "roster-counts-numbers-up"
    repeated = [guess(1, f"NAMA {chr(65 + at)}") for at in range(25)]
    assert objection(repeated).code == "roster-repeats-one-number"


@pytest.mark.parametrize(
    "columns", [["no_kk", "nama"], ["no_kk", "nama", "tanggal_lahir"], ["nik", "no_kk", "nama"]], ids=" ".join
)
def test_families_whose_cards_were_issued_on_one_day_pass(columns):
    """A village whose cards have numbers that follow, three persons on each; and a home with one card for many."""
    dice = random.Random(3)
    rows = [
        {
            "nik": f"320101{dice.randint(1, 28):02d}{dice.randint(1, 12):02d}{at % 50 + 50}{dice.randint(1, 9):04d}",
            "no_kk": str(3201011505120000 + (at // 3 if at < 900 else 9_999)),
            "nama": f"ORANG {at}",
            "tanggal_lahir": f"{dice.randint(1, 28):02d}-{dice.randint(1, 12):02d}-{dice.randint(1950, 1999)}",
        }
        for at in range(930)
    ]
    assert objection([{name: row[name] for name in columns} for row in rows]) is None
