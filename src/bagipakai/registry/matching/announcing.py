"""What of an evaluation may be told to everybody: the registry's statement of quality (decision 0139).

Two promises. A group of persons that is too small is not told, and cannot be had by subtraction: the rule for tables of
counts, with its partners. And what is stated was measured: a result that the named model, or the policy of the named
day, would not have given is not stated about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.disclosure import Cell, Disclosure, hide
from bagipakai.core.matching_quality import (
    MILLION,
    Bin,
    Clerks,
    MatchingQuality,
    Measured,
    Sampled,
    Tally,
    Thresholds,
    is_answer,
)
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching.comparisons import COMPARISONS, PLACES
from bagipakai.registry.matching.evaluation import Evaluation
from bagipakai.registry.matching.labels import Right, quality, said
from bagipakai.registry.matching.model import Model
from bagipakai.registry.matching.pairs import BY, answered_by
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.results import TWICE
from bagipakai.registry.matching.weighing import Weighing

NEAR = 1e-6  # bits, and of a probability
# The levels that weigh the same in every list: neither how often a name is borne nor how near the list lies is in them.
_ALIKE = {
    one: frozenset(level.name for level in one.levels if not (level.by_name or level.name in PLACES))
    for one in COMPARISONS
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A list of `kind`, matched with a registry of `persons`; `seed` as in core.matching_quality.Measured."""

    kind: str
    persons: int
    seed: int | None
    evaluation: Evaluation


def statement(
    lists: Sequence[Judged], model: Model, day: date, clerks: Clerks | None = None
) -> MatchingQuality | Refusal:
    """The statement of `day`, under its policy; the first list is told by groups of persons. A Refusal where a list is
    so small that nothing of it may be told. Raises NoRule, PolicyError."""
    rule, policy = Disclosure.on(day), rules("matching", "decision").on(day)
    for one in lists:
        present = one.evaluation.overall.present
        if not rule.passes(Cell((), present, present)):
            return Refusal("table-too-small", {"smallest": str(rule.smallest_persons)})
    first = lists[0].evaluation
    return MatchingQuality(
        model=model.version,
        model_digest=model.digest,
        normaliser=model.normaliser,
        thresholds=Thresholds(policy.since, policy.basis, policy["accept"], policy["consider"], policy["margin"]),
        measured_on=day,
        lists=tuple(Measured(one.kind, one.persons, one.seed, _tally(one.evaluation.overall)) for one in lists),
        groups={question: _groups(question, first, rule) for question, answers in first.groups.items() if answers},
        bins=_bins([one.evaluation for one in lists], rule),
        clerks=clerks,
    )


def clerks(labelled: Iterable[pa.Table], model: Model, day: date) -> Clerks | None:
    """What clerks said (`reviews.labelled`) of rows that this model answered under the thresholds of this day; None
    where they said nothing of any. Raises NoRule, PolicyError."""
    by = answered_by(model, day)
    ours = said(one.filter(pc.equal(one[BY], by)) for one in labelled if BY in one.column_names)
    told = quality(ours)
    if not told.pairs:
        return None
    return Clerks(told.twice, told.agreed, told.arbitrated, _sampled(told.matched), _sampled(told.nobody))


def _sampled(one: Right) -> Sampled:
    yes, no = round(one.yes_rows), round(one.rows - one.yes_rows)
    return Sampled(yes + no, yes, one.decided, one.yes, one.unsure, one.effective)


def was_made_by(result: pa.Table, model: Model, day: date) -> bool:
    """Whether the weights of this model, as far as they are the same for every list, and the policy of this day explain
    what the result says."""
    columns = {f"{what}_{one.name}" for one in COMPARISONS for what in ("level", "bits")}
    if not {*columns, "stage", "candidates", "reason"} <= set(result.column_names):
        return False
    return _weighs_as(result, model) and _decides_as(result, Decision.on(day))


def _weighs_as(result: pa.Table, model: Model) -> bool:
    levels = [f"level_{one.name}" for one in COMPARISONS]
    met = (
        result.filter(pc.is_valid(result[levels[0]]))
        .group_by(levels)
        .aggregate([(f"bits_{one.name}", most) for one in COMPARISONS for most in ("min", "max")])
    )
    at = {}
    for one in COMPARISONS:
        places = {level.name: place for place, level in enumerate(one.levels)}
        named = met[f"level_{one.name}"].to_pylist()
        if not set(named) <= places.keys():
            return False
        at[one.name] = np.array([places[name] for name in named], dtype=np.intp)
    anywhere = dict.fromkeys(("desa", "kec", "kab"), 1.0)
    weighed = Weighing(model, 1, 0.5, anywhere, 1).bits(at, np.ones(len(met)))
    for one, alike in _ALIKE.items():
        held = np.isin(met[f"level_{one.name}"].to_numpy(zero_copy_only=False), list(alike))
        for most in ("min", "max"):
            said = met[f"bits_{one.name}_{most}"].to_numpy()
            if not np.allclose(said[held], weighed[f"bits_{one.name}"][held], rtol=0, atol=NEAR):
                return False
    return True


def _decides_as(result: pa.Table, policy: Decision) -> bool:
    """A row with one candidate, that no rule took before, is decided by its probability alone."""
    alone = pc.and_(pc.equal(result["candidates"], 1), pc.equal(result["stage"], 2))
    rows = result.filter(pc.and_(alone, pc.not_equal(result["reason"], TWICE)))
    probability, band = rows["probability"].to_numpy(), rows["band"].to_numpy(zero_copy_only=False)
    least = np.select([band == "match", band == "review"], [policy.accept, policy.consider], 0.0)
    most = np.select([band == "match", band == "review"], [1.0, policy.accept], policy.consider)
    return bool(np.all((probability >= least - NEAR) & (probability <= most + NEAR)))


def _tally(score: Tally) -> Tally:
    return Tally(*astuple(score))


def _groups(question: str, evaluation: Evaluation, rule: Disclosure) -> dict[str, Tally | None]:
    """Persons whose answer is not known, or is none of ours, are a group too: small ones give others back."""
    answers, families = evaluation.groups[question], evaluation.families.get(question, {})
    told = {answer: score for answer, score in answers.items() if is_answer(question, answer)}
    cells = {answer: (score.present, families.get(answer, 0)) for answer, score in told.items()}
    if rest := evaluation.overall.present - sum(persons for persons, _ in cells.values()):
        cells[""] = (rest, rest)
    shown = _shown(question, cells, rule)
    return {answer: _tally(score) if answer in shown else None for answer, score in told.items()}


def _bins(evaluations: Sequence[Evaluation], rule: Disclosure) -> dict[int, Bin | None]:
    """Of all lists together: a good list alone hardly has a row between sure and nobody."""
    told: dict[int, Bin] = {}
    for tenth, rows, stated, true in sorted(one for each in evaluations for one in each.bins):
        before = told.get(tenth, Bin(0, 0, 0))
        whole = before.rows + rows
        mean = round((before.rows * before.stated + rows * stated * MILLION) / whole)
        told[tenth] = Bin(whole, mean, before.right + round(true * rows))
    shown = _shown("tenth", {str(tenth): (one.rows, one.rows) for tenth, one in told.items()}, rule)
    return {tenth: one if str(tenth) in shown else None for tenth, one in told.items()}


def _shown(question: str, cells: Mapping[str, tuple[int, int]], rule: Disclosure) -> set[str]:
    """Of groups with so many persons and families, those that may be told. A chart with many small groups is told for
    the sake of the others; a table would be drawn up anew."""
    persons, families = (sum(counts) for counts in zip(*cells.values(), strict=True)) if cells else (0, 0)
    grouped = (Cell((answer,), *counts) for answer, counts in cells.items())
    whole = replace(rule, smallest_mean=0, most_small_percent=100)
    table = hide((question,), "individu", [Cell((), persons, families), *grouped], whole)
    return set() if isinstance(table, Refusal) else {str(one.key[0]) for one in table.lines if one.key and one.count}
