"""Two tables, each harmless, are not both handed over where one subtracted from the other tells of a few people."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.registry import small
from tests.registry.orders import CATALOGUE, PLACED, a_house, a_plan, an_order

from bagipakai.core.base_categories import base_categories
from bagipakai.core.disclosure import Shown, Table
from bagipakai.core.plan import Area, Unit
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Not, Op, Or
from bagipakai.core.refusal import Refusal
from bagipakai.registry.deliver import deliver
from bagipakai.registry.disclosure.published import cells_of, lines_of, words

UMUR, DESIL = Column("umur"), Column("desil")


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    """40 families of three regencies, and who they are."""
    house = a_house(tmp_path_factory.mktemp("nation") / "var")
    release, rows = small.small_release(house.var / "releases", families=40, seal=house.keys.seal)
    return house, release, rows[Unit.INDIVIDU]


@pytest.fixture
def house(nation, tmp_path):
    return a_house(tmp_path / "var")


def answer(house, nation, plan, order_id, **changes):
    given, release, _ = nation
    keys = replace(house.keys, storage=given.keys.storage)
    order = an_order(plan, order_id, **changes)
    return deliver(order, release, keys, house.places, clock=lambda: PLACED + timedelta(hours=1))


def of_age(most: int):
    return a_plan("L1", Unit.INDIVIDU, ("kode_kab",), population=Compare(Op.AT_MOST, UMUR, Const(most)))


def ages(rows, few: int) -> tuple[int, int]:
    """Two limits of age between which there are some people, but fewer than that."""
    known = sorted(row["umur"] for row in rows if row["umur"] is not None)
    for narrow in range(9, 4, -1):
        for wide in range(narrow + 1, 11):
            between = sum(narrow < one <= wide for one in known)
            if 0 < between < few:
                return narrow, wide
            if between >= few:
                break
    raise AssertionError("no such limits")


def test_who_asks_twice_and_leaves_out_a_few_is_not_answered_the_second_time(house, nation):
    narrow, wide = ages(nation[2], 10)
    assert answer(house, nation, of_age(wide), "O-1").refusal == ""
    told = answer(house, nation, of_age(narrow), "O-2")
    assert told.refusal == "tables-tell-a-few"
    sentence = Refusal(told.refusal, dict(told.detail)).sentence()
    assert "umur" in sentence and "Indonesia" in sentence
    assert not (house.places.packages / "O-2").exists() and len(house.packages) == 1


def test_nor_is_another_institution(house, nation):
    narrow, wide = ages(nation[2], 10)
    other = replace(of_age(narrow), recipient=replace(of_age(narrow).recipient, institution="PLN"))
    assert answer(house, nation, of_age(wide), "O-1").refusal == ""
    assert answer(house, nation, other, "O-2").refusal == "tables-tell-a-few"


def test_the_same_question_in_other_words_is_the_same_question(house, nation):
    _, wide = ages(nation[2], 10)
    same = Not(Or((Compare(Op.MORE, UMUR, Const(wide)), Compare(Op.LESS, UMUR, Const(0)))))
    for number, population in enumerate((of_age(wide).population, same, And((Between(UMUR, 0, wide),)))):
        plan = replace(of_age(wide), population=population)
        assert answer(house, nation, plan, f"O-{number}").refusal == ""


def test_an_order_that_is_done_again_is_not_its_own_rival(house, nation):
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab",))
    assert [answer(house, nation, plan, "O-1").refusal for _ in range(2)] == ["", ""]


def test_without_a_whole_record_of_what_was_published_no_table_leaves(house, nation):
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab",))
    assert answer(house, nation, plan, "O-1").refusal == ""
    (file,) = house.places.published.glob("*.dsse.json")
    file.write_bytes(file.read_bytes()[:-3])
    assert answer(house, nation, plan, "O-2").refusal == "published-cells-broken"


@pytest.mark.parametrize(
    "population",
    [
        Or((Compare(Op.EQUAL, DESIL, Const(1)), Compare(Op.AT_LEAST, UMUR, Const(60)))),
        In(Column("kode_kab"), ("3201",)),
    ],
)
def test_a_filter_that_cannot_be_compared_is_refused_before_anything_is_read(house, nation, population):
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab",), population=population)
    assert answer(house, nation, plan, "O-1").refusal in {"predicate-is-no-box", "predicate-on-unlisted-column"}


def test_whatever_may_divide_a_table_has_base_categories_or_is_a_place():
    places = {f"{word}_{place}" for word in ("kode", "nama") for place in ("prov", "kab", "kec", "desa")}
    missing = {one.name for one in CATALOGUE.values() if one.dimension and base_categories(one) is None}
    assert missing == {name for name in places if name in CATALOGUE}


def test_lines_are_about_the_filter_the_values_before_them_and_the_area():
    plan = a_plan(
        "L1",
        Unit.INDIVIDU,
        ("nama_kab", "jenis_kelamin"),
        population=Compare(Op.AT_MOST, DESIL, Const(2)),
        area=Area(("32", "5171"), a_plan().area.edition),
    )
    sexes = tuple(CATALOGUE["jenis_kelamin"].codes)
    keys = [(), ("Kabupaten Bogor",), ("Kabupaten Bogor", sexes[0]), ("Kabupaten Bogor", None), (None,)]
    lines = (*(Shown(key, 40 + at) for at, key in enumerate(keys)), Shown(("Kota Bogor",), None))
    cells = cells_of(plan, lines_of(Table(plan.columns, "individu", lines, 0, 0)), CATALOGUE)
    told = [words(*cells.about(at), CATALOGUE) for at in range(len(cells))]
    assert told == [
        "desil 1, 2; 2 wilayah",
        "desil 1, 2; Kabupaten Bogor",
        f"desil 1, 2; jenis_kelamin {sexes[0].lower()}; Kabupaten Bogor",
        "desil 1, 2; jenis_kelamin tidak diketahui; Kabupaten Bogor",
        "desil 1, 2; nama_kab tidak diketahui; 2 wilayah",
    ]
    assert cells.count.tolist() == [40, 41, 42, 43, 44]
