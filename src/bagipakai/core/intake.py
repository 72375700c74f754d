"""What passes between the planes about a submission: the order to take it in, and the receipt for it. Both are signed.

The order names each sealed piece by its digest, so that the registry opens these bytes and no others. The receipt tells
counts, codes of rules, names of columns and numbers of rows; no value that stood in a row has a place in it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Self

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.shapes import Form, is_any_text, is_count, is_digest, is_text, misfit

ORDER_KIND: Final = "application/vnd.bagipakai.submission-order+json;v=1"
RECEIPT_KIND: Final = "application/vnd.bagipakai.intake-receipt+json;v=1"
RECEIPT_NAME: Final = "tanda-masuk.dsse.json"
RECEIPT_LIMIT: Final = 4 * 1024 * 1024  # bytes
ROWS_SHOWN: Final = 20  # numbers of rows that a finding names, the first ones

_RETURNED: Final = re.compile(r"baris-[0-9]{4}\.(csv|jsonl)\.age")
_PACKAGE: Final = re.compile(r"kembali-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def digest_of(pieces: Iterable[str]) -> str:
    """What binds the sealed pieces of a file, in order: SHA-256 over their digests, one a line."""
    return hashlib.sha256("".join(f"{one}\n" for one in pieces).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file: its size, and size and SHA-256 of its age file, by which that file is named."""

    bytes: int
    sealed_bytes: int
    sealed_sha256: str


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file of a submission. `ending` (csv, xlsx, …) is all that is taken from the sender's name for it."""

    ending: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class SubmissionOrder:
    """What the office orders the registry to take in: one version of one source, once.

    `place` is the folder of the sealed pieces in the intake store. Faulty rows go back to the age key `recipient` of
    `institution`. `placed_at` is told to the second; rules are those of that day. `policy` is as in an Order.
    """

    order_id: str
    source: str
    version: int
    contract: str
    institution: str
    recipient: str
    place: str
    files: tuple[SentFile, ...]
    policy: str
    placed_at: datetime

    @property
    def sent(self) -> str:
        """What binds all that is sent, to the last byte."""
        return digest_of(digest_of(piece.sealed_sha256 for piece in file.pieces) for file in self.files)

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self) | {"placed_at": _instant(self.placed_at)}
        value["files"] = [{**asdict(file), "pieces": [asdict(one) for one in file.pieces]} for file in self.files]
        return seal(ORDER_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(ORDER_KIND, envelope, trusted)
        try:
            files = tuple(SentFile(**_fit(one, _FILE)) for one in value.pop("files"))
            whole = tuple(
                SentFile(file.ending, tuple(Piece(**_fit(one, _PIECE)) for one in file.pieces)) for file in files
            )
            moment = datetime.fromisoformat(value["placed_at"])
            if _instant(moment) != value["placed_at"] or not re.fullmatch("[1-9][0-9]{0,17}", value["place"]):
                raise ValueError
            return cls(**_fit(value, _ORDER) | {"files": whole, "placed_at": moment})
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed submission order") from None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found in one column (or in none): in how many rows, and the first of them as file and row, both
    counted from 1. `detail` fills the rule's sentence with what the contract says."""

    rule: str
    column: str
    rows: int
    first: tuple[tuple[int, int], ...]
    detail: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ValueError, TypeError, KeyError unless it is what a receipt tells."""
        told = _fit(value, _FINDING)
        first = tuple((file, row) for file, row in told.pop("first"))
        if not all(is_count(file) and is_count(row) for file, row in first):
            raise ValueError("rows")
        return cls(first=first, detail=_details(told.pop("detail")), **told)


@dataclass(frozen=True, slots=True)
class ReturnedPart:
    """A file of rows that came back, sealed to the sender: sizes and digests of its content and as it lies there."""

    name: str
    content_bytes: int
    content_sha256: str
    sealed_bytes: int
    sealed_sha256: str


@dataclass(frozen=True, slots=True)
class IntakeReceipt:
    """What the registry did with one submission, of which `sent` binds each byte (SubmissionOrder). Either `refusal` is
    a code and the set went back whole, or `accepted` rows are kept, whose digest over all is `kept`, and `returned`
    ones stand sealed in the folder `package`.

    `detail` fills the sentence of the refusal: names of columns and numbers alone. `recipient` is the fingerprint of
    the key that opens what came back.
    """

    order_id: str
    source: str
    version: int
    contract: str
    sent: str = ""
    received: int = 0
    accepted: int = 0
    returned: int = 0
    refusal: str = ""
    detail: tuple[tuple[str, str], ...] = ()
    kept: str = ""
    findings: tuple[Finding, ...] = ()
    package: str = ""
    recipient: str = ""
    parts: tuple[ReturnedPart, ...] = ()

    def is_about(self, other: Self) -> bool:
        """Whether both tell of the same submission."""
        names = ("order_id", "source", "version", "contract", "sent")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self)
        value["detail"] = _lists(self.detail)
        value["findings"] = [
            {**asdict(one), "first": _lists(one.first), "detail": _lists(one.detail)} for one in self.findings
        ]
        value["parts"] = [asdict(one) for one in self.parts]
        return seal(RECEIPT_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(RECEIPT_KIND, envelope, trusted)
        try:
            lists: dict[str, Any] = {
                "detail": _details(value.pop("detail")),
                "findings": tuple(Finding.from_json(one) for one in value.pop("findings")),
                "parts": tuple(_part(one) for one in value.pop("parts")),
            }
            receipt = cls(**_fit(value, _RECEIPT), **lists)
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed intake receipt") from None
        if receipt.package and not _PACKAGE.fullmatch(receipt.package):
            raise BadSeal("a malformed intake receipt")
        return receipt


_PIECE: Final[Form] = {"bytes": is_count, "sealed_bytes": is_count, "sealed_sha256": is_digest}
_FILE: Final[Form] = {
    "ending": lambda value: isinstance(value, str) and re.fullmatch("[a-z0-9]{1,8}", value) is not None,
    "pieces": lambda value: isinstance(value, list) and bool(value),
}
_ORDER: Final[Form] = {
    **{one.name: is_text for one in fields(SubmissionOrder) if one.name != "files"},
    "version": is_count,
}
_COUNTED: Final = {"version", "received", "accepted", "returned"}
_LISTED: Final = {"detail", "findings", "parts"}
_RECEIPT: Final[Form] = {
    one.name: is_count if one.name in _COUNTED else is_any_text
    for one in fields(IntakeReceipt)
    if one.name not in _LISTED
}
_FINDING: Final[Form] = {
    "rule": is_text,
    "column": is_any_text,
    "rows": is_count,
    "first": lambda value: isinstance(value, list) and len(value) <= ROWS_SHOWN,
    "detail": lambda value: isinstance(value, list),
}
_PART: Final[Form] = {
    "name": lambda value: isinstance(value, str) and _RETURNED.fullmatch(value) is not None,
    "content_bytes": is_count,
    "content_sha256": is_digest,
    "sealed_bytes": is_count,
    "sealed_sha256": is_digest,
}


def _fit(value: Any, form: Form) -> dict[str, Any]:
    if not isinstance(value, Mapping) or misfit(value, form) is not None:
        raise ValueError("another form")
    return dict(value)


def _part(value: Any) -> ReturnedPart:
    return ReturnedPart(**_fit(value, _PART))


def _details(value: Any) -> tuple[tuple[str, str], ...]:
    found = tuple((name, said) for name, said in value)
    if not all(is_any_text(name) and is_any_text(said) for name, said in found):
        raise ValueError("texts")
    return found


def _lists(pairs: Iterable[Iterable[Any]]) -> list[list[Any]]:
    return [list(pair) for pair in pairs]


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
