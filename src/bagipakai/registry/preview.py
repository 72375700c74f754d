"""The preview of a release: counted once, by regency and decile, and told in bands (core.preview)."""

import hmac
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.base_categories import base_categories
from bagipakai.core.disclosure import Cell
from bagipakai.core.plan import Level, Unit
from bagipakai.core.preview import DECILE, Preview, PreviewRule
from bagipakai.core.query import Count
from bagipakai.registry.engines import types_of
from bagipakai.registry.engines.choice import EMBEDDED
from bagipakai.registry.holds import Holds
from bagipakai.registry.keys import MasterKey, StorageKey
from bagipakai.registry.releases import Release

MEMORY: Final = "1GB"
_FINE: Final = 100  # an edge is moved by hundredths of a percent


def preview(
    release: Release, storage: StorageKey, master: MasterKey, holds: Holds, day: date, scratch: Path
) -> Preview:
    """The bands of every regency, of those who are counted in tables. Raises EngineError, Damaged, NoRule."""
    rule, cells = PreviewRule.on(day), Cells(master)
    bands = {}
    for unit in Unit:
        spill, held = scratch / f"{unit}-spill", scratch / f"{unit}-held"
        for one in (spill, held):
            one.mkdir(mode=0o700)
        absent = holds.absent(release, Level.L1, unit, day, held)
        query, types = Count(unit.value, ("kode_kab", DECILE), None, ()), types_of(release.catalogue, unit.value)
        with EMBEDDED.reading(release, storage, unit, (), spill, memory_limit=MEMORY) as (engine, parts):
            counts = engine.count(query, parts, types, enough=1, absent=absent, largest=release.most_members)
        bands[unit.value] = cells.banded(unit, counts, release, rule)
    return Preview(rule.edges, bands)


class Cells:
    """In which band a count lies. The edges of a cell are its own, and the same in every release: otherwise four
    releases a year would tell them."""

    def __init__(self, master: MasterKey) -> None:
        info = b"bagipakai preview edges/v1"
        self._key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master.raw)

    def banded(
        self, unit: Unit, counts: Iterable[Cell], release: Release, rule: PreviewRule
    ) -> Mapping[str, tuple[int, ...]]:
        """Each regency that anybody lives in: the unknown decile, then the others."""
        dimension = base_categories(release.catalogue[DECILE])
        places = {row[DECILE]: at.bit_length() - 1 for at, row in dimension.pieces()} if dimension else {}
        found: dict[str, dict[int, int]] = {}
        for cell in counts:
            regency, at = str(cell.key[0]), places[cell.key[1]]
            count = cell.families if unit is Unit.KELUARGA else cell.persons
            found.setdefault(regency, {})[at] = self.band(count, unit, regency, at, rule)
        return {code: tuple(row.get(at, 0) for at in range(len(places))) for code, row in sorted(found.items())}

    def band(self, count: int, unit: Unit, regency: str, at: int, rule: PreviewRule) -> int:
        """The last one is never reached: its edge is more than all people."""
        return sum(count >= self._edge(edge, f"{unit.value}/{regency}/{at}", rule.blur) for edge in rule.edges[:-1])

    def _edge(self, edge: int, cell: str, blur: int) -> float:
        """An edge as it is for this cell."""
        drawn = int.from_bytes(hmac.digest(self._key, f"{cell}/{edge}".encode(), "sha256")[:8])
        moved = drawn % (2 * blur * _FINE + 1) - blur * _FINE
        return edge * (100 * _FINE + moved) / (100 * _FINE)
