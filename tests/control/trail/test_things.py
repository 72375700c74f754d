"""Who is who and who may act for whom is told in the trail as it changes; what the trail does not tell of is named."""

import itertools
import json
import shutil
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from tests.factories import PASSWORD, a_person, a_request, a_seat, an_institution, an_office
from tests.fakes import Registry
from tests.owner import change, rewrite
from tests.quality import a_statement

from bagipakai.control import circumstances, clock, institutions, matching_quality, people, releases
from bagipakai.control.models import Institution, Person, Post, Release, Tenure
from bagipakai.control.trail import auditing, leaves, things
from bagipakai.core import policy
from bagipakai.core.request import Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def told(event=None):
    """(event, about, body, payload) of every leaf, or of those of one event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event, about, body, payload FROM trail.leaf LEFT JOIN trail.opening ON leaf = id"
            " WHERE %s::text IS NULL OR event = %s ORDER BY id",
            [event, event],
        )
        return [
            (one, about, json.loads(body), json.loads(kept or "{}")) for one, about, body, kept in cursor.fetchall()
        ]


@pytest.fixture
def seat():
    """Somebody on a post of the controller."""
    return a_seat(an_office().institution, Role.CONTROLLER)


def a_mandate():
    processor = an_institution(ready=False).institution
    return institutions.mandate(an_office().institution, processor, number="MoU 1", scope="Pengecekan administrasi")


CHANGES = {
    "institution.REGISTER": lambda seat: institutions.register("LEMBAGA-BARU", "Lembaga Baru", "KL"),
    "post.OPEN": lambda seat: institutions.open_post(seat.post.institution, "Jabatan baru", Role.CONTROLLER),
    "person.REGISTER": lambda seat: people.register("baru@contoh.go.id", "Orang Baru", PASSWORD),
    "tenure.GIVE": lambda seat: people.appoint(a_person(), institutions.open_post(*another(seat)), mandate="SK 9/2026"),
    "tenure.END": people.relieve,
    "competence.ATTEST": lambda seat: people.attest(
        seat.person, "LEGAL", number="SK", issuer="Lembaga Uji", until=clock.today()
    ),
    "mandate.GIVE": lambda seat: a_mandate(),
    "mandate.END": lambda seat: institutions.end_mandate(a_mandate()),
    "release.ANNOUNCE": lambda seat: releases.announce(
        "2027.1.0",
        digest="cd" * 32,
        standard="DTSEN-STD 2026.1",
        region_edition="2025",
        published_on=clock.today(),
        persons=1,
        families=1,
    ),
    "matching-quality.STATE": lambda seat: matching_quality.hear(a_statement().sealed(Registry().keys.receipt)),
}


def another(seat):
    return seat.post.institution, "Jabatan lain", Role.COORDINATOR


@pytest.mark.parametrize("event", CHANGES)
def test_a_change_of_who_may_act_is_a_leaf(event, seat):
    before = len(told(event))
    CHANGES[event](seat)
    *_, (_, about, body, payload) = told(event)
    assert len(told(event)) == before + 1
    assert body["object_ref"] == about and payload
    assert list(auditing.untold()) == []


def test_every_kind_of_row_has_a_change_that_is_tried():
    assert {event.partition(".")[0] for event in CHANGES} == {kind.event for kind in things.KINDS.values()}


def test_the_end_of_a_post_names_its_beginning(seat):
    people.relieve(seat)
    given, ended = (
        next(one for one in told(f"tenure.{deed}") if one[1] == things.about(seat)) for deed in ("GIVE", "END")
    )
    assert ended[2]["prev_object_hash"] == given[2]["object_hash"]
    assert (given[3]["ended_at"], ended[3]["ended_at"]) == (None, seat.ended_at.isoformat())


def test_an_ended_mandate_lets_nobody_act():
    mandate = a_mandate()
    assert institutions.serves(mandate.processor, mandate.controller)
    institutions.end_mandate(mandate)
    assert not institutions.serves(mandate.processor, mandate.controller)


def test_no_name_address_or_number_of_a_person_is_told():
    person = people.register("siti.aminah@contoh.go.id", "Siti Aminah", PASSWORD, nip="198001012005012001")
    everything = str(told())
    assert f"orang/{person.pk}" in everything
    assert not [one for one in ("siti", "Siti", "Aminah", "198001012005012001", person.password) if one in everything]


def test_a_change_that_fails_is_not_told(seat):
    before = len(told())
    with pytest.raises(IntegrityError):
        from django.db import transaction

        with transaction.atomic():
            people.relieve(seat)
            Person.objects.create(email=seat.person.email, name="X", registered_at=clock.now())
    assert len(told()) == before


# What was put in behind the office's back


def test_a_quiet_office_has_nothing_untold():
    a_request(at=Status.ACCESS_GRANTED)
    assert list(auditing.untold()) == []


def test_a_post_that_somebody_gave_themselves_is_named(seat):
    """T4, by direct SQL with the office's own login."""
    mine = Tenure.objects.create(
        person=a_person(), post=seat.post, since=clock.today(), mandate="SK palsu", recorded_at=clock.now()
    )
    assert list(auditing.untold()) == [f"masa-jabatan/{mine.pk} tidak ada catatannya"]


def test_a_row_that_was_changed_is_named(seat):
    change(Post.objects.filter(pk=seat.post_id), roles=["CONTROLLER", "COORDINATOR"])
    change(Tenure.objects.filter(pk=seat.pk), until=clock.today() + timedelta(days=9000))
    change(Institution.objects.filter(pk=seat.post.institution_id), region="52")
    Release.objects.update(withdrawn_at=clock.now())
    Person.objects.filter(pk=seat.person_id).update(state="CLOSED")
    assert sorted(auditing.untold()) == sorted(
        f"{thing} bukan seperti yang dicatat"
        for thing in (
            f"lembaga/{seat.post.institution_id}",
            f"jabatan/{seat.post_id}",
            f"masa-jabatan/{seat.pk}",
            f"orang/{seat.person_id}",
            *(things.about(one) for one in Release.objects.all()),
        )
    )


@pytest.mark.parametrize("kind", ["PMT-", "kesiapan/", "hak/", "kunci/"])
def test_an_entry_without_a_leaf_is_named(kind):
    """Each kind of entry: one is taken out of the trail, as it would be if it had been put into the book alone."""
    a_request(at=Status.ACCESS_GRANTED)
    about = next(about for _, about, _, _ in told() if about.startswith(kind) and about.endswith("#1"))
    leaf = f"(SELECT id FROM trail.leaf WHERE about = '{about}')"
    rewrite(f"DELETE FROM trail.opening WHERE leaf IN {leaf}", "trail.leaf")
    rewrite(f"DELETE FROM trail.leaf WHERE about = '{about}'", "trail.leaf")
    assert list(auditing.untold()) == [f"{about} tidak ada catatannya"]


# Policies and configuration


@pytest.fixture
def start(an_empty_trail, tmp_path, monkeypatch):
    """Starts the office with its policies, and with more in one of them: a process reads them once."""
    here, starts = policy.policies_dir(), itertools.count()

    def started(more=b""):
        place = shutil.copytree(here, tmp_path / str(next(starts)))
        (place / "trail.toml").write_bytes((place / "trail.toml").read_bytes() + more)
        monkeypatch.setenv("BAGIPAKAI_POLICIES", str(place))

    return started


def test_a_policy_is_told_when_it_is_first_seen_and_when_it_changes(start):
    start()
    assert circumstances.policies() and not circumstances.policies()
    first = policy.version()
    start(b"\n")
    assert circumstances.policies() and not circumstances.policies()
    one, other = told("policy.SEEN")
    assert (one[3]["version"], other[3]["version"]) == (first, policy.version())
    assert [name for name in one[3]["files"] if one[3]["files"][name] != other[3]["files"][name]] == ["trail.toml"]
    assert other[2]["prev_object_hash"] == one[2]["object_hash"]


def test_a_policy_that_comes_back_is_told_again(start):
    for more in (b"", b"\n", b""):
        start(more)
        assert circumstances.policies()
    versions = [payload["version"] for _, _, _, payload in told("policy.SEEN")]
    assert versions[0] == versions[2] != versions[1]


def test_a_change_of_configuration_is_told(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path))
    assert circumstances.configuration() and not circumstances.configuration()
    settings.ORIGIN = "https://lain.go.id"
    assert circumstances.configuration()
    (tmp_path / "keys" / "public").mkdir(parents=True)
    (tmp_path / "keys" / "public" / "seal.pub.pem").write_text("kunci lain")
    assert circumstances.configuration()
    (tmp_path / "keys" / "control" / "signing").mkdir(parents=True)
    (tmp_path / "keys" / "control" / "signing" / "means.toml").write_text('[seal]\nmeans = "device"\n')
    assert circumstances.configuration() and not circumstances.configuration()
    assert len(told("configuration.SEEN")) == 4


def test_the_worker_tells_it_in_its_round():
    from bagipakai.control import commands

    commands.tidy()
    assert len(told("policy.SEEN")) == len(told("configuration.SEEN")) == 1
    commands.tidy()
    assert len(told("policy.SEEN")) == len(told("configuration.SEEN")) == 1


def test_what_is_told_is_kept_with_its_salt():
    an_office()
    assert all(one.fits for one in auditing.openings())
    assert leaves.placed("kebijakan") is None
