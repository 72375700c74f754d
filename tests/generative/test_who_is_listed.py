"""A list of numbers against a release: whoever stands in it is found, wherever and however often, and nobody else."""

import pathlib
import tempfile
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from tests.drawn import PLUMBING, Drawing, release, with_plumbing

from bagipakai.core.variables import Type
from bagipakai.registry.engines import duckdb, reference

NUMBERS = (11, 12, 9_007_199_254_740_993, -(2**63), 2**63 - 1)  # few, so that persons and lists repeat them
TYPES = {**PLUMBING, "nik_number": Type.INTEGER}


@st.composite
def questions(draw: Any) -> tuple[Drawing, str, list[int | None], tuple[str, ...]]:
    """Rows, the column that is compared, a list, and what is kept."""
    number = st.none() | st.sampled_from(NUMBERS)
    regency = st.sampled_from(("1101", "3201", "9471"))
    who = draw(st.lists(st.tuples(number, regency), min_size=1, max_size=12))
    rows = [{"nik_number": nik, "kode_kab": kode, "id_keluarga": at // 3} for at, (nik, kode) in enumerate(who)]
    column, asked = draw(st.sampled_from((("nik_number", number), ("id_keluarga", st.none() | st.integers(0, 5)))))
    kept = draw(st.lists(st.sampled_from(("person_ordinal", "id_keluarga", "nik_number")), unique=True, min_size=1))
    return Drawing(TYPES, with_plumbing(rows)), column, draw(st.lists(asked, max_size=10)), tuple(kept)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with duckdb.Engine(tmp_path_factory.mktemp("spill"), [tempfile.gettempdir()]) as one:
        yield one


def test_each_place_in_the_list_finds_each_row_with_its_number(engine):
    """In the order of the release, and of the list where a number stands there twice."""

    @settings(max_examples=120, deadline=None)
    @given(questions())
    def agree(asked):
        drawing, column, numbers, keep = asked
        with tempfile.TemporaryDirectory() as here:
            parts = release(drawing, pathlib.Path(here))
            answer = engine.listed("individu", column, pa.array(numbers, pa.int64()), keep, parts)
        assert answer.schema.names == ["place", *(f"_{name}" for name in keep)]
        found = [tuple(row.values()) for row in answer.to_pylist()]
        assert found == reference.listed(column, numbers, keep, drawing.rows)

    agree()


@pytest.mark.parametrize("reached", ["twice in the list", "of two persons", "unknown on both sides", "nobody's"])
def test_the_lists_that_are_drawn_have_what_could_go_wrong(reached):
    def has(asked):
        drawing, column, numbers, _ = asked
        there = Counter(row[column] for row in drawing.rows)
        listed = Counter(numbers)
        return {
            "twice in the list": any(number is not None and listed[number] > 1 and there[number] for number in listed),
            "of two persons": column == "nik_number" and any(n is not None and there[n] > 1 for n in listed),
            "unknown on both sides": bool(there[None] and listed[None]),
            "nobody's": any(number is not None and not there[number] for number in listed),
        }[reached]

    find(questions(), has)
