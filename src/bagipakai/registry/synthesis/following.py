"""The nation a quarter later: births, deaths, moves, new family cards, other ranks. Made from the data set before it,
regency by regency, in bounded memory; the same data set and seed give the same content on any machine.

A family that moves takes the dwelling of one that moves the other way, in the regency half the list away or within its
own: so every place keeps its families, and the order of the files holds. What is simpler than life: a head dies only
alone, nobody marries or separates, and everybody's answers stay as they were until they are asked again.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.datasets import DATASET, Table, Written
from bagipakai.registry.digest import combined
from bagipakai.registry.folders import in_the_making
from bagipakai.registry.regions import regions
from bagipakai.registry.synthesis import sources
from bagipakai.registry.synthesis.calendar import calendar
from bagipakai.registry.synthesis.columns import digits
from bagipakai.registry.synthesis.dice import Dice
from bagipakai.registry.synthesis.names import WOMAN, tradition
from bagipakai.registry.synthesis.nation import numbers
from bagipakai.registry.synthesis.persons import CHILD, HEAD
from bagipakai.registry.synthesis.regency import LOCAL_SERIALS
from bagipakai.registry.tables import part, schema

FAMILIES_A_CHUNK = 16_384
_EVENTS, _BIRTHS = 0, 1  # independent streams of a regency in a quarter
_RANKS = ("desil", "persentil", "peringkat")
_DWELLING = (
    *("kode_prov", "nama_prov", "kode_kab", "nama_kab", "kode_kec", "nama_kec", "kode_desa", "nama_desa"),
    *("rw", "rt", "alamat", "klasifikasi_wilayah"),
)  # stay where they are when a family moves


def follow(
    before: Path, seed: int, out: Path, processes: int | None = None, told: Callable[[int], object] | None = None
) -> dict[str, Any]:
    """Writes the quarter after the data set `before` as the folder `out`, and returns what `dataset.json` says. `told`
    hears the number of persons after each regency.

    Raises ValueError if `before` is no data set of the present catalogue, FileExistsError if `out` holds anything.
    """
    quarter, processes = Quarter.after(before, seed), processes or os.cpu_count() or 1
    sizes = list(_each(_size, quarter, processes))
    first_person = [0, *accumulate(persons for _, persons in sizes)]
    first_family = [0, *accumulate(families for families, _ in sizes)]
    files: dict[str, Written] = {}
    with in_the_making(out, durable=False) as folder:
        starts = list(zip(first_family, first_person, strict=True))
        for number, written in enumerate(_each(_write, quarter, processes, folder, starts)):
            files |= {one.path: one for one in written}
            if told is not None:
                told(sizes[number][1])
        dataset = {
            **quarter.described,
            "after": quarter.described["content"],
            "people": first_person[-1],
            "families": first_family[-1],
            "seed": seed,
            "reference_day": quarter.day.isoformat(),
            "lineage": sources.lineage(quarter.catalogue, quarter.day).to_json(),
            "content": combined({path: one.content for path, one in files.items()}),
            "files": [asdict(files[path]) for path in sorted(files)],
        }
        (folder / DATASET).write_text(json.dumps(dataset, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return dataset


@dataclass(frozen=True)
class Quarter:
    """The data set before, and the day on which the quarter ends."""

    before: Path
    described: dict[str, Any]
    seed: int
    was: date
    day: date

    @classmethod
    def after(cls, before: Path, seed: int) -> "Quarter":
        """Raises ValueError."""
        try:
            described: dict[str, Any] = json.loads((before / DATASET).read_bytes())
            was = date.fromisoformat(described["reference_day"])
            quarter = cls(before, described, seed, was, sources.quarters_before(was, -1))
            if described["catalogue"] != quarter.catalogue.digest or not described["synthetic"]:
                raise ValueError
        except (OSError, KeyError, TypeError, ValueError):
            raise ValueError("no synthetic data set of the present catalogue") from None
        return quarter

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue.on(self.day)

    @property
    def regencies(self) -> list[str]:
        return [region.code for region in regions().at_level(2)]

    def families(self, number: int) -> int:
        wanted = part(Unit.KELUARGA, self.regencies[number]).as_posix()
        return next(int(one["rows"]) for one in self.described["files"] if one["path"] == wanted)

    def partner(self, number: int) -> int:
        """The regency with which families change places."""
        return (number + len(self.regencies) // 2) % len(self.regencies)

    def dice(self, number: int, stream: int) -> Dice:
        return Dice(self.seed, number, self.day.toordinal(), stream)

    def movers(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Places of the families that change with the partner's, and of those that change within the regency."""
        n, rate = self.families(number), numbers()["quarter"]
        away = -(-min(n, self.families(self.partner(number))) * int(rate["moves_away"]) // 1000)
        near = -(-n * int(rate["moves_near"]) // 1000)
        order = np.argsort(self.dice(number, _EVENTS).words(n), kind="stable")
        return order[:away], order[away : away + near]

    def column(self, unit: Unit, number: int, *names: str) -> list[pa.Array]:
        table = pq.read_table(self.before / part(unit, self.regencies[number]), columns=list(names), partitioning=None)
        return [table.column(name).combine_chunks() for name in names]


@dataclass(frozen=True)
class Events:
    """What happens in a regency, by place of the family or the person before. `content` says whose content a family's
    place holds afterwards: its own place, or `n` and more for those that came."""

    size: np.ndarray
    moved: np.ndarray
    alive: np.ndarray
    births: np.ndarray
    cards: np.ndarray
    came: np.ndarray  # for each place: the place in the list of those who came, or -1
    after: np.ndarray  # size a quarter later


def _events(quarter: Quarter, number: int) -> Events:
    rate = numbers()["quarter"]
    (size,) = (one.to_numpy() for one in quarter.column(Unit.KELUARGA, number, "member_count"))
    age, relation = quarter.column(Unit.INDIVIDU, number, "umur", "hubungan_kepala_keluarga")
    n, dice = len(size), quarter.dice(number, _EVENTS)
    dice.words(n)  # those by which the movers were drawn
    away, near = quarter.movers(number)
    moved = np.zeros(n, dtype=bool)
    moved[away], moved[near] = True, True
    family = np.repeat(np.arange(n), size)

    years = pc.fill_null(age, 40).to_numpy()
    head = pc.equal(relation, _code(quarter.catalogue, "hubungan_kepala_keluarga", HEAD)).to_numpy(False)
    may_die = ~moved[family] & (~head | (size[family] == 1))
    dies = may_die & dice.chance(len(family), np.where(years >= 60, rate["deaths_over_60"], rate["deaths"]))
    births = ~moved & (size > 1) & dice.chance(n, rate["births"])
    cards = moved | dice.chance(n, rate["new_cards"])

    came = np.full(n, -1)
    came[away] = np.arange(len(away))
    came[near] = len(away) + np.arange(len(near))
    after = size - np.bincount(family[dies], minlength=n) + births
    if len(away):
        theirs = quarter.partner(number)
        (sizes,) = (one.to_numpy() for one in quarter.column(Unit.KELUARGA, theirs, "member_count"))
        after[away] = sizes[quarter.movers(theirs)[0]]
    after[near] = size[np.roll(near, -1)]
    return Events(size, moved, ~dies, births, cards, came, after)


def _size(quarter: Quarter, number: int, *_: Any) -> tuple[int, int]:
    """Families and persons of a regency a quarter later."""
    after = _events(quarter, number).after
    return int((after > 0).sum()), int(after.sum())


def _write(quarter: Quarter, number: int, out: Path, starts: list[tuple[int, int]]) -> list[Written]:
    """Both files of a regency, a quarter later."""
    regency = _Regency(quarter, number, *starts[number])
    kab = quarter.regencies[number]
    tables = {unit: Table(unit, kab, quarter.catalogue, out) for unit in (Unit.KELUARGA, Unit.INDIVIDU)}
    for start in range(0, len(regency.events.size), FAMILIES_A_CHUNK):
        family, person = regency.chunk(start, start + FAMILIES_A_CHUNK)
        tables[Unit.KELUARGA].write(family)
        tables[Unit.INDIVIDU].write(person)
    return [table.close() for table in tables.values()]


class _Regency:
    """A regency being written, chunk by chunk: what happens in it, and where its files and ordinals have come to."""

    def __init__(self, quarter: Quarter, number: int, family: int, person: int) -> None:
        self.quarter, self.events = quarter, _events(quarter, number)
        self._family, self._person, self._born_seen = family, person, 0
        events, dice, kab = self.events, quarter.dice(number, _BIRTHS), quarter.regencies[number]
        districts = _array(quarter.column(Unit.KELUARGA, number, "kode_kec")[0].cast(pa.int64())).to_numpy()
        self._born = _born(quarter, kab, districts[events.births], dice)
        self._cards = _new_cards(quarter, districts, events.cards, dice)
        self._rank_of = _new_ranks(quarter, number, events, dice)
        self._ranks = pa.table(dict(zip(_RANKS, quarter.column(Unit.KELUARGA, number, *_RANKS), strict=True)))
        self._came = _came(quarter, number)
        whose = np.repeat(np.arange(len(events.size)), events.size)
        self._touched = events.moved | events.births | events.cards | (self._rank_of != np.arange(len(self._rank_of)))
        self._touched[whose[~events.alive]] = True
        self._persons_before = np.concatenate([[0], np.cumsum(events.size)])
        self._families, self._persons = (
            _Stream(quarter.before / part(unit, kab)) for unit in (Unit.KELUARGA, Unit.INDIVIDU)
        )

    def chunk(self, start: int, end: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The rows of both tables, by column, for the families' places from `start` to before `end`."""
        here = slice(start, min(end, len(self.events.size)))
        after = self.events.after[here]
        family = self._of_families(here)
        person, slot = self._of_persons(here)
        kept = np.flatnonzero(after > 0)
        family = {name: _array(values).take(pa.array(kept)) for name, values in family.items()}
        family["id_keluarga"] = pa.array(self._family + np.arange(len(kept)))
        family["first_ordinal"] = pa.array(self._person + np.cumsum(after[kept]) - after[kept])
        of_family = pa.array((np.cumsum(after > 0) - 1)[slot])
        for one in self.quarter.catalogue.of_unit(Unit.INDIVIDU):
            if Unit.KELUARGA in one.units:
                person[one.name] = family[one.name].take(of_family)
        person["id_keluarga"] = family["id_keluarga"].take(of_family)
        person["person_ordinal"] = pa.array(self._person + np.arange(len(slot)))
        self._family, self._person = self._family + len(kept), self._person + len(slot)
        return family, {name: _array(values) for name, values in person.items()}

    def _of_families(self, here: slice) -> dict[str, Any]:
        """The content of each place: its own family's, or that of the one that came."""
        events, day, touched = self.events, self.quarter.day, self._touched[here]
        old = self._families.take(here.stop - here.start)
        moved, after = events.moved[here], events.after[here]
        source = np.where(moved, len(old) + events.came[here], np.arange(len(old)))
        family = _columns(pa.concat_tables([old, self._came.families]).take(source))
        family |= {name: old.column(name) for name in _DWELLING}
        ranks = self._ranks.take(self._rank_of[here])
        family |= {name: pc.if_else(moved, family[name], ranks.column(name)) for name in _RANKS}
        family["nomor_kk"] = pc.if_else(events.cards[here], digits(self._cards[here], 16), family["nomor_kk"])
        family["tanggal_pemutakhiran"] = pc.if_else(touched, pa.scalar(day), family["tanggal_pemutakhiran"])
        older = sources.a_quarter_on(old.column("lineage").to_numpy(), Unit.KELUARGA)
        family["lineage"] = np.where(touched, 0, older).astype(np.int16)
        family["jumlah_anggota_keluarga"] = pa.array(after, pa.int64())
        family["member_count"] = pa.array(after.astype(np.int32))
        return family

    def _of_persons(self, here: slice) -> tuple[dict[str, Any], np.ndarray]:
        """Who lives in each place, those of before first; and the place of each, counted from the chunk's first."""
        events, moved, touched = self.events, self.events.moved[here], self._touched[here]
        first, last = (int(self._persons_before[at]) for at in (here.start, here.stop))
        people = self._persons.take(last - first)
        babies = self._born.slice(self._born_seen, int(events.births[here].sum()))
        self._born_seen += len(babies)
        whose = np.repeat(np.arange(len(moved)), events.size[here])
        stay = np.flatnonzero(events.alive[first:last] & ~moved[whose])
        came, their_place = self._came.at(events.came[here])
        slot = np.concatenate([whose[stay], np.flatnonzero(events.births[here]), their_place])
        row = np.concatenate([stay, len(people) + np.arange(len(babies)), len(people) + len(babies) + came])
        order = np.argsort(slot, kind="stable")
        slot, row = slot[order], row[order]
        person = _columns(pa.concat_tables([people, babies, self._came.persons]).take(row))
        person["umur"] = _full_years(_array(person["tanggal_lahir"]), self.quarter.day)
        older = sources.a_quarter_on(pc.fill_null(_array(person["lineage"]), 0).to_numpy(), Unit.INDIVIDU)
        person["lineage"] = np.where(touched[slot], 0, older).astype(np.int16)
        return person, slot


class _Stream:
    """The rows of a file, as many as are wanted at a time."""

    def __init__(self, path: Path) -> None:
        self._batches = pq.ParquetFile(path).iter_batches(FAMILIES_A_CHUNK, use_threads=False)
        self._left: list[pa.Table] = []

    def take(self, count: int) -> pa.Table:
        rows = sum(len(one) for one in self._left)
        while rows < count:
            self._left.append(_loose(pa.table(next(self._batches))))
            rows += len(self._left[-1])
        whole = pa.concat_tables(self._left) if self._left else None
        if whole is None:
            raise ValueError("no rows")
        self._left = [whole.slice(count)]
        return whole.slice(0, count).combine_chunks()


@dataclass(frozen=True)
class _Came:
    """The families that came into a regency and their persons; `family` is the place of each person's, ascending."""

    families: pa.Table
    persons: pa.Table
    family: np.ndarray

    def at(self, came: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the persons who came to places with these families (-1: nobody came), and the place of each."""
        places = np.flatnonzero(came >= 0)
        first = np.searchsorted(self.family, came[places], side="left")
        count = np.searchsorted(self.family, came[places], side="right") - first
        rows = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        return rows, np.repeat(places, count)


def _came(quarter: Quarter, number: int) -> _Came:
    theirs, (_, near) = quarter.partner(number), quarter.movers(number)
    away = _taken(quarter, theirs, quarter.movers(theirs)[0])
    within = _taken(quarter, number, np.roll(near, -1))
    return _Came(
        pa.concat_tables([away.families, within.families]).combine_chunks(),
        pa.concat_tables([away.persons, within.persons]).combine_chunks(),
        np.concatenate([away.family, len(away.families) + within.family]),
    )


def _taken(quarter: Quarter, number: int, places: np.ndarray) -> _Came:
    """The families at these places of a regency, in the order asked, and their persons."""
    kab = quarter.regencies[number]
    (size,) = (one.to_numpy() for one in quarter.column(Unit.KELUARGA, number, "member_count"))
    turn = np.full(len(size), -1)
    turn[places] = np.arange(len(places))
    families, _ = _chosen(quarter, Unit.KELUARGA, kab, turn)
    persons, whose = _chosen(quarter, Unit.INDIVIDU, kab, np.repeat(turn, size))
    return _Came(families, persons, whose)


def _chosen(quarter: Quarter, unit: Unit, kab: str, turn: np.ndarray) -> tuple[pa.Table, np.ndarray]:
    """The rows of a file whose turn is not -1, in order of turn, and their turns."""
    found, seen = [_loose(schema(unit, quarter.catalogue).empty_table())], 0
    for batch in pq.ParquetFile(quarter.before / part(unit, kab)).iter_batches(65_536, use_threads=False):
        found.append(_loose(pa.table(batch)).take(np.flatnonzero(turn[seen : seen + len(batch)] >= 0)))
        seen += len(batch)
    turns = turn[turn >= 0]
    order = np.argsort(turns, kind="stable")
    return pa.concat_tables(found).take(order), turns[order]


def _loose(table: pa.Table) -> pa.Table:
    """The same rows, where any column may be empty: so that tables that say it differently can be joined."""
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))


def _born(quarter: Quarter, kab: str, districts: np.ndarray, dice: Dice) -> pa.Table:
    """The newborn of a regency, by family; what comes from the family is still empty."""
    n, catalogue, days = len(districts), quarter.catalogue, calendar(quarter.day)
    born = (quarter.was - date(1900, 1, 1)).days + 1 + dice.below(n, (quarter.day - quarter.was).days)
    sex = np.where(dice.chance(n, numbers()["household"]["boys"]), 1 - WOMAN, WOMAN)
    base = (districts * 1_000_000 + days.ddmmyy[born] + 400_000 * sex) * 10_000
    nik = (
        base + LOCAL_SERIALS - _nth(base)
    )  # from the top of the serials: those of the same day a century ago begin below
    region = numbers()["province"][kab[:2]]["names"]
    known = tradition(region)
    own: dict[str, pa.Array] = {
        "nik": digits(nik, 16),
        "nik_number": pa.array(nik, pa.int64()),
        "nama": known.names(dice, sex, known.family_names(dice, n)),
        "tanggal_lahir": pa.array(days.epoch[born], pa.int32()).cast(pa.date32()),
    }
    for name, place in (("hubungan_kepala_keluarga", CHILD), ("status_perkawinan", 0), ("status_padan", 0)):
        own[name] = pa.array([_code(catalogue, name, place)] * n, pa.string())
    codes = pa.array(list(catalogue["jenis_kelamin"].codes or ()))
    own["jenis_kelamin"] = codes.take(pa.array(sex))
    fields = schema(Unit.INDIVIDU, catalogue)
    columns = [
        _array(own[field.name]).cast(field.type) if field.name in own else pa.nulls(n, field.type) for field in fields
    ]
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in fields]))


def _new_cards(quarter: Quarter, districts: np.ndarray, cards: np.ndarray, dice: Dice) -> np.ndarray:
    """A family card number, issued in this quarter, for each family that gets one; 0 for the others."""
    days, span = calendar(quarter.day), (quarter.day - quarter.was).days
    issued = (quarter.was - date(1900, 1, 1)).days + dice.below(len(districts), span)
    base = (districts * 1_000_000 + days.ddmmyy[issued]) * 10_000
    found = np.zeros(len(districts), dtype=np.int64)
    found[cards] = base[cards] + 1 + _nth(base[cards])
    return found


def _new_ranks(quarter: Quarter, number: int, events: Events, dice: Dice) -> np.ndarray:
    """Whose rank each family gets: some are put in another order among themselves, mostly near where they were."""
    ranks = np.array(pc.fill_null(quarter.column(Unit.KELUARGA, number, "peringkat")[0], 0))
    n, found = len(ranks), np.arange(len(ranks))
    chosen = np.flatnonzero(~events.moved & (ranks > 0) & dice.chance(n, numbers()["quarter"]["reranked"]))
    whole = int(quarter.described["families"])
    noisy = ranks[chosen] + dice.below(len(chosen), max(whole // 5, 1)) - whole // 10
    found[chosen[np.argsort(noisy, kind="stable")]] = chosen[np.argsort(ranks[chosen], kind="stable")]
    return found


def _nth(keys: np.ndarray) -> np.ndarray:
    """How often each key came before, from 0."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(keys) else np.empty(0, int)
    nth = np.empty(len(keys), dtype=np.int64)
    nth[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return nth


def _full_years(born: pa.Array, day: date) -> pa.Array:
    had_birthday = pc.less_equal(
        pc.add(pc.multiply(pc.month(born), 100), pc.day(born)), pa.scalar(day.month * 100 + day.day, pa.int64())
    )
    years = pc.subtract(pa.scalar(day.year, pa.int64()), pc.year(born))
    return _array(pc.subtract(years, pc.if_else(had_birthday, 0, 1))).cast(pa.int64())


def _code(catalogue: Catalogue, name: str, place: int) -> str:
    return list(catalogue[name].codes or ())[place]


def _columns(table: pa.Table) -> dict[str, Any]:
    return {name: table.column(name) for name in table.column_names}


def _array(values: Any) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    return values if isinstance(values, pa.Array) else pa.array(values)


def _each(work: Callable[..., Any], quarter: Quarter, processes: int, *more: Any) -> Iterator[Any]:
    """`work` on every regency, the answers in the order of the regencies."""
    everywhere = range(len(quarter.regencies))
    if processes == 1:
        yield from (work(quarter, number, *more) for number in everywhere)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), _alone) as pool:
        running = {pool.submit(work, quarter, number, *more): number for number in everywhere}
        try:
            waiting: dict[int, Any] = {}
            following = 0
            for done in as_completed(running):
                waiting[running[done]] = done.result()
                while following in waiting:
                    yield waiting.pop(following)
                    following += 1
        finally:
            pool.shutdown(cancel_futures=True)


def _alone() -> None:
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
