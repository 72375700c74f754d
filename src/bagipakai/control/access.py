"""The right to fetch a package: opened from the approved plan, asked about at every reading, every reading recorded.

What a reader gets is a path and nothing more; the bytes stay sealed to their institution's key.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.db import transaction

from bagipakai import postgres
from bagipakai.control import clock, institutions, keys, ledger, people, readiness, rulebook, situation
from bagipakai.control.acting import Acting, actor, in_the_way, mandate, person_of, tenures_of
from bagipakai.control.models import Event, Grant, GrantEvent, Reading, Release, Request, Tenure
from bagipakai.core import access as rules
from bagipakai.core.access import AccessFacts, Action, Command
from bagipakai.core.envelope import BadSeal
from bagipakai.core.manifest import MANIFEST_LIMIT, MANIFEST_NAME, Manifest, ManifestError
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Role, Signature, State, fold
from bagipakai.core.request import Event as Happened

log = logging.getLogger("bagipakai.control.access")


def packages() -> Path:
    """The delivery store that the registry fills and the office reads."""
    return postgres.var() / "packages"


def manifest_of(grant: Grant) -> Manifest | None:
    """The manifest of the granted package, if it lies in the store, is sealed, and is the very one that was granted."""
    return manifest_in(grant.package, grant.manifest)


def manifest_in(package: str, sha256: str) -> Manifest | None:
    """The manifest in the store that has this digest and is sealed for a package of this name."""
    envelope = _envelope(package)
    if envelope is None or hashlib.sha256(envelope).hexdigest() != sha256:
        return None
    try:
        manifest = Manifest.unsealed(envelope, keys.seal_key())
    except (BadSeal, ManifestError, keys.KeyMissing):
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
    return rules.fold([rules.Event.from_json(one) for one in ledger.payloads(GrantEvent, grant)], _name(grant.request))


def parts(grant: Grant) -> list[str]:
    """The names of the files of the package, the manifest first; empty if the package is not there."""
    manifest = manifest_of(grant)
    return [] if manifest is None else [MANIFEST_NAME, *(part.name for part in manifest.parts)]


def may_read(grant: Grant, acting: Acting, now: datetime | None = None) -> Refusal | None:
    """What stands in the way of reading at this moment, or None. Records nothing: for drawing a page."""
    return _judged(grant, acting, "package", now or clock.now())[0]


def download(grant: Grant, part: str, acting: Acting, now: datetime | None = None) -> Path | Refusal:
    """The file of one part, if this reader may read it at this moment. Every reading and every refusal is recorded.
    Ask again for each range of a long transfer."""
    at = now or clock.now()
    refusal, tenure = _judged(grant, acting, part, at)
    person = person_of(acting)
    if refusal is None and part not in parts(grant):
        refusal = Refusal("part-unknown", {"part": part[:40] if part.isascii() and part.isprintable() else "…"})
    if refusal is not None or tenure is None:
        return ledger.deny(
            refusal or Refusal("not-this-role", {"action": "READ"}), "READ", person, request=grant.request
        )
    Reading.objects.create(grant=grant, part=part, person=person, post=tenure.post, at=at)
    log.info("access.read grant=%s part=%s", _name(grant.request), part)
    return packages() / grant.package / part


def suspend(grant: Grant, acting: Acting, reason: str) -> rules.Event | Refusal:
    """The controller orders a sanction: nothing can be read from this moment on."""
    return _handle(grant, acting, Action.SUSPEND, {"cause": rules.Cause.SANCTION.value, "reason": reason})


def resume(grant: Grant, acting: Acting, reason: str) -> rules.Event | Refusal:
    """The controller lifts its sanction."""
    return _handle(grant, acting, Action.RESUME, {"cause": rules.Cause.SANCTION.value, "reason": reason})


def revoke(grant: Grant, acting: Acting, reason: str) -> rules.Event | Refusal:
    """The controller ends the grant for good."""
    return _handle(grant, acting, Action.REVOKE, {"reason": reason})


def open_grant(request: Request, state: State, event: Happened) -> None:
    """Compiles the grant from the approved plan and opens it, in the transaction of the event that grants. Raises
    RuntimeError, which undoes that event, if plan and package do not agree."""
    if state.decision is None or state.delivered is None:
        raise RuntimeError("a grant without a decision or a package")
    plan = situation.plan_of(request, state, situation.judged_on(state, event.at))
    if not isinstance(plan, Plan) or plan.digest != state.decision.plan:
        raise RuntimeError("the plan is not the approved one")
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
    facts = _facts(grant, state, event.at)
    for action, filled in ((Action.OPEN, payload), (Action.ACTIVATE, {})):
        current = state_of(grant)
        outcome = rules.decide(current, Command(action, SYSTEM, filled, current.n), facts)
        if isinstance(outcome, Refusal):
            raise RuntimeError(f"the grant could not be opened: {outcome.code}")
        _write(grant, outcome)


def tidy(now: datetime | None = None) -> int:
    """Writes down what is already true of every grant: expired, suspended, resumed. Nothing depends on it. Returns how
    many events were written."""
    at, written = now or clock.now(), 0
    open_ones = Grant.objects.filter(status__in=["PENDING", "ACTIVE", "SUSPENDED"])
    for grant in open_ones.select_related("request__institution", "request__controller"):
        facts = _facts(grant, _request_state(grant), at)
        while command := rules.due(state_of(grant), facts):
            outcome = rules.decide(state_of(grant), command, facts)
            if isinstance(outcome, Refusal):
                break
            try:
                with transaction.atomic():
                    _write(grant, outcome)
            except ledger.Overtaken:
                break
            written += 1
    return written


def _handle(grant: Grant, acting: Acting, action: Action, payload: dict[str, str]) -> rules.Event | Refusal:
    at, person = clock.now(), person_of(acting)
    outcome: rules.Event | Refusal = Refusal("not-this-role", {"action": action.value})
    for tenure in tenures_of(acting):
        serving = institutions.serves(tenure.post.institution, grant.request.controller, at)
        if Role.CONTROLLER in tenure.post.roles and serving:
            current = state_of(grant)
            command = Command(action, actor(tenure, Role.CONTROLLER), payload, current.n)
            outcome = rules.decide(current, command, _of_reader(_facts(grant, _request_state(grant), at), tenure))
            break
    if isinstance(outcome, Refusal):
        return ledger.deny(outcome, action.value, person, request=grant.request)
    try:
        with transaction.atomic():
            _write(grant, outcome)
    except ledger.Overtaken:
        return ledger.deny(Refusal("changed-meanwhile"), action.value, person, request=grant.request)
    return outcome


def _judged(grant: Grant, acting: Acting, part: str, at: datetime) -> tuple[Refusal | None, Tenure | None]:
    if no := in_the_way(acting):
        return no, None
    mine = [one for one in tenures_of(acting) if Role.AUTHORISED_HANDLER in one.post.roles]
    if not mine:
        return Refusal("not-this-role", {"action": Action.READ.value}), None
    current, facts = state_of(grant), _facts(grant, _request_state(grant), at)
    refusal: Refusal | None = None
    for tenure in mine:
        reader = actor(tenure, Role.AUTHORISED_HANDLER)
        refusal = rules.may_read(current, reader, _of_reader(facts, tenure), part)
        if refusal is None:
            return None, tenure
    return refusal, None


def _facts(grant: Grant, state: State, at: datetime) -> AccessFacts:
    today = clock.day_of(at)
    envelope = _envelope(grant.package)
    release = Release.objects.filter(version=state.delivered.release if state.delivered else "").first()
    return AccessFacts(
        now=at,
        today=today,
        competences_needed=rulebook.competences_needed(Role.AUTHORISED_HANDLER, today),
        standing=readiness.standing(grant.request.institution, at),
        escalated=(),  # duties after access come with their own issue; none can be overdue before
        release_withdrawn=release is None or release.withdrawn_at is not None,
        agreement_signed=_both(state.agreement),
        handover_signed=_both(state.handover),
        plan=state.decision.plan if state.decision else "",
        manifest="" if envelope is None else hashlib.sha256(envelope).hexdigest(),
    )


def _of_reader(facts: AccessFacts, tenure: Tenure) -> AccessFacts:
    return replace(
        facts,
        account=tenure.person.state,
        mandate=mandate(tenure),
        competences=people.competences(tenure.person, facts.today),
    )


def _both(signatures: Mapping[Role, Signature]) -> bool:
    """Both parties, under the same bytes."""
    ours, theirs = signatures.get(Role.CONTROLLER), signatures.get(Role.ACCOUNTABLE_OFFICER)
    return ours is not None and theirs is not None and ours.document == theirs.document


def _write(grant: Grant, event: rules.Event) -> None:
    """Writes one event of a grant. Raises Overtaken."""
    ledger.append(GrantEvent, grant, event)
    grant.n, grant.status = event.n, event.status_after.value
    grant.save(update_fields=["n", "status"])


def _request_state(grant: Grant) -> State:
    return fold([Happened.from_json(one) for one in ledger.payloads(Event, grant.request)], grant.request.reference)


def _envelope(package: str) -> bytes | None:
    """The sealed manifest as it lies in the store, if it does and is of a sane size."""
    try:
        with (packages() / package / MANIFEST_NAME).open("rb") as file:
            envelope = file.read(MANIFEST_LIMIT + 1)
    except OSError:
        return None
    return envelope if len(envelope) <= MANIFEST_LIMIT else None


def _name(request: Request) -> str:
    return f"HAK-{request.reference}"
