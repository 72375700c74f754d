"""What the trail can say of itself at this moment, for a page: how long it is, and who has lately seen it."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bagipakai.control import clock
from bagipakai.control.trail import house
from bagipakai.core.notes import BadNote
from bagipakai.core.policy import rules
from bagipakai.core.witnesses import BadPolicy, NotBelieved


@dataclass(frozen=True, slots=True)
class Seen:
    """The public checkpoint. `root` is spelled as in its file; `at` is when a quorum had seen it, and `witnesses` says
    when each did (None: not this one), by their own clocks. `fresh`: recent enough that packages may leave."""

    size: int
    root: str
    at: datetime
    witnesses: tuple[tuple[str, datetime | None], ...]
    fresh: bool

    @property
    def count(self) -> int:
        return sum(at is not None for _, at in self.witnesses)


def seen() -> Seen | None:
    """None before the first checkpoint that meets the policy. Raises NoRule where no limit is in force."""
    try:
        public, policy = house.store().checkpoint("checkpoint"), house.policy()
        if public is None:
            return None
        believed = policy.believe(public[0])
    except (BadNote, BadPolicy, NotBelieved, OSError):
        return None
    now = clock.now()
    at, longest = _moment(policy.seen_at(believed.cosigned)), rules("trail", "release").on(clock.day_of(now))["hours"]
    return Seen(
        size=believed.checkpoint.size,
        root=base64.b64encode(believed.checkpoint.root).decode(),
        at=at,
        witnesses=tuple(
            (key.name, _moment(believed.cosigned[name]) if name in believed.cosigned else None)
            for name, (key, _) in policy.witnesses.items()
        ),
        fresh=now - at <= timedelta(hours=longest),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
