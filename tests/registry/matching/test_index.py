"""An index finds the persons who share a key with a row: all of them, no others, and only while it is what was made."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.matching.people import COLUMNS, of_rows, some_people
from tests.registry.matching.test_keys import WHOLE, naive_keys

from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import index, keys, lookups, names
from bagipakai.registry.matching.index import MANIFEST, Index, _smallest, build
from bagipakai.registry.matching.keys import NAMES, RULES, asked
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

HOUSE = StorageKey(b"a" * 32)
SOURCE = {"release": "2026.3.0", "digest": "0" * 64}
FAMILY = WHOLE | {"nik": None, "nik_sound": 0, "sex": 1}


def made(folder, people: pa.Table, pieces: int = 1) -> Index:
    if folder.exists():
        shutil.rmtree(folder)
    key, each = ShelfKey.new("index/2026.3.0"), -(-len(people) // pieces) or 1
    build((people.slice(at, each) for at in range(0, len(people), each)), folder, key, SOURCE, HOUSE)
    return opened(folder)


def opened(folder, source=None) -> Index:
    key = ShelfKey.unwrapped(folder, "index/2026.3.0", HOUSE)
    return Index.open(folder, key, source)


def naive_candidates(people: pa.Table, rows: pa.Table) -> tuple[dict, dict]:
    """(row, ordinal) → the rules by which they meet, and row → the rules whose key too many persons have."""
    bearers, pairs, too_common = defaultdict(list), defaultdict(set), defaultdict(set)
    for name, column in naive_keys(people).items():
        for ordinal, key in enumerate(column):
            if key is not None:
                bearers[name, key].append(ordinal)
    for number, at, asking in asked(rows):
        rule = RULES[number]
        for row, key in zip(at.tolist(), asking.tolist(), strict=True):
            found = bearers.get((rule.name, key), [])
            if len(found) > rule.most:
                too_common[row].add(rule.name)
            else:
                for ordinal in found:
                    pairs[row, ordinal].add(rule.name)
    return dict(pairs), dict(too_common)


def a_name(number: int) -> str:
    """Names that sound different but begin alike."""
    return f"NAMA {'BDGKLMNPRT'[number // 10]}A{'BDGKLMNPRT'[number % 10]}I"


def told(bits: int) -> set[str]:
    return {name for at, name in enumerate(NAMES) if bits >> at & 1}


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 400), pieces=st.integers(1, 5))
def test_candidates_are_all_who_share_a_key_and_no_others(tmp_path_factory, seed, count, pieces):
    """Of 400 such people many keys are too common, and many are one person's alone."""
    people, rows = some_people(count, seed), some_people(30, seed + 1)
    found = made(tmp_path_factory.mktemp("index") / "x", people, pieces).candidates(rows, limit=10**6)
    pairs, too_common = naive_candidates(people, rows)
    got = {
        (row, ordinal): told(bits)
        for row, ordinal, bits in zip(found.row.tolist(), found.ordinal.tolist(), found.rules.tolist(), strict=True)
    }
    assert got == pairs and len(found) == len(pairs)
    assert list(got) == sorted(got), "by row, then by ordinal"
    assert {row: told(bits) for row, bits in enumerate(found.too_common.tolist()) if bits} == too_common


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """300 people and their index."""
    people = some_people(300, seed=7)
    folder = tmp_path_factory.mktemp("village") / "index"
    return people, made(folder, people, pieces=3), folder


def test_a_person_comes_back_with_every_feature(village):
    people, found, _ = village
    at = np.array([5, 299, 5, 0], np.uint32)
    back = found.people(at)
    assert back["ordinal"].to_pylist() == at.tolist()
    assert back["registry_id"].to_pylist() == [people["registry_id"][one].as_py() for one in at.tolist()]
    for name in COLUMNS.names:
        assert back[name].type == COLUMNS.field(name).type, name
        assert back[name].to_pylist() == people[name].take(pa.array(at)).to_pylist(), name
    with pytest.raises(IndexError):
        found.people(np.array([300]))


def test_a_name_that_nobody_bears_has_no_bearers(village):
    people, found, _ = village
    count = pc.sum(pc.equal(people["name"], "SLAMET")).as_py()
    assert found.frequencies(pa.array(["NAMA LAIN", "SLAMET"])).tolist() == [0, count]


def test_a_key_that_too_many_have_is_told_and_counted(tmp_path):
    """A registry of 65 twins of one default date and family: nobody is found by what they share."""
    crowd = [FAMILY | {"born": None, "born_part": 0, "name": a_name(at)} for at in range(65)]
    found = made(tmp_path / "x", of_rows(crowd))
    candidates = found.candidates(of_rows([FAMILY | {"name": a_name(7)}]))
    assert candidates.ordinal.tolist() == [7] and told(candidates.rules[0]) == {"name-kec", "last-desa", "skeleton-kab"}
    together = {"kk-15", "informative-desa", "mother-kec", "mother-kab", "informative-mother"}
    assert told(candidates.too_common[0]) == together
    assert found.manifest["rules"]["kk-15"] == {"keys": 1, "too_common": 1, "persons_left_out": 65}
    assert len(made(tmp_path / "y", of_rows(crowd[:64])).candidates(of_rows([FAMILY]), ["kk-15"])) == 64


def test_a_row_that_would_meet_too_many_keeps_those_of_its_smallest_keys(tmp_path):
    crowd = [FAMILY | {"kk": 1, "desa": 3201012002, "name": a_name(at)} for at in range(12)]
    family = [FAMILY | {"kec": None, "desa": None, "name": None, "mother": None} for _ in range(3)]
    row = of_rows([FAMILY | {"name": a_name(7)}, FAMILY | {"name": a_name(8)}])
    found = made(tmp_path / "x", of_rows([*crowd, *family]))
    roomy = [rule.name for rule in RULES if rule.most > len(crowd) + len(family)]
    few, all_of_them = found.candidates(row, roomy, 10), found.candidates(row, roomy, 1_000)
    assert set(few.ordinal[few.row == 0].tolist()) == {7, 12, 13, 14}
    assert "informative-born" in told(few.too_common[0]) and not all_of_them.too_common.any()
    assert {*range(15)} == set(all_of_them.ordinal[all_of_them.row == 1].tolist())


@given(
    keys_of_rows=st.dictionaries(
        st.integers(0, 3), st.dictionaries(st.integers(0, 5), st.integers(1, 6), min_size=1, max_size=5), min_size=1
    ),
    limit=st.integers(1, 12),
)
def test_of_a_crowded_row_whole_keys_stay_the_smallest_first(keys_of_rows, limit):
    entries = [
        (row, rule, size) for row, told in keys_of_rows.items() for rule, size in told.items() for _ in range(size)
    ]
    random.Random(1).shuffle(entries)
    row, rule, size = (np.array([one[at] for one in entries], np.uint64) for at in range(3))
    kept = _smallest(row, rule, size, np.arange(len(entries)), limit)
    expected = []
    for of_row, told in keys_of_rows.items():
        room = limit
        for count, of_rule in sorted((count, of_rule) for of_rule, count in told.items()):
            room -= count
            if room >= 0:
                expected += [(of_row, of_rule, count)] * count
    assert sorted(entries[at] for at in kept.tolist()) == sorted(expected)


def test_a_long_list_is_found_as_its_parts_are(village, monkeypatch):
    _, found, _ = village
    rows = some_people(100, seed=8)
    whole = found.candidates(rows)
    monkeypatch.setattr(index, "CHUNK", 7)
    pieces = found.candidates(rows)
    for name in type(whole).__slots__:
        assert (getattr(whole, name) == getattr(pieces, name)).all()


def test_nothing_is_found_for_no_rows_or_in_an_empty_registry(village, tmp_path):
    people, found, _ = village
    assert len(found.candidates(people.slice(0, 0))) == 0 == len(found.people(np.array([], np.int64)))
    empty = made(tmp_path / "x", people.slice(0, 0))
    assert len(empty) == 0 == len(empty.candidates(people)) and len(empty.candidates(people).too_common) == 300


@pytest.mark.parametrize("ids", [pa.string(), pa.int64(), None])
def test_a_registry_keeps_its_own_ids(tmp_path, ids):
    people = some_people(20)
    own = people["registry_id"] if ids is None else people["registry_id"].cast(ids)
    people = people.drop_columns(["registry_id"])
    given_ids = people if ids is None else people.append_column("registry_id", own)
    back = made(tmp_path / "x", given_ids, pieces=2).people(np.arange(20))["registry_id"]
    assert back.to_pylist() == (list(range(20)) if ids is None else own.to_pylist())
    missing = people.append_column("registry_id", pa.array([None, *range(19)], pa.int64()))
    with pytest.raises(ValueError, match="registry_id is missing"):
        made(tmp_path / "y", missing)
    assert not (tmp_path / "y").exists() and [one.name for one in tmp_path.iterdir()] == ["x"]


def test_one_changed_bit_in_any_file_is_told_and_never_answered_from(village, tmp_path):
    """At a place in every stretch of every file."""
    people, _, folder = village
    shutil.copytree(folder, tmp_path / "x")

    def ask():
        found = opened(tmp_path / "x")
        return found.candidates(people, limit=10**6), found.people(np.arange(300))

    expected = ask()
    for file in sorted((tmp_path / "x").iterdir()):
        whole = file.read_bytes()
        dice = np.random.default_rng(len(whole))
        for place in {0, len(whole) - 1, *dice.integers(0, len(whole), 4).tolist()}:
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            try:
                candidates, persons = ask()
            except Damaged:
                continue
            # A line that no question touched: then the answer is the same.
            assert (candidates.ordinal == expected[0].ordinal).all() and persons.equals(expected[1])
            assert [one.file for one in opened(tmp_path / "x").checked() if isinstance(one, Damaged)] == [file.name]
        file.write_bytes(whole)
    assert not [one for one in opened(tmp_path / "x").checked() if isinstance(one, Damaged)]


def test_a_file_that_is_missing_or_cut_off_keeps_the_index_shut(village, tmp_path):
    _, _, folder = village
    for file in sorted(folder.iterdir()):
        shutil.copytree(folder, tmp_path / "x")
        (tmp_path / "x" / file.name).write_bytes(file.read_bytes()[:-8])
        with pytest.raises(Damaged):
            opened(tmp_path / "x")
        (tmp_path / "x" / file.name).unlink()
        with pytest.raises(Damaged):
            opened(tmp_path / "x")
        shutil.rmtree(tmp_path / "x")


def test_an_index_of_other_versions_or_of_another_release_does_not_open(village, monkeypatch):
    _, found, folder = village
    assert opened(folder, SOURCE).manifest["persons"] == 300 == len(found)
    with pytest.raises(Damaged, match="index-of-another-source") as other:
        opened(folder, SOURCE | {"digest": "1" * 64})
    assert other.value.refusal.sentence()
    for module in (keys, names):
        with monkeypatch.context() as patched, pytest.raises(Damaged, match="index-of-other-versions") as other:
            patched.setattr(module, "VERSION", "another")
            opened(folder)
        assert other.value.refusal.sentence()


def test_an_index_opens_with_its_key_alone(village, tmp_path):
    _, _, folder = village
    with pytest.raises(Damaged, match="release-key"):
        ShelfKey.unwrapped(folder, "index/2026.3.0", StorageKey(b"b" * 32))
    with pytest.raises(Damaged):
        Index.open(folder, ShelfKey.new("index/2026.3.0"))
    key = ShelfKey.new("berkas")
    build([some_people(5)], tmp_path / "x", key, {"file": "x"})
    assert not (tmp_path / "x" / KEY).exists(), "a key that lives in memory alone"
    assert len(Index.open(tmp_path / "x", key)) == 5


def test_nothing_of_a_person_lies_in_the_index_in_clear(village):
    people, _, folder = village
    texts = [name.encode() for name in pc.unique(people["name"]).to_pylist() if name and len(name) > 5]
    numbers = [int(nik).to_bytes(8, "little") for nik in people["nik"].drop_null().to_pylist()]
    for file in folder.iterdir():
        content = file.read_bytes()
        assert not any(one in content for one in (*texts, *numbers)), file.name


def test_the_same_people_give_the_same_index_however_they_come(tmp_path, monkeypatch):
    """Under one key and, but for where names repeat, file by file; memory is another, the answers are not."""
    people, rows = some_people(500, seed=3), some_people(50, seed=4)
    once = made(tmp_path / "x", people)
    monkeypatch.setattr(index, "STRETCH", 64)
    monkeypatch.setattr(lookups, "RANGE", 64)
    monkeypatch.setattr(index, "Ascending", lambda *given: lookups.Ascending(*given, room=100))
    again = made(tmp_path / "y", people, pieces=4)
    assert once.manifest["rules"] == again.manifest["rules"]
    one, other = once.candidates(rows), again.candidates(rows)
    assert all((getattr(one, name) == getattr(other, name)).all() for name in type(one).__slots__)
    assert once.people(one.ordinal).equals(again.people(one.ordinal))
    assert sorted(file.name for file in (tmp_path / "y").iterdir()) == sorted([*again.manifest["files"], KEY, MANIFEST])


KILLED = """
import sys
from pathlib import Path
from tests.registry.matching.people import some_people
from bagipakai.registry.matching.index import build
from bagipakai.registry.vault import ShelfKey

def endless():
    while True:
        yield some_people(50)
        print("some", flush=True)

build(endless(), Path(sys.argv[1]), ShelfKey.new("x"), {})
"""


def test_a_killed_build_leaves_nothing_of_that_name_and_the_next_clears_up(tmp_path):
    making = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "x")],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert making.stdout.readline() and making.stdout.readline()
    making.send_signal(signal.SIGKILL)
    making.communicate()
    assert not (tmp_path / "x").exists() and len(list(tmp_path.iterdir())) == 1
    made(tmp_path / "x", some_people(20))
    assert [one.name for one in tmp_path.iterdir()] == ["x"]
