"""The receipts that come back for orders: each believed or not, and recorded in its request."""

import hashlib
import logging
from contextlib import suppress
from typing import Any

from django.db import connection

from bagipakai.control import access, custody, keys, orders, plans, requests, reviews
from bagipakai.control.models import PlacedOrder, Release
from bagipakai.core.envelope import BadSeal
from bagipakai.core.exchange import Order, Receipt
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event

log = logging.getLogger("bagipakai.control.orders")


def collect() -> int:
    """Reads the receipts that came, verifies each, and records it in its request. One that was not sealed by the
    registry, or answers another order, is recorded as a refusal: nothing is delivered by it. While the trail is
    stopped, they wait. Returns how many. Raises KeyMissing while the registry's public key is not there."""
    waiting = PlacedOrder.objects.filter(collected_at=None).select_related("request").order_by("id")
    return orders.collect(waiting, _record)


def _record(placed: PlacedOrder, envelope: bytes) -> Event | Refusal:
    """Records it in its request; with what was matched its review is opened."""
    told = _told(placed, envelope)
    outcome = requests.handle_as_system(placed.request.reference, Action.RECORD_RECEIPT, told)
    recorded = not isinstance(outcome, Refusal) and not told["refusal"]
    if recorded and _order_of(placed).plan.matching is not None:
        reviews.open_for(placed.request, placed.order_id)
    return outcome


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
