"""A roster: who may do what to it at which stage, drawn by hand; everything else is refused."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bagipakai.core.access import WIB
from bagipakai.core.facts import Mandate
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role
from bagipakai.core.rosters import (
    COLUMNS,
    RULES,
    TABLE,
    TELLING,
    Action,
    Command,
    Event,
    Limits,
    Roster,
    RosterFacts,
    Status,
    after,
    decide,
    fold,
    is_destroyed,
    objection,
    possible,
)
from bagipakai.registry.matching import headings

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=WIB)
SARI = Actor("sari", "program", Role.APPLICANT, "KAB-1")
D = "d" * 64
FILE = {"number": 1, "name": "peserta.csv", "bytes": 10, "pieces": 1, "sealed": D}
READ = {"receipt": D, "refusal": "", "rows": 3, "digest": D, "columns": [["nik", "NO KTP"]]}
REFUSED = {"receipt": D, "refusal": "roster-is-too-small", "rows": 0, "digest": "", "columns": []}
GONE = {**REFUSED, "refusal": "roster-destroyed"}
OPENING = {"institution": "KAB-1"}
OTHER = {"columns": [["nik", "NO KTP"], ["nama_ibu", "Ibu"]]}
RIGHT = RosterFacts(
    now=NOW,
    today=NOW.date(),
    limits=Limits(piece=4, file=100, files=1, set=100, open=2, days=14, kept=90),
    standing=0,
    unfinished=0,
    headings=("NO KTP", "Ibu"),
    in_use=False,
    account="ACTIVE",
    mandate=Mandate("sari", "program", "KAB-1", frozenset({"APPLICANT"}), NOW),
    competences={"governance": NOW.date()},
    competences_needed={"APPLICANT": ("governance",)},
)

# stage | role | actions: nothing else is possible, for anybody
DRAWN = """
    -         | APPLICANT | OPEN
    DRAFT     | APPLICANT | ADD_FILE REMOVE_FILE SEND DESTROY
    DRAFT     | SYSTEM    | FORGET
    SENT      | SYSTEM    | RECORD_RECEIPT
    READ      | APPLICANT | CHOOSE CONFIRM DESTROY
    READ      | SYSTEM    | FORGET
    RETURNED  | APPLICANT | CHOOSE DESTROY
    RETURNED  | SYSTEM    | FORGET
    CONFIRMED | APPLICANT | DESTROY
    CONFIRMED | SYSTEM    | FORGET
    DESTROYED | SYSTEM    | RECORD_RECEIPT
"""


def drawn() -> set:
    keys = set()
    for line in DRAWN.strip().splitlines():
        stage, role, actions = (cell.strip() for cell in line.split("|"))
        keys |= {(None if stage == "-" else Status(stage), Role(role), Action(name)) for name in actions.split()}
    return keys


def walked(*deeds: tuple[Action, dict], late: timedelta = timedelta()) -> Roster:
    """The roster after these deeds, each done by whoever may."""
    state = Roster("DFT-2026-000001")
    for action, payload in ((Action.OPEN, OPENING), *deeds):
        actor = SYSTEM if action in {Action.RECORD_RECEIPT, Action.FORGET} else SARI
        facts = replace(RIGHT, now=NOW + late) if action is Action.FORGET else RIGHT
        event = decide(state, Command(action, actor, payload, state.n), facts)
        assert isinstance(event, Event), event
        state = after(state, event)
    return state


ADDED = (Action.ADD_FILE, FILE)
SENT = (ADDED, (Action.SEND, {}))
LOOKED_AT = (*SENT, (Action.RECORD_RECEIPT, READ))
RETURNED = (*SENT, (Action.RECORD_RECEIPT, REFUSED))
STANDING = (*LOOKED_AT, (Action.CONFIRM, {}))


def no(state: Roster, action: Action, payload: dict, actor: Actor = SARI, **changed) -> str:
    """The code of the refusal; nothing where there is none."""
    refusal = objection(state, Command(action, actor, payload, state.n), replace(RIGHT, **changed))
    return refusal.code if refusal else ""


def test_the_table_is_the_drawn_matrix():
    assert set(TABLE) == drawn()
    assert all(rule.basis for rule in RULES)


def test_the_columns_are_those_that_the_registry_reads():
    assert (COLUMNS, TELLING) == (headings.COLUMNS, headings.TELLING)


@pytest.mark.parametrize("status", [None, *Status], ids=str)
def test_what_is_not_drawn_is_refused_to_everybody(status):
    state = Roster("x", n=1 if status else 0, status=status, institution="KAB-1")
    payloads = {Action.OPEN: OPENING, Action.ADD_FILE: FILE, Action.REMOVE_FILE: {"number": 1}}
    payloads |= {Action.RECORD_RECEIPT: READ, Action.CHOOSE: OTHER}
    for role in Role:
        for action in Action:
            if (status, role, action) not in drawn():
                found = no(state, action, payloads.get(action, {}), Actor("x", "y", role, "KAB-1"))
                assert found in {"not-this-role", "not-at-this-stage"}, (role, action)


def test_from_the_upload_to_its_end():
    state = walked(*STANDING)
    assert (state.status, state.file.name, state.outcome.rows, state.sendings) == (
        Status.CONFIRMED,
        "peserta.csv",
        3,
        1,
    )
    assert state.outcome.columns == (("nik", "NO KTP"),)
    assert walked(*RETURNED).status is Status.RETURNED
    again = walked(*LOOKED_AT, (Action.CHOOSE, OTHER))
    assert (again.status, again.sendings, again.outcome) == (Status.SENT, 2, None)
    assert again.chosen == (("nik", "NO KTP"), ("nama_ibu", "Ibu"))
    ended = walked(*STANDING, (Action.DESTROY, {}))
    assert ended.status is Status.DESTROYED and not is_destroyed(ended)  # the registry has not said so yet
    assert is_destroyed(walked(*STANDING, (Action.DESTROY, {}), (Action.RECORD_RECEIPT, GONE)))
    assert not is_destroyed(walked(*STANDING, (Action.DESTROY, {}), (Action.RECORD_RECEIPT, REFUSED)))
    assert is_destroyed(walked(ADDED, (Action.DESTROY, {})))  # it never saw it
    assert fold([], "x") == Roster("x")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"account": "SUSPENDED"}, "account-is-not-active"),
        ({"mandate": None}, "mandate-has-ended"),
        ({"competences": {}}, "competence-has-ended"),
        ({"unfinished": 1}, "upload-is-unfinished"),
    ],
)
def test_what_keeps_a_list_from_being_sent(changed, code):
    assert no(walked(ADDED), Action.SEND, {}, **changed) == code


def test_a_list_is_one_file_of_limited_size():
    assert no(walked(), Action.SEND, {}) == "nothing-was-uploaded"
    assert no(walked(ADDED), Action.ADD_FILE, {**FILE, "number": 2}) == "one-file-alone"
    assert no(walked(), Action.ADD_FILE, {**FILE, "bytes": 101}) == "file-is-too-large"
    assert no(walked(), Action.ADD_FILE, {**FILE, "bytes": 0}) == "file-is-empty"
    assert no(walked(), Action.REMOVE_FILE, {"number": 1}) == "file-is-unknown"


def test_another_institution_does_nothing_to_it():
    other = replace(SARI, institution="KAB-2")
    held = replace(RIGHT.mandate, institution="KAB-2")
    for deeds, action, payload in (
        ((ADDED,), Action.SEND, {}),
        (LOOKED_AT, Action.CONFIRM, {}),
        (LOOKED_AT, Action.CHOOSE, OTHER),
        (STANDING, Action.DESTROY, {}),
    ):
        assert no(walked(*deeds), action, payload, other, mandate=held) == "belongs-to-another-institution"


def test_lists_do_not_pile_up():
    assert no(Roster("x"), Action.OPEN, OPENING, standing=1) == ""
    assert no(Roster("x"), Action.OPEN, OPENING, standing=2) == "too-many-rosters-stand"


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ([["nama", "Ibu"]], ""),
        ([["nik", "NO KTP"], ["nama", "Nama"]], "heading-is-not-there"),
        ([["nik", "NO KTP"], ["nik", "Ibu"]], "column-was-chosen-twice"),
        ([["nik", "NO KTP"], ["nama", "NO KTP"]], "column-was-chosen-twice"),
        ([["nama_ibu", "Ibu"]], "roster-needs-number-or-name"),
        ([], "roster-needs-number-or-name"),
        ([["desil", "Ibu"]], "form-is-incomplete"),
        ([["nik"]], "form-is-incomplete"),
        ("nik", "form-is-incomplete"),
    ],
)
def test_which_columns_can_be_chosen(columns, code):
    for deeds in (LOOKED_AT, RETURNED):
        assert no(walked(*deeds), Action.CHOOSE, {"columns": columns}) == code


@pytest.mark.parametrize(
    "changed",
    [{"rows": 0}, {"digest": ""}, {"columns": []}, {"refusal": "roster-is-too-small"}],
)
def test_a_receipt_that_does_not_add_up_is_not_believed(changed):
    assert no(walked(*SENT), Action.RECORD_RECEIPT, {**READ, **changed}, SYSTEM) == "receipt-not-trusted"


def test_what_is_destroyed_is_not_read_any_more():
    ended = walked(*STANDING, (Action.DESTROY, {}))
    assert no(ended, Action.RECORD_RECEIPT, READ, SYSTEM) == "receipt-not-trusted"


def test_what_a_request_names_is_not_destroyed():
    for deeds in (LOOKED_AT, STANDING):
        assert no(walked(*deeds), Action.DESTROY, {}, in_use=True) == "request-names-roster"
    late = {"now": NOW + timedelta(days=90)}
    assert no(walked(*STANDING), Action.FORGET, {}, SYSTEM, in_use=True, **late) == "request-names-roster"


def test_what_nobody_sends_or_uses_is_forgotten_after_its_days():
    assert no(walked(ADDED), Action.FORGET, {}, SYSTEM) == "upload-is-young"
    assert no(walked(ADDED), Action.FORGET, {}, SYSTEM, now=NOW + timedelta(days=14)) == ""
    for deeds, days in ((LOOKED_AT, 14), (RETURNED, 14), (STANDING, 90)):
        assert no(walked(*deeds), Action.FORGET, {}, SYSTEM, now=NOW + timedelta(days=days - 1)) == "roster-is-young"
        assert walked(*deeds, (Action.FORGET, {}), late=timedelta(days=days)).status is Status.DESTROYED


def test_facts_that_nobody_gathered_refuse():
    bare = RosterFacts(now=NOW, today=NOW.date())
    asked = replace(RIGHT, headings=(), in_use=True, limits=bare.limits, standing=bare.standing, unfinished=1)
    for facts in (bare, asked):
        for state, action, payload in (
            (Roster("x"), Action.OPEN, OPENING),
            (walked(), Action.ADD_FILE, FILE),
            (walked(ADDED), Action.SEND, {}),
            (walked(*LOOKED_AT), Action.CHOOSE, OTHER),
            (walked(*STANDING), Action.DESTROY, {}),
        ):
            assert objection(state, Command(action, SARI, payload, state.n), facts) is not None


def test_every_sentence_is_there():
    for state in (walked(), walked(ADDED), walked(*LOOKED_AT), walked(*STANDING)):
        for _, refusal in possible(state, SARI, replace(RIGHT, in_use=True, unfinished=1)):
            assert refusal is None or (refusal.sentence() and refusal.sentence("en"))
    for code in ("heading-is-not-there", "column-was-chosen-twice", "roster-needs-number-or-name", "roster-is-young"):
        assert Refusal(code).sentence()
