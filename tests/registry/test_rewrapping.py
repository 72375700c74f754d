"""The storage key gives way to the next: everything opens with the new one, nothing with the old; killed anywhere, it
goes on, and until then everything opens."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from tests.handed_in import a_set
from tests.registry.orders import a_house
from tests.registry.small import DAY, small_release
from tests.registry.test_receiving import PLACED, handed_in, rows_kept

from bagipakai.cli import main
from bagipakai.core.holds import kinds_on
from bagipakai.core.refusal import Refusal
from bagipakai.registry import keys, receiving
from bagipakai.registry.holds import Case, Holds
from bagipakai.registry.keys import KeyMissing, StorageKey
from bagipakai.registry.releases import Release
from bagipakai.registry.rewrapping import Rewrapped, rewrap
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

VERSIONS = ("2026.2.0", "2026.3.0")


@pytest.fixture
def house(tmp_path):
    """Two releases, one of them drafted, an accepted submission, and somebody on hold."""
    house = a_house(tmp_path / "var")
    for version in VERSIONS:
        small_release(house.var / "releases", families=6, version=version)
    drafting = house.var / "drafts" / ".2026.4.0.abc.dibuat"
    drafting.mkdir(parents=True)
    (drafting / KEY).write_bytes(ShelfKey.new("2026.4.0").wrapped(house.keys.storage))
    order, stores = handed_in(house, a_set(10, 1)), receiving.Stores.under(house.var)
    identity = keys.intake(house.var / "keys")
    receiving.receive(order, house.keys.receipt, house.keys.storage, identity, stores)
    kind = next(iter(kinds_on(DAY)))
    reason = kinds_on(DAY)[kind].reasons[0]
    held = holds(house, house.keys.storage).add("PDP/1", kind, reason, [NIK], PLACED, house.keys.seal)
    assert isinstance(held, Case)
    return house


NIK = "3201010101800001"


def holds(house, storage: StorageKey) -> Holds:
    return Holds(house.places.holds, storage, (house.keys.seal.public,))


def boxes(house) -> list[Path]:
    return sorted(house.var.rglob(KEY))


def storage_of(house) -> StorageKey:
    return keys.storage(house.var / "keys")


def opens(house, storage: StorageKey) -> int:
    """How many of the five things that are kept under a storage key this one opens, read to the last byte."""
    house = a_view(house, storage)
    count = 0
    for version in VERSIONS:
        release = Release.open(house.var / "releases", version)
        try:
            with release.reading(storage, "individu") as shelf:
                assert all(shelf.open(part.path).read() for part in shelf.parts)
            count += 1
        except Damaged as damage:
            assert damage.code == "release-key-of-another-storage"
    for open_one in (
        lambda: ShelfKey.unwrapped(house.var / "drafts" / ".2026.4.0.abc.dibuat", "2026.4.0", storage),
        lambda: rows_kept(house),
        lambda: holds(house, storage)._opened(holds(house, storage).cases["PDP/1"]) == [NIK],
    ):
        try:
            assert open_one()
            count += 1
        except Damaged as damage:
            assert damage.code == "release-key-of-another-storage"
    return count


def a_view(house, storage: StorageKey):
    """The house as somebody who holds this storage key sees it."""
    from dataclasses import replace

    return replace(house, keys=replace(house.keys, storage=storage))


def test_afterwards_everything_opens_with_the_new_key_and_nothing_with_the_old(house):
    old = house.keys.storage
    content = {file: file.read_bytes() for file in house.var.rglob("*") if file.is_file() and file.name != KEY}
    modes = {file: file.stat().st_mode for file in boxes(house)}
    assert opens(house, old) == 5
    done = rewrap(house.var, [house.var / "releases"])
    new = storage_of(house)
    assert done == Rewrapped(old.id, new.id, 5) and new.former is None and new.raw != old.raw
    assert opens(house, new) == 5 and opens(house, old) == 0
    present = house.var / "keys" / "registry" / StorageKey.file
    content[present] = new.raw
    assert {file: file.read_bytes() for file in house.var.rglob("*") if file.is_file() and file.name != KEY} == content
    assert all(file.stat().st_mode == modes.get(file, file.stat().st_mode) for file in boxes(house))
    assert present.stat().st_mode & 0o077 == 0
    again = rewrap(house.var, [house.var / "releases"])
    assert isinstance(again, Rewrapped) and again.old == new.id and opens(house, storage_of(house)) == 5


def test_holds_go_on_under_their_own_key(house):
    """What was held before, and what is held afterwards."""
    rewrap(house.var, [house.var / "releases"])
    storage, other = storage_of(house), "3201010101800002"
    kind = next(iter(kinds_on(DAY)))
    added = holds(house, storage).add("PDP/2", kind, kinds_on(DAY)[kind].reasons[0], [other], PLACED, house.keys.seal)
    assert isinstance(added, Case)
    rewrap(house.var, [house.var / "releases"])
    found = holds(house, storage_of(house))
    assert [found._opened(case) for case in found.standing] == [[NIK], [other]]
    with pytest.raises(Damaged, match="another-storage"):
        holds(house, storage)._opened(found.cases["PDP/2"])


def test_a_key_that_the_present_one_does_not_open_stops_it_before_anything_changed(house):
    box = house.var / "releases" / VERSIONS[1] / KEY
    own, before = box.read_bytes(), {}
    for content, code in (
        (ShelfKey.new(VERSIONS[1]).wrapped(StorageKey(b"x" * 32)), "release-key-of-another-storage"),
        (b"{}", "release-key-malformed"),
        (own.replace(VERSIONS[1].encode(), VERSIONS[0].encode()), "release-key-malformed"),
    ):
        box.chmod(0o644)
        box.write_bytes(content)
        before = {file: file.read_bytes() for file in house.var.rglob("*") if file.is_file()}
        no = rewrap(house.var, [house.var / "releases"])
        assert isinstance(no, Refusal) and no.code == code and VERSIONS[1] in no.sentence()
        assert {file: file.read_bytes() for file in house.var.rglob("*") if file.is_file()} == before
    box.write_bytes(own)
    assert isinstance(rewrap(house.var, [house.var / "releases"]), Rewrapped)


def test_a_release_without_its_key_stops_it_unless_that_is_gone_for_good(house, monkeypatch, capsys):
    """A backup of the key would open with nothing any more."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    box = house.var / "releases" / VERSIONS[1] / KEY
    own = box.read_bytes()
    box.unlink()
    before = {file: file.read_bytes() for file in house.var.rglob("*") if file.is_file()}
    for besides in ([], ["--without", VERSIONS[0]]):
        assert main(["registry", "rewrap", *besides]) == 1
        said = capsys.readouterr().err
        assert "rewrap-key-missing" in said and VERSIONS[1] in said
        assert {file: file.read_bytes() for file in house.var.rglob("*") if file.is_file()} == before
    box.write_bytes(own)
    assert opens(house, storage_of(house)) == 5
    box.unlink()
    assert main(["registry", "rewrap", "--without", VERSIONS[1]]) == 0
    assert "4 kunci dibungkus ulang" in capsys.readouterr().out


def killed(house, at: int) -> bool:
    """Wraps anew in a process that dies at the n-th moment at which it touches a file; whether that came."""
    child = os.fork()
    if child == 0:
        seen = 0

        def hook(event, arguments):
            nonlocal seen
            if event in {"open", "os.rename", "os.remove", "os.link"} and str(house.var) in str(arguments[0]):
                seen += 1
                if seen == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            rewrap(house.var, [house.var / "releases"])
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_at_any_moment_everything_opens_and_the_next_run_goes_on(house):
    old = house.keys.storage.id
    at, deaths, mixed = 3, 0, 0
    while killed(house, at):
        deaths += 1
        storage = storage_of(house)
        mixed += storage.former is not None
        assert opens(house, storage) == 5, at
        at += 3
    assert deaths > 8 and mixed > 3
    assert isinstance(rewrap(house.var, [house.var / "releases"]), Rewrapped)
    new = storage_of(house)
    assert new.id != old and new.former is None and opens(house, new) == 5
    assert list(house.var.rglob(f".{KEY}.*")) == []


def test_it_waits_for_those_who_wrap_and_they_for_it(house):
    folder, done = house.var / "keys", []
    run = threading.Thread(target=lambda: done.append(rewrap(house.var, [house.var / "releases"])))
    with keys.in_use(folder), keys.in_use(folder):  # two workers do not wait for each other
        run.start()
        run.join(0.3)
        assert run.is_alive() and storage_of(house).former is None
        late = house.var / "releases" / "2026.1.0"
        late.mkdir()
        (late / KEY).write_bytes(ShelfKey.new("2026.1.0").wrapped(house.keys.storage))
    run.join()
    assert done[0].keys == 6 and ShelfKey.unwrapped(late, "2026.1.0", storage_of(house))


def test_the_command_takes_other_folders_along_and_names_what_is_not_there(house, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    small_release(tmp_path / "lain", families=6)
    assert main(["registry", "rewrap", "--releases", str(tmp_path / "lian")]) == 1
    assert "release-folder-missing" in capsys.readouterr().err
    assert main(["registry", "rewrap", "--releases", str(tmp_path / "lain")]) == 0
    assert storage_of(house).id in capsys.readouterr().out
    release = Release.open(tmp_path / "lain", VERSIONS[1])
    with release.reading(storage_of(house), "individu"):
        pass


def test_without_a_storage_key_nothing_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    for command in ("rewrap", "kept"):
        assert main(["registry", command]) == 1 and "registry-key-missing" in capsys.readouterr().err
    with pytest.raises(KeyMissing):
        rewrap(tmp_path / "var", [tmp_path / "var" / "releases"])
    assert not (tmp_path / "var" / "keys").exists()
