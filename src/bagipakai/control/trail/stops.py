"""Whether the office must stop writing, because somebody had seen more of the trail than it holds, or another one."""

from typing import Any

from bagipakai.core.refusal import Refusal


def stop(connection: Any, said_by: str) -> None:
    """Writes down that `said_by` (a witness's name, or a file of the log) knows better. Again while it stands, does
    nothing."""
    if stopped(connection) is None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO trail.stop (said_by) VALUES (%s)", [said_by])


def stopped(connection: Any) -> Refusal | None:
    """The refusal that everybody gets while a stop stands that nobody has lifted."""
    return Refusal("trail-disagrees") if standing(connection) else None


def standing(connection: Any) -> list[tuple[int, str]]:
    """Number and `said_by` of each stop that nobody has lifted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, said_by FROM trail.stop WHERE id NOT IN (SELECT stop FROM trail.lift) ORDER BY id")
        return list(cursor.fetchall())


def lift(connection: Any, reason: str) -> list[tuple[int, str]]:
    """Lifts all that stand, with the owner's login; which they were."""
    lifted = standing(connection)
    with connection.cursor() as cursor:
        for number, _ in lifted:
            cursor.execute("INSERT INTO trail.lift (stop, reason) VALUES (%s, %s)", [number, reason])
    return lifted
