"""The counter for providers of sources: submissions, who may do what with them, and the order to take them in. Their
files come by `control.inflows`; what came of them the registry's receipts say (`control.intake_receipts`)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from bagipakai.control import clock, keybook, keys, ledger, orders, rulebook, uploads
from bagipakai.control.acting import Acting, actor, known_of, person_of, tenures_of
from bagipakai.control.door import Door, Possibility
from bagipakai.control.models import (
    Institution,
    PendingDecision,
    PlacedIntake,
    Submission,
    SubmissionEvent,
    Tenure,
)
from bagipakai.control.passkeys import matters
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.trail import leaving
from bagipakai.core import policy
from bagipakai.core import submissions as rules
from bagipakai.core.event import SYSTEM, Actor, Role
from bagipakai.core.intake import SubmissionOrder
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract, Sources
from bagipakai.core.submissions import Action, Command, Event, Limits, Status, SubmissionFacts

UNDER_WAY = (Status.DRAFT, Status.SUBMITTED)
REPLACED = (Status.CHECKED, Status.RETURNED_WHOLE)  # by a later version
_LATER = Submission.objects.filter(source=OuterRef("source"), version__gt=OuterRef("version"))
_BEGUN_ANEW = Exists(_LATER.exclude(status=Status.WITHDRAWN))


class UnknownSubmission(LookupError):
    """There is no such submission, or it is not this reader's to see: the answer is the same."""


# --- sources ----------------------------------------------------------------------------------------------------------


def provided_by(institution: str, day: date) -> dict[str, Contract]:
    """The contracts in force on `day` for what the institution with this code provides (policies/parties.toml)."""
    provider = policy.rules("parties", "provider", ("source",)).in_force(day)
    return {
        source: contract
        for source, contract in Sources.on(day).items()
        if (source,) in provider and provider[(source,)]["institution"] == institution
    }


def contract(submission: rules.Submission) -> Contract | None:
    """The contract by which it is checked; None where that is no longer the one it was begun under."""
    day = clock.day_of(submission.sent_at or clock.now())
    found = Sources.on(day).get(submission.source)
    return found if found is not None and _named(found) == submission.contract else None


def _named(contract: Contract) -> str:
    return f"{contract.version}@{contract.digest}"


# --- finding and reading ----------------------------------------------------------------------------------------------


def visible(acting: Acting) -> QuerySet[Submission]:
    """The submissions that a reader may see: those of the institution whose sources they provide; for an auditor, every
    one that was sent."""
    mine: set[int] = set()
    everything = False
    for tenure in tenures_of(acting):
        if Role.SOURCE_PROVIDER in tenure.post.roles:
            mine.add(tenure.post.institution_id)
        everything = everything or Role.AUDITOR in tenure.post.roles
    found = Submission.objects.select_related("institution").order_by("-id")
    sent = found.filter(order__isnull=False)
    return (found.filter(institution__in=mine) | sent) if everything else found.filter(institution__in=mine)


def waiting(acting: Acting) -> QuerySet[Submission]:
    """The submissions that wait for this provider: being uploaded, or gone back whole and not begun anew."""
    return _theirs(acting).filter(Q(status=Status.DRAFT) | (Q(status=Status.RETURNED_WHOLE) & ~_BEGUN_ANEW))


def came_back(acting: Acting) -> list[tuple[Submission, int]]:
    """The submissions of this provider of which some rows came back, with how many, until they are begun anew."""
    checked = [(row, state(row).outcome) for row in _theirs(acting).filter(~_BEGUN_ANEW, status=Status.CHECKED)]
    return [(row, told.returned) for row, told in checked if told and told.returned]


def _theirs(acting: Acting) -> QuerySet[Submission]:
    houses = [one.post.institution_id for one in tenures_of(acting) if Role.SOURCE_PROVIDER in one.post.roles]
    return visible(acting).filter(institution__in=houses)


def get(submission: int, acting: Acting) -> Submission:
    """The submission, if it is this reader's to see. Raises UnknownSubmission."""
    found = visible(acting).filter(pk=submission).first()
    if found is None:
        raise UnknownSubmission(submission)
    return found


def state(row: Submission) -> rules.Submission:
    """The submission as its events leave it."""
    return DOOR.state(row)


def possible(row: Submission, acting: Acting) -> list[Possibility]:
    """What this reader could do now with the submission."""
    return DOOR.possible(row, acting)


def history(row: Submission) -> list[SubmissionEvent]:
    """What happened, oldest first."""
    return list(row.events.select_related("person", "post").order_by("n"))


def limits() -> Limits:
    """How much may be handed in today."""
    return Limits.on(clock.today())


# --- acts -------------------------------------------------------------------------------------------------------------


def begin(acting: Acting, source: str) -> Submission | Refusal:
    """Opens the next version of a source that the sender's institution provides."""
    tenure = next((one for one in tenures_of(acting) if Role.SOURCE_PROVIDER in one.post.roles), None)
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "OPEN"}), "OPEN", person_of(acting))
    house, now = tenure.post.institution, clock.now()
    agreed = provided_by(house.code, clock.day_of(now)).get(source)
    if agreed is None:
        return ledger.deny(Refusal("source-is-not-theirs"), "OPEN", person_of(acting))
    last = Submission.objects.filter(source=source).aggregate(last=Max("version"))["last"] or 0

    def new() -> Submission:
        return Submission.objects.create(
            institution=house,
            source=source,
            version=last + 1,
            opened_by=tenure.person,
            opened_at=now,
            status="",
            changed_at=now,
        )

    told = {"institution": house.code, "source": source, "version": last + 1, "contract": _named(agreed)}
    try:
        return DOOR.open(new, Action.OPEN, tenure, told)
    except IntegrityError:  # somebody opened this version at the same moment
        return ledger.deny(Refusal("another-version-is-under-way"), "OPEN", tenure.person)


def draw_up(
    submission: int, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int = 0, lang: str = "id"
) -> PendingDecision | Refusal:
    """What `action` would be as a decision; see `requests.draw_up`. Raises UnknownSubmission."""
    return DOOR.draw_up(_row(submission), action, acting, payload, seen=seen, lang=lang)


def handle(
    submission: int,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any] | None = None,
    seen: int | None = None,
    signature: Signature | None = None,
) -> Event | Refusal:
    """Does `action`, or says why not; see `requests.handle`. Raises UnknownSubmission."""
    return DOOR.handle(_row(submission), action, acting, payload, seen, signature)


# --- by itself --------------------------------------------------------------------------------------------------------


def tidy(now: datetime | None = None) -> int:
    """Forgets uploads that nobody sent. Returns how many events were written."""
    return DOOR.tidy(Submission.objects.filter(status=Status.DRAFT).select_related("institution"), now)


# --- the door ---------------------------------------------------------------------------------------------------------


def _actors(tenures: list[Tenure], row: Submission, at: datetime) -> list[tuple[Actor, Tenure]]:
    return [
        (actor(tenure, Role.SOURCE_PROVIDER), tenure) for tenure in tenures if Role.SOURCE_PROVIDER in tenure.post.roles
    ]


def _facts(
    row: Submission, state: rules.Submission, at: datetime, *, tenure: Tenure | None = None, **_: Any
) -> SubmissionFacts:
    today = clock.day_of(at)
    house: Institution = tenure.post.institution if tenure else row.institution
    others = Submission.objects.exclude(pk=row.pk)
    key = keybook.key_at(row.institution, at)
    told = state.outcome
    return SubmissionFacts(
        now=at,
        today=today,
        limits=Limits.on(today),
        contracts={source: _named(one) for source, one in provided_by(house.code, today).items()},
        under_way=others.filter(institution=row.institution, status=Status.DRAFT).count(),
        occupied=others.filter(source=row.source, status__in=UNDER_WAY).exists(),
        unfinished=row.uploads.exclude(number__in=list(state.files)).count(),
        key=key if isinstance(key, Refusal) else None,
        leaving=leaving.in_the_way(told.package, told.receipt, at)
        if told and told.package
        else Refusal("nothing-came-back"),
        checked=others.filter(source=row.source, status=Status.CHECKED).aggregate(last=Max("version"))["last"] or 0,
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _last_look(row: Submission, state: rules.Submission, event: Event) -> Refusal | None:
    """Whether what was uploaded still lies in the store, before it is sent; and whether the registry answered already,
    before it is cancelled. Until the end of the transaction it does not."""
    if event.action is Action.CANCEL and orders.is_answered(order_id(row)):
        return Refusal("submission-was-taken-in")
    if event.action is not Action.SUBMIT:
        return None
    return None if uploads.lie_there(row, state.files) else Refusal("upload-was-lost")


def _follows(row: Submission, state: rules.Submission, event: Event, entry: SubmissionEvent) -> None:
    row.n, row.status, row.changed_at = state.n, event.status_after.value, event.at
    row.save(update_fields=("n", "status", "changed_at"))
    match event.action:
        case Action.SUBMIT:
            _place(row, state, event)
        case Action.CANCEL:
            orders.call_off(order_id(row), event.at)
        case Action.WITHDRAW | Action.FORGET:
            transaction.on_commit(lambda: uploads.clear(row))
        case Action.RECORD_RECEIPT:
            if event.payload["package"]:
                leaving.sealed(event.payload["package"], event.payload["receipt"])
            if event.status_after is Status.CHECKED:
                earlier = Submission.objects.filter(source=row.source, version__lt=row.version, status__in=REPLACED)
                DOOR.tidy(earlier.select_related("institution"), event.at)


def _place(row: Submission, state: rules.Submission, event: Event) -> None:
    """Signs the order and puts it into the mailbox, in the transaction of the event that sends. Raises RuntimeError,
    which undoes that event, where nothing could come back."""
    key = keybook.key_at(row.institution, event.at)
    if isinstance(key, Refusal):
        raise RuntimeError("a submission to which nothing could come back")
    order = SubmissionOrder(
        order_id=order_id(row),
        source=state.source,
        version=state.version,
        contract=state.contract,
        institution=state.institution,
        recipient=key.recipient,
        place=row.place,
        files=uploads.sent(row, state.files),
        policy=policy.version(),
        placed_at=event.at,
    )
    PlacedIntake.objects.create(submission=row, order_id=order.order_id, placed_at=event.at)
    orders.post(order.order_id, order.sealed(keys.order_signer()))


def _due(row: Submission, state: rules.Submission, at: datetime) -> Command | None:
    if state.status is Status.DRAFT:
        return Command(Action.FORGET, SYSTEM, {}, state.n)
    if state.status in REPLACED:
        later = Submission.objects.filter(source=row.source, version__gt=row.version, status=Status.CHECKED)
        by = later.aggregate(last=Max("version"))["last"]
        return Command(Action.SUPERSEDE, SYSTEM, {"by": by}, state.n) if by else None
    return None


def about(row: Submission) -> str:
    return f"kiriman/{row.pk}"


def order_id(row: Submission) -> str:
    return f"KRM-{row.source}-{row.version}"


def _row(submission: int) -> Submission:
    try:
        return Submission.objects.select_related("institution").get(pk=submission)
    except Submission.DoesNotExist:
        raise UnknownSubmission(submission) from None


DOOR: Door[Submission, rules.Submission, Event] = Door(
    rules=rules,
    entries=SubmissionEvent,
    name=lambda row: str(row.pk),
    denied=lambda row: {"subject": about(row)},
    actors=_actors,
    facts=_facts,
    follows=_follows,
    due=_due,
    kind=matters.SUBMISSION,
    matter=matters.of_submission,
    last_look=_last_look,
)
