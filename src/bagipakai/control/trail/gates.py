"""When the trail cannot be proven, nothing leaves; when somebody has seen more of it than we hold, nothing is kept."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bagipakai.control.trail.store import Store
from bagipakai.control.trail.witnessing import Asked, ahead
from bagipakai.core import tlog
from bagipakai.core.notes import BadNote
from bagipakai.core.refusal import Refusal
from bagipakai.core.tiles import BadTile
from bagipakai.core.witnesses import NotBelieved, Policy


def in_the_way_of_leaving(
    store: Store, policy: Policy, seq: int | None, now: datetime, longest: timedelta
) -> Refusal | None:
    """Why leaf `seq` (None: it has no number yet) does not open a delivery at `now`. `longest`: how old the newest
    checkpoint under a quorum may be, by the witnesses' own clocks."""
    try:
        public = store.checkpoint("checkpoint")
        if public is None:
            return Refusal("trail-is-not-witnessed")
        believed = policy.believe(public[0])
    except (BadNote, NotBelieved, OSError):
        return Refusal("trail-is-not-witnessed")
    if now.timestamp() - policy.seen_at(believed.cosigned) > longest.total_seconds():
        return Refusal("trail-is-not-witnessed")
    if seq is None or seq >= believed.checkpoint.size:
        return Refusal("not-yet-in-the-trail")
    return None


def in_the_way_of_writing(connection: Any, store: Store, witnesses: list[Asked], origin: str) -> str | None:
    """Why the office must not write: the name of the witness that has seen more or other than this database holds, or
    `signed` where the log's own signature says so. None if all that can be asked agree. Reads every leaf."""
    hashes = list(_leaf_hashes(connection))
    roots = _Roots(hashes)
    try:
        signed = store.checkpoint("signed")
    except (BadNote, OSError):
        return "signed"
    if signed and (signed[1].size > len(hashes) or roots.at(signed[1].size) != signed[1].root):
        return "signed"
    return ahead(witnesses, origin, len(hashes), roots.at)


def first_difference(connection: Any, store: Store, size: int) -> int | None:
    """The number of the first leaf whose body in the database is not the one in the log's files; None if all agree."""
    try:
        for index, (ours, theirs) in enumerate(
            zip(_leaf_hashes(connection), map(tlog.leaf_hash, store.log(size).entries()), strict=False)
        ):
            if ours != theirs:
                return index
    except BadTile:
        return None
    return None


class _Roots:
    """Roots at any size over leaf hashes in memory; complete subtrees are computed once."""

    def __init__(self, hashes: list[bytes]) -> None:
        self._levels = [hashes]

    def at(self, size: int) -> bytes:
        return tlog.root(size, self._node)

    def _node(self, level: int, index: int) -> bytes:
        while len(self._levels) <= level:
            row = self._levels[-1]
            self._levels.append([tlog.node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)])
        return self._levels[level][index]


def _leaf_hashes(connection: Any) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        last = -1
        while True:
            cursor.execute("SELECT seq, body FROM trail.leaf WHERE seq > %s ORDER BY seq LIMIT 10000", [last])
            rows = cursor.fetchall()
            if not rows:
                return
            for seq, body in rows:
                if seq != last + 1:  # one is missing: what follows stands at another place than it was signed at
                    return
                yield hashlib.sha256(b"\0" + bytes(body)).digest()
                last = seq
