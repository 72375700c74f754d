"""How good a matching result is, against the truth: of a synthetic list, or as clerks said it.

A row is *given* if its band is `match`; it is *right* if the person given is the person it is. P = right / given;
R = right / rows whose person is in the registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from bagipakai.core.matching_quality import AT_LEAST, FINDING, Tally, f1

__all__ = ["AT_LEAST", "DAY", "FINDING", "GROUPS", "OF_PERSONS", "Evaluation", "Score", "evaluated", "f1"]

DAY = date(2026, 7, 1)  # on which the persons of a synthetic registry are as old as they are

# One row per row of the list, whatever the result has: a row it leaves out is answered `none`.
_JUDGED = """
CREATE TEMP TABLE judged AS
WITH
answers AS (       -- the one best candidate of a row
    SELECT CAST(list_id AS VARCHAR) AS list_id, band, registry_id AS found, probability FROM result
)
SELECT
    truth.list_id,
    truth.damage,
    truth.registry_id,
    coalesce(answers.band, 'none') AS band,
    coalesce(answers.probability, 0) AS probability,
    answers.found IS NOT NULL AS proposed,
    truth.registry_id IS NOT NULL AS present,
    coalesce(answers.found = truth.registry_id, false) AS same
FROM truth LEFT JOIN answers USING (list_id)
"""

_COUNTS = """
    count(*) AS rows,
    count(*) FILTER (WHERE present) AS present,
    count(*) FILTER (WHERE band = 'match') AS given,
    count(*) FILTER (WHERE band = 'match' AND same) AS right_,
    count(*) FILTER (WHERE band = 'review') AS review,
    count(*) FILTER (WHERE band = 'review' AND same) AS review_right
"""

# What one says when every candidate from a probability upwards is taken; equal probabilities are taken together.
_CURVE = """
WITH
steps AS (
    SELECT probability, count(*) AS given, count(*) FILTER (WHERE same) AS right_
    FROM judged WHERE proposed GROUP BY probability
)
SELECT sum(given) OVER taken, sum(right_) OVER taken FROM steps
WINDOW taken AS (ORDER BY probability DESC ROWS UNBOUNDED PRECEDING)
"""

_CALIBRATION = """
SELECT least(CAST(floor(probability * 10) AS INTEGER), 9) AS bin, count(*), avg(probability), avg(CAST(same AS DOUBLE))
FROM judged WHERE proposed GROUP BY bin ORDER BY bin
"""

_DAMAGES = f"""
WITH each AS (
    SELECT *, unnest(if(len(damage) = 0, ['undamaged'], damage)) AS kind FROM judged
)
SELECT kind, {_COUNTS} FROM each GROUP BY kind ORDER BY kind
"""  # noqa: S608  # the texts are this file's

_PEOPLE = """
CREATE TEMP TABLE people AS
WITH
siblings AS (      -- born on one day of one mother in one family
    SELECT no_kk, nama_ibu, tanggal_lahir FROM registry
    WHERE no_kk IS NOT NULL AND nama_ibu IS NOT NULL
    GROUP BY ALL HAVING count(*) > 1
)
SELECT
    registry_id,
    CASE jenis_kelamin WHEN '1' THEN 'L' WHEN '2' THEN 'P' ELSE jenis_kelamin END AS sex,  -- a release has codes
    CASE
        WHEN tanggal_lahir IS NULL THEN NULL
        WHEN tanggal_lahir > $day - INTERVAL 5 YEAR THEN '00-04'
        WHEN tanggal_lahir > $day - INTERVAL 18 YEAR THEN '05-17'
        WHEN tanggal_lahir > $day - INTERVAL 30 YEAR THEN '18-29'
        WHEN tanggal_lahir > $day - INTERVAL 60 YEAR THEN '30-59'
        ELSE '60+'
    END AS age,
    coalesce(kode_prov, left(kode_kab, 2)) AS province,
    CASE contains(nama, ' ') WHEN true THEN 'several' WHEN false THEN 'one' END AS words_of_the_name,
    CASE strftime(tanggal_lahir, '%m%d') IN ('0101', '1231', '0701')
        WHEN true THEN 'default' WHEN false THEN 'other'
    END AS date_of_birth,
    CASE WHEN siblings.no_kk IS NOT NULL THEN 'twin' WHEN nama_ibu IS NOT NULL THEN 'other' END AS twins,
    coalesce(no_kk, CAST(registry_id AS VARCHAR)) AS family
FROM registry LEFT JOIN siblings USING (no_kk, nama_ibu, tanggal_lahir)
"""

_BY_GROUP = """
SELECT {0}, {1} FROM judged JOIN people USING (registry_id) WHERE {0} IS NOT NULL GROUP BY {0} ORDER BY {0}
"""
_FAMILIES = """
SELECT {0}, count(DISTINCT family) FROM judged JOIN people USING (registry_id) WHERE {0} IS NOT NULL GROUP BY {0}
"""
OF_PERSONS = ("registry_id", "jenis_kelamin", "tanggal_lahir", "kode_prov", "kode_kab", "nama", "nama_ibu", "no_kk")
GROUPS = ("sex", "age", "province", "words_of_the_name", "date_of_birth", "twins")


@dataclass(frozen=True, slots=True)
class Score(Tally):
    """As it is told to a program."""

    def told(self) -> dict[str, float | int]:
        return {
            "rows": self.rows,
            "present": self.present,
            "precision": round(self.precision, 6),
            "recall": round(self.recall, 6),
            "f1": round(self.f1, 6),
            "recall_after_review": round(self.recall_after_review, 6),
            "match": round(self.given / self.rows, 6) if self.rows else 0.0,
            "review": round(self.review / self.rows, 6) if self.rows else 0.0,
            "none": round(1 - (self.given + self.review) / self.rows, 6) if self.rows else 0.0,
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`recall_at`: the best recall at a precision of at least .999, over all thresholds; `best_f1` likewise. `bins`:
    (tenth of the probability, rows, mean probability, share right). `groups`: by question, then by answer, of the rows
    whose person is in the registry; `families`: of how many families those persons are."""

    overall: Score
    recall_at: float
    best_f1: float
    bins: tuple[tuple[int, int, float, float], ...]
    damages: Mapping[str, Score]
    groups: Mapping[str, Mapping[str, Score]]
    families: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def is_a_finding(self, score: Score, at_least: int = AT_LEAST) -> bool:
        """Its recall differs from that of all by more than FINDING, and it has `at_least` rows."""
        return score.present >= at_least and abs(score.recall - self.overall.recall) > FINDING

    def findings(self, at_least: int = AT_LEAST) -> list[str]:
        """The groups that have to be explained."""
        return [
            f"{question} = {answer}: recall {score.recall:.4f}, of all {self.overall.recall:.4f}"
            for question, answers in self.groups.items()
            for answer, score in answers.items()
            if self.is_a_finding(score, at_least)
        ]

    def told(self) -> dict[str, Any]:
        return {
            **self.overall.told(),
            "recall_at_precision_999": round(self.recall_at, 6),
            "best_f1": round(self.best_f1, 6),
            "calibration": [list(one) for one in self.bins],
            "damages": {kind: score.told() for kind, score in self.damages.items()},
            "groups": {
                question: {answer: score.told() for answer, score in answers.items()}
                for question, answers in self.groups.items()
            },
            "findings": self.findings(),
        }


def evaluated(result: pa.Table, truth: pa.Table, registry: pa.Table | None = None, *, day: date = DAY) -> Evaluation:
    """`result`: list_id, band (match, review, none), registry_id or null, probability; `truth`: list_id, registry_id or
    null, and damage (codes) if it is known. With the registry (OF_PERSONS; any but the first may be missing), also by
    groups of persons, as old as on `day`. Raises ValueError if a row is answered twice."""
    ids = result["list_id"].cast(pa.string())
    if len(ids.unique()) != len(ids):
        raise ValueError("a row of the list has more than one answer")
    with duckdb.connect() as base:
        base.register("result", result)
        base.register("truth", _with(truth, {"damage": pa.list_(pa.string())}))
        base.execute(_JUDGED).fetchall()
        (overall,) = _scores(base, f"SELECT 'all', {_COUNTS} FROM judged").values()  # noqa: S608
        curve = base.execute(_CURVE).fetchall()
        bins = base.execute(_CALIBRATION).fetchall()
        damages = _scores(base, _DAMAGES)
        groups, families = {}, {}
        if registry is not None:
            kinds = {name: pa.date32() if name == "tanggal_lahir" else pa.string() for name in OF_PERSONS}
            base.register("registry", _with(registry, kinds))
            base.execute(_PEOPLE, {"day": day}).fetchall()
            groups = {question: _scores(base, _BY_GROUP.format(question, _COUNTS)) for question in GROUPS}
            families = {
                question: {str(name): many for name, many in base.execute(_FAMILIES.format(question)).fetchall()}
                for question in GROUPS
            }
    ratios = [(right / given, right / overall.present if overall.present else 0.0) for given, right in curve]
    return Evaluation(
        overall,
        recall_at=max((recall for precision, recall in ratios if precision >= 0.999), default=0.0),
        best_f1=max((f1(precision, recall) for precision, recall in ratios), default=0.0),
        bins=tuple((bin_, rows, round(stated, 6), round(found, 6)) for bin_, rows, stated, found in bins),
        damages=damages,
        groups=groups,
        families=families,
    )


def _scores(base: duckdb.DuckDBPyConnection, question: str) -> dict[str, Score]:
    return {str(name): Score(*counts) for name, *counts in base.execute(question).fetchall()}


def _with(table: pa.Table, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """The table, with nulls for those columns that it lacks."""
    for name, kind in kinds.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), kind))
    return table
