"""Marked is what policy says to decide nothing, and nothing else; a policy that says otherwise is refused."""

import shutil
from datetime import date

import pytest
from tests.core.plans import a_plan

from bagipakai.core.marking import marking, markings
from bagipakai.core.marks import Marking
from bagipakai.core.plan import Asked, Level
from bagipakai.core.policy import PolicyError, policies_dir
from bagipakai.core.query import And, Column, Compare, Const, Op

DAY = date(2026, 11, 26)
BY_HOURS = Compare(Op.AT_MOST, Column("jam_kerja"), Const(34))
SAID = """
[[decides_nothing]]
variable = "{name}"
purposes = ["PERENCANAAN"]
thresholds = []
reason = "{reason}"
from = 2026-01-01
basis = "belum ada"
"""


@pytest.fixture
def policies(tmp_path, monkeypatch):
    """Sets what disclosure.toml says of marks, in a folder that nobody has looked into."""
    numbers = iter(range(100))

    def written(columns, *said, level="L3", every="1", purposes='["PERENCANAAN"]'):
        place = tmp_path / str(next(numbers))
        shutil.copytree(policies_dir(), place)
        file = place / "disclosure.toml"
        text = file.read_text("utf-8")
        text = text[: text.index("[[decides_nothing]]")]
        text += "".join(SAID.format(name=name, reason=reason) for name, reason in said)
        text = text.replace('purposes = ["PERENCANAAN"]', f"purposes = {purposes}")
        text += f'[[marks]]\nlevel = "{level}"\nevery = {every}\ncolumns = {columns}\n'
        file.write_text(text + 'from = 2026-01-01\nbasis = "belum ada"\n', "utf-8")
        monkeypatch.setenv("BAGIPAKAI_POLICIES", str(place))

    return written


def planned(level=Level.L3, columns=("kode_desa", "umur", "jam_kerja"), **changes):
    return a_plan(level, columns, **({"purpose": "PERENCANAAN", "population": None} | changes))


@pytest.mark.parametrize("level", [Level.L2, Level.L3])
@pytest.mark.parametrize("purpose", ["PERENCANAAN", "PENELITIAN"])
def test_hours_of_work_are_marked_between_the_usual_thresholds_and_the_catalogues_limits(level, purpose):
    found = marking(planned(level, purpose=purpose), DAY)
    assert found == Marking({"jam_kerja": 2}, 1, {"jam_kerja": (1, 15, 35, 41, 49, 99)})
    assert Marking.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "plan",
    [
        planned(Level.L1),
        planned(Level.L4),
        planned(purpose="BANSOS"),
        planned(purpose="lain"),
        planned(columns=("kode_desa", "umur")),
        planned(population=And((Compare(Op.AT_MOST, Column("desil"), Const(4)), BY_HOURS))),
        planned(columns=(), variables=(Asked("jam_kerja", "diperlukan", "LAIN"),)),
    ],
)
def test_a_copy_is_not_marked_where_something_may_be_decided_or_its_level_is_another(plan):
    assert marking(plan, DAY) is None


def test_a_filter_by_something_else_leaves_the_marks():
    assert marking(planned(population=Compare(Op.AT_MOST, Column("desil"), Const(4))), DAY) is not None


def test_before_there_was_a_rule_nothing_is_marked():
    assert marking(planned(), date(2025, 12, 31)) is None
    assert markings(date(2025, 12, 31)) == {}


WHOLE = ("jam_kerja", "dinyatakan tidak memutuskan apa pun")


@pytest.mark.parametrize(
    ("columns", "said", "because"),
    [
        ("{ luas_lahan_pertanian = 2 }", [WHOLE], "luas_lahan_pertanian is not said to decide nothing"),
        ("{ jam_kerja = 2 }", [], "jam_kerja is not said"),
        ("{ tidak_ada = 2 }", [("tidak_ada", "x")], "tidak_ada is not said"),
        ("{ jam_kerja = 2 }", [("jam_kerja", "  ")], "a reason"),
        ("{ desil = 2 }", [("desil", "x")], "too sensitive"),
        ("{ peringkat = 2 }", [("peringkat", "x")], "too sensitive"),
        ("{ pengeluaran_per_kapita = 2 }", [("pengeluaran_per_kapita", "x")], "too sensitive"),
        ("{ persentil = 2 }", [("persentil", "x")], "divides tables"),
        ("{ umur = 2 }", [("umur", "x")], "divides tables"),
        ("{ lapangan_usaha = 2 }", [("lapangan_usaha", "x")], "not a whole number"),
        ("{ jam_kerja = 3 }", [WHOLE], "no digit free"),
        ("{ jam_kerja = 2.0 }", [WHOLE], "whole number"),
    ],
)
def test_a_column_by_which_something_may_be_decided_is_refused(policies, columns, said, because):
    policies(columns, *said)
    for asked in (lambda: markings(DAY), lambda: marking(planned(), DAY)):
        with pytest.raises(PolicyError, match=because):
            asked()


def test_lists_by_name_and_tables_leave_whatever_the_policy_of_marks_says(policies):
    policies("{ desil = 2 }")
    assert marking(planned(Level.L4), DAY) is None and marking(planned(Level.L1), DAY) is None


@pytest.mark.parametrize("changes", [{"level": "L4"}, {"level": "L1"}, {"every": "0"}, {"purposes": '["LAIN"]'}])
def test_what_the_policy_cannot_mean_is_refused(policies, changes):
    policies("{ jam_kerja = 2 }", WHOLE, **changes)
    with pytest.raises(PolicyError):
        markings(DAY)


def test_what_others_may_know_of_a_person_is_not_marked(policies):
    """It is told more coarsely or left blank already."""
    policies("{ jam_kerja = 2 }", WHOLE)
    file = policies_dir() / "disclosure.toml"
    file.write_text(file.read_text("utf-8").replace('"umur", "tanggal_lahir"', '"jam_kerja", "tanggal_lahir"'), "utf-8")
    with pytest.raises(PolicyError, match="more coarsely"):
        markings(DAY)


def test_what_is_said_to_decide_nothing_may_be_marked(policies):
    policies("{ luas_lahan_pertanian = 100 }", ("luas_lahan_pertanian", "misalnya"), every="3")
    plan = planned(columns=("kode_desa", "luas_lahan_pertanian"))
    thresholds = {"luas_lahan_pertanian": (0, 500_001)}
    assert marking(plan, DAY) == Marking({"luas_lahan_pertanian": 100}, 3, thresholds)
    assert marking(planned(), DAY) is None
