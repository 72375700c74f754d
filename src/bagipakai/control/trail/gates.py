"""When the trail cannot be proven, nothing leaves; when somebody has seen more of it than we hold, nothing is kept."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice, zip_longest
from typing import Any

from bagipakai.control.trail.store import Store
from bagipakai.control.trail.witnessing import Asking, Testimony, signed, witnesses
from bagipakai.core import tlog
from bagipakai.core.notes import BadNote
from bagipakai.core.refusal import Refusal
from bagipakai.core.tiles import BadTile
from bagipakai.core.witnesses import NotBelieved, Policy

CLOCKS_DIFFER = timedelta(minutes=5)  # at most, between a witness's and ours


def in_the_way_of_leaving(
    store: Store, policy: Policy | None, leaf: tuple[int, bytes] | None, now: datetime, longest: timedelta
) -> Refusal | None:
    """Why the leaf (number and body, `leaves.placed`; None: it has no number yet) does not open a delivery at `now`.
    `policy` is None where it cannot be read. `longest`: how old the newest checkpoint under a quorum may be, by the
    witnesses' own clocks."""
    try:
        public = store.checkpoint("checkpoint")
        if public is None or policy is None:
            return Refusal("trail-is-not-witnessed")
        believed = policy.believe(public[0])
    except (BadNote, NotBelieved, OSError):
        return Refusal("trail-is-not-witnessed")
    age = now.timestamp() - policy.seen_at(believed.cosigned)
    if not -CLOCKS_DIFFER.total_seconds() <= age <= longest.total_seconds():  # a clock set back makes nothing fresh
        return Refusal("trail-is-not-witnessed")
    if leaf is None or leaf[0] >= believed.checkpoint.size:
        return Refusal("not-yet-in-the-trail")
    try:
        path = store.log(believed.checkpoint.size).inclusion(leaf[0])
        root = tlog.root_by_inclusion(tlog.leaf_hash(leaf[1]), leaf[0], believed.checkpoint.size, path)
    except BadTile:
        return Refusal("trail-is-not-witnessed")
    return None if root == believed.checkpoint.root else Refusal("trail-disagrees")


def in_the_way_of_writing(connection: Any, store: Store, policy: Policy, origin: str) -> Testimony | str | None:
    """Why the office must not write: a checkpoint that the database's leaves do not lead to, held by a witness or by
    the log itself; or only the name of the log's own file that is not one. None if all that can be asked agree.

    Reads each leaf up to the largest checkpoint once, and keeps no more than one path of the tree."""
    told: list[Testimony] = []
    for name in ("signed", "checkpoint"):
        try:
            kept = store.checkpoint(name)
            if kept and not (kept[1].origin == origin and signed(kept[0], policy.logs)):
                return name
        except (BadNote, OSError):
            return name
        told += [Testimony(name, *kept)] if kept else []
    asking: Asking[Testimony | None] = Asking()
    told += [one for one in asking.all(witnesses(policy), lambda one: one.last(origin)).values() if one]
    found = roots(_leaf_hashes(connection), {one.checkpoint.size for one in told})
    return next((one for one in told if found.get(one.checkpoint.size) != one.checkpoint.root), None)


def first_difference(connection: Any, store: Store, size: int) -> int | None:
    """The number of the first leaf below `size` whose body in the database is not the one in the log's files, or that
    the database does not have; None if all agree. Raises BadTile."""
    theirs = map(tlog.leaf_hash, store.log(size).entries())
    ours = islice(_leaf_hashes(connection), size)
    return next((index for index, (one, other) in enumerate(zip_longest(theirs, ours)) if one != other), None)


def roots(leaves: Iterable[bytes], sizes: set[int]) -> dict[int, bytes]:
    """The roots over the first so many leaf hashes, for those of `sizes` that there are leaves for."""
    found, last = {0: tlog.EMPTY}, max(sizes, default=0)
    stack: list[bytes] = []  # of complete subtrees, the largest first
    for size, leaf in enumerate(leaves, start=1):
        if size > last:
            break
        stack.append(leaf)
        for _ in range((size & -size).bit_length() - 1):
            right = stack.pop()
            stack[-1] = tlog.node_hash(stack[-1], right)
        if size in sizes:
            found[size] = reduce(lambda right, left: tlog.node_hash(left, right), reversed(stack))
    return found


def _leaf_hashes(connection: Any) -> Iterator[bytes]:
    """Of the leaves that have a number, in order, up to the first gap."""
    size = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT seq, sha256('\\x00'::bytea || convert_to(body, 'UTF8')) FROM trail.leaf"
                " WHERE seq >= %s ORDER BY seq LIMIT 10000",
                [size],
            )
            rows = cursor.fetchall()
            for seq, found in rows:
                if seq != size:  # one is missing: what follows stands at another place than it was signed at
                    return
                yield bytes(found)
                size += 1
            if not rows:
                return
