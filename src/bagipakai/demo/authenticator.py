"""A passkey in software, for the scripted officers of the demonstration and of the tests.

It answers what a browser would be asked (WebAuthn Level 2 §5.4, §5.5) with a real key: COSE and CBOR, ES256, flags of a
verified owner, a counter that grows. The office verifies it like any other; it knows nothing of this module. Its secret
lies in a file that only its owner may read, so that a second run of the demonstration signs with the same key.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from webauthn.helpers import encode_cbor

from bagipakai.control import clock, people
from bagipakai.control.models import Institution, PendingDecision, Person, Tenure
from bagipakai.control.passkeys import ceremony, keys, signing
from bagipakai.control.passkeys.signing import Signature
from bagipakai.core.decisions import PRESENT, VERIFIED, to_base64url
from bagipakai.core.keyfiles import read_secret
from bagipakai.core.keyring import Action, Keeping, Standing
from bagipakai.core.manifest import read_aloud
from bagipakai.core.refusal import Refusal

AAGUID: Final = bytes(16)  # "I do not say what I am"
ATTESTED: Final = 0x40  # flag: a new key follows


class Authenticator:
    """One key. `counter` is how often it has signed."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey | None = None, credential: bytes = b"", counter: int = 0
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.credential = credential or secrets.token_bytes(32)
        self.counter = counter

    def create(self, options: Mapping[str, Any], origin: str) -> str:
        """What the browser sends back when it was asked to make a key."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}  # RFC 9053 §2.1, §7.1.1
        named = AAGUID + len(self.credential).to_bytes(2) + self.credential + encode_cbor(public)
        data = self.data(options["rp"]["id"], self.flags() | ATTESTED) + named
        return self._answer(
            clientDataJSON=self.client_data("webauthn.create", options["challenge"], origin),
            attestationObject=encode_cbor({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def get(self, options: Mapping[str, Any], origin: str) -> str:
        """What the browser sends back when it was asked to sign."""
        self.counter += 1
        client = self.client_data("webauthn.get", options["challenge"], origin)
        data = self.data(options["rpId"], self.flags())
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        return json.dumps(told, separators=(",", ":")).encode()

    def data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def flags(self) -> int:
        return PRESENT | VERIFIED

    def secret(self) -> bytes:
        """The private key, PKCS #8 in DER."""
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def _answer(self, **parts: bytes) -> str:
        name = to_base64url(self.credential)
        response = {part: to_base64url(value) for part, value in parts.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


class Wallet:
    """The keys of the scripted officers. Whoever has none is given one, as anybody is: enrolled by themself, confirmed
    by a colleague who was told the fingerprint. `folder`: where they are kept; None keeps them in memory."""

    def __init__(self, folder: Path | None = None, make: Callable[[], Authenticator] = Authenticator) -> None:
        self.folder, self.make = folder, make
        self.held: dict[str, Authenticator] = {}

    def sign(self, found: PendingDecision) -> Signature:
        """The signature of whoever the decision was drawn up for."""
        key = self.of(found.person, found.post.institution)
        answer = key.get(signing.question(found), ceremony.origin())
        self._keep(key)  # before it is used: a counter may skip, never go back
        return Signature(found.token, answer)

    def of(self, person: Person, house: Institution | None = None) -> Authenticator:
        """The key with which this person signs for `house`; where none is named, for the house of their first post.
        Raises LookupError where nobody could confirm one."""
        held = people.tenures(person).select_related("post__institution").first()
        house = house or (held.post.institution if held else None)
        if house is None:
            raise LookupError("nobody could confirm a key")
        for active in keys.ring(person).at(house.code).having(Standing.ACTIVE):
            if found := self.held.get(active.credential) or self._kept(active.credential):
                return self.held.setdefault(active.credential, found)
        return self._enrolled(person, house)

    def _enrolled(self, person: Person, house: Institution) -> Authenticator:
        holder, officer = _pair(person, house)
        made, offered = self.make(), keys.offer(holder)
        if isinstance(offered, Refusal):
            raise LookupError(offered.code)
        answer = made.create(offered.options, ceremony.origin())
        self._keep(made)
        event = keys.enrol(holder, offered, answer, "Kunci peragaan")
        if isinstance(event, Refusal):
            raise LookupError(event.code)
        heard = read_aloud(event.payload["fingerprint"])
        confirmed = keys.confirm(person, officer, event.payload["credential"], heard)
        if isinstance(confirmed, Refusal):
            raise LookupError(confirmed.code)
        return self.held.setdefault(event.payload["credential"], made)

    def _keep(self, one: Authenticator) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = {"key": base64.b64encode(one.secret()).decode(), "counter": one.counter}
        file = self.folder / to_base64url(one.credential)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(told))
        draft.replace(file)

    def _kept(self, credential: str) -> Authenticator | None:
        file = None if self.folder is None else self.folder / credential
        if file is None or not file.is_file():
            return None
        told = json.loads(read_secret(file))
        key = load_der_private_key(base64.b64decode(told["key"]), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return None
        return Authenticator(key, base64.urlsafe_b64decode(credential + "=" * (-len(credential) % 4)), told["counter"])


def _pair(person: Person, house: Institution) -> tuple[Tenure, Tenure]:
    """A post of this person in this house, and a colleague there who may confirm their key."""
    roles = Keeping.on(clock.today()).officers[Action.CONFIRM, "HOUSE"]
    for mine in people.tenures(person).filter(post__institution=house):
        beside = Tenure.objects.filter(post__institution=house).exclude(person=person)
        for other in beside.select_related("person", "post__institution").order_by("pk"):
            if roles & set(other.post.roles) and people.tenures(other.person).filter(pk=other.pk).exists():
                return mine, other
    raise LookupError("nobody could confirm a key")
