"""What time it is, asked in one place. Rules never ask: the moment comes to them as a value."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

WIB = ZoneInfo("Asia/Jakarta")


def now() -> datetime:
    """This moment, in UTC."""
    return timezone.now()


def today() -> date:
    """The calendar day in Jakarta: the day on which the office's deadlines and certificates end."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The calendar day of `moment` in Jakarta."""
    return moment.astimezone(WIB).date()
