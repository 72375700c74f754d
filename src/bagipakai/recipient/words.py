"""Days and numbers as an Indonesian officer reads them. Here, because this tool works without the office."""

from datetime import date, datetime, timedelta, timezone

_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)


def today() -> date:
    """The day in western Indonesia, wherever the machine believes to be."""
    return datetime.now(timezone(timedelta(hours=7))).date()


def day(one: date) -> str:
    """16 Maret 2027."""
    return f"{one.day} {_MONTHS[one.month - 1]} {one.year}"


def number(count: int) -> str:
    """1.234.567."""
    return f"{count:,}".replace(",", ".")
