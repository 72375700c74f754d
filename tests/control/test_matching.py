"""A request to match a list goes the way of any request: what was decided is what is ordered, and no other list."""

import io

import pytest
from pypdf import PdfReader
from tests.factories import a_matching_request, a_roster, an_institution, done, matching

from bagipakai.control import access, documents, forms, register, requests, rosters
from bagipakai.control.forms import Service
from bagipakai.control.models import PlacedOrder, Roster
from bagipakai.core.plan import Answer, Level, Matching, Plan, Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = pytest.mark.django_db


def plan_of(chain) -> Plan:
    found = requests.plan(chain.reference)
    assert isinstance(found, Plan), found
    return found


def paper(chain, kind: str) -> str:
    row = chain.request.papers.filter(kind=kind).latest("pk")
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(documents.read_bytes(row.sha256))).pages)
    return " ".join(text.split())


def test_a_list_comes_back_by_the_steps_of_any_request(office_stands):
    chain = a_matching_request(Status.ACCESS_GRANTED)
    plan = plan_of(chain)
    assert (plan.level, plan.unit, plan.columns, plan.onward_sharing) == (Level.L4, Unit.INDIVIDU, (), False)
    assert plan.matching == Matching(
        Roster.objects.get().reference, "ab" * 32, 30, Answer.STATUS, reasons=False, one_to_one=True
    )
    assert PlacedOrder.objects.get(request=chain.request).plan_digest == plan.digest == chain.state.decision.plan
    grant = access.grant_of(chain.reference)
    assert grant is not None and Plan.from_json(grant.plan) == plan


def test_both_papers_name_the_list_and_what_is_told_of_it(office_stands):
    chain = a_matching_request(Status.HANDOVER_SIGNING, reasons=True, answer="YES_NO")
    reference = Roster.objects.get().reference
    for kind in ("AGREEMENT", "HANDOVER_RECORD"):
        text = paper(chain, kind)
        assert f"{reference}, 30 baris" in text and "ya, belum pasti, atau tidak; beserta alasannya" in text
        assert "ab" * 16 in text.replace(" ", "")
    assert "Tidak ada variabel yang diberikan" in paper(chain, "AGREEMENT")
    assert "Berita Acara Pemadanan" in paper(chain, "HANDOVER_RECORD")


def test_the_public_register_says_that_a_list_is_matched(office_stands):
    chain = a_matching_request(Status.ACCESS_GRANTED)
    entry = register.entry(chain.reference)
    assert entry is not None and entry.matching == "cocok, perlu telaah, atau tidak cocok; tanpa alasan"
    english = register.entry(chain.reference, "en")
    assert english is not None and english.matching == "match, to be reviewed, or no match; without reason"


def test_what_follows_from_the_service_cannot_be_answered_otherwise(office_stands):
    chain = a_matching_request()
    form = forms.version(chain.request.form)
    assert form.service is Service.MATCHING and dict(chain.state.answers) == dict(form.fixed)
    for question in form.fixed:
        outcome = chain.write(**{question: "L1"})
        assert isinstance(outcome, Refusal) and outcome.code == "question-is-unknown"


def test_only_an_own_confirmed_list_can_be_named(office_stands):
    chain = a_matching_request()
    others = a_roster(an_institution())
    unread = done(rosters.begin(chain.asking[Role.APPLICANT])).reference
    for reference in (others, unread, "DFT-2026-999999", "3201011208800001"):
        outcome = chain.write(roster=reference)
        assert isinstance(outcome, Refusal) and outcome.code == "answer-not-valid"
        assert "3201011208800001" not in outcome.sentence()


def test_a_list_that_is_in_use_is_not_destroyed_and_another_cannot_take_its_place(office_stands):
    chain = a_matching_request(Status.ADMIN_CHECK)
    roster = Roster.objects.get()
    no = rosters.handle(roster.reference, rosters.Action.DESTROY, chain.asking[Role.APPLICANT])
    assert isinstance(no, Refusal)
    late = chain.write(roster=a_roster(chain.asking))
    assert isinstance(late, Refusal) and late.code == "not-at-this-stage"


def test_a_list_may_be_named_with_variables_and_each_is_judged(office_stands):
    chain = a_matching_request(Status.AGREEMENT_SIGNING, variables=[{"name": "desil", "reason": "Urutan penyaluran"}])
    assert plan_of(chain).columns == ("desil",)
    assert chain.state.proposals["desil"].verdict == "APPROVE"


def test_fewer_variables_may_be_approved_down_to_none(office_stands):
    chain = a_matching_request(
        Status.COORDINATOR_DECISION, variables=[{"name": "desil", "reason": "Urutan penyaluran"}]
    )
    filled = requests.prefilled(chain.reference, Action.APPROVE, variables=[], level="L4")
    chain.step(Action.APPROVE, Role.COORDINATOR, filled | {"reason": "Jawaban tiap baris sudah cukup"})
    assert plan_of(chain).columns == () and plan_of(chain).matching is not None


def test_a_lower_level_would_be_another_product(office_stands):
    chain = a_matching_request(Status.COORDINATOR_DECISION)
    filled = requests.prefilled(chain.reference, Action.APPROVE, variables=[], level="L3")
    outcome = chain.attempt(Action.APPROVE, Role.COORDINATOR, filled | {"reason": "Lebih rendah"})
    assert isinstance(outcome, Refusal)


def test_a_request_without_its_list_is_not_sent(office_stands):
    chain = a_matching_request()
    told = matching("")
    del told["roster"]
    done(chain.write(**told))
    outcome = chain.attempt(Action.SUBMIT, Role.APPLICANT)
    assert isinstance(outcome, Refusal) and outcome.code == "questions-are-unanswered"


def test_a_refused_request_comes_back_on_the_same_form(office_stands):
    chain = a_matching_request()
    again = done(requests.create(chain.asking[Role.APPLICANT], follows=chain.request))
    assert forms.version(again.form).service is Service.MATCHING
