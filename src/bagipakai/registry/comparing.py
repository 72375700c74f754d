"""Two releases side by side: who came, left, moved and changed decile, and whom a programme's line would gain or lose.

Persons are the same where their NIK is; families, where a plan chooses families, where their card number is. A number
that is missing, or stands twice in either release, names nobody: such rows are counted as not comparable, not guessed.
Joined as numbers in passes by remainder, so memory does not grow with the nation (data-plane reference §9, §12). Only
counts leave; small ones are for the house alone unless `shown` has hidden them. Decision 0098.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from bagipakai.core.disclosure import Cell, Disclosure, Table, hide
from bagipakai.core.plan import Unit
from bagipakai.core.query import Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.registry.engines.duckdb import condition
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.quality import IDENTIFIERS
from bagipakai.registry.releases import Release
from bagipakai.registry.vault import Shelf

MEMORY, SPILL = "600MB", "4GB"
ROWS_A_PASS = 8_000_000
FORM, IMPACT_FORM = "bagipakai-difference-1", "bagipakai-impact-1"
UNRANKED: Final = "-"
_KEY = {unit: next(iter(IDENTIFIERS[unit].items())) for unit in Unit}  # the name of the identifier, and it as a number
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


Told = Callable[[int], object]  # is told how many rows of the new release were compared


def difference(
    old: Release, new: Release, storage: StorageKey, told: Told = lambda _: None, spill: Path | None = None
) -> Difference:
    """`spill`: a private folder for what does not fit memory; none is one of our own among the system's temporary
    files. Raises Damaged if either is not what was published, ComparisonError."""
    found = Difference(old, new)
    with _joined(old, new, storage, Unit.INDIVIDU, None, told, spill) as passes:
        for con in passes:
            for row in con.execute(_CHANGES.format(pairs=_pairs(Unit.INDIVIDU, "false"))).fetchall():
                _tally(found, *row)
    return found


def impact(
    old: Release,
    new: Release,
    storage: StorageKey,
    unit: Unit,
    chosen: Predicate | None,
    told: Told = lambda _: None,
    spill: Path | None = None,
) -> Impact:
    """Who crosses the line of `chosen` (None: everybody) over rows of `unit`; `spill` as above. Raises Damaged,
    ComparisonError, EngineError for a name that the catalogue does not have."""
    found = Impact(old, new, unit)
    crossing: dict[str, np.ndarray] = {
        way: np.zeros(release.family_count, dtype=bool)
        for way, release in (("in-entered", new), ("in-changed", new), ("out-left", old), ("out-changed", old))
    }
    said = "true"
    values: Sequence[Any] = ()
    if chosen is not None:
        types = {variable.name: variable.type for variable in new.catalogue.of_unit(unit)}
        sql = condition(chosen, types)
        said, values = sql.text, sql.values
    with _joined(old, new, storage, unit, values, told, spill) as passes:
        for con in passes:
            pairs = _pairs(unit, f"coalesce(({said}), false)")
            table: Any = con.sql(_CROSSING.format(pairs=pairs)).to_arrow_table()
            ways, places, deciles, rows, persons = (table.column(at).to_pylist() for at in range(5))
            for at, way in enumerate(ways):
                if way == "keep":
                    found.keep += rows[at]
                    continue
                found.persons[f"{places[at]:04d}", way] += persons[at]
                found.deciles[_decile(deciles[at]), way] += persons[at]
                crossing[way][table.column(5)[at].values.to_numpy()] = True
    for way, marks in crossing.items():
        release = new if way.startswith("in") else old
        at = 0
        for file in (file for file in release.files if file.unit is Unit.KELUARGA):
            if count := int(marks[at : at + file.rows].sum()):
                found.families[file.kode_kab, way] += count
            at += file.rows
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
    told = {event: count if count >= least else None for event, count in whole["nation"].items()}
    moves = [whole["moved"].get(level, 0) for level in _PLACES.values()]
    return {
        **whole,
        "not_comparable": None if any(told[event] is None for event in flows) else whole["not_comparable"],
        "nation": told,
        "moved": whole["moved"] if min(moves) >= least else None,
        "deciles": whole["deciles"] if all(count >= least for *_, count in whole["deciles"]) else None,
        "provinces": None,
        "regencies": None,
    }


@contextmanager
def _joined(
    old: Release,
    new: Release,
    storage: StorageKey,
    unit: Unit,
    values: Sequence[Any] | None,
    told: Told,
    spill: Path | None,
) -> Iterator[Iterator[duckdb.DuckDBPyConnection]]:
    """A connection for each pass over both releases; `told` hears of its share of the rows once it is done."""
    rows = max(release.manifest["rows"][unit.value] for release in (old, new))
    passes, whole = max(1, -(-rows // ROWS_A_PASS)), new.manifest["rows"][unit.value]
    with (
        tempfile.TemporaryDirectory(prefix="banding.", dir=spill) as here,
        old.reading(storage, unit) as before,
        new.reading(storage, unit) as after,
    ):
        try:
            with duckdb.connect(config={"threads": os.cpu_count() or 1}) as con:
                _ready(con, Path(here), before, after, old.reference_day, values or ())

                def each() -> Iterator[duckdb.DuckDBPyConnection]:
                    for at in range(passes):
                        con.execute("SET VARIABLE passes = CAST(? AS BIGINT)", [passes])
                        con.execute("SET VARIABLE this_pass = CAST(? AS BIGINT)", [at])
                        _name_the_doubled(con, unit, old, new)
                        yield con
                        told(whole * (at + 1) // passes - whole * at // passes)

                yield each()
        except duckdb.Error as error:
            raise ComparisonError(type(error).__name__) from None


def _ready(
    con: duckdb.DuckDBPyConnection,
    spill: Path,
    before: Shelf,
    after: Shelf,
    day: date,
    values: Sequence[Any],
) -> None:
    for shelf in (before, after):
        con.register_filesystem(shelf)
    con.execute("SET enable_progress_bar = false")
    con.execute(f"SET memory_limit = '{MEMORY}'")
    con.execute(f"SET max_temp_directory_size = '{SPILL}'")
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET temp_directory = ?", [str(spill)])
    con.execute("SET VARIABLE before = ?", [[part.path for part in before.parts]])
    con.execute("SET VARIABLE after = ?", [[part.path for part in after.parts]])
    con.execute("SET VARIABLE day = CAST(? AS DATE)", [day.isoformat()])
    for number, value in enumerate(values):
        con.execute(f"SET VARIABLE p{number:d} = ?", [value])
    con.execute("CREATE TEMP TABLE twice (number BIGINT)")
    con.execute("SET allowed_directories = ?", [[str(spill), *(f"{shelf.protocol}://" for shelf in (before, after))]])
    for name in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
        con.execute(f"SET {name} = false")
    con.execute("SET lock_configuration = true")


def _name_the_doubled(con: duckdb.DuckDBPyConnection, unit: Unit, old: Release, new: Release) -> None:
    """Fills `twice` with the numbers of this pass that stand more than once in a release, where its report has any."""
    con.execute("DELETE FROM twice")
    name, number = _KEY[unit]
    for which, release in (("before", old), ("after", new)):
        if release.quality()[unit.value]["duplicates"][name]["rows"]:
            con.execute(_DOUBLED.format(number=number, which=which))


_DOUBLED = """INSERT INTO twice
SELECT {number} FROM read_parquet(getvariable('{which}'), hive_partitioning = false)
WHERE (({number}) % getvariable('passes')) = getvariable('this_pass')
GROUP BY 1 HAVING count(*) > 1"""

_SIDE = """SELECT
        {number} AS number,
        id_keluarga AS family,
        {members} AS members,
        TRY_CAST(kode_desa AS BIGINT) AS village,
        CAST(desil AS SMALLINT) AS desil,
        {born} AS born,
        {chosen} AS chosen
    FROM read_parquet(getvariable('{which}'), hive_partitioning = false)
    WHERE ((({number}) % getvariable('passes')) = getvariable('this_pass'))
        AND (({number}) NOT IN (SELECT number FROM twice))"""


def _pairs(unit: Unit, chosen: str) -> str:
    """The steps down to `pairs`: each number of this pass once, with what both releases say of it."""
    _, number = _KEY[unit]
    person = unit is Unit.INDIVIDU
    sides = {
        which: _SIDE.format(
            number=number,
            members="1" if person else "member_count",
            born="tanggal_lahir > getvariable('day')" if person else "false",
            chosen=chosen,
            which=which,
        )
        for which in ("before", "after")
    }
    return f"""WITH
was AS (           -- one part of all numbers at a time, so that the table of numbers fits in memory
    {sides["before"]}
),
now AS (
    {sides["after"]}
),
pairs AS (
    SELECT
        was.village AS was_village, now.village AS now_village,
        was.desil AS was_desil, now.desil AS now_desil,
        was.family AS was_family, now.family AS now_family,
        was.members AS was_members, now.members AS now_members,
        coalesce(now.born, false) AS born,
        (was.number IS NOT NULL) AS was_there, (now.number IS NOT NULL) AS is_there,
        coalesce(was.chosen, false) AS was_chosen, coalesce(now.chosen, false) AS now_chosen
    FROM was FULL JOIN now ON (was.number = now.number)
)"""  # noqa: S608  # expressions of this module and of the engine's emitter; values are variables


# The village matters where somebody moved; else the regency is enough, and makes fewer groups.
_CHANGES = """{pairs},
placed AS (
    SELECT
        CASE WHEN was_village IS DISTINCT FROM now_village AND was_there AND is_there THEN was_village
             ELSE was_village // 1000000 * 1000000 END AS was_place,
        CASE WHEN was_village IS DISTINCT FROM now_village AND was_there AND is_there THEN now_village
             ELSE now_village // 1000000 * 1000000 END AS now_place,
        was_desil, now_desil, born
    FROM pairs
)
SELECT was_place, now_place, was_desil, now_desil, born, count(*) FROM placed GROUP BY ALL"""

_CROSSING = """{pairs}
SELECT
    CASE WHEN was_chosen AND now_chosen THEN 'keep'
         WHEN now_chosen AND NOT was_there THEN 'in-entered'
         WHEN now_chosen THEN 'in-changed'
         WHEN NOT is_there THEN 'out-left'
         ELSE 'out-changed' END AS way,
    (CASE WHEN now_chosen THEN now_village ELSE was_village END) // 1000000 AS place,
    CASE WHEN now_chosen THEN now_desil ELSE was_desil END AS desil,
    count(*) AS rows,
    CAST(sum(CASE WHEN now_chosen THEN now_members ELSE was_members END) AS BIGINT) AS persons,
    list(CASE WHEN now_chosen THEN now_family ELSE was_family END) FILTER (WHERE was_chosen <> now_chosen) AS families
FROM pairs WHERE (was_chosen OR now_chosen) GROUP BY 1, 2, 3"""
