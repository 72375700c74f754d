"""The right to read ends by itself; whatever stands in the way is asked at each reading."""

import json
from datetime import timedelta

import pytest
from tests.authenticators import order_about
from tests.factories import a_request, a_seat, an_institution
from tests.owner import rewrite
from tests.trail import witnessed

from bagipakai.control import access, clock, register
from bagipakai.control.models import Denial, Grant, Person, Reading, Release
from bagipakai.control.trail import house, leaving
from bagipakai.core.manifest import MANIFEST_NAME
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role, Status
from bagipakai.core.witnesses import LogProof

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

PART = "bagian-0001.csv.age"


@pytest.fixture
def chain():
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain):
    return Grant.objects.get(request=chain.request)


@pytest.fixture
def handler(chain):
    return chain.asking[Role.AUTHORISED_HANDLER]


def refused(outcome):
    assert isinstance(outcome, Refusal)
    return outcome.code


def test_it_ends_at_that_second(grant, handler, at):
    """S10: with no job, no event, no clock but the reading's own."""
    end = clock.today() + timedelta(days=200)
    with at(f"{end} 23:59:59"):
        witnessed()
        assert not isinstance(access.download(grant, PART, handler), Refusal)
        assert register.entries()[0].status == "ACTIVE"
    with at(f"{end + timedelta(days=1)} 00:00:00"):
        assert refused(access.download(grant, PART, handler)) in ("access-has-ended", "readiness-has-lapsed")
        assert register.entries()[0].status == "EXPIRED"
        assert Grant.objects.get(pk=grant.pk).status == "ACTIVE"  # nobody has written it down yet
        access.tidy()
        assert Grant.objects.get(pk=grant.pk).status == "EXPIRED"


def test_nothing_leaves_when_nobody_has_seen_the_trail_for_four_hours(grant, handler, at):
    """By the witnesses' own clocks; once they have seen it again, it leaves."""
    witnessed()
    seen = clock.now()
    with at((seen + timedelta(hours=3, minutes=59)).isoformat()):
        assert access.may_read(grant, handler) is None
    with at((seen + timedelta(hours=4, minutes=1)).isoformat()):
        assert refused(access.download(grant, PART, handler)) == "trail-is-not-witnessed"
        witnessed()
        assert access.download(grant, PART, handler).is_file()


def test_nothing_leaves_before_its_manifest_is_in_the_trail(grant, handler):
    rewrite(f"UPDATE trail.leaf SET seq = NULL WHERE about = '{grant.package}'", "trail.leaf", fence="numbered")
    assert refused(access.download(grant, PART, handler)) == "not-yet-in-the-trail"


def test_what_the_trail_tells_of_another_manifest_opens_nothing(grant, handler):
    """Alone, it lets nothing leave; beside the true one, it neither stands in its way nor in its place."""
    leaving.sealed(grant.package, "00" * 32)
    witnessed()
    assert access.download(grant, PART, handler).is_file()
    assert json.loads(access.proof_of(grant)["manifest.leaf.json"])["object_hash"] == grant.manifest
    rewrite(f"UPDATE trail.leaf SET seq = NULL WHERE body LIKE '%{grant.manifest}%'", "trail.leaf", fence="numbered")
    assert refused(access.download(grant, PART, handler)) == "not-yet-in-the-trail"
    assert access.proof_of(grant) == {}


def test_the_recipient_takes_the_proof_along(grant):
    proof, leaf = (access.proof_of(grant)[name] for name in ("manifest.tlog-proof", "manifest.leaf.json"))
    assert LogProof.read(proof).shows(leaf, house.policy())
    assert json.loads(leaf)["object_hash"] == grant.manifest


def test_every_part_is_named_by_the_sealed_manifest(grant, handler):
    assert access.parts(grant) == [MANIFEST_NAME, PART, "kamus.csv.age", "metadata.json.age"]
    for part in access.parts(grant):
        assert access.download(grant, part, handler).is_file()
    for hostile in ("../manifest.dsse.json", "/etc/passwd", "", "bagian-0002.csv.age", "a\x00b"):
        assert isinstance(access.download(grant, hostile, handler), Refusal), hostile
    assert Reading.objects.count() == 4


def test_every_refusal_is_written_down(grant, handler):
    access.download(grant, "bagian-0002.csv.age", handler)
    no = Denial.objects.get(person=handler)
    assert (no.code, no.detail) == ("part-unknown", {}), "what was typed is not kept"


def test_only_a_handler_of_that_institution_reads(chain, grant):
    assert refused(access.download(grant, PART, chain.asking[Role.APPLICANT])) == "not-this-role"
    assert refused(access.download(grant, PART, chain.office[Role.DATA_PREPARER])) == "not-this-role"
    stranger = an_institution(ready=False)[Role.AUTHORISED_HANDLER]
    assert refused(access.download(grant, PART, stranger)) == "belongs-to-another-institution"


def test_a_handler_needs_competence_and_an_active_account(chain, grant, handler):
    from tests.factories import a_person

    seat = a_seat(chain.asking.institution, Role.AUTHORISED_HANDLER, person=a_person(competent=False))
    assert refused(access.download(grant, PART, seat)) == "competence-has-ended"
    Person.objects.filter(pk=handler.pk).update(state="SUSPENDED")
    assert refused(access.download(grant, PART, handler)) == "account-is-not-active"


@pytest.mark.parametrize("role", [Role.CONTROLLER, Role.ADMIN_VERIFIER, Role.READINESS_REVIEWER])
def test_whoever_took_part_for_the_controller_receives_nothing(chain, grant, role):
    """On a lawful post at the asking institution."""
    seat = a_seat(chain.asking.institution, Role.AUTHORISED_HANDLER, person=chain.office[role])
    assert refused(access.download(grant, PART, seat)) == "took-part-for-the-controller"
    assert refused(access.may_confirm(grant, seat)) == "took-part-for-the-controller"


def test_the_controller_suspends_lifts_and_revokes(chain, grant, handler):
    """S09: from the stored decision on, nothing is read."""
    controller = chain.office[Role.CONTROLLER]
    order_about(grant, access.Action.SUSPEND, controller, "Laporan penyalahgunaan")
    assert refused(access.download(grant, PART, handler)) == "not-at-this-stage"
    order_about(grant, access.Action.RESUME, controller, "Tidak terbukti")
    assert not isinstance(access.download(grant, PART, handler), Refusal)
    order_about(grant, access.Action.REVOKE, controller, "Perjanjian diakhiri")
    assert refused(access.download(grant, PART, handler)) == "not-at-this-stage"
    assert refused(order_about(grant, access.Action.RESUME, controller, "Batal")) == "not-at-this-stage"
    assert register.entries()[0].status == "REVOKED"


def test_nobody_else_suspends(chain, grant, handler):
    for person in (handler, chain.office[Role.COORDINATOR]):
        assert refused(order_about(grant, access.Action.SUSPEND, person, "x")) == "not-this-role"


def test_a_withdrawn_release_is_read_by_nobody(grant, handler):
    """S18."""
    Release.objects.update(withdrawn_at=clock.now())
    assert refused(access.download(grant, PART, handler)) == "release-is-withdrawn"


def test_a_package_that_is_not_the_granted_one_is_not_handed_out(grant, handler):
    manifest = access.packages() / grant.package / MANIFEST_NAME
    whole = manifest.read_bytes()
    try:
        manifest.write_bytes(whole + b" ")
        assert refused(access.download(grant, PART, handler)) == "is-not-the-granted-package"
        manifest.unlink()
        assert refused(access.download(grant, PART, handler)) == "is-not-the-granted-package"
    finally:
        manifest.write_bytes(whole)
