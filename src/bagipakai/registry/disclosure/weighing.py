"""What decides about rows without names: their classes, counted before any row is read. Small ones lose values
(`blanking`), what then still breaks a line of the policy is left out, up to the share that it allows; above that the
whole plan is refused, with the least change that would pass (`lattice`).

Sources: disclosure reference 3.1 (class C), 4.1 to 4.3; decisions 0143, 0149.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.disclosure import Grain, RowRule
from bagipakai.core.plan import Plan
from bagipakai.core.query import Count, columns_of
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.beside import NOTHING, Beside
from bagipakai.registry.disclosure.blanking import Allowed, Blank, blank
from bagipakai.registry.disclosure.lattice import MOST_NODES, Lattice, Limits
from bagipakai.registry.disclosure.measures import Classes, Connection, alike, quoted, run
from bagipakai.registry.disclosure.recoding import WHOLE, Level, Same, Variable, Withheld
from bagipakai.registry.disclosure.told import Told, recoded

Counting = Callable[[Count], Iterable[pa.RecordBatch]]  # as Engine.groups
Evidence: TypeAlias = dict[str, str | int]

MOST_PROPOSED: Final = 2_000_000  # combinations of values among which the least change is looked for
BLANKS, DROPPED, BESIDE, TOGETHER = "values_left_blank", "rows_left_out", "held_beside", "least_alike_beside"
NOT_SEEN: Final = frozenset({"classes", "small_classes", "rows_in_small_classes", "rows_alone", BLANKS, DROPPED})
NOTHING_LESS: Final = "tabel agregat (L1), variabel atau wilayah lain, atau pengecualian oleh dua orang"
NOBODY: Final = pa.table({"pattern": pa.array([], pa.int64())})


@dataclass(frozen=True)
class Weighing:
    """Counted on temporary tables, all by the keys q0, q1, …, of which the last is what the recipient has already.
    `file`: the rows that the plan chooses, as they are told, and `registry`: everybody of the area; `n` of each
    combination (in the file with the sensitive value s, and `valued`: whether the recipient has that already). `held`:
    the file without those of whom too many would leave. `kept`: what is held, with blanks. `classes`: each class of
    the file, its `pattern` and, as it is left, r0, r1, …."""

    con: Connection
    plan: Plan
    rule: RowRule
    told: Told
    names: tuple[str, ...]
    active: frozenset[str]
    beside: Beside | None = None

    @property
    def own(self) -> list[str]:
        """The keys of the plan. Where nobody can be told from anybody else, one that all have in common."""
        return [f"q{at}" for at in range(max(1, len(self.names)))]

    @property
    def firm(self) -> list[str]:
        """The key that nothing can blank: what the recipient has already."""
        return [f"q{len(self.own)}"] if self.beside else []

    @property
    def keys(self) -> list[str]:
        return [*self.own, *self.firm]

    @property
    def tells_sensitive(self) -> bool:
        """By a column, or by whom the plan chooses: whoever is among the rows is told to be of those values."""
        return self.rule.is_told_by(self.plan.columns) or self._chooses_by_sensitive

    @property
    def _chooses_by_sensitive(self) -> bool:
        return self.rule.is_told_by(columns_of(self.plan.population))

    @property
    def sensitive(self) -> str | None:
        held = self.beside is not None and self.beside.tells_sensitive
        return self.rule.sensitive if self.tells_sensitive or held else None

    @property
    def gone(self) -> int:
        return 1 << len(self.keys)

    def done(self, count: Counting, grains: Mapping[str, Sequence[Grain]]) -> tuple[pa.Table, Evidence] | Refusal:
        """The classes that are touched, and what was counted."""
        query, rule = self.plan.query(), self.rule
        needs = self.beside.needs if self.beside else ()
        by = tuple(dict.fromkeys([*self.names, *needs, *([self.sensitive] if self.sensitive else [])]))
        rows = self._count("file", count(Count(query.unit, by, query.where, query.area)), self.keys)
        if rows < rule.smallest_class and "rows-alike" in self.active:  # 0 as 9: that there is nobody tells, too
            return Refusal("rows-too-few", {"smallest": str(rule.smallest_class)})
        if not rows:
            return NOBODY, {}
        if self.active & {"rows-presence", "rows-share"}:
            everybody = self._count("registry", count(Count(query.unit, self.names, None, query.area)), self.own)
            if "rows-share" in self.active and 100 * rows > rule.most_share_percent * everybody:
                return Refusal("rows-share", {"most": str(rule.most_share_percent)})
        self._apart(count)
        if broken := self._broken(rows) or self._left_behind():
            if self.beside:  # what would do instead hangs on who is in these rows alone, and would tell of them
                return Refusal("rows-beside")
            detail = {"sensitive": rule.sensitive, "proposal": self._proposal(grains)}
            return Refusal(broken, {} if broken == "rows-presence" else detail)
        touched = f"SELECT {', '.join(self.keys)}, pattern FROM classes WHERE pattern > 0 ORDER BY ALL"  # noqa: S608
        return self.con.sql(touched).to_arrow_table(), self._evidence()

    def _count(self, table: str, batches: Iterable[pa.RecordBatch], keys: Sequence[str]) -> int:
        """Makes the table; how many rows it stands for."""
        made = False
        for batch in batches:
            told = self.told.batch(batch)
            columns = {key: told.column(name) for key, name in zip(keys, self.names, strict=False)}
            columns |= {} if self.names else {keys[0]: pa.array(np.ones(len(told), np.int64))}
            columns |= self._held(batch, [key for key in self.firm if key in keys])
            columns |= {"s": told.column(self.sensitive)} if self.sensitive in told.schema.names else {}
            self._insert(table, {**columns, "n": told.column("n")}, made)
            made = True
        return self._sum(table) if made else 0

    def _insert(self, table: str, columns: Mapping[str, pa.Array], made: bool) -> None:
        self.con.register("counted", pa.table(dict(columns)))
        run(self.con, f"{f'INSERT INTO {table} BY NAME' if made else f'CREATE TEMP TABLE {table} AS'} FROM counted")

    def _held(self, batch: pa.RecordBatch, firm: Sequence[str]) -> dict[str, pa.Array]:
        """What the recipient has already of each, and whether the sensitive value is told with it, or by being among
        these rows or not."""
        if not self.beside or not firm:
            return {}
        seen, valued = self.beside.seen(self.con, batch)
        return {firm[0]: seen, "valued": pc.or_(valued, pa.scalar(self._chooses_by_sensitive))}

    def _sum(self, table: str, what: str = "n") -> int:
        [[rows]] = run(self.con, f"SELECT CAST(coalesce(sum({what}), 0) AS BIGINT) FROM {table}")  # noqa: S608
        return int(rows)

    def _broken(self, rows: int) -> str | None:
        """The rule that more rows break than may be left out, None where the others are and the rest meets all."""
        self._without_present()
        away = rows - self._sum("held")
        if away > self._droppable(rows):
            return "rows-presence"
        if not self._blanked(rows - away):
            return "rows-alike"
        self._patterns()
        by_rule = self._of_values()
        if self._sum(f"classes WHERE pattern = {self.gone}", "k") > self._droppable(rows):
            return max(by_rule, key=lambda one: by_rule[one]) if any(by_rule.values()) else "rows-alike"
        return self._unmet()

    def _droppable(self, rows: int) -> Fraction:
        """How many rows may be left out: always one less than a class, else in a small file it would be seen whether
        there is one who must be."""
        return max(Fraction(self.rule.smallest_class - 1), Fraction(self.rule.most_dropped_percent * rows, 100))

    def _without_present(self) -> None:
        """Makes `held`: without the classes of which too many would be in the file."""
        there = "SELECT * FROM file"
        if "rows-presence" in self.active:
            with (
                Classes(self.con, "file", self.own, weight="n") as file,
                Classes(self.con, "registry", self.own, weight="n") as registry,
            ):
                run(
                    self.con,
                    f"""CREATE TEMP TABLE present AS
SELECT file.* FROM {file.table} AS file LEFT JOIN {registry.table} AS registry ON {alike("file", "registry", self.own)}
WHERE (100 * file.k) > ({int(self.rule.most_presence_percent)} * greatest(coalesce(registry.k, 0), file.k))""",  # noqa: S608  # our own names and numbers
                )
            there = f"SELECT file.* FROM file ANTI JOIN present ON {alike('file', 'present', self.own)}"  # noqa: S608
        if self.beside:
            there = f"SELECT * FROM ({there}) ANTI JOIN apart USING ({self.firm[0]})"  # noqa: S608  # as above
        run(self.con, f"CREATE TEMP TABLE held AS {there}")

    def _blanked(self, rows: int) -> bool:
        """Makes `kept`, and its classes' blanks; whether few enough of them had to be touched."""
        rule = self.rule
        with Classes(self.con, "held", self.keys, weight="n") as classes:
            small = self._small(classes)
        if not small or "rows-alike" not in self.active:
            run(self.con, "CREATE TEMP VIEW kept AS SELECT * FROM held")
            nothing = f"SELECT {', '.join(self.keys)}, 0 AS pattern FROM held LIMIT 0"  # noqa: S608  # as above
            run(self.con, f"CREATE TEMP TABLE kept_blanks AS {nothing}")
            return True
        values = len(self.own) * rows
        blanked = max(Fraction(rule.smallest_class - 1, values), Fraction(rule.most_blanked_percent, 100))
        dropped = self._droppable(rows) / rows
        if small > blanked * values + dropped * rows:
            return False  # each of these rows needs one blank at least
        allowed = Allowed(rule.smallest_class, blanked, dropped, Blank(rule.blank), rule.most_blanks)
        return blank(self.con, "held", "kept", self.keys, allowed, weight="n", firm=self.firm).fits

    def _small(self, classes: Classes) -> int:
        """How many rows are alike to too few, by what a blank means."""
        counted = classes.anonymity if Blank(self.rule.blank) is Blank.ITSELF else classes.wildcard
        return counted(self.rule.smallest_class).units_below

    def _patterns(self) -> None:
        """Makes `classes`."""
        left = ", ".join(
            f"CASE WHEN (pattern & {1 << at}) = 0 THEN {key} END AS r{at}" for at, key in enumerate(self.keys)
        )
        with Classes(self.con, "file", self.keys, weight="n") as file, Classes(self.con, "held", self.keys) as held:
            run(
                self.con,
                f"""CREATE TEMP TABLE classes AS
WITH
told AS (
    SELECT file.*, CASE WHEN held.k IS NULL THEN {self.gone} ELSE coalesce(blanks.pattern, 0) END AS pattern
    FROM {file.table} AS file
    LEFT JOIN {held.table} AS held ON {alike("file", "held", self.keys)}
    LEFT JOIN kept_blanks AS blanks ON {alike("file", "blanks", self.keys)}
)
SELECT *, {left} FROM told""",  # noqa: S608  # our own names and numbers
            )

    def _of_values(self) -> dict[str, int]:
        """Leaves out the classes that tell too much of the sensitive variable; how many rows, by rule."""
        rule, found = self.rule, {"rows-one-value": 0, "rows-distribution": 0}
        if self.sensitive is None:
            return found
        with Classes(self.con, self._valued("kept"), self.keys, "s", weight="n") as classes:
            if "rows-one-value" in self.active:
                classes.alike_in_value(
                    "rows-one-value", rule.distinct_values, Fraction(rule.most_one_value_percent, 100)
                )
            if "rows-distribution" in self.active:
                classes.distant("rows-distribution", Fraction(rule.most_distance_percent, 100))
        for one in sorted(set(found) & self.active):
            on = " AND ".join(f"(classes.r{at} IS NOT DISTINCT FROM broken.{key})" for at, key in enumerate(self.keys))
            those = f"(pattern < {self.gone}) AND EXISTS (SELECT 1 FROM {quoted(one)} AS broken WHERE {on})"  # noqa: S608
            found[one] = self._sum(f"classes WHERE {those}", "k")
            run(self.con, f"UPDATE classes SET pattern = {self.gone} WHERE {those}")  # noqa: S608  # as above
        return found

    def _unmet(self) -> str | None:
        """Of what is left, counted anew: the rule that it does not meet."""
        left = ", ".join(f"classes.r{at} AS {key}" for at, key in enumerate(self.keys))
        on = alike("file", "classes", self.keys)
        more = ", ".join(f"file.{name}" for name in (*self._values, "n"))
        columns = f"SELECT {left}, {more}"
        text = f"{columns} FROM file JOIN classes ON {on} WHERE pattern < {self.gone}"  # as above
        run(self.con, f"CREATE TEMP VIEW left_over AS {text}")
        rule = self.rule
        with Classes(self.con, "left_over", self.keys, weight="n") as classes:
            if "rows-alike" in self.active and self._small(classes):
                return "rows-alike"
        valued = self._valued("left_over")
        with Classes(self.con, valued, self.keys, "s" if self.sensitive else None, weight="n") as classes:
            if self.sensitive and "rows-inference" in self.active and self._guessed(left=classes):
                return "rows-inference"
            if self.sensitive and "rows-one-value" in self.active:
                values = classes.diversity(rule.distinct_values, Fraction(rule.most_one_value_percent, 100))
                if values.units_below or values.units_above:
                    return "rows-one-value"
        return None

    def _apart(self, count: Counting) -> None:
        """Makes `behind`: those of whom the recipient has something and who are not among these rows; and `apart`: what
        is held, where so few of those who have it in common are not that not being there would tell them from others,
        or one value of most of them. No row of such people may leave; nor where nobody is not there who could be, for
        then a file that leaves would say so, and one that does not that there is somebody."""
        if self.beside is None:
            return
        [seen], asked = self.firm, self.beside.others(self.plan, self.sensitive)
        if not self.active & {"rows-alike", "rows-one-value"}:
            asked = None
        run(self.con, f"CREATE TEMP TABLE behind AS SELECT {', '.join((seen, *self._values, 'n'))} FROM file LIMIT 0")  # noqa: S608
        for batch in count(asked) if asked else ():
            held = self._held(batch, self.firm) if self._values else {seen: self.beside.seen(self.con, batch)[0]}
            value = {"s": batch.column(self.sensitive)} if self.sensitive else {}
            self._insert("behind", {**held, **value, "n": batch.column("n")}, made=True)
        run(self.con, f"DELETE FROM behind WHERE {seen} = '{NOTHING}'")  # noqa: S608  # who was left out before
        self._few("apart", "behind")
        if asked is not None and "rows-alike" in self.active:
            nobody = f"FROM file ANTI JOIN behind USING ({seen}) WHERE {seen} <> '{NOTHING}'"
            texts = [text for [text] in run(self.con, f"SELECT DISTINCT {seen} {nobody} ORDER BY ALL")]
            self.con.register(
                "parted_texts", pa.table({seen: pa.array(self.beside.parted(self.plan, texts), pa.string())})
            )
            run(self.con, "INSERT INTO apart FROM parted_texts")

    def _few(self, into: str, relation: str) -> None:
        """Makes the table `into`: what is held of too few of those in `relation`, or of too few values."""
        rule, [seen] = self.rule, self.firm
        run(self.con, f"CREATE TEMP TABLE {into} AS SELECT {seen} FROM file LIMIT 0")  # noqa: S608  # our own names
        if "rows-alike" in self.active:
            few = f"SELECT {seen} FROM {relation} GROUP BY {seen} HAVING sum(n) < {int(rule.smallest_class)}"  # noqa: S608
            run(self.con, f"INSERT INTO {into} {few}")
        if "rows-one-value" in self.active and self.sensitive:
            run(self.con, f"CREATE TEMP VIEW {relation}_known AS SELECT * FROM {relation} WHERE valued")  # noqa: S608
            with Classes(self.con, f"{relation}_known", self.firm, "s", weight="n") as classes:
                share = Fraction(rule.most_one_value_percent, 100)
                classes.alike_in_value(f"{into}_values", rule.distinct_values, share)
            run(self.con, f"INSERT INTO {into} SELECT q0 FROM {into}_values")  # noqa: S608  # as above

    def _left_behind(self) -> str | None:
        """The rule that those break who are left out of these rows, with those who were not among them (`_apart`)."""
        if self.beside is None:
            return None
        [seen], on = self.firm, alike("file", "classes", self.keys)
        names = ", ".join(f"file.{name}" for name in (seen, *self._values, "n"))
        dropped = f"FROM file JOIN classes ON {on} WHERE pattern = {self.gone}"
        run(self.con, f"INSERT INTO behind BY NAME SELECT {names} {dropped}")  # as above
        parted = f"SELECT {seen} FROM classes WHERE ({seen} <> '{NOTHING}') AND (pattern < {self.gone})"  # noqa: S608
        run(self.con, f"CREATE TEMP VIEW parted AS SELECT * FROM behind WHERE {seen} IN ({parted})")  # noqa: S608
        self._few("left_few", "parted")
        return "rows-alike" if run(self.con, "SELECT 1 FROM left_few LIMIT 1") else None

    @property
    def _values(self) -> tuple[str, ...]:
        """The columns of the file that are about the sensitive variable."""
        return ("s", *(["valued"] if self.beside else [])) if self.sensitive else ()

    def _valued(self, relation: str) -> str:
        """Those rows of it of which the sensitive value is told, by the plan or before."""
        if self.tells_sensitive or not self.sensitive:
            return relation
        run(self.con, f"CREATE TEMP VIEW {relation}_valued AS SELECT * FROM {relation} WHERE valued")  # noqa: S608
        return f"{relation}_valued"

    def _guessed(self, left: Classes) -> bool:
        """Whether the most frequent value of each class is right for too many more rows than that of all rows."""
        blindly, rows = max(left.distribution(), default=0), sum(left.distribution())
        better = self._sum(left.table, "largest") - blindly
        return 100 * better > self.rule.most_inference_percent * (rows - blindly)

    def _evidence(self) -> Evidence:
        """What was done, and what an attacker can still do who knows the keys of everybody in the area: parts of a
        thousand, rounded up, since a fraction of few rows tells how few they are."""
        rule, stay = self.rule, f"classes WHERE pattern < {self.gone}"
        with Classes(self.con, "file", self.own, weight="n") as file:
            before, alone = file.anonymity(rule.smallest_class), file.anonymity(2)
        blanks = "".join(
            f" + CAST(((pattern & {1 << at}) > 0) AND ({key} IS NOT NULL) AS BIGINT)"
            for at, key in enumerate(self.keys)
        )
        found: Evidence = {
            "smallest_class": rule.smallest_class,
            "classes": before.classes,
            "small_classes": before.classes_below,
            "rows_in_small_classes": before.units_below,
            "rows_alone": alone.units_below,
            "values": len(self.own) * self._sum(stay, "k"),
            BLANKS: self._sum(stay, f"k * (0{blanks})"),
            DROPPED: self._sum(f"classes WHERE pattern = {self.gone}", "k"),
        }
        if self.beside:
            with Classes(self.con, "left_over", self.keys, weight="n") as both:
                together = both.anonymity(rule.smallest_class).smallest
            found |= {BESIDE: len(self.beside.held), TOGETHER: together}
        told = self.rule.is_told_by(self.plan.columns)  # else the rows themselves do not tell what is counted here
        with Classes(self.con, "left_over", self.own, "s" if told else None, weight="n") as left:
            after = left.anonymity(rule.smallest_class)
            found |= {"least_alike": after.smallest, "recognised": _thousandths(after.classes, after.units)}
            if told:
                most = self._sum(left.table, "largest")
                values = left.diversity(rule.distinct_values, Fraction(1))
                found |= {
                    "least_values": values.distinct,
                    "guessed": _thousandths(most, after.units),
                    "guessed_blindly": _thousandths(max(left.distribution(), default=0), after.units),
                }
        if "rows-presence" in self.active:  # how much of which class is in would tell of blanks
            found["present"] = 10 * rule.most_presence_percent
        if "rows-share" in self.active:
            found["share"] = _thousandths(after.units, self._sum("registry"))
        return found

    def _proposal(self, grains: Mapping[str, Sequence[Grain]]) -> str:
        """The least change of the plan by which so few rows would break a rule that they can be left out, in words."""
        rule, active = self.rule, self.active
        of_values = self.sensitive is not None
        limits = Limits(
            k=rule.smallest_class if "rows-alike" in active else 1,
            l=rule.distinct_values if of_values and "rows-one-value" in active else 1,
            share=Fraction(rule.most_one_value_percent, 100) if of_values and "rows-one-value" in active else None,
            ordered=Fraction(rule.most_distance_percent, 100) if of_values and "rows-distribution" in active else None,
            inference=Fraction(rule.most_inference_percent, 100) if of_values and "rows-inference" in active else None,
        )
        own = [self._levels(key, name, grains) for key, name in zip(self.own, self.names, strict=False)]
        [[cells]] = run(self.con, "SELECT count(*) FROM held")
        if not own or cells > MOST_PROPOSED or prod(len(one.levels) for one in own) > MOST_NODES:
            return NOTHING_LESS
        sensitive = "s" if limits.of_values else None
        lattice, rows = Lattice(self.con, "held", own, limits, sensitive, weight="n"), self._sum("held")
        best = lattice.search(self._droppable(rows) / rows if rows else Fraction(0)).best
        if best is None:
            return NOTHING_LESS
        chosen = zip(self.names, own, best.levels, strict=True)
        changes = [f"{name} {variable.levels[level].name}" for name, variable, level in chosen if level]
        return "; ".join(changes) or NOTHING_LESS

    def _levels(self, key: str, name: str, grains: Mapping[str, Sequence[Grain]]) -> Variable:
        """As it is told, coarser, and not at all."""
        known = grains.get(name, ())
        asked = next((one.grain for one in self.plan.variables if one.name == name), "")
        told = next((grain.loss for grain in known if grain.code == asked), 0)
        coarser = [Level(grain.name, recoded(grain), grain.loss) for grain in known if told < grain.loss < WHOLE]
        return Variable(key, (Level("apa adanya", Same(), told), *coarser, Level("tidak ikut", Withheld(), WHOLE)))


def shown(evidence: Mapping[str, str | int]) -> Evidence:
    """The evidence as whoever has the rows may see it: of what the rows do not tell themselves, at most how many (of
    the smallest class beside others, at least), in bands as wide as the smallest class, of which nobody is one with a
    few. Whoever is the tenth is seen in it."""
    width, found = int(evidence.get("smallest_class", 1)), dict(evidence)
    for name in NOT_SEEN & found.keys():
        found[name] = _banded(int(found[name]), width)
    if TOGETHER in found:
        found[TOGETHER] = int(found[TOGETHER]) // width * width
    return found


def _banded(number: int, width: int) -> int:
    """The last number of its band."""
    return number // width * width + width - 1


def _thousandths(part: int, whole: int) -> int:
    return -(-1000 * part // whole) if whole else 0
