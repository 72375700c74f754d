"""Every page, asked by a stranger, by another institution, and by whoever it is for.

What is not yours answers exactly like what is not there (decision 0064): same status, same bytes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from tests.factories import Chain, House, a_request, an_institution, an_office
from tests.owner import change
from tests.portal.steps import entering, standing_at, with_a_key

from bagipakai.control import documents, readiness, requests
from bagipakai.control.models import Tenure
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

OPEN = [
    "portal:home",
    "portal:glossary",
    "register:list",
    "releases:list",
    "catalogue:list",
    "matching:show",
    "accounts:login",
    "trail:show",
]


def bytes_of(client: Client, address: str) -> tuple[int, str]:
    """What came back, without what differs in every answer: the token, and the address that was asked for."""
    page = client.get(address)
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page.content.decode())
    return page.status_code, text.replace(address, "")


@pytest.mark.parametrize("name", OPEN)
def test_what_is_public_needs_no_login(name):
    assert Client().get(reverse(name)).status_code == 200


def test_a_shared_package_is_in_the_public_register():
    chain = a_request(at=Status.ACCESS_GRANTED, level="L2")
    assert chain.reference in Client().get(reverse("register:list")).content.decode()
    page = Client().get(reverse("register:entry", args=[chain.reference])).content.decode()
    assert chain.asking.institution.name in page
    assert not [person.name for person in chain.asking.who.values() if person.name in page]


@dataclass(frozen=True)
class Door:
    """A page of one request, who it is for, and the stage at which it is open."""

    name: str
    role: Role
    at: Status
    rest: Callable[[Chain], tuple[str, ...]] = lambda chain: ()


def _paper(chain: Chain) -> tuple[str, ...]:
    return (chain.request.papers.get(kind="AGREEMENT").sha256,)


DOORS = [
    Door("requests:show", Role.APPLICANT, Status.DRAFT),
    Door("requests:show", Role.APPLICANT, Status.RETURNED),
    Door("requests:show", Role.ACCOUNTABLE_OFFICER, Status.AGREEMENT_SIGNING),
    Door("requests:under_way", Role.DATA_PREPARER, Status.PROCESSING),
    Door("requests:question", Role.APPLICANT, Status.DRAFT, lambda chain: ("programme",)),
    Door("requests:documents", Role.APPLICANT, Status.DRAFT),
    Door("requests:check", Role.APPLICANT, Status.DRAFT),
    Door("requests:sent", Role.APPLICANT, Status.ADMIN_CHECK),
    Door("requests:file", Role.ADMIN_VERIFIER, Status.ADMIN_CHECK, lambda chain: ("REQUEST_LETTER",)),
    Door("requests:paper", Role.CONTROLLER, Status.AGREEMENT_SIGNING, _paper),
    Door("acts:act", Role.ADMIN_VERIFIER, Status.ADMIN_CHECK, lambda chain: ("return",)),
    Door("acts:act", Role.COORDINATOR, Status.COORDINATOR_DECISION, lambda chain: ("approve",)),
    Door("examining:show", Role.ADMIN_VERIFIER, Status.ADMIN_CHECK),
    Door("examining:show", Role.SUBSTANCE_VERIFIER, Status.SUBSTANCE_CHECK),
    Door("examining:show", Role.QUALITY_REVIEWER, Status.QUALITY_CHECK),
    Door("downloads:show", Role.AUTHORISED_HANDLER, Status.ACCESS_GRANTED),
    Door("downloads:seal", Role.AUTHORISED_HANDLER, Status.ACCESS_GRANTED),
]


@pytest.mark.parametrize("at", list(dict.fromkeys(door.at for door in DOORS)))
def test_the_pages_of_a_request(at: Status):
    chain = standing_at(at)
    foreign = an_institution(region="3201", ready=False)
    for door in (door for door in DOORS if door.at is at):
        address = reverse(door.name, args=[chain.reference, *door.rest(chain)])
        missing = reverse(door.name, args=["PMT-2026-999999", *door.rest(chain)])
        owner = chain.asking if door.role in chain.asking.who else chain.office

        anonymous = Client().get(address)
        assert (anonymous.status_code, anonymous.url) == (302, f"{reverse('accounts:login')}?next={address}")

        stranger = entering(foreign[Role.APPLICANT])
        assert bytes_of(stranger, address) == bytes_of(stranger, missing)
        assert bytes_of(stranger, address)[0] == 404

        assert with_a_key(owner[door.role]).get(address).status_code in (200, 204), door


def test_a_draft_is_hidden_from_the_officers():
    """Nobody outside the institution sees what has not been sent."""
    chain = a_request(at=Status.DRAFT, asking=an_institution(ready=False))
    officer = entering(chain.office[Role.ADMIN_VERIFIER])
    address = reverse("examining:show", args=[chain.reference])
    assert bytes_of(officer, address) == bytes_of(officer, reverse("examining:show", args=["PMT-2026-999999"]))


def test_a_readiness_review_of_another_institution_is_not_there():
    house, other = an_institution(), an_institution(region="3201", ready=False)
    review = house.institution.reviews.get()
    code = next(iter(review.events.filter(action="ANSWER").values_list("payload__payload__item", flat=True)))
    for name, rest in (("readiness:show", ()), ("readiness:item", (code,))):
        address, missing = reverse(name, args=[review.pk, *rest]), reverse(name, args=[999_999, *rest])
        assert Client().get(address).status_code == 302
        stranger = entering(other[Role.APPLICANT])
        assert bytes_of(stranger, address) == bytes_of(stranger, missing)
        assert bytes_of(stranger, address)[0] == 404
        assert entering(house[Role.APPLICANT]).get(address).status_code == 200
        assert entering(an_office()[Role.READINESS_REVIEWER]).get(address).status_code == 200


def test_every_page_has_a_login_in_front_unless_it_is_meant_to_be_open():
    """A new address is shut until somebody opens it here."""
    meant = {
        *OPEN,
        "register:entry",
        "catalogue:variable",
        "releases:show",
        "matching:earlier",
        "matching:statement",
        "accounts:logout",
        "language",
        *(f"trail:{name}" for name in ("verifier", "checkpoint", "policy", "tile")),  # the trail is for everybody
    }
    shut = []
    for room in get_resolver().url_patterns:
        shut += list(_open_addresses(room.url_patterns if hasattr(room, "url_patterns") else [room]))
    assert {name for name in shut if name} <= meant | {"parts"}


def _open_addresses(patterns, space=""):
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from _open_addresses(one.url_patterns, f"{one.namespace}:" if one.namespace else space)
        else:
            view = getattr(one.callback, "view_class", one.callback)
            if not getattr(one.callback, "login_required", getattr(view, "login_required", True)):
                yield f"{space}{one.name or 'parts'}"


LISTS = {
    Role.APPLICANT: ["requests:list", "requests:new", "readiness:own", "readiness:new"],
    Role.ACCOUNTABLE_OFFICER: ["requests:list", "readiness:own", "readiness:key", "examining:queue"],
    Role.ADMIN_VERIFIER: ["examining:queue", "requests:list"],
    Role.READINESS_REVIEWER: ["readiness:queue"],
    Role.AUDITOR: ["requests:list", "readiness:queue"],
}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in LISTS.items() for name in names])
def test_the_lists_of_a_post(role, name):
    office, house = an_office(), an_institution(ready=False)
    who = (house if role in house.who else office)[role]
    assert Client().get(reverse(name)).status_code == 302
    page = entering(who).get(reverse(name))
    assert page.status_code == 200
    shown = re.findall(r'<li><a href="([^"]+)"', page.content.decode())
    assert reverse(name) in [*shown, reverse("requests:new"), reverse("readiness:new"), reverse("readiness:key")]


def test_what_is_being_weighed_is_read_by_those_who_weigh_it():
    """The applicant reads what was proposed about each variable once it is decided, not before."""
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L1")
    chain.propose_all()
    address = reverse("examining:show", args=[chain.reference])
    assert "Sesuai tujuan" in entering(chain.office[Role.SUBSTANCE_VERIFIER]).get(address).content.decode()
    assert "Sesuai tujuan" not in entering(chain.asking[Role.APPLICANT]).get(address).content.decode()


def test_somebody_without_a_post_sees_nothing_of_any_request():
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    person = chain.office[Role.ADMIN_VERIFIER]
    change(Tenure.objects.filter(person=person), until="2020-01-01", since="2019-01-01")
    client = entering(person)
    assert chain.reference not in client.get(reverse("requests:list")).content.decode()
    assert client.get(reverse("examining:show", args=[chain.reference])).status_code == 404


def test_a_file_is_saved_and_never_shown_in_place():
    chain = a_request(at=Status.ADMIN_CHECK)
    page = entering(chain.office[Role.ADMIN_VERIFIER]).get(
        reverse("requests:file", args=[chain.reference, "REQUEST_LETTER"])
    )
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def _queue(house: House, role: Role) -> str:
    return entering(house[role]).get(reverse("examining:queue")).content.decode()


def test_the_queue_shows_what_waits_for_a_post_and_who_works_on_it():
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    assert chain.reference in _queue(chain.office, Role.ADMIN_VERIFIER)
    assert chain.reference not in _queue(chain.office, Role.COORDINATOR)
    client = entering(chain.office[Role.ADMIN_VERIFIER])
    client.post(reverse("examining:claim", args=[chain.reference]))
    assert requests.queue(chain.office[Role.ADMIN_VERIFIER])[0].claimed_by == chain.office[Role.ADMIN_VERIFIER]
    assert chain.reference not in client.get(reverse("examining:queue") + "?milik=bebas").content.decode()
    client.post(reverse("examining:claim", args=[chain.reference]), {"lepas": "1"})
    assert requests.queue(chain.office[Role.ADMIN_VERIFIER])[0].claimed_by is None


def test_an_act_that_is_not_yours_is_no_page():
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    client = entering(chain.office[Role.COORDINATOR])
    assert client.get(reverse("acts:act", args=[chain.reference, "pass_admin"])).status_code == 404
    page = client.post(reverse("acts:act", args=[chain.reference, "pass_admin"]), {"seen": chain.state.n})
    assert page.status_code == 409
    assert chain.state.status is Status.ADMIN_CHECK
    assert Action.PASS_ADMIN not in [event.action for event in chain.request.events.all()]


@pytest.mark.parametrize("address", ["/daftar/?cari=%00", "/daftar/?x%00=1", "/daftar/a%00b/", "/permintaan/%00/"])
def test_a_nul_in_an_address_is_refused_in_words(address):
    officer = entering(an_office()[Role.ADMIN_VERIFIER])
    page = officer.get(address)
    assert page.status_code == 400
    assert "tidak dapat dibaca" in page.content.decode()


def test_a_nul_in_a_form_is_refused_and_changes_nothing():
    chain = a_request(at=Status.DRAFT)
    client, before = entering(chain.asking[Role.APPLICANT]), chain.state
    for name, told in (("requests:detach", {"jenis": "\0"}), ("requests:documents", {"jenis": "a\0b"})):
        assert client.post(reverse(name, args=[chain.reference]), told | {"seen": before.n}).status_code == 400
    assert chain.state == before


def marked(client: Client, address: str) -> list[str]:
    """The addresses of the menu's entries that are marked as where one is."""
    page = client.get(address).content.decode()
    return re.findall(r'<li><a href="([^"]+)" aria-current="(?:page|true)"', page)


def test_the_menu_marks_the_entry_under_which_a_page_stands():
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    officer, applicant = entering(chain.office[Role.ADMIN_VERIFIER]), entering(chain.asking[Role.APPLICANT])
    acting = reverse("acts:act", args=[chain.reference, "return"])
    shown = reverse("requests:show", args=[chain.reference])
    assert marked(officer, acting) == [reverse("examining:queue")]
    assert marked(officer, reverse("examining:show", args=[chain.reference])) == [reverse("examining:queue")]
    assert marked(officer, shown) == [reverse("requests:list")]
    assert marked(applicant, shown) == [reverse("requests:list")]
    withdrawing = reverse("acts:act", args=[chain.reference, "withdraw"])
    assert marked(applicant, withdrawing) == [reverse("requests:list")]


def test_a_review_stands_under_the_reviewers_queue_and_under_the_institutions_readiness():
    house, office = an_institution(), an_office()
    review = reverse("readiness:show", args=[house.institution.reviews.get().pk])
    assert marked(entering(office[Role.READINESS_REVIEWER]), review) == [reverse("readiness:queue")]
    assert marked(entering(house[Role.APPLICANT]), review) == [reverse("readiness:own")]


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_file_that_is_no_longer_what_was_handed_in_is_answered_with_what_to_do(harm):
    """A document, a paper and a piece of evidence: 404, the digest to name, and whom to ask; never other bytes."""
    chain = a_request(at=Status.AGREEMENT_SIGNING)
    house = an_institution()
    review = house.institution.reviews.get()
    code, (evidence, *_more) = next(iter(readiness.state(review.pk).evidence.items()))
    paper = chain.request.papers.get(kind="AGREEMENT").sha256
    letter = chain.state.attachments["REQUEST_LETTER"].sha256
    files = {
        letter: (chain.asking[Role.APPLICANT], "requests:file", [chain.reference, "REQUEST_LETTER"]),
        paper: (chain.office[Role.CONTROLLER], "requests:paper", [chain.reference, paper]),
        evidence.sha256: (house[Role.APPLICANT], "readiness:file", [review.pk, code, evidence.sha256]),
    }
    for sha256, (reader, name, rest) in files.items():
        file = documents.folder() / sha256
        was = file.read_bytes()
        file.unlink()
        if harm == "changed":
            file.write_bytes(was + b"!")
        page = entering(reader).get(reverse(name, args=rest))
        file.write_bytes(was)
        assert page.status_code == 404
        assert "Content-Disposition" not in page.headers
        assert sha256 in page.content.decode()
        assert "Hubungi meja layanan" in page.content.decode()
