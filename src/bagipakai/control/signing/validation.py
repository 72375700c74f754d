"""Whether a file is signed as it must be. The judgement is always ours, over the whole file, against pinned roots.

A file passes if every one of these holds; else the refusal names the first that does not.
- Every signature and time-stamp in it is whole, and nothing in it can be written in another way.
- Its last bytes are a document time-stamp over all that stands before: pyHanko calls a signature `intact` also after
  somebody added a revision, so that alone is never asked.
- Each signature has its own time-stamp. At that time its certificate counted, up to a pinned root, by revocation lists
  that lie in the file; and nothing that the office knows today says otherwise.
- Time-stamps come from a pinned authority of their own, one after the other, none from the future.
- Whoever had to sign signed, and named the statement that they gave.

Sources: ETSI EN 319 142-1 (PAdES), RFC 3161, RFC 5280; trust reference 4.2 and 15.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import find_unique_cms_attribute
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import (
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.status import (
    PdfSignatureStatus,
    SignatureCoverageLevel,
    SignatureStatus,
    TimestampSignatureStatus,
)
from pyhanko_certvalidator import ValidationContext

from bagipakai.control.signing.acts import Holder
from bagipakai.control.signing.authority import names
from bagipakai.control.signing.pades import STATEMENT, asn1, awaited
from bagipakai.core.refusal import Refusal

SKEW: Final = timedelta(minutes=5)  # between a time-stamp authority's clock and ours


@dataclass(frozen=True, slots=True)
class Revoked:
    """One certificate that no longer counts, since that moment."""

    issuer: x509.Name
    serial: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Roots:
    """Whom to trust: roots of signers, roots of time-stamp authorities, and what the office knows today to be revoked
    under them."""

    signing: tuple[x509.Certificate, ...]
    time: tuple[x509.Certificate, ...]
    revoked: tuple[Revoked, ...] = ()

    def __add__(self, other: "Roots") -> "Roots":
        return Roots(self.signing + other.signing, self.time + other.time, self.revoked + other.revoked)


@dataclass(frozen=True, slots=True)
class Expected:
    """Who must have signed, by the `ref` of their certificate or by its SHA-256 in hex; and the statement that their
    signature must name, and what it was set for, unless ""."""

    ref: str
    statement_digest: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a file that passed. `at` is its time-stamp's; `over` the SHA-256 of the file as its holder got
    it, or "" for the first, whose file ends nowhere exactly; digests in hex."""

    holder: Holder
    certificate: str
    at: datetime
    reason: str
    statement_digest: str
    over: str


@dataclass(frozen=True, slots=True)
class Validated:
    """A file that passed: its SHA-256, its signatures in order, and the time of the stamp over all of it."""

    sha256: str
    signatures: tuple[Signature, ...]
    stamped_at: datetime


def validate(pdf: bytes, roots: Roots, *, at: datetime, expected: Sequence[Expected] = ()) -> Validated | Refusal:
    """What the file proves at that moment, or the name of what is wrong with it. Fetches nothing."""
    try:
        outcome = awaited(_Reading(pdf, roots, at).outcome())
    except Exception:
        # Bytes that nobody's program wrote make parsers fail in every way there is; all of them mean this.
        return Refusal("signed-paper-was-changed")
    return outcome if isinstance(outcome, Refusal) else _as_expected(outcome, expected)


def _as_expected(found: Validated, expected: Sequence[Expected]) -> Validated | Refusal:
    for one in expected:
        theirs = [s for s in found.signatures if one.ref in (s.holder.ref, s.certificate)]
        if not theirs:
            return Refusal("signature-of-another", {"signer": one.ref})
        if one.statement_digest and one.statement_digest not in {s.statement_digest for s in theirs}:
            return Refusal("signature-names-another-statement", {"signer": theirs[0].holder.name})
        if one.reason and not any(f"{s.reason}.".startswith(f"{one.reason}.") for s in theirs):
            return Refusal("signature-of-another", {"signer": one.reason})
    return found


class _Reading:
    """One file, read once."""

    def __init__(self, pdf: bytes, roots: Roots, at: datetime) -> None:
        self.pdf, self.roots, self.at = pdf, roots, at
        self.reader = PdfFileReader(BytesIO(pdf))
        self.embedded: list[EmbeddedPdfSignature] = list(self.reader.embedded_signatures)
        self.stamps = [one for one in self.embedded if one.sig_object_type == "/DocTimeStamp"]
        self.signed = [one for one in self.embedded if one.sig_object_type == "/Sig"]

    async def outcome(self) -> Validated | Refusal:
        if not self.signed:
            # A file that once was signed and lost the way to its signature is not an unsigned one.
            return Refusal("signed-paper-was-changed" if b"/ByteRange" in self.pdf else "signature-is-missing")
        return self._changed() or self._extended() or await self._proven()

    def _changed(self) -> Refusal | None:
        for one in self.embedded:
            one.compute_integrity_info(skip_diff=True)  # type: ignore[no-untyped-call]
        whole = all(map(_whole, self.embedded)) and self._written_one_way(self.embedded[-1])
        return None if whole else Refusal("signed-paper-was-changed")

    def _written_one_way(self, last: EmbeddedPdfSignature) -> bool:
        """Whether the last container, which nothing covers, is written as there is one way to write it: hexadecimal in
        capitals, one value, zeros after it, and beside what is signed only what repeats it."""
        _, before, after, _ = (int(number) for number in last.byte_range)
        content, data, signer = last.pkcs7_content, last.signed_data, last.signer_info
        value = cms.ContentInfo.load(content)
        known = {one.dump() for one in self._stored.certificates} | {last.signer_cert.dump()}
        version = "v1" if data["encap_content_info"]["content_type"].native == "data" else "v3"
        return (
            self.pdf[before:after] == b"<" + content.hex().upper().encode() + b">"
            and content == value.dump().ljust(len(content), b"\0")
            and value.contents == value["content_type"].dump() + value["content"].dump()
            and value["content_type"].native == "signed_data"
            and (data["version"].native, signer["version"].native) == (version, "v1")
            and [kind.dump() for kind in data["digest_algorithms"]] == [signer["digest_algorithm"].dump()]
            and not data["crls"].native
            and not (signer["unsigned_attrs"].native and version == "v3")
            and {one.chosen.dump() for one in data["certificates"]} <= known
        )

    def _extended(self) -> Refusal | None:
        last = self.embedded[-1]
        revisions = all(one.coverage >= SignatureCoverageLevel.ENTIRE_REVISION for one in self.embedded)
        if last.coverage is not SignatureCoverageLevel.ENTIRE_FILE or not revisions:
            return Refusal("signed-paper-was-extended")
        return None if self.stamps and last is self.stamps[-1] else Refusal("signature-does-not-last")

    async def _proven(self) -> Validated | Refusal:
        stamped_at = self.at + SKEW
        for stamp in reversed(self.stamps):
            when = _gen_time(stamp.signed_data)
            if no := await self._stamp_counts(stamp, when):
                return no
            if when > stamped_at:
                return Refusal("timestamp-out-of-order")
            stamped_at = when
        signatures = []
        for one in self.signed:
            outcome = await self._signature(one)
            if isinstance(outcome, Refusal):
                return outcome
            signatures.append(outcome)
        sha256 = hashlib.sha256(self.pdf).hexdigest()
        return Validated(sha256, tuple(signatures), _gen_time(self.stamps[-1].signed_data))

    async def _stamp_counts(self, stamp: EmbeddedPdfSignature, when: datetime) -> Refusal | None:
        status = await async_validate_pdf_timestamp(stamp, self._context(self.roots.time, when), skip_diff=True)
        if no := self._time_refused(status, when):
            return no
        if stamp is self.stamps[-1] and stamp.signer_cert.not_valid_after < self.at:
            return Refusal("timestamp-has-run-out")
        if self._revoked(stamp.signer_cert, None if stamp is self.stamps[-1] else when):
            return Refusal("timestamp-of-a-foreign-authority")
        return None

    async def _signature(self, one: EmbeddedPdfSignature) -> Signature | Refusal:
        tokens = list(extract_tst_data_iter(one.signer_info, signed=False))
        if len(tokens) != 1:
            return Refusal("signature-does-not-last")
        when = _gen_time(tokens[0])
        following = [stamp for stamp in self.stamps if stamp.signed_revision > one.signed_revision]
        if not following:
            return Refusal("signature-does-not-last")
        status = await async_validate_pdf_signature(
            one, self._context(self.roots.signing, when), self._context(self.roots.time, when)
        )
        if no := self._token_refused(status.timestamp_validity, when) or self._signer_refused(status, when):
            return no
        if when > _gen_time(following[0].signed_data) + SKEW:
            return Refusal("timestamp-out-of-order")
        later = any(other.signed_revision > one.signed_revision for other in self.signed)
        allowed = ModificationLevel.FORM_FILLING if later else ModificationLevel.LTA_UPDATES
        level = status.modification_level
        if not status.bottom_line or level is None or level > allowed:
            return Refusal("signed-paper-was-extended")
        return self._told(one, when)

    def _token_refused(self, status: TimestampSignatureStatus | None, when: datetime) -> Refusal | None:
        if status is None:
            return Refusal("signature-does-not-last")
        if status.valid and not status.intact:
            return Refusal("timestamp-of-other-data")
        if self._revoked(status.signing_cert, when):
            return Refusal("timestamp-of-a-foreign-authority")
        return self._time_refused(status, when)

    def _time_refused(self, status: TimestampSignatureStatus, when: datetime) -> Refusal | None:
        if status.trusted:
            return None
        if not (status.valid and status.intact):
            return Refusal("signed-paper-was-changed")
        if self._lacks_list(status, when):
            return Refusal("signature-without-revocation-list")
        return Refusal("timestamp-of-a-foreign-authority")

    def _signer_refused(self, status: PdfSignatureStatus, when: datetime) -> Refusal | None:
        if not (status.valid and status.intact):
            return Refusal("signed-paper-was-changed")
        signer = {"signer": names(_pyca(status.signing_cert)).name}
        if status.revoked or self._revoked(status.signing_cert, when):
            return Refusal("signer-certificate-was-revoked", signer)
        if status.trusted:
            return None
        if status.trust_problem_indic is AdESIndeterminate.OUT_OF_BOUNDS_NO_POE:
            return Refusal("signer-certificate-had-ended", signer)
        if self._lacks_list(status, when):
            return Refusal("signature-without-revocation-list")
        return Refusal("signer-certificate-is-foreign", signer)

    def _lacks_list(self, status: SignatureStatus, when: datetime) -> bool:
        """Whether a chain was found, and the file holds no revocation list of the issuer for that time."""
        return status.trust_problem_indic is not AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND and not any(
            one.issuer == status.signing_cert.issuer
            and one["tbs_cert_list"]["this_update"].native <= when <= one["tbs_cert_list"]["next_update"].native
            for one in self._stored.crls
        )

    def _context(self, roots: Iterable[x509.Certificate], moment: datetime) -> ValidationContext:
        return ValidationContext(
            trust_roots=[asn1(root) for root in roots],
            other_certs=self._stored.certificates,
            moment=moment,
            crls=self._stored.crls,
            allow_fetching=False,
            revocation_mode="require",
        )

    def _revoked(self, certificate: asn1_x509.Certificate, when: datetime | None) -> bool:
        """Whether the office knows today that the certificate was revoked, until `when` or ever."""
        issuer = _pyca(certificate).issuer
        return any(
            (one.issuer, one.serial) == (issuer, certificate.serial_number) and (when is None or one.since <= when)
            for one in self.roots.revoked
        )

    @property
    def _stored(self) -> "_Stored":
        if not hasattr(self, "_store"):
            self._store = _Stored.of(self.reader)
        return self._store

    def _told(self, one: EmbeddedPdfSignature, when: datetime) -> Signature:
        text = str(one.sig_object.get("/Reason", ""))
        told, _, digest = text.rpartition(STATEMENT)
        earlier = [stamp for stamp in self.stamps if stamp.signed_revision < one.signed_revision]
        over = hashlib.sha256(self.pdf[: _end(earlier[-1])]).hexdigest() if earlier else ""
        certificate = _pyca(one.signer_cert)
        return Signature(
            names(certificate),
            hashlib.sha256(one.signer_cert.dump()).hexdigest(),
            when,
            told.removesuffix(". ") if digest and told else text,
            digest if told else "",
            over,
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """What lies in the file's document security store."""

    certificates: list[asn1_x509.Certificate]
    crls: list[asn1_crl.CertificateList]

    @classmethod
    def of(cls, reader: PdfFileReader) -> "_Stored":
        try:
            store = DocumentSecurityStore.read_dss(reader)
        except NoDSSFoundError:
            return cls([], [])
        lists = [asn1_crl.CertificateList.load(one.get_object().read_data(DecodePurpose.CRL)) for one in store.crls]
        return cls(list(store.load_certs()), lists)


def _whole(one: EmbeddedPdfSignature) -> bool:
    """Whether the digest of the bytes it covers is the one that it holds."""
    content = one.signed_data["encap_content_info"]["content"]
    if one.sig_object_type == "/DocTimeStamp":
        held = content.parsed["message_imprint"]["hashed_message"].native
    else:
        held = find_unique_cms_attribute(one.signer_info["signed_attrs"], "message_digest").native
    return bool(held == one.compute_digest())


def _gen_time(token: cms.SignedData) -> datetime:
    moment: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
    return moment


def _end(stamp: EmbeddedPdfSignature) -> int:
    _, _, start, length = (int(number) for number in stamp.byte_range)
    return start + length


def _pyca(certificate: asn1_x509.Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.dump())
