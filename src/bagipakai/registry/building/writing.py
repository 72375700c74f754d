"""Decided rows laid by the regency in which they are now, and written as the files of a data set."""

from collections import defaultdict
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.building.deciding import Columns, Decided
from bagipakai.registry.building.stretches import spans
from bagipakai.registry.datasets import Table, Written
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.keys import mix
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.regions import regions
from bagipakai.registry.shares import Shares
from bagipakai.registry.tables import ROW_GROUP, schema

NUMBER: Final = "number"  # of the household
_GIVEN: Final = ("id_keluarga", "first_ordinal", "person_ordinal", "member_count")  # when all are known


class Spill:
    """Rows of both tables, sealed in `aside` until all households are known: by regency, and those of a `large` one by
    district."""

    def __init__(self, aside: IO[bytes], catalogue: Catalogue, large: Collection[str]) -> None:
        self._catalogue, self._large = catalogue, pa.array(sorted(large), pa.string())
        self._laid = {unit: defaultdict[str, Shares](lambda: Shares(aside, 1)) for unit in Unit}
        self._columns = {unit: [name for name in schema(unit, catalogue).names if name not in _GIVEN] for unit in Unit}

    def add(self, decided: Decided, household: Numbers) -> None:
        """Households of these numbers, and their persons."""
        families = {name: decided.families[name] for name in self._columns[Unit.KELUARGA]}
        families |= {
            NUMBER: pa.array(household),
            "stays": pa.array(decided.stays),
            "order": pa.array(decided.order),
        }
        persons = {name: decided.persons[name] for name in self._columns[Unit.INDIVIDU]}
        persons[NUMBER] = pa.array(household[decided.whose])
        kab, district = families["kode_kab"], pc.utf8_slice_codeunits(families["kode_desa"], 0, 6)
        within = pc.if_else(pc.is_in(kab, self._large), district, "")
        places = pc.binary_join_element_wise(kab, within, "/").dictionary_encode()
        names, of_family = places.dictionary.to_pylist(), places.indices.to_numpy()
        for unit, columns, at in (
            (Unit.KELUARGA, families, of_family),
            (Unit.INDIVIDU, persons, of_family[decided.whose]),
        ):
            whole, order = pa.table(columns), np.argsort(at, kind="stable")
            for start, end in spans(at[order]):
                self._laid[unit][names[at[order[start]]]].add(whole.take(pa.array(order[start:end])))

    def write(self, folder: Path, told: Callable[[int], object]) -> dict[str, Written]:
        """Every file of the data set, by its path. Raises OSError."""
        files: dict[str, Written] = {}
        family = person = 0
        for kab in everywhere():
            tables = {unit: Table(unit, kab, self._catalogue, folder) for unit in (Unit.KELUARGA, Unit.INDIVIDU)}
            for place in sorted(name for name in self._laid[Unit.KELUARGA] if name.startswith(f"{kab}/")):
                families, persons = self._in_order(place, family, person)
                for table, rows in zip(tables.values(), (families, persons), strict=True):
                    for at in range(0, len(rows["lineage"]), ROW_GROUP):
                        table.write({name: values.slice(at, ROW_GROUP) for name, values in rows.items()})
                family, person = family + len(families["lineage"]), person + len(persons["lineage"])
                told(len(persons["lineage"]))
            files |= {written.path: written for written in (table.close() for table in tables.values())}
        return files

    def _in_order(self, place: str, family: int, person: int) -> tuple[Columns, Columns]:
        """Both tables of a regency or district, from these numbers on: by village, and in it as they stood; who came
        stands between the others, where nobody can tell that they came."""
        families, persons = (self._whole(unit, place) for unit in (Unit.KELUARGA, Unit.INDIVIDU))
        household = families.pop(NUMBER).to_numpy()
        stays, order = families.pop("stays").to_numpy(zero_copy_only=False), families.pop("order").to_numpy()
        turns = _order(families["kode_desa"], household, stays, order)
        at = np.empty(len(turns), np.int64)
        at[turns] = np.arange(len(turns))
        by_number = np.argsort(household)
        of_person = by_number[np.searchsorted(household[by_number], persons.pop(NUMBER).to_numpy())]
        turn = np.argsort(at[of_person], kind="stable")
        families = {name: values.take(pa.array(turns)) for name, values in families.items()}
        persons = {name: values.take(pa.array(turn)) for name, values in persons.items()}
        size = np.bincount(of_person, minlength=len(turns))[turns]
        numbers = family + np.arange(len(turns))
        families["id_keluarga"] = pa.array(numbers)
        families["first_ordinal"] = pa.array(person + np.cumsum(size) - size)
        families["member_count"] = pa.array(size.astype(np.int32))
        persons["id_keluarga"] = pa.array(np.repeat(numbers, size))
        persons["person_ordinal"] = pa.array(person + np.arange(len(turn)))
        return families, persons

    def _whole(self, unit: Unit, place: str) -> Columns:
        rows = self._laid[unit][place][0]
        return {name: rows[name].combine_chunks() for name in rows.column_names}


def everywhere() -> list[str]:
    """Every regency, each of which has its files."""
    return sorted(region.code for region in regions().at_level(2))


def _order(village: pa.Array, household: Numbers, stays: Numbers, before: Numbers) -> Numbers:
    """Places of the households in their new order: villages by code; those who stayed as they stood, and each who came
    before one of them that its number tells, or behind the last."""
    names = village.dictionary_encode()
    ranks = np.argsort(np.argsort(np.array(names.dictionary.to_pylist(), dtype="U10")))
    code = ranks[names.indices.to_numpy()] if len(village) else np.zeros(0, np.int64)
    place = np.zeros(len(household), np.int64)
    stood = np.flatnonzero(stays)
    stood = stood[np.lexsort((before[stood], code[stood]))]
    begins = firsts(code[stood])
    many = np.diff(np.append(begins, len(stood)))
    place[stood] = 2 * (np.arange(len(stood)) - np.repeat(begins, many)) + 1
    among = np.zeros(int(code.max(initial=-1)) + 1, np.int64)
    among[code[stood][begins]] = many
    came = np.flatnonzero(~stays)
    chance = mix(household.astype(np.uint64))
    place[came] = 2 * (chance[came] % (among[code[came]] + 1).astype(np.uint64)).astype(np.int64)
    found: Numbers = np.lexsort((chance, place, code))
    return found
