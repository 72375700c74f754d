"""The right to fetch a package: opened from the approved plan, asked about at every reading, every reading recorded.

What a reader gets is a path and nothing more; the bytes stay sealed to their institution's key.
"""

import hashlib
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from bagipakai import postgres
from bagipakai.control import cabinet, clock, custody, institutions, keybook, keys, readiness, rulebook, situation
from bagipakai.control.acting import Acting, actor, known_of, person_of, tenures_of
from bagipakai.control.door import Door
from bagipakai.control.models import Grant, GrantEvent, PendingDecision, Reading, Release, Request, Tenure
from bagipakai.control.passkeys import matters
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.trail import leaves, leaving
from bagipakai.core import access as rules
from bagipakai.core import acknowledgement
from bagipakai.core.access import AccessFacts, Action, Command
from bagipakai.core.acknowledgement import Acknowledgement, Check
from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.event import Actor, Role
from bagipakai.core.manifest import MANIFEST_LIMIT, MANIFEST_NAME, Manifest, ManifestError
from bagipakai.core.plan import Plan
from bagipakai.core.policy import rules as policy
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Event as Happened
from bagipakai.core.request import State, signed_by_both

log = logging.getLogger("bagipakai.control.access")

RANGE = "download.RANGE"
TOO_MANY = "too-many-ranges"


def packages() -> Path:
    """The delivery store that the registry fills and the office reads."""
    return postgres.var() / "packages"


def manifest_of(grant: Grant) -> Manifest | None:
    """The manifest of the granted package, if it lies in the store, is sealed, and is the very one that was granted."""
    return manifest_in(grant.package, grant.manifest)


def manifest_in(package: str, sha256: str) -> Manifest | None:
    """The manifest in the store that has this digest and is sealed for a package of this name."""
    found = _sealed_by(package, sha256)
    return found[0] if found else None


def seal_of(grant: Grant) -> PublicKey | None:
    """The key under whose seal the granted package lies in the store."""
    found = _sealed_by(grant.package, grant.manifest)
    return found[1] if found else None


def sealed_with(seal: PublicKey) -> list[tuple[Manifest, str]]:
    """What lies in the store under this seal, whether or not it is believed, with the SHA-256 of each manifest."""
    found = [(_unsealed(folder.name, seal), _envelope(folder.name)) for folder in sorted(packages().glob("*"))]
    return [(manifest, hashlib.sha256(envelope or b"").hexdigest()) for manifest, envelope in found if manifest]


def _sealed_by(package: str, sha256: str) -> tuple[Manifest, PublicKey] | None:
    """The manifest with this digest, and the seal by which it is believed: one that leaked vouches only for what the
    trail held before that was told."""
    envelope = _envelope(package)
    if envelope is None or hashlib.sha256(envelope).hexdigest() != sha256:
        return None
    try:
        for seal in keys.every("seal"):
            manifest = _unsealed(package, seal)
            if manifest is not None:
                return (manifest, seal) if custody.believed("seal", seal, package, sha256) else None
    except keys.KeyMissing:
        pass
    return None


def _unsealed(package: str, seal: PublicKey) -> Manifest | None:
    try:
        manifest = Manifest.unsealed(_envelope(package) or b"", seal)
    except (BadSeal, ManifestError):
        return None
    return manifest if manifest.package == package else None


def grant_of(reference: str) -> Grant | None:
    """The grant of a request, if one was opened."""
    return (
        Grant.objects.select_related("request__institution", "request__controller")
        .filter(request__reference=reference)
        .first()
    )


def state_of(grant: Grant) -> rules.Grant:
    """The grant as its events leave it; `status_at(now)` is what a page shows."""
    return DOOR.state(grant)


def earlier_releases(grant: Grant) -> list[str]:
    """The releases of the packages that this grant was for before, oldest first: their copies are to be destroyed."""
    handed = cabinet.state_of(grant.request).granted
    return [one.release for manifest, one in handed.items() if manifest != grant.manifest]


def parts(grant: Grant) -> list[str]:
    """The names of the files of the package, the manifest first; empty if the package is not there."""
    manifest = manifest_of(grant)
    return [] if manifest is None else [MANIFEST_NAME, *(part.name for part in manifest.parts)]


def may_read(grant: Grant, acting: Acting, now: datetime | None = None) -> Refusal | None:
    """What stands in the way of reading at this moment, or None. Records nothing: for drawing a page."""
    outcome = DOOR.answer(grant, Action.READ, acting, {"part": "package"}, at=now)
    return outcome if isinstance(outcome, Refusal) else None


def download(grant: Grant, part: str, acting: Acting, now: datetime | None = None) -> Path | Refusal:
    """The file of one part, if this reader may read it at this moment. Every reading and every refusal is recorded.
    Ask again for each range of a long transfer (`hand_out`)."""
    at = now or clock.now()
    post = _reading(grant, part, acting, at)
    if isinstance(post, Refusal):
        return post
    with transaction.atomic():
        Reading.objects.create(grant=grant, part=part, person=person_of(acting), post_id=post, at=at)
        _leaf("access.READ", grant, {"part": part}, acting, post, at)
    log.info("access.read grant=%s part=%s", _name(grant), part)
    return packages() / grant.package / part


def hand_out(grant: Grant, part: str, span: range, acting: Acting, now: datetime | None = None) -> Path | Refusal:
    """The file of one part, of which the bytes `span` are now handed out, under a reading recorded before (`download`).
    The right is asked about anew, a refusal is recorded; a range that is not empty becomes a leaf of the trail, which
    names its first and last byte, as `Content-Range` does. Who takes too many at a time is told to wait
    (`too-many-ranges`); that is not recorded, or hammering would fill the trail all the same."""
    at = now or clock.now()
    post = _reading(grant, part, acting, at)
    if isinstance(post, Refusal):
        return post
    if span:
        if no := _too_many(grant, part, acting, at):
            return no
        told = {"from": span.start, "to": span.stop - 1}
        _leaf(RANGE, grant, told, acting, post, at, part=part)
    return packages() / grant.package / part


def link_lives(day: date) -> timedelta:
    """How long the link to a part is good for, on `day`. Raises NoRule."""
    return timedelta(minutes=policy("downloads", "download").on(day)["minutes"])


def _too_many(grant: Grant, part: str, acting: Acting, at: datetime) -> Refusal | None:
    """The pieces of one part that one person took while a link lives; a new link begins no new count. Those who ask at
    the same instant may each be let through, one more for each thread of the office."""
    rule, window = policy("downloads", "download").on(clock.day_of(at)), link_lives(clock.day_of(at))
    most = rule["ranges"]
    oldest = leaves.nth_newest(most, f"hak/{grant.pk}/{part}", RANGE, person_of(acting).pk)
    if oldest is None or oldest + window <= at:
        return None
    wait = math.ceil((oldest + window - at) / timedelta(minutes=1))
    counted = {"ranges": most, "minutes": rule["minutes"], "wait": wait}
    return Refusal(TOO_MANY, {name: str(number) for name, number in counted.items()})


def _reading(grant: Grant, part: str, acting: Acting, at: datetime) -> int | Refusal:
    """The post in which this reader may read the part; a refusal is recorded."""
    outcome = DOOR.answer(grant, Action.READ, acting, {"part": part}, at=at)
    if not isinstance(outcome, Refusal) and part not in parts(grant):
        outcome = Refusal("part-unknown")  # what was typed may be anything, and a refusal stays
    if isinstance(outcome, Refusal):
        return DOOR.deny(grant, outcome, Action.READ, acting)
    return int(outcome.actor.post)


def _leaf(
    event: str, grant: Grant, payload: dict[str, Any], acting: Acting, post: int, at: datetime, part: str = ""
) -> None:
    by, institution = leaves.actor(person_of(acting).pk, post), grant.request.institution.code
    about = f"hak/{grant.pk}/{part}" if part else f"hak/{grant.pk}"
    leaves.write(event, about, payload, by=by, institution=institution, at=at)


def proof_of(grant: Grant) -> dict[str, bytes]:
    """The files that prove to its recipient that the package stands in the trail, by name."""
    return leaving.proof_of(grant.package, grant.manifest)


def confirm_receipt(grant: Grant, acting: Acting, envelope: bytes) -> rules.Received | Refusal:
    """Takes the recipient's signed acknowledgement, which completes the hand-over; the same one again changes nothing.
    The envelope is kept whole in the entry, so that anybody can verify it later."""
    if len(envelope) > acknowledgement.LIMIT or not envelope.isascii():
        return DOOR.deny(grant, Refusal("is-not-signed-by-the-recipient"), Action.CONFIRM_RECEIPT, acting)
    text = envelope.decode("ascii")
    standing = state_of(grant).received
    if standing is not None and standing.sha256 == rules.digest_of(text):
        return standing
    outcome = DOOR.handle(grant, Action.CONFIRM_RECEIPT, acting, {"envelope": text})
    if isinstance(outcome, Refusal):
        return outcome
    received = state_of(grant).received
    if received is None:
        raise RuntimeError("an acknowledgement that its entry does not hold")
    return received


@dataclass(frozen=True, slots=True)
class Receiving:
    """That a package was received: by whom in which post, when it was handed in and what the acknowledgement says."""

    institution: str
    person: str
    post: str
    at: datetime
    sha256: str
    said: Acknowledgement

    @property
    def witnessed(self) -> bool:
        """Whether the recipient also checked that the package stands in the trail."""
        return Check.TRAIL in self.said.checked


def receiving(grant: Grant) -> Receiving | None:
    """What completes the hand-over record; None while no acknowledgement was handed in."""
    entry = grant.events.filter(action=Action.CONFIRM_RECEIPT.value).select_related("person", "post").last()
    received = None if entry is None else state_of(grant).received
    if entry is None or received is None:
        return None
    who = (entry.person.name, entry.post.title) if entry.person and entry.post else ("", "")
    return Receiving(grant.request.institution.name, *who, received.at, received.sha256, received.said)


def may_confirm(grant: Grant, acting: Acting) -> Refusal | None:
    """What stands in the way of handing an acknowledgement in. Records nothing: for drawing a page."""
    state, now = state_of(grant), clock.now()
    for by, tenure in _actors(tenures_of(acting), grant, now):
        if by.role is Role.AUTHORISED_HANDLER:
            return rules.may_confirm(state, by, _facts(grant, state, now, tenure=tenure))
    return Refusal("not-this-role", {"action": Action.CONFIRM_RECEIPT.value})


def acknowledgement_of(grant: Grant) -> bytes | None:
    """The signed acknowledgement as it was handed in."""
    entry = grant.events.filter(action=Action.CONFIRM_RECEIPT.value).last()
    return (
        None
        if entry is None or state_of(grant).received is None
        else str(entry.payload["payload"]["envelope"]).encode("ascii")
    )


def ordered(action: Action, reason: str) -> dict[str, str]:
    """What the controller says with an order about a grant: SUSPEND orders a sanction, and nothing can be read from
    that moment on; RESUME lifts it; REVOKE ends the grant for good."""
    cause = {} if action is Action.REVOKE else {"cause": rules.Cause.SANCTION.value}
    return {**cause, "reason": reason}


def draw_up(
    grant: int, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int, lang: str = "id"
) -> PendingDecision | Refusal:
    """What an order (`ordered`) would be as a decision; see `requests.draw_up`. Raises Grant.DoesNotExist."""
    return DOOR.draw_up(_row(grant), action, acting, payload, seen=seen, lang=lang)


def handle(
    grant: int,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any],
    seen: int,
    signature: Signature | None = None,
) -> rules.Event | Refusal:
    """Does what the controller orders, once it is signed; see `requests.handle`. Raises Grant.DoesNotExist."""
    return DOOR.handle(_row(grant), action, acting, payload, seen, signature)


def _row(grant: int) -> Grant:
    return Grant.objects.select_related("request__institution", "request__controller").get(pk=grant)


def open_grant(request: Request, state: State, event: Happened) -> None:
    """Compiles the grant from the approved plan and opens it, in the transaction of the event that grants; where it
    stands already, moves it to the package that was handed over now. Raises RuntimeError, which undoes that event, if
    plan and package do not agree."""
    if state.decision is None or state.delivered is None:
        raise RuntimeError("a grant without a decision or a package")
    plan = situation.plan_of(request, state, situation.judged_on(state, event.at))
    if not isinstance(plan, Plan) or plan.digest != state.decision.plan:
        raise RuntimeError("the plan is not the approved one")
    if (grant := grant_of(request.reference)) is not None:
        grant.package, grant.manifest = state.delivered.package, state.delivered.manifest
        _enter(grant, Action.MOVE, {"manifest": grant.manifest}, event.at)
        return
    grant = Grant.objects.create(
        request=request,
        plan=plan.to_json(),
        plan_digest=plan.digest,
        package=state.delivered.package,
        manifest=state.delivered.manifest,
        begins_at=event.at,
        ends_at=rules.ends_at(plan.ends_on),
        status="",
    )
    payload = {
        "request": request.reference,
        "institution": request.institution.code,
        "plan": plan.digest,
        "manifest": grant.manifest,
        "begins_at": grant.begins_at.isoformat(),
        "ends_at": grant.ends_at.isoformat(),
    }
    _enter(grant, Action.OPEN, payload, event.at)
    _enter(grant, Action.ACTIVATE, {}, event.at)


def _enter(grant: Grant, action: Action, payload: Mapping[str, Any], at: datetime) -> None:
    outcome = DOOR.answer(grant, action, None, payload, at=at)
    if isinstance(outcome, Refusal):
        raise RuntimeError(f"the grant could not {action.value}: {outcome.code}")
    DOOR.write(grant, outcome)


def tidy(now: datetime | None = None) -> int:
    """Writes down what is already true of every grant: expired, suspended, resumed. Nothing depends on it. Returns how
    many events were written."""
    open_ones = Grant.objects.filter(status__in=["PENDING", "ACTIVE", "SUSPENDED"])
    return DOOR.tidy(open_ones.select_related("request__institution", "request__controller"), now)


def _actors(tenures: list[Tenure], grant: Grant, at: datetime) -> list[tuple[Actor, Tenure]]:
    found = []
    for tenure in tenures:
        if Role.AUTHORISED_HANDLER in tenure.post.roles:
            found.append((actor(tenure, Role.AUTHORISED_HANDLER), tenure))
        if Role.CONTROLLER in tenure.post.roles and institutions.serves(
            tenure.post.institution, grant.request.controller, at
        ):
            found.append((actor(tenure, Role.CONTROLLER), tenure))
    return found


def _facts(
    grant: Grant,
    _: rules.Grant,
    at: datetime,
    *,
    tenure: Tenure | None = None,
    payload: Mapping[str, Any] | None = None,
    **__: Any,
) -> AccessFacts:
    today = clock.day_of(at)
    recipient = grant.plan["recipient"]["fingerprint"]
    standing = readiness.standing(grant.request.institution, at)
    signer = keybook.receipt_key(grant.request.institution, recipient)
    state, envelope = cabinet.state_of(grant.request), _envelope(grant.package)
    handed = state.granted.get(grant.manifest)
    release = Release.objects.filter(version=handed.release if handed else "").first()
    return AccessFacts(
        now=at,
        today=today,
        standing=standing,
        escalated=(),  # duties after access come with their own issue; none can be overdue before
        release_withdrawn=release is None or release.withdrawn_at is not None,
        withdrawal=release.withdrawal_reason if release else "",
        agreement_signed=signed_by_both(state.agreement),
        handover_signed=handed is not None,  # GRANT asked for both signatures
        plan=state.decision.plan if state.decision else "",
        manifest="" if envelope is None else hashlib.sha256(envelope).hexdigest(),
        package=grant.package,
        receipt_key=signer is not None,
        examiners=frozenset[str]().union(*state.examined.values(), standing.reviewers),
        acknowledged=_acknowledged((payload or {}).get("envelope"), signer, recipient),
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _acknowledged(envelope: Any, signer: PublicKey | None, recipient: str) -> Acknowledgement | None:
    """What this key signed, if it says that it was opened with the key that the package is sealed to."""
    if not isinstance(envelope, str) or signer is None:
        return None
    with suppress(BadSeal, UnicodeEncodeError):
        said = Acknowledgement.unsealed(envelope.encode("ascii"), signer)
        if said.recipient == recipient:
            return said
    return None


def _follows(grant: Grant, _: rules.Grant, event: rules.Event, entry: GrantEvent) -> None:
    grant.n, grant.status = event.n, event.status_after.value
    moved = ["package", "manifest"] if event.action is Action.MOVE else []
    if event.action in (Action.CONFIRM_RECEIPT, Action.MOVE):
        grant.received_at = event.at if event.action is Action.CONFIRM_RECEIPT else None
    grant.save(update_fields=["n", "status", "received_at", *moved])


def _last_look(grant: Grant, _: rules.Grant, event: rules.Event) -> Refusal | None:
    """Nothing is read while the trail cannot be proven (trust reference 3.3)."""
    return leaving.in_the_way(grant.package, grant.manifest, event.at) if event.action is Action.READ else None


def _due(grant: Grant, current: rules.Grant, at: datetime) -> Command | None:
    return rules.due(current, _facts(grant, current, at))


def _envelope(package: str) -> bytes | None:
    """The sealed manifest as it lies in the store, if it does and is of a sane size."""
    try:
        with (packages() / package / MANIFEST_NAME).open("rb") as file:
            envelope = file.read(MANIFEST_LIMIT + 1)
    except OSError:
        return None
    return envelope if len(envelope) <= MANIFEST_LIMIT else None


def _name(grant: Grant) -> str:
    return f"HAK-{grant.request.reference}"


DOOR: Door[Grant, rules.Grant, rules.Event] = Door(
    rules=rules,
    entries=GrantEvent,
    name=_name,
    denied=lambda grant: {"request": grant.request},
    actors=_actors,
    facts=_facts,
    follows=_follows,
    due=_due,
    kind=matters.ACCESS,
    matter=matters.of_grant,
    last_look=_last_look,
)
