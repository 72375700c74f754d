"""Lists as offices send them: chosen people, what has changed since, what a clerk did to a cell, and what a clerk's
file did to a whole column. Every fault comes on its own: the rates are told in per mille and are independent.
"""

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

import pyarrow as pa

from bench.other_people.people import TODAY, Offices, Person
from bench.other_people.pools import called, culture, told
from bench.other_people.strokes import NAME_FAULTS, mothers_title, number_fault, title

COLUMNS = (
    *("list_id", "nik", "no_kk", "nama", "jenis_kelamin", "tanggal_lahir", "nama_ibu"),
    *("alamat", "rt", "rw", "kode_desa", "kode_kec", "kode_kab"),
)
TRUTH = pa.schema([("list_id", pa.string()), ("registry_id", pa.int64()), ("damage", pa.list_(pa.string()))])
CLERK = 120  # rows that one clerk typed, about
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
SHORT = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agt", "Sep", "Okt", "Nop", "Des")
FRACTURES = {"nik", "no_kk", "tanggal_lahir", "nama_ibu"}  # columns that can slip down a row

# kind → how many times the rates of _RATES, and those that are told apart
KINDS: dict[str, dict[str, float]] = {
    "typical": {"times": 1.0, "absent": 60, "twice": 15},
    "dense": {"times": 1.0, "absent": 60, "twice": 15},
    "no_nik": {"times": 1.0, "absent": 60, "twice": 15, "card_unasked": 400},
    "dirty": {"times": 2.6, "absent": 90, "twice": 30, "nik.missing": 300, "nik.relatives": 105, "nik.rounded": 60},
}
# fault → per mille of rows
_RATES: dict[str, float] = {
    "nik.missing": 45,
    "nik.digit": 38,
    "nik.swapped": 10,
    "nik.length": 12,
    "nik.relatives": 16,
    "nik.card": 4,
    "nik.old": 8,
    "nik.ocr": 3,
    "nik.rounded": 3,
    "card.missing": 50,
    "card.digit": 20,
    "card.married": 25,
    "card.changed": 15,
    "name.typing": 25,
    "name.sound": 40,
    "name.ocr": 6,
    "name.title": 35,
    "name.short": 28,
    "name.fewer": 20,
    "name.order": 6,
    "name.joined": 12,
    "name.street": 10,
    "name.father": 12,
    "name.alias": 6,
    "name.husband": 3,
    "name.other": 1,
    "born.missing": 14,
    "born.default": 14,
    "born.year": 12,
    "born.digit": 10,
    "born.exchanged": 10,
    "born.year_only": 5,
    "born.wrong": 3,
    "sex.missing": 15,
    "sex.wrong": 6,
    "mother.missing": 90,
    "mother.fewer": 25,
    "mother.typing": 20,
    "mother.sound": 35,
    "mother.other": 10,
    "mother.title": 15,
    "place.moved_near": 25,
    "place.moved_far": 15,
    "place.no_village": 50,
    "place.none": 8,
}
# what a clerk's file does to a column → per mille of clerks (times the kind's); also to be asked for a whole list
HABITS: dict[str, float] = {
    "us_dates": 20,
    "words_dates": 90,
    "slash_dates": 250,
    "short_dates": 20,
    "serial_dates": 15,
    "mac_dates": 2,
    "spaced_nik": 8,
    "quoted_nik": 10,
    "rounded_nik": 14,
    "scientific_nik": 3,
    "rt_in_names": 8,
    "numbered_names": 6,
    "cut_names": 12,
    "lower_names": 250,
    "titled_names": 6,
    "sex_words": 200,
    "sex_numbers": 30,
    "dotted_codes": 40,
    "bps_codes": 10,
    "slipped": 12,
    "motherless": 60,  # her form does not ask for the mother
    "cardless": 40,
    "placeless": 8,
}

Row = dict[str, str | None]


def a_list(
    registry: pa.Table, rows: int, seed: int, kind: str, habits: tuple[str, ...] = ()
) -> tuple[pa.Table, pa.Table]:
    """A list of `rows` rows of one of KINDS, all columns text, and its TRUTH. `habits`: of HABITS, which every clerk of
    this list has. The same registry and seed give the same list. Raises ValueError for an unknown kind or habit, or
    more rows than a third of the registry."""
    if kind not in KINDS or not set(habits) <= set(HABITS):
        raise ValueError(f"kinds: {', '.join(KINDS)}; habits: {', '.join(HABITS)}")
    if not 1 <= rows <= registry.num_rows // 3:
        raise ValueError("from one row to a third of the registry")
    of, dice = KINDS[kind], Random(seed)  # noqa: S311  # people to test with
    rates = {fault: of.get(fault, rate * of["times"]) / 1000 for fault, rate in _RATES.items()}
    absent, twice = int(rows * of["absent"] / 1000), int(rows * of["twice"] / 1000)
    chosen = _chosen(registry, rows - absent - twice, dice)
    taken = registry.take(pa.array(chosen)).to_pylist()
    written = [_written(row) for row in taken]
    everyone: list[tuple[Row, int | None, list[str]]] = [
        (row, its["registry_id"], []) for row, its in zip(written, taken, strict=True)
    ]
    strangers = [_absent(dice.choice(written), dice) for _ in range(absent)]
    everyone += [(row, None, [why]) for row, why in strangers]
    everyone += [(dict(row), who, [*why, "twice"]) for row, who, why in dice.choices(everyone, k=twice)]
    everyone.sort(key=lambda one: (one[0]["kode_desa"] or "", dice.random()))
    families = _families(registry, chosen)
    for row, _, damage in everyone:
        _changed(row, damage, rates, dice)
        _mistyped(row, damage, rates, families, dice)
    _by_clerks(everyone, of["times"], habits, kind, dice)
    return _told(everyone, kind)


def _chosen(registry: pa.Table, many: int, dice: Random) -> list[int]:
    """Half of them family by family, as programmes for families choose; the others one by one."""
    cards = registry["no_kk"].to_pylist()
    found: dict[int, None] = {}
    while len(found) < many // 2:
        for at in _family(cards, dice.randrange(len(cards))):
            if len(found) < many:
                found[at] = None
    while len(found) < many:
        found[dice.randrange(len(cards))] = None
    return list(found)


def _family(cards: list[str | None], at: int) -> range:
    """Who is on the same card: they stand one after the other."""
    first, last = at, at + 1
    while first and cards[at] and cards[first - 1] == cards[at]:
        first -= 1
    while last < len(cards) and cards[at] and cards[last] == cards[at]:
        last += 1
    return range(first, last)


def _families(registry: pa.Table, chosen: list[int]) -> dict[str, list[Row]]:
    """By card, everybody who is on it, of the cards of those chosen."""
    cards = registry["no_kk"].to_pylist()
    members = sorted({one for at in chosen for one in _family(cards, at)})
    found: dict[str, list[Row]] = {}
    for row in registry.take(pa.array(members)).to_pylist():
        if row["no_kk"]:
            found.setdefault(row["no_kk"], []).append(_written(row))
    return found


def _written(row: dict[str, Any]) -> Row:
    return {name: row[name] for name in COLUMNS[1:] if name != "tanggal_lahir"} | {
        "tanggal_lahir": f"{row['tanggal_lahir']:%Y-%m-%d}"
    }


def _absent(beside: Row, dice: Random) -> tuple[Row, str]:
    """Somebody who is not in the registry: beside somebody who is."""
    row = dict(beside)
    province = row["kode_kab"][:2] if row["kode_kab"] else "32"
    mixed = told()["province"][province][1:]
    its = culture(dice.choices(mixed[::2], mixed[1::2])[0])
    year = int((row["tanggal_lahir"] or "1980")[:4])
    why = dice.choices(("stranger", "sibling", "namesake", "spouse"), (50, 25, 12, 13))[0]
    woman = dice.randint(0, 1)
    if why == "sibling":  # the child who is not yet on the card, or no longer
        year = min(TODAY.year - 1, year + dice.choice((-4, -3, -2, 2, 3, 4)))
        tail = (row["nama"] or "-").split()[-1]
        shares = " " in (row["nama"] or "") and dice.random() < 0.3
        row["nama"] = its.named(dice, woman, year, tail if shares else "")
    elif why == "namesake":
        year = max(1935, min(2025, year + dice.randint(-12, 12)))
        woman = int(row["jenis_kelamin"] == "P")
        row["nama_ibu"] = its.named(dice, 1, year - 25)
    else:
        year = year + dice.randint(-6, 6) if why == "spouse" else dice.randint(1940, 2023)
        year = min(2025, year)
        woman = int(row["jenis_kelamin"] == "L") if why == "spouse" else woman
        surname = its.surname(dice)
        row["nama"], row["nama_ibu"] = its.named(dice, woman, year, surname), its.named(dice, 1, year - 25)
    if why in ("stranger", "namesake"):
        row["no_kk"] = _a_card(row["kode_kec"] or "", dice)
    person = Person(row["nama"] or "", woman, date(year, dice.randint(1, 12), dice.randint(1, 28)))
    row["tanggal_lahir"] = f"{person.born:%Y-%m-%d}"
    row["jenis_kelamin"] = "LP"[woman]
    if not (why in ("sibling", "spouse") and dice.random() < 0.12):  # else with the number of the other
        row["nik"] = Offices().next(f"{row['kode_kec']}{person.born.day + 40 * woman:02d}{person.born:%m%y}", 31)
    return row, f"absent.{why}"


def _changed(row: Row, damage: list[str], rates: dict[str, float], dice: Random) -> None:
    """Life since the registry was written, or before: a marriage, a move."""

    def happens(fault: str) -> bool:
        if dice.random() < rates[fault]:
            damage.append(fault)
            return True
        return False

    kec, age = row["kode_kec"] or "", TODAY.year - int((row["tanggal_lahir"] or "1980")[:4])
    # the card of the parents, or of the new house
    if (18 <= age <= 45 and happens("card.married")) or happens("card.changed"):
        row["no_kk"] = _a_card(kec, dice)
    if happens("place.moved_near"):
        row["kode_desa"] = f"{kec}{dice.choice('12')}{dice.randint(1, 14):03d}"
    elif happens("place.moved_far"):
        away = dice.choice(list(told()["province"]))
        code = f"{away}{dice.randint(1, 12):02d}{dice.randint(1, 14):02d}2{dice.randint(1, 14):03d}"
        row["kode_desa"], row["kode_kec"], row["kode_kab"] = code, code[:6], code[:4]


def _a_card(kec: str, dice: Random) -> str:
    return f"{kec}{dice.randint(1, 28):02d}{dice.randint(1, 12):02d}{dice.randint(6, 25):02d}00{dice.randint(10, 99)}"


def _mistyped(
    row: Row, damage: list[str], rates: dict[str, float], families: dict[str, list[Row]], dice: Random
) -> None:
    """What a clerk did to the cells, each fault on its own."""

    def happens(fault: str) -> bool:
        if dice.random() < rates[fault]:
            damage.append(fault)
            return True
        return False

    others = [one for one in families.get(row["no_kk"] or "", ()) if one["nik"] != row["nik"]]
    own_name = row["nama"] or ""
    if row["nik"]:
        if others and happens("nik.relatives"):
            row["nik"] = dice.choice(others)["nik"]
        elif row["no_kk"] and happens("nik.card"):
            row["nik"] = row["no_kk"]
        for fault in ("digit", "swapped", "length", "ocr", "rounded", "old"):
            if row["nik"] and happens(f"nik.{fault}"):
                row["nik"] = number_fault(row["nik"], fault, dice)
    for name, woman, prefix in (("nama", row["jenis_kelamin"] == "P", "name"), ("nama_ibu", True, "mother")):
        value = row[name]
        for fault, do in NAME_FAULTS.items():
            if value and f"{prefix}.{fault}" in rates and happens(f"{prefix}.{fault}"):
                made = (mothers_title if prefix == "mother" and do is title else do)(value, woman, called(), dice)
                if made == value:
                    damage.pop()
                value = made
        row[name] = value
    if others and happens("name.other"):  # the line above's
        row["nama"] = dice.choice(others)["nama"]
    husbands = [one["nama"] for one in others if one["jenis_kelamin"] == "L"]
    if row["jenis_kelamin"] == "P" and husbands and dice.random() < rates["name.husband"] * 4:
        damage.append("name.husband")
        row["nama"] = f"{own_name} {(husbands[0] or '').split()[0]}"
    if happens("mother.other"):
        row["nama_ibu"] = dice.choice(others)["nama"] if others else "NY. " + own_name.split()[0]
    _misdated(row, happens, dice)
    if happens("sex.wrong"):
        row["jenis_kelamin"] = "LP"[row["jenis_kelamin"] == "L"]
    for fault, names in {
        "nik.missing": ("nik",),
        "card.missing": ("no_kk",),
        "sex.missing": ("jenis_kelamin",),
        "mother.missing": ("nama_ibu",),
        "born.missing": ("tanggal_lahir",),
        "place.no_village": ("kode_desa",),
        "place.none": ("kode_desa", "kode_kec", "kode_kab"),
    }.items():
        if happens(fault):
            row.update(dict.fromkeys(names))
    if happens("card.digit") and row["no_kk"]:
        row["no_kk"] = number_fault(row["no_kk"], "digit", dice)


def _misdated(row: Row, happens: Callable[[str], bool], dice: Random) -> None:
    year, month, day = map(int, (row["tanggal_lahir"] or "").split("-"))
    if happens("born.default"):
        month, day = dice.choice(((1, 1), (1, 1), (12, 31)))
    if happens("born.year"):
        year += dice.choice((-10, -2, -1, -1, 1, 1, 2, 10))
    if happens("born.digit"):
        if dice.random() < 0.5:
            day = (day + dice.choice((-10, -7, -1, 1, 3, 10)) - 1) % 28 + 1
        else:
            month = (month + dice.choice((-1, 1, 3)) - 1) % 12 + 1
    if day <= 12 and day != month and happens("born.exchanged"):
        day, month = month, day
    if happens("born.wrong"):
        year, month, day = dice.randint(1940, 2020), dice.randint(1, 12), dice.randint(1, 28)
    day = min(day, 28) if month == 2 else min(day, 30) if month in (4, 6, 9, 11) else day
    row["tanggal_lahir"] = f"{year}" if happens("born.year_only") else f"{year:04d}-{month:02d}-{day:02d}"


def _by_clerks(
    everyone: list[tuple[Row, int | None, list[str]]], times: float, asked: tuple[str, ...], kind: str, dice: Random
) -> None:
    """The habits of those who typed the list: each a stretch of rows, alike from top to bottom."""
    at = 0
    while at < len(everyone):
        piece = everyone[at : at + dice.randint(CLERK // 3, CLERK * 5 // 3)]
        at += len(piece)
        hers = [habit for habit, rate in HABITS.items() if habit in asked or dice.random() * 1000 < rate * times]
        if "slipped" in hers and len(piece) > 4:  # cells were put in or taken out, and what stands below moved by one
            column = dice.choice(sorted(FRACTURES))
            start = dice.randrange(len(piece) - 3)
            stop = start + dice.randint(3, 20)
            slid = piece[start:stop]
            values = [row[column] for row, _, _ in slid]
            for (row, _, damage), value in zip(slid, [values[-1], *values[:-1]], strict=True):
                row[column] = value
                damage.append(f"slipped.{column}")
        unasked = dice.random() * 1000 < KINDS[kind].get("card_unasked", 0)
        for number, (row, _, damage) in enumerate(piece, start=1):
            if unasked:
                row["no_kk"] = None
            _in_her_way(row, damage, hers, number)


def _in_her_way(row: Row, damage: list[str], hers: list[str], number: int) -> None:
    """Of the ways of dates only the first is taken."""
    for habit, names in (
        ("motherless", ("nama_ibu",)),
        ("cardless", ("no_kk",)),
        ("placeless", ("kode_desa", "kode_kec", "kode_kab")),
    ):
        if habit in hers:
            row.update(dict.fromkeys(names))
            damage.append(f"file.{habit}")
    ways = [habit for habit in hers if habit.endswith("_dates")]
    if ways and row["tanggal_lahir"] and len(row["tanggal_lahir"]) == 10:
        row["tanggal_lahir"] = _dated(row["tanggal_lahir"], ways[0])
        if ways[0] not in ("slash_dates", "words_dates"):  # these two are as good as any
            damage.append(f"file.{ways[0]}")
    if row["nik"]:
        nik = row["nik"]
        for habit, way in {
            "spaced_nik": " ".join(nik[at : at + 4] for at in range(0, len(nik), 4)),
            "quoted_nik": f"'{nik}",
            "rounded_nik": f"{nik[:15]}0" if len(nik) == 16 else nik,
            "scientific_nik": f"{nik[0]},{nik[1:6]}E+15",
        }.items():
            if habit in hers:
                row["nik"] = way
                damage.append(f"file.{habit}")
    if row["nama"]:
        name = row["nama"]
        for habit, way in {
            "titled_names": ("IBU " if row["jenis_kelamin"] == "P" else "BPK. ") + name,
            "rt_in_names": f"{name} RT {row['rt']}",
            "numbered_names": f"{number}. {name}",
            "cut_names": name[:18],
        }.items():
            if habit in hers and way != name:
                row["nama"] = way
                damage.append(f"file.{habit}")
        if "lower_names" in hers:
            row["nama"] = (row["nama"] or "").title()
            row["nama_ibu"] = row["nama_ibu"].title() if row["nama_ibu"] else None
    if row["jenis_kelamin"] and "sex_words" in hers:
        row["jenis_kelamin"] = {"L": "Laki-laki", "P": "Perempuan"}[row["jenis_kelamin"]]
    elif row["jenis_kelamin"] and "sex_numbers" in hers:
        row["jenis_kelamin"] = {"L": "1", "P": "2"}[row["jenis_kelamin"]]
    if "bps_codes" in hers and row["kode_kec"]:  # of the statistics office: other numbers for the same places
        damage.append("file.bps_codes")
        row["kode_kec"] += "0"
        row["kode_desa"] = f"{row['kode_kec']}0{row['kode_desa'][-2:]}" if row["kode_desa"] else None
    elif "dotted_codes" in hers:
        for name, cuts in (("kode_kab", (2, 4)), ("kode_kec", (2, 4, 6)), ("kode_desa", (2, 4, 6, 10))):
            if code := row[name]:
                row[name] = ".".join(code[a:b] for a, b in zip((0, *cuts), cuts, strict=False))


def _dated(iso: str, way: str) -> str:
    year, month, day = map(int, iso.split("-"))
    match way:
        case "us_dates":
            return f"{month}/{day}/{year}"
        case "words_dates":
            names = MONTHS if year % 2 else SHORT
            return f"{day} {names[month - 1]} {year}"
        case "slash_dates":
            return f"{day:02d}/{month:02d}/{year}"
        case "short_dates":
            return f"{day:02d}-{month:02d}-{year % 100:02d}"
        case "mac_dates":  # the same days counted from 1904 and read from 1900
            return f"{date.fromordinal(date(year, month, day).toordinal() - 1462):%d/%m/%Y}"
    return str((date(year, month, day) - date(1899, 12, 30)).days)


def _told(everyone: list[tuple[Row, int | None, list[str]]], kind: str) -> tuple[pa.Table, pa.Table]:
    names = [f"B{at:07d}" for at in range(1, len(everyone) + 1)]
    columns = {"list_id": pa.array(names, pa.string())}
    for name in COLUMNS[1:]:
        if not (name == "nik" and kind == "no_nik"):
            columns[name] = pa.array([row[name] or None for row, _, _ in everyone], pa.string())
    without = kind == "no_nik"
    shown = [
        [one for one in damage if not (without and (one.startswith("nik.") or one.endswith(("_nik", ".nik"))))]
        for _, _, damage in everyone
    ]
    truth = {"list_id": names, "registry_id": [who for _, who, _ in everyone], "damage": shown}
    return pa.table(columns), pa.table(truth, schema=TRUTH)
