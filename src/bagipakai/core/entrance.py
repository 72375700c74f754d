"""How often a password may be wrong before the entrance closes for a while (`policies/login.toml`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from bagipakai.core.policy import rules


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures within a time close the entrance for another time, counted from the last of them."""

    failures: int
    within: timedelta
    wait: timedelta

    @classmethod
    def on(cls, day: date, of: str) -> Self:
        """The limit of an "account" or an "address". Raises PolicyError, NoRule: without a limit nobody enters."""
        rule = rules("login", "limit", ("of",)).on(day, of)
        return cls(rule["failures"], timedelta(minutes=rule["within_minutes"]), timedelta(minutes=rule["wait_minutes"]))

    def closed_until(self, failed: Sequence[datetime]) -> datetime | None:
        """From when on it is open again after these failures, the newest first; None if they close nothing. Whoever is
        turned away meanwhile has not failed: waiting is never made longer by trying."""
        latest = failed[: self.failures]
        if len(latest) < self.failures or latest[0] - latest[-1] >= self.within:
            return None
        return latest[0] + self.wait
