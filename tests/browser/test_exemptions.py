"""Two persons exempt a rule for rows, each at a browser of their own and with the key in their own device."""

import pytest
from django.urls import reverse
from tests.authenticators import key_of
from tests.browser.devices import Device
from tests.browser.hands import Mouse
from tests.browser.windows import SCREENS, entering, whole
from tests.factories import a_request

from bagipakai.core.request import Action, Role, Status

pytestmark = pytest.mark.django_db(transaction=True)

SHARE = "Evaluasi mencakup semua keluarga sasaran di kabupaten ini, jadi bagian yang ikut keluar lebih besar"
DESK = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture
def seat(browser, live_server, no_violations, settings):
    """Lets a person sit down at a window in which they are logged in, with their key in the device."""
    settings.ORIGIN = live_server.url
    windows = []

    def at(person, screen=DESK) -> Mouse:
        key = key_of(person)
        page = entering(browser, live_server.url, person, **screen)
        Device(page).holds(key)
        key.counter += 10  # what they sign elsewhere, they sign after this
        windows.append(page)
        return Mouse(page, live_server.url, no_violations)

    yield at
    for page in windows:
        page.context.close()


def test_one_proposes_another_approves_having_seen_the_plan(seat):
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L3")
    chain.propose_all()
    address = reverse("examining:show", args=[chain.reference])

    verifier = seat(chain.office[Role.SUBSTANCE_VERIFIER])
    verifier.go(address)
    box = verifier.box("Pengecualian aturan baris")
    verifier.type(box.get_by_label("Bagian penduduk yang ikut keluar"), SHARE)
    verifier.type(box.get_by_label("Ukuran kelompok serupa"), "Desa kecil tidak boleh hilang")
    whole(verifier.page, "exemptions-proposal")
    verifier.press("Usulkan pengecualian", box)
    whole(verifier.page, "exemptions-proposal-signing")
    verifier.press("Tandatangani dengan kunci sandi")
    whole(verifier.page, "exemptions-proposed")
    assert set(chain.state.exemptions) == {"rows-alike", "rows-share"}
    opinion = {"opinion": "SUPPORTS", "reason": "Dampak dikelola"}
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, opinion)
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)

    coordinator = seat(chain.office[Role.COORDINATOR])
    coordinator.go(address)
    box = coordinator.box("Setujui rencana data")
    whole(coordinator.page, "exemptions-dossier")
    coordinator.tick(box.get_by_label("Bagian penduduk yang ikut keluar"))
    coordinator.type(box.get_by_label("Alasan", exact=True), "Perlu dan sebanding dengan tujuan program")
    coordinator.press("Setujui rencana ini", box)
    assert "Lihat rencananya lebih dulu" in coordinator.page.locator(".error-summary").inner_text()
    assert coordinator.page.get_by_label("Bagian penduduk yang ikut keluar").is_checked()
    whole(coordinator.page, "exemptions-unseen")
    coordinator.press("Lihat rencana dengan pengecualian ini")
    assert SHARE in coordinator.page.locator(".summary").first.inner_text()
    whole(coordinator.page, "exemptions-approval")
    coordinator.press("Setujui rencana ini")
    whole(coordinator.page, "exemptions-approval-signing")
    assert SHARE in coordinator.page.locator("main").inner_text()
    coordinator.press("Tandatangani dengan kunci sandi")
    assert [one.rule for one in chain.state.decision.exempted] == ["rows-share"]

    applicant = seat(chain.asking[Role.APPLICANT], SCREENS["telephone"])
    applicant.go(reverse("requests:show", args=[chain.reference]))
    whole(applicant.page, "exemptions-told-telephone")


def test_the_pages_fit_a_telephone(seat):
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    chain.propose_all()
    verifier = seat(chain.office[Role.SUBSTANCE_VERIFIER], SCREENS["telephone"])
    verifier.go(reverse("acts:act", args=[chain.reference, "propose_exemptions"]))
    whole(verifier.page, "exemptions-proposal-telephone")
    exemptions = {"exemptions": {"rows-share": SHARE}}
    chain.step(Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, exemptions)
    opinion = {"opinion": "SUPPORTS", "reason": "Dampak dikelola"}
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, opinion)
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)
    coordinator = seat(chain.office[Role.COORDINATOR], SCREENS["telephone"])
    coordinator.go(reverse("acts:act", args=[chain.reference, "approve"]))
    whole(coordinator.page, "exemptions-approval-telephone")
