"""Orders to the registry and the receipts that come back: all that passes between the planes."""

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from bagipakai.control import access, clock, custody, keys, plans, releases, situation
from bagipakai.control.models import PlacedOrder, Release, Request
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
    envelope = order.sealed(keys.order_signer())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO exchange.orders (order_id, envelope) VALUES (%s, %s)", [order.order_id, envelope])
    leaves.write_public("order.PLACE", order.order_id, hashlib.sha256(envelope).hexdigest())


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


def collect() -> int:
    """Reads the receipts that came, verifies each, and records it in its request. One that was not sealed by the
    registry, or answers another order, is recorded as a refusal: nothing is delivered by it. While the trail is
    stopped, they wait. Returns how many. Raises KeyMissing while the registry's public key is not there."""
    from bagipakai.control import requests

    keys.receipt_key()  # without it nothing can be told from a forgery
    waiting = PlacedOrder.objects.filter(collected_at=None).select_related("request").order_by("id")
    collected = 0
    for placed in waiting:
        with connection.cursor() as cursor:
            cursor.execute("SELECT envelope FROM exchange.receipts WHERE order_id = %s", [placed.order_id])
            row = cursor.fetchone()
        if row is None or stops.stopped(connection):
            continue
        with transaction.atomic():
            outcome = requests.handle_as_system(
                placed.request.reference, Action.RECORD_RECEIPT, _told(placed, bytes(row[0]))
            )
            if isinstance(outcome, Refusal) and outcome.code in LATER:
                continue
            placed.collected_at = clock.now()
            placed.save(update_fields=["collected_at"])
        collected += 1
        log.info("order.collected order=%s", placed.order_id)
    return collected


def receipt(order_id: str) -> Receipt | None:
    """The verified receipt of an order, or None. For papers and pages: figures come from here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT envelope FROM exchange.receipts WHERE order_id = %s", [order_id])
        row = cursor.fetchone()
    if row is None:
        return None
    try:
        found = Receipt.unsealed(bytes(row[0]), keys.receipt_key())
    except (BadSeal, keys.KeyMissing):
        return None
    return found if found.order_id == order_id else None


def _told(placed: PlacedOrder, envelope: bytes) -> dict[str, Any]:
    """The receipt as the payload of its event."""
    try:
        told = Receipt.unsealed(envelope, keys.receipt_key())
    except BadSeal as error:
        log.warning("order.receipt_not_trusted order=%s why=%s", placed.order_id, error)
        return _refused(placed, "receipt-not-trusted")
    if told.order_id != placed.order_id or (told.plan_digest != placed.plan_digest and not told.refusal):
        return _refused(placed, "receipt-of-another-order")
    if told.refusal:
        return _refused(placed, told.refusal)
    ordered = _order_of(placed)
    if not _is_as_told(told, ordered):
        return _refused(placed, "receipt-differs-from-its-package")
    return {
        "order": told.order_id,
        "plan": told.plan_digest,
        "release": told.release,
        "refusal": "",
        "package": told.package,
        "manifest": told.manifest,
        "rows": told.rows,
        # What belongs to a table or stands for a number is promised by the plan; everything else must be a variable.
        "columns": [name for name in told.columns if name not in plans.derived(ordered.plan)],
        "hidden_cells": told.hidden_cells,
        "package_bytes": told.package_bytes,
        "steps": [
            {
                "step": done.step.value,
                "evidence": {
                    "started_at": done.started_at.isoformat(),
                    "finished_at": done.finished_at.isoformat(),
                    **done.evidence,
                },
            }
            for done in told.steps
        ],
    }


def _refused(placed: PlacedOrder, code: str) -> dict[str, Any]:
    return {
        "order": placed.order_id,
        "plan": placed.plan_digest,
        "release": "-",
        "refusal": code,
        "package": "",
        "manifest": "",
        "rows": 0,
        "columns": [],
        "steps": [],
    }


def _is_as_told(told: Receipt, ordered: Order) -> bool:
    """Whether the package that stands in the store, under the controller's seal, is the one that the receipt tells of,
    and was made by this order from the very release that was announced."""
    manifest = access.manifest_in(told.package, told.manifest)
    return (
        manifest is not None
        and (manifest.order, manifest.plan) == (ordered.order_id, ordered.plan)
        and told.release == manifest.release == ordered.release
        and (told.rows, told.hidden_cells) == (manifest.rows, manifest.hidden_cells)
        and told.columns == tuple(column.name for column in manifest.columns)
        and Release.objects.filter(version=manifest.release, digest=manifest.release_digest).exists()
    )


def _order_of(placed: PlacedOrder) -> Order:
    """What was ordered: the office's own order in the mailbox."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT envelope FROM exchange.orders WHERE order_id = %s", [placed.order_id])
        row = cursor.fetchone()
    envelope = bytes(row[0])
    for key in keys.every("order"):
        with suppress(BadSeal):
            order = Order.unsealed(envelope, key)
            if custody.believed("order", key, placed.order_id, hashlib.sha256(envelope).hexdigest()):
                return order
    raise BadSeal("not an order of this office")
