"""Statements of the quality of matching: one as a test needs it, and any that can be."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from bagipakai.core.matching_quality import (
    KINDS,
    LABELLED,
    MILLION,
    QUESTIONS,
    Bin,
    Clerks,
    MatchingQuality,
    Measured,
    Sampled,
    Tally,
    Thresholds,
)

THRESHOLDS = Thresholds(date(2026, 1, 1), "keputusan sendiri", 950, 500, 3)
ALL = Tally(rows=20_000, present=18_000, given=17_950, right=17_946, review=30, review_right=21)
CLERKS = Clerks(400, 391, 8, Sampled(17_950, 17_900, 346, 345, 3, 341), Sampled(2_020, 70, 58, 2, 0, 57))
# What clerks said, as it was stated before: versions 1 and 2.
CLERKS_1 = {"twice": 400, "agreed": 391}
CLERKS_2 = {
    "twice": 400,
    "agreed": 391,
    "arbitrated": 8,
    "matched": {"rows": 17_950, "decided": 346, "same": 345, "unsure": 3},
    "nobody": {"rows": 2_020, "decided": 58, "same": 2, "unsure": 0},
}
DAYS = st.dates(date(2026, 1, 1), date(2040, 12, 31))
THOUSANDTHS = st.integers(0, 1000)


def a_statement(**changes: Any) -> MatchingQuality:
    """Of a typical list and a dirty one: women are found less than they should be, twins can be so by chance, and too
    few persons have a name of one word."""
    values: dict[str, Any] = {
        "model": "2026.1",
        "model_digest": "ab" * 32,
        "normaliser": "1-d8c180cc5260",
        "thresholds": THRESHOLDS,
        "measured_on": date(2026, 11, 20),
        "lists": (
            Measured("typical", 1_000_000, 41, ALL),
            Measured("dirty", 1_000_000, 42, Tally(10_000, 9_000, 8_700, 8_697, 210, 190)),
        ),
        "groups": {
            "province": {
                "32": Tally(11_000, 11_000, 10_960, 10_958, 20, 14),
                "51": None,
                "52": Tally(6_990, 6_990, 6_981, 6_979, 9, 7),
            },
            "sex": {"L": Tally(9_000, 9_000, 8_996, 8_995, 4, 3), "P": Tally(9_000, 9_000, 8_890, 8_888, 26, 18)},
            "words_of_the_name": {"one": None, "several": None},
            "twins": {
                "twin": Tally(210, 210, 208, 208, 2, 2),
                "other": Tally(17_790, 17_790, 17_742, 17_738, 28, 19),
            },
        },
        "bins": {0: None, 6: Bin(18, 641_000, 12), 9: Bin(17_962, 999_412, 17_954)},
        "clerks": CLERKS,
    }
    return MatchingQuality(**{**values, **changes})


@st.composite
def tallies(draw: st.DrawFn, most: int = 200_000) -> Tally:
    present, absent = draw(st.integers(0, most)), draw(st.integers(0, 5_000))
    right = draw(st.integers(0, present))
    review_right = draw(st.integers(0, min(present - right, 500)))
    rest = present + absent - right - review_right
    wrong = draw(st.integers(0, min(rest, 300)))
    doubted = draw(st.integers(0, min(rest - wrong, 300)))
    return Tally(present + absent, present, right + wrong, right, review_right + doubted, review_right)


@st.composite
def bins(draw: st.DrawFn, tenth: int) -> Bin:
    rows = draw(st.integers(1, 100_000))
    step = MILLION // 10
    return Bin(rows, draw(st.integers(tenth * step, (tenth + 1) * step)), draw(st.integers(0, rows)))


@st.composite
def measured(draw: st.DrawFn) -> Measured:
    kind = draw(st.sampled_from(KINDS))
    seed = None if kind == LABELLED else draw(st.integers(0, 10**6))
    return Measured(kind, draw(st.integers(0, 300_000_000)), seed, draw(tallies()))


@st.composite
def clerks(draw: st.DrawFn) -> Clerks:
    twice = draw(st.integers(0, 10_000))
    agreed = draw(st.integers(0, twice))
    return Clerks(twice, agreed, draw(st.integers(0, twice - agreed)), draw(sampled()), draw(sampled()))


@st.composite
def sampled(draw: st.DrawFn) -> Sampled:
    same, others = draw(st.integers(0, 500)), draw(st.integers(0, 500))
    same_rows, other_rows = (draw(st.integers(pairs, 10**6)) if pairs else 0 for pairs in (same, others))
    decided = same + others
    effective = draw(st.integers(1, decided)) if decided else 0
    return Sampled(same_rows + other_rows, same_rows, decided, same, draw(st.integers(0, 50)), effective)


@st.composite
def statements(draw: st.DrawFn) -> MatchingQuality:
    """Any: with groups hidden or left out, of nothing, of nobody found."""
    provinces = st.integers(10, 99).map(str)
    groups = {}
    for question in draw(st.sets(st.sampled_from(list(QUESTIONS)))):
        names = st.sampled_from(QUESTIONS[question]) if QUESTIONS[question] else provinces
        groups[question] = draw(st.dictionaries(names, st.none() | tallies(), max_size=5))
    tenths = draw(st.sets(st.integers(0, 9)))
    return MatchingQuality(
        model=draw(st.from_regex(r"[0-9]{4}\.[1-4]", fullmatch=True)),
        model_digest=draw(st.from_regex("[0-9a-f]{64}", fullmatch=True)),
        normaliser=draw(st.from_regex("[0-9]-[0-9a-f]{12}", fullmatch=True)),
        thresholds=draw(
            st.builds(Thresholds, DAYS, st.just("keputusan sendiri"), THOUSANDTHS, THOUSANDTHS, st.integers(0, 20))
        ),
        measured_on=draw(DAYS),
        lists=tuple(draw(st.lists(measured(), min_size=1, max_size=3))),
        groups=groups,
        bins={tenth: draw(st.none() | bins(tenth)) for tenth in sorted(tenths)},
        clerks=draw(st.none() | clerks()),
    )
