"""Two releases side by side: who came, left, moved and changed decile, and whom a programme's line would gain or lose.

Persons are the same where their NIK is; families, where a plan chooses families, where their card number is. A number
that is missing, or stands twice in either release, names nobody: such rows are counted as not comparable, not guessed.
Each file is read once; what is compared of its rows is laid apart by number, sealed, and joined share by share, so
memory does not grow with the nation. Only counts leave; small ones are for the house alone unless
`shown` has hidden them. Decisions 0098, 0111.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from pyroaring import BitMap

from bagipakai.core.disclosure import Cell, Disclosure, Table, hide
from bagipakai.core.plan import Unit
from bagipakai.core.query import Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.registry.engines.duckdb import condition
from bagipakai.registry.engines.words import Sql
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.quality import IDENTIFIERS
from bagipakai.registry.releases import Release
from bagipakai.registry.shares import Shares, again
from bagipakai.registry.shelf import Shelf

MEMORY = "600MB"
ROWS_A_SHARE = 4_000_000  # of both releases, joined at once
FORM, IMPACT_FORM = "bagipakai-difference-1", "bagipakai-impact-1"
UNRANKED: Final = "-"
_KEY = {unit: next(iter(IDENTIFIERS[unit].values())) for unit in Unit}  # the identifier as a number
EVENTS: Final = (
    *("born", "registered", "left", "moved_in", "moved_out", "moved_within"),
    *("decile_up", "decile_down", "ranked", "unranked"),
)

PLACED: Final = EVENTS[:-2]  # told by place where a table leaves: what is rare everywhere is told of the nation only


class ComparisonError(Exception):
    """The comparing failed. Names the kind of failure, never a value."""


@dataclass
class Difference:
    """Counts of persons. `events`: (regency, event) → how many; `moved` by the largest place that changed; `deciles`:
    (before, after) → how many of those in both; `stayed`: all in both; `unlinked`: not comparable, before and after."""

    old: Release
    new: Release
    stayed: int = 0
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    deciles: Counter[tuple[str, str]] = field(default_factory=Counter)

    def total(self, event: str, within: str = "") -> int:
        """Of one event in the nation, or in the places whose code begins so."""
        return sum(count for (kab, one), count in self.events.items() if one == event and kab.startswith(within))

    @property
    def unlinked(self) -> tuple[int, int]:
        came = self.total("born") + self.total("registered")
        return (
            self.old.person_count - self.stayed - self.total("left"),
            self.new.person_count - self.stayed - came,
        )

    def to_json(self) -> dict[str, Any]:
        """Every count, small ones too: for the house alone."""
        before, after = self.unlinked
        return {
            **_heading(FORM, self.old, self.new),
            "persons": {"before": self.old.person_count, "after": self.new.person_count, "in_both": self.stayed},
            "not_comparable": {"before": before, "after": after},
            "nation": {event: self.total(event) for event in EVENTS},
            "moved": dict(sorted(self.moved.items())),
            "deciles": [[*pair, count] for pair, count in sorted(self.deciles.items())],
            "provinces": self._by(2),
            "regencies": self._by(4),
        }

    def shown(self, rule: Disclosure) -> dict[str, Any]:
        """The same as it may leave: a place where any event is small is hidden for all of them, with partners, so that
        neither its province nor the tables of both releases give it back; the provinces likewise."""
        most = max(self.old.most_members, self.new.most_members)  # so many persons are at least so many families
        whole = self.to_json()
        hidden: set[str] = set()
        everywhere = {kab for kab, _ in self.events}
        for event in PLACED:
            counts = {kab: self.events[kab, event] for kab in everywhere}
            table = hide(("kode_prov", "kode_kab"), "individu", _tree(counts, most), rule)
            if isinstance(table, Refusal):
                return {**_without_places(whole, rule, most), "hidden_because": table.code}
            hidden |= _hidden(table)
        for level in ("provinces", "regencies"):
            whole[level] = {
                code: None if code in hidden else {event: told[event] for event in PLACED}
                for code, told in whole[level].items()
            }
        return {
            **_without_places(whole, rule, most),
            "provinces": whole["provinces"],
            "regencies": whole["regencies"],
        } | {"hidden_places": len(hidden & everywhere)}

    def _by(self, digits: int) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for (kab, event), count in self.events.items():
            place = found.setdefault(kab[:digits], dict.fromkeys(EVENTS, 0))
            place[event] += count
        return dict(sorted(found.items()))


@dataclass
class Impact:
    """How many cross the line of a selection. `persons` and `families`: (regency, way) → how many; the way is `in` or
    `out`, and why: `in-entered` and `out-left` by coming into or leaving the registry, `in-changed` and `out-changed`
    by another answer. `deciles`: (decile, way), of where they are now or were last. `keep`: chosen by both."""

    old: Release
    new: Release
    unit: Unit
    keep: int = 0
    persons: Counter[tuple[str, str]] = field(default_factory=Counter)
    families: Counter[tuple[str, str]] = field(default_factory=Counter)
    deciles: Counter[tuple[str, str]] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Every count, small ones too: for the house alone."""

        def by(found: Counter[tuple[str, str]], digits: int) -> dict[str, dict[str, int]]:
            told: dict[str, dict[str, int]] = {}
            for (place, way), count in found.items():
                at = told.setdefault(place[:digits], {})
                at[way] = at.get(way, 0) + count
            return dict(sorted(told.items()))

        return {
            **_heading(IMPACT_FORM, self.old, self.new),
            "unit": self.unit.value,
            "keep": self.keep,
            "nation": {"persons": by(self.persons, 0).get("", {}), "families": by(self.families, 0).get("", {})},
            "deciles": by(self.deciles, 2),
            "provinces": {"persons": by(self.persons, 2), "families": by(self.families, 2)},
            "regencies": {"persons": by(self.persons, 4), "families": by(self.families, 4)},
        }


Told = Callable[[int], object]  # is told how many more rows were read or compared


def heard(old: Release, new: Release, unit: Unit) -> int:
    """How many rows `told` hears of in all: each of both releases when it is read, and again when it was compared."""
    return 2 * sum(int(release.manifest["rows"][unit.value]) for release in (old, new))


def difference(
    old: Release, new: Release, storage: StorageKey, told: Told = lambda _: None, room: Path | None = None
) -> Difference:
    """Raises Damaged if either is not what was published, ComparisonError, OSError. `room`: a folder with space for
    what is laid apart, 8 to 14 bytes a row of each release; None is where the system keeps what is temporary."""
    found = Difference(old, new)
    born = Sql("coalesce(tanggal_lahir > getvariable('p0'), false) AS born", (old.reference_day,))
    for table in _shares(old, new, storage, Unit.INDIVIDU, born, _CHANGES, told, room):
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            _tally(found, *row)
    return found


def impact(
    old: Release,
    new: Release,
    storage: StorageKey,
    unit: Unit,
    chosen: Predicate | None,
    told: Told = lambda _: None,
    room: Path | None = None,
) -> Impact:
    """Who crosses the line of `chosen` (None: everybody) over rows of `unit`; `room` as above. Raises Damaged,
    ComparisonError, OSError, EngineError for a name that the catalogue does not have."""
    found = Impact(old, new, unit)
    crossing = {way: BitMap() for way in ("in-entered", "in-changed", "out-left", "out-changed")}  # families
    where = Sql("true", ())
    if chosen is not None:
        where = condition(chosen, {one.name: one.type for one in new.catalogue.of_unit(unit)})
    members = "1" if unit is Unit.INDIVIDU else "member_count"
    said = f"id_keluarga AS family, {members} AS members, coalesce(({where.text}), false) AS chosen"
    for table in _shares(old, new, storage, unit, Sql(said, where.values), _CROSSING, told, room):
        ways, places, deciles, rows, persons = (table.column(at).to_pylist() for at in range(5))
        for at, way in enumerate(ways):
            if way == "keep":
                found.keep += rows[at]
                continue
            found.persons[f"{places[at]:04d}", way] += persons[at]
            found.deciles[_decile(deciles[at]), way] += persons[at]
            crossing[way] |= BitMap(table.column(5)[at].values.to_numpy().astype(np.uint32))
    for way, families in crossing.items():
        release = new if way.startswith("in") else old
        for kab, rows in release.regencies(Unit.KELUARGA):
            if count := families.range_cardinality(rows.start, rows.stop):
                found.families[kab, way] += count
    return found


def _heading(form: str, old: Release, new: Release) -> dict[str, Any]:
    return {
        "form": form,
        "before": {"version": old.version, "digest": old.digest},
        "after": {"version": new.version, "digest": new.digest},
    }


_PLACES = {10**8: "province", 10**6: "regency", 10**4: "district", 1: "village"}


def _tally(found: Difference, was: Any, now: Any, was_desil: Any, now_desil: Any, born: bool, count: int) -> None:
    """One group of persons with the same places (by village where they moved), deciles and ways to come."""
    if now is None:
        found.events[_kab(was), "left"] += count
        return
    if was is None:
        found.events[_kab(now), "born" if born else "registered"] += count
        return
    found.stayed += count
    if was != now:
        found.moved[next(name for size, name in _PLACES.items() if was // size != now // size)] += count
        if _kab(was) == _kab(now):
            found.events[_kab(now), "moved_within"] += count
        else:
            found.events[_kab(was), "moved_out"] += count
            found.events[_kab(now), "moved_in"] += count
    found.deciles[_decile(was_desil), _decile(now_desil)] += count
    if was_desil != now_desil:
        event = (
            "ranked"
            if was_desil is None
            else "unranked"
            if now_desil is None
            else "decile_up"
            if now_desil > was_desil
            else "decile_down"
        )
        found.events[_kab(now), event] += count


def _kab(village: int) -> str:
    return f"{village // 10**6:04d}"


def _decile(desil: int | None) -> str:
    return UNRANKED if desil is None else f"{desil:02d}"


def _tree(counts: dict[str, int], most: int) -> Iterator[Cell]:
    """The counts by regency with their margins. Families are not counted: at least so many there must be."""
    margins: Counter[tuple[str, ...]] = Counter()
    for kab, count in counts.items():
        for key in ((), (kab[:2],), (kab[:2], kab)):
            margins[key] += count
    yield from (Cell(key, count, -(-count // most)) for key, count in margins.items())


def _hidden(table: Table) -> set[str]:
    return {str(line.key[-1]) for line in table.lines if line.key and line.count is None}


def _without_places(whole: dict[str, Any], rule: Disclosure, most: int) -> dict[str, Any]:
    """Without places; of the nation, what is small, or may be of few families, is not told, nor what would give it
    back: rows that are not comparable are what is missing from the flows, and the table of deciles or of moves adds up
    to totals told here."""
    least = max(rule.smallest_persons, (rule.smallest_families - 1) * most + 1)
    flows = ("born", "registered", "left")
    few = whole["persons"]["in_both"] < least
    told = {event: count if count >= least else None for event, count in whole["nation"].items()}
    moves = [whole["moved"].get(level, 0) for level in _PLACES.values()]
    return {
        **whole,
        "persons": whole["persons"] | ({"in_both": None} if few else {}),
        "not_comparable": None if few or any(told[event] is None for event in flows) else whole["not_comparable"],
        "nation": told,
        "moved": whole["moved"] if min(moves) >= least else None,
        "deciles": whole["deciles"] if not few and all(count >= least for *_, count in whole["deciles"]) else None,
        "provinces": None,
        "regencies": None,
    }


def _shares(
    old: Release,
    new: Release,
    storage: StorageKey,
    unit: Unit,
    said: Sql,
    query: str,
    told: Told,
    room: Path | None,
) -> Iterator[pa.Table]:
    """What `query` answers for each share of the numbers. In it `before` and `after` are the rows of both releases with
    such a number, their place, decile and what is `said` of them; `twice` are the numbers that name nobody."""
    select = _READ.format(number=_KEY[unit], said=said.text)
    rows = heard(old, new, unit) // 2
    count = max(1, -(-rows // ROWS_A_SHARE))
    try:
        with (
            duckdb.connect() as con,
            tempfile.TemporaryFile(dir=room) as file,
            old.reading(storage, unit) as was,
            new.reading(storage, unit) as now,
        ):
            _ready(con, said.values, (was, now))
            sides = {"before": Shares(file, count), "after": Shares(file, count)}
            for side, release, shelf in zip(sides.values(), (old, new), (was, now), strict=True):
                for one in (each for each in release.files if each.unit is unit):
                    con.execute("SET VARIABLE part = ?", [shelf.name(one.path)])
                    side.add(con.sql(select).to_arrow_table())
                    told(one.rows)
            for at in range(count):
                yield _answer(con, query, {name: side[at] for name, side in sides.items()})
                told(rows * (at + 1) // count - rows * at // count)
    except (duckdb.Error, pa.ArrowException, InvalidTag) as error:
        raise ComparisonError(type(error).__name__) from None


def _ready(con: duckdb.DuckDBPyConnection, values: Sequence[Any], shelves: Sequence[Shelf]) -> None:
    """Locked: from here on it reads these shelves, writes nothing, and can be told nothing else."""
    for shelf in shelves:
        shelf.given_to(con)
    for at, value in enumerate(values):
        con.execute(f"SET VARIABLE p{at:d} = ?", [value])
    for name, value in (
        ("threads", min(4, os.cpu_count() or 1)),
        ("enable_progress_bar", False),
        ("memory_limit", MEMORY),
        ("temp_directory", ""),  # it would spill in clear: a share fits
        ("preserve_insertion_order", False),
        ("allowed_directories", [f"{shelf.protocol}://" for shelf in shelves]),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("enable_external_access", False),
        ("lock_configuration", True),
    ):
        con.execute(f"SET {name} = ?", [value])


def _answer(con: duckdb.DuckDBPyConnection, query: str, share: dict[str, pa.Table]) -> pa.Table:
    twice = np.concatenate([again(table.column("number").to_numpy()) for table in share.values()])
    share["twice"] = pa.table({"number": twice})
    for name, table in share.items():
        con.register(name, table)
    try:
        return con.sql(query).to_arrow_table()
    finally:
        for name in share:
            con.unregister(name)


_READ = """SELECT
    {number} AS number,
    TRY_CAST(kode_desa AS BIGINT) AS village,
    CAST(desil AS SMALLINT) AS desil,
    {said}
FROM read_parquet(getvariable('part'), hive_partitioning = false) WHERE (({number}) IS NOT NULL)"""

_ONCE = """WITH
was AS (
    SELECT * FROM before ANTI JOIN twice USING (number)
),
now AS (
    SELECT * FROM after ANTI JOIN twice USING (number)
),"""

# The village matters where somebody moved; else the regency is enough, and makes fewer groups.
_CHANGES = f"""{_ONCE}
pairs AS (
    SELECT
        was.village AS was_village, now.village AS now_village,
        coalesce(was.village <> now.village, false) AS moved,
        was.desil AS was_desil, now.desil AS now_desil,
        coalesce(now.born, false) AS born
    FROM was FULL JOIN now ON (was.number = now.number)
),
placed AS (
    SELECT
        CASE WHEN moved THEN was_village ELSE was_village // 1000000 * 1000000 END AS was_place,
        CASE WHEN moved THEN now_village ELSE now_village // 1000000 * 1000000 END AS now_place,
        was_desil, now_desil, born
    FROM pairs
)
SELECT was_place, now_place, was_desil, now_desil, born, count(*) FROM placed GROUP BY ALL"""  # noqa: S608  # of this module

_CROSSING = f"""{_ONCE}
pairs AS (
    SELECT
        coalesce(was.chosen, false) AS was_chosen, coalesce(now.chosen, false) AS now_chosen,
        (was.number IS NOT NULL) AS was_there, (now.number IS NOT NULL) AS is_there,
        was, now
    FROM was FULL JOIN now ON (was.number = now.number)
),
crossing AS (      -- as they are now, or were last
    SELECT
        CASE WHEN was_chosen AND now_chosen THEN 'keep'
             WHEN now_chosen AND NOT was_there THEN 'in-entered'
             WHEN now_chosen THEN 'in-changed'
             WHEN NOT is_there THEN 'out-left'
             ELSE 'out-changed' END AS way,
        CASE WHEN now_chosen THEN now ELSE was END AS it
    FROM pairs WHERE (was_chosen OR now_chosen)
)
SELECT
    way,
    it.village // 1000000 AS place,
    it.desil AS desil,
    count(*) AS rows,
    CAST(sum(it.members) AS BIGINT) AS persons,
    list(it.family) FILTER (WHERE way <> 'keep') AS families
FROM crossing GROUP BY 1, 2, 3"""  # noqa: S608  # of this module
