"""Values drawn anew: as the naive reading of the matrix says, as often as before, and never across a threshold."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.canonical import canonical
from bagipakai.core.plan import Unit
from bagipakai.core.randomisation import SCHEME, Randomisation
from bagipakai.registry.disclosure.postrandomisation import Draws, _number
from bagipakai.registry.engines import EngineError
from bagipakai.registry.keys import MasterKey

MASTER, RELEASE = MasterKey(bytes(range(32))), "2026.3.0"
MANY = 60_000
EDGES = (1, 15, 35, 41, 49, 99)


def naive(values, numbers, ordinals, keep, edges, release=RELEASE):
    """One row after the other, one block after the other, by counting off a list of all values."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=canonical({"scheme": SCHEME, "unit": "individu"}))
    cipher, told = Cipher(AES(key.derive(MASTER.raw)), ECB()), []  # noqa: S305
    for value, number, ordinal in zip(values, numbers, ordinals, strict=True):
        has = number is not None and len(number) == 16 and number.isascii() and number.isdigit()
        token, kind = (int(number), _number("jam")) if has else (ordinal, _number("jam", release))
        block = cipher.encryptor().update(token.to_bytes(8, "little") + int(kind).to_bytes(8, "little"))
        stay, place = int.from_bytes(block[4:8], "little"), int.from_bytes(block[12:16], "little")
        if value is None or stay * 100 < keep << 32:
            told.append(value)
            continue
        stretch = sum(value >= edge for edge in edges)
        alike = sorted(one for one in values if one is not None and sum(one >= edge for edge in edges) == stretch)
        told.append(alike[place * len(alike) >> 32])
    return told


def drawn(values, numbers, ordinals, keep=80, edges=EDGES, release=RELEASE, said=None, master=MASTER):
    out = pa.record_batch({"jam": pa.array(values, pa.int64())})
    batch = pa.record_batch({"_nik": pa.array(numbers, pa.string()), "_person_ordinal": pa.array(ordinals, pa.int64())})
    said = Counter(one for one in values if one is not None) if said is None else said
    draws = Draws(master, release, Unit.INDIVIDU, Randomisation({"jam": keep}, {"jam": tuple(edges)}), {"jam": said})
    return draws.drawn(out, batch).column("jam").to_pylist()


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 99),
        st.none() | st.sampled_from(["", "123", "٣٢٠١٠١٤٥٠٣٨٠٠٠٠١"]) | st.integers(0, 10**16 - 1).map("{:016}".format),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(ROWS, st.integers(1, 99), st.lists(st.integers(-5, 105), unique=True, max_size=5).map(sorted))
def test_as_the_naive_reading_says(rows, keep, edges):
    values, numbers = [value for value, _ in rows], [number for _, number in rows]
    ordinals = list(range(7, 7 + len(rows)))
    assert drawn(values, numbers, ordinals, keep, edges) == naive(values, numbers, ordinals, keep, edges)


@pytest.fixture(scope="module")
def town():
    dice = np.random.default_rng(3)
    hours = np.where(dice.random(MANY) < 0.5, 40, dice.integers(0, 99, MANY))
    values = [None if gone else int(one) for one, gone in zip(hours, dice.random(MANY) < 0.05, strict=True)]
    return values, [f"{at:016}" for at in range(MANY)], list(range(MANY))


def sure(share, many):
    """How far a share of so many independent draws is from what is expected at most: six standard deviations, passed by
    chance once in 500 million."""
    return 6 * math.sqrt(share * (1 - share) / many)


@pytest.mark.parametrize("keep", [20, 80, 99])
def test_as_many_stay_as_is_said_and_each_value_is_expected_as_often_as_it_was(town, keep):
    """Of 60,000 people: a value with n rows of which a share (1 - p)·(1 - f) is expected to leave it, and as many to
    come, is seen within six deviations of n: the variance is at most n·(1 - p)·2."""
    values, told = town[0], drawn(*town, keep)
    known = [one for one in zip(values, told, strict=True) if one[0] is not None]
    before, after = Counter(true for true, _ in known), Counter(now for _, now in known)
    for value, n in before.items():
        assert abs(after[value] - n) <= 6 * math.sqrt(2 * n * (100 - keep) / 100), value
    edges = [sum(value >= edge for edge in EDGES) for value in before]
    in_stretch = Counter()
    for value, stretch in zip(before, edges, strict=True):
        in_stretch[stretch] += before[value]
    same = sum(
        n * (keep + (100 - keep) * n / in_stretch[stretch]) / 100
        for (value, n), stretch in zip(before.items(), edges, strict=True)
    ) / len(known)
    assert abs(sum(true == now for true, now in known) / len(known) - same) <= sure(same, len(known))


def test_no_value_crosses_a_threshold_and_unknown_stays_unknown(town):
    for true, now in zip(town[0], drawn(*town, 1), strict=True):
        assert (true is None) == (now is None)
        assert true is None or sum(true >= edge for edge in EDGES) == sum(now >= edge for edge in EDGES)


def test_where_it_is_cut_and_in_which_order_says_nothing(town):
    values, numbers, ordinals = (one[:500] for one in town)
    said, whole = Counter(one for one in values if one is not None), drawn(values, numbers, ordinals)
    cut = [
        drawn(values[at : at + 7], numbers[at : at + 7], ordinals[at : at + 7], said=said) for at in range(0, 500, 7)
    ]
    assert [one for part in cut for one in part] == whole
    assert drawn(values[::-1], numbers[::-1], ordinals[::-1]) == whole[::-1]


def test_a_person_is_drawn_alike_in_every_release_and_who_has_no_number_is_not(town):
    """Else whoever asks each quarter averages the draws away."""
    values, numbers, ordinals = (one[:2_000] for one in town)
    later = list(range(5_000, 7_000))
    assert drawn(values, numbers, ordinals) == drawn(values, numbers, later, release="2026.4.0")
    none = [None] * 2_000
    assert drawn(values, none, ordinals) != drawn(values, none, ordinals, release="2026.4.0")


def test_another_house_draws_otherwise(town):
    some = tuple(one[:2_000] for one in town)
    assert drawn(*some) != drawn(*some, master=MasterKey(bytes(range(1, 33))))


def test_two_columns_are_drawn_apart():
    values, numbers = [1, 2, 3, 4] * 500, [f"{at:016}" for at in range(2_000)]
    out = pa.record_batch({"jam": pa.array(values), "lahan": pa.array(values)})
    batch = pa.record_batch({"_nik": numbers, "_person_ordinal": list(range(2_000))})
    both = {"jam": Counter(values), "lahan": Counter(values)}
    told = Draws(MASTER, RELEASE, Unit.INDIVIDU, Randomisation({"jam": 50, "lahan": 50}), both).drawn(out, batch)
    changed = [[one != true for one, true in zip(told[name].to_pylist(), values, strict=True)] for name in both]
    together = sum(one and other for one, other in zip(*changed, strict=True)) / 2_000
    assert abs(together - 0.375**2) <= sure(0.375**2, 2_000)


def test_a_value_that_was_not_counted_is_an_error():
    with pytest.raises(EngineError):
        drawn([5] * 100, [f"{at:016}" for at in range(100)], range(100), keep=1, said={4: 3, 6: 1})
    with pytest.raises(EngineError):
        drawn([5] * 100, [f"{at:016}" for at in range(100)], range(100), keep=1, said={})
