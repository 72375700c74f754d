"""About how many persons or families an area and a population choose, told while somebody is still asking.

The registry counts each release once, by regency and decile, and tells the office for each cell in which band its count
lies; never a count. All that a page says follows from these bands, so that asking often, or with other words, tells
nothing more. Bands begin *about* at their edge: the registry moves each edge of each cell by up to `blur` percent, by a
secret that stays over releases, so that who knows all but one of a cell does not know on which side of the edge that
one stands (decision 0145).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

from bagipakai.core.base_categories import base_categories
from bagipakai.core.boxes import boxes
from bagipakai.core.plan import Unit
from bagipakai.core.policy import rules
from bagipakai.core.query import And, Predicate, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue

DECILE: Final = "desil"
_REGENCY: Final = 4  # digits of its code
_FIGURES: Final = 2  # of a number that is told


@dataclass(frozen=True, slots=True)
class PreviewRule:
    """Where bands begin, from the first one above nothing, and by how many percent an edge is moved at most."""

    edges: tuple[int, ...]
    blur: int

    @classmethod
    def on(cls, day: date) -> "PreviewRule":
        """Raises NoRule where no rule is in force: then nothing is told."""
        rule = rules("disclosure", "preview").on(day)
        return cls(tuple(map(int, rule["edges"])), int(rule["blur_percent"]))


@dataclass(frozen=True, slots=True)
class Preview:
    """The bands of a release. `bands`: unit → regency → the band of those whose decile is not known, then of each
    decile. Band 0 begins at nobody, band n at `edges[n - 1]`; where each ends the next begins."""

    edges: tuple[int, ...]
    bands: Mapping[str, Mapping[str, tuple[int, ...]]]

    def to_json(self) -> dict[str, Any]:
        told = {unit: {code: list(row) for code, row in cells.items()} for unit, cells in self.bands.items()}
        return {"edges": list(self.edges), "bands": told}

    @classmethod
    def from_json(cls, data: Any) -> "Preview":
        """Raises ValueError unless `data` is what `to_json` writes."""
        try:
            edges = tuple(map(_count, data["edges"]))
            bands = {
                Unit(unit).value: {str(code): tuple(map(_count, row)) for code, row in cells.items()}
                for unit, cells in data["bands"].items()
            }
            rows = [row for cells in bands.values() for row in cells.values()]
            if (
                set(data) != {"edges", "bands"}
                or not edges
                or any(one >= other for one, other in pairwise((0, *edges)))
            ):
                raise ValueError
            if len({len(row) for row in rows}) > 1 or any(band >= len(edges) for row in rows for band in row):
                raise ValueError
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValueError("not a preview") from None
        return cls(edges, bands)


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many: from `low` to `high`. 0 to `high` where only the most is known."""

    low: int
    high: int


def estimate(
    preview: Preview, unit: Unit, area: Iterable[str], population: Predicate | None, catalogue: Catalogue
) -> Estimate | None:
    """Of whom is chosen; None where the preview knows nothing of it. `area`: region codes, none for the nation. What a
    decile does not decide, or lies in places smaller than a regency, can only be fewer: then the most is told."""
    wanted, codes = list(_parts(population)), tuple(area)
    chosen = [part for part in wanted if set(columns_of(part)) == {DECILE}]
    deciles = _deciles(chosen, catalogue)
    exact = len(chosen) == len(wanted) and all(len(code) <= _REGENCY for code in codes)
    places = {code[:_REGENCY] for code in codes}
    cells = [
        row[at]
        for code, row in preview.bands.get(unit.value, {}).items()
        for at in deciles
        if at < len(row) and (not codes or any(code.startswith(place) for place in places))
    ]
    if not cells:
        return None
    begins = (0, *preview.edges)
    low, high = sum(begins[band] for band in cells), sum(preview.edges[band] for band in cells)
    return Estimate(_rounded(low) if exact else 0, _rounded(high, up=True))


def _parts(population: Predicate | None) -> Iterator[Predicate]:
    """What must all be true."""
    match population:
        case None:
            return
        case And(parts):
            for part in parts:
                yield from _parts(part)
        case _:
            yield population


def _deciles(parts: list[Predicate], catalogue: Catalogue) -> list[int]:
    """The places in a row of bands that these conditions choose."""
    dimension = base_categories(catalogue[DECILE])
    if dimension is None:
        return []
    found = boxes(And(tuple(parts)) if parts else None, [dimension], most=1)
    if isinstance(found, Refusal) or not found.boxes:
        return []
    mask = dict(found.boxes[0].masks).get(DECILE, dimension.full)
    return [at for at in range(mask.bit_length()) if mask >> at & 1]


def _rounded(number: int, up: bool = False) -> int:
    """To two figures: what is known about is not told to the last digit."""
    unit: int = 10 ** max(0, len(str(number)) - _FIGURES)
    return -(-number // unit) * unit if up else number // unit * unit


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value
