"""Shapes of what a form says: small questions to a value of which nothing is known yet. None of them raises."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, cast

Shape = Callable[[object], bool]
Form = Mapping[str, Shape]  # a key and what must stand under it

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
NO_MORE: Final[Form] = {}


def misfit(says: Mapping[str, object], demanded: Form, allowed: Form = NO_MORE) -> str | None:
    """The first key that is missing, of the wrong kind, or neither demanded nor allowed; None if all fit: nothing that
    was not asked for is taken in."""
    for key, fits in (*demanded.items(), *allowed.items()):
        if (key in says or key in demanded) and not fits(says.get(key)):
            return key
    return next((str(key) for key in says if key not in demanded and key not in allowed), None)


def is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def is_any_text(value: object) -> bool:
    return isinstance(value, str)


def is_digest(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def is_digest_or_empty(value: object) -> bool:
    return value == "" or is_digest(value)


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_answers(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(name, str) for name in value)


def is_level(value: object) -> bool:
    return isinstance(value, str) and value in {"L1", "L2", "L3", "L4"}


def is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(is_text(one) for one in value)


def is_texts_once(value: object) -> bool:
    return is_texts(value) and len(set(cast(list[str], value))) == len(cast(list[str], value))


def is_some_texts(value: object) -> bool:
    return is_texts_once(value) and bool(value)


def one_of(*words: str) -> Shape:
    return lambda value: isinstance(value, str) and value in words


def each(**keys: Shape) -> Shape:
    def fits(value: object) -> bool:
        return isinstance(value, list | tuple) and all(
            isinstance(one, Mapping)
            and one.keys() == keys.keys()
            and all(right(one[key]) for key, right in keys.items())
            for one in value
        )

    return fits


def day_of(value: object) -> date | None:
    """The day that an ISO date names, or None."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def some(shape: Shape) -> Shape:
    """The shape, and not empty."""
    return lambda value: bool(value) and shape(value)
