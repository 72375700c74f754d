"""What a recipient has already of the people of whom rows would leave: rows without names of the same release, told in
other packages. Whoever joins them, by a pseudonym or by what they have in common, reads of each person all that was
ever told; so rows are alike only where what is held of them is alike, too (disclosure reference 4.1).

What counts is what would count if all had been asked for at once: the variables that others may know
(quasi-identifiers), and in which packages somebody is; the finer of two grains, for both are read; the blanks as they
were left. A sensitive variable is nobody's key, whichever package told it: by a column, or by its filter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from operator import or_
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.base_categories import base_categories
from bagipakai.core.boxes import Places, Possible
from bagipakai.core.disclosure import RowRule
from bagipakai.core.plan import Plan
from bagipakai.core.query import AREA_COLUMNS, And, Count, Missing, Not, Or, chosen, columns_of
from bagipakai.core.variables import Catalogue, Type
from bagipakai.registry.disclosure.given import Given
from bagipakai.registry.disclosure.measures import alike, quietly, run
from bagipakai.registry.engines import types_of
from bagipakai.registry.engines.duckdb import condition
from bagipakai.registry.regions import regions

NOTHING: Final = ""  # what is held of somebody who is in no package
PLACES: Final = {
    f"{word}_{code.removeprefix('kode_')}": digits for digits, code in AREA_COLUMNS.items() for word in ("kode", "nama")
}


@cache
def leaves() -> Places:
    """Every village."""
    return Places(tuple(sorted(one.code for one in regions().at_level(4))))


@cache
def _villages(column: str, value: str) -> int:
    """Those of the place with this code, or of all with this name; none where there is no such place."""
    if column.startswith("kode_"):
        return leaves().mask(value)
    named = (one.code for one in regions().values() if len(one.code) == PLACES[column] and one.name == value)
    return reduce(or_, map(leaves().mask, named), 0)


def followers(names: Sequence[str]) -> dict[str, str]:
    """Names of places whose code is told, too: they say nothing else."""
    return {name: code for name in names if (code := name.replace("nama_", "kode_")) != name and code in names}


@dataclass(frozen=True)
class Beside:
    """The packages that are `held`, of one release and unit, by the rule of the day; at least one."""

    held: tuple[Given, ...]
    rule: RowRule
    catalogue: Catalogue

    @cached_property
    def types(self) -> Mapping[str, Type]:
        return types_of(self.catalogue, self.held[0].unit)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The columns, as the release has them, from which it is known what is held of a row."""
        names = (name for one in self.held for name in (*columns_of(one.whose), *self._keys(one)))
        return tuple(sorted(set(names)))

    @property
    def tells_sensitive(self) -> bool:
        return any(self.rule.is_told_by((*one.told, *columns_of(one.where))) for one in self.held)

    def others(self, plan: Plan, sensitive: str | None) -> Count | None:
        """Those who are among the rows that are held, and not among those of the plan, by the sensitive variable if one
        is told; None where nobody can be."""
        query = plan.query()
        mine, theirs = chosen(query), [one.whose for one in self.held]
        if mine is None:
            return None
        outside = Or((Not(mine), Missing(mine)))
        inside = Or(tuple(one for one in theirs if one is not None))
        where = outside if None in theirs else And((inside, outside))
        by = dict.fromkeys([*self.needs, *([sensitive] if sensitive else [])])
        nation = any(not one.area for one in self.held)
        area = () if nation else tuple(sorted({code for one in self.held for code in one.area}))
        return Count(query.unit, tuple(by), where, area)

    def parted(self, plan: Plan, seen: Iterable[str]) -> Iterator[str]:
        """Those of the texts in `seen` of which, by all that they tell, somebody could be who is not among the rows of
        the plan, whether there is anybody or not."""
        mine = chosen(plan.query())
        if mine is None:
            return
        outside = Or((Not(mine), Missing(mine)))
        known = [one for one in map(base_categories, self.catalogue.values()) if one is not None]
        possible: dict[tuple[bool, ...], Possible] = {}
        for text in seen:
            told = list(self._told(text))
            there = tuple(one is not None for one in told)
            if there not in possible:
                inside = (one.whose for one, is_there in zip(self.held, there, strict=True) if is_there)
                whole = And((*(one for one in inside if one is not None), outside))
                possible[there] = Possible(whole, known, leaves())
            if possible[there](self._categories(told)):
                yield text

    def _told(self, text: str) -> Iterator[Mapping[str, str] | None]:
        """What `seen` says of each package: the values that are told, None where somebody is not there."""
        at = 0
        for one in self.held:
            told: dict[str, str] = {}
            is_there = text[at : at + 1] == "+"
            for name in self._keys(one) if is_there else ():
                at += 2  # what is before it, and a space
                if text[at] != "-":
                    colon = text.index(":", at)
                    at, many = colon, int(text[at:colon])
                    told[name] = text[at + 1 : at + 1 + many]
                    at += many
            yield told if is_there else None
            at += 1 + is_there

    def _categories(self, told: Iterable[Mapping[str, str] | None]) -> dict[str, int]:
        """By variable, of which base categories somebody can be of whom this is told; "": in which villages."""
        found = dict(self._not_unknown)
        for one, values in zip(self.held, told, strict=True):
            for name, value in (values or {}).items():
                if name in PLACES and one.told.get(name) is None:
                    found[""] = found.get("", -1) & (_villages(name, value) or -1)
                else:
                    found[name] = found.get(name, -1) & self._meanings(one, name).get(value, -1)
        return found

    @cached_property
    def _not_unknown(self) -> Mapping[str, int]:
        """Of variables that are known of everybody."""
        return {name: ~1 for name, one in self.catalogue.items() if one.required and name not in PLACES}

    def _meanings(self, one: Given, name: str) -> Mapping[str, int]:
        """Of each value that a package may tell of a variable, the base categories that are told so."""
        if (one.digest, name) not in self._known:
            dimension, coarser = base_categories(self.catalogue[name]), one.told.get(name)
            meanings: dict[str, int] = {}
            for mask, row in dimension.pieces() if dimension else ():
                value = row[name] if coarser is None else coarser.recoded(row[name])
                text = str(value).lower() if isinstance(value, bool) else str(value)
                meanings[text] = meanings.get(text, 0) | mask
            self._known[one.digest, name] = meanings
        return self._known[one.digest, name]

    @cached_property
    def _known(self) -> dict[tuple[str, str], Mapping[str, int]]:
        return {}

    def seen(self, engine: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        """Of each row, as the release has it, what is held of its person (one text; NOTHING where they are in no
        package), and whether the sensitive variable is told there: by a column to those in it, and by a filter also to
        those who are not. Raises MeasureError."""
        texts: dict[str, pa.Array] = {}
        valued = pa.array(np.zeros(len(batch), np.bool_))
        for one in self.held:
            before = _together([texts[some] for some in one.beside]) if one.beside else None
            texts[one.digest] = self._seen(engine, one, batch, before)
            if self.rule.is_told_by(one.told):
                valued = pc.or_(valued, pc.not_equal(texts[one.digest], NOTHING))
        if any(self.rule.is_told_by(columns_of(one.where)) for one in self.held):
            valued = pa.array(np.ones(len(batch), np.bool_))
        return _together(list(texts.values())), valued

    def _seen(
        self, engine: duckdb.DuckDBPyConnection, one: Given, batch: pa.RecordBatch, before: pa.Array | None
    ) -> pa.Array:
        """Of each row, what one package told. `before`: what was held when it was made."""
        keys, places = self._keys(one), pa.array(np.arange(len(batch)))
        columns = {f"q{at}": _told(one, name, batch) for at, name in enumerate(keys)}
        known = {name: batch.column(name) for name in dict.fromkeys(columns_of(one.whose))}
        said = {} if before is None else {"before": before}
        engine.register("batch", pa.table({**known, **columns, **said, "place": places}))
        there, pattern, joined = "true", "0", ""
        if one.whose is not None:
            sql = condition(one.whose, self.types)
            there = f"coalesce({sql.text}, false)"
            for at, value in enumerate(sql.values):
                run(engine, f"SET VARIABLE p{at} = $1", [value])
        if len(one.touched):
            own = [f"q{at}" for at in range(len(one.keys))]
            on = [alike("batch", "touched", own)] if own else []
            if one.beside:
                on.append(f"(batch.before = touched.q{len(one.touched.column_names) - 2})")
            engine.register("touched", one.touched)
            pattern, joined = "coalesce(pattern, 0)", f"LEFT JOIN touched ON {' AND '.join(on) or 'true'}"
        values = ", ".join(
            f"CASE WHEN (({pattern} & {1 << at if at < len(one.keys) else 0}) = 0) AND (batch.q{at} IS NOT NULL)"
            f" THEN concat(length(CAST(batch.q{at} AS VARCHAR)), ':', batch.q{at}) ELSE '-' END"
            for at in range(len(keys))
        )
        gone = left_out(one.touched)
        text = f"concat_ws(' ', '+', {values})" if values else "'+'"
        asked = f"""SELECT CASE WHEN {there} AND ({pattern} < {gone}) THEN {text} ELSE '' END AS seen
FROM batch {joined} ORDER BY place"""  # noqa: S608  # our own names; values are named
        found = quietly(lambda: engine.sql(asked).to_arrow_table())
        return found["seen"].combine_chunks()

    def _keys(self, one: Given) -> tuple[str, ...]:
        """What others may know of what one package told: its keys of then, and what is one by the rule of the day."""
        quasi = [name for name in one.told if name in self.rule.quasi_identifiers]
        spoken = followers([*quasi, *one.keys])
        return (*one.keys, *(name for name in quasi if name not in one.keys and name not in spoken))


def left_out(touched: pa.Table) -> int:
    """The pattern of a class whose rows are left out: one bit more than it has keys."""
    return 1 << max(1, len(touched.column_names) - 1)


def _told(one: Given, name: str, batch: pa.RecordBatch) -> pa.Array:
    coarser, column = one.told.get(name), batch.column(name)
    return column if coarser is None else coarser.told(column)


def _together(texts: Sequence[pa.Array]) -> pa.Array:
    """What several packages told, as one text; NOTHING where that is nothing."""
    there = reduce(pc.or_, (pc.not_equal(one, NOTHING) for one in texts))
    return pc.if_else(there, pc.binary_join_element_wise(*texts, "/"), NOTHING)
