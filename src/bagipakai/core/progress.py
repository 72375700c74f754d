"""How far a long job is: what it tells while it works, and what whoever listens makes of it.

A job tells counts, never a person's data; rate and time left are the listener's sums. Whoever is told may stop the job
by raising Cancelled: it then ends as after any failure, and leaves nothing behind.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `of` things (`persons`, `rows`, `bytes`, `files`; of None: nobody knows how many) in a stage that began
    at `since`. A stage that nothing is counted in tells only its name."""

    stage: str
    since: datetime
    done: int = 0
    of: int | None = None
    unit: str = "persons"

    def rate(self, now: datetime) -> float | None:
        """How many a second since the stage began; None while nothing can be said."""
        seconds = (now - self.since).total_seconds()
        return self.done / seconds if self.done and seconds > 0 else None

    def left(self, now: datetime) -> timedelta | None:
        """How long it takes at that rate; None while nothing can be said. At most a thousand days."""
        rate = self.rate(now)
        if rate is None or self.of is None:
            return None
        return min(timedelta(seconds=max(0, self.of - self.done) / rate), timedelta(days=1000))


Told = Callable[[Progress], object]


class Cancelled(Exception):
    """Whoever ordered the job does not want it any more."""


def counting(told: Told, begun: Progress) -> Callable[[int], None]:
    """For a job that tells only how many more it has done: each time, `told` hears how many that makes."""
    done = begun.done

    def more(number: int) -> None:
        nonlocal done
        done += number
        told(replace(begun, done=done))

    return more


def nobody_is_told(_: Progress) -> None:
    """For a job that nobody watches."""
