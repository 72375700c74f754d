"""The trail's ground (tests/control/trail), on a database of this folder's own."""

import pytest
from django.conf import settings
from django.db import connection
from tests.control.trail.grounds import Ground, at_database, clear

from bagipakai import postgres


@pytest.fixture(scope="session")
def secured_database(django_db_setup, django_db_blocker):
    """A copy of the tests' database, with its roles and rights."""
    name = f"{connection.settings_dict['NAME']}_secured"
    with django_db_blocker.unblock():
        connection.close()
        owner = at_database(postgres.url(postgres.OWNER), settings.LOGINS["owner"]["NAME"])
        with clear(owner, name):
            yield name


@pytest.fixture
def ground(secured_database, tmp_path):
    """Empty at the beginning of each test."""
    with Ground(secured_database, tmp_path) as made:
        yield made
