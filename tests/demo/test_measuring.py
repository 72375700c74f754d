"""The demonstration measures matching by the house's own commands, and states what was measured: on synthetic lists."""

from types import SimpleNamespace

import pytest
from tests.factories_registry import PUBLISHED_AT, STORAGE, small_dataset
from tests.registry.orders import a_house

from bagipakai.cli import main
from bagipakai.core.matching_quality import MatchingQuality
from bagipakai.demo import measuring
from bagipakai.demo.processes import Stopped
from bagipakai.registry.publishing import publish

PEOPLE, SEED = 3_000, 7  # of the small release


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A house with a release. What its commands do is done in this process; what the office hears is kept."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    house = a_house(tmp_path / "var")
    dataset = small_dataset(tmp_path, PEOPLE, SEED)
    publish(dataset, house.var / "releases", "2026.3.0", PUBLISHED_AT, STORAGE, seal=house.keys.seal)
    heard: list[MatchingQuality] = []

    def hear(envelope):
        heard.append(MatchingQuality.unsealed(envelope, house.keys.receipt.public))
        return SimpleNamespace(pk=len(heard), statement=heard[-1].to_json())

    def run(*words):
        if main([str(word) for word in words]):
            raise Stopped(" ".join(map(str, words[:2])))
        return ""

    monkeypatch.setattr(measuring, "SEED", SEED)
    monkeypatch.setattr(measuring, "bagipakai", run)
    monkeypatch.setattr(measuring.matching_quality, "hear", hear)
    return SimpleNamespace(var=house.var, heard=heard)


def test_what_is_stated_was_measured_on_synthetic_lists_of_the_nation_itself(house, tmp_path):
    told = measuring.measure(tmp_path, "2026.3.0", PEOPLE)
    (stated,) = house.heard
    assert [(one.kind, one.seed, one.persons) for one in stated.lists] == [
        ("typical", SEED, PEOPLE),
        ("dirty", SEED, PEOPLE),
    ]
    assert told.rows == PEOPLE // 20 == stated.overall.rows and told.present < told.rows
    assert told.right == stated.overall.right > 0.9 * told.present  # not, where the truth speaks of another nation
    assert stated.lists[1].tally.found.at <= stated.lists[0].tally.found.at + 0.05
    assert stated.clerks is None
    sexes = [one for one in stated.groups["sex"].values() if one is not None]
    assert sum(one.present for one in sexes) == told.present
    assert list(stated.groups["province"]) == [measuring.PROVINCE]
    assert "twins" not in stated.groups  # DTSEN knows no mothers


def test_a_release_that_is_not_there_stops_it(house, tmp_path):
    with pytest.raises(Stopped):
        measuring.measure(tmp_path, "2026.3.9", PEOPLE)
    assert house.heard == []
