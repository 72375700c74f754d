"""Asked again after one person was corrected, or put on hold (disclosure reference 4.6, 9.7: every edition is one more
table to subtract). The attacker knows that somebody was, and asks about each decile before and after: the one of which
the answer differs, be it by a refusal, is theirs.
"""

from copy import deepcopy
from dataclasses import replace

import pytest
from tests.registry import small
from tests.registry.disclosure.attacks.door import Published, Refused, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.town import some_town
from tests.registry.test_holds import held

from bagipakai.core.plan import Unit
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.registry import extract
from bagipakai.registry.disclosure import outputs

KAB, DECILES = "5171", (2, 3, 4, 5)
DOORS = pytest.mark.parametrize("door", ["ordered", "disclosed"])


@pytest.fixture(autouse=True)
def of_any_place(monkeypatch):
    for door in (extract, outputs):
        monkeypatch.setattr(door, "area_too_small", lambda *_: None)


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Registry:
    return a_registry(tmp_path_factory.mktemp("town"), some_town(1_500, 8))


@pytest.fixture(scope="module")
def corrected(town) -> Registry:
    """The same people, but that one of the third decile is in the fifth by now."""
    rows = deepcopy(town.rows)
    she = next(one for one in rows[Unit.INDIVIDU] if one["kode_kab"] == KAB and one["desil"] == 3)
    she["desil"] = 5
    house = town.house
    release, _ = small.small_release(house.var / "releases", seal=house.keys.seal, rows=rows, version="2026.3.1")
    return replace(town, release=release, rows=rows)


def of_decile(desil: int, release: str = "2026.3.0"):
    asked = a_question("jenis_kelamin", where=Compare(Op.EQUAL, Column("desil"), Const(desil)), codes=(KAB,))
    return replace(asked, release=release)


def after_correction(town, corrected, door, tmp_path) -> set[object]:
    """What is said of the deciles in the corrected release, each having been told of the first."""
    said: set[object] = set()
    for desil in DECILES:
        registry = town.afresh(tmp_path / str(desil))
        assert isinstance(getattr(registry, door)(of_decile(desil), "Q-0"), Published)
        later = replace(registry, release=corrected.release)
        answer = getattr(later, door)(of_decile(desil, "2026.3.1"), "Q-1")
        said.add(answer if isinstance(answer, Refused) else "told")
    return said


def on_hold(town: Registry) -> str:
    """The number of somebody of the third decile that nobody else has."""
    niks = [one["nik"] for one in town.rows[Unit.INDIVIDU] if one["nik_number"] is not None]
    here = (one for one in town.rows[Unit.INDIVIDU] if one["kode_kab"] == KAB and one["desil"] == 3)
    return next(one["nik"] for one in here if one["nik_number"] is not None and niks.count(one["nik"]) == 1)


def after_hold(town, door, tmp_path) -> list[bool]:
    """Of each decile, whether it is told after the hold what was told before."""
    same = []
    for desil in DECILES:
        registry = town.afresh(tmp_path / str(desil))
        before = getattr(registry, door)(of_decile(desil), "Q-0")
        assert isinstance(before, Published)
        held(registry.house, [on_hold(town)], "PROTECTED_STATE")
        after = getattr(registry, door)(of_decile(desil), "Q-1")
        same.append(isinstance(after, Published) and after.counts == before.counts)
    return same


@DOORS
def test_who_was_corrected_is_in_no_answer(town, corrected, door, tmp_path):
    (said,) = after_correction(town, corrected, door, tmp_path)
    assert isinstance(said, Refused) and said.code == "tables-of-other-people" and "2026.3.0" in said.words


@DOORS
def test_who_was_put_on_hold_is_in_no_answer(town, door, tmp_path):
    assert after_hold(town, door, tmp_path) == [True] * len(DECILES)


@DOORS
def test_who_was_on_hold_before_anything_was_told_is_not_counted(town, door, tmp_path):
    counts = []
    for name in ("everybody", "but one"):
        registry = town.afresh(tmp_path / name)
        if name == "but one":
            held(registry.house, [on_hold(town)], "PROTECTED_STATE")
        answer = getattr(registry, door)(of_decile(3), "Q-0")
        counts.append(answer.counts[frozenset()])
    assert counts[0] - counts[1] == 1


@DOORS
def test_a_correction_of_which_nothing_was_told_answers_first(town, corrected, door, tmp_path):
    first = town.afresh(tmp_path)
    later = replace(first, release=corrected.release)
    assert isinstance(getattr(later, door)(of_decile(3, "2026.3.1"), "Q-0"), Published)
    assert isinstance(getattr(first, door)(of_decile(4), "Q-1"), Refused)


def forget(monkeypatch) -> None:
    monkeypatch.setattr("bagipakai.registry.disclosure.ledger.Ledger.first", lambda *_: None)


def test_editions_that_are_not_told_apart_are_seen(town, corrected, tmp_path, monkeypatch):
    forget(monkeypatch)
    said = after_correction(town, corrected, "ordered", tmp_path / "corrected")
    assert {one.code if isinstance(one, Refused) else one for one in said} == {"told", "tables-tell-a-few"}
    assert after_hold(town, "ordered", tmp_path / "held") == [desil != 3 for desil in DECILES]
