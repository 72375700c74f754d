"""Persons and their households decided, a stretch of regencies at a time: values by rule, and what follows from them.

Everything here is of rows that are given; the same rows give the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.plan import Unit
from bagipakai.core.survivorship import AT_THE_PLACE, Survival, Survivorship
from bagipakai.core.variables import Catalogue
from bagipakai.registry.building.choosing import NEVER, Choice, Chooser, Rows
from bagipakai.registry.building.lineages import Ledger
from bagipakai.registry.building.meeting import EPOCH
from bagipakai.registry.building.placing import kinds, placed
from bagipakai.registry.building.surviving import Words, changed, most_told
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.lookups import firsts

HEAD: Final = "1"  # hubungan_kepala_keluarga
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class People:
    """Persons of whole households: their rows in the release before, by their number there; the household of each
    now, and whether they `came` to it from another; and what the sources tell of them. `keep_nik`: whose number stays
    in any case."""

    before: pa.Table
    number: Numbers
    household: Numbers
    came: Numbers
    rows: Sequence[Rows]
    keep_nik: Numbers


@dataclass(frozen=True)
class Homes:
    """Of each of their households, ascending: its row or that of the household it comes from, in the release before;
    whether it goes on as that one; and its card, or 0 for that of the row."""

    household: Numbers
    before: pa.Table
    goes_on: Numbers
    card: Numbers


@dataclass(frozen=True)
class Decided:
    """Rows of both tables but for their places in the release; persons stand by household (`whose`, a place in
    `families`), the head first. `stays`: which households go on in their village; `order`: of those, where they stood.
    """

    persons: Columns
    families: Columns
    whose: Numbers
    stays: Numbers
    order: Numbers
    counts: Mapping[str, int]


class Decider:
    """Decides by the rules of one day. `urban`: klasifikasi_wilayah by village, where it is known."""

    def __init__(
        self, policy: Survivorship, catalogue: Catalogue, chooser: Chooser, day: date, urban: Mapping[str, str]
    ) -> None:
        self._policy, self._catalogue, self._chooser, self._day, self._urban = policy, catalogue, chooser, day, urban
        self._ledger: Ledger = chooser.ledger
        self._rules = {unit: policy.of(catalogue, unit) for unit in Unit}
        self._shared = [one.name for one in catalogue.of_unit(Unit.INDIVIDU) if Unit.KELUARGA in one.units]

    def decide(self, people: People, homes: Homes) -> Decided:
        members = self._members(people)
        families, numbers, stays, counts = self._households(members, homes)
        persons = members.columns
        for name in self._shared:
            persons[name] = families[name].take(pa.array(members.whose))
        persons["lineage"] = pa.array(self._ledger.numbered(Unit.INDIVIDU, members.lineage, members.origins))
        families["lineage"] = pa.array(numbers)
        order = homes.before["id_keluarga"].to_numpy()
        return Decided(persons, families, members.whose, stays, order, {**members.counts, **counts})

    # --- Persons ----------------------------------------------------------------------------------------------------

    def _members(self, people: People) -> "_Members":
        columns: Columns = {name: people.before[name].combine_chunks() for name in people.before.column_names}
        lineage, origins = columns["lineage"].to_numpy(), {}
        touched, repaired = np.zeros(len(people.number), np.int64), np.zeros(len(people.number), bool)
        for rule in self._rules[Unit.INDIVIDU]:
            choice = self._chosen(Unit.INDIVIDU, rule, columns[rule.variable], lineage, people)
            columns[rule.variable], origins[rule.variable] = choice.values, choice.origin
            touched = np.maximum(touched, self._days(choice))
            if rule.variable in self._policy.standing.on:
                repaired |= choice.changed
        _with_the_known(self._rules[Unit.INDIVIDU], columns, origins)
        columns["nik_number"] = self._nik_numbers(columns["nik"], columns["nik_number"], origins.get("nik"))
        columns["umur"] = pc.coalesce(full_years(columns["tanggal_lahir"], self._day), columns["umur"])
        columns["status_padan"] = self._standing(people, columns["status_padan"], repaired)
        head = pc.equal(columns["hubungan_kepala_keluarga"], HEAD).fill_null(False).to_numpy(zero_copy_only=False)
        order = np.lexsort((people.number, people.came, ~head, people.household))
        at = pa.array(order)
        _, whose = np.unique(people.household[order], return_inverse=True)
        asked = {rule.variable for rule in self._rules[Unit.KELUARGA]}
        rows = [
            Rows(
                one.handed,
                {name: values.take(at) for name, values in one.columns.items() if name in asked},
                one.day[order],
            )
            for one in people.rows
        ]
        return _Members(
            {name: values.take(at) for name, values in columns.items()},
            {name: values[order] for name, values in origins.items()},
            lineage[order],
            whose,
            head[order],
            touched[order],
            rows,
            _numbers_changed(people.before["nik"].combine_chunks(), columns["nik"]),
        )

    def _chosen(self, unit: Unit, rule: Survival, known: pa.Array, lineage: Numbers, people: People) -> Choice:
        rank, day = self._ledger.words(unit, rule)
        told = [(one.handed, one.words(rule)) for one in asked(rule, people.rows)]
        keep = people.keep_nik if rule.variable == "nik" else None
        return self._chooser.choose(rule, Words(known, rank[lineage], day[lineage]), told, keep)

    def _nik_numbers(self, nik: pa.Array, before: pa.Array, origin: Numbers | None) -> pa.Array:
        if origin is None:
            return before
        told = pa.array(origin >= 0)
        return pc.if_else(told, pc.if_else(told, nik, None).cast(pa.int64()), before)

    def _standing(self, people: People, before: pa.Array, repaired: Numbers) -> pa.Array:
        """Whom the source of the standing knows is matched, or matched after repair."""
        standing = self._policy.standing
        for one in people.rows:
            if one.handed.source == standing.source:
                code = pc.if_else(pa.array(repaired), standing.changed, standing.same)
                return pc.if_else(pa.array(one.day > NEVER), code, before)
        return before

    def _days(self, choice: Choice) -> Numbers:
        """When the values that changed something were told; 0 for the others."""
        found: Numbers = np.where(choice.changed & (choice.origin >= 0), self._ledger.days()[choice.origin], 0)
        return found

    # --- Households --------------------------------------------------------------------------------------------------

    def _households(self, members: "_Members", homes: Homes) -> tuple[Columns, Numbers, Numbers, dict[str, int]]:
        count, lineage = len(homes.household), homes.before["lineage"].to_numpy()
        columns = self._bases(homes)
        origins: dict[str, Numbers] = {"nomor_kk": self._of_card(members, columns["nomor_kk"])}
        village = columns["kode_desa"]
        touched = np.zeros(count, np.int64)
        np.maximum.at(touched, members.whose, members.touched)
        for rule in sorted(self._rules[Unit.KELUARGA], key=lambda rule: rule.variable != "kode_desa"):
            if rule.variable == "nomor_kk":
                continue  # the persons' cards made the households
            known = columns[rule.variable]
            at_the_place = rule.variable in AT_THE_PLACE
            if at_the_place:
                known = pc.if_else(_equal(columns["kode_desa"], village), known, None)
            told = []
            for one in asked(rule, members.rows):
                values = one.columns[rule.variable]
                if at_the_place:
                    decided = columns["kode_desa"].take(pa.array(members.whose))
                    values = pc.if_else(_equal(one.columns["kode_desa"], decided), values, None)
                taken = most_told(values, members.whose, count)
                told.append((one.handed, Rows(one.handed, {rule.variable: values}, one.day).words(rule, taken)))
            rank, day = (
                np.where(homes.goes_on, some[lineage], other)
                for some, other in zip(self._ledger.words(Unit.KELUARGA, rule), (len(rule.sources), NEVER), strict=True)
            )
            choice = self._chooser.choose(rule, Words(known, rank, day), told)
            columns[rule.variable], origins[rule.variable] = choice.values, choice.origin
            touched = np.maximum(touched, self._days(choice))
        moved = changed(village, columns["kode_desa"])
        regency = changed(pc.utf8_slice_codeunits(village, 0, 4), pc.utf8_slice_codeunits(columns["kode_desa"], 0, 4))
        self._place(columns, pa.array(moved))
        without = self._heads(columns, members, homes)
        columns["tanggal_pemutakhiran"] = _later(columns["tanggal_pemutakhiran"], touched)
        numbers = self._ledger.numbered(Unit.KELUARGA, lineage, origins)
        counts = {"moved_village": int(moved.sum()), "moved_regency": int(regency.sum()), "without_head": without}
        return columns, numbers, homes.goes_on & ~moved, counts

    def _bases(self, homes: Homes) -> Columns:
        """The rows of before; of a household that split off, only what it inherits or cannot be without."""
        columns: Columns = {name: homes.before[name].combine_chunks() for name in homes.before.column_names}
        fresh = pa.array(~homes.goes_on)
        if not homes.goes_on.all():
            kept = {*self._policy.inherited, "kode_desa", "nomor_kk"}
            for variable in self._catalogue.of_unit(Unit.KELUARGA):
                if not variable.required and variable.name not in kept:
                    columns[variable.name] = pc.if_else(fresh, None, columns[variable.name])
        told = pa.array(homes.card > 0)
        cards = pc.utf8_lpad(pa.array(homes.card).cast(pa.string()), 16, "0")
        columns["nomor_kk"] = pc.if_else(told, cards, columns["nomor_kk"])
        return columns

    def _of_card(self, members: "_Members", cards: pa.Array) -> Numbers:
        """Where each household's card comes from: the first member to whom a source of the rule told it, or -1."""
        found = np.full(len(cards), -1)
        rule = self._policy.get("nomor_kk")
        wanted = cards.take(pa.array(members.whose))
        for one in reversed(asked(rule, members.rows) if rule is not None else []):
            at = np.flatnonzero(_equal(one.columns["nomor_kk"], wanted).to_numpy(zero_copy_only=False))[::-1]
            found[members.whose[at]] = self._chooser.origins(one.handed, one.day[at])
        return found

    def _place(self, columns: Columns, moved: pa.Array) -> None:
        """Codes, names and kind of the villages, of those who moved."""
        for name, values in placed(columns["kode_desa"]).items():
            if name != "kode_desa":
                columns[name] = pc.if_else(moved, pc.coalesce(values, columns[name]), columns[name])
        kind = kinds(columns["kode_desa"], self._urban, columns["klasifikasi_wilayah"])
        columns["klasifikasi_wilayah"] = pc.if_else(moved, kind, columns["klasifikasi_wilayah"])

    def _heads(self, columns: Columns, members: "_Members", homes: Homes) -> int:
        """Name of the head and number of members; how many households have no head. Of these, and of those whose
        members changed, the first stands for it."""
        first = firsts(members.whose)
        size = np.diff(np.append(first, len(members.whose)))
        before = homes.before["member_count"].to_numpy()
        other = (size != before) | ~homes.goes_on
        name = members.columns["nama"].take(pa.array(first))
        tells = pa.array(members.head[first] | other)
        columns["nama_kepala_keluarga"] = pc.if_else(tells, name, columns["nama_kepala_keluarga"])
        sizes = pa.array(size.astype(np.int64))
        columns["jumlah_anggota_keluarga"] = pc.if_else(pa.array(other), sizes, columns["jumlah_anggota_keluarga"])
        columns["member_count"] = pa.array(size.astype(np.int32))
        return int((~members.head[first]).sum())


@dataclass(frozen=True)
class _Members:
    """Persons decided, by household and the head first: their columns, where each value comes from (or -1), their
    number of lineage before, the place of their household, who is a head, when they were last told anything new, and
    what the sources tell for their households."""

    columns: Columns
    origins: dict[str, Numbers]
    lineage: Numbers
    whose: Numbers
    head: Numbers
    touched: Numbers
    rows: Sequence[Rows]
    counts: Mapping[str, int]


def _numbers_changed(before: pa.Array, after: pa.Array) -> dict[str, int]:
    other = changed(before, after)
    had = pc.is_valid(before).to_numpy(zero_copy_only=False)
    return {"nik_changed": int((other & had).sum()), "nik_found": int((other & ~had).sum())}


def _with_the_known(rules: Sequence[Survival], columns: Columns, origins: dict[str, Numbers]) -> None:
    """What is unknown comes from where the first known value of the same survey comes from (of the rules with the same
    first source): else each way of not answering would be a combination of origins of its own."""
    surveys: dict[str, list[str]] = {}
    for rule in rules:
        surveys.setdefault(rule.sources[0], []).append(rule.variable)
    for names in surveys.values():
        known = np.array([pc.is_valid(columns[name]).to_numpy(zero_copy_only=False) for name in names])
        told = np.array([origins[name] for name in names])
        first = np.take_along_axis(told, known.argmax(axis=0)[None, :], axis=0)[0]
        for name, is_known in zip(names, known, strict=True):
            origins[name] = np.where(is_known, origins[name], first)


def following(card: Choice, household: Numbers, head: Numbers, alive: Numbers) -> tuple[pa.Array, Numbers]:
    """The card of each person, whose households ascend, and who moves to it. Of whom nobody tells a card (a child that
    has no number yet) goes where the head of the household goes, or more than half of it; unless somebody of it is told
    to stay."""
    _, whose = np.unique(household, return_inverse=True)
    count = int(whose.max(initial=-1)) + 1
    silent = alive & (card.origin < 0)
    stay = np.bincount(whose, alive & ~silent & ~card.changed, count) > 0
    moves = pc.if_else(pa.array(card.changed), card.values, None)
    of_head = most_told(pc.if_else(pa.array(head), moves, None), whose, count)
    of_most = most_told(moves, whose, count)
    codes = moves.dictionary_encode().indices.fill_null(-1).to_numpy()
    same = codes == np.where(of_most < 0, -2, codes[of_most])[whose]
    most = 2 * np.bincount(whose, same & card.changed, count) > np.bincount(whose, alive, count)
    leader = np.where(of_head >= 0, of_head, np.where(most, of_most, -1))
    leader = np.where(stay, -1, leader)[whose]
    follows = silent & (leader >= 0)
    to = card.values.take(pa.array(np.maximum(leader, 0)))
    return pc.if_else(pa.array(follows), to, card.values), card.changed | follows


def asked(rule: Survival, rows: Sequence[Rows]) -> list[Rows]:
    """Those of the rule's sources that handed in, in the rule's order."""
    found = {one.handed.source: one for one in rows}
    return [found[source] for source in rule.sources if source in found]


def _equal(one: pa.Array, other: pa.Array) -> pa.Array:
    """False where either is unknown."""
    return pc.fill_null(pc.equal(one, other), False)


def _later(before: pa.Array, touched: Numbers) -> pa.Array:
    days = pa.array((touched - EPOCH).astype(np.int32), mask=touched == 0).cast(pa.date32())
    return pc.max_element_wise(before, days)


def full_years(born: pa.Array, day: date) -> pa.Array:
    """Age on `day`; null where the date of birth is."""
    had_birthday = pc.less_equal(
        pc.add(pc.multiply(pc.month(born), 100), pc.day(born)), pa.scalar(day.month * 100 + day.day, pa.int64())
    )
    years = pc.subtract(pa.scalar(day.year, pa.int64()), pc.year(born))
    return pc.max_element_wise(
        pc.subtract(years, pc.if_else(had_birthday, 0, 1)), pa.scalar(0, pa.int64()), skip_nulls=False
    )
