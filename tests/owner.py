"""The owner's hand inside the office's transaction: for a fake registry, and for somebody who tampers."""

from django.db import connection

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
