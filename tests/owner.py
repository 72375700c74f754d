"""The owner's hand inside the office's transaction: for a fake registry, and for somebody who tampers."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

# Made once in the tests' database (tests/conftest.py); the product has nothing like it.
FUNCTION = """
    CREATE FUNCTION as_owner(deed text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE deed; END'
"""


def as_owner(*deeds: str) -> None:
    """Does each statement with the owner's rights."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks that still wait cannot be altered
        for deed in deeds:
            cursor.execute("SELECT as_owner(%s)", [deed])


def rewrite(deed: str, table: str = "control_event", fence: str = "stays") -> None:
    """Does `deed` while the fence around `table` is down."""
    as_owner(f"ALTER TABLE {table} DISABLE TRIGGER {fence}", deed, f"ALTER TABLE {table} ENABLE TRIGGER {fence}")


def change(rows: QuerySet[Any], **values: object) -> None:
    """Sets columns that the office's own login cannot."""
    table, keys = (
        sql.Identifier(rows.model._meta.db_table),
        [sql.Literal(key) for key in rows.values_list("pk", flat=True)],
    )
    columns = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in values.items()]
    deed = sql.SQL("UPDATE {} SET {} WHERE id IN ({})").format(
        table, sql.SQL(", ").join(columns), sql.SQL(", ").join(keys)
    )
    connection.ensure_connection()
    as_owner(deed.as_string(connection.connection))
