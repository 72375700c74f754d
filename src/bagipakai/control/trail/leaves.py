"""What becomes a leaf: who did what to which thing, under which policy, and a commitment to its content.

A leaf holds no personal data. Persons and posts are numbers, things have the office's own names, content is a salted
digest; the salt and the content stay in the database, beside the leaf, and are shown to whoever may see them.
"""

import re
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

DIGEST = "[0-9a-f]{64}"
THING = "[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}(#[A-Za-z0-9-]{1,40})?"
SPELLINGS = {  # of what a caller may put into a leaf
    "event": r"[a-z][a-z0-9_-]{0,39}(\.[A-Za-z0-9_-]{1,40}){1,3}",
    "actor_ref": r"SISTEM|P[1-9][0-9]{0,17}(/J[1-9][0-9]{0,17})?",
    "institution": r"([A-Za-z0-9][A-Za-z0-9._-]{0,39})?",
    "object_ref": THING,
    "object_hash": DIGEST,
    "sig_ref": f"({DIGEST})?",
    "after": f"({THING})?",
}
PERSONS_NUMBER = re.compile("(?<![0-9a-f])[0-9]{16}(?![0-9a-f])")  # a NIK's or a family card's; not a piece of a digest

WRITE = """
    WITH
    before AS (  -- what the version before was committed to
        SELECT commitment FROM trail.leaf WHERE about = %(after)s ORDER BY id DESC LIMIT 1
    ),
    leaf AS (
        INSERT INTO trail.leaf (body)
        VALUES (%(head)s::text || coalesce((SELECT commitment FROM before), '') || %(tail)s)
        RETURNING id
    )
"""
KEEP = "INSERT INTO trail.opening (leaf, salt, payload) SELECT id, %(salt)s, %(payload)s FROM leaf"
BEFORE = '"prev_object_hash":"'  # where the database puts it in; a value cannot look like this, its quotes are escaped


class NotForTheTrail(ValueError):
    """A leaf must not say this: a value that is no name of a thing, or could be a person's number. Names the field,
    never the value."""


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
    through: Any = None,
) -> str:
    """Writes one leaf, in the transaction of the change it tells of; its commitment to `payload`.

    `about` names the thing and, where it has versions, the number after `#`; `after` is the `about` of the version
    before. `signature` is the digest of a signed decision. `kept_elsewhere`: an entry of the office holds the payload
    already (control.trail.entries), and only the salt is kept here. `through` is another connection than the office's.
    Raises NotCanonical, NotForTheTrail.
    """
    salt = secrets.token_bytes(32)
    commitment = committed(salt, payload)
    body = _body(event, about, commitment, by=by, institution=institution, at=at, after=after, signature=signature)
    kept = {"salt": salt, "payload": None if kept_elsewhere else canonical(payload).decode()}
    _execute(WRITE + KEEP, body | kept, through)
    return commitment


def write_public(event: str, about: str, digest: str, *, by: str = SYSTEM, institution: str = "") -> None:
    """Writes a leaf about a document that its reader holds, such as a package's manifest: its plain SHA-256. Raises
    NotForTheTrail."""
    _execute(WRITE + "SELECT FROM leaf", _body(event, about, digest, by=by, institution=institution))


def placed(about: str, event: str | None = None, content: str | None = None) -> tuple[int, bytes] | None:
    """Number and body of the newest leaf about this thing (of this event, committed to this content); None while it has
    no number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, body FROM trail.leaf WHERE about = %(about)s"
            " AND (%(event)s::text IS NULL OR event = %(event)s)"
            " AND (%(content)s::text IS NULL OR body::jsonb ->> 'object_hash' = %(content)s) ORDER BY id DESC LIMIT 1",
            {"about": about, "event": event, "content": content},
        )
        found = cursor.fetchone()
    return None if found is None or found[0] is None else (found[0], found[1].encode())


def nth_newest(number: int, about: str, event: str, person: int) -> datetime | None:
    """When this person, on whatever post, did the newest but `number` - 1 of such things; None where it was never."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body::jsonb ->> 'at' FROM trail.leaf WHERE about = %s AND event = %s"
            " AND split_part(body::jsonb ->> 'actor_ref', '/', 1) = %s ORDER BY id DESC OFFSET %s LIMIT 1",
            [about, event, actor(person), number - 1],
        )
        found = cursor.fetchone()
    return None if found is None else datetime.fromisoformat(found[0])


def _body(
    event: str,
    about: str,
    commitment: str,
    *,
    by: str,
    institution: str,
    at: datetime | None = None,
    after: str = "",
    signature: str = "",
) -> dict[str, str]:
    """The body, in two pieces between which the database puts what the version before was committed to."""
    said = {
        "event": event,
        "actor_ref": by,
        "institution": institution,
        "object_ref": about,
        "object_hash": commitment,
        "sig_ref": signature,
    }
    for field, value in (*said.items(), ("after", after)):
        if not re.fullmatch(SPELLINGS[field], value) or PERSONS_NUMBER.search(value):
            raise NotForTheTrail(field)
    moment = (at or clock.now()).astimezone(UTC).isoformat(timespec="milliseconds")
    whole = {**said, "v": VERSION, "at": moment, "prev_object_hash": "", "policy_version": policy.version()}
    head, found, tail = canonical(whole).decode().partition(BEFORE)
    return {"after": after, "head": head + found, "tail": tail}


def _execute(statement: str, values: Mapping[str, Any], through: Any = None) -> None:
    with (through or connection).cursor() as cursor:
        cursor.execute(statement, values)
