"""Whether a list is made of people, or of guesses: what its numbers and its repetitions look like, each by itself
harmless (matching reference 4.12). What is found is told as the numbers of rows, so that an honest sender can repair.
"""

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.matching.numbers import DIGITS
from bagipakai.registry.matching.policy import Abuse, Reading
from bagipakai.registry.matching.values import Values

SHOWN: Final = 5  # numbers of rows


def objection(table: pa.Table, lines: Numbers, day: date) -> Refusal | None:
    """Why, by the rules of `day`, a list with these rows, which stand at `lines`, is not matched; or None."""
    policy, (number, row) = Abuse.on(day), _numbers(table, day)
    return (
        _same_number(number, lines[row], policy)
        or _counted_up(number, lines[row], len(table), policy)
        or _dates_tried(table, lines, policy)
    )


def _same_number(number: Numbers, lines: Numbers, policy: Abuse) -> Refusal | None:
    """One NIK in very many rows: a placeholder that is to be left out, or questions about one person."""
    _, whose, sizes = np.unique(number, return_inverse=True, return_counts=True)
    if sizes.max(initial=0) <= policy.same_number:
        return None
    told = lines[whose == np.argmax(sizes)]
    detail = {"rows": _shown(told), "count": str(len(told)), "most": str(policy.same_number)}
    return Refusal("roster-repeats-one-number", detail)


def _counted_up(number: Numbers, lines: Numbers, rows: int, policy: Abuse) -> Refusal | None:
    """Numbers that follow one another without a gap: neighbours have neighbouring numbers, but not whole lists of
    them."""
    distinct, whose = np.unique(number, return_inverse=True)
    begins = firsts(distinct - np.arange(len(distinct)))  # within a run this difference stays
    lengths = np.diff(np.append(begins, len(distinct)))
    told = lines[np.repeat(lengths >= policy.run, lengths)[whose]]
    if 1000 * len(told) <= policy.in_runs * rows:
        return None
    return Refusal("roster-counts-numbers-up", {"rows": _shown(told), "count": str(len(told))})


def _dates_tried(table: pa.Table, lines: Numbers, policy: Abuse) -> Refusal | None:
    """Rows of one name, or of one number where the list has no names, that differ in nothing but the date or the
    number: somebody whose date is being tried."""
    whose = "nama" if "nama" in table.column_names else "nik"
    given = [name for name in ("nik", "no_kk", "tanggal_lahir") if name in table.column_names and name != whose]
    told = np.flatnonzero(table[whose].is_valid().to_numpy())
    if not given or not len(told):
        return None
    somebody = table.take(pa.array(told))
    same = _alike([somebody[name] for name in somebody.column_names if name not in ("list_id", *given)])
    tries = np.unique(np.stack([same, _alike([somebody[name] for name in given])]), axis=1)
    sizes = np.bincount(tries[0])
    if sizes.max() <= policy.same_but_date or 1000 * sizes.max() <= policy.in_dates * len(table):
        return None
    at = lines[told[same == np.argmax(sizes)]]
    detail = {"rows": _shown(at), "count": str(len(at)), "most": str(policy.same_but_date)}
    return Refusal("roster-tries-dates", detail)


def _numbers(table: pa.Table, day: date) -> tuple[Numbers, Numbers]:
    """The numbers by which somebody is asked for, placeholders not among them, and in which row each stands: NIKs of
    sixteen sound digits, or of one less or more, or in the column of the card (`Values`)."""
    told = Values.of(table, Reading.on(day))
    nik = np.where(told.nik.sound == DIGITS, told.nik.number.fill_null(0).to_numpy(), told.nik.odd)
    said = (nik, told.beside())
    rows = [np.flatnonzero(one) for one in said]
    return np.concatenate([one[at] for one, at in zip(said, rows, strict=True)]), np.concatenate(rows)


def _alike(columns: list[pa.ChunkedArray]) -> Numbers:
    """A number for each row, the same for rows that say the same in all of these columns."""
    found = np.zeros(len(columns[0]), np.int64)
    for one in columns:
        codes = one.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        _, found = np.unique(found * (codes.max() + 2) + codes + 1, return_inverse=True)
    return found


def _shown(lines: Numbers) -> str:
    return ", ".join(str(int(line)) for line in lines[:SHOWN]) + (", …" if len(lines) > SHOWN else "")
