"""Columns of text as bytes, so that a whole column is looked at in one step."""

import re
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from bagipakai.registry.intake.columnar import text_of_doubles

Column: TypeAlias = "pa.Array | pa.ChunkedArray"
NOTHING = frozenset(  # what programs and people write where there is nothing
    word
    for words in (
        "na nan nil null none kosong nihil lupa",
        "belumada tidakada tdkada tidaktahu tdktahu tidakdiketahui tdkdiketahui",
    )
    for word in words.split()
)
_TENS = (  # eight digits become one number in three steps: pairs, fours, all
    (np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(2561), np.uint64(8)),
    (np.uint64(0x00FF00FF00FF00FF), np.uint64(6553601), np.uint64(16)),
    (np.uint64(0x0000FFFF0000FFFF), np.uint64(42949672960001), np.uint64(32)),
)
_HIGH, _ZEROS, _SIX = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x3030303030303030), np.uint64(0x0606060606060606)


def is_nothing(text: str) -> bool:
    """Whether a value says that there is none."""
    bare = re.sub(r"[\W_]+", "", text).casefold()
    return not bare or bare in NOTHING


def text_of(column: Column) -> pa.StringArray:
    """The column as one array of text. Numbers are written as a person would: a whole number without a fraction, what
    is not finite as nothing; a double beyond the whole numbers that doubles hold, with its exponent."""
    one = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(one, pa.ChunkedArray):  # too large for one array of 32-bit offsets
        raise ValueError("a column of more than 2 GiB is read in parts")
    if isinstance(one, pa.DictionaryArray):
        one = one.dictionary_decode()
    if pa.types.is_floating(one.type):
        return text_of_doubles(one)
    return one if one.type == pa.string() else one.cast(pa.string())


def first_letters(column: pa.StringArray, count: int) -> np.ndarray:
    """The first bytes of each row, 0 where it has no more: uint8[n, count]."""
    found = np.zeros((len(column), count), np.uint8)
    if column.buffers()[2] is not None and len(column):
        ends = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
        letters, length = np.frombuffer(column.buffers()[2], np.uint8), np.diff(ends)
        if column.null_count:
            length[column.is_null().to_numpy(zero_copy_only=False)] = 0
        for at in range(count):
            rows = np.flatnonzero(length > at)
            found[rows, at] = letters[ends[:-1][rows] + at]
    return found


def of_length(column: pa.StringArray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows have just `length` bytes, and their bytes: int64[n], uint8[n, length]."""
    if column.buffers()[2] is None or not len(column):
        return np.zeros(0, np.int64), np.zeros((0, length), np.uint8)
    ends = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    fitting = np.diff(ends) == length
    if column.null_count:
        fitting &= column.is_valid().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(fitting)
    letters = np.frombuffer(column.buffers()[2], np.uint8)
    if len(rows) == len(column):
        return rows, letters[ends[0] : ends[0] + len(rows) * length].reshape(-1, length)
    if not len(rows):
        return rows, np.zeros((0, length), np.uint8)
    return rows, np.lib.stride_tricks.sliding_window_view(letters, length)[ends[:-1][rows]]


def eight_digits(letters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number that eight ASCII digits make, and whether they are digits: uint8[n, 8] → int64[n], bool[n]."""
    word = np.ascontiguousarray(letters).view("<u8").ravel()
    digits = ((word & _HIGH) == _ZEROS) & (((word + _SIX) & _HIGH) == _ZEROS)
    for mask, factor, shift in _TENS:
        word = ((word & mask) * factor) >> shift
    return word.astype(np.int64), digits
