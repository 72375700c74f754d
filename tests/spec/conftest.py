"""The `spec` fixture: rows drawn as a table, a query, and what every engine must answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.drawn import PLUMBING, draw, release

from bagipakai.core.query import Count, Query, Rows
from bagipakai.core.variables import Type
from bagipakai.registry.engines import duckdb, reference

Spec = Callable[..., None]


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """`spec(table, query, expected)`. For Rows, `expected` is a list of tuples in order. For Count, a mapping from key
    to the number of `unit`, or to (persons, families)."""

    def promise(table: str, query: Query, expected: Any) -> None:
        drawing = draw(table)
        types = {"kode_kab": Type.TEXT, **PLUMBING, **drawing.types}
        parts = release(drawing, tmp_path)
        with duckdb.Engine(tmp_path, [tmp_path]) as engine:
            if isinstance(query, Rows):
                batches = list(engine.rows(query, parts, types))
                delivered = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
                answers = {"reference": reference.rows(query, drawing.rows), "duckdb": delivered}
            else:
                answers = {
                    "reference": _counts(query, reference.count(query, drawing.rows), expected),
                    "duckdb": _counts(query, engine.count(query, parts, types), expected),
                }
        for engine_name, answer in answers.items():
            assert answer == expected, engine_name

    return promise


def _counts(query: Count, cells: list[Any], expected: Any) -> dict[Any, Any]:
    if any(isinstance(number, tuple) for number in expected.values()):
        return {cell.key: (cell.persons, cell.families) for cell in cells}
    return {cell.key: cell.families if query.unit == "keluarga" else cell.persons for cell in cells}
