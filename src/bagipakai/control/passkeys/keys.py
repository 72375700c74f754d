"""The counter for keys: enrolling one's own, confirming a colleague's, reporting a loss, letting somebody enrol again.

Whatever happens is an entry in the ring of its holder and a leaf of the trail, `key.ENROL` to `key.RECOVER`.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, connection, transaction

from bagipakai.control import clock, ledger, people
from bagipakai.control.acting import Acting, actor, in_the_way, person_of, tenures_of
from bagipakai.control.models import Credential, KeyEvent, Person, Tenure
from bagipakai.control.passkeys import ceremony
from bagipakai.control.trail import leaves, stops
from bagipakai.core.decisions import EnrolledKey, Signing, to_base64
from bagipakai.core.keyring import SHOWN, Action, Command, Event, Keeping, Key, Ring, RingFacts, Standing, decide, fold
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role

log = logging.getLogger("bagipakai.control.passkeys")


def ring(person: Person) -> Ring:
    """The keys of a person as they stand."""
    return fold([Event.from_json(one) for one in ledger.payloads(KeyEvent, person)], str(person.pk))


def history(person: Person) -> list[Event]:
    """What happened to the keys of a person, in order."""
    return [Event.from_json(one) for one in ledger.payloads(KeyEvent, person)]


def elsewhere() -> frozenset[str]:
    """The other addresses at which keys were made that were not revoked: here they sign nothing (ceremony.origin)."""
    rings = (ring(person) for person in Person.objects.filter(key_events__isnull=False).distinct())
    living = (key for one in rings for key in one.having(Standing.WAITING, Standing.ACTIVE))
    return frozenset(key.origin for key in living) - {ceremony.origin()}


def about(person_id: int | str, n: int) -> str:
    """What the trail calls event `n` of a person's keys."""
    return f"kunci/{person_id}#{n}"


def enrolled(key: Key, holder: str) -> EnrolledKey:
    """The key as signatures are checked with it."""
    return EnrolledKey(holder, key.credential, base64.b64decode(key.public_key), key.rp_id, key.origin)


def offer(acting: Acting) -> ceremony.Offer | Refusal:
    """What a browser is asked in order to make a key for this person, or why they may have none now."""
    person = person_of(acting)
    if no := stops.stopped(connection) or in_the_way(acting):
        return no
    mine = ring(person)
    blank: dict[str, Any] = dict.fromkeys(SHOWN, "")
    outcome = _decided(mine, person, Action.ENROL, acting, {**blank, "device": {}})
    return outcome if isinstance(outcome, Refusal) else ceremony.offer(person, mine.keys)


def enrol(acting: Acting, offered: ceremony.Offer, answer: str, label: str = "") -> Event | Refusal:
    """Takes in the key that a browser made for this person from `offered`. It signs nothing until it is confirmed."""
    person = person_of(acting)
    if clock.now() - offered.at > Signing.on(clock.today()).lives:
        return _no(Refusal("key-offer-has-expired"), Action.ENROL, acting, person)
    made = ceremony.made(answer, offered.challenge)
    if isinstance(made, Refusal):
        return _no(made, Action.ENROL, acting, person)
    payload = {
        "credential": made.credential,
        "public_key": to_base64(made.public_key),
        "rp_id": ceremony.rp_id(),
        "origin": ceremony.origin(),
        "fingerprint": hashlib.sha256(made.public_key).hexdigest(),
        "device": {**made.device, "label": label.strip()[:60]},
    }
    return _done(person, Action.ENROL, acting, payload, made)


def confirm(holder: Person, acting: Acting, credential: str, heard: str) -> Event | Refusal:
    """An officer of the same house confirms a key after its holder has read its fingerprint aloud. `heard` is what the
    officer wrote down: the 32 digits that are read aloud, or all 64; spaces and capitals do not matter."""
    key = ring(holder).keys.get(credential)
    written = "".join(heard.split()).lower()
    spoken = key is not None and len(written) == 32 and written == key.fingerprint[:32]
    fingerprint = key.fingerprint if key is not None and spoken else written
    return _done(holder, Action.CONFIRM, acting, {"credential": credential, "fingerprint": fingerprint})


def revoke(holder: Person, acting: Acting, credential: str, reason: str) -> Event | Refusal:
    """A key is lost, or suspected: from now on it signs nothing. The holder does it, or an officer who keeps keys."""
    return _done(holder, Action.REVOKE, acting, {"credential": credential, "reason": reason})


def recover(holder: Person, acting: Acting, reason: str) -> Event | Refusal:
    """One of the two officers who let somebody enrol again after a loss. The first ends every key that still signs."""
    return _done(holder, Action.RECOVER, acting, {"reason": reason})


def colleagues(acting: Acting) -> list[tuple[Person, Ring]]:
    """Whose keys this officer keeps, with the keys, by name: colleagues in the house of their post, and, for an office
    of a controller, everybody who ever had a key."""
    found: dict[int, Person] = {}
    keeping = Keeping.on(clock.today())
    for tenure in tenures_of(acting):
        roles = set(map(Role, tenure.post.roles))
        if any(roles & keeping.officers.get((action, "HOUSE"), frozenset()) for action in Action):
            there = Tenure.objects.filter(post__institution=tenure.post.institution_id).values("person_id")
            found |= {one.pk: one for one in Person.objects.filter(pk__in=there)}
        if tenure.post.institution.is_controller and any(
            roles & keeping.officers.get((action, "CONTROLLER"), frozenset()) for action in Action
        ):
            found |= {one.pk: one for one in Person.objects.filter(pk__in=KeyEvent.objects.values("subject"))}
    found.pop(person_of(acting).pk, None)
    return [(one, ring(one)) for one in sorted(found.values(), key=lambda one: (one.name, one.pk))]


def _done(
    holder: Person, action: Action, acting: Acting, payload: Mapping[str, Any], made: ceremony.Made | None = None
) -> Event | Refusal:
    try:
        with transaction.atomic():
            Person.objects.select_for_update(no_key=True).get(pk=holder.pk)
            outcome = (
                stops.stopped(connection)
                or in_the_way(acting)
                or _decided(ring(holder), holder, action, acting, payload)
            )
            if isinstance(outcome, Event):
                _write(holder, outcome, made)
    except (ledger.Overtaken, IntegrityError):
        outcome = Refusal("changed-meanwhile")
    if isinstance(outcome, Refusal):
        return _no(outcome, action, acting, holder)
    log.info("key.event holder=%d n=%d action=%s", holder.pk, outcome.n, action.value)
    return outcome


def _decided(mine: Ring, holder: Person, action: Action, acting: Acting, payload: Mapping[str, Any]) -> Event | Refusal:
    """The event, or the refusal, for the post of this person that comes closest to being allowed."""
    keeping, now = Keeping.on(clock.today()), clock.now()
    credential = payload.get("credential", "")
    known, houses = Credential.objects.filter(credential=credential).exists(), _houses(holder, mine, credential)
    refusals = []
    for tenure in tenures_of(acting):
        house = tenure.post.institution
        for role in map(Role, tenure.post.roles):
            suits = keeping.suits(action, role, same_house=house.code in houses, controller=house.is_controller)
            facts = RingFacts(now, keeping.most, known, suits)
            outcome = decide(mine, Command(action, actor(tenure, role), payload), facts)
            if isinstance(outcome, Event):
                return outcome
            refusals.append(outcome)
    return next((no for no in refusals if no.code != "post-does-not-keep-keys"), Refusal("post-does-not-keep-keys"))


def _houses(holder: Person, mine: Ring, credential: str) -> set[str]:
    """The institutions whose officers keep this key: where it was enrolled; or, for all keys of a holder, also where
    the holder has a post."""
    if credential in mine.keys:
        return {mine.keys[credential].institution}
    held = people.tenures(holder).values_list("post__institution__code", flat=True)
    return {*held, *(key.institution for key in mine.keys.values())}


def _write(holder: Person, event: Event, made: ceremony.Made | None) -> None:
    """The entry, the credential, and the leaf. Raises Overtaken."""
    ledger.enter(KeyEvent, holder, event)
    if made is not None:
        Credential.objects.create(
            holder=holder,
            credential=made.credential,
            cose=made.cose,
            counter=made.counter,
            attestation=made.attestation,
            enrolled_at=event.at,
        )
    leaves.write(
        f"key.{event.action.value}",
        about(event.holder, event.n),
        {"person": event.holder, "by": event.actor.person, "post": event.actor.post, **event.payload},
        by=leaves.actor(int(event.actor.person), int(event.actor.post)),
        institution=event.actor.institution,
        at=event.at,
        after=about(event.holder, event.n - 1) if event.n > 1 else "",
    )


def _no(no: Refusal, action: Action, acting: Acting, holder: Person) -> Refusal:
    return ledger.deny(no, f"KEY_{action.value}", person_of(acting), subject=f"kunci/{holder.pk}")
