"""Identities carried from one release to the next: who was mistaken, who was lost, and what it cost:
`python -m bench.identities --people 1000000 --seed 23` (a bare registry and the quarter after it, made here) and
`… --nation` (two data sets of the synthetic nation, one the quarter after the other, published and read sealed).

The truth never reaches the linking. A quarter here is harsher than life: see `QUARTER`.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.registry.matching.carrying import Side
from bagipakai.registry.matching.identities import Identities, carry, found
from bagipakai.registry.matching.sources import COMPARED, rows_of_file
from bagipakai.registry.regions import regions
from bagipakai.registry.synthesis import synthesise
from bagipakai.registry.synthesis.following import follow
from bagipakai.registry.synthesis.lists import registry
from bagipakai.registry.tables import part
from bagipakai.registry.vault import ShelfKey

# Of a million persons (or families, where it says so) in a quarter.
QUARTER = {
    "deaths": 5_000,
    "strangers": 4_000,  # registered for the first time, adults
    "births": 10_000,
    "moves": 12_000,  # families: another card and village, one in three in another regency
    "cards": 8_000,  # families: another card
    "marriages": 5_000,  # persons who come to another's card
    "nik_corrected": 3_000,
    "nik_issued": 200_000,  # of those who had none
    "nik_lost": 100,
    "swapped": 500,  # families: two members' numbers are exchanged
    "twins_swapped": 60_000,  # of pairs of twins
    "nik_of_a_dead": 300,  # of those who died: a newcomer bears their number
    "namesakes": 2_000,  # of those who died: a newcomer of the same name and day of birth, elsewhere
    "respelled": 4_000,
    "renamed": 200,
    "date_corrected": 1_500,
    "sex_corrected": 200,
    "mother_corrected": 2_000,
    "villages": 3_000,  # of villages: another code
    "twice": 1_500,  # already twice in the release before
    "cleaned": 700_000,  # of these: one of the two is gone
    "twice_now": 300,
}


@dataclass
class World:
    """Rows as columns of Python objects, and whose each row is."""

    columns: dict[str, np.ndarray]
    person: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def take(self, at: np.ndarray) -> "World":
        return World({name: column[at] for name, column in self.columns.items()}, self.person[at])

    def and_(self, other: "World") -> "World":
        both = {name: np.concatenate([column, other.columns[name]]) for name, column in self.columns.items()}
        return World(both, np.concatenate([self.person, other.person]))

    def table(self) -> pa.Table:
        kinds = {"tanggal_lahir": pa.date32()}
        return pa.table({name: pa.array(one, kinds.get(name, pa.string())) for name, one in self.columns.items()})


def two_releases(people: int, seed: int, quarter: dict[str, int] | None = None) -> tuple[World, World]:
    """A registry in the bare columns, and the same a quarter later."""
    rate, dice = {**QUARTER, **(quarter or {})}, np.random.default_rng([seed, 99])
    rows = registry(people, seed)
    before = World({name: np.array(rows[name].to_pylist(), object) for name in COMPARED}, np.arange(people))
    before = _twice(before, rate["twice"], dice)
    return before, _Later(before, registry(max(10, people // 20), seed + 1_000_003), rate, dice).made()


def _twice(world: World, rate: int, dice: np.random.Generator) -> World:
    """Some rows stand a second time, some of them under another number or spelling."""
    again = world.take(np.sort(_some(np.arange(len(world)), rate, dice)))
    kind = dice.integers(0, 4, len(again))
    for at in np.flatnonzero(kind == 0):
        again.columns["nama"][at] = _respelled(again.columns["nama"][at], dice)
    for at in np.flatnonzero(kind == 1):
        again.columns["nik"][at] = None
    return world.and_(again)


def _some(these: np.ndarray, rate: int, dice: np.random.Generator) -> np.ndarray:
    return these[dice.random(len(these)) * 1_000_000 < rate]


def _respelled(name: str | None, dice: np.random.Generator) -> str | None:
    if not name:
        return name
    words, at = name.split(" "), int(dice.integers(0, len(name)))
    match int(dice.integers(0, 7)):
        case 0 if len(words) > 1:
            return " ".join(words[:-1])
        case 1 if len(words) > 1:
            return " ".join([words[0], *(word[0] for word in words[1:])])
        case 2:
            return name[:at] + name[at] + name[at:]
        case 3:
            return name[:at] + str(dice.choice(list("AIUEOLRNST"))) + name[at + 1 :]
        case 4 if len(name) > 4:
            return name[:at] + name[at + 1 :]
        case 5:
            return f"H. {name}"
        case _:
            return name.replace("I", "Y", 1) if "I" in name else name.replace("U", "OE", 1)


class _Later:
    """The release after, made of the one before."""

    def __init__(self, before: World, others: pa.Table, rate: dict[str, int], dice: np.random.Generator) -> None:
        self.world = before.take(np.arange(len(before)))
        self.others = World({name: np.array(others[name].to_pylist(), object) for name in COMPARED}, np.arange(0))
        self.rate, self.dice = rate, dice
        self.next = int(before.person.max()) + 1
        self.serial = 0

    def made(self) -> World:
        self._clean()
        self._numbers()
        self._facts()
        self._families()
        self._villages()
        self._come_and_go()
        order = np.lexsort((self.dice.random(len(self.world)), *(self._text(name) for name in ("no_kk", "kode_desa"))))
        return self.world.take(order)

    def _text(self, name: str) -> np.ndarray:
        return np.array([one or "" for one in self.world.columns[name]])

    def _where(self, what: str, these: np.ndarray | None = None) -> np.ndarray:
        these = np.arange(len(self.world)) if these is None else these
        return _some(these, self.rate[what], self.dice)

    def _set(self, name: str, at: np.ndarray, values: list[Any] | np.ndarray) -> None:
        for row, value in zip(at.tolist(), values, strict=True):
            self.world.columns[name][row] = value

    def _clean(self) -> None:
        _, first = np.unique(self.world.person, return_index=True)
        second = np.setdiff1d(np.arange(len(self.world)), first)
        firsts = dict(zip(self.world.person[first].tolist(), first.tolist(), strict=True))
        gone = [
            int(row) if self.dice.random() < 0.5 else firsts[int(self.world.person[row])]
            for row in self._where("cleaned", second)
        ]
        self.world = self.world.take(np.setdiff1d(np.arange(len(self.world)), gone))
        again = self.world.take(self._where("twice_now"))
        self.world = self.world.and_(again)

    def _numbers(self) -> None:
        nik, columns = self.world.columns["nik"], self.world.columns
        has = np.array([bool(one) for one in nik])
        for at in self._where("nik_corrected", np.flatnonzero(has)):
            digits = list(nik[at].ljust(16, "1"))
            place = int(self.dice.integers(6 if self.dice.random() < 0.5 else 12, 16))
            digits[place] = str(self.dice.integers(0, 10))
            nik[at] = "".join(digits)
        self._set("nik", (at := self._where("nik_issued", np.flatnonzero(~has))), [self._number(row) for row in at])
        self._set("nik", (at := self._where("nik_lost")), [None] * len(at))
        families = self._members()
        twins = [
            (a, b)
            for members in families.values()
            for a in members
            for b in members
            if a < b
            and columns["tanggal_lahir"][a] == columns["tanggal_lahir"][b]
            and columns["nama"][a] != columns["nama"][b]  # else nobody could see it
        ]
        pairs = [twins[at] for at in self._where("twins_swapped", np.arange(len(twins)))]
        whole = [members for members in families.values() if len(members) > 1]
        pairs += [
            tuple(self.dice.choice(whole[at], 2, replace=False)) for at in self._where("swapped", np.arange(len(whole)))
        ]
        for a, b in pairs:
            nik[a], nik[b] = nik[b], nik[a]

    def _facts(self) -> None:
        columns = self.world.columns
        for name, rate in (("nama", "respelled"), ("nama_ibu", "mother_corrected")):
            self._set(name, (at := self._where(rate)), [_respelled(columns[name][row], self.dice) for row in at])
        at = self._where("renamed")
        self._set("nama", at, self.dice.choice(self.others.columns["nama"], len(at)))
        at = self._where("sex_corrected")
        self._set("jenis_kelamin", at, ["L" if columns["jenis_kelamin"][row] == "P" else "P" for row in at])
        for at in self._where("date_corrected"):
            born = columns["tanggal_lahir"][at]
            if born is not None:
                years = int(self.dice.integers(-2, 3)) or 1
                day = min(born.day, 28)
                columns["tanggal_lahir"][at] = (
                    born.replace(day=born.month, month=day) if day <= 12 and self.dice.random() < 0.4
                    else born.replace(year=min(2026, born.year + years), day=day)
                )  # fmt: skip

    def _members(self) -> dict[str, list[int]]:
        families: dict[str, list[int]] = {}
        for at, card in enumerate(self.world.columns["no_kk"]):
            if card:
                families.setdefault(card, []).append(at)
        return families

    def _families(self) -> None:
        columns, dice = self.world.columns, self.dice
        families = list(self._members().values())
        regencies: dict[str, list[int]] = {}
        for at, kab in enumerate(columns["kode_kab"]):
            regencies.setdefault(kab, []).append(at)
        for what in ("moves", "cards"):
            for family in self._where(what, np.arange(len(families))):
                members, where = families[family], None
                if what == "moves":
                    near = regencies[columns["kode_kab"][members[0]]]
                    where = int(dice.integers(0, len(self.world)) if dice.random() < 0.33 else dice.choice(near))
                card = self._card(members[0])
                for at in members:
                    columns["no_kk"][at] = card
                    if where is not None:
                        self._house(at, where)
        for at in self._where("marriages"):
            to = int(dice.integers(0, len(self.world)))
            columns["no_kk"][at] = columns["no_kk"][to]
            self._house(int(at), to)

    def _house(self, at: int, like: int) -> None:
        for name in ("kode_desa", "kode_kec", "kode_kab"):
            self.world.columns[name][at] = self.world.columns[name][like]

    def _villages(self) -> None:
        desa = self.world.columns["kode_desa"]
        known = sorted({one for one in desa if one})
        coded = {
            known[at]: f"{known[at][:6]}{9000 + at % 999}" for at in self._where("villages", np.arange(len(known)))
        }
        self.world.columns["kode_desa"] = np.array([coded.get(one, one) for one in desa], object)

    def _come_and_go(self) -> None:
        columns, dice = self.world.columns, self.dice
        gone = self._where("deaths")
        mothers = np.flatnonzero([
            sex == "P" and born is not None and 1980 < born.year < 2006
            for sex, born in zip(columns["jenis_kelamin"], columns["tanggal_lahir"], strict=True)
        ])  # fmt: skip
        mothers = mothers[dice.random(len(mothers)) < self.rate["births"] * len(self.world) / 1e6 / len(mothers)]
        children = self.world.take(mothers)
        children.columns["nama_ibu"] = children.columns["nama"].copy()
        for at in range(len(children)):
            name = str(dice.choice(self.others.columns["nama"]))
            twin = at and dice.random() < 0.02
            if twin:
                for column in children.columns.values():
                    column[at] = column[at - 1]
                name = f"{name.split(' ', 1)[0]} {str(children.columns['nama'][at - 1]).split(' ')[-1]}"
            else:
                children.columns["tanggal_lahir"][at] = np.datetime64("2026-07-01").item().replace(
                    month=int(dice.integers(7, 10)), day=int(dice.integers(1, 29))
                )  # fmt: skip
                children.columns["jenis_kelamin"][at] = str(dice.choice(["L", "P"]))
            children.columns["nama"][at] = name
            children.columns["nik"][at] = None
            if dice.random() < 0.8:
                self.serial += 1
                born = children.columns["tanggal_lahir"][at]
                day = born.day + 40 * (children.columns["jenis_kelamin"][at] == "P")
                place = children.columns["kode_kec"][at] or "320101"
                children.columns["nik"][at] = f"{place}{day:02d}{born:%m%y}{5000 + self.serial % 4999:04d}"
        strangers = self.others.columns
        many = min(len(strangers["nama"]), len(_some(np.arange(len(self.world)), self.rate["strangers"], dice)))
        came = World({name: column[:many] for name, column in strangers.items()}, np.zeros(many, np.int64))
        taken, named = (_some(gone, self.rate[what], dice) for what in ("nik_of_a_dead", "namesakes"))
        heirs = World(
            {
                name: column[dice.integers(0, len(column), len(taken) + len(named))]
                for name, column in strangers.items()
            },
            np.zeros(len(taken) + len(named), np.int64),
        )
        heirs.columns["nik"][: len(taken)] = columns["nik"][taken]
        for name in ("nama", "tanggal_lahir", "jenis_kelamin"):
            heirs.columns[name][len(taken) :] = columns[name][named]
        stay = np.setdiff1d(np.arange(len(self.world)), gone)
        new = children.and_(came).and_(heirs)
        new.person = self.next + np.arange(len(new))
        self.world = self.world.take(stay).and_(new)

    def _number(self, at: int) -> str:
        born, columns = self.world.columns["tanggal_lahir"][at], self.world.columns
        self.serial += 1
        day = (born.day if born else 1) + 40 * (columns["jenis_kelamin"][at] == "P")
        end = f"{born:%m%y}" if born else "0170"
        return f"{columns['kode_kec'][at] or '320101'}{day:02d}{end}{5000 + self.serial % 4999:04d}"

    def _card(self, at: int) -> str:
        self.serial += 1
        return f"{self.world.columns['kode_kec'][at] or '320101'}150926{1 + self.serial % 9998:04d}"


def judged(old: np.ndarray, new: np.ndarray, ids: np.ndarray, later: np.ndarray) -> dict[str, Any]:
    """`old` and `new`: whose each row is; `ids` and `later`: the identities of both. A wrong identity is one that a row
    has and another person had before; lost is a person of both releases none of whose rows has one of theirs."""
    places = {one: at for at, one in enumerate(ids.tolist())}
    came = np.array([places.get(one, -1) for one in later.tolist()])
    carried = came >= 0
    wrong = carried.copy()
    wrong[carried] = old[came[carried]] != new[carried]
    right = np.unique(new[carried & ~wrong])
    both = np.intersect1d(old, new)
    lost = np.setdiff1d(both, right)
    return {
        "rows": [len(old), len(new)],
        "carried": int(carried.sum()),
        "wrong": int(wrong.sum()),
        "lost": len(lost),
        "recall": round(1 - len(lost) / len(both), 6),
        "_wrong": np.flatnonzero(wrong),
        "_came": came,
        "_lost": lost,
    }


def run(old: Side, new: Side, folder: Path) -> tuple[Identities, Identities, dict[str, Any]]:
    """Identities found for one and carried to the other, and what it cost."""
    key, later = ShelfKey.new("index/a"), ShelfKey.new("index/b")
    began = time.process_time()
    found(old.count, folder / "a", key, {"file": "a"})
    middle = time.process_time()
    before = Identities.open(folder / "a", key)
    told = carry(before, old, new, folder / "b", later, {"file": "b"})
    end = time.process_time()
    figures = {
        "counts": told["counts"],
        "cpu_s_found": round(middle - began, 2),
        "cpu_s_carried": round(end - middle, 2),
        "cpu_s_per_million": round((end - middle) / old.count * 1e6, 2),
    }
    return before, Identities.open(folder / "b", later), figures


def of_bare(people: int, seed: int, without: list[str]) -> dict[str, Any]:
    with TemporaryDirectory() as place:
        folder, sides, worlds = Path(place), [], two_releases(people, seed)
        for name, world in zip("no", worlds, strict=True):
            file = folder / f"{name}.parquet"
            pq.write_table(world.table().drop_columns(without), file, compression="zstd")
            sides.append(Side(lambda file=file: rows_of_file(file), len(world)))
        before, after, figures = run(*sides, folder)
        told = judged(*(one.person for one in worlds), *_all(before, after))
        told["_worlds"] = worlds
        return figures | told


def of_nation(people: int, seed: int) -> dict[str, Any]:
    """The place of birth, which nothing compares and a quarter does not change, tells whose a row is."""
    with TemporaryDirectory() as place:
        folder, sides, persons = Path(place), [], []
        synthesise(people, seed, folder / "n", 2)
        for file in (folder / "n" / Unit.INDIVIDU.value).rglob("*.parquet"):
            rows = pq.read_table(file, partitioning=None)
            at = rows.column_names.index("tempat_lahir")
            told = rows["person_ordinal"].cast(pa.string())
            pq.write_table(rows.set_column(at, rows.schema.field(at), told), file)
        follow(folder / "n", seed + 1, folder / "o", 2)
        for name in "no":
            files = [folder / name / part(Unit.INDIVIDU, one.code) for one in regions().at_level(2)]
            told = pa.concat_tables(pq.read_table(one, columns=["tempat_lahir"], partitioning=None) for one in files)
            person = told["tempat_lahir"].cast(pa.int64()).fill_null(-1).to_numpy().copy()
            person[person < 0] = people * 2 + np.arange((person < 0).sum())
            persons.append(person)
            sides.append(Side(lambda files=files: (rows for file in files for rows in rows_of_file(file)), len(person)))
        before, after, figures = run(*sides, folder)
        return figures | judged(*persons, *_all(before, after))


def _all(*some: Identities) -> Iterator[np.ndarray]:
    return (one.ids(np.arange(len(one))) for one in some)


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=1_000_000)
    told.add_argument("--seed", type=int, default=23)
    told.add_argument("--nation", action="store_true")
    told.add_argument("--without", nargs="*", default=[], help="columns that the registry does not have")
    options = told.parse_args()
    figures = (
        of_nation(options.people, options.seed)
        if options.nation
        else of_bare(options.people, options.seed, options.without)
    )
    print(json.dumps({name: one for name, one in figures.items() if not name.startswith("_")}, indent=1))


if __name__ == "__main__":
    main()
