"""The recipient's own key: an age identity in a file that only its owner may read, and its public line to hand in.

The key that signs acknowledgements is drawn from the same secret (HKDF, RFC 5869), so whoever signs can open, there is
one file to keep, and a key that was made before acknowledgements were has one too (decision 0081).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.envelope import BadSeal, PublicKey, Signer
from bagipakai.core.keyfiles import TooOpen, read_secret
from bagipakai.core.manifest import fingerprint, read_aloud
from bagipakai.core.troubles import trouble
from bagipakai.core.witnesses import BadPolicy, Policy
from bagipakai.recipient import words
from bagipakai.recipient.refusals import Refusal

SIGNS = b"bagipakai-tanda-terima-v1"  # what the second key is for, and nothing else is drawn by this name


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """What the institution registers, as one line: the age recipient (`age1…`), and the key that verifies its
    acknowledgements (`ed25519:…`). The fingerprint is the first one's, for a check by telephone."""

    recipient: str
    receipt_key: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.recipient)

    @property
    def line(self) -> str:
        return f"{self.recipient} {self.receipt_key}"


def keygen(file: Path, institution: str = "") -> PublicHalf | Refusal:
    """Makes a new key in `file` (mode 0600, never overwritten) and its public half beside it (`beside`)."""
    if not institution.isprintable():
        return Refusal("name-unusable")
    secret = pyrage.x25519.Identity.generate()
    public = Identity(secret).public
    head = f"# Lembaga: {institution or '–'}\n# Dibuat: {words.day(words.today())}\n"
    spoken = f"# Sidik kunci: {read_aloud(public.fingerprint)}\n# Baris pendaftaran: {public.line}\n"
    warning = "# KUNCI RAHASIA. Simpan di tempat aman dan jangan kirim kepada siapa pun.\n"
    for path, text, mode in (
        (file, f"{warning}{head}{spoken}{secret}\n", 0o600),
        (beside(file), f"{head}{spoken}{public.recipient}\n", 0o644),
    ):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            if path is not file:
                file.unlink()
            return Refusal("key-exists", {"name": path.name})
        except OSError as error:
            return Refusal("disk-error", {"detail": trouble(error)})
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
    return public


def beside(file: Path) -> Path:
    """Where the public half of the key in `file` is put."""
    return file.with_name(f"{file.name}.pub")


class Identity:
    """The secret key, read from its file. It prints as its public fingerprint."""

    def __init__(self, secret: pyrage.x25519.Identity) -> None:
        self.secret = secret
        drawn = HKDF(SHA256(), 32, salt=None, info=SIGNS).derive(str(secret).encode("ascii"))
        self.signer = Signer.from_seed(drawn)
        self.public = PublicHalf(str(secret.to_public()), self.signer.public.to_line())
        self.fingerprint = self.public.fingerprint

    @classmethod
    def read(cls, file: Path) -> "Identity | Refusal":
        """The one key in `file`, which only its owner may read; lines that begin with # are remarks."""
        try:
            lines = [line.strip() for line in read_secret(file).decode("utf-8").splitlines()]
            (secret,) = (line for line in lines if line and not line.startswith("#"))
            return cls(pyrage.x25519.Identity.from_str(secret))
        except TooOpen:
            return Refusal("key-too-open", {"name": file.name})
        except (OSError, ValueError, pyrage.IdentityError):
            return Refusal("key-unreadable", {"name": file.name})

    def __repr__(self) -> str:
        return f"<Identity {self.fingerprint[:16]}>"


def read_policy(file: Path) -> Policy | Refusal:
    """Whom the recipient believes about the trail: the public file with the log's key and the witnesses."""
    try:
        return Policy.of(file)
    except (OSError, BadPolicy):
        return Refusal("policy-unreadable", {"name": file.name})


def read_seal(file: Path) -> PublicKey | Refusal:
    """The controller's public seal key, as the recipient was given it."""
    try:
        return PublicKey.from_pem(file.read_bytes())
    except (OSError, BadSeal):
        return Refusal("seal-unreadable", {"name": file.name})
