"""How well rows hide the persons in them, counted and not modelled: the registry is the population.

One group-by makes the classes, rows that are alike in all quasi-identifiers; every measure reads these. An
unknown value is a value of its own, alike to unknown: in a quasi-identifier, in a sensitive variable and in the family.
The other reading of a blank, that it matches anything, is a measure of its own (`wildcard`). Where a column tells the
family, families are counted instead of persons: ten persons may be two families. All figures are integers or fractions
of integers; entropy alone is rounded, as said there. So they do not depend on the number of threads.

Sources: k-anonymity, Samarati and Sweeney 1998; l-diversity, Machanavajjhala et al. 2007; t-closeness, Li et al. 2007;
delta-presence, Nergiz et al. 2007.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, count
from math import exp
from typing import Any, TypeAlias, TypeVar

import duckdb

Connection: TypeAlias = duckdb.DuckDBPyConnection
_Answer = TypeVar("_Answer")

SCALE = 10**9  # n ln n is summed in units of this part: whole numbers add up the same in every order
MOST_VALUES = 100  # of a sensitive variable whose distribution is compared; a finer one is to be banded first
_number = count()


class MeasureError(Exception):
    """A measure could not be taken. Names the kind of failure, never a value: engines quote values in their errors."""


@dataclass(frozen=True, slots=True)
class Anonymity:
    """Classes by size, in units (persons or families). `smallest` is k; 0 where there are no rows."""

    smallest: int
    classes: int
    units: int
    classes_below: int
    units_below: int

    @classmethod
    def of(cls, sizes: Mapping[int, int], least: int) -> "Anonymity":
        """Of so many classes of each size; `below`: of fewer than `least` units."""
        small = {size: many for size, many in sizes.items() if size < least}
        return cls(min(sizes, default=0), sum(sizes.values()), _total(sizes), sum(small.values()), _total(small))


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of the sensitive values in a class, over all classes, the worst: distinct l, entropy l (the exponential of the
    entropy, exact to 1e-6) and the largest share of one value. `units_below` are in classes with fewer than `l` values,
    `units_above` in classes where one value has more than the allowed share, `homogeneous` counts classes with one
    value."""

    distinct: int
    entropy: float
    share: Fraction
    homogeneous: int
    units_below: int
    units_above: int


@dataclass(frozen=True, slots=True)
class Closeness:
    """The largest distance between the sensitive values of a class and those of all rows, 0 to 1: `equal` where any two
    values are as far apart (total variation), `ordered` where neighbours are nearer (earth mover's, unknown last)."""

    equal: Fraction
    ordered: Fraction


@dataclass(frozen=True, slots=True)
class Unique:
    """How many units nobody else is alike to in these few variables."""

    variables: tuple[str, ...]
    units: int


@dataclass(frozen=True, slots=True)
class Presence:
    """How surely somebody of a class in the registry is in the file: |file ∩ class| / |registry ∩ class|, the largest.
    `units_above`: in the file, in classes above the allowed share. A class that the registry lacks counts as 1."""

    largest: Fraction
    units_above: int


def _total(sizes: Mapping[int, int]) -> int:
    return sum(size * many for size, many in sizes.items())


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quietly(call: Callable[[], _Answer]) -> _Answer:
    """`call()`, its failures told by kind alone; raised outside the handler, so that no context quotes a value."""
    try:
        return call()
    except duckdb.Error as error:
        kind = type(error).__name__
    raise MeasureError(kind)


def run(con: Connection, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of an answer. Raises MeasureError."""
    return quietly(lambda: con.execute(text, list(values)).fetchall())


def fresh(word: str) -> str:
    """A name for a temporary table that nobody else has."""
    return f"disclosure_{word}_{next(_number)}"


class Classes:
    """The classes of a relation by `quasi`, as temporary tables, each made when it is first read; a `with` drops them.

    `relation` is the name of a table or view on `con`. With `weight` (a column) a row stands for so many that are like
    it. With `family` (a column) the units are families, and one that has several sensitive values in a class counts
    once for each of them in the distribution. Raises ValueError where no quasi-identifier is told, or families are to
    be weighed; every measure raises MeasureError.
    """

    def __init__(
        self,
        con: Connection,
        relation: str,
        quasi: Sequence[str],
        sensitive: str | None = None,
        family: str | None = None,
        weight: str | None = None,
    ) -> None:
        if not quasi:
            raise ValueError("no quasi-identifier")
        if family is not None and weight is not None:
            raise ValueError("families are counted, not weighed")
        self.con, self.quasi, self.sensitive = con, tuple(quasi), sensitive
        self.keys = tuple(f"q{at}" for at in range(len(self.quasi)))
        self.families, self._made = family is not None, list[str]()
        self._counted = "count(*)" if weight is None else f"CAST(sum({quoted(weight)}) AS BIGINT)"
        named = [f"{quoted(name)} AS {key}" for name, key in zip(self.quasi, self.keys, strict=True)]
        named += [f"{quoted(sensitive)} AS s"] if sensitive is not None else []
        named += [f"{quoted(family)} AS family"] if family is not None else []
        named += [quoted(weight)] if weight is not None else []
        self._rows = f"SELECT {', '.join(named)} FROM {quoted(relation)}"  # noqa: S608  # names are quoted

    def __enter__(self) -> "Classes":
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._made:
            run(self.con, f"DROP TABLE {name}")
        self._made.clear()

    @cached_property
    def members(self) -> str:
        """Families once for each class and value. Those whose family is unknown are one."""
        return self._make("members", f"SELECT DISTINCT * FROM ({self._rows})")  # noqa: S608  # as above

    @cached_property
    def values(self) -> str:
        """Each class and sensitive value, and their number n."""
        keys = ", ".join([*self.keys, "s"])
        text = f"SELECT {keys}, {self._counted} AS n FROM {self._units} GROUP BY {keys}"  # noqa: S608  # as above
        return self._make("values", text)

    @cached_property
    def table(self) -> str:
        """Each class: its units k, and of its sensitive values, where there is one, their number l, the largest n,
        their sum w and the sum of n ln n in units of 1 / SCALE."""
        return self._make("classes", self._classes)

    @cached_property
    def sizes(self) -> dict[int, int]:
        """How many classes there are of each number of units. Whoever asks for no more needs no table of them."""
        classes = self.table if self._made or self.sensitive is not None else f"({self._classes})"
        return dict(run(self.con, f"SELECT k, count(*) FROM {classes} GROUP BY k"))  # noqa: S608  # as above

    def _make(self, word: str, text: str) -> str:
        name = fresh(word)
        run(self.con, f"CREATE TEMP TABLE {name} AS\n{text}")
        self._made.append(name)
        return name

    @property
    def _units(self) -> str:
        """What is counted in a class."""
        return self.members if self.families else f"({self._rows})"

    @property
    def _classes(self) -> str:
        keys = ", ".join(self.keys)
        if self.sensitive is None:
            return f"SELECT {keys}, {self._counted} AS k FROM {self._units} GROUP BY {keys}"  # noqa: S608  # as above
        if not self.families:
            return f"SELECT {keys}, CAST(sum(n) AS BIGINT) AS k, {_OF_VALUES} FROM {self.values} GROUP BY {keys}"  # noqa: S608
        return f"""WITH
homes AS (       -- a family once for each class
    SELECT DISTINCT {keys}, family FROM {self.members}
),
sizes AS (
    SELECT {keys}, count(*) AS k FROM homes GROUP BY {keys}
),
spread AS (
    SELECT {keys}, {_OF_VALUES} FROM {self.values} GROUP BY {keys}
)
SELECT sizes.*, spread.* EXCLUDE ({keys})
FROM sizes JOIN spread ON {alike("sizes", "spread", self.keys)}"""  # noqa: S608  # as above

    def anonymity(self, smallest: int) -> Anonymity:
        """k, and what is in classes below `smallest` units."""
        return Anonymity.of(self.sizes, smallest)

    def diversity(self, distinct: int, share: Fraction) -> Diversity:
        """Of the sensitive variable, against the least distinct l and the largest share of one value that are
        allowed."""
        self._sensitive()
        [found] = run(
            self.con,
            f"""SELECT coalesce(min(l), 0), count(*) FILTER (l = 1), coalesce(sum(k) FILTER (l < $1), 0),
    coalesce(sum(k) FILTER (CAST(largest AS HUGEINT) * $3 > CAST(k AS HUGEINT) * $2), 0)
FROM {self.table}""",  # noqa: S608  # as above
            [distinct, share.numerator, share.denominator],
        )
        least, homogeneous, below, above = map(int, found)
        worst = self._largest("largest", "k")
        return Diversity(least, self._entropy(), worst, homogeneous, below, above)

    def _entropy(self) -> float:
        """exp(ln w - (sum of n ln n) / w), the smallest. The sum is whole in units of 1e-9, the quotient rounded to
        1e-6 at the end."""
        [[least]] = run(self.con, f"SELECT min(ln(w) - ((nlogn / {SCALE}) / w)) FROM {self.table}")  # noqa: S608
        return 0.0 if least is None else round(exp(least), 6)

    def closeness(self) -> Closeness:
        """t by both distances, exact. Raises ValueError for more than MOST_VALUES values: band them first."""
        self._sensitive()
        counts = self.distribution()
        if len(counts) > MOST_VALUES:
            raise ValueError("too many values to compare distributions: band them first")
        if not counts:
            return Closeness(Fraction(0), Fraction(0))
        distances, whole = fresh("distances"), sum(counts)
        run(self.con, f"CREATE TEMP TABLE {distances} AS\n{self._distances(counts)}")
        equal = self._largest("equal", "w", distances) / (2 * whole)
        ordered = self._largest("ordered", "w", distances) / (max(1, len(counts) - 1) * whole)
        run(self.con, f"DROP TABLE {distances}")
        return Closeness(equal, ordered)

    def _distances(self, counts: Sequence[int]) -> str:
        """For each class w, and both sums of differences times w times the number of all. The counts are ours."""
        whole, keys = sum(counts), ", ".join(self.keys)
        ranks = range(1, len(counts) + 1)
        numbers = ",\n        ".join(
            f"CAST(coalesce(sum(n) FILTER (rank = {at}), 0) AS HUGEINT) AS n{at}" for at in ranks
        )
        equal = " + ".join(f"abs(n{at} * {whole} - w * {counts[at - 1]})" for at in ranks)
        ordered = " + ".join(
            f"abs(({' + '.join(f'n{below}' for below in range(1, at + 1))}) * {whole} - w * {sum(counts[:at])})"
            for at in ranks[:-1]
        )
        return f"""WITH
ranks AS (
    SELECT s, row_number() OVER (ORDER BY s NULLS LAST) AS rank FROM (SELECT DISTINCT s FROM {self.values})
),
spread AS (
    SELECT {keys}, CAST(sum(n) AS HUGEINT) AS w,
        {numbers}
    FROM {self.values} AS held JOIN ranks ON (held.s IS NOT DISTINCT FROM ranks.s)
    GROUP BY {keys}
)
SELECT {keys}, w, {equal} AS equal, {ordered or "0"} AS ordered FROM spread"""  # noqa: S608  # as above

    def alike_in_value(self, into: str, distinct: int, share: Fraction) -> None:
        """Makes the temporary table `into` of the classes, by their keys, with fewer than `distinct` sensitive values
        or one value in more than `share` of them."""
        self._sensitive()
        above = f"(CAST(largest AS HUGEINT) * {share.denominator}) > (CAST(k AS HUGEINT) * {share.numerator})"
        text = f"SELECT {', '.join(self.keys)} FROM {self.table} WHERE (l < {int(distinct)}) OR ({above})"  # noqa: S608
        run(self.con, f"CREATE TEMP TABLE {quoted(into)} AS {text}")

    def distant(self, into: str, most: Fraction) -> None:
        """Makes the temporary table `into` of the classes, by their keys, that are further than `most` from all rows by
        the ordered distance. Raises ValueError for more than MOST_VALUES values."""
        self._sensitive()
        counts = self.distribution()
        if len(counts) > MOST_VALUES:
            raise ValueError("too many values to compare distributions: band them first")
        keys, whole = ", ".join(self.keys), max(1, len(counts) - 1) * max(1, sum(counts))
        above = f"(CAST(ordered AS HUGEINT) * {most.denominator}) > (w * {whole * most.numerator})"
        text = f"SELECT {keys} FROM ({self._distances(counts or [0])}) WHERE {above}"  # noqa: S608  # as above
        run(self.con, f"CREATE TEMP TABLE {quoted(into)} AS {text}")

    def distribution(self) -> list[int]:
        """How often each sensitive value occurs in all classes together, in the order of the values, unknown last."""
        self._sensitive()
        text = f"SELECT CAST(sum(n) AS BIGINT) FROM {self.values} GROUP BY s ORDER BY s NULLS LAST"  # noqa: S608
        return [int(number) for (number,) in run(self.con, text)]

    def unique(self, most: int = 3) -> list[Unique]:
        """For every choice of at most `most` quasi-identifiers, the units alone in them."""
        found = []
        alone = "sum(k) = 1"
        if self.families:
            alone = "count(family) IN (0, count(*)) AND min(family) IS NOT DISTINCT FROM max(family)"
        for size in range(1, min(most, len(self.keys)) + 1):
            for chosen in combinations(range(len(self.keys)), size):
                keys = ", ".join(self.keys[at] for at in chosen)
                groups = f"SELECT {keys} FROM {self._apart} GROUP BY {keys} HAVING ({alone})"  # noqa: S608  # as above
                [[units]] = run(self.con, f"SELECT count(*) FROM ({groups})")  # noqa: S608  # as above
                found.append(Unique(tuple(self.quasi[at] for at in chosen), int(units)))
        return found

    @property
    def _apart(self) -> str:
        """Where the units are told apart as far as they must be."""
        return self.members if self.families else self.table

    def presence(self, registry: "Classes", most: Fraction) -> Presence:
        """Of these rows in the `registry`, by the same quasi-identifiers in the same order. Raises ValueError for
        others."""
        if self.quasi != registry.quasi:
            raise ValueError("other quasi-identifiers")
        shares = fresh("shares")
        run(
            self.con,
            f"""CREATE TEMP TABLE {shares} AS
SELECT held.k AS part, greatest(coalesce(registry.k, 0), held.k) AS whole
FROM {self.table} AS held LEFT JOIN {registry.table} AS registry ON {alike("held", "registry", self.keys)}""",  # noqa: S608
        )
        text = f"""SELECT coalesce(sum(part) FILTER (CAST(part AS HUGEINT) * $2 > CAST(whole AS HUGEINT) * $1), 0)
FROM {shares}"""  # noqa: S608  # as above
        [[above]] = run(self.con, text, [most.numerator, most.denominator])
        largest = self._largest("part", "whole", shares)
        run(self.con, f"DROP TABLE {shares}")
        return Presence(largest, int(above))

    def wildcard(self, smallest: int) -> Anonymity:
        """The same as `anonymity`, where a blank matches anything: a class has the units of all classes that agree
        with it wherever neither is blank. Units are counted up to `smallest` only, so that k is told up to it: a class
        that is large by itself is not compared. The others are, one join for each two patterns of blanks that leave
        something else to compare."""
        small, found = fresh("small"), fresh("found")
        text = f"""CREATE TEMP TABLE {small} AS
SELECT row_number() OVER () AS id, {self._pattern} AS blanks, * FROM {self.table} WHERE k < {int(smallest)}"""  # noqa: S608
        run(self.con, text)
        answer = "CAST(0 AS BIGINT) AS id, CAST(0 AS HUGEINT) AS matches"
        if self.families:
            answer = f"CAST(0 AS BIGINT) AS id, any_value(family) AS family FROM {self.members}"
        run(self.con, f"CREATE TEMP TABLE {found} AS SELECT {answer} LIMIT 0")
        for one, union in self._compared(small):
            run(self.con, f"INSERT INTO {found} {self._matches(small, one, union)}")
        told = self._among_matches(small, found, smallest)
        for name in (small, found):
            run(self.con, f"DROP TABLE {name}")
        return told

    @property
    def _pattern(self) -> str:
        """Which keys are blank, as a bit mask."""
        return " + ".join(f"({1 << at} * CAST({key} IS NULL AS BIGINT))" for at, key in enumerate(self.keys))

    def _compared(self, small: str) -> list[tuple[int, int]]:
        """The blanks of a small class, and with those of another class that it is compared with."""
        ours = run(self.con, f"SELECT DISTINCT blanks FROM {small}")  # noqa: S608  # our own names
        others = run(self.con, f"SELECT DISTINCT {self._pattern} FROM {self.table}")  # noqa: S608  # as above
        return sorted({(int(one), int(one) | int(other)) for (one,) in ours for (other,) in others})

    def _matches(self, small: str, one: int, union: int) -> str:
        """For each small class with the blanks `one`, what matches it of the classes that are blank, with it, in
        `union`: how many units, or each family."""
        rest = [key for at, key in enumerate(self.keys) if not (union >> at) & 1]
        keys = "".join(f"{key}, " for key in rest)
        ours = f"SELECT id, {keys}0 AS same FROM {small} WHERE blanks = {one}"  # noqa: S608  # as above
        told = "family" if self.families else "sum(k) AS matches"
        on = alike("ours", "others", ["same", *rest])
        return f"""WITH
ours AS (
    {ours}
),
others AS (
    SELECT {keys}0 AS same, {"family" if self.families else "k"} FROM {self._apart}
    WHERE ({self._pattern} | {one}) = {union}
),
near AS (
    SELECT {keys}same, {told} FROM others SEMI JOIN ours ON {on} GROUP BY ALL
)
SELECT ours.id, others.{told.rsplit(maxsplit=1)[-1]} FROM ours JOIN near AS others ON {on}"""  # noqa: S608  # as above

    def _among_matches(self, small: str, found: str, smallest: int) -> Anonymity:
        counted = "count(DISTINCT family) + max(CAST(family IS NULL AS BIGINT))" if self.families else "sum(matches)"
        text = f"""WITH
matched AS (
    SELECT id, {counted} AS matches FROM {found} GROUP BY id
)
SELECT coalesce(min(matches), {int(smallest)}), count(*) FILTER (matches < {int(smallest)}),
    coalesce(sum(k) FILTER (matches < {int(smallest)}), 0)
FROM {small} AS small JOIN matched USING (id)"""  # noqa: S608  # as above
        [[least, classes_below, units_below]] = run(self.con, text)
        every = self.anonymity(smallest)
        k = min(int(least), smallest) if every.classes else 0
        return Anonymity(k, every.classes, every.units, int(classes_below), int(units_below))

    def _largest(self, part: str, whole: str, table: str | None = None) -> Fraction:
        """The largest of the fractions part / whole; 0 of none. Those within rounding of it are compared exactly."""
        text = f"""WITH
near AS (
    SELECT max({part} / {whole}) AS top FROM {table or self.table}
)
SELECT DISTINCT {part}, {whole} FROM {table or self.table}, near
WHERE ({part} / {whole}) >= (top * (1 - 1e-12))"""  # noqa: S608  # as above
        return max((Fraction(int(one), int(all_of)) for one, all_of in run(self.con, text)), default=Fraction(0))

    def _sensitive(self) -> None:
        if self.sensitive is None:
            raise ValueError("no sensitive variable")


_OF_VALUES = f"""count(*) AS l, max(n) AS largest, CAST(sum(n) AS BIGINT) AS w,
    sum(CAST(round(n * ln(n) * {SCALE}) AS BIGINT)) AS nlogn"""


def alike(one: str, other: str, keys: Sequence[str]) -> str:
    """The condition that two relations agree in `keys`, unknown being alike to unknown."""
    return " AND ".join(f"({one}.{key} IS NOT DISTINCT FROM {other}.{key})" for key in keys)
