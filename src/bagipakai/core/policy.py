"""Policy is dated data: `policies/*.toml`, each rule with `from` (its first day) and `basis` (its source).

A rule is never edited; a later row with the same key replaces it from its own day on, so that last year's order can be
judged by last year's rule. Nothing here has a default: what no row says is `NoRule`, and the caller refuses.

A process works by the files that it found when it first looked, so that the version it writes down is the one it
decided by. A change counts from the next start.
"""

import hashlib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any


class PolicyError(ValueError):
    """A policy file cannot be used. The message names the file, the row and what is wrong with it."""


class NoRule(LookupError):
    """No rule with this key is in force on this day: the answer is no."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row in force from `since` on (to `until`, included, where the row says so), and the values it sets."""

    since: date
    basis: str
    values: Mapping[str, Any]
    until: date | None = None
    where: str = ""  # file, table and number

    def __getitem__(self, name: str) -> Any:
        """Raises NoRule for a value that the row does not set."""
        try:
            return self.values[name]
        except KeyError:
            raise NoRule(f"{self.where} does not set {name}") from None

    def number(self, name: str, least: int, most: int | None = None) -> int:
        """A whole number within its limits, both included. Raises NoRule where the row does not set it, PolicyError for
        anything else."""
        return bounded(self[name], least, most, f"{self.where}: {name}")


class Rules:
    """The rows of one table, in file order, each told from the others by the fields of `key` (none: one rule at a
    time)."""

    def __init__(self, name: str, rows: Iterable[Mapping[str, Any]], key: tuple[str, ...] = ()) -> None:
        """Raises PolicyError for a row without `from`, `basis` or a field of `key`, and for two rows that begin on one
        day under one key."""
        self.name, self.key = name, key
        self._history: dict[tuple[Any, ...], list[Rule]] = {}
        for number, row in enumerate(rows, start=1):
            rule, place = _rule(row, f"{name}, row {number}"), tuple(row.get(field) for field in key)
            if None in place:
                raise PolicyError(f"{name}, row {number}: {', '.join(key)} must be set")
            told = self._history.setdefault(place, [])
            if any(other.since == rule.since for other in told):
                raise PolicyError(f"{name}, row {number}: a second rule for {place or name} from {rule.since}")
            told.append(rule)

    def on(self, day: date, *place: Any) -> Rule:
        """The rule under the key `place` on `day`. Raises NoRule when there is none."""
        begun = [rule for rule in self._history.get(place, ()) if rule.since <= day]
        latest = max(begun, key=lambda rule: rule.since, default=None)
        if latest is None or (latest.until is not None and latest.until < day):
            raise NoRule(f"{self.name} has no rule for {', '.join(map(str, place)) or 'this'} on {day}")
        return latest

    def in_force(self, day: date) -> dict[tuple[Any, ...], Rule]:
        """Every rule in force on `day`, by key, in the order in which the keys stand in the file."""
        found = {}
        for place in self._history:
            try:
                found[place] = self.on(day, *place)
            except NoRule:
                continue
        return found


def bounded(value: Any, least: int, most: int | None, where: str) -> int:
    """A whole number within limits, both included. Raises PolicyError, which says `where`, for anything else."""
    if type(value) is not int or value < least or (most is not None and value > most):
        limits = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise PolicyError(f"{where} must be a whole number {limits}")
    return value


def _rule(row: Mapping[str, Any], where: str) -> Rule:
    since, basis, until = row.get("from"), row.get("basis"), row.get("until")
    if type(since) is not date:
        raise PolicyError(f"{where}: `from` must be a calendar day")
    if not isinstance(basis, str) or not basis.strip():
        raise PolicyError(f"{where}: `basis` must name the source, or say that there is none yet")
    if until is not None and (type(until) is not date or until < since):
        raise PolicyError(f"{where}: `until` must be a calendar day not before `from`")
    values = {name: value for name, value in row.items() if name not in {"from", "basis", "until"}}
    return Rule(since, basis, MappingProxyType(values), until, where)


_OWN = Path(__file__).resolve().parents[3] / "policies"


def policies_dir() -> Path:
    """Where the policy files stand: `BAGIPAKAI_POLICIES`, or `policies/` at the root of the checkout."""
    told = os.environ.get("BAGIPAKAI_POLICIES")
    return Path(told) if told else _OWN


def policy_file(name: str) -> Mapping[str, Any]:
    """`policies/{name}.toml` as plain data. Raises PolicyError if it is missing or is not TOML."""
    return _parsed(policies_dir(), f"{name}.toml")


def rules(name: str, table: str = "rule", key: tuple[str, ...] = ()) -> Rules:
    """The dated rows `[[table]]` of `policies/{name}.toml`. Raises PolicyError for rows that are not rules."""
    rows = policy_file(name).get(table, [])
    if not isinstance(rows, list):
        raise PolicyError(f"{name}.toml: {table} must be a list of rows")
    return Rules(f"{name}.toml [[{table}]]", rows, key)


def digests() -> Mapping[str, str]:
    """SHA-256 of each policy file, by name."""
    return _digests(policies_dir())


def version() -> str:
    """SHA-256 over the names and bytes of all policy files: what the Order, the Receipt and each entry say."""
    return hashlib.sha256("".join(f"{name}\0{one}\n" for name, one in digests().items()).encode()).hexdigest()


@lru_cache(maxsize=16)
def _files(folder: Path) -> Mapping[str, bytes]:
    return MappingProxyType({file.name: file.read_bytes() for file in sorted(folder.glob("*.toml"))})


@lru_cache(maxsize=16)
def _digests(folder: Path) -> Mapping[str, str]:
    return MappingProxyType({name: hashlib.sha256(content).hexdigest() for name, content in _files(folder).items()})


@lru_cache(maxsize=64)
def _parsed(folder: Path, name: str) -> Mapping[str, Any]:
    try:
        return MappingProxyType(tomllib.loads(_files(folder)[name].decode()))
    except KeyError:
        raise PolicyError(f"{name} is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{name} is not TOML: {error}") from None
