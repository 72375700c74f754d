"""One regency of the synthetic nation: its families in release order, made and written chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np
import pyarrow as pa

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.datasets import Table, Written
from bagipakai.registry.regions import regions
from bagipakai.registry.synthesis import families as homes
from bagipakai.registry.synthesis import persons, sources
from bagipakai.registry.synthesis.calendar import YEAR_KEYS, calendar
from bagipakai.registry.synthesis.columns import digits, listed, texts, without
from bagipakai.registry.synthesis.dice import Dice, Wheel
from bagipakai.registry.synthesis.families import Families, missing_rate
from bagipakai.registry.synthesis.names import places, tradition
from bagipakai.registry.synthesis.nation import SLICES, Share, fixed, numbers
from bagipakai.registry.synthesis.persons import HEAD, IN_LAW, SPOUSE, Members
from bagipakai.registry.tables import ROW_GROUP

# A NIK issued elsewhere keeps that district's code. Each regency takes such persons from four others, and each of the
# four has its own hundreds of serials for it: so no two regencies can make the same NIK, though none asks the other.
NEIGHBOURS = (1, -2, 7, 257)
LOCAL_SERIALS, FOREIGN_SERIALS = 5999, 1000

# Independent streams of a regency.
_LAYOUT, _ORDER, _CHUNKS, _LINEAGE = 0, 1, 2, 3

_CARD_DAYS, _CARD_STEP = 6570, 4973  # issue days of family cards; without a common divisor


@dataclass(frozen=True)
class Land:
    """The villages of a regency and their parents, as columns by place in the list."""

    villages: pa.Array
    village_names: pa.Array
    district: np.ndarray  # village → place in districts
    districts: pa.Array
    district_names: pa.Array
    weight: np.ndarray
    urban: np.ndarray
    wards: np.ndarray  # number of RW
    blocks: np.ndarray  # number of RT in each


def make(share: Share, nation_families: int, seed: int, catalogue: Catalogue, out: Path) -> list[Written]:
    """Writes both files of a regency under `out`. The same share and seed give the same content, always."""
    land = _land(share.kab)
    everyone = _layout(share, land, nation_families, seed)
    serials = _Serials(share, land)
    tables = {unit: Table(unit, share.kab, catalogue, out) for unit in (Unit.KELUARGA, Unit.INDIVIDU)}
    for number, (start, end) in enumerate(_chunks(everyone.size)):
        some = everyone.between(start, end)
        family, person = _chunk(
            some, share, land, serials=serials, catalogue=catalogue, dice=Dice(seed, share.number, _CHUNKS, number)
        )
        told = sources.drawn(
            np.repeat(np.arange(len(some)), some.size), len(some), Dice(seed, share.number, _LINEAGE, number)
        )
        family["lineage"], person["lineage"] = map(pa.array, told)
        tables[Unit.KELUARGA].write(family)
        tables[Unit.INDIVIDU].write(person)
    return [table.close() for table in tables.values()]


class _Serials:
    """Hands out the last four digits of NIKs, so that none is given twice in the nation."""

    def __init__(self, share: Share, land: Land) -> None:
        everywhere = regions().at_level(2)
        own = [int(code) for code in land.districts.to_pylist()]
        districts, first_serial, limit, spans = own, [0] * len(own), [LOCAL_SERIALS] * len(own), [(0, len(own))]
        for band, step in enumerate(NEIGHBOURS):
            elsewhere = everywhere[(share.number - step) % len(everywhere)].code
            theirs = [int(district.code) for district in regions().children(elsewhere)]
            spans.append((len(districts), len(theirs)))
            districts = districts + theirs
            first_serial += [LOCAL_SERIALS + band * FOREIGN_SERIALS] * len(theirs)
            limit += [FOREIGN_SERIALS] * len(theirs)
        self._districts, self._first, self._limit = np.array(districts), np.array(first_serial), np.array(limit)
        self._spans = np.array(spans)
        one_chunk = share.persons <= ROW_GROUP  # then there is nothing to remember for the next
        self._given = None if one_chunk else np.zeros(len(districts) * YEAR_KEYS * 2, dtype=np.uint16)

    def niks(self, people: Members, home: np.ndarray, dice: Dice) -> tuple[np.ndarray, np.ndarray]:
        """A NIK as a number for each person, and who has none. `home` is the place of the own district."""
        n, days, rate = len(people), calendar(numbers()["reference_day"]), numbers()
        born = np.where(people.old_date, days.january[people.born], people.born)
        foreign = dice.chance(n, rate["defect"]["nik_of_elsewhere"])
        span = self._spans[1 + dice.below(n, len(NEIGHBOURS))]
        issued = np.where(foreign, span[:, 0] + dice.below(n, span[:, 1]), home)
        nth = self._count((issued * YEAR_KEYS + days.key[born]) * 2 + people.sex)
        date_part = days.ddmmyy[born] + 400_000 * people.sex  # a woman's day of birth is written plus forty
        nik = (self._districts[issued] * 1_000_000 + date_part) * 10_000 + self._first[issued] + nth
        none = dice.chance(n, np.where(people.age == 0, rate["missing"]["nik_newborn"], rate["missing"]["nik"]))
        return nik, none | (nth > self._limit[issued])

    def _count(self, key: np.ndarray) -> np.ndarray:
        """How often each key has come by now, this time included."""
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        runs = np.diff(np.append(starts, len(key)))
        nth = np.empty(len(key), dtype=np.int64)
        nth[order] = np.arange(len(key)) - np.repeat(starts, runs) + 1
        if self._given is not None:
            nth += self._given[key]
            self._given[ordered[starts]] += runs.astype(np.uint16)
        return nth


def _land(kab: str) -> Land:
    city, java = regions()[kab].is_city, numbers()["province"][kab[:2]]["names"] in homes.REGIONS_WITH_TILES
    districts = regions().children(kab)
    villages = [(place, village) for place, one in enumerate(districts) for village in regions().children(one.code)]
    codes = [village.code for _, village in villages]
    urban_share = [85 if village.is_kelurahan else 45 if java else 25 for _, village in villages]
    return Land(
        villages=pa.array(codes),
        village_names=pa.array([village.name for _, village in villages]),
        district=np.array([place for place, _ in villages]),
        districts=pa.array([district.code for district in districts]),
        district_names=pa.array([district.name for district in districts]),
        weight=np.array([(30 if one.is_kelurahan else 10) * fixed(one.code, 40, 160) for _, one in villages]),
        urban=np.array(
            [city or fixed(code + "urban", 0, 99) < share for code, share in zip(codes, urban_share, strict=True)]
        ),
        wards=np.array([fixed(code + "rw", 2, 9) for code in codes]),
        blocks=np.array([fixed(code + "rt", 2, 8) for code in codes]),
    )


def _layout(share: Share, land: Land, nation_families: int, seed: int) -> Families:
    """All families of the regency in release order: by village, then by a secret order that nothing else depends on."""
    n, dice = share.families, Dice(seed, share.number, _LAYOUT)
    size = _sizes(share, dice)
    reached = np.cumsum(land.weight)
    village = np.searchsorted(reached, dice.below(n, int(reached[-1])), side="right")
    urban = land.urban[village]

    welfare = sum(dice.slots(n).astype(np.int64) for _ in range(4)) + 1400 * urban - 250 * size
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(welfare, kind="stable")] = _ranks(share)

    card, by_village = np.empty(n, dtype=np.int64), np.argsort(village, kind="stable")
    card[by_village] = _cards(land, village[by_village])

    secret = Dice(seed, share.number, _ORDER).words(n) >> np.uint64(16)
    order = np.argsort((village.astype(np.uint64) << np.uint64(48)) | secret, kind="stable")
    size, rank = size[order], rank[order]
    return Families(  # small numbers, because the largest regency has 1.5 million families
        number=(share.first_family + np.arange(n)).astype(np.int32),
        size=size.astype(np.int8),
        first=(share.first_person + np.cumsum(size) - size).astype(np.int32),
        village=village[order].astype(np.int16),
        urban=urban[order],
        rank=rank.astype(np.int32),
        hundredth=((rank - 1) * SLICES // nation_families).astype(np.int8),
        card=card[order],
    )


def _sizes(share: Share, dice: Dice) -> np.ndarray:
    """Family sizes that add up to the persons of the regency."""
    wheel = Wheel([numbers()["family_size"]])
    size = 1 + wheel.spin(dice, np.zeros(share.families)).astype(np.int64)
    order, most = np.argsort(dice.words(share.families), kind="stable"), len(numbers()["family_size"]) + 1
    while missing := share.persons - int(size.sum()):
        step = 1 if missing > 0 else -1
        room = (size[order] < most) if step > 0 else (size[order] > 1)
        size[order[room][: abs(missing)]] += step
    return size


def _ranks(share: Share) -> np.ndarray:
    """The national ranks of the regency's families, slice by slice, scattered inside each slice."""
    found = []
    for before, whole, earlier, count in share.slices:
        step = next(step for step in range(int(whole * 0.618) | 1, 2 * whole + 3) if gcd(step, max(whole, 1)) == 1)
        found.append(before + 1 + (earlier + np.arange(count)) * step % max(whole, 1))
    return np.concatenate(found)


def _cards(land: Land, village: np.ndarray) -> np.ndarray:
    """A family card number for each family, by village: district, day of issue, serial of that day."""
    district = land.district[village]
    codes = np.array([int(code) for code in land.districts.to_pylist()])
    starts = np.searchsorted(district, np.arange(len(codes)))
    nth = np.arange(len(village)) - starts[district]
    day = (nth * _CARD_STEP + codes[district]) % _CARD_DAYS
    days = calendar(numbers()["reference_day"])
    return np.asarray((codes[district] * 1_000_000 + days.ddmmyy[days.last - 1 - day]) * 10_000 + nth // _CARD_DAYS + 1)


def _chunks(size: np.ndarray) -> Iterator[tuple[int, int]]:
    """Stretches of families with at most ROW_GROUP persons."""
    reached, start = np.cumsum(size), 0
    while start < len(size):
        before = int(reached[start - 1]) if start else 0
        end = int(np.searchsorted(reached, before + ROW_GROUP, side="right"))
        yield start, end
        start = end


def _chunk(
    families: Families, share: Share, land: Land, *, serials: _Serials, catalogue: Catalogue, dice: Dice
) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    """The rows of both tables, by column."""
    region = numbers()["province"][share.kab[:2]]["names"]
    family, insurance = homes.drawn_columns(families, region, int(share.kab[:2]), catalogue, dice)
    family |= _places(families, share.kab, land, dice)

    people = persons.members(families, dice)
    nik, none = serials.niks(people, land.district[families.village][people.family], dice)
    person = persons.drawn_columns(people, families, insurance=insurance, has_nik=~none, catalogue=catalogue, dice=dice)
    person["nama"] = _names(people, region, len(families), dice)
    person["tempat_lahir"] = _birth_places(share, len(people), dice)
    person["nik"] = without(digits(nik, 16), none)
    person["nik_number"] = pa.array(nik, mask=none)
    person["person_ordinal"] = pa.array(int(families.first[0]) + np.arange(len(people)))

    family["nama_kepala_keluarga"] = person["nama"].take(pa.array(np.flatnonzero(people.relation == HEAD)))
    family["id_keluarga"] = pa.array(families.number)
    family["first_ordinal"] = pa.array(families.first)
    family["member_count"] = pa.array(families.size.astype(np.int32))

    of_family = pa.array(people.family)
    inherited = [one.name for one in catalogue.of_unit(Unit.INDIVIDU) if Unit.KELUARGA in one.units] + ["id_keluarga"]
    person |= {name: family[name].take(of_family) for name in inherited}
    return family, person


def _places(families: Families, kab: str, land: Land, dice: Dice) -> dict[str, pa.Array]:
    n, village = len(families), families.village
    here, district = np.zeros(n), land.district[village]
    three_digits = texts(tuple(f"{at:03d}" for at in range(20)))
    ward, block = 1 + dice.below(n, land.wards[village]), 1 + dice.below(n, land.blocks[village])
    address = places().addresses(dice, families.urban, village * 10 + ward)
    return {
        "kode_prov": listed(here, texts((kab[:2],))),
        "nama_prov": listed(here, texts((regions()[kab[:2]].name,))),
        "kode_kab": listed(here, texts((kab,))),
        "nama_kab": listed(here, texts((regions()[kab].name,))),
        "kode_kec": listed(district, land.districts),
        "nama_kec": listed(district, land.district_names),
        "kode_desa": listed(village, land.villages),
        "nama_desa": listed(village, land.village_names),
        "rw": listed(ward, three_digits, dice.chance(n, missing_rate("rw"))),
        "rt": listed(block, three_digits, dice.chance(n, missing_rate("rt"))),
        "alamat": without(address, dice.chance(n, missing_rate("alamat"))),
    }


def _names(people: Members, region: str, families: int, dice: Dice) -> pa.StringArray:
    """Members share the family name of the head, except those who came from another family."""
    known = tradition(region)
    inherited = known.family_names(dice, families)[people.family]
    married_in = (people.relation == SPOUSE) | (people.relation == IN_LAW)
    return known.names(dice, people.sex, np.where(married_in, known.family_names(dice, len(people)), inherited))


def _birth_places(share: Share, n: int, dice: Dice) -> pa.DictionaryArray:
    """Mostly here, else in the province, else anywhere."""
    towns = _towns()
    province = [number for number, (code, _) in enumerate(towns) if code[:2] == share.kab[:2]]
    chance = dice.slots(n)
    near, far = province[0] + dice.below(n, len(province)), dice.below(n, len(towns))
    place = np.where(chance < 3200, share.number, np.where(chance < 3800, near, far))
    return listed(place, texts(tuple(name for _, name in towns)), dice.chance(n, missing_rate("tempat_lahir")))


@lru_cache(maxsize=1)
def _towns() -> tuple[tuple[str, str], ...]:
    """Code and name, as papers write it, of each regency and city in order."""
    prefixes = ("Kabupaten ", "Kota ", "Administrasi ")
    found = []
    for region in regions().at_level(2):
        name = region.name
        for prefix in prefixes:
            name = name.removeprefix(prefix)
        found.append((region.code, name.upper()))
    return tuple(found)
