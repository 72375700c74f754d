"""What was cosigned is remembered before the cosignature leaves, once, whoever else asks at the same moment."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from tests.verifier.world import LOG
from tests.witness.asking import FORK, SIGNER, TRUE, submission

from bagipakai.core.notes import Checkpoint
from bagipakai.witness.cosigning import Witness
from bagipakai.witness.memory import Memory


def seen(file):
    state = Memory(file).seen(LOG.public.name)
    return state.size if state else None


def test_a_move_counts_only_from_what_was_seen_last(tmp_path):
    memory = Memory(tmp_path / "seen.sqlite")
    one, two, other = (Checkpoint("a", size, bytes([size]) * 32) for size in (1, 2, 3))
    assert not memory.move(one, two, b"")
    assert memory.move(None, one, b"satu")
    assert not memory.move(None, two, b"")
    assert not memory.move(Checkpoint("a", 1, bytes(32)), two, b"")
    assert memory.move(one, two, b"dua")
    assert not memory.move(one, other, b"")
    assert (memory.seen("a"), memory.note("a")) == (two, b"dua")
    assert (memory.seen("b"), memory.note("b")) == (None, None)


def test_of_many_who_ask_at_once_one_history_comes_out(tmp_path):
    """Threads bring the true log and a fork of it, from every size; both are never cosigned beyond where they part."""
    witness = Witness(SIGNER, [LOG.public], Memory(tmp_path / "seen.sqlite"), lambda: 5.0)
    start, answers = threading.Barrier(8), []

    def bring(trail):
        start.wait()
        size = 0
        for new in range(10, 600, 59):
            answer = witness.add_checkpoint(submission(trail, size, new))
            if answer.status == 409:
                size = min(int(answer.body), new)
                answer = witness.add_checkpoint(submission(trail, size, new))
            if answer.status == 200:
                answers.append((trail is TRUE, new))
                size = new

    threads = [threading.Thread(target=bring, args=[trail]) for trail in (TRUE, FORK) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    beyond = {which for which, new in answers if new > 40}
    assert len(beyond) == 1
    assert seen(tmp_path / "seen.sqlite") == max(new for _, new in answers)


BRING = """
import sys
from pathlib import Path
from tests.verifier.world import LOG
from tests.witness.asking import FORK, SIGNER, TRUE, submission
from bagipakai.witness.cosigning import Witness
from bagipakai.witness.memory import Memory

witness = Witness(SIGNER, [LOG.public], Memory(Path(sys.argv[1])), lambda: 5.0)
trail = {"true": TRUE, "fork": FORK}[sys.argv[2]]
print("ready", flush=True)
sys.stdin.readline()
size = 0
for new in range(1, 100):
    answer = witness.add_checkpoint(submission(trail, size, new))
    if answer.status == 409:
        size = int(answer.body)
        if size >= new:
            continue
        answer = witness.add_checkpoint(submission(trail, size, new))
    if answer.status == 200:
        size = new
        print(sys.argv[2], new, flush=True)
"""


def process(*words):
    return subprocess.Popen(
        [sys.executable, "-c", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_two_processes_on_one_memory_cosign_one_history(tmp_path):
    """An operator who starts the service twice has not got two witnesses."""
    file = tmp_path / "seen.sqlite"
    running = [process(BRING, file, which) for which in ("true", "fork")]
    for one in running:
        assert one.stdout.readline() == "ready\n"
    for one in running:
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=60)[0].split("\n") for one in running]
    assert [one.returncode for one in running] == [0, 0]
    cosigned = [(line.split()[0], int(line.split()[1])) for lines in told for line in lines if line]
    assert len({which for which, size in cosigned if size > 40}) == 1
    assert seen(file) == 99


DIE = """
import os, signal, sys
from pathlib import Path
from tests.verifier.world import LOG
from tests.witness.asking import SIGNER, TRUE, submission
from bagipakai.witness.cosigning import Witness
from bagipakai.witness.memory import Memory

class Dying(Memory):
    def move(self, before, now, note):
        if sys.argv[2] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        moved = super().move(before, now, note)
        if sys.argv[2] == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return moved

witness = Witness(SIGNER, [LOG.public], Dying(Path(sys.argv[1])), lambda: 5.0)
print("answer", witness.add_checkpoint(submission(TRUE, 9, 20)).status, flush=True)
"""


@pytest.mark.parametrize(("moment", "size"), [("before", 9), ("after", 20)])
def test_killed_around_its_memory_it_never_has_answered_more_than_it_remembers(tmp_path, moment, size):
    """Killed before, it has said nothing and knows nothing new; killed after, it has said nothing and knows it."""
    file = tmp_path / "seen.sqlite"
    witness = Witness(SIGNER, [LOG.public], Memory(file), lambda: 5.0)
    assert witness.add_checkpoint(submission(TRUE, 0, 9)).status == 200
    dying = process(DIE, file, moment)
    told, _ = dying.communicate(timeout=60)
    assert (dying.returncode, told) == (-signal.SIGKILL, "")
    assert seen(file) == size
    again = witness.add_checkpoint(submission(TRUE, 9, 20))
    assert again.status == (200 if moment == "before" else 409)


def test_the_memory_is_written_before_the_answer_exists(tmp_path):
    """Whoever could look between would find the checkpoint kept and no cosignature given."""
    order = []

    class Watched(Memory):
        def move(self, before, now, note):
            moved = super().move(before, now, note)
            order.append(("kept", seen(tmp_path / "seen.sqlite")))
            return moved

    witness = Witness(SIGNER, [LOG.public], Watched(tmp_path / "seen.sqlite"), lambda: 5.0)
    order.append(("answered", witness.add_checkpoint(submission(TRUE, 0, 9)).status))
    assert order == [("kept", 9), ("answered", 200)]


def test_a_witness_that_cannot_write_does_not_cosign(tmp_path):
    file = tmp_path / "seen.sqlite"
    witness = Witness(SIGNER, [LOG.public], Memory(file), lambda: 5.0)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(sqlite3.OperationalError):
            Memory(file, patience=0.05).move(None, Checkpoint(LOG.public.name, 9, bytes(32)), b"")
    finally:
        holder.close()
    assert seen(file) is None
    assert witness.add_checkpoint(submission(TRUE, 0, 9)).status == 200


def test_each_change_is_on_the_disk_when_it_is_done(tmp_path):
    """SQLite's EXTRA: also the folder knows that the journal is gone, so a power cut cannot take the last one back."""
    with Memory(tmp_path / "seen.sqlite")._open() as database:
        assert database.execute("PRAGMA synchronous").fetchone() == (3,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
