"""Who may not be in an answer: kinds of hold, and which outputs each is absent from, as dated policy.

A HOLD is a right that somebody used (UU PDP Arts 11, 41); the PROTECTED kinds are set by law. What a kind closes is the
rule of the day on which an order was placed; a kind that no rule of that day knows closes everything (law reference
4.4, rule 8). Sources: R-15, S13; decision 0104.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from bagipakai.core.plan import Level, Unit
from bagipakai.core.policy import rules

CASE: Final = re.compile(r"(?!(?:[^0-9]*[0-9]){11})[A-Z0-9][A-Z0-9./-]{2,39}")  # too few digits to be anybody's number
FEW: Final = "sedikit"
NONE: Final = "tidak ada"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of hold: the levels that do not have the person, whether their family's row goes with them, and the
    reasons that may be recorded."""

    code: str
    name: str
    levels: frozenset[Level]
    families: bool
    reasons: tuple[str, ...]

    def closes(self, level: Level, unit: Unit) -> bool:
        """Whether an answer of this level about `unit` is without the person, or the person's family."""
        return level in self.levels and (unit is Unit.INDIVIDU or self.families)


def kinds_on(day: date) -> Mapping[str, Kind]:
    """The kinds in force on `day`, by code. Raises PolicyError."""
    return {
        code: Kind(
            code,
            rule["name"],
            frozenset(map(Level, rule["levels"])),
            rule["families"],
            tuple(rule["reasons"]),
        )
        for (code,), rule in rules("holds", "hold", ("code",)).in_force(day).items()
    }


def closing(codes: Collection[str], level: Level, unit: Unit, day: date) -> frozenset[str]:
    """Those of the kinds `codes` that are absent from an answer of this level about `unit`, by the rules of `day`."""
    known = kinds_on(day)
    return frozenset(code for code in codes if code not in known or known[code].closes(level, unit))


def closed_by_rule(level: Level, unit: Unit, day: date) -> bool:
    """Whether any kind is absent from such an answer, whether or not anybody is on hold."""
    return any(kind.closes(level, unit) for kind in kinds_on(day).values())


def told(withheld: int, smallest: int) -> str:
    """How many were left out, as a recipient may be told: from the rule's smallest count on as a number, below it as
    "few", which may be none: nobody learns that somebody is on hold here."""
    return str(withheld) if withheld >= smallest else FEW
