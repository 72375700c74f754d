"""Opening: decrypt into a folder beside the target, check content, then one rename. Until then nothing has its name.

The cipher hands out plaintext before it can know that the file was cut (trust reference §12), so a part counts only
after its digest.
"""

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pyrage

from bagipakai.core.envelope import PublicKey
from bagipakai.core.manifest import MANIFEST_NAME, Kind, Manifest, Part
from bagipakai.core.troubles import trouble
from bagipakai.core.witnesses import Policy
from bagipakai.recipient import receipts
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.rows import rows_in
from bagipakai.recipient.verify import Sealed, Told, manifest_of, parts_as_sealed


@dataclass(frozen=True, slots=True)
class Opened:
    """A package whose content now stands in `folder`."""

    manifest: Manifest
    folder: Path
    files: tuple[str, ...]


def opened(
    package: Path,
    seal: PublicKey,
    identity: Identity,
    folder: Path,
    *,
    day: date,
    told: Told = lambda _: None,
    policy: Policy | None = None,
    receipt: Path | None = None,
) -> Opened | Refusal:
    """Checks everything, then puts the content of `package` into `folder`, which must be new or empty, and the signed
    acknowledgement into `receipt`, a new file.

    Leaves `folder` as it was, and nothing else anywhere, unless all checks passed; also when interrupted.
    """
    if not folder.name:  # the root of the disk
        return Refusal("folder-in-use", {"name": str(folder)})
    staging = folder.with_name(f".{folder.name}.belum-diperiksa")
    placed = False
    try:
        sealed = manifest_of(package, seal, identity, day, policy)
        if isinstance(sealed, Refusal):
            return sealed
        manifest = sealed.manifest
        if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
            return Refusal("folder-in-use", {"name": folder.name})
        if receipt is not None and (no := receipts.unfit(receipt, package, folder)):
            return no
        if no := parts_as_sealed(package, manifest, told):
            return no
        result = Opened(manifest, folder, tuple(part.content_name for part in manifest.parts))
        with wiped(staging):
            for part in manifest.parts:
                if no := part_opened(package / part.name, part, staging, identity, told):
                    return no
            (staging / MANIFEST_NAME).write_bytes(sealed.envelope)
            with _not_interrupted(), _acknowledged(receipt, sealed, identity, policy):
                if folder.exists():
                    folder.rmdir()
                staging.rename(folder)
                placed = True
    except BlockingIOError:
        return Refusal("folder-in-use", {"name": folder.name})
    except OSError as error:
        return Refusal("disk-error", {"detail": trouble(error)})
    except KeyboardInterrupt:
        if not placed:
            return Refusal("interrupted")
    return result


def _acknowledged(
    receipt: Path | None, sealed: Sealed, identity: Identity, policy: Policy | None
) -> AbstractContextManager[None]:
    """The acknowledgement stands if the block, which is the end of the work, ends well."""
    if receipt is None:
        return nullcontext()
    return receipts.written(receipt, receipts.signed(sealed, identity, policy is not None))


def part_opened(file: Path, part: Part, staging: Path, identity: Identity, told: Told) -> Refusal | None:
    """Decrypts one part into `staging`, under the name of its content, and compares it with what was declared."""
    target = staging / part.content_name
    blanks = {"name": part.content_name}
    handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "w+b") as out, file.open("rb") as read:
        plain = _Measured(out, part.content_bytes, told)
        try:
            pyrage.decrypt_io(read, plain, [identity.secret])
        except Exception:  # whatever the cipher makes of hostile bytes
            if plain.failure is not None:
                raise plain.failure from None
            return Refusal("content-too-long", blanks) if plain.overflowed else Refusal("part-unreadable", blanks)
        out.flush()
        if plain.size != part.content_bytes or plain.sha.hexdigest() != part.content_sha256:
            return Refusal("content-altered", blanks)
        if part.kind in (Kind.DATA, Kind.DICTIONARY) and rows_in(out, part.content_name) != part.rows:
            return Refusal("rows-differ", blanks)
        os.fsync(out.fileno())
    return None


class _Measured:
    """Where the plaintext goes: counted, digested, and stopped at the size that the manifest states."""

    def __init__(self, out: BinaryIO, limit: int, told: Told) -> None:
        self.sha = hashlib.sha256()
        self.size = 0
        self.overflowed = False
        self.failure: BaseException | None = None  # of the disk, or Ctrl-C: the cipher would turn it into its own
        self._out, self._limit, self._told = out, limit, told

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > self._limit:
            self.overflowed = True
            raise OSError("more than was declared")
        try:
            self.sha.update(data)
            self._out.write(data)
            self._told(len(data))
        except BaseException as failure:
            self.failure = failure
            raise
        return len(data)

    def flush(self) -> None:
        self._out.flush()


@contextmanager
def wiped(staging: Path) -> Iterator[Path]:
    """A private folder for this block. Whatever is still in it at the end, or from a run that was killed, goes. Raises
    BlockingIOError if another run that still lives opens into the same target: two must never mix."""
    if staging.is_symlink():
        staging.unlink()
    if staging.exists():
        with _held(staging):
            shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    with _held(staging):
        try:
            yield staging
        finally:
            with _not_interrupted():
                shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _held(staging: Path) -> Iterator[None]:
    """The folder belongs to this process during the block; the lock dies with its holder."""
    if sys.platform == "win32":  # there, files in use cannot be taken away
        yield
        return
    import fcntl

    handle = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """An interruption that arrives in this block comes too late: the block is the end of the work."""
    try:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: no signal arrives here
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
