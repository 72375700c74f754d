"""What each of the four logins may do with the trail: the real logins, on connections of their own."""

from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RestrictViolation
from tests.control.trail.grounds import body

from bagipakai.control import commands
from bagipakai.postgres import OFFICE, OWNER, REGISTRY, SEQUENCER

pytestmark = pytest.mark.django_db

LEAF = f"INSERT INTO trail.leaf (body) VALUES ('{body(7)}')"


@pytest.fixture
def kept(ground):
    """Two leaves with numbers and one that waits; an opening, a stop and its lifting."""
    ground.commit(2)
    ground.step()
    ground.commit(1)
    with ground.connect(OFFICE) as office:
        office.execute("INSERT INTO trail.opening SELECT 1, sha256('x'), '{}'")
        office.execute("INSERT INTO trail.stop (said_by) VALUES ('dua')")
    with ground.connect(OWNER) as owner:
        owner.execute("INSERT INTO trail.lift (stop, reason) VALUES (1, 'alasan yang cukup panjang')")
    return ground


def everything(ground):
    with ground.connect(OWNER) as owner:
        return [
            owner.execute(f"SELECT * FROM trail.{table}").fetchall() for table in ("leaf", "opening", "stop", "lift")
        ]


def test_each_login_is_itself(ground):
    for role in (OFFICE, SEQUENCER, REGISTRY, OWNER):
        with ground.connect(role) as opened:
            assert opened.execute("SELECT session_user, current_user").fetchone() == (role, role)
            assert opened.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role]).fetchone() == (False,)


def test_no_working_login_can_become_another(ground):
    for role in (OFFICE, SEQUENCER, REGISTRY):
        for other in {OFFICE, SEQUENCER, REGISTRY, OWNER, "postgres"} - {role}:
            with ground.connect(role) as opened, pytest.raises(InsufficientPrivilege):
                opened.execute(f"SET ROLE {other}")


PROGRESS = (
    "INSERT INTO exchange.progress (order_id, stage, since, done, unit)"
    " SELECT order_id, 'SELECTION', now(), 0, 'persons' FROM exchange.orders"
)
CANCELLATION = "INSERT INTO exchange.cancellations (order_id, envelope) SELECT order_id, 'x' FROM exchange.orders"

MAY = {
    OFFICE: [
        CANCELLATION,
        "SELECT * FROM exchange.progress, exchange.cancellations",
        "SELECT exchange.turn('x')",
        LEAF,
        f"{LEAF} RETURNING id",
        "SELECT * FROM trail.leaf",
        "INSERT INTO trail.opening VALUES (2, sha256('y'), NULL)",
        "SELECT * FROM trail.opening",
        "INSERT INTO trail.stop (said_by) VALUES ('satu')",
        "SELECT * FROM trail.stop, trail.lift",
    ],
    SEQUENCER: [
        "UPDATE trail.leaf SET seq = 2 WHERE seq IS NULL",
        "SELECT * FROM trail.leaf FOR UPDATE SKIP LOCKED",
        "INSERT INTO trail.stop (said_by) VALUES ('satu')",
        "SELECT * FROM trail.stop, trail.lift",
    ],
    REGISTRY: [
        "SELECT * FROM exchange.orders, exchange.cancellations",
        f"{PROGRESS} ON CONFLICT (order_id) DO UPDATE SET done = 1",
        "SELECT exchange.turn('x')",
    ],
}
TABLES = ("trail.leaf", "trail.opening", "trail.stop", "trail.lift")
NOBODY = [  # of the three
    *(f"DELETE FROM {table}" for table in TABLES),
    *(f"TRUNCATE {table} CASCADE" for table in TABLES),
    *(f"DROP TABLE {table} CASCADE" for table in TABLES),
    *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES),
    *(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE" for table in TABLES),
    "UPDATE trail.leaf SET body = body || ' '",
    "UPDATE trail.opening SET payload = NULL",
    "UPDATE trail.opening SET salt = sha256('z')",
    "UPDATE trail.stop SET said_by = ''",
    "UPDATE trail.lift SET reason = 'alasan lain yang panjang'",
    "INSERT INTO trail.lift (stop, reason) VALUES (1, 'alasan yang cukup panjang')",
    f"INSERT INTO trail.leaf (body, seq) VALUES ('{body(7)}', 2)",
    f"INSERT INTO trail.leaf (id, body) OVERRIDING SYSTEM VALUE VALUES (0, '{body(7)}')",
    "INSERT INTO trail.stop (said_by, at) VALUES ('satu', '2020-01-01')",
    "COPY trail.leaf FROM STDIN",
    "SELECT setval('trail.leaf_id_seq', 1)",
    "CREATE TABLE trail.mine (a int)",
    "CREATE FUNCTION trail.only_numbered() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE OR REPLACE FUNCTION control_stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER mine BEFORE INSERT ON trail.leaf EXECUTE FUNCTION control_stays()",
    "CREATE RULE mine AS ON INSERT TO trail.leaf DO INSTEAD NOTHING",
    "ALTER SCHEMA trail RENAME TO other",
    "SET session_replication_role = replica",
]
NOR = {
    OFFICE: [
        "UPDATE trail.leaf SET seq = 2 WHERE seq IS NULL",
        "SELECT * FROM trail.leaf FOR UPDATE",
        PROGRESS,
        "UPDATE exchange.progress SET done = 1",
        "UPDATE exchange.cancellations SET envelope = 'y'",
        "DELETE FROM exchange.cancellations",
    ],
    SEQUENCER: [
        LEAF,
        "SELECT * FROM trail.opening",
        "INSERT INTO trail.opening VALUES (2, sha256('y'), NULL)",
        "SELECT * FROM control_event",
        "SELECT * FROM control_person",
        "SELECT * FROM exchange.orders",
        "SELECT * FROM exchange.progress",
        "SELECT exchange.turn('x')",
    ],
    REGISTRY: [
        LEAF,
        *(f"SELECT * FROM {table}" for table in TABLES),
        "INSERT INTO trail.stop (said_by) VALUES ('x')",
        CANCELLATION,
        "DELETE FROM exchange.cancellations",
        "DELETE FROM exchange.progress",
        "TRUNCATE exchange.progress",
    ],
}
DEEDS = [(role, deed) for role, special in NOR.items() for deed in [*NOBODY, *special]]


@pytest.mark.parametrize("role", MAY)
def test_a_login_may_do_its_work(kept, role):
    for deed in MAY[role]:
        with kept.connect(role) as opened:
            opened.execute(deed)
            opened.rollback()


@pytest.mark.parametrize("role", NOR)
def test_and_nothing_else(kept, role):
    before = everything(kept)
    with kept.connect(role) as opened:
        for deed in (deed for who, deed in DEEDS if who == role):
            with pytest.raises(psycopg.Error) as refused:
                opened.execute(deed)
            opened.rollback()
            assert isinstance(refused.value, InsufficientPrivilege), (deed, refused.value)
    assert everything(kept) == before


def test_no_login_can_hand_its_rights_on(kept):
    """PostgreSQL warns, and gives nothing."""
    for role in (OFFICE, SEQUENCER):
        with kept.connect(role) as opened:
            opened.execute(f"GRANT ALL ON trail.leaf TO {REGISTRY}")
    with kept.connect(REGISTRY) as registry, pytest.raises(InsufficientPrivilege):
        registry.execute("SELECT * FROM trail.leaf")


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE trail.leaf SET seq = NULL WHERE seq = 1",
        "UPDATE trail.leaf SET seq = 9 WHERE seq = 1",
        "UPDATE trail.leaf SET seq = seq",
    ],
)
def test_a_number_is_given_once(kept, deed):
    before = everything(kept)
    for role in (SEQUENCER, OWNER):
        with kept.connect(role) as opened, pytest.raises(RestrictViolation, match="stays as it is"):
            opened.execute(deed)
    assert everything(kept) == before


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE trail.leaf SET body = body || ' '",
        "UPDATE trail.leaf SET body = body || ' ', seq = 2 WHERE seq IS NULL",
        "DELETE FROM trail.leaf",
        "TRUNCATE trail.leaf CASCADE",
        "UPDATE trail.opening SET payload = NULL",
        "TRUNCATE trail.opening",
        *(f"{deed} trail.{table}" for table in ("stop", "lift") for deed in ("DELETE FROM", "TRUNCATE")),
        "UPDATE trail.stop SET said_by = ''",
        "UPDATE trail.lift SET reason = 'alasan lain yang panjang'",
    ],
)
def test_the_owner_meets_the_trigger(kept, deed):
    before = everything(kept)
    with kept.connect(OWNER) as opened, pytest.raises((RestrictViolation, psycopg.errors.FeatureNotSupported)):
        opened.execute(deed)
    assert everything(kept) == before


def test_the_owner_may_forget_a_salt_by_duty(kept):
    with kept.connect(OWNER) as opened:
        assert opened.execute("DELETE FROM trail.opening").rowcount == 1


def test_rights_are_given_anew_and_nothing_stays_of_others(kept):
    """What somebody gave by hand goes with the next migration."""
    rights = (Path(commands.__file__).parent / "migrations/sql/rights.sql").read_text()
    with kept.connect(OWNER) as owner:
        owner.execute(
            f"GRANT ALL ON ALL TABLES IN SCHEMA trail TO {OFFICE}, {SEQUENCER}; GRANT ALL ON SCHEMA trail TO PUBLIC"
        )
        owner.execute(rights)
    test_and_nothing_else(kept, OFFICE)
    test_and_nothing_else(kept, SEQUENCER)


KEPT = {  # what the office changes by its own acts, and nothing else
    "control_request": {
        "n",
        "status",
        "level",
        "programme",
        "purpose",
        "owners",
        "awaited",
        "sent_at",
        "due_on",
        "changed_at",
    },
    "control_readinessreview": {"n", "status", "changed_at", "valid_until"},
    "control_grant": {"n", "status", "received_at", "package", "manifest"},
    "control_institution": {"appointment_file_id", "dpo_name", "dpo_contact"},
    "control_post": {"closed_on"},
    "control_tenure": {"ended_at"},
    "control_processormandate": {"ended_at"},
    "control_person": {"password", "last_login", "state", "language"},
    "control_placedorder": {"collected_at"},
    "control_placedintake": {"collected_at"},
    "control_placedroster": {"collected_at"},
    "control_submission": {"n", "status", "changed_at"},
    "control_roster": {"n", "status", "changed_at"},
    "control_review": {"pairs", "refusal", "finished_at"},
    "control_sheet": {"n", "status", "changed_at", "verdicts"},
    "control_release": {"withdrawn_at", "withdrawal_reason"},
    "control_notice": {"read_at"},
}
# of the moment; nobody's right follows from them, and what was sent of an upload stands in the events
PASSING = {"control_claim", "django_session", "control_uploadedfile", "control_uploadedpiece"}


def test_the_offices_own_login_rewrites_nothing_that_stands(ground):
    """Of each column there is: who may act for whom, which paper was set, which package was granted."""
    with ground.connect(OWNER) as owner:
        columns = owner.execute(
            "SELECT relname, attname, has_column_privilege(%s, pg_class.oid, attname, 'UPDATE'),"
            " has_table_privilege(%s, pg_class.oid, 'DELETE'), has_table_privilege(%s, pg_class.oid, 'TRUNCATE')"
            " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
            [OFFICE] * 3,
        ).fetchall()
    assert {table for table, *_ in columns} > {*KEPT, *PASSING, "control_paper", "control_event"}
    may = {(table, column) for table, column, update, *_ in columns if update and table not in PASSING}
    assert may == {(table, column) for table, kept in KEPT.items() for column in kept}
    assert {table for table, *_, delete, _ in columns if delete} == {*PASSING, "control_loginfailure"}
    assert not any(truncate for *_, truncate in columns)
