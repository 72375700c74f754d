"""The sequencer as a process of its own, by its command."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tests.control.trail.grounds import at_database, body

from bagipakai import postgres
from bagipakai.control.trail import house, running, stops

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(ground, monkeypatch):
    return ground.installed(monkeypatch, 2, "satu", "dua", "tiga")


def test_once_takes_what_waits_to_a_witnessed_checkpoint(office):
    office.commit(7)
    done = office.run("control", "sequencer", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert office.in_the_log("checkpoint") == office.committed()
    assert office.verified(least=2)
    assert office.run("control", "sequencer", "--once").returncode == 0


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def public(office):
    kept = office.store.checkpoint("checkpoint")
    return kept[1].size if kept else 0


def test_it_finds_what_waits_and_ends_when_told(office, tmp_path):
    environment = os.environ | {
        "SEQUENCER_DATABASE_URL": at_database(postgres.url(postgres.SEQUENCER), office.database)
    }
    with subprocess.Popen([sys.executable, "-m", "bagipakai.cli", "control", "sequencer"], env=environment) as running:
        try:
            for count in (3, 5):
                office.commit(count)
                assert until(lambda: public(office) == len(office.committed()))
            with office.connect(postgres.OFFICE, autocommit=True) as busy:  # a hundred, each by itself
                for number in range(100):
                    busy.execute("INSERT INTO trail.leaf (body) VALUES (%s)", [body(number)])
            assert until(lambda: public(office) == 108)
            second = office.run("control", "sequencer", "--once")
            assert second.returncode == 1 and "Pencatat jejak lain" in second.stderr
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
        finally:
            running.kill()
    assert office.verified(least=2)


def test_silent_witnesses_are_counted_in_the_log_and_nothing_becomes_public(office):
    for name in ("satu", "dua"):
        office.silence(name)
    house.policy_file().write_text(office.policy_text(2))
    office.commit(2)
    done = office.run("control", "sequencer", "--once")
    assert done.returncode == 0
    assert public(office) == 0 and len(office.in_the_log()) == 2


def test_a_public_database_that_was_changed_stops_the_office(office):
    office.commit(5)
    assert office.run("control", "sequencer", "--once").returncode == 0
    with office.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("DELETE FROM trail.leaf WHERE seq = 4")
    done = office.run("control", "sequencer", "--once")
    assert done.returncode == 1 and "Kantor dihentikan" in done.stderr
    with office.connect(postgres.OFFICE) as opened:
        assert stops.stopped(opened).code == "trail-disagrees"
        assert [said_by for _, said_by in stops.standing(opened)] == ["signed"]
    office.run("control", "sequencer", "--once")
    with office.connect(postgres.OFFICE) as opened:
        assert len(stops.standing(opened)) == 1  # said once


def test_what_a_witness_showed_is_kept_for_the_auditor(office):
    office.commit(5)
    office.run("control", "sequencer", "--once")
    with office.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("DELETE FROM trail.leaf WHERE seq = 4")
    for name in ("signed", "checkpoint"):
        (office.store.folder / name).unlink()
    assert office.run("control", "sequencer", "--once").returncode == 1
    with office.connect(postgres.OFFICE) as opened:
        ((_, said_by),) = stops.standing(opened)
    assert said_by in office.witnesses
    (kept,) = (office.store.folder / "disputed").iterdir()
    assert int(kept.name) == 5
    assert house.public_key().signed(office.store.checkpoint(f"disputed/{kept.name}")[0])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda: house.policy_file().unlink(), "Belum ada"),
        (lambda: house.policy_file().write_text("quorum\n"), "Kebijakan saksi tidak terbaca"),
        (lambda: house.policy_file().write_text("log x\nquorum none\n"), "Kebijakan saksi tidak terbaca"),
        (lambda: house.policy_file().open("ab").write(b"# dulu\r\n"), "Kebijakan saksi tidak terbaca"),
        (lambda: house.policy_file().open("ab").write(b"# \xff\n"), "Kebijakan saksi tidak terbaca"),
        (lambda: (postgres.var() / "keys/trail/log").chmod(0o644), "dapat dibaca orang lain"),
        (
            lambda: (postgres.var() / "keys/trail/log").write_text("PRIVATE+KEY+x"),
            "Kunci atau titik periksa jejak tidak terbaca",
        ),
        (lambda: shutil.rmtree(postgres.var() / "keys/trail"), "Belum ada"),
    ],
)
def test_without_policy_or_key_it_says_what_is_missing_and_touches_nothing(office, spoil, sentence):
    office.commit(1)
    spoil()
    done = office.run("control", "sequencer", "--once")
    assert done.returncode == 1 and sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert office.store.checkpoint("signed") is None


def test_a_policy_for_another_log_is_not_ours(office):
    mine = office.signers
    office.signers = [type(mine[0])("jejak.lain", mine[0].public.kind, b"\5" * 32)]
    house.policy_file().write_text(office.policy_text(2))
    done = office.run("control", "sequencer", "--once")
    assert done.returncode == 1 and "Kebijakan saksi tidak terbaca" in done.stderr


def test_a_database_that_is_gone_is_said_so(office):
    done = office.run("control", "sequencer", "--once", database="tidak_ada")
    assert done.returncode == 1 and "Basis data tidak terjangkau" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_worker_asks_before_it_writes(office, tmp_path):
    """Whoever put back an older database finds the worker stopped too, also while no sequencer runs."""
    office.commit(2)
    assert office.run("control", "sequencer", "--once").returncode == 0
    assert office.run("control", "worker", "--once", role=postgres.OFFICE).returncode == 0
    with office.connect(postgres.OWNER) as owner:
        owner.execute("ALTER TABLE trail.leaf DISABLE TRIGGER USER")
        owner.execute("DELETE FROM trail.leaf WHERE seq = 1")
        owner.execute("ALTER TABLE trail.leaf ENABLE TRIGGER USER")
    assert office.run("control", "worker", "--once", role=postgres.OFFICE).returncode == running.STOPPED
    with office.connect(postgres.OFFICE) as opened:
        assert stops.stopped(opened).code == "trail-disagrees"
