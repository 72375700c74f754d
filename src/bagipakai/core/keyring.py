"""The keys with which a person signs: how one is enrolled, confirmed, revoked and recovered.

State is a fold over events that are only ever added. It takes two to enrol a key: its holder, and an officer who heard
its fingerprint from the holder. It takes two officers to let somebody who lost a key enrol another; one person is
enough to revoke. Sources: trust reference §4.1 and T4; decision 0077.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import reduce
from typing import Any, Final, Self

from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Actor, Role

SHOWN: Final = ("credential", "public_key", "rp_id", "origin", "fingerprint")  # what a leaf about a key says of it


class Action(StrEnum):
    ENROL = "ENROL"
    CONFIRM = "CONFIRM"
    REVOKE = "REVOKE"
    RECOVER = "RECOVER"


class Standing(StrEnum):
    WAITING = "WAITING"  # for the officer who confirms it
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one person. `public_key`: SPKI in DER, standard base64. `institution`: of the post from which it was
    enrolled; its officers confirm it, and it signs for no other. `n`: the event that enrolled it, `confirmed`: the one
    that confirmed it."""

    credential: str
    public_key: str
    fingerprint: str
    rp_id: str
    origin: str
    institution: str
    n: int
    at: datetime
    device: Mapping[str, Any] = field(hash=False)
    standing: Standing = Standing.WAITING
    confirmed: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of one person as the events leave them. `lost`: something was revoked and nobody has let the holder
    enrol again. `recovering`: the first of the two officers who do."""

    holder: str
    n: int = 0
    keys: Mapping[str, Key] = field(default_factory=dict, hash=False)
    lost: bool = False
    recovering: str = ""

    def at(self, institution: str) -> Self:
        """The same ring, with only the keys that sign for this institution: those enrolled and confirmed there."""
        return replace(self, keys={name: key for name, key in self.keys.items() if key.institution == institution})

    def having(self, *standings: Standing) -> tuple[Key, ...]:
        return tuple(key for key in self.keys.values() if key.standing in standings)


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants to do. Payload by action: ENROL credential, public_key, rp_id, origin, fingerprint, device ·
    CONFIRM credential, fingerprint · REVOKE credential, reason · RECOVER reason"""

    action: Action
    actor: Actor
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to the keys of `holder`."""

    holder: str
    n: int
    at: datetime
    actor: Actor
    action: Action
    payload: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the ledger keeps."""
        return {
            "holder": self.holder,
            "n": self.n,
            "at": self.at.isoformat(),
            "person": self.actor.person,
            "post": self.actor.post,
            "role": self.actor.role.value,
            "institution": self.actor.institution,
            "action": self.action.value,
            "payload": dict(self.payload),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or ValueError unless `data` is what `to_json` writes."""
        return cls(
            data["holder"],
            data["n"],
            datetime.fromisoformat(data["at"]),
            Actor(data["person"], data["post"], Role(data["role"]), data["institution"]),
            Action(data["action"]),
            data["payload"],
        )


@dataclass(frozen=True, slots=True)
class RingFacts:
    """The world at one moment. Each default refuses. `most`: keys of one person in one institution. `known`: the
    credential is already somebody's. `suits`: the actor's post may do this to this holder's keys."""

    now: datetime
    most: int = 0
    known: bool = True
    suits: bool = False


def decide(ring: Ring, command: Command, facts: RingFacts) -> Event | Refusal:
    """The event, or what stands in its way."""
    refusal = _OBJECTIONS[command.action](ring, command, facts)
    if refusal is not None:
        return refusal
    payload = dict(command.payload)
    if command.action is Action.CONFIRM:
        key = ring.keys[payload["credential"]]
        payload = {name: getattr(key, name) for name in SHOWN}
    return Event(ring.holder, ring.n + 1, facts.now, command.actor, command.action, payload)


def _in_the_way_of_enrolling(ring: Ring, command: Command, facts: RingFacts) -> Refusal | None:
    if command.actor.person != ring.holder:
        return Refusal("key-is-not-yours")
    if ring.lost:
        return Refusal("key-loss-is-not-recovered")
    if facts.known:
        return Refusal("key-is-known")
    if len(ring.at(command.actor.institution).having(Standing.WAITING, Standing.ACTIVE)) >= facts.most:
        return Refusal("keys-are-enough", {"most": str(facts.most)})
    return None


def _in_the_way_of_confirming(ring: Ring, command: Command, facts: RingFacts) -> Refusal | None:
    key = ring.keys.get(command.payload["credential"])
    if command.actor.person == ring.holder:
        return Refusal("own-key-needs-another-officer")
    if not facts.suits:
        return Refusal("post-does-not-keep-keys")
    if ring.lost:
        return Refusal("key-loss-is-not-recovered")
    if key is None or key.standing is not Standing.WAITING:
        return Refusal("key-does-not-wait")
    if command.payload["fingerprint"] != key.fingerprint:
        return Refusal("fingerprint-differs")
    return None


def _in_the_way_of_revoking(ring: Ring, command: Command, facts: RingFacts) -> Refusal | None:
    key = ring.keys.get(command.payload["credential"])
    if command.actor.person != ring.holder and not facts.suits:
        return Refusal("post-does-not-keep-keys")
    if key is None or key.standing is Standing.REVOKED:
        return Refusal("key-was-revoked")
    return None if command.payload["reason"].strip() else Refusal("reason-is-missing")


def _in_the_way_of_recovering(ring: Ring, command: Command, facts: RingFacts) -> Refusal | None:
    if command.actor.person == ring.holder:
        return Refusal("own-key-needs-another-officer")
    if not facts.suits:
        return Refusal("post-does-not-keep-keys")
    if not ring.lost and not ring.having(Standing.WAITING, Standing.ACTIVE):
        return Refusal("no-key-was-lost")
    if command.actor.person == ring.recovering:
        return Refusal("recovery-needs-another-officer")
    return None if command.payload["reason"].strip() else Refusal("reason-is-missing")


_OBJECTIONS: Final = {
    Action.ENROL: _in_the_way_of_enrolling,
    Action.CONFIRM: _in_the_way_of_confirming,
    Action.REVOKE: _in_the_way_of_revoking,
    Action.RECOVER: _in_the_way_of_recovering,
}


def fold(events: Iterable[Event], holder: str) -> Ring:
    """The keys as the events leave them. Asks no question: what happened, happened."""
    return reduce(after, events, Ring(holder))


def after(ring: Ring, event: Event) -> Ring:
    """The keys after one more event."""
    ring, payload = replace(ring, n=event.n), event.payload
    match event.action:
        case Action.ENROL:
            shown = {name: payload[name] for name in SHOWN}
            key = Key(**shown, institution=event.actor.institution, n=event.n, at=event.at, device=payload["device"])
            return replace(ring, keys={**ring.keys, key.credential: key})
        case Action.CONFIRM:
            key = replace(ring.keys[payload["credential"]], standing=Standing.ACTIVE, confirmed=event.n)
            return replace(ring, keys={**ring.keys, key.credential: key})
        case Action.REVOKE:
            key = _revoked(ring.keys[payload["credential"]], event.at)
            return replace(ring, keys={**ring.keys, key.credential: key}, lost=True, recovering="")
        case Action.RECOVER if ring.recovering:
            return replace(ring, lost=False, recovering="")
        case Action.RECOVER:  # the first of two: whatever still signs, signs no more
            keys = {name: _revoked(key, event.at) for name, key in ring.keys.items()}
            return replace(ring, keys=keys, lost=True, recovering=event.actor.person)


def _revoked(key: Key, at: datetime) -> Key:
    return key if key.standing is Standing.REVOKED else replace(key, standing=Standing.REVOKED, until=at)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Who keeps whose keys on a day, and how many one may have: `policies/signatures.toml`."""

    most: int
    officers: Mapping[tuple[Action, str], frozenset[Role]]  # by act and place: HOUSE, CONTROLLER

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without rules no key is enrolled."""
        found = rules("signatures", "officer", ("act", "place")).in_force(day)
        officers = {(Action(act), place): frozenset(map(Role, rule["roles"])) for (act, place), rule in found.items()}
        return cls(rules("signatures", "ceremony").on(day)["keys"], officers)

    def suits(self, action: Action, role: Role, *, same_house: bool, controller: bool) -> bool:
        """Whether a post of `role` may do it to a key: of its own institution, or as an office of a controller."""
        places = [place for place, holds in (("HOUSE", same_house), ("CONTROLLER", controller)) if holds]
        return any(role in self.officers.get((action, place), ()) for place in places)
