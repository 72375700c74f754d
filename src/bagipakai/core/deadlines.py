"""Working days and due dates (law reference 4.6, 11.2; R-21), from policies/holidays.toml and policies/deadlines.toml.

The clock of a stage counts working days and stops while the applicant repairs. A year whose holidays nobody entered is
an error of configuration, never a guess.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bagipakai.core.access import WIB
from bagipakai.core.policy import PolicyError, rules
from bagipakai.core.request import Status, Stay


class UnknownYear(PolicyError):
    """The holidays of this year were not entered. The message names the year."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of the years that are known."""

    years: frozenset[int]
    holidays: Mapping[date, str]

    @classmethod
    def on(cls, day: date) -> "Calendar":
        """The calendar as entered by `day`. Raises PolicyError if policies/holidays.toml cannot be used."""
        years = rules("holidays", "year", ("year",)).in_force(day)
        holidays = rules("holidays", "holiday", ("day",)).in_force(day)
        return cls(
            frozenset(year for (year,) in years),
            {free: rule["name"] for (free,), rule in holidays.items()},
        )

    def is_working(self, day: date) -> bool:
        """Monday to Friday, no holiday, no cuti bersama. Raises UnknownYear."""
        if day.year not in self.years:
            raise UnknownYear(f"holidays.toml does not know {day.year}")
        return day.weekday() < 5 and day not in self.holidays

    def after(self, start: date, days: int) -> date:
        """The last day of a term of `days` working days: the day of `start` does not count. Raises UnknownYear."""
        day, left = start, days
        while left > 0:
            day += timedelta(days=1)
            left -= self.is_working(day)
        return day

    def between(self, start: date, end: date) -> int:
        """Working days after `start`, up to and with `end`; negative when `end` lies before. Raises UnknownYear."""
        if end < start:
            return -self.between(end, start)
        days = (start + timedelta(days=step) for step in range(1, (end - start).days + 1))
        return sum(self.is_working(day) for day in days)


@dataclass(frozen=True, slots=True)
class Terms:
    """How many working days each stage has; a stage without a line has no term."""

    stages: Mapping[Status, int]
    repair_days: int

    @classmethod
    def on(cls, day: date) -> "Terms":
        """Raises PolicyError or NoRule if policies/deadlines.toml cannot be used."""
        found = rules("deadlines", "stage", ("status",)).in_force(day)
        return cls(
            {Status(status): rule["working_days"] for (status,), rule in found.items()},
            rules("deadlines", "practice").on(day)["repair_days"],
        )


def due(stays: Iterable[Stay], terms: Terms, calendar: Calendar) -> date | None:
    """The day by which the present stage should be left; None where it has no term. Earlier stays in the same stage
    have used up their share (the clock stopped while the request was elsewhere). Raises UnknownYear."""
    visited = tuple(stays)
    if not visited or (days := terms.stages.get(visited[-1].status)) is None:
        return None
    now = visited[-1]
    used = sum(
        calendar.between(day_of(stay.since), day_of(stay.until))
        for stay in visited[:-1]
        if stay.status is now.status and stay.until is not None
    )
    return calendar.after(day_of(now.since), max(days - used, 1))


def expected(stays: Iterable[Stay], terms: Terms, calendar: Calendar, path: Iterable[Status]) -> dict[Status, date]:
    """When each of the coming stages of `path` would be left if every stage takes its whole term from now on. Raises
    UnknownYear."""
    visited = tuple(stays)
    day = due(visited, terms, calendar) or (day_of(visited[-1].since) if visited else None)
    answer: dict[Status, date] = {}
    for status in path:
        if day is not None and status in terms.stages:
            day = calendar.after(day, terms.stages[status])
            answer[status] = day
    return answer


def repair_due(today: date, terms: Terms, calendar: Calendar) -> date:
    """The last day for repair of items issued today. Raises UnknownYear."""
    return calendar.after(today, terms.repair_days)


def day_of(moment: datetime) -> date:
    """The calendar day of `moment` in Jakarta: the days of the law are days of the capital."""
    return moment.astimezone(WIB).date()
