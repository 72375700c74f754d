"""The one process that gives leaves their numbers, writes them to disk, signs, and asks the witnesses.

Each step may be repeated after a crash: numbers are given once and for ever by the database; files follow from
numbers; a checkpoint follows from files. So there is nothing to undo, only something to finish.
"""

from collections.abc import Callable, Iterator, Sequence

import psycopg

from bagipakai.control.trail.store import Store
from bagipakai.control.trail.witnessing import Asked, Silent
from bagipakai.core import tlog
from bagipakai.core.notes import Checkpoint, Note, NoteSigner
from bagipakai.core.tiles import Log, grown
from bagipakai.core.witnesses import NotBelieved, Policy

BATCH = 1000  # leaves that are numbered together
LOCK = 7_318_001  # of the one sequencer, among this database's advisory locks


class SecondSequencer(Exception):
    """Another process numbers leaves already."""


class Rewound(Exception):
    """The database holds fewer leaves than were signed: it was put back to an older state."""


class Forked(Exception):
    """What lies on disk does not continue what was signed."""


def waiting_witnesses(policy: Policy) -> list[Asked]:
    """The witnesses of `policy` that have an address."""
    return [Asked(name, key, url) for name, (key, url) in policy.witnesses.items() if url]


class Sequencer:
    """Works on one connection of its own, for as long as it lives. `signers[0]` is the log's Ed25519 key, the others
    cosign for the log. `clock` gives seconds since 1970. Raises SecondSequencer."""

    def __init__(
        self,
        connection: psycopg.Connection,
        store: Store,
        signers: Sequence[NoteSigner],
        policy: Policy,
        clock: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._store = store
        self._signers = signers
        self._policy = policy
        self._clock = clock
        self._seen: dict[str, int] = {}
        self.origin = signers[0].public.name
        if not connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:  # type: ignore[index]
            raise SecondSequencer
        connection.commit()

    def step(self) -> Checkpoint | None:
        """Takes the leaves that wait into a signed checkpoint; None if there were none. Raises Rewound, Forked."""
        while self._number() == BATCH:
            pass
        return self._sign(self._write())

    def witness(self) -> list[str]:
        """Has the newest signed checkpoint cosigned; makes it public once a quorum stands under it. Gives the names of
        witnesses that were silent. Raises Disagrees."""
        signed = self._store.checkpoint("signed")
        if signed is None:
            return []
        note, checkpoint = signed
        log, lines, silent = self._store.log(checkpoint.size), [], []
        for one in waiting_witnesses(self._policy):
            try:
                lines.append(one.cosign(note, checkpoint, log, self._seen.get(one.name, 0)))
                self._seen[one.name] = checkpoint.size
            except Silent:
                silent.append(one.name)
        self._publish(note.with_lines(*lines))
        return silent

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

    def _write(self) -> Log:
        """Brings the files up to the last number."""
        signed = self._store.checkpoint("signed")
        log = self._store.log(signed[1].size if signed else 0)
        for entries in self._numbered(log.size):
            for name, content in grown(log, entries):
                self._store.add(name, content)
            log = self._store.log(log.size + len(entries))
        return log

    def _numbered(self, size: int) -> Iterator[list[bytes]]:
        """The bodies from number `size` on, in batches."""
        with self._connection.transaction():
            (count,) = self._connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM trail.leaf").fetchone()  # type: ignore[misc]
        if count < size:
            raise Rewound
        while size < count:
            with self._connection.transaction():
                rows = self._connection.execute(
                    "SELECT seq, body FROM trail.leaf WHERE seq >= %s ORDER BY seq LIMIT %s", [size, BATCH]
                ).fetchall()
            if [seq for seq, _ in rows] != list(range(size, size + len(rows))) or not rows:
                raise Rewound
            yield [bytes(body) for _, body in rows]
            size += len(rows)

    def _sign(self, log: Log) -> Checkpoint | None:
        signed = self._store.checkpoint("signed")
        before = signed[1] if signed else Checkpoint(self.origin, 0, tlog.EMPTY)
        if log.size == before.size:
            return None
        checkpoint = Checkpoint(self.origin, log.size, log.root())
        proof = log.consistency(before.size)
        if not tlog.is_consistent(before.size, before.root, log.size, checkpoint.root, proof):
            raise Forked
        now = int(self._clock())
        lines = tuple(signer.sign(checkpoint.text, now) for signer in self._signers)
        self._store.replace("signed", bytes(Note(checkpoint.text, lines)))
        return checkpoint

    def _publish(self, note: Note) -> None:
        try:
            believed = self._policy.believe(note)
        except NotBelieved:
            return
        public = self._store.checkpoint("checkpoint")
        if public is not None and public[1].size > believed.checkpoint.size:
            raise Forked
        self._store.replace(f"past/{believed.checkpoint.size:012d}", bytes(note))
        self._store.replace("checkpoint", bytes(note))
