"""Exemptions from the rules for rows, from the proposal to what is ordered, handed over and followed."""

import io
from datetime import date

import pytest
from pypdf import PdfReader
from tests.factories import a_release, a_request, done
from tests.fakes import Registry

from bagipakai.control import access, clock, documents, order_receipts, requests, wording
from bagipakai.control.models import Grant, Paper, Request
from bagipakai.control.passkeys import requested
from bagipakai.control.passkeys.summary import drawn
from bagipakai.core.decisions import Signing
from bagipakai.core.disclosure import EXEMPTIBLE, RowRule
from bagipakai.core.plan import Exempted, Level
from bagipakai.core.policy import policy_file
from bagipakai.core.request import Action, Role, Status
from bagipakai.core.variables import Catalogue
from bagipakai.recipient import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

SHARE, ALIKE = "Evaluasi mencakup seluruh kabupaten", "Desa kecil tidak boleh hilang dari evaluasi"
OPINION = {"opinion": "CONDITIONS", "reason": "Salinan dimusnahkan lebih awal"}


def before_the_decision(level: str = "L3", **other):
    """At the coordinator, with two exemptions proposed and the officer for protection heard on them."""
    chain = a_request(at=Status.SUBSTANCE_CHECK, level=level, **other)
    chain.propose_all()
    exemptions = {"exemptions": {"rows-share": SHARE, "rows-alike": ALIKE}}
    chain.step(Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, exemptions)
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, OPINION)
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)
    return chain


def approval(chain, *exempted: str) -> dict:
    return requests.prefilled(chain.reference, Action.APPROVE, exempted=exempted) | {"reason": "Perlu dan sebanding"}


def ordered():
    (order,) = Registry().orders()
    return order


def handed_over(chain) -> None:
    registry = Registry()
    registry.answer(ordered())
    order_receipts.collect()
    chain.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)
    chain.step(Action.PASS_QUALITY, Role.QUALITY_REVIEWER)
    chain.sign(Action.SIGN_HANDOVER)


def paper(chain, kind: str) -> str:
    content = documents.read_bytes(Paper.objects.filter(request=chain.request, kind=kind).latest("id").sha256)
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_what_was_approved_is_in_every_order_of_the_plan_and_in_the_papers():
    chain = before_the_decision(rolling=True)
    exempted = (Exempted("rows-share", SHARE),)
    chain.step(Action.APPROVE, Role.COORDINATOR, approval(chain, "rows-share"))
    digest = chain.state.decision.plan
    assert requests.plan(chain.reference).protections.exempted == exempted

    chain.sign(Action.SIGN_AGREEMENT)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    assert (ordered().plan.protections.exempted, ordered().plan.digest) == (exempted, digest)
    handed_over(chain)
    grant = Grant.objects.get(request=chain.request)
    assert access.manifest_of(grant).plan.protections.exempted == exempted
    for kind in ("AGREEMENT", "HANDOVER_RECORD"):
        said = paper(chain, kind)
        assert "Bagian penduduk yang ikut keluar" in said and SHARE in said
        assert ALIKE not in said

    a_release("2026.4.0")
    assert requests.follow_releases() == 1
    following = ordered()
    assert (following.release, following.plan.protections.exempted) == ("2026.4.0", exempted)
    assert following.plan.digest == digest
    handed_over(chain)
    assert Grant.objects.get(pk=grant.pk).plan_digest == digest


def test_the_digest_that_is_decided_on_is_that_of_the_plan_with_what_is_exempted():
    chain = before_the_decision()
    without, with_one, with_both = (
        approval(chain, *some) for some in ((), ("rows-share",), ("rows-share", "rows-alike"))
    )
    assert len({one["plan"] for one in (without, with_one, with_both)}) == 3
    assert "exempted" not in without
    for said in (with_one | {"plan": without["plan"]}, with_both | {"plan": with_one["plan"]}):
        no = chain.attempt(Action.APPROVE, Role.COORDINATOR, said)
        assert no.code == "content-differs-from-what-was-seen"
    bare = {key: value for key, value in with_one.items() if key != "exempted"}
    assert chain.attempt(Action.APPROVE, Role.COORDINATOR, bare).code == "content-differs-from-what-was-seen"
    chain.step(Action.APPROVE, Role.COORDINATOR, with_both)
    assert [one.rule for one in requests.plan(chain.reference).protections.exempted] == ["rows-alike", "rows-share"]


def test_without_a_word_nothing_is_exempted():
    chain = before_the_decision()
    chain.approve()
    assert requests.plan(chain.reference).protections.exempted == ()
    assert "exempted" not in str(requests.plan(chain.reference).to_json())


def test_a_coordinator_adds_none_alone():
    chain = before_the_decision()
    said = approval(chain) | {"exempted": ["rows-presence"]}
    assert chain.attempt(Action.APPROVE, Role.COORDINATOR, said).code == "exempts-more-than-was-proposed"
    said = approval(chain, "rows-share") | {"exempted": ["rows-share", "rows-presence"]}
    assert chain.attempt(Action.APPROVE, Role.COORDINATOR, said).code == "exempts-more-than-was-proposed"


def test_a_table_instead_of_rows_has_no_rules_for_rows():
    """The coordinator lowers the level: then the exemptions go, too."""
    chain = before_the_decision(level="L2")
    said = requests.prefilled(chain.reference, Action.APPROVE, level="L1", exempted=["rows-share"])
    assert said["plan"] == ""
    assert requests.plan(chain.reference, variables=["desil"], level="L1", exempted=["rows-share"]).code == (
        "plan-exempts-no-rows"
    )
    assert requests.plan(chain.reference, variables=["desil"], level="L1").protections.smallest_cell > 0


@pytest.mark.parametrize("level", ["L1", "L4"])
def test_only_rows_without_names_have_such_rules(level):
    chain = a_request(at=Status.SUBSTANCE_CHECK, level=level)
    no = chain.attempt(Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, {"exemptions": {"rows-share": SHARE}})
    assert no.code == "has-no-rows-without-names"


def test_the_officer_for_protection_is_awaited_and_heard_also_where_the_level_asks_for_no_opinion():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2")

    def awaited() -> bool:
        return Role.DATA_PROTECTION_OFFICER in Request.objects.get(pk=chain.request.pk).awaited

    chain.propose_all()
    assert not awaited()
    chain.step(Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, {"exemptions": {"rows-share": SHARE}})
    assert awaited()
    assert chain.attempt(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER).code == "exemption-has-no-opinion"
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, OPINION)
    assert not awaited()
    chain.step(Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, {"exemptions": {}})
    assert not awaited()
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)


def signed_for(chain, action: Action, role: Role, payload: dict, lang: str = "id") -> str:
    """Every word above the signature."""
    event = done(requests.DOOR.answer(chain.request, action, chain.office[role], payload, seen=chain.state.n))
    act = Signing.on(clock.today()).acts["request", action.value]
    summary = drawn(requested.of_request(chain.request, event), act, lang)
    return "\n".join([summary.sentence, *(word for line in summary.lines for word in (line.name, *line.values))])


def test_each_of_the_three_signs_what_is_exempted_and_why():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L3")
    chain.propose_all()
    exemptions = {"exemptions": {"rows-share": SHARE}}
    said = signed_for(chain, Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, exemptions)
    assert "Bagian penduduk yang ikut keluar (rows-share)" in said and SHARE in said
    chain.step(Action.PROPOSE_EXEMPTIONS, Role.SUBSTANCE_VERIFIER, exemptions)
    said = signed_for(chain, Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, OPINION)
    assert "Bagian penduduk yang ikut keluar (rows-share)" in said and SHARE in said
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, OPINION)
    said = signed_for(chain, Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER, {})
    assert SHARE in said and "Putusan: Setujui (APPROVE)" in said
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)
    said = signed_for(chain, Action.APPROVE, Role.COORDINATOR, approval(chain, "rows-share"), "en")
    assert "Rule for rows that is exempted: Share of the people that leaves" in said and SHARE in said
    assert SHARE not in signed_for(chain, Action.APPROVE, Role.COORDINATOR, approval(chain))


def test_every_rule_has_one_name_wherever_it_is_told_and_asks_by_the_figures_in_force():
    day = date(2026, 11, 27)
    known = {row["code"]: row for row in policy_file("signatures")["word"]}
    rule = RowRule.on(day, Level.L3)
    for lang in ("id", "en"):
        told = wording.row_rules(rule, Catalogue.on(day), lang)
        assert tuple(sorted(told)) == EXEMPTIBLE
        assert {code: name for code, (name, _) in told.items()} == {code: known[code][lang] for code in EXEMPTIBLE}
        figures = {
            "rows-alike": (rule.smallest_class, rule.most_blanked_percent, rule.most_dropped_percent),
            "rows-one-value": (rule.distinct_values, rule.most_one_value_percent),
            "rows-distribution": (rule.most_distance_percent,),
            "rows-presence": (rule.most_presence_percent,),
            "rows-share": (rule.most_share_percent,),
            "rows-inference": (rule.most_inference_percent,),
        }
        for code, numbers in figures.items():
            assert all(str(number) in told[code][1] for number in numbers), told[code]
    indonesian = wording.row_rules(rule, Catalogue.on(day))
    assert {code: words.row_rule(code) for code in EXEMPTIBLE} == {code: name for code, (name, _) in indonesian.items()}
    assert words.row_rule("rows-of-tomorrow") == "rows-of-tomorrow"
