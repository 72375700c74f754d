"""An order that is not answered can be cancelled, with a signed reason; then processing can be ordered again."""

import pytest
from django.db import connection
from tests.factories import a_request
from tests.fakes import Registry

from bagipakai.control import keys, order_receipts, requests
from bagipakai.core.exchange import Cancellation
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def ordered():
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    return chain


def wanted(chain, **changed):
    return {**requests.prefilled(chain.reference, Action.CANCEL_ORDER), "reason": "Rencana diganti"} | changed


def cancelled(chain, **changed):
    return chain.attempt(Action.CANCEL_ORDER, Role.DATA_PREPARER, wanted(chain, **changed))


def mailbox(order_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT envelope FROM exchange.cancellations WHERE order_id = %s", [order_id])
        return [bytes(row[0]) for row in cursor.fetchall()]


def test_a_cancelled_order_is_told_to_the_registry_under_the_offices_signature_and_stands_in_the_trail(ordered):
    event = ordered.step(Action.CANCEL_ORDER, Role.DATA_PREPARER, wanted(ordered))
    assert isinstance(event, Event)
    (order,) = ordered.state.orders
    (envelope,) = mailbox(order)
    key = keys.order_signer().public
    assert Cancellation.unsealed(envelope, key).order_id == order
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM trail.leaf WHERE about = %s AND event = 'order.CANCEL'", [order])
        assert cursor.fetchone() == (1,)


def test_until_the_registry_answers_nothing_else_can_be_ordered_and_nothing_cancelled_twice(ordered):
    ordered.step(Action.CANCEL_ORDER, Role.DATA_PREPARER, wanted(ordered))
    order = ordered.state.orders[-1]
    assert cancelled(ordered) == Refusal("order-was-cancelled", {"order": order})
    again = ordered.attempt(
        Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(ordered.reference, Action.PLACE_ORDER)
    )
    assert again == Refusal("order-is-running", {"order": order})


def test_after_the_answer_processing_can_be_ordered_again_and_comes_to_its_end(ordered):
    ordered.step(Action.CANCEL_ORDER, Role.DATA_PREPARER, wanted(ordered))
    registry = Registry()
    registry.refuse(registry.orders()[0], "order-cancelled")
    assert order_receipts.collect() == 1
    assert ordered.state.delivered.refusal == "order-cancelled"
    assert Role.DATA_PREPARER.value in requests.find(ordered.reference).awaited
    ordered.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(ordered.reference, Action.PLACE_ORDER))
    registry.answer(registry.orders()[0])
    order_receipts.collect()
    ordered.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)
    assert ordered.state.status is Status.QUALITY_CHECK


def test_an_order_that_was_answered_is_not_cancelled_whether_or_not_its_receipt_was_read(ordered):
    registry = Registry()
    registry.answer(registry.orders()[0])
    assert cancelled(ordered) == Refusal("order-was-answered")
    order_receipts.collect()
    assert cancelled(ordered) == Refusal("no-order-is-running")
    assert mailbox(ordered.state.orders[-1]) == []


def test_nobody_cancels_an_order_of_another_request_or_without_a_reason(ordered):
    assert cancelled(ordered, order="PES-2026-999999-1") == Refusal("order-is-not-the-last")
    assert cancelled(ordered, reason="") == Refusal("form-is-incomplete", {"field": "reason"})
    for role in (Role.COORDINATOR, Role.QUALITY_REVIEWER):
        assert ordered.attempt(Action.CANCEL_ORDER, role, wanted(ordered)).code == "not-this-role"


def test_a_request_without_an_order_has_nothing_to_cancel():
    chain = a_request(at=Status.PROCESSING)
    (told,) = [
        one
        for one in requests.possible(chain.reference, chain.office[Role.DATA_PREPARER])
        if one.action is Action.CANCEL_ORDER
    ]
    assert told.refusal == Refusal("no-order-is-running")
