"""Working days, due dates, and the clock that stops while the applicant repairs (R-21; S02, S20)."""

from datetime import UTC, date, datetime

import pytest

from bagipakai.core.access import WIB
from bagipakai.core.deadlines import Calendar, Terms, UnknownYear, day_of, due, expected, repair_due
from bagipakai.core.policy import policy_file
from bagipakai.core.request import Status, Stay

TODAY = date(2026, 11, 26)
CALENDAR, TERMS = Calendar.on(TODAY), Terms.on(TODAY)

# start | working days | due, by hand from the SKB of 2026
BY_HAND = """
    2026-01-02 | 1  | 2026-01-05   # Friday, to Monday
    2026-01-15 | 1  | 2026-01-19   # over Isra Mikraj and a weekend
    2026-02-13 | 1  | 2026-02-18   # Imlek and its cuti bersama
    2026-03-13 | 1  | 2026-03-16
    2026-03-13 | 2  | 2026-03-17
    2026-03-13 | 3  | 2026-03-25   # Nyepi and Idul Fitri: seven days at one stretch
    2026-03-17 | 1  | 2026-03-25
    2026-03-17 | 10 | 2026-04-08   # and the Good Friday after
    2026-04-30 | 1  | 2026-05-04   # Labour Day, then a weekend
    2026-05-13 | 1  | 2026-05-18
    2026-05-26 | 2  | 2026-06-02   # Idul Adha, cuti bersama, weekend with Waisak, Pancasila
    2026-06-15 | 1  | 2026-06-17
    2026-08-14 | 1  | 2026-08-18
    2026-08-24 | 1  | 2026-08-26
    2026-11-26 | 1  | 2026-11-27
    2026-11-26 | 2  | 2026-11-30
    2026-11-26 | 10 | 2026-12-10
    2026-12-23 | 1  | 2026-12-28   # Christmas with its cuti bersama
    2026-12-30 | 2  | 2027-01-04   # over the year
    2026-11-28 | 1  | 2026-11-30   # given on a Saturday
    2026-11-29 | 5  | 2026-12-04   # given on a Sunday
    2026-11-26 | 0  | 2026-11-26
"""


@pytest.mark.parametrize("line", BY_HAND.strip().splitlines())
def test_due_dates_equal_the_table_made_by_hand(line):
    start, days, end = (cell.strip() for cell in line.partition("#")[0].split("|"))
    assert CALENDAR.after(date.fromisoformat(start), int(days)) == date.fromisoformat(end)


def test_counting_back_gives_the_same():
    for line in BY_HAND.strip().splitlines():
        start, days, end = (cell.strip() for cell in line.partition("#")[0].split("|"))
        assert CALENDAR.between(date.fromisoformat(start), date.fromisoformat(end)) == int(days)
        assert CALENDAR.between(date.fromisoformat(end), date.fromisoformat(start)) == -int(days)


def test_a_due_date_is_a_working_day():
    for day in range(1, 29):
        for term in (1, 3, 10):
            assert CALENDAR.is_working(CALENDAR.after(date(2026, 3, day), term))


def test_an_unknown_year_is_an_error_and_no_guess():
    with pytest.raises(UnknownYear, match="2031"):
        CALENDAR.after(date(2031, 1, 2), 1)
    with pytest.raises(UnknownYear, match="2028"):
        CALENDAR.after(date(2027, 12, 20), 30)


def test_the_official_calendar_of_2026_has_17_holidays_and_8_days_of_cuti_bersama():
    rows = [row for row in policy_file("holidays")["holiday"] if row["day"].year == 2026]
    shared = [row for row in rows if row["name"].startswith("Cuti bersama")]
    assert (len(rows) - len(shared), len(shared)) == (17, 8)


def stay(status: Status, since: str, until: str = "") -> Stay:
    moments = [datetime.fromisoformat(text).replace(tzinfo=WIB) if text else None for text in (since, until)]
    return Stay(status, moments[0], moments[1])


def test_a_stage_has_its_term():
    """The check of substance has two working days."""
    assert due([stay(Status.SUBSTANCE_CHECK, "2026-11-26T15:00")], TERMS, CALENDAR) == date(2026, 11, 30)


def test_late_in_the_evening_is_still_that_day_in_jakarta():
    assert due([stay(Status.ADMIN_CHECK, "2026-11-26T23:59")], TERMS, CALENDAR) == date(2026, 11, 27)

    evening = datetime(2026, 11, 26, 16, 59, tzinfo=UTC)  # 23.59 in Jakarta
    midnight = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)  # 00.00 of the next day
    assert due([Stay(Status.ADMIN_CHECK, evening)], TERMS, CALENDAR) == date(2026, 11, 27)
    assert due([Stay(Status.ADMIN_CHECK, midnight)], TERMS, CALENDAR) == date(2026, 11, 30)


def test_the_clock_stops_while_the_applicant_repairs():
    """One of two days was used; nine days of repair cost the checker nothing; one day is left."""
    visited = [
        stay(Status.SUBSTANCE_CHECK, "2026-11-23T09:00", "2026-11-24T09:00"),
        stay(Status.RETURNED, "2026-11-24T09:00", "2026-12-03T09:00"),
        stay(Status.SUBSTANCE_CHECK, "2026-12-03T09:00"),
    ]
    assert due(visited, TERMS, CALENDAR) == date(2026, 12, 4)
    assert due(visited[:2], TERMS, CALENDAR) is None  # nobody's clock runs


def test_who_has_used_up_the_term_has_one_day_for_the_repaired():
    visited = [
        stay(Status.ADMIN_CHECK, "2026-11-02T09:00", "2026-11-20T09:00"),
        stay(Status.RETURNED, "2026-11-20T09:00", "2026-11-26T09:00"),
        stay(Status.ADMIN_CHECK, "2026-11-26T09:00"),
    ]
    assert due(visited, TERMS, CALENDAR) == date(2026, 11, 27)


def test_a_stage_without_a_term_and_a_request_without_a_stage_have_no_due_date():
    assert due([], TERMS, CALENDAR) is None
    assert due([stay(Status.DRAFT, "2026-11-26T09:00")], TERMS, CALENDAR) is None


def test_the_applicant_sees_when_each_coming_stage_is_expected():
    """S01: from the administrative check on, each stage takes its whole term."""
    coming = [Status.SUBSTANCE_CHECK, Status.COORDINATOR_DECISION, Status.AGREEMENT_SIGNING]
    days = expected([stay(Status.ADMIN_CHECK, "2026-11-26T09:00")], TERMS, CALENDAR, coming)
    assert days == {
        Status.SUBSTANCE_CHECK: date(2026, 12, 1),
        Status.COORDINATOR_DECISION: date(2026, 12, 3),
        Status.AGREEMENT_SIGNING: date(2026, 12, 7),
    }


def test_repair_has_ten_working_days():
    assert repair_due(TODAY, TERMS, CALENDAR) == date(2026, 12, 10)


def test_the_day_begins_in_jakarta_seven_hours_before_it_does_in_utc():
    assert day_of(datetime(2026, 12, 31, 16, 59, tzinfo=UTC)) == date(2026, 12, 31)
    assert day_of(datetime(2026, 12, 31, 17, 0, tzinfo=UTC)) == date(2027, 1, 1)
