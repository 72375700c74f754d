"""Small counts are hidden, and an attacker with the published table and a pencil does not get them back."""

import tomllib
from collections import defaultdict
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from bagipakai.core import disclosure
from bagipakai.core.disclosure import Cell, Disclosure, Shown, Table, hide
from bagipakai.core.policy import NoRule, policies_dir

DAY = date(2026, 7, 1)
RULE = Disclosure.on(DAY)
LENIENT = replace(RULE, smallest_mean=0, most_small_percent=100)  # for tables small enough to draw


def with_margins(counts, families=None):
    """Cells and margins from the finest counts; one family per person unless said otherwise."""
    persons, homes = defaultdict(int), defaultdict(int)
    for key, number in counts.items():
        for length in range(len(key) + 1):
            persons[key[:length]] += number
            homes[key[:length]] += (families or counts)[key]
    return [Cell(key, number, homes[key]) for key, number in persons.items()]


def drawn(text):
    """One line per row: `Aceh 4 30 ? 12`; columns are 1, 2, 3…; a dot is a combination that does not occur."""
    counts = {}
    for line in text.strip().splitlines():
        name, *numbers = line.split()
        counts |= {(name, at): int(number) for at, number in enumerate(numbers, 1) if number != "."}
    return counts


def seen(table):
    """The published table, drawn: total first, `x` where hidden."""
    rows = defaultdict(list)
    for line in table.lines:
        rows[line.key[0] if line.key else "all"].append("x" if line.count is None else str(line.count))
    return {name: " ".join(cells) for name, cells in rows.items()}


def table_of(counts, rule=LENIENT, unit="individu", families=None):
    table = hide(("prov", "desil"), unit, with_margins(counts, families), rule)
    assert isinstance(table, Table), table
    return table


# What is hidden


def test_a_table_of_large_counts_is_shown_whole():
    table = table_of(drawn("Aceh 10 20\nBali 30 40"))
    assert seen(table) == {"all": "100", "Aceh": "30 10 20", "Bali": "70 30 40"}
    assert (table.small, table.partners, table.hidden) == (0, 0, 0)


def test_a_small_cell_takes_its_smallest_neighbour_with_it():
    """Otherwise 45 - 30 - 11 gives it back."""
    table = table_of(drawn("Aceh 4 30 11\nBali 30 40 50"))
    assert seen(table) == {"all": "165", "Aceh": "45 x 30 x", "Bali": "120 30 40 50"}
    assert (table.small, table.partners) == (1, 1)


def test_the_smallest_count_itself_is_shown_and_one_less_is_not():
    assert seen(table_of(drawn("Aceh 10 10 10")))["Aceh"] == "30 10 10 10"
    assert seen(table_of(drawn("Aceh 9 11 12")))["Aceh"] == "32 x x 12"


def test_ten_persons_of_two_families_are_hidden():
    counts = drawn("Aceh 10 30 40")
    table = table_of(counts, families={("Aceh", 1): 2, ("Aceh", 2): 15, ("Aceh", 3): 20})
    assert seen(table)["Aceh"] == "80 x x 40"


def test_nobody_is_also_a_small_number():
    """A shown zero says something of everybody in its line; a hidden one is not told from a hidden nine."""
    assert seen(table_of(drawn("Aceh 20 30 .\nBali 40 50 60"))) == {
        "all": "200",
        "Aceh": "50 x 30 x",
        "Bali": "150 40 50 60",
    }


def test_a_small_total_hides_everything_below_it_and_a_neighbour():
    """Bali's total is hidden as the partner of Aceh's, so one of Bali's cells must be hidden too."""
    table = table_of(drawn("Aceh 3 4\nBali 20 30\nRiau 50 60"))
    assert seen(table) == {"all": "167", "Aceh": "x x x", "Bali": "x x 30", "Riau": "110 50 60"}


def test_where_every_cell_of_a_line_is_small_their_total_may_still_be_shown():
    assert seen(table_of(drawn("Aceh 6 7 8\nBali 20 30 40"))) == {
        "all": "111",
        "Aceh": "21 x x x",
        "Bali": "90 20 30 40",
    }


def test_tables_of_families_count_families_and_still_judge_persons():
    cells = [Cell((), 300, 60), Cell(("1",), 200, 40), Cell(("2",), 91, 11), Cell(("3",), 9, 9)]
    table = hide(("jenis_lantai",), "keluarga", cells, LENIENT)
    assert [line.count for line in table.lines] == [60, 40, None, None]


def test_unknown_is_a_value_and_comes_last():
    cells = with_margins({(None,): 12, ("2",): 30, ("1",): 20})
    assert hide(("jenis",), "individu", cells, LENIENT).lines == (
        Shown((), 62),
        Shown(("1",), 20),
        Shown(("2",), 30),
        Shown((None,), 12),
    )


def test_places_nest_and_do_not_cross():
    """Bandung is not a hidden zero of Aceh."""
    counts = {("11", "1101", "1"): 20, ("11", "1101", "2"): 30, ("32", "3273", "1"): 40, ("32", "3273", "2"): 50}
    table = hide(("kode_prov", "kode_kab", "jenis_kelamin"), "individu", with_margins(counts), LENIENT)
    assert table.hidden == 0
    assert ("11", "3273") not in {line.key for line in table.lines}


def test_one_total_is_a_table():
    assert hide((), "individu", [Cell((), 12, 10)], LENIENT).lines == (Shown((), 12),)


# What is not made at all


def test_a_table_of_too_few_people_is_refused():
    no = hide(("prov",), "individu", with_margins({("11",): 9}), LENIENT)
    assert (no.code, no.detail["smallest_persons"]) == ("table-too-fine", "10")
    assert hide(("prov",), "individu", [], LENIENT).code == "table-too-fine"
    few_families = [Cell((), 40, 4), Cell(("11",), 40, 4)]
    assert hide(("prov",), "individu", few_families, LENIENT).code == "table-too-fine"


def test_a_table_with_few_people_in_a_cell_is_refused():
    no = hide(("prov", "desil"), "individu", with_margins(drawn("Aceh 19 19")), RULE)
    assert (no.code, no.detail["smallest_mean"]) == ("table-too-fine", "20")


def test_a_table_of_mostly_empty_cells_is_refused_before_its_grid_is_built():
    """100,000 × 100,000 combinations, of which 100,000 occur."""
    counts = {(f"{one:05}", one): 1000 for one in range(100_000)}
    assert hide(("kode_kec", "nomor"), "individu", with_margins(counts), RULE).code == "table-too-fine"


def test_a_table_with_many_small_cells_is_refused():
    no = hide(("prov", "desil"), "individu", with_margins(drawn("Aceh 500 400 300 9\nBali 500 400 300 20")), RULE)
    assert (no.code, no.detail["most_small_percent"]) == ("table-too-fine", "10")
    assert no == hide(("prov",), "individu", [], RULE)  # which of the limits it was is not told


def test_margins_that_do_not_add_up_are_an_error():
    cells = with_margins(drawn("Aceh 20 30"))
    with pytest.raises(ValueError, match="sum"):
        hide(("prov", "desil"), "individu", [*cells[:-1], replace(cells[-1], persons=31)], LENIENT)
    with pytest.raises(ValueError, match="missing"):
        hide(("prov", "desil"), "individu", [cell for cell in cells if cell.key != ("Aceh",)], LENIENT)


# The rule


def test_before_the_first_rule_no_table_leaves():
    with pytest.raises(NoRule):
        Disclosure.on(date(2020, 1, 1))


def test_the_rule_says_ten():
    """The default of disclosure reference §3: 10, not 3, for persons and for families."""
    assert (RULE.smallest_persons, RULE.smallest_families) == (10, 10)
    rows = tomllib.loads((policies_dir() / "disclosure.toml").read_text("utf-8"))["table"]
    assert all(row["basis"] and row["from"] for row in rows)


# The attacker


def intervals(table):
    """What can be known of each hidden count from what is published: non-negative numbers, and every total the sum of
    its parts. Bounds are pushed through the tree until they stop moving, which in a tree is exact. Shares no code with
    the hiding and reads only the published lines."""
    low = {line.key: line.count if line.count is not None else 0 for line in table.lines}
    high = {line.key: line.count if line.count is not None else 10**9 for line in table.lines}
    parts = defaultdict(list)
    for key in low:
        if key:
            parts[key[:-1]].append(key)
    moved = True
    while moved:
        moved = False
        for total, below in parts.items():
            bounds = [(total, sum(low[one] for one in below), sum(high[one] for one in below))]
            for one in below:
                others = [other for other in below if other != one]
                bounds.append(
                    (one, low[total] - sum(high[o] for o in others), high[total] - sum(low[o] for o in others))
                )
            for key, least, most in bounds:
                if least > low[key] or most < high[key]:
                    low[key], high[key], moved = max(low[key], least), min(high[key], most), True
    return {line.key: (low[line.key], high[line.key]) for line in table.lines if line.count is None}


@st.composite
def tables(draw):
    """Two or three dimensions of two to four values, many counts near the threshold, some combinations absent."""
    sizes = draw(st.lists(st.integers(2, 4), min_size=2, max_size=3))
    numbers = st.sampled_from([0, 0, 1, 3, 9, 10, 11, 12, 20, 40])
    keys = [()]
    for size in sizes:
        keys = [(*key, value) for key in keys for value in range(size)]
    counts = {key: number for key in keys if (number := draw(numbers))}
    homes = {key: draw(st.integers(1, number)) if draw(st.booleans()) else number for key, number in counts.items()}
    assume(sum(homes.values()) >= 10)
    return tuple(f"d{at}" for at in range(len(sizes))), counts, homes


@settings(max_examples=300, deadline=None)
@given(tables())
def test_no_hidden_count_is_known_to_within_ten(world):
    dimensions, counts, homes = world
    table = hide(dimensions, "individu", with_margins(counts, homes), LENIENT)
    event(f"hidden: {min(table.hidden, 5)}")
    for key, (low, high) in intervals(table).items():
        assert high - low >= 10, key
    shown = {line.key: line.count for line in table.lines if line.count is not None}
    truth = {cell.key: cell.persons for cell in with_margins(counts, homes)}
    assert all(truth[key] == count and count >= 10 for key, count in shown.items())
    assert table.hidden == len(table.lines) - len(shown)


def opened(table, key, count):
    """The table with one hidden line shown after all."""
    return replace(table, lines=tuple(Shown(key, count) if line.key == key else line for line in table.lines))


def test_the_attack_succeeds_where_neighbours_are_not_hidden():
    """A planted failure: the same table with its small cells hidden and nothing else."""
    table = table_of(drawn("Aceh 4 30 11\nBali 30 40 50"))
    naive = opened(table, ("Aceh", 3), 11)
    assert intervals(naive) == {("Aceh", 1): (4, 4)}
    assert all(high - low == 15 for low, high in intervals(table).values())


def test_the_attack_succeeds_where_hiding_stops_at_the_first_level():
    """A planted failure: a hidden total whose parts are all shown."""
    table = table_of(drawn("Aceh 3 4\nBali 20 30\nRiau 50 60"))
    naive = opened(table, ("Bali", 1), 20)
    assert intervals(naive)[("Bali",)] == (50, 50) and intervals(naive)[("Aceh",)] == (7, 7)


def test_cells_come_in_reading_order():
    cells = [Cell(("b",), 1, 1), Cell((None,), 1, 1), Cell((), 3, 3), Cell(("a",), 1, 1)]
    assert [cell.key for cell in disclosure.in_order(cells)] == [(), ("a",), ("b",), (None,)]
