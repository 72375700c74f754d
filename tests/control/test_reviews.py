"""Clerks claim sheets and judge pairs: nobody twice, nobody their own house's, drawn pairs by two and by a third where
they differ; what was claimed and not answered waits again. And the office never holds a value of a pair."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.factories import a_seat, an_institution, an_office, done
from tests.reviewed import Reviewing, a_clerk, a_review, judge, limits

from bagipakai.control import clock, custody, ledger, requests, reviews
from bagipakai.control.models import Denial, Review, Sheet, SheetEvent
from bagipakai.control.trail import auditing
from bagipakai.core.request import Role
from bagipakai.core.reviews import Status
from bagipakai.registry import reviews as kept
from bagipakai.registry import sheets

pytestmark = pytest.mark.django_db

YES = lambda pair: "YES"  # noqa: E731


@pytest.fixture
def registry():
    return Reviewing()


@pytest.fixture
def ani(registry):
    return a_clerk()


@pytest.fixture
def budi(registry):
    return a_clerk()


@pytest.fixture
def cici(registry):
    return a_clerk()


def said(registry, review):
    return kept.reviewed(kept.labels(registry.folder, review.order_id, registry.keys.order))


def test_pairs_wait_for_clerks_are_claimed_for_a_time_and_wait_again(registry, ani, budi, monkeypatch):
    limits(monkeypatch, pairs=2, twice=0)
    review = a_review(registry, 3)
    assert [(one.review.pk, one.pairs) for one in reviews.queue(ani)] == [(review.pk, 3)]
    sheet = done(reviews.claim(review.pk, ani))
    assert len(sheet.turns) == 2 and reviews.holding(ani) == sheet
    assert [one.pairs for one in reviews.queue(budi)] == [1]
    assert reviews.claim(review.pk, ani).code == "holds-a-sheet-already"
    with pytest.raises(reviews.UnknownSheet):
        reviews.get(sheet.pk, budi)
    done(reviews.give_back(sheet, ani))
    assert [one.pairs for one in reviews.queue(budi)] == [3]
    other = done(reviews.claim(review.pk, budi))
    assert reviews.tidy(clock.now() + timedelta(minutes=59)) == 0
    assert reviews.tidy(clock.now() + timedelta(minutes=61)) == 1
    other.refresh_from_db()
    assert (other.status, reviews.holding(budi)) == (Status.EXPIRED, None)
    assert reviews.answer(other, budi, []).code in {"form-is-incomplete", "not-at-this-stage"}
    assert Denial.objects.filter(code="holds-a-sheet-already").exists()


def test_a_sheet_reaches_its_clerk_sealed_and_labels_reach_the_registry(registry, ani, monkeypatch):
    limits(monkeypatch, twice=0)
    review = a_review(registry, 3)
    sheet = done(reviews.claim(review.pk, ani))
    reader = ec.generate_private_key(ec.SECP256R1())
    point = reader.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()
    order = done(reviews.unlock(sheet, ani, point)).payload["order"]
    assert reviews.sealed(sheet, order) is None
    registry.work()
    told = reviews.sealed(sheet, order)
    assert b"SITI ZAKIYAH" in sheets.opened(told.sheet, reader, order)
    assert reviews.sealed(sheet, "TLH-1") is None  # what was answered to another order is not a sheet
    verdict = ("YES", "NO", "UNSURE")
    done(reviews.answer(sheet, ani, [{"pair": pair, "verdict": verdict[pair]} for pair, _ in sheet.turns]))
    registry.work()
    sheet.refresh_from_db()
    review.refresh_from_db()
    assert sheet.status == Status.KEPT and review.finished_at is not None and reviews.queue(a_clerk()) == []
    assert {pair: one.verdicts for pair, one in said(registry, review).items()} == {
        pair: (one,) for pair, one in enumerate(verdict)
    }
    payloads = str(list(SheetEvent.objects.values_list("payload", flat=True)))
    assert "SITI" not in payloads and "5203014509880001" not in payloads
    assert ledger.broken_at(SheetEvent, sheet) is None and list(auditing.untold()) == []


def test_drawn_pairs_are_judged_by_two_and_a_third_where_they_differ(registry, ani, budi, cici, monkeypatch):
    limits(monkeypatch, twice=1000)
    review = a_review(registry, 3)
    assert reviews.progress(review.order_id) == reviews.Progress(3, 0, True)
    judge(registry, review, ani, YES)
    assert [one.pairs for one in reviews.queue(ani)] == []  # nobody judges a pair twice
    assert reviews.claim(review.pk, ani).code == "no-pair-waits"
    judge(registry, review, budi, lambda pair: "NO" if pair == 1 else "YES")
    assert reviews.progress(review.order_id) == reviews.Progress(3, 2, True)
    assert [one.pairs for one in reviews.queue(budi)] == []
    sheet = judge(registry, review, cici, lambda pair: "NO")
    assert sheet.turns == [[1, 3]]
    found = {pair: (one.verdicts, one.verdict) for pair, one in said(registry, review).items()}
    assert found == {0: (("YES", "YES"), "YES"), 1: (("YES", "NO", "NO"), "NO"), 2: (("YES", "YES"), "YES")}
    review.refresh_from_db()
    assert review.finished_at is not None
    assert reviews.progress(review.order_id) == reviews.Progress(3, 3, False) and reviews.progress("PES-X") is None


def test_whoever_belongs_to_the_senders_house_or_to_none_of_the_controllers_judges_nothing(registry, ani):
    review = a_review(registry)
    stranger = a_clerk(an_institution(ready=False).institution)
    assert reviews.queue(stranger) == []
    assert reviews.claim(review.pk, stranger).code == "works-for-another-controller"
    a_seat(review.institution, Role.AUTHORISED_HANDLER, person=ani)  # a second post, at the sender's
    assert reviews.queue(ani) == []
    assert reviews.claim(review.pk, ani).code == "list-is-of-an-own-house"
    auditor = an_office()[Role.AUDITOR]
    assert reviews.queue(auditor) == [] and reviews.claim(review.pk, auditor).code == "not-this-role"
    assert Sheet.objects.count() == 0


def test_a_clerk_sees_no_request(registry, ani):
    a_review(registry)
    assert not requests.visible(ani).exists()


def test_two_who_claim_at_once_get_different_pairs(registry, ani, budi, monkeypatch):
    """One of them is overtaken between looking and writing, and looks again."""
    limits(monkeypatch, pairs=2, twice=0)
    review = a_review(registry, 3)
    drawn, overtaken = reviews._drawn, []

    def slow(*asked):
        found = drawn(*asked)
        if not overtaken:
            overtaken.append(True)
            done(reviews.claim(review.pk, budi))
        return found

    monkeypatch.setattr(reviews, "_drawn", slow)
    mine = done(reviews.claim(review.pk, ani))
    theirs = Sheet.objects.get(person=budi)
    assert not {pair for pair, _ in mine.turns} & {pair for pair, _ in theirs.turns}


def test_pairs_that_the_registry_does_not_have_are_told_and_offered_to_nobody(registry, ani):
    row = done(requests.create(an_institution(ready=False)[Role.APPLICANT]))
    review = reviews.open_for(row, "PES-TANPA-1")
    assert reviews.open_for(row, "PES-TANPA-1") == review and Review.objects.count() == 1
    registry.work()
    review.refresh_from_db()
    assert (review.pairs, review.refusal) == (None, "review-unknown")
    assert reviews.queue(ani) == [] and reviews.claim(review.pk, ani).code == "review-unknown"


def test_after_a_receipt_that_the_registry_did_not_sign_the_pairs_wait_again(registry, ani, monkeypatch):
    limits(monkeypatch, twice=0)
    review = a_review(registry, 2)
    sheet = done(reviews.claim(review.pk, ani))
    done(reviews.answer(sheet, ani, [{"pair": pair, "verdict": "YES"} for pair, _ in sheet.turns]))
    assert custody.rotate("order").code == "orders-are-waiting"
    registry.post(reviews.labels_id(sheet), b"{}")
    reviews.collect()
    sheet.refresh_from_db()
    assert sheet.status == Status.REFUSED
    assert [one.pairs for one in reviews.queue(ani)] == [2]
