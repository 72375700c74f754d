"""Where the values of a release in the making come from: one number for each row, and what the numbers mean."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from bagipakai.core.plan import Unit
from bagipakai.core.survivorship import MADE, Survival
from bagipakai.core.variables import Catalogue
from bagipakai.registry.lineage import Days, Lineage, Origin, Sets, Source
from bagipakai.registry.matching.arrays import Numbers

MOST: Final = 2**15 - 1  # numbers that the column `lineage` holds


class TooVaried(Exception):
    """More combinations of origins than a release can number."""


class Ledger:
    """Origins and combinations of them, numbered as they are met."""

    def __init__(self, before: Lineage, catalogue: Catalogue) -> None:
        self._before, self._catalogue = before, catalogue
        self._origins: dict[Origin, int] = {}
        self._words: dict[tuple[Unit, Survival], tuple[Numbers, Numbers]] = {}
        households = {one.name for one in catalogue.of_unit(Unit.KELUARGA)}
        self.names = {
            Unit.KELUARGA: [one.name for one in catalogue.of_unit(Unit.KELUARGA)],
            Unit.INDIVIDU: [one.name for one in catalogue.of_unit(Unit.INDIVIDU) if one.name not in households],
        }
        self._numbers: dict[Unit, dict[tuple[int, ...], int]] = {unit: {} for unit in Unit}
        self._rows: dict[Unit, Counter[int]] = {unit: Counter() for unit in Unit}
        self._known = {
            unit: np.array([self._before_in(unit, number) for number in range(len(before.values[unit]))], np.int32)
            for unit in Unit
        }

    def _before_in(self, unit: Unit, number: int) -> list[int]:
        return [self.place(one) for one in self._before.of_row(unit, number, self.names[unit]).values()]

    def place(self, origin: Origin) -> int:
        """The number of an origin."""
        return self._origins.setdefault(origin, len(self._origins))

    def days(self) -> Numbers:
        """The ordinal of the day of each origin."""
        return np.array([one.day.toordinal() for one in self._origins], np.int64)

    def words(self, unit: Unit, rule: Survival) -> tuple[Numbers, Numbers]:
        """Rank of the source and ordinal of the day of what the release before knows, by its number."""
        if (unit, rule) not in self._words:
            origins, places = list(self._origins), self._known[unit][:, self.names[unit].index(rule.variable)]
            ranks = np.array([rule.rank(one.source) for one in origins])
            self._words[unit, rule] = ranks[places], self.days()[places]
        return self._words[unit, rule]

    def numbered(self, unit: Unit, before: Numbers, told: dict[str, Numbers]) -> Numbers:
        """The number of each row: `before` is its number in the release before; `told`, by variable, the number of the
        origin that takes its place, or -1. Raises TooVaried."""
        keys = np.ascontiguousarray(np.stack([np.asarray(one, np.int32) for one in (before, *told.values())], axis=1))
        whole = keys.view(np.dtype((np.void, keys.dtype.itemsize * keys.shape[1]))).reshape(-1)
        _, first, which = np.unique(whole, return_index=True, return_inverse=True)
        at = [self.names[unit].index(name) for name in told]
        numbers = np.empty(len(first), np.int16)
        for one, row in enumerate(keys[first].tolist()):
            places = self._known[unit][row[0]].tolist()
            for column, place in zip(at, row[1:], strict=True):
                places[column] = place if place >= 0 else places[column]
            numbers[one] = self._number(unit, self._with_made(unit, places))
        found: Numbers = numbers[which]
        for number, rows in enumerate(np.bincount(found, minlength=0).tolist()):
            self._rows[unit][number] += rows
        return found

    def _with_made(self, unit: Unit, places: list[int]) -> tuple[int, ...]:
        """What is made of another value comes from where that does."""
        by_name = dict(zip(self.names[unit], places, strict=True))
        return tuple(by_name.get(MADE.get(name, ""), place) for name, place in by_name.items())

    def _number(self, unit: Unit, places: tuple[int, ...]) -> int:
        numbers = self._numbers[unit]
        if places not in numbers and len(numbers) > MOST:
            raise TooVaried
        return numbers.setdefault(places, len(numbers))

    @property
    def count(self) -> int:
        """Combinations of both tables."""
        return sum(map(len, self._numbers.values()))

    def lineage(self, sources: Iterable[Source]) -> Lineage:
        """Of the release that was numbered. `sources`: those of its sets; the others are as they were."""
        origins = list(self._origins)
        met: dict[int, int] = {}
        bundles: dict[tuple[str, ...], int] = {}
        told = {unit: self._told(unit, met, bundles) for unit in Unit}
        kept = tuple(origins[place] for place in met)
        of = {name: self._main(name) for name in self._catalogue}
        known = {one.id: one for one in (*self._before.sources, *sources)}
        wanted = {*of.values(), *(one.source for one in kept)}
        values: dict[Unit, Sequence[Days]] = {unit: [{}] * len(told[unit]) for unit in Unit}
        return Lineage(
            tuple(one for name, one in known.items() if name in wanted),
            of,
            values,  # without days of whole sources: every value has its own
            Sets(kept, tuple(bundles), told),
        )

    def _told(
        self, unit: Unit, met: dict[int, int], bundles: dict[tuple[str, ...], int]
    ) -> list[list[tuple[int, int]]]:
        found = []
        for places in self._numbers[unit] or [tuple(self._known[unit][0].tolist())]:
            by_origin: dict[int, list[str]] = {}
            for name, place in zip(self.names[unit], places, strict=True):
                by_origin.setdefault(place, []).append(name)
            found.append(
                [
                    (met.setdefault(place, len(met)), bundles.setdefault(tuple(names), len(bundles)))
                    for place, names in by_origin.items()
                ]
            )
        return found

    def _main(self, name: str) -> str:
        """The source of most values of a variable."""
        unit = Unit.KELUARGA if name in self.names[Unit.KELUARGA] else Unit.INDIVIDU
        at, origins, rows = self.names[unit].index(name), list(self._origins), Counter[str]()
        for places, number in self._numbers[unit].items():
            rows[origins[places[at]].source] += self._rows[unit][number]
        return min(rows, key=lambda source: (-rows[source], source), default=self._before.of[name])
