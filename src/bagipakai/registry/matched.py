"""The recipient's own list on its way back: each row once, in its order, with what may be told of it, and the plan's
variables for those who were found for certain.

Who is looked for stands in the plan: the persons of its population and area, and nobody who is on hold. Whoever a row
met beyond them is answered as nobody; so is a candidate of whom the evidence says too little, and a honey record. Some
reasons confirm that a number or a person exists: they leave only where the plan tells reasons, and then the persons
whom they confirm count as told of, like those whose variables leave (decision 0134).
"""

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.canonical import digest
from bagipakai.core.deadlines import day_of
from bagipakai.core.exchange import Order
from bagipakai.core.plan import Answer, Matching, Plan, Unit
from bagipakai.core.query import Column, In, Rows
from bagipakai.core.refusal import Refusal
from bagipakai.registry import reviews, rosters
from bagipakai.registry.alarms import Alarm, Alarms, Sign
from bagipakai.registry.asked import Asked, tried, values
from bagipakai.registry.engines import BATCH, Absent, Engine, Part, schema_of, types_of
from bagipakai.registry.extract import ANSWERS, Extract, NotWhatWasApproved
from bagipakai.registry.keys import Keys
from bagipakai.registry.matching import honey, indexes, job, labels, model
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.deciding import MATCH, NONE, REVIEW
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.index import Index
from bagipakai.registry.matching.keys import BY_NUMBER
from bagipakai.registry.matching.numbers import DIGITS
from bagipakai.registry.matching.pairs import Sample, answered_by, prepared
from bagipakai.registry.matching.policy import Abuse, Decision
from bagipakai.registry.matching.results import result
from bagipakai.registry.matching.sources import CALLED, COMPARED
from bagipakai.registry.package import package_id
from bagipakai.registry.places import Places
from bagipakai.registry.releases import Release

NOBODY: Final = "TIDAK_DITEMUKAN"
ELSEWHERE: Final = "WILAYAH_BERBEDA"
OTHERS_NUMBER: Final = "NIK_MILIK_ORANG_LAIN"
DECEASED: Final = "MENINGGAL"
WHEREABOUTS: Final = "status_keberadaan"  # of a family
ALL_DEAD: Final = ("4",)  # policies/codes.toml
WORDS: Final = {
    Answer.STATUS: {MATCH: "cocok", REVIEW: "perlu telaah", NONE: "tidak cocok"},
    Answer.YES_NO: {MATCH: "ya", REVIEW: "belum pasti", NONE: "tidak"},
}
_ORDINAL: Final = "person_ordinal"

Tell = Callable[[int, int, str], object]  # hears how many of how many of what are done


@dataclass(frozen=True)
class House:
    """Where a list and what matches it lie, who is on hold, and who is told of alarms (`clock`: when). `reading` opens
    the files of a unit in the plan's area."""

    release: Release
    keys: Keys
    places: Places
    absent: Absent
    reading: Callable[[Unit], AbstractContextManager[tuple[Engine, tuple[Part, ...]]]]
    clock: Callable[[], datetime]


@dataclass
class MatchExtract:
    """A list, matched: `answers` has `band`, `registry_id` and `reason` of each of its `rows`, and the evidence. Of the
    persons in the plan's reach whom a row met, `people` holds what is shown or told, by ordinal."""

    extract: Extract
    plan: Plan
    rows: pa.Table
    answers: pa.Table
    people: "People"
    watch: "_Watch"
    found: pa.Table  # what matching itself said of each row (matching.job), for clerks alone
    by: str  # what the rows were answered by (matching.pairs)
    evidence: dict[str, str | int] = field(default_factory=dict)

    @classmethod
    def made(cls, order: Order, house: House, tell: Tell) -> "MatchExtract | Refusal":
        """The list that `order` names, matched; or why it is not. Raises Damaged, EngineError, OSError."""
        plan, day, watch = order.plan, day_of(order.placed_at), _Watch(order, house)
        opened = _opened(order, house, watch)
        if isinstance(opened, Refusal):
            return opened
        rows, weights = opened
        matching, storage = _matching(plan), house.keys.storage
        place = indexes.of_release(house.release, storage)
        index = indexes.opened(place, storage, _counted(tell, place.count, "persons"))
        said = features(rows, day)
        found = job.Matching(index, weights, Decision.on(day)).of(said, _counted(tell, len(rows), "rows"))
        met = _Met.of(found, said, index)
        watch.honey(met.guessed)
        near = found["nearest"].drop_null().to_numpy()
        people = People.read(plan, house, np.union1d(met.everybody, near))
        if no := watch.again(met, said, people, index):
            return no
        found = honey.without(found, met.guessed)
        scoped, confirmed = _scoped(found, met, people, _moved(plan, house.absent, index))
        scoped = labels.settled(scoped, watch.decided())
        answers = result(rows["list_id"], scoped, one_to_one=matching.one_to_one)
        certain = answers.filter(pc.equal(answers["band"], MATCH))["registry_id"].to_numpy()
        fields = list(ANSWERS[:3])
        if matching.reasons:
            answers = _dead(answers, _deceased(plan, house, certain))
            fields.append(ANSWERS[3])
        fields += [(name, people.table.schema.field(name).type) for name in plan.columns]
        extract = Extract.of(pa.schema(fields), plan)
        extract.members.add_persons(pa.array(certain))
        if matching.reasons:
            extract.members.add_persons(pa.array(confirmed))
        evidence: dict[str, str | int] = {"roster": matching.roster, "model": weights.version, "matched": len(certain)}
        evidence["review"] = int(pc.sum(pc.equal(answers["band"], REVIEW)).as_py() or 0)
        by = answered_by(weights, day)
        return cls(extract, plan, rows, answers, people, watch, found, by, evidence)

    def remember(self, day: date) -> None:
        """Notes what must be known later of an answer that leaves: about whom was asked, and what clerks are to look
        at. Raises OSError."""
        self.watch.remember(len(self.rows), self.for_clerks(day))

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Every row of the list, in its order."""
        matching = _matching(self.plan)
        words = WORDS[matching.answer]
        for at in range(0, len(self.rows), BATCH):
            rows, answers = self.rows.slice(at, BATCH), self.answers.slice(at, BATCH)
            band = answers["band"].to_pylist()
            certain = pc.if_else(pc.equal(answers["band"], MATCH), answers["registry_id"], None)
            values = self.people.of(certain).select(list(self.plan.columns))
            columns = [rows[rosters.PLACE], rows["list_id"], pa.array([words[one] for one in band])]
            columns += [answers["reason"]] if matching.reasons else []
            whole = pa.table([*columns, *values.columns], schema=self.extract.schema).combine_chunks()
            for batch in whole.to_batches():
                yield self.extract.passing(batch)

    def for_clerks(self, day: date) -> pa.Table:
        """What clerks are to look at (matching.pairs): every row that waits for one, and some answers that nobody
        looked at, beside the candidates in the plan's reach. An answer tells nothing of who only came near; a pair
        does."""
        near = pa.array(self.people.places(self.found["nearest"].fill_null(-1).to_numpy()) >= 0)
        told = {
            name: pc.if_else(near, self.found[name], self.answers[name])
            for name in self.found.column_names
            if name in self.answers.column_names
        }
        found = pa.table(told | {"nearest": pc.if_else(near, self.found["nearest"], None)})
        return prepared(self.rows, found, self.people.bare, Sample.on(day), day, self.by, self.watch.seed)


@dataclass(frozen=True)
class People:
    """Persons in the reach of a plan: `ordinals` ascending, and a row of `table` for each."""

    ordinals: Numbers
    table: pa.Table

    @classmethod
    def read(cls, plan: Plan, house: House, wanted: Numbers) -> "People":
        """Those of the `wanted` ordinals, ascending, whom the plan's query chooses, without whoever is on hold. Only
        the regencies are read in which one of them lives; memory follows the list. Raises Damaged, EngineError."""
        query, types = plan.query(), types_of(house.release.catalogue, plan.unit.value)
        keep = tuple(dict.fromkeys([*plan.columns, *(name for name in types if CALLED.get(name, name) in COMPARED)]))
        query = Rows(plan.unit.value, keep, query.where, query.area)
        schema = schema_of(query, types, (_ORDINAL,))
        with house.reading(Unit.INDIVIDU) as (engine, parts):
            chosen = engine.rows(query, _near(parts, house.release, wanted), types, (_ORDINAL,))
            batches = list(house.absent.taken_from(_among(chosen, wanted), f"_{_ORDINAL}"))
        table = pa.Table.from_batches(batches, schema)
        table = table.sort_by(f"_{_ORDINAL}")
        return cls(table[f"_{_ORDINAL}"].to_numpy(), table.select(list(keep)))

    def places(self, ordinals: Numbers) -> Numbers:
        """Where each of these persons stands; -1 where it is not among them."""
        at = np.searchsorted(self.ordinals, ordinals)
        found: Numbers = np.full(len(ordinals), -1)
        here = np.flatnonzero(at < len(self.ordinals))
        here = here[self.ordinals[at[here]] == ordinals[here]]
        found[here] = at[here]
        return found

    def bare(self, ordinals: Numbers) -> pa.Table:
        """These persons, all of them here, in the columns of a bare registry."""
        at = pa.array(self.places(ordinals))
        there = [name for name in self.table.column_names if CALLED.get(name, name) in COMPARED]
        return pa.table({CALLED.get(name, name): self.table[name].take(at) for name in there})

    def of(self, ordinals: pa.ChunkedArray) -> pa.Table:
        """A row for each of these persons, of whom a null is nobody."""
        at = self.places(ordinals.fill_null(-1).to_numpy())
        return self.table.take(pa.array(at, mask=at < 0))

    @cached_property
    def niks(self) -> Numbers:
        """The number of each; 0 where it has none of sixteen digits."""
        return _niks(self.table["nik"])


@dataclass(frozen=True)
class _Met:
    """Whom the rows met: pairs of a row and an ordinal, the one that was answered and those whose number the row says
    though they are others; and which rows met a honey record, and which were answered for `certain` (bool)."""

    row: Numbers
    ordinal: Numbers
    owner: Numbers
    guessed: Numbers
    certain: Numbers

    @classmethod
    def of(cls, found: pa.Table, said: pa.Table, index: Index) -> "_Met":
        answered = found["registry_id"].is_valid().to_numpy()
        rows = np.flatnonzero(answered)
        ordinals = found["registry_id"].drop_null().to_numpy()
        others = np.flatnonzero(pc.equal(found["reason"], OTHERS_NUMBER).to_numpy())
        numbers = said.take(pa.array(others))
        owned = index.candidates(numbers, BY_NUMBER)
        persons, at = np.unique(owned.ordinal, return_inverse=True)
        theirs = index.nameless(persons)["nik"].fill_null(0).to_numpy()[at]  # a key is shorter than a number
        same = theirs == numbers["nik"].fill_null(-1).to_numpy()[owned.row]
        row = np.concatenate([rows, others[owned.row[same]]])
        ordinal = np.concatenate([ordinals, owned.ordinal[same].astype(np.int64)])
        owner = np.arange(len(row)) >= len(rows)
        invented = ordinal >= honey.real(index)
        guessed = honey.asked_for(said, index)
        guessed[row[invented]] = True
        kept = ~guessed[row]
        certain = pc.equal(found["band"], MATCH).to_numpy() & ~guessed
        return cls(row[kept], ordinal[kept], owner[kept], guessed, certain)

    @property
    def everybody(self) -> Numbers:
        return np.unique(self.ordinal)


class _Watch:
    """Looks out for guesses while a list is matched; what it sees it tells the house, and nobody else."""

    def __init__(self, order: Order, house: House) -> None:
        self._order, self._house = order, house
        self._day, self._package = day_of(order.placed_at), package_id(order.order_id)
        self._policy = Abuse.on(self._day)
        institution = order.plan.recipient.institution
        self._asked = Asked(house.places.asked, house.keys.master, institution)
        self._pairs = np.empty(0)
        self._asked_what = digest({"plan": order.plan.digest, "release": house.release.digest})
        self.seed = int(hashlib.sha256(order.order_id.encode()).hexdigest()[:15], 16)

    def quota(self, rows: int) -> Refusal | None:
        policy = self._policy
        together = self._asked.rows(self._day, policy, self._package) + rows
        if together <= policy.quota_rows:
            return None
        self._sound(Sign.QUOTA, together)
        return Refusal("order-matching-quota", {"most": str(policy.quota_rows), "days": str(policy.quota_days)})

    def honey(self, guessed: Numbers) -> None:
        if guessed.any():
            self._sound(Sign.HONEY, int(guessed.sum()))

    def again(self, met: _Met, said: pa.Table, people: People, index: Index) -> Refusal | None:
        """Whether the same persons were asked about in too many ways: who was met, and whoever has a number that a row
        says, also where nobody has it, so that this answer tells nothing of who exists. Serials that are tried meet
        nobody until one is right: what is not answered for certain asks also about a place, a day and a sex."""
        ordinal, row = met.ordinal[~met.owner], met.row[~met.owner]
        niks, at = np.zeros(len(ordinal), np.int64), people.places(ordinal)
        niks[at >= 0] = people.niks[at[at >= 0]]
        others, place = np.unique(ordinal[at < 0], return_inverse=True)
        niks[at < 0] = index.nameless(others)["nik"].fill_null(0).to_numpy()[place]
        nik, beside = (said[name].fill_null(0).to_numpy() for name in ("nik", "nik_beside"))
        whole, there = np.flatnonzero(said["nik_sound"].to_numpy() == DIGITS), np.flatnonzero(beside)
        tries, begins = tried(said, ~met.certain)
        here = int(self._house.release.digest[:15], 16)  # an ordinal tells a person of one release
        self._pairs = self._asked.pairs(
            np.concatenate([niks, nik[whole], beside[there], np.zeros(len(tries), np.int64)]),
            np.concatenate([ordinal + 1 ^ here, np.zeros(len(whole) + len(there), np.int64), begins]),
            values(said)[np.concatenate([row, whole, there, tries])],
        )
        ways = self._asked.altered(self._pairs, self._day, self._policy, self._package)
        many = int((ways >= self._policy.asked_alarm).sum())
        if many:
            self._sound(Sign.ALTERED, many)
        if ways.max(initial=0) <= self._policy.asked_most:
            return None
        return Refusal("order-matching-asks-again", {"most": str(self._policy.asked_most)})

    def remember(self, rows: int, for_clerks: pa.Table) -> None:
        self._asked.keep(self._pairs, rows, self._day, self._package)
        if len(for_clerks):
            house = self._house
            reviews.keep(house.places.reviews, house.keys.storage, self._order.order_id, for_clerks, self._asked_what)

    def decided(self) -> pa.Table:
        """What clerks decided of earlier orders of this very plan, of this very release."""
        house = self._house
        trusted = (house.keys.order, *house.keys.orders)
        return reviews.decided(house.places.reviews, house.keys.storage, self._asked_what, trusted)

    def _sound(self, sign: Sign, count: int) -> None:
        order = self._order
        alarm = Alarm(
            sign,
            order.order_id,
            _matching(order.plan).roster,
            order.plan.recipient.institution,
            count,
            self._house.clock(),
        )
        Alarms(self._house.places.alarms, self._house.keys.receipt).sound(alarm)


def _opened(order: Order, house: House, watch: _Watch) -> tuple[pa.Table, model.Model] | Refusal:
    """The list, its rows, and what they are weighed by; or why it is not matched."""
    matching, institution = _matching(order.plan), order.plan.recipient.institution
    roster = rosters.named(matching, institution, house.places, house.keys.receipt.public)
    if isinstance(roster, Refusal):
        return roster
    rows = watch.quota(matching.rows) or roster.read(house.keys.storage)
    weights = model.opened()
    if isinstance(rows, Refusal):
        return rows
    return weights if isinstance(weights, Refusal) else (rows, weights)


def _scoped(
    found: pa.Table, met: _Met, people: People, moved: Callable[[Numbers], Numbers]
) -> tuple[pa.Table, Numbers]:
    """The answers in which nobody beyond the plan's reach was found, and the persons whom a reason confirms: owners of
    a number in reach, and who was found for certain but `moved`."""
    in_reach = people.places(met.ordinal) >= 0
    there = np.zeros(len(found), bool)  # rows whose person, or whose number's owner, is in reach
    there[met.row[in_reach]] = True
    whose = found["registry_id"].fill_null(-1).to_numpy()
    open_still = pc.and_(pc.equal(found["band"], REVIEW), pc.is_null(found["registry_id"])).to_numpy()
    elsewhere = ~there & (whose >= 0) & pc.equal(found["band"], MATCH).to_numpy()
    elsewhere[elsewhere] = moved(whose[elsewhere])
    scoped = honey.without(found, ~there & ~open_still)
    reason = pc.if_else(pa.array(elsewhere), ELSEWHERE, scoped["reason"])
    scoped = scoped.set_column(scoped.column_names.index("reason"), "reason", reason)
    return scoped, np.concatenate([met.ordinal[met.owner & in_reach], whose[elsewhere]])


def _moved(plan: Plan, absent: Absent, index: Index) -> Callable[[Numbers], Numbers]:
    """Tells of persons who of them lives outside the plan's area, and is not on hold: bool."""

    def lives_elsewhere(ordinals: Numbers) -> Numbers:
        desa = index.nameless(ordinals)["desa"].fill_null(0).to_numpy()
        inside = np.full(len(desa), not plan.area.codes)
        for code in plan.area.codes:
            inside |= desa // 10 ** (10 - len(code)) == int(code)
        outside: Numbers = ~inside & (desa > 0) & ~np.isin(ordinals, absent.ordinals)
        return outside

    return lives_elsewhere


def _deceased(plan: Plan, house: House, wanted: Numbers) -> Numbers:
    """Whose families, of these persons, died whole as far as the release knows. Raises Damaged, EngineError."""
    types, wanted = types_of(house.release.catalogue, Unit.KELUARGA.value), np.unique(wanted)
    if WHEREABOUTS not in types:
        return wanted[:0]
    dead = Rows(Unit.KELUARGA.value, (), In(Column(WHEREABOUTS), ALL_DEAD), plan.area.codes)
    spans = [np.empty(0, np.int64)]
    with house.reading(Unit.KELUARGA) as (engine, parts):
        near = _near(parts, house.release, wanted)
        for batch in engine.rows(dead, near, types, ("first_ordinal", "member_count")):
            first, many = (batch.column(at).to_numpy() for at in (0, 1))
            begins, ends = np.searchsorted(wanted, first), np.searchsorted(wanted, first + many)
            spans += [wanted[begin:end] for begin, end in zip(begins, ends, strict=True) if begin < end]
    return np.concatenate(spans)


def _dead(answers: pa.Table, ordinals: Numbers) -> pa.Table:
    """The answers in which the reason for these persons, where they were found for certain, is that they died."""
    there = pc.and_(pc.equal(answers["band"], MATCH), pc.is_in(answers["registry_id"], pa.array(ordinals)))
    at = answers.column_names.index("reason")
    return answers.set_column(at, "reason", pc.if_else(there, DECEASED, answers["reason"]))


def _near(parts: tuple[Part, ...], release: Release, wanted: Numbers) -> tuple[Part, ...]:
    """The files of regencies in which one of these persons lives; ordinals ascending."""
    lie = set()
    for kab, rows in release.regencies(Unit.INDIVIDU):
        begin, end = np.searchsorted(wanted, (rows.start, rows.stop))
        lie |= {kab} if begin < end else set()
    return tuple(part for part in parts if lie.intersection(part.regencies))


def _among(batches: Iterator[pa.RecordBatch], wanted: Numbers) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        chosen = np.isin(batch.column(f"_{_ORDINAL}").to_numpy(), wanted)
        if chosen.any():
            yield batch.filter(pa.array(chosen))


def _niks(texts: pa.ChunkedArray) -> Numbers:
    whole = pc.match_substring_regex(texts, "^[0-9]{16}$").fill_null(False)
    numbers: Numbers = pc.cast(pc.if_else(whole, texts, "0"), pa.int64()).to_numpy()
    return numbers


def _counted(tell: Tell, of: int, unit: str) -> Callable[[int], object]:
    done = 0

    def more(number: int) -> None:
        nonlocal done
        done += number
        tell(done, of, unit)

    return more


def _matching(plan: Plan) -> Matching:
    if plan.matching is None or plan.unit is not Unit.INDIVIDU:
        raise NotWhatWasApproved("matching")
    return plan.matching
