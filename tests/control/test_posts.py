"""S04 and S08: rights belong to a post, between two instants; nobody examines what they wrote."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from tests.authenticators import act
from tests.factories import a_person, a_request, a_seat, an_institution, an_office, done

from bagipakai.control import clock, institutions, people, requests
from bagipakai.control.models import Denial, Person, Tenure
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

CHECKS = {
    Status.ADMIN_CHECK: (Action.PASS_ADMIN, Role.ADMIN_VERIFIER, {}),
    Status.SUBSTANCE_CHECK: (
        Action.PROPOSE,
        Role.SUBSTANCE_VERIFIER,
        {"verdicts": {"nik": {"verdict": "REJECT", "level": "L4", "reason": "x"}}},
    ),
    Status.COORDINATOR_DECISION: (Action.REJECT, Role.COORDINATOR, {"reason": "x"}),
    Status.QUALITY_CHECK: (Action.FAIL_QUALITY, Role.QUALITY_REVIEWER, {"reason": "x"}),
}


def refused(outcome):
    assert isinstance(outcome, Refusal)
    return outcome.code


@pytest.mark.parametrize("status", CHECKS)
def test_whoever_wrote_it_examines_nothing_in_it(status):
    """S04: Ani wrote it and later joins the unit that examines."""
    action, role, payload = CHECKS[status]
    chain = a_request(at=status)
    ani = chain.asking[Role.APPLICANT]
    _make_competent(ani)
    a_seat(chain.office.institution, role, person=ani)
    outcome = act(requests, chain.reference, action, ani, payload, chain.state.n)
    assert refused(outcome) == "drafted-it-themselves"
    assert Denial.objects.get(person=ani).code == "drafted-it-themselves"


def test_attaching_one_file_is_writing_it():
    chain = a_request()
    ani = a_seat(chain.asking.institution, Role.APPLICANT).person
    from tests.factories import a_pdf

    done(requests.attach(chain.reference, ani, "NDA", a_pdf("NDA lain"), "nda.pdf", seen=chain.state.n))
    from tests.factories import _send

    _send(chain, "L4", {})
    a_seat(chain.office.institution, Role.ADMIN_VERIFIER, person=ani)
    outcome = act(requests, chain.reference, Action.PASS_ADMIN, ani, {}, chain.state.n)
    assert refused(outcome) == "drafted-it-themselves"


def test_nobody_does_two_checks_of_one_chain():
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    verifier = chain.office[Role.ADMIN_VERIFIER]
    a_seat(chain.office.institution, Role.SUBSTANCE_VERIFIER, person=verifier)
    action, _, payload = CHECKS[Status.SUBSTANCE_CHECK]
    outcome = act(requests, chain.reference, action, verifier, payload, chain.state.n)
    assert refused(outcome) == "already-examined-it"


def test_whoever_certified_readiness_examines_nothing_of_that_institution():
    chain = a_request(at=Status.ADMIN_CHECK)
    reviewer = chain.office[Role.READINESS_REVIEWER]
    a_seat(chain.office.institution, Role.ADMIN_VERIFIER, person=reviewer)
    outcome = act(requests, chain.reference, Action.PASS_ADMIN, reviewer, {}, chain.state.n)
    assert refused(outcome) == "already-examined-it"


def test_an_examiner_of_an_institution_without_mandate_has_no_business_here():
    chain = a_request(at=Status.ADMIN_CHECK)
    other = an_institution(ready=False)
    seat = a_seat(other.institution, Role.ADMIN_VERIFIER)
    outcome = act(requests, chain.reference, Action.PASS_ADMIN, seat.person, {}, chain.state.n)
    assert refused(outcome) == "not-this-role"
    controller = an_office().institution
    mandate = institutions.mandate(controller, other.institution, number="MoU 1", scope="Pengecekan administrasi")
    institutions.end_mandate(mandate)
    outcome = act(requests, chain.reference, Action.PASS_ADMIN, seat.person, {}, chain.state.n)
    assert refused(outcome) == "not-this-role"
    institutions.mandate(controller, other.institution, number="MoU 2", scope="Pengecekan administrasi")
    done(act(requests, chain.reference, Action.PASS_ADMIN, seat.person, {}, chain.state.n))


def test_nobody_examines_a_request_of_the_own_institution():
    """Invariant 2: even with a mandate to examine for the controller."""
    chain = a_request(at=Status.ADMIN_CHECK)
    seat = a_seat(chain.asking.institution, Role.ADMIN_VERIFIER)
    institutions.mandate(an_office().institution, chain.asking.institution, number="MoU 1", scope="Semua")
    outcome = act(requests, chain.reference, Action.PASS_ADMIN, seat.person, {}, chain.state.n)
    assert refused(outcome) == "belongs-to-own-institution"
    assert requests.queue(seat.person) == []


def test_a_lost_post_counts_from_that_moment():
    """S08: no cached authority; what was done stays done and attributed."""
    chain = a_request(at=Status.ADMIN_CHECK)
    verifier = chain.office[Role.ADMIN_VERIFIER]
    (tenure,) = people.tenures(verifier)
    people.relieve(tenure)
    assert refused(chain.attempt(Action.PASS_ADMIN, Role.ADMIN_VERIFIER)) == "mandate-has-ended"
    assert requests.queue(verifier) == []
    assert not requests.visible(verifier).exists()


def test_the_acting_officer_takes_over_between_two_dates(at):
    """S08, S20: a Plh holds the post from Tuesday to Friday, and not a minute longer."""
    chain = a_request(at=Status.ADMIN_CHECK)
    (tenure,) = people.tenures(chain.office[Role.ADMIN_VERIFIER])
    plh, today = a_person(), clock.today()
    last = today + timedelta(days=3)
    acting = people.appoint(plh, tenure.post, kind="PLH", since=today, until=last, mandate="SPT 7/2026")
    assert [one.request for one in requests.queue(plh)] == [chain.request]
    with at(f"{last} 23:59:59"):
        assert requests.possible(chain.reference, acting)
    with at(f"{last + timedelta(days=1)} 00:00"):
        outcome = act(requests, chain.reference, Action.PASS_ADMIN, acting, {}, chain.state.n)
        assert refused(outcome) == "mandate-has-ended"
    event = done(act(requests, chain.reference, Action.PASS_ADMIN, acting, {}, chain.state.n))
    assert (event.actor.person, event.actor.post) == (str(plh.pk), str(tenure.post.pk))


def test_requests_stay_with_the_institution_when_their_writer_leaves():
    chain = a_request()
    (tenure,) = people.tenures(chain.asking[Role.APPLICANT])
    people.relieve(tenure)
    successor = people.appoint(a_person(), tenure.post, mandate="SK 9/2026")
    assert list(requests.visible(successor)) == [chain.request]
    done(requests.save_answers(chain.reference, successor, {"programme": "PKH"}, chain.state.n))


def test_a_suspended_account_does_nothing():
    chain = a_request(at=Status.ADMIN_CHECK)
    Person.objects.filter(pk=chain.office[Role.ADMIN_VERIFIER].pk).update(state="SUSPENDED")
    assert refused(chain.attempt(Action.PASS_ADMIN, Role.ADMIN_VERIFIER)) == "account-is-not-active"


def test_a_competence_that_ran_out_is_a_no(at):
    """R-17."""
    chain = a_request(at=Status.ADMIN_CHECK)
    last = clock.today() + timedelta(days=365)
    with at(f"{last + timedelta(days=1)} 09:00"):
        assert refused(chain.attempt(Action.PASS_ADMIN, Role.ADMIN_VERIFIER)) == "competence-has-ended"


def test_somebody_without_competence_examines_nothing():
    chain = a_request(at=Status.ADMIN_CHECK)
    seat = a_seat(chain.office.institution, Role.ADMIN_VERIFIER, person=a_person(competent=False))
    outcome = act(requests, chain.reference, Action.PASS_ADMIN, seat, {}, chain.state.n)
    assert refused(outcome) == "competence-has-ended"


def test_two_do_not_hold_one_post_definitively():
    (tenure,) = people.tenures(an_office()[Role.COORDINATOR])
    with pytest.raises(ValidationError):
        people.appoint(a_person(), tenure.post, mandate="SK 2/2026")
    with pytest.raises(ValidationError):
        people.appoint(a_person(), tenure.post, mandate="SPT 2/2026", kind="PLT")  # an acting officer has an end


def test_a_post_with_an_unknown_role_is_not_opened():
    with pytest.raises(ValidationError):
        institutions.open_post(an_office().institution, "Jabatan aneh", "KEPALA_SEGALANYA")
    with pytest.raises(ValidationError):
        institutions.open_post(an_office().institution, "Jabatan mesin", Role.SYSTEM)


def test_the_queue_is_of_the_post_and_the_most_urgent_first():
    first, second = a_request(at=Status.ADMIN_CHECK), a_request(at=Status.ADMIN_CHECK)
    verifier = an_office()[Role.ADMIN_VERIFIER]
    waiting = requests.queue(verifier)
    assert [one.request for one in waiting] == [first.request, second.request]
    assert all(one.due_on is not None and one.days is not None for one in waiting)
    assert requests.queue(an_office()[Role.SUBSTANCE_VERIFIER]) == []


def test_a_claim_tells_colleagues_and_ends_by_itself(at):
    chain = a_request(at=Status.ADMIN_CHECK)
    verifier, colleague = chain.office[Role.ADMIN_VERIFIER], a_seat(chain.office.institution, Role.ADMIN_VERIFIER)
    assert requests.claim(chain.reference, verifier) is None
    assert requests.claim(chain.reference, colleague).code == "claimed-by-another"
    (waiting,) = requests.queue(colleague)
    assert waiting.claimed_by == verifier
    with at((clock.now() + timedelta(minutes=61)).isoformat()):
        assert requests.claim(chain.reference, colleague) is None
    requests.release(chain.reference, colleague)
    assert requests.queue(verifier)[0].claimed_by is None


def _make_competent(person):
    from tests.factories import FIELDS

    for field in FIELDS:
        until = clock.today() + timedelta(days=100)
        people.attest(person, field, number="SK", issuer="Lembaga Uji", until=until)
    assert Tenure.objects.filter(person=person).exists()
