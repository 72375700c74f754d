"""Drawn anew is what policy says, of what decides nothing, and nothing else; any other policy is refused."""

from datetime import date

import pytest
from tests.core.plans import a_plan
from tests.policies import randomised, with_policy

from bagipakai.core.marking import randomisation, randomisations
from bagipakai.core.plan import Asked, Level
from bagipakai.core.policy import NoRule, PolicyError, policies_dir
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.core.randomisation import SCHEME, Randomisation

DAY = date(2026, 11, 26)
HOURS = Randomisation({"jam_kerja": 80}, {"jam_kerja": (1, 15, 35, 41, 49, 99)})
DECIDES = """
[[decides_nothing]]
variable = "{}"
purposes = ["PERENCANAAN"]
thresholds = []
reason = "untuk uji"
from = 2026-01-01
basis = "belum ada"
"""


@pytest.fixture
def policies(tmp_path, monkeypatch):
    def written(added):
        with_policy(tmp_path / "policies", monkeypatch, added)

    return written


def planned(level=Level.L3, columns=("kode_desa", "umur", "jam_kerja"), **changes):
    return a_plan(level, columns, **({"purpose": "PERENCANAAN", "population": None} | changes))


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("purpose", ["PERENCANAAN", "PENELITIAN", "BANSOS"])
def test_as_shipped_nothing_is_drawn(level, purpose):
    assert randomisations(DAY) == {} and randomisation(planned(level, purpose=purpose), DAY) is None


def test_what_is_said_to_decide_nothing_is_drawn_between_its_thresholds(policies):
    policies(randomised())
    assert randomisation(planned(), DAY) == HOURS
    assert Randomisation.from_json(HOURS.to_json()) == HOURS and HOURS.words == "jam_kerja:80"
    assert randomisation(planned(), date(2025, 12, 31)) is None


@pytest.mark.parametrize(
    "plan",
    [
        planned(Level.L1),
        planned(Level.L2),
        planned(Level.L4),
        planned(purpose="PENELITIAN"),
        planned(columns=("kode_desa", "umur")),
        planned(population=Compare(Op.AT_MOST, Column("jam_kerja"), Const(34))),
        planned(columns=(), variables=(Asked("jam_kerja", "diperlukan", "LAIN"),)),
    ],
)
def test_nothing_is_drawn_of_other_rows(policies, plan):
    policies(randomised(purposes='["PERENCANAAN"]'))
    assert randomisation(plan, DAY) is None


def test_for_no_purpose_nothing_is_drawn(policies):
    policies(randomised(purposes="[]"))
    assert randomisation(planned(), DAY) is None


@pytest.mark.parametrize(
    ("added", "because"),
    [
        (randomised(variable="desil"), "desil is not said to decide nothing"),
        (randomised(variable="umur"), "umur is not said to decide nothing"),
        (DECIDES.format("desil") + randomised(variable="desil", purposes='["PERENCANAAN"]'), "too sensitive"),
        (DECIDES.format("peringkat") + randomised(variable="peringkat", purposes='["PERENCANAAN"]'), "too sensitive"),
        (DECIDES.format("persentil") + randomised(variable="persentil", purposes='["PERENCANAAN"]'), "divides tables"),
        (DECIDES.format("umur") + randomised(variable="umur", purposes='["PERENCANAAN"]'), "divides tables"),
        (randomised(purposes='["PERENCANAAN", "BANSOS"]'), "may be decided for these purposes"),
        (randomised(level="L4"), "no value of this level"),
        (randomised(level="L1"), "no value of this level"),
        (randomised(keep="0"), "between 1 and 99"),
        (randomised(keep="100"), "between 1 and 99"),
        (randomised(keep="80.0"), "between 1 and 99"),
        (randomised(keep='"80"'), "between 1 and 99"),
    ],
)
def test_by_what_something_may_be_decided_the_whole_policy_is_refused(policies, added, because):
    """For every plan of rows, also for one that has nothing to do with it."""
    policies(added)
    for asked in (lambda: randomisations(DAY), lambda: randomisation(planned(columns=("kode_desa",)), DAY)):
        with pytest.raises(PolicyError, match=because):
            asked()


def test_what_others_may_know_of_a_person_is_not_drawn(policies):
    policies(randomised())
    file = policies_dir() / "disclosure.toml"
    file.write_text(file.read_text("utf-8").replace('"umur", "tanggal_lahir"', '"jam_kerja", "tanggal_lahir"'), "utf-8")
    with pytest.raises(PolicyError, match="more coarsely"):
        randomisations(DAY)


def test_a_rule_without_a_percentage_draws_nothing(policies):
    policies(randomised().replace("keep_percent = 80\n", ""))
    with pytest.raises(NoRule):
        randomisations(DAY)


@pytest.mark.parametrize(
    "said",
    [
        {"scheme": "lain", "columns": {"jam_kerja": {"keep_percent": 80, "thresholds": []}}},
        {"scheme": SCHEME, "columns": {"jam_kerja": {"keep_percent": True, "thresholds": []}}},
        {"scheme": SCHEME, "columns": {"jam_kerja": {"keep_percent": 80, "thresholds": [15, 1]}}},
        {"scheme": SCHEME, "columns": {"jam_kerja": {"keep_percent": 80, "thresholds": ["1"]}}},
        {"scheme": SCHEME, "columns": ["jam_kerja"]},
    ],
)
def test_what_no_manifest_can_say_is_not_read(said):
    with pytest.raises((ValueError, AttributeError)):
        Randomisation.from_json(said)
