"""The preview of a release: right about what it says, and blind to one person more or less."""

from collections import Counter

import pytest
from tests.core.plans import DAY
from tests.factories_registry import STORAGE, in_clear

from bagipakai.core.disclosure import Cell
from bagipakai.core.plan import Unit
from bagipakai.core.preview import PreviewRule
from bagipakai.registry.holds import Holds
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.preview import Cells, preview

MASTER, RULE = MasterKey(bytes(range(32))), PreviewRule.on(DAY)
CELLS = Cells(MASTER)


def band(count: int, regency: str = "3201", at: int = 1, cells: Cells = CELLS) -> int:
    return cells.band(count, Unit.INDIVIDU, regency, at, RULE)


def test_every_regency_is_told_in_bands_that_fit_its_rows(release, tmp_path):
    """By a count of its own. A nation of 3,000 has nearly everywhere fewer than the first edge, and no crash."""
    found = preview(release, STORAGE, MASTER, Holds(tmp_path / "holds", STORAGE, ()), DAY, tmp_path)
    assert found.edges == RULE.edges
    for unit in Unit:
        rows: Counter[tuple[str, int | None]] = Counter()
        for table in in_clear(release, unit):
            rows.update(zip(table["kode_kab"].to_pylist(), table["desil"].to_pylist(), strict=True))
        told = found.bands[unit.value]
        assert set(told) == {regency for regency, _ in rows}
        for regency, row in told.items():
            assert len(row) == 11
            for at, one in enumerate(row):
                count = rows[regency, at or None]
                assert one == CELLS.band(count, unit, regency, at, RULE)
                assert (0, *RULE.edges)[one] * 80 <= count * 100 <= RULE.edges[one] * 120


def test_a_count_lies_in_the_band_that_is_told_up_to_the_blur():
    for count in (*range(300), 999, 1_500, 12_345, 2_000_000):
        one = band(count)
        assert (0, *RULE.edges)[one] * 80 <= count * 100 < RULE.edges[one] * 120


def test_fewer_than_may_be_shown_are_nobody_to_a_reader():
    assert {band(count, regency) for count in range(80) for regency in ("3201", "3273", "9471")} == {0}


def test_who_knows_all_but_one_learns_of_that_one_nearly_nowhere():
    """At an edge where nothing is moved, every one of these cells would tell."""
    cells = [(str(regency), at) for regency in range(1101, 1301) for at in range(11)]
    for edge, most in ((100, 100), (1_000, 25), (10_000, 10)):
        telling = sum(band(edge - 1, *cell) != band(edge, *cell) for cell in cells)
        assert telling <= most < len(cells) // 20


def test_each_cell_has_edges_of_its_own_which_only_the_registry_knows():
    other = Cells(MasterKey(bytes(32)))
    counts = range(80, 121)
    assert len({tuple(band(count, "3201", at) for count in counts) for at in range(11)}) > 3
    assert any(band(count, at=at) != band(count, at=at, cells=other) for count in counts for at in range(11))


def test_the_next_release_moves_no_edge():
    """Otherwise four releases a year would tell where the count lies between them."""
    again = Cells(MASTER)
    assert all(band(count) == band(count, cells=again) for count in range(70, 130))


@pytest.mark.parametrize("unit", list(Unit))
def test_persons_and_families_are_counted_each_for_itself(release, unit):
    (row,) = CELLS.banded(unit, [Cell(("3201", 1), 5_000, 90)], release, RULE).values()
    assert (row[1] > 3) is (unit is Unit.INDIVIDU)
