"""Tables under differential privacy, made through the command line: noise as large as the policy's budget demands,
drawn once, paid before it is written, and refused when nothing is left."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import lgamma, log, log1p, sqrt

import numpy as np
import pyarrow as pa
import pytest
from tests.factories_registry import STORAGE
from tests.registry import small
from tests.registry.disclosure.test_disclosing import audit, disclose, lines, table
from tests.registry.disclosure.test_perturbation import ask_for, change, nation, true_counts, var  # noqa: F401
from tests.registry.disclosure.trees import flat
from tests.registry.orders import a_plan, recipient

from bagipakai.core.envelope import Signer
from bagipakai.core.methods import DifferentialPrivacy
from bagipakai.core.plan import Area, Unit
from bagipakai.core.query import Between, Column, Compare, Const, In, Op
from bagipakai.registry.disclosure.budget import Budget, Spent
from bagipakai.registry.disclosure.private import counted, mechanism
from bagipakai.registry.engines import EngineError
from bagipakai.registry.vault import Damaged

PRIVATE = """
[[method]]
output = "disclosed"
method = "differential-privacy"
rho_thousandths = {rho}
rho_thousandths_per_release = {release}
rho_thousandths_per_year = {year}
household = {household}
delta_digits = 10
from = 2026-02-01
basis = "uji"
"""
SEXES = a_plan("L1", Unit.INDIVIDU, ("desil", "jenis_kelamin"))
METHOD = DifferentialPrivacy(50, 100, 120, 10, 10, small.DAY, "uji")


def private(tmp_path, monkeypatch, rho=50, release=1000, year=1000, household=10):
    ask_for(
        PRIVATE.format(rho=rho, release=release, year=year, household=household), tmp_path / "policies", monkeypatch
    )


@pytest.mark.parametrize(("unit", "names"), [("individu", ("desil", "umur")), ("keluarga", ("kode_kab", "desil"))])
def test_noise_is_as_large_as_it_must_be(unit, names, nation, var, tmp_path, monkeypatch):  # noqa: F811
    """Of those who are there, and of nobody; and everything adds up."""
    private(tmp_path, monkeypatch)
    plan = a_plan("L1", Unit(unit), names, area=Area(("32", "51"), small.EDITION))
    assert disclose(nation, tmp_path, plan) == 0
    told, true = lines(table(tmp_path)), true_counts(nation[2], plan)
    assert set(told) > set(true)  # the grid does not depend on who is there
    assert {dict(about).get("kode_kab", "51")[:2] for about in told} <= {"32", "51"}
    finest = {about: count for about, count in told.items() if len(about) == len(names)}
    noise = np.array([count - true[about] for about, count in finest.items()])
    deviation = (10 if unit == "individu" else 1) / sqrt(2 * 0.05)
    assert len(noise) > 150 and abs(noise.mean()) < 4 * deviation / sqrt(len(noise))
    assert abs(noise.std() / deviation - 1) < 4 / sqrt(2 * len(noise))
    assert min(finest.values()) < 0 and len(set(noise.tolist())) > 5
    for about, count in told.items():
        assert count == sum(one for where, one in finest.items() if about <= where)
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    assert report["method"]["epsilon"] == pytest.approx(2.2, abs=0.01) and report["method"]["rho"] == 0.05
    page = (tmp_path / "out" / "laporan.html").read_text("utf-8")
    assert "ε = 2,2" in page and "10<sup>−10</sup>" in page
    assert report["deviation"] == round(deviation, 2) and report["hidden"] == 0 and report["broken"] == 0
    assert audit(tmp_path, "out") == 0


def test_a_question_has_one_answer_which_is_paid_once(nation, var, tmp_path, monkeypatch):  # noqa: F811
    """Whoever asks, in whatever words, and whatever policy says by then."""
    private(tmp_path, monkeypatch, release=50, year=50)
    some = [In(Column("desil"), (1, 2)), Between(Column("desil"), 1, 2), Compare(Op.LESS, Column("desil"), Const(3))]
    plans = [replace(SEXES, population=one) for one in some]
    plans.append(replace(plans[0], request="P-2026-0002", recipient=recipient(institution="dinsos-5171")))
    assert [disclose(nation, tmp_path, plan, str(at)) for at, plan in enumerate(plans)] == [0] * len(plans)
    ask_for(PRIVATE.format(rho=10, release=10, year=10, household=3), tmp_path / "later", monkeypatch)
    assert disclose(nation, tmp_path, plans[0], "later-on") == 0  # and its report says how it was drawn
    told = [table(tmp_path, name) for name in [*map(str, range(len(plans))), "later-on"]]
    assert all((one["counts"], one["method"]) == (told[0]["counts"], told[0]["method"]) for one in told)
    assert told[0]["method"]["rho"] == 0.05
    assert len(list((var / "registry" / "budget").glob("*.dsse.json"))) == 1


def test_what_is_spent_is_spent(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811
    """By one recipient for one release, and by all together within a year."""
    private(tmp_path, monkeypatch, release=100, year=150)
    plans = [a_plan("L1", Unit.INDIVIDU, (name,)) for name in ("desil", "bekerja", "jenis_kelamin")]
    assert [disclose(nation, tmp_path, plan, str(at)) for at, plan in enumerate(plans)] == [0, 0, 1]
    assert "[privacy-budget-of-release-spent]" in capsys.readouterr().err and not (tmp_path / "2").exists()
    them = recipient(institution="dinsos-5171")
    assert disclose(nation, tmp_path, replace(plans[2], recipient=them), "theirs") == 0
    assert disclose(nation, tmp_path, a_plan("L1", Unit.INDIVIDU, ("umur",), recipient=them), "more") == 1
    assert "[privacy-budget-of-year-spent]" in capsys.readouterr().err and not (tmp_path / "more").exists()
    assert disclose(nation, tmp_path, plans[2], "again") == 0  # theirs, which is told to anybody


def test_it_is_paid_before_anything_is_written(nation, var, tmp_path, monkeypatch):  # noqa: F811
    """Whoever is killed then has paid, and is told the same the next time."""
    private(tmp_path, monkeypatch, release=50)
    monkeypatch.setattr("bagipakai.registry.disclosure_commands._written", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        disclose(nation, tmp_path, SEXES)
    monkeypatch.undo()
    monkeypatch.setenv("BAGIPAKAI_VAR", str(var))
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(tmp_path / "policies"))
    assert disclose(nation, tmp_path, SEXES, "after") == 0


def test_a_grid_that_cannot_be_is_refused(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811  # noqa: F811
    """By what is asked and not by who is there: nothing is spent."""
    private(tmp_path, monkeypatch)
    assert disclose(nation, tmp_path, a_plan("L1", Unit.INDIVIDU, ("nama_kab", "desil"))) == 1
    assert "[private-table-names-places]" in capsys.readouterr().err
    assert disclose(nation, tmp_path, a_plan("L1", Unit.INDIVIDU, ("kode_kec", "umur"))) == 1
    assert "[private-table-too-large]" in capsys.readouterr().err
    assert not list((var / "registry" / "budget").glob("*"))


def test_an_audit_sees_a_margin_that_was_measured_by_itself(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811
    private(tmp_path, monkeypatch)
    assert disclose(nation, tmp_path, SEXES) == 0 and audit(tmp_path, "out") == 0
    change(tmp_path, "out", 0, table(tmp_path)["counts"][0] + 1)
    assert audit(tmp_path, "out") == 1
    assert "[disclosed-table-contradicts-itself]" in capsys.readouterr().err


# Households


def members(*families):
    """A batch with so many of each family (id, desil, how many), in this order."""
    rows = [(family, desil) for family, desil, many in families for _ in range(many)]
    return pa.RecordBatch.from_pydict(
        {
            "desil": pa.array([one for _, one in rows], pa.int64()),
            "_id_keluarga": pa.array([one for one, _ in rows], pa.int64()),
        }
    )


DESIL = flat("desil", [(1,), (2,)], 9)


def test_of_each_household_no_more_than_so_many_are_counted():
    """Also where it is cut in two batches; what is in no category is not counted."""
    batches = [members((1, 1, 3), (2, 2, 12), (3, 1, 4)), members(), members((3, 1, 9), (4, 7, 2), (5, 2, 1))]
    grid = counted(batches, [("desil",)], [DESIL], 5)
    assert grid.tolist() == [0, 3 + 5, 5 + 1]
    with pytest.raises(EngineError):
        counted([members((2, 1, 1), (1, 1, 1))], [("desil",)], [DESIL], 5)
    with pytest.raises(EngineError):
        counted([members((2, 1, 1)), members((1, 1, 1))], [("desil",)], [DESIL], 5)


def test_a_household_moves_the_counts_by_no_more_than_its_bound(nation, var, tmp_path, monkeypatch):  # noqa: F811
    """As a neighbour of the release sees it: with any one family away."""
    dice = np.random.default_rng(3)
    families = [(family, int(dice.integers(1, 3)), int(dice.integers(1, 15))) for family in range(60)]
    whole = counted([members(*families)], [("desil",)], [DESIL], 10)
    for away in range(60):
        rest = counted([members(*(one for one in families if one[0] != away))], [("desil",)], [DESIL], 10)
        assert 0 < np.sqrt(((whole - rest) ** 2).sum()) <= 10


def test_what_the_mechanism_tells_of_a_household_is_no_more_than_it_says():
    """An empirical lower bound of epsilon, by a membership test between two neighbours that differ by one household of
    ten: the claim holds, and a mechanism with a quarter of the noise is caught."""
    assert 0.2 < told_at_least(50) <= METHOD.epsilon(50)
    assert told_at_least(50 * 16) > METHOD.epsilon(50)


def test_what_is_spent_is_never_less_than_what_is_measured():
    """By OpenDP's own proof, to the last digit."""
    for most in (1, 3, 7, 10):
        for rho in (*range(1, 60), 333, 1000):
            assert mechanism(most, rho).map(float(most)) <= rho / 1000


def told_at_least(rho: int, draws: int = 30_000, cuts: range = range(0, 60, 5)) -> float:
    """With 99 percent confidence over all tests together, each of which says "they are in it" from a count on."""
    noise, doubt = np.array(mechanism(10, rho)([0] * draws)), 0.01 / (2 * len(cuts))
    least = [chance(int((noise + 10 >= cut).sum()), draws, doubt) for cut in cuts]  # that a member is found
    most = [1 - chance(int((noise < cut).sum()), draws, doubt) for cut in cuts]  # that somebody else is
    return max(log(max(one - 1e-10, 1e-12) / other) for one, other in zip(least, most, strict=True))


def chance(found: int, tries: int, doubt: float) -> float:
    """The lower limit of a chance (Clopper and Pearson 1934): with a smaller one, so many are found too seldom."""
    many = np.arange(found, tries + 1)
    ways = np.array([lgamma(tries + 1) - lgamma(one + 1) - lgamma(tries - one + 1) for one in many.tolist()])
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        seen = np.exp(ways + many * log(middle) + (tries - many) * log1p(-middle)).sum()
        low, high = (middle, high) if seen < doubt else (low, middle)
    return low


def test_the_budget_is_that_of_the_reference():
    """Disclosure reference 3.2 and 4.7."""
    assert METHOD.epsilon(50) == pytest.approx(2.2, abs=0.01) and METHOD.epsilon(1000) == pytest.approx(10.6, abs=0.01)
    assert METHOD.deviation(1) == pytest.approx(3.2, abs=0.05) and METHOD.deviation(10) == pytest.approx(32, abs=0.5)


# The book


def entry(question="a", release="2026.3.0", who="dinsos", rho=50, at=datetime(2026, 11, 26, tzinfo=UTC)) -> Spent:
    return Spent(question * 64, release, who, rho, 10, at)


def test_the_book_counts_releases_recipients_and_the_last_year(tmp_path):
    budget = Budget(tmp_path / "budget", STORAGE, Signer.new())
    with budget.turn():
        budget.spend(entry("a"), np.array([3, -4]))
        budget.spend(entry("b"), np.array([5]))
        assert budget.told("a" * 64)[0] == entry("a") and budget.told("a" * 64)[1].tolist() == [3, -4]
        assert budget.told("c" * 64) is None
        assert budget.objection(entry("c"), METHOD).code == "privacy-budget-of-release-spent"
        assert budget.objection(entry("c", rho=1), METHOD).code == "privacy-budget-of-release-spent"
        for other in (entry("c", release="2026.4.0", rho=20), entry("c", who="bps", rho=20)):
            assert budget.objection(other, METHOD) is None
            assert budget.objection(replace(other, rho=21), METHOD).code == "privacy-budget-of-year-spent"
        later = entry("c", release="2027.4.0", at=entry().at + timedelta(days=365))
        assert budget.objection(later, METHOD).code == "privacy-budget-of-year-spent"
        assert budget.objection(replace(later, at=entry().at + timedelta(days=366)), METHOD) is None


def test_a_page_that_is_torn_out_is_seen(tmp_path):
    budget = Budget(tmp_path / "budget", STORAGE, Signer.new())
    with budget.turn():
        for one in "abc":
            budget.spend(entry(one), np.array([1]))
    (tmp_path / "budget" / "000002.dsse.json").unlink()
    with pytest.raises(Damaged) as damage:
        list(budget.spent())
    assert damage.value.code == "privacy-budget-broken"
