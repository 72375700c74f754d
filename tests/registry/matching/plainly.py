"""What `names.normalised` promises, said plainly: one name at a time, words as a list of text."""

import re
from functools import cache
from typing import Any

from bagipakai.registry.matching import names
from bagipakai.registry.matching.words import (
    BASE,
    KINDS,
    KNOWN,
    UNINFORMATIVE,
    Kind,
    phonetic,
    skeletons,
    sounds,
    word_hash,
    words_of,
)

WRAP = (1 << 64) - 1


def mix(number: int) -> int:
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & WRAP
    number = (number ^ number >> 27) * 0x94D049BB133111EB & WRAP
    return number ^ number >> 31


def kind(word: str) -> int:
    return KINDS.get(word, 0)


@cache
def sound(word: str) -> str:
    return sounds([word])[0]


def words_of_the_name(text: str) -> list[str]:
    """The words that stay, in their order."""
    words = [word for token in text.split(" ") for word in words_of(token)][: names.MOST]
    begins = beginning(words)
    for at, word in enumerate(words):
        if kind(word) & Kind.MARKER and at > begins:
            words = words[:at]
            break
    kept = without_titles(words, begins)
    return once(named(without_opening(kept)) if kept else words)


def beginning(words: list[str]) -> int:
    """Where the first word of the name itself stands. ST is one (SITI) where only titles stand before it."""
    plain = [at for at, word in enumerate(words) if not kind(word) & Kind.ASIDE]
    titled = [at for at, word in enumerate(words) if not kind(word) & (Kind.TITLE | Kind.MARKER)]
    if plain and words[titled[0]] == "ST":
        return titled[0]
    return plain[0] if plain else len(words)


def without_titles(words: list[str], begins: int) -> list[str]:
    falls = set()
    for at, word in enumerate(words):
        if kind(word) & (Kind.TITLE | Kind.MARKER):
            falls.add(at)
        if kind(word) & Kind.DEGREE and at > begins:
            falls.add(at)
            if kind(word) & Kind.PIECE:
                falls |= {near for near in (at - 1, at + 1) if near < len(words) and kind(words[near]) & Kind.LETTER}
    return [word for at, word in enumerate(words) if at not in falls]


def without_opening(words: list[str]) -> list[str]:
    opens = 0
    while opens < len(words) and kind(words[opens]) & (Kind.LEADING | Kind.PERHAPS):
        opens += 1
    opening, rest = words[:opens], words[opens:]
    if not rest:
        return words
    if len(rest) > 1 or kind(rest[0]) & Kind.BALINESE:
        return rest
    return [word for word in opening if not kind(word) & Kind.LEADING] + rest


def named(words: list[str]) -> list[str]:
    match words:
        case ["M", _, *_]:
            return ["MUHAMMAD", *words[1:]]
        case ["ST", second, *_] if not kind(second) & Kind.DEGREE:
            return ["SITI", *words[1:]]
    return words


def once(words: list[str]) -> list[str]:
    return [word for at, word in enumerate(words) if at == 0 or heard(word) != heard(words[at - 1])]


def heard(word: str) -> str:
    return phonetic(sound(word))


def skeleton_of(words: list[str]) -> str:
    whole = re.sub(r"(.)\1+", r"\1", "".join(skeletons([sound(word) for word in words])))
    breath = "H" if sound(words[0])[0] == "H" != whole[0] else ""
    return breath + (whole if len(skeletons([sound(words[-1])])[0]) == 1 else phonetic("-" + whole)[1:])


def rank(word: str) -> int:
    return 2 if len(word) == 1 else int(word in UNINFORMATIVE)


@cache
def full_words(word: str) -> list[int]:
    for short, longs in KNOWN["nicknames"].items():
        if heard(short) == heard(word):
            return [word_hash(heard(words_of(long)[-1])) for long in longs.split()]
    return []


def normalised(text: str | None) -> dict[str, Any]:
    words = [] if text is None else words_of_the_name(text)
    if not words:
        return dict.fromkeys(names.COLUMNS.names)
    hashes = [word_hash(heard(word)) for word in words]
    initials_alone = all(len(word) == 1 for word in words)
    bones = 0
    for byte in skeleton_of(words).encode():
        bones = bones * BASE + byte & WRAP
    return {
        "canonical": " ".join(words),
        "phonetic": mix(sum(map(mix, hashes)) & WRAP),
        "skeleton": mix(bones),
        "informative": word_hash(heard(min(words, key=rank))),
        "last": hashes[-1],
        "words": [word_hash(heard(word)) for word in words[: names.KEPT] if len(word) > 1 or initials_alone],
        "nick": [number for word in words for number in full_words(word)],
    }
