"""What a preview tells of whom is chosen: never more than the bands say, and nothing finer however it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.plans import CATALOGUE, DAY

from bagipakai.core.plan import Unit
from bagipakai.core.policy import NoRule
from bagipakai.core.preview import Estimate, Preview, PreviewRule, estimate
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or, Predicate

EDGES = (100, 1_000, 10_000, 1_000_000_000)
DESIL, POOR = Column("desil"), Between(Column("desil"), 1, 2)
PREVIEW = Preview(
    EDGES,
    {
        "individu": {
            "3201": (0, 2, 2, *[1] * 8),  # the unknown, deciles 1 and 2, the others
            "3202": (1, 1, 0, *[1] * 8),
            "3301": (0, 3, 3, *[2] * 8),
        },
        "keluarga": {"3201": (0,) * 11},
    },
)


def about(area: tuple[str, ...], population: Predicate | None = None, unit: Unit = Unit.INDIVIDU) -> Estimate | None:
    return estimate(PREVIEW, unit, area, population, CATALOGUE)


def test_the_bands_of_what_is_chosen_are_added_up():
    assert about(("3201",), POOR) == Estimate(2_000, 20_000)
    assert about(("3201",), Compare(Op.EQUAL, DESIL, Const(1))) == Estimate(1_000, 10_000)
    assert about(("3201", "3202"), POOR) == Estimate(2_100, 22_000)  # two figures, the most upwards
    assert about(("32",), POOR) == Estimate(2_100, 22_000)


def test_without_a_condition_those_of_unknown_decile_are_counted_too():
    assert about(("3202",)) == Estimate(1_000, 11_000)
    assert about(("3202",), Not(Missing(DESIL))) == Estimate(900, 9_100)


def test_what_is_hidden_is_at_most_the_first_edge():
    assert about(("3202",), In(DESIL, (2,))) == Estimate(0, 100)
    assert about(("3201",), None, Unit.KELUARGA) == Estimate(0, 1_100)


@pytest.mark.parametrize(
    "other",
    [
        Column("bekerja"),
        Between(Column("umur"), 15, 24),
        In(Column("persentil"), (1, 2)),
        Or((Compare(Op.EQUAL, DESIL, Const(1)), Column("bekerja"))),
    ],
)
def test_another_condition_can_only_choose_fewer(other):
    """Of how many fewer the preview knows nothing, and says nothing."""
    assert about(("3201",), And((POOR, other))) == Estimate(0, 20_000)
    whole = about(("3201",))
    assert about(("3201",), other) == Estimate(0, whole.high)


@pytest.mark.parametrize("code", ["320101", "3201012001"])
def test_a_smaller_place_has_at_most_as_many_as_its_regency(code):
    assert about((code,), POOR) == Estimate(0, 20_000)
    assert about((code, code[:6] + "2002" if len(code) == 10 else "320102"), POOR) == Estimate(0, 20_000)


def test_the_nation_is_every_regency():
    assert about((), POOR) == about(("32", "33"), POOR)


@pytest.mark.parametrize("area", [("9901",), ("99",)])
def test_of_an_unknown_place_nothing_is_told(area):
    assert about(area) is None


def test_who_chooses_no_decile_is_told_nothing():
    assert about(("3201",), And((Between(DESIL, 1, 2), Between(DESIL, 5, 6)))) is None


CONDITIONS: list[Predicate] = [
    POOR,
    Compare(Op.AT_MOST, DESIL, Const(4)),
    Column("bekerja"),
    Between(Column("umur"), 0, 17),
    Not(Column("penerima_pip")),
]


@given(st.lists(st.sampled_from(CONDITIONS), max_size=3), st.sampled_from(["3201", "3202", "3301"]))
def test_more_conditions_never_tell_of_more_people(conditions, place):
    before = about((place,))
    for end in range(1, len(conditions) + 1):
        now = about((place,), And(tuple(conditions[:end])))
        assert now.high <= before.high and now.low <= now.high
        before = now


@given(st.permutations(CONDITIONS[:3]))
def test_the_order_of_words_does_not_matter(conditions):
    assert about(("3201",), And(tuple(conditions))) == about(("3201",), And(tuple(CONDITIONS[:3])))


# What is announced


def test_a_preview_survives_json():
    assert Preview.from_json(PREVIEW.to_json()) == PREVIEW


@pytest.mark.parametrize(
    "change",
    [
        {"edges": []},
        {"edges": [100, 100, 200, 300]},
        {"edges": [0, 1, 2, 3]},
        {"edges": [100, -1, 3, 4]},
        {"edges": [100.0, 1_000, 10_000, 20_000]},
        {"edges": [100]},  # fewer than the bands name
        {"bands": {"rumah": {}}},
        {"bands": {"individu": {"3201": [0, 1], "3202": [0]}}},
        {"bands": {"individu": {"3201": [True]}}},
        {"bands": {"individu": {"3201": [4]}}},
        {"bands": []},
        {"more": 1},
    ],
)
def test_what_is_not_one_is_refused(change):
    with pytest.raises(ValueError, match="not a preview"):
        Preview.from_json({**PREVIEW.to_json(), **change})


def test_the_rule_has_a_day_and_bands_that_cannot_cross():
    """However its edges are moved, a band stays above the one before it and is wider than what may be shown."""
    rule = PreviewRule.on(DAY)
    for below, above in zip((0, *rule.edges), rule.edges, strict=False):
        assert below * (100 + rule.blur) < above * (100 - rule.blur)
    assert rule.edges[0] * (100 - rule.blur) >= 10 * 100 and rule.edges[0] * rule.blur >= 10 * 100
    assert rule.edges[-1] > 300_000_000
    with pytest.raises(NoRule):
        PreviewRule.on(DAY.replace(year=2020))
