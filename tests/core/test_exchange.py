"""Order and receipt: whole, signed by the right side, and exactly what was written."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.plans import a_plan

from bagipakai.core.canonical import canonical, read
from bagipakai.core.envelope import BadSeal, Signer, seal, unseal
from bagipakai.core.exchange import (
    ANNOUNCEMENT_KIND,
    ORDER_KIND,
    RECEIPT_KIND,
    Announcement,
    Order,
    Receipt,
    Step,
    StepDone,
)
from bagipakai.core.preview import Preview

OFFICE, REGISTRY = Signer.new(), Signer.new()
MOMENT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
TEXTS = st.text(min_size=1, max_size=20)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  # given a zone below
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


def an_order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "order_id": "O-1",
        "plan": a_plan(),
        "release": "2026.3.0",
        "decision": "d" * 64,
        "agreement": "a" * 64,
        "policy": "b" * 64,
        "placed_at": MOMENT,
    }
    return Order(**{**values, **changes})


@settings(deadline=None)
@given(TEXTS, TEXTS, MOMENTS)
def test_an_order_arrives_as_it_was_placed(order_id, release, placed_at):
    order = an_order(order_id=order_id, release=release, placed_at=placed_at)
    assert Order.unsealed(order.sealed(OFFICE), OFFICE.public) == order


RECEIPTS = st.builds(
    Receipt,
    order_id=TEXTS,
    plan_digest=TEXTS,
    release=TEXTS,
    refusal=st.text(max_size=9),
    package=st.text(max_size=9),
    manifest=st.text(max_size=9),
    rows=st.integers(0, 2**40),
    columns=st.lists(TEXTS, max_size=3).map(tuple),
    hidden_cells=st.integers(0, 9),
    package_bytes=st.integers(0, 2**50),
    steps=st.lists(
        st.builds(
            StepDone, st.sampled_from(Step), MOMENTS, MOMENTS, st.dictionaries(TEXTS, TEXTS | st.integers(-9, 2**40))
        ),
        max_size=5,
    ).map(tuple),
)


@settings(deadline=None)
@given(RECEIPTS)
def test_a_receipt_arrives_as_it_was_written(receipt):
    assert Receipt.unsealed(receipt.sealed(REGISTRY), REGISTRY.public) == receipt


def test_an_order_is_believed_only_from_the_office_and_a_receipt_only_from_the_registry():
    order, receipt = an_order().sealed(OFFICE), Receipt("O-1", "p", "r").sealed(REGISTRY)
    for read_it, sealed, signer in (
        (Order.unsealed, order, REGISTRY),
        (Receipt.unsealed, receipt, OFFICE),
        (Order.unsealed, receipt, REGISTRY),
        (Receipt.unsealed, order, OFFICE),
    ):
        with pytest.raises(BadSeal):
            read_it(sealed, signer.public)


def test_an_order_for_another_plan_than_the_decided_one_is_refused():
    """Rightly signed, and yet: the plan inside is not the one whose digest stands beside it."""
    value = unseal(ORDER_KIND, an_order().sealed(OFFICE), OFFICE.public)
    value["plan"]["programme"] = "lain"
    with pytest.raises(BadSeal, match="digest"):
        Order.unsealed(seal(ORDER_KIND, value, OFFICE), OFFICE.public)


def changed(kind: str, sealed: bytes, signer: Signer, change: Any) -> bytes:
    value = unseal(kind, sealed, signer.public)
    change(value)
    return seal(kind, value, signer)


def _set(path: tuple[Any, ...], to: Any) -> Any:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


@pytest.mark.parametrize("field", [*(field.name for field in fields(Order)), "plan_digest"])
def test_an_order_with_a_part_missing_is_refused(field):
    with pytest.raises(BadSeal):
        Order.unsealed(
            changed(ORDER_KIND, an_order().sealed(OFFICE), OFFICE, lambda value: value.pop(field)), OFFICE.public
        )


@pytest.mark.parametrize(
    "change",
    [
        _set(("order_id",), ""),
        _set(("order_id",), 1),
        _set(("release",), None),
        _set(("plan",), {}),
        _set(("plan", "extra"), 1),
        _set(("placed_at",), "2026-07-01T09:30:00"),
        _set(("placed_at",), "2026-07-01T16:30:00+07:00"),
        _set(("placed_at",), "yesterday"),
        _set(("placed_at",), 1),
        _set(("urgent",), True),
    ],
)
def test_a_malformed_order_is_refused(change):
    with pytest.raises(BadSeal):
        Order.unsealed(changed(ORDER_KIND, an_order().sealed(OFFICE), OFFICE, change), OFFICE.public)


@pytest.mark.parametrize(
    "change",
    [
        _set(("rows",), "5"),
        _set(("rows",), -1),
        _set(("rows",), True),
        _set(("hidden_cells",), None),
        _set(("package_bytes",), []),
        _set(("columns",), "abc"),
        _set(("columns",), [1]),
        _set(("package",), None),
        _set(("refusal",), 0),
        _set(("extra",), "x"),
        _set(("steps",), None),
        _set(("steps", 0, "step"), "GUESSING"),
        _set(("steps", 0, "started_at"), "now"),
        _set(("steps", 0, "finished_at"), "2026-07-01T09:30:00"),
        _set(("steps", 0, "evidence"), []),
        _set(("steps", 0, "evidence"), {"rows": [["a person"]]}),
        _set(("steps", 0, "evidence"), {"rows": True}),
        lambda value: value.pop("rows"),
        lambda value: value.pop("order_id"),
    ],
)
def test_a_malformed_receipt_is_refused(change):
    receipt = Receipt("O-1", "p", "r", steps=(StepDone(Step.SELECTION, MOMENT, MOMENT, {"rows": 1}),))
    with pytest.raises(BadSeal):
        Receipt.unsealed(changed(RECEIPT_KIND, receipt.sealed(REGISTRY), REGISTRY, change), REGISTRY.public)


def test_moments_are_told_in_one_time_zone_and_never_without_one():
    jakarta = an_order(placed_at=datetime(2026, 7, 1, 16, 30, tzinfo=timezone(timedelta(hours=7))))
    assert jakarta.sealed(OFFICE) == an_order().sealed(OFFICE)
    with pytest.raises(ValueError, match="time zone"):
        an_order(placed_at=datetime(2026, 7, 1, 9, 30)).sealed(OFFICE)  # noqa: DTZ001  # the point


def test_a_receipt_is_small_and_readable():
    receipt = unseal(
        RECEIPT_KIND, Receipt("O-1", "p", "r", refusal="table-too-small").sealed(REGISTRY), REGISTRY.public
    )
    assert receipt["refusal"] == "table-too-small"
    assert read(canonical(receipt)) == receipt


def an_announcement(**changes: Any) -> Announcement:
    values: dict[str, Any] = {
        "version": "2026.3.0",
        "digest": "ab" * 32,
        "standard": "DTSEN-STD 2026.1",
        "region_system": "KEMENDAGRI",
        "region_edition": "2025",
        "published_on": MOMENT.date(),
        "persons": 1_000,
        "families": 300,
        "regions": (("32", "Jawa Barat"),),
    }
    return Announcement(**{**values, **changes})


def test_a_release_is_announced_with_and_without_a_preview():
    preview = Preview((100, 1_000_000_000), {"individu": {"3201": (0, 1)}, "keluarga": {}})
    for told in (an_announcement(), an_announcement(preview=preview)):
        assert Announcement.unsealed(told.sealed(REGISTRY), REGISTRY.public) == told


def test_an_announcement_from_before_there_were_previews_still_verifies():
    """Its very fields, as they were written then."""
    value = unseal(ANNOUNCEMENT_KIND, an_announcement().sealed(REGISTRY), REGISTRY.public)
    assert "preview" not in value
    assert Announcement.unsealed(seal(ANNOUNCEMENT_KIND, value, REGISTRY), REGISTRY.public).preview is None


@pytest.mark.parametrize("preview", [None, {}, [], {"edges": [100], "bands": {"individu": {"3201": [7]}}}])
def test_a_preview_that_is_none_makes_no_announcement(preview):
    value = unseal(ANNOUNCEMENT_KIND, an_announcement().sealed(REGISTRY), REGISTRY.public)
    with pytest.raises(BadSeal):
        Announcement.unsealed(seal(ANNOUNCEMENT_KIND, value | {"preview": preview}, REGISTRY), REGISTRY.public)
    with pytest.raises(BadSeal):
        Announcement.unsealed(seal(ANNOUNCEMENT_KIND, value | {"more": 1}, REGISTRY), REGISTRY.public)
