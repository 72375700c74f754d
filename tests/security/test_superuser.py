"""T1, T2: somebody who may do everything in the database rewrites history, or puts back yesterday's. The fences do not
hold him; the stand-alone verifier names what he did, and the start-up gate stops the office. The superuser is real."""

import contextlib
import shutil

import psycopg
import pytest
from psycopg import sql
from tests.control.trail.grounds import at_database, body, superuser

from bagipakai import postgres
from bagipakai.control.trail import house, stops
from bagipakai.core.notes import Checkpoint, Note
from bagipakai.core.tiles import Log, grown

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(ground, monkeypatch, tmp_path):
    """Yesterday ten leaves, today five more; an auditor kept each day's public checkpoint."""
    ground.installed(monkeypatch, 2, "satu", "dua", "tiga")
    ground.commit(10)
    assert ground.step(least=2) == []
    auditor = tmp_path / "auditor"
    auditor.mkdir()
    shutil.copy(ground.store.folder / "checkpoint", auditor / "yesterday")
    shutil.copytree(ground.store.folder, tmp_path / "yesterday")
    ground.backup = f"{ground.database}_yesterday"
    with copied(ground.database, ground.backup):
        ground.commit(5)
        assert ground.step(least=2) == []
        shutil.copy(ground.store.folder / "checkpoint", auditor / "today")
        assert verify(ground)
        yield ground


def sequencer(office, database=None):
    return office.run("control", "sequencer", "--once", database=database)


def verify(office):
    """By the stand-alone file, with what the auditor kept."""
    kept = (office.folder / "auditor/yesterday", office.folder / "auditor/today")
    return office.verified(*kept, least=2)


def stopped(office, database=None):
    with psycopg.connect(at_database(postgres.url(postgres.OFFICE), database or office.database)) as opened:
        no = stops.stopped(opened)
        return no and (no.code, [said_by for _, said_by in stops.standing(opened)])


@contextlib.contextmanager
def copied(database, name):
    """All that `database` holds at this moment, byte for byte, under another name."""
    if superuser() is None:
        pytest.skip("a foreign server's superuser is not ours to be")
    name, database = sql.Identifier(name), sql.Identifier(database)
    with psycopg.connect(superuser(), autocommit=True) as root:
        root.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        root.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, database))
        yield
        root.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


REWRITE = "UPDATE trail.leaf SET body = %s WHERE seq = 3"


def rewrites(office):
    """One event is another now; no trigger, no right and no constraint was in the way."""
    with office.as_superuser() as root:
        assert root.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)
        root.execute("ALTER TABLE trail.leaf DISABLE TRIGGER ALL")
        root.execute(REWRITE, [body(99)])
        root.execute("ALTER TABLE trail.leaf ENABLE TRIGGER ALL")


def in_files(office, bodies, key=None):
    """The log's files as they would be if history had always been `bodies`; signed if he has the key."""
    (old,) = (office.store.checkpoint("checkpoint")[0],)
    shutil.rmtree(office.store.folder / "tile")
    for name, content in grown(Log(office.store.read, 0), bodies):
        file = office.store.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    if key:
        checkpoint = Checkpoint(key.public.name, len(bodies), office.store.log(len(bodies)).root())
        lines = [key.sign(checkpoint.text), *(one for one in old.signatures if one.name in office.witnesses)]
        (office.store.folder / "signed").write_bytes(bytes(Note(checkpoint.text, tuple(lines[:1]))))
        (office.store.folder / "checkpoint").write_bytes(bytes(Note(checkpoint.text, tuple(lines))))


# Rewriting one event


def test_the_fences_do_not_hold_a_superuser(office):
    rewrites(office)
    assert office.committed()[3] == body(99).encode()


def test_who_rewrites_an_event_stops_the_office_at_the_next_start(office):
    rewrites(office)
    assert sequencer(office).returncode == 1
    assert stopped(office) == ("trail-disagrees", ["signed"])
    assert verify(office)  # what is public still tells the truth


def test_and_the_event_is_named(office):
    rewrites(office)
    done = office.run("control", "verify", role=postgres.OFFICE)
    assert done.returncode == 1 and "catatan ke-3 (request.SUBMIT atas PMT-2026-000003#1" in done.stderr


def test_who_rewrites_it_on_the_disk_too_is_named_by_the_verifier(office, capsys):
    rewrites(office)
    signed = office.store.read("signed")
    entries = office.store.folder / "tile/entries/000.p/15"
    entries.write_bytes(entries.read_bytes().replace(body(3).encode(), body(99).encode()))
    assert not verify(office)
    told = capsys.readouterr().err
    assert "[entry-changed]" in told and "catatan 3" in told
    assert office.store.read("signed") == signed
    assert sequencer(office).returncode == 1


def test_who_rewrites_all_of_the_log_is_named_by_its_signature(office, capsys):
    rewrites(office)
    in_files(office, office.committed())
    assert not verify(office)
    assert "[root-differs]" in capsys.readouterr().err
    assert sequencer(office).returncode == 1
    assert stopped(office)[1] == ["signed"]


def test_who_also_has_the_logs_key_has_no_witnesses(office, capsys):
    """A whole new history under the true key: its checkpoint has no quorum, and the witnesses hold another."""
    rewrites(office)
    in_files(office, office.committed(), key=office.signers[0])
    assert not verify(office)
    assert "[bad-signature]" in capsys.readouterr().err  # of the witnesses: theirs stood under another root
    (office.store.folder / "checkpoint").unlink()
    done = sequencer(office)
    assert done.returncode == 1
    assert stopped(office)[1][0] in office.witnesses


def test_and_with_witnesses_of_his_own_meets_the_auditors_checkpoints(office, capsys):
    """Everything is his, the policy too. What an auditor kept is not."""
    rewrites(office)
    everybody = dict(office.witnesses)
    shutil.rmtree(office.store.folder)
    office.store.folder.mkdir()
    for file in office.folder.glob("*.sqlite"):
        file.unlink()  # his witnesses forget
    for name in everybody:
        office.witness(f"{name}-lain")
        del office.witnesses[name]
    house.policy_file().write_text(office.policy_text(2))
    assert sequencer(office).returncode == 0  # nobody who could know was asked
    assert office.verified(least=2)
    theirs, office.witnesses = office.witnesses, everybody
    assert not office.verified(least=2)  # under the policy that everybody knows, there is no quorum
    assert "[no-quorum]" in capsys.readouterr().err
    office.witnesses = everybody | theirs  # and under one that knows both, the history is another
    assert not office.verified(office.folder / "auditor/today", least=2)
    assert "[log-rewritten]" in capsys.readouterr().err


# Putting yesterday back


@pytest.fixture
def restored(office):
    """The name of the database that stands in the place of the other from now on."""
    return office.backup


def test_the_backup_is_whole(office, restored):
    """Else the tests below would be about a broken backup."""
    with psycopg.connect(at_database(superuser(), restored)) as root:
        assert root.execute("SELECT count(*), max(seq) FROM trail.leaf").fetchone() == (10, 9)
        assert root.execute("SELECT about FROM trail.leaf WHERE seq = 3").fetchone() == ("PMT-2026-000003#1",)


def test_yesterdays_backup_stops_the_office(office, restored):
    assert sequencer(office, restored).returncode == 1
    assert stopped(office, restored) == ("trail-disagrees", ["signed"])
    assert verify(office)


def test_also_with_yesterdays_folder(office, restored, capsys):
    """All of the machine is put back. The witnesses are not on it; nor is what the auditor kept."""
    shutil.rmtree(office.store.folder)
    shutil.copytree(office.folder / "yesterday", office.store.folder)
    assert not verify(office)
    told = capsys.readouterr().err
    assert "[log-shorter]" in told and "10" in told
    assert sequencer(office, restored).returncode == 1
    code, (said_by,) = stopped(office, restored)
    assert code == "trail-disagrees" and said_by in office.witnesses
    (kept,) = (office.store.folder / "disputed").iterdir()
    assert int(kept.name) == 15


def test_and_not_by_numbering_new_events_in_the_place_of_the_lost_ones(office, restored):
    """As many leaves as before, others: the gate compares roots, not sizes."""
    shutil.rmtree(office.store.folder)
    shutil.copytree(office.folder / "yesterday", office.store.folder)
    with psycopg.connect(at_database(superuser(), restored)) as root:
        for number in range(500, 520):
            root.execute(
                "INSERT INTO trail.leaf (body, seq) VALUES (%s, (SELECT max(seq) + 1 FROM trail.leaf))", [body(number)]
            )
    assert sequencer(office, restored).returncode == 1
    assert stopped(office, restored)[1][0] in office.witnesses


def test_while_the_witnesses_are_cut_off_nothing_becomes_public(office, restored, capsys):
    """He who put it back also keeps the gate from asking. Then no quorum stands under what he writes."""
    shutil.rmtree(office.store.folder)
    shutil.copytree(office.folder / "yesterday", office.store.folder)
    everybody = dict(office.witnesses)
    for name in everybody:
        office.silence(name)
    house.policy_file().write_text(office.policy_text(2))
    public = office.store.read("checkpoint")
    with psycopg.connect(at_database(postgres.url(postgres.OFFICE), restored)) as opened:
        opened.execute("INSERT INTO trail.leaf (body) VALUES (%s)", [body(700)])
    assert sequencer(office, restored).returncode == 0
    assert office.store.read("checkpoint") == public
    office.witnesses = everybody  # and as soon as one can be asked, the office stops
    house.policy_file().write_text(office.policy_text(2))
    assert sequencer(office, restored).returncode == 1
    assert not verify(office)
    assert "[log-shorter]" in capsys.readouterr().err
