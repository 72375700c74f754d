"""The plan is the extraction: what was asked, frozen, and what will be run, word for word.

Its digest is what deciders sign, what the agreement and the hand-over record print, what the Order carries and what the
manifest repeats. Nobody types a grant: `delivered ⊆ approved ⊆ asked` holds because all three are this one value.
"""

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from bagipakai.core.canonical import NotCanonical, digest
from bagipakai.core.query import Count, Predicate, Query, QueryError, Rows, from_json, to_json


class PlanError(ValueError):
    """The data are not a plan. Names the field."""


class Level(StrEnum):
    L1 = "L1"  # agregat
    L2 = "L2"  # kustomisasi
    L3 = "L3"  # mikro tanpa nama dan alamat
    L4 = "L4"  # by name by address


class Unit(StrEnum):
    INDIVIDU = "individu"
    KELUARGA = "keluarga"


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Area:
    """Where: region codes of 2, 4, 6 or 10 digits in one code system and edition. No codes means the whole nation."""

    codes: tuple[str, ...]
    edition: str
    system: str = "KEMENDAGRI"


@dataclass(frozen=True, slots=True)
class Asked:
    """One variable and why the programme needs it."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Protections:
    """`pseudonyms`: which of `nik` and `nomor_kk` are replaced by tokens that only this recipient has for this
    purpose and release. `smallest_cell`: the smallest count a table may show (L1); 0 where no table is made."""

    pseudonyms: tuple[str, ...] = ()
    smallest_cell: int = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who may open the package: the institution, its age recipient (lower case) and that key's fingerprint."""

    institution: str
    name: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Plan:
    """One approved extraction. For L1, `variables` are the dimensions of the table and every cell is a count of `unit`;
    for L2 to L4, they are the columns of the rows, in this order."""

    request: str
    purpose: str
    programme: str
    legal_basis: str
    level: Level
    unit: Unit
    release: str
    rolling: bool
    area: Area
    population: Predicate | None
    variables: tuple[Asked, ...]
    protections: Protections
    format: Format
    channel: str
    recipient: Recipient
    onward_sharing: bool
    ends_on: date

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form."""
        return digest(self.to_json())

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the variables, in order, without pseudonym columns."""
        return tuple(asked.name for asked in self.variables)

    def query(self) -> Query:
        """The sentence the engines run. Identifiers that become pseudonyms are read, but leave only as tokens."""
        if self.level is Level.L1:
            return Count(self.unit.value, self.columns, self.population, self.area.codes)
        return Rows(self.unit.value, self.columns, self.population, self.area.codes)

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        value["population"] = None if self.population is None else to_json(self.population)
        value["ends_on"] = self.ends_on.isoformat()
        value["area"]["codes"] = list(self.area.codes)
        value["protections"]["pseudonyms"] = list(self.protections.pseudonyms)
        value["variables"] = [asdict(asked) for asked in self.variables]
        for name in ("level", "unit", "format"):
            value[name] = value[name].value
        return value

    @classmethod
    def from_json(cls, data: Any) -> "Plan":
        """Raises PlanError unless `data` is exactly what `to_json` writes."""
        try:
            plan = cls(
                request=data["request"],
                purpose=data["purpose"],
                programme=data["programme"],
                legal_basis=data["legal_basis"],
                level=Level(data["level"]),
                unit=Unit(data["unit"]),
                release=data["release"],
                rolling=data["rolling"],
                area=Area(**{**data["area"], "codes": tuple(data["area"]["codes"])}),
                population=None if data["population"] is None else from_json(data["population"]),
                variables=tuple(Asked(**asked) for asked in data["variables"]),
                protections=Protections(
                    **{**data["protections"], "pseudonyms": tuple(data["protections"]["pseudonyms"])}
                ),
                format=Format(data["format"]),
                channel=data["channel"],
                recipient=Recipient(**data["recipient"]),
                onward_sharing=data["onward_sharing"],
                ends_on=date.fromisoformat(data["ends_on"]),
            )
            if plan.to_json() != data:
                raise PlanError("fields that are not part of a plan")
            _ = plan.digest
        except (KeyError, TypeError, ValueError, QueryError, NotCanonical) as error:
            raise PlanError(str(error) if isinstance(error, PlanError) else "not a plan") from None
        return plan
