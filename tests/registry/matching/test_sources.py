"""The persons of a release or of a bare file come into an index in order, as their features."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.factories_registry import STORAGE

from bagipakai.registry.matching import sources
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.index import Index, build
from bagipakai.registry.matching.sources import (
    people_of_file,
    people_of_release,
    source_of_file,
    source_of_release,
)
from bagipakai.registry.vault import Damaged, ShelfKey

PERSON = {
    "registry_id": 77,
    "nik": "3201010702800001",
    "no_kk": "3201010101010001",
    "nama": "Drs. Budi Santoso",
    "jenis_kelamin": "L",
    "tempat_lahir": "Bogor",
    "tanggal_lahir": date(1980, 2, 7),
    "nama_ibu": "Siti Aminah",
    "alamat": "Jalan Mawar",
    "rt": "1",
    "rw": "2",
    "kode_desa": "3201012001",
    "kode_kec": "320101",
    "kode_kab": "3201",
    "kode_prov": "32",
}


def test_a_release_is_found_by_its_own_persons(release, tmp_path, monkeypatch):
    """Each of 3,000 persons finds itself, and comes back as its features; by pieces of a few regencies."""
    monkeypatch.setattr(sources, "TOGETHER", 500)
    key, source = ShelfKey.new("x"), source_of_release(release)
    people = list(people_of_release(release, STORAGE))
    assert 1 < len(people) < len(release.files) / 2
    build(people, tmp_path / "x", key, source)
    index, whole = Index.open(tmp_path / "x", key, source), pa.concat_tables(people)
    assert len(index) == release.person_count == len(whole)
    assert whole["registry_id"].to_pylist() == list(range(len(whole))), "the release's order"
    found = index.candidates(whole)
    itself = found.row[found.row == found.ordinal.astype(np.int64)]
    assert itself.tolist() == list(range(len(whole)))
    back = index.people(np.arange(len(whole)))
    for name in whole.column_names:
        assert back[name].to_pylist() == whole[name].to_pylist(), name


def test_a_bare_file_is_found_too(tmp_path):
    other = PERSON | {"registry_id": 5, "nik": None, "nama": "Slamet", "nama_ibu": None}
    pq.write_table(pa.Table.from_pylist([PERSON, other]), tmp_path / "registry.parquet")
    people = list(people_of_file(tmp_path / "registry.parquet"))
    key, source = ShelfKey.new("x"), source_of_file(tmp_path / "registry.parquet")
    build(people, tmp_path / "x", key, source)
    index = Index.open(tmp_path / "x", key, source)
    row = features(pa.table({"nama": ["BUDI SANTOSA"], "nik": ["3201010702800002"], "tanggal_lahir": ["7/2/1980"]}))
    found = index.candidates(row)
    assert index.people(found.ordinal)["registry_id"].to_pylist() == [77]
    with pytest.raises(Damaged, match="index-of-another-source"):
        Index.open(tmp_path / "x", key, source | {"file": "0" * 64})


@pytest.mark.parametrize("missing", sorted(PERSON.keys() - {"nama"}))
def test_any_column_of_a_bare_file_may_be_missing(tmp_path, missing):
    bare = pa.Table.from_pylist([PERSON]).drop_columns([missing])
    pq.write_table(bare, tmp_path / "registry.parquet")
    key = ShelfKey.new("x")
    build(people_of_file(tmp_path / "registry.parquet"), tmp_path / "x", key, {})
    back = Index.open(tmp_path / "x", key).people(np.array([0]))
    assert back["registry_id"].to_pylist() == [0 if missing == "registry_id" else 77]
