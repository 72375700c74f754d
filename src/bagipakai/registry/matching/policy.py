"""How large a list may be and how its values are read: dated figures with their reasons (policies/matching.toml)."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Self

from bagipakai.core.deadlines import day_of
from bagipakai.core.policy import rules


@dataclass(frozen=True, slots=True)
class Limits:
    """Most `rows` of a list, most `letters` of a value, and how many rows are named as `examples` of a finding."""

    rows: int
    letters: int
    examples: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule no list is read."""
        rule = rules("matching", "list").on(day)
        return cls(rule["rows"], rule["letters"], rule["examples"])


@dataclass(frozen=True, slots=True)
class Reading:
    """`latest` is the last year in which somebody can be born; `zeros_at_most` per mille of at least `numbers_at_least`
    numbers end in 0; `default_days` as month × 100 + day; `nobody`, in small letters: what stands for a name."""

    latest: int
    zeros_at_most: int
    numbers_at_least: int
    default_days: frozenset[int]
    nobody: frozenset[str]

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule."""
        rule = rules("matching", "reading").on(day)
        return cls(
            day.year,
            rule["zeros_at_most"],
            rule["numbers_at_least"],
            frozenset(rule["default_days"]),
            frozenset(rule["nobody"]),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """When a row is one person. Probabilities: from `accept` on without a clerk, from `consider` on by one; `margin` in
    bits, before the next candidate; `share` of a list's persons that is expected in the registry; from `duplicate` on
    two rows are one person, where `repeats` of the rows are expected to repeat another. From a score and a margin of
    `clear` bits on nobody else is looked for; whoever cannot reach `hopeless` bits is not looked at."""

    accept: float
    consider: float
    margin: float
    share: float
    duplicate: float
    repeats: float
    clear: float
    hopeless: float

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule nothing is matched."""
        rule = rules("matching", "decision").on(day)
        share = {name: rule[name] / 1000 for name in ("accept", "consider", "share", "duplicate", "repeats")}
        bits = {name: float(rule[name]) for name in ("margin", "clear", "hopeless")}
        return cls(**bits, **share)


@dataclass(frozen=True, slots=True)
class Abuse:
    """What keeps matching from telling of people who are only guessed at (policies/matching.toml says what each figure
    is)."""

    smallest: int
    kept_days: int
    same_number: int
    run: int
    in_runs: int
    same_but_date: int
    in_dates: int
    quota_rows: int
    quota_days: int
    asked_days: int
    asked_alarm: int
    asked_most: int
    honey_share: int
    honey_district: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without a rule no list is taken in or matched."""
        rule = rules("matching", "abuse").on(day)
        return cls(**{one.name: rule[one.name] for one in fields(cls)})


def today() -> date:
    return day_of(datetime.now(UTC))
