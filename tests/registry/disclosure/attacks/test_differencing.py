"""Asked twice, the second time without one person or one family (disclosure reference 5: refused, or right about at
most 60 of 100 after five pairs; 50 is blind). Exact tables would make it 100.

The attacker knows somebody by what neighbours know: the only one of an age in a regency or in a district, the only
family of a size. He wants to know one thing more. What both answers tell he subtracts; what a refusal tells he
believes: few are between the two counts, so the one he knows is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pytest
from tests.registry.disclosure.attacks.door import Published, Refused, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.town import districts, some_town
from tests.registry.small import REGENCIES

from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import And, Column, Compare, Const, Op, Predicate
from bagipakai.registry import extract
from bagipakai.registry.disclosure import ledger

BLIND, MOST = 0.5, 0.6
WORKS = Compare(Op.EQUAL, Column("bekerja"), Const(True))
SAVES = Compare(Op.EQUAL, Column("memiliki_tabungan"), Const(True))

Pair = tuple[Plan, Plan]


def at_most(name: str, value: int) -> Predicate:
    return Compare(Op.AT_MOST, Column(name), Const(value))


@dataclass(frozen=True)
class Target:
    """Somebody, whether what is asked is true of them, and five pairs of questions that differ by them."""

    truth: bool
    pairs: Sequence[Pair]


def pairs_of(by: Sequence[str], wide: Predicate, narrow: Predicate, unit: str, codes: tuple[str, ...]) -> list[Pair]:
    """Five breakdowns of both."""
    return [tuple(a_question(name, where=where, unit=unit, codes=codes) for where in (wide, narrow)) for name in by]


def persons(rows) -> list[Target]:
    """The oldest of each regency: one is 110, one 109, and so on; every second of them works."""
    found = []
    for kab in REGENCIES:
        here = [one for one in rows[Unit.INDIVIDU] if one["kode_kab"] == kab]
        for rank, one in enumerate(here[7::40][:2]):
            one |= {"umur": 110 - rank, "bekerja": (rank + REGENCIES.index(kab)) % 2 == 0}
        for rank in range(2):
            wide, narrow = (And((WORKS, at_most("umur", 110 - rank - less))) for less in (0, 1))
            truth = (rank + REGENCIES.index(kab)) % 2 == 0
            by = ("jenis_kelamin", "desil", "kode_kec", "ijazah_tertinggi", "memiliki_rekening")
            found.append(Target(truth, pairs_of(by, wide, narrow, "individu", (kab,))))
    return found


def of_a_district(rows) -> list[Target]:
    """The only ones of their age in a district, who are missing in the rest of the regency."""
    found = []
    for (at, kab), age in product(enumerate(REGENCIES), (30, 31)):
        home, *rest = districts(kab)
        here = [one for one in rows[Unit.INDIVIDU] if one["kode_kec"] == home]
        there = [one for one in rows[Unit.INDIVIDU] if one["kode_kec"] in rest and one["umur"] not in (30, 31)]
        for one in here:
            one["umur"] = 29 if one["umur"] == age else one["umur"]
        for one in there[age % 5 :: 5][:60]:
            one |= {"umur": age, "bekerja": True}
        truth = (at + age) % 2 == 0
        here[age] |= {"umur": age, "bekerja": truth}
        where = And((WORKS, Compare(Op.EQUAL, Column("umur"), Const(age))))
        by = ("jenis_kelamin", "memiliki_rekening", "memiliki_akta_lahir", "memiliki_usaha", "peserta_pbi")
        areas = ((kab,), tuple(rest))
        found.append(Target(truth, [tuple(a_question(one, where=where, codes=codes) for codes in areas) for one in by]))
    return found


def families(rows) -> list[Target]:
    """The largest: one has 30 members, one 29, and so on."""
    found = []
    for rank, one in enumerate(rows[Unit.KELUARGA][7::200][:4]):
        truth = rank % 2 == 0
        one |= {"jumlah_anggota_keluarga": 30 - rank, "memiliki_tabungan": truth}
        wide, narrow = (And((SAVES, at_most("jumlah_anggota_keluarga", 30 - rank - less))) for less in (0, 1))
        by = ("kode_kab", "kode_prov", "aset_kulkas", "aset_emas", "lahan_lain")
        found.append(Target(truth, pairs_of(by, wide, narrow, "keluarga", ())))
    return found


KINDS = {"persons": persons, "through a district": of_a_district, "families": families}


@pytest.fixture(autouse=True)
def of_any_place(monkeypatch):
    """However few live in a district that is asked about alone."""
    monkeypatch.setattr(extract, "area_too_small", lambda *_: None)


@pytest.fixture(scope="module", params=KINDS)
def town(request, tmp_path_factory) -> tuple[Registry, list[Target]]:
    rows = some_town(1_200, 5)
    targets = KINDS[request.param](rows)
    assert sum(one.truth for one in targets) * 2 == len(targets)
    return a_registry(tmp_path_factory.mktemp("town"), rows), targets


def said(ask: Callable[[Plan, str], Published | Refused], target: Target) -> bool:
    """What the attacker says of the target: what the first pair of answers shows; else yes."""
    for at, pair in enumerate(target.pairs):
        answers = [ask(plan, f"Q-{at}-{turn}") for turn, plan in enumerate(pair)]
        wide, narrow = (one.counts[frozenset()] if isinstance(one, Published) else None for one in answers)
        if wide is not None and narrow is not None:
            return wide > narrow
    return True


def right(town, tmp_path, door: str) -> float:
    registry, targets = town
    found = 0
    for at, target in enumerate(targets):
        ask = getattr(registry.afresh(tmp_path / f"{door}-{at}"), door)
        found += said(ask, target) == target.truth
    return found / len(targets)


def test_nobody_is_known_after_five_pairs(town, tmp_path):
    assert right(town, tmp_path, "ordered") <= MOST


def test_nor_by_the_command(town, tmp_path):
    registry, targets = two(town)
    short = [replace(one, pairs=one.pairs[:2]) for one in targets]
    assert right((registry, short), tmp_path, "disclosed") == BLIND


def two(town) -> tuple[Registry, list[Target]]:
    """Somebody of whom it is true, and somebody of whom it is not."""
    return town[0], town[1][:2]


def test_a_ledger_that_forgets_is_seen(town, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger.Ledger, "differences", lambda *_: iter(()))
    assert right(two(town), tmp_path, "ordered") == 1


def test_a_refusal_of_one_to_nine_alone_is_seen(town, tmp_path, monkeypatch):
    """Nobody between them, and it is answered: then a refusal says that there is somebody."""
    monkeypatch.setattr(ledger, "_divided", lambda *_: lambda *_: False)
    assert right(two(town), tmp_path, "ordered") == 1


def test_a_limit_of_nobody_is_seen(town, tmp_path, monkeypatch):
    whole = ledger.telling
    monkeypatch.setattr(ledger, "telling", lambda *given: whole(*given[:2], replace(given[2], smallest=1, under=0)))
    assert right(two(town), tmp_path, "ordered") == 1
