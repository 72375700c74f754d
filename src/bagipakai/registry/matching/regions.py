"""Sex and region as lists write them: words and codes of every fashion, each distinct value read once."""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching.letters import Column, is_nothing, text_of
from bagipakai.registry.matching.numbers import PROVINCES
from bagipakai.registry.regions import LENGTHS

MAN, WOMAN = 1, 2
_SEXES = {
    word: sex
    for sex, words in (
        (MAN, "l lk lkl m male man 1 01 laki lakilaki laki2 lelaki pria cowok bapak tn"),
        (WOMAN, "p pr prp pn w f female woman 2 02 perempuan pempuan wanita cewek ibu ny"),
    )
    for word in words.split()
}
_PIECES = re.compile(r"\d{2}(?:\.\d{2}(?:\.\d{2}(?:\.\d{4})?)?)?")
_ODD = re.compile(r"[\s'’`\"=/_-]+")
PLAIN = r"^[1-9](?:[0-9]|[0-9]{3}|[0-9]{5}|[0-9]{9})$"


def sexes(column: Column) -> np.ndarray:
    """int8: 1 man, 2 woman, 0 where it is not said, -1 where it cannot be read."""
    return _each(column, lambda told: np.array([_sex(text) for text in told.to_pylist()], np.int8), np.int8)


def _sex(text: str) -> int:
    bare = re.sub(r"[\W_]+", "", re.sub(r"[.,]0+$", "", text.strip())).casefold()
    if is_nothing(bare) or bare == "0":
        return 0
    return _SEXES.get(
        bare, MAN if bare.startswith("laki") else WOMAN if bare.startswith(("perem", "prem", "wanit")) else -1
    )


def codes(column: Column) -> np.ndarray:
    """int64: Kemendagri codes of 2, 4, 6 or 10 digits as numbers, dotted or not; 0 where none is given, -1 where it is
    no code. How long one is shows in its size: no province begins with 0."""
    return _each(column, _codes, np.int64)


def _codes(told: pa.StringArray) -> np.ndarray:
    plain = pc.match_substring_regex(told, PLAIN)
    found: np.ndarray = pc.if_else(plain, told, "0").cast(pa.int64()).to_numpy().copy()
    rest = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
    found[rest] = [_code(text) for text in told.take(pa.array(rest)).to_pylist()]
    size = found.copy()
    for length in (2, 4, 6, 10):
        size = np.where((found >= 10 ** (length - 1)) & (found < 10**length), found // 10 ** (length - 2), size)
    found[(found > 0) & ~PROVINCES[np.clip(size, 0, 99)]] = -1
    return found


def _code(text: str) -> int:
    bare = _ODD.sub("", text.replace(",", "."))
    if is_nothing(bare):
        return 0
    if not _PIECES.fullmatch(bare):
        bare = re.sub(r"\.0+$", "", bare)
    digits = bare.replace(".", "")
    dotted = "." in bare and not _PIECES.fullmatch(bare)
    if dotted or not digits.isascii() or not digits.isdigit():
        return -1
    return int(digits) if len(digits) in LENGTHS and digits[0] != "0" else (-1 if int(digits) else 0)


def level(code: np.ndarray, digits: int) -> np.ndarray:
    """The region of so many digits in which the region `code` lies, or which it is; 0 if it is a larger one."""
    found = np.zeros(len(code), np.int64)
    for length in LENGTHS:
        if length >= digits:
            fits = (code >= 10 ** (length - 1)) & (code < 10**length)
            found[fits] = code[fits] // 10 ** (length - digits)
    return found


def _each(column: Column, read: Callable[[pa.StringArray], np.ndarray], kind: type) -> np.ndarray:
    """`read` of each distinct text, at the rows where it stands; 0 where nothing stands."""
    distinct = text_of(column).dictionary_encode()
    values: np.ndarray = np.append(read(distinct.dictionary), 0).astype(kind)
    found: np.ndarray = values[distinct.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)]
    return found
