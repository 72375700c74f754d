"""Policy: a rule holds from its day on; what no rule says is no."""

from datetime import date

import pytest

from bagipakai.core import policy
from bagipakai.core.policy import NoRule, PolicyError, Rules

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)


def row(since: date = JULY, **values: object) -> dict[str, object]:
    return {"from": since, "basis": "belum ada", **values}


def test_a_later_row_replaces_an_earlier_one_from_its_own_day():
    cells = Rules("cells", [row(JULY, smallest=10), row(AUGUST, smallest=20)])
    assert cells.on(date(2026, 7, 31))["smallest"] == 10
    assert cells.on(AUGUST)["smallest"] == 20


def test_the_order_of_rows_in_the_file_does_not_matter():
    cells = Rules("cells", [row(AUGUST, smallest=20), row(JULY, smallest=10)])
    assert cells.on(AUGUST)["smallest"] == 20


def test_before_its_first_day_there_is_no_rule():
    with pytest.raises(NoRule):
        Rules("cells", [row(JULY)]).on(date(2026, 6, 30))


def test_after_its_last_day_there_is_no_rule():
    cells = Rules("cells", [row(JULY, until=date(2026, 7, 31))])
    assert cells.on(date(2026, 7, 31)).until == date(2026, 7, 31)
    with pytest.raises(NoRule):
        cells.on(AUGUST)


def test_an_unknown_key_has_no_rule():
    levels = Rules("levels", [row(level="L1")], key=("level",))
    assert levels.on(JULY, "L1").basis == "belum ada"
    with pytest.raises(NoRule):
        levels.on(JULY, "L5")


def test_a_value_that_the_row_does_not_set_is_no_rule():
    with pytest.raises(NoRule):
        Rules("cells", [row()]).on(JULY)["smallest"]


def test_in_force_are_the_keys_of_that_day_in_the_order_of_the_file():
    rows = [row(level="L2"), row(level="L1"), row(AUGUST, level="L3"), row(level="L4", until=JULY)]
    levels = Rules("levels", rows, key=("level",))
    assert list(levels.in_force(JULY)) == [("L2",), ("L1",), ("L4",)]
    assert list(levels.in_force(AUGUST)) == [("L2",), ("L1",), ("L3",)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"basis": "x"}], "`from`"),
        ([{"from": "2026-07-01", "basis": "x"}], "`from`"),
        ([{"from": JULY}], "`basis`"),
        ([{"from": JULY, "basis": "  "}], "`basis`"),
        ([row(until=date(2026, 6, 1))], "`until`"),
        ([row(), row()], "second rule"),
    ],
)
def test_a_row_that_is_no_rule_is_refused_by_name(rows, said):
    with pytest.raises(PolicyError, match="cells, row") as error:
        Rules("cells", rows)
    assert said in str(error.value)


def test_a_row_without_its_key_is_refused():
    with pytest.raises(PolicyError, match="level"):
        Rules("levels", [row()], key=("level",))


def in_a_folder(place, monkeypatch, **files):
    """Policies of this process from now on: `files` by name, in a folder that nobody has looked into."""
    place.mkdir()
    for name, content in files.items():
        (place / f"{name}.toml").write_text(content)
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(place))


def test_the_version_follows_every_byte_of_every_file(tmp_path, monkeypatch):
    versions = set()
    for number, files in enumerate(({"a": "x = 1"}, {"a": "x = 1", "b": ""}, {"a": "x = 2", "b": ""}, {"c": "x = 1"})):
        in_a_folder(tmp_path / str(number), monkeypatch, **files)
        versions.add(policy.version())
    in_a_folder(tmp_path / "again", monkeypatch, a="x = 1")
    assert len(versions) == 4
    assert policy.version() in versions


def test_a_missing_or_broken_file_is_an_error_and_not_an_empty_policy(tmp_path, monkeypatch):
    in_a_folder(tmp_path / "policies", monkeypatch, b="x =")
    with pytest.raises(PolicyError, match=r"a\.toml is missing"):
        policy.policy_file("a")
    with pytest.raises(PolicyError, match=r"b\.toml is not TOML"):
        policy.policy_file("b")


def test_what_is_decided_by_and_what_is_written_down_are_the_same_files(tmp_path, monkeypatch):
    """Somebody edits a policy while the office works: neither the rule nor the version changes under it."""
    in_a_folder(tmp_path / "policies", monkeypatch, a="x = 1")
    before = policy.version()
    (tmp_path / "policies" / "a.toml").write_text("x = 2")
    assert policy.policy_file("a") == {"x": 1}
    assert policy.version() == before
