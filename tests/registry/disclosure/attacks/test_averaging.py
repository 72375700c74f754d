"""One population asked about again and again: in other words, in another order, by other breakdowns, and once more
(disclosure reference 5: refused above the limit; below it right about at most 55 of 100). Noise would average out; here
nothing is noisy, so he looks whether a cell that is hidden here is shown there, or follows from all of it.
"""

from collections.abc import Callable, Sequence

import pytest
from tests.registry.disclosure.attacks.door import About, Published, Refused, Registry, a_question, a_registry, cells
from tests.registry.disclosure.attacks.sums import Sums
from tests.registry.disclosure.attacks.town import districts, some_few, some_town

from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import Between, Column, Compare, Const, In, Not, Op
from bagipakai.registry.entering import _Turn

MOST = 0.55
DESIL = Column("desil")
WORDS = (
    Compare(Op.AT_MOST, DESIL, Const(8)),
    Not(Compare(Op.MORE, DESIL, Const(8))),
    Between(DESIL, 1, 8),
    In(DESIL, (8, 1, 7, 2, 6, 3, 5, 4)),
)
BY = ("kode_kec", "lapangan_usaha")
FEW = {"B": 6, "C": 2}

Ask = Callable[[Plan, str], Published | Refused]


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Registry:
    rows = some_few(some_town(1_200, 12), "lapangan_usaha", {districts("3201")[0]: FEW, districts("5171")[1]: FEW}, "G")
    return a_registry(tmp_path_factory.mktemp("town"), rows)


def asked(ask: Ask) -> list[Published]:
    """Each wording, with the variables in both orders; all of it twice; and a breakdown of its own in between."""
    plans = [a_question(*by, where=where) for where in WORDS for by in (BY, BY[::-1])]
    more = [
        a_question(*by, where=WORDS[0]) for by in (("kode_kab", "lapangan_usaha"), ("lapangan_usaha",), ("kode_kec",))
    ]
    answers = [ask(plan, f"Q-{at}") for at, plan in enumerate((*plans, *more, *plans))]
    return [one for one in answers if isinstance(one, Published)]


def exact(tables: Sequence[Published]) -> tuple[int, int]:
    """How many of the cells that are hidden anywhere follow from all tables, and how many there are."""
    sums, hidden = Sums(), set[About]()
    for table in tables:
        table.equations(sums)
        hidden |= set(table.hidden)
    for table in tables:
        for about in hidden & set(table.counts):
            count = table.counts[about]
            if count is not None:
                sums.told([about], count)
    found = [sums.interval([about], 2) for about in sorted(hidden, key=str)]
    return sum(low == high for low, high in found), len(found)


def small(table: Published, registry: Registry) -> set[About]:
    rows = [one for one in registry.rows[Unit.INDIVIDU] if one["desil"] is not None and one["desil"] <= 8]
    return {about for about, count in cells(rows, table.plan.columns).items() if count < 10}


@pytest.mark.parametrize("door", ["disclosed", "ordered"])
def test_asking_again_tells_nothing_more(door, town, tmp_path):
    registry = town.afresh(tmp_path)
    tables = asked(getattr(registry, door))
    assert len(tables) > 6 and any(table.hidden and small(table, registry) for table in tables)
    right, of = exact(tables)
    assert of >= 6 and right <= MOST * of
    assert right == 0


def test_orders_that_are_not_compared_are_seen(town, tmp_path, monkeypatch):
    """The same table with its variables the other way round has other partners."""
    monkeypatch.setattr(_Turn, "_found", lambda *_: iter(()))
    right, of = exact(asked(town.afresh(tmp_path).ordered))
    assert right > 0.3 * of, (right, of)
