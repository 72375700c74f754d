"""The questions whose SQL was reviewed, for each engine."""

from pathlib import Path

import pytest
from tests.drawn import PLUMBING

from bagipakai.core.query import And, Between, Column, Compare, Const, Count, In, Missing, Not, Op, Or, Rows
from bagipakai.core.variables import Type
from bagipakai.registry.engines.words import Sql

TYPES = {
    **PLUMBING,
    "kode_prov": Type.TEXT,
    "kode_kab": Type.TEXT,
    "kode_kec": Type.TEXT,
    "nama": Type.TEXT,
    "nik": Type.TEXT,
    "desil": Type.INTEGER,
    "listrik": Type.BOOLEAN,
}
DESIL = Column("desil")
POOR = Compare(Op.AT_MOST, DESIL, Const(4))

GOLDEN = {
    "rows_everybody": Rows("individu", ("nama", "desil")),
    "rows_poor_of_a_regency": Rows("individu", ("desil", "nama"), POOR, ("3201",)),
    "rows_of_two_kinds_of_place": Rows("keluarga", ("kode_kab",), Not(Column("listrik")), ("32", "320101", "320102")),
    "rows_with_every_node": Rows(
        "individu",
        ("nama",),
        And(
            (
                Or((POOR, Missing(Not(Column("listrik"))), Missing(DESIL))),
                Not(In(DESIL, (1, 2))),
                Between(DESIL, 2, 9),
                Compare(Op.DIFFERS, Const("O'Brien"), Column("nama")),
                Compare(Op.EQUAL, Column("kode_kab"), Column("kode_kec")),
            )
        ),
    ),
    "count_persons": Count("individu", ("kode_kab", "desil"), POOR),
    "count_families": Count("keluarga", ("listrik",), None, ("3201",)),
    "count_one_total": Count("individu", ()),
}


def is_what_was_reviewed(engine: str, name: str, sql: Sql, sign: str) -> None:
    """A change of an emitter shows in review. To accept one: delete the file, run the test, read what it wrote."""
    written = sql.text + "".join(f"\n-- {sign}{at} = {value!r}" for at, value in enumerate(sql.values)) + "\n"
    golden = Path(__file__).parent / "golden" / engine / f"{name}.sql"
    if not golden.exists():
        golden.write_text(written, "utf-8")
        pytest.fail(f"{golden.name} was not there; it is now: read it")
    assert written == golden.read_text("utf-8")
