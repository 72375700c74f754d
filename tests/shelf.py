"""Requests that came some way once and need not go it again: the rows and files that a way left are put on a shelf, and
laid out again for a test that has written nothing yet. What stands there then is what the product's own doors wrote,
byte for byte, down to each signature.

A shelf serves one ground: the office that stands committed, its keys, the clock, the policies, the keys in people's
hands. On any other, and on a server whose superuser we are not, every request goes its way by itself.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg import sql
from tests import authenticators

from bagipakai import postgres
from bagipakai.control import access, clock, documents, keys
from bagipakai.control.trail import house

# Lays out rows as they were: no trigger looks at what triggers let pass before. Made once in the tests' database
# (tests/conftest.py), and only on a server of the tests' own.
FUNCTION = """
    CREATE FUNCTION lay_out(deed text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET session_replication_role = replica AS 'BEGIN EXECUTE deed; END'
"""
_NOW = clock.now  # as long as no test moves it
_SHELVES: dict[tuple[Any, ...], dict[Any, "Kept"]] = {}


@dataclass(frozen=True)
class Kept:
    """Where a request had come: its row's key, the statement that lays the rows out, and all files beside them."""

    request: int
    rows: str
    files: dict[Path, bytes] = field(repr=False)  # by their names in `var`
    trail: dict[Path, bytes] = field(repr=False)  # by their names in the trail's folder


def untouched() -> bool:
    """Whether something may be taken or kept: above all, whether this test has written nothing of its own yet."""
    if not (connection.in_atomic_block and clock.now is _NOW and _may_lay_out()):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NULL")
        return cursor.fetchone() == (True,)


def shelf(office: int, level: str) -> dict[Any, Kept]:
    """What is known on this ground, by status."""
    public = tuple(file.read_bytes() for file in sorted((keys.folder() / "public").iterdir()))
    ground = (office, public, os.environ.get("BAGIPAKAI_POLICIES"), id(authenticators.WALLET))
    return _SHELVES.setdefault((*ground, level), {})


def kept(request: int) -> Kept:
    """All that this transaction has written so far, about a request and around it."""
    with connection.cursor() as cursor:
        cursor.execute(_written())
        rows = "; ".join(_statement(table, told) for table, told in cursor.fetchall() if told)
    papers = {documents.folder() / name for name in re.findall(r"\b[0-9a-f]{64}\b", rows)}
    packages = {access.packages() / name for name in re.findall(r"\bpaket-[0-9a-f-]{36}\b", rows)}
    files = papers.union(*(one.glob("*") for one in packages))
    trail = house.store().folder
    return Kept(request, rows, _read(files, postgres.var()), _read(trail.rglob("*"), trail))


def lay_out(one: Kept) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lay_out(%s)", [one.rows])
    for place, files in ((postgres.var(), one.files), (house.store().folder, one.trail)):
        for name, content in files.items():
            file = place / name
            if not file.is_file() or file.read_bytes() != content:  # a test may have spoiled it
                file.parent.mkdir(parents=True, exist_ok=True)
                file.unlink(missing_ok=True)
                file.write_bytes(content)


def _read(files: Iterable[Path], place: Path) -> dict[Path, bytes]:
    return {file.relative_to(place): file.read_bytes() for file in files if file.is_file()}


@cache
def _may_lay_out() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regproc('lay_out') IS NOT NULL")
        return cursor.fetchone() == (True,)


@cache
def _columns() -> dict[str, tuple[list[str], list[str]]]:
    """Of each table: its key, and its other columns that are not computed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', nspname, relname), array_agg(attname::text) FILTER (WHERE attnum = ANY(conkey)),"
            " array_agg(attname::text) FILTER (WHERE attnum <> ALL(conkey)) FROM pg_class"
            " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'"
            " JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
            " WHERE relkind = 'r' AND nspname IN ('public', 'trail', 'exchange') GROUP BY 1 ORDER BY 1",
            [],
        )
        return {table: (key, others or []) for table, key, others in cursor.fetchall()}


@cache
def _written() -> str:
    """A query for the rows of this transaction, savepoints included: nobody else writes in the tests' database."""
    since = "(one.xmin::text::bigint >= pg_current_xact_id_if_assigned()::text::bigint % 4294967296)"
    parts = (f"SELECT '{table}', json_agg(one)::text FROM {table} AS one WHERE {since}" for table in _columns())
    return " UNION ALL ".join(parts)


def _statement(table: str, told: str) -> str:
    key, others = _columns()[table]
    names = ", ".join(f'"{name}"' for name in (*key, *others))
    anew = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in others)
    connection.ensure_connection()
    literal = sql.Literal(told).as_string(connection.connection)
    return (
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE"
        f" SELECT {names} FROM json_populate_recordset(NULL::{table}, {literal})"
        f" ON CONFLICT ({', '.join(key)}) DO " + (f"UPDATE SET {anew}" if anew else "NOTHING")
    )
