"""What came of a submission: the registry's receipt, believed and recorded, and the rows that came back."""

import hashlib
import logging
from pathlib import Path
from typing import Any

from bagipakai import postgres
from bagipakai.control import clock, keys, orders, uploads
from bagipakai.control.acting import Acting, person_of
from bagipakai.control.models import PlacedIntake, Submission
from bagipakai.control.submissions import DOOR, about, order_id
from bagipakai.control.trail import leaves
from bagipakai.core.envelope import BadSeal
from bagipakai.core.intake import RECEIPT_LIMIT, RECEIPT_NAME, IntakeReceipt, digest_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.submissions import Action

log = logging.getLogger("bagipakai.control.submissions")


def returned(package: str) -> Path:
    """Where the registry puts what comes back."""
    return postgres.var() / "returned" / package


def receipt(row: Submission) -> IntakeReceipt | None:
    """The registry's receipt, if one came that can be believed."""
    found = orders.answer(order_id(row))
    return None if found is None else _believed(row, found)


def receipt_envelope(row: Submission) -> bytes | None:
    """The signed receipt, as the sender keeps it; None while there is none that can be believed."""
    found = orders.answer(order_id(row))
    return found if found is not None and _believed(row, found) else None


def may_fetch(row: Submission, acting: Acting) -> Refusal | None:
    """What stands in the way of fetching what came back, or None. Records nothing: for drawing a page."""
    outcome = DOOR.answer(row, Action.FETCH, acting, {"part": RECEIPT_NAME})
    return outcome if isinstance(outcome, Refusal) else None


def fetch(row: Submission, acting: Acting, part: str) -> Path | Refusal:
    """The file of one part of what came back, if this reader may have it now. Each time is a leaf of the trail."""
    at = clock.now()
    outcome: Any = DOOR.answer(row, Action.FETCH, acting, {"part": part}, at=at)
    told = receipt(row)
    if not isinstance(outcome, Refusal) and (told is None or part not in {one.name for one in told.parts}):
        outcome = Refusal("part-unknown")
    if isinstance(outcome, Refusal):
        return DOOR.deny(row, outcome, Action.FETCH, acting)
    by = leaves.actor(person_of(acting).pk, int(outcome.actor.post))
    leaves.write("submission.FETCH", about(row), {"part": part}, by=by, institution=row.institution.code, at=at)
    log.info("submission.fetch submission=%d part=%s", row.pk, part)
    return returned(outcome_package(row)) / part


def outcome_package(row: Submission) -> str:
    """The folder of what came back; nothing where nothing did."""
    told = DOOR.state(row).outcome
    return told.package if told else ""


def collect() -> int:
    """Reads the receipts for submissions that came, records each, and deletes what was uploaded; see `orders.collect`.
    Returns how many. Raises KeyMissing while the registry's public key is not there."""
    return orders.collect(
        PlacedIntake.objects.filter(collected_at=None).select_related("submission__institution").order_by("id"),
        lambda placed, envelope: DOOR.handle(
            placed.submission, Action.RECORD_RECEIPT, None, _told(placed.submission, envelope)
        ),
        lambda placed: uploads.clear(placed.submission),
    )


def _believed(row: Submission, envelope: bytes) -> IntakeReceipt | None:
    """The receipt, if the registry signed it about this very submission."""
    try:
        told = IntakeReceipt.unsealed(envelope, keys.receipt_key())
    except (BadSeal, keys.KeyMissing) as error:
        log.warning("intake.receipt_not_trusted submission=%d why=%s", row.pk, error)
        return None
    state = DOOR.state(row)
    sent = digest_of(file.sealed for _, file in sorted(state.files.items()))
    # About an order that it could not read the registry knows no more than the id under which it lay.
    meant = IntakeReceipt(order_id(row), row.source, row.version, state.contract, sent)
    unread = IntakeReceipt(order_id(row), "", 0, "")
    return told if told.is_about(meant) or (told.refusal and told.is_about(unread)) else None


def _told(row: Submission, envelope: bytes) -> dict[str, Any]:
    """The receipt as the payload of its event."""
    told, digest = _believed(row, envelope), hashlib.sha256(envelope).hexdigest()
    refusal = told.refusal if told else "receipt-not-trusted"
    if told is not None and told.package and _lying(told.package) != envelope:
        refusal = "receipt-differs-from-its-package"
    if told is not None and not refusal and not _adds_up(told):
        refusal = "receipt-not-trusted"
    if refusal or told is None:
        nothing = {"received": told.received if told else 0, "accepted": 0, "returned": 0, "package": ""}
        return {"receipt": digest, "refusal": refusal, **nothing}
    counts = {"received": told.received, "accepted": told.accepted, "returned": told.returned}
    return {"receipt": digest, "refusal": "", **counts, "package": told.package}


def _adds_up(told: IntakeReceipt) -> bool:
    """Whether every row that came was kept or came back, and what came back is there."""
    return told.received == told.accepted + told.returned and bool(told.package) == bool(told.returned)


def _lying(package: str) -> bytes | None:
    """The receipt that lies beside what came back."""
    try:
        with (returned(package) / RECEIPT_NAME).open("rb") as file:
            return file.read(RECEIPT_LIMIT + 1)
    except OSError:
        return None
