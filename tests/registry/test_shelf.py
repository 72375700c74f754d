"""The files of a release as an engine reads them: those of the shelf, and of them what it needs."""

import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from bagipakai.core.query import Count
from bagipakai.core.variables import Type
from bagipakai.registry.engines import duckdb
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import Damaged, Opened, ShelfKey, seal_file

VERSION, NAME = "2026.3.0", "individu/3201-3204.parquet"


def test_only_what_is_on_the_shelf_opens_and_only_for_reading(tmp_path):
    key, path, plain = ShelfKey.new(VERSION), tmp_path / "sealed", bytes(range(100))
    (tmp_path / "plain").write_bytes(plain)
    told = seal_file(tmp_path / "plain", path, key.cipher(NAME))
    shelf = Shelf(key, {NAME: Entry(path, told.blocks, ("3201",))})
    assert [part.regencies for part in shelf.parts] == [("3201",)]
    assert shelf.open(shelf.parts[0].path).read() == plain
    for name in ("/etc/passwd", shelf.name("../plain"), shelf.name("plain")):
        with pytest.raises(FileNotFoundError):
            shelf.open(name)
    with pytest.raises(PermissionError):
        shelf.open(shelf.parts[0].path, "wb")
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(Damaged):
        shelf.open(shelf.parts[0].path).read()
    with pytest.raises(Damaged):
        Shelf(key, {NAME: Entry(path, told.blocks, ("3201",))}).open(NAME)
    assert shelf.damage is not None and shelf.damage.file == NAME


def test_an_engine_reads_what_it_needs_and_no_more_however_slow_the_machine(tmp_path, monkeypatch):
    """DuckDB would read what lies between two columns, here two hundred times as much, once it believed that each read
    takes long."""
    dice, key, entries = np.random.default_rng(1), ShelfKey.new(VERSION), {}
    for at in range(6):
        wide = pa.array([dice.bytes(150).hex() for _ in range(3_000)])
        few = pa.array(dice.integers(0, 9, 3_000))
        table = pa.table({"desil": few, "nama": wide, "umur": few})
        pa.parquet.write_table(table, tmp_path / "plain", row_group_size=500)
        told = seal_file(tmp_path / "plain", tmp_path / str(at), key.cipher(str(at)))
        entries[str(at)] = Entry(tmp_path / str(at), told.blocks, "3201", 3_000)
    reading, read = Opened.read, []

    def slowly(file, size=-1):
        read.append(size)
        time.sleep(0.002)
        return reading(file, size)

    monkeypatch.setattr(Opened, "read", slowly)
    shelf, types = Shelf(key, entries), {"desil": Type.INTEGER, "umur": Type.INTEGER}
    with duckdb.Engine(tmp_path, shelf=shelf) as engine:
        for _ in range(5):
            cells = engine.count(Count("individu", ("desil", "umur")), shelf.parts, types, enough=0)
            assert sum(cell.persons for cell in cells) == 18_000
            ends = [size for size in read if size > 1_000]
            assert len(read) - len(ends) == 6 * 6 * 2 and len(ends) <= 3 * 6 and max(ends) == 16_384
            read.clear()
