"""The gate between a draft and a release: what its counts may be at most.

Counting is the registry's (registry.quality); this judges counts by the dated limits of `policies/quality.toml`, and
knows no row. What no limit covers is not let through. An exemption takes two named persons and a reason, and covers
only the figures that it names. Sources: law reference 5.2, standards reference 8 (penjaminan kualitas); decision 0096.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from bagipakai.core.lifecycle import REASON
from bagipakai.core.plan import Unit
from bagipakai.core.policy import NoRule, Rule, rules
from bagipakai.core.refusal import Refusal

ANY: Final = "*"
MILLION: Final = 1_000_000


class Measure(StrEnum):
    """What is measured of a variable, a check, an identifier or a table, in parts of a million rows."""

    MISSING = "missing"
    INVALID = "invalid"
    CHECK = "check"
    DUPLICATE = "duplicate"
    MISSING_CHANGE = "missing-change"  # against the release before, up or down
    INVALID_CHANGE = "invalid-change"
    ROWS_CHANGE = "rows-change"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `count` of `rows`; `share` is the same in parts of a million, rounded down."""

    unit: str
    measure: Measure
    name: str
    count: int
    share: int

    @property
    def place(self) -> tuple[str, str, str]:
        return (self.unit, self.measure.value, self.name)


@dataclass(frozen=True, slots=True)
class Excess:
    """A figure that is above its limit, and the basis of the limit."""

    figure: Figure
    most: int
    basis: str

    @property
    def refusal(self) -> Refusal:
        unit, measure, name = self.figure.place
        figure, most = str(self.figure.share), str(self.most)
        return Refusal(f"release-quality-{measure}", {"variable": name, "unit": unit, "figure": figure, "limit": most})

    def to_json(self) -> dict[str, Any]:
        unit, measure, name = self.figure.place
        return {
            **{"unit": unit, "measure": measure, "name": name},
            **{"share": self.figure.share, "most": self.most, "basis": self.basis},
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """`judged` figures were compared; `above` are those that no limit lets through."""

    judged: int
    above: tuple[Excess, ...]


@dataclass(frozen=True, slots=True)
class Exemption:
    """Two persons (name and post) let named figures through, and say why. `figures`: unit, measure, name."""

    persons: tuple[tuple[str, str], ...]
    reason: str
    figures: frozenset[tuple[str, str, str]]

    @classmethod
    def from_json(cls, value: Any) -> "Exemption | Refusal":
        """Reads `{"persons": [{"name", "post"}, …], "reason", "figures": [[unit, measure, name], …]}`."""
        try:
            persons = tuple((str(one["name"]).strip(), str(one["post"]).strip()) for one in value["persons"])
            reason = str(value["reason"]).strip()
            figures = frozenset((str(unit), str(measure), str(name)) for unit, measure, name in value["figures"])
        except (KeyError, TypeError, ValueError):
            return Refusal("release-exemption-malformed")
        if len({" ".join(name.casefold().split()) for name, _ in persons}) < 2 or not all(map(all, persons)):
            return Refusal("release-exemption-by-one")
        if len(reason) < REASON:
            return Refusal("release-exemption-without-reason", {"least": str(REASON)})
        return cls(persons, reason, figures)

    def to_json(self) -> dict[str, Any]:
        return {
            "persons": [{"name": name, "post": post} for name, post in self.persons],
            "reason": self.reason,
            "figures": [list(figure) for figure in sorted(self.figures)],
        }


def judge(counts: Mapping[str, Any], before: Mapping[str, Any] | None, day: date) -> Judgement | Refusal:
    """Whether a quality report may become a release on `day`; `before` is the report of the previous release.

    Refused as a whole where no limit is in force for a figure.
    """
    limits = rules("quality", "limit", ("unit", "measure", "name")).in_force(day)
    judged, above = 0, []
    for figure in figures(counts, before):
        try:
            rule = _limit(limits, figure)
        except NoRule:
            return Refusal("release-quality-without-limit", {"unit": figure.unit, "variable": figure.name})
        judged += 1
        if figure.share > int(rule["most_per_million"]) and figure.count > int(rule["few"]):
            above.append(Excess(figure, int(rule["most_per_million"]), rule.basis))
    return Judgement(judged, tuple(above))


def passes(judgement: Judgement, exemption: Exemption | None) -> Refusal | None:
    """The first figure that stands in the way, if one does."""
    exempt = exemption.figures if exemption else frozenset()
    return next((one.refusal for one in judgement.above if one.figure.place not in exempt), None)


def figures(counts: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[Figure]:
    """Every figure of a report, those against the release before after those of a table's own."""
    for unit in (unit.value for unit in Unit):
        now, rows = counts[unit], counts[unit]["rows"]
        for name, one in now["variables"].items():
            yield _figure(unit, Measure.MISSING, name, one["missing"], rows)
            yield _figure(unit, Measure.INVALID, name, one["invalid"], rows)
        for name, count in now["checks"].items():
            yield _figure(unit, Measure.CHECK, name, count, rows)
        for name, one in now["duplicates"].items():
            yield _figure(unit, Measure.DUPLICATE, name, one["rows"], rows)
        if before is not None:
            yield from _changes(unit, now, before[unit])


def _changes(unit: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[Figure]:
    """How far a share moved, and how many rows of today's table that is."""
    yield _figure(unit, Measure.ROWS_CHANGE, "rows", abs(now["rows"] - then["rows"]), then["rows"])
    for name in now["variables"].keys() & then["variables"].keys():
        for measure, key in ((Measure.MISSING_CHANGE, "missing"), (Measure.INVALID_CHANGE, "invalid")):
            a, b = now["variables"][name][key], then["variables"][name][key]
            moved = abs(a * then["rows"] - b * now["rows"])  # over both numbers of rows
            rows = now["rows"] * then["rows"]
            yield Figure(unit, measure, name, moved // max(then["rows"], 1), moved * MILLION // max(rows, 1))


def _figure(unit: str, measure: Measure, name: str, count: int, rows: int) -> Figure:
    return Figure(unit, measure, name, count, count * MILLION // rows if rows else 0)


def _limit(limits: Mapping[tuple[Any, ...], Rule], figure: Figure) -> Rule:
    """The limit for this name, or for any name. Raises NoRule."""
    for name in (figure.name, ANY):
        if rule := limits.get((figure.unit, figure.measure.value, name)):
            return rule
    raise NoRule(f"no limit for {figure.measure} of {figure.name}")
