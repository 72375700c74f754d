"""A mailbox of its own for a test: a fresh database with the product's own definition of `exchange`."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from tests.registry.orders import House

from bagipakai import postgres
from bagipakai.core.exchange import Receipt

SQL = Path(postgres.__file__).parent / "control" / "migrations" / "sql"


@dataclass(frozen=True)
class Office:
    """The office's side of one mailbox."""

    url: str

    @property
    def registry_url(self) -> str:
        return postgres.stepping_down(self.url, postgres.REGISTRY)

    def place(self, order_id: str, envelope: bytes) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("INSERT INTO exchange.orders (order_id, envelope) VALUES (%s, %s)", [order_id, envelope])

    def cancel(self, order_id: str, envelope: bytes) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO exchange.cancellations (order_id, envelope) VALUES (%s, %s)", [order_id, envelope]
            )

    def envelopes(self) -> dict[str, bytes]:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT order_id, envelope FROM exchange.receipts").fetchall()
        return {order_id: bytes(envelope) for order_id, envelope in found}

    def receipts(self, house: House) -> dict[str, Receipt]:
        key = house.keys.receipt.public
        return {order_id: Receipt.unsealed(envelope, key) for order_id, envelope in self.envelopes().items()}


@contextmanager
def an_office() -> Iterator[Office]:
    name = f"mailbox_{secrets.token_hex(6)}"
    main = postgres.url(postgres.OWNER)
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlunsplit(urlsplit(main)._replace(path=f"/{name}"))
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            stays, *_ = (SQL / "append_only.sql").read_text().split("\n\n")
            connection.execute(stays)
            connection.execute((SQL / "exchange.sql").read_text())
            connection.execute((SQL / "under_way.sql").read_text())
        yield Office(url)
    finally:
        _drop(main, name)


def _drop(main: str, name: str) -> None:
    """The server itself may be cleaning up in there just now, and who may end that is not us: it ends soon."""
    with psycopg.connect(main, autocommit=True) as connection:
        for left in reversed(range(100)):
            try:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
                return
            except psycopg.errors.InsufficientPrivilege:
                if not left:
                    raise
                time.sleep(0.1)
