"""A release in stretches that are worked on one at a time: small regencies together, large ones cut between
households. So memory follows none of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.releases import Release


@dataclass(frozen=True)
class Stretch:
    """The regencies in which it lies; its persons and households: from the first to before the last number of each."""

    regencies: tuple[str, ...]
    persons: tuple[int, int]
    households: tuple[int, int]


@dataclass(frozen=True)
class Stretched:
    """A release that is read in stretches of about so many persons, `least`."""

    release: Release
    storage: StorageKey
    least: int

    @cached_property
    def large(self) -> frozenset[str]:
        """The regencies that are cut."""
        spans = self._spans[Unit.INDIVIDU].items()
        return frozenset(kab for kab, (start, end) in spans if end - start > 2 * self.least)

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """In the order of the release. Raises Damaged."""
        return tuple(self._cut())

    def _cut(self) -> Iterator[Stretch]:
        waiting: list[str] = []
        first = at = (0, 0)
        for kab, (start, end) in self._spans[Unit.INDIVIDU].items():
            after = end, self._spans[Unit.KELUARGA][kab][1]
            if waiting and (kab in self.large or start - first[0] >= self.least):
                yield Stretch(tuple(waiting), (first[0], at[0]), (first[1], at[1]))
                waiting, first = [], at
            if kab in self.large:
                yield from self._within(Stretch((kab,), (at[0], after[0]), (at[1], after[1])))
                first = after
            else:
                waiting.append(kab)
            at = after
        if waiting:
            yield Stretch(tuple(waiting), (first[0], at[0]), (first[1], at[1]))

    def _within(self, whole: Stretch) -> Iterator[Stretch]:
        """A large regency between its households."""
        begins = self.read(Unit.KELUARGA, whole, "first_ordinal")["first_ordinal"].to_numpy()
        cuts = firsts((begins - whole.persons[0]) // self.least)
        persons = [*begins[cuts].tolist(), whole.persons[1]]
        households = [*(whole.households[0] + cuts).tolist(), whole.households[1]]
        for mine, theirs in zip(pairwise(persons), pairwise(households), strict=True):
            yield Stretch(whole.regencies, mine, theirs)

    @cached_property
    def _spans(self) -> dict[Unit, dict[str, tuple[int, int]]]:
        """By unit and regency: from which number to before which one its rows go."""
        return {unit: {kab: (rows.start, rows.stop) for kab, rows in self.release.regencies(unit)} for unit in Unit}

    def read(self, unit: Unit, stretch: Stretch, *names: str) -> pa.Table:
        """The rows of a stretch, of these columns or all. Raises Damaged."""
        wanted = stretch.persons if unit is Unit.INDIVIDU else stretch.households
        found = []
        with self.release.reading(self.storage, unit, stretch.regencies) as shelf:
            for part in shelf.parts:
                start, end = self._spans[unit][part.regencies[0]][0], self._spans[unit][part.regencies[-1]][1]
                low, high = max(wanted[0], start) - start, min(wanted[1], end) - start
                with shelf.open(part.path) as file:
                    found.append(_between(file, low, high, list(names) or None))
        return pa.concat_tables(found).combine_chunks()


def _between(file: Any, low: int, high: int, names: Sequence[str] | None) -> pa.Table:
    """These rows of a file, of which only the row groups are read in which they lie."""
    with pq.ParquetFile(file) as parquet:
        counts = [parquet.metadata.row_group(at).num_rows for at in range(parquet.metadata.num_row_groups)]
        begins = np.cumsum([0, *counts])
        groups = [at for at in range(len(counts)) if begins[at] < high and begins[at + 1] > low]
        if not groups:
            empty = parquet.schema_arrow.empty_table()
            return empty if names is None else empty.select(names)
        rows = parquet.read_row_groups(groups, columns=names)
    return rows.slice(low - int(begins[groups[0]]), high - low)


def spans(ordered: Numbers) -> Iterator[tuple[int, int]]:
    """Where each number of an ascending column begins and ends."""
    return pairwise([*firsts(ordered).tolist(), len(ordered)])
