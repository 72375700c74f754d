"""The registry's keys, as files that only its own user may read, and the public halves that anybody may have.

    keys/registry/receipt.pem      signs receipts
    keys/registry/seal.pem         the controller's seal on manifests
    keys/registry/pseudonym.key    32 random bytes; every pseudonym key is derived from it (dataplane reference §6)
    keys/registry/storage.key      32 random bytes; the key of each release lies wrapped with it (decision 0103)
    keys/registry/storage-next.key the one that takes its place, while the others are wrapped anew (decision 0114)
    keys/registry/intake.key       age X25519; opens what institutions hand in (registry.receiving)
    keys/public/receipt.pub.pem · seal.pub.pem · intake.pub          written here
    keys/public/order.pub.pem                           written by the office; orders are checked with it

A key is made once and never overwritten, unless its custodian replaces the seal (decision 0082): a lost pseudonym key
cannot be guessed back.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import pyrage

from bagipakai.core.envelope import BadSeal, PublicKey, Signer
from bagipakai.core.keyfiles import TooOpen, read_secret, replace, write_once
from bagipakai.registry.folders import sync

NEXT_STORAGE: Final = "storage-next.key"


class KeyMissing(Exception):
    """A key file that should be there is not, or is not one. Names the file, never its content."""


class _Raw:
    """32 secret bytes. Prints as nothing. Raises KeyMissing for any other number of them."""

    file: ClassVar[str]

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 32:
            raise KeyMissing(self.file)
        self.raw = raw

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class MasterKey(_Raw):
    """That from which the pseudonym keys are derived."""

    file = "pseudonym.key"


class StorageKey(_Raw):
    """That with which the keys of releases and submissions are wrapped. `former`: the one that opens, too, as long as
    some are not wrapped anew (registry.rewrapping)."""

    file = "storage.key"

    def __init__(self, raw: bytes, former: "StorageKey | None" = None) -> None:
        super().__init__(raw)
        self.former = former

    def named(self, key_id: str) -> "StorageKey | None":
        """This key or the former one, whichever has this id."""
        return next((one for one in (self, self.former) if one is not None and one.id == key_id), None)

    @property
    def id(self) -> str:
        """Names the key without telling it: 16 hexadecimal digits."""
        return hashlib.sha256(b"bagipakai storage key\0" + self.raw).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Keys:
    """What the registry signs and derives with, and whose orders it obeys."""

    receipt: Signer
    seal: Signer
    master: MasterKey
    storage: StorageKey
    order: PublicKey
    seals: tuple[PublicKey, ...] = ()  # those before the present one, under which older packages lie
    orders: tuple[PublicKey, ...] = ()  # those before the present one, under which older labels came


def establish(folder: Path) -> None:
    """Makes in `folder` (`var/keys`) whatever is missing of the registry's keys and their public halves."""
    private, public = folder / "registry", folder / "public"
    for place, mode in ((private, 0o700), (public, 0o755)):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(mode)
    for name in ("receipt", "seal"):
        write_once(private / f"{name}.pem", Signer.new().to_pem(), 0o600)
        signer = _signer(private / f"{name}.pem")
        write_once(public / f"{name}.pub.pem", signer.public.to_pem(), 0o644)
    for kind in (MasterKey, StorageKey):
        write_once(private / kind.file, secrets.token_bytes(32), 0o600)
    write_once(private / "intake.key", f"{pyrage.x25519.Identity.generate()}\n".encode(), 0o600)
    write_once(public / "intake.pub", f"{intake(folder).to_public()}\n".encode(), 0o644)


@contextmanager
def in_use(folder: Path, alone: bool = False) -> Iterator[None]:
    """A block in which the storage key stays what it is, so that what it wraps can be opened later; with `alone`, one
    in which nobody else is in such a block. Waits for its turn. Raises KeyMissing where there are no keys."""
    try:
        handle = os.open(folder / "registry", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        raise KeyMissing(StorageKey.file) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)  # dies with its holder
        yield
    finally:
        os.close(handle)


def begin_next_storage(folder: Path) -> StorageKey:
    """Lays the next storage key beside the present one, unless it lies there already: from now on `storage` wraps with
    it and opens with both. Raises OSError."""
    present, coming = (folder / "registry" / name for name in (StorageKey.file, NEXT_STORAGE))
    write_once(coming, secrets.token_bytes(32), 0o600)
    owner = present.stat()
    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(coming, owner.st_uid, owner.st_gid)
    sync(coming.parent, inside=False)  # before anything is wrapped with it
    return storage(folder)


def end_former_storage(folder: Path) -> None:
    """The next storage key takes the place of the present one, which is gone then. Raises OSError."""
    present, coming = (folder / "registry" / name for name in (StorageKey.file, NEXT_STORAGE))
    replace(present, read_secret(coming))
    sync(present.parent, inside=False)
    coming.unlink()


def receipt_signer(folder: Path) -> Signer:
    """What receipts and announcements are signed with. Raises KeyMissing."""
    return _signer(folder / "registry" / "receipt.pem")


def storage(folder: Path) -> StorageKey:
    """What releases and submissions are kept with. Raises KeyMissing, TooOpen."""
    private = folder / "registry"
    try:
        coming = _bytes(private / NEXT_STORAGE)
    except KeyMissing:
        return StorageKey(_bytes(private / StorageKey.file))
    return StorageKey(coming, former=StorageKey(_bytes(private / StorageKey.file)))


def master(folder: Path) -> MasterKey:
    """What pseudonyms and other secrets of the registry are derived from. Raises KeyMissing, TooOpen."""
    return MasterKey(_bytes(folder / "registry" / MasterKey.file))


def seal_signer(folder: Path) -> Signer:
    """What releases are sealed with. Raises KeyMissing."""
    return _signer(folder / "registry" / "seal.pem")


def seals(folder: Path) -> list[PublicKey]:
    """Every seal of this house that is known in `folder` (`var/keys`), none where it has made none yet."""
    return [_public(file) for file in sorted((folder / "public").glob("seal*.pub.pem"))]


def orders(folder: Path) -> list[PublicKey]:
    """Every key of the office's orders that is known in `folder` (`var/keys`), none where it has made none yet."""
    return [_public(file) for file in sorted((folder / "public").glob("order*.pub.pem"))]


def intake(folder: Path) -> pyrage.x25519.Identity:
    """What opens uploads; only their worker asks for it. Raises KeyMissing, and TooOpen if others could read it."""
    file = folder / "registry" / "intake.key"
    try:
        return pyrage.x25519.Identity.from_str(_bytes(file).decode("ascii").strip())
    except (ValueError, pyrage.IdentityError):
        raise KeyMissing(file.name) from None


def read(folder: Path) -> Keys:
    """The keys in `folder` (`var/keys`). Raises TooOpen if others could read a secret one, and KeyMissing: the order
    key is missing until the office has made it."""
    private, public = folder / "registry", folder / "public"
    return Keys(
        receipt=_signer(private / "receipt.pem"),
        seal=_signer(private / "seal.pem"),
        master=master(folder),
        storage=storage(folder),
        order=_public(public / "order.pub.pem"),
        seals=tuple(_public(file) for file in sorted(public.glob("seal-*.pub.pem"))),
        orders=tuple(_public(file) for file in sorted(public.glob("order-*.pub.pem"))),
    )


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.parent.name == "public" else read_secret(file)
    except TooOpen:
        raise
    except OSError:
        raise KeyMissing(file.name) from None


def _signer(file: Path) -> Signer:
    try:
        return Signer.from_pem(_bytes(file))
    except BadSeal:
        raise KeyMissing(file.name) from None


def _public(file: Path) -> PublicKey:
    try:
        return PublicKey.from_pem(_bytes(file))
    except BadSeal:
        raise KeyMissing(file.name) from None
