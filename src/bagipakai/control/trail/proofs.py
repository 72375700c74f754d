"""Proofs to take away: that a leaf stands in a log which others have seen."""

from bagipakai.control.trail.store import Store
from bagipakai.core.witnesses import LogProof


def proof(store: Store, seq: int) -> LogProof | None:
    """For leaf `seq` under the public checkpoint; None while it is not under one. Raises BadNote, BadTile."""
    public = store.checkpoint("checkpoint")
    if public is None or seq >= public[1].size:
        return None
    note, checkpoint = public
    return LogProof(seq, tuple(store.log(checkpoint.size).inclusion(seq)), note)
