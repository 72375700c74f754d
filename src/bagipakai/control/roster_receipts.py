"""How rosters were read, and that they were destroyed: the registry's receipts, each believed or not, and recorded."""

import hashlib
from typing import Any

from bagipakai.control import orders
from bagipakai.control.models import PlacedRoster
from bagipakai.control.rosters import DOOR, believed
from bagipakai.core.event import AnyEvent
from bagipakai.core.refusal import Refusal
from bagipakai.core.rosters import Action


def collect() -> int:
    """Reads the receipts for rosters that came and records each; see `orders.collect`. Returns how many. Raises
    KeyMissing while the registry's public key is not there."""
    waiting = PlacedRoster.objects.filter(collected_at=None).select_related("roster__institution").order_by("id")
    return orders.collect(waiting, _record)


def _record(placed: PlacedRoster, envelope: bytes) -> AnyEvent[Any, Any] | Refusal:
    """What the receipt says; that it is not to be believed, where it says nothing that could be."""
    outcome = DOOR.handle(placed.roster, Action.RECORD_RECEIPT, None, _told(placed, envelope))
    if isinstance(outcome, Refusal) and outcome.code not in orders.LATER:
        outcome = DOOR.handle(placed.roster, Action.RECORD_RECEIPT, None, _unbelieved(envelope))
    return outcome


def _told(placed: PlacedRoster, envelope: bytes) -> dict[str, Any]:
    """The receipt as the payload of its event."""
    told = believed(placed.roster, placed.order_id, envelope)
    if told is None:
        return _unbelieved(envelope)
    return _unbelieved(envelope) | {
        "refusal": told.refusal,
        "rows": told.rows,
        "digest": told.digest,
        "columns": [] if told.refusal else [[one.meaning, one.name] for one in told.headings if one.meaning],
    }


def _unbelieved(envelope: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(envelope).hexdigest()
    return {"receipt": digest, "refusal": "receipt-not-trusted", "rows": 0, "digest": "", "columns": []}
