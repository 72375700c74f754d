"""A log with witnesses as the office writes it, and what strangers are handed from it: folders, proofs, decisions,
packages. Everything follows from names, so the same world comes out each time."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.core.trees import nodes_of

from bagipakai.core import tlog
from bagipakai.core.canonical import canonical
from bagipakai.core.envelope import Signer, seal
from bagipakai.core.notes import Checkpoint, Kind, Note, NoteSigner
from bagipakai.core.tiles import Log, grown
from bagipakai.core.witnesses import LogProof

ORIGIN = "jejak.contoh.id"
START = 1_782_864_000  # 2026-07-01 00:00:00 UTC; a checkpoint over n entries is seen n seconds later
KINDS = {"w1": Kind.ED25519_COSIGNATURE, "w2": Kind.ML_DSA_COSIGNATURE, "w3": Kind.ED25519_COSIGNATURE}
MANIFEST = "application/vnd.bagipakai.manifest+json;v=1"
SEAL = Signer.new()


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def signer(name: str, kind: Kind = Kind.LOG, secret: str = "") -> NoteSigner:
    return NoteSigner(name, kind, seed(secret or name))


WITNESSES = {name: signer(f"{name}.contoh.id", kind) for name, kind in KINDS.items()}
LOG = signer(ORIGIN)


def policy(quorum: str = "2 w1 w2 w3", log: NoteSigner = LOG) -> bytes:
    """The policy of this world: two of three witnesses."""
    witnesses = "".join(f"witness {name} {one.public}\n" for name, one in WITNESSES.items())
    return f"# kebijakan\nlog {log.public}\n{witnesses}group g {quorum}\nquorum g\n".encode()


@dataclass
class Trail:
    """A log's files in memory, as they were written."""

    files: dict[str, bytes] = field(default_factory=dict)
    size: int = 0

    @classmethod
    def of(cls, entries: Sequence[bytes], batch: int = 0) -> "Trail":
        """`batch`: so many at a time; 0 all at once. Files of narrower tiles stay where they were written."""
        trail = cls()
        for at in range(0, len(entries), batch or len(entries) or 1):
            trail.grow(entries[at : at + batch] if batch else entries)
        return trail

    def grow(self, entries: Sequence[bytes]) -> None:
        for name, content in grown(self.log(), entries):
            assert self.files.setdefault(name, content) == content, f"{name} was written before, with other content"
        self.size += len(entries)

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def log(self, size: int | None = None) -> Log:
        return Log(self.read, self.size if size is None else size)

    def checkpoint(self, size: int | None = None, by: Iterable[str] = ("w1", "w3"), at: int | None = None) -> bytes:
        log = self.log(size)
        return checkpoint(log.size, log.root(), by, at)

    def proof(self, index: int, size: int | None = None, by: Iterable[str] = ("w1", "w3")) -> bytes:
        log = self.log(size)
        note = Note.read(self.checkpoint(size, by))
        return bytes(LogProof(index, tuple(log.inclusion(index)), note))

    def lay(self, folder: Path, note: bytes | None = None) -> Path:
        """The log as a folder, with a checkpoint over all of it."""
        for name, content in {**self.files, "checkpoint": note or self.checkpoint()}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


def checkpoint(
    size: int, root: bytes, by: Iterable[str] = ("w1", "w3"), at: int | None = None, log: NoteSigner = LOG
) -> bytes:
    """Signed by the log, cosigned by the witnesses `by` at second `at` (else START + size)."""
    text = Checkpoint(log.public.name, size, root).text
    lines = [log.sign(text, START + size)]
    lines += [WITNESSES[name].sign(text, START + size if at is None else at) for name in by]
    return bytes(Note(text, tuple(lines)))


def drawn(count: int, word: str = "catatan") -> list[bytes]:
    """Small entries of several lengths, no two alike."""
    return [f"{word}-{index}{'.' * (index % 3)}".encode() for index in range(count)]


def root_of(entries: Sequence[bytes]) -> bytes:
    leaves = [tlog.leaf_hash(entry) for entry in entries]
    return tlog.root(len(leaves), nodes_of(leaves))


# What the office logs: a commitment to a payload


@dataclass(frozen=True)
class Fact:
    """One entry and what opens it."""

    event: str
    about: str
    payload: Any
    salt: bytes

    @property
    def leaf(self) -> bytes:
        return leaf(self.event, self.about, hashlib.sha256(self.salt + canonical(self.payload)).hexdigest())

    def opened(self, seq: int) -> dict[str, Any]:
        return {"seq": seq, "salt": self.salt.hex(), "payload": self.payload}


def fact(event: str, about: str, payload: Any) -> Fact:
    return Fact(event, about, payload, seed(f"garam {event} {about}"))


def leaf(event: str, about: str, object_hash: str) -> bytes:
    return canonical(
        {
            "v": 1,
            "at": "2026-07-01T00:00:00+00:00",
            "event": event,
            "actor_ref": "P17/J4",
            "institution": "dinsos-3201",
            "object_ref": about,
            "object_hash": object_hash,
            "prev_object_hash": "",
            "sig_ref": "",
            "policy_version": "ab" * 32,
        }
    )


# A decision, signed by a software authenticator that follows WebAuthn Level 2


RP, ADDRESS = "dtsen.contoh.id", "https://dtsen.contoh.id"
DOSSIER = {"request": "PMT-2026-000012", "n": 6, "payload": {"finding": "sesuai"}}
SUMMARY = {"lang": "id", "title": "Setujui permintaan", "rows": [["Tujuan", "bantuan"]]}
DECISION = {
    "request": "PMT-2026-000012",
    "dossier_hash": hashlib.sha256(canonical(DOSSIER)).hexdigest(),
    "shown_summary_hash": hashlib.sha256(canonical(SUMMARY)).hexdigest(),
    "outcome": "APPROVE",
    "reasons": ["sesuai tujuan"],
    "role": "APPROVER",
    "person": "17",
    "policy_version": "ab" * 32,
    "prev_decision_hash": "",
    "at": "2026-07-01T02:00:00+00:00",
}


def p256(name: str = "kunci pejabat") -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(seed(name)) % 2**255 + 1, ec.SECP256R1())


def ed25519(name: str = "kunci pejabat") -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed(name))


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def enrolment(key: Any, **changes: Any) -> dict[str, Any]:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "person": "17",
        "credential": "kredensial-1",
        "public_key": b64(public),
        "rp_id": RP,
        "origin": ADDRESS,
        **changes,
    }


def client_data(decision: Mapping[str, Any], **changes: Any) -> bytes:
    challenge = hashlib.sha256(b"dtsen-keputusan-v1\0" + canonical(decision)).digest()
    said = {
        "type": "webauthn.get",
        "challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "origin": ADDRESS,
        "crossOrigin": False,
    }
    return json.dumps({**said, **changes}).encode()


def authenticator_data(flags: int = 0b101, rp: str = RP, counter: int = 7) -> bytes:
    return hashlib.sha256(rp.encode()).digest() + bytes([flags]) + counter.to_bytes(4)


def assertion(key: Any, client: bytes, data: bytes, **changes: Any) -> dict[str, str]:
    message = data + hashlib.sha256(client).digest()
    how = [ec.ECDSA(SHA256())] if isinstance(key, ec.EllipticCurvePrivateKey) else []
    return {
        "credential": "kredensial-1",
        "client_data": b64(client),
        "authenticator_data": b64(data),
        "signature": b64(key.sign(message, *how)),
        **changes,
    }


def a_decision(
    *,
    key: Any = None,
    enrolled: Mapping[str, Any] | None = None,
    signed: Mapping[str, Any] | None = None,
    decision: Mapping[str, Any] = DECISION,
    order: Sequence[str] = ("enrolment", "entry"),
    between: int = 3,
    event: str = "key.CONFIRM",
    act: str = "decision.APPROVE",
) -> dict[str, Any]:
    """The record that an auditor is handed: enrolment and decision, each with its leaf, its opening and its proof, and
    what the decision's two digests were made of."""
    key = key or p256()
    facts = {
        "enrolment": fact(event, "P17", {**(enrolled or enrolment(key))}),
        "entry": fact(
            act,
            f"{decision['request']}#7",
            {
                "decision": {**decision},
                "assertion": {**(signed or assertion(key, client_data(decision), authenticator_data()))},
            },
        ),
    }
    others = drawn(between, "lain")
    trail = Trail.of([facts[order[0]].leaf, *others, facts[order[1]].leaf])
    index = {order[0]: 0, order[1]: between + 1}
    shown = {
        name: {
            "leaf": one.leaf.decode(),
            "salt": one.salt.hex(),
            "payload": one.payload,
            "proof": trail.proof(index[name]).decode(),
        }
        for name, one in facts.items()
    }
    return {**shown, "dossier": DOSSIER, "summary": SUMMARY}


# A package


PARTS = {
    "bagian-0001.csv.age": b"satu" * 1000,
    "bagian-0002.csv.age": b"dua" * 1000,
    "kamus.csv.age": b"kamus" * 10,
    "metadata.json.age": b"{}" * 8,
}


def manifest(parts: Mapping[str, bytes] = PARTS, **changes: Any) -> dict[str, Any]:
    """As much of a manifest as the verifier reads, and a little more."""
    told = [{"name": name, "sealed_sha256": hashlib.sha256(content).hexdigest()} for name, content in parts.items()]
    return {"version": 1, "package": "paket-1", "parts": told, **changes}


def a_package(
    folder: Path,
    *,
    parts: Mapping[str, bytes] = PARTS,
    envelope: bytes | None = None,
    logged: bytes | None = None,
    event: str = "package.SEAL",
    about: str = "paket-1",
    by: Iterable[str] = ("w1", "w3"),
) -> Path:
    """A package folder. `envelope`: instead of the sealed manifest of `parts`; `logged`: what the leaf commits to, as
    `event` about `about`."""
    folder.mkdir(parents=True, exist_ok=True)
    envelope = seal(MANIFEST, manifest(parts), SEAL) if envelope is None else envelope
    entry = leaf(event, about, hashlib.sha256(logged or envelope).hexdigest())
    trail = Trail.of([*drawn(4, "sebelum"), entry, *drawn(2, "sesudah")])
    (folder / "manifest.dsse.json").write_bytes(envelope)
    (folder / "manifest.leaf.json").write_bytes(entry)
    (folder / "manifest.tlog-proof").write_bytes(trail.proof(4, by=by))
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    return folder
