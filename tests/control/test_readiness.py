"""S07: readiness comes before the request, and its end stops what rests on it."""

from datetime import timedelta

import pytest
from tests.authenticators import act
from tests.factories import (
    DOCUMENTS,
    a_certificate,
    a_pdf,
    a_request,
    an_institution,
    an_office,
    answers,
    done,
)
from tests.trail import witnessed

from bagipakai.control import access, clock, readiness, requests
from bagipakai.control.models import Grant, ReadinessEvent, ReadinessReview
from bagipakai.core.readiness import Action as Review
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def refused(outcome):
    assert isinstance(outcome, Refusal)
    return outcome.code


def _filled(chain):
    done(chain.write(**answers()))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    return chain


def test_a_draft_may_be_written_without_a_certificate_but_not_sent():
    chain = _filled(a_request(asking=an_institution(ready=False)))
    assert refused(chain.attempt(Action.SUBMIT, Role.APPLICANT)) == "readiness-has-lapsed"
    a_certificate(chain.asking)
    chain.step(Action.SUBMIT, Role.APPLICANT)


def test_a_certificate_covers_the_levels_it_names():
    house = an_institution(ready=False)
    a_certificate(house, levels=("L1", "L2"))
    chain = _filled(a_request(asking=house))
    assert refused(chain.attempt(Action.SUBMIT, Role.APPLICANT)) == "readiness-does-not-cover-it"


def test_the_certificate_ends_at_midnight_in_jakarta(at):
    chain = _filled(a_request())
    last = readiness.standing(chain.asking.institution, clock.now()).valid_until
    with at(f"{last + timedelta(days=1)} 00:00"):
        outcome = chain.attempt(Action.SUBMIT, Role.APPLICANT)
        assert refused(outcome) == "readiness-has-lapsed"
        done(chain.write(programme="Draf tetap dapat diubah"))


def test_its_end_stops_reading_and_its_renewal_resumes_it(at):
    """Grants suspend and resume with one event each; reading stops at midnight, whether or not a job ran."""
    chain = a_request(at=Status.ACCESS_GRANTED, asking=_soon_lapsing())
    grant = Grant.objects.get(request=chain.request)
    handler = chain.asking[Role.AUTHORISED_HANDLER]
    last = readiness.standing(chain.asking.institution, clock.now()).valid_until
    with at(f"{last} 23:59:59"):
        witnessed()
        assert access.may_read(grant, handler) is None
    with at(f"{last + timedelta(days=1)} 00:00"):
        assert refused(access.download(grant, "kamus.csv.age", handler)) == "readiness-has-lapsed"
        assert readiness.tidy() == 1
        assert access.tidy() == 1
        assert access.tidy() == 0
        assert Grant.objects.get(pk=grant.pk).status == "SUSPENDED"
        a_certificate(chain.asking)
        assert access.tidy() == 1
        assert Grant.objects.get(pk=grant.pk).status == "ACTIVE"
        witnessed()
        assert access.may_read(grant, handler) is None


def _soon_lapsing():
    house = an_institution(ready=False)
    a_certificate(house, days=30)
    return house


def test_a_suspended_certificate_counts_at_once(at):
    house = an_institution()
    row = ReadinessReview.objects.get(institution=house.institution)
    reviewer = an_office()[Role.READINESS_REVIEWER]
    chain = _filled(a_request(asking=house))
    done(act(readiness, row.pk, Review.SUSPEND, reviewer, {"reason": "Insiden"}, row.n))
    assert refused(chain.attempt(Action.SUBMIT, Role.APPLICANT)) == "readiness-has-lapsed"
    done(act(readiness, row.pk, Review.REINSTATE, reviewer, {"reason": "Selesai"}, row.n + 1))
    chain.step(Action.SUBMIT, Role.APPLICANT)


def test_who_says_yes_shows_it():
    house = an_institution(ready=False)
    row = done(readiness.begin(house[Role.APPLICANT], ("L1",)))
    items = readiness.instrument(readiness.state(row.pk))
    assert items
    for code in items:
        seen = readiness.state(row.pk).n
        answer = {"item": code, "answer": "YES", "note": ""}
        done(act(readiness, row.pk, Review.ANSWER, house[Role.APPLICANT], answer, seen))
    officer = house[Role.ACCOUNTABLE_OFFICER]
    assert refused(act(readiness, row.pk, Review.DECLARE, officer, {}, readiness.state(row.pk).n)) == (
        "evidence-is-missing"
    )


def test_evidence_is_checked_like_every_file():
    import io

    house = an_institution(ready=False)
    row = done(readiness.begin(house[Role.APPLICANT], ("L1",)))
    item = next(iter(readiness.instrument(readiness.state(row.pk))))
    outcome = readiness.attach(row.pk, house[Role.APPLICANT], item, io.BytesIO(b"MZ"), "bukti.pdf", seen=1)
    assert refused(outcome) == "document-type-not-accepted"
    outcome = readiness.attach(row.pk, house[Role.APPLICANT], "TIDAK-ADA", a_pdf(), "bukti.pdf", seen=1)
    assert refused(outcome) == "item-is-unknown"
    assert ReadinessEvent.objects.filter(subject=row).count() == 1


def test_nobody_reviews_the_own_institution():
    from tests.factories import a_seat

    office = an_office()
    seat = a_seat(office.institution, Role.APPLICANT)
    row = done(readiness.begin(seat, ("L1",)))
    outcome = act(readiness, row.pk, Review.ANSWER, an_institution(ready=False)[Role.APPLICANT], {}, 1)
    assert refused(outcome) == "not-this-role"
    assert readiness.queue(office[Role.READINESS_REVIEWER]) == []


def test_a_review_is_seen_by_its_institution_and_once_declared_by_the_reviewer():
    house, other = an_institution(ready=False), an_institution(ready=False)
    row = done(readiness.begin(house[Role.APPLICANT], ("L1",)))
    reviewer = an_office()[Role.READINESS_REVIEWER]
    assert row in readiness.visible(house[Role.APPLICANT])
    assert row not in readiness.visible(other[Role.APPLICANT])
    assert row not in readiness.visible(reviewer)
    with pytest.raises(readiness.UnknownReview):
        readiness.get(row.pk, other[Role.APPLICANT])
    a_certificate(other)
    assert ReadinessReview.objects.get(institution=other.institution) in readiness.visible(reviewer)


def test_grant_waits_while_readiness_has_lapsed_and_goes_on_after(at):
    """The last signature falls on a day without a certificate: nothing is granted until there is one again."""
    chain = a_request(at=Status.HANDOVER_SIGNING, asking=_soon_lapsing())
    last = readiness.standing(chain.asking.institution, clock.now()).valid_until
    with at(f"{last + timedelta(days=1)} 09:00"):
        chain.sign(Action.SIGN_HANDOVER)
        assert chain.state.status is Status.HANDOVER_SIGNING
        assert not Grant.objects.filter(request=chain.request).exists()
        assert requests.follow_up() == 0
        a_certificate(chain.asking)
        assert requests.follow_up() == 1
        assert chain.state.status is Status.ACCESS_GRANTED
