"""Where each value of a release comes from.

A variable has one source, under one version of that source's contract. A value has, besides, the day on which the
source last told it; that differs from row to row, but only a few combinations of days occur. So each row carries one
small number, in the registry's own column `lineage`, and the manifest lists what the numbers mean: source → day, for
all variables of that source. The column never leaves (decision 0097).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue

Days = Mapping[str, date]  # source → the day on which it last told its variables of a row


@dataclass(frozen=True, slots=True)
class Source:
    """Who told the values of some variables, under which version of its contract, and until which day."""

    id: str
    name: str
    contract: str
    day: date


@dataclass(frozen=True)
class Lineage:
    """`of` says the source of each variable; `values`, by unit, what each number of the column `lineage` means."""

    sources: tuple[Source, ...]
    of: Mapping[str, str]
    values: Mapping[Unit, Sequence[Days]]

    def to_json(self) -> dict[str, Any]:
        return {
            "sources": [asdict(one) | {"day": one.day.isoformat()} for one in self.sources],
            "variables": dict(self.of),
            "values": {
                unit.value: [{source: day.isoformat() for source, day in days.items()} for days in table]
                for unit, table in self.values.items()
            },
        }

    @classmethod
    def from_json(cls, value: Any, catalogue: Iterable[str]) -> "Lineage":
        """Raises ValueError unless every variable of `catalogue` has a source that is listed, and every number of both
        units tells a day for sources that are."""
        try:
            sources = tuple(
                Source(str(one["id"]), str(one["name"]), str(one["contract"]), date.fromisoformat(one["day"]))
                for one in value["sources"]
            )
            of = {str(name): str(source) for name, source in value["variables"].items()}
            values = {
                unit: tuple(
                    {str(source): date.fromisoformat(day) for source, day in days.items()}
                    for days in value["values"][unit.value]
                )
                for unit in Unit
            }
        except (KeyError, TypeError, AttributeError):
            raise ValueError("not a lineage") from None
        known = {one.id for one in sources}
        told = {source for table in values.values() for days in table for source in days}
        if set(of) != set(catalogue) or not (set(of.values()) | told) <= known or not all(values.values()):
            raise ValueError("not a lineage of this catalogue")
        return cls(sources, of, values)

    def of_variable(self, name: str) -> dict[str, str]:
        """Source, contract and day of a variable, for the manifest."""
        source = next(one for one in self.sources if one.id == self.of[name])
        return {"source": source.id, "contract": source.contract, "day": source.day.isoformat()}

    def of_value(self, unit: Unit, number: int, name: str) -> date:
        """The day on which the value of `name` was told, in a row whose `lineage` is `number`."""
        source = next(one for one in self.sources if one.id == self.of[name])
        return self.values[unit][number].get(source.id, source.day)


def by_producer(catalogue: Catalogue) -> dict[str, list[str]]:
    """Producer → its variables: the sources of a nation that no ministry delivered."""
    found: dict[str, list[str]] = {}
    for variable in catalogue.values():
        found.setdefault(variable.producer, []).append(variable.name)
    return found
