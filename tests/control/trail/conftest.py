"""A ground for the sequencer: a database of its own, a folder, keys and witnesses."""

import pytest
from django.conf import settings
from django.db import connection
from tests.control.trail.grounds import Ground, at_database, clear
from tests.owner import as_owner, rewrite

from bagipakai import postgres


@pytest.fixture(scope="session")
def trail_database(django_db_setup, django_db_blocker):
    """The name of a copy of the tests' database, with its roles and rights. Who works in it leaves the other alone."""
    name = f"{connection.settings_dict['NAME']}_trail"
    with django_db_blocker.unblock():
        connection.close()
        owner = at_database(postgres.url(postgres.OWNER), settings.LOGINS["owner"]["NAME"])
        with clear(owner, name):
            yield name


@pytest.fixture
def ground(trail_database, tmp_path):
    """Empty at the beginning of each test."""
    with Ground(trail_database, tmp_path) as made:
        yield made


@pytest.fixture
def an_empty_trail(db):
    """The office that stands for all tests has leaves of its own, and so has a worker that ran before."""
    as_owner("DELETE FROM trail.opening")
    rewrite("DELETE FROM trail.leaf", "trail.leaf")
