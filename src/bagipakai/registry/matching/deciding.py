"""From scored pairs to one answer for each row of a list: band, reason, margin. Pure: the same pairs give the same
answer, and nothing but levels, bits and the policy's figures is looked at.

A row's probability counts its rivals: with odds o₁ ≥ o₂ ≥ … of its candidates (prior included, so that 1 stands for
"nobody of them"), the best is the person with o₁ / (1 + Σ o). Two like persons therefore share what one would have had.
"""

import duckdb
import pyarrow as pa

from bagipakai.registry.matching.comparisons import BORN, COMPARISONS, HOUSEHOLD, NAME, NIK, Comparison
from bagipakai.registry.matching.model import EVIDENCE
from bagipakai.registry.matching.policy import Decision

MATCH, REVIEW, NONE = "match", "review", "none"


def _at(comparison: Comparison, *names: str) -> str:
    """SQL: the level is one of these."""
    places = ", ".join(str(at) for at, level in enumerate(comparison.levels) if level.name in names)
    return f"level_{comparison.name} IN ({places})"


_SAME_NIK = _at(NIK, "equal-and-fits", "equal-nothing-to-fit", "equal")
_CLOSE = _at(
    NAME, "equal", "sounds-the-same", "nearly-the-same", "one-within-the-other", "one-word-of-the-other", "alike"
)
_BORN_FITS = f"NOT {_at(BORN, 'differs')}"
# Stage 1, deterministic: the number, with a name and a date that could be its person's.
CERTAIN = f"({_SAME_NIK} AND {_CLOSE} AND {_BORN_FITS})"
_CUT = _at(NIK, "rounded", "equal-as-far-as-sound")
_NO_NIK = _at(NIK, "missing")
_ELSEWHERE = _at(HOUSEHOLD, "mother", "elsewhere", "elsewhere-other-mother")

_DECIDED = f"""
WITH
judged AS (
    SELECT *, {CERTAIN} AS certain, pow(2.0, least(score, 900.0)) AS odds,
        {_SAME_NIK} AS same_nik
    FROM scored
),
placed AS (       -- what is certain comes first, then what the evidence puts first
    SELECT *,
        row_number() OVER best AS place,
        count(*) OVER of_row AS candidates,
        count(*) FILTER (certain) OVER of_row AS certain_ones,
        count(*) FILTER (same_nik) OVER of_row AS of_same_nik,
        sum(odds) OVER whole AS all_odds,
        lead(score) OVER best AS runner_up
    FROM judged
    WINDOW
        of_row AS (PARTITION BY list_row),
        best AS (PARTITION BY list_row ORDER BY certain DESC, score DESC, ordinal),
        whole AS (PARTITION BY list_row ORDER BY odds, ordinal   -- always added up in one order
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
),
first AS (
    SELECT *, odds / (1.0 + all_odds) AS probability, score - runner_up AS margin FROM placed WHERE place = 1
),
banded AS (
    SELECT *,
        CASE
            WHEN certain AND certain_ones = 1 THEN 'match'
            WHEN certain THEN CASE WHEN margin >= $margin THEN 'match' ELSE 'review' END
            WHEN probability >= $accept AND (margin IS NULL OR margin >= $margin) THEN 'match'
            WHEN all_odds / (1.0 + all_odds) >= $consider THEN 'review'   -- somebody of them
            ELSE 'none'
        END AS band
    FROM first
)
SELECT list_row, ordinal, band, probability, score, margin, candidates,
    CASE
        WHEN band = 'match' AND {_SAME_NIK} THEN 'NIK_DAN_DATA_COCOK'
        WHEN band = 'match' AND {_CUT} THEN 'NIK_RUSAK_EXCEL'
        WHEN band = 'match' AND {_NO_NIK} THEN 'TANPA_NIK_DATA_COCOK'
        WHEN band = 'match' THEN 'NIK_SALAH_KETIK'
        WHEN band = 'review' AND certain_ones > 1 THEN 'NIK_GANDA'
        WHEN band = 'review' AND margin < $margin THEN 'KANDIDAT_SERUPA'
        WHEN band = 'review' THEN 'BUKTI_KURANG'
        WHEN of_same_nik > 0 THEN 'NIK_MILIK_ORANG_LAIN'
        ELSE 'BUKTI_KURANG'
    END AS reason,
    certain, {_ELSEWHERE} AS elsewhere,
    {", ".join(f"level_{one.name}" for one in COMPARISONS)},
    {", ".join(EVIDENCE)}
FROM banded
ORDER BY list_row
"""  # noqa: S608  # our own words


def decided(con: duckdb.DuckDBPyConnection, scored: pa.Table, policy: Decision) -> pa.Table:
    """One line for each row that has a candidate: `list_row, ordinal, band, probability, score, margin, candidates,
    reason, certain, elsewhere`, and levels and bits of the best pair. `ordinal` also of a row with band "none"."""
    con.register("scored", scored)
    found = con.sql(
        _DECIDED, params={"accept": policy.accept, "margin": policy.margin, "consider": policy.consider}
    ).to_arrow_table()
    con.unregister("scored")
    return found
