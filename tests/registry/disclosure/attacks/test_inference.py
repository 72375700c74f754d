"""The decile of somebody in the file, guessed from the rows that look like them, beside the same guess for people who
are not in it (disclosure reference 5: an upper bound of at most .05; a raw copy gives .94).

The risk is what is guessed better than for the control group, of what there was to win; its upper bound is Wilson's, at
95 %, of both shares (as the program anonymeter reckons).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import pytest
from tests.registry.disclosure.attacks.door import Refused, Registry
from tests.registry.disclosure.attacks.rows import FILES, FINE, Received, a_file, matches, received, told_of
from tests.registry.orders import EXEMPTED

from bagipakai.core.plan import Unit

MOST = 0.05
Z = 1.96
COARSE = (("kode_prov", ""), ("jenis_kelamin", ""), ("desil", ""))

Person = Mapping[str, Any]


def risk(file: Received, registry: Registry) -> float:
    """The upper bound."""
    people = registry.rows[Unit.INDIVIDU]
    inside = [one for one in people if one["penyandang_disabilitas"]]
    outside = random.Random(1).sample([one for one in people if not one["penyandang_disabilitas"]], 5_000)
    _, high = _share(_guessed(file, inside), len(inside))
    low, _ = _share(_guessed(file, outside), len(outside))
    return (high - low) / (1 - low)


def _guessed(file: Received, people: Sequence[Person]) -> int:
    """How many deciles are guessed rightly: the one that most rows have that look like a person."""
    rows: dict[tuple[str | None, ...], Counter[str | None]] = defaultdict(Counter)
    for row, seen in zip(file.rows, file.seen, strict=True):
        rows[seen][row["desil"]] += 1
    guess: dict[tuple[str | None, ...], str | None] = {}
    right = 0
    for person, known in zip(people, told_of(file.plan, people), strict=True):
        if known not in guess:
            fitting = sum((found for seen, found in rows.items() if matches(seen, known)), Counter())
            guess[known] = fitting.most_common(1)[0][0] if fitting else None
        right += guess[known] == str(person["desil"])
    return right


def _share(right: int, of: int) -> tuple[float, float]:
    """Wilson's interval around a share."""
    share = right / of
    middle = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    half = Z / (1 + Z**2 / of) * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    return middle - half, middle + half


def test_deciles_are_guessed_no_better_than_of_others(programme, tmp_path):
    registry = programme.afresh(tmp_path)
    file = received(registry, a_file(COARSE), "R-1")
    assert isinstance(file, Received) and risk(file, registry) <= MOST


@pytest.mark.parametrize("name", FILES)
def test_nor_in_finer_files_which_are_refused_where_they_would_be(name, programme, tmp_path):
    registry = programme.afresh(tmp_path)
    file = received(registry, a_file(FILES[name]), "R-1")
    assert (isinstance(file, Refused) and file.code == "rows-inference") or risk(file, registry) <= MOST


def test_a_file_without_the_rule_is_seen(programme, tmp_path):
    registry = programme.afresh(tmp_path)
    file = received(registry, a_file(FINE, EXEMPTED), "R-1")
    assert isinstance(file, Received) and risk(file, registry) > 0.4
