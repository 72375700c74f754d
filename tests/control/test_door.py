"""The one door: every "no" is written down, and nothing leaves on a record that somebody touched."""

import ast
from pathlib import Path

import pytest
from django.db import connection
from tests.authenticators import key_of
from tests.factories import a_request
from tests.fakes import Registry
from tests.owner import as_owner, rewrite

from bagipakai.control import access, clock, ledger, order_receipts, requests
from bagipakai.control.models import Denial, Event, Grant, PlacedOrder, Release
from bagipakai.control.trail import stops
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

CONTROL = Path(ledger.__file__).parent
NIK = "5203015708890001"


def test_events_are_appended_in_one_place():
    callers = {
        file.name
        for file in CONTROL.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "append" and getattr(node.value, "id", "") == "ledger"
    }
    assert callers == {"door.py"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("question", "typed", "code"),
    [
        ("area", [NIK[:12]], "area-unknown"),
        ("variables", [{"name": NIK, "reason": "x"}], "variable-unknown"),
        ("level", NIK, "answer-not-valid"),
        ("ends_on", NIK, "answer-not-a-date"),
    ],
)
def test_a_refused_answer_is_written_down_with_its_question_and_without_what_was_typed(question, typed, code):
    chain = a_request()
    answers = {"unit": "individu", question: typed}
    outcome = requests.save_answers(chain.reference, chain.asking[Role.APPLICANT], answers, chain.state.n)
    assert (outcome.code, outcome.detail["field"]) == (code, question)
    said = Denial.objects.get(request=chain.request)
    assert (said.person, said.action, said.code) == (chain.asking[Role.APPLICANT], "SAVE_ANSWER", code)
    assert said.detail == {"field": question}
    assert chain.state.answers == {}


@pytest.mark.django_db
def test_while_the_trail_is_stopped_the_office_does_nothing_by_itself():
    """A receipt that came waits, and a grant whose release was withdrawn says so later."""
    ordered, granted = a_request(at=Status.PROCESSING), a_request(at=Status.ACCESS_GRANTED)
    ordered.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(ordered.reference, Action.PLACE_ORDER))
    (order,) = Registry().orders()
    Registry().answer(order)
    Release.objects.update(withdrawn_at=clock.now())
    stops.stop(connection, "saksi-1")
    assert (access.tidy(), order_receipts.collect()) == (0, 0)
    assert PlacedOrder.objects.get(request=ordered.request).collected_at is None
    assert Grant.objects.get(request=granted.request).status == "ACTIVE"
    as_owner("INSERT INTO trail.lift (stop, reason) SELECT id, 'sudah diperiksa bersama saksi' FROM trail.stop")
    assert (access.tidy(), order_receipts.collect()) == (1, 1)


@pytest.mark.django_db
def test_nothing_is_ordered_on_a_record_that_somebody_touched():
    chain = a_request(at=Status.PROCESSING)
    order = requests.prefilled(chain.reference, Action.PLACE_ORDER)
    _touch(chain, "lain")
    outcome = chain.attempt(Action.PLACE_ORDER, Role.DATA_PREPARER, order)
    assert outcome == Refusal("record-is-broken")
    assert Denial.objects.get(request=chain.request).code == "record-is-broken"
    assert not PlacedOrder.objects.filter(request=chain.request).exists()


@pytest.mark.django_db
def test_a_button_tells_that_the_record_is_broken():
    chain = a_request(at=Status.PROCESSING)
    preparer = chain.office[Role.DATA_PREPARER]
    told = {one.action: one.refusal for one in requests.possible(chain.reference, preparer)}
    assert told[Action.PLACE_ORDER] == Refusal("key-is-not-enrolled")  # orders are signed
    key_of(preparer)
    told = {one.action: one.refusal for one in requests.possible(chain.reference, preparer)}
    assert told[Action.PLACE_ORDER] is None
    _touch(chain, "lain")
    told = {one.action: one.refusal for one in requests.possible(chain.reference, preparer)}
    assert told[Action.PLACE_ORDER] == Refusal("record-is-broken")


@pytest.mark.django_db
@pytest.mark.usefixtures("office_stands")
def test_nothing_is_granted_on_a_record_that_somebody_touched(caplog):
    """The log tells somebody to look; once the record stands again as it was written, the grant follows."""
    chain = a_request(at=Status.HANDOVER_SIGNING)
    _touch(chain, "lain")
    chain.sign(Action.SIGN_HANDOVER)
    assert requests.follow_up() == 0
    assert chain.state.status is Status.HANDOVER_SIGNING
    assert not Grant.objects.filter(request=chain.request).exists()
    assert "ledger.broken kind=Event" in caplog.text
    _touch(chain, "Disetujui sesuai usul")
    assert ledger.is_whole(Event, chain.request)
    assert requests.follow_up() == 1
    assert chain.state.status is Status.ACCESS_GRANTED


def _touch(chain, reason: str) -> None:
    """Somebody with the owner's rights takes the fence down and rewrites the reason of the decision."""
    rewrite(
        f"UPDATE control_event SET payload = jsonb_set(payload, '{{payload,reason}}', to_jsonb('{reason}'::text))"
        f" WHERE subject_id = {chain.request.pk} AND action = 'APPROVE'"
    )
