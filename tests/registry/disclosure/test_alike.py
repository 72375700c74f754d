"""Rows that are alike, counted as they pass, are those that a count of all rows at once finds."""

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.disclosure import alike
from bagipakai.registry.disclosure.alike import Alike
from bagipakai.registry.engines import EngineError

COLUMNS = {
    "kode_kab": pa.string(),
    "kode_kec": pa.string(),
    "umur": pa.int64(),
    "bekerja": pa.bool_(),
    "tanggal_lahir": pa.date32(),
    "jenis_kelamin": pa.string(),
}
SCHEMA = pa.schema(list(COLUMNS.items()))
PEOPLE = st.tuples(
    st.sampled_from((None, "110101", "110102", "320401")),  # a district may be told of another regency
    st.sampled_from((None, 0, 1, 97)),
    st.sampled_from((None, True, False)),
    st.sampled_from((None, date(1990, 1, 1), date(2001, 2, 3))),
    st.sampled_from((None, "", "1", "2")),
)


@st.composite
def nations(draw):
    """Rows in the order of a release, regency by regency."""
    kabs = sorted(draw(st.sets(st.sampled_from(("1101", "1102", "3204", "9471")), max_size=4)))
    return [(kab, *person) for kab in kabs for person in draw(st.lists(PEOPLE, max_size=25))]


def passed(counted: Alike, rows, cuts: int) -> None:
    for start in range(0, len(rows), cuts):
        columns = zip(*rows[start : start + cuts], strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, COLUMNS.values(), strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
        assert counted.passing(batch) is batch


def by_hand(rows, by, smallest) -> dict[str, int]:
    places = [list(COLUMNS).index(name) for name in {"kode_kab", *by}]
    sizes = Counter(tuple(row[at] for at in places) for row in rows).values()
    few = [size for size in sizes if size < smallest]
    told = {"smallest_class": smallest, "classes": len(sizes), "small_classes": len(few)}
    return {**told, "rows_in_small_classes": sum(few)}


@settings(deadline=None)
@given(
    rows=nations(),
    by=st.lists(st.sampled_from(list(COLUMNS)), unique=True).map(tuple).filter(Alike.can_count),
    cuts=st.integers(1, 9),
    at_once=st.integers(1, 30),
    largest=st.sampled_from((1, 20, 2**62)),
)
def test_as_by_hand_however_rows_come_and_whenever_they_are_compared(rows, by, cuts, at_once, largest):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(alike, "AT_ONCE", at_once)
        patched.setattr(alike, "LARGEST", largest)
        counted = Alike(3, by)
        passed(counted, rows, cuts)
        assert counted.evidence == by_hand(rows, by, 3)


def test_of_regencies_that_have_passed_only_sizes_are_kept(monkeypatch):
    """Else what is held would grow with the nation."""
    monkeypatch.setattr(alike, "AT_ONCE", 10)
    counted = Alike(3, ("kode_kec", "umur"))
    for kab in range(1101, 1131):
        passed(counted, [(str(kab), f"{kab}01", age, True, None, "1") for age in range(10)], 5)
        assert counted._many <= 20
    assert counted.evidence["classes"] == 300


@pytest.mark.parametrize("kabs", [("1101", "1102", "1101"), ("1101", "1102", "1101", "1103")])
def test_a_regency_that_comes_twice_is_not_counted_as_two(monkeypatch, kabs):
    monkeypatch.setattr(alike, "AT_ONCE", 1)
    counted = Alike(3, ("kode_kec",))
    with pytest.raises(EngineError, match="came twice"):
        passed(counted, [(kab, f"{kab}01", 30, True, None, "1") for kab in kabs], 1)
        assert counted.evidence  # where it is told at the latest


def test_what_tells_no_regency_is_counted_otherwise():
    assert Alike.can_count(("kode_desa",)) and not Alike.can_count(("kode_prov", "umur"))
    counted = Alike(3)
    passed(counted, [("1101", "110101", 30, True, None, "1")], 1)
    counted.counted(pa.array([1, 2, 2, 3]))
    told = {"smallest_class": 3, "classes": 4, "small_classes": 3, "rows_in_small_classes": 5}
    assert (counted.needs, counted.evidence) == ((), told)


def test_more_combinations_than_a_number_can_tell():
    """Two rows that differ in the first of three columns of four thousand million values each."""
    columns = [np.array([0, 1, 0]), np.array([7, 7, 7]), np.array([9, 9, 9])]
    one, other, again = alike._one_number(columns, [2**32] * 3).tolist()
    assert one == again != other


def test_many_values_of_one_column(monkeypatch):
    """More than two bytes can number."""
    rows = [("1101", "110101", age, True, None, "1") for age in range(70_000)] * 2
    counted = Alike(3, ("kode_kab", "umur"))
    passed(counted, rows, 50_000)
    told = {"smallest_class": 3, "classes": 70_000, "small_classes": 70_000, "rows_in_small_classes": 140_000}
    assert counted.evidence == told
