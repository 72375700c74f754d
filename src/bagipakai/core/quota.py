"""How many rows an institution may have matched within so many days, and what its orders take of that.

The registry counts what it answered, and refuses (registry.matched, decision 0135). The office counts what it ordered,
and says so while a list is looked at and a request is written: so that a refusal surprises nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from bagipakai.core.policy import rules


@dataclass(frozen=True, slots=True)
class Quota:
    """So many rows within so many days, from policies/matching.toml."""

    rows: int
    days: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule nothing is matched."""
        rule = rules("matching", "abuse").on(day)
        return cls(rule["quota_rows"], rule["quota_days"])


@dataclass(frozen=True, slots=True)
class Use:
    """What is taken of a quota on `today`: by each order its rows, beside the day on which it was placed. `rows`: what
    a list would take more."""

    quota: Quota
    orders: tuple[tuple[date, int], ...]
    today: date
    rows: int = 0

    @property
    def taken(self) -> int:
        return self._taken_on(self.today)

    @property
    def left(self) -> int:
        return max(0, self.quota.rows - self.taken)

    @property
    def fits(self) -> bool:
        return self.taken + self.rows <= self.quota.rows

    @property
    def fits_on(self) -> date | None:
        """From which day on the list fits, if nothing else is ordered; None where it never does."""
        return next((day for day in self._days() if self._taken_on(day) + self.rows <= self.quota.rows), None)

    def _days(self) -> Iterator[date]:
        """Today, and each day on which an order counts no longer."""
        yield self.today
        yield from sorted(placed + timedelta(days=self.quota.days) for placed, _ in self.orders)

    def _taken_on(self, day: date) -> int:
        since = day - timedelta(days=self.quota.days)
        return sum(rows for placed, rows in self.orders if since < placed)
