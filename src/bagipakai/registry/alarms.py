"""What the controller is to look at: signs that somebody guesses at people through matching (decision 0135).

    var/registry/alarms/<order's package>.<kind>.dsse.json      signed; one for each kind of sign in an order

An alarm tells an order, whose list it was, and a count; no value of a row, and nobody who was met. None of it reaches
who sent the list: not the package, not its manifest.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.registry.package import package_id
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

KIND: Final = "application/vnd.bagipakai.alarm+json;v=1"
_ENDING: Final = ".dsse.json"


class Sign(StrEnum):
    HONEY = "HONEY"  # rows met a person whom only the index knows
    ALTERED = "ALTERED"  # one person was asked about with many different values
    QUOTA = "QUOTA"  # more rows than an institution may have matched


SAID: Final = {
    Sign.HONEY: "baris mengenai orang rekaan yang hanya ada di indeks",
    Sign.ALTERED: "orang ditanyakan berulang dengan isian yang berganti-ganti",
    Sign.QUOTA: "baris, melebihi kuota lembaga",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """`count`: rows, or persons, as SAID tells."""

    sign: Sign
    order: str
    roster: str
    institution: str
    count: int
    at: datetime


class Alarms:
    """The alarms in a folder, and their signer."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self._folder, self._signer = folder, signer

    def sound(self, alarm: Alarm) -> None:
        """Notes it, in the log too. The same sign of one order once: later tries replace it. Raises OSError."""
        value = asdict(alarm) | {"at": alarm.at.astimezone(UTC).isoformat(timespec="seconds")}
        file = self._folder / f"{package_id(alarm.order)}.{alarm.sign.value.lower()}{_ENDING}"
        draft = file.with_name(f".{file.name}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(seal(KIND, value, self._signer))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        log.warning("matching.alarm sign=%s order=%s count=%d", alarm.sign.value, alarm.order, alarm.count)


def of_order(folder: Path, order_id: str) -> int:
    """How many signs an order gave."""
    return len(list(folder.glob(f"{package_id(order_id)}.*{_ENDING}")))


def all_of(folder: Path, trusted: Sequence[PublicKey]) -> Iterator[Alarm | Damaged]:
    """Every alarm, in order of time: as itself, or as its damage."""
    found: list[Alarm] = []
    for file in sorted(folder.glob(f"*{_ENDING}")):
        if (alarm := _read(file, trusted)) is None:
            yield Damaged("release-seal-mismatch", file.name)
        else:
            found.append(alarm)
    yield from sorted(found, key=lambda one: (one.at, one.order, one.sign))


def _read(file: Path, trusted: Sequence[PublicKey]) -> Alarm | None:
    envelope = file.read_bytes()
    for key in trusted:
        try:
            value: dict[str, Any] = unseal(KIND, envelope, key)
            return Alarm(**value | {"sign": Sign(value["sign"]), "at": datetime.fromisoformat(value["at"])})
        except (BadSeal, KeyError, TypeError, ValueError):
            continue
    return None
