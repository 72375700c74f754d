"""A list matched with a registry: candidates, stage 1, stage 2, one answer for each row with its evidence.

Stage 1 asks the index for the number alone and accepts what is certain by rule; what is left is decided by its evidence
(`deciding`): by narrow keys first, and where they leave a doubt by all keys, for everybody who could be meant (decision
0129). Rows go in stretches, so memory does not follow the list.
The same list, index, model and policy give the same table: nothing else enters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.comparisons import COMPARISONS
from bagipakai.registry.matching.deciding import MATCH, decided
from bagipakai.registry.matching.index import Candidates, Index
from bagipakai.registry.matching.keys import BY_NUMBER, NAMES, NARROW, OTHERS, WIDE
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.matching.model import EVIDENCE, Model
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.repeats import repeated
from bagipakai.registry.matching.scoring import Scorer, Stay, shared

AT_ONCE = 50_000  # rows
_BY_NUMBER, _WIDE = (
    np.uint32(sum(1 << at for at, name in enumerate(NAMES) if name in names)) for names in (BY_NUMBER, WIDE)
)
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
        `nearest` (of a row with band none the best candidate, for clerks alone), `probability`, `reason`,
        `duplicate_of` (the place of an earlier row that is the same person, or null), `stage` (1, 2), `score`, `prior`
        and `margin` in bits, `candidates` (how many were compared), `elsewhere` (another regency), then the level and
        the bits of each comparison for the best candidate: the prior and the bits sum to the score. All are null where
        nobody was found. `told` hears of rows."""
        met = shared(features, self.index.lived_in())
        pieces = []
        scorer = Scorer(self.model, len(self.index), self.policy.share, met, self.index.frequencies)
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
        left, settled = np.arange(len(rows)), []
        for rules, is_settled in ((BY_NUMBER, _certain), (NARROW, self._clear)):
            found = self.index.candidates(rows.take(pa.array(left)), rules)
            answers = self._decided(scorer, left, found)
            settled.append(answers.filter(is_settled(answers)))
            still = np.flatnonzero(~np.isin(left, settled[-1]["list_row"].to_numpy()))
            left, found = left[still], found.of(still)
        found = found.beside(self.index.candidates(rows.take(pa.array(left)), OTHERS))
        settled.append(self._decided(scorer, left, found, self._has_hope))
        too_common = np.zeros(len(rows), dtype=bool)
        too_common[left] = found.too_common & ~_WIDE != 0
        return self._told(scorer, pa.concat_tables(settled), too_common)

    def _decided(self, scorer: Scorer, left: Numbers, found: Candidates, stay: Stay | None = None) -> pa.Table:
        """What the candidates of the rows that are left say of them."""
        ordinals, person = np.unique(found.ordinal, return_inverse=True)
        told = {"list_row": left[found.row], "ordinal": found.ordinal, "person": person, "rules": found.rules}
        return decided(scorer.scored(self.index.persons(ordinals), pa.table(told), stay), self.policy)

    def _has_hope(self, pairs: pa.Table, most: Numbers) -> Numbers:
        """Of pairs of ascending rows: which could come near to an answer, share the number, or are their row's best, so
        that whoever has candidates is answered from one."""
        row, rules = pairs["list_row"].to_numpy(), pairs["rules"].to_numpy()
        begins = firsts(row)
        best = np.maximum.reduceat(most, begins) if len(begins) else most
        likeliest = most == np.repeat(best, np.diff(np.append(begins, len(row))))
        hope: Numbers = (most >= self.policy.hopeless) | (rules & _BY_NUMBER != 0) | likeliest
        return hope

    def _clear(self, answers: pa.Table) -> pa.ChunkedArray:
        """Which are so far ahead that nobody who shares less could change them."""
        score, margin = (pc.greater_equal(answers[name], self.policy.clear) for name in ("score", "margin"))
        return pc.and_(pc.and_(pc.equal(answers["band"], MATCH), score), pc.fill_null(margin, True))

    def _told(self, scorer: Scorer, answers: pa.Table, too_common: np.ndarray) -> pa.Table:
        """A line for each row, also where nobody was found."""
        at = np.full(len(too_common), -1)
        at[answers["list_row"].to_numpy()] = np.arange(len(answers))
        told = answers.take(pa.array(at, mask=at < 0))
        nobody = pc.is_null(told["band"])
        common = pa.array(too_common)
        band = pc.if_else(nobody, pc.if_else(common, "review", "none"), told["band"])
        reason = pc.if_else(nobody, pc.if_else(common, "KUNCI_TERLALU_UMUM", "TIDAK_DITEMUKAN"), told["reason"])
        somebody, none = pc.invert(nobody), pc.equal(band, "none")
        stage = pc.if_else(told["certain"], pa.scalar(1, _BYTE), pa.scalar(2, _BYTE))
        columns = {
            "band": band,
            "registry_id": self._ids(told["ordinal"], pc.and_not(somebody, none)),
            "nearest": self._ids(told["ordinal"], pc.and_(somebody, none)),
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


def _certain(answers: pa.Table) -> pa.ChunkedArray:
    """Stage 1."""
    return pc.and_(answers["certain"], pc.equal(answers["band"], MATCH))
