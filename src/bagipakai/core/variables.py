"""The catalogue: every official variable of a release, what it means, and the lowest level that may hold it.

Read from `policies/variables.toml` and `policies/codes.toml`, both dated. What the catalogue does not name does not
exist: no query, plan or package can hold it. Classes and levels: law reference 6.1 and 6.2.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bagipakai.core.canonical import digest
from bagipakai.core.plan import Level, Unit
from bagipakai.core.policy import NoRule, PolicyError, Rule, Rules, policies_dir, policy_file

TEXTS = ("official_name", "english", "definition", "measure", "producer")
FLAGS = ("dimension", "required")
FIELDS = frozenset(
    {"name", "units", "type", "codes", "min", "max", "pattern", "class", "lowest_level", *TEXTS, *FLAGS}
)  # of one row of variables.toml, beside `from`, `until` and `basis`


class UnknownVariable(LookupError):
    """The catalogue has no such variable, or not for this unit. The message names it."""


class Type(StrEnum):
    """How a value is stored. There are no floats: money is whole rupiah, a length whole metres."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"


class Sensitivity(StrEnum):
    """The class of a variable (law reference 6.1)."""

    PERSONAL_IDENTIFIER = "PERSONAL_IDENTIFIER"
    QUASI_IDENTIFIER = "QUASI_IDENTIFIER"
    SPECIFIC = "SPECIFIC"  # UU 27/2022 Pasal 4: aggregates, or rows under control tier L4
    GENERAL = "GENERAL"


@dataclass(frozen=True, slots=True)
class CodeList:
    """The values of a coded variable, in their official order: code → (label, English label)."""

    id: str
    name: str
    edition: str
    labels: Mapping[str, tuple[str, str]]
    since: date
    basis: str

    def __contains__(self, code: object) -> bool:
        return code in self.labels

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def label(self, code: str, lang: str = "id") -> str:
        """Raises KeyError for a code that is not in the list."""
        return self.labels[code][0 if lang == "id" else 1]


@dataclass(frozen=True, slots=True)
class Variable:
    """One official column.

    `measure` is its satuan. `lowest_level` is the lowest level that may hold it; for SPECIFIC that is L1, and means
    aggregates only. `dimension` says whether it may divide a table of counts. `required`: a release leaves none empty.
    `low`, `high` and `pattern` are its validation rule; `since` and `basis` belong to this row of the policy.
    """

    name: str
    official_name: str
    english: str
    definition: str
    units: tuple[Unit, ...]
    type: Type
    measure: str
    codes: CodeList | None
    low: int | None
    high: int | None
    pattern: str | None
    sensitivity: Sensitivity
    lowest_level: Level
    dimension: bool
    producer: str
    required: bool
    since: date
    basis: str

    def title(self, lang: str = "id") -> str:
        return self.official_name if lang == "id" else self.english

    def may_stand_in(self, level: Level, tier: Level | None = None) -> bool:
        """Whether rows (L2 to L4) or a table (L1) of `level` may hold it, under the gates of control tier `tier`.

        A tier adds gates, never names: in rows, a specific variable needs tier L4, and an identifier needs level L4
        whatever the tier (law reference 6.2). A table by village needs tier L3 (disclosure reference 3.1).
        """
        if level is Level.L1:
            return self.dimension and self.lowest_level <= max(Level.L2, tier or Level.L1)
        if self.sensitivity is Sensitivity.SPECIFIC:
            return (tier or level) is Level.L4
        return self.lowest_level <= level

    def to_json(self) -> dict[str, Any]:
        """As plain data for manifests and dictionaries, the code list written out."""
        value = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "since"}
        value.update(
            units=[unit.value for unit in self.units],
            type=self.type.value,
            sensitivity=self.sensitivity.value,
            lowest_level=self.lowest_level.value,
            codes=None if self.codes is None else _codes_to_json(self.codes),
        )
        value["from"] = self.since.isoformat()
        return value


@dataclass(frozen=True, slots=True)
class Combination:
    """Any of `any_of` together with any of `with_any` needs at least `level`."""

    any_of: frozenset[str]
    with_any: frozenset[str]
    level: Level
    basis: str

    def holds(self, names: frozenset[str]) -> bool:
        return bool(names & self.any_of) and bool(names & self.with_any)


class Catalogue(Mapping[str, Variable]):
    """The variables in force on one day, by name, in official order."""

    def __init__(self, standard: str, variables: Iterable[Variable], combinations: Iterable[Combination] = ()) -> None:
        self.standard = standard
        self._variables = {variable.name: variable for variable in variables}
        self.combinations = tuple(combinations)

    @classmethod
    def on(cls, day: date) -> "Catalogue":
        """The catalogue of the policy files on `day`. Raises PolicyError if they contradict themselves, NoRule if no
        data standard is in force yet."""
        return _read(policies_dir(), day)

    @classmethod
    def from_policy(cls, variables: Mapping[str, Any], codes: Mapping[str, Any], day: date) -> "Catalogue":
        """The same from the parsed content of the two files."""
        lists = Rules("codes.toml", codes["list"], ("id",)).in_force(day).values()
        by_id = {found.id: found for found in map(_code_list, lists)}
        rows = Rules("variables.toml", variables["variable"], ("name",)).in_force(day).values()
        found = [_variable(row, by_id) for row in rows]
        combined = Rules("variables.toml [[combination]]", variables.get("combination", ()), ("id",)).in_force(day)
        names = [variable.name for variable in found]
        return cls(
            standard=str(Rules("variables.toml [[standard]]", variables["standard"]).on(day)["version"]),
            variables=found,
            combinations=[_combination(rule, names) for rule in combined.values()],
        )

    def __getitem__(self, name: str) -> Variable:
        """Raises UnknownVariable."""
        try:
            return self._variables[name]
        except KeyError:
            raise UnknownVariable(f"the catalogue has no variable {name!r}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __hash__(self) -> int:
        return hash(self.digest)

    def of_unit(self, unit: Unit | str) -> tuple[Variable, ...]:
        """The variables of one data set, in official order. Raises ValueError for an unknown unit."""
        wanted = Unit(unit)
        return tuple(variable for variable in self._variables.values() if wanted in variable.units)

    def level_of(self, names: Iterable[str]) -> Level:
        """The lowest level whose rows may hold all of these together, L2 or higher. Specific variables do not raise
        the level, only the tier. Raises UnknownVariable."""
        asked = frozenset(names)
        needed = [Level.L2, *(self[name].lowest_level for name in asked)]
        needed += [rule.level for rule in self.combinations if rule.holds(asked)]
        return max(needed)

    def tier_of(self, names: Iterable[str], level: Level) -> Level:
        """The control tier (documents and gates) that a product of `level` with these variables must pass: the level
        itself, or L4 where rows hold a specific variable. Raises UnknownVariable."""
        specific = any(self[name].sensitivity is Sensitivity.SPECIFIC for name in names)
        return Level.L4 if specific and level is not Level.L1 else level

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole catalogue in canonical form: changes when any definition, code or level does."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        return {
            "standard": self.standard,
            "variables": [variable.to_json() for variable in self.values()],
            "combinations": [
                {"any": sorted(rule.any_of), "with": sorted(rule.with_any), "level": rule.level.value}
                for rule in self.combinations
            ],
        }


def _codes_to_json(codes: CodeList) -> dict[str, Any]:
    return {
        "id": codes.id,
        "name": codes.name,
        "edition": codes.edition,
        "basis": codes.basis,
        "values": [
            {"code": code, "label": label, "english": english} for code, (label, english) in codes.labels.items()
        ],
    }


@lru_cache(maxsize=32)
def _read(_directory: Path, day: date) -> Catalogue:
    return Catalogue.from_policy(policy_file("variables"), policy_file("codes"), day)


def _code_list(rule: Rule) -> CodeList:
    name, labels = str(rule["id"]), {}
    for row in rule["codes"]:
        match row:
            case [str(code), str(label), str(english)] if code not in labels:
                labels[code] = (label, english)
            case _:
                raise PolicyError(f"codes.toml, {name}: each row is code, label, English label, and a code stands once")
    return CodeList(name, str(rule["name"]), str(rule["edition"]), MappingProxyType(labels), rule.since, rule.basis)


def _variable(rule: Rule, lists: Mapping[str, CodeList]) -> Variable:
    name = str(rule["name"])
    optional = {field: rule.values.get(field) for field in ("codes", "min", "max", "pattern")}
    if unknown := set(rule.values) - FIELDS:
        raise PolicyError(f"variables.toml, {name}: {', '.join(sorted(unknown))} is not a field of a variable")
    for field in TEXTS:
        if not isinstance(rule.values.get(field), str) or not rule[field].strip():
            raise PolicyError(f"variables.toml, {name}: {field} must be text")
    for field in FLAGS:
        if not isinstance(rule.values.get(field), bool):
            raise PolicyError(f"variables.toml, {name}: {field} must be true or false")
    try:
        variable = Variable(
            name=name,
            official_name=rule["official_name"],
            english=rule["english"],
            definition=rule["definition"],
            units=tuple(Unit(unit) for unit in rule["units"]),
            type=Type(rule["type"]),
            measure=rule["measure"],
            codes=None if optional["codes"] is None else lists[optional["codes"]],
            low=optional["min"],
            high=optional["max"],
            pattern=optional["pattern"],
            sensitivity=Sensitivity(rule["class"]),
            lowest_level=Level(rule["lowest_level"]),
            dimension=rule["dimension"],
            producer=rule["producer"],
            required=rule["required"],
            since=rule.since,
            basis=rule.basis,
        )
    except (ValueError, KeyError, NoRule) as error:
        raise PolicyError(f"variables.toml, {name}: {error}") from None
    if wrong := _contradiction(variable):
        raise PolicyError(f"variables.toml, {name}: {wrong}")
    return variable


def _contradiction(variable: Variable) -> str | None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", variable.name):
        return "a name is lower-case letters, digits and underscores"
    if not variable.units:
        return "it belongs to no unit"
    if variable.codes is not None and variable.type is not Type.TEXT:
        return "only text has a code list"
    if (variable.low, variable.high) != (None, None) and variable.type is not Type.INTEGER:
        return "only an integer has min and max"
    if (variable.sensitivity is Sensitivity.SPECIFIC) != (variable.lowest_level is Level.L1):
        return "L1 is the lowest level of specific variables, and of no other"
    if variable.sensitivity is Sensitivity.PERSONAL_IDENTIFIER and variable.lowest_level is not Level.L4:
        return "an identifier needs L4"
    return None


def _combination(rule: Rule, known: Iterable[str]) -> Combination:
    combination = Combination(frozenset(rule["any"]), frozenset(rule["with"]), Level(rule["level"]), rule.basis)
    if unknown := (combination.any_of | combination.with_any) - set(known):
        raise PolicyError(f"variables.toml, combination {rule['id']}: no variable {', '.join(sorted(unknown))}")
    return combination
