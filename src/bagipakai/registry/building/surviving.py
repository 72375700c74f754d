"""What survives, of whole columns at once: the same as core.survivorship says of one value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.survivorship import TWO, Survival, Way
from bagipakai.registry.matching.arrays import Numbers

_RANKS, _DAYS = 10, 31  # bits
_LAST = 2**_DAYS - 1
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Words:
    """What one source tells of each row, or what is known of it: `values` of the variable's type, null for nothing;
    `rank`, the source's place in the rule's list; and `day`, its ordinal (both for each row, or for all)."""

    values: pa.Array
    rank: Numbers | int
    day: Numbers | int


def survivors(rule: Survival, known: Words, told: Sequence[Words]) -> Numbers:
    """For each row 0 where what is known stays, else the place in `told`, from 1, of what takes its place."""
    words = (known, *told)
    count = len(known.values)
    present = np.array([_present(one.values) for one in words])
    rank = np.array([np.broadcast_to(one.rank, count) for one in words], np.int64)
    day = np.array([np.broadcast_to(one.day, count) for one in words], np.int64)
    stays = (np.arange(len(words)) == 0)[:, None]
    if rule.way is Way.LATEST:
        order = (_LAST - day) << (_RANKS + 1) | rank << 1 | stays
    else:
        order = rank << (_DAYS + 1) | (_LAST - day) << 1 | stays
    if rule.way is Way.AGREEMENT:
        present = _agreeing(rule, _codes([one.values for one in words]), present, rank, order)
    order = np.where(present, order, _NEVER)
    found: Numbers = np.where(present.any(axis=0), order.argmin(axis=0), 0)
    return np.where(_present(known.values), 0, found) if rule.way is Way.FILL else found


def chosen(winners: Numbers, known: pa.Array, told: Sequence[pa.Array]) -> pa.Array:
    """The values that survive."""
    if not winners.any():
        return known
    return pc.choose(pa.array(winners, pa.int64()), known, *told)


def _agreeing(rule: Survival, codes: Numbers, present: Numbers, rank: Numbers, order: Numbers) -> Numbers:
    """Which words are of those whose value has the most sources, at least two. Of the known word and one of the same
    source only the later counts."""
    same = (rank[0] == rank[1:]) & (rank[0] < len(rule.sources)) & present[0] & present[1:]
    last = present.copy()
    last[0] &= ~(same & (order[1:] < order[0])).any(axis=0)
    last[1:] &= ~(same & (order[1:] > order[0]))
    behind = np.array([((codes == code) & last).sum(axis=0) for code in codes])
    behind = np.where(last, behind, 0)
    most = behind.max(axis=0)
    found: Numbers = last & (behind == most) & (most >= TWO)
    return found


def most_told(values: pa.Array, household: Numbers, count: int) -> Numbers:
    """For each of `count` households the row of the value that most of its members tell, at the first who does; of
    equals, the first told; -1 where nobody tells any. `household`, of each row, ascending: members stand in order."""
    found = np.full(count, -1)
    told = np.flatnonzero(_present(values))
    if not len(told):
        return found
    codes = _codes([values])[0][told]
    whose = household[told]
    order = np.lexsort((told, codes, whose))
    begins = np.flatnonzero(
        np.r_[True, (whose[order][1:] != whose[order][:-1]) | (codes[order][1:] != codes[order][:-1])]
    )
    many, first = np.diff(np.append(begins, len(order))), told[order][begins]
    owner = whose[order][begins]
    best = np.lexsort((first, -many, owner))
    owner, first = owner[best], first[best]
    leads = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    found[owner[leads]] = first[leads]
    return found


def differing(words: Sequence[pa.Array]) -> Numbers:
    """Which rows are told different values."""
    codes = _codes(words)
    present = np.array([_present(one) for one in words])
    low = np.where(present, codes, np.iinfo(np.int64).max).min(axis=0)
    high = np.where(present, codes, -1).max(axis=0)
    found: Numbers = high > low
    return found


def changed(before: pa.Array, after: pa.Array) -> Numbers:
    """Where two columns differ; null is a value like others."""
    codes = _codes([before, after])
    found: Numbers = codes[0] != codes[1]
    return found


def _codes(columns: Sequence[pa.Array]) -> Numbers:
    """Numbers that are equal where the values are; -1 for null."""
    whole = pa.chunked_array([_array(one) for one in columns]).combine_chunks()
    told = whole.dictionary_encode().indices if not pa.types.is_dictionary(whole.type) else whole.indices
    numbers: Numbers = pc.fill_null(told, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers.reshape(len(columns), -1)


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _present(column: pa.Array) -> Numbers:
    found: Numbers = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return found
