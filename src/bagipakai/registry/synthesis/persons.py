"""Who belongs to a family, and what is drawn for each person."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from bagipakai.core.variables import Catalogue
from bagipakai.registry.synthesis.calendar import Calendar, calendar
from bagipakai.registry.synthesis.columns import Wholes, finish
from bagipakai.registry.synthesis.dice import NONE, Dice, Wheel, between
from bagipakai.registry.synthesis.families import Families, missing_rate
from bagipakai.registry.synthesis.names import MAN, WOMAN
from bagipakai.registry.synthesis.nation import numbers

# Relations to the head, as places in the code list.
HEAD, SPOUSE, CHILD, IN_LAW, GRANDCHILD, PARENT, KIN, OTHER = range(8)
_NEVER, _MARRIED = 0, 1
_SIX_FUNCTIONS = (
    "gangguan_penglihatan",
    "gangguan_pendengaran",
    "gangguan_berjalan",
    "gangguan_mengingat",
    "gangguan_merawat_diri",
    "gangguan_berkomunikasi",
)


@dataclass(frozen=True)
class Members:
    """The persons of some families, family by family, the head first; all arrays have one element a person."""

    family: np.ndarray  # place in the families
    sex: np.ndarray
    relation: np.ndarray
    alone: np.ndarray  # a head without a spouse
    born: np.ndarray  # place in the calendar
    age: np.ndarray
    old_date: np.ndarray  # the NIK keeps 1 January though the date was corrected

    def __len__(self) -> int:
        return len(self.family)


def members(families: Families, dice: Dice) -> Members:
    """Everybody in `families`, with sex, relation and day of birth."""
    size, f = families.size, len(families)
    family = np.repeat(np.arange(f), size)
    place = np.arange(len(family)) - np.repeat(np.cumsum(size) - size, size)
    home = numbers()["household"]

    couple = (size > 1) & dice.chance(f, home["couple"])
    woman = ~couple & dice.chance(f, np.where(size == 1, *home["woman_heads"]))
    head_age = 20 + 5 * _ages().spin(dice, np.minimum(size, 5) - 1).astype(np.int64) + dice.below(f, 5)
    younger = _single("household", "spouse_younger").spin(dice, np.zeros(f)).astype(np.int64) - 3
    spouse_age = np.maximum(head_age - younger, 17)
    mother_age = np.where(couple, spouse_age, np.where(woman, head_age, head_age - 3))

    band = np.digitize(head_age, (30, 45, 60))
    relation = _others().spin(dice, band[family]).astype(np.int64) + CHILD
    relation[place == 0] = HEAD
    relation[(place == 1) & couple[family]] = SPOUSE
    ages = _child_ages(mother_age[family], place - 1 - couple[family], dice)
    ages = _other_ages(ages, relation, head_age[family], spouse_age[family], dice)

    sex = np.where(dice.chance(len(family), home["boys"]), MAN, WOMAN)
    sex = np.where(relation == PARENT, np.where(dice.chance(len(family), home["fathers"]), MAN, WOMAN), sex)
    sex = np.where(relation == HEAD, np.where(woman[family], WOMAN, MAN), sex)
    sex[relation == SPOUSE] = WOMAN

    days = calendar(numbers()["reference_day"])
    true_born = np.maximum(days.last - ages * 1461 // 4 - dice.below(len(family), 365), 0)
    born, old_date = _defects(true_born, ages, days, dice)
    alone = (relation == HEAD) & ~couple[family]
    return Members(family, sex, relation, alone, born, days.age[born], old_date)


def _child_ages(mother: np.ndarray, order: np.ndarray, dice: Dice) -> np.ndarray:
    """Elder children first, three years apart; a mother is 17 to 45 at a birth; most grown children have moved out."""
    n = len(mother)
    age = mother - 20 - dice.below(n, 11) - 3 * order
    age = np.where(age < 0, dice.below(n, np.maximum(mother - 16, 1)), age)
    stays = (age > 22) & dice.chance(n, 600)
    age = np.where(stays, dice.below(n, 23), age)
    return np.clip(age, np.maximum(mother - 45, 0), np.maximum(mother - 16, 0))


def _other_ages(ages: np.ndarray, relation: np.ndarray, head: np.ndarray, spouse: np.ndarray, dice: Dice) -> np.ndarray:
    n = len(ages)
    some = dice.below(n, 20)
    grandchild = np.where(head > 52, np.clip(head - 46 - some, 0, 25), some % 9)
    return np.select(
        [
            relation == HEAD,
            relation == SPOUSE,
            relation == IN_LAW,
            relation == GRANDCHILD,
            relation == PARENT,
            relation >= KIN,
        ],
        [
            head,
            spouse,
            20 + some,
            np.where(grandchild > 0, grandchild, some % 8),
            np.minimum(head + 19 + some, 99),
            5 + 3 * some,
        ],
        ages,
    )


def _defects(born: np.ndarray, ages: np.ndarray, days: Calendar, dice: Dice) -> tuple[np.ndarray, np.ndarray]:
    n, rate = len(born), numbers()["defect"]
    guessed = dice.chance(n, np.where(ages > 50, rate["born_first_of_january_over_50"], rate["born_first_of_january"]))
    kept = ~guessed & dice.chance(n, rate["nik_keeps_old_date"])
    return np.where(guessed, days.january[born], born), kept


def drawn_columns(
    people: Members, families: Families, *, insurance: np.ndarray, has_nik: np.ndarray, catalogue: Catalogue, dice: Dice
) -> dict[str, pa.Array]:
    """All columns of individu but NIK, name, birth place and what comes from the family."""
    n, age, tenth = len(people), people.age, families.tenth[people.family]
    unknown_birth = _absent("tanggal_lahir", n, dice)
    days = calendar(numbers()["reference_day"])
    drawn: dict[str, np.ndarray | Wholes] = {
        "tanggal_lahir": Wholes(days.epoch[people.born], unknown_birth),
        "umur": Wholes(age, unknown_birth),
        "jenis_kelamin": people.sex,
        "hubungan_kepala_keluarga": people.relation,
    }
    married = _marital(people, dice)
    drawn["status_perkawinan"] = np.where(_absent("status_perkawinan", n, dice), NONE, married)
    certificates = np.array(_poorest_to_richest("other", "birth_certificate"))  # [child or adult, tenth]
    drawn["memiliki_akta_lahir"] = _maybe(
        dice.chance(n, certificates[(age >= 18).astype(int), tenth]), "memiliki_akta_lahir", dice
    )
    drawn["status_padan"] = np.where(has_nik, _single("other", "matched").spin(dice, np.zeros(n)), 2)
    school, pupil = _school(age, tenth, families.urban[people.family], dice)
    drawn |= school
    drawn |= _work(people, pupil, tenth, families.urban[people.family], dice)
    drawn |= _health(people, married, tenth, dice)
    drawn |= _protection(drawn, people, pupil=pupil, tenth=tenth, insurance=insurance, dice=dice)
    return finish(drawn, catalogue)


def _marital(people: Members, dice: Dice) -> np.ndarray:
    row = np.select(
        [
            people.alone & (people.sex == MAN),
            people.alone,
            people.relation == CHILD,
            people.relation == IN_LAW,
            people.relation == PARENT,
        ],
        [0, 1, 2, 3, 4],
        5,
    )
    drawn = _marital_wheel().spin(dice, row * 4 + np.digitize(people.age, (19, 25, 40)))
    drawn[people.relation == GRANDCHILD] = _NEVER
    drawn[(people.relation == SPOUSE) | ((people.relation == HEAD) & ~people.alone)] = _MARRIED
    return drawn


def _school(
    age: np.ndarray, tenth: np.ndarray, urban: np.ndarray, dice: Dice
) -> tuple[dict[str, "np.ndarray | Wholes"], np.ndarray]:
    """Participation, level, grade and certificate; and who is at school."""
    n = len(age)
    goal = _schooling().spin(dice, np.digitize(age, (30, 45, 60)) * 20 + tenth * 2 + urban).astype(np.int64)
    possible = np.digitize(age, (12, 15, 18, 21, 22, 25))  # the certificate that a person of this age can have
    held = np.minimum(goal, possible)
    held = np.where((held == 4) & (goal > 4), 3, held)  # on the way to a bachelor's degree there is no diploma
    young = (age >= 7) & (age < 12)
    pupil = (young & dice.chance(n, 985)) | ((age >= 12) & (age < 26) & (held < goal))
    pupil |= (age == 6) & dice.chance(n, 350)
    ahead = np.select([held < 3, held == 3], [held + 1, np.where(goal == 4, 4, 5)], 6)
    level = np.where(pupil, ahead, held)  # 1 is primary; 0 is none
    dropped = (level == 0) & (age >= 12) & dice.chance(n, 600)
    level = np.where(dropped, 1, level)
    begins = np.array([0, 7, 12, 15, 18, 18, 22])[level]
    longest = np.array([1, 6, 3, 3, 3, 4, 2])[level]
    grade = np.where(pupil, np.clip(age - begins + 1, 1, longest), np.where(dropped, 1 + dice.below(n, 5), 8))
    none_yet = age < 5
    participation = np.where(pupil, 1, np.where(level > 0, 2, 0))
    hidden = none_yet | _absent("partisipasi_sekolah", n, dice)
    never = hidden | (level == 0)
    return {
        "partisipasi_sekolah": np.where(hidden, NONE, participation),
        "jenjang_pendidikan": np.where(never, NONE, level - 1),
        "kelas_tertinggi": Wholes(grade, never),
        "ijazah_tertinggi": np.where(none_yet | _absent("ijazah_tertinggi", n, dice), NONE, held),
    }, pupil


def _work(
    people: Members, pupil: np.ndarray, tenth: np.ndarray, urban: np.ndarray, dice: Dice
) -> dict[str, "np.ndarray | Wholes"]:
    n, age, rule = len(people), people.age, numbers()["work"]
    band = np.where(pupil, 6, np.digitize(age, (15, 19, 25, 55, 65)))
    band = np.where(band == 6, 6, band)
    rates = np.array([rule["men"], rule["women"]])
    works = (age >= 10) & dice.chance(n, rates[people.sex, band])
    told = (age >= 10) & ~_absent("bekerja", n, dice)
    works &= told
    industry = _tenths("work", "industry_rural", "industry_urban").spin(dice, tenth * 2 + urban)
    status = _tenths("work", "status_other", "status_farm").spin(dice, tenth * 2 + (industry == 0))
    owner = works & (status < 3)
    owner |= works & (status == 3) & dice.chance(n, 25)
    turnover = _tenths("work", "turnover").spin(dice, tenth)
    hours = 1 + 8 * _single("work", "hours").spin(dice, np.zeros(n)).astype(np.int64) + dice.below(n, 8)
    formal = (status == 3) | (status == 4)
    insured = dice.chance(n, np.where(formal, *rule["insured"]))
    account = dice.chance(n, np.array(_poorest_to_richest("work", "account"))[0, tenth])
    return {
        "bekerja": np.where(told, works, NONE),
        "lapangan_usaha": np.where(works & ~_absent("lapangan_usaha", n, dice), industry, NONE),
        "kedudukan_pekerjaan": np.where(works & ~_absent("kedudukan_pekerjaan", n, dice), status, NONE),
        "jam_kerja": Wholes(hours, ~works | _absent("jam_kerja", n, dice)),
        "memiliki_usaha": np.where(told, owner, NONE),
        "omzet_usaha": np.where(owner & ~_absent("omzet_usaha", n, dice), turnover, NONE),
        "memiliki_rekening": np.where((age >= 17) & ~_absent("memiliki_rekening", n, dice), account, NONE),
        "jaminan_ketenagakerjaan": np.where(works & ~_absent("jaminan_ketenagakerjaan", n, dice), insured, NONE),
    }


def _health(people: Members, married: np.ndarray, tenth: np.ndarray, dice: Dice) -> dict[str, "np.ndarray | Wholes"]:
    n, age = len(people), people.age
    band = np.digitize(age, (18, 45, 60, 75))
    drawn: dict[str, np.ndarray | Wholes] = {}
    disabled, known = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for name in (*_SIX_FUNCTIONS, "gangguan_depresi"):
        level = _rows("health", name, missing_rate(name)).spin(dice, band)
        level[age < 2] = NONE
        drawn[name] = level
        if name in _SIX_FUNCTIONS:
            disabled |= (level == 2) | (level == 3)
            known |= level != NONE
    drawn["penyandang_disabilitas"] = np.where(known, disabled, NONE)
    sick = _rows("health", "penyakit_kronis", missing_rate("penyakit_kronis"))
    drawn["penyakit_kronis"] = sick.spin(dice, np.digitize(age, (18, 40, 60)))
    grown = _tenths("health", "status_gizi", missing=missing_rate("status_gizi")).spin(dice, tenth)
    drawn["status_gizi"] = np.where(age < 5, grown, NONE)
    fertile = (people.sex == WOMAN) & (age >= 10) & (age < 55)
    rates = np.array(numbers()["health"]["pregnant"])
    rate = rates[np.where(married == _MARRIED, 1 + np.digitize(age, (20, 35, 45)), 0)]
    drawn["sedang_hamil"] = np.where(fertile, _maybe(dice.chance(n, rate), "sedang_hamil", dice), NONE)
    return drawn


def _protection(
    drawn: "dict[str, np.ndarray | Wholes]",
    people: Members,
    *,
    pupil: np.ndarray,
    tenth: np.ndarray,
    insurance: np.ndarray,
    dice: Dice,
) -> dict[str, "np.ndarray | Wholes"]:
    n = len(people)
    own = dice.below(n, 5).astype(np.uint8)
    kind = np.where(dice.chance(n, numbers()["health"]["differs"]), own, insurance[people.family])
    kind = np.where(_absent("jaminan_kesehatan", n, dice), NONE, kind)
    pip = dice.chance(n, np.array(_poorest_to_richest("other", "pip"))[0, tenth])
    entitled = (people.age >= 65) | (drawn["penyandang_disabilitas"] == 1)
    atensi = entitled & dice.chance(n, np.array(_poorest_to_richest("other", "atensi"))[0, tenth])
    return {
        "jaminan_kesehatan": kind,
        "peserta_pbi": np.where(kind == NONE, NONE, kind == 1),
        "penerima_pip": np.where(pupil, _maybe(pip, "penerima_pip", dice), NONE),
        "penerima_atensi": _maybe(atensi, "penerima_atensi", dice),
    }


def _absent(name: str, n: int, dice: Dice) -> np.ndarray:
    return dice.chance(n, missing_rate(name))


def _maybe(answer: np.ndarray, name: str, dice: Dice) -> np.ndarray:
    return np.where(_absent(name, len(answer), dice), NONE, answer)


@lru_cache(maxsize=64)
def _single(section: str, name: str) -> Wheel:
    return Wheel([numbers()[section][name]])


@lru_cache(maxsize=64)
def _rows(section: str, name: str, missing: int) -> Wheel:
    return Wheel(numbers()[section][name], missing)


@lru_cache(maxsize=64)
def _tenths(section: str, *names: str, missing: int = 0) -> Wheel:
    """A cell for each tenth and each of the tables in `names`, in this order."""
    tables = [between(*numbers()[section][name]) for name in names]
    return Wheel([table[tenth] for tenth in range(10) for table in tables], missing)


@lru_cache(maxsize=64)
def _poorest_to_richest(section: str, name: str) -> list[list[int]]:
    """Rates per thousand for each tenth; one row for each pair of rates."""
    rates = numbers()[section][name]
    pairs = rates if isinstance(rates[0], list) else [rates]
    return [[low + (high - low) * tenth // 9 for tenth in range(10)] for low, high in pairs]


@lru_cache(maxsize=1)
def _ages() -> Wheel:
    return Wheel(numbers()["household"]["head_age"])


@lru_cache(maxsize=1)
def _others() -> Wheel:
    return Wheel(numbers()["household"]["others"])


@lru_cache(maxsize=1)
def _marital_wheel() -> Wheel:
    rows = ("lone_man", "lone_woman", "child", "in_law", "parent", "kin")
    return Wheel([band for row in rows for band in numbers()["marital"][row]])


@lru_cache(maxsize=1)
def _schooling() -> Wheel:
    """By age band, tenth, and rural or urban."""
    cells = []
    for rural, urban in zip(numbers()["schooling"]["rural"], numbers()["schooling"]["urban"], strict=True):
        slow, fast = between(*rural), between(*urban)
        cells += [weights for tenth in range(10) for weights in (slow[tenth], fast[tenth])]
    return Wheel(cells)
