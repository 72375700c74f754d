"""Families in villages, in the bare columns of a registry."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pyarrow as pa

from bagipakai.registry.regions import regions
from bench.other_people.pools import Culture, culture, told

TODAY = date(2026, 7, 1)
SCHEMA = pa.schema(
    [
        ("registry_id", pa.int64()),
        *((name, pa.string()) for name in ("nik", "no_kk", "nama", "jenis_kelamin", "tempat_lahir")),
        ("tanggal_lahir", pa.date32()),
        *((name, pa.string()) for name in ("nama_ibu", "alamat", "rt", "rw")),
        *((name, pa.string()) for name in ("kode_desa", "kode_kec", "kode_kab", "kode_prov")),
    ]
)
VILLAGE = 3_000  # persons of a full one
LETTERS = {"A": "I", "I": "A", "O": "A", "U": "I"}  # twins: Rafa and Rafi


@dataclass(slots=True)
class Person:
    name: str
    woman: int
    born: date
    mother: str | None = None
    twin: bool = False
    nik: str | None = None


@dataclass(slots=True)
class House:
    """The people of one family card."""

    village: str
    culture: Culture
    surname: str
    members: list[Person] = field(default_factory=list)


class Offices:
    """Which numbers the civil registries have given out."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def next(self, stem: str, start: int = 1) -> str:
        self._given[stem] += 1
        return f"{stem}{start + self._given[stem] - 1:04d}"


def registry(people: int, seed: int, *, dense: bool = False) -> pa.Table:
    """`people` persons in SCHEMA, by village and family; one seed, one table. Thin (the default): over the nation's
    villages as its people are. Dense: a few regencies, villages of some 3,000. Raises ValueError below ten persons."""
    if people < 10:
        raise ValueError("at least ten persons")
    dice = Random(seed)  # noqa: S311  # people to test with
    villages = _exactly(people, _full(people, dice) if dense else _spread(people, dice), dice)
    kecamatan = [region.code for region in regions().at_level(3)]
    offices, ids = Offices(), 0
    columns: list[list[object]] = [[] for _ in SCHEMA]
    for village, wanted in villages:
        names = _cultures(village[:2])
        left = wanted
        while left > 0:
            house = _house(village, culture(dice.choices(*names)[0]), dice)
            del house.members[left:]
            left -= len(house.members)
            for row in _rows(house, offices, kecamatan, dice):
                ids += 1 + (dice.random() < 0.3)
                for column, value in zip(columns, (ids, *row), strict=True):
                    column.append(value)
    return pa.table([pa.array(column, of.type) for column, of in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _cultures(province: str) -> tuple[list[str], list[int]]:
    mixed = told()["province"][province][1:]
    return mixed[::2], mixed[1::2]


def _exactly(people: int, villages: list[tuple[str, int]], dice: Random) -> list[tuple[str, int]]:
    """Of too many people so many, in villages in order of code."""
    dice.shuffle(villages)
    left, found = people, []
    for village, many in villages:
        if left:
            found.append((village, min(many, left)))
            left -= found[-1][1]
    return sorted(found)


def _spread(people: int, dice: Random) -> list[tuple[str, int]]:
    """Villages of the nation and how many live there: some three families in each, where there are too few people."""
    weights = {code: of[0] for code, of in told()["province"].items()}
    all_ = sum(weights.values())
    found: list[tuple[str, int]] = []
    for province, weight in weights.items():
        villages = [one.code for one in regions().at_level(4) if one.code.startswith(province)]
        there = round(people * weight / all_) + 1
        few = sorted(dice.sample(villages, min(len(villages), there // 12 + 1)))
        shares = [dice.lognormvariate(0, 0.5) for _ in few]
        of_one = there / sum(shares)
        found += [(code, round(of_one * share) + 1) for code, share in zip(few, shares, strict=True)]
    return found


def _full(people: int, dice: Random) -> list[tuple[str, int]]:
    weights = {code: of[0] for code, of in told()["province"].items()}
    found: list[tuple[str, int]] = []
    taken: set[str] = set()
    while sum(many for _, many in found) < people:
        (province,) = dice.choices(list(weights), list(weights.values()))
        regency = dice.choice(regions().children(province)).code
        if regency in taken:
            continue
        taken.add(regency)
        villages = [one.code for kec in regions().children(regency) for one in regions().children(kec.code)]
        found += [(code, round(VILLAGE * dice.lognormvariate(0, 0.5))) for code in villages]
    return found


def _house(village: str, its: Culture, dice: Random) -> House:
    """A couple with children four times in seven; else the others who live together."""
    house = House(village, its, its.surname(dice))
    shape = dice.random()
    if shape < 0.09:  # somebody old, alone
        house.members = [_grown(house, dice, dice.random() < 0.7, dice.randint(1935, 1966))]
    elif shape < 0.13:  # somebody young, alone
        house.members = [_grown(house, dice, dice.random() < 0.5, dice.randint(1988, 2005))]
    elif shape < 0.17:  # grandmother and grandchildren whose parents work elsewhere
        old = _grown(house, dice, True, dice.randint(1945, 1968))
        away = its.named(dice, 1, old.born.year + 24)
        house.members = [old, *_children(house, dice, away, old.born.year + 24, dice.randint(1, 2))]
    else:
        mother = _grown(house, dice, True, dice.randint(1952, 2003))
        husband = _grown(house, dice, False, mother.born.year - round(abs(dice.gauss(3, 3))))
        many = dice.choices(range(7), (9, 25, 33, 18, 9, 4, 2))[0]
        children = _children(house, dice, mother.name, mother.born.year, many)
        house.members = [husband, mother, *children] if dice.random() < 0.88 else [mother, *children]
        if dice.random() < 0.13:  # one of the old ones with them, whose name stands in a column of theirs
            child = dice.choice(house.members[:2])
            old = _grown(house, dice, True, child.born.year - dice.randint(18, 32))
            child.mother = old.name
            house.members.append(old)
        if dice.random() < 0.05:  # a daughter-in-law, or a son-in-law who moved in
            house.members.append(_grown(house, dice, dice.random() < 0.6, dice.randint(1990, 2004)))
    return house


def _grown(house: House, dice: Random, woman: bool, year: int) -> Person:
    born = _day(dice, year)
    name = house.culture.named(dice, int(woman), year, house.surname if not woman else house.culture.surname(dice))
    return Person(name, int(woman), born, house.culture.named(dice, 1, year - 25, house.culture.surname(dice)))


def _children(house: House, dice: Random, mother: str, hers: int, many: int) -> list[Person]:
    """Two years and more apart, or twins; their surname is their father's, or they share a word, or nothing."""
    shared = house.culture.last[0].drawn(dice) if not house.surname and dice.random() < 0.12 else ""
    year, found = hers + dice.randint(17, 28), []
    for order in range(many):
        born = _day(dice, year)
        if born >= TODAY:
            break
        woman = dice.randint(0, 1)
        name = house.culture.named(dice, woman, year, house.surname, order, shared)
        found.append(Person(name, woman, born, mother))
        if dice.random() < 0.009:
            found[-1].twin = True
            other = woman if dice.random() < 0.7 else 1 - woman
            alike = _alike(name) if other == woman and dice.random() < 0.6 else name
            if alike == name:
                alike = house.culture.named(dice, other, year, house.surname, order, shared)
            found.append(Person(alike, other, born, mother, twin=True))
        year += 1 + round(dice.expovariate(0.4)) + 1
    return found


def _alike(name: str) -> str:
    """A twin's name: the last letter of the first word another."""
    first, _, rest = name.partition(" ")
    return f"{first[:-1]}{LETTERS.get(first[-1], first[-1])} {rest}".strip()


def _day(dice: Random, year: int) -> date:
    """A day of the year; the older somebody is, the oftener the one that the office took as nobody knew it."""
    if dice.random() < (0.16 if year < 1950 else 0.07 if year < 1970 else 0.015 if year < 1990 else 0.004):
        month, day = dice.choices(((1, 1), (12, 31), (7, 1), (6, 30)), (6, 3, 2, 1))[0]
        return date(year, month, day)
    return date(year, 1, 1) + timedelta(dice.randrange(365))


def _rows(house: House, offices: Offices, kecamatan: list[str], dice: Random) -> Iterator[tuple[object, ...]]:
    kec = house.village[:6]
    issued = date(2006, 1, 1) + timedelta(dice.randrange(7400))
    at = kec if dice.random() < 0.93 else f"{kec[:4]}{dice.randint(1, 12):02d}"
    card = offices.next(f"{at}{issued:%d%m%y}") if dice.random() < 0.995 else None
    rt, rw = f"{dice.randint(1, 12):03d}", f"{dice.randint(1, 9):03d}"
    home = dice.choice(told()["places"]["houses"].split(","))
    for one in house.members:
        one.nik = _nik(one, kec, offices, kecamatan, dice)
        mother = one.mother
        if TODAY.year - one.born.year > 55 and dice.random() < 0.12:
            mother = None  # nobody remembers
        elif mother and dice.random() < 0.02:
            mother = mother.split()[0]
        name = f"{one.name}, S.PD" if one.born.year < 2000 and dice.random() < 0.008 else one.name
        born = one.born
        if dice.random() < 0.006:  # a date put right after the number was given, which stays as it is
            born = min(TODAY, born.replace(day=1, year=born.year + dice.choice((-2, -1, 1))) + timedelta(3))
        place = regions()[one.nik[:4] if one.nik and one.nik[:4] in regions() else kec[:4]].name
        place = place.removeprefix("Kabupaten ").removeprefix("Kota ").upper()
        village = house.village
        sex = "LP"[one.woman]
        yield one.nik, card, name, sex, place, born, mother, home, rt, rw, village, kec, kec[:4], kec[:2]


def _nik(one: Person, kec: str, offices: Offices, kecamatan: list[str], dice: Random) -> str | None:
    """Given where one first had an identity card: for one in seven, somewhere else."""
    if dice.random() < 0.003:
        return None
    far = dice.random()
    if far < 0.05 and one.born.year < 2012:
        kec = dice.choice(kecamatan)
    elif far < 0.14 and one.born.year < 2012:
        kec = f"{kec[:4]}{dice.randint(1, 20):02d}"
    woman = one.woman if dice.random() < 0.998 else 1 - one.woman
    return offices.next(f"{kec}{one.born.day + 40 * woman:02d}{one.born:%m%y}")
