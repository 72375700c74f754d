"""A package in the making and a package that stands: parts, sealed as they are written; one rename between the two.

    <store>/paket-<uuid>/manifest.dsse.json · bagian-0001.csv.age … · kamus.csv.age · metadata.json.age

The id follows from the order's id, so that an order that is run again after a crash can only make the same package.
"""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pyrage

from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.manifest import MANIFEST_LIMIT, MANIFEST_NAME, PART_LIMIT, Kind, Manifest, ManifestError, Part
from bagipakai.core.plan import Format
from bagipakai.registry.seal import SealedFile

_DESCRIBING = {
    Kind.DICTIONARY: "kamus.csv.age",
    Kind.METADATA: "metadata.json.age",
    Kind.STRUCTURE: "struktur.json.age",
    Kind.REPORT: "laporan.html.age",
}
_ORDERS = uuid.UUID("6f0c1f52-6d0b-5b5e-9d5c-0f3c8c1f7a11")  # the name space of order ids; any fixed value would do


def package_id(order_id: str) -> str:
    """The folder name of the package that this order makes: `paket-` and a UUID made from the order's id."""
    return f"paket-{uuid.uuid5(_ORDERS, order_id)}"


class Draft:
    """A package being made in a private folder. Takes the parts of the data one after another, then what describes
    them. Nothing of the plaintext touches the disk here."""

    def __init__(
        self,
        folder: Path,
        to: pyrage.x25519.Recipient,
        form: Format,
        *,
        sheet_rows: int,
        limit: int = PART_LIMIT,
    ) -> None:
        self.folder, self.limit, self.sheet_rows = folder, limit, sheet_rows
        self.scratch = folder.with_name("scratch")
        self._to, self._form = to, form
        self._open: SealedFile | None = None
        self._rows: list[int] = []
        self._written: list[tuple[str, Kind, SealedFile]] = []
        for new in (self.folder, self.scratch):
            new.mkdir(mode=0o700)

    def __enter__(self) -> "Draft":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.__exit__(kind, value, trace)

    def next(self) -> SealedFile:
        """Ends the part before and begins the next part of the data."""
        self._end()
        return self._begin(f"bagian-{len(self._written) + 1:04d}.{self._form.ending}.age", Kind.DATA, 0)

    def wrote(self, rows: int) -> None:
        """So many rows went into the part that is open."""
        self._rows[-1] += rows

    def describe(self, kind: Kind, content: bytes, rows: int) -> None:
        """Adds the dictionary (`rows` counts its columns), the metadata or the structure."""
        self._end()
        name = _DESCRIBING[kind]
        self._begin(name, kind, rows).write(content)
        self._end()

    def parts(self) -> tuple[Part, ...]:
        """All parts, in order, with sizes and digests. Ends the part that is open."""
        self._end()
        found = []
        for order, ((name, kind, file), rows) in enumerate(zip(self._written, self._rows, strict=True), start=1):
            sealed = file.sealed
            assert sealed is not None  # noqa: S101 - _end closed it
            found.append(
                Part(
                    name=name,
                    kind=kind,
                    order=order,
                    total=len(self._written),
                    rows=rows,
                    content_bytes=sealed.content_bytes,
                    content_sha256=sealed.content_sha256,
                    sealed_bytes=sealed.sealed_bytes,
                    sealed_sha256=sealed.sealed_sha256,
                )
            )
        return tuple(found)

    def _begin(self, name: str, kind: Kind, rows: int) -> SealedFile:
        self._open = SealedFile(self.folder / name, self._to, self.limit)
        self._written.append((name, kind, self._open))
        self._rows.append(rows)
        return self._open

    def _end(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def publish(folder: Path, envelope: bytes, final: Path) -> None:
    """Puts the sealed manifest into `folder`, makes everything durable, and moves it to `final` in one step."""
    handle = os.open(folder / MANIFEST_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(handle, "wb") as out:
        out.write(envelope)
        out.flush()
        os.fsync(out.fileno())
    folder.chmod(0o750)
    sync_folder(folder)
    final.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(final)
    sync_folder(final.parent)


def standing(final: Path, seal: PublicKey) -> tuple[Manifest, str] | None:
    """The package at `final` and the SHA-256 of its sealed manifest, if it is whole: sealed by us, exactly its files,
    every one with its digest. None if there is no such package or it is damaged."""
    try:
        envelope = (final / MANIFEST_NAME).read_bytes()
        if len(envelope) > MANIFEST_LIMIT:
            return None
        manifest = Manifest.unsealed(envelope, seal)
        with os.scandir(final) as entries:
            present = {entry.name for entry in entries}
        if present != {part.name for part in manifest.parts} | {MANIFEST_NAME} or manifest.package != final.name:
            return None
        for part in manifest.parts:
            with (final / part.name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != part.sealed_sha256:
                    return None
    except (OSError, BadSeal, ManifestError):
        return None
    return manifest, hashlib.sha256(envelope).hexdigest()


def withdraw(final: Path, workspace: Path) -> None:
    """Takes away a damaged package: out of sight in one step, then deleted."""
    aside = workspace / "withdrawn"
    shutil.rmtree(aside, ignore_errors=True)
    if final.exists():
        final.rename(aside)
        sync_folder(final.parent)
        shutil.rmtree(aside)


@contextmanager
def private(workspace: Path) -> Iterator[Path]:
    """`workspace` empty, for our user only (0700), and held by this worker alone; gone after the block, whatever
    happened.

    Raises OSError while another worker of this machine is in it: one whose database session was lost holds its order
    no longer, but may still be writing here.
    """
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # dies with its holder
        if not os.path.samestat(os.fstat(handle), workspace.stat()):
            raise BlockingIOError("the workspace was taken away meanwhile")
        for left in workspace.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        workspace.chmod(0o700)
        try:
            yield workspace
        finally:
            shutil.rmtree(workspace, ignore_errors=True)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
