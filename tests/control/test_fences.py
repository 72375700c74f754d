"""What the database itself refuses, whoever asks."""

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError
from tests.factories import a_request, an_office
from tests.owner import as_owner, change

from bagipakai import postgres
from bagipakai.control import ledger
from bagipakai.control.models import Denial, Event, Institution
from bagipakai.core.request import Action, Role, Status

TABLES = (
    *("control_event", "control_readinessevent", "control_grantevent", "control_recipientkeyevent"),
    *("control_denial", "control_reading"),
    "control_qualitystatement",
)
DEEDS = ("UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE")


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", DEEDS)
def test_the_office_has_no_right_to_change_what_happened(table, deed):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed.format(table))


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", DEEDS)
def test_the_owner_must_first_take_the_fence_down(table, deed):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        as_owner(deed.format(table))


@pytest.mark.django_db
def test_one_place_in_the_chain_is_taken_once():
    chain = a_request()
    from bagipakai.control.requests import state_of
    from bagipakai.core.request import Actor
    from bagipakai.core.request import Event as Happened

    state = state_of(chain.request)
    actor = Actor("", "", Role.SYSTEM, "")
    again = Happened(chain.reference, state.n, chain.request.opened_at, actor, Action.JOIN, None, Status.DRAFT, {})
    with pytest.raises(ledger.Overtaken), transaction.atomic():
        ledger.append(Event, chain.request, again)


@pytest.mark.django_db
def test_a_controller_without_appointment_is_none():
    with pytest.raises(IntegrityError), transaction.atomic():
        change(Institution.objects.filter(pk=an_office().institution.pk), appointment_number="")


@pytest.mark.django_db
def test_a_denial_holds_no_more_than_code_and_place():
    fields = {field.name for field in Denial._meta.get_fields()}
    assert fields == {"id", "at", "request", "subject", "person", "action", "code", "detail"}


@pytest.mark.django_db(transaction=True)
class TestTheRegistrysRole:
    """The real role, on its own connection: it sees the mailbox and nothing else."""

    @pytest.fixture
    def registry(self):
        from urllib.parse import urlsplit, urlunsplit

        parts = urlsplit(postgres.stepping_down(postgres.url(postgres.OWNER), postgres.REGISTRY))
        test_database = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
        with psycopg.connect(test_database, autocommit=True) as opened:
            yield opened

    def test_it_is_itself(self, registry):
        assert registry.execute("SELECT current_user").fetchone() == ("bagipakai_registry",)

    def test_it_reads_orders_and_adds_receipts(self, registry):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO exchange.orders (order_id, envelope) VALUES ('PES-1', 'x')")
        assert registry.execute("SELECT order_id FROM exchange.orders").fetchall() == [("PES-1",)]
        registry.execute("INSERT INTO exchange.receipts (order_id, envelope) VALUES ('PES-1', 'y')")
        assert registry.execute("SELECT count(*) FROM exchange.receipts").fetchone() == (1,)

    @pytest.mark.parametrize(
        "deed",
        [
            "INSERT INTO exchange.orders (order_id, envelope) VALUES ('PES-2', 'x')",
            "UPDATE exchange.orders SET envelope = 'x'",
            "DELETE FROM exchange.orders",
            "TRUNCATE exchange.receipts",
            "UPDATE exchange.receipts SET envelope = 'x'",
            "DELETE FROM exchange.receipts",
            "CREATE TABLE exchange.mine (a int)",
            "DROP TABLE exchange.orders",
            "SELECT * FROM control_person",
            "SELECT * FROM control_request",
            "SELECT * FROM control_event",
            "SELECT * FROM django_session",
            "INSERT INTO control_event (n) VALUES (1)",
        ],
    )
    def test_it_may_do_nothing_else(self, registry, deed):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            registry.execute(deed)

    def test_a_receipt_needs_an_order(self, registry):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            registry.execute("INSERT INTO exchange.receipts (order_id, envelope) VALUES ('PES-9', 'y')")

    def test_an_order_is_announced(self, registry):
        registry.execute("LISTEN orders")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO exchange.orders (order_id, envelope) VALUES ('PES-3', 'x')")
        assert [note.payload for note in registry.notifies(timeout=5, stop_after=1)] == ["PES-3"]


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say():
    from django.core.management import call_command

    call_command("makemigrations", "control", check=True, dry_run=True, verbosity=0, skip_checks=True)
