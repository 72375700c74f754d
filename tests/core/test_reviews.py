"""Clerical review: who may do what to a sheet, drawn by hand; who judges which pair, and what the verdicts come to."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bagipakai.core.access import WIB
from bagipakai.core.envelope import BadSeal, Signer, seal, unseal
from bagipakai.core.facts import Mandate
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role
from bagipakai.core.review_orders import (
    LABELS_KIND,
    RECEIPT_KIND,
    SHEET_KIND,
    Label,
    LabelOrder,
    Opening,
    ReviewReceipt,
    SheetOrder,
    unsealed,
)
from bagipakai.core.reviews import (
    RULES,
    TABLE,
    Action,
    Command,
    Event,
    Judged,
    Limits,
    Sheet,
    SheetFacts,
    Status,
    Turn,
    Verdict,
    after,
    decide,
    fold,
    free,
    is_judged_twice,
    objection,
    possible,
    settled,
)

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=WIB)
NINA = Actor("nina", "telaah", Role.CLERK, "BPS")
KEY = "04" + "a" * 128
D = "d" * 64
CLAIMING = {
    "review": "PES-1-1",
    "institution": "DINSOS",
    "turns": [{"pair": 4, "round": 1}, {"pair": 2, "round": 1}],
}
SAID = {"verdicts": [{"pair": 2, "verdict": "NO"}, {"pair": 4, "verdict": "YES"}]}
UNLOCKING = {"order": "TLH-1-1-1", "key": KEY}
RIGHT = SheetFacts(
    now=NOW,
    today=NOW.date(),
    limits=Limits(pairs=2, minutes=60, twice=100, keys=2, days=90),
    houses=frozenset({"BPS"}),
    serves=True,
    holding=0,
    free=frozenset({Turn(2, 1), Turn(4, 1), Turn(5, 1)}),
    account="ACTIVE",
    mandate=Mandate("nina", "telaah", "BPS", frozenset({"CLERK"}), NOW - timedelta(days=1)),
    competences={"governance": NOW.date()},
    competences_needed={"CLERK": ("governance",)},
)

# stage | role | actions: nothing else is possible, for anybody
DRAWN = """
    -        | CLERK  | CLAIM
    CLAIMED  | CLERK  | UNLOCK ANSWER GIVE_BACK
    CLAIMED  | SYSTEM | EXPIRE
    ANSWERED | SYSTEM | RECORD_RECEIPT
"""
PAYLOADS = {
    Action.CLAIM: CLAIMING,
    Action.UNLOCK: UNLOCKING,
    Action.ANSWER: SAID,
    Action.RECORD_RECEIPT: {"receipt": D, "refusal": ""},
}


def drawn() -> set:
    keys = set()
    for line in DRAWN.strip().splitlines():
        stage, role, actions = (cell.strip() for cell in line.split("|"))
        keys |= {(None if stage == "-" else Status(stage), Role(role), Action(name)) for name in actions.split()}
    return keys


def walked(*deeds: tuple[Action, dict]) -> Sheet:
    """The sheet after these deeds, each done by whoever may."""
    state = Sheet("5")
    for action, payload in ((Action.CLAIM, CLAIMING), *deeds):
        actor = SYSTEM if action in {Action.RECORD_RECEIPT, Action.EXPIRE} else NINA
        facts = replace(RIGHT, now=NOW + timedelta(hours=1)) if action is Action.EXPIRE else RIGHT
        event = decide(state, Command(action, actor, payload, state.n), facts)
        assert isinstance(event, Event), event
        state = after(state, event)
    return state


def no(state: Sheet, action: Action, payload: dict | None = None, actor: Actor = NINA, **changed) -> str:
    """The code of the refusal; nothing where there is none."""
    said = PAYLOADS.get(action, {}) if payload is None else payload
    refusal = objection(state, Command(action, actor, said, state.n), replace(RIGHT, **changed))
    return refusal.code if refusal else ""


NEW, CLAIMED = Sheet("5"), walked()


def test_the_table_is_the_drawn_matrix():
    assert set(TABLE) == drawn()


@pytest.mark.parametrize("status", [None, *Status], ids=str)
def test_what_is_not_drawn_is_refused_to_everybody(status):
    state = Sheet("5", n=1 if status else 0, status=status, institution="DINSOS", clerk=NINA, claimed_at=NOW)
    for role in Role:
        for action in Action:
            if (status, role, action) not in drawn():
                found = no(state, action, actor=Actor("x", "y", role, "BPS"))
                assert found in {"not-this-role", "not-at-this-stage"}, (role, action)


def test_from_claim_to_labels():
    state = walked((Action.UNLOCK, UNLOCKING), (Action.UNLOCK, UNLOCKING), (Action.ANSWER, SAID))
    assert fold([], "5") == NEW and state.unlocked == 2
    assert state.verdicts == {2: Verdict.NO, 4: Verdict.YES} and state.status is Status.ANSWERED
    told = {"receipt": D, "refusal": ""}
    assert walked((Action.ANSWER, SAID), (Action.RECORD_RECEIPT, told)).status is Status.KEPT
    refused = told | {"refusal": "review-unknown"}
    assert walked((Action.ANSWER, SAID), (Action.RECORD_RECEIPT, refused)).status is Status.REFUSED
    assert walked((Action.EXPIRE, {})).status is Status.EXPIRED
    assert walked((Action.GIVE_BACK, {})).status is Status.GIVEN_BACK


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"account": "SUSPENDED"}, "account-is-not-active"),
        ({"mandate": None}, "mandate-has-ended"),
        ({"competences": {}}, "competence-has-ended"),
        ({"serves": False}, "works-for-another-controller"),
        ({"houses": frozenset({"BPS", "DINSOS"})}, "list-is-of-an-own-house"),
        ({"houses": None}, "list-is-of-an-own-house"),
        ({"holding": 1}, "holds-a-sheet-already"),
        ({"free": frozenset()}, "no-pair-waits"),
        ({"free": frozenset({Turn(2, 1), Turn(4, 2)})}, "pairs-are-taken"),
        ({"limits": Limits(1, 60, 100, 2, 90)}, "pairs-are-taken"),
    ],
)
def test_a_claim_is_refused(changed, code):
    assert no(NEW, Action.CLAIM) == ""
    assert no(NEW, Action.CLAIM, **changed) == code


@pytest.mark.parametrize("action", [Action.UNLOCK, Action.ANSWER, Action.GIVE_BACK])
def test_a_sheet_is_its_clerks_alone_and_for_its_time(action):
    assert no(CLAIMED, action) == ""
    late = {"now": NOW + timedelta(minutes=60)}
    assert no(CLAIMED, action, **late) == "time-of-the-sheet-is-over"
    other = Actor("budi", "telaah", Role.CLERK, "BPS")
    held = {"mandate": Mandate("budi", "telaah", "BPS", frozenset({"CLERK"}), NOW - timedelta(days=1))}
    assert no(CLAIMED, action, actor=other, **held) == "sheet-is-another-clerks"
    assert no(CLAIMED, action, houses=frozenset({"DINSOS"})) == "list-is-of-an-own-house"


def test_a_sheet_expires_when_its_time_is_over_and_not_before():
    assert no(CLAIMED, Action.EXPIRE, actor=SYSTEM) == "time-of-the-sheet-is-not-over"
    assert no(CLAIMED, Action.EXPIRE, actor=SYSTEM, now=NOW + timedelta(minutes=60)) == ""


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([{"pair": 2, "verdict": "NO"}], "verdicts-do-not-fit"),
        ([{"pair": 2, "verdict": "NO"}, {"pair": 2, "verdict": "NO"}], "verdicts-do-not-fit"),
        ([{"pair": 2, "verdict": "NO"}, {"pair": 5, "verdict": "NO"}], "verdicts-do-not-fit"),
        ([{"pair": 2, "verdict": "MAYBE"}, {"pair": 4, "verdict": "NO"}], "form-is-incomplete"),
        ([{"pair": 2, "verdict": "NO", "nama": "x"}, {"pair": 4, "verdict": "NO"}], "form-is-incomplete"),
        ("x", "form-is-incomplete"),
    ],
)
def test_every_pair_has_one_verdict_and_nothing_else_is_said(verdicts, code):
    assert no(CLAIMED, Action.ANSWER, {"verdicts": verdicts}) == code


@pytest.mark.parametrize("key", ["", "04" + "a" * 127, "05" + "a" * 128, "04" + "A" * 128, None, 4])
def test_a_key_is_a_point_of_the_curve(key):
    assert no(CLAIMED, Action.UNLOCK, {"order": "x", "key": key}) == "form-is-incomplete"


def test_a_sheet_is_opened_some_times_and_then_no_more():
    opened = (Action.UNLOCK, UNLOCKING)
    assert no(walked(opened), Action.UNLOCK) == ""
    assert no(walked(opened, opened), Action.UNLOCK) == "sheet-was-opened-too-often"
    assert no(walked(opened, opened), Action.ANSWER) == ""


def test_a_fact_that_nobody_gathered_refuses():
    bare = SheetFacts(now=NOW, today=NOW.date())
    assert all(
        rule.action in {Action.EXPIRE, Action.RECORD_RECEIPT}
        or isinstance(decide(NEW if rule.from_status is None else CLAIMED, _command(rule), bare), Refusal)
        for rule in RULES
    )


def _command(rule):
    return Command(rule.action, NINA, PAYLOADS.get(rule.action, {}), 0 if rule.from_status is None else 1)


def test_buttons_are_explained_without_a_form():
    assert dict(possible(CLAIMED, NINA, RIGHT)) == {Action.UNLOCK: None, Action.ANSWER: None, Action.GIVE_BACK: None}


# whose turn it is

Y, N, U = Verdict.YES, Verdict.NO, Verdict.UNSURE
TWICE, ONCE = 1000, 0  # of a thousand


def judged(*told: tuple[int, int, str, Verdict | None]) -> list[Judged]:
    return [Judged(Turn(pair, number), person, verdict) for pair, number, person, verdict in told]


def due(share: int, person: str, *told: tuple[int, int, str, Verdict | None]) -> list[tuple[int, int]]:
    return [(one.pair, one.round) for one in free(2, "salt", share, judged(*told), person)]


def test_a_pair_is_judged_once_by_whoever_comes_first():
    assert due(ONCE, "ani") == [(0, 1), (1, 1)]
    assert due(ONCE, "ani", (0, 1, "budi", None)) == [(1, 1)]
    assert due(ONCE, "ani", (0, 1, "budi", Y)) == [(1, 1)]


def test_a_drawn_pair_is_judged_by_two_and_the_third_decides_where_they_differ():
    first = (0, 1, "ani", Y)
    assert due(TWICE, "budi", first) == [(0, 2), (1, 1)]
    assert due(TWICE, "ani", first) == [(1, 1)]  # nobody judges a pair twice
    assert due(TWICE, "budi", (0, 1, "ani", None)) == [(0, 2), (1, 1)]  # nobody waits for the other
    assert due(TWICE, "cici", first, (0, 2, "budi", Y)) == [(1, 1)]
    assert due(TWICE, "cici", first, (0, 2, "budi", None)) == [(1, 1)]
    for person, expected in (("cici", [(0, 3), (1, 1)]), ("ani", [(1, 1)]), ("budi", [(1, 1)])):
        assert due(TWICE, person, first, (0, 2, "budi", N)) == expected
    assert due(TWICE, "dodi", first, (0, 2, "budi", N), (0, 3, "cici", N)) == [(1, 1)]


@pytest.mark.parametrize(
    ("verdicts", "twice", "said"),
    [
        ((), False, None),
        ((Y,), False, Y),
        ((Y,), True, None),
        ((N, N), True, N),
        ((Y, U), True, None),
        ((Y, N, U), True, U),
        ((Y, N, N), True, N),
    ],
)
def test_what_verdicts_come_to(verdicts, twice, said):
    assert settled(verdicts, twice) is said


def test_a_tenth_is_drawn_the_same_each_time_and_otherwise_for_each_list():
    drawn_of = {salt: {at for at in range(5000) if is_judged_twice(salt, at, 100)} for salt in ("a", "b")}
    assert all(400 <= len(one) <= 600 for one in drawn_of.values()) and drawn_of["a"] != drawn_of["b"]
    assert drawn_of["a"] == {at for at in range(5000) if is_judged_twice("a", at, 100)}


# orders and receipts

OFFICE = Signer.new()
AT = datetime(2026, 11, 26, 2, 0, tzinfo=WIB)
ORDERS = (
    Opening("TLH-1", "PES-1", AT),
    SheetOrder("TLH-1-1-1", "PES-1", (3, 0), KEY, "P17/J4", AT),
    LabelOrder("TLH-1-1-LABEL", "PES-1", (Label(3, 1, True, Y), Label(0, 3, False, U)), AT),
)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_travels_whole_and_under_the_office_key_alone(order):
    envelope = order.sealed(OFFICE)
    assert unsealed(envelope, OFFICE.public) == order
    with pytest.raises(BadSeal):
        unsealed(envelope, Signer.new().public)


@pytest.mark.parametrize(
    ("order", "kind", "change"),
    [
        (1, SHEET_KIND, {"pairs": []}),
        (1, SHEET_KIND, {"pairs": [-1]}),
        (1, SHEET_KIND, {"reader": "04"}),
        (1, SHEET_KIND, {"more": "x"}),
        (1, SHEET_KIND, {"placed_at": "kemarin"}),
        (2, LABELS_KIND, {"labels": [{"pair": 1, "round": 4, "twice": True, "verdict": "YES"}]}),
        (2, LABELS_KIND, {"labels": [{"pair": 1, "round": 1, "twice": 1, "verdict": "YES"}]}),
        (2, LABELS_KIND, {"labels": [{"pair": 1, "round": 1, "twice": True, "verdict": "MAYBE"}]}),
        (2, LABELS_KIND, {"labels": [{"pair": 1, "round": 1, "twice": True, "verdict": "YES", "nama": "x"}]}),
    ],
)
def test_a_malformed_order_is_not_believed(order, kind, change):
    value = unseal(kind, ORDERS[order].sealed(OFFICE), OFFICE.public)
    with pytest.raises(BadSeal):
        unsealed(seal(kind, value | change, OFFICE), OFFICE.public)


def test_a_receipt_carries_the_sheet_to_the_last_byte():
    receipt = ReviewReceipt("TLH-1-1-1", "PES-1", pairs=2, sheet=bytes(range(256)))
    assert ReviewReceipt.unsealed(receipt.sealed(OFFICE), OFFICE.public) == receipt
    value = unseal(RECEIPT_KIND, receipt.sealed(OFFICE), OFFICE.public)
    for change in ({"sheet": "*"}, {"pairs": "2"}, {"more": ""}):
        with pytest.raises(BadSeal):
            ReviewReceipt.unsealed(seal(RECEIPT_KIND, value | change, OFFICE), OFFICE.public)
