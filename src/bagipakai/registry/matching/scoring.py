"""Pairs scored by the model: the place of each comparison's level by `levels`, their bits by `weighing`.

The naive reference beside it is in tests/registry/matching/test_scoring.py, and Splink scores the same pairs there.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.comparisons import BORN, COMPARISONS, NAME, NIK, SEX
from bagipakai.registry.matching.levels import Side, levels, possible_homes, possible_names
from bagipakai.registry.matching.model import Model
from bagipakai.registry.matching.weighing import BY_NAME, Weighing

PLACES = ("desa", "kec", "kab")
LEAST_SHARED = 1e-9  # a place of the list where nobody of the registry lives proves no more than this

Stay: TypeAlias = Callable[[pa.Table, Numbers], Numbers]


class Scorer:
    """Scores the pairs of one list. `people`: persons in the registry; `share`: of the list's persons, the part that
    is expected among those that it is compared with: `among` of them, or the registry's; `met`: see `shared`; `borne`:
    how many persons of the registry bear each of these names."""

    def __init__(
        self,
        model: Model,
        people: int,
        share: float,
        met: Mapping[str, float],
        borne: Callable[[pa.StringArray], Numbers],
        among: int | None = None,
    ) -> None:
        least = {place: max(met[place], LEAST_SHARED) for place in PLACES}
        self._weighing = Weighing(model, people, share, least, among or people)
        self.prior = self._weighing.prior
        self._borne = borne

    def compare(self, rows: pa.Table) -> None:
        """These are the rows of the list that `list_row` counts, from now on."""
        self._rows = Side(rows)

    def scored(self, persons: Side, pairs: pa.Table, stay: Stay | None = None) -> pa.Table:
        """`pairs` has `list_row` (a place in the rows), `ordinal` and `person` (a place in `persons`). Come back as
        they stand, with `level_…` (uint8), `bits_…` and `score` (bits). `stay` says, of pairs and what their scores do
        not exceed, which of them come back: asked before names are opened, and again before mothers' names are."""
        found = levels(self._rows, persons, *_places(pairs), (NIK, BORN, SEX))
        if stay is not None:
            pairs, found = self._in_question(persons, pairs, found, stay)
        found |= levels(self._rows, persons, *_places(pairs), [one for one in COMPARISONS if one.name not in found])
        found = {one.name: found[one.name] for one in COMPARISONS}
        _, person = _places(pairs)
        bits = self._weighing.bits(found, self._frequencies(persons, person, found[NAME.name] == BY_NAME))
        told = {name: pairs[name] for name in ("list_row", "ordinal")}
        told |= {f"level_{name}": pa.array(values) for name, values in found.items()}
        return pa.table(told | {name: pa.array(values) for name, values in bits.items()})

    def _in_question(
        self, persons: Side, pairs: pa.Table, found: dict[str, Numbers], stay: Stay
    ) -> tuple[pa.Table, dict[str, Numbers]]:
        """The pairs that stay, and their levels as far as they are known then."""
        of_names, known = self._weighing.names_at_most(), self._weighing.without_names(found)
        homes = self._weighing.homes_at_most(possible_homes(self._rows, persons, *_places(pairs)))
        which, sets = possible_names(self._rows, persons, *_places(pairs))
        kept = stay(pairs, known + homes + np.array([of_names[levels].max() for levels in sets])[which])
        pairs, known, found = pairs.filter(pa.array(kept)), (known + homes)[kept], _of_these(found, kept)
        found |= levels(self._rows, persons, *_places(pairs), (NAME,))
        kept = stay(pairs, known + of_names[found[NAME.name]])
        return pairs.filter(pa.array(kept)), _of_these(found, kept)

    def _frequencies(self, persons: Side, person: Numbers, asked: Numbers) -> Numbers:
        """How many bear the name of each of these persons, where that is asked; else 0."""
        found = np.zeros(len(person), np.int64)
        met, at = np.unique(person[asked], return_inverse=True)
        told = persons.texts("name", met).dictionary_encode()
        found[asked] = self._borne(told.dictionary)[told.indices.to_numpy()][at]
        return found


def _of_these(found: Mapping[str, Numbers], kept: Numbers) -> dict[str, Numbers]:
    return {name: levels[kept] for name, levels in found.items()}


def _places(pairs: pa.Table) -> tuple[Numbers, Numbers]:
    return pairs["list_row"].to_numpy(), pairs["person"].to_numpy()


def shared(rows: pa.Table, lived_in: Mapping[str, Mapping[int, int]]) -> dict[str, float]:
    """How often a row and a person share a place by chance. `lived_in`: for desa, kec, kab, how many persons of the
    registry live in each; rows that tell no place do not count."""
    found = {}
    for place in PLACES:
        there, everybody = lived_in[place], sum(lived_in[place].values())
        counts = rows[place].drop_null().value_counts()
        told = dict(zip(*(counts.field(part).to_pylist() for part in ("values", "counts")), strict=True)) or there
        pairs = sum(told.values()) * everybody
        found[place] = sum(many * there.get(code, 0) for code, many in told.items()) / pairs if pairs else 1.0
    return found
