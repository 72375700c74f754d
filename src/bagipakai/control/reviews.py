"""The counter for clerical review: which lists have pairs that wait, who claims a sheet of them, what they said.

No value of a pair comes here. A sheet arrives sealed to the key of the clerk's browser and is handed on as it is; what
goes back to the registry are numbers and verdicts. Both travel as signed orders and receipts (core.review_orders).
"""

import hashlib
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import QuerySet

from bagipakai.control import clock, institutions, keys, ledger, orders, people, rulebook
from bagipakai.control.acting import Acting, actor, known_of, person_of, tenures_of
from bagipakai.control.door import Door
from bagipakai.control.models import Request, Review, Sheet, SheetEvent, Tenure
from bagipakai.control.trail import leaves, stops
from bagipakai.core import reviews as rules
from bagipakai.core.envelope import BadSeal
from bagipakai.core.event import SYSTEM, Actor, Role
from bagipakai.core.refusal import Refusal
from bagipakai.core.review_orders import Label, LabelOrder, Opening, ReviewOrder, ReviewReceipt, SheetOrder
from bagipakai.core.reviews import Action, Command, Event, Judged, Limits, SheetFacts, Status, Turn, Verdict

log = logging.getLogger("bagipakai.control.reviews")

TRIES = 3  # to claim, where others claim at the same moment
NEWEST = 30
NOT_TRUSTED = "receipt-not-trusted"


class UnknownSheet(LookupError):
    """There is no such sheet, or it is not this reader's: the answer is the same."""


# --- lists ------------------------------------------------------------------------------------------------------------


def open_for(request: Request, order_id: str) -> Review:
    """Opens the review of an order for matching that was delivered, and asks the registry how many pairs stand
    prepared; once, in the caller's transaction."""
    now = clock.now()
    row, new = Review.objects.get_or_create(
        order_id=order_id,
        defaults={
            "institution": request.institution,
            "controller": request.controller,
            "salt": secrets.token_hex(16),
            "twice": Limits.on(clock.day_of(now)).twice,
            "opened_at": now,
        },
    )
    if new:
        _place(Opening(opening_id(row), order_id, now.replace(microsecond=0)))
    return row


@dataclass(frozen=True, slots=True)
class Progress:
    """Of the pairs of an order, how many are settled; `waiting` (people may still say something of it)."""

    pairs: int
    settled: int
    waiting: bool


def progress(order_id: str) -> Progress | None:
    """How far the review of an order is; None where nothing of it is reviewed."""
    row = Review.objects.filter(order_id=order_id, pairs__gt=0).first()
    if row is None or row.pairs is None:
        return None
    said: dict[int, dict[int, Verdict]] = {}
    for one in _judged(row):
        if one.verdict is not None:
            said.setdefault(one.turn.pair, {})[one.turn.round] = one.verdict
    settled = sum(
        rules.settled([told[at] for at in sorted(told)], rules.is_judged_twice(row.salt, pair, row.twice)) is not None
        for pair, told in said.items()
    )
    return Progress(row.pairs, settled, row.finished_at is None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A list of which so many pairs wait for this clerk."""

    review: Review
    pairs: int


def queue(acting: Acting) -> list[Waiting]:
    """The lists of which pairs wait for this clerk, oldest first; none for who is no clerk."""
    clerk = _clerk(acting)
    if clerk is None:
        return []
    now = clock.now()
    served = institutions.served_by(clerk.post.institution, now)
    open_ones = _open(now).filter(controller__in=served).exclude(institution__code__in=_houses(clerk, now))
    found = (Waiting(one, len(_free(one, str(clerk.person_id)))) for one in open_ones.order_by("opened_at", "pk"))
    return [one for one in found if one.pairs]


def _open(now: datetime) -> QuerySet[Review]:
    """Of which somebody is still to say something, and the pairs still stand."""
    since = now - timedelta(days=Limits.on(clock.day_of(now)).days)
    return Review.objects.filter(pairs__gt=0, finished_at=None, opened_at__gte=since)


def holding(acting: Acting) -> Sheet | None:
    """The sheet that this clerk holds now."""
    rows = Sheet.objects.filter(person=person_of(acting), status=Status.CLAIMED).select_related("review")
    return next((row for row in rows.order_by("pk") if until(row) > clock.now()), None)


def mine(acting: Acting) -> list[Sheet]:
    """The newest sheets of this clerk."""
    return list(Sheet.objects.filter(person=person_of(acting)).select_related("review").order_by("-pk")[:NEWEST])


def judged_by(acting: Acting) -> int:
    """How many pairs this clerk gave a verdict on."""
    done = Sheet.objects.filter(person=person_of(acting), status__in=(Status.ANSWERED, Status.KEPT))
    return sum(len(verdicts) for verdicts in done.values_list("verdicts", flat=True))


def until(row: Sheet) -> datetime:
    """Until when a sheet is its clerk's."""
    return rules.until(row.claimed_at, Limits.on(clock.today()))


# --- acts -------------------------------------------------------------------------------------------------------------


def claim(review: int, acting: Acting) -> Sheet | Refusal:
    """A sheet of this list for this clerk: pairs that wait for them, or why there is none."""
    tenure = _clerk(acting)
    row = Review.objects.select_related("institution", "controller").filter(pk=review).first()
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "CLAIM"}), "CLAIM", person_of(acting))
    if row is None or row.pairs is None:
        return ledger.deny(Refusal("review-unknown"), "CLAIM", person_of(acting))
    tidy()
    outcome: Sheet | Refusal = Refusal("pairs-are-taken")
    for _ in range(TRIES):  # somebody may have claimed the same ones at the same moment
        try:
            outcome = _claim(row, tenure)
        except IntegrityError:
            continue
        if not isinstance(outcome, Refusal) or outcome.code != "pairs-are-taken":
            break
    return outcome


def _claim(review: Review, tenure: Tenure) -> Sheet | Refusal:
    now = clock.now()
    turns = _drawn(_free(review, str(tenure.person_id)), Limits.on(clock.day_of(now)).pairs, review.salt)

    def new() -> Sheet:
        return Sheet.objects.create(
            review=review,
            number=review.sheets.count() + 1,
            person=tenure.person,
            claimed_at=now,
            turns=[[one.pair, one.round] for one in turns],
            status="",
            changed_at=now,
        )

    told = {
        "review": review.order_id,
        "institution": review.institution.code,
        "turns": [{"pair": one.pair, "round": one.round} for one in turns],
    }
    return DOOR.open(new, Action.CLAIM, tenure, told)


def _drawn(free: Sequence[Turn], most: int, salt: str) -> list[Turn]:
    """The next turns, those that settle something first; in an order that tells nothing of which they are."""
    next_ones = sorted(free, key=lambda one: (-one.round, one.pair))[:most]
    return sorted(next_ones, key=lambda one: hashlib.sha256(f"{salt}/order/{one.pair}".encode()).digest())


def get(sheet: int, acting: Acting) -> Sheet:
    """The sheet, if it is this clerk's. Raises UnknownSheet."""
    mine = Sheet.objects.filter(person=person_of(acting)).select_related("review__institution", "review__controller")
    found = mine.filter(pk=sheet).first()
    if found is None or _clerk(acting) is None:
        raise UnknownSheet(sheet)
    return found


def state(row: Sheet) -> rules.Sheet:
    """The sheet as its events leave it."""
    return DOOR.state(row)


def unlock(row: Sheet, acting: Acting, key: str) -> Event | Refusal:
    """Asks the registry for the pairs of this sheet, sealed to the public key of a browser."""
    order = f"{opening_id(row.review)}-{row.number}-{DOOR.state(row).unlocked + 1}"
    return DOOR.handle(row, Action.UNLOCK, acting, {"order": order, "key": key})


def answer(row: Sheet, acting: Acting, verdicts: Sequence[Mapping[str, Any]]) -> Event | Refusal:
    """Takes what the clerk said of every pair of the sheet (`pair`, `verdict`)."""
    return DOOR.handle(row, Action.ANSWER, acting, {"verdicts": list(verdicts)})


def give_back(row: Sheet, acting: Acting) -> Event | Refusal:
    """Its pairs wait again."""
    return DOOR.handle(row, Action.GIVE_BACK, acting)


def sealed(row: Sheet, order: str) -> ReviewReceipt | None:
    """What the registry answered to one key of this sheet's clerk: for that browser alone. None while it did not."""
    return receipt(order) if order.startswith(f"{opening_id(row.review)}-{row.number}-") else None


# --- by itself --------------------------------------------------------------------------------------------------------


def collect() -> int:
    """Reads the registry's answers about openings and labels. Returns how many came. Raises KeyMissing while the
    registry's public key is not there."""
    keys.receipt_key()
    came = 0
    for review in Review.objects.filter(pairs=None, refusal="").order_by("pk"):
        told = receipt(opening_id(review))
        if told is not None:
            review.pairs, review.refusal = (None, told.refusal) if told.refusal else (told.pairs, "")
            review.save(update_fields=["pairs", "refusal"])
            _finish(review)
            came += 1
    for row in Sheet.objects.filter(status=Status.ANSWERED).select_related("review__institution", "review__controller"):
        told = receipt(labels_id(row))
        if told is None or stops.stopped(connection):
            continue
        digest = hashlib.sha256(orders.answer(labels_id(row)) or b"").hexdigest()
        DOOR.handle(row, Action.RECORD_RECEIPT, None, {"receipt": digest, "refusal": told.refusal})
        came += 1
    return came


def tidy(now: datetime | None = None) -> int:
    """Takes back the sheets whose time is over. Returns how many."""
    claimed = Sheet.objects.filter(status=Status.CLAIMED).select_related("review__institution", "review__controller")
    return DOOR.tidy(claimed, now)


# --- the door ---------------------------------------------------------------------------------------------------------


def _clerk(acting: Acting) -> Tenure | None:
    return next((one for one in tenures_of(acting) if Role.CLERK in one.post.roles), None)


def _houses(tenure: Tenure, at: datetime) -> frozenset[str]:
    """Every institution in which this person holds a post, whichever they act in now."""
    return frozenset(one.post.institution.code for one in people.tenures(tenure.person, at))


def _judged(review: Review, beside: Sheet | None = None) -> Iterator[Judged]:
    """Every turn that somebody took, but for those of the sheet `beside`."""
    rows = review.sheets.exclude(status__in=rules.UNJUDGED)
    if beside is not None:
        rows = rows.exclude(pk=beside.pk)
    for clerk, turns, verdicts in rows.values_list("person_id", "turns", "verdicts"):
        for at, (pair, number) in enumerate(turns):
            yield Judged(Turn(pair, number), str(clerk), Verdict(verdicts[at]) if verdicts else None)


def _free(review: Review, person: str, beside: Sheet | None = None) -> list[Turn]:
    """What this person (empty: anybody) may judge now, if it were not for the sheet `beside`."""
    return list(rules.free(review.pairs or 0, review.salt, review.twice, _judged(review, beside), person))


def _actors(tenures: list[Tenure], row: Sheet, at: datetime) -> list[tuple[Actor, Tenure]]:
    return [(actor(tenure, Role.CLERK), tenure) for tenure in tenures if Role.CLERK in tenure.post.roles]


def _facts(
    row: Sheet, state: rules.Sheet, at: datetime, *, tenure: Tenure | None = None, action: Any = None, **_: Any
) -> SheetFacts:
    today = clock.day_of(at)
    held = Sheet.objects.filter(person=row.person_id, status=Status.CLAIMED).exclude(pk=row.pk)
    claiming = action is Action.CLAIM
    return SheetFacts(
        now=at,
        today=today,
        limits=Limits.on(today),
        houses=_houses(tenure, at) if tenure else None,
        serves=tenure is not None and institutions.serves(tenure.post.institution, row.review.controller, at),
        holding=held.count(),
        free=frozenset(_free(row.review, str(row.person_id), row)) if claiming else frozenset(),
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _follows(row: Sheet, state: rules.Sheet, event: Event, entry: SheetEvent) -> None:
    row.n, row.status, row.changed_at = state.n, event.status_after.value, event.at
    row.verdicts = [state.verdicts[one.pair].value for one in state.turns] if state.verdicts else []
    row.save(update_fields=("n", "status", "changed_at", "verdicts"))
    at = event.at.replace(microsecond=0)
    match event.action:
        case Action.UNLOCK:
            pairs = tuple(one.pair for one in state.turns)
            by = leaves.actor(entry.person_id, entry.post_id)
            _place(SheetOrder(event.payload["order"], state.review, pairs, event.payload["key"], by, at))
        case Action.ANSWER:
            said = tuple(_label(row.review, one, state.verdicts[one.pair]) for one in state.turns)
            _place(LabelOrder(labels_id(row), state.review, said, at))
        case Action.RECORD_RECEIPT:
            _finish(row.review)


def _label(review: Review, turn: Turn, verdict: Verdict) -> Label:
    twice = rules.is_judged_twice(review.salt, turn.pair, review.twice)
    return Label(turn.pair, turn.round, twice, verdict)


def _finish(review: Review) -> None:
    """Notes that nobody is to say anything more of a list, once that is so."""
    under_way = review.sheets.filter(status__in=(Status.CLAIMED, Status.ANSWERED)).exists()
    if review.pairs is not None and not under_way and not _free(review, ""):
        review.finished_at = clock.now()
        review.save(update_fields=["finished_at"])


def _due(row: Sheet, state: rules.Sheet, at: datetime) -> Command | None:
    return Command(Action.EXPIRE, SYSTEM, {}, state.n) if state.status is Status.CLAIMED else None


def _place(order: ReviewOrder) -> None:
    """Signs the order and puts it into the mailbox, in the transaction of what it follows from."""
    orders.post(order.order_id, order.sealed(keys.order_signer()))


def receipt(order_id: str) -> ReviewReceipt | None:
    """The registry's answer to an order of this room; None while there is none. One that it did not sign about this
    order is a refusal: what was asked is asked anew by whoever needs it."""
    envelope = orders.answer(order_id)
    if envelope is None:
        return None
    try:
        told = ReviewReceipt.unsealed(envelope, keys.receipt_key())
    except (BadSeal, keys.KeyMissing) as error:
        log.warning("review.receipt_not_trusted order=%s why=%s", order_id, error)
        return ReviewReceipt(order_id, "", refusal=NOT_TRUSTED)
    return told if told.order_id == order_id else ReviewReceipt(order_id, "", refusal=NOT_TRUSTED)


def opening_id(review: Review) -> str:
    return f"TLH-{review.pk}"


def labels_id(row: Sheet) -> str:
    return f"{opening_id(row.review)}-{row.number}-LABEL"


def about(row: Sheet) -> str:
    return f"lembar/{row.pk}"


DOOR: Door[Sheet, rules.Sheet, Event] = Door(
    rules=rules,
    entries=SheetEvent,
    name=lambda row: str(row.pk),
    denied=lambda row: {"subject": about(row)},
    actors=_actors,
    facts=_facts,
    follows=_follows,
    due=_due,
)
