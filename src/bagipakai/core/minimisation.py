"""Less than was asked, where less is enough: field by field against the purpose, and the cheapest product that serves.

What a purpose may not use is refused by the plan's own objections. All else that is said here is advice: it is shown
beside the question and to whoever examines, and is in nobody's way (decision 0145). Source: disclosure reference 4.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from bagipakai.core.disclosure import Disclosure, Grain
from bagipakai.core.objections.plan import Known, content_objection, control_tier, outside_the_purpose
from bagipakai.core.plan import WITHOUT_NAMES, Area, Asked, Format, Level, Plan, Protections, Recipient, Unit
from bagipakai.core.policy import PolicyError, rules
from bagipakai.core.query import Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue

NOTHING_LEFT: Final = 100  # the loss of a variable that is left out


class Use(StrEnum):
    """What a purpose does with a variable that it may use."""

    REQUIRED = "required"
    OPTIONAL = "optional"  # it is usually served without


@dataclass(frozen=True, slots=True)
class Need:
    """How far a purpose needs a variable. `enough`: the coarsest that still serves it, a grain of the variable or a
    coarser variable; empty where an optional one can be left out."""

    use: Use
    enough: str
    basis: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """What may be asked for it: levels, variables, and what is known of how far it needs them. What is in no list is
    forbidden."""

    levels: frozenset[str]
    variables: frozenset[str]
    needs: Mapping[str, Need]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a wish is measured by on one day. `coarser`: for each variable those that follow from it, with the loss that
    is stated (0 to 100)."""

    catalogue: Catalogue
    purposes: Mapping[str, Purpose]
    coarser: Mapping[str, Mapping[str, int]]
    grains: Mapping[str, tuple[Grain, ...]]
    rule: Disclosure

    @classmethod
    def on(cls, day: date) -> "Measure":
        """Raises PolicyError for a need that names what does not exist, NoRule where no rule for tables is in force."""
        coarser: dict[str, dict[str, int]] = {}
        for (finer, to), rule in rules("disclosure", "coarser", ("variable", "coarser")).in_force(day).items():
            coarser.setdefault(str(finer), {})[str(to)] = int(rule["loss"])
        needs: dict[str, dict[str, Need]] = {}
        for (purpose, name), rule in rules("purposes", "need", ("purpose", "variable")).in_force(day).items():
            needs.setdefault(str(purpose), {})[str(name)] = Need(Use(rule["use"]), str(rule["enough"]), rule.basis)
        purposes = {
            str(code): Purpose(frozenset(rule["levels"]), frozenset(rule["variables"]), needs.get(str(code), {}))
            for (code,), rule in rules("purposes", "purpose", ("code",)).in_force(day).items()
        }
        measure = cls(Catalogue.on(day), purposes, coarser, Grain.on(day), Disclosure.on(day))
        for code, purpose in purposes.items():
            for name, need in purpose.needs.items():
                if name not in purpose.variables or (need.enough and measure.loss(name, need.enough) is None):
                    raise PolicyError(f"purposes.toml, need of {code} for {name}: what it names does not exist")
        return measure

    def grain(self, name: str, code: str) -> Grain | None:
        return next((one for one in self.grains.get(name, ()) if one.code == code), None)

    def loss(self, name: str, enough: str) -> int | None:
        """What is stated to be lost when `name` is told only as far as `enough`; None where there is no such way."""
        grain = self.grain(name, enough)
        return grain.loss if grain else self.coarser.get(name, {}).get(enough)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an applicant asks to be told, before it is a plan: of whom, how closely, and which variables."""

    purpose: str
    level: Level
    unit: Unit
    population: Predicate | None
    variables: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """A variable is asked for that the purpose does not need, or finer than it needs: `enough` would do."""

    variable: str
    enough: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One way to ask for less. `about`: the variable that changes, or the level that is enough. `loss`: what is stated
    to be lost of the variable, 0 where another level tells the same (a table does, but for small groups). `wish`: what
    would then be asked."""

    about: str
    loss: int
    wish: Wish


def judged(wish: Wish, measure: Measure) -> Iterator[Refusal | Remark]:
    """What is to be said of each variable: those that the purpose may not use are refused; of others, that it does not
    need them, or not so finely. Of a purpose that is not known nothing: its plan is refused."""
    purpose = measure.purposes.get(wish.purpose)
    if purpose is None:
        return
    for asked in wish.variables:
        need = purpose.needs.get(asked.name)
        if no := outside_the_purpose(asked.name, wish.purpose, purpose.variables):
            yield no
        elif need and _exceeds(asked, need, wish.level, measure):
            yield Remark(asked.name, need.enough)


def _exceeds(asked: Asked, need: Need, level: Level, measure: Measure) -> bool:
    enough = measure.grain(asked.name, need.enough)
    if enough is None:
        return bool(need.enough) or need.use is Use.OPTIONAL
    now = measure.grain(asked.name, asked.grain)
    return level in WITHOUT_NAMES and (now is None or now.loss < enough.loss)


def steps(wish: Wish, measure: Measure) -> tuple[Step, ...]:
    """Every single change that asks for less and would be lawful, the least loss first. Each variable that more is
    asked of than the purpose needs; and the lowest level that may hold what is asked."""
    remarks = [one for one in judged(wish, measure) if isinstance(one, Remark)]
    found = [*_levels(wish, measure), *(_step(wish, remark, measure) for remark in remarks)]
    return tuple(sorted((one for one in found if _lawful(one.wish, measure)), key=lambda step: step.loss))


def cheapest(wish: Wish, measure: Measure) -> Wish:
    """What is left when every step is taken, the least loss first; the wish itself where there is none."""
    while found := steps(wish, measure):
        wish = found[0].wish
    return wish


def _levels(wish: Wish, measure: Measure) -> Iterator[Step]:
    """The lowest level below that may hold the same. A table tells no variable more coarsely, so it would tell more
    than rows of bands."""
    purpose = measure.purposes.get(wish.purpose)
    for level in Level:
        lower = replace(wish, level=level)
        if purpose and level < wish.level and level in purpose.levels and _lawful(lower, measure):
            yield Step(level.value, 0, lower)
            return


def _step(wish: Wish, remark: Remark, measure: Measure) -> Step:
    changed: dict[str, Asked] = {}
    for asked in wish.variables:
        if asked.name != remark.variable:
            changed[asked.name] = asked
        elif measure.grain(asked.name, remark.enough):
            changed[asked.name] = replace(asked, grain=remark.enough)
        elif remark.enough and remark.enough not in (one.name for one in wish.variables):
            changed[remark.enough] = Asked(remark.enough, asked.reason)
    loss = measure.loss(remark.variable, remark.enough)
    return Step(
        remark.variable, NOTHING_LEFT if loss is None else loss, replace(wish, variables=tuple(changed.values()))
    )


def _lawful(wish: Wish, measure: Measure) -> bool:
    """Whether nothing but a missing reason would stand in the way of this content in a plan. The plan that is asked
    here names no place, release or recipient: it is judged and thrown away."""
    plan = Plan(
        request="",
        purpose=wish.purpose,
        programme="",
        legal_basis="",
        level=wish.level,
        unit=wish.unit,
        release="",
        rolling=False,
        area=Area((), ""),
        population=wish.population,
        variables=tuple(replace(asked, reason=asked.name) for asked in wish.variables),
        protections=Protections(smallest_cell=measure.rule.smallest_persons if wish.level is Level.L1 else 0),
        format=Format.CSV,
        channel="",
        recipient=Recipient("", "", "", "", ""),
        onward_sharing=False,
        ends_on=date.max,
    )
    return content_objection(plan, _known(plan, measure)) is None


def _known(plan: Plan, measure: Measure) -> Known:
    return Known(
        catalogue=measure.catalogue,
        purposes={code: purpose.variables for code, purpose in measure.purposes.items()},
        regions=(),
        edition="",
        releases=(),
        rule=measure.rule,
        grains=measure.grains,
        tier=control_tier(plan, measure.catalogue),
    )
