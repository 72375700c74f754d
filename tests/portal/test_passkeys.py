"""The pages of keys and of signing, without a browser: the answer of a key is posted as the script posts it."""

import html
import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from tests import authenticators
from tests.authenticators import Authenticator, draw_up, handle, key_of
from tests.factories import a_request, a_seat, an_institution, an_office, done
from tests.portal.steps import entering

from bagipakai.control import access, clock
from bagipakai.control.models import Grant, SignedDecision
from bagipakai.control.passkeys import ceremony, keys, matters
from bagipakai.control.passkeys.summary import Summary
from bagipakai.core.keyring import Standing
from bagipakai.core.manifest import read_aloud
from bagipakai.core.request import Action, Role, Status
from bagipakai.portal.passkeys import doors

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture(autouse=True)
def door(monkeypatch):
    """Requests are decided through the office's counter."""

    def act(found, acting, signature):
        return handle(found.subject, Action(found.action), acting, found.payload, seen=found.n - 1, signature=signature)

    back = doors.Door(act, lambda found: reverse("requests:show", args=[found.subject]), lambda found: "Sudah terjadi.")
    monkeypatch.setitem(doors.DOORS, matters.REQUEST, back)


@pytest.fixture
def house():
    return an_institution(ready=False)


def text(page) -> str:
    return html.unescape(page.content.decode())


def options(page) -> dict:
    """What the page's script would hand to the key."""
    return json.loads(re.search(r'data-options="([^"]*)"', page.content.decode())[1].replace("&quot;", '"'))


def enrol(client, key=None, label="Laptop kantor"):
    """Through the page; the key's answer is posted as the browser's."""
    key = key or Authenticator()
    asked = options(client.get(reverse("passkeys:enrol")))
    return client.post(reverse("passkeys:enrol"), {"label": label, "answer": key.create(asked, ceremony.origin())})


def the_key(person):
    return max(keys.ring(person).keys.values(), key=lambda key: key.n)


def test_a_key_is_enrolled_and_confirmed_by_two_people(house):
    holder, officer = house[Role.APPLICANT], house[Role.ACCOUNTABLE_OFFICER]
    mine, theirs = entering(holder), entering(officer)
    assert enrol(mine).url == reverse("passkeys:mine")
    page, spoken = text(mine.get(reverse("passkeys:mine"))), read_aloud(the_key(holder).fingerprint)
    assert "Laptop kantor" in page and "Menunggu pengukuhan" in page and spoken in page

    address = reverse("passkeys:colleague", args=[holder.pk])
    assert address in text(theirs.get(reverse("passkeys:colleagues")))
    told = {"heardform": "", "heardform-credential": the_key(holder).credential, "heardform-heard": spoken}
    assert theirs.post(address, told).status_code == 302
    assert the_key(holder).standing is Standing.ACTIVE
    assert "Kunci dikukuhkan" in text(mine.get(reverse("passkeys:mine")))


def test_what_is_read_aloud_is_not_on_the_officers_page(house):
    """Otherwise nobody would have to listen."""
    holder = house[Role.APPLICANT]
    enrol(entering(holder))
    page = text(entering(house[Role.ACCOUNTABLE_OFFICER]).get(reverse("passkeys:colleague", args=[holder.pk])))
    fingerprint = the_key(holder).fingerprint
    assert read_aloud(fingerprint) not in page and fingerprint not in page


def test_a_wrong_fingerprint_comes_back_with_what_was_typed(house):
    holder = house[Role.APPLICANT]
    enrol(entering(holder))
    told = {"heardform": "", "heardform-credential": the_key(holder).credential, "heardform-heard": "1234 abcd"}
    page = entering(house[Role.ACCOUNTABLE_OFFICER]).post(reverse("passkeys:colleague", args=[holder.pk]), told)
    assert page.status_code == 409
    assert "bukan sidik kunci ini" in text(page) and 'value="1234 abcd"' in text(page)
    assert the_key(holder).standing is Standing.WAITING


def test_an_empty_form_says_what_to_write(house):
    holder = house[Role.APPLICANT]
    enrol(entering(holder))
    address, officer = reverse("passkeys:colleague", args=[holder.pk]), entering(house[Role.ACCOUNTABLE_OFFICER])
    credential = the_key(holder).credential
    for kind, words in (("heardform", "Tulis sidik yang dibacakan"), ("lossform", "Tulis apa yang terjadi")):
        page = officer.post(address, {kind: "", f"{kind}-credential": credential})
        assert page.status_code == 422 and words in text(page)
    page = officer.post(address, {"recoveryform": ""})
    assert page.status_code == 422 and "Tulis bagaimana Anda memastikan" in text(page)
    assert officer.post(address, {}).status_code == 404


def test_colleagues_of_another_house_are_not_there(house):
    stranger = entering(an_institution(ready=False)[Role.ACCOUNTABLE_OFFICER])
    there = stranger.get(reverse("passkeys:colleague", args=[house[Role.APPLICANT].pk]))
    nowhere = stranger.get(reverse("passkeys:colleague", args=[999_999]))
    assert there.status_code == nowhere.status_code == 404


def test_an_officer_without_that_duty_sees_nobody():
    client = entering(an_office()[Role.ADMIN_VERIFIER])
    assert "Tidak ada kunci yang Anda jaga" in text(client.get(reverse("passkeys:colleagues")))


def test_a_loss_is_reported_and_recovered(house):
    holder, officer, second = (
        house[one] for one in (Role.APPLICANT, Role.ACCOUNTABLE_OFFICER, Role.AUTHORISED_HANDLER)
    )
    mine = entering(holder)
    enrol(mine)
    empty = mine.post(reverse("passkeys:mine"), {"lossform-credential": the_key(holder).credential})
    assert empty.status_code == 422 and "Tulis apa yang terjadi" in text(empty)
    told = {"lossform-credential": the_key(holder).credential, "lossform-reason": "Tertinggal di kereta"}
    assert mine.post(reverse("passkeys:mine"), told).status_code == 302
    assert "belum dipulihkan" in text(mine.get(reverse("passkeys:mine")))
    assert mine.get(reverse("passkeys:enrol")).status_code == 409
    address = reverse("passkeys:colleague", args=[holder.pk])
    for who in (officer, second):
        seen = entering(who)
        assert "Kehilangan kunci" in text(seen.get(address))
        assert seen.post(address, {"recoveryform": "", "recoveryform-reason": "Bertemu langsung"}).status_code == 302
    assert enrol(mine).status_code == 302
    assert "Tertinggal di kereta" in text(mine.get(reverse("passkeys:mine")))


def test_an_offer_is_answered_once(house):
    client, key = entering(house[Role.APPLICANT]), Authenticator()
    answer = key.create(options(client.get(reverse("passkeys:enrol"))), ceremony.origin())
    assert client.post(reverse("passkeys:enrol"), {"label": "A", "answer": answer}).status_code == 302
    again = client.post(reverse("passkeys:enrol"), {"label": "A", "answer": answer})
    assert again.status_code == 409 and "Waktu untuk membuat kunci sudah lewat" in text(again)


def test_a_key_without_a_name_is_asked_for_one(house):
    client = entering(house[Role.APPLICANT])
    client.get(reverse("passkeys:enrol"))
    page = client.post(reverse("passkeys:enrol"), {"label": "", "answer": "{}"})
    assert page.status_code == 422 and "Beri nama kunci ini" in text(page)


def test_who_has_no_post_has_no_keys():
    seat = a_seat(an_institution(ready=False).institution, Role.APPLICANT, since="2020-01-01", until="2020-12-31")
    for name in ("passkeys:mine", "passkeys:enrol", "passkeys:colleagues"):
        assert entering(seat.person).get(reverse(name)).status_code == 404
        assert Client().get(reverse(name)).status_code == 302


# --- signing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chain():
    return a_request(at=Status.ADMIN_CHECK, level="L1")


@pytest.fixture
def drawn(chain):
    who = chain.office[Role.ADMIN_VERIFIER]
    key_of(who)
    return done(draw_up(chain.reference, Action.PASS_ADMIN, who))


def sign(client, found, key, **told):
    address = reverse("passkeys:sign", args=[found.token])
    return client.post(address, {"answer": key.get(options(client.get(address)), ceremony.origin()), **told})


def test_a_decision_is_signed_on_its_page(chain, drawn):
    client = entering(drawn.person)
    page = sign(client, drawn, key_of(drawn.person))
    assert page.url == reverse("requests:show", args=[chain.reference])
    assert chain.state.status is Status.SUBSTANCE_CHECK
    assert SignedDecision.objects.filter(subject=chain.reference).count() == 1


def test_the_page_shows_exactly_what_is_signed(drawn):
    summary = Summary.from_json(drawn.summary)
    page = text(entering(drawn.person).get(reverse("passkeys:sign", args=[drawn.token])))
    shown = re.search(r"<dl class=\"summary summary--tight\">(.*?)</dl>", page, re.S)[1]
    told = [
        (name, re.findall(r"<p>(.*?)</p>", answers, re.S))
        for name, answers in re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", shown, re.S)
    ]
    assert told == [(line.name, list(line.values)) for line in summary.lines]
    assert summary.sentence in page
    assert summary.digest in page and summary.digest == drawn.decision["shown_summary_hash"]


def test_without_script_the_page_says_what_is_missing(drawn):
    page = text(entering(drawn.person).get(reverse("passkeys:sign", args=[drawn.token])))
    assert "memerlukan skrip pada peramban ini" in page
    assert re.search(r"<button[^>]* disabled>Tandatangani dengan kunci sandi", page)


def test_at_an_address_without_a_name_the_page_says_so(drawn, settings):
    settings.ORIGIN = "http://127.0.0.1:8000"
    page = text(entering(drawn.person).get(reverse("passkeys:sign", args=[drawn.token])))
    assert "Kunci sandi hanya bekerja pada satu alamat" in page
    assert 'data-passkey="' not in page  # the script leaves this form alone


def test_a_post_without_an_answer_signs_nothing(chain, drawn):
    page = entering(drawn.person).post(reverse("passkeys:sign", args=[drawn.token]), {})
    assert page.status_code == 409 and "tidak terbaca" in text(page)
    assert chain.state.status is Status.ADMIN_CHECK


def test_a_cheat_is_told_in_words(chain, drawn):
    cheat = authenticators.the_same_key(key_of(drawn.person), authenticators.Unverified)
    client = entering(drawn.person)
    page = sign(client, drawn, cheat)
    assert page.status_code == 409 and "signer-was-not-verified" in text(page)
    again = client.get(reverse("passkeys:sign", args=[drawn.token]))
    assert again.status_code == 409 and "sudah pernah dipakai" in text(again)


def test_a_decision_of_somebody_else_is_not_there(drawn):
    stranger = entering(an_office()[Role.COORDINATOR])
    for token in (drawn.token, "tidak-ada"):
        assert stranger.get(reverse("passkeys:sign", args=[token])).status_code == 404


def test_a_decision_that_waited_too_long_is_told_in_words(drawn, monkeypatch):
    later = drawn.until.replace(year=drawn.until.year + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    monkeypatch.setattr("bagipakai.control.people.tenures", lambda person, at=None: person.tenures.all())
    page = entering(drawn.person).get(reverse("passkeys:sign", args=[drawn.token]))
    assert page.status_code == 409 and "Waktu untuk menandatangani sudah lewat" in text(page)


def test_the_page_works_under_the_portals_own_policy(drawn):
    """The script comes from the house itself; nothing is inline."""
    page = entering(drawn.person).get(reverse("passkeys:sign", args=[drawn.token]))
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    scripts = re.findall(r"<script[^>]*>", page.content.decode())
    assert len(scripts) == 1 and 'src="/static/portal/passkeys.js"' in scripts[0]
    assert not re.search(r"\son[a-z]+=", page.content.decode())


def test_an_order_about_access_is_signed_on_the_same_page():
    chain = a_request(at=Status.ACCESS_GRANTED)
    grant, controller = Grant.objects.get(request=chain.request), chain.office[Role.CONTROLLER]
    key, says = key_of(controller), access.ordered(access.Action.SUSPEND, "Laporan penyalahgunaan")
    found = done(access.draw_up(grant.pk, access.Action.SUSPEND, controller, says, access.state_of(grant).n))
    client, address = entering(controller), reverse("passkeys:sign", args=[found.token])
    page = client.get(address)
    assert "Laporan penyalahgunaan" in text(page) and chain.reference in text(page)
    answer = key.get(options(page), ceremony.origin())
    assert client.post(address, {"answer": answer}).url == reverse("requests:show", args=[chain.reference])
    assert access.state_of(grant).status is access.rules.Status.SUSPENDED
