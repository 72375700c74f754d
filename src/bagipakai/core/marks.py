"""How a copy is marked, as its manifest says it: enough to tell the marks again, without the policy of that day.

A mark is the last digit of a whole number, even or odd; so a marked value differs by at most 1 from the true one, and
lies in the same interval of its column's width (registry.disclosure.fingerprints, decision 0144).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bagipakai.core.plan import Level

SCHEME: Final = "tardos-rows/v1"
MARKED: Final = frozenset({Level.L2, Level.L3})  # rows without names; by name and address no value is ever changed


@dataclass(frozen=True, slots=True)
class Marking:
    """`columns`: which whole numbers are marked, and the width of the interval in which each value is said to lie,
    from one multiple of it to below the next: an even number, so that every even digit has its odd one there. `every`:
    one row in so many is marked, in each column. `thresholds`: from which values on something else holds, by column: no
    mark moves a value across one of them, so whatever is asked at these is answered as without marks."""

    columns: Mapping[str, int]
    every: int
    thresholds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for a width that leaves no digit free, and for what is not a number."""
        numbers = [self.every, *self.columns.values(), *(one for some in self.thresholds.values() for one in some)]
        if any(type(number) is not int for number in numbers):
            raise ValueError("a whole number expected")
        if self.every < 1 or any(width < 2 or width % 2 for width in self.columns.values()):
            raise ValueError("a rounding that leaves no digit free")
        if not set(self.thresholds) <= set(self.columns):
            raise ValueError("thresholds of a column that is not marked")

    def to_json(self) -> dict[str, Any]:
        columns = {
            name: {"width": width, "thresholds": list(self.thresholds.get(name, ()))}
            for name, width in self.columns.items()
        }
        return {"scheme": SCHEME, "every": self.every, "columns": columns}

    @classmethod
    def from_json(cls, data: Any) -> "Marking":
        """Raises KeyError, TypeError, AttributeError or ValueError unless `data` is what `to_json` writes."""
        if data["scheme"] != SCHEME:
            raise ValueError("a scheme that is not known")
        columns = data["columns"].items()
        return cls(
            {name: told["width"] for name, told in columns},
            data["every"],
            {name: tuple(told["thresholds"]) for name, told in columns},
        )
