"""One spelling for one value (RFC 8785), and strict reading of what others wrote."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.canonical import MAX_DEPTH, NotCanonical, canonical, digest, read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def by_hand(value: Any) -> str:
    """RFC 8785 for values without floats, written out: keys by UTF-16 code units, the short escapes, nothing spare."""
    match value:
        case dict():
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
            return "{" + ",".join(f"{by_hand(key)}:{by_hand(value[key])}" for key in keys) + "}"
        case list():
            return "[" + ",".join(map(by_hand, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@settings(deadline=None)
@given(VALUES)
def test_the_spelling_is_that_of_the_standard(value):
    assert canonical(value) == by_hand(value).encode("utf-8")


@settings(deadline=None)
@given(VALUES)
def test_what_was_written_is_read_again(value):
    assert read(canonical(value)) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, min_size=2))
def test_the_order_of_keys_does_not_matter(value):
    assert digest(dict(reversed(value.items()))) == digest(value)


@settings(deadline=None)
@given(VALUES, VALUES)
def test_different_values_have_different_digests(one, other):
    assert (digest(one) == digest(other)) == (by_hand(one) == by_hand(other))


def test_a_known_digest():
    """So that another program can check that it spells as we do."""
    assert canonical({"b": [1, "é"], "a": {"nik": "0012", "ya": True, "tidak": None}}) == (
        '{"a":{"nik":"0012","tidak":null,"ya":true},"b":[1,"é"]}'.encode()
    )
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        b"bytes",
        {1: "a"},
        {None: 1},
        {"a", "b"},
        object(),
        "\ud800",
        {"\udfff": 1},
        [["deep", 0.5]],
    ],
)
def test_what_has_no_spelling_is_refused(value):
    with pytest.raises(NotCanonical):
        canonical(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"1.0",
        b"1e3",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"1" * 5000,
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'"\\ud800"',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text):
    with pytest.raises(NotCanonical) as caught:
        read(text)
    assert caught.value.__cause__ is None


def test_text_beyond_the_limit_is_not_even_parsed():
    with pytest.raises(NotCanonical, match="too large"):
        read(b'"' + b"x" * 100 + b'"', limit=100)


def test_an_error_never_repeats_the_value():
    with pytest.raises(NotCanonical) as caught:
        read(b'{"nik":3201010101010001, "nik":3201010101010001.5}')
    assert "3201" not in str(caught.value)
