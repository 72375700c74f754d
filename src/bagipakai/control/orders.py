"""Orders to the registry: placed, called off, how far they are, and what comes back for them. What was delivered,
`order_receipts` records."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import connection, transaction

from bagipakai.control import clock, keys, releases, situation
from bagipakai.control.models import PlacedIntake, PlacedOrder, PlacedRoster, Request
from bagipakai.control.trail import leaves, leaving, stops
from bagipakai.core import policy
from bagipakai.core.envelope import BadSeal
from bagipakai.core.exchange import Cancellation, Order, Receipt
from bagipakai.core.plan import Plan
from bagipakai.core.progress import Progress
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, State

log = logging.getLogger("bagipakai.control.orders")

LATER: Final = frozenset({"changed-meanwhile", "trail-disagrees"})  # refusals after which a receipt is read again

Placed = TypeVar("Placed", PlacedOrder, PlacedIntake, PlacedRoster)


def unfinished() -> int:
    """How many orders of this office have no receipt yet."""
    return PlacedOrder.objects.filter(collected_at=None).count()


def next_order(request: Request, state: State) -> dict[str, Any]:
    """The payload of the next order: its id, the approved plan's digest, and the exact release to read. A rolling plan
    reads the newest release, any other the one it names."""
    if state.decision is None:
        return {"order": "", "plan": "", "release": ""}
    newest = releases.newest() if state.answers.get("rolling") else None
    return {
        "order": f"PES-{request.reference.removeprefix('PMT-')}-{len(state.orders) + 1}",
        "plan": state.decision.plan,
        "release": newest.version if newest is not None else state.answers["release"],
    }


def is_the_next(request: Request, state: State, payload: Mapping[str, Any]) -> bool:
    """Whether `payload` places exactly the order that the office itself would: nobody names one of their own."""
    return dict(payload) == next_order(request, state)


def place(request: Request, state: State, event: Event) -> None:
    """Signs the order and puts it into the mailbox, in the transaction of the event that places it. Raises
    RuntimeError, which undoes that event, unless the order says exactly what was approved."""
    decision = state.decision
    plan = situation.plan_of(request, state, situation.judged_on(state, event.at), Action.PLACE_ORDER)
    expected = next_order(request, state) | {"order": event.payload["order"]}
    if decision is None or not isinstance(plan, Plan) or plan.digest != decision.plan or event.payload != expected:
        raise RuntimeError("an order that differs from what was approved")
    order = Order(
        order_id=event.payload["order"],
        plan=plan,
        release=event.payload["release"],
        decision=decision.digest,
        agreement=situation.papers_of(request, state)["AGREEMENT"],
        policy=policy.version(),
        placed_at=event.at,
    )
    PlacedOrder.objects.create(
        request=request, order_id=order.order_id, plan_digest=plan.digest, placed_at=order.placed_at
    )
    post(order.order_id, order.sealed(keys.order_signer()))


def post(order_id: str, envelope: bytes) -> None:
    """Puts a signed order of any kind into the mailbox, and its digest into the trail."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO exchange.orders (order_id, envelope) VALUES (%s, %s)", [order_id, envelope])
    leaves.write_public("order.PLACE", order_id, hashlib.sha256(envelope).hexdigest())


def cancel(request: Request, state: State, event: Event) -> None:
    """Signs that the order is not wanted any more and puts that into the mailbox, in the transaction of the event."""
    call_off(event.payload["order"], event.at)


def call_off(order_id: str, at: datetime) -> None:
    """Tells the registry, signed, that an order is not wanted any more, and the trail."""
    envelope = Cancellation(order_id, at).sealed(keys.order_signer())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO exchange.cancellations (order_id, envelope) VALUES (%s, %s)", [order_id, envelope])
    leaves.write_public("order.CANCEL", order_id, hashlib.sha256(envelope).hexdigest())


def is_answered(order_id: str) -> bool:
    """Whether the registry's receipt lies in the mailbox already. Until the end of the transaction none comes in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT exchange.turn(%s)", [order_id])
        cursor.execute("SELECT FROM exchange.receipts WHERE order_id = %s", [order_id])
        return cursor.fetchone() is not None


def under_way(order_id: str) -> Progress | None:
    """How far the registry is with an order, in its own words; None before it began, and once it answered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stage, since, done, of, unit FROM exchange.progress"
            " WHERE order_id = %s AND NOT EXISTS (SELECT FROM exchange.receipts WHERE order_id = %s)",
            [order_id, order_id],
        )
        row = cursor.fetchone()
    return None if row is None else Progress(*row)


def delivered(request: Request, state: State, event: Event) -> None:
    """Writes the package that came into the trail: nothing of it leaves before others have seen that it did."""
    if not event.payload["refusal"]:
        leaving.sealed(event.payload["package"], event.payload["manifest"])


def answer(order_id: str) -> bytes | None:
    """What lies in the mailbox as the receipt of an order, believed or not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT envelope FROM exchange.receipts WHERE order_id = %s", [order_id])
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def collect(
    waiting: Iterable[Placed], record: Callable[[Placed, bytes], object], then: Callable[[Placed], object] | None = None
) -> int:
    """Lets `record` write down what came for each of these orders, and `then` do what follows once that stands. Where
    it answers with a refusal for the moment, and while the trail is stopped, the receipt waits. Returns how many.
    Raises KeyMissing while the registry's public key is not there."""
    keys.receipt_key()  # without it nothing can be told from a forgery
    collected = 0
    for placed in waiting:
        envelope = answer(placed.order_id)
        if envelope is None or stops.stopped(connection):
            continue
        with transaction.atomic():
            outcome = record(placed, envelope)
            if isinstance(outcome, Refusal) and outcome.code in LATER:
                continue
            placed.collected_at = clock.now()
            placed.save(update_fields=["collected_at"])
        if then is not None:
            then(placed)
        collected += 1
        log.info("order.collected order=%s", placed.order_id)
    return collected


def receipt(order_id: str) -> Receipt | None:
    """The verified receipt of an order, or None. For papers and pages: figures come from here."""
    envelope = answer(order_id)
    if envelope is None:
        return None
    try:
        found = Receipt.unsealed(envelope, keys.receipt_key())
    except (BadSeal, keys.KeyMissing):
        return None
    return found if found.order_id == order_id else None
