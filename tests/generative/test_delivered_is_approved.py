"""For any lawful plan, over a published release: delivered columns and rows are what the reference says of the plan."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.core.plans import DAY
from tests.factories_registry import in_clear, shelf_of, small_release
from tests.generative.plans import is_specific, plans

from bagipakai.core.disclosure import Disclosure, Table, hide
from bagipakai.core.objections.plan import Known, objection
from bagipakai.core.plan import Level, Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Type
from bagipakai.registry.engines import arrow_table, duckdb, reference, types_of
from bagipakai.registry.extract import RowExtract, TableExtract
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.pseudonyms import IDENTIFIERS, PackageKeys
from bagipakai.registry.regions import regions
from bagipakai.registry.releases import Release

PEOPLE, PLANS = 1000, 500
ALONE = {Unit.INDIVIDU: ["person_ordinal", "id_keluarga"], Unit.KELUARGA: ["id_keluarga", "member_count"]}


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Release:
    folder = small_release(tmp_path_factory.mktemp("nation"), PEOPLE)
    return Release.open(folder.parent, folder.name)


@pytest.fixture(scope="module")
def tables(release) -> dict[Unit, list[dict[str, Any]]]:
    """The whole release as the reference reads it: one mapping per row, in release order."""
    return {unit: [row for table in in_clear(release, unit) for row in table.to_pylist()] for unit in Unit}


@pytest.fixture(scope="module")
def known(release) -> Known:
    return Known(
        catalogue=release.catalogue,
        purposes={"bansos": frozenset(release.catalogue)},
        regions=frozenset(regions()),
        edition=release.region_edition,
        releases=frozenset({release.version}),
        rule=replace(
            Disclosure.on(DAY), smallest_mean=0, most_small_percent=100, smallest_place={}
        ),  # a thousand people are a small nation
        tier=Level.L4,
    )


@pytest.fixture(scope="module")
def texts(tables, known) -> dict[str, list[str]]:
    free = [one for one in known.catalogue.values() if one.type is Type.TEXT and one.codes is None]
    return {one.name: sorted({row[one.name] for row in tables[one.units[0]] if row[one.name]})[:200:10] for one in free}


def test_500_plans(release, tables, known, texts, tmp_path_factory):
    """Half of them in places where somebody of the release lives."""
    seen: Counter[str] = Counter()
    places = sorted(known.regions)[::400] + sorted({row["kode_desa"] for row in tables[Unit.KELUARGA]})[::5]

    @settings(max_examples=PLANS, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.data())
    def delivered_is_approved(data):
        plan = data.draw(plans(known, places, texts))
        assume(objection(plan, known) is None)
        check = table_is_approved if plan.level is Level.L1 else rows_are_approved
        seen.update([plan.level, plan.unit, *["specific"] * is_specific(plan, known), *check(plan)])

    def rows_are_approved(plan):
        keys = PackageKeys(MasterKey(b"k" * 32), "penerima", plan.purpose, plan.release, "paket")
        rows = RowExtract(plan, known.catalogue, keys)
        batches = list(rows.batches(engine, parts[plan.unit]))
        delivered = [tuple(row[name] for name in plan.columns) for batch in batches for row in batch.to_pylist()]
        approved = reference.rows(plan.query(), tables[plan.unit])
        chosen = reference.choose(plan.query(), tables[plan.unit])
        extra = [IDENTIFIERS[name] for name in plan.protections.pseudonyms]
        assert rows.extract.schema.names == [*(n for one in extra for n in (one.column, one.marker)), *plan.columns]
        assert all(batch.schema == rows.extract.schema for batch in batches)
        if plan.level is Level.L4:
            assert delivered == approved
        else:  # in the package's own order
            assert Counter(delivered) == Counter(approved)
        if plan.unit is Unit.INDIVIDU:
            assert len(rows.extract.members) == len(chosen)
            assert all(row["person_ordinal"] in rows.extract.members for row in chosen)
        else:
            assert len(rows.extract.members) == sum(row["member_count"] for row in chosen)
        yield "rows" if approved else "no rows"

    def table_is_approved(plan):
        made = TableExtract.made(plan, known.catalogue, known.rule, engine, parts[plan.unit])
        cells = reference.count(plan.query(), tables[plan.unit], margins=True)
        wanted = hide(plan.columns, plan.unit.value, cells, known.rule)
        if isinstance(wanted, Refusal):
            assert made == wanted
            yield wanted.code
            return
        assert isinstance(wanted, Table) and not isinstance(made, Refusal)
        assert made.table.equals(arrow_table(wanted, types_of(known.catalogue, plan.unit.value)))
        yield "table"
        yield from ["hidden cells"] * bool(wanted.hidden)

    shelf = shelf_of(release)
    parts = {unit: [part for part in shelf.parts if f"://{unit.value}/" in part.path] for unit in Unit}
    with duckdb.Engine(tmp_path_factory.mktemp("spill"), shelf=shelf) as engine:
        delivered_is_approved()
    assert all(seen[what] >= 10 for what in (*Level, *Unit, "specific", "rows", "no rows", "table", "hidden cells")), (
        seen
    )


def test_the_registry_keeps_what_it_reads_apart_from_what_may_be_asked(release, known):
    """The release's own columns are in its files and in no catalogue."""
    for unit in Unit:
        assert set(ALONE[unit]) <= set(release.schema(unit).names)
        assert not set(ALONE[unit]) & set(known.catalogue)


def test_the_release_has_unknown_values_to_get_wrong(tables):
    for rows in tables.values():
        unknown = {name for row in rows for name, value in row.items() if value is None}
        assert len(unknown) > 10
    assert date(2026, 1, 1) > min(row["tanggal_lahir"] for row in tables[Unit.INDIVIDU] if row["tanggal_lahir"])
