"""After a disaster: what the log's files hold and a restored database does not is put back under its old numbers.

Then nothing that was signed is missing, and the office may go on. The content behind those leaves is gone with the
database, unless it was kept elsewhere; the leaves tell that it was there, and what it must hash to.
"""

from typing import Any

from bagipakai.control.trail import gates, leaves
from bagipakai.control.trail.sequencer import LOCK, SecondSequencer
from bagipakai.control.trail.store import Store
from bagipakai.control.trail.witnessing import signed
from bagipakai.core import tlog
from bagipakai.core.notes import BadNote, Checkpoint
from bagipakai.core.witnesses import Policy


class NoContinuation(Exception):
    """The log's files do not begin with what the database holds, or are not what was signed."""


def replay(owner: Any, store: Store, policy: Policy) -> tuple[int, int]:
    """Puts the missing leaves of the largest signed checkpoint in `store` into the database, in one transaction of the
    owner's `owner`; how many the database had, and how many it has. The sequencer must not run.

    A leaf that waited when the backup was made, and has a number in the log, gets that number. Raises NoContinuation,
    SecondSequencer, BadNote, BadTile, OSError.
    """
    with owner.transaction(), owner.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise SecondSequencer
        checkpoint = _largest(store, policy)
        log = store.log(checkpoint.size)
        if gates.roots(map(tlog.leaf_hash, log.entries()), {log.size})[log.size] != checkpoint.root:
            raise NoContinuation
        cursor.execute("SELECT coalesce(max(seq) + 1, 0) FROM trail.leaf")
        (had,) = cursor.fetchone()
        if gates.first_difference(owner, store, min(had, log.size)) is not None:
            raise NoContinuation
        cursor.execute("SELECT body, id FROM trail.leaf WHERE seq IS NULL ORDER BY id DESC")
        waiting: dict[str, list[int]] = {}
        for body, number in cursor.fetchall():
            waiting.setdefault(body, []).append(number)
        for seq, entry in enumerate(log.entries(had), start=had):
            body = entry.decode()
            if waiting.get(body):
                cursor.execute("UPDATE trail.leaf SET seq = %s WHERE id = %s", [seq, waiting[body].pop()])
            else:
                cursor.execute("INSERT INTO trail.leaf (body, seq) VALUES (%s, %s)", [body, seq])
        has = max(had, log.size)
        if has > had:
            leaves.write("trail.REPLAY", f"jejak/{had}-{has - 1}", {"had": had, "has": has}, through=owner)
    return had, has


def _largest(store: Store, policy: Policy) -> Checkpoint:
    """A copy for auditors has no `signed`, an installation has both."""
    found = [kept for name in ("signed", "checkpoint") if (kept := store.checkpoint(name))]
    for note, _ in found:
        if not signed(note, policy.logs):
            raise BadNote("not signed by the log")
    if not found:
        raise NoContinuation
    return max((checkpoint for _, checkpoint in found), key=lambda one: one.size)
