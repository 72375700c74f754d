"""What a list takes of an institution's quota, and when it fits again."""

from datetime import date

import pytest

from bagipakai.core.quota import Quota, Use
from bagipakai.registry.matching.policy import Abuse

TODAY = date(2026, 11, 27)
OLD, LATE = date(2026, 11, 1), date(2026, 11, 20)


def use(rows: int = 0, *orders: tuple[date, int]) -> Use:
    return Use(Quota(100, 30), orders, TODAY, rows)


def test_it_is_the_quota_that_the_registry_holds_to():
    theirs = Abuse.on(TODAY)
    assert Quota.on(TODAY) == Quota(theirs.quota_rows, theirs.quota_days)


@pytest.mark.parametrize(
    ("rows", "fits_on"),
    [
        (30, TODAY),  # to the last row
        (31, date(2026, 12, 1)),  # the order of 1 November counts for 30 days
        (60, date(2026, 12, 1)),
        (61, date(2026, 12, 20)),
        (101, None),
    ],
)
def test_a_list_fits_or_it_is_told_when(rows, fits_on):
    told = use(rows, (LATE, 40), (OLD, 30))
    assert (told.taken, told.left, told.fits, told.fits_on) == (70, 30, fits_on == TODAY, fits_on)


def test_an_order_counts_as_long_as_it_does_for_the_registry():
    """`since < day`, as registry.asked counts: of thirty days today is one."""
    assert use(0, (date(2026, 10, 28), 5), (date(2026, 10, 29), 7), (TODAY, 1)).taken == 8


def test_what_is_ordered_beyond_the_quota_leaves_nothing():
    assert use(0, (LATE, 400)).left == 0
