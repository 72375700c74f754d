"""The real ceremony: Chromium's own virtual authenticator makes keys and signs; the office verifies what it answers."""

import pytest
from django.urls import reverse
from tests.authenticators import draw_up, handle
from tests.browser.devices import Device
from tests.browser.windows import entering
from tests.factories import a_request, done

from bagipakai.control.models import SignedDecision, SigningAttempt
from bagipakai.control.passkeys import keys, matters
from bagipakai.core.keyring import Standing
from bagipakai.core.manifest import read_aloud
from bagipakai.core.request import Action, Role, Status
from bagipakai.portal.passkeys import doors

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def house(settings, live_server, monkeypatch):
    """The address that people type is the server's; requests are decided through the office's counter."""
    settings.ORIGIN = live_server.url

    def act(found, acting, signature):
        return handle(found.subject, Action(found.action), acting, found.payload, seen=found.n - 1, signature=signature)

    counter = doors.Door(act, lambda found: reverse("requests:show", args=[found.subject]), lambda found: "Terjadi.")
    monkeypatch.setitem(doors.DOORS, matters.REQUEST, counter)


class Desk:
    """A person at a browser of their own, with a device that can hold a key."""

    def __init__(self, browser, base, person):
        self.base, self.person = base, person
        self.page = entering(browser, base, person, viewport={"width": 1120, "height": 800})
        self.context, self.device = self.page.context, Device(self.page)

    def go(self, name, *rest):
        self.page.goto(self.base + reverse(name, args=rest))

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def enrol(self):
        self.page.get_by_role("link", name="Kunci saya").click()
        self.page.get_by_role("link", name="Daftarkan kunci").click()
        self.page.get_by_label("Nama kunci").fill("Laptop kantor")
        self.press("Buat kunci")
        self.page.wait_for_url("**/kunci/")

    def sign(self, found):
        self.go("passkeys:sign", found.token)
        self.press("Tandatangani dengan kunci sandi")


@pytest.fixture
def desk(browser, live_server):
    opened = []

    def sit(person):
        opened.append(Desk(browser, live_server.url, person))
        return opened[-1]

    yield sit
    for one in opened:
        one.context.close()


@pytest.fixture
def chain():
    return a_request(at=Status.ADMIN_CHECK, level="L1")


def settled(chain, desk, no_violations=None):
    """The verifier at a desk, with a key that the controller's officer confirmed by ear."""
    person, officer = chain.office[Role.ADMIN_VERIFIER], chain.office[Role.CONTROLLER]
    mine, theirs = desk(person), desk(officer)
    mine.enrol()
    spoken = read_aloud(next(iter(keys.ring(person).keys.values())).fingerprint)
    assert spoken in mine.page.locator("main").inner_text()
    theirs.go("passkeys:colleagues")
    theirs.page.get_by_role("link", name=person.name).click()
    theirs.page.get_by_label("Sidik yang dibacakan pemilik kunci").fill(spoken.upper())
    if no_violations is not None:
        no_violations(mine.page)
        no_violations(theirs.page)
    theirs.press("Kukuhkan kunci")
    theirs.page.get_by_text("Kunci dikukuhkan.").wait_for()
    return mine


def test_a_key_is_made_confirmed_and_signs(chain, desk, no_violations):
    mine = settled(chain, desk, no_violations)
    found = done(draw_up(chain.reference, Action.PASS_ADMIN, mine.person))
    mine.go("passkeys:sign", found.token)
    no_violations(mine.page)
    mine.press("Tandatangani dengan kunci sandi")
    mine.page.wait_for_url(f"**/permintaan/{chain.reference}/")
    assert chain.state.status is Status.SUBSTANCE_CHECK
    kept = SignedDecision.objects.get(subject=chain.reference)
    assert kept.counter == mine.device.credentials()[0]["signCount"] > 0


def test_without_the_owners_verification_nothing_is_signed(chain, desk):
    """The device does not recognise its owner: the browser itself refuses, and the page says so."""
    mine = settled(chain, desk)
    found = done(draw_up(chain.reference, Action.PASS_ADMIN, mine.person))
    mine.device.tell("setUserVerified", isUserVerified=False)
    mine.sign(found)
    mine.page.get_by_text("Kunci tidak menjawab").wait_for()
    assert not SigningAttempt.objects.filter(pending=found).exists()
    mine.device.tell("setUserVerified", isUserVerified=True)
    mine.press("Tandatangani dengan kunci sandi")
    mine.page.wait_for_url(f"**/permintaan/{chain.reference}/")


def test_a_copy_of_a_key_is_noticed(chain, desk):
    """The same key on a second device, which has signed less often."""
    mine = settled(chain, desk)
    (key,) = mine.device.credentials()
    mine.sign(done(draw_up(chain.reference, Action.PASS_ADMIN, mine.person)))
    mine.page.wait_for_url(f"**/permintaan/{chain.reference}/")
    mine.device.replace()
    mine.device.tell("addCredential", credential={**key, "signCount": 0})
    second = a_request(at=Status.ADMIN_CHECK, level="L1")
    mine.sign(done(draw_up(second.reference, Action.PASS_ADMIN, mine.person)))
    mine.page.get_by_text("key-counter-went-back").wait_for()
    assert second.state.status is Status.ADMIN_CHECK


def test_a_device_without_the_key_signs_nothing(chain, desk):
    mine = settled(chain, desk)
    mine.device.tell("clearCredentials")
    mine.sign(done(draw_up(chain.reference, Action.PASS_ADMIN, mine.person)))
    mine.page.get_by_text("Kunci tidak menjawab").wait_for()
    assert chain.state.status is Status.ADMIN_CHECK


def test_the_device_is_not_asked_for_the_same_key_twice(chain, desk):
    """One device, one key: the second time the browser refuses to make another."""
    mine = settled(chain, desk)
    mine.go("passkeys:enrol")
    mine.page.get_by_label("Nama kunci").fill("Lagi")
    mine.press("Buat kunci")
    mine.page.get_by_text("Kunci tidak menjawab").wait_for()
    assert len(keys.ring(mine.person).having(Standing.ACTIVE, Standing.WAITING)) == 1


def test_without_script_the_button_stays_shut(chain, browser, live_server, desk):
    mine = settled(chain, desk)
    found = done(draw_up(chain.reference, Action.PASS_ADMIN, mine.person))
    context = browser.new_context(java_script_enabled=False, storage_state=mine.context.storage_state())
    page = context.new_page()
    page.goto(live_server.url + reverse("passkeys:sign", args=[found.token]))
    assert page.get_by_role("button", name="Tandatangani dengan kunci sandi").is_disabled()
    assert "memerlukan skrip pada peramban ini" in page.locator("main").inner_text()
    context.close()
