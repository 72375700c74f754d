"""Marks: no value leaves its interval, the right recipients are named, and no innocent one ever."""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.canonical import canonical
from bagipakai.core.marks import Marking
from bagipakai.core.plan import Level
from bagipakai.registry.disclosure.fingerprints import CUT, SHARES, Innocent, Marks, _number, _shares, recognised
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.suspects import CERTAIN

MASTER = MasterKey(bytes(range(2, 34)))
RULE = Marking({"pengeluaran": 1000, "luas_lantai": 10}, every=2)
PACKAGES = {f"paket-{at:04}": f"Dinas {at}" for at in range(2_000)}
LEAKER, OTHER = "paket-0007", "paket-1234"
ROWS = 200_000


@pytest.fixture(scope="module")
def marks():
    return Marks(MASTER, "2026.3.0", RULE)


def some_rows(count, seed=1):
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "pengeluaran": random.integers(300_000, 9_000_000, count),
            "luas_lantai": pa.array(random.integers(10, 300, count), pa.int32(), mask=random.random(count) < 0.05),
            "desil": random.integers(1, 11, count),
        }
    )


def some_tokens(count, seed=2):
    return np.random.default_rng(seed).integers(0, 2**63, count).astype(np.uint64)


@pytest.fixture(scope="module")
def world(marks):
    rows, tokens = some_rows(ROWS), some_tokens(ROWS)
    copies = {package: marks.marked(rows, tokens, Level.L3, package) for package in (LEAKER, OTHER)}
    return rows, tokens, copies


def flipped(rows, share, seed=5):
    """The copy with the last digit of so many values changed for its neighbour."""
    random = np.random.default_rng(seed)
    for name in RULE.columns:
        values = rows[name].combine_chunks()
        known = values.is_valid().to_numpy(zero_copy_only=False)
        changed = values.fill_null(0).to_numpy() ^ (random.random(len(values)) < share)
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(changed, values.type, mask=~known))
    return rows


def drawn(count, share, seed=6):
    return np.flatnonzero(np.random.default_rng(seed).random(count) < share)


def certain(suspects):
    return {one.package for one in suspects if one.certain}


# What is done to values

numbers = st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(numbers, st.sampled_from([2, 4, 10, 100, 1000]), st.integers(1, 3), st.data())
def test_every_value_stays_in_its_interval_and_order_does_not_matter(values, width, every, data):
    marks = Marks(MASTER, "2026.3.0", Marking({"nilai": width}, every))
    rows, tokens = pa.table({"nilai": pa.array(values, pa.int64())}), some_tokens(len(values))
    copy = marks.marked(rows, tokens, Level.L2, "p")["nilai"].to_pylist()
    for before, after in zip(values, copy, strict=True):
        assert (before is None) == (after is None)
        assert before is None or (before // width == after // width and abs(before - after) <= 1)
    order = data.draw(st.permutations(range(len(values))))
    again = marks.marked(rows.take(order), tokens[order], Level.L2, "p")["nilai"].to_pylist()
    assert again == [copy[at] for at in order]


def naive_digit(name, token, package):
    """None where the row is not marked, otherwise its last digit: one row, one block at a time."""

    def block(**info):
        told = canonical({"scheme": "tardos-rows/v1", "release": "2026.3.0", **info})
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=told).derive(MASTER.raw)
        text = int(token).to_bytes(8, "little") + _number(name).to_bytes(8, "little")
        sealed = Cipher(AES(key), ECB()).encryptor().update(text)  # noqa: S305
        return int.from_bytes(sealed[:8], "little"), int.from_bytes(sealed[8:], "little")

    chosen, share = block(kind="row")
    if chosen % RULE.every:
        return None
    return int(block(kind="recipient", package=package)[0] >> 48 < _shares()[share >> 56])


def test_a_copy_is_marked_as_row_by_row(marks):
    rows, tokens = some_rows(300), some_tokens(300)
    copy = marks.marked(rows, tokens, Level.L3, LEAKER)
    for name in RULE.columns:
        digits = [naive_digit(name, token, LEAKER) for token in tokens]
        before, after = rows[name].to_pylist(), copy[name].to_pylist()
        expected = [
            value if digit is None or value is None else value - value % 2 + digit
            for value, digit in zip(before, digits, strict=True)
        ]
        assert after == expected
    assert copy["desil"].equals(rows["desil"]) and copy.schema == rows.schema


@pytest.mark.parametrize("level", [Level.L1, Level.L4])
def test_no_value_is_changed_by_name_and_address(marks, level):
    rows = some_rows(500)
    assert marks.marked(rows, some_tokens(500), level, LEAKER).equals(rows)


def test_two_packages_and_two_releases_are_marked_apart(marks):
    rows, tokens = some_rows(2_000), some_tokens(2_000)
    here = marks.marked(rows, tokens, Level.L3, LEAKER)
    assert not here.equals(marks.marked(rows, tokens, Level.L3, OTHER))
    assert not here.equals(Marks(MASTER, "2026.4.0", RULE).marked(rows, tokens, Level.L3, LEAKER))
    assert here.equals(Marks(MASTER, "2026.3.0", RULE).marked(rows, tokens, Level.L3, LEAKER))


@pytest.mark.parametrize("columns", [{"nilai": 5}, {"nilai": 1}, {"nilai": 0}])
def test_a_rounding_that_leaves_no_digit_free_is_an_error(columns):
    with pytest.raises(ValueError):
        Marking(columns, 2)
    with pytest.raises(ValueError):
        Marking({"nilai": 10}, 0)


def test_only_whole_numbers_are_marked(marks):
    with pytest.raises(TypeError):
        marks.marked(pa.table({"pengeluaran": ["1000"]}), some_tokens(1), Level.L2, LEAKER)


# Who is named


def test_one_row_in_a_hundred_with_a_third_of_the_marks_flipped_names_the_recipient(marks, world):
    """The one of 2,000, and nobody else, whatever the order of rows and though a column was dropped."""
    _, tokens, copies = world
    found = drawn(ROWS, 0.01)[::-1]
    suspects = marks.accused(flipped(copies[LEAKER].take(found), 0.3), tokens[found], PACKAGES)
    assert suspects[0].package == LEAKER and certain(suspects) == {LEAKER}
    assert suspects[0].bound <= CERTAIN and suspects[0].log10_ratio > 6
    assert (suspects[0].recipient, suspects[0].by) == ("Dinas 7", "tanda")
    few = drawn(ROWS, 0.02)
    assert certain(marks.accused(copies[LEAKER].take(few).select(["luas_lantai"]), tokens[few], PACKAGES)) == {LEAKER}


def test_two_who_mix_their_copies_are_both_named(marks, world):
    """Half of the rows from each, of which one in a hundred is found."""
    _, tokens, copies = world
    found = drawn(ROWS, 0.01)
    ours = np.random.default_rng(8).random(ROWS) < 0.5
    mixed = pa.table(
        {
            name: pc.if_else(pa.array(ours), copies[LEAKER][name], copies[OTHER][name])
            for name in copies[LEAKER].column_names
        }
    )
    assert certain(marks.accused(mixed.take(found), tokens[found], PACKAGES)) == {LEAKER, OTHER}


@pytest.mark.parametrize("pick", [pc.min_element_wise, pc.max_element_wise])
def test_two_who_choose_wherever_their_copies_differ_are_both_named(marks, world, pick):
    """The smaller, or the larger, of their two values: it favours one digit, which a plain count would not forgive."""
    _, tokens, copies = world
    found = drawn(ROWS, 0.02)
    one, other = (copies[package].take(found) for package in (LEAKER, OTHER))
    mixed = pa.table({column: pick(one[column], other[column]) for column in RULE.columns})
    assert certain(marks.accused(mixed, tokens[found], PACKAGES)) == {LEAKER, OTHER}


@pytest.mark.parametrize("kind", ["unmarked", "full copy", "all even", "all flipped"])
def test_no_innocent_is_named_whatever_was_done_to_the_copy(marks, world, kind):
    rows, tokens, copies = world
    sample = {
        "unmarked": rows,
        "full copy": copies[LEAKER],
        "all even": rows.set_column(0, "pengeluaran", pc.bit_wise_and(rows["pengeluaran"], -2)),
        "all flipped": flipped(copies[LEAKER], 1.0),
    }[kind]
    suspects = marks.accused(sample.slice(0, 10_000), tokens[:10_000], PACKAGES)
    assert certain(suspects) == ({LEAKER} if kind == "full copy" else set())


def test_rows_that_are_told_again_and_again_count_once(marks, world):
    """Otherwise a row copied a thousand times would accuse whoever shares its digit."""
    _, tokens, copies = world
    found = drawn(ROWS, 0.0005)
    many = np.repeat(found, 50)
    once = marks.accused(copies[LEAKER].take(found), tokens[found], PACKAGES)
    assert marks.accused(copies[LEAKER].take(many), tokens[many], PACKAGES) == once


def test_the_more_are_compared_the_more_it_takes(marks, world):
    """The bound is that of naming anybody innocent, so it grows with those who are looked at."""
    _, tokens, copies = world
    found = drawn(ROWS, 0.001)
    few = {LEAKER: "Dinas 7", OTHER: "Dinas 1234"}
    alone, among = (marks.accused(copies[LEAKER].take(found), tokens[found], who)[0] for who in (few, PACKAGES))
    assert alone.package == among.package == LEAKER and alone.bound > 0
    assert among.bound == pytest.approx(alone.bound * 1000)


def test_a_sample_without_marked_columns_speaks_for_nobody(marks):
    assert marks.accused(pa.table({"desil": [1]}), some_tokens(1), PACKAGES) == []


# Rows without a name


def recognised_in(sample, release, tokens, marking):
    with duckdb.connect() as engine:
        engine.register("release", release.append_column("token", [tokens]))
        return recognised(engine, sample, "release", marking)


def test_rows_are_recognised_by_what_they_say(marks, world):
    """Names, numbers and pseudonyms were dropped, digits flipped, rows sorted: what is left still tells most rows, and
    none wrongly."""
    rows, tokens, copies = world
    found = drawn(ROWS, 0.02)
    leak = flipped(copies[LEAKER].take(found), 0.3).append_column("true", [tokens[found]]).sort_by("pengeluaran")
    told, theirs = recognised_in(leak.drop_columns("true"), rows, tokens, RULE)
    assert 0.3 * len(leak) < len(told) < len(leak)
    known = {tuple(row.values()) for row in leak.to_pylist()}
    assert all((*row.values(), int(token)) in known for row, token in zip(told.to_pylist(), theirs, strict=True))
    assert certain(marks.accused(told, theirs, PACKAGES)) == {LEAKER}


coarse_rows = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-30, 30)), st.sampled_from([None, "a", "b"])), max_size=12
)


@settings(max_examples=80, deadline=None)
@given(coarse_rows, coarse_rows)
def test_a_row_that_fits_two_is_nobodys(known, wanted):
    def table(rows):
        nilai, kab = zip(*rows, strict=True) if rows else ((), ())
        return pa.table({"nilai": pa.array(nilai, pa.int64()), "kab": pa.array(kab, pa.string())})

    def coarse(row):
        return (None if row[0] is None else row[0] // 10), row[1]

    tokens = np.arange(len(known), dtype=np.uint64) + np.uint64(100)
    fits = {coarse(row): [100 + at for at, other in enumerate(known) if coarse(other) == coarse(row)] for row in wanted}
    expected = [(row, fits[coarse(row)][0]) for row in wanted if len(fits[coarse(row)]) == 1]
    told, theirs = recognised_in(table(wanted), table(known), tokens, Marking({"nilai": 10}, 1))
    assert [
        (tuple(row.values()), token) for row, token in zip(told.to_pylist(), theirs.tolist(), strict=True)
    ] == expected


def test_a_sample_of_strangers_is_recognised_nowhere(world):
    rows, tokens, _ = world
    assert len(recognised_in(pa.table({"desil": [11, 12]}), rows, tokens, RULE)[1]) == 0
    assert len(recognised_in(pa.table({}), rows, tokens, RULE)[1]) == 0


# The bound


def simulated(count, seed):
    """Shares and digits of places, and the scores there of 4,000 recipients drawn without any key."""
    random = np.random.default_rng(seed)
    shares, odd = random.integers(0, SHARES, count), random.random(count) < 0.6
    share = _shares()[shares] / 65_536
    scores = np.zeros(4_000)
    for at in range(count):
        own = random.random(4_000) < share[at]
        rare = np.sqrt((1 - share[at]) / share[at] if odd[at] else share[at] / (1 - share[at]))
        scores += np.where(own == odd[at], rare, -1 / rare)
    return Innocent([(shares, odd)]), scores


@pytest.mark.parametrize("count", [20, 300])
def test_the_bound_holds_of_innocent_scores(count):
    """Of scores with a bound of one in a hundred, no more than one in a hundred are there; and it is no idle 1."""
    innocent, scores = simulated(count, 3)
    bounds = np.array([innocent.chance(score) for score in scores])
    for level in (0.5, 0.1, 0.01):
        assert (bounds <= level).mean() <= level + 3 * np.sqrt(level / len(scores))
    assert innocent.chance(7 * np.sqrt(count)) < CERTAIN
    assert innocent.chance(-1.0) == 1.0


def test_shares_are_cut_off():
    assert _shares().min() >= CUT * 65_535 and _shares().max() <= (1 - CUT) * 65_537
    assert (np.diff(_shares()) > 0).all()
