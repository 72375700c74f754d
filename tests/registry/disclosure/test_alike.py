"""Rows that are alike, counted as they pass, are those that a count of all rows at once finds."""

from collections import Counter
from datetime import date

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
    st.sampled_from((None, 1, 2, 3)),
    st.sampled_from((None, 0, 1, 97)),
    st.sampled_from((None, True, False)),
    st.sampled_from((None, date(1990, 1, 1), date(2001, 2, 3))),
    st.sampled_from((None, "", "1", "2")),
)


@st.composite
def nations(draw):
    """Rows in the order of a release, regency by regency, now and then with a place that nobody knows."""
    rows = []
    for kab in sorted(draw(st.sets(st.sampled_from(("1101", "1102", "3204", "9471")), max_size=4))):
        for place, *others in draw(st.lists(PEOPLE, max_size=25)):
            known = place is not None
            rows.append((kab if known else None, f"{kab}0{place}" if known else None, *others))
    return rows


def passed(counted: Alike, rows, cuts: int) -> None:
    for start in range(0, len(rows), cuts):
        columns = zip(*rows[start : start + cuts], strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, COLUMNS.values(), strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
        assert counted.passing(batch) is batch


def by_hand(rows, by, smallest) -> dict[str, int]:
    places = [list(COLUMNS).index(name) for name in by]
    sizes = Counter(tuple(row[at] for at in places) for row in rows).values()
    few = [size for size in sizes if size < smallest]
    told = {"smallest_class": smallest, "classes": len(sizes), "small_classes": len(few)}
    return {**told, "rows_in_small_classes": sum(few)}


@settings(deadline=None)
@given(
    rows=nations(),
    by=st.lists(st.sampled_from(list(COLUMNS)), min_size=1, unique=True).map(tuple),
    cuts=st.integers(1, 9),
    at_once=st.integers(1, 30),
    largest=st.sampled_from((1, 20, 2**62)),
)
def test_as_by_hand_however_rows_come_and_whenever_they_are_compared(rows, by, cuts, at_once, largest):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(alike, "AT_ONCE", at_once)
        patched.setattr(alike, "LARGEST", largest)
        counted = Alike(by, 3)
        passed(counted, rows, cuts)
        assert counted.evidence == by_hand(rows, by, 3)


def test_of_regencies_that_have_passed_only_sizes_are_kept(monkeypatch):
    """Else what is held would grow with the nation."""
    monkeypatch.setattr(alike, "AT_ONCE", 10)
    counted = Alike(("kode_kec", "umur"), 3)
    for kab in range(1101, 1131):
        passed(counted, [(str(kab), f"{kab}01", age, True, None, "1") for age in range(10)], 5)
        assert counted._many <= 20
    assert counted.evidence["classes"] == 300


def test_a_regency_that_comes_twice_is_not_counted_as_two(monkeypatch):
    monkeypatch.setattr(alike, "AT_ONCE", 1)
    rows = [(kab, f"{kab}01", 30, True, None, "1") for kab in ("1101", "1102", "1101", "1103")]
    with pytest.raises(EngineError, match="came twice"):
        passed(Alike(("kode_kec",), 3), rows, 1)


def test_many_values_of_one_column(monkeypatch):
    """More than two bytes can number."""
    rows = [("1101", "110101", age, True, None, "1") for age in range(70_000)] * 2
    counted = Alike(("umur",), 3)
    passed(counted, rows, 50_000)
    told = {"smallest_class": 3, "classes": 70_000, "small_classes": 70_000, "rows_in_small_classes": 140_000}
    assert counted.evidence == told
