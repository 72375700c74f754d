"""The next data set from the release before and the sets that the sources handed in (decision 0131).

    OUT/data/…            the data set: `registry publish OUT/data`
    OUT/lists/…           who was put into nobody's row, sealed (held)
    OUT/report.json       counts; no value of a person

Rows are matched a set at a time and laid apart by where their person stands, sealed (registry.shares). Then cards and
deaths are looked at alone, for households reach across regencies; then each stretch of the release is decided whole,
and each regency written, a large one district by district. So memory follows neither. Everything appears by one rename.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.canonical import canonical
from bagipakai.core.plan import Unit
from bagipakai.core.policy import digests
from bagipakai.core.refusal import Refusal
from bagipakai.core.survivorship import Survivorship
from bagipakai.core.variables import Catalogue
from bagipakai.registry.building.choosing import NEVER, Chooser, Rows, Tally
from bagipakai.registry.building.deciding import HEAD, Decider, Homes, People, asked, following
from bagipakai.registry.building.held import DIED, TWICE, Holding
from bagipakai.registry.building.households import NOBODY, SEVERAL, Made, Moves, made
from bagipakai.registry.building.lineages import Ledger, TooVaried
from bagipakai.registry.building.meeting import NUMBER, Met, meet, one_each, said_to_be_dead
from bagipakai.registry.building.sets import FILE, LINE, Handed
from bagipakai.registry.building.stretches import Stretch, Stretched
from bagipakai.registry.building.surviving import Words
from bagipakai.registry.building.writing import Spill
from bagipakai.registry.datasets import DATASET, FORM, Written
from bagipakai.registry.digest import combined
from bagipakai.registry.folders import in_the_making, no_room
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.lineage import Lineage
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.regions import EDITION, SYSTEM
from bagipakai.registry.releases import Release
from bagipakai.registry.shares import Shares

DATA, LISTS, REPORT = "data", "lists", "report.json"
REPORT_FORM: Final = "bagipakai-build-1"
KIND: Final = ("kode_desa", "klasifikasi_wilayah")
RELATION: Final = "hubungan_kepala_keluarga"
PERSONS: Final = 65_536  # of a stretch, about

Heard = Callable[[int], object]


def heard(release: Release, sets: Sequence[Handed]) -> int:
    """How many rows `told` hears of in all."""
    return sum(one.rows for one in sets) + 3 * release.person_count


def build(
    release: Release,
    sets: Sequence[Handed],
    matching: Matching,
    storage: StorageKey,
    day: date,
    out: Path,
    told: Heard = lambda _: None,
) -> dict[str, Any] | Refusal:
    """Builds the data set of `day` in `out`, a new folder, and gives the report. `sets`: one of each source; `matching`
    asks the index of `release`. The same release, sets, policies and day give the same data set, byte for byte.

    Raises Damaged for a release or a set that is not what it was, OSError.
    """
    catalogue = Catalogue.on(day)
    if release.manifest["catalogue"] != catalogue.digest:
        return Refusal("building-release-of-another-catalogue", {"version": release.version})
    try:
        lineage = Lineage.of_release(release.manifest)
    except ValueError:
        return Refusal("dataset-without-lineage", {"file": release.version})
    if not sets:
        return Refusal("building-nothing-handed-in")
    source, many = Counter(one.source for one in sets).most_common(1)[0]
    if many > 1:
        return Refusal("building-set-twice", {"source": source})
    in_order = sorted(sets, key=lambda one: one.source)
    try:
        # Not durable: it can be built again, and is read whole when it is published.
        with in_the_making(out, durable=False) as folder, tempfile.TemporaryFile(dir=folder) as aside:
            return _Build(release, lineage, in_order, matching, storage, day, folder, aside, told).run()
    except FileExistsError:
        return Refusal("dataset-exists", {"file": out.name})
    except TooVaried:
        return Refusal("building-lineage-too-varied")
    except OSError as error:
        if no_room(error):
            return Refusal("building-has-no-room")
        raise


@dataclass
class _First:
    """What is looked at before anything is decided: who moves to another card, who died, whose NIK would change."""

    moves: list[tuple[Numbers, Numbers, Numbers]] = field(default_factory=list)  # person, household, card
    dead: list[tuple[Numbers, Numbers]] = field(default_factory=list)  # person, household
    numbers: list[tuple[Numbers, Numbers]] = field(default_factory=list)  # person, NIK

    def joined(self, name: str) -> list[Numbers]:
        """The columns of one of them, whole."""
        width = {"moves": 3, "dead": 2, "numbers": 2}[name]
        found = list(zip(*getattr(self, name), strict=True)) or [()] * width
        return [np.concatenate([np.zeros(0, np.int64), *column]).astype(np.int64) for column in found]


@dataclass(frozen=True)
class _Away:
    """Persons, ascending, whose household is of another stretch than they were, and both by their place."""

    person: Numbers
    was: Numbers
    now: Numbers

    def leaving(self, at: int) -> Numbers:
        """Those who were in this stretch."""
        found: Numbers = self.person[self.was == at]
        return found


@dataclass
class _Build:
    release: Release
    lineage: Lineage
    sets: Sequence[Handed]
    matching: Matching
    storage: StorageKey
    day: date
    folder: Path
    aside: IO[bytes]
    told: Heard

    def __post_init__(self) -> None:
        self.catalogue, self.policy = Catalogue.on(self.day), Survivorship.on(self.day)
        self.before = Stretched(self.release, self.storage, PERSONS)
        self.stretches = self.before.stretches
        self.laid = {one.source: self._shares() for one in self.sets}
        self.ledger = Ledger(self.lineage, self.catalogue)
        self.chooser = Chooser(self.ledger, Tally())
        self.counts: Counter[str] = Counter()

    def _shares(self, count: int = 0) -> list[Shares]:
        """Sealed room for each stretch."""
        return [Shares(self.aside, 1) for _ in range(count or len(self.stretches))]

    def run(self) -> dict[str, Any]:
        held = Holding(self.folder / LISTS, self.storage)
        met = [self._meet(one, held) for one in self.sets]
        first = _First()
        for at, stretch in enumerate(self.stretches):
            self._look(at, stretch, first, met, held)
        (dead, dead_in), keep_nik = first.joined("dead"), self._numbers_of_others(first)
        households, urban = self._households(first, dead_in)
        away = self._away(households)
        came = self._shipped(away)
        decider = Decider(self.policy, self.catalogue, self.chooser, self.day, urban)
        spill = Spill(self.aside, self.catalogue, self.before.large)
        for at, stretch in enumerate(self.stretches):
            left = np.union1d(dead, away.leaving(at))
            people, homes = self._people(at, stretch, households, came[at], left, keep_nik)
            if len(people.number):
                decided = decider.decide(people, homes)
                self.counts.update(decided.counts)
                spill.add(decided, homes.household)
            self.told(stretch.persons[1] - stretch.persons[0])
        (self.folder / DATA).mkdir(mode=0o700)  # rows of persons in clear are for their owner alone
        files = spill.write(self.folder / DATA, self.told)
        held.close()
        return self._told(met, held, households, files, len(dead), len(keep_nik))

    def _meet(self, one: Handed, held: Holding) -> Met:
        ends = np.array([stretch.persons[1] for stretch in self.stretches])
        before = self.release.reference_day
        return meet(one, self.matching, self.policy, before, self.day, self.laid[one.source], ends, held, self.told)

    # --- Reading -----------------------------------------------------------------------------------------------------

    def _rows(self, at: int, number: Numbers, came: Mapping[str, Shares] | None = None) -> list[Rows]:
        """What the sources tell of these persons, whose numbers ascend."""
        found = []
        for one in self.sets:
            tables = [self.laid[one.source][at][0]] + ([came[one.source][0]] if came is not None else [])
            laid = [table for table in tables if len(table)]
            if laid:
                rows, _ = one_each(pa.concat_tables(laid))
                found.append(_aligned(one, rows, number))
        return found

    # --- Before anything is decided ----------------------------------------------------------------------------------

    def _look(self, at: int, stretch: Stretch, first: _First, met: Sequence[Met], held: Holding) -> None:
        persons = self.before.read(Unit.INDIVIDU, stretch, "id_keluarga", "nomor_kk", "nik", "lineage", RELATION)
        of_households = self.before.read(Unit.KELUARGA, stretch, "lineage")["lineage"].to_numpy()
        number, household = np.arange(*stretch.persons), persons["id_keluarga"].to_numpy()
        alive = np.ones(len(number), bool)
        for one in met:
            if not len(laid := self.laid[one.handed.source][at][0]):
                continue
            rows, again = one_each(laid)
            one.twice += len(again)
            held.add(TWICE, one.handed.source, _reference(again))
            if one.handed.source == self.policy.death.source:
                gone = self._died(rows, one.handed, held)
                alive[gone - stretch.persons[0]] = False
                first.dead.append((gone, household[gone - stretch.persons[0]]))
        rows = self._rows(at, number)
        for name, unit, lineage, chooser in (
            ("nomor_kk", Unit.KELUARGA, of_households[household - stretch.households[0]], self.chooser),
            ("nik", Unit.INDIVIDU, persons["lineage"].to_numpy(), Chooser(self.ledger, Tally())),
        ):
            if (rule := self.policy.get(name)) is None:
                continue
            rank, day = self.ledger.words(unit, rule)
            told = [(one.handed, one.words(rule)) for one in asked(rule, rows)]
            known = Words(persons[name].combine_chunks(), rank[lineage], day[lineage])
            choice = chooser.choose(rule, known, told, ~alive)
            if name == "nik":
                other, now = _as_numbers(choice.values, choice.changed)
                first.numbers.append((number[other], now))
            else:
                head = pc.equal(persons[RELATION], HEAD).to_numpy()
                other, now = _as_numbers(*following(choice, household, head, alive))
                first.moves.append((number[other], household[other], now))

    def _died(self, rows: pa.Table, handed: Handed, held: Holding) -> Numbers:
        """Who is not there any more; all who are said to have died are held."""
        death = self.policy.death
        said = said_to_be_dead(rows, self.policy, handed, self.day)
        certain = pc.and_(said, rows["certain"]) if death.certain else said
        told = _reference(rows).append_column(death.column, rows[death.column]).append_column("pasti", certain)
        held.add(DIED, death.source, told.filter(said))
        self.counts["died_uncertain"] += int(pc.sum(said).as_py() or 0) - int(pc.sum(certain).as_py() or 0)
        found: Numbers = rows[NUMBER].filter(certain).to_numpy()
        return found

    def _numbers_of_others(self, first: _First) -> Numbers:
        person, number = first.joined("numbers")
        if not len(person):
            return person
        there = (self.before.read(Unit.INDIVIDU, stretch, "nik_number") for stretch in self.stretches)
        return of_others(person, number, (rows["nik_number"].drop_null().to_numpy() for rows in there))

    def _households(self, first: _First, dead_in: Numbers) -> tuple[Made, dict[str, str]]:
        """Who lives together now; and what kind of village each is, as most of its households say."""
        person, household, card = first.joined("moves")
        cards = np.unique(card)
        holder, sizes, kinds = np.full(len(cards), NOBODY), [], Counter[tuple[str, str]]()
        for stretch in self.stretches:
            homes = self.before.read(
                Unit.KELUARGA, stretch, "nomor_kk", "member_count", "kode_desa", "klasifikasi_wilayah"
            )
            whole = pc.fill_null(pc.match_substring_regex(homes["nomor_kk"], "^[0-9]{16}$"), False)
            here = pc.if_else(whole, homes["nomor_kk"], None).cast(pa.int64()).fill_null(0).to_numpy()
            for at in np.flatnonzero(np.isin(here, cards)).tolist():
                place = np.searchsorted(cards, here[at])
                holder[place] = stretch.households[0] + at if holder[place] == NOBODY else SEVERAL
            sizes.append(homes["member_count"].to_numpy().astype(np.int16))
            for one in pa.TableGroupBy(homes, list(KIND)).aggregate([([], "count_all")]).to_pylist():
                kinds[one["kode_desa"], one["klasifikasi_wilayah"]] += one["count_all"]
        size = np.concatenate(sizes)
        found = made(Moves(person, household, card), holder, lambda some: size[some], dead_in, len(size))
        return found, {village: kind for (village, kind), _ in sorted(kinds.items(), key=lambda one: (one[1], one[0]))}

    def _away(self, households: Made) -> _Away:
        person, homes = households.moves.person, households.bases(households.group)[0]
        was, now = (
            np.searchsorted([getattr(one, name)[1] for one in self.stretches], numbers, side="right")
            for name, numbers in (("persons", person), ("households", homes))
        )
        return _Away(person[was != now], was[was != now], now[was != now])

    def _shipped(self, away: _Away) -> list[dict[str, Shares]]:
        """Those who are away from their stretch, laid in the one of their household with what is told of them: by
        source, and their own rows under ""."""
        came = [dict(zip(("", *self.laid), self._shares(1 + len(self.laid)), strict=True)) for _ in self.stretches]
        for at in np.unique(away.was).tolist():
            stretch, person, to = self.stretches[at], away.leaving(at), away.now[away.was == at]
            persons = self.before.read(Unit.INDIVIDU, stretch).take(pa.array(person - stretch.persons[0]))
            persons = persons.append_column(NUMBER, pa.array(person))
            laid = {source: shares[at][0] for source, shares in self.laid.items()}
            for there in np.unique(to).tolist():
                came[there][""].add(persons.filter(pa.array(to == there)))
                for source, rows in laid.items():
                    if len(rows):
                        theirs = np.isin(rows[NUMBER].to_numpy(), person[to == there])
                        came[there][source].add(rows.filter(pa.array(theirs)))
        return came

    # --- Deciding ----------------------------------------------------------------------------------------------------

    def _people(
        self, at: int, stretch: Stretch, households: Made, came: Mapping[str, Shares], left: Numbers, keep_nik: Numbers
    ) -> tuple[People, Homes]:
        """The persons whose households are of this stretch, and these; `left`: who is not of it any more."""
        number, moves = np.arange(*stretch.persons), households.moves
        gone = np.isin(number, left)
        persons = self.before.read(Unit.INDIVIDU, stretch).filter(pa.array(~gone))
        number = number[~gone]
        if len(more := came[""][0]):
            number = np.concatenate([number, more[NUMBER].to_numpy()])
            order = np.argsort(number)
            persons = pa.concat_tables([persons, more.drop_columns([NUMBER])]).take(pa.array(order))
            number = number[order]
        household = persons["id_keluarga"].to_numpy().copy()
        here = np.isin(number, moves.person)
        household[here] = households.group[np.searchsorted(moves.person, number[here])]
        groups, which = np.unique(household, return_inverse=True)
        base, goes_on, card = households.bases(groups)
        came_from = persons["id_keluarga"].to_numpy() != base[which]
        rows = self.before.read(Unit.KELUARGA, stretch).take(pa.array(base - stretch.households[0]))
        keep = np.isin(number, keep_nik)
        people = People(persons, number, household, came_from, self._rows(at, number, came), keep)
        return people, Homes(groups, rows, goes_on, card)

    # --- The end -----------------------------------------------------------------------------------------------------

    def _told(
        self, met: Sequence[Met], held: Holding, households: Made, files: dict[str, Written], died: int, kept: int
    ) -> dict[str, Any]:
        """Writes what is said of the data set, and the report; gives the report."""
        rows = {unit: sum(one.rows for path, one in files.items() if path.startswith(unit.value)) for unit in Unit}
        before = {"version": self.release.version, "digest": self.release.digest}
        lineage = self.ledger.lineage([one.of_lineage for one in self.sets]).to_json()
        dataset = {
            "form": FORM,
            "synthetic": bool(self.release.manifest["synthetic"]),
            "people": rows[Unit.INDIVIDU],
            "families": rows[Unit.KELUARGA],
            "reference_day": self.day.isoformat(),
            "standard": self.catalogue.standard,
            "catalogue": self.catalogue.digest,
            "region_system": SYSTEM,
            "region_edition": EDITION,
            "built": {
                "after": before,
                "sets": [one.to_json() for one in self.sets],
                "policy": digests()["survivorship.toml"],
            },
            "lineage": lineage,
            "content": combined({path: one.content for path, one in files.items()}),
            "files": [asdict(files[path]) for path in sorted(files)],
        }
        (self.folder / DATA / DATASET).write_text(json.dumps(dataset, ensure_ascii=False) + "\n", "utf-8")
        rules = [one for unit in (Unit.INDIVIDU, Unit.KELUARGA) for one in self.policy.of(self.catalogue, unit)]
        counts = self.counts
        report = {
            "form": REPORT_FORM,
            "after": before,
            "day": self.day.isoformat(),
            "content": dataset["content"],
            "sets": [one.to_json() for one in met],
            "variables": self.chooser.tally.to_json(rules),
            "persons": {
                "before": self.release.person_count,
                "now": rows[Unit.INDIVIDU],
                "died": died,
                "died_uncertain": counts["died_uncertain"],
                "nik_changed": counts["nik_changed"],
                "nik_found": counts["nik_found"],
                "nik_of_others": kept,
            },
            "families": {
                "before": self.release.family_count,
                "now": rows[Unit.KELUARGA],
                **households.counts,
                **{name: counts[name] for name in ("moved_village", "moved_regency", "without_head")},
            },
            "held": [
                {"list": kind, "source": source, "rows": many} for (kind, source), many in sorted(held.rows.items())
            ],
            "origins": self.ledger.count,
        }
        (self.folder / REPORT).write_bytes(canonical(report))
        return report


def of_others(person: Numbers, number: Numbers, there: Iterable[Numbers]) -> Numbers:
    """Which of these persons, who would get these NIKs, keep their own, ascending: somebody has that NIK already
    (`there`: all NIKs of the release before), or would get it, too. Who is right, a clerk must find out."""
    distinct, many = np.unique(number, return_counts=True)
    taken = [distinct[many > 1], *(some[np.isin(some, distinct)] for some in there)]
    return np.sort(person[np.isin(number, np.concatenate(taken))])


def _aligned(handed: Handed, rows: pa.Table, number: Numbers) -> Rows:
    """The rows as they belong to persons of these numbers; nothing where a person has none."""
    there = rows[NUMBER].to_numpy()
    at = np.minimum(np.searchsorted(there, number), len(there) - 1)
    none = there[at] != number
    taken = rows.take(pa.array(at, mask=none)).combine_chunks()
    columns = {name: taken[name].combine_chunks() for name in taken.column_names}
    return Rows(handed, columns, np.where(none, NEVER, rows["day"].to_numpy()[at]))


def _as_numbers(values: pa.Array, chosen: Numbers) -> tuple[Numbers, Numbers]:
    """Which rows are chosen, and their values of sixteen digits."""
    at = np.flatnonzero(chosen)
    return at, values.take(pa.array(at)).cast(pa.int64()).to_numpy()


def _reference(rows: pa.Table) -> pa.Table:
    """Which row of the set it is, and whose it seems to be."""
    return pa.table({FILE: rows[FILE], LINE: rows[LINE], "calon": rows[NUMBER], "peluang": rows["probability"]})
