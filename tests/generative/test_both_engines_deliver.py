"""Whole deliveries: the same plan and the same release make the same package on either engine, up to the seal."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.policies import randomised, with_policy
from tests.registry.orders import PLACED, House, a_house, a_plan, an_order
from tests.registry.small import small_release
from tests.registry.test_deliver import plans

from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.exchange import Receipt, Step
from bagipakai.core.manifest import MANIFEST_NAME, Kind, Manifest
from bagipakai.core.plan import Area, Asked, Exempted, Format, Level, Plan, Protections
from bagipakai.core.query import Column, Compare, Const, Missing, Not, Op, Or
from bagipakai.registry.deliver import deliver
from bagipakai.registry.engines import choice, spark
from bagipakai.registry.engines.choice import EMBEDDED, Choice
from bagipakai.registry.places import Places

NOW = PLACED + timedelta(hours=1)
POOR = Or((Compare(Op.AT_MOST, Column("desil"), Const(4)), Not(Missing(Column("tanggal_lahir")))))
NOT_ASKED = ("rows-inference", "rows-presence", "rows-share")
PLANS = {
    "a table": a_plan("L1"),
    "a table of families": a_plan("L1", "keluarga"),
    "pseudonyms of persons, as CSV": a_plan("L2", population=POOR),
    "pseudonyms of families, as lines": a_plan("L3", "keluarga", format=Format.JSONL),
    "protected rows": replace(
        a_plan("L2", population=Compare(Op.AT_MOST, Column("desil"), Const(5))),
        variables=tuple(
            Asked(name, "x", grain) for name, grain in (("kode_kab", ""), ("umur", "5-TAHUN"), ("desil", ""))
        ),
        protections=Protections(("nik",), 0, tuple(Exempted(one, "x") for one in NOT_ASKED)),
    ),
    "by name, every kind of value": a_plan(
        "L4", variables=("nik", "nama", "tanggal_lahir", "alamat", "desil"), population=POOR, format=Format.JSONL
    ),
    "by name, of two places": a_plan("L4", area=Area(("3201", "3273"), a_plan().area.edition)),
    "by name, as Parquet": a_plan("L4", "keluarga", format=Format.PARQUET),
}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return small_release(tmp_path_factory.mktemp("releases"))[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return a_house(tmp_path_factory.mktemp("house"))


def made(plan: Plan, release, house: House, places: Places, chosen: Choice) -> tuple[Receipt, Manifest | None]:
    receipt = deliver(an_order(plan), release, house.keys, places, clock=lambda: NOW, choice=chosen)
    if receipt.refusal:
        return receipt, None
    envelope = (places.packages / receipt.package / MANIFEST_NAME).read_bytes()
    return receipt, Manifest.unsealed(envelope, house.keys.seal.public)


def test_rows_that_are_held_count_alike_on_both(cluster, release, house, tmp_path):
    """The first leaves by DuckDB; beside it, the second is treated alike by either, and something is done to it."""
    free = tuple(Exempted(one, "x") for one in EXEMPTIBLE if one != "rows-alike")
    ages = replace(
        a_plan("L2", protections=Protections(("nik",), 0, free)), variables=(Asked("umur", "x", "10-TAHUN"),)
    )
    sexes = replace(ages, variables=(Asked("jenis_kelamin", "x"),), population=Not(Missing(Column("jenis_kelamin"))))
    for name in ("duckdb", "spark"):
        before = deliver(an_order(sexes, "O-0"), release, house.keys, Places.under(tmp_path / name), clock=lambda: NOW)
        assert not before.refusal
    same_on_both(ages, release, house, tmp_path)
    told, alone = (
        deliver(an_order(ages), release, house.keys, Places.under(tmp_path / name), clock=lambda: NOW)
        for name in ("spark", "alone")
    )
    assert evidence(told, Step.ACCESS_SECURING)["held_beside"] == 1
    contents = {evidence(one, Step.FORMATTING)["content_digest"] for one in (told, alone)}
    assert len(contents) == 2, "something is done to it"


def evidence(receipt: Receipt, step: Step) -> Mapping[str, str | int]:
    return next(done.evidence for done in receipt.steps if done.step is step)


def same_on_both(plan: Plan, release, house: House, folder) -> None:
    """`folder` is new for each plan: the order is the same, and its package stands once."""
    found = [
        made(plan, release, house, Places.under(folder / name), chosen)
        for name, chosen in {"duckdb": EMBEDDED, "spark": Choice(spark_from=0)}.items()
    ]
    (embedded, ours), (clustered, theirs) = found
    assert embedded.refusal == clustered.refusal
    if ours is None or theirs is None:
        return
    assert ours.content_digest == theirs.content_digest
    assert (ours.rows, ours.columns, ours.random_ids) == (theirs.rows, theirs.columns, theirs.random_ids)
    if plan.format in (Format.CSV, Format.JSONL):
        bytes_of = [[one.content_sha256 for one in m.parts if one.kind is Kind.DATA] for m in (ours, theirs)]
        assert bytes_of[0] == bytes_of[1]
    if plan.level is not Level.L1:
        members = [(folder / name / "registry" / "membership") for name in ("duckdb", "spark")]
        kept = [next(place.glob("*.roar")).read_bytes() for place in members]
        assert kept[0] == kept[1]
    (began, *_), (said, *_) = ours.processing, theirs.processing
    assert began.step is said.step is Step.SELECTION
    assert str(began.evidence["engine"]).startswith("duckdb ") and str(said.evidence["engine"]).startswith("spark 4.")
    assert not any((folder / "spark" / "worker").iterdir())


@pytest.mark.parametrize("name", PLANS)
def test_one_package(cluster, release, house, tmp_path, name):
    same_on_both(PLANS[name], release, house, tmp_path)


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if plan.level is not Level.L1])
def test_one_package_whose_rows_the_cluster_wrote(cluster, release, house, tmp_path, monkeypatch, name):
    monkeypatch.setattr(choice.spark, "Engine", partial(spark.Engine, small=0))
    same_on_both(PLANS[name], release, house, tmp_path)


def test_values_are_drawn_alike_from_both(cluster, release, house, tmp_path, monkeypatch):
    with_policy(tmp_path / "policies", monkeypatch, randomised("L2", keep="30"))
    plan = a_plan("L2", variables=("kode_kab", "jam_kerja"), purpose="PERENCANAAN")
    same_on_both(plan, release, house, tmp_path)
    plain = made(replace(plan, purpose=a_plan().purpose), release, house, Places.under(tmp_path / "plain"), EMBEDDED)[1]
    ours = made(plan, release, house, Places.under(tmp_path / "duckdb"), EMBEDDED)[1]
    assert ours.randomised is not None and plain.randomised is None and ours.rows == plain.rows


@pytest.mark.night
def test_any_plan(cluster, release, house, tmp_path_factory):
    @settings(max_examples=200, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data):
        plan = data.draw(plans(forms=(Format.CSV, Format.JSONL)))
        same_on_both(plan, release, house, tmp_path_factory.mktemp("plan"))

    run()
