"""The base categories of variables: the finest values by which tables are compared with one another.

Codes, true and false, and whole numbers between the limits of the catalogue, where these are not too many. A table may
be filtered by nothing else: what cannot be compared could be subtracted unseen (disclosure reference 4.5, 4.6).
"""

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


def table_filter(population: Predicate | None, catalogue: Catalogue) -> Box | Refusal | None:
    """Whom a table is about, as one box; None where the filter chooses nobody, whoever they are. Raises QueryError
    where values of two types are compared."""
    dimensions = [one for one in map(base_categories, catalogue.values()) if one is not None]
    found = boxes(population, dimensions, most=1)
    return found if isinstance(found, Refusal) else next(iter(found.boxes), None)
