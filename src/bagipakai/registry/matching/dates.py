"""Dates of birth as people write them: read a whole column at a time, with how much of each is known.

Day and month stand in the Indonesian order unless the column itself shows another: a list is written by few hands, so
what its unmistakable dates (the 13th and later) say holds for the others that are written with the same sign.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching.letters import Column, eight_digits, is_nothing, of_length, text_of
from bagipakai.registry.matching.numbers import MONTH_DAYS

OLDEST = 1850
SIGNS = "-/. "
FEW = 20  # fewer dates show no habit
_SERIAL_ZERO = np.datetime64("1899-12-30")  # of a spreadsheet's days
_MONTHS = {
    word: month
    for month, words in enumerate(
        (
            "jan januari january",
            "feb peb februari pebruari february febuari",
            "mar maret march mrt",
            "apr april apl",
            "mei may",
            "jun juni june",
            "jul juli july",
            "agt agu ags agustus aug august agst agus",
            "sep sept september",
            "okt oct oktober october",
            "nov nop november nopember",
            "des dec desember december",
        ),
        1,
    )
    for word in words.split()
}
_ROMAN = dict(
    zip(("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"), range(1, 13), strict=True)
)
_NAMES, _NUMBERS = pa.array(list(_MONTHS)), np.array([*_MONTHS.values(), 0])
# The frequent writings, for all distinct values at once (RE2).
_THREE = r"^(?P<a>[0-9]{1,2})(?P<sign>[-/. ])(?P<b>[0-9]{1,2})[-/. ](?P<y>[0-9]{4}|[0-9]{2})(?: 00[:.]00(?:[:.]00)?)?$"
_NAMED = r"^(?P<a>[0-9]{1,2})[-/. ]+(?P<month>[A-Za-z]{3,9})[-/., ]+(?P<y>[0-9]{4}|[0-9]{2})$"
_ZONED = re.compile(r"t(1[567]):00(?::00(?:[.,]0+)?)?z$")  # midnight in Indonesia, as a program in Greenwich wrote it
_TIME = re.compile(
    r"[ t]+\d{1,2}(?::\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?|\.\d{2}\.\d{2})\s*(?:z|[ap]m|wib|wita?|[+-]\d{2}:?\d{2})?$"
)
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_LOOKS_ZERO, _LOOKS_ONE = re.compile(r"(?<=\d)o|o(?=\d)"), re.compile(r"(?<=\d)l|l(?=\d)")


class Form(IntEnum):
    """How a date is written."""

    NONE = 0
    EMPTY = 1
    YEAR_FIRST = 2  # or a calendar's own type: year, month, day
    THREE = 3  # two numbers whose order is open, and a year
    NAMED = 4  # its month is a word, or its place is beyond doubt
    SERIAL = 5  # days counted by a spreadsheet


class Doubt(IntEnum):
    """What is to be said of a date."""

    NONE = 0
    UNREADABLE = 1
    IMPOSSIBLE = 2  # no such day, or no such month; what is left of it stands
    ORDER = 3  # day and month could be exchanged, and in this column they sometimes are
    EXCHANGED = 4  # a spreadsheet exchanged day and month; they are changed back
    SHORT_YEAR = 5  # two digits
    AHEAD = 6  # in the future, so a century too late; taken back
    SERIAL = 7


class Dates(NamedTuple):
    """A column of dates. `born`: date32, its unknown month or day the first; `part`: uint8, 3 = all of it, 2 = year and
    month, 1 = the year, 0 = nothing; `default`: bool, a day that is written for want of a better; `doubt`: uint8, of
    `Doubt`."""

    born: pa.Array
    part: np.ndarray
    default: np.ndarray
    doubt: np.ndarray


class _Read(NamedTuple):
    form: int = Form.NONE
    a: int = 0
    b: int = 0
    year: int = 0
    sign: int = 0
    short: bool = False


class _Written:
    """Of each row: the form, two numbers `a` and `b`, the year, which sign stands between. After `YEAR_FIRST`, `NAMED`
    and `SERIAL`, `a` is the day and `b` the month."""

    def __init__(self, rows: int) -> None:
        self.form, self.sign = np.zeros(rows, np.int8), np.zeros(rows, np.int8)
        self.a, self.b, self.year = (np.zeros(rows, np.int32) for _ in range(3))
        self.short = np.zeros(rows, dtype=bool)

    def set(self, rows: np.ndarray, form: int, a: np.ndarray, b: np.ndarray, year: np.ndarray) -> None:
        self.form[rows], self.a[rows], self.b[rows], self.year[rows] = form, a, b, year

    def spread(self, rows: np.ndarray, other: "_Written", at: np.ndarray) -> None:
        for name in ("form", "sign", "a", "b", "year", "short"):
            getattr(self, name)[rows] = getattr(other, name)[at]


def dates(column: Column, latest: int, defaults: Iterable[int] = (101,)) -> Dates:
    """A whole column: text, dates, timestamps or numbers. `latest` is the last year in which somebody can be born, by
    which two digits find their century; `defaults` are days, as month × 100 + day."""
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        written = _of_days(whole.cast(pa.timestamp("s"), safe=False).cast(pa.date32(), safe=False))
    else:
        written = _of_text(text_of(column), latest)
    return _settled(written, latest, np.array(sorted(defaults), np.int32))


def _of_days(column: pa.Array) -> _Written:
    written = _Written(len(column))
    filled = column.is_valid().to_numpy(zero_copy_only=False)
    days = column.fill_null(0).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    written.a, written.b, written.year = _calendar(days)
    written.form[:] = np.where(filled, Form.YEAR_FIRST, Form.EMPTY)
    return written


def _calendar(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    months = days.astype("datetime64[M]")
    number = months.astype(np.int32)
    return (days - months).astype(np.int32) + 1, number % 12 + 1, number // 12 + 1970


def _of_text(column: pa.StringArray, latest: int) -> _Written:
    written = _Written(len(column))
    rows, letters = of_length(column, 10)
    sign = np.full(256, -1, np.int8)
    sign[np.frombuffer(SIGNS.encode(), np.uint8)] = range(len(SIGNS))
    for one, two, digits, form in (
        (2, 5, [0, 1, 3, 4, 6, 7, 8, 9], Form.THREE),
        (4, 7, [0, 1, 2, 3, 5, 6, 8, 9], Form.YEAR_FIRST),
    ):
        number, fine = eight_digits(letters[:, digits])
        signs = sign[letters[:, one]]
        fine &= (signs >= 0) & (letters[:, one] == letters[:, two])
        told, number = rows[fine], number[fine]
        if form is Form.THREE:
            written.set(told, form, number // 10**6, number // 10**4 % 100, number % 10**4)
            written.sign[told] = signs[fine]
        else:
            written.set(told, form, number % 100, number // 100 % 100, number // 10**4)
    rest = np.flatnonzero(written.form == Form.NONE)
    if len(rest):
        distinct = column.take(pa.array(rest)).dictionary_encode()
        at = distinct.indices.fill_null(len(distinct.dictionary)).to_numpy(zero_copy_only=False)
        written.spread(rest, _of_distinct(distinct.dictionary, latest), at)
    return written


def _of_distinct(column: pa.StringArray, latest: int) -> _Written:
    """Of each distinct text, and of a missing one behind them."""
    written = _Written(len(column) + 1)
    written.form[-1] = Form.EMPTY
    three = _fields(column, _THREE)
    rows = np.flatnonzero(three[0].is_valid().to_numpy(zero_copy_only=False))
    if len(rows):
        a, sign, b, year = (field.take(pa.array(rows)) for field in three)
        written.set(rows, Form.THREE, _int(a), _int(b), _int(year))
        written.sign[rows] = pc.index_in(sign, pa.array(list(SIGNS))).to_numpy()
        written.short[rows] = pc.equal(pc.binary_length(year), 2).to_numpy(zero_copy_only=False)
    named = _fields(column, _NAMED)
    month = pc.index_in(pc.ascii_lower(named[1]), _NAMES)
    rows = np.flatnonzero(month.is_valid().to_numpy(zero_copy_only=False))
    if len(rows):
        a, _, year = (field.take(pa.array(rows)) for field in named)
        written.set(rows, Form.NAMED, _int(a), _NUMBERS[month.take(pa.array(rows)).to_numpy()], _int(year))
        written.short[rows] = pc.equal(pc.binary_length(year), 2).to_numpy(zero_copy_only=False)
    rest = np.flatnonzero(written.form == Form.NONE)
    if len(rest):
        read = [_read(text, latest) for text in column.take(pa.array(rest)).to_pylist()]
        for name, told in zip(_Read._fields, zip(*read, strict=True), strict=True):
            getattr(written, name)[rest] = told
    return written


def _fields(column: pa.StringArray, pattern: str) -> list[pa.Array]:
    found = pc.extract_regex(column, pattern)
    return [pc.struct_field(found, [at]) for at in range(found.type.num_fields)]


def _int(column: pa.Array) -> np.ndarray:
    found: np.ndarray = column.cast(pa.int32()).to_numpy()
    return found


def _read(text: str, latest: int) -> _Read:
    """One date in any writing."""
    text = text.strip().strip("'`\"‘’“”´=").casefold().strip()
    if is_nothing(text):
        return _Read(Form.EMPTY)
    zoned = _ZONED.search(text)
    text = _LOOKS_ONE.sub("1", _LOOKS_ZERO.sub("0", _TIME.sub("", text)))
    if re.fullmatch(r"\d{1,5}[.,]\d+", text) and not re.fullmatch(r"\d{1,2}[.,](?:\d{4}|\d{2})", text):
        text = re.split("[.,]", text)[0]  # days and a time of day
    tokens = _TOKEN.findall(text)
    if any((len(token) > 8 and token.isdigit()) or not token.isascii() for token in tokens):
        return _Read()
    places = [at for at, token in enumerate(tokens) if token.isdigit()]
    months = [at for at, token in enumerate(tokens) if token in _MONTHS]
    if not months and len(places) == 2 and places[1] - places[0] == 2 and tokens[places[0] + 1] in _ROMAN:
        months, month = [places[0] + 1], _ROMAN[tokens[places[0] + 1]]
    else:
        month = _MONTHS[tokens[months[-1]]] if months else 0
    told = [tokens[at] for at in places]
    if month:
        return _with_month(told, month, bool(told) and places[0] > months[-1])
    match [len(one) for one in told]:
        case [1 | 2 | 3 | 4 | 5 | 6 | 7 | 8]:
            return _run_together(told[0], latest)
        case [4, 1 | 2, 1 | 2]:
            a, b, year = int(told[2]), int(told[1]), int(told[0])
            return _next_day(a, b, year) if zoned else _Read(Form.YEAR_FIRST, a, b, year)
        case [1 | 2, 1 | 2, 4]:
            return _Read(Form.THREE, int(told[0]), int(told[1]), int(told[2]), _sign(text))
        case [1 | 2, 1 | 2, 2]:
            return _Read(Form.THREE, int(told[0]), int(told[1]), int(told[2]), _sign(text), True)
        case [1 | 2, 4]:
            return _Read(Form.NAMED, 0, int(told[0]), int(told[1]))
        case [4, 1 | 2]:
            return _Read(Form.NAMED, 0, int(told[1]), int(told[0]))
    return _Read()


def _with_month(told: list[str], month: int, behind: bool) -> _Read:
    """`behind`: the month stands before the numbers, so that two digits can be its year."""
    match [len(one) for one in told]:
        case [4] | [2] if behind or len(told[0]) == 4:
            return _Read(Form.NAMED, 0, month, int(told[0]), short=len(told[0]) == 2)
        case [1 | 2, 4 | 2]:
            return _Read(Form.NAMED, int(told[0]), month, int(told[1]), short=len(told[1]) == 2)
        case [4, 1 | 2]:
            return _Read(Form.NAMED, int(told[1]), month, int(told[0]))
    return _Read()


def _run_together(digits: str, latest: int) -> _Read:
    """Digits without signs: a year; DDMMYYYY or YYYYMMDD, DDMMYY; days counted by a spreadsheet."""
    number = int(digits)
    if not number:
        return _Read(Form.EMPTY)
    if len(digits) == 4 and OLDEST <= number <= latest:
        return _Read(Form.NAMED, 0, 0, number)
    if len(digits) in (7, 8):
        day, month, year = int(digits[:-6]), int(digits[-6:-4]), int(digits[-4:])
        if OLDEST <= year <= latest and month <= 12 and day <= 31:
            return _Read(Form.NAMED, day, month, year)
        year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
        if len(digits) == 8 and OLDEST <= year <= latest and month <= 12 and day <= 31:
            return _Read(Form.NAMED, day, month, year)
    if len(digits) == 6:
        day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        if 1 <= month <= 12 and 1 <= day <= 31:
            return _Read(Form.NAMED, day, month, year, short=True)
        if 1 <= day <= 12 and OLDEST <= int(digits[2:]) <= latest:
            return _Read(Form.NAMED, 0, day, int(digits[2:]))
    if 3 <= len(digits) <= 5 and number <= (latest - 1899) * 366:
        a, b, c = (int(part[0]) for part in _calendar(np.array([_SERIAL_ZERO + number])))
        return _Read(Form.SERIAL, a, b, c)
    return _Read()


def _next_day(day: int, month: int, year: int) -> _Read:
    if not (OLDEST <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= MONTH_DAYS[month]):
        return _Read(Form.YEAR_FIRST, day, month, year)
    a, b, c = (int(part[0]) for part in _calendar(np.array([_day(year, month, day) + 1])))
    return _Read(Form.YEAR_FIRST, a, b, c)


def _day(year: int, month: int, day: int) -> np.datetime64:
    return np.datetime64(f"{year:04}-{month:02}", "D") + (day - 1)


def _sign(text: str) -> int:
    found = re.search(r"\d\s*([-/.])", text)
    return SIGNS.index(found[1] if found else " ")


def _settled(written: _Written, latest: int, defaults: np.ndarray) -> Dates:
    form, a, b, year = written.form, written.a, written.b, written.year
    form[(a == 0) & (b == 0) & (year == 0) & (form > Form.EMPTY)] = Form.EMPTY  # 00-00-0000
    doubt = np.zeros(len(form), np.uint8)
    doubt[form == Form.NONE] = Doubt.UNREADABLE
    doubt[form == Form.SERIAL] = Doubt.SERIAL
    three = form == Form.THREE
    upside = three & written.short & (a > 31)  # 87-08-17
    if upside.any():
        a[upside], year[upside] = year[upside], a[upside]
        three &= ~upside
    year = np.where(written.short, np.where(year + 2000 > latest, year + 1900, year + 2000), year)
    doubt[written.short] = Doubt.SHORT_YEAR
    ahead = (year > latest) & (year <= latest + 99) & (form > Form.EMPTY)
    year[ahead] -= 100
    doubt[ahead] = Doubt.AHEAD
    day, month = a.copy(), b.copy()
    _ordered(written, three, day, month, doubt)
    known = (form > Form.EMPTY) & (year >= OLDEST) & (year <= latest)
    doubt[(form > Form.EMPTY) & ~known] = Doubt.UNREADABLE
    turned = (form == Form.YEAR_FIRST) & (month > 12) & (day <= 12)  # 1987-17-08
    day[turned], month[turned] = month[turned], day[turned]
    monthly = known & (month >= 1) & (month <= 12)
    length = MONTH_DAYS[np.where(monthly, month, 0)] - ((month == 2) & ~_is_leap(year))
    daily = monthly & (day >= 1) & (day <= length)
    lost = known & (((month > 0) & ~monthly) | ((day > 0) & monthly & ~daily))
    doubt[lost] = Doubt.IMPOSSIBLE
    part = (known.astype(np.uint8) + monthly + daily).astype(np.uint8)
    first = np.where(monthly, month, 1)
    months = ((year.astype(np.int64) - 1970) * 12 + first - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int32) + np.where(daily, day - 1, 0).astype(np.int32)
    default = daily & (np.isin(month * 100 + day, defaults) | (year <= 1900))
    born = pa.array(np.where(known, days, 0).astype(np.int32), mask=~known).cast(pa.date32())
    return Dates(born, part, default, doubt)


def _ordered(written: _Written, three: np.ndarray, day: np.ndarray, month: np.ndarray, doubt: np.ndarray) -> None:
    """Settles, for each sign, which of the two numbers is the month."""
    a, b = written.a, written.b
    day_first, month_first = three & (a > 12) & (b <= 12), three & (b > 12) & (a <= 12)
    open_ = three & (a <= 12) & (b <= 12) & (a > 0) & (b > 0)
    if month_first.any():
        for sign in range(len(SIGNS)):
            same = written.sign == sign
            firsts, others = int((same & month_first).sum()), int((same & day_first).sum())
            if not firsts:
                continue
            doubt[same & open_ & (a != b)] = Doubt.ORDER
            if firsts >= FEW and firsts > 2 * others:
                month_first |= same & open_
        day[month_first], month[month_first] = b[month_first], a[month_first]
    _changed_back(written, day_first, open_, day, month, doubt)


def _changed_back(
    written: _Written, day_first: np.ndarray, open_: np.ndarray, day: np.ndarray, month: np.ndarray, doubt: np.ndarray
) -> None:
    """A spreadsheet set to American dates takes 03/08/1987 for a date, and leaves 17/08/1987 as text: the texts are all
    of the 13th and later, and the dates all of the 12th and earlier with their day and month exchanged."""
    dated = (written.form == Form.YEAR_FIRST) & (written.b > 0)
    if dated.sum() < FEW or day_first.sum() < FEW or open_.any() or (written.a[dated] > 12).any():
        return
    day[dated], month[dated] = written.b[dated], written.a[dated]
    doubt[dated] = Doubt.EXCHANGED


def _is_leap(year: np.ndarray) -> np.ndarray:
    leap: np.ndarray = (year % 4 == 0) & ((year % 100 > 0) | (year % 400 == 0))
    return leap
