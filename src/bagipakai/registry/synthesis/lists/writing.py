"""A list as an office sends it: people of a registry and people who are not in it, written down by clerks.

Errors come together as they do in life. A careless clerk makes several in one row; the office of a village has its
habits; a sender has columns it does not keep and a way of writing dates. `dirt.toml` holds the rates, `slips.py` what
can happen to one text. Who is damaged and how is drawn for whole columns; only a damaged text is taken up singly.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.synthesis.columns import digits
from bagipakai.registry.synthesis.dice import Dice
from bagipakai.registry.synthesis.lists import slips
from bagipakai.registry.synthesis.lists.calendar import THIS_YEAR, TODAY, day_of, parts_of
from bagipakai.registry.synthesis.lists.population import registry as population
from bagipakai.registry.synthesis.lists.slips import STYLES, Slip

PLACE = ("kode_desa", "kode_kec", "kode_kab")
HOUSE = ("alamat", "rt", "rw")
COLUMNS = ("nik", "no_kk", "nama", "jenis_kelamin", "tanggal_lahir", "nama_ibu", *HOUSE, *PLACE)
_COLUMN_OF = {
    "nik": "nik", "card": "no_kk", "sex": "jenis_kelamin", "mother": "nama_ibu", "address": "alamat",
    "place.exchanged": "rt", "place.house_missing": "rt", "place.village_missing": "kode_desa",
}  # fmt: skip
TRUTH = pa.schema([("list_id", pa.string()), ("registry_id", pa.int64()), ("damage", pa.list_(pa.string()))])


@lru_cache(maxsize=1)
def dirt() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "dirt.toml").read_text("utf-8"))


def kinds() -> tuple[str, ...]:
    return tuple(dirt()["kind"])


@dataclass
class Sheet:
    """The list while it is written: texts by column (None where nothing stands), days of birth, and what was done."""

    texts: dict[str, np.ndarray]
    born: np.ndarray  # days since 1970
    style: np.ndarray  # of the date, by name
    codes: dict[str, np.ndarray] = field(default_factory=dict)  # damage → the rows that have it

    def __len__(self) -> int:
        return len(self.born)

    def mark(self, code: str, rows: np.ndarray) -> None:
        at = self.codes.setdefault(code, np.zeros(len(self), dtype=bool))
        at[rows] = True

    def empty(self, code: str, rows: np.ndarray, *columns: str) -> None:
        """Nothing in their place, so that what was done to them before no longer shows."""
        stood = np.array(
            [[self.texts[column][row] is not None for column in columns] for row in rows.tolist()], dtype=bool
        )
        rows = rows[stood.any(axis=1)] if len(rows) else rows
        for column in columns:
            self.texts[column][rows] = None
        if len(columns) == 1 and columns[0] not in PLACE:
            for other, at in self.codes.items():
                if other.split(".")[0] == code.split(".", maxsplit=1)[0]:
                    at[rows] = False
        self.mark(code, rows)

    def without(self, columns: set[str]) -> None:
        """As if `columns` had never been kept."""
        for column in columns:
            self.texts.pop(column, None)
        for code in list(self.codes):
            if _COLUMN_OF.get(code, _COLUMN_OF.get(code.split(".")[0])) in columns:
                del self.codes[code]

    def put(self, code: str, rows: np.ndarray, column: str, values: np.ndarray) -> None:
        """Other texts in place of those that stand there; a None is not put."""
        here = np.array([value is not None for value in values], dtype=bool)
        changed = rows[here][self.texts[column][rows[here]] != values[here]]
        self.texts[column][rows[here]] = values[here]
        self.mark(code, changed)

    def slip(self, code: str, rows: np.ndarray, column: str, slip: Slip, dice: Dice) -> None:
        texts, changed = self.texts[column], []
        for row, chance in zip(rows.tolist(), dice.words(len(rows)).tolist(), strict=True):
            if texts[row] is None:
                continue
            after = slip(texts[row], chance >> 1)
            if after != texts[row]:
                texts[row] = after
                changed.append(row)
        self.mark(code, np.array(changed, dtype=np.int64))


@dataclass(frozen=True)
class Around:
    """Whom the rows of a list know: for each row another number and another home that are plausible for it."""

    relative_nik: np.ndarray
    father: np.ndarray
    other_place: dict[str, np.ndarray]
    other_card: np.ndarray


def a_list(registry: pa.Table, rows: int, seed: int, kind: str, sender: str | None = None) -> tuple[pa.Table, pa.Table]:
    """A list of `rows` rows of one of `kinds()`, all columns text, and its truth (TRUTH): who each row is, null for
    somebody who is not in the registry, and what was done to it. The same registry and seed give the same list.
    `sender` is the name of one in `dirt.toml`; left out, it is drawn.

    Raises ValueError for a kind or sender that is not known, or more rows than a third of the registry.
    """
    if kind not in dirt()["kind"]:
        raise ValueError(f"kinds: {', '.join(kinds())}")
    if not 1 <= rows <= registry.num_rows // 3:
        raise ValueError("from one row to a third of the registry")
    how = _how(kind)
    profile = _sender(kind, sender, Dice(seed, 20))
    absent, twice = rows * how["absent"] // 1000, rows * how["twice"] // 1000
    present = _chosen(registry, rows - absent - twice, how, Dice(seed, 21))
    drawn, absence = _absent(registry, present, absent, how, seed)
    first = np.concatenate([present, np.full(absent, -1)])
    again = Dice(seed, 22).below(twice, len(first))
    order = np.argsort(Dice(seed, 23).words(rows), kind="stable")
    at = np.concatenate([np.arange(len(first)), again])[order]

    book = pa.concat_tables([registry.take(pa.array(present)), drawn]).take(pa.array(at))
    sheet = Sheet(
        {name: _texts(book[name]) for name in COLUMNS if name != "tanggal_lahir"},
        book["tanggal_lahir"].cast(pa.int32()).to_numpy().astype(np.int64),
        np.full(rows, "iso", dtype=object),
    )
    for code, those in absence.items():
        sheet.mark(code, np.flatnonzero(np.isin(at, those + len(present))))
    sheet.mark("twice", np.flatnonzero(order >= len(first)))

    around = _around(registry, first[at], book, Dice(seed, 24))
    _write(sheet, around, how, profile, Dice(seed, 25), beside=Dice(seed, 26))
    identity = pa.array(registry["registry_id"].to_numpy()[np.maximum(first[at], 0)], mask=first[at] < 0)
    ids = pa.array(np.arange(1, rows + 1)).cast(pa.string())
    sheet.without({*profile["lacks"], *how.get("lacks", ())})
    columns = {name: pa.array(sheet.texts[name], pa.string()) for name in COLUMNS if name in sheet.texts}
    return pa.table({"list_id": ids, **columns}), pa.table([ids, identity, _codes(sheet)], schema=TRUTH)


def _how(kind: str) -> dict[str, Any]:
    said = dirt()["kind"][kind]
    return {**_how(said["like"]), **said} if "like" in said else said


def _sender(kind: str, name: str | None, dice: Dice) -> dict[str, Any]:
    possible = [
        one for one in dirt()["sender"] if (kind in one.get("only", kinds()) if name is None else one["name"] == name)
    ]
    if not possible:
        raise ValueError(f"senders: {', '.join(one['name'] for one in dirt()['sender'])}")
    chosen: dict[str, Any] = possible[int(dice.below(1, len(possible))[0])]
    return chosen


# Who is on the list


def _chosen(registry: pa.Table, count: int, how: dict[str, Any], dice: Dice) -> np.ndarray:
    """Places in the registry: some members of families taken by chance, or by villages."""
    n = registry.num_rows
    old_enough = np.ones(n, dtype=bool)
    if "born_until" in how:
        old_enough = pc.year(registry["tanggal_lahir"]).to_numpy() <= how["born_until"]
    groups = _grouped(registry["no_kk"])
    turn = dice.words(int(groups.max()) + 1)[groups] >> np.uint64(1)
    if how.get("whole_villages"):
        village = _grouped(registry["kode_desa"])
        of_village = dice.words(int(village.max()) + 1)[village] >> np.uint64(32)
        turn = (of_village << np.uint64(31)) | (turn >> np.uint64(33))
    listed = dice.chance(n, how["of_a_family"])
    last = np.where(old_enough & listed, np.uint64(0), np.uint64(1) << np.uint64(63))
    return np.argsort(turn | last, kind="stable")[:count]


def _absent(
    registry: pa.Table, present: np.ndarray, count: int, how: dict[str, Any], seed: int
) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """People who are not in the registry, and which of them are what: relatives of somebody who is, children born
    since, and strangers."""
    dice = Dice(seed, 30)
    strangers = population(max(count, 10), seed ^ 0x5EED, dense=False)
    strangers = strangers.take(pa.array(np.argsort(dice.words(strangers.num_rows), kind="stable")[:count]))
    relatives, newborn = (count * share // 1000 for share in how["relatives"])
    kin = np.arange(relatives + newborn)
    baby = kin >= relatives
    n = registry.num_rows
    base = np.where(dice.chance(len(kin), 600), present[dice.below(len(kin), len(present))], dice.below(len(kin), n))
    base[baby] = _near(_mothers(registry), base[baby], dice)
    model = (base + n // 200 + 40 + dice.below(len(kin), 300)) % n  # named like people not far, but not like the family
    model[baby] = _near(_children(registry), model[baby], dice)

    texts = {name: _texts(strangers[name]) for name in strangers.column_names if name not in _NOT_TEXT}
    born = strangers["tanggal_lahir"].cast(pa.int32()).to_numpy().astype(np.int64)
    of = {name: _texts(registry[name].take(pa.array(base))) for name in texts}
    like = {name: _texts(registry[name].take(pa.array(model))) for name in ("nama", "jenis_kelamin")}
    base_born = registry["tanggal_lahir"].take(pa.array(base)).cast(pa.int32()).to_numpy().astype(np.int64)
    apart = (300 + dice.below(len(kin), 4200)) * np.where(dice.chance(len(kin), 500), 1, -1)
    apart[dice.chance(len(kin), 20)] = 0  # a twin
    born[kin] = np.where(base_born + apart > TODAY - 30, base_born - abs(apart), base_born + apart)
    born[kin[baby]] = TODAY - dice.below(int(baby.sum()), 800)
    for name in (*PLACE, *HOUSE, "kode_prov", "tempat_lahir", "no_kk", "nama_ibu"):
        texts[name][kin] = of[name]
    texts["nama_ibu"][kin[baby]] = of["nama"][baby]
    own_card = kin[dice.chance(len(kin), 300) & ~baby]
    texts["no_kk"][own_card] = _texts(strangers["no_kk"])[own_card]
    texts["jenis_kelamin"][kin] = like["jenis_kelamin"]
    shares_last = dice.chance(len(kin), 350)
    texts["nama"][kin] = [
        f"{own.split()[0]} {theirs.split()[-1]}" if shared and " " in theirs else own
        for own, theirs, shared in zip(like["nama"], of["nama"], shares_last.tolist(), strict=True)
    ]
    settled = np.arange(len(kin), count)[dice.chance(count - len(kin), 500)]  # strangers where registered people live
    home = registry.select([*PLACE, *HOUSE, "kode_prov"]).take(pa.array(dice.below(len(settled), n)))
    for name in home.column_names:
        texts[name][settled] = _texts(home[name])

    issued = np.array([int(code) for code in texts["kode_kec"]], dtype=np.int64)
    foreign = np.arange(count) >= len(kin)
    foreign[settled[: len(settled) // 2]] = False
    keeps = foreign & np.array([nik is not None and len(nik) == 16 for nik in texts["nik"]], dtype=bool)
    front = np.array(
        [int(nik[:6]) if keep else code for nik, keep, code in zip(texts["nik"], keeps, issued, strict=True)]
    )
    woman = texts["jenis_kelamin"] == "P"
    texts["nik"] = _texts(_free_numbers(front, born, woman, registry["nik"], dice))
    borrowed = kin[dice.chance(len(kin), how["borrow"])]
    texts["nik"][borrowed] = of["nik"][borrowed]

    made = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    made["registry_id"] = pa.nulls(count, pa.int64())
    made["tanggal_lahir"] = pa.array(born.astype(np.int32)).cast(pa.date32())
    which = {"absent.relative": kin[~baby], "absent.newborn": kin[baby], "absent.stranger": np.arange(len(kin), count)}
    table = pa.table({name: made[name] for name in registry.column_names})
    return table, {**which, "nik.others": borrowed}


_NOT_TEXT = ("registry_id", "tanggal_lahir")


def _mothers(registry: pa.Table) -> np.ndarray:
    year = pc.year(registry["tanggal_lahir"]).to_numpy()
    woman = pc.equal(registry["jenis_kelamin"], "P").to_numpy()
    return np.flatnonzero(woman & (year > THIS_YEAR - 44) & (year < THIS_YEAR - 18))


def _children(registry: pa.Table) -> np.ndarray:
    return np.flatnonzero(pc.year(registry["tanggal_lahir"]).to_numpy() > THIS_YEAR - 12)


def _near(among: np.ndarray, places: np.ndarray, dice: Dice) -> np.ndarray:
    """For each place in the registry one of `among` that is not far; the place itself if there is none."""
    if not len(among):
        return places
    at = np.searchsorted(among, places) + dice.below(len(places), 41) - 20
    found: np.ndarray = among[np.clip(at, 0, len(among) - 1)]
    return found


def _free_numbers(
    front: np.ndarray, born: np.ndarray, woman: np.ndarray, taken: pa.ChunkedArray, dice: Dice
) -> pa.Array:
    """Well-formed NIKs that nobody in the registry has."""
    year, month, day = parts_of(born)
    base = ((front * 100 + day + 40 * woman) * 10_000 + month * 100 + year % 100) * 10_000
    serial = 1 + dice.below(len(front), 4)
    for _ in range(20):
        used = pc.is_in(digits(base + serial, 16), value_set=taken).to_numpy(zero_copy_only=False)
        if not used.any():
            break
        serial[used] += 1
    return digits(base + serial, 16)


def _around(registry: pa.Table, person: np.ndarray, book: pa.Table, dice: Dice) -> Around:
    n, rows = registry.num_rows, len(person)
    group = _grouped(registry["no_kk"])
    order = np.argsort(group, kind="stable")
    where = np.empty(n, dtype=np.int64)
    where[order] = np.arange(n)
    size = np.bincount(group)
    first = np.cumsum(size) - size
    mine = np.where(person < 0, dice.below(rows, n), person)
    its = group[mine]
    next_ = order[first[its] + (where[mine] - first[its] + 1 + dice.below(rows, 3)) % size[its]]
    neighbour = np.clip(mine + dice.below(rows, 61) - 30, 0, n - 1)
    relative = np.where((next_ == mine) | dice.chance(rows, 150), neighbour, next_)
    relative_nik = _texts(registry["nik"].take(pa.array(relative)))
    relative_nik[person < 0] = None
    man = pc.equal(registry["jenis_kelamin"], "L").to_numpy()
    older = np.flatnonzero(man & (pc.year(registry["tanggal_lahir"]).to_numpy() < 1990))
    elsewhere = np.where(
        dice.chance(rows, 600), np.clip(mine + dice.below(rows, 8001) - 4000, 0, n - 1), dice.below(rows, n)
    )
    there = registry.select([*PLACE, *HOUSE, "no_kk"]).take(pa.array(elsewhere))
    card = _texts(registry["no_kk"].take(pa.array(neighbour)))
    new = np.flatnonzero(dice.chance(rows, 600))
    front = np.array([int(code or 0) for code in book["kode_kec"].take(pa.array(new)).to_pylist()])
    day, month, year = 1 + dice.below(len(new), 28), 1 + dice.below(len(new), 12), 5 + dice.below(len(new), 20)
    issued = (front * 100 + day) * 10_000 + month * 100 + year
    card[new] = _texts(digits(issued * 10_000 + 1 + dice.below(len(new), 30), 16))
    return Around(
        relative_nik,
        _texts(registry["nama"].take(pa.array(_near(older, mine, dice)))),
        {name: _texts(there[name]) for name in (*PLACE, *HOUSE)},
        card,
    )


# What happens to the rows


_NAME: tuple[tuple[str, Slip], ...] = (
    ("untitled", slips.untitled),
    ("shortened", slips.shortened),
    ("old_way", slips.old_way),
    ("dropped", slips.dropped),
    ("nickname", slips.nickname),
    ("swapped", slips.swapped),
    ("joined", slips.joined),
    ("split", slips.split),
    ("sound", slips.sound),
    ("two_sounds", slips.two_sounds),
    ("typing", slips.typing),
    ("two_slips", slips.two_slips),
    ("initials", slips.initials),
    ("titled", slips.titled),
    ("noisy", slips.noisy),
)
_NIK: dict[str, Slip] = {
    "placeholder": slips.placeholder,
    "digit": slips.digit,
    "two_digits": slips.two_digits,
    "turned": slips.turned,
    "rounded": slips.rounded,
    "scientific": slips.scientific,
    "length": slips.longer_or_shorter,
    "decorated": slips.decorated,
}


def _write(sheet: Sheet, around: Around, how: dict[str, Any], sender: dict[str, Any], dice: Dice, beside: Dice) -> None:
    care = _care(len(sheet), dice)
    habits = _habits(sheet.texts["kode_desa"], dice)
    _names(sheet, "name", "nama", how["name"], care, dice)
    _patronymic(sheet, around, how["name"], care, dice)
    sheet.slip("name.dropped", habits["name_short"], "nama", slips.dropped, dice)
    sheet.empty("name.missing", _hit(how["name"]["missing"], care, dice), "nama")
    _names(sheet, "mother", "nama_ibu", how["mother"], care, dice)
    _mothers_of(sheet, around, how["mother"], care, habits, dice)
    _dates(sheet, how, sender, care, habits, dice)
    _numbers(sheet, around, how["nik"], care, dice)
    _cards(sheet, around, how["card"], care, dice)
    _sexes(sheet, how["sex"], care, dice)
    _places(sheet, around, how, care, habits, dice)
    _columns(sheet, how, sender, care, beside)
    _forms(sheet, sender, dice)
    _letters(sheet, sender["letters"], dice)


def _care(n: int, dice: Dice) -> np.ndarray:
    """What the clerk of each row makes of every rate, per thousand."""
    shares, factors = zip(*dirt()["care"].values(), strict=True)
    at = np.searchsorted(np.cumsum(shares), dice.below(n, 1000), side="right")
    return np.array(factors)[np.minimum(at, len(factors) - 1)]


def _habits(village: np.ndarray, dice: Dice) -> dict[str, np.ndarray]:
    """The rows in which a habit of the village's office shows."""
    known, at = np.unique(np.array([code or "" for code in village]), return_inverse=True)
    return {
        name: np.flatnonzero(dice.chance(len(known), offices)[at] & dice.chance(len(village), shows))
        for name, (offices, shows) in dirt()["habit"].items()
    }


def _hit(rate: int, care: np.ndarray, dice: Dice) -> np.ndarray:
    """The rows to which it happens."""
    return np.flatnonzero(dice.below(len(care), 1_000_000) < rate * care)


def _one_of(rates: dict[str, int], care: np.ndarray, dice: Dice) -> dict[str, np.ndarray]:
    """The rows of each kind of damage, of which a row has at most one."""
    reached = np.cumsum(list(rates.values()))
    scaled = reached[None, :] * care[:, None]
    over = np.maximum(scaled[:, -1:], 1_000_000)  # a clerk who does nothing right still makes each error in its share
    at = (dice.below(len(care), 1_000_000)[:, None] * (over // 1000) // 1000 >= scaled).sum(axis=1)
    return {name: np.flatnonzero(at == place) for place, name in enumerate(rates)}


def _names(sheet: Sheet, of: str, column: str, rates: dict[str, int], care: np.ndarray, dice: Dice) -> None:
    for name, slip in _NAME:
        if name in rates:
            sheet.slip(f"{of}.{name}", _hit(rates[name], care, dice), column, slip, dice)


def _patronymic(sheet: Sheet, around: Around, rates: dict[str, int], care: np.ndarray, dice: Dice) -> None:
    rows = _hit(rates["patronymic"], care, dice)
    between = np.where(sheet.texts["jenis_kelamin"][rows] == "P", "BINTI", "BIN")
    full = [f"{name} {word} {father}" for name, word, father in
            zip(sheet.texts["nama"][rows], between, around.father[rows], strict=True)]  # fmt: skip
    sheet.put("name.patronymic", rows, "nama", np.array(full, dtype=object))


def _mothers_of(
    sheet: Sheet, around: Around, rates: dict[str, int], care: np.ndarray, habits: dict[str, np.ndarray], dice: Dice
) -> None:
    other = _hit(rates["other"], care, dice)
    sheet.put("mother.other", other, "nama_ibu", np.roll(sheet.texts["nama_ibu"], 1)[other])
    sheet.slip("mother.dropped", habits["mother_short"], "nama_ibu", slips.dropped, dice)
    sheet.empty("mother.missing", _hit(rates["missing"], care, dice), "nama_ibu")
    sheet.empty("mother.missing", habits["mother_missing"], "nama_ibu")


def _dates(
    sheet: Sheet,
    how: dict[str, Any],
    sender: dict[str, Any],
    care: np.ndarray,
    habits: dict[str, np.ndarray],
    dice: Dice,
) -> None:
    hit = _one_of(how["date"], care, dice)
    nobody = np.zeros(0, dtype=np.int64)
    hit["default"] = np.union1d(hit["default"], habits["default_date"])
    if "months_first" in how:
        read_by_program = np.flatnonzero(dice.chance(len(sheet), how["months_first"]))
        hit["exchanged"] = np.union1d(hit["exchanged"], read_by_program)
    for name, change in _CHANGES.items():
        rows = hit.get(name, nobody)
        after = change(sheet.born[rows], dice)
        sheet.mark(f"date.{name}", rows[after != sheet.born[rows]])
        sheet.born[rows] = after
    ways = how.get("dates", sender["dates"])
    reached = np.cumsum(list(ways.values()))
    at = np.searchsorted(reached, dice.below(len(sheet), int(reached[-1])), side="right")
    sheet.style[:] = np.array(list(ways), dtype=object)[at]
    for name, styles in (("year_only", ("year", "year", "00-00-year")), ("month_only", ("month", "00/month"))):
        rows = hit.get(name, nobody)
        sheet.style[rows] = np.array(styles, dtype=object)[dice.below(len(rows), len(styles))]
        sheet.mark(f"date.{name}", rows)
    days = sheet.born.astype("datetime64[D]").astype(object)
    text = np.array([STYLES[style](day) for style, day in zip(sheet.style, days, strict=True)], dtype=object)
    sheet.texts["tanggal_lahir"] = text
    sheet.empty("date.missing", hit.get("missing", nobody), "tanggal_lahir")


def _exchanged(born: np.ndarray, dice: Dice) -> np.ndarray:
    year, month, day = parts_of(born)
    return np.where(day <= 12, day_of(year, day, month), born)


def _year_off(born: np.ndarray, dice: Dice) -> np.ndarray:
    year, month, day = parts_of(born)
    by = np.array([1, -1, 1, -1, 2, -2, 10, -10, 3, -5])[dice.below(len(born), 10)]
    return day_of(np.minimum(year + by, THIS_YEAR), month, day)


def _digit_off(born: np.ndarray, dice: Dice) -> np.ndarray:
    """A digit of the day or month wrong, or the last two of the year turned; a day that does not exist stays."""
    year, month, day = parts_of(born)
    kind = dice.below(len(born), 10)
    turned = year // 100 * 100 + year % 10 * 10 + year // 10 % 10
    after = np.where((kind < 2) & (turned < THIS_YEAR) & (turned > 1925), turned, year)
    tens = np.where(day > 10, day - 10, day + 10)
    units = np.where(day % 10 < 8, day + 1, day - 1)
    day_after = np.where(kind >= 7, tens, np.where(kind >= 4, units, day))
    month_after = np.where((kind >= 2) & (kind < 4), np.where(month > 6, month - 1, month + 1), month)
    moved = day_of(after, month_after, day_after)
    same_month = parts_of(moved)[1] == month_after
    return np.where(same_month, moved, born)


def _default(born: np.ndarray, dice: Dice) -> np.ndarray:
    year, _, _ = parts_of(born)
    kind = dice.below(len(born), 10)
    month, day = np.where(kind < 6, 1, np.where(kind < 8, 12, 7)), np.where((kind >= 6) & (kind < 8), 31, 1)
    return day_of(year, month, day)


def _days_off(born: np.ndarray, dice: Dice) -> np.ndarray:
    moved: np.ndarray = born + (1 + dice.below(len(born), 400)) * np.where(dice.chance(len(born), 500), 1, -1)
    return moved


_CHANGES: dict[str, Callable[[np.ndarray, Dice], np.ndarray]] = {
    "exchanged": _exchanged,
    "year": _year_off,
    "digit": _digit_off,
    "default": _default,
    "days": _days_off,
}


def _numbers(sheet: Sheet, around: Around, rates: dict[str, int], care: np.ndarray, dice: Dice) -> None:
    hit = _one_of(rates, care, dice)
    if "former" in hit:  # a number from before: other district and serial
        rows = hit["former"]
        sheet.put(
            "nik.former", rows, "nik", _former(sheet.texts["nik"][rows], around.other_place["kode_kec"][rows], dice)
        )
    if "others" in hit:
        sheet.put("nik.others", hit["others"], "nik", around.relative_nik[hit["others"]])
    for name, slip in _NIK.items():
        if name in hit:
            sheet.slip(f"nik.{name}", hit[name], "nik", slip, dice)
    sheet.empty("nik.missing", hit["missing"], "nik")


def _former(niks: np.ndarray, districts: np.ndarray, dice: Dice) -> np.ndarray:
    serials = dice.below(len(niks), 40) + 1
    return np.array(
        [
            nik and f"{district}{nik[6:12]}{serial:04d}"
            for nik, district, serial in zip(niks, districts, serials, strict=True)
        ],
        dtype=object,
    )


def _cards(sheet: Sheet, around: Around, rates: dict[str, int], care: np.ndarray, dice: Dice) -> None:
    hit = _one_of(rates, care, dice)
    sheet.put("card.former", hit["former"], "no_kk", around.other_card[hit["former"]])
    sheet.slip("card.digit", hit["digit"], "no_kk", slips.digit, dice)
    sheet.slip("card.rounded", hit["rounded"], "no_kk", slips.rounded, dice)
    sheet.empty("card.missing", hit["missing"], "no_kk")


def _sexes(sheet: Sheet, rates: dict[str, int], care: np.ndarray, dice: Dice) -> None:
    wrong = _hit(rates["wrong"], care, dice)
    other = np.where(sheet.texts["jenis_kelamin"][wrong] == "P", "L", "P").astype(object)
    sheet.put("sex.wrong", wrong, "jenis_kelamin", other)
    sheet.empty("sex.missing", _hit(rates["missing"], care, dice), "jenis_kelamin")


def _places(
    sheet: Sheet, around: Around, how: dict[str, Any], care: np.ndarray, habits: dict[str, np.ndarray], dice: Dice
) -> None:
    rates, texts = how["place"], sheet.texts
    former = np.union1d(_hit(rates["former"], care, dice), habits["former_region"])
    for name in (*PLACE, *HOUSE):
        sheet.put("place.former", former, name, around.other_place[name][former])
    exchanged = _hit(rates["exchanged"], care, dice)
    texts["rt"][exchanged], texts["rw"][exchanged] = texts["rw"][exchanged], texts["rt"][exchanged].copy()
    sheet.mark("place.exchanged", exchanged)
    sheet.empty("place.village_missing", _hit(rates["village_missing"], care, dice), "kode_desa")
    sheet.empty("place.regency_only", _hit(rates["regency_only"], care, dice), "kode_desa", "kode_kec")
    sheet.empty("place.house_missing", _hit(rates["house_missing"], care, dice), "rt", "rw")
    sheet.slip("address.otherwise", _hit(how["address"]["otherwise"], care, dice), "alamat", slips.address, dice)
    sheet.empty("address.missing", _hit(how["address"]["missing"], care, dice), "alamat")
    if how.get("zeros_lost") or dice.chance(1, 300)[0]:
        for name in ("rt", "rw"):
            texts[name] = np.array([text and slips.without_zeros(text, 0) for text in texts[name]], dtype=object)


def _forms(sheet: Sheet, sender: dict[str, Any], dice: Dice) -> None:
    """The sender's own way with sexes and codes; here and there a mark where nothing should stand."""
    texts = sheet.texts
    if "sexes" in sender:
        said = dict(zip("LP", sender["sexes"], strict=True))
        texts["jenis_kelamin"] = np.array([said.get(sex) for sex in texts["jenis_kelamin"]], dtype=object)
    if sender.get("dotted"):
        for name in PLACE:
            texts[name] = np.array([code and _dotted(code) for code in texts[name]], dtype=object)
    for name, marks in _NOTHING.items():
        empty = np.flatnonzero(np.array([text is None for text in texts[name]], dtype=bool))
        empty = empty[dice.chance(len(empty), 150)]
        texts[name][empty] = np.array(marks, dtype=object)[dice.below(len(empty), len(marks))]


_NOTHING = {
    "nama_ibu": ("-", "TIDAK TAHU", "ALMARHUMAH", "."),
    "tanggal_lahir": ("-", "0000-00-00", "00/00/0000"),
    "alamat": ("-", "0"),
    "no_kk": ("-", "0", "0000000000000000"),
}


def _columns(sheet: Sheet, how: dict[str, Any], sender: dict[str, Any], care: np.ndarray, dice: Dice) -> None:
    """What stands in the column beside: the name and the mother's, the number and the card's; or one number in both."""
    hit, texts, lacks = _one_of(how["columns"], care, dice), sheet.texts, {*sender["lacks"], *how.get("lacks", ())}
    for what, (one, other, both) in _BESIDE.items():
        rows = hit[what]
        for name in (one, other) if both else (one,):
            rows = rows[pc.is_valid(pa.array(texts[name][rows], pa.string())).to_numpy(zero_copy_only=False)]
        if not len(rows) or lacks & {one, other}:
            continue
        was = texts[other][rows].copy()
        texts[other][rows] = texts[one][rows]
        if both:
            texts[one][rows] = was
        sheet.mark(f"columns.{what}", rows)


_BESIDE = {  # from, to, and back
    "names": ("nama", "nama_ibu", True),
    "numbers": ("nik", "no_kk", True),
    "number_twice": ("nik", "no_kk", False),
    "card_twice": ("no_kk", "nik", False),
}


def _dotted(code: str) -> str:
    return ".".join(part for part in (code[:2], code[2:4], code[4:6], code[6:]) if part)


def _letters(sheet: Sheet, letters: str, dice: Dice) -> None:
    """Capitals, or as a name is written, or by each clerk as he likes."""
    ways: dict[str, Callable[[str], str]] = {"upper": str, "title": str.title, "lower": str.lower}
    mixture = {"upper": ["upper"], "title": ["title"], "mixed": ["upper", "upper", "title", "title", "lower"]}[letters]
    way = dice.below(len(sheet), len(mixture))
    for name in ("nama", "nama_ibu", "alamat"):
        texts = sheet.texts[name]
        sheet.texts[name] = np.array(
            [text and ways[mixture[at]](text) for text, at in zip(texts, way.tolist(), strict=True)], dtype=object
        )


def _codes(sheet: Sheet) -> pa.Array:
    """For each row the damages it has, in the order of their names."""
    names = sorted(sheet.codes)
    table = np.stack([sheet.codes[name] for name in names], axis=1) if names else np.zeros((len(sheet), 0), dtype=bool)
    row, which = np.nonzero(table)
    ends = np.searchsorted(row, np.arange(len(sheet) + 1))
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(names, pa.string()).take(pa.array(which)))


def _texts(column: "pa.Array | pa.ChunkedArray") -> np.ndarray:
    """As objects, None where nothing stands."""
    return np.array(column.to_pylist(), dtype=object)


def _grouped(column: pa.ChunkedArray) -> np.ndarray:
    """The number of each row's value; a row without one is alone."""
    places = column.combine_chunks().dictionary_encode()
    at = places.indices.to_numpy(zero_copy_only=False).astype(float)
    alone = np.isnan(at)
    at[alone] = len(places.dictionary) + np.arange(int(alone.sum()))
    groups: np.ndarray = at.astype(np.int64)
    return groups
