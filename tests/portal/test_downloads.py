"""What the recipient takes from the download page: sealed parts, and the proof that others have seen the package."""

import re

import pytest
from django.urls import reverse
from tests.factories import Chain, a_request
from tests.owner import rewrite
from tests.portal.steps import entering

from bagipakai.control import access
from bagipakai.control.models import Grant, Reading
from bagipakai.control.trail import house
from bagipakai.core.manifest import LEAF_NAME, PROOF_NAME
from bagipakai.core.request import Role, Status
from bagipakai.core.witnesses import LogProof, Policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def chain() -> Chain:
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain) -> Grant:
    return access.grant_of(chain.reference)


@pytest.fixture
def handler(chain):
    return entering(chain.asking[Role.AUTHORISED_HANDLER])


def page_of(chain, reader) -> str:
    return reader.get(reverse("downloads:show", args=[chain.reference])).content.decode()


def proof_at(chain, name):
    return reverse("downloads:proof", args=[chain.reference, name])


def test_the_proof_and_the_policy_it_is_checked_by_are_taken_from_the_page(chain, grant, handler):
    page = page_of(chain, handler)
    taken = {name: handler.post(proof_at(chain, name)) for name in (LEAF_NAME, PROOF_NAME)}
    for name, answer in taken.items():
        assert f'action="{proof_at(chain, name)}"' in page
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    address = reverse("trail:policy")
    assert f'href="{address}"' in page
    policy = handler.get(address)
    assert policy.headers["Content-Disposition"] == 'attachment; filename="kebijakan-saksi.txt"'
    proof, leaf = taken[PROOF_NAME].content, taken[LEAF_NAME].content
    assert LogProof.read(proof).shows(leaf, Policy.read(policy.content.decode()))
    assert grant.manifest in leaf.decode()
    assert not Reading.objects.exists(), "a proof holds nothing of the package"


def test_the_commands_on_the_page_ask_for_the_witnesses(chain, handler):
    commands = re.search(r'<pre class="command">(.*?)</pre>', page_of(chain, handler), re.S)[1]
    assert commands.count("--policy kebijakan-saksi.txt") == commands.count("bagipakai recipient") == 2


def test_a_proof_is_given_to_whoever_may_read_and_to_nobody_else(chain, grant, handler):
    applicant = entering(chain.asking[Role.APPLICANT])
    assert applicant.post(proof_at(chain, PROOF_NAME)).status_code == 409
    access.revoke(grant, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    assert handler.post(proof_at(chain, PROOF_NAME)).status_code == 409


@pytest.mark.parametrize("name", ["manifest.dsse.json", "..", "bagian-0001.csv.age", "policy"])
def test_nothing_else_goes_by_the_name_of_a_proof(chain, handler, name):
    assert handler.post(f"/permintaan/{chain.reference}/unduh/bukti/{name}").status_code == 404


def test_while_the_manifest_is_not_in_the_trail_the_page_says_so_and_offers_nothing(chain, grant, handler):
    rewrite(f"UPDATE trail.leaf SET seq = NULL WHERE about = '{grant.package}'", "trail.leaf", fence="numbered")
    page = page_of(chain, handler)
    assert "Belum dapat diunduh" in page and "jejak" in page
    assert "/unduh/bukti/" not in page
    assert handler.post(proof_at(chain, PROOF_NAME)).status_code == 409


def test_without_a_policy_the_page_says_why_nothing_leaves(chain, handler):
    house.policy_file().unlink()
    page = page_of(chain, handler)
    assert "Belum dapat diunduh" in page
    assert f'href="{reverse("trail:policy")}"' not in page
    assert handler.get(reverse("trail:policy")).status_code == 404
