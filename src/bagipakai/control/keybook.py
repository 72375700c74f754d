"""The counter for the keys to which packages are sealed: an institution states its key, the controller confirms it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyrage
from django.db.models import Max

from bagipakai.control import clock, ledger, rulebook
from bagipakai.control.acting import Acting, actor, known_of, tenures_of
from bagipakai.control.door import Door, Possibility
from bagipakai.control.models import Institution, PendingDecision, RecipientKeyEvent, Tenure
from bagipakai.control.passkeys import matters
from bagipakai.control.passkeys.signing import Signature
from bagipakai.core import keybook as rules
from bagipakai.core.envelope import PublicKey
from bagipakai.core.event import Actor, Role
from bagipakai.core.keybook import Action, Book, Event, KeyFacts, Statement, Term, fold
from bagipakai.core.refusal import Refusal


def book(institution: Institution) -> Book:
    """The keys of an institution as they stand."""
    return DOOR.state(institution)


def key_at(institution: Institution, at: datetime) -> Statement | Refusal:
    """The key to which a package of the institution is sealed that was ordered at this moment, or why there is none."""
    return fold(event for event in history(institution) if event.at <= at).key_on(clock.day_of(at))


def history(institution: Institution) -> list[Event]:
    """What happened to the keys of an institution, in order."""
    return [Event.from_json(one) for one in ledger.payloads(RecipientKeyEvent, institution)]


def receipt_key(institution: Institution, recipient: str) -> PublicKey | None:
    """The key that signs for what is sealed to the key with the fingerprint `recipient`: also of one that has expired,
    since nothing else opens what was sealed to it; of none that was withdrawn or never confirmed."""
    told = history(institution)
    stated = [one for one in told if one.action is Action.STATE_KEY and one.payload["fingerprint"] == recipient]
    for one in stated:
        if {later.action for later in told if later.payload.get("statement") == one.digest} == {Action.CONFIRM_KEY}:
            return PublicKey.from_line(one.payload["receipt_key"])
    return None


def statement(institution: Institution, line: str) -> dict[str, str]:
    """What the head of an institution hands in to state a key: the line that the recipient tool prints, as they typed
    it."""
    recipient, *rest = line.lower().split() or [""]
    return {"institution": institution.code, "recipient": recipient, "receipt_key": " ".join(rest)}


def draw_up(
    institution: int, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int = 0, lang: str = "id"
) -> PendingDecision | Refusal:
    """What `action` would be as a decision; see `requests.draw_up`. Raises Institution.DoesNotExist."""
    return DOOR.draw_up(_row(institution), action, acting, payload, seen=seen, lang=lang)


def handle(
    institution: int,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any] | None = None,
    seen: int = 0,
    signature: Signature | None = None,
) -> Event | Refusal:
    """Does `action` in the key book, or says why not; see `requests.handle`. Raises Institution.DoesNotExist."""
    return DOOR.handle(_row(institution), action, acting, payload, seen, signature)


def possible(institution: Institution, acting: Acting) -> list[Possibility]:
    """What this reader could do now with the keys of an institution."""
    return DOOR.possible(institution, acting)


def kept(acting: Acting) -> list[tuple[Institution, Book]]:
    """The institutions whose keys this officer keeps, with their books: those that wait first, then the newest."""
    rows = Institution.objects.annotate(last=Max("key_events__at")).filter(last__isnull=False).order_by("-last")
    if not any(_confirms(tenure) for tenure in tenures_of(acting)):
        return []
    return sorted([(row, book(row)) for row in rows], key=lambda one: one[1].waiting is None)


def _actors(tenures: list[Tenure], row: Institution, at: datetime) -> list[tuple[Actor, Tenure]]:
    """The head, in their own house; a reviewer in the controller's own house, not one who works under its mandate."""
    found = []
    for tenure in tenures:
        own = tenure.post.institution_id == row.pk
        if Role.ACCOUNTABLE_OFFICER in tenure.post.roles and own:
            found.append((actor(tenure, Role.ACCOUNTABLE_OFFICER), tenure))
        if _confirms(tenure):
            found.append((actor(tenure, Role.READINESS_REVIEWER), tenure))
    return found


def _confirms(tenure: Tenure) -> bool:
    return Role.READINESS_REVIEWER in tenure.post.roles and tenure.post.institution.is_controller


def _facts(
    _: Institution,
    __: Book,
    at: datetime,
    *,
    tenure: Tenure | None = None,
    payload: Mapping[str, Any] | None = None,
    **___: Any,
) -> KeyFacts:
    today, key = clock.day_of(at), (payload or {}).get("recipient", "")
    return KeyFacts(
        now=at,
        today=today,
        term=Term.on(today),
        is_recipient=_is_recipient(key),
        stated_before=RecipientKeyEvent.objects.filter(
            action=Action.STATE_KEY.value, payload__payload__recipient=key
        ).exists(),
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _is_recipient(key: object) -> bool:
    try:
        pyrage.x25519.Recipient.from_str(key)
    except Exception:  # pyrage has one class of error per defect, and some are not exported
        return False
    return key == str(key).lower()


def _row(institution: int) -> Institution:
    return Institution.objects.get(pk=institution)


DOOR: Door[Institution, Book, Event] = Door(
    rules=rules,
    entries=RecipientKeyEvent,
    name=lambda row: row.code,
    denied=lambda row: {"subject": f"kunci-lembaga/{row.pk}"},
    actors=_actors,
    facts=_facts,
    follows=lambda *_: None,
    due=lambda *_: None,
    matter=matters.of_key,
)
