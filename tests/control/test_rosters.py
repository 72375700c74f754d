"""Lists to be matched, in the office: ordered to be read, believed or not, used, and destroyed in both planes."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from tests.authenticators import order_about
from tests.factories import (
    DOCUMENTS,
    a_matching_request,
    a_roster,
    an_institution,
    an_office,
    done,
    matching,
    the_institution,
)
from tests.handed_in import readable_anywhere
from tests.listed import SAID, UNREADABLE, Reader, a_list

from bagipakai import postgres
from bagipakai.control import access, clock, custody, inflows, ledger, requests, roster_receipts, rosters, uploads
from bagipakai.control.door import Door
from bagipakai.control.models import PlacedRoster, Roster, RosterEvent
from bagipakai.control.trail import auditing, entries
from bagipakai.core import rosters as rules
from bagipakai.core.access import Action as Access
from bagipakai.core.envelope import Signer
from bagipakai.core.plan import Answer, Matching
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action as Requests
from bagipakai.core.request import Role
from bagipakai.core.request import Status as Stage
from bagipakai.core.roster_orders import RosterReceipt
from bagipakai.core.rosters import Action, Status, is_destroyed
from bagipakai.registry import rosters as kept
from bagipakai.registry.places import Places

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture(autouse=True)
def an_empty_store():
    """What earlier tests left on the disk is not of this test's database."""
    for name in ("intake", "registry/rosters"):
        shutil.rmtree(postgres.var() / name, ignore_errors=True)


@pytest.fixture
def registry():
    an_office()
    return Reader()


@pytest.fixture
def sari(registry):
    """Who asks for an institution."""
    return an_institution(ready=False)[Role.APPLICANT]


def uploaded(who) -> Roster:
    row = done(rosters.begin(who))
    inflow = inflows.Inflow(row, who, "peserta.csv")
    inflow.feed(a_list())
    assert inflow.end() is None
    return row


def sent(who) -> Roster:
    row = uploaded(who)
    done(rosters.handle(row.reference, Action.SEND, who))
    return row


def test_a_list_is_read_confirmed_and_destroyed(sari, registry, django_capture_on_commit_callbacks):
    row = sent(sari)
    order = registry.reads()
    assert (order.order_id, order.roster, order.place) == (f"{row.reference}-1", row.reference, row.reference)
    assert (order.institution, order.columns, order.file.ending) == (row.institution.code, (), "csv")
    store = uploads.folder(row.reference)
    assert sorted(one.name for one in store.iterdir()) == sorted(
        f"{one.sealed_sha256}.age" for one in order.file.pieces
    )
    assert not readable_anywhere(b"Orang Rekaan", postgres.var() / "intake")
    assert custody.rotate("order") == Refusal("orders-are-waiting")
    assert roster_receipts.collect() == 1
    assert rosters.usable(row.institution) == []  # not before its sender has looked

    with django_capture_on_commit_callbacks(execute=True):
        done(rosters.handle(row.reference, Action.CONFIRM, sari))
    (found,) = rosters.usable(row.institution)
    assert (found.reference, found.name, found.rows, found.digest) == (
        row.reference,
        "peserta.csv",
        10_000,
        SAID.digest,
    )
    assert found.columns == ("nik", "nama", "tanggal_lahir") and not store.exists()
    assert rosters.get_usable(row.reference, row.institution) == found
    other = an_institution(ready=False).institution
    assert rosters.get_usable(row.reference, other) is None and rosters.usable(other) == []

    done(rosters.handle(row.reference, Action.DESTROY, sari))
    assert rosters.usable(row.institution) == [] and not is_destroyed(rosters.state(row))
    gone = registry.destroys()
    assert (gone.order_id, gone.roster, gone.institution) == (f"{row.reference}-2", row.reference, row.institution.code)
    assert roster_receipts.collect() == 1 and is_destroyed(rosters.state(row))
    assert not PlacedRoster.objects.filter(collected_at=None).exists()

    # what was written stands in the trail by its own name
    assert ledger.broken_at(RosterEvent, row) is None and list(auditing.untold()) == []
    assert entries.payload(f"daftar/{row.pk}#1")["action"] == "OPEN"


def test_it_is_read_again_with_other_columns(sari, registry):
    row = sent(sari)
    registry.reads(UNREADABLE)
    roster_receipts.collect()
    assert rosters.state(row).status is Status.RETURNED
    wrong = {"columns": [["nik", "Kolom C"]]}
    assert rosters.handle(row.reference, Action.CHOOSE, sari, wrong) == Refusal("heading-is-not-there")
    done(rosters.handle(row.reference, Action.CHOOSE, sari, {"columns": [["nik", "Kolom A"]]}))
    order = registry.reads()
    assert (order.order_id, order.columns) == (f"{row.reference}-2", (("nik", "Kolom A"),))
    roster_receipts.collect()
    assert rosters.state(row).status is Status.READ


def test_the_registry_reads_what_the_office_sends_and_destroys_it_when_told(sari, registry):
    """Both planes, with their own code: only what is between a person and the office is left out."""
    row = sent(sari)
    (receipt,) = registry.really()
    assert (receipt.refusal, receipt.rows) == ("", 30)
    roster_receipts.collect()
    columns = rosters.state(row).outcome.columns
    assert columns == (
        ("nik", "NO KTP"),
        ("nama", "Nama Lengkap"),
        ("tanggal_lahir", "TGL LHR"),
        ("nama_ibu", "Nama Ibu"),
    )
    done(rosters.handle(row.reference, Action.CHOOSE, sari, {"columns": [["nama", "Nama Lengkap"]]}))
    (again,) = registry.really()
    roster_receipts.collect()
    assert rosters.state(row).outcome.columns == (("nama", "Nama Lengkap"),) and again.digest != receipt.digest
    done(rosters.handle(row.reference, Action.CONFIRM, sari))
    (found,) = rosters.usable(row.institution)
    matching = Matching(found.reference, found.digest, found.rows, Answer.YES_NO, reasons=False, one_to_one=False)
    places, trusted = Places.under(postgres.var()), registry.keys.receipt.public
    assert kept.named(matching, row.institution.code, places, trusted).receipt == again
    done(rosters.handle(row.reference, Action.DESTROY, sari))
    registry.really()
    roster_receipts.collect()
    assert is_destroyed(rosters.state(row))
    assert kept.named(matching, row.institution.code, places, trusted) == Refusal("order-roster-destroyed")


def test_pieces_that_were_lost_are_not_sent(sari):
    row = uploaded(sari)
    next(uploads.folder(row.reference).iterdir()).unlink()
    assert rosters.handle(row.reference, Action.SEND, sari) == Refusal("upload-was-lost")


@pytest.mark.parametrize("forged", ["another's seal", "another list", "other bytes", "rows without columns"])
def test_a_receipt_that_cannot_be_believed_is_recorded_as_that(sari, registry, forged):
    row = sent(sari)
    (order,) = registry.lists()
    told = replace(SAID, order_id=order.order_id, roster=order.roster, sent=order.sent)
    signer = Signer.new() if forged == "another's seal" else registry.keys.receipt
    changed = {
        "another list": {"roster": "DFT-2026-999999"},
        "other bytes": {"sent": "0" * 64},
        "rows without columns": {"headings": ()},
    }
    registry.post(order.order_id, replace(told, **changed.get(forged, {})).sealed(signer))
    assert roster_receipts.collect() == 1
    state = rosters.state(row)
    assert (state.status, state.outcome.refusal, state.outcome.rows) == (Status.RETURNED, "receipt-not-trusted", 0)
    assert rosters.usable(row.institution) == []


def test_a_draft_keeps_no_list_and_is_not_sent_without_it():
    chain = a_matching_request()
    done(chain.write(**matching(a_roster(chain.asking))))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    row, sender = Roster.objects.get(), chain.asking[Role.APPLICANT]
    assert rosters.needed(row, clock.now()) == {} and Reader().keepings() == []
    done(rosters.handle(row.reference, Action.DESTROY, sender))
    outcome = chain.attempt(Requests.SUBMIT, Role.APPLICANT)
    assert isinstance(outcome, Refusal) and chain.state.status is Stage.DRAFT


def confirmed(registry, sender) -> Roster:
    """A list that the registry really read."""
    row = sent(sender)
    registry.really()
    roster_receipts.collect()
    done(rosters.handle(row.reference, Action.CONFIRM, sender))
    return row


def asked_about(row: Roster, asking, **other):
    """A request for matching that names this list, sent."""
    chain = a_matching_request()
    assert chain.asking.institution == row.institution
    done(chain.write(**matching(row.reference, **other)))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    chain.step(Requests.SUBMIT, Role.APPLICANT)
    return chain


@pytest.fixture
def asking(registry):
    return the_institution()


def until(days: int):
    return clock.today() + timedelta(days=days)


def lies_there(registry, row: Roster) -> bool:
    """Whether the registry could match it."""
    read = rosters.state(row).outcome
    plan = Matching(row.reference, read.digest, read.rows, Answer.YES_NO, reasons=False, one_to_one=False)
    found = kept.named(plan, row.institution.code, Places.under(postgres.var()), registry.keys.receipt.public)
    return not isinstance(found, Refusal)


def test_sending_a_request_has_its_list_kept(asking, registry):
    row = confirmed(registry, asking[Role.APPLICANT])
    chain = asked_about(row, asking)
    (order,) = registry.keepings()
    assert (order.order_id, order.roster, order.until) == (f"{row.reference}-2", row.reference, until(200))
    assert (order.institution, order.digest) == (row.institution.code, rosters.state(row).outcome.digest)
    assert (rosters.state(row).until, rosters.kept(row, rosters.state(row))) == (
        until(200),
        rosters.Kept(until(200), (chain.reference,)),
    )
    assert entries.payload(f"daftar/{row.pk}#6")["payload"] == {
        "until": until(200).isoformat(),
        "requests": [chain.reference],
    }
    assert custody.rotate("order") == Refusal("orders-are-waiting")
    registry.really()
    assert roster_receipts.collect() == 1
    assert (rosters.state(row).status, rosters.state(row).unkept) == (Status.CONFIRMED, "")
    (folder,) = (postgres.var() / "registry/rosters").iterdir()
    assert (folder / kept.HELD).exists()
    assert ledger.broken_at(RosterEvent, row) is None and list(auditing.untold()) == []
    no = rosters.handle(row.reference, Action.DESTROY, asking[Role.APPLICANT])
    assert no == Refusal("request-names-roster")


def test_a_list_stays_as_long_as_a_slow_request_is_decided_and_goes_once_that_ended(asking, registry):
    """Both planes look after it, week by week, for more than a year; none of them asks the other but by orders."""
    row = confirmed(registry, asking[Role.APPLICANT])
    chain = asked_about(row, asking)
    begun, trusted, places = clock.now(), registry.keys.receipt.public, Places.under(postgres.var())

    def days_go_by(first: int, last: int, step: int = 1) -> None:
        for day in range(first, last, step):
            at = begun + timedelta(days=day)
            rosters.tidy(at)
            registry.really(clock.day_of(at))
            roster_receipts.collect()
            kept.tidy(places, trusted, clock.day_of(at))
            if not lies_there(registry, row):
                return

    days_go_by(1, 420, 7)
    assert lies_there(registry, row) and rosters.state(row).status is Status.CONFIRMED
    orders = PlacedRoster.objects.filter(roster=row)
    assert orders.count() == 1 + 4, "it is told when it is due, and not each time"
    assert clock.day_of(begun) + timedelta(days=420) <= rosters.state(row).until

    chain.step(Requests.WITHDRAW, Role.APPLICANT, {"reason": "tidak jadi"})
    rosters.tidy(begun + timedelta(days=420))
    assert rosters.state(row).until is None
    assert [one.action for one in rosters.history(row)][-1] == "LET_GO"
    days_go_by(421, 434)
    assert lies_there(registry, row), "another request may name it for a while"
    days_go_by(434, 435)
    assert not lies_there(registry, row) and is_destroyed(rosters.state(row))
    assert orders.latest("pk").order_id == f"{row.reference}-6"
    assert list(auditing.untold()) == []


def test_a_list_that_was_let_go_is_kept_again_by_the_next_request(asking, registry):
    row = confirmed(registry, asking[Role.APPLICANT])
    asked_about(row, asking).step(Requests.WITHDRAW, Role.APPLICANT, {"reason": "tidak jadi"})
    rosters.tidy()
    assert rosters.kept(row, rosters.state(row)) == rosters.Kept(until(14), ())
    again = asked_about(row, asking)
    assert rosters.kept(row, rosters.state(row)) == rosters.Kept(until(200), (again.reference,))
    assert rosters.tidy(clock.now() + timedelta(days=100)) == 0


def test_a_repaired_request_that_names_another_list_has_that_one_kept_and_lets_the_first_go(asking, registry):
    first = confirmed(registry, asking[Role.APPLICANT])
    second = confirmed(registry, asking[Role.APPLICANT])
    chain = asked_about(first, asking)
    item = {"code": "answer-unclear", "target": "field:roster", "note": "Daftar tahun lalu"}
    chain.step(Requests.RETURN, Role.ADMIN_VERIFIER, {"items": [item], "reopen": []})
    assert rosters.needed(first, clock.now()) == {chain.reference: until(200)}
    done(chain.write(roster=second.reference))
    (open_item,) = chain.state.open_items
    chain.step(Requests.ANSWER_ITEM, Role.APPLICANT, {"item": open_item.id, "answer": "REPAIRED", "reason": ""})
    assert [one.roster for one in registry.keepings()] == [first.reference]
    chain.step(Requests.RESUBMIT, Role.APPLICANT)
    assert [one.roster for one in registry.keepings()] == [first.reference, second.reference]
    assert rosters.needed(first, clock.now()) == {} and rosters.needed(second, clock.now()) == {
        chain.reference: until(200)
    }
    assert rosters.tidy() == 1 and rosters.state(first).let_go_at is not None
    done(rosters.handle(first.reference, Action.DESTROY, asking[Role.APPLICANT]))


@pytest.mark.parametrize("rolling", [False, True])
def test_once_there_is_access_only_a_rolling_product_needs_its_list(rolling):
    chain = a_matching_request(Stage.ACCESS_GRANTED, rolling=rolling)
    row = Roster.objects.get()
    assert rosters.needed(row, clock.now()) == ({chain.reference: until(200)} if rolling else {})
    assert rosters.tidy() == (0 if rolling else 1)
    if rolling:
        assert rosters.needed(row, clock.now() + timedelta(days=202)) == {}
        grant = access.grant_of(chain.reference)
        order_about(grant, Access.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
        assert rosters.needed(row, clock.now()) == {} and rosters.tidy() == 1
    assert rosters.tidy(clock.now() + timedelta(days=13)) == 0
    assert rosters.tidy(clock.now() + timedelta(days=14, minutes=1)) == 1
    assert rosters.state(row).status is Status.DESTROYED


def test_what_was_sent_before_lists_were_kept_is_kept_by_and_by(asking, registry, monkeypatch):
    row = confirmed(registry, asking[Role.APPLICANT])
    with monkeypatch.context() as patched:
        patched.setattr(requests, "_EFFECTS", {})
        asked_about(row, asking)
    assert registry.keepings() == []
    assert rosters.tidy() == 1 and rosters.tidy() == 0
    assert registry.keepings()[0].until == until(200)


def test_who_sends_a_request_about_a_list_that_was_destroyed_meanwhile_is_told_so(asking, registry, monkeypatch):
    row = confirmed(registry, asking[Role.APPLICANT])
    chain = a_matching_request()
    done(chain.write(**matching(row.reference)))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    before = rosters.usable(row.institution)
    done(rosters.handle(row.reference, Action.DESTROY, asking[Role.APPLICANT]))
    monkeypatch.setattr(rosters, "usable", lambda _: before)  # as it stood when the form was looked at
    outcome = chain.attempt(Requests.SUBMIT, Role.APPLICANT)
    n = chain.state.n  # of the request, not of the list
    assert outcome == Refusal("changed-meanwhile", {"seen": str(n), "now": str(n + 1)})
    assert chain.state.status is Stage.DRAFT and registry.keepings() == []


def ready_to_be_sent(row: Roster):
    chain = a_matching_request()
    done(chain.write(**matching(row.reference)))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    return chain


def test_who_sends_a_request_while_somebody_writes_about_its_list_is_told_of_the_request(asking, registry, monkeypatch):
    row = confirmed(registry, asking[Role.APPLICANT])
    chain, write = ready_to_be_sent(row), Door.write

    def overtaken(door, thing, event, *signature):
        if event.action is Action.KEEP:
            raise ledger.Overtaken(event.n)
        write(door, thing, event, *signature)

    monkeypatch.setattr(Door, "write", overtaken)
    n = chain.state.n
    assert n != rosters.state(row).n
    outcome = chain.attempt(Requests.SUBMIT, Role.APPLICANT)
    assert outcome == Refusal("changed-meanwhile", {"seen": str(n), "now": str(n + 1)})
    assert (chain.state.n, chain.state.status) == (n, Stage.DRAFT)


def test_who_sends_a_request_whose_list_may_not_be_kept_is_told_why(asking, registry, monkeypatch):
    row = confirmed(registry, asking[Role.APPLICANT])
    chain = ready_to_be_sent(row)
    too_long = {"until": until(201).isoformat(), "requests": [chain.reference]}
    monkeypatch.setattr(rules, "keeping", lambda _: too_long)
    assert chain.attempt(Requests.SUBMIT, Role.APPLICANT) == Refusal("roster-is-not-needed")
    assert chain.state.status is Stage.DRAFT and registry.keepings() == []


@pytest.mark.parametrize("forged", ["another's seal", "another list", "other rows", "another digest", "of a reading"])
def test_a_word_on_keeping_that_cannot_be_believed_is_recorded_as_that(asking, registry, forged):
    row = confirmed(registry, asking[Role.APPLICANT])
    asked_about(row, asking)
    (order,) = registry.keepings()
    told = RosterReceipt(order.order_id, order.roster, rows=30, digest=order.digest)
    changed = {
        "another list": {"roster": "DFT-2026-999999"},
        "other rows": {"rows": 29},
        "another digest": {"digest": "0" * 64},
        "of a reading": {"sent": rosters.state(row).file.sealed},
    }
    signer = Signer.new() if forged == "another's seal" else registry.keys.receipt
    registry.post(order.order_id, replace(told, **changed.get(forged, {})).sealed(signer))
    assert roster_receipts.collect() == 1
    assert rosters.state(row).unkept == "receipt-not-trusted"
    assert rosters.get_usable(row.reference, row.institution) is not None


def test_a_list_that_the_registry_does_not_find_is_not_called_gone(asking, registry):
    """Its store may not be there for a moment."""
    row = confirmed(registry, asking[Role.APPLICANT])
    asked_about(row, asking)
    shutil.rmtree(postgres.var() / "registry/rosters" / row.reference)
    (receipt,) = registry.really()
    assert receipt.refusal == "order-roster-unknown"
    roster_receipts.collect()
    assert rosters.state(row).unkept == "order-roster-unknown" and not is_destroyed(rosters.state(row))


def cancelled() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT order_id FROM exchange.cancellations ORDER BY order_id")
        return [name for (name,) in cursor.fetchall()]


def test_a_list_that_waits_to_be_read_is_taken_back(sari, registry, django_capture_on_commit_callbacks):
    row = sent(sari)
    with django_capture_on_commit_callbacks(execute=True):
        done(rosters.handle(row.reference, Action.DESTROY, sari))
    assert cancelled() == [f"{row.reference}-1"] and not uploads.folder(row.place).exists()
    (reading,), (gone,) = registry.lists(), registry.destructions()
    assert gone.order_id == f"{row.reference}-2"
    assert not is_destroyed(rosters.state(row))
    told = kept.cancelled(reading, Places.under(postgres.var()), registry.keys.receipt.public)
    registry.post(reading.order_id, told.sealed(registry.keys.receipt))
    registry.destroys()
    assert roster_receipts.collect() == 2
    state = rosters.state(row)
    assert is_destroyed(state) and state.outcome is None
    assert [one.action for one in rosters.history(row)][-3:] == ["DESTROY", "RECORD_LATE", "RECORD_RECEIPT"]
    assert entries.payload(f"daftar/{row.pk}#5")["payload"]["refusal"] == "order-cancelled"
    assert rosters.handle(row.reference, Action.DESTROY, sari).code == "not-at-this-stage"
    assert list(auditing.untold()) == []


def test_a_list_that_was_just_read_is_kept_nowhere_once_it_is_taken_back(sari, registry):
    """The registry had answered; its receipt lay in the mailbox."""
    row = sent(sari)
    (receipt,) = registry.really()
    assert receipt.rows == 30
    done(rosters.handle(row.reference, Action.DESTROY, sari))
    assert cancelled() == [], "what is answered is not cancelled"
    assert roster_receipts.collect() == 1
    state = rosters.state(row)
    assert (state.status, state.outcome, is_destroyed(state)) == (Status.DESTROYED, None, False)
    assert entries.payload(f"daftar/{row.pk}#5")["payload"]["rows"] == 30
    assert rosters.usable(row.institution) == [] and rosters.receipt(row, state) is not None
    registry.really()
    roster_receipts.collect()
    assert is_destroyed(rosters.state(row))
    assert [one.name for one in (postgres.var() / "registry/rosters").iterdir()] == [f"{row.reference}.dihapus"]


def test_a_late_receipt_that_cannot_be_believed_is_recorded_as_that(sari, registry):
    row = sent(sari)
    (order,) = registry.lists()
    done(rosters.handle(row.reference, Action.DESTROY, sari))
    forged = replace(SAID, order_id=order.order_id, roster=order.roster, sent=order.sent).sealed(Signer.new())
    registry.post(order.order_id, forged)
    assert roster_receipts.collect() == 1
    told = entries.payload(f"daftar/{row.pk}#5")
    assert (told["action"], told["payload"]["refusal"], told["payload"]["rows"]) == (
        "RECORD_LATE",
        "receipt-not-trusted",
        0,
    )


def test_only_its_own_institution_takes_a_list_back(sari, registry):
    row = sent(sari)
    other = an_institution(ready=False)[Role.APPLICANT]
    no = rosters.handle(row.reference, Action.DESTROY, other)
    assert no == Refusal("belongs-to-another-institution") and cancelled() == []


def test_what_nobody_sends_confirms_or_uses_is_destroyed(sari, registry, django_capture_on_commit_callbacks):
    draft, read = uploaded(sari), sent(sari)
    registry.reads()
    ready = sent(sari)
    registry.reads()
    roster_receipts.collect()
    done(rosters.handle(ready.reference, Action.CONFIRM, sari))
    with django_capture_on_commit_callbacks(execute=True):
        assert rosters.tidy(clock.now() + timedelta(days=20)) == 2
    assert is_destroyed(rosters.state(draft)) and not is_destroyed(rosters.state(read))
    assert rosters.state(ready).status is Status.CONFIRMED
    assert registry.destroys().roster == read.reference  # it never saw the draft
    assert not {draft.reference, read.reference} & set(uploads.left_over())
    assert rosters.tidy(clock.now() + timedelta(days=91)) == 1
    assert registry.destroys().roster == ready.reference
    (postgres.var() / "intake" / draft.reference).mkdir()  # as after a crash
    inflows.tidy()
    assert not list(uploads.left_over())


def test_a_draft_is_destroyed_on_the_day_that_its_page_names_whenever_it_was_uploaded(sari, monkeypatch):
    begun = clock.now()
    row = done(rosters.begin(sari))
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: begun + timedelta(days=12))
        inflow = inflows.Inflow(row, sari, "peserta.csv")
        inflow.feed(a_list())
        assert inflow.end() is None
    row.refresh_from_db()
    assert rosters.kept(row, rosters.state(row)).until == until(14)
    assert rosters.tidy(begun + timedelta(days=13)) == 0
    assert rosters.tidy(begun + timedelta(days=14, minutes=1)) == 1
    assert rosters.state(row).status is Status.DESTROYED


def test_a_list_that_was_read_late_waits_its_days_from_then(sari, registry, monkeypatch):
    begun, row = clock.now(), sent(sari)
    registry.reads()
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: begun + timedelta(days=12))
        roster_receipts.collect()
    assert rosters.tidy(begun + timedelta(days=15)) == 0 and rosters.tidy(begun + timedelta(days=26, minutes=1)) == 1
    assert rosters.state(row).status is Status.DESTROYED


def test_who_does_not_ask_for_an_institution_has_none(registry):
    handler = an_institution(ready=False)[Role.AUTHORISED_HANDLER]
    assert rosters.begin(handler).code == "not-this-role"
    assert not rosters.visible(handler).exists()
