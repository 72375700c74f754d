"""Whether the office must stop writing, because somebody had seen more of the trail than it holds, or another one."""

from typing import Any

from bagipakai.core.refusal import Refusal


def stop(connection: Any, said_by: str) -> None:
    """Writes down that `said_by` (a witness's name, or `signed`) knows better. Again while it stands, does nothing."""
    if stopped(connection) is None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO trail.stop (said_by) VALUES (%s)", [said_by])


def stopped(connection: Any) -> Refusal | None:
    """The refusal that everybody gets while a stop stands that nobody has lifted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM trail.stop WHERE id NOT IN (SELECT stop FROM trail.lift))")
        (stands,) = cursor.fetchone()
    return Refusal("trail-disagrees") if stands else None
