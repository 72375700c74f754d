"""What is kept of a submission: its accepted rows, sealed, and read from a shelf like those of a release.

var/registry/submissions/<source>/<version>/
    accepted/part-00000.parquet …   sealed in blocks (registry.vault)
    key.json                        what opens them, wrapped by the storage key; without it they are gone
    report.json                     counts, codes and digests (registry.intake); no value
    tersimpan.dsse.json             the name, size and digests of each part, and of the receipt; signed as it is
    tanda-masuk.dsse.json           the signed receipt
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.intake import RECEIPT_LIMIT, RECEIPT_NAME, IntakeReceipt
from bagipakai.core.shapes import Form, is_count, is_digest, is_text, misfit
from bagipakai.registry.folders import remove, sync
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.releases import sha256
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import KEY, Damaged, ShelfKey, look, seal_file

ACCEPTED = "accepted"
KEPT = "tersimpan.dsse.json"
_GOING = ".dihapus"
KEPT_KIND = "application/vnd.bagipakai.kept-rows+json;v=1"


class UnknownKept(LookupError):
    """Nothing is kept of this version of this source."""


@dataclass(frozen=True, slots=True)
class KeptPart:
    """One file of accepted rows: its path within the folder, its rows, and what it is when sealed."""

    path: str
    rows: int
    bytes: int
    sha256: str
    blocks: str


@dataclass(frozen=True)
class Kept:
    """What is kept of one submission, as it was signed when it was kept. `sent_at`: when its sender sent it."""

    folder: Path
    receipt: IntakeReceipt
    sent_at: datetime
    parts: tuple[KeptPart, ...]

    @classmethod
    def open(cls, folder: Path, trusted: PublicKey) -> "Kept":
        """What is kept in `folder`, `…/<source>/<version>`. Raises UnknownKept, or Damaged if what was signed about it
        was not signed by `trusted`, or is about another one, or its parts do not lie there by name and size."""
        if not folder.is_dir():
            raise UnknownKept(folder.name)
        receipt, told = _bytes(folder / RECEIPT_NAME), _bytes(folder / KEPT)
        try:
            kept = cls(folder, IntakeReceipt.unsealed(receipt, trusted), *_told(receipt, told, trusted))
        except BadSeal:
            raise Damaged("release-seal-mismatch", KEPT) from None
        if (kept.receipt.source, str(kept.receipt.version)) != (folder.parent.name, folder.name):
            raise Damaged("release-seal-mismatch", RECEIPT_NAME)
        for part in kept.parts:
            look(folder / part.path, part.bytes, part.path)
        return kept

    @contextmanager
    def reading(self, storage: StorageKey) -> Iterator[Shelf]:
        """The accepted rows as a shelf from which an engine reads what was kept or nothing. Raises Damaged, on entering
        if `storage` does not open them, and for damage that a reader met in the block."""
        entries = {part.path: Entry(self.folder / part.path, part.blocks) for part in self.parts}
        with Shelf(self._key(storage), entries).reading() as shelf:
            yield shelf

    def checked(self, storage: StorageKey) -> Iterator[KeptPart | Damaged]:
        """Every part read whole and compared: as itself, or as its damage; and the key, if `storage` does not open
        it."""
        try:
            self._key(storage)
        except Damaged as damage:
            yield damage
        for part in self.parts:
            whole = sha256(self.folder / part.path) == part.sha256
            yield part if whole else Damaged("release-file-altered", part.path)

    def _key(self, storage: StorageKey) -> ShelfKey:
        return ShelfKey.unwrapped(self.folder, _name(self.receipt), storage)


def put_away(folder: Path, receipt: IntakeReceipt, sent_at: datetime, signer: Signer, storage: StorageKey) -> None:
    """Seals the accepted rows that lie in clear in `folder`, a private one, each part in the place of its plaintext,
    and puts what was signed beside them. Raises OSError."""
    key, parts = ShelfKey.new(_name(receipt)), []
    for plain in sorted((folder / ACCEPTED).iterdir()):
        name = f"{ACCEPTED}/{plain.name}"
        source = plain.rename(plain.with_suffix(".plain"))
        rows = pq.read_metadata(source).num_rows
        sealed = seal_file(source, plain, key.cipher(name))
        source.unlink()
        parts.append(KeptPart(name, rows, sealed.bytes, sealed.sha256, sealed.blocks))
    envelope = receipt.sealed(signer)
    told = {
        "receipt": hashlib.sha256(envelope).hexdigest(),
        "sent_at": sent_at.astimezone(UTC).isoformat(timespec="seconds"),
        "parts": [asdict(part) for part in parts],
    }
    (folder / KEY).write_bytes(key.wrapped(storage))
    (folder / KEPT).write_bytes(seal(KEPT_KIND, told, signer))
    (folder / RECEIPT_NAME).write_bytes(envelope)


def destroy(folder: Path) -> None:
    """Takes away what is kept in `folder`, if anything is: its key first, so that the rest is nothing any more; then it
    is out of sight in one step, and what a killed process left of that goes with the next. Raises OSError."""
    for left in folder.parent.glob(f".*{_GOING}"):
        remove(left)
    if folder.is_dir():
        (folder / KEY).unlink(missing_ok=True)
        sync(folder, inside=False)
        aside = folder.rename(folder.with_name(f".{folder.name}{_GOING}"))
        sync(folder.parent, inside=False)
        remove(aside)


def all_kept(submissions: Path) -> list[Path]:
    """The folders of everything that is kept under `var/registry/submissions`, by source, then by version."""
    found = [one for one in submissions.glob("*/*") if one.name.isdecimal() and one.is_dir()]
    return sorted(found, key=lambda one: (one.parent.name, int(one.name)))


def _name(receipt: IntakeReceipt) -> str:
    """Under which its key is wrapped: the rows of one submission do not open as those of another."""
    return f"submission/{receipt.source}/{receipt.version}"


_PART: Form = {"path": is_text, "rows": is_count, "bytes": is_count, "sha256": is_digest, "blocks": is_digest}


def _told(receipt: bytes, told: bytes, trusted: PublicKey) -> tuple[datetime, tuple[KeptPart, ...]]:
    """When it was sent, and its parts. Raises BadSeal."""
    value: Mapping[str, Any] = unseal(KEPT_KIND, told, trusted)
    parts = value.get("parts")
    if value.get("receipt") != hashlib.sha256(receipt).hexdigest() or not isinstance(parts, list):
        raise BadSeal("about another receipt")
    if not all(isinstance(part, Mapping) and misfit(part, _PART) is None for part in parts):
        raise BadSeal("malformed")
    return datetime.fromisoformat(value["sent_at"]), tuple(KeptPart(**part) for part in parts)


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as read:
            return read.read(RECEIPT_LIMIT + 1)
    except FileNotFoundError:
        raise Damaged("release-file-missing", file.name) from None
