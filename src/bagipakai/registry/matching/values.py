"""What the columns of rows say, names apart: each read as a whole, a missing one as unknown."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from bagipakai.registry.matching import regions
from bagipakai.registry.matching.dates import Dates, dates
from bagipakai.registry.matching.letters import Column
from bagipakai.registry.matching.numbers import DATED, DIGITS, Numbers, birth, numbers
from bagipakai.registry.matching.policy import Reading

WHOLE, MONTHLY = 3, 2  # parts of a date that are known


def column(rows: pa.Table, name: str) -> Column:
    """The column, or one of nothing. A release calls the number of a family card `nomor_kk`."""
    if name == "no_kk" and name not in rows.column_names:
        name = "nomor_kk"
    return rows[name] if name in rows.column_names else pa.nulls(rows.num_rows, pa.string())


@dataclass(frozen=True, slots=True)
class Values:
    """The NIK and the KK number, with what is sound of them; the date of birth; the sex and the codes of regions, -1
    where they cannot be read (registry.matching.regions)."""

    nik: Numbers
    family: Numbers
    born: Dates
    sex: np.ndarray
    desa: np.ndarray
    kec: np.ndarray
    kab: np.ndarray

    @classmethod
    def of(cls, rows: pa.Table, reading: Reading) -> Self:
        nik, family = (_numbers(rows, name, reading) for name in ("nik", "no_kk"))
        born = dates(column(rows, "tanggal_lahir"), reading.latest, reading.default_days)
        desa, kec, kab = (regions.codes(column(rows, name)) for name in ("kode_desa", "kode_kec", "kode_kab"))
        return cls(nik, family, born, regions.sexes(column(rows, "jenis_kelamin")), desa, kec, kab)

    def beside(self) -> np.ndarray:
        """The number in the column of the card, where it is this row's NIK by its date; else 0. int64.

        No other is asked for as a NIK: what fits nothing of its row would be a guess (decision 0141)."""
        card, nik = self.family, self.nik.number.fill_null(0).to_numpy()
        number = card.number.fill_null(0).to_numpy()
        found = np.zeros(len(number), np.int64)
        rows = np.flatnonzero((card.sound == DIGITS) & (number != nik))
        fits = fits_its_row(number[rows], card.sound[rows], _of(self.born, rows), self.sex[rows]) > 0
        rows = rows[fits]
        if len(rows):  # a NIK that fits better is the NIK
            own = fits_its_row(nik[rows], self.nik.sound[rows], _of(self.born, rows), self.sex[rows]) > 0
            rows = rows[~own]
        found[rows] = number[rows]
        return found

    def regions(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Regency, district and village, 0 where unknown: each from its own column, else from a smaller region's."""
        desa, kec, kab = self.desa, self.kec, self.kab
        return _first(4, kab, kec, desa), _first(6, kec, desa, kab), _first(10, desa, kec, kab)


def _numbers(rows: pa.Table, name: str, reading: Reading) -> Numbers:
    return numbers(column(rows, name), zeros_at_most=reading.zeros_at_most, few=reading.numbers_at_least)


def _first(digits: int, *found: np.ndarray) -> np.ndarray:
    """At the level of so many digits, the first of the codes that says it."""
    result = regions.level(found[0], digits)
    for other in found[1:]:
        result = np.where(result > 0, result, regions.level(other, digits))
    return result


def _of(born: Dates, rows: np.ndarray) -> Dates:
    return Dates(born.born.take(pa.array(rows)), born.part[rows], born.default[rows], born.doubt[rows])


def fits_its_row(number: np.ndarray, sound: np.ndarray, born: Dates, sex: np.ndarray) -> np.ndarray:
    """Whether the date and sex in a NIK are the row's own: 1 yes, -1 no, 0 if neither can be said."""
    day, month, year, owner = birth(number)
    days = born.born.cast(pa.int32()).fill_null(0).to_numpy()
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    its_year = months.astype("datetime64[Y]").astype(np.int64) + 1970
    its_month = months.astype(np.int64) % 12 + 1
    its_day = days - months.astype("datetime64[D]").astype(np.int64) + 1
    same = its_year % 100 == year
    same &= (born.part < MONTHLY) | (its_month == month)
    same &= (born.part < WHOLE) | (its_day == day)
    other_sex = (sex > 0) & (sex != owner)
    told = np.where(born.part > 0, np.where(same & ~other_sex, 1, -1), np.where(other_sex, -1, 0))
    return np.where(sound >= DATED, told, 0)
