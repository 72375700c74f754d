"""One lawful plan per level, and what the house knows; a test changes the one thing it is about."""

from dataclasses import replace
from datetime import date
from typing import Any

from bagipakai.core.disclosure import Disclosure, Grain, summable
from bagipakai.core.objections.plan import Known
from bagipakai.core.plan import NATION, Area, Asked, Format, Level, Plan, Protections, Recipient, Unit
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.core.variables import Catalogue

DAY = date(2026, 7, 1)
EDITION = "2025"
CATALOGUE = Catalogue.on(DAY)
POOR = Compare(Op.AT_MOST, Column("desil"), Const(4))
COLUMNS = {
    Level.L1: ("kode_prov", "desil"),
    Level.L2: ("kode_kab", "desil", "umur"),
    Level.L3: ("kode_desa", "desil", "umur"),
    Level.L4: ("nik", "nama", "alamat", "desil"),
}


def known(**changes: Any) -> Known:
    return replace(
        Known(
            catalogue=CATALOGUE,
            purposes={"bansos": frozenset(CATALOGUE), "sempit": frozenset({"kode_prov", "desil"})},
            regions=frozenset({"32", "3201", "3273", "320101", "3201012001"}),
            edition=EDITION,
            releases=frozenset({"2026.3.0"}),
            rule=Disclosure.on(DAY),
            grains=Grain.on(DAY),
            summable=summable(DAY),
        ),
        **changes,
    )


def a_plan(level: Level = Level.L2, columns: tuple[str, ...] | None = None, **changes: Any) -> Plan:
    """A plan that nothing stands in the way of. `columns` names its variables, each with a reason."""
    names = COLUMNS[level] if columns is None else columns
    plan = Plan(
        request="R-2026-0001",
        purpose="bansos",
        programme="Program Keluarga Harapan",
        legal_basis="UU 13/2011",
        level=level,
        unit=Unit.INDIVIDU,
        release="2026.3.0",
        rolling=False,
        area=Area(("3201",), EDITION),
        population=POOR,
        variables=tuple(Asked(name, "diperlukan untuk memilih penerima") for name in names),
        protections=Protections(("nik",) if level in (Level.L2, Level.L3) else (), 10 if level is Level.L1 else 0),
        format=Format.CSV,
        channel="portal",
        recipient=Recipient("dinsos-3201", "Dinas Sosial", "age1example", "ab" * 32, NATION),
        onward_sharing=False,
        ends_on=date(2027, 6, 30),
    )
    return replace(plan, **changes)
