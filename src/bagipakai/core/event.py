"""What somebody wants and what happened: one shape for everything that is decided here, whatever it is about.

A request, the readiness before it and the access after it have their own words for stages and actions. Who acts, on
which post, when, after which event, and what it carries is said alike by all three, with one canonical value and one
digest. Sources: law reference 2.1 (roles), 4.4 (2, 4); S03.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar, cast

from bagipakai.core.canonical import digest

Stage = TypeVar("Stage", bound=StrEnum)
Deed = TypeVar("Deed", bound=StrEnum)


class Role(StrEnum):
    """What a post lets its holder be (law reference 2.1). Which office plays which role is configuration (3.5)."""

    APPLICANT = "APPLICANT"
    ACCOUNTABLE_OFFICER = "ACCOUNTABLE_OFFICER"  # signs for the institution that receives
    READINESS_REVIEWER = "READINESS_REVIEWER"
    ADMIN_VERIFIER = "ADMIN_VERIFIER"
    SUBSTANCE_VERIFIER = "SUBSTANCE_VERIFIER"
    DATA_PROTECTION_OFFICER = "DATA_PROTECTION_OFFICER"
    DATA_PRODUCER = "DATA_PRODUCER"  # owner of the fields it produces
    COORDINATOR = "COORDINATOR"
    CONTROLLER = "CONTROLLER"  # signs for the Pengendali, who provides
    DATA_PREPARER = "DATA_PREPARER"
    QUALITY_REVIEWER = "QUALITY_REVIEWER"
    AUTHORISED_HANDLER = "AUTHORISED_HANDLER"  # named in the institution's decree: reads what was granted
    SOURCE_PROVIDER = "SOURCE_PROVIDER"  # hands in the sets that its institution provides
    CLERK = "CLERK"  # judges pairs that matching left open
    AUDITOR = "AUDITOR"  # reads, and acts in nothing
    SYSTEM = "SYSTEM"  # follows what people did; decides nothing


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, on a post, in a role. Rights belong to the post; `institution` is the post's."""

    person: str
    post: str
    role: Role
    institution: str


SYSTEM: Final = Actor("", "", Role.SYSTEM, "")


class Folded(Protocol):
    """A request, a review or a grant as its events leave it: after event `n`, at `status` (None: not there yet)."""

    @property
    def subject(self) -> str: ...
    @property
    def n(self) -> int: ...
    @property
    def status(self) -> StrEnum | None: ...
    @property
    def institution(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AnyCommand(Generic[Deed]):
    """What someone wants to do to a thing, having seen it as it stood after event `seen`."""

    action: Deed
    actor: Actor
    payload: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class AnyEvent(Generic[Stage, Deed]):
    """What happened to `subject`. `n` counts from 1 without gaps: event `n` comes after event `n - 1` of the same
    subject, and after no other. `payload` has a canonical JSON form."""

    kind: ClassVar[str]  # what its subject is
    stages: ClassVar[type[StrEnum]]
    deeds: ClassVar[type[StrEnum]]

    subject: str
    n: int
    at: datetime
    actor: Actor
    action: Deed
    status_before: Stage | None
    status_after: Stage
    payload: Mapping[str, Any]

    @classmethod
    def next(
        cls, thing: Folded, command: AnyCommand[Deed], at: datetime, leads_to: Stage, payload: Mapping[str, Any]
    ) -> Self:
        """The event that follows the last one of `thing`."""
        before = cast(Stage | None, thing.status)
        return cls(thing.subject, thing.n + 1, at, command.actor, command.action, before, leads_to, {**payload})

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON (RFC 8785): what is signed by deciding."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """What the ledger keeps."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "n": self.n,
            "at": self.at.isoformat(),
            "person": self.actor.person,
            "post": self.actor.post,
            "role": self.actor.role.value,
            "institution": self.actor.institution,
            "action": self.action.value,
            "status_before": self.status_before.value if self.status_before else None,
            "status_after": self.status_after.value,
            "payload": dict(self.payload),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or ValueError unless `data` is what `to_json` of this kind writes."""
        if data["kind"] != cls.kind:
            raise ValueError(f"an event of a {data['kind']}, not of a {cls.kind}")
        return cls(
            subject=data["subject"],
            n=data["n"],
            at=datetime.fromisoformat(data["at"]),
            actor=Actor(data["person"], data["post"], Role(data["role"]), data["institution"]),
            action=cast(Deed, cls.deeds(data["action"])),
            status_before=cast(Stage, cls.stages(data["status_before"])) if data["status_before"] else None,
            status_after=cast(Stage, cls.stages(data["status_after"])),
            payload=data["payload"],
        )
