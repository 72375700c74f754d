"""What every test that touches the office's database needs."""

import contextlib
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from tests import owner

# The same function, at its smallest cost: tests make hundreds of people.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1

# The files that take longest, longest first: of two processes none should begin one of these when the other is done.
LONGEST = (
    "browser/test_whole_path.py",
    "security/test_faults_of_the_sequencer.py",
    "security/test_faults_of_the_sealer.py",
    "security/test_nginx.py",
    "browser/test_narrow.py",
    "control/test_keybook.py",
    "generative/test_delivered_is_approved.py",
    "generative/test_engines_agree.py",
    "workflow/test_generated_requests.py",
    "registry/test_killed.py",
    "registry/test_worker.py",
    "registry/test_releases.py",
    "registry/test_synthesis.py",
    "registry/test_deliver.py",
    "browser/test_passkeys.py",
    "browser/test_readiness_path.py",
    "control/test_inventory.py",
    "control/test_whole_path.py",
    "control/test_custody.py",
    "portal/test_acts.py",
    "portal/test_doors.py",
    "portal/test_questions.py",
    "control/passkeys/test_signing.py",
    "control/trail/test_commands.py",
    "demo/test_walking.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Where files are shared out among processes (`make test`), the longest go first; otherwise all stays in order."""
    if hasattr(config, "workerinput"):
        here = Path(__file__).parent
        rank = {here / name: place for place, name in enumerate(LONGEST)}
        assert all(file.is_file() for file in rank)
        items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))


with socket.socket() as free:  # where Spark listens for other processes, if a test starts it
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]


def log_in(who):
    """From now on, the tests' connections are opened by "owner" or by "office"."""
    connection.close()
    login = settings.LOGINS[who]
    connection.settings_dict.update({part: login[part] for part in ("USER", "PASSWORD", "OPTIONS")})


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """The product's tables refuse TRUNCATE, and Django empties them with it after each test that commits. The fence
    is taken down for that emptying alone, by the owner; inside a test it stands."""
    from django.test import TransactionTestCase

    teardown = TransactionTestCase._fixture_teardown

    def emptied(case):
        fenced = "SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'stays' ORDER BY 1"
        log_in("owner")
        with connection.cursor() as cursor:
            cursor.execute(fenced)
            tables = [name for (name,) in cursor.fetchall()]
            for name in tables:
                cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER stays")
            cursor.execute(
                "TRUNCATE exchange.progress, exchange.cancellations, exchange.receipts, exchange.orders,"
                " trail.leaf, trail.opening, trail.stop, trail.lift"
            )
            teardown(case)
            for name in tables:
                cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER stays")
        log_in("office")

    TransactionTestCase._fixture_teardown = emptied


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The owner made the database; the tests work in it with the office's login and rights."""
    from tests import shelf

    from bagipakai.control.commands import grant

    with django_db_blocker.unblock():
        grant("default")
        with connection.cursor() as cursor:
            cursor.execute(owner.FUNCTION)
            cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
            if cursor.fetchone() == (True,):  # tests/settings.py
                cursor.execute(shelf.FUNCTION)
        log_in("office")
        yield
        log_in("owner")


@pytest.fixture(autouse=True)
def a_trail_of_its_own(monkeypatch, tmp_path_factory):
    """Each test's database starts anew, and so does the trail on disk."""
    from bagipakai.control.trail import house
    from bagipakai.control.trail.store import Store

    folders = []

    def store():
        if not folders:
            folders.append(tmp_path_factory.mktemp("trail"))
        return Store(folders[0])

    monkeypatch.setattr(house, "store", store)


@pytest.fixture(scope="module")
def office_stands(django_db_setup, django_db_blocker):
    """The office and one institution that may ask, made once and found standing by the files that ask for it, until a
    test that commits empties the database; without it, the factories make them anew in each test."""
    from tests import factories

    with django_db_blocker.unblock():
        factories.an_office()
        factories.the_institution()


@pytest.fixture
def at(monkeypatch):
    """`with at("2026-12-01 10:12"): …` lets the office's clock stand there (Jakarta's time)."""
    from bagipakai.control import clock  # once Django is set up

    @contextlib.contextmanager
    def standing(told: str):
        moment = datetime.fromisoformat(told)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=clock.WIB)
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda: moment.astimezone(UTC))
            yield moment

    return standing


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Spark, started once for all tests that ask it; whoever makes an engine of it in this process meanwhile joins this
    one, and other processes find it at `cluster_address`."""
    from bagipakai.registry.engines import spark

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # short plans: half the work
        connect = {"plugins": "org.apache.spark.sql.connect.SparkConnectPlugin", "connect.grpc.binding.port": PORT}
        said = " ".join(f"--conf spark.{name}={value}" for name, value in connect.items())
        patched.setenv("PYSPARK_SUBMIT_ARGS", f"{said} pyspark-shell")
        try:
            with spark.Engine(tmp_path_factory.mktemp("spark"), [tempfile.gettempdir()]) as engine:
                yield engine
        except spark.SparkMissing as missing:
            pytest.skip(str(missing))


@pytest.fixture
def cluster_address(cluster):
    return f"sc://127.0.0.1:{PORT}"
