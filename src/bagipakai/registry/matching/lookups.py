"""Numbers that are found by their upper bits, however many there are: sorted, sealed, in buckets.

An entry is 64 bits: a hash above, what is told of it below. Entries lie ascending in one sealed array; a second one
says where each bucket, a stretch of equal high bits with about five entries, begins. So any number of hashes are found
by two gathers, and the cost follows what is asked. Making one takes a fixed amount of memory: stretches are sorted and
laid down aside, sealed too, and brought together range by range.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bagipakai.registry.matching.arrays import Numbers, Sealed, Writer, Written, write
from bagipakai.registry.vault import ShelfKey

ROOM: Final = 2**20  # entries that are held in memory before they are laid down
FINEST: Final = 4_096  # into how many ranges what was laid down can be cut
RANGE: Final = 2**20  # entries that are sorted together at the end, about
BUCKET: Final = 6  # entries in a bucket, on average, at most


class Ascending:
    """Entries that come in any order and leave in order, a range at a time. What exceeds the room lies in `folder`."""

    def __init__(self, folder: Path, name: str, key: ShelfKey, room: int = ROOM) -> None:
        self._folder, self._name, self._key, self._room = folder, name, key, room
        self._held: list[Numbers] = []
        self._free = room
        self._laid: list[tuple[Sealed, Numbers]] = []
        self.count = 0

    def add(self, entries: Numbers) -> None:
        self._held.append(entries)
        self._free -= len(entries)
        self.count += len(entries)
        if self._free < 0:
            self._lay_down()

    def ranges(self, count: int) -> Iterator[Numbers]:
        """All entries, ascending, in so many ranges (a power of two, at most FINEST) of equal width."""
        rest = self._sorted()
        cuts, each = _cuts(rest, count), FINEST // count
        for at in range(count):
            pieces = [sealed.span(laid[at * each], laid[(at + 1) * each]) for sealed, laid in self._laid]
            whole = np.concatenate([*pieces, rest[cuts[at] : cuts[at + 1]]])
            whole.sort()
            yield whole

    def _lay_down(self) -> None:
        entries, name = self._sorted(), f"{self._name}.{len(self._laid)}"
        told = write(self._folder / name, entries, self._key, name)
        sealed = Sealed(self._folder / name, np.uint64, self._key, name, told)
        self._laid.append((sealed, _cuts(entries, FINEST)))

    def _sorted(self) -> Numbers:
        entries = np.concatenate(self._held) if self._held else np.empty(0, np.uint64)
        self._held, self._free = [], self._room
        entries.sort()
        return entries


def _cuts(entries: Numbers, count: int) -> Numbers:
    """Where each of so many ranges begins among ascending entries, and the end."""
    begins = np.array([at * 2**64 // count for at in range(count)], np.uint64)
    return np.append(np.searchsorted(entries, begins), len(entries))


def write_lookup(
    folder: Path, name: str, key: ShelfKey, entries: Ascending, kept: Callable[[Numbers], Numbers]
) -> dict[str, Written]:
    """Writes what `kept` leaves of the entries: it is given whole hashes, ascending, and gives them back ascending."""
    count = min(FINEST, _power_of_two(entries.count // RANGE))
    buckets = max(count, _power_of_two(entries.count // BUCKET))
    content, starts = f"{name}.keys", f"{name}.starts"
    numbers = Writer(folder / content, np.uint64, key, content)
    begins = Writer(folder / starts, np.uint32, key, starts)
    each, before = buckets // count, 0
    for at, whole in enumerate(entries.ranges(count)):
        some = kept(whole)
        sizes = np.bincount(_bucket(some, buckets) - at * each, minlength=each)
        numbers.append(some)
        begins.append(before + np.cumsum(sizes) - sizes)
        before += len(some)
    begins.append(np.array([before]))
    return {content: numbers.close(), starts: begins.close()}


def _bucket(entries: Numbers, buckets: int) -> Numbers:
    """In which of so many buckets, a power of two, each entry lies."""
    if buckets == 1:
        return np.zeros(len(entries), np.int64)
    return (entries >> np.uint64(65 - buckets.bit_length())).astype(np.int64)


def _power_of_two(number: int) -> int:
    """The smallest that is not below `number`."""
    return 1 << (number - 1).bit_length() if number > 1 else 1


def firsts(hashes: Numbers) -> Numbers:
    """Where in ascending numbers each new one begins."""
    return np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]][: len(hashes)])


def sums(values: Numbers, begins: Numbers) -> Numbers:
    """Of what stands from each of `begins` up to the next one."""
    found: Numbers = np.add.reduceat(values, begins) if len(begins) else values[:0]
    return found


class Lookup:
    """Entries, opened for questions. `low`: how many bits below are no part of the hash. Raises like `Sealed`."""

    def __init__(self, folder: Path, name: str, key: ShelfKey, told: Mapping[str, Written], low: int) -> None:
        content, starts = f"{name}.keys", f"{name}.starts"
        self._numbers = Sealed(folder / content, np.uint64, key, content, told[content])
        self._starts = Sealed(folder / starts, np.uint32, key, starts, told[starts])
        self._buckets, self._low = len(self._starts) - 1, low

    def find(self, hashes: Numbers) -> tuple[Numbers, Numbers]:
        """Which of these hashes, in the upper bits of 64, are there, ascending and each as often as it is there; and
        what lies below it each time."""
        bucket = _bucket(hashes, self._buckets)
        ends = self._starts.ranges(bucket, bucket + 2).reshape(-1, 2).astype(np.int64)
        entries = self._numbers.ranges(ends[:, 0], ends[:, 1])
        which = np.repeat(np.arange(len(hashes)), ends[:, 1] - ends[:, 0])
        found = np.flatnonzero((entries ^ hashes[which]) >> np.uint64(self._low) == 0)
        return which[found], entries[found] & np.uint64(2**self._low - 1)
