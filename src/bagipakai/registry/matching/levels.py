"""The levels of whole columns of pairs: what `comparisons` states in SQL, answered by numpy and rapidfuzz.

The SQL is the definition, and tests/registry/matching/test_levels.py holds the two together, level by level. Numbers
and dates are compared as packed decimals, four bits a digit, so that digits are told apart by one XOR. 0 stands for
what is not known: no number, code, date or hash is 0. Letters are asked for where nothing before them has decided.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler, Levenshtein

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.comparisons import (
    BORN,
    CARD_IS_OPEN,
    COMPARISONS,
    HOUSEHOLD,
    NAME,
    NIK,
    SEX,
    Comparison,
)
from bagipakai.registry.matching.numbers import DIGITS, a_digit_less
from bagipakai.registry.matching.records import LONG, SOUNDS, filled, half, lengths, letters_of, words_of

NO, YES = 1, 2  # of a truth; 0 is unknown
UNKNOWN = 99  # in place of a small number that is compared by size
_PLAIN = ("kk", "kk_15", "kab", "kec", "desa", "sex")
_LISTS = ("name_words", "name_nick", "mother_words")
_LAST_10 = np.uint64(0xFF_FFFF_FFFF)
_EACH_DIGIT = np.uint64(0x1111_1111_1111_1111)

# What levels of names that do not sound the same need: to be near; a word of both; no letter that the other has not.
_NEEDED = (
    {"nearly-the-same"},
    {"one-within-the-other", "one-word-of-the-other", "a-word-in-common"},
    {"letters-within-the-other"},
)
_MISSING, _EQUAL, _SOUNDING, _EXCHANGED, *_OTHERS = range(len(NAME.levels))
_SETS = [[_MISSING], [_EQUAL, _SOUNDING], [_EXCHANGED]] + [
    [
        one
        for one in _OTHERS
        if all(met >> at & 1 or NAME.levels[one].name not in names for at, names in enumerate(_NEEDED))
    ]
    for met in range(2 ** len(_NEEDED))
]

Words: TypeAlias = "tuple[Numbers, Numbers, Numbers]"  # of many rows, a 0 behind them; where each row's begin and end


class Side:
    """The list: the columns of features that pairs are asked about."""

    def __init__(self, table: pa.Table) -> None:
        self.columns: dict[str, Numbers] = {name: filled(table[name], 0) for name in _PLAIN}
        self.columns |= {name: half(filled(table[name], 0)) for name in SOUNDS}
        self.columns |= {name: filled(table[name], UNKNOWN) for name in ("nik_sound", "born_part")}
        self.columns |= {
            name: filled(pc.cast(table[name], pa.int8()), -1) + np.int8(1) for name in ("nik_fits", "born_default")
        }
        self.columns["number"] = filled(table["nik"], 0)
        self.columns["nik"] = packed(self.columns["number"], 16)
        self.columns["odd"], self.columns["beside"] = (filled(table[name], 0) for name in ("nik_odd", "nik_beside"))
        days = filled(pc.cast(table["born"], pa.int32()), 0)
        self.columns["born"] = np.where(_valid(table["born"]), packed_dates(days), 0)
        self._texts = {name: table[name].combine_chunks() for name in ("name", "mother")}
        self.columns |= {name: _valid(text) for name, text in self._texts.items()}
        self._words = {name: flat(table[name]) for name in _LISTS}
        self.columns["length"] = lengths(table["name"])
        self.columns["letters"] = letters_of(table["name"])
        self.columns["words"] = words_of(table["name_words"])

    def texts(self, name: str, at: Numbers) -> pa.StringArray:
        """What is told at these places, where something is."""
        return self._texts[name].take(pa.array(at))

    def words(self, name: str, at: Numbers) -> Words:
        """The hashes of words at these places."""
        words, begins = self._words[name]
        return words, begins[at], begins[at + 1]


def levels(
    left: Side, right: Side, rows: Numbers, persons: Numbers, asked: Iterable[Comparison] = COMPARISONS
) -> dict[str, Numbers]:
    """For each comparison that is asked the places (uint8) of the levels of these pairs: of places on either side."""
    pairs = _Pairs(left, right, rows, persons)
    return {one.name: _ANSWERS[one](pairs) for one in asked}


def possible_names(left: Side, right: Side, rows: Numbers, persons: Numbers) -> tuple[Numbers, list[list[int]]]:
    """Before a letter is looked at: sets of levels, and in which of these sets the level of each pair's names is."""
    pairs = _Pairs(left, right, rows, persons)
    known, sounds, exchanged = pairs.known("name"), pairs.sounds_the_same("name"), pairs.names_are_exchanged()
    may = pairs.may_be_near(), pairs.may_share_a_word(), pairs.of_letters_of_the_other()
    other = 3 + sum(one.astype(np.int64) << at for at, one in enumerate(may))
    return np.where(known, np.where(sounds, 1, np.where(exchanged, 2, other)), 0), _SETS


def possible_homes(left: Side, right: Side, rows: Numbers, persons: Numbers) -> list[Numbers]:
    """Before a letter is looked at: levels of the household, of which one is that of each pair."""
    pairs = _Pairs(left, right, rows, persons)
    told, sounds = pairs.known("mother"), pairs.sounds_the_same("mother")
    nobody = np.zeros(len(pairs), dtype=bool)
    home, mothers = _Home(pairs), ((told, nobody), (sounds, told), (sounds, nobody))  # same; within; neither
    return [home.levels(told, told & mother, within & ~mother) for mother, within in mothers]


def packed(numbers: Numbers, digits: int) -> Numbers:
    """Four bits for each of the last `digits` digits."""
    left, found = numbers.astype(np.uint64), np.zeros(len(numbers), np.uint64)
    for at in range(digits):
        left, digit = np.divmod(left, np.uint64(10))
        found |= digit << np.uint64(4 * at)
    return found


def _unpacked(decimals: Numbers, digits: int) -> Numbers:
    """The number of so many packed digits."""
    found = np.zeros(len(decimals), np.int64)
    for at in reversed(range(digits)):
        found = found * 10 + (decimals >> np.uint64(4 * at) & np.uint64(15)).astype(np.int64)
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
        return self.ours(name), self.theirs(name)

    def known(self, name: str) -> Numbers:
        left, right = self.both(name)
        known: Numbers = (left != 0) & (right != 0)
        return known

    def equal(self, name: str) -> Numbers:
        left, right = self.both(name)
        equal: Numbers = (left == right) & (left != 0)
        return equal

    def across(self, ours: str, theirs: str) -> Numbers:
        """Whether what we say of one thing is what they say of another."""
        left, right = self.ours(ours), self.theirs(theirs)
        equal: Numbers = (left == right) & (left != 0)
        return equal

    def ours(self, name: str) -> Numbers:
        told: Numbers = self._sides[0].columns[name][self._places[0]]
        return told

    def theirs(self, name: str) -> Numbers:
        told: Numbers = self._sides[1].columns[name][self._places[1]]
        return told

    def sounds_the_same(self, name: str) -> Numbers:
        return self.equal(f"{name}_phonetic") | self.equal(f"{name}_skeleton")

    def names_are_exchanged(self) -> Numbers:
        """Whether the name is the other's mother, as it sounds, and the other is the mother."""
        one, other = (
            self.across(f"{ours}_phonetic", f"{theirs}_phonetic")
            | self.across(f"{ours}_skeleton", f"{theirs}_skeleton")
            for ours, theirs in (("name", "mother"), ("mother", "name"))
        )
        exchanged: Numbers = one & other
        return exchanged

    def card_in_the_number(self) -> Numbers:
        found: Numbers = self.across("number", "kk") & (self.ours("nik_sound") == 16)
        return found

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
        left, right = (end - begin for _, begin, end in self._told(name, name))
        several: Numbers = np.minimum(left, right) > 1
        return several

    def of_letters_of_the_other(self) -> Numbers:
        """Whether one name has only letters that the other has as well."""
        left, right = self.both("letters")
        found: Numbers = (left & ~right == 0) | (right & ~left == 0)
        return found

    def may_be_near(self) -> Numbers:
        """Whether the names could be one letter apart, or reach .93: of Jaro .883, so that of the letters of either
        name .825 have a partner, on average. A letter that the other has not has none."""
        (left, right), lengths_ = self.both("letters"), self.both("length")
        alone = (np.bitwise_count(left & ~right), np.bitwise_count(right & ~left))
        parts = [
            few / np.where(length < LONG, np.maximum(length, 1), np.inf)
            for few, length in zip(alone, lengths_, strict=True)
        ]
        near: Numbers = (parts[0] + parts[1] <= 2 - 1.649) | (alone[0] + alone[1] <= 2)
        return near

    def may_share_a_word(self) -> Numbers:
        left, right = self.both("words")
        may: Numbers = (left & right != 0) | (left == 0) | (right == 0)
        return may

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

        has_some = (end > begin for _, begin, end in self._told(ours, theirs))
        return self.where(np.logical_and(*has_some), met)

    def years_apart(self) -> Numbers:
        left, right = (_unpacked(born >> 16, 4) for born in self.both("born"))
        apart: Numbers = np.abs(left - right)
        return apart

    def card_is_damaged(self) -> Numbers:
        """Whether the family cards are one as far as a spreadsheet left them, or but for a digit before the serial."""
        left, right = self.both("kk")
        rounded = self.equal("kk_15") & ((left == 0) | (right == 0))
        of_one_serial = (left % 10_000 == right % 10_000) & (left != right) & (left != 0) & (right != 0)
        damaged: Numbers = rounded | self.where(of_one_serial, lambda some: some.digits_off("kk") == 1)
        return damaged

    def digits_off(self, name: str) -> Numbers:
        return _digits_off(*(packed(numbers, 16) for numbers in self.both(name)))

    def _texts(self, name: str) -> list[pa.Array]:
        return [side.texts(name, at) for side, at in zip(self._sides, self._places, strict=True)]

    def _words(self, *names: str) -> tuple[Numbers, Numbers]:
        """The first words of each, the second ones, …, filled up with 0."""
        left, right = (_padded(*told) for told in self._told(*names))
        return left, right

    def _told(self, *names: str) -> Iterator[Words]:
        return (side.words(name, at) for name, side, at in zip(names, self._sides, self._places, strict=True))


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
    in_the_card = pairs.across("beside", "number")
    odd = pairs.where((pairs.ours("odd") != 0) & (right != 0), _a_digit_more_or_less)
    nothing = (left == 0) | (right == 0) | (sound < 12) | ((sound == 12) & ~same_12) | pairs.card_in_the_number()
    return _first(
        NIK,
        {
            "missing": nothing & ~in_the_card & ~odd,
            "equal-and-fits": same & (fits == YES),
            "equal-nothing-to-fit": same & (sound == 16) & (fits == 0),
            "equal": same & (sound == 16),
            "in-the-cards-place": in_the_card,
            "a-digit-more-or-less": odd,
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


def _a_digit_more_or_less(pairs: _Pairs) -> Numbers:
    """Whether our number of 15 or 17 digits is theirs of 16, but for one that is missing or too many."""
    ours, theirs = pairs.ours("odd").astype(np.int64), pairs.theirs("number").astype(np.int64)
    longer, shorter = np.maximum(ours, theirs), np.minimum(ours, theirs)
    found: Numbers = (a_digit_less(longer, DIGITS + 1) == shorter).any(axis=0)
    return found


def _name(pairs: _Pairs) -> Numbers:
    known, equal = pairs.known("name"), pairs.where(pairs.known("name"), lambda some: some.same_text("name"))
    sounds = pairs.sounds_the_same("name")
    exchanged = known & ~equal & ~sounds & pairs.names_are_exchanged()
    left = known & ~equal & ~sounds & ~exchanged
    alike = pairs.where(left, lambda some: some.similarities("name"))
    nearly = (alike >= 0.93) | pairs.where(left & (alike < 0.93), lambda some: some.edits("name") == 1)
    left &= ~nearly
    within = pairs.where(left, lambda some: some.one_within_the_other("name_words"))
    several = pairs.where(within, lambda some: some.several("name_words"))
    left &= ~(within & several) & (alike < 0.85)
    return _first(
        NAME,
        {
            "missing": ~known,
            "equal": equal,
            "sounds-the-same": sounds,
            "exchanged-with-the-mothers": exchanged,
            "nearly-the-same": nearly,
            "one-within-the-other": within & several,
            "alike": alike >= 0.85,
            "short-for-the-other": pairs.where(
                left,
                lambda some: some.in_common("name_nick", "name_words") | some.in_common("name_words", "name_nick"),
            ),
            "one-word-of-the-other": within,
            "letters-within-the-other": pairs.where(
                left & ~within & pairs.of_letters_of_the_other(), lambda some: some.letters_within("name")
            ),
            "a-word-in-common": pairs.where(left, lambda some: some.in_common("name_words", "name_words")),
        },
    )


def _born(pairs: _Pairs) -> Numbers:
    left, right = pairs.both("born")
    part, _ = pairs.both("born_part")
    default, theirs_default = pairs.both("born_default")
    same, same_year, same_day = left == right, left >> 16 == right >> 16, left & 0xFFFF == right & 0xFFFF
    vague = (part < 3) | (default == YES)
    swapped = same_year & (left >> 8 & 0xFF == right & 0xFF) & (right >> 8 & 0xFF == left & 0xFF)
    return _first(
        BORN,
        {
            "missing": (left == 0) | (right == 0),
            "equal": same & (part == 3) & (theirs_default == NO),
            "equal-default": same & (part == 3),
            "same-year-as-far-as-known": same_year & (vague | (theirs_default == YES)),
            "nearly-the-year-as-far-as-known": pairs.where(vague & ~same_year, lambda some: some.years_apart() <= 2),
            "one-digit-off-or-swapped": (_digits_off(left, right) == 1) | swapped,
            "year-or-day-equal": same_year | same_day,
        },
    )


# The levels of the household, be the card another or not told; and where among them all each of these stands.
_BY_CARD_ALIKE = Comparison(
    HOUSEHOLD.name, tuple(level for level in HOUSEHOLD.levels if not level.name.endswith(CARD_IS_OPEN))
)
_STANDS = {level.name: at for at, level in enumerate(HOUSEHOLD.levels)}
_CARD_IS_ANOTHER = np.array([_STANDS[level.name] for level in _BY_CARD_ALIKE.levels], np.uint8)
_CARD_IS_OPEN = np.array(
    [_STANDS.get(f"{level.name}{CARD_IS_OPEN}", _STANDS[level.name]) for level in _BY_CARD_ALIKE.levels], np.uint8
)


def _household(pairs: _Pairs) -> Numbers:
    told = pairs.known("mother")
    mother = told & pairs.sounds_the_same("mother")
    mother |= pairs.where(told & ~mother, lambda some: some.similarities("mother") >= 0.9)
    within = pairs.where(told & ~mother, lambda some: some.one_within_the_other("mother_words"))
    return _Home(pairs).levels(told, mother, within)


class _Home:
    """What cards and places say of the household."""

    def __init__(self, pairs: _Pairs) -> None:
        self._family, self._village, self._district, self._regency = (
            pairs.equal(name) for name in ("kk", "desa", "kec", "kab")
        )
        self._family |= pairs.card_in_the_number()
        self._damaged = pairs.where(~self._family, _Pairs.card_is_damaged)
        self._place_is_open, self._card_is_known = ~pairs.known("kab"), pairs.known("kk_15")

    def levels(self, told: Numbers, mother: Numbers, within: Numbers) -> Numbers:
        """With the mothers: both are `told`, and one `mother`, or the name of one is `within` that of the other."""
        family, village, district, regency = self._family, self._village, self._district, self._regency
        damaged, place_is_open = self._damaged, self._place_is_open
        found = _first(
            _BY_CARD_ALIKE,
            {
                "missing": ~self._card_is_known & ~told & place_is_open & ~family,
                "family-and-mother": family & mother,
                "family": family & ~told,
                "damaged-family-and-mother": damaged & mother,
                "village-and-mother": village & mother,
                "family-mother-within": family & within,
                "village-mother-within": village & within,
                "family-other-mother": family,
                "regency-and-mother": regency & mother,
                "regency-mother-within": regency & within,
                "mother-place-open": place_is_open & mother,
                "mother-within-place-open": place_is_open & within,
                "mother": mother,
                "mother-within": within,
                "damaged-family": damaged & ~told,
                "village": village & ~told,
                "district": district & ~told,
                "regency": regency & ~told,
                "village-other-mother": village,
                "district-other-mother": district,
                "regency-other-mother": regency,
                "other-family-place-open": place_is_open & ~told,
                "other-mother-place-open": place_is_open,
                "elsewhere": ~told,
            },
        )
        levels: Numbers = np.where(self._card_is_known, _CARD_IS_ANOTHER[found], _CARD_IS_OPEN[found])
        return levels


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


def packed_dates(since_1970: Numbers) -> Numbers:
    """Days as packed decimals of year, month and day."""
    days = since_1970.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month, day = (months - years).astype(np.int64) + 1, (days - months).astype(np.int64) + 1
    return packed((years.astype(np.int64) + 1970) * 10_000 + month * 100 + day, 8)


def _valid(column: pa.ChunkedArray | pa.Array) -> Numbers:
    return np.asarray(pc.is_valid(column))


def flat(column: pa.ChunkedArray) -> tuple[Numbers, Numbers]:
    """All words, with a 0 behind them, and where those of each row begin."""
    lists = column.combine_chunks()
    return np.append(lists.values.to_numpy(), np.uint64(0)), lists.offsets.to_numpy().astype(np.int64)


def appended(first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """The same of two pieces, one behind the other."""
    (words, begins), (more, others) = first, second
    return np.append(words[:-1], more), np.append(begins, others[1:] + begins[-1])


def _padded(words: Numbers, begin: Numbers, end: Numbers) -> Numbers:
    place = begin + np.arange((end - begin).max(initial=0))[:, None]
    return words[np.where(place < end, place, len(words) - 1)]
