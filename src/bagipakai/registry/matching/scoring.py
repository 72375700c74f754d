"""Pairs scored by the model: the levels of each comparison as SQL that DuckDB runs, their bits by `weighing`.

The naive reference beside it is in tests/registry/matching/test_scoring.py, and Splink scores the same pairs there.
"""

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from bagipakai.registry.matching.comparisons import COMPARED, COMPARISONS, MADE, SIDE
from bagipakai.registry.matching.model import Model, levels_of
from bagipakai.registry.matching.weighing import Weighing, in_order

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
        threads: int = 2,
        among: int | None = None,
    ) -> None:
        least = {place: max(met[place], LEAST_SHARED) for place in PLACES}
        self._weighing = Weighing(model, people, share, least, among or people)
        self.prior = self._weighing.prior
        self.con = duckdb.connect(config={"threads": threads, "memory_limit": "512MB"})

    def __enter__(self) -> "Scorer":
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def compare(self, rows: pa.Table) -> None:
        """These are the rows of the list that `list_row` counts, from now on."""
        self._side("l", rows, COMPARED)

    def scored(self, persons: pa.Table, pairs: pa.Table) -> pa.Table:
        """`pairs` has `list_row` (a place in the rows), `ordinal` and `person` (a place in `persons`). Comes back with
        `level_…`, `bits_…` and `score` (bits), in order of row, then score, the best first, then ordinal."""
        con = self.con
        self._side("r", persons, (*COMPARED, "name_frequency"))
        columns = ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in COMPARED)
        con.register("given", pairs)
        found = con.sql(
            f"""
            WITH
            pairs AS (
                SELECT given.list_row, given.ordinal, {columns}, r.name_frequency AS name_frequency_r
                FROM given
                JOIN side_l AS l ON l.place = given.list_row
                JOIN side_r AS r ON r.place = given.person
            )
            {levels_of("pairs")}
            """  # noqa: S608  # our own words
        ).to_arrow_table()
        con.unregister("given")
        levels = {one.name: found[f"level_{one.name}"].to_numpy() for one in COMPARISONS}
        bits = self._weighing.bits(levels, found["name_frequency_r"].to_numpy())
        told = found.drop_columns(["name_frequency_r"])
        for name, values in bits.items():
            told = told.append_column(name, pa.array(values))
        return in_order(told)

    def _side(self, side: str, table: pa.Table, columns: Sequence[str]) -> None:
        given = table.select([name for name in columns if name not in MADE])
        self.con.register("given", given.append_column("place", pa.array(np.arange(len(given)))))
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE side_{side} AS {SIDE.format(rows='given')}")
        self.con.unregister("given")


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
