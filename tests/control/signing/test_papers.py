"""The papers of a request: sealed by the controller when they are set, validated before anyone reads them."""

from datetime import timedelta

import pytest
from tests.factories import a_request

from bagipakai.control import clock, documents, drafting
from bagipakai.control.models import Denial, Paper
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
    from bagipakai.control import requests

    outcome = chain.attempt(
        Action.APPROVE, Role.COORDINATOR, requests.prefilled(chain.reference, Action.APPROVE) | {"reason": "Lengkap"}
    )
    assert isinstance(outcome, Refusal) and outcome.code == "signing-device-is-silent", outcome
    assert chain.state.n == before and not Paper.objects.filter(request=chain.request).exists()
    assert Denial.objects.filter(code="signing-device-is-silent").exists()
