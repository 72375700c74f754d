"""The plan is the extraction: what was asked, frozen, and what will be run, word for word.

Its digest is what deciders sign, what the agreement and the hand-over record print, what the Order carries and what the
manifest repeats. Nobody types a grant: `delivered ⊆ approved ⊆ asked` holds because all three are this one value.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from bagipakai.core.canonical import NotCanonical, canonical, digest
from bagipakai.core.query import (
    Count,
    Predicate,
    Query,
    Rows,
    columns_of,
    from_json,
    to_json,
)

NATION = "ID"  # the competence of who works everywhere


class PlanError(ValueError):
    """The data are not a plan. Its text is the field where they are not; none where they are something else."""


class Level(StrEnum):
    L1 = "L1"  # agregat
    L2 = "L2"  # kustomisasi
    L3 = "L3"  # mikro tanpa nama dan alamat
    L4 = "L4"  # by name by address


WITHOUT_NAMES: Final = (Level.L2, Level.L3)  # rows about people who are not named


class Unit(StrEnum):
    INDIVIDU = "individu"
    KELUARGA = "keluarga"


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    PARQUET = "parquet"
    SDMX_CSV = "sdmx-csv"  # tables only

    @property
    def ending(self) -> str:
        """How the names of its files end."""
        return "csv" if self is Format.SDMX_CSV else self.value


@dataclass(frozen=True, slots=True)
class Area:
    """Where: region codes of 2, 4, 6 or 10 digits in one code system and edition. No codes means the whole nation."""

    codes: tuple[str, ...]
    edition: str
    system: str = "KEMENDAGRI"


@dataclass(frozen=True, slots=True)
class Asked:
    """One variable and why the programme needs it. `grain`: how coarsely its values are told in rows (a code of the
    policy's `[[grain]]`); empty where they are told as they are."""

    name: str
    reason: str
    grain: str = ""


@dataclass(frozen=True, slots=True)
class Exempted:
    """One rule for rows that this plan need not meet, and why: proposed by one person, approved by another, and
    recorded with the product (disclosure reference 3.1: override)."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Protections:
    """`pseudonyms`: which of `nik` and `nomor_kk` are replaced by tokens that only this recipient has for this
    purpose and release. `smallest_cell`: the smallest count a table may show (L1); 0 where no table is made.
    `exempted`: rules of `core.disclosure.RowRule` that rows (L2, L3) need not meet, in alphabetical order."""

    pseudonyms: tuple[str, ...] = ()
    smallest_cell: int = 0
    exempted: tuple[Exempted, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who may open the package: the institution, its age recipient (lower case) and that key's fingerprint.

    `competence` is the region inside which everything must lie that it asks for: a code, `NATION`, or nothing where it
    is not known; then nothing may be asked for.
    """

    institution: str
    name: str
    key: str
    fingerprint: str
    competence: str


class Answer(StrEnum):
    """What is told about each row of a list that is matched."""

    YES_NO = "YES_NO"  # whether the row's person was found: ya, tidak, belum pasti
    STATUS = "STATUS"  # cocok, perlu telaah, tidak cocok


@dataclass(frozen=True, slots=True)
class Matching:
    """The recipient's own list, and what is told about its rows (law reference 4.7: pemadanan). `roster` names the
    list, `digest` is its manifest (core.roster_orders), `rows` how many it has. `reasons`: why each row is answered as
    it is; some of them confirm that a number exists, so they leave only where the plan says so. `one_to_one`: no two
    rows are one person."""

    roster: str
    digest: str
    rows: int
    answer: Answer
    reasons: bool
    one_to_one: bool


@dataclass(frozen=True)
class Plan:
    """One approved extraction. For L1, `variables` are the dimensions of the table and every cell is a count of `unit`;
    for L2 to L4, they are the columns of the rows, in this order. `summed`: the variable whose sum stands beside each
    count of a table; empty where only counts are asked for.

    With `matching`, the rows are those of the recipient's list: area and population say inside which persons are looked
    for, and `variables` (none, usually) what is told of those who are found for certain."""

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
    matching: Matching | None = None
    summed: str = ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form."""
        return digest(self.to_json())

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the variables, in order, without pseudonym columns."""
        return tuple(asked.name for asked in self.variables)

    @property
    def used(self) -> tuple[str, ...]:
        """Every variable that the plan names, in its columns, in its filter and in its sums, once each."""
        summed = [self.summed] if self.summed else []
        return tuple(dict.fromkeys([*self.columns, *columns_of(self.population), *summed]))

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
        value["protections"]["exempted"] = [asdict(one) for one in self.protections.exempted]
        value["variables"] = [_without_nothing(asdict(asked), "grain") for asked in self.variables]
        value["protections"] = _without_nothing(value["protections"], "exempted")
        for name in ("level", "unit", "format"):
            value[name] = value[name].value
        if self.matching is None:
            del value["matching"]  # what plans looked like before there was matching: their digests stand
        else:
            value["matching"]["answer"] = self.matching.answer.value
        return _without_nothing(value, "summed")

    @classmethod
    def from_json(cls, data: Any) -> "Plan":
        """Raises PlanError unless `data` is exactly what `to_json` writes."""
        try:
            spelled = canonical(data)  # first: it also bounds how deep the rest can go
        except NotCanonical:
            raise PlanError("") from None
        if not isinstance(data, dict):
            raise PlanError("")
        fields = {name: _read(name, data, read) for name, read in _FIELDS.items()}
        fields |= {name: _read(name, data, read) for name, read in _MORE.items() if name in data}
        plan = cls(**fields)
        written = plan.to_json()
        if canonical(written) != spelled:
            known = {*_FIELDS, *_MORE}
            wrong = (name for name in sorted(known) if data.get(name) != written.get(name))
            raise PlanError(next(wrong, ", ".join(sorted({*map(str, data)} - known))))
        return plan


def _read(name: str, data: Mapping[str, Any], read: Callable[[Any], Any]) -> Any:
    try:
        return read(data[name])
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise PlanError(name)  # outside the handler: what was wrong may quote a value


def _without_nothing(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """Without a field that says nothing: what plans looked like before there was one, so that their digests stand."""
    return {one: value for one, value in fields.items() if one != name or value}


def _area(data: Any) -> Area:
    return Area(codes=_words(data["codes"]), edition=_text(data["edition"]), system=_text(data["system"]))


def _protections(data: Any) -> Protections:
    return Protections(
        pseudonyms=_words(data["pseudonyms"]),
        smallest_cell=_count(data["smallest_cell"]),
        exempted=tuple(Exempted(**_texts(one)) for one in data.get("exempted", ())),
    )


def _matching(data: Any) -> Matching:
    return Matching(
        roster=_text(data["roster"]),
        digest=_text(data["digest"]),
        rows=_count(data["rows"]),
        answer=Answer(data["answer"]),
        reasons=_flag(data["reasons"]),
        one_to_one=_flag(data["one_to_one"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false expected")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a count expected")
    return value


def _words(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError("a list of texts expected")
    return tuple(_text(value) for value in values)


def _texts(fields: Any) -> dict[str, str]:
    return {name: _text(value) for name, value in fields.items()}


_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "request": _text,
    "purpose": _text,
    "programme": _text,
    "legal_basis": _text,
    "level": Level,
    "unit": Unit,
    "release": _text,
    "rolling": _flag,
    "area": _area,
    "population": lambda data: None if data is None else from_json(data),
    "variables": lambda data: tuple(Asked(**_texts(asked)) for asked in data),
    "protections": _protections,
    "format": Format,
    "channel": _text,
    "recipient": lambda data: Recipient(**_texts(data)),
    "onward_sharing": _flag,
    "ends_on": lambda data: date.fromisoformat(_text(data)),
}
_MORE: Final[Mapping[str, Callable[[Any], Any]]] = {"matching": _matching, "summed": _text}  # that a plan may lack
