"""What a witness has seen: for each log, the largest checkpoint it cosigned. Kept before the cosignature is given."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bagipakai.core.notes import Checkpoint


class Memory:
    """One SQLite file. Each call opens it anew, so threads and processes may share it. Raises sqlite3.Error where it
    cannot be read or written, also if others keep it for more than `patience` seconds, and then has changed nothing."""

    def __init__(self, file: Path, patience: float = 10) -> None:
        self._file = file
        self._patience = patience
        with self._open() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER, root BLOB, note BLOB) STRICT"
            )

    def seen(self, origin: str) -> Checkpoint | None:
        with self._open() as database:
            row = database.execute("SELECT size, root FROM seen WHERE origin = ?", [origin]).fetchone()
        return None if row is None else Checkpoint(origin, *row)

    def note(self, origin: str) -> bytes | None:
        """The checkpoint last kept, as the log signed it and with this witness's own lines."""
        with self._open() as database:
            row = database.execute("SELECT note FROM seen WHERE origin = ?", [origin]).fetchone()
        return None if row is None else row[0]

    def move(self, before: Checkpoint | None, now: Checkpoint, note: bytes) -> bool:
        """Keeps `now` if `before` is still what was seen last: compare and set, in one durable step."""
        with self._open() as database:
            if before is None:
                done = database.execute(
                    "INSERT INTO seen VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [now.origin, now.size, now.root, note],
                )
            else:
                done = database.execute(
                    "UPDATE seen SET size = ?, root = ?, note = ? WHERE origin = ? AND size = ? AND root = ?",
                    [now.size, now.root, note, now.origin, before.size, before.root],
                )
            return done.rowcount == 1

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection in which each statement is a transaction of its own, on the disk when it returns. EXTRA, since
        FULL may forget the last one if the power fails before the folder knows that the journal is gone."""
        with closing(sqlite3.connect(self._file, timeout=self._patience, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = EXTRA")
            yield database
