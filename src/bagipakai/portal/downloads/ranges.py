"""Which bytes of a file an answer carries: single byte ranges as in RFC 9110 §14, and whether they still fit (§13.1.5).

A range that cannot be read, and several at once, are as if nothing had been asked: the whole file. So a reader who
knows no more than this always gets bytes that are what the answer says they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

STRETCH = 8 * 1024 * 1024  # bytes that leave under one answer where nobody watches it leave (trust reference 5.5)
PLAIN = re.compile("bytes=[0-9]{1,18}-[0-9]{1,18}", re.ASCII)
ONE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cut:
    """200 with the whole file, 206 with a piece, 416 with nothing. `span` numbers the bytes that are sent, and
    `content_range` is that header's value (empty on a 200)."""

    status: HTTPStatus
    span: range
    content_range: str


def cut(size: int, etag: str, asked: str | None = None, if_range: str | None = None) -> Cut:
    """What to answer to the headers `Range` and `If-Range`, of a file of `size` bytes with this strong `etag`. An
    `If-Range` that is not this very tag (another, a weak one, a date) asks for the whole file."""
    found = ONE.fullmatch(asked or "")
    if found is None or (if_range is not None and if_range.strip(" \t") != etag):
        return _whole(size)
    first, last, suffix = found.groups()
    if suffix is not None:
        span = range(max(0, size - int(suffix)), size)
    elif last and int(last) < int(first):
        return _whole(size)  # not a range
    else:
        span = range(int(first), min(size, int(last) + 1) if last else size)
    if not span:
        return Cut(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, range(0), f"bytes */{size}")
    return Cut(HTTPStatus.PARTIAL_CONTENT, span, f"bytes {span.start}-{span.stop - 1}/{size}")


def is_for_another(cut: Cut, asked: Mapping[str, str]) -> bool:
    """Whether another server may be left to send this cut of the file, by reading the same headers: a short stretch,
    since nobody can stop it there, asked for in words that no two servers understand differently."""
    if not cut.span or len(cut.span) > STRETCH or "If-Range" in asked:
        return False
    plain = cut.status is HTTPStatus.PARTIAL_CONTENT and PLAIN.fullmatch(asked.get("Range", ""))
    return bool(plain) or "Range" not in asked


def _whole(size: int) -> Cut:
    return Cut(HTTPStatus.OK, range(size), "")
