"""Where each value of a release comes from.

A variable has one source, under one version of that source's contract. A value has, besides, the day on which the
source last told it; that differs from row to row, but only a few combinations of days occur. So each row carries one
small number, in the registry's own column `lineage`, and the manifest lists what the numbers mean: source → day, for
all variables of that source. The column never leaves (decision 0097).

In a release that was built from several sources (registry.building) a variable has more than one: then the manifest
says besides, for each number, which set of which source told which variables (`Sets`, decision 0131).
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


@dataclass(frozen=True, slots=True)
class Origin:
    """Who told a value, by which set ("": before there were sets), and when."""

    source: str
    set: str
    day: date


@dataclass(frozen=True)
class Sets:
    """Where values come from, one by one: `told`, by unit and by number, pairs of a place in `origins` and one in
    `bundles`, lists of variables. A variable stands in at most one bundle of a number. What both tables have is told of
    the household alone: its members have it from there."""

    origins: tuple[Origin, ...]
    bundles: tuple[tuple[str, ...], ...]
    told: Mapping[Unit, Sequence[Sequence[tuple[int, int]]]]

    def of_row(self, unit: Unit, number: int) -> dict[str, Origin]:
        return {
            name: self.origins[origin] for origin, bundle in self.told[unit][number] for name in self.bundles[bundle]
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "origins": [[one.source, one.set, one.day.isoformat()] for one in self.origins],
            "bundles": [list(names) for names in self.bundles],
            **{unit.value: [[list(pair) for pair in pairs] for pairs in told] for unit, told in self.told.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> "Sets":
        """Raises ValueError, KeyError, TypeError or IndexError for anything else."""
        origins = tuple(Origin(str(who), str(which), date.fromisoformat(day)) for who, which, day in value["origins"])
        bundles = tuple(tuple(map(str, names)) for names in value["bundles"])
        told = {
            unit: tuple(tuple((int(origin), int(bundle)) for origin, bundle in pairs) for pairs in value[unit.value])
            for unit in Unit
        }
        for pairs in (pairs for table in told.values() for pairs in table):
            if any(not (0 <= one < len(origins) and 0 <= two < len(bundles)) for one, two in pairs):
                raise ValueError("no such origin or bundle")
        return cls(origins, bundles, told)


@dataclass(frozen=True)
class Lineage:
    """`of` says the source of each variable, or of most of its values; `values`, by unit, what each number of the
    column `lineage` means; and so do `sets`, where values were told by several sources."""

    sources: tuple[Source, ...]
    of: Mapping[str, str]
    values: Mapping[Unit, Sequence[Days]]
    sets: Sets | None = None

    def to_json(self) -> dict[str, Any]:
        sets = {} if self.sets is None else {"sets": self.sets.to_json()}
        return {
            **sets,
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
            sets = Sets.from_json(value["sets"]) if "sets" in value else None
        except (KeyError, TypeError, AttributeError, IndexError):
            raise ValueError("not a lineage") from None
        known = {one.id for one in sources}
        told = {source for table in values.values() for days in table for source in days}
        if sets is not None:
            told |= {one.source for one in sets.origins}
            if any(len(sets.told[unit]) != len(values[unit]) for unit in Unit):
                raise ValueError("not a lineage of these numbers")
        if set(of) != set(catalogue) or not (set(of.values()) | told) <= known or not all(values.values()):
            raise ValueError("not a lineage of this catalogue")
        return cls(sources, of, values, sets)

    @classmethod
    def of_release(cls, manifest: Mapping[str, Any]) -> "Lineage":
        """As the manifest of a release tells it. Raises ValueError where it does not."""
        try:
            of = {one["name"]: one["lineage"]["source"] for one in manifest["variables"]}
        except (KeyError, TypeError):
            raise ValueError("no lineage") from None
        told = {name: manifest[name] for name in ("sources", "values", "sets") if name in manifest}
        return cls.from_json({**told, "variables": of}, of)

    def of_variable(self, name: str) -> dict[str, str]:
        """Source, contract and day of a variable, for the manifest."""
        source = next(one for one in self.sources if one.id == self.of[name])
        return {"source": source.id, "contract": source.contract, "day": source.day.isoformat()}

    def of_row(self, unit: Unit, number: int, names: Iterable[str]) -> dict[str, Origin]:
        """Where the values of these variables come from, in a row whose `lineage` is `number`. Raises KeyError for what
        is told of the household, where there are sets."""
        if self.sets is not None:
            told = self.sets.of_row(unit, number)
            return {name: told[name] for name in names}
        known, days = {one.id: one for one in self.sources}, self.values[unit][number]
        sources = {name: known[self.of[name]] for name in names}
        return {name: Origin(one.id, "", days.get(one.id, one.day)) for name, one in sources.items()}


def by_producer(catalogue: Catalogue) -> dict[str, list[str]]:
    """Producer → its variables: the sources of a nation that no ministry delivered."""
    found: dict[str, list[str]] = {}
    for variable in catalogue.values():
        found.setdefault(variable.producer, []).append(variable.name)
    return found
