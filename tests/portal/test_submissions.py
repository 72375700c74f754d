"""The pages of a provider of a source: from the contract to the report of what came back."""

import html

import pytest
from django.urls import reverse
from tests.factories import a_provider, an_office
from tests.handed_in import RealRegistry, a_file, a_set, readable_anywhere
from tests.portal.steps import entering
from tests.trail import witnessed

from bagipakai import postgres
from bagipakai.control import submissions
from bagipakai.control.models import Submission
from bagipakai.core.request import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def registry():
    an_office()
    return RealRegistry()


@pytest.fixture
def house(registry):
    return a_provider()


@pytest.fixture
def sender(house):
    return entering(house[Role.SOURCE_PROVIDER])


def to(name: str, *arguments) -> str:
    return reverse(f"submissions:{name}", args=arguments)


def text(page) -> str:
    return html.unescape(page.content.decode())


def opened(sender) -> int:
    """The number of a new submission."""
    sender.post(to("new", "pln"))
    return Submission.objects.latest("pk").pk


def upload(sender, number: int, content: bytes, name: str = "pelanggan.csv"):
    return sender.post(to("upload", number), {"berkas": a_file(content, name)}, follow=True)


def send(sender, number: int):
    seen = submissions.state(Submission.objects.get(pk=number)).n
    return sender.post(to("send", number), {"seen": seen}, follow=True)


def test_from_the_contract_to_what_came_back(sender, registry):
    """A set of twenty rows of which one is faulty: nineteen are kept, one comes back, and the page says what to do."""
    assert "Pelanggan listrik" in text(sender.get(to("list")))
    number = opened(sender)
    assert "Masuk seluruhnya" in text(upload(sender, number, a_set(20, 1)))
    assert "Sedang diperiksa" in text(send(sender, number))
    (receipt,) = registry.take_in()
    assert (receipt.received, receipt.accepted, receipt.returned, receipt.refusal) == (20, 19, 1, "")
    submissions.collect()
    page = text(sender.get(to("show", number)))
    assert "kode_desa" in page and "Sudah diperiksa" in page and "320101120880" not in page
    witnessed()
    part = sender.post(to("fetch", number, receipt.parts[0].name))
    assert part.status_code == 200 and b"".join(part.streaming_content).startswith(b"age-encryption.org/v1\n")
    assert not readable_anywhere(b"Orang Rekaan", postgres.var() / "intake", postgres.var() / "returned")
