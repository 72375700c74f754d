"""The papers of a request: sealed by the controller when they are set, validated before anyone reads them."""

from datetime import timedelta

import pytest
from tests.factories import a_request

from bagipakai.control import clock, documents, drafting, requests
from bagipakai.control.models import Denial, Paper, SignedCopy
from bagipakai.control.signing import desk
from bagipakai.control.signing.acts import NOT_CERTIFIED
from bagipakai.control.signing.validation import Expected
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def test_agreement_and_hand_over_record_carry_the_controllers_seal():
    chain = a_request(at=Status.HANDOVER_SIGNING)
    papers = list(Paper.objects.filter(request=chain.request).order_by("id"))
    assert [paper.kind for paper in papers] == ["AGREEMENT", "HANDOVER_RECORD"]
    seal = desk.seal_of(chain.request.controller.code, chain.request.controller.name)
    for paper in papers:
        found = desk.checked(drafting.read(paper), at=clock.now(), expected=[Expected(seal.ref)])
        (signature,) = found.signatures
        assert found.sha256 == paper.sha256, "what officers agree to is the sealed file"
        assert signature.reason == f"Menyegel {Paper.Kind(paper.kind).label} {paper.number}. Ini {NOT_CERTIFIED}"
        assert abs(signature.at - paper.set_at) < timedelta(seconds=2)


def test_a_paper_that_is_not_sealed_is_not_read():
    """Somebody put other bytes into the store, and their digest into the table."""
    chain = a_request(at=Status.AGREEMENT_SIGNING)
    paper = Paper.objects.get(request=chain.request)
    content = drafting.read(paper)
    for changed, code in (
        (content[: content.index(b"%%EOF") + 5], "signature-is-missing"),
        (content + b"\n", "signed-paper-was-extended"),
        (content.replace(b"/Title", b"/Titlo", 1), "signed-paper-was-changed"),
    ):
        paper.sha256 = documents.keep(changed)
        with pytest.raises(drafting.PaperRefused) as refused:
            drafting.read(paper)
        assert refused.value.no.code == code


def test_the_seal_of_another_controller_is_not_read():
    chain = a_request(at=Status.AGREEMENT_SIGNING)
    paper = Paper.objects.get(request=chain.request)
    chain.request.controller.code = "LAIN"
    paper.request = chain.request
    with pytest.raises(drafting.PaperRefused) as refused:
        drafting.read(paper)
    assert refused.value.no.code == "signature-of-another"


def test_where_no_seal_can_be_set_nothing_is_approved(monkeypatch):
    chain = a_request(at=Status.COORDINATOR_DECISION)
    before = chain.state.n
    monkeypatch.setattr(desk, "sealed", lambda *told: Refusal("signing-device-is-silent"))
    outcome = chain.attempt(
        Action.APPROVE, Role.COORDINATOR, requests.prefilled(chain.reference, Action.APPROVE) | {"reason": "Lengkap"}
    )
    assert isinstance(outcome, Refusal) and outcome.code == "signing-device-is-silent", outcome
    assert chain.state.n == before and not Paper.objects.filter(request=chain.request).exists()
    assert Denial.objects.filter(code="signing-device-is-silent").exists()


def test_an_officers_signature_is_in_the_file_and_names_what_they_signed_with_their_key():
    chain = a_request(at=Status.ACCESS_GRANTED)
    for paper in Paper.objects.filter(request=chain.request):
        as_set = drafting.read(paper)
        first, second = paper.copies.order_by("pk")
        assert drafting.read(paper, second).startswith(drafting.read(paper, first))
        assert drafting.read(paper, first).startswith(as_set), "what officers read and signed is the beginning of it"
        seal, *officers = desk.checked(drafting.read(paper, second), at=clock.now()).signatures
        assert [one.statement_digest for one in officers] == [one.decision.digest for one in (first, second)]
        assert officers[1].over == first.sha256
        signers = [chain.asking[Role.ACCOUNTABLE_OFFICER], chain.office[Role.CONTROLLER]]
        assert [one.holder.name for one in officers] == [one.name for one in signers]
        assert seal.holder.ref.startswith("SEGEL/")


def test_a_copy_without_one_of_its_signatures_is_not_read():
    """Somebody put the first officer's copy in the place of the second's: complete, valid, and not it."""
    chain = a_request(at=Status.ACCESS_GRANTED)
    first, second = Paper.objects.filter(request=chain.request)[0].copies.order_by("pk")
    second.sha256 = first.sha256
    with pytest.raises(drafting.PaperRefused) as refused:
        drafting.read(second.paper, second)
    assert refused.value.no.code == "signature-of-another"


def test_where_an_officers_signature_cannot_be_set_nothing_is_signed(monkeypatch):
    chain = a_request(at=Status.AGREEMENT_SIGNING)
    before = chain.state.n
    monkeypatch.setattr(desk, "signed", lambda *told: Refusal("signing-device-is-silent"))
    filled = requests.prefilled(chain.reference, Action.SIGN_AGREEMENT)
    outcome = chain.attempt(Action.SIGN_AGREEMENT, Role.ACCOUNTABLE_OFFICER, filled)
    assert isinstance(outcome, Refusal) and outcome.code == "signing-device-is-silent", outcome
    assert chain.state.n == before and not SignedCopy.objects.exists() and not chain.state.agreement


def test_the_sealed_paper_of_another_request_is_not_read():
    """Somebody who may write as the owner puts another agreement, whole and sealed, in the place of this one."""
    mine, other = (Paper.objects.get(request=a_request(at=Status.AGREEMENT_SIGNING).request) for _ in range(2))
    mine.sha256 = other.sha256
    with pytest.raises(drafting.PaperRefused) as refused:
        drafting.read(mine)
    assert refused.value.no.code == "signature-of-another"


def test_a_paper_that_is_gone_is_not_signed():
    chain = a_request(at=Status.AGREEMENT_SIGNING)
    paper = Paper.objects.get(request=chain.request)
    filled = requests.prefilled(chain.reference, Action.SIGN_AGREEMENT)
    next(documents.folder().rglob(paper.sha256)).unlink()
    outcome = chain.attempt(Action.SIGN_AGREEMENT, Role.ACCOUNTABLE_OFFICER, filled)
    assert outcome == Refusal("paper-is-missing", {"number": paper.number})
    assert not chain.state.agreement
