"""Days of birth as places in tables, counted from 1 January 1900: no date arithmetic per person."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

FIRST = date(1900, 1, 1)
YEAR_KEYS = 100 * 372  # distinct ddmmyy that a NIK can hold, a month counted as 31 days


@dataclass(frozen=True)
class Calendar:
    """Indexed by days since FIRST. `ddmmyy`: as a NIK writes it; `key`: the same, dense, below YEAR_KEYS; `epoch`: days
    since 1970; `age`: full years on the reference day; `january`: the place of 1 January of the same year."""

    last: int
    ddmmyy: np.ndarray
    key: np.ndarray
    epoch: np.ndarray
    age: np.ndarray
    january: np.ndarray


@lru_cache(maxsize=4)
def calendar(reference: date) -> Calendar:
    days = [FIRST + timedelta(days=at) for at in range((reference - FIRST).days + 1)]
    return Calendar(
        last=len(days) - 1,
        ddmmyy=np.array([day.day * 10_000 + day.month * 100 + day.year % 100 for day in days]),
        key=np.array([(day.year % 100) * 372 + (day.month - 1) * 31 + day.day - 1 for day in days]),
        epoch=np.array([(day - date(1970, 1, 1)).days for day in days], dtype=np.int32),
        age=np.array([full_years(day, reference) for day in days]),
        january=np.array([(date(day.year, 1, 1) - FIRST).days for day in days]),
    )


def full_years(born: date, on: date) -> int:
    """Age in full years: a person born on 29 February has a birthday on 1 March in other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
