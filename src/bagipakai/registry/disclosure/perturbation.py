"""A table of counts from true to published by noise that belongs to its cells (`cellkeys`; disclosure reference 3.1,
class B, and 4.5): every cell and every margin is changed a little, then hidden where the changed count is small, then
rounded, where policy says so.

The same people under the same predicate have the same noise, in every table and in every release. The predicate is the
ledger's (`published`), so that one meaning has one noise however it was said. Published counts do not add up.

Noise alone does not stop who subtracts one count from another that differs by one person (reference 6.1): so of each
cell beside which only a few are left of another around it, nothing is told, and what the table tells is compared, as
true counts, with everything that was told before (`ledger`). What is left of a total when shown parts are taken away is
known only with the noise of them all, and is not compared. Families are judged as persons are: by their own noise.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import too_fine
from bagipakai.core.methods import CellKey
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.cellkeys import CellKeys, Numbers, Rule, published, together
from bagipakai.registry.disclosure.containment import Cells
from bagipakai.registry.disclosure.ledger import Ledger, Output
from bagipakai.registry.disclosure.noise import maximum_entropy
from bagipakai.registry.disclosure.primary import alike, homogeneous, nearly_all
from bagipakai.registry.disclosure.published import Line, Occupied, cells_of, words
from bagipakai.registry.disclosure.suppression import objection
from bagipakai.registry.disclosure.tables import Counts, Cube, TableRule
from bagipakai.registry.keys import MasterKey


@dataclass(frozen=True)
class Perturbed:
    """A table with noise. `published`: one count per cell, in C order; None is hidden and is never zero. `told` is for
    the ledger: what is shown with its true count, and `sets` who was counted. Both are as secret as rows."""

    published: tuple[int | None, ...]
    told: Cells
    sets: Numbers


HouseKeys = Mapping[Unit, CellKeys]


def house_keys(master: MasterKey) -> HouseKeys:
    """The cell keys of both units, from the house's secret."""
    return {unit: CellKeys(master, unit.value) for unit in Unit}


def perturbed(
    plan: Plan, cube: Cube, sums: Numbers, about: Cells, rule: TableRule, method: CellKey, house: HouseKeys
) -> Perturbed | Refusal:
    """The table as it may be published, or why none may be. `sums` of the record keys of each cell's people, as the
    counts of `cube` (uint64); `about`: the cells as the ledger tells them, in C order, without counts."""
    rule = rule.of_plan(plan)
    if no := objection(cube, rule):
        return no
    own, of_family = house[plan.unit], plan.unit is Unit.KELUARGA
    noise = maximum_entropy(own.bound(*method.bounds), method.variance)
    predicates = _predicates(own, about)

    def shown(unit: Unit, counts: Counts, smallest: int) -> pa.Int64Array:
        """Of which what is below `smallest`, or would be rounded to less, is hidden."""
        least = Rule(-(-smallest // method.base) * method.base, method.base)
        return published(counts.ravel(), house[unit].cells(sums.ravel(), predicates), noise, least)

    persons = shown(Unit.INDIVIDU, cube.persons, rule.smallest_persons)
    families = shown(Unit.KELUARGA, cube.families, rule.smallest_families)
    told = together(families, persons) if of_family else together(persons, families)
    counts = told.fill_null(0).to_numpy().reshape(cube.shape)
    true = cube.families if of_family else cube.persons
    hidden = (counts == 0) | homogeneous(cube, rule) | alike(cube.hierarchies, counts, rule)
    if cube.closed is not None:
        hidden |= cube.closed
    hidden |= nearly_all(cube.hierarchies, true, rule.smallest_families if of_family else rule.smallest_persons)
    if hidden.flat[0]:
        return too_fine(rule)
    at = np.flatnonzero(~hidden)
    cells = Cells(about.boxes, about.regions, about.box[at], about.region[at], true.ravel()[at])
    answer = (
        None if gone else count for gone, count in zip(hidden.ravel().tolist(), counts.ravel().tolist(), strict=True)
    )
    return Perturbed(tuple(answer), cells, own.sets(sums.ravel()[at]))


def about_cells(plan: Plan, lines: Sequence[Line], catalogue: Catalogue, occupied: Occupied) -> Cells | Refusal:
    """What each line is about, in their order. Refused as `cells_of`."""
    numbered = cells_of(plan, ((values, at) for at, (values, _) in enumerate(lines)), catalogue, occupied)
    if isinstance(numbered, Refusal):
        return numbered
    order = np.argsort(numbered.count)
    return Cells(numbered.boxes, numbered.regions, numbered.box[order], numbered.region[order], numbered.count[order])


def question(about: Cells, keys: CellKeys) -> str:
    """A digest of what a table asks, however it is worded, whoever asks, and whichever release answers."""
    return hashlib.sha256(np.unique(_predicates(keys, about)).tobytes()).hexdigest()


def worn_out(ledger: Ledger, output: Output, made: Perturbed, method: CellKey, catalogue: Catalogue) -> Refusal | None:
    """Whether a group of this table was asked about so often that its noise would average out. Within a turn."""
    often = np.flatnonzero(ledger.breakdowns(output, made.sets) >= method.most_breakdowns)
    if not len(often):
        return None
    group = words(*made.told.about(int(often[0])), catalogue)
    return Refusal("tables-average-out", {"group": group, "most": str(method.most_breakdowns)})


def _predicates(keys: CellKeys, about: Cells) -> Numbers:
    pairs, cell = np.unique(np.stack([about.box, about.region]), axis=1, return_inverse=True)
    masks = [keys.somewhere(about.boxes[box], about.regions[region]) for box, region in pairs.T.tolist()]
    found: Numbers = keys.boxes(np.array(masks, np.uint64))[cell.ravel()]
    return found
