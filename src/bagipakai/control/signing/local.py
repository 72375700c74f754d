"""Means 1, the embedded default: the office is its own certificate authority and its own time-stamp authority.

    FOLDER/authority/…   signs certificates of officers and of the institutions' seals
    FOLDER/time/…        signs the certificate of the time-stamp authority, under a root of its own

`FOLDER` is `keys/control/signing`. What is made so is uncertified, and says so.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from asn1crypto import keys as asn1_keys
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.sign.signers import Signer as CmsSigner
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bagipakai.control.signing import pades
from bagipakai.control.signing.acts import NOT_CERTIFIED, Act, Holder
from bagipakai.control.signing.authority import Authority, Credential, Purpose
from bagipakai.control.signing.timestamps import OwnClock
from bagipakai.control.signing.validation import Revoked, Roots
from bagipakai.core.refusal import Refusal

CLOCK: Final = Holder("WAKTU", "Cap Waktu Berbagipakai DTSEN, tidak tersertifikasi")


@dataclass(frozen=True, slots=True)
class House:
    """The two authorities of this installation, in `folder`."""

    folder: Path

    @property
    def authority(self) -> Authority:
        return Authority(self.folder / "authority")

    @property
    def time(self) -> Authority:
        return Authority(self.folder / "time")

    def establish(self, at: datetime) -> None:
        """Makes both roots if they are missing."""
        self.authority.establish("Otoritas Sertifikat Berbagipakai DTSEN, tidak tersertifikasi", at)
        self.time.establish("Otoritas Waktu Berbagipakai DTSEN, tidak tersertifikasi", at)

    def roots(self) -> Roots:
        """Whom to trust, and whom no longer. Reads no secret."""
        known = tuple(
            Revoked(one.root.subject, serial, since)
            for one in (self.authority, self.time)
            for serial, since in one.revoked().items()
        )
        return Roots((self.authority.root,), (self.time.root,), known)

    def signer(self, holder: Holder) -> "Local":
        """The signer of an officer in a post, or of an institution's seal. Its key is made when it first signs."""
        return Local(self, holder)

    def prolonged(self, pdf: bytes, at: datetime) -> bytes | Refusal:
        """A signed file with one more document time-stamp, by the clock's certificate of that moment."""
        clock = self.clock(at)
        return pades.prolonged(pdf, self.means(clock.signer, at), at)

    def clock(self, at: datetime) -> OwnClock:
        """The office's time-stamp authority at that moment."""
        return OwnClock(_simple(self.time.credential("clock", CLOCK, Purpose.TIME, at)), at)

    def means(self, signer: CmsSigner, at: datetime) -> pades.Means:
        """What a signature is made with whose certificate this house issued."""
        return pades.Means(
            signer,
            self.clock(at),
            (self.authority.root, self.time.root),
            (self.authority.crl(at), self.time.crl(at)),
            NOT_CERTIFIED,
        )


@dataclass(frozen=True, slots=True)
class Local:
    """Signs with a key that lies in a file of the office."""

    house: House
    holder: Holder

    def credential(self, at: datetime) -> Credential:
        return self.house.authority.credential(slot(self.holder), self.holder, Purpose.SIGN, at)

    def sign(self, pdf: bytes, act: Act) -> bytes | Refusal:
        return pades.sign(pdf, self.holder, self.house.means(_simple(self.credential(act.at)), act.at), act)


def slot(holder: Holder) -> str:
    """Where the files of a holder lie: one place for each `ref`, whatever characters it is made of."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", holder.ref)
    return f"{plain}-{hashlib.sha256(holder.ref.encode()).hexdigest()[:12]}"


def _simple(credential: Credential) -> SimpleSigner:
    der = credential.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(
        signing_cert=pades.asn1(credential.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(der),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
        embed_roots=False,
    )
