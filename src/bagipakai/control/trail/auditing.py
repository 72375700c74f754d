"""Whether the office's database still says what it said when it was witnessed, and says nothing that was not."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from bagipakai.control.models import (
    Event,
    GrantEvent,
    KeyEvent,
    ReadinessEvent,
    RecipientKeyEvent,
    RosterEvent,
    SheetEvent,
    SubmissionEvent,
)
from bagipakai.control.trail import entries, gates, things
from bagipakai.control.trail.openings import openings
from bagipakai.control.trail.store import Store
from bagipakai.core.notes import BadNote
from bagipakai.core.tiles import BadTile


def differences(store: Store) -> list[str]:
    """A sentence for what differs: the first leaf that the log's files tell otherwise, and each content that is not
    what its leaf committed to. A leaf whose salt was deleted by duty has no content to be held against it."""
    found = [f"isi {one.about} bukan yang dicatat ({one.event})" for one in openings() if not one.fits]
    try:
        kept = store.checkpoint("signed")
        if kept is None:
            return found
        log = store.log(kept[1].size)
        first = gates.first_difference(connection, store, log.size)
        if first is not None:
            leaf = json.loads(next(log.entries(first)))
            told = f"{leaf['event']} atas {leaf['object_ref']}, {leaf['at']}"
            found.insert(0, f"catatan ke-{first} ({told}) diubah atau hilang di basis data")
    except (BadNote, BadTile, OSError, ValueError) as error:
        found.insert(0, f"berkas jejak tidak terbaca ({error})")
    return found


ENTRIES: tuple[Any, ...] = (
    Event,
    ReadinessEvent,
    GrantEvent,
    KeyEvent,
    RecipientKeyEvent,
    SubmissionEvent,
    RosterEvent,
    SheetEvent,
)
AT_ONCE = 500


def untold() -> Iterator[str]:
    """A sentence for each entry of the office, and each row of its people, posts, mandates and the like, that the trail
    does not tell of: somebody put it in behind the office's back."""
    for kind in ENTRIES:
        rows, last = kind.objects.select_related("subject").order_by("pk"), 0
        while some := list(rows.filter(pk__gt=last)[:AT_ONCE]):
            last = some[-1].pk
            names = {_name(entry): entry for entry in some}
            with connection.cursor() as cursor:
                cursor.execute("SELECT about FROM trail.leaf WHERE about = ANY (%s)", [list(names)])
                told = {about for (about,) in cursor.fetchall()}
            yield from (f"{name} tidak ada catatannya" for name in names if name not in told)
    yield from things.untold()


def _name(entry: Any) -> str:
    return f"kunci/{entry.subject_id}#{entry.n}" if isinstance(entry, KeyEvent) else entries.about(entry)
