"""Cell keys: every step as one person after another would do it, and the same answer to the same question."""

import hmac

import duckdb
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

from bagipakai.core.boxes import Box, Boxes, Dimension, Places, boxes
from bagipakai.core.canonical import canonical
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.cellkeys import CellKeys, Rule, predicates, published, summed, together
from bagipakai.registry.disclosure.noise import Table, maximum_entropy
from bagipakai.registry.keys import MasterKey

MASTER = MasterKey(bytes(range(32)))
KEYS = CellKeys(MASTER, "individu")
NOISE = maximum_entropy(5, 3)
RULE = Rule(smallest=10)

DESIL = Dimension.of("desil", (1, 2, 3))
SEX = Dimension.of("jenis_kelamin", ("1", "2"), missing=False)
ONE = Dimension.of("satu", (1,), missing=False)  # a variable with one value: its mask is always full
PLACES = Places(("1101010001", "1101010002", "1102010001", "3201010001"))
DIMENSIONS = (DESIL, SEX, ONE)


# The naive reference: one block, one person, one cell at a time


def a_key(kind, unit="individu"):
    info = canonical({"scheme": "cell-keys/v1", "unit": unit, "kind": kind})
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(MASTER.raw)


def one_block(kind, first, second=0, unit="individu"):
    block = first.to_bytes(8, "little") + second.to_bytes(8, "little")
    cipher = Cipher(AES(a_key(kind, unit)), ECB())  # noqa: S305
    return int.from_bytes(cipher.encryptor().update(block)[:8], "little")


def predicate_key(found):
    total = 0
    for box in found.boxes:
        parts = [[name, f"{mask:x}"] for name, mask in box.masks]
        parts += [["", list(box.codes)]] if box.codes else []
        sums = sum(int.from_bytes(hmac.digest(a_key("mask"), canonical(one), "sha256")[:8], "little") for one in parts)
        total += one_block("box", sums % 2**64)
    return total % 2**64


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
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", None]), st.integers(1, 2)), max_size=40))
def test_sums_are_those_of_each_person_once(rows):
    """Twelve persons at most, some of them told again and again, as a join would."""
    tokens = [3 * person + turn for person, _, turn in rows]
    record = KEYS.record_keys(numbers(tokens)) if rows else numbers([])
    people = pa.table(
        {"record_key": pa.array(record, pa.uint64()), "kab": pa.array([kab for _, kab, _ in rows], pa.string())}
    )
    expected = {}
    for token, (_, kab, _) in {(token, row[1]): (token, row) for token, row in zip(tokens, rows, strict=True)}.values():
        n, keys = expected.get(kab, (0, 0))
        expected[kab] = n + 1, (keys + one_block("record", token)) % 2**64
    with duckdb.connect() as engine:
        engine.register("people", people)
        found = summed(engine, "people", ("kab",)).to_pylist()
        (total,) = summed(engine, "people", ()).to_pylist()
    assert {one["kab"]: (one["n"], one["keys"]) for one in found} == expected
    assert total["n"] == len(set(tokens))


def test_a_pair_does_not_vanish():
    """With XOR, a person who comes twice would be gone."""
    record = KEYS.record_keys(numbers([7, 7, 9]))
    with duckdb.connect() as engine:
        engine.register("people", pa.table({"record_key": record}))
        once, twice = (summed(engine, "people", (), distinct=distinct).to_pylist()[0] for distinct in (True, False))
    assert (once["n"], once["keys"]) == (2, (int(record[0]) + int(record[2])) % 2**64)
    assert (twice["n"], twice["keys"]) == (3, sum(record.tolist()) % 2**64)


def test_sums_do_not_depend_on_threads():
    tokens = np.arange(300_000, dtype=np.uint64)
    people = pa.table({"record_key": KEYS.record_keys(tokens), "kab": tokens % np.uint64(97)})
    found = []
    for threads in (1, 4):
        with duckdb.connect(config={"threads": threads}) as engine:
            engine.register("people", people)
            found.append(summed(engine, "people", ("kab",)))
    assert found[0].equals(found[1])


# Predicates

conditions = st.sampled_from(
    [
        None,
        In(Column("desil"), (1, 2)),
        Not(In(Column("desil"), (1,))),
        Missing(Column("desil")),
        Compare(Op.EQUAL, Column("kode_prov"), Const("11")),
        Between(Column("kode_kab"), "1102", "9999"),
        Or((In(Column("desil"), (1,)), Compare(Op.EQUAL, Column("jenis_kelamin"), Const("2")))),
        And((In(Column("desil"), (1, 3)), In(Column("kode_desa"), ("1101010002", "3201010001")))),
        Or((And((In(Column("desil"), (1,)), In(Column("kode_kab"), ("1101",)))), In(Column("satu"), (2,)))),
    ]
)
columns = {
    "desil": st.sampled_from([1, 2, 3, None]),
    "jenis_kelamin": st.sampled_from(["1", "2"]),
    "satu": st.just(1),
    "kode_kab": st.sampled_from(["1101", "1102", "3201"]),
}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_predicates_of_a_table_are_those_of_its_cells_one_by_one(data):
    population = data.draw(conditions)
    by = data.draw(st.lists(st.sampled_from(sorted(columns)), unique=True, min_size=1))
    cells = data.draw(st.lists(st.tuples(*(columns[name] for name in by)), min_size=1, max_size=8))
    found = predicates(KEYS, population, dict(zip(by, zip(*cells, strict=True), strict=True)), DIMENSIONS, PLACES)
    for key, cell in zip(found.tolist(), cells, strict=True):
        parts = [
            Missing(Column(name)) if value is None else Compare(Op.EQUAL, Column(name), Const(value))
            for name, value in zip(by, cell, strict=True)
        ]
        whole = boxes(And((*([population] if population else []), *parts)), DIMENSIONS, PLACES)
        assert key == predicate_key(whole) == KEYS.predicate(whole)


def test_of_places_inside_each_other_the_smallest_tells_all():
    both = {"kode_prov": ["11", "11", "32"], "kode_kab": ["1101", "1102", "3201"]}
    kab = {"kode_kab": both["kode_kab"]}
    assert (
        predicates(KEYS, None, both, DIMENSIONS, PLACES).tolist()
        == predicates(KEYS, None, kab, DIMENSIONS, PLACES).tolist()
    )


def test_a_table_without_columns_is_one_cell():
    (everybody,) = predicates(KEYS, None, {}, DIMENSIONS, PLACES).tolist()
    assert everybody == predicate_key(Boxes((Box(),)))


def test_a_predicate_without_boxes_is_refused():
    scattered = Compare(Op.EQUAL, Column("pengeluaran"), Const(1))
    assert predicates(KEYS, scattered, {"desil": [1]}, DIMENSIONS).code == "predicate-on-unlisted-column"
    assert predicates(KEYS, None, {"umur": [1]}, DIMENSIONS).code == "predicate-on-unlisted-column"
    assert isinstance(predicates(KEYS, None, {"kode_kab": ["1101"]}, DIMENSIONS), Refusal)


def test_a_value_that_no_category_has_is_an_error():
    with pytest.raises(ValueError):
        predicates(KEYS, None, {"desil": [9]}, DIMENSIONS)


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


def test_zeros_are_shown_only_where_nobody_can_be():
    keys = KEYS.record_keys(np.arange(4, dtype=np.uint64))
    shown = published(np.array([0, 0, 3, 50]), keys, NOISE, RULE, structural=np.array([True, False, False, False]))
    assert shown.to_pylist()[:3] == [0, None, None]
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
