"""Lists to be matched, in the office: ordered to be read, believed or not, used, and destroyed in both planes."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.factories import an_institution, an_office, done
from tests.handed_in import readable_anywhere
from tests.listed import SAID, UNREADABLE, Reader, a_list

from bagipakai import postgres
from bagipakai.control import clock, custody, inflows, ledger, roster_receipts, rosters, uploads
from bagipakai.control.models import Event as RequestEvent
from bagipakai.control.models import PlacedRoster, Request, Roster, RosterEvent
from bagipakai.control.trail import auditing, entries
from bagipakai.core.envelope import Signer
from bagipakai.core.plan import Answer, Matching
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role
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


def test_a_request_that_names_it_keeps_it(sari, registry, monkeypatch):
    row = sent(sari)
    registry.reads()
    roster_receipts.collect()
    done(rosters.handle(row.reference, Action.CONFIRM, sari))
    assert not rosters.in_use(row)
    request = a_draft_that_names(row, sari)
    assert rosters.in_use(row)
    assert rosters.handle(row.reference, Action.DESTROY, sari) == Refusal("request-names-roster")
    assert rosters.tidy(clock.now() + timedelta(days=400)) == 0
    a_draft_that_names(row, sari, request, another="DFT-2026-999999")
    assert not rosters.in_use(row)
    assert rosters.tidy(clock.now() + timedelta(days=400)) == 1


def a_draft_that_names(row: Roster, who, request: Request | None = None, another: str = "") -> Request:
    """A draft with that answer, as the form for matching keeps it."""
    from bagipakai.control import requests
    from bagipakai.core import request as core

    request = request or done(requests.create(who))
    state = requests.state_of(request)
    actor = core.Actor(str(who.pk), str(request.post_id), Role.APPLICANT, request.institution.code)
    command = core.Command(core.Action.SAVE_ANSWER, actor, {}, state.n)
    payload = {"answers": {"roster": another or row.reference}}
    ledger.append(RequestEvent, request, core.Event.next(state, command, clock.now(), core.Status.DRAFT, payload))
    return request


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


def test_who_does_not_ask_for_an_institution_has_none(registry):
    handler = an_institution(ready=False)[Role.AUTHORISED_HANDLER]
    assert rosters.begin(handler).code == "not-this-role"
    assert not rosters.visible(handler).exists()
