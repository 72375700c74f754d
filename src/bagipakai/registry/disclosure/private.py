"""A table of counts under differential privacy (Dwork et al. 2006), concentrated (Bun and Steinke 2016): noise of the
discrete Gaussian (Canonne, Kamath and Steinke 2020), drawn by OpenDP, on every finest cell of a grid that does not
depend on anybody; margins are sums of what was published, so that they add up and cost nothing.

What is protected is a household: of each, no more than so many persons are counted, the first in the release's order,
so that all its people together move the finest counts by no more than that (in the Euclidean norm, too). The grid is
made of the catalogue's categories and the places of the area, whether anybody is there or not; who is in none of them
is not counted. Counts are signed: noise below zero stays, or small groups would seem larger than they are.

What this does not cover: counts of the same people that were published in other ways.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, nextafter, prod, sqrt
from typing import cast

import numpy as np
import pyarrow as pa

from bagipakai.core.base_categories import base_categories, table_filter
from bagipakai.core.canonical import digest
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import AREA_COLUMNS, Rows, Scalar
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.hierarchies import Hierarchy
from bagipakai.registry.disclosure.tables import Counts, TableRule, summed
from bagipakai.registry.engines import EngineError
from bagipakai.registry.regions import regions

_DIGITS = {column: digits for digits, column in AREA_COLUMNS.items()}
_FAMILY = "_id_keluarga"


@dataclass(frozen=True)
class Private:
    """A table with noise in every count, signed; none is hidden."""

    published: tuple[int, ...]


def question(plan: Plan, release: str, catalogue: Catalogue, trees: Sequence[Hierarchy]) -> str | Refusal:
    """A digest of what a plan asks of a release (by its digest), however it is worded and whoever asks."""
    chosen = table_filter(plan.population, catalogue)
    if isinstance(chosen, Refusal):
        return chosen
    if chosen is None:
        return Refusal("table-filter-chooses-nobody")
    masks = {name: f"{mask:x}" for name, mask in chosen.masks}
    area = sorted(set(plan.area.codes))
    return digest(
        {"release": release, "unit": plan.unit.value, "area": area, "filter": masks, "by": list(plan.columns)}
    )


def paths(group: Sequence[str], plan: Plan, catalogue: Catalogue) -> list[tuple[Scalar | None, ...]] | Refusal:
    """Every value that a dimension can have, whether it occurs or not; of places inside each other, the path."""
    smallest = max((_DIGITS.get(name, 0) for name in group), default=0)
    if smallest:
        if any(name not in _DIGITS for name in group):
            return Refusal("private-table-names-places")
        level = list(AREA_COLUMNS).index(smallest) + 1
        codes = [one.code for one in regions().at_level(level) if _reaches(plan.area.codes, one.code)]
        return [tuple(code[: _DIGITS[name]] for name in group) for code in codes]
    (name,) = group
    dimension = base_categories(catalogue[name])
    if dimension is None:  # names of places
        return Refusal("private-table-names-places")
    values = [row[name] for _, row in dimension.pieces()]
    unknown = [] if catalogue[name].required else [(None,)]
    return [*((value,) for value in values if value is not None), *unknown]


def too_large(leaves: Sequence[int], rule: TableRule) -> Refusal | None:
    """By the grid alone: how many people there are must not be told by a refusal."""
    if prod(leaves) > rule.most_cells:
        return Refusal("private-table-too-large", {"cells": str(prod(leaves)), "most": str(rule.most_cells)})
    return None


def rows_of(plan: Plan) -> tuple[Rows, tuple[str, ...]]:
    """The question whose rows `counted` takes, and the internal column that it needs beside."""
    return Rows(plan.unit.value, plan.columns, plan.population, plan.area.codes), (_FAMILY.removeprefix("_"),)


def counted(
    batches: Iterable[pa.RecordBatch], names: Sequence[Sequence[str]], trees: Sequence[Hierarchy], most: int
) -> Counts:
    """The finest counts of the grid, of each family the first `most` rows at most; margins are zero. Rows of a family
    follow one another. Raises EngineError where they do not."""
    grid = np.zeros([len(tree) for tree in trees], np.int64)
    by = [name for group in names for name in group]
    family, before = -1, 0
    for batch in batches:
        families = batch.column(_FAMILY).to_numpy(zero_copy_only=False)
        if not len(families):
            continue
        if (np.diff(families, prepend=family) < 0).any():
            raise EngineError("families out of order")
        start = np.flatnonzero(np.diff(families, prepend=families[0] - 1))
        size = np.diff(start, append=len(families))
        turn = np.arange(len(families)) - np.repeat(start, size)
        turn[: size[0]] += before if families[0] == family else 0
        family, before = int(families[-1]), int(turn[-1]) + 1
        kept = pa.Table.from_batches([batch.select(by).filter(pa.array(turn < most))])
        for *key, many in _rows(kept.group_by(by).aggregate([([], "count_all")]), by):
            at = _place(names, trees, key)
            if at is not None:
                grid[at] += many
    return grid


def noisy(grid: Counts, trees: Sequence[Hierarchy], most: int, rho: int) -> Counts:
    """The table with its margins, in C order. A household adds at most `most` to the finest counts; `rho` in
    thousandths."""
    leaves = np.ix_(*(tree.leaves for tree in trees))
    finest = grid[leaves]
    answer = np.zeros_like(grid)
    answer[leaves] = np.array(mechanism(most, rho)(finest.ravel().tolist()), np.int64).reshape(finest.shape)
    return summed(trees, answer).ravel()


def mechanism(most: int, rho: int) -> Callable[[list[int]], list[int]]:
    """Counts (a list of whole numbers) → the same with noise, at no more than `rho` thousandths where two lists differ
    by at most `most` in the Euclidean norm, as OpenDP itself proves."""
    from opendp import domains, measurements, metrics  # half a second, for who needs it
    from opendp.mod import enable_features

    enable_features("contrib")  # what OpenDP's committee has not vetted; the tests measure what it does
    scale = most / sqrt(2 * rho / 1000)
    while True:
        space = domains.vector_domain(domains.atom_domain(T="i64")), metrics.l2_distance(T=float)
        found = measurements.make_gaussian(*space, scale=scale)
        if found.map(float(most)) <= rho / 1000:  # type: ignore[no-untyped-call]
            return cast(Callable[[list[int]], list[int]], found)
        scale = nextafter(scale, inf)


def bound(plan: Plan, household: int) -> int:
    """By how much one household moves the counts."""
    return household if plan.unit is Unit.INDIVIDU else 1


def _rows(table: pa.Table, by: Sequence[str]) -> Iterable[tuple[Scalar | None, ...]]:
    return zip(*(table[name].to_pylist() for name in (*by, "count_all")), strict=True)


def _place(
    names: Sequence[Sequence[str]], trees: Sequence[Hierarchy], key: Sequence[Scalar | None]
) -> tuple[int, ...] | None:
    at, start = [], 0
    for group, tree in zip(names, trees, strict=True):
        node = tree.places.get(tuple(key[start : start + len(group)]))
        if node is None:
            return None
        at.append(node)
        start += len(group)
    return tuple(at)


def _reaches(area: Sequence[str], code: str) -> bool:
    return not area or any(code.startswith(one) or one.startswith(code) for one in area)
