"""From drawn numbers to Arrow columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.variables import Catalogue, Type
from bagipakai.registry.synthesis.dice import NONE

_FOUR = np.frombuffer("".join(f"{at:04d}" for at in range(10_000)).encode(), dtype="<u4")


@dataclass(frozen=True)
class Wholes:
    """Whole numbers, or days since 1970 for a date, and where they are not recorded."""

    values: np.ndarray
    missing: np.ndarray | None = None


def finish(drawn: "Mapping[str, np.ndarray | Wholes]", catalogue: Catalogue) -> dict[str, pa.Array]:
    """Columns by name: for a coded variable, places in its code list; for yes or no, 1 or 0; NONE is missing."""
    made = {}
    for name, values in drawn.items():
        variable = catalogue[name]
        if isinstance(values, Wholes):
            kept = values.values.astype(np.int64 if variable.type is Type.INTEGER else np.int32)
            made[name] = pa.array(kept, mask=values.missing)
            if variable.type is Type.DATE:
                made[name] = made[name].cast(pa.date32())
        elif variable.type is Type.BOOLEAN:
            made[name] = pa.array(values != 0, mask=values == NONE)
        else:
            made[name] = listed(values, texts(tuple(variable.codes or ())), values == NONE)
    return made


def listed(places: np.ndarray, found: pa.Array, missing: np.ndarray | None = None) -> pa.DictionaryArray:
    """Texts by their place in a list."""
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32), mask=missing), found)


@lru_cache(maxsize=1024)
def texts(values: tuple[str, ...]) -> pa.StringArray:
    return pa.array(values)


def digits(values: np.ndarray, length: int) -> pa.StringArray:
    """Whole numbers as text of exactly `length` digits, a multiple of four up to 16, with leading zeros."""
    text = np.empty((len(values), length // 4), dtype="<u4")
    rest = values.astype(np.int64)
    for place in range(length // 4 - 1, -1, -1):
        higher = rest // 10_000
        text[:, place] = _FOUR[rest - higher * 10_000]
        rest = higher
    ends = np.arange(0, length * (len(values) + 1), length, dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(text))


def without(found: pa.Array, missing: np.ndarray) -> pa.Array:
    """The same with nothing where `missing`."""
    return pc.if_else(pa.array(missing), pa.scalar(None, found.type), found)
