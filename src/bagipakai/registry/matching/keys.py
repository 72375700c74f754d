"""The keys by which a row of a list meets the persons of the registry that it could be.

A key is a rule and a few parts of a row's features (registry.matching.features), taken together as one number of 32
bits; a row in which a part is missing has no key of that rule. Two rows with one key may be one person; whether they
are is for the comparison to say. Whatever is damaged in a row, some rule is left whole: without a NIK there are name,
date, region, family card and mother, and of a damaged NIK its first digits.

The number is fixed by specification, never by a database or a language: a state of 64 bits begins as the rule's salt,
the first 8 bytes, little-endian, of BLAKE2b of its name; for each part in order, state = mix(state XOR part); the key
is the state's upper 32 bits. `mix` is the step of SplitMix64 (Steele, Lea and Flood, 2014). `VERSION` names it all, and
its first number is raised when this module gives another key for anything.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.canonical import canonical
from bagipakai.registry.matching.arrays import Numbers

MOST: Final = 64  # persons with one key: beyond that it tells too little, and is left out (KUNCI_TERLALU_UMUM)
FEWEST: Final = 6  # of one that tells the least
FEW: Final = 12  # of a wide key: whom it alone finds stands among few, or cannot be told from them


@dataclass(frozen=True)
class Rule:
    """Rows meet by `name` if they agree in all `parts`; `most` persons at most. `scarce`: asked only for rows that do
    not tell both a day of birth and a district, and nobody misses what it leaves out."""

    name: str
    parts: tuple[str, ...]
    most: int = MOST
    scarce: bool = False

    @cached_property
    def salt(self) -> np.uint64:
        return np.uint64(int.from_bytes(hashlib.blake2b(self.name.encode("ascii")).digest()[:8], "little"))


RULES: Final = (
    Rule("nik", ("nik",)),
    Rule("nik-12", ("nik_12",)),  # its place and date: another serial, or what a spreadsheet leaves of it
    Rule("nik-10-initial", ("nik_10", "initial"), FEW),  # its date and serial: another place
    Rule("nik-day-initial", ("nik_but_day", "initial"), FEW),  # a digit of its date, and the row's date is damaged too
    Rule("nik-month-initial", ("nik_but_month", "initial"), FEW),
    Rule("nik-year-initial", ("nik_but_year", "initial"), FEW),
    Rule("name-born", ("name", "born")),
    Rule("informative-born", ("informative", "born")),
    Rule("last-born", ("last", "born")),
    Rule("mother-born", ("mother", "born")),
    Rule("born-kec", ("born", "kec")),
    Rule("kk-15", ("kk_15",)),
    Rule("name-kec", ("name", "kec")),
    Rule("name-year", ("name", "year"), 24),
    Rule("skeleton-year-kab", ("skeleton", "year", "kab")),
    Rule("skeleton-kab", ("skeleton", "kab"), FEW),
    Rule("informative-mother", ("informative", "mother"), FEW),
    Rule("mother-kec", ("mother", "kec"), FEW),
    Rule("informative-desa", ("informative", "desa")),
    Rule("last-desa", ("last", "desa"), 24),
    Rule("initial-born-kab", ("initial", "born", "kab"), 24),
    Rule("initial-day-kec", ("initial", "day", "kec"), FEWEST),  # day and month, whatever the year
    Rule("last-day", ("last", "day"), FEWEST),
    Rule("informative-year-kab", ("informative", "year", "kab"), FEWEST),
    Rule("born-kab", ("born", "kab"), FEWEST),
    Rule("mother-kab", ("mother", "kab"), FEWEST),
    Rule("year-kec", ("year", "kec"), FEW),  # where few people live, all that a badly damaged row still tells
    Rule("name", ("name",), 24, scarce=True),  # a rare one
)
ALIKE: Final = {"F": "P", "V": "P", "J": "Y", "Z": "S", "D": "T", "O": "U", "C": "K", "Q": "K", "E": "A", "I": "A"}
NAMES: Final = tuple(rule.name for rule in RULES)
# Rules that end where people live close together, or bear common names: that such a key is too common says nothing.
WIDE: Final = tuple(rule.name for rule in RULES if rule.most <= FEW or rule.scarce)
BY_NUMBER: Final = ("nik",)
# What few share, however large the registry is, and what settles most rows: asked before all the others.
NARROW: Final = ("nik", "nik-12", "name-born", "mother-born", "skeleton-year-kab")
OTHERS: Final = tuple(name for name in NAMES if name not in NARROW)
_SPECIFICATION = [2, ALIKE, [[rule.name, list(rule.parts), rule.most] for rule in RULES]]
VERSION: Final = hashlib.sha256(canonical(_SPECIFICATION)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of every row's keys: a number of 64 bits, and where there is one."""

    values: Numbers
    present: Numbers

    def at(self, rows: Numbers) -> "Part":
        return Part(self.values[rows], self.present[rows])


Parts = Mapping[str, Part]


def mix(state: Numbers) -> Numbers:
    """The step of SplitMix64 over whole columns."""
    z: Numbers = state + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def keys(features: pa.Table, names: Iterable[str] = NAMES) -> dict[str, tuple[Numbers, Numbers]]:
    """By rule, of those with these names: the key of every row (uint32), and which rows have one (bool). The registry's
    side."""
    found, wanted = parts(features), set(names)
    return {rule.name: _key(rule, found) for rule in RULES if rule.name in wanted}


def asked(features: pa.Table, names: Iterable[str] = NAMES) -> Iterator[tuple[int, Numbers, Numbers]]:
    """What to ask an index for these rows of a list, by the rules with these names: the rule's place in `RULES`, rows
    (int64) and their keys (uint32). A rule comes once for the rows as they are, and again for rows that may have to be
    read otherwise: day and month exchanged, a digit missing or too many, what stands in another column, the NIK's date
    in place of a missing one, first and last word exchanged, a nickname in place of the name. Of the number alone, as
    it is: `BY_NUMBER` is the first question of every row."""
    wanted = [(at, rule) for at, rule in enumerate(RULES) if rule.name in set(names)]
    if [rule.name for _, rule in wanted] == [*BY_NUMBER]:
        (at, rule), found = wanted[0], dict(_sound(features))
        key, present = _key(rule, found)
        yield at, np.flatnonzero(present), key[present]
        return
    found = parts(features)
    for rows, changed in _readings(found, features["name_nick"]):
        if not len(rows):
            continue
        concerned = [(at, rule) for at, rule in wanted if not changed or not changed.keys().isdisjoint(rule.parts)]
        others = {name for _, rule in concerned for name in rule.parts} - changed.keys()
        of_these = {name: found[name].at(rows) for name in others} | changed if changed else found
        for at, rule in concerned:
            key, present = _key(rule, of_these)
            if rule.scarce:
                present = present & ~(found["born"].present & found["kec"].present)[rows]
            if present.any():
                yield at, rows[present], key[present]


def _readings(found: Parts, nick: pa.ChunkedArray) -> Iterator[tuple[Numbers, dict[str, Part]]]:
    """Rows, and what of their parts reads otherwise. First all rows as they are."""
    yield np.arange(len(found["born"].values)), {}
    yield _exchanged(found)
    yield _of_odd_numbers(found)
    rows = np.flatnonzero(found["beside"].present)  # each in the other's column
    yield rows, {"nik": found["beside"].at(rows)}
    rows = np.flatnonzero(found["nik_15"].present & ~found["fits"].present)
    yield rows, {"kk_15": found["nik_15"].at(rows)}
    rows = np.flatnonzero(found["name"].present & found["mother"].present)
    none = Part(found["name"].values[rows], np.zeros(len(rows), bool))
    yield rows, {"mother": found["name"].at(rows), "informative": none}
    for century in (1900, 2000):
        yield _by_number(found, century)
    first, last = found["informative"], found["last"]
    rows = np.flatnonzero(first.present & last.present & (first.values != last.values))
    yield rows, {"informative": last.at(rows), "last": first.at(rows)}
    full = nick.combine_chunks()
    rows, word = full.value_parent_indices().to_numpy(), _word(full.flatten())
    yield rows, {"informative": word, "last": word}


def parts(features: pa.Table) -> dict[str, Part]:
    """What keys are made of: a date where its day is known, a NIK as far as it is sound."""
    nik, found = _numbers(features["nik"]), dict(_sound(features))
    born, known = _numbers(pc.cast(features["born"], pa.int32())), _numbers(features["born_part"])
    year, month, day = (_numbers(part(features["born"])) for part in (pc.year, pc.month, pc.day))
    whole = born.present & (known.values == np.uint64(3))
    found |= {
        "nik_10": Part(nik.values % np.uint64(10**10), found["nik"].present),
        "nik_but_day": _without(found["nik"], 8, 10),
        "nik_but_month": _without(found["nik"], 6, 8),
        "nik_but_year": _without(found["nik"], 4, 6),
        "born": Part(born.values, whole),
        "year": year,
        "day": Part(month.values * np.uint64(100) + day.values, whole),
        "initial": _initial(features["name"]),
    }
    found |= {name: _numbers(features[name]) for name in ("kk_15", "kab", "kec", "desa")}
    found |= {name: _numbers(features[f"nik_{name}"]) for name in ("beside", "odd")}
    found["fits"] = Part(nik.values, features["nik_fits"].fill_null(False).to_numpy(zero_copy_only=False))
    found |= {
        name: _word(features[column])
        for name, column in (
            ("name", "name_phonetic"),
            ("skeleton", "name_skeleton"),
            ("informative", "name_informative"),
            ("last", "name_last"),
            ("mother", "mother_phonetic"),
        )
    }
    return found


def _sound(features: pa.Table) -> Iterator[tuple[str, Part]]:
    """A NIK, its first fifteen and its first twelve digits, as far as they are sound."""
    nik, sound = _numbers(features["nik"]), _numbers(features["nik_sound"])
    for name, digits in (("nik", 16), ("nik_15", 15), ("nik_12", 12)):
        yield name, Part(nik.values // np.uint64(10 ** (16 - digits)), nik.present & (sound.values >= digits))


def _key(rule: Rule, found: Parts) -> tuple[Numbers, Numbers]:
    first, *others = (found[name] for name in rule.parts)
    state, present = mix(first.values ^ rule.salt), first.present
    for part in others:
        state, present = mix(state ^ part.values), present & part.present
    return (state >> np.uint64(32)).astype(np.uint32), present


def _numbers(column: pa.ChunkedArray | pa.Array) -> Part:
    """A column of whole numbers; a negative one (a day before 1970) as its two's complement."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    present = pc.is_valid(whole).to_numpy(zero_copy_only=False)
    values = (pc.fill_null(whole, 0) if whole.null_count else whole).to_numpy(zero_copy_only=False)
    return Part(values.astype(np.int64).view(np.uint64) if values.dtype != np.uint64 else values, present)


def _without(number: Part, low: int, high: int | Numbers) -> Part:
    """A number without the digits between these places, counted from its end; `high` of all, or of each."""
    above, below = number.values // np.uint64(10) ** np.asarray(high, np.uint64), number.values % np.uint64(10**low)
    return Part(above * np.uint64(10**low) + below, number.present)


def _word(column: pa.ChunkedArray | pa.Array) -> Part:
    """A column of word hashes: 0 is of no word."""
    part = _numbers(column)
    return Part(part.values, part.present & (part.values != 0))


def _initial(names: pa.ChunkedArray) -> Part:
    """The letter with which a name begins, those that are taken for one another as one."""
    first = pc.utf8_slice_codeunits(names, 0, 1).combine_chunks().dictionary_encode()
    letters = np.array([ord(ALIKE.get(one, one)) for one in first.dictionary.to_pylist()] or [0], np.uint64)
    place = _numbers(first.indices)
    return Part(letters[place.values.astype(np.int64)], place.present)


def _by_number(found: Parts, century: int) -> tuple[Numbers, dict[str, Part]]:
    """The rows of which the NIK alone tells a date, and that date in this century."""
    nik = found["nik"]
    day, month, year = (nik.values // np.uint64(10**at) % np.uint64(100) for at in (8, 6, 4))
    day %= np.uint64(40)  # a woman's is 40 more
    told = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    rows = np.flatnonzero(nik.present & ~found["born"].present & told)
    return rows, _dated(year[rows] + np.uint64(century), month[rows], day[rows])


def _exchanged(found: Parts) -> tuple[Numbers, dict[str, Part]]:
    """The rows whose day and month exchanged are another date, and that date."""
    month, day = np.divmod(found["day"].values, np.uint64(100))
    rows = np.flatnonzero(found["day"].present & (day <= 12) & (day != month))
    other = _dated(found["year"].values[rows], day[rows], month[rows])
    return rows, {name: other[name] for name in ("born", "day")}  # of the same year


def _of_odd_numbers(found: Parts) -> tuple[Numbers, dict[str, Part]]:
    """The rows with a number of 15 or 17 digits, and what is left of it wherever the digit is missing or too many."""
    rows = np.flatnonzero(found["odd"].present)
    odd = found["odd"].at(rows)
    more = np.where(odd.values >= np.uint64(10**16), 1, -1)
    return rows, {
        "nik_12": _without(odd, 0, 4 + more),
        "nik_10": Part(odd.values % np.uint64(10**10), odd.present),
        "nik_but_day": _without(odd, 8, 10 + more),
        "nik_but_month": _without(odd, 6, 8 + more),
        "nik_but_year": _without(odd, 4, 6 + more),
    }


def _dated(year: Numbers, month: Numbers, day: Numbers) -> dict[str, Part]:
    """The parts of dates; a day that a month has not is one of the next."""
    months = (year.astype(np.int64) - 1970) * 12 + month.astype(np.int64) - 1
    born = months.astype("datetime64[M]").astype("datetime64[D]") + (day.astype(np.int64) - 1)
    values = {"born": born.astype(np.int64).view(np.uint64), "year": year, "day": month * np.uint64(100) + day}
    return {name: Part(value, np.ones(len(year), bool)) for name, value in values.items()}
