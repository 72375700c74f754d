"""The recipient's own key: an age identity in a file that only its owner may read, and its public half to hand in."""

import os
from dataclasses import dataclass
from pathlib import Path

import pyrage

from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.manifest import fingerprint, read_aloud
from bagipakai.core.witnesses import BadPolicy, Policy
from bagipakai.recipient import words
from bagipakai.recipient.refusals import Refusal


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """What the institution registers: the age recipient (`age1…`) and its fingerprint for a check by telephone."""

    recipient: str
    file: Path

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.recipient)


def keygen(file: Path, institution: str = "") -> PublicHalf | Refusal:
    """Makes a new key in `file` (mode 0600, never overwritten) and its public half beside it in `file`.pub."""
    if not institution.isprintable():
        return Refusal("name-unusable")
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    head = f"# Lembaga: {institution or '–'}\n# Dibuat: {words.day(words.today())}\n"
    spoken = f"# Sidik kunci: {read_aloud(fingerprint(public))}\n"
    secret = (
        f"# KUNCI RAHASIA. Simpan di tempat aman dan jangan kirim kepada siapa pun.\n{head}# Kunci publik: {public}\n"
    )
    beside = file.with_name(f"{file.name}.pub")
    for path, text, mode in (
        (file, f"{secret}{spoken}{identity}\n", 0o600),
        (beside, f"{head}{spoken}{public}\n", 0o644),
    ):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            if path is beside:
                file.unlink()
            return Refusal("key-exists", {"name": path.name})
        except OSError as error:
            return Refusal("disk-error", {"detail": words.trouble(error)})
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
    return PublicHalf(public, beside)


class Identity:
    """The secret key, read from its file. It prints as its public fingerprint."""

    def __init__(self, secret: pyrage.x25519.Identity) -> None:
        self.secret = secret
        self.fingerprint = fingerprint(str(secret.to_public()))

    @classmethod
    def read(cls, file: Path) -> "Identity | Refusal":
        """The one key in `file`; lines that begin with # are remarks."""
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
            (secret,) = (line for line in lines if line and not line.startswith("#"))
            return cls(pyrage.x25519.Identity.from_str(secret))
        except (OSError, ValueError, pyrage.IdentityError):
            return Refusal("key-unreadable", {"name": file.name})

    def __repr__(self) -> str:
        return f"<Identity {self.fingerprint[:16]}>"


def read_policy(file: Path) -> Policy | Refusal:
    """Whom the recipient believes about the trail: the public file with the log's key and the witnesses."""
    try:
        return Policy.read(file.read_text("utf-8"))
    except (OSError, BadPolicy, UnicodeDecodeError):
        return Refusal("policy-unreadable", {"name": file.name})


def read_seal(file: Path) -> PublicKey | Refusal:
    """The controller's public seal key, as the recipient was given it."""
    try:
        return PublicKey.from_pem(file.read_bytes())
    except (OSError, BadSeal):
        return Refusal("seal-unreadable", {"name": file.name})
