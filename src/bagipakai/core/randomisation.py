"""Values that are drawn anew before they leave (post-randomisation, PRAM: Gouweleeuw, Kooiman, Willenborg and de Wolf
1998), as a manifest says it: enough for whoever reads the copy to correct for it, and nothing of what was drawn for
whom.

The matrix is invariant: with the stated probability a value stays; else it is that of any row of the same file, itself
included, between the same two thresholds. So every value is expected as often as it was. With p the share of those
that stay, and f the distribution that is read in the file itself, the chance that x is told as y is

    p·[x = y] + (1 - p)·f(y) / f(all values between the same thresholds)      0 for a y beyond a threshold

Drawing from all values alike would tell more of the rare ones than there are, and one-way tables would be wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SCHEME: Final = "pram-invariant/v1"


@dataclass(frozen=True, slots=True)
class Randomisation:
    """`keep`: which columns are drawn anew, and how many values in a hundred are not. `thresholds`: from which values
    on something else holds, by column, rising; no value crosses one. An unknown value stays unknown."""

    keep: Mapping[str, int]
    thresholds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for what is no percentage between 1 and 99, and for thresholds that do not rise."""
        if any(type(one) is not int or not 0 < one < 100 for one in self.keep.values()):
            raise ValueError("a percentage between 1 and 99 expected")
        for some in self.thresholds.values():
            if any(type(one) is not int for one in some) or list(some) != sorted(set(some)):
                raise ValueError("thresholds are whole numbers that rise")
        if not set(self.thresholds) <= set(self.keep):
            raise ValueError("thresholds of a column that is not drawn anew")

    @property
    def words(self) -> str:
        """The columns, each with its percentage."""
        return " ".join(f"{name}:{keep}" for name, keep in self.keep.items())

    def to_json(self) -> dict[str, Any]:
        columns = {
            name: {"keep_percent": keep, "thresholds": list(self.thresholds.get(name, ()))}
            for name, keep in self.keep.items()
        }
        return {"scheme": SCHEME, "columns": columns}

    @classmethod
    def from_json(cls, data: Any) -> "Randomisation":
        """Raises KeyError, TypeError, AttributeError or ValueError unless `data` is what `to_json` writes."""
        if data["scheme"] != SCHEME:
            raise ValueError("a scheme that is not known")
        columns = data["columns"].items()
        return cls(
            {name: told["keep_percent"] for name, told in columns},
            {name: tuple(told["thresholds"]) for name, told in columns},
        )
