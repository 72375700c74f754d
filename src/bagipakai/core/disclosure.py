"""Small counts are hidden, and what is left does not give them back.

Pure rules on counts: no row comes here. A table is a tree: the total, then the total of each value of the first
dimension, then of the first and second, down to the cells; these prefixes are the margins that are published, and no
others are. In a tree, hiding can be proven sound by hand (decision 0033); margins that cross need linear programmes.
Methods and limits: disclosure reference §3.1 and §4.4. Every count is judged for persons *and* for families: ten
persons may be two families, and the decile belongs to the family.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol, TypeAlias

from bagipakai.core.plan import Level
from bagipakai.core.policy import PolicyError, Rule, bounded, rules
from bagipakai.core.query import AREA_COLUMNS, Scalar
from bagipakai.core.refusal import Refusal

Key: TypeAlias = tuple[Scalar | None, ...]  # the values of the first dimensions; shorter than all of them: a margin

# A place lies inside one larger place, so these dimensions nest instead of crossing.
AREAS = frozenset({*AREA_COLUMNS.values(), "nama_prov", "nama_kab", "nama_kec", "nama_desa"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A true count, before any rule. `families` may be counted only up to the smallest number that matters."""

    key: Key
    persons: int
    families: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the published table; `count` is None where it is hidden, which is never the same as zero."""

    key: Key
    count: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """The published table, margins before what they sum, unknown values last. `small` lines were hidden for being
    small, empty or closed, `partners` so that a small one cannot be had by subtraction."""

    dimensions: tuple[str, ...]
    unit: str
    lines: tuple[Shown, ...]
    small: int
    partners: int

    @property
    def hidden(self) -> int:
        return self.small + self.partners


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The rule for tables of counts (L1) on one day, from `policies/disclosure.toml`."""

    smallest_persons: int
    smallest_families: int
    most_dimensions: int
    most_cells: int
    smallest_mean: int
    most_small_percent: int
    smallest_place: Mapping[
        str, int
    ]  # an area dimension → persons who live in a place of which more than a total is told
    crossed_with: Mapping[str, int]  # an area dimension → how many dimensions a table with it may have
    since: date
    basis: str

    @classmethod
    def on(cls, day: date) -> "Disclosure":
        """Raises NoRule where no rule is in force: then no table leaves."""
        rule = rules("disclosure", "table").on(day)
        return cls(
            smallest_persons=rule.number("smallest_persons", 2),
            smallest_families=rule.number("smallest_families", 1),
            most_dimensions=rule.number("most_dimensions", 1),
            most_cells=rule.number("most_cells", 1),
            smallest_mean=rule.number("smallest_mean", 0),
            most_small_percent=rule.number("most_small_percent", 0, 100),
            smallest_place=_of_areas(rule, "smallest_place"),
            crossed_with=_of_areas(rule, "crossed_with"),
            since=rule.since,
            basis=rule.basis,
        )

    def passes(self, cell: Cell | None) -> bool:
        """Whether a cell may be shown for its own sake. An empty cell may not: "nobody" is an answer about a group."""
        return cell is not None and cell.persons >= self.smallest_persons and cell.families >= self.smallest_families


def _of_areas(rule: Rule, name: str) -> dict[str, int]:
    value = rule[name]
    if not isinstance(value, dict) or not value.keys() <= AREAS:
        raise PolicyError(f"{rule.where}: {name} must name places, each with a number")
    return {area: bounded(one, 1, None, f"{rule.where}: {name}.{area}") for area, one in value.items()}


class Fineness(Protocol):
    """Limits of how fine a table may be for the people in it: as few persons in all, as few to a cell on average, and
    so many percent of its cells that may not be shown."""

    @property
    def smallest_persons(self) -> int: ...

    @property
    def smallest_mean(self) -> int: ...

    @property
    def most_small_percent(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Together:
    """The rule for all tables that were ever published of a release, together: that `homogeneous_percent` or more of a
    group under `homogeneous_under` have something in common is told by no two of them (disclosure reference 4.6). They
    are compared with those of releases up to so many `quarters` before and after, too."""

    homogeneous_percent: int
    homogeneous_under: int
    quarters: int

    @classmethod
    def on(cls, day: date) -> "Together":
        """Raises NoRule where no rule is in force: then no table leaves."""
        rule = rules("disclosure", "together").on(day)
        under = rule.number("homogeneous_under", 0)
        return cls(rule.number("homogeneous_percent", 51, 100), under, rule.number("quarters", 0))


EXEMPTIBLE: Final = (
    "rows-alike",
    "rows-distribution",
    "rows-families",
    "rows-inference",
    "rows-one-value",
    "rows-presence",
    "rows-share",
)


@dataclass(frozen=True, slots=True)
class RowRule:
    """The rule for rows of one level (L2, L3) on one day (disclosure reference 3.1, class C). Rows that are alike in
    all `quasi_identifiers` that leave are a class. Each line below is a code of EXEMPTIBLE, and of a refusal.

    rows-alike: a class has `smallest_class` rows (k-anonymity: Samarati and Sweeney 1998); values are left blank, and
    at last rows left out, where it has not, up to these percentages. rows-one-value, rows-distribution: of the
    `sensitive` variable a class has `distinct_values`, none in more than `most_one_value_percent` of it
    (Machanavajjhala et al. 2007), and is no further than `most_distance_percent` from the distribution of all rows
    (ordered distance: Li et al. 2007). rows-presence: of a class in the registry, no more than `most_presence_percent`
    are among the rows (Nergiz et al. 2007). rows-share: nor are more than `most_share_percent` of the area.
    rows-inference: who knows the class of a person guesses the sensitive value no better, by more than
    `most_inference_percent` of what is left to guess, than who knows nothing. rows-families: nothing ties the persons
    of a family together, unless `families_together`: their ages and sexes are a name of their own.

    `top_codes`: what is above is told as this, whatever the plan says. No date is told nearer than its year where
    `year_only`. `blank`: what a blank means, `itself` or `anything`. `telling`: the sensitive variable, and those from
    which its value follows (`[[coarser]]`)."""

    smallest_class: int
    most_blanked_percent: int
    most_dropped_percent: int
    most_blanks: int
    blank: str
    sensitive: str
    distinct_values: int
    most_one_value_percent: int
    most_distance_percent: int
    most_presence_percent: int
    most_share_percent: int
    most_inference_percent: int
    families_together: bool
    top_codes: Mapping[str, int]
    quasi_identifiers: tuple[str, ...]
    telling: frozenset[str]
    since: date
    basis: str

    @classmethod
    def on(cls, day: date, level: Level) -> "RowRule":
        """Raises NoRule where no rule is in force: then no rows leave."""
        rule = rules("disclosure", "rows", ("level",)).on(day, level.value)
        return cls(
            smallest_class=rule.number("smallest_class", 2),
            most_blanked_percent=rule.number("most_blanked_percent", 0, 100),
            most_dropped_percent=rule.number("most_dropped_percent", 0, 100),
            most_blanks=rule.number("most_blanks", 0),
            blank=str(rule["blank"]),
            sensitive=str(rule["sensitive"]),
            distinct_values=rule.number("distinct_values", 1),
            most_one_value_percent=rule.number("most_one_value_percent", 1, 100),
            most_distance_percent=rule.number("most_distance_percent", 0, 100),
            most_presence_percent=rule.number("most_presence_percent", 0, 100),
            most_share_percent=rule.number("most_share_percent", 0, 100),
            most_inference_percent=rule.number("most_inference_percent", 0, 100),
            families_together=bool(rule["families_together"]),
            top_codes={str(name): int(top) for name, top in rule["top_codes"].items()},
            quasi_identifiers=tuple(rule["quasi_identifiers"]),
            telling=_telling(str(rule["sensitive"]), day),
            since=rule.since,
            basis=rule.basis,
        )

    def is_told_by(self, names: Iterable[str]) -> bool:
        """Whether the sensitive value follows from that of one of these variables."""
        return not self.telling.isdisjoint(names)


def _telling(sensitive: str, day: date) -> frozenset[str]:
    """The variable, and all from which it follows, however many steps away."""
    steps = rules("disclosure", "coarser", ("variable", "coarser")).in_force(day)
    found: set[str] = set()
    more = {sensitive}
    while more:
        found |= more
        more = {str(finer) for finer, coarser in steps if coarser in more} - found
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Grain:
    """One way to tell the values of a variable more coarsely: whole numbers by the first of their band (`starts`; the
    last band is open), or codes by that of their group (`groups`; what is in none becomes unknown). `loss`: what it is
    stated to lose, 0 for the value as it is to 100 for nothing told. The finest first."""

    code: str
    variable: str
    name: str
    english: str
    loss: int
    starts: tuple[int, ...]
    groups: Mapping[str, str]

    @classmethod
    def on(cls, day: date) -> Mapping[str, tuple["Grain", ...]]:
        """All that are in force on a day, by variable."""
        found: dict[str, list[Grain]] = {}
        for (variable, code), rule in rules("disclosure", "grain", ("variable", "code")).in_force(day).items():
            starts, groups = tuple(map(int, rule["starts"])), {str(one): str(to) for one, to in rule["groups"].items()}
            names = str(rule["name"]), str(rule["english"])
            grain = cls(str(code), str(variable), *names, int(rule["loss"]), starts, groups)
            found.setdefault(grain.variable, []).append(grain)
        return {name: tuple(sorted(some, key=lambda one: one.loss)) for name, some in found.items()}


def summable(day: date) -> frozenset[str]:
    """The variables whose sum may stand in a table: amounts that add up, of whole numbers that are never negative."""
    return frozenset(str(name) for (name,) in rules("disclosure", "summed", ("variable",)).in_force(day))


def nothing_closed(key: Key) -> bool:
    """Where nothing is closed but for being small."""
    return False


def hide(
    dimensions: Sequence[str],
    unit: str,
    cells: Iterable[Cell],
    rule: Disclosure,
    closed: Callable[[Key], bool] = nothing_closed,
) -> Table | Refusal:
    """The table as it may be published, or why none may be.

    `cells` holds each combination that occurs and each of its margins, the empty key being the total. Combinations
    that do not occur are hidden like small ones, and so are those that are `closed` for another reason. Raises
    ValueError if a margin is missing or is not the sum of its parts.
    """
    tree = _Tree(tuple(dimensions), cells)
    if not rule.passes(tree.cells.get(())):
        return too_fine(rule)
    leaves = tree.leaves()
    mean = tree.cells[()].persons // leaves
    if leaves > rule.most_cells or mean < rule.smallest_mean:
        return too_fine(rule)

    def passes(key: Key) -> bool:
        return rule.passes(tree.cells.get(key)) and not closed(key)

    table = _hidden(tree, unit, passes)
    small = sum(not passes(line.key) for line in table.lines if len(line.key) == len(dimensions))
    if 100 * small > rule.most_small_percent * leaves:
        return too_fine(rule)
    return table


def too_fine(rule: Fineness) -> Refusal:
    """Why a table is not made for its own sake. Which of the limits it does not keep to is not told: beside a table
    that differs by one person it would tell of that one."""
    limits = {name: str(getattr(rule, name)) for name in ("smallest_persons", "smallest_mean", "most_small_percent")}
    return Refusal("table-too-fine", limits)


def _hidden(tree: "_Tree", unit: str, passes: Callable[[Key], bool]) -> Table:
    """Top-down: in a line of siblings where one is hidden, or whose total is hidden, the smallest sibling that could
    have been shown is hidden with them. Where there is none, all are hidden, and together they are their total."""
    lines = [Shown((), _measure(tree.cells[()], unit))]
    small = partners = 0

    def descend(key: Key, total_is_hidden: bool) -> None:
        nonlocal small, partners
        siblings = tree.below(key)
        fit = [one for one in siblings if passes(one)]
        partner = None
        if fit and (total_is_hidden or len(fit) < len(siblings)):
            partner = min(fit, key=lambda one: (_measure(tree.cells[one], unit), _order(one)))
        may_be_shown = set(fit) - {partner}
        small += len(siblings) - len(fit)
        partners += partner is not None
        for one in siblings:
            shown = one in may_be_shown
            lines.append(Shown(one, _measure(tree.cells[one], unit) if shown else None))
            if len(one) < len(tree.dimensions):
                descend(one, not shown)

    if tree.dimensions:
        descend((), False)
    return Table(tree.dimensions, unit, tuple(lines), small, partners)


def _measure(cell: Cell, unit: str) -> int:
    return cell.families if unit == "keluarga" else cell.persons


class _Tree:
    """The full grid over the values that occur: areas nest, all other dimensions cross."""

    def __init__(self, dimensions: tuple[str, ...], cells: Iterable[Cell]) -> None:
        self.dimensions = dimensions
        self.cells = {cell.key: cell for cell in cells}
        self._areas = tuple(name in AREAS for name in dimensions)
        self._values: list[dict[Key, dict[Scalar | None, None]]] = [{} for _ in dimensions]  # ordered sets
        for key in self.cells:
            if len(key) == len(dimensions):
                for depth, value in enumerate(key):
                    self._values[depth].setdefault(self._where(key[:depth], depth), {})[value] = None
        for places in self._values:
            for where, found in places.items():
                places[where] = dict.fromkeys(sorted(found, key=lambda value: _order((value,))))
        self._check()

    def _where(self, key: Key, depth: int) -> Key:
        """What decides which values are possible at `depth`: the areas above for an area, nothing for the others."""
        if not self._areas[depth]:
            return ()
        return tuple(value for value, area in zip(key, self._areas, strict=False) if area)

    def below(self, key: Key) -> list[Key]:
        return [(*key, value) for value in self._values[len(key)].get(self._where(key, len(key)), ())]

    def leaves(self) -> int:
        """How many cells the full grid has. Counted, not built: a table that is far too fine must cost nothing."""
        places, crossed = 1, 1
        for depth, area in enumerate(self._areas):
            if area:
                places = sum(map(len, self._values[depth].values()))
            else:
                crossed *= len(self._values[depth].get((), ()))
        return max(1, places * crossed)

    def _check(self) -> None:
        sums: dict[Key, int] = {}
        for key, cell in self.cells.items():
            if key:
                sums[key[:-1]] = sums.get(key[:-1], 0) + cell.persons
        if any(key not in self.cells for key in sums):
            raise ValueError("a margin is missing")
        for key, cell in self.cells.items():
            if len(key) < len(self.dimensions) and sums.get(key, 0) != cell.persons:
                raise ValueError("a margin is not the sum of its parts")


def _order(key: Key) -> tuple[tuple[bool, Scalar], ...]:
    """Unknown values last, false before true."""
    return tuple((value is None, 0 if value is None else value) for value in key)


def in_order(cells: Iterable[Cell]) -> Iterator[Cell]:
    """The coarsest margins first; cells of one kind by value, unknown last."""
    yield from sorted(cells, key=lambda cell: (len(cell.key), _order(cell.key)))
