"""Indonesian names in forms that can be compared (matching reference §4.2).

Names repeat their words, so Python looks at each distinct word once (`words`) and whole columns do the rest. Two forms
of a whole name are numbers of 64 bits, made of the hashes in `words`:
- `phonetic`: mix(sum of mix(hash of a phonetic word)), so the order of the words is nothing;
- `skeleton`: mix(hash of the skeletons of all words as one text, equal neighbours once, H before it where the name
  begins with H, the last letter without voice), so the spaces are nothing.
"""

from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bagipakai.registry.matching.words import (
    INITIAL,
    NICK_BEGINS,
    NICK_WORDS,
    VERSION,
    Hashes,
    Kind,
    Lexicon,
    Places,
    looked_up,
    mix,
    powers_of_base,
)

__all__ = ["COLUMNS", "KEPT", "MOST", "VERSION", "normalised"]

Marks = NDArray[np.bool_]
N = TypeVar("N", bound=np.generic)

COLUMNS = pa.schema(
    [
        ("canonical", pa.string()),
        ("phonetic", pa.uint64()),
        ("skeleton", pa.uint64()),
        ("informative", pa.uint64()),
        ("last", pa.uint64()),
        ("words", pa.list_(pa.uint64())),
        ("nick", pa.list_(pa.uint64())),
    ]
)
MOST = 16  # words of a name that are looked at
KEPT = 8  # words of a name in `words`
_ROWS = 1 << 17  # looked at together; a chunk of the answer


def normalised(names: pa.Array | pa.ChunkedArray) -> pa.Table:
    """One row for each of `names` (text), in the COLUMNS; null where a name is null or has no Latin letter.

    `canonical`    the words without titles, degrees and patronymic, families of spelling unified, in their order
    `phonetic`     how the words sound, in any order
    `skeleton`     how the name sounds roughly, written together or apart
    `informative`  the first phonetic word that tells something (not Muhammad, Siti, Wayan …), else the first
    `last`         the last phonetic word
    `words`        the first KEPT phonetic words, in their order; initials only where there is nothing else
    `nick`         words for which one of the name's words may be short; evidence where the other name has it

    Of `canonical` the same is said as of the name it was made from.
    """
    chunks = names.chunks if isinstance(names, pa.ChunkedArray) else [names]
    tables = [_table(chunk.slice(at, _ROWS)) for chunk in chunks for at in range(0, len(chunk), _ROWS)]
    return pa.concat_tables(tables) if tables else COLUMNS.empty_table()


# --- Whole columns ---------------------------------------------------------------------------------------------------
# `word` holds the words of all rows one after the other (places in the lexicon), `row` the row of each, rising.


def _table(names: pa.Array) -> pa.Table:
    lexicon, word, row = _written(names)
    noted = (lexicon.words["kind"][word] & Kind.NOTED) != 0
    if noted.any():
        word, row = _of_the_name(lexicon, word, row, noted, len(names))
    word, row = _once(lexicon, word, row)
    return _said(lexicon, word, row, len(names))


def _written(names: pa.Array) -> tuple[Lexicon, Places, Places]:
    """The words as written, at most MOST in a row."""
    split = pc.split_pattern(names.cast(pa.string()), " ")
    coded = split.values.dictionary_encode()
    lexicon, places = looked_up(coded.dictionary.to_pylist())
    token = places[coded.indices.to_numpy(zero_copy_only=False)]
    begin = lexicon.begin[token]
    count = lexicon.begin[token + 1] - begin
    ends = np.concatenate([[0], np.cumsum(count)])
    many = np.diff(ends[split.offsets.to_numpy()])
    word = lexicon.meant[_ranges(begin, count, ends)]
    row = np.repeat(np.arange(len(names), dtype=np.int32), many)
    if many.size and many.max() > MOST:
        near = _place(row) < MOST
        word, row = word[near], row[near]
    return lexicon, word, row


def _of_the_name(lexicon: Lexicon, word: Places, row: Places, noted: Marks, rows: int) -> tuple[Places, Places]:
    """The same without what is not of the name. Only rows with a word that is noted are looked at."""
    touched = np.zeros(rows, dtype=bool)
    touched[row[noted]] = True
    inside = np.flatnonzero(touched[row])
    kept, renamed = _judged(lexicon.words["kind"][word[inside]], row[inside])
    stays = np.ones(len(word), dtype=bool)
    stays[inside] = kept
    word = word.copy()
    word[inside[renamed == Kind.M]] = lexicon.MUHAMMAD
    word[inside[renamed == Kind.ST]] = lexicon.SITI
    return word[stays], row[stays]


def _judged(kind: NDArray[np.uint16], row: Places) -> tuple[Marks, NDArray[np.uint16]]:
    """Which words stay, and which are M. or ST. at the beginning (Kind.M, Kind.ST, else 0)."""
    itself = ~_is(kind, Kind.ASIDE)
    itself |= _is(kind, Kind.ST) & (_before(~_is(kind, Kind.TITLE | Kind.MARKER), row) == 0) & _any(itself, row)
    begun = _before(itself, row) > 0
    over = _before(begun & _is(kind, Kind.MARKER), row, itself=True) > 0  # from a patronymic to the end
    degree = begun & _is(kind, Kind.DEGREE)
    piece = degree & _is(kind, Kind.PIECE)
    beside = _is(kind, Kind.LETTER) & (_shifted(piece, row, 1) | _shifted(piece, row, -1))
    kept = ~(over | degree | beside | _is(kind, Kind.TITLE | Kind.MARKER))
    empty = ~_any(kept, row)  # nothing would remain: all stays, as it is
    kept |= empty & ~over

    here = np.flatnonzero(kept)  # the beginning, of what is left
    kind, row, empty = kind[here], row[here], empty[here]
    opening = _is(kind, Kind.LEADING | Kind.PERHAPS)
    opening = _before(~opening, row, itself=True) == 0
    others = _sum(~opening, row)
    balinese = _any(_is(kind, Kind.BALINESE) & (_before(~opening, row) == 0), row)
    falls = opening & ~empty & ((others > 1) | ((others == 1) & (balinese | _is(kind, Kind.LEADING))))
    kept[here[falls]] = False

    left = np.flatnonzero(~falls)
    here, kind, row, empty = here[left], kind[left], row[left], empty[left]
    first = ~empty & (_place(row) == 0)
    renamed = np.zeros(len(kept), dtype=np.uint16)
    renamed[here[first & _is(kind, Kind.M) & _shifted(np.ones(len(row), dtype=bool), row, -1)]] = Kind.M
    renamed[here[first & _is(kind, Kind.ST) & _shifted(~_is(kind, Kind.DEGREE), row, -1)]] = Kind.ST
    return kept, renamed


def _once(lexicon: Lexicon, word: Places, row: Places) -> tuple[Places, Places]:
    """A word that sounds like the one before it is the same, said twice: UJANG UJANG."""
    heard = lexicon.words["phonetic"][word]
    stays = np.ones(len(word), dtype=bool)
    stays[1:] = (heard[1:] != heard[:-1]) | (row[1:] != row[:-1])
    return (word, row) if stays.all() else (word[stays], row[stays])


def _said(lexicon: Lexicon, word: Places, row: Places, rows: int) -> pa.Table:
    words = lexicon.words
    count = np.bincount(row, minlength=rows)
    ends = np.concatenate([[0], np.cumsum(count)])
    there = np.flatnonzero(count)
    starts, lasts = ends[there], ends[there + 1] - 1
    nothing = count == 0
    heard = words["phonetic"][word]

    def column(values: Hashes) -> pa.Array:
        """A value for each row that has words."""
        whole = np.zeros(rows, dtype=np.uint64)
        whole[there] = values
        return pa.array(whole, mask=nothing)

    place = np.arange(len(word)) - np.repeat(starts, count[there])
    rank = words["rank"][word].astype(np.int64) * MOST + place
    informative = heard[starts + (np.minimum.reduceat(rank, starts) % MOST if len(starts) else 0)]
    spelt = words["rank"][word] < INITIAL
    told = (spelt | ~_any(spelt, row)) & (place < KEPT) if not spelt.all() else place < KEPT
    return pa.table(
        [
            _texts(lexicon.texts.take(pa.array(word)), ends, nothing),
            column(mix(_sums(words["mixed"][word], starts))),
            column(mix(_skeletons(words, word, row, starts, lasts))),
            column(informative),
            column(heard[lasts]),
            _lists(heard[told], np.bincount(row[told], minlength=rows), nothing),
            _nicks(words["nick"][word], row, nothing),
        ],
        schema=COLUMNS,
    )


def _texts(texts: pa.StringArray, ends: Places, nothing: Marks) -> pa.Array:
    lists = pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), texts, mask=pa.array(nothing))
    return pc.binary_join(lists, " ")


def _skeletons(words: np.ndarray, word: Places, row: Places, starts: Places, lasts: Places) -> Hashes:
    """Σ byte × BASE^(bytes that follow) over each row's skeletons as one text, equal neighbours once."""
    if not len(word):
        return np.empty(0, dtype=np.uint64)
    folds = np.zeros(len(word), dtype=bool)
    folds[1:] = (words["first"][word][1:] == words["last"][word][:-1]) & (row[1:] == row[:-1])
    value = np.where(folds, words["behind"][word], words["skeleton"][word])
    read = np.cumsum(words["length"][word] - folds)
    follow = np.repeat(read[lasts], lasts - starts + 1) - read
    whole = np.diff(read[lasts], prepend=0)
    powers = powers_of_base(whole.max())
    breath: Hashes = words["breath"][word[starts]] * powers[whole]
    end: Hashes = words["end"][word[lasts]]
    return _sums(value * powers[follow], starts) + breath + end


def _lists(values: Hashes, count: Places, nothing: Marks) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, pa.uint64()), mask=pa.array(nothing))


def _nicks(nick: Places, row: Places, nothing: Marks) -> pa.Array:
    short = np.flatnonzero(nick)
    begin = NICK_BEGINS[nick[short]]
    count = NICK_BEGINS[nick[short] + 1] - begin
    full = NICK_WORDS[_ranges(begin, count, np.concatenate([[0], np.cumsum(count)]))]
    many = np.bincount(row[short], weights=count, minlength=len(nothing)).astype(np.int64)
    return _lists(full, many, nothing)


# --- Rows as segments ------------------------------------------------------------------------------------------------


def _ranges(begin: Places, count: Places, ends: Places) -> Places:
    """`begin`, `begin` + 1, … `count` of them, for each; `ends` counts them so far, from 0."""
    return np.arange(ends[-1]) + np.repeat(begin - ends[:-1], count)


def _sums(values: NDArray[N], starts: Places) -> NDArray[N]:
    return np.add.reduceat(values, starts) if len(starts) else np.empty(0, dtype=values.dtype)


def _is(kind: NDArray[np.uint16], which: Kind) -> Marks:
    marks: Marks = (kind & np.uint16(which)) != 0
    return marks


def _starts(row: Places) -> Places:
    return np.flatnonzero(np.diff(row, prepend=-1))


def _place(row: Places) -> Places:
    """The place of each word in its row, from 0."""
    starts = _starts(row)
    return np.arange(len(row)) - np.repeat(starts, np.diff(starts, append=len(row)))


def _before(marked: Marks, row: Places, *, itself: bool = False) -> Places:
    """How many of the row's words before this one (and this one `itself`) are marked."""
    so_far: Places = np.cumsum(marked)
    starts = _starts(row)
    outside: Places = np.repeat(so_far[starts] - marked[starts], np.diff(starts, append=len(row)))
    return so_far - outside if itself else so_far - outside - marked


def _sum(marked: Marks, row: Places) -> Places:
    """How many of the row's words are marked, told to each of them."""
    starts = _starts(row)
    return np.repeat(_sums(marked.astype(np.int64), starts), np.diff(starts, append=len(row)))


def _any(marked: Marks, row: Places) -> Marks:
    return _sum(marked, row) > 0


def _shifted(marked: Marks, row: Places, by: int) -> Marks:
    """Whether the row's word `by` places before (1) or behind (-1) is marked."""
    moved, same = np.zeros(len(row), dtype=bool), row[1:] == row[:-1]
    if by == 1:
        moved[1:] = marked[:-1] & same
    else:
        moved[:-1] = marked[1:] & same
    return moved
