"""Nobody decides without a signature of their own, on exactly what they read, once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from tests import authenticators
from tests.authenticators import WALLET, decide, draw_up, handle, key_of, the_same_key
from tests.factories import a_certificate, a_request, a_seat, done

from bagipakai.control import access, clock, ledger, people, readiness, requests
from bagipakai.control.models import Denial, Event, PendingDecision, SignedDecision, SigningAttempt
from bagipakai.control.passkeys import ceremony, keys, requested, signing
from bagipakai.control.passkeys.signing import Signature
from bagipakai.core import policy, submissions
from bagipakai.core.canonical import digest
from bagipakai.core.decisions import ALWAYS, Assertion, Decision, Signing, objection, to_base64url
from bagipakai.core.keybook import Action as Binding
from bagipakai.core.readiness import Action as Review
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

PASS = Action.PASS_ADMIN


def refused(outcome):
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


@pytest.fixture
def chain():
    return a_request(at=Status.ADMIN_CHECK)


@pytest.fixture
def verifier(chain):
    """The administrative verifier, with a key that may sign."""
    person = chain.office[Role.ADMIN_VERIFIER]
    key_of(person)
    return person


@pytest.fixture
def drawn(chain, verifier):
    """A decision to pass the request, drawn up for the verifier."""
    return done(draw_up(chain.reference, PASS, verifier))


def answered(found, key):
    """The answer of `key` to what the signer's browser is asked."""
    return Signature(found.token, key.get(signing.question(found), ceremony.origin()))


def test_a_signed_decision_is_done_and_kept(chain, verifier, drawn):
    event = done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    assert chain.state.status is Status.SUBSTANCE_CHECK
    kept = SignedDecision.objects.get(subject=chain.reference, n=event.n)
    decision = Decision.from_json(kept.pending.decision)
    assert (decision.request, decision.outcome, decision.person) == (chain.reference, "PASS_ADMIN", str(verifier.pk))
    assert (decision.role, decision.policy_version) == ("ADMIN_VERIFIER", policy.version())
    assert decision.dossier_hash == digest(kept.pending.dossier)
    assert decision.shown_summary_hash == digest(kept.pending.summary)
    assert kept.digest == decision.digest


def test_what_is_kept_can_be_checked_without_the_office(chain, verifier, drawn):
    done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    kept = SignedDecision.objects.get(subject=chain.reference)
    told = (bytes(kept.client_data), bytes(kept.authenticator_data), bytes(kept.signature))
    ring = keys.ring(verifier)
    key = keys.enrolled(ring.keys[kept.credential.credential], ring.holder)
    assert objection(Decision.from_json(kept.pending.decision), Assertion(key.credential, *told), key) is None


def test_without_a_signature_nothing_happens(chain, verifier):
    assert refused(handle(chain.reference, PASS, verifier)) == "decision-is-not-signed"
    assert chain.state.status is Status.ADMIN_CHECK
    assert Denial.objects.get(code="decision-is-not-signed").person == verifier


def test_without_a_key_nobody_decides(chain):
    stranger = a_seat(chain.office.institution, Role.ADMIN_VERIFIER)
    assert refused(draw_up(chain.reference, PASS, stranger)) == "key-is-not-enrolled"
    assert refused(handle(chain.reference, PASS, stranger)) == "key-is-not-enrolled"


def test_a_key_that_waits_signs_nothing(chain):
    seat = a_seat(chain.office.institution, Role.ADMIN_VERIFIER)
    offered, key = done(keys.offer(seat)), authenticators.Authenticator()
    done(keys.enrol(seat, offered, key.create(offered.options, ceremony.origin())))
    assert refused(draw_up(chain.reference, PASS, seat)) == "key-is-not-confirmed"


CHEATS = {
    authenticators.Elsewhere: "signed-at-another-address",
    authenticators.Framed: "signed-at-another-address",
    authenticators.OtherService: "signed-for-another-service",
    authenticators.Unverified: "signer-was-not-verified",
    authenticators.Untouched: "signer-was-not-present",
    authenticators.Enrolling: "signed-another-decision",
}


@pytest.mark.parametrize(("cheat", "code"), CHEATS.items(), ids=lambda one: getattr(one, "__name__", one))
def test_each_cheat_has_its_name(chain, verifier, drawn, cheat, code):
    assert (
        refused(
            handle(chain.reference, PASS, verifier, signature=answered(drawn, the_same_key(key_of(verifier), cheat)))
        )
        == code
    )
    assert chain.state.status is Status.ADMIN_CHECK
    assert SigningAttempt.objects.get(pending=drawn).code == code
    assert not SignedDecision.objects.filter(subject=chain.reference).exists()


def test_a_signature_stands_under_one_decision_only(chain, verifier, drawn):
    """Of the same person, on the same request, at the same step."""
    item = {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "Sebutkan pasalnya"}
    other = done(draw_up(chain.reference, Action.RETURN, verifier, {"items": [item], "reopen": []}))
    answer = WALLET.sign(other).answer
    assert (
        refused(handle(chain.reference, PASS, verifier, signature=Signature(drawn.token, answer)))
        == "signed-another-decision"
    )


def test_a_pending_decision_serves_its_own_act_only(chain, verifier, drawn):
    item = {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "Sebutkan pasalnya"}
    payload = {"items": [item], "reopen": []}
    outcome = handle(chain.reference, Action.RETURN, verifier, payload, signature=WALLET.sign(drawn))
    assert refused(outcome) == "decision-no-longer-holds"


def test_what_was_signed_is_what_is_done(chain, verifier):
    """One word of the reason changed between reading and doing."""
    item = {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "Sebutkan pasalnya"}
    found = done(draw_up(chain.reference, Action.RETURN, verifier, {"items": [item], "reopen": []}))
    payload = {"items": [{**item, "note": "Sebutkan ayatnya"}], "reopen": []}
    outcome = handle(chain.reference, Action.RETURN, verifier, payload, signature=WALLET.sign(found))
    assert refused(outcome) == "decision-no-longer-holds"
    assert chain.state.status is Status.ADMIN_CHECK


def test_a_foreign_key_does_not_sign(chain, verifier, drawn):
    foreign = authenticators.Authenticator()
    assert (
        refused(handle(chain.reference, PASS, verifier, signature=answered(drawn, foreign)))
        == "signed-with-another-key"
    )


def test_a_colleagues_key_does_not_sign(chain, verifier, drawn):
    colleague = key_of(chain.office[Role.COORDINATOR])
    assert (
        refused(handle(chain.reference, PASS, verifier, signature=answered(drawn, colleague)))
        == "signed-with-another-key"
    )


def test_another_key_under_the_same_name_does_not_sign(chain, verifier, drawn):
    forged = authenticators.Authenticator(credential=key_of(verifier).credential, counter=50)
    assert (
        refused(handle(chain.reference, PASS, verifier, signature=answered(drawn, forged)))
        == "signature-does-not-verify"
    )


def test_a_decision_is_signed_by_whom_it_was_drawn_up_for(chain, verifier, drawn):
    other = a_seat(chain.office.institution, Role.ADMIN_VERIFIER)
    key_of(other.person)
    assert refused(handle(chain.reference, PASS, other, signature=WALLET.sign(drawn))) == "decision-is-unknown"


def test_a_signature_is_used_once(chain, verifier, drawn):
    """A replay, after the step was undone by a return and a repair: same act, same person, another step."""
    signature = WALLET.sign(drawn)
    done(handle(chain.reference, PASS, verifier, signature=signature))
    assert refused(handle(chain.reference, PASS, verifier, signature=signature)) in {
        "not-at-this-stage",
        "already-examined-it",
    }
    second = a_request(at=Status.ADMIN_CHECK)
    assert refused(handle(second.reference, PASS, verifier, signature=signature)) == "decision-was-used"


def test_a_refused_signature_uses_the_decision_up(chain, verifier, drawn):
    cheat = the_same_key(key_of(verifier), authenticators.Unverified)
    handle(chain.reference, PASS, verifier, signature=answered(drawn, cheat))
    assert refused(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn))) == "decision-was-used"


def test_a_decision_waits_five_minutes(chain, verifier, at):
    begun = clock.now()
    with at(begun.isoformat()):
        found = done(draw_up(chain.reference, PASS, verifier))
    assert found.until - found.made_at == Signing.on(clock.today()).lives == timedelta(minutes=5)
    with at((found.until + timedelta(milliseconds=1)).isoformat()):
        outcome = handle(chain.reference, PASS, verifier, signature=WALLET.sign(found))
    assert refused(outcome) == "decision-has-expired"
    with at(found.until.isoformat()):
        done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(found)))


def test_a_decision_dies_when_something_happens_meanwhile(chain, verifier, drawn):
    """Whatever it is: here the applicant withdraws."""
    done(requests.handle(chain.reference, Action.WITHDRAW, chain.asking[Role.APPLICANT], {}, chain.state.n))
    outcome = handle(chain.reference, PASS, verifier, seen=drawn.n - 1, signature=WALLET.sign(drawn))
    assert refused(outcome) == "changed-meanwhile"


def test_a_decision_dies_when_readiness_changes(chain, verifier, drawn):
    """Not an event of the request, and yet it rests on it: a new certificate, for fewer days."""
    a_certificate(chain.asking, days=100)
    outcome = handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn))
    assert refused(outcome) == "decision-no-longer-holds"


def test_a_decision_dies_when_the_policy_changes(chain, verifier, drawn, monkeypatch):
    monkeypatch.setattr(policy, "version", lambda: "0" * 64)
    assert refused(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn))) == "decision-no-longer-holds"


def test_a_copy_of_a_key_is_noticed_by_its_count(chain, verifier, drawn):
    second = a_request(at=Status.ADMIN_CHECK)
    copy = the_same_key(key_of(verifier), authenticators.GoingBack)
    key_of(verifier).counter = 7
    done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    found = done(draw_up(second.reference, PASS, verifier))
    assert refused(handle(second.reference, PASS, verifier, signature=answered(found, copy))) == "key-counter-went-back"


def test_a_count_that_stands_still_is_noticed(chain, verifier, drawn):
    second = a_request(at=Status.ADMIN_CHECK)
    done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    key_of(verifier).counter -= 1
    found = done(draw_up(second.reference, PASS, verifier))
    assert refused(handle(second.reference, PASS, verifier, signature=WALLET.sign(found))) == "key-counter-went-back"


def test_a_key_that_does_not_count_may_sign_again(chain):
    """Zero after zero: such keys are synchronised between devices."""
    wallet = authenticators.Wallet(make=authenticators.Uncounting)
    seat = a_seat(chain.office.institution, Role.ADMIN_VERIFIER)
    wallet.of(seat.person)
    for one in (chain, a_request(at=Status.ADMIN_CHECK)):
        found = done(draw_up(one.reference, PASS, seat))
        done(handle(one.reference, PASS, seat, signature=wallet.sign(found)))


def test_a_key_of_another_house_signs_nothing(chain, verifier):
    """Confirmed by a colleague elsewhere, of whom this house knows nothing."""
    elsewhere = a_seat(chain.asking.institution, Role.APPLICANT)
    both = a_seat(chain.office.institution, Role.ADMIN_VERIFIER, person=elsewhere.person)
    foreign = WALLET.of(both.person, chain.asking.institution)
    assert refused(draw_up(chain.reference, PASS, both)) == "key-is-of-another-house"
    (told,) = (one for one in requests.possible(chain.reference, both) if one.action is PASS)
    assert told.refusal.code == "key-is-of-another-house"
    own = WALLET.of(both.person, chain.office.institution)
    found = done(draw_up(chain.reference, PASS, both))
    assert [one["id"] for one in signing.question(found)["allowCredentials"]] == [to_base64url(own.credential)]
    assert refused(handle(chain.reference, PASS, both, signature=answered(found, foreign))) == "key-is-of-another-house"
    found = done(draw_up(chain.reference, PASS, both))
    done(handle(chain.reference, PASS, both, signature=answered(found, own)))


def test_a_revoked_key_signs_nothing(chain, verifier, drawn):
    signature = WALLET.sign(drawn)
    (key,) = keys.ring(verifier).keys
    done(keys.revoke(verifier, verifier, key, "Hilang di kereta"))
    assert refused(handle(chain.reference, PASS, verifier, signature=signature)) == "key-was-revoked"


def test_a_post_that_ended_decides_nothing(chain):
    seat = a_seat(chain.office.institution, Role.ADMIN_VERIFIER)
    key_of(seat.person)
    found = done(draw_up(chain.reference, PASS, seat))
    people.relieve(seat)
    assert refused(handle(chain.reference, PASS, seat, signature=WALLET.sign(found))) == "mandate-has-ended"
    assert signing.tenure_of(found) is None


NO_ANSWERS = (
    *("", "{}", "[]", "null", "12", '"x"', '{"id": 1}', '{"id":"a","id":"a"}', '{"id":"\\ud800"}', "\udcff"),
    *('{"id":"a","rawId":"a","type":"public-key","response":{}}', "{" * 40_000, "x" * 70_000),
)


def test_an_answer_that_is_none_is_refused_in_words(chain, verifier):
    for answer in NO_ANSWERS:
        found = done(draw_up(chain.reference, PASS, verifier))
        outcome = handle(chain.reference, PASS, verifier, signature=Signature(found.token, answer))
        assert refused(outcome) == "assertion-is-not-readable", answer[:60]


def test_decisions_of_a_request_are_chained(chain, verifier, drawn):
    done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    opinion = {"opinion": "SUPPORTS", "reason": "Sesuai tujuan"}
    done(decide(chain.reference, Action.GIVE_OPINION, chain.office[Role.DATA_PROTECTION_OFFICER], opinion))
    first, second = SignedDecision.objects.filter(subject=chain.reference).order_by("n")
    assert first.pending.decision["prev_decision_hash"] == ""
    assert second.pending.decision["prev_decision_hash"] == first.digest
    assert second.pending.decision["reasons"] == ["Sesuai tujuan"]


@pytest.mark.parametrize("ended", [False, True])
def test_a_policy_that_leaves_an_act_out_lets_nobody_do_it(chain, verifier, drawn, monkeypatch, ended):
    """The row is gone, or was ended yesterday: with a signature or without, the answer is no."""
    signature, told = WALLET.sign(drawn), dict(policy.policy_file("signatures"))
    told["act"] = [one for one in told["act"] if one["action"] != PASS.value or ended]
    if ended:
        yesterday = {"until": clock.today() - timedelta(days=1)}
        told["act"] = [one | (yesterday if one["action"] == PASS.value else {}) for one in told["act"]]
    read = policy.policy_file
    monkeypatch.setattr(policy, "policy_file", lambda name: told if name == "signatures" else read(name))
    assert refused(handle(chain.reference, PASS, verifier)) == "act-has-no-sentence"
    assert refused(handle(chain.reference, PASS, verifier, signature=signature)) == "act-has-no-sentence"
    assert refused(draw_up(chain.reference, PASS, verifier)) == "act-has-no-sentence"
    assert chain.state.status is Status.ADMIN_CHECK


def test_what_the_policy_names_today_is_signed_always():
    assert {(matter, one) for matter, acts in ALWAYS.items() for one in acts} == set(Signing.on(clock.today()).acts)


def test_what_needs_no_signature_is_done_without(chain):
    chain.step(Action.RETURN, Role.ADMIN_VERIFIER, _returning())
    assert signing.accept(_matter_of_next(chain, Action.ANSWER_ITEM), None) is None
    assert refused(signing.prepare(_matter_of_next(chain, Action.ANSWER_ITEM), {})) == ("act-needs-no-signature")


def _returning():
    item = {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "Sebutkan pasalnya"}
    return {"items": [item], "reopen": []}


def _matter_of_next(chain, action):
    """The step that the applicant would take next, with a key or without."""
    key_of(chain.asking[Role.APPLICANT])
    done(chain.write(legal_basis="UU 13/2011 Pasal 9"))
    (item,) = chain.state.open_items
    payload = {"item": item.id, "answer": "REPAIRED"}
    event = done(requests.DOOR.answer(chain.request, action, chain.asking[Role.APPLICANT], payload, seen=chain.state.n))
    return requested.of_request(chain.request, event)


def test_every_act_that_must_be_signed_exists():
    known = {("request", one.value) for one in Action} | {("readiness", one.value) for one in Review}
    known |= {("recipient-key", one.value) for one in Binding} | {("access", one.value) for one in access.Action}
    known |= {("submission", one.value) for one in submissions.Action}
    acts = Signing.on(clock.today()).acts
    assert set(acts) <= known
    demanded = {"PASS_ADMIN", "RETURN", "PASS_SUBSTANCE", "GIVE_OPINION", "APPROVE", "REJECT", "SIGN_AGREEMENT"}
    demanded |= {"PLACE_ORDER", "PASS_QUALITY", "SIGN_HANDOVER", "PROPOSE_EXEMPTIONS"}
    assert {("request", one) for one in demanded} | {("readiness", "CERTIFY")} <= set(acts)
    assert {("recipient-key", "STATE_KEY"), ("recipient-key", "CONFIRM_KEY")} <= set(acts)


def test_an_order_about_a_grant_is_signed(chain):
    """A sanction, its end, and the end of the right."""
    chain = a_request(at=Status.ACCESS_GRANTED)
    grant, controller = chain.request.grant, chain.office[Role.CONTROLLER]
    for action in (access.Action.SUSPEND, access.Action.RESUME, access.Action.REVOKE):
        says, n = access.ordered(action, "Laporan penyalahgunaan"), access.state_of(grant).n
        assert refused(access.handle(grant.pk, action, controller, says, n)) == "decision-is-not-signed"
        found = done(access.draw_up(grant.pk, action, controller, says, n))
        assert chain.reference in str(found.summary) and grant.manifest in str(found.summary)
        done(access.handle(grant.pk, action, controller, says, n, WALLET.sign(found)))
        assert SignedDecision.objects.get(subject=f"hak/{grant.pk}", n=n + 1).pending == found


def test_a_certificate_of_readiness_is_signed(chain):
    """The other table, through the same door."""
    review = chain.asking.institution.reviews.get()
    reviewer, says = chain.office[Role.READINESS_REVIEWER], {"reason": "Kebocoran"}
    key_of(reviewer)
    found = done(readiness.draw_up(review.pk, Review.SUSPEND, reviewer, says, review.n))
    assert refused(readiness.handle(review.pk, Review.SUSPEND, reviewer, says, review.n)) == "decision-is-not-signed"
    done(readiness.handle(review.pk, Review.SUSPEND, reviewer, says, review.n, WALLET.sign(found)))
    kept = SignedDecision.objects.get(subject=f"kesiapan/{review.pk}", n=review.n + 1)
    assert kept.pending == found


# --- what the database itself keeps ---------------------------------------------------------------------------------

TABLES = ("keyevent", "credential", "pendingdecision", "signingattempt", "signeddecision")
DEEDS = ("UPDATE control_{} SET id = id", "DELETE FROM control_{}", "TRUNCATE control_{} CASCADE")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_about_keys_and_signatures_is_ever_changed(table, deed):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed.format(table))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT as_owner(%s)", [deed.format(table)])


def test_a_step_has_one_decision(chain, verifier, drawn):
    done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    kept = SignedDecision.objects.get(subject=chain.reference)
    other = PendingDecision.objects.create(
        **{
            field.name: getattr(drawn, field.name)
            for field in PendingDecision._meta.fields
            if field.name not in ("id", "token")
        },
        token="lain",
    )
    kept.pk, kept.pending = None, other
    with pytest.raises(IntegrityError, match="one_signed_decision_of_a_step"), transaction.atomic():
        kept.save(force_insert=True)


def test_the_event_and_its_signature_are_of_one_step(chain, verifier, drawn):
    event = done(handle(chain.reference, PASS, verifier, signature=WALLET.sign(drawn)))
    kept = SignedDecision.objects.get(subject=chain.reference)
    assert Event.objects.get(subject=chain.request, n=kept.n).action == event.action == kept.pending.action
    assert ledger.broken_at(Event, chain.request) is None
