"""Two who hand in at once, the record of what they did, and a key that cannot change meanwhile."""

import hashlib
from dataclasses import replace

import pytest
from django.db import connection
from tests.at_once import at_once
from tests.authenticators import at_the_door, key_of
from tests.factories import a_provider, a_seat, an_office, done
from tests.handed_in import RealRegistry, a_set

from bagipakai.control import custody, inflows, intake_receipts, ledger, submissions, uploads
from bagipakai.control.models import PlacedIntake, Submission, SubmissionEvent
from bagipakai.control.trail import auditing, entries
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role
from bagipakai.core.submissions import Action, Limits, Status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    whole = Limits.on
    monkeypatch.setattr(Limits, "on", classmethod(lambda _, day: replace(whole(day), piece=1000)))


@pytest.fixture
def house():
    an_office()
    RealRegistry()  # has made its keys
    return a_provider()


def put(row: Submission, who, file: int, piece: int, content: bytes):
    part = content[1000 * (piece - 1) : 1000 * piece]
    return lambda: inflows.put(row, who, file, piece, part, hashlib.sha256(part).hexdigest())


def test_of_two_who_begin_at_once_one_does(house):
    first = house[Role.SOURCE_PROVIDER]
    second = a_seat(house.institution, Role.SOURCE_PROVIDER).person
    outcomes = at_once(*(lambda who=who: submissions.begin(who, "pln") for who in (first, second)))
    assert [one.code for one in outcomes if isinstance(one, Refusal)] == ["another-version-is-under-way"]
    assert Submission.objects.count() == 1


@pytest.fixture
def sent(house):
    """A submission that was sent, and its sender, who has a key."""
    sender = house[Role.SOURCE_PROVIDER]
    row, content = done(submissions.begin(sender, "pln")), a_set(20, 1)
    inflow = inflows.Inflow(row, sender, "satu.csv")
    inflow.feed(content)
    assert inflow.end() is None
    key_of(sender)
    done(signed(sender, row, Action.SUBMIT))
    return row, sender


def signed(sender, row, action):
    return at_the_door(submissions, row.pk, action, sender, {}, submissions.state(row).n)()


def test_what_was_sent_can_be_cancelled_which_is_signed_and_stands_in_the_trail(sent):
    row, sender = sent
    assert submissions.handle(row.pk, Action.CANCEL, sender, {}, 3).code == "decision-is-not-signed"
    done(signed(sender, row, Action.CANCEL))
    with connection.cursor() as cursor:
        cursor.execute("SELECT order_id FROM exchange.cancellations")
        assert cursor.fetchall() == [(f"KRM-pln-{row.version}",)]
        cursor.execute("SELECT count(*) FROM trail.leaf WHERE event = 'order.CANCEL'")
        assert cursor.fetchone() == (1,)
    assert entries.payload(f"kiriman/{row.pk}#4")["action"] == "CANCEL"
    assert signed(sender, row, Action.CANCEL) == Refusal("submission-was-cancelled")
    assert submissions.begin(sender, "pln") == Refusal("another-version-is-under-way")

    # once the registry has answered nothing is left of it, and the next version can be begun
    auditor = a_seat(row.institution, Role.AUDITOR).person
    RealRegistry().give_up()
    assert intake_receipts.collect() == 1
    row.refresh_from_db()
    assert row.status == Status.WITHDRAWN and not uploads.folder(row.place).exists()
    assert list(submissions.visible(auditor)) == [row]
    assert done(submissions.begin(sender, "pln")).version == row.version + 1


def test_what_the_registry_answered_is_not_cancelled_whether_or_not_its_receipt_was_read(sent):
    row, sender = sent
    RealRegistry().take_in()
    assert signed(sender, row, Action.CANCEL) == Refusal("submission-was-taken-in")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM exchange.cancellations")
        assert cursor.fetchone() == (0,)
    intake_receipts.collect()
    assert signed(sender, row, Action.CANCEL).code == "not-at-this-stage"


def test_the_last_pieces_at_once_add_each_file_once_and_of_two_who_send_one_does(house):
    first = house[Role.SOURCE_PROVIDER]
    second = a_seat(house.institution, Role.SOURCE_PROVIDER).person
    row, content = done(submissions.begin(first, "pln")), a_set(25, 0)
    last = -(-len(content) // 1000)
    for name in ("satu.csv", "dua.csv"):
        file = done(inflows.begin_file(row, first, name, len(content), "1"))
        assert [put(row, first, file.number, piece, content)() for piece in range(1, last)] == [None] * (last - 1)
    deeds = [put(row, who, file, last, content) for file in (1, 2) for who in (first, second)]
    assert at_once(*deeds) == [None] * 4  # the same piece twice is well received twice
    assert sorted(submissions.state(row).files) == [1, 2]

    for who in (first, second):
        key_of(who)
    seen = submissions.state(row).n
    outcomes = at_once(*(at_the_door(submissions, row.pk, Action.SUBMIT, who, {}, seen) for who in (first, second)))
    assert [one.code for one in outcomes if isinstance(one, Refusal)] == ["changed-meanwhile"]
    (placed,) = PlacedIntake.objects.all()
    assert placed.order_id == f"KRM-pln-{row.version}"

    # what was written stands in the trail by its own name, and the office's key waits for the answer
    assert ledger.broken_at(SubmissionEvent, row) is None and list(auditing.untold()) == []
    assert entries.payload(f"kiriman/{row.pk}#1")["action"] == "OPEN"
    assert custody.rotate("order") == Refusal("orders-are-waiting")
    assert submissions.state(row).status is Status.SUBMITTED
