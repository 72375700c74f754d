"""Everybody keeps an identity from release to release; what became of each is never forgotten, and what lies there is
what was written."""

import json
import os
import signal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bench.identities import QUARTER, judged, run, two_releases
from tests.factories_registry import STORAGE
from tests.registry.matching.test_carrying import BUDI, HASAN, HUSEIN, KIND, MOVED, SARI, side
from tests.registry.orders import a_house
from tests.registry.small import small_release

from bagipakai.cli import main
from bagipakai.registry import keys
from bagipakai.registry.matching import identities, names
from bagipakai.registry.matching.carrying import Side
from bagipakai.registry.matching.identities import ID, MANIFEST, NOBODY, Identities, What, carry, found, texts
from bagipakai.registry.matching.sources import rows_of_release, source_of_release
from bagipakai.registry.releases import IDENTITIES
from bagipakai.registry.rewrapping import Rewrapped, rewrap
from bagipakai.registry.vault import Damaged, ShelfKey

CHILD = HASAN | {"nik": "3201011507260001", "nama": "PUTRI", "jenis_kelamin": "P"}


class Line:
    """Release after release, each with its identities."""

    def __init__(self, folder):
        self.folder, self.sides, self.all = folder, [], []

    def add(self, *rows: dict) -> Identities:
        one, at = side(list(rows)), len(self.all)
        target, key, source = self.folder / str(at), ShelfKey.new(f"identities/{at}"), {"file": str(at)}
        if at:
            carry(self.all[-1], self.sides[-1], one, target, key, source, STORAGE)
        else:
            found(one.count, target, key, source, STORAGE)
        self.sides.append(one)
        self.all.append(Identities.open(target, ShelfKey.unwrapped(target, f"identities/{at}", STORAGE), source))
        return self.all[-1]

    def ids(self, at: int) -> list[str]:
        return of(self.all[at])

    def events(self, at: int = -1) -> list[tuple[str, str]]:
        told = np.concatenate([*self.all[at].events(), np.zeros(0, identities.EVENT)])
        return sorted(
            (What(int(one["what"])).name, text) for one, text in zip(told, texts(told["id"]).to_pylist(), strict=True)
        )


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path)


def of(one: Identities) -> list[str]:
    return texts(one.ids(np.arange(len(one)))).to_pylist()


def as_ids(*told: str) -> np.ndarray:
    return np.array(
        [(int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")) for raw in map(bytes.fromhex, told)], ID
    )


def resolved(one: Identities, *told: str) -> list[tuple[str | None, int, int]]:
    now, place, since = one.resolved(as_ids(*told))
    return [
        (None if who == NOBODY else text, at, gone)
        for who, text, at, gone in zip(now, texts(now).to_pylist(), place.tolist(), since.tolist(), strict=True)
    ]


def test_an_identity_goes_on_through_any_change_and_is_nobody_elses(line):
    line.add(BUDI, SARI, HASAN)
    line.add(SARI | {"no_kk": "3201010101250001"}, HASAN | {"nik": HUSEIN["nik"]}, CHILD, BUDI | {"nama": "BUDI S."})
    line.add(*(row | MOVED for row in (CHILD, BUDI, SARI, HASAN)))
    (budi, sari, hasan), (*middle, putri, _), last = line.ids(0), line.ids(1), line.ids(2)
    assert middle == [sari, hasan] and last == [putri, budi, sari, hasan]
    assert len({budi, sari, hasan, putri}) == 4
    assert line.events(0) == []
    assert line.events(1) == sorted([("BORN", putri), *(("CARRIED", one) for one in (budi, sari, hasan))])
    assert line.events(2) == sorted(("CARRIED", one) for one in last)
    assert line.all[2].line == [{"file": "0"}, {"file": "1"}]
    assert line.all[1].manifest["counts"] == {
        **dict.fromkeys(("merged", "split", "gone", "returned"), 0), "persons": 4, "born": 1, "carried": 3,
    }  # fmt: skip


def test_an_identity_is_chance(tmp_path):
    """The same release twice: other identities. No bit of a hundred thousand is set more often than chance would."""
    one, other = Line(tmp_path / "1"), Line(tmp_path / "2")
    for world in (one, other):
        world.add(BUDI, SARI)
    assert not set(one.ids(0)) & set(other.ids(0))
    found(100_000, tmp_path / "3", key := ShelfKey.new("x"), {})
    drawn = Identities.open(tmp_path / "3", key).ids(np.arange(100_000))
    bits = np.unpackbits(drawn.view(np.uint8).reshape(-1, 16), axis=1).mean(axis=0)
    assert len(np.unique(drawn)) == 100_000 and abs(bits - 0.5).max() < 0.012


def test_who_left_resolves_as_gone_and_may_return(line):
    line.add(BUDI, SARI)
    line.add(SARI)
    line.add(SARI, CHILD)
    line.add(BUDI | {"no_kk": "3201010101250001"}, SARI, CHILD)
    budi, sari = line.ids(0)
    assert line.events(1) == [("GONE", budi)] and line.events(2) == [("BORN", line.ids(2)[1])]
    assert resolved(line.all[1], budi, sari) == [(budi, -1, 1), (sari, 0, -1)]
    assert resolved(line.all[2], budi) == [(budi, -1, 1)], "gone since the second release"
    assert line.events(3) == [("RETURNED", budi)] and line.ids(3)[0] == budi
    assert resolved(line.all[3], budi, "ab" * 16) == [(budi, 0, -1), (None, -1, -1)]
    assert len(line.all[3].gone) == 0


def test_who_stood_twice_is_merged_and_resolves_as_the_one_for_ever(line):
    again = BUDI | {"nama": "DRS. BUDI SANTOSO", "no_kk": "3201010101990001"}
    line.add(BUDI, again, SARI)
    line.add(BUDI, SARI)
    line.add(SARI, BUDI | MOVED)
    line.add(SARI)
    budi, twin, _ = line.ids(0)
    assert line.events(1) == [("MERGED", twin)] and line.events(2) == [("CARRIED", budi)]
    assert resolved(line.all[1], twin) == [(budi, 0, -1)]
    assert resolved(line.all[2], twin, budi) == [(budi, 1, -1)] * 2
    assert resolved(line.all[3], twin) == [(budi, -1, 3)]
    line.add(SARI, again)
    assert line.ids(4)[1] == budi, "who returns is the one, not the one who was merged into it"


def test_who_was_merged_can_stand_alone_again(line):
    again = BUDI | {"nama": "DRS. BUDI SANTOSO", "no_kk": "3201010101990001"}
    line.add(BUDI, again)
    line.add(BUDI)
    line.add(BUDI, again)
    budi, twin = line.ids(0)
    assert line.ids(2) == [budi, twin] and line.events(2) == [("SPLIT", twin)]
    assert resolved(line.all[2], twin) == [(twin, 1, -1)]


def test_who_left_is_not_compared_by_names_that_are_heard_otherwise(line, monkeypatch):
    line.add(BUDI, SARI)
    with monkeypatch.context() as patched:
        patched.setattr(names, "VERSION", "of another day")
        line.add(SARI)
    line.add(BUDI, SARI)
    assert line.events(2) == [("BORN", line.ids(2)[0])] and resolved(line.all[2], line.ids(0)[0])[0][2] == 1


def test_a_release_goes_on_as_itself(release, tmp_path):
    """3,000 persons of a release, carried to the same: everybody keeps the identity."""
    people, source = Side(lambda: rows_of_release(release, STORAGE), release.person_count), source_of_release(release)
    key, later = ShelfKey.new("a"), ShelfKey.new("b")
    found(people.count, tmp_path / "a", key, source)
    before = Identities.open(tmp_path / "a", key, source)
    told = carry(before, people, people, tmp_path / "b", later, source)
    assert of(Identities.open(tmp_path / "b", later)) == of(before) and told["counts"]["born"] == 0
    with pytest.raises(ValueError, match="another release"):
        carry(before, side([BUDI]), people, tmp_path / "c", ShelfKey.new("c"), source)
    with pytest.raises(Damaged, match="identities-of-another-source"):
        Identities.open(tmp_path / "a", key, {"file": "0" * 64})


def test_many_stretches_are_one_release(line, monkeypatch):
    """Of eleven persons four lie in a stretch, three in a span, a handful in a range of what is put in order."""
    monkeypatch.setattr(identities, "FINEST", 2**10)
    monkeypatch.setattr(identities, "STRETCH", 2**22)
    monkeypatch.setattr(identities, "SPAN", 3)
    rows = [BUDI | {"nik": f"32010107028000{at:02d}", "nama": f"BUDI {'ABCDEFGHIJK'[at]}ARNO"} for at in range(11)]
    line.add(*rows)
    line.add(*reversed(rows[4:]))
    line.add(*rows)
    ids = line.ids(0)
    assert line.ids(1) == ids[:3:-1] and line.ids(2) == ids
    assert resolved(line.all[1], *ids) == [
        *((one, -1, 1) for one in ids[:4]),
        *((ids[at], 10 - at, -1) for at in range(4, 11)),
    ]


@pytest.mark.parametrize("file", ["ids", "gone", "events", "of.keys", "of.starts", MANIFEST])
def test_a_flipped_byte_is_told(line, file):
    """Wherever it lies: by whoever opens, asks, or looks through them."""
    line.add(BUDI, SARI, HASAN)
    one = line.add(SARI, HASAN, CHILD)
    asked = as_ids(*line.ids(0), *line.ids(1))
    path = one.folder / file
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 1 + len(content) // 25):
        content[at] ^= 64
        path.write_bytes(content)
        with pytest.raises(Damaged):
            key = ShelfKey.unwrapped(one.folder, "identities/1", STORAGE)
            again = Identities.open(one.folder, key)
            again.ids(np.arange(len(again)))
            list(again.events()), list(again.spans())
            again.resolved(asked)
            for damage in again.checked():
                if isinstance(damage, Damaged):
                    raise damage
        content[at] ^= 64
    path.write_bytes(content)
    assert all(isinstance(told, str) for told in one.checked())


def test_killed_anywhere_it_leaves_nothing_and_is_made_the_next_time(line):
    line.add(BUDI, SARI)
    one, target = side([SARI, CHILD]), line.folder / "1"
    for reads in range(1, 4):
        if (child := os.fork()) == 0:
            left = iter(range(reads))

            def rows(left=left):
                if next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return one.rows()

            carry(line.all[0], line.sides[0], Side(rows, 2), target, ShelfKey.new("identities/1"), {}, STORAGE)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (-signal.SIGKILL, 0)
        if target.exists():
            break
        carried = [path.name for path in line.folder.iterdir() if not path.name.startswith(".")]
        assert carried == ["0"]
    assert target.exists() and reads == 3, "killed twice on the way"
    assert sorted(path.name for path in line.folder.iterdir()) == ["0", "1"], "what the killed left is gone"


def test_the_storage_key_can_be_replaced(tmp_path):
    """Nothing else than `key.json` opens them: it is wrapped anew with those of the releases."""
    var = tmp_path / "var"
    keys.establish(var / "keys")
    old, target = keys.storage(var / "keys"), var / IDENTITIES / "2026.3.0"
    found(3, target, ShelfKey.new("identities/2026.3.0"), {}, old)
    ids = of(Identities.open(target, ShelfKey.unwrapped(target, "identities/2026.3.0", old)))
    assert isinstance(rewrap(var, [var / "releases"]), Rewrapped)
    new = ShelfKey.unwrapped(target, "identities/2026.3.0", keys.storage(var / "keys"))
    assert of(Identities.open(target, new)) == ids
    with pytest.raises(Damaged, match="another-storage"):
        ShelfKey.unwrapped(target, "identities/2026.3.0", old)


# --- The command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    for name, rows in (("n", [BUDI, SARI, HASAN]), ("o", [SARI, BUDI | MOVED, CHILD])):
        pq.write_table(pa.Table.from_pylist(rows, KIND), tmp_path / f"{name}.parquet")
    return tmp_path


def carried(house, *options: str, before: str = "n", after: str = "o") -> int:
    files = {option: str(house / f"{name}.parquet") for option, name in (("--from", before), ("--to", after))}
    return main(["registry", "carry", *(one for pair in files.items() for one in pair), *options])


def test_the_command_tells_what_happened_and_does_it_once(house, capsys):
    assert carried(house, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {name: told[name] for name in ("persons", "born", "carried", "gone")} == {
        "persons": 3, "born": 1, "carried": 1, "gone": 1,
    }  # fmt: skip
    made = {path: path.read_bytes() for path in (house / "o.parquet.identities").iterdir()}
    assert carried(house) == 0
    said = capsys.readouterr().out
    assert "2 tetap sama orangnya" in said and "1 pergi" in said
    assert {path: path.read_bytes() for path in (house / "o.parquet.identities").iterdir()} == made
    assert not any(value in said for value in map(str, BUDI.values()))


def test_identities_are_never_written_over(house, capsys):
    assert carried(house) == 0
    assert carried(house, before="o", after="n") == 1
    assert "[identities-of-another-line]" in capsys.readouterr().err
    pq.write_table(pa.Table.from_pylist([SARI], KIND), house / "o.parquet")
    assert carried(house) == 1
    assert "[identities-of-another-source]" in capsys.readouterr().err
    (house / "p.parquet.identities").mkdir()
    pq.write_table(pa.Table.from_pylist([SARI], KIND), house / "p.parquet")
    assert carried(house, after="p") == 1
    assert "[identities-place-taken]" in capsys.readouterr().err
    assert carried(house, after="nowhere") == 1
    assert "[release-unknown]" in capsys.readouterr().err


def test_releases_are_carried_by_their_versions(tmp_path, monkeypatch, capsys):
    """Sealed, as the house publishes them; what is carried lies beside, and is read by nobody without the key."""
    house = a_house(tmp_path / "var")
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    first, rows = small_release(house.var / "releases", families=20, seal=house.keys.seal, version="2026.2.0")
    small_release(house.var / "releases", seal=house.keys.seal, version="2026.3.0", rows=rows)
    assert main(["registry", "carry", "--from", "2026.2.0", "--to", "2026.3.0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["persons"] == first.person_count and told["born"] == told["gone"]
    assert told["born"] <= first.person_count / 3, "who has neither name nor number cannot be known again"
    for version in ("2026.2.0", "2026.3.0"):
        folder = house.var / IDENTITIES / version
        key = ShelfKey.unwrapped(folder, f"identities/{version}", house.keys.storage)
        assert len(Identities.open(folder, key)) == first.person_count
    (first.folder / first.files[0].path).write_bytes(b"x")
    assert main(["registry", "carry", "--from", "2026.2.0", "--to", "2026.3.0"]) == 1


@pytest.mark.parametrize("without", [(), ("nama_ibu",), ("no_kk",), ("nama_ibu", "no_kk")])
def test_a_quarter_ten_times_harsher_than_the_bench_mistakes_nobody(tmp_path, without):
    """Births, deaths, moves, marriages, exchanged and inherited numbers, namesakes: who is lost is less than the one in
    fifty that is badly damaged, and what a duplicate was merged into is the same person."""
    harsh = {name: min(900_000, 10 * rate) for name, rate in QUARTER.items()}
    worlds = two_releases(3_000, 12, harsh)
    tables = [world.table().drop_columns(list(without)) for world in worlds]
    before, after, figures = run(*(Side(lambda one=one: iter([one]), len(one)) for one in tables), tmp_path)
    told = judged(worlds[0].person, worlds[1].person, *(one.ids(np.arange(len(one))) for one in (before, after)))
    assert told["wrong"] == 0 and told["recall"] > 0.98
    ids = before.ids(np.arange(len(before)))
    now, place, _ = after.resolved(ids)
    assert (now != NOBODY).all()
    merged = (now != ids) & (place >= 0)
    assert merged.sum() == figures["counts"]["merged"] > 5
    assert (worlds[1].person[place[merged]] == worlds[0].person[merged]).all()
