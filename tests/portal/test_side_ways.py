"""The ways beside the straight one, through their pages: a clarification, a change of what was cut, a withdrawal."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.authenticators import press
from tests.factories import Chain, a_pdf, a_request, an_institution, answers
from tests.portal.steps import entering, with_a_key

from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def way_of(chain: Chain, role: Role, action: Action) -> tuple[Client, str, dict[str, str]]:
    """The window of whoever plays that role, the address of the act, and what its page posts back by itself."""
    client = with_a_key((chain.asking if role in chain.asking.who else chain.office)[role])
    address = reverse("acts:act", args=[chain.reference, action.value.lower()])
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    hidden = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', page.content.decode())
    return client, address, {name: value.replace("&quot;", '"') for name, value in hidden if "csrf" not in name}


def act(chain: Chain, role: Role, action: Action, **typed: object) -> str:
    """Does it through its page; what the page that follows says."""
    client, address, told = way_of(chain, role, action)
    told |= {f"{action.value.lower()}-{name}": value for name, value in typed.items()}
    answer = press(client, address, told)
    assert answer.status_code == 302, re.findall(r'class="error"[^<]*>(.*?)</p>', answer.content.decode(), re.S)
    return client.get(answer.url).content.decode()


def page_of(chain: Chain, role: Role, name: str = "requests:show") -> str:
    client = entering((chain.asking if role in chain.asking.who else chain.office)[role])
    return client.get(reverse(name, args=[chain.reference])).content.decode()


def test_a_clarification_is_asked_recorded_read_and_confirmed():
    """The applicant reads what is asked, then the record itself, before standing by it."""
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    officer = Role.SUBSTANCE_VERIFIER
    act(chain, officer, Action.ASK_CLARIFICATION, questions="Mengapa umur diperlukan? Rapat Senin pukul 10.")
    assert chain.state.status is Status.CLARIFICATION
    assert "Mengapa umur diperlukan? Rapat Senin pukul 10." in page_of(chain, Role.APPLICANT)

    confirming = reverse("acts:act", args=[chain.reference, "confirm_clarification"])
    early = entering(chain.asking[Role.APPLICANT])
    assert early.get(confirming).status_code == 409  # there is no record to stand by yet
    assert early.post(confirming, {"seen": chain.state.n}).status_code == 409
    assert chain.state.status is Status.CLARIFICATION

    record = a_pdf("berita acara").getvalue()
    file = SimpleUploadedFile("berita acara.pdf", record, "application/pdf")
    act(chain, officer, Action.RECORD_CLARIFICATION, summary="Umur dipakai untuk menghitung lansia.", file=file)
    page = page_of(chain, Role.APPLICANT)
    assert "Umur dipakai untuk menghitung lansia." in page
    (link,) = set(re.findall(r'href="([^"]+/klarifikasi/[^"]+)"', page))
    read = entering(chain.asking[Role.APPLICANT]).get(link)
    assert read.content == record
    assert read.headers["Content-Disposition"].startswith("attachment")

    act(chain, Role.APPLICANT, Action.CONFIRM_CLARIFICATION)
    assert chain.state.status is Status.SUBSTANCE_CHECK
    assert "Dibenarkan pemohon" in page_of(chain, officer, "examining:show")


def test_a_record_that_is_no_file_we_accept_is_refused_and_the_summary_stays():
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    act(chain, Role.SUBSTANCE_VERIFIER, Action.ASK_CLARIFICATION, questions="Jelaskan")
    client, address, told = way_of(chain, Role.SUBSTANCE_VERIFIER, Action.RECORD_CLARIFICATION)
    file = SimpleUploadedFile("rekaman.pdf", b"MZ\x90\x00", "application/pdf")
    prefix = "record_clarification"
    page = client.post(address, told | {f"{prefix}-summary": "Sudah jelas", f"{prefix}-file": file})
    assert page.status_code == 409
    assert "Sudah jelas" in page.content.decode()
    assert "Unggah salah satu: PDF, PNG, JPG, DOCX, XLSX" in page.content.decode()
    assert not chain.state.clarification


def test_the_record_of_a_clarification_is_not_there_for_others():
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    act(chain, Role.SUBSTANCE_VERIFIER, Action.ASK_CLARIFICATION, questions="Jelaskan")
    file = SimpleUploadedFile("ba.pdf", a_pdf("berita acara").getvalue())
    act(chain, Role.SUBSTANCE_VERIFIER, Action.RECORD_CLARIFICATION, summary="Jelas", file=file)
    stranger = entering(an_institution(region="3201", ready=False)[Role.APPLICANT])
    record = reverse("requests:clarification", args=[chain.reference, chain.state.clarification])
    assert stranger.get(record).status_code == 404
    letter = chain.state.attachments["REQUEST_LETTER"].sha256
    other = reverse("requests:clarification", args=[chain.reference, letter])
    assert entering(chain.asking[Role.APPLICANT]).get(other).status_code == 404


def reduced() -> Chain:
    """A request of which less was approved than asked."""
    chain = a_request(at=Status.COORDINATOR_DECISION, level="L2")
    client, address, told = way_of(chain, Role.COORDINATOR, Action.APPROVE)
    chosen = {"pilih": "1", "variabel": ["desil"], "level": "L2", "approve-reason": "Cukup desil"}
    page = client.post(address, told | chosen).content.decode().replace("&quot;", '"')
    less = re.search(r'name="approve-shown" value="(\{.*?\})"', page)[1]
    assert json.loads(less)["variables"] == ["desil"]
    told |= {"approve-shown": less, "approve-reason": "Cukup desil"}
    assert press(client, address, told).status_code == 302
    return chain


def test_what_was_reduced_can_be_changed_and_sent_again():
    """Only what the applicant opens is unlocked; the page leads there; then it is examined from the start."""
    chain = reduced()
    assert chain.state.status is Status.AGREEMENT_SIGNING
    said = {"fields_to_change": ["variables"], "reason": "Umur tidak jadi dipakai"}
    page = act(chain, Role.APPLICANT, Action.AMEND, **said)
    assert chain.state.status is Status.RETURNED
    question = reverse("requests:question", args=[chain.reference, "variables"])
    assert question in page and "Anda membuka bagian ini" in page
    assert "Kekurangan" not in page and "amendment" not in page
    client = entering(chain.asking[Role.APPLICANT])
    asked = answers("L2")["variables"][:2]
    told = {"langkah": "alasan", "variabel": [one["name"] for one in asked], "seen": chain.state.n}
    told |= {f"alasan.{one['name']}": one["reason"] for one in asked}
    assert client.post(f"{question}?langkah=alasan", told).url == reverse("requests:show", args=[chain.reference])
    other = reverse("requests:question", args=[chain.reference, "programme"])
    assert client.post(other, {"programme": "Lain", "seen": chain.state.n}).status_code == 409
    item = {"seen": chain.state.n, "item": chain.state.items[0].id, "jawaban": "REPAIRED"}
    assert client.post(reverse("acts:answer", args=[chain.reference]), item).status_code == 302
    assert "Sudah diubah" in page_of(chain, Role.APPLICANT)
    act(chain, Role.APPLICANT, Action.RESUBMIT, true="on")
    assert chain.state.status is Status.ADMIN_CHECK
    assert chain.state.asked == tuple(one["name"] for one in asked)


def test_what_was_approved_whole_is_not_offered_for_change():
    chain = a_request(at=Status.AGREEMENT_SIGNING, level="L2")
    page = page_of(chain, Role.APPLICANT)
    assert reverse("acts:act", args=[chain.reference, "amend"]) not in page


@pytest.mark.parametrize("at", [Status.DRAFT, Status.ADMIN_CHECK, Status.AGREEMENT_SIGNING])
def test_a_request_is_withdrawn_from_its_page_with_its_reason(at):
    chain = a_request(at=at, level="L2", asking=an_institution())
    assert reverse("acts:act", args=[chain.reference, "withdraw"]) in page_of(chain, Role.APPLICANT)
    page = act(chain, Role.APPLICANT, Action.WITHDRAW, reason="Program dibatalkan")
    assert chain.state.status is Status.WITHDRAWN
    assert "Permintaan ditarik." in page
    assert "Program dibatalkan" in page
    again = entering(chain.asking[Role.APPLICANT]).get(reverse("acts:act", args=[chain.reference, "withdraw"]))
    assert again.status_code == 404


def test_an_officer_of_the_controller_withdraws_nothing():
    chain = a_request(at=Status.ADMIN_CHECK, level="L2")
    address = reverse("acts:act", args=[chain.reference, "withdraw"])
    assert entering(chain.office[Role.ADMIN_VERIFIER]).get(address).status_code == 404
    assert entering(chain.office[Role.ADMIN_VERIFIER]).post(address, {"seen": chain.state.n}).status_code == 409
    assert chain.state.status is Status.ADMIN_CHECK
