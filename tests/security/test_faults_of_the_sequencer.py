"""At every system call of the sequencer, the disk fails or somebody kills it. The next start finishes what it began:
no log is broken, no committed event is lost."""

import shutil
import time

import pytest
from tests.security import faults

from bagipakai.control.trail.sequencer import SecondSequencer
from bagipakai.control.trail.store import Conflict
from bagipakai.core.notes import BadNote

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not faults.is_possible(), reason="strace is not installed, or may not trace here"),
]

BEFORE, WAITING = 254, 6  # a tile and a bundle become full, and new ones begin


@pytest.fixture
def prepared(ground):
    ground.witness("satu")
    ground.commit(BEFORE)
    assert ground.step() == []
    shutil.copytree(ground.store.folder, ground.folder / "before")
    shutil.copy(ground.folder / "satu.sqlite", ground.folder / "satu.before")
    ground.commit(WAITING)
    return ground


def put_back(ground):
    shutil.rmtree(ground.store.folder)
    shutil.copytree(ground.folder / "before", ground.store.folder)
    shutil.copy(ground.folder / "satu.before", ground.folder / "satu.sqlite")
    with ground.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE trail.leaf SET seq = NULL WHERE seq >= %s", [BEFORE])


def work(ground):
    with ground.sequencer() as sequencer:
        sequencer.step()
        sequencer.witness()


def next_start(ground):
    """Its lock is free as soon as the server has noticed that the other is gone."""
    for _ in range(200):
        try:
            return ground.step()
        except SecondSequencer:
            time.sleep(0.02)
    raise AssertionError("the lock of a dead sequencer did not go back")


def test_after_a_fault_at_any_system_call_no_log_is_broken_and_no_event_is_lost(prepared, tmp_path):
    older = prepared.folder / "before/checkpoint"
    met = 0
    for fault in faults.faults(lambda: work(prepared), tmp_path):
        put_back(prepared)
        if not faults.disturbed(lambda: work(prepared), tmp_path, *fault):
            continue
        met += 1
        assert prepared.verified(older), fault  # as it was left
        assert next_start(prepared) == [], fault
        assert prepared.in_the_log("checkpoint") == prepared.committed(), fault
        assert prepared.verified(older), fault
        assert list((prepared.store.folder / ".drafts").iterdir()) == [], fault
    assert met >= 200
    print(f"{met} faults")


def test_a_sequencer_without_fsync_or_rename_would_be_seen(prepared, tmp_path):
    """The test above can fail: one that writes in place leaves half a file where it is killed."""

    def put(file, content):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            out.write(content[: len(content) // 2])
            out.flush()
            out.write(content[len(content) // 2 :])

    prepared.store._put = put
    broken = []
    for number in range(1, 17):
        put_back(prepared)
        if faults.disturbed(lambda: work(prepared), tmp_path, "write", number, faults.KILL):
            try:
                next_start(prepared)
                broken.append(prepared.in_the_log("checkpoint") != prepared.committed())
            except (Conflict, BadNote):
                broken.append(True)
    assert len(broken) > 10
    assert any(broken)
