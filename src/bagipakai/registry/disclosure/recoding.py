"""How a variable is told more coarsely: its levels as data, finest first, with the loss that each is stated to be.

A recode is a small value that says what it does to a value, in Python (`recoded`, the meaning) and in SQL (`sql`, the
work); those that leave something to tell say it of a column in memory too (`told`). An unknown value stays unknown,
except where every value is the same. Levels of one variable nest: what a level joins, no coarser one tells apart. A
`Variable` cannot prove that of its recodes; a lattice checks it on the values that occur.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.query import Scalar
from bagipakai.registry.disclosure.measures import Connection, quoted, run

WHOLE = 100  # the loss of a value that is not told at all; a level's loss is a part of it


@dataclass(frozen=True, slots=True)
class Same:
    """The value as it is."""

    def recoded(self, value: Scalar | None) -> Scalar | None:
        return value

    def sql(self, column: str) -> str:
        return quoted(column)


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing is told: one value, unknown, for all."""

    def recoded(self, value: Scalar | None) -> None:
        return None

    def sql(self, column: str) -> str:
        return f"CASE WHEN false THEN {quoted(column)} END"  # of the column's type


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first characters of a text: of a village's code of 10 digits, 6 tell the district, 4 the regency, 2 the
    province."""

    length: int

    def recoded(self, value: Scalar | None) -> Scalar | None:
        return None if value is None else str(value)[: self.length]

    def sql(self, column: str) -> str:
        return f"left({quoted(column)}, {int(self.length)})"


@dataclass(frozen=True, slots=True)
class Clamped:
    """Bottom and top code: a whole number below `bottom` is told as `bottom`, one above `top` as `top`. Raises
    ValueError where they cross."""

    bottom: int
    top: int

    def __post_init__(self) -> None:
        if self.bottom > self.top:
            raise ValueError("the bottom code lies above the top code")

    def recoded(self, value: Scalar | None) -> Scalar | None:
        return None if value is None else min(max(int(value), self.bottom), self.top)  # type: ignore[arg-type]

    def told(self, column: pa.Array) -> pa.Array:
        above = pc.max_element_wise(column, pa.scalar(self.bottom, column.type), skip_nulls=False)
        return pc.min_element_wise(above, pa.scalar(self.top, column.type), skip_nulls=False)

    def sql(self, column: str) -> str:
        name = quoted(column)
        return f"CASE WHEN {name} IS NOT NULL THEN least(greatest({name}, {int(self.bottom)}), {int(self.top)}) END"


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands of whole numbers, told by their first number: with `starts` 0, 18, 60 a value of 20 is told as 18. What
    lies below the first start is told as the first start (a bottom code); the last band is open (a top code). Raises
    ValueError unless the starts rise."""

    starts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.starts or any(one >= other for one, other in pairwise(self.starts)):
            raise ValueError("starts of bands rise")

    @classmethod
    def of(cls, width: int, bottom: int, top: int) -> "Bands":
        """Bands of equal width from `bottom`, the last one open from the last multiple at or below `top`."""
        return cls(tuple(range(bottom, top + 1, width)))

    def recoded(self, value: Scalar | None) -> Scalar | None:
        return None if value is None else self.starts[max(0, bisect_right(self.starts, int(value)) - 1)]  # type: ignore[arg-type]

    def told(self, column: pa.Array) -> pa.Array:
        values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
        at = np.maximum(np.searchsorted(self.starts, values, "right") - 1, 0)
        known = column.is_valid().to_numpy(zero_copy_only=False)
        return pa.array(np.asarray(self.starts, np.int64)[at], column.type, mask=~known)

    def sql(self, column: str) -> str:
        name = quoted(column)
        later = "".join(f" WHEN {name} >= {int(start)} THEN {int(start)}" for start in reversed(self.starts[1:]))
        return f"CASE WHEN {name} IS NULL THEN NULL{later} ELSE {int(self.starts[0])} END"


@dataclass(frozen=True, slots=True)
class Groups:
    """Values to groups by a list. A value that is not in it becomes unknown: nothing leaves that was not thought of.
    Built from pairs, so that the value can be compared and kept; `Groups.of` takes a mapping."""

    pairs: tuple[tuple[Scalar, Scalar], ...]

    @classmethod
    def of(cls, groups: Mapping[Scalar, Scalar]) -> "Groups":
        return cls(tuple(groups.items()))

    def recoded(self, value: Scalar | None) -> Scalar | None:
        return None if value is None else dict(self.pairs).get(value)

    def told(self, column: pa.Array) -> pa.Array:
        ones, groups = zip(*self.pairs, strict=True) if self.pairs else ((), ())
        at = pc.index_in(column, pa.array(ones, column.type), skip_nulls=True)
        return pa.array(groups, column.type).take(at)

    def sql(self, column: str) -> str:
        name = quoted(column)
        return f"CASE{''.join(f' WHEN {name} = {_told(one)} THEN {_told(group)}' for one, group in self.pairs)} END"


Coarser: TypeAlias = Clamped | Bands | Groups
Recode: TypeAlias = Same | Withheld | Prefix | Coarser


@dataclass(frozen=True, slots=True)
class Level:
    """A recode, its name for the report, and its stated loss: 0 for the finest, WHOLE where nothing is told."""

    name: str
    recode: Recode
    loss: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A quasi-identifier with its levels, finest first. Raises ValueError unless losses rise strictly from level to
    level, between 0 and WHOLE."""

    name: str
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        losses = [level.loss for level in self.levels]
        if not losses or losses[0] < 0 or losses[-1] > WHOLE:
            raise ValueError("a loss lies between 0 and the whole")
        if any(one >= other for one, other in pairwise(losses)):
            raise ValueError("a coarser level loses more")


def recode(con: Connection, relation: str, into: str, variables: Sequence[Variable], levels: Sequence[int]) -> None:
    """Makes the temporary view `into`: `relation` with each variable told at its level, all else as it is. Raises
    MeasureError."""
    told = ", ".join(
        f"{variable.levels[level].recode.sql(variable.name)} AS {quoted(variable.name)}"
        for variable, level in zip(variables, levels, strict=True)
    )
    run(con, f"CREATE TEMP VIEW {quoted(into)} AS SELECT * REPLACE ({told}) FROM {quoted(relation)}")  # noqa: S608


def _told(value: Scalar) -> str:
    """A constant of a level as SQL; levels are the house's own data, yet quotes are doubled."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"DATE '{value.isoformat()}'"
