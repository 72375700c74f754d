"""Names and addresses, put together from parts of the region's tradition (`names.toml`)."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.synthesis.dice import Dice, Wheel

MAN, WOMAN = 0, 1
_POOLS = ("male", "female")


@dataclass(frozen=True)
class Tradition:
    """The names of one region. `first` and `more` are pools of parts; `more` has a leading space and ends with ""."""

    shape: Wheel
    own: int
    first: pa.Array
    first_spans: np.ndarray  # [sex, own or common] → (where its parts begin, how many)
    more: pa.Array
    more_spans: np.ndarray
    family: tuple[int, int]  # where the family names stand in `more`, how many; none: how many is 0

    @property
    def nothing(self) -> int:
        return len(self.more) - 1

    def family_names(self, dice: Dice, n: int) -> np.ndarray:
        """`n` family names, as places in `more`; the empty name where the region has none."""
        begin, many = self.family
        return begin + dice.below(n, many) if many else np.full(n, self.nothing)

    def names(self, dice: Dice, sex: np.ndarray, family: np.ndarray) -> pa.StringArray:
        """One name each: `sex` is MAN or WOMAN, `family` a place from `family_names`."""
        n = len(sex)
        shape = self.shape.spin(dice, np.zeros(n, dtype=np.int32)) + 1
        common = (~dice.chance(n, self.own)).astype(np.int64)
        first = _one_of(dice, self.first_spans[sex, common])
        second, third = (_one_of(dice, self.more_spans[sex, common]) for _ in range(2))
        if self.family[1]:
            third = family
            second = np.where((shape == 2) & dice.chance(n, 800), family, second)
        second[shape < 2] = self.nothing
        third[(shape < 3) | (third == second)] = self.nothing
        parts = (self.first.take(pa.array(first)), self.more.take(pa.array(second)), self.more.take(pa.array(third)))
        return pc.binary_join_element_wise(*parts, "")


@dataclass(frozen=True)
class Places:
    """Streets and hamlets. `where` holds what stands before the number: streets, then lanes, then hamlets."""

    where: pa.Array
    streets: int
    hamlets: int
    numbers: pa.Array

    def addresses(self, dice: Dice, urban: np.ndarray, quarter: np.ndarray) -> pa.StringArray:
        """One address each: mostly streets and lanes where `urban`, hamlets elsewhere. Families of one `quarter` (any
        whole number) share a few streets."""
        n = len(urban)
        kind = dice.slots(n)
        near = (quarter * 7919 + dice.below(n, 6)) % self.streets
        hamlet = (quarter * 104_729 + dice.below(n, 3)) % self.hamlets
        lane = kind % 5 == 0
        in_hamlet = np.where(urban, kind < 400, kind < 3000)
        where = np.where(in_hamlet, 2 * self.streets + hamlet, near + np.where(lane, self.streets, 0))
        number = np.where(in_hamlet & (kind % 3 != 0), 0, 1 + dice.below(n, len(self.numbers) - 1))
        return pc.binary_join_element_wise(self.where.take(pa.array(where)), self.numbers.take(pa.array(number)), "")


@lru_cache(maxsize=64)
def tradition(region: str) -> Tradition:
    """Raises KeyError for a region that `names.toml` does not have."""
    own, common = _data()[region], _data()["common"]
    first, first_spans = _pool([[_parts(source[sex]) for source in (own, common)] for sex in _POOLS])
    more, more_spans = _pool([[_parts(source[f"{sex}_more"]) for source in (own, common)] for sex in _POOLS])
    family = _parts(own.get("family", ""))
    return Tradition(
        shape=Wheel([own["shape"]]),
        own=own["own"],
        first=pa.array(first),
        first_spans=first_spans,
        more=pa.array([f" {part}" for part in [*more, *family]] + [""]),
        more_spans=more_spans,
        family=(len(more), len(family)),
    )


@lru_cache(maxsize=1)
def places() -> Places:
    streets, hamlets = _parts(_data()["places"]["streets"]), _parts(_data()["places"]["hamlets"])
    where = [
        *(f"JL. {name}" for name in streets),
        *(f"GG. {name}" for name in streets),
        *(f"DUSUN {name}" for name in hamlets),
    ]
    return Places(pa.array(where), len(streets), len(hamlets), pa.array(["", *(f" NO. {at}" for at in range(1, 200))]))


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "names.toml").read_text("utf-8"))


def _parts(text: str) -> list[str]:
    """As identity papers write them: in capitals."""
    return [part.strip().upper() for part in text.split("|") if part.strip()]


def _pool(parts: list[list[list[str]]]) -> tuple[list[str], np.ndarray]:
    pool: list[str] = []
    spans = np.zeros((2, 2, 2), dtype=np.int64)
    for sex, sources in enumerate(parts):
        for source, found in enumerate(sources):
            spans[sex, source] = (len(pool), len(found))
            pool += found
    return pool, spans


def _one_of(dice: Dice, spans: np.ndarray) -> np.ndarray:
    return np.asarray(spans[:, 0] + dice.below(len(spans), spans[:, 1]))
