"""Means 3: the national e-sign service. Written to an HTTP contract of our own assumption, to be confirmed with the
service (decision 0075); only this file changes when the real one is known.

What we assume: the service holds the officer's key; the officer approves in the service's own program, so that no
passphrase ever passes through us; and a digest is enough, so that no paper leaves the house.

    GET  signers/<ref>     200 {"certificates": [base64 of DER, signer's first], "time_certificates": […], "crls": […]}
    POST signatures        {"signer": ref, "sha256": hex, "about": text, "reference": text} -> 201 {"id": text}
    GET  signatures/<id>   200 {"status": "WAITING" | "DECLINED"} or {"status": "SIGNED", "signature": base64}
    POST timestamps        application/timestamp-query -> 200 application/timestamp-reply (RFC 3161)

Each request carries a bearer token from a secret file. `signature` is over the digest: ECDSA (DER) or RSA PKCS#1 v1.5.
403 is a no. Nothing in an answer is believed: certificates count up to the roots that the office pinned, a signature is
verified before it is used, and the finished file is validated like any other.
"""

import base64
import binascii
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from asn1crypto import tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyhanko.sign.signers import Signer as CmsSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bagipakai.control.signing import pades
from bagipakai.control.signing.acts import Act, Holder, Stopped
from bagipakai.control.signing.validation import Roots
from bagipakai.core.keyfiles import read_secret
from bagipakai.core.refusal import Refusal

SECONDS: Final = 10  # for one answer
LARGEST: Final = 4 * 1024 * 1024  # bytes of one answer; revocation lists are the largest
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
SILENT: Final = Refusal("signing-service-is-silent")
WRONG: Final = Refusal("signing-service-was-wrong")


@dataclass(frozen=True, slots=True)
class National:
    """Signs for the officer whom the service knows as `ref`. `roots`: whom the office trusts of it. `notice`: "" only
    where the office has it in writing that these signatures are certified. `patience`: seconds that an officer has."""

    holder: Holder
    ref: str
    address: str
    token: Path
    roots: Roots
    notice: str
    patience: int = 120
    pause: float = 2.0
    sleep: Callable[[float], None] = time.sleep

    def sign(self, pdf: bytes, act: Act) -> bytes | Refusal:
        """Raises TooOpen if others could read the token, ValueError for an address that is not https."""
        service = _Service(self.address, read_secret(self.token).decode().strip())
        try:
            told = service.signer(self.ref)
            signer = _Remote(self, service, told.certificates, act)
            means = pades.Means(
                signer,
                _RemoteClock(service),
                self.roots.signing + self.roots.time,
                told.crls,
                self.notice,
                told.certificates + told.time_certificates,
            )
        except Stopped as stopped:
            return stopped.no
        return pades.sign(pdf, self.holder, means, act)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the service tells of a signer. Believed by nobody yet."""

    certificates: tuple[x509.Certificate, ...]
    time_certificates: tuple[x509.Certificate, ...]
    crls: tuple[bytes, ...]


class _Service:
    """The contract, spoken. Raises Stopped with the reason that a person is told."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("the signing service must be reached by https")
        self.address, self.token = address.rstrip("/"), token
        self.opener = build_opener(ProxyHandler({}), _NoRedirect)

    def signer(self, ref: str) -> _Told:
        told = self._json("GET", f"signers/{quote(ref, safe='')}")
        try:
            certificates = tuple(map(x509.load_der_x509_certificate, _bytes(told["certificates"])))
            time_certificates = tuple(map(x509.load_der_x509_certificate, _bytes(told["time_certificates"])))
            crls = tuple(_bytes(told["crls"]))
        except (KeyError, TypeError, ValueError):
            raise Stopped(WRONG) from None
        if not certificates:
            raise Stopped(WRONG)
        return _Told(certificates, time_certificates, crls)

    def ask(self, ref: str, sha256: str, about: str) -> str:
        body = {"signer": ref, "sha256": sha256, "about": about, "reference": str(uuid.uuid4())}
        told = self._json("POST", "signatures", json.dumps(body, ensure_ascii=False).encode()).get("id")
        if not isinstance(told, str) or not told:
            raise Stopped(WRONG)
        return told

    def answer(self, request: str) -> bytes | None:
        """The signature, or None while the officer has not decided."""
        told = self._json("GET", f"signatures/{quote(request, safe='')}")
        match told.get("status"):
            case "WAITING":
                return None
            case "DECLINED":
                raise Stopped(Refusal("signing-service-said-no"))
            case "SIGNED":
                return _bytes([told.get("signature")])[0]
        raise Stopped(WRONG)

    def stamp(self, query: bytes) -> bytes:
        return self._call("POST", "timestamps", query, "application/timestamp-query")

    def _json(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            told = json.loads(self._call(method, path, body, "application/json"))
        except (ValueError, RecursionError):
            raise Stopped(WRONG) from None
        if not isinstance(told, dict):
            raise Stopped(WRONG)
        return told

    def _call(self, method: str, path: str, body: bytes | None, kind: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = Request(f"{self.address}/{path}", body, headers, method=method)  # noqa: S310  its scheme was checked
        try:
            with self.opener.open(request, timeout=SECONDS) as answer:
                content: bytes = answer.read(LARGEST + 1)
        except HTTPError as error:
            raise Stopped(Refusal("signing-service-said-no") if error.code == 403 else SILENT) from None
        except (OSError, HTTPException):
            raise Stopped(SILENT) from None
        if len(content) > LARGEST:
            raise Stopped(WRONG)
        return content


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """The service speaks from one address; whoever sends us elsewhere gets no token."""


class _Remote(CmsSigner):
    """pyHanko's view of a signer whose key is elsewhere."""

    def __init__(self, means: National, service: _Service, chain: tuple[x509.Certificate, ...], act: Act) -> None:
        self.means, self.service, self.act, self.certificate = means, service, act, chain[0]
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(pades.asn1(one) for one in chain)
        super().__init__(signing_cert=pades.asn1(chain[0]), cert_registry=store, embed_roots=False)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if dry_run:
            return bytes(512)
        about = pades.reason(self.act, self.means.notice)
        request = self.service.ask(self.means.ref, hashlib.sha256(data).hexdigest(), about)
        waited = 0.0
        while (signature := self.service.answer(request)) is None:
            if waited >= self.means.patience:
                raise Stopped(Refusal("signing-waits-too-long"))
            self.means.sleep(self.means.pause)
            waited += self.means.pause
        if not _verifies(self.certificate, signature, data):
            raise Stopped(WRONG)
        return signature


class _RemoteClock(TimeStamper):
    def __init__(self, service: _Service) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.service = service

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        try:
            answer = tsp.TimeStampResp.load(self.service.stamp(req.dump()), strict=True)
            granted = answer["status"]["status"].native == "granted"
            stamped = granted and answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        except (ValueError, TypeError, KeyError):
            raise Stopped(WRONG) from None
        if stamped and stamped["message_imprint"].native != req["message_imprint"].native:
            raise Stopped(WRONG)
        return answer


def _verifies(certificate: x509.Certificate, signature: bytes, data: bytes) -> bool:
    public = certificate.public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _bytes(told: Any) -> list[bytes]:
    try:
        return [base64.b64decode(one, validate=True) for one in told]
    except (binascii.Error, TypeError, ValueError):
        raise Stopped(WRONG) from None
