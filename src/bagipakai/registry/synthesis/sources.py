"""Which source told what, and when, in a synthetic nation: the catalogue's producers, and a handful of survey waves."""

import re
from datetime import date

import numpy as np

from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue
from bagipakai.registry.lineage import Lineage, Source, by_producer
from bagipakai.registry.synthesis.dice import Dice

CONTRACT = "sintetis-1"
WAVES = (
    4  # quarters in which a family may have been surveyed last; the register of persons is this quarter's or the last
)
SURVEY, REGISTER = "badan-pusat-statistik", "ditjen-dukcapil-kementerian-dalam-negeri"


def lineage(catalogue: Catalogue, day: date) -> Lineage:
    """The lineage of a nation as it is on `day`. Number w of a family: surveyed w quarters ago; of a person 2w + r:
    surveyed w quarters ago and registered r quarters ago."""
    sources: list[Source] = []
    of: dict[str, str] = {}
    for producer, names in by_producer(catalogue).items():
        source = Source(re.sub(r"[^a-z]+", "-", producer.lower()).strip("-"), producer, CONTRACT, day)
        sources.append(source)
        of |= dict.fromkeys(names, source.id)
    families = tuple({SURVEY: quarters_before(day, wave)} for wave in range(WAVES))
    persons = tuple(
        {SURVEY: quarters_before(day, wave), REGISTER: quarters_before(day, register)}
        for wave in range(WAVES)
        for register in range(2)
    )
    return Lineage(tuple(sources), of, {Unit.KELUARGA: families, Unit.INDIVIDU: persons})


def drawn(family: np.ndarray, families: int, dice: Dice) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of families and of persons; `family` is the place of each person's."""
    wave = dice.below(families, WAVES)
    return wave.astype(np.int16), (2 * wave[family] + dice.chance(len(family), 150)).astype(np.int16)


def a_quarter_on(numbers: np.ndarray, unit: Unit) -> np.ndarray:
    """The same numbers a quarter later, of rows that nobody told anew; the oldest stay the oldest."""
    if unit is Unit.KELUARGA:
        return np.asarray(np.minimum(numbers + 1, WAVES - 1), dtype=np.int16)
    wave = np.minimum(numbers // 2 + 1, WAVES - 1)
    return np.asarray(2 * wave + 1, dtype=np.int16)


def quarters_before(day: date, count: int) -> date:
    """The same day of the month, `count` quarters earlier; later for a negative count. A day from 1 to 28."""
    months = day.year * 12 + day.month - 1 - 3 * count
    return day.replace(year=months // 12, month=months % 12 + 1)
