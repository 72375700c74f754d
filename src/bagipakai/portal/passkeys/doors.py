"""Where a signed decision is carried: the counter of its matter, and the pages around it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bagipakai.control.acting import Acting
from bagipakai.control.models import PendingDecision
from bagipakai.control.passkeys.signing import Signature


@dataclass(frozen=True, slots=True)
class Door:
    """`act` does it, or says why not; `back` is the page of the matter, `done` what is said when it has happened."""

    act: Callable[[PendingDecision, Acting, Signature], Any]
    back: Callable[[PendingDecision], str]
    done: Callable[[PendingDecision], str]


DOORS: dict[str, Door] = {}  # by kind of matter; a matter without a door cannot be signed
