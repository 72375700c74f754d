"""A file that comes in pieces is that file; a piece of another file is never put to it."""

import re
from http import HTTPStatus
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bagipakai.portal.downloads.ranges import STRETCH, Cut, cut, is_for_another

TAG, STALE = '"aa"', '"bb"'


def sent(content: bytes, answer: Cut) -> bytes:
    return content[answer.span.start : answer.span.stop]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [  # RFC 9110, 14.1.2: of 10,000 bytes
        ("bytes=0-499", 0, 499),
        ("bytes=500-999", 500, 999),
        ("bytes=-500", 9500, 9999),
        ("bytes=9500-", 9500, 9999),
        ("bytes=0-0", 0, 0),
        ("bytes=-1", 9999, 9999),
        ("bytes=9999-20000", 9999, 9999),
        ("bytes=-20000", 0, 9999),
        ("BYTES= 5-6 ", 5, 6),
    ],
)
def test_a_single_range_is_answered_with_that_piece(asked, first, last):
    answer = cut(10_000, TAG, asked)
    assert answer == Cut(HTTPStatus.PARTIAL_CONTENT, range(first, last + 1), f"bytes {first}-{last}/10000")


@pytest.mark.parametrize("asked", ["bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999-"])
def test_what_is_not_in_the_file_is_not_satisfiable(asked):
    assert cut(10_000, TAG, asked) == Cut(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, range(0), "bytes */10000")


@pytest.mark.parametrize(
    "asked",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1", "items=0-1", "bytes 0-1"),
        *("bytes=0-1,2-3", "bytes=0-0, -1", "bytes=0-1,", "bytes=--1", "bytes=0x1-2", "bytes=+1-2", "bytes=٠-١"),
        *("bytes=0-1\n", "bytes=1 - 2", f"bytes={'9' * 5000}-", f"bytes=0-{'9' * 5000}"),
    ],
)
def test_what_is_no_single_range_asks_for_the_whole(asked):
    assert cut(10_000, TAG, asked) == Cut(HTTPStatus.OK, range(10_000), "")


@pytest.mark.parametrize(
    "if_range", [STALE, f"W/{TAG}", "aa", "", "*", "Thu, 26 Nov 2026 00:00:00 GMT", f"{TAG}, {STALE}"]
)
def test_a_piece_is_only_sent_to_whoever_holds_the_same_file(if_range):
    assert cut(10, TAG, "bytes=5-", if_range).status is HTTPStatus.OK
    assert cut(10, TAG, "bytes=50-", if_range).status is HTTPStatus.OK
    assert cut(10, TAG, "bytes=5-", TAG).status is HTTPStatus.PARTIAL_CONTENT


@given(some.binary(min_size=1, max_size=60), some.data())
def test_pieces_put_together_are_the_file(content, data):
    """Cut anywhere, asked for in any order and spelling."""
    size = len(content)
    inner = data.draw(some.sets(some.integers(1, size - 1)) if size > 1 else some.just(set()))
    edges = [0, *sorted(inner), size]
    pieces = data.draw(some.permutations(list(pairwise(edges))))
    whole = bytearray(size)
    for first, end in pieces:
        spellings = [f"bytes={first}-{end - 1}"]
        spellings += [f"bytes={first}-", f"bytes={first}-{end + 7}", f"bytes=-{end - first}"] if end == size else []
        answer = cut(size, TAG, data.draw(some.sampled_from(spellings)))
        place = re.fullmatch(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)", answer.content_range)
        assert answer.status is HTTPStatus.PARTIAL_CONTENT and int(place[3]) == size
        whole[int(place[1]) : int(place[2]) + 1] = sent(content, answer)
    assert bytes(whole) == content


@given(some.lists(some.binary(max_size=40), min_size=1, max_size=4), some.data())
def test_a_transfer_that_breaks_and_goes_on_ends_with_one_file(files, data):
    """The file changes under a reader who keeps what came and asks on with If-Range: what they end with is one of the
    files, never a mixture."""
    held, tag = b"", ""
    for step, content in enumerate([*files, files[-1]]):
        etag = f'"{min(step, len(files) - 1)}"'
        answer = cut(len(content), etag, f"bytes={len(held)}-", tag) if held else cut(len(content), etag)
        came = sent(content, answer)
        if step < len(files):  # it breaks; the last time it does not
            came = came[: data.draw(some.integers(0, len(came)))]
        match answer.status:
            case HTTPStatus.PARTIAL_CONTENT:
                held += came
            case HTTPStatus.OK:
                held, tag = came, etag
            case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                assert tag == etag and held == content
        assert files[int(tag.strip('"'))].startswith(held)
    assert held == files[-1]


HEADERS = some.one_of(
    some.text(max_size=30),
    some.from_regex(r"[bB]ytes=[ 0-9,-]{0,12}", fullmatch=True),
    some.builds("bytes={}-{}".format, some.integers(0, 40), some.one_of(some.just(""), some.integers(0, 40))),
)


@given(some.integers(0, 30), HEADERS, some.one_of(some.none(), some.sampled_from([TAG, STALE]), some.text(max_size=8)))
def test_no_header_leads_out_of_the_file(size, asked, if_range):
    answer = cut(size, TAG, asked, if_range)
    assert 0 <= answer.span.start <= answer.span.stop <= size
    if answer.status is HTTPStatus.OK:
        assert answer.span == range(size)
    assert (answer.status is HTTPStatus.PARTIAL_CONTENT) == (" */" not in answer.content_range != "")
    assert if_range in (None, TAG) or if_range.strip(" \t") == TAG or answer.status is HTTPStatus.OK


@pytest.mark.parametrize("asked", ["bytes=0-0", "bytes=2-9", "bytes=5-99999999999", None])
def test_a_short_plain_stretch_may_be_left_to_another_server(asked):
    headers = {} if asked is None else {"Range": asked}
    assert is_for_another(cut(STRETCH, TAG, asked), headers)


@pytest.mark.parametrize(
    "asked",
    [  # some servers read these otherwise than we do
        *("bytes=5-2", "bytes=0-1,4-5", "bytes= 0-1", "bytes=\t0-1", "bytes=0-1 ", "Bytes=0-1", "bytes=-7", "bytes=2-"),
        *("bytes=0x1-2", "octets=0-1", "bytes=", "", "bytes=9999999999999999999-", "bytes=99999999-999999999"),
    ],
)
def test_what_two_servers_could_understand_differently_is_not(asked):
    assert not is_for_another(cut(STRETCH, TAG, asked), {"Range": asked})


def test_what_nobody_could_stop_in_time_and_what_has_a_condition_is_not():
    long = cut(STRETCH + 1, TAG)
    assert not is_for_another(long, {})
    assert not is_for_another(cut(STRETCH * 2, TAG, f"bytes=0-{STRETCH}"), {"Range": f"bytes=0-{STRETCH}"})
    assert is_for_another(cut(STRETCH * 2, TAG, f"bytes=1-{STRETCH}"), {"Range": f"bytes=1-{STRETCH}"})
    assert not is_for_another(cut(9, TAG, "bytes=0-1", TAG), {"Range": "bytes=0-1", "If-Range": TAG})
    assert not is_for_another(cut(0, TAG), {})
