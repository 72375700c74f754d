"""Filters that single somebody out: "everybody of a regency, or who is 97 in that village". Whatever is then told or
refused tells of the few whom the filter names (disclosure reference 4.6 a).

A filter is a choice of alternatives, each a conjunction. By what others may know of people (quasi-identifiers), and
they know it of everybody, some people are chosen by these alternatives and others by those. Each such group in the
registry must be nobody, or as many as a class. What else is true of them is not asked, so the answer tells of nobody.
Whom a filter leaves out is seen beside another plan alone, and judged there (`beside`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import RowRule
from bagipakai.core.plan import Plan
from bagipakai.core.query import And, Count, In, Missing, Not, Or, Predicate, atoms, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Type
from bagipakai.registry.disclosure.measures import MeasureError, quietly, quoted, run
from bagipakai.registry.engines import EngineError
from bagipakai.registry.engines.duckdb import condition

Part = tuple[Any, ...]  # what each known part of a filter says: true or not; of a list, which of it
MOST: Final = 1_000  # alternatives

Counting = Callable[[Count], Iterable[pa.RecordBatch]]  # as Engine.groups


def objection(plan: Plan, rule: RowRule, types: Mapping[str, Type], counted: Counting) -> Refusal | None:
    """Why a plan's filter may not choose rows. Raises EngineError."""
    known = [
        one
        for one in dict.fromkeys(atoms(plan.population))
        if not isinstance(one, Missing) and {*columns_of(one)} <= set(rule.quasi_identifiers)
    ]
    if not known:
        return None
    names = tuple(dict.fromkeys(name for one in known for name in columns_of(one)))
    try:
        parts = _parts(plan, known, names, types, counted)
    except MeasureError as error:
        kind = str(error)
    else:
        if all(many >= rule.smallest_class for many in _groups(plan.population, known, parts)):
            return None
        return Refusal("rows-filter-singles-out", {"smallest": str(rule.smallest_class), "columns": ", ".join(names)})
    raise EngineError(kind)  # outside the handler: engines quote values in their errors


def _groups(population: Predicate | None, known: Sequence[Predicate], parts: Counter[Part]) -> Iterable[int]:
    """How many people each group of alternatives chooses; where there are too many of these, how many each part has."""
    said = [{part[place] for part in parts} for place in range(len(known))]
    alternatives = _alternatives(population, {one: place for place, one in enumerate(known)}, said)
    if alternatives is None:
        return parts.values()
    groups: Counter[tuple[int, ...]] = Counter()
    for part, many in parts.items():
        chosen = tuple(n for n, one in enumerate(alternatives) if all(part[place] == told for place, told in one))
        if chosen:
            groups[chosen] += many
    return groups.values()


def _alternatives(
    predicate: Predicate | None, at: Mapping[Predicate, int], said: Sequence[set[Any]], wanted: bool = True
) -> list[frozenset[tuple[int, Any]]] | None:
    """The disjunctive normal form of the predicate, or of its opposite: of each alternative, what the known parts of
    the filter must say. What is not known may speak for it. None where there are too many."""
    if predicate is not None and predicate in at:
        place = at[predicate]
        matching = said[place] - {None, False} if wanted else said[place] & {None, False}
        return [frozenset({(place, one)}) for one in matching]
    match predicate:
        case Not(part):
            return _alternatives(part, at, said, not wanted)
        case And(some) | Or(some):
            each = [_alternatives(part, at, said, wanted) for part in some]
            found = [one for one in each if one is not None]
            if len(found) < len(each):
                return None
            if isinstance(predicate, And) != wanted:
                either = list(dict.fromkeys(one for alternatives in found for one in alternatives))
                return either if len(either) <= MOST else None
            if prod(map(len, found)) > MOST:
                return None
            joined = (frozenset().union(*ones) for ones in product(*found))
            return [one for one in dict.fromkeys(joined) if len({place for place, _ in one}) == len(one)]
        case _:
            return [frozenset()]


def _parts(
    plan: Plan, known: Sequence[Predicate], names: tuple[str, ...], types: Mapping[str, Type], counted: Counting
) -> Counter[Part]:
    """How many people of the area each part holds."""
    parts: Counter[Part] = Counter()
    with duckdb.connect(config={"threads": 1}) as engine:
        for batch in counted(Count(plan.unit.value, names, None, plan.area.codes)):
            told = [_told(engine, one, types, batch) for one in known]
            names_of = [f"a{at}" for at in range(len(told))]
            table = pa.table([*told, batch.column("n")], [*names_of, "n"])
            for row in table.group_by(names_of).aggregate([("n", "sum")]).to_pylist():
                parts[tuple(row[name] for name in names_of)] += row["n_sum"]
    return parts


def _told(
    engine: duckdb.DuckDBPyConnection, atom: Predicate, types: Mapping[str, Type], batch: pa.RecordBatch
) -> pa.Array:
    """What a part of the filter says of each: true or not; of a list, which of it."""
    sql = condition(atom, types)
    for at, value in enumerate(sql.values):
        run(engine, f"SET VARIABLE p{at} = $1", [value])
    places = pa.array(np.arange(len(batch)))
    engine.register("batch", pa.Table.from_batches([batch]).append_column("place", places))
    said = f"coalesce({sql.text}, false)"
    if isinstance(atom, In):
        said = f"CASE WHEN {said} THEN CAST({quoted(atom.column.name)} AS VARCHAR) END"
    found = quietly(lambda: engine.sql(f"SELECT {said} AS said FROM batch ORDER BY place").to_arrow_table())  # noqa: S608  # our own names; values are named
    return found["said"].combine_chunks()
