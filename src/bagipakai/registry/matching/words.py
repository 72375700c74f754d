"""What is known of the words of names: how they are written, what they may be in a name, how they sound.

The tables are in `names.toml`. Python looks at a word once: what it found stays in the lexicon, in columns.

Hashes are fixed here, in numbers of 64 bits that wrap around, for indexes live longer than libraries:
- of a word: the first 8 bytes, little-endian, of BLAKE2b (64 bytes, no key) of its UTF-8 text;
- of a skeleton: the sum of byte × BASE^(bytes that follow), so that hashes of parts make the hash of the whole;
- mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Places = NDArray[np.signedinteger[Any]]
Hashes = NDArray[np.uint64]

_TABLES = Path(__file__).with_name("names.toml").read_bytes()
_CODE = "2"  # raised when the code says something else of any name; tests/registry/matching/test_names.py notices
VERSION = f"{_CODE}-{blake2b(_TABLES, digest_size=6).hexdigest()}"

BASE = 0x9E3779B97F4A7C15
INITIAL = 2  # the rank of a single letter
LONGEST = 60  # letters: as long as a whole name may be (Permendagri 73/2022)
_REMEMBERED = 1 << 18  # written words


def word_hash(word: str) -> int:
    """The hash of one word, as the docstring of this module fixes it."""
    return int.from_bytes(blake2b(word.encode()).digest()[:8], "little")


def mix(numbers: Hashes) -> Hashes:
    """The finaliser of SplitMix64, of an array of uint64."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


class Kind(IntFlag):
    """What a word may be in a name; 0 is a word like any other."""

    TITLE = 1  # dropped wherever it stands
    DEGREE = 2  # dropped behind a word of the name
    PIECE = 4  # of a degree: takes the single letter beside it along
    MARKER = 8  # the name ends here
    LEADING = 16  # dropped at the beginning
    PERHAPS = 32  # dropped at the beginning of a longer name
    LETTER = 64
    BALINESE = 128
    M = 256  # MUHAMMAD at the beginning
    ST = 512  # SITI at the beginning

    ASIDE = TITLE | DEGREE | MARKER  # not of the name itself
    NOTED = ASIDE | LEADING | PERHAPS | M | ST  # may change a name


def _kinds(tables: dict[str, Any]) -> dict[str, int]:
    titles, degrees = tables["titles"], tables["degrees"]
    said = (
        (Kind.TITLE, titles["anywhere"]),
        (Kind.LEADING, titles["leading"]),
        (Kind.PERHAPS, titles["leading_perhaps"]),
        (Kind.BALINESE, titles["balinese"]),
        (Kind.DEGREE, degrees["whole"]),
        (Kind.DEGREE | Kind.PIECE, degrees["pieces"]),
        (Kind.MARKER, tables["patronymic"]["markers"]),
        (Kind.LETTER, " ".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
        (Kind.M, "M"),
        (Kind.ST, "ST"),
    )
    kinds: dict[str, int] = {}
    for kind, words in said:
        for word in words.split():
            kinds[word] = kinds.get(word, 0) | kind
    return kinds


KNOWN = tomllib.loads(_TABLES.decode())
KINDS = _kinds(KNOWN)
UNINFORMATIVE = frozenset(KNOWN["uninformative"]["words"].split())
_SILENT = str.maketrans("", "", KNOWN["letters"]["silent"])
_ALIKE = str.maketrans(KNOWN["letters"]["alike"])
_DIGITS: dict[str, str] = KNOWN["letters"]["digits"]
_DIGIT = re.compile(f"(?<![0-9])[{''.join(_DIGITS)}](?![0-9])")
_ALIAS = re.compile(f"[{re.escape(KNOWN['letters']['alias'])}](?!\\s*ALM)")
_PIECES = re.compile(r"[A-Z0-9.]+")
_FAMILY = re.compile("|".join(f"(?P<{name}>{spelling})" for name, spelling in KNOWN["families"].items()))
_ANY_FAMILY = re.compile("|".join(KNOWN["families"].values()))  # far quicker to say that it is none of them
_JOINED = [(re.compile(f"{begin}(?P<rest>{rest})"), word) for begin, word, rest in KNOWN["joined"]["prefixes"]]
_JOINED_BEGIN = frozenset(begin[0] for begin, _, _ in KNOWN["joined"]["prefixes"])  # letters
_POINTS: dict[str, str] = KNOWN["abbreviations"]["points"]
_ABBREVIATIONS: dict[str, str] = KNOWN["abbreviations"]["words"]

_OLD = re.compile(f"^.*(?:{KNOWN['sounds']['old']}).*$", re.MULTILINE)
_IN_OLD = [(re.compile(old, re.MULTILINE), new) for old, new in KNOWN["sounds"]["in_old"]]
_SOUNDS = [(re.compile(written, re.MULTILINE), spoken) for written, spoken in KNOWN["sounds"]["rules"]]
_LAST: dict[str, str] = KNOWN["sounds"]["last"]
_ROUGH = str.maketrans(KNOWN["sounds"]["skeleton"])
_VOICELESS = np.array([ord(_LAST.get(chr(letter), chr(letter))) for letter in range(256)], dtype=np.uint64)
_AGAIN = re.compile(r"(.)\1+")


def words_of(token: str) -> list[str]:
    """The words that were written without a space between: `H.M.YUSUF,S.Pd` is H, M, YUSUF and SPD."""
    if token.isascii() and token.isalpha():
        return _apart(token.upper())
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", token.translate(_SILENT)).upper())
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    words: list[str] = []
    for piece in _PIECES.findall(_ALIAS.sub(" ALIAS ", text.translate(_SILENT).translate(_ALIKE))):
        words += _of_piece(piece)
    return words


def _of_piece(piece: str) -> list[str]:
    if not any("A" <= letter <= "Z" for letter in piece):
        return []  # a number is no name
    piece = _DIGIT.sub(lambda digit: _DIGITS[digit[0]], piece)
    parts = [part for part in re.sub(r"[0-9]", "", piece).split(".") if part]
    if len(parts) > 1:
        if words := _POINTS.get(".".join(parts)):
            return words.split()
        whole = "".join(parts)
        if KINDS.get(whole, 0) & (Kind.ASIDE | Kind.LEADING):
            return [whole]
    return [word for part in parts for word in _apart(part)]


def _apart(word: str) -> list[str]:
    """One word in the spelling of its family, or the words that were written together in it."""
    word = word[:LONGEST]
    if _ANY_FAMILY.fullmatch(word) and (family := _FAMILY.fullmatch(word)):
        return [str(family.lastgroup)]
    if words := _ABBREVIATIONS.get(word):
        return words.split()
    for pattern, head in _JOINED if word[0] in _JOINED_BEGIN else ():
        if found := pattern.fullmatch(word):
            return [head, *_apart(found["rest"])]
    return [word]


def sounds(words: Iterable[str]) -> list[str]:
    """How each word (A–Z) sounds, the last letter still with its voice."""
    text = "\n".join(words)
    text = _OLD.sub(lambda word: _replaced(word[0], _IN_OLD), text)
    return _replaced(text, _SOUNDS).split("\n")


def _replaced(text: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for written, spoken in rules:
        text = written.sub(spoken, text)
    return text


def phonetic(sound: str) -> str:
    """The phonetic word of a word that sounds so. A single letter is not spoken: B is not P."""
    return sound if len(sound) == 1 else sound[:-1] + _LAST.get(sound[-1], sound[-1])


def skeletons(heard: list[str]) -> list[str]:
    """The skeletons of words that sound so."""
    bones = _AGAIN.sub(r"\1", "\n".join(heard).translate(_ROUGH)).split("\n")
    return [bone or sound for bone, sound in zip(bones, heard, strict=True)]


def _nicknames() -> tuple[dict[str, int], Places, Hashes]:
    """Phonetic short word → its number (from 1); where the full words of a number begin; all full words, hashed."""
    numbers, begins, full = {}, [0, 0], []
    shorts = sounds(KNOWN["nicknames"])
    for number, (short, longs) in enumerate(zip(shorts, KNOWN["nicknames"].values(), strict=True), 1):
        numbers[phonetic(short)] = number
        full += [word_hash(phonetic(sound)) for sound in sounds(words_of(long)[-1] for long in longs.split())]
        begins.append(len(full))
    return numbers, np.array(begins), np.array(full, dtype=np.uint64)


NICK_NUMBERS, NICK_BEGINS, NICK_WORDS = _nicknames()

WORD = np.dtype(
    [
        ("phonetic", np.uint64),  # hash
        ("mixed", np.uint64),  # the same, ready to be summed
        ("skeleton", np.uint64),  # Σ byte × BASE^(bytes that follow)
        ("behind", np.uint64),  # the same without the first byte
        ("breath", np.uint64),  # the byte that stands before the skeleton where the name begins here: H, or 0
        ("end", np.uint64),  # what is added where the name ends here, without voice
        ("length", np.int32),  # of the skeleton
        ("kind", np.uint16),
        ("nick", np.uint16),
        ("first", np.uint8),  # bytes of the skeleton
        ("last", np.uint8),
        ("rank", np.uint8),  # 0 informative, 1 common, INITIAL
    ]
)


def _described(words: list[str]) -> np.ndarray:
    """What is known of each word, as WORD."""
    known = np.zeros(len(words), dtype=WORD)
    if not words:
        return known
    heard = sounds(words)
    spoken = [phonetic(sound) for sound in heard]
    known["phonetic"] = [word_hash(word) for word in spoken]
    known["mixed"] = mix(known["phonetic"])
    known["kind"] = [KINDS.get(word, 0) for word in words]
    known["nick"] = [NICK_NUMBERS.get(word, 0) for word in spoken]
    known["rank"] = [INITIAL if len(word) == 1 else word in UNINFORMATIVE for word in words]

    bones = skeletons(heard)
    length = np.array([len(word) for word in bones])
    ends = np.cumsum(length)
    starts = ends - length
    letter = np.frombuffer("".join(bones).encode(), dtype=np.uint8)
    value = letter * powers_of_base(length.max())[np.repeat(ends, length) - 1 - np.arange(len(letter))]
    known["skeleton"] = np.add.reduceat(value, starts)
    known["behind"] = known["skeleton"] - value[starts]
    known["length"] = length
    known["first"], known["last"] = letter[starts], letter[ends - 1]
    known["end"] = (_VOICELESS[known["last"]] - known["last"].astype(np.uint64)) * (length > 1)
    aspirated = np.array([sound[0] == "H" for sound in heard]) & (known["first"] != ord("H"))
    known["breath"] = aspirated * np.uint64(ord("H"))
    return known


def powers_of_base(most: int) -> Hashes:
    """BASE^0, BASE^1 … BASE^most."""
    powers = np.full(most + 1, BASE, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


@dataclass(frozen=True, repr=False)
class Lexicon:
    """All words met so far. A written word `t` stands for the words `meant[begin[t]:begin[t + 1]]`."""

    texts: pa.StringArray
    words: np.ndarray  # of WORD
    begin: Places
    meant: Places
    numbers: dict[str, int]  # word → place in texts and words
    tokens: dict[str, int]  # written word → t

    MUHAMMAD, SITI = 0, 1

    @classmethod
    def empty(cls) -> "Lexicon":
        nothing = cls(
            pa.array([], pa.string()), np.empty(0, WORD), np.zeros(1, np.int64), np.empty(0, np.int64), {}, {}
        )
        return nothing.with_tokens(["MUHAMMAD", "SITI"])

    def with_tokens(self, tokens: list[str]) -> "Lexicon":
        """With these, which are new. The dictionaries are shared with the former lexicon, which is not used again."""
        lists = [words_of(token) for token in tokens]
        new = list(dict.fromkeys(word for words in lists for word in words if word not in self.numbers))
        numbers = {word: number for number, word in enumerate(new, len(self.texts))}
        ends = np.cumsum([len(words) for words in lists], dtype=np.int64) + len(self.meant)
        meant = [numbers[word] if word in numbers else self.numbers[word] for words in lists for word in words]
        grown = Lexicon(
            pa.concat_arrays([self.texts, pa.array(new, pa.string())]),
            np.concatenate([self.words, _described(new)]),
            np.concatenate([self.begin, ends]),
            np.concatenate([self.meant, np.array(meant, dtype=np.int64)]),
            self.numbers,
            self.tokens,
        )
        self.numbers.update(numbers)
        self.tokens.update(zip(tokens, range(len(self.begin) - 1, len(grown.begin) - 1), strict=True))
        return grown


_lock = Lock()
_lexicon = Lexicon.empty()


def looked_up(tokens: list[str]) -> tuple[Lexicon, Places]:
    """The place of each of these distinct written words in the lexicon, and the lexicon that has them all."""
    global _lexicon  # noqa: PLW0603 - a memory of words, which changes nothing that is said of them
    with _lock:
        if len(_lexicon.tokens) > _REMEMBERED:
            _lexicon = Lexicon.empty()
        if unknown := [token for token in tokens if token not in _lexicon.tokens]:
            _lexicon = _lexicon.with_tokens(unknown)
        places = _lexicon.tokens
        return _lexicon, np.fromiter((places[token] for token in tokens), np.int64, len(tokens))
