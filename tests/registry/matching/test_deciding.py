"""One answer for each row: numpy finds what a plain reading of the rules finds, one row at a time."""

import numpy as np
import pyarrow as pa
import pytest

from bagipakai.registry.matching.comparisons import COMPARISONS
from bagipakai.registry.matching.deciding import decided
from bagipakai.registry.matching.model import EVIDENCE
from bagipakai.registry.matching.policy import Decision

POLICY = Decision(
    accept=0.99, consider=0.3, margin=3.0, share=0.9, duplicate=0.9, repeats=0.01, clear=15.0, hopeless=-10.0
)


def scored(seed: int, rows: int = 600) -> pa.Table:
    """Few scores, so that many are equal; numbers are equal and names close more often than by chance."""
    dice = np.random.default_rng(seed)
    n = rows * 3
    columns = {
        "list_row": dice.integers(0, rows, n),
        "ordinal": dice.permutation(n),
        "score": dice.choice([-30.0, -2.0, 0.0, 2.0, 4.0, 5.0, 8.0, 30.0, 2_000.0], n),
    }
    for one in COMPARISONS:
        drawn = dice.integers(0, len(one.levels), n)
        columns[f"level_{one.name}"] = np.where(dice.random(n) < 0.4, 1, drawn).astype(np.uint8)
    return pa.table(columns | {name: dice.normal(size=n) for name in EVIDENCE})


def plainly(pairs):
    """The answer for the candidates of one row."""
    level = {id(pair): {one.name: one.levels[pair[f"level_{one.name}"]].name for one in COMPARISONS} for pair in pairs}

    def same(pair):
        return level[id(pair)]["nik"] in ("equal-and-fits", "equal-nothing-to-fit", "equal")

    def certain(pair):
        of = level[id(pair)]
        return same(pair) and of["nama"] in CLOSE and of["lahir"] != "differs"

    ordered = sorted(pairs, key=lambda pair: (not certain(pair), -pair["score"], pair["ordinal"]))
    best, of = ordered[0], level[id(ordered[0])]
    margin = best["score"] - ordered[1]["score"] if len(ordered) > 1 else None
    odds = [2.0 ** min(pair["score"], 900) for pair in ordered]
    probability = odds[0] / (1 + sum(sorted(odds)))
    several = sum(map(certain, pairs)) > 1
    apart = margin is None or margin >= POLICY.margin
    if certain(best):
        band = "match" if not several or apart else "review"
    elif probability >= POLICY.accept and apart:
        band = "match"
    else:
        band = "review" if sum(odds) / (1 + sum(odds)) >= POLICY.consider else "none"
    if band == "match":
        reason = "NIK_DAN_DATA_COCOK" if same(best) else MATCHED.get(of["nik"], "NIK_SALAH_KETIK")
    elif band == "review":
        reason = "NIK_GANDA" if several else "BUKTI_KURANG" if apart else "KANDIDAT_SERUPA"
    else:
        reason = "NIK_MILIK_ORANG_LAIN" if any(map(same, pairs)) else "BUKTI_KURANG"
    return best | {
        "band": band,
        "reason": reason,
        "probability": pytest.approx(probability, rel=1e-12),
        "margin": margin,
        "candidates": len(pairs),
        "certain": certain(best),
        "elsewhere": of["rumah"].removesuffix("-card-open")
        in ("mother", "mother-within", "elsewhere", "elsewhere-other-mother"),
    }


CLOSE = (
    *("equal", "sounds-the-same", "exchanged-with-the-mothers", "nearly-the-same"),
    *("one-within-the-other", "one-word-of-the-other", "alike"),
)
MATCHED = {
    "missing": "TANPA_NIK_DATA_COCOK",
    "rounded": "NIK_RUSAK_EXCEL",
    "equal-as-far-as-sound": "NIK_RUSAK_EXCEL",
}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_row_is_decided_as_the_rules_say(seed):
    pairs = scored(seed)
    of_row = {}
    for pair in pairs.to_pylist():
        of_row.setdefault(pair["list_row"], []).append(pair)
    found = decided(pairs, POLICY).to_pylist()
    assert found == [plainly(of_row[row]) for row in sorted(of_row)]
    assert len({one["reason"] for one in found}) == 8


def test_the_order_of_the_pairs_is_nothing():
    pairs = scored(4)
    shuffled = pairs.take(pa.array(np.random.default_rng(5).permutation(len(pairs))))
    assert decided(pairs, POLICY).equals(decided(shuffled, POLICY))


def test_without_candidates_nothing_is_decided():
    assert len(decided(scored(6).slice(0, 0), POLICY)) == 0
