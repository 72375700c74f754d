"""A roster: who may do what to it at which stage, drawn by hand; everything else is refused."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bagipakai.core.access import WIB, Grant, ends_at
from bagipakai.core.access import Status as Access
from bagipakai.core.facts import Mandate
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role, State, Version
from bagipakai.core.request import Status as Stage
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
    due,
    fold,
    forgotten_at,
    is_destroyed,
    needed_until,
    objection,
    possible,
    recording,
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
DAY = timedelta(days=1)
LAST = NOW.date() + 200 * DAY
NEEDED = {"PMT-2026-000001": LAST}
KEEP = {"until": LAST.isoformat(), "requests": ["PMT-2026-000001"]}
KEPT = {"receipt": D, "refusal": ""}
UNKEPT = {"receipt": D, "refusal": "order-roster-damaged"}
LATE = {"receipt": D, "refusal": "order-cancelled", "rows": 0}
OTHER = {"columns": [["nik", "NO KTP"], ["nama_ibu", "Ibu"]]}
RIGHT = RosterFacts(
    now=NOW,
    today=NOW.date(),
    limits=Limits(piece=4, file=100, files=1, set=100, open=2, days=14, kept=90, longest=366),
    standing=0,
    unfinished=0,
    headings=("NO KTP", "Ibu"),
    needed={},
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
    SENT      | APPLICANT | DESTROY
    SENT      | SYSTEM    | RECORD_RECEIPT
    READ      | APPLICANT | CHOOSE CONFIRM DESTROY
    READ      | SYSTEM    | FORGET
    RETURNED  | APPLICANT | CHOOSE DESTROY
    RETURNED  | SYSTEM    | FORGET
    CONFIRMED | APPLICANT | DESTROY
    CONFIRMED | SYSTEM    | KEEP LET_GO FORGET RECORD_KEPT
    DESTROYED | SYSTEM    | RECORD_RECEIPT RECORD_KEPT RECORD_LATE
"""


OF_THE_OFFICE = {
    Action.RECORD_RECEIPT,
    Action.RECORD_KEPT,
    Action.RECORD_LATE,
    Action.FORGET,
    Action.KEEP,
    Action.LET_GO,
}


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
        actor = SYSTEM if action in OF_THE_OFFICE else SARI
        facts = replace(RIGHT, now=NOW + late) if action is Action.FORGET else RIGHT
        facts = replace(facts, needed=NEEDED) if action is Action.KEEP else facts
        event = decide(state, Command(action, actor, payload, state.n), facts)
        assert isinstance(event, Event), event
        state = after(state, event)
    return state


ADDED = (Action.ADD_FILE, FILE)
SENT = (ADDED, (Action.SEND, {}))
LOOKED_AT = (*SENT, (Action.RECORD_RECEIPT, READ))
RETURNED = (*SENT, (Action.RECORD_RECEIPT, REFUSED))
STANDING = (*LOOKED_AT, (Action.CONFIRM, {}))
HELD = (*STANDING, (Action.KEEP, KEEP))
LET_GO = (*HELD, (Action.LET_GO, {}))
TAKEN_BACK = (*SENT, (Action.DESTROY, {}))


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
    payloads |= {Action.RECORD_RECEIPT: READ, Action.CHOOSE: OTHER, Action.KEEP: KEEP}
    payloads |= {Action.RECORD_KEPT: KEPT, Action.RECORD_LATE: LATE}
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
        (SENT, Action.DESTROY, {}),
        (LOOKED_AT, Action.CONFIRM, {}),
        (LOOKED_AT, Action.CHOOSE, OTHER),
        (STANDING, Action.DESTROY, {}),
    ):
        assert no(walked(*deeds), action, payload, other, mandate=held) == "belongs-to-another-institution"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"account": "SUSPENDED"}, "account-is-not-active"),
        ({"mandate": None}, "mandate-has-ended"),
        ({"competences": {}}, "competence-has-ended"),
    ],
)
def test_who_may_not_ask_does_not_take_back_or_destroy_either(changed, code):
    for deeds in ((ADDED,), SENT, LOOKED_AT, RETURNED, STANDING, LET_GO):
        assert no(walked(*deeds), Action.DESTROY, {}, **changed) == code


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


def test_what_a_request_needs_is_not_destroyed():
    for deeds in (LOOKED_AT, STANDING, HELD):
        assert no(walked(*deeds), Action.DESTROY, {}, needed=NEEDED) == "request-names-roster"
    late = {"now": NOW + timedelta(days=900)}
    for deeds in (STANDING, LET_GO):
        assert no(walked(*deeds), Action.FORGET, {}, SYSTEM, needed=NEEDED, **late) == "request-names-roster"
    assert no(walked(*HELD), Action.LET_GO, {}, SYSTEM, needed=NEEDED) == "request-names-roster"


def test_what_nobody_sends_or_uses_is_forgotten_after_its_days():
    assert no(walked(ADDED), Action.FORGET, {}, SYSTEM) == "upload-is-young"
    assert no(walked(ADDED), Action.FORGET, {}, SYSTEM, now=NOW + timedelta(days=14)) == ""
    for deeds, days in ((LOOKED_AT, 14), (RETURNED, 14), (STANDING, 90), (LET_GO, 14)):
        state, at = walked(*deeds), NOW + timedelta(days=days)
        assert forgotten_at(state, RIGHT.limits) == at
        assert no(state, Action.FORGET, {}, SYSTEM, now=at - timedelta(seconds=1)) == "roster-is-young"
        assert walked(*deeds, (Action.FORGET, {}), late=timedelta(days=days)).status is Status.DESTROYED
    assert forgotten_at(walked(ADDED), RIGHT.limits) == NOW + timedelta(days=14)
    for deeds in (SENT, HELD, TAKEN_BACK):
        assert forgotten_at(walked(*deeds), RIGHT.limits) is None


def test_what_is_held_is_let_go_before_it_is_forgotten():
    late = {"now": NOW + timedelta(days=900)}
    assert no(walked(*HELD), Action.FORGET, {}, SYSTEM, **late) == "roster-is-young"
    assert no(walked(*STANDING), Action.LET_GO, {}, SYSTEM) == "roster-is-not-held"
    assert no(walked(*LET_GO), Action.LET_GO, {}, SYSTEM) == "roster-is-not-held"
    again = walked(*LET_GO, (Action.KEEP, KEEP))
    assert (again.until, again.keepings, again.let_go_at) == (LAST, 2, None)


@pytest.mark.parametrize(
    ("payload", "changed", "code"),
    [
        ({}, {}, ""),
        ({}, {"needed": {}}, "roster-is-not-needed"),
        ({}, {"needed": None}, "roster-is-not-needed"),
        ({}, {"needed": {"PMT-2026-000001": LAST - DAY}}, "roster-is-not-needed"),
        ({}, {"needed": {"PMT-2026-000001": LAST - DAY, "PMT-2026-000002": LAST}}, ""),
        ({"until": (LAST + DAY).isoformat()}, {}, "roster-is-not-needed"),
        ({}, {"limits": replace(RIGHT.limits, longest=200)}, ""),
        ({}, {"limits": replace(RIGHT.limits, longest=199)}, "roster-kept-too-long"),
        ({"until": "besok"}, {}, "form-is-incomplete"),
        ({"requests": []}, {}, "form-is-incomplete"),
    ],
)
def test_it_is_kept_as_long_as_it_is_needed_and_no_longer_than_may_be(payload, changed, code):
    assert no(walked(*STANDING), Action.KEEP, {**KEEP, **payload}, SYSTEM, **{"needed": NEEDED, **changed}) == code


def test_the_registrys_word_on_what_is_to_be_kept():
    kept = walked(*HELD, (Action.RECORD_KEPT, KEPT))
    assert (kept.status, kept.until, kept.unkept) == (Status.CONFIRMED, LAST, "")
    refused = walked(*HELD, (Action.RECORD_KEPT, UNKEPT))
    assert (refused.status, refused.unkept, refused.gone) == (Status.CONFIRMED, "order-roster-damaged", None)
    assert walked(*HELD, (Action.RECORD_KEPT, UNKEPT), (Action.RECORD_KEPT, KEPT)).unkept == ""
    gone = walked(*HELD, (Action.RECORD_KEPT, {"receipt": D, "refusal": "order-roster-destroyed"}))
    assert gone.status is Status.DESTROYED and is_destroyed(gone)
    since = {"receipt": D, "refusal": "roster-was-kept-since"}
    for answer, said in ((KEPT, ""), (UNKEPT, "order-roster-damaged")):  # of the later order, whose answer came first
        late = walked(*HELD, (Action.KEEP, KEEP), (Action.RECORD_KEPT, answer), (Action.RECORD_KEPT, since))
        assert (late.status, late.unkept) == (Status.CONFIRMED, said)
    away = walked(*HELD, (Action.RECORD_KEPT, {"receipt": D, "refusal": "order-roster-unknown"}))
    assert (away.status, away.unkept) == (Status.CONFIRMED, "order-roster-unknown"), "its store may be back tomorrow"
    # what comes after the order to destroy it is no answer to that
    ended = walked(
        *LET_GO, (Action.DESTROY, {}), (Action.RECORD_KEPT, {"receipt": D, "refusal": "order-roster-unknown"})
    )
    assert ended.status is Status.DESTROYED and not is_destroyed(ended)


@pytest.mark.parametrize(
    ("told", "days", "until", "again"),
    [
        ((), 0, LAST, False),
        ((), 1, LAST, False),
        (KEPT, 1, LAST, False),
        (UNKEPT, 0, LAST, False),
        (UNKEPT, 1, LAST, True),  # once a day
        (KEPT, 186, LAST + 90 * DAY, False),
        (KEPT, 187, LAST + 90 * DAY, True),  # fewer than 14 days are left
        (KEPT, 187, LAST, False),  # and needed no longer than that
    ],
)
def test_when_the_registry_is_told_again(told, days, until, again):
    state = walked(*HELD, *(((Action.RECORD_KEPT, told),) if told else ()))
    day = NOW + days * DAY
    facts = replace(RIGHT, now=day, today=day.date(), needed={"PMT-2026-000001": until})
    command = due(state, facts)
    assert (command is not None) is again
    if command:
        assert command.payload == {"until": until.isoformat(), "requests": ["PMT-2026-000001"]}
        assert decide(state, command, facts).action is Action.KEEP


def test_a_list_that_is_being_read_is_taken_back():
    back = walked(*TAKEN_BACK)
    assert back.status is Status.DESTROYED and not is_destroyed(back)
    gone = walked(*TAKEN_BACK, (Action.RECORD_RECEIPT, GONE))
    assert not is_destroyed(gone)  # a worker may still be reading it
    for told in (LATE, {"receipt": D, "refusal": "", "rows": 3}):
        for deeds in (((Action.RECORD_RECEIPT, GONE), (Action.RECORD_LATE, told)), ((Action.RECORD_LATE, told),)):
            late = walked(*TAKEN_BACK, *deeds)
            assert (late.status, late.outcome) == (Status.DESTROYED, None)  # kept nowhere, whatever was read
            assert is_destroyed(late) is (len(deeds) == 2)
            assert no(late, Action.RECORD_LATE, told, SYSTEM) == "receipt-not-trusted"
    for wrong in ({"refusal": "", "rows": 0}, {"refusal": "order-cancelled", "rows": 3}):
        assert no(back, Action.RECORD_LATE, {**LATE, **wrong}, SYSTEM) == "receipt-not-trusted"
    assert no(walked(*STANDING, (Action.DESTROY, {})), Action.RECORD_LATE, LATE, SYSTEM) == "receipt-not-trusted"


def test_each_receipt_is_recorded_as_what_it_answers():
    assert recording(walked(*SENT), 1) is Action.RECORD_RECEIPT
    assert recording(walked(*TAKEN_BACK), 1) is Action.RECORD_LATE
    assert recording(walked(*TAKEN_BACK), 2) is Action.RECORD_RECEIPT
    held = (*LOOKED_AT, (Action.CHOOSE, OTHER), (Action.RECORD_RECEIPT, READ), (Action.CONFIRM, {}))
    held = (*held, (Action.KEEP, KEEP), (Action.KEEP, KEEP))
    assert [recording(walked(*held), number) for number in (3, 4)] == [Action.RECORD_KEPT] * 2
    ended = walked(*held, (Action.LET_GO, {}), (Action.DESTROY, {}))
    assert [recording(ended, number) for number in (3, 4, 5)] == [*[Action.RECORD_KEPT] * 2, Action.RECORD_RECEIPT]


def asking(status: Stage, *, sent: bool = True, rolling: bool = False, ends_on: date = LAST) -> State:
    answers = {"roster": "DFT-2026-000001", "rolling": rolling, "ends_on": ends_on.isoformat()}
    versions = (Version(1, 2, NOW, D, answers, {}),) if sent else ()
    return State("PMT-2026-000001", n=2, status=status, answers=answers, versions=versions)


def access(status: Access = Access.ACTIVE, last: date = LAST) -> Grant:
    return Grant("HAK", 1, status, begins_at=NOW, ends_at=ends_at(last))


SOON = NOW.date() + 90 * DAY  # as long as a request that is not decided keeps it, each time
OPEN = asking(Stage.SUBSTANCE_CHECK)
ROLLS = asking(Stage.ACCESS_GRANTED, rolling=True)


@pytest.mark.parametrize(
    ("request_", "grant", "until"),
    [
        (asking(Stage.DRAFT, sent=False), None, None),
        (OPEN, None, LAST),
        (asking(Stage.RETURNED), None, LAST),
        (asking(Stage.ADMIN_CHECK, ends_on=NOW.date() + DAY), None, SOON),
        (asking(Stage.RETURNED, ends_on=NOW.date() - 40 * DAY), None, SOON),  # decided slowly, and sent back for it
        (asking(Stage.ADMIN_CHECK, ends_on=NOW.date() + 400 * DAY), None, NOW.date() + 366 * DAY),
        *((asking(stage), None, None) for stage in (Stage.CLOSED, Stage.REJECTED, Stage.WITHDRAWN)),
        (asking(Stage.ACCESS_GRANTED), access(), None),  # its answer has left
        *((ROLLS, access(one), LAST) for one in (Access.PENDING, Access.ACTIVE, Access.SUSPENDED)),
        *((ROLLS, access(one), None) for one in (Access.EXPIRED, Access.REVOKED)),
        (ROLLS, access(last=NOW.date()), NOW.date()),
        (ROLLS, access(last=NOW.date() - DAY), None),
        (asking(Stage.PROCESSING, rolling=True), access(), LAST),
        (asking(Stage.PROCESSING, rolling=True), access(Access.REVOKED), None),
        (asking(Stage.CLOSED, rolling=True), access(), None),
    ],
)
def test_until_when_a_request_needs_its_list(request_, grant, until):
    assert needed_until(request_, grant, NOW, RIGHT.limits) == until


@dataclass
class Plane:
    """The registry's side, as registry.rosters keeps it: destroyed after `own`, or after the day that the latest order
    to keep it names, or when that is ordered. An order waits for a worker for some days, and its answer for the office.
    """

    own: date
    there: bool = True
    held: tuple[date, date] | None = None  # placed on, until
    orders: list[tuple[date, int, date, date]] = field(default_factory=list)  # seen on, answered so late, placed, until
    answers: list[tuple[date, str]] = field(default_factory=list)  # there from a day on

    def is_told(self, placed: date, until: date, wait: int, late: int) -> None:
        self.orders.append((placed + wait * DAY, late, placed, until))

    def works(self, today: date) -> None:
        for one in [one for one in self.orders if one[0] <= today]:
            self.orders.remove(one)
            _, late, placed, until = one
            self.answers.append((today + late * DAY, self._held(placed, until)))
        self.there = self.there and today <= max(self.own, self.held[1] if self.held else self.own)

    def _held(self, placed: date, until: date) -> str:
        if not self.there:
            return "order-roster-destroyed"
        if self.held and self.held > (placed, until):
            return "roster-was-kept-since"
        self.held = (placed, until)
        return ""

    def heard(self, today: date) -> list[str]:
        come = [code for day, code in self.answers if day <= today]
        self.answers = [one for one in self.answers if one[0] > today]
        return come


SPANS = st.integers(0, 200)
REQUESTS = st.lists(st.tuples(SPANS, SPANS, st.integers(1, 366)), max_size=3)  # begins, lasts, says it lasts
WAITS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5)  # of orders; of answers


@given(REQUESTS, WAITS)
@example([(0, 1, 100), (2, 100, 200)], [(3, 0), (0, 0)])  # the first order is seen, and answered, after the second
def test_through_its_whole_life_it_is_there_while_needed_and_gone_soon_after(drawn_requests, waits):
    """Each day the office looks after it and the registry tidies, through whatever requests come and go, and in
    whatever order what the office ordered is done and answered."""
    state, registry = walked(*STANDING), Plane(NOW.date() + timedelta(days=179))
    spans = [(began, began + lasts, says) for began, lasts, says in drawn_requests]
    free = 0
    for day in range(800):
        if state.status is Status.DESTROYED:  # nothing can name it any more
            break
        at = NOW + timedelta(days=day)
        today = at.date()
        open_ones = {
            f"PMT-{number}": asking(Stage.SUBSTANCE_CHECK, ends_on=NOW.date() + timedelta(days=began + says))
            for number, (began, ended, says) in enumerate(spans)
            if began <= day < ended
        }
        needed = {name: needed_until(one, None, at, RIGHT.limits) for name, one in open_ones.items()}
        facts = replace(RIGHT, now=at, today=today, needed=needed)
        while command := due(state, facts):
            event = decide(state, command, facts)
            if isinstance(event, Refusal):
                break
            state = after(state, event)
            if event.action is Action.KEEP:
                assert state.until <= today + timedelta(days=366)
                registry.is_told(today, state.until, *waits[(state.keepings - 1) % len(waits)])
            if event.action is Action.FORGET:
                registry.there = False
        registry.works(today)
        for code in registry.heard(today):
            told = Command(Action.RECORD_KEPT, SYSTEM, {"receipt": D, "refusal": code}, state.n)
            state = after(state, decide(state, told, facts))
        assert state.unkept == "", "it was kept as the last order said, so no order goes out anew"
        free = 0 if needed else free + 1
        assert registry.there or not needed
        assert registry.there is (
            state.status is Status.CONFIRMED
        )  # the office's order comes before the registry's clock
        assert free <= 91
        if state.keepings:
            assert free <= 15
    assert state.status is Status.DESTROYED


def test_facts_that_nobody_gathered_refuse():
    bare = RosterFacts(now=NOW, today=NOW.date())
    asked = replace(RIGHT, headings=(), needed=None, limits=bare.limits, standing=bare.standing, unfinished=1)
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
        for _, refusal in possible(state, SARI, replace(RIGHT, needed=NEEDED, unfinished=1)):
            assert refusal is None or (refusal.sentence() and refusal.sentence("en"))
    for code in ("heading-is-not-there", "column-was-chosen-twice", "roster-needs-number-or-name", "roster-is-young"):
        assert Refusal(code).sentence()
    for code in ("roster-is-not-needed", "roster-is-not-held", "roster-was-kept-since"):
        assert Refusal(code).sentence() and Refusal(code).sentence("en")
    assert "366 hari" in Refusal("roster-kept-too-long", {"most": "366"}).sentence()
    for lang in ("id", "en"):  # what is recorded of the registry's word is the code alone
        assert not set("–{}") & set(Refusal("roster-kept-too-long").sentence(lang))
