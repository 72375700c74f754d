"""A list matched with a registry: candidates, stage 1, stage 2, one answer for each row with its evidence.

Stage 1 asks the index for the number alone and accepts what is certain by rule; what is left asks for everybody who
could be meant, and is decided by its evidence (`deciding`). Rows go in stretches, so memory does not follow the list.
The same list, index, model and policy give the same table: nothing else enters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching.comparisons import COMPARISONS
from bagipakai.registry.matching.deciding import MATCH, decided
from bagipakai.registry.matching.index import Candidates, Index
from bagipakai.registry.matching.keys import NAMES
from bagipakai.registry.matching.model import EVIDENCE, Model
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.repeats import repeated
from bagipakai.registry.matching.scoring import Scorer, shared

AT_ONCE = 50_000  # rows
BY_NUMBER = ("nik",)
LEVELS = tuple(f"level_{one.name}" for one in COMPARISONS)
_NAMED = {f"level_{one.name}": pa.array([level.name for level in one.levels]) for one in COMPARISONS}
_BYTE = pa.int8()


@dataclass(frozen=True, slots=True)
class Matching:
    """What a list is matched by."""

    index: Index
    model: Model
    policy: Decision

    def of(self, features: pa.Table, told: Callable[[int], object] | None = None) -> pa.Table:
        """One line for each row of the list, in its order: `band` (match, review, none), `registry_id` (null if none),
        `probability`, `reason`, `duplicate_of` (the place of an earlier row that is the same person, or null), `stage`
        (1, 2), `score`, `prior` and `margin` in bits, `candidates`, `elsewhere` (another regency), then the level and
        the bits of each comparison for the best candidate: the prior and the bits sum to the score. All are null where
        nobody was found. `told` hears of rows."""
        met = shared(features, self.index.lived_in())
        pieces = []
        scorer = Scorer(self.model, len(self.index), self.policy.share, met)
        for at in range(0, max(1, len(features)), AT_ONCE):
            rows = features.slice(at, AT_ONCE)
            pieces.append(self._stretch(scorer, rows))
            if told is not None:
                told(len(rows))
        found = pa.concat_tables(pieces)
        sure = pc.if_else(pc.equal(found["band"], MATCH), found["registry_id"], None)
        again = repeated(features, sure, self.model, self.policy, met, self.index.frequencies, len(self.index))
        return found.append_column("duplicate_of", again)

    def _stretch(self, scorer: Scorer, rows: pa.Table) -> pa.Table:
        scorer.compare(rows)
        first = self._decided(scorer, self.index.candidates(rows, BY_NUMBER))
        certain = first.filter(pc.and_(first["certain"], pc.equal(first["band"], "match")))
        left = np.setdiff1d(np.arange(len(rows)), certain["list_row"].to_numpy(), assume_unique=True)
        found = self.index.candidates(rows.take(pa.array(left)), NAMES)
        second = self._decided(scorer, Candidates(left[found.row], found.ordinal, found.rules, found.too_common))
        too_common = np.zeros(len(rows), dtype=bool)
        too_common[left] = found.too_common != 0
        return self._told(scorer, pa.concat_tables([certain, second]), too_common)

    def _decided(self, scorer: Scorer, found: Candidates) -> pa.Table:
        ordinals, person = np.unique(found.ordinal, return_inverse=True)
        pairs = pa.table({"list_row": found.row, "ordinal": found.ordinal, "person": person})
        return decided(scorer.scored(self.index.people(ordinals), pairs), self.policy)

    def _told(self, scorer: Scorer, answers: pa.Table, too_common: np.ndarray) -> pa.Table:
        """A line for each row, also where nobody was found."""
        at = np.full(len(too_common), -1)
        at[answers["list_row"].to_numpy()] = np.arange(len(answers))
        told = answers.take(pa.array(at, mask=at < 0))
        nobody = pc.is_null(told["band"])
        common = pa.array(too_common)
        band = pc.if_else(nobody, pc.if_else(common, "review", "none"), told["band"])
        reason = pc.if_else(nobody, pc.if_else(common, "KUNCI_TERLALU_UMUM", "TIDAK_DITEMUKAN"), told["reason"])
        known = pc.and_(pc.invert(nobody), pc.not_equal(band, "none"))
        stage = pc.if_else(told["certain"], pa.scalar(1, _BYTE), pa.scalar(2, _BYTE))
        columns = {
            "band": band,
            "registry_id": self._ids(told["ordinal"], known),
            "probability": pc.fill_null(told["probability"], 0.0),
            "reason": reason,
            "stage": stage,
            "score": told["score"],
            "prior": pc.if_else(nobody, pa.scalar(None, pa.float64()), scorer.prior),
            "margin": told["margin"],
            "candidates": pc.fill_null(told["candidates"], 0),
            "elsewhere": told["elsewhere"],
        }
        columns |= {name: _NAMED[name].take(told[name].combine_chunks()) for name in LEVELS}
        columns |= {name: told[name] for name in EVIDENCE}
        return pa.table(columns)

    def _ids(self, ordinals: pa.ChunkedArray, known: pa.ChunkedArray) -> pa.Array:
        where = np.flatnonzero(known.to_numpy(zero_copy_only=False))
        ids = self.index.ids(ordinals.filter(known).to_numpy())
        at = np.full(len(known), -1)
        at[where] = np.arange(len(where))
        return ids.take(pa.array(at, mask=at < 0))
