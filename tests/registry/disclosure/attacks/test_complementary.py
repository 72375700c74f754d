"""Totals minus parts: what an attacker with one published table, the method, the policy and himself can compute of its
hidden cells (disclosure reference 5: none is nearer than the smallest count). Unprotected 97 of 100 come back exactly.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.registry.disclosure.attacks.door import SMALLEST, About, Published, Registry, a_question, a_registry, cells
from tests.registry.disclosure.attacks.sums import Sums
from tests.registry.disclosure.attacks.town import districts, some_few, some_town
from tests.registry.small import REGENCIES

from bagipakai.core import disclosure
from bagipakai.core.disclosure import Disclosure
from bagipakai.core.plan import Unit
from bagipakai.registry.disclosure import published, suppression
from bagipakai.registry.disclosure.tables import TableRule

BOGOR, BANDUNG, BADUNG = (districts(kab) for kab in REGENCIES)
FAMILIES = {  # who works in what: whole families, and people who are alone in their place
    BOGOR[0]: {"B": 6, "C": 1, "E": 2},
    BOGOR[1]: {"B": 5, "A": 5},
    BANDUNG[0]: {"B": 8, "H": 8},
    BADUNG[2]: {"J": 7},
}
APART = {BANDUNG[1]: {"F": 9}, BANDUNG[2]: {"F": 9}}
FLOORS = {"5171": {"9": 9}}
QUESTIONS = {
    "places by work": a_question("kode_kec", "lapangan_usaha"),
    "work by welfare": a_question("desil", "lapangan_usaha"),
    "in three dimensions": a_question("kode_kab", "jenis_kelamin", "lapangan_usaha"),
    "families": a_question("kode_kab", "jenis_lantai", unit="keluarga"),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Registry:
    rows = some_few(some_town(1_200, 11), "lapangan_usaha", APART, "G", apart=True)
    rows = some_few(rows, "lapangan_usaha", FAMILIES | {"5171": {"P": 6}}, "G")
    rows = some_few(rows, "jenis_lantai", FLOORS, "1", unit=Unit.KELUARGA)
    return a_registry(tmp_path_factory.mktemp("town"), rows)


@pytest.fixture
def registry(town, tmp_path) -> Registry:
    return town.afresh(tmp_path)


# The attackers


def told(table: Published) -> list[About]:
    """Who only reads: counts that are shown, and small."""
    return [about for about, count in table.counts.items() if count is not None and count < SMALLEST]


def near(table: Published) -> list[About]:
    """Who computes: hidden cells of which he knows too much."""
    sums = table.equations(Sums())
    return [about for about in table.hidden if _is_near(sums, about)]


def exact(table: Published) -> float:
    """The share of hidden cells that he has exactly."""
    sums = table.equations(Sums())
    found = [low == high for low, high in (sums.interval([about], 2) for about in table.hidden)]
    return sum(found) / len(found)


def listed(table: Published) -> list[About]:
    """A value stands in the table because somebody has it: a margin of one value holds at least one. Found where less
    is left than the rule itself says of a small cell (1 to 9)."""
    sums = table.equations(Sums(), lambda about: 1 if len(about) == 1 else 0)
    bounds = {about: sums.interval([about], 2 * SMALLEST) for about in table.hidden}
    return [
        about for about, (low, high) in bounds.items() if high - low < SMALLEST and (low > 1 or high < SMALLEST - 1)
    ]


def knowing_which(table: Published, registry: Registry) -> list[About]:
    """Who knows which of the hidden cells are the small ones: found where more is told of one than 1 to 9."""
    true = cells(registry.rows[table.plan.unit], table.plan.columns)
    few = [about for about in table.hidden if true[about] < SMALLEST]
    sums = table.equations(Sums())
    for about in few:
        sums.unknown(about, high=SMALLEST - 1)
    bounds = {about: sums.interval([about], SMALLEST) for about in few}
    return [about for about, (low, high) in bounds.items() if low > 1 or high < SMALLEST - 1]


def families(table: Published, registry: Registry) -> Iterator[About]:
    """Every family knows where its members are; what it finds of others, there and elsewhere."""
    own: dict[int, Counter[About]] = defaultdict(Counter)
    hidden = set(table.hidden)
    for row in registry.rows[table.plan.unit]:
        own[row["id_keluarga"]].update(about for about in cells([row], table.plan.columns) if about in hidden)
    sums = table.equations(Sums())
    for known in {frozenset(one.items()) for one in own.values()}:
        with sums.knowing(dict(known)):
            yield from (about for about in table.hidden if _is_near(sums, about))


def _is_near(sums: Sums, about: About) -> bool:
    low, high = sums.interval([about], 2 * SMALLEST)
    return high - low < SMALLEST


@pytest.mark.parametrize("door", ["disclosed", "ordered"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_no_hidden_cell_is_near(name, door, registry):
    table = getattr(registry, door)(QUESTIONS[name], "Q-1")
    assert isinstance(table, Published), table
    assert (told(table), near(table), listed(table)) == ([], [], [])
    assert (knowing_which(table, registry), list(families(table, registry))) == ([], [])
    true = cells(registry.rows[table.plan.unit], table.plan.columns)
    assert len(table.hidden) >= 2 and {true[about] for about in table.hidden} & set(range(1, SMALLEST))
    sums = table.equations(Sums())
    for about in table.hidden:  # what he computes is not wrong
        low, high = sums.interval([about])
        assert low <= true[about] <= high


# Planted: each gate broken, each seen


def without_audit(monkeypatch):
    monkeypatch.setattr(suppression._Case, "narrow", lambda *_: [])


def test_without_partners_nearly_everything_comes_back(registry, monkeypatch):
    """Partners, audit and the ledger's look at what is left of totals: the last one alone would see it."""
    without_audit(monkeypatch)
    monkeypatch.setattr(published, "_left", lambda _: ())
    found = suppression.suppressed
    monkeypatch.setattr(suppression, "suppressed", lambda *given: replace(found(*given), hidden=given[2].copy()))
    table = registry.disclosed(QUESTIONS["places by work"], "Q-1")
    assert isinstance(table, Published)
    assert exact(table) > 0.9, exact(table)


def test_one_partner_forgotten_is_seen(town, tmp_path, monkeypatch):
    """Whichever."""
    without_audit(monkeypatch)
    found = suppression.suppressed

    partners = [0]

    def forgetful(*given):
        one = found(*given)
        partners[:] = np.flatnonzero(one.hidden & ~given[2])
        one.hidden.ravel()[partners[forgotten]] = False
        return one

    monkeypatch.setattr(suppression, "suppressed", forgetful)
    forgotten = 0
    while forgotten < len(partners):
        registry = town.afresh(tmp_path / str(forgotten))
        table = registry.disclosed(QUESTIONS["places by work"], "Q-1")
        assert isinstance(table, Published)
        assert near(table) or knowing_which(table, registry) or any(families(table, registry)), forgotten
        forgotten += 1
    assert forgotten > 4


def test_a_threshold_that_is_off_by_one_is_seen(registry, monkeypatch):
    whole = TableRule.of_plan

    def lower(rule, plan):
        own = whole(rule, plan)
        return replace(own, smallest_persons=own.smallest_persons - 1, smallest_families=own.smallest_families - 1)

    monkeypatch.setattr(TableRule, "of_plan", lower)
    table = registry.disclosed(QUESTIONS["places by work"], "Q-1")
    assert isinstance(table, Published) and told(table)


def test_nine_families_are_too_few_however_many_persons(registry, monkeypatch):
    whole = TableRule.of_plan
    monkeypatch.setattr(TableRule, "of_plan", lambda rule, plan: replace(whole(rule, plan), smallest_families=9))
    table = registry.disclosed(QUESTIONS["families"], "Q-1")
    assert isinstance(table, Published) and told(table)


def test_a_tree_without_partners_is_seen(registry, monkeypatch):
    whole = disclosure._hidden

    def bare(tree, unit, passes):
        table = whole(tree, unit, passes)
        lines = (
            replace(line, count=disclosure._measure(tree.cells[line.key], unit)) if passes(line.key) else line
            for line in table.lines
        )
        return replace(table, lines=tuple(lines))

    monkeypatch.setattr(disclosure, "_hidden", bare)
    table = registry.ordered(QUESTIONS["places by work"], "Q-1")
    assert isinstance(table, Published) and len(near(table)) > 4


def test_a_tree_with_a_threshold_that_is_off_by_one_is_seen(registry, monkeypatch):
    monkeypatch.setattr(Disclosure, "passes", lambda rule, cell: cell is not None and cell.persons >= 9)
    table = registry.ordered(QUESTIONS["places by work"], "Q-1")
    assert isinstance(table, Published) and told(table)
