"""Predicates as SQL: the words that every dialect has and all of them mean alike. A dialect adds how it quotes a name
and how it names a value; whatever else differs stays with its engine.

Every operand that is not a name or a value stands in brackets of our own (decision 0031).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from bagipakai.core.query import (
    And,
    Between,
    Column,
    Compare,
    Const,
    Count,
    In,
    Missing,
    Not,
    Or,
    Predicate,
    Scalar,
    chosen,
)
from bagipakai.core.variables import Type
from bagipakai.registry.engines import EngineError


@dataclass(frozen=True, slots=True)
class Sql:
    """One statement, and the values that it names: `p0` is the first."""

    text: str
    values: tuple[Scalar, ...]


class Words(ABC):
    """Says predicates about the columns of `types`, and keeps the values apart from what it says."""

    kinds: Mapping[Type, str]  # what a type is called

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = types
        self.values: list[Scalar] = []

    @abstractmethod
    def quoted(self, name: str) -> str: ...

    @abstractmethod
    def named(self, at: int, value: Scalar) -> str:
        """How the statement speaks of its value number `at`."""

    def where(self, predicate: Predicate | None) -> str:
        return "" if predicate is None else f"\n    WHERE {self.said(predicate)}"

    def column(self, name: str) -> str:
        """Raises EngineError for a name outside the catalogue."""
        if name not in self._types:
            raise EngineError("a column without a type")
        return self.quoted(name)

    def read(self, name: str) -> str:
        """A column in the type of the contract, however it is stored."""
        return f"CAST({self.column(name)} AS {self.kinds[self._types[name]]})"

    def dimensions(self, query: Count) -> list[str]:
        """As `d0`, `d1`, …"""
        return [f"{self.read(name)} AS d{at}" for at, name in enumerate(query.by)]

    def said(self, predicate: Predicate) -> str:
        match predicate:
            case Column(name):
                return self.column(name)
            case Compare(op, left, right):
                return f"({self._side(left)} {op.value} {self._side(right)})"
            case And(parts):
                return "(" + " AND ".join(map(self.said, parts)) + ")"
            case Or(parts):
                return "(" + " OR ".join(map(self.said, parts)) + ")"
            case Not(part):
                return f"(NOT {self.said(part)})"
            case Missing(part):
                return f"({self.said(part)} IS NULL)"
            case In(column, values):
                return f"({self.column(column.name)} IN (" + ", ".join(map(self.value, values)) + "))"
            case Between(column, low, high):
                return f"({self.column(column.name)} BETWEEN {self.value(low)} AND {self.value(high)})"

    def _side(self, side: Column | Const) -> str:
        match side:
            case Column(name):
                return self.column(name)
            case Const(value):
                return self.value(value)

    def value(self, value: Scalar) -> str:
        self.values.append(value)
        return self.named(len(self.values) - 1, value)


def chosen_sql(where: str) -> str:
    """The step of a staircase that filters `registry`."""
    return f"""chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry{where}
)"""  # noqa: S608  # names come from the catalogue, values are named


def groups_sql(query: Count, words: Words) -> str:
    """The steps after `registry` that count the chosen rows that are alike in `query.by`."""
    where, read = words.where(chosen(query)), {name: words.read(name) for name in query.by}
    named = "".join(f"{said} AS {words.quoted(name)}, " for name, said in read.items())
    groups = f" GROUP BY {', '.join(read.values())}" if read else ""
    return f"""{chosen_sql(where)}
SELECT {named}count(*) AS n FROM chosen{groups} HAVING (count(*) > 0)"""  # noqa: S608  # as above
