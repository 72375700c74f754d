"""Generated worlds: a schema, rows of it with gaps, and sentences about it.

Constants are drawn from the same few values as the rows, so that comparisons hit, and every node and operator comes up
often (test_the_generator.py shows that it does).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import strategies as st
from tests.drawn import Drawing, with_plumbing

from bagipakai.core.query import (
    And,
    Between,
    Column,
    Compare,
    Const,
    Count,
    In,
    Missing,
    Not,
    Op,
    Or,
    Predicate,
    Query,
    Rows,
)
from bagipakai.core.variables import Type

REGENCIES = {"3201": ("320101", "320102"), "3273": ("327301",), "9471": ("947101",)}
NAMES = {
    Type.TEXT: ("nama", "kode", "alamat"),
    Type.INTEGER: ("desil", "umur"),
    Type.BOOLEAN: ("listrik", "bekerja"),
    Type.DATE: ("lahir",),
}
VALUES: Mapping[Type, st.SearchStrategy[Any]] = {
    Type.TEXT: st.sampled_from(["", "a", "A", "b", "é", "0012", "12", "O'Brien", '"', "%", "\u0000", "𝒜", "NULL"]),
    Type.INTEGER: st.sampled_from([-(2**53) + 1, -1, 0, 1, 2, 3, 4, 2**53 - 1]),
    Type.BOOLEAN: st.booleans(),
    Type.DATE: st.sampled_from([date(1, 1, 1), date(1970, 1, 1), date(2008, 2, 29), date(2026, 7, 1)])
    | st.dates(date(2026, 6, 28), date(2026, 7, 2)),
}
AREAS = st.lists(
    st.sampled_from(["32", "94", "3201", "3273", "320101", "320102", "947101", "3201011001"]), max_size=3, unique=True
)


@dataclass(frozen=True)
class World:
    types: Mapping[str, Type]
    drawing: Drawing

    def __repr__(self) -> str:
        return f"World({dict(self.types)}, {self.drawing.rows})"


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three to eight columns of mixed types, up to 40 rows in release order, families of up to four persons."""
    names = [(name, kind) for kind, known in NAMES.items() for name in known]
    columns = dict(draw(st.lists(st.sampled_from(names), min_size=3, max_size=8, unique=True)))
    places = dict.fromkeys(("kode_prov", "kode_kab", "kode_kec", "kode_desa"), Type.TEXT)
    rows = []
    family = 0
    for regency in draw(st.lists(st.sampled_from(sorted(REGENCIES)), unique=True, max_size=3).map(sorted)):
        for _ in range(draw(st.integers(1, 5))):
            district = draw(st.none() | st.sampled_from(REGENCIES[regency]))
            family += draw(st.sampled_from([1, 1, 1, 64]))  # 64 apart: the same bit of `seen`
            members = draw(st.integers(1, 4))
            for _ in range(members):
                row = {name: draw(st.none() | VALUES[kind]) for name, kind in columns.items()}
                row |= {"kode_prov": regency[:2], "kode_kab": regency, "kode_kec": district}
                row |= {"kode_desa": None if district is None else f"{district}1001"}
                row |= {"id_keluarga": family, "member_count": members}
                rows.append(row)
    return World({**columns, **places}, Drawing({**columns, **places}, with_plumbing(rows)))


def predicates(types: Mapping[str, Type]) -> st.SearchStrategy[Predicate]:
    """Well-typed sentences about these columns, up to about ten parts."""
    return st.recursive(_simple(types), _compound, max_leaves=8)


def _compound(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(several.map(And), several.map(Or), inner.map(Not), inner.map(Missing))


def _simple(types: Mapping[str, Type]) -> st.SearchStrategy[Predicate]:
    by_kind = {kind: sorted(name for name, one in types.items() if one is kind) for kind in Type}
    kinds = st.sampled_from([kind for kind in Type if by_kind[kind]])
    ops = st.sampled_from(list(Op))

    def about(kind: Type) -> st.SearchStrategy[Predicate]:
        columns = st.sampled_from(by_kind[kind]).map(Column)
        constants = VALUES[kind].map(Const)
        forms = [
            st.builds(Compare, ops, columns, constants),
            st.builds(Compare, ops, constants, columns),
            st.builds(Compare, ops, columns, columns),
            st.builds(Compare, ops, constants, constants),
            st.builds(In, columns, st.lists(VALUES[kind], min_size=1, max_size=4).map(tuple)),
            st.builds(Between, columns, VALUES[kind], VALUES[kind]),
            columns.map(Missing),
        ]
        return st.one_of(*forms, *([columns] if kind is Type.BOOLEAN else []))

    return kinds.flatmap(about)


@st.composite
def rows_queries(draw: st.DrawFn, types: Mapping[str, Type]) -> Rows:
    keep = draw(st.lists(st.sampled_from(sorted(types)), min_size=1, max_size=5, unique=True))
    unit = draw(st.sampled_from(["individu", "keluarga"]))
    where = draw(st.none() | predicates(types))
    return Rows(unit, tuple(keep), where, tuple(draw(AREAS)))


@st.composite
def count_queries(draw: st.DrawFn, types: Mapping[str, Type]) -> Count:
    by = draw(st.lists(st.sampled_from(sorted(types)), max_size=3, unique=True))
    unit = draw(st.sampled_from(["individu", "keluarga"]))
    return Count(unit, tuple(by), draw(st.none() | predicates(types)), tuple(draw(AREAS)))


@dataclass(frozen=True)
class Question:
    query: Query
    enough: int | None = None  # of a count


def questions(types: Mapping[str, Type], several: int) -> st.SearchStrategy[list[Question]]:
    """So many about one world: rows as often as counts."""
    counts = st.builds(Question, count_queries(types), st.none() | st.integers(1, 4))
    one = st.booleans().flatmap(lambda rows: st.builds(Question, rows_queries(types)) if rows else counts)
    return st.lists(one, min_size=several, max_size=several)
