"""The one process that gives leaves their numbers, writes them to disk, signs, and asks the witnesses.

Each step may be repeated after a crash: numbers are given once and for ever by the database; files follow from
numbers; a checkpoint follows from files. So there is nothing to undo, only something to finish.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg

from bagipakai.control.trail.store import Held, Store
from bagipakai.control.trail.witnessing import Asked, Asking, signed, witnesses
from bagipakai.core import tlog
from bagipakai.core.notes import Checkpoint, Note, NoteSigner, Signature
from bagipakai.core.tiles import Log, grown
from bagipakai.core.witnesses import BadPolicy, NotBelieved, Policy

BATCH = 1000  # leaves that are numbered together
ROUNDS = 10  # batches before a checkpoint, however many wait
LOCK = 7_318_001  # of the one sequencer, among this database's advisory locks
REST = 10.0  # seconds for which a silent witness is left alone, so that it does not slow the others


class SecondSequencer(Exception):
    """Another process numbers leaves already."""


class Rewound(Exception):
    """The database holds fewer leaves than were signed: it was put back to an older state."""


class Forked(Exception):
    """What lies on disk is not what was signed, or does not continue it."""


class Sequencer:
    """Works on one connection of its own, for as long as the block lasts. `signers[0]` is the log's Ed25519 key, the
    others cosign for the log. `clock` gives seconds since 1970. Raises SecondSequencer, and BadPolicy for a policy that
    does not name the log's key."""

    def __init__(
        self,
        connection: psycopg.Connection,
        store: Store,
        signers: Sequence[NoteSigner],
        policy: Policy,
        clock: Callable[[], float],
    ) -> None:
        if signers[0].public not in policy.logs:
            raise BadPolicy("the log's own key is not in it")
        self._connection = connection
        self._store = store
        self._signers = signers
        self._policy = policy
        self._clock = clock
        self._asking: Asking[Signature] = Asking()
        self._seen: dict[str, int] = {}
        self._rests: dict[str, float] = {}
        self.origin = signers[0].public.name

    def __enter__(self) -> Self:
        """Two locks: the database's, for all machines, and the folder's, which a process that lost its connection and
        does not know it yet still holds."""
        if not self._one("SELECT pg_try_advisory_lock(%s)", LOCK):
            raise SecondSequencer
        self._one("SELECT set_config('synchronous_commit', 'on', false)")  # a number that was used is never lost
        try:
            self._store.__enter__()
        except Held:
            self._one("SELECT pg_advisory_unlock(%s)", LOCK)
            raise SecondSequencer from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.__exit__(kind, value, trace)
        with contextlib.suppress(psycopg.Error):  # who lost the connection has lost the lock
            self._one("SELECT pg_advisory_unlock(%s)", LOCK)

    def step(self) -> Checkpoint | None:
        """Takes the leaves that wait into a signed checkpoint; None if there were none. Raises Rewound, Forked,
        Conflict, BadNote, BadTile, OSError, psycopg.Error; after each of these the next step goes on where this one
        ended."""
        kept = self._signed()
        before = kept[1] if kept else Checkpoint(self.origin, 0, tlog.EMPTY)
        if self._count() < before.size:  # before numbers are given a second time
            raise Rewound
        for _ in range(ROUNDS):
            if self._number() < BATCH:
                break
        return self._sign(before, self._write(self._store.log(before.size)))

    def witness(self) -> list[str]:
        """Has the newest signed checkpoint cosigned; makes it public once a quorum stands under it. Gives the names of
        witnesses that were silent. Raises Disagrees, and what reading and writing files raises."""
        kept = self._signed()
        if kept is None:
            return []
        note, checkpoint = kept
        log, now, all_of_them = self._store.log(checkpoint.size), time.monotonic(), witnesses(self._policy)
        awake = [one for one in all_of_them if self._rests.get(one.name, now) <= now]

        def cosigned(one: Asked) -> Signature:
            return one.cosign(note, checkpoint, log, self._seen.get(one.name, 0))

        lines = self._asking.all(awake, cosigned)
        self._seen |= dict.fromkeys(lines, checkpoint.size)
        self._rests |= {one.name: time.monotonic() + REST for one in awake if one.name not in lines}
        self._publish(note.with_lines(*lines.values()))
        return [one.name for one in all_of_them if one.name not in lines]

    def _signed(self) -> tuple[Note, Checkpoint] | None:
        """What this log signed last."""
        kept = self._store.checkpoint("signed")
        if kept and not (kept[1].origin == self.origin and signed(kept[0], self._policy.logs)):
            raise Forked
        return kept

    def _count(self) -> int:
        return int(self._one("SELECT coalesce(max(seq) + 1, 0) FROM trail.leaf"))

    def _number(self) -> int:
        """Gives the next numbers to leaves that wait, in the order in which they came; how many. Leaves of a
        transaction that commits later are still there to be found: no cursor runs ahead of them."""
        with self._connection.transaction():
            return self._connection.execute(
                """
                WITH
                next AS (
                    SELECT coalesce(max(seq) + 1, 0) AS seq FROM trail.leaf
                ),
                waiting AS (
                    SELECT id FROM trail.leaf WHERE seq IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
                ),
                placed AS (
                    SELECT id, (SELECT seq FROM next) + row_number() OVER (ORDER BY id) - 1 AS seq FROM waiting
                )
                UPDATE trail.leaf SET seq = placed.seq FROM placed WHERE leaf.id = placed.id
                """,
                [BATCH],
            ).rowcount

    def _write(self, log: Log) -> Log:
        """Brings the files from those of `log` up to the last number."""
        for entries in self._numbered(log.size):
            self._store.add(grown(log, entries))
            log = self._store.log(log.size + len(entries))
        return log

    def _numbered(self, size: int) -> Iterator[list[bytes]]:
        """The bodies from number `size` on, in batches."""
        count = self._count()
        while size < count:
            with self._connection.transaction():
                rows = self._connection.execute(
                    "SELECT seq, body FROM trail.leaf WHERE seq >= %s ORDER BY seq LIMIT %s", [size, BATCH]
                ).fetchall()
            if [seq for seq, _ in rows] != list(range(size, size + len(rows))) or not rows:
                raise Rewound
            yield [body.encode() for _, body in rows]
            size += len(rows)

    def _sign(self, before: Checkpoint, log: Log) -> Checkpoint | None:
        if log.size == before.size:
            return None
        checkpoint = Checkpoint(self.origin, log.size, log.root())
        proof = log.consistency(before.size)
        if not tlog.is_consistent(before.size, before.root, log.size, checkpoint.root, proof):
            raise Forked
        now = int(self._clock())
        lines = tuple(signer.sign(checkpoint.text, now) for signer in self._signers)
        self._store.replace("signed", bytes(Note(checkpoint.text, lines)))
        self._store.tidy(before.size, log.size)
        return checkpoint

    def _publish(self, note: Note) -> None:
        try:
            believed = self._policy.believe(note)
        except NotBelieved:
            return
        public, size = self._store.checkpoint("checkpoint"), believed.checkpoint.size
        if public is not None and public[1].size > size:
            raise Forked
        hour = time.strftime("%Y-%m-%dT%HZ", time.gmtime(self._clock()))
        self._store.replace(f"past/{hour}", bytes(note))
        self._store.replace("checkpoint", bytes(note))

    def _one(self, statement: LiteralString, *values: object) -> Any:
        with self._connection.transaction():
            row = self._connection.execute(statement, values).fetchone()
        return row[0] if row else None
