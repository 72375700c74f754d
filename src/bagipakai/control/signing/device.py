"""Means 2: a key that never leaves a card or a hardware module, reached through PKCS#11.

The certificate of its public half comes from the office's own authority, so it is uncertified like any other; only its
key is kept better. The tests use SoftHSM2 over this same code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11.util.ec import encode_ec_public_key
from pkcs11.util.rsa import encode_rsa_public_key
from pyhanko.config.pkcs11 import TokenCriteria
from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session

from bagipakai.control.signing import pades
from bagipakai.control.signing.acts import Act, Holder
from bagipakai.control.signing.authority import PublicKey, Purpose
from bagipakai.control.signing.local import House, slot
from bagipakai.core.keyfiles import read_secret
from bagipakai.core.refusal import Refusal

_ONE_AT_A_TIME = Lock()  # a process logs in to a token once


@dataclass(frozen=True, slots=True)
class Device:
    """Signs with the key labelled `key` in the token labelled `token`. `module` is the vendor's library, `pin` a file
    that only its owner can read."""

    house: House
    holder: Holder
    module: Path
    token: str
    key: str
    pin: Path

    def sign(self, pdf: bytes, act: Act) -> bytes | Refusal:
        """Raises TooOpen if others could read the PIN."""
        try:
            with self._session() as session:
                public, place = self._public(session), f"device-{slot(self.holder)}"
                certificate = self.house.authority.certificate(place, public, self.holder, Purpose.SIGN, act.at)
                signer = PKCS11Signer(
                    session,
                    signing_cert=pades.asn1(certificate),
                    key_label=self.key,
                    embed_roots=False,
                    # the module signs a digest: SoftHSM2 2.6, like many cards, cannot hash for ECDSA itself
                    use_raw_mechanism=isinstance(public, ec.EllipticCurvePublicKey),
                )
                return pades.sign(pdf, self.holder, self.house.means(signer, act.at), act)
        except pkcs11.PKCS11Error:
            return Refusal("signing-device-is-silent")

    @contextmanager
    def _session(self) -> Iterator[Any]:
        pin = read_secret(self.pin).decode().strip()
        with _ONE_AT_A_TIME:
            session = open_pkcs11_session(
                str(self.module), token_criteria=TokenCriteria(label=self.token), user_pin=pin
            )
            try:
                yield session
            finally:
                session.close()

    def _public(self, session: Any) -> PublicKey:
        held = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=self.key)
        encode = encode_ec_public_key if held.key_type is pkcs11.KeyType.EC else encode_rsa_public_key
        public = load_der_public_key(encode(held))
        if not isinstance(public, PublicKey):
            raise pkcs11.PKCS11Error("a key of another kind")
        return public
