"""An entry of the office is found again by its name in the trail."""

import pytest
from tests.factories import a_request

from bagipakai.control.models import Event, ReadinessEvent
from bagipakai.control.trail import entries, leaves
from bagipakai.control.trail.openings import openings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def test_an_entry_is_found_by_its_name():
    chain = a_request()
    for kind in (Event, ReadinessEvent):
        rows = list(kind.objects.all())
        assert rows
        for entry in rows:
            assert entries.payload(entries.about(entry)) == entry.payload
    assert entries.about(Event.objects.get(subject=chain.request, n=1)) == f"{chain.reference}#1"


@pytest.mark.parametrize(
    "name", ["", "PMT-2026-999999#1", "hak/1#1", "kesiapan/99999#1", "x", "hak/x#1", "#1", "PMT#0"]
)
def test_what_is_no_entry_is_none(name):
    assert entries.payload(name) is None


def test_content_that_the_office_keeps_is_opened_from_there():
    chain = a_request()
    entry = Event.objects.get(subject=chain.request, n=1)
    leaves.write("request.DRAFT", entries.about(entry), entry.payload, kept_elsewhere=True)
    leaves.write("request.DRAFT", "PMT-2026-999999#1", {"a": "b"}, kept_elsewhere=True)
    mine, lost = list(openings(entries.about(entry).partition("#")[0])), list(openings("PMT-2026-999999"))
    assert [(one.payload, one.fits) for one in mine if one.event == "request.DRAFT"] == [(entry.payload, True)]
    assert [(one.payload, one.fits) for one in lost] == [(None, False)]
