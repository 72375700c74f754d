"""The life of a release: drafted, published, superseded or withdrawn.

State is a fold over signed events that are only ever added; no field anywhere says what a release is now. A draft has
no event: nobody outside the registry may rely on it. A release is superseded as long as a later one stands, so the
older one stands again when the later is withdrawn. Sources: standards reference 8, law reference 5.2, S18; decision
0096.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal

KIND: Final = "application/vnd.bagipakai.release-event+json;v=1"
VERSION: Final = re.compile(r"[0-9]{4}\.[1-4]\.(0|[1-9][0-9]{0,3})")  # year, quarter, correction
REASON: Final = 20  # letters that a reason has at least
_SHA256 = re.compile(r"[0-9a-f]{64}")


class State(StrEnum):
    DRAFT = "DRAFT"  # has no event yet
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"


class Deed(StrEnum):
    PUBLISH = "PUBLISH"
    WITHDRAW = "WITHDRAW"


@dataclass(frozen=True, slots=True)
class Event:
    """What was done to a release. `digest` is the SHA-256 of its `release.json`, so that the first event about it is
    the seal on its manifest. `reason` says why it was withdrawn; empty for a publication."""

    deed: Deed
    version: str
    digest: str
    at: datetime
    reason: str = ""

    def sealed(self, signer: Signer) -> bytes:
        value = {
            "deed": self.deed.value,
            "version": self.version,
            "digest": self.digest,
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
            "reason": self.reason,
        }
        return seal(KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: Iterable[PublicKey]) -> "Event":
        """Raises BadSeal if none of `trusted` signed it, or it is malformed."""
        value = _unsealed(envelope, trusted)
        try:
            event = cls(
                deed=Deed(value["deed"]),
                version=value["version"],
                digest=value["digest"],
                at=datetime.fromisoformat(value["at"]),
                reason=value["reason"],
            )
            if len(value) != 5 or not VERSION.fullmatch(event.version) or not _SHA256.fullmatch(event.digest):
                raise ValueError
            if event.at.tzinfo is None or not isinstance(event.reason, str):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed event") from None
        return event


def _unsealed(envelope: bytes, trusted: Iterable[PublicKey]) -> dict[str, Any]:
    for key in trusted:
        try:
            return unseal(KIND, envelope, key)
        except BadSeal:
            continue
    raise BadSeal("not signed by an expected key")


@dataclass(frozen=True, slots=True)
class Life:
    """A release as the events leave it. `by` is the version that supersedes it, `reason` why it was withdrawn."""

    version: str
    state: State
    since: datetime
    by: str = ""
    reason: str = ""


def lives(events: Iterable[Event]) -> Mapping[str, Life]:
    """Each version that an event tells of, oldest version first. The order of the events does not matter, and a
    withdrawal of what was never published says nothing."""
    told = list(events)
    published = {event.version: event for event in told if event.deed is Deed.PUBLISH}
    withdrawn = {event.version: event for event in told if event.deed is Deed.WITHDRAW}
    standing = sorted((version for version in published if version not in withdrawn), key=order)
    found = {}
    for version in sorted(published, key=order):
        if version in withdrawn:
            end = withdrawn[version]
            found[version] = Life(version, State.WITHDRAWN, end.at, reason=end.reason)
        elif version != standing[-1]:
            later = standing[standing.index(version) + 1]  # the first that took its place
            since = max(published[version].at, published[later].at)
            found[version] = Life(version, State.SUPERSEDED, since, by=standing[-1])
        else:
            found[version] = Life(version, State.PUBLISHED, published[version].at)
    return found


def quarters_between(one: str, other: str) -> int:
    """How far two releases are apart; a correction is of the quarter that it corrects. Raises ValueError for what is
    no version."""
    if not (VERSION.fullmatch(one) and VERSION.fullmatch(other)):
        raise ValueError("no version")
    (year, quarter, _), (other_year, other_quarter, _) = order(one), order(other)
    return abs(4 * (year - other_year) + quarter - other_quarter)


def order(version: str) -> tuple[int, ...]:
    """For sorting: 2026.10.0 never comes before 2026.2.0."""
    return tuple(int(number) for number in version.split("."))
