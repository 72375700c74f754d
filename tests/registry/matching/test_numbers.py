"""A number is read as far as it is sound, whatever wrote it, and a damaged one is never repaired silently."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bagipakai.registry.matching.numbers import PROVINCES as KNOWN
from bagipakai.registry.matching.numbers import Damage, a_digit_less, birth, is_possible, numbers
from bagipakai.registry.regions import regions

NIK = "3201014503800001"  # a woman, born on 5 March 1980


def read(text: str | None) -> tuple[int | None, int, Damage]:
    found = numbers(pa.array([text], pa.string()))
    return found.number[0].as_py(), int(found.sound[0]), Damage(found.damage[0])


@pytest.mark.parametrize(
    ("text", "number", "sound", "damage"),
    [
        (NIK, 3201014503800001, 16, Damage.NONE),
        (f"'{NIK}", 3201014503800001, 16, Damage.WRITTEN),
        (f" {NIK}\u00a0", 3201014503800001, 16, Damage.WRITTEN),
        (f'="{NIK}"', 3201014503800001, 16, Damage.WRITTEN),
        (f"{NIK}.0", 3201014503800001, 16, Damage.WRITTEN),
        (f"{NIK},00", 3201014503800001, 16, Damage.WRITTEN),
        ("32.01.01.450380.0001", 3201014503800001, 16, Damage.WRITTEN),
        ("3201 0145 0380 0001", 3201014503800001, 16, Damage.WRITTEN),
        ("3.201.014.503.800.001", 3201014503800001, 16, Damage.WRITTEN),
        ("3,201,014,503,800,001.00", 3201014503800001, 16, Damage.WRITTEN),
        ("NIK: 3201-0145-0380-0001", 3201014503800001, 16, Damage.WRITTEN),
        ("32O1O145038000o1", 3201014503800001, 16, Damage.LETTERS),
        ("320l0l450380000I", 3201014503800001, 16, Damage.LETTERS),
        ("3.20101E+15", 3201010000000000, 5, Damage.SCIENTIFIC),
        ("3,20101E+15", 3201010000000000, 5, Damage.SCIENTIFIC),
        ("3.2E+15", 3200000000000000, 1, Damage.SCIENTIFIC),
        ("3.20101450380000E+15", 3201014503800000, 15, Damage.ROUNDED),  # as a spreadsheet is handed on
        ("3.20101000000000E+15", 3201010000000000, 5, Damage.SCIENTIFIC),  # what it showed, read again
        ("3.2010145038e+15", 3201014503800000, 15, Damage.SCIENTIFIC),
        ("3.201014503800001e+15", 3201014503800001, 16, Damage.WRITTEN),
        ("9.201014503800001e+15", 9201014503800001, 15, Damage.SCIENTIFIC),  # beyond what doubles hold
        ("3.20101E+12", None, 0, Damage.SCIENTIFIC),
        ("3201014503800000", 3201014503800000, 15, Damage.ROUNDED),
        ("320101450380001", 3201014503800010, 12, Damage.LENGTH),
        ("32010145038000012", 3201014503800001, 12, Damage.LENGTH),
        ("32010145", None, 0, Damage.LENGTH),
        ("9901014503801", None, 0, Damage.LENGTH),
        ("0000000000000000", None, 0, Damage.PLACEHOLDER),
        ("0", None, 0, Damage.PLACEHOLDER),
        ("9999999999999999", None, 0, Damage.PLACEHOLDER),
        ("1234567890123456", None, 0, Damage.PLACEHOLDER),
        ("3201010000000000", None, 0, Damage.PLACEHOLDER),
        ("3201019999999999", None, 0, Damage.PLACEHOLDER),
        ("3201011234567890", None, 0, Damage.PLACEHOLDER),
        ("", None, 0, Damage.NONE),
        ("-", None, 0, Damage.NONE),
        (None, None, 0, Damage.NONE),
        ("BELUM ADA", None, 0, Damage.NONE),
        ("#N/A", None, 0, Damage.NONE),
        ("rusak", None, 0, Damage.UNREADABLE),
        (f"{NIK} (KTP lama)", 3201014503800001, 16, Damage.WRITTEN),
        (f"{NIK} atau {NIK}", None, 0, Damage.UNREADABLE),
        ("٣٢٠١٠١٤٥٠٣٨٠٠٠٠١", None, 0, Damage.UNREADABLE),
        ("Olivia", None, 0, Damage.UNREADABLE),
    ],
)
def test_every_writing_is_read_as_far_as_it_is_sound(text, number, sound, damage):
    assert read(text) == (number, sound, damage)


def test_a_rounded_column_is_known_by_its_zeros():
    """Of sound numbers one in ten ends in 0; of a column that a spreadsheet rounded, all do."""
    rounded = pa.array([f"32010145038{serial:04}0" for serial in range(1, 61)])
    assert set(numbers(rounded, zeros_at_most=250).sound) == {15}
    sound = pa.array([f"320101450380{serial:04}" for serial in range(1, 61)])
    assert set(numbers(sound, zeros_at_most=250).sound) == {16}


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(20, 0), pa.large_string()])
def test_numbers_may_come_as_any_type(kind):
    column = pa.chunked_array([pa.array([int(NIK), None]).cast(kind), pa.array([0, 7]).cast(kind)])
    found = numbers(column)
    assert found.number.to_pylist() == [int(NIK), None, None, None]
    assert found.damage.tolist() == [Damage.NONE, Damage.NONE, Damage.PLACEHOLDER, Damage.LENGTH]


def test_a_double_beyond_the_whole_numbers_has_lost_its_last_digit():
    assert numbers(pa.array([9201014503800001.0])).sound.tolist() == [15]


# --- A judge that reads one value after the other, letter by letter ---------------------------------------------------

SHAM = ("1234567890123456", "9876543210987654", "1122334455667788", "9876543210123456")
TAILS = {str(digit) * 10 for digit in range(10)} | {"1234567890", "0123456789"}


def judged(text: str) -> tuple[int | None, int] | None:
    """Number and soundness of what is plainly sixteen digits with separators; None for what the judge cannot say."""
    text = text.strip(" '")
    for tail in (".0", ",0", ".00", ",00"):
        if text.endswith(tail) and sum(letter.isdigit() for letter in text[: -len(tail)]) >= 15:
            text = text[: -len(tail)]
            break
    digits = "".join(letter for letter in text if letter not in " .-',")
    if len(digits) != 16 or any(letter not in "0123456789" for letter in digits) or digits[0] == "0":
        return None
    if digits[6:] in TAILS or digits in SHAM:
        return None, 0
    return int(digits), 15 if digits.endswith("0000") else 16


separators = st.sampled_from(["", "", "", " ", ".", "-", "'", ","])
written = st.builds(
    lambda digits, between, tail: "".join(map("".join, zip(digits, between, strict=True))) + tail,
    st.text("0123456789", min_size=16, max_size=16),
    st.lists(separators, min_size=16, max_size=16),
    st.sampled_from(["", "", ".0", ",00"]),
)


@settings(deadline=None)
@given(st.lists(st.one_of(written, st.text("0123456789", min_size=16, max_size=16), st.none()), max_size=30))
@example(["3201014503800000.0", "3201-0145-0380-0001"])
def test_a_column_says_what_the_judge_says_of_each_value(texts):
    found = numbers(pa.array(texts, pa.string()))
    for text, number, sound in zip(texts, found.number.to_pylist(), found.sound, strict=True):
        if text is not None and (verdict := judged(text)) is not None:
            assert (number, sound) == verdict


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(), st.text("0123456789.,eE+-' OlI"), written), max_size=20))
def test_a_column_says_of_each_value_what_it_says_of_it_alone(texts):
    found = numbers(pa.array(texts, pa.string()))
    told = zip(found.number.to_pylist(), map(int, found.sound), map(Damage, found.damage), strict=True)
    assert list(told) == [read(text) for text in texts]
    assert all(number is None or 10**15 <= number < 10**16 for number in found.number.to_pylist())


def possible(nik: str) -> bool:
    day = int(nik[6:8])
    for century in ("19", "20"):
        try:
            date(int(century + nik[10:12]), int(nik[8:10]), day - 40 if day > 40 else day)
        except ValueError:
            continue
        return nik[:2] in PROVINCES and nik[2:4] != "00" and nik[4:6] != "00" and nik[12:] != "0000"
    return False


PROVINCES = {region.code for region in regions().at_level(1)}
niks = st.builds(
    "{:02}{:02}{:02}{:02}{:02}{:02}{:04}".format,
    st.integers(10, 99),
    st.integers(0, 79),
    st.integers(0, 60),
    st.integers(0, 75),
    st.integers(0, 13),
    st.integers(0, 99),
    st.integers(0, 9999),
)


@settings(deadline=None)
@given(st.lists(niks, min_size=1, max_size=30))
@example(["3201012902000001", "3201012902010001", "3201016902800001", "3201013104800001"])
def test_the_structure_of_a_nik_is_a_place_a_calendar_day_and_a_serial(texts):
    told = np.array(list(map(int, texts)))
    assert is_possible(told, np.full(len(texts), 16, np.uint8)).tolist() == [possible(nik) for nik in texts]


def test_the_day_of_a_woman_is_written_with_forty_more():
    day, month, year, sex = birth(np.array([int(NIK), 3201010503800002]))
    assert (day.tolist(), month.tolist(), year.tolist(), sex.tolist()) == ([5, 5], [3, 3], [80, 80], [2, 1])


def test_provinces_are_those_of_the_edition():
    assert {f"{code:02}" for code in np.flatnonzero(KNOWN)} == PROVINCES


@given(st.lists(st.integers(10**15, 10**17 - 1), min_size=1, max_size=5))
def test_a_digit_less_is_what_is_left_of_each_number_without_one_digit(some):
    found = a_digit_less(np.array(some, np.int64), 17)
    assert found.shape == (17, len(some))
    for at, number in enumerate(some):
        digits = str(number).zfill(17)
        assert found[:, at].tolist() == [int(digits[:place] + digits[place + 1 :]) for place in reversed(range(17))]
