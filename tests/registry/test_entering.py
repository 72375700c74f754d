"""What an order's table would tell together with others is closed where it would tell it, and nowhere else; what is
left tells nothing any more, or nothing leaves."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.registry.orders import a_plan, an_order
from tests.registry.small import CATALOGUE, DAY

from bagipakai.core.disclosure import Cell, Disclosure, Table, hide
from bagipakai.core.envelope import Signer
from bagipakai.core.plan import Unit
from bagipakai.core.progress import Cancelled
from bagipakai.core.query import Column, Compare, Const, In, Op
from bagipakai.core.refusal import Refusal
from bagipakai.registry import entering
from bagipakai.registry.disclosure.ledger import Ledger, Limits, Output
from bagipakai.registry.disclosure.published import Occupied, of_total
from bagipakai.registry.disclosure.published import cells_of as told_by
from bagipakai.registry.disclosure.union import nobody_is_told
from bagipakai.registry.engines import types_of
from bagipakai.registry.entering import Entering
from bagipakai.registry.extract import TableExtract
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.regions import regions

PLACES = [one.code for one in regions().at_level(2) if one.code.startswith(("32", "33"))][:30]
RULE = Disclosure.on(DAY)
SEXES = ("1", "2")
Counts = dict[tuple[str, str], int]
FIRST = Output("", "dinsos", "2026.3.0", "individu")


@pytest.fixture
def entries(tmp_path):
    return Ledger(tmp_path / "published", StorageKey(b"s" * 32), Signer.new())


def counts() -> Counts:
    """Of each regency and sex, all different."""
    return {
        (place, sex): 300 + 40 * at + (11 * at if sex == "1" else 0) for at, place in enumerate(PLACES) for sex in SEXES
    }


def cells_of(told: Counts, width: int = 2) -> list[Cell]:
    keys = {key[:most] for key in told for most in range(width + 1)}
    sums = {key: sum(many for one, many in told.items() if one[: len(key)] == key) for key in keys}
    return [Cell(key, many, min(many, 10)) for key, many in sorted(sums.items(), key=lambda one: (len(one[0]), one[0]))]


def plan_of(most_age: int, *names: str):
    population = Compare(Op.AT_MOST, Column("umur"), Const(most_age))
    return a_plan("L1", "individu", names or ("kode_kab", "jenis_kelamin"), population=population)


def entered(
    entries, plan, told: Counts, order: str, of: Output = FIRST, passed=nobody_is_told
) -> TableExtract | Refusal:
    cells, types = cells_of(told, len(plan.columns)), types_of(CATALOGUE, Unit.INDIVIDU.value)
    shown = hide(plan.columns, "individu", cells, RULE)
    assert isinstance(shown, Table), shown
    table = TableExtract.of(plan, types, shown, RULE, cells)
    entering = Entering(an_order(plan, order), of.release, CATALOGUE, entries)
    return entering.entered(table, Occupied((), {}), of.holds, datetime.now(UTC), passed)


def hidden(table: TableExtract) -> set[tuple[object, ...]]:
    return {line.key for line in table.shown.lines if line.count is None}


def fewer(told: Counts, by: int) -> Counts:
    return {key: many - by for key, many in told.items()}


def test_a_few_in_one_regency_do_not_lock_the_nation(entries):
    place = PLACES[7]
    wide = counts()
    narrow = fewer(wide, 50) | {(place, "1"): wide[place, "1"] - 3}
    first = entered(entries, plan_of(60), wide, "O-1")
    assert isinstance(first, TableExtract) and not hidden(first)
    second = entered(entries, plan_of(59), narrow, "O-2")
    assert isinstance(second, TableExtract), second
    assert hidden(second) == {(place, "1"), (place, "2")} and second.compared == 1
    assert (second.small, second.partners) == (2, 0)


@pytest.mark.parametrize("of", [replace(FIRST, release="2026.3.1"), replace(FIRST, holds="a" * 64)])
def test_other_people_are_not_counted_once_the_first_of_the_quarter_were(entries, of):
    """Whatever their counts; who was first meanwhile is seen when it is entered."""
    assert isinstance(entered(entries, plan_of(110), counts(), "O-1"), TableExtract)
    for told in (counts(), fewer(counts(), 50)):
        assert entered(entries, plan_of(90), told, "O-2", of) == Refusal(
            "tables-of-other-people", {"release": "2026.3.0"}
        )
    next_quarter = replace(of, release="2026.4.0")
    assert isinstance(entered(entries, plan_of(110), counts(), "O-3", next_quarter), TableExtract)


def test_a_total_too_small_to_be_told_is_refused_as_the_smallest_is(entries):
    """Beside twelve, two and fewer would be far enough away."""
    nobody_knows = Occupied((), {})
    with entries.turn():
        entries.add(
            replace(FIRST, order="O-1"), told_by(plan_of(110), [({}, 12)], CATALOGUE, nobody_knows), datetime.now(UTC)
        )

    def said(total: int, release: str = "2026.3.0") -> Refusal | None:
        most, output = Limits(10, 95, 100), replace(FIRST, order="O-2", release=release)
        return of_total(plan_of(96), total, CATALOGUE, nobody_knows, entries, output, most)

    first = said(0)
    assert isinstance(first, Refusal) and first.code == "tables-tell-a-few"
    assert [said(total) for total in range(1, 12)] == [first] * 11
    assert said(0, "2026.4.0") is None


def test_where_the_total_of_the_place_tells_too_it_is_hidden_with_a_partner(entries):
    place = PLACES[7]
    wide = counts()
    narrow = fewer(wide, 50) | {(place, sex): wide[place, sex] - 2 for sex in SEXES}
    assert isinstance(entered(entries, plan_of(60), wide, "O-1"), TableExtract)
    second = entered(entries, plan_of(59), narrow, "O-2")
    assert isinstance(second, TableExtract), second
    whole = {key for key in hidden(second) if len(key) == 1}
    assert (place,) in whole and len(whole) >= 2, "one place alone would be had by subtraction"
    left = sum(narrow[one, sex] for (one,) in whole for sex in SEXES)
    told = sum(wide[one, sex] for (one,) in whole for sex in SEXES)
    assert told - left >= 10, "nor do those hidden tell of a few together"


def test_whoever_waits_hears_of_each_regency(entries):
    """And may stop it: then nothing is entered, and the next one has its turn."""
    for at, (one, two) in enumerate(((1, 2), (2, 3))):
        plan = replace(plan_of(60), population=In(Column("desil"), (one, two)))
        entered(entries, plan, counts() | {(PLACES[3], sex): 250 for sex in SEXES}, f"O-{at}")
    heard: list[tuple[int, int]] = []
    plan = replace(plan_of(60), population=In(Column("desil"), (1, 3)))

    def cancelled(*numbers: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        entered(entries, plan, counts(), "O-2", passed=cancelled)
    table = entered(entries, plan, counts(), "O-2", passed=lambda *numbers: heard.append(numbers))
    assert isinstance(table, TableExtract) and table.compared == 2
    nation = len(list(regions().at_level(2)))
    assert heard[:nation] == [(at, nation) for at in range(nation)]


def test_a_table_that_must_close_too_much_is_refused_as_soon_as_that_is_known(entries):
    """Not after all regencies were looked at."""
    sizes = {1: 3, 2: 120, 3: 130}
    heard: list[tuple[int, int]] = []
    for at, (one, two) in enumerate(((1, 2), (2, 3), (1, 3))):
        plan = replace(plan_of(60), population=In(Column("desil"), (one, two)))
        told = dict.fromkeys(counts(), sizes[one] + sizes[two])
        table = entered(entries, plan, told, f"O-{at}", passed=lambda *numbers: heard.append(numbers))
        if at < 2:
            assert isinstance(table, TableExtract), table
            heard.clear()
    assert isinstance(table, Refusal) and table.code == "tables-together-narrow"
    assert 0 < max(done for done, _ in heard) < [one.code for one in regions().at_level(2)].index(PLACES[-1])


def test_the_very_same_again_is_not_compared_anew(entries, monkeypatch):
    """It tells nothing new, whatever was published since; with one count changed it would."""
    plans = [replace(plan_of(60), population=In(Column("desil"), both)) for both in ((1, 2), (2, 3), (1, 2))]
    told = counts() | {(PLACES[3], sex): 250 for sex in SEXES}
    for at, plan in enumerate(plans[:2]):
        assert isinstance(entered(entries, plan, told, f"O-{at}"), TableExtract)
    compared: list[int] = []
    monkeypatch.setattr(entering, "isolated", lambda *_: compared.append(1) or iter(()))
    again = entered(entries, plans[2], told, "O-2")
    assert isinstance(again, TableExtract) and not hidden(again) and not compared
    entered(entries, plans[2], told | {(PLACES[3], "1"): 290}, "O-3")
    assert compared


def test_what_three_tables_would_tell_together_is_closed_too(entries):
    """Of 1 and 2, of 2 and 3, of 1 and 3: no two of them tell what each is."""
    place, sizes = PLACES[3], {1: 3, 2: 120, 3: 130}
    for at, (one, two) in enumerate(((1, 2), (2, 3), (1, 3))):
        plan = replace(plan_of(60), population=In(Column("desil"), (one, two)))
        told = counts() | {(place, sex): sizes[one] + sizes[two] for sex in SEXES}
        table = entered(entries, plan, told, f"O-{at}")
        assert isinstance(table, TableExtract), table
        assert hidden(table) >= ({(place, "1"), (place, "2")} if at == 2 else set())


def test_a_table_of_no_place_is_refused_and_one_that_could_leave_is_named(entries):
    wide = {("1", True): 900, ("1", False): 800, ("2", True): 700, ("2", False): 600}
    assert isinstance(entered(entries, plan_of(60, "jenis_kelamin", "bekerja"), wide, "O-1"), TableExtract)
    narrow = {("1", True): 880, ("1", False): 797, ("2", True): 650, ("2", False): 540}
    no = entered(entries, plan_of(59, "jenis_kelamin", "bekerja"), narrow, "O-2")
    assert isinstance(no, Refusal) and no.code == "tables-tell-a-few"
    assert no.detail["proposal"] == "tabel yang sama tanpa bekerja"
    assert sum(1 for _ in entries.published("2026.3.0")) == 1


def test_too_many_places_are_no_table_any_more(entries):
    wide = counts()
    assert isinstance(entered(entries, plan_of(60), wide, "O-1"), TableExtract)
    no = entered(entries, plan_of(59), fewer(wide, 3), "O-2")
    assert isinstance(no, Refusal) and no.code == "tables-tell-a-few"
