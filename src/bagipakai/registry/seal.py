"""Encryption of one part while it is being written: what goes in is plaintext, what lies on disk never is.

age's own program loop wants to read, and writers want to write; a short queue joins them, with one thread for the
cipher. Both digests are taken on the way, so nothing is read twice.
"""

import contextlib
import hashlib
import io
import os
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage

BLOCK = 1024 * 1024  # bytes; smaller pieces are gathered, or the two threads would only hand over to each other
AHEAD = 4  # blocks that the writer may be before the cipher


class PartTooLarge(Exception):
    """A part would hold more than the limit before encryption."""


class BadRecipient(ValueError):
    """The text is no age X25519 recipient."""


def recipient(text: str) -> pyrage.x25519.Recipient:
    """The public key in `text` (`age1…`, lower case). Raises BadRecipient."""
    if text != text.lower():  # the library also takes capitals; one key, one spelling
        raise BadRecipient("not in lower case")
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise BadRecipient("not an age recipient") from None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Size in bytes and SHA-256 of the content and of the encrypted file."""

    content_bytes: int
    content_sha256: str
    sealed_bytes: int
    sealed_sha256: str


class SealedFile(io.RawIOBase):
    """A new file at `path`, written as plaintext, stored encrypted to `to`. `close()` syncs it to disk; leaving it by
    an exception removes it."""

    def __init__(self, path: Path, to: pyrage.x25519.Recipient, limit: int) -> None:
        super().__init__()
        self.size = 0
        self.sealed: Sealed | None = None
        self._path, self._limit, self._to = path, limit, to
        self._content = hashlib.sha256()
        self._failure: BaseException | None = None
        self._out = _Hashing(path)
        self._gathered = bytearray()
        self._blocks = _Blocks()
        self._cipher = threading.Thread(target=self._encrypt, name=f"seal {path.name}", daemon=True)
        self._cipher.start()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any, /) -> int:
        """Raises PartTooLarge before anything beyond the limit is written; OSError if the disk refuses, at the latest
        when the file is closed."""
        if self.closed:
            raise ValueError("the part has ended")
        view = memoryview(data).cast("B")
        if self.size + len(view) > self._limit:
            raise PartTooLarge(self._path.name)
        self.size += len(view)
        self._gathered += view
        if len(self._gathered) >= BLOCK:
            if self._failure is not None:
                self._finish()
            self._hand_on()
        return len(view)

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._finish()
            self._out.sync()
            self.sealed = Sealed(self.size, self._content.hexdigest(), self._out.size, self._out.digest.hexdigest())
        finally:
            super().close()
            self._out.file.close()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None:
            self.close()
            return
        with contextlib.suppress(Exception):  # the first failure is the one to tell
            self.close()
        self._path.unlink(missing_ok=True)

    def _hand_on(self) -> None:
        block, self._gathered = self._gathered, bytearray()
        if block:
            self._blocks.put(block)
            self._content.update(block)

    def _encrypt(self) -> None:
        try:
            pyrage.encrypt_io(self._blocks, self._out, [self._to])
        except BaseException as failure:
            self._failure = failure
        finally:
            self._blocks.drain()  # a writer that still writes is not left waiting

    def _finish(self) -> None:
        if self._cipher.is_alive():  # it lives until it has come to the end
            self._hand_on()
            self._blocks.end()
            self._cipher.join()
        if self._failure is not None:
            raise OSError(f"sealing {self._path.name} failed") from self._failure


class _Blocks:
    """The plain side: what one thread puts, another reads as a file; only what the cipher needs of one."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | bytearray] = queue.Queue(AHEAD)  # an empty block is the end
        self._left, self._ended = memoryview(b""), False

    def put(self, block: bytearray) -> None:
        self._queue.put(block)

    def end(self) -> None:
        self._queue.put(b"")

    def read(self, size: int) -> bytes:
        if not self._left and not self._ended:
            self._left = memoryview(self._queue.get())
            self._ended = not self._left
        piece, self._left = bytes(self._left[:size]), self._left[size:]
        return piece

    def drain(self) -> None:
        """Takes what is still put, up to the end, and forgets it."""
        while self.read(BLOCK):
            pass


class _Hashing:
    """The encrypted side: a new file, its size and its digest. Only what the cipher needs of a file."""

    def __init__(self, path: Path) -> None:
        self.file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb")
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self.file.flush()

    def sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
