"""Pages on which rules for rows are proposed to be exempted, weighed and approved."""

import html
import json
import re

import pytest
from django.urls import reverse
from tests.authenticators import press
from tests.factories import a_request
from tests.portal.steps import entering, with_a_key
from tests.portal.test_acts import act, all_approved, shown

from bagipakai.control import requests
from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

SHARE, ALIKE = "Evaluasi mencakup seluruh kabupaten", "Desa <kecil> ikut"
TYPED = {"rows-share": SHARE, "rows-alike": ALIKE}


def examined(chain, role: Role) -> str:
    return html.unescape(
        entering(chain.office[role]).get(reverse("examining:show", args=[chain.reference])).content.decode()
    )


def before_the_decision():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE, all_approved(chain))
    assert act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE_EXEMPTIONS, TYPED).status_code == 302
    act(chain, Role.DATA_PROTECTION_OFFICER, Action.GIVE_OPINION, {"opinion": "SUPPORTS", "reason": "Dampak dikelola"})
    act(chain, Role.SUBSTANCE_VERIFIER, Action.PASS_SUBSTANCE)
    return chain


def looked(client, address: str, chain, *exempted: str) -> tuple[str, dict]:
    """The page with the plan as it would be with these ticked, and what its form would post back."""
    told = {"pilih": "1", "variabel": list(chain.state.asked), "level": "L2", "pengecualian": list(exempted)}
    text = html.unescape(client.post(address, told).content.decode())
    return text, json.loads(re.search(r'name="approve-shown" value="(\{.*?\})"', text)[1])


def test_the_form_asks_for_a_reason_at_each_of_the_five_rules_in_words():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    client = with_a_key(chain.office[Role.SUBSTANCE_VERIFIER])
    address = reverse("acts:act", args=[chain.reference, "propose_exemptions"])
    text = client.get(address).content.decode()
    assert [code for code in EXEMPTIBLE if f'name="propose_exemptions-{code}"' in text] == list(EXEMPTIBLE)
    assert "paling banyak 10 persen ikut keluar" in text
    client.post("/bahasa/", {"language": "en", "next": "/"})
    assert "at most 10 percent leave" in client.get(address).content.decode()


def test_nothing_typed_is_no_proposal_until_there_is_one_to_take_back():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    page = act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE_EXEMPTIONS)
    assert page.status_code == 422 and "Tuliskan alasan pada sedikitnya satu aturan" in page.content.decode()
    act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE_EXEMPTIONS, TYPED)
    assert {rule: one.reason for rule, one in chain.state.exemptions.items()} == TYPED
    empty = dict.fromkeys(TYPED, "")
    assert act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE_EXEMPTIONS, empty).status_code == 302
    assert chain.state.exemptions == {}


@pytest.mark.parametrize(("level", "offered"), [("L1", False), ("L2", True), ("L3", True), ("L4", False)])
def test_it_is_offered_for_rows_without_names_alone(level, offered):
    chain = a_request(at=Status.SUBSTANCE_CHECK, level=level)
    assert ("Pengecualian aturan baris" in examined(chain, Role.SUBSTANCE_VERIFIER)) is offered


def test_the_coordinator_reads_the_reasons_and_approves_what_is_ticked_once_the_plan_was_looked_at():
    chain = before_the_decision()
    assert SHARE in examined(chain, Role.COORDINATOR)
    client = with_a_key(chain.office[Role.COORDINATOR])
    address = reverse("acts:act", args=[chain.reference, "approve"])
    bare = json.loads(html.unescape(shown(client, address, "approve")["approve-shown"]))
    assert "exempted" not in bare
    text, told = looked(client, address, chain, "rows-share", "rows-presence")
    assert told["exempted"] == ["rows-share"] and told["plan"] != bare["plan"]
    assert f"Bagian penduduk yang ikut keluar: {SHARE}" in text
    assert 'value="rows-share" checked' in text and 'value="rows-alike" checked' not in text
    posted = {"seen": chain.state.n, "approve-shown": json.dumps(told), "approve-reason": "Perlu dan sebanding"}
    for ticked in ([], ["rows-alike"], ["rows-alike", "rows-share"]):
        page = client.post(address, posted | {"pengecualian": ticked})
        assert page.status_code == 422 and "Lihat rencananya lebih dulu" in page.content.decode(), ticked
        assert f"Bagian penduduk yang ikut keluar: {SHARE}" in html.unescape(page.content.decode())
    page = client.post(address, posted | {"approve-shown": json.dumps(bare), "pengecualian": ["rows-share"]})
    assert page.status_code == 422
    assert press(client, address, posted | {"pengecualian": ["rows-share"]}).status_code == 302
    assert [one.rule for one in chain.state.decision.exempted] == ["rows-share"]
    assert requests.plan(chain.reference).digest == told["plan"] == chain.state.decision.plan


def test_what_came_of_it_is_told_to_whoever_examines_and_then_to_whoever_asked():
    chain = before_the_decision()
    applicant = entering(chain.asking[Role.APPLICANT])
    address = reverse("requests:show", args=[chain.reference])
    assert SHARE not in applicant.get(address).content.decode(), "it is still being weighed"
    said = requests.prefilled(chain.reference, Action.APPROVE, exempted=["rows-share"]) | {"reason": "Perlu"}
    chain.step(Action.APPROVE, Role.COORDINATOR, said)
    for text in (applicant.get(address).content.decode(), examined(chain, Role.CONTROLLER)):
        assert SHARE in text
        assert text.count(">Dikecualikan<") == text.count(">Tetap berlaku<") == 1
    assert "<kecil>" not in applicant.get(address).content.decode()


@pytest.mark.parametrize(
    "hostile", ["[]", "{", '{"exempted": 5}', '{"exempted": [[1], {}], "variables": 7}', "[" * 5000]
)
def test_a_page_that_says_nonsense_approves_nothing(hostile):
    chain = before_the_decision()
    client = with_a_key(chain.office[Role.COORDINATOR])
    address = reverse("acts:act", args=[chain.reference, "approve"])
    told = {"seen": chain.state.n, "approve-shown": hostile, "approve-reason": "x", "pengecualian": "rows-share"}
    assert client.post(address, told).status_code in (409, 422)
    assert client.post(address, told | {"pengecualian": []}).status_code in (409, 422)
    assert chain.state.decision is None
