"""Cell keys: every step as one person after another would do it, and the same answer to the same question."""

import hmac

import duckdb
import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.canonical import canonical
from bagipakai.registry.disclosure.cellkeys import CellKeys, Rule, published, summed, together
from bagipakai.registry.disclosure.noise import Table, maximum_entropy
from bagipakai.registry.keys import MasterKey

MASTER = MasterKey(bytes(range(32)))
KEYS = CellKeys(MASTER, "individu")
NOISE = maximum_entropy(5, 3)
RULE = Rule(smallest=10)


# The naive reference: one block, one person, one cell at a time


def a_key(kind, unit="individu"):
    info = canonical({"scheme": "cell-keys/v1", "unit": unit, "kind": kind})
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(MASTER.raw)


def one_block(kind, first, second=0, unit="individu"):
    block = first.to_bytes(8, "little") + second.to_bytes(8, "little")
    cipher = Cipher(AES(a_key(kind, unit)), ECB())  # noqa: S305
    return int.from_bytes(cipher.encryptor().update(block)[:8], "little")


def box_key(box, region):
    parts = [[name, f"{mask:x}"] for name, mask in box.items()]
    parts += [["", [f"{first:010}-{last:010}" for first, last in region]]] if region else []
    sums = sum(int.from_bytes(hmac.digest(a_key("mask"), canonical(one), "sha256")[:8], "little") for one in parts)
    return one_block("box", sums % 2**64)


def answer(count, key, table, rule):
    """What is shown of one cell, with the table's row walked step by step."""
    at = min(count, len(table.edges) - 1)
    change = next(
        int(table.changes[at, step]) for step in range(table.edges.shape[1]) if (key >> 32) < int(table.edges[at, step])
    )
    noisy = count + change
    if noisy < rule.smallest:
        return None
    rest = noisy % rule.base
    return noisy - rest + (rule.base if (key % 2**32) * rule.base // 2**32 < rest else 0)


def numbers(values):
    return np.array(values, np.uint64)


@given(st.lists(st.tuples(st.integers(0, 2**63), st.integers(0, 2**63)), min_size=1, max_size=9))
def test_a_record_key_is_one_block_of_the_person(people):
    first, second = zip(*people, strict=True)
    expected = [one_block("record", *person) for person in people]
    assert KEYS.record_keys(numbers(first), numbers(second)).tolist() == expected


def test_record_keys_are_of_this_secret_and_unit_and_of_no_release():
    some = numbers([1, 2, 3])
    assert (KEYS.record_keys(some) == CellKeys(MASTER, "individu").record_keys(some)).all()
    assert (KEYS.record_keys(some) != CellKeys(MASTER, "keluarga").record_keys(some)).all()
    assert (KEYS.record_keys(some) != CellKeys(MasterKey(bytes(32)), "individu").record_keys(some)).all()


# Cells


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", None])), max_size=40))
def test_sums_are_those_of_each_person(rows):
    """Of whoever comes twice, too: with XOR they would be gone."""
    record = KEYS.record_keys(numbers([token for token, _ in rows]))
    people = pa.table(
        {"record_key": pa.array(record, pa.uint64()), "kab": pa.array([kab for _, kab in rows], pa.string())}
    )
    expected = {}
    for token, kab in rows:
        n, keys = expected.get(kab, (0, 0))
        expected[kab] = n + 1, (keys + one_block("record", token)) % 2**64
    with duckdb.connect() as engine:
        engine.register("people", people)
        found = summed(engine, "people", ("kab",)).to_pylist()
        (total,) = summed(engine, "people", ()).to_pylist()
    assert {one["kab"]: (one["n"], one["keys"]) for one in found} == expected
    assert total == {"n": len(rows), "keys": sum(keys for _, keys in expected.values()) % 2**64}


def test_sums_do_not_depend_on_threads():
    tokens = np.arange(300_000, dtype=np.uint64)
    people = pa.table({"record_key": KEYS.record_keys(tokens), "kab": tokens % np.uint64(97)})
    found = []
    for threads in (1, 4):
        with duckdb.connect(config={"threads": threads}) as engine:
            engine.register("people", people)
            found.append(summed(engine, "people", ("kab",)))
    assert found[0].equals(found[1])


# Boxes

boxes = st.dictionaries(st.sampled_from(["desil", "jenis_kelamin", "umur"]), st.integers(1, 2**90))
regions = st.lists(st.tuples(st.integers(0, 10**10 - 1), st.integers(0, 10**10 - 1)), max_size=3)


@given(st.lists(st.tuples(boxes, regions), min_size=1, max_size=4))
def test_the_key_of_a_box_is_of_its_masks_and_its_place(cells):
    """However its variables are ordered."""
    told = [KEYS.somewhere(dict(reversed(box.items())), region) for box, region in cells]
    assert KEYS.boxes(numbers(told)).tolist() == [box_key(*one) for one in cells]


# What is shown


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2**64 - 1)), min_size=1, max_size=30),
    st.sampled_from([1, 3, 5]),
)
def test_a_table_is_shown_as_cell_by_cell(cells, base):
    rule = Rule(10, base)
    counts, sums = zip(*cells, strict=True)
    keys = KEYS.cells(numbers(sums), numbers([5] * len(sums)))
    assert keys.tolist() == [one_block("cell", one, 5) for one in sums]
    expected = [answer(count, key, NOISE, rule) for count, key in zip(counts, keys.tolist(), strict=True)]
    assert published(np.array(counts), keys, NOISE, rule).to_pylist() == expected


def test_the_threshold_is_that_of_the_perturbed_count():
    """Of many cells of ten some are hidden and some of nine are shown: neither tells the true count."""
    keys = KEYS.record_keys(np.arange(400, dtype=np.uint64))
    ten, nine = (published(np.full(400, n), keys, NOISE, RULE) for n in (10, 9))
    assert 0 < ten.null_count < 400 and 0 < nine.null_count < 400
    assert min(one for one in [*ten.to_pylist(), *nine.to_pylist()] if one is not None) == 10


def test_a_zero_is_never_shown():
    keys = KEYS.record_keys(np.arange(4, dtype=np.uint64))
    assert published(np.zeros(4, np.int64), keys, NOISE, Rule(0)).null_count == 4


def test_rounding_keeps_the_mean_and_the_multiples():
    keys = KEYS.record_keys(np.arange(20_000, dtype=np.uint64))
    shown = published(np.full(20_000, 103), keys, NOISE, Rule(10, base=5)).to_numpy()
    assert set((shown % 5).tolist()) == {0}
    assert abs(shown.mean() - 103) < 4 * np.sqrt((3 + 6.25) / 20_000)


def test_noise_has_the_mean_and_variance_of_its_table():
    keys = KEYS.record_keys(np.arange(50_000, dtype=np.uint64))
    noise = published(np.full(50_000, 500), keys, NOISE, RULE).to_numpy() - 500
    assert abs(noise.mean()) < 4 * np.sqrt(3 / 50_000) and abs(noise.var() - 3) < 0.1
    assert set(noise.tolist()) == set(range(-5, 6))


def test_what_is_hidden_for_families_is_hidden_for_persons():
    assert together(pa.array([12, 30, None]), pa.array([None, 11, 11])).to_pylist() == [None, 30, None]


def test_a_table_of_another_house_is_read_by_the_same_code():
    table = Table.of_draws([[0, 0], [1, -1]], repeated=1)
    shown = published(np.array([20, 20]), numbers([0, 2**63]), table, RULE)
    assert shown.to_pylist() == [21, 19]
