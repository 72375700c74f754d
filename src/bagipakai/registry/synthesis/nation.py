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
    ranked = _ranked(families, [_poverty(region) for region in regencies])
    shares, person, family = [], 0, 0
    for number, region in enumerate(regencies):
        slices = tuple(slice_[number] for slice_ in ranked)
        shares.append(Share(number, region.code, persons[number], families[number], person, family, slices))
        person, family = person + persons[number], family + families[number]
    return Nation(people, family, seed, tuple(shares))


def apportion(total: int, weights: Sequence[int], limits: Sequence[int] | None = None) -> list[int]:
    """`total` divided in proportion to `weights` by largest remainders, no part above its limit.

    The parts add up to `total` exactly; with limits, their sum must be at least `total`.
    """
    parts = [0] * len(weights)
    left = total
    while left:
        open_ = [at for at, weight in enumerate(weights) if weight and (limits is None or parts[at] < limits[at])]
        whole = sum(weights[at] for at in open_)
        if not whole:
            raise ValueError("more to divide than the limits allow")
        given = {at: divmod(left * weights[at], whole) for at in open_}
        rest = left - sum(share for share, _ in given.values())
        by_remainder = sorted(open_, key=lambda at: (-given[at][1], at))
        for place, at in enumerate(by_remainder):
            more = given[at][0] + (1 if place < rest else 0)
            room = more if limits is None else min(more, limits[at] - parts[at])
            parts[at] += room
            left -= room
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
    return max(1, persons * 100 // int(numbers()["mean_size"])) if persons else 0


def _poverty(region: Region) -> int:
    poor = int(numbers()["province"][region.code[:2]]["poor"])
    return poor * (70 if region.is_city else 100) * fixed(region.code + "poor", 80, 125)


def _ranked(families: Sequence[int], poverty: Sequence[int]) -> list[list[tuple[int, int, int, int]]]:
    """From the poorest slice on, each regency sends families in proportion to those it has left, times its poverty."""
    whole, left = sum(families), list(families)
    ranked = []
    for at in range(SLICES):
        before, after = whole * at // SLICES, whole * (at + 1) // SLICES
        sent = apportion(after - before, [rest * poor for rest, poor in zip(left, poverty, strict=True)], left)
        slices, earlier = [], 0
        for number, count in enumerate(sent):
            slices.append((before, after - before, earlier, count))
            left[number] -= count
            earlier += count
        ranked.append(slices)
    return ranked
