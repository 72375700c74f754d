"""The two gates: nothing leaves without proof that others saw it, nothing is kept where somebody saw otherwise."""

import base64
import shutil
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.control.trail.grounds import NAME, body
from tests.core.trees import nodes_of

from bagipakai import postgres
from bagipakai.control.trail import gates
from bagipakai.core import tlog
from bagipakai.core.notes import Kind, Note, NoteSigner
from bagipakai.core.tiles import BadTile
from bagipakai.core.witnesses import Policy

pytestmark = pytest.mark.django_db

LIMIT = timedelta(hours=4)


# Leaving


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def leaving(ground, seq=2, *, policy=True, now=None, leaf=True, least=None):
    told = (seq, body(seq).encode()) if leaf is True else leaf
    believed = ground.policy(least) if policy is True else policy
    no = gates.in_the_way_of_leaving(ground.store, believed, told, now or at(time.time()), LIMIT)
    return no and no.code


@pytest.fixture
def witnessed(ground):
    """Five leaves under three witnesses."""
    for name in ("satu", "dua", "tiga"):
        ground.witness(name)
    ground.commit(5)
    ground.step(least=2)
    return ground


def test_a_leaf_that_a_quorum_has_seen_lately_opens_a_delivery(witnessed):
    assert leaving(witnessed) is None
    assert leaving(witnessed, 4) is None


def test_a_leaf_that_came_after_the_last_quorum_does_not(witnessed):
    for name in ("satu", "dua"):
        witnessed.silence(name)
    witnessed.commit(1)
    witnessed.step(least=2)
    assert leaving(witnessed, 4, least=2) is None
    assert leaving(witnessed, 5, least=2) == "not-yet-in-the-trail"


def test_a_leaf_without_number_does_not(witnessed):
    assert leaving(witnessed, leaf=None) == "not-yet-in-the-trail"


def test_another_text_under_a_number_of_the_log_does_not(witnessed):
    """A row of the database may say anything; the log's files say what was seen."""
    assert leaving(witnessed, leaf=(2, body(3).encode())) == "trail-disagrees"


def test_an_old_quorum_does_not(witnessed):
    assert leaving(witnessed, now=at(time.time() + LIMIT.total_seconds() - 60)) is None
    assert leaving(witnessed, now=at(time.time() + LIMIT.total_seconds() + 60)) == "trail-is-not-witnessed"


def test_a_clock_set_back_makes_nothing_fresh(witnessed):
    assert leaving(witnessed, now=at(time.time() - 240)) is None
    assert leaving(witnessed, now=at(time.time() - 600)) == "trail-is-not-witnessed"


def test_the_age_is_told_by_the_quorum_and_not_by_one_witness(ground):
    """Two saw it five hours ago; the third says it was this moment, or next year."""
    old = time.time() - 5 * 3600
    for name in ("satu", "dua"):
        ground.witness(name, clock=lambda: old)
    for ahead in (0, 365 * 86400):
        ground.witness(f"lain{ahead}", clock=lambda ahead=ahead: time.time() + ahead)
    ground.commit(5)
    ground.step(least=2)
    everybody = dict(ground.witnesses)
    for third in ("lain0", f"lain{365 * 86400}"):
        ground.witnesses = {name: everybody[name] for name in ("satu", "dua", third)}
        assert leaving(ground, least=2) == "trail-is-not-witnessed"
        assert leaving(ground, least=2, now=at(old + 3600)) is None


def test_without_a_policy_nothing_leaves(witnessed):
    assert leaving(witnessed, policy=None) == "trail-is-not-witnessed"


def test_a_policy_that_asks_for_no_witness_lets_nothing_leave(witnessed):
    nobody = Policy.read(f"log {witnessed.signers[0].public}\nquorum none\n")
    assert leaving(witnessed, policy=nobody) == "trail-is-not-witnessed"


def test_under_a_policy_with_other_witnesses_nothing_leaves(witnessed):
    stranger = NoteSigner("satu", Kind.ML_DSA_COSIGNATURE, b"\x55" * 32).public
    other = Policy.read(f"log {witnessed.signers[0].public}\nwitness satu {stranger}\nquorum satu\n")
    assert leaving(witnessed, policy=other) == "trail-is-not-witnessed"


@pytest.mark.parametrize("content", [None, b"", b"checkpoint", b"\xff"])
def test_without_a_public_checkpoint_nothing_leaves(witnessed, content):
    file = witnessed.store.folder / "checkpoint"
    file.unlink() if content is None else file.write_bytes(content)
    assert leaving(witnessed) == "trail-is-not-witnessed"


def test_a_checkpoint_that_only_the_log_signed_lets_nothing_leave(witnessed):
    shutil.copy(witnessed.store.folder / "signed", witnessed.store.folder / "checkpoint")
    assert leaving(witnessed) == "trail-is-not-witnessed"


def test_without_the_logs_files_nothing_leaves(witnessed):
    shutil.rmtree(witnessed.store.folder / "tile")
    assert leaving(witnessed) == "trail-is-not-witnessed"


def test_files_of_another_log_let_nothing_leave(witnessed):
    tile = witnessed.store.folder / "tile/0/000.p/5"
    tile.write_bytes(tile.read_bytes()[32:] + bytes(32))
    assert leaving(witnessed) == "trail-disagrees"


# Writing


def writing(ground, least=2):
    with ground.connect(postgres.SEQUENCER, autocommit=True) as opened:
        found = gates.in_the_way_of_writing(opened, ground.store, ground.policy(least), NAME)
    return getattr(found, "by", found)


def as_root(ground, deed, *values):
    with ground.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(deed, values)


def test_nothing_stands_in_the_way_of_an_honest_office(witnessed):
    assert writing(witnessed) is None
    witnessed.commit(300)
    assert writing(witnessed) is None  # what has no number yet is nobody's business
    witnessed.step(least=2)
    assert writing(witnessed) is None


def test_nor_of_a_new_one(ground):
    ground.witness("satu")
    assert writing(ground, least=1) is None
    ground.commit(3)
    assert writing(ground, least=1) is None


def test_nor_of_one_whose_witnesses_are_all_silent(witnessed):
    """It may write; but without them nothing becomes public, and so nothing leaves."""
    for name in list(witnessed.witnesses):
        witnessed.silence(name)
    assert writing(witnessed) is None


CHANGES = {
    "changed": ("UPDATE trail.leaf SET body = %s WHERE seq = 1", body(77)),
    "removed": ("DELETE FROM trail.leaf WHERE seq = 1",),
    "cut off": ("DELETE FROM trail.leaf WHERE seq = 4",),
    "emptied": ("TRUNCATE trail.leaf CASCADE",),
    "without a number": ("UPDATE trail.leaf SET seq = NULL WHERE seq = 3",),
    "swapped": ("UPDATE trail.leaf SET seq = 1000 + 3 - seq WHERE seq IN (1, 2)",),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_database_is_named_by_the_logs_own_signature(witnessed, change):
    as_root(witnessed, *CHANGES[change])
    if change == "swapped":
        as_root(witnessed, "UPDATE trail.leaf SET seq = seq - 1000 WHERE seq > 1000")
    assert writing(witnessed) == "signed"


@pytest.mark.parametrize("change", ["changed", "cut off", "emptied"])
def test_and_by_the_witnesses_where_the_logs_folder_went_with_it(witnessed, change):
    as_root(witnessed, *CHANGES[change])
    shutil.rmtree(witnessed.store.folder)
    assert writing(witnessed) in witnessed.witnesses


def test_one_witness_is_enough(witnessed):
    as_root(witnessed, *CHANGES["changed"])
    shutil.rmtree(witnessed.store.folder)
    for name in ("satu", "tiga"):
        witnessed.silence(name)
    assert writing(witnessed) == "dua"


def test_an_older_public_checkpoint_is_compared_too(witnessed):
    """The newest signature may be of a log that was rewritten by the holder of the log's key."""
    as_root(witnessed, *CHANGES["changed"])
    with witnessed.connect(postgres.OFFICE) as office:
        leaves = [row[0].encode() for row in office.execute("SELECT body FROM trail.leaf ORDER BY seq")]
    root = gates.roots(map(tlog.leaf_hash, leaves), {5})[5]
    text = witnessed.store.checkpoint("signed")[0].text.split("\n")
    text[2] = base64.b64encode(root).decode()
    forged = "\n".join(text)
    (witnessed.store.folder / "signed").write_bytes(bytes(Note(forged, (witnessed.signers[0].sign(forged),))))
    assert writing(witnessed) == "checkpoint"
    (witnessed.store.folder / "checkpoint").unlink()
    assert writing(witnessed) in witnessed.witnesses


@pytest.mark.parametrize("name", ["signed", "checkpoint"])
@pytest.mark.parametrize("content", [b"", b"\xff", b"x\n1\nx\n\n"])
def test_a_checkpoint_file_that_is_none_stands_in_the_way(witnessed, name, content):
    (witnessed.store.folder / name).write_bytes(content)
    assert writing(witnessed) == name


def test_a_checkpoint_that_the_log_did_not_sign_stands_in_the_way(witnessed):
    note, _ = witnessed.store.checkpoint("signed")
    other = NoteSigner(NAME, Kind.LOG, b"\x66" * 32)
    (witnessed.store.folder / "signed").write_bytes(bytes(Note(note.text, (other.sign(note.text),))))
    assert writing(witnessed) == "signed"


# Which one


def difference(ground, size=5):
    with ground.connect(postgres.OFFICE) as opened:
        return gates.first_difference(opened, ground.store, size)


def test_all_agree(witnessed):
    witnessed.commit(3)
    assert difference(witnessed) is None


@pytest.mark.parametrize(("change", "first"), [("changed", 1), ("removed", 1), ("cut off", 4), ("emptied", 0)])
def test_the_first_difference_is_named(witnessed, change, first):
    as_root(witnessed, *CHANGES[change])
    assert difference(witnessed) == first


def test_a_missing_file_is_no_agreement(witnessed):
    shutil.rmtree(witnessed.store.folder / "tile/entries")
    with pytest.raises(BadTile):
        difference(witnessed)


@given(st.integers(0, 600), st.sets(st.integers(0, 700), max_size=5))
def test_roots_along_the_way_are_those_of_the_tree(size, sizes):
    leaves = [tlog.leaf_hash(b"%d" % number) for number in range(size)]
    found = gates.roots(iter(leaves), sizes)
    for one in sizes:
        assert found.get(one) == (tlog.root(one, nodes_of(leaves)) if one <= size else None)


def test_what_the_gate_keeps_does_not_grow_with_the_log():
    tracemalloc.start()
    gates.roots((b"%032d" % number for number in range(100_000)), {50_000, 100_000})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
