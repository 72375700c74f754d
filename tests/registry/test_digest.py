"""The content digest: the same rows, the same digest, however they were stored, cut or read."""

from datetime import date
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagipakai.registry import digest
from bagipakai.registry.digest import ContentDigest, combined

SCHEMA = pa.schema([("nama", pa.string()), ("umur", pa.int64()), ("bekerja", pa.bool_()), ("lahir", pa.date32())])

rows = st.lists(
    st.tuples(
        st.none() | st.text(max_size=4),
        st.none() | st.integers(-3, 300),
        st.none() | st.booleans(),
        st.none() | st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    ),
    max_size=40,
)


def table(found: list[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*found, strict=True)) or [()] * len(SCHEMA)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def digest_of(*parts: pa.Table | pa.RecordBatch) -> str:
    counted = ContentDigest(SCHEMA)
    for part in parts:
        counted.add(part)
    return counted.hexdigest()


@given(rows, st.lists(st.integers(0, 40), max_size=5), st.sampled_from([3, 8, 1000]))
def test_how_rows_are_cut_into_batches_does_not_count(found, cuts, size):
    whole = table(found)
    edges = sorted({0, len(found), *(cut for cut in cuts if cut < len(found))})
    parts = [whole.slice(start, end - start) for start, end in pairwise(edges)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(digest, "CUT", size)  # so that forty rows are cut several times
        assert digest_of(*parts) == digest_of(whole)


@given(rows)
def test_how_values_are_stored_does_not_count(found):
    plain = table(found)
    other = pa.table(
        [plain["nama"].cast(pa.large_string()).dictionary_encode(), plain["umur"].cast(pa.int16()), *plain.columns[2:]],
        names=SCHEMA.names,
    )
    assert digest_of(other) == digest_of(plain)


@given(rows, rows)
def test_different_rows_have_different_digests(one, other):
    assert (digest_of(table(one)) == digest_of(table(other))) == (one == other)


def test_what_lies_under_a_null_does_not_count():
    values = pa.array([1, 77], mask=pa.array([False, True]).to_numpy(zero_copy_only=False))
    names = pa.array(["a", None])
    one = pa.table(
        [names, values, pa.array([None, None], pa.bool_()), pa.array([None, None], pa.date32())], schema=SCHEMA
    )
    assert digest_of(one) == digest_of(table([("a", 1, None, None), (None, None, None, None)]))


def test_unknown_is_neither_nought_nor_empty_nor_no():
    told = {
        digest_of(table([row]))
        for row in [
            (None, None, None, None),
            ("", None, None, None),
            (None, 0, None, None),
            (None, None, False, None),
            (None, None, None, date(1970, 1, 1)),
        ]
    }
    assert len(told) == 5


def test_a_letter_that_moves_to_the_next_row_counts():
    assert digest_of(table([("ab", 1, True, None), ("c", 1, True, None)])) != digest_of(
        table([("a", 1, True, None), ("bc", 1, True, None)])
    )


def test_the_order_and_names_of_columns_count():
    both = table([("a", 1, True, None)])
    other = ContentDigest(both.select(["umur", "nama", "bekerja", "lahir"]).schema)
    other.add(both.select(["umur", "nama", "bekerja", "lahir"]))
    renamed = ContentDigest(both.rename_columns(["n", "u", "b", "l"]).schema)
    renamed.add(both.rename_columns(["n", "u", "b", "l"]))
    assert len({other.hexdigest(), renamed.hexdigest(), digest_of(both)}) == 3


def test_asking_twice_or_in_between_changes_nothing():
    counted = ContentDigest(SCHEMA)
    counted.add(table([("a", 1, True, None)]))
    assert counted.hexdigest() == counted.hexdigest()
    counted.add(table([("b", 2, None, None)]))
    assert counted.hexdigest() == digest_of(table([("a", 1, True, None), ("b", 2, None, None)]))
    assert counted.rows == 2


def test_a_float_has_no_canonical_form():
    with pytest.raises(TypeError, match="double"):
        ContentDigest(pa.schema([("x", pa.float64())]))


def test_rows_of_another_schema_are_refused():
    with pytest.raises(ValueError, match="another schema"):
        ContentDigest(SCHEMA).add(pa.table({"nama": ["a"]}))


def test_the_form_of_the_digest_stays():
    """Digests are kept for years: a change of form needs a new name of the form, and a decision."""
    counted = digest_of(table([("Siti", 34, True, date(1992, 5, 1)), (None, None, None, None)]))
    assert counted == "a9a42625d752bdd99c1af49df941bd41f2c7caddcabe5f66e060f79a6324ae0f"
    assert combined({"b": counted, "a": counted}) == "c5af485b057f0358ead7bfa709b471c654ce958343fd05256a2015e22feb3449"
