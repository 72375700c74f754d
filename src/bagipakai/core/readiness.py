"""Before anything is asked: is the institution ready, for which level, channel and site, until when.

One review of one institution by the instrument in force when it was opened (policies/readiness.toml): each item has a
code, a legal reference, an answer, evidence and a verdict. Sources: seed article (reviu kesiapan before any request),
law reference 4.3, 4.4 (2, 9), 4.7; S04, S07.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Final, cast

from bagipakai.core.event import Actor, AnyCommand, AnyEvent, Role
from bagipakai.core.facts import ActorFacts, Standing
from bagipakai.core.objections.person import (
    account_is_not_active,
    belongs_to_another_institution,
    belongs_to_own_institution,
    competence_has_ended,
    drafted_it_themselves,
    mandate_has_ended,
)
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import (
    Form,
    day_of,
    each,
    is_any_text,
    is_count,
    is_digest,
    is_some_texts,
    is_text,
    misfit,
    one_of,
    some,
)
from bagipakai.core.table import Rule, Table, about_payload, first_refusal, table_of
from bagipakai.core.table import possible as possible_by


class Status(StrEnum):
    """The states of readiness (law reference 4.3)."""

    NOT_STARTED = "NOT_STARTED"
    SELF_ASSESSED = "SELF_ASSESSED"
    UNDER_REVIEW = "UNDER_REVIEW"
    READY = "READY"
    READY_WITH_CONDITIONS = "READY_WITH_CONDITIONS"
    NOT_READY = "NOT_READY"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"


CERTIFIED: Final = frozenset({Status.READY, Status.READY_WITH_CONDITIONS})


class Action(StrEnum):
    OPEN = "OPEN"
    ANSWER = "ANSWER"
    ATTACH = "ATTACH"
    DECLARE = "DECLARE"
    TAKE_UP = "TAKE_UP"
    JUDGE = "JUDGE"
    CERTIFY = "CERTIFY"
    CERTIFY_WITH_CONDITIONS = "CERTIFY_WITH_CONDITIONS"
    REFUSE = "REFUSE"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"
    EXPIRE = "EXPIRE"


ANSWERS: Final = ("YES", "PARTLY", "NO", "NOT_APPLICABLE")
VERDICTS: Final = ("MET", "PARTLY", "NOT_MET", "NOT_APPLICABLE")


@dataclass(frozen=True, slots=True)
class Item:
    """One question of the instrument. `levels`: the levels for which it counts. `evidence`: what must be shown, or
    empty. `demanded`: without it there is no certificate for those levels, not even with conditions."""

    code: str
    question: str
    english: str
    reference: str
    evidence: str
    levels: frozenset[str]
    demanded: bool
    basis: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """The questions and the longest validity of a certificate in force on one day."""

    items: Mapping[str, Item]
    longest_days: int

    @classmethod
    def on(cls, day: date) -> "Instrument":
        """Raises PolicyError or NoRule if policies/readiness.toml has none for `day`."""
        found = rules("readiness", "item", ("code",)).in_force(day)
        items = {
            code: Item(
                code,
                rule["question"],
                rule["english"],
                rule["reference"],
                rule["evidence"],
                frozenset(rule["levels"]),
                rule["demanded"],
                rule.basis,
            )
            for (code,), rule in found.items()
        }
        return cls(items, rules("readiness", "validity").on(day)["longest_days"])


class Event(AnyEvent[Status, Action]):
    """What happened to a review."""

    kind = "review"
    stages = Status
    deeds = Action


class Command(AnyCommand[Action]):
    """What someone wants to do to a review.

    Payload by action (every key is demanded): OPEN institution, levels, channels, sites (lists of text) · ANSWER item,
    answer YES/PARTLY/NO/NOT_APPLICABLE, note · ATTACH item, sha256, bytes (int), name, media · DECLARE, TAKE_UP,
    EXPIRE – · JUDGE item, verdict MET/PARTLY/NOT_MET/NOT_APPLICABLE, note · CERTIFY levels, channels, sites,
    valid_until (ISO date), reason · CERTIFY_WITH_CONDITIONS the same and conditions [{item, measure, due}] ·
    REFUSE, SUSPEND, REINSTATE reason
    """


@dataclass(frozen=True, slots=True)
class Evidence:
    item: str
    sha256: str
    bytes: int
    name: str
    media: str
    by: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was certified. `valid_until` is its last day. `digest` is of the event that made it."""

    levels: frozenset[str]
    channels: frozenset[str]
    sites: frozenset[str]
    valid_until: date
    conditions: tuple[Mapping[str, str], ...]
    digest: str


@dataclass(frozen=True)
class Review:
    """A review as its events leave it."""

    subject: str
    n: int = 0
    status: Status | None = None
    institution: str = ""
    opened_on: date | None = None  # whose day's instrument asks
    levels: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    answers: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # item → answer, note
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)  # item → verdict, note, person
    certificate: Certificate | None = None
    reason: str = ""

    def standing(self, today: date) -> Standing:
        """What the other two tables read. A certificate past its last day is EXPIRED, event or no event."""
        given = self.certificate
        if given is None or self.status is None:
            return Standing(status=self.status.value if self.status else "NOT_STARTED", reviewers=self.reviewers)
        over = self.status in CERTIFIED and today > given.valid_until
        return Standing(
            status=Status.EXPIRED.value if over else self.status.value,
            valid_until=given.valid_until,
            levels=given.levels,
            channels=given.channels,
            sites=given.sites,
            digest=given.digest,
            reviewers=self.reviewers,
        )


@dataclass(frozen=True, slots=True)
class ReadinessFacts(ActorFacts):
    """The world at one moment, for one actor and one review. Each default refuses."""

    instrument: Instrument = field(default_factory=lambda: Instrument({}, 0))


def fold(events: Iterable[Event], subject: str = "") -> Review:
    """The review that the events leave."""
    return reduce(after, events, Review(subject))


def after(review: Review, event: Event) -> Review:
    """The review after one more event."""
    changes: dict[str, Any] = {"subject": event.subject, "n": event.n, "status": event.status_after}
    payload, person = event.payload, event.actor.person
    if event.actor.role is Role.READINESS_REVIEWER:
        changes["reviewers"] = review.reviewers | {person}
    elif event.actor.role in {Role.APPLICANT, Role.ACCOUNTABLE_OFFICER}:
        changes["authors"] = review.authors | {person}
    match event.action:
        case Action.OPEN:
            changes |= {name: frozenset(payload[name]) for name in ("levels", "channels", "sites")}
            changes |= {"institution": payload["institution"], "opened_on": date.fromisoformat(payload["opened_on"])}
        case Action.ANSWER:
            changes["answers"] = {**review.answers, payload["item"]: (payload["answer"], payload["note"])}
        case Action.ATTACH:
            item = payload["item"]
            shown = Evidence(item, payload["sha256"], payload["bytes"], payload["name"], payload["media"], person)
            changes["evidence"] = {**review.evidence, item: (*review.evidence.get(item, ()), shown)}
        case Action.JUDGE:
            changes["verdicts"] = {**review.verdicts, payload["item"]: (payload["verdict"], payload["note"], person)}
        case Action.CERTIFY | Action.CERTIFY_WITH_CONDITIONS:
            changes["certificate"] = Certificate(
                frozenset(payload["levels"]),
                frozenset(payload["channels"]),
                frozenset(payload["sites"]),
                date.fromisoformat(payload["valid_until"]),
                tuple(payload.get("conditions", ())),
                event.digest,
            )
        case Action.REFUSE | Action.SUSPEND | Action.REINSTATE:
            changes["reason"] = payload["reason"]
    return replace(review, **changes)


# what stands in the way


def already_examined_it(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    """Whoever reviews an institution does not answer for it."""
    if command.actor.person in review.reviewers:
        return Refusal("already-examined-it", {"check": "READINESS_REVIEW"})
    return None


@about_payload
def item_is_unknown(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    item = command.payload["item"]
    return None if item in facts.instrument.items else Refusal("item-is-unknown", {"item": item})


def items_are_unanswered(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    missing = [code for code in _asked(review, facts) if code not in review.answers]
    if missing or not facts.instrument.items:
        return Refusal("items-are-unanswered", {"items": ", ".join(missing)})
    return None


def evidence_is_missing(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    """Who says yes, or partly, shows it."""
    missing = [
        code
        for code, item in _asked(review, facts).items()
        if item.evidence
        and review.answers.get(code, ("", ""))[0] in {"YES", "PARTLY"}
        and not review.evidence.get(code)
    ]
    return Refusal("evidence-is-missing", {"items": ", ".join(missing)}) if missing else None


@about_payload
def verdict_has_no_note(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    if command.payload["verdict"] == "MET" or command.payload["note"].strip():
        return None
    return Refusal("verdict-has-no-note", {"item": command.payload["item"]})


def items_are_unjudged(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    missing = [code for code in _asked(review, facts) if code not in review.verdicts]
    return Refusal("items-are-unjudged", {"items": ", ".join(missing)}) if missing else None


@about_payload
def requirement_is_unmet(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    """Nothing that was asked for the certified levels is short of its mark."""
    short = _judged(review, command, facts, {"PARTLY", "NOT_MET"})
    return Refusal("requirement-is-unmet", {"items": ", ".join(short)}) if short else None


@about_payload
def demand_is_unmet(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    """Conditions cannot stand in for what is demanded."""
    short = [code for code in _judged(review, command, facts, {"NOT_MET"}) if facts.instrument.items[code].demanded]
    return Refusal("demand-is-unmet", {"items": ", ".join(short)}) if short else None


@about_payload
def shortfall_has_no_plan(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    """Each shortfall has a measure and a day within the validity (the improvement plan)."""
    last = command.payload["valid_until"]
    planned = {one["item"] for one in command.payload["conditions"] if day_of(one["due"]) and one["due"] <= last}
    short = [code for code in _judged(review, command, facts, {"PARTLY", "NOT_MET"}) if code not in planned]
    return Refusal("shortfall-has-no-plan", {"items": ", ".join(short)}) if short else None


@about_payload
def scope_exceeds_what_was_declared(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    for name, declared in (("levels", review.levels), ("channels", review.channels), ("sites", review.sites)):
        if not set(command.payload[name]) <= declared:
            return Refusal("scope-exceeds-what-was-declared", {"scope": name})
    return None


@about_payload
def validity_is_not_allowed(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    last = day_of(command.payload["valid_until"])
    longest = facts.instrument.longest_days
    if last is not None and facts.today <= last <= facts.today + timedelta(days=longest):
        return None
    return Refusal("validity-is-not-allowed", {"days": str(longest)})


def validity_has_ended(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    given = review.certificate
    return None if given is not None and facts.today <= given.valid_until else Refusal("validity-has-ended")


def validity_remains(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    given = review.certificate
    return None if given is not None and facts.today > given.valid_until else Refusal("validity-remains")


def form_is_incomplete(review: Review, command: Command, facts: ReadinessFacts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action])
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


def _asked(review: Review, facts: ReadinessFacts) -> Mapping[str, Item]:
    """The items that count for at least one declared level."""
    return {code: item for code, item in facts.instrument.items.items() if item.levels & review.levels}


def _judged(review: Review, command: Command, facts: ReadinessFacts, verdicts: set[str]) -> list[str]:
    """Codes of the items with one of these verdicts that count for a level to be certified."""
    levels = set(command.payload["levels"])
    return [
        code
        for code, item in facts.instrument.items.items()
        if item.levels & levels and review.verdicts.get(code, ("NOT_MET", "", ""))[0] in verdicts
    ]


_SCOPE: Final = {"levels": is_some_texts, "channels": is_some_texts, "sites": is_some_texts}
_CERTIFICATE: Final = {**_SCOPE, "valid_until": is_text, "reason": is_text}
_CONDITIONS: Final = some(each(item=is_text, measure=is_text, due=is_text))
_SHAPES: Final[Mapping[Action, Form]] = {
    **{action: {} for action in Action},
    Action.OPEN: {"institution": is_text, **_SCOPE},
    Action.ANSWER: {"item": is_text, "answer": one_of(*ANSWERS), "note": is_any_text},
    Action.ATTACH: {"item": is_text, "sha256": is_digest, "bytes": is_count, "name": is_text, "media": is_text},
    Action.JUDGE: {"item": is_text, "verdict": one_of(*VERDICTS), "note": is_any_text},
    Action.CERTIFY: _CERTIFICATE,
    Action.CERTIFY_WITH_CONDITIONS: {**_CERTIFICATE, "conditions": _CONDITIONS},
    Action.REFUSE: {"reason": is_text},
    Action.SUSPEND: {"reason": is_text},
    Action.REINSTATE: {"reason": is_text},
}


# the table

PERSON: Final = (account_is_not_active, mandate_has_ended)
ASSESSOR: Final = (*PERSON, belongs_to_another_institution, already_examined_it)
REVIEWER: Final = (*PERSON, competence_has_ended, belongs_to_own_institution, drafted_it_themselves)
CERTIFYING: Final = (items_are_unjudged, scope_exceeds_what_was_declared, validity_is_not_allowed)

NTB = "Artikel Bappeda NTB: reviu kesiapan dan kelayakan (B)"
_R, _A, _S = Role, Action, Status

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    Rule(_R.APPLICANT, _A.OPEN, None, _S.NOT_STARTED, ASSESSOR, f"{NTB}; acuan hukum 4.3"),
    Rule(_R.APPLICANT, _A.ANSWER, _S.NOT_STARTED, _S.NOT_STARTED, (*ASSESSOR, item_is_unknown), "Acuan hukum 4.7"),
    Rule(_R.APPLICANT, _A.ATTACH, _S.NOT_STARTED, _S.NOT_STARTED, (*ASSESSOR, item_is_unknown), "Acuan hukum 4.7"),
    Rule(_R.ACCOUNTABLE_OFFICER, _A.DECLARE, _S.NOT_STARTED, _S.SELF_ASSESSED,
         (*ASSESSOR, items_are_unanswered, evidence_is_missing), "Acuan hukum 4.7: jawaban dan bukti"),
    Rule(_R.READINESS_REVIEWER, _A.TAKE_UP, _S.SELF_ASSESSED, _S.UNDER_REVIEW, REVIEWER, f"{NTB}; 4.4 butir 2"),
    Rule(_R.READINESS_REVIEWER, _A.JUDGE, _S.UNDER_REVIEW, _S.UNDER_REVIEW,
         (*REVIEWER, item_is_unknown, verdict_has_no_note), "Acuan hukum 4.7: putusan tiap butir"),
    Rule(_R.READINESS_REVIEWER, _A.CERTIFY, _S.UNDER_REVIEW, _S.READY,
         (*REVIEWER, *CERTIFYING, requirement_is_unmet), "Acuan hukum 4.3, 4.7: lingkup dan masa berlaku"),
    Rule(_R.READINESS_REVIEWER, _A.CERTIFY_WITH_CONDITIONS, _S.UNDER_REVIEW, _S.READY_WITH_CONDITIONS,
         (*REVIEWER, *CERTIFYING, demand_is_unmet, shortfall_has_no_plan), "Acuan hukum 4.7: rencana perbaikan"),
    Rule(_R.READINESS_REVIEWER, _A.REFUSE, _S.UNDER_REVIEW, _S.NOT_READY, REVIEWER, "Acuan hukum 4.3"),
    *(Rule(_R.READINESS_REVIEWER, _A.SUSPEND, status, _S.SUSPENDED, REVIEWER, "Acuan hukum 4.3, 4.4 butir 9; S07")
      for status in (_S.READY, _S.READY_WITH_CONDITIONS)),
    Rule(_R.READINESS_REVIEWER, _A.REINSTATE, _S.SUSPENDED, None,
         (*REVIEWER, validity_has_ended), "Acuan hukum 4.4 butir 9; S07"),
    *(Rule(_R.SYSTEM, _A.EXPIRE, status, _S.EXPIRED, (validity_remains,), "Acuan hukum 4.3, 4.4 butir 9; S07")
      for status in (_S.READY, _S.READY_WITH_CONDITIONS, _S.SUSPENDED)),
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(
    review: Review, command: Command, facts: ReadinessFacts, table: Table[Status, Action] = TABLE
) -> Refusal | None:
    """What stands in the way of the command, or None."""
    return first_refusal(table, review, command, facts, always=(form_is_incomplete,))


def decide(
    review: Review, command: Command, facts: ReadinessFacts, table: Table[Status, Action] = TABLE
) -> Event | Refusal:
    """The event that the command makes, or what stands in its way."""
    if (refusal := objection(review, command, facts, table)) is not None:
        return refusal
    rule = table[(review.status, command.actor.role, command.action)]
    payload = dict(command.payload)
    if command.action is Action.OPEN:
        payload["opened_on"] = facts.today.isoformat()
    return Event.next(review, command, facts.now, rule.to_status or _reinstated(review), payload)


def possible(review: Review, actor: Actor, facts: ReadinessFacts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, review, actor, facts)


def _reinstated(review: Review) -> Status:
    given = cast(Certificate, review.certificate)
    return Status.READY_WITH_CONDITIONS if given.conditions else Status.READY
