"""A synthetic population as a bare registry: families with brothers and sisters living elsewhere, numbers issued by
districts, and the faults that a real register has. Nobody in it exists.

Unlike the synthetic nation (which tests releases at full size) it is made to be matched against: names, mothers and
numbers are as alike, as repeated and as wrong as in life. Shares are estimates, rounded; nothing here is a statistic.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.regions import regions
from bagipakai.registry.synthesis.columns import digits
from bagipakai.registry.synthesis.dice import Dice, Wheel
from bagipakai.registry.synthesis.lists import naming
from bagipakai.registry.synthesis.lists.calendar import TODAY, day_of, parts_of
from bagipakai.registry.synthesis.lists.naming import told, words
from bagipakai.registry.synthesis.nation import fixed, numbers

SCHEMA = pa.schema(
    [("registry_id", pa.int64())]
    + [(name, pa.string()) for name in ("nik", "no_kk", "nama", "jenis_kelamin", "tempat_lahir")]
    + [("tanggal_lahir", pa.date32())]
    + [
        (name, pa.string())
        for name in ("nama_ibu", "alamat", "rt", "rw", "kode_desa", "kode_kec", "kode_kab", "kode_prov")
    ]
)
DENSE_VILLAGE, VILLAGES_OF_A_REGENCY = 3_000, 90

_YEAR = 365
_COUPLE, _LONE_MOTHER, _LONE_FATHER, _LONE_MAN, _LONE_WOMAN = range(5)
_HEAD, _SPOUSE, _CHILD, _ELDER = range(4)
_HOUSES = Wheel([[720, 120, 40, 50, 70]])
_AGES = Wheel([[6, 11, 13, 13, 12, 11, 9, 8, 6, 5, 3, 2, 1]])  # of heads: from 20, in steps of five years
_CHILDREN = Wheel([[40, 45, 14, 1, 0, 0], [10, 34, 37, 14, 4, 1], [24, 34, 27, 11, 3, 1], [62, 27, 9, 2, 0, 0]])
_PLACES_OF_CHILDREN = (30, 50, 60)  # the ages of the head at which the rows above change


@dataclass(frozen=True)
class Land:
    """Villages as columns; `reached` is the sum of their weights up to each."""

    code: np.ndarray
    urban: np.ndarray
    reached: np.ndarray

    def somewhere(self, n: int, dice: Dice) -> np.ndarray:
        """Villages by weight, as places in the columns."""
        found: np.ndarray = np.searchsorted(self.reached, dice.below(n, int(self.reached[-1])), side="right")
        return found


@dataclass(frozen=True)
class Families:
    """As columns, in the order of the villages. `village` is a place in the land."""

    village: np.ndarray
    house: np.ndarray
    head_born: np.ndarray  # days since 1970
    children: np.ndarray
    elder: np.ndarray

    @property
    def size(self) -> np.ndarray:
        size: np.ndarray = 1 + (self.house == _COUPLE) + self.children + self.elder
        return size


@dataclass(frozen=True)
class Members:
    """Persons as columns, the families' members one after another."""

    family: np.ndarray
    role: np.ndarray
    sex: np.ndarray  # 1 for women
    born: np.ndarray  # days since 1970
    year: np.ndarray


def registry(people: int, seed: int, *, dense: bool = False) -> pa.Table:
    """`people` persons in the bare columns of a registry (SCHEMA), by village and family; one seed, one table.

    Thin (the default): spread over the villages of the nation. Dense: a few regencies whose villages hold some 3,000.
    Raises ValueError for fewer than ten persons.
    """
    if people < 10:
        raise ValueError("at least ten persons")
    nation = _nation()
    land = _few_regencies(nation, people, Dice(seed, 0)) if dense else nation
    families = _families(people, land, Dice(seed, 1))
    members = _members(families, land, Dice(seed, 2))
    village = families.village[members.family]
    issued = _issued(members, families, land, nation, Dice(seed, 3))
    names, mothers = _names(members, families, land, Dice(seed, 4))
    card = _cards(families, land, Dice(seed, 5))
    rt, rw, address = _addresses(families, land, Dice(seed, 6))
    code = land.code[village]
    of_family = pa.array(members.family)
    columns = {
        "registry_id": pa.array(100_000 + np.cumsum(1 + Dice(seed, 7).below(len(village), 3))),
        "nik": _niks(members, issued, Dice(seed, 8)),
        "no_kk": card.take(of_family),
        "nama": names,
        "jenis_kelamin": pa.array(["L", "P"]).take(pa.array(members.sex)),
        "tempat_lahir": _birthplaces(issued, Dice(seed, 9)),
        "tanggal_lahir": pa.array(members.born.astype(np.int32)).cast(pa.date32()),
        "nama_ibu": mothers,
        "alamat": address.take(of_family),
        "rt": rt.take(of_family),
        "rw": rw.take(of_family),
        "kode_desa": _text(code),
        "kode_kec": _text(code // 10_000),
        "kode_kab": _text(code // 1_000_000),
        "kode_prov": _text(code // 100_000_000),
    }
    return pa.table(columns).cast(SCHEMA)


def _nation() -> Land:
    villages = regions().at_level(4)
    code = np.array([int(village.code) for village in villages])
    kelurahan = np.array([village.is_kelurahan for village in villages])
    size = np.where(kelurahan, 30, 10) * np.array([fixed(village.code, 40, 160) for village in villages])
    province = code // 100_000_000
    inhabitants = {int(at): one["persons"] for at, one in numbers()["province"].items()}
    weight = np.zeros(len(code), dtype=np.int64)
    for at, thousands in inhabitants.items():
        here = province == at
        weight[here] = 1 + size[here] * thousands * 1000 // max(1, int(size[here].sum()))
    urban = kelurahan | (np.array([fixed(village.code + "urban", 0, 99) for village in villages]) < 22)
    return Land(code, urban, np.cumsum(weight))


def _few_regencies(nation: Land, people: int, dice: Dice) -> Land:
    """Whole districts of regencies taken by chance, those with more inhabitants more often."""
    needed, chosen, seen = -(-people // DENSE_VILLAGE), np.zeros(0, dtype=np.int64), set()
    regency = nation.code // 1_000_000
    while len(chosen) < needed:
        kab = int(regency[nation.somewhere(1, dice)[0]])
        if kab not in seen:
            seen.add(kab)
            some = np.flatnonzero(regency == kab)[:VILLAGES_OF_A_REGENCY]
            chosen = np.concatenate([chosen, some[: needed - len(chosen)]])
    chosen.sort()
    weight = np.array([fixed(f"{code}dense", 60, 140) for code in nation.code[chosen]])
    return Land(nation.code[chosen], nation.urban[chosen], np.cumsum(weight))


def _families(people: int, land: Land, dice: Dice) -> Families:
    n = people // 2 + 16  # a family has three members on average
    nowhere = np.zeros(n, dtype=np.int64)
    house = _HOUSES.spin(dice, nowhere).astype(np.int64)
    later = np.where(house == _LONE_WOMAN, 25, np.where(house == _LONE_MOTHER, 8, 0))
    age = np.minimum(20 + 5 * _AGES.spin(dice, nowhere) + dice.below(n, 5) + later, 95)
    children = _CHILDREN.spin(dice, np.searchsorted(_PLACES_OF_CHILDREN, age, side="right")).astype(np.int64)
    children[(age < 22) | (house == _LONE_MAN) | (house == _LONE_WOMAN)] = 0
    alone_with_none = (children == 0) & ((house == _LONE_MOTHER) | (house == _LONE_FATHER))
    children[alone_with_none] = 1
    elder = (dice.chance(n, 90) & (age < 60)).astype(np.int64)
    born = TODAY - age * _YEAR - age // 4 - dice.below(n, _YEAR)
    village = land.somewhere(n, dice)
    size = np.cumsum(1 + (house == _COUPLE) + children + elder)
    whole = int(np.searchsorted(size, people, side="right"))
    lone = people - (int(size[whole - 1]) if whole else 0)  # what is left over lives alone
    kept, house[whole : whole + lone] = whole + lone, _LONE_MAN
    children[whole:kept], elder[whole:kept] = 0, 0
    order = np.argsort(village[:kept], kind="stable")
    return Families(*(column[:kept][order] for column in (village, house, born, children, elder)))


def _members(families: Families, land: Land, dice: Dice) -> Members:
    size = families.size
    family = np.repeat(np.arange(len(size)), size)
    n = len(family)
    place = np.arange(n) - np.repeat(np.cumsum(size) - size, size)
    couple = families.house[family] == _COUPLE
    role = np.where(place == 0, _HEAD, np.where((place == 1) & couple, _SPOUSE, _CHILD))
    role[(families.elder[family] == 1) & (place == size[family] - 1)] = _ELDER
    woman_leads = np.isin(families.house[family], (_LONE_MOTHER, _LONE_WOMAN))
    chance = dice.chance(n, np.where(role == _ELDER, 720, 490)).astype(np.int64)
    sex = np.where(role == _HEAD, woman_leads, np.where(role == _SPOUSE, 1, chance)).astype(np.int64)

    head = families.head_born[family]
    younger = (dice.below(n, 9 * _YEAR) + dice.below(n, 9 * _YEAR)) // 2 - 18 * _YEAR // 10
    parent_age = (TODAY - head) // _YEAR - 3 * couple
    span = np.clip(parent_age - 18, 1, 27) * _YEAR - 10
    nth = place - 1 - couple
    count = np.maximum(families.children[family], 1)
    born = np.where(role == _HEAD, head, np.minimum(head + younger, TODAY - 17 * _YEAR))
    child = TODAY - span + span * nth // count + dice.below(n, np.maximum(span // count, 1))
    born = np.where(role == _CHILD, child, born)
    born = np.where(role == _ELDER, head - 18 * _YEAR - dice.below(n, 20 * _YEAR), born)
    twin = (role == _CHILD) & (nth > 0) & dice.chance(n, 22)
    born[twin] = born[np.flatnonzero(twin) - 1]
    born = _by_default(born, land.urban[families.village[family]], dice)
    return Members(family, role, sex, born, parts_of(born)[0])


def _by_default(born: np.ndarray, urban: np.ndarray, dice: Dice) -> np.ndarray:
    """For some, above all the oldest in the country, only the year was known: 1 January, 31 December or 1 July."""
    n, year = len(born), parts_of(born)[0]
    rural = np.select([year < 1950, year < 1970, year < 1990], [170, 75, 14], 1)
    known_by_year = dice.chance(n, np.where(urban, rural // 3, rural))
    kind = dice.below(n, 10)
    month = np.select([kind < 5, kind < 8], [1, 12], 7)
    stood_in = day_of(year, month, np.where(month == 12, 31, 1))
    return np.where(known_by_year & (stood_in <= TODAY), stood_in, born)


def _names(members: Members, families: Families, land: Land, dice: Dice) -> tuple[pa.Array, pa.Array]:
    """The names of all persons, and of their mothers.

    A line has one mother, one clan and one culture. A child has the mother it lives with, and the clan of the head.
    """
    n, home = len(members.family), families.village[members.family]
    child, elder = members.role == _CHILD, members.role == _ELDER
    line, lines = _lines(members, families, home, dice)
    head = np.flatnonzero(members.role == _HEAD)
    place = np.zeros(lines, dtype=np.int64)
    place[line[~child]] = home[~child]
    culture_of_line = naming.culture_of(land.code[place] // 100_000_000, dice)
    clan_of_line, kin_of_line = dice.words(lines), dice.words(lines)
    kin_of_line[~dice.chance(lines, 80)] = 0
    fathers_line = line[head][members.family]
    of = np.where(child | elder, fathers_line, line)
    kin_of_family = dice.words(len(head))
    kin_of_family[~dice.chance(len(head), 140)] = 0
    kin = np.where(child, kin_of_family[members.family], np.where(elder, 0, kin_of_line[line]))
    parts = naming.given(culture_of_line[of], members.sex, members.year, clan_of_line[of], kin, dice)
    how = naming.spelling(members.year, dice)

    born_of = np.zeros(lines, dtype=np.int64)
    born_of[line[~child]] = members.year[~child]
    none = np.zeros(lines, dtype=np.uint64)
    mother_parts = naming.given(
        culture_of_line, np.ones(lines, dtype=np.int64), born_of - 27, dice.words(lines), none, dice
    )
    mother_how = naming.spelling(born_of - 27, dice)
    grandmother = np.flatnonzero(elder & (members.sex == 1))
    mother_parts[fathers_line[grandmother]] = parts[grandmother]
    mother_how[fathers_line[grandmother]] = how[grandmother]
    away = np.flatnonzero(families.house == _LONE_FATHER)  # whose children have a mother who lives elsewhere
    away_year = parts_of(families.head_born[away])[0]
    away_parts = naming.given(
        culture_of_line[line[head]][away], np.ones(len(away), dtype=np.int64), away_year, dice.words(len(away)),
        np.zeros(len(away), dtype=np.uint64), dice,
    )  # fmt: skip

    # Everybody who can be somebody's mother, in one column: persons, mothers of lines, mothers who live elsewhere.
    all_parts = np.concatenate([parts, mother_parts, away_parts])
    all_how = np.concatenate([how, mother_how, naming.spelling(away_year, dice)])
    with_child = np.where(families.house == _COUPLE, head + 1, head)
    with_child[away] = n + lines + np.arange(len(away))
    mother = np.where(child, with_child[members.family], n + line)
    plain = naming.written(all_parts, all_how)
    noted = np.flatnonzero(dice.chance(n, 35))  # her name is written otherwise in the child's record
    other = naming.written(all_parts[mother[noted]], naming.spelling(np.full(len(noted), 1950), dice))
    of_mother = pa.concat_arrays([plain, other])
    at = mother.copy()
    at[noted] = len(plain) + np.arange(len(noted))
    unknown = dice.chance(n, np.where(members.year < 1960, 40, 5))
    return _titled(plain.slice(0, n), members, dice), of_mother.take(pa.array(at, mask=unknown))


def _lines(members: Members, families: Families, home: np.ndarray, dice: Dice) -> tuple[np.ndarray, int]:
    """The line of each grown-up (0 for a child), and how many lines there are.

    Grown-up brothers and sisters live in families of their own: adults of a village and of an age are cut into runs,
    two on average. Nobody marries in the same run who stands side by side; a head who lives with an elder has no
    brothers or sisters, whose mother the elder would have to be as well.
    """
    elder = members.role == _ELDER
    adults = np.flatnonzero((members.role == _HEAD) | (members.role == _SPOUSE))
    alone = (families.elder[members.family[adults]] == 1) & (members.role[adults] == _HEAD)
    key = home[adults].astype(np.uint64) << np.uint64(40)
    key |= (members.year[adults] // 15).astype(np.uint64) << np.uint64(32)
    order = np.argsort(key | (dice.words(len(adults)) >> np.uint64(33)), kind="stable")
    ordered = adults[order]
    begins = dice.chance(len(adults), 520) | (np.diff(home[ordered], prepend=-1) != 0) | alone[order]
    begins[1:] |= alone[order][:-1] | (members.family[ordered[1:]] == members.family[ordered[:-1]])
    line = np.zeros(len(home), dtype=np.int64)
    line[ordered] = np.cumsum(begins) - 1
    lines = int(begins.sum())
    line[elder] = lines + np.arange(int(elder.sum()))
    return line, lines + int(elder.sum())


def _titled(plain: pa.Array, members: Members, dice: Dice) -> pa.Array:
    said, n, man = told()["titles"], len(members.sex), members.sex == 0
    pilgrim = dice.chance(n, np.where(members.year < 1985, 38, 2))
    scholar = dice.chance(n, np.where((members.year > 1950) & (members.year < 2003), 26, 0))
    noble = scholar & dice.chance(n, 200)
    return pc.binary_join_element_wise(
        naming.picked(words(said["pilgrim_m"]), pilgrim & man, dice),
        naming.picked(words(said["pilgrim_f"]), pilgrim & ~man, dice),
        naming.picked(words(said["before"]), noble & ~pilgrim, dice),
        plain,
        naming.picked(words(said["after"]), scholar & ~noble, dice),
        " ",
        null_handling="skip",
    )


def _issued(members: Members, families: Families, land: Land, nation: Land, dice: Dice) -> np.ndarray:
    """The district in which each person's number was issued: that of the home, unless they or the family have moved."""
    n, home = len(members.family), land.code[families.village]
    moved = dice.chance(len(home), 95)
    before = np.where(moved, nation.code[nation.somewhere(len(home), dice)], home)[members.family]
    married_in = (members.role == _SPOUSE) & dice.chance(n, 260)
    nearby = land.code[np.clip(families.village[members.family] + dice.below(n, 41) - 20, 0, len(land.code) - 1)]
    before = np.where(married_in, nearby, before)
    alone = dice.chance(n, np.where(members.role == _CHILD, 8, 45))
    elsewhere = nation.code[nation.somewhere(int(alone.sum()), dice)]
    before[alone] = elsewhere
    born_here = (members.role == _CHILD) & (members.year > 2018)
    district: np.ndarray = np.where(born_here, home[members.family], before) // 10_000
    return district


def _niks(members: Members, issued: np.ndarray, dice: Dice) -> pa.Array:
    """Numbers as issued, with a registry's faults: another date or sex than the row's, two persons with one, none."""
    n = len(issued)
    year, month, day = parts_of(members.born)
    fault = dice.below(n, 1000)
    corrected = (fault < 7).astype(np.int64)  # the row's date was corrected later; the number was not
    swapped = (corrected == 1) & (fault < 3) & (day <= 12)
    day, month = np.where(swapped, month, day), np.where(swapped, day, month)
    day = np.where((corrected == 1) & (fault == 3), 1, day)
    month = np.where((corrected == 1) & (fault == 3), 1, month)
    year = year + np.where(fault == 4, 1, 0) - np.where(np.isin(fault, (5, 6)), 1, 0)
    woman = np.where((fault >= 7) & (fault < 9), 1 - members.sex, members.sex)
    front = (issued * 100 + day + 40 * woman) * 10_000 + month * 100 + year % 100
    nik = front * 10_000 + _serials(front, dice)
    taken = np.flatnonzero(dice.chance(n, 2))
    nik[taken] = nik[np.maximum(taken - 1 - dice.below(len(taken), 30), 0)]
    text = digits(nik, 16)
    invalid = dice.below(n, 1000)
    text = pc.if_else(pa.array(invalid == 0), pc.utf8_slice_codeunits(text, 0, 15), text)
    text = pc.if_else(pa.array(invalid == 1), pa.scalar("0000000000000000"), text)
    text = pc.if_else(pa.array(invalid == 2), pc.binary_join_element_wise(_text(issued), "0000000000", ""), text)
    return pc.if_else(pa.array((invalid > 2) & (invalid < 9)), pa.scalar(None, pa.string()), text)


def _serials(front: np.ndarray, dice: Dice) -> np.ndarray:
    """Serials in sequence within the same front, now and then with a gap."""
    order = np.argsort(front, kind="stable")
    ordered = front[order]
    step = 1 + np.where(dice.chance(len(front), 180), dice.below(len(front), 4), 0)
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    reached = np.cumsum(step)
    before = np.repeat(reached[begins] - step[begins], np.diff(np.append(begins, len(front))))
    serial = np.empty(len(front), dtype=np.int64)
    serial[order] = reached - before
    return serial


def _cards(families: Families, land: Land, dice: Dice) -> pa.Array:
    n = len(families.village)
    year, month, day = parts_of(TODAY - dice.below(n, 20 * _YEAR))
    front = (land.code[families.village] // 10_000 * 100 + day) * 10_000 + month * 100 + year % 100
    return digits(front * 10_000 + _serials(front, dice), 16)


def _birthplaces(issued: np.ndarray, dice: Dice) -> pa.Array:
    """The regency in which the number was issued; for some the district, as people say it."""
    names = {int(one.code): one.name.removeprefix("Kabupaten ").removeprefix("Kota ").upper() for level in (2, 3)
             for one in regions().at_level(level)}  # fmt: skip
    at = np.where(dice.chance(len(issued), 90), issued, issued // 100)
    known, place = np.unique(at, return_inverse=True)
    return pa.array([names.get(int(code), "") for code in known]).take(pa.array(place))


def _addresses(families: Families, land: Land, dice: Dice) -> tuple[pa.Array, pa.Array, pa.Array]:
    n, said = len(families.village), told()["address"]
    street, hamlet = pa.array(words(said["street"])), pa.array(words(said["hamlet"]))
    spread = families.village * 7  # a village has a few streets and hamlets of its own
    of_street = street.take(pa.array((spread + dice.below(n, 5)) % len(street)))
    of_hamlet = hamlet.take(pa.array((spread + dice.below(n, 3)) % len(hamlet)))
    before = pa.array(["DUSUN", "KP.", "DSN", "LINGK.", "JORONG", "BR.", "KAMPUNG"])
    kind = before.take(pa.array((land.code[families.village] // 100_000_000 * 5) % 7))
    in_town = pc.binary_join_element_wise(
        pa.array(["JL.", "JL", "JALAN", "GG."]).take(pa.array(dice.below(n, 4))), of_street, "NO.",
        _text(1 + dice.below(n, 180)), " ",
    )  # fmt: skip
    in_country = pc.binary_join_element_wise(kind, of_hamlet, " ")
    urban = land.urban[families.village] & dice.chance(n, 850)
    return (
        _three(1 + dice.below(n, 12)),
        _three(1 + dice.below(n, 9)),
        pc.if_else(pa.array(urban), in_town, in_country),
    )


def _text(values: np.ndarray) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _three(values: np.ndarray) -> pa.Array:
    return pc.utf8_lpad(_text(values), 3, "0")
