"""Groups of which all, or nearly all, have one thing in common (disclosure reference 5: none published). Who is known
to be in such a group is known to have it; all but one of it have it, for who is that one.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.registry.disclosure.attacks.door import About, Published, Refused, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.sums import Sums
from tests.registry.disclosure.attacks.town import some_few, some_town
from tests.registry.small import Rows

from bagipakai.core import disclosure
from bagipakai.core.plan import Unit
from bagipakai.core.query import And, Column, Compare, Const, Op
from bagipakai.registry.disclosure import ledger, suppression

PERCENT, UNDER = 95, 100  # policy, which everybody can read

# Of a regency so many work in this, and so many of them have no account: nobody, two, one; and nobody of many.
GROUPS = {("3201", "C"): (60, 0), ("3273", "B"): (50, 2), ("5171", "H"): (40, 1), ("5171", "B"): (150, 0)}
ACCOUNTS = a_question("kode_kab", "lapangan_usaha", "memiliki_rekening")


def of_one_mind(rows: Rows) -> Rows:
    """Of everybody it is known whether they have an account."""
    few: dict[str, dict[str, int]] = {}
    for (kab, work), (size, _) in GROUPS.items():
        few.setdefault(kab, {})[work] = size
    some_few(rows, "lapangan_usaha", few, "G", apart=True)
    for one in rows[Unit.INDIVIDU]:
        one["memiliki_rekening"] = bool(one["memiliki_rekening"])
    for (kab, work), (_, without) in GROUPS.items():
        here = [one for one in rows[Unit.INDIVIDU] if (one["kode_kab"], one["lapangan_usaha"]) == (kab, work)]
        for at, one in enumerate(here):
            one["memiliki_rekening"] = at >= without
    return rows


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Registry:
    return a_registry(tmp_path_factory.mktemp("town"), of_one_mind(some_town(1_200, 21)))


@pytest.fixture
def registry(town, tmp_path) -> Registry:
    return town.afresh(tmp_path)


def alike(table: Published) -> Iterator[About]:
    """Categories that surely hold nearly all of a group that is not large, by all that can be computed."""
    sums = table.equations(Sums())
    for whole, parts in table.sums:
        group = table.counts[whole]
        if group is not None and 0 < group < UNDER and len(parts) > 1:
            for part in parts:
                shown = table.counts[part]
                least = sums.interval([part], UNDER)[0] if shown is None else shown
                if 100 * least >= PERCENT * group:
                    yield part


def small_groups(table: Published) -> set[int]:
    return {count for count in table.counts.values() if count is not None and count < UNDER}


@pytest.mark.parametrize("door", ["disclosed", "ordered"])
def test_no_group_is_told_to_be_of_one_mind(door, registry):
    table = getattr(registry, door)(ACCOUNTS, "Q-1")
    assert isinstance(table, Published), table
    assert {40, 50, 60} & small_groups(table), "the groups are not there"
    assert list(alike(table)) == []


def test_a_tree_without_the_complement_is_seen(registry, monkeypatch):
    """The few are hidden; all others are told. The ledger alone would see it."""
    monkeypatch.setattr(ledger, "telling", lambda *_: iter(()))
    whole = disclosure._hidden

    def forgetful(tree, unit, passes):
        table = whole(tree, unit, passes)
        lines = (
            replace(line, count=tree.cells[line.key].persons) if passes(line.key) else line for line in table.lines
        )
        return replace(table, lines=tuple(lines))

    monkeypatch.setattr(disclosure, "_hidden", forgetful)
    table = registry.ordered(ACCOUNTS, "Q-1")
    assert isinstance(table, Published) and len(list(alike(table))) >= 3


def test_a_table_without_the_complement_is_seen(registry, monkeypatch):
    found = suppression.suppressed
    monkeypatch.setattr(ledger, "telling", lambda *_: iter(()))
    monkeypatch.setattr(suppression._Case, "narrow", lambda *_: [])
    monkeypatch.setattr(suppression, "suppressed", lambda *given: replace(found(*given), hidden=given[2].copy()))
    monkeypatch.setattr(suppression, "primary", suppression.small)
    table = registry.disclosed(ACCOUNTS, "Q-1")
    assert isinstance(table, Published) and len(list(alike(table))) >= 3


# Two tables: a group, and those of it who have something


def both(registry: Registry, door: str, kab: str, work: str) -> list[Published | Refused]:
    """By decile: the group, and those of it who have an account."""
    group = Compare(Op.EQUAL, Column("lapangan_usaha"), Const(work))
    having = And((group, Compare(Op.EQUAL, Column("memiliki_rekening"), Const(True))))
    ask = getattr(registry, door)
    return [
        ask(a_question("kode_prov", where=where, codes=(kab,)), f"Q-{at}") for at, where in enumerate((group, having))
    ]


def share(answers: list[Published | Refused]) -> float:
    """What is told of the group's accounts; 0 where nothing is."""
    told = [one.counts[frozenset()] for one in answers if isinstance(one, Published)]
    return told[1] / told[0] if len(told) == 2 else 0.0


@pytest.mark.parametrize("door", ["disclosed", "ordered"])
@pytest.mark.parametrize(("kab", "work"), [group for group, (size, _) in GROUPS.items() if size < UNDER])
def test_nor_by_two_tables(kab, work, door, registry):
    answers = both(registry, door, kab, work)
    assert isinstance(answers[0], Published) and 100 * share(answers) < PERCENT


def test_two_tables_that_nobody_compares_are_seen(registry, monkeypatch):
    monkeypatch.setattr(ledger, "telling", lambda *_: iter(()))
    assert share(both(registry, "ordered", "3201", "C")) == 1


def test_a_share_that_nobody_looks_at_is_seen(registry, monkeypatch):
    whole = ledger.telling
    monkeypatch.setattr(ledger, "telling", lambda *given: whole(*given[:2], replace(given[2], under=0)))
    assert share(both(registry, "ordered", "3201", "C")) == 1
