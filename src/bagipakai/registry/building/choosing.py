"""One variable of many rows decided by its rule, counted, and noted where the values come from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bagipakai.core.survivorship import Survival
from bagipakai.registry.building import surviving
from bagipakai.registry.building.lineages import Ledger
from bagipakai.registry.building.sets import Handed
from bagipakai.registry.building.surviving import Words
from bagipakai.registry.lineage import Origin
from bagipakai.registry.matching.arrays import Numbers

NEVER: Final = 1  # the day of what is not told


@dataclass(frozen=True)
class Rows:
    """What one source tells of each row: its columns, null where it tells nothing, and the ordinal of its day, NEVER
    where it has no row."""

    handed: Handed
    columns: dict[str, pa.Array]
    day: Numbers

    def words(self, rule: Survival, taken: Numbers | None = None) -> Words:
        """Its values of the rule's variable; of the rows `taken` (-1: nothing) where they are given."""
        values, day = self.columns[rule.variable], self.day
        if taken is not None:
            values = values.take(pa.array(taken, mask=taken < 0))
            day = np.where(taken < 0, NEVER, day[taken]) if len(day) else np.full(len(taken), NEVER)
        return Words(values, rule.rank(self.handed.source), day)


@dataclass(frozen=True, slots=True)
class Choice:
    """`values`; `origin`, the number of where each comes from now, or -1 where it is as it was; `changed`."""

    values: pa.Array
    origin: Numbers
    changed: Numbers


@dataclass
class Tally:
    """What the rules did: by variable, how many values of which source took the place of another or of none, and of
    how many rows the sources tell different values."""

    changed: dict[str, Counter[str]] = field(default_factory=dict)
    conflicts: Counter[str] = field(default_factory=Counter)

    def to_json(self, rules: Sequence[Survival]) -> dict[str, Any]:
        return {
            rule.variable: {
                "rule": rule.id,
                "way": rule.way.value,
                "changed": dict(sorted(self.changed.get(rule.variable, Counter()).items())),
                "conflicts": self.conflicts[rule.variable],
            }
            for rule in rules
        }


@dataclass(frozen=True)
class Chooser:
    """Decides variables by their rules, for one build."""

    ledger: Ledger
    tally: Tally

    def choose(
        self,
        rule: Survival,
        known: Words,
        told: Sequence[tuple[Handed, Words]],
        refused: Numbers | None = None,
    ) -> Choice:
        """`told` by the sources of the rule that handed in; `refused`: rows in which what is known stays anyhow."""
        nothing = np.zeros(len(known.values), bool)
        if not told:
            return Choice(known.values, np.full(len(nothing), -1), nothing)
        winners = surviving.survivors(rule, known, [words for _, words in told])
        if refused is not None:
            winners = np.where(refused, 0, winners)
        values = surviving.chosen(winners, known.values, [words.values for _, words in told])
        changed = surviving.changed(known.values, values)
        counts = self.tally.changed.setdefault(rule.variable, Counter())
        origin = np.full(len(winners), -1)
        for at, (handed, words) in enumerate(told, start=1):
            won = winners == at
            if won.any():
                origin[won] = self.origins(handed, np.broadcast_to(words.day, len(won))[won])
                counts[handed.source] += int((won & changed).sum())
        if len(told) > 1:
            self.tally.conflicts[rule.variable] += int(surviving.differing([words.values for _, words in told]).sum())
        return Choice(values, origin, changed)

    def origins(self, handed: Handed, days: Numbers) -> Numbers:
        """The numbers of what was told by a set on these days."""
        distinct, which = np.unique(days, return_inverse=True)
        places = [self.ledger.place(Origin(handed.source, handed.name, date.fromordinal(int(day)))) for day in distinct]
        return np.array(places)[which]
