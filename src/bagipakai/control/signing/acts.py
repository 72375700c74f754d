"""What a signature says, who stands behind it, and the one interface that every means of signing answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bagipakai.core.refusal import Refusal

# On every signature that no certified authority stands behind: in the file's signature and on its page (PP 71/2019).
NOT_CERTIFIED = "bukan tanda tangan elektronik tersertifikasi"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a certificate is made out to. `ref` never changes and holds no number of a person: "P17/J4" for a person in a
    post, "SEGEL/<institution code>" for an institution's seal."""

    ref: str
    name: str
    post: str = ""
    institution: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of signing. `reason` is a phrase in Indonesian; `at` an aware moment; `statement_digest` the SHA-256, in
    hex, of the passkey statement that this signature goes with, or "" where there is none."""

    reason: str
    at: datetime
    statement_digest: str = ""


class Stopped(Exception):
    """A means of signing, or something else that follows from an act, cannot go on in the middle of the work. Holds
    what the person is told."""

    def __init__(self, no: Refusal) -> None:
        super().__init__(no.code)
        self.no = no


class Signer(Protocol):
    """Signs files as PAdES B-LTA for one holder."""

    @property
    def holder(self) -> Holder: ...

    def sign(self, pdf: bytes, act: Act) -> bytes | Refusal:
        """The file with one more signature, its time-stamp, the proof that no certificate in it was revoked, and a
        time-stamp over all of that. The old bytes stand unchanged at its beginning."""
