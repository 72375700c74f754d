"""Is this person in the file? (Disclosure reference 5: presence within policy.) The attacker knows somebody's place,
age and sex, how many such people there are, and looks how many of them are in the file.
"""

import random
from collections import Counter

import pytest
from tests.registry.disclosure.attacks.door import Registry, a_registry
from tests.registry.disclosure.attacks.rows import FILES, GUESSED, Received, a_file, matches, received, told_of
from tests.registry.disclosure.attacks.town import some_town
from tests.registry.orders import EXEMPTED

from bagipakai.core.plan import Unit

PERCENT = 50  # policy, which everybody can read
PRESENCE = tuple(one for one in EXEMPTED if one.rule == "rows-presence")


def surest(file: Received, registry: Registry) -> float:
    """The largest share of people who are alike of whom he can say that they are in it. A row with a blank is anybody's
    whom it fits, and so speaks for none."""
    everybody = Counter(told_of(file.plan, registry.rows[Unit.INDIVIDU]))
    there = Counter(file.seen)
    return max(many / sum(n for one, n in everybody.items() if matches(seen, one)) for seen, many in there.items())


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Registry:
    """Of the oldest women of one regency most are in the programme; of the others few."""
    rows, dice = some_town(4_000, 8), random.Random(8)
    for one in rows[Unit.INDIVIDU]:
        old = (one["kode_kab"], one["jenis_kelamin"]) == ("5171", "2") and one["umur"] >= 80
        one["penyandang_disabilitas"] = dice.random() < (0.6 if old else 0.085)
    return a_registry(tmp_path_factory.mktemp("town"), rows)


def test_of_nobody_it_is_more_likely_than_not(town, tmp_path):
    registry = town.afresh(tmp_path)
    file = received(registry, a_file(FILES["bands"], GUESSED), "R-1")
    assert isinstance(file, Received), file
    assert 100 * surest(file, registry) <= PERCENT


def test_a_file_in_which_presence_is_not_asked_for_is_seen(town, tmp_path):
    registry = town.afresh(tmp_path)
    file = received(registry, a_file(FILES["bands"], (*GUESSED, *PRESENCE)), "R-1")
    assert isinstance(file, Received), file
    assert 100 * surest(file, registry) > PERCENT
