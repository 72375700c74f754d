"""The sequencer: every committed leaf gets one number, for ever; a crash leaves something to finish."""

import os
import shutil

import psycopg
import pytest
from tests.control.trail.grounds import body

from bagipakai import postgres
from bagipakai.control.trail import sequencer as module
from bagipakai.control.trail.sequencer import Forked, Rewound, SecondSequencer, Sequencer
from bagipakai.control.trail.store import Conflict, Store
from bagipakai.core import tlog
from bagipakai.core.notes import BadNote, Kind, Note, NoteSigner
from bagipakai.core.tiles import BadTile

pytestmark = pytest.mark.django_db  # the database that the ground is a copy of


def numbers(ground):
    with ground.connect(postgres.OFFICE) as office:
        return office.execute("SELECT seq, id FROM trail.leaf ORDER BY id").fetchall()


def test_leaves_stand_in_the_log_in_the_order_in_which_they_came(ground):
    for count in (1, 5, 300):
        ground.commit(count)
        ground.step()
    assert ground.in_the_log() == [body(number).encode() for number in range(306)]
    assert [seq for seq, _ in numbers(ground)] == list(range(306))
    assert ground.verified()


def test_nothing_to_do_changes_nothing(ground):
    with ground.sequencer() as sequencer:
        assert sequencer.step() is None
        assert sequencer.witness() == []
        assert ground.store.checkpoint("signed") is None
        ground.commit(3)
        first = sequencer.step()
        signed = ground.store.read("signed")
        assert first.size == 3
        assert sequencer.step() is None
        assert ground.store.read("signed") == signed


def test_a_leaf_that_commits_late_is_not_lost(ground):
    """Its number in the order of writing is lower than that of leaves long in the log."""
    with ground.connect(postgres.OFFICE) as slow:
        slow.execute("INSERT INTO trail.leaf (body) VALUES (%s)", [body(900_001)])
        ground.commit(2)
        ground.step()
        assert body(900_001).encode() not in ground.in_the_log()
        ground.commit(1)
        slow.commit()
        ground.step()
    assert ground.in_the_log()[2] == body(900_001).encode()
    assert sorted(ground.in_the_log()) == sorted(ground.committed())
    assert ground.verified()


def test_a_leaf_whose_transaction_failed_leaves_no_gap(ground):
    with ground.connect(postgres.OFFICE) as office:
        office.execute("INSERT INTO trail.leaf (body) VALUES (%s)", [body(900_001)])
        office.rollback()
    ground.commit(2)
    ground.step()
    assert [seq for seq, _ in numbers(ground)] == [0, 1]


def test_a_busy_moment_is_taken_in_batches(ground, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 100)
    ground.commit(250)
    ground.step()
    assert len(ground.in_the_log()) == 250
    assert ground.verified()


def test_a_flood_does_not_keep_a_checkpoint_waiting(ground, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "ROUNDS", 3)
    ground.commit(100)
    with ground.sequencer() as sequencer:
        assert [sequencer.step().size for _ in range(4)] == [30, 60, 90, 100]
    assert len(ground.in_the_log()) == 100


def test_there_is_one_sequencer(ground):
    with (
        ground.sequencer(),
        pytest.raises(SecondSequencer),
        ground.sequencer(store=Store(ground.folder / "elsewhere")),
    ):
        pass
    ground.step()


def test_one_that_lost_its_connection_still_holds_the_folder(ground):
    """It may be about to write: a stalled process knows nothing of a lost connection."""
    with ground.connect(postgres.SEQUENCER) as opened:
        first = Sequencer(opened, ground.store, ground.signers, ground.policy(), ground.now)
        first.__enter__()
        opened.close()
        with pytest.raises(SecondSequencer), ground.sequencer(store=Store(ground.store.folder)):
            pass
        with ground.connect(postgres.SEQUENCER) as free:  # and the database is free again
            assert free.execute("SELECT pg_try_advisory_lock(%s)", [module.LOCK]).fetchone() == (True,)
        first.__exit__(None, None, None)
    ground.step()


def test_the_lock_goes_back_when_the_block_ends(ground):
    with ground.connect(postgres.SEQUENCER) as opened:
        for _ in range(2):
            with Sequencer(opened, ground.store, ground.signers, ground.policy(), ground.now):
                pass


def test_narrow_files_go_once_the_full_ones_are_signed(ground):
    for _ in range(30):
        ground.commit(20)
        ground.step()
    left = sorted(file.name for file in (ground.store.folder / "tile").rglob("*.p"))
    assert left == ["000.p", "002.p", "002.p"]  # of the level above, and of the last tile and bundle
    assert len(ground.in_the_log()) == 600
    assert ground.verified()


def test_a_reader_of_an_older_checkpoint_finds_it_in_the_full_files(ground):
    ground.commit(200)
    ground.step()
    old = ground.store.checkpoint("signed")[1]
    shutil.copy(ground.store.folder / "checkpoint", ground.folder / "older")
    ground.commit(200)
    ground.step()
    log = ground.store.log(old.size)
    assert log.root() == old.root
    assert len(list(log.entries())) == 200
    assert ground.verified(ground.folder / "older")


# What must never be continued


@pytest.fixture
def signed(ground):
    ground.commit(300)
    ground.step()
    return ground.store.read("signed")


def unnumber(ground, where):
    with ground.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(f"UPDATE trail.leaf SET seq = NULL WHERE {where}")


def test_a_database_put_back_is_not_numbered_again(ground, signed):
    unnumber(ground, "seq >= 290")
    before = numbers(ground)
    with pytest.raises(Rewound):
        ground.step()
    assert numbers(ground) == before
    assert ground.store.read("signed") == signed


def test_a_gap_is_not_closed_in_silence(ground, signed):
    ground.commit(3)
    with ground.as_superuser() as root:
        root.execute("UPDATE trail.leaf SET seq = id + 1 WHERE seq IS NULL")
    with pytest.raises(Rewound):
        ground.step()
    assert ground.store.read("signed") == signed


def test_other_files_under_a_signed_root_are_not_continued(ground, signed):
    tile = ground.store.folder / "tile/0/001.p/44"
    changed = bytearray(tile.read_bytes())
    changed[5] ^= 1
    tile.write_bytes(changed)
    ground.commit(1)
    with pytest.raises(Forked):
        ground.step()
    assert ground.store.read("signed") == signed


def test_a_missing_file_is_not_replaced_by_a_guess(ground, signed):
    (ground.store.folder / "tile/0/001.p/44").unlink()
    ground.commit(1)
    with pytest.raises(BadTile):
        ground.step()
    assert ground.store.read("signed") == signed


def test_a_leaf_changed_after_its_file_was_written_is_seen(ground, signed, monkeypatch):
    ground.commit(2)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="disk"), ground.sequencer() as sequencer:
        patched.setattr(ground.store, "replace", full_disk)
        sequencer.step()
    with ground.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE trail.leaf SET body = %s WHERE seq = 301", [body(77)])
    with pytest.raises(Conflict):
        ground.step()
    assert ground.store.read("signed") == signed


def full_disk(*_):
    raise OSError("disk")


def test_a_checkpoint_file_that_is_none_stops_the_work(ground, signed):
    (ground.store.folder / "signed").write_bytes(signed[:-20])
    with pytest.raises(BadNote):
        ground.step()


def test_a_public_checkpoint_never_becomes_shorter(ground, signed):
    shutil.copy(ground.store.folder / "checkpoint", ground.folder / "newer")
    ground.commit(1)
    ground.step()
    newer = ground.store.read("checkpoint")
    with ground.sequencer() as sequencer:
        ground.store.replace("signed", signed)
        with pytest.raises(Forked):
            sequencer.witness()
    assert ground.store.read("checkpoint") == newer


def test_without_a_quorum_nothing_becomes_public(ground):
    ground.witness("satu")
    ground.witness("dua")
    ground.silence("dua")
    ground.commit(3)
    assert ground.step(least=2) == ["dua"]
    assert ground.store.checkpoint("checkpoint") is None
    assert len(ground.in_the_log("signed")) == 3


def test_the_checkpoint_bears_both_signatures_of_the_log_and_those_of_the_quorum(ground):
    for name in ("satu", "dua", "tiga"):
        ground.witness(name)
    ground.commit(3)
    assert ground.step(least=2) == []
    note, _ = ground.store.checkpoint("checkpoint")
    assert [one.name for one in note.signatures][:2] == [ground.signers[0].public.name] * 2
    assert {one.name for one in note.signatures[2:]} == {"satu", "dua", "tiga"}
    assert ground.verified(least=2)


def test_what_was_public_stays_to_be_compared(ground):
    ground.commit(3)
    ground.step()
    ground.now = lambda: 7200.0
    ground.commit(3)
    ground.step()
    past = ground.store.folder / "past"
    assert len(list(past.iterdir())) == 2
    assert (past / "1970-01-01T02Z").read_bytes() == ground.store.read("checkpoint")
    assert ground.verified(past)


# A crash between every two steps


class Crash(BaseException):
    """Not an Exception: nothing on the way may catch it and go on."""


WORK = ("open", "fsync", "replace", "mkdir", "unlink", "rmdir")


def crashing(monkeypatch, at):
    """Lets call number `at` of what touches the disk not return; how many there were."""
    calls = []

    def counted(real):
        def call(*arguments, **more):
            if any(str(one).startswith(("/proc", "/sys")) for one in arguments[:1]):
                return real(*arguments, **more)
            calls.append(1)
            if len(calls) == at:
                raise Crash
            return real(*arguments, **more)

        return call

    for name in WORK:
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    return calls


def prepared(ground):
    """A log of 254 leaves, 6 more waiting: full tiles and new narrow ones are about to be made."""
    ground.commit(254)
    ground.step()
    shutil.copytree(ground.store.folder, ground.folder / "prepared")
    ground.commit(6)
    return ground.store.read("checkpoint")


def again(ground):
    shutil.rmtree(ground.store.folder)
    shutil.copytree(ground.folder / "prepared", ground.store.folder)
    unnumber(ground, "seq >= 254")


def test_after_a_crash_between_any_two_steps_the_next_start_ends_at_the_same_checkpoint(ground, monkeypatch):
    prepared(ground)
    with monkeypatch.context() as patched:
        calls = crashing(patched, at=-1)
        ground.step()
    meant = ground.store.checkpoint("signed")[1]
    assert len(calls) > 40
    for at in range(1, len(calls) + 1):
        again(ground)
        with monkeypatch.context() as patched:
            crashing(patched, at)
            with pytest.raises(Crash):
                ground.step()
        ground.step()
        assert ground.store.checkpoint("signed")[1] == ground.store.checkpoint("checkpoint")[1] == meant, at
        assert ground.in_the_log() == ground.committed()
        assert ground.verified(ground.folder / "prepared/checkpoint")
        assert list((ground.store.folder / ".drafts").iterdir()) == []


def test_a_crash_between_numbering_and_writing_is_finished(ground, monkeypatch):
    ground.commit(5)
    with monkeypatch.context() as patched, pytest.raises(Crash), ground.sequencer() as sequencer:
        patched.setattr(Sequencer, "_write", crash)
        sequencer.step()
    assert [seq for seq, _ in numbers(ground)] == [0, 1, 2, 3, 4]
    ground.commit(2)
    ground.step()
    assert ground.in_the_log() == ground.committed()


def crash(*_):
    raise Crash


def test_a_lost_connection_is_no_lost_leaf(ground):
    ground.commit(5)
    with (
        ground.connect(postgres.SEQUENCER) as opened,
        ground.as_superuser() as root,
        pytest.raises(psycopg.OperationalError),
        Sequencer(opened, ground.store, ground.signers, ground.policy(), ground.now) as sequencer,
    ):
        root.execute("SELECT pg_terminate_backend(%s)", [opened.info.backend_pid])
        sequencer.step()
    ground.step()
    assert ground.in_the_log() == ground.committed()


def test_a_log_under_another_key_is_not_this_one(ground, signed):
    """The public checkpoint of another log, put into our folder, is not continued."""
    other = NoteSigner("jejak.lain", Kind.LOG, b"\3" * 32)
    text = Note.read(signed).text.replace(ground.signers[0].public.name, "jejak.lain")
    (ground.store.folder / "signed").write_bytes(bytes(Note(text, (other.sign(text),))))
    ground.commit(1)
    with pytest.raises(Forked):
        ground.step()


def test_an_empty_log_has_the_root_that_the_standard_says():
    assert tlog.EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
