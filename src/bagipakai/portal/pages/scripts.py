"""What the script of a page may do. Without a word here: send nothing to anybody."""

from collections.abc import Callable
from typing import Any, TypeVar

from csp.constants import SELF
from csp.decorators import csp_update

View = TypeVar("View", bound=Callable[..., Any])
_OURS: Callable[[Any], Any] = csp_update({"connect-src": [SELF]})  # its stub knows no arguments of an address


def speaks_to_us(view: View) -> View:
    """For a page whose script asks the portal something, and nobody else (connect-src)."""
    speaking: View = _OURS(view)
    return speaking
