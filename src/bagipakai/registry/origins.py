"""Where each value of one person comes from: source, set and day. Not the values, and nobody else's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.lineage import Lineage, Origin
from bagipakai.registry.releases import Release


@dataclass(frozen=True, slots=True)
class Told:
    """A variable of the person or of the household, and where its value comes from; `known`: whether there is one."""

    unit: Unit
    variable: str
    origin: Origin
    known: bool

    def to_json(self) -> dict[str, Any]:
        origin = self.origin
        return {
            "unit": self.unit.value,
            "variable": self.variable,
            "known": self.known,
            "source": origin.source,
            "set": origin.set,
            "day": origin.day.isoformat(),
        }


def origins(release: Release, storage: StorageKey, place: int) -> Iterator[Told]:
    """Of the person at this place of the release (the `registry_id` of a match), and of the household. Raises
    IndexError where nobody is, ValueError for a release that tells no lineage, Damaged."""
    lineage = Lineage.of_release(release.manifest)
    person = _row(release, storage, Unit.INDIVIDU, place)
    household = _row(release, storage, Unit.KELUARGA, person["id_keluarga"].as_py())
    for unit, row in ((Unit.INDIVIDU, person), (Unit.KELUARGA, household)):
        names = [
            one.name
            for one in release.catalogue.of_unit(unit)
            if unit is Unit.KELUARGA or Unit.KELUARGA not in one.units
        ]
        for name, origin in lineage.of_row(unit, row["lineage"].as_py(), names).items():
            yield Told(unit, name, origin, row[name].is_valid)


def _row(release: Release, storage: StorageKey, unit: Unit, place: int) -> dict[str, pa.Scalar]:
    """One row, by its place in the release. Raises IndexError."""
    first = 0
    for one in (file for file in release.files if file.unit is unit):
        if first <= place < first + one.rows:
            with release.reading(storage, unit, one.codes[:1]) as shelf, shelf.open(shelf.parts[0].path) as file:
                return _of_file(pq.ParquetFile(file), place - first)
        first += one.rows
    raise IndexError(place)


def _of_file(file: pq.ParquetFile, at: int) -> dict[str, pa.Scalar]:
    group = 0
    while at >= (rows := file.metadata.row_group(group).num_rows):
        at, group = at - rows, group + 1
    row = file.read_row_group(group).slice(at, 1)
    return {name: row[name][0] for name in row.column_names}
