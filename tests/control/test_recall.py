"""A release that was found wrong is withdrawn (S18): at once, with a reason, and everybody who holds a copy is told."""

from datetime import date, timedelta

import pytest
from tests.factories import a_person, a_release, a_request, an_institution, an_office

from bagipakai.control import access, announcements, clock, keys, recall, releases
from bagipakai.control.models import Notice, Release
from bagipakai.control.trail import auditing
from bagipakai.core.access import Cause
from bagipakai.core.envelope import Signer
from bagipakai.core.exchange import Announcement
from bagipakai.core.lifecycle import State
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = pytest.mark.django_db
WHY = "desil satu provinsi dihitung dari berkas lama"
VERSION = "2026.3.0"


def refused(outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


@pytest.fixture
def chain():
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def controller():
    return an_office()[Role.CONTROLLER]


def test_downloads_stop_at_once_and_who_holds_a_copy_is_told_why(chain, controller):
    waiting = a_request(at=Status.PROCESSING)
    grant, handler = access.grant_of(chain.reference), chain.asking[Role.AUTHORISED_HANDLER]
    assert access.may_read(grant, handler) is None
    assert recall.withdraw(VERSION, WHY, controller).withdrawal_reason == WHY
    outcome = access.download(grant, "manifest.dsse.json", handler)
    assert refused(outcome) == "release-is-withdrawn" and WHY in outcome.sentence()
    told = access.state_of(grant)
    assert (told.status.value, told.causes) == ("SUSPENDED", {Cause.RELEASE})

    notices = Notice.objects.filter(code=recall.NOTICE)
    assert {one.event.subject_id for one in notices} == {chain.request.pk}
    assert {one.person for one in notices} >= {chain.asking[Role.APPLICANT], handler}
    assert [one.request for one in recall.grants_of(VERSION)] == [chain.request]

    order = {"order": "x", "plan": "a" * 64, "release": VERSION}
    assert refused(waiting.attempt(Action.PLACE_ORDER, Role.DATA_PREPARER, order)) == "plan-release-unknown"
    assert releases.available() == []


def test_the_trail_says_who_withdrew_it_and_finds_the_row_as_told(controller):
    recall.withdraw(VERSION, WHY, controller)
    assert list(auditing.untold()) == []
    Release.objects.update(withdrawal_reason="lain")
    assert any("rilis/" in one for one in auditing.untold())
    assert refused(recall.withdraw(VERSION, WHY, controller)) == "release-withdrawn-already"


def test_a_withdrawal_names_a_release_and_a_reason_and_is_the_controllers(controller):
    coordinator, applicant = an_office()[Role.COORDINATOR], an_institution(ready=False)[Role.APPLICANT]
    for version, reason, person, code in (
        ("2020.1.0", WHY, controller, "release-unknown"),
        (VERSION, "salah", controller, "release-withdrawal-without-reason"),
        (VERSION, WHY, coordinator, "not-this-role"),
        (VERSION, WHY, applicant, "not-this-role"),
        (VERSION, WHY, a_person(), "mandate-has-ended"),
    ):
        assert refused(recall.withdraw(version, reason, person)) == code
    assert Release.objects.get(version=VERSION).withdrawn_at is None


def test_the_state_is_that_of_the_life_cycle(controller):
    a_release("2026.3.1")
    assert [life.state for life in releases.lives().values()] == [State.SUPERSEDED, State.PUBLISHED]
    recall.withdraw("2026.3.1", WHY, controller)
    assert [life.state for life in releases.lives().values()] == [State.PUBLISHED, State.WITHDRAWN]


def test_the_office_hears_that_the_registry_withdrew_it(chain, monkeypatch, tmp_path):
    signer = Signer.new()
    monkeypatch.setattr(keys, "receipt_key", lambda: signer.public)
    release = Release.objects.get(version=VERSION)
    told = Announcement(
        version=VERSION,
        digest=release.digest,
        standard=release.standard,
        region_system="KEMENDAGRI",
        region_edition=release.region_edition,
        published_on=date(2026, 9, 30),
        persons=release.persons,
        families=release.families,
        regions=(),
        withdrawn=WHY,
        notes="x",
        quality={"judged": 300, "above": 0, "exempted_by": 0},
        changes={"born": 10, "left": None},
    )
    assert announcements.hear(told.sealed(signer)).withdrawal_reason == WHY
    assert announcements.hear(told.sealed(signer)).withdrawal_reason == WHY, "heard again, it changes nothing"
    assert Release.objects.get().withdrawn_at <= clock.now() + timedelta(seconds=1)
    assert access.state_of(access.grant_of(chain.reference)).causes == {Cause.RELEASE}
