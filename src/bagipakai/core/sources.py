"""What each source has agreed to send: its contract, as dated data.

Read from `policies/sources.toml`; a column that is a variable of the catalogue takes type, codes, pattern and bounds
from there, so that a source and a release mean the same. A source that no contract names may not send. Keys and the
return of faulty sets: Peraturan BPS 6/2025 Articles 10 (4) and 11 (law reference 3.4).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from bagipakai.core.canonical import digest
from bagipakai.core.plan import Unit
from bagipakai.core.policy import NoRule, PolicyError, Rule, Rules, policies_dir, policy_file
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Type, UnknownVariable

NAME = re.compile(r"[a-z][a-z0-9_]*")
PATTERN = re.compile(r"(?:(?:\[[A-Za-z0-9 ]+(?:-[A-Za-z0-9]+)*\]|[A-Za-z0-9])(?:\{\d{1,2}(?:,\d{1,2})?\})?)+")
_COUNTED: Final = re.compile(r"(?:\[[^\]]+\]|[A-Za-z0-9])(?:\{(\d+)(?:,(\d+))?\})?")
ROW_RULES: Final = {  # of which columns, and what it needs beside them
    "birth-date-in-nik": "nik, date of birth",
    "sex-in-nik": "nik, sex",
    "begins-with": "a code, the code one level up",
    "not-before": "an end, a beginning",
    "one-is-filled": "at least one of them",
    "filled-when": "a column, another that has one of `values`",
}
SET_RULES: Final = {
    "once": "a number of digits that stands on one row",
    "family-has-head": "family number, relation to the head of whom one has one of `values`",
    "digits-are-whole": "a number of 16 digits of which not nearly all end in 0",
}
REGIONS: Final = ("kode_prov", "kode_kab", "kode_kec", "kode_desa")


@dataclass(frozen=True, slots=True)
class Agreed:
    """One column of a contract. `check` is "nik", "region" or nothing; `longest` is in characters, of free text."""

    name: str
    type: Type = Type.TEXT
    required: bool = False
    codes: tuple[str, ...] | None = None
    pattern: str | None = None
    low: int | None = None
    high: int | None = None
    longest: int = 200
    check: str = ""

    @property
    def is_free(self) -> bool:
        """Text of which only length and characters are agreed."""
        return self.type is Type.TEXT and self.codes is None and self.pattern is None and not self.check

    @property
    def is_number(self) -> bool:
        """Text of a fixed number of digits, at most 18: an identifier that fits a BIGINT."""
        told = re.fullmatch(r"\[0-9\]\{(\d+)\}", self.pattern or "")
        return self.type is Type.TEXT and told is not None and int(told[1]) <= 18

    @property
    def lengths(self) -> str:
        """How many letters and digits its pattern asks for, as "16" or "8–20"; nothing without one."""
        ends = [0, 0]
        for least, most in _COUNTED.findall(self.pattern or ""):
            ends = [ends[0] + int(least or 1), ends[1] + int(most or least or 1)]
        return "" if ends[1] == 0 else str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


@dataclass(frozen=True, slots=True)
class RowRule:
    """What must hold between the columns of one row, or of a set; a fault of it is told at the first column."""

    rule: str
    columns: tuple[str, ...]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What one source sends, from `since` on. `dates` is the order of day, month and year ("ymd" or "dmy");
    `faulty_at_most` is per mille of the rows received: above it the whole set goes back; so is `zeros_at_most`, of
    numbers of 16 digits that end in 0. No date lies before `oldest`."""

    source: str
    version: str
    title: str
    english: str
    provider: str
    unit: Unit
    schedule: str
    standard: str
    columns: tuple[Agreed, ...]
    rules: tuple[RowRule, ...] = ()
    sets: tuple[RowRule, ...] = ()
    dates: str = "ymd"
    yes: tuple[str, ...] = ("1", "true")
    no: tuple[str, ...] = ("0", "false")
    faulty_at_most: int = 1000
    rows_at_least: int = 1
    rows_at_most: int = 400_000_000
    zeros_at_most: int = 600
    oldest: date = date(1900, 1, 1)
    since: date = date.min
    basis: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Agreed:
        """Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """As plain data, codes written out."""
        value: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("columns", "rules", "sets"):
            value[name] = [{one.name: _plain(getattr(row, one.name)) for one in fields(row)} for row in value[name]]
        value.update(unit=self.unit.value, yes=list(self.yes), no=list(self.no))
        value["from"], value["oldest"] = value.pop("since").isoformat(), self.oldest.isoformat()
        return value

    @property
    def digest(self) -> str:
        """SHA-256 of the whole contract in canonical form: changes when any column, code or rule does."""
        return digest(self.to_json())


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value.value if isinstance(value, Type) else value


class Sources(Mapping[str, Contract]):
    """The contracts in force on one day, by source."""

    def __init__(self, found: Mapping[str, Contract]) -> None:
        self._found = dict(found)

    @classmethod
    def on(cls, day: date) -> "Sources":
        """Raises PolicyError for a contract that contradicts itself or the catalogue."""
        return _read(policies_dir(), day)

    @classmethod
    def from_policy(cls, told: Mapping[str, Any], catalogue: Catalogue, day: date) -> "Sources":
        """The same from the parsed content of the file and the catalogue of that day."""
        common = Rules("sources.toml [[common]]", told["common"]).on(day)
        rows = Rules("sources.toml", told["source"], ("id",)).in_force(day)
        return cls({str(source): _contract(rule, common, catalogue) for (source,), rule in rows.items()})

    def __getitem__(self, source: str) -> Contract:
        return self._found[source]

    def __iter__(self) -> Any:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def asked(self, source: str) -> Contract | Refusal:
        """The contract of `source`, or why it may not send."""
        return self._found.get(source) or Refusal("source-is-unknown", {"known": ", ".join(self._found)})

    @cached_property
    def digest(self) -> str:
        return digest({source: contract.to_json() for source, contract in self.items()})


@lru_cache(maxsize=32)
def _read(_directory: Path, day: date) -> Sources:
    return Sources.from_policy(policy_file("sources"), Catalogue.on(day), day)


def _contract(rule: Rule, common: Rule, catalogue: Catalogue) -> Contract:
    where = f"sources.toml, {rule['id']}"
    try:
        contract = Contract(
            source=str(rule["id"]),
            version=str(rule["version"]),
            title=str(rule["title"]),
            english=str(rule["english"]),
            provider=str(rule["provider"]),
            unit=Unit(rule["unit"]),
            schedule=str(rule["schedule"]),
            standard=str(rule["standard"]),
            columns=tuple(_agreed(column, catalogue) for column in rule["columns"]),
            rules=tuple(_rule(row) for row in rule.values.get("rules", ())),
            sets=tuple(_rule(row) for row in rule.values.get("sets", ())),
            dates=str(rule["dates"]),
            yes=tuple(common["yes"]),
            no=tuple(common["no"]),
            faulty_at_most=int(rule["faulty_at_most"]),
            rows_at_least=int(rule["rows_at_least"]),
            rows_at_most=int(rule["rows_at_most"]),
            zeros_at_most=int(common["zeros_at_most"]),
            oldest=common["oldest"],
            since=rule.since,
            basis=rule.basis,
        )
    except (ValueError, KeyError, TypeError, NoRule, UnknownVariable) as error:
        raise PolicyError(f"{where}: {error}") from None
    if wrong := contradiction(contract) or _missing_key(contract, catalogue):
        raise PolicyError(f"{where}: {wrong}")
    return contract


def _agreed(row: Mapping[str, Any], catalogue: Catalogue) -> Agreed:
    """A variable of the catalogue by its name alone, or a column of the source's own with its type."""
    name, own = str(row["name"]), "type" in row
    if unknown := set(row) - {"name", "required", "type", "codes", "pattern", "low", "high", "longest"}:
        raise ValueError(f"{name}: {', '.join(sorted(unknown))} is not a field of a column")
    required, longest = bool(row.get("required", False)), int(row.get("longest", 200))
    if own:
        codes = tuple(row["codes"]) if "codes" in row else None
        return Agreed(
            name, Type(row["type"]), required, codes, row.get("pattern"), row.get("low"), row.get("high"), longest
        )
    variable = catalogue[name]
    check = "nik" if name == "nik" else "region" if name in REGIONS else ""
    codes = None if variable.codes is None else tuple(variable.codes)
    return Agreed(name, variable.type, required, codes, variable.pattern, variable.low, variable.high, longest, check)


def _rule(row: Mapping[str, Any]) -> RowRule:
    return RowRule(str(row["rule"]), tuple(row["columns"]), tuple(row.get("values", ())))


def contradiction(contract: Contract) -> str | None:
    """What keeps a contract from being checked, or nothing."""
    names = contract.names
    if len(set(names)) != len(names) or not all(NAME.fullmatch(name) for name in names):
        return "a column stands once, in lower-case letters, digits and underscores"
    if contract.dates not in ("ymd", "dmy"):
        return "dates are ymd or dmy"
    if set(contract.yes) & set(contract.no):
        return "a spelling is both yes and no"
    for column in contract.columns:
        if column.pattern is not None and not PATTERN.fullmatch(column.pattern):
            return f"{column.name}: a pattern is letters, digits and classes of them, each with its number"
        if column.type is not Type.TEXT and (column.codes is not None or column.pattern is not None or column.check):
            return f"{column.name}: only text has codes or a pattern"
        if column.check == "region" and column.pattern not in {f"[0-9]{{{digits}}}" for digits in (2, 4, 6, 10)}:
            return f"{column.name}: a region is a number of 2, 4, 6 or 10 digits"
        if column.type is not Type.INTEGER and (column.low, column.high) != (None, None):
            return f"{column.name}: only an integer has low and high"
    for rule, known in [(rule, ROW_RULES) for rule in contract.rules] + [(rule, SET_RULES) for rule in contract.sets]:
        if wrong := _misuse(rule, known, contract):
            return f"{rule.rule}: {wrong}"
    return None


def _misuse(rule: RowRule, known: Mapping[str, str], contract: Contract) -> str | None:
    if rule.rule not in known or not rule.columns or not set(rule.columns) <= set(contract.names):
        return "no such rule, or not of these columns"
    first, *others = [contract.column(name) for name in rule.columns]
    second = others[0] if others else None
    if second is None and rule.rule not in ("one-is-filled", "once", "digits-are-whole"):
        return "it needs two columns"
    fits = {
        "birth-date-in-nik": first.check == "nik" and second is not None and second.type is Type.DATE,
        "sex-in-nik": first.check == "nik" and second is not None and second.codes is not None,
        "begins-with": first.type is Type.TEXT and second is not None and second.type is Type.TEXT,
        "not-before": first.type in (Type.DATE, Type.INTEGER) and second is not None and second.type is first.type,
        "one-is-filled": True,
        "filled-when": second is not None and second.type is Type.TEXT and bool(rule.values),
        "once": first.is_number,
        "family-has-head": first.is_number and second is not None and second.type is Type.TEXT and bool(rule.values),
        "digits-are-whole": first.is_number,
    }
    return None if fits[rule.rule] else f"it needs: {known[rule.rule]}"


def _missing_key(contract: Contract, catalogue: Catalogue) -> str | None:
    """Incoming data carry NIK, name and a variable of the same standard (law reference 3.4)."""
    required = {column.name for column in contract.columns if column.required}
    if "nik" not in required or not required & {"nama", "nama_kepala_keluarga"}:
        return "NIK and name are required"
    if contract.standard != catalogue.standard:
        return f"the standard in force is {catalogue.standard}"
    if not set(contract.names) & set(catalogue) - {"nik", "nama", "nama_kepala_keluarga"}:
        return "at least one more variable of the same standard is required"
    return None
