"""The pages of a provider of a source: from the contract to the report of what came back."""

import html

import pytest
from django.urls import reverse
from tests.authenticators import sign_on
from tests.factories import a_provider, an_office
from tests.handed_in import RealRegistry, a_file, a_set, readable_anywhere
from tests.portal.steps import with_a_key
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
    return with_a_key(house[Role.SOURCE_PROVIDER])


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
    """Presses "send" and signs with the sender's key."""
    seen = submissions.state(Submission.objects.get(pk=number)).n
    return sign_on(sender, sender.post(to("send", number), {"seen": seen}))


def test_from_the_contract_to_what_came_back(sender, registry):
    """A set of twenty rows of which one is faulty: nineteen are kept, one comes back, and the page says what to do."""
    assert "Pelanggan listrik" in text(sender.get(to("list")))
    number = opened(sender)
    assert "Masuk seluruhnya" in text(upload(sender, number, a_set(20, 1)))
    assert send(sender, number).url == to("show", number)
    assert "Sedang diperiksa" in text(sender.get(to("show", number)))
    (receipt,) = registry.take_in()
    assert (receipt.received, receipt.accepted, receipt.returned, receipt.refusal) == (20, 19, 1, "")
    submissions.collect()
    page = text(sender.get(to("show", number)))
    assert "kode_desa" in page and "Sudah diperiksa" in page and "320101120880" not in page
    witnessed()
    part = sender.post(to("fetch", number, receipt.parts[0].name))
    assert part.status_code == 200 and b"".join(part.streaming_content).startswith(b"age-encryption.org/v1\n")
    assert not readable_anywhere(b"Orang Rekaan", postgres.var() / "intake", postgres.var() / "returned")
