"""Days as whole columns: days since 1970 to year, month and day, and back."""

from datetime import date

import numpy as np

REFERENCE = date(2026, 7, 1)
TODAY = (REFERENCE - date(1970, 1, 1)).days
THIS_YEAR = REFERENCE.year


def parts_of(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, month, day."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    whole = months.astype(np.int64)
    return 1970 + whole // 12, whole % 12 + 1, days - first + 1


def day_of(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970; a day past the end of its month falls into the next."""
    months = (year - 1970) * 12 + month - 1
    first: np.ndarray = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    days: np.ndarray = first + day - 1
    return days
