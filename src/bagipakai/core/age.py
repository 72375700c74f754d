"""To whom an age file is sealed, as far as its head tells (C2SP age, version 1).

A head holds no names. It has one stanza per recipient, and stanzas that rage adds so that no reader may count on their
absence ("grease"): those wrap no key.
"""

import re
from typing import Final

LONGEST: Final = 64 * 1024  # bytes of a head; one that rage writes has a few hundred
ONE: Final = ("X25519",)  # a package is for one recipient

_STANZA: Final = rb"-> ([!-~]+)(?: [!-~]+)*\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n"
_HEAD: Final = re.compile(
    rb"age-encryption\.org/v1\n((?:%b)+)--- [A-Za-z0-9+/]{43}\n" % _STANZA.replace(b"(", b"(?:", 1)
)


def recipients(beginning: bytes) -> tuple[str, ...] | None:
    """The kind of each recipient of the file that begins so, grease left out; None if it is no age file, or its head is
    longer than LONGEST."""
    head = _HEAD.match(beginning[:LONGEST])
    if head is None:
        return None
    kinds = [kind.decode("ascii") for kind in re.findall(_STANZA, head[1])]
    return tuple(kind for kind in kinds if not kind.endswith("-grease"))
