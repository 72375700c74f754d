"""When wrong passwords close the entrance, and when it opens again."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bagipakai.core.entrance import Limit

LIMIT = Limit(3, timedelta(minutes=15), timedelta(minutes=10))
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def after(*minutes):
    """Failures so many minutes after noon, the newest first."""
    return [NOON + timedelta(minutes=one) for one in sorted(minutes, reverse=True)]


def test_it_closes_at_the_third_within_a_quarter_of_an_hour_and_for_ten_minutes():
    assert LIMIT.closed_until(after()) is None
    assert LIMIT.closed_until(after(0, 1)) is None
    assert LIMIT.closed_until(after(0, 7, 14)) == NOON + timedelta(minutes=24)
    assert LIMIT.closed_until(after(0, 7, 15)) is None
    assert LIMIT.closed_until(after(-100, 0, 7, 14)) == NOON + timedelta(minutes=24)


def test_the_policy_has_a_limit_for_an_account_and_for_an_address():
    account, address = (Limit.on(date(2026, 12, 1), of) for of in ("account", "address"))
    assert 1 < account.failures < address.failures
    assert account.wait >= account.within, "after the wait, one more mistake does not close it again"


@given(st.lists(st.integers(1, 3600), min_size=1, max_size=200), st.integers(2, 6))
def test_whoever_guesses_without_end_gets_so_many_in_any_stretch(pauses, most):
    """In any stretch as long as the window, no more than the limit are looked at."""
    limit = Limit(most, timedelta(minutes=15), timedelta(minutes=15))
    now, looked_at = NOON, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        until = limit.closed_until(looked_at[::-1])
        if until is None or now >= until:
            looked_at.append(now)
    for first in looked_at:
        assert sum(first <= one < first + timedelta(minutes=15) for one in looked_at) <= most
