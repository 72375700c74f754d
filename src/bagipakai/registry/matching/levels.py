"""The levels of whole columns of pairs: what `comparisons` states in SQL, answered by numpy and rapidfuzz.

The SQL is the definition, and tests/registry/matching/test_levels.py holds the two together, level by level. Numbers
and dates are compared as packed decimals, four bits a digit, so that digits are told apart by one XOR. 0 stands for
what is not known: no number, code, date or hash is 0. Letters are asked for where nothing before them has decided.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler, Levenshtein

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.comparisons import BORN, HOUSEHOLD, NAME, NIK, SEX, Comparison
from bagipakai.registry.matching.records import filled

NO, YES = 1, 2  # of a truth; 0 is unknown
_UNKNOWN = 99  # in place of a small number that is compared by size
_PLAIN = (
    *("kk", "kab", "kec", "desa", "sex"),
    *("name_phonetic", "name_skeleton", "mother_phonetic", "mother_skeleton"),
)
_LISTS = ("name_words", "name_nick", "mother_words")
_LAST_10 = np.uint64(0xFF_FFFF_FFFF)
_EACH_DIGIT = np.uint64(0x1111_1111_1111_1111)


class Side:
    """The list, or the persons: the columns of features that pairs are asked about."""

    def __init__(self, table: pa.Table) -> None:
        self.columns: dict[str, Numbers] = {name: filled(table[name], 0) for name in _PLAIN}
        self.columns |= {name: filled(table[name], _UNKNOWN) for name in ("nik_sound", "born_part")}
        self.columns |= {
            name: filled(pc.cast(table[name], pa.int8()), -1) + np.int8(1) for name in ("nik_fits", "born_default")
        }
        self.columns["nik"] = packed(filled(table["nik"], 0), 16)
        self.columns["born"] = np.where(_valid(table["born"]), packed(_dates(table["born"]), 8), 0)
        self.texts = {name: table[name].combine_chunks() for name in ("name", "mother")}
        self.columns |= {name: _valid(text) for name, text in self.texts.items()}
        self.lists = {name: _flat(table[name].combine_chunks()) for name in _LISTS}
        self.count = {name: np.diff(begins) for name, (_, begins) in self.lists.items()}


def levels(left: Side, right: Side, rows: Numbers, persons: Numbers) -> dict[str, Numbers]:
    """For each comparison the places (uint8) of the levels of these pairs: of places on either side."""
    pairs = _Pairs(left, right, rows, persons)
    return {one.name: answer(pairs) for one, answer in _ANSWERS.items()}


def packed(numbers: Numbers, digits: int) -> Numbers:
    """Four bits for each of the last `digits` digits."""
    left, found = numbers.astype(np.uint64), np.zeros(len(numbers), np.uint64)
    for at in range(digits):
        left, digit = np.divmod(left, np.uint64(10))
        found |= digit << np.uint64(4 * at)
    return found


def similarities(left: list[str], right: list[str]) -> Numbers:
    """Of Jaro and Winkler. Without a cutoff: with one, rapidfuzz loses pairs that just reach it."""
    found: Numbers = process.cpdist(left, right, scorer=JaroWinkler.similarity, dtype=np.float64)
    return found


def edits(left: list[str], right: list[str]) -> Numbers:
    """Of Levenshtein: letters changed, left out or put in."""
    found: Numbers = process.cpdist(left, right, scorer=Levenshtein.distance, dtype=np.int32)
    return found


class _Pairs:
    """Pairs of places on two sides."""

    def __init__(self, left: Side, right: Side, rows: Numbers, persons: Numbers) -> None:
        self._sides, self._places = (left, right), (rows, persons)

    def __len__(self) -> int:
        return len(self._places[0])

    def both(self, name: str) -> tuple[Numbers, Numbers]:
        left, right = (side.columns[name][at] for side, at in zip(self._sides, self._places, strict=True))
        return left, right

    def known(self, name: str) -> Numbers:
        left, right = self.both(name)
        known: Numbers = (left != 0) & (right != 0)
        return known

    def equal(self, name: str) -> Numbers:
        left, right = self.both(name)
        equal: Numbers = (left == right) & (left != 0)
        return equal

    def where(self, asked: Numbers, ask: "Callable[[_Pairs], Numbers]") -> Numbers:
        """What the pairs that are `asked` answer; 0 or False for the others."""
        at = np.flatnonzero(asked)
        answers = ask(_Pairs(*self._sides, *(places[at] for places in self._places)))
        found = np.zeros(len(self), answers.dtype)
        found[at] = answers
        return found

    def same_text(self, name: str) -> Numbers:
        return np.asarray(pc.equal(*self._texts(name)))

    def similarities(self, name: str) -> Numbers:
        return similarities(*(texts.to_pylist() for texts in self._texts(name)))

    def edits(self, name: str) -> Numbers:
        return edits(*(texts.to_pylist() for texts in self._texts(name)))

    def one_within_the_other(self, name: str) -> Numbers:
        left, right = self._words(name, name)
        met = left[:, None] == right
        within: Numbers = (met.any(0) | (right == 0)).all(0) | (met.any(1) | (left == 0)).all(0)
        return within

    def several(self, name: str) -> Numbers:
        """Whether either has more than one word."""
        left, right = (side.count[name][at] for side, at in zip(self._sides, self._places, strict=True))
        several: Numbers = np.minimum(left, right) > 1
        return several

    def letters_within(self, name: str) -> Numbers:
        """Whether one of four letters or more is a piece of the other, spaces aside."""
        texts = self._texts(name)
        long = [pc.greater_equal(pc.utf8_length(some), 4).to_pylist() for some in texts]
        bare = [pc.replace_substring(some, " ", "").to_pylist() for some in texts]
        found = [
            (of_left and left in right) or (of_right and right in left)
            for of_left, of_right, left, right in zip(*long, *bare, strict=True)
        ]
        return np.array(found, dtype=bool)

    def in_common(self, ours: str, theirs: str) -> Numbers:
        def met(some: _Pairs) -> Numbers:
            left, right = some._words(ours, theirs)
            found: Numbers = ((left[:, None] == right) & (right != 0)).any((0, 1))
            return found

        has_some = (side.count[name][at] > 0 for name, side, at in self._sides_of(ours, theirs))
        return self.where(np.logical_and(*has_some), met)

    def _texts(self, name: str) -> list[pa.Array]:
        return [side.texts[name].take(pa.array(at)) for side, at in zip(self._sides, self._places, strict=True)]

    def _words(self, *names: str) -> tuple[Numbers, Numbers]:
        """The first words of each, the second ones, …, filled up with 0."""
        left, right = (_padded(*side.lists[name], at) for name, side, at in self._sides_of(*names))
        return left, right

    def _sides_of(self, *names: str) -> "Iterator[tuple[str, Side, Numbers]]":
        return zip(names, self._sides, self._places, strict=True)


def _first(one: Comparison, holds: Mapping[str, Numbers]) -> Numbers:
    """The first level that holds, for each pair; the last level is what is left."""
    asked = [holds[level.name] for level in one.levels[:-1]]
    return np.select(asked, list(np.arange(len(asked), dtype=np.uint8)), np.uint8(len(asked)))


def _nik(pairs: _Pairs) -> Numbers:
    left, right = pairs.both("nik")
    sound, _ = pairs.both("nik_sound")
    fits, theirs_fits = pairs.both("nik_fits")
    same, same_12, off = left == right, left >> 16 == right >> 16, _digits_off(left, right)
    both_fit = (fits == YES) & (theirs_fits == YES)
    return _first(
        NIK,
        {
            "missing": (left == 0) | (right == 0) | (sound < 12),
            "equal-and-fits": same & (fits == YES),
            "equal-nothing-to-fit": same & (sound == 16) & (fits == 0),
            "equal": same & (sound == 16),
            "rounded": ((sound == 15) | (left & 15 == 0)) & (left >> 4 == right >> 4),
            "equal-as-far-as-sound": (sound < 15) & same_12,
            "place-mistyped": both_fit & (off <= 2) & ((left ^ right) & _LAST_10 == 0),
            "neighbours": both_fit & (off <= 2),
            "both-fit-and-differ": both_fit,
            "other-serial": same_12,
            "one-digit-off": (off == 1) | _two_exchanged(left, right),
            "two-digits-off": off == 2,
        },
    )


def _name(pairs: _Pairs) -> Numbers:
    known, equal = pairs.known("name"), pairs.where(pairs.known("name"), lambda some: some.same_text("name"))
    sounds = pairs.equal("name_phonetic") | pairs.equal("name_skeleton")
    left = known & ~equal & ~sounds
    alike = pairs.where(left, lambda some: some.similarities("name"))
    nearly = (alike >= 0.93) | pairs.where(left & (alike < 0.93), lambda some: some.edits("name") == 1)
    left &= ~nearly
    within = pairs.where(left, lambda some: some.one_within_the_other("name_words"))
    several = pairs.several("name_words")
    left &= ~(within & several) & (alike < 0.85)
    return _first(
        NAME,
        {
            "missing": ~known,
            "equal": equal,
            "sounds-the-same": sounds,
            "nearly-the-same": nearly,
            "one-within-the-other": within & several,
            "alike": alike >= 0.85,
            "short-for-the-other": pairs.where(
                left,
                lambda some: some.in_common("name_nick", "name_words") | some.in_common("name_words", "name_nick"),
            ),
            "one-word-of-the-other": within,
            "letters-within-the-other": pairs.where(left & ~within, lambda some: some.letters_within("name")),
            "a-word-in-common": pairs.where(left, lambda some: some.in_common("name_words", "name_words")),
        },
    )


def _born(pairs: _Pairs) -> Numbers:
    left, right = pairs.both("born")
    part, _ = pairs.both("born_part")
    default, theirs_default = pairs.both("born_default")
    same, same_year, same_day = left == right, left >> 16 == right >> 16, left & 0xFFFF == right & 0xFFFF
    swapped = same_year & (left >> 8 & 0xFF == right & 0xFF) & (right >> 8 & 0xFF == left & 0xFF)
    return _first(
        BORN,
        {
            "missing": (left == 0) | (right == 0),
            "equal": same & (part == 3) & (theirs_default == NO),
            "equal-default": same & (part == 3),
            "same-year-as-far-as-known": same_year & ((part < 3) | (default == YES) | (theirs_default == YES)),
            "one-digit-off-or-swapped": (_digits_off(left, right) == 1) | swapped,
            "year-or-day-equal": same_year | same_day,
        },
    )


def _household(pairs: _Pairs) -> Numbers:
    told = pairs.known("mother")
    mother = told & (pairs.equal("mother_phonetic") | pairs.equal("mother_skeleton"))
    mother |= pairs.where(told & ~mother, lambda some: some.similarities("mother") >= 0.9)
    within = pairs.where(told & ~mother, lambda some: some.one_within_the_other("mother_words"))
    family, village, district, regency = (pairs.equal(name) for name in ("kk", "desa", "kec", "kab"))
    return _first(
        HOUSEHOLD,
        {
            "missing": ~pairs.known("kk") & ~told & ~pairs.known("kab"),
            "family-and-mother": family & mother,
            "family": family & ~told,
            "village-and-mother": village & mother,
            "family-mother-within": family & within,
            "village-mother-within": village & within,
            "family-other-mother": family,
            "regency-and-mother": regency & mother,
            "regency-mother-within": regency & within,
            "mother": mother,
            "village": village & ~told,
            "district": district & ~told,
            "regency": regency & ~told,
            "village-other-mother": village,
            "district-other-mother": district,
            "regency-other-mother": regency,
            "elsewhere": ~told,
        },
    )


def _sex(pairs: _Pairs) -> Numbers:
    return _first(SEX, {"missing": ~pairs.known("sex"), "equal": pairs.equal("sex")})


_ANSWERS = {NIK: _nik, NAME: _name, BORN: _born, HOUSEHOLD: _household, SEX: _sex}


def _differing(left: Numbers, right: Numbers) -> Numbers:
    """One bit for each digit that is another, at its lowest."""
    bits: Numbers = left ^ right
    bits = bits | bits >> 2
    bits = bits | bits >> 1
    return bits & _EACH_DIGIT


def _digits_off(left: Numbers, right: Numbers) -> Numbers:
    return np.bitwise_count(_differing(left, right))


def _two_exchanged(left: Numbers, right: Numbers) -> Numbers:
    """Whether two neighbouring digits have changed places, and nothing else differs."""
    differing = _differing(left, right)
    upper = differing & differing << 4
    moved = (left << 4 ^ right) & upper * 15 | (right << 4 ^ left) & upper * 15
    exchanged: Numbers = (np.bitwise_count(differing) == 2) & (upper != 0) & (moved == 0)
    return exchanged


def _dates(born: pa.ChunkedArray) -> Numbers:
    """As numbers of eight digits."""
    days = filled(pc.cast(born, pa.int32()), 0).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month, day = (months - years).astype(np.int64) + 1, (days - months).astype(np.int64) + 1
    found: Numbers = (years.astype(np.int64) + 1970) * 10_000 + month * 100 + day
    return found


def _valid(column: pa.ChunkedArray | pa.Array) -> Numbers:
    return np.asarray(pc.is_valid(column))


def _flat(lists: pa.ListArray) -> tuple[Numbers, Numbers]:
    """All words, with a 0 behind them, and where those of each row begin."""
    return np.append(lists.values.to_numpy(), np.uint64(0)), lists.offsets.to_numpy().astype(np.int64)


def _padded(words: Numbers, begins: Numbers, at: Numbers) -> Numbers:
    begin, end = begins[at], begins[at + 1]
    place = begin + np.arange((end - begin).max(initial=0))[:, None]
    return words[np.where(place < end, place, len(words) - 1)]
