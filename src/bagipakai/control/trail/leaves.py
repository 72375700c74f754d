"""What becomes a leaf: who did what to which thing, under which policy, and a commitment to its content.

A leaf holds no personal data. Persons and posts are numbers, content is a salted digest; the salt and the content stay
in the database, beside the leaf, and are shown to whoever may see them.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from bagipakai.control import clock
from bagipakai.core import policy
from bagipakai.core.canonical import canonical, committed

VERSION = 1
SYSTEM = "SISTEM"


def actor(person: int | None, post: int | None = None) -> str:
    """Who acted, as numbers of the office's own: `P17/J4`, `P17`, or the system itself."""
    if person is None:
        return SYSTEM
    return f"P{person}" if post is None else f"P{person}/J{post}"


def write(
    event: str,
    about: str,
    payload: Mapping[str, Any],
    *,
    by: str = SYSTEM,
    institution: str = "",
    at: datetime | None = None,
    after: str = "",
    signature: str = "",
    kept_elsewhere: bool = False,
) -> str:
    """Writes one leaf, in the transaction of the change it tells of; its commitment to `payload`.

    `about` names the thing and, where it has versions, the number after `#`; `after` is the `about` of the version
    before. `signature` is the digest of a signed decision. `kept_elsewhere`: an entry of the office holds the payload
    already, and only the salt is kept here. Raises NotCanonical.
    """
    salt = secrets.token_bytes(32)
    commitment = committed(salt, payload)
    _insert(event, about, commitment, by=by, institution=institution, at=at, after=after, signature=signature)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trail.opening (leaf, salt, payload)"
            " VALUES (currval(pg_get_serial_sequence('trail.leaf', 'id')), %s, %s::jsonb)",
            [salt, None if kept_elsewhere else canonical(payload).decode()],
        )
    return commitment


def write_public(event: str, about: str, digest: str, *, by: str = SYSTEM, institution: str = "") -> None:
    """Writes a leaf about a document that its reader holds, such as a package's manifest: its plain SHA-256."""
    _insert(event, about, digest, by=by, institution=institution)


def _insert(
    event: str,
    about: str,
    commitment: str,
    *,
    by: str,
    institution: str,
    at: datetime | None = None,
    after: str = "",
    signature: str = "",
) -> None:
    moment = (at or clock.now()).astimezone(UTC)
    with connection.cursor() as cursor:
        before = ""
        if after:
            cursor.execute("SELECT commitment FROM trail.leaf WHERE about = %s ORDER BY id DESC LIMIT 1", [after])
            before = (cursor.fetchone() or ("",))[0]
        body = {
            "v": VERSION,
            "at": moment.isoformat(timespec="milliseconds"),
            "event": event,
            "actor_ref": by,
            "institution": institution,
            "object_ref": about,
            "object_hash": commitment,
            "prev_object_hash": before,
            "sig_ref": signature,
            "policy_version": policy.version(),
        }
        cursor.execute(
            "INSERT INTO trail.leaf (at, event, about, commitment, body) VALUES (%s, %s, %s, %s, %s)",
            [moment, event, about, commitment, canonical(body)],
        )
