"""NIK and KK numbers as they arrive: read, and said how many of their leading digits can be trusted.

A NIK is six digits of the place of issue, six of the birth date (day + 40 for women), four of a serial; a KK number
has the day of its issue in the middle. A number that a spreadsheet damaged is kept as evidence of its sound part and
is never repaired silently (matching reference 4.1; standards reference 9). What is not a number is no evidence at all.
"""

import re
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.intake.columnar import EXACT
from bagipakai.registry.matching.letters import Column, eight_digits, is_nothing, of_length, text_of

DIGITS = 16
SHOWN = 7  # most digits of a number in scientific notation that only shows its beginning
DATED = 12  # digits up to the end of the date
LEAST, MOST = 10**15, 10**16 - 1
PROVINCES = np.zeros(100, dtype=bool)  # of the codes of the edition; a number keeps the province of its issue
for _first, _last in ((11, 19), (21, 21), (31, 36), (51, 53), (61, 65), (71, 76), (81, 82), (91, 96)):
    PROVINCES[_first : _last + 1] = True
MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
# The last ten digits that people type where they have no number.
_SHAM_TAILS = np.array([*(int(str(digit) * 10) for digit in range(10)), 1234567890, 123456789], np.int64)
_SHAM = np.array([1234567890123456, 9876543210987654, 9876543210123456, 1122334455667788], np.int64)

_QUOTES = "'`\"‘’“”´"
_SEPARATED = re.compile(rf"[\s.,:;/_{_QUOTES}\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff-]+")
_LABEL = re.compile(r"(?:no(?:mor)?\W*)?(?:nik|ktp|nkk|kk|kartu keluarga)\b\W*", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"([0-9]+)(?:[.,]([0-9]*))?[eE]\+?([0-9]{1,2})")
_FRACTION = re.compile(r"[.,]0{1,2}$")
_LOOKS = str.maketrans("OoQDlIi|ZzSsGB", "00001111225568")
# What can be undone for all rows at once (RE2): single separators between digits, or a lone ".0" behind all of them.
_PLAIN = rf"^[ {_QUOTES}]*[0-9](?:[ .'-]?[0-9]){{15}}[ {_QUOTES}]*$"
_TAILED = r"[.,]0{1,2}$"
_WHOLE = rf"^[ {_QUOTES}]*[0-9]{{16}}[.,]0{{1,2}}[ {_QUOTES}]*$"
_OTHERS = rf"[ .'{_QUOTES}-]"


class Damage(IntEnum):
    """What was found wrong with a number."""

    NONE = 0
    WRITTEN = 1  # separators, quotes or ".0" around sound digits
    LETTERS = 2  # O for 0, l for 1
    ROUNDED = 3  # the sixteenth digit became 0
    SCIENTIFIC = 4
    LENGTH = 5  # digits are missing, or too many
    PLACEHOLDER = 6
    UNREADABLE = 7


class Number(NamedTuple):
    number: int | None
    sound: int
    damage: Damage
    odd: int = 0


class Numbers(NamedTuple):
    """A column of numbers. `number`: int64, null unless sixteen digits could be laid out, of which only the first
    `sound` (uint8) are evidence; `damage`: uint8, of `Damage`. `odd`: int64, the number as it stands where a digit is
    missing or one too many (15 or 17 digits), else 0."""

    number: pa.Array
    sound: np.ndarray
    damage: np.ndarray
    odd: np.ndarray


def numbers(column: Column, *, zeros_at_most: int = 1000, few: int = 50) -> Numbers:
    """A whole column, of text, whole numbers or doubles. Of people one in ten at most has a number that ends in 0: if
    more than `zeros_at_most` per mille of at least `few` numbers do, a spreadsheet rounded them, and the sixteenth
    digit of each that ends in 0 is no evidence."""
    if pa.types.is_integer(column.type):
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        found = whole.fill_null(0).cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False).copy()
        filled = whole.is_valid().to_numpy(zero_copy_only=False)
        sound, damage = np.zeros(len(found), np.uint8), np.zeros(len(found), np.uint8)
        fine = filled & (found >= LEAST) & (found <= MOST)
        other = np.flatnonzero(filled & ~fine)
        text = whole.take(pa.array(other)).cast(pa.string())
    else:
        told = text_of(column)
        found, fine = _sixteen(told)
        sound, damage = np.zeros(len(found), np.uint8), np.zeros(len(found), np.uint8)
        other = np.flatnonzero(~fine & told.is_valid().to_numpy(zero_copy_only=False))
        text = told.take(pa.array(other))
    sound[fine] = DIGITS
    found[~fine] = 0
    odd = np.zeros(len(found), np.int64)
    if len(other):
        found[other], sound[other], damage[other], odd[other] = _others(text)
    _placeholders(found, sound, damage)
    _rounded(found, sound, damage, zeros_at_most, few)
    return Numbers(pa.array(found, mask=found == 0), sound, damage, odd)


def is_possible(number: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Whether a NIK's own structure is possible as far as its digits are sound: a province, a regency and a district,
    a calendar day, a serial. An unknown regency is none of its faults: numbers outlive regions."""
    serial = number % 10_000
    possible: np.ndarray = (sound >= DATED) & _is_dated(number // 10_000) & ((serial > 0) | (sound < DIGITS))
    return possible


def birth(number: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a NIK says of its owner: day, month, year of the century, sex (1 man, 2 woman); int64 each."""
    day, month, year = number // 10**8 % 100, number // 10**6 % 100, number // 10**4 % 100
    woman = day > 40
    return day - 40 * woman, month, year, 1 + woman.astype(np.int64)


def a_digit_less(numbers: np.ndarray, digits: int) -> np.ndarray:
    """These numbers (int64) of at most so many digits without their last digit, without the one before it, and so on: a
    row for each place, the last one first."""
    power = 10 ** np.arange(digits, dtype=np.int64)[:, None]
    less: np.ndarray = numbers // (10 * power) * power + numbers % power
    return less


def _is_dated(first: np.ndarray) -> np.ndarray:
    """Whether twelve digits are a place and a day of birth."""
    place, day, month, year = first // 10**6, first // 10**4 % 100, first // 100 % 100, first % 100
    day = day - 40 * (day > 40)
    known = PROVINCES[np.clip(place // 10_000, 0, 99)] & (place // 100 % 100 > 0) & (place % 100 > 0)
    most = MONTH_DAYS[np.where(month <= 12, month, 0)] - ((month == 2) & (year % 4 > 0))
    dated: np.ndarray = known & (day > 0) & (day <= most)
    return dated


def _sixteen(column: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of those rows that are sixteen digits of which the first is not 0, and which they are."""
    found, fine = np.zeros(len(column), np.int64), np.zeros(len(column), dtype=bool)
    rows, letters = of_length(column, DIGITS)
    (high, high_digits), (low, low_digits) = eight_digits(letters[:, :8]), eight_digits(letters[:, 8:])
    value = high * 10**8 + low
    found[rows], fine[rows] = value, high_digits & low_digits & (value >= LEAST)
    return found, fine


def _others(column: pa.StringArray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Numbers in any other writing: what is frequent for all rows at once, the rest once per distinct value."""
    plain = pc.and_not(pc.match_substring_regex(column, _PLAIN), pc.match_substring_regex(column, _TAILED))
    whole = pc.match_substring_regex(column, _WHOLE)
    bare = pc.if_else(whole, pc.replace_substring_regex(column, r"[.,]0+[^0-9]*$", ""), column)
    bare = pc.replace_substring_regex(bare, _OTHERS, "")
    number, fine = _sixteen(bare)
    fine &= pc.or_(plain, whole).to_numpy(zero_copy_only=False)
    number[~fine] = 0
    sound, damage = np.where(fine, DIGITS, 0).astype(np.uint8), np.where(fine, Damage.WRITTEN, 0).astype(np.uint8)
    rest = np.flatnonzero(~fine)
    distinct = column.take(pa.array(rest)).dictionary_encode()
    read = [number_of(text) for text in distinct.dictionary.to_pylist()]
    at = distinct.indices.to_numpy()
    number[rest] = np.array([one.number or 0 for one in read], np.int64)[at]
    sound[rest] = np.array([one.sound for one in read], np.uint8)[at]
    damage[rest] = np.array([one.damage for one in read], np.uint8)[at]
    odd = np.zeros(len(number), np.int64)
    odd[rest] = np.array([one.odd for one in read], np.int64)[at]
    return number, sound, damage, odd


def as_digits(text: str) -> str:
    """With the letters that are taken for digits read as such."""
    return text.translate(_LOOKS)


def number_of(text: str) -> Number:
    """One number in any writing."""
    text = _LABEL.sub("", text.strip().lstrip("=").strip(_QUOTES + " \t\u00a0"), count=1)
    if told := _SCIENTIFIC.fullmatch(text):
        return _scientific(told[1], told[2] or "", int(told[3]))
    fraction = _FRACTION.search(text)
    if fraction and len(_SEPARATED.sub("", text[: fraction.start()])) >= DIGITS - 1:
        text = text[: fraction.start()]
    if is_nothing(text):
        return Number(None, 0, Damage.NONE)
    bare = _SEPARATED.sub("", text)
    seen = as_digits(bare)
    if not (seen.isascii() and seen.isdigit()):
        found = re.findall("[0-9]+", text)  # words around one number
        sole = found[0] if len(found) == 1 and len(found[0]) == DIGITS and found[0][0] != "0" else None
        return Number(int(sole), DIGITS, Damage.WRITTEN) if sole else Number(None, 0, Damage.UNREADABLE)
    if seen != bare and (len(seen) != DIGITS or sum(map(str.isdigit, bare)) < DATED):
        return Number(None, 0, Damage.UNREADABLE)
    seen = seen.lstrip("0")
    if not seen:
        return Number(None, 0, Damage.PLACEHOLDER)
    if len(seen) == DIGITS:
        return Number(int(seen), DIGITS, Damage.LETTERS if seen != bare.lstrip("0") else Damage.WRITTEN)
    odd = int(seen) if abs(len(seen) - DIGITS) == 1 else 0
    if DATED <= len(seen) <= DIGITS + 2 and _is_dated(np.array([int(seen[:DATED])])).all():
        return Number(int(seen[:DIGITS].ljust(DIGITS, "0")), DATED, Damage.LENGTH, odd)
    return Number(None, 0, Damage.LENGTH, odd)


def _scientific(whole: str, rest: str, power: int) -> Number:
    """A spreadsheet shows six digits, of which the last is rounded; it keeps fifteen, less the zeros at their end. All
    fifteen are how the number of a cell is handed on (intake.spreadsheet): its owner sees it end in 0, unless what was
    shown had been read again as a number."""
    digits = (whole + rest).lstrip("0")
    if len(whole) + power != DIGITS or len(digits) < len(whole + rest):
        return Number(None, 0, Damage.SCIENTIFIC)
    number = int(digits[:DIGITS].ljust(DIGITS, "0"))
    if len(digits) >= DIGITS and number <= EXACT:  # a table of doubles, not a spreadsheet
        return Number(number, DIGITS, Damage.WRITTEN)
    kept = len(digits.rstrip("0")) if len(digits) == DIGITS - 1 else len(digits)
    if kept <= SHOWN:
        return Number(number, kept - 1, Damage.SCIENTIFIC)
    return Number(number, DIGITS - 1, Damage.ROUNDED if len(digits) == DIGITS - 1 else Damage.SCIENTIFIC)


def _placeholders(found: np.ndarray, sound: np.ndarray, damage: np.ndarray) -> None:
    sham = np.isin(found % 10**10, _SHAM_TAILS) | np.isin(found, _SHAM)
    sham &= (found > 0) & (sound == DIGITS)
    found[sham], sound[sham], damage[sham] = 0, 0, Damage.PLACEHOLDER


def _rounded(found: np.ndarray, sound: np.ndarray, damage: np.ndarray, zeros_at_most: int, few: int) -> None:
    whole = sound == DIGITS
    zeros = whole & (found % 10 == 0)
    many = whole.sum() >= few and zeros.sum() * 1000 > zeros_at_most * whole.sum()
    cut = zeros if many else zeros & (found % 10_000 == 0)  # no serial is 0000
    sound[cut], damage[cut] = DIGITS - 1, Damage.ROUNDED
