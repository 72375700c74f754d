"""The pages of recipient keys: the head states one, the controller's officer writes what is heard, everybody of the
institution sees how it stands and until when."""

import html
import re
from datetime import timedelta

import pyrage
import pytest
from django.urls import reverse
from tests import factories
from tests.authenticators import key_of, sign_on
from tests.factories import a_key, an_institution, an_office
from tests.portal.steps import entering

from bagipakai.control import clock, keybook
from bagipakai.control.passkeys import keys
from bagipakai.core.keybook import Action, Term
from bagipakai.core.manifest import read_aloud
from bagipakai.core.request import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

OWN, KEY, QUEUE = (f"readiness:{name}" for name in ("own", "key", "queue"))


@pytest.fixture
def reviewer():
    return an_office()[Role.READINESS_REVIEWER]


@pytest.fixture
def house(reviewer):
    return an_institution(ready=False)


@pytest.fixture
def head(house):
    key_of(house[Role.ACCOUNTABLE_OFFICER])
    return entering(house[Role.ACCOUNTABLE_OFFICER])


@pytest.fixture
def officer(reviewer):
    key_of(reviewer)
    return entering(reviewer)


def text(page) -> str:
    return html.unescape(page.content.decode())


def a_new_key() -> str:
    return factories.a_new_key().public.line


def binding(house) -> str:
    return reverse("readiness:binding", args=[house.institution.pk])


def book(house):
    return keybook.book(house.institution)


def test_a_key_is_stated_heard_and_confirmed(house, head, officer):
    key, receipt_key = a_new_key().split()
    asked = head.post(reverse(KEY), {"kunci": f"{key} {receipt_key}"})
    shown = text(head.get(asked.url))
    assert key in shown and receipt_key in shown and "Saya menyatakan kunci di bawah ini kunci lembaga saya" in shown
    assert sign_on(head, asked).url == reverse(KEY)
    spoken = read_aloud(book(house).waiting.fingerprint)
    assert "Menunggu pengukuhan" in text(head.get(reverse(KEY))) and spoken in text(head.get(reverse(KEY)))

    assert binding(house) in text(officer.get(reverse("portal:home")))
    assert binding(house) in text(officer.get(reverse(QUEUE)))
    asked = officer.post(binding(house), {"heard": spoken.upper()})
    assert "Saya telah menelepon lembaga ini" in text(officer.get(asked.url))
    assert sign_on(officer, asked).url == binding(house)
    assert book(house).current.recipient == key
    assert "Kunci dikukuhkan" in text(head.get(reverse(KEY)))


def test_what_is_read_aloud_is_not_on_the_officers_pages(house, officer):
    """Otherwise nobody would have to telephone."""
    a_key(house, until=Action.STATE_KEY)
    waiting = book(house).waiting
    for address in (binding(house), reverse(QUEUE), reverse("portal:home")):
        page = text(officer.get(address))
        assert house.institution.name in page
        for told in (read_aloud(waiting.fingerprint), waiting.fingerprint, waiting.recipient):
            assert told not in page


def test_a_wrong_fingerprint_comes_back_with_what_was_typed(house, officer):
    a_key(house, until=Action.STATE_KEY)
    page = officer.post(binding(house), {"heard": "1234 abcd"})
    assert page.status_code == 409
    assert "bukan sidik kunci ini" in text(page) and 'value="1234 abcd"' in text(page)
    assert officer.post(binding(house), {"heard": ""}).status_code == 422


def test_a_head_without_a_passkey_is_told_what_to_do(house):
    person = house[Role.ACCOUNTABLE_OFFICER]
    key_of(person)
    keys.revoke(person, person, next(iter(keys.ring(person).keys)), "Hilang")
    page = entering(person).post(reverse(KEY), {"kunci": a_new_key()})
    assert page.status_code == 422 and "kunci sandi" in text(page)


def test_a_private_key_is_refused_and_not_sent_back(house, head):
    secret = str(pyrage.x25519.Identity.generate())
    page = head.post(reverse(KEY), {"kunci": secret})
    assert page.status_code == 422 and "kunci rahasia" in text(page)
    assert secret.lower() not in text(page).lower()


def test_only_the_head_changes_the_key_and_only_the_controller_confirms_it(house, officer):
    applicant = entering(house[Role.APPLICANT])
    assert applicant.post(reverse(KEY), {"kunci": a_new_key()}).status_code == 404
    assert officer.post(reverse(KEY), {"kunci": a_new_key()}).status_code == 404
    for who in (house[Role.APPLICANT], house[Role.ACCOUNTABLE_OFFICER], an_office()[Role.DATA_PREPARER]):
        assert entering(who).get(binding(house)).status_code == 404


@pytest.mark.parametrize("side", ["head", "officer"])
def test_a_key_is_withdrawn_with_a_reason(house, side, request):
    client, address = request.getfixturevalue(side), reverse(KEY) if side == "head" else binding(house)
    statement = re.search(r'name="statement" value="([0-9a-f]{64})"', text(client.get(address)))[1]
    empty = client.post(address, {"statement": statement, "reason": ""})
    assert empty.status_code == 422 and "Tuliskan alasannya" in text(empty)
    assert client.post(address, {"statement": statement, "reason": "Komputer hilang"}).url == address
    assert book(house).current.withdrawn
    assert "Komputer hilang" in text(client.get(address))
    assert client.post(address, {"statement": statement, "reason": "Lagi"}).status_code == 409


def test_everybody_of_the_institution_sees_the_key_and_its_last_day(house):
    page = text(entering(house[Role.APPLICANT]).get(reverse(OWN)))
    current = book(house).current
    assert read_aloud(current.fingerprint) in page and f"{current.until.year}" in page and "Berlaku" in page


def test_the_end_of_a_key_is_announced_before_it_comes(house, at):
    """On the page of the institution and on the desk of its people; a month ahead, and after."""
    until, term = book(house).current.until, Term.on(clock.today())
    client = entering(house[Role.APPLICANT])
    for days, word in ((term.notice_days, "Berlaku"), (term.notice_days - 1, "Segera berakhir"), (-1, "Berakhir")):
        with at(f"{until - timedelta(days=days)}T09:00:00"):
            own, desk = text(client.get(reverse(OWN))), text(client.get(reverse("portal:home")))
        assert word in own
        assert ("Buat kunci baru" in own, "Buat kunci baru" in desk) == ((word != "Berlaku"),) * 2


def test_while_a_key_waits_the_page_says_that_the_old_one_stays(house):
    a_key(house, until=Action.STATE_KEY)
    page = text(entering(house[Role.APPLICANT]).get(reverse(OWN)))
    assert "akan menelepon" in page and "kunci yang lama tetap dipakai" in page
