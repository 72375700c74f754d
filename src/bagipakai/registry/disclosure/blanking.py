"""Local suppression: in rows of small classes, the fewest values are left blank that put them among enough others.

For each small class the patterns of blanks are tried, the cheapest first; one group-by over what a pattern leaves tells
which classes it saves. What no pattern saves is dropped. A blank has one of two meanings, stated by the policy: it
*matches anything*, so a blanked row stands among all rows that agree with it elsewhere (as in sdcMicro); or it is *a
value of its own*, so it stands only among rows that are blank in the same variables, which costs more. The result
is verified by both; the one that was asked for holds.

Nobody who is saved counts on a row that is dropped: whoever stands in the same group is saved with it, or was before.
With a family column, a class is small by its families. Which rows are blanked depends on their class alone: the same
file, the same blanks, on any number of threads. Sources: Samarati and Sweeney 1998; Hundepool et al., Statistical
Disclosure Control, 2012, chapter 3.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations

from bagipakai.registry.disclosure.measures import Anonymity, Classes, Connection, alike, fresh, quoted, run


class Blank(StrEnum):
    """What a blank means to whoever reads the file."""

    ANYTHING = "anything"
    ITSELF = "itself"


@dataclass(frozen=True, slots=True)
class Blanked:
    """What was done, and what it is worth. `blanks` of `values` (rows that stay times quasi-identifiers) were blanked
    that were not blank before; `dropped` of `rows` rows were left out. `anything` and `itself` are the classes of the
    result by either meaning of a blank. `fits`: the asked meaning has nobody below k, and both shares are within their
    limits."""

    rows: int
    values: int
    blanks: int
    dropped: int
    anything: Anonymity
    itself: Anonymity
    fits: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """`k` units; at most these shares of values blanked and of rows dropped; what a blank means; of one row, at most
    `most` blanks (None: all)."""

    k: int
    blanked: Fraction
    dropped: Fraction
    blank: Blank
    most: int | None = None


def blank(
    con: Connection,
    relation: str,
    into: str,
    quasi: Sequence[str],
    allowed: Allowed,
    costs: Mapping[str, int] | None = None,
    family: str | None = None,
    weight: str | None = None,
    firm: Collection[str] = (),
) -> Blanked:
    """Makes the temporary view `into`: `relation`, a table or view, with blanks in `quasi`, without the rows that had
    to be dropped; and the temporary table `{into}_blanks` that it reads, one row per class that is touched. `costs` of
    blanking a variable (1 where not told) order the patterns; of equal cost, those with fewer blanks, then with earlier
    variables. Those that are `firm` are never blanked, nor counted as values. With `weight` (a column) a row stands for
    so many. Raises MeasureError; ValueError for a cost below 1."""
    if min((costs or {}).values(), default=1) < 1:
        raise ValueError("a blank costs something")
    solved = f"{into}_blanks"
    soft = [at for at, name in enumerate(quasi) if name not in firm]
    of_soft = patterns([quasi[at] for at in soft], costs or {}, allowed.most)
    every = [tuple(soft[at] for at in pattern) for pattern in of_soft]
    with Classes(con, relation, quasi, weight=weight) as classes:
        if family is None:
            _Work(con, classes, solved, allowed).solve(every)
        else:
            with Classes(con, relation, quasi, family=family) as families:
                _Work(con, families, solved, allowed).solve(every)
        rows, blanks, dropped = _counted(con, classes, solved)
    _made(con, relation, into, quasi)
    with Classes(con, into, quasi, family=family, weight=weight) as classes:  # anew, from the rows
        anything, itself = classes.wildcard(allowed.k), classes.anonymity(allowed.k)
    values = len(soft) * (rows - dropped)
    below = (anything if allowed.blank is Blank.ANYTHING else itself).units_below
    fits = below == 0 and (blanks <= allowed.blanked * values) and (dropped <= allowed.dropped * rows)
    return Blanked(rows, values, blanks, dropped, anything, itself, fits)


def patterns(quasi: Sequence[str], costs: Mapping[str, int], most: int | None = None) -> list[tuple[int, ...]]:
    """Every choice of places in `quasi` to blank, the cheapest first."""
    places = range(len(quasi))
    sizes = range(1, min(len(quasi), len(quasi) if most is None else most) + 1)
    every = [chosen for size in sizes for chosen in combinations(places, size)]
    return sorted(every, key=lambda chosen: (sum(costs.get(quasi[at], 1) for at in chosen), len(chosen), chosen))


class _Work:
    """On temporary tables of the file's classes, each with a number, its keys and its units k: `held` has all, `open`
    the small ones that no pattern has saved yet, `told` the others as they will be told. `homes` has the families of
    each class. `solved` is the answer: a bit mask of blanks for each small class; one bit more means dropped."""

    def __init__(self, con: Connection, classes: Classes, solved: str, allowed: Allowed) -> None:
        self.con, self.classes, self.allowed, self.solved = con, classes, allowed, quoted(solved)
        self.held, self.open, self.told, self.homes = fresh("held"), fresh("open"), fresh("told"), fresh("homes")
        self.keys, self.gone = ", ".join(classes.keys), 1 << len(classes.keys)

    def solve(self, every: Sequence[tuple[int, ...]]) -> None:
        """Tries the patterns one after the other; what is left then is dropped."""
        table, keys = self.classes.table, self.keys
        self._make(self.held, f"SELECT row_number() OVER () AS id, 0 AS same, {keys}, k FROM {table}")  # noqa: S608
        if self.classes.families:
            on = alike("held", "members", self.classes.keys)
            members = f"{self.held} AS held JOIN {self.classes.members} AS members ON {on}"
            self._make(self.homes, f"SELECT DISTINCT id, family FROM {members}")  # noqa: S608  # our own names
        self._make(self.solved, f"SELECT {keys}, 0 AS pattern FROM {self.held} LIMIT 0")  # noqa: S608  # as above
        self._make(self.open, f"SELECT * FROM {self.held} WHERE k < {int(self.allowed.k)}")  # noqa: S608  # as above
        self._make(self.told, f"SELECT * FROM {self.held} WHERE k >= {int(self.allowed.k)}")  # noqa: S608  # as above
        for pattern in every:
            if not self._left():
                break
            self._try(pattern)
        self._run(f"INSERT INTO {self.solved} SELECT {self.keys}, {self.gone} FROM {self.open}")  # noqa: S608
        for name in (self.held, self.open, self.told, self.homes):
            self._run(f"DROP TABLE IF EXISTS {name}")

    def _left(self) -> int:
        [[left]] = run(self.con, f"SELECT count(*) FROM {self.open}")  # noqa: S608  # as above
        return int(left)

    def _try(self, pattern: tuple[int, ...]) -> None:
        """Saves the open classes that stand among k units once `pattern` is blank."""
        keys, saved = self.classes.keys, fresh("saved")
        rest = ["same", *(key for at, key in enumerate(keys) if at not in pattern)]
        listed = ", ".join(rest)
        blanks = ", ".join(
            f"CASE WHEN false THEN {key} END AS {key}" if at in pattern else key for at, key in enumerate(keys)
        )
        self._make(
            saved,
            f"""WITH
wanted AS (
    SELECT DISTINCT {listed} FROM {self.open}
),
among AS (
    {self._among(pattern, listed)}
),
near AS (
    SELECT among.* FROM among SEMI JOIN wanted ON {alike("among", "wanted", rest)}
),
enough AS (
    {self._enough(listed)}
)
SELECT open.* FROM {self.open} AS open SEMI JOIN enough ON {alike("open", "enough", rest)}""",  # noqa: S608  # as above
        )
        mask = sum(1 << at for at in pattern)
        self._run(f"INSERT INTO {self.solved} SELECT {self.keys}, {mask} FROM {saved}")  # noqa: S608  # as above
        self._run(f"INSERT INTO {self.told} SELECT id, same, {blanks}, k FROM {saved}")  # noqa: S608  # as above
        self._run(f"DELETE FROM {self.open} WHERE id IN (SELECT id FROM {saved})")  # noqa: S608  # as above
        self._run(f"DROP TABLE {saved}")

    def _among(self, pattern: tuple[int, ...], listed: str) -> str:
        """The classes that one with these blanks would stand among: all, if a blank matches anything; otherwise those
        that are still open, and those that are blank there too."""
        if self.allowed.blank is Blank.ANYTHING:
            return f"SELECT id, {listed}, k FROM {self.held}"  # noqa: S608  # as above
        blank_too = " AND ".join(f"({self.classes.keys[at]} IS NULL)" for at in pattern)
        return f"""SELECT id, {listed}, k FROM {self.open}
    UNION ALL SELECT id, {listed}, k FROM {self.told} WHERE {blank_too}"""  # noqa: S608  # as above

    def _enough(self, listed: str) -> str:
        if not self.classes.families:
            return f"SELECT {listed} FROM near GROUP BY ALL HAVING (sum(k) >= {int(self.allowed.k)})"  # noqa: S608
        families = "count(DISTINCT family) + max(CAST(family IS NULL AS BIGINT))"
        return f"""SELECT {listed} FROM near JOIN {self.homes} AS homes ON (near.id = homes.id)
    GROUP BY ALL HAVING ({families} >= {int(self.allowed.k)})"""  # noqa: S608  # as above

    def _make(self, table: str, text: str) -> None:
        self._run(f"CREATE OR REPLACE TEMP TABLE {table} AS\n{text}")

    def _run(self, text: str) -> None:
        run(self.con, text)


def _made(con: Connection, relation: str, into: str, quasi: Sequence[str]) -> None:
    """The view: each row with its class's blanks."""
    blanks = quoted(f"{into}_blanks")
    on = " AND ".join(f"(file.{quoted(name)} IS NOT DISTINCT FROM blanks.q{at})" for at, name in enumerate(quasi))
    told = ", ".join(
        f"CASE WHEN (coalesce(blanks.pattern, 0) & {1 << at}) = 0 THEN file.{quoted(name)} END AS {quoted(name)}"
        for at, name in enumerate(quasi)
    )
    run(
        con,
        f"""CREATE TEMP VIEW {quoted(into)} AS
SELECT file.* REPLACE ({told})
FROM {quoted(relation)} AS file LEFT JOIN {blanks} AS blanks ON {on}
WHERE coalesce(blanks.pattern, 0) < {1 << len(quasi)}""",  # noqa: S608  # names are quoted
    )


def _counted(con: Connection, classes: Classes, solved: str) -> tuple[int, int, int]:
    """All rows, the values that were not blank and become so, and the rows that are dropped."""
    gone = 1 << len(classes.keys)
    bits = " + ".join(
        f"CAST(((pattern & {1 << at}) > 0) AND (held.{key} IS NOT NULL) AS BIGINT)"
        for at, key in enumerate(classes.keys)
    )
    text = f"""SELECT coalesce(sum(k * ({bits})) FILTER (pattern < {gone}), 0),
    coalesce(sum(k) FILTER (pattern = {gone}), 0)
FROM {classes.table} AS held JOIN {quoted(solved)} AS solved ON {alike("held", "solved", classes.keys)}"""  # noqa: S608
    [[blanks, dropped]] = run(con, text)
    return classes.anonymity(1).units, int(blanks), int(dropped)
