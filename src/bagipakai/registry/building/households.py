"""Who lives in which household now: persons first, then the households that they make (matching reference 4.11).

A person whose card the sources changed goes to the household that has this card, or makes a new one with others who
were told the same card. A household goes on with those who stay under its card; where nobody stays, with where most of
its members went, if these mostly come from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.lookups import firsts

NOBODY, SEVERAL = -1, -2  # has a card


@dataclass(frozen=True)
class Moves:
    """Persons by their place in the release before, ascending; the household of each there, by its number; and the card
    as a number that they have now."""

    person: Numbers
    household: Numbers
    card: Numbers


@dataclass(frozen=True)
class Made:
    """What became of the moves. `group`: the household of each person who moves, numbered as before; new ones behind
    the last. Of the households that changed, by number, ascending (`number`): `base`, the one of before whose values
    they have or come from; `goes_on`, whether they are that one; `card`."""

    moves: Moves
    group: Numbers
    number: Numbers
    base: Numbers
    goes_on: Numbers
    card: Numbers
    counts: Mapping[str, int]

    def bases(self, groups: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Of any households: base, whether they go on, and the card (0: that of the base)."""
        base, goes_on, card = groups.copy(), np.ones(len(groups), bool), np.zeros(len(groups), np.int64)
        if len(self.number):
            at = np.minimum(np.searchsorted(self.number, groups), len(self.number) - 1)
            here = self.number[at] == groups
            base[here], goes_on[here], card[here] = self.base[at[here]], self.goes_on[at[here]], self.card[at[here]]
        return base, goes_on, card


def made(moves: Moves, holder: Numbers, size: Callable[[Numbers], Numbers], dead: Numbers, count: int) -> Made:
    """`holder`: of each card that somebody moves to, ascending, the household that has it, NOBODY or SEVERAL; `size`:
    how many members households of these numbers had; `dead`: the household of each who died; `count` households
    before."""
    cards, which = np.unique(moves.card, return_inverse=True)
    unclear = holder[which] == SEVERAL
    moves = Moves(moves.person[~unclear], moves.household[~unclear], moves.card[~unclear])
    fresh = np.where(holder == NOBODY, count + np.arange(len(cards)), holder)
    group = fresh[which[~unclear]]

    ways, many = np.unique(np.stack([moves.household, group], axis=1), axis=0, return_counts=True)
    left, joined = ways[:, 0], ways[:, 1]
    touched = np.unique(np.concatenate([left, joined[joined < count], dead]))
    stay = size(touched) - _counted(touched, moves.household) - _counted(touched, dead)
    goes = np.lexsort((joined, -many, left))
    goes = goes[firsts(left[goes])]  # of each household that somebody leaves, where most go
    comes = np.lexsort((left, -many, joined))
    comes = comes[firsts(joined[comes])]  # of each that somebody joins, from where most come
    number, base = joined[comes], left[comes]
    others = ~_among(number, touched[stay > 0])  # those that stay what they are, whoever comes
    number, base = number[others], base[others]
    goes_on = (joined[goes][np.searchsorted(left[goes], base)] == number) & ~_among(base, touched[stay > 0])
    by_number = np.argsort(fresh)
    card = cards[by_number][np.searchsorted(fresh[by_number], number)]
    ended, emptied = touched[stay == 0], _among(touched[stay == 0], left)
    counts = {
        "moved": len(moves.person),
        "unclear": int(unclear.sum()),
        "new_card": int(goes_on.sum()),
        "split": int((~goes_on).sum()),
        "joined": int((emptied & ~_among(ended, base[goes_on])).sum()),
        "died_out": int((~emptied).sum()),
    }
    return Made(moves, group, number, base, goes_on, card, counts)


def _counted(wanted: Numbers, numbers: Numbers) -> Numbers:
    """How often each of `wanted`, ascending, stands among others that are all among them."""
    found: Numbers = np.bincount(np.searchsorted(wanted, numbers), minlength=len(wanted))
    return found


def _among(numbers: Numbers, others: Numbers) -> Numbers:
    found: Numbers = np.isin(numbers, others)
    return found
