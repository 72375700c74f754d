"""The pairs that clerks judge, made of a matched list: every row that matching left open, beside its best candidate,
and a drawn share of the rows that it answered by itself, so that their precision is measured (matching reference 4.8).

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

from bagipakai.core.policy import rules
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.letters import text_of
from bagipakai.registry.matching.policy import Reading
from bagipakai.registry.matching.values import WHOLE, Values, column
from bagipakai.registry.regions import regions
from bagipakai.registry.reviews import FIELDS, HIDDEN, LISTED, PERSON

MOST: Final = 200  # letters of a value that a clerk is shown
_SEXES: Final = pa.array(["L", "P"])

Persons: TypeAlias = Callable[[Numbers], pa.Table]  # the persons with these ids, in their order, in the bare columns


@dataclass(frozen=True, slots=True)
class Sample:
    """How many of the rows that were matched without a clerk are judged, too: `share` per mille, but at least `least`
    and at most `most`."""

    share: int
    least: int
    most: int

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule."""
        rule = rules("matching", "review").on(day)
        return cls(rule["sample"], rule["sample_least"], rule["sample_most"])

    def of(self, rows: int) -> int:
        return min(rows, self.most, max(self.least, rows * self.share // 1000))


def prepared(
    given: pa.Table, found: pa.Table, persons: Persons, sample: Sample, day: date, seed: int | None = None
) -> pa.Table:
    """The pairs of a list `given` (the standard columns as `lists.read` reads them) and what was found for its rows
    (`Matching.of`, row for row), for `reviews.keep`: what is shown, what is hidden, and the reason, the probability and
    levels of each pair. A `seed` draws the same sample again."""
    rows, weight = _chosen(found, sample, np.random.default_rng(secrets.randbits(128) if seed is None else seed))
    at = pa.array(rows)
    told = found.take(at)
    listed, people = given.take(at), persons(told["registry_id"].to_numpy())
    shown = {f"{LISTED}{name}": text for name, text in _side(listed, day).items()}
    shown |= {f"{PERSON}{name}": text for name, text in _side(people, day).items()}
    hidden = {
        "row": pa.array(rows),
        "ordinal": told["registry_id"],
        "band": told["band"],
        "score": told["score"],
        "stage": told["stage"],
        "weight": pa.array(weight),
    }
    kept = ("reason", "probability", *(name for name in found.column_names if name.startswith("level_")))
    pairs = pa.table(shown | {one.name: hidden[one.name].cast(one.type) for one in HIDDEN})
    for name in kept:
        pairs = pairs.append_column(name, told[name])
    return pairs


def _chosen(found: pa.Table, sample: Sample, dice: np.random.Generator) -> tuple[Numbers, Numbers]:
    """The places of the rows that are judged, in order, and for how many rows each stands. The sample is drawn from
    each stage by its size: what is certain by rule and what is likely are two promises."""
    somebody = pc.is_valid(found["registry_id"]).to_numpy()
    band = found["band"].combine_chunks()
    stage = found["stage"].fill_null(0).to_numpy()
    left_open = np.flatnonzero(pc.equal(band, "review").to_numpy(zero_copy_only=False) & somebody)
    sure = np.flatnonzero(pc.equal(band, "match").to_numpy(zero_copy_only=False) & somebody)
    drawn, weight = [left_open], [np.ones(len(left_open))]
    for one in np.unique(stage[sure]):
        of_stage = sure[stage[sure] == one]
        many = -(-sample.of(len(sure)) * len(of_stage) // len(sure))
        drawn.append(dice.permutation(of_stage)[:many])
        weight.append(np.full(many, len(of_stage) / many))
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
