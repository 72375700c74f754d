"""A certificate authority of this office: a root that it made itself, certificates under it, and what it revoked.

Nobody outside this installation knows this authority: what it vouches for is an uncertified signature (PP 71/2019), and
every one of them says so. Keys are written once, readable by their owner alone; a revocation is a file that is never
taken away again.

    FOLDER/root.key.pem  root.crt.pem        the root
    FOLDER/<slot>-1.key.pem  <slot>-1.crt.pem   the first certificate of a holder; -2 follows when it ends
    FOLDER/revoked/<serial in hex>           the moment from which a certificate no longer counts
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bagipakai.control.signing.acts import Holder
from bagipakai.core.keyfiles import read_secret, write_once

ROOT_YEARS: Final = 20
RULES_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)  # as the first rules in policies/
CRL_DAYS: Final = 30
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

LONGEST: Final = 64  # characters of one attribute of a name (X.520)


USAGES: Final = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class Purpose(Enum):
    """What a certificate may be used for."""

    SIGN = ("digital_signature", "content_commitment")
    TIME = ("digital_signature",)

    @property
    def days(self) -> int:
        """How long it lasts: a signer's two years at most (trust reference 7), a clock's long enough to rest on."""
        return 730 if self is Purpose.SIGN else 3650


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key and the certificate of its public half."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority whose files lie in `folder`."""

    folder: Path

    def establish(self, name: str, at: datetime) -> None:
        """Makes the root if there is none. It counts from the day that the office's rules begin, before which it signs
        nothing, so that a clock that is put right does not undo it."""
        if (self.folder / "root.crt.pem").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "revoked").mkdir(exist_ok=True, mode=0o700)
        write_once(self.folder / "root.key.pem", _pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
        key = _key(self.folder / "root.key.pem")
        ends = at.astimezone(UTC).replace(microsecond=0) + timedelta(days=365 * ROOT_YEARS)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        root = (
            _certificate(subject, subject, key.public_key(), RULES_BEGIN, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_once(self.folder / "root.crt.pem", root.public_bytes(Encoding.PEM), 0o644)

    @property
    def root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / "root.crt.pem").read_bytes())

    def credential(self, slot: str, holder: Holder, purpose: Purpose, at: datetime) -> Credential:
        """The credential of `holder` at that moment: the one it has, or its next one where it has none that counts.
        Raises TooOpen if others could read the key."""
        number, held = self._held(slot, holder, at)
        file = self.folder / f"{slot}-{number}.key.pem"
        if held is None:
            write_once(file, _pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
        key = _key(file)
        return Credential(key, held or self._kept(slot, number, self.issue(key.public_key(), holder, purpose, at)))

    def certificate(
        self, slot: str, public: PublicKey, holder: Holder, purpose: Purpose, at: datetime
    ) -> x509.Certificate:
        """The certificate of a key that lies elsewhere, in a card or a hardware module; a new one where there is none
        that counts, or the key is another."""
        number, held = self._held(slot, holder, at)
        while held is not None and held.public_key() != public:
            number, held = self._held(slot, holder, at, number + 1)
        return held or self._kept(slot, number, self.issue(public, holder, purpose, at))

    def _held(self, slot: str, holder: Holder, at: datetime, number: int = 1) -> tuple[int, x509.Certificate | None]:
        """Number and content of the first certificate in a slot that counts for that holder, or its next number."""
        while (file := self.folder / f"{slot}-{number}.crt.pem").exists():
            certificate = x509.load_pem_x509_certificate(file.read_bytes())
            if self.counts(certificate, at) and names(certificate) == names_of(holder):
                return number, certificate
            number += 1
        return number, None

    def _kept(self, slot: str, number: int, certificate: x509.Certificate) -> x509.Certificate:
        file = self.folder / f"{slot}-{number}.crt.pem"
        write_once(file, certificate.public_bytes(Encoding.PEM), 0o644)
        return x509.load_pem_x509_certificate(file.read_bytes())

    def issue(self, public: PublicKey, holder: Holder, purpose: Purpose, at: datetime) -> x509.Certificate:
        """A certificate for that key, from that moment on. Nothing is kept."""
        root, begins = self.root, at.astimezone(UTC).replace(microsecond=0)
        builder = (
            _certificate(root.subject, _name(holder), public, begins, begins + timedelta(days=purpose.days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(*purpose.value), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_ec(root)), critical=False)
        )
        if purpose is Purpose.TIME:
            only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(only, critical=True)
        return builder.sign(_key(self.folder / "root.key.pem"), hashes.SHA256())

    def counts(self, certificate: x509.Certificate, at: datetime) -> bool:
        """Whether a certificate of this authority can be used at that moment."""
        begun = certificate.not_valid_before_utc <= at < certificate.not_valid_after_utc
        return begun and not (self.folder / "revoked" / f"{certificate.serial_number:x}").exists()

    def revoke(self, certificate: x509.Certificate, at: datetime) -> None:
        """From that moment on, the certificate no longer counts. The first revocation stays."""
        file = self.folder / "revoked" / f"{certificate.serial_number:x}"
        write_once(file, at.astimezone(UTC).replace(microsecond=0).isoformat().encode(), 0o600)

    def revoked(self) -> dict[int, datetime]:
        """Serial numbers of what was revoked, and since when."""
        files = sorted((self.folder / "revoked").iterdir())
        return {int(file.name, 16): datetime.fromisoformat(file.read_text()) for file in files if file.name[0] != "."}

    def crl(self, at: datetime) -> bytes:
        """The revocation list of that moment, as DER: what was revoked until then."""
        issued = at.astimezone(UTC).replace(microsecond=0)
        root = self.root
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(root.subject)
            .last_update(issued)
            .next_update(issued + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(int(issued.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_ec(root)), critical=False)
        )
        for serial, since in self.revoked().items():
            if since <= issued:
                revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
                builder = builder.add_revoked_certificate(revoked.build())
        signed = builder.sign(_key(self.folder / "root.key.pem"), hashes.SHA256())
        return signed.public_bytes(Encoding.DER)


def names(certificate: x509.Certificate) -> Holder:
    """Whom a certificate names."""

    def told(oid: x509.ObjectIdentifier) -> str:
        found = certificate.subject.get_attributes_for_oid(oid)
        return str(found[0].value) if found else ""

    return Holder(
        told(NameOID.SERIAL_NUMBER),
        told(NameOID.COMMON_NAME),
        told(NameOID.TITLE),
        told(NameOID.ORGANIZATION_NAME),
    )


def names_of(holder: Holder) -> Holder:
    """The holder as a certificate can name them: each part cut to what fits."""
    return Holder(*(part[:LONGEST] for part in (holder.ref, holder.name, holder.post, holder.institution)))


def _name(holder: Holder) -> x509.Name:
    held = names_of(holder)
    parts = (
        (NameOID.COMMON_NAME, held.name),
        (NameOID.TITLE, held.post),
        (NameOID.ORGANIZATION_NAME, held.institution),
        (NameOID.SERIAL_NUMBER, held.ref),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def _certificate(
    issuer: x509.Name, subject: x509.Name, public: PublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*may: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in may for usage in USAGES})


def _ec(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("a root of another kind")
    return public


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(read_secret(file), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file.name} holds a key of another kind")
    return key
