"""What can stand in the way of a plan: what it names does not exist, or its level may not hold it.

A plan is judged as a value, against what the house knows on the day (`Known`). Each code has its sentence in
policies/refusals.toml. Source: law reference 4.4 (invariants), 6.2 (levels and variables).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bagipakai.core.base_categories import table_filter
from bagipakai.core.disclosure import EXEMPTIBLE, Disclosure, Grain
from bagipakai.core.plan import NATION, WITHOUT_NAMES, Format, Level, Plan, Unit
from bagipakai.core.query import (
    AREA_COLUMNS,
    And,
    Between,
    Column,
    Compare,
    Const,
    In,
    Missing,
    Not,
    Op,
    Or,
    Predicate,
    Scalar,
    columns_of,
    truth_of_nothing,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Variable

IDENTIFIERS = ("nik", "nomor_kk")  # who a person or family is; delivered at L4, or as pseudonyms
MOST_PARTS = 200  # parts of one population predicate; more is a list of people, not a population
MOST_VALUES = 1_000  # constants in it


@dataclass(frozen=True, slots=True)
class Known:
    """What the house knows on the day a plan is judged.

    `purposes`: each purpose with the names that its programmes may use, as columns and in the filter. `regions`: the
    codes of one `edition`. `rule`: the disclosure rule. `grains`: how coarsely each variable may be told. `tier`: the
    control tier whose documents and gates the request passed (law reference 6.2), None where none is known; it can
    exceed the plan's level, and opens specific variables in rows, never names.
    """

    catalogue: Catalogue
    purposes: Mapping[str, Collection[str]]
    regions: Collection[str]
    edition: str
    releases: Collection[str]
    rule: Disclosure
    grains: Mapping[str, Collection[Grain]] = field(default_factory=dict)
    tier: Level | None = None


Part: TypeAlias = Callable[[Plan, Known], Iterator[Refusal]]  # what can stand in the way on one side of a plan


def control_tier(plan: Plan, catalogue: Catalogue) -> Level:
    """The tier of documents and gates that this plan needs: its level, or L4 where it holds or filters rows by
    specific data. What the catalogue does not know is refused elsewhere, and opens nothing here."""
    return catalogue.tier_of([name for name in plan.used if name in catalogue], plan.level)


def objection(plan: Plan, known: Known) -> Refusal | None:
    """What stands in the way of this plan, or None. Whatever is not known is refused (law reference 4.4, rule 8)."""
    return _first((_frame, _matching, *CONTENT), plan, known)


def content_objection(plan: Plan, known: Known) -> Refusal | None:
    """The same of what it tells, wherever, from whichever release and to whomever; its purpose must be known."""
    return _first(CONTENT, plan, known)


def _first(parts: Iterable[Part], plan: Plan, known: Known) -> Refusal | None:
    return next((no for part in parts for no in part(plan, known)), None)


def _frame(plan: Plan, known: Known) -> Iterator[Refusal]:
    """Purpose, release and area exist, and the area lies inside the recipient's competence (law reference 4.4,
    rule 3)."""
    if plan.purpose not in known.purposes:
        yield Refusal("plan-purpose-unknown", {"purpose": _shown(plan.purpose)})
    if plan.release not in known.releases:
        yield Refusal("plan-release-unknown", {"release": _shown(plan.release)})
    if (plan.area.system, plan.area.edition) != ("KEMENDAGRI", known.edition):
        yield Refusal("plan-region-edition-unknown", {"edition": known.edition})
    for code in plan.area.codes:
        if len(code) not in AREA_COLUMNS or code not in known.regions:
            yield Refusal("plan-region-unknown", {"code": _shown(code)})
        if sum(code.startswith(other) for other in plan.area.codes) > 1:
            yield Refusal("plan-region-twice", {"code": _shown(code)})
    yield from _outside(plan.area.codes, plan.recipient.competence)


def _matching(plan: Plan, known: Known) -> Iterator[Refusal]:
    """A list is matched as it was read, person by person, behind the gates of level L4; what is told of its rows stays
    with who sent them (law reference 4.7)."""
    if plan.matching is None:
        return
    if re.fullmatch("[0-9a-f]{64}", plan.matching.digest) is None or not plan.matching.rows:
        yield Refusal("plan-roster-unknown", {"roster": _shown(plan.matching.roster)})
    if plan.level is not Level.L4:
        yield Refusal("plan-matching-above-level", {"level": plan.level.value, "needed": Level.L4.value})
    if plan.unit is not Unit.INDIVIDU:
        yield Refusal("plan-matching-of-persons", {"unit": plan.unit.value})
    if plan.onward_sharing:
        yield Refusal("plan-matching-stays")


def _outside(codes: tuple[str, ...], competence: str) -> Iterator[Refusal]:
    """What of an area does not lie in this competence. One that is not known has no inside."""
    if competence == NATION:
        return
    if len(competence) not in AREA_COLUMNS or not (competence.isascii() and competence.isdigit()):
        yield Refusal("plan-competence-unknown")
    elif not codes:
        yield Refusal("area-outside-competence", {"area": "Indonesia"})
    for code in codes:
        if not code.startswith(competence):
            yield Refusal("area-outside-competence", {"area": _shown(code)})


def _variables(plan: Plan, known: Known) -> Iterator[Refusal]:
    """Each variable exists, belongs to the unit and the purpose, stands once, and has a reason. The filter speaks of
    the same variables, asked for or not: what a row was chosen by is known of every row."""
    if not plan.variables and plan.matching is None:
        yield Refusal("plan-without-variables")
    for name in plan.used:
        if name not in known.catalogue:
            yield Refusal("plan-variable-unknown", {"name": _shown(name)})
        elif plan.unit not in known.catalogue[name].units:
            yield Refusal("plan-variable-of-other-unit", {"name": name, "unit": plan.unit.value})
        elif no := outside_the_purpose(name, plan.purpose, known.purposes[plan.purpose]):
            yield no
    for asked in plan.variables:
        if plan.columns.count(asked.name) > 1:
            yield Refusal("plan-variable-twice", {"name": asked.name})
        if not asked.reason.strip():
            yield Refusal("plan-variable-without-reason", {"name": asked.name})


def outside_the_purpose(name: str, purpose: str, variables: Collection[str]) -> Refusal | None:
    """Whether a purpose that may use these `variables` may use this one."""
    if name in variables:
        return None
    return Refusal("plan-variable-outside-purpose", {"name": _shown(name), "purpose": _shown(purpose)})


def _level(plan: Plan, known: Known) -> Iterator[Refusal]:
    """The level may hold each variable, and all of them together."""
    level = {"level": plan.level.value}
    for variable in map(known.catalogue.__getitem__, plan.columns):
        if plan.level is Level.L1 and not variable.dimension:
            yield Refusal("plan-not-a-dimension", {"name": variable.name})
        yield from _above(variable, plan, known)
    for name in columns_of(plan.population):
        if name in IDENTIFIERS:
            yield Refusal("plan-filter-by-identifier", {"name": name})
        yield from _above(known.catalogue[name], plan, known)
    if plan.level is not Level.L1 and (needed := known.catalogue.level_of(plan.used)) > plan.level:
        yield Refusal("plan-together-above-level", {**level, "needed": needed.value})


def _above(variable: Variable, plan: Plan, known: Known) -> Iterator[Refusal]:
    """A dimension of a table must be fit to be one; what a table is filtered by need only be fit for aggregates."""
    if plan.level is Level.L1:
        most = max(Level.L2, known.tier or Level.L1)
        fits = variable.lowest_level <= most
    else:
        fits = variable.may_stand_in(plan.level, max(plan.level, known.tier or Level.L1))
    if not fits:
        detail = {"name": variable.name, "level": plan.level.value, "needed": variable.lowest_level.value}
        code = "plan-specific-needs-tier" if variable.lowest_level is Level.L1 else "plan-variable-above-level"
        yield Refusal(code, detail)


def _protections(plan: Plan, known: Known) -> Iterator[Refusal]:
    """Pseudonyms stand for an identifier of this unit that is not delivered in clear; only tables have a smallest
    cell."""
    for name in plan.protections.pseudonyms:
        if name not in IDENTIFIERS or plan.unit not in known.catalogue[name].units or plan.level is Level.L1:
            yield Refusal("plan-pseudonym-unknown", {"name": _shown(name)})
        elif name in plan.columns or plan.protections.pseudonyms.count(name) > 1:
            yield Refusal("plan-pseudonym-beside-number", {"name": name})
    smallest = known.rule.smallest_persons if plan.level is Level.L1 else 0
    if plan.protections.smallest_cell < smallest or (not smallest and plan.protections.smallest_cell):
        yield Refusal("plan-smallest-cell", {"smallest": str(smallest)})


def _grains(plan: Plan, known: Known) -> Iterator[Refusal]:
    """Only rows without names are told more coarsely, in ways that the policy knows: a table has its own rule, and in
    rows by name and address no value is altered."""
    for asked in plan.variables:
        ways = {grain.code for grain in known.grains.get(asked.name, ())} if _without_names(plan) else set()
        if asked.grain and asked.grain not in ways:
            yield Refusal("plan-grain-unknown", {"name": asked.name, "grain": _shown(asked.grain)})


def _exempted(plan: Plan, known: Known) -> Iterator[Refusal]:
    """What rows need not meet is a rule for such rows, told once, with a reason."""
    rules = [one.rule for one in plan.protections.exempted]
    if rules and not _without_names(plan):
        yield Refusal("plan-exempts-no-rows", {"level": plan.level.value})
    for one in plan.protections.exempted:
        if one.rule not in EXEMPTIBLE:
            yield Refusal("plan-exempts-no-rule", {"rule": _shown(one.rule)})
        if not one.reason.strip():
            yield Refusal("plan-exempts-without-reason", {"rule": _shown(one.rule)})
    if rules != sorted(set(rules)):
        yield Refusal("plan-exempts-twice")


def _without_names(plan: Plan) -> bool:
    return plan.level in WITHOUT_NAMES and plan.matching is None


def _table(plan: Plan, known: Known) -> Iterator[Refusal]:
    """A table has few dimensions, and fewer where its places are small; its filter can be compared with those of other
    tables. Only a table has a form for observations."""
    if plan.format is Format.SDMX_CSV and plan.level is not Level.L1:
        yield Refusal("plan-format-for-tables-only", {"format": plan.format.value})
    if plan.level is Level.L1:
        most = min((known.rule.crossed_with.get(name, known.rule.most_dimensions) for name in plan.columns), default=0)
        most = min(most, known.rule.most_dimensions)
        if len(plan.columns) > most:
            yield Refusal("plan-too-many-dimensions", {"most": str(most)})
        if plan.population is not None and not any(_wrong(plan.population, known.catalogue)):
            chosen = table_filter(plan.population, known.catalogue)
            if isinstance(chosen, Refusal):
                yield chosen


def _filter(plan: Plan, known: Known) -> Iterator[Refusal]:
    """The population is a sentence that fits the catalogue, and says something about whom it chooses."""
    if plan.population is not None:
        wrong = list(_wrong(plan.population, known.catalogue))
        yield from wrong
        parts, values = _size(plan.population)
        if parts > MOST_PARTS or values > MOST_VALUES:
            yield Refusal("plan-filter-too-long", {"parts": str(MOST_PARTS), "values": str(MOST_VALUES)})
        if not wrong and truth_of_nothing(plan.population) is True:
            yield Refusal("plan-filter-chooses-the-unknown")


CONTENT: Final[tuple[Part, ...]] = (_variables, _level, _protections, _grains, _exempted, _table, _filter)


def _wrong(predicate: Predicate, catalogue: Catalogue) -> Iterator[Refusal]:
    """Types and codes. The refusal names the variable and never repeats the constant: somebody may have typed a NIK."""
    match predicate:
        case Column(name):
            if catalogue[name].type.value != "boolean":
                yield Refusal("plan-filter-not-boolean", {"name": name})
        case Compare(op, Column(left), Column(right)):
            if catalogue[left].type is not catalogue[right].type:
                yield Refusal("plan-filter-wrong-type", {"name": right, "type": catalogue[left].type.value})
            yield from _unordered(op, catalogue[left])
        case Compare(op, Column(name), Const(value)) | Compare(op, Const(value), Column(name)):
            yield from _unfit(catalogue[name], value)
            yield from _unordered(op, catalogue[name])
        case Compare():
            yield Refusal("plan-filter-without-column")
        case In(Column(name), values):
            for value in values:
                yield from _unfit(catalogue[name], value)
        case Between(Column(name), low, high):
            unfit = [*_unfit(catalogue[name], low), *_unfit(catalogue[name], high)]
            yield from unfit
            yield from _unordered(Op.AT_MOST, catalogue[name])
            if not unfit and low > high:  # type: ignore[operator]  # both are of the column's type
                yield Refusal("plan-filter-reversed", {"name": name})
        case And(parts) | Or(parts):
            for part in parts:
                yield from _wrong(part, catalogue)
        case Not(part):
            yield from _wrong(part, catalogue)
        case Missing(Column(_)):
            return  # of any type: whether a value is known can be asked of every variable
        case Missing(part):
            yield from _wrong(part, catalogue)


def _unfit(variable: Variable, value: Scalar) -> Iterator[Refusal]:
    if _type_of(value) != variable.type.value:
        yield Refusal("plan-filter-wrong-type", {"name": variable.name, "type": variable.type.value})
    elif variable.codes is not None and value not in variable.codes:
        yield Refusal("plan-filter-code-unknown", {"name": variable.name, "codes": variable.codes.name})


def _unordered(op: Op, variable: Variable) -> Iterator[Refusal]:
    """Codes and yes/no have no order: what would "less than" choose?"""
    if op not in (Op.EQUAL, Op.DIFFERS) and (variable.codes is not None or variable.type.value == "boolean"):
        yield Refusal("plan-filter-without-order", {"name": variable.name})


def _type_of(value: Scalar) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case str():
            return "text"
    return "date"


def _size(predicate: Predicate) -> tuple[int, int]:
    """Parts and constants of a predicate."""
    match predicate:
        case And(parts) | Or(parts):
            sizes = [_size(part) for part in parts]
            return 1 + sum(size[0] for size in sizes), sum(size[1] for size in sizes)
        case Not(part) | Missing(part):
            inner = _size(part)
            return 1 + inner[0], inner[1]
        case In(_, values):
            return 1, len(values)
    return 1, 2


def _shown(text: str) -> str:
    """What was typed, if it is a short name or code; never what has enough digits to be a person's number."""
    return text if re.fullmatch(r"(?!(?:[^0-9]*[0-9]){11})[A-Za-z0-9_. -]{1,60}", text) else "…"
