"""Who was in a package: one compressed bitmap of person ordinals per delivery, kept by the registry, never delivered.

From it, and from the release's own order of persons, a citizen's question "who received data about me" is answered
later (law reference §8) without a second copy of anybody's data. Ordinals are those of one release; the file's name
says which package, the package's manifest says which release.
"""

import os
from array import array
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyroaring import BitMap


class Membership:
    """The persons of one package, collected while its rows stream by."""

    def __init__(self) -> None:
        self._members = BitMap()

    def add_persons(self, ordinals: pa.Array) -> None:
        """`ordinals`: the person ordinal of each row, in any order, without nulls."""
        self._members |= _bitmap(_ordinals(ordinals))

    def add_families(self, first_ordinals: pa.Array, member_counts: pa.Array) -> None:
        """One range of persons per family: `member_counts[i]` ordinals from `first_ordinals[i]` on."""
        first, count = _ordinals(first_ordinals), _ordinals(member_counts)
        ends = np.cumsum(count, dtype=np.int64)
        starts = np.repeat(first.astype(np.int64) - (ends - count), count)
        self._members |= _bitmap((starts + np.arange(len(starts))).astype(np.uint32))

    def __len__(self) -> int:
        """How many persons."""
        return len(self._members)

    def between(self, first: int, end: int) -> int:
        """How many of them have ordinals first..end-1."""
        return int(self._members.range_cardinality(first, end))

    def __contains__(self, ordinal: int) -> bool:
        return ordinal in self._members

    def write(self, file: Path) -> None:
        """Stores the bitmap at `file`, whole or not at all (portable Roaring format)."""
        self._members.run_optimize()
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(self._members.serialize())
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)

    @classmethod
    def read(cls, file: Path) -> "Membership":
        """Raises OSError if there is none, ValueError if the file is damaged."""
        found = cls()
        found._members = BitMap.deserialize(file.read_bytes())
        return found


def _bitmap(ordinals: np.ndarray) -> BitMap:
    """Handed over as a block of memory: a NumPy array the library would read number by number."""
    return BitMap(array("I", ordinals.tobytes()))


def _ordinals(numbers: pa.Array) -> np.ndarray:
    """As 32-bit numbers. Raises OverflowError beyond 2^32: the nation has fewer persons than that."""
    if len(numbers) and numbers.null_count:
        raise ValueError("an ordinal is missing")
    values: np.ndarray = numbers.to_numpy(zero_copy_only=False)
    if len(values) and (values.min() < 0 or values.max() >= 2**32):
        raise OverflowError("an ordinal beyond 32 bits")
    small: np.ndarray = values.astype(np.uint32)
    return small
