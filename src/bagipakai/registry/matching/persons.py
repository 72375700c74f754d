"""The registry's side of pairs: persons of an index, whose names are opened where a question needs their letters.

A record says of a name how it sounds, and that tells most pairs apart: nothing else of it is opened or looked at then.
"""

import numpy as np
import pyarrow as pa

from bagipakai.registry.matching import names
from bagipakai.registry.matching.arrays import Heap, Numbers
from bagipakai.registry.matching.levels import UNKNOWN, Side, Words, appended, flat, packed, packed_dates
from bagipakai.registry.matching.records import NONE, SOUNDS, flags_of


class Persons(Side):
    """The persons of these records, whose names lie in the heap."""

    def __init__(self, records: Numbers, heap: Heap) -> None:
        flags, region = flags_of(records), records["region"]
        numbers = {name: np.maximum(records[name], 0) for name in ("nik", "kk")}
        self.columns = {name: records[name] for name in SOUNDS} | {
            "number": numbers["nik"],
            "nik": packed(numbers["nik"], 16),
            "kk": np.where(flags["kk"] > 0, numbers["kk"], 0),
            "kk_15": numbers["kk"] // 10,
            "born": np.where(flags["born"] > 0, packed_dates(records["born"]), 0),
            "kab": np.where(flags["level"] >= 1, region // 10**6, 0),
            "kec": np.where(flags["level"] >= 2, region // 10**4, 0),
            "desa": np.where(flags["level"] >= 3, region, 0),
            "born_part": np.where(flags["born_part"] > 0, flags["born_part"], UNKNOWN),
        }
        self.columns |= {name: flags[name] for name in ("nik_sound", "nik_fits", "born_default", "sex", "length")}
        self.columns |= {name: records[name] for name in ("letters", "words")}
        self._names = {name: _Names(records[name], heap) for name in ("name", "mother")}
        self.columns |= {name: records[name] != NONE for name in self._names}

    def texts(self, name: str, at: Numbers) -> pa.StringArray:
        return self._names[name].texts(at)

    def words(self, name: str, at: Numbers) -> Words:
        whose, which = name.split("_")
        return self._names[whose].words(which, at)


class _Names:
    """Names by the places of persons. Each is opened once and its words are looked at once, when they are asked for."""

    def __init__(self, numbers: Numbers, heap: Heap) -> None:
        self._heap, self._numbers = heap, numbers
        self._opened, self._read = (np.full(len(numbers), -1) for _ in range(2))  # their places below, or -1
        self._texts = pa.array([], pa.string())
        self._words = {name: (np.zeros(1, np.uint64), np.zeros(1, np.int64)) for name in ("words", "nick")}

    def texts(self, at: Numbers) -> pa.StringArray:
        new = at[self._opened[at] < 0]
        if len(new):
            numbers, which = np.unique(self._numbers[new], return_inverse=True)
            self._opened[new] = len(self._texts) + which
            self._texts = pa.concat_arrays([self._texts, self._heap.take(numbers)])
        return self._texts.take(pa.array(self._opened[at]))

    def words(self, name: str, at: Numbers) -> Words:
        new = np.unique(at[self._read[at] < 0])
        if len(new):
            texts = self.texts(new).dictionary_encode()
            self._read[new] = len(self._words[name][1]) - 1 + texts.indices.to_numpy()
            told = names.normalised(texts.dictionary)
            self._words = {one: appended(so_far, flat(told[one])) for one, so_far in self._words.items()}
        words, begins = self._words[name]
        return words, begins[self._read[at]], begins[self._read[at] + 1]
