"""Drawing up a decision for its signer, and taking in what was signed: in the transaction of the step itself.

A door (`requests.handle`, `readiness.handle`) asks `prepare` with the event that would be written, and once it is
signed asks `accept` with the event that is about to be. Between the two nothing may have changed: the decision is drawn
up again and must come out the same.
"""

import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction

from bagipakai.control import clock, people
from bagipakai.control.models import (
    Credential,
    PendingDecision,
    Person,
    SignedDecision,
    SigningAttempt,
    Tenure,
)
from bagipakai.control.passkeys import ceremony, keys
from bagipakai.control.passkeys.matters import Matter
from bagipakai.control.passkeys.summary import Summary, drawn
from bagipakai.control.trail import leaves
from bagipakai.core import policy
from bagipakai.core.canonical import digest
from bagipakai.core.decisions import Assertion, Decision, Signing
from bagipakai.core.keyring import Standing
from bagipakai.core.refusal import Refusal

log = logging.getLogger("bagipakai.control.passkeys")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signer hands in: which pending decision, and what their browser answered."""

    token: str
    answer: str


def needed(kind: str, action: str) -> bool:
    """Whether this act of this kind of matter is done only when it is signed."""
    return Signing.on(clock.today()).demands(kind, action)


def hindrance(person: Person, institution: str, kind: str, action: str) -> Refusal | None:
    """Why this person could not sign this act on a post of `institution` (its code): they have no key that may sign for
    it. None where no signature is needed."""
    signing, mine = Signing.on(clock.today()), keys.ring(person)
    here = mine.at(institution)
    if no := signing.unsayable(kind, action):
        return no
    if not signing.demands(kind, action) or here.having(Standing.ACTIVE):
        return None
    if here.having(Standing.WAITING):
        return Refusal("key-is-not-confirmed")
    return Refusal("key-is-of-another-house" if mine.having(Standing.ACTIVE) else "key-is-not-enrolled")


def prepare(matter: Matter, payload: Mapping[str, Any], lang: str = "id") -> PendingDecision | Refusal:
    """Draws up the decision for whoever would take the step to sign; `payload` is what the door will be asked with."""
    signer = Person.objects.get(pk=int(matter.actor.person))
    if no := hindrance(signer, matter.actor.institution, matter.kind, matter.action):
        return no
    signing = Signing.on(clock.today())
    if not signing.demands(matter.kind, matter.action):
        return Refusal("act-needs-no-signature", {"action": matter.action})
    decision, summary = _drawn_up(matter, clock.now(), lang)
    return PendingDecision.objects.create(
        token=secrets.token_urlsafe(32),
        person=signer,
        post_id=int(matter.actor.post),
        matter=matter.kind,
        subject=matter.subject,
        n=matter.n,
        action=matter.action,
        payload=dict(payload),
        decision=decision.to_json(),
        dossier=matter.dossier,
        summary=summary.to_json(),
        made_at=_moment(decision),
        until=_moment(decision) + signing.lives,
    )


def pending(token: str, person: Person) -> PendingDecision | Refusal:
    """The decision that waits for this person's signature, or why it no longer does."""
    found = PendingDecision.objects.filter(token=token, person=person).select_related("post__institution").first()
    if found is None:
        return Refusal("decision-is-unknown")
    if SigningAttempt.objects.filter(pending=found).exists():
        return Refusal("decision-was-used")
    if clock.now() > found.until:
        return Refusal("decision-has-expired")
    return found


def tenure_of(found: PendingDecision) -> Tenure | None:
    """The post on which the decision was drawn up, while its signer still holds it."""
    return people.tenures(found.person).filter(post=found.post).first()


def question(found: PendingDecision) -> dict[str, Any]:
    """What the signer's browser is asked."""
    active = keys.ring(found.person).at(found.post.institution.code).having(Standing.ACTIVE)
    return ceremony.question(
        Decision.from_json(found.decision), [key.credential for key in active], found.until - found.made_at
    )


def accept(matter: Matter, signature: Signature | None) -> SignedDecision | Refusal | None:
    """The signed decision of this step, kept and in the trail; or why it is not signed; None where it need not be.

    Call it in the transaction that writes the step. A pending decision is used up by the first attempt, also by one
    that is refused.
    """
    signing = Signing.on(clock.today())
    if not signing.demands(matter.kind, matter.action):
        return None
    if no := signing.unsayable(matter.kind, matter.action):
        return no
    if signature is None:
        person = Person(pk=int(matter.actor.person))
        no = hindrance(person, matter.actor.institution, matter.kind, matter.action)
        return no or Refusal("decision-is-not-signed")
    signer = Person.objects.select_for_update(no_key=True).get(pk=int(matter.actor.person))  # one at a time
    found = pending(signature.token, signer)
    if isinstance(found, Refusal):
        return found
    checked = _checked(found, matter, signature)
    attempt = SigningAttempt(pending=found, at=clock.now(), code=checked.code if isinstance(checked, Refusal) else "")
    attempt.save(force_insert=True)
    if isinstance(checked, Refusal):
        return checked
    credential, assertion = checked
    try:
        with transaction.atomic():
            return _kept(found, credential, assertion)
    except IntegrityError:
        return Refusal("changed-meanwhile")


def _drawn_up(matter: Matter, at: datetime, lang: str) -> tuple[Decision, Summary]:
    """The decision and what its signer is shown: the same values make the same decision."""
    summary = drawn(matter, Signing.on(clock.day_of(at)).acts[matter.kind, matter.action], lang)
    before = (
        SignedDecision.objects.filter(subject=matter.subject).order_by("-n").values_list("digest", flat=True).first()
    )
    decision = Decision(
        request=matter.subject,
        dossier_hash=digest(matter.dossier),
        shown_summary_hash=summary.digest,
        outcome=matter.action,
        reasons=tuple(_reasons(matter.payload)),
        role=matter.actor.role.value,
        person=matter.actor.person,
        policy_version=policy.version(),
        prev_decision_hash=before or "",
        at=at.astimezone(UTC).isoformat(timespec="milliseconds"),
    )
    return decision, summary


def _checked(found: PendingDecision, matter: Matter, signature: Signature) -> tuple[Credential, Assertion] | Refusal:
    """The assertion that stands under the pending decision, with the key that made it."""
    decision = Decision.from_json(found.decision)
    if matter.kind != found.matter or _drawn_up(matter, _moment(decision), found.summary["lang"])[0] != decision:
        taken = SignedDecision.objects.filter(subject=matter.subject, n__gte=matter.n).exists()
        return Refusal("changed-meanwhile" if taken else "decision-no-longer-holds")
    assertion = ceremony.assertion_in(signature.answer, found.person_id)
    if isinstance(assertion, Refusal):
        return assertion
    ring = keys.ring(found.person)
    key = ring.keys.get(assertion.credential)
    if key is None:
        return Refusal("signed-with-another-key")
    if key.standing is not Standing.ACTIVE:
        return Refusal("key-is-not-confirmed" if key.standing is Standing.WAITING else "key-was-revoked")
    if key.institution != matter.actor.institution:  # confirmed by officers of another house
        return Refusal("key-is-of-another-house")
    credential = Credential.objects.get(credential=key.credential)
    no = ceremony.in_the_way(decision, assertion, keys.enrolled(key, ring.holder), credential, _counter(credential))
    return no or (credential, assertion)


def _counter(credential: Credential) -> int:
    """How often the key said it had signed when it last did so here."""
    told = credential.decisions.order_by("-id").values_list("counter", flat=True).first()
    return int(credential.counter if told is None else told)


def _kept(found: PendingDecision, credential: Credential, assertion: Assertion) -> SignedDecision:
    """The decision as it stays, and its leaf. Raises IntegrityError if the step has one already."""
    decision = Decision.from_json(found.decision)
    before = SignedDecision.objects.filter(subject=found.subject).order_by("-n").first()
    kept = SignedDecision.objects.create(
        pending=found,
        subject=found.subject,
        n=found.n,
        credential=credential,
        client_data=assertion.client_data,
        authenticator_data=assertion.authenticator_data,
        signature=assertion.signature,
        counter=assertion.counter,
        digest=decision.digest,
        at=clock.now(),
    )
    leaves.write(
        f"decision.{found.action}",
        about(found.subject, found.n),
        {"decision": decision.to_json(), "assertion": assertion.to_json()},
        by=leaves.actor(found.person_id, found.post_id),
        institution=found.post.institution.code,
        at=kept.at,
        after=about(before.subject, before.n) if before else "",
        signature=decision.digest,
    )
    log.info("decision.signed subject=%s n=%d action=%s", found.subject, found.n, found.action)
    return kept


def about(subject: str, n: int) -> str:
    """What the trail calls the signed decision of step `n`."""
    return f"keputusan/{subject}#{n}"


def _moment(decision: Decision) -> datetime:
    return datetime.fromisoformat(decision.at)


def _reasons(value: Any) -> Iterator[str]:
    """Every reason and remark in a payload, in order."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in ("reason", "note") and isinstance(inner, str):
                if inner:
                    yield inner
            else:
                yield from _reasons(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _reasons(inner)
