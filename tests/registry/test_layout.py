"""Neighbouring regencies share a file, few rows cost few reads, and a release of the older form is read as before."""

import io
import random
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories_registry import PUBLISHED_AT, STORAGE, in_clear
from tests.registry import small
from tests.registry.orders import a_house, a_plan, an_order
from tests.registry.small import REGENCIES, VERSION, small_release

from bagipakai.core.canonical import canonical
from bagipakai.core.exchange import Step
from bagipakai.core.plan import Area, Level, Unit
from bagipakai.core.query import Column, Compare, Const, Op, Rows
from bagipakai.core.variables import Type
from bagipakai.registry import publishing, tables, vault
from bagipakai.registry.deliver import Places, deliver
from bagipakai.registry.engines import duckdb
from bagipakai.registry.publishing import publish
from bagipakai.registry.regions import EDITION, regions
from bagipakai.registry.releases import OF_A_PROVINCE, ONE_BY_ONE, UNCOUNTED, Release
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import Damaged, Sealing, ShelfKey

CODES = st.sampled_from([f"{prov}{kab:02d}" for prov in (11, 12, 32) for kab in range(1, 20)])
COUNTS = st.dictionaries(CODES, st.integers(0, 12), min_size=1)


# Which regencies share a file.


def neighbours(persons, most, enough=tables.ENOUGH):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "TOGETHER", most)
        patched.setattr(tables, "ENOUGH", enough)
        return list(tables.neighbours(persons))


@settings(deadline=None)
@given(COUNTS, st.integers(1, 20), st.integers(0, 25))
def test_neighbours_are_few_and_of_one_province_where_that_is_enough(persons, most, enough):
    groups = neighbours(persons, most, enough)
    few = min(enough, sum(persons.values()) // tables.SHARES)
    assert [code for group in groups for code in group] == sorted(persons), "each once, in release order"
    for group in groups:
        assert len(group) == 1 or sum(persons[code] for code in group) <= most
        last = [code for code in group if code[:2] == group[-1][:2]]
        assert last == list(group) or sum(persons[code] for code in group if code not in last) < max(few, 1)
    for one, other in pairwise(groups):
        there = sum(persons[code] for code in one)
        assert there + persons[other[0]] > most or (there >= few and one[-1][:2] != other[0][:2]), "no more than needed"


def test_a_small_nation_has_few_files_and_a_large_one_ends_them_with_the_province():
    """And how many the engines' threads can share."""
    codes = [region.code for region in regions().at_level(2)]
    small, large = (list(tables.neighbours(dict.fromkeys(codes, many))) for many in (1_946, 97_276))
    assert len(small) in range(6, 10)
    assert sum(len({code[:2] for code in group}) > 1 for group in large) < len(large) // 10
    assert list(tables.neighbours({})) == []


@settings(deadline=None)
@given(COUNTS, st.integers(1, 20))
def test_names_of_files_have_release_order(persons, most):
    names = [tables.joined("individu", group).as_posix() for group in neighbours(persons, most)]
    assert names == sorted(set(names))


def test_a_file_is_named_by_its_first_and_last_regency():
    assert tables.joined(Unit.KELUARGA, ["3201", "3202", "3204"]).as_posix() == "keluarga/3201-3204.parquet"
    assert tables.joined(Unit.INDIVIDU, ["3205"]).as_posix() == "individu/3205.parquet"


# Row groups.


@settings(deadline=None)
@given(st.lists(st.integers(0, 12)))
def test_no_regency_is_cut_by_its_neighbours(counts):
    """Regencies are whole in a row group, or alone in several."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "ROW_GROUP", 5)
        told = ((count, _pieces(kab, count)) for kab, count in enumerate(counts))
        groups = [group["kab"].to_pylist() for group in tables.row_groups(told)]
    assert [kab for group in groups for kab in group] == [kab for kab, count in enumerate(counts) for _ in range(count)]
    for group in groups:
        assert 0 < len(group) <= 5
        assert all(group.count(kab) == counts[kab] for kab in group) or len(set(group)) == 1


def _pieces(kab: int, count: int):
    for start in range(0, count, 5):
        yield pa.table({"kab": [kab] * min(5, count - start)})


@pytest.mark.parametrize("area", [("3202",), ("3202012001",), ("3201", "3206")])
def test_who_wants_a_regency_reads_its_row_groups_and_no_others(tmp_path, monkeypatch, area):
    """Of a file of six regencies, each with a row group of its own."""
    shelf, rows = _file_of_six(tmp_path)
    read = []
    whole = vault.Opened._open
    monkeypatch.setattr(
        vault.Opened, "_open", lambda self, number, *blocks: read.append(number) or whole(self, number, *blocks)
    )
    query = Rows("individu", ("nama",), Compare(Op.AT_MOST, Column("desil"), Const(10)), area)
    types = {"nama": Type.TEXT, "desil": Type.INTEGER, **dict.fromkeys(("kode_kab", "kode_desa"), Type.TEXT)}
    with shelf.reading(), duckdb.Engine(tmp_path, shelf=shelf) as engine:
        found = [name for batch in engine.rows(query, shelf.parts, types) for name in batch["nama"].to_pylist()]
    assert found == [name for kab, name in rows if kab in {code[:4] for code in area}]
    blocks = len(shelf.open(shelf.parts[0].path).index.ends)
    assert len(set(read)) < blocks * (len(area) / 6 + 0.15), f"{len(set(read))} of {blocks} blocks"


def _file_of_six(folder):
    """On a shelf: 20,000 persons a regency, with names that cannot be compressed."""
    dice, codes, key = random.Random(1), [f"320{at}" for at in range(1, 7)], ShelfKey.new(VERSION)
    rows = [(kab, dice.randbytes(16).hex()) for kab in codes for _ in range(20_000)]
    kabs, names = zip(*rows, strict=True)
    columns = {"nama": names, "desil": [1] * len(rows), "kode_kab": kabs, "kode_desa": [f"{kab}012001" for kab in kabs]}
    name = tables.joined("individu", codes).as_posix()
    with Sealing(folder / "sealed", key.cipher(name)) as out:
        pq.write_table(pa.table(columns), out, row_group_size=20_000)
    return Shelf(key, {name: Entry(folder / "sealed", out.sealed.blocks, tuple(codes), len(rows))}), rows


def _wide(rows: int) -> pa.Table:
    """Columns as a release has them, one longer than a page may be."""
    dice = np.random.default_rng(1)
    text = pa.array([dice.bytes(12).hex() for _ in range(rows)])
    numbers = {"nik_number": dice.integers(10**15, 10**16, rows), "person_ordinal": np.arange(rows)}
    return pa.table({"nama": text, "umur": dice.integers(0, 99, rows), **numbers})


def test_a_column_of_a_row_group_is_one_page_unless_it_is_long(tmp_path):
    """A writer gives each page as a header and a body."""
    rows, lengths = _wide(60_000), {}
    schema = rows.schema
    for name in schema.names:
        sink = _Noted()
        with tables.writer(sink, pa.schema([schema.field(name)])) as out:
            out.write_table(rows.select([name]))
        lengths[name] = [many for many in sink.written if many > 10_000]
    assert [len(lengths[name]) for name in ("nik_number", "umur", "nama")] == [1, 1, 2]
    with tables.writer(tmp_path / "told", schema) as out:
        out.write_table(rows)
    columns = pq.read_metadata(tmp_path / "told").row_group(0)
    encodings = {columns.column(at).path_in_schema: columns.column(at).encodings for at in range(columns.num_columns)}
    assert "BYTE_STREAM_SPLIT" in encodings["nik_number"] and "DELTA_BINARY_PACKED" in encodings["person_ordinal"]
    assert "RLE_DICTIONARY" in encodings["umur"] and "PLAIN" in encodings["nama"]


class _Noted(io.RawIOBase):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[int] = []

    def writable(self) -> bool:
        return True

    def write(self, piece) -> int:
        self.written.append(len(piece))
        return len(piece)


def test_a_file_that_is_sealed_as_it_is_has_blocks_where_it_has_columns(tmp_path):
    """It was written before, and is not written anew."""
    with tables.writer(tmp_path / "one", _wide(1).schema) as out:
        for _ in range(3):
            out.write_table(_wide(20_000))
    whole, told = (tmp_path / "one").read_bytes(), pq.read_metadata(tmp_path / "one")
    cuts = {0}
    for piece in publishing._pieces(tmp_path, Path("one")):
        assert whole[max(cuts) :].startswith(piece) and piece
        cuts.add(max(cuts) + len(piece))
    assert max(cuts) == len(whole) and len(cuts) == 1 + 3 * 4 + 1, "three groups of four, and its end"
    for group in map(told.row_group, range(3)):
        assert {group.column(at).data_page_offset for at in (2, 3)} <= cuts, "those without a dictionary"


@pytest.mark.parametrize("lie", [-90, -9, 0, 1, 10**6, 10**12, 2**62])
def test_a_file_that_lies_about_its_columns_is_sealed_whole(tmp_path, monkeypatch, lie):
    (tmp_path / "one").write_bytes(whole := random.Random(1).randbytes(100_000))
    column = SimpleNamespace(has_dictionary_page=False, data_page_offset=50, total_compressed_size=lie)
    group = SimpleNamespace(column=lambda _: column)
    told = SimpleNamespace(num_row_groups=2, num_columns=1, row_group=lambda _: group)
    monkeypatch.setattr(pq, "read_metadata", lambda _: told)
    assert b"".join(publishing._pieces(tmp_path, Path("one"))) == whole


def test_however_a_release_is_cut_it_says_the_same(release, tmp_path):
    """Its digest of content, too, and its quality. A regency is whole in a file and, unless it is large, in a row
    group; a province that is one file is read as one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "TOGETHER", 60)
        patched.setattr(tables, "ROW_GROUP", 25)
        cut = publish(release.folder.parents[1] / "data", tmp_path / "releases", VERSION, PUBLISHED_AT, STORAGE)
    assert 2 * 6 < len(release.files) < 2 * 10 < len(cut.files) < 2 * 514
    assert (cut.manifest["content"], cut.quality()) == (release.manifest["content"], release.quality())
    for unit in Unit:
        assert [*cut.regencies(unit)] == [*release.regencies(unit)]
        one, other = (
            [row for table in in_clear(it, unit, ["32"]) for row in table.to_pylist() if row["kode_prov"] == "32"]
            for it in (cut, release)
        )
        assert one == other
    sizes = {kab: len(rows) for kab, rows in cut.regencies(Unit.INDIVIDU)}
    with cut.reading(STORAGE, Unit.INDIVIDU, ["32"]) as shelf:
        files = [pq.ParquetFile(shelf.open(part.path)) for part in shelf.parts]
        groups = [
            file.read_row_group(at)["kode_kab"].to_pylist() for file in files for at in range(file.num_row_groups)
        ]
    assert len(groups) > len(files)
    for group in groups:
        assert len(group) <= 25 or len(set(group)) == 1
        assert all(group.count(kab) == sizes[kab] for kab in group) or len(set(group)) == 1


# Releases of the form before: each regency in a file of its own.


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same rows in both forms; who signs and seals is the same."""
    folder = tmp_path_factory.mktemp("forms")
    now, _ = small_release(folder / "now")
    before, _ = small_release(folder / "before", form=ONE_BY_ONE)
    return now, before, a_house(folder / "var")


def test_a_release_of_the_form_before_is_read_as_it_was(both):
    now, before, _ = both
    assert (len(before.files), len(now.files)) == (2 * len(REGENCIES), 2 * 2)
    assert {file.path for file in before.files} == {tables.part(u, kab).as_posix() for u in Unit for kab in REGENCIES}
    for unit in Unit:
        assert [*before.regencies(unit)] == [*now.regencies(unit)]
    for area in ((), ("32",), ("3273",), ("517103",), ("11",)):
        assert before.persons_in(area) == now.persons_in(area)
        passed, passes = before.persons_up_to(area), now.persons_up_to(area)
        assert all(passed(at) == passes(at) for at in (-1, 0, 100, 10**6))
    assert not [damage for damage in before.checked() if isinstance(damage, Exception)]


@pytest.mark.parametrize("area", [(), ("3273",)])
@pytest.mark.parametrize("level", Level)
def test_what_is_delivered_is_the_same_to_the_digest_of_its_content(both, level, area, tmp_path):
    *releases, house = both
    plan = a_plan(level, area=Area(area, EDITION), **({"variables": ("kode_prov",)} if level is Level.L1 else {}))
    contents = set()
    for at, release in enumerate(releases):
        receipt = deliver(an_order(plan), release, house.keys, Places.under(tmp_path / f"{at}"))
        assert not receipt.refusal, receipt.refusal
        contents.add(next(one.evidence["content_digest"] for one in receipt.steps if one.step is Step.FORMATTING))
    assert len(contents) == 1


@pytest.mark.parametrize("form", [OF_A_PROVINCE, UNCOUNTED])
def test_only_in_the_form_of_today_a_file_is_of_two_provinces(tmp_path, monkeypatch, form):
    small_release(tmp_path / "as-it-was", form=form)
    monkeypatch.setattr(small, "JOINED", (REGENCIES,))
    now, _ = small_release(tmp_path / "now")
    assert [file.codes for file in now.files] == [REGENCIES, REGENCIES]
    with pytest.raises(Damaged, match="release-manifest-inconsistent"):
        small_release(tmp_path / "before", form=form)


@pytest.mark.parametrize("changes", [{"kode_kab": "3273"}, {"rows": -1}, {"content": "0"}])
def test_a_manifest_of_the_form_before_must_agree_with_itself_too(both, tmp_path, changes):
    _, before, _ = both
    first, *others = before.manifest["files"]
    shutil.copytree(before.folder, tmp_path / VERSION)
    (tmp_path / VERSION / "release.json").write_bytes(
        canonical({**before.manifest, "files": [{**first, **changes}, *others]})
    )
    with pytest.raises(Damaged, match="release-manifest-inconsistent"):
        Release.open(tmp_path, VERSION)
