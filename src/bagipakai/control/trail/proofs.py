"""Proofs to take away: that a leaf stands in a log which others have seen."""

from pathlib import Path

from bagipakai.control.trail import leaves
from bagipakai.control.trail.store import Store
from bagipakai.core.witnesses import LogProof, Policy


def proof(store: Store, seq: int) -> LogProof | None:
    """For leaf `seq` under the public checkpoint; None while it is not under one. Raises BadNote, BadTile, OSError."""
    public = store.checkpoint("checkpoint")
    if public is None or seq >= public[1].size:
        return None
    note, checkpoint = public
    return LogProof(seq, tuple(store.log(checkpoint.size).inclusion(seq)), note)


def take(store: Store, policy: Policy, about: str, event: str | None, out: Path) -> Path | None:
    """Writes the proof of the newest leaf about this thing to `out`, and its body beside it; where the body is. None
    while there is no such leaf under the public checkpoint. Raises NotBelieved, BadNote, BadTile, OSError."""
    placed = leaves.placed(about, event)
    found = proof(store, placed[0]) if placed else None
    if placed is None or found is None:
        return None
    found.shows(placed[1], policy)  # what would not convince a reader is not handed out
    beside = out.with_suffix(".leaf.json")
    out.write_bytes(bytes(found))
    beside.write_bytes(placed[1])
    return beside
