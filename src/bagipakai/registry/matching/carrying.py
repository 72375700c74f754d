"""Who of one release is who of the next: plain rules, each of them one that a clerk would sign (decision 0126).

What stands word for word in both releases, under a NIK that each of them has once, is settled without being looked at.
What is left is laid apart by one key after the other (`ROUNDS`), so that rows with one key meet, and a pair is settled
only if neither of the two could be anybody else. A doubt settles nothing: then somebody is new and somebody is gone,
which a later release or a clerk can mend; a wrong identity nobody would find. Rules with exact names come before those
with names that are only alike, so that two relatives whose numbers were exchanged meet by their names first.

Memory does not grow with the registry: rows lie in sealed shares (registry.shares) of which one is joined at a time.
"""

import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import duckdb
import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from bagipakai.registry.matching.arrays import Numbers, runs
from bagipakai.registry.matching.keys import mix
from bagipakai.registry.matching.lookups import firsts
from bagipakai.registry.matching.sources import COMPARED, gathered
from bagipakai.registry.matching.traces import DEFAULT, MANY, SEX, TRACE, UNBORN, traces
from bagipakai.registry.shares import Shares

ROWS_A_SHARE: Final = 4_000_000  # of both releases, that are joined at once word for word
TRACES_A_SHARE: Final = 1_000_000  # likewise, where they are compared
CROWD: Final = 256  # pairs of one key: beyond that it tells too little
CHANGES: Final = {"nik": 1, "kk": 2, "name": 4, "born": 8, "region": 16}  # field → bit

Told = Callable[[int], object]
_OLD, _NEW = 0, 1


@dataclass(frozen=True, slots=True)
class Side:
    """The persons of one release in its order, in the bare columns (registry.matching.sources), as often as asked."""

    rows: Callable[[], Iterator[pa.Table]]
    count: int


@dataclass(frozen=True, slots=True)
class Same:
    """Places in the earlier and in the later release of the same persons; `changed` (uint8): bits of `CHANGES`."""

    old: Numbers
    new: Numbers
    changed: Numbers


@dataclass(frozen=True, slots=True)
class Twice:
    """Traces of persons of the earlier release who stood in it once more, at `into`, and now only as that one."""

    old: Numbers
    into: Numbers


@dataclass(frozen=True, slots=True)
class Left:
    """Traces of persons of the earlier release who are not in the later one."""

    old: Numbers


def heard(old: Side, new: Side) -> int:
    """How many rows `told` hears of in all."""
    return 2 * (old.count + new.count)


def linked(
    old: Side,
    new: Side,
    gone: Iterable[Iterable[Numbers]] = (),
    told: Told = lambda _: None,
    room: Path | None = None,
) -> Iterator[Same | Twice | Left]:
    """Who is who: every place of `old` in at most one `Same`, `Twice` or `Left`, every one of `new` in at most one
    `Same`. `gone`: traces of those who left before `old`, at places behind its last; they may return, where nobody of
    `old` is meant, and nobody of a group before theirs. `room`: a folder with space for what is laid apart.

    Raises what reading does, and InvalidTag for what was laid apart and is not the same any more."""
    settled = BitMap(), BitMap()
    with tempfile.TemporaryFile(dir=room) as file:
        for same in _unchanged(old, new, file, told):
            for side, places in zip(settled, (same.old, same.new), strict=True):
                side.update(places.astype(np.uint32))
            yield same
    left = [side.count - len(there) for side, there in zip((old, new), settled, strict=True)]
    rounds = _Rounds(room, sum(left))
    pool = rounds.pool()
    for at, one in enumerate((old, new)):
        for some in _not_settled(one, settled[at], told):
            pool.add(at, some)
    pool = yield from rounds.of(pool, present=True)
    for before, _ in pool:
        yield Left(before)
    for group in gone:
        returning = rounds.pool()
        with pool:
            for _, after in pool:
                returning.add(_NEW, after)
        for some in group:
            returning.add(_OLD, some)
        pool = yield from rounds.of(returning, present=False)
    pool.close()


# --- Word for word ---------------------------------------------------------------------------------------------------


def _unchanged(old: Side, new: Side, file: IO[bytes], told: Told) -> Iterator[Same]:
    there = _columns(old) & _columns(new)
    columns = [name for name in COMPARED if name in there]
    if "nama" not in columns and "nik" not in columns:
        told(old.count + new.count)
        return
    count = max(1, -(-(old.count + new.count) // ROWS_A_SHARE))
    shares = Shares(file, count), Shares(file, count)
    with duckdb.connect() as con:
        con.execute("SET threads = 1")
        for side, laid in zip((old, new), shares, strict=True):
            at = 0
            for rows in gathered(side.rows()):
                laid.add(_fingerprints(con, rows, columns, at))
                at += len(rows)
                told(len(rows))
    for at in range(count):
        before, after = (_in_order(laid[at]) for laid in shares)
        if not len(before[0]) or not len(after[0]):
            continue
        place = np.minimum(np.searchsorted(before[0], after[0]), len(before[0]) - 1)
        equal = (before[0][place] == after[0]) & (before[1][place] == after[1])
        found = before[2][place][equal], after[2][equal]
        yield Same(*found, np.zeros(len(found[0]), np.uint8))


def _columns(side: Side) -> set[str]:
    return set(next(side.rows(), pa.table({})).column_names)


def _fingerprints(con: duckdb.DuckDBPyConnection, rows: pa.Table, columns: Sequence[str], first: int) -> pa.Table:
    """`number` is of the NIK, `content` of all that is compared; only rows that say who they are of. Both are the
    database's own hashes: they meet within one run and are never kept."""
    has = {name: f"{name} IS NOT NULL" if name in columns else "false" for name in COMPARED}
    whole = f"hash({', '.join(columns)})"
    number = f"CASE WHEN nik IS NULL THEN {whole} ELSE hash(nik) END" if "nik" in columns else whole
    con.register("rows", rows.append_column("place", pa.array(np.arange(first, first + len(rows)))))
    try:
        found = con.sql(_FINGERPRINTS.format(number=number, whole=whole, **has)).to_arrow_table()
    finally:
        con.unregister("rows")
    return found.set_column(0, "number", pa.array(found["number"].to_numpy().view(np.int64)))


_FINGERPRINTS = """SELECT {number} AS number, {whole} AS content, place
FROM rows
WHERE (
    (({nik}) AND (({nama}) OR ({tanggal_lahir})))
    OR (({nama}) AND ({no_kk}))
    OR (({nama}) AND ({tanggal_lahir}) AND (({nama_ibu}) OR ({kode_desa})))
)"""


def _in_order(share: pa.Table) -> tuple[Numbers, Numbers, Numbers]:
    """Number, content and place by number, of numbers that stand once."""
    if not len(share):
        return (np.empty(0, np.int64),) * 3
    number = share["number"].to_numpy()
    order = np.argsort(number)
    number = number[order]
    begins = firsts(number)
    once = begins[np.diff(np.append(begins, len(number))) == 1]
    order = order[once]
    return number[once], share["content"].to_numpy()[order], share["place"].to_numpy()[order]


def _not_settled(side: Side, settled: BitMap, told: Told) -> Iterator[Numbers]:
    """The traces of the others."""

    def others() -> Iterator[pa.Table]:
        at = 0
        for rows in gathered(side.rows()):
            there = np.asarray((settled & BitMap(range(at, at + len(rows)))).to_array(), np.int64)
            open_ = np.ones(len(rows), bool)
            open_[there - at] = False
            if open_.any():
                places = np.flatnonzero(open_)
                yield rows.take(pa.array(places)).append_column("place", pa.array(places + at))
            at += len(rows)
            told(len(rows))

    for rows in gathered(others()):
        yield traces(rows, rows["place"].to_numpy())


# --- What two traces have in common ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs:
    """Traces side by side. Each question is answered for all pairs."""

    old: Numbers
    new: Numbers

    def same(self, field: str) -> Numbers:
        """Known, and equal."""
        found: Numbers = (self.old[field] == self.new[field]) & _known(self.old, field)
        return found

    def differ(self, field: str) -> Numbers:
        """Known on both sides, and not equal."""
        found: Numbers = (self.old[field] != self.new[field]) & _known(self.old, field) & _known(self.new, field)
        return found

    @property
    def village(self) -> Numbers:
        return self.same("region") & (self.old["region"] % 10_000 > 0)

    @property
    def regency(self) -> Numbers:
        found: Numbers = (self.old["region"] // 10**6 == self.new["region"] // 10**6) & _known(self.old, "region")
        return found

    @property
    def mother(self) -> Numbers:
        return self.same("mother") | self.same("mother_skeleton")

    @property
    def other_mother(self) -> Numbers:
        return self.differ("mother") & ~self.mother

    @property
    def neighbours(self) -> Numbers:
        """Numbers that differ in two digits at most: mistyped, or of persons who were registered together."""
        was, now, found = self.old["nik"], self.new["nik"], np.zeros(len(self.old), np.int64)
        for digit in range(16):
            found += was // 10**digit % 10 != now // 10**digit % 10
        return (found <= 2) & _known(self.old, "nik") & _known(self.new, "nik")

    @property
    def alike(self) -> Numbers:
        """Names that have something in common."""
        return self.same("phonetic") | self.same("skeleton") | self.same("informative") | self.same("last")

    @property
    def other_sex(self) -> Numbers:
        was, now = (side["flags"] >> np.uint32(SEX) for side in (self.old, self.new))
        found: Numbers = (was != now) & (was > 0) & (now > 0)
        return found

    @property
    def default(self) -> Numbers:
        """A date that many have who know none."""
        found: Numbers = ((self.old["flags"] | self.new["flags"]) & np.uint32(DEFAULT)) > 0
        return found

    @property
    def many(self) -> Numbers:
        """Names of several words."""
        found: Numbers = (self.old["flags"] & self.new["flags"] & np.uint32(MANY)) > 0
        return found

    @property
    def changed(self) -> Numbers:
        """Bits of CHANGES."""
        found = np.zeros(len(self.old), np.uint8)
        for field, bit in CHANGES.items():
            found |= np.where(self.old[field] != self.new[field], bit, 0).astype(np.uint8)
        return found


def _known(side: Numbers, field: str) -> Numbers:
    found: Numbers = side[field] != (UNBORN if field == "born" else 0)
    return found


Level = Callable[[Pairs], Numbers]


@dataclass(frozen=True)
class Round:
    """Rows meet that agree in all of `key`; then level by level, pairs of which both have no other at this level are
    the same person. `repeated`: who agrees in this is one person, however often: then the first is the first, and who
    is left over in the earlier release stood there twice."""

    key: tuple[str, ...]
    levels: tuple[Level, ...]
    repeated: Level | None = None

    def keys(self, side: Numbers) -> tuple[Numbers, Numbers]:
        """The key of every trace, and which have one."""
        state, present = np.zeros(len(side), np.uint64), np.ones(len(side), bool)
        for field in self.key:
            value = side[field].astype(np.int64) if field == "born" else side[field]
            state = mix(state ^ np.ascontiguousarray(value).view(np.uint64))
            present &= _known(side, field)
        return state, present


def _nearby(pairs: Pairs) -> Numbers:
    return pairs.same("kk") | pairs.mother | pairs.village


def _named(pairs: Pairs) -> Numbers:
    return pairs.same("born") & pairs.same("phonetic")


_CARD: Final = Round(
    ("kk", "born"),
    (
        lambda p: p.same("name") & ~p.differ("nik") & ~p.other_sex,
        lambda p: p.same("name") & ~p.other_sex,
        lambda p: p.same("phonetic") & ~p.other_sex,
        lambda p: p.same("name") & ~p.differ("nik"),  # the sex was corrected
    ),
)
ROUNDS: Final = (
    Round(  # rows that say the same several times, without a number: which is which, nobody can know or needs to
        ("name", "born", "region"),
        (lambda p: (p.old["nik"] == 0) & (p.changed == 0) & (p.old["mother"] == p.new["mother"]) & ~p.other_sex,),
        repeated=lambda p: np.zeros(len(p.old), bool),
    ),
    Round(
        ("nik",),
        (
            lambda p: p.same("born") & p.same("name") & p.same("kk") & p.same("region"),
            lambda p: p.same("born") & p.same("name") & p.same("kk"),
            lambda p: p.same("born") & p.same("name"),
        ),
        repeated=_named,
    ),
    _CARD,  # a number that was corrected, or exchanged with a relative's
    Round(("nik",), (_named,), repeated=_named),
    Round(("phonetic", "born"), (lambda p: p.neighbours & ~(p.other_mother | p.other_sex),)),
    Round(
        ("phonetic", "born", "mother"),
        (
            lambda p: p.village & ~p.other_sex,
            lambda p: p.regency & ~p.other_sex,
            lambda p: p.many & ~(p.default | p.differ("nik") | p.other_sex),
        ),
    ),
    Round(
        ("phonetic", "born", "region"),
        (
            lambda p: (
                p.village & p.same("name") & (p.many | ~p.differ("nik")) & ~(p.default | p.other_mother | p.other_sex)
            ),
        ),
    ),
)
FOLLOWED: Final = Round(("kk", "born"), _CARD.levels)  # under the card to which the rest of the family went
ALIKE: Final = (
    Round(
        ("nik",),
        (
            lambda p: (p.same("phonetic") | p.same("skeleton")) & _nearby(p) & ~p.other_sex,  # the date was corrected
            lambda p: p.same("phonetic") & (p.many | ~p.differ("born")) & ~p.other_sex,
            lambda p: p.same("born") & p.alike & ~p.other_sex,
            lambda p: p.same("born") & _nearby(p) & ~p.other_sex,  # the name was
        ),
    ),
    Round(
        ("kk", "born"),
        (
            lambda p: p.same("skeleton") & ~p.other_sex,
            lambda p: p.alike & ~(p.default | p.other_mother | p.other_sex),
        ),
    ),
)


# --- Round after round -----------------------------------------------------------------------------------------------


class _Pool:
    """Traces of both sides, laid apart by a key, share by share. Closed, it is gone."""

    def __init__(self, room: Path | None, count: int) -> None:
        self._file = tempfile.TemporaryFile(dir=room)  # noqa: SIM115  # until `close`
        self._sides, self._count = (Shares(self._file, count), Shares(self._file, count)), count
        self.sizes = [0, 0]

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def add(self, side: int, some: Numbers, keys: Numbers | None = None) -> None:
        if len(some):
            keys = mix(some["place"].astype(np.uint64)) if keys is None else keys
            content = pa.py_buffer(np.ascontiguousarray(some).tobytes())
            rows = pa.FixedSizeBinaryArray.from_buffers(_BYTES, len(some), [None, content])
            self._sides[side].add(pa.table({"number": pa.array(keys.view(np.int64)), "trace": rows}))
            self.sizes[side] += len(some)

    def keyed(self) -> Iterator[tuple[Numbers, Numbers, Numbers, Numbers]]:
        """Traces and keys of the earlier side, then of the later, that meet."""
        for at in range(self._count):
            yield *_laid(self._sides[_OLD][at]), *_laid(self._sides[_NEW][at])

    def __iter__(self) -> Iterator[tuple[Numbers, Numbers]]:
        return ((old, new) for old, _, new, _ in self.keyed())


_BYTES: Final = pa.binary(TRACE.itemsize)


def _laid(share: pa.Table) -> tuple[Numbers, Numbers]:
    """In the order of the release: who was left over by one round comes after who had no key in it."""
    if not len(share):
        return np.zeros(0, TRACE), np.zeros(0, np.uint64)
    rows = share["trace"].combine_chunks()
    found = np.frombuffer(rows.buffers()[1], TRACE, len(rows), rows.offset * TRACE.itemsize)
    order = np.argsort(found["place"])
    return found[order], share["number"].to_numpy().view(np.uint64)[order]


class _Rounds:
    """The rounds, over so many traces of both sides."""

    def __init__(self, room: Path | None, rows: int) -> None:
        self._room, self._count = room, max(1, -(-rows // TRACES_A_SHARE))

    def pool(self) -> _Pool:
        return _Pool(self._room, self._count)

    def of(self, pool: _Pool, present: bool) -> Generator[Same | Twice, None, _Pool]:
        """Returns the pool of those that are left. `present`: the earlier side is of one release, so that families can
        be followed, and who stands there twice is told."""
        with tempfile.TemporaryFile(dir=self._room) as file:
            votes = Shares(file, self._count) if present else None
            for one in ROUNDS:
                pool = yield from self._round(one, pool, votes)
            if votes is not None:
                pool = yield from self._round(FOLLOWED, pool, None, votes)
            for one in ALIKE:
                pool = yield from self._round(one, pool, None)
        return pool

    def _round(
        self, one: Round, pool: _Pool, votes: Shares | None, cards: Shares | None = None
    ) -> Generator[Same | Twice, None, _Pool]:
        if not all(pool.sizes):
            return pool
        left = self.pool()
        with pool, self.pool() as laid:
            if cards is None:
                _lay(one, pool, laid, left, (_OLD, _NEW))
            else:
                with self.pool() as by_card:
                    _lay(Round(("kk",), ()), pool, by_card, left, (_OLD,))
                    _lay(one, pool, laid, left, (_NEW,))
                    _follow(one, by_card, cards, laid, left)
            for old, old_keys, new, new_keys in laid.keyed():
                found = _met(one, old, old_keys, new, new_keys, votes is not None)
                if len(found.old):
                    pairs = Pairs(old[found.old], new[found.new])
                    yield Same(pairs.old["place"], pairs.new["place"], pairs.changed)
                    if votes is not None:
                        _vote(votes, pairs)
                if len(found.twice):
                    yield Twice(old[found.twice], old["place"][found.into])
                for side, some, gone in (
                    (_OLD, old, np.concatenate([found.old, found.twice])),
                    (_NEW, new, found.new),
                ):
                    stays = np.ones(len(some), bool)
                    stays[gone] = False
                    left.add(side, some[stays])
        return left


def _lay(one: Round, pool: _Pool, laid: _Pool, left: _Pool, sides: tuple[int, ...]) -> None:
    """Those that have a key of the round are laid apart by it; the others are left."""
    for both in pool:
        for side in sides:
            keys, present = one.keys(both[side])
            laid.add(side, both[side][present], keys[present])
            left.add(side, both[side][~present])


def _vote(votes: Shares, pairs: Pairs) -> None:
    """Who changed the card tells where the family went."""
    moved = pairs.differ("kk")
    if moved.any():
        cards, _ = Round(("kk",), ()).keys(pairs.old[moved])
        votes.add(pa.table({"number": pa.array(cards.view(np.int64)), "card": pairs.new["kk"][moved]}))


def _follow(one: Round, by_card: _Pool, cards: Shares, laid: _Pool, left: _Pool) -> None:
    """Those who are missing from a card that others left are laid where most of these went."""
    for at, (old, keys, _, _) in enumerate(by_card.keyed()):
        share = cards[at]
        if not len(share):
            left.add(_OLD, old)
            continue
        number, card = share["number"].to_numpy().view(np.uint64), share["card"].to_numpy()
        order = np.lexsort((card, number))
        number, card = number[order], card[order]
        begins = np.flatnonzero(np.r_[True, (number[1:] != number[:-1]) | (card[1:] != card[:-1])])
        many = np.diff(np.append(begins, len(number)))
        order = np.lexsort((card[begins], -many, number[begins]))
        number, card = number[begins][order], card[begins][order]
        most = firsts(number)
        number, card = number[most], card[most]
        place = np.minimum(np.searchsorted(number, keys), len(number) - 1)
        follows = (number[place] == keys) & _known(old, "born")
        there = old[follows].copy()
        there["kk"] = card[place[follows]]
        laid.add(_OLD, old[follows], one.keys(there)[0])
        left.add(_OLD, old[~follows])


@dataclass(frozen=True, slots=True)
class _Met:
    """Rows of both sides that are the same person; and rows of the earlier side that are the one at `into`, too."""

    old: Numbers
    new: Numbers
    twice: Numbers
    into: Numbers


def _met(one: Round, old: Numbers, old_keys: Numbers, new: Numbers, new_keys: Numbers, present: bool) -> _Met:
    of_old, of_new = _meeting(old_keys, new_keys)
    pairs = Pairs(old[of_old], new[of_new])
    partner, taken = np.full(len(new), -1), np.zeros(len(old), bool)
    for level in one.levels:
        at = np.flatnonzero(level(pairs) & ~taken[of_old] & (partner[of_new] < 0))
        chosen = at[(_alone if one.repeated is None else _nth)(of_old[at], of_new[at])]
        partner[of_new[chosen]] = of_old[chosen]
        taken[of_old[chosen]] = True
    later = np.flatnonzero(partner >= 0)
    none = np.empty(0, np.int64)
    if one.repeated is None or not present:
        return _Met(partner[later], later, none, none)
    again = np.flatnonzero(one.repeated(pairs) & ~taken[of_old] & (partner[of_new] >= 0))
    twice, first = np.unique(of_old[again], return_index=True)
    return _Met(partner[later], later, twice, partner[of_new[again[first]]])


def _meeting(old: Numbers, new: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs of places with equal keys, by the later side's place, then by the earlier's; none where too many meet."""
    order, others = np.argsort(old, kind="stable"), np.sort(new)
    begins, ends = (np.searchsorted(old[order], new, side) for side in ("left", "right"))
    crowd = np.searchsorted(others, new, "right") - np.searchsorted(others, new, "left")
    many = np.where((ends - begins) * crowd > CROWD, 0, ends - begins)
    return order[runs(begins, many)], np.repeat(np.arange(len(new)), many)


def _alone(old: Numbers, new: Numbers) -> Numbers:
    """Which pairs are the only one of either."""
    if not len(old):
        return np.zeros(0, bool)
    found: Numbers = (np.bincount(old)[old] == 1) & (np.bincount(new)[new] == 1)
    return found


def _nth(old: Numbers, new: Numbers) -> Numbers:
    """Which pairs are the n-th of either, where all that meet are one person: the first with the first."""
    found: Numbers = _count(new, old) == _count(old, new)
    return found


def _count(group: Numbers, member: Numbers) -> Numbers:
    """How many of the same group stand before each one."""
    order = np.lexsort((member, group))
    begins = firsts(group[order])
    found = np.empty(len(group), np.int64)
    found[order] = np.arange(len(group)) - np.repeat(begins, np.diff(np.append(begins, len(group))))
    return found
