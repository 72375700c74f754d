"""What a witness has seen: for each log, the largest checkpoint it cosigned. Kept before the cosignature is given."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bagipakai.core.notes import Checkpoint


class Memory:
    """One SQLite file. Each call opens it anew, so threads and processes may share it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with closing(self._open()) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER, root BLOB, note BLOB) STRICT"
            )

    def seen(self, origin: str) -> Checkpoint | None:
        with closing(self._open()) as database:
            row = database.execute("SELECT size, root FROM seen WHERE origin = ?", [origin]).fetchone()
        return None if row is None else Checkpoint(origin, *row)

    def note(self, origin: str) -> bytes | None:
        """The checkpoint last kept, as the log signed it and with this witness's own lines."""
        with closing(self._open()) as database:
            row = database.execute("SELECT note FROM seen WHERE origin = ?", [origin]).fetchone()
        return None if row is None else row[0]

    def move(self, before: Checkpoint | None, now: Checkpoint, note: bytes) -> bool:
        """Keeps `now` if `before` is still what was seen last: compare and set, in one durable step."""
        with closing(self._open()) as database, database:
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

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=10)
        database.execute("PRAGMA synchronous = FULL")
        return database
