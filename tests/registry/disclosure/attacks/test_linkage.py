"""A public list of people, joined with rows that left without names (disclosure reference 5: no unique link, and right
about no more than one of k). Unprotected, eight variables of a village link 97 of 100 persons.

The list names everybody who is in the programme, and all that neighbours know of them: worse than a list of the whole
nation. Blanks match anything.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.registry.disclosure.attacks.door import Refused, Registry
from tests.registry.disclosure.attacks.rows import FILES, FINE, GUESSED, Received, a_file, matches, received, told_of
from tests.registry.orders import EXEMPTED

from bagipakai.core.disclosure import RowRule
from bagipakai.core.plan import Exempted, Unit

K = 10  # policy, which everybody can read

Known = tuple[str | None, ...]


def named(registry: Registry) -> list[Mapping[str, Any]]:
    return [one for one in registry.rows[Unit.INDIVIDU] if one["penyandang_disabilitas"]]


def candidates(file: Received, registry: Registry) -> list[int]:
    """For each row, how many of the list it may be."""
    known = Counter(told_of(file.plan, named(registry)))
    found = {seen: sum(many for one, many in known.items() if matches(seen, one)) for seen in set(file.seen)}
    return [found[seen] for seen in file.seen]


def right(possible: Iterable[int]) -> float:
    """Of how many rows the attacker names the right person, when he draws one of those that fit."""
    found = list(possible)
    return sum(1 / one for one in found) / len(found)


def unique_families(file: Received, registry: Registry) -> int:
    """Rows of one family carry one pseudonym: families of which two or more are in the file and that fit one family of
    the nation alone."""
    rows: dict[str | None, list[Known]] = defaultdict(list)
    for row, seen in zip(file.rows, file.seen, strict=True):
        rows[row["pseudonim_kk"]].append(seen)
    people = registry.rows[Unit.INDIVIDU]
    homes: dict[int, Counter[Known]] = defaultdict(Counter)
    for person, known in zip(people, told_of(file.plan, people), strict=True):
        homes[person["id_keluarga"]][known] += 1
    whole = [one for some in rows.values() if len(some) > 1 and None not in sum(some, ()) for one in [Counter(some)]]
    return sum(sum(one <= home for home in homes.values()) == 1 for one in whole)


@pytest.mark.parametrize("name", FILES)
def test_nobody_is_linked_by_what_neighbours_know(name, programme, tmp_path):
    registry = programme.afresh(tmp_path)
    file = received(registry, a_file(FILES[name], GUESSED), "R-1")
    assert isinstance(file, Received), file
    possible = candidates(file, registry)
    assert possible.count(1) == 0 and min(possible) >= K and right(possible) <= 1 / K


def test_families_are_not_tied_together(programme, tmp_path):
    """A file that would tie them is refused; without what ties them there is no family in it."""
    registry = programme.afresh(tmp_path)
    tied = received(registry, a_file(FILES["status"], GUESSED, ("nik", "nomor_kk")), "R-1")
    assert isinstance(tied, Refused) and tied.code == "rows-families"
    file = received(registry, a_file(FILES["status"], GUESSED), "R-2")
    assert isinstance(file, Received) and "pseudonim_kk" not in file.rows[0]


def test_a_file_that_ties_families_is_seen(programme, tmp_path):
    registry = programme.afresh(tmp_path)
    exempted = tuple(sorted((*GUESSED, Exempted("rows-families", "serangan dicoba")), key=lambda one: one.rule))
    file = received(registry, a_file(FILES["status"], exempted, ("nik", "nomor_kk")), "R-1")
    assert isinstance(file, Received) and unique_families(file, registry) > 0


def test_too_fine_a_file_is_refused(programme, tmp_path):
    assert isinstance(received(programme.afresh(tmp_path), a_file(FINE, GUESSED), "R-1"), Refused)


def test_a_file_without_the_rule_is_seen(programme, tmp_path):
    registry = programme.afresh(tmp_path)
    file = received(registry, a_file(FINE, EXEMPTED), "R-1")
    assert isinstance(file, Received)
    possible = candidates(file, registry)
    assert possible.count(1) > len(possible) / 10 and right(possible) > 3 / K


def test_classes_that_are_one_too_small_are_seen(programme, tmp_path, monkeypatch):
    """Off by one: nine are called enough."""
    whole = RowRule.on.__func__
    monkeypatch.setattr(
        RowRule, "on", classmethod(lambda cls, day, level: replace(whole(cls, day, level), smallest_class=K - 1))
    )
    registry = programme.afresh(tmp_path)
    file = received(registry, a_file(FILES["bands"], GUESSED), "R-1")
    assert isinstance(file, Received) and min(candidates(file, registry)) == K - 1
