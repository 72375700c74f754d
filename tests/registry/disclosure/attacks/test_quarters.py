"""Asked of two releases, the second time without one person (disclosure reference 5: the same table in two quarters).

The attacker knows that hardly anybody moved: he reads a count of the next quarter as one of this, and subtracts. He
knows the oldest of a regency, and wants to know whether they work. What is refused he believes: few are between the two
counts, so the one he knows is.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import pytest
from tests.registry import small
from tests.registry.disclosure.attacks.door import Published, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.test_differencing import BLIND, MOST, WORKS, Target, persons
from tests.registry.disclosure.attacks.town import districts, some_town

from bagipakai.core.plan import Unit
from bagipakai.core.query import And, Between, Column, Compare, Const, Op
from bagipakai.registry import extract
from bagipakai.registry.disclosure import ledger

MOVED = {"nobody moved": 0, "one of each regency moved in": 1}
KAB, GROWN = "3201", And((WORKS, Between(Column("umur"), 30, 49)))
Quarters = tuple[Registry, Registry, Sequence[Target]]


@pytest.fixture(autouse=True)
def of_any_place(monkeypatch):
    monkeypatch.setattr(extract, "area_too_small", lambda *_: None)


@pytest.fixture(scope="module", params=MOVED)
def quarters(request, tmp_path_factory) -> Quarters:
    """A town in two quarters: the same people, or a few more who work. In one district few of the grown ones do."""
    rows = some_town(1_200, 5)
    targets = persons(rows)[:4]
    grown = (one for one in rows[Unit.INDIVIDU] if 30 <= (one["umur"] or 0) < 50)
    for at, one in enumerate(one for one in grown if one["kode_kec"] == districts(KAB)[0]):
        one["bekerja"] = at < 4
    first = a_registry(tmp_path_factory.mktemp("town"), rows)
    later = deepcopy(rows)
    for kab in small.REGENCIES[: 3 * MOVED[request.param]]:
        one = next(
            one for one in later[Unit.INDIVIDU] if one["kode_kab"] == kab and one["umur"] == 20 and not one["bekerja"]
        )
        one["bekerja"] = True
    house = first.house
    release, _ = small.small_release(house.var / "releases", seal=house.keys.seal, rows=later, version="2026.4.0")
    return first, replace(first, release=release, rows=later), targets


def fresh(quarters: Quarters, folder) -> tuple[Registry, Registry]:
    first = quarters[0].afresh(folder)
    return first, replace(quarters[1], house=first.house)


def forget(monkeypatch) -> None:
    monkeypatch.setattr(ledger, "quarters_between", lambda one, other: 0 if one == other else 99)


def said(now: Registry, later: Registry, target: Target) -> bool:
    """The wide question of one quarter, the narrow one of the next: what the first pair that is answered shows."""
    for at, (wide, narrow) in enumerate(target.pairs):
        answers = now.ordered(wide, f"Q-{at}-0"), later.ordered(narrow, f"Q-{at}-1")
        counts = [one.counts[frozenset()] if isinstance(one, Published) else None for one in answers]
        if None not in counts:
            return counts[0] > counts[1]
    return True


def right(quarters: Quarters, tmp_path) -> float:
    targets = quarters[2]
    answers = [said(*fresh(quarters, tmp_path / str(at)), one) == one.truth for at, one in enumerate(targets)]
    return sum(answers) / len(targets)


def test_nobody_is_known_by_what_two_quarters_tell(quarters, tmp_path):
    assert right(quarters, tmp_path) <= MOST


def test_quarters_that_are_not_compared_are_seen(quarters, tmp_path, monkeypatch):
    """All are known where nobody moved; where as many moved as he looks for, he is blind."""
    forget(monkeypatch)
    assert right(quarters, tmp_path) == (1 if quarters[0].rows == quarters[1].rows else BLIND)


def overlapping(quarters: Quarters, folder) -> list[bool]:
    """A regency now, and next quarter its districts but one, where few are of what is asked: which are answered."""
    first, later = fresh(quarters, folder)
    all_of_it, rest = (
        a_question("jenis_kelamin", where=GROWN, codes=codes) for codes in ((KAB,), tuple(districts(KAB)[1:]))
    )
    answers = first.ordered(all_of_it, "Q-0"), later.ordered(rest, "Q-1")
    return [isinstance(one, Published) for one in answers]


def test_places_that_overlap_are_not_told_in_the_next_quarter(quarters, tmp_path):
    assert overlapping(quarters, tmp_path) == [True, False]


def test_places_that_are_not_compared_are_seen(quarters, tmp_path, monkeypatch):
    forget(monkeypatch)
    assert overlapping(quarters, tmp_path) == [True, True]


def test_the_same_table_in_every_quarter_is_told(quarters, tmp_path):
    """Its movement is what it is for."""
    first, later = fresh(quarters, tmp_path)
    asked = a_question("kode_kab", "desil", where=Compare(Op.AT_LEAST, Column("umur"), Const(20)))
    now, then = first.ordered(asked, "Q-0"), later.ordered(asked, "Q-1")
    assert isinstance(now, Published) and isinstance(then, Published)
    assert {about for about, count in then.counts.items() if count is None} <= set(now.hidden)


def test_the_refusal_names_both_releases(quarters, tmp_path):
    first, later = fresh(quarters, tmp_path)
    wide, narrow = quarters[2][0].pairs[0]
    assert isinstance(first.ordered(wide, "Q-0"), Published)
    no = later.ordered(narrow, "Q-1")
    assert not isinstance(no, Published) and "rilis 2026.4.0" in no.words and "rilis 2026.3.0" in no.words
