"""The cell-key program of the ONS shows the same, cell by cell."""

import duckdb
import numpy as np
import pytest
from bench.cellkeys import DRAWS, LARGEST, VERSION, of_changes, ours, some_people, theirs
from tests.registry.disclosure.oracles import ROOT, oracle

from bagipakai.registry.disclosure.noise import BITS, maximum_entropy

BY = ("kab", "desil", "jenis_kelamin")


def in_draws():
    """Our own noise with 256 draws a row: what the package calls a ptable."""
    counts, draws = (column.ravel() + first for column, first in zip(np.indices((LARGEST, DRAWS)), (1, 0), strict=True))
    wide = draws.astype(np.uint64) << np.uint64(BITS - 8)
    return maximum_entropy(5, 3, 2).changed_by(counts, wide).reshape(LARGEST, DRAWS)


def test_the_package_is_the_one_that_was_pinned():
    """`theirs` asserts it of the environment, too, each time."""
    assert f"cell-key-perturbation=={VERSION} " in (ROOT / "requirements" / "oracle-cellkey.txt").read_text()
    assert oracle("cellkey").python.exists()


@pytest.mark.parametrize("noise", ["their 10-5 rule", "our noise"])
@pytest.mark.parametrize("by", [BY, ("desil", "jenis_kelamin"), ("kab", "desil")])
def test_every_cell_is_the_same(noise, by):
    """Small cells, hidden ones, and counts beyond the 750 rows of the table."""
    people = some_people(40_000, 11)
    found, changes, _ = theirs(people, by, None if noise == "their 10-5 rule" else in_draws())
    with duckdb.connect() as engine:
        engine.register("people", people)
        assert ours(engine, by, of_changes(changes)) == found
    values = list(found.values())
    assert (None in values) == ("kab" in by) and any(value is not None for value in values)
    assert by != ("desil", "jenis_kelamin") or max(values) > LARGEST
