"""The pages of clerks: what waits, a sheet of their own, and what is said to a script; nobody else finds them."""

import base64
import json

import pytest
from tests.factories import a_matching_request, a_request, an_office, done
from tests.portal.steps import entering
from tests.reviewed import Reviewing, a_clerk, a_review, judge, limits, some_pairs

from bagipakai.control import reviews
from bagipakai.control.models import Review
from bagipakai.core.request import Role
from bagipakai.core.request import Status as Requested
from bagipakai.core.reviews import Status
from bagipakai.registry import reviews as kept

pytestmark = pytest.mark.django_db
KEY = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"  # noqa: E501  # G


@pytest.fixture
def registry(monkeypatch):
    limits(monkeypatch, twice=0, pairs=2)
    return Reviewing()


@pytest.fixture
def review(registry):
    return a_review(registry, 3)


@pytest.fixture
def clerk(registry):
    return a_clerk()


@pytest.fixture
def sheet(review, clerk):
    return done(reviews.claim(review.pk, clerk))


def post(browser, address, told):
    content = told if isinstance(told, bytes) else json.dumps(told)
    return browser.post(address, content, content_type="application/json")


def test_a_clerk_sees_what_waits_takes_a_sheet_and_gives_it_back(review, clerk):
    me = entering(clerk)
    home = me.get("/").content.decode()
    assert "3 pasangan" in home and "/telaah/" in home
    assert "3 pasangan menunggu Anda." in me.get("/telaah/").content.decode()
    came = me.post(f"/telaah/{review.pk}/ambil/")
    page = me.get(came["Location"])
    assert "memerlukan JavaScript dan WebCrypto" in page.content.decode()  # said where nothing else can be
    assert "no-store" in page["Cache-Control"] and "connect-src 'self'" in page["Content-Security-Policy"]
    queue = me.get("/telaah/").content.decode()
    assert "Lanjutkan lembar ini" in queue and "Ambil lembar" not in queue and "1 pasangan menunggu" in queue
    assert "Jawab lembar yang Anda pegang" in me.get("/").content.decode()
    again = me.post(f"/telaah/{review.pk}/ambil/")
    assert again.status_code == 409 and "masih memegang satu lembar" in again.content.decode()
    assert me.post(came["Location"] + "kembalikan/")["Location"] == "/telaah/"
    queue = me.get("/telaah/").content.decode()
    assert "Dikembalikan" in queue and "3 pasangan menunggu" in queue
    shown = me.get(came["Location"]).content.decode()
    assert "data-sheet=" not in shown and "Dikembalikan penelaahnya" in shown


def test_the_script_gets_bytes_for_its_key_and_says_numbers_and_verdicts(registry, sheet, clerk):
    me, at = entering(clerk), f"/telaah/lembar/{sheet.pk}/"
    order = post(me, at + "buka/", {"key": KEY}).json()["order"]
    assert me.get(f"{at}isi/{order}").json() == {"sheet": ""}
    registry.work()
    sealed = base64.b64decode(me.get(f"{at}isi/{order}").json()["sheet"])
    assert sealed[0] == 4 and len(sealed) > 4096 and b"SITI" not in sealed
    assert me.get(f"{at}isi/TLH-1").json() == {"sheet": ""}
    for wrong in ({"key": "04"}, {"key": 5}, [], b"\xff", b"[" * 4000, {}):
        assert post(me, at + "buka/", wrong).status_code == 409
    for wrong in ({"verdicts": []}, {"verdicts": [{"pair": 0}]}, {"verdicts": "x"}, {}, b""):
        refused = post(me, at + "jawab/", wrong)
        assert refused.status_code == 409 and refused.json()["sentence"]
    said = [{"pair": pair, "verdict": "YES"} for pair, _ in sheet.turns]
    assert post(me, at + "jawab/", {"verdicts": said}).json() == {"href": "/telaah/"}
    assert post(me, at + "jawab/", {"verdicts": said}).status_code == 409
    assert "Jawaban Anda sudah diterima" in me.get("/telaah/").content.decode()
    registry.work()
    assert "Tersimpan" in me.get("/telaah/").content.decode()


def test_pairs_that_are_gone_are_told_in_a_sentence(registry, review, sheet, clerk):
    me, at = entering(clerk), f"/telaah/lembar/{sheet.pk}/"
    order = post(me, at + "buka/", {"key": KEY}).json()["order"]
    kept.destroy(registry.folder, review.order_id)
    registry.work()
    gone = me.get(f"{at}isi/{order}")
    assert gone.status_code == 409 and "sudah dihapus" in gone.json()["sentence"]


def test_a_sheet_whose_time_is_over_says_so(sheet, clerk, monkeypatch):
    limits(monkeypatch, minutes=0)
    me, at = entering(clerk), f"/telaah/lembar/{sheet.pk}/"
    assert "Waktu lembar ini sudah habis" in me.get(at).content.decode()
    assert post(me, at + "buka/", {"key": KEY}).status_code == 409
    reviews.tidy()
    sheet.refresh_from_db()
    assert sheet.status == Status.EXPIRED


def test_nobody_else_finds_a_sheet(review, sheet):
    for who in (a_clerk(), an_office()[Role.AUDITOR], an_office()[Role.CONTROLLER]):
        other = entering(who)
        for address in ("", "isi/TLH-1-1-1"):
            assert other.get(f"/telaah/lembar/{sheet.pk}/{address}").status_code == 404
        for address in ("buka/", "jawab/", "kembalikan/"):
            assert other.post(f"/telaah/lembar/{sheet.pk}/{address}").status_code == 404
    assert entering(an_office()[Role.AUDITOR]).get("/telaah/").status_code == 404
    assert entering(an_office()[Role.AUDITOR]).post(f"/telaah/{review.pk}/ambil/").status_code == 404


def test_the_review_of_a_matched_list_opens_when_it_is_delivered_and_is_told_to_who_checks_it(registry, clerk):
    """And of no other order."""
    chain = a_matching_request(Requested.QUALITY_CHECK)
    (review,) = Review.objects.all()
    assert (review.order_id, review.institution) == (chain.state.orders[-1], chain.asking.institution)
    registry.keep(review.order_id, some_pairs(3))
    registry.work()
    judge(registry, review, clerk, lambda pair: "YES")  # a sheet of two
    page = entering(an_office()[Role.QUALITY_REVIEWER]).get(f"/antrean/{chain.reference}/").content.decode()
    assert "2 dari 3 pasangan sudah diputus penelaah." in page and "Tunggu sampai telaah selesai" in page
    judge(registry, review, clerk, lambda pair: "NO")
    page = entering(an_office()[Role.QUALITY_REVIEWER]).get(f"/antrean/{chain.reference}/").content.decode()
    assert "3 dari 3 pasangan" in page and "Telaah selesai." in page
    a_request(Requested.QUALITY_CHECK)
    assert Review.objects.count() == 1
