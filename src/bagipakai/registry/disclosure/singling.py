"""Filters that single somebody out: "everybody of a regency, or who is 97 in that village", "all but who is 97".
Whatever is then told or refused tells of the few whom the filter names (disclosure reference 4.6 a).

What others may know of people (quasi-identifiers) they know of everybody; so each part of the registry that the filter
tells from the rest by such variables must hold nobody, or as many as a class of rows. What else is true of them is not
asked, so the answer tells of nobody.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from bagipakai.core.disclosure import RowRule
from bagipakai.core.plan import Plan
from bagipakai.core.query import Count, In, Missing, Predicate, atoms, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Type
from bagipakai.registry.disclosure.measures import MeasureError, quietly, quoted, run
from bagipakai.registry.engines import EngineError
from bagipakai.registry.engines.duckdb import condition

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
        if all(many >= rule.smallest_class for many in parts.values()):
            return None
        return Refusal("rows-filter-singles-out", {"smallest": str(rule.smallest_class), "columns": ", ".join(names)})
    raise EngineError(kind)  # outside the handler: engines quote values in their errors


def _parts(
    plan: Plan, known: Sequence[Predicate], names: tuple[str, ...], types: Mapping[str, Type], counted: Counting
) -> Counter[tuple[Any, ...]]:
    """How many people of the area each part holds."""
    parts: Counter[tuple[Any, ...]] = Counter()
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
    found = quietly(lambda: engine.sql(f"SELECT {said} AS said FROM batch ORDER BY place").to_arrow_table())  # noqa: S608
    return found["said"].combine_chunks()
