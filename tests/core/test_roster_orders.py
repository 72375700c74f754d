"""The order to read an institution's list, and its receipt: whole, signed by the right side, and without a value."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.envelope import BadSeal, Signer, seal, unseal
from bagipakai.core.intake import Finding, Piece, SentFile
from bagipakai.core.roster_orders import (
    KEEPING_KIND,
    ORDER_KIND,
    RECEIPT_KIND,
    Heading,
    RosterDestruction,
    RosterKeeping,
    RosterOrder,
    RosterReceipt,
)

OFFICE, REGISTRY = Signer.new(), Signer.new()
TEXTS = st.text(min_size=1, max_size=20).filter(str.strip)
COUNTS = st.integers(0, 2**40)
PIECES = st.builds(Piece, COUNTS, COUNTS, st.text("0123456789abcdef", min_size=64, max_size=64))

FOLDERS = st.from_regex("[A-Za-z0-9-]{1,40}", fullmatch=True)
ORDERS = st.builds(
    RosterOrder,
    order_id=TEXTS,
    roster=FOLDERS,
    institution=TEXTS,
    place=FOLDERS,
    file=st.builds(SentFile, st.sampled_from(("csv", "xlsx")), st.lists(PIECES, min_size=1, max_size=3).map(tuple)),
    columns=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    policy=TEXTS,
    placed_at=st.just(datetime(2026, 7, 1, 9, 30, tzinfo=UTC)),
)
KEEPINGS = st.builds(
    RosterKeeping,
    order_id=TEXTS,
    roster=FOLDERS,
    institution=TEXTS,
    digest=st.text("0123456789abcdef", min_size=64, max_size=64),
    until=st.dates(),
    placed_at=st.just(datetime(2026, 7, 1, 9, 30, tzinfo=UTC)),
)
PAIRS = st.lists(st.tuples(TEXTS, st.text(max_size=9)), max_size=2).map(tuple)
ROWS = st.lists(st.tuples(COUNTS, COUNTS), max_size=3).map(tuple)
RECEIPTS = st.builds(
    RosterReceipt,
    order_id=TEXTS,
    roster=TEXTS,
    sent=st.text(max_size=9),
    refusal=st.text(max_size=9),
    detail=PAIRS,
    rows=COUNTS,
    digest=st.text(max_size=9),
    headings=st.lists(st.builds(Heading, st.text(max_size=9), st.text(max_size=9), COUNTS), max_size=3).map(tuple),
    findings=st.lists(st.builds(Finding, TEXTS, st.text(max_size=9), COUNTS, ROWS, PAIRS), max_size=2).map(tuple),
)


@settings(deadline=None)
@given(ORDERS)
def test_an_order_arrives_as_it_was_placed(order):
    assert RosterOrder.unsealed(order.sealed(OFFICE), OFFICE.public) == order


@settings(deadline=None)
@given(KEEPINGS)
def test_an_order_to_keep_arrives_as_it_was_placed_and_is_no_other(order):
    envelope = order.sealed(OFFICE)
    assert RosterKeeping.unsealed(envelope, OFFICE.public) == order
    for other in (RosterOrder, RosterDestruction):
        with pytest.raises(BadSeal):
            other.unsealed(envelope, OFFICE.public)
    with pytest.raises(BadSeal):
        RosterKeeping.unsealed(envelope, REGISTRY.public)


A_KEEPING = RosterKeeping("DFT-1-2", "DFT-1", "PLN", "ab" * 32, date(2026, 12, 31), datetime(2026, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"until": "2026-12-32"},
        {"until": "20261231"},
        {"until": None},
        {"digest": "ab"},
        {"roster": "../keys"},
        {"placed_at": "2026-07-01"},
        {"more": 1},
    ],
)
def test_a_malformed_order_to_keep_is_no_order(spoiled: dict[str, Any]):
    value = unseal(KEEPING_KIND, A_KEEPING.sealed(OFFICE), OFFICE.public) | spoiled
    with pytest.raises(BadSeal):
        RosterKeeping.unsealed(seal(KEEPING_KIND, value, OFFICE), OFFICE.public)


@settings(deadline=None)
@given(RECEIPTS)
def test_a_receipt_arrives_as_it_was_written(receipt):
    assert RosterReceipt.unsealed(receipt.sealed(REGISTRY), REGISTRY.public) == receipt


AN_ORDER = RosterOrder(
    "DFT-1-1",
    "DFT-1",
    "PLN",
    "daftar-1",
    SentFile("csv", (Piece(3, 200, "ab" * 32),)),
    (("nik", "No. KTP"),),
    "p",
    datetime(2026, 7, 1, 9, 30, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"place": "../keys"},
        {"place": ""},
        {"file": {"ending": "../x", "pieces": []}},
        {"columns": [["nik"]]},
        {"columns": [["nik", 7]]},
        {"placed_at": "2026-07-01"},
        {"more": 1},
    ],
)
def test_a_malformed_order_is_no_order(spoiled: dict[str, Any]):
    value = unseal(ORDER_KIND, AN_ORDER.sealed(OFFICE), OFFICE.public) | spoiled
    with pytest.raises(BadSeal):
        RosterOrder.unsealed(seal(ORDER_KIND, value, OFFICE), OFFICE.public)


@pytest.mark.parametrize("spoiled", [{"rows": True}, {"headings": [{}]}, {"findings": [{}]}, {"more": 1}])
def test_a_malformed_receipt_is_no_receipt(spoiled: dict[str, Any]):
    value = unseal(RECEIPT_KIND, RosterReceipt("DFT-1-1", "DFT-1").sealed(REGISTRY), REGISTRY.public) | spoiled
    with pytest.raises(BadSeal):
        RosterReceipt.unsealed(seal(RECEIPT_KIND, value, REGISTRY), REGISTRY.public)


def test_what_is_sent_is_bound_to_each_piece_in_its_order():
    first, second = Piece(3, 200, "ab" * 32), Piece(3, 200, "cd" * 32)
    sent = {replace(AN_ORDER, file=SentFile("csv", pieces)).sent for pieces in ((first, second), (second, first))}
    assert len(sent) == 2
    assert AN_ORDER.sent not in sent
