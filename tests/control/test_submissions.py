"""Two who hand in at once, the record of what they did, and a key that cannot change meanwhile."""

import hashlib
from dataclasses import replace

import pytest
from tests.at_once import at_once
from tests.authenticators import at_the_door, key_of
from tests.factories import a_provider, a_seat, an_office, done
from tests.handed_in import RealRegistry, a_set

from bagipakai.control import custody, ledger, submissions
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
    return lambda: submissions.put(row, who, file, piece, part, hashlib.sha256(part).hexdigest())


def test_of_two_who_begin_at_once_one_does(house):
    first = house[Role.SOURCE_PROVIDER]
    second = a_seat(house.institution, Role.SOURCE_PROVIDER).person
    outcomes = at_once(*(lambda who=who: submissions.begin(who, "pln") for who in (first, second)))
    assert [one.code for one in outcomes if isinstance(one, Refusal)] == ["another-version-is-under-way"]
    assert Submission.objects.count() == 1


def test_the_last_pieces_at_once_add_each_file_once_and_of_two_who_send_one_does(house):
    first = house[Role.SOURCE_PROVIDER]
    second = a_seat(house.institution, Role.SOURCE_PROVIDER).person
    row, content = done(submissions.begin(first, "pln")), a_set(25, 0)
    last = -(-len(content) // 1000)
    for name in ("satu.csv", "dua.csv"):
        file = done(submissions.begin_file(row, first, name, len(content), "1"))
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
