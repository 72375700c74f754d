"""One spelling for one value: canonical JSON (RFC 8785) and its digest.

Only strings, booleans, null, integers up to 2^53-1, lists and objects have a spelling here. A float has none: two
machines may print it differently, and a NIK that passed through one has lost its last digits.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

MAX_DEPTH = 32


class NotCanonical(ValueError):
    """The value or text has no single canonical form. The message names the kind of defect, never the value."""


def canonical(value: Any) -> bytes:
    """`value` as canonical JSON in UTF-8 (RFC 8785). Raises NotCanonical for floats, big integers, half characters,
    other types, depth > 32."""
    _check(value, 0)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise NotCanonical(type(error).__name__) from None


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def read(text: bytes, limit: int = 16 * 1024 * 1024) -> Any:
    """Strict JSON (trust reference §9): within `limit` bytes, no duplicate keys, no floats, no NaN. Raises
    NotCanonical."""
    if len(text) > limit:
        raise NotCanonical("too large")
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float
        )
    except (ValueError, RecursionError) as error:
        raise NotCanonical(str(error) if isinstance(error, NotCanonical) else "not JSON") from None
    _check(value, 0)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise NotCanonical("a key appears twice")
    return dict(pairs)


def _no_float(_: str) -> Any:
    raise NotCanonical("a number that is not an integer")


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical("nested too deeply")
    if isinstance(value, str):
        _whole(value)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > 2**53 - 1:
            raise NotCanonical("an integer beyond 2^53-1")
    elif isinstance(value, dict | Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical("a key that is not text")
            _whole(key)
            _check(item, depth + 1)
    elif isinstance(value, list | Sequence) and not isinstance(value, bytes | bytearray):
        for item in value:
            _check(item, depth + 1)
    else:
        raise NotCanonical(type(value).__name__)


def _whole(text: str) -> None:
    """JSON can write half a character (`"\\ud800"`), UTF-8 cannot."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise NotCanonical("half a character") from None


def committed(salt: bytes, value: Any) -> str:
    """A commitment to `value`: SHA-256 over 32 secret bytes and the canonical form. Without the salt nobody can tell
    by trying which value it was; whoever forgets the salt has forgotten the value (trust reference §3.1)."""
    return hashlib.sha256(salt + canonical(value)).hexdigest()
