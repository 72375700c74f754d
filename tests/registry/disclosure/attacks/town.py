"""A town whose people are drawn so that their attributes hang together, as they do in life: welfare by village,
schooling, work and savings by welfare and age, disability by age. The attackers' baselines are told of such people.
"""

import random
from collections.abc import Mapping
from typing import Any

from tests.registry import small

from bagipakai.core.plan import Unit
from bagipakai.registry.regions import regions

PLACES = 3  # districts of each regency in which anybody lives, all of a district in one village


def some_town(families: int, seed: int) -> small.Rows:
    """The rows of a release: families in few places of the three regencies."""
    dice = random.Random(seed)
    rows = small.some_rows(families, seed)
    _move(rows)
    by_family: dict[int, list[dict[str, Any]]] = {}
    for person in rows[Unit.INDIVIDU]:
        by_family.setdefault(person["id_keluarga"], []).append(person)
    for family in rows[Unit.KELUARGA]:
        _live(dice, family, by_family[family["id_keluarga"]])
    return rows


def districts(kab: str) -> list[str]:
    """The codes of those in which anybody lives."""
    return [one.code for one in regions().children(kab)[:PLACES]]


def _move(rows: small.Rows) -> None:
    """Everybody into few places of their regency; the order of release stays."""
    for kab in small.REGENCIES:
        families = [one for one in rows[Unit.KELUARGA] if one["kode_kab"] == kab]
        homes = [regions().children(code)[0] for code in districts(kab)]
        home_of = {one["id_keluarga"]: homes[at * PLACES // len(families)] for at, one in enumerate(families)}
        for unit in Unit:
            for one in rows[unit]:
                if home := home_of.get(one["id_keluarga"]):
                    district = regions()[home.code[:6]]
                    one |= {"kode_kec": district.code, "nama_kec": district.name}
                    one |= {"kode_desa": home.code, "nama_desa": home.name}


def _live(dice: random.Random, family: dict[str, Any], members: list[dict[str, Any]]) -> None:
    poor = int(family["kode_kec"][-1]) % 3
    desil = max(1, min(10, round(dice.gauss(3 + 2 * poor, 2)))) if dice.random() < 0.6 else dice.randint(1, 10)
    shared = {"desil": desil, "persentil": 10 * desil - dice.randint(0, 9)}
    family |= shared | {"jumlah_anggota_keluarga": len(members)}
    family |= {
        "memiliki_tabungan": dice.random() < desil / 11,
        "sumber_penerangan": "1" if dice.random() < 0.9 else "2",
    }
    oldest = min(97, int(dice.gauss(48, 15)) if dice.random() < 0.9 else dice.randint(70, 97))
    for at, person in enumerate(members):
        age = max(20, oldest) if at == 0 else max(19, oldest - dice.randint(-3, 6)) if at == 1 else dice.randint(0, 24)
        relation = ("1", "2", "3")[min(at, 2)]
        disabled = dice.random() < 0.015 + (0.12 if age > 65 else 0)
        schooling = max(0, min(6, round(dice.gauss(desil / 2, 1.3)))) if dice.random() < 0.5 else dice.randint(0, 6)
        told = {
            "umur": age,
            "hubungan_kepala_keluarga": relation,
            "jenis_kelamin": "1" if (at == 0) != (dice.random() < 0.15) else "2",
            "status_perkawinan": "1" if at > 1 else dice.choices("234", (8, 1, 1 + age // 40))[0],
            "ijazah_tertinggi": str(schooling),
            "penyandang_disabilitas": disabled,
            "bekerja": None if age < 5 else 18 <= age < 66 and not disabled and dice.random() < 0.8,
            "penyakit_kronis": dice.choice(["01", "02", "03"]) if dice.random() < age / 300 else "00",
        }
        person.update(shared | told)


def some_few(
    rows: small.Rows,
    name: str,
    few: Mapping[str, Mapping[Any, int]],
    usual: Any,
    unit: Unit = Unit.INDIVIDU,
    apart: bool = False,
) -> small.Rows:
    """The same town, where exactly so many of a place have these values, and who else had one has the usual one. They
    are the first of the place: whole families, or of each family one (`apart`)."""
    for code, counts in few.items():
        here = [one for one in rows[unit] if one["kode_desa"].startswith(code)]
        for one in here:
            one[name] = usual if one[name] in counts else one[name]
        chosen = list({one["id_keluarga"]: one for one in here}.values()) if apart else here
        values = [value for value, count in counts.items() for _ in range(count)]
        for one, value in zip(chosen, values, strict=False):
            one[name] = value
    return rows
