"""From the levels of pairs to their bits: the trained chances as tables, looked up for whole columns.

The bits of the date are those of a pair of which nothing but the date is known, those of the number what it adds to
that date. Whoever is not in the registry may have a relative there, of one mother or one family card, twins of one
date; and a neighbour, with a number of the same place. So against the person stands not only a stranger:
bits_kerabat = −log2(1 + Σ share × P(levels | kin) / P(levels | stranger)) over the kinds of kin, with their share of
the registry.
"""

import math
from collections.abc import Mapping

import numpy as np

from bagipakai.registry.matching.comparisons import (
    BORN,
    BORN_AND_NIK,
    COMPARISONS,
    HOUSEHOLD,
    NAME,
    NIK,
    PLACES,
    SEX,
    Comparison,
)
from bagipakai.registry.matching.model import EVIDENCE, FAMILY, KERABAT, NEIGHBOUR, RAREST, Chances, Model

_APART = (NAME, HOUSEHOLD, SEX)
BY_NAME = next(at for at, level in enumerate(NAME.levels) if level.by_name)


class Weighing:
    """Bits of the pairs of one list. `people`: persons in the registry; `share`: of the list's persons, the part that
    is expected among those that it is compared with, `among` of them; `shared`: how often a row of the list and one of
    those share desa, kec, kab by chance."""

    def __init__(self, model: Model, people: int, share: float, shared: Mapping[str, float], among: int) -> None:
        self._model, self._people, self._shared = model, people, shared
        self.prior = math.log2(share / (1 - share) / among)
        self._same = self._tables(model.same)
        self._kin = [(math.log2(model.relatives[kin] / among), self._tables(model.relative[kin])) for kin in FAMILY] + [
            (math.log2(shared["kec"]), self._tables(model.relative[NEIGHBOUR]))
        ]

    def bits(self, levels: Mapping[str, np.ndarray], frequency: np.ndarray) -> dict[str, np.ndarray]:
        """`bits_…` by comparison, of kin, and the `score`: their sum with the prior. `levels` by comparison, as places
        among its levels; `frequency`: how many persons of the registry bear the person's name, where it is equal."""
        # in place of the chance that two strangers have one name: that somebody has this one
        name = levels[NAME.name]
        borne = np.where(name == BY_NAME, -np.log2(np.maximum(frequency / self._people, RAREST)), 0.0)
        born, nik = levels[BORN.name], levels[NIK.name]
        both = self._same[BORN_AND_NIK.name]
        bits = {one.name: self._same[one.name][levels[one.name]] for one in _APART}
        bits[NAME.name] = bits[NAME.name] + borne
        bits[BORN.name] = both[born, 0]
        bits[NIK.name] = both[born, nik] - both[born, 0]
        others = np.ones(len(born))
        for share, tables in self._kin:
            told = share + tables[BORN_AND_NIK.name][born, nik] + borne
            others += np.exp2(told + sum(tables[one.name][levels[one.name]] for one in _APART))
        found = {f"bits_{one.name}": bits[one.name] for one in COMPARISONS} | {KERABAT: -np.log2(others)}
        found["score"] = self.prior + sum(found[name] for name in EVIDENCE)
        return found

    def without_names(self, levels: Mapping[str, np.ndarray]) -> np.ndarray:
        """The prior and the bits of date, number and sex. Kin only takes from a score."""
        born_and_nik, sex = self._same[BORN_AND_NIK.name], self._same[SEX.name]
        found: np.ndarray = self.prior + born_and_nik[levels[BORN.name], levels[NIK.name]] + sex[levels[SEX.name]]
        return found

    def names_at_most(self) -> np.ndarray:
        """The most bits of each level of the name: of an equal one, if nobody else bears it."""
        alone = -math.log2(max(1 / self._people, RAREST))
        found: np.ndarray = self._same[NAME.name] + alone * (np.arange(len(NAME.levels)) == BY_NAME)
        return found

    def homes_at_most(self, possible: list[np.ndarray]) -> np.ndarray:
        """The most bits of the household, whichever of these levels of each pair holds."""
        found: np.ndarray = np.maximum.reduce([self._same[HOUSEHOLD.name][levels] for levels in possible])
        return found

    def _tables(self, chances: Chances) -> dict[str, np.ndarray]:
        """By comparison: the bits of every level, of date and number by both; of an equal name without the name."""
        found = {one.name: self._bits(chances, one) for one in (BORN_AND_NIK, *_APART)}
        found[BORN_AND_NIK.name] = found[BORN_AND_NIK.name].reshape(len(BORN.levels), len(NIK.levels))
        return found

    def _bits(self, chances: Chances, one: Comparison) -> np.ndarray:
        told = []
        for level in one.levels:
            against = 1.0 if level.missing or level.by_name else self._strangers(one, level.name)
            told.append(0.0 if level.missing else math.log2(chances[one.name][level.name] / against))
        return np.array(told)

    def _strangers(self, one: Comparison, level: str) -> float:
        u = self._model.stranger[one.name][level]
        if one is HOUSEHOLD and (place := PLACES.get(level)):
            return min(u * self._shared[place] / self._model.shared[place], 1.0)
        return u
