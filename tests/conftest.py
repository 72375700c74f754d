"""What every test that touches the office's database needs."""

import pytest
from django.db import connection


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """The product's tables refuse TRUNCATE, and Django empties them with it after each test that commits. The fence
    is taken down for that emptying alone; inside a test it stands."""
    from django.test import TransactionTestCase

    teardown = TransactionTestCase._fixture_teardown

    def emptied(case):
        fenced = "SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'stays' ORDER BY 1"
        with connection.cursor() as cursor:
            cursor.execute(fenced)
            tables = [name for (name,) in cursor.fetchall()]
            for name in tables:
                cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER stays")
            cursor.execute("TRUNCATE exchange.receipts, exchange.orders")
            teardown(case)
            for name in tables:
                cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER stays")

    TransactionTestCase._fixture_teardown = emptied
