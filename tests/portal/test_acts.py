"""Acts: done from the page that was seen, refused with words, never losing what was typed."""

import gzip
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from tests.authenticators import order_about, press
from tests.factories import DOCUMENTS, a_matching_request, a_pdf, a_request, an_institution, answers
from tests.fakes import Registry
from tests.portal.steps import a_returned_request, entering, standing_at, with_a_key
from tests.trail import witnessed

from bagipakai.control import access, order_receipts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, ItemState, Role, Status
from bagipakai.portal.acts.words import ACTS
from bagipakai.portal.downloads import views as downloads
from bagipakai.portal.templatetags.parts import dasar

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def shown(client, address: str, prefix: str) -> dict[str, str]:
    """The hidden fields that a page would post back."""
    page = client.get(address).content.decode()
    found = dict(re.findall(rf'name="(seen|{prefix}-[a-z]+)"[^>]*value="([^"]*)"', page))
    found |= {name: value for value, name in re.findall(rf'value="([^"]*)"[^>]*name="({prefix}-[a-z]+)"', page)}
    return {name: value.replace("&quot;", '"') for name, value in found.items()}


def act(chain, role: Role, action: Action, typed: dict | None = None, *, seen: int | None = None):
    """Does it through the page: what the page shows is posted back, with what was typed."""
    who = (chain.asking if role in chain.asking.who else chain.office)[role]
    client, prefix = with_a_key(who), action.value.lower()
    address = reverse("acts:act", args=[chain.reference, prefix])
    told = shown(client, address, prefix) if client.get(address).status_code == 200 else {}
    told |= {f"{prefix}-{name}": value for name, value in (typed or {}).items()}
    told["seen"] = chain.state.n if seen is None else seen
    return press(client, address, told)


def all_approved(chain) -> dict[str, str]:
    """A proposal that approves every asked variable."""
    verdicts = {f"verdict.{name}": "APPROVE" for name in chain.state.asked}
    return verdicts | {f"reason.{name}": "Sesuai tujuan" for name in chain.state.asked}


def test_every_act_a_person_can_do_has_a_page():
    """Of the table's actions, only drafting, single items and the system's own steps have no act page."""
    elsewhere = {
        Action.CREATE,
        Action.JOIN,
        Action.SAVE_ANSWER,
        Action.ATTACH,
        Action.DETACH,
        Action.ACCEPT_ITEM,
        Action.ANSWER_ITEM,
        Action.RECEIVE,
        Action.LAPSE,
        Action.BEGIN_PROCESSING,
        Action.RECORD_RECEIPT,
        Action.GRANT,
        Action.CLOSE,
        Action.FOLLOW_RELEASE,
    }
    assert set(ACTS) == set(Action) - elsewhere


def test_the_whole_path_through_pages():
    """From a draft to a package that can be fetched, each step by the page of whoever's turn it is."""
    chain = a_request(at=Status.DRAFT, level="L4", asking=an_institution())
    chain.write(**answers("L4"))
    applicant = entering(chain.asking[Role.APPLICANT])
    for kind in DOCUMENTS:
        file = SimpleUploadedFile(f"{kind}.pdf", a_pdf(kind).read(), "application/pdf")
        sent = {"jenis": kind, "berkas": file, "seen": chain.state.n}
        assert applicant.post(reverse("requests:documents", args=[chain.reference]), sent).status_code == 302
    sent = act(chain, Role.APPLICANT, Action.SUBMIT, {"true": "on"})
    assert sent.url == reverse("requests:sent", args=[chain.reference])
    assert chain.reference in applicant.get(sent.url).content.decode()

    lacks = {"code1": "answer-unclear", "target1": "field:legal_basis", "note1": "Sebutkan pasal"}
    act(chain, Role.ADMIN_VERIFIER, Action.RETURN, lacks)
    assert chain.state.status is Status.RETURNED
    item = chain.state.items[0].id
    question = reverse("requests:question", args=[chain.reference, "legal_basis"])
    applicant.post(question, {"seen": chain.state.n, "legal_basis": "UU 13/2011 Pasal 8 ayat (1)"})
    answer = {"seen": chain.state.n, "item": item, "jawaban": "REPAIRED"}
    applicant.post(reverse("acts:answer", args=[chain.reference]), answer)
    act(chain, Role.APPLICANT, Action.RESUBMIT, {"true": "on"})
    assert chain.state.status is Status.ADMIN_CHECK

    officer = entering(chain.office[Role.ADMIN_VERIFIER])
    page = officer.get(reverse("examining:show", args=[chain.reference])).content.decode()
    assert "<del>UU 13/2011 Pasal 8</del>" in page
    assert "UU 13/2011 Pasal 8 ayat (1)</ins>" in page
    told = {"seen": chain.state.n, "item": item, "kembali": "antrean"}
    officer.post(reverse("acts:accept", args=[chain.reference]), told)
    assert chain.state.items[0].state is ItemState.ACCEPTED

    act(chain, Role.ADMIN_VERIFIER, Action.PASS_ADMIN)
    act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE, all_approved(chain))
    act(chain, Role.DATA_PROTECTION_OFFICER, Action.GIVE_OPINION, {"opinion": "SUPPORTS", "reason": "Dampak dikelola"})
    act(chain, Role.SUBSTANCE_VERIFIER, Action.PASS_SUBSTANCE)
    act(chain, Role.COORDINATOR, Action.APPROVE, {"reason": "Sesuai usul"})
    for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER):
        act(chain, role, Action.SIGN_AGREEMENT, {"read": "on"})
    act(chain, Role.DATA_PREPARER, Action.PLACE_ORDER)
    registry = Registry()
    for order in registry.orders():
        registry.answer(order)
    order_receipts.collect()
    act(chain, Role.DATA_PREPARER, Action.SEND_TO_QUALITY)
    act(chain, Role.QUALITY_REVIEWER, Action.PASS_QUALITY)
    for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER):
        act(chain, role, Action.SIGN_HANDOVER, {"read": "on"})
    assert chain.state.status is Status.ACCESS_GRANTED

    witnessed()
    handler = entering(chain.asking[Role.AUTHORISED_HANDLER])
    page = handler.get(reverse("downloads:show", args=[chain.reference])).content.decode()
    parts = re.findall(r'action="([^"]+/unduh/[^"]+)"', page)
    assert len(parts) >= 2
    for part in parts:
        answer = handler.post(part, follow=True)
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.getvalue()
    proofs = [part for part in parts if "/bukti/" in part]
    assert chain.request.grant.readings.count() == len(parts) - len(proofs)


def test_of_two_deciders_one_wins_and_the_other_loses_no_word():
    """S03: the second is told that something changed, what, and finds every word typed, with the new number."""
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    seen = chain.state.n
    first = act(chain, Role.SUBSTANCE_VERIFIER, Action.PROPOSE, all_approved(chain))
    assert first.status_code == 302
    page = act(chain, Role.SUBSTANCE_VERIFIER, Action.REJECT, {"reason": "Ditulis panjang lebar"}, seen=seen)
    text = page.content.decode()
    assert page.status_code == 409
    assert "Berubah sementara itu" in text
    assert "Ditulis panjang lebar" in text
    assert f'name="seen" value="{chain.state.n}"' in text
    assert chain.state.status is Status.SUBSTANCE_CHECK


def test_a_double_click_is_one_act():
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    seen = chain.state.n
    assert act(chain, Role.ADMIN_VERIFIER, Action.PASS_ADMIN, seen=seen).status_code == 302
    again = act(chain, Role.ADMIN_VERIFIER, Action.PASS_ADMIN, seen=seen)
    assert again.status_code == 409
    assert [event.action for event in chain.request.events.all()].count("PASS_ADMIN") == 1


def test_a_refusal_says_what_why_and_who_can_help():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    client = entering(chain.office[Role.SUBSTANCE_VERIFIER])
    page = client.get(reverse("acts:act", args=[chain.reference, "pass_substance"]))
    text = page.content.decode()
    assert page.status_code == 409
    assert dasar(Refusal("proposal-is-incomplete").basis) in text
    assert "S12" not in text  # the working papers' own numbers say nothing to a reader
    assert "proposal-is-incomplete" in text
    assert "Meja layanan" in text
    assert "Desil kesejahteraan" in text  # the variable by its name, not its code


def test_a_shut_way_is_explained_where_its_button_would_be():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    page = entering(chain.office[Role.SUBSTANCE_VERIFIER]).get(reverse("examining:show", args=[chain.reference]))
    assert "option__shut" in page.content.decode()


def test_a_return_must_name_something_and_keeps_half_a_line():
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    page = act(chain, Role.ADMIN_VERIFIER, Action.RETURN)
    assert "Sebutkan sedikitnya satu kekurangan" in page.content.decode()
    page = act(chain, Role.ADMIN_VERIFIER, Action.RETURN, {"note1": "Perjelas cakupannya"})
    assert page.status_code == 422
    assert "Perjelas cakupannya" in page.content.decode()
    assert chain.state.status is Status.ADMIN_CHECK


def test_approving_less_shows_that_plan_first():
    chain = a_request(at=Status.COORDINATOR_DECISION, level="L2")
    client = with_a_key(chain.office[Role.COORDINATOR])
    address = reverse("acts:act", args=[chain.reference, "approve"])
    whole = json.loads(shown(client, address, "approve")["approve-shown"])
    page = client.post(address, {"pilih": "1", "variabel": ["desil"], "level": "L2", "approve-reason": "Cukup desil"})
    text = page.content.decode().replace("&quot;", '"')
    less = json.loads(re.search(r'name="approve-shown" value="(\{.*?\})"', text)[1])
    assert less["variables"] == ["desil"]
    assert less["plan"] != whole["plan"]
    assert "Cukup desil" in text
    assert chain.state.decision is None
    told = {"seen": chain.state.n, "approve-shown": json.dumps(less), "approve-reason": "Cukup desil"}
    assert press(client, address, told).status_code == 302
    assert chain.state.decision.variables == ("desil",)


def test_filling_in_approve_saves_nothing():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")
    client = entering(chain.office[Role.SUBSTANCE_VERIFIER])
    address = reverse("acts:act", args=[chain.reference, "propose"])
    page = client.post(address, {"semua": "1", "propose-verdict.umur": "REJECT", "propose-reason.umur": "Tidak perlu"})
    text = page.content.decode()
    assert page.status_code == 200
    assert text.count('<option value="APPROVE" selected>') == len(chain.state.asked) - 1
    assert '<option value="REJECT" selected>' in text
    assert "Tidak perlu" in text
    assert not chain.state.proposals


HOSTILE = [
    ("bukan.pdf", b"MZ\x90\x00not a pdf", "application/pdf"),
    ("kosong.pdf", b"", "application/pdf"),
    ("../../etc/passwd", b"root:x:0:0", "text/plain"),
    ("<script>alert(1)</script>.html", b"<html></html>", "text/html"),
]


@pytest.mark.parametrize(("name", "content", "kind"), HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence(name, content, kind):
    chain = a_request(at=Status.DRAFT, asking=an_institution(ready=False))
    chain.write(**answers("L2"))
    client = entering(chain.asking[Role.APPLICANT])
    address = reverse("requests:documents", args=[chain.reference])
    told = {"jenis": "REQUEST_LETTER", "berkas": SimpleUploadedFile(name, content, kind), "seen": chain.state.n}
    page = client.post(address, told)
    text = page.content.decode()
    assert page.status_code == 409
    assert 'class="error-summary" role="alert"' in text
    assert "<script>" not in text
    assert not chain.state.attachments


def test_a_repair_unlocks_only_the_documents_it_names():
    chain = a_returned_request()
    client = entering(chain.asking[Role.APPLICANT])
    address = reverse("requests:documents", args=[chain.reference])
    page = client.get(address).content.decode()
    assert 'id="berkas-REQUEST_LETTER"' in page
    assert 'id="berkas-HANDLER_DECREE"' not in page
    other = SimpleUploadedFile("a.pdf", a_pdf("lain").read())
    told = {"jenis": "HANDLER_DECREE", "berkas": other, "seen": chain.state.n}
    assert client.post(address, told).status_code == 409


PAGES = [
    (Status.DRAFT, [("requests:list", Role.APPLICANT), ("requests:show", Role.APPLICANT)]),
    (Status.RETURNED, [("requests:show", Role.APPLICANT)]),
    (
        Status.SUBSTANCE_CHECK,
        [("examining:show", Role.SUBSTANCE_VERIFIER), ("examining:queue", Role.SUBSTANCE_VERIFIER)],
    ),
    (Status.QUALITY_CHECK, [("examining:show", Role.QUALITY_REVIEWER)]),
    (Status.ACCESS_GRANTED, [("requests:show", Role.APPLICANT), ("downloads:show", Role.AUTHORISED_HANDLER)]),
]


@pytest.mark.parametrize(("at", "pages"), PAGES)
def test_each_page_is_light_titled_and_brings_no_script(at, pages):
    chain = standing_at(at)
    for name, role in pages:
        client = entering((chain.asking if role in chain.asking.who else chain.office)[role])
        for language in ("id", "en"):
            client.post(reverse("language"), {"language": language})
            page = client.get(reverse(name, args=[chain.reference] if name.endswith("show") else []))
            text = page.content.decode()
            assert f'<html lang="{language}">' in text
            assert len(re.findall(r"<h1", text)) == 1
            assert re.search(r"<title>[^<]{3,}</title>", text)
            assert not re.search(r"<script|<style| style=| on[a-z]+=", text)
            parts = [one.removeprefix("/static/") for one in re.findall(r'<link [^>]*href="([^"]+)"', text)]
            bodies = [page.content, *[Path(finders.find(part)).read_bytes() for part in parts]]
            assert len(parts) <= 5
            assert sum(len(gzip.compress(body)) for body in bodies) <= 50_000


def test_the_policy_of_content_forbids_what_escaping_might_miss():
    page = entering(an_institution(ready=False)[Role.APPLICANT]).get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("action", [*ACTS])
def test_an_act_that_is_not_the_readers_is_refused_in_words_also_when_its_form_is_empty(action):
    """Whoever posts to the address of another's act meets the rules, not a broken page."""
    chain = a_request(at=Status.DRAFT)
    page = entering(chain.asking[Role.ACCOUNTABLE_OFFICER]).post(
        reverse("acts:act", args=[chain.reference, action.value.lower()]), {"seen": chain.state.n - 1}
    )
    assert page.status_code == 409, page.status_code
    assert chain.state.status is Status.DRAFT


def test_digests_that_are_no_json_are_refused_in_words():
    chain = standing_at(Status.AGREEMENT_SIGNING)
    typed = {"shown": "[" * 100_000, "read": "on"}
    assert act(chain, Role.CONTROLLER, Action.SIGN_AGREEMENT, typed).status_code == 409


def test_a_transfer_ends_with_the_right_to_it(monkeypatch):
    """S09: revoked while the bytes flow, the rest is not sent, and what came does not look whole."""
    chain = a_request(at=Status.ACCESS_GRANTED)
    grant = access.grant_of(chain.reference)
    handler, part = chain.asking[Role.AUTHORISED_HANDLER], access.parts(grant)[1]
    monkeypatch.setattr(downloads, "BLOCK", 2)
    monkeypatch.setattr(downloads, "ASK_EVERY", 0.0)
    address = reverse("downloads:fetch", args=[chain.reference, part])
    whole = entering(handler).post(address, follow=True)
    assert b"".join(whole.streaming_content) == b"sealed" and whole.headers["Content-Length"] == "6"
    flowing = iter(entering(handler).post(address, follow=True).streaming_content)
    assert next(flowing) == b"se"
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    with pytest.raises(ConnectionAbortedError):
        next(flowing)


def test_the_page_says_which_files_may_be_handed_in_and_how_large():
    chain = a_request(at=Status.DRAFT)
    chain.write(**answers("L2"))
    client, address = entering(chain.asking[Role.APPLICANT]), reverse("requests:documents", args=[chain.reference])
    page = client.get(address).content.decode()
    assert "PDF, DOCX, XLSX paling besar 10 MB; PNG, JPG paling besar 5 MB" in page
    for field in re.findall(r'<input type="file"[^>]*>', page):
        assert 'accept=".pdf,.png,.jpg,.docx,.xlsx,.jpeg"' in field
        assert 'aria-describedby="batas-berkas' in field
    client.post(reverse("language"), {"language": "en"})
    assert "PDF, DOCX, XLSX up to 10 MB; PNG, JPG up to 5 MB" in client.get(address).content.decode()


def test_a_document_is_taken_out_of_a_draft_by_its_button():
    chain = a_request(at=Status.DRAFT)
    chain.write(**answers("L2"))
    chain.attach("REQUEST_LETTER")
    client, address = entering(chain.asking[Role.APPLICANT]), reverse("requests:documents", args=[chain.reference])
    detach = reverse("requests:detach", args=[chain.reference])
    form = re.search(rf'<form method="post" action="{detach}">.*?</form>', client.get(address).content.decode(), re.S)[
        0
    ]
    told = dict(re.findall(r'name="(seen|jenis)" value="([^"]+)"', form))
    page = client.post(detach, told, follow=True).content.decode()
    assert "REQUEST_LETTER" not in chain.state.attachments
    assert "Dokumen dilepas" in page and detach not in page


def test_a_document_of_a_returned_request_is_replaced_not_taken_out():
    chain = a_returned_request()
    client = entering(chain.asking[Role.APPLICANT])
    page = client.get(reverse("requests:documents", args=[chain.reference])).content.decode()
    assert reverse("requests:detach", args=[chain.reference]) not in page


def test_a_matching_is_not_called_a_list_by_name_and_address_before_it_is_approved():
    chain = a_matching_request(Status.COORDINATOR_DECISION)
    page = with_a_key(chain.office[Role.COORDINATOR]).get(reverse("acts:act", args=[chain.reference, "approve"]))
    plan = page.content.decode().split("Rencana data yang akan disetujui")[1].split("</dl>")[0]
    assert "Pemadanan (L4)" in plan
    assert "by name by address" not in plan
