"""What clerks' verdicts are good for: how far they agree, how right matching was, and what the next model learns.

All that enters are the levels, bands and chances of pairs and the verdicts on them; no value of anybody. A pair counts
as many pairs as it was drawn from (`weight`), so a sample of what was matched and all that was left open stand beside
each other as they do in life. Sources: Cohen (1960) for agreement; Horvitz and Thompson (1952) for weights.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.matching_quality import wilson
from bagipakai.core.reviews import Verdict
from bagipakai.registry.matching.comparisons import BORN, BORN_AND_NIK, COMPARISONS, NIK, TRAINED, Comparison

BY_A_CLERK: Final = "DIPASTIKAN_PENELAAH"
NOBODY: Final = "TIDAK_DITEMUKAN"  # where a clerk says that it is somebody else
LEVELS: Final = tuple(f"level_{one.name}" for one in COMPARISONS)
SAID: Final = pa.schema(  # what is told of each labelled pair; the file of it names nobody
    [
        ("band", pa.string()),
        ("stage", pa.int8()),
        ("probability", pa.float64()),
        ("weight", pa.float64()),
        *((name, pa.string()) for name in LEVELS),
        ("twice", pa.bool_()),
        ("verdicts", pa.list_(pa.string())),
        ("verdict", pa.string()),
    ]
)


def said(labelled: Iterable[pa.Table]) -> pa.Table:
    """Of labelled pairs (`reviews.labelled`) of any number of lists, what SAID names and nothing else."""
    return pa.concat_tables([SAID.empty_table(), *(one.select(SAID.names).cast(SAID) for one in labelled)])


# what clerks decided of rows that were left open


def settled(found: pa.Table, decided: pa.Table) -> pa.Table:
    """The answers (`Matching.of`, row for row) with what clerks decided of them (`reviews.decided`). Only of rows that
    matching left open, and only where it is the same person whom they looked at: of what was matched without a clerk
    they judge a sample, to measure it, and one slip of theirs is likelier there than one of matching."""
    rows = decided["row"].to_numpy()
    decided = decided.filter(pa.array(rows < len(found)))
    at = decided["row"]
    meant = found.select(["band", "registry_id"]).take(at)
    holds = pc.and_(pc.equal(meant["band"], "review"), pc.equal(meant["registry_id"], decided["ordinal"]))
    decided = decided.filter(holds.fill_null(False))
    yes, no = np.zeros(len(found), bool), np.zeros(len(found), bool)
    same = decided["same"].to_numpy()
    yes[decided["row"].to_numpy()[same]] = True
    no[decided["row"].to_numpy()[~same]] = True
    for name, if_yes, if_no in (
        ("band", "match", "none"),
        ("reason", BY_A_CLERK, NOBODY),
        ("registry_id", found["registry_id"], None),
    ):
        place = found.column_names.index(name)
        kind = found.schema.field(name).type
        told = pc.if_else(pa.array(no), pa.scalar(if_no, kind), found[name])
        found = found.set_column(place, name, pc.if_else(pa.array(yes), if_yes, told))
    return found


# how far clerks agree, and how right matching was


@dataclass(frozen=True, slots=True)
class Right:
    """Of so many pairs on which clerks decided, how many are one person; `unsure`: pairs of which nobody could tell.
    `rows`: how many rows those decided stand for, `yes_rows` of them are one person; `effective`: how many pairs would
    say as much if each stood for as many rows (Kish, 1965)."""

    yes: int
    decided: int
    unsure: int
    rows: float
    yes_rows: float
    effective: int

    @property
    def share(self) -> float | None:
        """Of the rows (the ratio of Horvitz and Thompson)."""
        return self.yes_rows / self.rows if self.rows else None

    @property
    def between(self) -> tuple[float, float]:
        """Where the true share lies, 95 times in 100 (Wilson, 1927)."""
        return wilson(self.effective * (self.share or 0.0), self.effective)


@dataclass(frozen=True, slots=True)
class Quality:
    """`pairs` that anybody judged; `verdicts` of the settled ones. `twice`: judged by two, of whom `agreed` said the
    same; `kappa` is their agreement beyond chance, None where it cannot be said; `arbitrated` went to a third.
    `matched`: the sample of what was matched without a clerk; `automatic`: by stage. `left_open`: what matching left
    open. `nobody`: the sample of what was answered with nobody, of which the ones that are one person were missed.
    `bins`: tenth of the probability, effective pairs, mean probability and share that is one person, of the rows for
    which they stand."""

    pairs: int
    verdicts: Mapping[Verdict, int]
    twice: int
    agreed: int
    kappa: float | None
    arbitrated: int
    matched: Right
    automatic: Mapping[int, Right]
    left_open: Right
    nobody: Right
    bins: tuple[tuple[int, int, float, float], ...]


def quality(told: pa.Table) -> Quality:
    """What the labelled pairs (SAID) come to."""
    rows = told.select(["band", "stage", "probability", "weight", "verdicts", "verdict"]).to_pylist()
    both = [(row["verdicts"][0], row["verdicts"][1]) for row in rows if len(row["verdicts"]) > 1]
    sampled = [row for row in rows if row["band"] == "match"]
    return Quality(
        pairs=len(rows),
        verdicts={one: sum(row["verdict"] == one for row in rows) for one in Verdict},
        twice=len(both),
        agreed=sum(one == other for one, other in both),
        kappa=kappa(both),
        arbitrated=sum(len(row["verdicts"]) > 2 for row in rows),
        matched=_right(sampled),
        automatic={
            stage: _right(row for row in sampled if row["stage"] == stage)
            for stage in sorted({row["stage"] for row in sampled})
        },
        left_open=_right(row for row in rows if row["band"] == "review"),
        nobody=_right(row for row in rows if row["band"] == "none"),
        bins=_bins([row for row in rows if _is_decided(row)]),
    )


def kappa(both: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's: how much of what chance leaves over two people agree on. None where nothing is left over, or nobody
    judged."""
    if not both:
        return None
    alike = sum(one == other for one, other in both) / len(both)
    first, second = (Counter(pair[at] for pair in both) for at in (0, 1))
    by_chance = sum(first[one] * second[one] for one in first) / len(both) ** 2
    return (alike - by_chance) / (1 - by_chance) if by_chance < 1 else None


def _is_decided(row: Mapping[str, object]) -> bool:
    return row["verdict"] in (Verdict.YES, Verdict.NO) and row["probability"] is not None


def _right(pairs: Iterable[Mapping[str, Any]]) -> Right:
    weights: dict[str | None, list[float]] = {}
    for pair in pairs:
        weights.setdefault(pair["verdict"], []).append(pair["weight"])
    yes, no, unsure = (weights.get(one, []) for one in (Verdict.YES, Verdict.NO, Verdict.UNSURE))
    decided = yes + no
    return Right(len(yes), len(decided), len(unsure), sum(decided), sum(yes), _effective(decided))


def _effective(weights: Sequence[float]) -> int:
    """Whole pairs, rounded down; what is whole but for the last bits of a float is whole."""
    return int(sum(weights) ** 2 / sum(one**2 for one in weights) + 1e-9) if weights else 0


def _bins(decided: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, int, float, float], ...]:
    bins: dict[int, list[tuple[float, float, bool]]] = {}
    for row in decided:
        one = (row["weight"], row["probability"], row["verdict"] == Verdict.YES)
        bins.setdefault(min(int(row["probability"] * 10), 9), []).append(one)
    told = []
    for at, some in sorted(bins.items()):
        weights = [weight for weight, _, _ in some]
        stated, true = (sum(one[0] * one[which] for one in some) / sum(weights) for which in (1, 2))
        told.append((at, _effective(weights), stated, true))
    return tuple(told)


# what a model learns


def learnt(
    same: Mapping[str, Mapping[str, float]], told: pa.Table, beside: float
) -> tuple[dict[str, dict[str, float]], float]:
    """How often levels are met among pairs of one person (m), where `same` is what is known without clerks and counts
    as much as `beside` pairs; and how many pairs, weighed, the labels speak for. Pairs on which nothing is decided
    teach nothing, nor does a side that is missing. Raises ValueError for a level that no comparison has."""
    yes = told.filter(pc.equal(told["verdict"], Verdict.YES.value))
    weight = yes["weight"].to_numpy()
    found = {}
    for one in TRAINED:
        met, known = _met(one, yes, weight), same[one.name]
        missing = {level.name for level in one.levels if level.missing}
        if not set(met) <= {*known, *missing}:
            raise ValueError(f"levels of {one.name} that the model does not have")
        there = sum(amount for name, amount in met.items() if name not in missing)
        found[one.name] = {
            name: (chance * beside + met.get(name, 0.0)) / (beside + there) for name, chance in known.items()
        }
    return found, float(weight.sum())


def _met(one: Comparison, pairs: pa.Table, weight: np.ndarray) -> dict[str, float]:
    """How many pairs, weighed, stand at each level."""
    if one is BORN_AND_NIK:
        names = pc.binary_join_element_wise(pairs[f"level_{BORN.name}"], pairs[f"level_{NIK.name}"], "/")
    else:
        names = pairs[f"level_{one.name}"]
    summed = pa.table({"level": names, "weight": weight}).group_by("level").aggregate([("weight", "sum")])
    return dict(zip(summed["level"].to_pylist(), summed["weight_sum"].to_pylist(), strict=True))
