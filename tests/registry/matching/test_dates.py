"""Whatever way a date of birth is written, it is read as the day it means, or as the part of it that is known."""

from calendar import monthrange
from collections import Counter
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.matching.dates import Doubt, dates

LATEST = 2026
INDONESIAN = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
SHORT = ("Jan", "Peb", "Mrt", "Apr", "Mei", "Jun", "Jul", "Agt", "Sep", "Okt", "Nop", "Des")
ENGLISH = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def read(text: str | None) -> tuple[date | None, int, Doubt]:
    found = dates(pa.array([text], pa.string()), LATEST)
    return found.born[0].as_py(), int(found.part[0]), Doubt(found.doubt[0])


WRITINGS = {  # how 3 August 1987 is written
    "{d:02}-{m:02}-{y}": Doubt.NONE,
    "{d}/{m}/{y}": Doubt.NONE,
    "{d:02}.{m:02}.{y}": Doubt.NONE,
    "{d:02} {m:02} {y}": Doubt.NONE,
    "{d:02} - {m:02} - {y}": Doubt.NONE,
    "{y}-{m:02}-{d:02}": Doubt.NONE,
    "{y}/{m}/{d}": Doubt.NONE,
    "{y}-{m:02}-{d:02} 00:00:00": Doubt.NONE,
    "{y}-{m:02}-{d:02}T00:00:00.000Z": Doubt.NONE,
    "{d}/{m}/{y} 00:00": Doubt.NONE,
    "{d:02}-{m:02}-{y} 07.30.00 WIB": Doubt.NONE,
    "{d} {long} {y}": Doubt.NONE,
    "{d:02}-{short}-{y}": Doubt.NONE,
    "{d} {SHORT} {y}": Doubt.NONE,
    "{long} {d}, {y}": Doubt.NONE,
    "{english} {d}, {y}": Doubt.NONE,
    "{d}-{roman}-{y}": Doubt.NONE,
    "Bogor, {d:02}-{m:02}-{y}": Doubt.NONE,
    "Kab. Bogor, {d} {long} {y}": Doubt.NONE,
    "Senin, {d} {long} {y}": Doubt.NONE,
    "tgl {d} {long} th {y}": Doubt.NONE,
    "'{d:02}-{m:02}-{y}": Doubt.NONE,
    "{d:02}{m:02}{y}": Doubt.NONE,
    "{serial}": Doubt.SERIAL,
    "{serial}.0": Doubt.SERIAL,
    "{d:02}-{m:02}-{yy:02}": Doubt.SHORT_YEAR,
    "{d}/{m}/{yy:02}": Doubt.SHORT_YEAR,
    "{d:02}-{short}-{yy:02}": Doubt.SHORT_YEAR,
    "{d:02}{m:02}{yy:02}": Doubt.SHORT_YEAR,
}


def written(day: date, form: str) -> str:
    names = {
        "long": INDONESIAN[day.month - 1],
        "short": SHORT[day.month - 1],
        "SHORT": SHORT[day.month - 1].upper(),
        "english": ENGLISH[day.month - 1],
        "roman": ROMAN[day.month - 1],
    }
    serial = (day - date(1899, 12, 30)).days
    return form.format(d=day.day, m=day.month, y=day.year, yy=day.year % 100, serial=serial, **names)


@settings(deadline=None)
@given(st.lists(st.dates(date(1927, 1, 1), date(2026, 12, 31)), min_size=1, max_size=6))
def test_a_day_is_read_from_every_writing_of_it(days):
    drawn = [(day, form) for day in days for form in WRITINGS]
    found = dates(pa.array([written(day, form) for day, form in drawn]), LATEST)
    assert found.born.to_pylist() == [day for day, _ in drawn]
    assert set(found.part) == {3}
    assert found.doubt.tolist() == [WRITINGS[form] for _, form in drawn]
    assert found.default.tolist() == [(day.month, day.day) == (1, 1) for day, _ in drawn]


@pytest.mark.parametrize(
    ("text", "born", "part", "doubt"),
    [
        ("1987", date(1987, 1, 1), 1, Doubt.NONE),
        ("thn 1965", date(1965, 1, 1), 1, Doubt.NONE),
        ("1965 (perkiraan)", date(1965, 1, 1), 1, Doubt.NONE),
        ("00-00-1987", date(1987, 1, 1), 1, Doubt.NONE),
        ("00/08/1987", date(1987, 8, 1), 2, Doubt.NONE),
        ("08-1987", date(1987, 8, 1), 2, Doubt.NONE),
        ("1987-08", date(1987, 8, 1), 2, Doubt.NONE),
        ("Agustus 1987", date(1987, 8, 1), 2, Doubt.NONE),
        ("31-02-1987", date(1987, 2, 1), 2, Doubt.IMPOSSIBLE),
        ("29 Februari 1987", date(1987, 2, 1), 2, Doubt.IMPOSSIBLE),
        ("45-08-1987", date(1987, 8, 1), 2, Doubt.IMPOSSIBLE),
        ("32-13-1987", date(1987, 1, 1), 1, Doubt.IMPOSSIBLE),
        ("08/17/1987", date(1987, 8, 17), 3, Doubt.NONE),
        ("1987-17-08", date(1987, 8, 17), 3, Doubt.NONE),
        ("87-08-17", date(1987, 8, 17), 3, Doubt.SHORT_YEAR),
        ("17-08-2065", date(1965, 8, 17), 3, Doubt.AHEAD),
        ("1987-08-16T17:00:00.000Z", date(1987, 8, 17), 3, Doubt.NONE),  # midnight in Jakarta
        ("1081987", date(1987, 8, 1), 3, Doubt.NONE),  # its leading zero was lost
        ("19870817", date(1987, 8, 17), 3, Doubt.NONE),
        ("l7-O8-1987", date(1987, 8, 17), 3, Doubt.NONE),
        ("", None, 0, Doubt.NONE),
        ("-", None, 0, Doubt.NONE),
        ("00-00-0000", None, 0, Doubt.NONE),
        ("0000-00-00", None, 0, Doubt.NONE),
        ("00000000", None, 0, Doubt.NONE),
        (None, None, 0, Doubt.NONE),
        ("tidak tahu", None, 0, Doubt.NONE),
        ("hari raya", None, 0, Doubt.UNREADABLE),
        ("17 Agustus", None, 0, Doubt.UNREADABLE),
        ("Agt-87", date(1987, 8, 1), 2, Doubt.SHORT_YEAR),
        ("17-08-12345", None, 0, Doubt.UNREADABLE),
        ("17-08-0087", None, 0, Doubt.UNREADABLE),
        ("99999999999999999999", None, 0, Doubt.UNREADABLE),
        ("3201014503800001", None, 0, Doubt.UNREADABLE),
        ("١٧-٠٨-١٩٨٧", None, 0, Doubt.UNREADABLE),
    ],
)
def test_what_is_known_of_a_date_is_kept(text, born, part, doubt):
    assert read(text) == (born, part, doubt)


def test_default_days_are_marked():
    found = dates(pa.array(["01-07-1960", "1960-12-31", "02-01-1960", "1960"]), LATEST, {101, 701, 1231})
    assert found.default.tolist() == [True, True, False, False]


def test_two_digits_find_the_last_century_that_has_begun():
    found = dates(pa.array(["17-08-26", "17-08-27"]), LATEST)
    assert found.born.to_pylist() == [date(2026, 8, 17), date(1927, 8, 17)]


# --- What a column says of its own habit ------------------------------------------------------------------------------


def test_an_american_column_is_read_as_such():
    """No date of the column has its day first beyond doubt, and many have it second."""
    days = [date(1987, 1, 1) + timedelta(days) for days in range(0, 360, 4)]
    found = dates(pa.array([f"{day:%m/%d/%Y}" for day in days]), LATEST)
    assert found.born.to_pylist() == days
    assert {Doubt(one) for one in found.doubt} == {Doubt.NONE, Doubt.ORDER}


@pytest.mark.parametrize(("indonesian", "month"), [(0, 3), (19, 3), (21, 8)])
def test_the_habit_of_most_decides_what_is_open(indonesian, month):
    """Of forty unmistakable American dates, and some Indonesian ones; 03/08 is then March or August."""
    column = ["03/08/1987", *["08/17/1987"] * 40, *["17/08/1987"] * indonesian]
    found = dates(pa.array(column), LATEST)
    assert (found.born[0].as_py().month, found.doubt[0]) == (month, Doubt.ORDER)


def test_one_american_date_makes_the_others_doubtful_and_changes_none():
    found = dates(pa.array(["08/17/1987", "03/08/1987", "05/05/1987", "03-08-1987", "17/08/1987"]), LATEST)
    assert found.born.to_pylist()[1:3] == [date(1987, 8, 3), date(1987, 5, 5)]
    assert found.doubt.tolist() == [Doubt.NONE, Doubt.ORDER, Doubt.NONE, Doubt.NONE, Doubt.NONE]


def test_dates_that_a_spreadsheet_exchanged_are_changed_back():
    """What it took for dates are all of the 12th and earlier, what it left as text all of the 13th and later."""
    days = [date(1987, 1, 1) + timedelta(days) for days in range(360)]
    taken = [date(day.year, day.day, day.month) if day.day <= 12 else None for day in days]
    texts = [f"{day:%d/%m/%Y}" if other is None else other.isoformat() for day, other in zip(days, taken, strict=True)]
    found = dates(pa.array(texts), LATEST)
    assert found.born.to_pylist() == days
    assert Counter(found.doubt.tolist())[Doubt.EXCHANGED] == 144
    sound = [f"{day:%d/%m/%Y}" if day.month > 6 else day.isoformat() for day in days]
    assert dates(pa.array(sound), LATEST).born.to_pylist() == days


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.timestamp("ns"), pa.timestamp("s")])
def test_dates_may_come_as_any_type(kind):
    day = datetime(1987, 8, 17)  # noqa: DTZ001  # as a table has it
    found = dates(pa.chunked_array([pa.array([day, None], pa.timestamp("s")).cast(kind)]), LATEST)
    assert found.born.to_pylist() == [day.date(), None]
    assert (found.part.tolist(), found.doubt.tolist()) == ([3, 0], [0, 0])


# --- A judge of three numbers -----------------------------------------------------------------------------------------


def judged(a: int, b: int, year: int) -> tuple[date | None, int]:
    """Day and month in the Indonesian order, unless only the other one is in the calendar."""
    year -= 100 if LATEST < year <= LATEST + 99 else 0
    if not 1850 <= year <= LATEST:
        return None, 0
    if b > 12 and a <= 12:
        a, b = b, a
    if not 1 <= b <= 12:
        return date(year, 1, 1), 1
    if not 1 <= a <= monthrange(year, b)[1]:
        return date(year, b, 1), 2
    return date(year, b, a), 3


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 35), st.integers(0, 35), st.integers(1840, 2140)), min_size=1, max_size=15),
    st.sampled_from("-/. "),
)
def test_a_column_says_what_the_judge_says_of_each_date(drawn, sign):
    found = dates(pa.array([f"{a:02}{sign}{b:02}{sign}{year}" for a, b, year in drawn]), LATEST)
    assert list(zip(found.born.to_pylist(), found.part, strict=True)) == [judged(*one) for one in drawn]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(), st.text("0123456789-/. JanAgtMei:TZ,'")), max_size=15))
def test_any_text_is_read_or_told(texts):
    found = dates(pa.array(texts, pa.string()), LATEST)
    assert all(born is None or 1850 <= born.year <= LATEST for born in found.born.to_pylist())
    assert (found.part > 0).tolist() == [born is not None for born in found.born.to_pylist()]
