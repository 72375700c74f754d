"""Names as people give them: words drawn from frequency-weighted pools of a culture, one to five of them."""

import tomllib
from bisect import bisect
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

PARTICLES = {"Al", "Da", "Dg"}  # a word that never ends a name
BIRTH_ORDER = (("Wayan", "Gede", "Putu"), ("Made", "Kadek", "Nengah"), ("Nyoman", "Komang"), ("Ketut",))


class Pool:
    """Words, commonest first; the n-th has weight 1 / (n + 3)."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self._up_to = list(accumulate(1 / (n + 3) for n in range(len(words))))

    def __bool__(self) -> bool:
        return bool(self.words)

    def drawn(self, dice: Random) -> str:
        return self.words[bisect(self._up_to, dice.random() * self._up_to[-1])]


@lru_cache(maxsize=1)
def told() -> Mapping[str, Any]:
    with Path(__file__).with_name("pools.toml").open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=1)
def called() -> Mapping[str, list[str]]:
    return {name.upper(): street.split() for name, street in told()["called"].items()}


class Culture:
    """How one people names its children."""

    def __init__(self, name: str) -> None:
        of = told()["culture"][name]
        self.name = name
        self.lone: list[int] = of["lone"]
        self.longest: int = of["longest"]
        self.first = tuple(Pool(of[key].split()) for key in ("men", "women"))
        self.last = tuple(Pool(of[key].split()) for key in ("last_men", "last_women"))
        self.made = tuple(
            tuple(Pool(part.split()) for part in of[key]) if key in of else () for key in ("made_men", "made_women")
        )
        self.family = Pool(of["family"].replace("Da Silva", "Da_Silva").split())

    def surname(self, dice: Random) -> str:
        return self.family.drawn(dice).replace("_", " ") if self.family else ""

    def named(self, dice: Random, woman: int, born: int, surname: str = "", order: int = 0, shared: str = "") -> str:
        """A name. `order`: the how-maniest child; `shared`: a word that the parents give to all."""
        cohort = 0 if born < 1970 else 1 if born < 1995 else 2
        if dice.random() * 100 < self.lone[cohort]:
            return self._lone(dice, woman, cohort)
        words = self._words(dice, woman, cohort, order)
        if shared and dice.random() < 0.8:
            words[-1] = shared
        if surname:
            words = [*words[: self.longest - 1], surname]
        words = [word for at, word in enumerate(words) if word not in words[:at]]
        while len(words) > 1 and words[-1] in PARTICLES:
            words.pop()
        return " ".join(words).upper()

    def _lone(self, dice: Random, woman: int, cohort: int) -> str:
        """One word: mostly made of two syllables that everybody in the village uses."""
        if self.made[woman] and dice.random() < (0.85, 0.6, 0.25)[cohort]:
            start, end = self.made[woman]
            return (start.drawn(dice) + end.drawn(dice)).upper()
        return self.first[woman].drawn(dice).upper()

    def _words(self, dice: Random, woman: int, cohort: int, order: int) -> list[str]:
        many = min(self.longest, 1 + (dice.random() < 0.97) + (dice.random() < (0.12, 0.25, 0.55)[cohort]))
        if self.name == "bali":
            mark = ("I", "Ni")[woman]
            start = dice.choice(BIRTH_ORDER[order % 4])
            tail = [self.last[woman].drawn(dice) for _ in range(max(1, many - 1))]
            return [*([mark] if cohort < 2 or dice.random() < 0.6 else []), start, *tail]
        start = (
            self._lone(dice, woman, cohort).title()
            if self.made[woman] and dice.random() < 0.12
            else self.first[woman].drawn(dice)
        )
        middle = [self.first[woman].drawn(dice) for _ in range(many - 2)]
        end = self.last[woman] if dice.random() < 0.85 else self.first[woman]
        return [start, *middle, *([end.drawn(dice)] if many > 1 else [])]


@lru_cache(maxsize=32)
def culture(name: str) -> Culture:
    return Culture(name)
