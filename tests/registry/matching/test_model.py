"""A model file brings numbers for the comparisons of this program, all of them, or it is refused."""

import json

import pytest

from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching import model
from bagipakai.registry.matching.comparisons import COMPARISONS, TRAINED


def told():
    return json.loads(model.SHIPPED.read_text())


def opened(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content))
    return model.opened(path)


def test_the_shipped_model_is_for_these_comparisons_and_says_how_it_was_made():
    shipped = model.opened()
    assert isinstance(shipped, model.Model)
    assert shipped.report["splink"] and shipped.report["labels"] > 100_000 and shipped.report["together"]
    assert model.opened().digest == shipped.digest


@pytest.mark.parametrize("chance", [None, 0.0, -0.1, 1.1, "0.5", float("nan"), True])
@pytest.mark.parametrize("whose", ["same", "stranger"])
def test_a_level_without_a_sound_number_is_refused(tmp_path, whose, chance):
    content = told()
    content[whose]["nama"]["equal"] = chance
    assert opened(tmp_path, content) == Refusal("matching-model-malformed", {"file": "model.json"})


def test_a_level_that_is_missing_is_refused(tmp_path):
    for one in TRAINED:
        for level in one.levels[1:3]:
            content = told()
            del content["same"][one.name][level.name]
            assert isinstance(opened(tmp_path, content), Refusal)


@pytest.mark.parametrize("what", ["comparisons", "normaliser"])
def test_a_model_of_other_comparisons_or_names_is_refused(tmp_path, what):
    content = told() | {what: "0" * 64}
    assert opened(tmp_path, content) == Refusal("matching-model-of-other-comparisons", {"file": "model.json"})


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff{")
    for path in (tmp_path / "x", tmp_path / "absent", tmp_path):
        assert isinstance(model.opened(path), Refusal)


def test_what_agrees_speaks_for_a_person_and_what_differs_against():
    shipped = model.opened()
    for one in ("nama", "rumah", "jenis_kelamin"):
        levels = [level.name for level in next(c for c in COMPARISONS if c.name == one).levels if not level.missing]
        same, stranger = shipped.same[one], shipped.stranger[one]
        assert same[levels[0]] > stranger[levels[0]] and same[levels[-1]] < stranger[levels[-1]]
