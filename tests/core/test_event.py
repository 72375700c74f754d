"""One shape for what happened to a request, a review and a grant: one canonical value, one digest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bagipakai.core import access, readiness, request
from bagipakai.core.canonical import canonical, read
from bagipakai.core.event import Actor, Role

ANI = Actor("7", "3", Role.APPLICANT, "DINSOS-A")
AT = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)

# An action and the stage it leads to, of each kind.
ONE_OF_EACH = [
    request.Event("PMT-2026-000001", 2, AT, ANI, request.Action.JOIN, request.Status.DRAFT, request.Status.DRAFT, {}),
    readiness.Event("17", 1, AT, ANI, readiness.Action.OPEN, None, readiness.Status.NOT_STARTED, {"levels": ["L1"]}),
    access.Event("HAK-1", 3, AT, ANI, access.Action.READ, access.Status.ACTIVE, access.Status.ACTIVE, {"part": "a"}),
]
KINDS = [type(one) for one in ONE_OF_EACH]
each = pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda one: one.kind)


@each
def test_an_event_says_the_same_whatever_it_is_about(event):
    assert list(event.to_json()) == [
        *("kind", "subject", "n", "at", "person", "post", "role", "institution"),
        *("action", "status_before", "status_after", "payload"),
    ]


@each
def test_an_event_is_read_back_as_it_was_written(event):
    assert type(event).from_json(read(canonical(event.to_json()))) == event


@each
def test_an_event_of_one_kind_is_not_read_as_one_of_another(event):
    for kind in set(KINDS) - {type(event)}:
        with pytest.raises(ValueError, match="an event of a"):
            kind.from_json(event.to_json())


@each
def test_no_two_events_have_one_digest(event):
    """Whatever is changed in what happened, the digest is another."""
    others = [
        replace(event, subject="PMT-2026-000002"),
        replace(event, n=event.n + 1),
        replace(event, at=AT + timedelta(microseconds=1)),
        *(replace(event, actor=replace(ANI, **{field: "9"})) for field in ("person", "post", "institution")),
        replace(event, actor=replace(ANI, role=Role.AUDITOR)),
        replace(event, action=next(one for one in type(event).deeds if one is not event.action)),
        replace(event, status_before=next(one for one in type(event).stages if one is not event.status_before)),
        replace(event, status_after=next(one for one in type(event).stages if one is not event.status_after)),
        replace(event, payload={**event.payload, "note": ""}),
    ]
    assert len({one.digest for one in (event, *others, *ONE_OF_EACH)}) == len(others) + len(ONE_OF_EACH)


def test_the_order_of_a_payload_changes_nothing():
    event = ONE_OF_EACH[0]
    told = [replace(event, payload=payload) for payload in ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
    assert told[0].digest == told[1].digest


def test_its_canonical_form_is_this_one():
    """Written down once: whoever changes the shape changes every proof that was ever given."""
    assert canonical(ONE_OF_EACH[0].to_json()) == (
        b'{"action":"JOIN","at":"2026-11-02T02:00:00+00:00","institution":"DINSOS-A","kind":"request","n":2,'
        b'"payload":{},"person":"7","post":"3","role":"APPLICANT","status_after":"DRAFT","status_before":"DRAFT",'
        b'"subject":"PMT-2026-000001"}'
    )
