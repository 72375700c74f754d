"""From a first draft to a package that may be fetched: the whole way, by the people whose turn it is."""

import pytest
from pypdf import PdfReader
from tests.factories import COLUMNS, a_key, a_request, an_institution, answers, done
from tests.fakes import Registry
from tests.owner import change, rewrite

from bagipakai.control import access, documents, ledger, register, requests
from bagipakai.control.models import Denial, Event, Grant, GrantEvent, Institution, Notice, Paper, Reading
from bagipakai.core.exchange import Receipt
from bagipakai.core.plan import Plan
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.mark.parametrize("level", ["L1", "L2", "L3", "L4"])
def test_a_request_of_each_level_comes_to_access(level):
    """S01: every stage, each by another person, to a grant that names exactly what was approved."""
    chain = a_request(at=Status.ACCESS_GRANTED, level=level, anew=True)
    state = chain.state
    assert state.status is Status.ACCESS_GRANTED
    grant = Grant.objects.get(request=chain.request)
    plan = Plan.from_json(grant.plan)
    assert plan.columns == COLUMNS[level]
    assert plan.digest == grant.plan_digest == state.decision.plan
    assert access.manifest_of(grant).plan == plan
    assert not Denial.objects.exists()


def test_every_step_is_done_by_another_person():
    chain = a_request(at=Status.ACCESS_GRANTED, anew=True)
    checks = list(chain.state.examined.values())
    assert len(checks) == 7  # administration, substance, opinion, decision, controller's signature, processing, quality
    assert len(frozenset.union(*checks, chain.state.authors)) == sum(map(len, checks)) + len(chain.state.authors)


def test_the_five_sub_steps_stand_with_their_evidence():
    """R-04."""
    chain = a_request(at=Status.QUALITY_CHECK)
    (told,) = [one for one in ledger.payloads(Event, chain.request) if one["action"] == "RECORD_RECEIPT"]
    steps = told["payload"]["steps"]
    assert [one["step"] for one in steps] == [
        "SELECTION",
        "AGGREGATION",
        "FORMATTING",
        "ACCESS_SECURING",
        "PROVISIONING",
    ]
    assert all("started_at" in one["evidence"] and "finished_at" in one["evidence"] for one in steps)


def test_the_papers_say_what_the_law_asks_and_what_the_receipt_tells():
    """R-06: minimum contents of agreement and hand-over record; every figure of the latter is the registry's."""
    chain = a_request(at=Status.HANDOVER_SIGNING)
    agreement, handover = Paper.objects.filter(request=chain.request).order_by("id")
    words = " ".join(page.extract_text() for page in PdfReader(_file(agreement)).pages)
    words = " ".join(words.split())
    for promised in ("Kementerian Pengendali", chain.asking.institution.name, "4 Tahun 2025", "UU 13/2011 Pasal 8"):
        assert promised in words, promised
    assert "Program Keluarga Harapan" in words
    record = " ".join(" ".join(page.extract_text() for page in PdfReader(_file(handover)).pages).split())
    for promised in ("812", "2026.3.0", "DTSEN-STD 2026.1", agreement.number, "Pemilahan", "Penyediaan"):
        assert promised in record, promised
    assert chain.state.delivered.manifest in record


def _file(paper):
    import io

    return io.BytesIO(documents.read_bytes(paper.sha256))


def test_the_order_says_exactly_what_was_approved_and_is_signed_by_the_office():
    chain = a_request(at=Status.PROCESSING, level="L3")
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    (order,) = Registry().orders()
    decision = chain.state.decision
    assert (order.plan.digest, order.decision) == (decision.plan, decision.digest)
    assert order.agreement == Paper.objects.get(request=chain.request).sha256
    assert order.plan.protections.pseudonyms == ("nik",), "nothing ties a family together that was not exempted"


def test_a_refused_order_goes_back_to_the_preparer_with_its_code():
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    registry = Registry()
    registry.refuse(registry.orders()[0], "order-release-differs")
    assert _collected() == 1
    assert chain.state.delivered.refusal == "order-release-differs"
    assert chain.attempt(Action.SEND_TO_QUALITY, Role.DATA_PREPARER).code == "package-is-missing"
    assert requests.prefilled(chain.reference, Action.PLACE_ORDER)["order"].endswith("-2")
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))


@pytest.mark.parametrize("forged", ["another key", "another order", "not a receipt", "an altered plan"])
def test_a_forged_receipt_delivers_nothing(forged):
    """Trust reference T5, T13: what the registry did not seal for this order is recorded as a refusal."""
    from bagipakai.core.envelope import Signer

    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    registry = Registry()
    (order,) = registry.orders()
    receipt = Receipt(order.order_id, order.plan.digest, order.release, package="paket-x", manifest="ab" * 32, rows=1)
    match forged:
        case "another key":
            envelope = receipt.sealed(Signer.new())
        case "another order":
            envelope = Receipt("PES-1", order.plan.digest, order.release).sealed(registry.keys.receipt)
        case "an altered plan":
            envelope = Receipt(order.order_id, "cd" * 32, order.release).sealed(registry.keys.receipt)
        case _:
            envelope = b"{}"
    registry.post(order.order_id, envelope)
    assert _collected() == 1
    assert chain.state.delivered.refusal.startswith("receipt-")
    assert not Grant.objects.exists()


def test_a_package_with_one_column_too_many_is_stopped():
    """S13: delivered ⊆ approved."""
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    registry = Registry()
    (order,) = registry.orders()
    registry.answer(order, more=("penyakit_kronis",))
    _collected()
    assert chain.attempt(Action.SEND_TO_QUALITY, Role.DATA_PREPARER).code == "package-exceeds-what-was-approved"


def test_a_receipt_is_collected_once():
    chain = a_request(at=Status.QUALITY_CHECK)
    assert _collected() == 0
    assert [one["action"] for one in ledger.payloads(Event, chain.request)].count("RECORD_RECEIPT") == 1


def _collected() -> int:
    from bagipakai.control import order_receipts

    return order_receipts.collect()


def test_only_what_was_approved_is_ordered():
    """S14, S12: two of four variables approved at a lower level; the order, the papers and the grant say just that."""
    chain = a_request(at=Status.SUBSTANCE_CHECK)
    level = chain.state.answers["level"]
    verdicts = {
        "nik": {"verdict": "REJECT", "level": level, "reason": "Tidak perlu"},
        "nama": {"verdict": "APPROVE", "level": level, "reason": ""},
        "alamat": {"verdict": "APPROVE", "level": level, "reason": ""},
        "desil": {"verdict": "APPROVE", "level": level, "reason": ""},
    }
    chain.step(Action.PROPOSE, Role.SUBSTANCE_VERIFIER, {"verdicts": verdicts})
    opinion = {"opinion": "CONDITIONS", "reason": "Tanpa NIK"}
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, opinion)
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)
    everything = requests.prefilled(chain.reference, Action.APPROVE, variables=chain.state.asked, level="L4")
    more = chain.attempt(Action.APPROVE, Role.COORDINATOR, everything | {"reason": "Semua"})
    assert more.code == "approves-more-than-was-proposed"
    chain.approve()
    assert chain.state.decision.variables == ("nama", "alamat", "desil")
    plan = requests.plan(chain.reference)
    assert plan.columns == ("nama", "alamat", "desil")
    chain.sign(Action.SIGN_AGREEMENT)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    assert Registry().orders()[0].plan == plan


def test_a_decision_signs_what_was_seen():
    """Invariant 6: the digest on the page is the digest that is decided on."""
    chain = a_request(at=Status.COORDINATOR_DECISION)
    seen = requests.prefilled(chain.reference, Action.APPROVE) | {"reason": "Setuju"}
    other = chain.attempt(Action.APPROVE, Role.COORDINATOR, seen | {"plan": "ab" * 32})
    assert other.code == "content-differs-from-what-was-seen"
    other = chain.attempt(Action.APPROVE, Role.COORDINATOR, seen | {"content": "ab" * 32})
    assert other.code == "content-differs-from-what-was-seen"


def test_another_key_of_the_recipient_needs_another_decision():
    """The plan names the key; a package is never sealed to a key that nobody decided on."""
    chain = a_request(at=Status.PROCESSING)
    a_key(chain.asking)
    refused = chain.attempt(
        Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER)
    )
    assert refused.code == "content-differs-from-what-was-approved"


def test_the_public_register_lists_the_sharing():
    chain = a_request(at=Status.ACCESS_GRANTED, level="L2")
    (entry,) = register.entries()
    assert (entry.recipient, entry.programme) == (chain.asking.institution.name, "Program Keluarga Harapan")
    assert (entry.level, entry.variables, entry.release) == ("L2", COLUMNS["L2"], "2026.3.0")
    assert entry.status == "ACTIVE"
    assert "1 sampai 4" in entry.population
    assert "Lombok Timur" in entry.area
    assert register.entries(level="L4") == []
    assert register.entries(words="keluarga harapan") == [entry]
    assert register.entry(chain.reference) == entry


def test_a_request_under_way_is_not_in_the_register():
    a_request(at=Status.HANDOVER_SIGNING)
    assert register.entries() == []


def test_whose_turn_it_is_is_told_once():
    chain = a_request(at=Status.COORDINATOR_DECISION)
    coordinator = chain.office[Role.COORDINATOR]
    (notice,) = Notice.objects.filter(person=coordinator)
    assert notice.code == "your-turn"
    applicant = Notice.objects.filter(person=chain.asking[Role.APPLICANT])
    assert applicant.count() == applicant.values("event").distinct().count() > 0


def test_the_ledger_holds_together_and_tells_where_it_was_touched():
    chain = a_request(at=Status.ACCESS_GRANTED)
    grant = Grant.objects.get(request=chain.request)
    assert ledger.broken_at(Event, chain.request) is None
    assert ledger.broken_at(GrantEvent, grant) is None
    rewrite(
        "UPDATE control_event SET payload = jsonb_set(payload, '{payload,reason}', '\"lain\"')"
        f" WHERE subject_id = {chain.request.pk} AND action = 'APPROVE'"
    )
    approved = next(one["n"] for one in ledger.payloads(Event, chain.request) if one["action"] == "APPROVE")
    assert ledger.broken_at(Event, chain.request) == approved


def test_what_is_not_yours_is_not_there():
    """The same answer for a request of others and for one that does not exist."""
    chain = a_request(at=Status.ADMIN_CHECK)
    stranger = an_institution(ready=False)
    for reference in (chain.reference, "PMT-2026-999999"):
        with pytest.raises(requests.UnknownRequest):
            requests.get(reference, stranger[Role.APPLICANT])
    assert requests.get(chain.reference, chain.asking[Role.APPLICANT]) == chain.request
    assert requests.get(chain.reference, chain.office[Role.ADMIN_VERIFIER]) == chain.request


def test_a_draft_is_its_institutions_own():
    chain = a_request()
    assert not requests.visible(chain.office[Role.ADMIN_VERIFIER]).exists()
    assert list(requests.visible(chain.asking[Role.APPLICANT])) == [chain.request]


def test_an_institution_abroad_without_a_basis_for_transfer_is_refused():
    """UU 27/2022 Art 56."""
    asking = an_institution(kind="INTERNATIONAL", region="")
    chain = a_request(asking=asking)
    done(chain.write(**answers(area=["5203"])))
    assert chain.attempt(Action.SUBMIT, Role.APPLICANT).code == "transfer-has-no-basis"
    change(Institution.objects.filter(pk=asking.institution.pk), transfer_basis="Perjanjian 12/2026")
    assert chain.attempt(Action.SUBMIT, Role.APPLICANT).code == "documents-are-missing"


def test_reading_is_recorded():
    chain = a_request(at=Status.ACCESS_GRANTED)
    grant = Grant.objects.get(request=chain.request)
    path = access.download(grant, "bagian-0001.csv.age", chain.asking[Role.AUTHORISED_HANDLER])
    assert path.read_bytes() == b"sealed"
    assert Reading.objects.get().person == chain.asking[Role.AUTHORISED_HANDLER]


def test_the_hand_over_record_may_be_signed_with_the_agreement(tmp_path, monkeypatch):
    """The national order: BAST before the preparation; it names the plan, and the package must be of that plan."""
    import shutil

    from bagipakai.core import policy

    shutil.copytree(policy.policies_dir(), tmp_path / "policies")
    practice = tmp_path / "policies" / "deadlines.toml"
    practice.write_text(practice.read_text().replace('handover_timing = "late"', 'handover_timing = "early"'))
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(tmp_path / "policies"))
    chain = a_request(at=Status.AGREEMENT_SIGNING)
    for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER):
        chain.step(Action.SIGN_AGREEMENT, role, requests.prefilled(chain.reference, Action.SIGN_AGREEMENT))
    assert chain.state.status is Status.AGREEMENT_SIGNING
    for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER):
        chain.step(Action.SIGN_HANDOVER, role, requests.prefilled(chain.reference, Action.SIGN_HANDOVER))
    assert chain.state.status is Status.PROCESSING
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    registry = Registry()
    registry.answer(registry.orders()[0])
    _collected()
    chain.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)
    chain.step(Action.PASS_QUALITY, Role.QUALITY_REVIEWER)
    assert chain.state.status is Status.ACCESS_GRANTED
    assert Paper.objects.filter(request=chain.request, kind="HANDOVER_RECORD").count() == 1
