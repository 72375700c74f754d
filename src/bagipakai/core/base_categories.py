"""The base categories of variables: the finest values by which tables are compared with one another.

Codes, true and false, and whole numbers between the limits of the catalogue, where these are not too many. A table may
be filtered by nothing else: what cannot be compared could be subtracted unseen (disclosure reference 4.5, 4.6).
"""

from collections.abc import Mapping
from typing import Final

from bagipakai.core.boxes import Box, Dimension, boxes
from bagipakai.core.query import Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Type, Variable

MOST: Final = 1_000  # base categories of a variable


def base_categories(variable: Variable) -> Dimension | None:
    """Or nothing, where it has none."""
    if variable.codes is not None:
        return Dimension.of(variable.name, tuple(variable.codes))
    if variable.type is Type.BOOLEAN:
        return Dimension.of(variable.name, (False, True))
    low, high = variable.low, variable.high
    if variable.type is Type.INTEGER and low is not None and high is not None and high - low < MOST:
        return Dimension.of(variable.name, range(low, high + 1))
    return None


# A variable that another one divides: each of its categories (from 1) is so many of the other's. Unknown is unknown.
_FINER: Final = {"desil": ("persentil", 10)}  # by definition of both (variables.toml)


def refined(masks: Mapping[str, int]) -> dict[str, int]:
    """The same box, said by the finer variable, so that the two ways of saying it compare."""
    told = dict(masks)
    for name, (finer, each) in _FINER.items():
        if name in told:
            coarse = told.pop(name)
            fine = coarse & 1 | _spread(coarse >> 1, each) << 1
            told[finer] = told.get(finer, -1) & fine
    return told


def coarsened(masks: Mapping[str, int]) -> dict[str, int]:
    """The same box for a reader: by the coarser variable where that says it."""
    told = dict(masks)
    for name, (finer, each) in _FINER.items():
        fine, coarse = told.get(finer, 0) >> 1, 0
        for at in range(-(-fine.bit_length() // each)):
            coarse |= (fine >> each * at & 1) << at
        if finer in told and _spread(coarse, each) == fine:
            told[name] = told.pop(finer) & 1 | coarse << 1
    return told


def _spread(mask: int, each: int) -> int:
    """Each bit as so many."""
    found = 0
    for at in range(mask.bit_length()):
        found |= (mask >> at & 1) * ((1 << each) - 1) << each * at
    return found


def table_filter(population: Predicate | None, catalogue: Catalogue) -> Box | Refusal | None:
    """Whom a table is about, as one box; None where the filter chooses nobody, whoever they are. Raises QueryError
    where values of two types are compared."""
    dimensions = [one for one in map(base_categories, catalogue.values()) if one is not None]
    found = boxes(population, dimensions, most=1)
    return found if isinstance(found, Refusal) else next(iter(found.boxes), None)
