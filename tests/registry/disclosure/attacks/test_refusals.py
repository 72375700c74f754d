"""What a "no" tells (disclosure reference 5: no more than its words). Towns that differ in nothing but how many people
are between two counts are refused alike, to the letter; and no number of anybody is in a refusal.
"""

import re

import pytest
from tests.registry.disclosure.attacks.door import SMALLEST, Refused, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.town import some_few, some_town
from tests.registry.small import Rows

from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import And, Column, Compare, Const, Op
from bagipakai.registry import entering, extract
from bagipakai.registry.disclosure import outputs

WORKS = Compare(Op.EQUAL, Column("bekerja"), Const(True))


def older(most: int) -> Plan:
    where = And((WORKS, Compare(Op.AT_MOST, Column("umur"), Const(most))))
    return a_question("jenis_kelamin", where=where, codes=("3201",))


def with_few(few: int) -> Rows:
    """Of twenty people of 110 years, ten of each sex, so many work."""
    rows = some_few(some_town(900, 3), "umur", {"3201": {110: 2 * SMALLEST}}, 50)
    for at, one in enumerate(one for one in rows[Unit.INDIVIDU] if one["umur"] == 110):
        one |= {"bekerja": at < few, "jenis_kelamin": "12"[at % 2]}
    return rows


@pytest.fixture(scope="module")
def towns(tmp_path_factory) -> list[Registry]:
    """Nobody of them, one, and so on; the last town has as many of each sex as may be told."""
    folder = tmp_path_factory.mktemp("towns")
    return [a_registry(folder / str(few), with_few(few)) for few in (0, 1, 5, SMALLEST - 1, 2 * SMALLEST)]


@pytest.mark.parametrize("door", ["ordered", "disclosed"])
def test_how_few_there_are_is_not_in_the_refusal(door, towns, tmp_path):
    answers = []
    for at, town in enumerate(towns):
        registry = town.afresh(tmp_path / str(at))
        wide, narrow = (getattr(registry, door)(older(most), f"Q-{most}") for most in (110, 109))
        assert not isinstance(wide, Refused)
        answers.append(narrow)
    assert not isinstance(answers.pop(), Refused), "it is refused whatever there is"
    assert all(isinstance(one, Refused) for one in answers)
    assert len({(one.code, one.words) for one in answers}) == 1


def test_a_refusal_for_a_few_and_not_for_nobody_is_seen(towns, tmp_path, monkeypatch):
    monkeypatch.setattr("bagipakai.registry.disclosure.ledger._divided", lambda *_: lambda *_: False)
    codes = set()
    for at, town in enumerate(towns[:2]):
        registry = town.afresh(tmp_path / str(at))
        codes.add([isinstance(registry.ordered(older(most), f"Q-{most}"), Refused) for most in (110, 109)][1])
    assert codes == {True, False}


SMALL = {
    "nobody": a_question("jenis_kelamin", where=Compare(Op.EQUAL, Column("umur"), Const(119))),
    "nine": a_question("jenis_kelamin", where=Compare(Op.EQUAL, Column("umur"), Const(118))),
    "sparse": a_question("kode_kec", "penyandang_disabilitas"),
}


@pytest.mark.parametrize("door", ["ordered", "disclosed"])
def test_no_number_of_anybody_is_told(door, tmp_path):
    """Only numbers that stand in the policy or in the question."""
    rows = some_few(some_town(900, 3), "umur", {"3201": {118: 9}}, 50)
    registry = a_registry(tmp_path, rows)
    for name, plan in SMALL.items():
        answer = getattr(registry, door)(plan, name)
        assert isinstance(answer, Refused), name
        assert set(re.findall(r"\d+", answer.words)) <= {"10", "118", "119", "20"}, answer.words


def not_of_oldest(by: str) -> tuple[Plan, Plan]:
    """Who of them works: everybody, then all but the oldest."""
    wide, narrow = (And((WORKS, Compare(Op.AT_MOST, Column("umur"), Const(most)))) for most in (110, 96))
    return a_question("kode_kab", where=wide, codes=("5171",)), a_question(by, where=narrow, codes=("5171",))


def with_oldest(works: bool, many: int) -> Rows:
    """One person of a regency is 97, and works or not; with her or without so many do, each of another family."""
    rows = some_town(900, 5)
    here = [one for one in rows[Unit.INDIVIDU] if one["kode_kab"] == "5171"]
    for one in here:
        one |= {"umur": min(one["umur"] or 30, 95), "bekerja": False}
    here[0] |= {"umur": 97, "bekerja": works}
    others = {one["id_keluarga"]: one for one in here[1:] if one["umur"] >= 15 and one["id_keluarga"]}
    for one in list(others.values())[: many - works]:
        one["bekerja"] = True
    return rows


JUST = {"one cell": ("kode_prov", 20), "too fine": ("desil", 200), "too fine by sex": ("jenis_kelamin", 40)}


@pytest.fixture(scope="module")
def of_oldest(tmp_path_factory) -> dict[str, list[Registry]]:
    folder = tmp_path_factory.mktemp("oldest")
    return {
        name: [a_registry(folder / name / str(works), with_oldest(works, many)) for works in (True, False)]
        for name, (_, many) in JUST.items()
    }


def said_without_oldest(registries: list[Registry], door: str, by: str, folder) -> set[tuple[str, str]]:
    wide, narrow = not_of_oldest(by)
    said = set()
    for at, one in enumerate(registries):
        ask = getattr(one.afresh(folder / str(at)), door)
        assert not isinstance(ask(wide, "Q-0"), Refused)
        answer = ask(narrow, "Q-1")
        assert isinstance(answer, Refused)
        said.add((answer.code, answer.words))
    return said


@pytest.mark.parametrize("name", JUST)
@pytest.mark.parametrize("door", ["ordered", "disclosed"])
def test_which_refusal_comes_first_does_not_tell_of_one(door, name, of_oldest, tmp_path, monkeypatch):
    """The table is just large enough, or not, by the one who is between it and another."""
    of_any_place(monkeypatch)
    assert len(said_without_oldest(of_oldest[name], door, JUST[name][0], tmp_path)) == 1


@pytest.mark.parametrize("door", ["ordered", "disclosed"])
def test_which_limit_a_table_breaks_does_not_tell_of_one(door, tmp_path, monkeypatch):
    """Ten of them are too few to a cell, and nine too few in all."""
    of_any_place(monkeypatch)
    towns = (a_registry(tmp_path / str(works), with_oldest(works, SMALLEST)) for works in (True, False))
    answers = [getattr(one, door)(not_of_oldest("kode_kab")[1], "Q-0") for one in towns]
    assert all(isinstance(one, Refused) for one in answers)
    assert len({(one.code, one.words) for one in answers}) == 1


@pytest.mark.parametrize("door", ["ordered", "disclosed"])
def test_a_table_that_is_judged_by_itself_first_is_seen(door, of_oldest, tmp_path, monkeypatch):
    of_any_place(monkeypatch)
    for module in (entering, outputs):
        monkeypatch.setattr(module, "of_total", lambda *_: None)
    codes = {code for code, _ in said_without_oldest(of_oldest["one cell"], door, "kode_prov", tmp_path)}
    assert len(codes) == 2 and "table-too-fine" in codes


def of_any_place(monkeypatch) -> None:
    for module in (extract, outputs):
        monkeypatch.setattr(module, "area_too_small", lambda *_: None)
