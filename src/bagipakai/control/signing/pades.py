"""The one way in which a signature gets into a file: PAdES B-LTA by pyHanko, whatever the key lies in.

Two revisions follow the file: the signature with its time-stamp; then certificates and revocation lists, under a
document time-stamp. Nothing is fetched: everything that proves a signature is handed in as `Means`.
"""

import asyncio
import textwrap
import unicodedata
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final, TypeVar

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.font.basic import SimpleFontEngineFactory
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, PdfSigningSession, TimestampDSSContentSettings
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError

from bagipakai.control.clock import WIB
from bagipakai.control.signing.acts import Act, Holder, Stopped
from bagipakai.core.refusal import Refusal

STATEMENT: Final = "Pernyataan sha256:"  # in front of the digest of the passkey statement, at the end of the reason

# Stamps stand side by side in the top margin of the last page, which our papers leave empty; in points.
SLOTS: Final = 4
LEFT, BOTTOM, WIDTH, HEIGHT, GAP = 40, 787, 126, 46, 4
LINE: Final = 34  # characters

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Means:
    """What a signature is made with. `roots`: of the signer's chain and of the time-stamp authority's; `crls`: a
    current revocation list of each authority in both chains, as DER; `notice`: what the signature must say of itself,
    or "" where a certified authority stands behind it."""

    signer: signers.Signer
    timestamper: TimeStamper
    roots: Sequence[x509.Certificate]
    crls: Sequence[bytes]
    notice: str
    others: Sequence[x509.Certificate] = ()


def sign(pdf: bytes, holder: Holder, means: Means, act: Act) -> bytes | Refusal:
    """The file with one more signature of `holder`."""
    return awaited(_signed(pdf, holder, means, act))


def prolonged(pdf: bytes, means: Means, at: datetime) -> bytes | Refusal:
    """The file with one more document time-stamp, before the certificate of its last one ends (the "A" of B-LTA)."""
    return awaited(_prolonged(pdf, means, at))


def reason(act: Act, notice: str) -> str:
    """What stands as reason in the signature: the act, what the signature is not, and the statement it goes with."""
    if STATEMENT in act.reason:
        raise ValueError("a reason that imitates a statement")
    parts = (act.reason, notice and f"Ini {notice}", act.statement_digest and f"{STATEMENT}{act.statement_digest}")
    return ". ".join(part for part in parts if part)


def awaited(work: Coroutine[Any, Any, Done]) -> Done:
    """Runs it to its end, in a thread of its own: the caller's may have a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


class _Dated(signers.PdfSigner):
    """Dates the signature by the office's clock, not by the machine's."""

    def __init__(self, act: Act, *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        self.act = act

    def init_signing_session(self, *told: Any, **more: Any) -> PdfSigningSession:
        session = super().init_signing_session(*told, **more)
        session.system_time = self.act.at.astimezone(WIB)
        return session


async def _signed(pdf: bytes, holder: Holder, means: Means, act: Act) -> bytes | Refusal:
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        before = len(writer.prev.embedded_regular_signatures)
        name = f"Tanda-{before + 1}"
        metadata = signers.PdfSignatureMetadata(
            field_name=name,
            md_algorithm="sha256",
            name=holder.name,
            reason=reason(act, means.notice),
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=True,
            use_pades_lta=True,
            validation_context=_context(means, act.at),
            dss_settings=DSSContentSettings(include_vri=False),
        )
        dated = _Dated(
            act,
            metadata,
            means.signer,
            timestamper=means.timestamper,
            stamp_style=_stamp(holder, means.notice, act),
            new_field_spec=_field(name, before),
        )
        out = await dated.async_sign_pdf(writer)
    except Stopped as stopped:
        return stopped.no
    except (TimestampRequestError, PathBuildingError, PathValidationError):
        return Refusal("signing-without-time")
    except SigningError:
        return Refusal("signing-certificate-does-not-count", {"signer": holder.name})
    except PdfReadError:
        return Refusal("signing-needs-a-whole-pdf")
    return bytes(out.getbuffer())


async def _prolonged(pdf: bytes, means: Means, at: datetime) -> bytes | Refusal:
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        stamper = signers.PdfTimeStamper(means.timestamper)
        # What proves the new stamp goes in below it, not after it: the stamp must be the last thing in the file.
        below = TimestampDSSContentSettings(include_vri=False, update_before_ts=True)
        out = await stamper.async_timestamp_pdf(writer, "sha256", _context(means, at), dss_settings=below)
    except Stopped as stopped:
        return stopped.no
    except (TimestampRequestError, PathBuildingError, PathValidationError):
        return Refusal("signing-without-time")
    except PdfReadError:
        return Refusal("signing-needs-a-whole-pdf")
    return bytes(out.getbuffer())


def _context(means: Means, at: datetime) -> ValidationContext:
    """Where pyHanko looks before it signs, and whence it takes what it embeds. It fetches nothing."""
    return ValidationContext(
        trust_roots=[asn1(root) for root in means.roots],
        other_certs=[asn1(other) for other in means.others],
        moment=at,
        crls=list(means.crls),
        allow_fetching=False,
        revocation_mode="require",
    )


def _field(name: str, before: int) -> SigFieldSpec:
    if before >= SLOTS:
        return SigFieldSpec(name)
    left = LEFT + before * (WIDTH + GAP)
    return SigFieldSpec(name, on_page=-1, box=(left, BOTTOM, left + WIDTH, BOTTOM + HEIGHT), readable_field_name=name)


def _stamp(holder: Holder, notice: str, act: Act) -> TextStampStyle:
    """What a reader sees of it on the page."""
    told = (
        "Ditandatangani secara elektronik",
        holder.name,
        ", ".join(part for part in (holder.post, holder.institution) if part),
        f"{act.at.astimezone(WIB):%d-%m-%Y %H.%M} WIB",
        notice,
    )
    lines = [line for part in told for line in textwrap.wrap(_plain(part), LINE, max_lines=2, placeholder="...")]
    return TextStampStyle(
        border_width=0,
        text_box_style=TextBoxStyle(
            font=SimpleFontEngineFactory("Courier", 0.6),
            font_size=6,
            leading=6,
            text_color=(0.11, 0.14, 0.18),
            box_layout_rule=SimpleBoxLayoutRule(AxisAlignment.ALIGN_MIN, AxisAlignment.ALIGN_MIN),
        ),
        inner_content_layout=SimpleBoxLayoutRule(AxisAlignment.ALIGN_MIN, AxisAlignment.ALIGN_MID, Margins(4, 4, 3, 3)),
        stamp_text="\n".join(lines).replace("%", "%%"),
        background=None,
    )


def _plain(text: str) -> str:
    """As the standard font can write it."""
    return unicodedata.normalize("NFKC", text).encode("latin-1", "replace").decode("latin-1")
