"""What survives of columns is what is said of one value; and the cases that an officer would name."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.policy import PolicyError, policy_file
from bagipakai.core.sources import Sources
from bagipakai.core.survivorship import Survival, Survivorship, Told, Way, most_told, survivor
from bagipakai.core.variables import Catalogue
from bagipakai.registry.building import surviving
from bagipakai.registry.building.surviving import Words, chosen, survivors

DAY = date(2026, 11, 1)
SOURCES = ("dukcapil", "regsosek", "dtks")
ELSEWHERE = "badan-lain"
REACHED: set[tuple[Way, int]] = set()


def word(value: str | None, source: str = ELSEWHERE, days: int = 0) -> Told:
    return Told(value, source, DAY + timedelta(days=days))


def rule(way: Way, *sources: str) -> Survival:
    return Survival("nama", way, sources or SOURCES, "uji")


def of_columns(one: Survival, rows: list[tuple[Told, list[Told]]]) -> list[int]:
    known = [known for known, _ in rows]
    columns = [known, *([told[at] for _, told in rows] for at in range(len(one.sources)))]
    words = [
        Words(
            pa.array([told.value for told in column], pa.string()),
            np.array([one.rank(told.source) for told in column]),
            np.array([told.day.toordinal() for told in column]),
        )
        for column in columns
    ]
    found = survivors(one, words[0], words[1:])
    values = chosen(found, words[0].values, [column.values for column in words[1:]])
    picked = [(known, *told)[at].value for (known, told), at in zip(rows, found.tolist(), strict=True)]
    assert values.to_pylist() == picked
    return found.tolist()


VALUES = st.sampled_from([None, None, "A", "B", "C"])
DAYS = st.integers(-3, 3)


@st.composite
def some_rows(draw):
    one = rule(draw(st.sampled_from(Way)))
    rows = st.tuples(
        st.builds(word, VALUES, st.sampled_from([*SOURCES, ELSEWHERE]), DAYS),
        st.tuples(*(st.builds(word, VALUES, st.just(source), DAYS) for source in SOURCES)).map(list),
    )
    return one, draw(st.lists(rows, min_size=12, max_size=30))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(some_rows())
def test_columns_survive_as_single_values_do(drawn):
    one, rows = drawn
    expected = [survivor(one, known, told) for known, told in rows]
    assert of_columns(one, rows) == expected
    REACHED.update((one.way, at) for at in expected)


def test_the_drawn_examples_reached_every_way_and_every_source():
    if not REACHED:  # run alone
        test_columns_survive_as_single_values_do()
    assert {(way, at) for way in Way for at in range(len(SOURCES) + 1)} <= REACHED


@pytest.mark.parametrize(
    ("way", "known", "told", "wins"),
    [
        (Way.PRIORITY, word("A"), [word(None, "dukcapil"), word("B", "regsosek"), word("C", "dtks")], 2),
        (Way.PRIORITY, word("A", "dukcapil", -90), [word(None, "dukcapil"), word("B", "regsosek")], 0),
        (Way.PRIORITY, word("A", "dukcapil", 9), [word("B", "dukcapil", 0)], 0),
        (Way.PRIORITY, word("A", "dukcapil"), [word("B", "dukcapil")], 1),
        (Way.LATEST, word("A", "dukcapil", -9), [word(None, "dukcapil"), word(None, "regsosek"), word("C", "dtks")], 3),
        (Way.LATEST, word("A", ELSEWHERE, 5), [word("B", "dukcapil", 4)], 0),
        (Way.LATEST, word("A"), [word("B", "dukcapil"), word("C", "regsosek")], 1),
        (Way.FILL, word("A"), [word("B", "dukcapil")], 0),
        (Way.FILL, word(None), [word(None, "dukcapil"), word("B", "regsosek")], 2),
        (Way.AGREEMENT, word("A"), [word("B", "dukcapil")], 0),
        (Way.AGREEMENT, word("A"), [word("B", "dukcapil"), word("B", "regsosek")], 1),
        (Way.AGREEMENT, word(None), [word("B", "dukcapil"), word("C", "regsosek")], 0),
        (Way.AGREEMENT, word("B", "dukcapil", -9), [word("C", "dukcapil"), word("B", "regsosek")], 0),
        (Way.AGREEMENT, word("C", "dukcapil", -9), [word("B", "dukcapil"), word("B", "regsosek")], 1),
    ],
)
def test_an_officer_would_choose_the_same(way, known, told, wins):
    told = told + [word(None, source) for source in SOURCES[len(told) :]]
    assert survivor(rule(way), known, told) == wins
    assert of_columns(rule(way), [(known, told)]) == [wins]


def test_what_nobody_tells_stays():
    for way in Way:
        assert survivor(rule(way), word("A"), [word(None, source) for source in SOURCES]) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, max_size=5), min_size=1, max_size=12))
def test_a_household_says_what_most_of_its_members_do(households):
    rows = [(at, value) for at, members in enumerate(households) for value in members]
    whose = np.array([at for at, _ in rows], np.int64)
    found = surviving.most_told(pa.array([value for _, value in rows], pa.string()), whose, len(households))
    starts = np.searchsorted(whose, np.arange(len(households)))
    for at, members in enumerate(households):
        place = most_told(members)
        assert found[at] == (-1 if place is None else starts[at] + place)


def a_policy(**changes):
    told = {name: [dict(row) for row in rows] for name, rows in policy_file("survivorship").items()}
    told["rule"][0].update(changes)
    return Survivorship.from_policy(told, Catalogue.on(DAY), Sources.on(DAY), DAY)


@pytest.mark.parametrize(
    "changes",
    [
        {"variables": ["umur"]},
        {"variables": ["kode_kec"]},
        {"variables": ["tidak_ada"]},
        {"variables": ["jam_kerja"]},
        {"variables": ["alamat"]},
        {"sources": []},
        {"sources": ["dukcapil", "dukcapil"]},
        {"sources": ["sensus"]},
        {"way": "loudest"},
    ],
)
def test_a_rule_that_cannot_be_followed_stops_the_start(changes):
    assert a_policy()["nama"].sources == ("dukcapil",)
    with pytest.raises(PolicyError, match=r"survivorship\.toml"):
        a_policy(**changes)
