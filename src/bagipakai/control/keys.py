"""The office's keys, as files outside the database.

    keys/control/order.pem           signs orders; only the office's own user may read it
    keys/public/order.pub.pem        written here; the registry obeys orders that it verifies with this
    keys/public/receipt.pub.pem      written by the registry; receipts are verified with it
    keys/public/seal.pub.pem         written by the registry; manifests are verified with it
    keys/public/intake.pub           written by the registry; what institutions hand in is sealed to it (age)
    keys/public/seal-<id>.pub.pem    the public halves of seals before it, and of orders' keys likewise

A key is made once and never overwritten, except where it gives way to the next one (control.custody).
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyrage

from bagipakai import postgres
from bagipakai.core.envelope import BadSeal, PublicKey, Signer
from bagipakai.core.keyfiles import TooOpen, read_secret, write_once

Key = TypeVar("Key", Signer, PublicKey)


class KeyMissing(Exception):
    """A key file that should be there is not, or is not one. Names the file, never its content."""


def folder() -> Path:
    """`var/keys` of this installation."""
    return postgres.var() / "keys"


def establish() -> None:
    """Makes the office's signing key and its public half if they are missing."""
    private, public = folder() / "control", folder() / "public"
    for place, mode in ((private, 0o700), (public, 0o755)):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(mode)
    write_once(private / "order.pem", Signer.new().to_pem(), 0o600)
    write_once(public / "order.pub.pem", order_signer().public.to_pem(), 0o644)


def order_signer() -> Signer:
    """Signs orders and decisions of the office. Raises KeyMissing, and TooOpen if others could read the key."""
    return _read(folder() / "control" / "order.pem", Signer.from_pem)


def receipt_key() -> PublicKey:
    """Verifies the registry's receipts. Raises KeyMissing until the registry has made its keys."""
    return _read(folder() / "public" / "receipt.pub.pem", PublicKey.from_pem)


def seal_key() -> PublicKey:
    """Verifies the controller's seal on manifests. Raises KeyMissing until the registry has made its keys."""
    return _read(folder() / "public" / "seal.pub.pem", PublicKey.from_pem)


def intake_key() -> pyrage.x25519.Recipient:
    """To which uploads are sealed. Raises KeyMissing until the registry has made its keys."""
    file = folder() / "public" / "intake.pub"
    try:
        return pyrage.x25519.Recipient.from_str(file.read_text("ascii").strip())
    except (OSError, ValueError, pyrage.RecipientError):
        raise KeyMissing(file.name) from None


def every(name: str) -> list[PublicKey]:
    """Every key of this name ("order", "seal") that there ever was here, the present one first: what was signed by an
    older one is still verified. Whether one leaked, the trail tells (control.custody). Raises KeyMissing."""
    public = folder() / "public"
    found = [public / f"{name}.pub.pem", *sorted(public.glob(f"{name}-*.pub.pem"))]
    return list({key.key_id: key for key in (_read(file, PublicKey.from_pem) for file in found)}.values())


def _read(file: Path, load: Callable[[bytes], Key]) -> Key:
    try:
        return load(file.read_bytes() if file.parent.name == "public" else read_secret(file))
    except TooOpen:
        raise
    except (OSError, BadSeal):
        raise KeyMissing(file.name) from None
