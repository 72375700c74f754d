"""After a disaster: what was signed is put back from the log's files, and the office goes on from there."""

import shutil

import pytest
from tests.control.trail.grounds import body

from bagipakai import postgres
from bagipakai.control.trail import house, replaying, stops
from bagipakai.control.trail.sequencer import SecondSequencer
from bagipakai.core.notes import BadNote
from bagipakai.core.tiles import BadTile

pytestmark = pytest.mark.django_db


@pytest.fixture
def restored(ground, monkeypatch):
    """Three hundred leaves are in the log. The database is yesterday's: it has 250, and two that waited then."""
    ground.installed(monkeypatch, 2, "satu", "dua", "tiga")
    ground.commit(300)
    assert ground.step(least=2) == []
    with ground.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("DELETE FROM trail.leaf WHERE seq >= 250 AND seq NOT IN (250, 260)")
        root.execute("UPDATE trail.leaf SET seq = NULL WHERE seq >= 250")
    return ground


def replay(ground, store=None):
    with ground.connect(postgres.OWNER, autocommit=True) as owner:
        return replaying.replay(owner, store or ground.store, ground.policy(2))


def numbered(ground):
    with ground.connect(postgres.OFFICE) as office:
        return office.execute("SELECT seq, body FROM trail.leaf WHERE seq IS NOT NULL ORDER BY seq").fetchall()


def waiting(ground):
    with ground.connect(postgres.OFFICE) as office:
        return [row[0] for row in office.execute("SELECT about FROM trail.leaf WHERE seq IS NULL ORDER BY id")]


def test_what_was_signed_stands_under_its_old_number_again(restored):
    assert replay(restored) == (250, 300)
    assert numbered(restored) == [(seq, body(seq)) for seq in range(300)]
    assert waiting(restored) == ["jejak/250-299"]  # which tells of it; what had waited is not told twice
    assert restored.step(least=2) == []
    assert restored.verified(restored.store.folder / "past", least=2)
    assert len(restored.in_the_log("checkpoint")) == 301


def test_the_whole_way_back_by_the_commands(restored):
    """Stopped at the start; put back; lifted by the owner; started."""
    assert restored.run("control", "sequencer", "--once").returncode == 1
    why = ("--reason", "Basis data dipulihkan dari cadangan semalam; nota 12.")
    assert "masih tidak cocok" in restored.run("control", "trail", "lift", *why, role=postgres.OWNER).stderr
    done = restored.run("control", "trail", "replay", role=postgres.OWNER)
    assert (done.returncode, done.stdout) == (0, "50 catatan dipasang kembali, tanpa isinya.\n"), done.stderr
    assert restored.run("control", "trail", "lift", *why, role=postgres.OWNER).returncode == 0
    assert restored.run("control", "sequencer", "--once").returncode == 0
    with restored.connect(postgres.OFFICE) as office:
        assert stops.stopped(office) is None
    assert len(restored.in_the_log("checkpoint")) == 302


def test_an_auditors_copy_is_enough(restored):
    """The folder went with the machine; a copy of the public log did not."""
    copy = restored.folder / "salinan"
    done = restored.run("control", "trail", "export", "--out", copy, role=postgres.OFFICE)
    assert done.returncode == 0, done.stderr
    policy = house.policy_file().read_text()
    shutil.rmtree(restored.store.folder)
    restored.store.folder.mkdir()
    house.policy_file().write_text(policy)
    done = restored.run("control", "trail", "replay", "--from", copy, role=postgres.OWNER)
    assert done.returncode == 0, done.stderr
    assert restored.run("control", "sequencer", "--once").returncode == 0
    assert restored.verified(copy / "past", least=2)


def test_where_nothing_is_missing_nothing_is_done(restored):
    replay(restored)
    before = numbered(restored)
    assert replay(restored) == (300, 300)
    assert numbered(restored) == before
    assert waiting(restored) == ["jejak/250-299"]


def refused(restored, error):
    before = numbered(restored), waiting(restored)
    with pytest.raises(error):
        replay(restored)
    assert (numbered(restored), waiting(restored)) == before


def test_a_changed_database_is_not_continued(restored):
    with restored.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE trail.leaf SET body = %s WHERE seq = 7", [body(77)])
    refused(restored, replaying.NoContinuation)


def test_nor_one_that_went_on_by_itself(restored):
    with restored.as_superuser() as root:
        root.execute("UPDATE trail.leaf SET seq = 250 WHERE seq IS NULL AND about = %s", ["PMT-2026-000260#1"])
    refused(restored, replaying.NoContinuation)


def test_changed_files_are_not_put_back(restored):
    entries = restored.store.folder / "tile/entries/001.p/44"
    entries.write_bytes(entries.read_bytes().replace(b"000299", b"000298"))
    refused(restored, replaying.NoContinuation)


def test_nor_half_of_them(restored):
    (restored.store.folder / "tile/entries/001.p/44").unlink()
    refused(restored, BadTile)


def test_nor_under_a_signature_that_is_none(restored):
    signed = restored.store.folder / "signed"
    signed.write_bytes(signed.read_bytes().replace(b"\n300\n", b"\n299\n"))
    refused(restored, BadNote)


def test_nor_where_there_is_no_log(restored):
    with pytest.raises(replaying.NoContinuation):
        replay(restored, type(restored.store)(restored.folder / "nothing"))


def test_nor_while_the_sequencer_runs(restored):
    with restored.sequencer(least=2):
        refused(restored, SecondSequencer)


def test_only_the_owner_does(restored):
    done = restored.run("control", "trail", "replay", role=postgres.SEQUENCER)
    assert done.returncode == 1 and "Hanya pemilik" in done.stderr
