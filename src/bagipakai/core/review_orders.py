"""What passes between the planes about clerical review: three orders to the registry, and one form of receipt. All are
signed (decision 0136).

An opening asks how many prepared pairs stand for an order for matching. A sheet asks for some of them, sealed to a key
that lives in one clerk's browser: the receipt carries bytes that nobody else opens, the office included. Labels bring
back what clerks said of pairs: numbers and verdicts, no value of anybody.
"""

import base64
import binascii
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeAlias

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.reviews import Verdict, is_reader
from bagipakai.core.shapes import Form, is_any_text, is_count, is_text, misfit, one_of

OPENING_KIND: Final = "application/vnd.bagipakai.review-opening+json;v=1"
SHEET_KIND: Final = "application/vnd.bagipakai.sheet-order+json;v=1"
LABELS_KIND: Final = "application/vnd.bagipakai.label-order+json;v=1"
RECEIPT_KIND: Final = "application/vnd.bagipakai.review-receipt+json;v=1"


@dataclass(frozen=True, slots=True)
class Opening:
    """How many pairs stand prepared for the order `review`?"""

    order_id: str
    review: str
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        return seal(OPENING_KIND, asdict(self) | {"placed_at": _instant(self.placed_at)}, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        return cls(**_read(OPENING_KIND, envelope, trusted, _OF_EACH))


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """These pairs of the order `review`, by their numbers, sealed to `reader`: the public key of one browser, as
    hexadecimal digits. `clerk` names the person by the office's number (`P17/J4`)."""

    order_id: str
    review: str
    pairs: tuple[int, ...]
    reader: str
    clerk: str
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self) | {"placed_at": _instant(self.placed_at), "pairs": list(self.pairs)}
        return seal(SHEET_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = _read(SHEET_KIND, envelope, trusted, _SHEET)
        return cls(**value | {"pairs": tuple(value["pairs"])})


@dataclass(frozen=True, slots=True)
class Label:
    """What one clerk said of one pair. `round`: 1 first, 2 second, 3 arbiter; `twice`: whether the pair is one of those
    that two people judge."""

    pair: int
    round: int
    twice: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LabelOrder:
    """What a clerk said of the pairs of one sheet."""

    order_id: str
    review: str
    labels: tuple[Label, ...]
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        labels = [asdict(one) for one in self.labels]
        return seal(LABELS_KIND, asdict(self) | {"placed_at": _instant(self.placed_at), "labels": labels}, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = _read(LABELS_KIND, envelope, trusted, _LABELS)
        labels = tuple(Label(**one | {"verdict": Verdict(one["verdict"])}) for one in value["labels"])
        return cls(**value | {"labels": labels})


ReviewOrder: TypeAlias = Opening | SheetOrder | LabelOrder


@dataclass(frozen=True, slots=True)
class ReviewReceipt:
    """The registry's answer to any of the three. Either `refusal` is a code, or `pairs` are those that the answer is
    about: all that stand prepared, those on the sheet, those that were labelled. `sheet` is empty but for a sheet: the
    reader's bytes (registry.sheets)."""

    order_id: str
    review: str
    refusal: str = ""
    pairs: int = 0
    sheet: bytes = b""

    def sealed(self, signer: Signer) -> bytes:
        return seal(RECEIPT_KIND, asdict(self) | {"sheet": base64.b64encode(self.sheet).decode("ascii")}, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(RECEIPT_KIND, envelope, trusted)
        if misfit(value, _RECEIPT) is not None:
            raise BadSeal("a malformed review receipt")
        try:
            return cls(**value | {"sheet": base64.b64decode(value["sheet"], validate=True)})
        except binascii.Error:
            raise BadSeal("a malformed review receipt") from None


def unsealed(envelope: bytes, trusted: PublicKey) -> ReviewOrder:
    """The order of whichever of the three kinds. Raises BadSeal."""
    for kind in (Opening, SheetOrder):
        try:
            return kind.unsealed(envelope, trusted)
        except BadSeal:
            continue
    return LabelOrder.unsealed(envelope, trusted)


def _is_label(value: object) -> bool:
    return isinstance(value, dict) and misfit(value, _LABEL) is None


_LABEL: Final[Form] = {
    "pair": is_count,
    "round": lambda value: is_count(value) and value in (1, 2, 3),
    "twice": lambda value: isinstance(value, bool),
    "verdict": one_of(*Verdict),
}
_OF_EACH: Final[Form] = {"order_id": is_text, "review": is_text, "placed_at": is_text}
_SHEET: Final[Form] = {
    **_OF_EACH,
    "pairs": lambda value: isinstance(value, list) and bool(value) and all(is_count(one) for one in value),
    "reader": is_reader,
    "clerk": is_text,
}
_LABELS: Final[Form] = {
    **_OF_EACH,
    "labels": lambda value: isinstance(value, list) and bool(value) and all(_is_label(one) for one in value),
}
_RECEIPT: Final[Form] = {one.name: is_count if one.name == "pairs" else is_any_text for one in fields(ReviewReceipt)}


def _read(kind: str, envelope: bytes, trusted: PublicKey, form: Form) -> dict[str, Any]:
    value = unseal(kind, envelope, trusted)
    try:
        if misfit(value, form) is not None:
            raise ValueError
        moment = datetime.fromisoformat(value["placed_at"])
        if _instant(moment) != value["placed_at"]:
            raise ValueError
    except ValueError:
        raise BadSeal("a malformed review order") from None
    return value | {"placed_at": moment}


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
