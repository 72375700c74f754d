"""The mailbox in PostgreSQL: the only thing the two planes share. Orders and their cancellations come in, receipts go
out, all sealed; and, as long as an order is being done, how far it is.

The mailbox is the queue (decision 0004): an order without a receipt is unfinished. The registry dials in under a role
that may read orders and cancellations, add receipts and write progress, and can do nothing else there.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from bagipakai.core.progress import Progress


@dataclass(frozen=True, slots=True)
class Letter:
    """One unfinished order as it lies in the mailbox: its id by the office, and the sealed order."""

    order_id: str
    envelope: bytes


class Mailbox:
    """An open connection to the mailbox."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, url: str) -> Iterator["Mailbox"]:
        """Connects to `url` (`postgresql://…`) and listens for orders. Raises psycopg.OperationalError."""
        with psycopg.connect(url, autocommit=True, application_name="bagipakai registry worker") as connection:
            connection.execute("LISTEN orders")
            yield cls(connection)

    def unfinished(self) -> list[str]:
        """The ids of orders that have no receipt yet, oldest first."""
        rows = self._connection.execute(
            """
            SELECT orders.order_id
            FROM exchange.orders LEFT JOIN exchange.receipts USING (order_id)
            WHERE receipts.order_id IS NULL
            ORDER BY orders.placed_at, orders.order_id
            """
        )
        return [order_id for (order_id,) in rows]

    @contextmanager
    def taken(self, order_id: str) -> Iterator[Letter | None]:
        """The order, held for this worker until the end of the block; None if another holds it or it is finished.

        The lock is the session's: a worker that dies, however it dies, holds nothing.
        """
        lock = int.from_bytes(hashlib.sha256(order_id.encode()).digest()[:8], "big", signed=True)
        (ours,) = self._one("SELECT pg_try_advisory_lock(%s)", lock)
        if not ours:
            yield None
            return
        try:
            yield self._letter(order_id)
        finally:
            if not self._connection.closed:
                self._connection.execute("SELECT pg_advisory_unlock(%s)", [lock])

    def answer(self, order_id: str, envelope: bytes) -> None:
        """Puts the sealed receipt into the mailbox. A second receipt for one order changes nothing."""
        self._connection.execute(
            "INSERT INTO exchange.receipts (order_id, envelope) VALUES (%s, %s) ON CONFLICT (order_id) DO NOTHING",
            [order_id, envelope],
        )

    @contextmanager
    def turn(self, order_id: str) -> Iterator[None]:
        """A block, one transaction, in which the office cannot cancel the order: what was cancelled before is seen in
        it, and what is answered in it is answered first."""
        with self._connection.transaction():
            self._connection.execute("SELECT exchange.turn(%s)", [order_id])
            yield

    def cancellation(self, order_id: str) -> bytes | None:
        """The sealed cancellation of the order, if there is one."""
        row = self._connection.execute(
            "SELECT envelope FROM exchange.cancellations WHERE order_id = %s", [order_id]
        ).fetchone()
        return None if row is None else bytes(row[0])

    def tell(self, order_id: str, progress: Progress) -> None:
        """Replaces what is told of how far the order is."""
        self._connection.execute(
            """
            INSERT INTO exchange.progress (order_id, stage, since, done, of, unit) VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (order_id) DO UPDATE
            SET (stage, since, done, of, unit, at) = (excluded.stage, excluded.since, excluded.done, excluded.of,
                excluded.unit, now())
            """,
            [order_id, progress.stage, progress.since, progress.done, progress.of, progress.unit],
        )

    def wait(self, seconds: float) -> None:
        """Returns when an order was announced, or after `seconds`: a lost notice costs time, never an order."""
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            pass

    def _letter(self, order_id: str) -> Letter | None:
        row = self._connection.execute(
            """
            SELECT orders.envelope
            FROM exchange.orders LEFT JOIN exchange.receipts USING (order_id)
            WHERE orders.order_id = %s AND receipts.order_id IS NULL
            """,
            [order_id],
        ).fetchone()
        return None if row is None else Letter(order_id, bytes(row[0]))

    def _one(self, query: str, *values: object) -> tuple[object, ...]:
        row = self._connection.execute(query, values).fetchone()
        assert row is not None  # noqa: S101 - this question always has an answer
        return tuple(row)
