"""The pairs that clerks judge, made of a matched list: every row that matching left open, beside its best candidate,
and a drawn share of the rows that it answered by itself (matching reference 4.8). Of those that it matched, so that its
precision is measured; of those that it answered with nobody, beside the candidate that was not good enough, so that it
is known how many persons it misses.

Both sides are laid out alike, so that what differs is what differs in the persons: dates as day-month-year where the
row's date was read whole, regions as names. What a row wrote otherwise stands as it was written.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.policy import Rule, rules
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.deciding import MATCH, NONE, REVIEW
from bagipakai.registry.matching.labels import BY_A_CLERK
from bagipakai.registry.matching.letters import text_of
from bagipakai.registry.matching.model import Model
from bagipakai.registry.matching.policy import Reading
from bagipakai.registry.matching.values import WHOLE, Values, column
from bagipakai.registry.regions import regions
from bagipakai.registry.reviews import FIELDS, HIDDEN, LISTED, PERSON

MOST: Final = 200  # letters of a value that a clerk is shown
BY: Final = "answered_by"  # of a pair: what its row was answered by
_SEXES: Final = pa.array(["L", "P"])

Persons: TypeAlias = Callable[[Numbers], pa.Table]  # the persons with these ids, in their order, in the bare columns


@dataclass(frozen=True, slots=True)
class Draw:
    """How many of some rows are judged: `share` per mille, but at least `least` and at most `most`."""

    share: int
    least: int
    most: int

    @classmethod
    def of_rule(cls, rule: Rule, name: str) -> Self:
        """Raises NoRule."""
        return cls(rule[name], rule[f"{name}_least"], rule[f"{name}_most"])

    def of(self, rows: int) -> int:
        return min(rows, self.most, max(self.least, rows * self.share // 1000))


@dataclass(frozen=True, slots=True)
class Sample:
    """How many of the rows that were answered without a clerk are judged, too: of those that were `matched`, and of
    those that are `nobody` though there was a candidate."""

    matched: Draw
    nobody: Draw

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule."""
        rule = rules("matching", "review").on(day)
        # The first rule did not speak of those who were answered with nobody: none of them was judged.
        nobody = Draw.of_rule(rule, "nobody") if "nobody" in rule.values else Draw(0, 0, 0)
        return cls(Draw.of_rule(rule, "sample"), nobody)


def answered_by(model: Model, day: date) -> str:
    """What a list is answered by on a day: the model, and since when its thresholds are in force. Raises PolicyError or
    NoRule."""
    return f"{model.digest}/{rules('matching', 'decision').on(day).since}"


def prepared(
    given: pa.Table, found: pa.Table, persons: Persons, sample: Sample, day: date, by: str, seed: int | None = None
) -> pa.Table:
    """The pairs of a list `given` (the standard columns as `lists.read` reads them) and what was found for its rows
    (`Matching.of`, row for row) `by` what they were answered, for `reviews.keep`: what is shown, what is hidden, and
    the reason, the probability and levels of each pair. A `seed` draws the same sample again."""
    beside = pc.coalesce(found["registry_id"], found["nearest"])
    dice = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    rows, weight = _chosen(found, beside, sample, dice)
    at = pa.array(rows)
    told, ordinals = found.take(at), beside.take(at)
    listed, people = given.take(at), persons(ordinals.to_numpy())
    shown = {f"{LISTED}{name}": text for name, text in _side(listed, day).items()}
    shown |= {f"{PERSON}{name}": text for name, text in _side(people, day).items()}
    hidden = {
        "row": pa.array(rows),
        "ordinal": ordinals,
        "band": told["band"],
        "score": told["score"],
        "stage": told["stage"],
        "weight": pa.array(weight),
    }
    kept = ("reason", "probability", *(name for name in found.column_names if name.startswith("level_")))
    pairs = pa.table(shown | {one.name: hidden[one.name].cast(one.type) for one in HIDDEN})
    for name in kept:
        pairs = pairs.append_column(name, told[name])
    return pairs.append_column(BY, pa.repeat(pa.scalar(by), len(pairs)))


def _chosen(
    found: pa.Table, beside: pa.ChunkedArray, sample: Sample, dice: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """The places of the rows that are judged, in order, and for how many rows each stands. A sample is drawn from each
    stage by its size: what is certain by rule and what is likely are two promises. What clerks said of a row before is
    no answer of matching, and they are not asked again."""
    somebody = pc.is_valid(beside).to_numpy()
    stage = found["stage"].fill_null(0).to_numpy()
    by_itself = somebody & pc.not_equal(found["reason"], BY_A_CLERK).to_numpy()
    band = {one: np.flatnonzero(pc.equal(found["band"], one).to_numpy() & by_itself) for one in (MATCH, REVIEW, NONE)}
    drawn, weight = [band[REVIEW]], [np.ones(len(band[REVIEW]))]
    for rows, draw in ((band[MATCH], sample.matched), (band[NONE], sample.nobody)):
        for one in np.unique(stage[rows]):
            of_stage = rows[stage[rows] == one]
            many = -(-draw.of(len(rows)) * len(of_stage) // len(rows))
            drawn.append(dice.permutation(of_stage)[:many])
            weight.append(np.full(many, len(of_stage) / max(many, 1)))
    rows = np.concatenate(drawn).astype(np.int64)
    order = np.argsort(rows)
    return rows[order], np.concatenate(weight)[order]


def _side(rows: pa.Table, day: date) -> dict[str, pa.Array]:
    """FIELDS of one side, as a clerk reads them."""
    values = Values.of(rows, Reading.on(day))
    text = {name: pc.utf8_slice_codeunits(text_of(column(rows, name)), 0, MOST) for name in FIELDS if name != "wilayah"}
    if "tanggal_lahir" in rows.column_names:
        text["tanggal_lahir"] = _dates(rows, text["tanggal_lahir"], values)
    known = _SEXES.take(pa.array(np.maximum(values.sex, 1) - 1))
    text["jenis_kelamin"] = pc.if_else(pa.array(values.sex > 0), known, text["jenis_kelamin"])
    text["wilayah"] = _regions(values)
    return {name: text[name] for name in FIELDS}


def _dates(rows: pa.Table, written: pa.Array, values: Values) -> pa.Array:
    if pa.types.is_date(rows.schema.field("tanggal_lahir").type):
        return pc.strftime(rows["tanggal_lahir"].combine_chunks(), format="%d-%m-%Y")
    read = values.born
    clear = (read.part == WHOLE) & (read.doubt == 0)
    return pc.if_else(pa.array(clear), pc.strftime(read.born, format="%d-%m-%Y"), written)


def _regions(values: Values) -> pa.Array:
    """The smallest region that is known and those around it, by name, but for the province."""
    known, said = regions(), dict[int, str]()
    found: list[str | None] = []
    for levels in zip(*(one.tolist() for one in values.regions()[::-1]), strict=True):
        code = next((one for one in levels if one), 0)
        if code not in said:
            said[code] = _named(str(code), known)
        found.append(said[code] or None)
    return pa.array(found, pa.string())


def _named(code: str, known: Any) -> str:
    names = [known[code[:length]].name for length in (10, 6, 4) if len(code) >= length and code[:length] in known]
    return ", ".join(names) or (code if code != "0" else "")
