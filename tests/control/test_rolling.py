"""A rolling product follows each new release: made, checked and handed over anew; a pinned one stays on its own."""

import pytest
from django.urls import reverse
from tests.authenticators import order_about
from tests.factories import a_release, a_request
from tests.fakes import Registry
from tests.portal.conftest import plain_static_files  # noqa: F401 - the page is drawn here, too
from tests.portal.steps import entering
from tests.trail import witnessed

from bagipakai.control import access, clock, ledger, order_receipts, register, requests, rulebook
from bagipakai.control.models import Denial, Event, Grant, GrantEvent, PlacedOrder, Release
from bagipakai.core.access import Action as Step
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

PART = "bagian-0001.csv.age"


def granted(chain) -> Grant:
    return Grant.objects.get(request=chain.request)


def hindrance(chain) -> str:
    """Why the package cannot be fetched now; nothing where it can."""
    found = access.download(granted(chain), PART, chain.asking[Role.AUTHORISED_HANDLER])
    return found.code if isinstance(found, Refusal) else ""


def page(chain, reader) -> str:
    return reader.get(reverse("downloads:show", args=[chain.reference])).content.decode()


def answered() -> None:
    registry = Registry()
    for order in registry.orders():
        registry.answer(order)
    order_receipts.collect()
    witnessed()


def handed_over(chain) -> None:
    answered()
    chain.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)
    chain.step(Action.PASS_QUALITY, Role.QUALITY_REVIEWER)
    chain.sign(Action.SIGN_HANDOVER)


def test_a_rolling_product_follows_to_the_next_release_and_back_when_that_is_withdrawn(monkeypatch):
    """S18. Each package is checked and signed for; the one before can be read until the next is handed over."""
    chain = a_request(at=Status.ACCESS_GRANTED, rolling=True)
    first = granted(chain)
    assert requests.follow_releases() == 0, "it is on the newest release"

    a_release("2026.4.0")
    with monkeypatch.context() as patched:
        patched.setattr(rulebook, "orders_at_a_time", lambda day: 0)
        assert requests.follow_releases() == 0, "others come first"
    denied = Denial.objects.count()
    assert (requests.follow_releases(), requests.follow_releases()) == (1, 0)
    assert Denial.objects.count() == denied
    state = chain.state
    assert (state.status, len(state.orders)) == (Status.PROCESSING, 2)
    (order,) = Registry().orders()
    assert (order.order_id, order.release, order.plan.digest) == (state.orders[-1], "2026.4.0", first.plan_digest)
    assert PlacedOrder.objects.filter(request=chain.request).count() == 2
    no = chain.attempt(Action.WITHDRAW, Role.APPLICANT, {"reason": "tidak jadi"})
    assert isinstance(no, Refusal) and no.code == "access-was-given"

    reader = entering(chain.asking[Role.AUTHORISED_HANDLER])
    assert "tetap dapat diunduh sampai paket dari rilis baru" in page(chain, reader)

    answered()
    assert hindrance(chain) == ""
    chain.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)
    chain.step(Action.PASS_QUALITY, Role.QUALITY_REVIEWER)
    assert (hindrance(chain), granted(chain).manifest) == ("", first.manifest), "the old one until both have signed"
    chain.sign(Action.SIGN_HANDOVER)
    assert chain.state.status is Status.ACCESS_GRANTED
    second = granted(chain)
    assert (second.pk, second.ends_at, second.plan_digest) == (first.pk, first.ends_at, first.plan_digest)
    assert (second.package == first.package, hindrance(chain)) == (False, "")
    assert access.manifest_of(second).release == "2026.4.0"
    assert access.earlier_releases(second) == ["2026.3.0"]
    told = page(chain, reader)
    assert "Musnahkan salinan paket dari rilis 2026.3.0" in told and "sedang disiapkan" not in told
    assert [event.action for event in GrantEvent.objects.filter(subject=second).order_by("n")] == [
        "OPEN",
        "ACTIVATE",
        "MOVE",
    ]
    assert ledger.broken_at(GrantEvent, second) is None and ledger.broken_at(Event, chain.request) is None
    assert [entry.status for entry in register.entries()] == ["ACTIVE"]
    assert chain.request.papers.filter(kind="HANDOVER_RECORD").count() == 2

    Release.objects.filter(version="2026.4.0").update(withdrawn_at=clock.now())
    assert hindrance(chain) == "release-is-withdrawn"
    access.tidy()
    assert granted(chain).status == "SUSPENDED"
    assert requests.follow_releases() == 1
    handed_over(chain)
    assert access.manifest_of(granted(chain)).release == "2026.3.0"
    access.tidy()
    witnessed()
    assert (granted(chain).status, hindrance(chain)) == ("ACTIVE", "")


def test_a_pinned_product_stays_and_a_suspended_one_waits():
    pinned = a_request(at=Status.ACCESS_GRANTED)
    rolling = a_request(at=Status.ACCESS_GRANTED, rolling=True)
    controller = rolling.office[Role.CONTROLLER]
    order_about(granted(rolling), Step.SUSPEND, controller, "Laporan penyalahgunaan")
    a_release("2026.4.0")
    assert requests.follow_releases() == 0
    assert {chain.state.status for chain in (pinned, rolling)} == {Status.ACCESS_GRANTED}
    order_about(granted(rolling), Step.RESUME, controller, "Tidak terbukti")
    assert requests.follow_releases() == 1
    assert (pinned.state.status, rolling.state.status) == (Status.ACCESS_GRANTED, Status.PROCESSING)
    order_about(granted(rolling), Step.REVOKE, controller, "Perjanjian diakhiri")
    handed = granted(rolling).manifest
    handed_over(rolling)
    assert rolling.state.status is Status.HANDOVER_SIGNING, "what was made is not given to whom access was taken from"
    assert granted(rolling).manifest == handed
