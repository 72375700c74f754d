"""Rows meet by keys that a specification fixes, and a row has the keys of what it tells."""

import hashlib
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.matching.people import of_rows, some_people

from bagipakai.registry.matching.keys import ALIKE, NAMES, RULES, VERSION, WIDE, asked, keys, mix

WHOLE = {
    "nik": 3201011234567890,
    "nik_sound": 16,
    "kk": 3201010000000001,
    "born": date(1980, 2, 7),
    "born_part": 3,
    "kab": 3201,
    "kec": 320101,
    "desa": 3201012001,
    "name": "BUDI SANTOSO",
    "mother": "SITI AMINAH",
}
PLAIN = WHOLE | {
    "name": None,
    "mother": None,
}  # the keys of names change with the normaliser, which has its own version
ALL = 2**64


def naive_mix(state: int) -> int:
    z = (state + 0x9E3779B97F4A7C15) % ALL
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % ALL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % ALL
    return z ^ (z >> 31)


def naive_parts(row: dict) -> dict:
    """What the keys of one row are made of, None where it is missing."""
    nik = row["nik"]
    born = row["born"]
    return {
        **{
            name: nik // 10 ** (16 - digits) if nik is not None and row["nik_sound"] >= digits else None
            for name, digits in (("nik", 16), ("nik_15", 15), ("nik_12", 12))
        },
        "nik_10": nik % 10**10 if nik is not None and row["nik_sound"] == 16 else None,
        **{
            f"nik_but_{name}": nik // 10 ** (low + 2) * 10**low + nik % 10**low
            if nik is not None and row["nik_sound"] == 16
            else None
            for name, low in (("day", 8), ("month", 6), ("year", 4))
        },
        "born": (born - date(1970, 1, 1)).days % ALL if born and row["born_part"] == 3 else None,
        "year": born.year if born else None,
        "day": born.month * 100 + born.day if born and row["born_part"] == 3 else None,
        "initial": ord(ALIKE.get(row["name"][0], row["name"][0])) if row["name"] else None,
        **{name: row[name] for name in ("kk_15", "kab", "kec", "desa")},
        "name": row["name_phonetic"] or None,
        **{name: row[f"name_{name}"] or None for name in ("skeleton", "informative", "last")},
        "mother": row["mother_phonetic"] or None,
    }


def naive_key(rule, parts: dict) -> int | None:
    state = int.from_bytes(hashlib.blake2b(rule.name.encode()).digest()[:8], "little")
    for name in rule.parts:
        if parts[name] is None:
            return None
        state = naive_mix(state ^ parts[name])
    return state >> 32


def naive_keys(features: pa.Table) -> dict:
    """By rule, the key of each row or None."""
    parts = [naive_parts(row) for row in features.to_pylist()]
    return {rule.name: [naive_key(rule, one) for one in parts] for rule in RULES}


def met(one: dict, other: dict) -> set[str]:
    """By which rules a row of a list asks for this person."""
    person = {name: key[0] for name, (key, present) in keys(of_rows([other])).items() if present[0]}
    asking = {(NAMES[number], key[0]) for number, rows, key in asked(of_rows([one])) if len(rows)}
    return {name for name, key in person.items() if (name, key) in asking}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_the_keys_of_columns_are_those_of_each_row(seed, count):
    people = some_people(count, seed, gaps=0.3)
    expected, found = naive_keys(people), keys(people)
    assert list(found) == list(NAMES)
    for name, (key, present) in found.items():
        assert key.dtype == np.uint32
        assert [int(k) if p else None for k, p in zip(key, present, strict=True)] == expected[name]


def test_the_first_numbers_of_splitmix64_are_the_published_ones():
    """From seed 0, as in its authors' reference program."""
    states = np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert [hex(one) for one in mix(states)] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f"]


def test_the_keys_of_a_row_stay_what_they_are():
    """An index lies for years: who gives another key, of any rule, gives another version, and changes this."""
    found = {name: int(key[0]) for name, (key, _) in keys(of_rows([PLAIN])).items()}
    assert (VERSION, hashlib.sha256(repr(found).encode()).hexdigest()[:16]) == ("6d366f453ffccdbe", "48e4b7eabcba935c")


NUMBER = ("nik", "nik_15", "nik_12", "nik_10", "nik_but_day", "nik_but_month", "nik_but_year")
PARTS = NUMBER[3:]  # of a number of which all is sound
NAME = ("name", "skeleton", "informative", "last", "initial")
ODD = {"nik": None, "nik_sound": 0}


def without(*parts: str, scarce: bool = False) -> set[str]:
    """The rules that need none of these parts; `scarce`: those too that ask only where day or district is missing."""
    return {rule.name for rule in RULES if not set(rule.parts) & set(parts) and scarce >= rule.scarce}


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, without()),
        ({"nik": None, "nik_sound": 0}, without(*NUMBER)),
        ({"nik": 3201011234567890, "nik_sound": 15}, without("nik", *PARTS)),
        ({"nik": 3201011234567000, "nik_sound": 12}, without("nik", "nik_15", *PARTS)),
        ({"nik": 3201011334567890}, without(*NUMBER) | {"nik-day-initial"}),
        ({"nik": 3201011235567890}, without(*NUMBER) | {"nik-month-initial"}),
        ({"nik": 3201011234557890}, without(*NUMBER) | {"nik-year-initial"}),
        # A digit is missing or too many, in the place, the day, the month, the year, the serial.
        (ODD | {"nik_odd": 321011234567890}, without(*NUMBER) | {"nik-10-initial"}),
        (ODD | {"nik_odd": 320101234567890}, without(*NUMBER) | {"nik-10-initial", "nik-day-initial"}),  # 1 of either
        (ODD | {"nik_odd": 32010112344567890}, without(*NUMBER) | {"nik-month-initial", "nik-year-initial"}),
        (ODD | {"nik_odd": 32010112345667890}, without(*NUMBER) | {"nik-year-initial", "nik-12"}),
        (ODD | {"nik_odd": 320101123456790}, without(*NUMBER) | {"nik-12"}),
        # Each in the column of the other.
        ({"nik": 3201010000000001, "nik_beside": 3201011234567890}, without(*NUMBER) | {"nik"}),
        ({"nik": 3201010000000001, "kk": 3201011234567890, "nik_fits": True}, without(*NUMBER, "kk_15")),
        (
            {"name": "SITI AMINAH", "mother": "BUDI SANTOSO"},
            without(*NAME, "mother") | {"mother-born", "mother-kec", "mother-kab"},
        ),
        ({"name": "SANTOSO BUDI"}, without("skeleton", "initial")),  # asked the other way round, too
        ({"name": "BUDI SANTSOO"}, without("skeleton", "name", "last")),
        ({"name": "BURDI SANTOSO"}, without("skeleton", "name", "informative")),
        ({"born": date(1980, 7, 2)}, without()),  # day and month exchanged
        ({"born": date(1981, 2, 7)}, without("born", "year")),
        ({"born_part": 1}, without("born", "day", scarce=True)),
        ({"kec": None, "desa": None}, without("kec", "desa", scarce=True)),
        ({"desa": None}, without("desa")),
        ({"kab": 5171, "kec": 517101, "desa": 5171012001}, without("kab", "kec", "desa")),
        ({"nik": None, "nik_sound": 0, "name": None, "kk": None, "mother": None}, {"born-kec", "year-kec", "born-kab"}),
        (
            {"nik": 3204010702800009, "born": None, "born_part": None},
            without(*NUMBER, scarce=True),
        ),
        (
            {"nik": 3204014702800009, "born_part": 1},
            without(*NUMBER, scarce=True),
        ),  # the NIK tells a day
        ({name: None for name in WHOLE if name not in ("nik_sound", "born_part")}, set()),
    ],
)
def test_a_damaged_row_still_meets_its_person(change, left):
    assert met(WHOLE | change, WHOLE) == left


def test_a_row_asks_only_by_the_rules_that_are_wanted():
    assert {NAMES[number] for number, _, _ in asked(of_rows([WHOLE]), ["kk-15", "nik"])} == {"kk-15", "nik"}


@pytest.mark.parametrize("by", ["informative-desa", "informative-born", "last-born"])
def test_a_nickname_meets_the_name_that_it_is_short_for(by):
    assert by in met(WHOLE | {"name": "WAWAN"}, WHOLE | {"name": "HERMAWAN"})
    assert by not in met(WHOLE | {"name": "BUDI"}, WHOLE | {"name": "HERMAWAN"})


def test_a_name_alone_is_asked_only_where_day_or_district_is_missing():
    """What it leaves out is missed by nobody: a frequent name is no reason to have a row looked at."""
    nothing_else = {name: None for name in WHOLE if name not in ("nik_sound", "born_part")} | {"name": WHOLE["name"]}
    assert met(WHOLE | nothing_else, WHOLE) == {"name"}
    assert "name" not in met(WHOLE | {"desa": None, "nik": None}, WHOLE)
    assert "name" in WIDE
