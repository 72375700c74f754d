"""From scored pairs to one answer for each row of a list: band, reason, margin. Pure: the same pairs give the same
answer, and nothing but levels, bits and the policy's figures is looked at.

A row's probability counts its rivals: with odds o₁ ≥ o₂ ≥ … of its candidates (prior included, so that 1 stands for
"nobody of them"), the best is the person with o₁ / (1 + Σ o). Two like persons therefore share what one would have had.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.comparisons import BORN, CARD_IS_OPEN, COMPARISONS, HOUSEHOLD, NAME, NIK, Comparison
from bagipakai.registry.matching.lookups import firsts, sums
from bagipakai.registry.matching.model import EVIDENCE
from bagipakai.registry.matching.policy import Decision

MATCH, REVIEW, NONE = "match", "review", "none"
MOST = 900.0  # bits: what is more likely than that is not told apart


def _among(comparison: Comparison, *names: str) -> Numbers:
    """For each level of a comparison, by its place: whether it is one of these."""
    return np.array([level.name in names for level in comparison.levels])


_SAME_NIK = _among(NIK, "equal-and-fits", "equal-nothing-to-fit", "equal")
_CUT = _among(NIK, "rounded", "equal-as-far-as-sound")
_NO_NIK = _among(NIK, "missing")
_CLOSE = _among(
    NAME,
    *("equal", "sounds-the-same", "exchanged-with-the-mothers", "nearly-the-same"),
    *("one-within-the-other", "one-word-of-the-other", "alike"),
)
_BORN_FITS = ~_among(BORN, "differs")
_ELSEWHERE = _among(
    HOUSEHOLD,
    *(
        f"{level}{card}"
        for level in ("mother", "mother-within", "elsewhere", "elsewhere-other-mother")
        for card in ("", CARD_IS_OPEN)
    ),
)


def decided(scored: pa.Table, policy: Decision) -> pa.Table:
    """One line for each row that has a candidate, in order: `list_row, ordinal, band, probability, score, margin,
    candidates, reason, certain, elsewhere`, and levels and bits of the best pair. `ordinal` also of a row with band
    "none"."""
    row, ordinal, score = (scored[name].to_numpy() for name in ("list_row", "ordinal", "score"))
    nik, name, born = (scored[f"level_{one.name}"].to_numpy() for one in (NIK, NAME, BORN))
    same_nik = _SAME_NIK[nik]
    # Stage 1, deterministic: the number, with a name and a date that could be its person's.
    certain = same_nik & _CLOSE[name] & _BORN_FITS[born]

    order = _ordered(row, ordinal, -score, ~certain)  # what is certain first, then what the evidence puts first
    begins = firsts(row[order])
    candidates = np.diff(np.append(begins, len(order)))
    best, behind = order[begins], order[np.minimum(begins + 1, len(order) - 1)]
    margin = np.where(candidates > 1, score[best] - score[behind], np.inf)
    certain_ones, of_same_nik = (sums(marks[order].astype(np.int64), begins) for marks in (certain, same_nik))
    odds, all_odds = _odds(row, score, best, begins)
    probability = odds / (1.0 + all_odds)

    first = scored.take(pa.array(best))
    sure, stands_out = certain[best], margin >= policy.margin
    somebody = all_odds / (1.0 + all_odds) >= policy.consider
    match = np.where(sure, (certain_ones == 1) | stands_out, (probability >= policy.accept) & stands_out)
    review = ~match & (sure | somebody)
    found = nik[best]
    why = {
        "NIK_DAN_DATA_COCOK": match & _SAME_NIK[found],
        "NIK_RUSAK_EXCEL": match & _CUT[found],
        "TANPA_NIK_DATA_COCOK": match & _NO_NIK[found],
        "NIK_SALAH_KETIK": match,
        "NIK_GANDA": review & (certain_ones > 1),
        "KANDIDAT_SERUPA": review & ~stands_out,
        "NIK_MILIK_ORANG_LAIN": ~review & (of_same_nik > 0),
    }
    told = {
        "list_row": first["list_row"],
        "ordinal": first["ordinal"],
        "band": _named({MATCH: match, REVIEW: review}, NONE),
        "probability": pa.array(probability),
        "score": first["score"],
        "margin": pa.array(margin, mask=candidates == 1),
        "candidates": pa.array(candidates),
        "reason": _named(why, "BUKTI_KURANG"),
        "certain": pa.array(sure),
        "elsewhere": pa.array(_ELSEWHERE[first[f"level_{HOUSEHOLD.name}"].to_numpy()]),
    }
    return pa.table(told | {name: first[name] for name in (*(f"level_{one.name}" for one in COMPARISONS), *EVIDENCE)})


def _odds(row: Numbers, score: Numbers, best: Numbers, begins: Numbers) -> tuple[Numbers, Numbers]:
    """Of each row's best candidate, and of all of them: added up in one order always, the smallest first."""
    odds = np.exp2(np.minimum(score, MOST))
    return odds[best], sums(odds[_ordered(row, odds)], begins)


def _ordered(row: Numbers, *by: Numbers) -> Numbers:
    """The places of pairs by row, and within a row by these, the last one first. Most rows have one pair alone."""
    order = np.argsort(row, kind="stable")
    alone = np.diff(row[order], prepend=-1) != 0
    alone[:-1] &= alone[1:]
    several = np.flatnonzero(~alone)
    those = order[several]
    order[several] = those[np.lexsort((*(values[those] for values in by), row[those]))]
    return order


def _named(holds: Mapping[str, Numbers], otherwise: str) -> pa.Array:
    """The first name that holds, for each row."""
    at = np.select(list(holds.values()), list(range(len(holds))), len(holds))
    return pa.array([*holds, otherwise]).take(pa.array(at))
