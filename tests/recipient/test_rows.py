"""Counting rows needs no data library, and agrees with those that are."""

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bagipakai.recipient import rows
from bagipakai.recipient.rows import rows_in


@given(st.lists(st.tuples(st.text(st.sampled_from('a"\n,'), max_size=6), st.text(st.sampled_from('"\n'), max_size=4))))
def test_quoted_line_ends_are_not_rows(values):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("x", "y"), *values])
    content = text.getvalue().encode()
    assert rows_in(io.BytesIO(content), "a.csv") == len(values)


@given(st.lists(st.text(st.sampled_from('a"\n'), max_size=5), min_size=1, max_size=20), st.integers(1, 9))
def test_where_blocks_are_cut_does_not_matter(values, size):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("x",), *((one,) for one in values)])
    whole, rows.BLOCK = rows.BLOCK, size
    try:
        assert rows_in(io.BytesIO(text.getvalue().encode()), "a.csv") == len(values)
    finally:
        rows.BLOCK = whole


@pytest.mark.parametrize("count", [0, 1, 1000, 300_000])
@pytest.mark.parametrize("columns", [1, 20, 200])
def test_parquet_footers_are_read(count, columns):
    out = io.BytesIO()
    count = count // columns
    table = pa.table({f"k{n}": pa.array(range(count), pa.int64()) for n in range(columns)})
    pq.write_table(table, out, row_group_size=5000, data_page_version="2.0")
    assert rows_in(out, "a.parquet") == count


def test_parquet_of_every_type_is_read():
    out = io.BytesIO()
    table = pa.table(
        {"t": ["a"], "b": [True], "d": pa.array([1], pa.date32()), "x": pa.array([b"1" * 16], pa.binary(16))}
    )
    pq.write_table(table, out)
    assert rows_in(out, "a.parquet") == 1


@given(st.binary(max_size=300))
@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx", "a.csv", "a.jsonl"])
def test_hostile_bytes_never_end_in_a_traceback(name, content):
    assert rows_in(io.BytesIO(content), name) >= -1


@given(st.binary(max_size=200))
def test_a_hostile_footer_never_ends_in_a_traceback(footer):
    content = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert rows_in(io.BytesIO(content), "a.parquet") >= -(2**63)


@pytest.mark.parametrize("footer", [b"\x89\xf1\x80\x80\xf3E", b"\x1c" * 100_000, b"\x19\x1c" * 50_000])
def test_a_footer_that_claims_too_much_or_nests_too_deep_is_given_up(footer):
    content = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert rows_in(io.BytesIO(content), "a.parquet") == -1


def test_an_open_quote_is_not_a_file_of_rows():
    assert rows_in(io.BytesIO(b'"x"\n"a\n'), "a.csv") == -1
