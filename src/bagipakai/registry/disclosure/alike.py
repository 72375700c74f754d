"""Rows that are alike, counted as they leave: what one more reading of the release would tell (`Engine.groups`).

Each row becomes one whole number, the places of its values among those met so far; equal numbers lie side by side once
they are sorted. Where rows tell their regency, or a smaller place, a class is forgotten but for its size once the
regency has passed, or a table of them would grow with the nation: rows leave in release order, one regency after
another. What tells no such place is counted by an engine, which can spill.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.disclosure.measures import Anonymity
from bagipakai.registry.engines import EngineError

AT_ONCE = 1_048_576  # rows that are compared together, or more where as many classes wait for their regency's end
REGENCY = "kode_kab"  # publishing proves it of each row
PLACES = frozenset({REGENCY, "kode_kec", "kode_desa"})
LARGEST = 2**62


class Alike:
    """Of rows that are alike in the columns `by`, which tell their regency or a smaller place: how many classes there
    are, and how many of fewer than `smallest` rows. Unknown is a value, alike to unknown; rows of two regencies are not
    alike, even where one of them tells a district of the other's. In one thread at a time."""

    def __init__(self, smallest: int, by: tuple[str, ...] = ()) -> None:
        """Without `by`, of what is counted otherwise (`counted`) alone."""
        self._smallest = smallest
        self._by = (REGENCY, *(name for name in by if name != REGENCY)) if by else ()
        self._known: list[dict[object, int]] = [{} for _ in self._by]  # value → its place, by column
        self._passed: set[int] = set()  # regencies, by place
        self._sizes: Counter[int] = Counter()  # of classes that are complete: rows → classes
        self._keep([np.empty(0, np.uint16) for _ in self._by], np.empty(0, np.uint32))

    @staticmethod
    def can_count(by: Iterable[str]) -> bool:
        """Whether rows are told apart by regency at least."""
        return not PLACES.isdisjoint(by)

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that a batch must have."""
        return self._by

    def counted(self, sizes: pa.Array) -> None:
        """Takes classes that were counted otherwise, each by its number of rows."""
        self._sizes.update(sizes.to_pylist())

    def passing(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`batch`, counted. Raises EngineError, at the latest in `evidence`, where rows come in another order than a
        release's."""
        if not self._by or not batch.num_rows:
            return batch
        for name, known, waiting in zip(self._by, self._known, self._waiting, strict=True):
            column = pc.dictionary_encode(batch.column(name), null_encoding="encode")
            places = [known.setdefault(value, len(known)) for value in column.dictionary.to_pylist()]
            held = np.array(places, np.uint16 if len(known) <= 2**16 else np.uint32)
            waiting.append(held[column.indices.to_numpy()])
        self._rows.append(np.ones(batch.num_rows, np.uint32))
        self._many += batch.num_rows
        if self._many >= self._room:
            self._compare(at_end=False)
        return batch

    @property
    def evidence(self) -> dict[str, int]:
        """After the last row, in the words of core.evidence. Raises EngineError."""
        self._compare(at_end=True)
        found = Anonymity.of(self._sizes, self._smallest)
        return {
            "smallest_class": self._smallest,
            "classes": found.classes,
            "small_classes": found.classes_below,
            "rows_in_small_classes": found.units_below,
        }

    def _keep(self, columns: Iterable[np.ndarray], rows: np.ndarray) -> None:
        """The classes that others may join yet, or rows that no other was compared with: the places of their values by
        column, and how many rows they are."""
        self._waiting = [[column] for column in columns]
        self._rows, self._many = [rows], len(rows)
        self._room = max(AT_ONCE, 2 * len(rows))

    def _compare(self, at_end: bool) -> None:
        if not self._many:
            return
        columns, rows = [np.concatenate(waiting) for waiting in self._waiting], np.concatenate(self._rows)
        self._waiting, self._rows = [], []  # or a large regency is held twice
        last = int(columns[0][-1])
        numbers = _one_number(columns, [len(known) for known in self._known])
        order = np.argsort(numbers)
        numbers = numbers[order]
        first = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
        del numbers
        sizes, which = np.add.reduceat(rows[order], first), order[first]
        regencies = columns[0][which]
        complete = (regencies != last) | at_end
        passed = set(np.unique(regencies[complete]).tolist())
        if passed & self._passed:
            raise EngineError("a regency that came twice")
        self._passed |= passed
        for size, classes in zip(*np.unique(sizes[complete], return_counts=True), strict=True):
            self._sizes[int(size)] += int(classes)
        self._keep([column[which[~complete]] for column in columns], sizes[~complete])


def _one_number(columns: list[np.ndarray], widths: list[int]) -> np.ndarray:
    """Equal for rows that are equal in all columns, of each of which the values are below its width."""
    numbers, span = np.zeros(len(columns[0]), np.int64), 1
    for column, width in zip(columns, widths, strict=True):
        if span * width > LARGEST:
            numbers = np.unique(numbers, return_inverse=True)[1]
            span = len(numbers)
        numbers, span = numbers * width + column, span * width
    return numbers
