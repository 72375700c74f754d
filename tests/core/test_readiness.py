"""Readiness: an institution answers and shows, another house judges, the certificate says for what and until when."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bagipakai.core.access import WIB
from bagipakai.core.facts import Mandate
from bagipakai.core.readiness import (
    RULES,
    TABLE,
    Action,
    Command,
    Event,
    Instrument,
    Item,
    ReadinessFacts,
    Review,
    Status,
    after,
    decide,
    fold,
    possible,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=WIB)
TODAY = NOW.date()
ANI = Actor("ani", "staf", Role.APPLICANT, "DINSOS-A")
BUDI = Actor("budi", "kepala", Role.ACCOUNTABLE_OFFICER, "DINSOS-A")
SARI = Actor("sari", "peninjau", Role.READINESS_REVIEWER, "BPS")
ACTORS = {Role.APPLICANT: ANI, Role.ACCOUNTABLE_OFFICER: BUDI, Role.READINESS_REVIEWER: SARI, Role.SYSTEM: SYSTEM}


def item(code: str, levels: str, evidence: str = "", demanded: bool = False) -> Item:
    return Item(code, f"{code}?", f"{code}?", "uji", evidence, frozenset(levels.split()), demanded, "uji")


# SEC-1 must be met and shown from L2 on; ORG-1 may wait; L4-1 counts for L4 alone.
INSTRUMENT = Instrument(
    {one.code: one for one in (item("SEC-1", "L2 L4", "foto", True), item("ORG-1", "L2 L4"), item("L4-1", "L4"))}, 365
)
SCOPE = {"levels": ["L2"], "channels": ["PORTAL"], "sites": ["PUSAT"]}
CERTIFICATE = {**SCOPE, "valid_until": "2027-11-26", "reason": "memenuhi"}


def facts(actor: Actor, **changes) -> ReadinessFacts:
    right = ReadinessFacts(
        now=NOW,
        today=TODAY,
        instrument=INSTRUMENT,
        account="ACTIVE",
        mandate=Mandate(actor.person, actor.post, actor.institution, frozenset({actor.role.value}), NOW),
        competences={"technical": TODAY, "legal": TODAY, "governance": TODAY},
    )
    return replace(right, **changes)


PAYLOADS = {
    Action.OPEN: {"institution": "DINSOS-A", **SCOPE},
    Action.ANSWER: {"item": "SEC-1", "answer": "YES", "note": ""},
    Action.ATTACH: {"item": "SEC-1", "sha256": "a" * 64, "bytes": 9, "name": "foto.png", "media": "image/png"},
    Action.JUDGE: {"item": "SEC-1", "verdict": "MET", "note": ""},
    Action.CERTIFY: CERTIFICATE,
    Action.CERTIFY_WITH_CONDITIONS: {
        **CERTIFICATE,
        "conditions": [{"item": "ORG-1", "measure": "tunjuk petugas", "due": "2027-03-01"}],
    },
    Action.REFUSE: {"reason": "belum memenuhi"},
    Action.SUSPEND: {"reason": "insiden"},
    Action.REINSTATE: {"reason": "insiden ditutup"},
}

# how a review lawfully comes to each stage
PATH = [
    (Action.OPEN, ANI, {}),
    (Action.ANSWER, ANI, {}),
    (Action.ANSWER, ANI, {"item": "ORG-1", "answer": "NO"}),
    (Action.ATTACH, ANI, {}),
    (Action.DECLARE, BUDI, {}),
    (Action.TAKE_UP, SARI, {}),
    (Action.JUDGE, SARI, {}),
    (Action.JUDGE, SARI, {"item": "ORG-1"}),
]


def step(review: Review, action: Action, actor: Actor, changes: dict | None = None, **told) -> Review:
    payload = PAYLOADS.get(action, {}) | (changes or {})
    outcome = decide(review, Command(action, actor, payload, review.n), facts(actor, **told))
    assert isinstance(outcome, Event), outcome
    assert Event.from_json(outcome.to_json()) == outcome
    return after(review, outcome)


def a_review(to: Status | None, org: str = "MET") -> Review:
    """A review that really came there. `org`: the verdict on the item that may wait."""
    review = Review("R-1")
    for action, actor, changes in PATH:
        if review.status is to and to in {None, Status.SELF_ASSESSED}:
            return review
        verdict = {"verdict": org, "note": "belum ada petugas"} if changes == {"item": "ORG-1"} else {}
        review = step(review, action, actor, changes | verdict)
        if to is Status.NOT_STARTED and action is Action.ATTACH:
            return review
    if to in {Status.READY, Status.SUSPENDED, Status.EXPIRED}:
        review = step(review, Action.CERTIFY, SARI)
    if to is Status.READY_WITH_CONDITIONS:
        review = step(a_review(Status.UNDER_REVIEW, "PARTLY"), Action.CERTIFY_WITH_CONDITIONS, SARI)
    if to is Status.NOT_READY:
        review = step(review, Action.REFUSE, SARI)
    if to is Status.SUSPENDED:
        review = step(review, Action.SUSPEND, SARI)
    if to is Status.EXPIRED:
        review = step(review, Action.EXPIRE, SYSTEM, today=date(2027, 11, 27))
    assert review.status is to
    return review


def refusal(review: Review, action: Action, actor: Actor, changes: dict | None = None, table=TABLE, **told) -> str:
    payload = PAYLOADS.get(action, {}) | (changes or {})
    outcome = decide(review, Command(action, actor, payload, review.n), facts(actor, **told), table)
    return outcome.code if isinstance(outcome, Refusal) else ""


# the path


def test_a_review_from_opening_to_a_certificate():
    standing = a_review(Status.READY).standing(TODAY)
    assert (standing.status, standing.valid_until) == ("READY", date(2027, 11, 26))
    assert (standing.levels, standing.channels, standing.sites) == ({"L2"}, {"PORTAL"}, {"PUSAT"})
    assert standing.reviewers == {"sari"} and len(standing.digest) == 64
    assert standing.is_ready(TODAY) and standing.is_ready(date(2027, 11, 26))
    assert not standing.is_ready(date(2027, 11, 27))


def test_a_certificate_past_its_last_day_is_expired_event_or_no_event():
    """S07: with the scheduler dead, the standing says so all the same."""
    review = a_review(Status.READY)
    assert review.standing(date(2027, 11, 26)).status == "READY"
    assert review.standing(date(2027, 11, 27)).status == "EXPIRED"
    assert not review.standing(date(2027, 11, 27)).is_ready(date(2027, 11, 27))


@pytest.mark.parametrize("status", [None, *Status], ids=str)
def test_only_the_certified_are_ready(status):
    standing = a_review(status).standing(TODAY)
    assert standing.is_ready(TODAY) is (status in {Status.READY, Status.READY_WITH_CONDITIONS})


def test_conditions_carry_a_measure_and_a_day():
    review = a_review(Status.READY_WITH_CONDITIONS)
    assert review.certificate.conditions[0]["due"] == "2027-03-01"
    assert review.standing(TODAY).is_ready(TODAY)


def test_a_suspended_certificate_comes_back_as_it_was():
    for was in (Status.READY, Status.READY_WITH_CONDITIONS):
        review = step(a_review(was), Action.SUSPEND, SARI)
        assert not review.standing(TODAY).is_ready(TODAY)
        assert step(review, Action.REINSTATE, SARI).status is was


def test_an_item_counts_only_for_its_levels():
    """L4-1 is not asked of who declares L2; whoever declares L4 must answer it."""
    wide = {"levels": ["L2", "L4"]}
    review = step(Review("R-1"), Action.OPEN, ANI, wide)
    for code in ("SEC-1", "ORG-1"):
        review = step(review, Action.ANSWER, ANI, {"item": code, "answer": "NO"})
    assert refusal(review, Action.DECLARE, BUDI) == "items-are-unanswered"
    assert refusal(a_review(Status.NOT_STARTED), Action.DECLARE, BUDI) == ""


def test_an_empty_instrument_certifies_nobody():
    review = a_review(Status.NOT_STARTED)
    assert refusal(review, Action.DECLARE, BUDI, instrument=Instrument({}, 365)) == "items-are-unanswered"


def test_the_fold_is_the_events():
    review, events = Review("R-1"), []
    for action, actor, changes in PATH:
        outcome = decide(review, Command(action, actor, PAYLOADS.get(action, {}) | changes, review.n), facts(actor))
        events.append(outcome)
        review = after(review, outcome)
    assert fold(events, "R-1") == review
    assert review.opened_on == TODAY and review.authors == {"ani", "budi"}


def test_the_instrument_in_force_can_be_read():
    """policies/readiness.toml: every item has its reference, and asks of at least one level."""
    instrument = Instrument.on(TODAY)
    assert len(instrument.items) >= 10 and 0 < instrument.longest_days <= 366
    for one in instrument.items.values():
        assert one.reference and one.question and one.english and one.levels <= {"L1", "L2", "L3", "L4"} and one.levels


def test_buttons_are_drawn_or_explained():
    answers = dict(possible(a_review(Status.NOT_STARTED), BUDI, facts(BUDI)))
    assert answers == {Action.DECLARE: None}
    unready = step(Review("R-1"), Action.OPEN, ANI)
    assert dict(possible(unready, BUDI, facts(BUDI)))[Action.DECLARE].code == "items-are-unanswered"
    assert dict(possible(Review("R-1"), ANI, facts(ANI))) == {Action.OPEN: None}


NONSENSE = [None, 0, True, [], {}, "", " ", [None], object()]


def test_nonsense_is_refused_and_never_raises():
    for rule in RULES:
        for key in PAYLOADS.get(rule.action, {"extra": ""}):
            for value in NONSENSE:
                review, actor = a_review(rule.from_status), ACTORS[rule.role]
                outcome = refusal(review, rule.action, actor, {key: value})
                assert outcome or (key, value) == ("bytes", 0) or key == "note" or rule.role is Role.SYSTEM, (
                    rule.action,
                    key,
                    value,
                )
        assert refusal(a_review(rule.from_status), rule.action, ACTORS[rule.role], {"status": "READY"})


# each objection of each line is needed

PERSON = {"account-is-not-active": {"account": ""}, "mandate-has-ended": {"mandate": None}}
ASSESSOR = PERSON | {
    "belongs-to-another-institution": {"actor": {"institution": "DINSOS-B"}},
    "already-examined-it": {"actor": {"person": "sari"}, "review": {"reviewers": frozenset({"sari"})}},
}
REVIEWER = PERSON | {
    "competence-has-ended": {"competences": {"technical": TODAY, "legal": TODAY}},
    "belongs-to-own-institution": {"actor": {"institution": "DINSOS-A"}},
    "drafted-it-themselves": {"actor": {"person": "ani"}},
}
UNKNOWN = {"item-is-unknown": {"says": {"item": "XXX-9"}}}
CERTIFYING = {
    "items-are-unjudged": {"review": {"verdicts": {"SEC-1": ("MET", "", "sari")}, "levels": frozenset({"L2"})}},
    "scope-exceeds-what-was-declared": {"says": {"channels": ["PORTAL", "SPLP"]}},
    "validity-is-not-allowed": {"says": {"valid_until": "2027-11-27"}},
}


def spoilers(rule) -> dict[str, dict]:
    """For each objection of a line: what, alone, brings it about."""
    met = ("MET", "", "sari")
    match rule.action:
        case Action.OPEN:
            return ASSESSOR
        case Action.ANSWER | Action.ATTACH:
            return ASSESSOR | UNKNOWN
        case Action.DECLARE:
            return ASSESSOR | {
                "items-are-unanswered": {"review": {"answers": {"SEC-1": ("YES", "")}}},
                "evidence-is-missing": {"review": {"evidence": {}}},
            }
        case Action.JUDGE:
            return REVIEWER | UNKNOWN | {"verdict-has-no-note": {"says": {"verdict": "NOT_MET"}}}
        case Action.CERTIFY:
            unmet = {"SEC-1": met, "ORG-1": ("PARTLY", "kurang", "sari")}
            # an unjudged item counts as unmet for the levels it is asked of: here it is asked of another level only
            unjudged = {"review": {"levels": frozenset({"L2", "L4"})}}
            return (
                REVIEWER
                | CERTIFYING
                | {
                    "items-are-unjudged": unjudged,
                    "requirement-is-unmet": {"review": {"verdicts": unmet}},
                }
            )
        case Action.CERTIFY_WITH_CONDITIONS:
            planned = [{"item": code, "measure": "perbaiki", "due": "2027-03-01"} for code in ("SEC-1", "ORG-1")]
            unmet = {"SEC-1": ("NOT_MET", "tidak", "sari"), "ORG-1": ("PARTLY", "kurang", "sari")}
            return (
                REVIEWER
                | CERTIFYING
                | {
                    "items-are-unjudged": {"review": {"levels": frozenset({"L2", "L4"})}},
                    "demand-is-unmet": {"says": {"conditions": planned}, "review": {"verdicts": unmet}},
                    "shortfall-has-no-plan": {
                        "says": {"conditions": [{"item": "ORG-1", "measure": "nanti", "due": "2029-01-01"}]}
                    },
                }
            )
        case Action.REINSTATE:
            return REVIEWER | {"validity-has-ended": {"today": date(2027, 11, 27), "competences": EVER}}
        case Action.EXPIRE:
            return {"validity-remains": {"today": date(2027, 11, 26)}}
    return REVIEWER


EVER = {"technical": date.max, "legal": date.max, "governance": date.max}


def outcome_of(rule, table=TABLE, **spoiled) -> str:
    """The code of the outcome when everything is right, but for what is spoiled."""
    org = "PARTLY" if rule.action is Action.CERTIFY_WITH_CONDITIONS else "MET"
    review = a_review(rule.from_status, org) if rule.from_status is Status.UNDER_REVIEW else a_review(rule.from_status)
    review = replace(review, **spoiled.pop("review", {}))
    actor = replace(ACTORS[rule.role], **spoiled.pop("actor", {}))
    told = {"today": date(2027, 11, 27)} if rule.action is Action.EXPIRE else {}
    return refusal(review, rule.action, actor, spoiled.pop("says", {}), table, **(told | spoiled))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.role}-{rule.action}-{rule.from_status}")
def test_each_objection_of_each_line_alone_stands_in_the_way(rule):
    """Right, it goes through; spoiled in one thing, it is refused with that code; without the objection it would go
    through."""
    assert outcome_of(rule) == ""
    drawn = spoilers(rule)
    assert set(drawn) == {objects.__name__.replace("_", "-") for objects in rule.objections}
    for objects in rule.objections:
        code = objects.__name__.replace("_", "-")
        assert outcome_of(rule, **drawn[code]) == code
        others = tuple(one for one in rule.objections if one is not objects)
        mutant = {**TABLE, (rule.from_status, rule.role, rule.action): replace(rule, objections=others)}
        assert outcome_of(rule, mutant, **drawn[code]) == "", f"without {code} another objection says the same"


def test_the_table_holds_these_lines_and_no_other():
    drawn = """
        -                     | APPLICANT           | OPEN
        NOT_STARTED           | APPLICANT           | ANSWER ATTACH
        NOT_STARTED           | ACCOUNTABLE_OFFICER | DECLARE
        SELF_ASSESSED         | READINESS_REVIEWER  | TAKE_UP
        UNDER_REVIEW          | READINESS_REVIEWER  | JUDGE CERTIFY CERTIFY_WITH_CONDITIONS REFUSE
        READY                 | READINESS_REVIEWER  | SUSPEND
        READY                 | SYSTEM              | EXPIRE
        READY_WITH_CONDITIONS | READINESS_REVIEWER  | SUSPEND
        READY_WITH_CONDITIONS | SYSTEM              | EXPIRE
        SUSPENDED             | READINESS_REVIEWER  | REINSTATE
        SUSPENDED             | SYSTEM              | EXPIRE
        """
    lines = set()
    for line in drawn.strip().splitlines():
        stage, role, actions = (cell.strip() for cell in line.split("|"))
        lines |= {(None if stage == "-" else Status(stage), Role(role), Action(name)) for name in actions.split()}
    assert set(TABLE) == lines


def test_validity_is_bounded_by_the_instrument():
    review = a_review(Status.UNDER_REVIEW)
    longest = (TODAY + timedelta(days=365)).isoformat()
    assert refusal(review, Action.CERTIFY, SARI, {"valid_until": longest}) == ""
    for wrong in ("2026-11-25", "2027-11-27", "selamanya", "2027-02-30"):
        assert refusal(review, Action.CERTIFY, SARI, {"valid_until": wrong}) == "validity-is-not-allowed"
