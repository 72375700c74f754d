"""Access ends in its second, stops when readiness does, and resumes with one event each (S07, S09, S10, S18)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bagipakai.core.access import (
    RULES,
    TABLE,
    WIB,
    AccessFacts,
    Action,
    Cause,
    Command,
    Event,
    Grant,
    Status,
    after,
    decide,
    due,
    ends_at,
    fold,
    may_confirm,
    may_read,
)
from bagipakai.core.acknowledgement import Acknowledgement, Check
from bagipakai.core.facts import Mandate, Standing
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role

WATI = Actor("wati", "pengelola", Role.AUTHORISED_HANDLER, "DINSOS-B")
INDRA = Actor("indra", "direktur", Role.CONTROLLER, "BPS")
PLAN, MANIFEST = "a" * 64, "b" * 64
LAST_DAY = date(2026, 12, 31)
END = datetime(2027, 1, 1, 0, 0, tzinfo=WIB)
READY = Standing("READY", date(2027, 3, 31), frozenset({"L4"}), frozenset({"PORTAL"}), frozenset({"PUSAT"}), "c" * 64)


ENVELOPE = '{"payloadType":"…"}'


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WIB)


SAID = Acknowledgement(
    "paket-1", MANIFEST, "f" * 64, "bagipakai 0.1.0", at("2026-11-27T10:00"), tuple(Check)
)  # what the registered key signed


def facts(now: datetime, actor: Actor = WATI, **changes) -> AccessFacts:
    """Everything as it should be, at this moment."""
    right = AccessFacts(
        now=now,
        today=now.astimezone(WIB).date(),
        account="ACTIVE",
        mandate=Mandate(actor.person, actor.post, actor.institution, frozenset({actor.role.value}), at("2026-01-01")),
        competences={"technical": date.max, "legal": date.max, "governance": date.max},
        standing=READY,
        escalated=(),
        release_withdrawn=False,
        agreement_signed=True,
        handover_signed=True,
        plan=PLAN,
        manifest=MANIFEST,
        package="paket-1",
        receipt_key=True,
        examiners=frozenset({"citra", "indra"}),
        acknowledged=SAID,
    )
    return replace(right, **changes)


OPEN = {
    "request": "P-1",
    "institution": "DINSOS-B",
    "plan": PLAN,
    "manifest": MANIFEST,
    "begins_at": "2026-11-26T09:00:00+07:00",
    "ends_at": ends_at(LAST_DAY).isoformat(),
}


def a_grant(to: Status = Status.ACTIVE) -> Grant:
    """A grant that really came there, one event after another."""
    grant = Grant("G-1")
    start = at("2026-11-26T09:00")
    steps = [(Action.OPEN, SYSTEM, OPEN), (Action.ACTIVATE, SYSTEM, {})]
    if to is Status.SUSPENDED:
        steps.append((Action.SUSPEND, INDRA, {"cause": "SANCTION", "reason": "laporan palsu"}))
    if to is Status.REVOKED:
        steps.append((Action.REVOKE, INDRA, {"reason": "dipakai di luar tujuan"}))
    for action, actor, payload in steps:
        if grant.status is not to:
            grant = step(grant, action, actor, payload, facts(start, actor, acknowledged=None))
    if to is Status.EXPIRED:
        grant, _ = recorded(grant, facts(END, acknowledged=None))
    assert grant.status is to
    return grant


def step(grant: Grant, action: Action, actor: Actor, payload: dict, told: AccessFacts) -> Grant:
    outcome = decide(grant, Command(action, actor, payload, grant.n), told)
    assert isinstance(outcome, Event), outcome
    assert Event.from_json(outcome.to_json()) == outcome
    return after(grant, outcome)


def recorded(grant: Grant, told: AccessFacts) -> tuple[Grant, list[str]]:
    """What the system writes down at this moment, until nothing is left to write."""
    written = []
    while (command := due(grant, told)) is not None:
        grant = step(grant, command.action, SYSTEM, dict(command.payload), told)
        written.append(f"{command.action} {command.payload.get('cause', '')}".strip())
    return grant, written


# the end (S10, invariant 10)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("2026-11-26T08:59:59", "access-has-not-begun"),
        ("2026-11-26T09:00:00", ""),
        ("2026-12-31T23:59:59", ""),
        ("2027-01-01T00:00:00", "access-has-ended"),
        ("2027-01-04T09:00:00", "access-has-ended"),  # and no job has run for three days
    ],
)
def test_access_ends_at_that_second(moment, code):
    """Compared at each reading: the event EXPIRE only tidies up."""
    no = may_read(a_grant(), WATI, facts(at(moment)))
    assert (no.code if no else "") == code


def test_a_grant_past_its_end_shows_as_expired_before_any_job_ran():
    grant = a_grant()
    assert grant.status_at(END - timedelta(seconds=1)) is Status.ACTIVE
    assert grant.status_at(END) is Status.EXPIRED
    assert a_grant(Status.SUSPENDED).status_at(END) is Status.EXPIRED
    expired, written = recorded(grant, facts(END))
    assert (expired.status, written) == (Status.EXPIRED, ["EXPIRE"])
    assert due(expired, facts(END)) is None


def test_the_end_counts_in_jakarta_wherever_the_server_stands():
    grant = a_grant()
    assert may_read(grant, WATI, facts(datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC))) is None
    assert may_read(grant, WATI, facts(datetime(2026, 12, 31, 17, 0, tzinfo=UTC))).code == "access-has-ended"


@pytest.mark.parametrize("status", [Status.PENDING, Status.ACTIVE, Status.SUSPENDED])
def test_nothing_expires_early(status):
    no = decide(a_grant(status), Command(Action.EXPIRE, SYSTEM, {}, a_grant(status).n), facts(at("2026-12-31T23:59")))
    assert no == Refusal("access-has-not-ended")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": "2026-11-26T08:00:00+07:00"},
        {"ends_at": "2026-12-31T00:00:00"},  # an instant without its zone is no instant
        {"ends_at": "selamanya"},
        {"begins_at": "2028-01-01T00:00:00+07:00"},
    ],
)
def test_a_grant_without_a_period_is_none(wrong):
    no = decide(Grant("G-1"), Command(Action.OPEN, SYSTEM, OPEN | wrong, 0), facts(at("2026-11-26T09:00")))
    assert no == Refusal("period-is-empty")


# readiness (S07, invariant 9)


def test_reading_stops_with_readiness_and_resumes_with_it_one_event_each():
    """The certificate ends at midnight; a nightly feed asks before each chunk; later it is renewed."""
    grant = a_grant()
    ready = replace(READY, valid_until=date(2026, 12, 14))
    assert may_read(grant, WATI, facts(at("2026-12-14T23:59:59"), standing=ready)) is None
    after_midnight = facts(at("2026-12-15T00:00:00"), standing=ready)
    assert may_read(grant, WATI, after_midnight).code == "readiness-has-lapsed"  # before any event says so
    grant, written = recorded(grant, after_midnight)
    assert (grant.status, written) == (Status.SUSPENDED, ["SUSPEND READINESS"])
    assert recorded(grant, after_midnight)[1] == []  # and only once
    renewed = facts(at("2026-12-20T10:00"), standing=replace(READY, valid_until=date(2027, 12, 14)))
    grant, written = recorded(grant, renewed)
    assert (grant.status, written) == (Status.ACTIVE, ["RESUME READINESS"])
    assert may_read(grant, WATI, renewed) is None


def test_a_suspended_certificate_stops_reading_at_once():
    suspended = facts(at("2026-12-10T10:12"), standing=replace(READY, status="SUSPENDED"))
    assert may_read(a_grant(), WATI, suspended).code == "readiness-has-lapsed"


def test_two_causes_need_two_resumptions():
    """A grant resumes when the last cause is gone; and a sanction is not lifted by a renewal."""
    grant = a_grant(Status.SUSPENDED)
    lapsed = facts(at("2026-12-10T10:12"), standing=Standing())
    grant, written = recorded(grant, lapsed)
    assert (grant.causes, written) == ({Cause.SANCTION, Cause.READINESS}, ["SUSPEND READINESS"])
    grant, written = recorded(grant, facts(at("2026-12-11T09:00")))
    assert (grant.status, written) == (Status.SUSPENDED, ["RESUME READINESS"])
    lifting = {"cause": "SANCTION", "reason": "tanggapan diterima"}
    grant = step(grant, Action.RESUME, INDRA, lifting, facts(at("2026-12-12T09:00"), INDRA))
    assert grant.status is Status.ACTIVE and grant.causes == frozenset()


def test_a_withdrawn_release_and_an_escalated_duty_suspend_too():
    told = facts(at("2026-12-10T09:00"), release_withdrawn=True, escalated=("laporan 2026-S2",))
    assert may_read(a_grant(), WATI, told).code == "duty-is-escalated"
    grant, written = recorded(a_grant(), told)
    assert written == ["SUSPEND DUTY", "SUSPEND RELEASE"] and grant.status is Status.SUSPENDED


# who, and what (invariants 1 and 7)

READINGS = [
    ({"account": "SUSPENDED"}, "account-is-not-active"),
    ({"mandate": None}, "mandate-has-ended"),
    ({"competences": {}}, "competence-has-ended"),
    ({"standing": Standing()}, "readiness-has-lapsed"),
    ({"escalated": None}, "duty-is-escalated"),
    ({"release_withdrawn": True}, "release-is-withdrawn"),
    ({"agreement_signed": False}, "papers-are-unsigned"),
    ({"handover_signed": False}, "papers-are-unsigned"),
    ({"plan": "d" * 64}, "is-not-what-was-approved"),
    ({"plan": ""}, "is-not-what-was-approved"),
    ({"manifest": "d" * 64}, "is-not-the-granted-package"),
]


@pytest.mark.parametrize(("changes", "code"), READINGS)
def test_a_reading_needs_all_of_this_at_that_moment(changes, code):
    now = at("2026-12-01T09:00")
    assert may_read(a_grant(), WATI, facts(now)) is None
    assert may_read(a_grant(), WATI, facts(now, **changes)).code == code


def test_a_reading_belongs_to_the_institution_that_was_granted():
    stranger = replace(WATI, institution="DINSOS-A")
    now = at("2026-12-01T09:00")
    assert may_read(a_grant(), stranger, facts(now, stranger)).code == "belongs-to-another-institution"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUTHORISED_HANDLER], ids=str)
def test_only_authorised_handlers_read(role):
    actor = replace(WATI, role=role)
    assert may_read(a_grant(), actor, facts(at("2026-12-01T09:00"), actor)).code == "not-this-role"


@pytest.mark.parametrize("status", [Status.PENDING, Status.SUSPENDED])
def test_only_an_active_grant_is_read(status):
    assert may_read(a_grant(status), WATI, facts(at("2026-12-01T09:00"))).code == "not-at-this-stage"


def test_a_revoked_grant_is_read_no_more_and_has_no_way_back():
    """S09: from the stored decision on."""
    grant = step(a_grant(), Action.REVOKE, INDRA, {"reason": "dipakai di luar tujuan"}, facts(at("2026-12-01"), INDRA))
    assert may_read(grant, WATI, facts(at("2026-12-01"))).code == "not-at-this-stage"
    over = [rule for rule in RULES if rule.from_status in {Status.REVOKED, Status.EXPIRED}]
    assert {(rule.action, rule.from_status is rule.to_status) for rule in over} == {(Action.CONFIRM_RECEIPT, True)}
    assert recorded(grant, facts(END))[1] == []


def test_facts_that_nobody_gathered_refuse():
    now = at("2026-12-01T09:00")
    assert may_read(a_grant(), WATI, AccessFacts(now, now.date())) is not None
    assert isinstance(
        decide(Grant("G-1"), Command(Action.OPEN, SYSTEM, OPEN, 0), AccessFacts(now, now.date())), Refusal
    )


def test_the_fold_is_the_events():
    grant, events = Grant("G-1"), []
    for action, payload in ((Action.OPEN, OPEN), (Action.ACTIVATE, {})):
        outcome = decide(grant, Command(action, SYSTEM, payload, grant.n), facts(at("2026-11-26T09:00")))
        events.append(outcome)
        grant = after(grant, outcome)
    assert fold(events, "G-1") == grant == a_grant()


# the package of the next release (decision 0106)


def test_a_grant_moves_to_the_next_package_and_keeps_its_end_and_its_causes():
    """What was received before was received; the new one is not yet."""
    moment, new = at("2026-12-20T09:00"), "e" * 64
    for status in (Status.ACTIVE, Status.SUSPENDED):
        grant = step(a_grant(status), Action.CONFIRM_RECEIPT, WATI, CONFIRM, facts(at("2026-12-01T09:00")))
        moved = step(grant, Action.MOVE, SYSTEM, {"manifest": new}, facts(moment, manifest=new))
        assert moved == replace(grant, n=grant.n + 1, manifest=new, received=None)
        assert may_read(moved, WATI, facts(moment)) is not None, "what lies in the store is another package"


# the recipient's acknowledgement (S17)

CONFIRM = {"envelope": ENVELOPE}
KEEPERS = (Status.ACTIVE, Status.SUSPENDED, Status.EXPIRED, Status.REVOKED)


@pytest.mark.parametrize("status", KEEPERS, ids=str)
def test_what_was_received_is_confirmed_once_and_changes_nothing_else(status):
    """Also after the access has ended: it tells what happened before."""
    grant, moment = a_grant(status), at("2027-02-01T08:00")
    confirmed = step(grant, Action.CONFIRM_RECEIPT, WATI, CONFIRM, facts(moment))
    assert (confirmed.status, confirmed.n) == (status, grant.n + 1)
    assert confirmed.received.said == SAID and confirmed.received.actor == WATI and confirmed.received.at == moment
    again = decide(confirmed, Command(Action.CONFIRM_RECEIPT, WATI, CONFIRM, confirmed.n), facts(moment))
    assert again == Refusal("receipt-was-confirmed", {"sha256": confirmed.received.sha256[:16]})
    assert grant.received is None


def test_the_form_is_drawn_or_explained_before_it_is_filled():
    moment = at("2026-12-01T09:00")
    assert may_confirm(a_grant(), WATI, facts(moment, acknowledged=None)) is None
    assert may_confirm(a_grant(), WATI, facts(moment, receipt_key=False)).code == "recipient-key-signs-no-more"
    assert may_confirm(a_grant(), INDRA, facts(moment, INDRA)).code == "not-this-role"
    assert may_confirm(a_grant(Status.PENDING), WATI, facts(moment)).code == "not-this-role"
    confirmed = step(a_grant(), Action.CONFIRM_RECEIPT, WATI, CONFIRM, facts(moment))
    assert may_confirm(confirmed, WATI, facts(moment)).code == "receipt-was-confirmed"


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("2026-11-25T08:59:59", "acknowledges-at-another-time"),
        ("2026-11-25T09:00:00", ""),  # a clock that is a day slow
        ("2026-12-02T09:00:00", ""),  # or fast
        ("2026-12-02T09:00:01", "acknowledges-at-another-time"),
    ],
)
def test_a_clock_without_a_network_may_be_a_day_off(moment, code):
    told = facts(at("2026-12-01T09:00"), acknowledged=replace(SAID, verified_at=at(moment)))
    outcome = decide(a_grant(), Command(Action.CONFIRM_RECEIPT, WATI, CONFIRM, 2), told)
    assert (outcome.code if isinstance(outcome, Refusal) else "") == code


# each objection of each line is needed: a situation in which it alone stands in the way

LINES = {
    (None, Action.OPEN): {
        "period-is-empty": {"payload": {"ends_at": "selamanya"}},
        "papers-are-unsigned": {"handover_signed": False},
        "is-not-what-was-approved": {"payload": {"plan": "d" * 64}},
        "is-not-the-granted-package": {"payload": {"manifest": "d" * 64}},
    },
    (Status.PENDING, Action.ACTIVATE): {
        "access-has-not-begun": {"now": at("2026-11-26T08:00")},
        "access-has-ended": {"now": END},
        "readiness-has-lapsed": {"standing": Standing()},
        "duty-is-escalated": {"escalated": ("laporan",)},
        "release-is-withdrawn": {"release_withdrawn": True},
        "papers-are-unsigned": {"agreement_signed": False},
        "is-not-what-was-approved": {"plan": "d" * 64},
        "is-not-the-granted-package": {"manifest": "d" * 64},
    },
    (Status.ACTIVE, Action.READ): {
        "account-is-not-active": {"account": ""},
        "mandate-has-ended": {"mandate": None},
        "competence-has-ended": {"competences": {}},
        "belongs-to-another-institution": {"institution": "DINSOS-A"},
        "took-part-for-the-controller": {"examiners": frozenset({"citra", "wati"})},
        "access-has-not-begun": {"now": at("2026-11-26T08:00")},
        "access-has-ended": {"now": END},
        "readiness-has-lapsed": {"standing": Standing()},
        "duty-is-escalated": {"escalated": ("laporan",)},
        "release-is-withdrawn": {"release_withdrawn": True},
        "papers-are-unsigned": {"agreement_signed": False},
        "is-not-what-was-approved": {"plan": "d" * 64},
        "is-not-the-granted-package": {"manifest": "d" * 64},
    },
}


def payload_of(action: Action) -> dict:
    return {
        Action.OPEN: OPEN,
        Action.MOVE: {"manifest": OPEN["manifest"]},
        Action.READ: {"part": "data-0001"},
        Action.SUSPEND: {"cause": "READINESS", "reason": "sertifikat berakhir"},
        Action.RESUME: {"cause": "READINESS", "reason": "sertifikat diperbarui"},
        Action.REVOKE: {"reason": "dipakai di luar tujuan"},
        Action.CONFIRM_RECEIPT: CONFIRM,
    }.get(action, {})


def outcome_of(rule, table=TABLE, **spoiled) -> Event | Refusal:
    """The outcome of this line's action when everything is right, but for what is spoiled."""
    actor = {Role.SYSTEM: SYSTEM, Role.CONTROLLER: INDRA, Role.AUTHORISED_HANDLER: WATI}[rule.role]
    payload = payload_of(rule.action) | spoiled.pop("payload", {})
    if rule.role is Role.CONTROLLER and "cause" in payload:
        payload = {"cause": "SANCTION", "reason": "laporan palsu"} | spoiled.pop("says", {})
    grant = Grant("G-1") if rule.from_status is None else a_grant(rule.from_status)
    if rule.from_status is Status.SUSPENDED:
        mine = Cause(payload["cause"]) if rule.action is Action.RESUME else None
        grant = replace(grant, causes=frozenset({mine} if mine else {Cause.RELEASE}))
    if spoiled.pop("confirmed", False):
        grant = step(grant, Action.CONFIRM_RECEIPT, WATI, CONFIRM, facts(at("2026-12-01T09:00")))
    grant = replace(grant, causes=spoiled.pop("causes", grant.causes))
    actor = replace(actor, institution=spoiled.pop("institution", actor.institution))
    usual = at("2026-12-01T09:00") if rule.action is not Action.EXPIRE else END
    now = spoiled.pop("now", usual)
    lapsed = rule.action is Action.SUSPEND and rule.role is Role.SYSTEM
    told = facts(now, actor, **({"standing": Standing()} if lapsed else {}))
    return decide(grant, Command(rule.action, actor, payload, grant.n), replace(told, **spoiled), table)


def spoilers(rule) -> dict[str, dict]:
    """For each objection of a line: what, alone, brings it about."""
    person = {"account-is-not-active": {"account": ""}, "mandate-has-ended": {"mandate": None}}
    match rule.role, rule.action:
        case Role.SYSTEM, Action.SUSPEND:
            return {
                "suspended-for-that-already": {"causes": frozenset({Cause.READINESS})},
                "cause-does-not-hold": {"standing": READY},
            }
        case Role.SYSTEM, Action.RESUME:
            return {
                "sanction-needs-a-person": {"payload": {"cause": "SANCTION"}, "causes": frozenset({Cause.SANCTION})},
                "is-not-suspended-for-that": {"causes": frozenset({Cause.SANCTION})},
                "cause-still-holds": {"standing": Standing()},
            }
        case Role.CONTROLLER, Action.SUSPEND:
            return person | {
                "only-a-sanction-is-ordered": {"says": {"cause": "DUTY"}},
                "suspended-for-that-already": {"causes": frozenset({Cause.SANCTION})},
            }
        case Role.CONTROLLER, Action.RESUME:
            duty = {"says": {"cause": "DUTY"}, "causes": frozenset({Cause.DUTY, Cause.SANCTION})}
            return person | {
                "only-a-sanction-is-ordered": duty,
                "is-not-suspended-for-that": {"causes": frozenset({Cause.DUTY})},
            }
        case Role.CONTROLLER, Action.REVOKE:
            return person
        case _, Action.CONFIRM_RECEIPT:
            return person | {
                "belongs-to-another-institution": {"institution": "DINSOS-A"},
                "took-part-for-the-controller": {"examiners": None},
                "receipt-was-confirmed": {"confirmed": True},
                "recipient-key-signs-no-more": {"receipt_key": False},
                "is-not-signed-by-the-recipient": {"acknowledged": None},
                "acknowledges-another-package": {"acknowledged": replace(SAID, manifest="e" * 64)},
                "acknowledges-at-another-time": {"acknowledged": replace(SAID, verified_at=END)},
            }
        case Role.SYSTEM, Action.MOVE:
            return {
                "access-has-ended": {"now": END},
                "papers-are-unsigned": {"handover_signed": False},
                "is-not-what-was-approved": {"plan": "d" * 64},
                "is-not-the-granted-package": {"payload": {"manifest": "d" * 64}},
            }
        case Role.SYSTEM, Action.EXPIRE:
            return {"access-has-not-ended": {"now": at("2026-12-01T09:00")}}
    return LINES[rule.from_status, rule.action]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.role}-{rule.action}-{rule.from_status}")
def test_each_objection_of_each_line_alone_stands_in_the_way(rule):
    """Right, it goes through; spoiled in one thing, it is refused with that code; without the objection it would go
    through."""
    assert isinstance(outcome_of(rule), Event)
    drawn = spoilers(rule)
    assert set(drawn) == {objects.__name__.replace("_", "-") for objects in rule.objections}
    for objects in rule.objections:
        code = objects.__name__.replace("_", "-")
        no = outcome_of(rule, **drawn[code])
        assert isinstance(no, Refusal) and no.code == code
        others = tuple(one for one in rule.objections if one is not objects)
        mutant = {**TABLE, (rule.from_status, rule.role, rule.action): replace(rule, objections=others)}
        assert isinstance(outcome_of(rule, mutant, **drawn[code]), Event), "another objection says the same"


def test_the_table_holds_these_lines_and_no_other():
    lines = {(rule.from_status, rule.role, rule.action) for rule in RULES}
    live = (Status.PENDING, Status.ACTIVE, Status.SUSPENDED)
    assert lines == {
        (None, Role.SYSTEM, Action.OPEN),
        (Status.PENDING, Role.SYSTEM, Action.ACTIVATE),
        (Status.ACTIVE, Role.AUTHORISED_HANDLER, Action.READ),
        *((status, role, Action.SUSPEND) for status in live[1:] for role in (Role.SYSTEM, Role.CONTROLLER)),
        *((Status.SUSPENDED, role, Action.RESUME) for role in (Role.SYSTEM, Role.CONTROLLER)),
        *((status, Role.CONTROLLER, Action.REVOKE) for status in live),
        *((status, Role.SYSTEM, Action.MOVE) for status in live[1:]),
        *((status, Role.SYSTEM, Action.EXPIRE) for status in live),
        *((status, Role.AUTHORISED_HANDLER, Action.CONFIRM_RECEIPT) for status in KEEPERS),
    }
