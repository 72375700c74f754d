"""What passes between the planes about a list of persons that an institution wants matched: the order to read it, to
keep it until a day, to destroy it, and the receipt that tells what stands in it, or that nothing does. All of them are
signed.

The order names each sealed piece by its digest, and may say which column is which. The receipt tells names of columns,
counts, codes of rules and numbers of rows; no value that stood in a row has a place in it. Its `digest` is the list's
manifest: a request for matching, the decision and the order carry it, and no other list is matched.
"""

import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any, Final, Self

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.intake import Finding, Piece, SentFile, digest_of
from bagipakai.core.shapes import Form, is_any_text, is_count, is_digest, is_text, misfit

ORDER_KIND: Final = "application/vnd.bagipakai.roster-order+json;v=1"
KEEPING_KIND: Final = "application/vnd.bagipakai.roster-keeping+json;v=1"
DESTRUCTION_KIND: Final = "application/vnd.bagipakai.roster-destruction+json;v=1"
RECEIPT_KIND: Final = "application/vnd.bagipakai.roster-receipt+json;v=1"
DESTROYED: Final = "roster-destroyed"  # the refusal of a receipt that tells that the rows are gone, as was ordered

_NAME: Final = re.compile("[A-Za-z0-9-]{1,40}")  # of a folder


@dataclass(frozen=True, slots=True)
class RosterOrder:
    """What the office orders the registry to read: one list of one institution, once.

    `place` is the folder of the sealed pieces in the intake store. `columns`: standard column and the heading that its
    sender chose for it, all that are to be read; none of them where the registry is to recognise them by itself.
    """

    order_id: str
    roster: str
    institution: str
    place: str
    file: SentFile
    columns: tuple[tuple[str, str], ...]
    policy: str
    placed_at: datetime

    @property
    def sent(self) -> str:
        """What binds all that is sent, to the last byte."""
        return digest_of(piece.sealed_sha256 for piece in self.file.pieces)

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self) | {"placed_at": _instant(self.placed_at), "columns": [list(one) for one in self.columns]}
        value["file"] = {**asdict(self.file), "pieces": [asdict(one) for one in self.file.pieces]}
        return seal(ORDER_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(ORDER_KIND, envelope, trusted)
        try:
            file = _fit(value.pop("file"), _FILE)
            columns = tuple((standard, heading) for standard, heading in value.pop("columns"))
            moment = datetime.fromisoformat(value["placed_at"])
            if _instant(moment) != value["placed_at"]:
                raise ValueError
            if not _NAME.fullmatch(value["place"]) or not _NAME.fullmatch(value["roster"]):
                raise ValueError
            if not all(is_text(one) for pair in columns for one in pair):
                raise ValueError
            pieces = tuple(Piece(**_fit(one, _PIECE)) for one in file["pieces"])
            sent = SentFile(file["ending"], pieces)
            return cls(**_fit(value, _ORDER) | {"placed_at": moment, "file": sent, "columns": columns})
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed roster order") from None


@dataclass(frozen=True, slots=True)
class RosterKeeping:
    """What the office orders the registry not to destroy by itself before `until` is over: one list, exactly as it was
    read (`digest`). It puts off the registry's own clock and does nothing else; of two, the later one counts."""

    order_id: str
    roster: str
    institution: str
    digest: str
    until: date
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self) | {"placed_at": _instant(self.placed_at), "until": self.until.isoformat()}
        return seal(KEEPING_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(KEEPING_KIND, envelope, trusted)
        try:
            moment, until = datetime.fromisoformat(value["placed_at"]), date.fromisoformat(value["until"])
            if (_instant(moment), until.isoformat()) != (value["placed_at"], value["until"]):
                raise ValueError
            if not _NAME.fullmatch(value["roster"]):
                raise ValueError
            return cls(**_fit(value, _KEEPING) | {"placed_at": moment, "until": until})
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed roster keeping") from None


@dataclass(frozen=True, slots=True)
class RosterDestruction:
    """What the office orders the registry to destroy: the rows of one list, whatever was read of it. The receipt for it
    refuses with DESTROYED, as often as it is asked for."""

    order_id: str
    roster: str
    institution: str
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        return seal(DESTRUCTION_KIND, asdict(self) | {"placed_at": _instant(self.placed_at)}, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(DESTRUCTION_KIND, envelope, trusted)
        try:
            moment = datetime.fromisoformat(value["placed_at"])
            if _instant(moment) != value["placed_at"] or not _NAME.fullmatch(value["roster"]):
                raise ValueError
            return cls(**_fit(value, _DESTRUCTION) | {"placed_at": moment})
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed roster destruction") from None


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the list: its name as it may be shown, the standard column that it was taken for (nothing: unused),
    and in how many rows it is filled (0 where it is unused)."""

    name: str
    meaning: str
    filled: int


@dataclass(frozen=True, slots=True)
class RosterReceipt:
    """What the registry found in one list, of which `sent` binds each byte (RosterOrder). Either `refusal` is a code
    and nothing is kept, or `rows` are kept, sealed, until `digest` (SHA-256 over what was read of them) is not needed
    any more. `headings` stand in the order of the file, also where the list is refused for want of a column. Of a list
    that is to be kept, it says again which rows are.
    """

    order_id: str
    roster: str
    sent: str = ""
    refusal: str = ""
    detail: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    digest: str = ""
    headings: tuple[Heading, ...] = ()
    findings: tuple[Finding, ...] = ()

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self)
        value["detail"] = [list(one) for one in self.detail]
        value["headings"] = [asdict(one) for one in self.headings]
        value["findings"] = [
            {
                **asdict(one),
                "first": [list(pair) for pair in one.first],
                "detail": [list(pair) for pair in one.detail],
            }
            for one in self.findings
        ]
        return seal(RECEIPT_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> Self:
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(RECEIPT_KIND, envelope, trusted)
        try:
            lists: dict[str, Any] = {
                "detail": tuple((name, said) for name, said in value.pop("detail")),
                "headings": tuple(Heading(**_fit(one, _HEADING)) for one in value.pop("headings")),
                "findings": tuple(Finding.from_json(one) for one in value.pop("findings")),
            }
            if not all(is_any_text(one) for pair in lists["detail"] for one in pair):
                raise ValueError
            return cls(**_fit(value, _RECEIPT), **lists)
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed roster receipt") from None


_PIECE: Final[Form] = {"bytes": is_count, "sealed_bytes": is_count, "sealed_sha256": is_digest}
_FILE: Final[Form] = {
    "ending": lambda value: isinstance(value, str) and re.fullmatch("[a-z0-9]{1,8}", value) is not None,
    "pieces": lambda value: isinstance(value, list) and bool(value),
}
_ORDER: Final[Form] = {one.name: is_text for one in fields(RosterOrder) if one.name not in ("file", "columns")}
_KEEPING: Final[Form] = {one.name: is_text for one in fields(RosterKeeping)} | {"digest": is_digest}
_DESTRUCTION: Final[Form] = {one.name: is_text for one in fields(RosterDestruction)}
_RECEIPT: Final[Form] = {
    one.name: is_count if one.name == "rows" else is_any_text
    for one in fields(RosterReceipt)
    if one.name not in ("detail", "headings", "findings")
}
_HEADING: Final[Form] = {"name": is_any_text, "meaning": is_any_text, "filled": is_count}


def _fit(value: Any, form: Form) -> dict[str, Any]:
    if not isinstance(value, dict) or misfit(value, form) is not None:
        raise ValueError("another form")
    return dict(value)


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
