"""Who lives where, and who is poorer than whom: the whole nation in whole numbers, before any person exists.

Everything that one regency must know of the others is decided here: how many persons and families it has, where its
ordinals begin, and which national ranks are its families'. So the regencies can be made in any order, anywhere.
"""

import tomllib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bagipakai.registry.regions import Region, regions

SLICES = 100  # percentiles: the nation is ranked slice by slice
_ONE = 2**20  # a family that is owed, in parts


@dataclass(frozen=True, slots=True)
class Share:
    """One regency's part of the nation. `slices[k]` = (first rank before the slice, families of the nation in it, how
    many of them come before this regency's, how many are this regency's)."""

    number: int
    kab: str
    persons: int
    families: int
    first_person: int
    first_family: int
    slices: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Nation:
    people: int
    families: int
    seed: int
    shares: tuple[Share, ...]


@lru_cache(maxsize=1)
def numbers() -> MappingProxyType[str, Any]:
    """The estimates of `nation.toml`."""
    return MappingProxyType(tomllib.loads((Path(__file__).parent / "nation.toml").read_text("utf-8")))


def divide(people: int, seed: int) -> Nation:
    """The nation of `people` persons divided over all regencies. Raises ValueError below 1,000 or above 400 million."""
    if not 1_000 <= people <= 400_000_000:
        raise ValueError("between 1,000 and 400,000,000 persons")
    regencies = regions().at_level(2)
    persons = apportion(people, _population(regencies))
    families = [_families(count) for count in persons]
    ranked = _ranked(families, regencies)
    shares, person, family = [], 0, 0
    for number, region in enumerate(regencies):
        slices = tuple(slice_[number] for slice_ in ranked)
        shares.append(Share(number, region.code, persons[number], families[number], person, family, slices))
        person, family = person + persons[number], family + families[number]
    return Nation(people, family, seed, tuple(shares))


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """`total` divided in proportion to `weights` by largest remainders; the parts add up to it exactly."""
    whole = sum(weights)
    given = [divmod(total * weight, whole) for weight in weights]
    parts = [share for share, _ in given]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-given[at][1], at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


def fixed(code: str, low: int, high: int) -> int:
    """A number from `low` to `high` that belongs to a region code for ever, whatever the seed."""
    return low + zlib.crc32(code.encode()) % (high - low + 1)


def _population(regencies: Sequence[Region]) -> list[int]:
    """Weights of the regencies: a province's estimate, divided by number and kind of villages."""
    everywhere = regions()
    size = {}
    for region in regencies:
        villages = [
            village for district in everywhere.children(region.code) for village in everywhere.children(district.code)
        ]
        size[region.code] = sum(30 if village.is_kelurahan else 10 for village in villages) * fixed(
            region.code, 70, 140
        )
    weights = []
    for region in regencies:
        province = region.code[:2]
        of_province = sum(value for code, value in size.items() if code.startswith(province))
        weights.append(numbers()["province"][province]["persons"] * 1_000_000 * size[region.code] // of_province)
    return weights


def _families(persons: int) -> int:
    mean = int(numbers()["mean_size"])
    return max(1, (persons * 100 + mean // 2) // mean) if persons else 0


def _poverty(region: Region) -> int:
    poor = int(numbers()["province"][region.code[:2]]["poor"])
    return poor * (70 if region.is_city else 100) * fixed(region.code + "poor", 80, 125)


def _ranked(families: Sequence[int], regencies: Sequence[Region]) -> list[list[tuple[int, int, int, int]]]:
    """From the poorest slice on, each regency sends families in proportion to those it has left, times its poverty.

    What a share lacks to a whole family is owed, and paid in a later slice: else, in a small nation, a small regency
    would never come before the last slices. It starts with a part of its own, so that they do not all come at once.
    """
    poverty = [_poverty(region) for region in regencies]
    owed = [fixed(region.code + "turn", 0, _ONE - 1) - _ONE // 2 for region in regencies]
    whole, left, ranked = sum(families), list(families), []
    for at in range(SLICES):
        before, after = whole * at // SLICES, whole * (at + 1) // SLICES
        weights = [rest * poor for rest, poor in zip(left, poverty, strict=True)]
        among = sum(weights) or 1
        owed = [debt + (after - before) * _ONE * weight // among for debt, weight in zip(owed, weights, strict=True)]
        sent = _paid(owed, left, after - before)
        slices, earlier = [], 0
        for number, count in enumerate(sent):
            slices.append((before, after - before, earlier, count))
            left[number] -= count
            owed[number] -= count * _ONE
            earlier += count
        ranked.append(slices)
    return ranked


def _paid(owed: Sequence[int], left: Sequence[int], total: int) -> list[int]:
    """`total` families, whole ones as they are owed and the rest where most is owed, none beyond what is left."""
    sent = [min(max(debt // _ONE, 0), rest) for debt, rest in zip(owed, left, strict=True)]
    while (missing := total - sum(sent)) != 0:
        step = 1 if missing > 0 else -1
        able = [at for at in range(len(sent)) if (sent[at] < left[at] if step > 0 else sent[at] > 0)]
        able.sort(key=lambda at: (-step * (owed[at] - sent[at] * _ONE), at))
        for at in able[: abs(missing)]:
            sent[at] += step
    return sent
