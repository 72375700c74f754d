"""What is drawn for each family: its house, its goods, its money, the programmes it receives.

The tenth of the family (0 is the poorest) and whether its village is urban decide nearly everything, so that deciles,
houses, goods and schooling go together. A family that is not ranked has a tenth all the same; it is only not recorded.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa

from bagipakai.core.variables import Catalogue
from bagipakai.registry.synthesis.columns import Wholes, digits, finish, without
from bagipakai.registry.synthesis.dice import NONE, Dice, Wheel, between
from bagipakai.registry.synthesis.nation import numbers

REGIONS_WITH_TILES = {"jawa", "sunda", "betawi", "bali"}
_PLN_STEP, _PLN_RANGE = 3_141_592_653, 10**10  # without a common divisor: each family has its own number
_DERIVED = {"jaminan_kesehatan"}  # drawn for the family, recorded with the members


@dataclass(frozen=True)
class Families:
    """Some families of one regency, in release order; all arrays have one element a family."""

    number: np.ndarray  # national ordinal
    size: np.ndarray
    first: np.ndarray  # national ordinal of the first member
    village: np.ndarray  # place in the regency's list of villages
    urban: np.ndarray
    rank: np.ndarray  # national, 1 is the poorest
    hundredth: np.ndarray  # from 0, the poorest
    card: np.ndarray  # nomor_kk as a number

    def __len__(self) -> int:
        return len(self.number)

    def between(self, start: int, end: int) -> "Families":
        """Some of them, with numbers wide enough to reckon with."""
        columns = (getattr(self, field)[start:end] for field in self.__dataclass_fields__)
        return Families(*(column if column.dtype == bool else column.astype(np.int64) for column in columns))

    @property
    def tenth(self) -> np.ndarray:
        """From 0, the poorest."""
        return np.asarray(self.hundredth // 10)

    @property
    def cell(self) -> np.ndarray:
        """Tenth and kind of village in one number from 0 to 19."""
        return np.asarray(self.tenth * 2 + self.urban)


def drawn_columns(
    families: Families, region: str, province: int, catalogue: Catalogue, dice: Dice
) -> tuple[dict[str, pa.Array], np.ndarray]:
    """All columns of keluarga but places, addresses and the head's name; and the family's kind of health insurance.

    `region` is the region of names, `province` its code as a number.
    """
    n, drawn = len(families), _houses(families, region, catalogue, dice)
    insurance = _wheel("jaminan_kesehatan", region, 0).spin(dice, families.cell)
    drawn |= {name: _flag(name, _missing(name, catalogue)).spin(dice, families.cell) for name in numbers()["flag"]}
    drawn["penerima_subsidi_listrik"] = _subsidised(drawn, families, dice)
    amounts = _animals(families, region, dice) | _amounts(drawn["lahan_lain"], families, dice)
    unranked = _absent("desil", n, dice)
    amounts |= {
        "desil": Wholes(families.tenth + 1, unranked),
        "persentil": Wholes(families.hundredth + 1, unranked),
        "peringkat": Wholes(families.rank, unranked),
        "jumlah_anggota_keluarga": Wholes(families.size),
        "klasifikasi_wilayah": np.where(families.urban, 0, 1),
        "tanggal_pemutakhiran": Wholes(_epoch(numbers()["reference_day"]) - dice.below(n, 700)),
    }
    made = finish(drawn | amounts, catalogue)
    made["nomor_kk"] = without(digits(families.card, 16), _absent("nomor_kk", n, dice))
    customer = province * _PLN_RANGE + (families.number * _PLN_STEP + province) % _PLN_RANGE
    no_meter = drawn["sumber_penerangan"] != 0
    made["id_pln"] = without(digits(customer, 12), no_meter | _absent("id_pln", n, dice))
    return made, insurance


def _houses(families: Families, region: str, catalogue: Catalogue, dice: Dice) -> dict[str, np.ndarray]:
    drawn = {
        name: _wheel(name, region, _missing(name, catalogue)).spin(dice, families.cell)
        for name in numbers()["family"]
        if name not in _DERIVED
    }
    drawn["bukti_kepemilikan"][drawn["status_bangunan"] != 0] = NONE  # only of one's own house
    drawn["daya_listrik"][drawn["sumber_penerangan"] != 0] = NONE
    no_toilet = (drawn["fasilitas_bab"] == 3) | (drawn["fasilitas_bab"] == NONE)
    drawn["jenis_kloset"][no_toilet] = NONE
    drawn["pembuangan_tinja"][no_toilet] = NONE
    return drawn


def _subsidised(drawn: dict[str, np.ndarray], families: Families, dice: Dice) -> np.ndarray:
    power = drawn["daya_listrik"]
    given = (power == 0) | ((power == 1) & (families.tenth < 4) & dice.chance(len(families), 850))
    return np.where(_absent("penerima_subsidi_listrik", len(families), dice), NONE, given)


def _animals(families: Families, region: str, dice: Dice) -> dict[str, "np.ndarray | Wholes"]:
    found: dict[str, np.ndarray | Wholes] = {}
    for name, rule in numbers()["animals"].items():
        if name == "pigs":
            continue
        keep = numbers()["animals"]["pigs"].get(region, rule["keep"]) if name == "ternak_babi" else rule["keep"]
        n = len(families)
        keeps = dice.chance(n, np.where(families.urban, *keep))
        found[name] = Wholes(keeps * (1 + dice.below(n, rule["most"])), _absent(name, n, dice))
    return found


def _amounts(has_land: np.ndarray, families: Families, dice: Dice) -> dict[str, "np.ndarray | Wholes"]:
    n, tenth = len(families), families.tenth
    floor = 18 + 3 * tenth + dice.below(n, 22 + 9 * tenth) + np.where(families.urban, 0, 6)
    poorest, richest = numbers()["other"]["farm_land"]
    farms = (has_land == 1) & ~families.urban & dice.chance(n, poorest + (richest - poorest) * tenth // 9)
    borders = np.array(numbers()["spending"]["borders"])
    step = (families.hundredth % 10) * 1000 + dice.below(n, 1000)  # of ten thousand, within the tenth
    spending = borders[tenth] + (borders[tenth + 1] - borders[tenth]) * step // 10_000
    return {
        "luas_lantai": Wholes(floor, _absent("luas_lantai", n, dice)),
        "luas_lahan_pertanian": Wholes(
            farms * (1 + dice.below(n, 12 + 8 * tenth)) * 250, _absent("luas_lahan_pertanian", n, dice)
        ),
        "pengeluaran_per_kapita": Wholes(spending * 1000, _absent("pengeluaran_per_kapita", n, dice)),
    }


def missing_rate(name: str) -> int:
    """How many of a thousand values are not recorded."""
    return int(numbers()["missing"].get(name, numbers()["missing"]["default"]))


def _missing(name: str, catalogue: Catalogue) -> int:
    return 0 if catalogue[name].required else missing_rate(name)


def _absent(name: str, n: int, dice: Dice) -> np.ndarray:
    return dice.chance(n, missing_rate(name))


@lru_cache(maxsize=256)
def _wheel(name: str, region: str, missing: int) -> Wheel:
    table = numbers()["family"][name]
    if region in REGIONS_WITH_TILES:
        table = table.get("java", table)
    table = table.get(region, table)
    rural, urban = between(*table["rural"]), between(*table["urban"])
    return Wheel([weights for tenth in range(10) for weights in (rural[tenth], urban[tenth])], missing)


@lru_cache(maxsize=64)
def _flag(name: str, missing: int) -> Wheel:
    urban_poor, urban_rich, rural_poor, rural_rich = numbers()["flag"][name]
    rural, urban = (
        between([1000 - low, low], [1000 - high, high])
        for low, high in ((rural_poor, rural_rich), (urban_poor, urban_rich))
    )
    return Wheel([weights for tenth in range(10) for weights in (rural[tenth], urban[tenth])], missing)


def _epoch(day: date) -> int:
    return (day - date(1970, 1, 1)).days
