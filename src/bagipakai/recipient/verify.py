"""The checks that need no plaintext, in the order of the trust reference (5.6): whose seal, for whom, until when, and
every byte of every file as it was sealed."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bagipakai.core import age
from bagipakai.core.canonical import NotCanonical, read
from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.manifest import (
    LEAF_NAME,
    MANIFEST_LIMIT,
    MANIFEST_NAME,
    PROOF_NAME,
    Manifest,
    ManifestError,
    Part,
)
from bagipakai.core.troubles import trouble
from bagipakai.core.witnesses import LogProof, NotBelieved, Policy
from bagipakai.recipient import words
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.refusals import Refusal

BLOCK = 1024 * 1024
PROOF_LIMIT = 512 * 1024
SEALING = "package.SEAL"  # what the trail calls it
Told = Callable[[int], object]  # is told how many bytes were done


@dataclass(frozen=True, slots=True)
class Sealed:
    """A manifest that was checked, and the very bytes it was read from. These are kept and acknowledged: the folder may
    have changed since."""

    manifest: Manifest
    envelope: bytes


def manifest_of(
    package: Path, seal: PublicKey, identity: Identity | None, day: date, policy: Policy | None = None
) -> Sealed | Refusal:
    """Who sealed it, for whom, and whether the access right still lasts on `day`; with `policy`, also whether enough
    witnesses have seen it in the trail. No part is read."""
    if package.is_symlink() or not package.is_dir():
        return Refusal("package-not-a-folder", {"name": package.name})
    file = package / MANIFEST_NAME
    if not _is_plain(file):
        return Refusal("manifest-missing")
    with file.open("rb") as found:
        envelope = found.read(MANIFEST_LIMIT + 1)
    if len(envelope) > MANIFEST_LIMIT:
        return Refusal("manifest-malformed", {"detail": "ukuran"})
    try:
        manifest = Manifest.unsealed(envelope, seal)
    except BadSeal:
        return Refusal("seal-mismatch")
    except ManifestError as error:
        return Refusal("manifest-malformed", {"detail": str(error)})
    if policy is not None and (no := _in_the_trail(package, Sealed(manifest, envelope), policy)):
        return no
    if identity is not None and identity.fingerprint != manifest.plan.recipient.fingerprint:
        return Refusal("another-recipient", {"name": manifest.plan.recipient.name})
    if day > manifest.expires_on:
        return Refusal("package-expired", {"detail": words.day(manifest.expires_on)})
    return Sealed(manifest, envelope)


def parts_as_sealed(package: Path, manifest: Manifest, told: Told = lambda _: None) -> Refusal | None:
    """Exactly the files of the manifest, each with its size and digest, and for one recipient; None if all is so."""
    with os.scandir(package) as entries:
        present = {entry.name for entry in entries}
    for part in manifest.parts:
        if part.name not in present:
            return Refusal("file-missing", {"name": part.name})
        if not _is_plain(package / part.name):
            return Refusal("file-not-plain", {"name": part.name})
    for name in sorted(present - {part.name for part in manifest.parts} - {MANIFEST_NAME, LEAF_NAME, PROOF_NAME}):
        return Refusal("file-extra", {"name": _printable(name)})
    for part in manifest.parts:
        if no := part_as_sealed(package / part.name, part, manifest.parts, told):
            return no
    return None


def verified(
    package: Path,
    seal: PublicKey,
    identity: Identity | None,
    *,
    day: date,
    told: Told = lambda _: None,
    policy: Policy | None = None,
) -> Manifest | Refusal:
    """All checks that need no plaintext."""
    try:
        sealed = manifest_of(package, seal, identity, day, policy)
        if isinstance(sealed, Refusal):
            return sealed
        return parts_as_sealed(package, sealed.manifest, told) or sealed.manifest
    except OSError as error:
        return Refusal("disk-error", {"detail": trouble(error)})
    except KeyboardInterrupt:
        return Refusal("interrupted")


def _in_the_trail(package: Path, sealed: Sealed, policy: Policy) -> Refusal | None:
    """What stands against this manifest's sealing being in a trail that enough witnesses have seen."""
    found = []
    for name in (PROOF_NAME, LEAF_NAME):
        if not _is_plain(package / name):
            return Refusal("proof-missing", {"name": name})
        with (package / name).open("rb") as file:
            found.append(file.read(PROOF_LIMIT))
    proof, leaf = found
    try:
        LogProof.read(proof).shows(leaf, policy)
        entry = read(leaf)
        said = entry["event"], entry["object_ref"], entry["object_hash"]
    except (NotBelieved, NotCanonical, KeyError, TypeError):
        return Refusal("proof-not-valid")
    meant = SEALING, sealed.manifest.package, hashlib.sha256(sealed.envelope).hexdigest()
    return None if said == meant else Refusal("proof-of-another")


def part_as_sealed(file: Path, part: Part, parts: tuple[Part, ...], told: Told) -> Refusal | None:
    """Whether the file is this part, byte for byte, and for one recipient; if not, what became of it."""
    digests, sizes = {one.sealed_sha256 for one in parts}, {one.sealed_bytes for one in parts}
    size = file.stat().st_size
    blanks = {"name": part.name}
    if size not in sizes:  # of no part of this package: not worth reading, however large it claims to be
        return Refusal("part-shortened" if size < part.sealed_bytes else "part-extended", blanks)
    sha, head = hashlib.sha256(), b""
    with file.open("rb") as part_file:
        while block := part_file.read(BLOCK):
            head = head or block
            sha.update(block)
            told(len(block))
    if sha.hexdigest() == part.sealed_sha256:
        return _for_one(head, blanks)
    if sha.hexdigest() in digests:
        return Refusal("part-swapped", blanks)
    if size < part.sealed_bytes:
        return Refusal("part-shortened", blanks)
    if size > part.sealed_bytes:
        return Refusal("part-extended", blanks)
    return Refusal("part-altered", blanks)


def _for_one(head: bytes, blanks: Mapping[str, str]) -> Refusal | None:
    """Whoever sealed it could have sealed it to another key as well; ours would open it all the same."""
    match age.recipients(head):
        case age.ONE:
            return None
        case None:
            return Refusal("part-unreadable", blanks)
        case _:
            return Refusal("part-for-others", blanks)


def _is_plain(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return False


def _printable(name: str) -> str:
    """A hostile file name as it can be shown: no control characters, no end of line, not longer than a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]
