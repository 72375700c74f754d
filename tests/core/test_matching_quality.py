"""The statement of quality: it arrives as it was made, is believed from the registry alone, and cannot say what
cannot be."""

import copy
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from tests.quality import ALL, CLERKS_1, CLERKS_2, a_statement, statements, tallies

from bagipakai.core.envelope import BadSeal, Signer, kind_of, seal
from bagipakai.core.exchange import ANNOUNCEMENT_KIND
from bagipakai.core.matching_quality import QUALITY_KIND, MatchingQuality, Tally, wilson

REGISTRY, STRANGER = Signer.new(), Signer.new()


@settings(deadline=None, max_examples=60)
@given(statements())
def test_a_statement_arrives_as_it_was_made(told):
    envelope = told.sealed(REGISTRY)
    assert MatchingQuality.unsealed(envelope, REGISTRY.public) == told
    assert kind_of(envelope) == QUALITY_KIND


def test_it_is_believed_only_from_the_registry_and_only_as_what_it_is():
    with pytest.raises(BadSeal, match="not signed"):
        MatchingQuality.unsealed(a_statement().sealed(STRANGER), REGISTRY.public)
    with pytest.raises(BadSeal, match="another type"):
        MatchingQuality.unsealed(seal(ANNOUNCEMENT_KIND, a_statement().to_json(), REGISTRY), REGISTRY.public)
    with pytest.raises(BadSeal, match="not an envelope"):
        kind_of(b"{}")


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of the statement stands."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in pairs for path in ((*here, key), *_paths(one, (*here, key)))]


def _with(path: tuple[Any, ...], change: Any) -> dict[str, Any]:
    value = copy.deepcopy(a_statement().to_json())
    inside = value
    for step in path[:-1]:
        inside = inside[step]
    change(inside, path[-1])
    return value


def refused(value: dict[str, Any]) -> None:
    with pytest.raises(BadSeal, match="malformed statement"):
        MatchingQuality.unsealed(seal(QUALITY_KIND, value, REGISTRY), REGISTRY.public)


@pytest.mark.parametrize("name", [one.name for one in fields(MatchingQuality)])
def test_a_field_less_or_more_is_refused(name):
    refused(_with((name,), lambda inside, key: inside.pop(key)))
    refused(_with((name,), lambda inside, key: inside.update({f"{key}_": inside[key]})))


def test_a_row_has_no_place_in_it():
    """Nowhere in the statement does a further field fit, or another kind of value than the one that stands there."""
    for path in _paths(a_statement().to_json()):
        value = a_statement().to_json()
        for step in path:
            value = value[step]
        if isinstance(value, dict):
            refused(_with(path, lambda inside, key: inside[key].update({"nik": 1})))
        refused(_with(path, lambda inside, key: inside.__setitem__(key, [["SITI"]])))
        refused(_with(path, lambda inside, key: inside.__setitem__(key, True)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model",), "2026.1 <b>"),
        (("model_digest",), "AB" * 32),
        (("measured_on",), "20261120"),
        (("measured_on",), "kemarin"),
        (("thresholds", "basis"), ""),
        (("thresholds", "accept"), -1),
        (("lists",), []),
        (("lists", 0, "kind"), "lain"),
        (("lists", 0, "seed"), None),  # a drawn list can be drawn again
        (("lists", 0, "kind"), "labelled"),  # people are not drawn
        (("lists", 0, "tally", "right"), 17_951),
        (("lists", 0, "tally", "present"), 20_001),
        (("lists", 0, "tally", "review"), 20),
        (("lists", 0, "tally", "rows"), 17_979),
        (("groups", "name"), {}),
        (("groups", "sex"), {"SITI": None}),
        (("groups", "province"), {"3201": None}),
        (("groups", "province"), {"5": None}),
        (("bins", "10"), None),
        (("bins", "06"), None),
        (("bins", "6"), {"rows": 18, "stated": 741_000, "right": 12}),
        (("bins", "6"), {"rows": 18, "stated": 641_000, "right": 19}),
        (("bins", "6"), {"rows": 0, "stated": 641_000, "right": 0}),
        (("bins", "6"), {}),
        (("clerks", "agreed"), 393),  # a third one decided eight others
        (("clerks", "agreed"), 401),
        (("clerks",), {"twice": 400, "agreed": 391}),
        (("clerks", "matched", "same"), 347),
        (("clerks", "matched", "effective"), 347),
        (("clerks", "matched", "effective"), 0),
        (("clerks", "matched", "same_rows"), 344),  # each stands for its own row, or more
        (("clerks", "matched", "same_rows"), 17_950),  # one was somebody else
        (("clerks", "nobody", "rows"), 70),
        (("clerks", "nobody", "same"), 0),
    ],
)
def test_what_cannot_be_is_refused(path, value):
    refused(_with(path, lambda inside, key: inside.__setitem__(key, value)))


@pytest.mark.parametrize("clerks", [CLERKS_1, CLERKS_2], ids=["version 1", "version 2"])
def test_a_statement_of_an_older_form_is_still_read_but_for_what_clerks_said(clerks):
    older = a_statement().to_json() | {"clerks": clerks}
    assert MatchingQuality.from_stored(older) == a_statement(clerks=None)
    refused(older)  # what is new is of the newest form


@settings(deadline=None, max_examples=30)
@given(statements())
def test_a_stored_statement_of_the_newest_form_is_read_whole(told):
    assert MatchingQuality.from_stored(told.to_json()) == told


@pytest.mark.parametrize(
    "clerks",
    [
        {},
        [],
        1,
        {"twice": 1},
        CLERKS_1 | {"nik": 1},
        CLERKS_1 | {"twice": {"SITI": 1}},
        CLERKS_2 | {"matched": CLERKS_2["nobody"] | {"nik": 1}},
        CLERKS_2 | {"matched": a_statement().to_json()["clerks"]["matched"]},
    ],
)
def test_a_stored_statement_of_a_form_that_never_was_is_refused(clerks):
    with pytest.raises(ValueError, match="malformed"):
        MatchingQuality.from_stored(a_statement().to_json() | {"clerks": clerks})


# What follows from the counts


def test_what_has_to_be_explained():
    told = a_statement()
    assert [(question, answer) for question, answer, _ in told.findings()] == [("sex", "P"), ("twins", "twin")]
    women, twins = told.groups["sex"]["P"], told.groups["twins"]["twin"]
    assert not told.by_chance(women)
    assert told.by_chance(twins)
    assert not told.is_a_finding(Tally(199, 199, 10, 10, 0, 0)), "too few to judge"


def test_if_every_candidate_for_review_were_taken():
    both = ALL.with_review
    assert (both.given, both.right) == (17_980, 17_967)
    assert both.recall == ALL.recall_after_review


@settings(deadline=None)
@given(tallies())
def test_every_ratio_lies_where_it_is_said_to_lie(tally):
    for share in (tally.accurate, tally.found, tally.accurate.rest):
        low, high = share.between
        assert 0 <= low <= share.at <= high <= 1
    low, high = tally.f1_between
    assert 0 <= low <= tally.f1 + 1e-12
    assert tally.f1 <= high + 1e-12
    assert tally.none >= 0


@settings(deadline=None)
@given(tallies())
def test_more_rows_are_surer(tally):
    ten = replace(tally, **{one.name: 10 * getattr(tally, one.name) for one in fields(Tally)})
    for few, many in ((tally.accurate, ten.accurate), (tally.found, ten.found)):
        assert few.between[0] <= many.between[0] + 1e-12
        assert many.between[1] <= few.between[1] + 1e-12


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(0, 0, 0.0, 1.0), (10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278), (81, 263, 0.255, 0.366)],
)
def test_wilsons_interval(right, of, low, high):
    """81 of 263: the example of Newcombe (1998), method 3."""
    assert wilson(right, of) == pytest.approx((low, high), abs=6e-4)
