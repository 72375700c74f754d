"""The rows of a set meet the persons of the release before: each is laid where its person stands, or held."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.survivorship import Survivorship
from bagipakai.registry.building.held import NEW, PAST, REVIEW, Holding
from bagipakai.registry.building.sets import FILE, LINE, Handed
from bagipakai.registry.building.stretches import spans
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.deciding import MATCH, NONE
from bagipakai.registry.matching.deciding import REVIEW as UNSURE
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.matching.sources import CALLED
from bagipakai.registry.shares import Shares

NUMBER: Final = "number"  # of the person whose row it is: the place in the release before
TOLD: Final = "tanggal_pemutakhiran"  # when the source itself was told, where it says so
PLACE: Final = "kode_desa"
EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass
class Met:
    """What became of the rows of one set: counts only. `reasons` of those that were held."""

    handed: Handed
    bands: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    newborn: int = 0
    twice: int = 0

    def to_json(self) -> dict[str, Any]:
        bands = {band: self.bands[band] for band in ("match", "review", "none")}
        more = {"twice": self.twice, "newborn": self.newborn, "reasons": dict(sorted(self.reasons.items()))}
        return self.handed.to_json() | bands | more


def columns(handed: Handed, policy: Survivorship) -> list[str]:
    """What is asked of a set: its variables, whether somebody died, and what tells the place and the day of a row."""
    wanted = {*policy.asked_of(handed.source), PLACE, TOLD}
    if policy.death.source == handed.source:
        wanted.add(policy.death.column)
    return [name for name in handed.contract.names if name in wanted]


def meet(
    handed: Handed,
    matching: Matching,
    policy: Survivorship,
    before: date,
    day: date,
    laid: Sequence[Shares],
    ends: Numbers,
    held: Holding,
    told: Callable[[int], object],
) -> Met:
    """Matches every row of a set. Those that are somebody's for certain are laid in the stretch of their person, whose
    last numbers are `ends`; the others are held. `before`: the day of the release before. Raises Damaged, OSError."""
    met, wanted = Met(handed), columns(handed, policy)
    for rows in handed.tables():
        given = rows.rename_columns([CALLED.get(name, name) for name in rows.column_names])
        found = matching.of(features(given, day))
        met.bands.update(found["band"].to_pylist())
        sure = pc.equal(found["band"], MATCH)
        _lay(rows.filter(sure), found.filter(sure), handed, wanted, laid, ends)
        answers = pa.table({"alasan": found["reason"], "calon": found["registry_id"], "peluang": found["probability"]})
        none, dead = pc.equal(found["band"], NONE), said_to_be_dead(rows, policy, handed, day)
        for kind, these in (
            (REVIEW, pc.equal(found["band"], UNSURE)),
            (NEW, pc.and_(none, pc.invert(dead))),
            (PAST, pc.and_(none, dead)),
        ):
            some, why = rows.filter(these), answers.filter(these)
            held.add(kind, handed.source, pa.table({**_columns(some), **_columns(why)}))
            met.reasons.update(why["alasan"].to_pylist())
            if kind == NEW and "tanggal_lahir" in some.column_names:
                met.newborn += pc.sum(pc.greater(some["tanggal_lahir"], pa.scalar(before))).as_py() or 0
        told(len(rows))
    return met


def said_to_be_dead(rows: pa.Table, policy: Survivorship, handed: Handed, day: date) -> pa.ChunkedArray:
    """Of whom the source of deaths says that they died by `day`."""
    if handed.source != policy.death.source:
        return pa.chunked_array([pa.repeat(pa.scalar(False), len(rows))])
    return pc.fill_null(pc.less_equal(rows[policy.death.column], pa.scalar(day)), False)


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _lay(
    rows: pa.Table, found: pa.Table, handed: Handed, wanted: Sequence[str], laid: Sequence[Shares], ends: Numbers
) -> None:
    number = found["registry_id"].to_numpy().astype(np.int64)
    day = np.full(len(rows), handed.day.toordinal())
    table = {name: rows[name] for name in wanted if name != TOLD}
    if TOLD in wanted:
        day = _days(rows[TOLD], handed.day)
    table |= {
        NUMBER: pa.array(number),
        "day": pa.array(day, pa.int32()),
        "certain": pc.equal(found["stage"], 1),
        "probability": found["probability"],
        FILE: rows[FILE],
        LINE: rows[LINE],
    }
    whole = pa.table(table)
    stretch = np.searchsorted(ends, number, side="right")
    order = np.argsort(stretch, kind="stable")
    whole, stretch = whole.take(pa.array(order)), stretch[order]
    for start, end in spans(stretch):
        laid[stretch[start]].add(whole.slice(start, end - start))


def _days(told: pa.ChunkedArray, sent: date) -> Numbers:
    """When the source was told each row, as ordinals: the first day of that quarter, or of that year where it is longer
    ago than a year. A release numbers combinations of days, and single days would be too many of them (decision 0097).
    Of a row that does not say, or says a day to come, the day on which the set was sent."""
    long_ago = pc.less(told, pa.scalar(sent.replace(year=sent.year - 1, day=1)))
    quarter, year = (pc.floor_temporal(told, unit=unit) for unit in ("quarter", "year"))
    begun = pc.if_else(long_ago, year, quarter).cast(pa.date32()).cast(pa.int32())
    known = pc.fill_null(pc.less_equal(told, pa.scalar(sent)), False).to_numpy()
    found: Numbers = np.where(known, pc.fill_null(begun, 0).to_numpy() + EPOCH, sent.toordinal())
    return found


def one_each(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """For each person the row that is likeliest theirs, of equal ones the first, by person; and the others."""
    number, likely = rows[NUMBER].to_numpy(), rows["probability"].to_numpy()
    order = np.lexsort((rows[LINE].to_numpy(), rows[FILE].to_numpy(), -likely, number))
    first = firsts(number[order])
    again = np.ones(len(order), bool)
    again[first] = False
    return rows.take(pa.array(order[first])), rows.take(pa.array(order[again]))
