"""Files that must be refused: made with the same libraries, by somebody careless or hostile."""

from io import BytesIO

from asn1crypto import tsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import DSSContentSettings
from pyhanko_certvalidator import ValidationContext

from bagipakai.control.signing import pades
from bagipakai.control.signing.local import Local, _simple
from bagipakai.control.signing.timestamps import OwnClock


def cms_signer(local: Local, at) -> signers.SimpleSigner:
    return _simple(local.credential(at))


def carelessly(pdf, signer, *, roots, moment, timestamper=None, crls=(), lasting=True, **context) -> bytes:
    """Signs without any of our checks. `context`: what pyHanko is told to overlook."""
    told = {"revocation_mode": "soft-fail", "allow_fetching": False} | context
    checked = ValidationContext(
        trust_roots=[pades.asn1(root) for root in roots], moment=moment, crls=list(crls), **told
    )
    metadata = signers.PdfSignatureMetadata(
        field_name="Tanda-1",
        md_algorithm="sha256",
        reason="Menyegel",
        subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=lasting,
        use_pades_lta=lasting,
        validation_context=checked if lasting else None,
        dss_settings=DSSContentSettings(include_vri=False),
    )
    work = signers.PdfSigner(metadata, signer, timestamper=timestamper)
    return bytes(pades.awaited(work.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))).getbuffer())


def extended(pdf: bytes) -> bytes:
    """The file with one more revision: another title. Every signature in it stays `intact`."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    writer.set_info(writer.add_object(generic.DictionaryObject({generic.pdf_name("/Title"): generic.pdf_string("X")})))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def covered(pdf: bytes) -> bytes:
    """The file with one more revision: a white page laid over its last."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    white = generic.StreamObject(stream_data=b"1 g 0 0 600 850 re f")
    writer.add_stream_to_page(-1, writer.add_object(white))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


class Swapping(OwnClock):
    """Stamps, the second time it is asked (for the signature), other data than it was asked to."""

    asked = 0

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        self.asked += 1
        if self.asked == 2:
            req["message_imprint"]["hashed_message"] = bytes(32)
        return await super().async_request_tsa_response(req)
