"""What the registry answers to the three orders about clerical review (core.review_orders). Pairs leave sealed to the
key of one browser, at most a sheet of them at once; labels come in and stay beside their pairs."""

import logging
from pathlib import Path
from typing import Final

import pyarrow as pa

from bagipakai.core.deadlines import day_of
from bagipakai.core.review_orders import LabelOrder, Opening, ReviewOrder, ReviewReceipt, SheetOrder
from bagipakai.core.reviews import Limits
from bagipakai.registry import reviews, sheets
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

UNKNOWN: Final = "review-unknown"


def answer(order: ReviewOrder, envelope: bytes, storage: StorageKey, folder: Path) -> ReviewReceipt:
    """The receipt for an order, which came in this envelope. A refusal is a receipt with a code. Raises OSError."""
    try:
        told = _answered(order, envelope, storage, folder)
    except reviews.UnknownReview:
        told = _no(order, UNKNOWN)
    except Damaged as damage:
        log.error("review.damage order=%s code=%s file=%s", order.review, damage.code, damage.file)
        told = _no(order, damage.code)
    by = order.clerk if isinstance(order, SheetOrder) else "-"
    log.info("review.answered order=%s by=%s pairs=%d refusal=%s", order.order_id, by, told.pairs, told.refusal or "-")
    return told


def _answered(order: ReviewOrder, envelope: bytes, storage: StorageKey, folder: Path) -> ReviewReceipt:
    pairs = reviews.kept(folder, storage, order.review)
    match order:
        case Opening():
            return ReviewReceipt(order.order_id, order.review, pairs=len(pairs))
        case SheetOrder():
            return _sheet(order, pairs)
        case LabelOrder():
            if any(one.pair >= len(pairs) for one in order.labels):
                return _no(order, "review-pairs-unknown")
            if not reviews.label(folder, order, envelope):
                return _no(order, "review-labels-differ")
            return ReviewReceipt(order.order_id, order.review, pairs=len(order.labels))


def _sheet(order: SheetOrder, pairs: pa.Table) -> ReviewReceipt:
    if len(order.pairs) > Limits.on(day_of(order.placed_at)).pairs:
        return _no(order, "review-sheet-too-large")
    if any(one >= len(pairs) for one in order.pairs):
        return _no(order, "review-pairs-unknown")
    try:
        sheet = sheets.sealed(reviews.shown(pairs, order.pairs), order.reader, order.order_id)
    except sheets.BadReader:
        return _no(order, "review-key-is-none")
    return ReviewReceipt(order.order_id, order.review, pairs=len(order.pairs), sheet=sheet)


def _no(order: ReviewOrder, code: str) -> ReviewReceipt:
    return ReviewReceipt(order.order_id, order.review, refusal=code)
