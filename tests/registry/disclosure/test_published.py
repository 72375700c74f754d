"""Two tables, each harmless, are not both handed over where one subtracted from the other tells of a few people."""

from collections import Counter
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
from bagipakai.registry.disclosure.published import Occupied, cells_of, lines_of, words
from bagipakai.registry.regions import regions

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
    assert "Umur" in sentence and "Indonesia" in sentence
    assert not (house.places.packages / "O-2").exists() and len(house.packages) == 1


def test_the_table_that_could_be_published_is_proposed_and_passes(house, tmp_path):
    """Between two ages there are enough in every regency, and in one of them too few of one sex."""
    release, some = small.small_release(tmp_path / "releases", families=120, seal=house.keys.seal)
    nation, rows = (house, release, some[Unit.INDIVIDU]), some[Unit.INDIVIDU]
    known = [row for row in rows if row["umur"] is not None]
    for narrow, wide in ((one, one + more) for one in range(8, 16) for more in range(1, 6)):
        between = [row for row in known if narrow < row["umur"] <= wide]
        by_place = Counter(row["kode_kab"] for row in between)
        by_sex = Counter((row["kode_kab"], row["jenis_kelamin"]) for row in between)
        if len(by_place) == 3 and min(by_place.values()) >= 10 and 0 < min(by_sex.values()) < 10:
            break
    else:
        raise AssertionError("no such ages")

    def of_sexes(most, *names):
        return a_plan("L1", Unit.INDIVIDU, names, population=Compare(Op.AT_MOST, UMUR, Const(most)))

    assert answer(house, nation, of_sexes(wide, "kode_kab", "jenis_kelamin"), "O-1").refusal == ""
    told = answer(house, nation, of_sexes(narrow, "kode_kab", "jenis_kelamin"), "O-2")
    assert told.refusal == "tables-tell-a-few"
    assert dict(told.detail)["proposal"] == "tabel yang sama tanpa jenis_kelamin"
    assert answer(house, nation, of_sexes(narrow, "kode_kab"), "O-3").refusal == ""


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
    lines = (
        *(Shown(key, 400 - 100 * at) for at, key in enumerate(keys[:4])),
        Shown((None,), 20),
        Shown(("Kota Bogor",), None),
    )
    occupied = Occupied(plan.area.codes, {})
    cells = cells_of(plan, lines_of(Table(plan.columns, "individu", lines, 0, 0)), CATALOGUE, occupied)
    assert {words(*cells.about(at), CATALOGUE): int(cells.count[at]) for at in range(len(cells))} == {
        "Desil kesejahteraan: 1, 2; 2 wilayah": 400,
        "Desil kesejahteraan: 1, 2; Kabupaten Bogor": 300,
        "Desil kesejahteraan: 1, 2; Jenis kelamin: Laki-laki; Kabupaten Bogor": 200,
        "Desil kesejahteraan: 1, 2; Jenis kelamin: tidak diketahui; Kabupaten Bogor": 100,
        "Desil kesejahteraan: 1, 2; Nama kabupaten/kota: tidak diketahui; 2 wilayah": 20,
        "Desil kesejahteraan: 1, 2; Kota Bogor": 80,  # what is left
    }


# What an attacker tried (each was answered once)


def of_people(tmp_path, house, change):
    """A nation of 1,200 families, of whom some are others than they were drawn."""
    rows = small.some_rows(1_200, 1)
    change(rows)
    release, _ = small.small_release(tmp_path / "releases", seal=house.keys.seal, rows=rows)
    return house, release, rows


def table(*columns, where=None, unit=Unit.INDIVIDU, codes=()):
    return a_plan("L1", unit, columns, population=where, area=Area(codes, a_plan().area.edition))


def both(house, nation, first, second) -> list[str]:
    return [answer(house, nation, plan, f"O-{at}").refusal for at, plan in enumerate((first, second))]


def aged(few: int, age: int):
    """So many people of this age, and nobody above."""

    def change(rows) -> None:
        persons = rows[Unit.INDIVIDU]
        for at, row in enumerate(persons):
            row["umur"] = age if at % 300 == 7 and at // 300 < few else min(row["umur"] or 0, 60)

    return change


def test_what_is_left_of_a_total_is_a_count_too(house, tmp_path):
    """A small decile is hidden with a partner; who asks for the partner alone would have the small one."""

    def change(rows) -> None:
        for at, row in enumerate(rows[Unit.INDIVIDU]):
            row["desil"] = 3 if at in (10, 500, 900) else (row["desil"] if row["desil"] != 3 else 4)

    nation = of_people(tmp_path, house, change)
    first = table("desil")
    assert answer(house, nation, first, "O-1").refusal == ""
    refused = {
        one: answer(
            house, nation, table("jenis_kelamin", where=Compare(Op.EQUAL, DESIL, Const(one))), f"P-{one}"
        ).refusal
        for one in range(1, 11)
        if one != 3
    }
    assert list(refused.values()).count("tables-tell-a-few") == 1  # of the partner, whichever it is


def test_an_empty_category_makes_no_other_question(house, tmp_path):
    nation = of_people(tmp_path, house, aged(3, 80))
    padded = Not(Between(UMUR, 80, 119))  # up to 79, and 120: nobody
    where = Compare(Op.AT_MOST, UMUR, Const(80))
    assert both(house, nation, table("jenis_kelamin", where=where), table("jenis_kelamin", where=padded)) == [
        "",
        "tables-tell-a-few",
    ]


def test_a_decile_is_ten_percentiles(house, tmp_path):
    def change(rows) -> None:
        for at, row in enumerate(rows[Unit.INDIVIDU]):
            row["persentil"] = 11 if at in (5, 700, 901) else at % 10 + 1 if at % 3 else 40
            row["desil"] = 2 if row["persentil"] == 11 else 1 if row["persentil"] <= 10 else 4

    nation = of_people(tmp_path, house, change)
    fine, coarse = Compare(Op.AT_MOST, Column("persentil"), Const(11)), Compare(Op.AT_MOST, DESIL, Const(1))
    found = both(house, nation, table("kode_prov", where=fine), table("kode_prov", where=coarse))
    assert found == ["", "tables-tell-a-few"]


def test_a_family_is_its_head(house, tmp_path):
    def change(rows) -> None:
        for row in rows[Unit.INDIVIDU]:
            row["hubungan_kepala_keluarga"] = "4"
        for at, family in enumerate(rows[Unit.KELUARGA]):
            head = rows[Unit.INDIVIDU][family["first_ordinal"]]
            head["hubungan_kepala_keluarga"], head["umur"] = "1", 99 if at % 500 == 3 else 40

    nation = of_people(tmp_path, house, change)
    heads = And(
        (Compare(Op.EQUAL, Column("hubungan_kepala_keluarga"), Const("1")), Compare(Op.AT_MOST, UMUR, Const(80)))
    )
    found = both(house, nation, table("kode_prov", unit=Unit.KELUARGA), table("kode_prov", where=heads))
    assert found == ["", "tables-tell-a-few"]


def test_another_plan_under_the_same_order_is_another_table(house, nation):
    narrow, wide = ages(nation[2], 10)
    assert [answer(house, nation, plan, "O-1").refusal for plan in (of_age(wide), of_age(narrow))] == [
        "",
        "tables-tell-a-few",
    ]


def test_a_value_that_the_catalogue_does_not_know_is_a_category_and_no_fault(house, tmp_path):
    def change(rows) -> None:
        for at, row in enumerate(rows[Unit.INDIVIDU]):
            row["umur"] = 121 if at % 10 == 0 else 40

    nation = of_people(tmp_path, house, change)
    assert answer(house, nation, table("umur"), "O-1").refusal == ""
    nobody = Compare(Op.AT_LEAST, UMUR, Const(121))
    assert answer(house, nation, table("kode_prov", where=nobody), "O-2").refusal == "table-filter-chooses-nobody"


def test_all_parts_of_a_place_are_the_place():
    codes = [one.code for one in regions().values() if len(one.code) == 4 and one.code.startswith("51")]
    for area in (tuple(codes), ("51",)):
        plan = a_plan("L1", Unit.INDIVIDU, ("desil",), area=Area(area, a_plan().area.edition))
        lines = [({}, 400), ({"desil": 1}, 200)]
        cells = cells_of(plan, lines, CATALOGUE, Occupied(area, {}))
        assert cells.regions == [((5100000000, 5199999999),)]


def test_a_name_that_no_place_has_is_refused():
    plan = a_plan("L1", Unit.INDIVIDU, ("nama_kab",))
    found = cells_of(plan, [({}, 400), ({"nama_kab": "KAB. BOGOR"}, 200)], CATALOGUE, Occupied((), {}))
    assert found == Refusal("table-place-unknown")


def test_a_plan_that_asks_for_larger_counts_is_compared_by_them(house, tmp_path):
    """Some thirty people are between the two tables: enough for the rule, and not for who shows none under fifty."""

    def change(rows) -> None:
        for at, row in enumerate(rows[Unit.INDIVIDU]):
            row["umur"] = 80 if at % 100 == 7 else min(row["umur"] or 0, 60)

    nation = of_people(tmp_path, house, change)
    everybody, younger = (table("kode_prov", where=Compare(Op.AT_MOST, UMUR, Const(age))) for age in (80, 79))
    careful = replace(younger, protections=replace(younger.protections, smallest_cell=50))
    assert answer(house, nation, everybody, "O-1").refusal == ""
    assert answer(house, nation, careful, "O-2").refusal == "tables-tell-a-few"
    assert answer(house, nation, younger, "O-3").refusal == ""


def test_what_was_asked_has_one_number_whichever_ages_occur():
    """And another question, or another place, has another."""
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab",), population=Compare(Op.AT_LEAST, Column("umur"), Const(60)))
    older = replace(plan, population=Compare(Op.AT_LEAST, Column("umur"), Const(61)))

    def asked(of, oldest: int) -> set[int]:
        occurring = Occupied((), {"umur": {"3201": (2 << oldest + 1) - 1}})
        cells = cells_of(of, [({"kode_kab": "3201"}, 20), ({"kode_kab": "3273"}, 30)], CATALOGUE, occurring)
        assert len(cells) == len(set(cells.asked.tolist())) == 2
        return set(cells.asked.tolist())

    assert asked(plan, 90) == asked(plan, 91) and not asked(plan, 90) & asked(older, 90)
