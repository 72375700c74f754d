"""Time-stamps after RFC 3161: the office's own authority as the embedded default, and one behind an address.

The own authority answers inside this process. It builds the token from pyHanko's CMS and asn1crypto's structures; the
tests read it with another library, `rfc3161-client`.
"""

import secrets
from datetime import UTC, datetime
from typing import Final

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.timestamps import TimeStamper

# Our policy, "stamped by the office's own clock": an object identifier from a UUID, which needs no registrar (X.667).
POLICY: Final = "2.25.196556539987194312349856245628873852187"
DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})


class OwnClock(TimeStamper):
    """Stamps with `signer` (the certificate of the time-stamp authority) the moment `at`."""

    def __init__(self, signer: SimpleSigner, at: datetime) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.signer, self.at = signer, at.astimezone(UTC).replace(microsecond=0)

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        imprint = req["message_imprint"]
        if imprint["hash_algorithm"]["algorithm"].native not in DIGESTS:
            return tsp.TimeStampResp({"status": {"status": "rejection", "fail_info": {"bad_alg"}}})
        certificate: asn1_x509.Certificate = self.signer.signing_cert
        told = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": imprint,
            "serial_number": secrets.randbits(63),
            "gen_time": self.at,
            "accuracy": {"seconds": 1},
            "tsa": asn1_x509.GeneralName(name="directory_name", value=certificate.subject),
        }
        if req["nonce"].native is not None:
            told["nonce"] = req["nonce"]
        content = cms.EncapsulatedContentInfo(
            {"content_type": "tst_info", "content": cms.ParsableOctetString(tsp.TSTInfo(told).dump())}
        )
        token = await self.signer.async_sign_general_data(content, "sha256", detached=False)
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
