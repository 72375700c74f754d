"""Who lives together now: said plainly, drawn, and in the cases that a registrar would name."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.building.households import NOBODY, SEVERAL, Made, Moves, made
from bagipakai.registry.building.job import of_others

REACHED: set[str] = set()


def told(homes: list[list[str]]) -> Made:
    """`homes[h]` says of each member of household h what happens: "" stays, "+" died, else the card that is told; the
    card "h2" is that of household 2, "?" is that of several, and anything else is nobody's."""
    cards = sorted({what for members in homes for what in members if what not in ("", "+")})
    numbers = {card: 1_000 + at for at, card in enumerate(cards)}
    holder = [int(card[1:]) if card[0] == "h" else SEVERAL if card == "?" else NOBODY for card in cards]
    moves, dead, number = [], [], 0
    for household, members in enumerate(homes):
        for what in members:
            if what == "+":
                dead.append(household)
            elif what:
                moves.append((number, household, numbers[what]))
            number += 1
    size = np.array([len(members) for members in homes])
    columns = [np.array([move[at] for move in moves], np.int64) for at in range(3)]
    given = Moves(*columns)
    return made(given, np.array(holder, np.int64), lambda some: size[some], np.array(dead, np.int64), len(homes))


def naive(homes: list[list[str]]) -> tuple[dict[str, tuple[int, bool]], dict[str, int]]:
    """Of each card to which somebody moves, unless somebody stays under it: where its household comes from, and whether
    it is that one; and the counts."""
    went: dict[int, Counter[str]] = defaultdict(Counter)
    unclear = 0
    for household, members in enumerate(homes):
        for what in members:
            unclear += what == "?"
            if what not in ("", "+", "?"):
                went[household][what] += 1
    stays = {f"h{at}": any(what in ("", "?") for what in members) for at, members in enumerate(homes)}
    order = sorted({card for some in went.values() for card in some}, key=_in_order)

    def goes(household: int) -> str:
        if stays[f"h{household}"]:
            return f"h{household}"
        return max(order, key=lambda card: (went[household][card], -order.index(card)))

    found = {}
    for card in order:
        if not stays.get(card, False):
            base = max(went, key=lambda household: (went[household][card], -household))
            found[card] = (base, goes(base) == card)
    continued = {base for base, goes_on in found.values() if goes_on}
    ended = [at for at, members in enumerate(homes) if members and not stays[f"h{at}"]]
    counts = {
        "moved": sum(some.total() for some in went.values()),
        "unclear": unclear,
        "new_card": len(continued),
        "split": len(found) - len(continued),
        "joined": sum(at in went and at not in continued for at in ended),
        "died_out": sum(at not in went for at in ended),
    }
    return found, counts


def _in_order(card: str) -> tuple[bool, str]:
    return card[0] != "h", card


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.lists(st.sampled_from(["", "", "+", "a", "b", "h0", "h1", "h2", "?"]), min_size=1, max_size=5),
        min_size=3,
        max_size=5,
    )
)
def test_households_are_made_as_said_plainly(drawn):
    homes = [["" if what == f"h{at}" else what for what in members] for at, members in enumerate(drawn)]
    got, (expected, counts) = told(homes), naive(homes)
    cards = sorted({what for members in homes for what in members if what not in ("", "+")})
    by_card = {1_000 + at: card for at, card in enumerate(cards)}
    found = {
        by_card[card]: (base, bool(goes_on))
        for card, base, goes_on in zip(got.card.tolist(), got.base.tolist(), got.goes_on.tolist(), strict=True)
    }
    assert found == expected and got.counts == counts
    assert got.number.tolist() == sorted(got.number.tolist())
    bases, _, _ = got.bases(got.group)
    assert set(bases.tolist()) <= set(range(len(homes)))
    REACHED.update(name for name, many in counts.items() if many)


def test_the_drawn_households_did_everything_that_is_counted():
    if not REACHED:
        test_households_are_made_as_said_plainly()
    assert {"moved", "unclear", "new_card", "split", "joined", "died_out"} == REACHED


@pytest.mark.parametrize(
    ("homes", "counts"),
    [
        ([["a", "a"]], {"moved": 2, "new_card": 1}),
        ([["", "", "a"]], {"moved": 1, "split": 1}),
        ([["a", "a", "b"]], {"moved": 3, "new_card": 1, "split": 1}),
        ([["", ""], ["h0"]], {"moved": 1, "joined": 1}),
        ([["h1", "h1"], ["h0"]], {"moved": 3, "new_card": 2}),
        ([["+"], [""]], {"died_out": 1}),
        ([["?", ""]], {"unclear": 1}),
    ],
)
def test_a_registrar_would_say_the_same(homes, counts):
    assert {name: many for name, many in told(homes).counts.items() if many} == counts


def test_a_number_goes_to_nobody_if_two_would_have_it():
    person, number = np.array([3, 5, 8, 9]), np.array([70, 71, 72, 72])
    there = [np.array([10, 71]), np.array([11])]
    assert of_others(person, number, there).tolist() == [5, 8, 9]
