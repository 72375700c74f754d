"""Whether the office's database still says what it said when it was witnessed."""

import json

from django.db import connection

from bagipakai.control.trail import gates
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
