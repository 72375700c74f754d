"""Any elements of a sealed array open alone, as what was written there, or not at all."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.matching.arrays import Heap, HeapWriter, Sealed, Writer, Written, line_of, write
from bagipakai.registry.vault import Damaged, ShelfKey

RECORD = np.dtype([("nik", "<i8"), ("kk", "<i8"), ("a", "<i8"), ("b", "<i8"), ("c", "<i4"), ("d", "<u4"), ("e", "<i8")])
KINDS = (np.dtype(np.uint8), np.dtype(np.uint32), np.dtype(np.uint64), RECORD)


def some(kind: np.dtype, count: int, seed: int = 1) -> np.ndarray:
    return np.frombuffer(np.random.default_rng(seed).bytes(count * kind.itemsize), kind)


def laid_down(folder, values, key, name="larik"):
    (folder / name).unlink(missing_ok=True)
    told = write(folder / name, values, key, name)
    return Sealed(folder / name, values.dtype, key, name, told), told


@pytest.fixture(scope="module", params=KINDS, ids=str)
def long(request, tmp_path_factory):
    values = some(request.param, 3_001)
    return values, laid_down(tmp_path_factory.mktemp("long"), values, ShelfKey.new("indeks"))[0]


@settings(max_examples=60, deadline=None)
@given(at=st.lists(st.integers(0, 3_000), max_size=50))
def test_any_elements_are_those_that_were_written(long, at):
    values, sealed = long
    at = np.array(at, np.int64)
    assert (sealed.take(at) == values[at]).all() and len(sealed.take(at)) == len(at)


@settings(max_examples=60, deadline=None)
@given(spans=st.lists(st.tuples(st.integers(0, 3_001), st.integers(0, 3_001)).map(sorted), max_size=20))
def test_any_spans_are_what_was_written_one_behind_the_other(long, spans):
    values, sealed = long
    begins, ends = np.array(spans, np.int64).reshape(-1, 2).T
    expected = np.concatenate([values[:0], *(values[begin:end] for begin, end in spans)])
    assert (sealed.ranges(begins, ends) == expected).all()
    assert len(sealed.ranges(begins, ends)) == len(expected)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 65, 40_000])
def test_every_length_reads_whole_however_it_was_cut_when_written(tmp_path, count):
    values, key = some(np.dtype(np.uint64), count), ShelfKey.new("indeks")
    writer = Writer(tmp_path / "larik", np.uint64, key, "larik")
    for piece in np.array_split(values, 7):
        writer.append(piece)
    told = writer.close()
    assert told == laid_down(tmp_path, values, key)[1], "one key, one content, one file"
    assert (Sealed(tmp_path / "larik", np.uint64, key, "larik", told).span(0, count) == values).all()


@pytest.mark.parametrize("at", [[-1], [3_001], [0, 2**40]])
def test_nothing_beyond_the_end_is_handed_out(long, at):
    _, sealed = long
    with pytest.raises(IndexError):
        sealed.take(np.array(at))
    with pytest.raises(IndexError):
        sealed.ranges(np.array(at), np.array(at) + 1)
    with pytest.raises(IndexError):
        sealed.ranges(np.array([5]), np.array([4]))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_one_changed_bit_anywhere_is_found_when_its_line_is_used(tmp_path, kind):
    """Every byte of a file of two lines, tags and padding included."""
    each = line_of(kind) // kind.itemsize
    values, key = some(kind, each + 1), ShelfKey.new("indeks")
    _, told = laid_down(tmp_path, values, key)
    whole = (tmp_path / "larik").read_bytes()
    for place in range(len(whole)):
        (tmp_path / "larik").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        sealed = Sealed(tmp_path / "larik", kind, key, "larik", told)
        touched, other = (0, each) if place < len(whole) // 2 else (each, 0)
        with pytest.raises(Damaged, match="release-file-altered"):
            sealed.take(np.array([other, touched]))
        assert sealed.take(np.array([other]))[0] == values[other], "the other line is as good as ever"


def test_damage_while_the_array_is_open_is_found_too(tmp_path):
    values, key = some(np.dtype(np.uint64), 100), ShelfKey.new("indeks")
    sealed, _ = laid_down(tmp_path, values, key)
    assert (sealed.span(0, 100) == values).all()
    with (tmp_path / "larik").open("r+b") as file:
        file.seek(90)
        file.write(b"changed")
    with pytest.raises(Damaged, match="release-file-altered"):
        sealed.span(0, 100)


def test_lines_cannot_change_places_within_a_file_or_between_files(tmp_path):
    values, key = some(np.dtype(np.uint64), 16), ShelfKey.new("indeks")
    _, told = laid_down(tmp_path, values, key)
    whole = (tmp_path / "larik").read_bytes()
    (tmp_path / "larik").write_bytes(whole[72:] + whole[:72])
    with pytest.raises(Damaged):
        Sealed(tmp_path / "larik", np.uint64, key, "larik", told).take(np.array([0]))
    (tmp_path / "lain").write_bytes(whole)
    for name, opener in (("lain", key), ("larik", ShelfKey.new("indeks"))):
        (tmp_path / "larik").write_bytes(whole)
        with pytest.raises(Damaged):
            Sealed(tmp_path / name, np.uint64, opener, name, told).take(np.array([0]))


@pytest.mark.parametrize(("cut", "code"), [(-1, "shortened"), (1, "extended")])
def test_a_file_of_another_size_does_not_open(tmp_path, cut, code):
    values, key = some(np.dtype(np.uint32), 100), ShelfKey.new("indeks")
    _, told = laid_down(tmp_path, values, key)
    whole = (tmp_path / "larik").read_bytes()
    (tmp_path / "larik").write_bytes(whole[:cut] if cut < 0 else whole + b"x")
    with pytest.raises(Damaged, match=f"release-file-{code}"):
        Sealed(tmp_path / "larik", np.uint32, key, "larik", told)
    (tmp_path / "larik").write_bytes(whole)
    with pytest.raises(Damaged, match="release-file-altered"):  # a count that its bytes do not fit
        Sealed(tmp_path / "larik", np.uint32, key, "larik", Written(1_000, told.bytes, told.sha256))
    (tmp_path / "larik").unlink()
    with pytest.raises(Damaged, match="release-file-missing"):
        Sealed(tmp_path / "larik", np.uint32, key, "larik", told)


def test_nothing_of_the_plaintext_or_its_repetitions_shows(tmp_path):
    values = np.zeros(8 * 500, np.uint64)
    laid_down(tmp_path, values, ShelfKey.new("indeks"))
    lines = np.frombuffer((tmp_path / "larik").read_bytes(), np.uint64)
    assert len(np.unique(lines)) == len(lines)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=90), min_size=1, max_size=40), data=st.data())
def test_a_heap_gives_back_its_texts_by_number(tmp_path_factory, texts, data):
    folder, key = tmp_path_factory.mktemp("heap"), ShelfKey.new("indeks")
    writer = HeapWriter(folder, "nama", key)
    cut = data.draw(st.integers(0, len(texts)))
    whole = pa.array(["aside", *texts], pa.string()).slice(1)  # as a slice comes: with an offset
    writer.append(whole.slice(0, cut))
    writer.append(whole.slice(cut))
    heap = Heap(folder, "nama", key, writer.close())
    at = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=60))
    assert heap.take(np.array(at, np.int64)).to_pylist() == [texts[one] for one in at] and len(heap) == len(texts)
