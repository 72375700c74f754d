"""The readiness review of an institution: the counter for it, and the certificate as it stands at a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from bagipakai.control import clock, institutions, ledger, rulebook
from bagipakai.control.acting import Acting, actor, known_of, person_of, tenures_of
from bagipakai.control.door import Door, Possibility, told_of
from bagipakai.control.models import Document, Institution, PendingDecision, ReadinessEvent, ReadinessReview, Tenure
from bagipakai.control.passkeys import matters
from bagipakai.control.passkeys.signing import Signature
from bagipakai.core import readiness as rules
from bagipakai.core.event import SYSTEM, Actor, Role
from bagipakai.core.facts import Standing
from bagipakai.core.readiness import Action, Command, Event, Instrument, ReadinessFacts, Review, Status
from bagipakai.core.refusal import Refusal

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
    house = tenure.post.institution

    def new() -> ReadinessReview:
        return ReadinessReview.objects.create(
            institution=house, opened_by=tenure.person, opened_at=now, status="", changed_at=now
        )

    scope = {"levels": list(levels), "channels": list(channels), "sites": list(sites)}
    return DOOR.open(new, Action.OPEN, tenure, {"institution": house.code, **scope})


def begin_again(review_id: int, acting: Acting) -> ReadinessReview | Refusal:
    """Opens a review for the scope of an earlier one, with every answer and its evidence that the reviewer did not find
    short: what was found short is answered anew, and the head declares it all again. Raises UnknownReview."""
    before = DOOR.state(get(review_id, acting))
    with transaction.atomic():
        row = begin(acting, sorted(before.levels), sorted(before.channels), sorted(before.sites))
        if isinstance(row, Refusal):
            return row
        for code in instrument(DOOR.state(row)):
            if code not in before.answers or before.verdicts.get(code, ("",))[0] in SHORT:
                continue
            answer, note = before.answers[code]
            handle(row.pk, Action.ANSWER, acting, {"item": code, "answer": answer, "note": note}, _row(row.pk).n)
            for one in before.evidence.get(code, ()):
                shown = {"item": code, "sha256": one.sha256, "bytes": one.bytes, "name": one.name, "media": one.media}
                handle(row.pk, Action.ATTACH, acting, shown, _row(row.pk).n)
    return row


def handle(
    review_id: int,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any] | None = None,
    seen: int = 0,
    signature: Signature | None = None,
) -> Event | Refusal:
    """Does `action` on a review, or says why not; see `requests.handle`. Raises UnknownReview."""
    return DOOR.handle(_row(review_id), action, acting, payload, seen, signature)


def draw_up(
    review_id: int, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int = 0, lang: str = "id"
) -> PendingDecision | Refusal:
    """What `action` would be as a decision; see `requests.draw_up`. Raises UnknownReview."""
    return DOOR.draw_up(_row(review_id), action, acting, payload, seen=seen, lang=lang)


def attach(review_id: int, acting: Acting, item: str, file: BinaryIO, name: str, *, seen: int) -> Event | Refusal:
    """Takes in a file as evidence for one item, or refuses it with nothing kept. Raises UnknownReview."""

    def says(document: Document) -> dict[str, Any]:
        return {"item": item, **told_of(document)}

    return DOOR.hand_in(_row(review_id), Action.ATTACH, acting, file, name=name, says=says, seen=seen)


def state(review_id: int) -> Review:
    """The review as its events leave it. Raises UnknownReview."""
    return DOOR.state(_row(review_id))


def instrument(review: Review) -> Mapping[str, rules.Item]:
    """The questions of the instrument that the review was opened under and that count for its levels."""
    day = review.opened_on or clock.today()
    return {code: item for code, item in Instrument.on(day).items.items() if item.levels & review.levels}


def possible(review_id: int, acting: Acting) -> list[Possibility]:
    """What this reader could do now with the review. Raises UnknownReview."""
    return DOOR.possible(_row(review_id), acting)


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
    reviews = [DOOR.state(row) for row in ReadinessReview.objects.filter(institution=institution).order_by("-id")]
    certified = next((review for review in reviews if review.certificate is not None), None)
    chosen = certified or next(iter(reviews), None)
    return Standing() if chosen is None else chosen.standing(today)


def tidy(now: datetime | None = None) -> int:
    """Writes down which certificates have ended. Nothing depends on it. Returns how many events were written."""
    return DOOR.tidy(ReadinessReview.objects.filter(status__in=list(_ENDING)), now)


def _actors(tenures: list[Tenure], row: ReadinessReview, at: datetime) -> list[tuple[Actor, Tenure]]:
    found = []
    for tenure in tenures:
        for name in tenure.post.roles:
            role = Role(name)
            own = tenure.post.institution_id == row.institution_id
            if (role in ASSESSING and own) or (
                role is Role.READINESS_REVIEWER and institutions.served_by(tenure.post.institution, at)
            ):
                found.append((actor(tenure, role), tenure))
    return found


def _facts(
    row: ReadinessReview, review: Review, at: datetime, *, tenure: Tenure | None = None, **_: Any
) -> ReadinessFacts:
    today = clock.day_of(at)
    return ReadinessFacts(
        now=at,
        today=today,
        instrument=Instrument.on(review.opened_on or today),
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _follows(row: ReadinessReview, review: Review, event: Event, entry: ReadinessEvent) -> None:
    row.n, row.status, row.changed_at = review.n, event.status_after.value, event.at
    row.valid_until = review.certificate.valid_until if review.certificate else None
    row.save(update_fields=("n", "status", "changed_at", "valid_until"))


def _due(row: ReadinessReview, review: Review, at: datetime) -> Command | None:
    return Command(Action.EXPIRE, SYSTEM, {}, review.n) if review.status in _ENDING else None


_ENDING = frozenset({Status.READY, Status.READY_WITH_CONDITIONS, Status.SUSPENDED})  # with the certificate's last day

DOOR: Door[ReadinessReview, Review, Event] = Door(
    rules=rules,
    entries=ReadinessEvent,
    name=lambda row: str(row.pk),
    denied=lambda row: {"subject": f"kesiapan/{row.pk}"},
    actors=_actors,
    facts=_facts,
    follows=_follows,
    due=_due,
    kind=matters.READINESS,
    matter=matters.of_review,
)


def _row(review_id: int) -> ReadinessReview:
    try:
        return ReadinessReview.objects.select_related("institution").get(pk=review_id)
    except ReadinessReview.DoesNotExist:
        raise UnknownReview(review_id) from None
