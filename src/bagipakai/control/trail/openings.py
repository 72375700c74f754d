"""What leaves committed to, with the salts: to be shown to whoever may see it, and held against the leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from bagipakai.control.trail import entries
from bagipakai.core.canonical import NotCanonical, committed, read

AT_ONCE = 1000


@dataclass(frozen=True)
class Opening:
    """Of one leaf; `seq` is None while it waits, `payload` where nobody holds it any more, or it is no JSON."""

    seq: int | None
    event: str
    about: str
    commitment: str
    salt: bytes
    payload: Any

    @property
    def fits(self) -> bool:
        """Whether the leaf committed to this."""
        try:
            return self.payload is not None and committed(self.salt, self.payload) == self.commitment
        except NotCanonical:
            return False


def openings(*things: str) -> Iterator[Opening]:
    """Of the leaves about these things in any version (none named: about all), in the order in which they came."""
    last = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                """
                SELECT leaf.id, seq, event, about, commitment, salt, payload
                FROM trail.leaf JOIN trail.opening ON opening.leaf = leaf.id
                WHERE leaf.id > %s AND (%s OR split_part(about, '#', 1) = ANY (%s))
                ORDER BY leaf.id LIMIT %s
                """,
                [last, not things, list(things), AT_ONCE],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            for last, seq, event, about, commitment, salt, payload in rows:  # noqa: B007 - the next look begins there
                yield Opening(seq, event, about, commitment, bytes(salt), _told(about, payload))


def _told(about: str, payload: str | None) -> Any:
    if payload is None:
        return entries.payload(about)
    try:
        return read(payload.encode())
    except NotCanonical:
        return None
