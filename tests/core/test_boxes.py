"""Two wordings are one value if, and only if, they choose the same people."""

from itertools import product

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from bagipakai.core.boxes import Box, Boxes, Dimension, Places, Possible, boxes, spelled
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or, QueryError
from bagipakai.core.refusal import Refusal
from bagipakai.registry.engines import reference

DESIL = Dimension.of("desil", (1, 2, 3, 4))
SEX = Dimension.of("jenis_kelamin", ("1", "2"), missing=False)
POWER = Dimension.of("listrik", (False, True))
AGE = Dimension("umur", ((0, 1), (2, 3), (4, 5)), missing=False)
LAND = Dimension.of("lahan", (1, 2, 3), missing=False)
DIMENSIONS = (DESIL, SEX, POWER, AGE, LAND)
PLACES = Places(("1101010001", "1101010002", "1101020001", "1102010001", "3201010001", "3201010002"))
MANY = 10_000  # boxes: nothing is refused for being many
COLUMNS = {"kode_prov": 2, "kode_kab": 4, "kode_kec": 6, "kode_desa": 10}


def at_most(name, value):
    return Compare(Op.AT_MOST, Column(name), Const(value))


# The naive reading: every combination of values, one after another


def combinations(dimensions=DIMENSIONS, places=PLACES):
    """Row and the combination of categories (and leaf) that it belongs to."""
    axes = []
    for one in dimensions:
        values = [(at, value) for at, category in enumerate(one.categories, 1) for value in category]
        axes.append([(one.name, *pair) for pair in values + [(0, None)] * one.missing])
    for leaf, code in enumerate(places.leaves):
        for chosen in product(*axes):
            row = {name: value for name, _, value in chosen}
            row |= {column: code[:digits] for column, digits in COLUMNS.items()}
            yield row, (*(at for _, at, _ in chosen), leaf)


ROWS = list(combinations())


def chosen(predicate):
    """The combinations of categories that the predicate chooses; None where it divides a category."""
    inside, outside = set(), set()
    for row, key in ROWS:
        (inside if reference.truth(predicate, row) is True else outside).add(key)
    return None if inside & outside else inside


def held(found):
    """The combinations that the boxes hold, each as often as it is held."""
    keys = []
    for box in found.boxes:
        masks = dict(box.masks)
        axes = [
            [at for at in range(1 - one.missing, 1 + len(one.categories)) if masks.get(one.name, -1) >> at & 1]
            for one in DIMENSIONS
        ]
        first, last = box.area or (0, len(PLACES.leaves) - 1)
        keys += product(*axes, range(first, last + 1))
    return keys


values = {
    "desil": st.integers(0, 5),
    "jenis_kelamin": st.sampled_from(["0", "1", "2"]),
    "listrik": st.booleans(),
    "umur": st.sampled_from([0, 1, 2, 3, 4, 5, 9]),
    "lahan": st.integers(1, 3),
    "kode_kab": st.sampled_from(["1101", "1102", "11", "3201", "9999"]),
    "kode_kec": st.sampled_from(["110101", "110102", "320101"]),
    "kode_desa": st.sampled_from(PLACES.leaves),
}


@st.composite
def atoms(draw):
    name = draw(st.sampled_from(sorted(values)))
    one, other = draw(values[name]), draw(values[name])
    if draw(st.booleans()) and name == "umur":
        one, other = draw(st.sampled_from([(0, 1), (2, 3), (0, 3), (2, 5)]))
        return Between(Column(name), one, other)
    made = [
        Compare(draw(st.sampled_from(list(Op))), Column(name), Const(one)),
        Compare(draw(st.sampled_from(list(Op))), Const(one), Column(name)),
        In(Column(name), (one, other)),
        Between(Column(name), one, other),
        Missing(Column(name)),
    ]
    if name == "listrik":
        made.append(Column(name))
    if name in ("desil", "umur", "lahan"):
        made.append(Compare(draw(st.sampled_from(list(Op))), Column("desil"), Column("lahan")))
    return draw(st.sampled_from(made))


def joined(parts):
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | parts.map(Not) | parts.map(Missing)


predicates = st.recursive(atoms(), joined, max_leaves=5)


@st.composite
def reworded(draw, predicate):
    """Other words for the same: what a person may do to a filter without changing whom it chooses."""
    match predicate:
        case And(parts):
            again = draw(st.permutations([draw(reworded(part)) for part in parts]))
            return Not(Or(tuple(Not(part) for part in again))) if draw(st.booleans()) else And((*again, again[0]))
        case Or(parts):
            again = draw(st.permutations([draw(reworded(part)) for part in parts]))
            return Not(And(tuple(Not(part) for part in again))) if draw(st.booleans()) else Or((*again, again[0]))
        case Not(part):
            return Not(draw(reworded(part)))
        case In(column, known):
            return Or(tuple(Compare(Op.EQUAL, column, Const(value)) for value in reversed(known)))
        case Between(column, low, high):
            return And((Compare(Op.AT_LEAST, column, Const(low)), Compare(Op.AT_LEAST, Const(high), column)))
        case Compare(Op.LESS, left, right):
            return Not(Compare(Op.AT_LEAST, left, right))
        case _:
            return Not(Not(predicate)) if draw(st.booleans()) else predicate


def read(predicate):
    return boxes(predicate, DIMENSIONS, PLACES, most=MANY)


@settings(max_examples=120, deadline=None)
@given(predicates)
def test_boxes_hold_whom_the_predicate_chooses_each_once(predicate):
    found, expected = read(predicate), chosen(predicate)
    event(f"boxes: {min(len(found.boxes), 9) if isinstance(found, Boxes) else found.code}")
    if expected is None:
        assert found.code == "predicate-divides-a-category"
    else:
        keys = held(found)
        assert len(keys) == len(set(keys)) and set(keys) == expected


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_two_predicates_are_one_value_if_and_only_if_they_choose_the_same(data):
    """Half of the pairs are two wordings of one filter."""
    one = data.draw(predicates)
    other = data.draw(reworded(one) if data.draw(st.booleans()) else predicates)
    first, second = chosen(one), chosen(other)
    assume(first is not None and second is not None)
    event(f"same: {first == second}, same words: {one == other}")
    assert (read(one) == read(other)) == (first == second)
    assert (read(one).digest == read(other).digest) == (first == second)


@settings(max_examples=120, deadline=None)
@given(predicates, st.data())
def test_what_is_possible_is_true_of_somebody_of_whom_that_is_known(predicate, data):
    """`known`: of some variables some categories; of the places, some."""
    some = data.draw(st.lists(st.sampled_from(DIMENSIONS), unique=True))
    known = {one.name: data.draw(st.integers(1, one.full)) & one.full or one.full for one in some}
    if data.draw(st.booleans()):
        known[""] = data.draw(st.integers(1, PLACES.full))
    names = [one.name for one in DIMENSIONS]

    def fits(key) -> bool:
        *categories, leaf = key
        told = dict(zip(names, categories, strict=True))
        masks = {name: 1 << at for name, at in told.items()} | {"": 1 << leaf}
        return all(mask & masks[name] for name, mask in known.items())

    found = Possible(predicate, DIMENSIONS, PLACES)(known)
    event(f"possible: {found}")
    assert found == any(reference.truth(predicate, row) is True for row, key in ROWS if fits(key))


def test_what_nobody_can_tell_may_be_true_or_not_but_not_both():
    """Of a variable without base categories nothing is known; but a condition is never true with its opposite."""
    baker, tailor = (Compare(Op.EQUAL, Column("pekerjaan"), Const(one)) for one in ("x", "y"))
    one, two = (Compare(Op.EQUAL, Column("desil"), Const(number)) for number in (1, 2))

    def possible(*parts) -> bool:
        return Possible(And(parts), DIMENSIONS, PLACES)({})

    assert possible(baker, one) and possible(Not(baker), one) and possible(Missing(baker)) and possible(baker, tailor)
    assert not possible(baker, Not(baker)) and not possible(baker, one, two) and not possible(baker, Missing(baker))


def test_order_and_words_vanish():
    young = Between(Column("umur"), 0, 3)
    poor = In(Column("desil"), (2, 1))
    assert read(And((young, poor))) == read(
        Not(Or((Not(at_most("desil", 2)), Compare(Op.MORE, Column("umur"), Const(3)))))
    )
    assert read(And((young, poor))).boxes == (Box((("desil", 0b00110), ("umur", 0b0110))),)


def test_unknown_is_a_category():
    """Whose decile is unknown is in neither `desil <= 2` nor its negation."""
    assert read(at_most("desil", 2)).boxes == (Box((("desil", 0b00110),)),)
    assert read(Not(at_most("desil", 2))).boxes == (Box((("desil", 0b11000),)),)
    assert read(Missing(Column("desil"))).boxes == (Box((("desil", 0b00001),)),)
    assert read(Or((at_most("desil", 9), Missing(Column("desil"))))).boxes == (Box(),)


def test_a_condition_that_excludes_nobody_is_not_there():
    """Padding a query does not make another one."""
    padded = And(
        (at_most("desil", 2), Between(Column("umur"), 0, 5), Compare(Op.LESS, Column("kode_prov"), Const("99")))
    )
    assert read(padded) == read(at_most("desil", 2))


def test_everybody_is_one_box_and_nobody_none():
    assert read(None) == Boxes((Box(),))
    assert read(And((at_most("desil", 1), Compare(Op.MORE, Column("desil"), Const(1))))) == Boxes(())
    assert read(Compare(Op.EQUAL, Const(1), Const(1))) == Boxes((Box(),))


def test_places_are_intervals_of_leaves():
    kab = In(Column("kode_kab"), ("1101", "1102"))
    assert read(kab) == read(Compare(Op.EQUAL, Column("kode_prov"), Const("11")))
    assert read(kab).boxes == (Box((), (0, 3), ("11",)),)
    apart = In(Column("kode_kab"), ("3201", "1101"))
    assert read(apart).boxes == (Box((), (0, 2), ("1101",)), Box((), (4, 5), ("32",)))
    assert read(In(Column("kode_desa"), PLACES.leaves[1:5])).boxes[0].codes == (
        *("1101010002", "110102", "1102", "3201010001"),
    )


def test_a_new_village_changes_leaf_numbers_but_not_what_a_regency_is():
    """Otherwise the noise of every table behind it would be drawn anew."""
    more = Places(("1101010001", "1101010002", "1101020001", "1101020002", *PLACES.leaves[3:]))
    kab = Compare(Op.EQUAL, Column("kode_kab"), Const("3201"))
    before, after = read(kab), boxes(kab, DIMENSIONS, more)
    assert before.boxes[0].area != after.boxes[0].area
    assert before.digest == after.digest


def test_a_new_category_moves_none_of_the_others():
    more = Dimension.of("desil", (1, 2, 3, 4, 5))
    for one in (at_most("desil", 2), Missing(Column("desil"))):
        assert read(one).digest == boxes(one, (more,)).digest


def test_a_nation_of_villages_is_read_at_once():
    """A nation of 83,000 villages: the work follows the words, not the places."""
    leaves = tuple(f"{11 + at // 1000:02}{at // 100 % 10:02}{at // 10 % 10:02}{at % 10:04}" for at in range(83_000))
    nation = Places(leaves)
    found = boxes(Or((In(Column("kode_kab"), ("1203", "4405")), at_most("desil", 1))), DIMENSIONS, nation)
    assert [box.codes for box in found.boxes] == [(), ("1203",), ("4405",)]


# What is refused


def test_what_needs_many_boxes_is_refused():
    scattered = Or(tuple(And((at_most("desil", n), In(Column("lahan"), (n,)), Column("listrik"))) for n in (1, 2, 3)))
    assert boxes(scattered, DIMENSIONS, PLACES, most=2) == Refusal("predicate-is-no-box", {"most": "2"})
    assert len(boxes(scattered, DIMENSIONS, PLACES, most=3).boxes) == 3


def test_a_predicate_of_very_many_combinations_is_refused_before_they_are_looked_at():
    wide = tuple(Dimension.of(f"d{at:02}", range(10)) for at in range(12))
    parity = Or(tuple(In(Column(one.name), (1,)) for one in wide) + tuple(at_most(one.name, 5) for one in wide))
    assert boxes(parity, wide) == Refusal("predicate-is-no-box", {"most": "8"})


def test_a_column_without_categories_is_refused():
    assert read(at_most("pengeluaran", 5)) == Refusal("predicate-on-unlisted-column", {"column": "pengeluaran"})
    regency = Compare(Op.EQUAL, Column("kode_kab"), Const("1101"))
    assert boxes(regency, DIMENSIONS) == Refusal("predicate-on-unlisted-column", {"column": "kode_kab"})


def test_half_a_category_is_refused_and_two_halves_are_not():
    assert read(at_most("umur", 2)) == Refusal("predicate-divides-a-category", {"column": "umur"})
    whole = Or((In(Column("umur"), (2,)), In(Column("umur"), (3,))))
    assert read(whole).boxes == (Box((("umur", 0b0100),)),)


def test_places_are_not_compared_with_other_columns():
    assert read(Compare(Op.EQUAL, Column("kode_kab"), Column("kode_prov"))).code == "predicate-is-no-box"


@pytest.mark.parametrize(
    "code", ["predicate-is-no-box", "predicate-on-unlisted-column", "predicate-divides-a-category"]
)
def test_each_no_is_a_sentence(code):
    assert Refusal(code).sentence("id") != Refusal(code).sentence("en")


@pytest.mark.parametrize("predicate", [at_most("desil", "1"), at_most("kode_kab", 11), at_most("listrik", 1)])
def test_two_types_are_an_error(predicate):
    with pytest.raises(QueryError):
        read(predicate)


def test_categories_and_leaves_are_checked():
    for wrong in [((1,), (1,)), ((1,), ()), ((1,), (True,)), ()]:
        with pytest.raises(ValueError):
            Dimension("desil", wrong)
    for leaves in [(), ("1101010002", "1101010001"), ("1101",)]:
        with pytest.raises(ValueError):
            Places(leaves)
    with pytest.raises(ValueError):
        boxes(at_most("desil", 1), (DESIL, DESIL))


def test_a_box_is_spelled_by_code():
    (box,) = read(And((at_most("desil", 2), Compare(Op.EQUAL, Column("kode_kab"), Const("1102"))))).boxes
    assert spelled(box) == {"masks": {"desil": "6"}, "area": ["1102"]}
