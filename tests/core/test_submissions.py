"""A submission: who may do what to it at which stage, drawn by hand; everything else is refused."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bagipakai.core.access import WIB
from bagipakai.core.envelope import BadSeal, Signer, seal, unseal
from bagipakai.core.facts import Mandate
from bagipakai.core.intake import (
    ORDER_KIND,
    RECEIPT_KIND,
    Finding,
    IntakeReceipt,
    Piece,
    ReturnedPart,
    SentFile,
    SubmissionOrder,
    digest_of,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role
from bagipakai.core.submissions import (
    RULES,
    TABLE,
    Action,
    Command,
    Event,
    Limits,
    Status,
    Submission,
    SubmissionFacts,
    after,
    decide,
    fold,
    objection,
    possible,
)

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=WIB)
TEGUH = Actor("teguh", "data", Role.SOURCE_PROVIDER, "PLN")
CONTRACT = "2026.1@" + "c" * 64
D = "d" * 64
FILE = {"number": 1, "name": "pelanggan.csv", "bytes": 10, "pieces": 1, "sealed": D}
CHECKED = {"receipt": D, "refusal": "", "received": 3, "accepted": 2, "returned": 1, "package": "kembali-x"}
WHOLE = {"receipt": D, "refusal": "set-is-empty", "received": 0, "accepted": 0, "returned": 0, "package": ""}
OPENING = {"institution": "PLN", "source": "pln", "version": 2, "contract": CONTRACT}
RIGHT = SubmissionFacts(
    now=NOW,
    today=NOW.date(),
    limits=Limits(piece=4, file=100, files=2, set=150, open=1, days=14),
    contracts={"pln": CONTRACT},
    under_way=0,
    occupied=False,
    unfinished=0,
    key=None,
    leaving=None,
    checked=3,
    account="ACTIVE",
    mandate=Mandate("teguh", "data", "PLN", frozenset({"SOURCE_PROVIDER"}), NOW),
    competences={"governance": NOW.date()},
    competences_needed={"SOURCE_PROVIDER": ("governance",)},
)

# stage | role | actions: nothing else is possible, for anybody
DRAWN = """
    -              | SOURCE_PROVIDER | OPEN
    DRAFT          | SOURCE_PROVIDER | ADD_FILE REMOVE_FILE SUBMIT WITHDRAW
    DRAFT          | SYSTEM          | FORGET
    SUBMITTED      | SOURCE_PROVIDER | CANCEL
    SUBMITTED      | SYSTEM          | RECORD_RECEIPT
    CHECKED        | SOURCE_PROVIDER | FETCH
    CHECKED        | SYSTEM          | SUPERSEDE
    RETURNED_WHOLE | SYSTEM          | SUPERSEDE
"""


def drawn() -> set:
    keys = set()
    for line in DRAWN.strip().splitlines():
        stage, role, actions = (cell.strip() for cell in line.split("|"))
        keys |= {(None if stage == "-" else Status(stage), Role(role), Action(name)) for name in actions.split()}
    return keys


def walked(*deeds: tuple[Action, dict]) -> Submission:
    """The submission after these deeds, each done by whoever may."""
    state = Submission("5")
    for action, payload in ((Action.OPEN, OPENING), *deeds):
        actor = SYSTEM if action in {Action.RECORD_RECEIPT, Action.SUPERSEDE, Action.FORGET} else TEGUH
        event = decide(state, Command(action, actor, payload, state.n), RIGHT)
        assert isinstance(event, Event), event
        state = after(state, event)
    return state


ADDED = (Action.ADD_FILE, FILE)
SENT = (ADDED, (Action.SUBMIT, {}))


def no(state: Submission, action: Action, payload: dict, actor: Actor = TEGUH, **changed) -> str:
    """The code of the refusal; nothing where there is none."""
    refusal = objection(state, Command(action, actor, payload, state.n), replace(RIGHT, **changed))
    return refusal.code if refusal else ""


def test_the_table_is_the_drawn_matrix():
    assert set(TABLE) == drawn()


@pytest.mark.parametrize("status", [None, *Status], ids=str)
def test_what_is_not_drawn_is_refused_to_everybody(status):
    state = Submission("5", n=1 if status else 0, status=status, institution="PLN", source="pln")
    payloads = {Action.OPEN: OPENING, Action.ADD_FILE: FILE, Action.REMOVE_FILE: {"number": 1}}
    payloads |= {Action.RECORD_RECEIPT: CHECKED, Action.SUPERSEDE: {"by": 3}, Action.FETCH: {"part": "x"}}
    for role in Role:
        for action in Action:
            if (status, role, action) not in drawn():
                found = no(state, action, payloads.get(action, {}), Actor("x", "y", role, "PLN"))
                assert found in {"not-this-role", "not-at-this-stage"}, (role, action)


def test_from_upload_to_what_came_of_it():
    state = walked(*SENT, (Action.RECORD_RECEIPT, CHECKED))
    assert fold([], "5") == Submission("5")
    assert (state.status, state.bytes, state.outcome.accepted, state.sent_by) == (Status.CHECKED, 10, 2, TEGUH)
    assert walked(*SENT, (Action.RECORD_RECEIPT, WHOLE)).status is Status.RETURNED_WHOLE
    assert walked(*SENT, (Action.RECORD_RECEIPT, CHECKED), (Action.SUPERSEDE, {"by": 3})).status is Status.SUPERSEDED
    assert walked(ADDED, (Action.REMOVE_FILE, {"number": 1}), (Action.WITHDRAW, {})).files == {}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"contracts": {"dtks": CONTRACT}}, "source-is-not-theirs"),
        ({"contracts": {"pln": "2026.2@" + "e" * 64}}, "contract-was-changed"),
        ({"account": "SUSPENDED"}, "account-is-not-active"),
        ({"mandate": None}, "mandate-has-ended"),
        ({"competences": {}}, "competence-has-ended"),
        ({"key": Refusal("recipient-key-missing")}, "recipient-key-missing"),
        ({"unfinished": 1}, "upload-is-unfinished"),
    ],
)
def test_what_keeps_a_set_from_being_sent(changed, code):
    assert no(walked(ADDED), Action.SUBMIT, {}, **changed) == code


def test_an_empty_submission_is_not_sent():
    assert no(walked(), Action.SUBMIT, {}) == "nothing-was-uploaded"


def test_another_institution_does_nothing_to_it():
    other = replace(TEGUH, institution="KEMENSOS")
    held = replace(RIGHT.mandate, institution="KEMENSOS")
    for action, payload in ((Action.ADD_FILE, FILE), (Action.SUBMIT, {}), (Action.WITHDRAW, {})):
        assert no(walked(ADDED), action, payload, other, mandate=held) == "belongs-to-another-institution"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({**FILE, "number": 2, "bytes": 0}, "file-is-empty"),
        ({**FILE, "number": 2, "bytes": 101}, "file-is-too-large"),
        (FILE, "file-stands-already"),
        ({**FILE, "number": 2, "bytes": 100}, ""),
        ({**FILE, "number": -2}, "form-is-incomplete"),
        ({**FILE, "sealed": "x"}, "form-is-incomplete"),
        ({**FILE, "more": "x"}, "form-is-incomplete"),
    ],
)
def test_what_a_file_may_be(file, code):
    assert no(walked(ADDED), Action.ADD_FILE, file) == code


def test_a_set_has_its_limits():
    two = walked(ADDED, (Action.ADD_FILE, {**FILE, "number": 2, "bytes": 100}))
    assert no(two, Action.ADD_FILE, {**FILE, "number": 3}) == "too-many-files"
    assert (
        no(walked((Action.ADD_FILE, {**FILE, "bytes": 80})), Action.ADD_FILE, {**FILE, "number": 2, "bytes": 80})
        == "set-is-too-large"
    )


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"under_way": 1}, "too-many-are-under-way"), ({"occupied": True}, "another-version-is-under-way"), ({}, "")],
)
def test_one_version_after_the_other(changed, code):
    assert no(Submission("5"), Action.OPEN, OPENING, **changed) == code


@pytest.mark.parametrize(
    "changed",
    [
        {"accepted": 3},
        {"returned": 0, "accepted": 3},  # with a package of nothing
        {"package": ""},
        {"refusal": "set-is-empty"},
    ],
)
def test_a_receipt_that_does_not_add_up_is_not_believed(changed):
    assert no(walked(*SENT), Action.RECORD_RECEIPT, {**CHECKED, **changed}, SYSTEM) == "receipt-not-trusted"


def test_what_was_sent_can_be_cancelled_once_until_the_registry_answers():
    stopped = walked(*SENT, (Action.CANCEL, {}))
    assert stopped.status is Status.SUBMITTED and stopped.cancelled_at == NOW
    assert no(stopped, Action.CANCEL, {}) == "submission-was-cancelled"
    given_up = {**WHOLE, "refusal": "order-cancelled"}
    assert walked(*SENT, (Action.CANCEL, {}), (Action.RECORD_RECEIPT, given_up)).status is Status.WITHDRAWN
    assert walked(*SENT, (Action.RECORD_RECEIPT, given_up)).status is Status.RETURNED_WHOLE  # nobody here asked for it
    assert walked(*SENT, (Action.CANCEL, {}), (Action.RECORD_RECEIPT, CHECKED)).status is Status.CHECKED  # was too late
    for state in (walked(ADDED), walked(*SENT, (Action.RECORD_RECEIPT, CHECKED))):
        assert no(state, Action.CANCEL, {}) == "not-at-this-stage"


def test_only_a_checked_later_version_takes_its_place():
    checked = walked(*SENT, (Action.RECORD_RECEIPT, CHECKED))
    for by, newest in ((2, 3), (3, 2), (1, 3)):
        assert no(checked, Action.SUPERSEDE, {"by": by}, SYSTEM, checked=newest) == "later-version-is-not-checked"


def test_an_upload_that_nobody_sends_is_forgotten_after_its_days():
    assert no(walked(), Action.FORGET, {}, SYSTEM) == "upload-is-young"
    assert no(walked(), Action.FORGET, {}, SYSTEM, now=NOW + timedelta(days=14)) == ""


def test_rows_leave_only_while_the_trail_proves_itself():
    checked = walked(*SENT, (Action.RECORD_RECEIPT, CHECKED))
    stale = Refusal("trail-is-not-witnessed")
    assert no(checked, Action.FETCH, {"part": "x"}, leaving=stale) == "trail-is-not-witnessed"
    assert no(checked, Action.FETCH, {"part": "x"}) == ""
    none = walked(*SENT, (Action.RECORD_RECEIPT, {**CHECKED, "accepted": 3, "returned": 0, "package": ""}))
    assert no(none, Action.FETCH, {"part": "x"}) == "nothing-came-back"


def test_facts_that_nobody_gathered_refuse():
    bare = SubmissionFacts(now=NOW, today=NOW.date())
    for state, action, payload in (
        (Submission("5"), Action.OPEN, OPENING),
        (walked(ADDED), Action.ADD_FILE, {**FILE, "number": 2}),
        (walked(ADDED), Action.SUBMIT, {}),
    ):
        assert objection(state, Command(action, TEGUH, payload, state.n), bare) is not None


def test_every_sentence_is_there():
    for rule in RULES:
        assert rule.basis
    for state in (walked(), walked(ADDED)):
        for _, refusal in possible(state, TEGUH, replace(RIGHT, key=Refusal("recipient-key-missing"), unfinished=1)):
            assert refusal is None or (refusal.sentence() and refusal.sentence("en"))


# the two signed values

SIGNER = Signer.new()
ORDER = SubmissionOrder(
    order_id="KRM-pln-2",
    source="pln",
    version=2,
    contract=CONTRACT,
    institution="PLN",
    recipient="age1x",
    place="5",
    files=(SentFile("csv", (Piece(4, 200, D), Piece(3, 199, "e" * 64))),),
    policy="f" * 64,
    placed_at=NOW,
)
RECEIPT = IntakeReceipt(
    order_id="KRM-pln-2",
    source="pln",
    version=2,
    contract=CONTRACT,
    sent=ORDER.sent,
    received=3,
    accepted=2,
    returned=1,
    detail=(("column", "nik"),),
    kept=D,
    findings=(Finding("nik-is-impossible", "nik", 1, ((1, 3),), (("column", "nik"),)),),
    package="kembali-00000000-0000-4000-8000-000000000000",
    recipient=D,
    parts=(ReturnedPart("baris-0001.csv.age", 10, D, 200, D),),
)


def test_an_order_is_read_as_it_was_signed():
    assert SubmissionOrder.unsealed(ORDER.sealed(SIGNER), SIGNER.public) == ORDER
    assert IntakeReceipt.unsealed(RECEIPT.sealed(SIGNER), SIGNER.public) == RECEIPT


def test_what_is_sent_is_bound_in_order_and_to_the_last_piece():
    assert digest_of(["a", "b"]) != digest_of(["b", "a"]) != digest_of(["a"])
    changed = replace(ORDER, files=(SentFile("csv", ORDER.files[0].pieces[:1]),))
    assert changed.sent != ORDER.sent


@pytest.mark.parametrize(
    ("kind", "value", "changed"),
    [
        (ORDER_KIND, ORDER, {"place": "../5"}),
        (ORDER_KIND, ORDER, {"place": "5/../6"}),
        (ORDER_KIND, ORDER, {"files": [{"ending": "../x", "pieces": []}]}),
        (ORDER_KIND, ORDER, {"files": [{"ending": "csv", "pieces": []}]}),
        (
            ORDER_KIND,
            ORDER,
            {"files": [{"ending": "csv", "pieces": [{"bytes": 1, "sealed_bytes": 1, "sealed_sha256": "../../x"}]}]},
        ),
        (ORDER_KIND, ORDER, {"version": -1}),
        (ORDER_KIND, ORDER, {"more": "x"}),
        (ORDER_KIND, ORDER, {"placed_at": "kemarin"}),
        (RECEIPT_KIND, RECEIPT, {"package": "../packages/paket"}),
        (
            RECEIPT_KIND,
            RECEIPT,
            {"findings": [{"rule": "x", "column": "", "rows": 1, "first": [["nilai", 1]], "detail": []}]},
        ),
        (
            RECEIPT_KIND,
            RECEIPT,
            {"findings": [{"rule": "x", "column": "", "rows": 1, "first": [[1, 1]] * 21, "detail": []}]},
        ),
        (RECEIPT_KIND, RECEIPT, {"parts": [{"name": "../x.csv.age"}]}),
        (RECEIPT_KIND, RECEIPT, {"accepted": "2"}),
        (RECEIPT_KIND, RECEIPT, {"value": "3201010101010001"}),
    ],
)
def test_what_has_another_form_is_not_read(kind, value, changed):
    whole = unseal(kind, value.sealed(SIGNER), SIGNER.public)
    with pytest.raises(BadSeal):
        type(value).unsealed(seal(kind, {**whole, **changed}, SIGNER), SIGNER.public)


def test_one_is_not_the_other():
    with pytest.raises(BadSeal):
        SubmissionOrder.unsealed(RECEIPT.sealed(SIGNER), SIGNER.public)
    with pytest.raises(BadSeal):
        IntakeReceipt.unsealed(RECEIPT.sealed(Signer.new()), SIGNER.public)
