"""What every test that touches the office's database needs."""

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection

# The same function, at its smallest cost: tests make hundreds of people.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1


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


@pytest.fixture(scope="session")
def office_stands(django_db_setup, django_db_blocker):
    """The office and one institution that may ask, made once for the session. Tests that ask for it find both there;
    without it, the factories make them anew in each test."""
    from tests import factories

    with django_db_blocker.unblock():
        factories.an_office()
        factories.the_institution()
