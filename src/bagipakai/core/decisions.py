"""A decision that its maker cannot deny: what is signed, which acts need it, and whether a signature stands under it.

What a passkey signs is a challenge made from the decision; who holds the decision, the assertion and the enrolled key
can check them years later without us (`objection` here, `verifier.py` for a stranger). Sources: trust reference §4.1,
W3C WebAuthn Level 2 §5.8.1 (client data), §6.1 (authenticator data), §7.2 (what is verified).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bagipakai.core.canonical import NotCanonical, canonical, digest, read
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal

DOMAIN: Final = b"dtsen-keputusan-v1\0"
PRESENT, VERIFIED = 0x01, 0x04  # flags of the authenticator: somebody was there; it was the key's own person
LONGEST = 16 * 1024  # bytes of client data or authenticator data


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides, as it is signed.

    `dossier_hash` is of everything it rests on and of what it says about it, `shown_summary_hash` of the page that the
    signer read. `prev_decision_hash` is the digest of the decision signed before in the same matter (empty: the first).
    `at` is the moment it was drawn up, ISO 8601 in UTC.
    """

    request: str
    dossier_hash: str
    shown_summary_hash: str
    outcome: str
    reasons: tuple[str, ...]
    role: str
    person: str
    policy_version: str
    prev_decision_hash: str
    at: str

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or TypeError unless `data` is what `to_json` writes."""
        return cls(**{**data, "reasons": tuple(data["reasons"])})

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form: how the next decision, the trail and a PDF name this one."""
        return digest(self.to_json())

    @property
    def challenge(self) -> bytes:
        """The 32 bytes that the passkey signs."""
        return hashlib.sha256(DOMAIN + canonical(self.to_json())).digest()


@dataclass(frozen=True)
class Assertion:
    """What an authenticator answered: the credential's id (base64url without padding) and three byte strings."""

    credential: str
    client_data: bytes
    authenticator_data: bytes
    signature: bytes

    def to_json(self) -> dict[str, str]:
        """For the trail: bytes in standard base64."""
        told = {name: getattr(self, name) for name in ("client_data", "authenticator_data", "signature")}
        return {"credential": self.credential, **{name: to_base64(value) for name, value in told.items()}}

    @cached_property
    def said(self) -> Mapping[str, Any] | None:
        """The client data as the browser wrote them; None where they, or the other parts, cannot be read."""
        if len(self.client_data) > LONGEST or not 37 <= len(self.authenticator_data) <= LONGEST:
            return None
        try:
            told = read(self.client_data)
        except NotCanonical:
            return None
        texts = isinstance(told, dict) and all(
            isinstance(told.get(name), str) for name in ("type", "origin", "challenge")
        )
        return told if texts else None

    @property
    def counter(self) -> int:
        """How often the key says it has signed; 0 from a key that does not count."""
        return int.from_bytes(self.authenticator_data[33:37], "big")


@dataclass(frozen=True, slots=True)
class EnrolledKey:
    """The key of a person as two people enrolled it, and where it may be used. `public_key` is its SPKI in DER."""

    person: str
    credential: str
    public_key: bytes
    rp_id: str
    origin: str


def objection(decision: Decision, assertion: Assertion, key: EnrolledKey, counter: int | None = None) -> Refusal | None:
    """Why `assertion` does not stand under `decision`, or None. `counter`: the last one accepted from this key; None
    where it is not known, as years later. Order matters to who reads the answer: the nearest cause comes first."""
    said, data = assertion.said, assertion.authenticator_data
    if said is None:
        return Refusal("assertion-is-not-readable")
    if (assertion.credential, decision.person) != (key.credential, key.person):
        return Refusal("signed-with-another-key")
    if (said["type"], said["challenge"]) != ("webauthn.get", to_base64url(decision.challenge)):
        return Refusal("signed-another-decision")
    if said["origin"] != key.origin or said.get("crossOrigin"):
        return Refusal("signed-at-another-address")
    if data[:32] != hashlib.sha256(key.rp_id.encode()).digest():
        return Refusal("signed-for-another-service")
    if not data[32] & PRESENT:
        return Refusal("signer-was-not-present")
    if not data[32] & VERIFIED:
        return Refusal("signer-was-not-verified")
    if not _verifies(key.public_key, assertion.signature, data + hashlib.sha256(assertion.client_data).digest()):
        return Refusal("signature-does-not-verify")
    if counter is not None and (assertion.counter or counter) and assertion.counter <= counter:
        return Refusal("key-counter-went-back")
    return None


def is_fit(public_key: bytes) -> bool:
    """Whether a key (SPKI in DER) is of a kind that anybody can check here: P-256 or Ed25519."""
    return _loaded(public_key) is not None


def _loaded(public_key: bytes) -> EllipticCurvePublicKey | Ed25519PublicKey | None:
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PublicKey) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    ):
        return key
    return None


def _verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    key = _loaded(public_key)
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, message, ECDSA(SHA256()))
        elif key is not None:
            key.verify(signature, message)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def to_base64url(value: bytes) -> str:
    """As WebAuthn writes it: without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


# Signed on every day, whatever the policy leaves out.
# fmt: off
ALWAYS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "request": frozenset({
        "RETURN", "PASS_ADMIN", "PROPOSE_EXEMPTIONS", "GIVE_OPINION", "PASS_SUBSTANCE", "DECIDE_VARIABLES", "APPROVE",
        "REJECT", "SIGN_AGREEMENT", "PLACE_ORDER", "CANCEL_ORDER", "PASS_QUALITY", "FAIL_QUALITY", "SIGN_HANDOVER",
    }),
    "readiness": frozenset({"CERTIFY", "CERTIFY_WITH_CONDITIONS", "REFUSE", "SUSPEND", "REINSTATE"}),
    "recipient-key": frozenset({"STATE_KEY", "CONFIRM_KEY"}),
    "access": frozenset({"SUSPEND", "RESUME", "REVOKE"}),  # ordered by a person
    "submission": frozenset({"SUBMIT", "CANCEL"}),
})
# fmt: on


@dataclass(frozen=True, slots=True)
class SignedAct:
    """An act that is not done without a signature, and the sentence that its signer signs, in two languages."""

    indonesian: str
    english: str
    basis: str

    def sentence(self, lang: str = "id") -> str:
        return self.english if lang == "en" else self.indonesian


@dataclass(frozen=True, slots=True)
class Signing:
    """What must be signed on a day, and how: `policies/signatures.toml`. What is signed always stands in `ALWAYS`; the
    policy adds to it, and gives each act its sentence. An act without one is done by nobody."""

    acts: Mapping[tuple[str, str], SignedAct]  # by matter ("request", "readiness") and action
    lives: timedelta  # of a decision that was drawn up and is not signed yet

    def demands(self, matter: str, action: str) -> bool:
        """Whether this act is done only when it is signed."""
        return action in ALWAYS.get(matter, ()) or (matter, action) in self.acts

    def unsayable(self, matter: str, action: str) -> Refusal | None:
        """Why an act that must be signed cannot be: no rule says with which sentence."""
        if not self.demands(matter, action) or (matter, action) in self.acts:
            return None
        return Refusal("act-has-no-sentence", {"action": action})

    @classmethod
    def on(cls, day: date) -> Self:
        """Raises PolicyError or NoRule: without rules nobody decides."""
        found = rules("signatures", "act", ("matter", "action")).in_force(day)
        ceremony = rules("signatures", "ceremony").on(day)
        acts = {(m, a): SignedAct(rule["sentence"], rule["english"], rule.basis) for (m, a), rule in found.items()}
        return cls(acts, timedelta(minutes=ceremony["minutes"]))
