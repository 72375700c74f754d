"""Which of several told values survives: per variable, as dated data (`policies/survivorship.toml`).

The value of the release before is one more candidate, with the source and the day by which it stands there. So a source
that does not come first cannot put away what the first one told a quarter ago, and a set that is applied once more
changes nothing. What nobody tells stays; nothing is ever made unknown by silence. Decision 0131.

What is said here of one value (`survivor`, `most_told`) is the meaning; registry.building.surviving says the same of
whole columns, and drawn examples make both agree.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from bagipakai.core.plan import Unit
from bagipakai.core.policy import NoRule, PolicyError, Rule, Rules, policies_dir, policy_file
from bagipakai.core.sources import Sources
from bagipakai.core.variables import Catalogue, Type

# Made of other values when the others are decided: no source tells them, so no rule may name them.
MADE: Final = {
    **dict.fromkeys(("kode_prov", "kode_kab", "kode_kec"), "kode_desa"),
    **dict.fromkeys(("nama_prov", "nama_kab", "nama_kec", "nama_desa", "klasifikasi_wilayah"), "kode_desa"),
    "umur": "tanggal_lahir",
    "nama_kepala_keluarga": "nama",
    "jumlah_anggota_keluarga": "",
    "tanggal_pemutakhiran": "",
    "status_padan": "",
}
AT_THE_PLACE: Final = ("rw", "rt", "alamat")  # they mean nothing in another village than the one they were told of
TWO: Final = 2  # sources that tell the same, for an agreement


class Way(StrEnum):
    """How a variable's value is chosen."""

    PRIORITY = "priority"  # of the first source in the list that tells it; of one source the latest
    LATEST = "latest"  # the one told last; of one day the first source in the list
    FILL = "fill"  # only where nothing is known; then by priority
    AGREEMENT = "agreement"  # what two sources tell alike, the known value's source included; else what is known


@dataclass(frozen=True, slots=True)
class Told:
    """What `source` told on `day`; None is nothing."""

    value: Hashable | None
    source: str
    day: date


@dataclass(frozen=True, slots=True)
class Survival:
    """The rule of one variable: of which `sources`, in their order, and in which way."""

    variable: str
    way: Way
    sources: tuple[str, ...]
    id: str
    since: date = date.min
    basis: str = ""

    def rank(self, source: str) -> int:
        """Its place in the list; behind the last for one that is not in it."""
        return self.sources.index(source) if source in self.sources else len(self.sources)


def survivor(rule: Survival, known: Told, told: Sequence[Told]) -> int:
    """0: what is known stays. Else the place of the value that takes its place, counted in `told` from 1; each of them
    is of another source of the rule's list."""
    words = [(at, one) for at, one in enumerate((known, *told)) if one.value is not None]
    if not words or (rule.way is Way.FILL and known.value is not None):
        return 0
    if rule.way is Way.LATEST:
        return min(words, key=lambda word: (-word[1].day.toordinal(), rule.rank(word[1].source), word[0] == 0))[0]
    if rule.way is Way.AGREEMENT:
        words = _agreeing(rule, words)
    return min(words, key=lambda word: _priority(rule, *word), default=(0, known))[0]


def _priority(rule: Survival, at: int, word: Told) -> tuple[int, int, bool]:
    return rule.rank(word.source), -word.day.toordinal(), at == 0


def _agreeing(rule: Survival, words: Sequence[tuple[int, Told]]) -> list[tuple[int, Told]]:
    """Those whose value has the most sources, if it has two; a source has one word, its last one."""
    last: dict[str, tuple[int, Told]] = {}
    for word in sorted(words, key=lambda word: _priority(rule, *word)):
        last.setdefault(word[1].source, word)
    behind = {at: sum(other.value == word.value for _, other in last.values()) for at, word in last.values()}
    most = max(behind.values())
    return [(at, word) for at, word in last.values() if behind[at] == most] if most >= TWO else []


def most_told(values: Sequence[Hashable | None]) -> int | None:
    """The place of the value that most members of a household tell, at the first who does; of equals, the first told.
    None where nobody tells any."""
    told = [value for value in values if value is not None]
    return values.index(max(told, key=told.count)) if told else None


@dataclass(frozen=True, slots=True)
class Death:
    """Which source's date says that a person has died; `certain`: only of a row matched by rule, never by weight."""

    source: str
    column: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Which source's row makes a person `same` or, where it changed one of `on`, `changed`: codes of status_padan."""

    source: str
    same: str
    changed: str
    on: tuple[str, ...]


class Survivorship(Mapping[str, Survival]):
    """The rules in force on one day, by variable. `inherited`: what a household that splits off keeps of the one that
    it comes from, until it is asked."""

    def __init__(
        self, rules: Mapping[str, Survival], death: Death, standing: Standing, inherited: tuple[str, ...]
    ) -> None:
        self._rules, self.death, self.standing, self.inherited = dict(rules), death, standing, inherited

    @classmethod
    def on(cls, day: date) -> "Survivorship":
        """Raises PolicyError for rules that contradict themselves, the catalogue or the contracts; NoRule where none
        are in force yet."""
        return _read(policies_dir(), day)

    @classmethod
    def from_policy(cls, told: Mapping[str, Any], catalogue: Catalogue, sources: Sources, day: date) -> "Survivorship":
        """The same from the parsed content of the file."""
        found: dict[str, Survival] = {}
        for (name,), rule in Rules("survivorship.toml [[rule]]", told["rule"], ("id",)).in_force(day).items():
            for one in _survivals(str(name), rule, catalogue, sources):
                if one.variable in found:
                    raise PolicyError(f"survivorship.toml: {one.variable} stands in two rules")
                found[one.variable] = one
        death, standing, household = (
            Rules(f"survivorship.toml [[{table}]]", told[table]).on(day) for table in ("death", "standing", "household")
        )
        inherited = tuple(household["inherits"])
        if unknown := {*inherited, *standing["on"]} - set(catalogue):
            raise PolicyError(f"survivorship.toml: no variable {', '.join(sorted(unknown))}")
        return cls(
            found,
            _death(death, sources),
            Standing(standing["source"], standing["same"], standing["changed"], tuple(standing["on"])),
            inherited,
        )

    def __getitem__(self, variable: str) -> Survival:
        return self._rules[variable]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def of(self, catalogue: Catalogue, unit: Unit) -> tuple[Survival, ...]:
        """The rules by which a person (individu) or a household (keluarga) is decided, in the catalogue's order: what
        stands in both tables is the household's."""
        household = {name for name, one in catalogue.items() if Unit.KELUARGA in one.units}
        return tuple(
            self[name] for name in catalogue if name in self and (name in household) == (unit is Unit.KELUARGA)
        )

    def asked_of(self, source: str) -> tuple[str, ...]:
        """The variables for which `source` is asked."""
        return tuple(name for name, rule in self.items() if source in rule.sources)


@lru_cache(maxsize=32)
def _read(_directory: Path, day: date) -> Survivorship:
    return Survivorship.from_policy(policy_file("survivorship"), Catalogue.on(day), Sources.on(day), day)


def _survivals(name: str, rule: Rule, catalogue: Catalogue, sources: Sources) -> Iterator[Survival]:
    where = f"survivorship.toml, {name}"
    try:
        way, listed = Way(rule["way"]), tuple(rule["sources"])
    except (ValueError, NoRule) as error:
        raise PolicyError(f"{where}: {error}") from None
    if not listed or len(set(listed)) != len(listed) or not set(listed) <= set(sources):
        raise PolicyError(f"{where}: each source stands once and has a contract")
    for variable in rule["variables"]:
        if variable not in catalogue or variable in MADE:
            raise PolicyError(f"{where}: {variable} is no variable that a source tells")
        if silent := [one for one in listed if variable not in sources[one].names]:
            raise PolicyError(f"{where}: {', '.join(silent)} does not send {variable}")
        yield Survival(variable, way, listed, name, rule.since, rule.basis)


def _death(rule: Rule, sources: Sources) -> Death:
    death = Death(rule["source"], rule["column"], rule["certain"])
    contract = sources.get(death.source)
    if contract is None or death.column not in contract.names or contract.column(death.column).type is not Type.DATE:
        raise PolicyError(f"survivorship.toml [[death]]: {death.source} sends no date {death.column}")
    return death
