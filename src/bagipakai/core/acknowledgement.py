"""What a recipient signs once everything about a package was found right: the acknowledgement (tanda terima).

It names the sealed manifest by its digest, so it speaks of one package and of every byte in it, and holds no person's
row. The key that signs it is kept by whoever can open the package (trust reference 5.6, decision 0081).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal

KIND: Final = "application/vnd.bagipakai.acknowledgement+json;v=1"
FILE_NAME: Final = "tanda-terima.dsse.json"
LIMIT: Final = 8 * 1024  # bytes of a sealed one; it has less than one thousand
VERSION: Final = 1

_TEXT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./_+-]{0,79}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Check(StrEnum):
    """What was checked, in the order of the trust reference (5.6)."""

    SEAL = "SEAL"  # the controller's
    TRAIL = "TRAIL"  # enough witnesses have seen the manifest; left out where no policy was at hand
    RECIPIENT = "RECIPIENT"  # sealed to the key of the signer
    PERIOD = "PERIOD"  # the access right lasts
    PARTS = "PARTS"  # each file as it was sealed
    CONTENT = "CONTENT"  # each opened file, and the count of its rows


NEEDED: Final = frozenset(Check) - {Check.TRAIL}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`manifest` is the SHA-256 of the sealed manifest, `recipient` the fingerprint of the key that opened the package,
    `tool` the name and version of the program, `verified_at` the moment by the recipient's own clock, to the second."""

    package: str
    manifest: str
    recipient: str
    tool: str
    verified_at: datetime
    checked: tuple[Check, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "v": VERSION,
            "package": self.package,
            "manifest": self.manifest,
            "recipient": self.recipient,
            "tool": self.tool,
            "verified_at": self.verified_at.astimezone(UTC).isoformat(timespec="seconds"),
            "checked": [check.value for check in self.checked],
        }

    @classmethod
    def from_json(cls, value: Any) -> "Acknowledgement":
        """Raises KeyError, TypeError, ValueError or OverflowError unless `value` is what `to_json` writes of one that
        holds every needed check."""
        read = cls(
            package=_like(_TEXT, value["package"]),
            manifest=_like(_SHA256, value["manifest"]),
            recipient=_like(_SHA256, value["recipient"]),
            tool=_like(_TEXT, value["tool"]),
            verified_at=datetime.fromisoformat(value["verified_at"]),
            checked=tuple(Check(one) for one in value["checked"]),
        )
        in_order = tuple(check for check in Check if check in read.checked)
        if read.checked != in_order or not NEEDED.issubset(in_order) or read.to_json() != value:
            raise ValueError("not an acknowledgement")
        return read

    def sealed(self, signer: Signer) -> bytes:
        return seal(KIND, self.to_json(), signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "Acknowledgement":
        """Raises BadSeal if it was not signed by `trusted`, is malformed, or leaves a needed check out."""
        value = unseal(KIND, envelope, trusted)
        try:
            return cls.from_json(value)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise BadSeal("a malformed acknowledgement") from None


def _like(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("text of another spelling")
    return value
