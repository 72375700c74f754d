"""The folder of the trail: a file is there whole or not at all, never changes, and has one writer."""

import os

import pytest

from bagipakai.control.trail.store import Conflict, Held, Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "trail") as held:
        yield held


def files(store):
    return {str(file.relative_to(store.folder)) for file in store.folder.rglob("*") if file.is_file()}


def test_a_file_is_put_once(store):
    store.add([("tile/0/000", b"one")])
    store.add([("tile/0/000", b"one")])
    assert store.read("tile/0/000") == b"one"
    with pytest.raises(Conflict, match="tile/0/000"):
        store.add([("tile/0/000", b"two")])
    assert store.read("tile/0/000") == b"one"


def test_a_checkpoint_is_replaced_in_one_step(store, monkeypatch):
    store.replace("signed", b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", broken)
        with pytest.raises(OSError, match="disk"):
            store.replace("signed", b"new")
    assert store.read("signed") == b"old"
    store.replace("signed", b"new")
    assert store.read("signed") == b"new"


def broken(*_, **__):
    raise OSError("disk")


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_disk_that_fails_leaves_no_half_file(store, monkeypatch, call):
    with monkeypatch.context() as patched:
        patched.setattr(os, call, broken)
        with pytest.raises(OSError, match="disk"):
            store.add([("tile/0/000", b"one")])
    assert files(store) in (set(), {"tile/0/000"})
    store.add([("tile/0/000", b"one")])
    assert files(store) == {"tile/0/000"}


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_next_step(store, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *told, name=name, real=real: (done.append((name, told)), real(*told))[1])
    store.add([("tile/0/000", b"one")])
    assert [name for name, _ in done] == ["fsync", "replace", "fsync", "fsync", "fsync"]  # tile/0, tile, the folder
    done.clear()
    store.add([("tile/0/000", b"one")])  # again, after a crash that may have come before its folder was on the disk
    assert [name for name, _ in done] == ["fsync"] * 3


def test_one_process_writes(store):
    with pytest.raises(Held), Store(store.folder):
        pass
    assert Store(store.folder).checkpoint("signed") is None  # reading needs nothing


def test_what_a_killed_writer_left_goes(tmp_path):
    with Store(tmp_path / "trail"):
        (tmp_path / "trail/.drafts/half").write_bytes(b"ha")
    with Store(tmp_path / "trail") as store:
        assert list((store.folder / ".drafts").iterdir()) == []


def test_the_public_may_read_what_is_public(store):
    store.add([("tile/0/000", b"one")])
    store.replace("checkpoint", b"new")
    umask = os.umask(0)
    os.umask(umask)
    assert (store.folder / "checkpoint").stat().st_mode & 0o777 == 0o666 & ~umask
