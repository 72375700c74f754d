"""A release that was found wrong is withdrawn (S18): at once, with a reason, and everybody who holds a copy is told."""

from datetime import date, timedelta

import pytest
from tests.factories import a_person, a_release, a_request

from bagipakai.control import access, clock, keys, recall, releases
from bagipakai.control.models import Notice, Release
from bagipakai.control.trail import auditing
from bagipakai.core.access import Cause
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
def controller(chain):
    return chain.office[Role.CONTROLLER]


def test_downloads_stop_at_once_with_the_controllers_reason(chain, controller):
    grant, handler = access.grant_of(chain.reference), chain.asking[Role.AUTHORISED_HANDLER]
    assert access.may_read(grant, handler) is None
    assert recall.withdraw(VERSION, WHY, controller).withdrawal_reason == WHY
    outcome = access.download(grant, "manifest.dsse.json", handler)
    assert refused(outcome) == "release-is-withdrawn" and WHY in outcome.sentence()
    told = access.state_of(grant)
    assert (told.status.value, told.causes) == ("SUSPENDED", {Cause.RELEASE})


def test_who_holds_a_copy_is_told_once(chain, controller):
    other = a_request(at=Status.PROCESSING)
    recall.withdraw(VERSION, WHY, controller)
    told = Notice.objects.filter(code=recall.NOTICE)
    assert {one.event.subject_id for one in told} == {chain.request.pk} != {other.request.pk}
    assert {one.person for one in told} >= {chain.asking[Role.APPLICANT], chain.asking[Role.AUTHORISED_HANDLER]}
    assert [grant.request for grant in recall.grants_of(VERSION)] == [chain.request]


def test_nothing_new_is_ordered_from_it(controller):
    waiting = a_request(at=Status.PROCESSING)
    recall.withdraw(VERSION, WHY, controller)
    outcome = waiting.attempt(
        Action.PLACE_ORDER, Role.DATA_PREPARER, {"order": "x", "plan": "a" * 64, "release": VERSION}
    )
    assert refused(outcome) == "plan-release-unknown"
    assert releases.available() == []


def test_the_trail_says_who_withdrew_it_and_finds_the_row_as_told(controller):
    recall.withdraw(VERSION, WHY, controller)
    assert list(auditing.untold()) == []
    Release.objects.update(withdrawal_reason="lain")
    assert any("rilis/" in one for one in auditing.untold())


@pytest.mark.parametrize(
    ("version", "reason", "code"),
    [
        ("2020.1.0", WHY, "release-unknown"),
        (VERSION, "salah", "release-withdrawal-without-reason"),
    ],
)
def test_a_withdrawal_names_a_release_and_a_reason(controller, version, reason, code):
    assert refused(recall.withdraw(version, reason, controller)) == code
    assert not Release.objects.exclude(withdrawn_at=None).exists()


def test_only_an_officer_of_the_controller_withdraws(chain):
    for person in (chain.asking[Role.APPLICANT], chain.office[Role.COORDINATOR], a_person()):
        assert refused(recall.withdraw(VERSION, WHY, person)) in {"not-this-role", "mandate-has-ended"}
    assert Release.objects.get(version=VERSION).withdrawn_at is None


def test_it_is_withdrawn_once(controller):
    recall.withdraw(VERSION, WHY, controller)
    assert refused(recall.withdraw(VERSION, WHY, controller)) == "release-withdrawn-already"


def test_the_state_is_that_of_the_life_cycle(controller):
    a_release("2026.3.1")
    assert [life.state for life in releases.lives().values()] == [State.SUPERSEDED, State.PUBLISHED]
    recall.withdraw("2026.3.1", WHY, controller)
    assert [life.state for life in releases.lives().values()] == [State.PUBLISHED, State.WITHDRAWN]


def test_the_office_hears_that_the_registry_withdrew_it(chain, monkeypatch, tmp_path):
    from bagipakai.core.envelope import Signer

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
    assert releases.hear(told.sealed(signer)).withdrawal_reason == WHY
    assert releases.hear(told.sealed(signer)).withdrawal_reason == WHY, "heard again, it changes nothing"
    assert Release.objects.get().withdrawn_at <= clock.now() + timedelta(seconds=1)
    assert access.state_of(access.grant_of(chain.reference)).causes == {Cause.RELEASE}
