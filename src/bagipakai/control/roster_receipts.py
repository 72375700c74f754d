"""How rosters were read, that they are kept, and that they were destroyed: the registry's receipts, each believed or
not, and recorded."""

import hashlib
from typing import Any

from bagipakai.control import orders
from bagipakai.control.models import PlacedRoster
from bagipakai.control.rosters import DOOR, believed, recording
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
    action = recording(DOOR.state(placed.roster), placed.order_id)
    outcome = DOOR.handle(placed.roster, action, None, _told(action, envelope, placed))
    if isinstance(outcome, Refusal) and outcome.code not in orders.LATER:
        outcome = DOOR.handle(placed.roster, action, None, _told(action, envelope))
    return outcome


def _told(action: Action, envelope: bytes, placed: PlacedRoster | None = None) -> dict[str, Any]:
    """The receipt for `placed` as the payload of its event; without that, that it is not believed."""
    told = believed(placed.roster, placed.order_id, envelope) if placed else None
    refusal = told.refusal if told else "receipt-not-trusted"
    said: dict[str, Any] = {"receipt": hashlib.sha256(envelope).hexdigest(), "refusal": refusal}
    if action is Action.RECORD_KEPT:
        return said
    said["rows"] = told.rows if told else 0
    if action is Action.RECORD_LATE:
        return said
    read = told.headings if told and not refusal else ()
    columns = [[one.meaning, one.name] for one in read if one.meaning]
    return said | {"digest": told.digest if told else "", "columns": columns}
