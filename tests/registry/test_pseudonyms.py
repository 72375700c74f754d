"""A pseudonym means one number, to one recipient, for one purpose and release; to everybody else it means nothing."""

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from bagipakai.registry.keys import MasterKey
from bagipakai.registry.pseudonyms import (
    SCHEME,
    Identifier,
    PackageKeys,
    hexadecimal,
    original,
    pseudonyms,
    shuffled,
)

MASTER = MasterKey(bytes(range(32)))
INVALID = [
    None,
    "",
    "320101450380000",  # 15 digits
    "32010145038000011",
    " 201014503800001",
    "320101٤503800001",  # an Arabic-Indic digit
    "３２０１０１４５０３８",  # full width, more bytes than digits
    "0000000000000000",
    "3201014513800001",  # month 13
    "3201013503800001",  # day 35
    "3201017203800001",  # day 72
    "3201014503800000",  # serial 0000
    "1001014503800001",  # no province 10
]

births = st.builds(
    lambda area, day, month, year, serial: f"{area:06d}{day:02d}{month:02d}{year:02d}{serial:04d}",
    st.integers(110101, 949999),
    st.integers(1, 31) | st.integers(41, 71),
    st.integers(1, 12),
    st.integers(0, 99),
    st.integers(1, 9999),
)


def some_keys(recipient="dinsos", purpose="bansos", release="2026.3.0", package="paket-1", master=MASTER):
    return PackageKeys(master, recipient, purpose, release, package)


def ids_of(numbers, keys, kind=Identifier.NIK, ordinals=None):
    column = pa.array(numbers, pa.string())
    ids, valid = pseudonyms(column, pa.array(ordinals or range(len(numbers))), kind, keys)
    return ids.to_pylist(), valid.to_pylist()


def test_a_token_is_aes_of_the_sixteen_digits_under_the_derived_key():
    """Written out a second time from the text, so that any other program can check it."""
    info = (
        b'{"kind":"nik","purpose":"bansos","recipient":"dinsos","release":"2026.3.0","scheme":"'
        + SCHEME.encode()
        + b'"}'
    )
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(MASTER.raw)
    expected = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(b"3201014503800001")  # noqa: S305
    assert ids_of(["3201014503800001"], some_keys()) == ([expected], [True])


@given(st.lists(births, min_size=1, max_size=50, unique=True))
def test_two_people_never_share_a_token_and_the_controller_can_go_back(numbers):
    tokens, valid = ids_of(numbers, some_keys())
    assert all(valid) and len(set(tokens)) == len(numbers)
    assert [original(token, Identifier.NIK, some_keys()) for token in tokens] == numbers


@given(st.lists(births, min_size=1, max_size=20))
@pytest.mark.parametrize(
    "other",
    [
        {"recipient": "dinkes"},
        {"purpose": "riset"},
        {"release": "2026.4.0"},
        {"master": MasterKey(bytes(32))},
    ],
)
def test_two_recipients_purposes_or_releases_cannot_be_joined(other, numbers):
    ours, _ = ids_of(numbers, some_keys())
    theirs, _ = ids_of(numbers, some_keys(**other))
    assert not set(ours) & set(theirs)


def test_another_package_of_the_same_grant_has_the_same_tokens():
    assert ids_of(["3201014503800001"], some_keys(package="paket-2")) == ids_of(["3201014503800001"], some_keys())


def test_the_same_digits_as_nik_and_as_kk_differ():
    digits = ["3201011503800001"]
    assert ids_of(digits, some_keys(), Identifier.NIK)[0] != ids_of(digits, some_keys(), Identifier.KK)[0]


def test_a_number_that_cannot_be_one_gets_an_id_of_its_own_and_says_so():
    ids, valid = ids_of(INVALID, some_keys())
    assert valid == [False] * len(INVALID)
    assert len(set(ids)) == len(INVALID), "two strangers without a number must not be tied together"


def test_the_id_of_an_invalid_number_is_repeatable_but_joins_with_nothing_outside():
    ours = ids_of([None, "x"], some_keys())[0]
    assert ours == ids_of([None, "y"], some_keys())[0], "the same order run again gives the same ids"
    assert not set(ours) & set(ids_of([None, "x"], some_keys(package="paket-2"))[0])


def test_members_of_one_family_without_a_valid_card_share_its_id():
    ids, _ = ids_of([None, None, None], some_keys(), Identifier.KK, ordinals=[7, 7, 8])
    assert ids[0] == ids[1] != ids[2]


@given(st.lists(births | st.sampled_from(INVALID), min_size=1, max_size=40), st.data())
def test_a_slice_has_the_tokens_of_the_whole(numbers, data):
    """Batches share buffers with an offset; a token must not depend on where a batch was cut."""
    start = data.draw(st.integers(0, len(numbers)))
    column, ordinals = pa.array(numbers, pa.string()), pa.array(range(len(numbers)), pa.int64())
    whole, _ = pseudonyms(column, ordinals, Identifier.NIK, some_keys())
    part, valid = pseudonyms(column.slice(start), ordinals.slice(start), Identifier.NIK, some_keys())
    assert part.to_pylist() == whole.to_pylist()[start:]
    assert hexadecimal(whole.slice(start)).to_pylist() == [token.hex() for token in part.to_pylist()]
    assert len(valid) == len(part)


def test_a_foreign_token_does_not_turn_into_a_number():
    token = ids_of(["3201014503800001"], some_keys())[0][0]
    with pytest.raises(ValueError, match="no token"):
        original(token, Identifier.NIK, some_keys(recipient="dinkes"))


def test_row_order_differs_between_packages_and_repeats_within_one():
    batch = pa.record_batch({"n": pa.array(range(1000))})
    once = shuffled(batch, 0, some_keys().order_key())
    assert sorted(once["n"].to_pylist()) == list(range(1000))
    assert once == shuffled(batch, 0, some_keys().order_key())
    assert once != batch
    assert once != shuffled(batch, 0, some_keys(package="paket-2").order_key())
    assert once != shuffled(batch, 1, some_keys().order_key())


def test_a_key_prints_as_nothing():
    assert repr(some_keys()).count("\\x") == 0
    assert MASTER.raw.hex() not in repr(some_keys()) and "MasterKey>" in repr(some_keys())
