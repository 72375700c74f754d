"""Names by culture, generation and sex, for whole columns of persons at a time.

A name is a row of places in one vocabulary, so that a clan, a mother or a brother can share parts of it, and becomes
text only when it is written down. `pools.toml` says which parts exist and how a culture puts them together.
"""

import re
import tomllib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.synthesis.dice import Dice

PARTS = 4
NOTHING = -1
AS_USUAL, AS_OF_OLD, OTHERWISE, OTHERWISE_STILL = range(4)  # how a part is spelled
GENERATIONS = (1960, 1990)  # born before the first, before the second, or since

_OLD = {"U": "OE", "J": "DJ", "C": "TJ", "SY": "SJ", "NY": "NJ", "KH": "CH", "Y": "J"}
_OTHERWISE = (
    ("Y$", "I"), ("I$", "Y"), ("AH$", "A"), ("A$", "AH"), ("F", "P"), ("V", "F"), ("Z", "J"), ("D$", "T"), ("IY", "I"),
    ("IA", "IYA"), ("SY", "S"), ("KH", "H"), ("AE", "AI"), ("O", "U"), ("E", "I"), ("UDDIN", "UDIN"), ("TH", "T"),
    ("DH", "D"), ("(?<=[AEIOU])([TNLRS])(?=[AEIOU])", r"\1\1"), ("([A-Z])\\1", r"\1"), ("C", "CH"), ("K$", "Q"),
)  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """Places in the vocabulary, and the sum of the weights up to each."""

    places: np.ndarray
    reached: np.ndarray

    def pick(self, words: np.ndarray) -> np.ndarray:
        """One place for each random 64-bit word."""
        at = (words >> np.uint64(33)) * np.uint64(self.reached[-1]) >> np.uint64(31)
        return self.places[np.searchsorted(self.reached, at.astype(np.int64), side="right")]


@dataclass(frozen=True)
class Tradition:
    """How a culture names one sex: the ways of each generation by weight, a way being a row of pools."""

    reached: tuple[np.ndarray, ...]
    ways: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Onomasticon:
    """All that `pools.toml` says. `spelled[place, how]` is a place in `texts`."""

    pools: dict[str, Pool]
    texts: pa.Array
    spelled: np.ndarray
    cultures: tuple[str, ...]
    traditions: dict[tuple[int, int], Tradition]  # by culture and sex (1 for women)
    peoples: dict[str, tuple[np.ndarray, np.ndarray]]  # province → cultures, and shares reached of a hundred


@lru_cache(maxsize=1)
def told() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "pools.toml").read_text("utf-8"))


def words(text: str) -> list[str]:
    """The parts of one pool, in capitals as registries write."""
    return [word.replace("_", " ").upper() for word in text.split()]


@lru_cache(maxsize=1)
def onomasticon() -> Onomasticon:
    said = told()
    vocabulary: dict[str, int] = {}
    pools = {name: _pool(name, said, vocabulary) for name in said["pool"]}
    texts, spelled = _spellings(list(vocabulary), _groups(said["spelling"]["groups"]))
    cultures = tuple(said["culture"])
    traditions = {
        (at, sex): _tradition(said["culture"][name]["mf"[sex]]) for at, name in enumerate(cultures) for sex in (0, 1)
    }
    peoples = {}
    for province, shares in said["province"].items():
        names, hundredths = shares.split()[::2], [int(share) for share in shares.split()[1::2]]
        peoples[province] = (np.array([cultures.index(name) for name in names]), np.cumsum(hundredths))
    return Onomasticon(pools, pa.array(texts), spelled, cultures, traditions, peoples)


def culture_of(province: np.ndarray, dice: Dice) -> np.ndarray:
    """A culture for each family by its province (two digits as a number)."""
    known, culture, at = onomasticon().peoples, np.zeros(len(province), dtype=np.int64), dice.below(len(province), 100)
    for code in np.unique(province):
        here = np.flatnonzero(province == code)
        names, reached = known[f"{code:02d}"]
        culture[here] = names[np.minimum(np.searchsorted(reached, at[here], side="right"), len(names) - 1)]
    return culture


def generation(year: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.array(GENERATIONS), year, side="right")


def given(
    culture: np.ndarray, sex: np.ndarray, year: np.ndarray, clan: np.ndarray, kin: np.ndarray, dice: Dice
) -> np.ndarray:
    """Names as places in the vocabulary, shape (n, PARTS), NOTHING where a name has fewer parts.

    `clan`: a random 64-bit word for each person, the same in one line of fathers, from which the clan's name is drawn.
    `kin`: likewise the same for brothers and sisters; where it is not 0, their last part is drawn from it.
    """
    book, n = onomasticon(), len(culture)
    found = np.full((n, PARTS), NOTHING, dtype=np.int32)
    which, born = dice.slots(n).astype(np.int64), generation(year)
    random = [dice.words(n) for _ in range(PARTS)]
    cell = (culture * 2 + sex) * 3 + born
    order = np.argsort(cell, kind="stable")
    edges = np.searchsorted(cell[order], np.arange(len(book.cultures) * 6 + 1))
    for at in np.flatnonzero(np.diff(edges)):
        here = order[edges[at] : edges[at + 1]]
        tradition = book.traditions[int(at) // 6, int(at) // 3 % 2]
        reached = tradition.reached[int(at) % 3]
        chosen = np.searchsorted(reached, which[here] * reached[-1] >> 12, side="right")
        for number, way in enumerate(tradition.ways):
            people = here[chosen == number]
            for place, pool in enumerate(way):
                source = random[place][people]
                if pool.startswith("marga_"):
                    source = clan[people]
                elif place and place == len(way) - 1:
                    source = np.where(kin[people] != 0, kin[people], source)
                found[people, place] = book.pools[pool].pick(source)
    twice = (found[:, 1] == found[:, 0]) & (found[:, 1] != NOTHING)
    found[twice, 1:] = np.concatenate([found[twice, 2:], np.full((int(twice.sum()), 1), NOTHING)], axis=1)
    return found


def spelling(year: np.ndarray, dice: Dice) -> np.ndarray:
    """How each part of a name is written, shape (n, PARTS): the old way for many of the oldest, otherwise for some."""
    n = len(year)
    how = np.zeros((n, PARTS), dtype=np.int8)
    for place in range(PARTS):
        how[dice.chance(n, 60), place] = OTHERWISE
        how[dice.chance(n, 25), place] = OTHERWISE_STILL
    old = dice.chance(n, np.where(year < 1948, 160, np.where(year < 1972, 45, 3)))
    how[old] = AS_OF_OLD
    return how


def written(
    names: np.ndarray, how: np.ndarray, before: pa.Array | None = None, after: pa.Array | None = None
) -> pa.Array:
    """The names as text, parts and titles with one space between."""
    book = onomasticon()
    parts = []
    for place in range(PARTS):
        at = book.spelled[np.maximum(names[:, place], 0), how[:, place]]
        parts.append(book.texts.take(pa.array(at, mask=names[:, place] == NOTHING)))
    if before is not None:
        parts.insert(0, before)
    if after is not None:
        parts.append(after)
    return pc.binary_join_element_wise(*parts, " ", null_handling="skip")


def picked(pool: list[str], holders: np.ndarray, dice: Dice) -> pa.Array:
    """One of a few words for those who hold it, nothing for the others."""
    return pa.array(pool).take(pa.array(dice.below(len(holders), len(pool)), mask=~holders))


def _pool(name: str, said: dict[str, Any], vocabulary: dict[str, int]) -> Pool:
    listed = words(said["pool"][name])
    made = said.get("made", {}).get(name)
    if made:
        known = set(listed)
        built = (a + b for a, b in product(words(made["begin"]), words(made["end"])))
        listed += sorted(
            dict.fromkeys(word for word in built if word not in known), key=lambda w: zlib.crc32(w.encode())
        )
    head = 6 if len(listed) >= 20 else 1
    weights = np.array([10_000_000 // (rank + head) for rank in range(len(listed))])
    return Pool(np.array([vocabulary.setdefault(word, len(vocabulary)) for word in listed]), np.cumsum(weights))


def _tradition(lines: list[str]) -> Tradition:
    weights, ways = zip(*(line.split(":") for line in lines), strict=True)
    table = np.array([[int(number) for number in one.split()] for one in weights])
    return Tradition(tuple(np.cumsum(table[:, at]) for at in range(3)), tuple(tuple(way.split()) for way in ways))


def _groups(text: str) -> dict[str, list[str]]:
    groups = [words(group) for group in text.split("|")]
    return {word: [other for other in group if other != word] for group in groups for word in group}


def _spellings(vocabulary: list[str], groups: dict[str, list[str]]) -> tuple[list[str], np.ndarray]:
    texts, spelled = list(vocabulary), np.repeat(np.arange(len(vocabulary))[:, None], 4, axis=1)
    for place, word in enumerate(vocabulary):
        one, another = _others(word, groups)
        for how, other in ((AS_OF_OLD, old_spelling(word)), (OTHERWISE, one), (OTHERWISE_STILL, another)):
            if other != word:
                spelled[place, how] = len(texts)
                texts.append(other)
    return texts, spelled


def old_spelling(word: str) -> str:
    """As written before 1972 and, for U, before 1947."""
    return re.sub("SY|NY|KH|[UJCY]", lambda found: _OLD[found[0]], word)


def _others(word: str, groups: dict[str, list[str]]) -> tuple[str, str]:
    """Two other spellings; the word itself where there is none."""
    code, known = zlib.crc32(word.encode()), groups.get(word, [])
    if known:
        return known[0], known[1 + code % (len(known) - 1)] if len(known) > 1 else known[0]
    turns = (_OTHERWISE[(code + step) % len(_OTHERWISE)] for step in range(len(_OTHERWISE)))
    tried = (re.sub(pattern, with_, word, count=1) for pattern, with_ in turns if len(word) > 3)
    found = next((other for other in tried if other != word), word)
    return found, found
