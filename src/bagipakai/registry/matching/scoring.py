"""Pairs scored by the model: the place of each comparison's level by `levels`, their bits by `weighing`.

The naive reference beside it is in tests/registry/matching/test_scoring.py, and Splink scores the same pairs there.
"""

from collections.abc import Mapping

import pyarrow as pa

from bagipakai.registry.matching.levels import Side, levels
from bagipakai.registry.matching.model import Model
from bagipakai.registry.matching.records import filled
from bagipakai.registry.matching.weighing import Weighing

PLACES = ("desa", "kec", "kab")
LEAST_SHARED = 1e-9  # a place of the list where nobody of the registry lives proves no more than this


class Scorer:
    """Scores the pairs of one list. `people`: persons in the registry; `share`: of the list's persons, the part that
    is expected among those that it is compared with: `among` of them, or the registry's; `met`: see `shared`."""

    def __init__(
        self,
        model: Model,
        people: int,
        share: float,
        met: Mapping[str, float],
        among: int | None = None,
    ) -> None:
        least = {place: max(met[place], LEAST_SHARED) for place in PLACES}
        self._weighing = Weighing(model, people, share, least, among or people)
        self.prior = self._weighing.prior

    def compare(self, rows: pa.Table) -> None:
        """These are the rows of the list that `list_row` counts, from now on."""
        self._rows = Side(rows)

    def scored(self, persons: pa.Table, pairs: pa.Table) -> pa.Table:
        """`pairs` has `list_row` (a place in the rows), `ordinal` and `person` (a place in `persons`). Come back as
        they stand, with `level_…` (uint8), `bits_…` and `score` (bits)."""
        person = pairs["person"].to_numpy()
        found = levels(self._rows, Side(persons), pairs["list_row"].to_numpy(), person)
        bits = self._weighing.bits(found, filled(persons["name_frequency"], 0)[person])
        told = {name: pairs[name] for name in ("list_row", "ordinal")}
        told |= {f"level_{name}": pa.array(values) for name, values in found.items()}
        return pa.table(told | {name: pa.array(values) for name, values in bits.items()})


def shared(rows: pa.Table, lived_in: Mapping[str, Mapping[int, int]]) -> dict[str, float]:
    """How often a row and a person share a place by chance. `lived_in`: for desa, kec, kab, how many persons of the
    registry live in each; rows that tell no place do not count."""
    found = {}
    for place in PLACES:
        there, everybody = lived_in[place], sum(lived_in[place].values())
        told = {one["values"].as_py(): one["counts"].as_py() for one in rows[place].drop_null().value_counts()} or there
        pairs = sum(told.values()) * everybody
        found[place] = sum(many * there.get(code, 0) for code, many in told.items()) / pairs if pairs else 1.0
    return found
