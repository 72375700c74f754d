"""The readiness review of an institution: the counter for it, and the certificate as it stands at a moment."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from bagipakai.control import clock, documents, institutions, ledger, people, rulebook
from bagipakai.control.acting import Acting, actor, in_the_way, mandate, person_of, tenures_of
from bagipakai.control.models import Institution, ReadinessEvent, ReadinessReview, Tenure
from bagipakai.core import readiness as rules
from bagipakai.core.facts import Standing
from bagipakai.core.readiness import Action, Command, Event, Instrument, ReadinessFacts, Review
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Actor, Role

log = logging.getLogger("bagipakai.control.readiness")

SHORT = ("PARTLY", "NOT_MET")  # verdicts after which an item is answered anew
ASSESSING = frozenset({Role.APPLICANT, Role.ACCOUNTABLE_OFFICER})


class UnknownReview(LookupError):
    """There is no such review, or it is not this reader's to see: the answer is the same."""


def begin(
    acting: Acting, levels: Sequence[str], channels: Sequence[str] = ("PORTAL",), sites: Sequence[str] = ("utama",)
) -> ReadinessReview | Refusal:
    """Opens a review of the applicant's institution for these levels, channels and sites (names of places)."""
    now = clock.now()
    tenure = next((one for one in tenures_of(acting) if Role.APPLICANT in one.post.roles), None)
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "OPEN"}), "OPEN", person_of(acting))
    with transaction.atomic():
        row = ReadinessReview.objects.create(
            institution=tenure.post.institution, opened_by=tenure.person, opened_at=now, status="", changed_at=now
        )
        payload = {
            "institution": tenure.post.institution.code,
            "levels": list(levels),
            "channels": list(channels),
            "sites": list(sites),
        }
        outcome = _decided(row, Action.OPEN, tenure, payload, 0)
        if isinstance(outcome, Event):
            _write(row, outcome)
        else:
            transaction.set_rollback(True)
    return ledger.deny(outcome, "OPEN", tenure.person) if isinstance(outcome, Refusal) else row


def begin_again(review_id: int, acting: Acting) -> ReadinessReview | Refusal:
    """Opens a review for the scope of an earlier one, with every answer and its evidence that the reviewer did not find
    short: what was found short is answered anew, and the head declares it all again. Raises UnknownReview."""
    before = _folded(get(review_id, acting))
    with transaction.atomic():
        row = begin(acting, sorted(before.levels), sorted(before.channels), sorted(before.sites))
        if isinstance(row, Refusal):
            return row
        for code in instrument(_folded(row)):
            if code not in before.answers or before.verdicts.get(code, ("",))[0] in SHORT:
                continue
            answer, note = before.answers[code]
            handle(row.pk, Action.ANSWER, acting, {"item": code, "answer": answer, "note": note}, _row(row.pk).n)
            for one in before.evidence.get(code, ()):
                shown = {"item": code, "sha256": one.sha256, "bytes": one.bytes, "name": one.name, "media": one.media}
                handle(row.pk, Action.ATTACH, acting, shown, _row(row.pk).n)
    return row


def handle(
    review_id: int, action: Action, acting: Acting, payload: Mapping[str, Any] | None = None, seen: int = 0
) -> Event | Refusal:
    """Does `action` on a review, or says why not; see `requests.handle`. Raises UnknownReview."""
    row = _row(review_id)
    try:
        with transaction.atomic():
            outcome = _decided(row, action, acting, dict(payload or {}), seen)
            if isinstance(outcome, Event):
                _write(row, outcome)
    except ledger.Overtaken:
        outcome = Refusal("changed-meanwhile", {"seen": str(seen), "now": str(seen + 1)})
    if isinstance(outcome, Refusal):
        return ledger.deny(outcome, action.value, person_of(acting), subject=f"readiness {review_id}")
    log.info("readiness.event review=%d n=%d action=%s", review_id, outcome.n, action.value)
    return outcome


def attach(review_id: int, acting: Acting, item: str, file: BinaryIO, name: str, *, seen: int) -> Event | Refusal:
    """Takes in a file as evidence for one item, or refuses it with nothing kept. Raises UnknownReview."""
    row = _row(review_id)
    empty = {"item": item, "sha256": ledger.FIRST, "bytes": 0, "name": "-", "media": "-"}
    outcome = _decided(row, Action.ATTACH, acting, empty, seen)
    document = outcome if isinstance(outcome, Refusal) else documents.store(file, name, person_of(acting))
    if isinstance(document, Refusal):
        return ledger.deny(document, Action.ATTACH.value, person_of(acting), subject=f"readiness {review_id}")
    payload = {
        "item": item,
        "sha256": document.sha256,
        "bytes": document.size,
        "name": document.name,
        "media": document.media_type,
    }
    return handle(review_id, Action.ATTACH, acting, payload, seen)


def state(review_id: int) -> Review:
    """The review as its events leave it. Raises UnknownReview."""
    return _folded(_row(review_id))


def instrument(review: Review) -> Mapping[str, rules.Item]:
    """The questions of the instrument that the review was opened under and that count for its levels."""
    day = review.opened_on or clock.today()
    return {code: item for code, item in Instrument.on(day).items.items() if item.levels & review.levels}


@dataclass(frozen=True, slots=True)
class Possibility:
    """One act that a reader could do now in one of their roles, or what stands in the way of it."""

    action: Action
    role: Role
    tenure: Tenure
    refusal: Refusal | None


def possible(review_id: int, acting: Acting) -> list[Possibility]:
    """What this reader could do now with the review. Raises UnknownReview."""
    row = _row(review_id)
    review, now = _folded(row), clock.now()
    return [
        Possibility(action, one.role, tenure, refusal)
        for one, tenure in _actors(row, acting, now)
        for action, refusal in rules.possible(review, one, _facts(review, tenure, one.role, now))
    ]


def visible(acting: Acting) -> QuerySet[ReadinessReview]:
    """The reviews that a reader may see: of their own institution; every declared one, for reviewers and auditors."""
    mine: set[int] = set()
    everything = False
    for tenure in tenures_of(acting):
        roles = set(tenure.post.roles)
        if roles & ASSESSING:
            mine.add(tenure.post.institution_id)
        if Role.AUDITOR in roles or (
            Role.READINESS_REVIEWER in roles and institutions.served_by(tenure.post.institution)
        ):
            everything = True
    found = ReadinessReview.objects.select_related("institution").order_by("-id")
    declared = found.exclude(status="NOT_STARTED")
    return (found.filter(institution__in=mine) | declared) if everything else found.filter(institution__in=mine)


def get(review_id: int, acting: Acting) -> ReadinessReview:
    """The review, if it is this reader's to see. Raises UnknownReview."""
    found = visible(acting).filter(pk=review_id).first()
    if found is None:
        raise UnknownReview(review_id)
    return found


def queue(acting: Acting) -> list[ReadinessReview]:
    """The reviews that wait for this reader: declared ones for a reviewer, unfinished ones for the institution."""
    waiting: dict[int, ReadinessReview] = {}
    for tenure in tenures_of(acting):
        roles = set(tenure.post.roles)
        rows = ReadinessReview.objects.select_related("institution").order_by("id")
        if Role.READINESS_REVIEWER in roles and institutions.served_by(tenure.post.institution):
            open_ones = rows.filter(status__in=["SELF_ASSESSED", "UNDER_REVIEW"])
            waiting |= {row.pk: row for row in open_ones.exclude(institution=tenure.post.institution_id)}
        if roles & ASSESSING:
            waiting |= {
                row.pk: row for row in rows.filter(institution=tenure.post.institution_id, status="NOT_STARTED")
            }
    return list(waiting.values())


def standing(institution: Institution, at: datetime) -> Standing:
    """The certificate of an institution as it stands at a moment: the newest that was given. Where none was, how far
    the newest review has come."""
    today = clock.day_of(at)
    reviews = [_folded(row) for row in ReadinessReview.objects.filter(institution=institution).order_by("-id")]
    certified = next((review for review in reviews if review.certificate is not None), None)
    chosen = certified or next(iter(reviews), None)
    return Standing() if chosen is None else chosen.standing(today)


def tidy(now: datetime | None = None) -> int:
    """Writes down which certificates have ended. Nothing depends on it. Returns how many events were written."""
    at, written = now or clock.now(), 0
    for row in ReadinessReview.objects.filter(status__in=["READY", "READY_WITH_CONDITIONS", "SUSPENDED"]):
        review = _folded(row)
        facts = ReadinessFacts(now=at, today=clock.day_of(at))
        outcome = rules.decide(review, Command(Action.EXPIRE, SYSTEM, {}, review.n), facts)
        if isinstance(outcome, Event):
            try:
                with transaction.atomic():
                    _write(row, outcome)
            except ledger.Overtaken:
                continue
            written += 1
    return written


def _decided(
    row: ReadinessReview, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int
) -> Event | Refusal:
    review, now = _folded(row), clock.now()
    mine = [
        (one, tenure)
        for one, tenure in _actors(row, acting, now)
        if any(role is one.role and what is action for _, role, what in rules.TABLE)
    ]
    mine.sort(key=lambda pair: (review.status, pair[0].role, action) not in rules.TABLE)
    refusals = []
    for one, tenure in mine:
        outcome = rules.decide(review, Command(action, one, payload, seen), _facts(review, tenure, one.role, now))
        if isinstance(outcome, Event):
            return outcome
        refusals.append(outcome)
    return refusals[0] if refusals else in_the_way(acting) or Refusal("not-this-role", {"action": action.value})


def _actors(row: ReadinessReview, acting: Acting, now: datetime) -> list[tuple[Actor, Tenure]]:
    found = []
    for tenure in tenures_of(acting):
        for name in tenure.post.roles:
            role = Role(name)
            own = tenure.post.institution_id == row.institution_id
            if (role in ASSESSING and own) or (
                role is Role.READINESS_REVIEWER and institutions.served_by(tenure.post.institution, now)
            ):
                found.append((actor(tenure, role), tenure))
    return found


def _facts(review: Review, tenure: Tenure, role: Role, now: datetime) -> ReadinessFacts:
    today = clock.day_of(now)
    return ReadinessFacts(
        now=now,
        today=today,
        instrument=Instrument.on(review.opened_on or today),
        account=tenure.person.state,
        mandate=mandate(tenure),
        competences=people.competences(tenure.person, today),
        competences_needed=rulebook.competences_needed(role, today),
    )


def _write(row: ReadinessReview, event: Event) -> None:
    ledger.append(ReadinessEvent, row, event)
    review = _folded(row)
    row.n, row.status, row.changed_at = review.n, event.status_after.value, event.at
    row.valid_until = review.certificate.valid_until if review.certificate else None
    row.save()


def _folded(row: ReadinessReview) -> Review:
    return rules.fold([Event.from_json(one) for one in ledger.payloads(ReadinessEvent, row)], str(row.pk))


def _row(review_id: int) -> ReadinessReview:
    try:
        return ReadinessReview.objects.select_related("institution").get(pk=review_id)
    except ReadinessReview.DoesNotExist:
        raise UnknownReview(review_id) from None
