"""How a table of counts is protected, by dated policy (disclosure reference 3.1): cells are hidden, or every count is
changed a little by noise that belongs to its cell, or all are by noise of differential privacy.

Nobody chooses but the policy: not the plan, and no default. What it says by halves is as if it said nothing.
"""

from dataclasses import dataclass
from datetime import date
from math import log, sqrt
from typing import Final, TypeAlias

from bagipakai.core.policy import NoRule, Rule, rules

DISCLOSED: Final = "disclosed"  # what `bagipakai registry disclose` makes


@dataclass(frozen=True, slots=True)
class Suppression:
    """What is small is hidden, and with it what would give it back."""

    since: date
    basis: str


@dataclass(frozen=True, slots=True)
class CellKey:
    """Noise of mean 0 and this `variance`, never larger than a bound: a number in `bounds` that only the house's key
    knows. Then counts are rounded to a multiple of `base`, up as often as the rest demands; 1 rounds nothing. A group
    that `most_breakdowns` questions were answered about is told in no further one: noise averages out. Where
    `additive_within` is given, published counts are changed once more, by no more than that, so that they add up."""

    variance: int
    bounds: tuple[int, int]
    base: int
    most_breakdowns: int
    since: date
    basis: str
    additive_within: int | None = None

    @property
    def deviation(self) -> float:
        """The standard deviation of a count from the true one, however large that is, before it is made to add up: of
        the noise, and of the rounding, averaged over all rests."""
        return sqrt(self.variance + (self.base**2 - 1) / 6)


@dataclass(frozen=True, slots=True)
class DifferentialPrivacy:
    """Zero-concentrated differential privacy (Bun and Steinke 2016) of households, of each of which at most `household`
    persons are counted. `rho` is spent by one table; no more than `rho_release` by all of a release for one recipient,
    nor than `rho_year` by all within a year, for all recipients together, who can meet. In thousandths."""

    rho: int
    rho_release: int
    rho_year: int
    household: int
    delta_digits: int
    since: date
    basis: str

    def deviation(self, most: int) -> float:
        """The standard deviation of the noise of each count, where a household adds at most `most` to the counts."""
        return most / sqrt(2 * self.rho / 1000)

    def epsilon(self, rho: int) -> float:
        """What `rho` thousandths mean as (epsilon, 10^-`delta_digits`)-differential privacy, by plain conversion: an
        upper bound."""
        spent = rho / 1000
        return spent + 2 * sqrt(spent * self.delta_digits * log(10))


Method: TypeAlias = Suppression | CellKey | DifferentialPrivacy


def method_on(day: date, output: str = DISCLOSED) -> Method:
    """Raises NoRule where no rule is in force, names no method that is known, or does not say all that it needs: then
    no table leaves."""
    rule = rules("disclosure", "method", ("output",)).on(day, output)
    match rule["method"]:
        case "suppression":
            return Suppression(rule.since, rule.basis)
        case "cell-key":
            least, most = rule["bounds"] if _is_pair(rule["bounds"]) else (0, 0)
            if not 0 < least <= most:
                raise NoRule("bounds are two numbers above 0, the smaller one first")
            numbers = (_number(rule, name) for name in ("variance", "base", "most_breakdowns"))
            variance, base, breakdowns = numbers
            within = _number(rule, "additive_within") if "additive_within" in rule.values else None
            return CellKey(variance, (least, most), base, breakdowns, rule.since, rule.basis, within)
        case "differential-privacy":
            names = ("rho_thousandths", "rho_thousandths_per_release", "rho_thousandths_per_year")
            rho, release, year, household, digits = (
                _number(rule, name) for name in (*names, "household", "delta_digits")
            )
            return DifferentialPrivacy(rho, release, year, household, digits, rule.since, rule.basis)
    raise NoRule("no method of this name")


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value)


def _number(rule: Rule, name: str) -> int:
    value = rule[name]
    if type(value) is not int or value < 1:
        raise NoRule(f"{name} is a number above 0")
    return value
