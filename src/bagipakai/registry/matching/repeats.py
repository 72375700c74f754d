"""Rows of one list that are the same person: the list is compared with itself, by the same keys and the same model."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from bagipakai.registry.matching import keys
from bagipakai.registry.matching.arrays import runs
from bagipakai.registry.matching.levels import Side
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.matching.model import Model
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.scoring import Scorer

RULES = ("nik", "name-born", "informative-born", "mother-born")
MOST = 24  # rows of one key: more of them are compared with the first alone


def repeated(
    rows: pa.Table,
    ids: pa.ChunkedArray,
    model: Model,
    policy: Decision,
    shared: Mapping[str, float],
    frequencies: Callable[[pa.StringArray], np.ndarray],
    people: int,
) -> pa.Array:
    """For each row the place of the first row that is the same person, null if there is none before it. `ids`: who they
    are for certain; two rows of one of these are one person without further ado, of two of them never."""
    n = len(rows)
    first = np.arange(n)
    known = ids.dictionary_encode().combine_chunks().indices
    codes = known.fill_null(-1).to_numpy(zero_copy_only=False)
    told = np.flatnonzero(codes >= 0)
    _, begin, whose = np.unique(codes[told], return_index=True, return_inverse=True)
    first[told] = told[begin][whose]

    earlier, later = _met(rows)
    differ = ~((codes[earlier] >= 0) & (codes[later] >= 0))  # else the registry has said it
    earlier, later = earlier[differ], later[differ]
    if len(later):
        places = np.unique(np.concatenate([earlier, later]))
        met = rows.take(pa.array(places))
        at = {"list_row": later, "ordinal": earlier, "person": earlier}
        pairs = pa.table({name: np.searchsorted(places, those) for name, those in at.items()})
        scorer = Scorer(model, people, policy.repeats, shared, lambda names: np.maximum(frequencies(names), 1), among=n)
        scorer.compare(met)
        score = scorer.scored(Side(met), pairs)
        same = score["score"].to_numpy() >= np.log2(policy.duplicate / (1 - policy.duplicate))
        for row, other in sorted(zip(later[same].tolist(), earlier[same].tolist(), strict=True)):
            first[row] = min(first[row], first[other])
    return pa.array(first, pa.int64(), mask=first == np.arange(n))


def _met(rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of places (earlier, later) that share a key, each once."""
    pairs = []
    found = keys.keys(rows, RULES)
    for name in RULES:
        key, present = found[name]
        ordered = np.flatnonzero(present).astype(np.uint64)
        ordered |= key[present].astype(np.uint64) << np.uint64(32)  # by key, then by place: quicker than to sort places
        ordered.sort()
        places, begins = ordered.astype(np.uint32).astype(np.int64), firsts(ordered >> np.uint64(32))
        sizes = np.diff(np.append(begins, len(places)))
        at = np.repeat(begins, sizes)  # where each one's key begins
        back = np.arange(len(places)) - at  # how many of its key stand before it
        many = np.where(sizes.repeat(sizes) <= MOST, back, np.minimum(back, 1))
        pairs.append(np.repeat(places, many) + places[runs(at, many)] * len(rows))
    both = np.unique(np.concatenate(pairs))
    return both // max(len(rows), 1), both % max(len(rows), 1)
