"""Rows that are alike, counted as they leave: what one more reading of the release would tell (`Engine.groups`).

Each row becomes one whole number, the places of its values among those met so far; equal numbers lie side by side once
they are sorted. A table of all classes would grow with the nation, so a class is forgotten but for its size once its
regency has passed: rows leave in release order, one regency after another.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.disclosure.measures import Anonymity
from bagipakai.registry.engines import EngineError

AT_ONCE = 1_048_576  # rows that are compared together, or more where as many classes wait for their regency's end
REGENCY = 4  # digits of its code, with which that of each smaller place begins
PLACES = ("kode_desa", "kode_kec", "kode_kab")
LARGEST = 2**62


class Alike:
    """Of rows that are alike in the columns `by`: how many classes there are, and how many of fewer than `smallest`
    rows. Unknown is a value, alike to unknown. In one thread at a time."""

    def __init__(self, by: tuple[str, ...], smallest: int) -> None:
        self._by, self._smallest = by, smallest
        self._known: list[dict[object, int]] = [{} for _ in by]  # value → its place, by column
        self._place = next((by.index(name) for name in PLACES if name in by), None)
        self._last = ""  # the regency of the last row that told one
        self._passed: set[str] = set()
        self._sizes: Counter[int] = Counter()  # of classes that are complete: rows → classes
        self._keep([np.empty(0, np.uint16) for _ in by], np.empty(0, np.int64))

    def passing(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`batch`, counted. Raises EngineError where rows are in another order than a release's."""
        for name, known, waiting in zip(self._by, self._known, self._waiting, strict=True):
            column = pc.dictionary_encode(batch.column(name), null_encoding="encode")
            places = [known.setdefault(value, len(known)) for value in column.dictionary.to_pylist()]
            held = np.array(places, np.uint16 if len(known) <= 2**16 else np.uint32)
            waiting.append(held[column.indices.to_numpy()])
        self._rows.append(np.ones(batch.num_rows, np.int64))
        self._many += batch.num_rows
        if self._place is not None and len(told := batch.column(self._by[self._place]).drop_null()):
            self._last = _regency(told[-1].as_py())
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
        numbers = _one_number(columns, [len(known) for known in self._known])
        order = np.argsort(numbers)
        numbers = numbers[order]
        first = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
        sizes = np.add.reduceat(rows[order], first)
        columns = [] if at_end else [column[order[first]] for column in columns]
        complete = np.ones(len(first), dtype=bool) if at_end else self._complete(columns)
        for size, classes in zip(*np.unique(sizes[complete], return_counts=True), strict=True):
            self._sizes[int(size)] += int(classes)
        self._keep([column[~complete] for column in columns], sizes[~complete])

    def _complete(self, columns: list[np.ndarray]) -> np.ndarray:
        """Which classes no row can join any more. Where rows tell no place, or theirs is unknown, that is none."""
        if self._place is None:
            return np.zeros(len(columns[0]), dtype=bool)
        regencies = np.array([_regency(value) for value in self._known[self._place]])[columns[self._place]]
        complete: np.ndarray = (regencies != self._last) & (regencies != "")
        passed = set(np.unique(regencies[complete]).tolist())
        if passed & self._passed:
            raise EngineError("a regency that came twice")
        self._passed |= passed
        return complete


def _regency(place: object) -> str:
    return "" if place is None else str(place)[:REGENCY]


def _one_number(columns: list[np.ndarray], widths: list[int]) -> np.ndarray:
    """Equal for rows that are equal in all columns, of each of which the values are below its width."""
    numbers, span = np.zeros(len(columns[0]), np.int64), 1
    for column, width in zip(columns, widths, strict=True):
        if span * width > LARGEST:
            numbers = np.unique(numbers, return_inverse=True)[1]
            span = len(numbers)
        numbers, span = numbers * width + column, span * width
    return numbers
