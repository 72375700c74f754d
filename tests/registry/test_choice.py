"""Which engine does a plan is what the operator said, and nothing else."""

import pytest
from tests.factories_registry import STORAGE
from tests.registry.small import small_release

from bagipakai.core.plan import Unit
from bagipakai.registry.engines import duckdb, spark
from bagipakai.registry.engines.choice import EMBEDDED, BadChoice, Choice


@pytest.fixture
def anything_runs(monkeypatch):
    monkeypatch.setattr(spark, "ready", lambda address: None)


def test_nothing_said_is_duckdb_for_every_plan(tmp_path):
    assert Choice.of({"SPARK_REMOTE": "sc://example.go.id"}) == EMBEDDED
    assert not EMBEDDED.is_spark(290_000_000)
    release, _ = small_release(tmp_path / "releases")
    (tmp_path / "scratch").mkdir()
    with EMBEDDED.reading(release, STORAGE, Unit.KELUARGA, ("32",), tmp_path / "scratch", "100MB") as (engine, parts):
        assert isinstance(engine, duckdb.Engine) and [part.regencies for part in parts] == [("3201", "3273")]


def test_a_plan_of_a_large_area_goes_to_spark_by_itself(anything_runs):
    choice = Choice.of({"BAGIPAKAI_SPARK_FROM": "50000000"})
    assert not choice.is_spark(49_999_999) and choice.is_spark(50_000_000)
    assert Choice.of({"BAGIPAKAI_SPARK_FROM": "0"}).is_spark(0)


def test_any_cluster(anything_runs):
    on = {"BAGIPAKAI_SPARK_FROM": "0"}
    assert Choice.of(on).address == "local[2]"
    assert Choice.of(on | {"SPARK_MASTER": "spark://a:7077"}).address == "spark://a:7077"
    assert Choice.of(on | {"SPARK_MASTER": "spark://a:7077", "SPARK_REMOTE": "sc://b"}).address == "sc://b"


@pytest.mark.parametrize("said", ["50 juta", "-1", "5e7", "50.000.000", "٥"])
def test_a_number_that_is_none_is_told(said):
    with pytest.raises(BadChoice, match="angka"):
        Choice.of({"BAGIPAKAI_SPARK_FROM": said})


def test_spark_that_is_chosen_and_missing_is_told_before_the_first_order(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(spark.SparkMissing):
        Choice.of({"BAGIPAKAI_SPARK_FROM": "0"})


def test_the_size_of_a_plan_is_the_persons_its_area_holds(tmp_path):
    """Also of a plan about families."""
    release, rows = small_release(tmp_path)
    living = [row["kode_kab"] for row in rows[Unit.INDIVIDU]]
    assert release.persons_in(()) == len(living) == release.person_count
    assert release.persons_in(("3201", "5171")) == living.count("3201") + living.count("5171")
    assert release.persons_in(("32",)) == living.count("3201") + living.count("3273")
    assert release.persons_in(("320101",)) == living.count("3201")  # the file that is read
    assert release.persons_in(("91",)) == 0
