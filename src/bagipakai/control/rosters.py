"""The counter for lists to be matched: rosters, who may do what with them, and the orders to read, to keep and to
destroy them. Their files come by `control.inflows`; what the registry says of them `control.roster_receipts` records.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from bagipakai.control import access, clock, keys, ledger, orders, rulebook, uploads
from bagipakai.control.acting import Acting, actor, known_of, person_of, tenures_of
from bagipakai.control.door import Door, Possibility
from bagipakai.control.models import Event as RequestEvent
from bagipakai.control.models import Institution, PlacedRoster, Request, Roster, RosterEvent, Tenure
from bagipakai.control.signing.acts import Stopped
from bagipakai.core import policy
from bagipakai.core import rosters as rules
from bagipakai.core.envelope import BadSeal
from bagipakai.core.event import Actor, Role
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import TERMINAL
from bagipakai.core.request import Event as Asked
from bagipakai.core.request import State as Asking
from bagipakai.core.request import fold as asked
from bagipakai.core.roster_orders import RosterDestruction, RosterKeeping, RosterOrder, RosterReceipt
from bagipakai.core.rosters import Action, Command, Event, Limits, RosterFacts, Status

log = logging.getLogger("bagipakai.control.rosters")

NEEDED = (*rules.WAITING, Status.SENT)  # in these its pieces may be read again


class UnknownRoster(LookupError):
    """There is no such roster, or it is not this reader's to see: the answer is the same."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Until which day a list is kept, and the requests that need it; with none of them it is destroyed on that day, if
    nothing happens to it. No day: it is being read, or gone, or the registry did not do as it was told."""

    until: date | None
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usable:
    """A roster that a request may name: what its file is called, how many rows are kept, their digest, and which of the
    standard columns they have."""

    reference: str
    name: str
    rows: int
    digest: str
    columns: tuple[str, ...]


# --- finding and reading ----------------------------------------------------------------------------------------------


def visible(acting: Acting) -> QuerySet[Roster]:
    """The rosters that a reader may see, newest first: those of the institutions for which they ask."""
    houses = {one.post.institution_id for one in tenures_of(acting) if Role.APPLICANT in one.post.roles}
    return Roster.objects.filter(institution__in=houses).select_related("institution").order_by("-id")


def waiting(acting: Acting) -> QuerySet[Roster]:
    """The rosters that wait for this reader: being uploaded, to be looked at, or gone back."""
    return visible(acting).filter(status__in=rules.WAITING)


def get(reference: str, acting: Acting) -> Roster:
    """The roster, if it is this reader's to see. Raises UnknownRoster."""
    found = visible(acting).filter(reference=reference).first()
    if found is None:
        raise UnknownRoster(reference)
    return found


def state(row: Roster) -> rules.Roster:
    """The roster as its events leave it."""
    return DOOR.state(row)


def possible(row: Roster, acting: Acting) -> list[Possibility]:
    """What this reader could do now with the roster."""
    return DOOR.possible(row, acting)


def history(row: Roster) -> list[RosterEvent]:
    """What happened, oldest first."""
    return list(row.events.select_related("person", "post").order_by("n"))


def limits() -> Limits:
    """How much may be uploaded today."""
    return Limits.on(clock.today())


# --- for requests -----------------------------------------------------------------------------------------------------


def usable(institution: Institution) -> list[Usable]:
    """The confirmed rosters of an institution, newest first: a request of it may name one of them."""
    rows = Roster.objects.filter(institution=institution, status=Status.CONFIRMED).order_by("-id")
    return [found for row in rows if (found := _usable(row)) is not None]


def get_usable(reference: str, institution: Institution) -> Usable | None:
    """The confirmed roster of that reference, if it is this institution's."""
    row = Roster.objects.filter(institution=institution, status=Status.CONFIRMED, reference=reference).first()
    return None if row is None else _usable(row)


def named(request: Request, asking: Asking) -> Roster | None:
    """The list that a request for matching names; None where it names none, or none of its institution's."""
    if not asking.matches:
        return None
    return Roster.objects.filter(institution=request.institution, reference=asking.answers.get("roster", "")).first()


def hold(request: Request, asking: Asking, event: Asked) -> None:
    """Has the list that a request names kept, in the transaction of the event that sends it: of who sends the request
    and who destroys the list in the same instant, one comes first. What is raised undoes that event: Overtaken, of the
    request, if the list was destroyed or written to meanwhile; Stopped if it may not be kept."""
    if not asking.matches:
        return
    row = Roster.objects.filter(institution=request.institution, reference=asking.answers["roster"]).first()
    if row is None or row.status != Status.CONFIRMED:
        raise ledger.Overtaken(event.n)
    payload = rules.keeping(_facts(row, state(row), event.at))
    outcome = DOOR.answer(row, Action.KEEP, None, payload, at=event.at)
    if isinstance(outcome, Refusal):
        raise Stopped(outcome)
    try:
        DOOR.write(row, outcome)
    except ledger.Overtaken:  # its number is one of the list's entries, not of the request's
        raise ledger.Overtaken(event.n) from None


def needed(row: Roster, at: datetime) -> dict[str, date]:
    """The requests that need a list, by the answer `roster`, and each until when (`core.rosters.needed_until`)."""
    open_ones = Request.objects.filter(institution=row.institution).exclude(status__in=TERMINAL)
    named = RequestEvent.objects.filter(subject=OuterRef("pk"), payload__payload__answers__roster=row.reference)
    most, found = Limits.on(clock.day_of(at)), {}
    for one in open_ones.filter(Exists(named)):
        asking = asked(map(Asked.from_json, ledger.payloads(RequestEvent, one)))
        if asking.answers.get("roster") != row.reference:  # it named it once
            continue
        grant = access.grant_of(one.reference)
        until = rules.needed_until(asking, access.state_of(grant) if grant else None, at, most)
        if until is not None:
            found[one.reference] = until
    return found


def kept(row: Roster, now: rules.Roster) -> Kept:
    """Until when it is kept, and why."""
    needs = needed(row, clock.now()) if now.status is Status.CONFIRMED else {}
    if needs:
        return Kept(None if now.unkept else now.until, tuple(sorted(needs)))
    at = rules.forgotten_at(now, limits())
    return Kept(clock.day_of(at) if at else None, ())


def _usable(row: Roster) -> Usable | None:
    now = state(row)
    if now.outcome is None or now.file is None:
        return None
    columns = tuple(standard for standard, _ in now.outcome.columns)
    return Usable(row.reference, now.file.name, now.outcome.rows, now.outcome.digest, columns)


# --- what the registry found ------------------------------------------------------------------------------------------


def receipt(row: Roster, now: rules.Roster) -> RosterReceipt | None:
    """What the registry said of the last reading, if a receipt came that can be believed."""
    number = order_id(row, now.sendings)
    envelope = orders.answer(number) if now.sendings else None
    return None if envelope is None else believed(row, number, envelope)


def believed(row: Roster, number: str, envelope: bytes) -> RosterReceipt | None:
    """The receipt for the order of this number, if the registry signed it about this very list."""
    try:
        told = RosterReceipt.unsealed(envelope, keys.receipt_key())
    except (BadSeal, keys.KeyMissing) as error:
        log.warning("roster.receipt_not_trusted order=%s why=%s", number, error)
        return None
    now = state(row)
    # Of an order that it could not read the registry knows no more than the id, and of one to keep or to destroy a list
    # no bytes.
    if told.order_id == number and told.refusal and (told.roster, told.sent) in (("", ""), (row.reference, "")):
        return told
    said, meant = (told.order_id, told.roster, told.sent), (number, row.reference, now.file.sealed if now.file else "")
    if recording(now, number) is Action.RECORD_KEPT:
        read = now.outcome
        same = read is not None and (told.rows, told.digest) == (read.rows, read.digest)
        return told if same and said == (number, row.reference, "") else None
    return told if said == meant else None


def recording(now: rules.Roster, number: str) -> Action:
    """How the receipt for the order of this number is recorded."""
    return rules.recording(now, int(number.rpartition("-")[2]))


def choosable(told: RosterReceipt) -> list[str]:
    """The headings that can be chosen for a column: what is left of a number is the name of none."""
    return [one.name for one in told.headings if any(letter.isalnum() for letter in one.name)]


# --- acts -------------------------------------------------------------------------------------------------------------


def begin(acting: Acting) -> Roster | Refusal:
    """Opens a roster of the institution for which they ask."""
    tenure = next((one for one in tenures_of(acting) if Role.APPLICANT in one.post.roles), None)
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "OPEN"}), "OPEN", person_of(acting))
    house, now = tenure.post.institution, clock.now()

    def new() -> Roster:
        reference = _next_reference(now)
        return Roster.objects.create(
            reference=reference, institution=house, opened_by=tenure.person, opened_at=now, status="", changed_at=now
        )

    return DOOR.open(new, Action.OPEN, tenure, {"institution": house.code})


def handle(
    reference: str,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any] | None = None,
    seen: int | None = None,
) -> Event | Refusal:
    """Does `action`, or says why not; see `requests.handle`. Raises UnknownRoster."""
    row = Roster.objects.select_related("institution").filter(reference=reference).first()
    if row is None:
        raise UnknownRoster(reference)
    return DOOR.handle(row, action, acting, payload, seen)


# --- by itself --------------------------------------------------------------------------------------------------------


def tidy(now: datetime | None = None) -> int:
    """Has kept what a request needs, and destroys what nobody sent or uses. Returns how many events were written."""
    at = now or clock.now()
    # A younger one is not forgotten; of these the rules tell which are (`core.rosters.forgotten_at`).
    old = Q(status__in=rules.WAITING, opened_at__lte=at - timedelta(days=limits().days))
    return DOOR.tidy(Roster.objects.filter(old | Q(status=Status.CONFIRMED)).select_related("institution"), at)


# --- the door ---------------------------------------------------------------------------------------------------------


def _actors(tenures: list[Tenure], row: Roster, at: datetime) -> list[tuple[Actor, Tenure]]:
    return [(actor(tenure, Role.APPLICANT), tenure) for tenure in tenures if Role.APPLICANT in tenure.post.roles]


def _facts(
    row: Roster, state: rules.Roster, at: datetime, *, tenure: Tenure | None = None, action: Any = None, **_: Any
) -> RosterFacts:
    today = clock.day_of(at)
    house = tenure.post.institution if tenure else row.institution
    standing = Roster.objects.exclude(pk=row.pk).exclude(status=Status.DESTROYED).filter(institution=house)
    told = receipt(row, state) if action is Action.CHOOSE else None
    return RosterFacts(
        now=at,
        today=today,
        limits=Limits.on(today),
        standing=standing.count(),
        unfinished=row.uploads.exclude(number__in=list(state.files)).count(),
        headings=choosable(told) if told else (),
        needed=needed(row, at) if state.status is Status.CONFIRMED else {},  # before, no request can name it
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _last_look(row: Roster, state: rules.Roster, event: Event) -> Refusal | None:
    """Whether what was uploaded still lies in the store, before it is to be read."""
    reads = event.action in (Action.SEND, Action.CHOOSE)
    return Refusal("upload-was-lost") if reads and not uploads.lie_there(row, state.files) else None


def _follows(row: Roster, state: rules.Roster, event: Event, entry: RosterEvent) -> None:
    row.n, row.status, row.changed_at = state.n, event.status_after.value, event.at
    row.save(update_fields=("n", "status", "changed_at"))
    match event.action:
        case Action.SEND | Action.CHOOSE:
            _have_read(row, state, event)
        case Action.CONFIRM:
            transaction.on_commit(lambda: uploads.clear(row))
        case Action.KEEP:
            _have_kept(row, state, event)
        case Action.DESTROY | Action.FORGET:
            if event.status_before is Status.SENT:
                _have_stopped(row, state, event)
            _have_destroyed(row, state, event)
            transaction.on_commit(lambda: uploads.clear(row))


def _have_read(row: Roster, state: rules.Roster, event: Event) -> None:
    """Signs the order to read it and puts that into the mailbox, in the transaction of the event."""
    (file,) = uploads.sent(row, state.files)
    order = RosterOrder(
        order_id=order_id(row, state.sendings),
        roster=row.reference,
        institution=state.institution,
        place=row.place,
        file=file,
        columns=state.chosen,
        policy=policy.version(),
        placed_at=event.at,
    )
    _place(row, order)


def _have_stopped(row: Roster, state: rules.Roster, event: Event) -> None:
    """Tells the registry that the reading is not wanted any more, if it is not done yet."""
    reading = order_id(row, state.sendings)
    if not orders.is_answered(reading):
        orders.call_off(reading, event.at)


def _have_kept(row: Roster, state: rules.Roster, event: Event) -> None:
    """Orders the registry not to destroy by itself what it keeps. Raises RuntimeError, which undoes the event, where
    it is not known what that is."""
    if state.outcome is None or state.until is None:
        raise RuntimeError("a roster to be kept that was not read")
    number = order_id(row, state.sendings + state.keepings)
    digest, until = state.outcome.digest, state.until
    _place(row, RosterKeeping(number, row.reference, state.institution, digest, until, event.at))


def _have_destroyed(row: Roster, state: rules.Roster, event: Event) -> None:
    """Orders the registry to destroy what it keeps, where it ever got to see it."""
    if state.sendings:
        number = order_id(row, state.sendings + state.keepings + 1)
        _place(row, RosterDestruction(number, row.reference, state.institution, event.at))


def _place(row: Roster, order: RosterOrder | RosterKeeping | RosterDestruction) -> None:
    PlacedRoster.objects.create(roster=row, order_id=order.order_id, placed_at=order.placed_at)
    orders.post(order.order_id, order.sealed(keys.order_signer()))


def _due(row: Roster, state: rules.Roster, at: datetime) -> Command | None:
    return rules.due(state, _facts(row, state, at))


def about(row: Roster) -> str:
    return f"daftar/{row.pk}"


def order_id(row: Roster, number: int) -> str:
    """The order of that number about a roster: each reading, each time that it is to be kept, its destruction."""
    return f"{row.reference}-{number}"


def _next_reference(at: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('control_roster_number')")
        (number,) = cursor.fetchone()
    return f"DFT-{clock.day_of(at).year}-{number:06d}"


DOOR: Door[Roster, rules.Roster, Event] = Door(
    rules=rules,
    entries=RosterEvent,
    name=lambda row: row.reference,
    denied=lambda row: {"subject": about(row)},
    actors=_actors,
    facts=_facts,
    follows=_follows,
    due=_due,
    last_look=_last_look,
)
